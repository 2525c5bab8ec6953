"""Parts of a gold sample: no figure of one part is of a unit of the other, whichever verb is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from codebook import consensus
from codebook.analysis import (
    Bootstrap,
    Codings,
    VariableSpec,
    alt_test,
    calibration,
    compare,
    compare_agreement,
    compare_shares,
    confusion,
    correlogram,
    generalizability,
    limits_of_agreement,
    prevalence,
    roc_curves,
    selective_labels,
    stability,
    validity,
    verdicts,
)
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.gold_samples import GoldSample
from codebook.analysis.reliability import reliability
from codebook.sampling import draw_gold

FEW, N = Bootstrap(20), 120
DEV = {f"u{at + 1}" for at in range(40)}


@pytest.fixture(scope="module")
def codings() -> Codings:
    """Of the first forty units, the dev part, the model has none right, and nobody agrees with anybody."""
    rng = np.random.default_rng(1)
    gold = rng.choice(["1", "2"], N)
    other = np.where(gold == "1", "2", "1")
    is_dev = np.arange(N) < 40
    columns = {"gold": gold}
    for name, right in (("ann", 0.9), ("ben", 0.8), ("cy", 0.85), ("m", 0.9), ("k", 0.7)):
        columns[name] = np.where(rng.random(N) < np.where(is_dev, 0.1, right), gold, other)
    table = make_table("v", {name: labels.tolist() for name, labels in columns.items()})
    again = table[table["coder"] == "m"].assign(draw=1)
    again["label"] = np.where(is_dev, other, gold)
    table = pd.concat([table, again], ignore_index=True)
    table["confidence"] = np.where(table["coder"] == "m", rng.uniform(0.5, 1, len(table)), np.nan)
    units = [f"u{at + 1}" for at in range(N)]
    sample = pd.DataFrame({"unit_id": units, "prob": 0.6, "part": np.where(is_dev, "dev", "test"), "prob_part": 0.4})
    spec = VariableSpec("v", "interval", ["1", "2"])
    groups = pd.Series(np.where(np.arange(N) % 2, "odd", "even"), index=units, name="side")
    return Codings(table, [spec], gold="gold", models=("m", "k"), sample=GoldSample(sample, named=True)).with_groups(
        groups
    )


VERBS: dict[str, Callable[[Codings], Any]] = {
    "validity": lambda codings: validity(codings, resample=FEW),
    "validity by label": lambda codings: validity(codings, "m", by="label", resample=FEW),
    "validity by group": lambda codings: validity(codings, "m", by="side", resample=FEW),
    "compare": lambda codings: compare(codings, "m", "k", resample=FEW),
    "confusion": lambda codings: confusion(codings, "m", resample=FEW),
    "calibration": lambda codings: calibration(codings, "m", resample=FEW),
    "roc_curves": lambda codings: roc_curves(codings, "m"),
    "verdicts": lambda codings: verdicts(codings, "m", resample=FEW),
    "correlogram": lambda codings: correlogram(codings, "coders"),
    "limits_of_agreement": lambda codings: limits_of_agreement(codings, "m"),
    "reliability": lambda codings: reliability(codings, "group", resample=FEW),
    "pairs": lambda codings: reliability(codings, "pair", resample=FEW),
    "compare_agreement": lambda codings: compare_agreement(
        codings.only(["ann", "ben"]), codings.only(["ann", "m"]), resample=FEW
    ),
    "compare_shares": compare_shares,
    "alt_test": lambda codings: alt_test(codings, 0.1, models=["m"], resample=FEW),
    "stability": lambda codings: stability(codings, over="draw", resample=FEW),
    "generalizability": lambda codings: generalizability(codings, resample=FEW),
}


@pytest.mark.parametrize("name", VERBS)
def test_dev_units_never_enter_the_figures_of_the_test(name: str, codings: Codings) -> None:
    done = VERBS[name](codings)
    assert codings.sample is not None
    test = Codings(
        codings.frame[~codings.frame["unit_id"].isin(DEV)],
        codings.variables,
        gold="gold",
        models=codings.models,
        sample=GoldSample(codings.sample.frame, part="test", named=True),
        covariates=codings.covariates,
    )
    pd.testing.assert_frame_equal(done.frame, VERBS[name](test).frame)
    assert "40 units of part 'dev' of the gold sample are left out" in done.note


def test_while_prompts_are_made_the_test_part_stays_out(codings: Codings) -> None:
    assert codings.sample is not None
    whole = Codings(codings.frame, codings.variables, gold="gold", models=codings.models)
    frame = make_sample()
    tuned = whole.with_sample(GoldSample(frame).take("dev"))
    assert reliability(tuned, resample=FEW).frame["n_units"][0] == 40
    assert "80 units of part 'test' of the gold sample are left out" in reliability(tuned, resample=FEW).note
    every = whole.with_sample(GoldSample(frame, named=True).take("all"))
    assert validity(every, resample=FEW).frame["n_gold"][0] == N
    assert "40 of them are in part 'dev': figures flatter if prompts were written with it" in validity(every).note


def make_sample() -> pd.DataFrame:
    units = [f"u{at + 1}" for at in range(N)]
    return pd.DataFrame({"unit_id": units, "prob": 0.6, "part": np.repeat(["dev", "test"], [40, 80]), "prob_part": 0.4})


def test_labels_are_joined_of_all_units_and_shares_corrected_of_all_of_them(codings: Codings) -> None:
    joined = consensus(codings.only(["ann", "ben", "cy", "gold"]))
    assert len(joined.result.frame) == N
    assert "Among the units are 40 of another part of the gold sample" in joined.result.note
    result = prevalence(codings, "m")
    assert (result.facts.n_units, result.facts.n_gold) == (N, 80)


def test_labels_are_chosen_by_the_test_part_and_taken_or_left_of_all_units(codings: Codings) -> None:
    chosen = selective_labels(codings, "m", error=0.3)
    rows = chosen.result.frame
    assert (rows["n"].sum(), (rows["n_taken"] + rows["n_left"]).sum()) == (80, N)
    assert (rows["error"] < 0.2).all()
    assert chosen.codings.frame["unit_id"].nunique() == N
    assert "40 units of part 'dev' of the gold sample are left out" in chosen.result.note


def test_a_sample_as_it_was_drawn_is_its_test_part(codings: Codings) -> None:
    drawn = draw_gold(pd.DataFrame({"unit_id": [f"u{at + 1}" for at in range(N)]}), 50, dev_share=0.2)
    result = validity(codings.with_sample(drawn), resample=FEW)
    assert result.frame["n_gold"][0] == 40
    assert "40 gold units (part 'test')" in result.note
