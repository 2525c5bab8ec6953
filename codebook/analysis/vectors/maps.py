"""A map of vectors: the two directions in which they differ most."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.drawing import literal, new_figure, say_in_picture, wrap
from codebook.analysis.core.label_places import place_labels
from codebook.analysis.core.result import Facts, Result
from codebook.analysis.vectors.similarity_blocks import (
    DIGITS,
    Ints,
    VectorsLike,
    as_array,
    describe_rows,
    folder_of,
    iter_blocks,
)
from codebook.errors import Fault
from codebook.ground.quantities import say_percent
from codebook.outputs.figure_style import GRID, Axes, Figure, house_style

Doubles = npt.NDArray[np.float64]

_WIDTH, _MOST_ROUNDS, _PRECISION = 32, 500, 1e-14


@dataclass(frozen=True)
class MapFacts(Facts):
    """The share of the variance that each of the two components explains."""

    explained: tuple[float, float] = (0.0, 0.0)


def map_vectors(vectors: VectorsLike, *, hue: str = "", label: str = "", labelled: int = 8) -> Result:
    """The first two principal components of vectors at length 1.

    The same vectors always give the same map: there is no chance in it, and each axis points to where its largest
    loading is positive.

    Parameters
    ----------
    vectors
        `(n_rows, n_dimensions)`, at least three rows and two dimensions.
    hue
        What is known of the texts under this name: the groups of the figure, at most eight.
    label
        Column of texts, such as "text": `labelled` of them, far from one another, stand beside their points.

    Returns
    -------
    Result
        `.frame`: x and y, one row per vector, in their order, and what is known of the texts.

    Raises
    ------
    StatisticError
        The array is not one of vectors, or too small; a column is not known, or there are too many groups.

    Examples
    --------
    >>> map_vectors([[1, 0, 0], [0, 1, 0], [0, 1, 0.1], [1, 0.1, 0]]).frame.round(2)["x"].tolist()
    [0.72, -0.69, -0.69, 0.65]
    """
    known = as_array(vectors)
    if len(known) < 3 or known.shape[1] < 2:
        fault = Fault("vectors", f"their shape is {known.shape}", "pass at least three, of two dimensions or more")
        raise_faults("These vectors make no map.", [fault])
    mean, spread = _spread(known)
    values, axes = _find_axes(spread)
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), [0, 1]])
    places = np.concatenate([(block - mean) @ axes for _, block in iter_blocks(known)])
    frame = pd.DataFrame(np.round(places, DIGITS), columns=["x", "y"]).join(describe_rows(vectors))
    check_map(frame, hue, label)
    total = float(np.trace(spread))
    first, second = (round(float(value) / total, 4) if total > 0 else 0.0 for value in values)
    remark = "First two principal components of the vectors; axes without a scale, since its numbers say nothing."
    finding = f"The two axes hold {say_percent(first + second, 1)} of the differences between {len(frame):,} vectors."
    draw = partial(plot_map, frame, hue=hue, label=label, labelled=labelled, explained=(first, second))
    facts, folder = MapFacts(len(frame), explained=(first, second)), folder_of(vectors)
    names = tuple(map(str, frame))  # x, y and what is known of the texts, as it is called there
    return Result(frame, "map", "Map", "map", facts, finding, (remark,), figure=draw, outputs=folder, names=names)


def _spread(known: npt.NDArray[Any]) -> tuple[Doubles, Doubles]:
    """Mean and covariance of the vectors at length 1, summed block by block."""
    n_dimensions = known.shape[1]
    total, products = np.zeros(n_dimensions), np.zeros((n_dimensions, n_dimensions))
    for _, block in iter_blocks(known, 4_096):
        rows = block.astype(np.float64)
        total += rows.sum(axis=0)
        products += rows.T @ rows
    mean = total / len(known)
    return mean, products / len(known) - np.outer(mean, mean)


def _find_axes(spread: Doubles) -> tuple[Doubles, Doubles]:
    """The two largest eigenvalues of a symmetric matrix, with their vectors, by orthogonal iteration.

    All eigenvectors of 3,072 dimensions take half a minute; the first two, some hundredths of a second.
    """
    n_dimensions, last = len(spread), np.zeros(2)
    basis = np.linalg.qr(np.random.default_rng(0).standard_normal((n_dimensions, min(_WIDTH, n_dimensions))))[0]
    for _ in range(_MOST_ROUNDS):
        values, inner = np.linalg.eigh(basis.T @ spread @ basis)
        if np.abs(values[-2:] - last).max() <= _PRECISION * max(values[-1], 0):
            break
        last = values[-2:]
        basis = np.linalg.qr(spread @ basis)[0]
    return values[[-1, -2]], basis @ inner[:, [-1, -2]]


MARKS = (
    ("o", "#1b2a6b"),
    ("^", "#c96a12"),
    ("s", "#6f83bd"),
    ("D", "#7a3e8e"),
    ("v", "#2f7f6f"),
    ("P", "#e0a100"),
    ("X", "#8c2d2d"),
    ("h", "#5c5c5c"),
)
"""Marker and colour of each group: the marker tells groups apart where the colour does not."""
_MM = 110
_N_TRIED = 4
_SIGNS = 26
"""Characters of a line of a text beside its point."""


@house_style()
def plot_map(
    frame: pd.DataFrame,
    *,
    hue: str = "",
    label: str = "",
    labelled: int = 8,
    explained: tuple[float, float] | None = None,
) -> Figure:
    """Draw a map of vectors.

    `frame`: columns x and y, and those named below. `hue`: column of groups, at most eight, in order of their
    categories or else of their size. Each group's name stands at its middle. `label`: column of texts; `labelled` of
    them, far from one another, are written beside their points where they fit. `explained`: share of the variance of
    each component.

    Raises StatisticError: a column is missing, or there are more groups than can be told apart.

    Examples
    --------
    >>> frame = pd.DataFrame({"x": [0, 1, 2], "y": [0, 1, 0], "kind": ["a", "b", "a"]})
    >>> [text.get_text() for text in plot_map(frame, hue="kind").axes[0].get_legend().get_texts()]
    ['a (2)', 'b (1)']
    """
    groups = check_map(frame, hue, label)
    spans = [float(np.ptp(frame[name])) or 1.0 for name in "xy"] if len(frame) else [1.0, 1.0]
    height = float(np.clip(_MM * spans[1] / spans[0], 66, _MM)) + 12
    figure = new_figure("two" if hue else "middle", height)
    axes = figure.subplots()
    size = float(np.clip(2_400 / max(len(frame), 1), 6, 24))
    for place, name in enumerate(groups or [""]):
        part = frame[frame[hue] == name] if hue else frame
        marker, colour = MARKS[place]
        style: dict[str, Any] = {"marker": marker, "color": colour, "s": size, "alpha": 0.75, "linewidths": 0}
        axes.scatter(part["x"], part["y"], label=wrap(f"{name} ({len(part):,})", 30), **style)
    _dress(axes, explained)
    say_in_picture(figure, f"n = {len(frame):,} vectors; what is near is alike, as far as two components show it.")
    if hue:
        axes.legend(title=hue, loc="upper left", bbox_to_anchor=(1, 1), alignment="left")
    if label:
        rows = pick_spread(frame, _N_TRIED * labelled)
        texts = [_shorten(frame[label].iloc[row]) for row in rows]
        place_labels(axes, frame[["x", "y"]].to_numpy(float), texts, rows, most=labelled)
    return literal(figure)


def check_map(frame: pd.DataFrame, hue: str, label: str) -> list[Any]:
    """The groups in their order; faults of the frame."""
    needed = [name for name in ("x", "y", hue, label) if name]
    absent = [name for name in needed if name not in frame.columns]
    faults = [Fault("columns", f"the frame has no {name_some(absent)}", "name columns that it has")]
    raise_faults("The map cannot be drawn.", faults if absent else [])
    if not hue:
        return []
    counts = frame[hue].value_counts(sort=not isinstance(frame[hue].dtype, pd.CategoricalDtype))
    groups = [name for name, count in counts.items() if count]
    if len(groups) > len(MARKS):
        problem, mend = f"{len(groups)} groups; {len(MARKS)} can be told apart", "put the rarest together as 'other'"
        raise_faults("The map cannot be drawn.", [Fault(hue, problem, mend)])
    return groups


def _shorten(text: object) -> str:
    """The beginning of a text, on two lines at most."""
    lines = textwrap.wrap(str(text), _SIGNS, max_lines=2, placeholder=" ...")
    return "\n".join(lines)


def _dress(axes: Axes, explained: tuple[float, float] | None) -> None:
    """Axes named by the variance they explain; no scale, since its numbers say nothing."""
    for name, number, share in zip("xy", (1, 2), explained or (None, None), strict=True):
        variance = "" if share is None else f" ({say_percent(share, 1)} of the variance)"
        axes.set(**{f"{name}label": f"component {number}{variance}"})
    axes.set(xticks=[], yticks=[])
    axes.margins(0.07)
    axes.set_aspect("equal", adjustable="box", anchor="W")
    for spine in axes.spines.values():
        spine.set(color=GRID, visible=True)


def pick_spread(frame: pd.DataFrame, n_points: int) -> Ints:
    """Return rows that lie far from one another: the most remote first, then always the farthest from those chosen.

    Examples
    --------
    >>> pick_spread(pd.DataFrame({"x": [0, 1, 9, 10], "y": [0, 0, 0, 0]}), 2).tolist()
    [0, 3]
    """
    places = frame[["x", "y"]].to_numpy(float)
    if not len(places) or n_points < 1:
        return np.array([], dtype=np.int64)
    chosen = [int(np.square(places - places.mean(axis=0)).sum(axis=1).argmax())]
    distance = np.full(len(places), np.inf)
    while len(chosen) < min(n_points, len(places)):
        distance = np.minimum(distance, np.square(places - places[chosen[-1]]).sum(axis=1))
        chosen.append(int(distance.argmax()))
    return np.array(chosen, dtype=np.int64)
