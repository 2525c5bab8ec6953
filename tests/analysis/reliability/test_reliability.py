"""Alpha and percent agreement against published figures, the krippendorff package, and a plain bootstrap."""

from __future__ import annotations

import json
import math
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import krippendorff
import numpy as np
import pandas as pd
import pytest
from alphas import agreement, alpha_of

from codebook.analysis import DEFINITIONS, VariableSpec, format_figure, open_labels
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import count_patterns, read_codes
from codebook.analysis.core.estimates import Bootstrap, resample
from codebook.analysis.core.examples import make_table, observers_2011
from codebook.analysis.reliability import alpha as alpha_module
from codebook.analysis.reliability import reliability
from codebook.analysis.reliability.alpha import alpha_values
from codebook.errors import StatisticError

ROOT = Path(__file__).parents[3]
DATA = ROOT / "data"
CASES = json.loads((Path(__file__).parents[2] / "data" / "reliability_examples.json").read_text("utf-8"))["cases"]
MINE = [case for case in CASES if case["statistic"] in ("krippendorff_alpha", "percent_agreement")]
TONE = ["-1", "0", "1"]


def tidy(unit_id, coder, label, variable: str = "v") -> pd.DataFrame:
    frame = pd.DataFrame({"unit_id": unit_id, "coder": coder, "variable": variable, "label": label, "draw": 0})
    return frame.assign(why=None).astype({"label": "str", "why": "str"})


def case_table(data: dict) -> tuple[pd.DataFrame, list[str]]:
    """Tidy table and labels of a worked example."""
    if data["layout"] == "contingency":
        cells = [(a, b) for a, row in enumerate(data["matrix"]) for b, n in enumerate(row) for _ in range(n)]
        rows = [[data["labels"][code] for code in cell] for cell in cells]
    elif data["layout"] == "label_sets":
        rows = [[None if held is None else json.dumps(sorted(held)) for held in unit] for unit in data["values"]]
    else:
        rows = [[None if code is None else str(code) for code in unit] for unit in data["values"]]
    coders = {f"c{at}": [row[at] for row in rows] for at in range(len(rows[0]))}
    found = {label for row in rows for label in row if label is not None}
    if data["layout"] == "label_sets":
        found = {label for held in found for label in json.loads(held)}
    return make_table("v", coders), sorted(found)


@pytest.mark.parametrize("case", MINE, ids=lambda case: case["id"])
def test_worked_examples(case):
    table, labels = case_table(case["data"])
    if case["statistic"] == "krippendorff_alpha":
        estimate = alpha_of(table, variable="v", level=case["params"]["level"], labels=labels)
    else:
        name = f"percent_{case['params']['definition']}"
        estimate = alpha_of(table, variable="v", level="nominal", labels=labels, coefficient=name)
        assert case["params"]["definition"] == estimate.detail
    assert estimate.value == pytest.approx(case["expected"], abs=case["tolerance"])


def test_worked_examples_are_all_there():
    assert [case["id"][:3] for case in MINE] == ["d01", "d02", "d03", "d03", "d03", "d03", "d06", "d09"]


@pytest.fixture(scope="module")
def coal() -> pd.DataFrame:
    """LabelCodes of coal_debate that are no test questions."""
    frame = pd.read_csv(DATA / "coal_debate" / "codings.csv", dtype={"sentence_id": str})
    return frame[frame["is_test_question"] == 0]


@pytest.mark.parametrize(("level", "value"), [("nominal", 0.3117), ("ordinal", 0.3375), ("interval", 0.3395)])
def test_coal_debate_alpha(coal, level, value):
    first = coal.drop_duplicates(["sentence_id", "coder"])
    table = tidy(first["sentence_id"], first["coder"], first["code"].astype(str), "stance")
    estimate = alpha_of(table, variable="stance", level=level, labels=TONE)
    assert round(estimate.value, 4) == value
    assert (estimate.n_units, estimate.n_dropped, estimate.n_coders) == (417, 0, 85)
    assert estimate.low < estimate.value < estimate.high


def test_coal_debate_waves_and_repeated_codings(coal):
    table = tidy(coal["sentence_id"], coal["coder"], coal["code"].astype(str), "stance")
    with pytest.raises(StatisticError, match="51 times a coder coded a unit more than once"):
        alpha_of(table, variable="stance", level="ordinal", labels=TONE)
    for wave, value in ((1, 0.3161), (2, 0.3506)):
        alone = table[coal["wave"] == wave].drop_duplicates(["unit_id", "coder"])
        assert round(alpha_of(alone, variable="stance", level="ordinal", labels=TONE).value, 4) == value


