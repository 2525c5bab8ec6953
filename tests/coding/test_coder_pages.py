"""Pages of coders: their store is the session of the kit, and what a coder sends back is added to the log once."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from codebook.coding import read_handout, write_pages
from codebook.coding.assigning import Design
from codebook.coding.assignments import assign, write_assignment
from codebook.coding.coding_log import log_path, read_acts
from codebook.coding.handouts import page_files
from codebook.coding.handouts.page_answers import read_page
from codebook.coding.session_opening import open_session
from codebook.errors import BusyError, TableError
from codebook.records import Unit
from codebook.scheme import parse_codebook

BOOK = """
name: coal
unit: a post
variables:
  - {name: topic, question: "What?", kind: single, level: nominal, categories: [jobs, health], abstain: [unclear]}
  - {name: frames, question: "Which?", kind: multi, level: nominal, categories: [law, money]}
"""
HOSTILE = "</script><script>alert(1)</script><!-- \u2028 <img src=x onerror=alert(1)>"
UNITS = [Unit(f"u{n}", f"Post {n}. {HOSTILE}", {"speaker": HOSTILE}) for n in range(8)]
STORE = Path(page_files.__file__).parent


def find_node() -> str:
    """The program that comes with playwright."""
    try:
        from playwright._impl._driver import compute_driver_executable
    except ImportError:
        return ""
    return str(compute_driver_executable()[0])


needs_node = pytest.mark.skipif(not os.environ.get("CI") and not find_node(), reason="no playwright: make setup")


@pytest.fixture
def place(project: Path) -> Path:
    """A coding folder: ann and ben have all units; two come to each of them again."""
    design = Design(repeat=0.25)
    write_assignment(assign(UNITS, ["ann", "ben"], design), parse_codebook(BOOK), UNITS, folder="coding", study="coal")
    return project / "coding"


DRIVER = """
import { readFileSync } from "node:fs";
const { plan, messages, start } = JSON.parse(readFileSync(0, "utf8"));
const items = new Map(Object.entries(start || {}));
const storage = { getItem: (name) => items.get(name) ?? null, setItem: (name, text) => items.set(name, text),
  removeItem: (name) => items.delete(name) };
