"""One unit goes from every file and from the ledger; its neighbours keep their bytes, their answers and their sums."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import orjson
import pandas as pd
import pytest
from click.testing import CliRunner
from fakes.scripted import asked_lines, make_book, register
from fakes.service import TEXTS, plan_batch

import codebook as cb
from codebook.analysis.core.result import Result
from codebook.cli import main
from codebook.errors import BusyError, RunError
from codebook.files.lines import digest_file, read_lines
from codebook.ledger import Ledger
from codebook.records import Unit
from codebook.run import Run, adopt, open_run, plan, store_vectors
from codebook.run.erasing import erase_unit
from codebook.run.erasing.traces import Traces
from codebook.scheme import parse_codebook
from codebook.shards import Cuts
from codebook.units import group_units, read_units

if TYPE_CHECKING:
    from fakes.fake_openai import FakeOpenAI

SECRET = "My neighbour Grete Minde burnt the town of Tangermuende in the year 1617."
UNITS = [
    *(Unit(f"person-{n}", f"Sentence number {n} about coal.") for n in range(6)),
    Unit("person-x", SECRET, {"speaker": "Grete"}),
    Unit("twin", "Sentence number 3 about coal."),
    Unit("empty", " "),
]
NEEDLES = (b"person-x", b"Grete", b"Tangermuende")


@pytest.fixture(autouse=True)
def _engine(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def plan_run(name: str = "one", units: list[Unit] = UNITS, **given: Any) -> Run:
    asked = {"book": make_book("topic", "frames"), "engine": "scripted", "cuts": Cuts(n_requests=5), **given}
    return plan(asked.pop("book"), units, run=name, **asked)


def finish(run: Run) -> Run:
    run.submit()
    run.collect()
    return open_run(run.name)


@pytest.fixture
def run(project: Path) -> Run:
    return finish(plan_run())


def find(folder: Path, *needles: bytes) -> list[str]:
    """The files below a folder whose name or bytes hold one of the needles."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    held = [path for path in files if any(needle in path.read_bytes() + path.name.encode() for needle in needles)]
    return [path.relative_to(folder).as_posix() for path in held]


def labels_of(run: Run) -> dict[tuple[str, str], str]:
    table = run.table()
    rows = zip(table["unit_id"], table["variable"], table["label"].fillna(""), table["why"].fillna(""), strict=True)
    return {(unit, variable): label or why for unit, variable, label, why in rows}


def without(labels: dict[tuple[str, str], str], unit_id: str) -> dict[tuple[str, str], str]:
    return {key: label for key, label in labels.items() if key[0] != unit_id}


def check_whole(run: Run) -> None:
    """The run is as sound as any: table, coverage, status and files agree, and nothing is left half written."""
    table, status = run.table(), run.status()
    assert cb.read_table(run.folder.table_path).equals(table)
    assert run.coverage().frame["asked"].sum() == status.n_rows
    assert {unit.unit_id for unit in run.units()} == set(table["unit_id"])
    assert status.gone == ()
    run.folder.check_record()
    assert not [path for path in run.folder.runs.rglob(".*") if path.suffix in (".part", ".json", ".jsonl")]
    check = cb.checklist(run.name).set_index("question").loc["files unchanged"]
    assert check["state"] == "done", check
    shards = {path.name: digest_file(path)[:12] for path in run.folder.shards.glob("*.jsonl")}
    assert all(digest in name for name, digest in shards.items())


# --- everywhere


def test_r15_nothing_of_the_unit_is_left_in_any_file(run: Run, project: Path) -> None:
    before = labels_of(run)
    assert len(find(project / "runs", *NEEDLES)) > 5
    erasure = erase_unit("person-x")
    assert find(project / "runs", *NEEDLES) == []
    after = open_run("one")
    assert labels_of(after) == without(before, "person-x")
    check_whole(after)
    assert str(erasure).startswith("Erased from 1 run:\n  one: 1 unit, 2 rows")
    assert "backups" in str(erasure)


