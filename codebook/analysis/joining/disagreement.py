"""Where coders disagree: units ranked for a second look, and which labels are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import check_coders, raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import LabelCodes, read_codes
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.result import Facts, Result, blank_result, nothing_to_say
from codebook.analysis.core.runs import pick_first
from codebook.analysis.core.scales import UNCOUNTED, Floats, list_labels
from codebook.analysis.core.share_intervals import divide
from codebook.errors import Fault, unknown_choice
from codebook.ground.joins import Sides, join_faults, join_ids, tell_strays
from codebook.ground.quantities import say_count, say_percent

BY = ("entropy", "conflict", "label")
"""What units are ranked by, or that labels are."""

KINDS = ("single", "rating", "multi")
"""Kinds of variables whose labels are compared."""

_ABOUT = "The disagreements cannot be listed."
_NOBODY = "No coder beside the gold: nothing to set side by side."
_COLUMNS = ("rank", "unit_id", "variable", "n_codings", "entropy", "conflict", "commonest", "share", "tied", "votes")
_TEXTS = Sides("disputed units", "among the texts", "the texts")


@dataclass(frozen=True)
class DisagreementFacts(Facts):
    """Of units ranked by disagreement: how many are split, and the labels of the variable with its kind."""

    n_split: int = 0
    labels: tuple[str, ...] = ()
    kind: str = "single"


def disagreements(
    codings: Codings | pd.DataFrame, by: str = "entropy", *, coders: Sequence[str] | None = None
) -> Result:
    """Units with two or more codings, the most disputed first; or the labels that are taken for each other.

    Parameters
    ----------
    codings
        Of one variable, or a plain frame. Sets of labels are compared whole. Models among the coders, and texts of the
        units, are those of the codings.
    by
        `entropy` of the labels in bits: 0 where all agree. `conflict`: the chance that a person's label and a model's
        differ, drawn at random on this unit. Ties are ranked by the other, then by codings, then stand as in the
        codings. `label`: pairs of different labels, by how often two coders gave them to one unit.
    coders
        Who is compared; None for all but the gold.

    Returns
    -------
    Result
        `frame`: rank, unit_id, variable, n_codings, entropy, conflict (NaN without both sides), commonest (empty in a
        tie), share (of the commonest), tied, votes ("a 3, b 2"), where there are models people and models (their
        votes), and text where it is known. By label: a, b, n_pairs (pairs of codings), n_units, share (of all pairs of
        codings that differ).

    Raises
    ------
    StatisticError
        Faults of the codings; conflict without a model or a person; nearly no unit has its text.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> table = make_table("tone", {"ann": ["a", "a", "b"], "bo": ["a", "b", "b"], "m": ["b", "b", "b"]})
    >>> codings = Codings(table, [VariableSpec("tone", "nominal", ["a", "b"])], models=("m",))
    >>> disagreements(codings, "conflict").frame[["rank", "unit_id", "entropy", "conflict", "votes", "models"]].round(2)
       rank unit_id  entropy  conflict     votes models
    0     1      u1     0.92       1.0  a 2, b 1    b 1
    1     2      u2     0.92       0.5  b 2, a 1    b 1
    2     3      u3     0.00       0.0       b 3    b 1
    >>> disagreements(codings, "label").frame
       a  b  n_pairs  n_units  share
    0  a  b        4        2    1.0
    """
    codings = as_codings(codings, needs_level=False, whole=True)
    names = [*codings.people, *codings.machines] if coders is None else list(coders)
    models = [name for name in names if name in codings.models]
    raise_faults(_ABOUT, _check_request(codings, by, names, models))
    result = blank_result(codings, _COLUMNS, "disagreements", "Disputed units", "adjudication")
    if by == "label":
        columns = ["a", "b", "n_pairs", "n_units", "share"]
        result = blank_result(codings, columns, "confused_labels", "Labels taken for each other", "adjudication")
    if codings.uncounted or not names:
        return nothing_to_say(codings, codings.uncounted or _NOBODY, result)
    variable = codings.variable
    level = {"multi": "masi", "number": "interval"}.get(variable.kind, "nominal")
    codes = read_codes(codings.frame, variable=variable.name, level=level, labels=list_labels(variable), coders=names)
    return _confuse(codings, codes, result) if by == "label" else _rank(codings, codes, models, by, result)


def _check_request(codings: Codings, by: str, coders: Sequence[str], models: Sequence[str]) -> list[Fault]:
    faults = check_coders(codings.frame, list(coders))
    faults += unknown_choice("by", by, BY)
    if (kind := codings.variable.kind) not in (*KINDS, "number", *UNCOUNTED):
        faults.append(Fault("kind", f"labels of kind {kind!r} are not compared", f"choose one of {', '.join(KINDS)}"))
    if by == "conflict" and not (models and len(models) < len(coders)):
        mend = "name the coders who are models: models= of the codings"
        faults.append(Fault("by", "conflict needs a model and people", mend))
    return faults


def _rank(codings: Codings, codes: LabelCodes, models: Sequence[str], by: str, result: Result) -> Result:
    votes = _count_votes(codes, [True] * len(codes.coders))
    machines = _count_votes(codes, [name in set(models) for name in codes.coders])
    people, sizes = votes - machines, votes.sum(axis=1)
    shares = votes / np.maximum(sizes, 1)[:, None]
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    pairs, same = people.sum(axis=1) * machines.sum(axis=1), (people * machines).sum(axis=1)
    best, top = pick_first(shares)
    names = [*codes.scale.labels, ""]
    sides = {"votes": votes, **({"people": people, "models": machines} if models else {})}
    every = pd.DataFrame(
        {
            **{"unit_id": codes.units.astype(str), "variable": codings.variable.name, "n_codings": sizes.astype(int)},
            **{"entropy": np.abs((shares * logs).sum(axis=1)), "conflict": 1 - divide(same, pairs)},
            **{"commonest": [names[at] for at in best], "share": shares.max(axis=1, initial=0)},
            **{"tied": top.sum(axis=1) > 1},
            **{side: _tell(counts, names) for side, counts in sides.items()},
        }
    )
    order = [by, *(name for name in ("entropy", "conflict") if name != by), "n_codings"]
    ranked = every[sizes >= 2].sort_values(order, ascending=False, kind="stable", na_position="last")
    titles = [codings.name_label(name) for name in names]
    words = {side: np.array(_tell(counts, titles), dtype=object)[ranked.index] for side, counts in sides.items()}
    frame: pd.DataFrame = ranked.reset_index(drop=True)
    strays: list[str] = []
    if codings.texts and len(frame):
        join = join_ids(frame["unit_id"], codings.texts)
        raise_faults(_ABOUT, join_faults(join, "texts", _TEXTS))
        strays = tell_strays(join, _TEXTS)
        frame["text"] = frame["unit_id"].map(dict(codings.texts)).fillna("")
    frame.insert(0, "rank", np.arange(1, len(frame) + 1))
    facts = DisagreementFacts(
        n_units=len(frame),
        n_coders=len(codes.coders),
        coverage={codings.variable.name: codes.coverage},
        dropped={"units with fewer than two codings": len(every) - len(frame)},
        joins=(*codings.joins, *strays),
        n_split=int((frame["entropy"] > 0).sum()),
        labels=tuple(codings.variable.labels or ()),
        kind=codings.variable.kind,
    )
    result = replace(result, frame=frame, facts=facts)
    if frame.empty:
        return nothing_to_say(codings, "No unit was labelled by two coders: nothing to decide.", result)
    shown = frame.assign(**words)
    first, table = shown.iloc[0], _print_ranked(shown, conflict=bool(models))
    finding = f"Coders disagree on {facts.n_split:,} of {say_count(len(frame), 'unit')} with two or more codings"
    finding += f"; most of all {first['unit_id']} ({first['votes']})." if facts.n_split else "."
    remarks = ("Entropy in bits: 0 where all agree.", *facts.left_aside)
    return replace(result, finding=finding, remarks=remarks, table=table, outputs=codings.outputs)


def cut_text(text: str, most: int = 240) -> str:
    """A text that fits a cell; what is left out is marked."""
    return text if len(text) <= most else f"{text[: most - 4].rpartition(' ')[0] or text[: most - 4]} ..."


def _print_ranked(frame: pd.DataFrame, *, conflict: bool) -> pd.DataFrame:
    """Rank, unit, text where it is known, and who said what."""
    texts = {"Text": frame["text"].map(cut_text)} if "text" in frame else {}
    cells = {"Rank": frame["rank"], "Unit": frame["unit_id"], **texts, "Entropy": frame["entropy"]}
    sides = {"Conflict": frame["conflict"], "People": frame.get("people"), "Models": frame.get("models")}
    return pd.DataFrame(cells | (sides if conflict else {"Votes": frame["votes"]}))


def _confuse(codings: Codings, codes: LabelCodes, result: Result) -> Result:
    """Pairs of different labels, by how often two coders gave them to one unit."""
    votes = _count_votes(codes, [True] * len(codes.coders))
    first, second = np.triu_indices(votes.shape[1], k=1)
    pairs, units = (votes.T @ votes)[first, second], ((votes > 0).T.astype(float) @ (votes > 0))[first, second]
    names = np.array(codes.scale.labels, dtype=object)
    frame = pd.DataFrame({"a": names[first], "b": names[second], "n_pairs": pairs, "n_units": units})
    frame = frame[frame["n_pairs"] > 0].astype({"a": "str", "b": "str", "n_pairs": int, "n_units": int})
    n_pairs = int(frame["n_pairs"].sum())
    frame["share"] = frame["n_pairs"] / max(1, n_pairs)
    frame = frame.sort_values("n_pairs", ascending=False, kind="stable", ignore_index=True)
    facts = Facts(n_units=len(codes.units), n_coders=len(codes.coders), joins=codings.joins)
    result = replace(result, frame=frame, facts=facts)
    if frame.empty:
        reason = "No two coders labelled a unit differently: no label was taken for another."
        return nothing_to_say(codings, reason, result)
    shown = codings.in_words(frame)
    top = shown.iloc[0]
    share = f"{say_percent(top['n_pairs'] / n_pairs)} of {say_count(n_pairs, 'pair')} of codings that differ"
    finding = f"Most often taken for each other are {top['a']!r} and {top['b']!r}: {share}."
    return replace(
        result,
        finding=finding,
        remarks=("Pairs of codings of one unit that differ.",),
        table=shown,
        outputs=codings.outputs,
    )


def _count_votes(codes: LabelCodes, chosen: Sequence[bool]) -> Floats:
    """How many of the chosen coders gave each label, shape (n_units, n_labels)."""
    rows = (codes.code >= 0) & np.array(chosen, dtype=bool)[codes.coder]
    n_units, n_labels = len(codes.units), codes.scale.n_labels
    keys = codes.unit[rows] * n_labels + codes.code[rows]
    return np.bincount(keys, minlength=n_units * n_labels).reshape(n_units, n_labels).astype(float)


def _tell(votes: Floats, names: Sequence[str]) -> list[str]:
    order = np.argsort(-votes, axis=1, kind="stable")
    return [
        ", ".join(f"{names[at]} {int(row[at])}" for at in places if row[at])
        for row, places in zip(votes, order, strict=True)
    ]
