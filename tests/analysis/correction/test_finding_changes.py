"""The difference that other labels make to a finding, held against other ways to get it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from codebook.analysis import Codings, correct
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.correction.finding_changes import changed_findings, paired_share_interval

N = 240


@pytest.fixture(scope="module")
def codings() -> Codings:
    """Labels of two versions, of which the second lacks some, with the age of who wrote the text."""
    rng = np.random.default_rng(5)
    before = rng.choice(["a", "b", "c"], N, p=[0.2, 0.3, 0.5])
    after = np.where(rng.random(N) < 0.8, before, rng.choice(["a", "b", "c"], N))
    units = [f"u{n}" for n in range(N)]
    given = as_codings(pd.DataFrame({"unit": units, "v1": before, "v2": after}), needs_level=False)
    return given.with_groups(pd.Series(rng.normal(40, 10, N) + 4 * (before == "a"), index=units, name="age"))


def read_wide(codings: Codings) -> pd.DataFrame:
    return codings.frame.pivot(index="unit_id", columns="coder", values="label").join(codings.by_unit)


def test_as_outcome_the_difference_is_the_regression_of_the_difference(codings: Codings) -> None:
    wide = read_wide(codings)
    x = np.column_stack([np.ones(N), wide["age"]])
    gap = (wide["v2"] == "a").to_numpy(float) - (wide["v1"] == "a").to_numpy(float)
    bread = np.linalg.inv(x.T @ x)
    slope = bread @ x.T @ gap
    scores = x * (gap - x @ slope)[:, None]
    se = np.sqrt((bread @ scores.T @ scores @ bread)[1, 1])
    row = changed_findings(codings, "v1", "v2", "label ~ age", labels=["a"]).frame.iloc[0]
    assert [row["difference"], row["high"]] == pytest.approx([slope[1], slope[1] + 1.959964 * se], rel=1e-5)


def test_as_covariate_the_interval_is_that_of_a_paired_bootstrap(codings: Codings) -> None:
    wide = read_wide(codings)
    age = wide["age"].to_numpy()
    has = [(wide[name] == "a").to_numpy(float) for name in ("v1", "v2")]
    weights = np.random.default_rng(1).multinomial(N, np.full(N, 1 / N), 2000).astype(float)

    def slope(x: np.ndarray) -> np.ndarray:
        return weights @ (x * age) / (weights @ x) - weights @ ((1 - x) * age) / (weights @ (1 - x))

    gaps = slope(has[1]) - slope(has[0])
    row = changed_findings(codings, "v1", "v2", "age ~ label", labels=["a"]).frame.iloc[0]
    assert (row["high"] - row["low"]) / 2 / 1.96 == pytest.approx(gaps.std(), rel=0.1)
    assert row["difference"] == pytest.approx(row["after"] - row["before"])
    same = changed_findings(codings, "v1", "v1", "age ~ label", labels=["a"]).frame.iloc[0]
    assert (same["difference"], same["reason"]) == (0, "no unit has another label: no interval")
    assert np.isnan(same["low"])


def test_shares_of_other_units_are_each_of_the_units_that_have_a_label(codings: Codings) -> None:
    frame = codings.frame
    gone = (frame["coder"] == "v1") & frame["unit_id"].isin([f"u{n}" for n in range(40)])
    frame = frame.assign(label=frame["label"].mask(gone), why=frame["why"].mask(gone, "refused"))
    filled = Codings(frame, codings.variables)
    row = changed_findings(filled, "v1", "v2", labels=["b"]).frame.iloc[0]
    wide = read_wide(codings)
    assert row["before"] == pytest.approx((wide.loc[[f"u{n}" for n in range(40, N)], "v1"] == "b").mean())
    assert (row["after"], row["n"]) == (pytest.approx((wide["v2"] == "b").mean()), N)


def test_by_sampled_gold_each_figure_is_corrected_as_it_is_alone(codings: Codings) -> None:
    wide = read_wide(codings).drop(columns="age").reset_index().rename(columns={"unit_id": "unit"})
    wide["gold"] = wide["v1"].where(wide.index % 3 == 0)
    given = as_codings(wide, gold="gold", needs_level=False).with_sample("random")
    rows = changed_findings(given, "v1", "v2", labels=["a"]).frame.set_index("source").loc["corrected"]
    for coder, figure in (("v1", "before"), ("v2", "after")):
        alone = correct(replace(given.only([coder, "gold"]), models=(coder,)), "label ~ 1", label="a").frame
        assert rows[figure] == pytest.approx(alone.set_index("source").loc["corrected", "estimate"])
    assert rows["low"] < rows["difference"] < rows["high"]


@pytest.mark.parametrize(("n", "share"), [(20, 0.1), (200, 0.02), (20, 0.3)])
def test_the_interval_of_a_paired_share_holds_for_few_units_and_rare_labels(n: int, share: float) -> None:
    drawn = np.random.default_rng(3).multinomial(n, [share, share / 2, 1 - 1.5 * share], 600)
    ends = [paired_share_interval(gained, lost, n) for gained, lost, _ in drawn.tolist()]
    held = np.mean([low <= share / 2 <= high for low, high in ends])
    assert 0.92 <= held <= 1.0
