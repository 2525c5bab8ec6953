"""Read a codebook from YAML, every fault at once with its line; and write one.

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

from codebook.errors import Fault, SchemeError
from codebook.files.lines import write_whole
from codebook.files.yaml_text import YamlTree, parse_yaml, read_yaml
from codebook.ground.quantities import say_count
from codebook.paths import resolve_path
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
        case "extra_forbidden" if " " in str(loc[-1]) and not value:
            return f"within {{ }} a comma begins a new field, here {name}", "put the text with the comma in quotes"
        case "extra_forbidden":
            return f"{name} is not a field here", _suggest(str(loc[-1]), _FIELDS[_model_at(loc)])
        case "literal_error":
            kinds = list_kinds() if _model_at(loc) == "Variable" else FIELD_KINDS
            return f"{name} is {value!r}", f"write one of: {', '.join(kinds if loc[-1] == 'kind' else LEVELS)}"
        case "int_parsing" | "greater_than_equal":
            return f"{name} is {value!r}", "write a whole number, 0 or more"
        case "float_parsing" | "float_type" | "finite_number":
            return f"{name} is {value!r}", "write a number, with a point and no comma, such as 0.5"
        case "less_than_equal":
            return f"{name} is {value!r}", "write a whole number from 0 to 9"
        case "bool_parsing" | "bool_type":
            return f"{name} is {value!r}", "write true or false"
        case "string_pattern_mismatch":
            first, more = ("letter or digit", "letters, digits, _ and -") if loc == ("name",) else ("letter", _PLAIN)
            return f"`{loc[-1]}: {value}` is not a usable name", f"a {first} first, then {more} only; {_MOST} at most"
        case "string_too_long":
            if loc[-1] == "key":
                return f"{name} is {value!r}", "write one sign, such as a letter"
            problem = f"{name} has {say_count(len(value), 'character')}; 200 are allowed"
            return problem, "use a short code; the words go into `definition`"
        case "string_type":
            mend = "write a text; put it in quotes if it holds : or starts with [ or {"
            return f"{place} is {form}, not a text", mend
        case "model_type":
            return f"{place} is {form}", f"give its fields, such as `{_FIELDS[_model_at((*loc, ''))][0]}: ...`"
    return f"{name}: {message.lower()}", "see the codebook.yaml that `codebook new` writes"


_PLAIN, _MOST = "letters, digits and _", "40 characters"


def _how_to_add(loc: Loc) -> str:
    """What to write for a field that is missing or empty."""
    key = str(loc[-1])
    mends = {
        "level": f"write `level:` and one of {', '.join(LEVELS)}; agreement is computed by it",
        "kind": f"write `kind:` and one of {', '.join(KINDS)}",
        "categories": "list the categories, each with a name and a definition; or of a rating minimum and maximum",
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


def read_codebook_file(file: Path) -> Codebook:
    """Read and check `codebook.yaml`. Everything in it is text: `no` and `1` are names, not a truth value or a number.

    Raises
    ------
    SchemeError
        The file is faulty; all faults are listed with their line and the mend.
    """
    return _make_codebook(read_yaml(file, error=SchemeError, summary="The codebook cannot be read."))


def parse_codebook(text: str, where: str = "codebook") -> Codebook:
    """Check the text of a codebook; `where` names it in messages.

    Raises
    ------
    SchemeError
        All faults, each with its line and the mend.

    Examples
    --------
    >>> tone = '{name: tone, question: "Which tone?", kind: single, level: nominal, categories: [good, bad]}'
    >>> book = parse_codebook(f"name: tone\\nunit: a headline\\nvariables: [{tone}]")
    >>> book.variables[0].labels
    ('good', 'bad')
    """
    return _make_codebook(parse_yaml(text, where, error=SchemeError, summary=f"{where} is not readable as YAML."))


def _make_codebook(tree: YamlTree) -> Codebook:
    """Check what was read, and return it as a codebook."""
    where, raw = tree.where, tree.value
    if not isinstance(raw, dict):
        fault = Fault(f"{where}, line 1", "not a codebook", "start with `name:`, `unit:` and `variables:`")
        raise SchemeError(f"{where} is not a codebook.", [fault])
    findings = list(tree.repeated_keys())
    findings += [(tree.line(loc), Fault(tree.place(loc), problem, mend)) for loc, problem, mend in find_faults(raw)]
    if findings:
        faults = [fault for _, fault in sorted(findings, key=lambda finding: finding[0])]
        raise SchemeError(f"{where} has {say_count(len(faults), 'fault')}:", faults)
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
        if kind in OPEN_KINDS or kind == "number":
            return
        rest = {"categories": raw.get("categories"), "abstain": raw.get("abstain")}
        with suppress(ValidationError):
            yield from check_categories(Variable.model_validate(rest | _SOUND | {"kind": kind}))


_SOUND = {"name": "sound", "question": "sound", "level": "nominal"}


def write_codebook(codebook: Codebook, path: str | Path) -> None:
    """Write a codebook as YAML that reads back to the same digest.

    Raises
    ------
    SchemeError
        The path ends in .qdc, which is no YAML: `write_qdc` writes that.

    Examples
    --------
    >>> import codebook as cb
    >>> book = cb.read_codebook("codebook.yaml")
    >>> write_codebook(book, "copy.yaml")
    >>> cb.read_codebook("copy.yaml").digest == book.digest
    True
    """
    if Path(path).suffix.lower() == ".qdc":
        fault = Fault(
            str(path), "such a file is no YAML", "use cb.scheme.write_qdc(codebook, path), or end it in .yaml"
        )
        raise SchemeError("The codebook cannot be written like this.", [fault])
    raw = codebook.model_dump(mode="json", exclude_defaults=True)
    for variable in raw["variables"]:
        _leave_out_points(variable)
    text = yaml.dump(raw, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    write_whole(resolve_path(path), text)


def _leave_out_points(variable: dict[str, Any]) -> None:
    """Of a rating by bounds only the points that say something are written: the others follow from the bounds."""
    if variable["kind"] == "rating" and "minimum" in variable:
        variable["categories"] = [each for each in variable["categories"] if each.keys() != {"name"}]
    if not variable.get("categories", True):
        del variable["categories"]


class _Dumper(yaml.SafeDumper):
    """Writes U+0085, U+2028 and U+2029 as escapes: to YAML they are line ends, and come back as others."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        style = '"' if any(letter in data for letter in "\x85\u2028\u2029") else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)
