"""Every benchmark runs as it stands: with small sizes here, so that a renamed verb does not leave one behind."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
HERE_IF_OURS = """
apart = measure_apart
measure_apart = lambda work, way, *rest: (apart if way in PEERS or work == "whole" else measure)(work, way, *rest[:2])
"""
"""Measures in one process what is measured in one of its own each; `whole` still is."""
NO_RAY = """
compare_all = compare
compare = lambda ways, *rest: compare_all(ways[1:], *rest)
"""
"""The way of processes, which calls what that of Ray does; Ray itself takes half a minute, and has `test_ray.py`."""
FEW_NAMES = """
TASKS["some"] = lambda: [task._replace(mentions=task.mentions.head(300)) for task in countries()[:2]]
"""
"""With a list and without one."""
DEJAVU = """
import matplotlib
PRINTS = {"DejaVu Serif": (matplotlib.get_data_path() + "/fonts/ttf/DejaVuSerif.ttf", 9.0)}
GUTTERS, LINES = (5,), 18
"""
"""A print that is everywhere."""
SMALL = {
    "analysis_agreement": ("LOOP, LEAST, N_MANY = {200: 2}, {200: 1}, 2000", ["speed"], "times"),
    "analysis_association": ("N_UNITS = 300", [], "two coders compared"),
    "analysis_consensus": ("N_UNITS = 300", [], "flat numpy, same steps"),
    "analysis_correction": ("", ["--units", "3000"], "ratio, statsmodels"),
    "analysis_validity": ("", ["--units", "200", "--loops", "2"], "ratio"),
    "batch": (HERE_IF_OURS, ["--units", "40", "--runs", "1"], "ours, harvest"),
    "chain": ("", ["--rows", "12", "--steps", "submit, collect, validity", "--no-repeat"], "ratio"),
    "cluster": (NO_RAY, ["--lines", "40", "--runs", "1", "--kill"], "over the ideal"),
    "coding_form": ("", ["--units", "3"], "codebook code"),
    "coverage": ("STUDIES, HOW, N_TRUE, UNITS = 3, Bootstrap(20), 500, (20,)", ["validity"], "50 gold units"),
    "documents": ("", ["--documents", "3"], '"n_written": 3'),
    "embedded": ("TEXTS = Path('few.csv')", [], "requests/s"),
    "entities": (FEW_NAMES, ["some"], "peak memory"),
    "gutters": (DEJAVU, ["--dpi", "150"], "over .03: 0 of 1 pages"),
    "live": ("SIZES, SECONDS = {8: (40, 40, 40)}, 1", ["--rounds", "1"], "no headers"),
    "vectors": ("N_TEXTS, N_QUERIES, SIZES, MANY = 192, 10, ((16, 400),), (400,)", [], "vectors 192"),
}
"""What is made small, the words of the command, and what is printed."""
PARTS = {"analysis", "batch_ways", "cluster_ways", "clock", "instant", "memory", "scale"}
"""One that starts others, and what they share; `test_scale.py` runs that of scale."""


def test_none_is_left_out() -> None:
    assert {path.stem for path in BENCHMARKS.glob("*.py")} == set(SMALL) | PARTS


@pytest.mark.parametrize("name", SMALL)
def test_it_runs(name: str, tmp_path: Path) -> None:
    small, words, printed = SMALL[name]
    path = BENCHMARKS / f"{name}.py"
    source = path.read_text(encoding="utf-8").replace("Path(__file__)", f"Path({str(path)!r})")
    head, sign, main = source.rpartition('if __name__ == "__main__":\n')
    script = tmp_path / path.name  # children of it are as small
    script.write_text(f"{head}{small}\n{sign}{main}", encoding="utf-8")
    with (tmp_path / "few.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["text"], *([f"The match number {n} ended in a draw."] for n in range(5))])
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(BENCHMARKS), os.environ["PYTHONPATH"]])}
    command = [sys.executable, str(script), *words]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert printed in done.stdout
