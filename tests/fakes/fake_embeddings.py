"""Embeddings of the fake service: sums of one fixed direction a word, so that texts that share words are near."""

from __future__ import annotations

import base64
import re
import zlib
from functools import lru_cache
from typing import Any

import numpy as np

N_DIMENSIONS = {"text-embedding-3-large": 3072}


def embed(body: dict[str, Any], model: str) -> dict[str, Any]:
    """The body that answers a request for embeddings, as floats or as base64 of little-endian float32."""
    texts = inputs_of(body)
    n = body.get("dimensions") or N_DIMENSIONS.get(body["model"], 1536)
    vectors = [vector_of(text, n) for text in texts]
    if body.get("encoding_format") == "base64":
        shown: list[Any] = [base64.b64encode(vector.astype("<f4").tobytes()).decode() for vector in vectors]
    else:
        shown = [vector.tolist() for vector in vectors]
    data = [{"object": "embedding", "index": number, "embedding": value} for number, value in enumerate(shown)]
    n_tokens = sum(len(text) // 4 + 1 for text in texts)
    return {
        "object": "list",
        "data": data,
        "model": model,
        "usage": {"prompt_tokens": n_tokens, "total_tokens": n_tokens},
    }


def inputs_of(body: dict[str, Any]) -> list[str]:
    """The inputs of a request as texts; lists of tokens are spelt out."""
    given = body["input"]
    if isinstance(given, str) or (given and isinstance(given[0], int)):
        given = [given]
    return [each if isinstance(each, str) else " ".join(map(str, each)) for each in given]


def vector_of(text: str, n: int) -> np.ndarray:
    """A vector of length 1."""
    words = re.findall(r"\w+", text.casefold()) or [text]
    total = np.sum([_direction(word, n) for word in words], axis=0)
    return total / (np.linalg.norm(total) or 1.0)


@lru_cache(maxsize=4096)
def _direction(word: str, n: int) -> np.ndarray:
    return np.random.default_rng(zlib.crc32(word.encode())).standard_normal(n)
