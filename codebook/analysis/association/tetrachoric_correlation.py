"""Tetrachoric correlation: what two yes/no labels would correlate if each were a cut through a normal variable."""

from __future__ import annotations

import math

import numpy as np

from codebook.analysis.core.checks import raise_faults
from codebook.errors import Fault

_NODES = 96  # of the quadrature; 12 digits up to a correlation of .999


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
