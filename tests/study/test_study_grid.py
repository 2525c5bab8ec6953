"""The grid of a study: planned as one, asked once, and one finding under every specification."""

import shutil
from pathlib import Path

import krippendorff
import pandas as pd
import pytest
import yaml

import codebook as cb
from codebook.analysis.correction.finding_changes import CORRECTED, NAIVE
from codebook.errors import ParameterError, StatisticError, TableError
from codebook.execute.study import StepResult, run_study
from codebook.execute.study_plan import plan_study
from codebook.sampling import write_gold_sample
from codebook.scaffold.lab import find_report
from codebook.study import Study, name_reported, report_study

DATA = Path(__file__).parents[2] / "data"
MODELS = [
    {"name": "both", "engine": "embedded"},
    {"name": "one", "engine": "embedded", "options": {"language": "fr"}},
]
GRID = {
    "models": MODELS,
    "codebooks": ["topics.yaml", "topics_brief.yaml"],
    "draws": 2,
    "finding": {"label": "travel", "formula": "n_words ~ label"},
}


def write_study(folder: Path, grid: dict[str, object], **facts: object) -> None:
    study = yaml.safe_load((DATA / "archive" / "study.yaml").read_text()) | {"study": "m", "grid": grid, **facts}
    (folder / "study.yaml").write_text(yaml.safe_dump(study | {"steps": ["cell", "multiverse"]}))


@pytest.fixture
def study(project):
    """Thirty sentences of the archive, with their codebook and a brief one."""
    for name in ("topics.yaml", "sentences.csv", "llm_replies.csv", "topics_coders.yaml"):
        shutil.copy(DATA / "archive" / name, project)
    rows = (project / "sentences.csv").read_text().splitlines(keepends=True)
    (project / "sentences.csv").write_text("".join(rows[:31]))
    shutil.copy(DATA / "topics_sib200_en" / "codebook_brief.yaml", project / "topics_brief.yaml")
    (project / "notebooks").mkdir()
    for name in ("20_cell", "21_multiverse"):
        shutil.copy(Path(__file__).parents[2] / "notebooks" / f"{name}.ipynb", project / "notebooks")
    write_study(project, GRID, notebooks="notebooks")
    return cb.open_study


@pytest.mark.slow
def test_a_grid_is_planned_as_one_asked_once_and_looked_at_under_every_specification(study):
    grid = study().grid
    assert repr(grid) == "2 models x 2 codebooks x 2 draws: 4 runs."
    grid.plan()
    costs = grid.costs()
    whole = costs["run"].str.startswith("all: 240 different questions of 240")
    assert costs.loc[whole, "requests"].tolist() == [240, 0]
    assert [status.n_labelled for status in (grid.submit() and grid.collect())] == [60] * 4
    assert all(not status.jobs or status.done for status in grid.submit()), "nothing is asked a second time"
    codings = grid.codings()
    result = grid.multiverse(codings)
    check_figures(result.frame, codings)
    assert result.frame["specification"].max() == 13
    assert "under each: every unit has a gold label, and gold alone counts." in result.finding
    result.save()
    check_report(study())
    check_drawn_gold(study, codings)


def check_report(opened: Study) -> None:
    """The page is of the main cell, says which the others are, and has the finding under each."""
    page = report_study(opened)
    text = page.read_text(encoding="utf-8")
    assert name_reported(opened) == "m-grid-both-topics", "of the study itself there is no run"
    assert len(cb.checklist(name_reported(opened), coders=opened.coders)) > 5
    assert page == find_report(opened.name) == opened.folder / "report.html"
    assert "This page is of m-grid-both-topics, the main cell of the grid; the other cells are m-grid-both" in text
    assert "<h2>Multiverse" in text or ">Multiverse<" in text
    assert "gold alone counts" in text


def check_drawn_gold(study, codings: cb.Codings) -> None:
    """By a few gold units the corrected estimates vary, and stand beside the naive ones; the sample is locked first."""
    write_gold_sample(cb.draw_gold(codings, 12, seed=1), "gold.jsonl")
    grid = study(sample="gold.jsonl").grid
    with pytest.raises(StatisticError, match="the part 'test' is locked"):
        grid.multiverse()
    result = grid.multiverse(grid.codings(unlock=True))
    assert result.frame.groupby("source")["estimate"].nunique().min() > 2
    heads = ["Model", "Codebook", "Labels", "Naive", "Corrected", "Agreement", "Accuracy"]
    assert result.printed().columns.tolist() == heads
    curves = {text.get_text(): text.xy[0] for text in result.plot().axes[0].texts}
    assert list(curves) == [NAIVE, CORRECTED]
    assert curves[CORRECTED] == curves[NAIVE] + 14  # 13 specifications, and a gap