def test_coal_debate_mean_per_speech_is_the_authors(coal):
    sentences = pd.read_csv(DATA / "coal_debate" / "sentences.csv", dtype={"sentence_id": str})
    authors = pd.read_csv(DATA / "coal_debate" / "speech_scores_by_authors.csv").set_index("speech_no")
    joined = coal.merge(sentences[["sentence_id", "speech_no"]], on="sentence_id")
    for wave in (1, 2):
        mean = joined[joined["wave"] == wave].groupby("speech_no")["code"].mean()
        printed = authors[f"EN{wave}_meansubsidy"].dropna()
        assert len(printed) > 10
        assert (mean.loc[printed.index] - printed).abs().max() < 1e-12


@pytest.mark.parametrize(
    ("source", "level", "value"),
    [
        ("student", "nominal", 0.6563),
        ("student", "ordinal", 0.8137),
        ("student", "interval", 0.8170),
        ("crowd", "nominal", 0.5351),
        ("crowd", "ordinal", 0.6867),  # the data's README prints .6869; the krippendorff package gives .68669 too
    ],
)
def test_econ_headlines_alpha(source, level, value):
    frame = pd.read_csv(DATA / "econ_headlines" / "codings.csv", dtype=str)
    frame = frame[frame["source"] == source]
    table = tidy(frame["headline_id"], frame["coder"], frame["value"])
    assert round(alpha_of(table, variable="v", level=level, labels=TONE).value, 4) == value


@pytest.mark.parametrize(
    ("question", "value"),
    [("EC2", 0.6999), ("MO2", 0.5152), ("CO1", 0.4478), ("EC1", 0.4614), ("HI1", 0.0644), ("RE7", 0.17), ("RE1", 0)],
)
def test_narrative_frames_questions(question, value):
    frame = pd.read_csv(DATA / "narrative_frames" / "codings.csv", dtype=str)
    table = tidy(frame["article_id"], frame["coder"], frame["value"]).assign(variable=frame["question"])
    estimate = alpha_of(table, variable=question, level="nominal", labels=["0", "1"])
    assert estimate.value == pytest.approx(value, abs=5e-5)
    if question == "RE1":  # one dissenting coding among hundreds: what alpha is cannot be known
        assert estimate.low < 0 < 0.8 < estimate.high < 1
        assert estimate.undefined_share == 0


@pytest.fixture(scope="module")
def frame_sets() -> pd.DataFrame:
    frame = pd.read_csv(DATA / "narrative_frames" / "frame_sets_derived.csv", dtype=str, keep_default_na=False)
    sets = [json.dumps([name for name in held.split("|") if name]) for held in frame["frames"]]
    return tidy(frame["article_id"], frame["coder"], sets, "frames")


FRAMES = ["CO", "EC", "HI", "MO", "RE"]


@pytest.mark.parametrize(("distance", "value"), [("masi", 0.27399), ("jaccard", 0.32922)])
def test_narrative_frames_sets(frame_sets, distance, value):
    estimate = alpha_of(frame_sets, variable="frames", level=distance, labels=FRAMES)
    assert round(estimate.value, 5) == value
    backwards = alpha_of(frame_sets, variable="frames", level=distance, labels=FRAMES[::-1])
    assert backwards.value == pytest.approx(estimate.value, abs=1e-12)


def random_matrix(rng: np.random.Generator, level: str) -> np.ndarray:
    """Codes (n_coders, n_units) with gaps; never without variation."""
    n_labels, n_coders, n_units = rng.integers(2, 8), rng.integers(2, 6), rng.integers(3, 40)
    codes = rng.integers(n_labels, size=(n_coders, n_units)).astype(float)
    codes[:2, 0], codes[:2, 1] = 0, 1
    agree = rng.random((n_coders, n_units)) < 0.5
    codes = np.where(agree, codes[0], codes)
    codes[2:] = np.where(rng.random(codes[2:].shape) < 0.4, np.nan, codes[2:])
    codes[1, 2:] = np.where(rng.random(n_units - 2) < 0.3, np.nan, codes[1, 2:])
    return codes * (1.5 if level in ("interval", "ratio") else 1) + (1 if level == "ratio" else 0)


