"""The process that gets killed at some point where something becomes lasting; and what is wrong with a run afterwards.

`lives.py life NTH` lives through a run and kills itself before its NTH point (0: never, and it prints which there
were; -1: it waits before its end, until somebody else kills it); `lives.py sweep FOLDER FIRST` does that in every kind
of life for every second of the chosen points, each in a fork and a project of its own, and prints what it found as JSON
lines.
"""

from __future__ import annotations

import csv
import gc
import os
import signal
import sqlite3
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from shutil import copytree
from traceback import walk_stack
from types import FrameType
from typing import Any

import orjson
import pandas as pd
from fakes.scripted import asked_lines, make_book, register, result_ids

from codebook.codings import count_coverage, read_table
from codebook.files.lines import read_lines
from codebook.ledger import Ledger, migrations
from codebook.paths import project_folder
from codebook.records import Unit
from codebook.run import Run, discard_run, list_runs, open_run, plan
from codebook.shards import Cuts

ROOT = Path(__file__).parents[2]
PACKAGE = f"{ROOT / 'codebook'}{os.sep}"
TOPICS = ROOT / "data" / "topics_sib200_en"
EVERYTHING = bool(os.environ.get("CRASH_EVERY_POINT"))
LASTING = ("fsync", "replace", "link", "truncate")
UNITS = [
    *(Unit(f"u{n}", f"Sentence {n} about coal.") for n in range(8)),
    Unit("copy", "Sentence 3 about coal."),
    Unit("once", "[500 once]"),
    Unit("lost", "[drop]"),
    Unit("no", "[refuse]"),
    Unit("nothing", ""),
]
COMPARED = ["unit_id", "coder", "variable", "label", "draw", "why", "custom_id", "raw"]


class Points:
    """Notes every call that makes something last, and kills the process at the `nth`.

    `places` are the ways through the package on which they were reached: two points of one place differ in what was
    there before, and not in the code that goes on.
    """

    def __init__(self, nth: int = 0) -> None:
        self.nth, self.seen, self.places = nth, list[str](), list[str]()

    def point(self, name: str, before: Callable[[], object] = lambda: None) -> None:
        """Count it; where the process dies here, do what comes before its death."""
        self.seen.append(name)
        way = [f"{file_of(frame)}:{line}" for frame, line in walk_stack(None) if is_ours(frame)]
        self.places.append(" < ".join([name, *way]))
        if len(self.seen) == self.nth:
            before()
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, name: str, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        raise NotImplementedError

    def install(self) -> None:
        """Put points where something becomes lasting. Nobody waits for the disk: a kill leaves what it was to write."""
        calls = {name: getattr(os, name) for name in LASTING} | {"fsync": lambda file: None}
        for name, call in calls.items():
            setattr(os, name, partial(self.around, name, call))
        migrations.SYNCHRONOUS = "OFF"
        death, connect = self, sqlite3.connect

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
                call = super().execute
                return death.around(sql, call, sql, *args) if sql == "COMMIT" else call(sql, *args)

        sqlite3.connect = lambda *args, **options: connect(*args, **options, factory=Connection)  # type: ignore

    def write(self, path: Path) -> None:
        """Write what was passed, in order."""
        path.write_bytes(orjson.dumps({"points": self.seen, "places": self.places}))


