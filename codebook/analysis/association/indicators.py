"""LabelCodes as columns: a 0/1 column a label, or a column of ranks a variable."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import check_columns, check_variable, name_some, raise_faults
from codebook.analysis.core.counts import LabelCodes, read_codes
from codebook.analysis.core.scales import Bools, VariableLike, check_level, read_scale
from codebook.errors import Fault, StatisticError


def label_indicators(
    table: pd.DataFrame,
    variables: Iterable[VariableLike],
    *,
    coders: Sequence[str] | None = None,
    only: Collection[str] | None = None,
    by_coder: bool = False,
    draw: int = 0,
) -> pd.DataFrame:
    """One 0/1 column a label of any set of variables, over their codings.

    Parameters
    ----------
    variables
        Objects with `name`, `kind`, `level` and `labels`; kind `multi` holds sets of labels.
    only
        Labels that get a column, such as ``["1"]`` of yes/no variables, whose other label says the same; None for all.
    by_coder
        False: rows are codings (unit_id, coder). True: rows are units, and every coder has columns of their own, so
        that labels can be associated across coders.

    Returns
    -------
    pd.DataFrame
        Floats, NaN where the variable was not coded. Columns are (variable, label), or (coder, variable, label).
        `attrs["missing"]` counts the codings without a label, by variable and reason.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("frames", {"ann": ['["moral"]', "[]"], "bo": ['["moral", "economy"]', None]})
    >>> frames = SimpleNamespace(name="frames", kind="multi", level="nominal", labels=["moral", "economy"])
    >>> label_indicators(table, [frames])
    variable       frames
    label           moral economy
    unit_id coder
    u1      ann       1.0     0.0
            bo        1.0     1.0
    u2      ann       0.0     0.0
    """
    read = read_all(table, variables, coders, draw)
    frame = pd.concat([indicate(variable, codings) for variable, codings in read], axis=1).sort_index()
    if only is not None:
        frame = frame.loc[:, _wanted(frame, only)]
    frame = _side_by_side(frame) if by_coder else frame
    frame.attrs = {"missing": {variable.name: codings.missing for variable, codings in read}}
    return frame


def _wanted(frame: pd.DataFrame, only: Collection[str]) -> Bools:
    there = frame.columns.get_level_values("label")
    absent = [] if isinstance(only, str) else [label for label in only if label not in set(there)]
    if isinstance(only, str) or absent or not only:
        problem = f"{only!r} is not a list of labels" if not absent else f"no variable has {name_some(absent)}"
        mend = f"choose from {name_some(dict.fromkeys(there), 12)}"
        raise_faults("The labels cannot be associated.", [Fault("only", problem, mend)])
    return np.asarray(there.isin(list(only)))


def read_all(
    table: pd.DataFrame,
    variables: Iterable[VariableLike],
    coders: Sequence[str] | None,
    draw: int,
    *,
    ranked: bool = False,
) -> list[tuple[VariableLike, LabelCodes]]:
    """Each variable with its codings; the faults of all of them come at once."""
    about, read, faults = "The labels cannot be associated.", [], list[Fault]()
    raise_faults(about, check_columns(table))
    for variable in variables:
        level = (variable.level or "") if ranked else "masi" if variable.kind == "multi" else "nominal"
        labels = list(variable.labels or ())
        try:
            found = read_codes(table, variable=variable.name, level=level, labels=labels, coders=coders, draw=draw)
            read.append((variable, found))
        except StatisticError as error:
            faults += [Fault(f"{variable.name}, {fault.where}", fault.problem, fault.mend) for fault in error.faults]
    if not read and not faults:
        faults.append(Fault("variables", "there is none", "pass the codebook's variables, at least one"))
    raise_faults(about, faults)
    return read


def indicate(variable: VariableLike, codings: LabelCodes) -> pd.DataFrame:
    """0/1 columns (variable, label) of one variable over its labelled codings (unit_id, coder)."""
    labels = list(variable.labels or ())
    held = codings.scale.members if variable.kind == "multi" else np.eye(len(labels))
    columns = pd.MultiIndex.from_product([[variable.name], labels], names=["variable", "label"])
    given = codings.answered()
    return pd.DataFrame(held[given.code].astype(float), index=_index(given), columns=columns)


def rank_codes(variable: VariableLike, codings: LabelCodes) -> pd.DataFrame:
    """One column (variable, "") of positions on the scale, over the labelled codings (unit_id, coder)."""
    given = codings.answered()
    columns = pd.MultiIndex.from_tuples([(variable.name, "")], names=["variable", "label"])
    return pd.DataFrame(given.code.astype(float)[:, None], index=_index(given), columns=columns)


def _index(given: LabelCodes) -> pd.MultiIndex:
    coder = np.array(given.coders, dtype=object)[given.coder]
    return pd.MultiIndex.from_arrays([given.units[given.unit], coder], names=["unit_id", "coder"])


def _side_by_side(frame: pd.DataFrame) -> pd.DataFrame:
    """LabelCodes of each coder as columns of their own, rows are units."""
    by = {coder: part.droplevel("coder") for coder, part in frame.groupby(level="coder")}
    return pd.concat(by, axis=1, names=["coder"])


def open_labels(table: pd.DataFrame, *, variable: str, labels: Sequence[str]) -> pd.DataFrame:
    """The codings of a `multi` variable as one variable a label, named `variable=label`, with labels "1" and "0".

    Parameters
    ----------
    table
        The tidy table; labels of `variable` are JSON lists.
    labels
        The allowed labels in codebook order.

    Returns
    -------
    pd.DataFrame
        Tidy table with n_labels rows for each row of the variable. A missing label stays missing, with its why.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("frames", {"ann": ['["moral"]', "[]"], "bo": ['["moral", "economy"]', None]})
    >>> opened = open_labels(table, variable="frames", labels=["moral", "economy"])
    >>> opened.loc[opened["variable"] == "frames=economy", ["unit_id", "coder", "label", "why"]]
      unit_id coder label     why
    4      u1   ann     0     NaN
    5      u2   ann     0     NaN
    6      u1    bo     1     NaN
    7      u2    bo   NaN  absent
    """
    about = f"The labels of {variable!r} cannot be opened."
    raise_faults(about, [*check_columns(table), *check_level("masi", labels)])
    rows = table[table["variable"] == variable]
    draw = rows["draw"].iloc[0] if len(rows) else 0
    raise_faults(about, check_variable(table, variable, draw))
    code, found = pd.factorize(rows["label"])
    scale, codes, faults = read_scale(list(found), level="masi", labels=labels)
    raise_faults(about, faults)
    held = np.zeros((len(found) + 1, len(labels)), dtype=bool)  # the last row stands for a missing label
    held[:-1] = scale.members[codes] if len(found) else False
    answers = np.where(held, "1", "0").astype(object)
    answers[-1] = None
    parts = [
        rows.assign(variable=f"{variable}={label}", label=pd.array(answers[code, at], dtype="str"))
        for at, label in enumerate(labels)
    ]
    return pd.concat(parts, ignore_index=True)
