"""SIGKILL before and after every request to the service and every write, while batches run and are paid.

`crash_child.py` is the client that dies, and the driver that starts it again. By default it dies around every request
that makes something, and after the others and the writes once at each place of the package, and at some of those that
are alike; `CRASH_EVERY_POINT=1` makes it die at every point, in ten to twenty minutes. The worse deaths (twice at the
same point, the engine's notes lost, a list that lags, while an answer is on its way, with room for one batch at a time)
are a spread of the points by default.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from fakes.fake_openai import FakeOpenAI
from fakes.scripted import make_book
from lives import EVERYTHING

from codebook.records import Unit
from codebook.run import plan

pytestmark = pytest.mark.slow

CHILD = Path(__file__).parents[1] / "support" / "crash_child.py"
N_PARTS = 2
LONGEST_S = 3000  # a bound for what hangs: it takes two minutes on a quiet machine, and many on a crowded one


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[list[dict[str, Any]]]:
    """What each half of all deaths came to, and two lives without a death: with room for all batches, and for one."""
    root = tmp_path_factory.mktemp("deaths")
    halves = [
        subprocess.Popen(
            [sys.executable, str(CHILD), str(root / str(part)), str(part), str(N_PARTS)],
            text=True,
            stdout=subprocess.PIPE,
        )
        for part in range(N_PARTS)
    ]
    try:
        outputs = [half.communicate(timeout=LONGEST_S)[0] for half in halves]
    finally:
        for half in halves:
            half.kill()  # nothing where it has ended
            half.communicate()
    assert [half.returncode for half in halves] == [0] * N_PARTS
    return [[orjson.loads(line) for line in output.splitlines()] for output in outputs]


@pytest.fixture(scope="module")
def points(said: list[list[dict[str, Any]]]) -> list[str]:
    """The points of a whole life, in order."""
    return list(said[0][0]["points"])


@pytest.fixture(scope="module")
def deaths(said: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """All deaths and what came of them."""
    return [death for half in said for death in half if death["at"] != "calm"]


def test_a_life_without_a_death_asks_everything_once(said: list[list[dict[str, Any]]]) -> None:
    calm = [found for half in said for found in half if found["at"] == "calm"]
    assert [found["how"] for found in calm] == ["", "waves"] * N_PARTS
    for found in calm:
        assert (found["died"], found["wrong"], found["n_spare"]) == ([0], [], 0)
        assert (found["n_full"] > 0) == (found["how"] == "waves"), "batches are refused where there is room for one"


def test_a_life_has_every_kind_of_request_and_of_write(points: list[str]) -> None:
    counts = Counter(points)
    assert {name.split(" ", 1)[0] for name in counts} == {"before", "after"}
    assert all(counts[f"after {name[7:]}"] == n for name, n in counts.items() if name.startswith("before"))
    made = [counts[f"after {name}"] for name in ("POST /v1/files", "POST /v1/batches", "GET /v1/batches")]
    assert made == [5, 5, 2], "the whole list is read once a submit"
    assert counts["after GET /v1/batches/ID"] > 10
    assert counts["after GET /v1/files/ID/content"] >= 5
    assert min(counts[f"before {name}"] for name in ("fsync", "replace", "COMMIT")) > 20


def test_the_deaths_are_around_every_request_that_makes_something_and_after_every_place_of_the_package(
    said: list[list[dict[str, Any]]], points: list[str], deaths: list[dict[str, Any]]
) -> None:
    died = {int(death["at"].split()[0]) for death in deaths if death["how"] == "once"}
    assert died >= {nth for nth, name in enumerate(points, 1) if "POST" in name or name.endswith("GET /v1/batches")}
    places: list[str] = said[0][0]["places"]
    assert {places[nth - 1] for nth in died} >= {place for place in places if place.startswith("after")}
    assert len({place for place in places if place.startswith("after")}) > 40
    assert not EVERYTHING or len(died) == len(points)


@pytest.mark.parametrize("how", ["once", "twice", "notes lost", "list lags", "work=False", "work=True", "waves"])
def test_every_death_is_survived_and_nothing_is_paid_twice(deaths: list[dict[str, Any]], how: str) -> None:
    """Every question answered, each body billed once, one batch a shard, each of them in the ledger."""
    mine = [death for death in deaths if death["how"] == how]
    assert len(mine) >= 4
    for death in mine:
        assert os.WTERMSIG(death["died"][0]) == signal.SIGKILL, death
        assert (death["lived"], death["wrong"]) == (0, []), death
        assert 0 <= death["n_spare"] <= len(death["died"]), death  # an upload that no batch uses costs nothing


def test_a_second_death_at_the_same_point_is_reached(deaths: list[dict[str, Any]]) -> None:
    second = [os.WTERMSIG(death["died"][1]) for death in deaths if death["how"] == "twice"]
    assert second.count(signal.SIGKILL) > len(second) * 0.7


def test_uploads_are_wasted_only_where_a_client_dies_between_the_upload_and_its_note(
    deaths: list[dict[str, Any]],
) -> None:
    wasted = {death["at"].split(" ", 1)[1] for death in deaths if death["how"] == "once" and death["n_spare"]}
    assert "after POST /v1/files" in wasted
    assert wasted <= {"after POST /v1/files", "before fsync", "after fsync", "before replace"}


@pytest.mark.parametrize("lags", [False, True])
def test_cancel_after_an_interruption_stops_the_batch_that_nobody_noted(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lags: bool
) -> None:
    """Ctrl-C between the service's work and the note of it; then the run is given up. No batch goes on unseen."""
    send = httpx2.Client.send

    def interrupted(client: httpx2.Client, request: httpx2.Request, **options: Any) -> httpx2.Response:
        answer = send(client, request, **options)
        if (request.method, request.url.path) == ("POST", "/v1/batches"):
            answer.close()  # as the end of the process would
            raise KeyboardInterrupt
        return answer

    with FakeOpenAI(tmp_path / "service", auto=False) as fake:
        monkeypatch.setenv("OPENAI_API_KEY", fake.key)
        options = {"base_url": fake.base_url, "pause_s": 0.01}
        units = [Unit("a", "One."), Unit("b", "Two.")]
        run = plan(make_book("topic"), units, run="one", engine="openai_batch", model="gpt-6-luna", options=options)
        with monkeypatch.context() as patch:
            patch.setattr(httpx2.Client, "send", interrupted)
            with pytest.raises(KeyboardInterrupt):
                run.submit()
        if lags:
            fake.fault("batches.list", "stale")
        (job,) = run.cancel().jobs
        assert {name: batch["status"] for name, batch in fake.batches.items()} == {job.job_id: "cancelling"}
        fake.settle()
        status = run.collect()
    assert status.counts == {"topic": {"cancelled": 2}}
    assert (fake.n_created, sum(fake.billed.values())) == (1, 0)
