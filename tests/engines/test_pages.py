"""Pages read by the embedded engine: the six shipped PDFs against their true text, and the rules one by one."""

from __future__ import annotations

import csv
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import orjson
import pytest
from pdf_files import write_pdf

from codebook.analysis import character_error_rate, word_recall
from codebook.dialects import Prompt
from codebook.engines.embedded.pages import ocr
from codebook.engines.embedded.pages import page_reader as pages
from codebook.engines.embedded.pages.layout import Piece, lay_out, order_lines
from codebook.engines.embedded.pages.ocr import clean, count_specks, is_blank, load_ocr
from codebook.engines.embedded.pages.page_reader import (
    Page,
    drop_margins,
    join_words,
    read_pages,
    restore_spaces,
    transcribe_pages,
)
from codebook.engines.embedded.request_reader import UnreadableError
from codebook.engines.embedded.weights import Weights
from codebook.errors import EngineError
from codebook.files.pdfs import open_pdf
from codebook.records import FilePart

SCANS = Path(__file__).parents[2] / "data" / "scanned_pages"
INDEX = {entry["file"]: entry for entry in orjson.loads((SCANS / "index.json").read_bytes())}
BOUNDS = {  # character error rate at most, word recall at least; measured values stand in docs of the engine
    "address_1790_digital": (0.0, 1.0),
    "address_1793_blank_and_upside_down": (0.001, 0.99),
    "address_1800_scan": (0.0, 1.0),
    "message_1956_typewritten_noisy": (0.01, 0.94),
    "speech_1797_two_columns": (0.005, 0.98),
    "table_messages_1861_1880": (0.005, 0.99),
}


def pdf_part(data: bytes) -> FilePart:
    return FilePart("pdf", "document.pdf", "application/pdf", data)


@cache
def read(name: str) -> list[Page]:
    return read_pages([pdf_part((SCANS / f"{name}.pdf").read_bytes())])


@cache
def draw(name: str, lines: int) -> np.ndarray:
    """The upper part of a page's picture, in BGR at 200 dpi."""
    with open_pdf(SCANS / f"{name}.pdf") as document:
        page = document[0]
        picture = page.render(scale=200 / 72).to_numpy()[:lines, :, :3].copy()
        page.close()
    return picture


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.slow
def test_error_rate_and_recall_of_the_shipped_documents(name: str) -> None:
    text = "\n\n".join(page.text for page in read(name))
    truth = (SCANS / f"{name}.txt").read_text(encoding="utf-8")
    most, least = BOUNDS[name]
    assert character_error_rate(text, truth) <= most <= max(most, INDEX[f"{name}.pdf"]["tesseract_cer"])
    assert word_recall(text, truth) >= least


@pytest.mark.slow
def test_every_document_is_at_or_under_the_floor_of_tesseract() -> None:
    for name in BOUNDS:
        text = "\n\n".join(page.text for page in read(name))
        truth = (SCANS / f"{name}.txt").read_text(encoding="utf-8")
        assert character_error_rate(text, truth) <= INDEX[f"{name}.pdf"]["tesseract_cer"], name


@pytest.mark.slow
def test_the_blank_page_is_empty_and_the_turned_page_is_read() -> None:
    first, blank, turned = read("address_1793_blank_and_upside_down")
    assert (first.source, first.turned) == ("ocr", 0)
    assert (blank.number, blank.text, blank.source, blank.unsure) == (2, "", "blank", ())
    assert (turned.number, turned.turned) == (3, 180)
    assert turned.text.startswith("habit of executing it.\n\nIn like manner, as several of the courts have doubted")
    assert turned.text.endswith("public danger.")


def test_paragraphs_and_margins_of_a_text_layer() -> None:
    digital = read("address_1790_digital")
    assert [page.source for page in digital] == ["text layer"] * 2
    assert digital[0].text.startswith("Annual Message to Congress, 1790\n\nFellow-Citizens of the Senate")
    assert "Annual Messages" not in digital[0].text, "the running head is no part of the text"
    truth = (SCANS / "address_1790_digital.txt").read_text(encoding="utf-8").strip().split("\n\n")
    assert digital[0].text.split("\n\n")[:10] == truth[:10]


@pytest.mark.slow
def test_columns_are_read_one_after_the_other() -> None:
    columns = read("speech_1797_two_columns")
    assert [page.n_columns for page in columns] == [2, 1]
    left, right = columns[0].text.index("inexpedient"), columns[0].text.index("recommended by me to the")
    assert 0 < right - left < 60, "the right column follows the foot of the left one"


@pytest.mark.slow
def test_a_table_has_its_rows_and_cells() -> None:
    (page,) = read("table_messages_1861_1880")
    with (SCANS / "table_messages_1861_1880.csv").open(encoding="utf-8", newline="") as file:
        known = [tuple(row) for row in csv.reader(file)]
    assert [list(table) for table in page.tables] == [known]
    assert "1865\tAndrew Johnson\twritten\t9,222\n1866" in page.text
    assert page.text.startswith("Table 1. Length of annual messages")
    assert page.text.endswith("were sent in writing.")


