"""Training against known answers, the gate, norming rounds, and suggestions in the arm of the lot alone."""

import json

import pytest

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.examples import make_table
from codebook.coding import (
    Design,
    KnownAnswer,
    add_norming,
    add_suggestions,
    add_training,
    assign,
    choose_training,
    example_units,
    list_known,
    open_session,
    qualification,
    read_assignment,
    read_logs,
    write_assignment,
    write_suggestions,
)
from codebook.errors import ParameterError
from codebook.records import Unit
from codebook.scheme import parse_codebook

BOOK = parse_codebook("""
name: posts
unit: a post
variables:
  - name: topic
    question: "Which topic?"
    kind: single
    level: nominal
    categories:
      - {name: coal, definition: Mines and coal., examples: [{text: A mine closes., why: A mine is named.}]}
      - {name: sports, definition: Games., examples: [They won the match.]}
""")
UNITS = [Unit(f"u{n}", f"text {n}") for n in range(1, 41)]


def code(coder, labels, round_name="main"):
    with open_session(coder, round_name=round_name) as session:
        for unit in session:
            session.label(labels[unit.unit_id])


def test_the_examples_of_the_codebook_are_a_training_with_their_reasons(folder):
    units, answers = example_units(BOOK)
    add_training(units, answers, ["ann"], BOOK)
    with open_session("ann", round_name="training") as session:
        session.go("example coal 1")
        assert session.view()["feedback"] is None
        session.label("sports")
        feedback = session.view()["feedback"]
        assert session.unit.unit_id == "example coal 1"
        answer = {"variable": "topic", "label": "sports", "gold": "coal", "right": False, "why": "A mine is named."}
        assert feedback == {"right": False, "answers": [answer]}
        session.go("next")
        session.label("sports")
        feedback = session.view()["feedback"]
        assert (feedback["right"], feedback["answers"][0]["why"]) == (True, "sports: Games.")
        session.go("next")
        assert session.view()["unit"] is None


def test_the_first_answer_counts_and_the_gate_keeps_the_main_round_closed(folder):
    write_assignment(assign(UNITS, ["ann", "ben"]), BOOK, UNITS)
    training = [Unit(f"t{n}", "text") for n in range(4)]
    add_training(training, [KnownAnswer(f"t{n}", "topic", "coal") for n in range(4)], ["ann", "ben"], BOOK, gate=0.75)
    with pytest.raises(ParameterError, match="'training' of ann is not finished"):
        open_session("ann")
    code("ann", {"t0": "sports", "t1": "coal", "t2": "coal", "t3": "coal"}, "training")
    code("ben", {"t0": "sports", "t1": "sports", "t2": "coal", "t3": "coal"}, "training")
    with open_session("ben", round_name="training") as session:
        session.go("t0")
        session.label("coal")
    frame = qualification().frame.set_index("coder")
    assert frame["n_right"].to_dict() == {"ann": 3, "ben": 2}
    assert frame["passed"].to_dict() == {"ann": "yes", "ben": "no"}
    assert frame[["low", "high", "alpha_low"]].isna().all(axis=None)
    open_session("ann").close()
    with pytest.raises(ParameterError, match="fewer than 75 % right"):
        open_session("ben")
    assert qualification().finding == "First answers that are right: ann 3 of 4 (passed); ben 2 of 4 (not passed)."


def test_twenty_answers_have_an_interval(folder):
    training = UNITS[:20]
    gold = {unit.unit_id: "coal" if at % 2 else "sports" for at, unit in enumerate(training)}
    add_training(training, [KnownAnswer(unit, "topic", label) for unit, label in gold.items()], ["ann"], BOOK)
    code("ann", gold | {"u1": "coal"}, "training")
    row = qualification().frame.iloc[0]
    assert row["n_right"] == 19
    assert row["low"] < 0.95 < row["high"]
    assert row["alpha_low"] < row["alpha"] < 1
    assert row["passed"] == ""


def test_a_training_may_be_repeated_under_another_name_and_disturbs_nothing(folder):
    write_assignment(assign(UNITS, ["ann"]), BOOK, UNITS)
    before = read_assignment().of("ann", "main")
    units, answers = example_units(BOOK)
    first = add_training(units, answers, ["ann"], BOOK)
    assert add_training(units, answers, ["ann"], BOOK) == first
    with pytest.raises(ParameterError, match="already another round 'training'"):
        add_training(units[:1], answers[:1], ["ann", "ben"], BOOK)
    add_training(units, answers, ["ann"], BOOK, round_name="training-2")
    assert read_assignment().of("ann", "main") == before
    assert len(read_assignment().of("ann", "training-2")) == 2


