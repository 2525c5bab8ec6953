"""The routes of the fake service: aiohttp handlers around a `FakeOpenAI`."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from fakes.fake_batches import ENDED
from fakes.fake_checks import RefusedError
from fakes.fake_common import FAKE, FAULT, OWNER, SEEN, Seen, cut, fake_of, json_of, page_of, show
from fakes.fake_faults import BODIES, Fault
from fakes.fake_files import create_file, delete_file, download, list_files, retrieve_file

if TYPE_CHECKING:
    from fakes.fake_openai import FakeOpenAI

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_LIVE = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "embeddings": "/v1/embeddings"}


def make_app(fake: FakeOpenAI) -> web.Application:
    """Return the application."""
    app = web.Application(middlewares=[_outer, _inner], client_max_size=1 << 30)
    app[FAKE] = fake
    app.on_response_prepare.append(_sign)
    app.router.add_routes([
        web.post("/v1/files", create_file, name="files.create"),
        web.get("/v1/files", list_files, name="files.list"),
        web.get("/v1/files/{id}", retrieve_file, name="files.retrieve"),
        web.get("/v1/files/{id}/content", download, name="files.content"),
        web.delete("/v1/files/{id}", delete_file, name="files.delete"),
        web.post("/v1/batches", _create_batch, name="batches.create"),
        web.get("/v1/batches", _list_batches, name="batches.list"),
        web.get("/v1/batches/{id}", _retrieve_batch, name="batches.retrieve"),
        web.post("/v1/batches/{id}/cancel", _cancel_batch, name="batches.cancel"),
        *(web.post(path, _answer, name=name) for name, path in _LIVE.items()),
        web.get("/v1/models", _list_models, name="models.list"),
        web.get("/v1/models/{id}", _retrieve_model, name="models.retrieve"),
        web.get("/state", _state),
        web.post("/control", _control),
    ])  # fmt: skip
    return app


async def _sign(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.setdefault("x-request-id", f"req_{uuid.uuid4().hex}")
    response.headers["openai-version"] = "2020-10-01"
    response.headers["openai-processing-ms"] = "1"
    fake = fake_of(request)
    response.headers["Date"] = formatdate(fake.now(), usegmt=True) if fake.tells_time else ""


@web.middleware
async def _outer(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Note the call, check the key, and spell refusals as the service does."""
    call = request.match_info.route.name
    if call is None:
        return await handler(request)
    fake, headers = fake_of(request), {name.lower(): value for name, value in request.headers.items()}
    key = headers.pop("authorization", "").removeprefix("Bearer ")
    seen = Seen(call, request.method, request.path_qs, time.time(), request.content_length or 0, headers)
    fake.requests.append(seen)
    request[SEEN], request[OWNER] = seen, key
    try:
        if key not in {fake.key, *fake.other_keys}:
            shown = f"{key[:8]}{'*' * 8}{key[-4:]}"
            raise RefusedError(401, f"Incorrect API key provided: {shown}.", "invalid_api_key")
        response = await handler(request)
    except RefusedError as refused:
        response = web.json_response(refused.body, status=refused.status, headers=refused.headers)
    seen.status = response.status
    return response


