"""Stability over draws, prompts and models; specifications of one finding; their figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from alphas import alpha_of

from codebook.analysis import (
    VariableSpec,
    correct,
    gap_in_means,
    plot_grid,
    plot_specifications,
    specifications,
    stability,
    summarise_specifications,
)
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.examples import make_table
from codebook.analysis.correction import SOURCES
from codebook.codings import read_coders
from codebook.errors import Fault, StatisticError
from codebook.scheme import read_codebook

TOPICS = Path(__file__).parents[3] / "data" / "topics_sib200_en"
TONE = VariableSpec("tone", "nominal", ["a", "b", "c"])


def compare(table: pd.DataFrame, over: Any, spec: Any = TONE, *, replicates: int = 0, **asked: Any) -> pd.DataFrame:
    return stability(Codings(table, [spec]), over, resample=Bootstrap(replicates), **asked).frame


def specify(table: pd.DataFrame, finding: Any, **asked: Any) -> pd.DataFrame:
    return specifications(Codings(table, [TONE]), finding, **asked).frame


def make_runs(n_units: int = 120, seed: int = 1, draws: int = 3) -> pd.DataFrame:
    """Two models x two prompts x draws: `m` is steady, `k` is not, and prompt p2 makes both waver."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(3, size=n_units)
    parts = []
    for model, steady in (("m", 0.95), ("k", 0.7)):
        for prompt, less in (("p1", 0.0), ("p2", 0.15)):
            for draw in range(draws):
                codes = np.where(rng.random(n_units) < steady - less, truth, rng.integers(3, size=n_units))
                part = make_table("tone", {f"{model}@{prompt}": ["abc"[code] for code in codes]})
                parts.append(part.assign(draw=draw))
    return pd.concat(parts, ignore_index=True)


def test_draws_are_compared_within_a_model_and_prompt():
    table = make_runs()
    frame = compare(table, "draw", replicates=200)
    assert frame["coder"].tolist() == ["m@p1", "m@p2", "k@p1", "k@p2"]
    assert frame["n_runs"].tolist() == [3] * 4
    assert frame["alpha"].tolist() == sorted(frame["alpha"], reverse=True)
    one = table[table["coder"] == "m@p1"]
    as_coders = one.assign(coder=one["draw"].astype(str), draw=0)
    known = alpha_of(as_coders, variable="tone", level="nominal", labels=TONE.labels, replicates=0)
    assert frame["alpha"][0] == pytest.approx(known.value)
    assert ((frame["low"] < frame["alpha"]) & (frame["alpha"] < frame["high"])).all()
    assert (frame["consistency_low"] < frame["consistency"]).all()
    wide = as_coders.pivot(index="unit_id", columns="coder", values="label")
    modal = wide.apply(lambda row: row.value_counts().iloc[0] / 3, axis=1)
    assert frame["consistency"][0] == pytest.approx(modal.mean())
    assert frame["n_flipped"][0] == (modal < 1).sum()


def test_prompts_are_compared_within_a_model_and_models_within_a_prompt():
    table = make_runs()
    prompts, models = (compare(table, over) for over in ("prompt", "model"))
    assert prompts[["model", "runs"]].to_numpy().tolist() == [["m", "p1, p2"], ["k", "p1, p2"]]
    assert models[["prompt", "runs"]].to_numpy().tolist() == [["p1", "m, k"], ["p2", "m, k"]]
    everything = compare(table, "all")
    assert everything["n_runs"].tolist() == [4]
    second = stability(Codings(table, [TONE]).draw(1), "prompt", resample=Bootstrap(0)).frame
    assert second["alpha"].tolist() != prompts["alpha"].tolist()


def test_other_things_that_differ_are_named_in_a_frame():
    table = make_runs(draws=1)
    runs = pd.DataFrame({"coder": ["m@p1", "m@p2"], "model": "m", "prompt": "p", "version": ["1", "2"]})
    frame = compare(table[table["coder"].isin(["m@p1", "m@p2"])], "version", runs=runs)
    assert frame[["model", "prompt", "runs"]].to_numpy().tolist() == [["m", "p", "1, 2"]]


def test_the_level_counts():
    table = make_runs(draws=1)
    by_level = [
        stability(Codings(table, [TONE]), "prompt", level=level, resample=Bootstrap(0))
        for level in ("nominal", "ordinal")
    ]
    assert by_level[0].frame["alpha"].tolist() != by_level[1].frame["alpha"].tolist()
    assert by_level[1].facts.level == "ordinal"


