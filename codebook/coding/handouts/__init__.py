"""What a coder takes away and hands back: a workbook for a spreadsheet, or a page that needs no server.

In come a coder's units and the codebook; out go files, and, when they come back, acts in the coder's log. Open
`handout.py` first, then `workbook_sheets.py` and `workbook_answers.py`.
"""

from codebook.coding.handouts.handing import HandedOut, read_handout, write_pages, write_workbooks
from codebook.coding.handouts.page_answers import read_page
from codebook.coding.handouts.returns import Change, Returned, read_workbook

__all__ = [
    "Change",
    "HandedOut",
    "Returned",
    "read_handout",
    "read_page",
    "read_workbook",
    "write_pages",
    "write_workbooks",
]
