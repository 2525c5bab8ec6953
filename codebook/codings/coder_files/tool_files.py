"""One file of another tool, as an entry of `coders.yaml` says, read into codings; the notes have its account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from codebook.codings.coder_files.coding_source import AUTO, CodingSource
from codebook.codings.coder_files.label_files import Codings, keep, read_cell
from codebook.codings.contract import find_label_problem
from codebook.codings.frame import dump_labels
from codebook.errors import Fault, mend_name
from codebook.exchange import ExportRow, Reading, open_export
from codebook.exchange.reading import WHOLE
from codebook.files.tables import open_rows
from codebook.ground.quantities import say_count
from codebook.scheme import Codebook, Variable

_ABSENT = {
    "empty": "submitted without a code",
    "skipped": "skipped by the coder",
    "missing": "no answer to this variable",
    "rejected": "the text was rejected",
}
"""Status of a row without a label -> why there is none, in words."""
_UNIT_COLUMNS, _CODER = ("unit_id", "unit"), "coder"


def read_tool_file(source: CodingSource, folder: Path, codebook: Codebook) -> Codings:
    """Read one file of a tool as its entry says; what it cannot say is in the result's `faults`."""
    name = "" if source.format in (None, AUTO) else source.format
    reading = open_export(folder / source.file, format=name or "", **_options(source, folder, codebook))
    filed = source.model_copy(update={"empty": "none", "separator": None})
    codings = Codings(filed, questions=[*reading.questions], sentences=[*reading.notes, reading.account.sentence()])
    codings.counts["rows"] = reading.account.records
    every = _rename(reading, source, codings)
    rows = _in_codebook(every, codings, codebook)
    for row in rows:
        if row.status == "coded" and row.start is None and codebook.variable(row.variable).kind != "records":
            _add_label(row, codings, codebook)
    _add_spans(rows, codings, codebook)
    _add_absent(every, codings, [each for each in codebook.variables if each.name in _names(rows)])
    if source.empty == "none":
        _add_none(rows, codings, codebook)
    return codings


def _options(source: CodingSource, folder: Path, codebook: Codebook) -> dict[str, Any]:
    """What the entry and the codebook say, as options of reading."""
    variables = codebook.variables
    alias = {source.variable: source.variable} if source.variable else {}
    names = {name: source.variables.get(name, name) for name in {**source.variables, **alias}}
    return {
        "unit": source.unit,
        "unit_name": source.unit_name or "",
        "rename_coders": source.rename_coders,
        "coder_name": source.coder_name or "",
        "coded_by": read_coded_by(source.coded_by, folder),
        "duplicates": source.duplicates,
        "columns": source.columns,
        "variables": names if source.variables else {},
        "only": frozenset(variable.name for variable in variables),
        "sets": frozenset(variable.name for variable in variables if variable.is_set),
        "labels": {name: variable.labels for variable in variables for name in _names_in_file(variable, source)},
        "end": source.end or "",
        "confirmed": str(folder / source.confirmed) if source.confirmed else "",
        "accept": source.accept,
        "encoding": source.encoding or "",
        "delimiter": source.delimiter or "",
        "sheet": source.sheet or "",
    }


def _names_in_file(variable: Variable, source: CodingSource) -> Iterator[str]:
    """The names that a variable may have while a file is read: its own, or that of the one variable of the tool."""
    yield variable.name
    if source.variable == variable.name:
        yield "label"


def read_coded_by(stated: Mapping[str, Sequence[str]] | str, folder: Path) -> Mapping[str, Sequence[str]] | str:
    """Who was asked to code what: as it stands, or of a table with a row per unit and coder, such as assignment.csv."""
    if not isinstance(stated, str) or not stated.lower().endswith(".csv"):
        return stated
    rows = open_rows(folder / stated)
    unit = next((name for name in _UNIT_COLUMNS if name in rows.columns), _UNIT_COLUMNS[0])
    rows.require([unit, _CODER], dict.fromkeys([unit, _CODER], "`coded_by`"))
    units_of: dict[str, list[str]] = {}
    for row in rows:
        units_of.setdefault(row[_CODER], []).append(row[unit])
    return units_of


def _rename(reading: Reading, source: CodingSource, codings: Codings) -> list[ExportRow]:
    """The rows under the name of `variable`, where the entry gives it to the one variable of the file."""
    if not source.variable:
        return list(reading.rows)
    names = reading.variables
    if source.variable not in names and len(names) > 1:
        mend = f"choose one with `variables: {{{names[0]}: {source.variable}}}`"
        codings.questions.append(Fault(source.file, f"the file has several variables: {', '.join(names)}", mend))
        return []
    alone = source.variable if source.variable in names else names[0] if names else ""
    rows = [row for row in reading.rows if row.variable in (alone, WHOLE)]
    return [row if row.variable == WHOLE else row._replace(variable=source.variable) for row in rows]


def _in_codebook(rows: Iterable[ExportRow], codings: Codings, codebook: Codebook) -> list[ExportRow]:
    """The rows of variables of the codebook; the others are a fault, one a variable."""
    names = [variable.name for variable in codebook.variables]
    within, others = [], Counter[str]()
    for row in rows:
        if row.variable in names:
            within.append(row)
        elif row.variable != WHOLE and row.status == "coded":
            others[row.variable] += 1
    for name, n in others.items():
        near = mend_name(name, names, "")
        mend = (
            f"give its name in the codebook, `variables: {{{name}: ...}}`, or leave it out, `variables: {{{name}: ''}}`"
        )
        if near.startswith("did you mean"):
            mend = f"{near} Else {mend}"
        problem = f"variable {name!r} ({say_count(n, 'coding')}) is not in the codebook"
        codings.questions.append(Fault(codings.source.file, problem, mend))
    return within


