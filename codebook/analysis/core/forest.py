"""The forest: dots with intervals, one line each, and what they are in numbers beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from codebook.analysis.core.drawing import (
    check_frame,
    drawn_places,
    empty_figure,
    fit_lines,
    literal,
    measure_mm,
    new_figure,
    say_in_picture,
    shorten,
    wrap,
)
from codebook.analysis.core.forest_marks import (
    FEW,
    LEGEND_LINE,
    band,
    count_columns,
    draw_member,
    dress,
    measure_height,
    print_numbers,
    put_legend,
    say_undefined,
)
from codebook.ground.quantities import bound_of, format_figure, kind_of
from codebook.outputs.figure_style import (
    BASELINE,
    INK,
    MAX_HEIGHT,
    MODEL,
    NOTE,
    PEOPLE,
    WIDTHS,
    Figure,
    Mark,
    Width,
    house_style,
    mark_of,
)

_TOGETHER = 4
"""Groups that are drawn in one panel, at most."""
_ABREAST, _MOST_PANELS = 6, 12
"""Panels beside each other, and in all."""
_NAME_LINE = 3.4
"""mm of a line of a name, in the highest of the fonts."""
_DOTS = 38
"""Width in mm that the dots need."""
_TITLE_LINE = 3.4
"""mm of a line of the title of the axis, and of the values of references above it."""


class _Spacing(NamedTuple):
    """mm of a line, between rows and between blocks of rows; how many lines a name has; whether there are numbers."""

    line: float
    row: float
    block: float
    n_name_lines: int
    has_numbers: bool


_SPACINGS = (_Spacing(3.2, 1.0, 2.5, 3, True), _Spacing(2.9, 0.2, 1.5, 1, True), _Spacing(1.2, 0.3, 1.2, 1, False))


@house_style()
def plot_estimates(
    frame: pd.DataFrame,
    *,
    name: str | Sequence[str] = "name",
    value: str = "value",
    group: str | None = None,
    references: Sequence[float] = (),
    quantity: str = "",
    note: str = "",
) -> Figure:
    """Dot and interval for each row and the figure in numbers beside it, the largest on top.

    A column `n_units` or `n` says how many units are behind a row; under ten, or without an interval, its marker is
    open. Rows of one value of a column `block`, or of all but the last of several names, stand together. Rows keep
    their order where `name` is an ordered categorical.

    Parameters
    ----------
    name
        Column, or columns, that name a row.
    value
        Column of the figure; its interval stands in `VALUE_low` and `VALUE_high`, or in `low` and `high`. A row without
        a value says "undefined".
    group
        Column whose values get a line and a marker each, e.g. the group of coders; over four get a panel each.
    references
        Values marked by a line, e.g. (.667, .8) for alpha: customary lines, no verdicts.
    quantity
        What the figure is, with its unit or level: the title of the axis.
    note
        What the bar is, who and which data: the line under the figure.

    Examples
    --------
    >>> frame = pd.DataFrame({"name": ["tone", "topic"], "n": [90, 40], "value": [0.7, 0.8], "low": 0.6, "high": 0.9})
    >>> axes = plot_estimates(frame, references=(0.667, 0.8), quantity="alpha").axes[0]
    >>> [line.get_text() for line in axes.get_yticklabels()]
    ['topic (40)', 'tone (90)']
    """
    columns = [name] if isinstance(name, str) else list(name)
    ends = [f"{value}_{end}" if f"{value}_{end}" in frame else end for end in ("low", "high")]
    check_frame(frame, [*columns, value, *ends, *([group] if group else [])])
    if frame.empty:
        return empty_figure("There is no figure to draw.")
    lines = _list_lines(frame, columns, [value, *ends], group)
    members = sorted(dict.fromkeys(lines.sort_index()["member"]), key=_rank)
    if len(members) > _TOGETHER:
        note = f"{note} The first {_MOST_PANELS} of {len(members)}." if len(members) > _MOST_PANELS else note
        return literal(_draw_panels(lines, members[:_MOST_PANELS], references, quantity, note))
    return literal(_draw_forest(lines, members, references, quantity, note))


def keep_order(names: pd.Series[Any], level: str = "ordinal") -> pd.Series[Any]:
    """Names of rows; where their order means something, as above the nominal level, a forest keeps it.

    Examples
    --------
    >>> keep_order(pd.Series(["low", "high"])).cat.ordered
    True
    """
    if level in ("nominal", ""):
        return names
    return names.astype(pd.CategoricalDtype(list(dict.fromkeys(names)), ordered=True))


def _rank(member: str) -> int:
    """People first, then models and what has no role, then what they are compared with."""
    return {PEOPLE: 0, BASELINE: 2}.get(mark_of(member).colour, 1)


def _list_lines(frame: pd.DataFrame, columns: list[str], figures: list[str], group: str | None) -> pd.DataFrame:
    """A row per dot, in the order in which they are drawn: row, block, member, value, low, high, n."""
    n = next((frame[column] for column in ("n_units", "n") if column in frame), math.nan)
    first = frame[columns[:-1]].astype(str).agg(" ".join, axis=1) if len(columns) > 1 else ""
    names = frame[columns].astype(str).to_numpy()
    lines = pd.DataFrame(
        {
            "row": [" ".join(filter(None, parts)) for parts in names],
            "block": frame.get("block", first),
            "member": frame[group].astype(str) if group else "",
            **dict(zip(("value", "low", "high"), (frame[column].astype(float) for column in figures), strict=True)),
            "n": n,
        }
    ).reset_index(drop=True)
    named = frame[columns[0]]
    keeps_order = isinstance(named.dtype, pd.CategoricalDtype) and bool(named.cat.ordered)
    order = named.cat.codes.to_numpy() if keeps_order else -lines.groupby("row")["value"].transform("first")
    place = lines.assign(
        at_block=pd.factorize(lines["block"])[0],
        at_value=order,
        at_row=pd.factorize(lines["row"])[0],
        at_member=lines["member"].map(_rank),
    )
    return place.sort_values(["at_block", "at_value", "at_row", "at_member"], kind="stable")[list(lines)]


# -- one panel ---------------------------------------------------------------------------------------------------


def _draw_forest(
    lines: pd.DataFrame, members: list[str], references: Sequence[float], quantity: str, note: str
) -> Figure:
    has_legend = len(members) > 1
    furniture = 11.5 + _TITLE_LINE * bool(references)
    most = furniture + _TITLE_LINE * len(fit_lines(quantity, _DOTS)) + LEGEND_LINE * has_legend * len(members)
    lines, names, spacing, note = _fit(lines, lines, MAX_HEIGHT - most - 8, note)
    note = _say_open(lines, members, note)
    numbers = _say_numbers(lines, quantity) if spacing.has_numbers else []
    columns = [max((measure_mm(part) for part in column), default=0) for column in zip(*numbers, strict=True)]
    name_mm = max(measure_mm(part) for text in names.values() for part in text.split("\n"))
    beside = name_mm + sum(columns) + 9
    needed = beside + _DOTS * (1 if numbers or not has_legend else 1.8)
    width: Width = next((name for name, wide in WIDTHS.items() if wide >= needed), "two")
    room = WIDTHS[width] - beside
    title = fit_lines(quantity, room + 2 * min(name_mm, sum(columns)))
    n_columns = count_columns(members, WIDTHS[width])
    furniture += _TITLE_LINE * len(title) + LEGEND_LINE * has_legend * math.ceil(len(members) / n_columns)
    height = measure_height(lines) + furniture + 2.6 * len(fit_lines(note, WIDTHS[width] - 2, NOTE))
    figure = new_figure(width, height)
    axes = figure.subplots()
    if has_legend:
        band(axes, lines)
    for at, member in enumerate(members):
        draw_member(axes, lines[lines["member"] == member], _mark(member, at), label=member)
    dress(axes, lines, names, references, room)
    for text, (_, line) in zip(numbers, lines.iterrows(), strict=bool(numbers)):
        print_numbers(axes, text, line["y"], columns, _mark(line["member"], members.index(line["member"])))
    if not numbers:
        say_undefined(axes, lines)
    axes.set_xlabel("\n".join(title))
    if has_legend:
        put_legend(figure, axes, n_columns, left=name_mm + 1, above=3.6 if references else 0.8)
    say_in_picture(figure, note)
    return figure


def _mark(member: str, at: int) -> Mark:
    return mark_of(member, at) if member else Mark(MODEL)


def _fit(
    lines: pd.DataFrame, every: pd.DataFrame, room: float, note: str
) -> tuple[pd.DataFrame, dict[str, str], _Spacing, str]:
    """The lines with their place, the names as they are printed, the spacing that fits; the first rows where none.

    `every` has the lines of all groups, of which `lines` may be one a row.
    """
    for spacing in _SPACINGS:
        names = _print_names(every, spacing)
        placed = _place(lines, names, spacing)
        if measure_height(placed) <= room:
            return placed, names, spacing, note
    rows = list(names)
    n_fit = int((placed.groupby("row", sort=False)["bottom"].max() <= room).sum())
    few = _place(lines[lines["row"].isin(rows[:n_fit])], names, spacing)
    told = f"{note} The first {n_fit} of {len(rows)} rows; the data have all.".strip()
    return few, {row: names[row] for row in rows[:n_fit]}, spacing, told


def _print_names(lines: pd.DataFrame, spacing: _Spacing) -> dict[str, str]:
    """Name of each row, with how many units are behind it in brackets where the rows differ in that."""
    sizes = lines.groupby("row", sort=False)["n"].agg(["min", "max"])
    is_told = (sizes["min"] == sizes["max"]) & (sizes["max"] > 0) & (lines.loc[lines["n"] > 0, "n"].nunique() > 1)
    names = {}
    for row, n in zip(sizes.index.astype(str), sizes["max"].astype(float), strict=True):
        text = wrap(row) if spacing.n_name_lines > 1 else shorten(row)
        names[row] = f"{text} ({n:,.0f})" if is_told[row] else text
    return names


def _place(lines: pd.DataFrame, names: dict[str, str], spacing: _Spacing) -> pd.DataFrame:
    """The lines with their heights in mm from the top: of the dot, and of the middle and the end of its row."""
    places: list[tuple[float, float, float]] = []
    top, block = 0.0, lines["block"].iloc[0]
    for row, part in lines.groupby("row", sort=False):
        top += spacing.block if part["block"].iloc[0] != block else 0
        block = part["block"].iloc[0]
        height = max(spacing.line * len(part), _NAME_LINE * len(names[str(row)].split("\n")) - 0.5) + spacing.row
        middle = top + height / 2
        first = middle - spacing.line * (len(part) - 1) / 2
        places += [(first + spacing.line * at, middle, top + height) for at in range(len(part))]
        top += height
    return lines.assign(**dict(zip(("y", "middle", "bottom"), np.array(places).T, strict=True)))


def _say_numbers(lines: pd.DataFrame, quantity: str) -> list[tuple[str, str, str]]:
    """(value, interval, units) of each line as they are printed; units only where those of one row differ."""
    places = drawn_places(int(np.nan_to_num(lines["n"].max())))
    parted = lines.groupby("row")["n"].transform("nunique").max() > 1
    kind = kind_of(lines[["value", "low", "high"]].to_numpy(dtype=float).ravel(), quantity)
    texts = []
    for _, line in lines.iterrows():
        low, high = (format_figure(line[end], places, bound_of(kind)) for end in ("low", "high"))
        interval = "" if math.isnan(line["low"]) else f"[{low}, {high}]"
        n = f"({line['n']:,.0f})" if parted and not math.isnan(line["n"]) else ""
        is_known = not math.isnan(line["value"])
        value = format_figure(line["value"], places, kind)
        texts.append((value, interval, n) if is_known else ("", "undefined", n))
    return texts


def _say_open(lines: pd.DataFrame, members: list[str], note: str) -> str:
    """The note with what all rows share and what an open marker means, where there is one."""
    n = lines.loc[lines["n"] != 0, "n"].unique()
    parts = [note, f"n\u00a0=\u00a0{n[0]:,.0f}." if len(n) == 1 and n[0] > 0 else ""]
    has_role = [mark_of(member).is_open for member in members]
    solid = lines[~lines["member"].isin([member for member, is_open in zip(members, has_role, strict=True) if is_open])]
    few, bare = (solid["n"] < FEW).any(), (solid["low"].isna() & solid["value"].notna()).any()
    whys = [*(["fewer than ten units"] if few else []), *(["no interval"] if bare else [])]
    return " ".join(filter(None, [*parts, f"Open marker: {' or '.join(whys)}." if whys else ""]))


# -- a panel per group ---------------------------------------------------------------------------------------------


def _draw_panels(
    lines: pd.DataFrame, members: list[str], references: Sequence[float], quantity: str, note: str
) -> Figure:
    n_columns = min(len(members), _ABREAST)
    n_rows = math.ceil(len(members) / n_columns)
    titles = [wrap(member, 14) for member in members]
    title_mm = 3 * max(title.count("\n") + 1 for title in titles) + _TITLE_LINE * bool(references)
    room = 0.75 * WIDTHS["two"] / n_columns
    title = fit_lines(quantity, 1.8 * room)  # of a title whose middle is beyond its panel, the panels would be parted
    furniture = 8 + (title_mm + 7) * n_rows + _TITLE_LINE * len(title)
    single = lines.drop_duplicates("row")
    single, names, _, note = _fit(single, lines, (MAX_HEIGHT - furniture - 8) / n_rows, note)
    note = _say_open(lines[lines["row"].isin(names)], [], note)
    places = single.set_index("row")[["middle", "bottom"]]
    shown = lines[lines["row"].isin(names) & lines["member"].isin(members)].join(places, on="row")
    height = n_rows * measure_height(single) + furniture + 2.6 * len(fit_lines(note, WIDTHS["two"] - 2, NOTE))
    figure = new_figure("two", height)
    grid = figure.subplots(n_rows, n_columns, sharex=True, sharey=True, squeeze=False)
    for at, axes in enumerate(grid.flat):
        if at >= len(members):
            axes.set_axis_off()
            continue
        part = shown[shown["member"] == members[at]]
        draw_member(axes, part, mark_of(members[at]), at="middle")
        say_undefined(axes, part)
        axes.set_title(titles[at], color=INK, pad=11 if references else 3)
    for axes in grid.flat[: len(members)]:
        dress(axes, shown.assign(bottom=measure_height(single)).sort_values("middle"), names, references, room)
        axes.tick_params(labelbottom=True)
    grid[-1, 0].set_xlabel("\n".join(title), loc="left")
    say_in_picture(figure, note)
    return figure
