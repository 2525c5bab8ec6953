"""Tables of coded segments, and QualCoder's projects: headings in any spelling, ties asked, no coding invented."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import krippendorff
import pytest
import yaml

from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.reliability import reliability
from codebook.codings import read_coders
from codebook.errors import CodebookError, TableError
from codebook.exchange import Reading, open_export
from codebook.scheme import Codebook

MAXQDA = "Document group;Document name;Code;Segment;Weight score;Created by;Created;Comment\n"


def read_csv(folder: Path, text: str, **options: object) -> Reading:
    path = folder / "segments.csv"
    path.write_text(text, encoding="utf-8")
    return open_export(path, **options)


def rows_of(reading: Reading) -> list[tuple[str, ...]]:
    return [(row.unit, row.coder, row.variable, row.label, row.quote, row.note) for row in reading.rows]


def test_a_document_of_one_name_in_two_groups_is_two_units(tmp_path: Path) -> None:
    text = MAXQDA + "A;B1;rent;low;0;anna;;\nB;B1;rent;high;50;anna;;why?\n;B2;rent;;;anna;;\n"
    assert rows_of(read_csv(tmp_path, text)) == [
        ("A/B1", "anna", "code", "rent", "low", ""),
        ("B/B1", "anna", "code", "rent", "high", "why?; weight 50"),
        ("B2", "anna", "code", "rent", "", ""),
    ]
    assert [row[0] for row in rows_of(read_csv(tmp_path, text, unit="Document name"))] == ["B1", "B1", "B2"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_headings_in_other_languages_and_encodings_are_known(encoding: str, tmp_path: Path) -> None:
    head = "Dokumentgruppe\tDOKUMENT-NAME\tCode\tSegment\tErstellt von\tErstellt\tGewicht\r\n"
    path = tmp_path / "segments.tsv"
    path.write_bytes((head + "Gespräche\tB1\tMiete\tniedrig\tanna\t02.11.2026\t0\r\n").encode(encoding))
    reading = open_export(path)
    assert rows_of(reading) == [("Gespräche/B1", "anna", "code", "Miete", "niedrig", "")]
    assert reading.title == "MAXQDA, coded segments"


def test_columns_that_are_not_clear_are_asked_about_and_may_be_said(tmp_path: Path) -> None:
    """Two columns of one heading, a coder's column that nobody could know; without it the coder is asked for."""
    twice = "Document name;Code;Code;Segment;Created by;Comment\nB1;rent;noise;low;anna;\n"
    with pytest.raises(TableError, match=r"2 columns could be the code.*columns: \{code: HEADING\}"):
        read_csv(tmp_path, twice)
    other = "Document name;Code;Segment;Comment;Weight;Who?\nB1;rent;low;;;anna\n"
    assert read_csv(tmp_path, other, columns={"coder": "Who?"}).rows[0].coder == "anna"
    with pytest.raises(TableError, match="coder_name"):
        read_csv(tmp_path, other).require_answers()
    with pytest.raises(TableError, match="did you mean 'Who\\?'"):
        read_csv(tmp_path, other, columns={"coder": "Who"})


def test_a_column_for_each_code_beside_the_rows_is_told_and_not_read_twice(tmp_path: Path) -> None:
    text = MAXQDA.strip() + ";Code: rent;Code: noise\nA;B1;rent;low;0;anna;;;1;0\n"
    reading = read_csv(tmp_path, text)
    assert len(reading.rows) == 1
    assert any(note.startswith("Not read: 2 columns of single codes") for note in reading.notes)


ATLAS = "ID;Document;Quotation Content;Comment;Codes;Density;Created by\n"


def test_codes_of_a_quotation_are_parted_at_semicolons_only_where_their_number_says_so(tmp_path: Path) -> None:
    text = ATLAS + '1:1;B1;low;;a;1;anna\n1:2;B1;low;;"a; b";2;anna\n1:3;B1;low;;"c; d";1;anna\n1:4;B1;low;;;0;anna\n'
    reading = read_csv(tmp_path, text)
    assert [(row.label, row.status) for row in reading.rows] == [
        ('["a"]', "coded"),
        ('["a","b"]', "coded"),
        ('["c; d"]', "coded"),
        ("[]", "uncoded"),
    ]


