"""Who gave which label how often; coders' names as they are shown, and abstentions that are no point of a scale."""

from __future__ import annotations

import re
from dataclasses import replace

import orjson
import pandas as pd

from codebook.analysis.core.checks import find_distinct
from codebook.analysis.core.codings import Codings
from codebook.codings.frame import share_piece
from codebook.ground.quantities import say_count
from codebook.outputs.readable import ReadableFrame
from codebook.scheme import Codebook

_ROWS_AT_ONCE = 50_000
_DIGEST = re.compile(r"@[0-9a-f]{8}$")
"""What the kit puts behind the name of a model: the start of the codebook's digest."""


def count_labels(table: pd.DataFrame, codebook: Codebook) -> pd.DataFrame:
    """Count how often each coder gave each label: one row per variable and label, one column per coder.

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
    table = shorten_names(table)
    coders = list(table["coder"].unique())
    rows = []
    for variable in codebook.variables:
        labelled = table[(table["variable"] == variable.name) & table["label"].notna()]
        labels = [*variable.labels, "[]"] if variable.kind == "multi" else list(variable.labels)
        counts = _open_lists(labelled) if variable.kind == "multi" else labelled.groupby(["label", "coder"]).size()
        for label in labels:
            numbers = {coder: int(counts.get((label, coder), 0)) for coder in coders}
            rows.append({"variable": variable.name, "label": label, **numbers})
    return ReadableFrame(rows)


def _open_lists(labelled: pd.DataFrame) -> pd.Series[int]:
    """Count the single labels of JSON lists by (label, coder)."""
    lists = [orjson.loads(text) or ["[]"] for text in labelled["label"]]
    opened = labelled.assign(label=pd.Series(lists, index=labelled.index, dtype=object)).explode("label")
    return opened.groupby(["label", "coder"]).size()


def shorten_coders(codings: Codings) -> Codings:
    """Shorten the names of coders for figures and tables: without the codebook's digest, if they stay distinct.

    Examples
    --------
    >>> import codebook as cb
    >>> shorten_coders(cb.open_run("topics").codings()).coders
    ['embedded-use-minilm-2']
    """
    short = short_names(codings.frame)
    models = tuple(dict.fromkeys(short.get(name, name) for name in codings.models))
    return replace(codings, frame=shorten_names(codings.frame), models=models)


def shorten_names(table: pd.DataFrame) -> pd.DataFrame:
    """A table with the coders' names as in figures (see `shorten_coders`).

    Examples
    --------
    >>> import codebook as cb
    >>> shorten_names(cb.open_run("topics").table())["coder"].iloc[0]
    'embedded-use-minilm-2'
    """
    short, piece, pieces = short_names(table), None, [pd.Series([], dtype="str")]
    for start in range(0, len(table), _ROWS_AT_ONCE):
        codes, names = pd.factorize(table["coder"].iloc[start : start + _ROWS_AT_ONCE])
        texts = pd.array([short[str(name)] for name in names], dtype="str")
        piece = share_piece(texts.take(codes, allow_fill=True), piece)
        pieces.append(pd.Series(piece))
    return table.assign(coder=pd.concat(pieces, ignore_index=True).array)


def short_names(table: pd.DataFrame) -> dict[str, str]:
    """The name of each coder without the codebook's digest; with it where names would no longer be distinct.

    Examples
    --------
    >>> short_names(pd.DataFrame({"coder": ["gpt-4@bc4498d7", "ann@uni.example"]}))
    {'gpt-4@bc4498d7': 'gpt-4', 'ann@uni.example': 'ann@uni.example'}
    >>> short_names(pd.DataFrame({"coder": ["gpt-4@bc4498d7", "gpt-4@d1f81416"]}))
    {'gpt-4@bc4498d7': 'gpt-4@bc4498d7', 'gpt-4@d1f81416': 'gpt-4@d1f81416'}
    """
    names = [str(name) for name in find_distinct(table["coder"])]
    short = {name: _DIGEST.sub("", name) for name in names}
    return short if len(set(short.values())) == len(short) else dict(zip(names, names, strict=True))


def set_aside_abstentions(codings: Codings, codebook: Codebook) -> Codings:
    """Leave abstentions such as "unclear" out of variables on a scale, because they are not points of it.

    Abstentions of nominal variables stay, as categories like others. A note counts how many were left out.

    Examples
    --------
    >>> import codebook as cb
    >>> run = cb.open_run("topics")
    >>> set_aside_abstentions(run.codings(), run.codebook).coverage
    {'topic': {'labelled': 12}}
    """
    frame = codings.frame
    apart = pd.Series(data=False, index=frame.index)
    for variable in codebook.variables:
        if variable.level != "nominal" and variable.abstain:
            codes = [category.name for category in variable.abstain]
            apart |= (frame["variable"] == variable.name) & frame["label"].isin(codes)
    if not apart.any():
        return codings
    note = f"{say_count(int(apart.sum()), 'abstention')} on scales left out"
    return replace(codings, frame=frame[~apart].reset_index(drop=True), notes=(*codings.notes, note))
