"""What the stand-in of vLLM returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class RequestOutput:
    prompt: str
    prompt_token_ids: list[int]
    outputs: list[Any]
    metrics: None = None
    prompt_logprobs: None = None
    finished: bool = True


class PoolingRequestOutput:
    pass
