"""What tables, figures and sentences call variables and labels: the titles of the codebook; frames keep the codes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from codebook.analysis.core.scales import VariableLike

_COLUMNS = ("label", "labels", "gold", "coded", "a", "b", "before", "after", "typical_label")


def titles_of(variable: VariableLike) -> Mapping[str, str]:
    """The titles of a variable's labels, by the label; of two alike each has its code behind it.

    Examples
    --------
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> titles_of(VariableSpec("stance", "ordinal", ["-1", "0", "1"], titles={"-1": "against", "1": "for"}))
    {'-1': 'against', '1': 'for'}
    >>> titles_of(VariableSpec("v", "nominal", ["1", "2"], titles={"1": "yes", "2": "yes"}))
    {'1': 'yes (1)', '2': 'yes (2)'}
    """
    titles: Mapping[str, str] = getattr(variable, "titles", {})
    taken = [*titles.values(), *(label for label in variable.labels or () if label not in titles)]
    return {label: title if taken.count(title) == 1 else f"{title} ({label})" for label, title in titles.items()}


def title_of(variable: VariableLike) -> str:
    """The title of a variable, or its name."""
    return getattr(variable, "title", "") or variable.name


def name_label(text: str, variables: Sequence[VariableLike]) -> str:
    """A label, a set of labels, `variable=label` or `coder: variable=label` with the titles of the codebook.

    Examples
    --------
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> stance = VariableSpec("stance", "ordinal", ["-1", "1"], titles={"-1": "against"}, title="Stance")
    >>> [name_label(text, [stance]) for text in ("-1", "gold: stance=-1", "stance=1", "(not asked)")]
    ['against', 'gold: Stance=against', 'Stance=1', '(not asked)']
    >>> frames = VariableSpec("frames", "nominal", ["a", "b"], kind="multi", titles={"a": "conflict"})
    >>> [name_label(text, [frames]) for text in ('["a","b"]', "[]", "a")]
    ['conflict + b', 'none', 'conflict']
    """
    for variable in variables:
        titles = titles_of(variable)
        if text in titles:
            return titles[text]
        if text.startswith("[") and variable.kind == "multi":
            return _name_set(text, titles)
        head, sign, label = text.rpartition(f"{variable.name}=")
        if sign and (not head or head.endswith(": ")):
            return f"{head}{title_of(variable)}={titles.get(label, label)}"
    return text


def with_titles(
    frame: pd.DataFrame, variables: Sequence[VariableLike], columns: Sequence[str] = _COLUMNS
) -> pd.DataFrame:
    """A frame for people: the labels in its columns (and sets of labels among them) with their titles.

    Where a column `variable` says of which variable the labels of a row are, they have its titles and no other's.
    """
    if not any(map(_has_words, variables)):
        return frame
    of = {variable.name: [variable] for variable in variables}
    known = [of.get(name, variables) for name in frame["variable"]] if "variable" in frame else [variables] * len(frame)
    words = {column: list(map(_name_cell, frame[column], known)) for column in columns if column in frame}
    return frame.assign(**{column: pd.Series(cells, frame.index, dtype=object) for column, cells in words.items()})


def _has_words(variable: VariableLike) -> bool:
    """Whether people read the labels of a variable otherwise than they are written."""
    return bool(titles_of(variable)) or title_of(variable) != variable.name or variable.kind == "multi"


def _name_cell(cell: Any, variables: Sequence[VariableLike]) -> Any:
    return name_label(cell, variables) if isinstance(cell, str) else cell


def _name_set(text: str, titles: Mapping[str, str]) -> str:
    """The titles of a set of labels, which is a JSON list; the text where it is none."""
    try:
        labels = json.loads(text)
    except ValueError:
        return text
    return " + ".join(titles.get(label, str(label)) for label in labels) or "none"
