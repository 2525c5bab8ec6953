"""Photographs as parts of requests: checked by what they hold, scaled down, and with nothing in them but the picture.

What is sent: the picture upright, at most `max_side` pixels on its longer side (bicubic filter, never enlarged), as
JPEG of quality 90. A file that is already like that, and holds neither EXIF nor another note (a place, a name), is sent
as it is. Equal files give equal bytes as long as Pillow stays the same.

Worth a look before it is paid for is a picture on which nothing can be seen, or not as it is sent (`find_remark`).
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from codebook.errors import Fault, UnitsError
from codebook.files.pictures import FORMATS, PictureError, find_orientation, look_at, open_picture
from codebook.paths import find_file_fault, missing_file, resolve_path
from codebook.records import FilePart, UnitFile

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


MAX_SIDE = 768
"""The longer side in pixels of what is sent, where nothing else is asked."""
QUALITY = 90
MOST_BYTES_PER_PIXEL = 1.6
"""Of a JPEG of that quality: what pure noise takes, a tenth added."""
DETAILS = ("auto", "low", "high", "original")
MAX_FILE_BYTES = 200_000_000
"""Larger files are not read: no photograph is that large."""
MAX_IMAGE_BYTES = 20_000_000
"""Of one image as it is sent, and of all images of a request `MAX_UNIT_BYTES`: limits of OpenAI's guide, 2026-11."""
MAX_UNIT_BYTES = 50_000_000
MAX_UNIT_IMAGES = 500

_PLAIN_NOTES = frozenset(
    {"jfif", "jfif_version", "jfif_unit", "jfif_density", "dpi", "progressive", "progression", "gamma", "srgb"}
    | {"version", "background", "loop", "timestamp", "aspect", "chromaticity"}
)


def is_address(path: str) -> bool:
    """Whether a path is an address on the web.

    Examples
    --------
    >>> is_address("https://example.org/a.jpg"), is_address("photos/a.jpg")
    (True, False)
    """
    return path.lower().startswith(("https://", "http://"))


def prepare_image(file: UnitFile) -> FilePart:
    """Make an image ready to be sent, as its `ask` says (`max_side`, `detail`); an address is passed on as it is."""
    detail = str(file.ask.get("detail") or "auto")
    if is_address(file.path):
        return FilePart("image", "image", "", url=file.path, detail=detail)
    path = resolve_path(file.path)
    try:
        data = read_file(path)
        if file.sha256 and hashlib.sha256(data).hexdigest() != file.sha256:
            raise PictureError("the file has changed since the run was planned")
        media_type, ready = make_ready(data, find_side(file.ask))
    except PictureError as error:
        mend = "put the file back as it was, or plan a new run"
        raise UnitsError("An image cannot be sent.", [Fault(file.path, str(error), mend)]) from None
    except FileNotFoundError:
        raise UnitsError("An image no longer exists.", [missing_file(path)]) from None
    return FilePart("image", path.name, media_type, ready, detail=detail)


def find_side(ask: Mapping[str, Any]) -> int:
    """The longer side in pixels that is asked for."""
    return int(ask.get("max_side") or MAX_SIDE)


def read_file(path: Path) -> bytes:
    """Read a file that should be a picture.

    Raises
    ------
    PictureError
        It is too large to be one, or cannot be read.
    FileNotFoundError
        There is no such file.
    """
    if (fault := find_file_fault(path)) and path.exists():
        raise PictureError(fault.problem)
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise PictureError(f"the file cannot be read ({error.strerror})") from None
    if len(data) > MAX_FILE_BYTES:
        raise PictureError(f"the file has more than {MAX_FILE_BYTES:,} bytes")
    return data


def make_ready(data: bytes, max_side: int = MAX_SIDE) -> tuple[str, bytes]:
    """Return (media type, bytes) of a picture as it is sent."""
    picture = open_picture(data, max_side)  # read whole, also where it is sent as it is: it may be cut short
    head = look_at(data)
    if is_ready(head, len(data), max_side):
        return FORMATS[str(head.format)], data
    ready = _encode(picture, max_side)
    if len(ready) > MAX_IMAGE_BYTES:
        raise PictureError(f"it has {len(ready):,} bytes after it was scaled down; use a smaller max_side")
    return "image/jpeg", ready


class Examined(NamedTuple):
    """A picture that was opened whole: how many bytes it has at most when made ready, and what is worth a look."""

    n_bytes: int
    remark: str
    animated: bool


def examine(data: bytes, max_side: int = MAX_SIDE) -> Examined:
    """Open a picture whole and say what it will be when made ready. Raises as `make_ready` does."""
    picture, head = open_picture(data, max_side), look_at(data)
    remark, animated = find_remark(picture, head, max_side), bool(getattr(head, "is_animated", False))
    if is_ready(head, len(data), max_side):
        return Examined(len(data), remark, animated)
    shrink = min(1, max_side / max(picture.size)) ** 2
    bound = 2_000 + math.ceil(picture.width * picture.height * shrink * MOST_BYTES_PER_PIXEL)
    n_bytes = bound if bound <= MAX_IMAGE_BYTES else len(make_ready(data, max_side)[1])
    return Examined(n_bytes, remark, animated)


def is_ready(head: Image.Image, n_bytes: int, max_side: int) -> bool:
    """Whether a file is sent as it is."""
    return _is_plain(head) and max(head.size) <= max_side and n_bytes <= MAX_IMAGE_BYTES


def _is_plain(head: Image.Image) -> bool:
    """Whether a file holds an upright, opaque picture of one frame and nothing about it."""
    return (
        head.format in ("JPEG", "PNG", "WEBP")
        and head.mode in ("RGB", "L")
        and not head.has_transparency_data
        and getattr(head, "n_frames", 1) == 1
        and find_orientation(head) == 1
        and not head.getexif()
        and set(head.info) <= _PLAIN_NOTES
    )


def _encode(picture: Image.Image, max_side: int) -> bytes:
    from PIL.Image import Resampling

    picture.thumbnail((max_side, max_side), Resampling.BICUBIC, reducing_gap=None)
    room = io.BytesIO()
    picture.save(room, "JPEG", quality=QUALITY)
    return room.getvalue()
