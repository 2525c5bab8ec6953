"""Adjudication in the form of the coders: who is shown what, what stays closed, what the decisions become."""

import json
import time

import pandas as pd
import pytest

import codebook as cb
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.examples import make_table
from codebook.coding import assign, open_adjudication, open_session, read_decisions, write_assignment
from codebook.coding.deciding.sides import differ
from codebook.coding.serving.form_server import serve_coders
from codebook.errors import ParameterError
from codebook.records import Unit
from codebook.scheme import parse_codebook

BOOK = parse_codebook("""
name: posts
unit: a post
variables:
  - {name: topic, question: "Which topic?", kind: single, level: nominal, categories: [coal, sports, trade]}
""")
TWO = parse_codebook("""
name: posts
unit: a post
variables:
  - {name: topic, question: "Which topic?", kind: single, level: nominal, categories: [coal, sports, trade]}
  - {name: frames, question: "Which frames?", kind: multi, level: nominal, categories: [cost, harm]}
""")
UNITS = [Unit(f"u{n}", f"text {n}") for n in range(1, 7)]
ANN = {"u1": "coal", "u2": "coal", "u3": "sports", "u4": "sports", "u5": "coal", "u6": "trade"}
BEN = {**ANN, "u2": "sports", "u4": "trade", "u6": "coal"}


def begin(folder, book=BOOK, coders=("ann", "ben"), units=UNITS):
    write_assignment(assign(units, list(coders)), book, units)
    return folder


def code(coder, labels, variable=""):
    with open_session(coder) as session:
        for unit in session:
            if unit.unit_id in labels:
                session.label(labels[unit.unit_id], variable)


@pytest.fixture
def disputed(folder):
    begin(folder)
    code("ann", ANN)
    code("ben", BEN)
    return folder


def test_exactly_the_disagreements_are_shown_in_an_order_of_a_seed(disputed):
    with open_adjudication("cy") as session:
        units = [unit.unit_id for unit in session]
    assert sorted(units) == ["u2", "u4", "u6"]
    with open_adjudication("cy", seed=1) as again:
        assert [unit.unit_id for unit in again] == units
    with pytest.raises(ParameterError, match=r"it is 1 in .*but 7 here"):
        open_adjudication("cy", seed=7)


def test_sides_are_shuffled_bear_no_name_and_show_both_notes(disputed):
    for coder in ("ann", "ben"):
        with open_session(coder) as session:
            session.go("u2")
            session.note(f"a note of one, {len(coder)}", "topic")
            session.note("on the unit")
    seen = set()
    for seed in range(8):
        (disputed / "adjudication.json").unlink(missing_ok=True)
        with open_adjudication("cy", seed=seed) as session:
            session.go("u2")
            view = session.view()
        sides = view["adjudication"]["sides"]
        assert sorted(side["label"] for side in sides) == ["coal", "sports"]
        assert {side["note"] for side in sides} == {"a note of one, 3 on the unit"}
        assert not {"ann", "ben"} & set(json.dumps(view["adjudication"]).replace('"', " ").split())
        assert view["answers"] == {}
        seen.add(tuple(side["label"] for side in sides))
    assert len(seen) == 2


def test_a_unit_waits_until_all_its_coders_have_labelled_it(folder):
    begin(folder)
    code("ann", ANN)
    code("ben", {"u2": "sports"})
    with open_adjudication("cy") as session:
        assert [unit.unit_id for unit in session] == ["u2"]
        assert repr(session) == "0 of 1 unit decided of 'topic'; 5 wait for coders."


def test_a_third_label_with_a_reason_is_a_decision_and_the_labels_of_the_coders_stay(disputed):
    before = {path.name: path.read_bytes() for path in (disputed / "logs").glob("*.jsonl")}
    with open_adjudication("cy") as session:
        for unit in session:
            session.decide("trade" if unit.unit_id == "u2" else BEN[unit.unit_id], reason="by the definition")
        assert session.view()["unit"] is None
    assert {name: (disputed / "logs" / name).read_bytes() for name in before} == before
    decisions = read_decisions().set_index("unit_id")
    assert decisions["decision"].to_dict() == {"u2": "trade", "u4": "trade", "u6": "coal"}
    assert set(decisions["by"]) == {"cy"}
    assert set(decisions["reason"]) == {"by the definition"}


