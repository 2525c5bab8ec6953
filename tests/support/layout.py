"""What a printed figure must keep: a journal's width, nothing off the canvas, no text over another, axes with names."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg

from codebook.outputs.figure_style import MAX_HEIGHT, WIDTHS, house_style

_SLACK = 1.5  # pixels that two boxes of text may share: their padding


def find_layout_faults(figure: Any) -> list[str]:
    """Faults of a figure as it is saved; empty where it has none."""
    canvas = FigureCanvasAgg(figure)
    figure.draw_without_rendering()  # which lays it out as it is saved
    width, height = (round(25.4 * side, 1) for side in figure.get_size_inches())
    faults = [] if width in WIDTHS.values() and height <= MAX_HEIGHT else [f"{width} x {height} mm"]
    faults += [f"an axis of {axes} has no name" for axes in figure.axes if axes.has_data() and not _is_named(axes)]
    boxes = [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in _list_texts(figure)]
    whole = figure.bbox
    for text, box in boxes:
        if box.x0 < whole.x0 - 1 or box.y0 < whole.y0 - 1 or box.x1 > whole.x1 + 1 or box.y1 > whole.y1 + 1:
            faults.append(f"{text!r} leaves the canvas")
    small = [(text, box.padded(-_SLACK)) for text, box in boxes]
    faults += [f"{a!r} is over {b!r}" for (a, one), (b, two) in combinations(small, 2) if one.overlaps(two)]
    return faults


def _is_named(axes: Any) -> bool:
    """Whether every scale that has numbers has a name: of panels beside each other the first says it for all."""
    figure = axes.figure
    shared = [axes, *axes.get_shared_y_axes().get_siblings(axes), *axes.get_shared_x_axes().get_siblings(axes)]
    names = [each.get_xlabel() or each.get_ylabel() or each.get_title(loc="left") for each in shared]
    return any(names) or bool(figure.get_supxlabel() and not axes.get_xticks().size)


def _list_texts(figure: Any) -> Iterator[Any]:
    parts = list(figure.texts)
    for axes in figure.axes:
        parts += [*axes.texts, axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label]
        for axis in (axes.xaxis, axes.yaxis):
            parts += [tick.label1 for tick in axis._update_ticks()]
    legends = [legend for legend in (axes.get_legend() for axes in figure.axes) if legend]
    parts += [text for legend in legends for text in [*legend.get_texts(), legend.get_title()]]
    yield from (text for text in parts if text.get_visible() and text.get_text().strip())


TALK = {"font.size": 18, "axes.labelsize": 18, "axes.grid": True, "text.usetex": False, "lines.linewidth": 4}
"""What seaborn's `set_theme(context="talk")` does to sizes."""


def save(figure: Any, kind: str) -> bytes:
    """The file of a figure, without its date."""
    room = io.BytesIO()
    figure.savefig(room, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return room.getvalue()


def check_styles(make: Callable[[], Any]) -> None:
    """The figure, drawn as a result draws it, is the same whatever style a person has set."""
    with house_style():
        plain = save(make(), "svg")
    with style.context(["dark_background", TALK]), house_style():
        figure = make()
    with style.context("ggplot"):  # made under one style and saved under another
        assert save(figure, "svg") == plain