def test_flips_say_who_gave_which_label():
    table = make_table(
        "tone", {"m@p1": ["a", "a", None, "c"], "m@p2": ["a", "b", "b", "c"], "m@p3": ["b", "c", None, "c"]}
    )
    frame = compare(table, "prompt", by="unit").set_index("unit_id")
    assert frame.loc["u1", ["commonest", "flipped", "labels"]].tolist() == ["a", True, "a: p1, p2; b: p3"]
    assert frame.loc["u2", ["commonest", "flipped"]].tolist() == ["", True]
    assert np.isnan(frame.loc["u3", "consistency"])
    assert not frame.loc["u3", "flipped"]
    assert frame.loc["u1", "consistency"] == pytest.approx(2 / 3)
    flips = stability(Codings(table, [TONE]), "prompt", by="unit")
    assert flips.frame["unit_id"].tolist() == ["u2", "u1", "u4", "u3"]
    assert flips.printed()["Unit"].tolist() == ["u2", "u1"]
    assert flips.finding == "tone: 2 of 4 units flip: they get more than one label over prompts."
    told = compare(table, "prompt").iloc[0]
    assert (told["n_flipped"], told["n_units"], told["n_dropped"], told["n_missing"]) == (2, 3, 1, 2)
    assert told["consistency"] == pytest.approx(frame["consistency"].mean())


def test_sets_are_compared_by_their_distance():
    table = make_table("v", {"m@1": ['["x"]', "[]", '["x", "y"]'], "m@2": ['["x"]', "[]", '["x"]']})
    spec = VariableSpec("v", None, ["x", "y"], kind="multi")
    frame = compare(table, "prompt", spec)
    assert frame["level"][0] == "masi"
    assert frame["n_flipped"][0] == 1


def test_two_archived_models_on_the_shipped_topics():
    book = read_codebook(TOPICS / "codebook.yaml")
    table = read_coders(TOPICS / "coders.yaml", book).frame
    models = ["gpt-4", "gpt-3.5-turbo"]
    there, topic = [name for name in table["coder"].unique() if name != "gold"], book.variable("topic")
    frame = compare(table[table["coder"].isin(there)], "model", topic)
    known = alpha_of(
        table, variable="topic", level="nominal", labels=book.variable("topic").labels, coders=there, replicates=0
    )
    assert len(there) == len(models)
    assert frame["alpha"][0] == pytest.approx(known.value)
    flips = stability(Codings(table, [topic], gold="gold"), "model", by="unit").frame
    assert flips["flipped"].sum() == frame["n_flipped"][0] > 0


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"over": "mood"}, "draw, model, prompt, all"),
        ({"over": "draw"}, "two runs that differ in draw"),
        ({"over": "prompt", "runs": {"nobody": "m"}}, "name coders of the table"),
        ({"over": "model", "by": "coder"}, "by='unit'"),
        ({"over": "model", "replicates": -1}, "pass 1000"),
    ],
)
def test_bad_requests_are_refused(changed, message):
    table = pd.concat([make_runs(draws=1), make_table("tone", {"one": ["a"]})], ignore_index=True)
    with pytest.raises(StatisticError, match=message):
        compare(table, **changed)
    with pytest.raises(StatisticError, match="over='all'"):
        compare(table[table["coder"] == "m@p1"], "model")


def test_a_variable_without_a_level_is_refused():
    with pytest.raises(StatisticError, match="level of measurement"):
        compare(make_runs(), "draw", VariableSpec("tone", None, ["a", "b"]))


def test_one_label_only_is_undefined_and_perfectly_consistent():
    table = make_table("tone", {"m@1": ["a"] * 40, "m@2": ["a"] * 40})
    row = compare(table, "prompt", replicates=1000).iloc[0]
    assert np.isnan(row["alpha"])
    assert "no variation" in row["reason"]
    assert row["consistency"] == 1


def difference(rows: pd.DataFrame) -> dict[str, float]:
    """Share of `a` among even units less that among odd ones."""
    number = rows["unit_id"].str[1:].astype(int)
    is_a = (rows["label"] == "a")[rows["label"].notna()]
    halves = [is_a[number % 2 == rest] for rest in (0, 1)]
    gap = halves[0].mean() - halves[1].mean()
    error = np.sqrt(sum(half.var() / len(half) for half in halves))
    return {"estimate": gap, "low": gap - 1.96 * error, "high": gap + 1.96 * error, "n": len(is_a)}


