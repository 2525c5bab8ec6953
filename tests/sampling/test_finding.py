"""Which gold sample weighs the gold: the run's own unless it is told otherwise, and what is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from notebook_cells import answer_as_told, draw_quickly, make_run, run_cells, say

import codebook as cb
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.scales import VariableSpec
from codebook.codings import make_table
from codebook.errors import ParameterError, RecordError, StatisticError
from codebook.report import read_outputs
from codebook.sampling import draw_gold, open_gold_sample, write_gold_sample

UNITS = [f"u{at}" for at in range(20)]


@pytest.fixture
def folder(project: Path) -> Path:
    """The folder of a run whose gold sample has eight of twenty units, two of them to develop."""
    home = project / "runs" / "r"
    write_gold_sample(
        draw_gold(pd.DataFrame({"unit_id": UNITS}), 8, dev_share=0.25, seed=3), home / "gold_sample.jsonl"
    )
    return home


def table_with_gold(units: list[str]) -> pd.DataFrame:
    row = {"variable": "v", "label": "a"}
    rows = [row | {"unit_id": unit, "coder": "m", "run_id": "r"} for unit in UNITS]
    return make_table(rows + [row | {"unit_id": unit, "coder": "gold"} for unit in units])


def drawn_of(folder: Path, name: str = "gold_sample.jsonl") -> list[str]:
    return list(cb.sampling.read_gold_sample(folder / name, part="all", unlock=True).frame["unit_id"])


VARIABLE = VariableSpec("v", "nominal", ["a"])


def find(folder: Path, units: list[str], **about: Any) -> tuple[pd.DataFrame | None, str]:
    """The sample by which the gold labels of these units are weighted, and what is said of it."""
    sample = open_gold_sample(folder, **about)
    return Codings(table_with_gold(units), [VARIABLE], gold="gold", sample=sample).gold_sample()


def test_s02_the_sample_of_the_run_is_used_without_being_named(folder: Path) -> None:
    frame, sentence = find(folder, drawn_of(folder), unlock=True)
    assert frame is not None
    assert len(frame) == 6
    assert sentence == "runs/r/gold_sample.jsonl: 6 gold units (part 'test'), weighted by chances of 0.3 to 0.3."
    dev, _ = find(folder, drawn_of(folder), part="dev")
    assert dev is not None
    assert set(dev["part"]) == {"dev"}


def test_a_name_alone_is_a_file_of_the_run_and_the_usual_name_may_be_missing(folder: Path) -> None:
    own = folder / "gold_sample.jsonl"
    own.rename(folder / "second.jsonl")
    assert open_gold_sample(folder, file="gold_sample.jsonl") is None
    frame, _ = find(folder, drawn_of(folder, "second.jsonl"), file="second.jsonl", unlock=True)
    assert frame is not None


def test_s02_its_test_part_is_locked_and_the_ways_on_are_named(folder: Path) -> None:
    with pytest.raises(StatisticError, match=r"'test' is locked.*`unlock: true`.*`part: dev`.*`sample: none`"):
        find(folder, drawn_of(folder))
    with pytest.raises(ParameterError, match="no such file"):
        find(folder, UNITS, file="other.jsonl")


@pytest.mark.parametrize(
    ("coded", "file", "sentence"),
    [
        (8, "none", "No gold sample is used, as asked: all gold units weigh the same."),
        (20, "", "runs/r/gold_sample.jsonl is not used: every unit of the run has a label of 'gold'."),
        (0, "", "runs/r/gold_sample.jsonl is not used: no unit has a label of 'gold' yet."),
    ],
)
def test_s02_where_it_is_not_used_the_reason_is_said(folder: Path, coded: int, file: str, sentence: str) -> None:
    units = drawn_of(folder) if coded == 8 else UNITS[:coded]
    assert find(folder, units, file=file) == (None, sentence)


def test_s02_a_named_file_is_used_even_where_all_units_are_coded_and_a_damaged_one_is_told(folder: Path) -> None:
    path = folder / "gold_sample.jsonl"
    frame, _ = find(folder, UNITS, file=str(path), unlock=True)
    assert frame is not None
    path.write_text(path.read_text().replace('"prob":0.4', '"prob":0.5', 1))
    with pytest.raises(RecordError, match="edited or cut short"):
        find(folder, drawn_of(folder), unlock=True)


@pytest.mark.slow
def test_s02_the_validity_notebook_weighs_by_the_sample_that_the_gold_notebook_wrote(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One label in ten; the model errs on it half of the time. By label the gold has far more of it than the whole."""
    answer_as_told(monkeypatch)
    draw_quickly(monkeypatch)
    truth = ["sports" if at % 10 == 0 else "coal" for at in range(80)]
    model = ["coal" if at % 20 == 0 else label for at, label in enumerate(truth)]
    coders = make_run(project, "topic", say(model), {"gold": truth})
    run_cells("10_gold_sample", run="r", n=12, how="by_label", dev_share=0.0, seed=2)
    drawn = set(drawn_of(project / "runs" / "r"))
    gold = pd.read_csv(project / "gold.csv")
    gold[gold["id"].isin(drawn)].to_csv(project / "gold.csv", index=False)
    with pytest.raises(StatisticError, match="locked"):
        run_cells("05_validity", run="r", coders=coders, replicates=0)
    run_cells("05_validity", run="r", coders=coders, replicates=0, unlock=True)
    weighted = read_validity(project)
    entries = read_outputs(project / "runs" / "r" / "outputs")
    facts = {entry.name: entry.facts for entry in entries}
    notes = {entry.name: entry.note for entry in entries}
    for name in ("validity_by_coder", "validity_by_label", "confusion"):
        assert "gold_sample.jsonl: 12 gold units (part 'test'), weighted by chances of" in notes[name]
    assert facts["validity_by_coder"] == facts["confusion"] == {"n_units": 12, "n_coders": 1, "weighted": True}
    checks = cb.checklist("r", coders=coders).set_index("question")
    assert checks.loc["gold drawn by chance", "state"] == "done"
    run_cells("05_validity", run="r", coders=coders, replicates=0, sample="none")
    assert cb.checklist("r", coders=coders).set_index("question").loc["gold drawn by chance", "state"] == "look"
    sports = truth.count("sports") / len(truth)
    assert abs(weighted - sports) < abs(read_validity(project) - sports) / 3


def read_validity(project: Path) -> float:
    """The share of the rare label in the gold, as the validity notebook saved it."""
    frame = pd.read_csv(project / "runs" / "r" / "outputs" / "validity_by_label.csv").set_index("name")
    return float(frame.loc["sports", "prevalence"])
