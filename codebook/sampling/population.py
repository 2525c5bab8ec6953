"""The units that gold is drawn from, checked: ids, strata, scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from codebook.errors import Fault, ParameterError
from codebook.sampling.chances import Floats, Ints

HOWS = ("random", "stratified", "by_label", "uncertainty")
ABOUT = "The gold sample cannot be drawn."
_SHOWN = 5


@dataclass(frozen=True)
class Population:
    """`units` (n_units,), the code of each unit's stratum and the names of strata, and scores for drawing by chance."""

    units: pd.Index
    stratum: Ints
    names: tuple[str, ...]
    scores: Floats | None = None

    @property
    def sizes(self) -> Ints:
        """Units of each stratum, shape (n_strata,)."""
        return np.bincount(self.stratum, minlength=len(self.names))


def name_some(things: Iterable[object]) -> str:
    """First few of `things` in quotes, then how many more."""
    every = [repr(str(thing)) for thing in things]
    more = f" and {len(every) - _SHOWN:,} more" if len(every) > _SHOWN else ""
    return ", ".join(every[:_SHOWN]) + more


def refuse(faults: Sequence[Fault]) -> None:
    """Raise one ParameterError with all the faults, if there are any."""
    if faults:
        raise ParameterError(ABOUT, faults)


def read_population(
    units: pd.DataFrame, *, how: str, strata: str | Sequence[str], score: str, variable: str, coder: str
) -> Population:
    """Units of a frame with one row a unit, or of one coder and variable of the tidy table.

    Raises
    ------
    ParameterError
        No or repeated ids, unknown columns, strata or scores that are missing, more than one coder or variable.
    """
    if how not in HOWS:
        refuse([Fault("how", f"{how!r} is not known", f"pass one of {', '.join(HOWS)}")])
    frame = _one_row_a_unit(units, variable, coder)
    columns = _columns_needed(how, strata, score)
    refuse([*_check_columns(frame, ["unit_id", *columns]), *_check_choice(how, strata)])
    refuse([*_check_ids(frame["unit_id"]), *_check_filled(frame, columns, how)])
    ids = pd.Index(frame["unit_id"].astype(str))
    if how == "uncertainty":
        return Population(ids, np.zeros(len(ids), dtype=np.int64), ("",), _read_scores(frame[score], score))
    if how == "random":
        return Population(ids, np.zeros(len(ids), dtype=np.int64), ("",))
    texts = [_name_strata(frame, column) for column in columns]
    joined = texts[0] if len(texts) == 1 else pd.Series([" | ".join(row) for row in zip(*texts, strict=True)])
    code, names = pd.factorize(joined, sort=True)
    return Population(ids, code.astype(np.int64), tuple(map(str, names)))


def _one_row_a_unit(units: pd.DataFrame, variable: str, coder: str) -> pd.DataFrame:
    """Rows of one variable and coder in draw 0, where the frame has such columns."""
    frame, faults = units, []
    for column, wanted in (("variable", variable), ("coder", coder)):
        if column not in units:
            faults += [Fault(column, f"the units have no column {column!r}", "do not pass it")] if wanted else []
            continue
        there = list(units[column].dropna().unique())
        mend = f"pass {column}= one of {name_some(there)}"
        if wanted and wanted not in there:
            faults.append(Fault(column, f"the table has no {wanted!r}", mend))
        elif not wanted and len(there) > 1:
            faults.append(Fault(column, f"the table has {len(there)}", mend))
        frame = frame[frame[column] == wanted] if wanted else frame
    refuse(faults)
    frame = frame[frame["draw"] == 0] if "draw" in frame else frame
    if not len(frame):
        refuse([Fault("units", "there is no unit to draw from", "pass a frame with a row a unit")])
    return frame.reset_index(drop=True)


def _columns_needed(how: str, strata: str | Sequence[str], score: str) -> list[str]:
    named = [strata] if isinstance(strata, str) else list(strata)
    wanted = {"random": [], "stratified": named, "by_label": ["label"], "uncertainty": [score]}
    return [name for name in wanted[how] if name]


def _name_strata(frame: pd.DataFrame, column: str) -> pd.Series:
    """Strata as text; a unit without a label is in a stratum of its reason."""
    texts = frame[column].astype(object)
    if column == "label":
        whys = frame["why"].fillna("no label") if "why" in frame else pd.Series("no label", index=frame.index)
        texts = texts.where(texts.notna(), "(" + whys.astype(str) + ")")
    return texts.astype(str)


def _read_scores(column: pd.Series, name: str) -> Floats:
    scores = pd.to_numeric(column, errors="coerce").to_numpy(float)
    wrong = ~np.isfinite(scores) | (scores < 0)
    if wrong.any():
        problem = f"{int(wrong.sum()):,} are no numbers of zero or more: {name_some(column[wrong])}"
        refuse([Fault(f"column {name!r}", problem, "give 0 where the model is sure and more where it is not")])
    return scores


def _check_columns(frame: pd.DataFrame, columns: Sequence[str]) -> list[Fault]:
    mend = f"the units have {', '.join(map(repr, frame.columns))}"
    return [Fault(f"column {name!r}", "it is not there", mend) for name in columns if name not in frame]


def _check_choice(how: str, strata: str | Sequence[str]) -> list[Fault]:
    if how == "stratified" and not strata:
        return [Fault("strata", "no column is named", "pass strata= one column, or a list of columns")]
    if how != "stratified" and strata:
        return [Fault("strata", f"not used when how is {how!r}", "pass how='stratified', or no strata")]
    return []


def _check_ids(ids: pd.Series) -> list[Fault]:
    faults = []
    if ids.isna().any():
        faults.append(Fault("unit_id", f"missing in {int(ids.isna().sum()):,} rows", "fill it in, or drop the rows"))
    if (twice := ids[ids.duplicated()]).size:
        mend = "give one row a unit"
        faults.append(Fault("unit_id", f"{name_some(twice.unique())} occur more than once", mend))
    return faults


def _check_filled(frame: pd.DataFrame, columns: Sequence[str], how: str) -> list[Fault]:
    if how != "stratified":
        return []
    gaps = {name: int(frame[name].isna().sum()) for name in columns if name != "label"}
    mend = "fill it in: a unit in no stratum cannot be drawn"
    return [Fault(f"column {name!r}", f"missing in {n:,} units", mend) for name, n in gaps.items() if n]
