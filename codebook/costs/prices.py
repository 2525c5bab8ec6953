"""What a request costs: the project's own prices first, then the list that comes with the kit, else unknown.

A price is a sum over tokens that is linear between two thresholds (`Rates`), and says where it comes from.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, TypedDict

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from codebook.costs.usage import Usage
from codebook.errors import Fault, ParameterError
from codebook.files.misfits import say_misfit
from codebook.files.yaml_text import YamlTree, read_yaml
from codebook.ground.quantities import say_percent
from codebook.paths import missing_file, project_folder, resolve_path


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
        share = {0.5: "half", 1.0: "the full price"}.get(discount, f"{say_percent(discount)} of the live price")
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


def assumed_rates(model: str, *, batch: bool, discount: float | None) -> Rates:
    """Prices as the first provider lists them that has a model of this name, for a service of which nothing is known.

    Examples
    --------
    >>> assumed_rates("vendor/gpt-6-luna", batch=False, discount=None).basis.partition(", ")[2]
    'as openai lists it: this service may ask another price'
    """
    name = model.rpartition("/")[2]
    try:
        from genai_prices import Usage as Tokens
        from genai_prices import calc_price

        maker = calc_price(Tokens(input_tokens=0), model_ref=name).provider.id
    except (ImportError, LookupError):
        return UNKNOWN
    rates = listed_rates(name, maker, batch=batch, discount=discount)
    return replace(rates, basis=f"{rates.basis}, as {maker} lists it: this service may ask another price")


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


FILE = "prices.yaml"
Usd = Annotated[float, Field(ge=0, allow_inf_nan=False)]
_USD_MEND = "write US dollars per 1 million tokens as a plain number, such as 0.10"
_MENDS = {
    "as_of": "write the date the prices were read, such as `as_of: 2026-11-01`",
    "models": "list each model under `models:` with its prices, such as `gpt-6-luna: {input: 0.10, output: 0.50}`",
    "source": "write where the prices were read, as text",
}


class PriceSource(TypedDict, total=False):
    """Whose prices they are; what each means stands at `find_rates`."""

    provider: str
    discount: float | None
    prices_file: str | Path | None
    assume: bool


def find_rates(
    model: str,
    *,
    batch: bool,
    provider: str = "openai",
    discount: float | None = 0.5,
    prices_file: str | Path | None = None,
    assume: bool = False,
) -> Rates:
    """Find the prices of a model once; price each request with `Rates.price`, never a sum: long ones are dearer.

    Parameters
    ----------
    model
        Name of the model, with or without its date.
    batch
        Whether it is asked in a batch.
    provider
        Name in the price list (`Provider.prices`); empty where the provider has no listed prices.
    discount
        Batch price as a share of the live price, used only where no batch price is listed, and then said in `basis`;
        None takes the full price.
    prices_file
        The project's own prices; `prices.yaml` of the project where not given, if it is there.
    assume
        Where the provider has no listed prices, take those of another one that has the model; `basis` says so.

    Raises
    ------
    ParameterError
        The file of prices is faulty.

    Examples
    --------
    >>> find_rates("gpt-6-luna", batch=True).price(Usage(tokens_in=1_000_000 // 4, tokens_out=1000)).usd
    0.01275
    >>> find_rates("no-such-model", batch=True).price(Usage(tokens_in=10))  # None, never 0
    Price(usd=None, basis='unknown')
    """
    if prices_file is not None:
        path = resolve_path(prices_file)
        project_rates = read_prices(path).rates(model, path.name, batch=batch, discount=discount)
    else:
        project_rates = _own_rates(model, batch, discount)
    if assume and not provider and not project_rates:
        return assumed_rates(model, batch=batch, discount=discount)
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
    """Prices of one model, US dollars per 1 million tokens.

    Attributes
    ----------
    input, output
        Of tokens that are sent and answered.
    cached, written
        Of tokens read from the service's cache and written to it; as `input` where nothing is said.
    batch_input, batch_output
        Of a batch; where nothing is said, the others less the discount of the service.
    """

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
    """A file of prices: when they were read, where, and what they are.

    Attributes
    ----------
    as_of
        The day on which they were read.
    source
        Where, such as the page of the service.
    models
        The beginning of a model's name, with its prices.
    """

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
    r"""Read and check a file of prices.

    Raises
    ------
    ParameterError
        The file is missing or faulty; every fault is listed with its line and the mend.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = Path("prices.yaml").write_text("as_of: 2026-11-01\nmodels:\n  our-model: {input: 1.0, output: 2.0}\n")
    >>> list(read_prices(Path("prices.yaml")).models)
    ['our-model']
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
    faults = [fault for _, fault in tree.repeated_keys()]  # texts only: a model named 4 or `no` keeps its name
    try:
        prices = PriceFile.model_validate(tree.value)
    except ValidationError as error:
        faults += [_explain(fault, tree) for fault in error.errors()]
    ParameterError.raise_any("The file of prices is faulty.", faults)
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
    problem = f"{named}: {say_misfit(error)[0]}"
    if error["type"] == "missing":
        problem = f"`{named}` is missing"
    elif error["type"] == "value_error":
        mend = "list both, or neither and let the provider's discount count"
    return Fault(where, problem, mend)
