"""Which coders are runs of one model: repeats and paraphrases of one model are no independent coders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import check_coders, check_columns, name_some, raise_faults
from codebook.analysis.core.counts import LabelCodes, read_codes
from codebook.analysis.core.patterns import Patterns, collapse
from codebook.analysis.core.scales import Bools, Floats, Ints
from codebook.errors import Fault

REFUSE, COLLAPSE = "refuse", "collapse"

Runs = pd.DataFrame | Mapping[str, str] | None


def describe_runs(table: pd.DataFrame, runs: Runs = None) -> pd.DataFrame:
    """Model and prompt of each coder, one row a coder: `coder`, `model`, `prompt`.

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
    own = pd.DataFrame({"coder": names, "model": [part[0] for part in parts], "prompt": [part[2] for part in parts]})
    if runs is None:
        return own.assign(model=_named_models(table, own))
    given = pd.DataFrame({"coder": list(runs), "model": list(runs.values())}) if isinstance(runs, Mapping) else runs
    raise_faults("The runs cannot be told apart.", _check_runs(given, table))
    own = own.assign(model=own["coder"], prompt="").set_index("coder")
    known = given.set_index("coder")
    for name in known.columns:
        before = own[name] if name in own else pd.Series("", index=own.index)
        own[name] = known[name].astype(str).reindex(own.index).fillna(before)
    return own.reset_index()


def read_sources(
    table: pd.DataFrame,
    *,
    variable: str,
    labels: Sequence[str],
    coders: Sequence[str] | None,
    runs: str | Runs,
    draw: int | None,
    about: str,
) -> tuple[LabelCodes, dict[str, list[str]]]:
    """LabelCodes with runs of one model joined to one coder, and which were joined.

    `runs` "refuse" raises a StatisticError where two coders are one model, "collapse" joins them by majority (a tie
    among them is no label), and a frame or mapping says which are one model and joins them. `draw` None takes every
    draw, and joins the draws of a coder.
    """
    raise_faults(about, check_columns(table))
    if isinstance(runs, str) and runs not in (REFUSE, COLLAPSE):
        mend = f"pass {REFUSE!r}, {COLLAPSE!r}, or which coder is which model"
        raise_faults(about, [Fault("runs", f"{runs!r} is unknown", mend)])
    wanted = None if coders is None else list(coders)
    raise_faults(about, check_coders(table, wanted))
    rows = table["variable"] == variable
    if wanted is not None:
        rows &= table["coder"].isin(wanted)
    told = table[rows]
    if draw is None:
        told = told.assign(coder=told["coder"].astype(str) + "\n" + told["draw"].astype(str), draw=0)
    codings = read_codes(told, variable=variable, level="nominal", labels=labels, draw=draw or 0)
    described = describe_runs(table[rows], None if isinstance(runs, str) else runs).set_index("coder")["model"]
    models = [str(described[name.partition("\n")[0]]) for name in codings.coders]
    joined = _list_joined(codings.coders, models)
    if runs == REFUSE and (several := {model: names for model, names in joined.items() if len(set(names)) > 1}):
        raise_faults(about, [_refuse(model, names) for model, names in several.items()])
    return _join(codings, models, joined), joined


def _list_joined(coders: Sequence[str], models: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for coder, model in zip(coders, models, strict=True):
        found.setdefault(model, []).append(coder.partition("\n")[0])
    return {model: names for model, names in found.items() if len(names) > 1}


def _refuse(model: str, names: Sequence[str]) -> Fault:
    problem = f"{name_some(dict.fromkeys(names))} are runs of one model, {model!r}, and would outvote people"
    mend = "pass runs='collapse' to join them to one coder, name one of them in coders=, or say in runs= who is who"
    return Fault("coders", problem, mend)


def _join(codings: LabelCodes, models: Sequence[str], joined: Mapping[str, Sequence[str]]) -> LabelCodes:
    names = list(dict.fromkeys(models))
    source = np.array([names.index(model) for model in models])
    coders = tuple(name if name in joined else codings.coders[models.index(name)].partition("\n")[0] for name in names)
    coder = source[codings.coder]
    if not joined:
        return replace(codings, coder=coder, coders=coders)
    pairs, key = np.unique(codings.unit * len(names) + coder, return_inverse=True)
    given = codings.code >= 0
    votes = collapse(key[given], codings.code[given], codings.scale.n_labels, trace=True)
    best, _ = find_modal(votes)
    shown = pad(votes.shown, len(pairs))
    code = np.append(best, -1)[shown]
    why = np.full(len(pairs), -1)
    why[key] = codings.why
    whys = (*codings.whys, "tied") if "tied" not in codings.whys else codings.whys
    why = np.where(code >= 0, -1, np.where(shown >= 0, whys.index("tied"), why))
    return replace(
        codings, unit=pairs // len(names), coder=pairs % len(names), code=code, why=why, whys=whys, coders=coders
    )


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


def _named_models(table: pd.DataFrame, own: pd.DataFrame) -> pd.Series:
    if "model" not in table:
        return own["model"]
    filled = table.loc[table["model"].fillna("") != "", ["coder", "model"]].drop_duplicates("coder")
    return own["coder"].map(filled.set_index("coder")["model"]).fillna(own["model"])


def _check_runs(given: pd.DataFrame, table: pd.DataFrame) -> list[Fault]:
    if absent := [name for name in ("coder", "model") if name not in given]:
        return [Fault("runs", f"it has no column {name_some(absent)}", "give coder and model, one row a coder")]
    faults = check_coders(table, list(given["coder"]))
    if (twice := given["coder"].duplicated()).any():
        faults.append(Fault("runs", f"{name_some(given.loc[twice, 'coder'])} twice", "give each coder one row"))
    return faults
