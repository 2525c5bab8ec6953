"""Transcripts: error rates against known texts, and files out of the tidy table."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebook.analysis import Bootstrap, character_error_rate, transcript_accuracy, word_recall
from codebook.analysis.core.result import Result
from codebook.codings import Transcript, join_transcripts, make_table, read_error_rates, read_texts
from codebook.errors import ParameterError, StatisticError, TableError, UnitsError
from codebook.records import Unit, UnitFile
from codebook.report import show_page
from codebook.units import read_documents

SCANS = Path(__file__).parents[3] / "data" / "scanned_pages"


def edits_by_the_book(given_text: str, known: str) -> int:
    """Levenshtein's distance by the recurrence of Wagner and Fischer (1974)."""
    row = list(range(len(known) + 1))
    for one, left in enumerate(given_text, start=1):
        before, row = row, [one]
        for two, right in enumerate(known, start=1):
            row.append(min(before[two] + 1, row[-1] + 1, before[two - 1] + (left != right)))
    return row[-1]


@given(st.text("abc é\n", max_size=12), st.text("abc é\n", min_size=1, max_size=12))
def test_the_error_rate_is_the_edit_distance_of_the_folded_texts(one: str, two: str) -> None:
    given_text, known = " ".join(one.split()), " ".join(two.split())
    rate = character_error_rate(one, two)
    if known:
        assert rate == edits_by_the_book(given_text, known) / len(known)
    else:
        assert math.isnan(rate) == bool(given_text)


def test_white_space_and_composed_letters_do_not_count() -> None:
    assert character_error_rate("Cafe\u0301\n\n au  lait", "Café au lait") == 0
    assert character_error_rate("", "") == 0
    assert character_error_rate("aaaa", "b") == 4
    assert word_recall("lait au Café", "Café au lait") == 1
    assert math.isnan(word_recall("", " "))


def test_accuracy_pools_edits_and_says_what_is_not_there() -> None:
    truth = {"one": "abcd efgh", "two": "x" * 20, "three": "not transcribed"}
    read = {"one": "abcd efgX", "two": "x" * 20, "extra": "?"}
    frame = transcript_accuracy(read, truth, resample=Bootstrap(200)).frame
    assert list(frame["document"]) == ["one", "two", "three", "all documents"]
    assert frame["cer"].round(4).tolist()[:2] == [round(1 / 9, 4), 0]
    assert np.isnan(frame["cer"][2])
    assert frame["why"].tolist() == ["", "", "no transcript", ""]
    last = frame.iloc[-1]
    assert (last["cer"], last["word_recall"]) == (1 / 29, 2 / 3)
    assert last["cer_low"] <= last["cer"] <= last["cer_high"] <= 1 / 9
    assert frame["cer_low"][:3].isna().all(), "one document is no sample"
    again = transcript_accuracy(read, truth, resample=Bootstrap(200))
    pd.testing.assert_frame_equal(frame, again.frame)
    assert again.finding.startswith("Of 2 documents of 29 characters the character error rate is .034 [")


def test_one_document_has_no_interval_and_none_is_refused() -> None:
    result = transcript_accuracy({"one": "a"}, {"one": "a"})
    frame = result.frame
    assert "intervals" not in result.note
    assert frame[["cer_low", "recall_high"]].isna().all(axis=None)
    alike = transcript_accuracy({"one": "a", "two": "b"}, {"one": "a", "two": "b"}).frame.iloc[-1]
    assert (alike["cer"], alike["why"]) == (0, "no interval: the documents do not differ")
    assert np.isnan(alike["cer_high"])
    with pytest.raises(StatisticError, match="name both alike"):
        transcript_accuracy({"two": "a"}, {"one": "a"})


def test_the_figure_shows_each_document_beside_the_other_program() -> None:
    truth = {"one": "aa", "two": "b", "three": "c"}
    floors = {"one": 0.75, "two": 0.25}
    result = transcript_accuracy({"one": "ab", "two": "b"}, truth, floors=floors, other="Tesseract")
    axes = result.plot().axes[0]
    assert "Diamonds: Tesseract." in result.note
    assert [text.get_text() for text in axes.texts] == [".500", "0", "undefined", ".333"]
    other, own = axes.lines
    assert own.get_xdata()[:2].tolist() == [0.5, 0.0]
    assert other.get_xdata()[:2].tolist() == [0.75, 0.25]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["Tesseract", "transcripts"]


