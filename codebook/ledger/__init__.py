"""What was asked, who was asked, and where the answers are: one SQLite file for all runs of a project."""

from codebook.ledger.book import Ledger, PlannedRow
from codebook.ledger.migrations import MIGRATIONS
from codebook.ledger.queries import JobRow, RetriedRow, RowState

__all__ = ["MIGRATIONS", "JobRow", "Ledger", "PlannedRow", "RetriedRow", "RowState"]
