"""Exports: what is read back is the same table, and a spreadsheet executes nothing."""

import csv
import errno
import gc
import io
import json
import math
import random
import sqlite3
import sys
import tempfile
import time
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from unit_files import HOSTILE, LONG

from codebook.analysis.core.codings import Codings
from codebook.codings import (
    check_table,
    join_transcripts,
    make_table,
    read_table,
    to_wide,
    write_columns,
    write_table,
    write_wide,
)
from codebook.errors import CodebookError, MissingExtraError, TableError
from codebook.files.tables import open_rows
from codebook.files.tables.workbook_writer import MAX_CELL, escape_text
from codebook.records import Unit
from codebook.scheme import Codebook, read_codebook

SUFFIXES = [".csv", ".tsv", ".xlsx", ".json", ".jsonl", ".parquet"]
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=("Cs",)), max_size=20),
    st.text("_x0041F5\x07\r\n \t,\"'=\x00\uffff", max_size=12),
)


def row(unit_id="7", **more):
    return {"unit_id": unit_id, "coder": "ann", "variable": "topic", "label": "sports"} | more


def assert_same(table, path):
    write_table(table, path)
    pd.testing.assert_frame_equal(read_table(path), table)
    assert list(path.parent.glob(".*")) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_hostile_texts_come_back(tmp_path, suffix):
    texts = [*HOSTILE, LONG] if suffix != ".xlsx" else HOSTILE
    rows = [row(f"{number}{text}", label=text, raw=text, coder=text, run_id=text) for number, text in enumerate(texts)]
    rows += [row("missing", label=None, why="invalid", raw=""), row("empty", label="")]
    assert_same(make_table(rows), tmp_path / f"table{suffix}")


@pytest.mark.parametrize("suffix", SUFFIXES)
@settings(max_examples=25, deadline=None)
@given(
    texts=st.lists(st.tuples(TEXTS, TEXTS, st.floats(allow_infinity=False) | st.none()), max_size=4),
    why=st.sampled_from(["refused", None]),
)
@example(texts=[("_x005F_x0041_", "_x0041\x07", 0.1 + 0.2), ("_x0041_x0042_", "\r", -0.0)], why=None)
def test_any_table_comes_back(suffix, texts, why):
    rows = [
        row(f"{number}{text}", label=None if why else text, why=why, detail=detail, cost_usd=cost)
        for number, (text, detail, cost) in enumerate(texts)
    ]
    with tempfile.TemporaryDirectory() as folder:
        assert_same(make_table(rows), Path(folder) / f"table{suffix}")