def test_a_comparison_of_coders_by_percentages_holds_no_codings(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"\.qdpx"):
        read_csv(tmp_path, "Code;File;Kappa;Agreement (%);Disagreement (%)\nrent;B1;0.5;90;10\n")


def test_segments_yield_no_agreement_until_it_is_said_who_saw_what(tmp_path: Path) -> None:
    text = MAXQDA + "A;B1;rent;low;0;anna;;\nA;B2;rent;high;0;ben;;\n"
    with pytest.raises(TableError, match="a missing code is not an answer"):
        read_csv(tmp_path, text).require_answers()
    read_csv(tmp_path, text, coded_by={"anna": ["A/B1", "A/B2"], "ben": ["A/B2"]}).require_answers()


SEGMENTS = {"anna": [("1", "a"), ("1", "b"), ("2", "a")], "ben": [("1", "a"), ("3", "b")]}
CODES = {"name": "code", "question": "Which?", "kind": "multi", "level": "nominal", "categories": ["a", "b"]}


@pytest.mark.parametrize("files", [1, 2])
def test_codings_of_segments_are_refused_until_it_is_said_and_then_have_the_alpha_of_the_table(
    files: int, tmp_path: Path
) -> None:
    """Four texts, all seen by both: what has no code is the empty set; be it one file or one a coder."""
    rows = {who: "".join(f"A;{unit};{code};x;0;{who};;\n" for unit, code in some) for who, some in SEGMENTS.items()}
    texts = [MAXQDA + "".join(rows.values())] if files == 1 else [MAXQDA + each for each in rows.values()]
    for number, text in enumerate(texts):
        (tmp_path / f"{number}.csv").write_text(text, encoding="utf-8")
    book = Codebook.model_validate({"name": "b", "unit": "a text", "variables": [CODES]})
    stated = {"coded_by": {who: [f"A/{n}" for n in "1234"] for who in SEGMENTS}, "join": True}

    def entries(**more: object) -> Path:
        path = tmp_path / "coders.yaml"
        each = [{"file": f"{number}.csv", "format": "qda_table", **more} for number in range(len(texts))]
        path.write_text(yaml.safe_dump({"coders": each}), encoding="utf-8")
        return path

    with pytest.raises(TableError, match="a missing code is not an answer"):
        read_coders(entries(join=True), book)
    if files == 2:
        stated["coded_by"] = "units.csv"
        asked = "".join(f"A/{n},{who}\n" for n in "1234" for who in SEGMENTS)
        (tmp_path / "units.csv").write_text("unit_id,coder\n" + asked, encoding="utf-8")
    codings = read_coders(entries(**stated), book)
    sets = codings.frame.pivot(index="unit_id", columns="coder", values="label")
    assert sets.loc["A/1"].tolist() == ['["a","b"]', '["a"]']
    assert sets.loc["A/4"].tolist() == ["[]", "[]"]
    frame = reliability(codings, resample=Bootstrap(0)).frame.query("coefficient == 'alpha'").set_index("label")
    for code in "ab":
        table = [[int(f'"{code}"' in cell) for cell in sets[who]] for who in SEGMENTS]
        right = krippendorff.alpha(table, level_of_measurement="nominal")
        assert frame.loc[code, "value"] == pytest.approx(right, abs=1e-12)


MATRICES = [
    "Code System;B1;B2;B3;SUM\n rent;2;0;0;2\nnoise;1;1;;2\nSUM;3;1;0;4\n",
    "Document name;rent;noise\nB1;2;1\nB2;0;1\nB3;0;0\n",
    '"Codes";"B1\nGr=3";"B2\nGr=1";"B3\nGr=0"\n"○ rent\nGr=2";2;0;0\n"○ noise\nGr=2";1;1;0\n',
]


