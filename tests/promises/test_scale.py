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
    """What `benchmarks/scale.py` measures, each stage in a process of its own."""
    command = [sys.executable, str(SCALE), "--json", "--units", str(FEW), str(MANY)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    return {int(n): found for n, found in json.loads(done.stdout).items()}


def test_every_unit_is_there_at_every_stage(figures: dict[int, dict[str, Any]]) -> None:
    for n, found in figures.items():
        assert found["counts"]["n_read"] == found["counts"]["n_lines"] == found["table"]["n_labelled"] == n
    assert figures[MANY]["counts"]["n_shards"] == 5
    assert figures[MANY]["sizes"]["shards"] > 100


@pytest.mark.parametrize(
    ("stage", "bound_mb"),
    [("plan", 45), ("plan again", 25), ("submit", 45), ("index", 45), ("collect", 45), ("table", 100), ("codings", 60)],
)
def test_memory_does_not_grow_with_the_units(figures: dict[int, dict[str, Any]], stage: str, bound_mb: float) -> None:
    """Peak memory of ten times the units is above that of the few by the texts and `bound_mb` at most.

    The digests by which repeated ids and texts are found (0.2 kB a unit) and the rows of one shard take 25 MB, and what
    the ledger holds of its pages 48 MB at most; the requests alone have 114 MB. The table is a frame in memory.
    """
    few, many = figures[FEW], figures[MANY]
    growth = many[stage]["peak_mb"] - few[stage]["peak_mb"]
    assert growth <= many["sizes"]["texts"] - few["sizes"]["texts"] + bound_mb


def test_every_stage_stays_in_little_memory(figures: dict[int, dict[str, Any]]) -> None:
    """Peak memory of the whole process: up to the codings, and of statistics with their figures."""
    peaks = {stage: figures[MANY][stage]["peak_mb"] for stage in figures[MANY] if "peak_mb" in figures[MANY][stage]}
    assert max(peaks[stage] for stage in ("plan", "submit", "index", "collect", "table", "codings")) < 250
    assert max(peaks[stage] for stage in ("reliability", "validity", "report")) < 290
