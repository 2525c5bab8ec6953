"""Fonts of the figures: in what order a sign is looked for, and what is shown of a sign that no font has."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LATIN = ("Arial", "Helvetica", "Liberation Sans", "Noto Sans", "DejaVu Sans")
"""Fonts of every figure; the first that is there is its face."""

FONTS = (
    *LATIN,
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Noto Sans SC", "Noto Sans JP", "Noto Sans KR"),
    *("Microsoft YaHei", "Yu Gothic", "Malgun Gothic", "PingFang SC", "Hiragino Sans", "Apple SD Gothic Neo"),
    *("WenQuanYi Zen Hei", "Noto Sans Devanagari", "Nirmala UI", "Kohinoor Devanagari", "Noto Sans Arabic"),
    *("Noto Naskh Arabic", "Geeza Pro", "Noto Sans Hebrew", "Noto Sans Thai", "Noto Sans Bengali", "Noto Sans Tamil"),
    *("Noto Sans Ethiopic", "Noto Sans Georgian", "Noto Sans Armenian", "Noto Sans Symbols2", "Arial Unicode MS"),
)
"""Fonts in the order in which a sign is looked for; those that a computer has not are passed over."""

_EAST_ASIAN = {
    **dict.fromkeys(("CJK", "IDEOGRAPHIC", "BOPOMOFO", "FULLWIDTH"), "Chinese"),
    **dict.fromkeys(("HIRAGANA", "KATAKANA", "HALFWIDTH"), "Japanese"),
    "HANGUL": "Korean",
}
"""First word of the names of signs, and their script."""
_keys: WeakKeyDictionary[Figure, str] = WeakKeyDictionary()
_warned: set[str] = set()


@cache
def list_fonts() -> tuple[str, ...]:
    """Those of `FONTS` that this computer has, also those that came after matplotlib had listed its fonts."""
    from matplotlib.font_manager import findSystemFonts, fontManager

    files = {re.sub(r" CJK \w\w$", " CJK", name).replace(" ", "").lower() for name in FONTS}
    known = {font.fname for font in fontManager.ttflist}
    for path in sorted(set(findSystemFonts()) - known):
        stem = Path(path).stem.lower()
        if re.sub(r"-(regular|bold)$", "", stem) in files:
            fontManager.addfont(path)
    names = {font.name for font in fontManager.ttflist}
    return tuple(name for name in FONTS if name in names)


def choose_fonts(text: str) -> tuple[list[str], set[str]]:
    """(fonts that a text needs, its signs that no font has): as few fonts as it needs, since each takes time.

    Examples
    --------
    >>> choose_fonts("tax, Zölle, α − β")[1]
    set()
    """
    fonts = [name for name in list_fonts() if name in LATIN]
    signs = {sign for sign in text if ord(sign) > 0xFF and unicodedata.category(sign)[0] not in "CZ"}
    for name in list_fonts():
        if not signs:
            break
        left = {sign for sign in signs if ord(sign) not in _list_signs(name)}
        fonts += [name] if len(left) < len(signs) and name not in fonts else []
        signs = left
    return fonts, signs


@cache
def _list_signs(font: str) -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties(family=font))).get_charmap())


def set_fonts(figure: Figure) -> None:
    """Give each text the fonts of its script; of signs that no font has show a number, and warn once with the mend."""
    from matplotlib.text import Text

    unseen: set[str] = set()
    for text in figure.findobj(Text):
        if any(ord(sign) > 0xFF for sign in text.get_text()):
            fonts, signs = choose_fonts(text.get_text())
            text.set_fontfamily(fonts)
            unseen |= signs
    if unseen:
        _replace(figure, unseen)


def _replace(figure: Figure, unseen: set[str]) -> None:
    from matplotlib.text import Text

    numbers: dict[str, str] = {}
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            labels = [text.get_text() for text in axis.get_ticklabels()]
            if any(set(label) & unseen for label in labels):
                axis.set_ticks(axis.get_ticklocs(), labels=[_number(label, unseen, numbers) for label in labels])
    for text in figure.findobj(Text):
        text.set_text(_number(text.get_text(), unseen, numbers))
    _keys[figure] = "; ".join(f"{number} {words}" for words, number in numbers.items())
    _warn(unseen, _keys[figure])


def say_key(figure: Figure) -> str:
    """What the numbers in brackets stand for, for the caption; nothing where every sign has a font."""
    return f"In the figure: {_keys[figure]}." if figure in _keys else ""


def _number(text: str, unseen: set[str], numbers: dict[str, str]) -> str:
    """The text with a number in place of each run of signs that no font has."""
    parts: list[str] = []
    for is_unseen, run in _split_runs(text, unseen):
        words = " ".join(run.split())
        parts.append(numbers.setdefault(words, f"[{len(numbers) + 1}]") if is_unseen else run)
    return "".join(parts)


def _split_runs(text: str, unseen: set[str]) -> Iterator[tuple[bool, str]]:
    """(whether it is of such signs, run): blanks, marks and line ends between two such signs belong to them."""
    sign = f"[{re.escape(''.join(sorted(unseen)))}]"
    at = 0
    for run in re.finditer(rf"{sign}(?:[\s\u200b-\u200f]*{sign})*", text):
        yield False, text[at : run.start()]
        yield True, run.group()
        at = run.end()
    yield False, text[at:]


def _warn(unseen: set[str], key: str) -> None:
    """Say once which script is missing, and what to install."""
    words = {unicodedata.name(sign, "UNKNOWN").replace("-", " ").split()[0] for sign in unseen}
    is_east = words & {*_EAST_ASIAN}
    packages = [*(["fonts-noto-cjk"] if is_east else []), *(["fonts-noto-core"] if words - is_east else [])]
    scripts = ", ".join(sorted({_EAST_ASIAN.get(word, word.capitalize()) for word in words}))
    mend = f"Install the Debian package {' and '.join(packages)}, or a Noto font of that script, and draw it again."
    text = f"No font of this computer has the signs of {scripts}: the figure shows numbers ({key}). {mend}"
    if text not in _warned:
        _warned.add(text)
        warnings.warn(text, UserWarning, stacklevel=2)
