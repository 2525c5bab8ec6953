"""Curves, bands and clouds as they are printed: at 2, 7, 23 and 40 labels nothing collides or leaves the picture."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from layout import check_styles, find_layout_faults

from codebook.analysis.against_gold.confidence_bins import draw_calibration
from codebook.analysis.against_gold.transcript_errors import transcript_accuracy
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.forest import plot_estimates
from codebook.analysis.correction.simulation import simulate_studies
from codebook.analysis.entities.curve import _plot_curve
from codebook.analysis.reliability.human_band import draw_band
from codebook.analysis.robustness.specification_drawing import plot_specifications
from codebook.analysis.vectors.maps import MARKS, plot_map
from codebook.outputs.figure_style import CORRECTED, MODEL, PEOPLE
from codebook.run.cost_accuracy import draw_costs
from codebook.sampling import gold_curve

RNG = np.random.default_rng(1)
START = RNG.bit_generator.state
NOTE = "95 % intervals from 1,000 bootstrap replicates, seed 1."
LONG = "embedded-use-minilm-2-of-the-year-2026"


@pytest.fixture(autouse=True)
def _each_test_draws_the_same_numbers() -> None:
    RNG.bit_generator.state = START


def spread(frame: pd.DataFrame, value: str, ends: tuple[str, str], half: float = 0.08) -> pd.DataFrame:
    return frame.assign(**{ends[0]: frame[value] - half, ends[1]: frame[value] + half})


def make_band(n: int) -> Any:
    groups = ["people", "models", f"people + {LONG}", "people + gpt", "all"]
    rows = [(f"question {at} about the coal levy", group) for at in range(n) for group in groups]
    frame = pd.DataFrame(rows, columns=["subject", "group"]).assign(n_units=417, reason="")
    frame["value"] = RNG.uniform(0.3, 0.9, len(frame))
    return draw_band(spread(frame, "value", ("low", "high")), "Krippendorff's alpha (nominal)", (0.667, 0.8), NOTE)


def make_curve(n: int) -> Any:
    frame = pd.DataFrame({"model": [f"{LONG}-{at}" for at in range(n)], "estimate": RNG.normal(size=n)})
    parts = [frame.assign(prompt=prompt, significant=float(prompt == "")) for prompt in ("", "a25de464", "b25de465")]
    whole = pd.concat(parts, ignore_index=True).assign(n_labelled=1004, aggregation="single")
    quantity = "difference in mean number of words: units with 'sports' less those without"
    return plot_specifications(spread(whole, "estimate", ("low", "high"), 0.6), quantity=quantity)


def make_costs(n: int) -> Any:
    frame = pd.DataFrame({"variable": "topic", "run": [f"topics.v{at}" for at in range(n)]})
    frame = frame.assign(cost_per_1000=[0.0, *np.geomspace(0.02, 9, n - 1)], accuracy=np.linspace(0.6, 0.95, n))
    frame = frame.assign(on_frontier=np.arange(n) % 3 != 1)
    return draw_costs(spread(frame, "accuracy", ("accuracy_low", "accuracy_high"), 0.04), f"n = 250 gold units. {NOTE}")


def make_transcripts(n: int) -> Any:
    truth = {f"letter_{at}_of_the_year_1793_to_the_board": "Dear Sir" * 9 for at in range(n)}
    floors = dict.fromkeys(truth, 0.2)
    read = {name: text.replace("i", "x") for name, text in truth.items()}
    return transcript_accuracy(read, truth, floors=floors, resample=Bootstrap(20)).plot()


def make_map(n: int) -> Any:
    frame = pd.DataFrame(RNG.normal(size=(5 * n, 2)), columns=["x", "y"])
    frame = frame.assign(group=[f"{LONG} {at % min(n, len(MARKS))}" for at in range(len(frame))], text="a text on coal")
    return plot_map(frame, hue="group", label="text", explained=(0.31, 0.2))


def make_calibration(n: int) -> Any:
    edges = np.linspace(0.02, 0.98, n)
    bins = pd.DataFrame({"part": "bin", "name": "", "n": RNG.integers(1, 999, n), "value": edges, "probability": edges})
    kept = bins.assign(part="coverage", share=edges)
    overall = pd.DataFrame({"part": "overall", "name": ["Brier", "ECE"], "value": [0.1, 0.05]})
    frame = pd.concat([overall, bins, kept], ignore_index=True)
    return draw_calibration(spread(frame, "value", ("low", "high")), np.zeros(n, dtype=int), NOTE)


MAKERS = (make_band, make_curve, make_transcripts, make_map, make_calibration)
STYLED = (make_band, make_curve, make_transcripts, make_calibration, make_costs)
CASES = [*((make, n) for make in MAKERS for n in (2, 40)), (make_costs, 2), (make_costs, 7)]
BETWEEN = [pytest.param(make, n, marks=pytest.mark.slow) for make in MAKERS for n in (7, 23)]


@pytest.mark.parametrize(("make", "n_labels"), [*CASES, *BETWEEN])
def test_nothing_collides_or_leaves_the_picture(make: Callable[[int], Any], n_labels: int) -> None:
    assert find_layout_faults(make(n_labels)) == []


def make_pairs() -> Any:
    step = np.linspace(0, 1, 101)
    rows = pd.DataFrame(
        {"threshold": step, "precision": step, "recall": 1 - step, "f1": 0.7, "n_pairs": 9, "n_true": 3}
    )
    for measure in ("precision", "recall", "f1"):
        rows = spread(rows, measure, (f"{measure}_low", f"{measure}_high"))
    rows = rows.assign(chosen=np.isclose(step, 0.62))
    parts = [rows.assign(score=score, half=half) for score in ("score", "shared_words") for half in ("choose", "test")]
    return _plot_curve(pd.concat(parts, ignore_index=True), 0.95)


@pytest.mark.parametrize(
    "make", [make_pairs, gold_curve(n=250).plot, gold_curve(n=60, sizes=[50, 100]).plot, simulate_studies(3).plot]
)
def test_pictures_of_one_size_keep_their_texts_apart(make: Callable[[], Any]) -> None:
    assert find_layout_faults(make()) == []


def test_three_sources_keep_their_roles_and_the_axis_its_whole_name() -> None:
    sources = ["model labels only", "gold only", "corrected"]
    frame = pd.DataFrame({"name": "sports", "source": sources, "value": [0.9, 1.0, 0.95], "low": 0.8, "high": 1.0})
    figure = plot_estimates(frame, group="source", quantity="share of units at which one is at least as near to others")
    assert find_layout_faults(figure) == []
    named = {line.get_label(): line for line in figure.axes[0].lines if line.get_label() in sources}
    assert [named[source].get_color() for source in sources] == [MODEL, PEOPLE, CORRECTED]
    assert not any(line.get_clip_on() for line in figure.axes[0].lines if 1.0 in line.get_xdata())


@pytest.mark.parametrize("make", [make_map, *(pytest.param(make, marks=pytest.mark.slow) for make in STYLED)])
def test_a_curve_is_the_same_whatever_style_a_person_has_set(make: Callable[[int], Any]) -> None:
    def make_again() -> Any:
        RNG.bit_generator.state = START
        return make(2)

    check_styles(make_again)
