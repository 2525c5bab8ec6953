"""Agreement beside a loop over the krippendorff package, in one run: speed, memory, and coverage of the intervals.

python benchmarks/analysis_agreement.py [speed] [memory] [coverage]      (all three without a word)

Seconds are those of one processor (both sides in one thread), so that a busy machine says the same as an idle one.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy comes

import krippendorff
import numpy as np
import pandas as pd
from clock import clock
from memory import peak_mb

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import LabelCodes, read_codes
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.scales import Scale, VariableSpec
from codebook.analysis.reliability import reliability
from codebook.analysis.reliability.coefficients import COEFFICIENTS, estimate_coefficient
from codebook.analysis.reliability.krippendorff import pairable

REPLICATES, CODERS, MISSING, SEED = 1000, 3, 0.1, 1
LOOP = {1_000: 50, 10_000: 10, 100_000: 3}  # replicates of the loop that are measured, then scaled
LEAST = {1_000: 100, 10_000: 500, 100_000: 4000}  # how many times faster than the loop
UNDER = {"codes": 0.15, "strings": 1.0}  # s at a million units
MOST_MB = 300
N_MANY = 1_000_000

Row = tuple[str, str, str]


def make_codes(n_units: int, n_labels: int = 10) -> np.ndarray:
    """Codes of shape (n_units, CODERS), NaN where missing; coders agree on about two units in three."""
    rng = np.random.default_rng(SEED)
    truth = rng.integers(n_labels, size=(n_units, 1))
    own = rng.integers(n_labels, size=(n_units, CODERS))
    codes = np.where(rng.random((n_units, CODERS)) < 0.8, truth, own).astype(float)
    codes[rng.random((n_units, CODERS)) < MISSING] = np.nan
    return codes


def make_table(codes: np.ndarray) -> pd.DataFrame:
    """The same codes as a tidy table of plain strings."""
    n_units = len(codes)
    names = np.array([*label_names(10), None], dtype=object)
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


def make_codings(codes: np.ndarray, n_labels: int = 10) -> LabelCodes:
    """The same codes as integers."""
    n_units = len(codes)
    unit, coder = np.repeat(np.arange(n_units), CODERS), np.tile(np.arange(CODERS), n_units)
    code = np.where(np.isnan(codes), -1, np.nan_to_num(codes)).astype(np.int64).ravel()
    scale = Scale("nominal", tuple(label_names(n_labels)), n_declared=n_labels)
    coders = tuple(f"coder-{number}" for number in range(CODERS))
    return LabelCodes(scale, unit, coder, code, np.where(code < 0, 0, -1), pd.RangeIndex(n_units), coders, ("absent",))


def label_names(n_labels: int) -> list[str]:
    return [f"label {number}" for number in range(n_labels)]


def loop_over_library(codes: np.ndarray) -> float:
    """Seconds that REPLICATES calls of krippendorff.alpha on resampled units take, scaled from LOOP of them."""
    rng, runs = np.random.default_rng(SEED), LOOP[len(codes)]
    start = time.process_time()
    for _ in range(runs):
        drawn = codes[rng.integers(len(codes), size=len(codes))]
        krippendorff.alpha(reliability_data=drawn.T, value_domain=list(range(10)), level_of_measurement="nominal")
    return (time.process_time() - start) / runs * REPLICATES


def estimate(codings: LabelCodes, name: str = "alpha") -> object:
    return estimate_coefficient(pairable(codings), COEFFICIENTS[name], Bootstrap(REPLICATES, seed=SEED))


def speed() -> Iterator[Row]:
    """Alpha and 1000 replicates from integer codes beside the loop; a million units; other coefficients."""
    for n_units, least in LEAST.items():
        codes = make_codes(n_units)
        codings = make_codings(codes)
        own, loop = clock(lambda codings=codings: estimate(codings), 7), loop_over_library(codes)
        yield f"{n_units:,} units", f"{own:.3f} s, loop {loop:,.1f} s: {loop / own:,.0f} times", f">= {least:,} times"
    codings = make_codings(make_codes(N_MANY))
    yield f"{N_MANY:,} units, codes", f"{clock(lambda: estimate(codings), 7):.3f} s", f"< {UNDER['codes']} s"
    for name in ("ac1", "conger", "percent"):
        yield f"the same, {name}", f"{clock(lambda name=name: estimate(codings, name), 7):.3f} s", "none"
    table, labels = make_table(make_codes(N_MANY)), label_names(10)
    read = clock(lambda: read_codes(table, variable="topic", level="nominal", labels=labels), 7)
    everything = Codings(table, [VariableSpec("topic", "nominal", labels)])
    whole = clock(lambda: reliability(everything, coefficients=["alpha"]), 7)
    strings = f"{whole:.3f} s, of it reading {read:.3f} s"
    yield f"{N_MANY:,} units, {len(table):,} rows of strings", strings, f"< {UNDER['strings']:g} s"


def memory() -> Iterator[Row]:
    """Peak memory of a process that takes alpha of 100,000 units x 50 labels from codes."""
    done = subprocess.run([sys.executable, __file__, "child"], capture_output=True, text=True, check=True)
    yield "100,000 units x 50 labels, peak memory of the process", done.stdout.strip(), f"< {MOST_MB} MB"


def child() -> None:
    codings = make_codings(make_codes(100_000, 50), 50)
    before, start = peak_mb(), time.process_time()
    estimate(codings)
    seconds = time.process_time() - start
    print(f"{peak_mb():.0f} MB, {before:.0f} MB before; {seconds:.1f} s")


def draw_study(rng: np.random.Generator, n_units: int, per_cluster: int = 1) -> LabelCodes:
    """A simulated study: three coders, four labels with shares .4, .3, .2, .1, a coding in ten missing.

    Each coder gives the true label with probability .8, else one drawn from the same shares. Units of one cluster have
    the same codings.
    """
    shares, n = np.array([0.4, 0.3, 0.2, 0.1]), n_units // per_cluster
    truth, own = rng.choice(4, p=shares, size=(n, 1)), rng.choice(4, p=shares, size=(n, CODERS))
    codes = np.where(rng.random((n, CODERS)) < 0.8, truth, own).astype(float)
    codes[rng.random((n, CODERS)) < MISSING] = np.nan
    codings = make_codings(np.repeat(codes, per_cluster, axis=0), 4)
    return codings if per_cluster == 1 else replace(codings, cluster=np.arange(n_units) // per_cluster)


def covered(n_units: int, runs: int, *, seed: int, name: str = "alpha", replicates: int = 1000, **ends: str) -> float:
    """Share of simulated studies whose nominal 95 % interval holds the true value, that of 200,000 units."""
    rng, low, high = np.random.default_rng(seed), ends.get("low", "low"), ends.get("high", "high")
    how, coefficient = Bootstrap(replicates, seed=seed), COEFFICIENTS[name]
    true = estimate_coefficient(pairable(draw_study(rng, 200_000)), coefficient, Bootstrap(0))[0].value
    done = [estimate_coefficient(pairable(draw_study(rng, n_units)), coefficient, how)[0] for _ in range(runs)]
    return float(np.mean([getattr(each, low) <= true <= getattr(each, high) for each in done]))


def covered_in_clusters(runs: int) -> tuple[float, float]:
    """Coverage with 300 units in 100 clusters of three alike: units resampled, and clusters resampled."""
    rng, how, alpha = np.random.default_rng(SEED), Bootstrap(REPLICATES, seed=SEED), COEFFICIENTS["alpha"]
    true = estimate_coefficient(pairable(draw_study(rng, 200_000)), alpha, Bootstrap(0))[0].value
    held = np.zeros(2)
    for _ in range(runs):
        codings = draw_study(rng, 300, 3)
        for at, each in enumerate((replace(codings, cluster=np.empty(0, dtype=np.int64)), codings)):
            found = estimate_coefficient(pairable(each), alpha, how)[0]
            held[at] += found.low <= true <= found.high
    return float(held[0] / runs), float(held[1] / runs)


def coverage() -> Iterator[Row]:
    """Coverage of nominal 95 % intervals: at several numbers of units, of the jackknife, and in clusters."""
    for n_units in (50, 100, 300):
        for name in ("alpha", "ac1"):
            share = covered(n_units, 1000, seed=SEED, name=name)
            yield f"{name}, {n_units} units, 1000 studies, seed {SEED}", f"{share:.1%} covered", "92 to 98 %"
    yield "alpha, 20 units, bootstrap", f"{covered(20, 1000, seed=SEED):.1%} covered", "none"
    jackknife = covered(20, 1000, seed=SEED, low="jack_low", high="jack_high")
    yield "alpha, 20 units, the jackknife beside it", f"{jackknife:.1%} covered", "none"
    by_unit, by_cluster = covered_in_clusters(500)
    yield "alpha, 300 units in 100 clusters, units resampled", f"{by_unit:.1%} covered", "none: too narrow"
    yield "the same, clusters resampled", f"{by_cluster:.1%} covered", "92 to 98 %"


def main() -> None:
    parts = {"speed": speed, "memory": memory, "coverage": coverage}
    if sys.argv[1:] == ["child"]:
        return child()
    print(f"alpha, {CODERS} coders, 10 labels, {MISSING:.0%} missing, {REPLICATES} replicates, seed {SEED}")
    for name in sys.argv[1:] or parts:
        for about, found, wanted in parts[name]():
            print(f"{about:58} {found:46} wanted: {wanted}", flush=True)
    return None


if __name__ == "__main__":
    main()
