"""What a study cannot claim, with the numbers that say why: from its saved figures and the checks of a referee."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping

from codebook.ground.quantities import format_figure, say_percent
from codebook.report.facts import Facts
from codebook.report.referee_checks import list_checks

_ENOUGH, _TENTATIVE = 0.8, 0.667
"""Krippendorff's bounds: from the first on conclusions may rest on the data, from the second on tentative ones."""
_FEW = 20
_OF_STUDY = ("gold labels", "gold drawn by chance", "second human coder", "ids of the coders")
_OF_MODEL = ("one model snapshot", "repeated draws", "pilot", "cost")
Row = Mapping[str, str]


def say_limitations(facts: Facts) -> Iterator[str]:
    """Yield one sentence for each limitation, with its numbers."""
    yield from _of_coverage(facts)
    yield from _of_validity(_read(facts, "validity_by_label"))
    yield from _of_reliability(_read(facts, "reliability"))
    for check in list_checks(facts):
        if check.state != "done" and check.question in (*_OF_STUDY, *_OF_MODEL):
            yield f"{check.question.capitalize()}: {check.found}."
    yield "[Say what else limits the study: the units, the codebook, the people who coded.]"


def _of_coverage(facts: Facts) -> Iterator[str]:
    if n := sum(facts.whys.values()):
        n_all = len(facts.table)
        yield f"{n:,} of {n_all:,} codings ({say_percent(n / n_all, 1)}) lack a label."


def _of_validity(rows: list[Row]) -> Iterator[str]:
    """The label that the model finds worst, and labels with few gold units."""
    known = (row for row in rows if row["part"] == "label" and _number(row, "n") > 0)
    labels = [row for row in known if not math.isnan(_number(row, "f1"))]
    if not labels:
        yield "How valid the labels of the model are was not measured label by label."
        return
    worst = min(labels, key=lambda row: _number(row, "f1"))
    figures = ", ".join(f"{name} {_show(worst, key)}" for name, key in _MEASURES)
    yield f"The label {worst['name']!r} is found worst: {figures}, of {int(_number(worst, 'n')):,} gold units."
    if never := [row["name"] for row in rows if "never predicted" in row["reason"]]:
        yield f"The model never gave the label{'s' * (len(never) > 1)} {', '.join(map(repr, never))}."
    yield from _of_constant(rows)
    if few := [row["name"] for row in labels if _number(row, "n") < _FEW]:
        yield f"Fewer than {_FEW} gold units bear the label{'s' * (len(few) > 1)} {', '.join(few)}."


def _of_constant(rows: list[Row]) -> Iterator[str]:
    """The measures by which one answer for all units is as good as the model."""
    constants = {row["name"]: row for row in rows if row["part"] == "baseline"}
    beside = ((row, constants[row["name"]]) for row in rows if row["part"] == "overall" and row["name"] in constants)
    behind = [(row, constant) for row, constant in beside if _number(row, "value") <= _number(constant, "value")]
    if behind:
        figures = [f"{row['name']} {_show(row, 'value')}, of it {_show(constant, 'value')}" for row, constant in behind]
        yield f"The model is no better than one answer for all units, {behind[0][1]['reason']}: {'; '.join(figures)}."


_MEASURES = (("F1", "f1"), ("precision", "precision"), ("recall", "recall"))


def _of_reliability(rows: list[Row]) -> Iterator[str]:
    """Where alpha may lie below the bounds."""
    if not rows:
        yield "How far coders agree was not measured."
    for row in (row for row in rows if row["coefficient"] == "alpha"):
        low = _number(row, "low")
        bound = _TENTATIVE if low < _TENTATIVE else _ENOUGH
        if low < bound:
            who = ", ".join(filter(None, [row["variable"], row["group"]]))
            yield f"Alpha of {who} is {_show(row, 'value', '')}: its interval reaches below {format_figure(bound, 3)}."


def _show(row: Row, name: str, prefix: str | None = None) -> str:
    """A figure with its interval, where it has one."""
    before = f"{name}_" if prefix is None else prefix
    value, low, high = (_number(row, key) for key in (name, f"{before}low", f"{before}high"))
    interval = "" if math.isnan(low) else f" [{format_figure(low)}, {format_figure(high)}]"
    return f"{format_figure(value)}{interval}"


def _number(row: Row, name: str) -> float:
    """A cell as a number; NaN where there is none."""
    return float(row.get(name) or "nan")


def _read(facts: Facts, name: str) -> list[Row]:
    path = facts.folder / "outputs" / f"{name}.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