def test_r15_that_and_when_a_unit_was_erased_is_kept_and_shown_and_which_files_changed(run: Run) -> None:
    places = [*run.folder.shards.glob("*.jsonl"), *run.folder.results.glob("*.jsonl")]
    old = {path.name: digest_file(path) for path in places}
    erase_unit("person-x")
    after = open_run("one")
    (entry,) = after.record["erased"]
    assert (entry["units"], entry["rows"]) == (1, 2)
    changed = {place.split("/")[-1]: digests for place, digests in entry["files"].items()}
    assert {name for name in changed if name in old} == {name for name in old if not _there(after, name)}
    for name, digests in changed.items():
        if name in old:
            assert digests["was"] == old[name]
            assert any(digest_file(path) == digests["is"] for path in after.folder.path.rglob("0*.jsonl"))
    said = f"1 unit (2 rows) was erased on {entry['at'][:10]}"
    assert said in str(after.status())
    assert said in after.notes
    assert said in after.codings().notes
    assert said in str(cb.show_table(after.table(), notes=after.notes))
    assert said in cb.write_report("one").read_text()
    assert [what for _, verb, what in after.record["answered"]["events"] if verb == "erase"] == ["1 unit, 2 rows"]


def _there(run: Run, name: str) -> bool:
    return any((folder / name).is_file() for folder in (run.folder.shards, run.folder.results))


def test_what_an_answer_cost_stays_when_its_unit_is_erased(fake: FakeOpenAI, project: Path) -> None:
    run = plan_batch(fake, TEXTS)
    run.submit()
    run.collect()
    unit_id = next(run.units()).unit_id
    paid, amount, money = cb.cost_history("run"), run.amounts()["paid"], run.status().money
    assert amount
    erase_unit(unit_id)
    assert unit_id not in set(open_run(run.name).table()["unit_id"])
    assert cb.cost_history("run").equals(paid)
    assert open_run(run.name).status().money == money
    for path in (project / "runs").glob("ledger.db*"):
        path.unlink()
    assert adopt(run.name).amounts()["paid"] == pytest.approx(amount)  # the folder carries it, too
    assert cb.cost_history("run").equals(paid)


def test_r15_tracebacks_which_may_show_it_are_deleted(run: Run, project: Path) -> None:
    (project / "runs" / "codebook-faults.log").write_text("ValueError: a text of somebody\n")
    assert "runs/codebook-faults.log: deleted" in str(erase_unit("person-x"))
    assert not (project / "runs" / "codebook-faults.log").exists()


def test_r15_a_copy_of_a_run_that_was_left_half_made_goes_too(run: Run, project: Path) -> None:
    left = project / "runs" / ".adopting" / "half"
    shutil.copytree(run.folder.path, left)
    erase_unit("person-x")
    assert not left.exists()
    assert find(project / "runs", *NEEDLES) == []


def test_r15_neighbours_keep_their_bytes(run: Run) -> None:
    def lines(folder: Path) -> set[bytes]:
        return {line for path in folder.glob("*.jsonl") for line in path.read_bytes().splitlines()}

    folders = (run.folder.shards, run.folder.results)
    before = [lines(folder) for folder in folders]
    erase_unit("person-x")
    for old, folder in zip(before, folders, strict=True):
        assert lines(folder) == {line for line in old if b"person-x" not in line}


def test_r15_a_run_is_read_as_well_and_replayed_without_the_unit(run: Run) -> None:
    erase_unit("person-x")
    again = plan_run("again", list(open_run("one").units()), engine="replay", archive=run.folder.path)
    assert labels_of(finish(again)) == labels_of(open_run("one"))


def test_r15_planned_without_the_unit_the_run_is_the_same_run(run: Run) -> None:
    erase_unit("person-x")
    again = plan_run(units=[unit for unit in UNITS if unit.unit_id != "person-x"])
    assert again.status().done
    with pytest.raises(RunError, match="was planned with other units"):
        plan_run()


