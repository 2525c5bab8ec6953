"""What shards will cost, live and as a batch, before anything is sent."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from math import fsum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

import orjson

from codebook.costs.bodies import count_pages, count_request, find_schema, find_uncounted, iter_messages, list_images
from codebook.costs.prices import PriceSource, Rates, find_rates
from codebook.costs.tokens import TokenCounter, find_counter
from codebook.costs.usage import Usage
from codebook.errors import Fault, ParameterError
from codebook.files.lines import dump_canonical, load_line, number_lines
from codebook.records import EMBEDDINGS

if TYPE_CHECKING:
    import pandas as pd


CACHED_FROM = 1_024
"""Tokens of a common beginning from which a service may keep it in its cache."""
SEED = 20_261_121
N_BYTES = 4_000_000
"""Bytes that are counted at most: long requests need fewer of them."""
FREE_TEXT = 40
"""Tokens taken for a text that the form leaves free, such as a quotation or a reason."""
FREE_ANSWER = 200
"""Tokens taken for an answer without a form."""
FREE_ITEMS = 3
"""Items taken for a list that is not made of labels."""
CAPS = ("max_completion_tokens", "max_output_tokens", "max_tokens")


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is expected of shards; US dollars are None where the price is not known.

    `basis` says line by line what the figures rest on. `exact` is whether the input tokens are those of every request,
    counted with the model's own vocabulary; output is always an estimate.

    Examples
    --------
    >>> Estimate(12, 4_118, 72, 0.00045, 0.00022, (), exact=True).n_requests
    12
    """

    n_requests: int
    tokens_in: int
    tokens_out: int
    usd_live: float | None
    usd_batch: float | None
    basis: tuple[str, ...]
    exact: bool

    def to_frame(self) -> pd.DataFrame:
        """Show live beside batch: requests, tokens in and out, US dollars in all and per 1,000 requests."""
        import pandas as pd

        rows = [
            {
                "way": way,
                "requests": self.n_requests,
                "tokens in": self.tokens_in,
                "tokens out": self.tokens_out,
                "USD": usd,
                "USD per 1,000": usd if usd is None or not self.n_requests else usd / self.n_requests * 1_000,
            }
            for way, usd in (("live", self.usd_live), ("batch", self.usd_batch))
        ]
        return pd.DataFrame(rows).astype({"USD": float, "USD per 1,000": float})


def estimate_shards(
    paths: Iterable[Path],
    *,
    model: str,
    out_tokens: float | None = None,
    in_tokens: float | None = None,
    sample: int = 400,
    **prices: Unpack[PriceSource],
) -> Estimate:
    """Estimate tokens and price of shards without sending anything.

    Parameters
    ----------
    paths
        Files of request lines for one model.
    model, prices
        As of `find_rates`: `provider`, `discount`, `prices_file`.
    out_tokens
        Output tokens of an answer in the mean, reasoning included, from a pilot; guessed from the longest labels where
        not given.
    in_tokens
        Input tokens of a request in the mean, from a pilot: taken where requests hold what cannot be counted, as PDFs.
    sample
        How many lines are counted at most, drawn with a fixed seed; the rest is in proportion to its bytes.

    Raises
    ------
    ParameterError
        A number makes no sense, or the project's file of prices is faulty.
    RecordError
        A line of a shard is damaged.

    Examples
    --------
    >>> import codebook as cb
    >>> estimate_shards(sorted(Path("runs/topics/shards").glob("*.jsonl")), model="gpt-6-luna").n_requests
    12
    """
    _check_parameters(sample, out_tokens)
    drawn, counter = draw_lines(paths, sample), find_counter(model)
    counts = Counts(drawn.lines, counter, out_tokens, in_tokens)
    find = partial(find_rates, model, **prices)
    live, batch = find(batch=False), find(batch=True)
    scale_in = drawn.by_count if counts.by_mean else drawn.by_bytes
    return Estimate(
        n_requests=drawn.n_lines,
        tokens_in=round(sum(counts.tokens_in) * scale_in),
        tokens_out=round(sum(counts.tokens_out) * drawn.by_count),
        usd_live=_price(live, counts, drawn),
        usd_batch=_price(batch, counts, drawn),
        basis=(*_say_tokens(counts, drawn), f"live price: {live.basis}", f"batch price: {batch.basis}"),
        exact=counter.exact and len(drawn.lines) == drawn.n_lines and not counts.uncounted,
    )


