"""What was asked, who was asked, and where the answers are: one SQLite file for all runs of a project.

In come plans, jobs and answers; out go rows by their state. Open `book.py` first (what changes it), then `queries.py`
(what it is asked) and `claims.py` (who may ask a question).
"""

from codebook.ledger.book import FoundLine, Ledger, PlannedRow, open_known, say_unknown
from codebook.ledger.claims import MEND_READ_ONLY
from codebook.ledger.migrations import MIGRATIONS
from codebook.ledger.queries import InvalidReply, JobRow, RetriedRow, RowState
from codebook.ledger.reports import iter_columns
from codebook.ledger.spending import KEPT, Money

__all__ = [
    "KEPT",
    "MEND_READ_ONLY",
    "MIGRATIONS",
    "FoundLine",
    "InvalidReply",
    "JobRow",
    "Ledger",
    "Money",
    "PlannedRow",
    "RetriedRow",
    "RowState",
    "iter_columns",
    "open_known",
    "say_unknown",
]