def test_the_csv_is_exact_for_other_readers_too(tmp_path):
    table = make_table([row(str(number), label=text) for number, text in enumerate((*HOSTILE, LONG))])
    write_table(table, tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        assert [record["label"] for record in csv.DictReader(file)] == table["label"].tolist()
    frame = pd.read_csv(tmp_path / "t.csv", dtype=str, keep_default_na=False)
    assert frame["label"].tolist() == table["label"].tolist()


def test_no_cell_of_a_workbook_is_a_formula_or_a_link(tmp_path):
    rows = [
        row(text, label=text, raw=text, seconds=1.5) for text in ("=1+1", "=cmd()", "@x", "+1", "http://a.org", "1.0")
    ]
    write_table(make_table(rows), tmp_path / "t.xlsx")
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    cells = [cell for sheet in book for line in sheet.iter_rows() for cell in line if cell.value is not None]
    assert {cell.data_type for cell in cells} == {"s", "n"}
    assert {cell.data_type for line in book["codings"].iter_rows(max_col=4) for cell in line} == {"s"}
    assert not any(cell.hyperlink for cell in cells)
    assert book.sheetnames == ["codings", "coverage"]
    assert [cell.value for cell in book["coverage"][2]][:4] == ["ann", "topic", 6, 6]


def test_a_workbook_shows_texts_beside_the_labels_and_what_each_code_means(tmp_path):
    book = read_codebook(Path(__file__).parents[2] / "data" / "topics_sib200_en" / "codebook.yaml")
    table = make_table([row("007"), row("1e5", label="travel")])
    write_table(table, tmp_path / "t.xlsx", texts={"007": "=A goal.", "1e5": "Coal is cheap. " * 9}, codebook=book)
    sheets = openpyxl.load_workbook(tmp_path / "t.xlsx")
    codings = sheets["codings"]
    assert sheets.sheetnames == ["codings", "coverage", "codebook"]
    assert [[cell.value for cell in line[:2]] for line in codings.iter_rows(max_row=2)] == [
        ["unit_id", "text of the unit"],
        ["007", "=A goal."],
    ]
    assert codings["B3"].alignment.wrap_text
    assert (codings.freeze_panes, codings.auto_filter.ref) == ("A2", codings.dimensions)
    assert codings.column_dimensions["B"].width == pytest.approx(60, abs=1)
    codes = [line[2].value for line in sheets["codebook"].iter_rows(min_row=2)]
    assert codes[: len(book.variables[0].categories)] == [each.name for each in book.variables[0].categories]
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.xlsx"), table)


def test_a_long_text_is_cut_in_the_spreadsheet_copy_and_said(tmp_path):
    table = make_table([row(raw=LONG), row("8", raw="😀" * 20_000), row("9", raw="z" * MAX_CELL)])
    said = write_table(table, tmp_path / "t.xlsx")
    assert said.startswith("t.xlsx: 3 rows of 9 columns. 2 texts were cut to what a cell can hold (32,767 characters)")
    with pytest.warns(UserWarning, match="t.xlsx: 2 texts were cut when this copy was written"):
        back = read_table(tmp_path / "t.xlsx")
    assert back["raw"][0].endswith("y [... cut here: the table has 40,000 characters]")
    assert [len(text.encode("utf-16-le")) // 2 for text in back["raw"]] == pytest.approx([MAX_CELL] * 3, abs=1)
    assert back["raw"][2] == table["raw"][2]
    pd.testing.assert_frame_equal(back.drop(columns="raw"), table.drop(columns="raw"))


def test_a_key_or_a_label_is_never_cut(tmp_path):
    with pytest.raises(TableError, match=r"column 'label'.*write .csv, .jsonl or .parquet instead"):
        write_table(make_table([row(label=LONG)]), tmp_path / "t.xlsx")
    assert list(tmp_path.iterdir()) == []


@given(st.text("_x0041F5a\x07\x00\r", max_size=16))
def test_escapes_of_a_workbook_can_be_undone(text):
    from openpyxl.utils.escape import unescape

    assert unescape(escape_text(text)) == text


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_empty_table_comes_back(tmp_path, suffix):
    assert_same(make_table([]), tmp_path / f"t{suffix}")


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "t.csv"
    write_table(make_table([row()]), path)
    before = path.read_bytes()
    with pytest.raises(TableError):
        write_table(make_table([row()]).assign(why="refused"), path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("gone.csv", None, "no such file"),
        ("t.dta", "", "use .csv, .tsv, .xlsx, .json, .jsonl or .parquet"),
        ("t.csv", "", "read a file that write_table wrote"),
        ("t.csv", "id,text\n1,a\n", "'unit_id', 'coder'"),
        ("t.jsonl", '{"unit_id":"1"}\n{"coder":"a"}\n{"coder":"b"}\n', "its objects have different keys"),
        ("t.json", '[{"unit_id":"1"}, 5]', "its objects have different keys"),
        ("t.json", '[{"unit_id":"1"', "is damaged, or it is not a .json file"),
    ],
)
def test_files_that_hold_no_table(tmp_path, name, content, match):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises(TableError, match=match):
        read_table(tmp_path / name)


def test_an_unknown_suffix_is_refused_on_writing(tmp_path):
    with pytest.raises(TableError, match=r"the ending \(none\).*use .csv, .tsv, .xlsx, .json, .jsonl, .parquet"):
        write_table(make_table([row()]), tmp_path / "table")
    with pytest.raises(TableError, match=r"files with the ending .pdf"):
        write_wide(make_table([row()]), {"7": "x"}, tmp_path / "wide.pdf")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_table_is_said_whoever_is_given_it(tmp_path):
    for verb in (check_table, join_transcripts, lambda given: write_table(given, tmp_path / "t.csv")):
        with pytest.raises(TableError, match=r"it is a dict, not a frame\. To mend: give a frame of codings"):
            verb({"7": "a text"})


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    table = make_table([row()])
    monkeypatch.delattr("pyarrow.parquet", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"Writing parquet.*codebook-kit\[parquet\]"):
        write_table(table, tmp_path / "t.parquet")


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".jsonl"])
def test_texts_come_back_where_pandas_has_no_pyarrow(tmp_path, suffix):
    with pd.option_context("mode.string_storage", "python"):
        rows = [row(f"u{n}", label=text) for n, text in enumerate(HOSTILE)]
        table = make_table([*rows, row(label=None, why="failed")])
        assert table["label"].dtype.storage == "python"
        assert_same(table, tmp_path / f"t{suffix}")
        with pytest.raises(TableError, match="surrogates not allowed"):
            make_table([row(label="\ud800")])


WIDE = ["id", "quote", "label", "batch_id", "request_id", "processing_time", "error_info"]


