"""Forms and crowds: rows that are no answers go out counted, ticks become sets, persons become pseudonyms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from codebook.errors import TableError
from codebook.exchange import Reading, open_export
from codebook.exchange.surveys.label_cells import read_by_labels

QUALTRICS = [
    ["Status", "Finished", "Q1", "Q2_1", "Q2_2", "Q2_3_TEXT", "Q3_1", "Q3_2", "coder", "doc"],
    [
        "Status",
        "Finished",
        "For or\nagainst?",
        "T - traffic",
        "T - roads, rail",
        "T - other - Text",
        "A - x",
        "A - y",
        "c",
        "d",
    ],
    [
        json.dumps({"ImportId": name})
        for name in ("status", "finished", "QID1", "QID2_1", "QID2_2", "QID2_3_TEXT", "QID3_1", "QID3_2")
    ]
    + ["", ""],
]


def write_qualtrics(folder: Path, *rows: list[str], encoding: str = "utf-8-sig", sign: str = ",") -> Path:
    path = folder / f"answers.{'csv' if sign == ',' else 'tsv'}"
    quoted = [sign.join('"' + cell.replace('"', '""') + '"' for cell in row) for row in (*QUALTRICS, *rows)]
    path.write_bytes(("\r\n".join(quoted) + "\r\n").encode(encoding))
    return path


def labels(reading: Reading) -> dict[tuple[str, str, str], str]:
    return {(row.unit, row.coder, row.variable): row.label or row.status for row in reading.rows}


@pytest.mark.parametrize(("encoding", "sign"), [("utf-8-sig", ","), ("utf-16", "\t")])
def test_ticks_of_a_question_are_one_set_and_its_statements_are_not(encoding: str, sign: str, tmp_path: Path) -> None:
    """The text of an option or 1; the columns of a matrix have answers of their own; -99 was seen and not answered."""
    rows = [
        ["IP Address", "True", "for", "traffic", "roads, rail", "noise", "often", "never", "anna", "01990"],
        ["0", "1", "-99", "1", "", "", "never", "", "ben", "01990"],
    ]
    reading = open_export(write_qualtrics(tmp_path, *rows, encoding=encoding, sign=sign), unit="doc")
    assert labels(reading) == {
        ("01990", "anna", "Q1"): "for",
        ("01990", "anna", "Q2"): '["roads, rail","traffic"]',
        ("01990", "anna", "Q2_other"): "noise",
        ("01990", "anna", "Q3_1"): "often",
        ("01990", "anna", "Q3_2"): "never",
        ("01990", "ben", "Q1"): "missing",
        ("01990", "ben", "Q2"): '["traffic"]',
        ("01990", "ben", "Q3_1"): "never",
        ("01990", "ben", "Q3_2"): "missing",
    }
    assert reading.sets == {"Q2"}


def test_previews_spam_and_unfinished_answers_are_no_labels_and_are_counted(tmp_path: Path) -> None:
    rows = [
        ["Survey Preview", "True", "for", "", "", "", "", "", "me", "1"],
        ["Spam", "True", "for", "", "", "", "", "", "bot", "1"],
        ["IP Address", "False", "for", "", "", "", "", "", "anna", "1"],
        ["IP Address", "True", "", "", "", "", "", "", "ben", "1"],
    ]
    account = open_export(write_qualtrics(tmp_path, *rows), unit="doc").account
    assert account.by_status == {"empty": 1, "rejected": 1, "draft": 1, "test": 1}
    assert account.records == 4


def test_the_unit_of_a_survey_is_asked_for_where_no_column_says_it(tmp_path: Path) -> None:
    path = write_qualtrics(tmp_path, ["0", "1", "for", "", "", "", "", "", "anna", "1"])
    with pytest.raises(TableError, match="unit_name"):
        open_export(path).require_answers()
    assert open_export(path, unit_name="t1").labels[0].unit == "t1"
    with pytest.raises(TableError, match="did you mean 'doc'"):
        open_export(path, unit="docs")


FORMS = "Timestamp,Your name,Text number,For or against?,Topics,E-mail address\n{}"


def test_a_form_may_be_read_by_its_questions_or_by_the_variables_that_they_are(tmp_path: Path) -> None:
    """Addresses stay out; a column whose cells hold several ticks is a set, and told."""
    path = tmp_path / "form.csv"
    path.write_text(
        FORMS.format("2026/11/02,anna,007,for,a;b,x@example.org\n2026/11/02,ben,007,for,a,\n"), encoding="utf-8"
    )
    reading = open_export(path, unit="Text number")
    assert labels(reading)["007", "ben", "Topics"] == '["a"]'
    assert "x@example.org" not in str(reading.rows)
    assert any("personal data were left out: E-mail address" in note for note in reading.notes)
    named = open_export(path, unit="Text number", columns={"stance": "For or against?"})
    assert labels(named) == {("007", "anna", "stance"): "for", ("007", "ben", "stance"): "for"}


def test_names_that_were_typed_alike_are_listed_and_never_joined(tmp_path: Path) -> None:
    path = tmp_path / "form.csv"
    path.write_text(FORMS.format("2026/11/02,anna,1,for,a,\n2026/11/02,Anna ,1,for,a,\n"), encoding="utf-8")
    reading = open_export(path, unit="Text number", columns={"stance": "For or against?"})
    assert {row.coder for row in reading.rows} == {"anna", "Anna "}
    assert any("have similar names" in note for note in reading.notes)
    joined = open_export(
        path, unit="Text number", columns={"stance": "For or against?"}, rename_coders={"Anna ": "anna"}
    )
    with pytest.raises(TableError, match="duplicates: last"):
        joined.require_answers()


def test_a_cell_of_ticks_is_parted_by_the_labels_of_the_codebook() -> None:
    assert read_by_labels("roads, rail; a; b", ["a", "a; b", "roads, rail"], ";") == ["roads, rail", "a; b"]
    assert read_by_labels("roads, a", ["roads, rail", "a"], ",") is None


MTURK = (
    "HITId,WorkerId,AssignmentStatus,Input.doc_id,"
    "Answer.stance.for,Answer.stance.against,Answer.why,Answer.taskAnswers\n"
)


def test_workers_become_pseudonyms_and_rejected_work_no_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEBOOK_PSEUDONYM_KEY", "a key of the tests")
    path = tmp_path / "batch.csv"
    rows = 'H1,A1,Approved,007,true,false,"it &quot;says&quot; so",\nH1,A2,Rejected,007,true,false,,\n'
    rows += 'H1,A3,Submitted,007,,,,"[{""stance"":{""for"":false,""against"":true}}]"\nH1,A4,Submitted,007,,,,\n'
    path.write_text(MTURK + rows, encoding="utf-8")
    reading = open_export(path)
    assert [(row.variable, row.label, row.status) for row in reading.rows] == [
        ("stance", "for", "coded"),
        ("why", 'it "says" so', "coded"),
        ("*", "", "rejected"),
        ("stance", "against", "coded"),
        ("*", "", "empty"),
    ]
    assert not {"A1", "A2", "A3", "A4"} & {row.coder for row in reading.rows}


ZOONIVERSE = "classification_id,user_name,workflow_version,annotations,subject_data,subject_ids\n"


def test_a_cell_that_is_no_json_is_refused_with_its_row(tmp_path: Path) -> None:
    path = tmp_path / "classifications.csv"
    path.write_text(ZOONIVERSE + 'x,ann,1,[{,"{""9"": {""doc"": ""a""}}",9\n', encoding="utf-8")
    with pytest.raises(TableError, match="row 2"):
        open_export(path)


def test_marks_on_pictures_are_told_and_a_subject_without_an_id_is_asked_about(tmp_path: Path) -> None:
    path = tmp_path / "classifications.csv"
    tasks = [{"task": "T0", "value": [{"x": 1}]}, {"task": "T1", "value": 3}]
    cells = [json.dumps(each).replace('"', '""') for each in (tasks, {"9": {"retired": None}})]
    row = f'x,ann,1,"{cells[0]}","{cells[1]}",9\n'
    path.write_text(ZOONIVERSE + row, encoding="utf-8")
    reading = open_export(path)
    assert labels(reading) == {("9", "ann", "T1"): "3"}
    assert any("Marks or combined questions" in note for note in reading.notes)
    with pytest.raises(TableError, match="unit"):
        reading.require_answers()
