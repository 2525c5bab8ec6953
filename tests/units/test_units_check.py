"""Units: the encoding found, the report of the first pass, and a stream in flat memory."""

import json
import subprocess
import sys
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from unit_files import pairs, write_csv

from codebook.errors import UnitsError
from codebook.files.tables import open_rows
from codebook.units import ROW_NUMBER, check_units, open_units, read_units

SENTENCES = [
    ("id", "text"),
    ("1", "El niño comió café en Curaçao, naïve"),
    ("2", "Straße, Übung, Äpfel und schöne Grüße"),
]


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        *((name, name) for name in ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252")),
        ("latin-1", "cp1252"),
    ],
)
def test_the_encoding_is_found_and_said(tmp_path, encoding, found):
    path = write_csv(tmp_path / "t.csv", SENTENCES, encoding=encoding)
    assert pairs(path) == SENTENCES[1:]
    report = check_units(read_units(path, id_column="id", text_column="text"))
    assert f"encoding {found} (" in str(report)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("Zażółć gęślą jaźń, proszę pana, źle się dzieje w Łodzi", "cp1250"),
        ("Привет мир, как дела сегодня", "cp1251"),
        ("今日は良い天気ですね。東京へ行きましょう", "cp932"),
        ("“quoted” – it’s a niño", "cp1252"),
    ],
)
def test_other_encodings_are_guessed_and_the_guess_is_shown(tmp_path, text, encoding):
    path = write_csv(tmp_path / "t.csv", [("id", "text"), ("1", text)], encoding=encoding)
    assert pairs(path) == [("1", text)]
    said = str(check_units(read_units(path, id_column="id", text_column="text")))
    assert "a guess, because it is not UTF-8; with it, the file contains" in said


def test_utf8_is_tried_over_the_whole_file(tmp_path):
    rows = [("id", "text"), *((str(number), "plain ascii " * 20) for number in range(9000)), ("z", "niño")]
    path = write_csv(tmp_path / "t.csv", rows)
    assert path.stat().st_size > 2_000_000
    assert pairs(path)[-1] == ("z", "niño")
    path.write_bytes(path.read_bytes()[:-8] + "niño\n".encode("cp1252"))
    assert open_rows(path).encoding == "cp1252"


def test_a_wrong_encoding_is_refused_with_the_mend(tmp_path):
    path = write_csv(tmp_path / "t.csv", SENTENCES, encoding="latin-1")
    with pytest.raises(UnitsError, match=r"about byte 1[0-9].*cannot be read as utf-8.*leave out the encoding"):
        open_rows(path, encoding="utf-8")
    with pytest.raises(UnitsError, match="no encoding named 'utf-9'"):
        open_rows(path, encoding="utf-9")


def test_where_keeps_rows(tmp_path):
    rows = [("id", "text", "split"), ("1", "a", "test"), ("2", "b", "train"), ("3", "c", "dev")]
    path = write_csv(tmp_path / "t.csv", rows)
    assert [pair[0] for pair in pairs(path, where={"split": ["test", "dev"]})] == ["1", "3"]
    report = check_units(read_units(path, id_column=ROW_NUMBER, text_column="text", where={"split": "dev"}))
    assert (report.n_rows, report.n_units, report.n_send) == (3, 1, 1)
    assert str(report).startswith("t.csv: 3 rows read, 1 kept by the filter; 1 unit to send.")


def test_ids_that_are_unique_within_a_column_are_joined_with_it_and_the_mend_says_how(tmp_path):
    """A table of two languages whose ids begin anew in each; a column that does not part them is not named."""
    rows = [(lang, id_, f"{lang} {id_}", "x") for lang in ("de", "fr") for id_ in ("1", "2")]
    path = write_csv(tmp_path / "t.csv", [("language", "id", "text", "topic"), *rows])
    report = check_units(read_units(path, id_column="id", text_column="text"))
    with pytest.raises(UnitsError, match="each 'language' has them once") as caught:
        report.raise_errors()
    mend = caught.value.faults[0].mend
    assert '`id_column: "language + id"` (`--id "language + id"`)' in mend
    assert '`where: ["language: de"]`' in mend
    assert [pair[0] for pair in pairs(path, id_column="language + id")] == ["de/1", "de/2", "fr/1", "fr/2"]
    assert [pair[0] for pair in pairs(path, where=["language: de"])] == ["1", "2"]
    joined = check_units(read_units(path, id_column="language + id", text_column="text"))
    assert joined.ok
    assert "sent: language, id, text; not sent: topic" in str(joined)
    with pytest.raises(UnitsError, match="there is no column 'wave', which is named by `id_column`"):
        read_units(path, id_column="wave + id", text_column="text")
    path = write_csv(tmp_path / "gap.csv", [("language", "id", "text"), ("de", "1", "a"), ("", "1", "b")])
    gap = check_units(read_units(path, id_column="language + id", text_column="text"))
    assert [fault.kind for fault in gap.faults] == ["missing id"]


