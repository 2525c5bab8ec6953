"""What is wrong in a yaml file, in words: what stands there, what was expected, and how it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_KEYS = ("keys with values are expected", "write it as `key: value`, a key in each line")
_TEXT = ("a text is expected", "put it in quotes")
_EXPECTED = {
    "float": ("a number is expected", "write a number with digits, such as 5 or 0.5"),
    "int": ("a whole number is expected", "write a whole number with digits, such as 5"),
    "bool": ("yes or no is expected", "write true or false"),
    "list": ("a list is expected", "write it as `[a, b]`, or with a dash before each part"),
    "string": _TEXT,
    "dict": _KEYS,
    "mapping": _KEYS,
    "model": _KEYS,
}
"""The first word of the type of an error of pydantic: what was expected, and how it is written."""

_ODD_SIGNS = {
    "\t": ("a tab stands here or in the line above, and YAML knows blanks only", "put blanks in its place"),
    "\u00a0": ("a no-break blank stands here or in the line above", "put a plain blank in its place"),
}
"""Signs that nobody sees and that break a line."""


def say_broken(problem: str, lines: Sequence[str]) -> tuple[str, str]:
    """The problem and the mend of a text that is not YAML; `lines` are the faulty one and the one above it.

    Examples
    --------
    >>> say_broken("found character that cannot start any token", ["a:", "\\tb: 1"])[1]
    'put blanks in its place'
    """
    for sign, words in _ODD_SIGNS.items():
        if any(sign in line for line in lines):
            return words
    if "another document" in problem:
        return "a second document begins here, with `---`", "take that line out, or what stands below it"
    return f"this is not YAML: {problem}", "check the indentation, colons and quotation marks there"


def say_misfit(error: Mapping[str, Any]) -> tuple[str, str]:
    """The problem and the mend of a value that is of the wrong kind, from an error of pydantic.

    Examples
    --------
    >>> say_misfit({"type": "float_parsing", "input": "five", "msg": "Input should be a valid number"})
    ("'five' stands there, and a number is expected", 'write a number with digits, such as 5 or 0.5')
    >>> say_misfit({"type": "literal_error", "input": "x", "ctx": {"expected": "'a' or 'b'"}, "msg": ""})
    ("'x' stands there, and 'a' or 'b' is expected", "write 'a' or 'b'")
    >>> say_misfit({"type": "value_error", "input": 3, "msg": "Value error, it is odd"})
    ('it is odd', 'write it as the reference of the yaml files says')
    """
    kind, value = str(error["type"]), error["input"]
    stands = "a list" if isinstance(value, list) else "keys" if isinstance(value, dict) else repr(value)[:60]
    if kind in ("literal_error", "enum"):
        wanted = error["ctx"]["expected"]
        return f"{stands} stands there, and {wanted} is expected", f"write {wanted}"
    expected, mend = _EXPECTED.get(kind.partition("_")[0], ("", "write it as the reference of the yaml files says"))
    if not expected or not kind.endswith(("_type", "_parsing", "_from_float")):
        return str(error["msg"]).removeprefix("Value error, "), mend
    verb = "stand" if stands == "keys" else "stands"
    return f"{stands} {verb} there, and {expected}", mend
