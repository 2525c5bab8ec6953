"""Who is in a table: labels counted by coder, and coders grouped for comparison."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import orjson
import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.scheme import Codebook

_MOST_MODELS = 6  # that are compared with the humans one by one


def count_labels(table: pd.DataFrame, codebook: Codebook) -> pd.DataFrame:
    """Count how often each coder gave each label, one row a variable and label, one column a coder.

    Labels that were never given are shown with 0: a category nobody uses is a finding. Of a `multi` variable each label
    of a list counts, and `[]` is the empty list.

    Examples
    --------
    >>> from codebook.scheme import parse_codebook
    >>> from codebook.codings import make_table
    >>> book = parse_codebook('''
    ... name: tone
    ... unit: a headline
    ... variables:
    ...   - {name: tone, question: Tone?, kind: single, level: nominal, categories: [good, bad]}
    ... '''.replace("Tone?", '"Tone?"'))
    >>> ann = make_table([{"unit_id": "7", "coder": "ann", "variable": "tone", "label": "good"}])
    >>> count_labels(ann, book)
      variable label  ann
    0     tone  good    1
    1     tone   bad    0
    """
    coders = list(table["coder"].unique())
    rows = []
    for variable in codebook.variables:
        given = table[(table["variable"] == variable.name) & table["label"].notna()]
        labels = [*variable.labels, "[]"] if variable.kind == "multi" else list(variable.labels)
        counts = _open_lists(given) if variable.kind == "multi" else given.groupby(["label", "coder"]).size()
        for label in labels:
            numbers = {coder: int(counts.get((label, coder), 0)) for coder in coders}
            rows.append({"variable": variable.name, "label": label, **numbers})
    return pd.DataFrame(rows)


def _open_lists(given: pd.DataFrame) -> pd.Series[int]:
    """Count the single labels of JSON lists by (label, coder)."""
    lists = [orjson.loads(text) or ["[]"] for text in given["label"]]
    opened = given.assign(label=pd.Series(lists, index=given.index, dtype=object)).explode("label")
    return opened.groupby(["label", "coder"]).size()


class CoderGroups(dict[str, Sequence[str]]):
    """Coders to compare with each other, by the name of their group; `nothing` says why there is no group."""

    nothing: str = ""


def group_coders(
    table: pd.DataFrame, *, models: Collection[str] = (), leave_out: Collection[str] = ("gold",)
) -> CoderGroups:
    """Return the coders to compare with each other: humans alone, models alone, humans with each model, and all.

    A model is who labelled in a run of the kit, who has something in the column `model` or `raw` (a reply that had to
    be read), or who is named in `models`: a file of plain labels does not say it. The agreement of humans alone is the
    ceiling to hold the others against. A group with fewer than two coders, or the same as an earlier one, is left out;
    so are the humans with each model where there are more than six models. Of fewer than two coders there is no group,
    and nothing to compare: `nothing` says so.

    Examples
    --------
    >>> from codebook.codings import make_table
    >>> row = {"unit_id": "7", "variable": "tone", "label": "good"}
    >>> table = make_table([row | {"coder": c} for c in ("ann", "ben", "gold")] + [row | {"coder": "m", "run_id": "r"}])
    >>> group_coders(table)
    {'humans': ['ann', 'ben'], 'humans + m': ['ann', 'ben', 'm']}
    >>> group_coders(table, models=["ben"])
    {'models': ['ben', 'm'], 'humans + ben': ['ann', 'ben'], 'humans + m': ['ann', 'm'], 'all': ['ann', 'ben', 'm']}
    """
    machine = (table["run_id"] != "") | table["coder"].isin(list(models))
    for column in {"model", "raw"} & set(table.columns):
        machine |= table[column].fillna("") != ""
    coders = [coder for coder in table["coder"].unique() if coder not in leave_out]
    machines = set(table.loc[machine, "coder"])
    humans, others = ([c for c in coders if (c in machines) == is_model] for is_model in (False, True))
    groups = {"humans": humans, "models": others}
    if len(others) <= _MOST_MODELS and humans:
        groups |= {f"humans + {model}": [*humans, model] for model in others}
    groups["all"] = [*humans, *others]
    kept = CoderGroups()
    for name, members in groups.items():
        if len(members) > 1 and members not in kept.values():
            kept[name] = members
    kept.nothing = "" if kept else _say_alone(coders, [name for name in leave_out if name in set(table["coder"])])
    return kept


def _say_alone(coders: Sequence[str], aside: Sequence[str]) -> str:
    """Why there are no two coders to compare; `aside` are the coders left out of the comparison.

    Examples
    --------
    >>> _say_alone(["m"], ["gold"])
    "One coder ('m') beside the gold: nothing to compare. To compare, add a second coder to coders.yaml."
    """
    who = f"One coder ({coders[0]!r})" if coders else "No coder"
    beside = f" beside {'the gold' if list(aside) == ['gold'] else ', '.join(map(repr, aside))}" if aside else ""
    return f"{who}{beside}: nothing to compare. To compare, add a second coder to coders.yaml."


def own_coders(table: pd.DataFrame) -> list[str]:
    """Return the coders whose labels a run of the kit gave."""
    return table.loc[table["run_id"] != "", "coder"].drop_duplicates().tolist()


def coders_sharing(table: pd.DataFrame, coder: str) -> list[str]:
    """Return the other coders who coded at least one unit and variable that this coder labelled, the run's own first.

    Examples
    --------
    >>> from codebook.codings import make_table
    >>> row = {"variable": "tone", "label": "good"}
    >>> table = make_table([row | {"unit_id": u, "coder": c} for u, c in (("7", "gold"), ("7", "ann"), ("9", "ben"))])
    >>> coders_sharing(table, "gold")
    ['ann']
    """
    keys = ["unit_id", "variable"]
    known = table.loc[(table["coder"] == coder) & table["label"].notna(), keys].drop_duplicates()
    others = table[table["coder"] != coder].merge(known, on=keys)
    own = own_coders(others)
    return [*own, *(name for name in others["coder"].unique() if name not in own)]


def pick_pair(
    table: pd.DataFrame, gold: str, variable: str, sample: pd.DataFrame | None = None
) -> tuple[str | None, str | None]:
    """Return the two coders to be held against the gold and against each other, the run's own first; None for nobody.

    Both coded units that the gold labelled (in the `sample`, if there is one), and the second shares such a unit with
    the first.

    Examples
    --------
    >>> from codebook.codings import make_table
    >>> row = {"variable": "tone", "label": "good"}
    >>> said = (("7", "gold"), ("9", "gold"), ("7", "ann"), ("9", "ben"), ("7", "cy"))
    >>> table = make_table([row | {"unit_id": unit, "coder": coder} for unit, coder in said])
    >>> pick_pair(table, "gold", "tone"), pick_pair(table, "ben", "tone"), pick_pair(table, "dora", "tone")
    (('ann', 'cy'), ('gold', None), (None, None))
    """
    rows = table[table["variable"] == variable]
    if sample is not None:
        rows = rows[rows["unit_id"].isin(sample["unit_id"])]
    coders = coders_sharing(rows, gold)
    if not coders:
        return None, None
    first, *others = coders
    known = rows.loc[(rows["coder"] == gold) & rows["label"].notna(), "unit_id"]
    shared = rows.loc[(rows["coder"] == first) & rows["unit_id"].isin(known), "unit_id"]
    near = set(rows.loc[rows["unit_id"].isin(shared), "coder"])
    return first, next((name for name in others if name in near), None)


def busiest_coders(table: pd.DataFrame, most: int = 12) -> list[str]:
    """Return the coders with the most labels, those of a run first: as many as a figure can show."""
    counts = table[table["label"].notna()].groupby("coder", sort=False).size()
    own = own_coders(table)
    rest = counts.drop(labels=own, errors="ignore").sort_values(ascending=False, kind="stable").index
    return [*own, *rest][:most]


def shorten_coders(codings: Codings) -> Codings:
    """Leave the codebook's digest out of coders' names where they stay distinct; for figures and printed tables."""
    short = {name: name.split("@")[0] for name in codings.coders}
    if len(set(short.values())) < len(short):
        return codings
    frame = codings.frame.assign(coder=codings.frame["coder"].map(short))
    return replace(codings, frame=frame, models=tuple(short.get(name, name) for name in codings.models))


def set_aside_abstentions(codings: Codings, codebook: Codebook) -> Codings:
    """Leave abstentions out of variables that are measured on a scale: "unclear" is a code, but no point of it.

    Abstentions of nominal variables stay, as categories like others. A note counts what was set aside.
    """
    frame = codings.frame
    apart = pd.Series(data=False, index=frame.index)
    for variable in codebook.variables:
        if variable.level != "nominal" and variable.abstain:
            codes = [category.name for category in variable.abstain]
            apart |= (frame["variable"] == variable.name) & frame["label"].isin(codes)
    if not apart.any():
        return codings
    note = f"{int(apart.sum()):,} abstentions on scales set aside"
    return replace(codings, frame=frame[~apart].reset_index(drop=True), notes=(*codings.notes, note))
