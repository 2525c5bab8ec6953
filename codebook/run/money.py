"""The money of a run: what an answer cost, and what a shard will cost before it is sent."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codebook.engines.service import Provider, find_provider
from codebook.ledger import Ledger

if TYPE_CHECKING:
    import pandas as pd

    from codebook.costs import Estimate, Rates

PAID = ("openai_batch", "openai_live")
"""Engines that call a service, which may charge for it."""


class Meter:
    """Knows the prices of one run: its model, its provider, and whether it is a batch.

    Parameters
    ----------
    asked
        What `run.json` says was asked: engine, model and options.
    """

    def __init__(self, asked: Mapping[str, Any]) -> None:
        self.engine, self.model = asked["engine"], asked["model"]
        self.options: Mapping[str, Any] = asked.get("options", {})
        self.batch = self.engine == "openai_batch"
        self._rates: dict[str, Rates] = {}

    @property
    def charges(self) -> bool:
        """Whether somebody may send a bill."""
        return self.engine in PAID

    @cached_property
    def provider(self) -> Provider:
        """Who would send it."""
        return find_provider(self.options.get("provider", "openai"), self.options.get("base_url", ""))

    def price_line(self, line: Mapping[str, Any]) -> float | None:
        """Return what a result line cost, in USD, or None where nobody charges or the price is unknown.

        A request that failed is not charged, unless it reports tokens all the same.
        """
        response = line.get("response")
        body = response.get("body") if isinstance(response, Mapping) else None
        if self.charges and not (isinstance(body, Mapping) and body.get("usage")):
            return 0.0
        return self.price(body) if isinstance(body, Mapping) else None

    def price(self, body: Mapping[str, Any]) -> float | None:
        """Return what an answer cost, in USD, by the tokens it reports; None where that is unknown."""
        if not self.charges:
            return None
        from codebook.costs import read_usage

        model = str(body.get("model") or self.model)
        if model not in self._rates:
            self._rates[model] = self._find_rates(model)
        return self._rates[model].price(read_usage(body)).usd

    def _find_rates(self, model: str) -> Rates:
        from codebook.costs import find_rates

        known = self.provider
        return find_rates(model, batch=self.batch, provider=known.prices, discount=known.discount)

    def estimate(self, ledger: Ledger, run_id: str, shards: list[Path]) -> Estimate:
        """Return what shards of a run will cost, live and as a batch, by what this model's answers took so far."""
        from codebook.costs import estimate_shards

        known = self.provider
        n_answers, _, tokens_out = ledger.used_by_model(self.model, run_id)
        return estimate_shards(
            shards,
            model=self.model,
            provider=known.prices,
            discount=known.discount,
            out_tokens=tokens_out / n_answers if n_answers else None,
        )

    def reserve(self, ledger: Ledger, run_id: str, shard: Path) -> float | None:
        """Return what a shard will cost, or refuse to send it where that would cross the run's cap.

        Raises
        ------
        BudgetError
            The cap would be crossed, or the price is unknown.
        """
        if not self.charges:
            return None
        from codebook.costs import check_cap

        estimate = self.estimate(ledger, run_id, [shard])
        wanted = estimate.usd_batch if self.batch else estimate.usd_live
        money = ledger.money(run_id)
        if money.cap is not None:
            check_cap(money.cap, money.spent, money.reserved, wanted)
        return wanted


def cost_frame(meter: Meter, ledger: Ledger, run_id: str, shards: list[Path]) -> pd.DataFrame:
    """Return a run's costs: what `shards` will take, live beside batch, then what is reserved and what was paid.

    Returns
    -------
    DataFrame
        Columns `what`, `requests`, `tokens in`, `tokens out`, `USD`, `USD per 1,000`; how the estimate came about is in
        `attrs["notes"]`.
    """
    import pandas as pd

    totals, money = ledger.totals(run_id), ledger.money(run_id)
    paid = {"what": "paid", "requests": totals["answers"], "USD": 0.0}
    paid |= {"tokens in": totals["tokens_in"], "tokens out": totals["tokens_out"]}
    if not meter.charges:
        return pd.DataFrame([paid | {"what": f"{meter.engine}: nobody charges"}])
    paid["USD"] = money.spent if money.n_unpriced < totals["answers"] or not totals["answers"] else None
    frames, notes = list[pd.DataFrame](), list[str]()
    if shards:
        estimate = meter.estimate(ledger, run_id, shards)
        frames.append(estimate.to_frame().rename(columns={"way": "what"}).replace({"what": _SHOWN}))
        notes += estimate.how
        frames.append(pd.DataFrame([{"what": "reserved for jobs under way", "USD": money.reserved}]))
    if money.cap is not None:
        notes.append(f"the run may cost ${money.cap:.2f} in all")
    table = pd.concat([*frames, pd.DataFrame([paid])], ignore_index=True)
    table[_WHOLE] = table[_WHOLE].astype("Int64")
    table.attrs["notes"] = notes
    return table


_SHOWN = {"live": "to come, live", "batch": "to come, as a batch"}
_WHOLE = ["requests", "tokens in", "tokens out"]
