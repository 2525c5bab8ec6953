"""Workbooks of coders: handed out, filled in, spoilt in every way that people spoil them, and read back."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from codebook.coding import read_workbook, write_workbooks
from codebook.coding.assigning import Design
from codebook.coding.assignments import assign, write_assignment
from codebook.coding.coding_log import log_path, read_acts
from codebook.coding.session_opening import open_session
from codebook.errors import BusyError, ParameterError, TableError
from codebook.records import Unit
from codebook.scheme import parse_codebook

BOOK = """
name: coal
unit: a post
instructions: "Read it twice.\\nDo not guess."
variables:
  - name: topic
    question: "What is it about?"
    kind: single
    level: nominal
    categories:
      - name: "Jobs, wages"
        definition: "=1+1"
        include: [pay]
        exclude: [strikes]
        examples: [{text: "We earn.", why: "pay"}]
      - {name: health, definition: "Bodies."}
    abstain: [unclear]
  - {name: stance, question: "For coal?", kind: rating, level: ordinal, categories: ["-1", "0", "1"]}
  - {name: frames, question: "Which frames?", kind: multi, level: nominal, categories: [law, money], abstain: [unclear]}
"""
TEXTS = {
    "007": "We earn enough.",
    "008": '=HYPERLINK("http://x.invalid","a")',
    "1-2": "https://x.invalid is a link",
    "a": "حكومة جديدة",
    "b": "bell\x07 and _x0041_",
    "c": "two\r\nlines  ",
    "d": "<b>bold</b> & 😀",
    "e": "-2",
    "f": "+49 \ufeff@SUM(A1)",
    "g": "政府は新しい法律を可決した",
}
UNITS = [Unit(name, text, {"speaker": f"={name}"}) for name, text in TEXTS.items()]


@pytest.fixture
def place(project: Path) -> Path:
    """A coding folder: ann and ben have all ten units."""
    write_assignment(assign(UNITS, ["ann", "ben"]), parse_codebook(BOOK), UNITS, folder="coding", study="coal")
    return project / "coding"


def hand_out(place: Path, coder: str = "ann") -> Path:
    (path,) = write_workbooks(coder, place).paths
    return path


def find(sheet: Any, unit: str, head: str) -> Any:
    """The cell of a unit and column."""
    columns = {cell.value: cell.column for cell in sheet[2]}
    rows = {cell.value: cell.row for cell in sheet["A"]}
    return sheet.cell(rows[unit], columns[head])


def fill(path: Path, cells: dict[tuple[str, str], Any]) -> None:
    """Fill in cells by unit and column, as a person does."""
    book = load_workbook(path)
    for (unit, head), value in cells.items():
        find(book["coding"], unit, head).value = value
    book.save(path)


def acts_of(place: Path, coder: str = "ann") -> list[Any]:
    return [act for act in read_acts(log_path(place, coder))[0] if act["act"] != "open"]


WHOLE = {
    ("007", "topic"): "Jobs, wages",
    ("007", "stance"): "1",
    ("007", "frames: law"): "x",
    ("007", "frames: money"): "X ",
    ("008", "topic"): "unclear",
    ("008", "stance"): -1,
    ("008", "frames: (none of these)"): "x",
    ("1-2", "your note"): "=no formula",
    ("1-2", "flag"): "x",
    ("a", "skip, because"): "I cannot read it",
    ("b", "topic"): "health",
}


def test_what_a_coder_fills_in_comes_back_to_the_cell(place):
    path = hand_out(place)
    fill(path, {cell: value for cell, value in WHOLE.items() if cell[1] != "your note"})
    returned = read_workbook(path, place)
    assert returned.coder == "ann"
    assert returned.n_units == 5
    labels = {(act["unit"], act["variable"]): act["label"] for act in acts_of(place) if act["act"] == "label"}
    assert labels == {
        ("007", "topic"): "Jobs, wages",
        ("007", "stance"): "1",
        ("007", "frames"): ["law", "money"],
        ("008", "topic"): "unclear",
        ("008", "stance"): "-1",
        ("008", "frames"): [],
        ("b", "topic"): "health",
    }
    source = {act["source"]["sha256"] for act in acts_of(place)}
    assert len(source) == 1
    with open_session("ann", place) as session:
        assert session.progress() | {"minutes": 0} == session.progress()
        assert [session.progress()[name] for name in ("done", "left", "flagged", "skipped")] == [2, 7, 1, 1]


def test_texts_are_the_same_texts_and_never_formulas_or_links(place):
    path = hand_out(place)
    for book in (load_workbook(path), load_workbook(resave(path))):
        sheet = book["coding"]
        cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
        assert {cell.data_type for cell in cells} == {"s"}
        assert not [cell for cell in cells if cell.hyperlink]
        assert find(sheet, "008", "text of the unit").value == TEXTS["008"]
        assert {cell.value for cell in sheet["A"][2:]} == TEXTS.keys()
        assert all(cell.number_format == "@" for cell in sheet["A"][2:])
    assert not read_workbook(path, place).remarks


def resave(path: Path) -> Path:
    """The workbook as openpyxl saves it."""
    again = path.with_name("again.xlsx")
    load_workbook(path).save(again)
    return again


def test_texts_are_locked_answers_are_free_and_codes_are_chosen_from_lists(place):
    book = load_workbook(hand_out(place))
    sheet = book["coding"]
    assert all(book[name].protection.sheet and not book[name].protection.password for name in book.sheetnames)
    heads = [cell.value for cell in sheet[2]]
    locked = [sheet.cell(3, at).protection.locked for at, _ in enumerate(heads, start=1)]
    assert [head for head, lock in zip(heads, locked, strict=True) if lock] == [
        "unit id",
        "(speaker)",
        "text of the unit",
    ]
    assert all(cell.protection.locked for row in book["codebook"].iter_rows() for cell in row)
    lists = {str(rule.sqref): rule.formula1 for rule in sheet.data_validations.dataValidation}
    assert lists["D3:D12"] == "codebook!$C$2:$C$4"
    codes = [[book["codebook"].cell(row, 3).value for row in rows] for rows in (range(2, 5), range(5, 8))]
    assert codes == [["Jobs, wages", "health", "unclear"], ["-1", "0", "1"]]
    assert lists["F3:F12"] == '"x"'
    assert (sheet.freeze_panes, book["about"].sheet_state) == ("B3", "veryHidden")
    words = " ".join(str(cell.value) for cell in book["instructions"]["A"])
    assert "Read it twice." in words
    assert "(none of these)" in words


def test_reading_twice_changes_nothing_and_a_change_adds_only_itself(place):
    path = hand_out(place)
    fill(path, WHOLE | {("1-2", "your note"): "hm"})
    read_workbook(path, place)
    log = log_path(place, "ann").read_bytes()
    assert repr(read_workbook(path, place)) == (
        "coal.ann.xlsx: 5 units filled in by ann; nothing has changed since it was read."
    )
    assert log_path(place, "ann").read_bytes() == log
    renamed = path.rename(path.with_name("ann final (2).xlsx"))
    assert not read_workbook(renamed, place).changes
    fill(renamed, {("b", "topic"): "unclear", ("d", "topic"): "health"})
    again = read_workbook(renamed, place)
    assert sorted(map(str, again.changes)) == ["b: topic unclear, was health", "d: topic health"]
    assert log_path(place, "ann").read_bytes().startswith(log)


def test_an_emptied_cell_takes_its_answer_back_only_when_that_is_wished(place):
    path = hand_out(place)
    fill(path, {("b", "topic"): "health", ("c", "flag"): "x"})
    read_workbook(path, place)
    fill(path, {("b", "topic"): None, ("c", "flag"): None})
    with pytest.raises(TableError, match="take answers back") as caught:
        read_workbook(path, place)
    assert len(caught.value.faults) == 2
    assert len(read_workbook(path, place, take_back=True).changes) == 2
    with open_session("ann", place) as session:
        assert session.progress()["flagged"] == 0
        assert session.progress()["left"] == 10


def test_an_older_state_of_a_workbook_is_not_read_over_a_later_one(place):
    path = hand_out(place)
    fill(path, {("b", "topic"): "health"})
    older = shutil.copy(path, path.with_name("older.xlsx"))
    read_workbook(path, place)
    fill(path, {("b", "topic"): "unclear"})
    read_workbook(path, place)
    with pytest.raises(TableError, match="read the latest version"):
        read_workbook(older, place)


def test_what_was_coded_in_the_form_is_not_handed_out_and_not_taken_back(place):
    with open_session("ann", place) as session:
        first = session.unit.unit_id
        for variable, label in (("topic", "health"), ("stance", "0"), ("frames", [])):
            session.label(label, variable)
        second = session.unit.unit_id
        session.label("health", "topic")
    path = hand_out(place)
    units = {cell.value for cell in load_workbook(path)["coding"]["A"][2:]}
    assert units == TEXTS.keys() - {first}
    fill(path, {(second, "topic"): "unclear"})
    returned = read_workbook(path, place)
    assert list(map(str, returned.changes)) == [f"{second}: topic unclear, was health"]
    assert "given differently elsewhere" in returned.remarks[-1]


def test_while_a_form_is_open_nothing_is_read(place):
    path = hand_out(place)
    fill(path, {("b", "topic"): "health"})
    with open_session("ann", place), pytest.raises(BusyError, match="close the coding form"):
        read_workbook(path, place)


# -- fifteen ways to spoil it, and more ------------------------------------------------------------------------------


def put(unit: str, head: str, value: Any) -> Callable[[Any], None]:
    def spoil(book: Any) -> None:
        find(book["coding"], unit, head).value = value

    return spoil


def double_row(book: Any) -> None:
    book["coding"].append([cell.value for cell in book["coding"][4]])


def add_row(book: Any) -> None:
    book["coding"].append(["x99", "", "A text of my own."])


def merge(book: Any) -> None:
    book["coding"].merge_cells("D5:D6")


def rename_column(book: Any) -> None:
    book["coding"]["D2"].value = "Topics"


def delete_column(book: Any) -> None:
    book["coding"].delete_cols(4)


def rename_sheet(book: Any) -> None:
    book["coding"].title = "Tabelle1"


def delete_about(book: Any) -> None:
    del book["about"]


def delete_head(book: Any) -> None:
    book["coding"].delete_rows(1, 2)


def sort_ids_alone(book: Any) -> None:
    sheet = book["coding"]
    names = [cell.value for cell in sheet["A"][2:]]
    for row, name in enumerate(sorted(names, reverse=True), start=3):
        sheet.cell(row, 1).value = name


def copy_sheet_of_ben(book: Any) -> None:
    book["coding"]["A1"].value = "coder: ben"


def mark_two(book: Any) -> None:
    put("d", "frames: (none of these)", "x")(book)
    put("d", "frames: law", "x")(book)


def skip_a_coded_one(book: Any) -> None:
    for head, value in {"topic": "health", "stance": "0", "frames: law": "x", "skip, because": "hard"}.items():
        put("d", head, value)(book)


SPOILT = {
    "another case": (put("b", "topic", "Health"), "did you mean 'health'"),
    "free text": (put("b", "topic", "helth"), "did you mean 'health'"),
    "some words": (put("b", "topic", "no idea, sorry"), "choose one of Jobs, wages, health, unclear"),
    "a date": (put("b", "stance", date(2026, 1, 2)), "into the date 2026-01-02"),
    "a formula": (put("b", "topic", '=IF(1,"health","")'), "the cell contains a formula"),
    "a formula in the text": (put("b", "text of the unit", "=A1"), "the cell contains a formula"),
    "a truth value": (put("b", "topic", True), "it is the logical value TRUE"),
    "an error": (put("b", "topic", "#NAME?"), "the spreadsheet shows an error"),
    "a number that is not a code": (put("b", "stance", 7), "'7' is not a code of this column"),
    "two marks": (mark_two, "'(none of these)' is marked together with other codes"),
    "no mark": (put("b", "frames: law", "yes"), "'yes' is not a valid mark"),
    "skipped and coded": (skip_a_coded_one, "is both skipped and coded"),
    "a deleted id": (put("b", "unit id", None), "write 'b' there, as text"),
    "an id with lost zeros": (put("007", "unit id", 7), "write '007' there, as text"),
    "an id turned to a date": (put("1-2", "unit id", date(2026, 2, 1)), "into the date 2026-02-01"),
    "a doubled row": (double_row, "is there and also in row 4"),
    "an added row": (add_row, "'x99' is not a unit of this workbook"),
    "an edited text": (put("b", "text of the unit", "bell"), "the text was edited"),
    "ids sorted alone": (sort_ids_alone, "undo the sorting, and sort whole rows only"),
    "merged cells": (merge, "cells D5:D6: they are merged"),
    "a renamed column": (rename_column, "there is no column 'topic', but one called 'Topics'"),
    "a deleted column": (delete_column, "there is no column 'topic'. To mend: copy the column"),
    "no head": (delete_head, "no column is named 'unit id'"),
    "a renamed sheet": (rename_sheet, "rename the sheet with the answers to 'coding'"),
    "no hidden sheet": (delete_about, "the hidden sheet 'about' is missing"),
    "the sheet of another coder": (copy_sheet_of_ben, "the sheet of 'ben' is in the workbook of 'ann'"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_workbook_is_refused_with_the_cell_and_the_mend(name, place):
    spoil, words = SPOILT[name]
    path = hand_out(place)
    book = load_workbook(path)
    put("g", "topic", "health")(book)
    spoil(book)
    book.save(path)
    with pytest.raises(TableError) as caught:
        read_workbook(path, place)
    assert words in str(caught.value)
    assert "To mend: " in str(caught.value)
    assert not log_path(place, "ann").exists()


def test_all_faults_are_told_at_once_and_the_same_one_once(place):
    path = hand_out(place)
    fill(path, {(name, "topic"): "Health" for name in TEXTS} | {("a", "stance"): 7, ("b", "flag"): "!"})
    with pytest.raises(TableError) as caught:
        read_workbook(path, place)
    assert len(caught.value.faults) == 3
    assert "and 2 more cells: 'Health' is not a code" in str(caught.value)


def test_sorted_hidden_and_deleted_rows_and_foreign_columns_are_told_and_taken_by_id(place):
    path = hand_out(place)
    fill(path, {("007", "topic"): "health", ("e", "topic"): "unclear", ("g", "topic"): "\u00a0health "})
    book = load_workbook(path)
    sheet = book["coding"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=3)]
    rows = sorted((row for row in rows if row[0] != "d"), key=lambda row: row[2])
    sheet.delete_rows(3, 20)
    for row in rows:
        sheet.append(row)
    sheet.row_dimensions[5].hidden = True
    sheet.cell(2, 20).value = "mine"
    sheet.cell(3, 20).value = "a thought"
    book.create_sheet("Tabelle2")["A1"] = "scribbles"
    book.save(path)
    returned = read_workbook(path, place)
    assert {str(change) for change in returned.changes} == {"007: topic health", "e: topic unclear", "g: topic health"}
    told = "\n".join(returned.remarks)
    for words in (
        r"'\xa0health ' was read as 'health' (the two differ by blanks)",
        "1 of 10 units no longer have a row (first: 'd')",
        "1 row is hidden",
        "The column 'mine' was added by hand",
        "The sheet 'Tabelle2' was not read",
    ):
        assert words in told


def test_ids_that_became_numbers_meet_where_nothing_was_lost(project):
    units = [Unit("1523", "One."), Unit("1524", "Two.")]
    write_assignment(assign(units, ["ann"]), parse_codebook(BOOK), units, study="coal")
    path = hand_out(project / "coding")
    book = load_workbook(path)
    find(book["coding"], "1523", "topic").value = "health"
    for cell in book["coding"]["A"][2:]:
        cell.value = int(cell.value)
    book.save(path)
    returned = read_workbook(path)
    assert list(map(str, returned.changes)) == ["1523: topic health"]
    assert "The spreadsheet turned ids into numbers" in returned.remarks[0]


def test_another_coders_workbook_and_one_of_nobody_are_refused(place, tmp_path):
    path = hand_out(place)
    with pytest.raises(TableError, match="it belongs to 'ann', not to 'ben'"):
        read_workbook(path, place, coder="ben")
    kept = shutil.copy(path, tmp_path / "ann.xlsx")
    shutil.rmtree(place)
    write_assignment(assign(UNITS, ["ben"]), parse_codebook(BOOK), UNITS, folder=place)
    with pytest.raises(TableError, match="no units are assigned to 'ann'"):
        read_workbook(kept, place)


def test_an_old_codebook_is_refused_unless_its_answers_are_wanted_and_then_they_are_for_recoding(place, project):
    path = hand_out(place)
    fill(path, {("b", "topic"): "health", ("b", "stance"): "0", ("b", "frames: law"): "x"})
    book = place / "codebook.yaml"
    book.write_text(book.read_text().replace("Bodies.", "Bodies and minds."))
    with pytest.raises(TableError, match="variable 'topic': the workbook uses an older definition"):
        read_workbook(path, place)
    returned = read_workbook(path, place, old_definitions=True)
    assert "given under an older definition" in returned.remarks[0]
    with open_session("ann", place) as session:
        assert session.progress()["recode"] == 1


def test_units_that_were_taken_from_the_coder_are_refused(place):
    path = hand_out(place)
    fill(path, {("b", "topic"): "health"})
    for name in ("assignment.csv", "assignment.json"):
        (place / name).unlink()
    write_assignment(assign(UNITS[:3], ["ann"]), parse_codebook(BOOK), UNITS, folder=place, study="coal")
    with pytest.raises(TableError, match="is no longer assigned to 'ann'"):
        read_workbook(path, place)


@pytest.mark.parametrize("ending", [".csv", ".xls", ".ods"])
def test_what_was_saved_as_something_else_is_refused(ending, place):
    path = hand_out(place)
    other = path.rename(path.with_suffix(ending))
    with pytest.raises(TableError, match="save it as an Excel workbook"):
        read_workbook(other, place)


@pytest.mark.parametrize("n", [0, 10, 3000, -1])
def test_a_file_that_was_cut_short_is_damaged(n, place):
    path = hand_out(place)
    path.write_bytes(path.read_bytes()[:n])
    with pytest.raises(TableError, match="damaged"):
        read_workbook(path, place)


def test_what_is_no_handout_is_said_to_be_none(place, tmp_path):
    from openpyxl import Workbook

    Workbook().save(tmp_path / "mine.xlsx")
    with pytest.raises(TableError, match="it is not a workbook that was handed out to a coder"):
        read_workbook(tmp_path / "mine.xlsx", place)
    with pytest.raises(TableError, match=r"gone\.xlsx"):
        read_workbook("gone.xlsx", place)


def test_what_no_workbook_can_show_is_refused_with_all_reasons(project):
    book = parse_codebook("name: t\nunit: a page\nvariables: [{name: page, kind: transcription}]")
    units = [Unit("1", "short"), Unit("2", "x" * 40_000)]
    write_assignment(assign(units, ["ann"]), book, units)
    with pytest.raises(ParameterError, match="give this coder a page instead") as caught:
        write_workbooks()
    assert len(caught.value.faults) == 2
    assert not list((project / "coding").rglob("*.xlsx"))


def test_a_workbook_that_is_there_is_left_as_it_is(place):
    path = hand_out(place)
    fill(path, {("b", "topic"): "health"})
    before = path.read_bytes()
    assert "was not changed" in repr(write_workbooks("ann", place))
    assert path.read_bytes() == before
    assert len(write_workbooks(folder=place, overwrite=True).paths) == 2
    assert path.read_bytes() != before


def test_a_unit_that_comes_again_has_two_rows(project):
    write_assignment(assign(UNITS, ["ann"], Design(repeat=0.2)), parse_codebook(BOOK), UNITS)
    (path,) = write_workbooks().paths
    book = load_workbook(path)
    sheet = book["coding"]
    again = [row[0].row for row in sheet.iter_rows(min_row=3) if row[1].value == "2"]
    assert len(again) == 2
    topic = next(cell.column for cell in sheet[2] if cell.value == "topic")
    sheet.cell(again[0], topic).value = "health"
    book.save(path)
    (change,) = read_workbook(path).changes
    assert (change.turn.draw, change.after) == (1, "health")


@pytest.mark.slow
@pytest.mark.skipif(
    not shutil.which("soffice") and not os.environ.get("CI"), reason="no soffice: install libreoffice-calc-nogui"
)
def test_libreoffice_keeps_texts_ids_lists_and_protection(place, tmp_path):
    path = hand_out(place)
    fill(path, {cell: value for cell, value in WHOLE.items() if cell[1] != "your note"})
    command = ["soffice", "--headless", f"-env:UserInstallation=file://{tmp_path}/home", "--convert-to", "xlsx"]
    subprocess.run([*command, "--outdir", tmp_path, path], check=True, capture_output=True, timeout=120)
    book = load_workbook(tmp_path / path.name)
    sheet = book["coding"]
    assert sheet.protection.sheet
    assert not find(sheet, "b", "topic").protection.locked
    assert find(sheet, "b", "text of the unit").protection.locked
    assert {str(rule.sqref): rule.formula1 for rule in sheet.data_validations.dataValidation}["D3:D12"].endswith("$C$4")
    assert {cell.data_type for cell in sheet["A"][2:]} == {"s"}
    returned = read_workbook(tmp_path / path.name, place)
    assert len(returned.changes) == 9
    assert not returned.remarks


TYPED = """
name: speeches
unit: a speech
variables:
  - {name: heat, question: How heated, kind: number, level: interval, minimum: 0, maximum: 10, decimals: 1}
  - {name: share, question: Which share, kind: number, level: ratio, minimum: 0, abstain: [unclear]}
  - {name: claim, question: What is claimed, kind: text}
