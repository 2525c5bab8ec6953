"""Who is in a table: labels counted by coder, and coders grouped for comparison."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import orjson
import pandas as pd

from codebook.scheme import Codebook


def count_labels(table: pd.DataFrame, codebook: Codebook) -> pd.DataFrame:
    """Count how often each coder gave each label, one row a variable and label, one column a coder.

    Labels that were never given are shown with 0: a category nobody uses is a finding. Of a `multi` variable each label
    of a list counts, and `[]` is the empty list.

    Examples
    --------
    >>> from codebook.scheme import parse_codebook
    >>> from codebook.table import make_table
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


def group_coders(table: pd.DataFrame, *, leave_out: Collection[str] = ("gold",)) -> dict[str, Sequence[str]]:
    """Return the coders to compare: those from elsewhere, and those together with the run's own; gold is left out.

    A group with fewer than two coders is left out, as there is nothing to compare.

    Examples
    --------
    >>> from codebook.table import make_table
    >>> row = {"unit_id": "7", "variable": "tone", "label": "good"}
    >>> table = make_table([row | {"coder": c} for c in ("ann", "ben", "gold")] + [row | {"coder": "m", "run_id": "r"}])
    >>> group_coders(table)
    {'other coders': ['ann', 'ben'], 'with this run': ['m', 'ann', 'ben']}
    """
    known = table.drop_duplicates("coder")
    known = known[~known["coder"].isin(list(leave_out))]
    own = known.loc[known["run_id"] != "", "coder"].tolist()
    others = known.loc[known["run_id"] == "", "coder"].tolist()
    groups = {"other coders": others, "with this run": [*own, *others]}
    return {name: coders for name, coders in groups.items() if len(coders) > 1 and (own or name == "other coders")}
