"""YAML as people write it, read once: every fault with its line and the mend, and nothing unfolded beyond measure.

All yaml files of the kit are read here: codebook, study, coders, prices, providers, families; and single values such as
those of `--set`.

`find_broken_paths` finds paths that are not what was meant: cut by a comment, or written as on another system.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, cast

import yaml
from yaml.composer import ComposerError
from yaml.constructor import ConstructorError
from yaml.reader import ReaderError
from yaml.scanner import ScannerError

from codebook.errors import Fault, InputError
from codebook.files.decode import name_bytes
from codebook.files.misfits import say_broken
from codebook.paths import find_file_fault, show_path

MAX_BYTES = 4_000_000
MAX_DEPTH = 60
MAX_NODES = 200_000
"""Names, texts, lists and mappings of a file, where each alias counts as what it stands for."""
MAX_CHARS = 8_000_000

_MOST_FAULTS = 20
_KEY_AND_TEXT = re.compile(r"(\s*(?:- )*[\w-]+:\s+)([^'\"\[{|>&*#\s].*)")

Loc = tuple[str | int, ...]


@dataclass(frozen=True)
class YamlTree:
    """A YAML text that was read: its value, and where each part of it stands. `where` names it in messages."""

    where: str
    root: yaml.Node | None
    value: Any
    text: str = ""

    def line(self, loc: Loc) -> int:
        """Return the line of the deepest part of `loc` that is in the file, counted from 1."""
        node, line = self.root, 1
        for part in loc:
            if isinstance(node, yaml.MappingNode):
                pairs = [(key, value) for key, value in node.value if key.value == str(part)]
                if not pairs:
                    break
                line, node = pairs[-1][0].start_mark.line + 1, pairs[-1][1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line + 1
            else:
                break
        return line

    def place(self, loc: Loc) -> str:
        """Return file and line of a part, for a message."""
        return f"{self.where}, line {self.line(loc)}"

    def repeated_keys(self) -> Iterator[tuple[int, Fault]]:
        """Yield line and fault of each key that occurs again in one mapping: YAML itself drops the first silently."""
        for node in _walk(self.root):
            names: set[str] = set()
            for key, _ in node.value if isinstance(node, yaml.MappingNode) else ():
                name, line = str(key.value), key.start_mark.line + 1
                if name in names:
                    yield line, Fault(f"{self.where}, line {line}", f"`{name}` occurs twice here", "keep one of them")
                names.add(name)

    def scalars(self) -> Iterator[yaml.ScalarNode]:
        """Yield every scalar that stands in the file, once."""
        return (node for node in _walk(self.root) if isinstance(node, yaml.ScalarNode))


def _walk(root: yaml.Node | None) -> Iterator[yaml.Node]:
    """Yield every node once, in the order of the file; what an alias names stands where it was written."""
    seen, left = set[int](), [root] if root else []
    while left:
        node = left.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            left.extend(reversed(_list_parts(node)))


def _list_parts(node: yaml.Node) -> list[yaml.Node]:
    """The nodes in a node: names and values of a mapping, items of a list, none of a scalar."""
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


class _Size(NamedTuple):
    """What a node holds when every alias in it is written out."""

    nodes: int
    chars: int
    depth: int


class _TooMuchError(ComposerError):
    """Aliases or brackets would unfold beyond measure."""


class _Bounds:
    """Composes a document as YAML's loaders do, node by node, and stops where it would unfold beyond measure."""

    def __init__(self, text: str) -> None:
        super().__init__(text)  # type: ignore[call-arg]
        self.sizes: dict[int, _Size] = {}
        self.depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node:
        """Compose a node, whose children were measured before it: an alias that was not is inside what it names."""
        parent_class: Any = super()
        event = parent_class.peek_event()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise _TooMuchError(None, None, f"there are more than {MAX_DEPTH} nested levels", event.start_mark)
        node: yaml.Node = parent_class.compose_node(parent, index)
        self.depth -= 1
        if not isinstance(event, yaml.AliasEvent):
            self.sizes[id(node)] = self._measure(node)
        elif id(node) not in self.sizes:
            raise _TooMuchError(
                None, None, f"*{event.anchor} is recursive: it contains itself", cast(Any, event.start_mark)
            )
        return node

    def _measure(self, node: yaml.Node) -> _Size:
        if isinstance(node, yaml.ScalarNode):
            return _Size(1, len(node.value), 1)
        sizes = [self.sizes[id(child)] for child in _list_parts(node)]
        depth = 1 + max((part.depth for part in sizes), default=0)
        size = _Size(1 + sum(part.nodes for part in sizes), sum(part.chars for part in sizes), depth)
        if size.nodes > MAX_NODES or size.chars > MAX_CHARS or size.depth > MAX_DEPTH:
            problem = (
                f"with its aliases written out it has {size.nodes:,} parts on {size.depth} levels, which is too many"
            )
            raise _TooMuchError(None, None, problem, cast(Any, node.start_mark))
        return size

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        """Make the value of a node; what Python refuses, such as a date of month 13, is a fault with its line."""
        parent_class: Any = super()
        try:
            return parent_class.construct_object(node, deep=deep)
        except yaml.YAMLError:
            raise
        except Exception as error:
            text = repr(node.value)[:60] if isinstance(node, yaml.ScalarNode) else "this"
            message = " ".join(str(error).split())[:100]
            raise ConstructorError(None, None, f"{text} is not a valid value ({message})", node.start_mark) from error


