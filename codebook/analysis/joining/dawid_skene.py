"""Dawid-Skene: the errors of coders and the likely labels, by EM on patterns of answers; the errors in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.matrix_drawing import plot_grid
from codebook.analysis.core.result import Facts, Result
from codebook.analysis.core.scales import Floats, Ints
from codebook.ground.quantities import format_figure, say_percent
from codebook.outputs.figure_style import Figure

_TINY = 1e-300


@dataclass(frozen=True)
class Fit:
    """Maximum of the likelihood that EM found.

    `prior` (n_labels,): share of each true label; `errors` (n_coders, n_labels, n_labels): chance that a coder gives
    the second label where the first is true; `posterior` (n_patterns, n_labels); `traced` the log-likelihood of each
    step.
    """

    prior: Floats
    errors: Floats
    posterior: Floats
    traced: tuple[float, ...]
    converged: bool

    @property
    def log_likelihood(self) -> float:
        """The log-likelihood after the last step; NaN where nothing was fitted."""
        return self.traced[-1] if self.traced else float("nan")


def fit_dawid_skene(counts: Floats, times: Ints, *, tolerance: float = 1e-7, most_steps: int = 5000) -> Fit:
    """EM of Dawid and Skene (1979), from vote shares as the first guess, with the E-step in logarithms.

    Units with the same answers of the same coders have the same posterior, so EM runs over distinct patterns of
    answers. Given the true label, coders must err independently: clones of one model break this, and outvote people.

    `counts`: how often each coder gave each label in each pattern, shape (n_patterns, n_coders, n_labels); more than
    once where a coder repeated a unit. `times`: units with each pattern, shape (n_patterns,). `tolerance`: EM ends when
    no posterior moves by more.

    Examples
    --------
    >>> answers = np.array([[0, 0, 0], [1, 1, 1], [0, 0, 1]])
    >>> fit = fit_dawid_skene(np.eye(2)[answers], np.array([40, 50, 10]))
    >>> fit.prior.round(2), fit.errors[2].round(2).tolist(), fit.converged
    (array([0.5, 0.5]), [[0.8, 0.2], [0.0, 1.0]], True)
    """
    n_patterns, n_coders, n_labels = counts.shape
    flat = counts.reshape(n_patterns, n_coders * n_labels)
    votes = counts.sum(axis=1)
    posterior = votes / votes.sum(axis=1, keepdims=True)
    traced: list[float] = []
    for _ in range(most_steps):
        weighted = posterior * times[:, None]
        prior = weighted.sum(axis=0) / times.sum()
        expected = (weighted.T @ flat).reshape(n_labels, n_coders, n_labels)
        sums = expected.sum(axis=2, keepdims=True)
        errors = np.divide(expected, sums, out=np.zeros_like(expected), where=sums > 0)
        logs = np.log(np.maximum(errors, _TINY)).reshape(n_labels, -1)
        scores = flat @ logs.T + np.log(np.maximum(prior, _TINY))
        top = scores.max(axis=1, keepdims=True)
        chances = np.exp(scores - top)
        whole = chances.sum(axis=1, keepdims=True)
        traced.append(float(times @ (np.log(whole) + top)[:, 0]))
        moved = posterior
        posterior = chances / whole
        if np.abs(posterior - moved).max(initial=0) <= tolerance:
            break
    else:
        return Fit(prior, errors.transpose(1, 0, 2), posterior, tuple(traced), converged=False)
    return Fit(prior, errors.transpose(1, 0, 2), posterior, tuple(traced), converged=True)


_FEW = 10  # units of a coder below which the sentence does not name one
_SECTION = "adjudication"


def list_errors(fit: Fit, counts: Floats, times: Ints, names: Sequence[str], labels: Sequence[str]) -> pd.DataFrame:
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


def empty_errors() -> Result:
    """The result without a row, before the errors of any coder are known."""
    columns = ["coder", "true", "given", "share", "n", "reason"]
    return Result(pd.DataFrame(columns=columns), "errors", "Errors of coders", _SECTION)


def show_errors(codings: Codings, frame: pd.DataFrame) -> Result:
    """The error matrices: a row per coder in print, the mean of all of them in the figure."""
    known = codings.in_words(frame.dropna(subset=["share"]), "true", "given")
    rows = [_sum_errors(str(name), part) for name, part in known.groupby("coder", sort=False)]
    table = pd.DataFrame(rows).sort_values("Right", ascending=False, kind="stable", ignore_index=True)
    busy = table[table["Units"] >= min(_FEW, table["Units"].max())]
    most, least = (f"{busy['Coder'].iloc[at]} in {say_percent(busy['Right'].iloc[at])}" for at in (0, -1))
    table["Right"] = [format_figure(share) for share in table["Right"]]
    return replace(
        empty_errors(),
        frame=frame,
        facts=Facts(n_coders=len(table), joins=codings.joins),
        finding=f"Right most often, as Dawid-Skene has it, is {most} of the units, least often {least}.",
        remarks=("The figure is the mean of all coders by their codings; its rows sum to one.",),
        table=table,
        figure=partial(_draw_errors, known),
        outputs=codings.outputs,
    )


def _sum_errors(coder: str, part: pd.DataFrame) -> dict[str, object]:
    """How often a coder is right, and the commonest mistake."""
    expected = part["share"] * part["n"]
    right = part["true"] == part["given"]
    cells: dict[str, object] = {"Coder": coder, "Units": round(float(part.loc[right, "n"].sum()))}
    cells["Right"] = float(expected[right].sum() / part.loc[right, "n"].sum())
    wrong = part[~right].assign(expected=expected).sort_values("expected", ascending=False, kind="stable")
    worst = wrong.to_dict("records")[:1] if (wrong["expected"] > 0).any() else []
    cells["Commonest mistake"] = "".join(f"{row['given']} for {row['true']}" for row in worst)
    return cells


def _draw_errors(known: pd.DataFrame) -> Figure:
    """What coders say where a label is likely true: the mean of all of them, by their codings."""
    sums = (
        known.assign(weighted=known["share"] * known["n"]).groupby(["true", "given"], as_index=False, sort=False).sum()
    )
    means = sums.assign(share=sums["weighted"] / sums["n"])
    named = means.rename(columns={"true": "likely label", "given": "label given"})
    quantity = "Share of the row, mean of all coders"
    return plot_grid(named, rows="likely label", columns="label given", value="share", quantity=quantity)
