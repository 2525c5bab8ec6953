"""Labels that a task shows before it is answered: of a coder of codings, or of a reading; passages at their places."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import orjson

from codebook.analysis.core.codings import Codings
from codebook.errors import Fault, ParameterError
from codebook.exchange.reading import WHOLE, ExportRow, Reading
from codebook.ground.quantities import say_count
from codebook.scheme import Codebook, Variable

_SHOWN = ("coded", "prediction")


@dataclass
class Suggested:
    """The labels of one coder by unit, and what of them or of the units no task can hold, with how often."""

    coder: str = ""
    rows: dict[str, list[ExportRow]] = field(default_factory=dict)
    losses: Counter[str] = field(default_factory=Counter)

    def of(self, unit_id: str, variable: Variable) -> list[ExportRow]:
        """The labels of a variable of a unit."""
        return [row for row in self.rows.get(unit_id, ()) if row.variable == variable.name]

    def say_losses(self) -> str:
        """What is not held, in a sentence; "" for nothing."""
        if not self.losses:
            return ""
        parts = (f"{what} ({say_count(n, 'time')})" for what, n in self.losses.items())
        return f" This format cannot hold: {'; '.join(parts)}."


def find_suggestions(labels: Codings | Reading | None, coder: str, variables: Sequence[Variable]) -> Suggested:
    """Return the labels of one coder."""
    if labels is None:
        return Suggested()
    rows = list(_of_reading(labels) if isinstance(labels, Reading) else _of_codings(labels, variables))
    coders = list(dict.fromkeys(row.coder for row in rows))
    if (coder and coder not in coders) or (not coder and len(coders) > 1):
        mend = f"name one of {', '.join(coders[:12]) or 'none'}"
        problem = f"{coder!r} has no labels" if coder else "only one of several coders can be suggested"
        raise ParameterError("It is not clear whose labels to suggest.", [Fault("coder", problem, mend)])
    suggested, names = Suggested(coder or (coders or [""])[0]), {variable.name for variable in variables}
    for row in rows:
        if row.coder != suggested.coder:
            continue
        if row.variable in names:
            suggested.rows.setdefault(row.unit, []).append(row)
            suggested.losses["a note"] += bool(row.note)
        else:
            suggested.losses[f"a label of {row.variable}"] += 1
    suggested.losses = +suggested.losses
    return suggested


def _of_reading(reading: Reading) -> Iterator[ExportRow]:
    return (row for row in reading.rows if row.status in _SHOWN and row.variable != WHOLE)


def _of_codings(codings: Codings, variables: Sequence[Variable]) -> Iterator[ExportRow]:
    known: Mapping[str, Variable] = {variable.name: variable for variable in variables}
    frame = codings.frame[codings.frame["label"].notna()]
    columns = (frame[name] for name in ("unit_id", "coder", "variable", "label"))
    for unit, coder, name, label in zip(*columns, strict=True):
        variable = known.get(name)
        if variable is not None and variable.kind == "records":
            yield from _of_records(ExportRow(unit, coder, name), label, variable)
        else:
            yield ExportRow(unit, coder, name, label)


def _of_records(row: ExportRow, label: str, variable: Variable) -> Iterator[ExportRow]:
    """The passages of records: the words of the first field of quotes, with the code of the first choice."""
    for records in variable.lists:
        quote = next((field.name for field in records.fields if field.kind == "quote"), "")
        choice = next((field.name for field in records.fields if field.kind == "choice"), "")
        for record in orjson.loads(label)[records.name]:
            yield row._replace(label=record.get(choice, records.name), quote=record.get(quote, ""))


def place_quotes(rows: Sequence[ExportRow], text: str, losses: Counter[str]) -> list[ExportRow]:
    """Return passages with their places; the second of the same words is the next one in the text."""
    placed, after = list[ExportRow](), dict[str, int]()
    for row in rows:
        if row.start is not None:
            placed.append(row)
            continue
        start = text.find(row.quote, after.get(row.quote, 0)) if row.quote else -1
        if start < 0:
            losses["a passage whose words are not in the text"] += 1
            continue
        after[row.quote] = start + 1
        placed.append(row._replace(start=start, end=start + len(row.quote)))
    return placed


def read_set(row: ExportRow, variable: Variable) -> list[str]:
    """The labels of a row, one or several, in the order of the codebook."""
    labels = orjson.loads(row.label) if row.label.startswith("[") and variable.is_set else [row.label]
    order = {label: place for place, label in enumerate(variable.labels)}
    return sorted(labels, key=lambda label: order.get(label, len(order)))


def types_of(variable: Variable) -> list[str]:
    """The codes of passages of a variable: the categories of its choices, else the names of its lists."""
    names = [label for records in variable.lists for field in records.fields for label in field.labels]
    return list(dict.fromkeys(names or [records.name for records in variable.lists]))


def choose_variable(codebook: Codebook, name: str, tool: str) -> Variable:
    """Return the one variable of a tool that has one question a text."""
    names = [variable.name for variable in codebook.variables]
    if name in names or (not name and len(names) == 1):
        return codebook.variable(name or names[0])
    problem = f"{name!r} is not in the codebook" if name else f"a task of {tool} has only one question"
    raise ParameterError("The task is not clear.", [Fault("variable", problem, f"name one of {', '.join(names)}")])
