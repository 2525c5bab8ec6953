"""The pull of suggestions: shares, differences and alpha in the arm that saw them and in the one that did not."""

from __future__ import annotations

import pandas as pd
import pytest

import codebook as cb
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.scales import VariableSpec
from codebook.analysis.core.standard_errors import newcombe_interval, wilson_interval
from codebook.analysis.robustness.suggestion_pull import suggestion_report
from codebook.errors import StatisticError

TONE = VariableSpec("tone", "nominal", ["a", "b"])
FEW = cb.Bootstrap(50)


def make(n: int = 80, **more: list[str]) -> Codings:
    """Half of the units in each arm; ann takes every suggestion over, bo three of four whether shown or not."""
    labels = {"ann": ["a"] * (n // 2) + ["a", "b"] * (n // 4), "bo": ["a", "a", "b", "a"] * (n // 4)}
    table = make_table("tone", {**labels, **more, "m": ["a"] * n})
    arms = dict(zip(table["unit_id"].unique(), ["with"] * (n // 2) + ["without"] * (n // 2), strict=True))
    table["arm"] = table["unit_id"].map(arms).where(table["coder"] != "m", "none")
    table["seconds"] = table["arm"].map({"with": 2, "without": 3})
    return Codings(table, [TONE], models=("m",), gold="gold" if "gold" in more else "")


def pick(frame: pd.DataFrame, **values: str) -> pd.Series:
    (row,) = frame[(frame[list(values)] == pd.Series(values)).all(axis=1)].to_dict("records")
    return pd.Series(row)


def test_shares_have_wilson_intervals_and_their_difference_newcombes():
    frame = suggestion_report(make(), "m", resample=FEW).frame
    ann = {arm: pick(frame, measure="label of the suggestion", coder="ann", arm=arm) for arm in ("with", "without")}
    assert (ann["with"]["n_same"], ann["without"]["n_same"]) == (40, 20)
    assert (ann["without"]["low"], ann["without"]["high"]) == wilson_interval(20, 40)
    apart = pick(frame, measure="label of the suggestion", coder="ann", arm="with - without")
    assert (apart["low"], apart["high"]) == newcombe_interval((40, 40), (20, 40))
    assert (ann["with"]["seconds"], ann["without"]["seconds"]) == (2, 3)


def test_alpha_of_each_arm_is_that_of_reliability():
    codings = make()
    frame = suggestion_report(codings, "m", resample=FEW).frame
    for arm in ("with", "without"):
        rows = codings.frame[codings.frame["arm"] == arm]
        alone = cb.reliability(Codings(rows, [TONE]), coefficients=["alpha"], resample=cb.Bootstrap(0)).frame
        assert pick(frame, measure="alpha", arm=arm)["value"] == pytest.approx(alone["value"].iloc[0], abs=1e-12)
    assert pick(frame, measure="alpha", arm="with - without")["n"] == 80


def test_gold_tells_whether_suggestions_made_labels_worse():
    frame = suggestion_report(make(gold=["b"] * 80), "m", resample=FEW).frame
    right = frame[(frame["measure"] == "label of the gold") & (frame["coder"] == "")]
    assert right["n_same"].tolist() == [10, 30, 40]


def test_below_twenty_codings_there_is_no_interval_and_the_reason_is_said():
    frame = suggestion_report(make(16), "m", resample=FEW).frame
    assert frame["low"].isna().all()
    assert frame["high"].isna().all()
    assert frame["reason"].str.contains("fewer than 20|constant|variation|same", regex=True).all()


def test_sets_are_the_same_in_any_order_and_the_column_of_the_log_comes_first():
    table = make_table("v", {"ann": ['["x","y"]', "[]"] * 20, "bo": ['["x"]', "[]"] * 20})
    table["arm"] = ["with", "with", "without", "without"] * 20
    table["suggestion"] = '["y", "x"]'
    codings = Codings(table, [VariableSpec("v", "nominal", ["x", "y"], "multi")])
    frame = suggestion_report(codings, resample=FEW).frame
    assert pick(frame, measure="label of the suggestion", coder="ann", arm="with")["n_same"] == 10
    assert pick(frame, measure="label of the suggestion", coder="bo", arm="with")["n_same"] == 0
    assert pick(frame, measure="alpha", arm="with")["n"] == 20


def test_what_is_lacking_is_said():
    codings = make()
    with pytest.raises(StatisticError, match="nobody says what was suggested"):
        suggestion_report(codings)
    bare = Codings(codings.frame.drop(columns="arm"), [TONE])
    with pytest.raises(StatisticError, match="whether a suggestion was shown"):
        suggestion_report(bare, "m")
    one_arm = Codings(codings.frame[codings.frame["arm"] != "without"], [TONE], models=("m",))
    assert "given 'without' a suggestion" in suggestion_report(one_arm, "m").finding
    unknown = Codings(codings.frame[codings.frame["unit_id"] != "u1"], [TONE], models=("m",))
    extra = codings.frame[(codings.frame["unit_id"] == "u1") & (codings.frame["coder"] == "ann")]
    more = Codings(pd.concat([unknown.frame, extra]), [TONE], models=("m",))
    assert suggestion_report(more, "m").facts.dropped == {"codings of which no suggestion is known": 1}


def test_the_figure_has_both_arms():
    figure = suggestion_report(make(), "m", resample=FEW).plot()
    assert {text.get_text() for text in figure.findobj(lambda each: hasattr(each, "get_text"))} >= {"with", "without"}
