"""What a parquet file says of its pieces is what pyarrow reads of a sound one; a damaged one ends in words."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from codebook.errors import CodebookError
from codebook.files.tables.parquet_rows import iter_pieces
from codebook.units import read_units

TABLE = pa.table(
    {
        "id": ["a", "b", None, "c"],
        "text": ["one", "two", "three", "four"],
        "n": [1.5, 2.5, None, -1.0],
        "list": [[1], [2, 3], None, []],
        "map": pa.array([[("a", 1)], None, [], [("b", 2)]], pa.map_(pa.string(), pa.int32())),
        **{f"more {number}": [True, False, None, True] for number in range(20)},
    }
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    parquet.write_table(TABLE, tmp_path / "t.parquet", row_group_size=2, write_page_index=True, compression="zstd")
    return tmp_path / "t.parquet"


def test_r13_the_sizes_of_the_pieces_are_those_that_pyarrow_reads(path: Path) -> None:
    metadata = parquet.read_metadata(path)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    pieces = [group.column(number) for group in groups for number in range(group.num_columns)]
    sizes = [(piece.total_uncompressed_size, piece.total_compressed_size) for piece in pieces]
    assert [*iter_pieces(path)] == sizes
    assert len(sizes) == 2 * 26


def test_r13_a_piece_that_contradicts_itself_is_told_and_does_not_end_the_process(tmp_path: Path) -> None:
    """pyarrow counts the levels of a piece when it is looked at, and ends the process where they do not fit."""
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"id": ["a", "b"], "text": ["one", "two"]}), path)
    data = path.read_bytes()
    optional = data.index(b"\x25\x02\x18\x04text")  # may be empty: then there are two levels, else one
    path.write_bytes(data[: optional + 1] + b"\x00" + data[optional + 2 :])
    with pytest.raises(CodebookError, match="To mend: "):
        list(read_units(path, id_column="id", text_column="text").with_skips())


@pytest.mark.parametrize("footer", [b"", b"\x15", b"\x19\xfc\xff\xff\xff\x7f", b"\x1d", b"\x1c" * 100, b"\x18\x7f"])
def test_r13_a_damaged_footer_is_a_fault_and_costs_no_memory(tmp_path: Path, footer: bytes) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1" + footer + len(footer).to_bytes(4, "little") + b"PAR1")
    with pytest.raises(ValueError, match="the footer"):
        list(iter_pieces(path))
