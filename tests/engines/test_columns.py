"""Pages that are drawn here: columns of several prints and gutters, other alphabets, and forms that were filled in."""

from __future__ import annotations

import os
from pathlib import Path

import matplotlib
import numpy as np
import orjson
import pandas as pd
import pytest
from drawn_pages import as_part, draw_columns
from pdf_files import draw_pdf
from PIL import Image, ImageDraw, ImageFont

from codebook.analysis import character_error_rate
from codebook.engines.embedded.pages import page_reader, tesseract
from codebook.engines.embedded.pages.ink import find_ink
from codebook.engines.embedded.pages.layout import lay_out
from codebook.engines.embedded.pages.ocr import Read, _as_piece, cut_columns, cut_lines, load_ocr, unskew
from codebook.engines.embedded.pages.page_reader import read_pages
from codebook.files.pdfs import draw_page, open_pdf, read_page_texts
from codebook.records import FilePart
from codebook.scheme import parse_codebook
from codebook.tasks import make_questions

FONTS = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
SENTENCES = pd.read_csv(Path(__file__).parents[1] / "data" / "sentences_in_languages.csv")
PRINTS = {"DejaVuSerif": 9, "STIXGeneral": 11, "DejaVuSansMono": 8}
"""Fonts that come with matplotlib, wide, narrow and of one width, and their size in points."""
DPI = 200


def find_print(font: str) -> tuple[Path, float]:
    return FONTS / f"{font}.ttf", PRINTS[font]


def as_pixels(image: Image.Image) -> np.ndarray:
    return np.ascontiguousarray(np.asarray(image.convert("RGB"))[:, :, ::-1])


@pytest.mark.slow
@pytest.mark.parametrize(("font", "gutter"), [("DejaVuSerif", 1.5), ("STIXGeneral", 3.0), ("DejaVuSansMono", 15.0)])
def test_two_columns_in_three_prints_are_read_in_order_in_seconds_each(font: str, gutter: float) -> None:
    image, truth = draw_columns(*find_print(font), gutter, slope=0.6)
    (page,) = read_pages([as_part(image)])
    assert page.n_columns == 2
    assert character_error_rate(" ".join(page.text.split()), truth) < 0.03


@pytest.mark.slow
@pytest.mark.parametrize("font", PRINTS)
def test_no_line_runs_through_a_gutter_of_1_to_15_mm_in_seconds_each(font: str) -> None:
    for gutter in (2 if font == "DejaVuSansMono" else 1, 5, 15):  # 1 mm is less than a space of the typewriter
        image, _ = draw_columns(*find_print(font), gutter)
        pixels = as_pixels(image)
        quads = cut_columns(pixels, load_ocr()._find(pixels))
        lines = zip(unskew(quads), cut_lines(pixels, quads), strict=True)
        pieces = [_as_piece(Read("a line of so many words", ()), quad, find_ink(line)) for quad, line in lines]
        middle = (20 + 60 + gutter / 2) * DPI / 25.4
        assert all(piece.x1 < middle + 4 or piece.x0 > middle - 4 for piece in pieces), (font, gutter)
        assert lay_out(pieces).n_columns == 2, (font, gutter)


@pytest.mark.slow
def test_a_narrow_gutter_of_a_turned_page_is_found() -> None:
    """Lines run through both columns, and no corner of them stands but on a whole pixel."""
    image, _ = draw_columns(FONTS / "DejaVuSans.ttf", 9, 2, dpi=150, slope=0.7)
    pixels = as_pixels(image)
    found = load_ocr()._find(pixels)
    quads = cut_columns(pixels, found)
    pieces = [
        _as_piece(Read("a line of so many words", ()), quad, find_ink(line))
        for quad, line in zip(unskew(quads), cut_lines(pixels, quads), strict=True)
    ]
    assert (len(found), len(pieces), lay_out(pieces).n_columns) == (18, 36, 2)


def draw_sentences(language: str, font: Path) -> Image.Image:
    rows = SENTENCES.loc[SENTENCES["language"] == language, "text"].head(4)
    image = Image.new("RGB", (1500, 250), (250, 250, 250))
    draw, letters = ImageDraw.Draw(image), ImageFont.truetype(str(font), 30)
    for place, row in enumerate(rows):
        draw.text((60, 30 + 48 * place), row, font=letters, fill=(20, 20, 20))
    return image


def read_label(pages: list[page_reader.Page]) -> tuple[str | None, str]:
    book = parse_codebook("name: pages\nunit: a page\nvariables: [{name: text, kind: transcription}]")
    entries = [{"page": page.number, "text": page.text, "unsure": list(page.unsure)} for page in pages]
    reading = make_questions(book)["text"].read_label(orjson.dumps({"pages": entries}).decode())
    return reading.label, reading.detail


@pytest.mark.slow
@pytest.mark.parametrize("language", ["el", "uk", "fr"])
def test_pages_in_letters_that_the_reader_does_not_know_are_invalid(
    language: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tesseract, "list_languages", frozenset)
    pages = read_pages([as_part(draw_sentences(language, FONTS / "DejaVuSerif.ttf"))])
    label, detail = read_label(pages)
    if language == "fr":
        assert label is not None
        assert not pages[0].unsure
    else:
        assert label is None
        assert "words are unsure, so it was not read: the print is too faint, or in letters that" in detail
        assert pages[0].text, "where there is ink the text is never empty"


