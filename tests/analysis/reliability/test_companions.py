"""What stands beside alpha and kappa: agreement on a label, Light's kappa, own weights, sets, orders, counts, t."""

import json
import math
from itertools import combinations

import krippendorff
import numpy as np
import pandas as pd
import pytest
from scipy.stats import friedmanchisquare, t
from sklearn.metrics import cohen_kappa_score, f1_score

from codebook.analysis import COEFFICIENTS, Bootstrap, Codings, VariableSpec, read_counts
from codebook.analysis.core.examples import make_table, observers_2011
from codebook.analysis.reliability import label_shares, reliability
from codebook.errors import StatisticError

NONE = Bootstrap(0)
DIAGNOSES = ("depression", "personality", "schizophrenia", "neurosis", "other")
PATIENTS = """00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"""


def psychiatrists() -> pd.DataFrame:
    """Fleiss (1971): how many of six psychiatrists gave each of 30 patients each diagnosis."""
    return pd.DataFrame([[int(digit) for digit in row] for row in PATIENTS.split()], columns=list(DIAGNOSES))


def values_of(data, coefficients, *, by="", **words) -> dict[str, float]:
    """The values by coefficient, without intervals."""
    frame = reliability(data, by, coefficients=coefficients, resample=NONE, **words).frame
    return dict(zip(frame["coefficient"], frame["value"], strict=True))


def reason_of(data, coefficient, **words) -> str:
    row = reliability(data, coefficients=[coefficient], resample=NONE, **words).frame.iloc[0]
    assert math.isnan(row["value"])
    return str(row["reason"])


