"""Studies with a known truth: false findings of model labels, and the coverage of corrected intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from codebook.analysis.core.result import Result
from codebook.analysis.correction import LabelColumns, correct, make_study, prevalence, rate_ways, simulate_studies
from codebook.analysis.correction.simulation import WAYS
from codebook.errors import StatisticError

pytestmark = pytest.mark.slow

N_STUDIES = 150


@pytest.fixture(scope="module")
def studies() -> Result:
    return simulate_studies(N_STUDIES, seed=1)


def test_model_labels_alone_find_what_is_not_there(studies):
    """analysis_methods.md, section 0: 100 % false positives, gold alone .062 (SE .247), corrected .045 (SE .169)."""
    summary = rate_ways(studies.frame).set_index("way")
    assert list(summary.index) == list(WAYS)
    found = summary["found"]
    assert found["model labels only"] > 0.98
    for way in WAYS[1:4]:
        assert found[way] <= 0.09
        assert abs(summary.loc[way, "estimate"]) < 3 * summary.loc[way, "spread"] / np.sqrt(N_STUDIES)
    assert found["the same, chances forgotten"] > 0.4
    assert summary.loc["gold only", "se"] == pytest.approx(0.247, abs=0.02)
    assert summary.loc["corrected", "se"] == pytest.approx(0.169, abs=0.02)
    assert summary.loc["corrected, doubtful units drawn more often", "se"] < summary.loc["corrected", "se"]
    assert (summary["n_studies"] == N_STUDIES).all()


def test_the_studies_are_what_correct_gives(studies):
    seed = int(np.random.SeedSequence(1).generate_state(N_STUDIES)[4])
    data = make_study(5000, 300, seed=seed)
    ours = studies.frame[studies.frame["study"] == 4].set_index("way")
    frame = correct(data, "gold ~ group", family="logistic").frame
    rows = frame[frame["coefficient"] == "group"].set_index("source")
    for source in rows.index:
        assert rows.loc[source, ["estimate", "se"]].tolist() == pytest.approx(ours.loc[source, ["estimate", "se"]])
    columns = LabelColumns("gold_doubt", prob="prob_doubt")
    doubt = correct(data, "gold_doubt ~ group", family="logistic", columns=columns).frame
    row = doubt[(doubt["coefficient"] == "group") & (doubt["source"] == "corrected")].iloc[0]
    assert row["se"] == pytest.approx(ours.loc[WAYS[3], "se"])


def test_the_figure_marks_the_intervals_that_miss(studies):
    figure = studies.plot()
    assert [axes.get_title(loc="left").replace("\n", " ") for axes in figure.axes] == list(WAYS)
    counted = [axes.get_xlabel().split("\n")[1] for axes in figure.axes]
    assert counted == [f"{share * N_STUDIES:.0f} of 150" for share in rate_ways(studies.frame)["found"]], "of all"
    assert figure.axes[0].get_xlabel() == "100 % find one\n150 of 150"
    assert "150 made-up studies, the first 60 drawn, all counted" in figure.get_supxlabel()
    drawn = [len(line.get_xdata()) for line in figure.axes[2].lines[:2]]
    assert sum(drawn) == 60
    assert list(studies.printed())[:2] == ["Way", "Found"]
    assert studies.finding.startswith("In 150 studies an effect is found in 100 % by the model labels alone")


def test_no_studies_are_refused():
    with pytest.raises(StatisticError, match="pass 100"):
        simulate_studies(0, n_gold=6000)


def test_corrected_logistic_coefficients_cover():
    """300 studies of 1,000 units, 200 gold, true log odds ratio .5, seed 5: between 92 and 98 % of the intervals."""
    studies = simulate_studies(300, n_units=1000, n_gold=200, effect=0.5, seed=5)
    summary = rate_ways(studies.frame, 0.5).set_index("way")
    assert 0.92 <= summary.loc["corrected", "covered"] <= 0.98
    assert 0.92 <= summary.loc["corrected, doubtful units drawn more often", "covered"] <= 0.98
    assert summary.loc["model labels only", "covered"] < 0.1


def test_corrected_linear_coefficients_of_a_label_as_covariate_cover_with_clusters():
    """150 studies of 600 units in 60 clusters, strata drawn unequally, true slope 1, seed 8."""
    rng = np.random.default_rng(8)
    inside = [_slope_is_covered(rng) for _ in range(150)]
    assert 0.92 <= np.mean(inside) <= 0.98


def _slope_is_covered(rng: np.random.Generator) -> bool:
    cluster = np.repeat(np.arange(60), 10)
    truth = (rng.random(600) < 0.2 + 0.4 * rng.random(60)[cluster]).astype(float)
    predicted = np.where(rng.random(600) < 0.85, truth, 1 - truth)
    y = truth + rng.normal(size=60)[cluster] + rng.normal(size=600)
    chance = np.where(predicted == 1, 0.5, 0.25)
    gold = np.where(rng.random(600) < chance, truth, np.nan)
    data = pd.DataFrame({"y": y, "gold": gold, "predicted": predicted, "prob": chance, "cluster": cluster})
    frame = correct(data, "y ~ gold", columns=LabelColumns(cluster="cluster")).frame
    row = frame[(frame["coefficient"] == "gold") & (frame["source"] == "corrected")].iloc[0]
    return bool(row["low"] <= 1 <= row["high"])


def test_corrected_shares_cover():
    """150 studies of 600 units, 20 % with the label, 120 of them gold at random, seed 9."""
    rng = np.random.default_rng(9)
    inside = [_share_is_covered(rng) for _ in range(150)]
    assert 0.92 <= np.mean(inside) <= 0.98


def _share_is_covered(rng: np.random.Generator) -> bool:
    truth = rng.random(600) < 0.2
    model = np.where(rng.random(600) < 0.85, truth, ~truth)
    unit, words = np.arange(600).astype(str), np.array(["no", "yes"])
    coded = rng.permutation(600) < 120
    gold = pd.DataFrame({"unit_id": unit[coded], "coder": "gold", "label": words[truth[coded].astype(int)]})
    parts = [gold, pd.DataFrame({"unit_id": unit, "coder": "model", "label": words[model.astype(int)]})]
    table = pd.concat(parts, ignore_index=True).assign(variable="v", draw=0, why=None).astype({"why": "str"})
    row = prevalence(table, level="nominal", gold="gold", sample="random").frame.set_index(["label", "source"])
    row = row.loc["yes", "corrected"]
    return bool(row["low"] <= 0.2 <= row["high"])
