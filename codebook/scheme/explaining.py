"""Pydantic's errors in the words of a codebook: what is wrong with one field, and what to write."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any

from codebook.scheme.codebook_checks import Finding, Loc
from codebook.scheme.model import (
    FIELD_KINDS,
    KINDS,
    LEVELS,
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
    tell = _TELL.get(error["type"])
    if tell is None:
        return loc, f"`{loc[-1]}`: {error['msg'].lower()}", "see the README's section on the codebook"
    return loc, *tell(loc, error["input"])


def _missing(loc: Loc, _: Any) -> tuple[str, str]:
    return f"`{loc[-1]}` is missing", _how_to_add(loc)


def _empty(loc: Loc, _: Any) -> tuple[str, str]:
    return f"`{loc[-1]}` is empty", _how_to_add(loc)


def _unknown(loc: Loc, _: Any) -> tuple[str, str]:
    return f"`{loc[-1]}` is not a field here", _suggest(str(loc[-1]), _fields_at(loc))


def _not_allowed(loc: Loc, value: Any) -> tuple[str, str]:
    kinds = list_kinds() if _model_at(loc) == "Variable" else FIELD_KINDS
    return f"`{loc[-1]}` is {value!r}", f"write one of: {', '.join(kinds if loc[-1] == 'kind' else LEVELS)}"


def _no_number(loc: Loc, value: Any) -> tuple[str, str]:
    return f"`{loc[-1]}` is {value!r}", "write a whole number, 0 or more"


def _bad_name(loc: Loc, value: Any) -> tuple[str, str]:
    rule = "a letter first, then letters, digits and _ only; 40 characters at most"
    if loc == ("name",):
        rule = "a letter or digit first, then letters, digits, _ and - only; 40 characters at most"
    return f"`{loc[-1]}: {value}` is not a usable name", rule


def _too_long(loc: Loc, value: Any) -> tuple[str, str]:
    return (
        f"`{loc[-1]}` has {len(value)} characters; 200 are allowed",
        "use a short code; the words go into `definition`",
    )


def _no_flag(loc: Loc, value: Any) -> tuple[str, str]:
    return f"`{loc[-1]}` is {value!r}", "write true or false"


def _no_text(loc: Loc, value: Any) -> tuple[str, str]:
    where = f"`{loc[-1]}`" if isinstance(loc[-1], str) else f"entry {loc[-1] + 1} of `{loc[-2]}`"
    return (
        f"{where} is {_name_form(value)}, not a text",
        "write a text; put it in quotes if it holds : or starts with [ or {",
    )


def _no_list(loc: Loc, value: Any) -> tuple[str, str]:
    if value == "":
        return _empty(loc, value)
    return f"`{loc[-1]}` is {_name_form(value)}, not a list", "begin each entry with `- ` on a line of its own"


def _no_mapping(loc: Loc, value: Any) -> tuple[str, str]:
    model = _model_at((*loc, ""))
    place = f"entry {loc[-1] + 1} of `{loc[-2]}`" if isinstance(loc[-1], int) else f"`{loc[-1]}`"
    return f"{place} is {_name_form(value)}", f"give its fields, such as `{_FIELDS[model][0]}: ...`"


_TELL: dict[str, Callable[[Loc, Any], tuple[str, str]]] = {
    "missing": _missing,
    "extra_forbidden": _unknown,
    "literal_error": _not_allowed,
    "string_pattern_mismatch": _bad_name,
    "string_too_short": _empty,
    "string_too_long": _too_long,
    "string_type": _no_text,
    "int_parsing": _no_number,
    "greater_than_equal": _no_number,
    "bool_parsing": _no_flag,
    "bool_type": _no_flag,
    "tuple_type": _no_list,
    "too_short": _empty,
    "model_type": _no_mapping,
}


def _name_form(value: Any) -> str:
    return "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else f"the text {value!r}"


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


def _fields_at(loc: Loc) -> tuple[str, ...]:
    """The fields that may stand at this place of the file."""
    return _FIELDS[_model_at(loc)]


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
