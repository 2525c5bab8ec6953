"""Corrected regressions: R dsl's figures, statsmodels without correction, and every kind of bad input."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.correction import (
    SOURCES,
    Fitting,
    LabelColumns,
    add_chances,
    correct,
    make_study,
    pair_with_gold,
)
from codebook.errors import StatisticError
from codebook.sampling import draw_gold

DSL = pd.read_csv(Path(__file__).parents[2] / "data" / "dsl.csv")
COLUMNS = LabelColumns(predicted="llm", prob="pi")
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
    for cluster, errors in (("", plain), ("cluster", clustered)):
        result = correct(DSL, "y ~ gold + x + g", family=family, columns=replace(COLUMNS, cluster=cluster))
        rows = rows_of(result.frame, "corrected")
        assert list(rows.index) == TERMS
        assert rows["estimate"].to_numpy() == pytest.approx(estimates, abs=2e-5)
        for term, error in zip(TERMS, errors, strict=True):
            assert error is None or rows.loc[term, "se"] == pytest.approx(error, abs=1e-5)
        assert (rows["n"] == 600).all()
        assert (rows["n_gold"] == 211).all()
        assert result.facts.n_clusters == (100 if cluster else 0)


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.SpecificationWarning")
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("cluster", ["", "cluster"])
def test_without_correction_it_is_the_glm_of_statsmodels(family, cluster):
    data = DSL.assign(y=DSL["y"] + (DSL["unit"] % 3) * (family == "poisson"))
    result = correct(data, "y ~ gold + x + g", family=family, columns=replace(COLUMNS, cluster=cluster))
    frame = result.frame
    how = {"cov_type": "HC0"} if not cluster else {"cov_type": "cluster"}
    design = sm.add_constant(data[["llm", "x", "g"]].astype(float))
    keep = data["gold"].notna()
    human = sm.add_constant(data.loc[keep, ["gold", "x", "g"]])
    weights = 1 / (data["pi"] * result.facts.prob_scale)[keep]
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
    frame = correct(study, "gold ~ group", family="logistic").frame
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
    frame = correct(data, "y ~ C(gold, contr.treatment('sports')) + long").frame
    health = frame[frame["coefficient"].str.contains("T.health")].set_index("source")
    assert health.loc["model labels only", "high"] < 0.8
    assert health.loc["corrected", "low"] < 0.8 < health.loc["corrected", "high"]
    one = correct(data, 'y ~ {gold == "health"}').frame
    assert set(one["coefficient"]) == {"Intercept", "gold == 'health'"}
    outcome = correct(data, '{gold == "health"} ~ long', family="logistic")
    assert outcome.frame["estimate"].notna().all()
    assert outcome.facts.n_gold == data["gold"].notna().sum()


def test_two_labels_at_once_and_stateful_terms_come_from_the_model_labels():
    data = DSL.assign(gold_y=DSL["y"].where(DSL["gold"].notna()), llm_y=DSL["y"])
    both = LabelColumns(gold=["gold", "gold_y"], predicted=["llm", "llm_y"], prob="pi")
    frame = correct(data, "gold_y ~ gold + center(x)", columns=both).frame
    plain = correct(data, "gold_y ~ gold + x", columns=both).frame
    for source in SOURCES:
        a, b = rows_of(frame, source), rows_of(plain, source)
        assert a.loc["center(x)", "estimate"] == pytest.approx(b.loc["x", "estimate"])
        shift = b.loc["Intercept", "estimate"] + b.loc["x", "estimate"] * DSL["x"].mean()
        assert a.loc["Intercept", "estimate"] == pytest.approx(shift)


def test_cross_fitting_uses_the_gold_to_better_the_labels():
    study = make_study(4000, 400, effect=0.5, seed=3)
    study["predicted"] = 1 - study["predicted"]  # the model says the opposite: worse than useless as it is
    plain = correct(study, "gold ~ group").frame
    better = correct(study, "gold ~ group", fitting=Fitting(folds=5, splits=4, seed=2))
    again = correct(study, "gold ~ group", fitting=Fitting(folds=5, splits=4, seed=2))
    se = [rows_of(frame, "corrected").loc["group", "se"] for frame in (plain, better.frame)]
    assert se[1] < 0.6 * se[0]
    assert rows_of(better.frame, "gold only").loc["group", "se"] > se[1]
    pd.testing.assert_frame_equal(better.frame, again.frame)
    assert (better.facts.folds, better.facts.splits, better.facts.seed) == (5, 4, 2)
    columns = replace(COLUMNS, cluster="cluster")
    clustered = correct(DSL, "y ~ gold + x + g", columns=columns, fitting=Fitting(folds=5, splits=3))
    assert clustered.frame["estimate"].notna().all()


def test_probabilities_come_from_the_sample_without_being_told():
    study = make_study(1000, 100).drop(columns="prob").reset_index(names="unit_id")
    sample = draw_gold(study.assign(label=study["predicted"].astype(str)), 120, how="by_label", seed=5).frame
    study["gold"] = study["truth"]  # everyone is coded: only the drawn units may count
    result = correct(add_chances(study, sample), "gold ~ group")
    by_hand = study.merge(sample[["unit_id", "prob"]].astype({"unit_id": "int64"}), on="unit_id", how="left")
    by_hand["gold"] = by_hand["gold"].where(by_hand["prob"].notna())
    pd.testing.assert_frame_equal(result.frame, correct(by_hand, "gold ~ group").frame)
    assert result.facts.n_gold == 120
    assert result.facts.prob_scale == 1


def test_what_is_left_out_is_counted():
    study = make_study(500, 100)
    study["age"] = np.where(np.arange(500) < 7, np.nan, 30.0 + np.arange(500) % 9)
    study.loc[20:22, "predicted"] = np.nan
    result = correct(study, "gold ~ age")
    assert result.facts.dropped == {"predicted missing": 3, "age missing": 7}
    assert result.facts.n_units == 490
    assert "predicted missing in 3, age missing in 7" in result.note


def codings_of(study: pd.DataFrame) -> Codings:
    """The study as codings of a model and a gold, with its sample and the group as covariate."""
    words, units = {0: "no", 1: "yes"}, [f"u{at}" for at in range(len(study))]
    wide = pd.DataFrame({"unit_id": units, "gold": study["gold"].map(words), "model": study["predicted"].map(words)})
    drawn = pd.DataFrame({"unit_id": units, "prob": study["prob"]})[study["gold"].notna()]
    codings = as_codings(wide, level="nominal", gold="gold").with_sample(drawn)
    return codings.with_groups(pd.Series(study["group"].to_numpy(), units, name="group"))


@pytest.mark.parametrize("where", ["covariates", "column", "index"])
def test_codings_are_paired_and_their_covariates_joined(where):
    study = make_study(600, 150)
    whole, plain = codings_of(study), correct(study, "gold ~ group", family="logistic")
    more = None if where == "covariates" else whole.covariates.rename_axis("unit_id")
    codings = whole if where == "covariates" else replace(whole, covariates=None)
    data = more.reset_index() if where == "column" else more
    result = correct(codings, "label ~ group", label="yes", data=data, family="logistic")
    pd.testing.assert_frame_equal(result.frame, plain.frame)
    assert result.finding.startswith("yes, label ~ group. group: model labels only")
    assert (result.facts.weighted, result.facts.coverage) == (True, {"label": {"labelled": 600}})
    assert list(result.printed()) == ["Coefficient", "Source", "Estimate", "p", "n", "n gold"]
    assert [text.get_text() for text in result.plot().axes[0].get_yticklabels()] == ["group"]
    authors = {unit: at % 40 for at, unit in enumerate(whole.frame["unit_id"].unique())}
    clustered = correct(codings.with_clusters(authors), "label ~ group", label="yes", data=data)
    assert clustered.facts.n_clusters == 40


def test_covariates_of_other_units_are_told_or_refused():
    codings = replace(codings_of(make_study(200, 50)), covariates=None)
    ids = list(codings.frame["unit_id"].unique())
    some = pd.DataFrame({"unit_id": [*ids[:150], "x"], "age": range(151)})
    result = correct(codings, "label ~ age", label="yes", data=some)
    assert result.facts.joins == (
        "1 of 151 units of the covariates is not among those of the model (first: 'x').",
        "Of 200 units those with a gap are left out: age missing in 50.",
    )
    with pytest.raises(StatisticError, match="differs by capitals"):
        correct(codings, "label ~ age", label="yes", data=some.assign(unit_id=some["unit_id"].str.upper()))


def test_a_regression_without_a_sample_says_so_and_has_no_row(tmp_path):
    codings = replace(codings_of(make_study(200, 50)), sample=None, outputs=tmp_path)
    result = correct(codings, "label ~ group", label="yes")
    assert result.finding.startswith("No gold sample was drawn")
    assert not len(result.frame)
    assert pair_with_gold(codings).facts.nothing == result.facts.nothing
    silent = codings_of(make_study(200, 50).assign(predicted=np.nan))
    assert correct(silent, "label ~ group", label="yes").facts.nothing.startswith("No unit has a label of the model")


def test_the_sentence_says_when_the_models_finding_falls():
    said = correct(make_study(5000, 300), "gold ~ group", family="logistic").finding
    assert said.startswith("group: model labels only 0.8")
    assert "gold only" in said
    assert "The model's finding does not stand" in said
    few = correct(make_study(500, 15), "gold ~ group", family="linear")
    assert "15 gold units for 2 coefficients" in few.finding


STUDY = make_study(400, 80)


def change(**columns: object) -> pd.DataFrame:
    return STUDY.assign(**columns)


def at(name: str, row: int, value: object) -> pd.DataFrame:
    """The study with one other value in a gold unit."""
    data = STUDY.copy()
    data.loc[data.index[data["gold"].notna()][row], name] = value
    return data


BY_AUTHOR = LabelColumns(cluster="author")
GOLD = STUDY["gold"]
BAD = {
    "prob missing": ({"codings": at("prob", 0, np.nan)}, "1 gold units have no inclusion probability.*number of gold"),
    "prob zero": ({"codings": at("prob", 0, 0.0)}, "1 are not above 0 and at most 1: '0.0'"),
    "prob above 1": ({"codings": at("prob", 0, 1.5)}, "not above 0 and at most 1: '1.5'"),
    "no prob column": (
        {"codings": STUDY.drop(columns="prob")},
        "probabilities are not there.*join the sample",
    ),
    "no cluster column": ({"columns": BY_AUTHOR}, "column 'author': the data does not have it"),
    "cluster missing": (
        {"codings": change(author=None), "columns": BY_AUTHOR},
        "400 units have no cluster",
    ),
    "unknown name": ({"formula": "gold ~ gruop"}, "column 'gruop'.*did you mean 'group'"),
    "unknown function": ({"formula": "gold ~ nolog(group)"}, "column 'nolog': the data does not have it"),
    "not a formula": ({"formula": "gold ~ group +* 2"}, "cannot be worked out: Operator"),
    "no outcome": ({"formula": "~ gold"}, "names no outcome"),
    "gold not used": ({"formula": "truth ~ group"}, "does not use 'gold'"),
    "no gold": ({"codings": change(gold=np.nan)}, "no unit has a gold label.*draw_gold"),
    "family": ({"family": "probit"}, "'probit' is unknown.*linear, logistic, poisson"),
    "confidence": ({"fitting": Fitting(confidence=95)}, "95 is not between 0 and 1"),
    "folds": ({"fitting": Fitting(folds=1)}, "1 folds"),
    "not 0 or 1": ({"codings": change(predicted=STUDY["predicted"] * 2), "family": "logistic"}, "runs from 0 to 2"),
    "counts below 0": ({"codings": change(predicted=-STUDY["predicted"]), "family": "poisson"}, "down to -1"),
    "log of zero": ({"formula": "gold ~ np.log(group)"}, "not finite in some units"),
    "text outcome": (
        {
            "codings": change(
                gold=STUDY["gold"].map({0: "a", 1: "b"}), predicted=STUDY["predicted"].map({0: "a", 1: "c"})
            )
        },
        "the outcome makes 3 columns.*name one label",
    ),
    "text and numbers": (
        {"codings": change(gold=STUDY["gold"].map({0: "0", 1: "1"})), "formula": "truth ~ gold"},
        "not both numbers or both text.*to_numeric",
    ),
    "two bars": ({"formula": "gold ~ group | truth | group"}, "cannot be read.*write one bar"),
    "pairs": (
        {"columns": LabelColumns(["gold", "truth"]), "formula": "gold ~ truth"},
        "2 gold and 1 predicted columns do not pair",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_refused_with_the_mend(case):
    asked, said = BAD[case]
    options = {"codings": STUDY, "formula": "gold ~ group", **asked}
    with pytest.raises(StatisticError, match=f"(?s){said}"):
        correct(**options)


def test_all_faults_at_once():
    with pytest.raises(StatisticError) as caught:
        correct(STUDY, "gold ~ grp + agee", columns=LabelColumns(cluster="autor"))
    assert len(caught.value.faults) == 3


def test_a_sample_that_does_not_fit_the_data_is_refused():
    data = STUDY.reset_index(names="unit_id")
    sample = pd.DataFrame({"unit_id": ["0", "x1", "x2"], "prob": 0.1})
    with pytest.raises(StatisticError, match=r"2 of 3 units of the sample are not in the table \(first: 'x1', 'x2'\)"):
        add_chances(data, sample)
    drawn = draw_gold(data, 30).frame
    with pytest.raises(
        StatisticError, match=r"drawn units have no label of 'gold'.*would make the probabilities wrong"
    ):
        add_chances(data, drawn)
    with pytest.raises(StatisticError, match=r"it has no 'prob'.*read_gold_sample"):
        add_chances(data, drawn.drop(columns="prob"))
    with pytest.raises(StatisticError, match="column 'unit_id'"):
        add_chances(STUDY, drawn)
    with pytest.raises(StatisticError, match=r"occur more than once.*one row per unit"):
        add_chances(pd.concat([data, data]), drawn)


def reasons(frame: pd.DataFrame) -> dict[str, str]:
    return frame.groupby("source")["reason"].first().to_dict()


def test_one_gold_unit_corrects_nothing():
    data = STUDY.assign(gold=STUDY["gold"].where(STUDY.index == STUDY["gold"].first_valid_index()))
    said = reasons(frame := correct(data, "gold ~ group").frame)
    assert said["gold only"] == said["corrected"] == "1 gold unit for 2 coefficients: code more gold"
    assert frame.set_index("source").loc["corrected", "estimate"].isna().all()
    assert frame.set_index("source").loc["model labels only", "estimate"].notna().all()


def test_no_gold_of_a_label():
    data = STUDY.assign(gold=STUDY["gold"] * 0)
    said = reasons(correct(data, "truth ~ gold").frame)
    assert (
        said["corrected"] == "gold never varies in the gold units: draw gold by label or stratum, or leave the term out"
    )
    said = reasons(correct(data, "gold ~ group", family="logistic").frame)
    assert "the outcome is 0 in every gold unit" in said["corrected"]
    assert said["model labels only"] == ""


def test_separation_is_named():
    data = STUDY.assign(same=STUDY["predicted"], noise=np.arange(len(STUDY)) % 7)
    frame = correct(data, "gold ~ same + noise", family="logistic").frame
    assert reasons(frame)["model labels only"].startswith("separation")
    human = STUDY.assign(same=STUDY["truth"])
    frame = correct(human, "gold ~ same", family="logistic").frame
    assert reasons(frame)["gold only"].startswith("separation")
    assert math.isnan(rows_of(frame, "gold only")["se"].iloc[0])


def test_collinear_terms_are_named():
    frame = correct(STUDY.assign(twice=2 * STUDY["group"]), "gold ~ group + twice").frame
    assert reasons(frame)["model labels only"].startswith("terms are collinear")
    assert frame["estimate"].isna().all()


def test_too_few_clusters_tell_no_error():
    data = STUDY.assign(author=np.arange(400) % 2)
    frame = correct(data, "gold ~ group", columns=BY_AUTHOR).frame
    assert set(frame["reason"]) == {"too few units or clusters (2) for standard errors: take finer clusters"}
    assert frame["se"].isna().all()


def test_labels_of_text_are_not_cross_fitted():
    names = {0: "no", 1: "yes"}
    data = STUDY.assign(gold=STUDY["gold"].map(names), predicted=STUDY["predicted"].map(names))
    with pytest.raises(StatisticError, match=r"labels of text cannot be cross-fitted.*a column of 0 and 1"):
        correct(data, "truth ~ gold", fitting=Fitting(folds=5))
    few = STUDY.assign(gold=STUDY["gold"].where(STUDY["gold"].notna().cumsum() <= 4))
    with pytest.raises(StatisticError, match=r"a fold leaves [0-9] gold units"):
        correct(few, "gold ~ group", fitting=Fitting(folds=2))


def test_probabilities_of_another_sample_raise_a_doubt():
    result = correct(STUDY.assign(prob=0.9), "gold ~ group")
    assert any("expect 360 gold units, there are 80" in warning for warning in result.facts.warnings)
    assert correct(STUDY, "gold ~ group").facts.warnings == ()
    author = STUDY.assign(author=np.arange(400) % 8)
    assert "8 clusters" in correct(author, "gold ~ group", columns=BY_AUTHOR).facts.warnings[0]
