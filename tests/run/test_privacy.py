"""What leaves for a service tells no person: warned of where it costs, and hidden where the study says so."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner
from fakes.fake_openai import FakeOpenAI
from fakes.scripted import BOOK
from fakes.service import MODEL, check_paid, check_sums, finish, lines_of, plan_batch, serve

from codebook.cli import main
from codebook.errors import ParameterError
from codebook.execute import run_study
from codebook.records import Unit
from codebook.requests import make_custom_id
from codebook.run import adopt, erase_unit, open_run, plan
from codebook.run.plans.privacy import PersonalWatch, is_private_study

MAIL, PHONE, ADDRESS = "ann.example@example.org", "+44 20 7946 0958", "192.168.10.77"
UNITS = [
    Unit(MAIL, "Coal is good."),
    Unit(PHONE, "Sports are better."),
    Unit(ADDRESS, "Write to bob@example.org about travel."),
    Unit("1523", "[500 once] An ordinary text.", {"phone": "none"}),
    Unit("anna-lindqvist", "A text of somebody with a name."),
]
PIECES = ("ann.example", "ann-example", "7946", "192.168", "192-168", "1523", "lindqvist", "anna-study")


def write_book(project: Path) -> Path:
    (project / "codebook.yaml").write_text(BOOK)
    return project / "codebook.yaml"


def sent_to(fake: FakeOpenAI) -> str:
    """All that a service saw but the texts: names of requests and of files, and what is said of batches."""
    names = [line["custom_id"] for batch in fake.batches for line in lines_of(fake, batch)]
    about = [batch["metadata"] for batch in fake.batches.values()]
    return json.dumps([names, about, [file["filename"] for file in fake.files.values()]])


def test_r28_an_id_that_looks_personal_is_never_in_clear_and_others_stay_as_they_are(fake: FakeOpenAI) -> None:
    run = finish(plan_batch(fake, UNITS))
    seen = sent_to(fake)
    assert [piece for piece in PIECES if piece in seen] == ["1523", "lindqvist"]
    assert make_custom_id("1523", "topic") == "topic.1523.0.2q7x5rn5d3dp"
    assert set(run.table()["unit_id"]) == {unit.unit_id for unit in UNITS}


def test_r28_a_private_run_shows_no_id_and_no_name_and_its_answers_still_join(fake: FakeOpenAI) -> None:
    plain = finish(plan_batch(fake, UNITS, run="plain", model="gpt-6-sol"))
    fake.reset()
    run = finish(plan_batch(fake, UNITS, run="anna-study", private=True))
    assert [piece for piece in PIECES if piece in sent_to(fake)] == []
    assert check_sums(run)[""] == len(UNITS) - 1
    labels = [dict(zip(one.table()["unit_id"], one.table()["label"], strict=True)) for one in (plain, run)]
    assert labels[0] == labels[1]
    assert run.retry() == 1
    run = finish(run)
    assert check_sums(run) == {"": len(UNITS)}
    assert [piece for piece in PIECES if piece in sent_to(fake)] == []
    assert Counter(run.table()["custom_id"].str.split(".").str[1]) == {"x": len(UNITS)}


def test_r28_a_private_run_is_planned_again_without_a_change(fake: FakeOpenAI) -> None:
    first = plan_batch(fake, UNITS, private=True)
    shards = [path.name for path in first.folder.shards.iterdir()]
    run = finish(plan_batch(fake, UNITS, private=True))
    assert [path.name for path in run.folder.shards.iterdir()] == shards
    plan_batch(fake, UNITS, private=True).submit()
    check_paid(fake, len(UNITS) - 1)  # the one that failed costs nothing


def test_r28_the_job_of_a_private_run_is_found_again_though_all_of_runs_was_lost(
    fake: FakeOpenAI, project: Path
) -> None:
    fake.auto = False
    plan_batch(fake, UNITS, private=True).submit()
    (project / "runs").rename(project / "lost")
    fake.auto = "at once"
    finish(plan_batch(fake, UNITS, private=True))
    assert fake.n_created == 1
    check_paid(fake, len(UNITS) - 1)  # the one that failed costs nothing


def test_r28_who_knows_an_id_cannot_find_its_request(fake: FakeOpenAI) -> None:
    names = [
        set(plan_batch(fake, units, run=f"run-{n}", private=True).table()["custom_id"])
        for n, units in enumerate((UNITS, UNITS[:3]))
    ]
    assert not names[0] & names[1], "they depend on something that the service does not know"
    assert not any(make_custom_id(unit.unit_id, "topic") in names[0] for unit in UNITS)


def test_r28_a_unit_of_a_private_run_can_be_erased(fake: FakeOpenAI) -> None:
    run = finish(plan_batch(fake, UNITS, private=True))
    (name,) = run.table().query("unit_id == @MAIL")["custom_id"]
    erase_unit(MAIL)
    held = b"".join(path.read_bytes() for path in run.folder.path.rglob("*") if path.is_file())
    assert name.encode() not in held
    assert MAIL.encode() not in held
    assert len(open_run(run.name).table()) == len(UNITS) - 1


@pytest.mark.parametrize(("said", "private"), [("true", True), ("True", True), ("false", False), ("", False)])
def test_r28_the_study_says_whether_it_is_private(project: Path, said: str, private: bool) -> None:
    (project / "study.yaml").write_text(f"study: s\nprivate: {said}\n" if said else "study: s\n")
    assert is_private_study() is private
    asking = plan(write_book(project), UNITS, run="one").asked
    assert bool(asking.private) is bool(asking.salt) is private


@pytest.mark.parametrize("text", ["private: perhaps\n", "private: [\n", "private: 1\n"])
def test_r28_where_the_study_cannot_say_nothing_is_planned(project: Path, text: str) -> None:
    (project / "study.yaml").write_text(text)
    with pytest.raises(ParameterError, match=r"study\.yaml, line"):
        plan(write_book(project), UNITS, run="one")
    assert not (project / "runs").exists()


def test_r28_the_notebooks_of_a_private_study_plan_private_runs(project: Path) -> None:
    write_book(project)
    source = (
        "import codebook as cb\nfrom codebook.records import Unit\n"
        "run = cb.plan('codebook.yaml', [Unit('1523', 'x')], run='one')\nprint(run.table()['custom_id'][0])"
    )
    cell = {"cell_type": "code", "id": "c", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
    python = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    (project / "notebooks").mkdir()
    whole = {"cells": [cell], "metadata": python, "nbformat": 4, "nbformat_minor": 5}
    (project / "notebooks" / "01_plans.ipynb").write_text(json.dumps(whole))
    (project / "studies").mkdir()
    (project / "studies" / "own.yaml").write_text("study: s\nrun: r\nprivate: true\nsteps: [plans]\n")
    assert run_study("studies/own.yaml", out=lambda line: None).exit_code == 0
    assert open_run("one").asked.private


def test_r28_what_looks_personal_is_warned_of_where_it_costs(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_book(project)
    (project / "data").mkdir()
    rows = [f'{MAIL},"Coal, says bob@example.org",12 Coal Street', "2,An ordinary text,none"]
    (project / "data" / "texts.csv").write_text("\n".join(["id,text,address", *rows]) + "\n")
    with serve(project, monkeypatch) as fake:
        own = ("--base-url", fake.base_url, "--model", MODEL, "--context", "address")
        planned = ("plan", "--engine", "openai_batch", "--run", "one", *own)
        for words in (
            ("preflight", *own, "-n", "1"),
            (*planned, "--dry-run"),
            planned,
            ("submit", "one", "--dry-run"),
            ("submit", "one"),
            ("status", "one"),
        ):
            said = CliRunner().invoke(main, list(words)).output
            assert "1 id looks personal" in said, words
            assert f"1 text holds an e-mail or IP address ('{MAIL}')" in said, words
            assert "columns that look personal are sent with the texts: address (by its name)" in said, words
        said = CliRunner().invoke(main, [*planned[:-2], "--run", "two", "--private"]).output
        assert "id looks personal" not in said
        assert "1 text holds" in said
    assert "look personal" not in CliRunner().invoke(main, ["plan", "--run", "offline"]).output, "nothing leaves"
    assert orjson.loads(Path("runs/two/run.json").read_bytes())["asked"]["private"]


def test_r28_units_that_are_not_sent_are_not_warned_of() -> None:
    watch = PersonalWatch(private=False)
    pairs = [(Unit(MAIL, "write to bob@example.org"), "too long"), (Unit("2", "An ordinary text"), None)]
    assert list(watch.watch(iter(pairs))) == pairs
    assert watch.told() == ()


def test_r28_a_private_run_can_be_adopted(fake: FakeOpenAI, project: Path) -> None:
    before = finish(plan_batch(fake, UNITS, private=True)).table()
    (project / "runs" / "ledger.db").unlink()
    after = adopt("runs/one").table()
    assert list(after["unit_id"]) == list(before["unit_id"])
    assert after["label"].equals(before["label"])