def test_the_wide_form(tmp_path):
    table = make_table(
        [row(seconds=2.5, batch_id="b1", request_id="r1", detail=""), row("8", label=None, why="failed", detail="=500")]
    )
    units = [(Unit("7", "=cmd()"), None), (Unit("8", "a\rb"), None), (Unit("9", "not coded"), "the text is empty")]
    wide = to_wide(table, units)
    assert list(wide.columns) == WIDE
    assert wide["quote"].tolist() == ["=cmd()", "a\rb"]
    assert wide["error_info"].tolist() == ["", "failed: =500"]
    assert wide["processing_time"][0] == 2.5
    assert math.isnan(wide["processing_time"][1])
    assert write_wide(table, {"7": "x", "8": "y\r"}, tmp_path / "wide.csv") == "wide.csv: 2 rows in the wide form."
    with (tmp_path / "wide.csv").open(newline="") as file:
        assert list(csv.reader(file))[1:] == [
            ["7", "x", "sports", "b1", "r1", "2.5", ""],
            ["8", "y\r", "", "", "", "", "failed: =500"],
        ]


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".db"])
def test_the_wide_form_is_written_in_every_format_and_is_what_its_ending_says(tmp_path, suffix):
    table = make_table([row(seconds=2.5, run_id="r"), row("8", label=None, why="failed", run_id="r")])
    path = tmp_path / f"wide{suffix}"
    assert write_wide(table, {"7": "x", "8": "y"}, path).endswith(": 2 rows in the wide form.")
    wanted = [("7", "x", "sports", ""), ("8", "y", None, "failed")]
    if suffix == ".json":
        found = json.loads(path.read_text())
    elif suffix == ".db":
        with closing(sqlite3.connect(path)) as database:
            assert [name for _, name, *_, key in database.execute("PRAGMA table_info(wide)") if key] == [
                *("id", "run_id", "variable", "coder", "draw")
            ]
        found = list(open_rows(path, query="SELECT * FROM wide ORDER BY id"))
    else:
        found = list(open_rows(path))
    rows = [(line["id"], line["quote"], line["label"] or None, line["error_info"] or "") for line in found]
    assert rows == wanted


def test_codings_in_a_database_have_a_key_and_those_of_a_run_are_replaced(tmp_path):
    path, first = tmp_path / "study.sqlite", make_table([row(run_id="r"), row("8", run_id="r")])
    assert write_table(first, path) == "study.sqlite, table 'codings': 2 rows of 8 columns."
    write_table(make_table([row("9", run_id="r"), row(run_id="other")]), path)
    assert [line["unit_id"] for line in open_rows(path, query="SELECT * FROM codings ORDER BY unit_id")] == ["7", "9"]


def test_the_wide_form_names_what_there_is_more_than_one_of():
    table = make_table([row(), row(coder="ben"), row(draw=1)])
    assert list(to_wide(table, [Unit("7", "x")]).columns) == [*WIDE, "coder", "draw"]
    with pytest.raises(TableError, match="give the units of this run"):
        to_wide(table, [Unit("8", "x")])


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_large_table_is_written_quickly(tmp_path, suffix):
    n = 100_000
    units = pd.Series(range(n)).astype("str")
    table = make_table([row()]).loc[[0] * n].assign(unit_id=units.to_numpy(), custom_id=units.to_numpy())
    start = time.process_time()
    assert write_table(table, tmp_path / f"t{suffix}").startswith(f"t{suffix}: 100,000 rows")
    assert len(read_table(tmp_path / f"t{suffix}")) == n
    assert time.process_time() - start < 20


# --- formulas


FORMULAS = [
    row(unit_id="1", label="=cmd|' /C calc'!A0"),
    row(unit_id="2", label="@sum(1)", coder="+ann"),
    row(unit_id="3", label="-2"),
    row(unit_id="4", label="+1.5 %"),
    row(unit_id="5", label="\tx"),
    row(unit_id="6", label="a = b"),
]


def test_r27_formulas_in_a_csv_are_counted_and_the_safe_form_is_named(tmp_path):
    table = make_table(FORMULAS)
    said = write_table(table, tmp_path / "t.csv")
    assert "4 cells of 3 rows begin with =, +, -, @ or a tab, which a spreadsheet takes for formulas" in said
    assert "write .xlsx, or `--quote-formulas`" in said
    assert read_table(tmp_path / "t.csv").equals(table), "the record keeps every text as it is"
    for suffix in (".xlsx", ".jsonl"):
        assert "formula" not in write_table(table, tmp_path / f"t{suffix}")
    assert "formula" not in write_table(make_table([row(label="-2")]), tmp_path / "t.csv")


