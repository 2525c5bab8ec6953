"""What is known of the pairs: which are the same entity, and which half of the entities a pair belongs to."""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import pandas as pd

from codebook.analysis.entities.name_lists import Truth, check_columns, raise_faults, read_truth
from codebook.errors import Fault
from codebook.ground.joins import join_ids

HALVES = ("choose", "test")
"""The threshold is chosen on the first half of the entities, and its figures are those of the second."""


def split_entities(truth: Truth, *, seed: int = 1) -> pd.Series:
    """Half of each mention, "choose" or "test", by its entity: all mentions of an entity are in one half.

    Parameters
    ----------
    truth
        Entity of each mention id; missing where the mention is of no entity of the list.
    seed
        Of the split. An entity's half depends on its id and the seed alone, not on what else is there.

    Examples
    --------
    >>> halves = split_entities({"m1": "NER", "m2": "NER", "m3": "NGA"})
    >>> halves["m1"] == halves["m2"]
    True
    """
    known = known_entities(truth)
    halves = {entity: HALVES[_is_odd(entity, seed)] for entity in known.unique()}
    return known.map(halves).rename("half")


def known_entities(truth: Truth) -> pd.Series:
    """Entity of each mention id as text; a mention of no known entity is an entity of its own."""
    known = read_truth(truth)
    alone = known.isna() | (known == "")
    named = known.astype(str)
    return named.mask(alone, "no entity: " + pd.Series(known.index.astype(str), index=known.index))


def label_pairs(pairs: pd.DataFrame, truth: Truth, *, seed: int = 1) -> pd.DataFrame:
    """Return the pairs with `same` (true or false), `entity` (of the left mention) and `half`.

    A pair with a list belongs to its mention's half. A pair of two mentions is in "choose" where both are; it is in
    "test" where the left one is, so that the test half has its full share of pairs across; the rest have no half.

    Raises
    ------
    TableError
        A mention of the pairs has no truth.
    """
    known = known_entities(truth)
    mend = "pass the pairs of candidate_pairs"
    faults = check_columns(pairs, ("left", "right", "listed", "found_by"), "pairs", mend)
    if not faults:
        ids = pairs["left"] if pairs["listed"].any() else pd.concat([pairs["left"], pairs["right"]])
        faults = absent_mentions(ids, known)
    raise_faults("The pairs cannot be compared with the truth.", faults)
    halves = split_entities(truth, seed=seed)
    left, half = known.loc[pairs["left"]].to_numpy(), halves.loc[pairs["left"]].to_numpy()
    listed = pairs["listed"].to_numpy(dtype=bool)
    if listed.any():
        right = pairs["right"].astype(str).to_numpy()
    else:
        right = known.loc[pairs["right"]].to_numpy()
        half = np.where((half == "choose") & (halves.loc[pairs["right"]].to_numpy() == "test"), "", half)
    return pairs.assign(same=left == right, entity=left, half=half)


def count_true_pairs(pairs: pd.DataFrame, truth: Truth) -> pd.Series:
    """True pairs of each entity, those that blocking lost included; forms that occur twice count once."""
    known = read_truth(truth)
    if pairs["listed"].any():
        entities = known_entities(truth)
        return (known.notna() & (known != "")).groupby(entities.to_numpy()).sum()
    once = known_entities(truth).drop(pairs.loc[pairs["found_by"] == "form", "right"].unique())
    sizes = once.groupby(once.to_numpy()).size()
    return sizes * (sizes - 1) // 2


def absent_mentions(ids: pd.Series, known: pd.Series) -> list[Fault]:
    """Faults of mentions that the truth does not name."""
    if ids.isin(known.index).all():
        return []
    join = join_ids(ids.astype(str), known.index.astype(str))
    if not join.strays:
        problem, mend = "mention ids are numbers on one side and text on the other", "make both text: .astype(str)"
        return [Fault("table of truth", problem, mend)]
    mend = "give each mention id its entity, missing where it has none"
    return [Fault("table of truth", join.say_strays("mentions", "in it", "it"), mend)]


def _is_odd(entity: str, seed: int) -> int:
    return blake2b(f"{seed}:{entity}".encode(), digest_size=1).digest()[0] & 1
