"""How a coder answers the probes of a codebook: before any gold, whether it follows the codebook at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codebook.analysis.core.runs import describe_runs
from codebook.errors import Fault, StatisticError
from codebook.ground.joins import join_ids

if TYPE_CHECKING:
    import pandas as pd

_TESTS = {"definition": "definitions recovered", "example": "own examples recovered"}


def score_behaviour(
    table: pd.DataFrame,
    probes: pd.DataFrame,
    *,
    variable: str,
    reordered: pd.DataFrame | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Score the answers to `behaviour_probes`: one row a coder and test.

    Parameters
    ----------
    table
        The tidy table of a run over the probes. A row without a label, whatever its `why`, is no legal label (Halterman
        and Keith ask that the answer is one of the labels) and counts as wrong; `pending` rows are refused.
    probes
        From `behaviour_probes`.
    reordered
        The tidy table of the same probes with `reverse_categories`; adds the share of units to which
        the same model gave the same label.

    Returns
    -------
    DataFrame
        `coder`, `test`, `n`, `n_right`, `value`, `low`, `high` (Wilson interval, `statsmodels.proportion_confint`),
        `reason` where a value is missing.

    Raises
    ------
    StatisticError
        The table holds no answer to a probe, or answers are outstanding.
    """
    import pandas as pd

    answers = _pick(table, probes, variable)
    other = None if reordered is None else _pick(reordered, probes, variable)
    rows = [
        row for coder, own in answers.groupby("coder", sort=True) for row in _score(str(coder), own, other, confidence)
    ]
    frame = pd.DataFrame(rows, columns=["coder", "test", "n", "n_right", "value", "low", "high", "reason"])
    frame.attrs = {"variable": variable, "confidence": confidence, "n_probes": len(probes)}
    return frame


def _pick(table: pd.DataFrame, probes: pd.DataFrame, variable: str) -> pd.DataFrame:
    """The answers to the probes, each with its test and what was expected."""
    kept = table[table["variable"] == variable].merge(probes[["unit_id", "test", "expected"]], on="unit_id")
    faults = []
    if kept.empty:
        join = join_ids(table["unit_id"], probes["unit_id"])
        near = f" ({join.example('the list of probes')})" if join.near else ""
        mend = "plan a run over probe_units(probes)"
        faults.append(Fault("table", f"no answer of {variable!r} to a probe{near}", mend))
    elif (kept["why"] == "pending").any():
        faults.append(Fault("table", f"{(kept['why'] == 'pending').sum()} answers are outstanding", "collect them"))
    if faults:
        raise StatisticError("The probes cannot be scored.", faults)
    models = describe_runs(kept).set_index("coder")["model"]  # the codebook's digest in a coder's name differs
    return kept.assign(model=kept["coder"].map(models))


def _score(coder: str, own: pd.DataFrame, other: pd.DataFrame | None, confidence: float) -> list[tuple[Any, ...]]:
    """The rows of one coder."""
    rows = [_row(coder, "legal labels", len(own), int(own["label"].notna().sum()), confidence)]
    for test, name in _TESTS.items():
        asked = own[own["test"] == test]
        rows.append(_row(coder, name, len(asked), int((asked["label"] == asked["expected"]).sum()), confidence))
    if other is not None:
        key = ["unit_id", "draw", "model"]
        both = own.merge(other[[*key, "label"]], on=key, suffixes=("", "_other"))
        same = int((both["label"] == both["label_other"]).sum())
        rows.append(_row(coder, "same label in reverse order", len(both), same, confidence, "it is not in `reordered`"))
    return rows


def _row(
    coder: str, test: str, n: int, n_right: int, confidence: float, why_none: str = "the codebook has none"
) -> tuple[Any, ...]:
    from statsmodels.stats.proportion import proportion_confint

    if not n:
        return coder, test, 0, 0, float("nan"), float("nan"), float("nan"), why_none
    low, high = proportion_confint(n_right, n, alpha=1 - confidence, method="wilson")
    return coder, test, n, n_right, n_right / n, float(low), float(high), ""
