"""A thousand acts in any order, over restarts, against a small model; and whose files a coder's work opens."""

import json
import random
import sys

import pytest

from codebook.coding import Design, assign, open_session, write_assignment
from codebook.errors import ParameterError
from codebook.records import Unit
from codebook.scheme import parse_codebook

BOOK = parse_codebook("""
name: posts
unit: a post
variables:
  - {name: topic, question: "Which topic?", kind: single, level: nominal, categories: [coal, sports]}
  - {name: frames, question: "Which frames?", kind: multi, level: nominal, categories: [cost, harm]}
""")
UNITS = [Unit(f"u{n}", f"text {n}") for n in range(12)]


class Model:
    """What a coder's work must be: a mapping of what holds, and two stacks."""

    def __init__(self):
        self.holds, self.done, self.undone = {}, [], []

    def set(self, slot, value):
        self.done.append((slot, self.holds.get(slot), value))
        self.undone.clear()
        self.put(slot, value)

    def put(self, slot, value):
        if value in (None, "", False):
            self.holds.pop(slot, None)
        else:
            self.holds[slot] = value

    def undo(self):
        self.undone.append(self.done.pop())
        self.put(self.undone[-1][0], self.undone[-1][1])

    def redo(self):
        self.done.append(self.undone.pop())
        self.put(self.done[-1][0], self.done[-1][2])

    def is_done(self, unit):
        return all((unit, name, "label") in self.holds for name in ("topic", "frames"))


def act(session, model, chance):
    """One act of the session and the same of the model; whether it is one that the log has."""
    session.go(chance.randrange(1, 13))
    unit = session.unit.unit_id
    kind = chance.choice(["label", "label", "label", "take back", "undo", "undo", "redo", "skip", "flag", "note"])
    if kind in ("undo", "redo") and not (model.done if kind == "undo" else model.undone):
        with pytest.raises(ParameterError, match=r"nothing to (undo|redo)"):
            getattr(session, kind)()
        return False
    if kind in ("undo", "redo"):
        getattr(model, kind)()
        getattr(session, kind)()
    elif kind == "skip" and model.is_done(unit):
        with pytest.raises(ParameterError, match="Remove its codes"):
            session.skip()
        return False
    else:
        do(kind, session, model, unit, chance)
    return True


def do(kind, session, model, unit, chance):
    name = chance.choice(["topic", "frames"])
    if kind == "label":
        label = (
            chance.choice(["coal", "sports"]) if name == "topic" else chance.choice([[], ["cost"], ["cost", "harm"]])
        )
        model.set((unit, name, "label"), (label,))
        session.label(label, name)
    elif kind == "take back":
        model.set((unit, name, "label"), None)
        session.label(None, name)
    elif kind == "note":
        text = chance.choice(["", "unclear", "see the second line"])
        model.set((unit, name, "note"), text)
        session.note(text, name)
    elif kind == "flag":
        on = chance.random() < 0.6
        model.set((unit, "", "flag"), on)
        session.flag(on=on)
    else:
        model.set((unit, "", "skip"), "a table")
        session.skip("a table")


def read_state(session):
    holds = {}
    for row in session.plan.rows:
        turn = row.turn
        holds |= {(row.unit_id, name, "label"): (label,) for name, label in session.state.answers(turn).items()}
        holds |= {(row.unit_id, name, "note"): text for name, text in session.state.notes(turn).items()}
        holds |= {(row.unit_id, "", "flag"): True} if session.state.is_flagged(turn) else {}
        holds |= {} if (why := session.state.skipped(turn)) is None else {(row.unit_id, "", "skip"): why}
    return holds


def test_a_thousand_acts_leave_what_the_model_says_and_a_line_each(tmp_path, monkeypatch):
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path))
    write_assignment(assign(UNITS, ["ann"]), BOOK, UNITS)
    chance, model, n_lines, n_opened = random.Random(6), Model(), 0, 1
    session = open_session("ann")
    for _ in range(1_000):
        if chance.random() < 0.05:
            session.close()
            session, n_opened = open_session("ann"), n_opened + 1
        n_lines += act(session, model, chance)
        assert read_state(session) == model.holds
        assert session.progress()["done"] == sum(model.is_done(unit.unit_id) for unit in UNITS)
    session.close()
    log = [json.loads(line) for line in (tmp_path / "coding" / "logs" / "ann.jsonl").read_text().splitlines()]
    assert [line["n"] for line in log] == list(range(1, n_lines + n_opened + 1))


OPENED: list[str] = []


def _note_opened(event, arguments):
    if event == "open" and isinstance(arguments[0], str):
        OPENED.append(arguments[0])


def test_no_file_of_other_coders_or_of_a_model_is_opened_before_the_own_label(tmp_path, monkeypatch):
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path))
    write_assignment(assign(UNITS, ["ann", "ben"], Design()), BOOK, UNITS)
    model = tmp_path / "runs" / "posts" / "table.csv"
    model.parent.mkdir(parents=True)
    model.write_text("unit_id,label\nu0,coal\n")
    with open_session("ben") as session:
        session.label("coal")
    sys.addaudithook(_note_opened)
    OPENED.clear()
    with open_session("ann") as session:
        for _ in session:
            session.view()
            session.label("sports")
            session.label([], "frames")
    inside = {path.removeprefix(f"{tmp_path}/") for path in OPENED if path.startswith(str(tmp_path))}
    OPENED.clear()
    assert inside == {
        *("coding/assignment.csv", "coding/assignment.json", "coding/codebook.yaml", "coding/units.jsonl"),
        *("coding/logs", "coding/logs/ann.jsonl", "coding/logs/.ann.lock"),
    }
