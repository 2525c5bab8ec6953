"""A process that codes is killed again and again: what was acknowledged is there, once, and the same unit is shown."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from codebook.coding import assign, open_session, write_assignment
from codebook.coding.coding_log import read_acts
from codebook.records import Unit
from codebook.scheme import parse_codebook

SUPPORT = Path(__file__).parents[1] / "support"
BOOK = parse_codebook("""
name: posts
unit: a post
variables:
  - {name: topic, question: "Which topic?", kind: single, level: nominal, categories: [coal, sports]}
""")
UNITS = [Unit(f"u{n}", f"text {n}") for n in range(5_000)]
N_KILLS = 50


@pytest.fixture
def coder(tmp_path, monkeypatch):
    """The program that forks one who codes, for each line that it reads."""
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path))
    words = [sys.executable, str(SUPPORT / "coding_child.py")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as program:
        yield program
        program.stdin.close()
    assert program.returncode == 0


def code_until_killed(coder, n_acts):
    """Let a process code, kill it when it has said so many acts, and return what it said was saved."""
    coder.stdin.write("code\n")
    coder.stdin.flush()
    process = int(coder.stdout.readline().removeprefix("shown "))
    lines = [coder.stdout.readline() for _ in range(n_acts)]
    os.kill(process, signal.SIGKILL)
    lines += iter(coder.stdout.readline, "dead\n")
    return [line.split() for line in lines]


def is_where_it_was(said, acts, shown):
    """Check that the work goes on where the dead process was, which may have written one act that it did not say."""
    if not said:
        return False
    unsaid = [act for act in acts if act["n"] > int(said[-1][1])]
    assert len(unsaid) <= 1
    if not unsaid:
        assert shown == said[-1][3]
    elif unsaid[0]["act"] == "label":
        assert unsaid[0]["unit"] == said[-1][3] != shown
    else:
        assert unsaid[0]["unit"] == shown
    return True


@pytest.mark.slow
def test_no_acknowledged_act_is_lost_or_doubled_by_fifty_kills(tmp_path, coder):
    write_assignment(assign(UNITS, ["ann"]), BOOK, UNITS)
    chance, acknowledged, n_same = random.Random(4), {}, 0
    log = tmp_path / "coding" / "logs" / "ann.jsonl"
    for _ in range(N_KILLS):
        said = code_until_killed(coder, chance.randint(1, 60))
        acknowledged |= {int(number): unit for _, number, unit, _ in said}
        acts, _ = read_acts(log)
        with open_session("ann", read_only=True) as session:
            n_same += is_where_it_was(said, acts, session.unit.unit_id)
    acts, _ = read_acts(log)
    units = {act["n"]: act.get("unit") for act in acts}
    assert {n: units.get(n) for n in acknowledged} == acknowledged
    assert len(acts) <= len(acknowledged) + 2 * N_KILLS
    assert len(acknowledged) > N_KILLS
    assert n_same > N_KILLS / 2
