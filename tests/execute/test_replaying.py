"""Replay: a study is rebuilt from its archived replies to the byte, and what is otherwise is named by figure."""

import os
import shutil
from datetime import date
from pathlib import Path

import pytest
import yaml
from tiny_notebooks import write_notebook

import codebook as cb
from codebook.errors import ParameterError, ReplayError
from codebook.execute import Replay, StudyResult, replay_study
from codebook.paths import runs_folder
from codebook.study import open_study

ARCHIVE = Path(__file__).parents[2] / "data" / "archive"
STUDIES = {"topics": "study.yaml", "headlines": "headlines.yaml"}
SAVE = """
from dataclasses import replace
import codebook as cb
study = cb.open_study(run=run)
study.plan().submit()
study.open_run().collect()
replace(cb.validity(study.codings(), resample=cb.Bootstrap(1000, seed=1)), figure=None).save()
"""


@pytest.fixture
def archive(tmp_path):
    """The shipped archive in a folder elsewhere; its studies make one of their tables, in one notebook, undrawn."""
    folder = tmp_path / "elsewhere"
    shutil.copytree(ARCHIVE, folder)
    write_notebook(folder / "notebooks" / "01_figures.ipynb", 'run: str = ""  # the run', SAVE)
    for name in STUDIES.values():
        study = yaml.safe_load((folder / name).read_text())
        (folder / name).write_text(yaml.safe_dump(study | {"notebooks": "notebooks", "steps": ["figures"]}))
    return folder


def replay(archive: Path, name: str, **options: object) -> tuple[Replay, list[str]]:
    lines: list[str] = []
    return replay_study(archive / "runs" / name, archive / STUDIES[name], tell=lines.append, **options), lines