def is_ours(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(PACKAGE)


def file_of(frame: FrameType) -> str:
    return frame.f_code.co_filename.rpartition(os.sep)[2]  # a Path of each would take a tenth of a life


def choose_points(places: Sequence[str], share: int = 6) -> list[int]:
    """Numbers of the points to die at: the first at each place, and of the others one in `share`."""
    numbers = range(1, len(places) + 1)
    if EVERYTHING:
        return [*numbers]
    first = {places[nth - 1]: nth for nth in reversed(numbers)}.values()
    return sorted({*first, *[nth for nth in numbers if nth not in first][::share]})


class _Death(Points):
    """A death before the `nth` point; `torn` loses the last bytes of the file as well.

    With -1 it stands still before the table is put in its place, the last thing that a life does.
    """

    def __init__(self, nth: int, *, torn: bool = False) -> None:
        super().__init__(nth)
        self.torn = torn

    def around(self, name: str, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        self.point(name, before=partial(tear, args[0]) if self.torn else lambda: None)
        if self.nth == -1 and name == "replace" and Path(args[1]).name == "table.csv":
            threading.Event().wait()
        return call(*args, **options)


def tear(file: int) -> None:
    os.ftruncate(file, max(0, os.fstat(file).st_size - 5))


def live_scripted() -> None:
    """A whole life: plan, submit, collect, retry what failed, submit and collect again."""
    run = plan(make_book("topic"), UNITS, run="one", engine="scripted", cuts=Cuts(n_requests=6))
    run.submit()
    run.collect()
    run.retry()
    run.submit()
    run.collect()


def plan_shared() -> None:
    """Two runs with questions in common, both planned."""
    cuts = Cuts(n_requests=4)
    plan(make_book("topic"), UNITS[:8], run="one", engine="scripted", cuts=cuts)
    plan(make_book("topic"), UNITS[2:8], run="two", engine="scripted", cuts=cuts)


def live_shared() -> None:
    """The one that sends first asks them; the other asks the rest, and leaves one of its shards out."""
    for name in ("two", "one"):
        open_run(name).submit()
    for name in ("one", "two"):
        open_run(name).collect()


def plan_another() -> None:
    """A plan that nothing was handed in of."""
    plan(make_book("topic", "tone"), UNITS[4:], run="one", engine="scripted", cuts=Cuts(n_requests=3))


def live_replaced() -> None:
    """The plan is replaced by another one, which is sent."""
    run = plan(make_book("topic"), UNITS[:8], run="one", engine="scripted", cuts=Cuts(n_requests=4))
    run.submit()
    run.collect()


def collect_shared() -> None:
    """Two runs, of which the second rests on answers of the first."""
    plan_shared()
    for name in ("one", "two"):
        open_run(name).submit()
        open_run(name).collect()


def live_discarded() -> None:
    """The first run is discarded, and another of its name rests on what it was given."""
    if not is_discarded():
        discard_run("one")
    units = [*UNITS[1:8], Unit("new", "A new sentence.")]
    run = plan(make_book("topic"), units, run="one", engine="scripted")
    run.submit()
    run.collect()


def is_discarded() -> bool:
    """Whether the first run "one" is gone, with its folder."""
    with Ledger(project_folder() / "runs" / "ledger.db") as ledger:
        return bool(ledger.list_kept("one")) and "one" not in ledger.leftovers()


LIVES: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
    "scripted": (lambda: None, live_scripted),
    "shared": (plan_shared, live_shared),
    "replaced": (plan_another, live_replaced),
    "discarded": (collect_shared, live_discarded),
}
"""What is done once, before there can be a death, and the life."""


def live_embedded() -> None:
    """Plan, submit and collect 150 sentences with the embedded engine in shards of 50."""
    with (TOPICS / "texts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:150]
    units = [Unit(row["text_id"], row["text"]) for row in rows]
    run = plan(TOPICS / "codebook.yaml", units, run="one", cuts=Cuts(n_requests=50))
    run.submit()
    run.collect()


def _fork(project: Path, death: _Death, live: Callable[[], None]) -> tuple[int, dict[str, list[str]]]:
    """Live in a child process; return its wait status and, where it came to its end, its points and their places."""
    passed = project / "points.json"
    child = os.fork()
    if not child:
        code = 1
        try:
            os.environ["CODEBOOK_PROJECT"] = str(project)
            death.install()
            live()
            death.write(passed)
            code = 0
        except BaseException:  # noqa: BLE001  the fork must end here, whatever happened
            traceback.print_exc()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return status, orjson.loads(passed.read_bytes()) if passed.exists() else {"points": [], "places": []}


def sweep(root: Path, begin: int) -> None:
    """Die at every second of the chosen points of each life."""
    register()
    for life, steps in LIVES.items():  # here, so that no fork has to import anything
        os.environ["CODEBOOK_PROJECT"] = str(make_folder(root / life / "here"))
        for step in steps:
            step()
    gc.freeze()
    for life, (prepare, live) in LIVES.items():
        sweep_life(root / life, begin, prepare, live)


def sweep_life(root: Path, begin: int, prepare: Callable[[], None], live: Callable[[], None]) -> None:
    """Die at these points (with a torn file at every fsync), live on, and say what came of it."""
    say_of = partial(say, life=root.name)
    prepared = make_folder(root / "prepared")
    assert _fork(prepared, _Death(0), prepare)[0] == 0
    (prepared / "points.json").unlink()
    status, passed = _fork(copytree(prepared, root / "whole"), _Death(0), live)
    say_of(at="whole", first=status, **passed, **look(root / "whole", {}))
    tables = (root / "whole" / "runs").glob("*/table.csv")
    calm = {path.parent.name: read_table(path)[COMPARED] for path in tables}
    names = {nth: passed["points"][nth - 1] for nth in choose_points(passed["places"])}
    deaths = [(nth, torn) for nth, name in names.items() for torn in sorted({False, name == "fsync"})]
    for nth, torn in deaths[begin::2]:
        project = copytree(prepared, root / f"{nth}-{torn}")
        first, _ = _fork(project, _Death(nth, torn=torn), live)
        second, _ = _fork(project, _Death(0), live)
        say_of(at=f"{nth} {names[nth]}{' torn' * torn}", first=first, second=second, **look(project, calm))


def make_folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path


def say(**found: Any) -> None:
    print(orjson.dumps(found).decode(), flush=True)


def look(project: Path, calm: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """What is wrong with a project that lived through its death."""
    os.environ["CODEBOOK_PROJECT"] = str(project)
    try:
        wrong = [said for name in list_runs() for said in find_wrong(open_run(name), calm.get(name))]
        answered = Counter(name for run in list_runs() for name in result_ids(project / "runs" / run))
        again = {name for name, n in answered.items() if n > 1 and name.split(".")[1] != "once"}
        wrong += [f"asked again: {again}"] * bool(again) + [*find_strays(project / "runs", calm)]
        return {"wrong": wrong, "n_asked": len(asked_lines(project))}
    except Exception:  # noqa: BLE001  reported, and the test fails on it
        return {"wrong": [traceback.format_exc()], "n_asked": -1}


def find_strays(runs: Path, calm: Collection[str]) -> Iterator[str]:
    """Runs that should not be there, or are missing, and folders that nothing knows."""
    if calm and set(list_runs()) != {*calm}:
        yield f"runs: {list_runs()}"
    with closing(sqlite3.connect(runs / "ledger.db")) as db:
        kept = {run for (run,) in db.execute("SELECT run_id FROM runs WHERE discarded_at IS NOT NULL")}
    if (there := {path.relative_to(runs).as_posix() for path in runs.glob(".kept/*")}) != kept:
        yield f"kept: {there ^ kept}"
    if (runs / ".gone").exists():
        yield "something is being removed"


def find_wrong(run: Run, calm: pd.DataFrame | None, *, asked_again: Collection[str] = ()) -> Iterator[str]:
    """Compare a run with one that was never interrupted, and its files with its ledger.

    `asked_again` are units whose truncated reply was asked for again by choice.
    """
    table, status = run.table(), run.status()
    if not status.done:
        yield f"answers are outstanding: {status}"
    if not read_table(run.folder.table_path)[COMPARED].equals(table[COMPARED]):
        yield "table.csv is not the table"
    if calm is not None and not table[COMPARED].equals(calm):
        yield f"the table differs: {table[COMPARED].compare(calm)}"
    counts = count_coverage(table)
    if counts["asked"].sum() != len(table) or status.n_rows != len(table):
        yield "the counts do not add up"
    with sqlite3.connect(run.folder.ledger_path) as db:
        ours = "SELECT file FROM shards WHERE run_id = ? AND n_requests > 0"
        shards = {row[0] for row in db.execute(ours, (run.name,))}
        leftovers = db.execute("SELECT path FROM leftovers").fetchall()
        twice = db.execute(
            "SELECT ask_id FROM answers WHERE why IS NULL GROUP BY ask_id HAVING count(*) > 1"
        ).fetchall()
        open_asks = db.execute("SELECT count(*) FROM asks WHERE open = 1").fetchone()[0]
    db.close()
    if leftovers:
        yield f"left over: {leftovers}"
    if twice or open_asks:
        yield f"{len(twice)} questions are answered twice, {open_asks} are open"
    if (there := {path.name for path in run.folder.shards.iterdir()}) != shards:
        yield f"shards: {there ^ shards}"
    if strays := [path.name for path in run.folder.results.glob("*") if path.suffix != ".jsonl" or path.name[0] == "."]:
        yield f"results holds {strays}"
    if strays := [path.name for path in run.folder.path.iterdir() if path.name[0] == "." and path.name != ".lock"]:
        yield f"the run's folder holds {strays}"
    good = Counter(
        line["custom_id"]
        for path in run.folder.results.glob("*.jsonl")
        for line in read_lines(path)
        if (line["response"] or {}).get("status_code") == 200 and line["custom_id"].split(".")[1] not in asked_again
    )
    if good and max(good.values()) > 1:
        yield f"answered more than once: {[name for name, n in good.items() if n > 1]}"


def main(what: str, *arguments: str) -> None:
    if what == "sweep":
        sweep(Path(arguments[0]), int(arguments[1]))
    else:
        death = _Death(int(arguments[0]))
        death.install()
        live_embedded()
        print(death.seen)


if __name__ == "__main__":
    main(*sys.argv[1:])
