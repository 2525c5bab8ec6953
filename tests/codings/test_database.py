"""Frames in a real database: one transaction, nothing twice, nothing half, in a file and at an address."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from codebook.codings import KeyedTable, make_table, units_table, write_database
from codebook.errors import MissingExtraError, TableError
from codebook.records import Unit

KEY = ["unit_id", "coder", "variable", "draw", "list", "n"]


def make_records(*rows: tuple[str, int, str], run: str = "r1", coder: str = "m", **more: Any) -> KeyedTable:
    frame = pd.DataFrame(
        {
            **{"unit_id": [row[0] for row in rows], "coder": coder, "variable": "entities", "draw": 0, "run_id": run},
            **{"list": "entities", "n": [row[1] for row in rows], "mention": [row[2] for row in rows]},
            **more,
        }
    )
    frame = frame.assign(start=pd.array([len(row[2]) if row[2] else None for row in rows], dtype="Int64"), score=0.5)
    return KeyedTable("entities", frame, KEY, KEY[:-1], [run])


@pytest.fixture(params=["file", "address"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    path = tmp_path / "deep" / "study.db"
    if request.param == "file":
        return str(path)
    pytest.importorskip("sqlalchemy")
    path.parent.mkdir()
    return f"sqlite:///{path}"


@pytest.fixture
def ask(where: str) -> Callable[[str], list[Any]]:
    def asked(sql: str) -> list[Any]:
        with closing(sqlite3.connect(where.removeprefix("sqlite:///"))) as database:
            return database.execute(sql).fetchall()

    return asked


ANN, BEN, CAT = ("7", 1, "Ann"), ("7", 2, "Ben"), ("9", 1, "Cat")
ALL = "SELECT unit_id, n, mention FROM entities ORDER BY run_id, unit_id, n"


def test_written_twice_nothing_doubles(where: str, ask: Callable[[str], list[Any]]) -> None:
    units = units_table([Unit("7", "x"), Unit("g", "x y", members=(("9", 0), ("10", 2)))])
    for _ in range(2):
        assert write_database(where, make_records(ANN, BEN, CAT), units) == {"entities": 3, "units": 3}
    assert ask(ALL) == [ANN, BEN, CAT]
    assert ask("SELECT * FROM units ORDER BY unit_id, start") == [("7", "7", 0), ("g", "9", 0), ("g", "10", 2)]
    assert ask("SELECT typeof(start), typeof(score), typeof(mention) FROM entities LIMIT 1") == [
        ("integer", "real", "text")
    ]


def test_what_a_run_no_longer_has_goes(where: str, ask: Callable[[str], list[Any]]) -> None:
    write_database(where, make_records(ANN, BEN, CAT))
    write_database(where, make_records(ANN))
    assert ask(ALL) == [ANN]
    write_database(where, make_records())  # every unit answered with an empty list
    assert ask(ALL) == []


def test_other_runs_stay_and_the_same_coding_is_there_once(where: str, ask: Callable[[str], list[Any]]) -> None:
    write_database(where, make_records(ANN, BEN, run="pilot"))
    write_database(where, make_records(CAT, run="other", coder="k"))
    write_database(where, make_records(ANN, CAT, run="whole"))  # unit 7 has one record now
    assert ask("SELECT run_id, mention FROM entities ORDER BY run_id, mention") == [
        ("other", "Cat"),
        ("whole", "Ann"),
        ("whole", "Cat"),
    ]


def test_members_of_a_unit_are_replaced_together_and_other_units_stay(
    where: str, ask: Callable[[str], list[Any]]
) -> None:
    for members in ((("9", 0), ("10", 2)), (("9", 0),)):
        write_database(where, units_table([Unit("g", "x y", members=members), Unit("7", "x")]))
    write_database(where, units_table([Unit("8", "x")]))
    assert ask("SELECT unit_id, member FROM units ORDER BY unit_id") == [("7", "7"), ("8", "8"), ("g", "9")]


def test_a_new_column_is_added_and_missing_values_are_null(where: str, ask: Callable[[str], list[Any]]) -> None:
    write_database(where, make_records(ANN))
    write_database(where, make_records(CAT, ("9", 2, ""), run="r2", coder="k", **{"entity id": "e1", "sure": True}))
    assert ask('SELECT "entity id", sure, start FROM entities ORDER BY coder, n') == [
        ("e1", 1, 3),
        ("e1", 1, None),
        (None, None, 3),
    ]


def test_nothing_is_half_written(where: str, ask: Callable[[str], list[Any]]) -> None:
    write_database(where, make_records(ANN), KeyedTable("other", pd.DataFrame({"id": [1]}), ["id"]))
    before = ask("SELECT name, sql FROM sqlite_master ORDER BY name")
    fresh = replace(make_records(CAT), name="fresh")
    # refused by the table that is there, after a new table and entities were written
    other = KeyedTable("other", pd.DataFrame({"id": [2], "more": [3]}), ["id", "more"])
    with pytest.raises(TableError, match="exists with another key"):
        write_database(where, fresh, make_records(BEN), other)
    assert ask(ALL) == [ANN]
    assert ask("SELECT name, sql FROM sqlite_master ORDER BY name") == before


@pytest.mark.parametrize(
    ("frame", "key", "mend"),
    [
        (pd.DataFrame({"a": [1]}), [], "name them: KeyedTable"),
        (pd.DataFrame({"a": [1]}), ["b"], "use some of a"),
        (pd.DataFrame({"a": [1, 1]}), ["a"], r"1 row repeats the key \(a\), such as 1"),
        (pd.DataFrame({"a": [1, None]}), ["a"], "has empty cells"),
        (pd.DataFrame({"a": [1], "A": [1]}), ["a"], "two columns have the same name"),
    ],
)
def test_a_frame_that_is_no_table_is_refused_before_the_file_is_opened(
    frame: pd.DataFrame, key: list[str], mend: str, tmp_path: Path
) -> None:
    with pytest.raises(TableError, match=mend):
        write_database(tmp_path / "study.db", KeyedTable("t", frame, key))
    assert not (tmp_path / "study.db").exists()


@pytest.mark.parametrize("given", [pd.DataFrame({"a": [1]}), {"a": 1}, make_table([])])
def test_what_has_no_key_is_refused_in_a_sentence(given: Any, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"table 2 of those given.*does not say which columns identify a row"):
        write_database(tmp_path / "study.db", make_records(ANN), given)
    assert not (tmp_path / "study.db").exists()


def test_names_are_names_whatever_they_hold(where: str, ask: Callable[[str], list[Any]]) -> None:
    name = 'x"; DROP TABLE entities; --'
    frame = pd.DataFrame({"it's": [1], 'a "b"': ["x'; --"]})
    write_database(where, make_records(ANN))
    write_database(where, KeyedTable(name, frame, ["it's"]))
    assert ask(ALL) == [ANN]
    assert ask("SELECT count(*) FROM sqlite_master WHERE type = 'table'") == [(2,)]


def test_a_file_that_is_no_database_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("no database " * 100)
    with pytest.raises(TableError, match="nothing was changed"):
        write_database(path, make_records(ANN))
    assert path.read_text() == "no database " * 100


def test_a_password_is_not_shown() -> None:
    pytest.importorskip("sqlalchemy")
    for address in ("nosuch://me:hunter2@127.0.0.1/x", "not a url :// hunter2"):
        with pytest.raises(TableError) as caught:
            write_database(address, make_records(ANN))
        assert "hunter2" not in str(caught.value)


def test_without_sqlalchemy_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(MissingExtraError, match=r"codebook-kit\[database\]"):
        write_database("sqlite:///x.db", make_records(ANN))
