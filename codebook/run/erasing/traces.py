"""Where a unit can be seen: its id, the names of its requests and pieces of its text, in files of any kind."""

from __future__ import annotations

import html
import os
import re
import zipfile
import zlib
from collections.abc import Collection, Iterator
from functools import cached_property
from pathlib import Path

import orjson

from codebook.files.unfolding import open_bytes

GONE = "[erased]"
_PIECE, _STEP, _SHORTEST = 24, 12, 12
"""Letters of a piece of a text that is looked for, how far apart pieces begin, and below how many letters a text is no
trace: it could be anybody's."""
_DIGITS = 6
"""A number of fewer digits may be any figure; it is looked for only where it fills a cell of a table."""
_PACKED = (".xlsx", ".docx")
_KINDS = {*_PACKED, ".csv", ".tsv", ".txt", ".md", ".html", ".json", ".jsonl", ".ipynb", ".gz"}
_LARGEST = 100_000_000


class Traces:
    """What to look for.

    Parameters
    ----------
    unit_ids
        The unit, and the groups that it is part of.
    custom_ids
        The names of its requests.
    texts
        What it says.
    """

    def __init__(self, unit_ids: Collection[str], custom_ids: Collection[str], texts: Collection[str]) -> None:
        self.unit_ids, self.custom_ids = tuple(unit_ids), tuple(custom_ids)
        self.pieces = tuple(dict.fromkeys(piece for text in texts for piece in _cut(text)))

    @cached_property
    def _words(self) -> re.Pattern[str] | None:
        """The ids that are words of their own."""
        telling = [re.escape(name) for name in self.unit_ids if is_telling(name)]
        return re.compile(rf"(?<![\w-])(?:{'|'.join(telling)})(?![\w-])") if telling else None

    @cached_property
    def _cells(self) -> tuple[str, ...]:
        """The other ids, as cells of tables in HTML."""
        return tuple(f">{html.escape(name)}<" for name in self.unit_ids if not is_telling(name))

    @cached_property
    def _quoted(self) -> re.Pattern[str]:
        """Names as notes have them: those of requests, and ids in quotes or as words."""
        quoted = (re.escape(repr(name)) for name in self.unit_ids)
        names = sorted(map(re.escape, self.custom_ids), key=len, reverse=True)
        return re.compile("|".join([*names, *quoted]))

    def in_text(self, text: str) -> bool:
        """Whether a text shows the unit."""
        if any(name in text for name in (*self.custom_ids, *self._cells)):
            return True
        if self._words and self._words.search(text):
            return True
        plain = " ".join(text.split()) if self.pieces else ""
        return any(piece in plain for piece in self.pieces)

    def in_file(self, path: Path) -> bool:
        """Whether a file shows the unit: as text, as HTML, within the strings of JSON, or in a packed document."""
        return any(self.in_text(text) for text in _read_texts(path))

    def scrub(self, text: str) -> str:
        """A note without the names of the unit.

        Examples
        --------
        >>> Traces(["u3"], ["topic.u3.0.abc"], []).scrub("unit 'u3', line 4; such as topic.u3.0.abc, and u31")
        "unit '[erased]', line 4; such as [erased], and u31"
        """
        clean = self._quoted.sub(lambda match: f"'{GONE}'" if match[0][0] in "'\"" else GONE, text)
        return self._words.sub(GONE, clean) if self._words else clean


def find_seen(folder: Path, traces: Traces, aside: Path) -> Iterator[Path]:
    """The files of a folder in which the unit can be seen, without those aside and in hidden folders.

    Looked into are texts, tables, pages, workbooks and documents of at most 100 MB; what cannot be read may show it.
    """
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and Path(place, name) != aside)
        for path in (Path(place, name) for name in sorted(names)):
            if path.suffix.lower() in _KINDS and path.is_file() and path.stat().st_size <= _LARGEST:
                try:
                    is_seen = traces.in_file(path)
                except OSError:
                    is_seen = True
                if is_seen:
                    yield path


def is_telling(unit_id: str) -> bool:
    """Whether an id that stands in a text can only be meant as the id.

    Examples
    --------
    >>> [is_telling(unit_id) for unit_id in ("speech-17", "u3", "a", "1523", "20240117")]
    [True, True, False, False, True]
    """
    return len(unit_id) >= (_DIGITS if unit_id.isdecimal() else 2)


def _cut(text: str) -> Iterator[str]:
    """Pieces of a text: whoever shows some forty letters of it shows one of them."""
    plain = " ".join(text.split())
    if len(plain) >= _SHORTEST:
        yield plain[:_PIECE]
        for start in range(_STEP, len(plain) - _PIECE + 1, _STEP):
            yield plain[start : start + _PIECE]


def _read_texts(path: Path) -> Iterator[str]:
    """What a file says, in each of the ways in which it may be written."""
    if path.suffix in _PACKED:
        try:
            with zipfile.ZipFile(path) as packed:
                for name in packed.namelist():
                    yield re.sub(r"<[^>]*>", " ", html.unescape(packed.read(name).decode("utf-8", "replace")))
        except (zipfile.BadZipFile, OSError):
            pass
        return
    text = _read_bytes(path).decode("utf-8", "replace")
    yield text
    if "&" in text:
        yield html.unescape(text)
    if "\\" in text and path.suffix in (".json", ".ipynb"):
        yield "\n".join(_strings(orjson.loads(text))) if _is_json(text) else ""


def _read_bytes(path: Path) -> bytes:
    """The bytes of a file, unpacked where that can be."""
    try:
        with open_bytes(path) as file:
            return file.read()
    except (EOFError, OSError, zlib.error):
        return path.read_bytes()


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return False
    return True


def _strings(value: object) -> Iterator[str]:
    """Every string of a JSON value; a list of strings is also read as one."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from _strings(inner)
    elif isinstance(value, list):
        if value and all(isinstance(inner, str) for inner in value):
            yield "".join(value)
        for inner in value:
            yield from _strings(inner)
