"""The report: tables for papers, figures that can be read in grey, methods paragraph, checklist."""

from __future__ import annotations

import builtins
import re
import shutil
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from click.testing import CliRunner

from codebook.analysis import plot_correlogram
from codebook.analysis.core.result import Facts, Result
from codebook.cli import main
from codebook.errors import MissingExtraError, ParameterError, RunError
from codebook.outputs.cells import frame_html, frame_texts, print_rows
from codebook.outputs.entries import LAYOUT
from codebook.outputs.figure_style import DIVERGING, SEQUENTIAL, grey_twins, lightness, say_grey
from codebook.outputs.latex_tables import latex_table
from codebook.outputs.word_tables import word_table
from codebook.report import (
    checklist,
    list_outputs,
    methods_paragraph,
    read_outputs,
    write_report,
)
from codebook.run import plan
from codebook.sampling import draw_gold, write_gold_sample
from codebook.units import read_units

ROOT = Path(__file__).parents[2]
TOPICS = ROOT / "data" / "topics_sib200_en"
CODERS = TOPICS / "coders.yaml"
ABOUT = {"section": "validity", "title": "R&D in 50 % of units"}
FRAME = pd.DataFrame(
    {
        "label": ["a_b & c", "<i>"],
        "f1": [0.5, np.nan],
        "f1_low": [0.4, np.nan],
        "f1_high": [0.6, np.nan],
        "n": [1204, 7],
    }
)


@pytest.fixture
def project(tmp_path, monkeypatch):
    (tmp_path / "study.yaml").write_text("study: topics\n")
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path))
    return tmp_path


@pytest.fixture(scope="module")
def collected(tmp_path_factory) -> Path:
    """A project with a pilot and a run of the embedded engine."""
    folder = tmp_path_factory.mktemp("collected")
    (folder / "study.yaml").write_text("study: topics\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODEBOOK_PROJECT", str(folder))
        units = list(read_units(TOPICS / "texts.csv", id_column="text_id", text_column="text"))[:8]
        for name, limit in (("topics-pilot", 3), ("topics", 0)):
            run = plan(TOPICS / "codebook.yaml", units, run=name, limit=limit)
            run.submit()
            run.collect()
    return folder


@pytest.fixture
def study(collected, tmp_path, monkeypatch) -> Path:
    """A copy of it, to be changed; the folder of its run."""
    shutil.copytree(collected, tmp_path / "project")
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path / "project"))
    return tmp_path / "project" / "runs" / "topics"


def save(name: str, frame: pd.DataFrame = FRAME, *, run: str = "r", **more: Any) -> Result:
    return Result(frame, name, **ABOUT, **more).save(run=run)


def change_record(folder: Path, part: str, **values: object) -> None:
    record = orjson.loads((folder / "run.json").read_bytes())
    record[part] = {**record.get(part, {}), **values}
    (folder / "run.json").write_bytes(orjson.dumps(record))


def state(frame: pd.DataFrame, question: str) -> str:
    return frame.set_index("question").loc[question, "state"]


def test_u03_a_saved_table_says_which_ids_did_not_meet(project):
    lost = "3 of 9 ids of Ann are not in the run (first: 'x')."
    for remarks in (["n < 9"], ["n < 9", lost]):
        save("f1", remarks=(*remarks,), facts=Facts(joins=(lost,)))
        (entry,) = read_outputs(project / "runs" / "r" / "outputs")
        assert entry.note == f"n < 9 {lost}"


def test_a_table_is_saved_for_data_and_for_papers(project):
    assert save("f1", remarks=("n < 9",)).frame is FRAME
    outputs = project / "runs" / "r" / "outputs"
    (entry,) = read_outputs(outputs)
    assert sorted(entry.files) == ["f1.csv", "f1.docx", "f1.html", "f1.tex", "f1.xlsx"]
    assert pd.read_csv(outputs / "f1.csv").equals(FRAME)
    page = (outputs / "f1.html").read_text()
    assert "&lt;i&gt;" in page
    assert "<i>" not in page
    assert ".50 [.40, .60]" in page
    assert escape("n < 9") in page


def test_an_interval_is_printed_with_the_decimals_of_its_value():
    bounds = {"recall": [0.889, 1.0, np.nan], "recall_low": [0.667, 1.0, np.nan], "recall_high": [1.0, 1.0, np.nan]}
    texts, numeric = frame_texts(pd.DataFrame({**bounds, "n": [4, 5, 6], "n_low": [0, 1, 2], "n_high": [1000, 9, 9]}))
    assert texts["recall"].tolist() == [".89 [.67, 1.00]", "1.00 [1.00, 1.00]", "–"]
    assert texts["n"].tolist() == ["4 [0, 1,000]", "5 [1, 9]", "6 [2, 9]"]
    assert numeric == [True, True]


