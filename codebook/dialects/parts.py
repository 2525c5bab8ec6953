"""The content of a message: a text, or a text with images and PDFs, in either tongue, written and read back."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error
from collections.abc import Mapping, Sequence
from typing import Any

from codebook.errors import CodebookError
from codebook.records import CHAT, FilePart

_TEXTS = ("text", "input_text", "output_text")


def write_content(text: str, files: Sequence[FilePart], url: str) -> str | list[dict[str, Any]]:
    """Spell a message: its text alone where there is no file, else a list of parts, the text first.

    Examples
    --------
    >>> photo = FilePart("image", "a.png", "image/png", b"...", detail="low")
    >>> write_content("Which?", [photo], CHAT)[1]
    {'type': 'image_url', 'image_url': {'url': 'data:image/png;base64,Li4u', 'detail': 'low'}}
    """
    if not files:
        return text
    write = _write_chat if url == CHAT else _write_responses
    return [{"type": "text" if url == CHAT else "input_text", "text": text}, *map(write, files)]


def _write_chat(part: FilePart) -> dict[str, Any]:
    if part.kind == "image":
        return {"type": "image_url", "image_url": {"url": _address(part)} | _detail(part)}
    return {"type": "file", "file": {"filename": part.name, "file_data": _address(part)}}


def _write_responses(part: FilePart) -> dict[str, Any]:
    if part.kind == "image":
        return {"type": "input_image", "image_url": _address(part)} | ({"detail": part.detail or "auto"})
    if part.url:
        return {"type": "input_file", "file_url": part.url}
    return {"type": "input_file", "filename": part.name, "file_data": _address(part)}


def _address(part: FilePart) -> str:
    return part.url or f"data:{part.media_type};base64,{b64encode(part.data).decode()}"


def _detail(part: FilePart) -> dict[str, str]:
    return {"detail": part.detail} if part.detail else {}


def read_content(content: Any) -> tuple[str, tuple[FilePart, ...]]:
    """Read what `write_content` wrote: the text of a message, and its files.

    Raises
    ------
    CodebookError
        A part is of another kind, or its data cannot be decoded.
    """
    if isinstance(content, str):
        return content, ()
    texts, files = [], []
    for part in content:
        if part.get("type") in _TEXTS:
            texts.append(part["text"])
        else:
            files.append(_read_part(part))
    return "\n".join(texts), tuple(files)


def _read_part(part: Mapping[str, Any]) -> FilePart:
    match part:
        case {"type": "image_url", "image_url": {"url": str(address), **rest}}:
            return _read_address("image", "image", address, str(rest.get("detail") or ""))
        case {"type": "input_image", "image_url": str(address), **rest}:
            return _read_address("image", "image", address, str(rest.get("detail") or ""))
        case {"type": "file", "file": {"filename": str(name), "file_data": str(address)}}:
            return _read_address("pdf", name, address, "")
        case {"type": "input_file", "filename": str(name), "file_data": str(address)}:
            return _read_address("pdf", name, address, "")
        case {"type": "input_file", "file_url": str(address)}:
            return FilePart("pdf", "", "application/pdf", url=address)
    raise CodebookError(f"the request holds a part that is neither text, image nor PDF: {part.get('type')!r}")


def _read_address(kind: str, name: str, address: str, detail: str) -> FilePart:
    """A part whose bytes stand in its address (data:...), or which the service takes from elsewhere."""
    head, comma, data = address.partition(",")
    if not head.startswith("data:") or not comma:
        return FilePart(kind, name, "", url=address, detail=detail)
    media_type, _, coding = head.removeprefix("data:").partition(";")
    if coding != "base64":
        raise CodebookError(f"a part of the request is not written in base64, but in {coding!r}")
    try:
        return FilePart(kind, name, media_type, b64decode(data, validate=True), detail=detail)
    except Error as error:
        raise CodebookError(f"a part of the request cannot be decoded: {error}") from None
