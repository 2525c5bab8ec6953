"""Which coders are runs of one model: repeats and paraphrases of one model are no independent coders."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import check_coders, name_some, raise_faults
from codebook.analysis.core.patterns import Patterns
from codebook.analysis.core.scales import Bools, Floats, Ints
from codebook.errors import Fault

_DIGEST = re.compile(r"[0-9a-f]{7,}")

Runs = pd.DataFrame | Mapping[str, str] | None


def describe_runs(table: pd.DataFrame, runs: Runs = None) -> pd.DataFrame:
    """Model and prompt of each coder, one row per coder: `coder`, `model`, `prompt`.

    Parameters
    ----------
    runs
        A frame with `coder`, `model` and, if you like, `prompt` and further columns, or a mapping from coder to model;
        coders it does not name stand for themselves. None reads the table: its column `model` where that is filled,
        else the name before an "@" (the kit's coders are `model@digest of the codebook`); what follows the "@" is
        the prompt.

    Raises
    ------
    StatisticError
        Coders that the table does not have, or named twice.

    Examples
    --------
    >>> table = pd.DataFrame({"coder": ["ann", "m@p1", "m@p2"]})
    >>> describe_runs(table).to_numpy().tolist()
    [['ann', 'ann', ''], ['m@p1', 'm', 'p1'], ['m@p2', 'm', 'p2']]
    """
    names = table["coder"].dropna().astype(str).unique()
    parts = [name.partition("@") for name in names]
    described = pd.DataFrame(
        {"coder": names, "model": [part[0] for part in parts], "prompt": [part[2] for part in parts]}
    )
    if runs is None:
        return described.assign(model=_named_models(table, described))
    named = pd.DataFrame({"coder": list(runs), "model": list(runs.values())}) if isinstance(runs, Mapping) else runs
    raise_faults("The runs cannot be told apart.", _check_runs(named, table))
    described = described.assign(model=described["coder"], prompt="").set_index("coder")
    known = named.set_index("coder")
    for name in known.columns:
        before = described[name] if name in described else pd.Series("", index=described.index)
        described[name] = known[name].astype(str).reindex(described.index).fillna(before)
    return described.reset_index()


def name_prompts(prompts: Iterable[str]) -> dict[str, str]:
    """Names of prompts that are known by the digest of their codebook only, or by nothing; the first is the original.

    Examples
    --------
    >>> name_prompts(["", "a25de464", "polite"]), name_prompts(["bc4498d7", "d1f81416", "a25de464"])["a25de464"]
    ({'a25de464': 'paraphrase', '': 'original'}, 'paraphrase 2')
    """
    first, *rest = [str(each) for each in dict.fromkeys(prompts)] or ["?"]
    others = [each for each in rest if _DIGEST.fullmatch(each)]
    names = {each: f"paraphrase {at}" if len(others) > 1 else "paraphrase" for at, each in enumerate(others, start=1)}
    return names | ({first: "original"} if not first or _DIGEST.fullmatch(first) else {})


def find_modal(patterns: Patterns) -> tuple[Ints, Bools]:
    """The commonest label of each pattern, -1 where two are equally common, and which are, (n_patterns, n_labels).

    Examples
    --------
    >>> find_modal(Patterns(np.array([[2.0, 1], [1, 1]]), np.array([1, 1])))[0].tolist()
    [0, -1]
    """
    return pick_first(patterns.counts)


def pick_first(scores: Floats) -> tuple[Ints, Bools]:
    """Place of the largest score in each row, -1 in a tie, and which scores are largest (n_rows, n_labels)."""
    if not scores.size:
        return np.full(len(scores), -1), np.zeros(scores.shape, dtype=bool)
    top = scores >= scores.max(axis=1, keepdims=True) - 1e-9
    return np.where(top.sum(axis=1) == 1, top.argmax(axis=1), -1), top


def pad(shown: Ints, length: int) -> Ints:
    """Patterns of units with -1 for those after the last that has one."""
    return np.append(shown, np.full(length - len(shown), -1))


def _named_models(table: pd.DataFrame, described: pd.DataFrame) -> pd.Series:
    if "model" not in table:
        return described["model"]
    filled = table.loc[table["model"].fillna("") != "", ["coder", "model"]].drop_duplicates("coder")
    return described["coder"].map(dict(zip(filled["coder"], filled["model"], strict=True))).fillna(described["model"])


def _check_runs(named: pd.DataFrame, table: pd.DataFrame) -> list[Fault]:
    if absent := [name for name in ("coder", "model") if name not in named]:
        return [Fault("runs", f"it has no column {name_some(absent)}", "give coder and model, one row per coder")]
    faults = check_coders(table, list(named["coder"]))
    if (twice := named["coder"].duplicated()).any():
        faults.append(Fault("runs", f"{name_some(named.loc[twice, 'coder'])} twice", "give each coder one row"))
    return faults
