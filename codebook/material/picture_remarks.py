"""What of a picture is worth a look before it is paid for: nothing can be seen on it, or not as it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL import Image

TINY = "tiny picture"
ONE_COLOUR = "picture of one colour"
BLACK = "picture nearly black"
WHITE = "picture nearly white"
BLANK_FRAME = "animation with a blank first frame"
FEW_BITS = "16-bit picture of few bits"

_LEAST_SIDE = 16
"""Pixels of the shorter side as it is sent: letters need as many."""
_ONE = 4
_DARK, _BRIGHT = 24, 232
_NEARLY = 0.9995
"""Share of the pixels: a word of handwriting on an empty page has more than the rest."""
_FEW = 1 << 13


def find_remark(picture: Image.Image, head: Image.Image, max_side: int) -> str:
    """Return what is worth a look, or "".

    Parameters
    ----------
    picture, head
        The picture as it is sent (RGB), and as its file has it.
    max_side
        The longer side in pixels at which it is sent.

    Examples
    --------
    >>> from PIL import Image
    >>> white, thin = Image.new("RGB", (200, 100), "white"), Image.new("RGB", (6000, 20))
    >>> find_remark(white, white, 768), find_remark(thin, thin, 768)
    ('picture of one colour', 'tiny picture')
    """
    width, height = head.size
    if min(width, height) * min(1, max_side / max(width, height)) < _LEAST_SIDE:
        return TINY
    if head.mode.startswith("I") and _highest(head) < _FEW:
        return FEW_BITS
    extremes: Any = picture.getextrema()
    if all(high - low <= _ONE for low, high in extremes):
        return BLANK_FRAME if getattr(head, "is_animated", False) else ONE_COLOUR
    counts = picture.convert("L").histogram()
    if sum(counts[:_DARK]) >= _NEARLY * sum(counts):
        return BLACK
    return WHITE if sum(counts[_BRIGHT:]) >= _NEARLY * sum(counts) else ""


def _highest(head: Image.Image) -> float:
    extremes: Any = head.getextrema()
    return float(extremes[1])
