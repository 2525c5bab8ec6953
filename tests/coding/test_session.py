"""One coder's session: what is shown, what is refused, what is on disk."""

import json

import pytest

import codebook as cb
from codebook.coding import Design, assign, open_session, read_assignment, write_assignment
from codebook.errors import BusyError, ParameterError
from codebook.records import Unit
from codebook.scheme import parse_codebook

BOOK = parse_codebook("""
name: posts
unit: a post
variables:
  - {name: topic, question: "Which topic?", kind: single, level: nominal, categories: [coal, sports],
     abstain: [unclear]}
""")
TWO = parse_codebook("""
name: posts
unit: a post
variables:
  - {name: topic, question: "Which topic?", kind: single, level: nominal, categories: [coal, sports]}
  - {name: frames, question: "Which frames?", kind: multi, level: nominal, categories: [cost, harm]}
""")
UNITS = [Unit(f"u{n}", f"text {n}") for n in range(1, 7)]


def begin(folder, book=BOOK, coders=("ann", "ben"), design=None, units=UNITS):
    write_assignment(assign(units, list(coders), design), book, units, study="trial")
    return folder


def lines(folder, coder="ann"):
    return [json.loads(line) for line in (folder / "logs" / f"{coder}.jsonl").read_text().splitlines()]


def press(session, label, ms=500, **more):
    token = session.token
    return session.act({"seq": 1, "token": token, "shown_ms": ms, "act": "label", "label": label, **more})


def test_a_label_is_on_disk_before_the_next_unit_is_shown(folder):
    with cb.coding.open_session("ann", begin(folder)) as session:
        first = session.view()
        then = press(session, "sports", seq=7)
        label = lines(folder)[-1]
    assert first["unit"]["id"] != then["unit"]["id"]
    assert (then["ack"], then["message"], then["progress"]["done"]) == (7, None, 1)
    assert (label["unit"], label["label"], label["ms"], label["n"]) == (first["unit"]["id"], "sports", 500, 2)
    assert label["codebook"] == BOOK.variable_digest("topic")


def test_a_key_for_a_unit_that_is_not_shown_or_just_appeared_is_refused_in_words(folder):
    with open_session("ann", begin(folder)) as session:
        old = session.token
        press(session, "sports")
        late = session.act({"seq": 2, "token": old, "shown_ms": 600, "act": "label", "label": "coal"})
        early = press(session, "coal", ms=149)
        assert [view["message"]["kind"] for view in (late, early)] == ["refused", "refused"]
        assert "another unit" in late["message"]["text"]
        assert early["refused"] == 2
        assert len(lines(folder)) == 2


def test_a_message_that_comes_twice_is_written_once_also_after_a_restart(folder):
    begin(folder)
    message = {"seq": 4, "client": "tab", "shown_ms": 400, "act": "label", "label": "coal"}
    with open_session("ann") as session:
        message["token"] = session.token
        session.act(message)
        assert session.act(message)["message"] is None
    with open_session("ann") as session:
        again = session.act(message)
    assert (again["ack"], again["message"], again["progress"]["done"]) == (4, None, 1)


def test_a_session_goes_on_where_it_was_left_in_the_same_order(folder):
    begin(folder)
    with open_session("ann") as session:
        session.label("coal")
        session.skip("a table")
        shown = session.unit.unit_id
    with open_session("ann") as session:
        assert session.unit.unit_id == shown
        assert session.progress()["skipped"] == 1


def test_sets_and_codes_are_asked_for_one_unit_before_the_next(folder):
    with open_session("ann", begin(folder, TWO)) as session:
        unit = session.unit.unit_id
        session.label("coal")
        assert session.unit.unit_id == unit
        session.label(["harm", "cost"], "frames")
        assert session.unit.unit_id != unit
        session.go("back")
        assert session.answers == {"topic": "coal", "frames": ["cost", "harm"]}


def test_undo_and_redo_have_no_end_and_show_the_unit_again(folder):
    begin(folder)
    with open_session("ann") as session:
        first = session.unit.unit_id
        for label in ("coal", "sports", "unclear"):
            session.label(label)
    with open_session("ann") as session:
        for _ in range(3):
            session.undo()
        assert (session.unit.unit_id, session.answers) == (first, {})
        session.redo()
        assert session.answers == {"topic": "coal"}
        with pytest.raises(ParameterError, match=r"outside|not in the codebook"):
            session.label("Coal")
    assert [act["act"] for act in lines(folder)].count("undo") == 3


def test_a_second_session_of_one_coder_is_read_only_and_says_so(folder):
    with open_session("ann", begin(folder)) as session:
        second = open_session("ann")
        view = press(second, "coal")
        assert view["read_only"]
        assert "read only" in view["message"]["text"]
        with pytest.raises(BusyError, match="read only"):
            second.label("coal")
        session.label("coal")
    assert [act["label"] for act in lines(folder) if act["act"] == "label"] == ["coal"]


def test_units_are_read_one_by_one(folder):
    units = [Unit(f"u{n}", "text " * 50) for n in range(10_000)]
    with open_session("ann", begin(folder, coders=["ann"], units=units)) as session:
        assert session.view()["progress"]["total"] == 10_000
        for _ in range(10):
            press(session, "coal")
        assert session.plan.units.n_read < 50


def test_a_unit_that_is_left_is_gone_through_in_a_script(folder):
    with open_session("ann", begin(folder)) as session:
        for unit in session:
            session.label("coal" if unit.unit_id < "u4" else "sports")
    assert {act["unit"]: act["label"] for act in lines(folder) if act["act"] == "label"} == {
        unit.unit_id: "coal" if unit.unit_id < "u4" else "sports" for unit in UNITS
    }


def test_a_unit_that_comes_again_is_a_showing_of_its_own(folder):
    begin(folder, design=Design(repeat=0.5))
    rows = read_assignment().of("ann")
    assert [row.draw for row in rows] == [0] * 6 + [1] * 3
    with open_session("ann") as session:
        for _ in range(9):
            session.label("coal")
        assert session.view()["unit"] is None
