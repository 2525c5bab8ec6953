"""Erase a unit: found in all runs, noted as meant, taken out run by run, and the note removed at the end."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from codebook.errors import BusyError, RunError
from codebook.files.lines import digest_file
from codebook.files.run_versions import is_wanted
from codebook.ground.logbook import drop_tracebacks
from codebook.ground.quantities import say_count
from codebook.ledger import KEPT, Ledger
from codebook.ledger.claims import now
from codebook.ledger.forgetting import Forgetting, close_empty, forget, note_erasure, overwrite_free_space
from codebook.paths import resolve_path, runs_folder, show_path
from codebook.records import Asking
from codebook.run.adoption.deposits import clear_copies
from codebook.run.answers.carrying import write_carried
from codebook.run.erasing.derived import erase_derived
from codebook.run.erasing.erased_files import (
    rewrite_carried,
    rewrite_lines,
    rewrite_run_record,
    rewrite_units,
    rewrite_work,
)
from codebook.run.erasing.naming import ask_ledger, name_lines, settle_names
from codebook.run.erasing.targets import INTENT, Intent, Target, find_targets, read_intent
from codebook.run.erasing.traces import Traces, find_seen
from codebook.run.folder import KeptFolder, RunFolder, find_folder, say_kept
from codebook.run.money import Meter
from codebook.run.plans.replacing import plan_digest
from codebook.run.questions.trimming import sweep_leftovers
from codebook.run.verbs import open_exact
from codebook.visible import spell_block

_EVERYWHERE = (
    "backups and copies of the project, archives made of its runs, files saved elsewhere, figures already printed",
    "the disk itself: deleted files may be restored by experts until their place is written over",
)


@dataclass(frozen=True)
class Erasure:
    """What an erasure did, run by run, and what it could not reach.

    Examples
    --------
    >>> import codebook as cb
    >>> erasure = cb.erase_unit("h01")
    >>> erasure.unit_id, erasure.unreachable[0]
    ('h01', 'data/texts.csv: the kit never changes it; take the unit out there, or the next plan asks it again')
    """

    unit_id: str
    targets: tuple[Target, ...]
    done: tuple[str, ...]
    unreachable: tuple[str, ...]

    def __str__(self) -> str:
        lines = [f"Erased from {say_count(len(self.targets), 'run')}:"]
        lines += [f"  {say_kept(target.run)}: {say_target(target)}" for target in self.targets]
        lines += [f"  {line}" for line in self.done]
        lines += ["Not reached from here:", *(f"  {line}" for line in self.unreachable)]
        return spell_block("\n".join(lines))


def erase_unit(unit_id: str, *, run: str = "", texts: Collection[str] = ()) -> Erasure:
    """Take one unit out of every file of all runs and out of the ledger. It cannot be undone.

    Its text, its answers and its id go; that a unit was erased, and when, is kept. Each run stays readable, and its
    coverage sums without the unit. A group of texts goes whole where the unit is one of them; a pack of texts to be
    embedded loses the one. An erasure that was killed is finished by the same call.

    Parameters
    ----------
    run
        Only this run; empty for all.
    texts
        Texts of the unit, for vectors that were made of texts without ids; those that runs know are taken from there.

    Raises
    ------
    RunError
        No run holds the unit; or a job under way does; or another erasure was begun and not finished.
    BusyError
        Another process works on a run or has the ledger open; the same call goes on later.

    Examples
    --------
    >>> import codebook as cb
    >>> erasure = cb.erase_unit("h01")
    >>> cb.open_run("topics").status().sentence
    '11 asked = 11 labelled'
    """
    runs = runs_folder()
    with ExitStack() as stack:
        stack.enter_context(_lock(runs))
        for part in runs.glob(f".{INTENT}.*.part"):
            part.unlink()
        known = runs / "ledger.db"
        ledger = stack.enter_context(Ledger(known)) if known.is_file() else None
        if ledger:
            sweep_leftovers(runs, ledger)
        intent = _find_intent(runs, unit_id, run) or _begin(runs, ledger, unit_id, run, texts)
        for target in intent.targets:
            stack.enter_context(find_folder(target.run).lock())
        intent.write(runs)
        done = list(_erase(runs, ledger, intent))
        done += [f"{name}: deleted, since a traceback may show a text" for name in drop_tracebacks()]
        (runs / INTENT).unlink()
    return Erasure(unit_id, tuple(intent.targets), tuple(done), tuple(say_unreachable(intent)))


def check_erasure(unit_id: str, *, run: str = "", texts: Collection[str] = ()) -> None:
    """Raise what `erase_unit` refuses, and change nothing."""
    runs = runs_folder()
    known = runs / "ledger.db"
    with Ledger(known) if known.is_file() else nullcontext() as ledger:
        _find_intent(runs, unit_id, run) or _begin(runs, ledger, unit_id, run, texts)


def say_target(target: Target) -> str:
    """Say how much goes of a run."""
    groups = "" if target.n_units == 1 else f"{target.n_units} units: it is a text of groups or packs"
    return f"{groups or '1 unit'}, {target.n_rows:,} rows"


def _lock(runs: Path) -> AbstractContextManager[object]:
    """Hold the right to erase."""
    try:
        return FileLock(runs / ".erasing.lock").acquire(timeout=1)
    except Timeout:
        raise BusyError("Another process is erasing. To mend: wait for it to end, then repeat.") from None


def _find_intent(runs: Path, unit_id: str, run: str) -> Intent | None:
    """The erasure of this unit that was begun before, to be finished now."""
    intent = read_intent(runs)
    if intent is None:
        return None
    if intent.unit_id != unit_id or not all(is_wanted(target.run, run) for target in intent.targets):
        raise RunError(
            f"The erasure of unit {intent.unit_id!r} was begun and not finished. To mend: "
            f"`codebook erase {intent.unit_id}` finishes it; then repeat this one."
        )
    return intent


def _begin(runs: Path, ledger: Ledger | None, unit_id: str, run: str, texts: Collection[str]) -> Intent:
    """Find what goes; nothing is changed yet."""
    places = ("*/units.jsonl", f"{KEPT}/*/units.jsonl")
    everywhere = [path.parent for place in places for path in sorted(runs.glob(place))]
    chosen = [path for path in everywhere if is_wanted(path.name, run)] if run else everywhere
    if not chosen:
        open_exact(run)  # says which runs there are
    targets, lonely, shared = find_targets(chosen, unit_id, texts, everywhere)
    if not targets:
        holder = f"Run {run!r} does not hold" if run else "No run holds"
        raise RunError(f"{holder} a unit {unit_id!r} (any more); nothing was changed. To mend: check the id.")
    for target in targets:
        folder = find_folder(target.run)
        if not folder.record_path.is_file():
            continue  # a plan that was killed before it asked anything
        variables = folder.read_codebook().variables
        name_lines(target, [variable.name for variable in variables], Asking.from_record(folder.read_record()))
    if ledger:
        settle_names(ledger, targets, alone=bool(run))
    return Intent(unit_id, now(), lonely, shared, targets)


def _erase(runs: Path, ledger: Ledger | None, intent: Intent) -> Iterator[str]:
    """Take it all out. Every step may be repeated, and until the ledger has changed the old files are the record."""
    written = {target.run: _Written(find_folder(target.run), target) for target in intent.targets}
    traces = _trace(intent)
    if ledger:
        erased = ask_ledger(ledger, intent.targets)
        what = Forgetting(
            rows=[row.row_id for row in erased.rows],
            asks=erased.asks,
            keys=erased.keys,
            names=[(target.run, old, new) for target in intent.targets for old, new in target.names.items() if new],
            units=[(target.run, old, new) for target in intent.targets for old, new in target.packs.items()],
            shards=[(run, file) for run, files in written.items() for file in files.shards],
            results=[(run, file) for run, files in written.items() for file in files.results],
            plans={run: digest for run, files in written.items() if (digest := files.plan_digest)},
            scrub=traces.scrub,
        )
        forget(ledger, what)
    for target in intent.targets:
        files = written[target.run]
        files.settle(intent.begun, traces)
        if ledger and ledger.is_planned(target.run):
            _refresh(ledger, files.folder, target)
        yield from (f"runs/{target.run}/{line}" for line in erase_derived(files.folder, target, traces))
    yield from _erase_vectors(runs / "vectors", intent.texts)
    clear_copies(runs)
    for path in sorted(runs.glob("*.log")):
        if traces.in_file(path):
            path.unlink()
            yield f"{show_path(path)}: deleted"
    if ledger:
        overwrite_free_space(ledger)


def _trace(intent: Intent) -> Traces:
    """What to look for in files of other kinds."""
    unit_ids = {intent.unit_id, *(unit_id for target in intent.targets for unit_id in (*target.units, *target.packs))}
    custom_ids = {name for target in intent.targets for name in target.names}
    return Traces(sorted(unit_ids), sorted(custom_ids), intent.texts)


def _refresh(ledger: Ledger, folder: RunFolder, target: Target) -> None:
    """Make anew what a run has of its own ledger."""
    close_empty(ledger, target.run)
    note_erasure(ledger, target.run, say_target(target))
    if folder.table_path.is_file():
        open_exact(target.run).refresh()
    elif folder.carried_path.is_file():
        write_carried(folder, ledger)
    if (folder.path / "exports").is_dir():
        open_exact(target.run).export()


def _erase_vectors(folder: Path, texts: Sequence[str]) -> Iterator[str]:
    """Take the vectors of the texts out of all stores."""
    from codebook.vectors import VectorStore

    for path in sorted(folder.glob("*/keys.bin")):
        if n := VectorStore(path.parent).erase(texts):
            yield f"{show_path(path.parent)}: {say_count(n, 'vector')} overwritten"


class _Written:
    """The files of a run as they will be, written beside those that there are."""

    def __init__(self, folder: RunFolder, target: Target) -> None:
        self.folder, self.target = folder, target
        self.shards, self.results = rewrite_lines(folder.shards, target), rewrite_lines(folder.results, target)
        self.units = rewrite_units(folder, target)

    @property
    def plan_digest(self) -> str:
        """The digest of the plan without what goes; empty where the run was not planned."""
        if not self.folder.record_path.is_file():
            return ""
        asking = self.folder.read_record()["asked"]
        return plan_digest(self.folder.read_codebook().digest, digest_file(self.units), asking)

    def settle(self, begun: str, traces: Traces) -> None:
        """Let the new files take the place of the old ones."""
        folder, target = self.folder, self.target
        self.units.replace(folder.units_path)
        rewrite_work(folder, target, {file.old: file for file in self.shards}, traces)
        if folder.record_path.is_file():
            files = {f"shards/{file.old}": file for file in self.shards}
            files |= {f"results/{file.old}": file for file in self.results}
            rewrite_run_record(folder, target, begun, files, traces)
            rewrite_carried(folder, target, files, traces)
        for place, files_of in ((folder.shards, self.shards), (folder.results, self.results)):
            for file in files_of:
                if file.new != file.old:
                    (place / file.old).unlink()


def say_unreachable(intent: Intent) -> list[str]:
    """Return what still may hold the unit, each with what to do about it."""
    remarks = dict.fromkeys(remark for target in intent.targets for remark in _of_run(find_folder(target.run)))
    if intent.shared:
        remarks["another unit has the same text: its lines, packs and vectors stay"] = None
    told, runs = "\n".join(remarks), runs_folder()
    for path in find_seen(runs.parent, _trace(intent), runs):
        if f"{show_path(path)}:" not in told:
            remarks[f"{show_path(path)}: the unit can be seen there; take it out, or delete the file"] = None
    return [*remarks, *_EVERYWHERE]


def _of_run(folder: RunFolder) -> Iterator[str]:
    if not folder.record_path.is_file():
        return
    record = folder.read_record()
    asking = Asking.from_record(record)
    if source := record["units"]["source"].get("file"):
        place = show_path(resolve_path(source))
        yield f"{place}: the kit never changes it; take the unit out there, or the next plan asks it again"
    if (meter := Meter(asking)).charges:
        mend = f"`codebook delete-remote {folder.name}` deletes those of batches"
        lost = f"nothing here can delete those of run {say_kept(folder.name)}"
        yield f"{meter.provider.name}: what it keeps of the files; {lost if isinstance(folder, KeptFolder) else mend}"
    if archive := asking.options.get("archive"):
        yield f"{archive}: the archive that run {say_kept(folder.name)!r} replays"
