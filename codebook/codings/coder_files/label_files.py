"""One file with labels from anywhere, as one entry of `coders.yaml` describes it, read into codings."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from codebook.codings.coder_files.coding_source import CodingSource
from codebook.codings.coder_files.label_mends import NO_VARIABLE, OUTSIDE, Outside, label_faults, plain_faults
from codebook.codings.contract import find_label_problem
from codebook.codings.frame import dump_labels
from codebook.errors import Fault
from codebook.exchange.export_source import open_source
from codebook.exchange.unit_fields import read_unit
from codebook.files.tables.rows import as_values
from codebook.ground.quantities import say_count
from codebook.scheme import Codebook, Variable
from codebook.scheme.codebook_checks import as_number
from codebook.scheme.number_values import read_number

Key = tuple[str, str, str, str]
"""Unit, coder, variable and draw of a coding."""
_N_SHOWN = 5
_LEFT_OUT = "left out by `skip`"


@dataclass
class Codings:
    """What was read from one file: rows of the tidy table, and counts of what was left out or changed.

    `outside` counts labels by variable, label, what `rename` makes of it, and problem; `plain` has the cells of `multi`
    variables that are no lists; `twice` has the key of each repeated coding and whether its label is another one.
    Of a file of another tool, `questions` are what it cannot say, and `sentences` its account and what is to be told.
    """

    source: CodingSource
    rows: dict[Key, dict[str, Any]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    outside: Counter[Outside] = field(default_factory=Counter)
    plain: dict[str, Counter[str]] = field(default_factory=dict)
    twice: list[tuple[Key, bool]] = field(default_factory=list)
    ragged: list[int] = field(default_factory=list)
    guess: str = ""
    questions: list[Fault] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)

    @property
    def n_codings(self) -> int:
        """Rows with a label or a reply."""
        return sum(coding["label"] is not None or "raw" in coding for coding in self.rows.values())

    def note(self) -> str:
        """Say in a sentence what was read, left out and changed."""
        counts, source = self.counts, self.source
        parts = (
            (counts["filtered"], "row", " ", "left out by `where`"),
            (counts["empty"], "empty cell", ", ", "not coded"),
            (counts["skipped"], "cell", " ", _LEFT_OUT),
            (counts["renamed"], "label", " ", "renamed"),
            (counts["other coder"], "cell", " ", "renamed by `rename_coders`"),
            (counts["joined"], "row", " ", "joined to others of the same unit and coder"),
            (len(self.twice), "repeated coding", " ", f"left out (the {source.duplicates} was kept)"),
        )
        sentences = [f"{source.file}: {say_count(counts['rows'], 'row')} read, {say_count(self.n_codings, 'coding')}"]
        sentences += [f"{say_count(n, singular)}{link}{what}" for n, singular, link, what in parts if n]
        if source.reply:
            sentences.append(f"{say_count(counts['invalid'], 'reply', 'replies')} without exactly one category")
        if self.guess:
            sentences.append(f"read as {self.guess}, which is a guess: write `encoding: {self.guess}` to confirm it")
        return "; ".join(sentences) + "."

    def tell(self) -> Iterator[str]:
        """Yield the account of a file of another tool, and what is to be known of it."""
        yield from (f"{self.source.file}: {sentence}" for sentence in self.sentences)

    def faults(self, where: str, codebook: Codebook) -> Iterator[Fault]:
        """Yield what keeps these codings from being a table."""
        if self.ragged:
            ragged = say_count(len(self.ragged), "row does", "rows do")
            problem = f"{ragged} not have as many fields as the header (line {self.ragged[0]})"
            yield Fault(where, problem, "correct the quotation marks there, or give the `delimiter`")
        if n := self.counts["no unit"]:
            yield Fault(
                where,
                f"{say_count(n, 'row')} without {' and '.join(map(repr, self.source.unit))}",
                "give every row its unit",
            )
        for name, cells in self.plain.items():
            yield from plain_faults(where, codebook.variable(name), cells)
        yield from label_faults(where, codebook, self.outside)
        yield from self._repeats(where, codebook)
        yield from (Fault(where, question.problem, question.mend) for question in self.questions)

    def _repeats(self, where: str, codebook: Codebook) -> Iterator[Fault]:
        if not self.twice or self.source.duplicates != "error" or self.source.format:
            return
        names = ", ".join(repr(key[0]) for key, _ in self.twice[:_N_SHOWN])
        problem = (
            f"{say_count(len(self.twice), 'coding repeats', 'codings repeat')} unit, coder and variable (units {names})"
        )
        draws = "name the column of draws with `draw`"
        if any(codebook.variable(key[2]).is_set for key, _ in self.twice):
            mend = f"write `join: true` if the rows of one unit and coder are one set of labels, or {draws}"
        else:
            dropped = " (the other label is left out and counted)" if any(other for _, other in self.twice) else ""
            mend = f"write `duplicates: first` or `duplicates: last`{dropped}, or {draws}"
        yield Fault(where, problem, mend)


def read_source(source: CodingSource, folder: Path, codebook: Codebook) -> Codings:
    """Read one file as its entry says; what is wrong with the labels is in the result's `faults`."""
    form: dict[str, Any] = {name: getattr(source, name) or "" for name in ("encoding", "delimiter", "sheet")}
    with open_source(folder / source.file) as export:
        rows = export.rows(**form, skip_rows=source.skip_rows)
        rows.require(source.columns_used())
        where = [(column, as_values(values)) for column, values in source.where.items()]
        variables = {variable.name: variable for variable in codebook.variables}
        codings = Codings(source, guess=rows.encoding if rows.guessed else "")
        for row in rows:
            codings.counts["rows"] += 1
            if not all(row[column] in values for column, values in where):
                codings.counts["filtered"] += 1
            elif not read_unit(row, source.unit):
                codings.counts["no unit"] += 1
            else:
                _read_row(row, codings, variables)
    codings.ragged = rows.ragged
    return codings


