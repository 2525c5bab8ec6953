"""Alpha with 1000 bootstrap replicates, beside a loop over krippendorff.alpha on resampled units, in one run.

python benchmarks/reliability.py [--units 100000] [--loop 3]
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import krippendorff
import numpy as np
import pandas as pd
from memory import peak_mb

from codebook.analysis import krippendorff_alpha
from codebook.analysis.counts import read_codings
from codebook.analysis.reliability import Bootstrap, estimate_alpha, pairable

LABELS = [f"label {number}" for number in range(10)]
REPLICATES, CODERS, MISSING, SEED = 1000, 3, 0.1, 1


def make_codes(n_units: int) -> np.ndarray:
    """Codes of shape (n_units, CODERS), NaN where missing; coders agree on about two units in three."""
    rng = np.random.default_rng(SEED)
    truth = rng.integers(len(LABELS), size=(n_units, 1))
    own = rng.integers(len(LABELS), size=(n_units, CODERS))
    codes = np.where(rng.random((n_units, CODERS)) < 0.8, truth, own).astype(float)
    codes[rng.random((n_units, CODERS)) < MISSING] = np.nan
    return codes


def make_table(codes: np.ndarray) -> pd.DataFrame:
    """The same codes as a tidy table of plain strings."""
    n_units = len(codes)
    names = np.append(np.array(LABELS, dtype=object), None)
    missing = np.isnan(codes).ravel()
    return pd.DataFrame(
        {
            "unit_id": pd.array(np.repeat([f"unit-{number:07d}" for number in range(n_units)], CODERS), dtype="str"),
            "coder": pd.array(np.tile([f"coder-{number}" for number in range(CODERS)], n_units), dtype="str"),
            "variable": pd.array(np.full(n_units * CODERS, "topic"), dtype="str"),
            "label": pd.array(names[np.where(missing, -1, np.nan_to_num(codes.ravel())).astype(int)], dtype="str"),
            "draw": 0,
            "why": pd.array(np.where(missing, "absent", None), dtype="str"),
        }
    )


def clock(work: Callable[[], object], repeats: int = 3) -> float:
    """Seconds of the fastest of some runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def loop_over_library(codes: np.ndarray, replicates: int) -> float:
    """Seconds that `replicates` calls of krippendorff.alpha on resampled units take."""
    rng = np.random.default_rng(SEED)
    start = time.perf_counter()
    for _ in range(replicates):
        drawn = codes[rng.integers(len(codes), size=len(codes))]
        krippendorff.alpha(
            reliability_data=drawn.T, value_domain=list(range(len(LABELS))), level_of_measurement="nominal"
        )
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=100_000)
    parser.add_argument("--loop", type=int, default=3, help="replicates of the loop that are measured, then scaled")
    options = parser.parse_args()
    codes = make_codes(options.units)
    table = make_table(codes)
    before = peak_mb()

    whole = clock(lambda: krippendorff_alpha(table, variable="topic", level="nominal", labels=LABELS))
    codings = read_codings(table, variable="topic", level="nominal", labels=LABELS)
    how = Bootstrap(REPLICATES)
    from_codes = clock(lambda: estimate_alpha(pairable(codings), how))
    after = peak_mb()
    estimate = krippendorff_alpha(table, variable="topic", level="nominal", labels=LABELS)
    loop = loop_over_library(codes, options.loop) / options.loop * REPLICATES

    print(estimate)
    print(f"{options.units:,} units x {CODERS} coders x {len(LABELS)} labels, {MISSING:.0%} missing, B = {REPLICATES}")
    print(f"from a string frame of {len(table):,} rows   {whole:9.3f} s   (target < 1 s at 100,000 units)")
    print(f"from integer codes                    {from_codes:9.3f} s")
    print(f"loop over krippendorff.alpha          {loop:9.1f} s   (scaled from {options.loop} replicates)")
    print(f"ratio, replicates from codes          {loop / from_codes:9,.0f}     (target >= 1000)")
    print(f"ratio, with reading the string frame  {loop / whole:9,.0f}")
    print(f"peak memory before, after             {before:6.0f}, {after:.0f} MB")


if __name__ == "__main__":
    main()
