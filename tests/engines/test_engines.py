"""The drawer of engines: its registry and protocol, and the work that survives a crash, shared by all local engines."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

import codebook
from codebook.engines import ENGINES, Engine, about_engine, make_engine
from codebook.engines.jobs import LocalEngine
from codebook.engines.protocol import result_line
from codebook.errors import BusyError, EngineError, MissingExtraError, ParameterError, PendingError, RecordError
from codebook.files.lines import digest_file, read_lines, write_lines
from codebook.records import RESPONSES, Shard


class Echo(LocalEngine):
    """A small engine of the same seam: it answers with the text, and fails where the text says so."""

    name = "echo"
    model = "echo-1"

    def answer(self, lines: list[dict[str, Any]]) -> list[Mapping[str, Any]]:
        for line in lines:
            match line["body"]["text"]:
                case "fail":
                    raise ValueError("asked to fail")
                case "stop":
                    raise KeyboardInterrupt
                case "missing":
                    raise MissingExtraError("The echo", "echo")
                case "cancel":
                    self.cancel(self.find("job") or "")
        return [result_line(line, 200, {"text": line["body"]["text"]}, self.name) for line in lines]


def write_shard(folder: Path, texts: list[str]) -> Shard:
    path = folder / "shard.jsonl"
    lines = [
        {"custom_id": f"c{n}", "method": "POST", "url": RESPONSES, "body": {"model": "echo-1", "text": text}}
        for n, text in enumerate(texts)
    ]
    write_lines(path, lines)
    return Shard(path, digest_file(path), RESPONSES, "echo-1", len(texts), path.stat().st_size, 0)


def answers(engine: Engine, job_id: str, into: Path) -> list[dict[str, Any]]:
    (path,) = engine.fetch(job_id, into)
    assert path == into / "output.jsonl"
    return list(read_lines(path))


@pytest.mark.parametrize("room", ["run", "report", "widgets", "execute", "cli"])
def test_nothing_is_decided_by_the_name_of_an_engine(room: str) -> None:
    folder = Path(codebook.__file__).parent / room
    lines = [line for path in folder.rglob("*.py") for line in path.read_text("utf-8").splitlines()]
    assert len(lines) > 100
    compared = re.compile(rf"""(==|!=|\bin\b)\s*\W*["']({"|".join(ENGINES)})["']""")
    assert [line for line in lines if compared.search(line)] == []


@pytest.mark.parametrize(
    ("name", "charges", "batch"),
    [
        *(("embedded", False, False), ("cluster", False, False), ("cluster_live", True, False)),
        *(("openai_batch", True, True), ("openai_live", True, False), ("replay", False, False)),
    ],
)
def test_an_engine_says_itself_whether_it_charges(name: str, *, charges: bool, batch: bool) -> None:
    about = about_engine(name)
    assert about is not None
    assert (about.charges, about.batch) == (charges, batch)
    assert not (about.charges and about.at_once) or about_engine(about.at_once).watches_money


def test_of_an_engine_that_is_not_known_here_nothing_is_said() -> None:
    assert about_engine("somebody's") is None


@pytest.mark.parametrize("name", ENGINES)
def test_every_registered_engine_keeps_the_protocol(name: str, tmp_path: Path) -> None:
    settings: dict[str, Any] = {}
    if name == "replay":
        for kind in ("shards", "results"):
            write_lines(tmp_path / kind / "a.jsonl", [{"custom_id": "a", "url": RESPONSES, "body": {"model": "m"}}])
        settings["archive"] = tmp_path
    elif name.startswith("openai") or name == "cluster_live":
        settings["model"] = "gpt-6-luna"
        settings |= {"provider": "vllm"} if name == "cluster_live" else {}
    engine = make_engine(name, folder=tmp_path / "work", **settings)
    assert isinstance(engine, Engine)
    assert engine.name == name
    assert engine.model
    assert engine.limits.n_requests > 0
    for verb in ("submit", "find", "poll", "fetch", "cancel"):
        assert (
            list(inspect.signature(getattr(engine, verb)).parameters)
            == list(inspect.signature(getattr(Engine, verb)).parameters)[1:]
        )


def test_an_unknown_engine_or_setting_is_refused_with_the_near_one(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="did you mean 'replay'"):
        make_engine("repay", folder=tmp_path)
    with pytest.raises(ParameterError, match="did you mean 'threads'"):
        make_engine("embedded", folder=tmp_path, thread=2)
    with pytest.raises(ParameterError, match="give archive="):
        make_engine("replay", folder=tmp_path)
    with pytest.raises(ParameterError, match="use 'embedded-use-minilm-2'"):
        make_engine("embedded", folder=tmp_path, model="gpt-4.1")


def test_submit_answers_once_and_a_repeat_changes_nothing(tmp_path: Path) -> None:
    shard, engine = write_shard(tmp_path, ["a", "b", "c"]), Echo(tmp_path / "work", chunk=2)
    assert engine.find("job") is None
    job_id = engine.submit(shard, "job")
    state = engine.poll(job_id)
    assert (state.state, state.n_total, state.n_done, state.n_failed) == ("completed", 3, 3, 0)
    assert engine.find("job") == job_id == Echo(tmp_path / "work").find("job")
    before = engine.fetch(job_id, tmp_path / "into")[0].read_bytes()
    assert engine.submit(shard, "job") == job_id
    engine.cancel(job_id)
    assert engine.poll(job_id).state == "completed"
    assert engine.fetch(job_id, tmp_path / "into")[0].read_bytes() == before
    assert [line["custom_id"] for line in read_lines(tmp_path / "into" / "output.jsonl")] == ["c0", "c1", "c2"]


@pytest.mark.parametrize("key", ["../../etc/passwd", "run/7 shard 3", "ключ", "k" * 300])
def test_a_job_key_never_leads_out_of_the_folder(key: str, tmp_path: Path) -> None:
    engine = Echo(tmp_path / "work")
    job_id = engine.submit(write_shard(tmp_path, ["a"]), key)
    assert job_id.isascii()
    assert len(job_id) < 80
    assert {path.parent for path in tmp_path.rglob("*.jsonl")} == {tmp_path, tmp_path / "work"}
    assert answers(engine, job_id, tmp_path / "into")[0]["custom_id"] == "c0"


def test_an_unknown_job_has_failed(tmp_path: Path) -> None:
    engine = Echo(tmp_path)
    assert engine.poll("../x").state == "failed"
    assert "knows no job" in engine.poll("../x").note
    engine.cancel("../x")
    with pytest.raises(EngineError, match="submit the shard again"):
        engine.fetch("../x", tmp_path)


def test_a_line_that_fails_costs_one_answer(tmp_path: Path) -> None:
    engine = Echo(tmp_path / "work", chunk=3)
    job_id = engine.submit(write_shard(tmp_path, ["a", "fail", "b", "c"]), "job")
    assert engine.poll(job_id).n_failed == 1
    codes = [line["response"]["status_code"] for line in answers(engine, job_id, tmp_path / "into")]
    assert codes == [200, 500, 200, 200]
    failed = answers(engine, job_id, tmp_path / "into")[1]
    assert failed["response"]["body"]["error"]["message"] == "ValueError: asked to fail"


def test_a_missing_extra_and_an_interrupt_stop_the_shard(tmp_path: Path) -> None:
    engine = Echo(tmp_path / "work", chunk=1)
    with pytest.raises(MissingExtraError, match="codebook-kit\\[echo\\]"):
        engine.submit(write_shard(tmp_path, ["missing"]), "missing")
    with pytest.raises(KeyboardInterrupt):
        engine.submit(write_shard(tmp_path, ["a", "stop"]), "job")
    job_id = engine.find("job")
    assert job_id is not None
    assert engine.poll(job_id).state == "in_progress"
    assert engine.poll(job_id).n_done == 1
    with pytest.raises(PendingError, match="1 of 2 answered"):
        engine.fetch(job_id, tmp_path / "into")


@pytest.mark.parametrize(
    "torn", [b"", b'{"id":"x","cus', b"\x00\x00\x00", b'{"custom_id":"c2"}', b'{"custom_id":"other"}\n']
)
def test_a_torn_or_foreign_last_line_is_answered_again(torn: bytes, tmp_path: Path) -> None:
    shard, whole = write_shard(tmp_path, ["a", "b", "c", "d"]), Echo(tmp_path / "whole")
    expected = whole.fetch(whole.submit(shard, "job"), tmp_path / "expected")[0].read_bytes()
    engine = Echo(tmp_path / "work")
    job_id = engine.submit(shard, "job")
    final = tmp_path / "work" / f"{job_id}.jsonl"
    part = final.with_suffix(".part.jsonl")
    final.rename(part)
    part.write_bytes(b"".join(expected.splitlines(keepends=True)[:2]) + torn)
    assert engine.poll(job_id).state == "in_progress"
    assert engine.submit(shard, "job") == job_id
    assert final.read_bytes() == expected


def test_cancel_keeps_what_is_answered(tmp_path: Path) -> None:
    shard, engine = write_shard(tmp_path, ["a", "cancel", "b", "c"]), Echo(tmp_path / "work", chunk=2)
    job_id = engine.submit(shard, "job")
    state = engine.poll(job_id)
    assert (state.state, state.n_total, state.n_done) == ("cancelled", 4, 2)
    assert [line["custom_id"] for line in answers(engine, job_id, tmp_path / "into")] == ["c0", "c1"]
    assert engine.submit(shard, "job") == job_id
    assert engine.poll(job_id).n_done == 2
    with FileLock(tmp_path / "work" / f"{job_id}.lock"):
        assert engine.poll(job_id).state == "cancelling"


def test_a_job_is_answered_by_one_process_and_for_one_shard(tmp_path: Path) -> None:
    shard, engine = write_shard(tmp_path, ["a"]), Echo(tmp_path / "work")
    job_id = engine.submit(shard, "job")
    (tmp_path / "work" / f"{job_id}.jsonl").unlink()
    with FileLock(tmp_path / "work" / f"{job_id}.lock"), pytest.raises(BusyError, match="wait for it"):
        engine.submit(shard, "job")
    other = write_shard(tmp_path, ["b"])
    with pytest.raises(EngineError, match="use a new job key"):
        engine.submit(other, "job")
    with pytest.raises(RecordError, match="plan the run again"):
        engine.submit(shard, "another")


def test_progress_shows_numbers_and_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine = Echo(tmp_path / "work", progress=True)
    engine.submit(write_shard(tmp_path, ["private words"]), "job")
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "1/1" in shown.err
    assert "private" not in shown.err
