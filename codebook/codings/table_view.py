"""A table as a notebook or a terminal shows it: its first rows, with their texts where wanted, and its coverage."""

from __future__ import annotations

from collections.abc import Sequence
from shutil import get_terminal_size

import pandas as pd

from codebook.analysis.core.checks import check_columns, raise_faults
from codebook.codings.coverage_counts import count_coverage, coverage_sentence
from codebook.codings.label_counts import shorten_names
from codebook.codings.wide import Texts, to_wide
from codebook.ground.whys import WHYS
from codebook.outputs import frames_html
from codebook.visible import spell_line

_N_LINES, _N_SIGNS, _N_COLUMNS, _WIDTH = 60, 400, 7, 100


def show_table(table: pd.DataFrame, n: int = 10, *, units: Texts | None = None, notes: Sequence[str] = ()) -> TableView:
    """Show the first rows of a table, its coverage and notes under them; with `units`, each label beside its text.

    Examples
    --------
    >>> from codebook.codings import make_table
    >>> show_table(make_table([{"unit_id": "7", "coder": "ann", "variable": "topic", "label": "sports"}]))
    unit_id coder variable  label  draw why run_id custom_id
          7   ann    topic sports     0
    <BLANKLINE>
    1 asked = 1 labelled
    coder variable  asked  labelled
      ann    topic      1         1
    """
    raise_faults("The table cannot be shown.", check_columns(table))
    return TableView(table, n, units, notes)


def beside_texts(table: pd.DataFrame, units: Texts) -> pd.DataFrame:
    """Return each label beside the text it was given to, with why and detail where there is none."""
    wide = to_wide(table, units)
    several = [name for name in ("coder", "variable", "draw") if name in wide]
    rows = wide[["id", *several, "label", "error_info", "quote"]].rename(columns={"error_info": "why", "quote": "text"})
    return rows.drop(columns=[] if rows["why"].ne("").any() else ["why"])


class TableView:
    """A table as a notebook or a terminal shows it: texts of the data are shown, and never run or interpreted.

    Examples
    --------
    >>> import codebook as cb
    >>> view = cb.show_table(cb.open_run("topics").table(), n=2)
    >>> "The first 2 of 12 rows" in repr(view)
    True
    """

    def __init__(self, table: pd.DataFrame, n: int = 10, units: Texts | None = None, notes: Sequence[str] = ()) -> None:
        self.table, self.n, self.notes = shorten_names(table), n, notes
        head = self.table.head(n)
        self.head = head if units is None else beside_texts(head, units)

    def _notes(self) -> list[str]:
        """What was read and what did not meet, as the table tells it."""
        return [spell_line(note) for note in self.notes]

    def _parts(self) -> tuple[pd.DataFrame, str, pd.DataFrame]:
        counted = count_coverage(self.table)
        occurring = [why for why in WHYS if counted[why].any()]
        counted = counted[["coder", "variable", "asked", "labelled", *occurring]]
        sentence = coverage_sentence(self.table)
        if len(self.table) > self.n:
            sentence = f"The first {self.n:,} of {len(self.table):,} rows. {sentence}"
        return _visible(self.head), sentence, _visible(counted)

    def __repr__(self) -> str:
        head, sentence, counted = self._parts()
        lines = [*_fit_columns(head), "", sentence, *_fit_columns(counted), *self._notes()]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        head, sentence, counted = self._parts()
        rest = ", ".join(map(str, head.columns[_N_COLUMNS:]))
        sentence = f"{sentence} More columns: {rest}." if rest else sentence
        short = head.iloc[:, :_N_COLUMNS].map(
            lambda cell: cell if not isinstance(cell, str) or len(cell) <= _N_SIGNS else f"{cell[:_N_SIGNS]}..."
        )
        return frames_html(short, sentence, counted, *self._notes())


def _fit_columns(frame: pd.DataFrame) -> list[str]:
    """Lines with the first columns that a terminal has room for, and a sentence on the others, if there are any."""
    width = min(_WIDTH, get_terminal_size((_WIDTH, 24)).columns)
    widths = [max(map(len, _print(frame.iloc[:, :n]).splitlines())) for n in range(1, len(frame.columns) + 1)]
    n = max(1, sum(each <= width for each in widths))
    rest = ", ".join(map(str, frame.columns[n:]))
    return [*_print(frame.iloc[:, :n]).splitlines(), *([f"More columns: {rest}."] if rest else [])]


def _print(frame: pd.DataFrame) -> str:
    return frame.to_string(index=False, na_rep="", max_colwidth=50, max_rows=_N_LINES)


def _visible(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy in which control characters show as `\\x1b`: a terminal must not obey a text."""
    texts: list[str] = [str(name) for name in frame.columns if pd.api.types.is_string_dtype(frame[name].dtype)]
    return frame.assign(**{name: frame[name].map(spell_line, na_action="ignore") for name in texts})
