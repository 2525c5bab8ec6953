"""A table or figure as a person sees it, the same in the notebook and in the report: sentence, figure, table, note."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from codebook.outputs.cells import rows_html
from codebook.visible import escape_block

_DOT = 96 / 300  # figures are saved at 300 dots an inch; a screen counts 96


def block_html(printed: dict[str, Any], *, finding: str = "", note: str = "", png: bytes = b"", title: str = "") -> str:
    """Return a block of HTML: the finding, the figure, the table as it is printed, and the note.

    Parameters
    ----------
    printed
        Of `print_rows`: the head, the first rows and how many there are; empty for no table.
    png
        The figure as a PNG; empty for none.
    """
    parts = [f"<p>{escape_block(finding)}</p>" if finding else "", image_html(png, title) if png else ""]
    if printed:
        parts.append(rows_html(printed, turn=True))
    words = " ".join(filter(None, [say_rest(printed), note]))
    parts.append(f'<p class="note">{escape_block(words)}</p>' if words else "")
    return "".join(parts)


def image_html(png: bytes, title: str) -> str:
    """Return a picture inside the page, in the size in which it is printed."""
    width = round(int.from_bytes(png[16:20], "big") * _DOT)  # the width in the header of a PNG
    source = f"data:image/png;base64,{b64encode(png).decode()}"
    return f'<figure><img alt="{escape_block(title)}" style="width: {width}px" src="{source}"></figure>'


def say_rest(printed: dict[str, Any]) -> str:
    """Say that there are more rows than those shown, or none.

    Examples
    --------
    >>> say_rest({"rows": [["a"]] * 16, "n_rows": 40})
    'The first 16 of 40 rows; the saved csv has all.'
    """
    if not printed:
        return ""
    if not printed["n_rows"]:
        return "There is no row."
    more = printed["n_rows"] > len(printed["rows"])
    return f"The first {len(printed['rows'])} of {printed['n_rows']:,} rows; the saved csv has all." if more else ""
