"""People code: who codes what, what they said, act by act, and the form in which they say it.

In come units and a codebook; out go assignments, and one append-only log a coder, which `Codings` read. Open
`assignments.py` first, then `session.py` (one coder's work, whichever face shows it).
"""