def check_figures(frame: pd.DataFrame, codings: cb.Codings) -> None:
    """Hold the main specification, and one beside it, against figures made by hand."""
    labels = codings.draw(0).frame.pivot(index="unit_id", columns="coder", values="label")
    words = pd.Series({unit: len(codings.texts[unit].split()) for unit in labels.index})
    singles = frame[frame["aggregation"] == "single"].set_index(["model", "prompt", "source"])
    for model, prompt in (("both", "topics"), ("one", "topics_brief")):
        coder = labels[f"{model}@{prompt}"]
        row = singles.loc[(model, prompt, NAIVE)]
        means = words.groupby(coder == "travel").mean()
        assert row["estimate"] == pytest.approx(means[True] - means[False])
        assert row["accuracy"] == pytest.approx((coder == labels["gold"]).mean())
        codes = labels[["both@topics", f"{model}@{prompt}"]].apply(lambda each: each.astype("category").cat.codes)
        if model == "one":
            both = pd.concat([labels["both@topics"], coder]).astype("category")
            codes = both.cat.codes.to_numpy(float).reshape(2, -1)
            assert row["agreement"] == pytest.approx(krippendorff.alpha(codes, level_of_measurement="nominal"))
        gold = words.groupby(labels["gold"] == "travel").mean()
        assert singles.loc[(model, prompt, CORRECTED), "estimate"] == pytest.approx(gold[True] - gold[False])


@pytest.mark.slow
def test_without_gold_the_finding_is_naive_and_says_how_many_agree(study):
    small = {**GRID, "models": MODELS[:1], "draws": 1, "aggregation": ["single"]}
    write_study(cb.paths.project_folder(), small, coders="none")
    grid = study().grid
    grid.submit()
    grid.collect()
    result = grid.multiverse()
    assert result.printed().columns.tolist() == ["Model", "Codebook", "Labels", "Agreement", "Estimate"]
    signs = (result.frame["estimate"] * result.frame["estimate"].iloc[0] > 0).mean()
    assert f"With the main one {signs:.0%} agree in sign".replace("%", " %") in result.finding


def test_faults_of_a_grid_are_found_before_anything_is_paid(study):
    book = Path("topics_brief.yaml")
    book.write_text(book.read_text().replace("name: travel", "name: trips"))
    write_study(Path(), {**GRID, "finding": {"label": "travle"}})
    faults = "\n".join(map(str, study().check().faults))
    assert "'travle' is not a label of 'topic'. To mend: did you mean 'travel'?" in faults
    assert "topics_brief has other labels for 'topic' than topics" in faults
    write_study(Path(), {**GRID, "models": [{"modle": "m"}], "draws": "many"})
    with pytest.raises(ParameterError, match="did you mean 'model'") as caught:
        study()
    assert [fault.where.split(",")[0] for fault in caught.value.faults] == ["study.yaml"] * 3


def test_labels_of_people_that_do_not_fit_are_found_before_anything_is_sent(study):
    coders = Path("topics_coders.yaml")
    wrong = "  - {file: wrong.csv, unit: text_id, columns: {ann: topic}}\n"
    Path("wrong.csv").write_text("text_id,topic\n1,travle\n")
    coders.write_text(coders.read_text().replace("coders:\n", f"coders:\n{wrong}"))
    trial = study().grid.pilot(3)
    trial.plan()
    with pytest.raises(TableError, match=r"rename: {'travle': 'travel'}"):
        trial.submit()
    assert not [job for cell in trial.cells for job in cell.study.open_run().status().jobs if job.job_id]


def test_a_notebook_runs_once_for_each_cell_and_a_cell_that_waits_keeps_no_other(study, monkeypatch):
    plan = plan_study(Path("study.yaml").resolve(), {})
    cells = ["both-topics", "both-topics_brief", "one-topics", "one-topics_brief"]
    assert [(step.name, step.cell) for step in plan.steps] == [*(("cell", cell) for cell in cells), ("multiverse", "")]
    assert [step.parameters.get("cell", "") for step in plan.steps] == [*cells, ""]

    def run_step(step, *_):
        state = "pending" if step.cell == "both-topics" else "done"
        return StepResult(step.label, state, 0.0, Path("a.ipynb"), Path("a.html")), "waits"

    monkeypatch.setattr("codebook.execute.study._run_step", run_step)
    monkeypatch.setattr("codebook.execute.kernels._can_fork", lambda: False)
    result = run_study("study.yaml", out=lambda line: None)
    assert (result.state, [step.state for step in result.steps]) == ("pending", ["pending", "done", "done", "done"])
    assert result.left == ("cell", "multiverse")
