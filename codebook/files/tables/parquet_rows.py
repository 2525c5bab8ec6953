"""The rows of a parquet file as a stream. A few bytes of it can stand for gigabytes: its growth is watched.

What it says of its pieces is read from its footer here: pyarrow ends the process at a piece that is damaged. The footer
is a struct in Thrift's compact protocol: each field has a byte with its kind and the step from the number of the field
before; whole numbers have seven bits a byte, the lowest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from codebook.errors import Fault, MissingExtraError, UnitsError
from codebook.files.unfolding import say_growth, say_size

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


_ROWS_AT_ONCE = 4096
_BYTES_AT_ONCE = 64_000_000
_TEXTS = ("STRING", "NONE", "JSON", "ENUM")
_MEND = "write it again with the program that made it, without repeated content; or save the table as csv"


def open_parquet(path: Path) -> Any:
    """Open a file for reading, to be closed by the caller. A text that repeats is held once, as it is in the file."""
    try:
        from pyarrow import parquet
    except ImportError:
        raise MissingExtraError("Reading parquet", "parquet") from None
    with parquet.ParquetFile(path) as file:
        _refuse_growth(path, file.metadata)
        kinds = ((column.path, column.physical_type, column.logical_type.type) for column in file.schema)
        texts = [path for path, kept_as, kind in kinds if kept_as == "BYTE_ARRAY" and kind in _TEXTS]
    return parquet.ParquetFile(path, read_dictionary=texts)


def iter_records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file, each as its values by name."""
    n_packed, n_unfolded = path.stat().st_size, 0
    with open_parquet(path) as file:
        for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
            n_bytes = _weigh(batch)
            n_unfolded += n_bytes
            if growth := say_growth(n_unfolded, n_packed, at_least=True):
                raise _too_large(path, growth)
            n_rows = max(1, batch.num_rows * _BYTES_AT_ONCE // max(n_bytes, _BYTES_AT_ONCE))
            for start in range(0, batch.num_rows, n_rows):
                yield from batch.slice(start, n_rows).to_pylist()


def _refuse_growth(path: Path, metadata: Any) -> None:
    """Refuse a file with more rows, or larger pieces, than one of its size has."""
    n_packed = path.stat().st_size
    n_cells = metadata.num_rows * metadata.num_columns  # each has a byte at least
    problems = [say_growth(n_cells, n_packed, at_least=True), *(say_size(*piece) for piece in iter_pieces(path))]
    if problem := next(filter(None, problems), ""):
        raise _too_large(path, problem)


def _weigh(batch: Any) -> int:
    """Bytes of a batch where each repeated text counts as often as it stands there, and an empty cell as one."""
    cells: int = batch.num_rows * batch.num_columns
    return cells + sum(map(_weigh_column, batch.columns))


def _weigh_column(column: Any) -> int:
    import pyarrow as pa
    import pyarrow.compute

    kinds = pa.types
    if kinds.is_dictionary(column.type) and _is_text(column.type.value_type):
        lengths = pa.compute.binary_length(column.dictionary)
        return int(pa.compute.sum(lengths.take(column.indices)).as_py() or 0)
    if kinds.is_list(column.type) or kinds.is_large_list(column.type):
        return _weigh_column(column.flatten())
    if kinds.is_struct(column.type):
        return sum(map(_weigh_column, column.flatten()))
    return int(column.nbytes)


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary))


def _too_large(path: Path, problem: str) -> UnitsError:
    return UnitsError(f"{path.name} is not opened.", [Fault(path.name, problem, _MEND)])
