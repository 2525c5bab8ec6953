"""What shards will cost, live and as a batch, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from math import fsum
from pathlib import Path
from typing import TYPE_CHECKING

from codebook.costs.prices import find_rates
from codebook.costs.rates import Rates
from codebook.costs.sampled_requests import Counts, Sample, draw_lines
from codebook.costs.tokens import find_counter
from codebook.costs.usage import Usage
from codebook.errors import Fault, ParameterError

if TYPE_CHECKING:
    import pandas as pd

CACHED_FROM = 1_024
"""Tokens of a common beginning from which a service may keep it in its cache."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is expected of shards; US dollars are None where the price is not known.

    `how` says line by line what the figures rest on. `exact` is whether the input tokens are those of every request,
    counted with the model's own vocabulary; output is always an estimate.
    """

    n_requests: int
    tokens_in: int
    tokens_out: int
    usd_live: float | None
    usd_batch: float | None
    how: tuple[str, ...]
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
    provider: str = "openai",
    discount: float | None = 0.5,
    out_tokens: float | None = None,
    calibration: tuple[float, float] | None = None,
    sample: int = 400,
    prices_file: str | Path | None = None,
) -> Estimate:
    """Estimate tokens and price of shards without sending anything.

    Parameters
    ----------
    paths
        Files of request lines for one model.
    model, provider, discount, prices_file
        As of `price_usage`.
    out_tokens
        Output tokens of an answer in the mean, reasoning included, from a pilot; guessed from the longest labels where
        not given.
    calibration
        Input tokens of a pilot as (counted here, billed by the service); their ratio corrects the count.
    sample
        How many lines are counted at most, drawn with a fixed seed; the rest is in proportion to its bytes.

    Raises
    ------
    ParameterError
        A number makes no sense, or the project's file of prices is faulty.
    RecordError
        A line of a shard is damaged.
    """
    _check_parameters(sample, out_tokens, calibration)
    drawn, counter = draw_lines(paths, sample), find_counter(model)
    counts = Counts(drawn.lines, counter, out_tokens)
    factor = calibration[1] / calibration[0] if calibration else 1.0
    find = partial(find_rates, model, provider=provider, discount=discount, prices_file=prices_file)
    live, batch = find(batch=False), find(batch=True)
    return Estimate(
        n_requests=drawn.n_lines,
        tokens_in=round(sum(counts.tokens_in) * factor * drawn.by_bytes),
        tokens_out=round(sum(counts.tokens_out) * drawn.by_count),
        usd_live=_price(live, counts, drawn, factor),
        usd_batch=_price(batch, counts, drawn, factor),
        how=(*_say_tokens(counts, drawn, factor), f"live price: {live.how}", f"batch price: {batch.how}"),
        exact=counter.exact and len(drawn.lines) == drawn.n_lines and factor == 1.0 and not counts.uncounted,
    )


def _check_parameters(sample: int, out_tokens: float | None, calibration: tuple[float, float] | None) -> None:
    faults = []
    if sample < 1:
        faults.append(Fault("sample", f"{sample} lines tell nothing", "give a number of at least 1"))
    if out_tokens is not None and not 0 <= out_tokens < float("inf"):
        faults.append(Fault("out_tokens", f"{out_tokens} is no number of tokens", "give the pilot's mean, or None"))
    if calibration is not None and not (min(calibration) > 0 and max(calibration) < float("inf")):
        faults.append(Fault("calibration", f"{calibration} has no ratio", "give (counted, billed), both above 0"))
    if faults:
        raise ParameterError("The costs cannot be estimated like this.", faults)


def _price(rates: Rates, counts: Counts, drawn: Sample, factor: float) -> float | None:
    """The price of all: each counted request by itself, its input scaled by bytes and its output by their number."""
    if not rates.bands:
        return None
    asked, answered = [], []
    for n_in, n_out in zip(counts.tokens_in, counts.tokens_out, strict=True):
        tokens_in = round(n_in * factor)
        before = rates.price(Usage(tokens_in)).usd
        both = rates.price(Usage(tokens_in, tokens_out=round(n_out * 1_000))).usd  # a mean has parts of tokens
        if before is None or both is None:
            return None
        asked.append(before)
        answered.append((both - before) / 1_000)
    return round(fsum(asked) * drawn.by_bytes + fsum(answered) * drawn.by_count, 9)


def _say_tokens(counts: Counts, drawn: Sample, factor: float) -> Iterator[str]:
    """What the tokens rest on, for people."""
    rest = "" if len(drawn.lines) == drawn.n_lines else "; the rest in proportion to its bytes"
    yield f"input: {len(drawn.lines):,} of {drawn.n_lines:,} requests counted with {counts.counter.name}{rest}"
    if factor != 1.0:
        yield f"input times {factor:.3f}, as a pilot was billed"
    if counts.out_tokens is None:
        yield "output: guessed from the longest labels, without reasoning; a pilot tells better"
    else:
        yield f"output: {counts.out_tokens:.1f} tokens an answer, the mean of earlier answers"
    if counts.uncounted:
        yield f"not counted: {', '.join(sorted(counts.uncounted))}; so the price is too low, unless a pilot corrects it"
    if counts.shared >= CACHED_FROM:
        yield (
            f"all requests begin with the same {counts.shared:,} tokens; full price is taken for them, since a batch "
            "may read none of them from a cache"
        )
