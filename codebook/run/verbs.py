"""A planned run and what can be done with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from codebook.engines import Engine
from codebook.errors import BusyError, CodebookError, PendingError, RecordError, RunError
from codebook.files.run_versions import find_version, version_before
from codebook.ground.machine import all_in_words
from codebook.ground.whys import RETRIED
from codebook.ledger import Ledger
from codebook.ledger.claims import now
from codebook.records import Service
from codebook.run.answers.carrying import write_carried
from codebook.run.answers.harvest import harvest_job
from codebook.run.folder import AT_ONCE_S, RunFolder
from codebook.run.jobs.discarding import discard_exact
from codebook.run.jobs.fetching import Failure, delete_files, fetch_shards, poll_shards, raise_failures
from codebook.run.jobs.sending import send_shards
from codebook.run.jobs.stopping import ended_jobs, give_up_job, stop_shards
from codebook.run.money import Meter
from codebook.run.notices import announce
from codebook.run.questions.again import check_retry, plan_again
from codebook.run.questions.planner import make_anew
from codebook.run.questions.rehearsal import DryRun, rehearse
from codebook.run.run_views import RunViews
from codebook.run.standing import describe_answers, describe_run
from codebook.run.state import RunStatus
from codebook.run.vectors.packs import choose_cuts
from codebook.run.vectors.storing import store_vectors
from codebook.tasks import find_task

if TYPE_CHECKING:
    from codebook.analysis.core.result import Result


def open_run(name: str, *, planned: bool = False) -> Run:
    """Open a run of the project by its name, which stands for the newest version that was handed in.

    A name that tells the version, such as `topics.v2` or `topics.v1`, is that version.

    Parameters
    ----------
    planned
        Take the newest version also where it is not handed in yet.

    Raises
    ------
    RunError
        There is no such run; the runs there are, are listed.

    Examples
    --------
    >>> import codebook as cb; cb.open_run("topics")
    <Run topics>
    """
    folder = RunFolder(name)
    run = Run(RunFolder(find_version(folder.runs, name, planned=planned)))
    run.opened_as = name
    return run


def open_exact(name: str) -> Run:
    """Open the run whose folder has this name, whatever versions there are of it."""
    return Run(RunFolder(name))


def _collect_other(name: str, failures: list[Failure]) -> Iterator[str]:
    """Collect a run that another one waits for; yield why answers of it are outstanding, as far as that is known."""
    try:
        run = open_exact(name)
        failures += run._collect_jobs(AT_ONCE_S)[1]
        yield from (f"run {name!r}, {reason}" for reason in run.status().reasons)
    except BusyError:
        yield f"another process is working on run {name!r}"  # and collects it
    except (RunError, RecordError) as error:
        yield f"run {name!r}: {str(error).rstrip('.')}"


@all_in_words
class Run(RunViews):
    """A planned run. Every verb may be repeated, at any time and after any crash: what is done stays done.

    Attributes
    ----------
    folder : RunFolder
        Where its files are.
    record : dict
        What `run.json` says: the parameters, digests, versions and dates.
    codebook : Codebook
        The instrument it was planned with.
    table_note : str
        What was said when `collect` wrote its table.csv.
    notices : tuple of str
        What came of the notices that were sent last, where addresses are set.

    Examples
    --------
    >>> import codebook as cb
    >>> run = cb.open_run("topics")
    >>> run.status().counts
    {'topic': {'': 12}}
    """

    table_note: str = ""
    notices: tuple[str, ...] = ()

    def status(self, *, poll: bool = False) -> RunStatus:
        """Say how the run stands; with `poll` the engine is asked first, otherwise only the ledger."""
        with self._ledger() as ledger:
            if poll:
                raise_failures(poll_shards(self.folder, ledger, self._engine))
            status = describe_run(self, ledger)
        if poll:
            self._announce(status)
        return status

    def _announce(self, status: RunStatus) -> None:
        """Tell what is new, where the engine takes its time: else whoever asked is there to see it."""
        if Meter(self.asked).batch:
            with self._ledger() as ledger:
                self.notices = tuple(announce(ledger, status, self.service.notify))

    @property
    def before(self) -> Run | None:
        """The version before this one; None of a first version."""
        name = version_before(self.folder.runs, self.name)
        return open_exact(name) if name else None

    def compare_versions(self, by: str = "unit", **options: Any) -> Result:
        """Set the version before beside this one: by unit old label beside new, by label how often, "" how much.

        Of a first version the result says so. What else can be given stands at `compare_runs`.
        """
        from codebook.run.comparing import compare_views

        before = self.before
        return compare_views([before, self] if before else [self], by, **options)

    def dry_run(self) -> DryRun:
        """Check, size and price the shards that `submit` would send; nothing is sent.

        Raises
        ------
        RecordError
            A shard is not as it was planned.
        """
        with self._ledger() as ledger:
            self._require_planned(ledger)
            dry = rehearse(self.folder, ledger, Meter(self.asked), self._engine().limits)
        return replace(dry, leaves=self.leaves)

    def submit(
        self, *, progress: bool = False, cap: float | None = None, again: bool = False, service: Service | None = None
    ) -> RunStatus:
        """Hand every shard that has no job yet to the engine, as far as the service has room.

        The intent is in the ledger before the call. A call that was interrupted is made again under the same key: the
        engine then goes on with the job it has, instead of making a second one.

        Parameters
        ----------
        progress
            Show a bar where the engine answers here.
        cap
            What the run may cost in all, in USD; it stays in force until another one is given.
        again
            Have those shards answered anew of which it is not known whether a job was made, and pay twice if it was.
        service
            How the service is called and waited for from now on; as it was where not given. Runs that wait for room
            and have a higher priority are sent first.

        Raises
        ------
        BudgetError
            The next shard would cross the cap; it was not sent.
        UndecidedError
            It is not known whether a job was made of a shard; it was not made again. Repeat it later, or with `again`.
        UnreachableError
            The service does not answer; repeat it later.
        """
        self._heed(service)
        ahead = self._send_ahead()
        with self.folder.lock(), self._ledger() as ledger:
            self._require_planned(ledger)
            self._note_handed_in()
            if cap is not None:
                ledger.set_cap(self.name, cap)
            meter = Meter(self.asked)
            make_engine = partial(self._engine, progress=progress, meter=meter, ledger=ledger)
            send_shards(self.folder, ledger, meter, make_engine, again=again, ahead=ahead)
        return self.status()

    def _heed(self, service: Service | None) -> None:
        """Keep with the run how the service is called and waited for, if that was given."""
        if service is not None:
            with self.folder.lock():
                self.folder.note_service(service)
            self.record = self.folder.read_record()

    def _send_ahead(self) -> list[str]:
        """Send what waits of runs with a higher priority; return those of them that still wait for room."""
        waiting = list[str]()
        if not Meter(self.asked).batch:
            return waiting
        with self._ledger() as ledger:
            names = ledger.list_waiting(self.name)
        for name in names:
            with suppress(CodebookError):  # what keeps it from being sent keeps no other
                other = open_run(name)
                if other.service.priority > self.service.priority:
                    try:
                        waiting += [name] * any(not job.job_id and not job.collected for job in other.submit().jobs)
                    except BusyError:
                        waiting.append(name)
        return waiting

    def collect(self, *, partial: bool = False, service: Service | None = None) -> RunStatus:
        """Fetch what is answered, index it, and write `table.csv`.

        Each job is collected by itself: what is wrong with one keeps no other from being read.

        Parameters
        ----------
        partial
            Go on with what is there.
        service
            How the service is called and waited for from now on; as it was where not given.

        Raises
        ------
        PendingError
            Answers are outstanding and `partial` is False. What is there is collected all the same.
        RunError
            Some jobs could not be collected; the others are. Each is told with its reason.
        UnreachableError
            The service of all jobs that could not be collected does not answer; repeat it later.
        """
        self._heed(service)
        with self._ledger() as ledger:
            self._require_planned(ledger)
        others, failures = self._collect_jobs()
        reasons = [reason for other in others for reason in _collect_other(other, failures)]
        status = self.status()
        reasons = [*status.reasons, *reasons]
        self._announce(status)  # before the record is written, which holds what was told
        with self.folder.lock():
            self.refresh()
        if find_task(self.codebook).makes_vectors:
            store_vectors(self)
        raise_failures(failures)
        if not status.done and not partial:
            why = f"Why: {'; '.join(reasons)}. " if reasons else ""
            raise PendingError(
                f"{status.n_pending:,} of {status.n_rows:,} answers of run {self.name!r} are outstanding. "
                f"Nothing is lost. {why}{status.advice}"
            )
        return status

    def refresh(self) -> None:
        """Write `table.csv` and `run.json` anew from result lines and ledger. The caller holds the run.

        Raises
        ------
        RecordError
            A file of the run was changed, or an answer is gone; nothing is written then.
        """
        from codebook.codings import write_table

        self.folder.check_record()
        self.table_note = write_table(self.iter_table(), self.folder.table_path)
        self._update_record()
        with self._ledger() as ledger:
            write_carried(self.folder, ledger)
            ledger.settle()

    def _collect_jobs(self, wait_s: float | None = None) -> tuple[list[str], list[Failure]]:
        """Fetch and index the jobs that ended; return the other runs whose answers this run waits for, and failures."""
        with self.folder.lock(wait_s), self._ledger() as ledger:
            failures = fetch_shards(self.folder, self.codebook, ledger, cache(self._engine), Meter(self.asked))
            return ledger.awaited_runs(self.name), failures

    def retry(
        self, whys: Collection[str] = (), *, max_tokens: int | None = None, service: Service | None = None
    ) -> int:
        """Plan the questions again that ended for one of these reasons, and only those; return how many.

        Labels that are there stay. Submit sends the new shard.

        Parameters
        ----------
        whys
            Of failed, expired, cancelled, absent, refused, truncated, invalid. Where none is given, the first four, but
            not where the service found fault with the request itself (such as 400: it would fail again), nor where an
            answer was paid and is lost; the status counts those.
        max_tokens
            A larger cap on the tokens of a reply, for those that were truncated; it counts reasoning too.
        service
            How the service is called and waited for from now on: its `requests_per_shard` makes smaller shards.
        """
        check_retry(whys, max_tokens)
        self._heed(service)
        with self.folder.lock(), self._ledger() as ledger:
            self._require_planned(ledger)
            wanted = ledger.rows_to_retry(self.name, list(whys or RETRIED), final=bool(whys))
            remake = partial(make_anew, self.folder, self.codebook, self.asked)
            n_most = self.service.requests_per_shard
            cuts = choose_cuts(self._engine().limits, find_task(self.codebook).n_texts, n_most)
            plan_again(self.folder, ledger, cuts, wanted, remake, max_tokens=max_tokens)
            if wanted:
                ledger.note_event(self.name, "retry", f"{len(wanted)} questions: {', '.join(sorted(whys or RETRIED))}")
        return len(wanted)

    def cancel(self, shard: int = 0, *, give_up: bool = False) -> RunStatus:
        """Stop running jobs and give up shards that were never handed in; finished answers stay to be collected.

        No service is asked, and no key is needed, where nothing was handed in. Each job is stopped by itself.

        Parameters
        ----------
        shard
            The number of the one shard to stop; 0 is all of them.
        give_up
            Give up a job that cannot be stopped, since its service cannot be asked or knows it no more: nobody waits
            for it then, and its questions may be asked again. It may still be billed, and the record says so.

        Raises
        ------
        ParameterError
            The run has no such shard.
        EngineError
            Jobs could not be stopped; the others were.
        """
        with self._ledger() as ledger:
            make_engine = cache(self._engine)
            ended = ended_jobs(ledger, self.name, shard) if give_up else []
            n_jobs, failures = stop_shards(self.folder, ledger, make_engine, shard, give_up=give_up)
            for row in ended:
                try:
                    harvest_job(self.folder, self.codebook, ledger, make_engine(), row, Meter(self.asked))
                except CodebookError as error:
                    give_up_job(self.folder, ledger, row, str(error))
        raise_failures(
            failures,
            f"{len(failures)} of {n_jobs} jobs of run {self.name!r} could not be stopped. To mend: repeat it "
            f"later; or `codebook cancel {self.name} --give-up` gives them up, though they may still be billed.",
        )
        return self.status()

    def discard(self) -> str:
        """Drop the run, as `discard_run` does, and say what was done; this object is of no use then."""
        return discard_exact(self.name)

    def delete_remote(self, *, older_than_days: float = 0) -> int:
        """Delete files at the service: of collected jobs, and those that became part of none; return how many.

        The answers on disk are checked first.

        Parameters
        ----------
        older_than_days
            Of jobs that ended so long ago.

        Raises
        ------
        RecordError
            A file of the run on disk is changed, or an answer is gone; nothing is deleted then.
        EngineError
            The files of some jobs could not be deleted; those of the others were.
        """
        with self.folder.lock(), self._ledger() as ledger:
            self.folder.check_record()
            return delete_files(self.folder, ledger, self._engine(), timedelta(days=older_than_days))

    def _engine(self, *, progress: bool = False, meter: Meter | None = None, ledger: Ledger | None = None) -> Engine:
        options: dict[str, Any] = {"progress": progress}
        if meter and ledger and meter.about.watches_money:
            money = ledger.money(self.name)
            gone = money.spent + ledger.held(self.name) + ledger.spent_before(self.name)
            left = None if money.cap is None else money.cap - gone
            options |= {"price": meter.price, "cap": left}
        return self.folder.make_engine(self.asked, self.service, **options)

    def _note_handed_in(self) -> None:
        """Before a version is handed in: from now on the name of the run stands for it."""
        version = self.record.get("version")
        if version and not version.get("handed_in"):
            self.record["version"] = version | {"handed_in": now()}
            self.folder.write_record(self.record)

    def _update_record(self) -> None:
        """Note in `run.json`, as it stands on disk by now, what is known after collecting."""
        self.record = self.folder.read_record()
        with self._ledger() as ledger:
            self.record["answered"] = describe_answers(ledger, self.name, charged=Meter(self.asked).charges)
            shards = {f"shards/{row.file}": row.sha256 for row in ledger.jobs(self.name) if row.n_requests}
        self.record["files"] = shards | self.folder.digest_files()
        self.folder.write_record(self.record)
