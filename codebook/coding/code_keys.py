"""Which key stands for which code: shown on its button, one press, and never that of a command of the form."""

from __future__ import annotations

from collections.abc import Sequence, Set

from codebook.scheme import Category, Variable
from codebook.scheme.codebook_checks import COMMAND_KEYS

NONE_KEY = "0"
"""The key of "none of these", the empty set of a variable with several labels."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def assign_keys(variable: Variable) -> dict[str, str]:
    """Return the key of each code of a variable, abstention codes too; '' for those for which no key is left.

    A key that the codebook gives comes first. Points of a scale have their digit; -1, 0 and 1 have -, 0 and 1. Other
    codes have 1 to 9 and then letters in the order of the codebook, abstention codes their first letter, or x, where
    it is free.

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
    taken = {NONE_KEY} if variable.is_set else set[str]()
    return _assign(variable.categories, variable.abstain, taken)


def assign_field_keys(categories: Sequence[Category]) -> dict[str, str]:
    """Return the key of each category of a field of a record, by the same rule."""
    return _assign(categories, (), set())


def _assign(categories: Sequence[Category], abstain: Sequence[Category], taken: set[str]) -> dict[str, str]:
    keys = {each.name: each.key for each in (*categories, *abstain) if each.key}
    taken = taken | {key.lower() for key in keys.values()} | COMMAND_KEYS
    if not keys:
        keys = _scale_keys(categories, taken)
    for each in categories:
        keys.setdefault(each.name, _first_free("123456789" + _LETTERS, taken | set(keys.values())))
    for each in abstain:
        wanted = each.name[:1].lower() + "x123456789" + _LETTERS
        keys.setdefault(each.name, _first_free(wanted, taken | set(keys.values())))
    return {each.name: keys[each.name] for each in (*categories, *abstain)}


def _scale_keys(categories: Sequence[Category], taken: Set[str]) -> dict[str, str]:
    """The digits by which points of a scale are named, or nothing where one is named otherwise."""
    signs = {"-1": "-"} if {each.name for each in categories} <= {"-1", "0", "1"} else {}
    keys = {each.name: signs.get(each.name, each.name) for each in categories}
    is_scale = all(len(key) == 1 and key in "-0123456789" for key in keys.values())
    return keys if is_scale and not taken & set(keys.values()) else {}


def _first_free(wanted: str, taken: Set[str]) -> str:
    return next((key for key in wanted if key not in taken and key in _LETTERS + "123456789"), "")
