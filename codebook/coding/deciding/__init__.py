"""Where coders differ, a person decides: in the form in which they coded, without knowing who said what.

In come the logs of a coding folder, and perhaps labels of models; out goes a log of decisions, which
`cb.adjudicate` puts among the codings as a coder of their own. Open `adjudicating.py` first, then `sides.py`.
"""