@pytest.mark.slow
def test_errors_gather_among_the_doubtful_words() -> None:
    """A third of the doubtful words are wrong, a twentieth of all at most; a third of the wrong ones are doubtful."""
    name = "message_1956_typewritten_noisy"
    (page,) = read(name)
    known = set((SCANS / f"{name}.txt").read_text(encoding="utf-8").split())
    words = page.text.split()
    wrong = {word for word in words if word not in known}
    assert 5 < len(page.unsure) < len(words) / 20
    assert set(page.unsure) <= set(words), "they are written as in the text"
    assert 0 < len(wrong) < len(words) / 20
    assert len(wrong & set(page.unsure)) >= max(len(page.unsure), len(wrong)) / 3


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [90, 270])
def test_a_page_is_read_whichever_way_it_lies(degrees: int) -> None:
    """On its side; the shipped documents have pages that are upright and upside down."""
    picture = draw("address_1800_scan", 420)
    turned = np.ascontiguousarray(np.rot90(picture, -degrees // 90))
    pieces, found, foreign = load_ocr().read(turned)
    assert not foreign
    assert found == degrees
    lines = [line.text for block in lay_out(pieces).blocks for line in block]
    assert lines[0] == "Gentlemen of the Senate and Gentlemen of the House of Representatives:"
    assert lines[-1] == "conducted the ordinary business of the Government in this place."


@pytest.mark.slow
def test_what_is_read_does_not_depend_on_threads_and_nothing_is_logged_or_printed(
    capfd: pytest.CaptureFixture[str],
) -> None:
    picture = draw("address_1800_scan", 420)
    assert ocr.Ocr(threads=1).read(picture) == ocr.Ocr(threads=3).read(picture)
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_a_photograph_of_a_page_is_read_like_a_page() -> None:
    from PIL import Image

    room = BytesIO()
    Image.fromarray(draw("address_1800_scan", 420)[:, :, ::-1]).save(room, "PNG")
    (page,) = read_pages([FilePart("image", "page.png", "image/png", room.getvalue())], 7)
    assert (page.number, page.source) == (7, "ocr")
    assert page.text.endswith("conducted the ordinary business of the Government in this place.")
    with pytest.raises(UnreadableError, match="cannot be read"):
        read_pages([FilePart("image", "page.png", "image/png", b"no picture")])


def test_other_weights_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    other = Weights("rapidocr", "3.10.0", ocr.LINE_READER.path, "0" * 64)
    monkeypatch.setattr(ocr, "LINE_READER", other)
    with pytest.raises(EngineError, match=r"pip install --force-reinstall --no-deps rapidocr==3\.10\.0"):
        ocr.Ocr()


def test_specks_are_no_text_and_a_page_number_is() -> None:
    paper = np.full((400, 300, 3), 245, np.uint8)
    paper[100:103, 50:53] = paper[200:202, 250:253] = 40
    assert is_blank(paper)
    paper[350:374, 150:154] = 40
    assert not is_blank(paper)


def test_only_speckled_pages_are_smoothed() -> None:
    tidy, dusty = draw("address_1800_scan", 420), draw("message_1956_typewritten_noisy", 420)
    assert count_specks(tidy) < 2 < 60 < count_specks(dusty)
    assert clean(tidy) is tidy
    assert count_specks(clean(dusty)) < count_specks(dusty) / 3


def stack(texts: list[str], x: float = 0, y: float = 0, width: float = 90) -> list[Piece]:
    return [Piece(text, x, y + 12 * n, x + width, y + 12 * n + 10) for n, text in enumerate(texts)]


def test_a_line_across_both_columns_parts_what_is_above_and_below() -> None:
    words = ["one of many words", "two of many words", "three of many words", "four of many words"]
    top = [*stack(words), *stack([word.upper() for word in words], x=110, y=5)]
    across = Piece("A heading that reaches across both of the columns", 0, 60, 200, 70)
    below = [*stack([f"low {word}" for word in words], y=80), *stack([f"LOW {word}" for word in words], x=110, y=85)]
    found = [line.text for block in lay_out([*below, across, *top]).blocks for line in block]
    assert found[3:5] == ["four of many words", "ONE OF MANY WORDS"]
    assert found[8] == across.text
    assert found[9:14:4] == ["low one of many words", "LOW one of many words"]


def test_a_line_cut_into_pieces_is_one_line() -> None:
    pieces = [
        Piece("the third of", 0, 24, 40, 34),
        Piece("these lines", 50, 25, 90, 35),
        *stack(["first line", "second"]),
    ]
    assert [line.text for line in lay_out(pieces).blocks[0]] == ["first line", "second", "the third of these lines"]


def test_indented_and_spaced_lines_start_paragraphs() -> None:
    lines = stack(["Start of one", "which goes on", "and ends here."]) + stack(
        ["    Indented", "and on"], x=12, y=36, width=78
    )
    lines[-1] = lines[-1]._replace(x0=0)
    far = stack(["Far below", "and on"], y=90)
    assert [block[0].text.strip() for block in lay_out(lines + far).blocks] == ["Start of one", "Indented", "Far below"]


def test_order_of_nothing_and_of_circles() -> None:
    assert lay_out([]).blocks == ()
    assert order_lines([]) == []
    same = [Piece(str(n), 0, 0, 10, 10) for n in range(3)]
    assert len(order_lines(same)) == 3


def test_words_cut_at_a_lines_end_are_joined() -> None:
    assert join_words(["a consti-", "tution"]) == "a constitution"
    assert join_words(["a well-", "digested plan"], frozenset({"well-digested"})) == "a well-digested plan"
    assert join_words(["New-", "York, work--", "and"]) == "New- York, work-- and"


def test_lost_spaces_are_put_back_and_figures_left_alone() -> None:
    assert restore_spaces("resources,if not") == "resources, if not"
    kept = "6,979 at 10:30 in the U.S.A., e.g. codebook.yaml"
    assert restore_spaces(kept) == kept


@pytest.mark.parametrize("number", ["7", "- 12 -", "Page 3 of 9", "xiv", "p. 4"])
def test_page_numbers_are_dropped_at_the_edge_only(number: str) -> None:
    body = ["A line of text.", "Another line.", number, "More.", "The last."]
    page = [*stack(body), Piece(number, 40, 90, 50, 100)]
    assert [piece.text for piece in drop_margins([page])[0]] == body


def test_one_page_keeps_what_might_be_a_head() -> None:
    page = stack(["Annual Messages", "Fellow citizens.", "I embrace.", "With joy.", "The end."])
    assert drop_margins([page])[0][0].text == "Annual Messages"


def make_prompt(
    user: str, *files: FilePart, fields: tuple[str, ...] = ("page", "text", "unsure"), **more: object
) -> Prompt:
    item = {"type": "object", "properties": {name: {"type": "string"} for name in fields}}
    properties = {"pages": {"type": "array", "items": item}} | more
    return Prompt("", user, "t", {"type": "object", "properties": properties}, files=files)


def test_a_request_is_answered_with_the_numbers_it_asks_for() -> None:
    data = write_pdf([["The first page has these words."], [], ["The third page has other words."]])
    part = FilePart("pdf", "document.pdf", "application/pdf", data)
    reply = orjson.loads(transcribe_pages(make_prompt("3 pages follow, as a PDF. Number them from 51 to 53.", part))[0])
    assert [(page["page"], page["text"]) for page in reply["pages"]] == [
        (51, "The first page has these words."),
        (52, ""),
        (53, "The third page has other words."),
    ]
    assert set(reply["pages"][0]) == {"page", "text", "unsure"}
    context = (
        "<context>\nnote: Number them from 7 to 9.\n</context>\n3 pages follow, as a PDF. Number them from 2 to 4."
    )
    assert orjson.loads(transcribe_pages(make_prompt(context, part))[0])["pages"][0]["page"] == 2


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the file stands at an address"),
        (b"hello", "the file is not a PDF"),
        (write_pdf([["secret"]], encrypted=True), "the PDF is encrypted"),
        (write_pdf([["words"]])[:200], "the PDF is damaged"),
    ],
)
def test_files_that_cannot_be_read_are_refused_with_a_reason(data: bytes, reason: str) -> None:
    part = FilePart("pdf", "document.pdf", "application/pdf", data, url="" if data else "https://example.org/a.pdf")
    with pytest.raises(UnreadableError, match=reason.replace("the file stands", "a file stands")):
        transcribe_pages(make_prompt("One page follows, as a PDF. Its number is 1.", part))


