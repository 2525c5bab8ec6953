"""Read a codebook from YAML, or from a plain list of labels, every fault at once with its line; and write one.

`explain` says pydantic's errors in the words of a codebook: what is wrong with one field, and what to write.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from codebook.errors import Fault, SchemeError, UnitsError
from codebook.files import YamlTree, open_rows, parse_yaml, read_yaml
from codebook.files.lines import write_atomic
from codebook.paths import resolve_path, show_path
from codebook.scheme.codebook_checks import Finding, Loc, check_alone, check_categories, check_names, check_variable
from codebook.scheme.model import (
    FIELD_KINDS,
    KINDS,
    LEVELS,
    OPEN_KINDS,
    Category,
    Codebook,
    Example,
    RecordField,
    RecordList,
    Variable,
    list_kinds,
)

_MODELS = (Codebook, Variable, Category, Example, RecordList, RecordField)
_FIELDS = {model.__name__: tuple(model.model_fields) for model in _MODELS}


def explain(error: Any) -> Finding:
    """Return (path in the file, problem, mend) of one error of pydantic."""
    loc: Loc = tuple(error["loc"])
    return loc, *_explain_at(loc, error["input"], error["type"], error["msg"])


def _explain_at(loc: Loc, value: Any, kind: str, message: str) -> tuple[str, str]:
    name = f"`{loc[-1]}`"
    place = f"entry {loc[-1] + 1} of `{loc[-2]}`" if isinstance(loc[-1], int) else name
    form = "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else f"the text {value!r}"
    match kind:
        case "missing":
            return f"{name} is missing", _how_to_add(loc)
        case "string_too_short" | "too_short":
            return f"{name} is empty", _how_to_add(loc)
        case "tuple_type" if value == "":
            return f"{name} is empty", _how_to_add(loc)
        case "tuple_type":
            return f"{name} is {form}, not a list", "begin each entry with `- ` on a line of its own"
        case "extra_forbidden":
            return f"{name} is not a field here", _suggest(str(loc[-1]), _FIELDS[_model_at(loc)])
        case "literal_error":
            kinds = list_kinds() if _model_at(loc) == "Variable" else FIELD_KINDS
            return f"{name} is {value!r}", f"write one of: {', '.join(kinds if loc[-1] == 'kind' else LEVELS)}"
        case "int_parsing" | "greater_than_equal":
            return f"{name} is {value!r}", "write a whole number, 0 or more"
        case "bool_parsing" | "bool_type":
            return f"{name} is {value!r}", "write true or false"
        case "string_pattern_mismatch":
            first, more = ("letter or digit", "letters, digits, _ and -") if loc == ("name",) else ("letter", _PLAIN)
            return f"`{loc[-1]}: {value}` is not a usable name", f"a {first} first, then {more} only; {_MOST} at most"
        case "string_too_long":
            problem = f"{name} has {len(value)} characters; 200 are allowed"
            return problem, "use a short code; the words go into `definition`"
        case "string_type":
            mend = "write a text; put it in quotes if it holds : or starts with [ or {"
            return f"{place} is {form}, not a text", mend
        case "model_type":
            return f"{place} is {form}", f"give its fields, such as `{_FIELDS[_model_at((*loc, ''))][0]}: ...`"
    return f"{name}: {message.lower()}", "see the README's section on the codebook"


_PLAIN, _MOST = "letters, digits and _", "40 characters"


def _how_to_add(loc: Loc) -> str:
    """What to write for a field that is missing or empty."""
    key = str(loc[-1])
    mends = {
        "level": f"write `level:` and one of {', '.join(LEVELS)}; agreement is computed by it",
        "kind": f"write `kind:` and one of {', '.join(KINDS)}",
        "categories": "list the categories, each with a name and a definition",
        "unit": "say what is coded, for example `unit: one sentence of a speech`",
        "question": "write the question that the coder answers",
        "variables": "list at least one variable",
        "fields": "list the fields of a record, each with a name and a definition",
        "text": "write the text of the example, or the path of its `image`",
    }
    return mends.get(key, f"write `{key}: ...`")


def _model_at(loc: Loc) -> str:
    """The part of a codebook that a field at this place belongs to."""
    inside = [part for part in loc[:-1] if isinstance(part, str)]
    return _INSIDE[inside[-1]] if inside else "Codebook"


_INSIDE = {
    "variables": "Variable",
    "categories": "Category",
    "abstain": "Category",
    "examples": "Example",
    "lists": "RecordList",
    "fields": "RecordField",
}


def _suggest(key: str, fields: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(key, fields, n=1)
    return f"did you mean `{close[0]}`?" if close else f"remove it; the fields are {', '.join(fields)}"


Row = tuple[int, dict[str, str]]
"""The number of a row in its file, and its cells by column."""


def read_codebook(path: str | Path) -> Codebook:
    """Read and check `codebook.yaml`. Everything in it is text: `no` and `1` are names, not a truth value or a number.

    Raises
    ------
    SchemeError
        The file is missing or faulty; all faults are listed with their line and the mend.
    """
    file = resolve_path(path)
    if not file.exists():
        raise SchemeError(f"There is no codebook at {show_path(file)}. To mend: give the path of your codebook.yaml.")
    return _make_codebook(read_yaml(file, error=SchemeError, summary="The codebook cannot be read."))


def parse_codebook(text: str, where: str = "codebook") -> Codebook:
    """Check the text of a codebook; `where` names it in messages.

    Raises
    ------
    SchemeError
        All faults, each with its line and the mend.
    """
    return _make_codebook(parse_yaml(text, where, error=SchemeError, summary=f"{where} is not readable as YAML."))


def _make_codebook(tree: YamlTree) -> Codebook:
    """Check what was read, and return it as a codebook."""
    where, raw = tree.where, tree.value
    if not isinstance(raw, dict):
        fault = Fault(f"{where}, line 1", "not a codebook", "start with `name:`, `unit:` and `variables:`")
        raise SchemeError(f"{where} is not a codebook.", [fault])
    twice = [(line, f"`{loc[-1]}` stands here twice", "keep one of them") for loc, line in tree.repeated_keys()]
    findings = [*twice, *((tree.line(loc), problem, mend) for loc, problem, mend in find_faults(raw))]
    if findings:
        findings.sort(key=lambda finding: finding[0])
        faults = [Fault(f"{where}, line {line}", problem, mend) for line, problem, mend in findings]
        raise SchemeError(f"{where} has {len(faults)} fault{'s' * (len(faults) > 1)}:", faults)
    return Codebook.model_validate(raw)


def find_faults(raw: dict[str, Any]) -> Iterator[Finding]:
    """Every fault of the raw mapping: of single fields first, then of fields together."""
    variables = raw.get("variables")
    try:
        codebook = Codebook.model_validate(raw)
    except ValidationError as error:
        for variable in error.errors():
            # pydantic leaves faulty variables out before it counts them, and then finds too few
            if not (variables and variable["loc"] == ("variables",) and variable["type"] == "too_short"):
                yield explain(variable)
    else:
        yield from check_names(codebook)
        yield from check_alone(codebook)
    for place, variable in enumerate(variables if isinstance(variables, list) else ()):
        for loc, problem, mend in _check_together(variable):
            yield ("variables", place, *loc), problem, mend


def _check_together(raw: Any) -> Iterator[Finding]:
    """What the fields of a variable get wrong together; where some are faulty themselves, its categories only."""
    try:
        yield from check_variable(Variable.model_validate(raw))
    except ValidationError:
        if not isinstance(raw, dict):
            return
        kind = raw.get("kind") if raw.get("kind") in KINDS else "multi"
        if kind in OPEN_KINDS:
            return
        rest = {"categories": raw.get("categories"), "abstain": raw.get("abstain")}
        with suppress(ValidationError):
            yield from check_categories(Variable.model_validate(rest | _SOUND | {"kind": kind}))


_SOUND = {"name": "sound", "question": "sound", "level": "nominal"}


def write_codebook(codebook: Codebook, path: str | Path) -> None:
    """Write a codebook as YAML that reads back to the same digest."""
    raw = codebook.model_dump(mode="json", exclude_defaults=True)
    text = yaml.dump(raw, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    with write_atomic(resolve_path(path)) as file:
        file.write(text.encode())


class _Dumper(yaml.SafeDumper):
    """Writes U+0085, U+2028 and U+2029 as escapes: to YAML they are line ends, and come back as others."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        style = '"' if any(letter in data for letter in "\x85\u2028\u2029") else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)


