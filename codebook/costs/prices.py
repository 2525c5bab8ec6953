"""What a request costs: the project's own prices first, then the list that comes with the kit, else unknown."""

from __future__ import annotations

import os
import time
from functools import lru_cache
from pathlib import Path

from codebook.costs.pricefile import FILE, parse_file, read_prices
from codebook.costs.rates import Price, Rates, listed_rates
from codebook.costs.usage import Usage
from codebook.paths import project_folder, resolve_path


def price_usage(
    model: str,
    usage: Usage,
    *,
    batch: bool,
    provider: str = "openai",
    discount: float | None = 0.5,
    prices_file: str | Path | None = None,
) -> Price:
    """Price one request; call it for each, never for a sum, since long requests are dearer.

    Parameters
    ----------
    model
        Name of the model, with or without its date.
    batch
        Whether it was asked in a batch.
    provider
        Name in the price list (`Provider.prices`); empty where the provider has no listed prices.
    discount
        Batch price as a share of the live price, used only where no batch price is listed, and then said in `how`;
        None takes the full price.
    prices_file
        The project's own prices; `prices.yaml` of the project where not given, if it is there.

    Returns
    -------
    Price
        `usd` is None, never 0, where the price is not known.

    Raises
    ------
    ParameterError
        The file of prices is faulty.

    Examples
    --------
    >>> price_usage("gpt-6-luna", Usage(tokens_in=1_000_000 // 4, tokens_out=1000), batch=True).usd
    0.01275
    >>> price_usage("no-such-model", Usage(tokens_in=10), batch=True)
    Price(usd=None, how='unknown')
    """
    rates = find_rates(model, batch=batch, provider=provider, discount=discount, prices_file=prices_file)
    return rates.price(usage)


def find_rates(
    model: str,
    *,
    batch: bool,
    provider: str = "openai",
    discount: float | None = 0.5,
    prices_file: str | Path | None = None,
) -> Rates:
    """Find the prices of a model once, to price many requests with `Rates.price`. Parameters as of `price_usage`."""
    if prices_file is not None:
        path = resolve_path(prices_file)
        own = read_prices(path).rates(model, path.name, batch=batch, discount=discount)
    else:
        own = _own_rates(model, batch, discount)
    return own or listed_rates(model, provider, batch=batch, discount=discount)


def _own_rates(model: str, batch: bool, discount: float | None) -> Rates | None:
    """Prices out of the project's `prices.yaml`; None where there is no file or no entry."""
    path = _usual_file(os.environ.get("CODEBOOK_PROJECT"), os.getcwd(), int(time.monotonic()))  # noqa: PTH109
    if not os.access(path, os.F_OK):  # three times as quick as a stat that fails
        return None
    about = os.stat(path)  # noqa: PTH116
    return _parsed_rates(path, about.st_mtime_ns, about.st_size, model, batch, discount)


@lru_cache(maxsize=256)
def _parsed_rates(
    path: str, changed_ns: int, n_bytes: int, model: str, batch: bool, discount: float | None
) -> Rates | None:
    return parse_file(Path(path), changed_ns, n_bytes).rates(model, FILE, batch=batch, discount=discount)


@lru_cache(maxsize=8)
def _usual_file(_named: str | None, _cwd: str, _second: int) -> str:
    """Where the project's `prices.yaml` would be: looked for once a second, since it is asked for every request."""
    return str(project_folder() / FILE)
