"""People code: who codes what, what they said, act by act, and the form in which they say it.

    Design, assign, write_assignment, read_assignment     who codes what, drawn and kept in a coding folder
    open_session                                          one coder's work, whichever face shows it
    read_logs                                             what all of them said, as `Codings`

In come units and a codebook; out go assignments, and one append-only log a coder. Open `assignments.py` first, then
`session.py`; what a form is shown and may answer stands in `session_view.py`, a log in `coding_log.py`.
"""

from codebook.coding.assigning import Design
from codebook.coding.assignments import Assigned, Assignment, assign, read_assignment, write_assignment
from codebook.coding.coding_log import CodingLog
from codebook.coding.session import CodingSession, SessionPlan, open_session

__all__ = [
    "Assigned",
    "Assignment",
    "CodingLog",
    "CodingSession",
    "Design",
    "SessionPlan",
    "assign",
    "open_session",
    "read_assignment",
    "write_assignment",
]
