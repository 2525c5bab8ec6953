"""Room for what was not seen: answers that could have come, and how many units of each a replicate is given beforehand.

Where no error, no disagreement or no second label was seen, data that are only drawn again show none either, and an
interval has no width. So each replicate is given `ALIKE` units on which all answers are the same, spread evenly over
the labels, and `APART` units on which one answer is another label, spread over neighbouring labels. Of two answers and
two labels that is nearly Jeffreys' prior (1/2 for each of four cells); the sums do not grow with labels or coders, as
his would, so that they cannot outweigh the data. The two numbers were chosen by the coverage of the intervals
(`benchmarks/coverage.py`, docs/explain/intervals.md).
"""

from __future__ import annotations

import numpy as np

from codebook.analysis.core.scales import Floats, Ints

ALIKE, APART = 1.0, 0.7
"""Units on which all answers are alike, and on which one is not, that each replicate is given beforehand."""

_MOST_LABELS = 40  # labels that are given such units; of more, as many evenly spaced
_MOST_TURNS = 5  # answers up to which each in turn is the other one, for every two labels


def unseen_answers(n_labels: int, n_answers: int) -> tuple[Ints, Floats]:
    """Answers that could have come, as codes of shape (n, n_answers), and the units given of each, shape (n,).

    Examples
    --------
    >>> answers, prior = unseen_answers(2, 2)
    >>> answers.tolist(), prior.tolist()
    ([[0, 0], [1, 1], [1, 0], [0, 1], [0, 1], [1, 0]], [0.5, 0.5, 0.175, 0.175, 0.175, 0.175])
    """
    labels = np.unique(np.linspace(0, max(n_labels - 1, 0), min(n_labels, _MOST_LABELS)).astype(np.int64))
    alike = np.repeat(labels[:, None], n_answers, axis=1)
    share = np.full(len(labels), ALIKE / max(len(labels), 1))
    if len(labels) < 2:
        return alike, share
    pairs = np.concatenate([np.stack([labels[:-1], labels[1:]], axis=1), np.stack([labels[1:], labels[:-1]], axis=1)])
    turns = np.arange(n_answers) if n_answers <= _MOST_TURNS else np.zeros(1, dtype=np.int64)
    turn, at = np.meshgrid(turns, np.arange(len(pairs)), indexing="ij")
    other = (turn + (at if len(turns) == 1 else 0)) % n_answers
    first, second = pairs[at.ravel()].T[:, :, None]
    apart = np.where(np.arange(n_answers) == other.reshape(-1, 1), second, first)
    return np.concatenate([alike, apart]), np.append(share, np.full(len(apart), APART / len(apart)))


def count_answers(answers: Ints, n_labels: int) -> Floats:
    """How often each label stands among the answers of each row, shape (n, n_labels)."""
    rows = np.repeat(np.arange(len(answers)), answers.shape[1])
    counts = np.bincount(rows * n_labels + answers.ravel(), minlength=len(answers) * n_labels)
    return counts.reshape(len(answers), n_labels).astype(float)
