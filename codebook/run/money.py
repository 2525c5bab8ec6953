"""The money of a run: what an answer cost, and what a shard will cost before it is sent."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from codebook.dialects.replies import open_line
from codebook.engines import LIVE, About, about_engine
from codebook.engines.service import Provider, find_provider, say_destination
from codebook.errors import ParameterError
from codebook.ground.plugins import load_plugin
from codebook.ground.quantities import UNKNOWN, say_count, show_usd
from codebook.ledger import Ledger
from codebook.material.unit_store import page_numbers
from codebook.outputs import frames_html
from codebook.outputs.cell_numbers import column_texts
from codebook.records import Asking, Unit

if TYPE_CHECKING:
    import pandas as pd

    from codebook.costs import Estimate, Rates

_UNHEARD = ("timeout", "connection_error")
"""Errors of calls that may have been answered, and paid, without anybody hearing the answer."""
_SNAPSHOT = re.compile(r"[-@:.]?(?:\d{4}-?\d\d-?\d\d|\d{3,8}|v\d+(?:[.:]\d+)*)[\w.:@-]*")
"""How the name of a model goes on where a date or a version is put behind it."""


class Meter:
    """Knows the prices of one run: its model, its provider, and whether it is a batch.

    Parameters
    ----------
    asking
        Engine, model and options.
    """

    def __init__(self, asking: Asking) -> None:
        self.engine, self.model, self.options = asking.engine, asking.model, asking.options
        self.about = about_engine(self.engine) or About()
        self._rates: dict[tuple[str, bool], Rates] = {}

    @property
    def charges(self) -> bool:
        """Whether somebody may send a bill."""
        return self.about.charges

    @property
    def batch(self) -> bool:
        """Whether prices are those of a batch."""
        return self.about.batch

    @cached_property
    def provider(self) -> Provider:
        """Who would send it."""
        return find_provider(self.options.get("provider", "openai"), self.options.get("base_url", ""))

    @property
    def destination(self) -> str:
        """Where texts and key go, in words; empty where everything stays on this machine."""
        passed_on = load_plugin(self.engine, self.about.goes)(self.options) if self.about.goes else ""
        if not self.charges:
            return str(passed_on)
        try:
            return "; ".join(filter(None, [say_destination(self.provider), passed_on]))
        except ParameterError as error:  # told where it counts: a finished run can still be looked at
            return f"where texts would go cannot be told: {error.faults[0] if error.faults else error}"

    def price_line(self, line: Mapping[str, Any], *, live: bool = False) -> float | None:
        """Return what a result line cost, or would have cost live, in USD; None where nobody charges or it is unknown.

        A request that failed is not charged, unless it reports tokens all the same; what a reply cost that does not
        tell its tokens, and what a call cost whose reply never came, is unknown.
        """
        if not self.charges:
            return None
        response, body, status = open_line(line)
        error = line.get("error")
        if status == 200 or body.get("usage") or not (response or error):
            return self.price(body, live=live)
        lost = error.get("code") in _UNHEARD if isinstance(error, Mapping) else False
        return None if lost else 0.0

    def price(self, body: Mapping[str, Any], *, live: bool = False) -> float | None:
        """Return what an answer cost, or would have cost live, in USD, by the tokens it reports; None if unknown."""
        if not self.charges:
            return None
        from codebook.costs import read_usage

        if (usage := read_usage(body)) is None:
            return None
        return self.find_rates(str(body.get("model") or self.model), self.batch and not live).price(usage).usd

    def find_rates(self, model: str, batch: bool) -> Rates:
        """Prices of a model; a snapshot without any has those of the model that was asked for."""
        if (model, batch) not in self._rates:
            self._rates[model, batch] = self._find_rates(model, batch)
        return self._rates[model, batch]

    def _find_rates(self, model: str, batch: bool) -> Rates:
        from codebook.costs import find_rates

        known = self.provider
        find = partial(find_rates, batch=batch, provider=known.prices, discount=known.discount)
        rates = find(model)
        return find(self.model) if not rates.bands and is_snapshot(model, self.model) else rates

    def estimate(
        self, ledger: Ledger, variables: Collection[str], shards: list[Path], *, assume: bool = True
    ) -> Estimate:
        """Return what shards about variables will cost, live and as a batch, by what answers of the model took.

        With `assume`, a service that asks for a key and whose prices are not known is taken to ask what others do.
        """
        from codebook.costs import estimate_shards

        known = self.provider
        n_answers, tokens_in, tokens_out = ledger.used_by_model(self.model, variables)
        return estimate_shards(
            shards,
            model=self.model,
            provider=known.prices,
            discount=known.discount,
            assume=assume and bool(known.key),
            out_tokens=tokens_out / n_answers if n_answers else None,
            in_tokens=tokens_in / n_answers if n_answers else None,
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

        estimate = self.estimate(ledger, ledger.variables(run_id), [shard], assume=False)  # a cap is no guess
        wanted = estimate.usd_batch if self.batch else estimate.usd_live
        money = ledger.money(run_id)
        if money.cap is not None:
            check_cap(money.cap, money.spent + ledger.spent_before(run_id), money.reserved, wanted)
        return wanted


def is_snapshot(answered: str, alias: str) -> bool:
    """Whether a model that answered is a dated form of the one that was asked for.

    Examples
    --------
    >>> is_snapshot("gpt-x-2026-01-01", "gpt-x"), is_snapshot("gpt-x-2026-01-01", "openai/gpt-x-latest")
    (True, True)
    >>> is_snapshot("gpt-x-mini-2026-01-01", "gpt-x"), is_snapshot("gpt-y", "gpt-x")
    (False, False)
    """
    name = alias.rpartition("/")[2].removesuffix("-latest")
    rest = answered.rpartition("/")[2].removeprefix(name)
    return bool(name) and answered.rpartition("/")[2].startswith(name) and _SNAPSHOT.fullmatch(rest) is not None


def is_free(engine: str) -> bool:
    """Whether it is certain that nobody charges for the answers of an engine."""
    about = about_engine(engine)
    return about is not None and not about.charges


def say_where(options: Mapping[str, Any], engine: str = LIVE) -> str:
    """Say where texts and key go with these options of an engine; empty where everything stays on this machine.

    Examples
    --------
    >>> say_where({}, "embedded"), say_where({"provider": "openai"}, "openai_batch")
    ('', 'texts and the key OPENAI_API_KEY go to https://api.openai.com')
    """
    return Meter(Asking(engine=engine, options=options)).destination


@dataclass(frozen=True, repr=False)
class Costs:
    """Sizes and prices as a frame, and in `notes` what they rest on. It shows itself; a price not known is missing."""

    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    _unknown: ClassVar[str] = ""

    @property
    def lines(self) -> list[str]:
        """What stands below the frame."""
        return list(self.notes)

    def __repr__(self) -> str:
        rows = self._rows().to_string(index=False)
        return "\n".join([rows, *(f"  {line}" for line in self.lines)])

    def _repr_html_(self) -> str:
        return frames_html(self._rows(), *self.lines)

    def _rows(self) -> pd.DataFrame:
        """The frame as it is printed: sums of money with the digits that they need, a dash for what is not there."""
        import pandas as pd

        missing = self._unknown or UNKNOWN
        columns = [[text or missing for text in column_texts(name, list(self.frame[name]))] for name in self.frame]
        return pd.DataFrame(dict(zip(self.frame, columns, strict=True)))


def count_costs(meter: Meter, ledger: Ledger, run_id: str, shards: Mapping[Path, int]) -> Costs:
    """Return a run's costs: what `shards` will take, live beside batch, then what is reserved and what was paid.

    The columns are `what`, `requests`, `tokens in`, `tokens out`, `USD`, `USD per 1,000`.

    Parameters
    ----------
    shards
        Those whose answers are not there, each with its requests.
    """
    import pandas as pd

    from codebook.costs import say_saving

    money, rows = ledger.money(run_id), _count_answers(ledger, run_id)
    if not meter.charges:
        to_come = [{"what": "to come", "requests": sum(shards.values()), "USD": 0.0}] * bool(shards)
        free = pd.DataFrame([*to_come, rows[0] | {"what": "answered", "USD": 0.0}, *rows[1:]])
        free[_WHOLE] = free[_WHOLE].astype("Int64")
        return Costs(free, (f"{meter.engine} costs nothing",))
    rows[0] |= {"USD": money.known}
    frames, notes = list[pd.DataFrame](), list[str]()
    if shards:
        estimate = meter.estimate(ledger, ledger.variables(run_id), list(shards))
        frames.append(estimate.to_frame().rename(columns={"way": "what"}).replace({"what": _SHOWN}))
        notes += filter(None, [*estimate.basis, say_saving(estimate.usd_live, estimate.usd_batch)])
        frames.append(pd.DataFrame([{"what": "reserved for jobs under way", "USD": money.reserved}]))
    if money.cap is not None:
        notes.append(f"the run may cost at most {show_usd(money.cap)} in all")
    unknown = [{"what": "paid, of unknown price", "requests": money.n_unpriced, "USD": None}] * bool(money.n_unpriced)
    table = pd.concat([*frames, pd.DataFrame([*rows[:1], *unknown, *rows[1:]])], ignore_index=True)
    table[_WHOLE] = table[_WHOLE].astype("Int64")
    return Costs(table, tuple(notes))


def say_file_costs(units: Iterable[Unit], paid: Mapping[str, float]) -> Iterator[str]:
    """Say what an image, a document and a page of it cost, over the units that were paid for (unit_id -> USD)."""
    with_files = [unit for unit in units if unit.files and paid.get(unit.unit_id)]
    images = [unit for unit in with_files if unit.files[0].kind == "image"]
    documents = [unit for unit in with_files if unit.files[0].kind != "image"]
    if n_images := sum(len(unit.files) for unit in images):
        usd = sum(paid[unit.unit_id] for unit in images)
        yield f"paid for {say_count(n_images, 'image')}: {show_usd(usd / n_images)} an image"
    if n_documents := len({file.path for unit in documents for file in unit.files}):
        usd, ranges = sum(paid[unit.unit_id] for unit in documents), [page_numbers(unit) for unit in documents]
        n_pages = sum(len(numbers) for numbers in ranges if numbers) if all(ranges) else 0
        pages = f" of {n_pages:,} pages" if n_pages else ""
        each = f"{show_usd(usd / n_documents)} a document" + (f", {show_usd(usd / n_pages)} a page" if n_pages else "")
        yield f"paid for {say_count(n_documents, 'document')}{pages}: {each}"


def _count_answers(ledger: Ledger, run_id: str) -> list[dict[str, Any]]:
    """Answers and tokens of a run's own, then those that other runs asked for, if there are any."""
    totals, borrowed = ledger.totals(run_id), ledger.count_borrowed(run_id)
    reported = totals["tokens_in"] or not totals["answers_without_tokens"]
    every = (totals["answers"], totals["tokens_in"], totals["tokens_out"])
    names = ("requests", "tokens in", "tokens out")
    parts = {"paid": [n_all - n for n_all, n in zip(every, borrowed, strict=True)], "asked by other runs": [*borrowed]}
    rows = [{"what": what, **dict(zip(names, counts, strict=True))} for what, counts in parts.items()]
    if not reported:
        rows = [row | {"tokens in": None, "tokens out": None} for row in rows]
    return rows if borrowed[0] else rows[:1]


_SHOWN = {"live": "to come, live", "batch": "to come, as a batch"}
_WHOLE = ["requests", "tokens in", "tokens out"]
