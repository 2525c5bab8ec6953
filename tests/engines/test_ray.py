"""Ray itself, in one local cluster: processes that die, vLLM's processor with a stand-in, and where it listens."""

from __future__ import annotations

import ipaddress
import os
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import dying
import orjson
import psutil
import pytest
from archives import make_request, write_shard

from codebook.engines.cluster.cluster_engine import ClusterEngine
from codebook.engines.cluster.driver import is_at_work
from codebook.errors import UnreachableError
from codebook.files.lines import read_lines
from codebook.records import JobState

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        find_spec("ray") is None and not os.environ.get("CI"), reason="ray is not installed: make setup"
    ),
]
STAND_INS = Path(dying.__file__).parent / "stand_ins"
LONG_S = 600
"""What is waited for at the longest: a busy machine is no fault."""


class DyingCluster(ClusterEngine):
    _offered = (dying.NAME,)


class Job(NamedTuple):
    state: JobState
    lines: list[dict[str, Any]]


class Worked(NamedTuple):
    folder: Path
    listening: set[str]
    dying: Job
    vllm: Job


def look_around(folder: Path) -> set[str]:
    """Where the driver of a folder, and what it began, listen."""
    words = ["codebook.engines.cluster.driver", str(folder)]
    drivers = [each for each in psutil.process_iter(["cmdline"]) if (each.info["cmdline"] or [])[-2:] == words]
    addresses = set[str]()
    for process in [below for each in drivers for below in [each, *each.children(recursive=True)]]:
        try:
            places = process.net_connections("inet")
        except psutil.Error:
            continue  # it has ended meanwhile
        addresses |= {place.laddr.ip for place in places if place.status == psutil.CONN_LISTEN}
    return addresses


def has_ended(engine: ClusterEngine, job: str) -> bool:
    try:
        return engine.poll(job).ended
    except UnreachableError:
        return False  # on a busy machine Ray's own patience may be over; the next look begins it again


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Worked:
    """Two jobs that one driver has done, the second one handed in while it works on the first."""
    home = tmp_path_factory.mktemp("home")
    folder, listening = home / "work", set[str]()
    texts = ["one", "two", "three", "[die] four", "five", "six"]
    first = write_shard(home / "1.jsonl", [make_request(text, f"c{n}") for n, text in enumerate(texts)])
    few = [make_request(text, f"v{n}") for n, text in enumerate(["one", "[refuse] two", "[cut] three"])]
    capped = [orjson.dumps(orjson.loads(each.body) | {"max_completion_tokens": 7}) for each in few]
    second = write_shard(home / "2.jsonl", [each._replace(body=body) for each, body in zip(few, capped, strict=True)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODEBOOK_PROJECT", str(home))
        patch.setenv("PYTHONPATH", os.pathsep.join([str(STAND_INS), str(STAND_INS.parent), os.environ["PYTHONPATH"]]))
        patch.setenv("RAY_ADDRESS", "192.0.2.7:6379")  # of nobody: what is not named is not called
        many = DyingCluster(folder, answering=dying.NAME, model="dying-1", concurrency=1)
        little = {"placement_group_config": {"bundles": [{"CPU": 0.2}]}}
        chat = ClusterEngine(folder, answering="vllm", model="/models/stand-in", concurrency=1, vllm=little)
        jobs = [many.submit(first, "first"), chat.submit(second, "second")]
        end = time.monotonic() + LONG_S
        while not all(has_ended(many, job) for job in jobs) and time.monotonic() < end:
            listening |= look_around(folder)
            time.sleep(2)
        done = [Job(many.poll(job), list(read_lines(many.fetch(job, home / job)[0]))) for job in jobs]
        while is_at_work(folder) and time.monotonic() < end:
            time.sleep(0.1)
    return Worked(folder, listening, *done)


def test_a_process_that_dies_costs_nothing_that_was_written(worked: Worked) -> None:
    assert (worked.dying.state.state, worked.dying.state.n_done) == ("completed", 6)
    assert [line["custom_id"] for line in worked.dying.lines] == [f"c{n}" for n in range(6)]
    assert (worked.folder / "asked.txt").read_text().split() == [f"c{n}" for n in range(6)], "each once"
    assert len({line["response"]["body"]["by"] for line in worked.dying.lines}) == 2, "by two processes"


def test_nothing_listens_beyond_this_machine(worked: Worked) -> None:
    assert worked.listening
    near = [ipaddress.ip_address(address) for address in worked.listening]
    assert all((getattr(address, "ipv4_mapped", None) or address).is_loopback for address in near), worked.listening


def test_rays_processor_of_vllm_answers_lines(worked: Worked) -> None:
    assert (worked.vllm.state.state, worked.vllm.state.n_done, worked.vllm.state.n_failed) == ("completed", 2, 1)
    good, refused, cut = (line["response"]["body"] for line in worked.vllm.lines)
    assert good["choices"][0] == {
        "index": 0,
        "message": {"role": "assistant", "content": '{"label": "sport"}', "refusal": None},
        "finish_reason": "stop",
    }
    assert good["usage"]["total_tokens"] == 8
    assert refused["error"]["message"] == "ValueError: this prompt is not read"
    assert (cut["choices"][0]["finish_reason"], cut["usage"]["completion_tokens"]) == ("length", 7)
