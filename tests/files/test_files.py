"""Rows of files: where the header stands, what is damaged, what would never end, and what has no value yet."""

from __future__ import annotations

import gzip
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
import xlsxwriter
from pyarrow import parquet

from codebook.errors import UnitsError
from codebook.files import unfolding
from codebook.files.decode import find_encoding
from codebook.files.tables import open_rows, workbook
from codebook.units import check_units, read_units

SHEET, STRINGS = "xl/worksheets/sheet1.xml", "xl/sharedStrings.xml"
KOELN = "id,text\n" + "".join(f'u{n},"Köln und Zürich: Kohle ist günstig é {n}"\n' for n in range(300))


def write_workbook(path: Path, rows: list[list[object]]) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    return path


@pytest.fixture
def change(tmp_path: Path) -> Callable[..., Path]:
    """Make a small workbook, and change or leave out one of its parts."""

    def changed(part: str, old: bytes, new: bytes | None) -> Path:
        whole = write_workbook(tmp_path / "whole.xlsx", [["id", "text"], ["u1", "Coal."], ["u2", "No coal."]])
        with zipfile.ZipFile(whole) as source:
            parts = {name: source.read(name) for name in source.namelist()}
        assert old in parts[part]
        parts[part] = parts[part].replace(old, new or b"", 1)
        with zipfile.ZipFile(tmp_path / "t.xlsx", "w", zipfile.ZIP_DEFLATED) as target:
            for name, data in parts.items():
                if name != part or new is not None:
                    target.writestr(name, data)
        return tmp_path / "t.xlsx"

    return changed


def texts(path: Path, **options: object) -> list[str]:
    return [row["text"] for row in open_rows(path, **options)]


# --- encodings


@pytest.mark.parametrize(
    ("spoil", "line", "said"),
    [
        (lambda raw: raw[:6000] + b"\xff" + raw[6000:], 121, "the byte 0xFF (at byte 6,000) is not UTF-8; everything"),
        (lambda raw: raw[:-2] + b'\xc3"\n', 301, "the byte 0xC3"),
        (lambda raw: raw.replace("Köln".encode(), "Köln".encode("latin-1"), 1), 2, "the byte 0xF6"),
        (lambda raw: raw.replace('é 7"'.encode(), "€".encode()[:2] + b'"'), 9, "the bytes 0xE2 0x82"),
    ],
)
def test_r09_one_bad_byte_is_a_fault_with_its_line(tmp_path, spoil, line, said):
    path = tmp_path / "t.csv"
    path.write_bytes(spoil(KOELN.encode()))
    with pytest.raises(UnitsError, match="UTF-8 except in one place; none of its texts was used") as caught:
        open_rows(path)
    (fault,) = caught.value.faults
    assert fault.where.endswith(f"t.csv, line {line}")
    assert said in fault.problem
    assert texts(path, encoding="latin-1"), "whoever names the encoding gets it"


def test_r09_several_bad_bytes_are_counted(tmp_path):
    (tmp_path / "t.csv").write_bytes(KOELN.encode().replace("é".encode(), b"\xe9", 40))
    with pytest.raises(UnitsError, match="UTF-8 except in 40 places") as caught:
        open_rows(tmp_path / "t.csv", encoding="utf-8")
    assert len(caught.value.faults) == 5


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("今日は良い天気ですね。東京へ行きましょう。石炭火力発電所の閉鎖", "cp932"),
        ("오늘 날씨가 좋네요. 서울에 갑시다. 석탄 화력 발전소 폐쇄에 대한 논의", "euc_kr"),
        ("今天天气很好，我们去北京吧。关于关闭燃煤电厂的讨论仍在继续", "gbk"),
        ("สวัสดีชาวโลก วันนี้เป็นอย่างไร", "cp874"),
        ("Straße, Übung, Äpfel, niño, café", "cp1252"),
        ("Straße, Übung, Äpfel, niño, café", "mac_roman"),
    ],
)
def test_r09_text_of_another_encoding_is_a_guess_with_few_others(tmp_path, text, encoding):
    (tmp_path / "t.csv").write_bytes(f"id,text\n1,{text}\n".encode(encoding))
    found = find_encoding(tmp_path / "t.csv")
    assert found.guessed
    assert "a guess, because it is not UTF-8" in found.reason
    assert found.reason.partition("other encodings that fit as well: ")[2].count(",") < 4
    assert not find_encoding(tmp_path / "t.csv", encoding).guessed


def test_r09_one_bad_byte_of_json_lines_is_named_as_in_a_table(tmp_path):
    raw = '{"id": "1", "text": "Köln"}\n'.encode() * 3
    (tmp_path / "t.jsonl").write_bytes(raw.replace("ö".encode(), b"\xf6", 2).replace(b"\xf6", "ö".encode(), 1))
    with pytest.raises(UnitsError, match=r"t\.jsonl, line 2: the byte 0xF6 is not UTF-8\. To mend: write one JSON"):
        list(open_rows(tmp_path / "t.jsonl"))


