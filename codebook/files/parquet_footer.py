"""What a parquet file says of its pieces, read from its footer: pyarrow ends the process at a piece that is damaged.

The footer is a struct in Thrift's compact protocol: each field has a byte with its kind and the step from the number
of the field before; whole numbers have seven bits a byte, the lowest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

_TAIL = 8
"""Bytes at the end of a file: the length of the footer, and PAR1."""
_ROW_GROUPS, _COLUMNS, _PIECE, _UNFOLDED, _PACKED = 4, 1, 3, 6, 7
"""Numbers of fields: in the footer, in a group of rows, in a column of the group, and two in what is said of that."""
_TRUE, _FALSE = 1, 2
_MAX_DEPTH = 32


def iter_pieces(path: Path) -> Iterator[tuple[int, int]]:
    """Yield for each piece of a file, a column of a group of rows, its bytes when unfolded and as it stands there.

    Raises
    ------
    ValueError
        The footer is damaged.
    """
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - _TAIL))
        length = int.from_bytes(file.read(4), "little")
        file.seek(max(0, size - _TAIL - length))
        footer = _Compact(file.read(length)).read_struct()
    for group in footer.get(_ROW_GROUPS, ()):
        for column in group.get(_COLUMNS, ()):
            piece = column.get(_PIECE, {})
            yield piece.get(_UNFOLDED, 0), piece.get(_PACKED, 0)


class _Compact:
    """Reads values one after another: a struct as its fields by number, a text as its bytes."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at, self.depth = data, 0, 0
        whole = dict.fromkeys((4, 5, 6), self.read_whole)
        parts = {9: self.read_list, 10: self.read_list, 11: self.read_map, 12: self.read_struct}
        simple = {_TRUE: self.take, _FALSE: self.take, 3: self.take, 7: lambda: self.skip(8), 8: self.read_bytes}
        self.readers: dict[int, Callable[[], Any]] = {**simple, **whole, **parts}

    def read_struct(self) -> dict[int, Any]:
        fields: dict[int, Any] = {}
        number = 0
        while head := self.take():
            kind, step = head & 15, head >> 4
            number = number + step if step else self.read_whole()
            fields[number] = kind == _TRUE if kind in (_TRUE, _FALSE) else self.read(kind)
        return fields

    def read(self, kind: int) -> Any:
        self.depth += 1
        if self.depth > _MAX_DEPTH or kind not in self.readers:
            raise ValueError(f"the footer is damaged at its byte {self.at:,}")
        value = self.readers[kind]()
        self.depth -= 1
        return value

    def read_bytes(self) -> bytes:
        return self.skip(self.read_count())

    def read_list(self) -> list[Any]:
        head = self.take()
        n, kind = head >> 4, head & 15
        return [self.read(kind) for _ in range(self.read_count() if n == 15 else n)]

    def read_map(self) -> list[Any]:
        n = self.read_count()
        kinds = self.take() if n else 0
        return [(self.read(kinds >> 4), self.read(kinds & 15)) for _ in range(n)]

    def read_count(self) -> int:
        value = shift = 0
        while (byte := self.take()) & 128:
            value, shift = value | (byte & 127) << shift, shift + 7
        return value | byte << shift

    def read_whole(self) -> int:
        coded = self.read_count()
        return coded >> 1 ^ -(coded & 1)

    def skip(self, n: int) -> bytes:
        self.at += n
        if self.at > len(self.data):
            raise ValueError(f"the footer ends before its byte {self.at:,}")
        return self.data[self.at - n : self.at]

    def take(self) -> int:
        return self.skip(1)[0]
