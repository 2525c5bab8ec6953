"""What comes back from a service as JSON objects: read field by field, so that what is missing or odd is unknown."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from codebook.errors import UnreachableError
from codebook.records import LineFault

_SHOWN = 120
_NOTHING_THERE = re.compile(
    r"(\W*|<.*|(404)?\W*((the )?(requested )?(page|resource|route|endpoint|url|path) )?(was )?not found\W*(404)?"
    r"|.*(invalid url|unknown (request )?(url|path)|no route|cannot (get|post) /|not allowed|not implemented).*)$",
    re.IGNORECASE,
)


def read_object(
    raw: bytes, headers: Mapping[str, str], what: str, hide: Callable[[str], str] = str, *, status: int = 200
) -> dict[str, Any]:
    """Return the JSON object of a reply; an empty one where the service says that it has nothing to say (204).

    `what` was tried; `hide` takes the API key out of what is shown.

    Raises
    ------
    UnreachableError
        It is none: a login page, a proxy's page, half a reply, nothing at all.
    """
    if status == 204:
        return {}
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, dict):
        return value
    text = " ".join(hide(raw[: 4 * _SHOWN].decode("utf-8", "replace")).split())[:_SHOWN] or "nothing"
    kind = "a web page" if is_page(raw, headers) else "no JSON object"
    raise UnreachableError(
        f"{what}: {kind} came instead of a reply, as from a login page or a proxy ({text}). "
        "Nothing is lost; try again later, and check base_url if it stays so."
    )


def is_page(raw: bytes, headers: Mapping[str, str]) -> bool:
    """Whether a body is a web page, which no service sends as a reply.

    Examples
    --------
    >>> is_page(b" <html>", {}), is_page(b"{}", {"content-type": "text/html"}), is_page(b"[1]", {})
    (True, False, False)
    """
    start = raw[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    html = "html" in headers.get("content-type", "").lower()
    return start.startswith(b"<") or (html and not start.startswith((b"{", b"[")))


def read_date(headers: Mapping[str, str]) -> float | None:
    """Return a service's own time, in seconds since 1970, from the header Date; None where it does not say.

    Examples
    --------
    >>> read_date({"date": "Wed, 21 Oct 2015 07:28:00 GMT"}), read_date({"date": "soon"})
    (1445412480.0, None)
    """
    try:
        return parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def read_words(body: Any) -> str:
    """Return what an error body says, in whatever field it stands, with its code.

    Examples
    --------
    >>> read_words({"message": "No such file", "code": "404"}), read_words({"detail": "Not Found"})
    ('No such file 404', 'Not Found')
    """
    if not isinstance(body, Mapping):
        return " ".join(str(body or "").split())[:300]
    fields = (body.get(name) for name in ("message", "detail", "msg", "error", "code"))
    return " ".join(" ".join(str(field).split()) for field in fields if field)[:300]


def lacks_endpoint(status: int, words: str) -> bool:
    """Whether a refusal says that there is nothing at its address, rather than that one thing is not there.

    Examples
    --------
    >>> lacks_endpoint(404, "Not Found"), lacks_endpoint(404, "<html>..."), lacks_endpoint(404, "Invalid URL (POST /a)")
    (True, True, True)
    >>> lacks_endpoint(404, "No such File object: file-1"), lacks_endpoint(400, "Not Found")
    (False, False)
    """
    return status in (404, 405, 501) and bool(_NOTHING_THERE.match(words))


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file at a service. Empty or None is unknown."""

    file_id: str
    n_bytes: int | None


def read_file(body: Mapping[str, Any]) -> StoredFile:
    """Return what a file object says.

    Examples
    --------
    >>> read_file({"id": "file-1", "bytes": "1200"}), read_file({"bytes": None})
    (StoredFile(file_id='file-1', n_bytes=1200), StoredFile(file_id='', n_bytes=None))
    """
    return StoredFile(_text(body.get("id")), _whole(body.get("bytes")))


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch at a service at `seen_at`. Empty or None is unknown; times are seconds since 1970, by its clock."""

    batch_id: str
    status: str
    input_file_id: str
    output_file_id: str
    error_file_id: str
    metadata: Mapping[str, Any]
    created_at: float | None
    began_at: float | None
    ended_at: float | None
    expires_at: float | None
    n_total: int | None
    n_done: int | None
    n_failed: int | None
    faults: tuple[LineFault, ...]
    seen_at: float | None


def read_batch(body: Mapping[str, Any], seen_at: float | None = None) -> Batch:
    """Return what a batch object says, whatever it leaves out or adds.

    Examples
    --------
    >>> batch = read_batch({"id": "b1", "status": "Canceled", "created_at": None, "request_counts": {"total": "3"}})
    >>> batch.batch_id, batch.status, batch.n_total, batch.n_done, batch.output_file_id
    ('b1', 'cancelled', 3, None, '')
    """
    counts = _mapping(body.get("request_counts"))
    stamps = (_number(body.get(f"{status}_at")) for status in ("completed", "expired", "cancelled"))
    status = _text(body.get("status")).lower()
    return Batch(
        batch_id=_text(body.get("id")),
        status="cancelled" if status == "canceled" else status,
        input_file_id=_text(body.get("input_file_id")),
        output_file_id=_text(body.get("output_file_id")),
        error_file_id=_text(body.get("error_file_id")),
        metadata=_mapping(body.get("metadata")),
        created_at=_number(body.get("created_at")),
        began_at=_number(body.get("in_progress_at")),
        ended_at=next((stamp for stamp in stamps if stamp), None),
        expires_at=_number(body.get("expires_at")),
        n_total=_whole(counts.get("total")),
        n_done=_whole(counts.get("completed")),
        n_failed=_whole(counts.get("failed")),
        faults=_read_faults(body.get("errors")),
        seen_at=seen_at,
    )


def _read_faults(errors: Any) -> tuple[LineFault, ...]:
    """Why a batch was refused: a list, or an object with a list in `data`, of objects or of words."""
    entries = errors.get("data") if isinstance(errors, Mapping) else errors
    faults = []
    for entry in entries if isinstance(entries, list) else []:
        fields = entry if isinstance(entry, Mapping) else {"message": entry}
        message, line = _text(fields.get("message")), _whole(fields.get("line"))
        faults.append(LineFault(_text(fields.get("code")), message, line or 0))
    return tuple(faults)


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _number(value: Any) -> float | None:
    """A number, also one that is written as text; None where it is none."""
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _whole(value: Any) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number >= 0 else None
