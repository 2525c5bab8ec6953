"""A run is taken into a ledger from its folder: nothing that the ledger knew of it is lost, and nobody is asked."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from fakes.fake_openai import FakeOpenAI
from fakes.scripted import asked_lines, make_book, register
from fakes.service import TEXTS, check_paid, plan_batch
from readonly import set_writable

import codebook as cb
from codebook.cli import main
from codebook.errors import ParameterError, RunError
from codebook.files.lines import digest, digest_file
from codebook.paths import project_folder
from codebook.records import Unit
from codebook.run import Run, adopt, open_run, plan
from codebook.run.erasing import erase_unit
from codebook.run.questions.planner import make_keys
from codebook.shards import Cuts

ORDERS = ("refuse", "truncate", "outside", "notjson", "400", "500", "expired", "drop", "twice", "stranger")
UNITS = [
    *(Unit(f"u{n}", f"Sentence number {n} about coal.") for n in range(6)),
    Unit("copy", "Sentence number 3 about coal."),
    *(Unit(f"bad {order}", f"Orders: [{order}]") for order in ORDERS),
    Unit("once", "[500 once]"),
    Unit("empty", " "),
]


@pytest.fixture(autouse=True)
def _engine(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def make_run(name: str = "one", units: Iterable[Unit] = UNITS, **given: Any) -> Run:
    asked = {"book": make_book("topic", "frames"), "engine": "scripted", "cuts": Cuts(n_requests=9), **given}
    run = plan(asked.pop("book"), list(units), run=name, **asked)
    run.submit()
    run.collect()
    return open_run(name)


def dump(project: Path, run: str) -> dict[str, list[Any]]:
    """All that the ledger knows of a run, by names instead of numbers; the times of notes apart."""
    queries = {
        "runs": "SELECT digest, planned, cap_usd, discarded_at FROM runs WHERE run_id = ?",
        "rows": """SELECT rows.custom_id, unit_id, variable, draw, skip, lower(hex(request_key)), open FROM rows
            LEFT JOIN asks ON asks.id = ask_id WHERE run_id = ? ORDER BY rows.id""",
        "shards": "SELECT * FROM shards WHERE run_id = ? ORDER BY number",
        "sent": """SELECT number, custom_id, lower(hex(request_key)) FROM sent JOIN shards ON shards.id = sent.shard_id
            JOIN asks ON asks.id = ask_id WHERE run_id = ? ORDER BY 1, 2""",
        "jobs": "SELECT number, jobs.* FROM jobs JOIN shards ON shards.id = jobs.shard_id WHERE run_id = ? ORDER BY 1",
        "answers": """SELECT number, answers.*, asks.answer_id = answers.id AS chosen FROM answers
            JOIN asks ON asks.id = answers.ask_id JOIN jobs ON jobs.id = answers.job
            JOIN shards ON shards.id = jobs.shard_id WHERE run_id = ? ORDER BY number, answers.custom_id""",
        "events": "SELECT at, verb, what FROM events WHERE run_id = ? AND verb <> 'adopt' ORDER BY id",
    }
    own = {"id", "shard_id", "ask_id", "job", "job_key"}
    with closing(sqlite3.connect(project / "runs" / "ledger.db")) as db:
        db.row_factory = sqlite3.Row
        found = {name: db.execute(sql, (run,)).fetchall() for name, sql in queries.items()}
    return {name: [_plain(row, own) for row in rows] for name, rows in found.items()}


def _plain(row: sqlite3.Row, own: set[str]) -> dict[str, Any]:
    return {key: value for key, value in dict(row).items() if key not in own}


def forget(run: Run) -> None:
    """Lose the ledger."""
    for path in run.folder.runs.glob("ledger.db*"):
        path.unlink()


def files_of(run: Run) -> dict[str, str]:
    kept = [path for path in run.folder.path.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return {path.relative_to(run.folder.path).as_posix(): digest_file(path) for path in kept}


# --- nothing is lost


def test_r11_an_adopted_run_is_in_the_ledger_to_the_last_time_and_answer(project: Path) -> None:
    run = make_run()
    run.retry()
    run.submit()
    run.retry(["truncated"], max_tokens=2_000)
    run.submit()
    run.collect()
    before, table, files = dump(project, "one"), run.table(), files_of(run)
    forget(run)
    adopted = adopt("runs/one")
    assert dump(project, "one") == before
    assert adopted.table().equals(table)
    assert files_of(run) == files
    assert str(adopted.status()) == str(run.status())
    assert len(asked_lines(project)) == len(asked_lines(run.folder.path))
    assert len(before["answers"]) > 40  # the test is about something


def test_r11_costs_ids_and_times_of_a_paid_run_come_back(fake: FakeOpenAI, project: Path) -> None:
    run = plan_batch(fake, [*TEXTS, "[refuse]", "[truncate]", "[500 once]"], cuts=Cuts(n_requests=4))
    run.submit(cap=3.0)
    run.collect()
    run.retry()
    run.submit()
    run.collect()
    before, paid = dump(project, "one"), cb.cost_history("run")
    assert any(answer["cost_usd"] for answer in before["answers"])
    calls = fake.n_created
    forget(run)
    status = adopt("one").status()
    assert dump(project, "one") == before
    assert cb.cost_history("run").equals(paid)
    assert (status.money.cap, status.jobs[0].job_id) == (3.0, next(iter(fake.batches)))
    assert fake.n_created == calls


def test_r11_planned_again_an_adopted_run_is_the_same_and_nothing_is_asked(project: Path) -> None:
    run = make_run()
    n_asked = len(asked_lines(project))
    forget(run)
    adopt("one")
    again = plan(make_book("topic", "frames"), UNITS, run="one", engine="scripted", cuts=Cuts(n_requests=9))
    again.submit()
    assert again.status().done
    assert len(asked_lines(project)) == n_asked
    assert make_run("two", UNITS[:6]).status().jobs == ()


def test_r11_adopting_again_changes_nothing(project: Path) -> None:
    run = make_run()
    before = dump(project, "one")
    adopt("runs/one")
    assert dump(project, "one") == before
    forget(run)
    adopt("one")
    before = dump(project, "one")
    adopt("one")
    assert dump(project, "one") == before


def test_r11_a_run_is_adopted_under_another_name_and_beside_others(project: Path) -> None:
    run = make_run()
    labels = run.table()["label"].tolist()
    make_run("two", [Unit("v", "Something new."), *UNITS[:3]])
    before = dump(project, "two")
    shutil.copytree(run.folder.path, run.folder.runs / "copy")
    adopted = adopt("runs/copy")
    assert adopted.table()["label"].tolist() == labels
    assert (dump(project, "two"), adopted.status().counts) == (before, run.status().counts)
    shutil.rmtree(run.folder.runs / "copy")
    assert open_run("one").table()["label"].tolist() == labels


def test_r11_a_renamed_run_goes_on_under_its_new_name(project: Path) -> None:
    run = make_run()
    labels = run.table()["label"].tolist()
    run.folder.path.rename(run.folder.runs / "renamed")
    assert adopt("renamed").table()["label"].tolist() == labels
    open_run("renamed").collect()
    assert "codebook adopt" not in CliRunner().invoke(main, ["status"]).output


def test_r11_a_run_whose_questions_another_asked_needs_that_one_first(project: Path) -> None:
    run = make_run()
    two = make_run("two", [*UNITS[:4], Unit("new", "Something new.")])
    before, labels = dump(project, "two"), two.table()["label"].tolist()
    forget(run)
    with pytest.raises(ParameterError, match=r"8 of its questions were asked by run 'one'.*adopt one first"):
        adopt("two")
    adopt("one")
    assert adopt("two").table()["label"].tolist() == labels
    assert dump(project, "two") == before


# --- runs of old


def test_r11_a_run_of_old_is_adopted_with_what_can_be_known(project: Path) -> None:
    run = make_run()
    job_id, before = run.status().jobs[0].job_id, run.table()
    run.folder.carried_path.unlink()
    record = run.folder.read_record()
    del record["files"]
    run.folder.write_record(record)
    forget(run)
    adopted = adopt("one")
    status, table = adopted.status(), adopted.table()
    assert (status.jobs[0].job_id, status.jobs[0].state, status.jobs[0].created) == (job_id, "completed", "")
    assert status.counts == run.status().counts
    same = ["unit_id", "label", "why", "custom_id", "raw", "coder", "batch_id", "request_id"]
    assert table[same].equals(before[same])
    assert table["seconds"].isna().all()  # unknown, and not 0


def test_r11_a_run_that_another_version_of_the_kit_asked_otherwise_is_adopted_as_it_was_asked(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run()
    labels = run.table()["label"].tolist()
    run.folder.carried_path.unlink()
    forget(run)

    def make_other_keys(*given: Any) -> dict[str, str]:
        return {name: digest(key) for name, key in make_keys(*given).items()}

    monkeypatch.setattr("codebook.run.adoption.adopting.make_keys", make_other_keys)
    assert adopt("one").table()["label"].tolist() == labels


# --- what is under way, or does not fit


def test_r11_a_batch_that_is_out_is_found_again_and_not_made_twice(fake: FakeOpenAI, project: Path) -> None:
    fake.auto = False
    run = plan_batch(fake)
    run.submit()
    forget(run)
    run.folder.path.rename(run.folder.runs / "renamed")
    adopted = adopt("renamed")
    assert not adopted.status().done
    fake.auto = "at once"
    adopted.submit()
    adopted.collect()
    assert adopted.status().done
    assert fake.n_created == 1
    check_paid(fake, len(TEXTS))


def test_r11_a_run_under_way_that_was_renamed_is_to_be_named_so_again(fake: FakeOpenAI, project: Path) -> None:
    fake.auto = False
    run = plan_batch(fake)
    run.submit()
    before = dump(project, "one")
    run.folder.path.rename(run.folder.runs / "renamed")
    with pytest.raises(ParameterError, match="name the folder runs/one again"):
        adopt("renamed")
    assert dump(project, "one") == before
    (run.folder.runs / "renamed").rename(run.folder.path)
    fake.auto = "at once"
    assert open_run("one").collect().done


def test_r11_every_fault_of_a_folder_is_named_and_nothing_is_noted(project: Path) -> None:
    run = make_run()
    forget(run)
    shards, results = sorted(run.folder.shards.iterdir()), sorted(run.folder.results.glob("*.jsonl"))
    shards[0].write_bytes(shards[0].read_bytes().replace(b"coal", b"golf"))
    shards[1].unlink()
    results[0].write_bytes(results[0].read_bytes().replace(b"coal", b"golf"))
    results[1].unlink()
    with pytest.raises(ParameterError) as caught:
        adopt("one")
    said = str(caught.value)
    for path in (shards[0], shards[1], results[0], results[1]):
        assert path.name in said
    with pytest.raises(RunError, match="does not know run 'one'"):
        run.status()
    run.folder.units_path.write_bytes(run.folder.units_path.read_bytes() + b"\n")
    with pytest.raises(ParameterError, match=r"units\.jsonl: it is gone, or not the one"):
        adopt("one")


def test_r11_other_answers_to_the_same_questions_do_not_fit(project: Path) -> None:
    run = make_run(units=UNITS[:3])
    shutil.copytree(run.folder.path, run.folder.runs / "other")
    record = orjson.loads((run.folder.runs / "other" / "run.json").read_bytes())
    (path,) = (run.folder.runs / "other" / "results").glob("*.jsonl")
    raw = path.read_bytes()
    label = run.table()["label"].iloc[0].encode()
    path.unlink()
    changed = raw.replace(b'\\"%s\\"' % label, b'\\"travel\\"' if label != b"travel" else b'\\"coal\\"')
    assert changed != raw
    path.write_bytes(changed)
    path.rename(path.with_name(f"0001-{digest_file(path)[:12]}-output.jsonl"))
    del record["files"]
    (run.folder.runs / "other" / "run.json").write_bytes(orjson.dumps(record))
    (run.folder.runs / "other" / "ledger.jsonl").unlink()
    before = dump(project, "one")
    with pytest.raises(ParameterError, match=r"have other answers in this project, in run 'one'"):
        adopt("other")
    assert dump(project, "one") == before


@pytest.fixture
def deposited(project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that lies outside of any project, and a fresh project that is the one of the process."""
    run = make_run(units=UNITS[:4])
    place = tmp_path / "archive" / "deposit"
    shutil.copytree(run.folder.path, place)
    fresh = tmp_path / "fresh"
    fresh.mkdir()
    (fresh / "study.yaml").write_text("study: fresh\n")
    monkeypatch.setenv("CODEBOOK_PROJECT", str(fresh))
    return place


