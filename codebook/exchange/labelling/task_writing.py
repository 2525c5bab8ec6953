"""Tasks for Label Studio, doccano and Prodigy, with suggestions or without: the same units give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from codebook.analysis.core.codings import Codings
from codebook.errors import Fault, ParameterError, mend_name
from codebook.exchange.labelling.label_studio import is_tasks
from codebook.exchange.labelling.suggested_labels import (
    Suggested,
    choose_variable,
    find_suggestions,
    place_quotes,
    read_set,
    types_of,
)
from codebook.exchange.reading import ExportRow, Reading
from codebook.exchange.unit_fields import read_unit
from codebook.files.json_values import iter_values
from codebook.files.lines import dump_line, write_atomic, write_whole
from codebook.ground.joins import join_ids
from codebook.ground.quantities import say_count
from codebook.paths import resolve_path
from codebook.records import Unit
from codebook.scheme import Codebook, Variable
from codebook.scheme.number_values import spell_number

Units = Iterable[Unit] | Iterable[tuple[Unit, str | None]]

UNIT = "unit_id"
"""The field of a task that holds the unit's id; `id` is the tool's own."""
_TEXT = "text"


def label_studio_task(unit: Unit, variables: Sequence[Variable], suggested: Suggested) -> dict[str, Any]:
    """A task of Label Studio; what is suggested is a prediction, which is no annotation of a person."""
    task: dict[str, Any] = {"data": _data(unit, suggested)}
    results = [result for variable in variables for result in _results(unit, variable, suggested)]
    if results:
        task["predictions"] = [{"model_version": suggested.coder, "result": results}]
    return task


def _results(unit: Unit, variable: Variable, suggested: Suggested) -> Iterator[dict[str, Any]]:
    rows = suggested.of(unit.unit_id, variable)
    if variable.kind == "records":
        for number, row in enumerate(place_quotes(rows, unit.text, suggested.losses), start=1):
            value = {"start": row.start, "end": row.end, "text": row.quote, "labels": [row.label]}
            yield _result(variable, "labels", value, number)
        return
    for number, row in enumerate(rows, start=1):
        if variable.kind == "embedding":
            suggested.losses["a vector"] += 1
        elif variable.is_number and not variable.abstain:
            yield _result(variable, "number", {"number": float(row.label)}, number)
        elif variable.is_open or variable.is_number:
            yield _result(variable, "textarea", {"text": [row.label]}, number)
        elif _is_stars(variable) and row.label.isdecimal():
            yield _result(variable, "rating", {"rating": int(row.label)}, number)
        else:
            yield _result(variable, "choices", {"choices": read_set(row, variable)}, number)


def _result(variable: Variable, kind: str, value: dict[str, Any], number: int) -> dict[str, Any]:
    name = variable.name
    return {"id": f"{name}-{number}", "from_name": name, "to_name": _TEXT, "type": kind, "value": value}


def _is_stars(variable: Variable) -> bool:
    """Whether a rating is one of Label Studio: 1, 2, 3 and so on."""
    return variable.kind == "rating" and list(variable.scale) == [str(n) for n in range(1, len(variable.scale) + 1)]


def write_configuration(codebook: Codebook) -> bytes:
    """The labelling configuration of Label Studio: a control a variable, with the codebook's labels."""
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Text", name=_TEXT, value=f"${_TEXT}")
    for variable in codebook.variables:
        ElementTree.SubElement(view, "Header", value=variable.question, size="5")
        named = {"name": variable.name, "toName": _TEXT}
        if _is_stars(variable) and not variable.abstain:
            ElementTree.SubElement(view, "Rating", {**named, "maxRating": str(len(variable.scale))})
            continue
        if variable.is_number and not variable.abstain:
            bounds = {"min": variable.minimum, "max": variable.maximum, "step": variable.step}
            spelled = {name: spell_number(bound) for name, bound in bounds.items() if bound is not None}
            ElementTree.SubElement(view, "Number", {**named, **spelled})
            continue
        is_typed = variable.is_open or variable.is_number
        choice = {} if is_typed else {"choice": "multiple" if variable.is_set else "single"}
        kind = "Labels" if variable.kind == "records" else "TextArea" if is_typed else "Choices"
        control = ElementTree.SubElement(view, kind, {**named, **choice})
        for label in types_of(variable) if variable.kind == "records" else () if is_typed else variable.labels:
            ElementTree.SubElement(control, kind.removesuffix("s"), value=label)
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode").encode() + b"\n"