def test_r27_formulas_are_quoted_where_that_is_asked(tmp_path):
    assert write_table(make_table(FORMULAS), tmp_path / "t.csv", formulas="quote") == "t.csv: 6 rows of 8 columns."
    quoted = read_table(tmp_path / "t.csv")
    assert quoted["label"].tolist() == ["'=cmd|' /C calc'!A0", "'@sum(1)", "-2", "+1.5 %", "'\tx", "a = b"]
    assert quoted["coder"].tolist()[1] == "'+ann"
    with pytest.raises(TableError, match="use 'keep' or 'quote'"):
        write_table(quoted, tmp_path / "t.csv", formulas="run")


def test_r27_the_wide_form_says_it_and_quotes_too(tmp_path):
    table, texts = make_table([row(unit_id="1"), row(unit_id="2")]), {"1": "=1+1", "2": "coal"}
    assert "1 cell of 1 row begins with" in write_wide(table, texts, tmp_path / "wide.csv")
    assert "formula" not in write_wide(table, texts, tmp_path / "wide.csv", formulas="quote")
    assert '"\'=1+1"' in (tmp_path / "wide.csv").read_text()
    assert "formula" not in write_wide(table, texts, tmp_path / "wide.xlsx")


@pytest.mark.slow
def test_r13_a_workbook_on_a_full_disk_leaves_one_error_and_no_noise(tmp_path, monkeypatch):
    noise = []
    monkeypatch.setattr("sys.unraisablehook", noise.append)
    table = make_table([row(unit_id=str(number), label=f"label {number}") for number in range(50)])
    write_table(table, tmp_path / "t.xlsx")
    before = (tmp_path / "t.xlsx").read_bytes()
    for room in (0, 10, 500, 2_000, 4_000):
        monkeypatch.setattr("codebook.codings.sheets.write_atomic", full_disk(room))
        with pytest.raises(OSError, match="No space left"):
            write_table(table, tmp_path / "t.xlsx")
        gc.collect()
    assert noise == []
    assert (tmp_path / "t.xlsx").read_bytes() == before


def full_disk(room: int):
    """`write_atomic` on a disk that takes so many bytes."""

    class Full(io.FileIO):
        def write(self, data):
            if self.tell() + len(data) > room:
                raise OSError(errno.ENOSPC, "No space left on device")
            return super().write(data)

    @contextmanager
    def write(path: Path):
        with Full(path.with_name(".part"), "w+") as file:
            yield file

    return write


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_r13_a_damaged_table_is_told_in_words(tmp_path, suffix):
    path, dice = tmp_path / f"t{suffix}", random.Random(13)
    write_table(make_table([row(unit_id=str(number)) for number in range(20)]), path)
    whole, refused = path.read_bytes(), 0
    for _ in range(40):
        start = dice.randrange(len(whole))
        path.write_bytes(whole[:start] + dice.randbytes(dice.choice((0, 1, 20))) + whole[start + 9 :])
        with suppress(CodebookError):
            read_table(path)
            continue
        refused += 1
    assert refused


def test_columns_are_a_row_a_unit_with_sets_as_zeros_and_ones(tmp_path):
    book = Codebook.model_validate(
        {
            "name": "town",
            "unit": "a text",
            "variables": [
                {"name": "topic", "question": "?", "kind": "single", "level": "nominal", "categories": ["a", "b"]},
                {"name": "themes", "question": "?", "kind": "multi", "level": "nominal", "categories": ["x", "y"]},
            ],
        }
    )
    rows = [
        {"unit_id": "007", "coder": "ann", "variable": "topic", "label": "a"},
        {"unit_id": "007", "coder": "ben", "variable": "themes", "label": '["y"]'},
        {"unit_id": "8", "coder": "ben", "variable": "themes", "label": "[]"},
        {"unit_id": "8", "coder": "ann", "variable": "topic", "label": None, "why": "absent"},
        {"unit_id": "8", "coder": "ann", "variable": "topic", "label": "b", "draw": 1},
    ]
    codings = Codings(make_table(rows, book), book.variables)
    words = write_columns(codings, tmp_path / "labels.csv")
    assert words == "labels.csv: 2 rows (one per unit), 5 columns of labels."
    read = pd.read_csv(tmp_path / "labels.csv", dtype=str, keep_default_na=False).to_dict("list")
    assert read == {
        "unit_id": ["007", "8"],
        "topic.ann.0": ["a", ""],
        "topic.ann.0.why": ["", "absent"],
        "topic.ann.1": ["", "b"],
        "themes.ben.0.x": ["0", "0"],
        "themes.ben.0.y": ["1", "0"],
    }
    with pytest.raises(TableError, match="give a file"):
        write_columns(codings, tmp_path / "labels.db")
