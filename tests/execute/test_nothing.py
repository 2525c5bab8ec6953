"""Steps with nothing to compare: each notebook and function says so in a sentence, the report has it, nothing fails."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from notebook_cells import NOTEBOOKS, answer_as_told, draw_quickly, make_run, run_cells, say, write_csv

import codebook as cb
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.result import Facts, Result
from codebook.analysis.core.scales import VariableSpec
from codebook.errors import StatisticError
from codebook.report import read_outputs

DATA = Path(__file__).parents[2] / "data"
TOPICS = ["coal", "sports", "travel", "coal", "coal", "sports"]
OTHER = [*TOPICS[:5], "coal"]
FRAMES = ["moral", "moral+conflict", "conflict", "economy"]
SETS = ['["moral"]', '["conflict"]', '["conflict"]', '["economy"]']
TONES = ["-1", "0", "1", "1"]
REFUSED = ["[refuse] no"] * 6


SITUATIONS: dict[str, tuple[str, list[str], dict[str, list[str]]]] = {
    "a model beside the gold": ("topic", say(TOPICS), {"gold": OTHER}),
    "a model alone": ("topic", say(TOPICS), {}),
    "two people, no gold": ("topic", say(TOPICS), {"ann": TOPICS, "ben": OTHER}),
    "a human beside the gold": ("topic", say(TOPICS), {"gold": TOPICS, "ann": OTHER}),
    "a gold without a label": ("topic", say(TOPICS), {"gold": [""] * 6}),
    "nothing answered": ("topic", REFUSED, {"gold": TOPICS}),
    "nothing answered, two people": ("topic", REFUSED, {"ann": TOPICS, "ben": OTHER}),
    "all abstained": ("topic", say(["unclear"] * 6), {"gold": ["unclear"] * 6}),
    "one label": ("topic", say(["coal"] * 6), {"gold": ["coal"] * 6, "ann": ["coal"] * 6}),
    "one unit": ("topic", say(["coal"]), {"gold": ["coal"]}),
    "sets beside the gold": ("frames", say(FRAMES), {"gold": SETS}),
    "sets alone": ("frames", say(FRAMES), {}),
    "ratings beside the gold": ("tone", say(TONES), {"gold": ["-1", "0", "1", "0"]}),
}

COMMON = ("a model beside the gold", "two people, no gold")
"""Situations that a change breaks first; the others are looked at by `make test-all`."""


def some(situations: Iterable[str], quick: Sequence[str] = COMMON) -> list[Any]:
    return [name if name in quick else pytest.param(name, marks=pytest.mark.slow) for name in situations]


@pytest.fixture
def make(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    answer_as_told(monkeypatch)
    return partial(make_run, project)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    draw_quickly(monkeypatch)


def remarks(project: Path, run: str = "r") -> dict[str, str]:
    return {each.name: each.note for each in read_outputs(project / "runs" / run / "outputs") if each.kind == "remark"}


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("situation", some(SITUATIONS))
def test_u01_no_step_of_the_chain_fails_where_there_is_nothing_to_compare(
    make: Callable[..., str], project: Path, situation: str
) -> None:
    coders = make(*SITUATIONS[situation])
    for name in ("05_validity", "06_reliability", "07_correlogram", "09_calibration", "08_report"):
        run_cells(name, run="r", coders=coders, replicates=20)
    said = remarks(project)
    page = (project / "runs" / "r" / "report.html").read_text()
    assert [note for note in said.values() if f"<p>{note.split(chr(39))[0]}" not in page] == []
    gold, people = "gold" in SITUATIONS[situation][2], len(SITUATIONS[situation][2]) > 1
    there = gold and situation != "a gold without a label"
    assert ("validity_by_coder" in said) == (not there)
    assert ("reliability" in said) == (not people)
    silence = "nothing to (compare|associate|correct)|have no confusion|no score to draw|no label is chosen"
    assert [name for name, note in said.items() if not re.search(silence, note)] == []


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    "situation", some(["a model beside the gold", "a model alone", "nothing answered", "one label"], COMMON[:1])
)
def test_u01_no_later_step_fails_where_there_is_nothing_to_compare(
    make: Callable[..., str], project: Path, situation: str
) -> None:
    coders = make(*SITUATIONS[situation])
    (project / "study.yaml").write_text("study: r\nunits: texts.csv\nengine: scripted\n")
    run_cells("11_correction", run="r", coders=coders, label="", n_gold=60, replicates=2)
    assert remarks(project)["shares"].startswith("No gold sample was drawn" if coders else "No unit has a label of")
    run_cells("10_gold_sample", run="r", n=4)
    run_cells("11_correction", run="r", coders=coders, label="", n_gold=60, replicates=2)
    run_cells("12_stability", coders=coders, replicates=20, paraphrase="codebook.yaml", label="coal")
    run_cells("14_alt_test", coders=coders, replicates=20)
    assert "beside the models: nothing to compare." in remarks(project)["alt_test"]
    run_cells("15_behaviour")
    if coders:
        run_cells("13_adjudication", coders=coders, replicates=20, sheet="sheet.csv")
    assert (project / "runs" / "r" / "sheet.csv").is_file() == bool(coders)


@pytest.mark.usefixtures("quick")
def test_later_notebooks_run_as_they_are_in_a_small_study_of_one_run_without_definitions(
    make: Callable[..., str], project: Path
) -> None:
    make("tone", say(TONES), {"gold": TONES})
    assert "all where there are fewer" in (NOTEBOOKS / "10_gold_sample.ipynb").read_text()
    run_cells("10_gold_sample", run="r")
    assert len((project / "runs" / "r" / "gold_sample.jsonl").read_text().splitlines()) == 1 + len(TONES)
    run_cells("12_stability", run="r", replicates=20)
    assert remarks(project)["flips"] == "There is one run only: nothing to compare."
    run_cells("15_behaviour", run="r", codebook="codebook.yaml", engine="scripted")
    reason = "No category of 'tone' has a definition or an example: nothing to probe with; write them."
    assert remarks(project)["behaviour"] == reason
    assert not (project / "runs" / "r-probes").exists()


@pytest.mark.usefixtures("quick")
def test_sets_of_labels_have_a_finding_under_every_specification(make: Callable[..., str], project: Path) -> None:
    make("frames", say([*FRAMES, "moral", "conflict"]), {})
    run_cells("12_stability", run="r", replicates=20)
    found = pd.read_csv(project / "runs" / "r" / "outputs" / "specifications.csv")
    assert found["estimate"].tolist() == pytest.approx([4 / 3 - 9 / 3])  # of words: 1, 2, 1 with moral; 3, 4, 2 without


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("known", [True, False])
def test_u01_two_people_are_adjudicated_with_the_gold_or_without(
    make: Callable[..., str], project: Path, known: bool
) -> None:
    coders = make("topic", say(TOPICS), {"ann": TOPICS, "ben": OTHER, **({"gold": TOPICS} if known else {})})
    run_cells("13_adjudication", run="none", coders=coders, replicates=20, sheet="sheet.csv")
    (path,) = project.glob("runs/*/sheet.csv")
    sheet, said = pd.read_csv(path), remarks(project, path.parent.name)
    assert sheet["unit_id"].tolist() == ["u5"]
    reason = "2 coders: Dawid-Skene cannot tell who is wrong with fewer than three."
    assert said["errors"] == f"{reason} Add a coder, or use how='majority' and adjudicate."
    assert ("consensus" in said) == (not known)


NAMES = "kind: records, fields: [{name: entity, kind: quote}, {name: type, kind: choice, categories: [PER, LOC]}]"
FOUND = [f'{{"names":[{{"entity":"{name}","type":"PER"}}]}}' for name in ("Ann", "Ben", "Cy")]
UNCOUNTED = {
    "records": (NAMES, FOUND, "'names' holds records, which are not compared as labels: span_validity holds them"),
    "text": ("kind: text", ["Coal up", "Rain", "Goal"], "'names' holds free text, which is not compared as labels."),
}


def write_people(project: Path, variables: str, columns: Mapping[str, str]) -> None:
    """A study of three units without a run, coded by ann, ben and the gold."""
    (project / "study.yaml").write_text("study: s\nunits: texts.csv\ncoders: coders.yaml\ngold: gold\n")
    (project / "codebook.yaml").write_text(f"name: s\nunit: a text\nvariables:\n{variables}")
    entries = (
        f"  - {{file: people.csv, unit: id, variable: {name}, columns: {{{columns[name]}}}}}\n" for name in columns
    )
    (project / "coders.yaml").write_text("coders:\n" + "".join(entries))


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("kind", list(UNCOUNTED))
def test_u01_answers_that_are_no_labels_are_named_in_every_step(project: Path, kind: str) -> None:
    form, answers, reason = UNCOUNTED[kind]
    write_people(
        project, f"  - {{name: names, question: Names, {form}}}\n", {"names": "ann: ann, ben: ben, gold: gold"}
    )
    rows = [(f"u{at}", answer, answers[0], answer) for at, answer in enumerate(answers)]
    write_csv(project / "texts.csv", ("id", "text"), ((row[0], "Ann, Ben and Cy") for row in rows))
    write_csv(project / "people.csv", ("id", "ann", "ben", "gold"), rows)
    for name in ("05_validity", "06_reliability", "07_correlogram", "13_adjudication"):
        run_cells(name, run="none", replicates=20)
    said = remarks(project, "s")
    silent = {"validity_by_coder", "verdicts", "confusion", "validity_difference", "shares", "reliability", "coders"}
    assert silent | {"label_shares", "label_association", "confused_labels", "disputed_definitions"} <= set(said)
    assert {name for name in silent if not said[name].startswith(reason)} == set()


@pytest.mark.usefixtures("quick")
def test_u01_records_beside_labels_leave_the_labels_their_figures(project: Path) -> None:
    topic = "  - {name: topic, question: Topic, kind: single, level: nominal, categories: [coal, sports, travel]}\n"
    columns = {"names": "ann: n", "topic": "ann: ann, ben: ben, gold: gold"}
    write_people(project, f"  - {{name: names, question: Names, {NAMES}}}\n{topic}", columns)
    write_csv(project / "texts.csv", ("id", "text"), ((f"u{at}", "Ann") for at in range(6)))
    rows = [(f"u{at}", FOUND[0], TOPICS[at], OTHER[at], TOPICS[at]) for at in range(6)]
    write_csv(project / "people.csv", ("id", "n", "ann", "ben", "gold"), rows)
    codings = cb.open_study(run="none").codings()
    assert codings.of().variable.name == "topic"
    assert cb.validity(codings.of()).frame.set_index("coder")["accuracy"].round(3).to_dict() == {
        "ann": 1.0,
        "ben": 0.833,
    }
    alone = cb.reliability(codings.of("topic"))
    both = cb.reliability(codings)
    assert both.frame.equals(alone.frame)
    assert both.frame["value"].notna().all()
    assert [each for each in both.facts.joins if each not in alone.facts.joins] == [
        "Left out: 'names' holds records, which are not compared as labels: span_validity holds them against the gold."
    ]
    for name in ("05_validity", "06_reliability", "07_correlogram"):
        run_cells(name, run="none", replicates=20)
    assert [note for note in remarks(project, "s").values() if "'names' holds" in note] == []


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_u01_the_gallery_goes_on_without_gold(project: Path) -> None:
    images, texts, pages = (DATA / name for name in ("clothing_images", "entities_wikigold", "scanned_pages"))
    few = project / "few"
    few.mkdir()
    for image in sorted((images / "images").iterdir())[:3]:
        shutil.copy(image, few)
    asked = {"codebook": str(images / "codebook.yaml"), "coders": "", "form": ["max_side: 64"]}
    run_cells("image_labels", run="r", images="few", **asked)
    assert set(remarks(project)) == {"validity_by_coder", "with_examples", "confusion"}
    asked = {"codebook": str(texts / "codebook.yaml"), "gold": "", "limit": 2, "database": "found.db"}
    run_cells("extraction", run="texts", units=str(texts / "docs.jsonl"), replicates=10, **asked)
    assert remarks(project, "texts")["entities_f1"] == "There is no gold: nothing to compare."
    shutil.copy(pages / "address_1790_digital.pdf", few)
    asked = {"codebook": str(pages / "codebook.yaml"), "documents": [], "floors": "", "pages": "1"}
    run_cells("pdf_transcription", run="pages", folder="few", shown="address_1790_digital", shown_page=1, **asked)
    assert remarks(project, "pages")["transcript_accuracy"] == "No document has a known text: nothing to compare."


TABLE = make_table("v", {"m": ["a", "b"], "ann": ["a", None]})


@pytest.mark.parametrize("verb", [cb.validity, cb.confusion, cb.compare, cb.calibration, cb.prevalence])
def test_u01_without_gold_the_result_says_so(verb: Callable[..., Result], project: Path) -> None:
    result = verb(TABLE, gold="gold")
    mend = "let people code a sample (10_gold_sample)"
    assert result.finding == f"No unit has a label of 'gold': nothing to compare. To compare, {mend}."
    assert repr(result) == result.finding
    assert len(result.frame) == 0
    result.save(run="r")
    assert remarks(project) == {result.name: result.finding}
    assert result.plot().axes[0].texts[0].get_text().startswith("No unit has a label")


def test_u01_a_gold_that_is_nearly_a_coder_is_a_slip_and_a_fault() -> None:
    with pytest.raises(StatisticError, match="did you mean 'ann'"):
        cb.validity(TABLE, gold="Ann")
    with pytest.raises(StatisticError, match="name the column of the units"):
        cb.validity(TABLE.drop(columns="unit_id"), gold="gold")


def test_u01_a_figure_of_nothing_shows_the_sentence_and_is_a_remark(project: Path) -> None:
    result = cb.correlogram(cb.Codings(TABLE, [VariableSpec("v", "nominal", ["a", "b"])])).save("f", run="r")
    shown = " ".join(text.get_text().replace("\n", " ") for text in result.plot().axes[0].texts)
    assert shown == result.facts.nothing
    assert shown.endswith("nothing to associate.")
    assert remarks(project) == {"f": result.facts.nothing}
    assert not (project / "runs" / "r" / "outputs" / "f.png").exists()


def test_u01_a_remark_gives_way_to_a_table_and_the_other_way_round(project: Path) -> None:
    outputs, result = project / "runs" / "r" / "outputs", Result(pd.DataFrame({"n": [1]}), "t", "T")
    result.save(run="r")
    facts = Facts(nothing="No gold: nothing to compare.")
    nothing = Result(pd.DataFrame(), "t", "T", finding="never shown", facts=facts).save(run="r")
    assert repr(nothing) == remarks(project)["t"] == "No gold: nothing to compare."
    (entry,) = read_outputs(outputs)
    assert (entry.kind, entry.files, entry.finding) == ("remark", {}, "")
    assert not (outputs / "t.csv").exists()
    result.save(run="r")
    assert [each.kind for each in read_outputs(outputs)] == ["result"]


def test_u01_a_table_without_rows_that_says_nothing_is_saved_with_its_columns(project: Path) -> None:
    Result(pd.DataFrame({"unit_id": [], "label": []}), "flips", "0 units").save(run="r")
    outputs = project / "runs" / "r" / "outputs"
    assert (outputs / "flips.csv").read_text() == '"unit_id","label"\n'
    assert "<th" in (outputs / "flips.html").read_text()
    assert (outputs / "flips.docx").is_file()
