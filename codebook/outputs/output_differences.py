"""Two folders of saved outputs held against each other: which figure, cell or sentence is another one now.

A csv is compared cell by cell, a text and the sentences of the manifest one by one. The other files of an output are
drawn or set from these: where they alone differ, no figure does, and that is said in words.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from difflib import SequenceMatcher
from itertools import takewhile, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from codebook.files.digests import digest_of, read_run_record
from codebook.ground.quantities import is_or_are, say_count
from codebook.outputs.entries import OutputEntry, changed_files, read_outputs

if TYPE_CHECKING:
    import pandas as pd

_SENTENCE_END = re.compile(r"(?<=[.!?\]])\s+")
_FIGURE = re.compile(r"[-+]?(\d[\d,]*\.?\d*|\.\d+)(e[-+]?\d+)?|nan|", re.IGNORECASE)
_ROWS_OF_TABLE = ("unit_id", "variable", "coder", "draw")
"""What tells the rows of a run's table.csv apart."""
_OF_THE_ASKING = {"batch_id", "seconds"}
"""Columns of it that say by which job and how fast an answer came: no figure of the study."""
_OF_TEXTS = {"detail"}
"""Columns of it that quote answers: where texts are withheld, what is quoted is what stands in their place."""


class Difference(NamedTuple):
    """One figure or sentence that differs: its file, row and column, and what stands there before and after."""

    file: str
    row: str
    column: str
    before: str
    after: str

    def __str__(self) -> str:
        place = ", ".join(filter(None, [self.file, self.row, self.column]))
        n_same = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(self.before, self.after, strict=False)))
        start = max(0, n_same - 40) if len(self.before) + len(self.after) > 200 else 0
        shown = [f"{'...' * bool(start)}{_cut(text[start:])}" for text in (self.before, self.after)]
        return f"{place}: {' -> '.join(shown)}"