def test_known_answers_are_those_of_a_gold_and_every_unit_needs_one(folder):
    codings = Codings(make_table("topic", {"gold": ["coal", "sports"]}), BOOK.variables, gold="gold")
    answers = list_known(codings)
    assert answers[0] == KnownAnswer("u1", "topic", "coal")
    with pytest.raises(ParameterError, match="The training cannot be added") as error:
        add_training(UNITS[1:3], answers, ["ann"], BOOK, gate=75)
    assert [fault.where for fault in error.value.faults] == ["gate", "answers", "units"]
    with pytest.raises(ParameterError, match="has no labels"):
        list_known(codings, "model")
    assert not (folder / "known_answers.jsonl").exists()


def test_a_training_is_filled_up_with_known_units_by_lot():
    answers = [KnownAnswer(unit.unit_id, "topic", "coal") for unit in UNITS[:10]]
    units, known = choose_training(BOOK, UNITS, answers, n=6)
    assert len(units) == 6
    assert [unit.unit_id for unit in units] == [each.unit_id for each in known]
    assert {unit.unit_id for unit in units[2:]} <= {unit.unit_id for unit in UNITS[:10]}
    assert choose_training(BOOK, UNITS, answers, n=6)[1] == known
    assert len(choose_training(BOOK, n=1)[0]) == 2


def test_a_norming_round_is_drawn_from_the_disputed_units_for_the_same_coders(folder):
    write_assignment(assign(UNITS, ["ann", "ben"]), BOOK, UNITS)
    with pytest.raises(ParameterError, match="40 units left"):
        add_norming()
    labels = {unit.unit_id: "coal" for unit in UNITS}
    disputed = {f"u{n}" for n in range(1, 7)}
    code("ann", labels)
    code("ben", labels | dict.fromkeys(disputed, "sports"))
    add_norming(4)
    added = add_norming(99)
    assert {row.unit_id for row in added.rows if row.round == "norming-2"} == disputed
    first = {coder: {row.unit_id for row in added.of(coder, "norming-1")} for coder in ("ann", "ben")}
    assert first["ann"] == first["ben"] <= disputed
    assert len(first["ann"]) == 4
    assert added.rounds[-2]["which"] == "disputed"
    code("ann", labels, "norming-1")
    assert len(open_session("ann", round_name="norming-1", read_only=True).log.acts) > 0
    assert len(add_norming(30, "random").of("ann", "norming-3")) == 30
    with pytest.raises(ParameterError, match="pass one of disputed, random"):
        add_norming(which="all")


def test_suggestions_are_shown_in_the_arm_of_the_lot_alone_and_recorded(folder):
    write_assignment(assign(UNITS, ["ann"], Design(with_suggestions=0.5)), BOOK, UNITS)
    table = make_table("topic", {"m": ["coal"] * 40})
    n = write_suggestions(Codings(table, BOOK.variables, models=("m",)), "m")
    with open_session("ann") as session:
        for _ in range(40):
            view = session.view()
            assert (view["suggestion"] == {"topic": "coal"}) == (view["arm"] == "with")
            session.label("coal")
    acts = [json.loads(line) for line in (folder / "logs" / "ann.jsonl").read_text().splitlines()]
    arms = [(act["arm"], act["suggestion"]) for act in acts if act["act"] == "label"]
    assert sorted(arms, key=str) == [("with", "coal")] * 20 + [("without", None)] * 20
    assert n == 40
    assert set(add_suggestions(read_logs()).frame["suggestion"]) == {"coal"}


def test_labels_from_before_there_were_suggestions_are_not_counted_as_having_seen_them(folder):
    write_assignment(assign(UNITS, ["ann"], Design(with_suggestions=0.5)), BOOK, UNITS)
    with open_session("ann") as session:
        for _ in range(20):
            session.label("coal")
    write_suggestions(Codings(make_table("topic", {"m": ["coal"] * 40}), BOOK.variables, models=("m",)), "m")
    with open_session("ann") as session:
        for _ in range(20):
            session.label("sports")
    frame = add_suggestions(read_logs()).frame
    early = frame["label"] == "coal"
    assert set(frame.loc[early & (frame["arm"] == "with"), "suggestion"]) == {""}
    assert set(frame.loc[~early, "suggestion"]) == {"coal"}


def test_without_arms_no_suggestion_is_shown_though_the_file_is_there(folder):
    write_assignment(assign(UNITS, ["ann"]), BOOK, UNITS)
    write_suggestions(Codings(make_table("topic", {"m": ["coal"] * 40}), BOOK.variables), "m")
    with open_session("ann") as session:
        assert session.view()["suggestion"] is None