@pytest.mark.parametrize("text", ["Müll\nKöln\n", "1,Straße\n", "1,El niño comió\n2,café\n"])
def test_r09_a_few_western_words_are_guessed_as_such(tmp_path, text):
    (tmp_path / "t.csv").write_bytes(text.encode("cp1252"))
    found = find_encoding(tmp_path / "t.csv")
    assert (found.name, found.guessed) == ("cp1252", True)


# --- damaged workbooks and other files


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        (SHEET, b"</sheetData>", b""),
        (STRINGS, b"<si>", b""),
        (STRINGS, b"<sst", None),
        ("xl/_rels/workbook.xml.rels", b"Relationship ", b"<"),
        ("xl/styles.xml", b"<fonts", b"<fonts<"),
        ("[Content_Types].xml", b"<Types", b""),
        (SHEET, b"<worksheet", None),
        (SHEET, b"<v>3</v>", b"<v>99</v>"),
        (SHEET, b'r="A2"', b'r="2A?"'),
        (SHEET, b' t="s"><v>3</v>', b' t="d"><v>2020-13-45</v>'),
        (STRINGS, b"Coal.", b"&nothing;"),
    ],
)
def test_r13_a_damaged_workbook_is_told_with_the_mend(change, part, old, new):
    with pytest.raises(UnitsError, match=r"t\.xlsx.*To mend: (open it in Excel|save)"):
        texts(change(part, old, new))


def test_r13_a_workbook_with_a_password_or_of_old_is_told(tmp_path):
    (tmp_path / "t.xlsx").write_bytes(bytes.fromhex("D0CF11E0A1B11AE1") + bytes(1000))
    with pytest.raises(UnitsError, match=r"or a workbook with a password.*save it as \.xlsx"):
        open_rows(tmp_path / "t.xlsx")


def test_r13_other_damaged_files_are_told_with_the_mend(tmp_path):
    (tmp_path / "deep.jsonl").write_bytes(b'{"id": "1", "text": ' + b"[" * 100_000 + b"]" * 100_000 + b"}\n")
    (tmp_path / "t.parquet").write_bytes(b"PAR1 nothing PAR1")
    with pytest.raises(UnitsError, match=r"deep\.jsonl, line 1: this is not a JSON object"):
        open_rows(tmp_path / "deep.jsonl")
    with pytest.raises(UnitsError, match=r"t\.parquet: it is damaged, or it is not a \.parquet file.*write it again"):
        open_rows(tmp_path / "t.parquet")


def test_packed_tables_are_read_as_they_unfold_and_damaged_or_others_are_told(tmp_path):
    """The header below a title is found, as of plain tables; what is cut short is no shorter table."""
    packed = gzip.compress(b"Our study\n" + KOELN.encode("cp1252"))
    (tmp_path / "t.csv.gz").write_bytes(packed)
    with pytest.raises(UnitsError, match="is in line 2, not in the first"):
        read_units(tmp_path / "t.csv.gz", id_column="id", text_column="text")
    report = check_units(read_units(tmp_path / "t.csv.gz", id_column="id", text_column="text", skip_rows=1))
    assert (report.n_send, report.source.encoding.name) == (300, "cp1252")
    (tmp_path / "cut.csv.gz").write_bytes(packed[:-20])
    (tmp_path / "t.xlsx.gz").write_bytes(packed)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"id,text\n" + b"0" * 60_000_000))
    for name, told in {
        "cut.csv.gz": r"it is damaged, or it is not a \.gz file.*ended before.*unpack it and name the file inside",
        "t.xlsx.gz": r"a packed \.xlsx file cannot be read. To mend: unpack it first",
        "bomb.csv.gz": "unpacks to more than 5. MB, .* times its size",
    }.items():
        with pytest.raises(UnitsError, match=told):
            open_rows(tmp_path / name)


# --- bombs and traps


def test_r14_a_workbook_that_unfolds_beyond_measure_is_not_opened(change, monkeypatch):
    monkeypatch.setattr(unfolding, "SMALL_BYTES", 1_000_000)
    path = change(STRINGS, b"Coal.", b"a" * 3_000_000)
    with pytest.raises(
        UnitsError, match=r"unpacks to 3 MB, [\d,]+ times its size; the limit is 200 times.*save the sheet"
    ):
        open_rows(path)
    monkeypatch.setattr(unfolding, "MAX_BYTES", 2_000_000)
    with pytest.raises(UnitsError, match=r"unpacks to 3 MB, more than 2"):
        open_rows(path)


