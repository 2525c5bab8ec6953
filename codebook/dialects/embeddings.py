"""Embeddings: the body of a request for vectors, and the vectors of a reply, as floats or as base64."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from codebook.ground.quantities import say_count

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Vectors = npt.NDArray[np.float32]

BASE64 = "base64"
"""The form of vectors that takes a third of the room of written numbers: little-endian float32."""

_ASKED = re.compile(r"\.pack-(\d+)-")


def write_vectors(vectors: Vectors, model: str, form: str, tokens_in: int) -> dict[str, Any]:
    """Spell vectors, `(n_texts, n_dimensions)`, as the body that a service would return."""
    rows = vectors.astype("<f4")
    coded = [base64.b64encode(row.tobytes()).decode() if form == BASE64 else row.tolist() for row in rows]
    return {
        "object": "list",
        "data": [{"object": "embedding", "index": place, "embedding": each} for place, each in enumerate(coded)],
        "model": model,
        "usage": {"prompt_tokens": tokens_in, "total_tokens": tokens_in},
    }


def is_embeddings(body: Mapping[str, Any]) -> bool:
    """Whether a reply's body is a list of vectors."""
    return body.get("object") == "list" and "data" in body


def read_vectors(body: Mapping[str, Any]) -> tuple[Vectors | None, str]:
    """Return the vectors of a reply in the order of the texts, `(n_texts, n_dimensions)`, or None and what is wrong.

    Examples
    --------
    >>> body = {"data": [{"index": 1, "embedding": [0, 1]}, {"index": 0, "embedding": "AACAPwAAAAA="}]}
    >>> read_vectors(body)[0].tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    >>> read_vectors({"data": [{"index": 0, "embedding": [0, 1]}, {"index": 2, "embedding": [1, 0]}]})
    (None, 'the 2 vectors are not numbered from 0 to 1')
    """
    import numpy as np

    data = body.get("data")
    items = data if isinstance(data, list) and all(isinstance(item, Mapping) for item in data) else []
    if not items:
        return None, "there is no vector in the reply"
    by_index = {_place(item): item.get("embedding") for item in items}
    if set(by_index) != set(range(len(items))):
        return None, f"the {len(items)} vectors are not numbered from 0 to {len(items) - 1}"
    rows = [_read_vector(by_index[place]) for place in range(len(items))]
    if bad := [place for place, row in enumerate(rows) if row is None]:
        return None, f"vector {bad[0]} is neither finite numbers nor base64 of float32"
    lengths = {len(row) for row in rows if row is not None}
    if len(lengths) > 1:
        return None, f"the vectors have different dimensions: {', '.join(map(str, sorted(lengths)))}"
    return np.array(rows, dtype=np.float32), ""


def _place(item: Mapping[str, Any]) -> Any:
    place = item.get("index")
    return place if type(place) is int else None


def tell_vectors(body: Mapping[str, Any], custom_id: str) -> tuple[str | None, str | None, str]:
    """Say what a reply with vectors holds: (text, why, detail), as of any reply; the vectors stay in their line.

    How many texts were sent stands in the custom_id of a pack of texts. Another number of vectors is `invalid`.

    Examples
    --------
    >>> body = {"data": [{"index": 0, "embedding": [0, 1]}]}
    >>> tell_vectors(body, "vectors.pack-1-ab.0.x"), tell_vectors(body, "vectors.pack-2-ab.0.x")
    (('1 vector of 2', None, ''), (None, 'invalid', '1 vector came for 2 texts'))
    """
    vectors, problem = read_vectors(body)
    if vectors is None:
        return None, "invalid", problem
    n_vectors, dimensions = vectors.shape
    words, pack = say_count(n_vectors, "vector"), _ASKED.search(custom_id)
    if pack and int(pack[1]) != n_vectors:
        return None, "invalid", f"{words} came for {pack[1]} texts"
    return f"{words} of {dimensions}", None, ""


def _read_vector(coded: Any) -> Vectors | None:
    """One vector, `(n_dimensions,)`; None where it is none."""
    import numpy as np

    try:
        if isinstance(coded, str):
            vector = np.frombuffer(base64.b64decode(coded, validate=True), dtype="<f4")
        else:
            vector = np.array(coded if isinstance(coded, Sequence) else None, dtype=np.float32)
    except (ValueError, TypeError, binascii.Error):
        return None
    return vector if vector.ndim == 1 and vector.size and np.isfinite(vector).all() else None
