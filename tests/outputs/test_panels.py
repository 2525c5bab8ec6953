"""One printed table for all faces: the same texts, no wider than a page, numbers below each other."""

from __future__ import annotations

import re
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from latex import NO_LATEX

from codebook.analysis.core.result import Result
from codebook.outputs.cells import frame_html, frame_texts, print_rows
from codebook.outputs.entries import OutputEntry
from codebook.outputs.latex_tables import latex_table
from codebook.outputs.panels import GAP, MOST_COLUMNS, PAGE_WIDTH, align_figures, lay_out, say_layout
from codebook.outputs.saving import table_workbook
from codebook.outputs.text_widths import measure_longest_piece, measure_text
from codebook.outputs.word_tables import word_table

RNG = np.random.default_rng(1)
LABELS = ["science/technology", "travel", "politics_and_a_name_without_any_blank", "embedded-use-minilm-2@bc4498d7"]


def figures(n: int, *names: str) -> dict[str, Any]:
    """Columns of shares with their intervals."""
    values = {name: RNG.uniform(-0.2, 1, n) for name in names}
    ends = (("", 0.0), ("_low", -0.1), ("_high", 0.1))
    return {f"{name}{end}": values[name] + more for name in names for end, more in ends}


FRAMES = {
    "usual": pd.DataFrame({"label": LABELS, "n": [1204, 7, 33, 0], **figures(4, "precision", "recall", "f1")}),
    "wide": pd.DataFrame({"coder": LABELS, "n": 9, **figures(4, *"qrstuvwxyz")}),
    "few rows": pd.DataFrame({"coder": LABELS[:2], "n": 9, **figures(2, *"qrstuvwxyz")}),
    "words": pd.DataFrame(
        {"question": LABELS, "found": ["A sentence of several words. " * 6] * 4, "mend": ["Ask again " * 9] * 4}
    ),
    "long": pd.DataFrame({"label": LABELS * 20, "n": range(80), **figures(80, "share")}),
}


BLANKS = "[\u2002\u2007\u2008]"


def print_all(frame: pd.DataFrame) -> dict[str, Any]:
    return print_rows(frame, len(frame))


def laid(frame: pd.DataFrame) -> list[Any]:
    return lay_out(print_all(frame))


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_a_table_has_seven_columns_at_most_and_fits_a_portrait_page(frame):
    panels = laid(frame)
    for panel in panels:
        widths = panel.fit_widths()
        assert len(widths) <= MOST_COLUMNS
        assert sum(widths) + GAP * (len(widths) - 1) <= PAGE_WIDTH + 0.1
        for width, texts, number in zip(widths, panel.texts, panel.numeric, strict=True):
            measure = measure_text if number else measure_longest_piece
            assert width >= max(map(measure, texts)) - 0.01
    cells = {text for panel in panels for row in panel.rows for text in row}
    assert {re.sub(BLANKS, "", text) for text in cells} >= set(frame_texts(frame)[0].iloc[:, 1])


def test_a_wide_table_is_turned_or_split_and_says_so():
    (turned,) = laid(FRAMES["few rows"])
    assert turned.columns == ("coder", *LABELS[:2])
    assert say_layout([turned]) == "The table is turned: its columns stand below each other."
    parts = laid(FRAMES["wide"])
    assert {panel.columns[0] for panel in parts} == {"coder"}
    assert [name for panel in parts for name in panel.columns[1:]] == ["n", *"qrstuvwxyz"]
    assert "2 parts; the first columns repeat" in say_layout(parts[:2])


def test_decimals_and_brackets_stand_below_each_other():
    texts, _ = frame_texts(
        pd.DataFrame({"beta": [1.0, -0.05, np.nan], "beta_low": [0.9, -0.5, np.nan], "beta_high": [1, 0.1, 0]})
    )
    aligned = align_figures(texts["beta"])
    assert len({text.index(".") for text in aligned[:2]}) == len({text.index("[") for text in aligned[:2]}) == 1
    assert aligned[2].strip() == "–"


def test_figures_of_a_column_have_the_same_decimals_and_counts_none():
    frame = pd.DataFrame({"f1": [0.5, 1.0, np.nan], "n": [7, 1204, np.nan], "p": [0.0004, 0.5, 1.0]})
    assert frame_texts(frame)[0].to_numpy().T.tolist() == [
        [".50", "1.00", "–"],
        ["7", "1,204", "–"],
        ["< .001", ".500", "> .999"],
    ]


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_no_column_in_word_is_narrower_than_its_longest_word(frame):
    from docx import Document

    document = Document(BytesIO(word_table(print_all(frame), name="t", title="T", note="N.")))
    section = document.sections[0]
    assert {round(section.page_width.mm), round(section.page_height.mm)} == {210, 297}
    room = section.page_width - section.left_margin - section.right_margin
    for table in document.tables:
        assert table.autofit is False
        assert sum(column.width for column in table.columns) <= room
        assert table.rows[0]._tr.trPr.xpath("w:tblHeader")
        for row in table.rows:
            for cell in row.cells:
                longest = max((measure_longest_piece(word) for word in cell.text.split()), default=0)
                assert cell.width.mm >= 1.61 * longest  # a digit of Calibri in 9 pt


