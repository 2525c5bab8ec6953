"""Tasks for Label Studio, doccano and Prodigy, with suggestions or without: the same units give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from codebook.analysis.core.codings import Codings
from codebook.errors import Fault, ParameterError, mend_name
from codebook.exchange.labelling.label_studio import is_tasks
from codebook.exchange.labelling.suggested_labels import Suggested, choose_variable, find_suggestions
from codebook.exchange.labelling.task_forms import (
    doccano_task,
    label_studio_task,
    prodigy_task,
    write_configuration,
)
from codebook.exchange.reading import Reading
from codebook.exchange.unit_fields import read_unit
from codebook.files.json_values import iter_values
from codebook.files.lines import dump_line, write_atomic, write_whole
from codebook.ground.joins import join_ids
from codebook.ground.quantities import say_count
from codebook.paths import resolve_path
from codebook.records import Unit
from codebook.scheme import Codebook

TOOLS = {"label_studio": label_studio_task, "doccano": doccano_task, "prodigy": prodigy_task}
"""Programs for which tasks are written, and how a unit stands in one."""
Units = Iterable[Unit] | Iterable[tuple[Unit, str | None]]


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