def row(unit_id: str, numbers: range | None, why: str | None = None, **more: str) -> dict[str, object]:
    pages = [{"page": n, "text": f"{unit_id} {n}", "unsure": ["w"] * (n % 2)} for n in numbers or ()]
    label = None if numbers is None else orjson.dumps({"pages": pages}).decode()
    return {"unit_id": unit_id, "coder": "m", "variable": "transcript", "label": label, "why": why} | more


def test_parts_are_joined_in_the_order_of_their_pages(tmp_path: Path) -> None:
    table = make_table([row("a.p003-004", range(3, 5)), row("b", range(1, 2)), row("a.p001-002", range(1, 3))])
    found = join_transcripts(table)
    assert list(found) == ["a", "b"]
    assert [page.page for page in found["a"].pages] == [1, 2, 3, 4]
    result = found.write(tmp_path / "out", text=True)
    files = result.frame
    assert files[["document", "n_pages", "n_unsure"]].to_numpy().tolist() == [["a", 4, 2], ["b", 1, 1]]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "a.json",
        "a.txt",
        "b.json",
        "b.txt",
        "transcript.schema.json",
    ]
    assert Transcript.model_validate_json((tmp_path / "out" / "a.json").read_bytes()) == found["a"]
    assert result.finding == "2 documents, 5 pages; no page is missing."
    assert read_texts(tmp_path / "out")["b"] == "b 1\n"


