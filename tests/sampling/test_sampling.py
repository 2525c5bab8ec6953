"""Gold samples: published sizes, exact chances, strata, the locked file, and what cannot be drawn."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.scales import VariableSpec
from codebook.errors import ParameterError, RecordError, StatisticError
from codebook.sampling import (
    DrawRule,
    GoldPlan,
    GoldSample,
    draw_gold,
    gold_curve,
    gold_size,
    list_strata,
    open_gold_sample,
    read_gold_sample,
    take_part,
    units_for_alpha,
    units_for_recall,
    units_for_share,
    wilson_half_width,
    worth_of_gold,
    write_gold_sample,
)
from codebook.sampling.population import allot, chances_by_score, draw_systematic

DATA = Path(__file__).parents[2] / "data"
N_DRAWS = 120


# How many


def test_published_sizes():
    """analysis_methods.md, section 2: Wilson 381/245/141/83 and 1200; alpha 139, 81; gold worth 435/716/1244."""
    assert [units_for_share(accuracy, 0.05) for accuracy in (0.5, 0.8, 0.9, 0.95)] == [381, 245, 141, 83]
    assert units_for_recall(0.8, 0.10, 0.05) == 1200
    assert [units_for_alpha(alpha, 0.25) for alpha in (0.8, 0.667)] == [139, 81]
    assert [worth_of_gold(300, 10_000, accuracy) for accuracy in (0.8, 0.9, 0.95)] == [435, 716, 1244]


@pytest.mark.parametrize(("share", "n"), [(0.9, 140), (0.5, 30), (0.8, 1000)])
def test_the_half_width_is_that_of_statsmodels(share, n):
    low, high = proportion_confint(share * n, n, method="wilson")
    assert wilson_half_width(share, n) == pytest.approx((high - low) / 2)


def test_the_table_has_every_purpose():
    table = gold_size().frame
    assert table["n"].tolist() == [381, 245, 141, 83, 1200, 81, 139, 435, 716, 1244]
    assert table["purpose"].value_counts().to_dict() == {"accuracy": 4, "recall": 1, "alpha": 2, "worth": 3}
    assert gold_size(GoldPlan(half_width=0.1)).frame.iloc[0]["n"] < 381
    with pytest.raises(ParameterError, match="recall: 80 is not between 0 and 1") as caught:
        GoldPlan(recall=80, prevalence=0, accuracies=[1], n_gold=0)
    assert len(caught.value.faults) == 4


def test_the_figure_shows_the_curve():
    result = gold_curve()
    curve, figure = result.frame, result.plot()
    for axes in figure.axes:
        part = curve[curve["figure"] == axes.get_title(loc="left")]
        lines = {line.get_label(): line for line in axes.get_lines() if not line.get_label().startswith("_")}
        assert list(lines) == list(part["line"].unique())
        assert {text.get_text() for text in axes.texts} == {*lines, "wanted: ±.05"}, "named at their ends"
        for name, line in lines.items():
            assert line.get_ydata().tolist() == part.loc[part["line"] == name, "half_width"].tolist()
    wide = curve[curve["n"] == 300].set_index("line")["half_width"]
    assert wide["corrected, model right .95"] < wide["corrected, model right .80"] < wide["gold only"]
    alone = gold_curve(sizes=[716]).frame
    assert alone[alone["line"] == "gold only"]["half_width"].iloc[0] == pytest.approx(
        wide["corrected, model right .90"], rel=0.01
    )


def test_you_are_here_in_figure_sentence_and_table():
    result = gold_curve(n=250)
    figure = result.plot()
    assert [axes.texts[0].get_text() for axes in figure.axes] == ["you are here: n = 250"] * 2
    marked = [line.get_ydata()[0] for line in figure.axes[1].lines if list(line.get_xdata()) == [250] * 4]
    assert f"gold only {marked[0]:.3f}".replace("0.", ".") in result.finding
    assert result.finding.startswith(
        "With 250 gold units a share of .30 is known to plus or minus: gold only .057; corrected"
    )
    assert list(result.printed())[2:] == ["100 gold units", "250 gold units", "300 gold units", "1,000 gold units"]
    assert gold_curve().finding == ""
    with pytest.raises(ParameterError, match=r"sizes\[0\]: 0 is no number of units"):
        gold_curve(sizes=[0])


# Which, and with what chance


def make_units(n_units: int = 1000, rare: float = 0.05, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "unit_id": [f"u{number}" for number in range(n_units)],
            "label": np.where(rng.random(n_units) < rare, "rare", "common"),
            "country": rng.choice(["DE", "FR", "NL"], n_units, p=[0.6, 0.3, 0.1]),
            "uncertainty": rng.random(n_units) ** 3,
        }
    )


WAYS = {
    "random": {"how": "random"},
    "stratified": {"how": DrawRule("stratified", "country")},
    "two strata": {"how": DrawRule("stratified", ["country", "label"], minimum=2)},
    "by_label": {"how": "by_label"},
    "uncertainty": {"how": "uncertainty"},
}


@pytest.mark.parametrize(
    "way", [each if each == "two strata" else pytest.param(each, marks=pytest.mark.slow) for each in WAYS]
)
def test_the_stored_chance_is_how_often_a_unit_is_drawn(way):
    """Many draws of 30 from 120 units: each unit, and each unit's test part, as often as its chance says."""
    units = make_units(120, rare=0.2)
    times, chance = np.zeros((2, 120)), np.full((2, 120), np.nan)
    for seed in range(N_DRAWS):
        sample = draw_gold(units, 30, dev_share=0.3, seed=seed, **WAYS[way])
        for row, part in enumerate((sample.frame, take_part(sample, "test").frame)):
            at = part["unit_id"].str[1:].astype(int).to_numpy()
            times[row, at] += 1
            chance[row, at] = part["prob"]
        assert len(sample.frame) == sample.frame["unit_id"].nunique() == 30
    assert not np.isnan(chance[0]).any()
    error = np.sqrt(chance * (1 - chance) / N_DRAWS) + 1e-9
    z = (times / N_DRAWS - chance) / error
    assert np.nanmax(np.abs(z)) < 4.5
    assert np.nanstd(z[0][chance[0] < 1]) < 1.4