@dataclass(frozen=True)
class Differences:
    """What differs between two folders of outputs.

    Attributes
    ----------
    rows
        Each figure or sentence that differs.
    n_same
        Files that are the same to the byte.
    unmade
        Outputs that only the first folder has.
    fresh
        Outputs that only the second has.
    by_hand
        Files of the first that a person changed after they were saved: they are not compared.
    n_listed
        Files of which the first folder holds the SHA-256 alone, as where an archive leaves pictures out.
    redrawn
        Those of them that have another one now.
    set_anew
        Files whose bytes differ and whose figures do not: another state of the kit draws or sets them otherwise.
    """

    rows: tuple[Difference, ...] = ()
    n_same: int = 0
    unmade: tuple[str, ...] = ()
    fresh: tuple[str, ...] = ()
    by_hand: tuple[str, ...] = ()
    n_listed: int = 0
    redrawn: tuple[str, ...] = ()
    set_anew: tuple[str, ...] = ()

    @property
    def setting(self) -> str:
        """The sentence on what is drawn or set otherwise; empty where nothing is."""
        if not self.set_anew:
            return ""
        return f"Drawn or set otherwise by this state of the kit, with the same figures: {', '.join(self.set_anew)}."

    @property
    def frame(self) -> pd.DataFrame:
        """One row for each difference: file, row, column, before, after."""
        import pandas as pd

        return pd.DataFrame(self.rows, columns=list(Difference._fields), dtype=str)

    def __add__(self, other: Differences) -> Differences:
        return Differences(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    def sentences(self) -> Iterator[str]:
        """Say how much is the same, and what could not be held against anything."""
        n = len(self.rows)
        others = say_count(n, "figure or sentence differs", "figures or sentences differ")
        others = others if n else "no figure or sentence differs"
        yield f"{say_count(self.n_same, 'file')} {is_or_are(self.n_same)} the same to the byte; {others}."
        if self.unmade:
            yield f"Not made again, since none of these steps made them: {', '.join(self.unmade)}."
        if self.fresh:
            yield f"Made now and not in the archive: {', '.join(self.fresh)}."
        if self.by_hand:
            yield f"Changed by hand after they were saved, so not compared: {', '.join(self.by_hand)}."
        if self.n_listed:
            n_same = self.n_listed - len(self.redrawn)
            yield (
                f"Of {say_count(self.n_listed, 'more file')} the archive holds the SHA-256 alone, as of pictures: "
                f"{n_same:,} {is_or_are(n_same)} made again with it."
            )
        if self.redrawn:
            yield f"Not made with it, since figures or what draws and sets them changed: {', '.join(self.redrawn)}."
        if self.setting:
            yield self.setting


def compare_outputs(before: Path, after: Path, *, name: str = "outputs") -> Differences:
    """Hold the outputs of one folder against those of another; `name` stands before their files.

    Examples
    --------
    >>> import codebook as cb
    >>> saved = cb.coverage(cb.open_run("topics").codings()).save()
    >>> outputs = Path("runs/topics/outputs")
    >>> list(compare_outputs(outputs, outputs).sentences())
    ['5 files are the same to the byte; no figure or sentence differs.']
    """
    old, new = ({entry.name: entry for entry in read_outputs(folder)} for folder in (before, after))
    changed = changed_files(before)
    both = [(entry, new[entry.name]) for entry in old.values() if entry.name in new]
    listed = {file: sha for entry, _ in both for file, sha in entry.files.items() if not (before / file).is_file()}
    found = Differences(
        unmade=tuple(f"{name}/{each}" for each in sorted(old.keys() - new.keys())),
        fresh=tuple(sorted(new.keys() - old.keys())),
        by_hand=tuple(f"{name}/{file}" for file in sorted(changed)),
        n_listed=len(listed),
        redrawn=tuple(f"{name}/{file}" for file, sha in sorted(listed.items()) if not _is_same(after / file, sha)),
    )
    for entry, again in both:
        found += _compare_entry(entry, again, (before, after), name, changed | listed.keys())
    return found


def _is_same(path: Path, sha256: str) -> bool:
    return path.is_file() and digest_of(path) == sha256


def compare_records(before: Path, after: Path, name: str) -> Differences:
    """Hold the table and the outputs of a run against those that its archive has; `name` is that of the run."""
    table, again = before / "table.csv", after / "table.csv"
    there = table.is_file() and again.is_file()
    of_table = compare_files(table, again, f"{name}/table.csv", _ROWS_OF_TABLE) if there else Differences()
    is_withheld = there and "withheld" in read_run_record(before / "run.json")
    left = _OF_THE_ASKING | (_OF_TEXTS if is_withheld else set())
    labels = replace(of_table, rows=tuple(row for row in of_table.rows if row.column not in left))
    return labels + compare_outputs(before / "outputs", after / "outputs", name=f"{name}/outputs")


def compare_files(before: Path, after: Path, name: str, keys: Sequence[str] = ()) -> Differences:
    """Hold a csv or a text against another one; `keys` are the columns that tell the rows of a csv apart."""
    if digest_of(before) == digest_of(after):
        return Differences(n_same=1)
    compare = _compare_texts if before.suffix in (".md", ".txt") else _compare_tables
    return Differences(tuple(compare(before, after, name, keys)))


def _compare_entry(
    old: OutputEntry, new: OutputEntry, folders: tuple[Path, Path], name: str, skip: set[str]
) -> Differences:
    """The files of one output, and its sentences in the manifest."""
    before, after = folders
    rows = [
        Difference(f"{name}/{old.name}", "", what, getattr(old, what), getattr(new, what))
        for what in ("title", "finding", "note")
        if getattr(old, what) != getattr(new, what)
    ]
    found = Differences(tuple(rows))
    others = set[str]()
    for file in sorted(old.files.keys() - skip):
        pair = (before / file, after / file)
        if not pair[1].is_file():
            found += Differences((Difference(f"{name}/{file}", "", "", "there", "gone"),))
        elif file.endswith((".csv", ".md", ".txt")):
            found += compare_files(*pair, f"{name}/{file}")
        elif digest_of(pair[0]) == digest_of(pair[1]):
            found += Differences(n_same=1)
        else:
            others.add(f"{name}/{file}")
    if others and not found.rows:
        found += Differences(tuple(_compare_printed(old, new, f"{name}/{old.name}")))
    return found if found.rows else replace(found, set_anew=tuple(sorted(others)))


def _compare_printed(old: OutputEntry, new: OutputEntry, name: str) -> Iterator[Difference]:
    """The table as a paper prints it, from which Word, LaTeX and HTML are set; an early manifest does not hold it."""
    if not old.printed or not new.printed:
        return
    before, after = ([each.printed["columns"], *each.printed["rows"]] for each in (old, new))
    for number, pair in enumerate(zip_longest(before, after, fillvalue=())):
        if list(pair[0]) != list(pair[1]):
            yield Difference(name, f"row {number}", "as printed", *(" | ".join(map(str, row)) for row in pair))


def _compare_texts(before: Path, after: Path, name: str, _keys: Sequence[str]) -> Iterator[Difference]:
    old, new = (_SENTENCE_END.split(path.read_text(encoding="utf-8").strip()) for path in (before, after))
    for kind, start, end, other_start, other_end in SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes():
        if kind != "equal":
            pairs = zip_longest(old[start:end], new[other_start:other_end], fillvalue="")
            for number, (sentence, again) in enumerate(pairs, start + 1):
                yield Difference(name, f"sentence {number}", "", sentence, again)


def _compare_tables(before: Path, after: Path, name: str, keys: Sequence[str]) -> Iterator[Difference]:
    (head, old), (other_head, new) = _read_rows(before), _read_rows(after)
    for column in [*head, *other_head]:
        if (column in head) != (column in other_head):
            yield Difference(name, "", column, *("there" if column in each else "gone" for each in (head, other_head)))
    named = list(keys) or list(takewhile(lambda column: not _holds_figures([*old, *new], column), head))
    pairs = _pair_rows(old, new, named)
    for row, (cells, again) in pairs:
        if cells is None or again is None:
            yield Difference(name, row, "", *("gone" if each is None else "there" for each in (cells, again)))
            continue
        for column in head:
            if column in again and cells[column] != again[column]:
                yield Difference(name, row, column, cells[column], again[column])


_Row = Mapping[str, str]


def _read_rows(path: Path) -> tuple[list[str], list[_Row]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        return list(reader.fieldnames or []), list(reader)


def _holds_figures(rows: Sequence[_Row], column: str) -> bool:
    return all(_FIGURE.fullmatch(str(row.get(column, ""))) for row in rows)


def _pair_rows(
    old: Sequence[_Row], new: Sequence[_Row], named: Sequence[str]
) -> Iterator[tuple[str, tuple[_Row | None, _Row | None]]]:
    """Yield rows that belong together, each with what to call it: by their order, else by what names them."""
    if len(old) == len(new):
        both = list(zip(old, new, strict=True))
        steady = [name for name in named if all(row.get(name) == again.get(name) for row, again in both)]
        if steady or not named:
            yield from ((_name_row(number, row, steady), (row, again)) for number, (row, again) in enumerate(both, 1))
            return
    places = [{tuple(row.get(column, "") for column in named): row for row in rows} for rows in (old, new)]
    for number, key in enumerate(dict.fromkeys([*places[0], *places[1]]), 1):
        row, again = places[0].get(key), places[1].get(key)
        yield _name_row(number, row or again or {}, named), (row, again)


def _name_row(number: int, row: _Row, named: Sequence[str]) -> str:
    names = ", ".join(f"{column} {_cut(row[column], 40)}" for column in named if row.get(column))
    return f"row {number} ({names})" if names else f"row {number}"


def _cut(text: str, most: int = 100) -> str:
    return text if len(text) <= most else f"{text[:most]}..."