@pytest.mark.parametrize(
    "level", ["ordinal", *(pytest.param(each, marks=pytest.mark.slow) for each in ("nominal", "interval", "ratio"))]
)
def test_alpha_is_that_of_the_krippendorff_package(level, monkeypatch):
    monkeypatch.setattr(alpha_module, "CHECKED_CELLS", 0)  # not by the check inside, which would hide a wrong path
    rng = np.random.default_rng(5)
    for _ in range(60):
        codes = random_matrix(rng, level)
        texts = {f"c{at}": [None if math.isnan(code) else f"{code:g}" for code in row] for at, row in enumerate(codes)}
        labels = [f"{code:g}" for code in np.unique(codes[~np.isnan(codes)])]
        mine = alpha_of(make_table("v", texts), variable="v", level=level, labels=labels, replicates=0)
        with np.errstate(all="ignore"):
            theirs = krippendorff.alpha(reliability_data=codes, level_of_measurement=level)
        assert mine.value == pytest.approx(theirs, abs=1e-12)
        assert math.isnan(mine.low)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio", "masi", "jaccard"])
def test_a_differing_library_is_an_error(level, monkeypatch):
    monkeypatch.setattr(krippendorff, "alpha", lambda **given: 0.5)
    table, labels = observers_2011(), list("12345")
    if level in ("masi", "jaccard"):
        table["label"] = table["label"].map(lambda code: json.dumps([code]), na_action="ignore")
    with pytest.raises(StatisticError, match=r"0\.5 in the krippendorff package.*do not publish either"):
        alpha_of(table, variable="code", level=level, labels=labels)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_bootstrap_on_patterns_is_resampling_units(level):
    table, labels = observers_2011(), list("12345")
    codings = read_codes(table, variable="code", level=level, labels=labels)
    patterns = count_patterns(codings).pairable()
    draws = np.random.default_rng(3).multinomial(patterns.times.sum(), patterns.times / patterns.times.sum(), size=200)
    values = alpha_values(draws.astype(float), patterns, codings.scale)
    for times, value in zip(draws, values, strict=True):
        units = np.repeat(patterns.counts, times, axis=0)
        used = units.sum(axis=0) > 0
        if used.sum() < 2:
            assert math.isnan(value)
            continue
        domain = np.arange(1, 6)[used]
        naive = krippendorff.alpha(value_counts=units[:, used], value_domain=domain, level_of_measurement=level)
        assert value == pytest.approx(naive, abs=1e-12)


def test_bootstrap_does_not_depend_on_how_many_draws_fit_in_memory(monkeypatch):
    times = np.arange(1, 20)
    whole = resample(times, lambda weights: weights @ times, replicates=50, seed=2)
    monkeypatch.setattr("codebook.analysis.core.estimates._CELLS", 60)
    np.testing.assert_array_equal(resample(times, lambda weights: weights @ times, replicates=50, seed=2), whole)


def test_same_seed_same_interval_other_seed_other():
    ask = {"variable": "code", "level": "ordinal", "labels": list("12345")}
    one, two = (alpha_of(observers_2011(), **ask, seed=4) for _ in range(2))
    assert one == two
    assert one.low != alpha_of(observers_2011(), **ask, seed=5).low


@pytest.mark.parametrize(
    ("codes", "reason"),
    [
        ({"ann": ["a", "b"], "bo": [None, None]}, "fewer than two coders"),
        ({"ann": ["a", None], "bo": [None, "b"]}, "no unit was coded by two coders"),
        ({"ann": ["a", "a"], "bo": ["a", "a"]}, "no variation: every coding is 'a'"),
        ({"ann": [None, None], "bo": [None, None]}, "no label at all: 4 absent"),
    ],
)
def test_undefined_is_nan_with_the_reason_never_one(codes, reason):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = reliability(Codings(make_table("v", codes), [VariableSpec("v", "nominal", ["a", "b"])]))
    row = result.frame.iloc[0]
    assert math.isnan(row["value"])
    assert math.isnan(row["low"])
    assert row["reason"] == reason
    assert f"undefined ({reason})" in result.finding


