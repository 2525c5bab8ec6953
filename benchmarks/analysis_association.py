"""Association of labels: how long co-occurrence, a whole table and the difference of two coders take.

python benchmarks/analysis_association.py

Seconds are those of one processor (one thread), so that a busy machine says the same as an idle one.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy comes

import json

import numpy as np
import pandas as pd
from clock import clock

from codebook.analysis import Codings, VariableSpec, compare_association, correlogram
from codebook.analysis.association.pair_statistics import associate

N_UNITS, N_LABELS, SEED = 100_000, 30, 1
VARIABLE = VariableSpec("frames", "nominal", [f"label {number}" for number in range(N_LABELS)], kind="multi")

Row = tuple[str, str, str]


def make_frame() -> pd.DataFrame:
    """0/1 columns of one coder, each label given to a tenth of the units."""
    given = np.random.default_rng(SEED).random((N_UNITS, N_LABELS)) < 0.1
    units = [f"unit-{number:06d}" for number in range(N_UNITS)]
    index = pd.MultiIndex.from_product([units, ["ann"]], names=["unit_id", "coder"])
    columns = pd.MultiIndex.from_product([["frames"], VARIABLE.labels or []], names=["variable", "label"])
    return pd.DataFrame(given.astype(float), index=index, columns=columns)


def make_table(frame: pd.DataFrame, coder: str) -> pd.DataFrame:
    """The same as a tidy table of JSON lists."""
    labels = np.array(VARIABLE.labels, dtype=object)
    lists = [json.dumps(labels[row > 0].tolist()) for row in frame.to_numpy()]
    units = frame.index.get_level_values("unit_id")
    fixed = {"coder": coder, "variable": "frames", "draw": 0, "why": None}
    return pd.DataFrame({"unit_id": units, "label": pd.array(lists, dtype="str")}).assign(**fixed)


def loop(frame: pd.DataFrame, n_pairs: int = 10) -> float:
    """Seconds that pandas' cross table of every two columns takes, scaled from some of them."""
    start = time.process_time()
    for at in range(n_pairs):
        pd.crosstab(frame.iloc[:, at], frame.iloc[:, at + 1])
    return (time.process_time() - start) / n_pairs * N_LABELS * (N_LABELS - 1) / 2


def speed() -> Iterator[Row]:
    """Every two of 30 labels on 1e5 units: from columns, from the tidy table, and two coders compared."""
    frame = make_frame()
    values = frame.to_numpy()
    cells = clock(lambda: values.T @ values)
    own, naive = clock(lambda: associate(frame, set())), loop(frame)
    yield "co-occurrence, 30 labels x 1e5 units", f"{cells:.3f} s", "well under 1 s"
    yield "phi, Jaccard, lift, p of all pairs", f"{own:.3f} s, crosstab loop {naive:.1f} s", "well under 1 s"
    table = make_table(frame, "ann")
    whole = clock(lambda: correlogram(Codings(table, [VARIABLE])), 1)
    yield "the same from JSON lists", f"{whole:.2f} s", "none"
    noisy = frame.where(np.random.default_rng(2).random(frame.shape) < 0.9, 0.0)
    both = pd.concat([table, make_table(noisy, "m")], ignore_index=True)
    pair = clock(lambda: compare_association(Codings(both, [VARIABLE]), ["ann", "m"]), 1)
    yield "two coders compared, 1000 replicates", f"{pair:.1f} s", "none"


if __name__ == "__main__":
    for row in speed():
        print(" | ".join(row))
