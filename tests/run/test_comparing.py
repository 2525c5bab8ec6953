"""Runs side by side: what changed between versions, prompts and models, and which meets the gold better."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from commands import Command
from fakes.fake_openai import FakeOpenAI
from fakes.scripted import UNITS, make_book, register
from fakes.service import finish, plan_batch

from codebook.analysis import Bootstrap
from codebook.errors import ParameterError, RunError, StatisticError
from codebook.ground.quantities import show_usd
from codebook.records import Unit
from codebook.run import Run, compare_runs, plan
from codebook.scheme import Codebook

FEW = Bootstrap(50, seed=1)
MANY = [Unit(f"t{n}", f"Text number {n} about coal and {n % 7} trips.") for n in range(60)]


def turned(name: str = "topic") -> Codebook:
    """The codebook with the categories of a variable in another order, so that the test engine labels otherwise."""
    book = make_book("topic", "tone")
    variables = [
        each.model_copy(update={"categories": each.categories[1:] + each.categories[:1]}) if each.name == name else each
        for each in book.variables
    ]
    return book.model_copy(update={"variables": tuple(variables)})


@pytest.fixture
def two(project: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Run, Run]:
    """Two versions of a run; topic was changed, tone was not, two units are new; the gold is that of the second."""
    register(monkeypatch)
    first = finish(plan(make_book("topic", "tone"), MANY[:58], run="one", version=True, engine="scripted"))
    second = finish(plan(turned(), MANY, run="one", version=True, engine="scripted"))
    topics = second.table().query("variable == 'topic'")
    rows = [f"{unit},{label}" for unit, label in zip(topics["unit_id"], topics["label"], strict=True)]
    (project / "gold.csv").write_text("\n".join(["unit,topic", *rows[:40]]), encoding="utf-8")
    (project / "coders.yaml").write_text(
        "coders:\n  - {file: gold.csv, unit: unit, variable: topic, columns: {gold: topic}}\n", encoding="utf-8"
    )
    return first, second


def test_old_label_stands_beside_new_for_the_units_that_changed(two: tuple[Run, Run]) -> None:
    result = two[1].compare_versions()
    tables = {run.name: run.table().set_index(["unit_id", "variable"])["label"] for run in two}
    frame = result.frame
    assert list(frame) == ["variable", "unit_id", "one", "one.v2", "text"]
    assert set(frame["variable"]) == {"topic"}
    assert (frame["one"] != frame["one.v2"]).all()
    for row in frame.to_dict("records"):
        assert [row[name] for name in tables] == [tables[name][row["unit_id"], "topic"] for name in tables]
        assert row["text"] == next(unit.text for unit in MANY if unit.unit_id == row["unit_id"])
    labels = [tables["one"], tables["one.v2"].reindex(tables["one"].index)]
    assert len(frame) == int((labels[0] != labels[1]).sum()) > 20
    assert f"{len(frame)} of 58 units changed their label" in result.finding
    assert f"The first 16 of {len(frame)} rows; .frame has all." in repr(result)
    assert "2 units that not all of the runs have are left out." in result.note


def test_labels_side_by_side_are_read_in_titles(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)
    for book in (make_book("topic"), turned()):
        one = book.variables[0]
        titled = tuple(each.model_copy(update={"title": each.name.upper()}) for each in one.categories)
        book = book.model_copy(update={"variables": (one.model_copy(update={"categories": titled}),)})
        finish(plan(book, MANY[:20], run="one", version=True, engine="scripted"))
    result = compare_runs("one", "unit")
    names = ["one", "one.v2"]
    assert result.printed()[names].stack().str.isupper().all()
    assert result.frame[names].stack().str.islower().all(), "the frame keeps the codes"


def test_which_label_became_which_is_counted(two: tuple[Run, Run]) -> None:
    flips = two[1].compare_versions("label").frame
    units = two[1].compare_versions().frame
    counted = units.groupby(["one", "one.v2"]).size()
    assert {(row["before"], row["after"]): row["n"] for row in flips.to_dict("records")} == counted.to_dict()
    assert flips["n"].is_monotonic_decreasing
    assert flips["share"].sum() == pytest.approx(len(units) / 58)


def test_agreement_accuracy_and_difference_are_those_of_the_analysis(two: tuple[Run, Run]) -> None:
    frame = compare_runs(["one.v1", "one.v2"], coders="coders.yaml", variable="topic", resample=FEW).frame
    first, second = frame.to_dict("records")
    n_same = 58 - len(two[1].compare_versions().frame)
    assert (second["n_units"], second["n_labelled"], second["n_changed"]) == (58, 58, 58 - n_same)
    assert second["percent"] == pytest.approx(n_same / 58)
    assert second["alpha_low"] <= second["alpha"] <= second["alpha_high"] < 1
    assert (second["accuracy"], first["alpha"]) == (1, pytest.approx(float("nan"), nan_ok=True))
    assert second["difference"] == pytest.approx(1 - first["accuracy"])
    assert second["difference_low"] > 0
    assert second["p"] < 0.05
    assert (first["differs"], second["differs"][:26]) == ("", "variable topic was reworde")
    result = compare_runs("one", coders="coders.yaml", variable="topic", resample=FEW)
    assert "one.v2 meets the gold better" in result.finding
    assert "Not compared: tone" not in result.note
    assert result.printed().shape[1] <= 7


def test_a_version_and_the_name_of_its_run_are_two_runs(two: tuple[Run, Run]) -> None:
    for names in (["one.v1", "one"], ["one", "one.v2"]):
        assert list(compare_runs(names, variable="topic", resample=FEW).frame["run"]) == ["one", "one.v2"], names


def test_a_variable_that_was_not_asked_again_is_the_same(two: tuple[Run, Run]) -> None:
    assert (compare_runs("one", variable="tone", resample=FEW).frame["n_changed"].dropna() == 0).all()
    same = two[1].compare_versions("label", variable="tone")
    assert same.facts.nothing == "No label differs: one and one.v2 give the same label to all 58 units."


def test_more_runs_than_two_are_held_against_the_first(two: tuple[Run, Run]) -> None:
    finish(plan(make_book("topic"), MANY[:30], run="other", engine="scripted"))
    frame = compare_runs(["one.v1", "one.v2", "other"], coders="coders.yaml", resample=FEW).frame
    assert list(frame["run"]) == ["one", "one.v2", "other"]
    assert set(frame["n_units"]) == {30}
    assert frame["percent"].iloc[2] == 1
    assert frame["differs"].iloc[2] == "variable tone is gone; units: of 30, 28 are gone"
    units = compare_runs(["one.v1", "one.v2", "other"], "unit", coders="coders.yaml").frame
    assert list(units) == ["variable", "unit_id", "one", "one.v2", "other", "gold", "text"]


def test_costs_are_those_of_the_answers_and_what_was_paid_anew(fake: FakeOpenAI) -> None:
    first = finish(plan_batch(fake, version=True))
    second = finish(plan_batch(fake, [unit.text for unit in UNITS] + ["one more"], version=True))
    result = compare_runs("one", resample=FEW)
    a, b = result.frame.to_dict("records")
    assert f"{show_usd(a['cost'])} " in repr(result), "a fraction of a cent is not .000"
    assert a["cost"] == a["paid"] == pytest.approx(first.record["answered"]["cost_usd"])
    assert b["paid"] == pytest.approx(second.record["answered"]["cost_usd"])
    assert 0 < b["paid"] < b["cost"] == pytest.approx(a["paid"] + b["paid"])
    assert a["seconds"] >= 0


def test_a_label_that_is_missing_on_one_side_is_listed_and_is_no_other_label(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch)
    texts = ["coal", "[outside] coal", "trips"]
    units = [Unit(f"u{n}", text) for n, text in enumerate(texts)]
    finish(plan(make_book("topic"), units, run="one", engine="scripted"))
    plain = [Unit(unit.unit_id, unit.text.replace("[outside] ", "")) for unit in units]
    finish(plan(make_book("topic"), plain, run="one", version=True, engine="scripted"))
    frame = compare_runs("one", "unit").frame
    assert frame[["unit_id", "one"]].to_numpy().tolist() == [["u1", "none"]]
    found = compare_runs("one", "unit").finding
    assert (
        found == "0 of 3 units changed their label (0 %); 1 has a label by some of the runs only; the others kept it."
    )
    whole = compare_runs("one", resample=FEW)
    assert whole.frame[["n_labelled", "n_changed"]].iloc[1].tolist() == [2, 0]
    assert "0 of 2 units changed (0 %); 1 has no label in one of the two." in whole.finding
    assert compare_runs("one", "label").finding.startswith(
        "No label became another one; what differs has a label by one"
    )


def test_a_sample_without_the_part_keeps_no_run_from_being_compared(two: tuple[Run, Run]) -> None:
    from codebook.sampling import draw_gold, write_gold_sample

    second = two[1]
    write_gold_sample(draw_gold(second.codings().of("topic"), 10, "by_label"), second.folder.path / "gold_sample.jsonl")
    assert compare_runs("one", variable="topic", part="dev", resample=FEW).finding.startswith("one.v2 beside one")
    with pytest.raises(StatisticError, match=r"it has no part 'dev'.*part='test'"):
        compare_runs("one", coders="coders.yaml", variable="topic", part="dev", resample=FEW)


def test_what_cannot_be_compared_is_said(two: tuple[Run, Run]) -> None:
    finish(plan(make_book("frames"), MANY[:3], run="frames", engine="scripted"))
    finish(plan(make_book("topic"), UNITS, run="others", engine="scripted"))
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"runs": ["one.v1", "frames"]}, "no variable is in all of the runs.*there are: none"),
        ({"runs": ["one", "others"]}, "no unit is in all of them"),
        ({"runs": ["one.v2", "one.v2"]}, "one.v2 occurs twice"),
        ({"runs": ["one", "one"]}, "one.v2 occurs twice"),
        ({"runs": "one", "variable": "mood"}, "there are: topic, tone"),
        ({"runs": "one", "by": "coder"}, "use label, unit, cost, share, or a formula"),
    ]
    for given, said in wrong:
        with pytest.raises(ParameterError, match=said):
            compare_runs(**given)
    with pytest.raises(RunError, match="There is no run 'two'"):
        compare_runs(["one", "two"])


def test_a_name_beside_its_newest_version_is_the_first(two: tuple[Run, Run], command: Command) -> None:
    """As `codebook runs` lists them."""
    beside = compare_runs(["one", "one.v2"], resample=FEW)
    assert list(dict.fromkeys(beside.frame["run"])) == ["one", "one.v2"]
    back = command("compare", "one.v2", "one", "--replicates", "50")
    assert (back.exit_code, "one beside one.v2" in back.stdout) == (0, True), back.output


def test_a_first_version_has_nothing_beside_it(two: tuple[Run, Run]) -> None:
    result = two[0].compare_versions()
    assert result.facts.nothing == "one is the only version of its run: nothing to compare."
    assert list(result.save().frame) == ["variable", "unit_id"]


def test_the_gold_sample_of_a_run_goes_with_its_versions(two: tuple[Run, Run]) -> None:
    sample = two[1].folder.path / "gold_sample.jsonl"
    sample.write_text("as it was drawn\n")
    third = plan(make_book("topic"), MANY, run="one", version=True, engine="scripted")
    assert (third.name, (third.folder.path / "gold_sample.jsonl").read_text()) == ("one.v3", "as it was drawn\n")


def test_the_command_shows_all_three_views(two: tuple[Run, Run], command: Command) -> None:
    shown = command("compare", "one", "--coders", "coders.yaml", "--variable", "topic", "--replicates", "50")
    assert shown.exit_code == 0, shown.output
    for said in ("one.v2 beside one, topic: alpha", "meets the gold better", "became", "units changed their label"):
        assert said in shown.stdout
    alone = command("compare", "one.v1")
    assert (alone.exit_code, "nothing to compare" in alone.stdout) == (0, True)


def write_gold(project: Path, rows: list[str]) -> None:
    (project / "gold.csv").write_text("\n".join(["unit,topic", *rows]), encoding="utf-8")
    coders = "coders:\n  - {file: gold.csv, unit: unit, variable: topic, columns: {gold: topic}}\n"
    (project / "coders.yaml").write_text(coders, encoding="utf-8")


def test_cost_of_labels_stands_beside_accuracy(
    project: Path, fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(monkeypatch)
    texts = [f"text {n} about coal" for n in range(12)]
    paid = finish(plan_batch(fake, texts, version=True))
    table, book = paid.table(), paid.codebook
    units = [Unit(unit.unit_id, unit.text) for unit in paid.units()]
    finish(plan(book, units, run="free", engine="scripted"))
    name = book.variables[0].name
    labels = table[table["variable"] == name]
    write_gold(project, [f"{unit},{label}" for unit, label in zip(labels["unit_id"], labels["label"], strict=True)])
    result = compare_runs([paid.name, "free"], "cost", coders="coders.yaml", variable=name, resample=FEW)
    rows = result.frame.set_index("run")
    cost = paid.amounts()["cost"]
    assert cost is not None
    assert rows.loc[paid.name, "cost_per_1000"] == pytest.approx(1000 * cost / table["label"].notna().sum())
    assert (rows.loc["free", "cost_per_1000"], rows.loc[paid.name, "accuracy"]) == (0, 1)
    assert rows["on_frontier"].to_dict() == {paid.name: False, "free": True}, "as often right, and dearer"
    axes = result.plot().axes[0]
    assert "no charge" in [tick.get_text() for tick in axes.get_xticklabels()]
    assert {text.get_text() for text in axes.texts} == {paid.name, "free"}
    assert "no charge" in result.finding
    assert "$" in repr(result)


def test_a_run_of_unknown_cost_is_not_drawn_and_said(two: tuple[Run, Run], monkeypatch: pytest.MonkeyPatch) -> None:
    amounts = two[1].amounts()
    unknown = lambda run: amounts | {"cost": None if run.name == "one" else 2.0}  # noqa: E731
    monkeypatch.setattr(Run, "amounts", unknown)
    result = compare_runs("one", "cost", coders="coders.yaml", variable="topic", resample=FEW)
    assert result.frame["on_frontier"].tolist() == [False, True]
    assert "Not drawn: one, its cost is not known." in result.note
    assert [text.get_text() for text in result.plot().axes[0].texts] == ["one.v2"]
    without = compare_runs("one", "cost", resample=FEW)
    assert without.facts.nothing.startswith("No unit of the runs has a gold label")
