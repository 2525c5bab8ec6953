"""Tables at their edges: marks, line ends, no rows, labels that look like something else."""

from __future__ import annotations

from pathlib import Path

import pytest

from codebook.errors import CodebookError
from codebook.exchange import Reading, open_export

HEAD = "Document group,Document name,Code,Segment,Weight score,Created by,Created,Comment"
ODD = ["NA", "null", "0", "1.0", 'a, "b"', "line\nbreak", "=1+1", "שלום", "😊", " x "]


def read(folder: Path, data: bytes, name: str = "segments.csv") -> Reading:
    path = folder / name
    path.write_bytes(data)
    return open_export(path)


def quote(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_labels_stay_as_they_are_whatever_they_look_like(encoding: str, end: str, tmp_path: Path) -> None:
    rows = [f"A,B1,{quote(label)},{quote(label)},,anna,,{quote(label)}" for label in ODD]
    reading = read(tmp_path, (end.join([HEAD, *rows]) + end).encode(encoding))
    assert [row.label for row in reading.rows] == ODD
    assert [row.quote for row in reading.rows] == ODD


def test_a_table_without_rows_is_read_and_its_account_says_so(tmp_path: Path) -> None:
    reading = read(tmp_path, f"{HEAD}\n".encode())
    assert (list(reading.rows), reading.account.records, reading.account.units) == ([], 0, 0)


def test_line_ends_of_old_machines_are_ends(tmp_path: Path) -> None:
    reading = read(tmp_path, f"{HEAD}\rA,B1,rent,low,,anna,,\rA,B2,noise,loud,,anna,,\r".encode())
    assert [(row.unit, row.label) for row in reading.rows] == [("A/B1", "rent"), ("A/B2", "noise")]


def test_a_file_with_a_sign_of_nothing_is_taken_for_no_text_and_keeps_it_where_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "segments.csv"
    path.write_bytes(f"{HEAD}\nA,B1,re\0nt,low,,anna,,\n".encode())
    with pytest.raises(CodebookError, match="not come from a known tool"):
        open_export(path)
    assert open_export(path, format="qda_table").rows[0].label == "re\0nt"


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"\n\n", b"PK\x03\x04 and no more"])
def test_what_is_empty_or_broken_is_refused(data: bytes, tmp_path: Path) -> None:
    for name in ("a.csv", "a.xlsx", "a.qdpx", "a.xml", "a.tsv"):
        with pytest.raises(CodebookError, match=r"a\.\w+"):
            read(tmp_path, data, name)
