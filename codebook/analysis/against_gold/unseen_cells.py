"""Cells of gold and coder that could have occurred, and how many units of each are added to a replicate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from codebook.analysis.against_gold.gold_cells import Cells
from codebook.analysis.core.patterns import unseen_answers
from codebook.analysis.core.scales import Bools, Floats, Ints


def add_unseen(*beside: Cells) -> tuple[tuple[Cells, ...], Floats]:
    """Cells of coders beside the same gold, then cells that could have occurred, and the units added to each.

    No unit is in these later cells; each replicate is given a few such units, at each of the weights that units have.

    Examples
    --------
    >>> yes = np.array([[True, False]])
    >>> (wide,), prior = add_unseen(Cells(("x", "y"), yes, yes, np.ones(1, dtype=bool), np.array([50]), 50))
    >>> [(*row, round(float(n), 3)) for *row, n in zip(wide.gold[:, 0].tolist(), wide.coded[:, 0].tolist(), prior)][:4]
    [(True, True, 0.0), (True, True, 0.5), (False, False, 0.5), (False, True, 0.175)]
    """
    first = beside[0]
    holds = _list_answers(beside)
    answers, n_added = unseen_answers(len(holds), 1 + len(beside))
    heavy = first.drawn.heavy
    answers, prior = np.tile(answers, (len(heavy), 1)), np.tile(n_added, len(heavy))
    wider = first.drawn.with_more(np.repeat(heavy, len(n_added)))
    shared = {name: getattr(wider, name) for name in ("times", "weight", "stratum", "members")}
    wide = tuple(
        replace(
            cells,
            gold=np.concatenate([cells.gold, holds[answers[:, 0]]]),
            coded=np.concatenate([cells.coded, holds[answers[:, at]]]),
            answered=np.append(cells.answered, np.ones(len(answers), dtype=bool)),
            codes=_add_codes(cells, holds, answers[:, [0, at]]),
            **shared,
        )
        for at, cells in enumerate(beside, start=1)
    )
    return wide, np.append(np.zeros(len(first.times)), prior)


def _add_codes(cells: Cells, holds: Bools, answers: Ints) -> Ints:
    return np.concatenate([cells.codes, cells.list_codes(holds)[answers]]) if len(cells.codes) else cells.codes


def _list_answers(beside: Sequence[Cells]) -> Bools:
    """Answers that could occur, shape (n, n_labels): labels that occur, at least two; or the sets of the gold."""
    gold = beside[0].gold
    rows = np.concatenate([gold, *(cells.coded[cells.answered] for cells in beside)])
    if not rows.size:  # numbers: only their distance is measured
        return rows[:1]
    if (rows.sum(axis=1) == 1).all():
        occurs = np.flatnonzero(rows.any(axis=0))
        more = np.setdiff1d(np.arange(rows.shape[1]), occurs)[: max(0, 2 - len(occurs))]
        return np.eye(rows.shape[1], dtype=bool)[np.sort(np.append(occurs, more))]
    sets = np.unique(gold, axis=0)
    return sets if len(sets) > 1 else np.unique(rows, axis=0)
