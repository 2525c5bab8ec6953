"""Behavioural tests of a codebook: probes, the same core, scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import codebook as cb
from codebook.codings import make_table
from codebook.errors import ParameterError, StatisticError
from codebook.ground.whys import WHYS
from codebook.scheme import parse_codebook, write_codebook

DATA = Path(__file__).parents[3] / "data"
BOOK = parse_codebook("""
name: tone
unit: a headline
variables:
  - name: tone
    question: Which tone?
    kind: single
    level: nominal
    categories:
      - {name: good, definition: It praises., examples: [Well done.]}
      - {name: bad, definition: It blames., examples: [A disaster., Shame.]}
  - {name: means, question: "By what?", kind: multi, level: nominal, categories: [x, y]}
""")


def table_of(labels: dict[str, str | None], why: str = "invalid") -> pd.DataFrame:
    return make_table(
        [
            {"unit_id": unit, "coder": "m", "variable": "tone", "label": label, "why": None if label else why}
            for unit, label in labels.items()
        ]
    )


def score(table: pd.DataFrame, probes: pd.DataFrame, **asked: Any) -> pd.DataFrame:
    return cb.behaviour(table, probes, **asked).frame


def test_scores_count_what_was_expected_and_invalid_answers_are_wrong() -> None:
    probes = cb.tasks.behaviour_probes(BOOK)
    assert probes["unit_id"].tolist() == ["definition-1", "example-1-1", "definition-2", "example-2-1", "example-2-2"]
    said = {"definition-1": "good", "definition-2": "good", "example-1-1": "good", "example-2-1": "bad"}
    table = table_of({**said, "example-2-2": None})
    other = table_of({**said, "definition-2": "bad", "example-2-2": None})
    scores = score(table, probes, reordered=other).set_index("test")
    assert scores[["n", "n_right"]].to_dict("index") == {
        "legal labels": {"n": 5, "n_right": 4},
        "definitions recovered": {"n": 2, "n_right": 1},
        "own examples recovered": {"n": 3, "n_right": 2},
        "same label in reverse order": {"n": 5, "n_right": 3},  # one changed, one is no label in either
    }
    # Wilson's interval for 1 of 2: (1 + 1.92 -+ 1.96 sqrt(2 / 4 + 0.96)) / (2 + 3.84)
    assert scores.loc["definitions recovered", ["low", "high"]].tolist() == pytest.approx([0.0945, 0.9055], abs=1e-3)


@pytest.mark.parametrize("why", [why for why in WHYS if why != "pending"])
def test_s04_a_row_without_a_label_is_no_legal_label_whatever_the_reason(why: str) -> None:
    probes = cb.tasks.behaviour_probes(BOOK)
    nothing = table_of(dict.fromkeys(["definition-1", "definition-2"]), why)
    scores = score(nothing, probes).set_index("test")
    assert scores.loc["legal labels", ["n", "n_right"]].tolist() == [2, 0]
    mixed = table_of({"definition-1": "good", "definition-2": None}, why)
    scores = score(mixed, probes).set_index("test")
    assert scores.loc["legal labels", ["n", "n_right"]].tolist() == [2, 1]


def test_each_model_is_compared_with_itself_in_reverse_order() -> None:
    probes = cb.tasks.behaviour_probes(BOOK)
    one, two = table_of({"definition-1": "good", "definition-2": "bad"}), table_of({"definition-1": "bad"})
    before = pd.concat([one.assign(coder="m@p1"), two.assign(coder="n@p1"), two.assign(coder="gone@p1")])
    after = pd.concat([one.assign(coder="m@p2"), two.assign(coder="n@p2")])
    scores = score(before, probes, reordered=after)
    same = scores[scores["test"] == "same label in reverse order"].set_index("coder")
    assert same[["n", "n_right"]].to_numpy().tolist() == [[0, 0], [2, 2], [1, 1]]
    assert same["reason"].tolist() == ["it is not in `reordered`", "", ""]


@pytest.mark.slow
def test_the_embedded_engine_follows_the_topics(project: Path) -> None:
    book = cb.read_codebook(DATA / "topics_sib200_en" / "codebook.yaml")
    probes, answers = cb.tasks.behaviour_probes(book), []
    for name, asked in (("probes", book), ("reversed", cb.tasks.reverse_categories(book))):
        run = cb.plan(asked, cb.tasks.probe_units(probes), run=name)
        run.submit()
        run.collect()
        answers.append(run.codings())
    result = cb.behaviour(answers[0], probes, reordered=answers[1])
    scores = result.frame.set_index("test")["value"]
    assert scores["legal labels"] == scores["definitions recovered"] == scores["same label in reverse order"] == 1
    assert pd.isna(scores["own examples recovered"])  # the codebook has none
    assert result.save().outputs == project / "runs" / "probes" / "outputs"
    assert (project / "runs" / "probes" / "outputs" / "behaviour.png").is_file()
    assert result.finding.startswith("embedded-use-minilm-2: legal labels 7 of 7, definitions recovered")


def test_scales_keep_their_order() -> None:
    book = cb.read_codebook(DATA / "coal_debate" / "codebook.yaml")
    turned = cb.tasks.reverse_categories(book)
    for before, after in zip(book.variables, turned.variables, strict=True):
        kept = before.kind == "rating" or before.level != "nominal"
        assert after.scale == (before.scale if kept else before.scale[::-1])
    assert cb.tasks.reverse_categories(BOOK).variables[0].scale == ("bad", "good")


def test_where_none_is_named_the_first_variable_with_one_label_a_unit_is_probed_and_asked_alone(project: Path) -> None:
    book = BOOK.model_copy(update={"variables": BOOK.variables[::-1]})
    write_codebook(book, project / "codebook.yaml")
    study = cb.open_study(run="one")
    probes = cb.tasks.behaviour_probes(study.codebook)
    assert set(probes["variable"]) == {"tone"}
    answers = study.ask_probes(probes)
    assert [variable.name for variable in answers.variables] == ["tone"]
    assert cb.behaviour(answers.of(), probes, reordered=study.ask_probes(probes, in_reverse=True)).frame["n"].min() > 0
    sets = book.model_copy(update={"variables": book.variables[:1]})
    assert cb.tasks.behaviour_probes(sets).empty
    nothing = cb.behaviour(answers.of(), probes.head(0))
    assert nothing.facts.nothing.startswith("No category of 'tone' has a definition")


def test_what_cannot_be_probed_or_scored_is_said() -> None:
    with pytest.raises(ParameterError, match="choose one of kind single or rating"):
        cb.tasks.behaviour_probes(BOOK, "means")
    probes = cb.tasks.behaviour_probes(BOOK)
    with pytest.raises(StatisticError, match="plan a run over"):
        score(table_of({"u1": "good"}), probes)
    with pytest.raises(StatisticError, match="1 answer is outstanding"):
        score(table_of({"definition-1": None}, "pending"), probes)


@pytest.mark.slow
def test_the_answers_of_another_run_stand_beside_those_of_a_run(project: Path) -> None:
    book = cb.read_codebook(DATA / "topics_sib200_en" / "codebook.yaml")
    probes, runs = cb.tasks.behaviour_probes(book), []
    for name, asked, n in (("one", book, 7), ("two", cb.tasks.reverse_categories(book), 5)):
        runs.append(cb.plan(asked, cb.tasks.probe_units(probes)[:n], run=name))
        runs[-1].submit()
        runs[-1].collect()
    codings = runs[0].codings(beside=[runs[1]])
    assert len(codings.coders) == 2
    assert codings.machines == codings.coders
    assert codings.frame["unit_id"].nunique() == 5
    assert codings.notes[-1] == "Left out: 2 units that two does not have."
    assert codings.outputs == project / "runs" / "one" / "outputs"
