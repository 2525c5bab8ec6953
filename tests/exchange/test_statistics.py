"""Files of SPSS and Stata: words of numbers, declared missing values and empty cells, written and read again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from codebook.analysis.core.codings import Codings
from codebook.errors import MissingExtraError, ParameterError, TableError
from codebook.exchange import Reading, open_export
from codebook.exchange.surveys.statistics_writing import number_codes, write_statistics
from codebook.scheme import Variable, parse_codebook

pyreadstat = pytest.importorskip("pyreadstat")
BOOK = parse_codebook("""
name: letters
unit: a letter
variables:
  - name: mood
    title: the mood
    question: How
    kind: single
    level: nominal
    categories: [good, bad]
    abstain: [unclear]
  - name: strength
    question: How much
    kind: rating
    level: ordinal
    categories: ["-1", {name: "0", title: none}, "1"]
  - {name: about, question: What of, kind: multi, level: nominal, categories: ["delay, cancelled", staff]}
  - {name: text, kind: transcription}
""")
ROWS = [
    ("007", "ann", "mood", "bad", None),
    ("007", "ann", "strength", "0", None),
    ("007", "ben ö", "about", '["delay, cancelled","staff"]', None),
    ("007", "ben ö", "mood", None, "refused"),
    ("8", "ann", "about", "[]", None),
    ("8", "ben ö", "about", None, "invalid"),
    ("8", "ben ö", "mood", "unclear", None),
]
COLUMNS = {"mood": "mood", "strength": "strength", "about=delay, cancelled": "about_1", "about=staff": "about_2"}
KNOWN = {variable.name: variable.labels for variable in BOOK.variables}


def codings(rows: list[tuple[Any, ...]] = ROWS) -> Codings:
    names = ("unit_id", "coder", "variable", "label", "why")
    return Codings(pd.DataFrame([dict(zip(names, row, strict=True), draw=0) for row in rows]), BOOK.variables)


def known(reading: Reading) -> dict[tuple[str, str, str], str]:
    """Labels, and why they are missing where it is known."""
    return {
        (row.unit, row.coder, row.variable): row.label or row.note.rpartition(" = ")[2]
        for row in reading.rows
        if row.note != "system-missing"
    }


@pytest.mark.parametrize("ending", [".sav", ".zsav", ".dta"])
def test_what_is_written_reads_back_with_every_why(ending: str, tmp_path: Path) -> None:
    """A row per unit and coder, and a row per unit: the same labels; a cell that is empty is never a label."""
    path = tmp_path / f"letters{ending}"
    right = {(unit, coder, name): (label or why).replace('", "', '","') for unit, coder, name, label, why in ROWS}
    assert write_statistics(codings(), BOOK, path, by="coder") == (
        f"letters{ending}: 4 rows (one per unit and coder), 6 columns;"
        " text has the kind transcription and cannot be a column (1)."
    )
    assert known(open_export(path, unit="unit_id", columns=COLUMNS | {"coder": "coder"}, labels=KNOWN)) == right
    assert write_statistics(codings(), BOOK, path).startswith(f"letters{ending}: 2 rows (one per unit), 8 columns")
    wide = {
        f"{key}/{coder}": f"{name}_{coder[:5].replace(' ', '_').replace('ö', '_')}"
        for key, name in COLUMNS.items()
        for coder in ("ann", "ben ö")
    }
    there = set(
        pyreadstat.read_dta(path)[1].column_names if ending == ".dta" else pyreadstat.read_sav(path)[1].column_names
    )
    assert (
        known(open_export(path, unit="unit_id", columns={k: v for k, v in wide.items() if v in there}, labels=KNOWN))
        == right
    )


@pytest.mark.parametrize("ending", [".sav", ".dta"])
def test_files_written_twice_have_the_same_content(ending: str, tmp_path: Path) -> None:
    """Not the same bytes: both programs write the time."""
    reader = pyreadstat.read_dta if ending == ".dta" else pyreadstat.read_sav
    contents = []
    for name in "ab":
        write_statistics(codings(), BOOK, tmp_path / f"{name}{ending}")
        frame, meta = reader(tmp_path / f"{name}{ending}", user_missing=True)
        contents.append(
            (frame.astype(str).to_csv(), meta.column_labels, meta.variable_value_labels, meta.missing_ranges)
        )
    assert contents[0] == contents[1]
    assert contents[0][1][:2] == ["a letter", "the mood (ann)"]


def test_numbers_of_codes_are_their_names_or_their_places() -> None:
    rating = Variable(
        name="a", question="?", kind="rating", level="ordinal", categories=["-1", "0", "1"], abstain=["x", "y"]
    )
    assert number_codes(rating) == {"-1": -1, "0": 0, "1": 1, "x": 2, "y": 3}
    odd = Variable(name="a", question="?", kind="single", level="nominal", categories=["01", "1", "b"])
    assert number_codes(odd) == {"01": 2, "1": 1, "b": 3}


def test_names_are_those_that_the_programs_take(tmp_path: Path) -> None:
    """At most 31 signs, letters first, each unlike the others."""
    rows = [("7", name, "mood", "bad", None) for name in ("Dr. A. " + "x" * 40, "Dr. A. " + "x" * 41, "ä", "ö")]
    write_statistics(codings(rows), BOOK, tmp_path / "a.dta")
    names = pyreadstat.read_dta(tmp_path / "a.dta")[1].column_names
    assert names == ["unit_id", "mood_Dr__A__" + "x" * 19, "mood_Dr__A__" + "x" * 17 + "_2", "mood__", "mood___2"]


def write_sav(folder: Path, frame: pd.DataFrame, **more: Any) -> Path:
    path = folder / "codings.sav"
    pyreadstat.write_sav(frame, str(path), **more)
    return path


def test_two_numbers_with_one_word_are_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": ["a", "b"], "mood": [1.0, 2.0]})
    path = write_sav(tmp_path, frame, variable_value_labels={"mood": {1: "bad", 2: "bad"}})
    with pytest.raises(TableError, match="2 values have the label 'bad'"):
        open_export(path, columns={"mood/ann": "mood"})


def test_ids_that_are_kept_as_numbers_lose_nothing_and_get_nothing(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": [1523.0, 7.0], "mood": [1.0, np.nan], "share": [0.5, 2.0]})
    reading = open_export(write_sav(tmp_path, frame), columns={"mood/ann": "mood", "share/ann": "share"})
    assert [(row.unit, row.variable, row.label, row.status) for row in reading.rows] == [
        ("1523", "mood", "1", "coded"),
        ("1523", "share", "0.5", "coded"),
        ("7", "mood", "", "missing"),
        ("7", "share", "2.0", "coded"),
    ]


def test_an_empty_cell_of_a_whole_number_in_stata_is_no_0(tmp_path: Path) -> None:
    """The library gives 0 for it where it is asked for declared missing values, too."""
    path = tmp_path / "codings.dta"
    frame = pd.DataFrame({"id": ["a", "b", "c", "d"], "mood": pd.Series([1, "a", None, 0], dtype=object)})
    pyreadstat.write_dta(frame, str(path), missing_user_values={"mood": ["a"]})
    reading = open_export(path, columns={"mood/ann": "mood"})
    assert [(row.label, row.note) for row in reading.rows] == [
        ("1", ""),
        ("", "user-missing a"),
        ("", "system-missing"),
        ("0", ""),
    ]


def test_whose_columns_are_is_asked_where_nothing_says_it(tmp_path: Path) -> None:
    path = write_sav(tmp_path, pd.DataFrame({"id": ["a"], "email": ["x@example.org"], "mood": [1.0]}))
    reading = open_export(path)
    assert "x@example.org" not in str(reading.rows)
    with pytest.raises(TableError, match="VARIABLE/CODER: mood"):
        reading.require_answers()
    with pytest.raises(TableError, match="did you mean 'mood'"):
        open_export(path, columns={"mood/ann": "moods"})


def test_what_is_damaged_or_cannot_be_written_so_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "codings.sav"
    path.write_bytes(b"$FL2 and nothing more")
    with pytest.raises(TableError, match=r"codings\.sav"):
        open_export(path)
    with pytest.raises(ParameterError, match=r"\.sav, \.zsav, \.dta"):
        write_statistics(codings(), BOOK, tmp_path / "codings.rds")
    with pytest.raises(ParameterError, match="unit, coder"):
        write_statistics(codings(), BOOK, path, by="variable")


def test_without_the_library_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_sav(tmp_path, pd.DataFrame({"id": ["a"], "mood": [1.0]}))
    monkeypatch.setitem(sys.modules, "pyreadstat", None)
    with pytest.raises(MissingExtraError, match="spss"):
        open_export(path)
    with pytest.raises(MissingExtraError, match="spss"):
        write_statistics(codings(), BOOK, tmp_path / "b.sav")
