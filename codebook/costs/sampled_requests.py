"""Draw request lines out of shards, and count the tokens of what was drawn."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from codebook.costs.answers import CAPS, guess_answer
from codebook.costs.bodies import count_request, find_uncounted, iter_messages
from codebook.costs.tokens import TokenCounter
from codebook.files.lines import dump_canonical, load_line, number_lines
from codebook.records import EMBEDDINGS

SEED = 20_261_121
N_BYTES = 4_000_000
"""Bytes that are counted at most: long requests need fewer of them."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Request lines drawn out of shards, and how many lines and bytes there are in all."""

    lines: list[bytes]
    n_lines: int
    n_bytes: int

    @property
    def by_bytes(self) -> float:
        """How much larger the whole is than the sample, in bytes."""
        return self.n_bytes / max(1, sum(map(len, self.lines)))

    @property
    def by_count(self) -> float:
        """How much larger the whole is than the sample, in lines."""
        return self.n_lines / max(1, len(self.lines))


def draw_lines(paths: Iterable[Path], size: int) -> Sample:
    """Draw lines out of all the files in one pass, each with the same chance and a fixed seed, in their order."""
    chance = random.Random(SEED)
    kept: list[tuple[int, Path, int, int]] = []  # where a line stands: lines with images are too large to hold many
    n_lines = n_bytes = 0
    for path in paths:
        for _, offset, line in number_lines(path):
            n_lines, n_bytes = n_lines + 1, n_bytes + len(line)
            if len(kept) < size:
                kept.append((n_lines, path, offset, len(line)))
            elif (place := int(chance.random() * n_lines)) < size:
                kept[place] = (n_lines, path, offset, len(line))
    if n_lines and size < n_lines:  # a whole that is small is counted whole
        chance.shuffle(kept)
        size = max(20, N_BYTES * n_lines // n_bytes)
    lines = [_read_line(path, offset, length) for _, path, offset, length in sorted(kept[:size])]
    return Sample(lines, n_lines, n_bytes)


def _read_line(path: Path, offset: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(offset)
        return file.read(length)


class Counts:
    """Tokens of the requests that were drawn, one number each.

    Attributes
    ----------
    tokens_in, tokens_out
        Tokens of each request and of its answer: the given mean, or a guess from the longest labels.
    uncounted
        Kinds of parts that were left out, such as images.
    shared
        Tokens of the instructions where all requests begin with the same, else 0.
    """

    def __init__(self, lines: Iterable[bytes], counter: TokenCounter, out_tokens: float | None) -> None:
        self.counter, self.out_tokens = counter, out_tokens
        self.tokens_in: list[int] = []
        self.tokens_out: list[float] = []
        self.uncounted: set[str] = set()
        self._beginnings: set[str] = set()
        self._guess_form = lru_cache(maxsize=64)(lambda form: guess_answer(orjson.loads(form), counter))
        for number, line in enumerate(lines, start=1):
            self._add(load_line(line, f"line {number} of those counted"))

    @property
    def shared(self) -> int:
        """Tokens of the instructions where all requests begin with the same, else 0."""
        return self.counter.count(next(iter(self._beginnings))) if len(self._beginnings) == 1 else 0

    def _add(self, line: Mapping[str, Any]) -> None:
        body, url = line.get("body"), str(line.get("url", ""))
        body = body if isinstance(body, Mapping) else {}
        self.tokens_in.append(count_request(body, self.counter, url))
        self.uncounted.update(find_uncounted(body))
        if url == EMBEDDINGS:
            self.tokens_out.append(0)
            return
        self._beginnings.add("".join(next(iter_messages(body), [])))
        self.tokens_out.append(self._guess(body) if self.out_tokens is None else self.out_tokens)

    def _guess(self, body: Mapping[str, Any]) -> int:
        """The guess for a body, made once for each form of answer."""
        form = {name: body[name] for name in ("response_format", "text", *CAPS) if name in body}
        return self._guess_form(dump_canonical(form))
