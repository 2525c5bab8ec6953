"""What a request costs: the project's own prices first, then the list that comes with the kit, else unknown."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, TypedDict

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from codebook.costs.rates import Band, Price, Rates, listed_rates
from codebook.costs.usage import Usage
from codebook.errors import Fault, ParameterError
from codebook.files.yaml_text import YamlTree, read_yaml
from codebook.paths import missing_file, project_folder, resolve_path

FILE = "prices.yaml"
Usd = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_USD_MEND = "write US dollars per 1 million tokens as a plain number, such as 0.10"
_MENDS = {
    "as_of": "write the date the prices were read, such as `as_of: 2026-11-01`",
    "models": "list each model under `models:` with its prices, such as `gpt-6-luna: {input: 0.10, output: 0.50}`",
    "source": "write where the prices were read, as text",
}


class PriceSource(TypedDict, total=False):
    """Whose prices they are; what each means stands at `price_usage`."""

    provider: str
    discount: float | None
    prices_file: str | Path | None


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
        Batch price as a share of the live price, used only where no batch price is listed, and then said in `basis`;
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
    Price(usd=None, basis='unknown')
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
        project_rates = read_prices(path).rates(model, path.name, batch=batch, discount=discount)
    else:
        project_rates = _own_rates(model, batch, discount)
    return project_rates or listed_rates(model, provider, batch=batch, discount=discount)


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


class ModelPrices(BaseModel):
    """Prices of one model, US dollars per 1 million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: Usd
    cached: Usd | None = None
    written: Usd | None = None
    output: Usd | None = None
    batch_input: Usd | None = None
    batch_output: Usd | None = None

    @model_validator(mode="after")
    def _batch_is_whole(self) -> ModelPrices:
        if self.output is None and self.batch_output is not None:
            raise ValueError("batch_output stands without output")
        if self.output is not None and (self.batch_input is None) != (self.batch_output is None):
            raise ValueError("batch_input and batch_output stand together or not at all")
        return self

    def band(self, *, batch: bool) -> Band:
        """The prices as they are applied; `batch` takes the listed batch prices."""
        named = self.model_dump()
        first, output, share = named["input"], named["output"], 1.0
        cached, written = (first if named[name] is None else named[name] for name in ("cached", "written"))
        if batch and self.batch_input is not None:
            share = self.batch_input / first if first else share
            first, output = self.batch_input, self.batch_output
        return Band(-1, first, cached * share, written * share, output, output or 0.0).scale(1e-6)


class PriceFile(BaseModel):
    """A file of prices: when they were read, where, and what they are."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    as_of: date
    source: str = ""
    models: dict[str, ModelPrices]

    def rates(self, model: str, name: str, *, batch: bool, discount: float | None) -> Rates | None:
        """Prices of a model, or None where no entry begins its name; `name` is the file's."""
        fitting = [start for start in self.models if model.startswith(start)]
        if not fitting:
            return None
        entry, basis = self.models[max(fitting, key=len)], f"{name} of {self.as_of.isoformat()}"
        rates = Rates((entry.band(batch=batch),), basis)
        free = not (entry.input or entry.output)
        return rates.discounted(discount) if batch and entry.batch_input is None and not free else rates


def read_prices(path: Path) -> PriceFile:
    """Read and check a file of prices.

    Raises
    ------
    ParameterError
        The file is missing or faulty; every fault is listed with its line and the mend.
    """
    try:
        about = path.stat()
    except FileNotFoundError:
        raise ParameterError("The prices cannot be read.", [missing_file(path)]) from None
    return parse_file(path, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=16)
def parse_file(path: Path, _changed_ns: int, _n_bytes: int) -> PriceFile:
    """Read a file of prices once for each of its versions."""
    tree = read_yaml(path, error=ParameterError, summary="The file of prices cannot be read.")
    faults = [  # texts only: a model named 4 or `no` keeps its name
        Fault(f"{tree.where}, line {line}", f"`{loc[-1]}` stands here twice", "keep one of them")
        for loc, line in tree.repeated_keys()
    ]
    try:
        prices = PriceFile.model_validate(tree.value)
    except ValidationError as error:
        faults += [_explain(fault, tree) for fault in error.errors()]
    if faults:
        raise ParameterError("The file of prices is faulty.", faults)
    return prices


def _explain(error: Mapping[str, Any], tree: YamlTree) -> Fault:
    """One fault found by pydantic, with its line and the mend."""
    loc = [str(part) for part in error["loc"]]
    named = ".".join(loc) or "the file"
    fields = PriceFile.model_fields if len(loc) < 2 else ModelPrices.model_fields
    where = tree.place(tuple(loc))
    if error["type"] == "extra_forbidden":
        return Fault(where, f"`{named}` is not a field", f"the fields are {', '.join(fields)}")
    mend = _MENDS.get(loc[0] if len(loc) == 1 else "", _USD_MEND) if loc else _MENDS["models"]
    problem = f"{named}: {error['msg'].removeprefix('Value error, ')}"
    if error["type"] == "missing":
        problem = f"`{named}` is missing"
    elif error["type"] == "value_error":
        mend = "list both, or neither and let the provider's discount count"
    return Fault(where, problem, mend)
