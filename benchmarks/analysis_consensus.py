"""Dawid-Skene beside crowd-kit, or where that is not installed beside a flat EM written here, in one run.

python benchmarks/analysis_consensus.py

Seconds are those of one processor. crowd-kit is no dependency: install it in an environment of its own to be held
against it. Both sides start from the same codings; the number of steps and the log-likelihood are printed, since
crowd-kit ends earlier.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator

if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # before numpy comes

import numpy as np
import pandas as pd

from codebook.analysis.core.patterns import collapse
from codebook.analysis.joining.dawid_skene import fit_dawid_skene

N_UNITS, N_CODERS, N_LABELS, SEED = 100_000, 3, 10, 1
LEAST = 20  # times faster than the other
Row = tuple[str, str, str]


def make_codes(n_units: int = N_UNITS) -> np.ndarray:
    """Codes of three coders who are right in .85, .8 and .75 of the units, shape (n_units, N_CODERS)."""
    rng = np.random.default_rng(SEED)
    truth, own = rng.integers(N_LABELS, size=(n_units, 1)), rng.integers(N_LABELS, size=(n_units, N_CODERS))
    return np.where(rng.random((n_units, N_CODERS)) < [0.85, 0.8, 0.75], truth, own)


def own(codes: np.ndarray) -> tuple[int, float]:
    """Steps and log-likelihood by patterns, the collapsing included."""
    unit, coder = np.repeat(np.arange(len(codes)), N_CODERS), np.tile(np.arange(N_CODERS), len(codes))
    patterns = collapse(unit, coder * N_LABELS + codes.ravel(), N_CODERS * N_LABELS)
    fit = fit_dawid_skene(patterns.counts.reshape(-1, N_CODERS, N_LABELS), patterns.times)
    return len(fit.traced), fit.log_likelihood


def flat(codes: np.ndarray, steps: int) -> tuple[int, float]:
    """EM unit by unit, all units at once in numpy: no patterns, the same start and number of steps."""
    posterior = np.eye(N_LABELS)[codes].mean(axis=1)
    for _ in range(steps):
        prior = posterior.mean(axis=0)
        scores = np.tile(np.log(prior), (len(codes), 1))
        for coder in range(N_CODERS):
            given = np.stack([np.bincount(codes[:, coder], column, N_LABELS) for column in posterior.T])
            errors = given / given.sum(axis=1, keepdims=True)
            scores += np.log(np.maximum(errors, 1e-300)).T[codes[:, coder]]
        top = scores.max(axis=1, keepdims=True)
        chances = np.exp(scores - top)
        whole = chances.sum(axis=1, keepdims=True)
        posterior = chances / whole
    return steps, float((np.log(whole) + top).sum())


def crowd_kit(codes: np.ndarray) -> tuple[int, float]:
    """Steps and lower bound of crowd-kit's DawidSkene."""
    from crowdkit.aggregation import DawidSkene

    frame = pd.DataFrame(
        {
            "task": np.repeat(np.arange(len(codes)), N_CODERS),
            "worker": np.tile(np.arange(N_CODERS), len(codes)),
            "label": codes.ravel(),
        }
    )
    model = DawidSkene(n_iter=1000).fit(frame)
    return len(model.loss_history_), float(model.loss_history_[-1])


def clock(work: Callable[[], tuple[int, float]]) -> tuple[float, int, float]:
    start = time.process_time()
    steps, likelihood = work()
    return time.process_time() - start, steps, likelihood


def speed() -> Iterator[Row]:
    codes = make_codes()
    seconds, steps, likelihood = min(clock(lambda: own(codes)) for _ in range(3))
    yield "by patterns", f"{seconds:.3f} s, {steps} steps, log-likelihood {likelihood:,.2f}", "none"
    for name, work in (("flat numpy, same steps", lambda: flat(codes, steps)), ("crowd-kit", lambda: crowd_kit(codes))):
        try:
            other, taken, reached = clock(work)
        except ImportError:
            yield name, "not installed", f">= {LEAST} times"
            continue
        said = f"{other:.2f} s, {taken} steps, {reached:,.2f}: {other / seconds:,.0f} times"
        yield name, said, f">= {LEAST} times"


def main() -> None:
    print(f"Dawid-Skene, {N_UNITS:,} units x {N_CODERS} coders, {N_LABELS} labels, seed {SEED}")
    for about, found, wanted in speed():
        print(f"{about:26} {found:66} wanted: {wanted}", flush=True)


if __name__ == "__main__":
    main()
