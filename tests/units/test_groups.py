"""Groups of texts as units: ids and places are kept, nothing is cut, and a file out of order is grouped too."""

from __future__ import annotations

from pathlib import Path

import pytest

from codebook.errors import UnitsError
from codebook.material.unit_store import find_member, iter_units, write_units
from codebook.records import Unit
from codebook.units import check_units, read_units
from codebook.units.groups import group_units, join_texts

ROWS = """id,thread,by,text
1,a,Ann,Coal is cheap.
2,b,Ben,Coal is dirty.
3,a,Cat,"Is it 😀?"
4,a,Ann,
5,b,Ben,No.
6,c,," "
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "posts.csv"
    file.write_text(ROWS, encoding="utf-8")
    return file


def group(path: Path, column: str = "thread", max_chars: int = 1000, **options: str):
    texts = read_units(path, id_column="id", text_column="text", context_columns=["by"], max_chars=max_chars)
    return group_units(texts, column, **options)


def test_texts_of_a_group_are_one_unit_with_their_ids(path: Path) -> None:
    units = {unit.unit_id: (unit, skip) for unit, skip in group(path).with_skips()}
    assert list(units) == ["a", "b", "c"]
    first, skip = units["a"]
    assert (first.text, skip) == ("Coal is cheap.\n\nIs it 😀?\n\n", None)
    assert first.members == (("1", 0), ("3", 16), ("4", 26))
    assert first.context == {"by": "Ann; Cat"}
    assert units["c"] == (Unit("c", " ", {"by": ""}, members=(("6", 0),)), "the text is empty")
    assert list(group(path)) == list(group(path))


def test_every_member_is_found_at_its_place(path: Path) -> None:
    for unit in group(path, separator=" / "):
        texts = {row["id"]: row["text"] for row in read_units(path, id_column="id", text_column="text").rows}
        for name, place in unit.members:
            assert unit.text[place : place + len(texts[name])] == texts[name]
            assert not texts[name] or find_member(unit.members, place) == name
    assert find_member((("1", 0),), -1) == ""


def test_a_long_group_is_kept_and_not_asked(path: Path) -> None:
    found = {unit.unit_id: skip for unit, skip in group(path, max_chars=20).with_skips()}
    assert found["a"] == "the text has 26 characters, more than max_chars = 20"
    assert found["b"] is None


def test_a_long_group_is_split_between_texts_where_asked(path: Path) -> None:
    found = {unit.unit_id: (unit, skip) for unit, skip in group(path, max_chars=14, long_groups="split").with_skips()}
    assert list(found) == ["a.1", "a.2", "b.1", "b.2", "c"]
    assert [name for name, _ in found["a.2"][0].members] == ["3", "4"]
    assert found["a.2"][0].members[1] == ("4", 10)
    narrow = {unit.unit_id: skip for unit, skip in group(path, max_chars=10, long_groups="split").with_skips()}
    assert narrow["a.1"] == "the text has 14 characters, more than max_chars = 10"  # a text is never cut
    assert narrow["a.2"] is None


def test_groups_go_through_the_files_of_a_run(path: Path, tmp_path: Path) -> None:
    kept = tmp_path / "units.jsonl"
    write_units(kept, group(path).with_skips())
    assert list(iter_units(kept)) == list(group(path).with_skips())


def test_the_report_shows_what_is_wrong_with_texts_and_groups(path: Path) -> None:
    said = str(check_units(group(path, max_chars=20)))
    assert "texts with the same 'thread' are one unit" in said
    assert "NOT SENT  the text has 26 characters" in said
    assert "NOT SENT  the text is empty: 1 (c)" in said
    path.write_text(ROWS + "7,,Ann,Alone.\n", encoding="utf-8")
    with pytest.raises(UnitsError, match="'thread' is empty"):
        list(group(path))
    with pytest.raises(UnitsError, match="name the group of every text"):
        check_units(group(path)).raise_errors()
    path.write_text(ROWS + "1,a,Ann,Again.\n", encoding="utf-8")
    assert "ERROR     duplicate id: 1 (1)" in str(check_units(group(path)))


def test_a_wrong_request_names_the_mend(path: Path) -> None:
    with pytest.raises(UnitsError, match="did you mean 'thread'"):
        group(path, "Thread")
    with pytest.raises(UnitsError, match="write one of skip, split"):
        group(path, long_groups="cut")
    texts = read_units(path, id_column="id", text_column="text")
    assert group_units(texts, "") is texts


def test_only_groups_that_are_not_complete_are_held(tmp_path: Path) -> None:
    file = tmp_path / "many.csv"
    file.write_text("id,g,text\n" + "".join(f"{n},g{n // 2},text {n}\n" for n in range(2000)))
    source = group_units(read_units(file, id_column="id", text_column="text"), "g")
    stream = source.with_skips()
    first = next(stream)[0]
    assert first == join_texts("g0", [Unit("0", "text 0"), Unit("1", "text 1")], "\n\n")
    assert sum(1 for _ in stream) == 999
