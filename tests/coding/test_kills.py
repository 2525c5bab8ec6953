"""A process that codes is killed again and again: what was acknowledged is there, once, and the same unit is shown."""

import os
import random
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


def code_until_killed(folder, n_acts):
    """Let a process code, kill it when it has said so many acts, and return what it said was saved."""
    words = [sys.executable, str(SUPPORT / "coding_child.py")]
    environment = {**os.environ, "CODEBOOK_PROJECT": str(folder), "PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=folder, env=environment) as child:
        child.stdout.readline()
        lines = [child.stdout.readline() for _ in range(n_acts)]
        child.kill()
        lines += child.stdout.read().splitlines(keepends=True)
    return [line.split() for line in lines if line.endswith("\n")]


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
def test_no_acknowledged_act_is_lost_or_doubled_by_fifty_kills(tmp_path, monkeypatch):
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path))
    write_assignment(assign(UNITS, ["ann"]), BOOK, UNITS)
    chance, acknowledged, n_same = random.Random(4), {}, 0
    log = tmp_path / "coding" / "logs" / "ann.jsonl"
    for _ in range(N_KILLS):
        said = code_until_killed(tmp_path, chance.randint(1, 60))
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
