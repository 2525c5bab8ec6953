"""Freezing: the test part of the gold opens for what was marked as final, and a figure says what it was opened for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from notebook_cells import answer_as_told, make_run, say

import codebook as cb
from codebook.errors import StatisticError
from codebook.run.freezing import FREEZES, find_freeze
from codebook.sampling import draw_gold, write_gold_sample

GOLD = ["sports" if at % 3 == 0 else "coal" for at in range(24)]


@pytest.fixture
def study(project: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A study whose run `r` is collected, with a gold sample of which two units are to develop, the others to test."""
    answer_as_told(monkeypatch)
    make_run(project, "topic", say(GOLD), {"gold": GOLD})
    units = pd.DataFrame({"unit_id": [f"u{at}" for at in range(24)]})
    sample = draw_gold(units, 8, dev_share=0.25, seed=3)
    write_gold_sample(sample, project / "runs" / "r" / "gold_sample.jsonl")
    drawn = set(sample.frame["unit_id"])
    gold = pd.read_csv(project / "gold.csv")
    gold[gold["id"].isin(drawn)].to_csv(project / "gold.csv", index=False)
    facts = {"id_column": "id", "text_column": "text", "units": "texts.csv", "coders": "coders.yaml"}
    return lambda run="r": cb.open_study(run=run, engine="scripted", **facts)


def test_the_test_part_is_locked_until_instrument_and_prompt_are_frozen(study: Any) -> None:
    with pytest.raises(StatisticError, match=r"'test' is locked.*`codebook freeze`"):
        study().codings().gold_sample()
    frozen = study().freeze()
    assert "is marked as final" in str(frozen)
    frame, sentence = study().codings().gold_sample()
    assert len(frame) == 6
    assert "was opened" not in sentence
    assert "was marked as final before, and has not changed" in str(study().freeze())
    assert Path(FREEZES).read_text().count('"event":"frozen"') == 1


def test_a_codebook_changed_after_the_freeze_is_told_and_locks_again(study: Any) -> None:
    study().freeze()
    study().codings()
    change_codebook()
    study("r2").plan()
    write_sample_of("r2")
    with pytest.raises(StatisticError, match=r"was changed since: .*question.*became 'Which topic, mainly\?'"):
        study("r2").codings().gold_sample()
    assert "was changed since" in str(study("r2").check())
    study("r2").freeze()
    study("r2").codings()
    assert find_freeze(study("r2").codebook.name).book.variables[0].question == "Which topic, mainly?"


def test_a_figure_says_that_the_test_part_was_opened_before_the_last_change(study: Any, project: Path) -> None:
    sample = project / "sample.jsonl"
    sample.write_bytes((project / "runs" / "r" / "gold_sample.jsonl").read_bytes())
    first = cb.open_study(run="r", coders="coders.yaml", sample="sample.jsonl").codings(unlock=True)
    assert "was opened on" not in first.gold_sample()[1]
    change_codebook()
    again = study("r2").plan()
    again.submit()
    again.collect()
    codings = again.codings("coders.yaml", sample="sample.jsonl", unlock=True)
    assert "The test part was opened on" in cb.validity(codings).note
    assert "by run r, and codebook, model or settings were changed since" in codings.gold_sample()[1]
    assert (
        "was opened" not in cb.open_run("r").codings("coders.yaml", sample="sample.jsonl", part="dev").gold_sample()[1]
    )


def change_codebook() -> None:
    book = cb.read_codebook("codebook.yaml")
    variable = book.variables[0].model_copy(update={"question": "Which topic, mainly?"})
    cb.scheme.write_codebook(book.model_copy(update={"variables": (variable,)}), "codebook.yaml")


def write_sample_of(run: str) -> None:
    """Give a run the same gold sample as `r` has."""
    Path("runs", run, "gold_sample.jsonl").write_bytes(Path("runs", "r", "gold_sample.jsonl").read_bytes())
