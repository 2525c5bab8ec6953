"""The one style of all figures: widths, type, colours by role, and matplotlib's settings.

Figures are printed 1:1, in the width of one, one and a half, or two columns of a journal. `house_style` is on where a
figure is made and where it is drawn or saved: nothing of a person's own settings shines through, and none is changed.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from itertools import combinations
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from codebook.outputs.figure_fonts import choose_fonts

if TYPE_CHECKING:
    from matplotlib.axes import Axes as Axes
    from matplotlib.figure import Figure as Figure
else:
    Axes = Figure = Any
    """What is drawn on, for signatures: matplotlib itself is imported where something is drawn."""

Width = Literal["one", "middle", "two"]

WIDTHS: Mapping[Width, int] = MappingProxyType({"one": 89, "middle": 120, "two": 183})
"""Width of a figure in mm: one column, one and a half, two."""

MAX_HEIGHT = 170
"""Height of a figure in mm, at most."""

MM = 1 / 25.4
"""A mm in inches, which matplotlib counts."""

SCREEN = 1.5
"""How many times as large as in print a figure is shown on a screen."""

DPI = 300
"""Dots an inch of a saved picture."""

INK, MUTED, GRID = "#1a1a1a", "#5c5c5c", "#e3e3e3"
MODEL, PEOPLE, CORRECTED, BASELINE, MISSED = "#1b2a6b", INK, "#c96a12", "#8a8a8a", "#c96a12"
"""Colours by role: what a model says, what people and the gold say, what was corrected, what is compared with, what
is wrong."""

ORDER = (MODEL, CORRECTED, MUTED, "#8088bd")
"""Colours of what has no role, such as four models: all differ in lightness, too."""

DIVERGING = ("#1b2a6b", "#8088bd", "#f7f6f2", "#efb56b", "#c96a12")
"""Dark blue to orange: the ends differ in lightness, so the sign is also seen in grey."""

SEQUENTIAL = ("#ffffff", "#c9d3ea", "#6f83bd", "#1b2a6b")

TYPE, TITLE, NOTE, SMALLEST = 7, 8, 6, 5.5
"""Sizes of type in points: everything, the title on the screen, notes and reference labels, the smallest allowed."""

_SETTINGS: Mapping[str, Any] = MappingProxyType(
    {
        **dict.fromkeys(("font.size", "axes.titlesize", "axes.labelsize", "legend.fontsize"), TYPE),
        **dict.fromkeys(("xtick.labelsize", "ytick.labelsize", "legend.title_fontsize"), TYPE),
        **{"figure.titlesize": TITLE, "figure.titleweight": "bold", "figure.labelsize": NOTE},
        **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), INK),
        **dict.fromkeys(("axes.linewidth", "xtick.major.width", "ytick.major.width"), 0.6),
        **dict.fromkeys(("xtick.major.size", "ytick.major.size"), 2),
        **dict.fromkeys(("axes.spines.top", "axes.spines.right", "legend.frameon", "text.parse_math"), False),
        **{"lines.linewidth": 1.0, "lines.markersize": 4.0, "patch.linewidth": 0.6, "hatch.linewidth": 0.6},
        **{"grid.color": GRID, "grid.linewidth": 0.4, "axes.axisbelow": True, "axes.titlelocation": "left"},
        **{"figure.dpi": 96 * SCREEN, "savefig.dpi": DPI, "pdf.fonttype": 42, "ps.fonttype": 42},
        **{"svg.fonttype": "none", "svg.hashsalt": "codebook"},
    }
)

_NO_LOOKS = (
    *("backend", "interactive", "toolbar", "timezone", "date.epoch", "docstring", "webagg", "keymap", "tk.", "macosx"),
    *("savefig.directory", "figure.hooks", "figure.max_open_warning", "figure.raise_window"),
)
"""Beginnings of settings that say how a computer shows figures, and not how they look."""

_is_on: ContextVar[bool] = ContextVar("house_style", default=False)


class Mark(NamedTuple):
    """How a series is drawn: its colour, its marker, and whether the marker is open."""

    colour: str
    marker: str = "o"
    is_open: bool = False


_ROLES: Mapping[str, Mark] = MappingProxyType(
    {
        **dict.fromkeys(("model", "models", "model only", "model labels only"), Mark(MODEL)),
        **dict.fromkeys(("people", "person", "humans", "human", "gold", "gold only"), Mark(PEOPLE, "s")),
        **dict.fromkeys(("corrected",), Mark(CORRECTED, "D")),
        **dict.fromkeys(("baseline", "constant label", "capital letters", "floor"), Mark(BASELINE, "o", True)),
    }
)


def mark_of(name: str, at: int = 0) -> Mark:
    """The mark of a series by its role, such as people or models; of one without a role by its place among them.

    Examples
    --------
    >>> mark_of("humans") == mark_of("gold only", 3), mark_of("k-2", 1).colour
    (True, '#c96a12')
    """
    return _ROLES.get(name, Mark(ORDER[at % len(ORDER)], "osD^"[at % len(ORDER)]))


@contextmanager
def house_style() -> Iterator[None]:
    """Matplotlib's own defaults and the style of this kit over them, whatever a person has set; also a decorator.

    Each function that draws a figure bears it: `@house_style()`.
    """
    import matplotlib as mpl

    if _is_on.get():
        yield
        return
    token = _is_on.set(True)
    try:
        with mpl.rc_context(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph .* missing from font")  # `replace_unseen` says it, with the mend
            mpl.rcParams.update(_list_settings())
            yield
    finally:
        _is_on.reset(token)


@cache
def _list_settings() -> Any:
    """All settings but those of the program that shows figures."""
    from matplotlib import rcParamsDefault

    looks = {str(key): value for key, value in rcParamsDefault.items() if not key.startswith(_NO_LOOKS)}
    return {**looks, **_SETTINGS, "font.family": choose_fonts("")[0]}


LEAST = 0.1
"""Difference of lightness (0 black, 1 white) under which two colours look alike in grey."""


def luminance(colour: Any) -> float:
    """Return how much light a colour gives, from 0 to 1 (WCAG 2)."""
    from matplotlib.colors import to_rgb

    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def lightness(colour: Any) -> float:
    """Return how light a colour is to the eye, L* of CIE 1976 from 0 to 1.

    Examples
    --------
    >>> [round(lightness(colour), 2) for colour in ("black", "#777777", "white")]
    [0.0, 0.5, 1.0]
    """
    shine = luminance(colour)
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
