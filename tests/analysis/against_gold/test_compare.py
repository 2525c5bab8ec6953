"""Two coders against one gold: paired differences, McNemar's test, and what makes them undefined."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from alphas import alpha_of
from sklearn.metrics import f1_score, matthews_corrcoef
from statsmodels.stats.contingency_tables import mcnemar

from codebook.analysis import compare, validity
from codebook.analysis.core.codings import Clusters, Codings
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.scales import VariableSpec
from codebook.errors import StatisticError

DATA = Path(__file__).parents[3] / "data"
TONE = ["-1", "0", "1"]


def hold(
    table: pd.DataFrame,
    *,
    labels: list[str] = TONE,
    level: str = "ordinal",
    kind: str = "single",
    sample: pd.DataFrame | None = None,
    clusters: Clusters | None = None,
) -> Codings:
    """Codings of the variable `tone` beside the coder `gold`."""
    codings = Codings(table, [VariableSpec("tone", level, labels, kind)], gold="gold", clusters=clusters)
    return codings.with_sample(sample)


@pytest.fixture(scope="module")
def headlines() -> pd.DataFrame:
    """Gold of a shipped study and the first repetition of each method."""
    gold = pd.read_csv(DATA / "econ_headlines" / "headlines.csv", dtype=str)
    made = pd.read_csv(DATA / "econ_headlines" / "method_predictions.csv", dtype=str)
    made = made[made["repetition"] == made.groupby("method_name")["repetition"].transform("min")]
    parts = [
        pd.DataFrame({"unit_id": gold["headline_id"], "coder": "gold", "label": gold["gold"]}),
        pd.DataFrame({"unit_id": made["headline_id"], "coder": made["method_name"], "label": made["value"]}),
    ]
    return pd.concat(parts, ignore_index=True).assign(variable="tone", draw=0, why=None).astype({"why": "str"})


def codes(table: pd.DataFrame, *coders: str) -> list[np.ndarray]:
    wide = table.pivot_table(index="unit_id", columns="coder", values="label", aggfunc="first")[list(coders)].dropna()
    return [wide[coder].to_numpy() for coder in coders]


def test_differences_of_two_real_methods(headlines):
    result = compare(hold(headlines), "svm", other(headlines))
    frame, (a, b) = result.frame, result.facts.coverage
    rows = frame.set_index("measure")
    gold, by_a, by_b = codes(headlines, "gold", a, b)
    assert rows["n"].tolist() == [len(gold)] * 4
    assert rows.loc["accuracy", "value_a"] == pytest.approx((gold == by_a).mean())
    macro = [f1_score(gold, by, average="macro") for by in (by_a, by_b)]
    assert rows.loc["macro F1", ["value_a", "value_b"]].tolist() == pytest.approx(macro)
    assert rows.loc["macro F1", "difference"] == pytest.approx(macro[0] - macro[1])
    mcc = [matthews_corrcoef(gold, by) for by in (by_a, by_b)]
    assert rows.loc["MCC", ["value_a", "value_b"]].tolist() == pytest.approx(mcc)
    alone = alpha_of(headlines, variable="tone", labels=TONE, level="ordinal", coders=["gold", a])
    assert rows.loc["alpha", "value_a"] == pytest.approx(alone.value)
    assert (frame["difference_low"] < frame["difference"]).all()
    assert (frame["difference"] < frame["difference_high"]).all()
    table = [[0, ((gold == by_a) & (gold != by_b)).sum()], [((gold != by_a) & (gold == by_b)).sum(), 0]]
    assert rows.loc["accuracy", ["only_a", "only_b"]].tolist() == [table[0][1], table[1][0]]
    exact = sum(map(sum, table)) < 25
    assert rows.loc["accuracy", "p"] == pytest.approx(mcnemar(table, exact=exact, correction=False).pvalue)


def other(table: pd.DataFrame) -> str:
    """A method other than svm that coded every headline."""
    n_coded = table.groupby("coder")["unit_id"].nunique()
    return next(
        name for name in sorted(n_coded.index) if n_coded[name] == n_coded["gold"] and name not in ("gold", "svm")
    )


def test_changing_places_changes_the_sign(headlines):
    b = other(headlines)
    pairs = (("svm", b), (b, "svm"))
    one, two = (compare(hold(headlines), *pair, resample=Bootstrap(200)).frame for pair in pairs)
    assert one["difference"].tolist() == pytest.approx((-two["difference"]).tolist())
    assert one["only_a"][0] == two["only_b"][0]
    assert one["p"][0] == two["p"][0]


def test_mcnemar_exact_by_hand():
    """8 against 1 discordant units: twice the binomial tail, 2 x (1 + 9) / 2^9."""
    table = make_table("tone", {"gold": ["0"] * 20, "m": ["0"] * 19 + ["1"], "k": ["0"] * 11 + ["1"] * 8 + ["0"]})
    row = compare(hold(table), "m", "k").frame.iloc[0]
    assert (row["only_a"], row["only_b"], row["test"]) == (8, 1, "McNemar, exact")
    assert row["p"] == pytest.approx(20 / 512)


def test_paired_intervals_are_shorter_than_those_of_two_apart():
    """Two coders who err on the same units: the difference is known far better than either accuracy."""
    rng = np.random.default_rng(1)
    gold = rng.choice(TONE, size=300)
    m = np.where(rng.random(300) < 0.7, gold, "0")
    k = np.where(rng.random(300) < 0.97, m, gold)
    table = make_table("tone", {"gold": gold, "m": m, "k": k})
    result = compare(hold(table), "k", "m")
    row = result.frame.iloc[0]
    apart = validity(hold(table)).frame.set_index("coder").loc["m"]
    assert result.finding.endswith("Neither is shown to meet the gold better (McNemar, exact: p > .999).")
    assert list(result.printed())[:5] == ["Measure", "n", "Value a", "Value b", "Difference"]
    assert len(result.plot().axes[0].get_yticklabels()) == 4
    assert row["difference_high"] - row["difference_low"] < 0.5 * (apart["accuracy_high"] - apart["accuracy_low"])


@pytest.mark.slow
def test_intervals_of_a_difference_cover_what_they_say():
    """300 studies of 150 units, seed 0: 95 % intervals of the difference in accuracy, which is .1."""
    from codebook.analysis.against_gold.gold_cells import Cells
    from codebook.analysis.against_gold.measures import measure_statistics, overall_measures

    def overall_of(weights, cells):
        return overall_measures(weights, cells)[:, :1]

    rng = np.random.default_rng(0)
    right, one = np.array([[1, 1], [1, 0], [0, 1], [0, 0]], dtype=bool), np.ones((4, 1), dtype=bool)
    held = 0
    for study in range(300):
        times = rng.multinomial(150, [0.55, 0.2, 0.1, 0.15])
        a, b = (Cells(("x",), one, right[:, [at]], np.ones(4, dtype=bool), times, 150) for at in (0, 1))
        how = Bootstrap(300, 0.95, study)
        (measure,) = measure_statistics([a, b], lambda a, b: lambda w: overall_of(w, a) - overall_of(w, b), how)
        held += measure.low <= 0.1 <= measure.high
    assert 0.92 <= held / 300 <= 0.98


def test_unanswered_and_unasked_units():
    table = make_table("tone", {"gold": list("0101"), "m": ["0", None, "0", "1"], "k": ["0", "1", "1", "1"]})
    table = table.drop(index=table.index[(table["coder"] == "k") & (table["unit_id"] == "u4")])
    result = compare(hold(table), "m", "k", resample=Bootstrap(0))
    frame = result.frame
    row = frame.iloc[0]
    assert (row["n"], row["value_a"], row["value_b"]) == (3, pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert frame["n"].tolist() == [3, 3, 3, 2]
    assert result.facts.n_apart == 1
    assert result.facts.coverage["m"] == {"labelled": 3, "absent": 1}
    assert result.facts.coverage["k"] == {"labelled": 3, "not asked": 1}


def test_weights_and_clusters_leave_mcnemar_out():
    rng = np.random.default_rng(3)
    gold = rng.choice(TONE, size=80)
    m, k = (np.where(rng.random(80) < share, gold, "0") for share in (0.8, 0.6))
    table = make_table("tone", {"gold": gold, "m": m, "k": k})
    prob = rng.choice([0.2, 0.8], size=80)
    sample = pd.DataFrame({"unit_id": table["unit_id"].head(80), "prob": prob})
    frame = compare(hold(table, sample=sample), "m", "k").frame
    assert frame["value_a"][0] == pytest.approx(np.average(gold == m, weights=1 / prob))
    assert math.isnan(frame["p"][0])
    assert frame["reason"][0] == "no McNemar test: units were drawn with unequal chances"
    even = compare(hold(table, sample=sample.assign(prob=0.5)), "m", "k").frame
    assert even["p"][0] < 0.05
    clusters = {unit: unit[-1] for unit in table["unit_id"]}
    clustered = compare(hold(table, clusters=clusters), "m", "k")
    assert clustered.frame["reason"][0] == "no McNemar test: units are in clusters"
    assert clustered.facts.resampled == "clusters of gold units"


def test_sets_of_labels():
    sets = {
        "gold": ['["0", "1"]', '["0"]', "[]", '["1"]'] * 5,
        "m": ['["0", "1"]', '["0"]', '["1"]', '["1"]'] * 5,
        "k": ['["0"]', '["1"]', "[]", '["1"]'] * 5,
    }
    frame = compare(hold(make_table("tone", sets), kind="multi"), "m", "k").frame.set_index("measure")
    assert list(frame.index) == ["exact match", "Jaccard", "micro F1", "macro F1", "alpha"]
    assert frame.loc["exact match", ["value_a", "value_b"]].tolist() == [0.75, 0.5]
    assert frame.loc["Jaccard", "difference"] == pytest.approx((3 - 2.5) / 4)
    alone = alpha_of(
        make_table("tone", sets), variable="tone", labels=TONE, level="masi", coders=["gold", "m"], replicates=0
    )
    assert frame.loc["alpha", "value_a"] == pytest.approx(alone.value)


def test_undefined_measures_say_whose():
    table = make_table("tone", {"gold": list("0011"), "m": list("0000"), "k": list("0011")})
    frame = compare(hold(table), "m", "k").frame.set_index("measure")
    assert math.isnan(frame.loc["MCC", "difference"])
    assert frame.loc["MCC", "reason"] == "undefined for a"


@pytest.mark.parametrize(
    ("options", "mend"),
    [
        ({"b": "m"}, "name two coders"),
        ({"b": "x"}, "name coders of the table"),
        ({"b": "far"}, "take draws and coders that share gold units"),
        ({"kind": "song"}, "take one of single, rating, multi"),
        ({"level": "interval", "labels": ["0", "1", "lots"]}, "cannot be taken as interval"),
    ],
)
def test_each_wrong_request_names_the_mend(options, mend):
    table = make_table("tone", {"gold": ["0", "1", "lots"], "m": ["0", "1", "lots"], "k": ["0", "1", "0"]})
    table = table.assign(label=table["label"].where(table["label"] != "lots", "lots" if "labels" in options else "1"))
    far = pd.DataFrame({"unit_id": ["u9"], "coder": "far", "variable": "tone", "label": "0", "draw": 0, "why": None})
    table = pd.concat([table, far], ignore_index=True)
    b = options.pop("b", "k")
    with pytest.raises(StatisticError, match=mend):
        compare(hold(table, **options), "m", b)


WIDE = pd.DataFrame({"gold": list("0011") * 9, "m": list("0010") * 9, "k": list("0111") * 9, "z": list("0011") * 9})


def test_a_plain_frame_is_enough_and_the_first_two_are_taken():
    wide = compare(WIDE, gold="gold")
    assert wide.facts.coverage.keys() == {"m", "k"}
    assert wide.frame["measure"].tolist() == ["accuracy", "macro F1", "MCC"]
    long = WIDE.rename_axis("unit").reset_index().melt("unit", var_name="coder", value_name="label")
    pd.testing.assert_frame_equal(compare(long, gold="gold").frame, wide.frame)
    assert wide.finding.startswith("Accuracy .75 of m less .75 of k is .00 [")
    assert " z meets the gold better (McNemar, exact: p = .004)." in compare(WIDE, "m", "z", gold="gold").finding
    assert compare(WIDE, b="m", gold="gold").facts.coverage.keys() == {"k", "m"}
    alone = compare(WIDE[["gold", "m"]], gold="gold")
    assert alone.finding.startswith("Only 'm' was held against the gold, and it takes two")
    assert len(alone.frame) == 0


def test_nobody_is_better_where_the_test_does_not_say_so_and_one_unit_has_no_interval() -> None:
    one = compare(pd.DataFrame({"gold": ["a"], "m": ["a"], "k": ["b"]}), "m", "k", gold="gold", level="nominal")
    assert "Neither is shown to meet the gold better (McNemar, exact: p > .999)" in one.finding
    row = one.frame.iloc[0]
    assert math.isnan(row["difference_low"])
    assert row["reason"] == "no interval: one gold unit does not vary"
    few = pd.DataFrame({"gold": list("aabbab"), "m": list("aabbab"), "k": list("abbbbb")})
    assert "Neither is shown" in compare(few, "m", "k", gold="gold", level="nominal", resample=Bootstrap(50)).finding
