"""Archives of runs made by hand, for the engines that read them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from codebook.dialects import Prompt, fence, write_body
from codebook.engines.embedded import MODEL
from codebook.files.lines import digest_file, dump_canonical
from codebook.records import CHAT, Request, Shard, request_key

SCHEMA = {"type": "object", "properties": {"label": {"type": "string", "enum": ["sport", "money"]}}}


def make_request(text: str, custom_id: str, model: str = MODEL) -> Request:
    prompt = Prompt("- sport: Teams and games.\n- money: Prices and jobs.", fence(text), "topic", SCHEMA)
    body = dump_canonical(write_body(prompt, CHAT, model))
    return Request(custom_id, request_key(CHAT, body), CHAT, body, "u", "topic")


def write_shard(path: Path, requests: Sequence[Request]) -> Shard:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(request.line for request in requests))
    return Shard(path, digest_file(path), CHAT, MODEL, len(requests), path.stat().st_size, 0)


def hand_made(folder: Path, answers: dict[str, tuple[str, bytes]], model: str = MODEL) -> Path:
    """Write an archive out of custom_id -> (text, rest of the result line)."""
    write_shard(folder / "shards" / "0.jsonl", [make_request(text, name, model) for name, (text, _) in answers.items()])
    lines = [b'{"id": "x", "custom_id": "%s", %s}\n' % (name.encode(), rest) for name, (_, rest) in answers.items()]
    (folder / "results").mkdir()
    (folder / "results" / "0.jsonl").write_bytes(b"".join(lines))
    return folder


def rest_of(number: float) -> bytes:
    return b'"response": {"status_code": 200, "number": %.2f}, "error": null' % number
