"""What may be answered, kind by kind: kept as it was meant, refused in words, and read back as it was said."""

import base64
import random

import pytest
from pdf_files import write_pdf

from codebook.coding import assign, open_session, read_logs, write_assignment
from codebook.codings import check_table, open_records
from codebook.errors import ParameterError
from codebook.records import Unit, UnitFile
from codebook.scheme import parse_codebook

FRAMES = """
name: posts
unit: a post
variables:
  - {name: frames, question: "Which frames?", kind: multi, level: nominal, categories: [cost, harm],
     abstain: [unclear], evidence: true, confidence: true}
"""
SPANS = """
name: names
unit: a headline
variables:
  - name: people
    question: Whom does it name?
    kind: records
    fields: [{name: words, kind: quote}, {name: role, kind: choice, categories: [speaker, other]}]
"""
PAGES = """
name: letters
unit: a letter
variables: [{name: transcript, kind: transcription}]
"""
TYPED = """
name: speeches
unit: a speech
variables:
  - {name: heat, question: How heated, kind: number, level: interval, minimum: 0, maximum: 10, decimals: 1,
     abstain: [unclear]}
  - {name: claim, question: What is claimed, kind: text}
"""
STRANGE = "👩‍👩‍👧 é عمر قال e\u0301 🇩🇪 نعم Ann \u202eabc\u202c 𝒜nn "


@pytest.fixture
def begin(tmp_path, monkeypatch):
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path))

    def begin(book, units):
        write_assignment(assign(units, ["ann"]), parse_codebook(book), units)
        return open_session("ann")

    return begin


def test_a_set_an_empty_set_an_abstention_and_a_skip_are_four_things(begin):
    with begin(FRAMES, [Unit(f"u{n}", "text") for n in range(5)]) as session:
        session.label(["harm", "cost"], evidence={"quote": "text", "start": 0, "end": 4}, confidence=0.8)
        session.label([])
        session.label(["unclear"])
        session.skip("a table")
    frame = check_table(read_logs().frame)
    assert frame["label"].fillna("-").tolist() == ['["cost","harm"]', "[]", '["unclear"]', "-"]
    assert frame["why"].fillna("-").tolist() == ["-", "-", "-", "skipped"]
    assert (frame["evidence"][0], frame["confidence"][0]) == ("text", 0.8)


@pytest.mark.parametrize(
    ("label", "problem"),
    [("harm", "is not a list of codes"), (["Harm"], "'Harm' is not in the codebook"), (7, "is not a list of codes")],
)
def test_what_is_no_answer_is_refused_in_words_and_nothing_is_written(begin, label, problem):
    with begin(FRAMES, [Unit("u1", "text")]) as session:
        n = len(session.log.acts)
        with pytest.raises(ParameterError, match=problem):
            session.label(label)
        message = {"seq": 1, "token": session.token, "shown_ms": 300, "act": "label", "label": label}
        assert session.act(message)["message"]["kind"] == "refused"
        assert len(session.log.acts) == n


def test_a_hundred_spans_over_any_script_come_back_at_the_same_places(begin):
    chance, text = random.Random(1), STRANGE * 4
    places = sorted({tuple(sorted(chance.sample(range(len(text)), 2))) for _ in range(110)})[:100]
    records = [
        {"words": {"quote": text[start:end], "start": start, "end": end}, "role": "other"} for start, end in places
    ]
    with begin(SPANS, [Unit("u1", text)]) as session:
        session.label(records)
    codings = read_logs()
    frame = open_records(codings, parse_codebook(SPANS), "people", units=[Unit("u1", text)]).frame
    assert list(zip(frame["start"], frame["end"], strict=True)) == places
    assert set(frame["how"]) == {"exact"}
    assert frame["words"].tolist() == [text[start:end] for start, end in places]


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ({"words": {"quote": "Ann", "start": 1, "end": 4}, "role": "other"}, "the text from 1 to 4 is 'nn '"),
        ({"words": {"quote": "Ann", "start": 0}, "role": "other"}, "is not a text"),
        ({"words": "Ann", "role": "judge"}, "'judge' is not in the codebook"),
        ({"words": "Ann"}, "does not have the fields"),
    ],
)
def test_a_record_that_is_none_is_refused_in_words(begin, record, problem):
    with begin(SPANS, [Unit("u1", "Ann said")]) as session, pytest.raises(ParameterError, match=problem):
        session.label([record])


