"""Labels of people in the files of other tools: read with an account whose sums close, and written.

In comes an export; out go rows of codings, and what became of every other row. Open `reading.py` first: what a reader
of any tool gives back; then `registry.py`, which lists the tools and opens a file, and the file of a tool.
"""

from typing import TYPE_CHECKING

from codebook.ground.lazy_rooms import lazy_names

if TYPE_CHECKING:
    from codebook.exchange.account import STATUSES, Account
    from codebook.exchange.labelling.task_writing import add_suggestions, write_tasks
    from codebook.exchange.qda.refi_writing import write_refi_project
    from codebook.exchange.reading import ExportRow, Reading, ReadOptions
    from codebook.exchange.registry import FORMATS, open_export
    from codebook.exchange.surveys.statistics_writing import write_statistics
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    "FORMATS",
    "STATUSES",
    "Account",
    "ExportRow",
    "ReadOptions",
    "Reading",
    "add_suggestions",
    "open_export",
    "write_refi_project",
    "write_statistics",
    "write_tasks",
]
