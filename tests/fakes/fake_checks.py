"""What the fake service refuses: bodies of requests, of batches, and lines of input files."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from codebook.records import CHAT, EMBEDDINGS, RESPONSES
from fakes.fake_embeddings import inputs_of

ENDPOINTS = (RESPONSES, CHAT, EMBEDDINGS, "/v1/completions", "/v1/moderations", "/v1/images/generations")
_REASONING = re.compile(r"o\d|gpt-[56]")
NEEDED = {CHAT: ("model", "messages"), RESPONSES: ("model", "input"), EMBEDDINGS: ("model", "input")}


class RefusedError(Exception):
    """A call that ends with a status and an error object."""

    def __init__(
        self, status: int, message: str, code: str | None = None, param: str | None = None, **headers: str
    ) -> None:
        super().__init__(message)
        kind = "invalid_request_error" if status < 500 else "server_error"
        self.status, self.headers = status, {name.replace("_", "-"): value for name, value in headers.items()}
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}


def check_body(url: str, body: Any) -> None:
    """Refuse a request that the service would refuse."""
    for name in NEEDED[url]:
        if not isinstance(body, dict) or not body.get(name):
            raise RefusedError(400, f"Missing required parameter: '{name}'.", "missing_required_parameter", name)
    model = body["model"]
    if model.startswith("retired-1"):
        message = f"The model `{model}` does not exist or you do not have access to it."
        raise RefusedError(404, message, "model_not_found", "model")
    if body.get("stream"):
        raise RefusedError(400, "The fake does not stream.", "unsupported_value", "stream")
    if url == EMBEDDINGS:
        return _check_embeddings(body)
    if foreign := sorted(set(body) - _known(url)):
        raise RefusedError(400, f"Unknown parameter: '{foreign[0]}'.", "unknown_parameter", foreign[0])
    _check_family(model, body)
    _check_ranges(url, body)
    _check_schema(url, body)
    return None


@lru_cache
def _known(url: str) -> frozenset[str]:
    """The parameters that the SDK knows."""
    from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming as Chat
    from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming as Responses

    return frozenset((Chat if url == CHAT else Responses).__annotations__)


def _check_embeddings(body: dict[str, Any]) -> None:
    texts = inputs_of(body)
    if len(texts) > 2048:
        raise RefusedError(
            400, f"Invalid 'input': array too long, {len(texts)} of 2048.", "array_above_max_length", "input"
        )
    if "" in texts:
        raise RefusedError(400, "Invalid 'input': input cannot be an empty string.", "empty_string", "input")
    if sum(map(len, texts)) // 4 > 300_000:
        raise RefusedError(400, "Requested more than 300000 tokens in all.", "max_tokens_per_request", "input")
    if max(map(len, texts)) // 4 > 8192:
        raise RefusedError(
            400, "This model's maximum context length is 8192 tokens.", "context_length_exceeded", "input"
        )


def _check_family(model: str, body: dict[str, Any]) -> None:
    """What reasoning models refuse, and what only they take."""
    effort = body.get("reasoning_effort") or (body.get("reasoning") or {}).get("effort")
    if not _REASONING.match(model):
        if effort and model.startswith(("gpt-3", "gpt-4")):
            raise _unsupported("reasoning_effort", "is not supported with this model.")
        return
    temperature = body.get("temperature")
    free = effort == "none" or (model.startswith("gpt-6-luna") and temperature == 0)
    if temperature not in (None, 1) and not free:
        said = f"'temperature' does not support {temperature} with this model. Only the default (1) value is supported."
        raise RefusedError(400, f"Unsupported value: {said}", "unsupported_value", "temperature")
    if "max_tokens" in body:
        raise _unsupported("max_tokens", "is not supported with this model. Use 'max_completion_tokens' instead.")
    if body.get("stop") and model.startswith(("o3", "o4-mini")):
        raise _unsupported("stop", "is not supported with this model.")
    if effort == "minimal" and model.startswith("gpt-6-luna"):
        said = "Unsupported value: 'reasoning_effort' does not support 'minimal' with this model."
        raise RefusedError(400, said, "unsupported_value", "reasoning_effort")


def _unsupported(name: str, what: str) -> RefusedError:
    return RefusedError(400, f"Unsupported parameter: '{name}' {what}", "unsupported_parameter", name)


def _check_ranges(url: str, body: dict[str, Any]) -> None:
    for name, low, high in (("temperature", 0, 2), ("top_p", 0, 1), ("top_logprobs", 0, 20)):
        value = body.get(name)
        if value is not None and not low <= value <= high:
            raise RefusedError(400, f"Invalid '{name}': {value} is not from {low} to {high}.", "invalid_value", name)
    if url == CHAT and body.get("top_logprobs") is not None and not body.get("logprobs"):
        raise RefusedError(400, "'top_logprobs' needs 'logprobs' to be true.", "invalid_value", "top_logprobs")
    if url == CHAT and body.get("metadata") and not body.get("store"):
        raise RefusedError(400, "The 'metadata' parameter is only allowed when 'store' is enabled.", None, "metadata")
    if url == RESPONSES and (body.get("max_output_tokens") or 16) < 16:
        said = "Invalid 'max_output_tokens': integer below minimum value. Expected a value >= 16."
        raise RefusedError(400, said, "integer_below_min_value", "max_output_tokens")


def _check_schema(url: str, body: dict[str, Any]) -> None:
    """The rules of strict schemas that are broken most often."""
    param = "response_format" if url == CHAT else "text.format.schema"
    form = (body.get("response_format") or {}).get("json_schema") or (body.get("text") or {}).get("format") or {}
    if not form.get("strict"):
        return
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", form.get("name", "")):
        raise RefusedError(400, "Invalid schema: 'name' must match ^[a-zA-Z0-9_-]{1,64}$.", "invalid_value", param)
    if form["schema"].get("type") != "object":
        raise RefusedError(400, "Invalid schema: the root must be an object.", "invalid_json_schema", param)
    todo = [form["schema"]]
    while todo:
        schema = todo.pop()
        todo += [*schema.get("properties", {}).values(), *schema.get("anyOf", []), *schema.get("$defs", {}).values()]
        todo += [schema["items"]] if "items" in schema else []
        if schema.get("type") != "object":
            continue
        whole = set(schema.get("properties", {})) == set(schema.get("required", []))
        if schema.get("additionalProperties") is not False or not whole:
            said = "every object needs 'additionalProperties': false and all its properties 'required'."
            raise RefusedError(400, f"Invalid schema: {said}", "invalid_json_schema", param)


def check_batch(body: dict[str, Any], *, takes_expiry: bool, windows: tuple[str, ...]) -> None:
    """Refuse to create a batch whose parameters are wrong."""
    for name in ("input_file_id", "endpoint", "completion_window"):
        if not isinstance(body.get(name), str):
            raise RefusedError(400, f"Missing required parameter: '{name}'.", "missing_required_parameter", name)
    if body["endpoint"] not in ENDPOINTS:
        raise RefusedError(400, f"Invalid value: '{body['endpoint']}'.", "invalid_value", "endpoint")
    if body["completion_window"] not in windows:
        raise RefusedError(400, f"Invalid value: '{body['completion_window']}'.", "invalid_value", "completion_window")
    check_metadata(body.get("metadata") or {})
    check_expiry(body.get("output_expires_after"), "output_expires_after", taken=takes_expiry)


def check_metadata(metadata: dict[str, Any]) -> None:
    """At most 16 pairs of strings, keys to 64 and values to 512 characters."""
    if len(metadata) > 16:
        raise RefusedError(400, "Invalid 'metadata': too many properties.", "object_above_max_properties", "metadata")
    for key, value in metadata.items():
        if not isinstance(value, str):
            raise RefusedError(
                400, f"Invalid type for 'metadata.{key}': expected a string.", "invalid_type", "metadata"
            )
        if len(key) > 64 or len(value) > 512:
            said = f"Invalid 'metadata.{key[:64]}': string too long."
            raise RefusedError(400, said, "string_above_max_length", "metadata")


def check_expiry(given: Any, param: str, *, taken: bool) -> int | None:
    """The seconds after which files expire, or None."""
    if given is None:
        return None
    if not taken:
        raise RefusedError(400, f"Unknown parameter: '{param}'.", "unknown_parameter", param)
    seconds = int(given.get("seconds", 0))
    if given.get("anchor") != "created_at" or not 3600 <= seconds <= 2_592_000:
        raise RefusedError(400, f"Invalid '{param}': created_at and 3600 to 2592000 s.", "invalid_value", param)
    return seconds