def test_a_decided_unit_stays_closed_when_a_new_label_comes_and_that_is_said(disputed):
    with open_adjudication("cy") as session:
        session.go("u2")
        session.decide("coal")
    time.sleep(0.01)
    with open_session("ann") as session:
        session.go("u2")
        session.label("trade")
    with open_adjudication("cy") as session:
        assert "u2" not in [unit.unit_id for unit in session]
        assert session.docket.later == ["u2"]
        assert "1 is decided, got a new label afterwards, and stays closed" in repr(session)
        session.go("u2")
        assert session.view()["adjudication"]["later"] is True
        assert session.answers == {"topic": "coal"}
    with open_session("ben") as session:
        session.go("u2")
        session.label("trade")
    assert read_decisions().set_index("unit_id")["decision"]["u2"] == "coal"


def test_a_decision_is_reopened_undone_and_kept_over_restarts(disputed):
    with open_adjudication("cy") as session:
        first = session.unit.unit_id
        session.decide("coal")
    with open_adjudication("di") as session:
        assert session.progress()["done"] == 1
        session.reopen(first)
        assert session.unit.unit_id == first
        session.undo()
        assert session.answers == {"topic": "coal"}
        with pytest.raises(ParameterError, match="there is no decision on"):
            session.reopen("u1")
    acts = [json.loads(line) for line in (disputed / "logs" / "adjudication.jsonl").read_text().splitlines()]
    assert [(act["act"], act["coder"]) for act in acts if act["act"] != "open"] == [
        ("label", "cy"),
        ("label", "di"),
        ("undo", "di"),
    ]


def test_where_reasons_are_wanted_a_decision_without_one_is_refused(disputed):
    with open_adjudication("cy", needs_reason=True) as session:
        view = session.view()
        assert view["adjudication"]["needs_reason"] is True
        message = {"seq": 1, "token": view["unit"]["token"], "shown_ms": 500, "act": "label", "label": "coal"}
        assert "give a reason" in session.act({**message, "variable": "topic", "reason": " "})["message"]["text"]
        assert session.act({**message, "variable": "topic", "reason": "irony"})["progress"]["done"] == 1


def test_a_share_of_the_agreements_is_shown_by_lot_and_what_was_drawn_stays(disputed):
    with open_adjudication("cy", agreements=1.0) as session:
        assert len(session.plan.rows) == 6
    with open_adjudication("cy", agreements=0.5) as session:
        half = {row.unit_id for row in session.plan.rows}
    assert {"u2", "u4", "u6"} <= half
    with open_adjudication("cy") as session:
        assert {row.unit_id for row in session.plan.rows} == half


def test_every_face_opens_it_as_a_round_and_goes_on_as_it_was_begun(disputed):
    with open_adjudication("cy", agreements=1.0, seed=5, needs_reason=True) as session:
        units = [row.unit_id for row in session.plan.rows]
    with open_session("cy", round_name="adjudication") as session:
        assert [row.unit_id for row in session.plan.rows] == units
        view = session.view()
        token = view["unit"]["token"]
        message = {"seq": 1, "token": token, "shown_ms": 500, "act": "label", "variable": "topic", "label": "coal"}
        assert session.act(message)["message"]["kind"] == "refused"
        assert session.act({**message, "reason": "so"})["progress"]["done"] == 1
    with pytest.raises(ParameterError, match="it is not said who decides"):
        serve_coders(round_name="adjudication")
    with serve_coders(["di"], round_name="adjudication") as server:
        assert list(server.addresses) == ["di"]
    assert read_decisions()["by"].tolist().count("cy") == 1


def test_a_second_window_only_reads(disputed):
    with open_adjudication("cy"), open_adjudication("di") as second:
        assert second.view()["read_only"] is True


def test_every_variable_has_its_turn_and_undo_does_not_reach_into_another(folder):
    begin(folder, TWO)
    frames = {"ann": ["cost", "harm"], "ben": ["harm", "cost"]}
    for coder, topics in (("ann", ANN), ("ben", BEN)):
        with open_session(coder) as session:
            for unit in session:
                session.label(topics[unit.unit_id], "topic")
                session.label([] if (coder, unit.unit_id) == ("ben", "u1") else frames[coder], "frames")
    with open_adjudication("cy") as session:
        assert [each["name"] for each in session.view()["codebook"]["variables"]] == ["topic"]
        for unit in session:
            session.decide(ANN[unit.unit_id])
    with open_adjudication("cy") as session:
        assert session.docket.variable == "frames"
        assert [unit.unit_id for unit in session] == ["u1"]
        assert session.view()["adjudication"]["sides"][0]["label"] in (["cost", "harm"], [])
        with pytest.raises(ParameterError, match="on 'topic'"):
            session.undo()
        session.go("u1")
        session.decide(["harm"])
    decisions = read_decisions()
    assert decisions[decisions["variable"] == "frames"][["unit_id", "decision"]].to_numpy().tolist() == [
        ["u1", '["harm"]']
    ]