@web.middleware
async def _inner(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let the faults of the wire happen around the work."""
    call = request.match_info.route.name
    fault = fake_of(request).faults.take(call) if call else None
    request[FAULT] = fault
    if fault is None:
        return await handler(request)
    if fault.kind == "disconnect":
        return cut(request)
    if fault.kind == "status":
        raise _refusal(fault.options)
    if fault.kind == "timeout":
        return await _hang(request, handler, fault)
    response = await handler(request)
    if fault.kind in BODIES:
        return _replace_body(response, fault)
    return cut(request) if fault.kind == "lost answer" else response


def _replace_body(response: web.StreamResponse, fault: Fault) -> web.StreamResponse:
    """Something else than a reply, at status 200."""
    if fault.kind == "page":
        text = fault.options.get("text", "<!DOCTYPE html><html><body>Please log in.</body></html>")
        return web.Response(text=text, content_type=fault.options.get("content_type", "text/html"))
    if fault.kind == "other JSON":
        return web.json_response(fault.options.get("value", "ok"))
    assert isinstance(response, web.Response)
    body = bytes(response.body)  # type: ignore[arg-type]
    return web.Response(body=body[: len(body) // 2], content_type="application/json")


def _refusal(options: dict[str, Any]) -> RefusedError:
    retry_after = options.get("retry_after")
    headers = {} if retry_after is None else {"retry_after": str(retry_after)}
    message = options.get("message", "as the fault orders")
    return RefusedError(options.get("status", 500), message, options.get("code"), **headers)


async def _hang(request: web.Request, handler: Handler, fault: Fault) -> web.StreamResponse:
    """Hang for `seconds`; the work is done before if `work` says so, else after, if the client is still there."""
    response = await handler(request) if fault.options.get("work") else None
    end = time.monotonic() + fault.options.get("seconds", 30)
    while time.monotonic() < end:
        if request.transport is None or request.transport.is_closing():
            return cut(request)
        await asyncio.sleep(0.02)
    return response or await handler(request)


# -- batches


async def _create_batch(request: web.Request) -> web.Response:
    body, fault = await json_of(request), request[FAULT]
    if fault and fault.kind == "file pending":
        said = f"The file {body['input_file_id']} must be processed before it can be used in a batch."
        raise RefusedError(400, fault.options.get("message", said), "invalid_file_status", "input_file_id")
    record = await asyncio.to_thread(fake_of(request).create_batch, request[OWNER], body)
    return web.json_response(show(record, fault))


async def _retrieve_batch(request: web.Request) -> web.Response:
    return web.json_response(await asyncio.to_thread(_see_batch, fake_of(request), request))


def _see_batch(fake: FakeOpenAI, request: web.Request) -> dict[str, Any]:
    batch_id, fault = request.match_info["id"], request[FAULT]
    with fake.lock:
        fake.find_batch(request[OWNER], batch_id)
        if not (fault and fault.kind == "slow validation"):
            fake.step(batch_id)
        record = dict(fake.batches[batch_id])
        if fault and fault.kind == "unknown status":
            record["status"] = fault.options.get("status", "brewing")
        record = show(record, fault)
        late = fake.faults.take("batches.retrieve", ended=record["status"] in ENDED)
        return _distort(fake, record, late) if late else record


def _distort(fake: FakeOpenAI, record: dict[str, Any], fault: Fault) -> dict[str, Any]:
    """The record of an ended batch, as a fault shows it."""
    if fault.kind == "counts lie":
        total = record["request_counts"]["total"]
        record["request_counts"] = fault.options.get("counts", {"total": total, "completed": total + 1, "failed": 0})
    elif fault.kind == "no output":
        record["output_file_id"] = None
    elif fault.kind == "no errors file":
        record["error_file_id"] = None
    elif fault.kind == "error file only" and record["output_file_id"]:
        record |= {"output_file_id": None, "error_file_id": fake.join_results(record)}
    return record


async def _list_batches(request: web.Request) -> web.Response:
    fake, fault = fake_of(request), request[FAULT]
    with fake.lock:
        mine = [record for name, record in fake.batches.items() if fake.hidden[name].owner == request[OWNER]]
        for record in mine:
            fake.find_batch(request[OWNER], record["id"])
        kind = fault.kind if fault else ""
        hidden = fault.options.get("newest", 1) if fault and kind == "stale" else 0
        shown = [show(record, fault) for record in mine[: len(mine) - hidden]]
        page = page_of(shown if kind == "oldest first" else shown[::-1], request, 100, 20, moves=kind != "stuck")
        return web.json_response(page | ({"has_more": True} if kind in ("stuck", "endless") else {}))


async def _cancel_batch(request: web.Request) -> web.Response:
    record = await asyncio.to_thread(fake_of(request).cancel_batch, request[OWNER], request.match_info["id"])
    return web.json_response(record)


# -- live


async def _answer(request: web.Request) -> web.StreamResponse:
    fake, body = fake_of(request), await json_of(request)
    headers = fake.check_rate()
    fake.n_live += 1
    fake.peak_live = max(fake.peak_live, fake.n_live)
    try:
        if fake.latency_s:
            await asyncio.sleep(fake.latency_s)
        custom_id = request.headers.get("X-Client-Request-Id", "")
        reply = fake.answerer.answer({"custom_id": custom_id, "method": "POST", "url": request.path, "body": body})
    finally:
        fake.n_live -= 1
    if "drop" in reply.orders:
        return cut(request)
    if reply.status == 200:
        fake.bill(custom_id, body)
    return web.Response(
        body=orjson.dumps(reply.body), status=reply.status, content_type="application/json", headers=headers
    )


async def _list_models(request: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": [_model(name) for name in fake_of(request).models]})


async def _retrieve_model(request: web.Request) -> web.Response:
    name = request.match_info["id"]
    if name.startswith("retired-1"):
        raise RefusedError(404, f"The model '{name}' does not exist", "model_not_found", "model")
    return web.json_response(_model(name))


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_780_000_000, "owned_by": "system"}


# -- control from another process


async def _state(request: web.Request) -> web.Response:
    return web.Response(body=orjson.dumps(fake_of(request).state()), content_type="application/json")


async def _control(request: web.Request) -> web.Response:
    order = orjson.loads(await request.read())
    fake = fake_of(request)
    for name, value in order.get("set", {}).items():
        setattr(fake, name, value)
    if "do" in order:
        await asyncio.to_thread(getattr(fake, order["do"]), *order.get("args", []), **order.get("options", {}))
    return web.json_response({"done": True})
