"""One coder's work: what a form shows, what it may answer, and acts that are on disk before they are acknowledged.

In come the rows of a coder, the codebook, the units and the log; out go views, and lines of the log. Open `session.py`
first, then `session_view.py`, the contract of every form.
"""
