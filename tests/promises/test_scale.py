"""Fifty thousand units: planned, written as shards, read back and answered in a memory that does not grow with them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

SCALE = Path(__file__).parents[2] / "benchmarks" / "scale.py"
FEW, MANY = 5_000, 50_000


@pytest.fixture(scope="module")
def figures() -> dict[int, dict[str, Any]]:
    """What `benchmarks/scale.py` measures, each number of units in a process of its own."""
    commands = {n: [sys.executable, str(SCALE), "--units", str(n)] for n in (FEW, MANY)}
    done = {n: subprocess.run(command, capture_output=True, text=True, timeout=1800) for n, command in commands.items()}
    assert [one.stderr for one in done.values() if one.returncode] == []
    return {n: json.loads(one.stdout) for n, one in done.items()}


def test_every_unit_is_there_at_every_stage(figures: dict[int, dict[str, Any]]) -> None:
    for n, found in figures.items():
        assert found["n_read"] == found["n_lines"] == found["n_labelled"] == n
    assert figures[MANY]["n_shards"] == 5
    assert figures[MANY]["shards_mb"] > 100


@pytest.mark.parametrize(
    ("stage", "bound_mb"),
    [("plan", 25), ("plan again", 25), ("read back", 25), ("submit", 25), ("index", 25), ("table", 200)],
)
def test_memory_does_not_grow_with_the_units(figures: dict[int, dict[str, Any]], stage: str, bound_mb: float) -> None:
    """Peak memory of ten times the units is above that of the few by the texts and `bound_mb` at most.

    The 25 MB are the digests by which repeated ids and texts are found (0.2 kB a unit) and the rows of one shard; the
    requests alone have 114 MB. The table is a frame in memory: 4 kB a row are allowed.
    """
    few, many = figures[FEW], figures[MANY]
    growth = many["peak_mb"][stage] - few["peak_mb"][stage]
    assert growth <= many["texts_mb"] - few["texts_mb"] + bound_mb


def test_planning_and_table_stay_below_400_mb(figures: dict[int, dict[str, Any]]) -> None:
    """Peak memory of the whole process, from planning to the table."""
    assert max(figures[MANY]["peak_mb"].values()) < 400