def test_a_wide_table_of_few_rows_stands_upright_on_the_page():
    wide = pd.DataFrame({f"column_{n}": [n, n + 0.5] for n in range(12)})
    page = frame_html(wide)
    assert page.count("<tr>") == 12
    assert "<tr><td>column 11</td><td>11.00</td><td>11.50</td></tr>" in page
    assert "turned" not in frame_html(wide.iloc[:, :7])
    parts = frame_html(pd.concat([wide] * 2))
    assert (parts.count("<table>"), parts.count("<th class=n>column 0</th>")) == (2, 2)
    reasons = frame_html(
        pd.DataFrame({"reason": ["Too few units share two codings, so that nothing can be said of them."]})
    )
    assert "<td class=words>" in reasons


def test_latex_is_booktabs_and_printed_to_the_letter():
    source = latex_table(print_rows(FRAME, 99), name="f1", title=ABOUT["title"], note="5 % of $9", finding="F1 is −.1.")
    assert source.startswith("% needs \\usepackage{booktabs}\n\\begin{table}[htbp]")
    for part in (
        r"\begin{tabular}{@{}llr@{}}",
        r"\toprule",
        r"\midrule",
        r"\bottomrule",
        r"\caption[{R\&D in 50 \% of units}]{R\&D in 50 \% of units. F1 is $-$.1.}",
        r"\label{tab:f1}",
        r"a\_b \& c & .50 {[}.40, .60] & 1,204 \tabularnewline",
        r"$<$i$>$ & \phantom{.}–\phantom{0} & 7 \tabularnewline",
        r"\begin{minipage}{\linewidth}\footnotesize\raggedright 5 \% of \$9\end{minipage}",
    ):
        assert part in source
    words = latex_table(print_rows(pd.DataFrame({"found": ["word " * 40], "n": [1]}), 99), name="w", title="w")
    assert re.search(r"\\begin\{tabular\}\{@\{\}p\{0\.9\d+\\linewidth\}r@\{\}\}", words)
    assert r"\raggedright word word" in words
    long = latex_table(print_rows(pd.DataFrame({"n": range(60)}), 99), name="n", title="n", note="all")
    assert long.count(r"\begin{longtable}") == long.count(r"\end{longtable}") == 1


def test_word_holds_the_same_table_and_no_date():
    from docx import Document

    made = word_table(print_rows(FRAME.assign(label=["a\x07", "b"]), 99), name="f1", title="F1", note="A note.")
    document = Document(BytesIO(made))
    rows = [[cell.text for cell in row.cells] for row in document.tables[0].rows]
    assert rows == [["label", "F1", "n"], ["a\ufffd", ".50 [.40, .60]", "1,204"], ["b", "\u2008–\u2007", "7"]]
    assert [paragraph.text for paragraph in document.paragraphs] == ["F1", "A note."]
    assert made == word_table(print_rows(FRAME.assign(label=["a\x07", "b"]), 99), name="f1", title="F1", note="A note.")


def test_without_python_docx_word_is_left_out(project, monkeypatch):
    load = builtins.__import__

    def refuse(name, *args, **options):
        if name.split(".")[0] == "docx":
            raise ImportError(name)
        return load(name, *args, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    save("f1")
    (entry,) = read_outputs(project / "runs" / "r" / "outputs")
    assert sorted(entry.files) == ["f1.csv", "f1.html", "f1.tex", "f1.xlsx"]
    with pytest.raises(MissingExtraError, match="word"):
        word_table(print_rows(FRAME, 99), name="f1", title="F1")


def test_data_is_not_printed_and_no_old_file_is_left(project):
    outputs = project / "runs" / "r" / "outputs"
    save("t")
    save("t", pd.DataFrame({"n": range(400)}))
    assert sorted(path.name for path in outputs.iterdir()) == ["README.md", "manifest.json", "t.csv", "t.xlsx"]
    assert list_outputs("r").to_numpy().tolist() == [["validity", ABOUT["title"], "result", "t.csv, t.xlsx"]]
    assert LAYOUT in (outputs / "README.md").read_text()
    for names in ({"name": "a/b"}, {"name": "t", "run": "../r"}):
        with pytest.raises(ParameterError, match="use letters, digits, _ and - only, 100 at most"):
            save(**names)


def test_a_figure_is_saved_three_times_with_its_data(project):
    matrix = pd.DataFrame(np.eye(3), index=list("abc"), columns=list("abc"))
    save("phi", matrix, figure=lambda: plot_correlogram(matrix))
    outputs = project / "runs" / "r" / "outputs"
    (entry,) = read_outputs(outputs)
    assert sorted(entry.files) == [
        "phi.caption.txt",
        "phi.csv",
        "phi.docx",
        "phi.html",
        "phi.pdf",
        "phi.png",
        "phi.svg",
        "phi.tex",
        "phi.xlsx",
    ]
    assert b"pHYs" in (outputs / "phi.png").read_bytes()[:200]
    assert "look alike" not in entry.note


def test_the_colour_scales_can_be_read_in_grey():
    """The sequential one darkens throughout; of the diverging one every two colours differ, so the sign is seen."""
    steps = np.diff([lightness(colour) for colour in SEQUENTIAL])
    assert (steps < -0.1).all()
    low, _, middle, _, high = map(lightness, DIVERGING)
    assert middle > high > low + 0.2
    assert grey_twins(DIVERGING[::2]) == []


def test_lines_that_only_colour_tells_apart_are_named():
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="#c96a12", label="humans")
    axes.plot([0, 1], [1, 0], color="#d62728", label="models", linestyle="--")
    assert say_grey(figure) == ""
    axes.plot([0, 1], [1, 1], color="#d62728", label="all")
    assert say_grey(figure) == "In print without colour these look alike: #c96a12 and #d62728."