def test_every_model_prompt_and_way_of_joining_is_one_specification():
    result = specifications(make_runs(), difference)
    frame = result.frame
    ways = frame["aggregation"].value_counts().to_dict()
    assert ways == {"single": 4, "draws": 4, "prompts": 2, "models": 2, "all": 1}
    one = make_runs()
    one = one[(one["coder"] == "k@p2") & (one["draw"] == 0)]
    row = frame[(frame["model"] == "k") & (frame["prompt"] == "p2") & (frame["aggregation"] == "single")].iloc[0]
    assert row["estimate"] == pytest.approx(difference(one)["estimate"])
    assert (frame["n_labelled"] + frame["n_tied"] == frame["n_units"]).all()
    assert frame.loc[frame["aggregation"] == "draws", "n_tied"].max() > 0
    assert result.facts.n_specifications == 13
    assert frame["significant"].isin([0, 1]).all()


def test_the_summary_counts_signs_and_significance():
    figures = iter([0.4, -0.4, 0.1, np.nan])
    widths = iter([0.1, 0.1, 0.2, np.nan])

    def finding(rows: pd.DataFrame) -> dict[str, float]:
        value, width = next(figures), next(widths)
        return {"estimate": value, "low": value - width, "high": value + width}

    table = make_runs(draws=1)
    frame = specify(table, finding, aggregations=["single"])
    row = summarise_specifications(frame).iloc[0]
    assert row[["n", "n_undefined", "sign_changes", "signs_significant"]].tolist() == [3, 1, True, True]
    assert row[["share_significant", "share_above", "share_below"]].tolist() == pytest.approx([2 / 3, 1 / 3, 1 / 3])
    assert frame["reason"].tolist() == ["", "", "", "undefined"]


def test_the_three_sources_of_a_correction_are_kept_apart():
    rng = np.random.default_rng(2)
    table = make_runs(400, draws=1)
    truth = table[table["coder"] == "m@p1"].set_index("unit_id")["label"]
    data = pd.DataFrame({"gold": (truth == "a").astype(float), "x": rng.normal(size=400), "prob": 0.5})
    data.loc[rng.random(400) < 0.5, "gold"] = np.nan

    def finding(rows: pd.DataFrame) -> pd.DataFrame:
        model = (rows.set_index("unit_id")["label"] == "a").astype(float).rename("predicted")
        rows = correct(data.join(model), "gold ~ x", family="linear").frame
        return rows[rows["coefficient"] == "x"]

    frame = specify(table, finding, aggregations=["single"])
    assert frame.groupby("source", sort=False).size().to_dict() == dict.fromkeys(SOURCES, 4)
    by_source = summarise_specifications(frame, by="source").set_index("source")
    gold = by_source.loc["gold only"]
    assert gold["lowest"] == pytest.approx(gold["highest"])
    spread = by_source["highest"] - by_source["lowest"]
    assert spread["model labels only"] > spread["gold only"]
    labels = [text.get_text() for text in plot_specifications(frame).axes[0].get_yticklabels()]
    assert sum("model labels only" in label.replace("\n", " ") for label in labels) == 4, "few: a row each"


def test_a_finding_that_is_not_defined_gives_its_reason():
    def finding(rows: pd.DataFrame) -> dict[str, float]:
        raise StatisticError("No finding.", [Fault("gold", "3 gold units for 4 coefficients", "code more")])

    asked = {"aggregations": ["single"]}
    frame = specify(make_runs(draws=1), finding, **asked)
    assert frame["estimate"].isna().all()
    assert set(frame["reason"]) == {"3 gold units for 4 coefficients"}
    (text,) = specifications(make_runs(draws=1), finding, **asked).plot().axes[0].texts
    assert text.get_text() == "No specification has an estimate: 3 gold units for 4 coefficients."
    with pytest.raises(StatisticError, match="with `estimate`"):
        specify(make_runs(draws=1), lambda rows: {"value": 1}, **asked)
    with pytest.raises(ZeroDivisionError):
        specify(make_runs(draws=1), lambda rows: {"estimate": 1 / 0}, **asked)
    with pytest.raises(StatisticError, match="single, draws"):
        specify(make_runs(draws=1), difference, **{**asked, "aggregations": ["mean"]})
    with pytest.raises(StatisticError, match="it has specification"):
        summarise_specifications(frame, by="source")


def test_p_decides_before_the_interval():
    finding = lambda rows: {"estimate": 1.0, "low": 0.5, "high": 1.5, "p": 0.2}  # noqa: E731
    frame = specify(make_runs(draws=1), finding)
    assert set(frame["significant"]) == {0}


