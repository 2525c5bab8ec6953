"""Figures by command: of people alone without a run, and as notebook and report print them."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest
from notebook_cells import draw_quickly, run_cells

from codebook.analysis import Bootstrap
from codebook.analysis.reliability import reliability
from codebook.codings import read_codings
from codebook.execute import run_notebook
from codebook.report import write_report
from codebook.run import open_run, plan
from codebook.scheme import read_codebook
from codebook.units import read_units

BOOK = """\
name: coal
unit: a headline
variables:
  - {name: topic, question: "Which?", kind: single, level: nominal, categories: [sports, politics, travel]}
"""
CODERS = """\
coders:
  - {file: texts.csv, unit: id, columns: [ann, ben, gold]}
"""
TEXTS = [
    ("The game ended two to one.", "sports", "sports", "sports"),
    ("The minister resigned today.", "politics", "politics", "politics"),
    ("A hotel near the beach.", "travel", "travel", "travel"),
    ("The player left the team.", "sports", "politics", "sports"),
    ("Parliament passed the law.", "politics", "politics", "politics"),
    ("The train to the mountains.", "travel", "sports", "travel"),
]
SMALL = ("--replicates", "50")
OF_NUMBERS = ("kind: single, level: nominal, categories: [sports, politics, travel]", "kind: number, level: interval")


@pytest.fixture
def study(project: Path) -> Path:
    """Texts that two people and the gold coded; nothing is planned."""
    (project / "codebook.yaml").write_text(BOOK)
    rows = [f'{n},"{text}",{",".join(labels)}' for n, (text, *labels) in enumerate(TEXTS)]
    (project / "texts.csv").write_text("\n".join(["id,text,ann,ben,gold", *rows]) + "\n")
    (project / "coders.yaml").write_text(CODERS)
    (project / "study.yaml").write_text("study: coal\nrun: coal\nunits: texts.csv\ncoders: coders.yaml\n")
    return project


def collect(project: Path) -> None:
    """A run over the texts, labelled by the engine that ships."""
    run = plan("codebook.yaml", read_units("texts.csv", id_column="id", text_column="text"), run="coal")
    run.submit()
    run.collect()


def test_two_coders_need_neither_run_nor_study(study, command):
    (study / "study.yaml").unlink()
    done = command("reliability", "--codebook", "codebook.yaml", "--coders", "coders.yaml", *SMALL)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0].startswith("Krippendorff's alpha (nominal) of topic: people .5")
    assert re.search(r"topic +people +6 +2 ", done.output)
    assert "18 asked = 18 labelled." in lines
    assert lines[-1] == "No run was named: these are the labels of coders.yaml alone."


def test_people_are_held_against_the_gold_without_a_run(study, command):
    done = command("validity", "none", "--coders", "coders.yaml", *SMALL)
    assert done.exit_code == 0, done.output
    assert "ann meets the gold in 100.0 % of 6 units" in done.output
    assert re.search(r"\n +ben +6 +\.67 \[", done.output)
    by_label = command("validity", "none", "--by", "label", "--coder", "ben", *SMALL).output
    assert by_label.startswith("By F1 ben meets")


def test_what_is_left_out_is_as_in_the_study(study, command):
    said = command("reliability", "--gold", "ben", *SMALL).output
    assert "Run 'coal' is not there yet: these are the labels of coders.yaml alone." in said
    assert re.search(r"topic +people +6 +2 ", said), "ann and gold: ben is the gold"
    collect(study)
    assert "people + embedded" in command("reliability", *SMALL).output
    alone = command("reliability", "--codebook", "codebook.yaml", *SMALL).output
    assert "embedded" not in alone


def test_ids_that_do_not_meet_are_told_once(study, command):
    collect(study)
    with (study / "texts.csv").open("a") as file:
        file.write("99,One more.,sports,sports,sports\n")
    shown = command("reliability", *SMALL)
    assert shown.output.count("texts.csv: 1 of 7 ids of ann, ben, gold is not in the run") == 1, shown.output


def test_coefficients_that_are_left_out_suit_the_level_as_in_python(study, command):
    (study / "heat.yaml").write_text(BOOK.replace("name: topic", "name: heat").replace(*OF_NUMBERS))
    (study / "heat.csv").write_text("id,ann,ben\n1,9,8\n2,6,2\n3,8,8\n4,7,6\n5,10,9\n6,6,7\n")
    (study / "heat_coders.yaml").write_text("coders:\n  - {file: heat.csv, unit: id, columns: [ann, ben]}\n")
    shown = command("reliability", "--codebook", "heat.yaml", "--coders", "heat_coders.yaml", *SMALL).output
    codings = read_codings("heat_coders.yaml", read_codebook("heat.yaml"))
    assert repr(reliability(codings, by="group", resample=Bootstrap(50))).split("\n\n")[1] in shown
    assert "ICC(2,1)" in shown
    assert "Gwet" not in shown


def test_groups_coefficients_and_columns_are_asked_for_by_name(study, command):
    said = command("reliability", "--by", "pair", "--coefficient", "percent", "--coefficient", "fleiss", *SMALL).output
    assert "Fleiss" in said
    assert "Gwet" not in said
    wrong = command("reliability", "--by", "pears")
    assert wrong.exit_code == 1
    assert "To mend" in wrong.output


def test_one_name_for_a_coder_in_every_table(study, command):
    collect(study)
    full = str(open_run("coal").table()["coder"].iloc[0])
    short, digest = full.split("@")
    page = write_report("coal", coders="coders.yaml").read_text(encoding="utf-8")
    shown = [command("table", "coal").output, command("validity").output, repr(open_run("coal").coverage()), page]
    for text in shown:
        assert short in text
        assert f"@{digest}" not in text


def test_a_coverage_that_a_notebook_saved_is_not_shown_twice(study):
    collect(study)
    run = open_run("coal")
    assert write_report("coal").read_text(encoding="utf-8").count("<th class=n>Labelled</th>") == 1
    run.coverage().save("coverage_of_coders", title="All coders")
    assert write_report("coal").read_text(encoding="utf-8").count("<th class=n>Labelled</th>") == 1


def test_a_report_by_command_has_the_coders_of_the_study(study, command):
    collect(study)
    assert command("report", "--no-texts").exit_code == 0
    page = (study / "runs" / "coal" / "report.html").read_text(encoding="utf-8")
    assert "where the gold says" in page or "Coders disagree" in page
    texts = [text for text, *_ in TEXTS]
    assert not [text for text in texts if text in page]
    again = write_report("coal", coders="coders.yaml").read_text(encoding="utf-8")
    assert [text for text in texts if text in again]
    wrong = command("report", "nosuch")
    assert wrong.exit_code == 1
    assert "There is no run 'nosuch'. To mend: name one of: coal." in wrong.output


def read_rows(html: str) -> set[str]:
    """The rows of the tables of a page, as the words in them."""
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", html, re.DOTALL)
    return {words_of(unescape(re.sub("<[^>]+>", " ", row))) for row in rows}


def words_of(line: str) -> str:
    """The words and figures of a row, without the blanks that put figures below each other."""
    return re.sub(r"(?<=\[) ", "", " ".join(line.split()))


def run_kernel(name: str, **given: object) -> list[str]:
    """What the cells of a notebook print in a kernel."""
    path = Path(__file__).parents[2] / "notebooks" / f"{name}.ipynb"
    done = json.loads(run_notebook(path, given, run="coal").path.read_text(encoding="utf-8"))
    outputs = [output["data"] for cell in done["cells"] for output in cell.get("outputs", []) if "data" in output]
    return ["".join(data["text/plain"]) for data in outputs if "text/plain" in data]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "notebook", "run"),
    [("reliability", "06_reliability", run_kernel), ("validity", "05_validity", run_cells)],
)
def test_command_notebook_and_report_print_the_same_table_to_the_character(
    study, command, monkeypatch, words, notebook, run
):
    draw_quickly(monkeypatch)
    collect(study)
    printed = run(notebook, run="coal", coders="coders.yaml", replicates=50)
    sentence, table, note, *_ = command(words, *SMALL).output.split("\n\n")
    assert "\n\n".join([sentence, table, note]) in printed
    rows = read_rows(write_report("coal", coders="coders.yaml").read_text(encoding="utf-8"))
    for line in table.splitlines():
        assert words_of(line) in rows