def test_methods_are_filled_from_the_record_and_leave_blanks(study):
    said = methods_paragraph("topics", coders=CODERS)
    record = orjson.loads((study / "run.json").read_bytes())
    for part in (
        "8 units",
        f"version 1 of the codebook topics (SHA-256 {record['codebook']['sha256'][:12]})",
        "topic (single, nominal, 7 labels)",
        "through the engine embedded",
        f"on {record['answered']['first_submitted'][:10]} (UTC)",
        "put once",
        "8 asked = 8 labelled",
        "8 of the units have a gold label (gold",
        "[Say how the units with gold labels were drawn.]",
    ):
        assert part in said
    change_record(study, "asked", draws=3, settings={"temperature": 0.2})
    change_record(study, "answered", fingerprints=["fp_1", "fp_2"])
    said = methods_paragraph("topics")
    assert "put 3 times, with temperature = 0.2" in said
    assert "named themselves fp_1, fp_2" in said
    assert "[There are no gold labels beside this run" in said


def draw_sample(study: Path) -> Path:
    """A gold sample of four units beside the run; gold labels for these alone, in a coders.yaml of its own."""
    units = pd.read_csv(study / "table.csv", dtype=str)[["unit_id"]]
    sample = draw_gold(units, 4, seed=7, dev_share=0.5)
    write_gold_sample(sample, study / "gold_sample.jsonl")
    sample.frame[["unit_id"]].assign(topic="travel").to_csv(study / "gold.csv", index=False)
    coders = study / "coders.yaml"
    coders.write_text("coders:\n  - {file: gold.csv, unit: unit_id, columns: {gold: topic}}\n")
    return coders


def save_figures(*, weighted: bool, name: str = "validity_by_coder") -> None:
    save(name, run="topics", facts=Facts(weighted=weighted))


def test_a_gold_sample_is_told_with_its_parts_and_seed(study):
    coders = draw_sample(study)
    save_figures(weighted=True)
    said = methods_paragraph("topics", coders=coders)
    assert (
        "4 units were drawn for gold labels (2 to develop, 2 to test) with known chances of 0.5 to 0.5, seed 7" in said
    )
    assert "Gold units weigh 1 / their chance in validity_by_coder." in said
    assert state(checklist("topics", coders=coders), "gold drawn by chance") == "done"
    path = study / "gold_sample.jsonl"
    path.write_text(path.read_text().replace('"dev"', '"test"'))
    assert state(checklist("topics", coders=coders), "gold drawn by chance") == "look"


def test_s02_chances_are_claimed_only_for_figures_that_were_computed_with_them(study):
    coders = draw_sample(study)

    def look_at() -> tuple[str, str, str]:
        row = checklist("topics", coders=coders).set_index("question").loc["gold drawn by chance"]
        return row["state"], row["found"], methods_paragraph("topics", coders=coders)

    judged, found, said = look_at()
    assert judged == "look"
    assert "no figure was computed with it yet" in found
    assert "known chances" not in said
    save_figures(weighted=False)
    judged, found, said = look_at()
    assert judged == "look"
    assert "computed without its chances: 'validity_by_coder'" in found
    assert "known chances" not in said
    assert "[Say why gold units all weigh the same in validity_by_coder.]" in said
    save_figures(weighted=True, name="shares")
    judged, found, said = look_at()
    assert (judged, "known chances" in said) == ("look", True)
    assert "in shares. [Say why gold units all weigh the same in validity_by_coder.]" in said


