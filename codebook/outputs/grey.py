"""Whether a figure can be read in print without colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEAST = 0.1
"""Difference of lightness (0 black, 1 white) under which two colours look alike in grey."""


def lightness(colour: Any) -> float:
    """Return how light a colour is to the eye, L* of CIE 1976 from 0 to 1.

    Examples
    --------
    >>> [round(lightness(colour), 2) for colour in ("black", "#777777", "white")]
    [0.0, 0.5, 1.0]
    """
    from matplotlib.colors import to_rgb

    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    shine = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 1.16 * shine ** (1 / 3) - 0.16 if shine > 0.008856 else 9.033 * shine


def grey_twins(colours: Iterable[Any]) -> list[tuple[str, str]]:
    """Return the pairs of different colours that look alike in grey.

    Examples
    --------
    >>> grey_twins(["#1b2a6b", "#c96a12", "#d62728"])
    [('#c96a12', '#d62728')]
    """
    from matplotlib.colors import to_hex

    named = dict.fromkeys(map(to_hex, colours))
    return [(a, b) for a, b in combinations(named, 2) if abs(lightness(a) - lightness(b)) < LEAST]


def say_grey(figure: Figure) -> str:
    """Say which colours of a figure look alike in grey, where nothing else tells them apart; nothing if all is well."""
    drawn: dict[tuple[Any, ...], list[Any]] = {}
    for shape, colour in _coloured(figure):
        drawn.setdefault(shape, []).append(colour)
    twins = [pair for colours in drawn.values() for pair in grey_twins(colours)]
    if not twins:
        return ""
    pairs = ", ".join(f"{a} and {b}" for a, b in dict.fromkeys(twins))
    return f"In print without colour these look alike: {pairs}."


def _coloured(figure: Figure) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """(shape, colour) of the named lines and bars: what a legend lists, and a reader must tell apart."""
    for number, axes in enumerate(figure.axes):
        handles, _ = axes.get_legend_handles_labels()
        for handle in handles:
            artist: Any = handle
            if hasattr(artist, "get_marker"):
                yield (number, artist.get_marker(), artist.get_linestyle()), artist.get_color()
            else:
                patches = getattr(artist, "patches", [artist])
                yield from (
                    ((number, "bar", patch.get_hatch()), patch.get_facecolor())
                    for patch in patches[:1]
                    if hasattr(patch, "get_hatch") and hasattr(patch, "get_width")
                )
