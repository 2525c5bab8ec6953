"""The forest as it is printed: order, numbers, names, markers, and at 2, 7, 23 and 40 labels nothing collides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from layout import find_layout_faults

from codebook.analysis import plot_estimates
from codebook.analysis.core.forest import keep_order
from codebook.outputs.figure_style import BASELINE, CORRECTED, MODEL, PEOPLE

NOTE = "95 % bootstrap intervals over units, 1,000 replicates."
MODELS = tuple(f"embedded-use-minilm-{at}" for at in range(6))
GROUPS = {"one": ("",), "two": ("humans", "models"), "panels": MODELS}


def make_rows(n: int, groups: tuple[str, ...] = ("",), *, long: bool = True) -> pd.DataFrame:
    rng = np.random.default_rng(n)
    names = [
        f"a_long_name_of_category_{at}/with_parts and words" if long and at % 3 else f"tax {at}" for at in range(n)
    ]
    rows = [(name, group) for name in names for group in groups if rng.random() < 0.9 or group == groups[0]]
    frame = pd.DataFrame(rows, columns=["name", "group"])
    frame["value"] = rng.uniform(0.2, 0.9, len(frame))
    frame["n"] = rng.integers(5, 3000, len(frame))
    frame["low"], frame["high"] = frame["value"] - 0.1, frame["value"] + 0.08
    frame.loc[frame.index[1:2], ["low", "high"]] = np.nan
    frame.loc[frame.index[-1], ["value", "low", "high"]] = np.nan
    return frame


def draw(frame: pd.DataFrame, **options: Any) -> Any:
    words = {"references": (0.667, 0.8), "quantity": "Krippendorff's α (nominal)", "note": NOTE}
    return plot_estimates(frame, **(words | options))


def list_texts(figure: Any) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


@pytest.mark.parametrize("groups", GROUPS)
@pytest.mark.parametrize("n_labels", [2, 40, *(pytest.param(n, marks=pytest.mark.slow) for n in (7, 23))])
def test_nothing_collides_or_leaves_the_picture(n_labels: int, groups: str) -> None:
    figure = draw(make_rows(n_labels, GROUPS[groups]), group=None if groups == "one" else "group")
    assert find_layout_faults(figure) == []


@pytest.mark.parametrize("groups", [*GROUPS, "four"])
@pytest.mark.parametrize("n_labels", [1, 40, pytest.param(3, marks=pytest.mark.slow)])
def test_a_title_of_many_lines_and_a_long_legend_take_no_height_from_the_rows(n_labels: int, groups: str) -> None:
    members = {**GROUPS, "four": tuple(f"a model with a long name {at}" for at in range(4))}[groups]
    quantity = "F1 of embedded-use-minilm-2 with the gold, agreement of people on the label, and what else is to say"
    figure = draw(make_rows(n_labels, members), group=None if groups == "one" else "group", quantity=quantity)
    assert find_layout_faults(figure) == []
    axes = figure.axes[0]
    assert "\n" in axes.get_xlabel() or n_labels == 40
    spare = 25.4 * axes.get_window_extent().height / figure.dpi - axes.get_ylim()[0]
    assert 0 <= spare < 4  # mm: a row is as high as it was meant


def test_rows_are_sorted_by_value_with_their_units_and_numbers() -> None:
    frame = pd.DataFrame({"name": ["tax", "war", "art"], "n": [90, 40, 7], "value": [0.7, -0.14, np.nan]})
    frame = frame.assign(low=[0.6, np.nan, np.nan], high=[0.8, np.nan, np.nan])
    figure = draw(frame)
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["tax (90)", "war (40)", "art (7)"]
    assert list_texts(figure) == [".667", ".800", ".70", "[.60, .80]", "−.14", "undefined"]
    assert figure.axes[0].get_xlabel() == "Krippendorff's α (nominal)"
    assert figure.get_supxlabel().startswith(NOTE)
    assert "Open marker: fewer than ten units or no interval." in figure.get_supxlabel().replace("\n", " ")
    ticks = [text.get_text() for text in figure.axes[0].get_xticklabels()]
    assert not [tick for tick in ticks if tick.startswith("0.") or "-" in tick]


def test_rows_keep_an_order_that_means_something_and_blocks_stand_apart() -> None:
    frame = pd.DataFrame({"name": ["low", "high", "mid"], "value": [0.1, 0.5, 0.9], "low": 0.1, "high": 0.9})
    kept = draw(frame.assign(name=keep_order(frame["name"]))).axes[0]
    assert [text.get_text() for text in kept.get_yticklabels()] == ["low", "high", "mid"]
    assert keep_order(frame["name"], "nominal").tolist() == ["low", "high", "mid"]
    assert keep_order(frame["name"], "nominal").dtype == frame["name"].dtype
    axes = draw(frame.assign(block=[1, 2, 2])).axes[0]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["low", "mid", "high"]
    first, second, third = axes.get_yticks()
    assert second - first > third - second


def test_colours_are_those_of_roles_and_people_come_first() -> None:
    groups = ["baseline", "models", "corrected", "humans"]
    frame = pd.DataFrame({"name": "tax", "group": groups, "value": [0.2, 0.5, 0.6, 0.7], "low": 0.1, "high": 0.9})
    axes = draw(frame, group="group").axes[0]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["humans", "models", "corrected", "baseline"]
    colours = {line.get_label(): line.get_color() for line in axes.lines}
    assert [colours[name] for name in ("humans", "models", "corrected", "baseline")] == [
        PEOPLE,
        MODEL,
        CORRECTED,
        BASELINE,
    ]


def test_a_row_without_one_of_the_groups_has_its_dots_in_its_middle() -> None:
    rows = pd.DataFrame({"name": ["tax", "tax", "war"], "group": ["humans", "models", "humans"], "value": 0.5})
    figure = draw(rows.assign(low=0.4, high=0.6), group="group")
    axes = figure.axes[0]
    heights = sorted({float(y) for line in axes.lines for y in line.get_ydata() if line.get_linestyle() == "None"})
    tax, war = axes.get_yticks()
    assert heights[-1] == pytest.approx(war)
    assert np.mean(heights[:2]) == pytest.approx(tax)
    assert figure.axes[0].get_legend() is not None
    assert draw(rows.assign(group="humans", low=0.4, high=0.6), group="group").axes[0].get_legend() is None


def test_of_more_rows_than_a_page_holds_the_first_are_drawn_and_the_note_says_so() -> None:
    figure = draw(make_rows(90, long=False))
    n_drawn = len(figure.axes[0].get_yticklabels())
    assert 40 < n_drawn < 90
    assert f"The first {n_drawn} of 90 rows; the data have all." in figure.get_supxlabel().replace("\n", " ")
