"""Dawid-Skene: the errors of coders and the likely labels from the codings alone, by EM on patterns of answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from codebook.analysis.core.scales import Floats, Ints

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

    Parameters
    ----------
    counts
        How often each coder gave each label in each pattern, shape (n_patterns, n_coders, n_labels); more than once
        where a coder repeated a unit.
    times
        Units with each pattern, shape (n_patterns,).
    tolerance
        EM ends when no posterior moves by more.

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
