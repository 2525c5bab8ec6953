"""Published figures beside ours: rounded as they were printed, nothing left out on either side."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import codebook as cb
from codebook.analysis import beside_published
from codebook.errors import StatisticError

COAL = Path(__file__).parents[3] / "data" / "coal_debate"


def test_a_figure_is_found_again_where_it_is_the_same_as_it_was_printed():
    published = pd.DataFrame({"figure": ["a", "b", "c", "d"], "published": [0.75, 0.75, 3, 0.1235]})
    result = beside_published(
        published.assign(decimals=[2, 2, 0, ""], why=["", "", "one more", ""]),
        {"a": 0.7549, "b": 0.7551, "c": 4, "d": float("nan")},
    )
    assert result.frame["again"].tolist() == [True, False, False, False]
    assert result.frame["why"].tolist() == ["", "[Say why it differs.]", "one more", "[Say why it differs.]"]
    assert result.finding == "1 of 4 published figures is reproduced; different: b, c, d."
    assert result.printed()["Ours"].tolist() == ["0.75", "0.76", "4", "–"]


def test_a_figure_on_one_side_only_or_named_twice_is_a_fault():
    published = pd.DataFrame({"figure": ["a", "a", "b"], "published": [1, 2, 3]})
    with pytest.raises(StatisticError) as error:
        beside_published(published, {"a": 1, "c": 2})
    assert [fault.where for fault in error.value.faults] == ["published", "ours", "ours"]
    with pytest.raises(StatisticError, match="there is no column 'published'"):
        beside_published(published[["figure"]], {"a": 1})


def test_the_means_of_the_coal_debate_are_those_of_its_authors():
    """Exactly with every answer; with one a coder all but the speeches where a coder met a sentence twice in a wave."""
    scores = pd.read_csv(COAL / "speech_scores_by_authors.csv").set_index("speech_no")
    units = pd.read_csv(COAL / "sentences.csv", dtype={"sentence_id": str}).set_index("sentence_id")
    codings = cb.read_coders(COAL / "waves.yaml", cb.read_codebook(COAL / "codebook.yaml"))
    coded = codings.frame.join(units["speech_no"], on="unit_id").astype({"label": float})
    for wave, n_differ in ((1, 8), (2, 3)):
        means = coded[coded["draw"] == wave].groupby("speech_no")["label"].mean()
        distance = (means - scores[f"EN{wave}_meansubsidy"]).abs()
        assert (distance > 1e-12).sum() <= n_differ
        assert distance.max() < 0.03
        assert (distance <= 1e-12).sum() >= 28
    every = pd.read_csv(COAL / "codings.csv", dtype={"sentence_id": str}).query("is_test_question == 0")
    both = every.join(units["speech_no"], on="sentence_id").pivot_table("code", "speech_no", "wave")
    theirs = scores.loc[both.index, ["EN1_meansubsidy", "EN2_meansubsidy"]]
    assert abs(both.to_numpy() - theirs.to_numpy()).max() < 1e-12
