"""The draft of a paper in LaTeX and Word, and the reporting guideline, item by item."""

from __future__ import annotations

import re
import shutil
import subprocess
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import docx
import pandas as pd
import pytest
from latex import NO_LATEX

import codebook as cb
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.scales import VariableSpec
from codebook.files.lines import dump_canonical
from codebook.outputs.document_parts import Heading, Paragraph, TableBlock
from codebook.outputs.latex_tables import write_latex
from codebook.outputs.word_tables import write_word
from codebook.report import referee_checks
from codebook.run import plan
from codebook.scheme import parse_codebook
from codebook.units import read_units

TOPICS = Path(__file__).parents[2] / "data" / "topics_sib200_en"
CODERS = TOPICS / "coders.yaml"
MOST_COLUMNS = 7


@pytest.fixture(scope="module")
def collected(tmp_path_factory) -> Path:
    """A project with a run of 40 sentences, two other models beside, and its saved tables."""
    folder = tmp_path_factory.mktemp("paper")
    (folder / "study.yaml").write_text("study: topics\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODEBOOK_PROJECT", str(folder))
        units = read_units(TOPICS / "texts.csv", id_column="text_id", text_column="text", where={"split": "test"})
        run = plan(TOPICS / "codebook.yaml", list(units)[::5], run="topics")
        run.submit()
        run.collect()
        codings, few = run.codings(CODERS), cb.Bootstrap(20)
        for result in (cb.validity(codings, by="label", resample=few), cb.reliability(codings, resample=few)):
            result.save()
    return folder


@pytest.fixture
def study(collected, monkeypatch) -> Path:
    monkeypatch.setenv("CODEBOOK_PROJECT", str(collected))
    return collected


@pytest.mark.slow
def test_the_paper_says_what_was_saved_with_sources_and_blanks(study):
    folder = cb.report.write_paper("topics", coders=CODERS)
    text = (folder / "paper.tex").read_text(encoding="utf-8")
    for heading in ("Data and instrument", "Reliability", "Validity", "Limitations", "Availability"):
        assert f"\\section{{{heading}}}" in text
    assert re.search(r"is found worst: F1 [\d.]+( \{\[\}[\d.]+, [\d.]+\])?, precision", text)
    assert r"\blank{{[}Say what the units are" in text
    widths = [
        len(re.findall(r"p\{[^}]*\}|[lr]", spec))
        for spec in re.findall(r"\\begin\{(?:tabular|longtable)\}\{@\{\}(.*?)@\{\}\}", text)
    ]
    assert widths
    assert max(widths) <= MOST_COLUMNS
    cited = {key for keys in re.findall(r"\\citep\{([^}]*)\}", text) for key in keys.split(",")}
    known = set(re.findall(r"^@\w+\{(\w+),", (folder / "references.bib").read_text(encoding="utf-8"), re.MULTILINE))
    assert cited == known
    assert {"krippendorff2004", "efron1993", "codebook_kit", "cer2018", "data_of_the_study"} <= cited


def test_limitations_name_labels_never_given_and_where_one_answer_for_all_is_as_good(tmp_path):
    """Several labels a text, as of an engine that gives too many: worse than the commonest answer, but for macro F1."""
    sets = {"gold": [["a"]] * 6 + [["b"], ["c"]], "model": [["a", "b"]] * 5 + [["b"]] * 3}
    wide = pd.DataFrame({who: [dump_canonical(labels).decode() for labels in rows] for who, rows in sets.items()})
    frame = as_codings(wide, level="nominal").frame
    variable = VariableSpec(frame["variable"].iloc[0], "nominal", ["a", "b", "c"], "multi")
    codings = Codings(frame, [variable], gold="gold")
    saved = cb.validity(codings, by="label", resample=cb.Bootstrap(0)).frame
    (tmp_path / "outputs").mkdir()
    saved.to_csv(tmp_path / "outputs" / "validity_by_label.csv", index=False)
    rows = referee_checks._read(SimpleNamespace(folder=tmp_path), "validity_by_label")
    said = list(referee_checks._of_validity(rows))
    assert "The model never gave the label 'c'." in said
    (constant,) = (text for text in said if "one answer for all units" in text)
    assert constant.startswith("The model is no better than one answer for all units, always 'a': exact match .13")
    assert "of it .75; Jaccard" in constant
    assert "macro F1" not in constant


def test_word_has_the_same_sections_tables_and_blanks(study):
    folder = cb.report.write_paper("topics", coders=CODERS)
    text = (folder / "paper.tex").read_text(encoding="utf-8")
    document = docx.Document(str(folder / "paper.docx"))
    headings = [each.text for each in document.paragraphs if each.style.name == "Heading 1"]
    assert headings == [*re.findall(r"\\section\{(.*)\}", text), "References"]
    assert len(document.tables) == len(re.findall(r"\\begin\{(?:tabular|longtable)\}\{@", text))
    marked = [run.text for each in document.paragraphs for run in each.runs if run.font.highlight_color]
    bibliography = (folder / "references.bib").read_text(encoding="utf-8")
    of_sources = len(re.findall(r"\[(?:Say|Name)", bibliography))
    nameless = set(re.findall(r"@\w+\{(\w+),\s+author = \{+\[Name", bibliography))
    of_cited = [key for keys in re.findall(r"\\citep\{(.*?)\}", text) for key in keys.split(",") if key in nameless]
    assert len(of_cited) >= 2  # the data and the model
    assert len(marked) == text.count(r"\blank{{[}") + 1 + of_sources + len(of_cited)  # one is for the authors
    paragraphs = [each.text for each in document.paragraphs]
    assert any("Krippendorff 2004; Hayes & Krippendorff 2007" in text for text in paragraphs)
    assert all(text.count("(") == text.count(")") for text in paragraphs if "1993" in text)
    assert not any("}" in text for text in paragraphs)
    source = "Efron, Bradley; Tibshirani, Robert J. 1993. An Introduction to the Bootstrap. Chapman and Hall."
    assert source in paragraphs
    assert any(text.startswith("Cer, Daniel; Yang, Yinfei; Kong, Sheng-yi et al. 2018.") for text in paragraphs)