def test_the_finding_reads_like_a_paper():
    codes = VariableSpec("code", "interval", None)
    finding = reliability(Codings(observers_2011(), [codes]), coefficients=["alpha"]).finding
    assert finding.startswith("Krippendorff's alpha (interval) of code: .85 [")
    assert finding.endswith("] (4 coders, 11 units).")
    estimate = alpha_of(observers_2011(), variable="code", level="interval", labels=None)
    assert (estimate.n_codings, estimate.n_missing, estimate.n_dropped) == (40, 7, 1)


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_percent_agreement_means_four_things(definition, monkeypatch):
    codes = {"a": ["x", "x", "x", "y"], "b": ["x", "x", "y", "y"], "c": ["x", None, None, "x"], "d": ["y", *[None] * 3]}
    # by hand: agreeing pairs of a unit 3 of 6, 1 of 1, 0 of 1, 1 of 3; of coders ab 3/4, ac 1/2, bc 1/2, others 0
    shares = {
        "mean_pairwise": (3 / 6 + 1 + 0 + 1 / 3) / 4,
        "all_coders_agree": 1 / 4,
        "pooled_pairs": (3 + 1 + 0 + 1) / (6 + 1 + 1 + 3),
        "mean_coder_pairs": (3 / 4 + 1 / 2 + 0 + 1 / 2 + 0 + 0) / 6,
    }
    table = make_table("v", codes)
    ask = {"variable": "v", "level": "nominal", "labels": ["x", "y"], "coefficient": f"percent_{definition}"}
    estimate = alpha_of(table, **ask)
    assert estimate.value == pytest.approx(shares[definition])
    assert estimate.detail == definition
    assert estimate.low <= estimate.value <= estimate.high
    monkeypatch.setattr("codebook.analysis.reliability.percent._MOST_PAIRS", 0)
    plain = alpha_of(table, **ask)
    assert plain.value == pytest.approx(shares[definition])
    assert plain.reason == ("no interval: too many pairs to resample" if definition == "mean_coder_pairs" else "")


@pytest.mark.parametrize("definition", DEFINITIONS)
def test_s11_the_level_alone_says_which_labels_are_the_same(definition):
    table = make_table("v", {"A": ["1", "2", "3", "5"], "B": ["1.0", "2.0", "3.00", "6"]})
    for level in ("interval", "ratio"):
        rows = agreement(table, [VariableSpec("v", level)], coefficients=[f"percent_{definition}"], replicates=0)
        assert rows["value"][0] == 0.75
        found = reliability(table, level=level, coefficients=[f"percent_{definition}"], resample=Bootstrap(0))
        assert found.frame["value"][0] == 0.75
    every = ["1", "1.0", "2", "2.0", "3", "3.00", "5", "6"]
    name = [f"percent_{definition}"]
    rows = agreement(table, [VariableSpec("v", "nominal", every)], coefficients=name, replicates=0)
    found = reliability(table, level="nominal", coefficients=name, resample=Bootstrap(0)).frame
    assert found["value"][0] == rows["value"][0] == 0


def test_s11_numbers_in_two_spellings_are_not_compared_without_a_level():
    table = make_table("v", {"A": ["1", "2", "x"], "B": ["1.0", "2", "x"]})
    with pytest.raises(StatisticError, match=r"no level of measurement is said\. To mend: pass level= one of nominal"):
        reliability(table, coefficients=["percent"])


def test_percent_agreement_refuses_a_fifth_meaning_and_says_undefined():
    with pytest.raises(StatisticError, match=r"'percent_holsti' is unknown.*percent_mean_coder_pairs"):
        reliability(observers_2011(), level="nominal", coefficients=["percent_holsti"])
    for definition in DEFINITIONS:
        one = {"variable": "v", "level": "nominal", "labels": ["x"], "coefficient": f"percent_{definition}"}
        estimate = alpha_of(make_table("v", {"a": ["x"], "b": [None]}), **one)
        assert math.isnan(estimate.value)
        assert estimate.reason == "fewer than two coders"


@pytest.mark.parametrize(("options", "mend"), [({"replicates": -1}, "or 0 for no"), ({"confidence": 95}, r"e.g. \.95")])
def test_bootstrap_settings_are_checked(options, mend):
    with pytest.raises(StatisticError, match=mend):
        alpha_of(observers_2011(), variable="code", level="nominal", labels=list("12345"), **options)


