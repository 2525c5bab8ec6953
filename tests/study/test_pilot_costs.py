"""A pilot in other words and more than once: what it says of the labels and of the price, and that it is paid once."""

from pathlib import Path

import krippendorff
import numpy as np
import pandas as pd
import pytest
import yaml
from commands import Command
from fakes.fake_openai import FakeOpenAI
from fakes.scripted import BOOK
from fakes.service import MODEL, finish

import codebook as cb
from codebook.study import Study
from codebook.study.pilot_costs import _interval
from codebook.study.study_grid import Grid

N_UNITS, N_DRAWN = 40, 12


@pytest.fixture
def study(fake: FakeOpenAI, project: Path) -> Study:
    """Forty texts of different length, to be asked as a batch, and a second codebook."""
    book = yaml.safe_load(BOOK)
    topic = book["variables"][0]
    Path("codebook.yaml").write_text(yaml.safe_dump(book | {"variables": [topic]}))
    turned = topic | {"categories": topic["categories"][::-1]}  # the fake service answers otherwise then
    Path("other.yaml").write_text(yaml.safe_dump(book | {"variables": [turned]}))
    texts = [f"Sentence number {n} about coal. {'More on games. ' * (n % 7)}" for n in range(N_UNITS)]
    pd.DataFrame({"id": range(N_UNITS), "text": texts}).to_csv("texts.csv", index=False)
    asked = {"engine": "openai_batch", "model": MODEL, "base_url": fake.base_url}
    facts = {"study": "m", "units": "texts.csv", **asked, "options": {"pause_s": 0.01}}
    Path("study.yaml").write_text(yaml.safe_dump(facts))
    return cb.open_study()


def test_a_pilot_tells_agreement_flips_and_costs_and_the_whole_asks_none_of_it_again(
    study: Study, fake: FakeOpenAI, command: Command
) -> None:
    words = ["pilot", "--limit", str(N_DRAWN), "--paraphrase", "other.yaml", "--replicates", "50"]
    priced = command(*words, "--dry-run").output
    assert "1 model x 2 codebooks x 2 draws on 12 units: 2 runs." in priced
    assert "all: 48 different questions of 48" in priced
    assert not fake.requests, "a dry run sends nothing"
    told = command(*words)
    assert told.exit_code == 0, told.output
    pilot = study.grid.pilot(N_DRAWN, paraphrases=["other.yaml"])
    codings = pilot.codings()
    check_agreement(pilot, codings)
    costs = cb.study.estimate_costs(pilot, study.open_units(), cb.Bootstrap(50))
    assert costs.finding in told.output
    assert {path.stem for path in pilot.cells[0].study.folder.glob("outputs/*.csv")} >= {"stability", "pilot_costs"}
    row = costs.frame.iloc[0]
    paid = pilot.cells[0].study.open_run().table()["cost_usd"]
    assert row["usd_live"] == pytest.approx(paid.mean() * (N_UNITS - N_DRAWN))
    assert row["usd_batch"] == pytest.approx(row["usd_live"] / 2)
    assert costs.frame["questions"].tolist() == [N_UNITS - N_DRAWN, 4 * (N_UNITS - N_DRAWN)]
    (alone,) = cb.study.estimate_costs(pilot.cells[0].study.open_run(), study.open_units()).frame.to_dict("records")
    assert (alone["usd_live"], alone["n_rest"]) == (pytest.approx(2 * row["usd_live"]), row["n_rest"]), "of two draws"
    assert alone["seconds"] >= 0, "the service took no time to speak of, which is known"
    whole = study.plan()
    assert whole.costs().frame.set_index("what").loc["to come, as a batch", "requests"] == N_UNITS - N_DRAWN
    whole = finish(whole)
    assert whole.status().n_labelled == N_UNITS
    page = cb.study.report_study(study).read_text(encoding="utf-8")
    assert str(pilot.flips(codings).finding).split(" Most often")[0] in page
    assert "Their tables, and what the whole will take: runs/m-pilot-" in page
    assert f"Alpha over wordings: {MODEL} " in page
    checks = cb.checklist(study.run).set_index("question")
    assert checks.loc["pilot", ["state", "found"]].tolist() == ["done", f"{pilot.cells[0].study.run}, {N_DRAWN} units"]
    assert row["usd_batch_low"] <= whole.table()["cost_usd"].sum() <= row["usd_batch_high"]


def check_agreement(pilot: Grid, codings: cb.Codings) -> None:
    """Hold alpha over draws and wordings, and the units that get two labels, against a second way."""
    frame = codings.frame.dropna(subset="label").astype({"label": "category"})
    wide = frame.assign(code=frame["label"].cat.codes.astype(float)).pivot_table("code", ["coder", "draw"], "unit_id")
    rows = pilot.stability(codings, cb.Bootstrap(0)).frame.set_index(["over", "prompt"])
    words = wide.xs(0, level="draw")
    draws = {coder: wide.xs(coder, level="coder") for coder in words.index}
    for key, part in ((("prompt", ""), words), (("draw", "codebook"), draws[f"{MODEL}@codebook"])):
        alpha = krippendorff.alpha(part.to_numpy(), level_of_measurement="nominal")
        assert rows.loc[key, "alpha"] == pytest.approx(alpha)
    flips = pilot.flips(codings)
    n_flipped = (words.nunique() > 1).sum()
    assert 0 < n_flipped == flips.frame["flipped"].sum(), "each wording says the same in both draws"
    assert "take turns, in" in flips.finding


def test_the_interval_of_the_cost_holds_what_is_paid_in_the_end_as_often_as_it_says() -> None:
    rng, hits = np.random.default_rng(2), 0
    for seed in range(200):
        costs = rng.permutation(np.exp(rng.normal(0, 0.5, 400)))
        row = _interval("usd", costs[:20], 380, 400, cb.Bootstrap(200, seed=seed))
        hits += row["usd_low"] <= costs[20:].sum() <= row["usd_high"]
    assert 0.92 <= hits / 200 <= 0.98
    assert _interval("usd", np.full(5, 2.0), 10, 15, cb.Bootstrap()) == {"usd": 20, "usd_low": 20, "usd_high": 20}
    assert np.isnan(_interval("usd", np.array([2.0]), 10, 11, cb.Bootstrap())["usd"])
