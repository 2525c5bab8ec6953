"""The coding form as a page of this machine's own: a coder without Python opens an address, and codes.

In come sessions, one a coder; out go the page, its views, and the acts that the page sends. Open `form_server.py`
first, then `doorkeeper.py` (who may come in) and `desks.py` (one coder's session, however many windows show it).
"""