class _Typed(_Bounds, yaml.SafeLoader):
    """Numbers, truth values and dates are read as such."""


class _Texts(_Bounds, yaml.BaseLoader):
    """Every scalar is the text that stands there: `no` and `1` are names, not a truth value or a number."""


def read_yaml(path: Path, *, error: type[InputError], summary: str, typed: bool = False) -> YamlTree:
    """Read a YAML file that must be there, UTF-8, and of a size that a person may have written.

    Parameters
    ----------
    error, summary
        What is raised when it cannot be read, and how that begins.
    typed
        Read numbers, truth values and dates as such; else every scalar is the text that stands there.
    """
    where = show_path(path)
    if fault := find_file_fault(path):
        raise error(summary, [fault])
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as problem:
        fault = Fault(where, f"it cannot be read ({problem.strerror})", "change its permissions, then repeat")
        raise error(summary, [fault]) from problem
    if len(raw) > MAX_BYTES:
        problem_of_size = f"it has more than {MAX_BYTES / 1e6:g} MB"
        raise error(summary, [Fault(where, problem_of_size, "shorten it; put data into a table of its own")])
    return parse_yaml(_decode(raw, where, error, summary), where, error=error, summary=summary, typed=typed)


def _decode(raw: bytes, where: str, error: type[InputError], summary: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = raw.count(b"\n", 0, problem.start) + 1
        message = f"this is not UTF-8: {name_bytes(raw[problem.start : problem.end])}"
        fault = Fault(f"{where}, line {line}", message, "save the file with encoding UTF-8")
        raise error(summary, [fault]) from None


def parse_yaml(text: str, where: str, *, error: type[InputError], summary: str, typed: bool = False) -> YamlTree:
    """Read a text of YAML as `read_yaml` reads a file; `where` names it in messages."""
    kind = _Typed if typed else _Texts
    try:
        root = _compose(text, kind)
        return YamlTree(where, root, None if root is None else kind("").construct_document(root), text)
    except yaml.YAMLError as problem:
        raise error(summary, list(_explain_all(problem, text, where, kind))) from None


@lru_cache(maxsize=16)
def _compose(text: str, kind: type[_Typed | _Texts]) -> yaml.Node | None:
    """The nodes of a text; a command reads the same codebook again and again. Values are made of them each time."""
    loader: Any = kind(text)
    try:
        return cast(yaml.Node | None, loader.get_single_node())
    except yaml.YAMLError:
        raise
    except Exception as problem:  # \\UFFFFFFFF
        raise ScannerError(None, None, "an escape stands for no character", loader.get_mark()) from problem
    finally:
        loader.dispose()


def _explain_all(error: yaml.YAMLError, text: str, where: str, loader: Any) -> Iterator[Fault]:
    """The first fault of a YAML text, and those that show once texts with a colon in them are put in quotes."""
    for _ in range(_MOST_FAULTS):
        yield _explain(error, text, where)
        mended = _quote_line(error, text)
        if mended is None:
            return
        try:
            yaml.load(mended, loader)
            return
        except yaml.YAMLError as following:
            error, text = following, mended


def _is_indented_alone(lines: list[str], at: int) -> bool:
    """Whether a line of a key begins further right than the line of a key and its value above it."""
    match, above = _KEY_AND_TEXT.fullmatch(lines[at]), _KEY_AND_TEXT.fullmatch(lines[at - 1]) if at else None
    if not match or not above or ": " in match[2]:
        return False
    return _indent(lines[at]) > _indent(lines[at - 1])


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _quote_line(error: yaml.YAMLError, text: str) -> str | None:
    """The text with what stands behind the first colon of the faulty line in quotes; None where that is no mend."""
    if "mapping values are not allowed" not in str(getattr(error, "problem", "")):
        return None
    lines, at = text.split("\n"), cast(Any, error).problem_mark.line
    match = _KEY_AND_TEXT.fullmatch(lines[at])
    if not match:
        return None
    lines[at] = f"{match[1]}{_write_quoted(match[2])}"
    return "\n".join(lines)


def _write_quoted(text: str) -> str:
    return "'" + text.rstrip().replace("'", "''") + "'" if '"' in text or "\\" in text else f'"{text.rstrip()}"'


def _explain(error: yaml.YAMLError, text: str, where: str) -> Fault:
    """An error of the YAML reader with its line."""
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return Fault(
            f"{where}, line {line}", f"this is the control character U+{int(error.character):04X}", "remove it"
        )
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    place = f"{where}, line {mark.line + 1 if mark else 1}"
    if "escape" in problem:
        mend = "in double quotes, \\ starts an escape sequence: write / between folders, or use single quotes"
        return Fault(place, f"this is not YAML: {problem}", mend)
    if isinstance(error, _TooMuchError):
        return Fault(place, problem, "write each part once, where it belongs, without aliases (& and *)")
    if mark and _is_indented_alone(text.split("\n"), mark.line):
        return Fault(place, "the line is indented further than the one above it", "start both lines in the same column")
    if mended := _quote_line(error, text):
        shown = mended.split("\n")[mark.line].strip() if mark else ""
        return Fault(place, "a colon followed by a space starts a new key", f"put the text in quotes: {shown}")
    return Fault(place, *say_broken(problem, text.split("\n")[max(0, mark.line - 1) : mark.line + 1] if mark else []))


def parse_value(text: str, where: str, *, error: type[InputError], summary: str) -> Any:
    """Read one value, such as that of `--set NAME=VALUE`, as JSON can hold it.

    Examples
    --------
    >>> from codebook.errors import ParameterError
    >>> parse_value("{50256: -100}", "logit_bias", error=ParameterError, summary="The settings cannot be read.")
    {'50256': -100}
    """
    if (sign := text.strip()) in (",", ";", "|"):
        return sign  # a delimiter, which YAML would take for a sign of its own
    tree = parse_yaml(text, where, error=error, summary=summary, typed=True)
    try:
        return _as_json(tree.value)
    except ValueError as problem:
        mend = "write a text, a number, true or false, a [list], or a {mapping: of them}"
        raise error(summary, [Fault(where, str(problem), mend)]) from None


AS_WRITTEN = frozenset({"query"})
"""Settings that are texts as they are written: SQL is no YAML."""


def parse_pairs(
    pairs: Mapping[str, Any] | Sequence[str], name: str, *, error: type[InputError], summary: str
) -> dict[str, Any]:
    """Return settings as a mapping: one that is one, or texts of the form "name: value".

    Examples
    --------
    >>> from codebook.errors import ParameterError
    >>> parse_pairs(["provider: azure", "tries: 5"], "options", error=ParameterError, summary="It cannot be read.")
    {'provider': 'azure', 'tries': 5}
    """
    if isinstance(pairs, Mapping):
        return dict(pairs)
    parts = [text.partition(":") for text in pairs]
    if faults := [Fault(name, f"{key!r} has no value", "write name: value") for key, colon, _ in parts if not colon]:
        raise error(summary, faults)
    return {
        key.strip(): value.strip().strip('"')
        if key.strip() in AS_WRITTEN
        else parse_value(value, f"{name}, {key.strip()}", error=error, summary=summary)
        for key, _, value in parts
    }


def _as_json(value: Any) -> Any:
    match value:
        case None | bool() | int() | str():
            return value
        case float() if math.isfinite(value):
            return value
        case datetime.date():
            return value.isoformat()
        case list():
            return [_as_json(item) for item in value]
        case dict():
            return {_as_name(name): _as_json(item) for name, item in value.items()}
    raise ValueError(f"{value!r} is not an allowed value")


def _as_name(name: Any) -> str:
    if isinstance(name, str) or type(name) is int:
        return str(name)
    raise ValueError(f"{name!r} cannot be a name")


_MOST = 300
_ESCAPES = {sign: f"/{letter}" for sign, letter in zip("\t\n\r\b\a\f\v\0\x1b", "tnrbafv0e", strict=True)}
"""What an escape in double quotes has made of a backslash and the letter after it."""


def find_broken_paths(tree: YamlTree, folder: Path) -> Iterator[Fault]:
    """Yield a fault for each text that would name a file below `folder` if it were written as it was meant."""
    for node in tree.scalars():
        value, place = str(node.value), f"{tree.where}, line {node.start_mark.line + 1}"
        if (whole := value + _find_rest(node, tree.text)) != value and _exists(folder, whole):
            yield Fault(place, f"a # starts a comment, so the path ends at {value!r}", f'put it in quotes: "{whole}"')
        meant = "".join(_ESCAPES.get(sign, sign) for sign in value).replace("\\", "/")
        if meant != value and not _exists(folder, value) and _exists(folder, meant):
            yield Fault(
                place,
                f"{value!r} is a path in the style of another operating system",
                f"use / between folders: {meant}",
            )


def _find_rest(node: yaml.ScalarNode, text: str) -> str:
    """What stands behind a plain scalar on its line, where a comment begins there."""
    end = node.end_mark.index
    rest = text[end : text.find("\n", end) % (len(text) + 1)].rstrip()
    return rest if node.style is None and rest.lstrip().startswith("#") else ""


def _exists(folder: Path, value: str) -> bool:
    if not value.strip() or len(value) > _MOST:
        return False
    try:
        return (folder / Path(value).expanduser()).exists()
    except (OSError, ValueError, RuntimeError):
        return False
