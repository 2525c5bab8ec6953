"""Who codes what: shares, balance, orders, and what later additions leave alone."""

from collections import Counter

import pytest

import codebook as cb
from codebook.coding import (
    Changes,
    Design,
    assign,
    extend_assignment,
    open_session,
    read_assignment,
    read_coding,
    read_logs,
    write_assignment,
)
from codebook.errors import BusyError, ParameterError, RecordError
from codebook.records import Unit
from codebook.scheme import parse_codebook

BOOK = parse_codebook("""
name: posts
unit: a post
variables:
  - {name: topic, question: "Which topic?", kind: single, level: nominal, categories: [coal, sports]}
""")
UNITS = [Unit(f"u{n}", f"text {n}", {"party": "left" if n % 4 else "right"}) for n in range(80)]


def coders_of(assignment):
    units = {}
    for row in assignment.rows:
        units.setdefault(row.unit_id, set()).add(row.coder)
    return units


def test_as_it_is_all_code_all_each_in_an_order_of_their_own():
    drawn = assign(UNITS, ["ann", "ben"])
    orders = {coder: [row.unit_id for row in drawn.of(coder)] for coder in drawn.coders}
    assert sorted(orders["ann"]) == sorted(orders["ben"]) == sorted(unit.unit_id for unit in UNITS)
    assert orders["ann"] != orders["ben"]
    assert drawn.rows == assign(UNITS, ["ann", "ben"]).rows
    assert drawn.rows != assign(UNITS, ["ann", "ben"], Design(seed=2)).rows


@pytest.mark.parametrize(("double", "overlap", "n_coders"), [(0.25, 2, 4), (0.5, 2, 3), (1.0, 2, 5), (0.1, 3, 3)])
def test_a_share_is_coded_by_several_and_loads_and_pairs_are_even(double, overlap, n_coders):
    names = [f"c{n}" for n in range(n_coders)]
    drawn = assign(UNITS, names, Design(double=double, overlap=overlap))
    depth = Counter(map(len, coders_of(drawn).values()))
    assert depth[overlap] == round(80 * double)
    loads = Counter(row.coder for row in drawn.rows)
    assert max(loads.values()) - min(loads.values()) <= 1
    if overlap == 2:
        pairs = Counter(frozenset(coders) for coders in coders_of(drawn).values() if len(coders) == 2)
        possible = n_coders * (n_coders - 1) // 2
        assert len(pairs) == min(possible, round(80 * double))
        assert max(pairs.values()) - min(pairs.values()) <= 2


def test_strata_are_balanced_over_coders_and_over_what_is_coded_twice():
    drawn = assign(UNITS, ["ann", "ben"], Design(double=0.5, strata="party"))
    party = {unit.unit_id: unit.context["party"] for unit in UNITS}
    of_coder = Counter((row.coder, party[row.unit_id]) for row in drawn.rows)
    assert abs(of_coder["ann", "right"] - of_coder["ben", "right"]) <= 1
    twice = Counter(party[unit] for unit, coders in coders_of(drawn).items() if len(coders) == 2)
    assert twice == {"left": 30, "right": 10}
    with pytest.raises(ParameterError, match="add 'region' to the context columns"):
        assign(UNITS, ["ann"], Design(strata="region"))


def test_a_coder_takes_as_many_as_said_and_what_is_left_over_is_counted():
    drawn = assign(UNITS, ["ann", "ben"], Design(double=0.0, per_coder=30))
    assert Counter(row.coder for row in drawn.rows) == {"ann": 30, "ben": 30}
    assert drawn.rounds[0]["left_over"] == 20
    assert "20 units left over" in repr(drawn)


def test_units_come_again_behind_all_else_and_arms_are_drawn_in_their_share():
    rows = assign(UNITS, ["ann"], Design(repeat=0.1, with_suggestions=0.25)).of("ann")
    assert [row.draw for row in rows] == [0] * 80 + [1] * 8
    arms = {row.unit_id: row.arm for row in rows if not row.draw}
    assert Counter(arms.values()) == {"with": 20, "without": 60}
    assert all(arms[row.unit_id] == row.arm for row in rows)


@pytest.mark.parametrize("name", ["", "../ann", "ann/ben", ".ann", "con", "adjudication", "<img src=x>", "ann."])
def test_a_coder_is_named_so_that_a_file_can_be(name):
    with pytest.raises(ParameterError, match="use letters, digits, spaces"):
        assign(UNITS, [name])


