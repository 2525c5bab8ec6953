"""What the fake service refuses of the parts of a message: images and PDFs, in the tongue of the endpoint."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from typing import Any

from codebook.records import CHAT, RESPONSES
from fakes.fake_checks import RefusedError

SIGNS = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
    "application/pdf": b"%PDF-",
}
N_BYTES = 50 * 1024 * 1024
"""What the files of one request may hold in all."""
N_IMAGES = 500
_KNOWN = {
    CHAT: ("text", "image_url", "file"),
    RESPONSES: ("input_text", "input_image", "input_file", "output_text"),
}
_DETAILS = (None, "auto", "low", "high", "original")


def check_parts(url: str, body: dict[str, Any]) -> None:
    """Refuse parts that the endpoint does not know, or whose data is not what it says."""
    if url not in _KNOWN:
        return
    n_bytes = n_images = 0
    for place, part in _iter_parts(url, body):
        kind = part.get("type")
        known = (
            ("text", "image_url", "file") if url == CHAT else ("input_text", "input_image", "input_file", "output_text")
        )
        if kind not in known:
            raise _refuse(f"Invalid value: '{kind}'. Supported values are: {', '.join(known)}.", f"{place}.type")
        if kind in ("image_url", "input_image"):
            n_images += 1
            n_bytes += _check_image(url, part, place)
        elif kind in ("file", "input_file"):
            n_bytes += _check_file(part["file"] if url == CHAT else part, place)
    if n_bytes > N_BYTES:
        raise _refuse(f"The files of a request may hold {N_BYTES} bytes; these hold {n_bytes}.", "messages")
    if n_images > N_IMAGES:
        raise _refuse(f"Too many images: {n_images} of {N_IMAGES}.", "messages")


def _iter_parts(url: str, body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    name = "messages" if url == CHAT else "input"
    for number, message in enumerate(body[name] if isinstance(body[name], list) else []):
        content = message.get("content")
        for place, part in enumerate(content if isinstance(content, list) else []):
            yield f"{name}[{number}].content[{place}]", part


def _check_image(url: str, part: dict[str, Any], place: str) -> int:
    image = part["image_url"] if url == CHAT else {"url": part["image_url"], "detail": part.get("detail")}
    if not isinstance(image, dict) or not isinstance(image.get("url"), str):
        raise _refuse("Invalid type for 'image_url'.", place)
    if image.get("detail") not in _DETAILS:
        raise _refuse(f"Invalid value: '{image['detail']}'.", f"{place}.detail")
    if image["url"].startswith("https://"):
        return 0
    return _check_data(image["url"], place, "image/")


def _check_file(file: dict[str, Any], place: str) -> int:
    if not file.get("filename"):
        raise _refuse("Missing required parameter: 'filename'.", f"{place}.filename")
    return _check_data(str(file.get("file_data")), place, "application/pdf")


def _check_data(address: str, place: str, wanted: str) -> int:
    """The number of bytes in a data address; its media type must be one that is known and true."""
    head, _, data = address.partition(",")
    media_type = head.removeprefix("data:").removesuffix(";base64")
    if not (head.startswith("data:") and head.endswith(";base64") and media_type.startswith(wanted)):
        raise _refuse(f"Invalid data address: '{head[:60]}'.", place)
    try:
        raw = base64.b64decode(data, validate=True)
    except binascii.Error:
        raise _refuse("Invalid base64.", place) from None
    if media_type not in SIGNS or not raw.startswith(SIGNS[media_type]):
        raise _refuse(f"The data is not of the type {media_type}.", place)
    return len(raw)


def _refuse(message: str, param: str) -> RefusedError:
    return RefusedError(400, message, "invalid_value", param)