@pytest.mark.parametrize("text", MATRICES)
def test_a_matrix_gives_each_document_the_set_of_its_codes_and_no_coder(text: str, tmp_path: Path) -> None:
    """A 0 says that nobody gave the code, and not that somebody saw the document."""
    reading = read_csv(tmp_path, text, coder_name="anna")
    assert [(row.unit, row.coder, row.label, row.status, row.note[:15]) for row in reading.rows] == [
        ("B1", "anna", '["noise","rent"]', "coded", "rent 2, noise 1"),
        ("B2", "anna", '["noise"]', "coded", "noise 1"),
        ("B3", "anna", "", "not_seen", "no code: the fi"),
    ]
    with pytest.raises(TableError, match="coder_name"):
        read_csv(tmp_path, text).require_answers()


def test_a_matrix_with_words_in_it_or_of_unknown_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="'many' is not a number"):
        read_csv(tmp_path, "Code;B1;B2\nrent;many;1\n", format="code_matrix")
    with pytest.raises(TableError, match=r"columns: \{code: 'Thing'\}"):
        read_csv(tmp_path, "Thing;B1;B2\nrent;1;1\n", format="code_matrix")


# -- QualCoder -----------------------------------------------------------------------------------------------------

TABLES = """
CREATE TABLE source (id integer primary key, name text, fulltext text, mediapath text, memo text, owner text);
CREATE TABLE code_name (cid integer primary key, name text, memo text, catid integer, owner text, color text);
CREATE TABLE code_text (ctid integer primary key, cid integer, fid integer, seltext text, pos0 integer, pos1 integer,
    owner text, date text, memo text, avid integer, important integer);
CREATE TABLE annotation (anid integer primary key, fid integer, pos0 integer, pos1 integer, memo text, owner text);
INSERT INTO source (id, name, fulltext) VALUES (1, 'one.txt', 'We like 😊 the tram.'), (2, 'two.txt', 'Noise?');
INSERT INTO code_name (cid, name) VALUES (1, 'tram'), (2, 'noise');
INSERT INTO annotation (fid, memo) VALUES (1, 'a note');
"""


def make_project(folder: Path, *coded: tuple[object, ...]) -> Path:
    (folder / "street.qda").mkdir()
    with closing(sqlite3.connect(folder / "street.qda" / "data.qda")) as database:
        database.executescript(TABLES)
        sql = "INSERT INTO code_text (cid, fid, seltext, pos0, pos1, owner, memo, date) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        database.executemany(sql, coded)
        database.commit()
    return folder / "street.qda"


def test_passages_of_a_project_stand_behind_an_emoji_where_they_are(tmp_path: Path) -> None:
    """Notes are no codes; what was never coded is seen by nobody that the file could name."""
    folder = make_project(tmp_path, (1, 1, "the tram", 10, 18, "anna", "ironic?", ""), (2, 9, "x", 0, 1, "ben", "", ""))
    reading = open_export(folder)
    assert [(row.unit, row.coder, row.label, row.start, row.end, row.quote, row.status) for row in reading.rows] == [
        ("one.txt", "anna", "tram", 10, 18, "the tram", "coded"),
        ("two.txt", "(unknown)", "", None, None, "", "not_seen"),
    ]
    assert reading.account.aside == {
        "an annotation (a note, not a code)": 1,
        "a passage without its text or code": 1,
    }


def test_a_project_is_only_read(tmp_path: Path) -> None:
    folder = make_project(tmp_path, (1, 1, "the tram", 10, 18, "anna", "", ""))
    before = (folder / "data.qda").read_bytes()
    open_export(folder)
    assert (folder / "data.qda").read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["data.qda"]


def test_what_is_no_database_or_another_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "data.qda"
    for content in (b"no database", b"SQLite format 3\0" + b"\xff" * 100):
        path.write_bytes(content)
        with pytest.raises(CodebookError, match=r"data\.qda"):
            open_export(path, format="qualcoder")
        with pytest.raises(TableError, match="not come from a known tool"):
            open_export(path)
