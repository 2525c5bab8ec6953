"""JSON of any size, value by value: a long array, JSON lines, or values one after the other; never held as a whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from codebook.errors import Fault, TableError
from codebook.files.decode import see_encoding
from codebook.files.tables.formats import without_twins

_BLOCK = 1 << 20
_HEAD = 1 << 12
_CUT = 16
"""A fault this near to the end of what was read may only be its end."""
_BLANK = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder(object_pairs_hook=without_twins)


def iter_values(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield `(line, value)` for every JSON value of a file; an array that is the whole file is opened.

    Read are UTF-8, and what a byte order mark shows. The line is that on which a value begins.

    Examples
    --------
    >>> path = Path("a.json")
    >>> _ = path.write_text('[{"id": 1},\\n {"id": 2}]')
    >>> list(iter_values(path))
    [(1, {'id': 1}), (2, {'id': 2})]
    """
    with path.open("rb") as file:
        encoding = see_encoding(file.read(_HEAD))
    with path.open(encoding=encoding.name if encoding else "utf-8", newline="") as text:
        try:
            yield from _Values(text, path.name)
        except UnicodeDecodeError as error:
            fault = Fault(path.name, f"it is not {error.encoding}: {error.reason}", "save it as UTF-8")
            raise TableError(f"{path.name} cannot be read.", [fault]) from None


@dataclass
class _Values:
    """The values of an open file. `text` is what of it is held, `at` the place in it."""

    file: IO[str]
    name: str
    text: str = ""
    at: int = 0
    line: int = 1
    in_array: bool = False
    n_wanted: int = field(default=_BLOCK)

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        if self._next_sign() == "[":
            self.in_array = True
            self.at += 1
        while sign := self._next_sign():
            if self.in_array and sign in ",]":
                self.in_array = sign == ","
                self.at += 1
                continue
            line, value = self.line, self._take_value()
            yield line, value

    def _next_sign(self) -> str:
        """Go over blanks; return the sign that stands there, "" at the end of the file."""
        while True:
            end = _BLANK.match(self.text, self.at).end()  # type: ignore[union-attr]  # it always matches
            self.line += self.text.count("\n", self.at, end)
            self.at = end
            if end < len(self.text):
                return self.text[end]
            if not self._read_on():
                return ""

    def _take_value(self) -> Any:
        while True:
            try:
                value, end = _DECODER.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                is_cut = error.pos > len(self.text) - _CUT or error.msg.startswith("Unterminated")
                if is_cut and self._read_on():
                    continue
                raise self._fault(error.msg, self.line + self.text.count("\n", self.at, error.pos)) from None
            except (ValueError, RecursionError) as error:
                raise self._fault(str(error) or "it is nested too deeply", self.line) from None
            if end == len(self.text) and self._read_on():
                continue  # a number may go on
            self.line += self.text.count("\n", self.at, end)
            self.at, self.n_wanted = end, _BLOCK
            return value

    def _read_on(self) -> bool:
        """Hold more of the file, twice as much each time for one value; False at its end."""
        more = self.file.read(self.n_wanted)
        self.text, self.at = self.text[self.at :] + more, 0
        self.n_wanted *= 2
        return bool(more)

    def _fault(self, problem: str, line: int) -> TableError:
        fault = Fault(f"{self.name}, line {line:,}", f"it is not JSON ({problem})", "export the whole file again")
        return TableError(f"{self.name} cannot be read.", [fault])
