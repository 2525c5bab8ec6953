"""What the API itself takes, whoever the model is: fields that a line may not have, and the form of those it may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from codebook.errors import Fault
from codebook.records import CHAT, EMBEDDINGS, RESPONSES

INCLUDED = "message.output_text.logprobs"
"""What responses must be asked to include for log probabilities."""

_LEAVE = "leave it out"
_BATCH_ONLY = {
    "service_tier": "leave it out; what a tier does in a batch is not documented",
    "background": "leave it out; a batch waits by itself",
}
_FOREIGN = {
    CHAT: {
        "max_output_tokens": "write max_completion_tokens",
        "reasoning": "write reasoning_effort",
        "text": "write verbosity; the form of the answer is made from the codebook",
        "instructions": "leave it out; instructions stand in the codebook",
        "input": _LEAVE,
        "include": "write logprobs and top_logprobs",
    },
    RESPONSES: {
        "max_tokens": "write max_output_tokens",
        "max_completion_tokens": "write max_output_tokens",
        "reasoning_effort": "write reasoning: {effort: ...}",
        "verbosity": "write text: {verbosity: ...}",
        "response_format": "leave it out; the form of the answer is made from the codebook",
        "messages": _LEAVE,
        "logprobs": f"write top_logprobs and include: [{INCLUDED}]",
        "seed": "leave it out; only chat completions take a seed",
        **dict.fromkeys(("stop", "presence_penalty", "frequency_penalty", "logit_bias"), _LEAVE),
    },
}
"""Fields of the other tongue, by endpoint; `n` is judged for every endpoint."""

_RANGES: dict[str, tuple[float, float]] = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
    "top_logprobs": (0, 20),
    "max_tokens": (1, 10**9),
    "max_completion_tokens": (1, 10**9),
    "max_output_tokens": (16, 10**9),
}
_WHOLE = frozenset({"top_logprobs", "max_tokens", "max_completion_tokens", "max_output_tokens"})
_N_PAIRS, _N_KEY, _N_VALUE = 16, 64, 512
_N_INPUTS = 2_048


def check_tongue(body: Mapping[str, Any], url: str) -> list[Fault]:
    """Return a fault for each field that belongs to the other endpoint: the service knows no such field there."""
    foreign = _FOREIGN.get(url, {})
    faults = [Fault(name, f"{url} has no such field", foreign[name]) for name in foreign if body.get(name) is not None]
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        faults.append(Fault("max_tokens", "it stands beside max_completion_tokens", _LEAVE))
    if url == CHAT and body.get("metadata") and body.get("store") is not True:
        mend = "leave it out; answers are joined to their units by custom_id"
        faults.append(Fault("metadata", "it is only taken where `store` is true", mend))
    return faults


def check_shapes(body: Mapping[str, Any], url: str, batch: bool) -> list[Fault]:
    """Return a fault for each field that no line may have, or that has a value out of its form."""
    faults = []
    if body.get("stream"):
        faults.append(Fault("stream", "an answer is a line, not a stream", _LEAVE))
    if body.get("n") not in (None, 1):
        faults.append(Fault("n", f"{body['n']!r} answers at once", "leave it out; ask for draws, which are told apart"))
    if batch:
        faults += [Fault(name, "not in a batch", mend) for name, mend in _BATCH_ONLY.items() if body.get(name)]
    faults += [fault for name in _RANGES if (fault := _check_range(name, body.get(name)))]
    if url == EMBEDDINGS:
        return faults + _check_inputs(body.get("input"))
    return faults + _check_logprobs(body, url) + _check_metadata(body.get("metadata"))


def _check_range(name: str, value: Any) -> Fault | None:
    low, high = _RANGES[name]
    kinds = (int,) if name in _WHOLE else (int, float)
    if value is None or (type(value) in kinds and low <= value <= high):
        return None
    kind = "a whole number" if name in _WHOLE else "a number"
    span = f"of at least {low}" if high >= 10**9 else f"from {low} to {high}"
    return Fault(name, f"{value!r} is not {kind} {span}", f"give {kind} {span}, or leave it out")


def _check_logprobs(body: Mapping[str, Any], url: str) -> list[Fault]:
    """Log probabilities are asked for in two fields, which must go together."""
    top = body.get("top_logprobs")
    if url == CHAT:
        flag = body.get("logprobs")
        if not isinstance(flag, bool | None):
            return [Fault("logprobs", f"{flag!r} is neither true nor false", "write logprobs: true and top_logprobs")]
        wrong, mend = top is not None and not flag, "write `logprobs: true` too"
    else:
        included = body.get("include")
        wrong = top is not None and not (isinstance(included, list) and INCLUDED in included)
        mend = f"write `include: [{INCLUDED}]` too"
    return [Fault("top_logprobs", "log probabilities are not asked for", mend)] if wrong else []


def _check_metadata(metadata: Any) -> list[Fault]:
    if metadata is None:
        return []
    mend = (
        f"give up to {_N_PAIRS} pairs, names up to {_N_KEY} and texts up to {_N_VALUE} characters; never a unit's text"
    )
    if not isinstance(metadata, Mapping):
        return [Fault("metadata", "it does not hold names with a text each", mend)]
    faults = []
    if len(metadata) > _N_PAIRS:
        faults.append(Fault("metadata", f"it holds {len(metadata)} pairs", mend))
    for key, value in metadata.items():
        if len(str(key)) > _N_KEY or not isinstance(value, str) or len(value) > _N_VALUE:
            faults.append(Fault(f"metadata.{str(key)[:_N_KEY]}", "name or text is too long, or it is no text", mend))
    return faults


def _check_inputs(inputs: Any) -> list[Fault]:
    """What is embedded: a text or a list of texts."""
    texts = inputs if isinstance(inputs, list) else [inputs]
    if len(texts) > _N_INPUTS:
        return [Fault("input", f"{len(texts):,} texts in a request", f"give up to {_N_INPUTS:,}")]
    empty = [place for place, text in enumerate(texts, start=1) if text in ("", None, [])]
    problem = f"text {', '.join(map(str, empty[:5]))} is empty"
    return [Fault("input", problem, "leave out units without text")] if empty else []
