"""Association of 0/1 columns and of cross tables, with p values and their adjustment for many pairs."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.estimates import adjust_p
from codebook.analysis.core.scales import Bools, Floats
from codebook.errors import Fault
from codebook.ground.quantities import say_count

_NODES = 96  # of the quadrature; 12 digits up to a correlation of .999
COLUMNS = ("a", "b", "n", "n_units", "n_a", "n_b", "n11", "phi", "phi_max", "jaccard", "lift", "p", "p_bh", "reason")


def associate(frame: pd.DataFrame, exclusive: set[str], *, latent: bool = False) -> pd.DataFrame:
    """Association of every two columns of 0/1 indicators, over the rows where neither is missing.

    `frame`: rows are observations, indexed by `unit_id` (and coder); columns end in the levels (variable, label).
    `exclusive`: variables whose labels exclude each other: pairs within one of them (and one coder) are left out.
    `latent`: also give the tetrachoric correlation, as a column behind `phi_max`.
    """
    labels: list[tuple[str, ...]] = [tuple(column) for column in frame.columns]
    names = [name_column(label) for label in labels]
    values = frame.to_numpy(dtype=float)
    known = ~np.isnan(values)
    has, is_known = np.nan_to_num(values), known.astype(float)
    both, shared, first = has.T @ has, is_known.T @ is_known, has.T @ is_known
    units = _shared_units(frame, known)
    rows = []
    for i, j in pair_columns(labels, exclusive):
        counts = (shared[i, j], first[i, j], first[j, i], both[i, j])
        rows.append({"a": names[i], "b": names[j], **_two_by_two(*counts, n_units=units[i, j])})
    pairs = pd.DataFrame(rows, columns=[column for column in COLUMNS if column != "p_bh"])
    pairs.insert(len(COLUMNS) - 2, "p_bh", adjust_p(pairs["p"].to_numpy(dtype=float)))
    return _with_tetrachoric(pairs) if latent else pairs


def name_column(column: tuple[str, ...]) -> str:
    """Name of a column (variable, label) or (coder, variable, label).

    Examples
    --------
    >>> name_column(("topic", "sports")), name_column(("ann", "topic", "sports"))
    ('topic=sports', 'ann: topic=sports')
    """
    return ": ".join([*column[:-2], "=".join(column[-2:])])


def pair_columns(columns: list[tuple[str, ...]], exclusive: set[str]) -> Iterator[tuple[int, int]]:
    """Positions of every two columns whose labels do not exclude each other."""
    for i, column in enumerate(columns):
        for j in range(i + 1, len(columns)):
            if column[:-1] != columns[j][:-1] or column[-2] not in exclusive:
                yield i, j


def phi_of(n: Floats, n_a: Floats, n_b: Floats, n11: Floats) -> Floats:
    """Phi of 2 x 2 tables, NaN where a margin is empty.

    Examples
    --------
    >>> phi_of(np.array([100.0, 5.0]), np.array([50.0, 5.0]), np.array([60.0, 2.0]), np.array([40.0, 2.0])).round(5)
    array([0.40825,     nan])
    """
    spread = n_a * (n - n_a) * n_b * (n - n_b)
    root = np.sqrt(spread, out=np.full(np.shape(spread), np.nan), where=spread > 0)
    return np.asarray((n * n11 - n_a * n_b) / root)


def rank_correlation(a: pd.Series[float], b: pd.Series[float], n_units: int) -> dict[str, object]:
    """Spearman's rho with mean ranks for ties, and p of t with as many observations as there are units."""
    from scipy.special import stdtr

    if a.nunique() < 2 or b.nunique() < 2:
        reason = "no variation in one of them" if len(a) else "never coded together"
        return {"spearman": math.nan, "p": math.nan, "reason": reason}
    rho = float(np.corrcoef(a.rank(), b.rank())[0, 1])
    if n_units < 4:
        return {"spearman": rho, "p": math.nan, "reason": f"no p: {say_count(n_units, 'unit')}"}
    rest = 1 - rho**2
    p = 2 * float(stdtr(n_units - 2, -abs(rho) * math.sqrt((n_units - 2) / rest))) if rest > 1e-15 else 0.0
    return {"spearman": rho, "p": p, "reason": ""}


def cramers_v(cross: Floats, n_units: int) -> dict[str, object]:
    """Cramer's V of a cross table of codings; chi-square and p of as many observations as there are units."""
    cross = cross[cross.sum(axis=1) > 0][:, cross.sum(axis=0) > 0]
    df = (cross.shape[0] - 1) * (cross.shape[1] - 1)
    if df < 1:
        reason = "no variation in one of them" if cross.size else "never coded together"
        return {"cramers_v": math.nan, "chi2": math.nan, "df": 0, "p": math.nan, "reason": reason}
    expected = cross.sum(axis=1, keepdims=True) * cross.sum(axis=0) / cross.sum()
    share = float(((cross - expected) ** 2 / expected).sum() / cross.sum())
    chi2 = share * n_units
    value = math.sqrt(share / (min(cross.shape) - 1))
    return {"cramers_v": value, "chi2": chi2, "df": df, "p": chi2_p(chi2, df), "reason": ""}


def chi2_p(chi2: float, df: int) -> float:
    """Upper tail of the chi-square distribution, by the recurrence of the incomplete gamma function.

    Examples
    --------
    >>> [round(chi2_p(x, df), 4) for x, df in [(3.8415, 1), (5.9915, 2), (18.307, 10)]]
    [0.05, 0.05, 0.05]
    """
    if chi2 <= 0:
        return 1.0
    half = chi2 / 2
    tail, order = (math.erfc(math.sqrt(half)), 0.5) if df % 2 else (math.exp(-half), 1.0)
    while order < df / 2:
        tail += math.exp(order * math.log(half) - half - math.lgamma(order + 1))
        order += 1
    return min(1.0, tail)


