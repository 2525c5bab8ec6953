"""What a reader of any tool gives back: tidy rows, what the file cannot say, and an account whose sums close.

A reader is one file of this room, named in `registry.FORMATS`. It has `TITLE` (the tool, for people),
`looks_like(source) -> bool` (by content, never by suffix) and `read_export(source, options) -> Reading`, and fills a
`Collector`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from codebook.errors import Fault, TableError
from codebook.exchange.account import Account
from codebook.ground.quantities import say_count
from codebook.outputs import frames_html
from codebook.visible import spell_line

WHOLE = "*"
"""In place of a variable: the whole unit."""
UNKNOWN_CODER, MODEL = "(unknown)", "(model)"
_N_SHOWN = 10
_OPTIONAL = ("start", "end", "quote", "note", "time")


class ExportRow(NamedTuple):
    """A coder's label for a variable of a unit, or why there is none; coded spans have one row each.

    Attributes
    ----------
    label
        Text; of a variable that holds sets a JSON list, sorted. "" where there is none.
    status
        One of `account.STATUSES`. Only what is `coded` is a label.
    start, end
        Python code points, end exclusive; None where there is no span.
    answer
        Tells the answers of a coder who answered twice apart, by number; 0 where the file has no answers but codings.

    Examples
    --------
    >>> ExportRow("u1", "ann", "tone", "good").status
    'coded'
    """

    unit: str
    coder: str
    variable: str
    label: str = ""
    status: str = "coded"
    start: int | None = None
    end: int | None = None
    quote: str = ""
    note: str = ""
    time: str = ""
    answer: int = 0


@dataclass(frozen=True, repr=False)
class Reading:
    """The content of a file from another tool.

    Attributes
    ----------
    format
        The name of the format, as in `registry.FORMATS`.
    title
        The tool, for people.
    rows
        Everything that the file says, labels and what is none of them.
    account
        What became of every record and row.
    notes
        What was taken for granted and what a person should look at, in sentences.
    questions
        What the file cannot say: each names the option that answers it. Rows become `Codings` when none is left.
    sets
        The variables whose labels are lists.
    unit
        The fields that were taken for the unit's id; empty for the tool's own number.

    Examples
    --------
    >>> import codebook as cb
    >>> from pathlib import Path
    >>> _ = Path("done.jsonl").write_text('{"id": 1, "text": "Coal.", "label": ["economy"]}')
    >>> reading = cb.exchange.open_export("done.jsonl")
    >>> reading.title, len(reading.rows)
    ('doccano', 1)
    """

    format: str
    title: str
    rows: Sequence[ExportRow]
    account: Account
    notes: tuple[str, ...] = ()
    questions: tuple[Fault, ...] = ()
    sets: frozenset[str] = field(default_factory=frozenset)
    unit: tuple[str, ...] = ()

    @property
    def labels(self) -> list[ExportRow]:
        """The rows with a label, or with the answer that none fits."""
        return [row for row in self.rows if row.status == "coded"]

    @property
    def variables(self) -> list[str]:
        """The variables that were coded, in order of appearance."""
        return list(dict.fromkeys(row.variable for row in self.rows if row.variable != WHOLE))

    def frame(self) -> pd.DataFrame:
        """The rows as a frame, one column per attribute of a row, `answer` left out."""
        frame = pd.DataFrame(self.rows, columns=list(ExportRow._fields)).drop(columns="answer")
        return frame.astype({"start": "Int64", "end": "Int64"})

    def require_answers(self) -> None:
        """Raise what the file cannot say and nobody has answered.

        Raises
        ------
        TableError
            Lists every question, each with the option that answers it.
        """
        TableError.raise_any(f"{self.account.files[0]} lacks some information.", self.questions)

    def _parts(self) -> tuple[str, pd.DataFrame, pd.DataFrame, list[str]]:
        first = self.frame().head(_N_SHOWN)
        head = first.drop(columns=[name for name in _OPTIONAL if _is_empty(first[name])])
        words = [spell_line(note) for note in self.notes]
        words += [f"Missing: {spell_line(str(question))}" for question in self.questions]
        return f"{self.title}: {say_count(len(self.labels), 'label')}.", head.map(_visible), self.account.frame(), words

    def __repr__(self) -> str:
        title, head, _, words = self._parts()
        rows = head.to_string(index=False) if len(head) else ""
        return "\n\n".join(filter(None, [title, rows, repr(self.account), "\n".join(words)]))

    def _repr_html_(self) -> str:
        title, head, account, words = self._parts()
        return frames_html(title, head, account, *words)


def _is_empty(column: pd.Series[Any]) -> bool:
    return bool((column.isna() | (column == "")).all())


def _visible(cell: Any) -> Any:
    if isinstance(cell, str):
        return spell_line(cell if len(cell) <= 60 else f"{cell[:57]}...")
    return "" if pd.isna(cell) else cell


@dataclass(frozen=True)
class ReadOptions:
    """Settings for reading a file from another tool; each reader uses those that apply to it.

    Attributes
    ----------
    unit
        The fields that hold the unit's id; several are joined by `/`.
    unit_name
        The one unit that a survey is about, where no field holds its id.
    rename_coders
        Name in the file -> name in the table.
    coder_name
        Who coded, where the file names nobody.
    coded_by
        Coder -> the units that this coder was asked to code: what of them has no code was seen, and none fits. The one
        word "all": every coder of the file coded every unit of it.
    duplicates
        What to do where a coder answered twice: "error" (a question), "first" or "last".
    columns
        What the readers of tables call a column -> its heading in this file.
    variables
        Name in the file -> name in the table; "" leaves the variable out.
    only
        The variables of the codebook, where there is one.
    sets
        Those of them that hold sets; None where it is not known, and the file decides.
    labels
        Variable -> its labels, where they are known.
    texts
        Unit -> its text, for spans of files that have no text.
    end
        REFI-QDA: whether the end of a passage is "exclusive" or, as in the "standard", its last character; where no
        quote of the file shows it.
    confirmed
        doccano: the export of confirmed examples only, beside that of all.
    accept
        What a person takes upon themselves, in the words of a question.

    Examples
    --------
    >>> ReadOptions(coded_by="all").coded_by
    'all'
    """

    unit: tuple[str, ...] = ()
    unit_name: str = ""
    rename_coders: Mapping[str, str] = field(default_factory=dict)
    coder_name: str = ""
    coded_by: Mapping[str, Iterable[str]] | str = field(default_factory=dict)
    duplicates: str = "error"
    columns: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    only: frozenset[str] = frozenset()
    sets: frozenset[str] | None = None
    labels: Mapping[str, Sequence[str]] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    end: str = ""
    confirmed: str = ""
    accept: frozenset[str] = frozenset()
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""

    def rename(self, variable: str) -> str:
        """The name of a variable in the table; "" where it is left out."""
        return self.variables.get(variable, variable)