def test_s02_where_every_unit_has_gold_none_had_to_be_drawn(study):
    draw_sample(study)
    save_figures(weighted=False)
    row = checklist("topics", coders=CODERS).set_index("question").loc["gold drawn by chance"]
    assert row["state"] == "done"
    assert "every unit of the run has a gold label" in row["found"]


def test_the_checklist_finds_what_is_there_and_what_is_not(study):
    found = checklist("topics", coders=CODERS)
    states = dict(zip(found["question"], found["state"], strict=True))
    assert states["gold labels"] == "done"
    assert states["pilot"] == "done"
    assert states["files unchanged"] == "done"
    assert states["second human coder"] == "missing"
    assert states["validity in figures"] == "missing"
    assert states["repeated draws"] == "look"
    assert (found.loc[found["state"] != "done", "mend"] != "").all()
    assert state(checklist("topics"), "gold labels") == "look"
    other = checklist("topics", coders=CODERS, gold="nobody")
    assert "'gold'" in other.set_index("question").loc["gold labels", "found"]
    assert state(other, "gold labels") == "missing"


@pytest.mark.parametrize(
    ("part", "values", "question"),
    [
        ("answered", {"models": ["m-1", "m-2"]}, "one model snapshot"),
        ("answered", {"fingerprints": ["fp_1", "fp_2"]}, "one model snapshot"),
        ("asked", {"model": "alias", "engine": "openai"}, "one model snapshot"),
        ("units", {"sha256": "0" * 64}, "files unchanged"),
    ],
)
def test_the_checklist_sees_what_drifted(study, part, values, question):
    assert state(checklist("topics"), question) == "done"
    change_record(study, part, **values)
    assert state(checklist("topics"), question) == "look"


def test_unknown_prices_and_missing_labels_are_to_be_looked_at(study):
    change_record(study, "asked", engine="openai")
    change_record(study, "answered", answers_of_unknown_price=5)
    table = pd.read_csv(study / "table.csv", dtype=str, keep_default_na=False)
    table.loc[:1, ["label", "why"]] = ["", "refused"]
    table.to_csv(study / "table.csv", index=False)
    found = checklist("topics").set_index("question")
    assert found.loc["cost", ["state", "found"]].tolist() == ["look", "5 answers have no known price"]
    assert found.loc["codings without a label", "found"] == "2 refused of 8"
    assert found.loc["codings without a label", "state"] == "look"
    assert "[Say what was done about the codings without a label.]" in methods_paragraph("topics")


def test_an_output_that_was_changed_is_named(study):
    save("f1", run="topics")
    assert state(checklist("topics"), "outputs unchanged") == "done"
    assert state(checklist("topics"), "validity in figures") == "done"
    (study / "outputs" / "f1.tex").write_text("better")
    found = checklist("topics").set_index("question").loc["outputs unchanged"]
    assert (found["state"], found["found"]) == ("look", "changed since they were saved: f1.tex")


def test_the_page_and_the_folder_hold_methods_and_checklist(study):
    page = write_report("topics", coders=CODERS).read_text()
    assert page.index('id="methods"') < page.index('id="codebook"')
    assert "<mark>[Say who wrote the codebook" in page
    assert "second human coder" in page
    names = {path.name for path in (study / "outputs").iterdir()}
    assert {"methods.md", "checklist.csv", "checklist.tex", "checklist.docx"} <= names
    first = (study / "outputs" / "checklist.csv").read_bytes()
    write_report("topics", coders=CODERS)
    assert (study / "outputs" / "checklist.csv").read_bytes() == first


def test_the_command_takes_the_coders_too(study):
    for asked, expected in (([], "look"), (["--coders", str(CODERS)], "done")):
        said = CliRunner().invoke(main, ["report", "topics", *asked])
        assert said.exit_code == 0, said.output
        assert state(pd.read_csv(study / "outputs" / "checklist.csv"), "gold labels") == expected
    assert "units have a gold label" in (study / "outputs" / "methods.md").read_text()


def test_what_a_person_wrote_into_the_methods_stays(study):
    write_report("topics")
    path = study / "outputs" / "methods.md"
    path.write_text("We coded <b>eight</b> units.\n")
    page = write_report("topics").read_text()
    assert path.read_text() == "We coded <b>eight</b> units.\n"
    assert "We coded &lt;b&gt;eight&lt;/b&gt; units." in page


@pytest.mark.parametrize("make", [methods_paragraph, checklist, write_report])
def test_a_run_without_a_table_is_refused(project, make):
    with pytest.raises(RunError, match=r"There is no run 'none'\. To mend: plan and collect it first"):
        make("none")
    (project / "runs" / "planned").mkdir(parents=True)
    (project / "runs" / "planned" / "run.json").write_text("{}")
    with pytest.raises(RunError, match="collect it first"):
        make("planned")
