"""Codings: made once, checked once, narrowed, and shown."""

from __future__ import annotations

import pandas as pd
import pytest

from codebook.analysis import Bootstrap, validity
from codebook.analysis.core.codings import Codings, GoldSample
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.scales import VariableSpec
from codebook.analysis.reliability import reliability
from codebook.errors import Fault, StatisticError
from codebook.scheme import Variable

TONE = VariableSpec("tone", "nominal", ["a", "b"])
TABLE = make_table("tone", {"gold": ["a", "b"], "ann": ["a", "a"], "ben": ["b", None]})


@pytest.fixture
def codings() -> Codings:
    machine = make_table("tone", {"m": ["a", "b"]}).assign(run_id="r")
    frame = pd.concat([TABLE.assign(run_id=""), machine], ignore_index=True)
    return Codings(frame, [TONE], gold="gold", texts={"u1": "First text", "u2": "Second"})


def test_roles_and_groups(codings: Codings) -> None:
    assert (codings.people, codings.machines, codings.gold) == (["ann", "ben"], ["m"], "gold")
    assert codings.groups == {"people": ["ann", "ben"], "people + m": ["ann", "ben", "m"]}
    assert codings.only(["ann", "gold"]).alone.startswith("One coder ('ann') beside the gold: nothing to compare")


@pytest.mark.parametrize("n", [2, 90])
def test_beside_the_gold_stand_those_who_coded_its_units_however_few_they_are(n: int) -> None:
    table = make_table("tone", {"gold": ["a", *[None] * (n - 1)], "ann": ["b"] * n, "ben": ["b"] * n})
    table = table[(table["coder"] != "ben") | (table["unit_id"] != "u1")]
    assert Codings(table, [TONE], gold="gold").beside_gold == ["ann"]


def test_coverage_sums_and_is_shown(codings: Codings) -> None:
    assert codings.coverage == {"tone": {"labelled": 7, "absent": 1}}
    assert "8 codings = 7 labelled + 1 absent" in repr(codings)
    assert "First text" in codings._repr_html_()


def test_narrowing_returns_new_codings_and_names_what_is_there(codings: Codings) -> None:
    parts = codings.with_groups(pd.Series({"u1": "left", "u2": "right"}, name="party"))
    assert set(parts.where(party="left").frame["unit_id"]) == {"u1"}
    assert len(codings.frame) == 8
    with pytest.raises(StatisticError, match=r"no covariate 'age'.*use one of 'party'"):
        parts.where(age=3)
    with pytest.raises(StatisticError, match="no unit has 'centre'"):
        parts.where(party="centre")
    with pytest.raises(StatisticError, match=r"no coding by 'cy'.*'gold', 'ann', 'ben', 'm'"):
        codings.only(["cy"])
    with pytest.raises(StatisticError, match=r"'stance' is unknown.*'tone'"):
        codings.of("stance")


def test_a_frame_without_its_columns_is_refused() -> None:
    with pytest.raises(StatisticError, match="the table has no 'why'"):
        Codings(TABLE.drop(columns="why"), [TONE])


def test_the_gold_sample_weighs_unless_it_was_declined_or_every_unit_has_gold(codings: Codings) -> None:
    sample = pd.DataFrame({"unit_id": ["u1"], "prob": [0.5]})
    frame, sentence = codings.with_sample(GoldSample(sample, "runs/r/gold.jsonl")).gold_sample()
    assert frame is None
    assert sentence == "runs/r/gold.jsonl is not used: every unit of the run has a label of 'gold'."
    frame, sentence = codings.with_sample(sample).gold_sample()
    assert frame is not None
    assert "1 gold units, weighted by chances of 0.5 to 0.5" in sentence
    locked = GoldSample(sample, named=True, locked=(Fault("part", "it is locked", "unlock it"),))
    with pytest.raises(StatisticError, match="unlock it"):
        codings.with_sample(locked).gold_sample()


def test_a_wide_frame_has_a_column_a_coder() -> None:
    wide = pd.DataFrame({"anna": [1, 2, None], "ben": [1, 10, 3]})
    codings = as_codings(wide, level="ordinal")
    assert codings.coders == ["anna", "ben"]
    assert list(codings.variable.labels or ()) == ["1", "2", "3", "10"]
    assert codings.coverage == {"label": {"labelled": 5, "absent": 1}}


