"""A frame as texts for readers: rounded, intervals in brackets, empty columns left out; and as HTML.

As HTML it is a table, or a block of finding, table, picture and note.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

from codebook.ground.quantities import UNKNOWN
from codebook.ground.whys import WHYS
from codebook.outputs.cell_numbers import (
    capital_head,
    column_texts,
    head_text,
    interval_texts,
    is_blank,
    reads_as_number,
    to_number,
    word_text,
)
from codebook.outputs.figure_style import DPI, SCREEN
from codebook.outputs.panels import has_intervals, lay_out, say_layout
from codebook.outputs.templating import render

if TYPE_CHECKING:
    import pandas as pd

_LONG = 60
"""Characters from which on a cell holds a sentence."""
_NAMES = (
    *("coder", "variable", "label", "name", "group", "level", "a", "b", "unit_id", "baseline_label", "reason"),
    *("unit", "id", "custom_id", "run_id", "text", "gold", "model", "run"),
)
"""Columns that are shown to the letter, even where they look like numbers."""


SHOWN_ROWS = 16
"""Rows of a table that a notebook and the report show."""


def print_rows(
    frame: pd.DataFrame, most: int = SHOWN_ROWS, *, places: int = 2, names: Collection[str] | None = None
) -> dict[str, Any]:
    """Return the first rows of a frame as they are printed: `columns`, `numeric`, `rows` (texts) and `n_rows` in all.

    Parameters
    ----------
    places, names
        As in `frame_texts`.

    Examples
    --------
    >>> import pandas as pd
    >>> print_rows(pd.DataFrame({"label": ["a"], "alpha": [0.5], "low": [0.25], "high": [0.75]}))
    {'columns': ['label', 'alpha'], 'numeric': [False, True], 'rows': [['a', '.50 [.25, .75]']], 'n_rows': 1}
    """
    texts, numeric = frame_texts(frame.head(most), places, names)
    rows = [list(row) for row in texts.itertuples(index=False, name=None)]
    return {"columns": list(texts.columns), "numeric": numeric, "rows": rows, "n_rows": len(frame)}


def frame_html(frame: pd.DataFrame, names: Collection[str] | None = None) -> str:
    """Return a whole frame as an HTML table. Every text is escaped; the saved csv has all columns and digits.

    Examples
    --------
    >>> import pandas as pd
    >>> "<td>a &lt; b</td>" in frame_html(pd.DataFrame({"label": ["a < b"]}))
    True
    """
    return rows_html(print_rows(frame, len(frame), names=names))


def rows_html(printed: dict[str, Any]) -> str:
    """Return printed rows as HTML tables no wider than a page: turned or in parts where one would be.

    Examples
    --------
    >>> from codebook.outputs import print_rows
    >>> from pandas import DataFrame
    >>> rows_html(print_rows(DataFrame({"Label": ["a"], "n": [3]})))[:50]
    '<div class="scroll"><table><thead><tr><th>Label</t'
    """
    panels = [
        {
            "columns": list(zip(panel.columns, map(_kind, panel.texts, panel.numeric), strict=True)),
            "rows": panel.rows,
            "is_turned": panel.is_turned,
        }
        for panel in lay_out(printed)
    ]
    return render("table.html.j2", panels=panels)


def _kind(texts: Sequence[str], number: bool) -> str:
    """The class of a column's cells: numbers stand right, those with intervals by their blanks; words have room."""
    if number:
        return "i" if has_intervals(texts) else "n"
    return "words" if max(map(len, texts), default=0) > _LONG else ""


def text_html(text: str) -> str:
    """Return a text as HTML paragraphs, escaped, with blanks such as ``[Say why.]`` marked.

    Examples
    --------
    >>> text_html("n < 9. [Say why.]")
    '<p>n &lt; 9. <mark>[Say why.]</mark></p>'
    """
    paragraphs = [re.split(r"(\[[A-Z][^\]]*\])", part.strip()) for part in text.split("\n\n") if part.strip()]
    marked = [[(words, at % 2 == 1) for at, words in enumerate(parts)] for parts in paragraphs]
    return render("paragraphs.html.j2", paragraphs=marked)


def frame_texts(
    frame: pd.DataFrame, places: int = 2, names: Collection[str] | None = None
) -> tuple[pd.DataFrame, list[bool]]:
    """Return a frame as it is printed, all text, and whether each column holds numbers.

    Parameters
    ----------
    places
        Decimals of all figures of the frame: three where more than 1,000 units carry them.
    names
        Columns that are names of coders, runs or labels, which are printed to the letter; the others have a capital.
        None for a frame of a person's own, of which no column is ours to write otherwise.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"label": ["1", "b"], "f1": [0.5, 0.25], "f1_low": [0.4, 0.1], "f1_high": [0.6, 0.4]})
    >>> texts, numeric = frame_texts(frame)
    >>> texts.to_numpy().tolist(), numeric
    ([['1', '.50 [.40, .60]'], ['b', '.25 [.10, .40]']], [False, True])
    """
    import pandas as pd

    shown = drop_empty(join_intervals(frame, places))
    shown = shown[sorted(shown.columns, key=lambda name: name == "reason")]  # words last: a page cuts wide tables there
    measures = _list_measures(shown)
    numeric = [_is_numeric(shown[name]) for name in shown.columns]
    columns = {
        name: [text or UNKNOWN for text in column_texts(name, list(shown[name]), places, measures)]
        if number
        else list(map(word_text, shown[name]))
        for name, number in zip(shown.columns, numeric, strict=True)
    }
    texts = pd.DataFrame(columns, index=range(len(shown)), dtype=object)
    return texts.set_axis([_head(name, names) for name in shown.columns], axis=1), numeric


def _head(name: object, names: Collection[str] | None) -> str:
    if names is None:
        return head_text(name)
    return str(name) if name in names else capital_head(name)


def join_intervals(frame: pd.DataFrame, places: int = 2) -> pd.DataFrame:
    """Put `x_low` and `x_high` behind their `x`, in brackets; plain `low` and `high` belong to `alpha` or `value`.

    Examples
    --------
    >>> import pandas as pd
    >>> join_intervals(pd.DataFrame({"f1": [0.5], "f1_low": [0.25], "f1_high": [1.0]}))
                    f1
    0  .50 [.25, 1.00]
    """
    joined, measures = frame.astype(object), _list_measures(frame)
    for name in [str(column) for column in frame.columns]:
        plain = name in ("alpha", "value") and f"{name}_low" not in frame
        low, high = ("low", "high") if plain else (f"{name}_low", f"{name}_high")
        if low in frame and high in frame:
            rows = list(frame[[name, low, high]].itertuples(index=False, name=None))
            joined[name] = interval_texts(name, rows, places, measures)
            joined = joined.drop(columns=[low, high])
    return joined


def _list_measures(frame: pd.DataFrame) -> list[str]:
    """What each row is about, where the rows of a frame are different quantities."""
    return frame["measure"].astype(str).tolist() if "measure" in frame else []


def drop_empty(frame: pd.DataFrame) -> pd.DataFrame:
    """Leave out columns without a value, and whys of a coverage that never occur; without a row every column stays."""
    if not len(frame):
        return frame
    empty = [
        name
        for name in frame.columns
        if all(map(is_blank, frame[name])) or (name in WHYS and all(to_number(value) == 0 for value in frame[name]))
    ]
    return frame.drop(columns=empty)


def _is_numeric(column: pd.Series[Any]) -> bool:
    return column.name not in _NAMES and all(map(reads_as_number, column))


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
