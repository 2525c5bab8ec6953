"""Prices per token, as a sum that is linear between two thresholds, and where they come from."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Any

from codebook.costs.usage import Usage


@dataclass(frozen=True, slots=True)
class Price:
    """What something costs in US dollars, None where that is not known, and the `basis` of that, for people."""

    usd: float | None
    basis: str


@dataclass(frozen=True, slots=True)
class Band:
    """Prices of a request with more than `above` input tokens, in US dollars a token; `fee` is for the request itself.

    `output` is None where the model has no price for output, as embedding models.
    """

    above: int
    input: float
    cached: float
    written: float
    output: float | None = None
    reasoning: float = 0.0
    fee: float = 0.0

    def price(self, usage: Usage) -> float | None:
        """The price of one request to a millionth of a millionth, or None where it has output that has no price."""
        cached = min(usage.tokens_cached, usage.tokens_in)
        written = min(usage.tokens_written, usage.tokens_in - cached)
        total = self.fee + self.input * (usage.tokens_in - cached - written)
        total += self.cached * cached + self.written * written
        if self.output is not None:
            reasoning = min(usage.tokens_reasoning, usage.tokens_out)
            total += self.output * (usage.tokens_out - reasoning) + self.reasoning * reasoning
        elif usage.tokens_out:
            return None
        return round(total, 12)

    def scale(self, factor: float) -> Band:
        """The same prices times a factor."""
        names = ("input", "cached", "written", "reasoning", "fee")
        scaled: dict[str, Any] = {name: getattr(self, name) * factor for name in names}
        return replace(self, **scaled, output=None if self.output is None else self.output * factor)


@dataclass(frozen=True, slots=True)
class Rates:
    """Prices of one model in one way of asking, the band of the longest requests first; none where they are unknown.

    Examples
    --------
    >>> rates = Rates((Band(-1, input=1e-7, cached=1e-8, written=1e-7, output=5e-7),), "a list")
    >>> rates.price(Usage(tokens_in=1000, tokens_out=100))
    Price(usd=0.00015, basis='a list')
    """

    bands: tuple[Band, ...]
    basis: str

    def price(self, usage: Usage) -> Price:
        """Price one request. Never give it a sum of requests: above a threshold every token of a request is dearer."""
        for band in self.bands:
            if usage.tokens_in > band.above:
                usd = band.price(usage)
                return Price(usd, UNKNOWN.basis if usd is None else self.basis)
        return Price(None, self.basis)

    def discounted(self, discount: float | None) -> Rates:
        """Batch prices made of live ones, for a model without any of its own; `basis` says that they are assumed."""
        if discount is None:
            return replace(self, basis=f"{self.basis}, no batch price known: full price")
        bands = tuple(band.scale(discount) for band in self.bands)
        share = {0.5: "half", 1.0: "the full price"}.get(discount, f"{discount:.0%} of the live price")
        return Rates(bands, f"{self.basis}, batch price assumed to be {share}")


UNKNOWN = Rates((), "unknown")
_NOT_INSTALLED = Rates((), "unknown (genai-prices is not installed)")


def listed_rates(model: str, provider: str, *, batch: bool, discount: float | None) -> Rates:
    """Prices out of the price list that genai-prices brings along; `UNKNOWN` where it has none. Nothing is fetched.

    The list falls back to the live price without a word where it has no batch price, so both are compared.
    """
    if not provider or not model:
        return UNKNOWN
    return _listed(model, provider, batch, discount, int(time.time() // 900))  # some prices change at an hour


@lru_cache(maxsize=256)
def _listed(model: str, provider: str, batch: bool, discount: float | None, _quarter: int) -> Rates:
    try:
        import genai_prices
    except ImportError:
        return _NOT_INSTALLED
    basis = f"genai-prices {genai_prices.__version__}"
    try:
        live = Rates(_probe(model, provider, {}), basis)
        if not batch or not live.bands:
            return live if live.bands else UNKNOWN
        listed = _probe(model, provider, {"processing": "batch"})
    except LookupError:
        return UNKNOWN
    if [(band.input, band.output) for band in listed] == [(band.input, band.output) for band in live.bands]:
        return live.discounted(discount)
    return Rates(listed, basis)


def _probe(model: str, provider: str, context: Mapping[str, str]) -> tuple[Band, ...]:
    """The bands of a model, from the prices that the list itself computes on each side of its thresholds."""
    from genai_prices import Usage as Tokens
    from genai_prices import calc_price

    def ask(**tokens: int) -> Any:
        return calc_price(Tokens(**tokens), model_ref=model, provider_id=provider, price_context=context or None)

    prices = ask(input_tokens=0).model_price
    if prices.input_mtok is None:
        return ()
    starts = {tier.start for price in vars(prices).values() for tier in getattr(price, "tiers", ())}
    fee = ask(input_tokens=0).total_price

    def probe(above: int) -> Band:
        n = max(above + 1, 1)
        plain = ask(input_tokens=n).total_price

        def each(base: Decimal, **tokens: int) -> float:
            return float((ask(input_tokens=n, **tokens).total_price - base) / n)

        return Band(
            above,
            input=each(fee),
            cached=each(fee, cache_read_tokens=n),
            written=each(fee, cache_write_tokens=n),
            output=None if prices.output_mtok is None else each(plain, output_tokens=n),
            reasoning=each(plain, output_tokens=n, output_reasoning_tokens=n),
            fee=float(fee),
        )

    return tuple(probe(above) for above in [*sorted(starts, reverse=True), -1])