def test_a_unit_without_a_record_is_coded(begin):
    with begin(SPANS, [Unit("u1", "Rain")]) as session:
        session.label([])
        assert session.progress()["done"] == 1
    assert read_logs().frame["label"].tolist() == ['{"people":[]}']


def test_a_transcription_is_taken_page_by_page(begin):
    with begin(PAGES, [Unit("u1", "")]) as session:
        with pytest.raises(ParameterError, match="page 3 follows page 1"):
            session.label({"pages": [{"page": n, "text": "", "unsure": []} for n in (1, 3)]})
        session.label({"pages": [{"page": 1, "text": "Dear Sir", "unsure": ["Sir"]}]})
    assert check_table(read_logs().frame, parse_codebook(PAGES))["label"].notna().all()


def test_numbers_and_texts_are_kept_as_they_are_spelled_in_the_table(begin):
    with begin(TYPED, [Unit(f"u{n}", "text") for n in range(3)]) as session:
        for heat, claim in ((3.20, "Coal is over."), ("10.0", "  two\nlines "), ("unclear", "none")):
            session.label(heat, "heat")
            session.label(claim, "claim")
    frame = check_table(read_logs().frame, parse_codebook(TYPED))
    labels = {name: part["label"].tolist() for name, part in frame.groupby("variable")}
    assert labels == {"heat": ["3.2", "10", "unclear"], "claim": ["Coal is over.", "  two\nlines ", "none"]}


@pytest.mark.parametrize(
    ("variable", "label", "problem"),
    [
        ("heat", "3,2", "write a point, not a comma"),
        ("heat", 10.5, "10.5 is more than 10"),
        ("heat", "unsure", "'unsure' is no number"),
        ("heat", 3.25, "more than 1 decimal"),
        ("claim", " ", "is not a text"),
        ("claim", 7, "is not a text"),
    ],
)
def test_a_number_out_of_its_bounds_is_not_taken_from_a_coder(begin, variable, label, problem):
    with begin(TYPED, [Unit("u1", "text")]) as session, pytest.raises(ParameterError, match=problem):
        session.label(label, variable)


def test_numbers_outside_the_bounds_of_a_later_codebook_are_invalid(begin, tmp_path):
    with begin(TYPED, [Unit("u1", "text")]) as session:
        session.label("9", "heat")
        session.label("a", "claim")
    narrow = parse_codebook(TYPED.replace("maximum: 10", "maximum: 5"))
    frame = read_logs(codebook=narrow).frame
    assert frame.loc[frame["variable"] == "heat", ["why", "detail"]].to_numpy().tolist() == [["invalid", "9"]]


def test_images_are_shown_with_their_bytes_and_what_is_gone_is_said(begin, tmp_path):
    pillow = pytest.importorskip("PIL.Image", reason="images need pillow")
    pillow.new("RGB", (4, 3), "red").save(tmp_path / "red.png")
    units = [Unit("u1", "", {}, (UnitFile("red.png", "image"),)), Unit("u2", "", {}, (UnitFile("gone.png", "image"),))]
    with begin(FRAMES, units) as session:
        session.go("u1")
        [block] = session.view()["unit"]["blocks"]
        assert (block["type"], block["alt"]) == ("image", "image")
        kind, data = block["source"].split(",")
        assert kind.startswith("data:image/")
        assert base64.b64decode(data)
        session.go("u2")
        [fault] = session.view()["unit"]["blocks"]
        assert fault["fault"]
        assert "gone.png" in fault["text"]


def test_pages_of_a_pdf_are_shown_with_their_numbers(begin, tmp_path):
    pytest.importorskip("pypdfium2", reason="PDFs need pypdfium2")
    (tmp_path / "letter.pdf").write_bytes(write_pdf([["one"], ["two"], ["three"]]))
    file = UnitFile("letter.pdf", "pdf", ask={"first": 2, "last": 3})
    with begin(PAGES, [Unit("u1", "", {}, (file,))]) as session:
        blocks = session.view()["unit"]["blocks"]
    assert [(block["type"], block["number"]) for block in blocks] == [("page", 2), ("page", 3)]
