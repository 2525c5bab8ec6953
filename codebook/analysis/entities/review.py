"""The cases for a person, and the pairs that a coder (a person or a model) may judge through a codebook."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.analysis.entities.linking import REVIEW
from codebook.analysis.entities.name_lists import Names, check_columns, raise_faults
from codebook.errors import Fault
from codebook.ground.joins import join_ids

REVIEW_COLUMNS = ("mention_id", "name", "why", "candidate", "score", "runner_up", "runner_up_score")

BETWEEN = " ~ "
"""Stands between the two ids of a `pair_id`."""


def review_table(resolved: pd.DataFrame) -> pd.DataFrame:
    """Names that were left to a person, one row per name, with the two entities that fit and why the choice is open.

    Parameters
    ----------
    resolved
        Of `link_mentions`.

    Examples
    --------
    >>> row = {"mention_id": "m1", "name": "Congo", "decision": "review", "why": "the words it shares fit both",
    ...        "candidate": "Congo - Kinshasa", "score": 0.6, "runner_up": "Congo - Brazzaville",
    ...        "runner_up_score": 0.59}
    >>> review_table(pd.DataFrame([row]))[["name", "candidate", "runner_up", "n_mentions"]].to_numpy().tolist()
    [['Congo', 'Congo - Kinshasa', 'Congo - Brazzaville', 1]]
    """
    mend = "pass the frame of resolve_entities"
    faults = check_columns(resolved, (*REVIEW_COLUMNS, "decision"), "resolved mentions", mend)
    raise_faults("There is no review table.", faults)
    rows = resolved.loc[resolved["decision"] == REVIEW, list(REVIEW_COLUMNS)]
    sizes = rows.groupby("name")["name"].transform("size")
    return rows.assign(n_mentions=sizes).drop_duplicates("name").reset_index(drop=True)


def grey_pairs(
    pairs: pd.DataFrame,
    names: Names,
    *,
    resolved: pd.DataFrame | None = None,
    low: float = 0.4,
    high: float = 0.6,
    columns: Sequence[str] = (),
) -> pd.DataFrame:
    r"""Pairs that the score does not decide, as units for a codebook: write them as csv, read them by `read_units`.

    Parameters
    ----------
    pairs
        Of `combine_scores`, of these names.
    resolved
        Of `link_mentions`: take every pair from `low` on of a mention that it left to a person, instead of the pairs
        between `low` and `high`.
    low, high
        Scores; from `low` on, below `high`.
    columns
        Of both tables, shown beside the names.

    Returns
    -------
    pd.DataFrame
        `pair_id text left right score`, the most doubtful first; each pair once, with its best form.

    Examples
    --------
    >>> import pandas as pd
    >>> from codebook.analysis.entities import Names, candidate_pairs, combine_scores, score_pairs
    >>> names = Names(pd.DataFrame({"mention_id": ["m1", "m2"], "name": ["Ann Lee", "A. Lee"]}))
    >>> pairs = combine_scores(score_pairs(candidate_pairs(names), names))
    >>> grey_pairs(pairs, names, low=0, high=1)["text"].tolist()
    ['First: Ann Lee\nSecond: A. Lee']
    """
    _check_grey(pairs, names, columns)
    grey = pairs[(pairs["found_by"] != "form") & (pairs["score"] >= low)]
    if resolved is None:
        grey = grey[grey["score"] < high]
    else:
        open_ids = set(resolved.loc[resolved["decision"] == REVIEW, "mention_id"])
        is_open = grey["left"].isin(open_ids)
        grey = grey[is_open if names.entities is not None else is_open | grey["right"].isin(open_ids)]
    grey = grey.sort_values("score", ascending=False, kind="stable").drop_duplicates(["left", "right"])
    left = _describe(names.mentions, columns, grey["left_row"])
    right = _describe(names.others, columns, grey["right_row"])
    texts = [f"First: {a}\nSecond: {b}" for a, b in zip(left, right, strict=True)]
    units = pd.DataFrame({"pair_id": _pair_ids(grey), "text": texts, **grey[["left", "right", "score"]]})
    return units.reset_index(drop=True)


def apply_adjudication(
    pairs: pd.DataFrame,
    labels: Codings | pd.DataFrame,
    *,
    variable: str = "same",
    same: str = "same",
    different: str = "different",
) -> pd.DataFrame:
    """Return the pairs with what coders said of them: score 1 where the same, 0 where different.

    A pair of which no label, another label, or both labels were given keeps its score, for a person to see.

    Parameters
    ----------
    labels
        Codings of a run, or of people, over the units of `grey_pairs`.
    variable, same, different
        Of the codebook.

    Returns
    -------
    pd.DataFrame
        The pairs with `verdict` ("same", "different", "open" where coders were asked and left it open, or empty) and
        `judged` (said to be the same).

    Examples
    --------
    >>> import pandas as pd
    >>> from codebook.analysis.core.examples import make_table
    >>> from codebook.analysis.entities import Names, candidate_pairs, combine_scores, grey_pairs, score_pairs
    >>> names = Names(pd.DataFrame({"mention_id": ["m1", "m2"], "name": ["Ann Lee", "A. Lee"]}))
    >>> pairs = combine_scores(score_pairs(candidate_pairs(names), names))
    >>> grey = grey_pairs(pairs, names, low=0, high=1)
    >>> verdicts = make_table("same", {"ann": ["same"]}).assign(unit_id=grey["pair_id"].tolist())
    >>> apply_adjudication(pairs, verdicts)[["score", "verdict"]].to_numpy().tolist()
    [[1.0, 'same']]
    """
    table = labels.frame if isinstance(labels, Codings) else labels
    mend = "pass the codings of the run"
    faults = check_columns(table, ("unit_id", "variable", "label"), "labels", mend)
    faults += check_columns(pairs, ("left", "right", "score"), "pairs", "pass those of combine_scores")
    raise_faults("The labels cannot be applied.", faults)
    rows = table[table["variable"] == variable]
    ids = pd.Series(_pair_ids(pairs), index=pairs.index)
    join = join_ids(rows["unit_id"], ids)
    if join.strays or rows.empty:
        problem = join.say_strays("units of it", "among the pairs", "the list of pairs")
        problem = f"it has no row of {variable!r}" if rows.empty else problem
        fault = Fault("table of labels", problem, "apply the labels to the pairs that grey_pairs was given")
        raise_faults("The labels cannot be applied.", [fault])
    labels_of = rows.dropna(subset=["label"]).groupby("unit_id")["label"].agg(frozenset)
    kinds = {frozenset([same]): "same", frozenset([different]): "different"}
    decided = {unit: kinds.get(choice, "open") for unit, choice in labels_of.items()}
    verdicts = dict.fromkeys(rows["unit_id"], "open") | decided
    verdict = ids.map(verdicts).fillna("").astype(object)
    score = pairs["score"].mask(verdict == "same", 1.0).mask(verdict == "different", 0.0)
    return pairs.assign(score=score, verdict=verdict, judged=verdict == "same")


def _pair_ids(pairs: pd.DataFrame) -> list[str]:
    return [f"{a}{BETWEEN}{b}" for a, b in zip(pairs["left"], pairs["right"], strict=True)]


def _describe(frame: pd.DataFrame, columns: Sequence[str], rows: pd.Series) -> list[str]:
    """Name and further columns of rows, as a reader sees them."""
    part = frame[["name", *columns]].iloc[rows]
    return [
        "; ".join([str(row[0]), *(f"{column}: {value}" for column, value in zip(columns, row[1:], strict=True))])
        for row in part.itertuples(index=False, name=None)
    ]


def _check_grey(pairs: pd.DataFrame, names: Names, columns: Sequence[str]) -> None:
    needed = ("left", "right", "left_row", "right_row", "found_by", "score")
    faults = check_columns(pairs, needed, "pairs", "pass those of combine_scores")
    for what, frame in (("mentions", names.mentions), ("entities", names.entities)):
        faults += [] if frame is None else check_columns(frame, columns, what, "name columns of both tables")
    raise_faults("The grey pairs cannot be listed.", faults)
