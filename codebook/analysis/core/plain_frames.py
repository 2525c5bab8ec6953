"""Frames as people have them, wide or long, read as Codings: two columns of an Excel are enough."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import COLUMNS, name_some, raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.scales import LEVELS, SET_LEVELS, VariableSpec
from codebook.errors import Fault
from codebook.ground.joins import find_cause, find_twins, spell
from codebook.ground.quantities import say_count

_UNIT_NAMES = ("unit_id", "unit")
_ABOUT = "The frame cannot be read as codings."
_N_TELLING = 10  # labels of a column, from which on it is told from a column of ids or texts
_ID_NAME = re.compile(r"(?i:^|[_ .-])(?i:id)$|[a-z]I[dD]$|^Unnamed: \d+$")


def as_codings(
    data: Codings | pd.DataFrame, *, level: str = "", gold: str = "", needs_level: bool = True, whole: bool = False
) -> Codings:
    """Codings as a statistic takes them, or made of a plain frame as people have it.

    Parameters
    ----------
    data
        Codings; the tidy table; a long frame (a column `unit` or `unit_id`, `coder`, `label`); or a wide one, with a
        column a coder and a row per unit.
    level
        `nominal`, `ordinal`, `interval` or `ratio`. A plain frame has no codebook that says it.
    gold
        The coder whose labels are the gold.
    needs_level
        Whether a plain frame of which no level is said is a fault.
    whole
        Whether units of another part of the gold sample stay (`Codings.of_part`): yes where labels are only counted or
        joined, and nothing is tested.

    Raises
    ------
    StatisticError
        Of a plain frame no level is said, or its labels have no order on an ordinal scale.

    Examples
    --------
    >>> codings = as_codings(pd.DataFrame({"ann": ["a", "b"], "ben": ["a", None]}), level="nominal")
    >>> codings.coders, list(codings.variable.labels), codings.coverage
    (['ann', 'ben'], ['a', 'b'], {'label': {'labelled': 3, 'absent': 1}})
    >>> long = pd.DataFrame({"unit": [7, 7, 8], "coder": ["ann", "ben", "ann"], "label": [1, 2, 1]})
    >>> as_codings(long, level="interval").frame[["unit_id", "coder", "label"]].values.tolist()
    [['7', 'ann', '1'], ['7', 'ben', '2'], ['8', 'ann', '1']]
    """
    if not isinstance(data, Codings):
        return _read_frame(data, level=level, gold=gold, needs_level=needs_level)
    codings = data.at_level(level) if level else data
    codings = (codings.with_gold(gold) if gold else codings).on_scale()
    return codings if whole else codings.of_part()


def read_counts(counts: pd.DataFrame, *, level: str, name: str = "label") -> Codings:
    """Codings from a table of counts: a row per unit, a column per label, how many coders gave it.

    Who gave which label is not known, so coders are interchangeable: what needs single coders (Cohen's, Conger's and
    Light's kappa, pairs of coders) is undefined, and says so.

    Parameters
    ----------
    counts
        Whole numbers; the columns are all labels, in their order. A column `unit` or `unit_id` names the units.
    level
        `nominal`, `ordinal`, `interval` or `ratio`.
    name
        Of the variable.

    Raises
    ------
    StatisticError
        A cell is no whole number, or a level of measurement is missing or unknown.

    Examples
    --------
    Fleiss (1971), the first three of 30 patients and their six psychiatrists:

    >>> patients = pd.DataFrame({"personality": [0, 3, 1], "schizophrenia": [0, 0, 4], "neurosis": [6, 0, 0]})
    >>> codings = read_counts(patients.assign(other=[0, 3, 1]), level="nominal", name="diagnosis")
    >>> codings.coverage, codings.interchangeable
    ({'diagnosis': {'labelled': 18}}, True)
    """
    unit = _name_unit(counts)
    labels = [column for column in counts if column != unit]
    cells = counts[labels].apply(pd.to_numeric, errors="coerce").fillna(-1).to_numpy(dtype=float)
    faults = [] if level in LEVELS else _check_level(level)
    if not labels or (cells < 0).any() or (cells % 1).any():
        mend = "give a row per unit, a column per label, and in each cell how many coders gave it (0 for nobody)"
        faults.append(Fault("counts", "a cell is no whole number of 0 or more", mend))
    raise_faults("The table of counts cannot be read.", faults)
    times, ids = cells.astype(int), counts.index if not unit else counts[unit]
    at_unit, at_label = (np.repeat(places.ravel(), times.ravel()) for places in np.indices(times.shape))
    place = np.arange(len(at_unit)) - np.repeat(np.cumsum(times.sum(axis=1)) - times.sum(axis=1), times.sum(axis=1))
    texts = np.array([_text(label) for label in labels], dtype=object)
    tidy = pd.DataFrame(
        {
            **{"unit_id": np.array([_text(each) for each in ids], dtype=object)[at_unit], "variable": name},
            **{"coder": [f"coding {number + 1}" for number in place], "label": texts[at_label], "draw": 0, "why": None},
        }
    )
    return Codings(tidy[list(COLUMNS)], [VariableSpec(name, level, list(texts))], interchangeable=True)


def _read_frame(frame: pd.DataFrame, *, level: str, gold: str, needs_level: bool) -> Codings:
    raise_faults(_ABOUT, _check_frame(frame))
    raise_faults(_ABOUT, _check_level(level) if level or needs_level else [])
    tidy = _read_tidy(frame) if {"coder", "label"} <= set(frame) else _melt(frame, level)
    specs = [_describe(str(name), part["label"], level, frame) for name, part in tidy.groupby("variable", sort=False)]
    specs = specs or [_describe("label", tidy["label"], level, frame)]
    tidy["label"] = tidy["label"].map(_text).astype("string").astype(object)
    tidy["label"] = tidy["label"].where(tidy["label"].notna(), None)
    tidy["why"] = tidy["why"].where(tidy["label"].isna(), None)
    return Codings(tidy, specs, gold=gold, joins=tuple(_tell_twins(tidy["label"])))


def _tell_twins(labels: pd.Series) -> Iterator[str]:
    """The sentence on labels that differ only in the way they are written, if there are any."""
    for first, other, *_ in find_twins(labels.dropna().unique())[:1]:
        differ = f"{spell(first)} and {spell(other)}, which differ by {find_cause(first, other)}"
        yield f"Labels that may be one count as two (first: {differ})."


def _check_frame(frame: object) -> list[Fault]:
    """Faults of what is no frame, or of one whose columns do not say who coded what."""
    if not isinstance(frame, pd.DataFrame):
        mend = 'pass Codings or a frame, such as sheet[["anna", "ben"]]; a file is read by read_codings'
        mend = "pass it as a frame of pandas: `.to_pandas()`" if hasattr(frame, "to_pandas") else mend
        return [Fault("codings", f"it is of type {type(frame).__name__}", mend)]
    if twice := frame.columns[frame.columns.duplicated()].unique().tolist():
        return [Fault("columns", f"more than one is named {name_some(twice)}", "give each column a name of its own")]
    if "coder" in frame and "label" not in frame:
        return [Fault("columns", "it has `coder` and no `label`", "name the column of the labels `label`")]
    if "label" not in frame or not (n := int(frame["coder"].map(_text).isna().sum() if "coder" in frame else 0)):
        return []
    return [Fault("coder", f"missing in {say_count(n, 'row')}", "fill it in, or drop the rows")]


def _check_units(units: pd.Series, unit: str) -> Iterator[Fault]:
    """Faults of the names of the units of a wide frame, which stand in its index or in a column."""
    where = f"column {unit!r}" if unit else "index"
    if n := int(units.isna().sum()):
        yield Fault(where, f"{say_count(n, 'row')} without a unit", "fill it in, or drop the rows")
    if twice := units[units.duplicated()].dropna().unique().tolist():
        mend = "where each row is a unit of its own, `.reset_index(drop=True)`" if not unit else "keep one row of each"
        yield Fault(
            where, f"more than one row is named {name_some(twice)}", f"{mend}; a row holds all labels of a unit"
        )


def _check_coders(frame: pd.DataFrame, coders: Sequence[object], *, counted: bool) -> Iterator[Fault]:
    """Faults of columns that are no coder's: ids, numbers of rows or texts. `counted`: labels are numbers that count.

    Texts and most ids are no label of another column. Numbers of rows beside labels that are numbers are so in part:
    they are told by another value in every row, most of which nobody gives, or by their name.
    """
    cells = {name: frame[name].map(_text).dropna() for name in coders}
    among = {name: set(values) for name, values in cells.items()}
    each_row = [name for name in coders if len(among[name]) == len(frame) >= _N_TELLING]
    given = set().union(*(among[name] for name in coders if name not in each_row))
    for name, values in among.items():
        numbers = given and 2 * len(values & given) < len(values) and (not counted or _counts_on(frame[name]))
        ids = name in each_row and (numbers or _ID_NAME.search(str(name)))
        others = set().union(*(among[other] for other in coders if other != name))
        n, n_cells = len(values), len(cells[name])
        texts = not counted and n_cells >= _N_TELLING and 2 * n > n_cells and not values & others
        if len(coders) > 1 and (ids or texts):
            mend = 'pass the columns of the coders only, such as sheet[["anna", "ben"]]; name that of the units `unit`'
            yield Fault(str(name), f"it holds {n:,} different values in {n_cells:,} rows, as ids and texts do", mend)


def _counts_on(cells: pd.Series) -> bool:
    """Whether each cell is a whole number, the one before it plus one."""
    numbers = pd.to_numeric(cells, errors="coerce")
    return bool((numbers % 1 == 0).all() and (numbers.diff().iloc[1:] == 1).all())


def _check_level(level: str) -> list[Fault]:
    if level in (*LEVELS, *SET_LEVELS):
        return []
    problem = f"{level!r} is no level of measurement" if level else "no level of measurement is said"
    return [Fault("level", problem, f"pass level= one of {', '.join((*LEVELS, *SET_LEVELS))}; it decides what is near")]


def _read_tidy(frame: pd.DataFrame) -> pd.DataFrame:
    """A long frame with every column of the tidy table."""
    if not (unit := _name_unit(frame)):
        mend = f"name the column of the units {' or '.join(map(repr, _UNIT_NAMES))}"
        raise_faults(_ABOUT, [Fault("columns", f"it has coder and label, and no unit: {name_some(frame)}", mend)])
    tidy = frame.assign(unit_id=frame[unit].map(_text), coder=frame["coder"].map(_text))
    for name, value in (("variable", "label"), ("draw", 0), ("why", "absent")):
        if name not in tidy:
            tidy[name] = value
    tidy["why"] = tidy["why"].where(tidy["why"].notna(), "absent")
    return tidy[[*COLUMNS, *(name for name in frame if name not in (*COLUMNS, unit))]].reset_index(drop=True)


def _name_unit(frame: pd.DataFrame) -> str:
    """The column that names the units, if there is one."""
    return next((name for name in _UNIT_NAMES if name in frame), "")


def _name_coders(frame: pd.DataFrame) -> list[object]:
    """The columns of a wide frame that hold labels."""
    return [name for name in frame if name != _name_unit(frame)]


def _melt(frame: pd.DataFrame, level: str) -> pd.DataFrame:
    """A wide frame, a column per coder, as a long one with the columns of the tidy table."""
    units = pd.Series(list(frame[unit] if (unit := _name_unit(frame)) else frame.index), dtype=object).map(_text)
    coders = _name_coders(frame)
    faults = _check_coders(frame, coders, counted=level in ("interval", "ratio"))
    raise_faults(_ABOUT, [*_check_units(units, unit), *faults])
    parts = [pd.DataFrame({"unit_id": units, "coder": str(name), "label": list(frame[name])}) for name in coders]
    tidy = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["unit_id", "coder", "label"])
    return tidy.assign(variable="label", draw=0, why="absent")[list(COLUMNS)]


def _describe(name: str, labels: pd.Series, level: str, frame: pd.DataFrame) -> VariableSpec:
    """The variable whose labels these are, with their order."""
    kind = "multi" if level in SET_LEVELS else "single"
    if level in ("interval", "ratio"):
        return VariableSpec(name, level, None, kind)
    if kind == "multi":
        members = {label for text in labels.map(_text).dropna() for label in _members(text)}
        return VariableSpec(name, level, sorted(members), kind)
    return VariableSpec(name, level or None, _order(labels, level, frame), kind)


def _members(text: str) -> list[str]:
    """The labels of a cell that holds several."""
    try:
        members = json.loads(text)
    except ValueError:
        members = None
    if not isinstance(members, list) or not all(isinstance(label, str) for label in members):
        mend = 'write lists of labels, such as ["economy", "health"], or pass level="nominal"'
        raise_faults(_ABOUT, [Fault("label", f"{text[:60]!r} is no list of labels", mend)])
    return list(members)


def _order(labels: pd.Series, level: str, frame: pd.DataFrame) -> Sequence[str]:
    """The labels in order: of an ordered categorical its own, of numbers that of their size, else the alphabet's."""
    texts = [text for text in dict.fromkeys(labels.map(_text)) if isinstance(text, str)]
    dtypes = [
        frame[name].dtype for name in (["label"] if "label" in frame and "coder" in frame else _name_coders(frame))
    ]
    known = [dtype for dtype in dtypes if isinstance(dtype, pd.CategoricalDtype)]
    if level == "nominal" and known:
        categories = (str(_text(label)) for dtype in known for label in dtype.categories)
        return list(dict.fromkeys((*categories, *sorted(texts))))
    if orders := [[str(_text(label)) for label in dtype.categories] for dtype in known if dtype.ordered]:
        return _join_orders(orders)
    numbers = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce")
    if len(texts) and numbers.notna().all():
        return [texts[at] for at in numbers.argsort(kind="stable")]
    if level == "ordinal":
        mend = "make the columns an ordered pd.Categorical, from lowest to highest, or pass Codings with a codebook"
        raise_faults(_ABOUT, [Fault("label", f"the labels {name_some(sorted(texts))} have no order", mend)])
    return sorted(texts)


def _join_orders(orders: Sequence[Sequence[str]]) -> Sequence[str]:
    """The order that holds all others: a column may lack labels of the scale, and may not turn it round."""
    longest = max(orders, key=len)
    for order in orders:
        if list(order) != [label for label in longest if label in order]:
            problem = f"two columns are ordered in different ways: {name_some(longest)}; {name_some(order)}"
            mend = "give all columns the same ordered pd.CategoricalDtype, from lowest to highest"
            raise_faults(_ABOUT, [Fault("label", problem, mend)])
    return longest


def _text(value: object) -> str | None:
    """A cell as text: whole numbers without a point, lists as JSON, nothing for missing and for blanks."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return json.dumps(sorted(value) if isinstance(value, (set, frozenset)) else list(value), ensure_ascii=False)
    if value is None or value is pd.NA or value != value:
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value)
    return text if text.strip() else None
