"""The replay engine: an archived run answers to the byte, and what it lacks is named."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest
from archives import hand_made, make_request, rest_of, write_shard
from fakes.scripted import make_book

from codebook.dialects import write_reply
from codebook.engines import Engine, make_engine
from codebook.engines.embedded import MODEL
from codebook.engines.protocol import result_line
from codebook.engines.replay import read_archive
from codebook.errors import EngineError, ParameterError, RecordError, ReplayError
from codebook.files import unfolding
from codebook.files.lines import read_lines, write_lines
from codebook.records import CHAT, Service, Shard, Unit
from codebook.run import plan

TEXTS = ["The team won.", "Prices rose.", "two\u2028lines \x00 and 🏳️‍🌈", "=cmd()", "The team won."]


def replay(engine: Engine, shard: Shard, into: Path) -> bytes:
    return engine.fetch(engine.submit(shard, "job"), into)[0].read_bytes()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder as the embedded engine leaves it."""
    folder = tmp_path_factory.mktemp("run")
    shard = write_shard(folder / "shards" / "0.jsonl", [make_request(text, f"a{n}") for n, text in enumerate(TEXTS)])
    engine = make_engine("embedded", folder=folder / "work")
    engine.fetch(engine.submit(shard, "job"), folder / "results" / "0")
    return folder


