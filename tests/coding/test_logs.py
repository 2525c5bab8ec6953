"""The log of a coder: what is on disk, what a kill or a full disk leaves, and what becomes of it as codings."""

import errno
import json
import os

import krippendorff
import numpy as np
import pytest

import codebook as cb
from codebook.analysis.core.estimates import Bootstrap
from codebook.coding import CodingLog, assign, open_session, read_logs, write_assignment
from codebook.coding.coding_log import read_acts
from codebook.errors import MachineError, RecordError
from codebook.records import Unit

BOOK = """
name: posts
version: "1"
unit: a post
variables:
  - {name: topic, question: "Which topic?", kind: single, level: nominal, categories: [coal, sports, war],
     abstain: [unclear]}
"""
UNITS = [Unit(f"u{n}", f"text {n}") for n in range(60)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path))
    (tmp_path / "codebook.yaml").write_text(BOOK)
    write_assignment(assign(UNITS, ["ann", "ben"]), "codebook.yaml", UNITS)
    return tmp_path / "coding"


def lines(folder, coder="ann"):
    return (folder / "logs" / f"{coder}.jsonl").read_bytes().splitlines(keepends=True)


def code(coder, choose):
    with open_session(coder) as session:
        for unit in session:
            session.label(choose(unit.unit_id))


def test_what_a_kill_left_of_the_last_line_is_set_aside_and_said(folder):
    with open_session("ann") as session:
        session.label("coal")
    path = folder / "logs" / "ann.jsonl"
    path.write_bytes(path.read_bytes() + b'{"n": 3, "act": "lab')
    with open_session("ann") as session:
        view = session.view()
    assert "cut short" in view["message"]["text"]
    assert view["progress"]["done"] == 1
    assert [json.loads(line)["n"] for line in lines(folder)] == [1, 2, 3]
    [torn] = (folder / "logs").glob("ann.torn-*")
    assert torn.read_bytes() == b'{"n": 3, "act": "lab'


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda kept: [kept[0], b"{broken\n", *kept[2:]], "line 2: this is not a line of JSON"),
        (lambda kept: [kept[0], *kept[2:]], "line 2: it has the number 3"),
        (lambda kept: [kept[0], b'{"n": 2, "act": "fly"}\n', *kept[2:]], "line 2: 'fly' is not a valid entry"),
    ],
)
def test_a_line_that_is_broken_further_up_is_a_fault_with_its_number(folder, spoil, problem):
    with open_session("ann") as session:
        session.label("coal")
        session.label("war")
    path = folder / "logs" / "ann.jsonl"
    path.write_bytes(b"".join(spoil(lines(folder))))
    with pytest.raises(RecordError, match=problem):
        open_session("ann")
    assert not list((folder / "logs").glob("*.torn-*"))


@pytest.mark.parametrize("when", ["write", "half", "fsync"])
def test_a_full_disk_is_said_as_not_saved_and_nothing_moves_on(folder, monkeypatch, when):
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    write, fsync, log = os.write, os.fsync, folder / "logs" / "ann.jsonl"

    def fail(file, raw=b""):
        if when == "half":
            return write(file, raw[:7])
        if when == "fsync" and raw:
            return write(file, raw)
        raise full

    with open_session("ann") as session:
        session.label("coal")
        before = session.view(), log.read_bytes()
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", fail)
            if when == "fsync":
                patched.setattr(os, "fsync", lambda file: fail(file))
            message = {"seq": 1, "token": session.token, "shown_ms": 400, "act": "label", "label": "war"}
            view = session.act(message)
        assert view["message"]["kind"] == "error"
        assert view["message"]["text"].startswith("NOT SAVED. ")
        assert "the disk is full" in view["message"]["text"].lower()
        assert (view["unit"], log.read_bytes()) == (before[0]["unit"], before[1])
        assert os.fsync is fsync
        assert session.act(message | {"seq": 2})["progress"]["done"] == 2
    assert [act.get("label") for act in read_acts(log)[0]] == [None, "coal", "war"]


