"""Plan: codebook and units become a run with its shards, and a line in the ledger for every question."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from codebook.dialects import check_settings
from codebook.engines import make_engine
from codebook.errors import Fault, ParameterError, RunError
from codebook.files.yaml_text import parse_value
from codebook.ledger import Ledger
from codebook.ledger.claims import now
from codebook.paths import resolve_path, show_path
from codebook.records import CHAT, RESPONSES, Unit, digest, digest_file, dump_canonical
from codebook.run.checking import check_address, check_requests, describe_encoding, refuse_guess
from codebook.run.folder import RunFolder, describe_software, engine_options
from codebook.run.packs import choose_cuts, choose_endpoint, is_embedding, pack
from codebook.run.planner import Planner
from codebook.run.verbs import Run, open_run
from codebook.scheme import Codebook, diff_codebooks, read_codebook, write_codebook
from codebook.secrecy import judge_secrecy
from codebook.shards import Cuts
from codebook.tasks.embed import check_embedding
from codebook.tasks.packing import count_texts
from codebook.units import Source, check_units, write_units


def plan(
    codebook: Codebook | str | Path,
    units: Source | Iterable[Unit],
    *,
    run: str = "",
    engine: str = "embedded",
    model: str = "",
    url: str = CHAT,
    draws: int = 1,
    limit: int = 0,
    settings: Mapping[str, Any] | None = None,
    archive: str | Path = "",
    options: Mapping[str, Any] | Sequence[str] = (),
    cuts: Cuts | None = None,
) -> Run:
    """Plan a run: write its units and shards, and note every question. Nothing is sent.

    A question that any run of the project has had answered is not asked again. Planning the same run again changes
    nothing; after a crash it goes on where it stopped.

    Parameters
    ----------
    codebook, units
        The instrument, or its file; and what is to be coded (`read_units`).
    run
        Name of the run, and of its folder in `runs/`; made from codebook, engine and a digest where empty.
    engine, model, archive
        Who answers: "embedded"; "openai_batch" and "openai_live" with the name of a model; or "replay" with the folder
        of an archived run.
    options
        The engine's own parameters, such as `provider` and `base_url` of those that call a service: a mapping, or
        texts of the form "name: value".
    url
        Endpoint whose language the requests speak: chat completions (the default) or responses. Vectors have one of
        their own, whatever is given.
    draws
        How often each question is asked; more than one measures stability.
    limit
        The first so many units only, for a pilot; 0 is all.
    settings
        Further fields of each request's body.
    cuts
        Where shards end; the engine's own limits where not given.

    Raises
    ------
    InputError
        Codebook, units or parameters are faulty, or the service would refuse the requests.
    RunError
        A run of this name was planned with something else.
    """
    own = read_options(options) | ({"archive": archive} if archive else {})
    _check_secrecy({"run": run, "model": model, "url": url, "settings": settings or {}, "options": own})
    check_address(engine, own)
    book = codebook if isinstance(codebook, Codebook) else read_codebook(codebook)
    url = choose_endpoint(book, url)
    _check_parameters(book, url, draws, limit, settings or {})
    source, chosen = _describe_units(units, limit)
    if "archive" in own:
        own["archive"] = show_path(resolve_path(own["archive"]))
    asked = {"url": url, "draws": draws, "settings": dict(settings or {}), "engine": engine, "model": model}
    asked["options"] = own
    name = run or f"{book.name}-{engine}-{digest(book.digest, dump_canonical([source, asked]))[:8]}"
    folder = RunFolder(name)
    with folder.lock():
        answering = make_engine(engine, folder=folder.work, model=model, **engine_options(asked))
        asked["model"] = answering.model
        refuse_guess(units, asked)
        warnings = check_requests(book, asked)
        n_units, units_digest = _keep_units(folder, pack(folder, asked, chosen) if is_embedding(book) else chosen)
        planned = plan_digest(book, units_digest, asked)
        with Ledger(folder.ledger_path) as ledger:
            if ledger.start_run(name, planned) != planned:
                raise _other_plan(folder, book)
            if not folder.record_path.is_file():  # a first plan, or a folder that was deleted
                write_codebook(book, folder.codebook_path)
                about = {"source": source, "n": n_units, "sha256": units_digest} | describe_encoding(units)
                _write_record(folder, book, asked, about, warnings)
            if not ledger.is_planned(name):
                Planner(folder, ledger, book, asked, cuts or choose_cuts(answering.limits, url)).run()
                ledger.finish_plan(name)
                ledger.note_event(name, "plan", f"{n_units} {'texts' if is_embedding(book) else 'units'}")
    return open_run(name)


def plan_digest(book: Codebook, units_digest: str, asked: Mapping[str, Any]) -> str:
    """Return what tells one plan from another: the instrument, the units, and what was asked of whom."""
    return digest(book.digest, units_digest, dump_canonical(asked))


def ask_now(engine: str, options: Mapping[str, Any] | Sequence[str] = ()) -> dict[str, Any]:
    """Return engine and options that answer at once where these take their time: a pilot should not wait for a batch.

    Examples
    --------
    >>> ask_now("openai_batch", ["provider: azure", "pause_s: 5"])
    {'engine': 'openai_live', 'options': {'provider': 'azure'}}
    >>> ask_now("embedded")
    {'engine': 'embedded', 'options': {}}
    """
    given = read_options(options)
    if engine != "openai_batch":
        return {"engine": engine, "options": given}
    return {
        "engine": "openai_live",
        "options": {name: given[name] for name in ("provider", "base_url") if name in given},
    }


def read_options(options: Mapping[str, Any] | Sequence[str]) -> dict[str, Any]:
    """Return the options of an engine as a mapping.

    Raises
    ------
    ParameterError
        A text is not of the form "name: value".
    """
    if isinstance(options, Mapping):
        return dict(options)
    pairs = [text.partition(":") for text in options]
    if faults := [
        Fault("options", f"{name!r} has no value", "write name: value") for name, colon, _ in pairs if not colon
    ]:
        raise ParameterError("The options of the engine cannot be read.", faults)
    summary = "The options of the engine cannot be read."
    return {
        name.strip(): parse_value(value, f"options, {name.strip()}", error=ParameterError, summary=summary)
        for name, _, value in pairs
    }


def _check_secrecy(given: Mapping[str, object]) -> None:
    """Refuse a key wherever it was given, before anything is written: all of it ends in `run.json` or at a service."""
    judged = {name: judge_secrecy(name, value) for name, value in given.items()}
    if faults := [Fault(name, *found) for name, found in judged.items() if found]:
        raise ParameterError("The run cannot be planned like this; nothing was written.", faults)


def _check_parameters(book: Codebook, url: str, draws: int, limit: int, settings: Mapping[str, Any]) -> None:
    vectors = is_embedding(book)
    faults = check_embedding(settings) if vectors else check_settings(settings, url)
    if not vectors and url not in (CHAT, RESPONSES):
        faults.append(Fault("url", f"{url!r} is no endpoint that answers questions", f"use {CHAT!r} or {RESPONSES!r}"))
    if draws < 1:
        faults.append(Fault("draws", f"{draws} is less than 1", "ask each question at least once"))
    if limit < 0:
        faults.append(Fault("limit", f"{limit} is negative", "give 0 for all units, or a number of units"))
    if faults:
        raise ParameterError("The run cannot be planned like this.", faults)


def _describe_units(
    units: Source | Iterable[Unit], limit: int
) -> tuple[dict[str, Any], Iterator[tuple[Unit, str | None]]]:
    """What `run.json` says of the units' source, and the units, each with the reason why it is not asked or None."""
    if isinstance(units, Source):
        report = check_units(units)
        report.raise_errors()
        source = units.describe() | {"notes": [str(fault) for fault in report.faults]}
        pairs = units.with_skips()
    else:
        source = {"file": ""}
        pairs = ((unit, _find_skip(unit)) for unit in _unique(units))
    return source | {"limit": limit}, islice(pairs, limit or None)