FAULTY = [
    {"id": "1", "text": "same", "worker_id": "A", "note": "ann@example.org", "tel": "+31 20 123 4567"},
    {"id": "1", "text": "same"},
    {"id": " ", "text": "no id"},
    {"id": "3", "text": " \u2028\n"},
    {"id": "4", "text": "x" * 101},
    {"id": "5", "text": "nul\x00 bell\x07"},
    {"id": "6", "text": "half \ud83d"},
    {"id": "7", "text": "lost \ufffd"},
    {"id": "8", "text": "cafÃ© â€œquotedâ€\x9d"},
    {"id": "9 ", "text": "mail bob@example.org, from 10.0.0.1"},
    {"id": "10", "text": "2001:db8:0:0:0:0:0:1 wrote at 12:30:45 on 1.2.2020, v1.2.3"},
]


@pytest.fixture
def report(tmp_path):
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in FAULTY))
    return check_units(read_units(path, id_column="id", text_column="text", context_columns=["note"], max_chars=100))


@pytest.mark.parametrize(
    ("kind", "gravity", "first"),
    [
        ("missing id", "error", ("3",)),
        ("duplicate id", "error", ("1",)),
        ("half a character", "error", ("6",)),
        ("empty text", "not sent", ("3",)),
        ("too long", "not sent", ("4",)),
        ("personal column", "warning", ("worker_id", "note", "tel")),
        ("personal text", "warning", ("9 ", "10")),
        ("replacement character", "warning", ("7",)),
        ("mixed-up encoding", "warning", ("8",)),
        ("spaces around id", "warning", ("9 ",)),
        ("control character", "note", ("5", "8")),
        ("duplicate text", "note", ("1",)),
    ],
)
def test_every_kind_of_fault_is_reported(report, kind, gravity, first):
    fault = next(fault for fault in report.faults if fault.kind == kind)
    assert (fault.gravity, fault.first) == (gravity, first)
    assert kind in str(report)


def test_the_report_says_what_will_happen(report):
    said = str(report)
    assert (report.n_rows, report.n_send, report.ok) == (11, 9, False)
    assert "0 units to send" in said
    assert "note (holds an e-mail address; SENT)" in said
    assert "worker_id (by its name; not sent)" in said
    assert "NOT SENT  too long: 1 (4). Kept as a row, not sent and never cut" in said
    with pytest.raises(UnitsError, match="ids must be unique") as caught:
        report.raise_errors()
    assert len(caught.value.faults) == 3


def test_skipped_units_are_kept_as_rows_and_never_cut(tmp_path):
    path = write_csv(tmp_path / "t.csv", [("id", "text"), ("1", ""), ("2", "abcdef"), ("3", "abc")])
    units = read_units(path, id_column="id", text_column="text", max_chars=5)
    skips = {unit.unit_id: (unit.text, skip) for unit, skip in units.with_skips()}
    assert skips["1"] == ("", "the text is empty")
    assert skips["2"] == ("abcdef", "the text has 6 characters, more than max_chars = 5")
    assert [unit.unit_id for unit in units] == ["3"]
    check_units(units).raise_errors()