def read_label_list(
    path: str | Path,
    *,
    column: str,
    kind: str,
    level: str,
    question: str,
    definition_column: str = "",
    encoding: str | None = None,
) -> Codebook:
    """Turn a plain list of labels (a column of a csv or xlsx file) into a codebook with one variable.

    Parameters
    ----------
    column, definition_column
        The columns that hold the names and, where there is one, the definitions.
    kind, level, question
        As in a codebook; they are not guessed from the list.
    encoding
        Of a csv file that is not UTF-8.

    Raises
    ------
    SchemeError
        The column is missing, or the list makes no codebook.
    """
    file = resolve_path(path)
    if not file.exists():
        raise SchemeError(f"There is no list of labels at {show_path(file)}. To mend: give the path of a csv or xlsx.")
    columns, rows = _read_table(file, encoding)
    missing = [name for name in (column, definition_column or column) if name not in columns]
    if missing:
        mend = f"the columns are {', '.join(columns)}"
        faults = [Fault(f"column {name!r}", "missing", mend) for name in dict.fromkeys(missing)]
        raise SchemeError(f"{show_path(file)}:", faults)
    rows = [(number, row) for number, row in rows if row[column].strip()]
    categories = [{"name": row[column], "definition": row.get(definition_column, "")} for _, row in rows]
    variable = {
        "name": _as_name(column),
        "question": question,
        "kind": kind,
        "level": level,
        "categories": categories,
    }
    stem = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in file.stem).strip("-")[:40]
    raw = {"name": stem or "codebook", "unit": "one text", "variables": [variable]}
    faults = []
    for loc, problem, mend in find_faults(raw):
        place = loc[3] if loc[2:3] == ("categories",) and len(loc) > 3 else None
        where = f"{show_path(file)}, row {rows[place][0]}" if isinstance(place, int) else show_path(file)
        faults.append(Fault(where, problem, mend))
    if faults:
        raise SchemeError(f"{show_path(file)} makes no codebook:", faults)
    return Codebook.model_validate(raw)


def _as_name(column: str) -> str:
    """A column's heading as the name of a variable."""
    name = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in column)[:39]
    return name if name[:1].isalpha() else f"v{name}"


def _read_table(file: Path, encoding: str | None) -> tuple[tuple[str, ...], list[Row]]:
    """Read a table whose first row names the columns, as tables of units are read."""
    where = show_path(file)
    if not file.stat().st_size:
        return (), []
    try:
        table = open_rows(file, encoding=encoding)
        rows = list(enumerate(table, start=2 + table.skip_rows))
    except UnitsError as error:
        raise SchemeError("The list of labels cannot be read.", error.faults) from error
    if table.guessed:
        mend = f"save the file with encoding UTF-8, or give encoding={table.encoding!r} if that is right"
        raise SchemeError("The list of labels cannot be read.", [Fault(where, table.how_encoded, mend)])
    if table.ragged:
        problem = f"a row has not {len(table.columns)} cells as the first has"
        faults = [Fault(f"{where}, row {number}", problem, "quote cells with a comma") for number in table.ragged]
        raise SchemeError(f"{where} is no even table:", faults)
    return table.columns, rows
