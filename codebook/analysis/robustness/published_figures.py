"""A replication: the figures of a publication beside one's own, and why they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.result import Facts, Result
from codebook.errors import Fault
from codebook.ground.quantities import format_figure, say_count

_ABOUT = "The figures cannot be compared with the published ones."
_UNEXPLAINED = "[Say why it differs.]"
_DIGITS = 3


def beside_published(published: pd.DataFrame, ours: Mapping[str, float]) -> Result:
    """Published figures beside ours: which are reproduced, which are not, and why.

    A figure is reproduced where both are the same, rounded to the decimals that were published.

    Parameters
    ----------
    published
        One row per figure: `figure` (its name, once), `published` (the number), where known `decimals` (3 where empty),
        `why` (why ours differs) and `source` (where it stands).
    ours
        Name of a figure -> our number; NaN where it could not be computed.

    Returns
    -------
    Result
        One row per figure, in their order: figure, published, ours, difference (ours - published), again, why, source.
        A difference that nobody explains has a blank to be filled in.

    Raises
    ------
    StatisticError
        Missing columns, a figure named twice, a figure on one side only.

    Examples
    --------
    >>> published = pd.DataFrame({"figure": ["alpha", "accuracy"], "published": [0.75, 0.8], "decimals": [2, 2]})
    >>> result = beside_published(published, {"alpha": 0.7484, "accuracy": 0.71})
    >>> result.frame[["figure", "published", "ours", "again", "why"]]
         figure  published    ours  again                    why
    0     alpha       0.75  0.7484   True
    1  accuracy       0.80  0.7100  False  [Say why it differs.]
    >>> print(result.finding)
    1 of 2 published figures is reproduced; different: accuracy.
    """
    raise_faults(_ABOUT, list(_check(published, ours)))
    frame = published.assign(ours=published["figure"].map(ours).astype(float))
    decimals = _column(frame, "decimals").replace("", _DIGITS).fillna(_DIGITS).astype(int)
    frame["difference"] = frame["ours"] - frame["published"]
    sides = (zip(frame[side], decimals, strict=True) for side in ("ours", "published"))
    rounded = [np.array([np.round(value, places) for value, places in side]) for side in sides]
    frame["again"] = rounded[0] == rounded[1]
    why = _column(frame, "why").fillna("")
    frame["why"] = why.where(frame["again"] | (why != ""), _UNEXPLAINED)
    frame["source"] = _column(frame, "source").fillna("")
    frame = frame[["figure", "published", "ours", "difference", "again", "why", "source"]]
    result = Result(frame, "published", "Published figures, and ours", "replication", Facts())
    return replace(result, finding=_say(frame), table=_print(frame, decimals))


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    return frame[name] if name in frame else pd.Series("", index=frame.index)


def _check(published: pd.DataFrame, ours: Mapping[str, float]) -> Iterator[Fault]:
    if missing := {"figure", "published"} - set(published):
        yield Fault(
            "published", f"there is no column {name_some(missing)}", "give one row per figure: its name, its number"
        )
        return
    names = published["figure"]
    if twice := sorted(set(names[names.duplicated()])):
        yield Fault("published", f"named twice: {name_some(twice)}", "give each figure a name of its own")
    if strays := sorted(set(ours) - set(names)):
        yield Fault(
            "ours", f"not among the published figures: {name_some(strays)}", "write the name as it is published"
        )
    if absent := sorted(set(names) - set(ours)):
        yield Fault("ours", f"missing: {name_some(absent)}", "give NaN for what could not be computed, and say why")


def _say(frame: pd.DataFrame) -> str:
    n_again, differ = int(frame["again"].sum()), frame.loc[~frame["again"], "figure"]
    verb = "is" if n_again == 1 else "are"
    rest = f"; different: {', '.join(differ)}" if len(differ) else ""
    return f"{n_again} of {say_count(len(frame), 'published figure')} {verb} reproduced{rest}."


def _print(frame: pd.DataFrame, decimals: pd.Series) -> pd.DataFrame:
    """Five columns, each figure with the decimals that were published."""
    columns = {
        head: [format_figure(value, places, "amount") for value, places in zip(frame[name], decimals, strict=True)]
        for head, name in {"Published": "published", "Ours": "ours", "Difference": "difference"}.items()
    }
    return pd.DataFrame({"Figure": frame["figure"], **columns, "Why": frame["why"]})