def _find_skip(unit: Unit) -> str | None:
    return None if unit.text.strip() or unit.files else "the text is empty"


def _unique(units: Iterable[Unit]) -> Iterator[Unit]:
    """The units, refusing what no unit may be: for units that did not come through `check_units`."""
    seen: set[str] = set()
    for unit in units:
        if fault := _find_fault(unit, seen):
            raise ParameterError("The units cannot be coded like this.", [fault])
        seen.add(unit.unit_id)
        yield unit


def _find_fault(unit: Unit, seen: Collection[str]) -> Fault | None:
    where = f"unit {unit.unit_id!r}"
    if not unit.unit_id.strip():
        return Fault(where, "the unit has no id", "give every unit an id of its own")
    if unit.unit_id in seen:
        return Fault(where, "the id stands twice", "give every unit an id of its own")
    try:
        "".join((unit.unit_id, unit.text, *unit.context.values())).encode()
    except UnicodeEncodeError:
        return Fault(where, "it holds half a character (a lone surrogate)", "decode the text anew from its source")
    return None


def _keep_units(folder: RunFolder, units: Iterator[tuple[Unit, str | None]]) -> tuple[int, str]:
    """Write `units.jsonl` of the run once; return how many there are (of packs, texts) and the digest of the file.

    Raises
    ------
    RunError
        The run has other units already.
    """
    fresh = folder.path / ".units.new.jsonl"
    count = 0

    def counted() -> Iterator[tuple[Unit, str | None]]:
        nonlocal count
        for pair in units:
            count += count_texts(pair[0].unit_id)
            yield pair

    write_units(fresh, counted())
    try:
        found = digest_file(fresh)
        if not count:
            mend = "check the filter (where) and the file"
            raise ParameterError("There is nothing to code.", [Fault("units", "no unit is left", mend)])
        if folder.units_path.exists():
            if digest_file(folder.units_path) != found:
                raise RunError(
                    f"Run {folder.name!r} was planned with other units. To mend: give the new plan a new run name; "
                    "questions that were answered before are not asked again."
                )
        else:
            fresh.replace(folder.units_path)
    finally:
        fresh.unlink(missing_ok=True)
    return count, found


def _other_plan(folder: RunFolder, book: Codebook) -> RunError:
    """The error of a run that was planned with another codebook or other parameters, saying what differs."""
    changes = diff_codebooks(folder.read_codebook(), book) if folder.codebook_path.is_file() else []
    said = "".join(f"\n  - {change}" for change in changes[:20]) or "\n  - engine, model, endpoint, draws or settings"
    return RunError(
        f"Run {folder.name!r} was planned with something else. What differs:{said}\n"
        "To mend: give the new plan a new run name; questions that did not change are not asked again."
    )


def _write_record(
    folder: RunFolder, book: Codebook, asked: Mapping[str, Any], units: Mapping[str, Any], warnings: list[Fault]
) -> None:
    """Write the first `run.json`: what was planned, with what, and when."""
    folder.write_record(
        {
            "run": folder.name,
            "planned_at": now(),
            "codebook": {
                "name": book.name,
                "version": book.version,
                "sha256": book.digest,
                "variables": {variable.name: book.variable_digest(variable.name) for variable in book.variables},
            },
            "units": units,
            "asked": asked,
            "warnings": [str(fault) for fault in warnings],
            "software": describe_software(),
        }
    )
