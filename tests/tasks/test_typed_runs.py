"""Numbers, scales by bounds and texts go through a whole study: asked, coded, compared, reported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from fakes import scripted

import codebook as cb
from codebook.scheme import parse_codebook

BOOK = """
name: speeches
unit: a speech
variables:
  - {name: heat, question: How heated, kind: number, level: interval, minimum: 0, maximum: 10, decimals: 1,
     abstain: [unclear]}
  - {name: tone, question: How kind, kind: rating, level: interval, minimum: 1, maximum: 7}
  - {name: claim, question: What is claimed, kind: text}
"""


@pytest.fixture
def codings(project: Path, monkeypatch: pytest.MonkeyPatch) -> cb.Codings:
    """A run of the scripted engine, and two people, one of whom is the gold, who abstained once."""
    scripted.register(monkeypatch)
    run = cb.plan(parse_codebook(BOOK), scripted.UNITS, run="one", engine="scripted")
    run.submit()
    run.collect()
    people = pd.DataFrame({"id": [unit.unit_id for unit in scripted.UNITS]})
    people["gold"] = ["3,2", "4", "5.5", "2", "unclear", "7"]
    people["ann"] = ["4", "5.5", "2", "6", "7", "3"]
    people.to_csv(project / "people.csv", index=False)
    entry = "{file: people.csv, unit: id, columns: [gold, ann], variable: heat, decimal: ','}"
    (project / "coders.yaml").write_text(f"coders: [{entry}]\n")
    return cb.open_run("one").codings("coders.yaml")


def test_numbers_are_asked_read_and_compared_by_how_far_they_are_apart(codings: cb.Codings) -> None:
    heat = codings.of("heat")
    assert codings.coverage["heat"]["labelled"] == 17, "six of each, but for the one who abstained"
    model = heat.machines[0]
    row = cb.validity(heat).frame.set_index("coder").loc[model]
    gold, mine = (heat.frame[heat.frame["coder"] == who].set_index("unit_id")["label"] for who in ("gold", model))
    assert gold["u0"] == "3.2"
    apart = (mine[gold.index].astype(float) - gold.astype(float)).abs()
    assert row["mae"] == pytest.approx(apart.mean())
    frame = cb.reliability(heat).frame
    assert set(frame["coefficient"]) == {"alpha", "icc_2_1", "pearson"}


@pytest.mark.slow  # the report and every verb
def test_every_step_of_a_study_of_numbers_ends_with_a_sentence(codings: cb.Codings) -> None:
    heat = codings.of("heat")
    for verb in (
        cb.confusion,
        cb.compare,
        cb.prevalence,
        cb.calibration,
        cb.label_shares,
        cb.disagreements,
        cb.stability,
    ):
        assert verb(heat).finding, verb
    assert cb.consensus(heat, "median").result.finding
    cb.validity(heat).save()
    cb.reliability(heat).save()
    page = cb.write_report("one")
    assert "mean absolute error" in Path(page).read_text(encoding="utf-8").lower()
    assert "number, interval" in cb.methods_paragraph("one")


@pytest.mark.slow  # the report
def test_the_verdict_on_each_label_stands_in_the_report(codings: cb.Codings) -> None:
    tone = codings.of("tone")
    mine = tone.frame[tone.frame["coder"] == tone.machines[0]]
    both = replace(tone, frame=pd.concat([mine, mine.assign(coder="gold")], ignore_index=True))
    cb.analysis.verdicts(both).save()
    page = Path(cb.write_report("one")).read_text(encoding="utf-8")
    assert "which labels may be automated?" in page
    assert "not enough evidence" in page


def test_texts_and_points_of_a_scale_are_labels_as_they_are(codings: cb.Codings) -> None:
    frame = cb.open_run("one").table()
    assert frame.loc[frame["variable"] == "claim", "label"].str.startswith("Sentence number").all()
    assert set(frame.loc[frame["variable"] == "tone", "label"]) <= set("1234567")
    cb.write_table(frame, "table.csv")
    assert cb.read_table("table.csv")["label"].tolist() == frame["label"].tolist()
