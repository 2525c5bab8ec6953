"""Lives through a run at the fake service, is killed at some point of it, and lives on.

`crash_child.py FOLDER PART PARTS` forks a client for each death, lets it be killed, starts it again, and
prints what came of it as JSON lines. The service is a process of its own, which notices nothing.
"""

from __future__ import annotations

import gc
import os
import re
import shutil
import signal
import sqlite3
import ssl
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import lru_cache, partial
from pathlib import Path
from time import sleep
from typing import Any

import httpx2
import orjson
from fakes.fake_process import FakeProcess
from fakes.scripted import make_book
from lives import COMPARED, EVERYTHING, Points, choose_points, find_wrong, say

from codebook.errors import PendingError
from codebook.ledger.spending import Money
from codebook.records import Unit
from codebook.run import Run, open_run, plan
from codebook.shards import Cuts

UNITS = [
    *(Unit(f"u{n}", f"Sentence {n} about coal.") for n in range(6)),
    Unit("copy", "Sentence 3 about coal."),
    Unit("once", "[500 once]"),
    Unit("cut", "[truncate]"),
    Unit("no", "[refuse]"),
    Unit("nothing", ""),
]
MODEL = "gpt-6-luna"
N_SHARDS = 5  # three, and one for each of the two retries
MAKING = ("GET /v1/batches", "POST /v1/files", "POST /v1/batches")
"""The requests by which a batch is made."""
N_TOKENS = 1000
"""Room for one shard."""


