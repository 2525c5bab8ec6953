"""What the names of all rows share is written once: `embedded-use-minilm-2: topic=sports` and its like are `sports`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

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
