"""What `codebook new --from` makes of a table: what it takes, what it guesses and says so, and what it refuses."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pytest
import yaml
from commands import Command

import codebook as cb
from codebook.errors import ParameterError, UnitsError
from codebook.scaffold import TableChoice, guess_table, make_study

TEXTS = [f"Headline number {n} says that the economy goes {way}." for n, way in enumerate(["up", "down", "on"] * 8)]
IDS = [str(1000 + n) for n in range(len(TEXTS))]
ANNA = ["good", "bad", "neutral"] * 8
BEN = ["good", "bad", "bad"] * 8


def write_table(
    path: Path, columns: Mapping[str, Sequence[str]], *, above: Sequence[str] = (), sign: str = ","
) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in above)
        csv.writer(file, delimiter=sign).writerows([list(columns), *zip(*columns.values(), strict=True)])
    return path


def write_book(path: Path, sheets: Mapping[str, Sequence[Sequence[object]]]) -> Path:
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def in_rows(columns: Mapping[str, Sequence[object]]) -> list[Sequence[object]]:
    return [list(columns), *zip(*columns.values(), strict=True)]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CODEBOOK_PROJECT", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


CODED = {"Nr": IDS, "Headline": TEXTS, "anna": ANNA, "ben": BEN, "medium": ["paper", "radio", "tv"] * 8}


@pytest.mark.parametrize("ending", ["csv", "tsv", "xlsx", "jsonl", "parquet"])
def test_ids_texts_and_coders_are_found_in_every_kind_of_table(here: Path, ending: str) -> None:
    path = here / f"texts.{ending}"
    if ending in ("csv", "tsv"):
        write_table(path, CODED, sign="\t" if ending == "tsv" else ";")
    elif ending == "xlsx":
        write_book(path, {"Sheet1": in_rows(CODED)})
    elif ending == "jsonl":
        pd.DataFrame(CODED).to_json(path, orient="records", lines=True)
    else:
        pd.DataFrame(CODED).to_parquet(path)
    guess = guess_table(TableChoice(path))
    assert (guess.id_column, guess.text_column, guess.n_rows) == ("Nr", "Headline", 24)
    (variable,) = guess.variables
    assert variable.columns == {"anna": "anna", "ben": "ben"}
    assert variable.labels == {"bad": 24, "good": 16, "neutral": 8}
    assert guess.unused == ("medium",)
    assert guess.place.form == {}


def test_a_study_from_a_workbook_is_checked_and_its_coders_agree_without_a_run(here: Path, command: Command) -> None:
    """The table begins in the third row of the second sheet; one label has a blank too much; there is a gold."""
    dirty = CODED | {"anna": ["Good ", *ANNA[1:]], "gold": ANNA}
    sheets = {"Info": [["read me"]], "Texte": [["Our headlines"], [None], *in_rows(dirty)]}
    write_book(here / "texts.xlsx", sheets)
    before = (here / "texts.xlsx").read_bytes()
    done = command("new", "Über Zölle", "--from", "texts.xlsx")
    assert done.exit_code == 0, done.output
    study = here / "Über Zölle"
    assert (study / "data" / "texts.xlsx").read_bytes() == before == (here / "texts.xlsx").read_bytes()
    for said in (
        "texts.xlsx, sheet 'Texte': 24 rows, with the names of the columns in row 3",
        "label: anna, ben, gold, 3 labels",
        "skip_rows: the columns are named in row 3, below 'Our headlines'",
        "lines 19, 22, 25: what belongs here, and what does not?",
        "column 'medium'",
        "sheet 'Info'",
    ):
        assert said in done.output
    facts = yaml.safe_load((study / "study.yaml").read_text())
    assert (facts["study"], facts["run"]) == ("Über Zölle", "Uber-Zolle")
    book = cb.read_codebook(study / "codebook.yaml")
    assert (book.name, book.variables[0].labels) == ("Uber-Zolle", ("bad", "good", "neutral"))
    codings = cb.read_coders(study / "coders.yaml", book)
    assert codings.gold == "gold"
    assert "1 label renamed" in codings.notes[0]
    assert cb.reliability(codings, by="group", resample=cb.Bootstrap(0)).frame["n_units"].iloc[0] == 24
    form = {"sheet": "Texte", "skip_rows": 2}
    assert cb.check_units(
        cb.open_units(study / "data/texts.xlsx", id_column="Nr", text_column="Headline", form=form)
    ).ok


def test_a_slip_of_a_coder_is_no_category_but_a_question(here: Path, command: Command) -> None:
    """One sign, or the writing of an umlaut, from a label ten times as common; another first sign or digit is none."""
    texts, ids = TEXTS * 4, [str(n) for n in range(96)]
    labels = ["Länder", "moral", "Sport 1"] * 32
    anna = ["Laender", "morl", "Sport 2", "Länder", "amoral", *labels[5:]]
    write_table(here / "t.csv", {"id": ids, "text": texts, "anna": anna, "ben": labels})
    done = command("new", "s", "--from", "t.csv")
    assert "is 'morl' a slip of 'moral'? If it is a label of its own, take it out of `rename`" in done.output
    book = cb.read_codebook(here / "s" / "codebook.yaml")
    assert sorted(book.variables[0].labels) == ["Länder", "Sport 1", "Sport 2", "amoral", "moral"]
    entry = yaml.safe_load((here / "s" / "coders.yaml").read_text())["coders"][0]
    assert entry["rename"] == {"Laender": "Länder", "morl": "moral"}
    codings = cb.read_coders(here / "s" / "coders.yaml", book)
    assert "2 labels renamed" in codings.notes[0]


@pytest.mark.parametrize(
    ("columns", "variables"),
    [
        ({"anna_topic": ANNA, "ben_topic": BEN}, {"topic": ["anna", "ben"]}),
        ({"topic1": ANNA, "topic2": BEN}, {"topic": ["coder1", "coder2"]}),
        ({"coder1": ANNA, "coder2": BEN, "gold": ANNA}, {"label": ["coder1", "coder2", "gold"]}),
        (
            {"anna_tone": ANNA, "ben_tone": BEN, "anna_stance": ANNA, "ben_stance": BEN},
            {"tone": ["anna", "ben"], "stance": ["anna", "ben"]},
        ),
        (
            {"tone_a": ANNA, "tone_b": BEN, "frame_a": ["x", "y"] * 12, "frame_b": ["y", "x"] * 12},
            {"tone": ["a", "b"], "frame": ["a", "b"]},
        ),
        ({"topic": ANNA, "medium": ["paper", "radio"] * 12}, {"topic": ["coder1"]}),
        ({"medium": ["paper", "radio"] * 12}, {}),
    ],
)
def test_who_coded_what_is_read_from_values_and_names(
    here: Path, columns: dict[str, list[str]], variables: dict[str, list[str]]
) -> None:
    guess = guess_table(TableChoice(write_table(here / "t.csv", {"id": IDS, "text": TEXTS, **columns})))
    assert {variable.name: list(variable.columns) for variable in guess.variables} == variables


def test_numbers_are_points_of_a_scale_and_several_labels_of_a_cell_are_sets(here: Path) -> None:
    sets = ["war", "oil; trade", "oil", "trade", "war; oil", "war"] * 4
    columns = {"id": IDS, "text": TEXTS, "tone_1": ["-1", "0", "10"] * 8, "tone_2": ["0.0", "-1.0", "10.0"] * 8}
    columns |= {"frames_x": sets, "frames_y": ["", *sets[:0:-1]]}
    tone, frames = guess_table(TableChoice(write_table(here / "t.csv", columns))).variables
    assert (tone.kind, tone.level, list(tone.labels)) == ("rating", "ordinal", ["-1", "0", "10"])
    assert (frames.kind, frames.separator, list(frames.labels)) == ("multi", "; ", ["oil", "trade", "war"])
    make_study(here / "s", guess_table(TableChoice(here / "t.csv")))
    codings = cb.read_coders(here / "s" / "coders.yaml", cb.read_codebook(here / "s" / "codebook.yaml"))
    assert codings.frame.groupby("variable")["label"].count().to_dict() == {"tone": 48, "frames": 47}
    text = (here / "s" / "coders.yaml").read_text()
    assert tone.rename == {"0.0": "0", "-1.0": "-1", "10.0": "10"}
    assert "# question: 1 cell is empty: not coded (as it is), or none of the categories (write `empty: none`)?" in text


def test_marks_for_no_label_are_no_categories_and_are_said(here: Path, command: Command) -> None:
    tone = ["1", "2", "3", "99"] * 6
    columns = {"id": IDS, "text": TEXTS, "anna_topic": [*ANNA[:22], "n/a", "Keine Angabe"]}
    columns |= {"ben_topic": [*BEN[:23], "-"]}
    columns |= {"anna_tone": tone, "ben_tone": tone[::-1]}
    write_table(here / "t.csv", columns)
    done = command("new", "s", "--from", "t.csv")
    assert "'n/a' in 1 cell, 'Keine Angabe' in 1 cell, '-' in 1 cell: no label, the unit was not coded." in done.output
    assert "'99' in 12 cells: no label" in done.output
    book = cb.read_codebook(here / "s" / "codebook.yaml")
    assert [list(variable.labels) for variable in book.variables] == [sorted({*ANNA, *BEN}), ["1", "2", "3"]]
    codings = cb.read_coders(here / "s" / "coders.yaml", book)
    assert codings.frame.groupby("variable")["label"].count().to_dict() == {"topic": 45, "tone": 36}


def test_what_a_person_says_is_taken_and_not_guessed(here: Path, command: Command) -> None:
    columns = {"id": IDS, "text": TEXTS, "lead": TEXTS[::-1], "a": ANNA, "b": BEN, "truth": ANNA}
    write_table(here / "t.csv", columns)
    chosen = ("--id-column", "id", "--text-column", "lead", "--coder", "a", "--coder", "b", "--gold", "b")
    assert command("new", "s", "--from", "t.csv", *chosen).exit_code == 0
    assert "guessed" not in (here / "s" / "study.yaml").read_text()
    entry = yaml.safe_load((here / "s" / "coders.yaml").read_text())["coders"][0]
    assert entry["columns"] == {"a": "a", "gold": "b"}
    wrong = command("new", "t", "--from", "t.csv", "--coder", "anna", "--text-column", "texts")
    assert wrong.exit_code == 1
    assert "no column 'texts'. To mend: did you mean 'text'?" in wrong.output
    assert "no column 'anna'" in wrong.output
    assert not (here / "t").exists()
    assert "give one with --from" in command("new", "t", "--coder", "anna").output


def test_a_table_without_ids_gets_some_in_its_copy(here: Path) -> None:
    path = write_table(here / "t.csv", {"text": TEXTS, "anna": ANNA, "ben": BEN}, above=["made by hand"])
    study = make_study(here / "s", guess_table(TableChoice(path)))
    assert "data/t.csv" in study.files
    copy = pd.read_csv(here / "s" / "data" / "t.csv", dtype=str)
    assert list(copy.columns) == ["unit_id", "text", "anna", "ben"]
    assert copy["unit_id"].tolist() == [str(n) for n in range(1, 25)]
    assert copy["text"].tolist() == TEXTS
    codings = cb.read_coders(here / "s" / "coders.yaml", cb.read_codebook(here / "s" / "codebook.yaml"))
    assert len(codings.frame) == 48
    facts = yaml.safe_load((here / "s" / "study.yaml").read_text())
    assert (facts["coders"], "gold" in facts, facts["steps"][-1]) == ("coders.yaml", False, "report")


def test_a_file_in_another_encoding_is_a_guess_that_is_told(here: Path) -> None:
    texts = [f"Die Zölle für {text}" for text in TEXTS]
    write_table(here / "t.csv", {"id": IDS, "text": texts})
    (here / "t.csv").write_bytes((here / "t.csv").read_text(encoding="utf-8").encode("cp1252"))
    make_study(here / "s", guess_table(TableChoice(here / "t.csv")))
    text = (here / "s" / "study.yaml").read_text()
    assert "# guessed: encoding: a guess, because it is not UTF-8; with it, the file contains Zölle, für" in text
    assert "form: {encoding: cp1252}" in text


@pytest.mark.parametrize(
    ("sheets", "said"),
    [
        ({"A": in_rows(CODED), "B": in_rows(CODED)}, "2 of its sheets look like texts ('A' with 5 columns"),
        (
            {"A": in_rows({"id": IDS, "text": TEXTS, "anna": ANNA})[1:]},
            "look like a row of data: 'good' stands again below",
        ),
        ({"A": in_rows({"id": IDS * 2, "text": TEXTS * 2, "coder": ["a", "b"] * 24})}, "stand in several rows"),
        ({"A": in_rows({"id": [*IDS[:-1], IDS[0]], "text": TEXTS})}, "column 'id': it holds 1 id a second time. To"),
        ({"A": in_rows({"id": IDS, "anna": ANNA, "ben": BEN})}, "no column looks like texts"),
        ({"A": [["id", "text"]]}, "no rows below"),
    ],
)
def test_what_cannot_be_told_is_refused_with_the_option_that_says_it(
    here: Path, sheets: dict[str, list[Sequence[object]]], said: str
) -> None:
    path = write_book(here / "t.xlsx", sheets)
    with pytest.raises(ParameterError) as caught:
        guess_table(TableChoice(path))
    assert said in str(caught.value)


def test_a_file_that_is_no_table_is_refused_in_words(here: Path, command: Command) -> None:
    (here / "t.ods").write_bytes(b"PK")
    (here / "t.xlsx").write_bytes(b"no workbook")
    assert "files with the ending .ods cannot be read" in command("new", "s", "--from", "t.ods").output
    assert "no such file" in command("new", "s", "--from", "u.csv").output
    with pytest.raises(UnitsError, match="open it in Excel"):
        guess_table(TableChoice(here / "t.xlsx"))
    assert not (here / "s").exists()


@pytest.mark.parametrize("above", [["Our headlines", ""], ["Our headlines,2024", ""]])
def test_a_new_study_and_a_reader_find_the_header_in_the_same_row(tmp_path: Path, above: Sequence[str]) -> None:
    path = write_table(tmp_path / "t.csv", {"id": IDS, "text": TEXTS, "anna": ANNA, "ben": BEN}, above=above)
    assert guess_table(TableChoice(path)).place.form == {"skip_rows": "2"}
    with pytest.raises(UnitsError, match=r"seems to be in line 3: 'id', 'text', 'anna', 'ben'.*`skip_rows: 2`"):
        cb.read_units(path, id_column="number", text_column="sentence")
