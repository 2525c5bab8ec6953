"""Designs of a generalizability study: how much error is left in a mean over so many models, prompts and draws."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from codebook.ground.quantities import say_count

MOST = 12
"""The largest number of each facet in the designs that are tried."""
_UNIT, _DRAW = ("unit",), ("draw",)
Variances = Mapping[tuple[str, ...], float]


def list_designs(at_hand: dict[str, int], variances: Variances) -> Iterator[dict[str, Any]]:
    """One answer, the design at hand, the cheapest that halves the error, and twice as many of each facet alone."""
    names = list(at_hand)
    one = dict.fromkeys(names, 1)
    single = find_error(variances, one)
    designs = [one, *({**one, name: 2} for name in names), at_hand]
    if half := find_half(variances, names, single):
        designs.append(half)
    distinct = {tuple(design.values()): design for design in designs}
    for design in sorted(distinct.values(), key=lambda each: (math.prod(each.values()), -find_error(variances, each))):
        error = find_error(variances, design)
        whole = variances[_UNIT] + error
        yield {
            **{"part": "design", "design": ", ".join(say_count(n, name) for name, n in design.items())},
            **{"n_calls": math.prod(design.values()), "error": error},
            "error_share": error / single if single > 0 else math.nan,
            "dependability": variances[_UNIT] / whole if whole > 0 else math.nan,
        }


def find_error(variances: Variances, design: Mapping[str, int]) -> float:
    """Variance of a unit's mean over a design around its own: each component over the numbers of what it goes with."""
    every = math.prod(design.values())
    return sum(
        variance / (every if name == _DRAW else math.prod(design[each] for each in name if each != _UNIT[0]))
        for name, variance in variances.items()
        if name != _UNIT
    )


def find_half(variances: Variances, names: Sequence[str], single: float) -> dict[str, int]:
    """The design with the fewest answers per unit that halves the error of one answer; empty where none does."""
    designs = (dict(zip(names, sizes, strict=True)) for sizes in product(range(1, MOST + 1), repeat=len(names)))
    enough = [design for design in designs if find_error(variances, design) <= single / 2]
    if not enough or single <= 0:
        return {}
    return min(enough, key=lambda each: (math.prod(each.values()), find_error(variances, each)))