def test_r15_a_second_erasure_adds_to_the_first(run: Run, project: Path) -> None:
    before = labels_of(run)
    erase_unit("person-x")
    erase_unit("person-5")
    assert find(project / "runs", *NEEDLES, b"person-5") == []
    assert labels_of(open_run("one")) == without(without(before, "person-x"), "person-5")
    check_whole(open_run("one"))
    assert str(open_run("one").status()).count("was erased on") == 2
    with pytest.raises(RunError, match=r"No run holds a unit 'person-5' \(any more\); nothing was changed"):
        erase_unit("person-5")


# --- units that share what was asked


def test_r15_a_unit_with_the_same_text_keeps_its_answer_under_its_own_name(run: Run, project: Path) -> None:
    before = labels_of(run)
    assert not any("twin" in line for line in asked_lines(run.folder.path))
    said = str(erase_unit("person-3"))
    assert "another unit has the same text" in said
    assert find(project / "runs", b"person-3") == []
    assert labels_of(open_run("one")) == without(before, "person-3")
    assert find(run.folder.results, b".twin.")
    check_whole(open_run("one"))


def test_r15_a_line_that_another_run_rests_on_stays_without_the_name(run: Run, project: Path) -> None:
    other = finish(plan_run("two", [Unit("stranger", SECRET), Unit("person-x", "Something else.")]))
    before = labels_of(other)
    erase_unit("person-x")
    assert find(project / "runs", b"person-x") == []
    assert labels_of(open_run("two")) == without(before, "person-x")
    assert labels_of(open_run("two"))["stranger", "topic"] == before["stranger", "topic"]
    check_whole(open_run("one"))
    check_whole(open_run("two"))


def test_r15_all_runs_lose_it_or_the_one_that_is_named(run: Run, project: Path) -> None:
    finish(plan_run("two", UNITS[:7]))
    finish(plan_run("three", UNITS[4:7], book=make_book("tone")))
    with pytest.raises(RunError, match="'two' rests on answers about this unit"):
        erase_unit("person-x", run="one")
    erase_unit("person-x", run="three")
    assert {place.split("/")[0] for place in find(project / "runs", b"person-x")} == {"one", "two", "ledger.db"}
    erase_unit("person-x")
    assert find(project / "runs", *NEEDLES) == []
    for name in ("one", "two", "three"):
        check_whole(open_run(name))
    with pytest.raises(RunError, match="There is no run 'four'"):
        erase_unit("person-x", run="four")


def test_r15_a_group_goes_whole_with_one_of_its_texts(project: Path) -> None:
    (project / "posts.csv").write_text(f"id,thread,text\n7,a,Coal?\nperson-x,b,{SECRET}\n9,b,No coal.\n11,c,Gas.\n")
    source = group_units(read_units("posts.csv", id_column="id", text_column="text"), "thread")
    before = labels_of(finish(plan_run("one", source)))  # type: ignore[arg-type]
    said = str(erase_unit("person-x"))
    assert "1 unit, 2 rows" in said
    assert "posts.csv: the kit never changes it" in said
    assert find(project / "runs", *NEEDLES, b"No coal.") == []
    assert labels_of(open_run("one")) == without(before, "b")
    check_whole(open_run("one"))


# --- vectors


EMBEDDING = "{name: near, unit: a text, variables: [{name: vectors, kind: embedding}]}"


def test_r15_a_pack_loses_the_text_and_the_store_its_vector(run: Run, project: Path) -> None:
    texts = [f"Text number {n} about gas." for n in range(3)]
    units = [Unit("a", texts[0]), Unit("person-x", SECRET), *(Unit(f"b{n}", text) for n, text in enumerate(texts[1:]))]
    vectors = plan(parse_codebook(EMBEDDING), units, run="near", settings={"dimensions": 384})
    finish(vectors)
    store = store_vectors(open_run("near")).store
    kept, secret = store.get(texts).copy(), store.get([SECRET]).tobytes()
    assert find(project / "runs" / "vectors", secret)
    said = str(erase_unit("person-x"))
    assert "1 vector overwritten" in said
    assert find(project / "runs", *NEEDLES, secret) == []
    assert store.missing([SECRET, *texts]) == [SECRET]
    (pack,) = open_run("near").units()
    assert pack.unit_id.startswith("pack-3-")
    assert open_run("near").table()["label"].tolist() == ["3 vectors of 384"]
    check_whole(open_run("near"))
    shutil.rmtree(project / "runs" / "vectors")
    assert (store_vectors(open_run("near")).store.get(texts) == kept).all()


