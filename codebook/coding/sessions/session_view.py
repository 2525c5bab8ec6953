"""What a form is shown, and what it may answer: the one contract of notebook, served page and page in a file.

A VIEW (kit -> form) is plain JSON:

    ack            `seq` of the message that it answers; 0 at the start
    coder, study, round, read_only
    codebook       in the first view and when asked, else null: unit, instructions, variables (`show_codebook`)
    unit           null when nothing is left, else id, token (another one whenever a unit is drawn anew), place, total,
                   blocks ({"type": "text", "text"}, {"type": "image", "source", "alt"},
                   {"type": "page", "source", "number"}), context ([{"name", "text"}]), members ([{"id", "place"}]),
                   again (it comes a second time), loss (what of it is damaged)
    answers, notes {variable: label}, {variable or "": text}; `evidence`, `confidence` likewise
    flag, skipped  whether it is flagged; null, or the reason for which it is skipped (it may be empty)
    recode         variables of the unit that were coded by an earlier definition
    progress       done, left, flagged, skipped, recode, total, minutes; per_hour and minutes_left are null until known
    filter         left, all, flagged, skipped or recode
    can_undo, can_redo
    suggestion     null or {variable: label}; `arm` is none, with or without
    feedback, adjudication   null, or what a training or an adjudication adds
    message        null, or {"kind": "refused" | "error" | "info", "text"}
    refused        how many messages were refused since the session was opened

A MESSAGE (form -> kit) is a mapping with `seq`, `token` (of the unit that was seen), `shown_ms` (since it was drawn),
`client` (any name of the window: a message of a window that comes twice is written once) and an `act`:

    label          variable, label (null takes it back); perhaps evidence, confidence, reason
    note           text, variable ("" for the unit)
    flag           on
    skip           reason, on
    undo, redo
    go             to: "next", "back", a place (number) or the id of a unit
    filter         to
    context        that the context was asked for; it is recorded
    codebook       the next view has the codebook
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from codebook.records import Unit
from codebook.scheme import Category, Codebook, RecordList, Variable
from codebook.scheme.codebook_checks import COMMAND_KEYS, as_number
from codebook.scheme.number_values import say_bounds

FILTERS = ("left", "all", "flagged", "skipped", "recode")
LEAST_MS = 150
"""A key within so many milliseconds of a unit's drawing was meant for another one."""
WRITTEN = ("label", "note", "flag", "skip", "undo", "redo", "context")
MESSAGE_ACTS = (*WRITTEN, "go", "filter", "codebook")
OF_UNIT = ("label", "note", "flag", "skip", "context")
"""Acts that concern the unit that was seen, and are refused for another one."""


def show_codebook(codebook: Codebook) -> dict[str, Any]:
    """The codebook as a form shows it, with a key for each code.

    Examples
    --------
    >>> from codebook.scheme import parse_codebook
    >>> book = parse_codebook('''
    ... name: tone
    ... unit: a post
    ... variables: [{name: tone, question: "?", kind: single, level: nominal, categories: [good, bad], abstain: [no]}]
    ... ''')
    >>> [(each["name"], each["key"]) for each in show_codebook(book)["variables"][0]["categories"]]
    [('good', '1'), ('bad', '2')]
    """
    return {
        "name": codebook.name,
        "version": codebook.version,
        "unit": codebook.unit,
        "instructions": codebook.instructions,
        "variables": [_show_variable(variable) for variable in codebook.variables],
    }


_BOUNDS = {"minimum", "maximum", "step", "decimals"}


def _show_variable(variable: Variable) -> dict[str, Any]:
    keys = assign_keys(variable)
    return {
        **variable.model_dump(mode="json", include={"name", "question", "kind", "level", "evidence", "confidence"}),
        **({"bounds": say_bounds(variable), **variable.model_dump(include=_BOUNDS)} if variable.is_number else {}),
        "tables": variable.tables,
        "lists": [_show_list(each) for each in variable.lists],
        "categories": [_show_category(each, keys) for each in variable.categories],
        "abstain": [_show_category(each, keys) for each in variable.abstain],
    }


def _show_list(records: RecordList) -> dict[str, Any]:
    fields = [
        {
            **field.model_dump(mode="json", include={"name", "kind", "definition"}),
            "categories": [_show_category(each, assign_field_keys(field.categories)) for each in field.categories],
        }
        for field in records.fields
    ]
    return {**records.model_dump(mode="json", include={"name", "definition", "most"}), "fields": fields}


def _show_category(category: Category, keys: Mapping[str, str]) -> dict[str, Any]:
    fields = category.model_dump(mode="json", include={"name", "definition", "include", "exclude"})
    examples = [example.model_dump(mode="json", include={"text", "why", "image"}) for example in category.examples]
    return {**fields, "key": keys[category.name], "examples": examples}


