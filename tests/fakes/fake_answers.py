"""What the fake service says to one request, live or in a batch: a good answer, or what the text orders.

Orders stand in the text in brackets. Of the answer: `refuse filter truncate incomplete reasoning thought empty outside
notjson nulls failed policy`; of the status: any number from 400 to 599, and `500 once`; of the line in a batch:
`expired drop twice stranger status 0`. See `spoil` for what each does.
"""

from __future__ import annotations

import re
import time
import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from codebook.dialects import Prompt, read_prompt, unfence, write_reply
from codebook.errors import CodebookError
from codebook.files.lines import digest, dump_canonical
from codebook.records import CHAT, EMBEDDINGS
from fakes.fake_checks import RefusedError, check_body
from fakes.fake_embeddings import embed
from fakes.fake_parts import check_parts
from fakes.scripted import expected_label

N_REASONING = 64
_CAPS = ("max_completion_tokens", "max_output_tokens", "max_tokens")
_CUT = {"truncate", "incomplete", "thought"}


@dataclass
class Reply:
    """A status and a body, and the orders that the text held."""

    status: int
    body: dict[str, Any]
    orders: frozenset[str] = frozenset()


def body_digest(body: Any) -> str:
    """Name a body by its content, as `FakeOpenAI.billed` does."""
    return digest(dump_canonical(body))[:16]


def snapshot_of(model: str, date: str) -> str:
    """The dated name under which a model answers."""
    if model.startswith("text-embedding") or re.search(r"\d{4}-\d\d-\d\d$", model):
        return model
    return f"{model}-{date}"


class Answerer:
    """Answers requests; it remembers which `[500 once]` it has had.

    `reply(line)` of a test answers instead where it returns a body.
    """

    def __init__(self, reply: Callable[[dict[str, Any]], dict[str, Any] | None] | None, date: str) -> None:
        self.reply, self.date = reply, date
        self._had: set[str] = set()

    def forget(self) -> None:
        """Forget which `[500 once]` it has had."""
        self._had.clear()

    def snapshot(self, model: str) -> str:
        """The dated name under which a model answers."""
        return snapshot_of(model, self.date)

    def answer(self, line: dict[str, Any]) -> Reply:
        """Answer a request line; `custom_id` may be empty."""
        url, body = line["url"], line["body"]
        try:
            check_body(url, body)
            check_parts(url, body)
        except RefusedError as refused:
            return Reply(refused.status, refused.body)
        if self.reply and (own := self.reply(line)) is not None:
            return Reply(200, own)
        model = snapshot_of(body["model"], self.date)
        if url == EMBEDDINGS:
            return Reply(200, embed(body, model))
        prompt = read_question(body, url)
        text = unfence(prompt.user)
        orders = read_orders(text)
        if refused := self._refusal(orders, line):
            return Reply(refused.status, refused.body, orders)
        return Reply(200, _write(url, body, model, prompt, text, orders), orders)

    def _refusal(self, orders: frozenset[str], line: dict[str, Any]) -> RefusedError | None:
        for order in sorted(orders):
            status, _, once = order.partition(" ")
            if order == "policy":
                return RefusedError(400, "Your request was rejected.", "content_policy_violation")
            if not re.fullmatch(r"[45]\d\d", status) or once not in ("", "once"):
                continue
            if once:
                name = body_digest([order, line.get("custom_id"), line["body"]])
                if name in self._had:
                    continue
                self._had.add(name)
            return RefusedError(int(status), "as the text orders")
        return None


def read_orders(text: str) -> frozenset[str]:
    """The orders in a text."""
    return frozenset(re.findall(r"\[([a-z0-9 ]+)\]", text))


def read_question(body: dict[str, Any], url: str) -> Prompt:
    """The prompt of any body: also one that has no schema, or parts that are no text."""
    try:
        return read_prompt(body, url)
    except CodebookError:
        said = body["messages"] if url == CHAT else body["input"]
        if isinstance(said, list):
            content = next((turn["content"] for turn in reversed(said) if turn.get("role") == "user"), "")
            said = content if isinstance(content, str) else "\n".join(part.get("text") or "" for part in content)
        form = (body.get("response_format") or {}).get("json_schema") or (body.get("text") or {}).get("format") or {}
        return Prompt("", said, form.get("name", ""), form.get("schema", {}))


def label_of(prompt: Prompt, text: str) -> str:
    """The good answer to a text: that of `scripted.expected_label`, or every field of the schema filled."""
    fields = prompt.schema.get("properties", {})
    if not fields:
        return f"answer {zlib.crc32(text.encode()):08x}"
    if len(fields) == 1 and ("enum" in (form := next(iter(fields.values()))) or "enum" in form.get("items", {})):
        return expected_label(prompt, text)
    return orjson.dumps({name: _fill(form, text) for name, form in fields.items()}).decode()


def _fill(form: dict[str, Any], text: str) -> Any:
    number, kind = zlib.crc32(text.encode()), form.get("type")
    if "enum" in form:
        return form["enum"][number % len(form["enum"])]
    if "anyOf" in form:
        return _fill(form["anyOf"][0], text)
    if kind == "array":
        labels = form["items"].get("enum")
        if labels is None:
            return [_fill(form["items"], text)]
        return [label for n, label in enumerate(labels) if number >> n & 1]
    if kind == "object":
        return {name: _fill(field, text) for name, field in form.get("properties", {}).items()}
    return {"string": text[:30], "boolean": bool(number & 1)}.get(str(kind), form.get("minimum", 0))