def test_agreement_table_of_a_codebook(frame_sets):
    frames = SimpleNamespace(name="frames", kind="multi", level="nominal", labels=FRAMES)
    note = SimpleNamespace(name="note", kind="text", level=None, labels=None)
    codings = Codings(frame_sets, [frames, note], models=("A3",))
    table = reliability(codings, by="group", coefficients=["alpha"], resample=Bootstrap(200)).frame
    assert list(table["label"].unique()) == [*FRAMES, "(set)"]
    assert table["group"].unique().tolist() == ["people", "people + A3"]
    assert len(table) == 7 * 2
    table = reliability(replace(codings, models=()), coefficients=["alpha"], resample=Bootstrap(200)).frame
    sets = table[table["label"] == "(set)"].set_index("level")
    assert sets["value"].round(5).to_dict() == {"masi": 0.27399, "jaccard": 0.32922}
    first = table.iloc[0]
    opened = open_labels(Codings(frame_sets, [VariableSpec("frames", "nominal", FRAMES, kind="multi")])).frame
    alone = alpha_of(opened, variable="frames=CO", level="nominal", labels=["0", "1"], replicates=200)
    assert (first["value"], first["low"], first["high"]) == (alone.value, alone.low, alone.high)
    assert first["below_667"] <= first["below_800"] <= 1
    facts = reliability(codings, resample=Bootstrap(0)).facts
    assert facts.joins == ("Left out: 'note' holds free text, which is not compared as labels.",)
    assert facts.bootstrap.seed == 1
    assert set(facts.versions) == {"numpy", "pandas", "krippendorff"}


def test_agreement_table_reports_the_faults_of_all_variables():
    variables = [
        SimpleNamespace(name="code", kind="single", level="nominal", labels=["1", "2", "3", "4"]),
        SimpleNamespace(name="tone", kind="single", level="nominal", labels=["1"]),
    ]
    with pytest.raises(StatisticError) as caught:
        agreement(observers_2011(), variables, coefficients=["kappa"])
    assert [fault.where for fault in caught.value.faults] == ["coefficients", "code, label"]


def test_coder_pairs_are_alphas_of_two(coal):
    first = coal.drop_duplicates(["sentence_id", "coder"])
    table = tidy(first["sentence_id"], first["coder"], first["code"].astype(str), "stance")
    ask = {"variable": "stance", "level": "ordinal", "labels": TONE}
    of_two = {"by": "pair", "coefficients": ["alpha", "percent"]}
    pairs = agreement(table, [VariableSpec("stance", "ordinal", TONE)], **of_two, min_units=60, replicates=0)
    assert (pairs["n_units"] >= 60).all()
    for pair in pairs.itertuples():
        two = alpha_of(table, **ask, coders=[pair.a, pair.b], coefficient=pair.coefficient, replicates=0)
        assert (pair.value, pair.n_units) == (two.value, two.n_units)
    some = table[table["coder"].isin(["C041", "C062"])]
    some = agreement(some, [VariableSpec("stance", "ordinal", TONE)], **of_two, replicates=100)
    assert len(some) == 2
    assert some["low"][0] < some["value"][0] < some["high"][0]


def test_coder_pairs_without_any_common_unit():
    result = reliability(make_table("v", {"a": ["x", None], "b": [None, "x"]}), "pair", level="nominal")
    assert result.frame.empty
    assert {"a", "b", "n_units", "value", "low", "high", "reason"} <= set(result.frame)
    assert result.finding == "No two coders of a group labelled 1 unit in common: nothing to compare."


def test_open_labels_keeps_what_is_missing_and_refuses_unknown_labels():
    table = make_table("v", {"a": ['["x"]', None]})
    v, wrong, w = (
        VariableSpec(name, None, labels, kind="multi")
        for name, labels in (("v", ["x", "y"]), ("v", ["y"]), ("w", ["y"]))
    )
    opened = open_labels(Codings(table, [v])).frame
    assert opened["variable"].tolist() == ["v=x", "v=x", "v=y", "v=y"]
    assert opened["label"].fillna("?").tolist() == ["1", "?", "0", "?"]
    with pytest.raises(StatisticError, match="1 label is not in the codebook: 'x'"):
        open_labels(Codings(table, [wrong]))
    with pytest.raises(StatisticError, match="name one that it has: 'v'"):
        open_labels(Codings(table, [w]))


def test_figures_as_journals_print_them():
    assert [format_figure(x) for x in (-0.001, 0.5, -1.0, 1.0, 12.345)] == [".00", ".50", "−1.00", "1.00", "12.35"]


def test_s17_a_variable_that_nobody_coded_is_a_row_that_says_so():
    table = make_table("tone", {"ann": list("abab"), "bo": list("aabb")})
    both = [VariableSpec(name, "nominal", ["a", "b"]) for name in ("tone", "types")]
    frame = reliability(Codings(table, both), resample=Bootstrap(0)).frame
    assert frame.loc[frame["variable"] == "types", "reason"].unique().tolist() == ["nobody coded 'types'"]
    assert frame.loc[frame["variable"] == "tone", "value"].notna().all()
    with pytest.raises(StatisticError, match="the table has no row of 'types'"):
        reliability(Codings(table, both[1:]))
