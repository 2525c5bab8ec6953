"""Macro-F1 with its bootstrap, beside the loop that resamples units and calls scikit-learn, in one run.

python benchmarks/analysis_validity.py [--units 5000] [--labels 10] [--loops 50]
"""

from __future__ import annotations

import argparse
from time import perf_counter

import numpy as np
import pandas as pd
from clock import clock
from sklearn.metrics import f1_score

from codebook.analysis import VariableSpec, validity
from codebook.analysis.against_gold.gold_cells import Cells, count_cells, read_pair
from codebook.analysis.against_gold.measures import OVERALL, measure_cells, overall_measures, resample_cells
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap

SEED, REPLICATES = 1, 1000
MACRO = OVERALL.index("macro F1")


def make_codes(n_units: int, n_labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes of gold and of a coder who is right in eight of ten units."""
    rng = np.random.default_rng(SEED)
    gold = rng.integers(n_labels, size=n_units)
    return gold, np.where(rng.random(n_units) < 0.8, gold, rng.integers(n_labels, size=n_units))


def make_table(gold: np.ndarray, coded: np.ndarray) -> pd.DataFrame:
    """The tidy table of both."""
    units = np.arange(len(gold)).astype(str)
    parts = [
        pd.DataFrame({"unit_id": units, "coder": coder, "label": codes.astype(str)})
        for coder, codes in (("gold", gold), ("m", coded))
    ]
    return pd.concat(parts, ignore_index=True).assign(variable="v", draw=0, why=None)


def loop(gold: np.ndarray, coded: np.ndarray, times: int) -> np.ndarray:
    """Macro F1 of units drawn with replacement, by scikit-learn."""
    rng, n = np.random.default_rng(SEED), len(gold)
    drawn = (rng.integers(n, size=n) for _ in range(times))
    return np.array([f1_score(gold[rows], coded[rows], average="macro") for rows in drawn])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=5000)
    parser.add_argument("--labels", type=int, default=10)
    parser.add_argument("--loops", type=int, default=50, help="replicates of the loop; 1,000 are extrapolated")
    options = parser.parse_args()
    gold, coded = make_codes(options.units, options.labels)
    table, labels = make_table(gold, coded), [str(label) for label in range(options.labels)]
    codings = Codings(table, [VariableSpec("v", "nominal", labels)], gold="gold")
    cells, bootstrap = count_cells(read_pair(codings, "m"), labels), Bootstrap(REPLICATES, 0.95, SEED)

    def macro(cells: Cells) -> np.ndarray:
        return resample_cells(
            [cells], lambda wide: lambda weights: overall_measures(weights, wide)[:, MACRO], bootstrap
        )

    alone = clock(lambda: macro(cells), 5, timer=perf_counter)
    every = clock(lambda: measure_cells(cells, bootstrap), 5, timer=perf_counter)
    whole = clock(lambda: validity(codings, "m", by="label", resample=bootstrap), 5, timer=perf_counter)
    theirs = clock(lambda: loop(gold, coded, options.loops), 2, timer=perf_counter) * REPLICATES / options.loops
    value = float(overall_measures(cells.weighted[None, :], cells)[0, MACRO])
    ours_sd, their_sd = macro(cells).std(), loop(gold, coded, options.loops).std()

    print(f"{options.units:,} gold units, {options.labels} labels, {REPLICATES:,} replicates, {len(cells.times)} cells")
    print(f"macro F1 {value:.6f}, scikit-learn {f1_score(gold, coded, average='macro'):.6f}")
    print(f"standard deviation of the replicates {ours_sd:.5f}, of the loop's {options.loops} {their_sd:.5f}")
    print(f"scikit-learn's loop (extrapolated)           {theirs:8.3f} s")
    print(f"macro F1 on cells                            {alone:8.4f} s   ratio {theirs / alone:6.0f}   (target 100)")
    print(f"all measures with intervals, baseline beside {every:8.4f} s   ratio {theirs / every:6.0f}")
    print(f"validity() from the table                    {whole:8.4f} s   ratio {theirs / whole:6.0f}")


if __name__ == "__main__":
    main()
