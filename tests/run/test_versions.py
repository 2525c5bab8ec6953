"""Versions of a run: what did not change is not asked again, a name stands for the newest one, and it is said."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import Command
from fakes.fake_openai import FakeOpenAI
from fakes.scripted import UNITS, make_book, register
from fakes.service import MODEL, TEXTS, check_sums, finish, plan_batch

from codebook.errors import ChangedPlanError, RunError
from codebook.files.run_versions import find_version, list_versions
from codebook.ledger import Ledger
from codebook.records import Unit
from codebook.report import write_report
from codebook.run import (
    Run,
    cost_history,
    discard_run,
    erase_unit,
    list_jobs,
    list_runs,
    open_run,
    plan,
    rehearse_plan,
    summarise_runs,
)
from codebook.run.verbs import open_exact
from codebook.scheme import Codebook


def reword(book: Codebook, name: str, question: str = "Said otherwise?") -> Codebook:
    """The codebook with another question of one variable."""
    changed = [each.model_copy(update={"question": question}) if each.name == name else each for each in book.variables]
    return book.model_copy(update={"variables": tuple(changed)})


TWO = make_book("topic", "tone")
OTHER = reword(TWO, "tone")
CHANGES: dict[str, tuple[dict[str, Any], int, str]] = {
    "definition": ({"book": OTHER}, 6, "variable tone was reworded: variables[tone].question:"),
    "rows": ({"units": [*TEXTS, "one more", "and another"]}, 4, "units: of 8, 2 are new"),
    "fewer rows": ({"units": TEXTS[:4]}, 0, "units: of 4, 2 are gone"),
    "text": ({"units": ["another text", *TEXTS[1:]]}, 2, "units: of 6, 1 is changed"),
    "model": ({"model": "gpt-5.4-mini"}, 12, f"model: {MODEL} became gpt-5.4-mini"),
    "settings": ({"settings": {"max_completion_tokens": 300}}, 12, "max_completion_tokens: none became 300"),
    "draws": ({"draws": 2}, 12, "draws: 1 became 2"),
    "variable": ({"book": make_book("topic", "tone", "frames")}, 6, "variable frames is new"),
    "fewer variables": ({"book": make_book("topic")}, 0, "variable tone is gone"),
}


def check_billed(fake: FakeOpenAI, n: int) -> None:
    """The service answered `n` requests for money, none of them twice."""
    assert (sum(fake.billed.values()), set(fake.billed.values())) == (n, {1})


def plan_two(fake: FakeOpenAI, units: Any = TEXTS, **given: Any) -> Run:
    return plan_batch(fake, units, **{"book": TWO, "version": True, **given})


@pytest.mark.parametrize("what", CHANGES)
def test_a_changed_plan_is_the_next_version_and_only_what_changed_is_billed(fake: FakeOpenAI, what: str) -> None:
    given, n_new, said = CHANGES[what]
    first = finish(plan_two(fake))
    before = first.table()
    check_billed(fake, 12)
    second = plan_two(fake, **given)
    assert (second.name, list_runs()) == ("one.v2", ["one", "one.v2"])
    assert said in str(second.status()), second.status()
    assert sum(job.requests for job in second.status().jobs) == n_new
    second = finish(second)
    assert set(check_sums(second)) == {""}
    check_billed(fake, 12 + n_new)
    assert open_run("one.v1").table().equals(before), "the earlier version stays as it was"


def test_status_and_costs_say_what_is_asked_anew_and_what_it_costs(fake: FakeOpenAI) -> None:
    finish(plan_two(fake))
    second = plan_two(fake, [*TEXTS, "one more"], book=OTHER)
    anew = "asked anew: topic 1 of 7, tone 7 of 7; the others were asked before and are not asked again"
    for shown in (str(second.status()), repr(second.costs())):
        assert "version 2 of one, after one: variable tone was reworded" in shown
        assert "; units: of 7, 1 is new" in shown
        assert anew in shown
    costs = second.costs().frame.set_index("what")
    assert costs.loc["to come, as a batch", "requests"] == 8
    assert costs.loc["to come, as a batch", "USD"] > 0
    assert (costs.loc["paid", "requests"], costs.loc["paid", "USD"]) == (0, 0)
    assert costs.loc["asked by other runs", "requests"] == 6


def test_the_cost_of_a_run_after_its_pilot_is_that_of_what_is_sent(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch)
    finish(plan(make_book("topic"), UNITS, run="one-pilot", limit=2, engine="scripted"))
    run = plan(make_book("topic"), UNITS, run="one", engine="scripted")
    costs = run.costs().frame
    assert costs[["what", "requests"]].to_numpy().tolist() == [
        ["to come", 4],
        ["answered", 0],
        ["asked by other runs", 2],
    ]
    assert costs["USD"].sum() == 0
    assert run.costs().notes[0].startswith("asked anew: topic 4 of 6")
    whole = finish(run).costs().frame
    assert whole[["what", "requests"]].to_numpy().tolist() == [["answered", 4], ["asked by other runs", 2]]


def test_without_the_wish_a_run_is_not_planned_with_something_else(fake: FakeOpenAI) -> None:
    finish(plan_batch(fake, book=TWO))
    with pytest.raises(ChangedPlanError, match=r"next version of the run \(version=True\)"):
        plan_batch(fake, book=OTHER)
    assert list_runs() == ["one"]


def test_the_same_plan_is_the_same_version_and_one_not_handed_in_is_replaced(fake: FakeOpenAI) -> None:
    finish(plan_two(fake))
    assert plan_two(fake).name == "one"
    assert plan_two(fake, book=OTHER).name == "one.v2"
    again = plan_two(fake, book=reword(TWO, "topic"))
    assert (again.name, list_runs()) == ("one.v2", ["one", "one.v2"])
    assert "variable topic was reworded" in str(again.status())
    assert "tone" not in "".join(again.version_notes)
    finish(again)
    assert plan_two(fake, book=reword(TWO, "topic")).name == "one.v2"
    third = plan_two(fake)  # as it was in the beginning: nothing is asked, and the name stands for it again
    assert third.name == "one.v3"
    assert third.status().jobs == ()
    check_billed(fake, 18)


def test_a_name_stands_for_the_newest_version_that_was_handed_in_and_says_so(fake: FakeOpenAI) -> None:
    finish(plan_two(fake))
    plan_two(fake, book=OTHER)
    assert open_run("one").name == "one"
    assert open_run("one").notes == ["one means one, because the newest version, one.v2, was not submitted"]
    assert open_run("one", planned=True).name == "one.v2"
    open_run("one", planned=True).submit()
    newest = open_run("one")
    assert newest.name == "one.v2"
    said = "one means one.v2, the newest of 2 versions"
    assert newest.notes == [said]
    assert said in str(newest.status())
    newest.collect()
    assert said in newest.codings().notes
    for exact, name in (("one.v1", "one"), ("one.v2", "one.v2")):
        assert open_run(exact).name == name
        assert not any("means" in note for note in [*open_run(exact).notes, *open_exact(name).notes]), exact
    with pytest.raises(RunError, match=r"There is no run 'one\.v3'"):
        open_run("one.v3")


def test_versions_stand_in_their_order(tmp_path: Path) -> None:
    for name in ("one", "one.v2", "one.v10", "one.v9", "onev3", "one-pilot"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "run.json").write_text("{}")
    assert list_versions(tmp_path, "one") == ["one", "one.v2", "one.v9", "one.v10"]
    assert find_version(tmp_path, "one") == "one.v10"
    assert find_version(tmp_path, "two") == "two"


def test_a_unit_that_was_erased_is_not_asked_again_by_a_new_version(fake: FakeOpenAI) -> None:
    finish(plan_two(fake))
    erase_unit("u3")
    with pytest.raises(RunError, match="take what was erased out of your file of units") as caught:
        plan_two(fake, book=OTHER)
    assert not isinstance(caught.value, ChangedPlanError)
    assert list_runs() == ["one"]
    named = [Unit(f"u{n}", text) for n, text in enumerate(TEXTS) if n != 3]
    assert plan_two(fake, named, book=OTHER).name == "one.v2"
    erase_unit("u2", run="one")
    assert [len(set(open_run(name).table()["unit_id"])) for name in ("one.v1", "one.v2")] == [4, 4]


def test_a_lost_ledger_makes_no_version(fake: FakeOpenAI, project: Path) -> None:
    finish(plan_two(fake))
    for path in (project / "runs").glob("ledger.db*"):
        path.unlink()
    with pytest.raises(RunError, match="planned with something else"):
        plan_two(fake, book=OTHER)
    assert list_runs() == ["one"]


def test_units_of_an_iterator_are_planned_as_a_version_too(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)

    def few(n: int) -> Iterator[Unit]:
        return iter(UNITS[:n])

    for n, name in ((2, "one"), (4, "one.v2")):
        run = finish(plan(make_book("topic"), few(n), run="one", version=True, engine="scripted"))
        assert (run.name, len(run.table())) == (name, n)


def test_texts_to_be_embedded_have_versions(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from fakes.vectors_engine import register as register_vectors

    from codebook.scheme import parse_codebook

    register_vectors(monkeypatch)
    book = parse_codebook("{name: e, unit: a text, variables: [{name: vectors, kind: embedding}]}")
    finish(plan(book, UNITS[:2], run="one", engine="vectors"))
    second = plan(book, UNITS, run="one", version=True, engine="vectors")
    status = second.status()
    assert (second.name, status.n_rows, status.n_pending) == ("one.v2", len(UNITS), len(UNITS) - 2)


def test_a_dry_run_tells_the_version_and_makes_none(fake: FakeOpenAI) -> None:
    finish(plan_two(fake))
    units = [Unit(f"u{n}", text) for n, text in enumerate(TEXTS)]
    given: dict[str, Any] = {
        "engine": "openai_batch",
        "model": MODEL,
        "options": {"base_url": fake.base_url, "pause_s": 0.01},
    }
    dry = rehearse_plan(OTHER, units, run="one", version=True, **given)
    assert (dry.run, list_runs()) == ("one.v2", ["one"])
    assert "one.v2 differs: variable tone was reworded" in repr(dry)
    assert dry.frame["requests"].sum() == 6
    assert rehearse_plan(TWO, units, run="one", version=True, **given).run == "one"


def test_the_project_lists_versions_with_what_changed(fake: FakeOpenAI, command: Command) -> None:
    finish(plan_two(fake))
    finish(plan_two(fake, book=OTHER))
    finish(plan_two(fake, run="one-pilot", limit=2))
    rows = summarise_runs(run="one").set_index("run")
    assert sorted(rows.index) == ["one", "one.v2"]
    assert rows.loc["one", "changed"] == ""
    assert rows.loc["one.v2", "changed"].startswith("variable tone was reworded")
    assert list(summarise_runs(run="one.v1")["run"]) == ["one"]
    assert set(list_jobs(run="one.v2")["run"]) == {"one.v2"}
    assert cost_history("run", run="one")["answers"].sum() == 18
    assert "variable tone was reworded" in command("runs").stdout


def test_of_several_versions_the_one_to_drop_is_named(fake: FakeOpenAI) -> None:
    finish(plan_two(fake))
    finish(plan_two(fake, book=OTHER))
    with pytest.raises(RunError, match=r"has 2 versions, and nothing was dropped. .*: one.v1, one.v2"):
        discard_run("one")
    assert "Run one is discarded" in discard_run("one.v1")
    assert open_run("one").name == "one.v2"
    assert set(check_sums(open_run("one"))) == {""}


def test_the_report_of_a_new_version_leaves_the_old_one(fake: FakeOpenAI) -> None:
    finish(plan_two(fake))
    old = write_report("one")
    text = old.read_text()
    finish(plan_two(fake, book=OTHER))
    new = write_report("one")
    assert (old.parent.name, new.parent.name) == ("one", "one.v2")
    assert old.read_text() == text
    assert "Version 2 of one, after one: variable tone was reworded" in new.read_text()
    assert write_report("one.v1") == old


def test_a_killed_plan_of_a_version_goes_on(fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    finish(plan_two(fake))
    with monkeypatch.context() as patch:
        patch.setattr("codebook.run.plans.replacing._describe_version", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            plan_two(fake, book=OTHER)
    assert plan_two(fake, book=OTHER).name == "one.v2"
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "finish_plan", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            plan_two(fake, book=OTHER, draws=2)
    again = plan_two(fake, book=OTHER, draws=2)
    assert (again.name, len(list_runs())) == ("one.v2", 2)
    assert set(check_sums(finish(again))) == {""}
    check_billed(fake, 24 + 6)


def test_commands_take_the_newest_version(fake: FakeOpenAI, project: Path, command: Command) -> None:
    (project / "texts.csv").write_text("id,text\n" + "".join(f"u{n},{text}\n" for n, text in enumerate(TEXTS)))
    from codebook.scheme import write_codebook

    write_codebook(TWO, project / "codebook.yaml")
    words = ("plan", "--codebook", "codebook.yaml", "--units", "texts.csv", "--engine", "openai_batch", "--run", "one")
    words = (*words, "--model", MODEL, "--base-url", fake.base_url)
    for verb in (words, ("submit", "one"), ("collect", "one")):
        assert command(*verb).exit_code == 0
    write_codebook(OTHER, project / "codebook.yaml")
    planned = command(*words)
    assert "Run one.v2" in planned.stdout
    assert "asked anew: topic 0 of 6, tone 6 of 6" in planned.stdout
    assert "one.v2" in command("submit", "one").stdout
    collected = command("collect", "one")
    assert (collected.exit_code, "one.v2" in collected.stdout) == (0, True)
    for verb in ("table", "status"):
        assert "one means one.v2" in command(verb, "one").stdout
    assert "one means one.v2" in command("table", "one", "copy.csv").output
    assert command("report", "one").stdout.strip().endswith("runs/one.v2/report.html")
    check_billed(fake, 18)