const begin = () => new PageStore(plan, new SafetyCopy(plan.key, () => storage));
let store = begin();
const views = [store.view(0, null, false)];
for (const { right, ...message } of messages) {
  if (message.act === "restart") { store = begin(); views.push(store.view(0, null, false)); continue; }
  if (right !== undefined) message.token = right ? store.token : "another";
  views.push(store.send(message));
}
process.stdout.write(JSON.stringify({ views, lines: store.lines(), items: Object.fromEntries(items) }));
"""


def run_store(plan: dict[str, Any], messages: Sequence[dict[str, Any]], start: dict[str, str] | None = None) -> Any:
    """What the store of a page shows after each message, and the file of answers."""
    source = "".join((STORE / name).read_text(encoding="utf-8") for name in ("page_acts.js", "page_store.js"))
    program = [find_node(), "--input-type=module", "--eval", source + DRIVER]
    given = json.dumps({"plan": plan, "messages": messages, "start": start or {}})
    done = subprocess.run(program, input=given, capture_output=True, text=True, timeout=60, check=False)
    assert not done.stderr
    return json.loads(done.stdout)


def plan_of(place: Path, coder: str = "ann") -> dict[str, Any]:
    """What the page of a coder goes by, out of the page."""
    (path,) = write_pages(coder, place, overwrite=True).paths
    (plan,) = re.findall(r'<script type="application/json" id="plan">(.*?)</script>', path.read_text(), re.DOTALL)
    return dict(json.loads(plan))


CHOICES: list[dict[str, Any]] = [
    *({"act": "label", "variable": "topic", "label": label} for label in ("jobs", "health", "unclear", "war", None)),
    *({"act": "label", "variable": "frames", "label": label} for label in (["money", "law"], [], ["law"], "law", None)),
    {"act": "label", "label": "jobs"},
    {"act": "label", "variable": "mood", "label": "jobs"},
    {"act": "label", "variable": "topic"},
    {"act": "note", "text": "hm", "variable": "topic"},
    {"act": "note", "text": ""},
    {"act": "note", "text": 7},
    {"act": "flag"},
    {"act": "flag", "on": False},
    {"act": "skip", "reason": "long"},
    {"act": "skip"},
    {"act": "skip", "on": False},
    {"act": "context"},
    *[{"act": "undo"}, {"act": "redo"}] * 2,
    *({"act": "go", "to": to} for to in ("next", "back", 3, 99, "u5", "nobody")),
    *({"act": "filter", "to": to} for to in ("left", "all", "flagged", "skipped", "recode", "none")),
    {"act": "codebook"},
    {"act": "dance"},
    {"act": "restart"},
]


def draw_messages(n: int, seed: int) -> list[dict[str, Any]]:
    """Random messages: most of them meant for the unit that is shown, some stale, some too quick, some sent twice."""
    chance = random.Random(seed)
    messages: list[dict[str, Any]] = []
    for seq in range(1, n + 1):
        message = {**chance.choice(CHOICES), "seq": seq, "client": "w"}
        if message["act"] == "restart":
            message = {"act": "restart"} if chance.random() < 0.3 else {**CHOICES[0], "seq": seq, "client": "w"}
        message |= {"right": chance.random() < 0.93, "shown_ms": chance.choice([900, 900, 900, 900, 149])}
        messages += [message] * (2 if chance.random() < 0.1 else 1)
    return messages


def run_session(place: Path, messages: Sequence[dict[str, Any]], coder: str = "ann") -> list[dict[str, Any]]:
    session = open_session(coder, place)
    views = [session.view(codebook=False)]
    for message in messages:
        if message["act"] == "restart":
            session.close()
            session = open_session(coder, place)
            views.append(session.view(codebook=False))
        else:
            views.append(session.act({**message, "token": session.token if message["right"] else "another"}))
    session.close()
    return views


def say(view: dict[str, Any]) -> dict[str, Any]:
    """A view without its words, its times, and what is of chance."""
    counts = {name: n for name, n in view["progress"].items() if name not in ("minutes", "per_hour", "minutes_left")}
    unit = view["unit"] and {name: value for name, value in view["unit"].items() if name != "token"}
    kind = view["message"] and view["message"]["kind"]
    return json.loads(json.dumps({**view, "progress": counts, "unit": unit, "message": kind}))


@needs_node
@pytest.mark.parametrize("seed", [1, 2])
def test_a_page_and_the_kit_say_the_same_to_the_same_300_messages(seed, place):
    messages = draw_messages(300, seed)
    shown = run_store(plan_of(place), messages)
    views = run_session(place, messages)
    assert len(views) == len(shown["views"]) > 300
    for at, (mine, theirs) in enumerate(zip(views, shown["views"], strict=True)):
        assert say(mine) == say(theirs), (at, messages[at - 1])
    assert {view["message"] and view["message"]["kind"] for view in views} == {None, "refused"}
    acts = [act for act in read_acts(log_path(place, "ann"))[0] if act["act"] != "open"]
    lines = [json.loads(line) for line in shown["lines"].splitlines()][1:]
    assert [say_act(act) for act in acts] == [say_act(line) for line in lines]


def say_act(act: dict[str, Any]) -> dict[str, Any]:
    """An act without its number, its times and its source."""
    left_out = ("n", "time", "shown", "of", "ms", "source", "seen")
    return {name: value for name, value in act.items() if name not in left_out}


@needs_node
def test_what_a_page_gives_back_is_the_coders_log_and_reading_it_twice_changes_nothing(place):
    messages = draw_messages(300, seed=3)
    plan = plan_of(place)
    half = run_store(plan, messages[:150])
    whole = run_store(plan, messages[150:], half["items"])
    other = Path(shutil.copytree(place, place.with_name("other")))
    run_session(other, [*messages[:150], {"act": "restart"}, *messages[150:]])
    answers = place / "back.jsonl"
    answers.write_text(half["lines"])
    assert read_page(answers, place).changes
    log = log_path(place, "ann").read_bytes()
    assert not read_page(answers, place).changes
    assert log_path(place, "ann").read_bytes() == log
    answers.write_text(whole["lines"])
    assert "answers taken" in repr(read_page(answers, place, coder="ann"))
    assert log_path(place, "ann").read_bytes().startswith(log)
    answers.write_text(half["lines"])
    assert not read_page(answers, place).changes
    with open_session("ann", place) as page, open_session("ann", other) as session:
        for turn in (row.turn for row in page.plan.rows):
            assert page.state.answers(turn) == session.state.answers(turn)
            assert page.state.notes(turn) == session.state.notes(turn)
            assert page.state.skipped(turn) == session.state.skipped(turn)
            assert page.state.is_flagged(turn) == session.state.is_flagged(turn)
        assert page.progress()["done"] == session.progress()["done"] > 0


JOBS = {"act": "label", "variable": "topic", "label": "jobs", "right": True, "shown_ms": 900}


def save_answers(place: Path, messages: Sequence[dict[str, Any]] = (JOBS, {"act": "undo"}, JOBS)) -> Path:
    path = place / "back.jsonl"
    path.write_text(run_store(plan_of(place), messages)["lines"])
    return path


@needs_node
def test_an_undo_in_the_page_holds_though_the_form_was_used_meanwhile(place):
    plan = plan_of(place)
    first = run_store(plan, [JOBS])
    answers = place / "back.jsonl"
    answers.write_text(first["lines"])
    read_page(answers, place)
    with open_session("ann", place) as session:
        session.flag()
        unit = session.row
    answers.write_text(run_store(plan, [{"act": "undo"}], first["items"])["lines"])
    (change,) = read_page(answers, place).changes
    assert str(change) == f"{change.turn.unit}: topic taken back, was jobs"
    with open_session("ann", place) as session:
        assert session.state.answers(unit.turn) == {}
        assert session.state.is_flagged(unit.turn)
        session.undo()
        assert session.state.answers(unit.turn) == {"topic": "jobs"}


def edit(path: Path, **changes: Any) -> None:
    """Change fields of the last act."""
    *lines, last = path.read_text().splitlines()
    path.write_text("\n".join([*lines, json.dumps(json.loads(last) | changes)]) + "\n")


SPOILT = {
    "another coder": ({"coder": "ben"}, "it is an entry of another coder, 'ben'"),
    "no unit of the coder": ({"unit": "u99"}, "the unit 'u99' is not assigned to 'ann'"),
    "no code": ({"label": "Jobs"}, "'Jobs' is not in the codebook"),
    "no variable": ({"variable": "mood"}, "the codebook has no variable 'mood'"),
    "an old definition": ({"codebook": "0"}, "'topic' was asked with an older definition"),
    "another text": ({"seen": "0"}, "had a different text in the page"),
    "no number": ({"n": 9}, "lines were removed or added"),
    "no act": ({"act": "dance"}, "lines were removed or added"),
    "a wrong undo": ({"act": "undo", "of": 1}, "it undoes an entry that is not the last one"),
    "no text of a note": ({"act": "note", "text": 7}, "it does not have the form in which a page writes it"),
}


@needs_node
@pytest.mark.parametrize("name", SPOILT)
def test_a_spoilt_file_of_answers_is_refused_with_line_and_mend(name, place):
    changes, words = SPOILT[name]
    path = save_answers(place)
    edit(path, **changes)
    with pytest.raises(TableError) as caught:
        read_page(path, place)
    assert re.search(rf"line 4.*{re.escape(words)}.*To mend: ", str(caught.value), re.DOTALL)
    assert not log_path(place, "ann").exists()


@needs_node
def test_a_file_of_another_coder_of_nobody_or_of_nothing_is_refused(place):
    path = save_answers(place)
    with pytest.raises(TableError, match="it belongs to 'ann', not to 'ben'"):
        read_page(path, place, coder="ben")
    with open_session("ann", place), pytest.raises(BusyError, match="close the coding form"):
        read_page(path, place)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.raises(TableError, match="the file was cut short there"):
        read_page(path, place)
    path.write_bytes(b"\xef\xbb\xbf" + whole.replace(b"\n", b"\r\n"))
    assert len(read_page(path, place).changes) == 1
    for nothing in ("", "{}\n", '{"n": 1, "act": "open"}\n', "<html>"):
        path.write_text(nothing)
        with pytest.raises(TableError, match="not a file of answers"):
            read_page(path, place)
    with pytest.raises(TableError, match="it is the page itself"):
        read_handout(place / "handouts" / "coal.ann.html", place)
    with pytest.raises(TableError, match=r"gone\.jsonl"):
        read_page("gone.jsonl", place)


@needs_node
def test_two_copies_of_one_page_are_both_read(place):
    plan = plan_of(place)
    home, office = (place / f"{name}.jsonl" for name in ("home", "office"))
    home.write_text(run_store(plan, [JOBS])["lines"])
    office.write_text(run_store(plan, [JOBS | {"label": "health"}])["lines"])
    assert len(read_page(home, place).changes) == len(read_page(office, place).changes) == 1
    assert not read_page(home, place).changes
    with open_session("ann", place) as session:
        assert session.state.answers(session.plan.rows[0].turn) == {"topic": "health"}


def test_nothing_in_a_text_ends_the_script_and_the_page_may_load_nothing(place):
    (path,) = write_pages("ann", place).paths
    page = path.read_text(encoding="utf-8")
    assert page.count("<script") == page.count("</script>") == 3
    assert "alert(1)</script>" not in page
    assert plan_of(place)["units"]["u1"]["blocks"] == [{"type": "text", "text": UNITS[1].text}]
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert "default-src &#39;none&#39;" in policy[1]
    assert not re.search(r"https?://(?!www\.w3\.org/)", page)