def digests(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): digest_file(path) for path in folder.rglob("*") if path.is_file()}


def test_r11_a_deposited_run_is_taken_in_from_anywhere_and_its_source_stays(deposited: Path) -> None:
    before = digests(deposited)
    run = adopt(deposited)
    assert (run.name, run.status().done) == ("deposit", True)
    assert run.folder.path.stat().st_mode & 0o077 == 0
    assert digests(deposited) == before
    own = digests(run.folder.path)
    assert {place: own.get(place) for place in before if ".lock" not in place} == {
        place: digest for place, digest in before.items() if ".lock" not in place
    }
    assert adopt(deposited).table().equals(run.table()), "repeated, it is the same run"
    assert [path.name for path in run.folder.runs.glob("*/run.json")] == ["run.json"]


def test_r11_a_deposited_run_on_a_medium_that_cannot_be_written_is_taken_in(deposited: Path) -> None:
    set_writable(deposited, False)
    try:
        assert adopt(deposited).collect().done
    finally:
        set_writable(deposited, True)


def test_r11_a_name_that_is_taken_refuses_a_deposited_run(deposited: Path) -> None:
    other = make_run("deposit", UNITS[5:6])
    before = digests(other.folder.path)
    with pytest.raises(ParameterError, match=r"another run of the same name.*rename .*deposit, and adopt it"):
        adopt(deposited)
    assert digests(other.folder.path) == before
    shutil.rmtree(other.folder.path)
    with pytest.raises(ParameterError, match="knows a run of this name, whose folder is gone"):
        adopt(deposited)
    renamed = deposited.rename(deposited.with_name("second"))
    assert adopt(renamed).status().done