def test_the_curve_is_in_order_with_its_choices_below():
    frame = pd.concat([specify(make_runs(seed=seed), difference) for seed in range(3)], ignore_index=True)
    frame["specification"] = range(1, len(frame) + 1)
    curve, marks = plot_specifications(frame, quantity="difference in words").axes
    dots = [line for line in curve.lines if line.get_marker() in "oD"]
    drawn = sorted((x, y) for line in dots for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True))
    assert [y for _, y in drawn] == pytest.approx(sorted(frame["estimate"]))
    main = [y for line in dots if line.get_marker() == "D" for y in line.get_ydata()]
    assert main == [frame["estimate"].iloc[0]], "the main specification is marked"
    assert any(set(line.get_ydata()) == {frame["estimate"].median()} for line in curve.lines), "median line"
    assert curve.get_ylabel() == "difference in words"
    rows = [text.get_text().replace("\n", " ") for text in marks.get_yticklabels()]
    assert rows == [
        *("Model", "m", "k", "all models", "Prompt", "p1", "p2", "all prompts", "Labels", "one run"),
        *("majority of its draws", "majority of prompts", "majority of models", "majority of all"),
    ]
    singles = next(line for line in marks.lines if set(line.get_ydata()) == {9} and line.get_marker() == "s")
    order = frame.sort_values("estimate", kind="stable", ignore_index=True)
    assert list(singles.get_xdata()) == list(order.index[order["aggregation"] == "single"])
    counts = {text.xy[1]: [each.get_text() for each in marks.texts if each.xy[1] == text.xy[1]] for text in marks.texts}
    single = frame[frame["aggregation"] == "single"]
    above, sure = ((single[name] > 0).mean() for name in ("estimate", "significant"))
    assert counts[9] == [str(len(single)), f"{100 * above:.0f} %", f"{100 * sure:.0f} %"]


def test_few_specifications_are_a_forest_and_the_axis_says_the_quantity():
    def finding(rows: pd.DataFrame) -> dict[str, Any]:
        return {**difference(rows), "quantity": "difference in words"}

    result = specifications(make_runs(draws=1), finding, aggregations=["single"])
    assert "quantity" not in result.frame
    axes = result.plot().axes[0]
    assert axes.get_xlabel() == "difference in words"
    assert len(axes.get_yticklabels()) == 4


def test_the_grid_shows_one_figure_a_prompt_and_model():
    result = stability(make_runs(), "draw", level="nominal", resample=Bootstrap(0))
    frame, figure = result.frame, result.plot()
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == [f"{frame['alpha'][at]:.2f}"[1:] for at in (0, 2, 1, 3)]
    with pytest.raises(StatisticError, match="several rows for one cell"):
        plot_grid(pd.concat([frame, frame]))
    with pytest.raises(StatisticError, match="no column 'colour'"):
        plot_grid(frame, value="colour")


def test_a_gap_in_means_is_welchs_test():
    from scipy import stats

    rows = make_runs(draws=1)
    rows = rows[rows["coder"] == "m@p1"]
    number = rows["unit_id"].str[1:].astype(float) ** 2
    found = gap_in_means(dict(zip(rows["unit_id"], number, strict=True)), "a")(rows)
    known = stats.ttest_ind(number[rows["label"] == "a"], number[rows["label"] != "a"], equal_var=False)
    assert found["p"] == pytest.approx(known.pvalue)
    assert found["low"] < found["estimate"] < found["high"]
    frame = specify(rows, gap_in_means({}, "a"))
    assert "a mean needs two" in frame["reason"][0]


def test_the_figure_of_nothing_to_compare_is_drawn():
    runs = make_runs(draws=1)
    result = stability(Codings(runs[runs["coder"] == "m@p1"], [TONE]), resample=Bootstrap(0))
    assert "level" not in result.frame
    assert result.plot().axes


def test_what_no_two_runs_differ_in_has_a_row_that_says_so():
    result = stability(Codings(make_runs(draws=1), [TONE]), resample=Bootstrap(20))
    assert result.frame["over"].tolist() == ["draw", "prompt", "prompt", "model", "model"]
    assert result.frame["reason"][0] == "no two runs differ in 'draw' alone: nothing to compare"
    assert result.frame[["model", "prompt"]].notna().all().all()
    assert result.printed().columns.tolist() == ["Over", "Model", "Prompt", "Runs", "Alpha", "Consistency", "n units"]
    assert result.printed()["Runs"].tolist()[:2] == [result.frame["reason"][0], "p1, p2"]
    assert result.finding.startswith("Least stable over models: alpha (nominal) of 2 runs is ")
    ticks = [text.get_text() for text in result.plot().axes[0].get_yticklabels()]
    assert sorted(ticks) == sorted(
        ["over draws", "over prompts: m", "over prompts: k", "over models: p1", "over models: p2"]
    )
    alone = stability(make_table("tone", {"m": ["a", "b"]}), level="nominal")
    assert alone.finding.startswith("Nothing can be compared: no two runs differ in 'draw' alone")
    assert stability(make_table("tone", {"m": ["a", "b"]}), by="unit", level="nominal").facts.nothing


