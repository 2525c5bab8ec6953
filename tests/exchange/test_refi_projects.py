"""Projects of REFI-QDA: how they count is found by their quotes, hostile archives refused, written ones read back."""

from __future__ import annotations

import random
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest

from codebook.analysis.core.codings import Codings
from codebook.codings import read_codings
from codebook.errors import ParameterError, TableError
from codebook.exchange import Reading, open_export
from codebook.exchange.qda.refi_writing import write_refi_project
from codebook.records import Unit
from codebook.scheme import Codebook, parse_codebook

TEXT = "We like 😊 the tram.\nNoise? Not\nreally. שלום רב."
PROJECT = """<?xml version="1.0" encoding="utf-8"?>
<q:Project xmlns:q="urn:QDA-XML:project:1.0" name="p"><q:Users><q:User guid="U1" name="anna"/>
<q:User guid="U2" name="anna"/></q:Users><q:CodeBook><q:Codes><q:Code guid="C1" name="tram"/></q:Codes></q:CodeBook>
<q:Sources><q:TextSource guid="S1" name="one" plainTextPath="internal://one.txt">{}</q:TextSource></q:Sources></q:Project>"""
PASSAGE = (
    '<q:PlainTextSelection guid="{0}" startPosition="{1}" endPosition="{2}" name="{3}" creatingUser="u1">'
    '<q:Coding><q:CodeRef targetGUID="c1"/></q:Coding></q:PlainTextSelection>'
)


def pack(folder: Path, inner: str, text: bytes, name: str = "Sources/One.txt") -> Path:
    path = folder / "p.qdpx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("Project.QDE", PROJECT.format(inner))
        archive.writestr(name, text)
    return path


def count(text: str, place: int, *, utf16: bool) -> int:
    return len(text[:place].encode("utf-16-le")) // 2 if utf16 else place


@pytest.mark.parametrize("mark", ["", "not counted", "counted"])
@pytest.mark.parametrize("ends", ["LF", "CRLF", "CRLF, counted as LF", "LF, counted as CRLF"])
@pytest.mark.parametrize("utf16", [False, True])
@pytest.mark.parametrize("inclusive", [False, True])
def test_whatever_a_program_counts_the_passages_stand_where_their_quotes_are(
    mark: str, ends: str, utf16: bool, inclusive: bool, tmp_path: Path
) -> None:
    """Byte order mark, line ends, UTF-16, the last character: 48 ways to write one file."""
    counted = TEXT.replace("\n", "\r\n") if ends in ("CRLF", "LF, counted as CRLF") else TEXT
    stored = TEXT.replace("\n", "\r\n") if ends.startswith("CRLF") else TEXT
    counted = "\ufeff" * (mark == "counted") + counted
    quotes = ["the tram", "😊", "Not really", "רב", "really."]
    inner = ""
    for number, quote in enumerate(quotes):
        inside = quote.replace(" ", "\r\n" if "\r" in counted else "\n") if quote == "Not really" else quote
        start = counted.index(inside)
        end = count(counted, start + len(inside), utf16=utf16) - inclusive
        inner += PASSAGE.format(number, count(counted, start, utf16=utf16), end, quote)
    reading = open_export(pack(tmp_path, inner, ("\ufeff" * bool(mark) + stored).encode()))
    assert [TEXT[row.start : row.end].replace("\n", " ") for row in reading.labels] == quotes
    assert [row.quote for row in reading.labels] == [TEXT[row.start : row.end] for row in reading.labels]


def test_where_no_way_of_counting_fits_three_examples_are_shown(tmp_path: Path) -> None:
    inner = "".join(PASSAGE.format(place, place, place + 3, "xyz") for place in range(5)) + PASSAGE.format(
        9, 0, 7, "We like"
    )
    with pytest.raises(TableError, match="5 of 6 are not at") as error:
        open_export(pack(tmp_path, inner, TEXT.encode()))
    assert len(error.value.faults) == 3


def test_quotes_that_are_cut_short_count_and_places_without_quotes_are_asked_about(tmp_path: Path) -> None:
    reading = open_export(pack(tmp_path, PASSAGE.format(1, 0, 7, "We l…"), TEXT.encode()))
    assert reading.labels[0].quote == "We like"
    path = pack(tmp_path, PASSAGE.format(1, 0, 6, ""), TEXT.encode())
    with pytest.raises(TableError, match='end="standard"'):
        open_export(path)
    assert open_export(path, end="standard").labels[0].quote == "We like"


def test_two_users_of_one_name_are_two_coders(tmp_path: Path) -> None:
    other = PASSAGE.replace('"u1"', '"U2"')
    reading = open_export(
        pack(tmp_path, PASSAGE.format(1, 0, 7, "We like") + other.format(2, 0, 7, "We like"), TEXT.encode())
    )
    assert [row.coder for row in reading.labels] == ["anna (u1)", "anna (u2)"]
    assert any("identifiers was added" in note for note in reading.notes)