def test_strata_and_minimum():
    units = make_units()
    sizes = units["country"].value_counts()
    sample = draw_gold(units, 100, DrawRule("stratified", "country")).frame
    drawn = sample["stratum"].value_counts()
    assert (drawn / 100 - sizes / 1000).abs().max() < 0.01
    for country, part in sample.groupby("stratum"):
        assert part["prob"].tolist() == pytest.approx([drawn[country] / sizes[country]] * len(part))
    equal = draw_gold(units, 90, DrawRule("stratified", "country", equal=True)).frame
    assert set(equal["stratum"].value_counts()) == {30}
    rare = draw_gold(units, 200, how="by_label").frame
    assert (rare.loc[rare["stratum"] == "rare", "prob"] == 1).all()
    least = draw_gold(units, 40, DrawRule("stratified", "label", minimum=15))
    assert least.frame["stratum"].value_counts().to_dict() == {"common": 25, "rare": 15}
    assert least.strata["rare"] == [int((units["label"] == "rare").sum()), 15]


def test_the_same_seed_draws_the_same():
    units = make_units()
    one, two, other = (draw_gold(units, 50, how="uncertainty", dev_share=0.4, seed=seed) for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(one.frame, two.frame)
    assert set(one.frame["unit_id"]) != set(other.frame["unit_id"])
    assert one.seed == one.rounds[0]["seed"] == 3
    assert one.frame["part"].value_counts().to_dict() == {"test": 30, "dev": 20}


def test_uncertain_units_are_drawn_more_often_but_none_is_out_of_reach():
    scores = np.array([0.0] * 50 + [1.0] * 40 + [50.0] * 10)
    chances = chances_by_score(20, scores, 0.2)
    assert chances.sum() == pytest.approx(20)
    assert chances.min() >= 0.2 * 20 / 100
    assert (chances[-10:] == 1).all()
    assert chances_by_score(20, np.zeros(100), 0.2).tolist() == pytest.approx([0.2] * 100)
    assert all(len(draw_systematic(chances, np.random.default_rng(seed))) == 20 for seed in range(200))


@pytest.mark.parametrize("equal", [True, False])
def test_allotment_adds_up_and_keeps_its_bounds(equal):
    rng = np.random.default_rng(2)
    for _ in range(300):
        sizes = rng.integers(1, 400, size=rng.integers(1, 12))
        lowest = np.minimum(rng.integers(0, 6), sizes)
        n = int(rng.integers(lowest.sum(), sizes.sum() + 1))
        drawn = allot(n, sizes, lowest, equal=equal)
        assert drawn.sum() == n
        assert (lowest <= drawn).all()
        assert (drawn <= sizes).all()


def test_recall_of_a_rare_label_needs_the_weights():
    """analysis_methods.md, section 0: label of 5 %, half the gold from predicted positives; recall unweighted .984,
    true .787, weighted .801. Here 20,000 units, 1,000 gold, means over 10 draws."""
    rng = np.random.default_rng(8)
    truth = rng.random(20_000) < 0.05
    found = np.where(truth, rng.random(20_000) < 0.787, rng.random(20_000) < 0.01)
    units = pd.DataFrame({"unit_id": np.arange(20_000), "label": np.where(found, "yes", "no")})
    plain, weighted = [], []
    for seed in range(10):
        sample = draw_gold(units, 1000, how="by_label", seed=seed).frame
        at = sample["unit_id"].astype(int).to_numpy()
        has, weight = truth[at], 1 / sample["prob"].to_numpy()
        plain.append(found[at][has].mean())
        weighted.append((found[at] * weight)[has].sum() / weight[has].sum())
    recall = found[truth].mean()
    assert recall == pytest.approx(0.787, abs=0.03)
    assert np.mean(plain) > 0.95
    assert np.mean(weighted) == pytest.approx(recall, abs=0.03)


def test_units_of_a_tidy_table_without_a_label_are_a_stratum():
    texts = pd.read_csv(DATA / "topics_sib200_en" / "texts.csv", dtype=str).head(300)
    model = pd.DataFrame({"unit_id": texts["text_id"], "coder": "model", "label": texts["topic"], "why": None})
    model.loc[:39, ["label", "why"]] = [None, "refused"]
    table = pd.concat([model, model.assign(coder="other")]).assign(variable="topic", draw=0)
    about = {"models": ("model", "other")}
    codings = Codings(table, [VariableSpec("topic", "nominal", sorted(texts["topic"].unique()))], **about)
    sample = draw_gold(codings, 80, how="by_label").frame
    assert "(refused)" in set(sample["stratum"])
    assert (1 / sample["prob"]).sum() == pytest.approx(300)
    rows = draw_gold(table[table["coder"] == "model"], 80, how="by_label")
    pd.testing.assert_frame_equal(rows.frame, sample)
    with pytest.raises(ParameterError, match=r"the table has 2. To mend: keep the rows of one coder: 'model', 'other'"):
        draw_gold(table, 80)
    with pytest.raises(StatisticError, match="there are 'model', 'other'"):
        draw_gold(Codings(table, codings.variables), 80)


def test_strata_may_be_covariates_of_the_codings():
    units = make_units(200)
    table = make_table("v", {"model": units["label"]}).assign(unit_id=units["unit_id"])
    codings = Codings(table, [VariableSpec("v", "nominal", ["rare", "common"])], models=("model",))
    codings = codings.with_groups(units.set_index("unit_id")["country"])
    sample = draw_gold(codings, 40, DrawRule("stratified", "country"), seed=2)
    pd.testing.assert_frame_equal(sample.frame, draw_gold(units, 40, DrawRule("stratified", "country"), seed=2).frame)
    strata = list_strata(codings.with_sample(sample))
    assert strata.frame["n"].sum() == 40
    assert strata.finding == "40 of 200 units are drawn, seed 2: 0 to develop, 40 to test."
    assert list_strata(codings).facts.nothing == "No gold sample was drawn."


UNITS = make_units(100)

BAD = {
    "too many": ({"n": 101}, "101 units cannot be drawn: there are 100.*at most 100"),
    "too many by score": ({"n": 101, "how": "uncertainty"}, "draw at most 100"),
    "none": ({"n": 0}, r"draw 1 or more; gold_size\(\)"),
    "too few for the strata": (
        {"n": 5, "how": DrawRule("stratified", "country", minimum=3)},
        "too few for 3 strata.*draw at least 9, lower `minimum`, or join strata",
    ),
    "how": ({"how": "snowball"}, "'snowball' is not known.*random, stratified, by_label, uncertainty"),
    "no strata": ({"how": "stratified"}, "pass strata="),
    "strata for nothing": ({"how": DrawRule("by_label", "country")}, "not used when how is 'by_label'"),
    "unknown stratum": ({"how": DrawRule("stratified", "land")}, "column 'land'.*the units have 'unit_id', 'label'"),
    "stratum missing": (
        {"how": DrawRule("stratified", "country"), "units": UNITS.assign(country=None)},
        "missing in 100 units",
    ),
    "no score": ({"how": DrawRule("uncertainty", score="doubt")}, "column 'doubt': it is not there"),
    "bad score": (
        {"how": "uncertainty", "units": UNITS.assign(uncertainty=-1.0)},
        "100 are no numbers of zero or more",
    ),
    "ids twice": ({"units": pd.concat([UNITS, UNITS.head(2)])}, "'u0', 'u1' occur more than once"),
    "ids missing": ({"units": UNITS.assign(unit_id=None)}, "unit_id: missing in 100 rows"),
    "no ids": ({"units": UNITS.drop(columns="unit_id")}, "column 'unit_id'"),
    "no units": ({"units": UNITS.head(0)}, "no unit to draw from"),
    "floor": ({"how": DrawRule(floor=0)}, "a unit that cannot be drawn cannot be corrected for"),
    "dev share": ({"dev_share": 1}, "leaves no units for the test part"),
    "minimum": ({"how": DrawRule(minimum=0)}, "every unit can be drawn"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_drawn_is_refused_with_the_mend(case):
    asked, said = BAD[case]
    with pytest.raises(ParameterError, match=f"(?s){said}"):
        draw_gold(**{"units": UNITS, "n": 10, **asked})


@pytest.mark.slow
def test_a_second_round_has_the_chances_of_the_whole():
    """Enlarging 20 by 30 units, many times: each unit as often as in one draw of 50."""
    units = make_units(100, rare=0.3)
    times, chance = np.zeros((2, 100)), np.full((2, 100), np.nan)
    for seed in range(N_DRAWS):
        first = draw_gold(units, 20, how="by_label", dev_share=0.5, seed=seed)
        both = draw_gold(units, 30, how="by_label", dev_share=0.2, earlier=first, seed=10_000 + seed)
        assert both.frame["unit_id"].tolist()[:20] == first.frame["unit_id"].tolist()
        assert both.frame["part"].tolist()[:20] == first.frame["part"].tolist()
        for row, part in enumerate((both.frame, take_part(both, "test").frame)):
            at = part["unit_id"].str[1:].astype(int).to_numpy()
            times[row, at] += 1
            chance[row, at] = part["prob"]
    assert len(both.frame) == both.frame["unit_id"].nunique() == 50
    assert both.frame["round"].tolist() == [1] * 20 + [2] * 30
    assert len(both.rounds) == 2
    z = (times / N_DRAWS - chance) / (np.sqrt(chance * (1 - chance) / N_DRAWS) + 1e-9)
    assert np.abs(z).max() < 4.5


def test_a_second_round_of_another_design_is_refused():
    units = make_units(100)
    doubtful = draw_gold(units, 20, how="uncertainty")
    with pytest.raises(ParameterError, match="its chances are not those of a draw from these strata"):
        draw_gold(units, 10, earlier=doubtful)
    with pytest.raises(ParameterError, match="cannot enlarge a sample with exact chances"):
        draw_gold(units, 10, how="uncertainty", earlier=draw_gold(units, 20))
    with pytest.raises(ParameterError, match="draw from the same units as before"):
        draw_gold(units.tail(50), 10, earlier=draw_gold(units.head(50), 20))
    with pytest.raises(ParameterError, match="it has no 'prob_part'"):
        draw_gold(units, 10, earlier=GoldSample(draw_gold(units, 20).frame.drop(columns="prob_part")))
    with pytest.raises(ParameterError, match=r"90 drawn before.*at most 10"):
        draw_gold(units, 11, earlier=draw_gold(units, 90))


# The file


def test_the_file_keeps_everything_and_locks_the_test_part(tmp_path):
    path = tmp_path / "gold" / "gold_sample.jsonl"
    sample = draw_gold(make_units(), 60, how="by_label", dev_share=1 / 3, seed=4)
    assert write_gold_sample(sample, path) == "gold_sample.jsonl: 60 units (20 dev, 40 test), from 1,000."
    dev = read_gold_sample(path).frame
    assert (dev["part"] == "dev").all()
    assert dev["prob"].tolist() == sample.frame.loc[sample.frame["part"] == "dev", "prob_part"].tolist()
    for part in ("test", "all"):
        with pytest.raises(ParameterError, match=f"the part '{part}' is locked.*unlock=True once prompt"):
            read_gold_sample(path, part=part)
    test = read_gold_sample(path, part="test", unlock=True).frame
    assert len(test) == 40
    assert (1 / test["prob"]).sum() == pytest.approx(1000)
    whole = read_gold_sample(path, part="all", unlock=True)
    pd.testing.assert_frame_equal(whole.frame, sample.frame)
    assert (whole.n_units, whole.rounds, whole.strata) == (sample.n_units, sample.rounds, sample.strata)
    assert whole.seed == 4
    with pytest.raises(ParameterError, match=r"this is the part 'test' only.*the whole sample of draw_gold"):
        write_gold_sample(take_part(sample, "test"), tmp_path / "part.jsonl")
    assert json.loads(path.read_text().splitlines()[0])["rounds"][0]["how"] == "by_label"


def test_a_second_draw_does_not_take_the_place_of_the_first(tmp_path):
    path = tmp_path / "gold_sample.jsonl"
    units = make_units()
    first = draw_gold(units, 60, how="by_label", dev_share=0.5, seed=4)
    write_gold_sample(first, path)
    before = path.read_bytes()
    write_gold_sample(draw_gold(units, 60, how="by_label", dev_share=0.5, seed=4), path)
    assert path.read_bytes() == before
    for other in (
        draw_gold(units, 60, how="by_label", dev_share=0.5, seed=5),
        draw_gold(units, 200, seed=4),
        replace(first, frame=first.frame.assign(part="dev")),
        replace(first, frame=first.frame.head(30)),
    ):
        with pytest.raises(ParameterError, match=r"would be lost or change their part.*earlier=read_gold_sample"):
            write_gold_sample(other, path)
    with pytest.raises(ParameterError, match="the same units with other probabilities"):
        write_gold_sample(replace(first, frame=first.frame.assign(prob=0.5)), path)
    assert path.read_bytes() == before
    earlier = read_gold_sample(path, part="all", unlock=True)
    larger = draw_gold(units, 40, how="by_label", earlier=earlier, seed=6)
    write_gold_sample(larger, path)
    again = read_gold_sample(path, part="all", unlock=True)
    assert len(again.frame) == 100
    assert [each["seed"] for each in again.rounds] == [4, 6]
    pd.testing.assert_frame_equal(again.frame, larger.frame)


def test_a_part_without_units_is_a_fault_only_where_it_is_used(tmp_path):
    path = tmp_path / "gold_sample.jsonl"
    write_gold_sample(draw_gold(make_units(), 10), path)
    sample = open_gold_sample(tmp_path, part="dev")
    assert len(sample.frame) == 0
    (fault,) = sample.locked
    assert "it has no part 'dev'" in str(fault)


def test_a_damaged_or_foreign_file_is_named(tmp_path):
    path = tmp_path / "gold_sample.jsonl"
    sample = draw_gold(make_units(), 10)
    write_gold_sample(sample, path)
    with pytest.raises(ParameterError, match=r"it has no part 'dev'.*part='test' with unlock=True"):
        read_gold_sample(path)
    text = path.read_text()
    path.write_text(text.replace('"prob":0.01', '"prob":0.5', 1))
    with pytest.raises(RecordError, match="edited or cut short"):
        read_gold_sample(path, part="test", unlock=True)
    with pytest.raises(RecordError, match="edited or cut short"):
        write_gold_sample(sample, path)
    path.write_text('{"a": 1}\n')
    with pytest.raises(RecordError, match="this is not a gold sample"):
        read_gold_sample(path, part="test", unlock=True)
    with pytest.raises(ParameterError, match="no such file"):
        read_gold_sample(tmp_path / "none.jsonl")
    with pytest.raises(ParameterError, match="the sample has no 'unit_id'"):
        write_gold_sample(GoldSample(sample.frame.drop(columns="unit_id")), tmp_path / "new.jsonl")
    with pytest.raises(ParameterError, match="pass 'dev', 'test' or 'all'"):
        take_part(sample, "train")