def _read_row(row: Mapping[str, str], codings: Codings, variables: Mapping[str, Variable]) -> None:
    source = codings.source
    name = row[source.variable_column] if source.variable_column else source.variable or next(iter(variables))
    draw = row[source.draw] if source.draw else "0"
    coder = row[source.coder] if source.coder else source.coder_name or ""
    unit = read_unit(row, source.unit)
    cells = source.columns or {coder: source.label or source.reply or ""}
    for who, column in cells.items():
        if name not in variables:
            codings.outside[name, row[column][:80], "", NO_VARIABLE] += 1
            continue
        coding = read_cell(row[column], variables[name], codings)
        if coding is not None:
            codings.counts["other coder"] += who in source.rename_coders
            keep((unit, source.rename_coders.get(who, who), name, draw), coding, codings, variables[name])


def keep(key: Key, coding: dict[str, Any], codings: Codings, variable: Variable) -> None:
    """Put a coding to the others; a label goes before a cell that was left out, and sets join where that is said."""
    before = codings.rows.get(key)
    if before is None or (_is_left_out(before) and not _is_left_out(coding)):
        codings.rows[key] = coding
    elif _is_left_out(coding):
        return
    elif codings.source.join and variable.is_set:
        codings.counts["joined"] += 1
        codings.rows[key] = join_sets(before, coding, variable)
    else:
        codings.twice.append((key, before["label"] != coding["label"]))
        if codings.source.duplicates == "last":
            codings.rows[key] = coding


def join_sets(first: Mapping[str, Any], second: Mapping[str, Any], variable: Variable) -> dict[str, Any]:
    """Return two codings of a `multi` variable as one that has the labels of both."""
    return {"label": dump_labels(orjson.loads(first["label"]) + orjson.loads(second["label"]), variable), "why": None}


def _is_left_out(coding: Mapping[str, Any]) -> bool:
    return str(coding.get("detail", "")).startswith(_LEFT_OUT)


def _left_out(cell: str) -> dict[str, Any]:
    return {"label": None, "why": "invalid", "detail": f"{_LEFT_OUT}: {cell[:80]}"}


def read_cell(cell: str, variable: Variable, codings: Codings) -> dict[str, Any] | None:
    """Return label, why and raw of one cell, or None where nothing was coded."""
    source, counts = codings.source, codings.counts
    if source.reply:
        label = read_number(cell, variable)[0] if variable.is_number else find_named(cell, variable)
        counts["invalid"] += label is None
        return {"label": label, "why": "invalid" if label is None else None, "raw": cell}
    if cell in source.skip:
        counts["skipped"] += 1
        return _left_out(cell)
    if variable.is_set:
        return _read_set(cell, variable, codings)
    if not cell.strip():
        counts["empty"] += 1
        return None
    counts["renamed"] += cell in source.rename
    label = source.rename.get(cell, cell)
    if variable.is_number:
        label = _spell_number(label, variable, source)
    elif source.decimal == "," and variable.kind == "rating":
        label = _find_point(label, variable)
    if problem := find_label_problem(label, variable):
        codings.outside[variable.name, cell, label, problem] += 1
        return None
    return {"label": label, "why": None}


