"""Where coders disagree: units ranked for a second look, and which labels are taken for which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import carry_joins, check_coders, check_columns, name_some, raise_faults
from codebook.analysis.core.counts import LabelCodes, read_codes
from codebook.analysis.core.empty import make_empty, mark_empty
from codebook.analysis.core.estimates import package_versions
from codebook.analysis.core.runs import pick_first
from codebook.analysis.core.scales import Floats
from codebook.errors import Fault
from codebook.ground.joins import Sides, join_faults, join_ids, tell_strays

BY = ("entropy", "conflict")
"""What units are ranked by."""

_ABOUT = "The disagreements cannot be listed."
_NOBODY = "No coder beside the gold: nothing to set side by side."
_COLUMNS = ("rank", "unit_id", "variable", "n_codings", "entropy", "conflict", "commonest", "share", "tied", "votes")
_TEXTS = Sides("disputed units", "among the texts", "the texts")


def rank_disagreements(
    table: pd.DataFrame,
    *,
    variable: str,
    labels: Sequence[str],
    kind: str = "single",
    coders: Sequence[str] | None = None,
    models: Sequence[str] = (),
    by: str = "entropy",
    texts: Mapping[str, str] | None = None,
    draw: int = 0,
) -> pd.DataFrame:
    """Units with two or more codings, the most disputed first.

    Parameters
    ----------
    kind
        `single` (or `rating`), or `multi`: then whole sets of labels are compared.
    coders, models
        Who is compared (None: all; leave the gold out), and who of them is a model: the others are people.
    by
        `entropy` of the labels in bits: 0 where all agree. `conflict`: the chance that a person's label and a model's
        differ, drawn at random on this unit. Ties are ranked by the other, then by codings, then stand as in the table.
    texts
        Text by unit_id, to be shown.

    Returns
    -------
    pd.DataFrame
        rank, unit_id, variable, n_codings, entropy, conflict (NaN without both sides), commonest (empty in a tie),
        share (of the commonest), tied, votes ("a 3, b 2"), and people, models (their votes) where models are named,
        text. `attrs`: n_units, n_dropped (units with fewer than two codings), n_split, by, coverage, versions.

    Raises
    ------
    StatisticError
        Faults of the table; models who are no coders; conflict without a model or a person.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("tone", {"ann": ["a", "a", "b"], "bo": ["a", "b", "b"], "m": ["b", "b", "b"]})
    >>> frame = rank_disagreements(table, variable="tone", labels=["a", "b"], models=["m"], by="conflict")
    >>> frame[["rank", "unit_id", "entropy", "conflict", "votes", "models"]].round(2)
       rank unit_id  entropy  conflict     votes models
    0     1      u1     0.92       1.0  a 2, b 1    b 1
    1     2      u2     0.92       0.5  b 2, a 1    b 1
    2     3      u3     0.00       0.0       b 3    b 1
    """
    raise_faults(_ABOUT, [*check_columns(table), *_check_request(by, models, coders, kind)])
    raise_faults(_ABOUT, check_coders(table, list(models)))
    if coders is not None and not len(coders):
        return make_empty(_NOBODY, _COLUMNS, table=table)
    level = "masi" if kind == "multi" else "nominal"
    codings = read_codes(table, variable=variable, level=level, labels=labels, coders=coders, draw=draw)
    votes = _count_votes(codings, [True] * len(codings.coders))
    machines = _count_votes(codings, [name in set(models) for name in codings.coders])
    people = votes - machines
    sizes = votes.sum(axis=1)
    shares = votes / np.maximum(sizes, 1)[:, None]
    best, top = pick_first(shares)
    names = [*codings.scale.labels, ""]
    frame = pd.DataFrame(
        {
            **{"unit_id": codings.units.astype(str), "variable": variable, "n_codings": sizes.astype(int)},
            **{"entropy": _find_entropy(shares), "conflict": _find_conflict(people, machines)},
            **{"commonest": [names[at] for at in best], "share": shares.max(axis=1, initial=0)},
            **{"tied": top.sum(axis=1) > 1, "votes": _tell(votes, names)},
            **({"people": _tell(people, names), "models": _tell(machines, names)} if models else {}),
        }
    )
    pairable = frame[sizes >= 2]
    order = [by, *(name for name in BY if name != by), "n_codings"]
    kept: pd.DataFrame = pairable.sort_values(
        order, ascending=False, kind="stable", na_position="last", ignore_index=True
    )
    joins = []
    if texts is not None:
        join = join_ids(kept["unit_id"], texts)
        raise_faults(_ABOUT, join_faults(join, "texts", _TEXTS))
        joins = tell_strays(join, _TEXTS)
        kept["text"] = kept["unit_id"].map(dict(texts)).fillna("")
    kept.insert(0, "rank", np.arange(1, len(kept) + 1))
    kept.attrs = {
        **{"variable": variable, "by": by, "models": list(models), "draw": draw, "labels": list(labels), "kind": kind},
        **{"n_units": len(kept), "n_dropped": len(frame) - len(kept), "n_split": int((kept["entropy"] > 0).sum())},
        "coverage": {"labelled": len(codings.code) - codings.n_missing, **codings.missing},
        **{"versions": package_versions(), **carry_joins(table, told=joins)},
    }
    return mark_empty(kept, "No unit was labelled by two coders: nothing to decide.")


def confused_labels(
    table: pd.DataFrame,
    *,
    variable: str,
    labels: Sequence[str],
    coders: Sequence[str] | None = None,
    draw: int = 0,
) -> pd.DataFrame:
    """Pairs of different labels, by how often two coders gave them to one unit, the commonest first.

    Returns
    -------
    pd.DataFrame
        a, b, n_pairs (pairs of codings), n_units, share (of all pairs of codings that differ).

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("tone", {"ann": ["a", "a", "b"], "bo": ["a", "b", "b"], "cy": ["b", "b", "c"]})
    >>> confused_labels(table, variable="tone", labels=["a", "b", "c"])
       a  b  n_pairs  n_units  share
    0  a  b        4        2   0.67
    1  b  c        2        1   0.33
    """
    if coders is not None and not len(coders):
        return make_empty(_NOBODY, ["a", "b", "n_pairs", "n_units", "share"], table=table)
    codings = read_codes(table, variable=variable, level="nominal", labels=labels, coders=coders, draw=draw)
    votes = _count_votes(codings, [True] * len(codings.coders))
    first, second = np.triu_indices(votes.shape[1], k=1)
    pairs, units = (votes.T @ votes)[first, second], ((votes > 0).T.astype(float) @ (votes > 0))[first, second]
    names = np.array(codings.scale.labels, dtype=object)
    frame = pd.DataFrame({"a": names[first], "b": names[second], "n_pairs": pairs, "n_units": units})
    frame = frame[frame["n_pairs"] > 0].astype({"a": "str", "b": "str", "n_pairs": int, "n_units": int})
    frame["share"] = (frame["n_pairs"] / max(1, frame["n_pairs"].sum())).round(2)
    ranked: pd.DataFrame = frame.sort_values("n_pairs", ascending=False, kind="stable", ignore_index=True)
    return mark_empty(ranked, "No two coders labelled a unit differently: no label was taken for another.")


def _count_votes(codings: LabelCodes, wanted: Sequence[bool]) -> Floats:
    """How many of the wanted coders gave each label, shape (n_units, n_labels)."""
    rows = (codings.code >= 0) & np.array(wanted, dtype=bool)[codings.coder]
    n_units, n_labels = len(codings.units), codings.scale.n_labels
    keys = codings.unit[rows] * n_labels + codings.code[rows]
    return np.bincount(keys, minlength=n_units * n_labels).reshape(n_units, n_labels).astype(float)


def _find_entropy(shares: Floats) -> Floats:
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    return np.asarray(np.abs((shares * logs).sum(axis=1)))


def _find_conflict(people: Floats, machines: Floats) -> Floats:
    pairs = people.sum(axis=1) * machines.sum(axis=1)
    same = (people * machines).sum(axis=1)
    return np.asarray(1 - np.divide(same, pairs, out=np.full(len(pairs), np.nan), where=pairs > 0))


def _tell(votes: Floats, names: Sequence[str]) -> list[str]:
    order = np.argsort(-votes, axis=1, kind="stable")
    return [
        ", ".join(f"{names[at]} {int(row[at])}" for at in places if row[at])
        for row, places in zip(votes, order, strict=True)
    ]


def _check_request(by: str, models: Sequence[str], coders: Sequence[str] | None, kind: str) -> list[Fault]:
    faults = []
    if by not in BY:
        faults.append(Fault("by", f"{by!r} is unknown", f"pass one of {', '.join(BY)}"))
    if kind not in ("single", "rating", "multi"):
        faults.append(Fault("kind", f"labels of kind {kind!r} are not compared", "pass single, rating or multi"))
    if isinstance(models, str):
        faults.append(Fault("models", f"{models!r} is one text", "pass a list of coders"))
    elif by == "conflict" and not models:
        faults.append(Fault("models", "conflict needs a model and people", "name the coders who are models"))
    elif coders is not None and (others := [name for name in models if name not in coders]):
        faults.append(Fault("models", f"{name_some(others)} is not among coders=", "name them in both"))
    return faults