def _check_parameters(sample: int, out_tokens: float | None) -> None:
    faults = []
    if sample < 1:
        faults.append(Fault("sample", f"{sample} lines tell nothing", "give a number of at least 1"))
    if out_tokens is not None and not 0 <= out_tokens < float("inf"):
        faults.append(Fault("out_tokens", f"{out_tokens} is no number of tokens", "give the pilot's mean, or None"))
    ParameterError.raise_any("The costs cannot be estimated like this.", faults)


def _price(rates: Rates, counts: Counts, drawn: Sample) -> float | None:
    """The price of all: each counted request by itself, its input scaled by bytes and its output by their number."""
    if not rates.bands:
        return None
    usd_in, usd_out = [], []
    scale_in = drawn.by_count if counts.by_mean else drawn.by_bytes
    for n_in, n_out in zip(counts.tokens_in, counts.tokens_out, strict=True):
        tokens_in = round(n_in)
        before = rates.price(Usage(tokens_in)).usd
        both = rates.price(Usage(tokens_in, tokens_out=round(n_out * 1_000))).usd  # a mean has parts of tokens
        if before is None or both is None:
            return None
        usd_in.append(before)
        usd_out.append((both - before) / 1_000)
    return round(fsum(usd_in) * scale_in + fsum(usd_out) * drawn.by_count, 9)