@pytest.mark.parametrize("form", ["run", "flat", "gz"])
def test_an_archived_run_comes_back_to_the_byte(form: str, archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "archive"
    shutil.copytree(archive / "shards", folder / "shards")
    result = archive / "results" / "0" / "output.jsonl"
    if form == "flat":
        shutil.copy(result, folder / "results.jsonl")
    else:
        shutil.copytree(archive / "results", folder / "results")
    if form == "gz":
        for path in list(folder.rglob("*.jsonl")):
            path.with_suffix(".jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
            path.unlink()
    engine = make_engine("replay", folder=tmp_path / "work", archive=folder)
    assert engine.model == MODEL
    shard = write_shard(tmp_path / "asked.jsonl", [make_request(text, f"a{n}") for n, text in enumerate(TEXTS)])
    assert replay(engine, shard, tmp_path / "into") == result.read_bytes()


def test_other_custom_ids_get_the_answer_of_the_same_body(tmp_path: Path) -> None:
    folder = hand_made(tmp_path / "a", {f"a{n}": (text, rest_of(n)) for n, text in enumerate(TEXTS)})
    engine = make_engine("replay", folder=tmp_path / "work", archive=folder)
    asked = [make_request(TEXTS[0], "b0"), make_request(TEXTS[1], "b1"), make_request(TEXTS[0], "a0")]
    lines = replay(engine, write_shard(tmp_path / "asked.jsonl", asked), tmp_path / "into").splitlines()
    expected = [("b0", 4), ("b1", 1), ("a0", 0)]  # a0 is asked for under its own name, so b0 gets the other one, a4
    assert lines == [b'{"id": "x", "custom_id": "%s", %s}' % (name.encode(), rest_of(n)) for name, n in expected]


def test_an_answer_is_preferred_to_an_error_and_the_later_to_the_earlier(tmp_path: Path) -> None:
    folder = hand_made(tmp_path / "a", {"a": ("x", rest_of(1)), "b": ("y", b'"response": null, "error": {}')})
    failed = b'{"id": "x", "custom_id": "a", "response": {"status_code": 500}, "error": null}\n'
    retried = b'{"id": "y", "custom_id": "b", %s}\n' % rest_of(2)
    (folder / "results" / "1.jsonl").write_bytes(failed + retried)
    engine = make_engine("replay", folder=tmp_path / "work", archive=folder)
    shard = write_shard(tmp_path / "asked.jsonl", [make_request("x", "a"), make_request("y", "b")])
    lines = replay(engine, shard, tmp_path / "into").splitlines()
    assert [rest_of(n) in line for n, line in zip((1, 2), lines, strict=True)] == [True, True]


def test_missing_answers_are_all_found_before_anything_is_answered(archive: Path, tmp_path: Path) -> None:
    engine = make_engine("replay", folder=tmp_path / "work", archive=archive)
    new = [make_request(f"new {n}", f"n{n}") for n in range(12)]
    shard = write_shard(tmp_path / "asked.jsonl", [make_request(TEXTS[0], "a0"), *new])
    with pytest.raises(ReplayError, match=r"12 of 13 requests: n0, .*n9, \.\.\.\. .*ask another engine") as caught:
        engine.submit(shard, "job")
    assert "n10" not in str(caught.value)
    assert caught.value.keys[0] == new[0].request_key
    assert engine.find("job") is None


def test_more_draws_than_archived_are_missing(tmp_path: Path) -> None:
    folder = hand_made(tmp_path / "a", {"d0": ("x", rest_of(0)), "d1": ("x", rest_of(1))})
    engine = make_engine("replay", folder=tmp_path / "work", archive=folder)
    shard = write_shard(tmp_path / "asked.jsonl", [make_request("x", f"d{n}") for n in range(3)])
    with pytest.raises(ReplayError, match="1 of 3 requests: d2"):
        engine.submit(shard, "job")


def test_an_archive_has_one_model(tmp_path: Path) -> None:
    folder = hand_made(tmp_path / "a", {"a": ("x", rest_of(0))}, model="gpt-4.1-2025-04-14")
    make = make_engine("replay", folder=tmp_path / "work", archive=folder)
    assert make.model == "gpt-4.1-2025-04-14"
    with pytest.raises(ParameterError, match="leave the model empty"):
        make_engine("replay", folder=tmp_path / "work", archive=folder, model=MODEL)
    write_shard(folder / "shards" / "1.jsonl", [make_request("y", "b")])
    with pytest.raises(EngineError, match=r"2 models \(embedded-use-minilm-2, gpt-4.1-2025-04-14\)"):
        _ = make_engine("replay", folder=tmp_path / "work", archive=folder).model


def test_damage_is_named_with_file_and_line(tmp_path: Path) -> None:
    folder = hand_made(tmp_path / "a", {"a": ("x", rest_of(0))})
    (shard,), damaged = (folder / "shards").iterdir(), folder / "results" / "0.jsonl"
    whole = shard.read_bytes()
    shard.write_bytes(whole + b'{"custom_id": "b", "bod')
    with pytest.raises(RecordError, match=r"shards/.*\.jsonl, line 2: this is not a line of JSON"):
        _ = make_engine("replay", folder=tmp_path / "work", archive=folder).model
    shard.write_bytes(whole)
    packed = gzip.compress(damaged.read_bytes())
    damaged.unlink()
    (folder / "results" / "0.jsonl.gz").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(RecordError, match=r"0\.jsonl\.gz cannot be unpacked"):
        _ = make_engine("replay", folder=tmp_path / "work", archive=folder).model


def test_a_folder_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    write_lines(tmp_path / "shards" / "0.jsonl", [])
    with pytest.raises(EngineError, match="holds no results"):
        _ = make_engine("replay", folder=tmp_path / "work", archive=tmp_path).model


def test_the_replayed_lines_can_be_replayed(archive: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    shard = write_shard(again / "shards" / "0.jsonl", [make_request(text, f"a{n}") for n, text in enumerate(TEXTS)])
    first = replay(make_engine("replay", folder=again / "work", archive=archive), shard, again / "results")
    second = replay(make_engine("replay", folder=tmp_path / "work", archive=again), shard, tmp_path / "into")
    assert first == second
    assert len(list(read_lines(tmp_path / "into" / "output.jsonl"))) == len(TEXTS)


def test_r14_a_packed_archive_that_unfolds_beyond_measure_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unfolding, "SMALL_BYTES", 3_000_000)
    archive = hand_made(tmp_path / "archive", {"a": ("x", rest_of(1))})
    with gzip.open(archive / "results" / "9.jsonl.gz", "wb") as file:
        file.write(b" " * 5_000_000)
    with pytest.raises(RecordError, match=r"9\.jsonl\.gz is not unpacked: it unpacks to more than \d MB"):
        read_archive(archive, tmp_path / "work")
    assert not list((tmp_path / "work").glob("*9*"))


def test_answers_of_a_batch_that_ran_elsewhere_are_brought_back(project: Path) -> None:
    """As `vllm run-batch` leaves them: a file per shard, with the shards beside them."""
    units = [Unit(f"u{n}", text) for n, text in enumerate(TEXTS[:4])]
    asked = {"model": "/models/m", "options": {"answering": "vllm"}, "service": Service(requests_per_shard=2)}
    run = plan(make_book("topic"), units, run="elsewhere", engine="cluster", **asked)
    paths = sorted(run.folder.shards.glob("*.jsonl"))
    assert len(paths) == 2
    for number, path in enumerate(paths):
        lines = list(read_lines(path))
        replies = [write_reply(CHAT, "/models/m", '{"label":"sports"}', request_id="r", usage=(9, 2)) for _ in lines]
        answers = [result_line(line, 200, reply, "vllm") for line, reply in zip(lines, replies, strict=True)]
        write_lines(project / "answers" / f"{number}.jsonl", answers)
    shutil.copytree(run.folder.shards, project / "answers" / "shards")
    back = plan(make_book("topic"), units, run="back", engine="replay", archive=project / "answers")
    back.submit()
    assert back.collect().sentence == "4 asked = 4 labelled"
    assert set(back.table()["label"]) == {"sports"}