def tetrachoric(n11: float, n10: float, n01: float, n00: float) -> float:
    """Correlation of two normal variables whose cuts give this 2 x 2 table, margins and all.

    With a zero cell the answer hangs on how the zero is patched, down to its sign, so it is refused; phi, beside
    phi_max, is always there.

    Parameters
    ----------
    n11, n10, n01, n00
        Units with both labels, the first alone, the second alone, neither.

    Raises
    ------
    StatisticError
        A cell is zero, negative or no number.

    Notes
    -----
    The share of units with both, by the integral over the angle of the correlation (Drezner and Wesolowsky 1990):
    P(h, k, r) = Phi(h) Phi(k) + 1/(2 pi) times the integral from 0 to asin(r) of
    exp(-(h^2 + k^2 - 2 h k sin t) / (2 cos^2 t)); it grows with r, and one r gives the share observed.

    Examples
    --------
    >>> [round(tetrachoric(*cells), 5) for cells in [(40, 10, 20, 30), (61, 26, 28, 85), (120, 5, 8, 3)]]
    [0.60707, 0.65376, 0.56732]
    """
    from scipy.optimize import brentq
    from scipy.special import ndtri

    _check_cells({"n11": n11, "n10": n10, "n01": n01, "n00": n00})
    n = n11 + n10 + n01 + n00
    cuts = float(ndtri((n11 + n10) / n)), float(ndtri((n11 + n01) / n))
    wanted = 2 * math.pi * (n11 / n - (n11 + n10) * (n11 + n01) / n**2)
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)

    def short_by(angle: float) -> float:
        sine = np.sin(angle * (nodes + 1) / 2)
        exponent = (cuts[0] ** 2 + cuts[1] ** 2 - 2 * cuts[0] * cuts[1] * sine) / (2 * (1 - sine**2))
        return float(angle / 2 * (weights @ np.exp(-exponent))) - wanted

    end = math.pi / 2 - 1e-9
    if short_by(end) < 0 or short_by(-end) > 0:  # a cell so small beside the others that rounding decides
        return math.copysign(1.0, wanted)
    return math.sin(float(brentq(short_by, -end, end, xtol=1e-13)))


def _check_cells(cells: dict[str, float]) -> None:
    mend = "use phi beside phi_max, or label more units: a patched zero decides the answer, down to its sign"
    faults = [
        Fault(name, f"the cell holds {value:g}, and every cell must hold a unit", mend)
        for name, value in cells.items()
        if not 0 < value < math.inf
    ]
    raise_faults("There is no tetrachoric correlation of this table.", faults)


def _with_tetrachoric(pairs: pd.DataFrame) -> pd.DataFrame:
    n, n_a, n_b, n11 = (pairs[name].to_numpy(dtype=float) for name in ("n", "n_a", "n_b", "n11"))
    cells = np.stack([n11, n_a - n11, n_b - n11, n - n_a - n_b + n11], axis=1)
    full = np.asarray((cells > 0).all(axis=1))
    figures = [
        tetrachoric(*row) if is_full else math.nan for row, is_full in zip(cells.tolist(), full.tolist(), strict=True)
    ]
    without = pd.Series(~full & (pairs["reason"] == "").to_numpy(), index=pairs.index)
    reason = pairs["reason"].mask(without, "no tetrachoric: a cell of the 2 x 2 table is empty")
    pairs = pairs.assign(reason=reason)
    pairs.insert(list(pairs.columns).index("phi_max") + 1, "tetrachoric", np.array(figures, dtype=float))
    return pairs


def _shared_units(frame: pd.DataFrame, known: Bools) -> Floats:
    """Units on which both columns are known by one coder at least, shape (n_columns, n_columns).

    Columns of one variable are known together, so only the few different ones are compared.
    """
    unit, units = pd.factorize(frame.index.get_level_values("unit_id"))
    if len(units) == len(frame):
        cells = known.astype(float)
        return np.asarray(cells.T @ cells)
    kinds: dict[bytes, int] = {}
    kind = [kinds.setdefault(column.tobytes(), len(kinds)) for column in np.ascontiguousarray(known.T)]
    columns = [np.frombuffer(column, dtype=bool) for column in kinds]
    number = np.zeros((len(kinds), len(kinds)))
    for i, j in zip(*np.triu_indices(len(kinds)), strict=True):
        number[i, j] = number[j, i] = np.count_nonzero(np.bincount(unit[columns[i] & columns[j]]))
    return number[np.ix_(kind, kind)]


def _two_by_two(n: float, n_a: float, n_b: float, n11: float, *, n_units: float) -> dict[str, object]:
    counts = {"n": int(n), "n_units": int(n_units), "n_a": int(n_a), "n_b": int(n_b), "n11": int(n11)}
    either = n_a + n_b - n11
    jaccard = n11 / either if either else math.nan
    lift = n11 * n / (n_a * n_b) if n_a and n_b else math.nan
    spread = n_a * (n - n_a) * n_b * (n - n_b)
    if not spread:
        reason = "never coded together" if not n else "one of them does not vary"
        figures = {"phi": math.nan, "phi_max": math.nan, "jaccard": jaccard, "lift": lift, "p": math.nan}
        return {**counts, **figures, "reason": reason}
    phi = float(phi_of(*(np.array(number) for number in (n, n_a, n_b, n11))))
    rare, frequent = sorted((n_a, n_b))
    phi_max = math.sqrt(rare * (n - frequent) / (frequent * (n - rare)))
    p = chi2_p(n_units * phi**2, 1)
    return {**counts, "phi": phi, "phi_max": phi_max, "jaccard": jaccard, "lift": lift, "p": p, "reason": ""}
