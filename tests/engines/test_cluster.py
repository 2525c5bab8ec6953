"""The engines of a cluster: what they say, refuse and find on disk, whoever died; Ray itself is in `test_ray.py`."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from archives import make_request, write_shard
from commands import Command
from fakes.fake_openai import FakeOpenAI
from fakes.scripted import make_book
from fakes.service import MODEL, TEXTS

import codebook as cb
from codebook.engines import make_engine
from codebook.engines.cluster import cluster_engine, driver
from codebook.engines.cluster.answering import Answerer, Row
from codebook.engines.cluster.chunk_files import ClusterJob, Piece, Task
from codebook.engines.cluster.cluster_engine import ClusterEngine, ClusterLiveEngine
from codebook.engines.cluster.driver import answer_job, is_at_work, work
from codebook.engines.embedded import MODEL as MODEL_OF_TEXTS
from codebook.engines.jobs import LocalEngine
from codebook.engines.protocol import result_line
from codebook.errors import MissingExtraError, ParameterError, PendingError, UnreachableError
from codebook.files.lines import read_lines
from codebook.records import Service, Shard, Unit
from codebook.run import plan
from codebook.scaffold import make_study

ASKED: list[str] = []
"""What the engines of this file were asked, in order."""


class Echo(LocalEngine):
    """Answers with the custom_id; the bodies say where it fails."""

    name, model = "echo", "echo-1"

    def answer(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        ASKED.extend(line["custom_id"] for line in lines)
        if any("dies" in str(line["body"]) for line in lines):
            raise KeyboardInterrupt
        if any("unreached" in str(line["body"]) for line in lines):
            raise UnreachableError("nobody answers there")
        return [result_line(line, 200, {"text": line["custom_id"]}, self.name) for line in lines]


def make_echo(task: Task, folder: Path) -> LocalEngine:
    return Echo(folder, chunk=2)


class EchoCluster(ClusterEngine):
    _offered = ("test_cluster:make_echo",)

    def __init__(self, folder: Path, **settings: Any) -> None:
        super().__init__(folder, answering=self._offered[0], model="echo-1", **settings)


def here(pieces: list[Piece], folder: str, job_id: str, n_answering: int) -> Iterator[Row]:
    """A cluster of this thread alone."""
    yield from map(Answerer(folder, job_id), pieces)


@pytest.fixture
def shard(tmp_path: Path) -> Shard:
    ASKED.clear()
    requests = [make_request(f"text {n}", f"c{n}") for n in range(10)]
    return write_shard(tmp_path / "shards" / "0001.jsonl", requests)


@pytest.fixture
def hand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Shard], ClusterJob]:
    """Hand a shard in; nobody works on it yet."""
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path))
    monkeypatch.setattr(cluster_engine, "start_driver", lambda folder: None)

    def handed(shard: Shard) -> ClusterJob:
        engine = EchoCluster(tmp_path / "work", chunk=4)
        return engine._job(engine.submit(shard, shard.path.name))

    return handed


def answer(job: ClusterJob, pipeline: driver.Pipeline = here) -> None:
    answer_job(job, job.read_task(), job.note_start(), pipeline)


def ids(job: ClusterJob) -> list[str]:
    return [str(line["custom_id"]) for line in read_lines(job.final)]


def test_all_answers_come_in_the_order_of_the_shard_whoever_gave_them(
    shard: Shard, hand_in: Callable[[Shard], ClusterJob]
) -> None:
    job = hand_in(shard)
    answer(job, lambda pieces, *others: here(pieces[::-1], *others))
    assert ids(job) == [f"c{n}" for n in range(10)]
    assert ASKED == ["c8", "c9", "c4", "c5", "c6", "c7", "c0", "c1", "c2", "c3"]
    assert not job.chunks.exists()


def test_what_a_dead_driver_left_is_not_asked_again(shard: Shard, hand_in: Callable[[Shard], ClusterJob]) -> None:
    job = hand_in(shard)

    def die_behind(pieces: list[Piece], folder: str, job_id: str, n_answering: int) -> Iterator[Row]:
        yield Answerer(folder, job_id)(pieces[0])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        answer(job, die_behind)
    part = job.chunks / "00000005-00000008-1.part.jsonl"
    whole = next(job.chunks.glob("00000001-*.jsonl")).read_bytes().replace(b'"c0"', b'"c6"').splitlines(keepends=True)
    part.write_bytes(whole[0] + whole[1][:20])  # of a process that died: one answer, and half of another
    ASKED.clear()
    answer(job)
    assert ASKED == ["c4", "c5", "c7", "c8", "c9"]
    assert ids(job) == [f"c{n}" for n in range(10)]


def test_a_process_that_dies_goes_on_behind_its_last_answer(
    tmp_path: Path, hand_in: Callable[[Shard], ClusterJob]
) -> None:
    ASKED.clear()
    requests = [make_request("dies" if n == 3 else "lives", f"c{n}") for n in range(5)]
    shard = write_shard(tmp_path / "shards" / "0002.jsonl", requests)
    job = hand_in(shard)
    (piece,) = (piece for piece in job.cut(job.read_task(), 1) if "c3" in str(piece.read(shard.path)))
    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            Answerer(str(job.final.parent), job.job_id)(piece)
    assert ["c0", "c1", *["c2", "c3"] * 3] == ASKED
    told = Answerer(str(job.final.parent), job.job_id)(piece)
    assert told["problem"] == (
        "the process that answers lines 1 to 4 of 0002.jsonl died 3 times; the other lines can be asked again"
    )


def test_a_wish_to_stop_keeps_what_is_answered(shard: Shard, hand_in: Callable[[Shard], ClusterJob]) -> None:
    job = hand_in(shard)
    engine = EchoCluster(job.final.parent)

    def stop_behind(pieces: list[Piece], folder: str, job_id: str, n_answering: int) -> Iterator[Row]:
        answerer = Answerer(folder, job_id)
        yield answerer(pieces[0])
        engine.cancel(job_id)
        yield answerer(pieces[1])

    answer(job, stop_behind)
    state = engine.poll(job.job_id)
    assert (state.state, state.n_total, state.n_done) == ("cancelled", 10, 4)
    assert ASKED == ["c0", "c1", "c2", "c3"]
    (path,) = engine.fetch(job.job_id, job.final.parent / "into")
    assert len(list(read_lines(path))) == 4
    work(job.final.parent)
    assert ASKED == ["c0", "c1", "c2", "c3"], "nobody goes on"


def test_where_nobody_drives_the_next_look_begins_a_driver(
    shard: Shard, hand_in: Callable[[Shard], ClusterJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    job, begun = hand_in(shard), list[Path]()
    engine = EchoCluster(job.final.parent)
    monkeypatch.setattr(cluster_engine, "start_driver", begun.append)
    assert engine.poll(job.job_id).state == "in_progress"
    assert begun == [engine.folder]
    with driver._make_lock(engine.folder):
        assert is_at_work(engine.folder)
        engine.poll(job.job_id)
        assert engine.submit(shard, shard.path.name) == job.job_id
    assert begun == [engine.folder], "one is at work"
    with pytest.raises(PendingError, match="0 of 10 answered"):
        engine.fetch(job.job_id, job.final.parent / "into")
    begun.clear()
    for _ in range(3):
        job.note_start()
    state = engine.poll(job.job_id)
    assert (state.state, "died again and again" in state.note) == ("failed", True)
    assert begun == []
    engine.submit(shard, shard.path.name)
    assert begun == [engine.folder], "a person decides"


def test_what_goes_wrong_is_told_at_the_next_look(
    tmp_path: Path, shard: Shard, hand_in: Callable[[Shard], ClusterJob], monkeypatch: pytest.MonkeyPatch
) -> None:
    job = hand_in(write_shard(tmp_path / "shards" / "0003.jsonl", [make_request("unreached", "a")]))
    monkeypatch.setattr(driver, "connect", lambda *_: threading.Lock())
    monkeypatch.setattr(driver, "choose_pipeline", lambda task: here)
    work(job.final.parent)
    engine = EchoCluster(job.final.parent)
    with pytest.raises(UnreachableError, match="nobody answers there"):
        engine.poll(job.job_id)
    assert engine.poll(job.job_id).state == "in_progress", "it is tried again"
    other = hand_in(shard)
    monkeypatch.setattr(driver, "choose_pipeline", lambda task: lambda *_: iter(()))
    work(job.final.parent)
    state = engine.poll(other.job_id)
    assert (state.state, state.note) == ("failed", "10 questions came back without an answer")
    assert engine.fetch(other.job_id, tmp_path / "into")[0].read_bytes() == b""


def test_a_machine_that_does_not_see_the_folder_says_so(tmp_path: Path) -> None:
    told = Answerer(str(tmp_path), "gone")(Piece("1-1-1", ((1, 0, 2),)))
    assert "To mend: put the project into a folder that all machines of the cluster share" in told["problem"]
    assert not told["passing"]


def test_all_faults_of_the_settings_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ParameterError) as caught:
        make_engine(
            "cluster", folder=tmp_path, answering="vllm", address="ray://head:1", concurrency=0, chunk="many", threads=2
        )
    assert [fault.where for fault in caught.value.faults] == ["concurrency", "chunk", "address", "model", "threads"]
    with pytest.raises(ParameterError, match="did you mean 'embedded'"):
        make_engine("cluster", folder=tmp_path, answering="embeded")
    with pytest.raises(ParameterError, match="give provider="):
        make_engine("cluster_live", folder=tmp_path, model="m")
    with pytest.raises(ParameterError) as caught:
        make_engine("cluster_live", folder=tmp_path, provider="vllm", calls=0, timeout_s=0)
    assert [fault.where for fault in caught.value.faults] == ["calls", "timeout_s", "model"]


def test_who_answers_is_the_same_wherever_it_is_computed(tmp_path: Path) -> None:
    for settings in ({}, {"address": "127.0.0.1:6379"}):
        assert make_engine("cluster", folder=tmp_path, **settings).answerer == "embedded"
    live = {"model": "m", "provider": "vllm", "base_url": "http://127.0.0.1:8000/v1"}
    here = make_engine("openai_live", folder=tmp_path, **live)
    assert make_engine("cluster_live", folder=tmp_path, **live).answerer == here.answerer
    assert make_engine("cluster", folder=tmp_path, answering="vllm", model="/models/m").answerer == "vllm"


def test_no_cluster_is_called_that_nobody_confirmed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_engine, "find_spec", lambda name: name)
    engine = make_engine("cluster", folder=tmp_path, address="head.example.org:6379")
    with pytest.raises(ParameterError, match=r"codebook trust head\.example\.org:6379"):
        engine.check_ready()
    assert "which nobody confirmed" in cluster_engine.say_cluster({"address": "head.example.org:6379"})
    monkeypatch.setenv("CODEBOOK_TRUSTED_HOSTS", "head.example.org:6379")
    assert "nobody confirmed" not in cluster_engine.say_cluster({"address": "head.example.org:6379"})


def test_a_cluster_that_cannot_be_reached_is_told_and_nothing_is_lost(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_engine, "find_spec", lambda name: name)
    units = [Unit(f"u{n}", text) for n, text in enumerate(TEXTS)]
    run = plan(make_book("topic"), units, run="r", engine="cluster", options={"address": "127.0.0.1:9"})
    with pytest.raises(UnreachableError, match=r"127\.0\.0\.1:9 cannot be reached .*Nothing is lost"):
        run.submit()
    status = run.status()
    assert (status.n_pending, status.n_rows) == (len(TEXTS), len(TEXTS))
    assert [job.state for job in status.jobs] == ["planned"]
    assert plan(make_book("topic"), units, run="other").status().jobs, "another run may ask the same"


def test_without_ray_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_engine, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"codebook-kit\[cluster\]"):
        make_engine("cluster", folder=tmp_path).check_ready()


def test_calls_from_a_cluster_are_those_of_the_live_engine(fake: FakeOpenAI, project: Path) -> None:
    requests = [make_request(f"text {n}", f"c{n}") for n in range(3)]
    shard = write_shard(project / "shards" / "1.jsonl", requests)
    engine = ClusterLiveEngine(project / "work", provider="openai", base_url=fake.base_url, model=MODEL, calls=2)
    job = ClusterJob(project / "work", "job")
    job.final.parent.mkdir()
    job.write_intent(shard, "key")
    job.write_task(Task(shard, "endpoint", MODEL, engine.task.options, environment={"CODEBOOK_PROJECT": str(project)}))
    answer(job)
    assert ids(job) == ["c0", "c1", "c2"]
    assert os.environ["CODEBOOK_PROJECT"] == str(project)
    assert b"sk-" not in b"".join(path.read_bytes() for path in job.final.parent.rglob("*") if path.is_file())


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new study that names the cluster; whoever drives it is begun by hand."""
    home = tmp_path / "study"
    make_study(home)
    monkeypatch.chdir(home)
    with (home / "study.yaml").open("a", encoding="utf-8") as file:
        file.write("engine: cluster\noptions: {chunk: 5}\n")
    monkeypatch.setenv("CODEBOOK_CONFIG", os.devnull)
    monkeypatch.setattr(cluster_engine, "find_spec", lambda name: name)
    monkeypatch.setattr(cluster_engine, "start_driver", lambda folder: None)
    monkeypatch.setattr(driver, "connect", lambda *_: threading.Lock())
    monkeypatch.setattr(driver, "choose_pipeline", lambda task: here)
    return home


