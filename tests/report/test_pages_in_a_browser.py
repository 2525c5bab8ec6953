"""The report on A4 paper and on a telephone, and executed notebooks at 1200 pixels, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from lab import why_not

import codebook as cb
from codebook.execute.html import write_html
from codebook.outputs import frame_html
from codebook.report import write_report
from codebook.run import plan
from codebook.units import read_units

REASON = why_not()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(REASON), reason=REASON)]

ROOT = Path(__file__).parents[2]
TOPICS = ROOT / "data" / "topics_sib200_en"
DEMO = ("topics", "coal_debate")
OPEN_ALL = "() => document.querySelectorAll('details').forEach(part => part.open = true)"
TOO_WIDE = """() => [...document.querySelectorAll('table')]
    .filter(table => table.getBoundingClientRect().right > innerWidth
        || [...table.querySelectorAll('td, th')].some(cell => cell.scrollWidth > cell.clientWidth + 1)
        || (box => box && box.scrollWidth > box.clientWidth + 1)(table.closest('.output_subarea, .scroll')))
    .map(table => table.innerText.slice(0, 80))"""
CUT = """() => [...document.querySelectorAll('.scroll')]
    .filter(box => box.scrollWidth > box.clientWidth && getComputedStyle(box).overflowX != 'auto')
    .map(box => box.innerText.slice(0, 80))"""


class Rows(HTMLParser):
    """The pieces of text of each row of each table of a page, without blanks: one a cell, more where it has tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.open = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th") and self.rows:
            self.open = True

    def handle_endtag(self, tag: str) -> None:
        self.open = self.open and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.open:
            self.rows[-1].append(squeeze(data))


def squeeze(text: str) -> str:
    """A text without blanks, and without the marks that a PDF has where a line is broken."""
    return re.sub(r"[\s\u00ad\u2010\ufffe\x02-]", "", text)


@pytest.fixture(scope="module", params=["a part", *DEMO])
def written(request, tmp_path_factory) -> Iterator[Path]:
    """The report that `make demo` left here, as in CI; and one of a part of the topics study, made anew."""
    if request.param in DEMO:
        report = ROOT / "runs" / request.param / "report.html"
        if not report.is_file():
            pytest.skip("the demo was not run here: make demo")
        yield report
    else:
        yield from _write_part(tmp_path_factory)


def _write_part(tmp_path_factory) -> Iterator[Path]:
    """The report of the topics study on a part of its units, with all that notebooks 05 to 07 save."""
    folder = tmp_path_factory.mktemp("browser")
    (folder / "study.yaml").write_text("study: topics\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODEBOOK_PROJECT", str(folder))
        units = list(read_units(TOPICS / "texts.csv", id_column="text_id", text_column="text"))[:240]
        run = plan(TOPICS / "codebook.yaml", units, run="topics")
        run.submit()
        run.collect()
        codings, resample = run.codings(TOPICS / "coders.yaml"), cb.Bootstrap(20)
        cb.coverage(codings).save("coverage_of_coders")
        for by in ("", "label"):
            cb.validity(codings, by=by, resample=resample).save()
        cb.confusion(codings, resample=resample).save()
        cb.compare(codings, resample=resample).save()
        for by in ("group", "label", "pair"):
            cb.reliability(codings, by=by, resample=resample).save(f"reliability_by_{by}")
        cb.label_shares(codings).save()
        for of in ("coders", "labels"):
            cb.correlogram(codings, of=of, min_units=5).save() if of == "coders" else cb.correlogram(codings).save()
        yield write_report("topics", coders=TOPICS / "coders.yaml")


def test_every_cell_of_the_report_stands_on_its_a4_pages(written, window, tmp_path):
    import pypdfium2

    window.goto(written.as_uri())
    window.pdf(path=tmp_path / "report.pdf", format="A4")
    with pypdfium2.PdfDocument(tmp_path / "report.pdf") as document:
        sizes = {tuple(round(side) for side in sheet.get_size()) for sheet in document}
        said = squeeze("".join(sheet.get_textpage().get_text_range() for sheet in document))
    rows = Rows(written.read_text(encoding="utf-8")).rows
    assert all(abs(width - 595) < 3 and abs(height - 842) < 3 for width, height in sizes), sizes
    assert len(rows) > 100
    assert [row for row in rows if not _stands(row, said)] == []


def _stands(row: list[str], text: str) -> bool:
    """Whether a row is in the text as it stands; or piece by piece, as a PDF tells small letters last."""
    return "".join(row) in text or (any(len(piece) > 20 for piece in row) and all(piece in text for piece in row))


@pytest.mark.parametrize("width", [420, 700, 1200])
def test_the_report_is_never_wider_than_its_window_and_no_number_is_out_of_reach(written, window, width):
    window.set_viewport_size({"width": width, "height": 900})
    window.goto(written.as_uri())
    window.evaluate(OPEN_ALL)
    assert window.evaluate("document.documentElement.scrollWidth") <= width
    assert window.evaluate(CUT) == []
    assert window.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_no_table_of_an_executed_notebook_is_wider_than_its_page(window, tmp_path):
    text = "Sentences of a unit that go on for a while, so that they have to be broken into lines. " * 3
    plain = pd.DataFrame({f"column_{at}": [text, "short"] for at in range(6)})
    shown = [frame_html(plain.iloc[:, :4].replace("short", "https://example.org/" + "a" * 50)), plain.to_html()]
    cells = [
        nbformat.v4.new_code_cell("x", outputs=[nbformat.v4.new_output("display_data", {"text/html": each})])
        for each in shown
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "n.ipynb")
    window.set_viewport_size({"width": 1200, "height": 900})
    window.goto(write_html(tmp_path / "n.ipynb", tmp_path / "n.html").as_uri())
    assert window.locator("table").count() == 2
    assert window.evaluate(TOO_WIDE) == []