def test_r15_a_pack_that_another_run_rests_on_goes_from_both(project: Path) -> None:
    units = [Unit("a", "Text about gas."), Unit("person-x", SECRET)]
    for name in ("near", "nearer"):
        finish(plan(parse_codebook(EMBEDDING), units, run=name, settings={"dimensions": 384}))
        shutil.rmtree(project / "runs" / "vectors")
    assert open_run("nearer").status().jobs == ()
    with pytest.raises(RunError, match="'nearer' rests on answers about this unit"):
        erase_unit("person-x", run="near", texts=[SECRET])
    erase_unit("person-x", texts=[SECRET])
    assert find(project / "runs", *NEEDLES) == []
    assert open_run("nearer").table()["label"].tolist() == ["1 vector of 384"]


def test_r15_a_text_that_is_known_from_no_run_can_be_given(project: Path) -> None:
    cb.embed_texts([SECRET, "coal"], dimensions=384, run="near")
    with pytest.raises(RunError, match="check the id"):
        erase_unit("person-x")
    erase_unit("person-x", texts=[SECRET])
    assert find(project / "runs", *NEEDLES) == []
    assert cb.embed_texts(["coal"], dimensions=384, run="near-2").array.shape == (1, 384)


# --- what is under way


def test_r15_what_is_planned_is_sent_without_the_unit(project: Path) -> None:
    planned = plan_run()
    erase_unit("person-x")
    assert find(project / "runs", *NEEDLES) == []
    finish(planned)
    assert not [line for line in asked_lines(planned.folder.path) if "person-x" in line]
    check_whole(open_run("one"))


def test_r15_a_shard_of_which_nothing_is_left_is_not_sent(project: Path) -> None:
    planned = plan_run(units=UNITS[6:7])
    erase_unit("person-x")
    assert planned.submit().done
    assert planned.status().n_rows == 0
    assert asked_lines(project) == []


def test_r15_a_job_under_way_is_to_be_ended_first(project: Path) -> None:
    planned = plan_run()
    planned.folder.work.mkdir(exist_ok=True)
    (planned.folder.work / "hang").touch()
    planned.submit()
    before = {path: digest_file(path) for path in project.rglob("*.jsonl")}
    with pytest.raises(RunError, match=r"A job of run 'one' is under way .*collect the run, or cancel"):
        erase_unit("person-x")
    assert {path: digest_file(path) for path in project.rglob("*.jsonl")} == before
    (planned.folder.work / "hang").unlink()
    planned.collect()
    erase_unit("person-x")
    assert find(project / "runs", *NEEDLES) == []


# --- what was made of it


