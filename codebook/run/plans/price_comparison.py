"""Prices of several models side by side, for the same questions, before anything is sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Unpack

from codebook.engines import LIVE
from codebook.errors import Fault, ParameterError
from codebook.records import Unit
from codebook.run.money import Costs, Meter
from codebook.run.plans.asking import AskingFields, make_asking
from codebook.run.plans.planning import rehearse_plan
from codebook.scheme import Codebook
from codebook.units import Source

_PRICES = ["USD live", "USD batch"]


@dataclass(frozen=True, repr=False)
class PriceComparison(Costs):
    """A row for each model; a price that is not known reads so."""

    _unknown: ClassVar[str] = "unknown"


def compare_prices(
    codebook: Codebook | str | Path,
    units: Source | Iterable[Unit],
    models: Sequence[str],
    *,
    limit: int = 0,
    **asking: Unpack[AskingFields],
) -> PriceComparison:
    """Size and price what each of several models would be asked; nothing is kept, and no service is asked.

    Parameters
    ----------
    codebook, units, limit, asking
        Those of `plan`; of an engine that nobody charges for, the live one is taken.
    models
        Names of models.

    Returns
    -------
    PriceComparison
        `frame`: model, requests (without those that the project has had answered), tokens in, tokens out, USD live,
        USD batch, saved, USD per 1,000 (as a batch, or live where there is none).

    Raises
    ------
    ParameterError
        No model is named, or as of `plan`.

    Examples
    --------
    >>> import codebook as cb
    >>> units = cb.open_study().open_units()
    >>> prices = compare_prices("codebook.yaml", units, ["gpt-6-luna"])
    >>> prices.frame["model"].tolist()
    ['gpt-6-luna']
    """
    import pandas as pd

    if not models:
        raise ParameterError("There is nothing to compare.", [Fault("models", "none is named", "name two or more")])
    fields: dict[str, Any] = {**asking}
    if not Meter(make_asking(fields)).charges:
        fields["engine"] = LIVE
    source = units if isinstance(units, Source) else list(units)
    rows, notes = list[dict[str, Any]](), dict[str, None]()
    for model in dict.fromkeys(models):
        dry = rehearse_plan(codebook, source, limit=limit, **{**fields, "model": model})
        rows.append(_sum_up(model, dry.frame))
        notes |= dict.fromkeys(note if note in dry.leaves else f"{model}: {note}" for note in dry.notes)
    frame = pd.DataFrame(rows)
    counts = ["requests", "tokens in", "tokens out"]
    return PriceComparison(frame.astype(dict.fromkeys(counts, "Int64")), tuple(notes))


def _sum_up(model: str, shards: Any) -> dict[str, Any]:
    """One row: the sums over all shards, of which what is not known of one is not known."""
    sums = shards[["requests", "tokens in", "tokens out", *_PRICES]].astype(float).sum(skipna=False)
    live, batch = (sums[name] for name in _PRICES)
    per_1000 = (live if batch != batch else batch) / sums["requests"] * 1_000 if sums["requests"] else None
    return {"model": model, **sums, "saved": live - batch, "USD per 1,000": per_1000}
