"""Open a photograph from its bytes, whatever its name says: upright, in RGB, on white, or with the reason why not.

Who sends pictures and who answers about them both read them here, so that both see the same.
"""

from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib
from typing import TYPE_CHECKING, Any

from codebook.errors import CodebookError, MissingExtraError, how_to_install

if TYPE_CHECKING:
    from PIL import Image

FORMATS = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}
"""Formats that are read, and what a request calls them. HEIC is read too where pillow-heif is installed."""
MAX_PIXELS = 80_000_000
"""Larger pictures are not opened: a small file can announce a picture that fills the memory."""

_HEIF = frozenset({b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"})
_FOREIGN = (
    (b"%PDF", "it is a PDF"),
    (b"<", "it is HTML, XML or SVG"),
    (b"BM", "it is a BMP picture"),
    (b"II*\0", "it is a TIFF picture"),
    (b"MM\0*", "it is a TIFF picture"),
    (b"PK", "it is a zip archive"),
)
_ORIENTATION = 0x0112
_OPENING = threading.Lock()  # filters of warnings are the whole process's
_BROKEN = (
    OSError, SyntaxError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError,
    AssertionError, EOFError, MemoryError, Warning, struct.error, zlib.error,
)  # fmt: skip


class PictureError(CodebookError):
    """The bytes are no picture that can be used; the message is the reason, in words for a table."""


def open_picture(data: bytes, fit: int = 0) -> Image.Image:
    """Open a picture as RGB of 8 bits: turned upright as its EXIF says, see-through parts on white.

    Of an animation it is the first frame. 16 bits are cut to the upper 8; colour profiles are left aside.

    Parameters
    ----------
    fit
        The side in pixels to which the picture will be scaled down. A JPEG is then decoded at 1/2, 1/4 or 1/8 of its
        size, which is quicker, as long as neither side becomes shorter than that; 0 decodes all of it.

    Raises
    ------
    PictureError
        The bytes are empty, no picture, of a format that is not read, damaged, cut short, or too large.
    MissingExtraError
        Pillow is not installed.
    """
    picture = look_at(data)
    try:
        if fit:
            picture.draft(None, (fit, fit))
        picture.load()
        return _turn(_to_rgb(picture), find_orientation(picture))
    except _BROKEN as error:
        raise PictureError(f"it is damaged or cut short ({_first_line(error)})") from None


def look_at(data: bytes) -> Image.Image:
    """Open a picture as far as its head: its format, its size, what is noted in it. Raises as `open_picture` does."""
    pillow = _load_pillow()
    if not data:
        raise PictureError("the file is empty")
    formats = [
        *(name for name in FORMATS if name != "MPO"),
        *_heif(data),
    ]  # Pillow opens MPO as the JPEG it begins with
    try:
        with _OPENING, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture: Image.Image = pillow.open(io.BytesIO(data), formats=formats)
            picture.getexif()
    except pillow.UnidentifiedImageError:
        raise PictureError(_say_foreign(data)) from None
    except pillow.DecompressionBombError:
        raise PictureError(f"it has more than {MAX_PIXELS:,} pixels; make it smaller first") from None
    except _BROKEN as error:
        raise PictureError(f"it is damaged ({_first_line(error)})") from None
    width, height = picture.size
    if width * height > MAX_PIXELS:
        raise PictureError(f"it has {width:,} x {height:,} pixels, more than {MAX_PIXELS:,}; make it smaller first")
    return picture


def find_orientation(picture: Image.Image) -> int:
    """How a picture has to be turned, as EXIF counts it: 1 is upright."""
    orientation = picture.getexif().get(_ORIENTATION, 1)
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _to_rgb(picture: Image.Image) -> Image.Image:
    from PIL import Image

    if picture.mode.startswith("I"):
        import numpy as np

        upper = np.clip(np.asarray(picture), 0, 65_535) // 256
        return Image.fromarray(upper.astype(np.uint8)).convert("RGB")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    seen = picture.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", seen.size, "white"), seen).convert("RGB")


def _turn(picture: Image.Image, orientation: int) -> Image.Image:
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return picture.transpose(turns[orientation]) if orientation in turns else picture


def _load_pillow() -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError("Reading photographs", "files") from None
    return Image


def _heif(data: bytes) -> tuple[str, ...]:
    """The format HEIF where these bytes are of it, after its reader was made known to Pillow."""
    if data[4:8] != b"ftyp" or data[8:12] not in _HEIF:
        return ()
    try:
        import pillow_heif
    except ImportError:
        raise PictureError(f"it is a HEIC picture; to read it: {how_to_install('files')}") from None
    pillow_heif.register_heif_opener()
    return ("HEIF",)


def _say_foreign(data: bytes) -> str:
    """Say of what kind bytes are that are no picture of a format that is read."""
    head = data[:256].lstrip()
    kind = next((words for start, words in _FOREIGN if head.startswith(start)), "it is not a picture, or it is damaged")
    return f"{kind}; JPEG, PNG, WebP, GIF or HEIC is expected"


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
