"""Who is to be asked, and how, looked at as a whole before anything is paid: every fault at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from codebook.engines import Engine, about_engine
from codebook.engines.service import check_host
from codebook.errors import CodebookError, Fault, list_faults
from codebook.ground.keys import find_key
from codebook.ground.quantities import say_count
from codebook.records import Asking
from codebook.run.folder import RunFolder
from codebook.run.money import Meter
from codebook.run.plans.asking import make_asking, read_options
from codebook.run.plans.checking import check_requests, find_lacks, look_at_languages, refuse_guess
from codebook.scheme import Codebook
from codebook.tasks import find_task
from codebook.units import Source

T = TypeVar("T")

FEW_REQUESTS = 100
"""A batch of fewer requests saves cents and may take a day."""


@dataclass
class FaultList:
    """Faults that were found one after the other, and warnings, of which none keeps anybody from going on."""

    faults: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)

    def catch(self, where: str, verb: Callable[[], T]) -> T | None:
        """Return what a verb gives; what it raises in words is noted, with the place where it says none."""
        try:
            return verb()
        except CodebookError as error:
            self.faults += list_faults(error, where)
        return None

    def catch_new(self, where: str, verb: Callable[[], object]) -> None:
        """Do the same, without the faults that are noted already, maybe with another place."""
        known, other = {fault.problem for fault in self.faults}, FaultList()
        other.catch(where, verb)
        self.faults += [fault for fault in other.faults if fault.problem not in known]


@dataclass(frozen=True)
class AskingCheck:
    """Who would be asked and what the texts are in, in words, with every fault and warning."""

    destination: str
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    languages: str = ""


def check_asking(
    book: Codebook | None, fields: Mapping[str, Any], units: Source | None = None, n_units: int = 0
) -> AskingCheck:
    """Look at engine, model, settings, options, key and service, as far as can be seen without sending anything.

    Parameters
    ----------
    book
        The instrument; None where it is faulty, so that what depends on it is left out.
    fields
        What `plan` takes of who is asked.
    units, n_units
        What would be sent, and how many units; None and 0 where that is not known.
    """
    noted = FaultList()
    as_written = noted.catch("engine", lambda: make_asking(fields))
    rest = {**fields, "options": _leave_out_address(fields)}  # without its address the rest can still be seen
    asking = as_written or noted.catch("engine", lambda: make_asking(rest))
    if asking is None:
        return AskingCheck("", tuple(dict.fromkeys(noted.faults)), ())
    meter = Meter(asking)
    if meter.charges:
        noted.catch("base_url", lambda: check_host(meter.provider))
        if key := meter.provider.key:
            noted.catch("key", lambda: find_key(key))
    engine, languages = noted.catch("engine", lambda: _make_engine(asking)), ""
    if engine is not None:
        noted.catch_new("engine", engine.check_ready)
    if units is not None:
        noted.catch("units", lambda: refuse_guess(units, asking))
    if book is not None:
        noted.faults += find_task(book).check_settings(asking.settings, asking.url)
        noted.warnings += noted.catch("settings", lambda: check_requests(book, asking)) or []
        if meter.batch and 0 < (n := n_units * len(book.variables) * asking.draws) < FEW_REQUESTS:
            noted.warnings.append(_say_few(n, meter.about.at_once))
        if engine is not None and units is not None:
            lacks = noted.catch("units", lambda: find_lacks(book, asking, engine, units)) or []
            (noted.faults if len(lacks) == len(book.variables) else noted.warnings).extend(lacks)
            looked = noted.catch("units", lambda: look_at_languages(book, engine, units, n_units))
            languages, unknown = looked or ("", [])
            noted.warnings += unknown
    if asking.draws < 1:
        noted.faults.append(Fault("draws", f"{asking.draws} is less than 1", "ask each question at least once"))
    destination = _say_who(asking, meter) if as_written else ""
    return AskingCheck(destination, tuple(dict.fromkeys(noted.faults)), tuple(noted.warnings), languages)


def _leave_out_address(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in read_options(fields.get("options", ())).items() if name != "base_url"}


def _make_engine(asking: Asking) -> Engine:
    """Make the engine, which looks at its options, in a folder that goes away again."""
    with TemporaryDirectory() as scratch:
        return RunFolder("check", Path(scratch)).make_engine(asking)


def _say_few(n: int, live: str) -> Fault:
    problem = f"a batch of {say_count(n, 'request')} saves cents and may take a day"
    mend = f"`engine: {live}` answers at once" if live else "ask so few at once"
    return Fault("engine", problem, f"{mend}; a batch is for {FEW_REQUESTS} requests and more")


def _say_who(asking: Asking, meter: Meter) -> str:
    model = f", model {asking.model}" if asking.model else ""
    if about_engine(asking.engine) is None:
        return f"engine {asking.engine}{model}: unknown"
    return f"engine {asking.engine}{model}: {meter.destination or 'nothing leaves this machine'}"