def _names(rows: Iterable[ExportRow]) -> set[str]:
    return {row.variable for row in rows}


def _key(row: ExportRow, name: str = "") -> tuple[str, str, str, str]:
    return row.unit, row.coder, name or row.variable, "0"


def _add_label(row: ExportRow, codings: Codings, codebook: Codebook) -> None:
    variable = codebook.variable(row.variable)
    coding = read_cell(row.label, variable, codings)
    if coding is not None:
        keep(_key(row), coding, codings, variable)


def _add_spans(rows: Sequence[ExportRow], codings: Codings, codebook: Codebook) -> None:
    """Add marked passages: as records of a variable of that kind, or by `join` as a set of the codes of a unit."""
    spans: dict[tuple[str, str, str, str], list[ExportRow]] = {}
    for row in rows:
        if row.status == "coded" and (row.start is not None or codebook.variable(row.variable).kind == "records"):
            spans.setdefault(_key(row), []).append(row)
    strange = sorted({key[2] for key in spans if not _takes_spans(codebook.variable(key[2]), codings)})
    for name in strange:
        mend = (
            "give it `kind: records` in the codebook; or `kind: multi` with `join: true` here, for the codes of a unit"
        )
        problem = f"variable {name!r} holds marked passages, with several per unit"
        codings.questions.append(Fault(codings.source.file, problem, mend))
    for key, group in spans.items():
        variable = codebook.variable(key[2])
        if variable.kind == "records":
            _add_records(key, group, variable, codings)
        elif key[2] not in strange:
            for row in group:
                coding = read_cell(orjson.dumps([row.label]).decode(), variable, codings)
                if coding is not None:
                    keep(key, coding, codings, variable)
    _add_unmarked(rows, {key[2] for key in spans if codebook.variable(key[2]).kind == "records"}, codings, codebook)


def _takes_spans(variable: Variable, codings: Codings) -> bool:
    return variable.kind == "records" or (variable.is_set and codings.source.join)


def _add_records(
    key: tuple[str, str, str, str], group: Sequence[ExportRow], variable: Variable, codings: Codings
) -> None:
    records = [_as_record(row, variable, codings) for row in group]
    label = orjson.dumps({variable.lists[0].name: records} | {each.name: [] for each in variable.lists[1:]}).decode()
    if problem := find_label_problem(label, variable):
        codings.outside[variable.name, label, label, problem] += 1
    else:
        keep(key, {"label": label, "why": None}, codings, variable)


def _as_record(row: ExportRow, variable: Variable, codings: Codings) -> dict[str, str | int | None]:
    """A marked passage: its words in the field of quotes, its code in the choice, its note in the field of texts.

    Fields of numbers that are named `start` and `end` hold its place.
    """
    values = {"quote": row.quote, "choice": codings.source.rename.get(row.label, row.label), "text": row.note}
    places = {"start": row.start, "end": row.end}
    return {
        field.name: places.get(field.name) if field.kind == "number" else values[field.kind]
        for field in variable.lists[0].fields
    }


def _add_unmarked(rows: Sequence[ExportRow], names: set[str], codings: Codings, codebook: Codebook) -> None:
    """A coder who answered a unit and marked nothing in it found nothing: an answer, and counted."""
    answered = dict.fromkeys((row.unit, row.coder) for row in rows if row.answer and row.status == "coded")
    for name in sorted(names):
        none = orjson.dumps({each.name: [] for each in codebook.variable(name).lists}).decode()
        new = [(*pair, name, "0") for pair in answered if (*pair, name, "0") not in codings.rows]
        codings.rows |= {key: {"label": none, "why": None} for key in new}
        if new:
            what = say_count(len(new), "answer has", "answers have")
            codings.sentences.append(f"{what} no marked passage for {name}; they count as none.")


def _add_absent(rows: Iterable[ExportRow], codings: Codings, variables: Sequence[Variable]) -> None:
    """What was seen and has no label: none of a set is an answer, the rest has no label and says why."""
    for row in rows:
        if row.status not in _ABSENT or not row.coder:
            continue
        for variable in variables:
            key = _key(row, variable.name)
            if row.variable not in (WHOLE, variable.name) or key in codings.rows:
                continue
            codings.rows[key] = _without_label(row, variable)


def _without_label(row: ExportRow, variable: Variable) -> dict[str, Any]:
    if row.status == "empty" and variable.is_set:
        return {"label": dump_labels([], variable), "why": None}
    if row.status == "empty" and variable.kind == "records":
        return {"label": orjson.dumps({each.name: [] for each in variable.lists}).decode(), "why": None}
    why = "skipped" if row.status == "skipped" else "absent"
    return {"label": None, "why": why, "detail": _ABSENT[row.status]}


def _add_none(rows: Sequence[ExportRow], codings: Codings, codebook: Codebook) -> None:
    """By `empty: none`: who answered a unit and gave a set no label gave it the answer none."""
    answered = dict.fromkeys((row.unit, row.coder) for row in rows if row.status == "coded")
    for variable in codebook.variables:
        if variable.is_set and variable.name in _names(rows):
            for pair in answered:
                none = {"label": dump_labels([], variable), "why": None}
                codings.rows.setdefault((*pair, variable.name, "0"), none)
