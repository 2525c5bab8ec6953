"""What the report shows of the saved outputs, and in which order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from codebook.analysis.core.result import Facts, Result
from codebook.outputs import OutputEntry, print_rows, read_outputs
from codebook.report.sections import list_results, say_denominators, show_section

FRAME = pd.DataFrame({"label": ["a", "b"], "f1": [0.5, 0.25]})


def entry(name: str, section: str, frame: pd.DataFrame = FRAME, **more: Any) -> OutputEntry:
    return OutputEntry(name, "result", section, name.title(), printed=print_rows(frame), **more)


def names(sections: list[dict[str, Any]]) -> dict[str, list[str]]:
    return {section["name"]: [output["name"] for output in section["outputs"]] for section in sections}


def test_results_come_first_and_in_the_order_that_a_reader_asks(tmp_path):
    order = ("coverage", "stability", "correlogram", "shares", "reliability", "validity", "methods")
    found = list_results(tmp_path, [entry(name, name) for name in order], n_variables=1)
    assert [section["name"] for section in found] == ["validity", "reliability", "shares", "stability", "correlogram"]
    assert found[2]["title"] == "Share of each label"


def test_a_table_that_is_saved_twice_is_shown_once_under_both_titles(tmp_path):
    other = entry("third", "validity", FRAME.assign(f1=0.75))
    (section,) = list_results(tmp_path, [entry("one", "validity"), entry("two", "validity"), other], n_variables=1)
    assert [output["title"] for output in section["outputs"]] == ["One; Two", "Third"]


@pytest.mark.parametrize(
    ("n_coders", "n_variables", "shown"), [(2, 1, False), (3, 1, True), (2, 2, True), (0, 1, True)]
)
def test_a_correlogram_is_shown_where_it_says_something_new(tmp_path, n_coders, n_variables, shown):
    facts = {"n_coders": n_coders} if n_coders else {}
    found = list_results(tmp_path, [entry("coders", "correlogram", facts=facts)], n_variables=n_variables)
    assert names(found) == {"correlogram": ["coders"] if shown else []}
    assert ("not shown here: Coders" in found[0]["left_out"]) != shown


def test_the_denominators_are_named_where_accuracy_and_alpha_stand_together():
    validity, reliability = (
        entry(name, name, finding="F.", facts={"n_units": n}) for name, n in (("validity", 250), ("reliability", 417))
    )
    said = "Accuracy is of 250 units with a gold label; alpha is of 417 units that two coders or more coded."
    assert list(say_denominators([validity, reliability])) == [said]
    assert list(say_denominators([validity, replace(reliability, facts={"n_units": 250})])) == []
    assert list(say_denominators([validity])) == []


def test_what_is_saved_says_how_many_units_and_coders_carry_it(tmp_path: Path):
    facts = Facts(n_units=250, n_coders=2, weighted=False)
    Result(FRAME, "f1", "F1", "validity", facts, outputs=tmp_path).save()
    (saved,) = read_outputs(tmp_path)
    assert saved.facts == {"n_units": 250, "n_coders": 2, "weighted": False}
    assert show_section(tmp_path, [saved], "validity")["outputs"][0]["name"] == "f1"