def test_a_model_is_a_side_against_a_person_alone(folder):
    begin(folder, coders=("ann",))
    code("ann", ANN)
    table = make_table("topic", {"m": ["coal", "trade", "sports", None, "coal", "trade"]})
    model = Codings(table, BOOK.variables, models=("m",))
    with open_adjudication("cy", others=model) as session:
        assert [unit.unit_id for unit in session] == ["u2"]
        sides = session.view()["adjudication"]["sides"]
        assert sorted(side["label"] for side in sides) == ["coal", "trade"]
        assert set(sides[0]) == {"label", "why", "note"}
    assert read_decisions(others=model)["decision"].tolist() == [""]


def test_decisions_enter_the_codings_as_a_coder_and_say_what_is_pending(disputed):
    with open_adjudication("cy") as session:
        session.go("u2")
        session.decide("coal", "as the example")
    table = make_table("topic", {"ann": list(ANN.values()), "ben": list(BEN.values())})
    whole = cb.adjudicate(Codings(table, BOOK.variables), read_decisions(), rest="unanimous")
    assert whole.result.finding == "1 unit is decided (1 by cy); 2 are pending; on 3 all coders agree."
    labels = whole.codings.frame[whole.codings.frame["coder"] == "adjudicated"].set_index("unit_id")
    assert labels["label"].to_dict() == {"u2": "coal", "u1": "coal", "u3": "sports", "u5": "coal"}
    assert labels["detail"]["u2"] == "cy: as the example"
    won = cb.analysis.joining.sides_won(whole.codings)
    assert won.finding == "1 disputed unit is decided: for ann on 1 of 1, for ben on 0 of 1, for a third label on 0."


SPANS = parse_codebook("""
name: names
unit: a post
variables:
  - name: names
    question: "Which names?"
    kind: records
    fields: [{name: words, kind: quote}, {name: what, kind: choice, categories: [person, place]}]
""")
PAGES = parse_codebook(
    "{name: pages, unit: a page, variables: [{name: text, kind: transcription, question: Transcribe.}]}"
)


def at(text, words, what):
    start = text.index(words)
    return {"words": {"quote": words, "start": start, "end": start + len(words)}, "what": what}


def test_spans_are_decided_by_their_places_in_any_order(folder):
    text = "Ann met 😀 Bo in Bonn."
    units = [Unit("a", text), Unit("b", text)]
    begin(folder, SPANS, units=units)
    both = [at(text, "Ann", "person"), at(text, "Bonn", "place")]
    for coder, records in (("ann", both), ("ben", both[::-1])):
        with open_session(coder) as session:
            for unit in session:
                session.label({"names": records[:1] if (coder, unit.unit_id) == ("ben", "b") else records})
    with open_adjudication("cy") as session:
        assert [unit.unit_id for unit in session] == ["b"]
        session.go("b")
        session.decide({"names": both}, "two names")
    decisions = read_decisions()
    assert json.loads(decisions["decision"][0])["names"][0]["words"] == both[0]["words"]
    labels = {"ann": [decisions["decision"][0]] * 2, "ben": [decisions["decision"][0], '{"names":[]}']}
    codings = Codings(make_table("names", labels).replace({"u1": "a", "u2": "b"}), SPANS.variables)
    whole = cb.adjudicate(codings, decisions, rest="unanimous")
    assert whole.result.frame["unit_id"].tolist() == ["b", "a"]


def test_transcriptions_are_decided_too(folder):
    begin(folder, PAGES, units=[Unit("a", "x")])
    for coder, words in (("ann", "One."), ("ben", "Ome.")):
        with open_session(coder) as session:
            session.label({"pages": [{"page": 1, "text": words, "unsure": []}]})
    with open_adjudication("cy") as session:
        session.decide({"pages": [{"page": 1, "text": "One!", "unsure": []}]})
    assert json.loads(read_decisions()["decision"][0])["pages"][0]["text"] == "One!"


def test_ratings_differ_as_texts_do():
    assert differ(["1", "2"])
    assert not differ(["2", "2", "2"])


def test_what_cannot_be_opened_is_said_at_once(disputed):
    with pytest.raises(ParameterError) as error:
        open_adjudication("a/b", variable="tone")
    assert [fault.where for fault in error.value.faults] == ["by", "variable"]
    with pytest.raises(ParameterError, match="is not a share"):
        open_adjudication("cy", agreements=2)
    assert isinstance(read_decisions(), pd.DataFrame)
