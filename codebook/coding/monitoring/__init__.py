"""How does the coding go, and do coders agree so far? For who leads the coding; no coder sees it while coding.

In come codings of logs, with the time of each label, or a coding folder; out come `Result`s, and a board of all of
them for a notebook or as a page. Open `monitoring_board.py` first.
"""
