"""Plan: codebook and units become a run with its shards, and a line in the ledger for every question."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Unpack

from codebook.engines import Limits
from codebook.engines.unasked import Unasked
from codebook.errors import ChangedPlanError, Fault, ParameterError
from codebook.files.lines import digest, dump_canonical
from codebook.files.run_versions import find_version, next_version
from codebook.ledger import Ledger
from codebook.ledger.losses import settle_losses
from codebook.records import Asking, Service, Unit
from codebook.run.differences import list_differences
from codebook.run.folder import RunFolder
from codebook.run.money import Meter, is_free
from codebook.run.plans.asking import AskingFields, make_asking
from codebook.run.plans.checking import check_requests, describe_encoding, refuse_guess, refuse_lacks
from codebook.run.plans.privacy import PersonalWatch
from codebook.run.plans.replacing import Draft, is_changed, make_draft, settle_plan
from codebook.run.project.ledger_frames import open_ledger
from codebook.run.questions.planner import Planner
from codebook.run.questions.rehearsal import DryRun, ScratchLedger, rehearse
from codebook.run.questions.trimming import sweep_leftovers
from codebook.run.vectors.packs import choose_cuts, pack
from codebook.run.vectors.places import open_store, warn_unknown
from codebook.run.verbs import Run
from codebook.scheme import Codebook, read_codebook
from codebook.shards import Cuts
from codebook.tasks import Question, find_task
from codebook.units import Source, check_units


def plan(
    codebook: Codebook | str | Path,
    units: Source | Iterable[Unit],
    *,
    run: str = "",
    version: bool = False,
    limit: int = 0,
    cuts: Cuts | None = None,
    service: Service | None = None,
    **asking: Unpack[AskingFields],
) -> Run:
    """Plan a run: write its units and shards, and note every question. Nothing is sent.

    A question that any run of the project has had answered is not asked again. Planning the same run again changes
    nothing; after a crash it goes on where it stopped. A run of which nothing was handed in yet may be planned with
    something else: the new plan takes the place of the old one. Of one that was handed in the new plan can be the next
    version: `topics.v2` after `topics`, whose status and costs say what changed and what is asked anew.

    Parameters
    ----------
    codebook, units
        The instrument, or its file; and what is to be coded (`read_units`).
    run
        Name of the run, and of its folder in `runs/`; made from codebook, engine and a digest where empty.
    version
        Go on with the newest version of the run, and make the next one where that was handed in with something else.
        Without it a run that was handed in is never planned with something else: a script that is run again by mistake
        stops.
    limit
        The first so many units only, for a pilot; 0 is all.
    cuts
        Where shards end; the engine's own limits where not given.
    service
        How whoever answers is called and waited for; it is kept with the run, and changes no label.
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
    settings
        Further fields of each request's body.
    at_once
        Of an engine that takes its time, ask the one that answers at once instead: a pilot should not wait for a batch.
    private
        Show no id of a unit and no name of a run to a service: what it sees cannot be traced without this project's
        files. So it is, too, where study.yaml says `private: true`.

    Raises
    ------
    InputError
        Codebook, units or parameters are faulty, or the service would refuse the requests.
    ChangedPlanError
        A run of this name was planned with something else, and was handed in; `version` is not wished for.

    Examples
    --------
    >>> import codebook as cb
    >>> run = cb.plan("codebook.yaml", cb.open_study().open_units(), run="pilot", limit=2, draws=2)
    >>> status = run.submit()
    >>> run.collect().sentence
    '4 asked = 4 labelled'
    """
    units = list(units) if version and isinstance(units, Iterator) else units
    read = partial(_Aim.read, codebook, units, make_asking(asking, run), limit, cuts)
    aim = read()
    folder = RunFolder(run or aim.name)
    if version:
        folder = RunFolder(find_version(folder.runs, folder.name, planned=True))
    try:
        return _plan_as(folder, aim, service)
    except ChangedPlanError:
        if not version:
            raise
    return _plan_as(RunFolder(next_version(folder.runs, folder.name)), read(), service)


def _plan_as(folder: RunFolder, aim: _Aim, service: Service | None) -> Run:
    """Plan a run under the name of its folder."""
    with Ledger(folder.ledger_path) as ledger, _clear_ground(folder, ledger):
        aim.meet_engine(folder)
        with aim.draft(folder, aim.choose(folder, ledger)) as draft:
            settle_plan(folder, ledger, draft)
            service = folder.note_service(service)
            if not ledger.is_planned(folder.name):
                Planner(folder, ledger, aim.book, draft.asking, aim.cut(service)).run()
                ledger.finish_plan(folder.name)
                ledger.note_event(folder.name, "plan", f"{draft.n_units} {'texts' if aim.task.n_texts else 'units'}")
    return Run(RunFolder(folder.name))


@contextmanager
def _clear_ground(folder: RunFolder, ledger: Ledger) -> Iterator[None]:
    """Hold a run, once it is noted what was lost with folders, and the one of a discarded run is out of the way."""
    settle_losses(ledger, is_free)
    sweep_leftovers(folder.runs, ledger)
    with folder.lock():
        yield


def rehearse_plan(
    codebook: Codebook | str | Path,
    units: Source | Iterable[Unit],
    *,
    run: str = "",
    version: bool = False,
    limit: int = 0,
    cuts: Cuts | None = None,
    service: Service | None = None,
    **asking: Unpack[AskingFields],
) -> DryRun:
    """Size and price what `plan` and `submit` would send; nothing of it is kept, and no service is asked.

    Parameters
    ----------
    codebook, units, run, version, limit, cuts, service, asking
        Those of `plan`.

    Raises
    ------
    InputError
        Codebook, units or parameters are faulty, or the service would refuse the requests.

    Examples
    --------
    >>> import codebook as cb
    >>> rehearse_plan("codebook.yaml", cb.open_study().open_units(), draws=2).frame["requests"].tolist()
    [12]
    """
    aim = _Aim.read(codebook, units, make_asking(asking, run), limit, cuts)
    real, differs = RunFolder(run or aim.name), list[str]()
    if version:
        real = RunFolder(find_version(real.runs, real.name, planned=True))
    with TemporaryDirectory() as scratch, open_ledger() as ledger:
        folder = RunFolder(real.name, Path(scratch))
        folder.path.mkdir(parents=True)
        aim.meet_engine(folder)
        store = open_store(real, aim.asking, aim.answerer)
        chosen = pack(folder, aim.asking.model, aim.chosen, store) if aim.task.n_texts else aim.chosen
        with aim.draft(folder, chosen) as draft:
            draft.units_path.replace(folder.units_path)
        if version and is_changed(real, ledger, draft):
            differs = list_differences(real, draft.book, folder.units_path, draft.asking.to_record(), draft.answerer)
            real = RunFolder(next_version(real.runs, real.name))
        with ScratchLedger(folder.ledger_path, ledger) as planned:
            planned.start_run(folder.name, "", aim.answerer)
            Planner(folder, planned, aim.book, draft.asking, aim.cut(service)).run()
            dry = rehearse(folder, planned, Meter(aim.asking), aim.limits)
    destination = Meter(aim.asking).destination
    leaves = (destination, *draft.personal) if destination else ()
    notes = (*map(str, aim.warnings), *dry.notes, *(f"{real.name} differs: {line}" for line in differs))
    return replace(dry, notes=notes, run=real.name, leaves=leaves)


@dataclass
class _Aim:
    """What a run is to ask, and whom; what the engine says of itself, and the warnings, come by `meet_engine`."""

    book: Codebook
    units: Source | Iterable[Unit]
    asking: Asking
    source: dict[str, Any]
    chosen: Iterator[tuple[Unit, str | None]]
    name: str
    given_cuts: Cuts | None
    watch: PersonalWatch
    limits: Limits = field(default_factory=Limits)
    answerer: str = ""
    warnings: tuple[Fault, ...] = ()

    @classmethod
    def read(
        cls,
        codebook: Codebook | str | Path,
        units: Source | Iterable[Unit],
        asking: Asking,
        limit: int,
        cuts: Cuts | None,
    ) -> _Aim:
        """Read and check what `plan` was given."""
        book = codebook if isinstance(codebook, Codebook) else read_codebook(codebook)
        task = find_task(book)
        asking = replace(asking, url=task.endpoint or asking.url)
        _check_parameters(task, asking, limit)
        source, chosen = _describe_units(units, int(limit))
        watch = PersonalWatch(private=bool(asking.private))
        if Meter(asking).charges:
            chosen = watch.watch(chosen)
        facts = {name: value for name, value in source.items() if name != "notes"}  # whose wording may change
        name = f"{book.name}-{asking.engine}-{digest(book.digest, dump_canonical([facts, asking.to_record()]))[:8]}"
        return cls(book, units, asking, source, chosen, name, cuts, watch)

    @property
    def task(self) -> type[Question]:
        """What is asked."""
        return find_task(self.book)

    def cut(self, service: Service | None) -> Cuts:
        """Where shards end."""
        n_most = service.requests_per_shard if service else 0
        return self.given_cuts or choose_cuts(self.limits, self.task.n_texts, n_most)

    def choose(self, folder: RunFolder, ledger: Ledger) -> Iterator[tuple[Unit, str | None]]:
        """The units, in packs where vectors are asked for: those that were planned, as long as they hold the texts."""
        if not self.task.n_texts:
            return self.chosen
        fixed = ledger.is_planned(folder.name) is None or ledger.was_sent(folder.name)
        again = None if fixed or isinstance(self.units, Iterator) else self._choose_again
        store = open_store(folder, self.asking, self.answerer)
        return pack(folder, self.asking.model, self.chosen, store, choose_again=again)

    def _choose_again(self) -> Iterator[tuple[Unit, str | None]]:
        chosen = _describe_units(self.units, self.source["limit"])[1]
        return self.watch.watch(chosen) if Meter(self.asking).charges else chosen

    def meet_engine(self, folder: RunFolder) -> None:
        """Make the engine, and learn its model and limits, and what should be known before it is paid."""
        engine = folder.make_engine(self.asking)
        self.asking, self.limits = replace(self.asking, model=engine.model), engine.limits
        self.answerer = engine.answerer
        refuse_guess(self.units, self.asking)
        if not isinstance(engine, Unasked):  # in a replay a model that is shut down by now has answered
            self.warnings = tuple(check_requests(self.book, self.asking))
        if isinstance(self.units, Source):
            self.warnings += tuple(refuse_lacks(self.book, self.asking, engine, self.units))
        if self.task.n_texts:
            self.warnings += tuple(warn_unknown(RunFolder(folder.name), self.asking, self.answerer))

    def draft(self, folder: RunFolder, chosen: Iterator[tuple[Unit, str | None]]) -> AbstractContextManager[Draft]:
        """Write the units into a file of their own, and describe the plan."""
        about = {"source": self.source, **describe_encoding(self.units)}
        path = folder.path / ".units.new.jsonl"
        blank = Draft(self.book, self.asking, self.answerer, about, self.warnings, path)
        return make_draft(blank, chosen, self.watch)


def _check_parameters(task: type[Question], asking: Asking, limit: int) -> None:
    faults = task.check_settings(asking.settings, asking.url)
    if asking.draws < 1:
        faults.append(Fault("draws", f"{asking.draws} is less than 1", "ask each question at least once"))
    if limit < 0:
        faults.append(Fault("limit", f"{limit} is negative", "give 0 for all units, or a number of units"))
    ParameterError.raise_any("The run cannot be planned like this.", faults)


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
    parts: tuple[object, ...] = (unit.unit_id, unit.text)
    if not all(isinstance(part, str) for part in parts):  # NaN of a frame, say
        return Fault(where, "its id or its text is not a text", "make both texts; leave out rows where one is missing")
    if not unit.unit_id.strip():
        return Fault(where, "the unit has no id", "give every unit an id of its own")
    if unit.unit_id in seen:
        return Fault(where, "the id occurs twice", "give every unit an id of its own")
    try:
        "".join((unit.unit_id, unit.text, *unit.context.values())).encode()
    except UnicodeEncodeError:
        return Fault(where, "it holds half a character (a lone surrogate)", "decode the text anew from its source")
    return None
