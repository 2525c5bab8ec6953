"""WebAnno TSV, brat and CVAT: places, escapes, stacked values, fragments; what such files cannot say is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from codebook.errors import TableError
from codebook.exchange import Reading, open_export
from codebook.exchange.reading import UNKNOWN_CODER

HEAD = """#FORMAT=WebAnno TSV 3.3
#T_SP=webanno.custom.Span|value|sure
#T_RL=webanno.custom.Rel|kind|BT_webanno.custom.Span


"""


def read_tsv(folder: Path, lines: str, **options: object) -> Reading:
    path = folder / "news.tsv"
    path.write_text(HEAD + lines, encoding="utf-8")
    return open_export(path, **options)


def spans(reading: Reading) -> list[tuple[object, ...]]:
    return [(row.variable, row.label, row.start, row.end, row.quote) for row in reading.labels]


def test_a_span_over_two_sentences_is_one_and_the_gap_between_them_stays(tmp_path: Path) -> None:
    """Two blank lines lie between the sentences; both signs of each emoji count in the file."""
    lines = [
        "#Text=A 😊 b.",
        "1-1 0-1 A _ _ _ _",
        "1-2 2-4 😊 X[1]|Y[2] yes[1]|_[2] _ _",
        "1-3 5-7 b. X[1] yes[1] _ _",
        "",
        "#Text=C d",
        "2-1 9-10 C X[1] yes[1] _ _",
        "2-2 11-12 d * _ part 2-1[1_0]",
    ]
    cells = [line if line.startswith("#") else line.replace(" ", "\t") for line in lines]
    reading = read_tsv(tmp_path, "\n".join(cells) + "\n")
    assert spans(reading) == [
        ("Span.value", "Y", 2, 3, "😊"),
        ("Span.value", "X", 2, 9, "😊 b.  C"),
        ("Span.sure", "yes", 2, 9, "😊 b.  C"),
        ("Span.value", "", 10, 11, "d"),
    ]
    assert reading.account.aside == {"a relation or a link of a chain": 1}


def test_signs_with_a_meaning_are_read_behind_a_backslash(tmp_path: Path) -> None:
    value = r"a\|b \[1\] \-> \\n \*[3]|\_[4]"
    reading = read_tsv(tmp_path, f"#Text=C# x\n1-1\t0-2\tC#\t{value}\t_\t_\t_\t\n1-2\t3-4\tx\t_\t_\t_\t_\t\n")
    assert [row.label for row in reading.labels] == [r"a|b [1] -> \n *", "_"]


def test_a_part_of_a_token_has_a_line_of_its_own(tmp_path: Path) -> None:
    lines = "#Text=stops\n1-1\t0-5\tstops\t_\t_\t_\t_\t\n1-1.1\t0-4\tstop\tVERB\t_\t_\t_\t\n"
    assert spans(read_tsv(tmp_path, lines)) == [("Span.value", "VERB", 0, 4, "stop")]


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("#Text=A b\n1-1\t0-1\tA\n", "3 columns, but the header announces 7"),
        ("#Text=A b\n1-1\tzero\tA\t_\t_\t_\t_\t\n", "'zero' is not a position"),
        ("#Text=A b\n1-1\t0-1\tA\t_\t_\t_\t_\t\n1-2\t4-5\tb\t_\t_\t_\t_\t\n", "The quotes in"),
    ],
)
def test_a_file_that_is_not_sound_is_refused(lines: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=message):
        read_tsv(tmp_path, lines)


def test_a_project_names_its_coders_by_files_and_its_documents_by_folders(tmp_path: Path) -> None:
    """What nobody coded, INITIAL_CAS, is left out and told."""
    for name in ("ann", "CURATION_USER", "INITIAL_CAS"):
        path = tmp_path / "annotation" / "news.txt" / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{HEAD}#Text=A\n1-1\t0-1\tA\tX\t_\t_\t_\t\n", encoding="utf-8")
    reading = open_export(tmp_path)
    assert {(row.unit, row.coder) for row in reading.rows} == {("news", "ann"), ("news", "CURATION_USER")}
    assert any("INITIAL_CAS" in note for note in reading.notes)


def brat(folder: Path, coder: str, annotations: str, text: str = "Rain 🙂 stops Anna\nBerg and the band.\n") -> Path:
    (folder / coder).mkdir()
    (folder / coder / "news.txt").write_bytes(text.encode())
    (folder / coder / "news.ann").write_text(annotations, encoding="utf-8", newline="")
    return folder


def test_a_file_of_brat_without_a_span_is_no_answer_until_it_is_said_who_saw_it(tmp_path: Path) -> None:
    folder = brat(brat(tmp_path, "anna", "T1\tPER 13 17\tAnna\n"), "ben", "")
    brat(tmp_path, "chloe", "T1\tPER 13 17\tAnna\n")
    reading = open_export(folder)
    assert [(row.coder, row.status) for row in reading.rows] == [
        ("anna", "coded"),
        ("ben", "empty"),
        ("chloe", "coded"),
    ]
    with pytest.raises(TableError, match="coded_by: all"):
        reading.require_answers()
    open_export(folder, coded_by="all").require_answers()


def test_lines_that_are_no_spans_are_counted_or_stand_at_their_span(tmp_path: Path) -> None:
    """Events name the variable of their trigger."""
    lines = (
        "T1\tPER 13 17;18 22\tAnna Berg\nA1\tSure T1 high\n#1\tAnnotatorNotes T1\ta note\nM1\tNegated T1\n"
        "T2\tGROUP 31 35\tband\nT3\tstop 7 12\tstops\nE1\tstop:T3 Who:T1\n"
        "R1\tin Arg1:T1 Arg2:T2\n*\tEquiv T1 T2\nN1\tR T1 W:1\tx\n"
    )
    reading = open_export(brat(tmp_path, "anna", lines) / "anna")
    assert [(row.variable, row.label, row.note) for row in reading.labels] == [
        ("entities", "PER", "Sure = high; a note; Negated = yes"),
        ("entities", "GROUP", ""),
        ("events", "stop", ""),
    ]
    assert sum(reading.account.aside.values()) == 4


def test_fragments_with_words_between_them_are_told(tmp_path: Path) -> None:
    reading = open_export(brat(tmp_path, "anna", "T1\tPER 13 17;31 35\tAnna band\n") / "anna")
    assert spans(reading) == [("entities", "PER", 13, 35, "Anna band")]
    assert any("fragments with other words" in note for note in reading.notes)


def test_annotations_without_their_text_are_refused(tmp_path: Path) -> None:
    folder = brat(tmp_path, "anna", "T1\tPER 13 17\tAnna\n")
    (folder / "anna" / "news.txt").unlink()
    with pytest.raises(TableError, match=r"news\.txt is not beside it"):
        open_export(folder)


@pytest.mark.parametrize("line", ["T1\tPER 13 17\n", "T1\tPER 13-17\tAnna\n"])
def test_a_line_of_a_span_that_is_none_is_refused(line: str, tmp_path: Path) -> None:
    with pytest.raises(TableError, match="is not a span"):
        open_export(brat(tmp_path, "anna", line), format="brat")


def test_spans_that_stand_elsewhere_are_refused_with_what_stands_there(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="is 'Anna', not 'Berg'"):
        open_export(brat(tmp_path, "anna", "T1\tPER 13 17\tBerg\n"))


CVAT = '<?xml version="1.0"?>\n<annotations><image id="0" name="a.jpg">{}</image></annotations>'


def test_tags_of_an_image_are_a_set_and_those_of_a_model_no_label(tmp_path: Path) -> None:
    path = tmp_path / "annotations.xml"
    tags = '<tag label="b" source="manual"/><tag label="a" source="manual"/><tag label="c" source="auto"/>'
    path.write_text(CVAT.format(tags + '<polygon label="x" points="1,2;3,4"/>'), encoding="utf-8")
    reading = open_export(path)
    assert [(row.coder, row.variable, row.label, row.quote) for row in reading.labels] == [
        (UNKNOWN_CODER, "tag", '["a","b"]', ""),
        (UNKNOWN_CODER, "polygon", "x", "1,2;3,4"),
    ]
    with pytest.raises(TableError, match="coder_name"):
        reading.require_answers()


def test_a_document_type_in_annotations_of_images_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "annotations.xml"
    path.write_text(CVAT.format("").replace("\n", '\n<!DOCTYPE a [<!ENTITY x "y">]>'), encoding="utf-8")
    with pytest.raises(TableError, match="document type"):
        open_export(path)