def _spell_number(cell: str, variable: Variable, source: CodingSource) -> str:
    """A number in its one spelling; what is none stays as it is."""
    text = cell.replace(",", ".") if source.decimal == "," and "." not in cell else cell
    return cell if cell in variable.labels else read_number(text, variable)[0] or cell


def _find_point(cell: str, variable: Variable) -> str:
    """The point of a scale that a cell with a decimal comma is, such as 2 for 2,0; what is none stays as it is."""
    value = None if cell in variable.labels else as_number(cell.replace(",", "."))
    return next((label for label in variable.labels if value is not None and as_number(label) == value), cell)


def _read_set(cell: str, variable: Variable, codings: Codings) -> dict[str, Any] | None:
    """Return the coding of a cell of labels, in whatever order and however often each is named."""
    source, counts = codings.source, codings.counts
    parts = split_cell(cell, source)
    if parts is None and cell in source.rename:
        counts["renamed"] += 1
        parts = split_cell(source.rename[cell], source)
    if parts is None:
        codings.plain.setdefault(variable.name, Counter())[cell] += 1
        return None
    remaining = [part for part in parts if part not in source.skip]
    counts["skipped"] += len(remaining) < len(parts)
    counts["renamed"] += any(part in source.rename for part in remaining)
    labels = [source.rename.get(part, part) for part in remaining]
    outside = [pair for pair in zip(remaining, labels, strict=True) if pair[1] not in variable.labels]
    if outside:
        codings.outside.update((variable.name, part, label, OUTSIDE) for part, label in outside)
        return None
    if parts and not labels:
        return _left_out(cell)
    if not labels and source.empty == "skip":
        counts["empty"] += 1
        return None
    return {"label": dump_labels(labels, variable), "why": None}


def split_cell(cell: str, source: CodingSource) -> list[str] | None:
    """Return the labels of a cell, or None where it is neither a JSON list nor said what else it is."""
    if (listed := _read_list(cell)) is not None:
        parts = listed
    elif source.separator is not None:
        parts = cell.split(source.separator)
    elif source.join or not cell.strip():
        parts = [cell]
    else:
        return None
    return [part for part in parts if part.strip()]


def _read_list(cell: str) -> list[str] | None:
    """Return the texts of a JSON list, or None where the cell is none."""
    if not cell.lstrip().startswith("["):
        return None
    try:
        values = orjson.loads(cell)
    except orjson.JSONDecodeError:
        return None
    return ["" if each is None else each if isinstance(each, str) else orjson.dumps(each).decode() for each in values]


def find_named(reply: str, variable: Variable) -> str | None:
    """Return the one category that a reply names, as whole words in any case; None when it names none, or several.

    Both are compared in one Unicode form, so that an accent may stand on its letter or behind it.

    Examples
    --------
    >>> topic = Variable(name="topic", question="?", kind="single", level="nominal", categories=["sports", "travel"])
    >>> [find_named(reply, topic) for reply in ("It is about Sports.", "sports or travel", "a transport issue")]
    ['sports', None, None]
    """
    pattern, names = _names_of(variable.labels)
    matches = pattern.findall(unicodedata.normalize("NFC", reply))
    labels = {names.get(match) or names.get(match.casefold(), match) for match in matches}
    return labels.pop() if len(labels) == 1 else None


@lru_cache(maxsize=64)
def _names_of(labels: tuple[str, ...]) -> tuple[re.Pattern[str], dict[str, str]]:
    """Return a pattern of the names, longest first ("not relevant" is not "relevant"), and their own spelling."""
    composed = {unicodedata.normalize("NFC", label): label for label in labels}
    names = {label.casefold(): spelling for label, spelling in composed.items()}
    clash = len(names) < len(labels)
    ordered = "|".join(_as_word(label) for label in sorted(composed, key=len, reverse=True))
    return re.compile(ordered, 0 if clash else re.IGNORECASE), composed if clash else names


def _as_word(label: str) -> str:
    """A number is not found inside another one: neither 1 in -1, nor in 10 or 1.5."""
    before = r"(?<![\w.,+-])" if label[:1].isdigit() else r"(?<!\w)"
    return rf"{before}{re.escape(label)}(?!\w|[.,]\d)"