def wide_labels(n_units=60, n_coders=2, labels="ab", seed=1) -> pd.DataFrame:
    """Labels of coders who see the same truth seven times in ten."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(list(labels), n_units)
    codes = {
        f"c{at}": np.where(rng.random(n_units) < 0.7, truth, rng.choice(list(labels), n_units))
        for at in range(n_coders)
    }
    return pd.DataFrame(codes)


# -- beside a kappa ------------------------------------------------------------------------------------------------


def test_positive_and_negative_agreement_of_a_label_are_the_f1_of_two_coders():
    wide = wide_labels()
    frame = reliability(wide, "label", level="nominal", coefficients=["positive_agreement", "negative_agreement"]).frame
    rows = frame.set_index(["label", "coefficient"])["value"]
    for label, other in (("a", "b"), ("b", "a")):
        assert rows[label, "positive_agreement"] == pytest.approx(f1_score(wide["c0"] == label, wide["c1"] == label))
        assert rows[label, "negative_agreement"] == rows[other, "positive_agreement"]
    assert (frame["low"] < frame["value"]).all()
    assert (frame["value"] < frame["high"]).all()


def test_prevalence_bias_pabak_and_the_largest_kappa_by_hand():
    """Byrt, Bishop and Carlin (1993), table 2: a, b, c, d = 40, 9, 6, 45; kappa .70, PABAK .70, PI -.05, BI .03."""
    cells = [("1", "1")] * 40 + [("1", "0")] * 9 + [("0", "1")] * 6 + [("0", "0")] * 45
    wide = pd.DataFrame(cells, columns=["A", "B"])
    names = ["cohen", "pabak", "prevalence_index", "bias_index", "kappa_max", "brennan_prediger"]
    found = values_of(wide, names, level="nominal")
    assert [round(found[name], 2) for name in names[:4]] == [0.70, 0.70, -0.05, 0.03]
    chance = 0.49 * 0.46 + 0.51 * 0.54
    assert found["kappa_max"] == pytest.approx((0.46 + 0.51 - chance) / (1 - chance))
    assert found["pabak"] == found["brennan_prediger"] == pytest.approx(2 * 0.85 - 1)


def test_lights_kappa_of_six_psychiatrists_is_that_of_irr():
    """R irr, kappam.light(diagnoses): .459; with gaps each pair stands on its own units, as psy does."""
    wide = pd.DataFrame([np.repeat(DIAGNOSES, row) for row in psychiatrists().to_numpy()], columns=list("ABCDEF"))
    assert round(values_of(wide, ["light"], level="nominal")["light"], 3) == 0.459
    wide = wide.where(np.random.default_rng(2).random(wide.shape) < 0.8)
    pairs = [wide[[a, b]].dropna().astype(str).T.to_numpy() for a, b in combinations(wide, 2)]
    assert values_of(wide, ["light"], level="nominal")["light"] == pytest.approx(
        np.mean([cohen_kappa_score(*pair) for pair in pairs])
    )


def test_weighted_lights_kappa_is_the_mean_of_weighted_kappas():
    wide = wide_labels(80, 3, "1234", seed=3)
    found = values_of(wide, ["light_linear", "light_quadratic"], level="ordinal")
    for name in ("linear", "quadratic"):
        pairs = [cohen_kappa_score(wide[a], wide[b], weights=name) for a, b in combinations(wide, 2)]
        assert found[f"light_{name}"] == pytest.approx(np.mean(pairs))


def test_what_needs_one_label_or_two_coders_says_so():
    wide = wide_labels(20, 3, "abc")
    assert "yes or no: ask by='label'" in reason_of(wide, "positive_agreement", level="nominal")
    assert "compares two coders, and there are 3 here" in reason_of(wide, "kappa_max", level="nominal")
    assert "have none" in reason_of(wide, "kendall_w", level="nominal")
    assert "sets of labels" in reason_of(wide, "alpha_multivalued", level="nominal")


# -- own weights and distances -------------------------------------------------------------------------------------


def test_own_weights_and_distances_give_the_weighted_ones_when_they_are_these():
    wide, places = wide_labels(70, 2, "1234", seed=4), np.arange(4.0)
    apart = pd.DataFrame(np.abs(places[:, None] - places) ** 2, index=list("1234"), columns=list("1234"))
    own = [COEFFICIENTS[name].with_distances(apart) for name in ("cohen", "ac2", "alpha")]
    found = values_of(wide, ["cohen_quadratic", "ac2_quadratic", *own], level="ordinal")
    assert found["cohen_own"] == pytest.approx(found["cohen_quadratic"])
    assert found["ac2_own"] == pytest.approx(found["ac2_quadratic"])
    assert found["alpha_own"] == pytest.approx(values_of(wide, ["alpha"], level="interval")["alpha"])


def test_alpha_with_own_distances_is_that_of_the_krippendorff_package():
    wide = wide_labels(50, 4, "abc", seed=5).where(np.random.default_rng(5).random((50, 4)) < 0.9)
    apart = pd.DataFrame([[0, 1, 4], [1, 0, 2], [4, 2, 0]], index=list("abc"), columns=list("abc"))
    counts = np.array([[(row == label).sum() for label in "abc"] for _, row in wide.iterrows()])
    measure = lambda v1, v2, i1, i2, n_v, dtype=np.float64: apart.to_numpy(float)[i1, i2]  # noqa: E731
    other = krippendorff.alpha(value_counts=counts, value_domain=list("abc"), level_of_measurement=measure)
    found = reliability(wide, level="nominal", coefficients=[COEFFICIENTS["alpha"].with_distances(apart)])
    row = found.frame.iloc[0]
    assert row["value"] == pytest.approx(other)
    assert row["low"] < other < row["high"]
    assert "Krippendorff's alpha (own weights)" in found.finding


@pytest.mark.parametrize(
    ("square", "words"),
    [
        (pd.DataFrame([[1, 0], [0, 1]], index=list("ab"), columns=list("ac")), "not the same labels"),
        (pd.DataFrame([[1, 0.5], [0, 1]], index=list("ab"), columns=list("ab")), "not symmetric"),
        (pd.DataFrame([[0, 1], [1, 0]], index=list("ab"), columns=list("ab")), "by with_distances"),
    ],
)
def test_weights_that_are_no_square_are_refused(square, words):
    with pytest.raises(StatisticError, match=words):
        COEFFICIENTS["cohen"].with_weights(square)


def test_weights_that_lack_a_label_give_no_figure_and_what_has_no_weights_takes_none():
    near = pd.DataFrame([[1, 0], [0, 1]], index=list("ab"), columns=list("ab"))
    own = COEFFICIENTS["cohen"].with_weights(near)
    assert reason_of(wide_labels(30, 2, "abc"), own, level="nominal") == "the weights have no row for 'c'"
    with pytest.raises(StatisticError, match="ac1 has no weights"):
        COEFFICIENTS["ac1"].with_weights(near)


# -- sets and orders -----------------------------------------------------------------------------------------------

SETS = {
    "8a": ("a abd d", "a abd d", "a abde d", 0.947),
    "8b": ("a ab d", "a ab d", "a abd d", 0.923),
    "8c": ("a b d", "a b d", "a bd d", 0.895),
    "9a": ("a ab d", "a ad d", "a db d", 0.716),
    "9b": ("a ab d", "a ed d", "a f d", 0.554),
    "9c": ("a ab bd", "b ed d", "ab f be", -0.002),
}


@pytest.mark.parametrize("table", SETS)
def test_multivalued_alpha_is_that_of_krippendorff_and_craggs(table):
    *coders, printed = SETS[table]
    codes = {
        name: [json.dumps(list(unit)) for unit in units.split()] for name, units in zip("FGH", coders, strict=True)
    }
    codings = Codings(make_table("themes", codes), [VariableSpec("themes", None, list("abdef"), kind="multi")])
    frame = reliability(codings, coefficients=["alpha_multivalued"], resample=NONE).frame
    assert frame.loc[frame["label"] == "(set)", "value"].round(3).tolist() == [printed]  # one row, not one a distance


def test_the_expected_distance_of_sets_is_the_sum_over_all_of_them():
    rng = np.random.default_rng(6)
    rows = rng.random((40, 3, 4)) < 0.4
    names = np.array(list("abcd"))
    codes = {f"c{at}": [json.dumps(list(names[row])) for row in rows[:, at]] for at in range(3)}
    codings = Codings(make_table("v", codes), [VariableSpec("v", None, list(names), kind="multi")])
    found = values_of(codings, ["alpha_multivalued"])["alpha_multivalued"]
    sets = [frozenset(c) for size in range(5) for c in combinations(range(4), size)]
    times, given = rows.sum(axis=(0, 1)), [frozenset(np.flatnonzero(row)) for row in rows.reshape(-1, 4)]
    apart = lambda c, k: 1 - 2 * len(c & k) / (len(c) + len(k)) if c or k else 0.0  # noqa: E731
    chance = 0.0
    for a in range(5):
        for b in range(5):
            weighed = [
                (np.prod([times[i] for i in c]) * np.prod([times[i] - (i in c) for i in k]), apart(c, k))
                for c in sets if len(c) == a for k in sets if len(k) == b
            ]  # fmt: skip
            share = sum(len(s) == a for s in given) * sum(len(s) == b for s in given) / len(given) ** 2
            chance += share * sum(w * d for w, d in weighed) / sum(w for w, _ in weighed)
    observed = np.mean(
        [apart(*[given[3 * unit + at] for at in pair]) for unit in range(40) for pair in ((0, 1), (0, 2), (1, 2))]
    )
    assert found == pytest.approx(1 - observed / chance)


def test_kendalls_w_with_ties_is_friedmans_chi_square_over_m_times_n_less_one():
    wide = wide_labels(25, 4, "12345", seed=7)
    other = friedmanchisquare(*wide.astype(float).to_numpy()).statistic / (4 * (25 - 1))
    assert values_of(wide, ["kendall_w"], level="ordinal")["kendall_w"] == pytest.approx(other)
    gap = wide.copy()
    gap.loc[25] = [None, *"123"]
    result = reliability(gap, level="ordinal", coefficients=["kendall_w"])
    assert result.frame["value"][0] == pytest.approx(other)
    assert "all 4 coders" in result.frame["reason"][0]


# -- one rule --------------------------------------------------------------------------------------------------------


def test_a_table_of_counts_gives_fleiss_kappa_and_invents_no_coder():
    """Fleiss (1971), printed .430."""
    codings = read_counts(psychiatrists(), level="nominal", name="diagnosis")
    names = ["fleiss", "alpha", "cohen", "light", "conger", "percent_mean_coder_pairs", "percent"]
    result = reliability(codings, coefficients=names)
    rows = result.frame.set_index("coefficient")
    assert round(rows["value"]["fleiss"], 3) == 0.430
    assert rows["n_units"]["fleiss"] == 30
    assert rows["n_codings"]["fleiss"] == 180
    assert rows.loc[["cohen", "light", "conger", "percent_mean_coder_pairs"], "value"].isna().all()
    assert rows["reason"]["cohen"].startswith("coders are interchangeable here")
    assert rows.loc[["fleiss", "alpha", "percent"], "low"].notna().all()
    with pytest.raises(StatisticError, match="interchangeable"):
        reliability(codings, "pair")
    shares = label_shares(codings)
    assert shares.frame["coder"].unique().tolist() == ["all codings"]
    assert shares.frame["n"].tolist() == psychiatrists().sum().tolist()


def test_counts_that_are_no_whole_numbers_are_refused_with_all_faults():
    with pytest.raises(StatisticError, match="no whole number") as caught:
        read_counts(pd.DataFrame({"a": [1, 0.5], "b": [2, -1]}), level="")
    assert [fault.where for fault in caught.value.faults] == ["level", "counts"]


def test_undefined_means_the_same_in_every_coefficient():
    """No variation: what takes chance from the labels is 0 / 0, what takes it from the codebook is 1; both say why."""
    table = make_table("v", {"A": ["a"] * 20, "B": ["a"] * 20})
    every = ["alpha", "fleiss", "conger", "cohen", "scott", "light", "kappa_max", "ac1", "brennan_prediger", "pabak"]
    frame = reliability(Codings(table, [VariableSpec("v", "nominal", ["a", "b"])]), coefficients=every).frame
    assert frame["value"].isna().tolist() == [True] * 7 + [False] * 3
    assert frame["reason"].str.contains("no variation: every coding is 'a'").all()


def test_numbers_written_in_two_ways_are_equal_in_every_coefficient():
    table = make_table("v", {"A": ["1", "1.0", "2", "3"], "B": ["1.0", "1", "2", "4"]})
    codings = Codings(table, [VariableSpec("v", "interval")])
    names = ["percent", "percent_mean_coder_pairs", "percent_all_coders_agree", "percent_pooled_pairs"]
    assert set(values_of(codings, names).values()) == {0.75}


def test_a_kappa_without_weights_on_an_ordered_scale_says_so():
    wide = pd.DataFrame({"A": list("12345123"), "B": list("23451234")})
    assert "without weights" in reliability(wide, level="ordinal", coefficients=["cohen"]).note
    assert "without weights" not in reliability(wide, level="ordinal", coefficients=["cohen_quadratic"]).note
    assert "Gwet 2014" in reliability(observers_2011(), level="nominal", coefficients=["fleiss"]).note


def test_gwets_t_interval_is_value_and_t_times_his_error():
    """Gwet (2014): se of AC1 without gaps by his formula."""
    wide = wide_labels(40, 3, "abc", seed=8)
    row = reliability(wide, level="nominal", coefficients=["ac1"]).frame.iloc[0]
    counts = np.array([[(units == label).sum() for label in "abc"] for _, units in wide.iterrows()])
    agree, shares = (counts * (counts - 1)).sum(axis=1) / 6, counts.mean(axis=0) / 3
    chance = (shares * (1 - shares)).sum() / 2
    mine = (agree - chance) / (1 - chance)
    pull = mine - 2 * (1 - row["value"]) * ((counts / 3 @ (1 - shares)) / 2 - chance) / (1 - chance)
    error = math.sqrt(((pull - row["value"]) ** 2).sum() / (40 * 39))
    assert row["se"] == pytest.approx(error, rel=1e-4)
    reach = t.ppf(0.975, 39) * row["se"]
    assert [row["t_low"], row["t_high"]] == pytest.approx([row["value"] - reach, row["value"] + reach])


def test_alpha_of_27_countries_is_one_call():
    wide = wide_labels(270, 2, "abc", seed=9)
    countries = pd.Series([f"c{at % 27:02}" for at in range(270)], index=[str(at) for at in range(270)], name="country")
    codings = Codings(
        make_table("v", wide.to_dict("list")).assign(unit_id=[str(at) for at in range(270)] * 2),
        [VariableSpec("v", "nominal", list("abc"))],
    ).with_groups(countries)
    frame = reliability(codings, "country", coefficients=["alpha"], resample=NONE).frame
    alone = frame[~frame["difference"]].set_index("group")["value"]
    assert len(alone) == 27
    first = wide[countries.to_numpy() == "c00"]
    assert alone["c00"] == values_of(first, ["alpha"], level="nominal")["alpha"]
