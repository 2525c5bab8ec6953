"""A notebook's parameters: read from its cell, and what is given held against them before anything runs."""

from __future__ import annotations

import ast
import difflib
import keyword
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import orjson

from codebook.errors import Fault, ParameterError
from codebook.ground.secrecy import MEND, judge_secrecy
from codebook.paths import show_path

Value = str | int | float | bool | list[str]

FORM = "`name: type = literal  # help` on one line, type one of str, int, float, bool, list[str]"
_LINE = re.compile(
    r"([A-Za-z_]\w*)\s*:\s*(str|int|float|bool|list\[str\])\s*=\s*([^#]*?)\s*(?:#\s*(.*?)\s*)?", re.ASCII
)
_TYPES: Mapping[str, Any] = {"int": int, "float": float, "bool": bool, "str": str, "list[str]": list[str]}
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "str": "a text",
    "list[str]": "texts with commas between them, or a YAML list",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One line of a parameters cell.

    Examples
    --------
    >>> parameter = Parameter("seed", "int", 1, "of the bootstrap")
    >>> parameter.name, parameter.default
    ('seed', 1)
    """

    name: str
    type: str
    default: Value
    help: str = ""


def read_notebook(path: Path) -> dict[str, Any]:
    """Read a notebook's JSON, with each cell's source as one text.

    Raises
    ------
    ParameterError
        The file is missing, no JSON, or a notebook of a format before 4.
    """
    where = show_path(path)
    try:
        notebook = orjson.loads(path.read_bytes())
        cells = [{**cell, "source": "".join(cell["source"])} for cell in notebook["cells"]]
    except FileNotFoundError:
        fault = Fault(where, "there is no such notebook", "check the path; relative ones start at the project's folder")
    except (orjson.JSONDecodeError, KeyError, TypeError):
        fault = Fault(where, "this is not a notebook of nbformat 4", "open it in JupyterLab and save it again")
    else:
        return {**notebook, "cells": cells}
    raise ParameterError("The notebook cannot be read.", [fault])


def read_parameters(path: str | Path) -> dict[str, Parameter]:
    """Read the parameters that a notebook declares in its cell tagged `parameters`.

    The cell is parsed here and not by papermill, which drops in silence a line that holds a second `=`, and takes the
    text after a `#` inside a value for the help.

    Raises
    ------
    ParameterError
        A line has another form; every such line is named.

    Examples
    --------
    >>> import codebook as cb
    >>> read_parameters("notebooks/06_reliability.ipynb")["replicates"].default
    1000
    """
    path = Path(path)
    where = show_path(path)
    cells = [cell["source"] for cell in read_notebook(path)["cells"] if "parameters" in read_tags(cell)]
    declared: dict[str, Parameter] = {}
    faults = []
    if len(cells) > 1:
        faults.append(Fault(where, f"{len(cells)} cells are tagged `parameters`", "keep one of them"))
    for number, line in enumerate("".join(cells[:1]).split("\n"), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        parameter = _parse_line(line, declared)
        if isinstance(parameter, Parameter):
            declared[parameter.name] = parameter
        else:
            faults.append(Fault(f"{where}, parameters cell, line {number}", *parameter))
    ParameterError.raise_any(f"The parameters cell of {path.name} cannot be used.", faults)
    return declared


def read_tags(cell: Mapping[str, Any]) -> list[str]:
    """Return the tags of a cell of code; other cells take no parameters, so theirs count for nothing."""
    tags: list[str] = cell.get("metadata", {}).get("tags", []) if cell.get("cell_type") == "code" else []
    return tags


def _parse_line(line: str, declared: Mapping[str, Parameter]) -> Parameter | tuple[str, str]:
    """Return the parameter of a line, or `(problem, mend)`. The line is not repeated: it may hold a key."""
    match = _LINE.fullmatch(line)
    if line.count("=") > 1 or line.count("#") > 1:
        return "a `=` or `#` inside the value or the help (papermill drops such a line)", f"write {FORM}, without them"
    if match is None or keyword.iskeyword(match[1]):
        return "this is no line of a parameters cell", f"write {FORM}"
    name, declared_type, text, help_text = match[1], match[2], match[3], match[4] or ""
    if help_text.startswith("type:"):
        return "the help begins with `type:`, which papermill reads as a type", "begin the help with another word"
    if name in declared:
        return f"`{name}` is declared twice", "keep one of the lines"
    try:
        default = convert_value(declared_type, ast.literal_eval(text), from_text=False)
    except (ValueError, SyntaxError):
        return f"the default of `{name}` is not {_WORDS[declared_type]}, written as a literal", f"write {FORM}"
    if judge_secrecy(name, default):
        return f"the default of `{name}` looks like a key", MEND
    return Parameter(name, declared_type, default, help_text)


def convert_value(declared_type: str, raw: object, *, from_text: bool = True) -> Value:
    """Return a given value as the declared type; text from a command line or a YAML file is converted.

    Raises
    ------
    ValueError
        It is of another type, or a text that does not read as this one.

    Examples
    --------
    >>> convert_value("int", "5"), convert_value("bool", "true"), convert_value("list[str]", "a, b")
    (5, True, ['a', 'b'])
    """
    if from_text and isinstance(raw, str) and declared_type != "str":
        raw = _READ[declared_type](raw.strip())
    value: Value = msgspec.convert(raw, _TYPES[declared_type])
    return value


def _read_bool(text: str) -> bool:
    return bool(("false", "true").index(text.lower()))


def _split_list(text: str) -> object:
    if text.strip().startswith("["):
        from codebook.files.yaml_text import parse_yaml

        try:
            return parse_yaml(text, "the list", error=ParameterError, summary="").value
        except ParameterError:
            raise ValueError(text) from None
    return [part.strip() for part in text.split(",") if part.strip()]


_READ: Mapping[str, Callable[[str], object]] = {
    "int": int, "float": float, "bool": _read_bool, "list[str]": _split_list
}  # fmt: skip


def judge_value(parameter: Parameter, raw: object) -> Value | tuple[str, str]:
    """Return what is given as the declared type, or `(problem, mend)`."""
    try:
        return convert_value(parameter.type, raw)
    except ValueError:
        text, wanted = repr(raw), _WORDS[parameter.type]
        text = text if len(text) <= 60 else f"{text[:57]}..."
        return f"parameter `{parameter.name}` is {text}, but it takes {wanted}", f"give {wanted}"


def suggest(name: str, known: Mapping[str, object], what: str) -> str:
    """Return a mend for an unknown name: the nearest known one, and all of them.

    Examples
    --------
    >>> suggest("sed", {"run": 1, "seed": 2}, "parameters")
    'did you mean `seed`? The parameters are: run, seed'
    """
    near = difflib.get_close_matches(name, known, n=1)
    listed = f"The {what} are: {', '.join(known)}" if known else f"There are no {what}"
    return f"did you mean `{near[0]}`? {listed}" if near else listed


def check_parameters(
    declared: Mapping[str, Parameter], raw_values: Mapping[str, object], *, where: str = "parameters"
) -> dict[str, Value]:
    """Hold given values against what a notebook declares, and return them as the declared types.

    Raises
    ------
    ParameterError
        One is unknown, of the wrong type, or looks like a key; all are named. A key is never repeated.

    Examples
    --------
    >>> check_parameters({"seed": Parameter("seed", "int", 1)}, {"seed": "7"})
    {'seed': 7}
    """
    values: dict[str, Value] = {}
    faults = []
    for name, value in raw_values.items():
        result: Value | tuple[str, str]
        if secret := judge_secrecy(name, value):
            result = secret
        elif name not in declared:
            result = f"there is no parameter `{name}`", suggest(name, declared, "parameters")
        else:
            result = judge_value(declared[name], value)
        if isinstance(result, tuple):
            faults.append(Fault(where, *result))
        else:
            values[name] = result
    ParameterError.raise_any("The parameters cannot be used; nothing was run.", faults)
    return values