def test_what_is_no_coding_of_a_passage_is_told_apart(tmp_path: Path) -> None:
    """A comment, a code that is not there, a coding of the whole text without a user, a picture."""
    inner = (
        '<q:PlainTextSelection guid="1" startPosition="0" endPosition="7" name="We like">'
        "<q:Description>why?</q:Description></q:PlainTextSelection>"
        + PASSAGE.format(2, 0, 7, "We like").replace('"c1"', '"c9"')
        + '<q:Coding guid="3"><q:CodeRef targetGUID="c1"/></q:Coding>'
        + '</q:TextSource><q:PictureSource guid="S2" name="photo">'
        '<q:PictureSelection guid="4" firstX="1" firstY="2" secondX="3" secondY="4" creatingUser="U1">'
        '<q:Coding><q:CodeRef targetGUID="c1"/></q:Coding></q:PictureSelection></q:PictureSource>'
        '<q:TextSource guid="S3" name="three" plainTextPath="relative:///etc/passwd">'
    )
    reading = open_export(pack(tmp_path, inner, TEXT.encode()))
    rows = [(row.unit, row.coder, row.variable, row.label, row.status, row.note) for row in reading.rows]
    assert rows == [
        ("one", "(unknown)", "code", "tram", "coded", ""),
        ("one", "(unknown)", "*", "", "uncoded", "why?"),
        ("photo", "anna (u1)", "code", "tram", "coded", "firstX 1, firstY 2, secondX 3, secondY 4"),
        ("three", "(unknown)", "*", "", "not_seen", "no coding: the file does not say if the unit was seen"),
    ]
    assert reading.account.aside == {"a coding with a code that the project does not have": 1}
    assert any("is outside the file" in note for note in reading.notes)


def test_archives_that_lead_out_of_themselves_or_unfold_beyond_measure_are_refused(tmp_path: Path) -> None:
    path = pack(tmp_path, "", b"x", name="../../out.txt")
    with pytest.raises(TableError, match="points outside the archive"):
        open_export(path)
    path = pack(tmp_path, "", b"\0" * 60_000_000)
    assert path.stat().st_size < 100_000
    with pytest.raises(TableError, match="unpacks to 60 MB"):
        open_export(path)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (PROJECT.replace("\n", "\n<!DOCTYPE a>", 1), "document type"),
        ("{}", "not valid XML"),
    ],
)
def test_a_project_that_is_no_plain_xml_is_refused(data: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "p.qdpx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("project.qde", data)
    with pytest.raises(TableError, match=message):
        open_export(path)


def test_what_is_no_archive_or_damaged_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path, PASSAGE.format(1, 0, 7, "We like"), TEXT.encode())
    data = bytearray(path.read_bytes())
    data[60:70] = b"0123456789"
    path.write_bytes(data)
    with pytest.raises(TableError, match=r"p\.qdpx"):
        open_export(path)
    path.write_bytes(b"no archive")
    with pytest.raises(TableError, match="not a zip archive"):
        open_export(path, format="refi_qda")


# -- written -------------------------------------------------------------------------------------------------------

BOOK = """
name: letters
unit: a letter
variables:
  - {name: mood, question: How does it sound, kind: single, level: nominal, categories: [good, bad], abstain: [unclear]}
  - {name: about, question: What of, kind: multi, level: nominal, categories: ["delay, cancelled", staff]}
  - name: people
    question: Who is named
    kind: records
    fields:
      - {name: mention, kind: quote}
      - {name: type, kind: choice, categories: [PER, ORG]}
      - {name: sure, kind: number}
"""
LABELS = [
    ("7", "ann", "mood", "bad"),
    ("7", "ben", "mood", "unclear"),
    ("7", "ben", "about", '["delay, cancelled","staff"]'),
    (
        "7",
        "ben",
        "people",
        '{"people":[{"mention":"Ann","type":"PER","sure":1},{"mention":"Ann","type":"ORG","sure":2}]}',
    ),
    ("8", "ann", "about", "[]"),
]


def codings(book: Codebook, rows: Sequence[tuple[str, str, str, str]]) -> Codings:
    names = ("unit_id", "coder", "variable", "label")
    return Codings(pd.DataFrame([dict(zip(names, row, strict=True), draw=0, why=None) for row in rows]), book.variables)


def rows_of(reading: Reading) -> list[tuple[object, ...]]:
    return [(row.unit, row.coder, row.variable, row.label, row.start, row.end, row.quote) for row in reading.labels]


