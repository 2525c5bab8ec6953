"""Folders of PDFs as units: what is sent of them, what is kept with a reason, and many of them in flat memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from pdf_files import write_pdf

from codebook.engines.embedded.pages.page_reader import read_pages
from codebook.errors import UnitsError
from codebook.files.lines import digest_file
from codebook.files.pdfs import PdfError, count_pages, open_pdf
from codebook.material.file_parts import prepare_pdf
from codebook.material.unit_store import page_numbers
from codebook.records import Unit, UnitFile
from codebook.run import plan
from codebook.scheme import parse_codebook
from codebook.units import check_units, read_documents

ROOT = Path(__file__).parents[2]
SCANS = ROOT / "data" / "scanned_pages"
BOOK = parse_codebook("{name: letters, unit: a letter, variables: [{name: transcript, kind: transcription}]}")


def make_pages(n: int) -> list[list[str]]:
    return [[f"This is page {number} of a report with many."] for number in range(1, n + 1)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path))
    (tmp_path / "scans").mkdir()
    return tmp_path / "scans"


@pytest.fixture
def write(folder: Path) -> Callable[..., Path]:
    def written(name: str, data: bytes) -> Path:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    return written


def test_the_shipped_documents_are_units_named_after_their_files() -> None:
    source = read_documents(SCANS)
    found = {unit.unit_id: unit for unit in source}
    assert sorted(found) == sorted(path.stem for path in SCANS.glob("*.pdf"))
    turned = found["address_1793_blank_and_upside_down"]
    (file,) = turned.files
    assert (turned.text, file.kind, file.ask) == ("", "pdf", {"first": 1, "last": 3, "as": "file"})
    assert file.sha256 == digest_file(SCANS / "address_1793_blank_and_upside_down.pdf")
    assert page_numbers(turned) == range(1, 4)
    report = str(check_units(source))
    assert report.startswith("scanned_pages: 6 units read; 6 units to send.")
    assert "as PDF files, at most 50 pages and 20 MB per request" in report


def test_files_that_cannot_be_used_are_kept_with_the_reason(folder: Path, write: Callable[..., Path]) -> None:
    good = write_pdf(make_pages(1))
    write("a_good.pdf", good)
    write("b_empty.pdf", b"")
    write("c_text.pdf", b"Dear Sir, this is no PDF.")
    write("d_cut.pdf", good[:200])
    write("e_locked.PDF", write_pdf(make_pages(1), encrypted=True))
    write("f_none.pdf", write_pdf([]))
    write("notes.txt", b"left out")
    write(".hidden.pdf", good)
    source = read_documents(folder)
    assert {unit.unit_id: skip for unit, skip in source.with_skips()} == {
        "a_good": None,
        "b_empty": "the file is empty",
        "c_text": "the file is not a PDF",
        "d_cut": "the PDF is damaged",
        "e_locked": "the PDF is encrypted and needs a password",
        "f_none": "the PDF has no pages",
    }
    report = check_units(source)
    assert (report.ok, report.n_units, report.n_send) == (True, 6, 1)
    assert "1 other file left out" in str(report)
    run = plan(BOOK, source, run="mixed")
    run.submit()
    run.collect()
    table = run.table().set_index("unit_id")
    assert "This is page 1" in table.loc["a_good", "label"]
    assert set(table["why"].drop("a_good")) == {"absent"}
    assert table.loc["d_cut", "detail"] == "the PDF is damaged"
    files = run.transcripts().write(folder.parent / "out").frame.set_index("document")
    assert files.loc["e_locked", "missing"] == "e_locked: absent (the PDF is encrypted and needs a password)"
    assert [path.name for path in (folder.parent / "out").glob("*_*.json")] == ["a_good.json"]


def test_a_long_document_is_sent_in_parts_and_joined_again(folder: Path, write: Callable[..., Path]) -> None:
    write("report.pdf", write_pdf(make_pages(7)))
    source = read_documents(folder, max_pages=3)
    assert [unit.unit_id for unit in source] == ["report.p001-003", "report.p004-006", "report.p007-007"]
    run = plan(BOOK, source, run="parts")
    run.submit()
    run.collect()
    files = run.transcripts().write(folder.parent / "out", text=True).frame
    assert files[["document", "n_pages", "missing"]].to_numpy().tolist() == [["report", 7, ""]]
    found = json.loads((folder.parent / "out" / "report.json").read_text())
    assert [page["page"] for page in found["pages"]] == list(range(1, 8))
    assert [page["text"] for page in found["pages"]] == [lines[0] for lines in make_pages(7)]
    assert (folder.parent / "out" / "report.txt").read_text().count("\f") == 6


def test_a_large_document_is_halved_until_it_fits(folder: Path, write: Callable[..., Path]) -> None:
    data = (SCANS / "address_1793_blank_and_upside_down.pdf").read_bytes()
    write("scan.pdf", data)
    assert len(data) > 0.2e6
    parts = [unit.unit_id for unit in read_documents(folder, max_mb=0.2)]
    assert parts == ["scan.p001-002", "scan.p003-003"]
    (skip,) = [skip for _, skip in read_documents(folder, max_mb=0.05).with_skips()]
    assert skip == "page 1 alone has more than max_mb = 0.05"


@pytest.mark.parametrize(
    ("pages", "sent"),
    [("", (1, 5)), ("3", (3, 3)), ("2-4", (2, 4)), ("4-", (4, 5)), ("-2", (1, 2)), (" 2 - 9 ", (2, 5))],
)
def test_pages_are_chosen(pages: str, sent: tuple[int, int], folder: Path, write: Callable[..., Path]) -> None:
    write("five.pdf", write_pdf(make_pages(5)))
    (unit,) = read_documents(folder, pages=pages)
    assert (unit.files[0].ask["first"], unit.files[0].ask["last"]) == sent
    (part,) = prepare_pdf(unit.files[0])
    assert [page.text for page in read_pages([part])] == [lines[0] for lines in make_pages(5)[sent[0] - 1 : sent[1]]]


def test_a_document_without_the_pages_is_kept_with_the_reason(folder: Path, write: Callable[..., Path]) -> None:
    write("two.pdf", write_pdf(make_pages(2)))
    ((unit, skip),) = read_documents(folder, pages="3-4").with_skips()
    assert (unit.unit_id, skip) == ("two", "the PDF has 2 pages, so there is no page 3")


@pytest.mark.parametrize("pages", ["0", "5-2", "one", "1,3", "-"])
def test_ranges_that_mean_nothing_are_refused(pages: str) -> None:
    with pytest.raises(UnitsError, match="pages count from 1"):
        read_documents(SCANS, pages=pages)


def test_parameters_and_places_that_cannot_be_used_are_refused(folder: Path) -> None:
    with pytest.raises(UnitsError, match="use 'file' or 'images'") as caught:
        read_documents(SCANS, as_="paper", max_pages=0)
    assert len(caught.value.faults) == 2
    with pytest.raises(UnitsError, match="correct the path or the names to keep"):
        read_documents(folder)
    with pytest.raises(UnitsError, match="correct the path"):
        read_documents(folder / "nowhere")
    with pytest.raises(UnitsError, match="correct the path or the names to keep"):
        read_documents(SCANS, where="letter_*")


def test_a_pattern_a_file_and_names_choose_documents(write: Callable[..., Path], folder: Path) -> None:
    for name in ("1790/a.pdf", "1790/b.pdf", "1797/c.pdf"):
        write(name, write_pdf(make_pages(1)))
    assert [unit.unit_id for unit in read_documents(folder)] == ["a", "b", "c"]
    assert [unit.unit_id for unit in read_documents(folder / "1790" / "*.pdf")] == ["a", "b"]
    assert [unit.unit_id for unit in read_documents(folder / "1797" / "c.pdf")] == ["c"]
    assert [unit.unit_id for unit in read_documents(folder, where=["a", "c*"])] == ["a", "c"]


def test_two_documents_of_one_name_are_refused(write: Callable[..., Path], folder: Path) -> None:
    write("1790/a.pdf", write_pdf(make_pages(1)))
    write("1797/a.pdf", write_pdf(make_pages(2)))
    report = check_units(read_documents(folder))
    assert not report.ok
    with pytest.raises(UnitsError, match="duplicate id"):
        plan(BOOK, read_documents(folder), run="twice")


def test_a_whole_file_is_sent_as_it_is_and_parts_repeat_to_the_byte() -> None:
    path = SCANS / "speech_1797_two_columns.pdf"
    (whole,) = prepare_pdf(UnitFile(str(path), "pdf", ask={"first": 1, "last": 2, "as": "file"}))
    assert whole.data == path.read_bytes()
    assert (whole.name, whole.media_type) == ("document.pdf", "application/pdf")
    second = UnitFile(str(path), "pdf", ask={"first": 2, "last": 2, "as": "file"})
    (one,), (two,) = prepare_pdf(second), prepare_pdf(second)
    assert one == two
    assert len(one.data) < len(whole.data)
    with open_pdf(one.data) as document:
        assert count_pages(document) == 1


def test_pages_are_sent_as_pictures_of_the_stated_size() -> None:
    from PIL import Image

    path = SCANS / "address_1793_blank_and_upside_down.pdf"
    ask = {"first": 2, "last": 3, "as": "images", "dpi": 50}
    parts = prepare_pdf(UnitFile(str(path), "pdf", ask=ask))
    assert [(part.kind, part.name, part.media_type) for part in parts] == [
        ("image", "page-2.jpg", "image/jpeg"),
        ("image", "page-3.jpg", "image/jpeg"),
    ]
    with Image.open(BytesIO(parts[0].data)) as picture:
        assert picture.size == (414, 586)  # 595.4 x 842.4 points
    assert parts == prepare_pdf(UnitFile(str(path), "pdf", ask=ask))


@pytest.mark.slow
def test_images_are_told_and_read_page_by_page(folder: Path, write: Callable[..., Path]) -> None:
    write("two.pdf", write_pdf(make_pages(2)))
    run = plan(BOOK, read_documents(folder, as_="images", dpi=200), run="pictures")
    run.submit()
    run.collect()
    (label,) = run.table()["label"]
    assert [(page["page"], page["text"]) for page in json.loads(label)["pages"]] == [
        (1, "This is page 1 of a report with many."),
        (2, "This is page 2 of a report with many."),
    ]


def test_a_file_that_changed_or_went_is_not_sent(folder: Path, write: Callable[..., Path]) -> None:
    path = write("a.pdf", write_pdf(make_pages(1)))
    (unit,) = read_documents(folder)
    write("a.pdf", write_pdf(make_pages(2)))
    with pytest.raises(UnitsError, match="put the file back as it was"):
        prepare_pdf(unit.files[0])
    path.unlink()
    with pytest.raises(UnitsError, match="no longer exists"):
        prepare_pdf(unit.files[0])
    (part,) = prepare_pdf(UnitFile("https://example.org/a.pdf", "pdf"))
    assert (part.url, part.data) == ("https://example.org/a.pdf", b"")
    assert page_numbers(Unit("a", "", files=(UnitFile("https://example.org/a.pdf", "pdf"),))) is None


def test_a_damaged_page_is_found_before_anything_is_sent() -> None:
    data = write_pdf(make_pages(3)).replace(b"/Type /Page /Parent 2 0 R", b"/Type /Font /Parent 2 0 R", 1)
    broken = data.replace(b"/Kids [4 0 R 6 0 R 8 0 R]", b"/Kids [4 0 R 99 0 R 8]  ")
    with pytest.raises(PdfError, match="damaged"), open_pdf(broken) as document:
        count_pages(document)


@pytest.mark.slow
def test_five_hundred_documents_pass_in_flat_memory() -> None:
    """Ten times the documents (40 MB of requests) need 25 MB more at most: planned, read by the engine and written."""
    script = ROOT / "benchmarks" / "documents.py"
    found = {}
    for n in (50, 500):
        command = [sys.executable, str(script), "--documents", str(n)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
        found[n] = json.loads(done.stdout)
        assert found[n]["n_written"] == n
        assert found[n]["last"].startswith(f"Letter {n - 1} to the editor")
    assert found[500]["shards_mb"] > 40
    for stage, peak in found[500]["peak_mb"].items():
        assert peak - found[50]["peak_mb"][stage] < 25, stage


def test_r24_pdfs_that_are_links_out_of_the_folder_are_left_aside_and_told(tmp_path: Path) -> None:
    folder = tmp_path / "pdfs"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(b"%PDF-1.4")
    (tmp_path / "secret.pdf").write_bytes(b"%PDF-1.4")
    (folder / "out.pdf").symlink_to(tmp_path / "secret.pdf")
    os.mkfifo(folder / "pipe.pdf")
    source = read_documents(folder)
    assert [path.name for path in source.files()] == ["a.pdf"]
    told = {fault.kind: fault.first for fault in check_units(source).faults if fault.gravity == "warning"}
    assert {kind: [Path(place).name for place in places] for kind, places in told.items()} == {
        "link out of the folder": ["out.pdf"],
        "pipe or device": ["pipe.pdf"],
    }


def test_two_documents_of_one_name_are_refused_before_anything_is_sent(
    folder: Path, write: Callable[..., Path]
) -> None:
    write("x.pdf", write_pdf(make_pages(2)))
    write("b/X.pdf", write_pdf(make_pages(7)))
    write("y.pdf", write_pdf(make_pages(1)))
    source = read_documents(folder, max_pages=3)
    (fault,) = check_units(source).faults
    assert (fault.kind, fault.gravity, fault.n) == ("document of the same name", "error", 2)
    assert sorted(Path(place).name for place in fault.first) == ["X.pdf", "x.pdf"]
    with pytest.raises(UnitsError, match="a document is called by its name, whatever its folder and capitals: rename"):
        plan(BOOK, source, run="twice")
    assert not check_units(read_documents(folder, where="y")).faults