def test_what_a_person_wrote_into_the_paper_stays(study):
    folder = cb.report.write_paper("topics", coders=CODERS)
    (folder / "paper.tex").write_text("mine", encoding="utf-8")
    cb.report.write_paper("topics", coders=CODERS)
    assert (folder / "paper.tex").read_text(encoding="utf-8") == "mine"
    (folder / "paper.tex").unlink()


@pytest.mark.slow  # pdflatex and bibtex take seconds
@pytest.mark.skipif(NO_LATEX, reason="there is no pdflatex here")
def test_the_paper_compiles_as_it_is_and_nothing_runs_off_the_page(study, tmp_path):
    shutil.copytree(cb.report.write_paper("topics", coders=CODERS), tmp_path / "paper")
    for command in (
        ["pdflatex", "-interaction=nonstopmode", "paper"],
        ["bibtex", "paper"],
        *[["pdflatex", "-interaction=nonstopmode", "paper"]] * 2,
    ):
        done = subprocess.run(command, cwd=tmp_path / "paper", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:]
    log = (tmp_path / "paper" / "paper.log").read_text(errors="replace")
    assert "undefined" not in log
    assert [float(points) for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log) if float(points) > 1] == []


def test_each_item_of_the_guideline_is_filled_or_blank(study):
    items = cb.report.reporting_guideline("topics", coders=CODERS).set_index("item")
    core = ["A.1", "A.2", "B.1", "B.2", "B.3", "B.4", "B.5", "C.1", "C.2", "D.1", "E.1", "E.2", "F.1", "G.1"]
    assert list(items.index) == [*core, *(f"optional {n}" for n in range(1, 9))]
    assert set(items["state"]) == {"filled", "in part", "blank"}
    assert items.loc["B.5", "answer"].startswith("Each question was a request of its own")
    assert "embedded-use-minilm-2" in items.loc["B.1", "answer"]
    assert items.loc["G.1", "answer"].startswith("[Say who paid")
    assert items["answer"].str.len().min() > 0


def test_the_methods_say_what_the_guideline_asks(study):
    methods = cb.methods_paragraph("topics", coders=CODERS)
    items = cb.report.reporting_guideline("topics", coders=CODERS).set_index("item")["answer"]
    for item in ("B.4", "B.5", "C.2", "D.1", "E.2", "G.1"):
        assert all(sentence in methods for sentence in re.split(r"(?<=[.\]]) (?=[A-Z\[])", items[item])), item


def test_the_report_shows_the_guideline(study):
    page = cb.write_report("topics", coders=CODERS).read_text(encoding="utf-8")
    assert "After GUIDE-LLM" in page
    assert (study / "runs" / "topics" / "outputs" / "guideline.docx").is_file()


def test_a_document_marks_blanks_alike_in_word_and_latex():
    parts = [
        Heading("A & B"),
        Paragraph("Known. [Say more.]"),
        TableBlock("t", "T", {"columns": ["a"], "numeric": [False], "rows": [["x"]]}),
    ]
    latex = write_latex(parts, title="50 % of R&D")
    assert r"\section{A \& B}" in latex
    assert r"Known. \blank{{[}Say more.]}" in latex
    assert r"\title{50 \% of R\&D}" in latex
    document = docx.Document(BytesIO(write_word(parts, title="T")))
    assert [run.text for run in document.paragraphs[1].runs] == ["Known. ", "[Say more.]"]


def test_a_codebook_for_word_has_every_category():
    from codebook.report.paper import codebook_parts

    book = parse_codebook(
        "name: tone\nunit: a post\nvariables:\n  - name: tone\n    question: How?\n"
        "    kind: single\n    level: nominal\n    categories:\n"
        "      - {name: good, definition: It praises., include: [thanks]}\n      - {name: bad}\n"
    )
    document = docx.Document(BytesIO(write_word(codebook_parts(book), title="tone")))
    texts = [each.text for each in document.paragraphs]
    assert texts[texts.index("good") : texts.index("bad") + 1] == ["good", "It praises.", "Include: thanks", "bad"]


def test_a_run_that_shares_the_answers_of_another_says_when_and_where_they_were_given(study):
    units = read_units(TOPICS / "texts.csv", id_column="text_id", text_column="text", where={"split": "test"})
    run = plan(TOPICS / "codebook.yaml", list(units)[:10:5], run="again")
    run.submit()
    run.collect()
    methods = str(cb.methods_paragraph("again"))
    assert "The requests were answered on 20" in methods
    assert "Every prompt is on record to the letter, in 1 file of requests" in methods
    assert "answers that it shares are in the run topics." in methods
