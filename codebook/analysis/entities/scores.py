"""Scores of pairs: spelling, words, meaning and further columns, each between 0 and 1 (1 is equal)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codebook.analysis.entities.blocking import gram_cosines
from codebook.analysis.entities.name_lists import Names, check_columns, raise_faults
from codebook.analysis.entities.shared_words import word_cover, word_overlap, word_weights
from codebook.errors import Fault

Floats = NDArray[np.float64]

BASELINE = "word_overlap"
"""Score that every result is shown beside: shared words over all words (Jaccard)."""

LEADING = ("token_sort", "weighted_overlap", "grams", "cosine")
"""Scores of which the lead is looked at too."""

LEAD_OF = 10
"""Best scores of a name whose mean a lead is measured from."""

NAME_SCORES = (
    *(BASELINE, "token_sort", "jaro_winkler", "cover", "weighted_overlap", "alike", "grams", "cosine"),
    *(f"{name}_lead" for name in LEADING),
)
"""Scores of the names themselves; `cosine` where vectors are given."""


def score_pairs(
    pairs: pd.DataFrame, names: Names, *, compare: Mapping[str, str] | None = None, hints: str = ""
) -> pd.DataFrame:
    """Return the pairs with their scores.

    - `word_overlap`: words of both forms over words of either (Jaccard), the baseline.
    - `token_sort`, `jaro_winkler`: rapidfuzz, over sorted words and over characters.
    - `weighted_overlap`, `cover`: words of both forms by how telling they are, over both forms and over the form
      that is better covered; a single letter stands for a word that begins with it.
    - `alike`: 1 minus the smaller of the two sides' most telling words that the other side lacks. "North Korea" and
      "South Korea" are not alike; "Korea" is a part of both.
    - `grams`: cosine of runs of 3 to 5 characters, rare runs weigh more: for "PS-10X" and "PS10X", which share no word.
      Only with a list: in clusters of short names the words keep different names apart.
    - `cosine` of the vectors.
    - `SCORE_lead`: .5 plus the score minus the mean of the 10 best of either side. Among names that all look alike, a
      high score says little (Conneau et al. 2018, local scaling of cosines).
    - `same_COLUMN` for each column of `compare`; missing where a value is.

    Parameters
    ----------
    pairs
        Of `candidate_pairs`, of the same names.
    compare
        Columns of both tables and how they are compared: "exact", "number" (1 minus the difference in shares of the
        larger one), "year" (`1 / (1 + difference)`) or "text" (rapidfuzz over sorted words).
    hints
        Column of `entities` with words that a mention may use beside the name (a title, a party).

    Raises
    ------
    TableError
        A column is not in a table.
    ParameterError
        `compare` names a comparison that does not exist.

    Examples
    --------
    >>> import pandas as pd
    >>> listed = pd.DataFrame({"entity_id": ["NER", "NGA"], "name": ["Niger", "Nigeria"]})
    >>> names = Names(pd.DataFrame({"mention_id": ["m1"], "name": ["NIGER (the)"]}), listed)
    >>> from codebook.analysis.entities.blocking import candidate_pairs
    >>> pairs = score_pairs(candidate_pairs(names), names)
    >>> pairs[["left", "right", "word_overlap"]].round(2).to_numpy().tolist()
    [['m1', 'NER', 1.0], ['m1', 'NGA', 0.0]]
    """
    mentions, others, vectors = names.mentions, names.others, names.vectors
    _check(pairs, names, compare or {}, hints)
    left, right = list(pairs["left_form"]), list(pairs["right_form"])
    forms = set(left) | set(right)
    beside = None if not hints else list(others[hints].fillna("").astype(str).str.casefold().iloc[pairs["right_row"]])
    scores: dict[str, Floats] = {
        BASELINE: word_overlap(left, right),
        **_spelling(left, right),
        **_covers(word_cover(left, right, word_weights(forms), beside)),
    }
    if pairs["listed"].any():
        scores["grams"] = gram_cosines(left, right)
    if vectors is not None:
        rows = pairs["left_row"].to_numpy(), pairs["right_row"].to_numpy()
        scores["cosine"] = _cosines((vectors, names.other_vectors), rows)
    scores |= {f"{name}_lead": _lead(scores[name], pairs) for name in LEADING if name in scores}
    for column, comparison in (compare or {}).items():
        values = mentions[column].iloc[pairs["left_row"]], others[column].iloc[pairs["right_row"]]
        scores[f"same_{column}"] = _COMPARISONS[comparison](values[0].to_numpy(), values[1].to_numpy())
    return pairs.assign(**scores)


def score_columns(scores: pd.DataFrame) -> list[str]:
    """Names of the columns that hold scores, without a combined one."""
    return [name for name in scores.columns if name in NAME_SCORES or str(name).startswith("same_")]


def _spelling(left: Sequence[str], right: Sequence[str]) -> dict[str, Floats]:
    from rapidfuzz import fuzz, process
    from rapidfuzz.distance import JaroWinkler

    sorts = process.cpdist(left, right, scorer=fuzz.token_sort_ratio, dtype=np.float64)
    return {
        "token_sort": np.asarray(sorts, dtype=np.float64) / 100,
        "jaro_winkler": process.cpdist(left, right, scorer=JaroWinkler.normalized_similarity, dtype=np.float64),
    }


def _covers(covers: Floats) -> dict[str, Floats]:
    left, right, worst_left, worst_right = covers.T
    return {
        "cover": np.maximum(left, right),
        "weighted_overlap": left * right / np.maximum(left + right - left * right, 1e-12),
        "alike": 1 - np.minimum(worst_left, worst_right),
    }


def _cosines(sides: tuple[Any, Any], rows: tuple[Any, Any]) -> Floats:
    """Cosine of each pair, a block of pairs at a time."""
    (left, right), (left_row, right_row) = sides, rows
    lengths = [np.sqrt(np.square(side, dtype=np.float64).sum(axis=1)) for side in sides]
    products = np.zeros(len(left_row))
    for start in range(0, len(products), 4096):
        part = slice(start, start + 4096)
        products[part] = np.einsum("ij,ij->i", left[left_row[part]], right[right_row[part]])
    return np.asarray(products / np.maximum(lengths[0][left_row] * lengths[1][right_row], 1e-12), dtype=np.float64)


def _lead(values: Floats, pairs: pd.DataFrame) -> Floats:
    """.5 plus how far a score is above the mean of the best scores of its two sides, within 0 and 1."""
    looked_at = (pairs["found_by"] != "form").to_numpy()
    sides = [pd.DataFrame({"row": pairs[side], "value": values})[looked_at] for side in ("left_row", "right_row")]
    if not pairs["listed"].any():
        sides = [pd.concat(sides)] * 2
    means = [_mean_of_best(side) for side in sides]
    left, right = (
        mean.reindex(pairs[side]).fillna(0).to_numpy()
        for mean, side in zip(means, ("left_row", "right_row"), strict=True)
    )
    lead: Floats = np.clip(0.5 + values - (left + right) / 2, 0, 1)
    return lead


def _mean_of_best(side: pd.DataFrame) -> pd.Series:
    """Mean of the best scores of each row."""
    best = side.sort_values("value", ascending=False, kind="stable").groupby("row").head(LEAD_OF)
    return best.groupby("row")["value"].mean()


def _exact(left: NDArray[Any], right: NDArray[Any]) -> Floats:
    same = np.array([str(a).strip().casefold() == str(b).strip().casefold() for a, b in zip(left, right, strict=True)])
    return np.where(_known(left) & _known(right), same, np.nan)


def _read_numbers(left: NDArray[Any], right: NDArray[Any]) -> tuple[Floats, Floats]:
    first, second = (pd.to_numeric(pd.Series(side), errors="coerce").to_numpy(dtype=float) for side in (left, right))
    return first, second


def _number(left: NDArray[Any], right: NDArray[Any]) -> Floats:
    first, second = _read_numbers(left, right)
    larger = np.maximum(np.maximum(np.abs(first), np.abs(second)), 1e-12)
    return np.asarray(np.clip(1 - np.abs(first - second) / larger, 0, 1), dtype=np.float64)


def _year(left: NDArray[Any], right: NDArray[Any]) -> Floats:
    first, second = _read_numbers(left, right)
    return np.asarray(1 / (1 + np.abs(first - second)), dtype=np.float64)


def _text(left: NDArray[Any], right: NDArray[Any]) -> Floats:
    from rapidfuzz import fuzz, process, utils

    texts = [["" if pd.isna(value) else str(value) for value in side] for side in (left, right)]
    ratio = process.cpdist(
        texts[0], texts[1], scorer=fuzz.token_sort_ratio, processor=utils.default_process, dtype=np.float64
    )
    return np.where(_known(left) & _known(right), np.asarray(ratio) / 100, np.nan)


def _known(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.array([not pd.isna(value) and str(value).strip() != "" for value in values], dtype=bool)


_COMPARISONS: dict[str, Callable[[NDArray[Any], NDArray[Any]], Floats]] = {
    "exact": _exact,
    "number": _number,
    "year": _year,
    "text": _text,
}


def _check(pairs: pd.DataFrame, names: Names, compare: Mapping[str, str], hints: str) -> None:
    mend, needed = "pass the pairs of candidate_pairs", ("listed", "left_row", "right_row", "left_form", "right_form")
    faults = check_columns(pairs, needed, "pairs", mend)
    for what, frame in (("mentions", names.mentions), ("entities", names.others)):
        faults += check_columns(frame, compare, what, "name columns of both tables in `compare`")
    if hints:
        faults += check_columns(names.others, [hints], "entities", "name a column of the entities in `hints`")
    faults += [
        Fault(f"compare[{column!r}]", f"{comparison!r} is no comparison", f"use one of {', '.join(_COMPARISONS)}")
        for column, comparison in compare.items()
        if comparison not in _COMPARISONS
    ]
    raise_faults("The pairs cannot be scored.", faults)