def test_a_log_that_another_program_changed_is_not_written_to(folder):
    with open_session("ann") as session:
        session.label("coal")
        path = folder / "logs" / "ann.jsonl"
        path.write_bytes(b"".join(lines(folder)[:1]))
        with pytest.raises(MachineError, match=r"NOT SAVED.*changed by another program"):
            session.label("war")


def test_a_folder_that_cannot_be_written_is_read_only_in_words(folder, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", "logs")

    monkeypatch.setattr("codebook.coding.coding_log.make_private", refuse)
    session = open_session("ann")
    view = session.view()
    assert view["read_only"]
    assert "may not read or write it" in view["message"]["text"]


def test_a_reader_sees_whole_lines_while_somebody_writes(folder):
    with open_session("ann") as session:
        session.label("coal")
        path = folder / "logs" / "ann.jsonl"
        assert len(read_logs().frame) == 1
        with path.open("ab") as file:
            file.write(b'{"n": 3')
        assert len(read_logs().frame) == 1


def test_skipped_is_no_code_and_open_is_no_row(folder):
    with open_session("ann") as session:
        session.label("coal")
        session.skip("a table")
        session.flag()
        session.note("why?", "topic")
        session.label("unclear")
    codings = read_logs()
    rows = codings.frame.drop(columns=["time", "seconds", "confidence"]).fillna("-")
    assert rows[["label", "why", "detail", "note", "flag"]].to_numpy().tolist() == [
        ["coal", "-", "", "", ""],
        ["-", "skipped", "a table", "", ""],
        ["unclear", "-", "", "why?", "yes"],
    ]
    assert codings.coverage == {"topic": {"labelled": 2, "skipped": 1}}
    assert "117 of 120 assigned units are open" in codings.notes[0]
    assert cb.codings.check_table(codings.frame)["label"].notna().sum() == 2


def test_labels_by_an_earlier_definition_are_listed_for_recoding_and_never_changed(folder, tmp_path):
    with open_session("ann") as session:
        for label in ("coal", "sports", "war"):
            session.label(label)
    (tmp_path / "codebook.yaml").write_text(BOOK.replace("sports, war", "sports, peace"))
    with open_session("ann") as session:
        view = session.act({"seq": 1, "act": "filter", "to": "recode"})
        assert (view["progress"]["recode"], view["recode"], view["answers"]) == (3, ["topic"], {"topic": "coal"})
        session.label("coal")
        assert session.progress()["recode"] == 2
    codings = read_logs()
    assert codings.frame["label"].fillna("-").tolist() == ["coal", "sports", "-"]
    assert codings.frame["why"].fillna("-").tolist() == ["-", "-", "invalid"]
    assert any("2 labels of topic were given under an earlier definition" in note for note in codings.notes)


def test_two_coders_give_the_alpha_of_their_table(folder):
    code("ann", lambda unit: ("coal", "sports", "war")[int(unit[1:]) % 3])
    code("ben", lambda unit: ("coal", "sports", "war")[int(unit[1:]) % 3 if int(unit[1:]) % 7 else 1])
    codings = read_logs()
    table = codings.frame.pivot(index="coder", columns="unit_id", values="label")
    codes = np.array([[["coal", "sports", "war"].index(label) for label in row] for row in table.to_numpy()])
    wanted = krippendorff.alpha(reliability_data=codes, level_of_measurement="nominal")
    result = cb.reliability(codings, resample=Bootstrap(10, seed=1))
    alpha = result.frame.set_index("coefficient").loc["alpha", "value"]
    assert abs(alpha - wanted) < 1e-12
    assert wanted < 0.95
    assert "Coded: 60 units by 2 coders." in codings.notes
    assert codings.people == ["ann", "ben"]


def test_a_log_is_opened_once_and_read_by_eye(folder):
    with CodingLog(folder / "logs" / "cem.jsonl") as log:
        log.append({"coder": "cem", "act": "open"})
    assert json.loads((folder / "logs" / "cem.jsonl").read_text())["act"] == "open"
