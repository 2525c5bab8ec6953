"""Examples are drawn several times, and the runs of the draws answer as the first run was answered."""

from dataclasses import replace

import pytest
from fakes.scripted import make_book, register

from codebook.analysis.core.codings import Codings
from codebook.codings import make_table
from codebook.run import open_run, plan, try_examples
from codebook.units import read_units

TEXTS = [f"Sentence number {n}." for n in range(9)]


@pytest.fixture
def study(project, monkeypatch):
    """A collected run, its units, and codings in which the gold has each label three times."""
    register(monkeypatch)
    path = project / "texts.csv"
    path.write_text("".join(["id,text\n", *(f"u{n},{text}\n" for n, text in enumerate(TEXTS))]))
    units, book = read_units(path, id_column="id", text_column="text"), make_book("topic")
    run = plan(book, units, run="one", engine="scripted", settings={"temperature": 0})
    run.submit()
    run.collect()
    labels = ["coal", "sports", "travel"] * 3
    rows = [
        {"unit_id": f"u{n}", "coder": "gold", "variable": "topic", "label": label} for n, label in enumerate(labels)
    ]
    return run, units, Codings(make_table(rows, book), book.variables, gold="gold", outputs=run.folder.path / "outputs")


def test_each_draw_is_a_run_that_answers_as_the_first_one(study):
    run, units, codings = study
    result = try_examples(run, units, codings, draws=2, n_each=1, seed=3)
    frame = result.frame
    assert frame["run"].tolist() == ["one-examples-3", "one-examples-4"]
    assert (frame[["n", "n_answered"]] == 6).all(axis=None)
    assert frame["baseline"].tolist() == [pytest.approx(1 / 3)] * 2
    for name in frame["run"]:
        trial = open_run(name)
        assert [getattr(trial.asked, name) for name in ("engine", "model", "url", "settings")] == [
            getattr(run.asked, name) for name in ("engine", "model", "url", "settings")
        ]
        assert sum(len(category.examples) for category in trial.codebook.variables[0].categories) == 3
    assert result.finding.startswith("With 1 examples a category ")
    assert try_examples(run, units, codings, draws=2, n_each=1, seed=3).frame.equals(frame), "repeated, nothing changes"
    result.save()
    assert (run.folder.path / "outputs" / "with_examples.csv").is_file()


def test_without_gold_nothing_is_drawn_and_the_result_says_so(study):
    run, units, codings = study
    result = try_examples(run, units, replace(codings, gold="nobody"))
    assert result.frame.empty
    assert "nobody" in result.facts.nothing