def test_all_that_is_wrong_with_coders_and_units_is_said_at_once():
    with pytest.raises(ParameterError) as caught:
        assign([], ["ann", "Ann", "b/c"])
    assert len(caught.value.faults) == 3


def test_another_assignment_is_never_written_over_one(folder):
    write_assignment(assign(UNITS, ["ann"]), BOOK, UNITS)
    write_assignment(assign(UNITS, ["ann"]), BOOK, UNITS)
    with pytest.raises(ParameterError, match="add to it with `extend_assignment`"):
        write_assignment(assign(UNITS, ["ben"]), BOOK, UNITS)
    path = folder / "assignment.csv"
    path.write_text(path.read_text().replace('"u3"', '"u4"', 1))
    with pytest.raises(RecordError, match=r"assignment.csv was edited by hand"):
        read_assignment()


def code(coder, n):
    with open_session(coder) as session:
        for _ in range(n):
            session.label("coal")


def test_new_units_come_behind_and_nothing_that_was_coded_moves(folder):
    write_assignment(assign(UNITS[:40], ["ann", "ben"], Design(double=0.5)), BOOK, UNITS)
    code("ann", 5)
    before = read_assignment()
    seen = before.of("ann")[0].unit_id
    changed = [Unit(seen, "another text"), *UNITS[40:]]
    after, told = extend_assignment(Changes(changed))
    assert told == ["40 new units for ann, ben."]
    for coder in ("ann", "ben"):
        assert after.of(coder)[: len(before.of(coder))] == before.of(coder)
    assert extend_assignment(Changes(UNITS))[1] == ["Nothing to change."]
    with open_session("ann") as session:
        assert session.progress()["done"] == 5
        session.go(seen)
        assert session.unit.text == f"text {seen[1:]}"
    assert [each["design"]["seed"] for each in after.rounds] == [1, 2]


def test_of_a_coder_who_leaves_what_is_open_goes_to_the_others_and_what_is_coded_stays(folder):
    write_assignment(assign(UNITS, ["ann", "ben", "cem"], Design(double=0.25, overlap=2)), BOOK, UNITS)
    code("ann", 10)
    n_rows = len(read_assignment().rows)
    after, told = extend_assignment(Changes(leaving=["ann"]))
    assert len(after.of("ann")) == 10
    assert len(after.rows) == n_rows
    assert told[0].startswith("ann leaves: ")
    assert all(len(coders) == len(set(coders)) for coders in coders_of(after).values())
    loads = [len(after.of(coder)) for coder in ("ben", "cem")]
    assert abs(loads[0] - loads[1]) <= 1
    assert len(read_logs().frame) == 10


def test_where_all_code_all_a_new_coder_gets_all_and_one_who_leaves_leaves_nothing_behind(folder):
    write_assignment(assign(UNITS, ["ann", "ben"]), BOOK, UNITS)
    after, _ = extend_assignment(Changes(coders=["cem"], leaving=["ben"]))
    assert len(after.of("cem")) == len(after.of("ann")) == 80
    assert "ben" not in after.coders


def test_a_new_coder_takes_a_fair_share_of_what_is_open(folder):
    write_assignment(assign(UNITS, ["ann", "ben"], Design(double=0.0)), BOOK, UNITS)
    code("ann", 10)
    after, told = extend_assignment(Changes(coders=["cem"]))
    assert told == ["cem joins: 23 units."]
    assert [len(after.of(coder)) for coder in ("ann", "ben", "cem")] == [33, 24, 23]
    with open_session("ann"), pytest.raises(BusyError, match="ann is coding now"):
        extend_assignment(Changes(leaving=["ann"]))


def test_settings_of_the_coding_are_read_with_all_faults():
    settings = read_coding({"coders": ["ann", "ben"], "double": "0.2", "seed": "7", "strata": "party"})
    assert (settings.coders, settings.design) == (("ann", "ben"), Design(double=0.2, seed=7, strata="party"))
    with pytest.raises(ParameterError) as caught:
        read_coding({"coders": "ann", "duoble": "1", "seed": "1.5", "repeat": "often"})
    assert len(caught.value.faults) == 3
    assert cb.coding.CodingSettings().folder == "coding"
