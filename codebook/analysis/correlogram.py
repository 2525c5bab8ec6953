"""Which labels go together, and which coders: association as long tables and square matrices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from codebook.analysis.agreement import coder_pairs
from codebook.analysis.association import adjust_p, associate, cramers_v
from codebook.analysis.checks import check_columns, raise_faults
from codebook.analysis.counts import read_codings
from codebook.analysis.scales import VariableLike
from codebook.errors import Fault, StatisticError

STATISTICS = ("alpha", "percent")
NOTE = (
    "One observation is a coding (unit x coder). p: chi-square of the 2 x 2 table with the number of units, not of "
    "codings, since codings of one unit are not independent; p_bh: Benjamini-Hochberg over all pairs of the table."
)


def label_indicators(
    table: pd.DataFrame,
    variables: Iterable[VariableLike],
    *,
    coders: Sequence[str] | None = None,
    by_coder: bool = False,
    draw: int = 0,
) -> pd.DataFrame:
    """One 0/1 column a label of any set of variables, over their codings.

    Parameters
    ----------
    variables
        Objects with `name`, `kind`, `level` and `labels`; kind `multi` holds sets of labels.
    by_coder
        False: rows are codings (unit_id, coder). True: rows are units, and every coder has columns of their own, so
        that labels can be associated across coders.

    Returns
    -------
    pd.DataFrame
        Floats, NaN where the variable was not coded. Columns are (variable, label), or (coder, variable, label).

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from codebook.analysis.examples import make_table
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
    parts, faults = [], []
    raise_faults("The labels cannot be associated.", check_columns(table))
    for variable in variables:
        try:
            parts.append(_indicators(table, variable, coders, draw))
        except StatisticError as error:
            faults += [Fault(f"{variable.name}, {fault.where}", fault.problem, fault.mend) for fault in error.faults]
    raise_faults("The labels cannot be associated.", faults)
    frame = pd.concat(parts, axis=1).sort_index() if parts else pd.DataFrame()
    return _side_by_side(frame) if by_coder else frame


def label_association(
    table: pd.DataFrame,
    variables: Iterable[VariableLike],
    *,
    coders: Sequence[str] | None = None,
    by_coder: bool = False,
    draw: int = 0,
) -> pd.DataFrame:
    """How strongly every two labels go together.

    Labels of one and the same single-label variable exclude each other by design; those pairs are left out, unless
    they come from two coders (`by_coder`). Name one coder to associate over units; several coders are pooled.

    Returns
    -------
    pd.DataFrame
        One row a pair: a, b (``variable=label``, with the coder in front if `by_coder`), n (codings in which both were
        asked), n_units, n_a, n_b, n11 (both given), phi, phi_max (the largest phi that such margins allow), jaccard,
        lift, p, p_bh, reason. `attrs` hold a note on what p means.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from codebook.analysis.examples import make_table
    >>> sets = ['["x", "y"]'] * 40 + ['["x"]'] * 10 + ['["y"]'] * 20 + ["[]"] * 30
    >>> variable = SimpleNamespace(name="v", kind="multi", level="nominal", labels=["x", "y"])
    >>> pairs = label_association(make_table("v", {"ann": sets}), [variable])
    >>> pairs[["a", "b", "n", "n11", "phi", "phi_max", "jaccard", "lift"]].round(3)  # phi printed .40825
         a    b    n  n11    phi  phi_max  jaccard   lift
    0  v=x  v=y  100   40  0.408    0.816    0.571  1.333
    """
    variables = list(variables)
    frame = label_indicators(table, variables, coders=coders, by_coder=by_coder, draw=draw)
    exclusive = {variable.name for variable in variables if variable.kind != "multi"}
    pairs = associate(frame, exclusive)
    pairs.attrs = {"coders": list(coders) if coders else "all", "by_coder": by_coder, "draw": draw, "note": NOTE}
    return pairs