@pytest.mark.parametrize("row", [b'<row r="%d"/>', b"<row/>", b'<row r="%d"><c r="A%d" s="1"/></row>'])
def test_r14_endless_empty_rows_are_not_read(change, monkeypatch, row):
    monkeypatch.setattr(workbook, "MAX_EMPTY_ROWS", 50)
    rows = b"".join(row % ((number,) * row.count(b"%d")) for number in range(4, 100))
    path = change(SHEET, b"</sheetData>", rows + b"</sheetData>")
    with pytest.raises(UnitsError, match=r"more than 50 empty rows below row 3.*delete the rows below the table"):
        texts(path)


def test_r14_the_size_that_a_sheet_names_is_not_believed(change):
    assert texts(change(SHEET, b'ref="A1:B3"', b'ref="A1:XFD1048576"')) == ["Coal.", "No coal."]
    far = b'<row r="1000000000"><c r="B1000000000" t="inlineStr"><is><t>far</t></is></c></row></sheetData>'
    assert texts(change(SHEET, b"</sheetData>", far)) == ["Coal.", "No coal.", "far"]
    wide = b'<row r="4"><c r="ZZZ4" t="inlineStr"><is><t>far</t></is></c></row></sheetData>'
    with pytest.raises(UnitsError, match="beyond column 16,384"):
        texts(change(SHEET, b"</sheetData>", wide))


