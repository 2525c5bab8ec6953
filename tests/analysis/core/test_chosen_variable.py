"""A result of one variable of several names it, and does not write over that of another."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from codebook import confusion, consensus, correlogram, label_shares, reliability, validity
from codebook.analysis.core.chosen_variable import ChosenVariable
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.scales import VariableSpec
from codebook.outputs import read_outputs

FEW = Bootstrap(0)
FOLDER = Path(__file__).parents[3] / "data" / "narrative_frames"
QUESTIONS = ("CO1", "EC1", "MO2")


@pytest.fixture(scope="module")
def answers() -> pd.DataFrame:
    """What two coders of the articles answered to three questions."""
    frame = pd.read_csv(FOLDER / "codings.csv", dtype=str)
    return frame[frame["question"].isin(QUESTIONS) & frame["coder"].isin(["A1", "A2"])]


@pytest.fixture
def codings(answers: pd.DataFrame, tmp_path: Path) -> Codings:
    names = {"article_id": "unit_id", "question": "variable", "value": "label"}
    table = answers.rename(columns=names).assign(draw=0, why=None)
    variables = [VariableSpec(name, "nominal", ["0", "1"]) for name in QUESTIONS]
    return Codings(table, variables, gold="A1", outputs=tmp_path / "outputs")


def agreement(answers: pd.DataFrame, question: str) -> float:
    """How often both gave the same answer, by pandas alone."""
    wide = answers[answers["question"] == question].pivot(index="article_id", columns="coder", values="value").dropna()
    return float((wide["A1"] == wide["A2"]).mean())


def test_figure_title_and_note_say_which_variable_they_are_of(codings, answers):
    first = validity(codings.of(), resample=FEW)
    assert first.title == "CO1: Each coder against the gold"
    assert first.finding.startswith(f"CO1: A2 meets the gold in {100 * agreement(answers, 'CO1'):.1f} % of ")
    assert "Variable 'CO1' alone; not looked at here: 'EC1', 'MO2'." in first.note

    other = validity(codings.of("MO2"), resample=FEW)
    assert other.finding.startswith(f"MO2: A2 meets the gold in {100 * agreement(answers, 'MO2'):.1f} % of ")
    assert other.note.endswith("Variable 'MO2'.")
    assert label_shares(codings.of("MO2")).finding.startswith("The commonest label of MO2 is ")  # not named twice


@pytest.mark.slow
def test_tables_of_another_variable_stand_beside_those_of_the_first(codings, answers):
    for name in ("", "MO2", "EC1"):
        validity(codings.of(name), resample=FEW).save().save()  # repeated, as a cell is
        confusion(codings.of(name), resample=FEW).save()
    folder = codings.outputs
    names = [entry.name for entry in read_outputs(folder)]
    assert names == [f"{kind}{end}" for end in ("", "_MO2", "_EC1") for kind in ("validity_by_coder", "confusion")]
    for end, question in {"": "CO1", "_MO2": "MO2", "_EC1": "EC1"}.items():
        saved = pd.read_csv(folder / f"validity_by_coder{end}.csv")
        assert saved["accuracy"].tolist() == pytest.approx([agreement(answers, question)])


def test_nothing_to_compare_is_said_of_the_variable_alone(codings):
    frame = codings.frame
    lone = replace(codings, frame=frame[(frame["variable"] != "CO1") | (frame["coder"] == "A1")])
    result = validity(lone.of(), resample=FEW)
    assert str(result).splitlines() == [
        "CO1: Nobody else coded a unit that 'A1' labelled: nothing to compare. To compare, let others code those.",
        "Variable 'CO1' alone; not looked at here: 'EC1', 'MO2'.",
    ]


def test_codings_of_one_variable_are_said_as_before(codings):
    one = replace(codings.of("MO2"), joins=())
    assert one.of().joins == ()
    assert validity(one, resample=FEW).title == "Each coder against the gold"


NUMBERS = VariableSpec("heat", "interval", None, "number")
WORDS = VariableSpec("claim", "", None, "text")
NOTHING = {
    "number": "holds numbers, which have no labels: nothing to ",
    "text": "holds free text, which is not compared as labels: nothing to ",
}


def answer(spec: VariableSpec, values: str) -> pd.DataFrame:
    return make_table(spec.name, {"ann": list(values), "bo": list(values[::-1])})


@pytest.mark.parametrize("spec", [NUMBERS, WORDS], ids=["numbers", "words"])
def test_what_has_no_labels_is_said_and_is_no_error(spec):
    codings, nothing = Codings(answer(spec, "12345"), [spec]), NOTHING[spec.kind]
    assert reliability(codings, by="label").facts.nothing.endswith(f"{nothing}compare.")
    assert correlogram(codings).facts.nothing.endswith(f"{nothing}associate.")
    assert f"{nothing}vote for." in consensus(codings).result.facts.nothing
    if spec is WORDS:
        assert label_shares(codings).facts.nothing == f"'claim' {nothing}count."


def test_a_variable_in_words_is_not_taken_where_none_is_named():
    table = pd.concat([answer(WORDS, "abcde"), answer(NUMBERS, "12345")])
    codings = Codings(table, [WORDS, NUMBERS]).of()
    assert codings.variable.name == "heat"
    assert codings.joins == ("Variable 'heat' alone; not looked at here: 'claim'.",)
    assert reliability(codings).title == "heat: Agreement of the coders"
    assert ChosenVariable.pick(codings.joins).is_first
