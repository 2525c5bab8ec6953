"""Codebooks of QDA programs: read as one variable, written so that they read back equal, hostile files refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from codebook.errors import SchemeError
from codebook.scheme import Codebook, parse_codebook, read_codebook, write_codebook, write_qdc
from codebook.scheme.refi_codes import join_sections, split_sections

ROOT = Path(__file__).parents[2]
STREET = ROOT / "tests" / "data" / "exchange" / "refi_qda" / "qualcoder_street.qdc"
BOOKS = sorted(path for path in (ROOT / "data").glob("*/codebook.yaml"))
HEAD = '<CodeBook xmlns="urn:QDA-XML:codebook:1.0"><Codes>'


def read(folder: Path, codes: str, **answers: str) -> Codebook:
    path = folder / "My codes.qdc"
    path.write_text(f"{HEAD}{codes}</Codes></CodeBook>", encoding="utf-8")
    return read_codebook(path, **answers)  # type: ignore[arg-type]


def test_codes_of_a_program_are_the_labels_of_one_variable() -> None:
    """Folders are no labels; a byte order mark before the XML is fine; descriptions are definitions."""
    book = read_codebook(STREET)
    (variable,) = book.variables
    assert (variable.name, variable.kind, variable.level) == ("code", "multi", "nominal")
    assert variable.labels == ("tram", "rent", "Ease of living", "noise")
    assert variable.categories[1].definition == "cost of housing <EUR per month>"


def test_kind_level_and_question_of_a_program_may_be_said(tmp_path: Path) -> None:
    codes = '<Code guid="1" name="1"/><Code guid="2" name="2"/>'
    book = read(tmp_path, codes, kind="rating", level="ordinal", question="How loud?")
    assert (book.name, book.variables[0].kind, book.variables[0].question) == ("My-codes", "rating", "How loud?")


def test_codes_of_one_name_are_told_by_their_parents(tmp_path: Path) -> None:
    codes = '<Code guid="{0}" name="{0}" isCodable="false"><Code guid="{0}1" name="other"/></Code>'
    book = read(tmp_path, codes.format("cost") + codes.format("noise") + '<Code guid="x" name="tram"/>')
    assert book.variables[0].labels == ("cost > other", "noise > other", "tram")


@pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.parent.name)
def test_a_codebook_is_the_same_after_writing_and_reading(path: Path, tmp_path: Path) -> None:
    """Its digest, and the bytes of what is written of it again."""
    book, first, second = read_codebook(path), tmp_path / "a.qdc", tmp_path / "b.qdc"
    assert "cannot stand" not in write_qdc(book, first)
    again = read_codebook(first)
    write_qdc(again, second)
    assert again.digest == book.digest
    assert first.read_bytes() == second.read_bytes()


FULL = """
name: letters
version: "3"
unit: a letter
instructions: |-
  Read it whole.
  Then code.
variables:
  - name: mood
    title: the mood
    question: How does it sound?
    kind: single
    level: nominal
    evidence: true
    categories:
      - name: good
        title: friendly
        key: y
        definition: |-
          Thanks, praise.

          Also of a third person.
        include: [irony that is meant well, "two\\nlines"]
        exclude: greetings
        examples: [{text: "<b>Thank you!</b>", why: "It says so."}, "Well done."]
      - {name: bad, definition: "Include: is a word here, too"}
    abstain: [{name: unclear, definition: It cannot be told.}]
  - name: people
    question: Who is named?
    kind: records
    fields:
      - {name: mention, kind: quote, definition: as it stands}
      - {name: type, kind: choice, categories: [PER, {name: ORG, definition: firms}]}
      - {name: times, kind: number}
"""


def test_all_that_a_codebook_says_of_codes_is_in_the_file(tmp_path: Path) -> None:
    """Include, exclude, examples with reasons, abstention, lists of records; what cannot stand there is told."""
    book = parse_codebook(FULL.replace('{name: bad, definition: "Include: is a word here, too"}', "bad"))
    assert write_qdc(book, tmp_path / "a.qdc") == "a.qdc: 2 variables, 5 codes."
    assert read_codebook(tmp_path / "a.qdc") == book


def test_what_such_a_file_cannot_hold_is_told(tmp_path: Path) -> None:
    book = parse_codebook(FULL)
    assert (
        "2 entries of the codebook cannot be kept in such a file (variables[mood].categories[bad].definition"
        in write_qdc(book, tmp_path / "a.qdc")
    )


def test_yaml_is_not_written_under_the_name_of_such_a_file(tmp_path: Path) -> None:
    book = read_codebook(STREET)
    with pytest.raises(SchemeError, match="write_qdc"):
        write_codebook(book, tmp_path / "a.qdc")
    with pytest.raises(SchemeError, match=r"codebook\.qdc"):
        write_qdc(book, tmp_path / "a.yaml")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('<!DOCTYPE a [<!ENTITY x "y">]><CodeBook/>', "document type"),
        ("name: letters", "not valid XML"),
        ("", "not valid XML"),
        (f"{HEAD}</Codes></CodeBook>", "no codes"),
        (f'{HEAD}<Code guid="1" name="a"/><Code guid="2" name="A"/></Codes></CodeBook>', "used twice"),
    ],
)
def test_what_is_no_codebook_is_refused(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a.qdc"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SchemeError, match=message):
        read_codebook(path)


def test_entities_in_another_encoding_are_refused_as_well(tmp_path: Path) -> None:
    path = tmp_path / "a.qdc"
    path.write_bytes('<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a><CodeBook/>'.encode("utf-16"))
    with pytest.raises(SchemeError, match="document type"):
        read_codebook(path)


def test_a_description_is_split_as_it_was_joined() -> None:
    text, sections = split_sections("costs\nInclude: heating\n  and\n\n  water\nExclude: food")
    assert split_sections(join_sections(text, sections)) == (text, sections)
