"""The rows of a parquet file as a stream. A few bytes of it can stand for gigabytes: its growth is watched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codebook.errors import Fault, MissingExtraError, UnitsError
from codebook.files.parquet_footer import iter_pieces
from codebook.files.unfolding import MAX_BYTES, say_growth

_ROWS_AT_ONCE = 4096
_BYTES_AT_ONCE = 64_000_000
_TEXTS = ("STRING", "NONE", "JSON", "ENUM")
_MEND = "write it again with the program that made it, without what repeats; or save the table as csv"


def open_parquet(path: Path) -> Any:
    """Open a file for reading, to be closed by the caller. Texts that repeat are kept once each, as they stand in it.

    Raises
    ------
    UnitsError
        By what it says of itself it unfolds beyond measure.
    """
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
    """Yield the rows of a file, each as its values by name.

    Raises
    ------
    UnitsError
        It unfolds beyond measure.
    """
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
    problem = say_growth(n_cells, n_packed, at_least=True)
    for n_bytes, n_piece in iter_pieces(path):
        if n_bytes > MAX_BYTES:
            problem = f"a piece of it unfolds to {n_bytes / 1e6:,.0f} MB, more than {MAX_BYTES / 1e6:,.0f}"
        problem = problem or say_growth(n_bytes, n_piece)
    if problem:
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
