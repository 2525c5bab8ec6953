"""A Result shows itself, saves itself, and says where there is nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import SIMPLE, Bootstrap
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.result import Facts, Result, nothing_to_say
from codebook.errors import ParameterError, StatisticError
from codebook.outputs import read_outputs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FRAME = pd.DataFrame(
    {"coder": [f"c{at}" for at in range(20)], "f1": [0.5] * 20, "f1_low": [0.4] * 20, "f1_high": [0.6] * 20}
)
FACTS = Facts(n_units=9, bootstrap=Bootstrap(200, seed=3), resampled="units", joins=("1 id is lost.",), weighted=True)


def draw() -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3, 2))
    figure.subplots().plot([0, 1], [0, 1])
    return figure


@pytest.fixture
def result(tmp_path: Path) -> Result:
    return Result(
        FRAME,
        "f1",
        "F1 of each coder",
        "validity",
        FACTS,
        "The best is .50.",
        ("Of gold.",),
        figure=draw,
        outputs=tmp_path,
    )


def test_the_note_says_how_it_was_made(result: Result) -> None:
    assert result.note == (
        f"Of gold. Resampled are units. 95 % intervals from 200 bootstrap replicates, seed 3. {SIMPLE} 1 id is lost."
    )


def test_sixteen_rows_are_shown_and_where_the_rest_is(result: Result) -> None:
    text = repr(result)
    assert text.startswith("The best is .50.")
    assert ".50 [.40, .60]" in text
    assert "c15" in text
    assert "c16" not in text
    assert "The first 16 of 20 rows" in text
    page = result._repr_html_()
    assert "data:image/png;base64," in page
    assert page.count("<tr>") == 17


def test_saved_with_data_table_and_figure_and_noted_for_the_report(result: Result, tmp_path: Path) -> None:
    saved = result.save(note="Mine.")
    (entry,) = read_outputs(tmp_path)
    assert {"f1.csv", "f1.tex", "f1.html", "f1.png", "f1.svg", "f1.pdf"} <= set(entry.files)
    assert (entry.kind, entry.section, entry.finding) == ("result", "validity", "The best is .50.")
    assert entry.facts == {"n_units": 9, "weighted": True}
    assert entry.note.endswith(
        f"Mine. Resampled are units. 95 % intervals from 200 bootstrap replicates, seed 3. {SIMPLE} 1 id is lost."
    )
    assert saved.remarks == ("Of gold.", "Mine.")
    assert pd.read_csv(tmp_path / "f1.csv").equals(FRAME)
    assert entry.printed["n_rows"] == 20
    result.save("other", title="Another")
    assert [each.name for each in read_outputs(tmp_path)] == ["f1", "other"]


def test_a_name_that_cannot_name_a_file_is_refused(result: Result) -> None:
    with pytest.raises(ParameterError, match="cannot name a file"):
        result.save("a/b")


def test_where_no_row_came_out_the_finding_stands_alone(result: Result) -> None:
    shown = repr(replace(result, frame=FRAME.head(0)))
    assert shown.startswith("The best is .50.\n\nOf gold.")
    assert "Empty DataFrame" not in shown


def test_a_table_has_no_figure() -> None:
    with pytest.raises(StatisticError, match="it is a table"):
        Result(FRAME, "f1", "F1").plot()


def test_nothing_to_say_is_a_remark_in_the_report_and_a_sentence_on_the_screen(tmp_path: Path) -> None:
    table = make_table("tone", {"m": ["a"]})
    codings = Codings(table, [], joins=("1 id is lost.",), outputs=tmp_path)
    empty = nothing_to_say(codings, "One coder: nothing to compare.", Result(FRAME.head(0), "f1", "F1", "validity"))
    assert repr(empty) == "One coder: nothing to compare.\n1 id is lost."
    empty.save()
    (entry,) = read_outputs(tmp_path)
    assert (entry.kind, entry.note, entry.files) == ("remark", "One coder: nothing to compare. 1 id is lost.", {})
    assert empty.plot() is not None


def test_a_misspelt_run_is_named_and_a_new_name_is_said(project: Path) -> None:
    (project / "runs" / "topics_v1").mkdir(parents=True)
    own = Result(FRAME, "f1", "F1")
    with pytest.raises(ParameterError, match=r"there is no run 'topcs_v1'\. To mend: did you mean 'topics_v1'\?"):
        own.save(run="topcs_v1")
    assert "no run has that name" not in repr(own.save(run="topics_v1"))
    saved = own.save(run="topics_v2")
    assert repr(saved).endswith("Saved in runs/topics_v2/outputs: no run has that name yet.")
    assert "no run has that name" not in saved.caption, "it goes into a paper"
    assert "no run has that name" not in read_outputs(project / "runs" / "topics_v2" / "outputs")[0].note