"""


def test_numbers_and_texts_are_typed_into_a_workbook_in_their_bounds(project):
    write_assignment(assign(UNITS[:3], ["ann"]), parse_codebook(TYPED), UNITS[:3], folder="coding")
    path = hand_out(project / "coding")
    sheet = load_workbook(path)["coding"]
    (rule,) = [each for each in sheet.data_validations.dataValidation if each.type == "decimal"]
    assert (rule.operator or "between", rule.formula1, rule.formula2) == ("between", "0", "10")
    assert rule.prompt == "A number from 0 to 10, at most 1 decimal."
    codes = [[cell.value for cell in row[:4]] for row in load_workbook(path)["codebook"]["A2:D5"]]
    assert [row[2] for row in codes] == ["(a number)", "(a number)", "unclear", "(your words)"]
    assert codes[0][3] == "from 0 to 10, at most 1 decimal"
    cells = {("007", "heat"): 3.2, ("007", "share"): "unclear", ("007", "claim"): " Coal is over. "}
    fill(path, cells | {("008", "heat"): "3,20", ("008", "share"): 1234.5, ("008", "claim"): "7"})
    returned = read_workbook(path, project / "coding")
    acts = [act for act in acts_of(project / "coding") if act["act"] == "label"]
    labels = {
        name: {act["unit"]: act["label"] for act in acts if act["variable"] == name} for name in ("heat", "share")
    }
    assert labels == {"heat": {"007": "3.2", "008": "3.2"}, "share": {"007": "unclear", "008": "1234.5"}}
    assert sorted(act["label"] for act in acts if act["variable"] == "claim") == ["7", "Coal is over."]
    assert "'3,20' was read as 3.20 (a decimal comma)" in " ".join(returned.remarks)


@pytest.mark.parametrize(
    ("cell", "problem"), [(11, "11 is more than 10"), ("1,234", "no number"), ("hot", "no number")]
)
def test_a_number_in_a_workbook_that_is_none_is_a_fault_with_its_cell(project, cell, problem):
    write_assignment(assign(UNITS[:1], ["ann"]), parse_codebook(TYPED), UNITS[:1], folder="coding")
    fill(path := hand_out(project / "coding"), {("007", "heat"): cell})
    with pytest.raises(TableError, match=problem) as error:
        read_workbook(path, project / "coding")
    assert error.value.faults[0].where == "D3"