@pytest.mark.slow
@pytest.mark.skipif(
    not os.environ.get("CI") and "ell" not in tesseract.list_languages(),
    reason="Tesseract with Greek is not installed: apt install tesseract-ocr tesseract-ocr-ell",
)
def test_pages_in_greek_are_read_by_tesseract_where_it_is_there() -> None:
    (page,) = read_pages([as_part(draw_sentences("el", FONTS / "DejaVuSerif.ttf"))])
    truth = " ".join(SENTENCES.loc[SENTENCES["language"] == "el", "text"].head(4))
    assert page.source == "tesseract"
    assert character_error_rate(" ".join(page.text.split()), truth) < 0.05
    assert read_label([page])[0] is not None


def test_a_script_is_read_by_the_languages_that_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tesseract, "list_languages", lambda: frozenset(["rus", "ukr", "eng"]))
    assert tesseract.choose_languages("Cyrillic") == "rus+ukr"
    assert tesseract.choose_languages("Greek") == tesseract.choose_languages("Latin") == ""
    assert tesseract.read_foreign(b"") == [], "without its detector of scripts nothing is guessed"


def draw_memo() -> Image.Image:
    """Lines of a memo, with words, a whole line and a block blacked out, a heading in white on black, and a rule."""
    page = Image.new("L", (1300, 620), 246)
    draw, letters = ImageDraw.Draw(page), ImageFont.truetype(str(FONTS / "DejaVuSerif.ttf"), 30)
    draw.rectangle((80, 40, 1220, 96), fill=20)
    draw.text((100, 48), "Memorandum for the record", font=letters, fill=246)
    draw.rectangle((80, 112, 1220, 116), fill=20)
    rows = (
        "The witness met Secretary Johnson in the hotel lobby.",
        "They spoke about the levy on coal for two hours.",
        "Nobody else was in the room at that time.",
        "The witness left by the northern door at nine.",
    )
    for place, row in enumerate(rows):
        draw.text((90, 140 + 56 * place), row, font=letters, fill=20)
    start, end = (90 + letters.getlength(rows[0][:at]) for at in (16, 33))
    draw.rectangle((start, 142, end, 176), fill=20)
    draw.rectangle((90, 254, 820, 288), fill=20)
    draw.rectangle((90, 380, 700, 500), fill=20)
    draw.text((90, 530), "Read and signed on the third of May.", font=letters, fill=20)
    return page


@pytest.mark.slow
def test_words_that_are_blacked_out_on_a_scan_are_marked_and_unsure() -> None:
    (page,) = read_pages([as_part(draw_memo().rotate(1.5, Image.Resampling.BICUBIC, expand=True, fillcolor=246))])
    assert " ".join(page.text.split()) == (
        "Memorandum for the record The witness met [redacted] in the hotel lobby. They spoke about the levy on coal "
        "for two hours. [redacted] The witness left by the northern door at nine. [redacted] "
        "Read and signed on the third of May."
    )
    assert page.unsure == ("[redacted]",)
    label, _ = read_label([page])
    assert label is not None, "what is hidden is no fault of the reader"


def test_words_that_are_blacked_out_in_a_text_layer_are_marked_and_a_heading_on_black_is_read() -> None:
    """One run of text goes on behind the bar; the words are no longer in the file."""
    content = (
        "0.05 g 30 150 340 24 re f 1 g BT /F 14 Tf 40 157 Td (Memorandum for the record) Tj ET "
        "0.05 g BT /F 12 Tf 40 120 Td [(The witness met ) -8500 ( in the hotel lobby.)] TJ ET 128 116 98 14 re f "
        "BT /F 12 Tf 40 100 Td (They spoke about the levy on coal for two hours.) Tj ET 40 78 200 14 re f "
        "BT /F 12 Tf 40 60 Td (The witness left at nine.) Tj ET 40 40 300 1 re f"
    )
    (page,) = read_pages([FilePart("pdf", "memo.pdf", "application/pdf", draw_pdf(content))])
    assert page.source == "text layer"
    assert " ".join(page.text.split()) == (
        "Memorandum for the record The witness met [redacted] in the hotel lobby. They spoke about the levy on coal "
        "for two hours. [redacted] The witness left at nine."
    )
    assert page.unsure == ("[redacted]",)


def test_text_in_a_font_of_symbols_is_unsure_and_no_label() -> None:
    content = "BT /F 12 Tf 40 120 Td (Dear Sir, the answer to our question is) Tj ET"
    pdf = draw_pdf(content, "ZapfDingbats")
    pages = read_pages([FilePart("pdf", "signs.pdf", "application/pdf", pdf)])
    assert pages[0].text.startswith("✤❅❁❒")
    assert len(pages[0].unsure) == 8
    label, detail = read_label(pages)
    assert label is None
    assert "8 of 8 words are unsure" in detail


FORM = Path(__file__).parents[1] / "data" / "filled_form.pdf"


def test_what_was_filled_into_a_form_is_read_and_drawn() -> None:
    form, second = read_pages([FilePart("pdf", "form.pdf", "application/pdf", FORM.read_bytes())])
    assert form.text.split() == ["Opinion", "of", "the", "respondent:", "I", "support", "the", "levy", "☒"]
    assert second.text == "Second page.", "where there is ink the text is never empty"
    assert read_page_texts(FORM)[0] == "Opinion of the respondent:\nI support the levy\n☒"
    with open_pdf(FORM) as document:
        drawn = np.asarray(draw_page(document[0], 72, 4_000).convert("L"))
    assert (drawn[112:142, 60:360] < 128).sum() > 100, "the answer is on the picture"
    assert (drawn[172:192, 60:80] < 128).sum() > 10, "the tick is on the picture"
