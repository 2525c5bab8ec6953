"""Rows of an SQLite file: one SELECT is asked, nothing is changed, and what is refused is said in words."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from commands import Command
from fakes.scripted import BOOK

import codebook as cb
from codebook.errors import UnitsError
from codebook.files.tables import open_rows
from codebook.units import check_units, open_units, read_form

SELECT = "SELECT id, body AS text, party FROM speeches WHERE party = 'a: b' -- # all"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = tmp_path / "my speeches?.db"
    with closing(sqlite3.connect(place)) as database, database:
        database.execute("CREATE TABLE speeches (id INTEGER PRIMARY KEY, body TEXT, party TEXT, audio BLOB)")
        rows = [(1, "Coal is cheap — über alles.", "a: b", b"x"), (2, None, "a: b", b""), (3, "Sports", "c", b"")]
        database.executemany("INSERT INTO speeches VALUES (?, ?, ?, ?)", rows)
        database.execute("CREATE VIEW short AS SELECT id FROM speeches")
    return place


def test_the_rows_of_a_query_are_units(path: Path) -> None:
    units = open_units(path, id_column="id", text_column="text", context_columns=["party"], form=[f"query: {SELECT}"])
    found = [(unit.unit_id, unit.text, dict(unit.context), skip) for unit, skip in units.with_skips()]
    assert found[0] == ("1", "Coal is cheap — über alles.", {"party": "a: b"}, None)
    assert found[1] == ("2", "", {"party": "a: b"}, "the text is empty")
    assert len(found) == 2
    assert units.describe()["query"] == SELECT
    assert check_units(units).n_send == 1
    groups = open_units(path, id_column="id", text_column="text", form=[f"query: {SELECT}", "group_column: party"])
    assert [(unit.unit_id, [name for name, _ in unit.members]) for unit in groups] == [("a: b", ["1", "2"])]


def test_a_query_is_taken_as_it_is_written() -> None:
    assert read_form([f"query: {SELECT}", "max_chars: 20"]) == {"query": SELECT, "max_chars": 20}
    assert read_form(['query: "SELECT 1"']) == {"query": "SELECT 1"}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", r"its tables are short, speeches\. To mend: .*query: SELECT id, text FROM short"),
        ("SELECT * FROM speech", r"no such table: speech\. To mend: correct the query; the tables are short, speeches"),
        ("SELEKT 1", "syntax error"),
        ("DELETE FROM speeches", "the database can only be read. To mend: write one SELECT"),
        ("SELECT 1; DROP TABLE speeches", "one statement at a time: the database can only be read"),
        ("ATTACH DATABASE 'other.db' AS other", "the database can only be read"),
        ("PRAGMA writable_schema = 1", "the database can only be read"),
        ("WITH old AS (SELECT 1) INSERT INTO speeches (body) SELECT * FROM old", "the database can only be read"),
        ("SELECT load_extension('x')", "the database can only be read|no such function"),
        ("SELECT id, id FROM speeches", "two columns are named 'id'"),
    ],
)
def test_what_is_no_select_is_refused_and_nothing_is_changed(path: Path, query: str, said: str) -> None:
    before = path.read_bytes()
    with pytest.raises(UnitsError, match=said):
        open_rows(path, query=query)
    assert path.read_bytes() == before
    assert sorted(place.name for place in path.parent.iterdir()) == [path.name]


def test_bytes_and_other_files_are_said(path: Path, tmp_path: Path) -> None:
    with pytest.raises(UnitsError, match="row 1: a cell holds bytes instead of text"):
        list(open_rows(path, query="SELECT * FROM speeches"))
    (tmp_path / "text.sqlite").write_text("id,text")
    with pytest.raises(UnitsError, match="it is not an SQLite file"):
        open_rows(tmp_path / "text.sqlite", query="SELECT 1")
    (tmp_path / "a.csv").write_text("id,text")
    with pytest.raises(UnitsError, match=r"not possible for a file that ends in .csv"):
        open_rows(tmp_path / "a.csv", query="SELECT 1")
    path.write_bytes(path.read_bytes()[:4096] + bytes(4096))
    with pytest.raises(UnitsError, match=r"it is damaged|malformed"):
        list(open_rows(path, query="SELECT * FROM speeches"))


def test_check_and_plan_take_a_query(path: Path, project: Path, command: Command) -> None:
    (project / "codebook.yaml").write_text(BOOK)
    given = ("--units", str(path), "--form", f"query={SELECT}")
    checked = command("check", *given)
    assert checked.exit_code == 0, checked.output
    assert "2 rows read; 1 unit to send" in checked.output
    planned = command("plan", "--run", "sql", *given)
    assert planned.exit_code == 0, planned.output
    refused = command("check", "--units", str(path))
    assert refused.exit_code == 1
    assert '--form "query=SELECT id, text FROM short"' in refused.output
    (project / "study.yaml").write_text(yaml.safe_dump({"study": "s", "units": str(path), "form": {"query": SELECT}}))
    assert len(list(cb.open_study(id_column="id", text_column="text").open_units().with_skips())) == 2