class Death(Points):
    """A death before or after a request or a write: at the `nth` point, or at the first one called `at`."""

    def __init__(self, nth: int = 0, at: str = "") -> None:
        super().__init__(nth)
        self.at = at

    def point(self, name: str, before: Callable[[], object] = lambda: None) -> None:
        if name == self.at:
            self.nth = len(self.seen) + 1
        super().point(name, before)

    def around(self, name: str, call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        self.point(f"before {name}")
        result = call(*args, **options)
        self.point(f"after {name}")
        return result

    def install(self) -> None:
        """Put points around every request as well."""
        super().install()
        send = httpx2.Client.send

        def counted(client: httpx2.Client, request: httpx2.Request, **options: Any) -> httpx2.Response:
            path = re.sub(r"(batch_|file-)\w+", "ID", request.url.path)
            return self.around(f"{request.method} {path}", send, client, request, **options)

        httpx2.Client.send = counted  # type: ignore


def live(base_url: str) -> None:
    """A whole life: plan, submit, collect, retry what failed and what was cut short, submit and collect again."""
    options = {"base_url": base_url, "pause_s": 0.01}
    asked: dict[str, Any] = {"engine": "openai_batch", "model": MODEL, "options": options}
    run = plan(make_book("topic"), UNITS, run="one", cuts=Cuts(n_requests=3), **asked)
    _answer(run)
    run.retry(["failed"])
    run.retry(["truncated"], max_tokens=2000)
    _answer(run)


def _answer(run: Run) -> None:
    """Submit and collect until all is there: a batch takes a step at each look, and may have to wait for others."""
    for _ in range(30):
        run.submit(cap=1.0)
        try:
            run.collect()
        except PendingError:
            continue
        return
    raise AssertionError("the service does not come to an end")


# --- the driver


class Driver:
    """Forks clients in projects below a folder; they share one service, which is emptied in between."""

    def __init__(self, root: Path, fake: FakeProcess, how: str = "") -> None:
        self.root, self.fake, self.n = root, fake, 0
        os.environ["OPENAI_API_KEY"] = fake.key
        self.renew()
        ssl.create_default_context = lru_cache(ssl.create_default_context)  # nobody here speaks TLS
        live(fake.base_url)  # here, so that no fork has to import anything
        gc.freeze()
        self.renew()
        self.calm: dict[str, Any] | None = None
        died = [self.fork(Death())]
        passed = orjson.loads((self.project / "points.json").read_bytes())
        self.points: list[str] = passed["points"]
        self.places: list[str] = passed["places"]
        seen = self.see()
        found = {**passed, "wrong": [*self.judge(seen)], "n_spare": seen["spare"], "n_full": seen["full"]}
        say(at="calm", how=how, died=died, lived=0, **found)
        self.calm = seen

    def renew(self) -> None:
        """Begin with an empty project, and a service that knows nothing."""
        self.n += 1
        self.project = self.root / f"project-{self.n}"
        self.project.mkdir(parents=True)
        os.environ["CODEBOOK_PROJECT"] = str(self.project)
        self.fake.do("reset")

    def fork(self, death: Death) -> int:
        """Live in a child process; return its wait status."""
        return os.waitpid(self.start(death), 0)[1]

    def start(self, death: Death) -> int:
        """Begin a life in a child process; return its number."""
        child = os.fork()
        if not child:
            code = 1
            try:
                death.install()
                live(self.fake.base_url)
                death.write(self.project / "points.json")
                code = 0
            except BaseException:  # noqa: BLE001  the fork must end here, whatever happened
                traceback.print_exc()
            finally:
                os._exit(code)
        return child

    def go(self, at: str, how: str, deaths: list[Death], between: Callable[[], object] = lambda: None) -> None:
        """Die these deaths one after the other, live on, and say what came of it."""
        self.renew()
        died = [self.fork(death) for death in deaths]
        between()
        self.end(at, how, died)

    def kill_on_the_way(self, call: str, number: int, *, work: bool) -> None:
        """Kill a client from outside while it waits for the answer to its nth call, before or after the work."""
        self.renew()
        self.fake.do("fault", call, "timeout", after=number, seconds=600, work=work)
        child, kind = self.start(Death()), call.split(".")[0]
        while not self._waits(call, kind, number, work=work):
            sleep(0.002)
        os.kill(child, signal.SIGKILL)
        self.end(f"on the way of {call} {number}", f"work={work}", [os.waitpid(child, 0)[1]])

    def _waits(self, call: str, kind: str, number: int, *, work: bool) -> bool:
        state = self.fake.state()
        came = sum(name == call for name, *_ in state["calls"])
        made = sum(thing.get("purpose", "batch") == "batch" for thing in state[kind].values())
        return came == number + 1 and made == number + work

    def end(self, at: str, how: str, died: list[int]) -> None:
        """Live to the end and say what came of it all."""
        lived = self.fork(Death())
        try:
            seen = self.see()
            n_spare, wrong = seen["spare"], [*self.judge(seen)]
        except Exception:  # noqa: BLE001  reported, and the test fails on it
            n_spare, wrong = -1, [traceback.format_exc()]
        say(at=at, how=how, died=died, lived=lived, n_spare=n_spare, wrong=wrong)
        shutil.rmtree(self.project)

    def lose_notes(self) -> None:
        """Lose what the engine noted of its jobs."""
        shutil.rmtree(self.project / "runs" / "one" / "work", ignore_errors=True)

    def lag(self) -> None:
        """Let the next list not show the newest batch yet."""
        self.fake.do("fault", "batches.list", "stale")

    def see(self) -> dict[str, Any]:
        """What the service did, and what the ledger knows of it. Batches that found no room never ran: `full`."""
        state, run = self.fake.state(), open_run("one")
        with closing(sqlite3.connect(run.folder.ledger_path)) as db:
            jobs = sorted(db.execute("SELECT job_id, job_key FROM jobs"))
        batches = [(name, batch) for name, batch in state["batches"].items() if batch["status"] != "failed"]
        uploads = {name for name, file in state["files"].items() if file["purpose"] == "batch"}
        return {
            "jobs": jobs,
            "made": sorted((name, batch["metadata"]["codebook_job"]) for name, batch in batches),
            "billed": sorted(state["billed"]),
            "full": len(state["batches"]) - len(batches),
            "spare": len(uploads - {batch["input_file_id"] for _, batch in batches}),
            "spent": without_last_digits(run.status().money),
            "table": run.table()[COMPARED],
        }

    def judge(self, seen: dict[str, Any]) -> Iterator[str]:
        """What is wrong with the run, at the service and on disk."""
        calm = self.calm or seen
        yield from find_wrong(open_run("one"), calm["table"], asked_again=["cut"])
        if seen["jobs"] != seen["made"]:
            yield f"the service has {seen['made']}, the ledger {seen['jobs']}"
        if len(seen["made"]) != N_SHARDS or len({key for _, key in seen["made"]}) != N_SHARDS:
            yield f"{len(seen['made'])} batches were made for {N_SHARDS} shards"
        if any(n != 1 for *_, n in seen["billed"]) or seen["billed"] != calm["billed"]:
            yield f"billed: {seen['billed']}"
        if seen["spent"].reserved or not seen["spent"].spent or seen["spent"] != calm["spent"]:
            yield f"the money is {seen['spent']}, and should be {calm['spent']}"


def without_last_digits(money: Money) -> Money:
    """The money without the last digits of a sum, which hang on the order of the answers."""
    return money._replace(spent=round(money.spent, 12), reserved=round(money.reserved, 12))


def choose_deaths(places: Sequence[str]) -> list[tuple[int, str]]:
    """(number, point) of the deaths to die once: around every request that makes something, and after the others.

    A death before a read or a write leaves what one after the point before it leaves. Of what is alike, some.
    """
    names = [place.split(" < ")[0] for place in places]
    if EVERYTHING:
        return [*enumerate(names, 1)]
    making = {nth for nth, name in enumerate(names, 1) if name.split(" ", 1)[1] in MAKING}
    others = [nth for nth, name in enumerate(names, 1) if nth not in making and name.startswith("after")]
    chosen = [others[n - 1] for n in choose_points([places[nth - 1] for nth in others], share=12)]
    return [(nth, names[nth - 1]) for nth in sorted(making.union(chosen))]


def list_deaths(driver: Driver) -> Iterator[Callable[[], None]]:
    """Every death to die: the chosen points once, and worse deaths where something is made."""
    chosen = choose_deaths(driver.places)
    for nth, at in chosen:
        yield partial(driver.go, f"{nth} {at}", "once", [Death(nth)])
    making = [(nth, at) for nth, at in chosen if "/v1/" in at and (EVERYTHING or at.split(" ", 1)[1] in MAKING)]
    for n, (nth, at) in enumerate(making):
        if EVERYTHING or n // 2 % 2:  # by turns, request by request
            yield partial(driver.go, f"{nth} {at}", "twice", [Death(nth), Death(at=at)])
        if EVERYTHING or not n // 2 % 2:
            yield partial(driver.go, f"{nth} {at}", "notes lost", [Death(nth)], driver.lose_notes)
        if at == "after POST /v1/batches":
            yield partial(driver.go, f"{nth} {at}", "list lags", [Death(nth)], driver.lag)
    for number in range(N_SHARDS) if EVERYTHING else (0, N_SHARDS - 1):
        for call in ("files.create", "batches.create"):
            for work in (False, True):
                yield partial(driver.kill_on_the_way, call, number, work=work)


def sweep(root: Path, part: int, parts: int) -> None:
    """Die one part of all deaths: with room for all batches, then with room for one at a time."""
    with FakeProcess(root / "service") as fake:
        driver = Driver(root / "roomy", fake)
        for go in [*list_deaths(driver)][part::parts]:
            go()
        fake.set(enqueued_limit={MODEL: N_TOKENS})
        driver = Driver(root / "full", fake, "waves")
        requests = [(nth, at) for nth, at in enumerate(driver.points, 1) if "/v1/" in at]
        for nth, at in requests[part :: parts if EVERYTHING else 8 * parts]:
            driver.go(f"{nth} {at}", "waves", [Death(nth)])


if __name__ == "__main__":
    sweep(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
