"""What the handlers of the fake service share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from fakes.fake_checks import RefusedError
from fakes.fake_faults import Fault

if TYPE_CHECKING:
    from fakes.fake_openai import FakeOpenAI

FAKE = web.AppKey("fake", object)
OWNER = web.RequestKey("owner", str)
FAULT: web.RequestKey[Fault | None] = web.RequestKey("fault", Fault)


@dataclass
class Seen:
    """A request that came in; `body` is that of a JSON call."""

    call: str
    method: str
    path: str
    at: float
    n_bytes: int
    headers: dict[str, str]
    body: Any = None
    status: int = 0


SEEN = web.RequestKey("seen", Seen)


def fake_of(request: web.Request) -> FakeOpenAI:
    return request.app[FAKE]  # type: ignore[return-value]


def cut(request: web.Request) -> web.Response:
    """Cut the connection; the response never goes out."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=599)


async def json_of(request: web.Request) -> Any:
    try:
        body = orjson.loads(await request.read() or b"{}")
    except orjson.JSONDecodeError:
        raise RefusedError(400, "We could not parse the JSON body of your request.") from None
    request[SEEN].body = body if fake_of(request).keep_bodies else None
    return body


def show(record: dict[str, Any], fault: Fault | None) -> dict[str, Any]:
    """A record as it is served: a fault may leave out fields."""
    left_out = fault.options.get("fields", ()) if fault and fault.kind == "without" else ()
    return record | dict.fromkeys(left_out)


def page_of(
    records: list[dict[str, Any]], request: web.Request, most: int, usual: int, *, moves: bool = True
) -> dict[str, Any]:
    """A page of a list; one that does not move is always the first."""
    limit, after = request.query.get("limit", str(usual)), request.query.get("after")
    if not limit.isdigit() or not 1 <= int(limit) <= most:
        raise RefusedError(400, f"Invalid 'limit': expected 1 to {most}, got {limit}.", "invalid_value", "limit")
    names = [record["id"] for record in records]
    if after is not None and after not in names:
        raise RefusedError(400, f"Invalid 'after': no object with id '{after}'.", "invalid_value", "after")
    start = names.index(after) + 1 if after and moves else 0
    shown = records[start : start + int(limit)]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": start + len(shown) < len(records),
    }
