"""Agreement of one variable of a tidy table, for tests: its rows, or one coefficient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.scales import SET_LEVELS, VariableLike, VariableSpec
from codebook.analysis.reliability import reliability


def agreement(
    table: pd.DataFrame,
    variables: Sequence[VariableLike],
    *,
    replicates: int = 1000,
    confidence: float = 0.95,
    seed: int = 1,
    cluster: Any = None,
    **options: Any,
) -> pd.DataFrame:
    """The frame of `reliability`; every coder is a person."""
    codings = Codings(table, variables, clusters=cluster)
    return reliability(codings, **options, resample=Bootstrap(replicates, confidence, seed)).frame


def alpha_of(
    table: pd.DataFrame,
    *,
    variable: str,
    level: str | None,
    labels: Sequence[str] | None,
    coders: Sequence[str] | None = None,
    coefficient: str = "alpha",
    **options: Any,
) -> Any:
    """The row of one coefficient of one variable, as attributes."""
    sets = level in SET_LEVELS
    spec = VariableSpec(variable, "nominal" if sets else level, labels, "multi" if sets else "single")
    rows = table if coders is None else table[table["coder"].isin(coders)]
    frame = agreement(rows, [spec], coefficients=[coefficient], **options)
    frame = frame[(frame["level"] == level) & (frame["label"].isin(["", "(set)"]))]
    return next(frame.itertuples())