def test_r11_a_deposited_run_that_does_not_fit_leaves_nothing_behind(deposited: Path) -> None:
    (result,) = (deposited / "results").glob("*.jsonl")
    result.write_bytes(result.read_bytes() + b"\n")
    with pytest.raises(ParameterError, match="nothing was changed"):
        adopt(deposited)
    runs = project_folder() / "runs"
    assert not list(runs.rglob("run.json"))
    with pytest.raises(RunError, match=r"holds no run\.json"):
        adopt(deposited.parent)
    with pytest.raises(RunError, match="There is no run 'nowhere'"):
        adopt("nowhere")


def test_r11_what_a_killed_copy_left_is_removed(deposited: Path) -> None:
    left = project_folder() / "runs" / ".adopting" / "deposit"
    left.mkdir(parents=True)
    (left / "half").write_text("x")
    run = adopt(deposited)
    assert not (run.folder.path / "half").exists()
    assert not left.exists()


def test_r11_no_pipe_and_no_link_to_a_folder_is_followed(deposited: Path) -> None:
    os.mkfifo(deposited / "pipe")
    (deposited / "loop").symlink_to(deposited)
    assert not {"pipe", "loop"} & {path.name for path in adopt(deposited).folder.path.iterdir()}


def test_r11_a_link_in_runs_is_not_adopted_as_a_run(deposited: Path) -> None:
    runs = project_folder() / "runs"
    runs.mkdir()
    (runs / "linked").symlink_to(deposited)
    with pytest.raises(ParameterError, match="it is a link to a folder elsewhere"):
        adopt("linked")


