"""Who is to be asked, and how: what a person says, read and checked once; afterwards it is an `Asking`.

Before anything is paid all of it is looked at as a whole, for every fault at once (`check_asking`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypedDict, TypeVar

from codebook.engines import DEFAULT, Engine, about_engine
from codebook.engines.service import check_host
from codebook.errors import CodebookError, Fault, ParameterError, list_faults, mend_name
from codebook.files.yaml_text import parse_pairs
from codebook.ground.quantities import say_count
from codebook.ground.secrecy import find_key, judge_secrecy
from codebook.paths import resolve_path, show_path
from codebook.records import Asking
from codebook.run.folder import RunFolder
from codebook.run.money import Meter
from codebook.run.plans.checking import check_address, check_requests, find_lacks, look_at_languages, refuse_guess
from codebook.run.plans.privacy import is_private_study
from codebook.scheme import Codebook
from codebook.tasks import find_task
from codebook.units import Source

_SUMMARY = "The run cannot be planned like this."


class AskingFields(TypedDict, total=False):
    """What `plan` and its kin take of who is asked, and how; what each means stands at `plan`."""

    engine: str
    model: str
    url: str
    draws: int
    settings: Mapping[str, Any] | None
    archive: str | Path
    options: Mapping[str, Any] | Sequence[str]
    private: bool
    at_once: bool


def make_asking(fields: Mapping[str, Any], run: str = "") -> Asking:
    """Read and check what a person says of who is asked; nothing is written.

    Parameters
    ----------
    fields
        Of `AskingFields`.
    run
        The run's name, which may hold a key as well.

    Raises
    ------
    ParameterError
        A name is none of them, a key stands among them, or nothing should go to that address.
    """
    _check_names(fields)
    settings = fields.get("settings") or {}
    if not isinstance(settings, Mapping):
        mend = "pass a mapping, such as `{'temperature': 0}`"
        raise ParameterError(_SUMMARY, [Fault("settings", f"it is a {type(settings).__name__}", mend)])
    values = {name: value for name, value in fields.items() if name not in ("archive", "private", "at_once")}
    values |= {"engine": fields.get("engine", DEFAULT), "settings": dict(settings)}
    options, archive = read_options(fields.get("options", ())), fields.get("archive", "")
    if fields.get("at_once"):
        values["engine"], options = _ask_now(values["engine"], options)
    options |= {"archive": archive} if archive else {}
    asking = Asking(**values | {"options": options})
    _check_secrecy(asking, run)
    check_address(asking)
    if "archive" in options:
        options["archive"] = show_path(resolve_path(options["archive"]))
    return Asking(**values | {"options": options, "private": bool(fields.get("private")) or is_private_study()})


def _check_names(fields: Mapping[str, Any]) -> None:
    known = [*AskingFields.__annotations__]
    problem, mend = "a plan has no such parameter", f"leave it out; there are {', '.join(known)}"
    unknown = sorted(fields.keys() - known)
    if unknown:
        raise ParameterError(_SUMMARY, [Fault(name, problem, mend_name(name, known, mend)) for name in unknown])


def _check_secrecy(asking: Asking, run: str) -> None:
    """Refuse a key wherever it stands, before anything is written: all of it ends in `run.json` or at a service."""
    texts = {"run": run, "model": asking.model, "url": asking.url}
    judged = {name: judge_secrecy(name, value) for name, value in texts.items()}
    judged |= {name: judge_secrecy(name, getattr(asking, name)) for name in ("settings", "options")}
    if faults := [Fault(name, *fault) for name, fault in judged.items() if fault]:
        raise ParameterError(f"{_SUMMARY[:-1]}; nothing was written.", faults)


def _ask_now(engine: str, options: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Engine and options that answer at once where these take their time.

    Examples
    --------
    >>> _ask_now("openai_batch", {"provider": "azure", "pause_s": 5}), _ask_now("embedded", {})
    (('openai_live', {'provider': 'azure'}), ('embedded', {}))
    >>> _ask_now("cluster", {"chunk": 9}), _ask_now("cluster", {"answering": "vllm"})
    (('embedded', {}), ('cluster', {'answering': 'vllm'}))
    """
    about = about_engine(engine)
    if about is None or not about.at_once or "answering" in options:  # who answers there, answers nowhere else
        return engine, options
    return about.at_once, {name: options[name] for name in ("provider", "base_url") if name in options}


def read_options(options: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    """Return the options of an engine as a mapping."""
    return parse_pairs(options, "options", error=ParameterError, summary="The options of the engine cannot be read.")


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