def test_people_and_the_gold_are_no_runs_where_models_are_known():
    table = pd.concat([make_runs(draws=1), make_table("tone", {"gold": ["a"] * 120, "ann": ["b"] * 120})])
    models = ("m@p1", "m@p2", "k@p1", "k@p2")
    known = stability(Codings(table, [TONE], gold="gold", models=models), "all", resample=Bootstrap(0)).frame
    pd.testing.assert_frame_equal(known, compare(make_runs(draws=1), "all"))


def test_clusters_are_drawn_whole():
    codings = Codings(make_runs(draws=1), [TONE])
    owner = {f"u{at}": f"author {at % 5}" for at in range(1, 121)}
    alone, clustered = (
        stability(each, "all", resample=Bootstrap(50)) for each in (codings, codings.with_clusters(owner))
    )
    assert clustered.frame["alpha"].tolist() == alone.frame["alpha"].tolist()
    assert clustered.frame["low"].tolist() != alone.frame["low"].tolist()
    assert "Resampled are clusters of units." in clustered.note


def test_a_finding_over_two_columns_of_a_plain_frame():
    wide = pd.DataFrame({"m@p1": list("aab"), "m@p2": list("abb")}, index=list("uvw"))
    texts = {"u": "one", "v": "two words", "w": "and three words"}
    result = specifications(wide, gap_in_means(texts, "b"), aggregations=["single"])
    assert result.frame["reason"].tolist() == [
        "1 unit with 'b', 2 without: a mean needs two",
        "2 units with 'b', 1 without: a mean needs two",
    ]
    share = specifications(wide, lambda rows: {"estimate": (rows["label"] == "a").mean() - 0.5, "p": 0.2})
    assert share.finding == (
        "Over 3 specifications the estimate is −0.17 at the median, from −0.17 to 0.17; 0 % are significant at .05; "
        "its sign changes."
    )
    assert share.printed().columns.tolist() == ["n", "Median", "Lowest", "Highest", "Share significant", "Sign changes"]


def test_a_finding_that_returns_a_number_is_told_what_to_return() -> None:
    with pytest.raises(StatisticError, match=r'it returned no estimate, but a float\. To mend: .*\{"estimate": \.3\}'):
        specifications(pd.DataFrame({"m@a": ["a", "b"], "m@b": ["a", "a"]}), lambda rows: 1.0)  # type: ignore[arg-type]


def test_prompts_are_called_original_and_paraphrase_and_not_by_a_digest():
    runs = {"m@bc4498d7": list("aabb") * 5, "m@a25de464": list("abbb") * 5, "k@bc4498d7": list("aaab") * 5}
    result = stability(make_table("tone", runs), over=["prompt", "all"], level="nominal", resample=Bootstrap(0))
    table = result.printed()
    assert table["Runs"].tolist() == ["original, paraphrase", "m (original), m (paraphrase), k (original)"]
    assert "bc4498d7" not in table.to_string()
    assert "bc4498d7" in result.frame["runs"].iloc[0], "the frame keeps the digests"


def test_over_draws_people_are_compared_with_themselves():
    """Intra-coder reliability: a person's draws beside those of a model, by the same figures."""
    first = make_table("tone", {"ann": list("aabbab"), "m": list("aabbab")})
    again = make_table("tone", {"ann": list("aabbba"), "m": list("aabbab")}).assign(draw=1)
    table = pd.concat([first, again], ignore_index=True)
    codings = Codings(table, [TONE], models=("m",))
    result = stability(codings, "draw", resample=Bootstrap(0))
    rows = result.frame.set_index("model")
    assert rows["alpha"]["m"] == 1
    assert rows["n_flipped"]["ann"] == 2
    pair = pd.DataFrame({"first": list("aabbab"), "again": list("aabbba")})
    assert rows["alpha"]["ann"] == compare(make_table("tone", pair.to_dict("list")), "all", replicates=0)["alpha"][0]
    assert "intra-coder reliability" in result.note
    assert "Model or person" in result.printed()
