"""Which key stands for which code: shown on its button, one press, and never that of a command of the form."""

from __future__ import annotations

from collections.abc import Sequence, Set

from codebook.scheme import Category, Variable
from codebook.scheme.codebook_checks import COMMAND_KEYS, as_number

NONE_KEY = "0"
"""The key of "none of these", the empty set of a variable with several labels."""

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
    taken = set("0123456789") if variable.is_number else {NONE_KEY} if variable.is_set else set[str]()
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
