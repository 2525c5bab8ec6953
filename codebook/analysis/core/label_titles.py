"""What tables, figures and sentences call variables and labels: their titles, without what all names share.

Frames keep the codes. `embedded-use-minilm-2: topic=sports` and its like are `sports`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
    if not any(titles_of(each) or title_of(each) != each.name or each.kind == "multi" for each in variables):
        return frame  # people read the labels as they are written
    of = {variable.name: [variable] for variable in variables}
    known = [of.get(name, variables) for name in frame["variable"]] if "variable" in frame else [variables] * len(frame)
    words = {
        column: [
            name_label(cell, those) if isinstance(cell, str) else cell
            for cell, those in zip(frame[column], known, strict=True)
        ]
        for column in columns
        if column in frame
    }
    return frame.assign(**{column: pd.Series(cells, frame.index, dtype=object) for column, cells in words.items()})


def _name_set(text: str, titles: Mapping[str, str]) -> str:
    """The titles of a set of labels, which is a JSON list; the text where it is none."""
    try:
        labels = json.loads(text)
    except ValueError:
        return text
    return " + ".join(titles.get(label, str(label)) for label in labels) or "none"


_STOPS = (": ", "=")
"""What parts a name: coder, variable and label stand between them."""


@dataclass(frozen=True)
class SharedNames:
    """Names without what all of them share: `before` and `after` them, without the signs between.

    Examples
    --------
    >>> SharedNames.of(["bo: topic=sports", "bo: topic=health"])
    SharedNames(names=('sports', 'health'), before='bo: topic', after='')
    >>> SharedNames.of(["EC1=1", "RE2=1"])
    SharedNames(names=('EC1', 'RE2'), before='', after='1')
    >>> SharedNames.of(["sports", "sportswear"]).names
    ('sports', 'sportswear')
    """

    names: tuple[str, ...]
    before: str = ""
    after: str = ""

    @classmethod
    def of(cls, names: Sequence[str]) -> SharedNames:
        """Part the names at what all of them begin or end with; a single name, or one that would be empty, stays."""
        if len(set(names)) < 2:
            return cls(tuple(names))
        first, last = _count_begin(names), _count_end(names)
        short = tuple(name[first : len(name) - last] for name in names)
        return cls(short, names[0][:first].rstrip(" :="), names[0][len(names[0]) - last :].lstrip("=") if last else "")


def share_heads(table: pd.DataFrame) -> pd.DataFrame:
    """A table of pairs whose names in `a` and `b` are short: what each column shares is its head.

    Examples
    --------
    >>> frame = pd.DataFrame({"a": ["bo: v=x", "bo: v=y"], "b": ["gold: v=x", "gold: v=y"], "phi": [0.5, 0.4]})
    >>> share_heads(frame)
      bo: v gold: v  phi
    0     x       x  0.5
    1     y       y  0.4
    """
    a, b = (SharedNames.of([str(name) for name in table[column]]) for column in ("a", "b"))
    if not (a.before and b.before) or a.after or b.after or a.before == b.before:
        return table
    return table.assign(a=a.names, b=b.names).rename(columns={"a": a.before, "b": b.before})


def group_names(names: Sequence[str]) -> list[str]:
    """The group of each name: its coder, its variable, or the letters before its number; "" where there are no groups.

    There are groups where every name has one, and at least one of several groups has more than one name.

    Examples
    --------
    >>> group_names(["ann: v=x", "ann: v=y", "bo: v=x"]), group_names(["v=x", "v=y", "w=x"])
    (['ann', 'ann', 'bo'], ['v', 'v', 'w'])
    >>> group_names(["EC1", "EC2", "HI1"]), group_names(["C1", "C2"]), group_names(["sports", "health"])
    (['EC', 'EC', 'HI'], ['', ''], ['', ''])
    """
    for pattern in (r"(.+): ", r"([^=]+)=", r"([A-Za-z]+)\d"):
        matches = [re.match(pattern, name) for name in names]
        groups = [match[1] for match in matches if match]
        if len(groups) == len(names) and 1 < len(set(groups)) < len(names):
            return groups
    return [""] * len(names)


def _count_begin(names: Sequence[str]) -> int:
    """Signs that all names begin with, up to the last stop."""
    shared = _shared_begin(names)
    return max((shared.rfind(stop) + len(stop) for stop in _STOPS if stop in shared), default=0)


def _count_end(names: Sequence[str]) -> int:
    """Signs that all names end with, from `=` on."""
    shared = _shared_begin([name[::-1] for name in names])[::-1]
    return len(shared) - shared.find("=") if "=" in shared and all(name.find("=") for name in names) else 0


def _shared_begin(names: Sequence[str]) -> str:
    first, last = min(names), max(names)
    n_same = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))
    return first[:n_same]
