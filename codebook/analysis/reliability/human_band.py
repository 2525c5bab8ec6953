"""The human band: do people agree with each model as they agree among themselves?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from codebook.analysis.core.drawing import dress_axes, legend_above, literal, new_figure, say_in_picture, wrap
from codebook.analysis.core.estimates import say_figure
from codebook.ground.quantities import format_figure
from codebook.outputs.figure_style import BASELINE, GRID, MODEL, MUTED, NOTE, PEOPLE, Axes, Figure, house_style

Row = Mapping[Any, Any]
ALONE, WITH = "people", "people + "
"""Groups of people alone, and of people with one model."""
_ROW_MM = 5.2
_MOST_ROWS = 28
"""Rows that a figure has room for; of more, a variable is one row."""
_WORDS = {"people": "people among themselves", "models": "models among themselves", "all": "all coders"}
_MARKS = "osD^vP"


def find_place(row: Row, band: Row) -> str:
    """Where a figure lies beside the interval of the people: inside, below or above; empty where one is undefined.

    Examples
    --------
    >>> [find_place({"value": value}, {"low": 0.6, "high": 0.8}) for value in (0.6, 0.5, 0.9, float("nan"))]
    ['inside', 'below', 'above', '']
    """
    if any(math.isnan(number) for number in (row["value"], band["low"], band["high"])):
        return ""
    return "below" if row["value"] < band["low"] else "above" if row["value"] > band["high"] else "inside"


def find_band(rows: Sequence[Row]) -> Row | None:
    """The people alone, where they have an interval and a model is beside them."""
    alone = next((row for row in rows if row["group"] == ALONE and not math.isnan(row["low"])), None)
    return alone if any(row["group"].startswith(WITH) for row in rows) else None


def say_places(rows: Sequence[Row], band: Row, places: int) -> Iterator[str]:
    """Of each model whether the people agree with it as among themselves, the best first."""
    for row in sort_models(rows):
        place = find_place(row, band)
        where = f", {place} that interval" if place else f" ({row['reason']})"
        yield f"{row['group']} {format_figure(row['value'], places) if place else 'undefined'}{where}"


def sort_models(rows: Sequence[Row]) -> list[Row]:
    """People with each model, the highest figure first."""
    models = [row for row in rows if row["group"].startswith(WITH)]
    return sorted(models, key=lambda row: (math.isnan(row["value"]), -row["value"]))


@house_style()
def draw_band(rows: pd.DataFrame, quantity: str, references: Sequence[float], note: str) -> Figure:
    """The interval of people among themselves as a grey band, and each model's figure with them as a dot on it.

    `rows`: columns subject (the variable), group, value, low, high and n_units.
    """
    subjects = list(dict.fromkeys(rows["subject"]))
    lines = [line for subject in subjects for line in _list_lines(rows[rows["subject"] == subject], len(subjects) > 1)]
    is_long = len(lines) > _MOST_ROWS
    n_rows = len(subjects) if is_long else len(lines)
    figure = new_figure("middle", 24 + _ROW_MM * n_rows * (0.8 if is_long else 1))
    axes = figure.subplots()
    if is_long:
        _draw_short(axes, rows, subjects)
    else:
        _draw_lines(axes, lines)
    for reference in references:
        axes.axvline(reference, color=BASELINE, linewidth=0.6, linestyle=(0, (4, 3)), zorder=0.5)
        if not is_long:  # the legend stands there
            side = "right" if reference < max(references) else "left"
            place: dict[str, Any] = {"xycoords": axes.get_xaxis_transform(), "ha": side, "va": "bottom"}
            axes.annotate(format_figure(reference, 3), (reference, 1.005), fontsize=NOTE, color=MUTED, **place)
    axes.set_ylim(n_rows - 0.4, -0.6)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, 0), max(high, 1.0))
    dress_axes(axes, quantity, grid="x")
    axes.spines["left"].set_visible(False)
    say_in_picture(
        figure, f"Grey: the interval of people among themselves. Dots: people and one model together. {note}"
    )
    return literal(figure)


def _list_lines(part: pd.DataFrame, with_head: bool) -> Iterator[Row]:
    """The rows of a variable in their order: people, each model with them from the highest on, all others."""
    rows = part.to_dict("records")
    band = find_band(rows)
    if with_head:
        yield {"head": rows[0]["subject"], "band": band}
    others = [row for row in rows if row["group"] != ALONE and not row["group"].startswith(WITH)]
    yield from ({**row, "band": band} for row in [*(row for row in rows if row["group"] == ALONE), *sort_models(rows)])
    yield from ({**row, "band": None} for row in others)


def _draw_lines(axes: Axes, lines: Sequence[Row]) -> None:
    """A row per group of coders, with its figure in numbers and its place beside the band."""
    names = []
    for height, row in enumerate(lines):
        if row["band"] is not None:
            _fill_band(axes, height, row["band"], 1)
        names.append(row["head"] if "head" in row else f"{_name_group(row['group'])} ({row['n_units']:,})")
        if "head" not in row:
            _draw_figure(axes, height, row)
    axes.set_yticks(range(len(lines)), [wrap(name, 40) for name in names])
    for label, row in zip(axes.get_yticklabels(), lines, strict=True):
        label.set(fontweight="bold" if "head" in row else "normal")


def _fill_band(axes: Axes, height: float, band: Row, thick: float) -> None:
    axes.barh(height, band["high"] - band["low"], height=thick, left=band["low"], color=GRID, zorder=0)


def _name_group(group: str) -> str:
    return f"with {group.removeprefix(WITH)}" if group.startswith(WITH) else _WORDS.get(group, group)


def _draw_figure(axes: Axes, height: int, row: Row) -> None:
    is_model = row["group"].startswith(WITH)
    colour, marker = (MODEL, "o") if is_model else (PEOPLE, "s") if row["group"] == ALONE else (BASELINE, "o")
    axes.hlines(height, row["low"], row["high"], color=colour, linewidth=1)
    face = colour if not math.isnan(row["low"]) else "white"
    axes.plot([row["value"]], [height], marker, color=colour, markerfacecolor=face)
    place = find_place(row, row["band"]) if is_model and row["band"] is not None else ""
    text = "undefined" if math.isnan(row["value"]) else say_figure(row, "value", unknown="")
    spot: dict[str, Any] = {"xycoords": axes.get_yaxis_transform(), "textcoords": "offset points", "va": "center"}
    axes.annotate(text, (1, height), xytext=(6, 0), annotation_clip=False, **spot)
    axes.annotate(place, (1, height), xytext=(60, 0), annotation_clip=False, color=MUTED, **spot)


def _draw_short(axes: Axes, rows: pd.DataFrame, subjects: Sequence[str]) -> None:
    """A row per variable: the band, the people's figure, and a dot a model."""
    models = [group for group in dict.fromkeys(rows["group"]) if group.startswith(WITH)]
    for height, subject in enumerate(subjects):
        part = rows[rows["subject"] == subject].to_dict("records")
        band = find_band(part)
        if band is not None:
            _fill_band(axes, height, band, 0.7)
    for at, group in enumerate([ALONE, *models]):
        part = rows[rows["group"] == group]
        heights = [subjects.index(subject) for subject in part["subject"]]
        colour, marker = (PEOPLE, "|") if group == ALONE else (MODEL, _MARKS[(at - 1) % len(_MARKS)])
        size = 7 if group == ALONE else 3.5
        axes.plot(part["value"], heights, marker, color=colour, markersize=size, label=_name_group(group))
    axes.set_yticks(range(len(subjects)), [wrap(subject, 44) for subject in subjects])
    legend_above(axes)