def test_r11_the_command_adopts_and_a_deposited_run_is_analysed_in_a_project_of_its_own(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = make_run(units=[unit for unit in UNITS if unit.unit_id != "bad 500"])
    table = run.folder.table_path.read_bytes()
    fresh = tmp_path / "fresh"
    shutil.copytree(run.folder.path, fresh / "runs" / "deposited")
    (fresh / "study.yaml").write_text("study: fresh\n")
    monkeypatch.setenv("CODEBOOK_PROJECT", str(fresh))
    done = CliRunner().invoke(main, ["adopt", "runs/deposited"])
    assert done.exit_code == 0, done.output
    out = tmp_path / "out.csv"
    assert CliRunner().invoke(main, ["table", "deposited", str(out)]).exit_code == 0
    assert out.read_bytes() == table.replace(b'"one"', b'"deposited"')
    assert CliRunner().invoke(main, ["report", "deposited"]).exit_code == 0


def test_r15_a_run_that_was_adopted_after_an_erasure_fits(project: Path) -> None:
    run = make_run()
    make_run("two", [Unit("stranger", UNITS[1].text), UNITS[1]])
    erase_unit("u1")
    before = {name: dump(project, name) for name in ("one", "two")}
    tables = {name: open_run(name).table() for name in ("one", "two")}
    forget(run)
    for name in ("one", "two"):
        assert adopt(name).table().equals(tables[name])
    assert {name: dump(project, name) for name in ("one", "two")} == before


def test_after_a_lost_ledger_all_runs_are_adopted_at_once_whatever_their_order(project):
    """Each behind those whose answers it shares: `z` was asked first, and `a` asked only what was new."""
    make_run("z", [Unit(f"u{n}", f"Sentence number {n} about coal.") for n in range(3)])
    make_run("a", [Unit(f"u{n}", f"Sentence number {n} about coal.") for n in range(5)])
    before = {name: dump(project, name)["rows"] for name in ("a", "z")}
    (project / "runs" / "ledger.db").unlink()
    result = CliRunner().invoke(main, ["adopt", "runs/a/", "runs/z/"])
    assert result.exit_code == 0, result.output
    assert {name: dump(project, name)["rows"] for name in ("a", "z")} == before
