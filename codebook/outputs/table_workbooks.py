"""A result as a workbook: the table as it is printed, all its digits, and what it is, each on a sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codebook.files.workbook_writer import SheetOfFrame, make_workbook

if TYPE_CHECKING:
    import pandas as pd

    from codebook.outputs.entries import OutputEntry


def table_workbook(printed: dict[str, Any], frame: pd.DataFrame, entry: OutputEntry) -> bytes:
    """Return the workbook of a result.

    Parameters
    ----------
    printed, frame
        All rows as a paper prints them, and what has every digit.
    entry
        Its title, finding and note.
    """
    import pandas as pd

    texts = pd.DataFrame(printed["rows"], columns=printed["columns"])
    right = [name for name, number in zip(printed["columns"], printed["numeric"], strict=True) if number]
    about = {"title": entry.title, "finding": entry.finding, "note": entry.note}
    words = pd.DataFrame([(name, text) for name, text in about.items() if text], columns=["what", "words"])
    sheets = [SheetOfFrame("table", texts, right), SheetOfFrame("all digits", frame), SheetOfFrame("about", words)]
    return make_workbook(sheets)
