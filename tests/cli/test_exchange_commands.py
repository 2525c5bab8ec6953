"""Files for coders who work away from the kit, by commands and in a study: written, filled in, read back."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import run_command
from openpyxl import load_workbook

from codebook import open_study
from codebook.coding.session_opening import open_session

BOOK = """
name: coal
unit: a post
variables:
  - {name: topic, question: "What?", kind: single, level: nominal, categories: [jobs, health]}
"""
STUDY = "study: coal\ncodebook: codebook.yaml\nunits: posts.csv\nid_column: id\ntext_column: text\n"


@pytest.fixture
def study(project: Path) -> Path:
    (project / "codebook.yaml").write_text(BOOK)
    (project / "posts.csv").write_text("id,text\n" + "".join(f"p{n},Post {n}.\n" for n in range(4)))
    (project / "study.yaml").write_text(f"{STUDY}coding: {{coders: [ann, ben], folder: by_hand}}\n")
    return project


def test_a_coders_file_is_written_read_once_and_never_doubled(study):
    run_command("assign")
    written = run_command("sheets", "--coder", "ann")
    assert written.output == "coal.ann.xlsx: 4 units for ann.\n"
    path = study / "by_hand" / "handouts" / "coal.ann.xlsx"
    assert not (path.parent / "coal.ben.xlsx").exists()
    book = load_workbook(path)
    book["coding"]["C3"].value = "jobs"
    book.save(path)
    first, again = (run_command("read-sheet", str(path)) for _ in range(2))
    assert "1 answer taken" in first.output
    assert "nothing has changed" in again.output
    book["coding"]["C4"].value = "Jobs"
    book.save(path)
    spoilt = run_command("read-sheet", str(path))
    assert (spoilt.exit_code, "did you mean 'jobs'?" in spoilt.output) == (1, True)
    with open_session("ann", "by_hand") as session:
        assert session.progress()["done"] == 1


def test_a_study_hands_out_to_those_whom_it_names_and_says_where_it_names_nobody(study):
    handed = open_study().hand_out("page")
    assert [path.name for path in handed.paths] == ["coal.ann.html", "coal.ben.html"]
    assert "was not changed" in repr(open_study().hand_out("page"))
    (study / "study.yaml").write_text(STUDY)
    assert "No coder is named" in repr(open_study().hand_out())


def test_a_board_says_how_a_coding_goes_and_is_a_page(study):
    run_command("assign")
    with open_session("ann", "by_hand") as session:
        session.label("jobs")
    shown = run_command("board")
    assert "1 of 8 assigned units are coded; ben has most left (4)" in shown.output
    assert "Nobody who is still coding should see it" in (study / "by_hand" / "board.html").read_text(encoding="utf-8")
