"""A corrected logistic regression, beside statsmodels' logit on the model's labels alone, in one run.

python benchmarks/analysis_correction.py [--units 100000]
"""

from __future__ import annotations

import argparse
from time import perf_counter

import numpy as np
import pandas as pd
import statsmodels.api as sm
from clock import clock
from memory import peak_mb

from codebook.analysis.correction import Fitting, LabelColumns, correct
from codebook.analysis.correction.inputs import read_inputs
from codebook.analysis.correction.model_matrix import build_design
from codebook.analysis.correction.moments import fit_parts
from codebook.sampling import draw_gold

SEED, SHARE, FORMULA = 1, 0.02, "y ~ gold + x + g"


def make_data(n_units: int) -> pd.DataFrame:
    """Units with a label as covariate, a fiftieth of them gold, drawn by the model's label."""
    rng = np.random.default_rng(SEED)
    truth = rng.random(n_units) < 0.3
    predicted = np.where(rng.random(n_units) < 0.85, truth, ~truth)
    x, g = rng.normal(size=n_units), rng.integers(2, size=n_units)
    y = rng.random(n_units) < 1 / (1 + np.exp(-(0.5 * truth + 0.3 * x - 0.2 * g)))
    data = pd.DataFrame({"unit_id": np.arange(n_units).astype(str), "y": y.astype(float), "x": x, "g": g})
    data["predicted"] = predicted.astype(float)
    sample = draw_gold(data.assign(label=predicted.astype(str)), int(SHARE * n_units), "by_label", seed=SEED).frame
    data = data.merge(sample[["unit_id", "prob"]], on="unit_id", how="left")
    data["gold"] = np.where(data["prob"].notna(), truth, np.nan)
    return data.assign(cluster=rng.integers(n_units // 100, size=n_units))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=100_000)
    options = parser.parse_args()
    data = make_data(options.units)
    inputs = read_inputs(data, LabelColumns(cluster="cluster"), ["g", "x", "y"])
    design = build_design(FORMULA, inputs, gold=["gold"], predicted=["predicted"], family="logistic")
    before = peak_mb()

    whole = clock(lambda: correct(data, FORMULA, family="logistic"), timer=perf_counter)
    clustered = clock(
        lambda: correct(data, FORMULA, family="logistic", columns=LabelColumns(cluster="cluster")), timer=perf_counter
    )
    fitting = Fitting(folds=5, splits=10)
    crossed = clock(lambda: correct(data, FORMULA, family="logistic", fitting=fitting), 1, timer=perf_counter)
    solver = clock(
        lambda: fit_parts(design.corrected_parts(), "logistic", np.arange(options.units)), timer=perf_counter
    )
    after = peak_mb()
    model = sm.GLM(design.y, design.x, family=sm.families.Binomial())
    library = clock(lambda: model.fit(cov_type="HC0"), timer=perf_counter)

    n_gold = int(data["gold"].notna().sum())
    print(f"{options.units:,} units, {n_gold:,} gold, {FORMULA}, logistic")
    print(f"correct(): formula, checks, three fits       {whole:8.3f} s")
    print(f"the same with clusters                       {clustered:8.3f} s")
    print(f"the same with 5 folds, 10 splits             {crossed:8.3f} s")
    print(f"corrected fit alone, from matrices           {solver:8.3f} s   (target < 0.24 s at 100,000 units)")
    print(f"statsmodels GLM on model labels, from matrices {library:6.3f} s   (one fit, no correction)")
    print(f"ratio, statsmodels / corrected fit           {library / solver:8.2f}")
    print(f"peak memory before, after                    {before:6.0f}, {after:.0f} MB")


if __name__ == "__main__":
    main()