def variable_association(
    table: pd.DataFrame, variables: Iterable[VariableLike], *, coders: Sequence[str] | None = None, draw: int = 0
) -> pd.DataFrame:
    """Cramer's V between every two single-label variables.

    Returns
    -------
    pd.DataFrame
        a, b, n (codings with both), n_units, cramers_v, chi2 and df (of `n_units`, as codings of one unit are not
        independent), p, p_bh, reason.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from codebook.analysis.examples import make_table
    >>> one = make_table("one", {"ann": ["y"] * 50 + ["n"] * 50})
    >>> two = make_table("two", {"ann": ["y"] * 40 + ["n"] * 10 + ["y"] * 20 + ["n"] * 30})
    >>> pair = [SimpleNamespace(name=name, kind="single", labels=["y", "n"]) for name in ("one", "two")]
    >>> variable_association(pd.concat([one, two]), pair)[["a", "b", "n", "cramers_v", "chi2", "df"]].round(3)
         a    b    n  cramers_v    chi2  df
    0  one  two  100      0.408  16.667   1
    """
    singles = [variable for variable in variables if variable.kind != "multi"]
    frame = label_indicators(table, singles, coders=coders, draw=draw)
    rows = []
    for place, a in enumerate(singles):
        for b in singles[place + 1 :]:
            both = frame[[a.name, b.name]].dropna()
            cross = both[a.name].to_numpy().T @ both[b.name].to_numpy()
            n_units = both.index.get_level_values("unit_id").nunique()
            rows.append({"a": a.name, "b": b.name, "n": len(both), "n_units": n_units, **cramers_v(cross, n_units)})
    pairs = pd.DataFrame(rows, columns=["a", "b", "n", "n_units", "cramers_v", "chi2", "df", "p", "reason"])
    pairs.insert(8, "p_bh", adjust_p(pairs["p"].to_numpy(dtype=float)))
    return pairs


def coder_correlogram(
    table: pd.DataFrame,
    *,
    variable: str,
    level: str,
    labels: Sequence[str] | None,
    statistic: str = "alpha",
    coders: Sequence[str] | None = None,
    min_units: int = 10,
    draw: int = 0,
) -> pd.DataFrame:
    """Agreement of every two coders as a square matrix, NaN on the diagonal and where they share too few units.

    Parameters
    ----------
    statistic
        `alpha` or `percent`.
    coders
        Which, and in which order; None takes all who are in a pair, by name.

    Examples
    --------
    >>> from codebook.analysis.examples import observers_2011
    >>> table, labels = observers_2011(), list("12345")
    >>> coder_correlogram(table, variable="code", level="ordinal", labels=labels, min_units=8).round(2)
          A     B     C     D
    A   NaN  0.92  0.53  0.59
    B  0.92   NaN  0.78  0.88
    C  0.53  0.78   NaN  0.88
    D  0.59  0.88  0.88   NaN
    """
    if statistic not in STATISTICS:
        fault = Fault("statistic", f"{statistic!r} is unknown", f"pass one of {', '.join(STATISTICS)}")
        raise StatisticError("The correlogram cannot be made.", [fault])
    pairs = coder_pairs(
        table, variable=variable, level=level, labels=labels, coders=coders, min_units=min_units, draw=draw
    )
    matrix = to_matrix(pairs, statistic, order=list(coders or sorted({*pairs["a"], *pairs["b"]})))
    matrix.attrs = {"variable": variable, "level": level, "statistic": statistic, "min_units": min_units, "draw": draw}
    return matrix


def to_matrix(pairs: pd.DataFrame, value: str, *, order: Sequence[str] | None = None) -> pd.DataFrame:
    """Square symmetric matrix of one column of a long table of pairs a, b; NaN where there is no pair.

    Examples
    --------
    >>> to_matrix(pd.DataFrame({"a": ["x"], "b": ["y"], "phi": [0.4]}), "phi")
         x    y
    x  NaN  0.4
    y  0.4  NaN
    """
    names = list(order) if order is not None else list(dict.fromkeys([*pairs["a"], *pairs["b"]]))
    place = {name: at for at, name in enumerate(names)}
    matrix = np.full((len(names), len(names)), np.nan)
    first, second = pairs["a"].map(place).to_numpy(dtype=int), pairs["b"].map(place).to_numpy(dtype=int)
    matrix[first, second] = matrix[second, first] = pairs[value].to_numpy(dtype=float)
    return pd.DataFrame(matrix, index=names, columns=names)


def _indicators(table: pd.DataFrame, variable: VariableLike, coders: Sequence[str] | None, draw: int) -> pd.DataFrame:
    """0/1 columns (variable, label) of one variable over its labelled codings (unit_id, coder)."""
    level, labels = ("masi" if variable.kind == "multi" else "nominal"), list(variable.labels or ())
    codings = read_codings(table, variable=variable.name, level=level, labels=labels, coders=coders, draw=draw)
    given = codings.answered()
    held = codings.scale.members if variable.kind == "multi" else np.eye(len(labels))
    index = pd.MultiIndex.from_arrays(
        [given.units[given.unit], np.array(given.coders, dtype=object)[given.coder]], names=["unit_id", "coder"]
    )
    columns = pd.MultiIndex.from_product([[variable.name], labels], names=["variable", "label"])
    return pd.DataFrame(held[given.code].astype(float), index=index, columns=columns)


def _side_by_side(frame: pd.DataFrame) -> pd.DataFrame:
    """Codings of each coder as columns of their own, rows are units."""
    by = {coder: part.droplevel("coder") for coder, part in frame.groupby(level="coder")}
    return pd.concat(by, axis=1, names=["coder"])
