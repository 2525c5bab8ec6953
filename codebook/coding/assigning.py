"""The draw behind an assignment: which coders see which units, balanced over strata and coders, by one seed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from codebook.errors import Fault, ParameterError


@dataclass(frozen=True, slots=True)
class Design:
    """How units are assigned to coders. By default every coder gets every unit.

    Attributes
    ----------
    double : float
        Share of the units that several coders code, from 0 to 1; the others are coded by one.
    overlap : int
        How many coders code each of those; 0 for all coders.
    per_coder : int
        Units of a coder at most; 0 for as many as there are. Units for which nobody has room are left over.
    repeat : float
        Share of a coder's units that come a second time, for agreement with oneself.
    with_suggestions : float
        Share of a coder's units in the arm with suggestions; the others are the arm without. 0: no arms.
    strata : str
        Column by which all this is balanced; empty for none.
    seed : int
        Of the draw.

    Examples
    --------
    >>> Design(double=0.2, per_coder=40).overlap
    0
    """

    double: float = 1.0
    overlap: int = 0
    per_coder: int = 0
    repeat: float = 0.0
    with_suggestions: float = 0.0
    strata: str = ""
    seed: int = 1

    def faults(self, n_coders: int, where: str = "design") -> Iterator[Fault]:
        """Yield what cannot be drawn."""
        for name in ("double", "repeat", "with_suggestions"):
            if not 0 <= getattr(self, name) <= 1:
                yield Fault(f"{where}, {name}", f"{getattr(self, name)} is not a share", "write a number from 0 to 1")
        for name in ("overlap", "per_coder"):
            if getattr(self, name) < 0:
                yield Fault(f"{where}, {name}", f"it is {getattr(self, name)}", "write 0 or more")
        if not n_coders:
            yield Fault(f"{where}, coders", "no coder is named", "name them: `codebook assign --coder ann --coder ben`")
        if self.overlap > n_coders:
            problem = f"{self.overlap} coders should code each unit, but there are only {n_coders}"
            yield Fault(f"{where}, overlap", problem, f"write at most {n_coders}")


@dataclass(frozen=True, slots=True)
class Share:
    """One unit for one coder: `draw` counts from 0 where it comes again, `arm` says whether suggestions are shown."""

    unit_id: str
    coder: str
    place: int
    draw: int = 0
    arm: str = "none"


def draw_shares(strata: Mapping[str, str], coders: Sequence[str], design: Design) -> list[Share]:
    """Draw who codes what and in which order; units come with their strata.

    Examples
    --------
    >>> shares = draw_shares({str(n): "" for n in range(10)}, ["ann", "ben"], Design(double=0.2))
    >>> Counter(share.coder for share in shares), Counter(Counter(share.unit_id for share in shares).values())
    (Counter({'ann': 6, 'ben': 6}), Counter({1: 8, 2: 2}))
    """
    ParameterError.raise_any("The units cannot be assigned.", list(design.faults(len(coders))))
    chance = random.Random(design.seed)
    units = _spread(strata, chance)
    n_each = _mark_double(units, strata, design.double, design.overlap or len(coders))
    by_coder = _deal(units, strata, n_each, coders, design.per_coder, chance)
    return [share for coder in coders for share in _order(coder, by_coder[coder], strata, design)]


def _spread(strata: Mapping[str, str], chance: random.Random) -> list[str]:
    """Units in random order, such that each stretch holds the strata in their shares."""
    placed: list[tuple[float, str]] = []
    for units in _group(strata, strata):
        chance.shuffle(units)
        start = chance.random()
        placed += [((rank + start) / len(units), unit) for rank, unit in enumerate(units)]
    return [unit for _, unit in sorted(placed)]


def _group(units: Iterable[str], strata: Mapping[str, str]) -> Iterable[list[str]]:
    """The units of each stratum, in their order."""
    groups: dict[str, list[str]] = {}
    for unit in units:
        groups.setdefault(strata[unit], []).append(unit)
    return groups.values()


def _mark_double(units: Sequence[str], strata: Mapping[str, str], share: float, n_coders: int) -> dict[str, int]:
    """How many coders each unit gets: those of several are the same share of each stratum, spread over the order."""
    n, n_before = {}, 0
    for group in _group(units, strata):
        n_several = round((n_before + len(group)) * share) - round(n_before * share)
        n_before += len(group)
        for place, unit in enumerate(group):
            several = (place + 1) * n_several // len(group) > place * n_several // len(group)
            n[unit] = n_coders if several else 1
    return n


def _deal(
    units: Sequence[str],
    strata: Mapping[str, str],
    n_each: Mapping[str, int],
    coders: Sequence[str],
    most: int,
    chance: random.Random,
) -> dict[str, list[str]]:
    """Give each unit to the coders who have least of its stratum, and least of all; pairs meet equally often."""
    hands: dict[str, list[str]] = {coder: [] for coder in coders}
    of_stratum: Counter[tuple[str, str]] = Counter()
    pairs: Counter[frozenset[str]] = Counter()
    for unit in units:
        chosen: list[str] = []
        free = [coder for coder in coders if not most or len(hands[coder]) < most]
        if len(free) < n_each[unit]:
            continue
        for _ in range(n_each[unit]):
            coder = min(
                (coder for coder in free if coder not in chosen),
                key=lambda name: (
                    len(hands[name]) - min(len(hands[each]) for each in free) > 1,
                    sum(pairs[frozenset((name, other))] for other in chosen),
                    of_stratum[name, strata[unit]],
                    len(hands[name]),
                    chance.random(),
                ),
            )
            pairs.update(frozenset((coder, other)) for other in chosen)
            chosen.append(coder)
        for coder in chosen:
            hands[coder].append(unit)
            of_stratum[coder, strata[unit]] += 1
    _level(hands, strata, n_each)
    return hands


def _level(hands: Mapping[str, list[str]], strata: Mapping[str, str], n_each: Mapping[str, int]) -> None:
    """Move single units from whoever has most to whoever has least, of the stratum of which they differ most."""
    while True:
        most, least = max(hands, key=lambda name: len(hands[name])), min(hands, key=lambda name: len(hands[name]))
        if len(hands[most]) - len(hands[least]) < 2:
            return
        surplus = Counter(strata[unit] for unit in hands[most])
        surplus.subtract(strata[unit] for unit in hands[least])
        single = [unit for unit in hands[most] if n_each[unit] == 1]
        if not single:
            return
        unit = max(single, key=lambda each: surplus[strata[each]])
        hands[most].remove(unit)
        hands[least].append(unit)


def _order(coder: str, units: Sequence[str], strata: Mapping[str, str], design: Design) -> Iterator[Share]:
    """The shares of a coder in an order of one's own, with the arms, and with what comes again behind all else."""
    chance = random.Random(f"{design.seed}:{coder}")
    order = _spread({unit: strata[unit] for unit in units}, chance)
    arms = {unit: _arm(place, design.with_suggestions) for place, unit in enumerate(order)}
    chance.shuffle(order)
    n_again = round(len(order) * design.repeat)
    again = sorted(chance.sample(range(len(order)), n_again)) if n_again else []
    for place, unit in enumerate(order):
        yield Share(unit, coder, place + 1, 0, arms[unit])
    for place, at in enumerate(again, start=len(order) + 1):
        yield Share(order[at], coder, place, 1, arms[order[at]])


def _arm(place: int, share: float) -> str:
    if not share:
        return "none"
    return "with" if round((place + 1) * share) > round(place * share) else "without"