def test_files_keep_their_schema(tmp_path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    join_transcripts(make_table([row("a", range(1, 4))])).write(tmp_path)
    schema = json.loads((tmp_path / "transcript.schema.json").read_text())
    value = json.loads((tmp_path / "a.json").read_text())
    jsonschema.validate(value, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(value | {"pages": [{"page": 0, "text": ""}]}, schema)


def test_a_part_without_pages_is_told_and_nothing_is_made_up(tmp_path: Path) -> None:
    table = make_table([row("a.p001-002", range(1, 3)), row("a.p003-004", None, "expired"), row("b", None, "refused")])
    files = join_transcripts(table).write(tmp_path).frame
    assert files["missing"].tolist() == ["a.p003-004: expired", "b: refused"]
    assert files["file"].tolist()[1] == ""
    found = Transcript.model_validate_json((tmp_path / "a.json").read_bytes())
    assert [(part.first, part.last, part.why) for part in found.missing] == [(3, 4, "expired")]
    assert not (tmp_path / "b.json").exists()


def test_pages_that_were_not_sent_are_not_taken() -> None:
    unit = Unit("a", "", files=(UnitFile("a.pdf", "pdf", "", {"first": 1, "last": 3, "as": "file"}),))
    found = join_transcripts(make_table([row("a", range(1, 3))]), units=[unit])["a"]
    assert found.pages == []
    assert found.missing[0].why == "invalid"
    assert found.missing[0].detail == "pages 1 to 3 were sent, but 2 pages from 1 on came back"
    assert len(join_transcripts(make_table([row("a", range(1, 4))]), units=[unit])["a"].pages) == 3


def test_an_image_that_was_damaged_and_not_sent_is_missing_in_the_transcript() -> None:
    files = (UnitFile("1.jpg", "image"), UnitFile("3.jpg", "image"))
    unit = Unit("a", "", files=files, loss="sent without 1 of its 3 images: 2.jpg: it is damaged")
    found = join_transcripts(make_table([row("a", range(1, 3))]), units=[unit])["a"]
    assert len(found.pages) == 2
    assert [(part.why, part.detail) for part in found.missing] == [("absent", unit.loss)]


def test_one_coder_and_one_variable_at_a_time() -> None:
    table = make_table(
        [row("a", range(1, 2)), row("a", range(1, 2), coder="n"), row("a", None, "failed", variable="x")]
    )
    with pytest.raises(TableError, match="pass `variable`"):
        join_transcripts(table)
    with pytest.raises(TableError, match="pass `coder`"):
        join_transcripts(table, variable="transcript")
    assert join_transcripts(table, variable="transcript", coder="n")["a"].coder == "n"
    labels = make_table([{"unit_id": "a", "coder": "m", "variable": "topic", "label": "sport"}])
    with pytest.raises(TableError, match="name the variable of the transcriptions"):
        join_transcripts(labels)


def test_names_are_made_fit_for_files_and_never_meet(tmp_path: Path) -> None:
    join_transcripts(make_table([row("box 1/letter: 7", range(1, 2))])).write(tmp_path)
    assert (tmp_path / "box 1_letter_ 7.json").is_file()
    with pytest.raises(TableError, match="the same name"):
        join_transcripts(make_table([row("a/b", range(1, 2)), row("A_b", range(1, 2))])).write(tmp_path)


def test_r13_a_long_id_becomes_a_name_that_a_disk_takes(tmp_path: Path) -> None:
    long = "Protokoll der Sitzung über " + "Kohle " * 60
    rows = [row(f"{long}{end}", range(1, 2)) for end in ("a", "b")]
    files = join_transcripts(make_table(rows)).write(tmp_path, text=True).frame["file"]
    assert files.nunique() == 2
    assert all(len(Path(file).name.encode()) < 170 and Path(file).is_file() for file in files)
    with pytest.raises(ParameterError, match="100 at most"):
        Result(pd.DataFrame({"n": [1]}), "x" * 101, "A").save(run="one")


def test_r09_known_texts_that_are_not_utf8_are_refused_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("é\nü ö ä\n".encode() + b"\xff\n")
    with pytest.raises(UnitsError, match=r"a\.txt, line 3: the byte 0xFF"):
        read_texts(tmp_path)
    (tmp_path / "a.txt").write_bytes("Grüße aus Köln".encode("latin-1"))
    with pytest.raises(UnitsError, match="save it with encoding UTF-8"):
        read_texts(tmp_path)
    (tmp_path / "a.txt").write_bytes("Grüße\r\naus Köln".encode("utf-16"))
    assert read_texts(tmp_path) == {"a": "Grüße\naus Köln"}


def test_pages_that_do_not_run_on_and_texts_that_are_none_are_no_transcript(tmp_path: Path) -> None:
    for pages, message in (
        ([{"page": 1, "text": 7}], r"pages.0.text"),
        ([{"page": 1, "text": ""}, {"page": 3, "text": ""}], "page numbers are missing"),
        ([{"page": 2, "text": ""}, {"page": 1, "text": ""}], "not in order"),
    ):
        label = json.dumps({"pages": pages})
        table = make_table([{"unit_id": "a", "coder": "m", "variable": "transcript", "label": label}])
        with pytest.raises(TableError, match=message):
            join_transcripts(table)
    with pytest.raises(TableError, match="correct the folder or the pattern"):
        read_texts(tmp_path)
    assert read_texts(tmp_path, needed=False) == {}


def test_error_rates_of_another_program_are_read_by_document(tmp_path: Path) -> None:
    assert read_error_rates("") == {}
    assert read_error_rates(SCANS / "index.json")["address_1790_digital"] >= 0
    (tmp_path / "rates.json").write_text('[{"file": "a.pdf"}]')
    with pytest.raises(TableError, match="give a JSON list of `file` and `tesseract_cer`"):
        read_error_rates(tmp_path / "rates.json")


def test_a_page_is_shown_beside_its_text() -> None:
    page = {"page": 2, "text": "<b>bold</b> & doubt ful", "unsure": ["ful"]}
    transcript = Transcript.model_validate({"document": "address_1790_digital", "coder": "m", "pages": [page]})
    shown = show_page(read_documents(SCANS), transcript, 2)
    html = shown._repr_html_()
    assert "&lt;b&gt;bold&lt;/b&gt; &amp; doubt <mark>ful</mark>" in html
    assert 'src="data:image/jpeg;base64,' in html
    assert "1 doubtful word" in repr(shown)
    with pytest.raises(ParameterError, match="choose one of its pages: 2"):
        show_page(SCANS / "address_1790_digital.pdf", transcript, 1)
    with pytest.raises(ParameterError, match="none is named 'address_1790_digital'"):
        show_page(read_documents(SCANS, where="table*"), transcript, 2)
