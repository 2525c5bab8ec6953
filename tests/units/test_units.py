"""Units: read exactly, as a stream, and checked at once."""

import datetime as dt
import gzip
import json
import sys
import tempfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from unit_files import HOSTILE, LONG, pairs, write_csv

from codebook.errors import MissingExtraError, RecordError, UnitsError
from codebook.files.tables import open_rows
from codebook.material.unit_store import iter_units, write_units
from codebook.records import Unit
from codebook.units import ROW_NUMBER, read_units

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), min_size=0, max_size=30)


@pytest.fixture
def hostile() -> list[tuple[str, str]]:
    return [(f"u{number}", text) for number, text in enumerate((*HOSTILE, LONG))]


def write_xlsx(path: Path, rows) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                sheet.write_string(number, column, cell)
    return path


def write_jsonl(path: Path, rows) -> Path:
    names, *rows = rows
    lines = (json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in rows)
    path.write_bytes("".join(f"{line}\n" for line in lines).encode())
    return path


def write_parquet(path: Path, rows) -> Path:
    names, *rows = rows
    pd.DataFrame(rows, columns=names).to_parquet(path, index=False)
    return path


def write_packed(path: Path, rows) -> Path:
    lines = WRITERS[Path(path.stem).suffix](path.with_suffix(""), rows)
    path.write_bytes(gzip.compress(lines.read_bytes()))
    lines.unlink()
    return path


WRITERS = {".csv": write_csv, ".xlsx": write_xlsx, ".jsonl": write_jsonl, ".parquet": write_parquet}
WRITERS |= dict.fromkeys((".csv.gz", ".jsonl.gz"), write_packed)


@pytest.mark.parametrize("suffix", WRITERS)
def test_hostile_texts_are_exact(tmp_path, hostile, suffix):
    # no cell holds 40,000 characters, and xlsxwriter by itself (not our exports) mars an escape of an escape
    wanted = [pair for pair in hostile if suffix != ".xlsx" or pair[1] not in (LONG, "_x005F_x0041_")]
    path = WRITERS[suffix](tmp_path / f"texts{suffix}", [("id", "text"), *wanted])
    assert pairs(path) == wanted
    units = list(read_units(path, id_column="id", text_column="text").with_skips())
    write_units(tmp_path / "units.jsonl", units)
    assert list(iter_units(tmp_path / "units.jsonl")) == units
    assert (tmp_path / "units.jsonl").read_bytes().count(b"\n") == len(wanted)


@pytest.mark.parametrize("suffix", WRITERS)
@settings(max_examples=30, deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=5))
def test_any_text_comes_back(suffix, texts):
    with tempfile.TemporaryDirectory() as folder:
        rows = [(f"u{number}", text) for number, text in enumerate(texts)]
        assert pairs(WRITERS[suffix](Path(folder) / f"t{suffix}", [("id", "text"), *rows])) == rows


@settings(max_examples=60, deadline=None)
@given(texts=st.lists(TEXTS, max_size=5), context=st.dictionaries(TEXTS, TEXTS, max_size=3))
def test_units_of_a_run_come_back(texts, context):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "units.jsonl"
        units = [(Unit(text, text, context), None if number % 2 else text) for number, text in enumerate(texts)]
        write_units(path, units)
        assert list(iter_units(path)) == units


def test_a_damaged_record_of_units_is_named(tmp_path):
    (tmp_path / "units.jsonl").write_text('{"unit_id":"1","text":"a","context":{},"skip":null}\n{"unit_id":"2"}\n')
    with pytest.raises(RecordError, match="line 2: no 'text'"):
        list(iter_units(tmp_path / "units.jsonl"))


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path, delimiter):
    rows = [("id", "text"), ("1", "a, b, c; d | e"), ("2", "line\nbreak,,,,"), ("3", "tab\there")]
    path = write_csv(tmp_path / "t.csv", rows, delimiter=delimiter)
    assert open_rows(path).delimiter == delimiter
    assert pairs(path) == rows[1:]


@pytest.mark.parametrize("write", [write_csv, write_xlsx])
def test_a_row_of_empty_cells_is_no_unit_in_any_kind_of_table(tmp_path, write):
    suffix = ".csv" if write is write_csv else ".xlsx"
    path = write(tmp_path / f"t{suffix}", [("id", "text"), ("1", "a"), ("", ""), ("2", ""), (" ", "\t"), ("3", "c")])
    assert pairs(path) == [("1", "a"), ("2", ""), ("3", "c")]


