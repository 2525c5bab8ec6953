"""Vectors as an answer: what `/v1/embeddings` gives, by the two models that come inside packages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from codebook.dialects.embeddings import BASE64, write_vectors
from codebook.engines.embedded.encoders import PARTS, Vector
from codebook.engines.embedded.request_reader import MAX_CHARACTERS, UnreadableError

OWN = 896
"""Dimensions where the request names none: both models side by side."""


def answer_embedding(body: Mapping[str, Any], encode: Callable[[list[str], int], Vector]) -> dict[str, Any]:
    """Return the body of a reply: one vector a text, in their order. Tokens are estimates: four characters each.

    Parameters
    ----------
    body
        Of a request for vectors; `dimensions` chooses the model: 896 (both), 512 (USE) or 384 (MiniLM).
    encode
        Makes vectors of texts, `(n_texts, n_dimensions)`, of so many dimensions.

    Raises
    ------
    UnreadableError
        It asks for dimensions that no model has, or holds what is no text.
    """
    texts, dimensions, form = body.get("input"), body.get("dimensions", OWN), body.get("encoding_format", "float")
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise UnreadableError("the embedded engine embeds a text or a list of texts: 'input' is neither")
    if dimensions not in PARTS:
        there = ", ".join(map(str, PARTS))
        raise UnreadableError(f"the embedded engine has no vectors of {dimensions!r} dimensions, only of {there}")
    if form not in (BASE64, "float"):
        raise UnreadableError(f"vectors are written as float or {BASE64}, not as {form!r}")
    if wrong := [place for place, text in enumerate(texts, 1) if not text or len(text) > MAX_CHARACTERS]:
        raise UnreadableError(f"text {wrong[0]} is empty or longer than {MAX_CHARACTERS:,} characters")
    vectors = encode(texts, dimensions).astype("float32")
    return write_vectors(vectors, str(body["model"]), form, -(-sum(map(len, texts)) // 4))