def _say_tokens(counts: Counts, drawn: Sample) -> Iterator[str]:
    """What the tokens rest on, for people."""
    rest = "" if len(drawn.lines) == drawn.n_lines else "; the rest in proportion to its bytes"
    if counts.by_mean:
        yield f"input: {counts.in_tokens:,.0f} tokens a request, the mean of earlier answers"
    else:
        yield f"input: {len(drawn.lines):,} of {drawn.n_lines:,} requests counted with {counts.counter.name}{rest}"
    if counts.n_images:
        mean = counts.image_tokens / counts.n_images
        yield f"images: {round(counts.n_images * drawn.by_count):,}, of {mean:,.0f} tokens each in the mean"
    if counts.out_tokens is None:
        yield "output: guessed from the longest labels, without reasoning; a pilot tells better"
    else:
        yield f"output: {counts.out_tokens:.1f} tokens an answer, the mean of earlier answers"
    if counts.n_pages:
        n_pages = f"{round(counts.n_pages * drawn.by_count):,} pages of PDFs"
        yield f"{n_pages}: their words are counted; no service says how many tokens the pictures of the pages take"
    if counts.uncounted and not counts.by_mean:
        kinds = ", ".join(sorted(counts.uncounted))
        yield f"not counted: {kinds}; so the price is too low, until a few were asked (`codebook preflight`)"
    if counts.shared >= CACHED_FROM:
        yield (
            f"all requests begin with the same {counts.shared:,} tokens; full price is taken for them, since a batch "
            "may read none of them from a cache"
        )


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
    places: list[tuple[int, Path, int, int]] = []  # where a line stands: lines with images are too large to hold many
    n_lines = n_bytes = 0
    for path in paths:
        for _, offset, line in number_lines(path):
            n_lines, n_bytes = n_lines + 1, n_bytes + len(line)
            if len(places) < size:
                places.append((n_lines, path, offset, len(line)))
            elif (place := int(chance.random() * n_lines)) < size:
                places[place] = (n_lines, path, offset, len(line))
    if n_lines and size < n_lines:  # a whole that is small is counted whole
        chance.shuffle(places)
        size = max(20, N_BYTES * n_lines // n_bytes)
    lines = [_read_line(path, offset, length) for _, path, offset, length in sorted(places[:size])]
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
        Kinds of parts that were left out, such as files.
    n_images, image_tokens, n_pages
        Images whose tokens are known, these tokens, and pages of PDFs, in all requests that were drawn.
    by_mean
        Whether the input tokens are the mean of a pilot.
    shared
        Tokens of the instructions where all requests begin with the same, else 0.
    """

    def __init__(
        self, lines: Iterable[bytes], counter: TokenCounter, out_tokens: float | None, in_tokens: float | None = None
    ) -> None:
        self.counter, self.out_tokens, self.in_tokens = counter, out_tokens, in_tokens
        self.tokens_in: list[float] = []
        self.tokens_out: list[float] = []
        self.uncounted: set[str] = set()
        self.n_images = self.image_tokens = self.n_pages = 0
        self._beginnings: set[str] = set()
        self._guess_form = lru_cache(maxsize=64)(lambda form: guess_answer(orjson.loads(form), counter))
        for number, line in enumerate(lines, start=1):
            self._add(load_line(line, f"line {number} of those counted"))
        self.by_mean = bool(self.uncounted) and in_tokens is not None
        if in_tokens is not None and self.by_mean:
            self.tokens_in = [in_tokens] * len(self.tokens_in)

    @property
    def shared(self) -> int:
        """Tokens of the instructions where all requests begin with the same, else 0."""
        return self.counter.count(next(iter(self._beginnings))) if len(self._beginnings) == 1 else 0

    def _add(self, line: Mapping[str, Any]) -> None:
        body, url = line.get("body"), str(line.get("url", ""))
        body = body if isinstance(body, Mapping) else {}
        images, (n_pages, n_words) = list_images(body), count_pages(body, self.counter)
        self.tokens_in.append(count_request(body, self.counter, url) + n_words)
        self.n_images, self.image_tokens = self.n_images + len(images), self.image_tokens + sum(images)
        self.n_pages += n_pages
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


def guess_answer(body: Mapping[str, Any], counter: TokenCounter) -> int:
    """Guess the output tokens of an answer: the longest labels that the JSON schema allows, as JSON.

    A list of labels is taken to hold them all, a free text to have `FREE_TEXT` tokens. The request's own cap on output
    is the most. Reasoning is not in the guess.

    Examples
    --------
    >>> from codebook.costs.tokens import find_counter
    >>> label = {"type": "object", "properties": {"label": {"enum": ["yes", "certainly not"]}}}
    >>> body = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": label}}}
    >>> guess_answer(body, find_counter("gpt-4o"))  # {"label":"certainly not"}
    7
    """
    form = find_schema(body)
    guess = counter.count(_dump(_fill(form["schema"], counter))) if form else FREE_ANSWER
    caps: list[int] = [body[name] for name in CAPS if type(body.get(name)) is int]
    return min([guess, *caps])


def _fill(schema: Any, counter: TokenCounter, depth: int = 0) -> Any:
    """A long value that a schema allows."""
    if not isinstance(schema, Mapping) or depth > 10:
        return None
    if isinstance(choices := schema.get("enum"), list) and choices:
        return max(choices, key=lambda choice: counter.count(_dump(choice)))
    if "const" in schema:
        return schema["const"]
    kinds = schema.get("type")
    kind = next((name for name in kinds if name != "null"), "null") if isinstance(kinds, list) else kinds
    if kind == "object" or "properties" in schema:
        fields = schema.get("properties")
        return {name: _fill(part, counter, depth + 1) for name, part in fields.items()} if fields else {}
    if kind == "array":
        return _fill_list(schema.get("items"), counter, depth)
    if isinstance(ways := schema.get("anyOf"), list):
        filled = [_fill(way, counter, depth + 1) for way in ways]
        return max(filled, key=lambda value: len(_dump(value)), default=None)
    return {"string": " word" * FREE_TEXT, "boolean": False}.get(str(kind), 100)


def _fill_list(items: Any, counter: TokenCounter, depth: int) -> list[Any]:
    choices = items.get("enum") if isinstance(items, Mapping) else None
    return choices if isinstance(choices, list) else [_fill(items, counter, depth + 1)] * FREE_ITEMS


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()
