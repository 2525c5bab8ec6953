"""What must be said beside a corrected figure: the warning, the doubts, and the finding as a sentence."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.estimates import say_figure
from codebook.analysis.core.result import Facts
from codebook.analysis.core.standard_errors import SMALL
from codebook.ground.quantities import Kind, places_of, say_count, say_percent

SOURCES = ("model labels only", "gold only", "corrected")
"""The three rows of every corrected figure."""

NOTE = (
    "Print the three rows together. Model labels only: taken for true, so errors that go with a covariate look like "
    "findings. Gold only: the coded units, weighted by 1/prob. Corrected: all units, the model's error, seen in the "
    "gold, taken off. The correction holds if gold was drawn with the recorded probabilities and was not used to tune "
    "the prompt; it mends no gold that answers another question than the one asked, and it may miss small effects."
)
"""The warning that goes with every corrected figure."""

FEW_GOLD = 10
"""Gold units per coefficient; with fewer the normal interval is in doubt."""


@dataclass(frozen=True)
class CorrectionFacts(Facts):
    """How a figure of `coder` was corrected.

    `n_gold` gold units carry it, `n_unused` gold labels are outside the sample. `prob_scale`
    is what the probabilities were multiplied by; `warnings` are doubts about the intervals; `formula`, `family`,
    `folds`, `splits` and `seed` are of a regression.
    """

    coder: str = ""
    n_gold: int = 0
    n_unused: int = 0
    confidence: float = 0.95
    warnings: tuple[str, ...] = ()
    formula: str = ""
    family: str = ""
    prob_scale: float = 1.0
    folds: int = 0
    splits: int = 0
    seed: int = 1

    def sentences(self) -> list[str]:
        """Whose labels were corrected, and what is said of every figure."""
        return [
            *([f"Model labels are those of {self.coder}."] if self.coder and not self.nothing else []),
            *super().sentences(),
        ]

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the packages that computed the figures."""
        return {name: version(name) for name in ("numpy", "pandas", "formulaic")}


_KINDS: dict[str, Kind] = {"label": "share", "coefficient": "amount"}


def find_warnings(n_terms: int, n_clusters: int, prob: Any, prob_scale: float) -> Iterator[str]:
    """Doubts about the intervals, in words; `prob` are the chances of the gold units, (n_gold,)."""
    n_gold = len(prob)
    if n_gold < FEW_GOLD * n_terms:
        yield f"{n_gold} gold units for {n_terms} coefficients: the intervals lean on the normal distribution too much."
    if 0 < n_clusters < SMALL:
        yield f"{say_count(n_clusters, 'cluster')}: standard errors by cluster are too small with so few."
    share = float(np.max(1 / prob) / np.sum(1 / prob))
    if n_gold > FEW_GOLD and share > 0.25:
        yield f"One gold unit carries {say_percent(share)} of the weight: its probability is very small."
    off = abs(1 - 1 / prob_scale) * math.sqrt(n_gold)
    if off > 4:
        yield (
            f"The probabilities expect {n_gold / prob_scale:,.0f} gold units, there are {n_gold:,}: "
            "are they those of this sample, and are all drawn units coded?"
        )


def say_correction(frame: pd.DataFrame, name: str = "", warnings: Iterable[str] = ()) -> str:
    """The three rows as sentences, whether the model's own finding stands, and the doubts.

    `frame`: of `correct` or `prevalence`. `name`: coefficient or label to speak of; empty for all but the intercept.

    Examples
    --------
    >>> rows = [("model labels only", -1.34, -1.66, -1.02, 0), ("corrected", -0.24, -0.71, 0.23, 90)]
    >>> frame = pd.DataFrame(rows, columns=["source", "estimate", "low", "high", "n_gold"])
    >>> print(say_correction(frame.assign(coefficient="x", n=900)))
    x: model labels only −1.34 [−1.66, −1.02], corrected −0.24 [−0.71, 0.23] (900 units, 90 of them gold). The model's
    finding does not stand: its interval leaves out zero, the corrected one does not.
    """
    key, frame = "coefficient" if "coefficient" in frame else "label", frame[frame["source"].isin(SOURCES)]
    names = [name] if name else [each for each in frame[key].unique() if each != "Intercept"]
    return " ".join([*(_say_rows(each, frame[frame[key] == each], key) for each in names), *warnings])


def _say_rows(name: str, rows: pd.DataFrame, key: str) -> str:
    places, kind = places_of(int(rows["n"].max())), _KINDS[key]
    figures = ", ".join(_say_row(row, places, kind) for _, row in rows.iterrows())
    size = f"{say_count(rows['n'].max(), 'unit')}, {rows['n_gold'].max():,} of them gold"
    return f"{name}: {figures} ({size}).{_judge(rows.set_index('source'), key)}"


def _say_row(row: pd.Series[Any], places: int, kind: Kind) -> str:
    if math.isnan(row["estimate"]):
        return f"{row['source']} undefined ({row['reason']})"
    return f"{row['source']} {say_figure(row, 'estimate', places, kind=kind)}"


def _judge(rows: pd.DataFrame, key: str) -> str:
    model, corrected = rows.loc[SOURCES[0]], rows.loc[SOURCES[2]]
    if np.isnan(np.array([corrected["low"], model["low"]], dtype=float)).any():
        return ""
    if key == "label":
        outside = not corrected["low"] <= model["estimate"] <= corrected["high"]
        return " The model's share lies outside the corrected interval." if outside else ""
    claims, stands = (row["low"] > 0 or row["high"] < 0 for row in (model, corrected))
    if claims and not stands:
        return " The model's finding does not stand: its interval leaves out zero, the corrected one does not."
    if claims and stands and model["estimate"] * corrected["estimate"] < 0:
        return " The corrected coefficient has the opposite sign."
    if stands and not claims:
        return " The model labels hide it: the corrected interval leaves out zero, the model's does not."
    return ""
