"""Was gold drawn by chance? A model's labels among the gold units, beside its labels of all the others."""

from __future__ import annotations

import numpy as np
import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.scales import Bools
from codebook.ground.quantities import is_or_are, say_count, say_p, say_percent

UNLIKELY = 0.001
"""P value below which gold is said to be no simple random sample: one study in a thousand is warned in vain."""

WEIGHTED_AGREEMENT = (
    "The units that several coders labelled are in the gold sample. Each unit weighs 1 / its chance of being drawn, so "
    "agreement is estimated for all units, not only for those in the sample."
)
"""The note of a weighted agreement."""


def say_alike(codings: Codings) -> list[str]:
    """A sentence where people labelled units of a sample with unequal chances, but each unit counts the same."""
    sample = codings.sample
    if sample is None or not len(sample.frame) or np.ptp(sample.frame["prob"].to_numpy(float)) < 1e-9:
        return []
    rows = codings.frame[codings.frame["coder"].isin(codings.people) & codings.frame["label"].notna()]
    units = rows["unit_id"].astype(str).unique()
    inside = int(pd.Series(units).isin(sample.frame["unit_id"].astype(str)).sum())
    every = sample.n_units or codings.frame["unit_id"].nunique()
    if not inside or inside < len(units) == every:  # all units there are: no sample of them
        return []
    return [
        f"Of {say_count(len(units), 'unit')} that people labelled, {inside:,} {is_or_are(inside)} in a gold sample "
        "with unequal chances. Here each unit counts the same, so the figures need not hold for all units."
    ]


def say_unbalanced(labels: pd.Series, gold: Bools | pd.Series) -> str:
    """Say that gold units cannot be a simple random sample; empty where they may be one.

    Pearson's chi-square test of the model's labels among gold against those of the other units; labels that too few
    units have for the test (fewer than five expected among gold) are counted together.

    `labels`: of one model, a missing one for what is not its own. `gold`: whether each is of a unit with a gold label.

    Examples
    --------
    >>> labels = pd.Series(["yes"] * 50 + ["no"] * 950)
    >>> print(say_unbalanced(labels, labels.index < 100))
    Gold is not a simple random sample of all units: the model gave the label 'yes' to 50 % of the gold units and to \
0 % of the others (p < .001). Figures in which each gold unit counts the same do not hold for all units: give the \
sample with its chances.
    >>> say_unbalanced(labels, labels.index % 10 == 0)
    ''
    """
    codes, names = pd.factorize(labels, sort=True)
    codes, inside = codes[codes >= 0], np.asarray(gold, dtype=bool)[codes >= 0]
    if not inside.any() or inside.all():
        return ""
    times = [np.bincount(codes[rows], minlength=len(names)) for rows in (inside, ~inside)]
    table = pd.DataFrame(times, index=[True, False], columns=names)
    rare = table.sum() * inside.mean() < 5
    pooled = table.loc[:, ~rare].assign(**({"(others)": table.loc[:, rare].sum(axis=1)} if rare.any() else {}))
    pooled = pooled.loc[:, pooled.sum() > 0]
    if pooled.shape[1] < 2:
        return ""
    from scipy.special import chdtrc

    seen = pooled.to_numpy(dtype=float)
    expected = np.outer(seen.sum(axis=1), seen.sum(axis=0)) / seen.sum()
    p = float(chdtrc(seen.shape[1] - 1, ((seen - expected) ** 2 / expected).sum()))
    if p >= UNLIKELY:
        return ""
    shares = pooled.div(pooled.sum(axis=1), axis=0)
    label = str((shares.loc[True] - shares.loc[False]).idxmax())
    of_gold, others = (say_percent(float(shares.loc[at, label])) for at in (True, False))
    return (
        f"Gold is not a simple random sample of all units: the model gave the label {label!r} to {of_gold} of the gold "
        f"units and to {others} of the others ({say_p(p)}). Figures in which each gold unit counts the same do not "
        "hold for all units: give the sample with its chances."
    )
