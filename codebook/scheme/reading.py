"""Read a codebook from YAML, or a plain list of labels from a table; every fault at once, with its line."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from codebook.errors import Fault, SchemeError
from codebook.paths import resolve_path, show_path
from codebook.records import write_atomic
from codebook.scheme.checks import Finding, Loc, check_names, check_variable
from codebook.scheme.model import KINDS, LEVELS, Category, Codebook, Example, Variable

_FIELDS = {model.__name__: tuple(model.model_fields) for model in (Codebook, Variable, Category, Example)}


def read_codebook(path: str | Path) -> Codebook:
    """Read and check `codebook.yaml`. Everything in it is text: `no` and `1` are names, not a truth value or a number.

    Raises
    ------
    SchemeError
        The file is missing or faulty; all faults are listed with their line and the mend.
    """
    file = resolve_path(path)
    if not file.is_file():
        raise SchemeError(f"There is no codebook at {show_path(file)}. To mend: give the path of your codebook.yaml.")
    return parse_codebook(file.read_text(encoding="utf-8-sig"), show_path(file))


def parse_codebook(text: str, where: str = "codebook") -> Codebook:
    """Check the text of a codebook; `where` names it in messages.

    Raises
    ------
    SchemeError
        All faults, each with its line and the mend.
    """
    try:
        root = yaml.compose(text, Loader=yaml.BaseLoader)
        raw = yaml.load(text, Loader=yaml.BaseLoader)
    except yaml.YAMLError as error:
        mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or str(error)
        line = mark.line + 1 if mark else 1
        fault = Fault(f"{where}, line {line}", problem, "check the indentation, colons and quotes")
        raise SchemeError(f"{where} is not readable as YAML.", [fault]) from None
    if not isinstance(raw, dict):
        fault = Fault(f"{where}, line 1", "not a codebook", "start with `name:`, `unit:` and `variables:`")
        raise SchemeError(f"{where} is not a codebook.", [fault])
    findings = [*_duplicate_keys(root), *_find_faults(raw)]
    if findings:
        faults = [Fault(f"{where}, line {_line_of(root, loc)}", problem, mend) for loc, problem, mend in findings]
        faults.sort(key=lambda fault: int(fault.where.rsplit(" ", 1)[1]))
        raise SchemeError(f"{where} has {len(faults)} fault{'s' * (len(faults) > 1)}:", faults)
    return Codebook.model_validate(raw)


def _find_faults(raw: dict[str, Any]) -> Iterator[Finding]:
    """Every fault of the raw mapping: of single fields first, then of fields together."""
    try:
        codebook = Codebook.model_validate(raw)
    except ValidationError as error:
        yield from map(_explain, error.errors())
    else:
        yield from check_names(codebook)
    variables = raw.get("variables")
    for place, one in enumerate(variables if isinstance(variables, list) else ()):
        try:
            variable = TypeAdapter(Variable).validate_python(one)
        except ValidationError:
            continue  # its fields are already reported
        for loc, problem, mend in check_variable(variable):
            yield ("variables", place, *loc), problem, mend


def _explain(error: Any) -> Finding:
    """A pydantic error as (path, problem, mend) in the words of a codebook."""
    loc: Loc = tuple(error["loc"])
    key, kind = str(loc[-1]) if loc else "", error["type"]
    if kind == "missing":
        return loc, f"`{key}` is missing", _how_to_add(key)
    if kind == "extra_forbidden":
        return loc, f"`{key}` is not a field here", _suggest(key, _fields_at(loc))
    if kind == "literal_error":
        allowed = KINDS if key == "kind" else LEVELS
        return loc, f"`{key}` is {error['input']!r}", f"write one of: {', '.join(allowed)}"
    if kind == "string_pattern_mismatch":
        rule = "letters, digits and _ only, a letter first, 40 characters at most"
        return loc, f"`{key}: {error['input']}` is not a usable name", rule
    if kind == "string_too_short":
        return loc, f"`{key}` is empty", _how_to_add(key)
    if kind == "bool_parsing":
        return loc, f"`{key}` is {error['input']!r}", "write true or false"
    return loc, f"`{key}`: {error['msg'].lower()}", "see the README's section on the codebook"


def _how_to_add(key: str) -> str:
    """What to write for a field that is missing or empty."""
    said = {
        "level": f"write `level:` and one of {', '.join(LEVELS)}; agreement is computed by it",
        "kind": f"write `kind:` and one of {', '.join(KINDS)}",
        "categories": "list the categories, each with a name and a definition",
        "unit": "say what is coded, for example `unit: one sentence of a speech`",
        "question": "write the question that the coder answers",
        "variables": "list at least one variable",
    }
    return said.get(key, f"write `{key}: ...`")


def _fields_at(loc: Loc) -> tuple[str, ...]:
    """The fields that may stand at this place of the file."""
    inside = [part for part in loc[:-1] if isinstance(part, str)]
    model = {"variables": "Variable", "categories": "Category", "abstain": "Category", "examples": "Example"}
    return _FIELDS[model[inside[-1]] if inside else "Codebook"]


def _suggest(key: str, fields: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(key, fields, n=1)
    return f"did you mean `{close[0]}`?" if close else f"remove it; the fields are {', '.join(fields)}"


def _duplicate_keys(node: yaml.Node | None, loc: Loc = ()) -> Iterator[Finding]:
    """A key that stands twice in one mapping: YAML itself would drop the first without a word."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield (*loc, key.value), f"`{key.value}` stands here twice", "keep one of them"
            seen.add(key.value)
            yield from _duplicate_keys(value, (*loc, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for place, value in enumerate(node.value):
            yield from _duplicate_keys(value, (*loc, place))


def _line_of(node: yaml.Node | None, loc: Loc) -> int:
    """The line of the deepest part of `loc` that is in the file, counted from 1."""
    line = 1
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            found = [(key, value) for key, value in node.value if key.value == part]
            if not found:
                break
            line, node = found[-1][0].start_mark.line + 1, found[-1][1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line + 1
        else:
            break
    return line


def write_codebook(codebook: Codebook, path: str | Path) -> None:
    """Write a codebook as YAML that reads back to the same digest."""
    raw = codebook.model_dump(mode="json", exclude_defaults=True)
    text = yaml.safe_dump(raw, sort_keys=False, allow_unicode=True, width=110)
    with write_atomic(Path(path)) as file:
        file.write(text.encode())


def read_label_list(
    path: str | Path,
    *,
    column: str,
    kind: str,
    level: str,
    question: str,
    definition_column: str = "",
) -> Codebook:
    """Turn a plain list of labels (a column of a csv or xlsx file) into a codebook with one variable.

    Parameters
    ----------
    column, definition_column
        The columns that hold the names and, where there is one, the definitions.
    kind, level, question
        As in a codebook; they are not guessed from the list.

    Raises
    ------
    SchemeError
        The column is missing, or the list makes no codebook.
    """
    import pandas as pd

    file = resolve_path(path)
    read = pd.read_excel if file.suffix.lower() == ".xlsx" else pd.read_csv
    frame = read(file, dtype=str, keep_default_na=False)
    missing = [name for name in (column, definition_column) if name and name not in frame.columns]
    if missing:
        mend = f"the columns are {', '.join(frame.columns)}"
        raise SchemeError(f"{show_path(file)}:", [Fault(f"column {name!r}", "missing", mend) for name in missing])
    rows = [row for row in frame.to_dict("records") if row[column].strip()]
    categories = [{"name": row[column], "definition": row.get(definition_column, "")} for row in rows]
    name = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in column)[:39]
    variable = {
        "name": name if name[0].isalpha() else f"v{name}",
        "question": question,
        "kind": kind,
        "level": level,
        "categories": categories,
    }
    stem = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in file.stem).strip("-")[:40]
    raw = {"name": stem or "codebook", "unit": "one text", "variables": [variable]}
    return parse_codebook(yaml.safe_dump(raw, sort_keys=False, allow_unicode=True), show_path(file))
