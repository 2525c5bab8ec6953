"""Result files are checked against their digests whenever they are read: a file that was edited is refused by all."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from fakes.scripted import UNITS, collect_one, make_book

import codebook as cb
from codebook.cli import main
from codebook.engines import make_engine
from codebook.errors import RecordError
from codebook.files import digests
from codebook.files.digests import check_record, digest_of
from codebook.files.lines import digest_file
from codebook.report import write_report
from codebook.run import Run, embed_texts, open_run, plan, store_vectors

CHANGED = r"runs/one/results/0001-\w{12}-output\.jsonl was changed since it was written.*To mend: restore it"


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    return collect_one(monkeypatch)


def result_of(run: Run) -> Path:
    (path,) = run.folder.results.glob("*.jsonl")
    return path


def edit(path: Path, old: bytes = b"coal", new: bytes = b"golf") -> None:
    """As a person edits: the same name, the same length, another label."""
    raw = path.read_bytes()
    assert old in raw
    path.write_bytes(raw.replace(old, new))


def files_of(run: Run) -> dict[str, str]:
    kept = [path for path in run.folder.path.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return {path.relative_to(run.folder.path).as_posix(): digest_file(path) for path in kept}


VERBS: dict[str, Callable[[Run], object]] = {
    "collect": lambda run: run.collect(),
    "partial": lambda run: run.collect(partial=True),
    "table": lambda run: run.table(),
    "codings": lambda run: run.codings(),
    "coverage": lambda run: run.coverage(),
    "export": lambda run: run.export(),
    "logprobs": lambda run: run.logprobs(),
    "report": lambda run: write_report(run.name),
    "delete": lambda run: run.delete_remote(),
    "replay": lambda run: make_engine("replay", folder=run.folder.path.parent / "x", archive=run.folder.path).model,
}


@pytest.mark.parametrize("verb", VERBS)
def test_r10_an_edited_result_file_is_refused_by_every_verb_and_nothing_is_written(run: Run, verb: str) -> None:
    edit(result_of(run))
    before = files_of(run)
    with pytest.raises(RecordError, match=r"(?s)0001-\w{12}-output\.jsonl was changed .*To mend: restore it"):
        VERBS[verb](open_run("one"))
    assert files_of(run) == before


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in ("logprobs", "replay")])
def test_r10_edited_units_are_refused_by_every_verb_that_reads_or_joins_them(run: Run, verb: str) -> None:
    edit(run.folder.units_path)
    before = files_of(run)
    with pytest.raises(RecordError, match=r"(?s)runs/one/units\.jsonl was changed .*run\.json.*To mend: restore it"):
        VERBS[verb](open_run("one"))
    assert files_of(run) == before


@pytest.mark.parametrize("verb", ["collect", "report", "delete"])
def test_r10_edited_requests_are_refused_by_every_verb_that_goes_by_the_record(run: Run, verb: str) -> None:
    (shard,) = run.folder.shards.glob("*.jsonl")
    edit(shard)
    with pytest.raises(RecordError, match=r"(?s)runs/one/shards/0001-\w{12}\.jsonl was changed .*To mend: restore it"):
        VERBS[verb](open_run("one"))


@pytest.mark.parametrize("kind", ["units", "shards", "results"])
def test_r10_the_status_says_what_was_edited_and_the_mend(run: Run, kind: str) -> None:
    paths = [run.folder.units_path, *run.folder.path.glob("[sr]*/*.jsonl")]
    assert "was changed" not in str(open_run("one").status())
    (path,) = [path for path in paths if kind in path.relative_to(run.folder.path).as_posix()]
    edit(path)
    done = CliRunner().invoke(main, ["status", "one"])
    (line,) = [line for line in done.output.splitlines() if "was changed" in line]
    assert path.relative_to(run.folder.path).as_posix() in line
    assert line.endswith("restore it from a backup")


def test_r10_vectors_are_not_given_to_edited_texts(project: Path) -> None:
    embed_texts(["coal", "gas"], dimensions=384, run="one")
    run = open_run("one")
    shutil.rmtree(run.folder.runs / "vectors")
    edit(run.folder.units_path)
    with pytest.raises(RecordError, match=r"units\.jsonl was changed since it was written"):
        store_vectors(open_run("one"))


@pytest.mark.parametrize("words", [("collect", "one"), ("table", "one"), ("report", "one"), ("reliability", "one")])
def test_r10_a_command_says_which_file_was_edited_and_ends_with_1(run: Run, words: tuple[str, ...]) -> None:
    path = result_of(run)
    whole = path.read_bytes()
    edit(path)
    done = CliRunner().invoke(main, list(words))
    assert done.exit_code == 1
    assert path.name in done.output
    path.write_bytes(whole)  # the mend that was named
    assert CliRunner().invoke(main, list(words)).exit_code == 0


def test_r10_a_file_that_is_renamed_to_fit_its_new_digest_is_noticed_too(run: Run) -> None:
    path = result_of(run)
    edit(path)
    number, _, rest = path.name.split("-")
    path.rename(path.with_name(f"{number}-{digest_file(path)[:12]}-{rest}"))
    with pytest.raises(RecordError, match="is missing"):
        write_report("one")


def test_r10_the_whole_digest_is_in_the_record(run: Run) -> None:
    path = result_of(run)
    files = [path, run.folder.table_path, *run.folder.shards.glob("*.jsonl")]
    recorded = {file.relative_to(run.folder.path).as_posix(): digest_file(file) for file in files}
    assert run.record["files"] == recorded
    with pytest.raises(RecordError, match=r"its SHA-256 differs from the one in run\.json"):
        check_record(
            run.folder.path, run.record | {"files": {f"results/{path.name}": digest_file(path)[:12] + "0" * 52}}
        )


def test_r10_an_edited_archive_is_not_replayed_whether_packed_or_not(run: Run, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    for kind in ("shards", "results"):
        shutil.copytree(run.folder.path / kind, archive / kind)
    for path in archive.rglob("*.jsonl"):
        edit(path, b"u1", b"u9")
        path.with_suffix(".jsonl.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    with pytest.raises(RecordError, match=r"0001-\w{12}-output\.jsonl\.gz was changed"):
        _ = make_engine("replay", folder=tmp_path / "work", archive=archive).model


def test_r10_vectors_are_not_stored_from_an_edited_file(project: Path) -> None:
    embed_texts(["coal", "gas"], dimensions=384, run="one")
    run = open_run("one")
    shutil.rmtree(run.folder.runs / "vectors")
    edit(result_of(run), b'"index":1', b'"index":2')
    with pytest.raises(RecordError, match=CHANGED):
        store_vectors(open_run("one"))


def test_r10_a_file_is_hashed_once_while_it_stays_the_same_file(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = list[Path]()

    def count(path: Path) -> str:
        hashed.append(path)
        return digest_file(path)

    monkeypatch.setattr(digests, "digest_file", count)
    path = result_of(run)
    for _ in range(3):
        run.table()
        assert digest_of(path) == digest_file(path)
    assert len(hashed) <= 1
    edit(path)
    with pytest.raises(RecordError, match=CHANGED):
        run.table()
    assert hashed[-1] == path


def test_r10_what_is_gone_from_the_record_is_said_by_status_and_checklist(run: Run) -> None:
    assert run.status().gone == ()
    (shard,) = run.folder.shards.glob("*.jsonl")
    shard.unlink()
    place = f"shards/{shard.name}"
    assert run.status().gone == (place,)
    assert f"gone: {place}, which is part of the record: restore it from a backup" in str(run.status())
    check = cb.checklist("one").set_index("question").loc["files unchanged"]
    assert (check["state"], check["found"]) == ("look", f"changed or gone: {place}")


@pytest.mark.parametrize("file", ["table.csv", "shards"])
def test_r10_the_checklist_sees_a_table_or_a_shard_that_was_edited(run: Run, file: str) -> None:
    path = run.folder.path / file
    path = next(path.glob("*.jsonl")) if path.is_dir() else path
    edit(path, b"u1", b"u9")
    assert path.name in cb.checklist("one").set_index("question").loc["files unchanged", "found"]


def test_r10_an_edited_codebook_of_a_run_is_refused_and_the_plan_writes_it_anew(run: Run) -> None:
    path = run.folder.codebook_path
    whole, table = path.read_bytes(), run.folder.table_path.read_bytes()
    for edited in (whole.replace(b"coal", b"golf"), whole.replace(b"Games and matches", b"Chess")):
        path.write_bytes(edited)
        with pytest.raises(RecordError, match=r"one/codebook\.yaml was changed after the run was planned"):
            open_run("one").collect()
        assert CliRunner().invoke(main, ["table", "one"]).exit_code == 1
        assert run.folder.table_path.read_bytes() == table
        plan(make_book("topic"), UNITS, run="one", engine="scripted")  # the mend that is named
        assert path.read_bytes() == whole
        open_run("one").collect()
        assert run.folder.table_path.read_bytes() == table
