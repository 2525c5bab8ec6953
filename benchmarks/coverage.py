"""How often 95 % intervals hold the truth, above all at the edges: rare labels, few units, good models, few clusters.

python benchmarks/coverage.py [agreement] [validity] [design]      (all three without a word)

Each figure is the share of simulated studies whose interval holds the true value, among those that have one; in round
brackets the share of studies without an interval (all codings have one label). Wanted are .92 to .98.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from codebook.analysis.against_gold.gold_cells import Cells
from codebook.analysis.against_gold.measures import measure_cells
from codebook.analysis.core.counts import LabelCodes
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.scales import Scale
from codebook.analysis.core.standard_errors import count_members
from codebook.analysis.reliability.coefficients import COEFFICIENTS, estimate_coefficient
from codebook.analysis.reliability.krippendorff import pairable

STUDIES, HOW, SEED = 500, Bootstrap(500), 1
N_TRUE = 200_000  # units from which the true value is taken
WRONG = 0.1515  # of a coder's labels: then alpha is .72, whatever the shares of the labels
COUNTED = ("alpha", "ac1", "fleiss", "percent")
SHARES, UNITS, CODERS = (0.5, 0.1, 0.02), (20, 50, 100, 300), (2, 3)

Held = dict[str, list[tuple[float, float, float]]]
"""Of each figure the true value and the ends of an interval, study by study."""


def draw_codings(
    rng: np.random.Generator, n_units: int, shares: np.ndarray, n_coders: int, size: int = 1
) -> LabelCodes:
    """Labels of coders who each give the true one or, seldom, one drawn by its share; in clusters of `size` alike."""
    n_labels, n = len(shares), -(-n_units // size)
    truth = np.repeat(rng.choice(n_labels, p=shares, size=(n, 1)), size, axis=0)[:n_units]
    hard = (
        np.repeat(rng.random((n, 1)) < 0.5, size, axis=0)[:n_units] if size > 1 else np.ones((n_units, 1), dtype=bool)
    )
    wrong = rng.random((n_units, n_coders)) < np.where(hard, WRONG * (2 if size > 1 else 1), 0)
    code = np.where(wrong, rng.choice(n_labels, p=shares, size=(n_units, n_coders)), truth).ravel()
    scale = Scale("nominal", tuple(f"label {at}" for at in range(n_labels)), n_declared=n_labels)
    unit, coder = np.repeat(np.arange(n_units), n_coders), np.tile(np.arange(n_coders), n_units)
    cluster = np.arange(n_units) // size if size > 1 else np.empty(0, dtype=np.int64)
    names = tuple(f"coder {at}" for at in range(n_coders))
    return LabelCodes(scale, unit, coder, code, np.full(len(code), -1), np.arange(n_units), names, (), cluster)  # type: ignore[arg-type]


def agree(n_units: int, shares: np.ndarray, n_coders: int, size: int = 1) -> Held:
    """Coefficients of agreement in simulated studies."""
    rng, held = np.random.default_rng(SEED), Held()
    whole = pairable(draw_codings(rng, N_TRUE, shares, n_coders, size))
    true = {name: estimate_coefficient(whole, COEFFICIENTS[name], Bootstrap(0))[0].value for name in COUNTED}
    for _ in range(STUDIES):
        pairs = pairable(draw_codings(rng, n_units, shares, n_coders, size))
        for name in COUNTED:
            estimate, _ = estimate_coefficient(pairs, COEFFICIENTS[name], HOW)
            held.setdefault(name, []).append((true[name], estimate.low, estimate.high))
    return held


def meet(share: float, right: float, n_gold: int = 50) -> Held:
    """Validity of a model that is right in this share of the yes and of the no, in simulated studies."""
    cells = [share * right, share * (1 - right), (1 - share) * (1 - right), (1 - share) * right]
    rng, whole = np.random.default_rng(SEED), _cells(np.round(np.array(cells) * 1e9).astype(np.int64))
    return _measure(whole, (_cells(rng.multinomial(n_gold, cells)) for _ in range(STUDIES)))


def _cells(times: np.ndarray, **design: Any) -> Cells:
    """Yes and no of gold and model: hit, miss, false alarm, right no, once for each stratum."""
    gold, coded = (np.tile(part, len(times) // 4) == 1 for part in ([1, 1, 0, 0], [1, 0, 1, 0]))
    gold, coded = (np.stack([each, ~each], axis=1) for each in (gold, coded))
    return Cells(("yes", "no"), gold, coded, np.ones(len(times), dtype=bool), times, int(times.sum()), **design)


def _measure(whole: Cells, studies: Iterator[Cells]) -> Held:
    """Accuracy, and recall, precision, F1 and share of the yes."""

    def figures(cells: Cells, how: Bootstrap) -> dict[str, tuple[float, float, float]]:
        measures = measure_cells(cells, how)
        labels = {name: measures.by_label[name][0] for name in ("recall", "precision", "f1", "prevalence")}
        every = {"accuracy": measures.overall["accuracy"], **labels}
        return {name: (each.value, each.low, each.high) for name, each in every.items()}

    true, held = {name: each[0] for name, each in figures(whole, Bootstrap(0)).items()}, Held()
    for cells in studies:
        for name, (_, low, high) in figures(cells, HOW).items():
            held.setdefault(name, []).append((true[name], low, high))
    return held


def meet_strata(n_strata: int, n_gold: int, n_units: int, share: float, *, by_label: bool) -> Held:
    """Gold drawn from strata: by the model's label, half of the gold each; or from many of like size."""
    rng, right = np.random.default_rng(SEED), 0.95
    inside = np.array([share * right, share * (1 - right), (1 - share) * (1 - right), (1 - share) * right])
    population = rng.multinomial(n_units // (1 if by_label else n_strata), inside, size=1 if by_label else n_strata)
    strata = np.concatenate([population * [1, 0, 1, 0], population * [0, 1, 0, 1]]) if by_label else population
    sizes = strata.sum(axis=1)
    often = np.full(2, n_gold // 2) if by_label else np.array([2 + at % 4 for at in range(n_strata)])
    stratum = np.repeat(np.arange(len(strata)), 4)
    weight = np.repeat(sizes / often, 4)

    def study() -> Cells:
        times = np.array([rng.multivariate_hypergeometric(each, n) for each, n in zip(strata, often, strict=True)])
        return _cells(times.ravel(), weight=weight / np.average(weight, weights=times.ravel()), stratum=stratum)

    return _measure(_cells(strata.ravel()), (study() for _ in range(STUDIES)))


def meet_clusters(n_clusters: int, size: int = 10) -> Held:
    """Units in clusters, of which some are harder for the model than others."""
    rng, yes = np.random.default_rng(SEED), 0.3
    whole = _cells(np.round(np.array([yes * 0.9, yes * 0.1, 0.7 * 0.1, 0.7 * 0.9]) * 1e9).astype(np.int64))

    def study() -> Cells:
        right = rng.beta(4.5, 0.5, size=(n_clusters, 1))
        gold, hit = rng.random((n_clusters, size)) < yes, rng.random((n_clusters, size)) < right
        cell = np.where(gold, np.where(hit, 0, 1), np.where(hit, 3, 2)).ravel()
        cells = _cells(np.bincount(cell, minlength=4))
        return Cells(**{**vars(cells), "members": count_members(np.repeat(np.arange(n_clusters), size), cell, 4)})

    return _measure(whole, (study() for _ in range(STUDIES)))


def say(about: str, held: Held) -> str:
    """A row of a Markdown table."""
    cells = []
    for rows in held.values():
        true, low, high = np.array(rows).T
        known = ~np.isnan(low)
        share = float(((low <= true) & (true <= high))[known].mean()) if known.any() else float("nan")
        none = f" ({1 - known.mean():.0%})" if not known.all() else ""
        cells.append(f"{share:.3f}{none}")
    return f"| {about} | {' | '.join(cells)} |"


def head(*names: str) -> str:
    return f"| studies | {' | '.join(names)} |\n|{'---|' * (len(names) + 1)}"


def agreement() -> Iterator[str]:
    yield head(*COUNTED)
    for share, n_units, n_coders in product(SHARES, UNITS, CODERS):
        about = f"label of {share:g}, {n_units} units, {n_coders} coders"
        yield say(about, agree(n_units, np.array([1 - share, share]), n_coders))
    for n_labels, n_coders in ((3, 3), (5, 2), (5, 5), (20, 2), (20, 3)):
        shares = 1 / np.arange(1, n_labels + 1)
        yield say(f"{n_labels} labels, 50 units, {n_coders} coders", agree(50, shares / shares.sum(), n_coders))
    for n_clusters in (10, 30):
        about = f"3 labels, 3 coders, {n_clusters} clusters of 10"
        yield say(about, agree(10 * n_clusters, np.array([0.5, 0.3, 0.2]), 3, 10))


def validity() -> Iterator[str]:
    yield head("accuracy", "recall", "precision", "F1", "share")
    for share, right in product((0.3, 0.1), (0.8, 0.95, 0.98)):
        yield say(f"50 gold units, {share:.0%} yes, right in {right:g}", meet(share, right))


def design() -> Iterator[str]:
    yield head("accuracy", "recall", "precision", "F1", "share")
    for share in (0.3, 0.05):
        about = f"200 gold by the model's label of 10,000, {share:.0%} yes"
        yield say(about, meet_strata(2, 200, 10_000, share, by_label=True))
    yield say("60 strata of 2 to 5 gold units, 30% yes", meet_strata(60, 0, 12_000, 0.3, by_label=False))
    for n_clusters in (10, 30):
        yield say(f"{n_clusters} clusters of 10", meet_clusters(n_clusters))


def main() -> None:
    parts = {"agreement": agreement, "validity": validity, "design": design}
    print(
        f"Share of {STUDIES} studies whose 95 % interval holds the truth; {HOW.replicates} replicates, seed {SEED}.\n"
    )
    for name in sys.argv[1:] or parts:
        for row in parts[name]():
            print(row, flush=True)
        print(flush=True)


if __name__ == "__main__":
    main()
