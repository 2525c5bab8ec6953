"""One label a unit from several coders: majority with its ties reported, or Dawid-Skene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import carry_joins, raise_faults
from codebook.analysis.core.counts import LabelCodes, count_patterns
from codebook.analysis.core.empty import make_empty, why_empty
from codebook.analysis.core.estimates import package_versions
from codebook.analysis.core.patterns import Patterns, collapse
from codebook.analysis.core.runs import REFUSE, Runs, pad, pick_first, read_sources
from codebook.analysis.core.scales import Bools, Floats, Ints
from codebook.analysis.joining.dawid_skene_em import Fit, fit_dawid_skene
from codebook.errors import Fault

HOW = ("majority", "dawid_skene")
"""How labels are joined."""

_ABOUT = "The labels cannot be joined."
_NOBODY = "No coder beside the gold: nothing to join."
_MAJORITY = "add a coder, or use how='majority' and adjudicate"
_COLUMNS = (
    *("unit_id", "coder", "variable", "label", "draw", "why", "run_id", "custom_id"),
    *("confidence", "detail", "n_codings", "tied"),
)


@dataclass(frozen=True)
class DawidSkene:
    """What Dawid-Skene says of a table.

    `labels`: of `consensus`. `posterior`: one row a unit, one column a label. `prior`: label, share (of the units, as
    the model has it), votes (share of the codings). `errors`: coder, true, given, share, n (units that the coder coded
    and that have this true label, expected), reason. `traced`: log-likelihood of each step. Where there are fewer than
    three coders, or none who share a unit, all frames are empty and say so.
    """

    labels: pd.DataFrame
    posterior: pd.DataFrame
    prior: pd.DataFrame
    errors: pd.DataFrame
    traced: tuple[float, ...]
    converged: bool

    @property
    def log_likelihood(self) -> float:
        """Of the last step; NaN where there is none."""
        return self.traced[-1] if self.traced else float("nan")


def consensus(
    table: pd.DataFrame,
    *,
    variable: str,
    labels: Sequence[str],
    how: str = "majority",
    coders: Sequence[str] | None = None,
    runs: str | Runs = REFUSE,
    draw: int | None = 0,
) -> pd.DataFrame:
    """One label a unit, as a coder of its own: rows that can be put under the table.

    A majority treats all coders alike, and hides disagreement; Dawid-Skene weighs them by the errors it finds in their
    codings, and needs three coders or more who err independently. Neither is the truth.

    Parameters
    ----------
    labels
        In codebook order. Sets of labels are joined label by label: see `open_labels`.
    how
        `majority` or `dawid_skene`.
    coders
        Who votes; None for all. Leave the gold out. Of nobody the frame is empty, and says so.
    runs
        What to do with several runs of one model: "refuse", "collapse" (to one coder, by majority), or a mapping from
        coder to model (see `describe_runs`), which collapses them.
    draw
        None takes every draw, and collapses the draws of a coder.

    Returns
    -------
    pd.DataFrame
        Tidy table: unit_id, coder (`how`), variable, label, draw, why, run_id, custom_id, confidence (share of the
        votes, or posterior), detail, n_codings, tied. A tie has no label: `why` is absent and `tied` lists the labels.
        `attrs`: n_units, n_tied, n_uncoded, collapsed, coders, coverage, warnings, versions; `log_likelihood`.

    Raises
    ------
    StatisticError
        Several runs of one model, too few coders, faults of the table.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("tone", {"ann": ["a", "b", "a"], "bo": ["a", "a", "a"], "cy": ["b", None, "a"]})
    >>> frame = consensus(table, variable="tone", labels=["a", "b"])
    >>> frame[["unit_id", "label", "why", "confidence", "tied"]].round(2)
      unit_id label     why  confidence  tied
    0      u1     a     NaN        0.67
    1      u2   NaN  absent        0.50  a, b
    2      u3     a     NaN        1.00
    """
    if how not in HOW:
        raise_faults(_ABOUT, [Fault("how", f"{how!r} is unknown", f"pass one of {', '.join(HOW)}")])
    asked: dict[str, Any] = {"variable": variable, "labels": labels, "coders": coders, "runs": runs, "draw": draw}
    if how == "dawid_skene":
        found = dawid_skene(table, **asked).labels
        raise_faults(_ABOUT, [Fault("coders", why, _MAJORITY)] if (why := why_empty(found)) else [])
        return found
    if coders is not None and not len(coders):
        return make_empty(_NOBODY, _COLUMNS, table=table)
    codings, joined = read_sources(table, **asked, about=_ABOUT)
    given = codings.answered()
    patterns = collapse(given.unit, given.code, codings.scale.n_labels, trace=True)
    shares = patterns.counts / np.maximum(patterns.sizes, 1)[:, None]
    shown = pad(patterns.shown, len(codings.units))
    frame = _join_labels(codings, shares, shown, variable, how, joined, [])
    frame.attrs |= carry_joins(table)
    return frame


def dawid_skene(
    table: pd.DataFrame,
    *,
    variable: str,
    labels: Sequence[str],
    coders: Sequence[str] | None = None,
    runs: str | Runs = REFUSE,
    draw: int | None = 0,
) -> DawidSkene:
    """Labels with posterior, the errors of each coder, and the log-likelihood (Dawid and Skene 1979).

    Parameters
    ----------
    variable, labels, coders, runs, draw
        As in `consensus`.

    Raises
    ------
    StatisticError
        As in `consensus`, but not for too few coders: of these the frames are empty, and say so.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> true = ["a", "b"] * 20
    >>> table = make_table("tone", {"ann": true, "bo": true, "cy": ["b", "b", "a", "b"] * 10})
    >>> found = dawid_skene(table, variable="tone", labels=["a", "b"])
    >>> found.errors[found.errors["coder"] == "cy"][["true", "given", "share"]].round(2)
       true given  share
    8     a     a    0.5
    9     a     b    0.5
    10    b     a    0.0
    11    b     b    1.0
    """
    asked: dict[str, Any] = {"variable": variable, "labels": labels, "coders": coders, "runs": runs, "draw": draw}
    if coders is not None and not len(coders):
        return _fit_nothing(_NOBODY, table)
    codings, joined = read_sources(table, **asked, about=_ABOUT)
    if few := _find_lack(codings):
        return _fit_nothing(few, table)
    given = codings.answered()
    order, coder = np.unique(given.coder, return_inverse=True)
    names = [codings.coders[at] for at in order]
    patterns, counts = _trace_patterns(given, coder, len(order))
    fit = fit_dawid_skene(counts, patterns.times)
    shown = pad(patterns.shown, len(codings.units))
    found = _join_labels(codings, fit.posterior, shown, variable, "dawid_skene", joined, _find_warnings(fit, names))
    found.attrs |= carry_joins(table)
    found.attrs |= {"log_likelihood": fit.log_likelihood, "n_steps": len(fit.traced), "converged": fit.converged}
    chances = np.vstack([fit.posterior, np.full(len(labels), np.nan)])[shown]
    posterior = pd.DataFrame(chances, columns=list(labels)).assign(unit_id=codings.units.astype(str))
    votes = (patterns.times @ counts.sum(axis=1)) / (patterns.times @ patterns.sizes)
    prior = pd.DataFrame({"label": list(labels), "share": fit.prior, "votes": votes})
    errors = _list_errors(fit, counts, patterns.times, names, labels)
    return DawidSkene(found, posterior[["unit_id", *labels]], prior, errors, fit.traced, fit.converged)


def say_consensus(majority: pd.DataFrame, model: DawidSkene) -> str:
    """Say how many ties a majority left, and how many steps Dawid-Skene took, or why it took none.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("tone", {"ann": ["a", "b"], "bo": ["a", "a"]})
    >>> asked = {"variable": "tone", "labels": ["a", "b"]}
    >>> print(say_consensus(consensus(table, **asked), dawid_skene(table, **asked)))
    1 ties of the majority count as wrong. 2 coders: Dawid-Skene cannot tell who is wrong with fewer than three.
    """
    steps = why_empty(model.labels) or f"Dawid-Skene took {len(model.traced)} steps."
    return why_empty(majority) or f"{majority.attrs['n_tied']} ties of the majority count as wrong. {steps}"


def _trace_patterns(given: LabelCodes, coder: Ints, n_coders: int) -> tuple[Patterns, Floats]:
    """Patterns of who gave which label with the pattern of each unit, and their counts by coder."""
    n_labels = given.scale.n_labels
    patterns = collapse(given.unit, coder * n_labels + given.code, n_coders * n_labels, trace=True)
    return patterns, patterns.counts.reshape(len(patterns.times), n_coders, n_labels)


def _find_lack(codings: LabelCodes) -> str:
    """Why Dawid-Skene has nothing to weigh; empty where it has."""
    given = codings.answered()
    if given.n_coders < 3:
        return f"{given.n_coders} coders: Dawid-Skene cannot tell who is wrong with fewer than three."
    if not len(count_patterns(codings).pairable().times):
        return "No unit was coded by two coders, so Dawid-Skene has nothing to compare: have coders share units."
    return ""


def _fit_nothing(reason: str, table: pd.DataFrame) -> DawidSkene:
    """What Dawid-Skene says of nothing."""
    errors = make_empty(reason, ["coder", "true", "given", "share", "n", "reason"], table=table)
    labels, posterior = (make_empty(reason, columns, table=table) for columns in (_COLUMNS, ["unit_id"]))
    return DawidSkene(labels, posterior, make_empty(reason, ["label", "share", "votes"]), errors, (), converged=False)


def _join_labels(
    codings: LabelCodes,
    scores: Floats,
    shown: Ints,
    variable: str,
    how: str,
    joined: Mapping[str, Sequence[str]],
    warnings: list[str],
) -> pd.DataFrame:
    """The tidy rows of the joined labels; `scores` (n_patterns, n_labels), `shown` the pattern of each unit."""
    names = np.array([*codings.scale.labels, None], dtype=object)
    best, top = pick_first(scores)
    code, n_units = np.append(best, -1)[shown], len(codings.units)
    tied = np.append(np.array([_name_tie(row, names) for row in top], dtype=object), "")[shown]
    label = names[code]
    detail = np.where(shown < 0, "no coding with a label", np.where(tied != "", "tie: " + tied.astype(str), ""))
    frame = pd.DataFrame(
        {
            **{"unit_id": codings.units.astype(str), "coder": how, "variable": variable, "label": label, "draw": 0},
            **{"why": np.array(["absent", None], dtype=object)[(code >= 0).astype(int)], "run_id": "", "custom_id": ""},
            "confidence": np.append(scores.max(axis=1, initial=0), np.nan)[shown],
            "detail": detail,
            "n_codings": np.bincount(codings.answered().unit, minlength=n_units),
            "tied": tied,
        }
    ).astype({"label": "str", "why": "str", "detail": "str", "tied": "str"})
    frame.attrs = {
        **{"variable": variable, "how": how, "coders": list(codings.coders), "collapsed": dict(joined)},
        **{"n_units": n_units, "n_tied": int((tied != "").sum()), "n_uncoded": int((shown < 0).sum())},
        "coverage": {"labelled": len(codings.code) - codings.n_missing, **codings.missing},
        **{"warnings": warnings, "versions": package_versions()},
    }
    return frame


def _name_tie(row: Bools, names: np.ndarray) -> str:
    held = [str(name) for name, is_top in zip(names, row.tolist(), strict=False) if is_top]
    return ", ".join(held) if len(held) > 1 else ""


def _find_warnings(fit: Fit, names: Sequence[str]) -> list[str]:
    said = []
    if not fit.converged:
        said.append(f"EM did not settle in {len(fit.traced):,} steps.")
    right = np.einsum("jkk->jk", fit.errors)
    if bad := [name for name, row in zip(names, right, strict=True) if (row[fit.prior > 0] < 0.5).all()]:
        said.append(f"{', '.join(bad)}: wrong more often than right on every label; look at the codings.")
    return said


def _list_errors(fit: Fit, counts: Floats, times: Ints, names: Sequence[str], labels: Sequence[str]) -> pd.DataFrame:
    """The error matrices in long form; no share where no unit of a coder has the true label."""
    expected = np.einsum("p,pk,pj->jk", times, fit.posterior, counts.sum(axis=2))
    n_labels = len(labels)
    n = np.repeat(expected.ravel(), n_labels)
    empty = n < 1e-6
    return pd.DataFrame(
        {
            "coder": np.repeat(np.array(names, dtype=object), n_labels**2),
            "true": np.tile(np.repeat(np.array(labels, dtype=object), n_labels), len(names)),
            "given": np.tile(np.array(labels, dtype=object), len(names) * n_labels),
            "share": np.where(empty, np.nan, fit.errors.ravel()),
            "n": n,
            "reason": np.where(empty, "no unit of this coder has this true label", ""),
        }
    ).astype({"coder": "str", "true": "str", "given": "str", "reason": "str"})
