"""The handlers of files: streamed to disk and from disk, whatever their size."""

from __future__ import annotations

import random
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiohttp import web

from fakes.fake_checks import RefusedError, check_expiry
from fakes.fake_common import FAULT, OWNER, fake_of, page_of, show
from fakes.fake_faults import Fault
from fakes.fake_multipart import Parts

if TYPE_CHECKING:
    from fakes.fake_openai import FakeOpenAI

_CHUNK = 1 << 20


async def create_file(request: web.Request) -> web.StreamResponse:
    """Stream an upload to disk; a file that is too big is read to its end, then refused."""
    fake, fields, name = fake_of(request), {}, "file"
    path, n_bytes = fake.folder / f"upload-{uuid.uuid4().hex}", 0
    try:
        async for part in Parts(request):
            if part.filename is None:
                fields[part.name] = b"".join([chunk async for chunk in part.chunks]).decode()
                continue
            name = part.filename
            with path.open("wb") as file:
                async for chunk in part.chunks:
                    n_bytes += len(chunk)
                    file.write(chunk if n_bytes <= fake.n_bytes_max else b"")
        return web.json_response(_take_file(fake, request[OWNER], name, fields, path, n_bytes))
    finally:
        path.unlink(missing_ok=True)


def _take_file(fake: FakeOpenAI, owner: str, name: str, fields: dict[str, Any], path: Path, n: int) -> dict[str, Any]:
    expires = {key[14:-1]: value for key, value in fields.items() if key.startswith("expires_after[")} or None
    check_expiry(expires, "expires_after", taken=not fake.refuse_expiry)
    if fields.get("purpose") not in ("batch", "user_data", "assistants", "vision", "fine-tune", "evals"):
        raise RefusedError(400, f"Invalid value for 'purpose': {fields.get('purpose')!r}.", "invalid_value", "purpose")
    if n > fake.n_bytes_max:
        raise RefusedError(400, f"File is too large: {n} bytes of {fake.n_bytes_max}.", "file_too_large", "file")
    if not path.exists():
        raise RefusedError(400, "'file' is a required property", None, "file")
    return fake.add_file(owner, name, fields["purpose"], path, expires)


async def list_files(request: web.Request) -> web.Response:
    fake, owner = fake_of(request), request[OWNER]
    purpose = request.query.get("purpose")
    mine = [file for name, file in fake.files.items() if fake.file_owner[name] == owner]
    mine = [file for file in mine if purpose in (None, file["purpose"]) and fake.now() < (file["expires_at"] or 1e12)]
    return web.json_response(page_of(mine[::-1], request, 10_000, 10_000))


async def retrieve_file(request: web.Request) -> web.StreamResponse:
    fault, file_id = request[FAULT], request.match_info["id"]
    record = show(fake_of(request).find_file(request[OWNER], file_id), fault)
    _refuse_late(fault, file_id)
    if fault and fault.kind == "wrong bytes":
        record["bytes"] += fault.options.get("by", 7)
    elif fault and fault.kind == "bytes as text":
        record["bytes"] = f"{record['bytes']} bytes"
    return web.json_response(record)


def _refuse_late(fault: Fault | None, file_id: str) -> None:
    if fault and fault.kind == "late":
        raise RefusedError(404, f"No such File object: {file_id}", None, "id")


async def delete_file(request: web.Request) -> web.Response:
    fake, file_id = fake_of(request), request.match_info["id"]
    fake.find_file(request[OWNER], file_id)
    fake.lose_file(file_id)
    return web.json_response({"id": file_id, "object": "file", "deleted": True})


async def download(request: web.Request) -> web.StreamResponse:
    fake, file_id, fault = fake_of(request), request.match_info["id"], request[FAULT]
    fake.find_file(request[OWNER], file_id)
    _refuse_late(fault, file_id)
    path = fake.file_path(file_id)
    if fault and fault.kind == "truncate":
        return await _cut_short(request, path, fault)
    if fault and fault.kind == "shuffle":
        lines = _split(path)
        random.Random(fault.options.get("seed", fault.n_fired)).shuffle(lines)
        return web.Response(body=b"".join(lines), content_type="application/octet-stream")
    return web.FileResponse(path, headers={"Content-Type": "application/octet-stream"}, chunk_size=_CHUNK)


def _split(path: Path) -> list[bytes]:
    with path.open("rb") as file:
        return list(file)


async def _cut_short(request: web.Request, path: Path, fault: Fault) -> web.StreamResponse:
    """Send the first `n` bytes: and tell the length of the whole, or (`lying`) as if that were all."""
    whole = path.stat().st_size
    n = fault.options.get("n", whole // 2)
    response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
    if not fault.options.get("lying"):
        response.content_length = whole
        response.force_close()
    await response.prepare(request)
    with path.open("rb") as file:
        await response.write(file.read(n))
    if not fault.options.get("lying") and request.transport is not None:
        request.transport.close()
    return response