def _write(
    url: str, asked: dict[str, Any], model: str, prompt: Prompt, text: str, orders: frozenset[str]
) -> dict[str, Any]:
    """A body with status 200."""
    fields = prompt.schema.get("properties", {"label": {}})
    said = label_of(prompt, text)
    said = orjson.dumps({next(iter(fields)): "chess"}).decode() if "outside" in orders else said
    said = "I think coal." if "notjson" in orders else "" if "empty" in orders else said
    spent = N_REASONING if orders & {"reasoning", "thought", "incomplete"} else 0
    n_in, n_out = len(dump_canonical(asked)) // 4, len(said) // 4 + 1 + spent
    caps = [asked[cap] for cap in _CAPS if isinstance(asked.get(cap), int)]
    if caps and caps[0] >= 1000:
        orders -= _CUT
    elif caps and caps[0] < n_out:
        orders |= {"truncate"}
        n_out = caps[0]
    body = write_reply(url, model, said, request_id=_name("chatcmpl" if url == CHAT else "resp"), usage=(n_in, n_out))
    _enrich(body, asked, said, prompt, n_in, spent)
    return spoil(body, orders, said)


def _enrich(body: dict[str, Any], asked: dict[str, Any], said: str, prompt: Prompt, n_in: int, spent: int) -> None:
    """What a real body has beyond the least."""
    cached = 128 * (n_in // 256) if n_in >= 1024 else 0
    chances = log_chances(said, prompt, asked.get("top_logprobs") or 0)
    if "choices" in body:
        body |= {"created": int(time.time()), "system_fingerprint": "fp_fake_2026", "service_tier": "default"}
        body["usage"] |= {
            "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": spent, "audio_tokens": 0},
        }
        body["choices"][0]["logprobs"] = {"content": chances, "refusal": None} if asked.get("logprobs") else None
        return
    body |= {"created_at": int(time.time()), "error": None, "incomplete_details": None, "service_tier": "default"}
    body |= {"parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "store": asked.get("store", True)}
    body["usage"] |= {
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens_details": {"reasoning_tokens": spent},
    }
    body["output"][0] |= {"id": _name("msg")}
    wanted = "message.output_text.logprobs" in (asked.get("include") or [])
    body["output"][0]["content"][0]["logprobs"] = chances if wanted else []


def log_chances(said: str, prompt: Prompt, n_top: int) -> list[dict[str, Any]]:
    """Log probabilities of the tokens: pieces of at most six letters, the rivals those of the schema's other labels."""
    labels = [str(x) for f in prompt.schema.get("properties", {}).values() for x in _labels_of(f)]
    first = [re.match(r"\w{1,6}|\W", label) for label in labels]
    rivals = list(dict.fromkeys(match[0] for match in first if match)) or ["the", "a", "no"]
    found = []
    for token in re.findall(r"\w{1,6}|[^\w]+", said):
        chance = -0.05 - zlib.crc32(token.encode()) % 60 / 100 if token in rivals else -0.0001
        others = [rival for rival in rivals if rival != token][: max(0, n_top - 1)]
        top = [(token, chance), *((other, chance - 2.0 - n) for n, other in enumerate(others))][:n_top]
        found.append({**_chance(token, chance), "top_logprobs": [_chance(*pair) for pair in top]})
    return found


def _labels_of(form: dict[str, Any]) -> list[Any]:
    return form.get("enum") or form.get("items", {}).get("enum") or []


def _chance(token: str, chance: float) -> dict[str, Any]:
    return {"token": token, "logprob": chance, "bytes": list(token.encode())}


def spoil(body: dict[str, Any], orders: frozenset[str], said: str) -> dict[str, Any]:
    """Make a good body the bad one that was ordered."""
    return _spoil_chat(body, orders, said) if "choices" in body else _spoil_response(body, orders, said)


def _spoil_chat(body: dict[str, Any], orders: frozenset[str], said: str) -> dict[str, Any]:
    choice = body["choices"][0]
    message = choice["message"]
    if "nulls" in orders:
        message["content"] = None
        return dict.fromkeys(body) | {"id": body["id"], "object": body["object"], "choices": [choice]}
    if "refuse" in orders:
        message |= {"content": None, "refusal": "I will not code this."}
    if "filter" in orders:
        choice["finish_reason"], message["content"] = "content_filter", said[: len(said) // 2]
    if orders & {"truncate", "incomplete"}:
        choice["finish_reason"], message["content"] = "length", said[: len(said) // 2]
    if "thought" in orders:
        message["content"] = ""
    if "failed" in orders:
        body["choices"], body["error"] = [], {"code": "server_error", "message": "The model had an error."}
    return body


def _spoil_response(body: dict[str, Any], orders: frozenset[str], said: str) -> dict[str, Any]:
    message = body["output"][0]
    part = message["content"][0]
    if "nulls" in orders:
        return dict.fromkeys(body) | {"id": body["id"], "object": body["object"], "status": "completed", "output": []}
    if "refuse" in orders:
        message["content"] = [{"type": "refusal", "refusal": "I will not code this."}]
    reason = "content_filter" if "filter" in orders else "max_output_tokens"
    if orders & {"filter", "truncate", "incomplete"}:
        body |= {"status": "incomplete", "incomplete_details": {"reason": reason}}
        message["status"], part["text"] = "incomplete", said[: len(said) // 2]
    if "thought" in orders:
        part["text"] = ""
    if orders & {"reasoning", "thought", "incomplete"}:
        body["output"].insert(0, {"id": _name("rs"), "type": "reasoning", "summary": []})
    if "incomplete" in orders:
        body["output"].pop()
    if "failed" in orders:
        error = {"code": "server_error", "message": "The model had an error."}
        body |= {"status": "failed", "output": [], "error": error}
    return body


def _name(start: str) -> str:
    return f"{start}_{uuid.uuid4().hex[:24]}"