def check_same(archive: Path, name: str, out: Path) -> None:
    """Replay a study twice: all is the same to the byte, and the archive stays as it was.

    What the first replay makes is put in the place of what was saved, so that a statistic that was mended since is no
    matter here; `make replay` holds the shipped outputs.
    """
    replay(archive, name, out=out.with_name("first"))
    for made in ("outputs", "table.csv", "run.json"):
        place = archive / "runs" / name / made
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        (out.with_name("first") / name / made).rename(place)
    before = {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()}
    replayed, _ = replay(archive, name, out=out)
    assert replayed.differences.rows == ()
    assert (replayed.same, replayed.exit_code, replayed.runs) == (True, 0, (name,))
    for file in ("table.csv", "run.json", "outputs/validity_by_coder.csv", "outputs/validity_by_coder.tex"):
        assert (out / name / file).read_bytes() == before[archive / "runs" / name / file]
    assert {path: path.read_bytes() for path in archive.rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_a_recorded_study_is_rebuilt_by_its_notebooks(archive, tmp_path):
    replayed, _ = replay(archive, "topics", out=tmp_path / "rebuilt")
    assert replayed.study.state == "done"
    table = tmp_path / "rebuilt" / "topics" / "table.csv"
    assert table.read_bytes() == (archive / "runs" / "topics" / "table.csv").read_bytes()


@pytest.fixture
def here(monkeypatch):
    """The steps of a study in this process: a kernel takes seconds."""

    def run_here(study: Path, **_: object) -> StudyResult:
        monkeypatch.setenv("CODEBOOK_STUDY", str(study))
        exec(SAVE, {"run": ""})
        return StudyResult("done", 0, (), runs_folder())

    monkeypatch.setattr("codebook.execute.replaying.run_study", run_here)


@pytest.mark.parametrize("name", STUDIES)
def test_two_recorded_studies_are_rebuilt_to_the_byte(archive, here, name, tmp_path):
    check_same(archive, name, tmp_path / "rebuilt")


def test_a_changed_reply_is_named_by_figure(archive, here):
    (results,) = (archive / "runs" / "topics" / "results").glob("*.jsonl")
    results.write_text(results.read_text().replace("science/technology", "travel", 1))
    replayed, _ = replay(archive, "topics")
    assert replayed.exit_code == 1
    assert [each.partition(" ")[0] for each in replayed.damage] == [f"topics/results/{results.name}"]
    rows = {(each.file, each.column): (each.row, each.before, each.after) for each in replayed.differences.rows}
    assert rows["topics/table.csv", "label"][1:] == ("science/technology", "travel")
    row, share, share_now = rows["topics/outputs/validity_by_coder.csv", "accuracy"]
    assert row.startswith("row 1 (coder embedded-use-minilm-")
    assert abs(float(share) - float(share_now)) == pytest.approx(1 / 60)
    assert ("topics/outputs/validity_by_coder", "finding") in rows
    assert "DIFFERS   topics/table.csv, row" in str(replayed)


def test_a_question_that_the_archive_does_not_answer_is_asked_of_nobody(archive, here):
    book = archive / "topics.yaml"
    book.write_text(book.read_text().replace("Travel and tourism", "Journeys"))
    with pytest.raises(ReplayError, match="the archive has no answer to 60 questions"):
        replay(archive, "topics")
    assert sorted(path.name for path in (archive / "runs").iterdir()) == ["headlines", "topics"]
    assert "CODEBOOK_RUNS" not in os.environ


def test_a_folder_that_is_none_or_is_full_is_refused(archive):
    with pytest.raises(ParameterError, match="give the folder of the archived run"):
        replay_study(archive / "runs" / "topic")
    with pytest.raises(ParameterError, match="name a new one"):
        replay_study(archive / "runs" / "topics", out=archive)


BOOK = """name: news
unit: one sentence
variables:
  - name: topic
    question: What is it about?
    kind: single
    level: nominal
    categories: [{name: coal, definition: Mines.}, {name: wind, definition: Wind power.}]
"""
PAID = """
import codebook as cb
study = cb.open_study(run=run)
study.pilot(2).submit()
study.plan().submit()
study.open_run().collect()
cb.label_shares(study.codings(), level="nominal").save()
"""


@pytest.mark.parametrize("engine", ["openai_batch", "openai_live"])
@pytest.mark.parametrize("said", [True, False], ids=["as the study says", "with options of a command"])
def test_a_paid_run_is_rebuilt_without_key_and_service(project, fake, monkeypatch, engine, said):
    """The archived replies are read, whatever the study says of who answers: no other model's labels come instead.

    By then the model is shut down, too.
    """
    who = {"engine": engine, "model": "gpt-6-luna", "base_url": fake.base_url, "settings": {"seed": 7}}
    (project / "codebook.yaml").write_text(BOOK)
    (project / "texts.csv").write_text("id,text\n" + "".join(f"t{n},Sentence {n} about coal.\n" for n in range(4)))
    facts = {"study": "coal", "codebook": "codebook.yaml", "units": "texts.csv", "id_column": "id"}
    (project / "study.yaml").write_text(yaml.safe_dump({**facts, **(who if said else {})}))
    run = open_study(**who).plan()
    run.submit()
    run.collect()
    cb.label_shares(run.codings(), level="nominal").save()
    n_asked = len(fake.requests)
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.setattr("codebook.engines.service.families.find_shutdown", lambda model: date(2026, 1, 1))

    def run_here(study: Path, *, overrides: dict[str, str], **_: object) -> StudyResult:
        exec(PAID, {"run": overrides.get("run", "")})
        return StudyResult("done", 0, (), runs_folder())

    monkeypatch.setattr("codebook.execute.replaying.run_study", run_here)
    lines: list[str] = []
    replayed = replay_study("runs/coal", tell=lines.append)
    assert (replayed.differences.rows, replayed.differences.unmade) == ((), ())
    assert replayed.differences.n_same >= 2  # the table of labels, and that of their shares
    assert len(fake.requests) == n_asked
    note = f"the study says embedded; run coal was answered by {engine}, gpt-6-luna, and is replayed so"
    assert lines == ([] if said else [f"  note: {note}"])