def test_r15_saved_outputs_exports_notebooks_and_sheets(run: Run, project: Path) -> None:
    table = run.table()
    Result(table.head(40), "rows", "T").save(run="one")
    Result(pd.DataFrame({"label": ["coal"], "n": [7]}), "counts", "T").save(run="one")
    quotes = pd.DataFrame({"quote": ["burnt the town of Tangermuende in the year"]})
    Result(quotes, "quotes", "T").save(run="one")
    run.export()
    cb.write_report("one")
    sample = cb.draw_gold(run.codings().of("topic"), 9, seed=1)
    cb.sampling.write_gold_sample(sample, run.folder.path / "gold_sample.jsonl")
    (run.folder.path / "sheet.csv").write_text('unit_id,note\nperson-1,"kept, as\nit is"\nperson-x,away\n')
    (run.folder.path / "note.txt").write_text("person-x was odd")
    notebooks = run.folder.path / "notebooks"
    notebooks.mkdir()
    shown = {"cells": [{"source": [], "outputs": [{"data": {"text/html": ["<td>person-x</td>"]}}]}]}
    (notebooks / "01_a.ipynb").write_bytes(orjson.dumps(shown))
    (notebooks / "02_b.ipynb").write_text('{"cells": []}')
    said = str(erase_unit("person-x"))
    assert find(project / "runs", *NEEDLES) == ["one/note.txt"]
    assert "runs/one/note.txt: STILL HOLDS IT; take it out by hand" in said
    assert "runs/one/outputs/rows (T): deleted; its notebook makes it again" in said
    assert "runs/one/notebooks/01_a.ipynb: deleted; `codebook execute` makes it again" in said
    assert {entry.name for entry in cb.report.read_outputs(run.folder.path / "outputs")} >= {"counts", "methods"}
    assert (notebooks / "02_b.ipynb").is_file()
    assert (run.folder.path / "sheet.csv").read_text() == 'unit_id,note\nperson-1,"kept, as\nit is"\n'
    left = cb.sampling.read_gold_sample(run.folder.path / "gold_sample.jsonl", part="all", unlock=True).frame
    assert (len(left), "person-x" in set(left["unit_id"])) == (8, False)
    exported = cb.read_table(run.folder.path / "exports" / "one.xlsx")
    assert len(exported) == len(open_run("one").table())
    check_whole(open_run("one"))


# --- crashes and others at work


@pytest.mark.slow
def test_r15_killed_at_any_point_the_same_call_finishes(project: Path) -> None:
    """In a process of its own, which forks one for each death: it has no threads."""
    finish(plan_run(units=UNITS[2:]))
    done = subprocess.run([sys.executable, __file__], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) > 15


def sweep(project: Path) -> int:
    """Kill an erasure before each of its steps, and finish it; how many steps there were."""
    before = project.with_name("before")
    shutil.copytree(project, before)
    erase_unit("person-x")
    expected = {path: content for path, content in _contents(project).items() if path != "runs/one/run.json"}
    nth, died = 0, True
    while died:
        nth += 1
        shutil.rmtree(project)
        shutil.copytree(before, project)
        died = _erase_and_die(nth)
        if died:
            with suppress(RunError):  # dead after the last step of the erasure: no run holds the unit any more
                erase_unit("person-x")
        assert find(project / "runs", *NEEDLES) == [], nth
        found = _contents(project)
        assert {path: found.get(path) for path in expected} == expected, nth
        assert len(open_run("one").record["erased"]) == 1, nth
        check_whole(open_run("one"))
    return nth


def _contents(project: Path) -> dict[str, bytes]:
    """All files of the runs but the ledger, whose bytes may differ; and what the ledger says of them."""
    paths = [path for path in sorted((project / "runs").rglob("*")) if path.is_file() and path.suffix != ".lock"]
    kept = {path for path in paths if "ledger.db" not in path.name}
    return {path.relative_to(project).as_posix(): path.read_bytes() for path in kept}


def _erase_and_die(nth: int) -> bool:
    """Erase in a process that kills itself before the nth call that makes something last; whether it did."""
    child = os.fork()
    if child == 0:
        try:
            _die_at(nth)
            erase_unit("person-x")
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def _die_at(nth: int) -> None:
    left, connect = nth, sqlite3.connect

    def point() -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    def wrap(call: Any) -> Any:
        def wrapped(*args: Any, **options: Any) -> Any:
            point()
            return call(*args, **options)

        return wrapped

    class Connection(sqlite3.Connection):
        def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
            if sql in ("COMMIT", "VACUUM"):
                point()
            return super().execute(sql, *args)

    for name in ("replace", "unlink"):
        setattr(os, name, wrap(getattr(os, name)))
    sqlite3.connect = lambda *args, **options: connect(*args, **options, factory=Connection)  # type: ignore[assignment]


