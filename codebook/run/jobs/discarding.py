"""Discard: a run goes, with its rows and its folder; answers that it was given stay, in a folder that no run has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path

from codebook.errors import RunError
from codebook.files.lines import link_file
from codebook.files.run_versions import find_version, list_versions, split_version
from codebook.ledger import Ledger
from codebook.ledger.losses import settle_losses
from codebook.paths import make_private
from codebook.run.folder import KeptFolder, RunFolder
from codebook.run.jobs.stopping import name_job
from codebook.run.money import is_free
from codebook.run.questions.trimming import sweep_leftovers


def discard_run(name: str) -> str:
    """Drop a run as `discard_exact` does; of several versions the one that is meant has to be named.

    Raises
    ------
    RunError
        The name stands for several versions; or as for `discard_exact`.

    Examples
    --------
    >>> import codebook as cb
    >>> cb.discard_run("topics")
    'Run topics is discarded; its 12 answers stay with the project, in runs/.kept/topics~1, ...'
    """
    return discard_exact(name_discarded(name))


def name_discarded(name: str) -> str:
    """The version that goes where a run of this name is dropped; of several the one that is meant has to be named."""
    folder = RunFolder(name)
    versions = list_versions(folder.runs, name) if name == split_version(name)[0] else []
    if len(versions) > 1:
        named = [f"{name}.v1" if version == name else version for version in versions]
        raise RunError(
            f"Run {name!r} has {len(versions)} versions, and nothing was dropped. To mend: name the one that is meant: "
            f"{', '.join(named)}."
        )
    return find_version(folder.runs, name)


def discard_exact(name: str) -> str:
    """Drop a run, with its folder; answers that were given to it stay with the project and serve later runs.

    Its result files, the requests and units they answer, and its record go to `runs/.kept`; table, outputs and
    notebooks are removed. What it cost still counts. The folder may be gone already. Repeated after a crash it goes on.

    Returns
    -------
    str
        What was done.

    Raises
    ------
    RunError
        There is no such run, a job of it is under way or not collected, or an erasure was begun.
    """
    folder = RunFolder(name)
    if not folder.ledger_path.is_file():
        raise RunError(f"There is no run {name!r}: the project has no ledger.")
    with Ledger(folder.ledger_path) as ledger:
        settle_losses(ledger, is_free)
        begun = name in ledger.leftovers()
        sweep_leftovers(folder.runs, ledger)
        if ledger.is_planned(name) is None:
            if begun:  # and killed before its folder was gone
                return f"Run {name} is discarded."
            raise RunError(f"The ledger knows no run {name!r}. To mend: `codebook status` lists the runs.")
        with folder.lock() if folder.path.is_dir() else nullcontext():
            _refuse_begun(folder)
            copy = KeptFolder(ledger.name_kept(name))
            ledger.intend_keeping(copy.name)
            if not ledger.discard(name, copy.name, partial(_keep_files, folder, copy)):
                raise _still_open(ledger, name)
            n_answers = ledger.count_given(copy.name)
        sweep_leftovers(folder.runs, ledger)
    return f"Run {name} is discarded{_say_kept(n_answers, copy)}."


def _refuse_begun(folder: RunFolder) -> None:
    """An erasure that was begun knows the run by its name."""
    if begun := folder.say_begun_erasure():
        raise RunError(f"Run {folder.name!r} was not discarded: {begun[0]}.")


def _still_open(ledger: Ledger, name: str) -> RunError:
    """The error of a run whose answers are outstanding."""
    jobs = [row for row in ledger.jobs(name) if row.open]
    return RunError(
        f"Run {name!r} has jobs that are not collected: {', '.join(map(name_job, jobs))}. Nothing was changed. "
        f"To mend: `codebook collect {name}`, or `codebook cancel {name}` and then collect; then repeat."
    )


def _say_kept(n_answers: int, folder: KeptFolder) -> str:
    if not n_answers:
        return ""
    what = "its one answer stays" if n_answers == 1 else f"its {n_answers:,} answers stay"
    return f"; {what} with the project, in runs/{folder.name}, and later runs rest on them"


def _keep_files(folder: RunFolder, copy: KeptFolder) -> None:
    """Let the files that answers need lie in the other folder too: the same files where that is possible, else copies.

    Without the units nobody could tell which answers are about somebody who is to be erased.
    """
    for path in _list_needed(folder):
        target = copy.path / path.relative_to(folder.path)
        make_private(target.parent)
        link_file(path, target)


def _list_needed(folder: RunFolder) -> Iterator[Path]:
    """Result files, and what tells what they answer; nothing where there is no result."""
    results = sorted(folder.results.glob("[0-9]*.jsonl"))
    yield from results
    if results:
        yield from sorted(folder.shards.glob("[0-9]*.jsonl"))
        others = (folder.units_path, folder.codebook_path, folder.record_path, folder.carried_path)
        yield from (path for path in others if path.is_file())