def doccano_task(unit: Unit, variables: Sequence[Variable], suggested: Suggested) -> dict[str, Any]:
    """An example of doccano, of one variable; labels stand in it as if they were given."""
    (variable,), data = variables, _data(unit, suggested)
    label: list[Any] = []
    for row in _choices_or_spans(unit, variable, suggested):
        label += [[row.start, row.end, row.label]] if variable.kind == "records" else read_set(row, variable)
    return {_TEXT: data.pop(_TEXT), **data, "label": label}


def prodigy_task(unit: Unit, variables: Sequence[Variable], suggested: Suggested) -> dict[str, Any]:
    """A task of Prodigy, of one variable: options that are chosen already, or spans that are marked already."""
    (variable,), data = variables, _data(unit, suggested)
    task: dict[str, Any] = {_TEXT: data.pop(_TEXT), "meta": data}
    rows = _choices_or_spans(unit, variable, suggested)
    if variable.kind == "records":
        return task | {"spans": [{"start": row.start, "end": row.end, "label": row.label} for row in rows]}
    task["options"] = [{"id": label, "text": variable.titles.get(label) or label} for label in variable.labels]
    task["config"] = {"choice_style": "multiple" if variable.is_set else "single"}
    chosen = [label for row in rows for label in read_set(row, variable)]
    return task | ({"accept": chosen} if rows else {})


def _choices_or_spans(unit: Unit, variable: Variable, suggested: Suggested) -> list[ExportRow]:
    rows = suggested.of(unit.unit_id, variable)
    return place_quotes(rows, unit.text, suggested.losses) if variable.kind == "records" else rows


def _data(unit: Unit, suggested: Suggested) -> dict[str, str]:
    """What a task says of its unit: id, text, and context under other names than these."""
    data = {UNIT: unit.unit_id, _TEXT: unit.text}
    for name, words in unit.context.items():
        data[name if name not in data else f"context_{name}"] = words
    suggested.losses["an image or PDF of a unit: put it where the tool can load it"] += len(unit.files)
    suggested.losses = +suggested.losses
    return data


TOOLS = {"label_studio": label_studio_task, "doccano": doccano_task, "prodigy": prodigy_task}
"""Programs for which tasks are written, and how a unit stands in one."""


