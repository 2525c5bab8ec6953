"""Labels as columns: a 0/1 column a label, or a column of ranks a variable."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import check_columns, check_variable, name_some, raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import LabelCodes, read_codes
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.scales import Bools, VariableLike, VariableSpec, check_level, read_scale
from codebook.errors import Fault, StatisticError

Read = list[tuple[VariableLike, LabelCodes]]
"""Variables, each with its codings as integers."""


def label_indicators(
    codings: Codings | pd.DataFrame, *, labels: Collection[str] | None = None, by_coder: bool = False
) -> pd.DataFrame:
    """One 0/1 column a label of any set of variables, over their codings.

    Parameters
    ----------
    labels
        Labels that get a column, such as ``["1"]`` of yes/no variables, whose other label says the same; None for all.
    by_coder
        False: rows are codings (unit_id, coder). True: rows are units, and every coder has columns of their own, so
        that labels can be associated across coders.

    Returns
    -------
    pd.DataFrame
        Floats, NaN where the variable was not coded. Columns are (variable, label), or (coder, variable, label).

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("frames", {"ann": ['["moral"]', "[]"], "bo": ['["moral", "economy"]', None]})
    >>> label_indicators(Codings(table, [VariableSpec("frames", "nominal", ["moral", "economy"], kind="multi")]))
    variable       frames
    label           moral economy
    unit_id coder
    u1      ann       1.0     0.0
            bo        1.0     1.0
    u2      ann       0.0     0.0
    """
    codings = as_codings(codings, needs_level=False, whole=True)
    return join_indicators(read_all(codings.frame, codings.variables), labels, by_coder=by_coder)


def join_indicators(read: Read, labels: Collection[str] | None, *, by_coder: bool) -> pd.DataFrame:
    """The columns of all variables beside each other, those of `labels` alone, perhaps of each coder."""
    frame = pd.concat([indicate(variable, codes) for variable, codes in read], axis=1).sort_index()
    if labels is not None:
        frame = frame.loc[:, _chosen(frame, labels)]
    if not by_coder:
        return frame
    by = {coder: part.droplevel("coder") for coder, part in frame.groupby(level="coder")}
    return pd.concat(by, axis=1, names=["coder"])


def _chosen(frame: pd.DataFrame, labels: Collection[str]) -> Bools:
    there = frame.columns.get_level_values("label")
    absent = [] if isinstance(labels, str) else [label for label in labels if label not in set(there)]
    if isinstance(labels, str) or absent or not labels:
        problem = f"{labels!r} is not a list of labels" if not absent else f"no variable has {name_some(absent)}"
        mend = f"choose from {name_some(dict.fromkeys(there), 12)}"
        raise_faults("The labels cannot be associated.", [Fault("labels", problem, mend)])
    return np.asarray(there.isin(list(labels)))


def read_all(
    table: pd.DataFrame, variables: Iterable[VariableLike], coders: Sequence[str] | None = None, *, ranked: bool = False
) -> Read:
    """Each variable with its codings; the faults of all of them come at once."""
    about, read, faults = "The labels cannot be associated.", [], list[Fault]()
    raise_faults(about, check_columns(table))
    for variable in variables:
        level = (variable.level or "") if ranked else "masi" if variable.kind == "multi" else "nominal"
        labels = list(variable.labels or ())
        try:
            read.append(
                (variable, read_codes(table, variable=variable.name, level=level, labels=labels, coders=coders))
            )
        except StatisticError as error:
            faults += [Fault(f"{variable.name}, {fault.where}", fault.problem, fault.mend) for fault in error.faults]
    if not read and not faults:
        faults.append(Fault("variables", "there is none", "pass the codebook's variables, at least one"))
    raise_faults(about, faults)
    return read


def indicate(variable: VariableLike, codings: LabelCodes) -> pd.DataFrame:
    """0/1 columns (variable, label) of one variable over its labelled codings (unit_id, coder)."""
    labels = list(variable.labels or ())
    members = codings.scale.members if variable.kind == "multi" else np.eye(len(labels))
    columns = pd.MultiIndex.from_product([[variable.name], labels], names=["variable", "label"])
    labelled = codings.answered()
    return pd.DataFrame(members[labelled.code].astype(float), index=_index(labelled), columns=columns)


def rank_codes(variable: VariableLike, codings: LabelCodes) -> pd.DataFrame:
    """One column (variable, "") of positions on the scale, over the labelled codings (unit_id, coder)."""
    labelled = codings.answered()
    columns = pd.MultiIndex.from_tuples([(variable.name, "")], names=["variable", "label"])
    return pd.DataFrame(labelled.code.astype(float)[:, None], index=_index(labelled), columns=columns)


def _index(labelled: LabelCodes) -> pd.MultiIndex:
    coder = np.array(labelled.coders, dtype=object)[labelled.coder]
    return pd.MultiIndex.from_arrays([labelled.units[labelled.unit], coder], names=["unit_id", "coder"])


def open_labels(codings: Codings) -> Codings:
    """The codings of a `multi` variable as one variable a label, named `variable=label`, with labels "1" and "0".

    A missing label stays missing, with its why.

    Raises
    ------
    StatisticError
        Labels outside the codebook, or a variable without labels.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("frames", {"ann": ['["moral"]', "[]"], "bo": ['["moral", "economy"]', None]})
    >>> frames = VariableSpec("frames", "nominal", ["moral", "economy"], kind="multi")
    >>> opened = open_labels(Codings(table, [frames]))
    >>> opened.of("frames=economy").frame[["unit_id", "coder", "label", "why"]]
      unit_id coder label     why
    4      u1   ann     0     NaN
    5      u2   ann     0     NaN
    6      u1    bo     1     NaN
    7      u2    bo   NaN  absent
    """
    variable = codings.variable
    about, labels = f"The labels of {variable.name!r} cannot be opened.", list(variable.labels or ())
    rows = codings.frame[codings.frame["variable"] == variable.name]
    draw = rows["draw"].iloc[0] if len(rows) else 0
    raise_faults(about, [*check_level("masi", labels), *check_variable(codings.frame, variable.name, draw)])
    code, sets = pd.factorize(rows["label"])
    scale, codes, faults = read_scale(list(sets), level="masi", labels=labels)
    raise_faults(about, faults)
    members = np.zeros((len(sets) + 1, len(labels)), dtype=bool)  # the last row stands for a missing label
    members[:-1] = scale.members[codes] if len(sets) else False
    answers = np.where(members, "1", "0").astype(object)
    answers[-1] = None
    names = [f"{variable.name}={label}" for label in labels]
    parts = [
        rows.assign(variable=name, label=pd.array(answers[code, at], dtype="str")) for at, name in enumerate(names)
    ]
    specs = [VariableSpec(name, "nominal", ["0", "1"]) for name in names]
    return replace(codings, frame=pd.concat(parts, ignore_index=True), variables=specs)