def show_unit(unit: Unit, sources: Iterable[Mapping[str, Any]], **where: Any) -> dict[str, Any]:
    """A unit as a form shows it; `sources` are the blocks of its files, `where` its token, place and total."""
    text = [{"type": "text", "text": unit.text}] if unit.text or not unit.files else []
    return {
        "id": unit.unit_id,
        **where,
        "blocks": [*map(dict, sources), *text],
        "context": [{"name": name, "text": str(value)} for name, value in unit.context.items()],
        "members": [{"id": name, "place": start} for name, start in unit.members],
        "loss": unit.loss,
    }


def find_message_problem(message: Any) -> str:
    """Say what keeps a message from being one; nothing where it is.

    Examples
    --------
    >>> find_message_problem({"act": "label", "variable": "tone"}), find_message_problem({"act": "undo"})
    ("label has no 'label'", '')
    """
    if not isinstance(message, Mapping):
        return "it is not a mapping"
    act = message.get("act")
    if act not in MESSAGE_ACTS:
        return f"{act!r} is not one of {', '.join(MESSAGE_ACTS)}"
    needed = {"label": ("label",), "note": ("text",), "go": ("to",), "filter": ("to",)}.get(act, ())
    if missing := [name for name in needed if name not in message]:
        return f"{act} has no {missing[0]!r}"
    texts = {"note": "text", "skip": "reason", "label": "variable", "filter": "to"}
    if (name := texts.get(act)) and not isinstance(message.get(name, ""), str):
        return f"{name!r} of {act} is not a text"
    if act == "filter" and message["to"] not in FILTERS:
        return f"{message['to']!r} is not one of {', '.join(FILTERS)}"
    if any(type(message.get(name, 0)) not in (int, float) for name in ("seq", "shown_ms")):
        return "seq or shown_ms is not a number"
    return ""


# -- which key stands for which code: shown on its button, and never that of a command of the form ---------------------

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def assign_keys(variable: Variable) -> dict[str, str]:
    """Return the key of each code of a variable, abstention codes too; '' for those for which no key is left.

    A key that the codebook gives comes first. Points of a scale have their digit, and 10 beside them a letter; -1, 0
    and 1 have -, 0 and 1. Other codes have 1 to 9 and then letters in the order of the codebook, abstention codes their
    first letter, or x, where it is free.

    Examples
    --------
    >>> from codebook.scheme import Variable
    >>> topic = dict(name="topic", question="?", kind="single", level="nominal")
    >>> assign_keys(Variable(**topic, categories=["sports", {"name": "war", "key": "w"}, "trade"], abstain=["unclear"]))
    {'sports': '1', 'war': 'w', 'trade': '2', 'unclear': 'x'}
    >>> tone = dict(name="tone", question="?", kind="rating", level="ordinal")
    >>> assign_keys(Variable(**tone, categories=["-1", "0", "1"]))
    {'-1': '-', '0': '0', '1': '1'}
    """
    taken = set("0123456789" if variable.is_number else "0" if variable.is_set else "")  # 0 is "none of these"
    return _assign(variable.categories, variable.abstain, taken)


def assign_field_keys(categories: Sequence[Category]) -> dict[str, str]:
    """Return the key of each category of a field of a record, by the same rule."""
    return _assign(categories, (), set())


def _assign(categories: Sequence[Category], abstain: Sequence[Category], taken: set[str]) -> dict[str, str]:
    keys = {each.name: each.key for each in (*categories, *abstain) if each.key}
    taken = taken | {key.lower() for key in keys.values()} | COMMAND_KEYS
    wanted = "123456789" + _LETTERS
    if not keys and (keys := _scale_keys(categories, taken)):
        wanted = _LETTERS  # 10 is not to be had by 1, which is another point
    for each in categories:
        keys.setdefault(each.name, _first_free(wanted, taken | set(keys.values())))
    for each in abstain:
        wanted = each.name[:1].lower() + "x123456789" + _LETTERS
        keys.setdefault(each.name, _first_free(wanted, taken | set(keys.values())))
    return {each.name: keys[each.name] for each in (*categories, *abstain)}


def _scale_keys(categories: Sequence[Category], taken: Set[str]) -> dict[str, str]:
    """The digits by which points of a scale are named, or nothing where a code is named otherwise."""
    names = {each.name for each in categories}
    signs = {"-1": "-"} if names <= {"-1", "0", "1"} else {}
    keys = {each.name: signs.get(each.name, each.name) for each in categories}
    digits = {name: key for name, key in keys.items() if len(key) == 1 and key in "-0123456789"}
    numbers = [as_number(name) for name in names]
    is_scale = bool(signs) or all(number is not None and number >= 0 for number in numbers)
    return digits if is_scale and len(digits) > len(names) / 2 and not taken & set(digits.values()) else {}


def _first_free(wanted: str, taken: Set[str]) -> str:
    return next((key for key in wanted if key not in taken and key in _LETTERS + "123456789"), "")