def test_r15_another_erasure_waits_for_one_that_was_begun(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("codebook.run.erasing.verb.forget", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            erase_unit("person-x")
    assert "codebook erase" in str(run.status())
    with pytest.raises(RunError, match=r"`codebook erase person-x` finishes it"):
        erase_unit("person-1")
    erase_unit("person-x")
    erase_unit("person-1")
    check_whole(open_run("one"))


def test_r15_a_ledger_that_is_open_elsewhere_is_said_and_the_same_call_goes_on(
    run: Run, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("WAIT_S", "SAY_AFTER_S"):
        monkeypatch.setattr(f"codebook.ledger.connecting.{name}", 0.01)
    with Ledger(run.folder.ledger_path) as other:
        rows = other.iter_rows("one")
        next(rows)
        with pytest.raises(BusyError, match="close other notebooks"):
            erase_unit("person-x")
        assert len(list(rows)) == 17
    erase_unit("person-x")
    assert find(project / "runs", *NEEDLES) == []
    check_whole(open_run("one"))


# --- without a ledger, and by command


def test_r15_a_run_that_the_ledger_does_not_know_loses_it_too(run: Run, project: Path) -> None:
    shutil.copytree(run.folder.path, run.folder.runs / "copy")
    erase_unit("person-x")
    assert find(project / "runs", *NEEDLES) == []
    assert len(cb.read_table("runs/copy/table.csv")) == len(open_run("one").table())
    assert len(list(read_lines(run.folder.runs / "copy" / "units.jsonl"))) == len(UNITS) - 1
    assert labels_of(adopt("copy")) == labels_of(open_run("one"))


def test_r15_the_command_asks_first_and_takes_a_file_with_the_text(run: Run, project: Path) -> None:
    (project / "text.txt").write_text(SECRET)
    asked = CliRunner().invoke(main, ["erase", "person-x"], input="n\n")
    assert asked.exit_code == 1
    assert find(project / "runs", *NEEDLES)
    done = CliRunner().invoke(main, ["erase", "person-x", "--text-file", str(project / "text.txt"), "--yes"])
    assert done.exit_code == 0, done.output
    assert "Not reached from here" in done.output
    assert find(project / "runs", *NEEDLES) == []
    assert CliRunner().invoke(main, ["erase", "person-x", "--yes"]).exit_code == 1
    lost = CliRunner().invoke(main, ["erase", "u", "--text-file", "nowhere.txt", "--yes"])
    assert (lost.exit_code, "no such file" in lost.output) == (1, True)


def test_r15_files_of_people_that_show_the_unit_are_named(run: Run, project: Path) -> None:
    (project / "coding" / "log").mkdir(parents=True)
    (project / "coding" / "assignment.csv").write_text("unit_id,coder\nperson-x,ann\nu1,ann\n")
    (project / "coding" / "log" / "ann.jsonl").write_text('{"unit":"u1","label":"coal"}\n')
    workbook = openpyxl.Workbook()
    workbook.active.append(["u9", SECRET])
    workbook.save(project / "sheet.ann.xlsx")
    named = [line for line in erase_unit("person-x").unreachable if "can be seen there" in line]
    assert [line.partition(":")[0] for line in named] == ["sheet.ann.xlsx", "coding/assignment.csv"]


if __name__ == "__main__":
    register()
    print(sweep(Path(os.environ["CODEBOOK_PROJECT"])))


def test_a_unit_is_found_in_packed_files_and_a_damaged_one_ends_nothing(tmp_path):
    traces = Traces(["u-4711"], [], ["What she said of her neighbours in confidence."])
    packed = gzip.compress(b"id,text\nx,What she said of her neighbours in confidence.\n")
    (tmp_path / "more.csv.gz").write_bytes(packed)
    (tmp_path / "cut.csv.gz").write_bytes(packed[:-9])
    assert traces.in_file(tmp_path / "more.csv.gz")
    assert not traces.in_file(tmp_path / "cut.csv.gz"), "nobody can unpack it, and nothing ends with an error"