def test_what_is_not_read_is_refused() -> None:
    part = FilePart("pdf", "document.pdf", "application/pdf", write_pdf([["words"]]))
    with pytest.raises(UnreadableError, match="'summary' beside the pages"):
        transcribe_pages(make_prompt("", part, summary={"type": "string"}))
    with pytest.raises(UnreadableError, match="'language' of a page"):
        transcribe_pages(make_prompt("", part, fields=("page", "language")))
    with pytest.raises(UnreadableError, match="no file"):
        transcribe_pages(make_prompt(""))


def test_a_text_layer_needs_no_optical_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "load_ocr", lambda: pytest.fail("optical reading was asked for"))
    lines = ["A page with words enough for a text layer,", "on two lines (and no more)."]
    (page,) = read_pages([pdf_part(write_pdf([lines]))])
    assert page == Page(1, " ".join(lines))


def test_a_letter_that_the_pdf_does_not_name_is_marked_and_its_word_unsure() -> None:
    """As the ligatures of many papers set in TeX: pdfium gives control characters, which are no spaces."""
    (page,) = read_pages([pdf_part(write_pdf([["the \x1crst o\x1ece of the harbour board"]]))])
    assert page.text == "the \ufffdrst o\ufffdce of the harbour board"
    assert page.unsure == ("\ufffdrst", "o\ufffdce")


@pytest.mark.parametrize("rotate", [90, 180, 270])
def test_the_text_layer_of_a_turned_page_is_read_from_its_top(rotate: int) -> None:
    lines = ["The first line of a page that is shown turned,", "its second line,", "and the last one."]
    assert read_pages([pdf_part(write_pdf([lines], rotate=rotate))]) == [Page(1, " ".join(lines))]