def test_rows_of_a_wrong_width_are_an_error(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,text\n1,a\n2,b,c\n\n3\n")
    units = read_units(path, id_column="id", text_column="text")
    report = check_units(units)
    assert report.faults[0].kind == "ragged row"
    assert report.faults[0].first == ("3", "5")
    with pytest.raises(UnitsError, match=r"line 3.*as many fields"):
        list(units)


@pytest.mark.parametrize("row", [{"id": "", "text": "a"}, {"id": "1", "text": "\ud800"}])
def test_a_row_that_cannot_be_a_unit_stops_the_stream(tmp_path, row):
    (tmp_path / "t.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(UnitsError, match="run check_units"):
        list(read_units(tmp_path / "t.jsonl", id_column="id", text_column="text"))


@pytest.mark.parametrize(
    ("name", "id_column", "text_column"),
    [
        ("topics_sib200_en/texts.csv", "text_id", "text"),
        ("coal_debate/sentences.csv", "sentence_id", "sentence"),
        ("econ_headlines/headlines.csv", "headline_id", "headline_nl"),
    ],
)
def test_shipped_units_are_sound(name, id_column, text_column):
    report = check_units(
        read_units(Path(__file__).parents[2] / "data" / name, id_column=id_column, text_column=text_column)
    )
    assert report.ok
    assert report.n_send == report.n_rows
    assert not any(fault.kind == "personal column" for fault in report.faults)


MEASURE = """
import sys, time
sys.path.insert(0, sys.argv[2])
from memory import peak_mb
from codebook.units import check_units, read_units
units = read_units(sys.argv[1], id_column="id", text_column="text")
for _ in zip(units, range(1000)): pass
before = peak_mb()
n = sum(1 for _ in units)
streamed = peak_mb()
print(n, streamed - before, time.process_time())
"""


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
@pytest.mark.slow
def test_a_million_rows_stream_in_flat_memory(tmp_path, suffix):
    path, n = tmp_path / f"many{suffix}", 1_000_000 if suffix == ".csv" else 200_000
    text = "The mines closed, and the town went with them, as towns do. " * 2
    if suffix == ".csv":
        with path.open("w") as file:
            file.write("id,text\n")
            file.writelines(f'u{number},"{text}{number}"\n' for number in range(n))
    elif suffix == ".jsonl":
        with path.open("w") as file:
            file.writelines(f'{{"id":"u{number}","text":"{text}{number}"}}\n' for number in range(n))
    else:
        frame = pd.DataFrame({"id": [f"u{number}" for number in range(n)], "text": text})
        frame.to_parquet(path, index=False, row_group_size=20_000)
    benchmarks = Path(__file__).parents[2] / "benchmarks"
    command = [sys.executable, "-c", MEASURE, str(path), str(benchmarks)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    n_read, grown, cpu_s = done.stdout.split()
    assert int(n_read) == n
    assert float(grown) < 30, "MB"
    assert float(cpu_s) < 60


@pytest.mark.parametrize(
    ("ids", "twins"),
    [
        (["é", "e\u0301"], ["e\u0301"]),
        (["e\u0301", "é"], ["é"]),
        (["Ann", "ann", "ANN", "Ben"], ["ann", "ANN"]),
        (["1", "1 ", "\u00a01"], ["1 ", "\u00a01"]),
        (["7", "007", "1523", "1523.0"], ["007", "1523.0"]),
        (["a1", "A2", "a3", "10", "100", "x-1", "x_1"], []),
    ],
)
def test_r29_ids_that_differ_only_in_writing_are_told(tmp_path, ids, twins):
    path = write_csv(tmp_path / "t.csv", [("id", "text"), *((unit_id, f"text {unit_id}") for unit_id in ids)])
    report = check_units(read_units(path, id_column="id", text_column="text"))
    found = [fault for fault in report.faults if fault.kind == "id that almost occurs twice"]
    assert [list(fault.first) for fault in found] == ([twins] if twins else [])
    assert all(fault.gravity == "warning" and fault.n == len(twins) for fault in found)
    assert report.ok


def test_r09_a_guess_is_a_warning_that_names_its_confirmation(tmp_path):
    path = write_csv(tmp_path / "t.csv", SENTENCES, encoding="cp1252")
    units = read_units(path, id_column="id", text_column="text")
    (fault,) = [fault for fault in check_units(units).faults if fault.kind == "guessed encoding"]
    assert (fault.gravity, fault.first) == ("warning", ("t.csv",))
    assert '`form: ["encoding: cp1252"]` in study.yaml, or `--form encoding=cp1252`' in str(fault)
    confirmed = open_units(path, id_column="id", text_column="text", form=["encoding: cp1252"])
    assert "guessed encoding" not in str(check_units(confirmed))
    assert list(confirmed) == list(units)
    groups = open_units(path, id_column="id", text_column="text", form={"group_column": "id"})
    assert "WARNING   guessed encoding" in str(check_units(groups))


def test_lengths_are_told_before_sending_and_very_long_texts_are_named(tmp_path):
    rows = [("id", "text"), *((f"u{n}", f"one two three {n}") for n in range(19)), ("long", "word " * 9_000)]
    report = check_units(read_units(write_csv(tmp_path / "t.csv", rows), id_column="id", text_column="text"))
    assert "words per text: 4 to 9,000, median 4, 95 % up to 9,000\n" in str(report)
    assert (
        "tokens (estimated): 4 to 11,250, median 4, 95 % up to 11,250; 11,326 in all; longest: 'long' (11,250)"
        in str(report)
    )
    (fault,) = [fault for fault in report.faults if fault.kind == "very long text"]
    assert (fault.gravity, fault.first) == ("warning", ("long",))
    assert report.ok


def test_markup_of_web_pages_is_told_and_other_angles_are_not(tmp_path):
    rows = [("id", "text"), ("1", "<p>Coal &amp; gas</p>"), ("2", "3 < 4, <e1>Ann</e1>, AT&T"), ("3", "a<br/>b")]
    report = check_units(read_units(write_csv(tmp_path / "t.csv", rows), id_column="id", text_column="text"))
    assert [fault.first for fault in report.faults if fault.kind == "markup"] == [("1", "3")]


def test_the_sheets_of_a_workbook_are_named_with_the_way_to_take_one(tmp_path):
    path = write_sheets(tmp_path / "t.xlsx", {"Notes": [["id", "text"], [1, "a"]], "My texts": [["id", "text"]]})
    told = str(check_units(read_units(path, id_column="id", text_column="text")))
    assert "sheet 'Notes', the first; not read: 'My texts'" in told
    assert '`--form "sheet=My texts"`' in told
    other = open_units(path, id_column="id", text_column="text", form=["sheet: My texts"])
    assert "sheet 'My texts', as given; not read: 'Notes'" in str(check_units(other))


def test_a_header_on_another_sheet_is_found_and_the_mend_works(tmp_path):
    path = write_sheets(tmp_path / "t.xlsx", {"Info": [["Readme"]], "Texte": [["Study"], [], ["id", "text"], [7, "a"]]})
    with pytest.raises(UnitsError, match=r"on the sheet 'Texte', in row 3.*`--form sheet=Texte --form skip_rows=2`"):
        read_units(path, id_column="id", text_column="text")
    assert [
        unit.unit_id for unit in read_units(path, id_column="id", text_column="text", sheet="Texte", skip_rows=2)
    ] == ["7"]


@pytest.mark.parametrize("suffix", [".xlsx", ".csv"])
def test_a_title_above_a_header_of_other_names_is_guessed_and_each_column_says_its_option(tmp_path, suffix):
    rows = [["Answers of 2020"], [], ["Nr", "Antwort"], [1, "a"], [2, "b"]]
    path = tmp_path / f"t{suffix}"
    if suffix == ".xlsx":
        write_sheets(path, {"Texte": rows})
    else:
        path.write_text("\n".join(";".join(map(str, row)) for row in rows))
    with pytest.raises(UnitsError) as caught:
        read_units(path, id_column="id", text_column="text")
    told = str(caught.value)
    assert "no column 'id', which is named by `id_column` (--id)" in told
    assert "no column 'text', which is named by `text_column` (--text)" in told
    assert " 3: 'Nr', 'Antwort'. To mend: give `skip_rows: 2` (`--form skip_rows=2`)" in told


def test_rows_of_a_sheet_are_numbered_as_excel_does_and_merged_cells_are_named(tmp_path):
    rows = [["Answers of 2020"], ["id", "text"], [1, "a"], [None, "b"], [3, "c"]]
    path = write_sheets(tmp_path / "t.xlsx", {"Texte": rows}, merged=["A3:A4", "A1:B1"])
    units = read_units(path, id_column="id", text_column="text", skip_rows=1)
    faults = {fault.kind: fault.first for fault in check_units(units).faults}
    assert faults == {"missing id": ("4",), "merged cells": ("A3:A4",)}
    with pytest.raises(UnitsError, match=r"t.xlsx, row 4: the unit has no id"):
        list(units)


def write_sheets(path, sheets, merged=()):
    """Write a workbook of several sheets; `merged` are cells of the last one."""
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    for cells in merged:
        sheet.merge_cells(cells)
    book.save(path)
    return path
