"""A table or figure as a person sees it, the same in the notebook and in the report: sentence, figure, table, note."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any

from codebook.outputs.cell_numbers import head_text
from codebook.outputs.cells import print_rows, rows_html
from codebook.outputs.figure_style import DPI, SCREEN
from codebook.outputs.panels import lay_out, say_layout
from codebook.outputs.templating import render

if TYPE_CHECKING:
    import pandas as pd

_DOT = SCREEN * 96 / DPI  # a screen counts 96 dots an inch


def block_html(
    printed: dict[str, Any], *, finding: str = "", note: str = "", png: bytes = b"", alt: str = "", csv: str = ""
) -> str:
    """Return a block of HTML: the finding, the figure, the table as it is printed, and the note.

    Parameters
    ----------
    printed
        Of `print_rows`: the head, the first rows and how many there are; empty for no table.
    png
        The figure as a PNG; empty for none. It is shown half as large again as it is printed.
    alt
        What the figure says, for a person who does not see it.
    csv
        Address of the file that has all rows and digits, which is linked where the table has not.

    Examples
    --------
    >>> block_html({}, finding="Coders agree.").endswith("<p>Coders agree.</p>")
    True
    """
    layout = say_layout(lay_out(printed)) if printed else ""
    table = rows_html(printed) if printed else ""
    width = round(int.from_bytes(png[16:20], "big") * _DOT)  # the width in the header of a PNG
    shown = {"finding": finding, "alt": alt, "picture": b64encode(png).decode(), "width": width}
    words = " ".join(filter(None, [layout, note]))
    return render("block.html.j2", table=table, rest=say_rest(printed), csv=csv, note=words, **shown)


def frames_html(*parts: pd.DataFrame | str) -> str:
    """Return frames, whose columns are named as in Python, and sentences, one below the other, for a notebook.

    Examples
    --------
    >>> from pandas import DataFrame
    >>> frames_html(DataFrame({"n_units": [3]}), "All of them.").count("<table")
    1
    """
    shown = [(part, False) if isinstance(part, str) else (_named_html(part), True) for part in parts]
    return render("frames.html.j2", parts=shown)


def _named_html(frame: pd.DataFrame) -> str:
    printed, names = print_rows(frame, len(frame)), {head_text(name): str(name) for name in frame}
    return rows_html(printed | {"columns": [names[name] for name in printed["columns"]]})


def say_rest(printed: dict[str, Any]) -> str:
    """Say that there are more rows than those shown, or none.

    Examples
    --------
    >>> say_rest({"rows": [["a"]] * 16, "n_rows": 40})
    'The first 16 of 40 rows; the saved csv has all rows and digits.'
    """
    if not printed:
        return ""
    if not printed["n_rows"]:
        return "There is no row."
    n_shown, n_rows = len(printed["rows"]), printed["n_rows"]
    return f"The first {n_shown} of {n_rows:,} rows; the saved csv has all rows and digits." if n_rows > n_shown else ""
