"""Who gave which label how often; coders' names as they are shown, and abstentions that are no point of a scale."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.scheme import Codebook


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
        labelled = table[(table["variable"] == variable.name) & table["label"].notna()]
        labels = [*variable.labels, "[]"] if variable.kind == "multi" else list(variable.labels)
        counts = _open_lists(labelled) if variable.kind == "multi" else labelled.groupby(["label", "coder"]).size()
        for label in labels:
            numbers = {coder: int(counts.get((label, coder), 0)) for coder in coders}
            rows.append({"variable": variable.name, "label": label, **numbers})
    return pd.DataFrame(rows)


def _open_lists(labelled: pd.DataFrame) -> pd.Series[int]:
    """Count the single labels of JSON lists by (label, coder)."""
    lists = [orjson.loads(text) or ["[]"] for text in labelled["label"]]
    opened = labelled.assign(label=pd.Series(lists, index=labelled.index, dtype=object)).explode("label")
    return opened.groupby(["label", "coder"]).size()


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
