"""Suggestions of a model, shown in the arm that the lot gave to a unit, and in no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.analysis.robustness.suggestion_pull import WITH, WITHOUT
from codebook.coding.assignments import FOLDER, Assigned
from codebook.coding.label_values import Label, dump_label
from codebook.coding.rounds.known_answers import list_known
from codebook.coding.sessions.session_plan import Beside
from codebook.files.lines import read_lines, write_lines
from codebook.paths import resolve_path

_FILE = "suggestions.jsonl"


def write_suggestions(codings: Codings, model: str, *, folder: str | Path = FOLDER) -> int:
    """Keep the labels of a model in a coding folder as suggestions; return how many there are.

    They are shown only where the assignment has an arm with suggestions (`Design(with_suggestions=...)`), and only
    for the units that the lot put into it.

    Parameters
    ----------
    codings
        Those of the model, such as `run.codings()`.
    model
        The coder whose labels are suggested.

    Raises
    ------
    ParameterError
        Nobody of that name labelled anything.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> tone = VariableSpec("tone", "nominal", ["good", "bad"])
    >>> write_suggestions(Codings(make_table("tone", {"m": ["good", None]}), [tone]), "m", folder="trial")
    1
    """
    known = list_known(codings, model)
    names = ("unit_id", "variable", "label")
    write_lines(resolve_path(folder) / _FILE, (dict(zip(names, each, strict=False)) | {"by": model} for each in known))
    return len(known)


def offer_suggestions(folder: Path) -> Beside | None:
    """What a form shows beside a unit of the arm with suggestions; the file is opened at the first such unit."""
    if not (folder / _FILE).is_file():
        return None
    labels: dict[str, dict[str, Label]] = {}

    def beside(row: Assigned, _: Mapping[str, Any]) -> Mapping[str, Any]:
        if row.arm != WITH:
            return {}
        if not labels:
            labels.update(_read(folder))
        return {"suggestion": labels[row.unit_id]} if row.unit_id in labels else {}

    return beside


def add_suggestions(codings: Codings, folder: str | Path = FOLDER) -> Codings:
    """Codings of logs with the suggestions that the other arm would have seen, for `suggestion_report`.

    What was shown in the arm with suggestions stays as the log has it: a label that was given before there were any
    suggestions has none.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.coding.Trial.example("trial")
    >>> add_suggestions(cb.coding.read_logs("trial"), "trial").coders
    ['simulated-ann', 'simulated-ben']
    """
    labels = _read(resolve_path(folder))
    frame = codings.frame
    would_be = [
        dump_label(label) if (label := labels.get(str(unit), {}).get(str(variable))) is not None else ""
        for unit, variable in zip(frame["unit_id"], frame["variable"], strict=True)
    ]
    suggested = frame["suggestion"].where(frame["arm"] != WITHOUT, pd.Series(would_be, index=frame.index))
    return replace(codings, frame=frame.assign(suggestion=suggested))


def _read(folder: Path) -> dict[str, dict[str, Label]]:
    """The suggested label of each unit and variable."""
    path, labels = folder / _FILE, dict[str, dict[str, Label]]()
    for line in read_lines(path) if path.is_file() else ():
        labels.setdefault(line["unit_id"], {})[line["variable"]] = line["label"]
    return labels
