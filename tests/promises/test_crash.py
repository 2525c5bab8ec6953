"""SIGKILL where something becomes lasting: run again, and every question is answered exactly once.

`lives.py` is the process that gets killed: at every place of the package that makes something last, and at some points
of those that are alike; `CRASH_EVERY_POINT=1` makes it die at every point.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from fakes.scripted import result_ids
from lives import COMPARED, LIVES, choose_points, find_wrong

from codebook.codings import read_table
from codebook.run import open_run

pytestmark = pytest.mark.slow

CHILD = Path(__file__).parents[1] / "support" / "lives.py"


def start(*args: str, project: Path, **options: Any) -> subprocess.Popen[str]:
    """Start `lives.py`."""
    environment = os.environ | {"CODEBOOK_PROJECT": str(project)}
    command = [sys.executable, str(CHILD), *args]
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, **options)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[list[dict[str, Any]]]:
    """What each half of all deaths came to, and the lives without one."""
    root = tmp_path_factory.mktemp("deaths")
    halves = [start("sweep", str(root / half), half, project=root) for half in ("0", "1")]
    outputs = [process.communicate(timeout=1800)[0] for process in halves]
    assert [process.returncode for process in halves] == [0, 0]
    return [[orjson.loads(line) for line in output.splitlines()] for output in outputs]


@pytest.mark.parametrize("life", LIVES)
def test_dying_at_every_place_of_a_run_loses_nothing_and_asks_nothing_twice(
    said: list[list[dict[str, Any]]], life: str
) -> None:
    deaths = []
    for half in said:
        whole, *more = [found for found in half if found["life"] == life]
        deaths += more
        assert (whole["first"], whole["wrong"]) == (0, [])
    assert {"fsync", "replace", "COMMIT", "link"} <= set(whole["points"])
    chosen = choose_points(whole["places"])
    assert {whole["places"][nth - 1] for nth in chosen} == set(whole["places"])
    assert len(deaths) == len(chosen) + sum(whole["points"][nth - 1] == "fsync" for nth in chosen) > 40
    for death in deaths:
        assert os.WTERMSIG(death["first"]) == signal.SIGKILL, death["at"]
        assert (death["second"], death["wrong"]) == (0, []), death["at"]
        # what a chunk of three had answered, but not yet written, is computed again, and nothing else is
        assert death["n_asked"] <= whole["n_asked"] + 3, death["at"]


def live(project: Path, nth: int = 0) -> int:
    """Live with the embedded engine in a process of its own; return its exit code."""
    with start("life", str(nth), project=project) as process:
        process.communicate(timeout=1800)
    return process.returncode


def kill_when(project: Path, pattern: str, n_files: int, later_s: float) -> int:
    """Kill a life from outside, a moment after so many files are in the run's folder; return its exit code."""
    with start("life", "-1", project=project) as process:
        while process.poll() is None and len(list((project / "runs" / "one").glob(pattern))) < n_files:
            time.sleep(0.002)
        time.sleep(later_s)
        process.kill()
        process.communicate(timeout=1800)
    return process.returncode


def test_the_embedded_engine_goes_on_after_every_death(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One run dies again and again, in submit and in collect, from inside and from outside."""
    calm = tmp_path_factory.mktemp("calm")
    assert live(calm) == 0
    codes = [
        kill_when(project, "work/*.job.json", 1, 0.3),  # the first shard is being answered
        live(project, 7),  # its answers are written, not yet synced
        live(project, 10),
        kill_when(project, "work/*.job.json", 2, 0.02),
        kill_when(project, "results/*.jsonl", 1, 0.0),  # the first results are in place, not yet indexed
        live(project, 5),
    ]
    assert codes.count(-signal.SIGKILL) >= 5, codes
    assert live(project) == 0
    run = open_run("one")
    assert [*find_wrong(run, read_table(calm / "runs" / "one" / "table.csv")[COMPARED])] == []
    assert run.status().counts == {"topic": {"": 150}}
    assert sorted(result_ids(run.folder.path)) == sorted(run.table()["custom_id"])
