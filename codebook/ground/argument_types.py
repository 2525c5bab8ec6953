"""What a verb is given, held against what it takes: a path where units are wanted is said in words, before it acts."""

from __future__ import annotations

import ast
import functools
import inspect
import numbers
from abc import ABCMeta
from collections import abc
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from codebook.errors import Fault, ParameterError

P = ParamSpec("P")
T = TypeVar("T")

_PLAIN: Mapping[str, Any] = {
    "str": str,
    "int": numbers.Integral,
    "float": numbers.Real,
    "bool": bool,
    "Path": Path,
    **{name: getattr(abc, name) for name in ("Iterable", "Sequence", "Collection", "Mapping", "Callable")},
}
_FRAMES = ("DataFrame", "Series")
_OWN_CHECKS = ("codebook.run.label_texts",)
"""Modules whose verbs say themselves what they do not take."""
_MENDS = {
    "Source": "open them first: `read_units(path, id_column=..., text_column=...)`",
    "Unit": "open them first: `read_units(path, id_column=..., text_column=...)`",
    "Codebook": "read it first: `read_codebook(path)`",
    "Codings": 'pass Codings or a frame, such as `sheet[["anna", "ben"]]`; a file is read by `read_codings`',
    "Bootstrap": "pass `Bootstrap(1000)`",
    "Service": "pass `cb.run.Service(poll_s=5)`",
    "Run": "open it first: `open_run(name)`",
    "DataFrame": "pass a frame, such as `run.table()` or `pd.read_csv(path)`",
    "Iterable": 'pass a list, such as `["a", "b"]`',
    "Sequence": 'pass a list, such as `["a", "b"]`',
    "Collection": 'pass a list, such as `["a", "b"]`',
    "Mapping": 'pass a mapping, such as `{"a": "b"}`',
    "str": "pass a text in quotes",
    "int": "pass a whole number, without quotes",
    "float": "pass a number, without quotes",
    "bool": "pass True or False",
}


def with_checked_types(verb: Callable[P, T]) -> Callable[P, T]:
    """Make a verb refuse in words what is plainly of another type than it takes; what it cannot tell passes.

    Examples
    --------
    >>> with_checked_types(lambda limit: limit)("3")
    '3'
    >>> def plan(limit: int = 0) -> int: return limit
    >>> with_checked_types(plan)(limit="3")
    Traceback (most recent call last):
    codebook.errors.ParameterError: plan cannot be called like this; nothing was done.
      - limit: it is the text '3'. To mend: pass a whole number, without quotes.
    More on such a message: codebook explain ParameterError
    """
    if verb.__module__.startswith(_OWN_CHECKS):
        return verb
    signature = inspect.signature(verb)

    @functools.wraps(verb)
    def checked(*args: P.args, **options: P.kwargs) -> T:
        if faults := _find_faults(verb, signature, args, options):
            raise ParameterError(f"{verb.__name__} cannot be called like this; nothing was done.", faults)
        return verb(*args, **options)

    return checked


def _find_faults(
    verb: Callable[..., Any], signature: inspect.Signature, args: tuple[Any, ...], options: Mapping[str, Any]
) -> list[Fault]:
    try:
        bound = signature.bind(*args, **options)
    except TypeError:
        return []  # Python says itself what is missing, or twice
    faults = []
    for name, value in bound.arguments.items():
        parameter = signature.parameters[name]
        several = parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)  # each is of the type, not all
        parts = () if several else _split(parameter.annotation)
        if parts and _is_plain(value) and not any(_fits(value, part, verb) for part in parts):
            faults.append(Fault(name, f"it is {_describe(value)}", _mend(parts)))
    return faults


@functools.cache
def _split(annotation: Any) -> tuple[ast.expr, ...]:
    """The types that a parameter takes, as they are written; none where that cannot be told."""
    if annotation is inspect.Parameter.empty:
        return ()
    text = annotation if isinstance(annotation, str) else _write(annotation)
    try:
        return tuple(_alternatives(ast.parse(text, mode="eval").body))
    except SyntaxError:
        return ()


def _write(annotation: Any) -> str:
    return annotation.__qualname__ if isinstance(annotation, type) else str(annotation)


def _alternatives(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BinOp):
        return [*_alternatives(node.left), *_alternatives(node.right)]
    return [node]


def _fits(value: Any, node: ast.expr, verb: Callable[..., Any]) -> bool:
    name = _name(node)
    if name in ("None", "NoneType"):
        return value is None
    if name in ("Any", "object"):
        return True
    names = [kind.__name__ for kind in type(value).__mro__]
    if name in _PLAIN:
        return _is_of(value, name, names) and _first_fits(value, node, verb)
    kind = getattr(verb, "__globals__", {}).get(name)
    if not isinstance(kind, type) and name not in _FRAMES:
        return True  # a name for several types, or one that is not loaded
    return name in names or (isinstance(kind, ABCMeta) and isinstance(value, kind))


def _is_of(value: Any, name: str, names: list[str]) -> bool:
    """Whether a value is of a type of Python; a text or a frame is no collection of what is wanted."""
    if name in ("Iterable", "Sequence", "Collection") and (isinstance(value, str | bytes) or "DataFrame" in names):
        return False
    return isinstance(value, _PLAIN[name])


def _first_fits(value: Any, node: ast.expr, verb: Callable[..., Any]) -> bool:
    """Whether the first of a list is of the type that is wanted in it."""
    if not isinstance(node, ast.Subscript) or not isinstance(value, list | tuple) or not value:
        return True
    return any(_fits(value[0], part, verb) for part in _alternatives(node.slice)) or not _is_plain(value[0])


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else str(getattr(node, "value", ""))


def _is_plain(value: Any) -> bool:
    """Whether a value is Python's, pandas' or the kit's own, and not something that another program made to fit."""
    return type(value).__module__.partition(".")[0] in ("builtins", "pathlib", "pandas", "codebook")


def _describe(value: Any) -> str:
    match value:
        case None:
            return "None"
        case str():
            return f"the text {value[:60]!r}"
        case Path():
            return f"the path {value.as_posix()!r}"
        case list() | tuple() if value:
            return f"a {type(value).__name__} whose first is {_describe(value[0])}"
        case bool() | int() | float():
            return f"the {'truth value' if isinstance(value, bool) else 'number'} {value}"
    return f"a {type(value).__name__}"


def _mend(parts: tuple[ast.expr, ...]) -> str:
    return next((_MENDS[name] for part in parts if (name := _name(part)) in _MENDS), "see help() of it")