def test_where_rows_are_left_out_the_csv_is_linked(tmp_path):
    saved = Result(FRAMES["long"], "shares", "Shares", outputs=tmp_path / "runs" / "r" / "outputs").save()
    page = saved._repr_html_()
    assert "The first 16 of 80 rows; the saved csv has all rows and digits. <a href=" in page
    assert page.count("outputs/shares.csv") == 1
    assert page.count("<tr>") == 17
    assert "<a href" not in Result(FRAMES["usual"], "f1", "F1", outputs=tmp_path).save()._repr_html_()


def test_a_workbook_has_a_bold_head_that_stays_a_filter_and_widths():
    frame = FRAMES["usual"].assign(unit_id=["007", "1e5", "=1+1", "8"])
    entry = OutputEntry("t", "result", "s", "Title", "The note.", "The finding.")
    made = table_workbook(print_all(FRAMES["usual"]), frame, entry)
    book = openpyxl.load_workbook(BytesIO(made))
    assert book.sheetnames == ["table", "all digits", "about"]
    for sheet in book:
        assert sheet.freeze_panes == "A2"
        assert all(cell.font.b for cell in sheet[1])
        assert sheet.auto_filter.ref == sheet.dimensions
        assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == ("landscape", 0)
    texts, _ = frame_texts(FRAMES["usual"])
    assert [[cell.value for cell in row] for row in book["table"].iter_rows(min_row=2)] == texts.to_numpy().tolist()
    digits = book["all digits"]
    assert digits.column_dimensions["A"].width > len(max(LABELS, key=len))
    assert [row[-1].value for row in digits.iter_rows(min_row=2)] == ["007", "1e5", "=1+1", "8"]
    assert digits["C2"].value == FRAMES["usual"]["precision"][0]
    assert made == table_workbook(print_all(FRAMES["usual"]), frame, entry)


def test_notebook_html_latex_word_and_workbook_print_the_same_texts():
    from docx import Document

    frame = FRAMES["usual"]
    printed = Result(frame, "t", "T").printed()
    cells = [text for text in printed.to_numpy().ravel().tolist() if text]
    page = re.sub(BLANKS, "", frame_html(frame))
    source = re.sub(r"\\phantom\{(0|\.|\$-\$)\}", "", latex_table(print_all(frame), name="t", title="T"))
    source = source.replace("{[}", "[").replace("$-$", "−").replace(r"\_", "_").replace(r"\allowbreak{}", "")
    document = Document(BytesIO(word_table(print_all(frame), name="t", title="T")))
    words = {re.sub(BLANKS, "", cell.text) for row in document.tables[0].rows for cell in row.cells}
    made = table_workbook(print_all(frame), frame, OutputEntry("t", "result", "s", "T"))
    book = openpyxl.load_workbook(BytesIO(made))
    sheet = {cell.value for row in book["table"].iter_rows() for cell in row}
    for text in cells:
        assert text in page
        assert text in source
        assert text in words
        assert text in sheet


@pytest.mark.slow
@pytest.mark.skipif(NO_LATEX, reason="no pdflatex: install texlive-latex-recommended")
def test_latex_compiles_without_an_overfull_box(tmp_path):
    compile_tables(tmp_path, FRAMES)


def compile_tables(folder: Path, frames: dict[str, pd.DataFrame]) -> None:
    """Compile tables in one document of the class article, A4, margins of 2.5 cm; no line may leave the page."""
    tables = [
        latex_table(
            print_all(frame), name=f"t{at}", title=name, note="A note of some words. " * 9, finding="Alpha is −.10."
        )
        for at, (name, frame) in enumerate(frames.items())
    ]
    head = r"\documentclass{article}\usepackage[a4paper,margin=2.5cm]{geometry}\usepackage{booktabs,longtable}"
    body = "\n\\clearpage\n".join(tables)
    (folder / "all.tex").write_text(f"{head}\n\\begin{{document}}\n{body}\n\\end{{document}}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    log = (folder / "all.log").read_text(errors="replace")
    assert [float(width) for width in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log) if float(width) > 1] == []