@pytest.mark.parametrize("end", ["exclusive", "standard"])
def test_what_is_written_reads_back_at_the_same_place(end: str, tmp_path: Path) -> None:
    """Also with a mark and CRLF in the text; what the file cannot hold is told."""
    book, path = parse_codebook(BOOK), tmp_path / "letters.qdpx"
    units = [Unit("7", "\ufeffAnn 😊\r\nand Ann."), Unit("8", "Nobody.")]
    sentence = write_refi_project(codings(book, LABELS), units, book, path, end=end)
    written, lost = sentence.split("; ")
    assert written == "letters.qdpx: 2 texts, 2 coders, 4 codes of whole texts, 2 passages"
    assert lost == "left out: the answer that no code applies (1)."
    assert rows_of(open_export(path)) == [
        ("7", "ann", "mood", "bad", None, None, ""),
        ("7", "ben", "mood", "unclear", None, None, ""),
        ("7", "ben", "about", '["delay, cancelled","staff"]', None, None, ""),
        ("7", "ben", "people", "PER", 0, 3, "Ann"),
        ("7", "ben", "people", "ORG", 10, 13, "Ann"),
    ]


PLACED = """
name: letters
unit: a letter
variables:
  - {name: mood, question: How does it sound, kind: single, level: nominal, categories: [good, bad]}
  - {name: about, question: What of, kind: multi, level: nominal, categories: ["delay, cancelled", staff]}
  - name: people
    question: Who is named
    kind: records
    fields:
      - {name: mention, kind: quote}
      - {name: type, kind: choice, categories: [PER, ORG]}
      - {name: remark}
      - {name: start, kind: number}
      - {name: end, kind: number}
"""


@pytest.mark.parametrize("end", ["exclusive", "standard"])
def test_what_is_written_read_as_codings_and_written_again_is_the_same_to_the_byte(end: str, tmp_path: Path) -> None:
    """The second Ann alone is marked; every label comes back as it was, and its place."""
    book = parse_codebook(PLACED)
    span = '{"end":11,"mention":"Ann","remark":"sure?","start":8,"type":"PER"}'
    other = '{"end":3,"mention":"😊 A","remark":"","start":0,"type":"ORG"}'
    rows = [
        ("7", "ann", "mood", "bad"),
        ("7", "ben", "mood", "good"),
        ("7", "ben", "about", '["delay, cancelled","staff"]'),
        ("7", "ben", "people", f'{{"people":[{span}]}}'),
        ("8", "ann", "people", f'{{"people":[{other}]}}'),
    ]
    units = [Unit("7", "Ann and Ann."), Unit("8", "😊 Ann\nשלום")]
    write_refi_project(codings(book, rows), units, book, tmp_path / "a.qdpx", end=end)
    again = read_codings(tmp_path / "a.qdpx", book, format="refi_qda", coded_by={"ann": ["7", "8"], "ben": ["7"]})
    labels = again.frame.dropna(subset="label")
    assert set(rows) <= set(labels[["unit_id", "coder", "variable", "label"]].itertuples(index=False, name=None))
    write_refi_project(again, units, book, tmp_path / "b.qdpx", end=end)
    assert (tmp_path / "a.qdpx").read_bytes() == (tmp_path / "b.qdpx").read_bytes()


def test_the_same_codings_give_the_same_bytes_in_whatever_order(tmp_path: Path) -> None:
    book, units = parse_codebook(BOOK), [Unit("7", "Ann and Ann."), Unit("8", "x")]
    shuffled = random.Random(1).sample(LABELS, len(LABELS))
    for name, rows in (("a", LABELS), ("b", shuffled)):
        write_refi_project(codings(book, rows), units, book, tmp_path / f"{name}.qdpx")
    assert (tmp_path / "a.qdpx").read_bytes() == (tmp_path / "b.qdpx").read_bytes()


def test_what_cannot_be_written_is_counted(tmp_path: Path) -> None:
    book = parse_codebook(BOOK)
    frame = codings(book, [*LABELS, ("9", "ann", "mood", "bad")]).frame
    frame.loc[0, ["label", "why"]] = [None, "refused"]
    sentence = write_refi_project(Codings(frame, book.variables), [Unit("7", "Ann.")], book, tmp_path / "a.qdpx")
    assert "a coding of a unit that is not among the units (2)" in sentence
    assert "a coding without a label (refused) (1)" in sentence
    with pytest.raises(ParameterError, match="exclusive, standard"):
        write_refi_project(codings(book, LABELS), [], book, tmp_path / "a.zip", end="last")


def test_a_place_that_is_known_is_not_looked_for_again(tmp_path: Path) -> None:
    """A record may bear the place of its quote, as the coding form writes it."""
    book, path = parse_codebook(BOOK), tmp_path / "a.qdpx"
    span = '{"people":[{"mention":{"quote":"Ann","start":8,"end":11},"type":"PER","sure":1}]}'
    write_refi_project(codings(book, [("7", "ben", "people", span)]), [Unit("7", "Ann and Ann.")], book, path)
    assert rows_of(open_export(path)) == [("7", "ben", "people", "PER", 8, 11, "Ann")]