def test_one_column_and_given_delimiter(tmp_path):
    path = write_csv(tmp_path / "t.csv", [["text"], ["a;b"], ["c"]])
    units = list(read_units(path, id_column=ROW_NUMBER, text_column="text"))
    assert [(unit.unit_id, unit.text) for unit in units] == [("1", "a;b"), ("2", "c")]
    assert open_rows(path, delimiter=";").delimiter == ";"


def test_cells_of_a_workbook(tmp_path):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(["id", "text", "day", "seen", "n", None])
    sheet.append([1523.0, "a", dt.datetime(2015, 2, 10), True, 0.5])
    sheet.append([None] * 5)
    sheet.append([7, "b", dt.datetime(2015, 2, 10, 9, 30), False, None])
    book.create_sheet("other").append(["id", "text"])
    book.save(tmp_path / "t.xlsx")
    units = read_units(tmp_path / "t.xlsx", id_column="id", text_column="text", context_columns=["day", "seen", "n"])
    assert list(units) == [
        Unit("1523", "a", {"day": "2015-02-10", "seen": "true", "n": "0.5"}),
        Unit("7", "b", {"day": "2015-02-10T09:30:00", "seen": "false", "n": ""}),
    ]
    assert list(open_rows(tmp_path / "t.xlsx", sheet="other")) == []
    with pytest.raises(UnitsError, match=r"no sheet 'third'.*use one of 'Sheet', 'other'"):
        open_rows(tmp_path / "t.xlsx", sheet="third")


def test_a_formula_gives_its_cached_value(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "t.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["id", "text"])
        sheet.write_number(1, 0, 3)
        sheet.write_formula(1, 1, '="co"&"al"', None, "coal")
    assert pairs(tmp_path / "t.xlsx") == [("3", "coal")]


def test_json_values_become_text(tmp_path):
    (tmp_path / "t.jsonl").write_text(
        '\n{"id": 1523.0, "text": "a"}\r\n{"id": true, "text": null, "more": [1]}\n{"id": 4}\n'
    )
    assert pairs(tmp_path / "t.jsonl") == [("1523", "a"), ("true", ""), ("4", "")]


@pytest.mark.parametrize("line", ["[1]", "{", "x", '{"id": "\\ud800"'])
def test_a_line_that_is_no_object_is_named(tmp_path, line):
    (tmp_path / "t.jsonl").write_text(f'{{"id": "1", "text": "a"}}\n{line}\n')
    with pytest.raises(UnitsError, match=r"line 2.*one JSON object per line"):
        pairs(tmp_path / "t.jsonl")


def test_wrong_columns_are_all_named(tmp_path):
    path = write_csv(tmp_path / "t.csv", [("text_id", "Text", "split"), ("1", "a", "test")])
    with pytest.raises(UnitsError) as caught:
        read_units(path, id_column="textid", text_column="text", where={"fold": "1"})
    assert "has the columns 'text_id', 'Text', 'split'" in str(caught.value)
    assert [fault.mend for fault in caught.value.faults][:2] == ["did you mean 'text_id'?", "did you mean 'Text'?"]
    assert len(caught.value.faults) == 3


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("gone.csv", None, "no such file"),
        ("t.docx", b"x", "save it as one of .csv"),
        ("t.csv", b"", "add a line with the names"),
        ("t.xlsx", b"no workbook", "save it again as .xlsx"),
        ("t.csv", b"id,id\n1,2\n", "two columns are named 'id'"),
        ("t.csv", b'id,text\n1,"a" b\n', "line 2.*double those inside it"),
        ("t.csv", b'id,text\n1,"open\n', "line 2.*double those inside it"),
        ("t.csv", bytes(range(128, 256)) * 3, "cannot be read"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, content, match):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UnitsError, match=match):
        list(open_rows(tmp_path / name, encoding="ascii" if b"\xff" in (content or b"") else None))


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    write_parquet(tmp_path / "t.parquet", [("id", "text"), ("1", "a")])
    monkeypatch.delattr("pyarrow.parquet", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"Reading parquet.*codebook-kit\[parquet\]"):
        open_rows(tmp_path / "t.parquet")
