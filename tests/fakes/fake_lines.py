"""The lines of a batch: an input file checked as the service checks it, and the result files written."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import orjson

from codebook.dialects import write_reply
from codebook.records import CHAT, EMBEDDINGS
from fakes.fake_answers import Answerer, Reply, body_digest, snapshot_of
from fakes.fake_checks import NEEDED
from fakes.fake_embeddings import inputs_of

N_INPUTS = 50_000
"""Texts that a batch of embeddings may hold in all."""
NOT_BATCHABLE = ("live-only", "retired-1")
N_SHOWN = 100
"""Faults that a refused batch lists at most."""

Faults = list[dict[str, Any]]


def fault(code: str, message: str, line: int | None = None, param: str | None = None) -> dict[str, Any]:
    """An entry of `errors.data`; lines count from 1."""
    return {"code": code, "message": message, "line": line, "param": param}


@dataclass
class Checked:
    """An input file, read once: its faults, the number of its requests, their tokens and model."""

    faults: Faults = field(default_factory=list)
    n: int = 0
    n_tokens: int = 0
    n_inputs: int = 0
    model: str = ""


def _count_inputs(endpoint: str, body: Any) -> int:
    """Texts to be embedded that a request holds."""
    return len(inputs_of(body)) if endpoint == EMBEDDINGS and isinstance(body, dict) and body.get("input") else 0


def check_file(path: Path, endpoint: str, *, n_max: int, tokens_of: Callable[[Any], int]) -> Checked:
    """Check an input file line by line."""
    found, ids = Checked(), set[str]()
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            if not raw.strip():
                continue
            found.n += 1
            try:
                line = orjson.loads(raw)
                assert isinstance(line, dict)
            except (orjson.JSONDecodeError, AssertionError):
                found.faults.append(fault("invalid_json_line", "This line is not parseable as valid JSON.", number))
                continue
            found.faults += _check_line(line, number, endpoint, ids, found)
            found.n_tokens += tokens_of(line.get("body"))
            found.n_inputs += _count_inputs(endpoint, line.get("body"))
    if found.n_inputs > N_INPUTS:
        said = f"The requests of the batch hold too many inputs: {found.n_inputs}. The maximum is {N_INPUTS}."
        found.faults.append(fault("too_many_inputs", said))
    if not found.n:
        found.faults.append(fault("empty_file", "The input file is empty."))
    if found.n > n_max:
        said = f"The batch input file contains too many requests. The maximum is {n_max}."
        found.faults.append(fault("too_many_tasks", said))
    del found.faults[N_SHOWN:]
    return found


def _check_line(line: dict[str, Any], number: int, endpoint: str, ids: set[str], found: Checked) -> Iterator[Any]:
    name, body = line.get("custom_id"), line.get("body")
    if not isinstance(name, str) or not name:
        yield fault("missing_required_parameter", "Missing required parameter: 'custom_id'.", number, "custom_id")
    elif name in ids:
        yield fault("duplicate_custom_id", f"The custom_id '{name}' is a duplicate.", number, "custom_id")
    else:
        ids.add(name)
    if line.get("method") != "POST":
        yield fault("invalid_method", "The method of a request must be POST.", number, "method")
    if line.get("url") != endpoint:
        yield fault("url_mismatch", f"The URL {line.get('url')!r} is not the batch's {endpoint!r}.", number, "url")
    if not isinstance(body, dict):
        yield fault("missing_required_parameter", "Missing required parameter: 'body'.", number, "body")
        return
    for key in NEEDED.get(endpoint, ("model",)):
        if not body.get(key):
            yield fault("missing_required_parameter", f"Missing required parameter: '{key}'.", number, f"body.{key}")
    if body.get("stream"):
        yield fault("streaming_unsupported", "Streaming is not supported in the Batch API.", number, "body.stream")
    model = str(body.get("model") or "")
    if model.startswith(NOT_BATCHABLE) and not found.model:
        said = f"The provided model '{model}' is not supported in batch."
        yield fault("model_not_found", said, number, "body.model")
    if found.model and model and model != found.model:
        said = f"The provided model '{model}' is not that of the other requests, '{found.model}'."
        yield fault("model_mismatch", said, number, "body.model")
    found.model = found.model or model


@dataclass
class Built:
    """What came of the requests that were done."""

    n_ok: int = 0
    n_failed: int = 0
    model: str = ""
    usage: Counter[str] = field(default_factory=Counter)
    billed: Counter[tuple[str, str]] = field(default_factory=Counter)


def build_results(
    source: Path, output: Path, errors: Path, answerer: Answerer, *, n_done: int, seed: str, plain: bool, code: str
) -> Built:
    """Answer `n_done` requests of a file, in any order; the others stand in `errors` as `code`, if that is given."""
    built, starts, offset = Built(), [], 0
    with source.open("rb") as file:
        for raw in file:
            starts += [offset] if raw.strip() else []
            offset += len(raw)
    random.Random(seed).shuffle(starts)
    write = _write_plain(answerer.date) if plain else _write_answer(answerer)
    with source.open("rb") as file, output.open("wb") as good, errors.open("wb") as bad:
        for number, start in enumerate(starts):
            file.seek(start)
            line = orjson.loads(file.readline())
            if number < n_done:
                write(line, built, good, bad)
            elif code:
                bad.write(_line(line["custom_id"], None, {"code": code, "message": "This request was not executed."}))
    return built


Writer = Callable[[dict[str, Any], Built, IO[bytes], IO[bytes]], None]


def _write_answer(answerer: Answerer) -> Writer:
    def write(line: dict[str, Any], built: Built, good: IO[bytes], bad: IO[bytes]) -> None:
        reply, name = answerer.answer(line), line["custom_id"]
        if reply.status == 200 and not reply.orders & {"expired", "status 0"}:
            built.n_ok += 1
            built.billed[name, body_digest(line["body"])] += 1
            built.model = built.model or str(reply.body.get("model") or "")
            _count_usage(built, reply.body.get("usage") or {})
            whole = _line(name, {"status_code": 200, "request_id": _name("req"), "body": reply.body}, None)
            good.write(whole * ("drop" not in reply.orders) + whole * ("twice" in reply.orders))
            if "stranger" in reply.orders:
                good.write(_line("nobody.asked", orjson.loads(whole)["response"], None))
            return
        built.n_ok, built.n_failed = built.n_ok + ("status 0" in reply.orders), built.n_failed + _fails(reply)
        bad.write(_bad_line(name, reply))

    return write


def _fails(reply: Reply) -> bool:
    """A line of status 0 is counted as completed, as it was seen."""
    return "status 0" not in reply.orders


def _bad_line(name: str, reply: Reply) -> bytes:
    if "expired" in reply.orders:
        said = "This request could not be executed before the completion window expired."
        return _line(name, None, {"code": "batch_expired", "message": said})
    if "status 0" in reply.orders:
        return _line(name, {"status_code": 0, "request_id": "", "body": {}}, None)
    return _line(name, {"status_code": reply.status, "request_id": _name("req"), "body": reply.body}, None)


def _write_plain(date: str) -> Writer:
    """Write one pre-made body for every line: the good answer to the first."""
    made: list[bytes] = []

    def write(line: dict[str, Any], built: Built, good: IO[bytes], bad: IO[bytes]) -> None:
        if not made:
            made.append(orjson.dumps(_plain_body(line, date)))
            built.model = snapshot_of(line["body"]["model"], date)
        built.n_ok += 1
        built.billed[line["custom_id"], body_digest(line["body"])] += 1
        built.usage.update(input_tokens=10, output_tokens=2)
        good.write(_PLAIN % (built.n_ok, orjson.dumps(line["custom_id"]), built.n_ok, made[0]))

    return write


_PLAIN = (
    b'{"id":"batch_req_%d","custom_id":%s,'
    b'"response":{"status_code":200,"request_id":"req_%d","body":%s},"error":null}\n'
)


def _plain_body(line: dict[str, Any], date: str) -> dict[str, Any]:
    from fakes.fake_answers import label_of, read_question

    url, body, model = line["url"], line["body"], snapshot_of(line["body"]["model"], date)
    if url == EMBEDDINGS:
        usage = {"prompt_tokens": 10, "total_tokens": 10}
        data = [{"object": "embedding", "index": 0, "embedding": [1.0, 0.0]}]
        return {"object": "list", "data": data, "model": model, "usage": usage}
    said = label_of(read_question(body, url), "")
    return write_reply(url, model, said, request_id="chatcmpl" if url == CHAT else "resp", usage=(10, 2))


def _count_usage(built: Built, usage: Any) -> None:
    """Count what a reply tells; a test may let it tell anything."""
    if not isinstance(usage, dict):
        return
    details_in = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
    details_out = usage.get("completion_tokens_details") or usage.get("output_tokens_details") or {}
    for name, count in (
        ("input_tokens", usage.get("prompt_tokens") or usage.get("input_tokens")),
        ("output_tokens", usage.get("completion_tokens") or usage.get("output_tokens")),
        ("cached_tokens", details_in.get("cached_tokens")),
        ("reasoning_tokens", details_out.get("reasoning_tokens")),
    ):
        built.usage[name] += count if isinstance(count, int) else 0


def usage_of(counts: Counter[str]) -> dict[str, Any]:
    """The usage of a batch object."""
    return {
        "input_tokens": counts["input_tokens"],
        "input_tokens_details": {"cached_tokens": counts["cached_tokens"]},
        "output_tokens": counts["output_tokens"],
        "output_tokens_details": {"reasoning_tokens": counts["reasoning_tokens"]},
        "total_tokens": counts["input_tokens"] + counts["output_tokens"],
    }


def _line(name: str, response: dict[str, Any] | None, error: dict[str, Any] | None) -> bytes:
    """A result line. As real ones do, it keeps U+2028 and its kin unescaped."""
    line = {"id": _name("batch_req"), "custom_id": name, "response": response, "error": error}
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


def _name(start: str) -> str:
    return f"{start}_{uuid.uuid4().hex[:24]}"