def test_check_tells_what_a_cluster_lacks_before_anything_is_sent(
    study: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("check").exit_code == 0
    written = (study / "study.yaml").read_text()
    for address, words in {
        "127.0.0.1:9": "127.0.0.1:9 cannot be reached (Connection refused). Nothing is lost. To mend: see that Ray",
        "head.example.org:6379": "which the study names. To mend: if you know and trust it, `codebook trust head",
    }.items():
        (study / "study.yaml").write_text(written.replace("chunk: 5", f"address: '{address}'"))
        checked = command("check")
        assert (checked.exit_code, checked.output.count("FAULT"), words in checked.output) == (1, 1, True)
    monkeypatch.setattr(cluster_engine, "find_spec", lambda name: None)
    checked = command("check")
    assert checked.output.count("FAULT") == 2
    assert words in checked.output
    assert "codebook-kit[cluster]" in checked.output
    assert not (study / "runs").exists()


@pytest.mark.slow
def test_a_run_on_a_cluster_lives_by_the_usual_commands(study: Path, command: Command) -> None:
    for words in (["plan"], ["submit", "study"]):
        assert command(*words).exit_code == 0
    (task,) = study.rglob("*.task.json")
    job = ClusterJob(task.parent, task.name.removesuffix(".task.json"))
    Answerer(str(task.parent), job.job_id)(next(job.cut(job.read_task(), 1)))
    assert re.search(r"study +1 +cluster .* in_progress +12 +5 +0 ", command("status").output)
    assert "study" in command("cancel", "study", "--yes").output
    collected = command("collect", "study")
    assert "12 asked = 5 labelled + 7 cancelled" in collected.output
    assert "7 questions will be asked again" in command("retry", "study").output
    assert command("submit", "study").exit_code == 0
    work(task.parent)
    assert "12 asked = 12 labelled" in command("collect", "study").output
    assert re.search(r"study +2 +cluster .* completed +7 +7 +0 ", command("status").output)
    assert re.search(r"study +12 +12 ", command("costs").output)
    assert command("report", "study").exit_code == 0
    (page,) = (study / "runs" / "study").glob("*.html")
    assert "Nothing: the answers were computed on a cluster." in page.read_text("utf-8")


def read_page(path: Path, engine: str) -> list[str]:
    """The lines of a report, without what tells when it was made, and by which engine where."""
    text = re.sub(r"<[^>]+>", " ", path.read_text("utf-8"))
    lines = re.sub(r"\([0-9a-f]{12}\)", "(of the record)", text).splitlines()
    own = re.compile(r"[0-9a-f]{16}…|dates \(UTC\)|Nothing: the answers were computed on (this machine|a cluster)")
    assert len(lines) > 100
    return [line.replace(MODEL_OF_TEXTS, "model").replace(engine, "engine") for line in lines if not own.search(line)]


@pytest.mark.slow
def test_a_study_moves_to_a_cluster_by_one_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pages, tables, results = {}, {}, {}
    monkeypatch.setattr(driver, "connect", lambda *_: threading.Lock())
    monkeypatch.setattr(driver, "choose_pipeline", lambda task: here)
    begin = lambda folder: threading.Thread(target=work, args=[folder]).start()  # noqa: E731
    monkeypatch.setattr(cluster_engine, "start_driver", begin)
    for engine in ("embedded", "cluster"):
        home = tmp_path / engine / "study"
        make_study(home)
        monkeypatch.setenv("CODEBOOK_PROJECT", str(home))
        with (home / "study.yaml").open("a", encoding="utf-8") as file:
            file.write(f"engine: {engine}\n")
        study = cb.open_study()
        assert study.check().ok
        run = study.plan()
        run.submit()
        status = cb.wait(run, service=Service(poll_s=(0.05, 0.2)), out=lambda _: None)
        assert (status.sentence, status.n_pending) == ("12 asked = 12 labelled", 0)
        tables[engine] = run.table().drop(columns=["run_id", "batch_id", "seconds"])
        (results[engine],) = (path.read_bytes() for path in (run.folder.results).glob("*.jsonl"))
        pages[engine] = read_page(cb.write_report(run.name), engine)
        assert run.costs().frame["USD"].tolist() == [0.0]
    assert results["embedded"] == results["cluster"], "to the byte"
    pd.testing.assert_frame_equal(tables["embedded"], tables["cluster"])
    assert pages["embedded"] == pages["cluster"]
