"""The folder of a run: what lies where, and `run.json`, which says how the run came to be."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any, cast

from codebook.engines import Engine, list_settings, make_engine
from codebook.engines.unasked import Unasked, is_replayed
from codebook.errors import BusyError, Fault, ParameterError, RecordError, RunError, mend_name, say_mend
from codebook.files.digests import check_record, digest_of, find_faults, read_run_record
from codebook.files.lines import write_json
from codebook.files.run_versions import NO_NAME, find_version, order_of
from codebook.ground.holding import HeldError, hold
from codebook.ledger import KEPT, MEND_READ_ONLY, Ledger, open_known
from codebook.ledger.losses import settle_losses
from codebook.paths import make_private, project_folder, resolve_path, runs_folder, show_path
from codebook.records import Asking, Service, read_service
from codebook.run.money import is_free
from codebook.scheme import Codebook, read_codebook

WAIT_S = 20.0
"""How long to wait for another process that works on a run."""
AT_ONCE_S = 1.0
"""The same where something else is to be done meanwhile."""
_PACKAGES = ("codebook-kit", "numpy", "pandas", "pydantic", "orjson", "krippendorff", "openai", "genai-prices")


class RunFolder:
    """Where the files of one run are: `runs/<name>` of the project.

    Examples
    --------
    >>> import codebook as cb
    >>> RunFolder("topics").units_path.name
    'units.jsonl'
    """

    _NAMES = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")

    def __init__(self, name: str, project: Path | None = None) -> None:
        if not name:
            raise ParameterError(NO_NAME)
        if not self._NAMES.fullmatch(name):
            mend = "use letters, digits, dot, - and _; begin with a letter or digit; 80 characters at most"
            raise ParameterError("A run needs another name.", [Fault("run", f"{name!r} cannot name a folder", mend)])
        self.name = name
        self._project = project
        self.runs = project / "runs" if project else runs_folder()
        self.path = self.runs / name
        self.ledger_path = self.runs / "ledger.db"
        self.codebook_path = self.path / "codebook.yaml"
        self.units_path = self.path / "units.jsonl"
        self.record_path = self.path / "run.json"
        self.carried_path = self.path / "ledger.jsonl"
        self.table_path = self.path / "table.csv"
        self.shards = self.path / "shards"
        self.results = self.path / "results"
        self.work = self.path / "work"

    def beside(self, name: str) -> RunFolder:
        """Return the folder of another run, beside this one."""
        return RunFolder(name, self._project)

    def read_record(self) -> dict[str, Any]:
        """Return what `run.json` says.

        Raises
        ------
        RunError
            There is no such run; the runs there are, are listed.
        RecordError
            It is damaged.
        """
        if not self.record_path.is_file():
            runs = list_runs(self.runs.parent)
            mend = mend_name(self.name, runs, f"plan it first, or open one of: {', '.join(runs)}")
            raise RunError(f"There is no run {self.name!r}. {say_mend(mend if runs else 'plan it first')}")
        return read_run_record(self.record_path)

    def write_record(self, record: dict[str, Any]) -> None:
        """Write `run.json`, all or nothing."""
        write_json(self.record_path, record)

    def read_codebook(self) -> Codebook:
        """Return the codebook the run was planned with.

        Raises
        ------
        RecordError
            It was changed: labels would be read, and questions shown, by an instrument that nobody was asked with.
        """
        book, planned = read_codebook(self.codebook_path), self.read_record()["codebook"].get("sha256")
        if book.digest != planned:
            raise RecordError(
                f"{show_path(self.codebook_path)} was changed after the run was planned: its digest differs from the "
                "one in run.json. To mend: plan the run again with the codebook of then, which writes it anew; a "
                "changed codebook is planned from the study's own file."
            )
        return book

    def check_shard(self, path: Path, sha256: str) -> None:
        """Refuse a shard that is not the one that was planned.

        Raises
        ------
        RecordError
            Its file is gone or changed.
        """
        if not path.is_file() or digest_of(path) != sha256:
            raise RecordError(
                f"{show_path(path)} is gone or was changed after it was planned (its SHA-256 is in the ledger). "
                "To mend: restore it from a backup, or plan a new run."
            )

    def check_record(self) -> None:
        """Refuse units, shards and result files that are not those of the record, by name and `run.json`.

        Raises
        ------
        RecordError
            A file was changed, or a result file that is recorded is gone; all of them are named.
        """
        check_record(self.path, self.read_record())

    def list_changed(self) -> tuple[str, ...]:
        """What `check_record` refuses, in words; what is gone, `list_gone` says."""
        return tuple(
            f"{path.relative_to(self.path).as_posix()} {problem}"
            for path, problem in find_faults(self.path, self.read_record(), since=self.table_path)
            if path.is_file()
        )

    def digest_files(self) -> dict[str, str]:
        """The SHA-256 of each result file and of the table, by their places in the folder."""
        paths = [*sorted(self.results.glob("[0-9]*.jsonl")), self.table_path]
        return {path.relative_to(self.path).as_posix(): digest_of(path) for path in paths}

    def list_gone(self, places: Iterable[str]) -> tuple[str, ...]:
        """Those of some places in the folder, and of the recorded ones, where no file is any more.

        The table is not among them: collect writes it again. Which shards there are, the ledger says.
        """
        recorded = {place for place in self.read_record().get("files", {}) if not place.startswith("shards/")}
        wanted = {*places, *recorded} - {self.table_path.name}
        return tuple(place for place in sorted(wanted) if not (self.path / place).is_file())

    def say_begun_erasure(self) -> tuple[str, ...]:
        """That an erasure in the project was begun and not finished, if so."""
        begun = (self.runs / ".erasing.json").is_file()
        return ("an erasure was begun and not finished: repeat `codebook erase`",) * begun

    def note_study(self, study: str) -> dict[str, Any]:
        """Note in the record of which study the run is, if that is said; return the record."""
        record = self.read_record()
        if study and record.get("study") != study:
            with self.lock():
                record = self.read_record() | {"study": study}
                self.write_record(record)
        return record

    def note_service(self, service: Service | None) -> Service:
        """Note in the record how whoever answers is called and waited for from now on, if anything is said of it.

        The caller holds the run. Returns what holds.
        """
        record = self.read_record()
        before = read_service(record.pop("service", {}))
        if service is None or service == before:
            return before
        fields = service.to_record()
        self.write_record(record | ({"service": fields} if fields else {}))
        return service

    def make_engine(self, asking: Asking, service: Service | None = None, **more: Any) -> Engine:
        """Return the engine that answers this run, with its own parameters; the path of an archive made absolute.

        What `service` says of calls is heeded by engines that take it, where the options do not say otherwise.
        """
        calls = {"timeout_s": service and service.timeout_s, "attempts": service and service.attempts}
        settings = {name: value for name, value in calls.items() if value is not None}
        known = list_settings(asking.engine) if settings else frozenset()
        options = {name: value for name, value in settings.items() if name in known} | {**asking.options, **more}
        if "archive" in options:
            options["archive"] = resolve_path(options["archive"])
        if is_replayed(self.runs):
            return self._make_unasked(asking, options)
        return make_engine(asking.engine, folder=self.work, model=asking.model, **options)

    def _make_unasked(self, asking: Asking, options: Mapping[str, Any]) -> Engine:
        """The engine of a run that is replayed: nobody is asked, and who was stands in the record."""
        record = self.read_record() if self.record_path.is_file() else {}
        asked = record.get("asked", {})
        recorded = asked.get("model", "") if asked.get("engine") == asking.engine else ""
        make = partial(make_engine, asking.engine, folder=self.work, **options)
        if not recorded or asking.model not in ("", recorded):
            return cast(Engine, Unasked(make(model=asking.model)))
        try:
            engine = make(model=recorded)
        except ParameterError:
            engine = make()  # it has another model by now
        same = asked.get("options") == asking.options
        return cast(Engine, Unasked(engine, recorded, record.get("answerer", "") if same else ""))

    def read_replayed(self) -> dict[str, Any]:
        """Who was asked, and how, of a run that is replayed, as `plan` takes it; empty of any other run."""
        home = RunFolder(find_version(self.runs, self.name), self._project)
        if not is_replayed(self.runs) or not home.record_path.is_file():
            return {}
        asked = Asking.from_record(home.read_record()).to_record()
        return {**asked, "private": bool(asked.get("private"))}

    def open_ledger(self) -> Ledger:
        """Open the ledger of the project, which must know this run.

        Raises
        ------
        RunError
            It does not: it was deleted or is another one, or the run's folder was renamed, copied or brought here.
        """
        ledger = open_known(self.runs, self.name)
        settle_losses(ledger, is_free)
        return ledger

    @contextmanager
    def lock(self, wait_s: float | None = None) -> Iterator[None]:
        """Hold the run, so that two processes do not work on it at once; wait for another one so long (`WAIT_S`).

        Raises
        ------
        BusyError
            Another process holds it.
        RunError
            The folder cannot be written.
        """
        make_private(self.path)
        if not os.access(self.path, os.W_OK):
            raise RunError(f"{show_path(self.path)} cannot be written, only read. {MEND_READ_ONLY}")
        with self._hold(WAIT_S if wait_s is None else wait_s):
            self._clear()
            yield

    @contextmanager
    def _hold(self, wait_s: float) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                stack.enter_context(hold(self.path / ".lock", f"run {self.name!r}", wait_s))
            except HeldError as error:
                raise BusyError(
                    f"Another process is working on run {self.name!r}: {error}. To mend: wait for it to end, then "
                    "repeat; nothing is lost, and looking (status, table, report) is always possible."
                ) from None
            yield

    def _clear(self) -> None:
        """Remove what a killed process left half written; the lock is held, so nobody is writing it now."""
        written = (self.units_path, self.codebook_path, self.record_path, self.table_path, self.carried_path)
        parts = (".*units.new.jsonl*", "shards/.*.part", "results/.fetch-*/.*.part")
        for pattern in (*(f".{path.name}.*.part" for path in written), *parts):
            for path in self.path.glob(pattern):
                path.unlink()
        for path in self.path.glob("results/.fetch-*"):
            with suppress(OSError):  # a file that could not be placed stays
                path.rmdir()


class KeptFolder(RunFolder):
    """Where the answers of a discarded run are, and what they need; nobody can plan a run of such a name."""

    _NAMES = re.compile(rf"{re.escape(KEPT)}/[A-Za-z0-9][A-Za-z0-9._-]{{0,79}}~\d+")


def find_folder(name: str) -> RunFolder:
    """Return the folder of a run, or of one that was discarded, by its name in the ledger."""
    return KeptFolder(name) if name.startswith(f"{KEPT}/") else RunFolder(name)


def say_kept(name: str) -> str:
    """A run's name as a person knows it.

    Examples
    --------
    >>> say_kept("one"), say_kept(".kept/one~2")
    ('one', 'one (discarded)')
    """
    return f"{name[len(KEPT) + 1 :].rpartition('~')[0]} (discarded)" if name.startswith(f"{KEPT}/") else name


def list_runs(project: Path | None = None) -> list[str]:
    """Return the names of the runs in the project, in the order of the alphabet, versions in theirs.

    Examples
    --------
    >>> import codebook as cb
    >>> cb.list_runs()
    ['topics']
    """
    runs = project / "runs" if project else runs_folder()
    return sorted((path.parent.name for path in runs.glob("*/run.json")), key=order_of)


def describe_software() -> dict[str, Any]:
    """Return the versions a referee may ask for: Python, packages and, where there is one, the git commit."""
    packages = {name: _find_version(name) for name in _PACKAGES}
    return {"python": sys.version.split()[0], "packages": packages, "git_commit": _git_commit()}


@cache
def _find_version(name: str) -> str:
    """The version that is installed; a package's record takes milliseconds to read, at every plan."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _git_commit() -> str:
    """The commit of the project's folder, marked where files differ from it; empty without git."""
    folder = project_folder()
    if "GIT_DIR" not in os.environ and not any((each / ".git").exists() for each in (folder, *folder.parents)):
        return ""
    command = ["git", "-C", str(folder), "describe", "--always", "--abbrev=40", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
