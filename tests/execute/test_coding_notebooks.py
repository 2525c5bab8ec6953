"""The notebooks of coding, run without a front end by two coders whose errors are known, on the topics of the demo."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import krippendorff
import pandas as pd
import pytest
from notebook_cells import answer_as_told, draw_quickly, make_run, run_cells, say

import codebook as cb
from codebook.report import read_outputs

TOPICS = Path(__file__).parents[2] / "data" / "topics_sib200_en"
FILES = ("codebook.yaml", "texts.csv", "coders.yaml", "llm_replies_raw.csv")
STUDY = """
study: topics
codebook: codebook.yaml
units: texts.csv
id_column: text_id
coders: coders.yaml
"""


@pytest.fixture
def topics(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The study of the demo, with the trial of the notebooks beside it."""
    draw_quickly(monkeypatch)
    for name in FILES:
        shutil.copy(TOPICS / name, project / name)
    (project / "study.yaml").write_text(STUDY)
    return project / "runs" / "topics-trial"


def read_labels(log: Path) -> dict[str, str]:
    """The labels of a log in the main round, read by nothing but json."""
    acts = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return {act["unit"]: act["label"] for act in acts if act["act"] == "label" and act["round"] == "main"}


def test_two_coders_of_known_confusion_from_the_assignment_to_the_decisions(topics: Path) -> None:
    shown = run_cells("17_coding", replicates=20)
    ann, ben = (read_labels(topics / "coding" / "logs" / f"simulated-{name}.jsonl") for name in ("ann", "ben"))
    gold = pd.read_csv(TOPICS / "texts.csv", dtype=str).set_index("text_id")["topic"]
    codes = [each.name for each in cb.read_codebook("codebook.yaml").variables[0].categories]
    assert ann.keys() == ben.keys()
    assert len(ann) == 60
    for labels in (ann, ben):
        wrong = {unit: label for unit, label in labels.items() if label != gold[unit]}
        assert 3 <= len(wrong) <= 18
        assert all(label == codes[(codes.index(gold[unit]) + 1) % 7] for unit, label in wrong.items())
    table = [[codes.index(labels[unit]) for unit in ann] for labels in (ann, ben)]
    known = krippendorff.alpha(reliability_data=table, level_of_measurement="nominal")
    saved = pd.read_csv(topics / "outputs" / "reliability.csv").set_index("coefficient")
    assert saved["value"]["alpha"] == pytest.approx(known, abs=1e-12)
    assert "60 of 60 units coded" in shown[1]
    page = (topics / "coding_board.html").read_text(encoding="utf-8")
    assert "120 of 120 assigned units are coded" in page

    run_cells("19_two_coders", replicates=20)
    disputed = {unit for unit in ann if ann[unit] != ben[unit]}
    decided = read_adjudicated(topics / "coding" / "logs" / "adjudication.jsonl")
    assert decided == {unit: gold[unit] for unit in disputed}
    final = pd.read_csv(topics / "outputs" / "adjudicated.csv", dtype=str).set_index("unit_id")["label"]
    assert final.to_dict() == {unit: decided.get(unit, label) for unit, label in ann.items()}
    won = pd.read_csv(topics / "outputs" / "sides_won.csv").set_index("coder")["n_won"]
    assert won["simulated-ann"] == sum(ann[unit] == gold[unit] for unit in disputed)
    disputes = pd.read_csv(topics / "outputs" / "disputed_definitions.csv")
    assert disputes["definition"].str.len().gt(0).all()
    norming = pd.read_csv(topics / "outputs" / "norming.csv", keep_default_na=False)
    assert norming["round"].unique().tolist() == ["before", "after", "after - before"]


def read_adjudicated(log: Path) -> dict[str, str]:
    acts = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    return {act["unit"]: act["label"] for act in acts if act["act"] == "label"}


@pytest.mark.slow
def test_the_notebooks_may_be_run_again(topics: Path) -> None:
    for name in ("17_coding", "18_training", "19_two_coders"):
        run_cells(name, replicates=20)
    logs = {path: path.read_bytes() for path in topics.rglob("*.jsonl")}
    for name in ("17_coding", "18_training", "19_two_coders"):
        run_cells(name, replicates=20)
    for path, before in logs.items():
        acts = [json.loads(line)["act"] for line in path.read_bytes()[len(before) :].splitlines()]
        assert set(acts) <= {"open"}
        assert path.read_bytes().startswith(before)


def test_training_says_who_has_passed(topics: Path) -> None:
    shown = run_cells("18_training", replicates=20, gate=0.9)
    frame = pd.read_csv(topics / "outputs" / "qualification.csv")
    assert (frame["passed"] == frame["value"].ge(0.9).map({True: "yes", False: "no"})).all()
    assert "First answers that are right" in shown[-1]


def test_a_study_without_gold_is_tried_too(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answer_as_told(monkeypatch)
    draw_quickly(monkeypatch)
    make_run(project, "topic", say(["coal", "sports"] * 5), {})
    (project / "study.yaml").write_text("study: r\nunits: texts.csv\nengine: scripted\n")
    for name in ("17_coding", "18_training", "19_two_coders"):
        run_cells(name, run="r", replicates=20)
    assert (project / "runs" / "r-trial" / "coding_board.html").is_file()


def test_the_report_has_what_people_coded_and_what_was_decided(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """People code in the folder of the study: the notebooks of agreement and the report read their logs."""
    answer_as_told(monkeypatch)
    draw_quickly(monkeypatch)
    labels = ["coal", "sports", "travel", "coal"] * 6
    make_run(project, "topic", say(labels), {})
    (project / "study.yaml").write_text("study: r\nunits: texts.csv\nengine: scripted\ncoding: {coders: [ann, ben]}\n")
    study = cb.open_study()
    study.assign()
    for coder, wrong in (("ann", "travel"), ("ben", "coal")):
        with study.code(coder) as session:
            for unit in session:
                label = labels[int(unit.unit_id.removeprefix("u"))]
                session.label("sports" if label == wrong else label)
    with cb.coding.open_adjudication("cy") as session:
        n_disputed = len(session.plan.rows)
        for unit in session:
            session.decide(labels[int(unit.unit_id.removeprefix("u"))], "by the text")
    run_cells("06_reliability", run="r", replicates=20)
    run_cells("19_two_coders", run="r", by="cy", replicates=20)
    run_cells("08_report", run="r")
    page = (project / "runs" / "r" / "report.html").read_text(encoding="utf-8")
    assert n_disputed == 18
    assert "18 disputed units are decided: for ann on 12 of 18, for ben on 6 of 18, for a third label on 0." in page
    assert "cy: by the text" in page
    saved = {each.name: each.finding for each in read_outputs(project / "runs" / "r" / "outputs")}
    assert saved["adjudicated"] == "18 units are decided (18 by cy); 0 are pending; on 6 all coders agree."
