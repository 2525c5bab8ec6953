"""Whether neighbours are alike in what people said of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.estimates import Bootstrap, say_figure
from codebook.analysis.core.result import Facts, Result
from codebook.analysis.core.standard_errors import wilson_interval
from codebook.analysis.vectors.neighbours import find_nearest
from codebook.analysis.vectors.similarity_blocks import VectorsLike, as_array, describe_rows, folder_of
from codebook.errors import Fault
from codebook.ground.quantities import format_figure, places_of

_COLUMNS = ("rank", "n_queries", "value", "low", "high", "chance")


def neighbour_agreement(
    vectors: VectorsLike, labels: Sequence[Any] | str, k: int = 5, *, resample: Bootstrap | None = None
) -> Result:
    """How often a neighbour has the label of its query, by rank, beside what chance would give.

    Parameters
    ----------
    vectors
        `(n_rows, n_dimensions)`; each is held against its `k` nearest.
    labels
        `(n_rows,)`: the label of each vector, or the name of what is known of their texts. An empty name: no groups.
    resample
        Only its confidence is used: shares have Wilson's interval.

    Returns
    -------
    Result
        `.frame`: rank, n_queries, value (share of neighbours with the query's label), low, high, chance: the share
        among all pairs of different rows.

    Raises
    ------
    StatisticError
        There are fewer labels than rows.

    Examples
    --------
    >>> result = neighbour_agreement([[1, 0], [1, 0.1], [0, 1]], ["a", "a", "b"], 1, resample=Bootstrap(0))
    >>> result.frame[["rank", "value", "chance"]].round(3)
       rank  value  chance
    0     1  0.667   0.333
    """
    array, draws, folder = as_array(vectors), resample or Bootstrap(), folder_of(vectors)
    name, title = "neighbours", "Are neighbours alike?"
    if isinstance(labels, str) and not labels:
        reason = "There are no groups: nothing to hold the neighbours against."
        return Result(pd.DataFrame(columns=_COLUMNS), name, title, name, Facts(nothing=reason), reason, outputs=folder)
    codes = pd.factorize(np.asarray(labels_of(vectors, labels), dtype=object))[0]
    if len(array) != len(codes):
        fault = Fault("labels", f"{len(codes)} labels for {len(array)} rows", "give a label per vector, in their order")
        raise_faults("The neighbours cannot be compared.", [fault])
    neighbours = find_nearest(array, array, k, self_rows=np.arange(len(array)))
    same = codes[neighbours["query"]] == codes[neighbours["row"]]
    grid = neighbours.assign(same=same).pivot(index="query", columns="rank", values="same").astype(float)
    counts = np.bincount(codes).astype(float)
    frame = pd.DataFrame(
        {"rank": grid.columns, "n_queries": grid.notna().sum().to_numpy(), "value": grid.mean().to_numpy()}
    )
    both = zip(frame["value"], frame["n_queries"], strict=True)
    frame[["low", "high"]] = [wilson_interval(share * n, n, draws.confidence) for share, n in both]
    frame["chance"] = (counts * (counts - 1)).sum() / (len(codes) * max(len(codes) - 1, 1))
    about = labels if isinstance(labels, str) else "label"
    facts = Facts(len(array))
    intervals = f"Intervals of {100 * draws.confidence:g} % are Wilson's and treat vectors as independent."
    remark = f"Share of the vectors whose neighbour of this rank has the same {about}; any two: chance. {intervals}"
    return Result(frame, name, title, name, facts, _sentence(frame, about), (remark,), outputs=folder)


def labels_of(vectors: VectorsLike, labels: Sequence[Any] | str) -> Sequence[Any]:
    """The labels themselves, or what is known of the texts under that name.

    Raises StatisticError: nothing of that name is known.
    """
    if not isinstance(labels, str):
        return labels
    fields = describe_rows(vectors)
    if labels not in fields:
        mend = "embed units that have it in their context, or pass a label per vector"
        raise_faults(
            "The vectors have no such groups.", [Fault("labels", f"no {labels!r} is known of the texts", mend)]
        )
    return list(fields[labels])


def _sentence(frame: pd.DataFrame, about: str) -> str:
    first = frame.iloc[0]
    places = places_of(int(first["n_queries"]))
    value, chance = say_figure(first, "value", places, unknown=""), format_figure(first["chance"], places)
    return f"The nearest neighbour has the same {about} in {value} of {first['n_queries']:,.0f}; any two, {chance}."