def test_r14_a_workbook_with_entities_of_its_own_is_not_opened(change):
    with pytest.raises(UnitsError, match="it defines XML entities, which a workbook never does"):
        open_rows(change(STRINGS, b"<sst", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><sst'))


def write_parquet(path: Path, texts: Any, n: int, **how: Any) -> Path:
    parquet.write_table(pa.table({"id": pa.array(range(n)), "text": texts}), path, **how)
    return path


def test_r14_a_parquet_file_whose_few_texts_stand_for_gigabytes_is_refused(tmp_path):
    once = pa.DictionaryArray.from_arrays(pa.array([0] * 5_000, pa.int32()), pa.array(["x" * 1_000_000]))
    path = write_parquet(tmp_path / "bomb.parquet", once, 5_000)
    assert path.stat().st_size < 300_000
    with pytest.raises(
        UnitsError, match=r"bomb\.parquet: it unpacks to more than 4,096 MB, .* the limit is 200 times.*as csv"
    ):
        texts(path)
    lists = pa.ListArray.from_arrays(pa.array(range(0, 5_001), pa.int32()), once)
    with pytest.raises(UnitsError, match="it unpacks to more than 4,096 MB"):
        texts(write_parquet(tmp_path / "lists.parquet", lists, 5_000))
    plain = write_parquet(tmp_path / "plain.parquet", pa.array(["x" * 1_000_000] * 5), 5)
    assert texts(plain) == ["x" * 1_000_000] * 5


def test_r14_a_parquet_file_of_endless_rows_or_of_packed_pages_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(unfolding, "SMALL_BYTES", 1_000_000)
    path = write_parquet(tmp_path / "rows.parquet", pa.nulls(2_000_000, pa.string()), 2_000_000, compression="zstd")
    rows = pa.table({"text": pa.nulls(3_000_000, pa.string())})
    parquet.write_table(rows, path)
    with pytest.raises(UnitsError, match="it unpacks to more than 3 MB"):
        open_rows(path)
    packed = pa.array(["x" * 3_000_000])
    path = write_parquet(tmp_path / "page.parquet", packed, 1, compression="zstd", use_dictionary=False)
    with pytest.raises(UnitsError, match=r"page\.parquet: it unpacks to 3 MB"):
        open_rows(path)


def test_r14_texts_that_repeat_in_a_parquet_file_are_read_as_they_are(tmp_path):
    some = [f"text {number % 7}" for number in range(10_000)]
    some[3] = None
    kinds = {
        "plain": pa.array(some),
        "large": pa.array(some, pa.large_string()),
        "dictionary": pa.array(some).dictionary_encode(),
        "binary": pa.array(some, pa.binary()),
        "lists": pa.array([[text] if text else None for text in some]),
    }
    for name, array in kinds.items():
        path = write_parquet(tmp_path / f"{name}.parquet", array, 10_000)
        found = [row["text"] for row in open_rows(path)]
        assert len(found) == 10_000
        assert (found[3], found[2], found[9_999]) == ("", *(as_seen(name, some[number]) for number in (2, 9_999)))


def as_seen(kind: str, text: str) -> str:
    return {"lists": f'["{text}"]', "binary": str(text.encode())}.get(kind, text)


def test_r24_a_pipe_or_a_loop_of_links_is_never_opened(tmp_path):
    os.mkfifo(tmp_path / "t.csv")
    (tmp_path / "loop.csv").symlink_to(tmp_path / "loop.csv")
    with pytest.raises(UnitsError, match=r"t\.csv: it is a pipe and no file"):
        open_rows(tmp_path / "t.csv")
    with pytest.raises(UnitsError, match=r"loop\.csv: it cannot be opened"):
        open_rows(tmp_path / "loop.csv")


# --- where the header stands


def test_r17_a_first_line_that_names_the_separator_is_obeyed(tmp_path):
    (tmp_path / "t.csv").write_text('sep=;\r\nid;text\r\n1;"a, b"\r\n2;x;y\r\n', encoding="utf-8-sig")
    rows = open_rows(tmp_path / "t.csv")
    assert (rows.columns, rows.delimiter) == (("id", "text"), ";")
    assert [row["text"] for row in rows] == ["a, b", "x"]
    assert rows.ragged == [4]


@pytest.mark.parametrize("head", ["Answers of 2020\n\n", "#FORMAT=WebAnno TSV 3.2\n#T_SP=x|y\n", '"a, b",,\n,,\n'])
def test_r17_a_header_below_other_lines_is_found_and_the_mend_works(tmp_path, head):
    path = tmp_path / "t.csv"
    path.write_text(f"{head}id;text\n1;a, b\n2;c\n", encoding="utf-8")
    with pytest.raises(UnitsError, match=r"is in line 3, not in the first.*`--form skip_rows=2`"):
        read_units(path, id_column="id", text_column="text")
    units = read_units(path, id_column="id", text_column="text", skip_rows=2)
    assert [unit.text for unit in units] == ["a, b", "c"]


def test_r17_a_title_above_the_header_of_a_sheet_is_found_and_the_mend_works(tmp_path):
    path = write_workbook(tmp_path / "t.xlsx", [["Answers of 2020"], [], ["id", "text"], [1, "a"]])
    with pytest.raises(UnitsError, match=r"'text' is in row 3.*`skip_rows: 2`"):
        read_units(path, id_column="id", text_column="text")
    assert [unit.text for unit in read_units(path, id_column="id", text_column="text", skip_rows=2)] == ["a"]


@pytest.mark.parametrize("given", [-1, "two", 1.5, True])
def test_r17_skip_rows_is_a_number_of_rows(tmp_path, given):
    (tmp_path / "t.csv").write_text("id,text\n1,a\n")
    with pytest.raises(UnitsError, match="is not a number of rows"):
        open_rows(tmp_path / "t.csv", skip_rows=given)


# --- cells without a value


def test_r18_a_formula_without_a_value_is_never_empty(tmp_path):
    book = openpyxl.Workbook()
    for row in (["id", "text", "n"], ["1", '="co"&"al"', "=1+1"], ["2", "no coal", "=2+2"], ["3", "=A1", 1]):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(
        UnitsError, match=r"row 2, column 'text': the formula has no value; it is the first of 2.*in Excel"
    ):
        check_units(read_units(tmp_path / "t.xlsx", id_column="id", text_column="text"))
    assert [unit.unit_id for unit in read_units(tmp_path / "t.xlsx", id_column="id", text_column="id")] == [
        "1",
        "2",
        "3",
    ]


def test_r18_a_formula_whose_value_is_the_empty_text_is_empty(change):
    empty = b'<c r="B2" t="str"><f>""</f><v></v></c>'
    assert texts(change(SHEET, b'<c r="B2" t="s"><v>3</v></c>', empty)) == ["", "No coal."]


# --- ids


def test_r29_what_is_no_number_is_no_id(tmp_path):
    table = pa.table({"id": [1.0, float("nan"), None], "text": ["a", "b", "c"]})
    parquet.write_table(table, tmp_path / "t.parquet")
    report = check_units(read_units(tmp_path / "t.parquet", id_column="id", text_column="text"))
    (fault,) = [fault for fault in report.faults if fault.kind == "missing id"]
    assert (fault.n, fault.first) == (2, ("2", "3"))


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('{"id": "2", "text": "a", "id": "3"}', "id"),
        ('{"id": "2", "text": "a", "more": {"x": 1, "x": 2}}', "x"),
        ('{"id": "2", "text": "say \\"id\\": 4", "text" : "b"}', "text"),
        ('{"id": "\\ud83d", "text": "a", "text": "b"}', "text"),
    ],
)
def test_r29_a_key_that_stands_twice_is_refused_with_its_line(tmp_path, line, key):
    (tmp_path / "t.jsonl").write_text(f'{{"id": "1", "text": "say \\"id\\": 4, \\\\"}}\n\n{line}\n')
    with pytest.raises(UnitsError, match=rf"t\.jsonl, line 3: .*the key '{key}' occurs twice"):
        texts(tmp_path / "t.jsonl")
