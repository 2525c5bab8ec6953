"""Which labels go together, and which coders: association as long tables and square matrices."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import Any

import pandas as pd

from codebook.analysis.association.indicators import indicate, label_indicators, rank_codes, read_all
from codebook.analysis.association.matrices import to_matrix
from codebook.analysis.association.pair_statistics import associate, cramers_v, rank_correlation
from codebook.analysis.core.checks import carry_joins, raise_faults
from codebook.analysis.core.empty import mark_empty
from codebook.analysis.core.estimates import adjust_p, package_versions
from codebook.analysis.core.scales import LEVELS, VariableLike
from codebook.analysis.reliability.agreement_tables import coder_pairs
from codebook.errors import Fault, StatisticError

STATISTICS = ("alpha", "percent")
BETWEEN_VARIABLES = ("cramers_v", "spearman")
NOTE = (
    "One observation is a coding (unit x coder). p: chi-square of the 2 x 2 table with the number of units, not of "
    "codings, since codings of one unit are not independent; p_bh: Benjamini-Hochberg over all pairs of the table."
)
NO_PAIR = "Labels of one single-label variable exclude each other, and no others were given: nothing to associate."
NO_LABEL = "No coding has a label: nothing to associate."
P_OF_UNITS = "p of as many observations as there are units; p_bh: Benjamini-Hochberg over all pairs of the table."


def label_association(
    table: pd.DataFrame,
    variables: Iterable[VariableLike],
    *,
    coders: Sequence[str] | None = None,
    only: Collection[str] | None = None,
    by_coder: bool = False,
    with_tetrachoric: bool = False,
    draw: int = 0,
) -> pd.DataFrame:
    """How strongly every two labels go together.

    Labels of one and the same single-label variable exclude each other by design; those pairs are left out, unless
    they come from two coders (`by_coder`). Name one coder to associate over units; several coders are pooled.

    Parameters
    ----------
    only
        Labels to associate, such as ``["1"]`` of yes/no variables, whose other label says the same; None for all.
    with_tetrachoric
        Also give `tetrachoric`, the correlation of two normal variables that were cut into these labels; NaN with the
        reason where a cell of the 2 x 2 table is empty.

    Returns
    -------
    pd.DataFrame
        One row a pair: a, b (``variable=label``, with the coder in front if `by_coder`), n (codings in which both were
        asked), n_units, n_a, n_b, n11 (both given), phi, phi_max (the largest phi that such margins allow), jaccard,
        lift, p, p_bh, reason. `attrs` hold a note on what p means and the codings without a label.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from codebook.analysis.core.examples import make_table
    >>> sets = ['["x", "y"]'] * 40 + ['["x"]'] * 10 + ['["y"]'] * 20 + ["[]"] * 30
    >>> variable = SimpleNamespace(name="v", kind="multi", level="nominal", labels=["x", "y"])
    >>> pairs = label_association(make_table("v", {"ann": sets}), [variable])
    >>> pairs[["a", "b", "n", "n11", "phi", "phi_max", "jaccard", "lift"]].round(3)  # phi printed .40825
         a    b    n  n11    phi  phi_max  jaccard   lift
    0  v=x  v=y  100   40  0.408    0.816    0.571  1.333
    """
    variables = list(variables)
    frame = label_indicators(table, variables, coders=coders, only=only, by_coder=by_coder, draw=draw)
    exclusive = {variable.name for variable in variables if variable.kind != "multi"}
    pairs = associate(frame, exclusive, latent=with_tetrachoric)
    pairs.attrs = {**table_attrs(coders, draw, frame.attrs["missing"], NOTE), "by_coder": by_coder}
    pairs.attrs |= carry_joins(table)
    return mark_empty(pairs, NO_PAIR if len(frame) else NO_LABEL)


def variable_association(
    table: pd.DataFrame,
    variables: Iterable[VariableLike],
    *,
    statistic: str = "cramers_v",
    coders: Sequence[str] | None = None,
    draw: int = 0,
) -> pd.DataFrame:
    """Association of every two variables: Cramer's V of single-label ones, Spearman's rho of ordered ones.

    Parameters
    ----------
    statistic
        `cramers_v` takes the single-label variables; `spearman` those of level ordinal, interval or ratio. The others
        are left out, and `attrs["left_out"]` names them.

    Returns
    -------
    pd.DataFrame
        a, b, n (codings with both), n_units, the statistic, p, p_bh, reason; beside V also chi2 and df. p is that of
        `n_units` observations, as codings of one unit are not independent.

    Raises
    ------
    StatisticError
        A wrong table, an unknown statistic, or fewer than two variables that it can be made of.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from codebook.analysis.core.examples import make_table
    >>> one = make_table("one", {"ann": ["y"] * 50 + ["n"] * 50})
    >>> two = make_table("two", {"ann": ["y"] * 40 + ["n"] * 10 + ["y"] * 20 + ["n"] * 30})
    >>> pair = [SimpleNamespace(name=name, kind="single", labels=["y", "n"]) for name in ("one", "two")]
    >>> variable_association(pd.concat([one, two]), pair)[["a", "b", "n", "cramers_v", "chi2", "df"]].round(3)
         a    b    n  cramers_v    chi2  df
    0  one  two  100      0.408  16.667   1
    """
    every = list(variables)
    kept = _fitting(every, statistic)
    read = read_all(table, kept, coders, draw, ranked=statistic == "spearman")
    make = rank_codes if statistic == "spearman" else indicate
    frames = [make(variable, codings) for variable, codings in read]
    rows = [_pair_row(a, b, statistic) for place, a in enumerate(frames) for b in frames[place + 1 :]]
    measured = ["spearman"] if statistic == "spearman" else ["cramers_v", "chi2", "df"]
    pairs = pd.DataFrame(rows, columns=["a", "b", "n", "n_units", *measured, "p", "reason"])
    pairs.insert(list(pairs.columns).index("p") + 1, "p_bh", adjust_p(pairs["p"].to_numpy(dtype=float)))
    missing = {variable.name: codings.missing for variable, codings in read}
    left_out = [variable.name for variable in every if variable not in kept]
    pairs.attrs = {**table_attrs(coders, draw, missing, P_OF_UNITS), "statistic": statistic, "left_out": left_out}
    pairs.attrs |= carry_joins(table)
    return mark_empty(pairs, "One variable: nothing to associate.")


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
    >>> from codebook.analysis.core.examples import observers_2011
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
    matrix.attrs |= {"variable": variable, "level": level, "statistic": statistic, "min_units": min_units, "draw": draw}
    matrix.attrs |= carry_joins(table)
    return matrix


def _fitting(variables: Sequence[VariableLike], statistic: str) -> list[VariableLike]:
    """The variables that a statistic can be made of."""
    about = "The variables cannot be associated."
    if statistic not in BETWEEN_VARIABLES:
        mend = f"pass one of {', '.join(BETWEEN_VARIABLES)}"
        raise_faults(about, [Fault("statistic", f"{statistic!r} is unknown", mend)])
    single = [variable for variable in variables if variable.kind != "multi"]
    if statistic == "cramers_v":
        return single
    kept = [variable for variable in single if variable.level in LEVELS[1:]]
    if len(kept) < 2:
        problem = f"ranks need two variables of an ordered level, and there are {len(kept)}"
        mend = "give the variables their level (ordinal, interval, ratio), or pass statistic='cramers_v'"
        raise_faults(about, [Fault("variables", problem, mend)])
    return kept


def _pair_row(a: pd.DataFrame, b: pd.DataFrame, statistic: str) -> dict[str, object]:
    """One row of `variable_association`."""
    first, second = a.columns[0][0], b.columns[0][0]
    both = a.join(b, how="inner")
    n_units = both.index.get_level_values("unit_id").nunique()
    if statistic == "spearman":
        found = rank_correlation(both.iloc[:, 0], both.iloc[:, 1], n_units)
    else:
        found = cramers_v(both[first].to_numpy().T @ both[second].to_numpy(), n_units)
    return {"a": first, "b": second, "n": len(both), "n_units": n_units, **found}


def table_attrs(
    coders: Sequence[str] | None, draw: int, missing: dict[str, dict[str, int]], note: str
) -> dict[Hashable, Any]:
    """What a table of associations carries beside its numbers."""
    said = [
        f"{name}: {sum(whys.values()):,} codings without a label left out ({_count(whys)})."
        for name, whys in missing.items()
        if whys
    ]
    who = list(coders) if coders else "all"
    return {
        "coders": who,
        "draw": draw,
        "missing": missing,
        "versions": package_versions(),
        "note": " ".join([note, *said]),
    }


def _count(whys: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {why}" for why, n in whys.items())