def test_a_long_frame_and_the_tidy_one_are_read_too() -> None:
    long = pd.DataFrame({"unit": ["x", "x"], "coder": ["ann", "ben"], "label": ["yes", "no"]})
    assert as_codings(long, level="nominal").frame["unit_id"].tolist() == ["x", "x"]
    assert as_codings(TABLE, level="nominal", gold="gold").people == ["ann", "ben"]


def test_a_category_has_its_own_order_and_words_without_one_are_no_scale() -> None:
    words = pd.DataFrame({"a": ["low", "high"], "b": ["high", "high"]})
    with pytest.raises(StatisticError, match=r"'high', 'low' have no order.*ordered pd.Categorical"):
        as_codings(words, level="ordinal")
    scale = pd.CategoricalDtype(["low", "high"], ordered=True)
    assert list(as_codings(words.astype(scale), level="ordinal").variable.labels or ()) == ["low", "high"]


def test_no_level_is_ever_guessed() -> None:
    with pytest.raises(StatisticError, match=r"no level of measurement is said.*pass level= one of nominal"):
        as_codings(pd.DataFrame({"a": [1], "b": [2]}))
    with pytest.raises(StatisticError, match="it has coder and label, and no unit"):
        as_codings(pd.DataFrame({"coder": ["a"], "label": ["b"]}), level="nominal")


def test_sets_of_labels_in_lists_are_json() -> None:
    wide = pd.DataFrame({"a": [["x", "y"], []], "b": [["x"], ["y"]]})
    codings = as_codings(wide, level="masi")
    assert codings.frame["label"].tolist() == ['["x", "y"]', "[]", '["x"]', '["y"]']
    assert (codings.variable.kind, list(codings.variable.labels or ())) == ("multi", ["x", "y"])


def test_texts_and_covariates_say_what_does_not_meet(codings: Codings) -> None:
    with pytest.raises(StatisticError, match="2 of 2 units are not among the texts"):
        codings.with_texts({"x1": "a text"})
    some = codings.with_texts({"u1": "a short text"})
    assert "1 of 2 units is not among the texts (first: 'u2')." in repr(some)
    counted = some.with_word_counts()
    assert counted.covariate("n_words").to_dict() == {"u1": 3}
    assert counted.joins == ("1 of 2 units is not among the texts (first: 'u2').",)
    with pytest.raises(StatisticError, match=r"add them first: codings.with_texts\(units\)"):
        Codings(TABLE, [TONE]).with_word_counts()
    for unnamed in (pd.Series({"u1": "left", "u2": "right"}), ["left", "right"]):
        with pytest.raises(StatisticError, match=r'has no name\. To mend: pass values.rename\("party"\)'):
            codings.with_groups(unnamed)  # type: ignore[arg-type]


def test_an_abstention_on_a_scale_is_no_point_of_it() -> None:
    """Whoever reads the labels: figures are those of the units on which both gave a point."""
    heat = Variable(
        name="heat",
        question="?",
        kind="rating",
        level="ordinal",
        categories=["low", "mid", "high"],
        abstain=["unclear"],
    )
    table = make_table(
        "heat", {"ann": ["low", "mid", "high", "unclear", "low"], "ben": ["low", "high", "high", "mid", "low"]}
    )
    codings = Codings(table, [heat])
    result = reliability(codings, coefficients=["alpha", "percent"], resample=Bootstrap(0))
    rest = Codings(table[table["unit_id"] != "u4"], [heat])
    assert result.frame["value"].tolist() == pytest.approx(
        reliability(rest, coefficients=["alpha", "percent"], resample=Bootstrap(0)).frame["value"].tolist()
    )
    assert result.facts.coverage == {"heat": {"labelled": 9, "abstained": 1}}
    assert "1 abstention on a scale is set aside" in result.note
    gold = validity(codings.with_gold("ben"), "ann", resample=Bootstrap(0)).frame.iloc[0]
    assert (gold["n_asked"], gold["n_answered"]) == (5, 4)
    asked = Codings(table, [heat.model_copy(update={"level": "nominal"})])
    assert reliability(asked, level="ordinal", resample=Bootstrap(0)).frame["value"][0] == result.frame["value"][0]
    assert reliability(asked, resample=Bootstrap(0)).frame["n_units"][0] == 5
