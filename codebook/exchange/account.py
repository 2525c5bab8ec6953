"""What became of every record of a file and of every row made of it: sums that close, or an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

from codebook.errors import Fault, TableError
from codebook.ground.quantities import say_count
from codebook.outputs import frames_html

STATUSES = {
    "coded": "coded: labels, and none as an answer",
    "empty": "seen and submitted without a code",
    "skipped": "skipped by the coder",
    "rejected": "rejected",
    "draft": "drafts, never submitted",
    "prediction": "from a model, not from a coder",
    "test": "tests and previews",
    "missing": "no answer to this variable",
    "not_seen": "not seen by anybody",
    "uncoded": "marked, without a code",
}
"""Status of a row -> what it means, in the order in which an account shows it."""


@dataclass(frozen=True, repr=False)
class Account:
    """What happened to every record and row of a file. It is an error if its sums do not add up.

    Attributes
    ----------
    files
        Names of the files that were read.
    records
        Records in them: annotations, lines or rows, as the tool writes them.
    n_used
        Those that gave rows.
    aside
        Why the others gave none -> how many.
    made
        Rows that the records gave, and `stated` those that `coded_by` added.
    by_status
        Status -> rows.
    dropped
        Rows of answers that `duplicates` set aside, because the coder answered twice.
    coders
        Coder -> units with a label of this coder, or with the answer that none fits.
    units
        Distinct units, and how many of them have so many coders.

    Raises
    ------
    TableError
        The sums do not close.

    Examples
    --------
    >>> Account(("a.json",), 3, 2, {"a relation": 1}, 4, by_status={"coded": 3, "skipped": 1})
    files                                      1
    records read                               3
    - that gave rows                           2
    - that gave none: a relation               1
    rows                                       4
    - coded: labels, and none as an answer     3
    - skipped by the coder                     1
    coders                                     0
    units                                      0
    """

    files: tuple[str, ...]
    records: int
    n_used: int
    aside: Mapping[str, int] = field(default_factory=dict)
    made: int = 0
    stated: int = 0
    by_status: Mapping[str, int] = field(default_factory=dict)
    dropped: int = 0
    coders: Mapping[str, int] = field(default_factory=dict)
    units: int = 0
    units_by_coders: Mapping[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        sums = (
            ("records", self.records, self.n_used + sum(self.aside.values())),
            ("rows", self.made + self.stated, self.dropped + sum(self.by_status.values())),
            ("units", self.units, sum(self.units_by_coders.values())),
        )
        faults = [
            Fault(
                ", ".join(self.files),
                f"{total:,} {what}, of which only {parts:,} are accounted for",
                "please report this: it is an error of the kit",
            )
            for what, total, parts in sums
            if total != parts
        ]
        TableError.raise_any("The account of the file does not add up.", faults)

    def lines(self) -> Iterator[tuple[str, int]]:
        """Yield what is counted and how many; parts of the line above begin with a hyphen."""
        yield "files", len(self.files)
        yield "records read", self.records
        if self.aside:
            yield "- that gave rows", self.n_used
            yield from ((f"- that gave none: {reason}", n) for reason, n in self.aside.items())
        yield "rows", self.made + self.stated
        yield from ((f"- {words}", self.by_status[name]) for name, words in STATUSES.items() if name in self.by_status)
        if self.dropped:
            yield "- of answers given twice, left out", self.dropped
        if self.stated:
            yield "of these rows added by `coded_by`", self.stated
        yield "coders", len(self.coders)
        yield from ((f"- units of {name or 'nobody who is named'}", n) for name, n in self.coders.items())
        yield "units", self.units
        for n, times in sorted(self.units_by_coders.items()):
            yield (f"- coded by {n:,}" if n else "- coded by nobody"), times

    def frame(self) -> pd.DataFrame:
        """The account as a frame: what is counted, and how many."""
        return pd.DataFrame(self.lines(), columns=["what", "n"])

    def sentence(self) -> str:
        """The account in one sentence, for the notes of codings."""
        statuses = [f"{n:,} {name.replace('_', ' ')}" for name, n in self.by_status.items()]
        statuses += [f"{self.dropped:,} of answers given twice"] if self.dropped else []
        aside = [f"{n:,} of them left out ({reason})" for reason, n in self.aside.items()]
        uncoded = self.units_by_coders.get(0, 0)
        units = f"{say_count(self.units, 'unit')}, {uncoded:,} of them coded by nobody"
        rows = f"{say_count(self.made + self.stated, 'row')}: {', '.join(statuses) or 'none'}"
        return "; ".join([f"{say_count(self.records, 'record')} read", *aside, rows, units]) + "."

    def __repr__(self) -> str:
        width = max(len(what) for what, _ in self.lines())
        return "\n".join(f"{what:<{width}}  {n:>5,}" for what, n in self.lines())

    def _repr_html_(self) -> str:
        return frames_html(self.frame())