def write_tasks(
    units: Units,
    codebook: Codebook,
    path: str | Path,
    *,
    tool: str = "label_studio",
    suggestions: Codings | Reading | None = None,
    coder: str = "",
    variable: str = "",
) -> str:
    """Write units as tasks for a labelling program; the sentence returned says what the format cannot hold.

    Label Studio gets JSON and, beside it, the labelling configuration of the codebook; doccano and Prodigy get JSON
    lines. The unit's id stands in the field `unit_id`.

    Parameters
    ----------
    tool
        One of `TOOLS`.
    suggestions
        Labels that people see before they decide: of `coder`, where there are several. None for blind coding.
    variable
        The variable that is asked about; of Label Studio all are.

    Raises
    ------
    ParameterError
        The tool is unknown, or it is not clear whose labels or which variable are meant.

    Examples
    --------
    >>> path = Path("tasks.jsonl")
    >>> one = {"name": "topic", "question": "?", "kind": "single", "level": "nominal", "categories": ["a", "b"]}
    >>> codebook = Codebook.model_validate({"name": "topics", "unit": "a text", "variables": [one]})
    >>> print(write_tasks([Unit("7", "Rain.")], codebook, path, tool="doccano"))
    tasks.jsonl: 1 task for doccano, none with suggestions.
    >>> path.read_text()
    '{"text":"Rain.","unit_id":"7","label":[]}\\n'
    """
    path = resolve_path(path)
    if tool not in TOOLS:
        raise ParameterError("There is no such tool.", [Fault("tool", f"{tool!r} is unknown", mend_name(tool, TOOLS))])
    is_studio = tool == "label_studio"
    variables = codebook.variables if is_studio else (choose_variable(codebook, variable, tool),)
    suggested = find_suggestions(suggestions, coder, variables)
    ids = list[str]()
    with write_atomic(path) as file:
        file.write(b"[" if is_studio else b"")
        for each in units:
            unit = each[0] if isinstance(each, tuple) else each
            line = dump_line(TOOLS[tool](unit, variables, suggested))
            file.write((b",\n" if ids else b"\n") + line[:-1] if is_studio else line)
            ids.append(unit.unit_id)
        file.write(b"\n]\n" if is_studio else b"")
    return _say(path, tool, suggested, ids, codebook if is_studio else None)


def _say(path: Path, tool: str, suggested: Suggested, ids: list[str], codebook: Codebook | None) -> str:
    n = sum(unit in suggested.rows for unit in ids)
    suggestions = f"{n:,} with suggestions of {suggested.coder}" if n else "none with suggestions"
    words = f"{path.name}: {say_count(len(ids), 'task')} for {tool}, {suggestions}."
    if codebook is not None:
        config = path.with_name(f"{path.stem}_config.xml")
        write_whole(config, write_configuration(codebook))
        words += f" {config.name} is its labelling configuration."
    if (join := join_ids(suggested.rows, ids)).strays:
        words += f" {join.say_strays('units with suggestions', 'among the tasks', 'the list of units')}."
    return words + suggested.say_losses()


def add_suggestions(
    source: str | Path,
    path: str | Path,
    codebook: Codebook,
    suggestions: Codings | Reading | None = None,
    *,
    coder: str = "",
    unit: str = "unit_id",
) -> str:
    """Add suggestions to a JSON export of Label Studio. All its other fields stay as they are.

    Parameters
    ----------
    unit
        The field of the data that holds the unit's id.

    Raises
    ------
    ParameterError
        It is not clear whose labels are meant, or the export is none of Label Studio.

    Examples
    --------
    >>> import codebook as cb
    >>> task = {"id": 1, "data": {"text": "Prices rose.", "unit_id": "h01"}, "annotations": []}
    >>> _ = Path("tasks.json").write_text(json.dumps([task]))
    >>> book, codings = cb.read_codebook("codebook.yaml"), cb.open_run("topics").codings()
    >>> add_suggestions("tasks.json", "again.json", book, codings)[:30]
    'again.json: 1 task for label_s'
    """
    source, path = resolve_path(source), resolve_path(path)
    suggested = find_suggestions(suggestions, coder, codebook.variables)
    ids = list[str]()
    with write_atomic(path) as file:
        file.write(b"[")
        for line, task in iter_values(source):
            if not is_tasks(task):
                fault = Fault(f"{source.name}, line {line:,}", "it is not a task of Label Studio", "export its JSON")
                raise ParameterError("The suggestions cannot be added.", [fault])
            unit_id = read_unit(task["data"], [unit])
            text = task["data"].get("text")
            new = label_studio_task(Unit(unit_id, text if isinstance(text, str) else ""), codebook.variables, suggested)
            if "predictions" in new:
                task["predictions"] = [*(task.get("predictions") or ()), *new["predictions"]]
            file.write(b",\n" if ids else b"\n")
            file.write(json.dumps(task, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
            ids.append(unit_id)
        file.write(b"\n]\n")
    return _say(path, "label_studio", suggested, ids, None)
