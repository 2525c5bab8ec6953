"""A unit as a task of Label Studio, doccano or Prodigy, with the labels that are suggested for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree

from codebook.exchange.labelling.suggested_labels import Suggested, place_quotes, read_set, types_of
from codebook.exchange.reading import ExportRow
from codebook.records import Unit
from codebook.scheme import Codebook, Variable
from codebook.scheme.number_values import spell_number

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
