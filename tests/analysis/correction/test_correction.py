"""Corrected regressions: R dsl's figures, statsmodels without correction, and every kind of bad input."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from codebook.analysis import correct, make_study, say_correction
from codebook.analysis.correction import SOURCES
from codebook.errors import StatisticError
from codebook.sampling import draw_gold

DSL = pd.read_csv(Path(__file__).parents[2] / "data" / "dsl.csv")
COLUMNS = {"gold": "gold", "predicted": "llm", "prob": "pi"}
TERMS = ["Intercept", "gold", "x", "g"]
FAMILIES = {
    "linear": sm.families.Gaussian(),
    "logistic": sm.families.Binomial(),
    "poisson": sm.families.Poisson(),
}


def rows_of(frame: pd.DataFrame, source: str) -> pd.DataFrame:
    return frame[frame["source"] == source].set_index("coefficient")


# R dsl 0.1.0 on dsl.csv (analysis_methods.md, section 7): estimates, standard errors, the same clustered
R_DSL = {
    "logistic": (
        [-0.03369, 0.75042, 0.38562, -0.34591],
        [0.15620, 0.29477, 0.09221, 0.18260],
        [0.14673, 0.27292, 0.09606, 0.18127],
    ),
    "linear": (
        [0.49040, 0.17588, 0.08737, -0.07994],
        [0.03767, 0.06776, 0.01977, 0.04152],
        [None, 0.06329, None, None],
    ),
}


@pytest.mark.parametrize("family", R_DSL)
def test_coefficients_and_errors_of_r_dsl(family):
    estimates, plain, clustered = R_DSL[family]
    for cluster, errors in ((None, plain), ("cluster", clustered)):
        frame = correct("y ~ gold + x + g", DSL, family=family, cluster=cluster, **COLUMNS)
        rows = rows_of(frame, "corrected")
        assert list(rows.index) == TERMS
        assert rows["estimate"].to_numpy() == pytest.approx(estimates, abs=2e-5)
        for term, error in zip(TERMS, errors, strict=True):
            assert error is None or rows.loc[term, "se"] == pytest.approx(error, abs=1e-5)
        assert (rows["n"] == 600).all()
        assert (rows["n_gold"] == 211).all()
        assert frame.attrs["n_clusters"] == (100 if cluster else 0)


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.SpecificationWarning")
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("cluster", [None, "cluster"])
def test_without_correction_it_is_the_glm_of_statsmodels(family, cluster):
    data = DSL.assign(y=DSL["y"] + (DSL["unit"] % 3) * (family == "poisson"))
    frame = correct("y ~ gold + x + g", data, family=family, cluster=cluster, **COLUMNS)
    how = {"cov_type": "HC0"} if cluster is None else {"cov_type": "cluster"}
    design = sm.add_constant(data[["llm", "x", "g"]].astype(float))
    keep = data["gold"].notna()
    human = sm.add_constant(data.loc[keep, ["gold", "x", "g"]])
    weights = 1 / (data["pi"] * frame.attrs["prob_scale"])[keep]
    for source, x, rows, weight in (
        (SOURCES[0], design, keep | True, None),
        (SOURCES[1], human, keep, weights),
    ):
        groups = {"groups": data.loc[rows, "cluster"], "use_correction": False}
        options = {**how, **({"cov_kwds": groups} if cluster else {})}
        model = sm.GLM(data.loc[rows, "y"], x, family=FAMILIES[family], var_weights=weight)
        fit = model.fit(tol=1e-12, maxiter=200, **options)
        ours = rows_of(frame, source)
        assert ours["estimate"].to_numpy() == pytest.approx(fit.params.to_numpy(), rel=1e-6)
        assert ours["se"].to_numpy() == pytest.approx(fit.bse.to_numpy(), rel=1e-6)
        assert ours["p"].to_numpy() == pytest.approx(fit.pvalues.to_numpy(), rel=1e-4)
        assert ours[["low", "high"]].to_numpy() == pytest.approx(fit.conf_int().to_numpy(), rel=1e-5)


def test_a_model_that_is_always_right_is_corrected_by_nothing():
    study = make_study(2000, 200, effect=0.5)
    study["predicted"] = study["truth"]
    frame = correct("gold ~ group", study, family="logistic")
    model, corrected = (rows_of(frame, source) for source in (SOURCES[0], SOURCES[2]))
    assert corrected["estimate"].to_numpy() == pytest.approx(model["estimate"].to_numpy(), rel=1e-8)
    assert corrected["se"].to_numpy() == pytest.approx(model["se"].to_numpy(), rel=1e-8)


def test_label_as_outcome_and_covariate_with_categories_of_text():
    rng = np.random.default_rng(6)
    truth = rng.choice(["sports", "health", "travel"], 4000, p=[0.5, 0.3, 0.2])
    predicted = np.where(rng.random(4000) < 0.85, truth, rng.choice(["sports", "health", "travel"], 4000))
    y = 1.0 + 0.8 * (truth == "health") + rng.normal(size=4000)
    data = pd.DataFrame({"y": y, "predicted": predicted, "gold": truth, "prob": 0.2, "long": rng.random(4000)})
    data["gold"] = data["gold"].where(rng.random(4000) < 0.2)
    frame = correct("y ~ C(gold, contr.treatment('sports')) + long", data)
    health = frame[frame["coefficient"].str.contains("T.health")].set_index("source")
    assert health.loc["model labels only", "high"] < 0.8
    assert health.loc["corrected", "low"] < 0.8 < health.loc["corrected", "high"]
    one = correct('y ~ {gold == "health"}', data)
    assert set(one["coefficient"]) == {"Intercept", "gold == 'health'"}
    outcome = correct('{gold == "health"} ~ long', data, family="logistic")
    assert outcome["estimate"].notna().all()
    assert outcome.attrs["n_gold"] == data["gold"].notna().sum()


def test_two_labels_at_once_and_stateful_terms_come_from_the_model_labels():
    data = DSL.assign(gold_y=DSL["y"].where(DSL["gold"].notna()), llm_y=DSL["y"])
    both = {"gold": ["gold", "gold_y"], "predicted": ["llm", "llm_y"], "prob": "pi"}
    frame = correct("gold_y ~ gold + center(x)", data, **both)
    plain = correct("gold_y ~ gold + x", data, **both)
    for source in SOURCES:
        a, b = rows_of(frame, source), rows_of(plain, source)
        assert a.loc["center(x)", "estimate"] == pytest.approx(b.loc["x", "estimate"])
        shift = b.loc["Intercept", "estimate"] + b.loc["x", "estimate"] * DSL["x"].mean()
        assert a.loc["Intercept", "estimate"] == pytest.approx(shift)


def test_cross_fitting_uses_the_gold_to_better_the_labels():
    study = make_study(4000, 400, effect=0.5, seed=3)
    study["predicted"] = 1 - study["predicted"]  # the model says the opposite: worse than useless as it is
    plain = correct("gold ~ group", study)
    better = correct("gold ~ group", study, cross_fit=5, splits=4, seed=2)
    again = correct("gold ~ group", study, cross_fit=5, splits=4, seed=2)
    se = [rows_of(frame, "corrected").loc["group", "se"] for frame in (plain, better)]
    assert se[1] < 0.6 * se[0]
    assert rows_of(better, "gold only").loc["group", "se"] > se[1]
    pd.testing.assert_frame_equal(better, again)
    assert (better.attrs["cross_fit"], better.attrs["splits"], better.attrs["seed"]) == (5, 4, 2)
    clustered = correct("y ~ gold + x + g", DSL, cluster="cluster", cross_fit=5, splits=3, **COLUMNS)
    assert clustered["estimate"].notna().all()


def test_probabilities_come_from_the_sample_without_being_told():
    study = make_study(1000, 100).drop(columns="prob").reset_index(names="unit_id")
    sample = draw_gold(study.assign(label=study["predicted"].astype(str)), 120, how="by_label", seed=5).frame
    study["gold"] = study["truth"]  # everyone is coded: only the drawn units may count
    frame = correct("gold ~ group", study, sample=sample)
    by_hand = study.merge(sample[["unit_id", "prob"]].astype({"unit_id": "int64"}), on="unit_id", how="left")
    by_hand["gold"] = by_hand["gold"].where(by_hand["prob"].notna())
    pd.testing.assert_frame_equal(frame, correct("gold ~ group", by_hand))
    assert frame.attrs["n_gold"] == 120
    assert frame.attrs["prob_scale"] == 1


def test_what_is_left_out_is_counted():
    study = make_study(500, 100)
    study["age"] = np.where(np.arange(500) < 7, np.nan, 30.0 + np.arange(500) % 9)
    study.loc[20:22, "predicted"] = np.nan
    frame = correct("gold ~ age", study)
    assert frame.attrs["dropped"] == {"predicted missing": 3, "age missing": 7}
    assert frame.attrs["n_units"] == 490
    study.attrs["coverage"] = {"asked": 500, "labelled": 497, "refused": 3}
    assert correct("gold ~ age", study).attrs["coverage"]["refused"] == 3


def test_the_sentence_says_when_the_models_finding_falls():
    said = say_correction(correct("gold ~ group", make_study(5000, 300), family="logistic"))
    assert said.startswith("group: model labels only 0.8")
    assert "gold only" in said
    assert "The model's finding does not stand" in said
    few = correct("gold ~ group", make_study(500, 15), family="linear")
    assert "15 gold units for 2 coefficients" in say_correction(few)


STUDY = make_study(400, 80)


def change(**columns: object) -> pd.DataFrame:
    return STUDY.assign(**columns)


def at(name: str, row: int, value: object) -> pd.DataFrame:
    """The study with one other value in a gold unit."""
    data = STUDY.copy()
    data.loc[data.index[data["gold"].notna()][row], name] = value
    return data


BAD = {
    "prob missing": ({"data": at("prob", 0, np.nan)}, "1 gold units have no inclusion probability.*number of gold"),
    "prob zero": ({"data": at("prob", 0, 0.0)}, "1 are not above 0 and at most 1: '0.0'"),
    "prob above 1": ({"data": at("prob", 0, 1.5)}, "not above 0 and at most 1: '1.5'"),
    "no prob column": ({"data": STUDY.drop(columns="prob")}, "the inclusion probabilities are not there.*pass sample="),
    "no cluster column": ({"cluster": "author"}, "column 'author': the data does not have it"),
    "cluster missing": ({"data": change(author=None), "cluster": "author"}, "400 units have no cluster"),
    "unknown name": ({"formula": "gold ~ gruop"}, "column 'gruop'.*did you mean 'group'"),
    "unknown function": ({"formula": "gold ~ nolog(group)"}, "column 'nolog': the data does not have it"),
    "not a formula": ({"formula": "gold ~ group +* 2"}, "cannot be worked out: Operator"),
    "no outcome": ({"formula": "~ gold"}, "names no outcome"),
    "gold not used": ({"formula": "truth ~ group"}, "does not use 'gold'"),
    "no gold": ({"data": change(gold=np.nan)}, "no unit has a gold label.*draw_gold"),
    "family": ({"family": "probit"}, "'probit' is not known.*linear, logistic, poisson"),
    "confidence": ({"confidence": 95}, "95 is not between 0 and 1"),
    "folds": ({"cross_fit": 1}, "1 folds"),
    "not 0 or 1": ({"data": change(predicted=STUDY["predicted"] * 2), "family": "logistic"}, "runs from 0 to 2"),
    "counts below 0": ({"data": change(predicted=-STUDY["predicted"]), "family": "poisson"}, "down to -1"),
    "log of zero": ({"formula": "gold ~ np.log(group)"}, "not finite in some units"),
    "text outcome": (
        {"data": change(gold=STUDY["gold"].map({0: "a", 1: "b"}), predicted=STUDY["predicted"].map({0: "a", 1: "c"}))},
        "the outcome makes 3 columns.*name one label",
    ),
    "text and numbers": (
        {"data": change(gold=STUDY["gold"].map({0: "0", 1: "1"})), "formula": "truth ~ gold"},
        "not both numbers or both text.*to_numeric",
    ),
    "two parts": ({"formula": "gold ~ group | truth"}, "has more than one part"),
    "pairs": ({"gold": ["gold", "truth"], "formula": "gold ~ truth"}, "2 gold and 1 predicted columns do not pair"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_the_mend(case):
    asked, said = BAD[case]
    with pytest.raises(StatisticError, match=f"(?s){said}"):
        correct(**{"formula": "gold ~ group", "data": STUDY, **asked})


def test_all_faults_at_once():
    with pytest.raises(StatisticError) as caught:
        correct("gold ~ grp + agee", STUDY, cluster="autor")
    assert len(caught.value.faults) == 3


def test_a_sample_that_does_not_fit_the_data_is_refused():
    data = STUDY.reset_index(names="unit_id")
    sample = pd.DataFrame({"unit_id": ["0", "x1", "x2"], "prob": 0.1})
    with pytest.raises(StatisticError, match=r"2 of 3 gold units are not in the data \(first: 'x1', 'x2'\)"):
        correct("gold ~ group", data, sample=sample)
    drawn = draw_gold(data, 30).frame
    with pytest.raises(StatisticError, match=r"drawn units have no gold label.*would make the probabilities wrong"):
        correct("gold ~ group", data, sample=drawn)
    with pytest.raises(StatisticError, match=r"it has no 'prob'.*read_gold_sample"):
        correct("gold ~ group", data, sample=drawn.drop(columns="prob"))
    with pytest.raises(StatisticError, match="column 'unit_id'"):
        correct("gold ~ group", STUDY, sample=drawn)
    with pytest.raises(StatisticError, match=r"occur more than once.*one row a unit"):
        correct("gold ~ group", pd.concat([data, data]), sample=drawn)


def reasons(frame: pd.DataFrame) -> dict[str, str]:
    return frame.groupby("source")["reason"].first().to_dict()


def test_one_gold_unit_corrects_nothing():
    data = STUDY.assign(gold=STUDY["gold"].where(STUDY.index == STUDY["gold"].first_valid_index()))
    said = reasons(frame := correct("gold ~ group", data))
    assert said["gold only"] == said["corrected"] == "1 gold unit for 2 coefficients: code more gold"
    assert frame.set_index("source").loc["corrected", "estimate"].isna().all()
    assert frame.set_index("source").loc["model labels only", "estimate"].notna().all()


def test_no_gold_of_a_label():
    data = STUDY.assign(gold=STUDY["gold"] * 0)
    said = reasons(correct("truth ~ gold", data))
    assert (
        said["corrected"] == "gold never varies in the gold units: draw gold by label or stratum, or leave the term out"
    )
    said = reasons(correct("gold ~ group", data, family="logistic"))
    assert "the outcome is 0 in every gold unit" in said["corrected"]
    assert said["model labels only"] == ""


def test_separation_is_named():
    data = STUDY.assign(same=STUDY["predicted"], noise=np.arange(len(STUDY)) % 7)
    frame = correct("gold ~ same + noise", data, family="logistic")
    assert reasons(frame)["model labels only"].startswith("separation")
    human = STUDY.assign(same=STUDY["truth"])
    frame = correct("gold ~ same", human, family="logistic")
    assert reasons(frame)["gold only"].startswith("separation")
    assert math.isnan(rows_of(frame, "gold only")["se"].iloc[0])


def test_collinear_terms_are_named():
    frame = correct("gold ~ group + twice", STUDY.assign(twice=2 * STUDY["group"]))
    assert reasons(frame)["model labels only"].startswith("terms are collinear")
    assert frame["estimate"].isna().all()


def test_too_few_clusters_tell_no_error():
    frame = correct("gold ~ group", STUDY.assign(author=np.arange(400) % 2), cluster="author")
    assert set(frame["reason"]) == {"too few units or clusters (2) for standard errors: take finer clusters"}
    assert frame["se"].isna().all()


def test_labels_of_text_are_not_cross_fitted():
    names = {0: "no", 1: "yes"}
    data = STUDY.assign(gold=STUDY["gold"].map(names), predicted=STUDY["predicted"].map(names))
    with pytest.raises(StatisticError, match=r"labels of text cannot be cross-fitted.*a column of 0 and 1"):
        correct("truth ~ gold", data, cross_fit=5)
    few = STUDY.assign(gold=STUDY["gold"].where(STUDY["gold"].notna().cumsum() <= 4))
    with pytest.raises(StatisticError, match=r"a fold leaves [0-9] gold units"):
        correct("gold ~ group", few, cross_fit=2)


def test_probabilities_of_another_sample_raise_a_doubt():
    frame = correct("gold ~ group", STUDY.assign(prob=0.9))
    assert any("expect 360 gold units, there are 80" in said for said in frame.attrs["warnings"])
    assert correct("gold ~ group", STUDY).attrs["warnings"] == []
    author = STUDY.assign(author=np.arange(400) % 8)
    assert "8 clusters" in correct("gold ~ group", author, cluster="author").attrs["warnings"][0]
