"""The ids of coders' files held against the units of a run, or against each other: what does not meet is told.

The rules, by the ids that a coder gave (each counted once):

- ids that are not among the units leave the table, and are counted in its notes;
- more ids almost meet than meet, two at least: an error, unless the entry says `ids: near` (join them) or `ids: exact`
  (they are others);
- no id of a file meets: an error, unless the run took a part of its units only and another file does meet.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from codebook.codings.coder_files.label_files import Codings
from codebook.codings.coder_files.label_mends import quote
from codebook.errors import Fault
from codebook.ground.joins import Join, find_twins, hold_ids, join_ids, near_form, spell
from codebook.ground.quantities import say_count

Read = tuple[str, Codings]
"""Where an entry stands, in words, and what was read of its file."""

Ids = Mapping[str, None]
"""Distinct ids in order of appearance."""

_RUN = ("in the run", "the run")
_OTHERS = ("among those of the other coders", "another coder")
_NEAR = "write `ids: near` in this entry to join each id to the similar one"
_N_NAMED = 3


@dataclass
class Meeting:
    """What came of the joins: faults; sentences on what did not meet; sentences on what met in part or by near form."""

    faults: list[Fault] = field(default_factory=list)
    unmet: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def meet_units(read: Sequence[Read], units: Iterable[str], *, partial: bool = False) -> Meeting:
    """Hold the ids of each file against the units of a run; rows of other units are taken out of the codings."""
    known, meeting = hold_ids(units), Meeting()
    joins = []
    for _, codings in read:
        meeting.notes += _take_near(codings, known) if codings.source.ids == "near" else ()
        joins.append(join_ids((key[0] for key in codings.rows), known))
    some_meet = any(join.n_met for join in joins)
    for (where, codings), join in zip(read, joins, strict=True):
        fault = _find_fault(where, codings, join, may_miss=partial and some_meet)
        if fault is not None:
            meeting.faults.append(fault)
            continue
        meeting.unmet += _say_strays(codings, join)
        if join.n_lacking and join.n_met:
            meeting.notes.append(f"{join.say_lacking('units of the run', f'label in {codings.source.file}')}.")
        strays = set(join.strays)
        codings.rows = {key: coding for key, coding in codings.rows.items() if key[0] not in strays}
    return meeting


def _find_fault(where: str, codings: Codings, join: Join, *, may_miss: bool) -> Fault | None:
    coders, exact = ids_by_coder(codings), codings.source.ids == "exact"
    apart = [] if exact else [who for who, ids in coders.items() if join.among(ids).almost_meets]
    if not apart and not (join.meets_nothing and not may_miss):
        return None
    theirs = join.among(unit for who in apart or coders for unit in coders[who])
    problem = theirs.say_strays(f"ids of {name_some(apart or coders)}", *_RUN)
    if theirs.near and not exact:
        return Fault(where, problem, f"write the ids as the run has them, or {_NEAR}")
    mend = "name the column with the run's ids in `unit`, or remove the entry from the list of coders"
    return Fault(where, problem, mend)


def _say_strays(codings: Codings, join: Join) -> Iterator[str]:
    if not join.strays:
        return
    coders, strays = ids_by_coder(codings), set(join.strays)
    theirs = {who: join.among(ids) for who, ids in coders.items() if not strays.isdisjoint(ids)}
    apart = [who for who, part in theirs.items() if part.meets_nothing]
    n_rows = sum(key[0] in strays for key in codings.rows)
    whole = join.among(unit for who in theirs for unit in coders[who])
    parts = [
        f"{codings.source.file}: {whole.say_strays(f'ids of {name_some(theirs)}', *_RUN)}",
        f"{say_count(n_rows, 'coding')} left out",
        *([f"no id of {name_some(apart)} is in the run"] if apart else []),
    ]
    yield "; ".join(parts) + "."


def ids_by_coder(codings: Codings) -> dict[str, dict[str, None]]:
    """The units of each coder of a file, in order of appearance."""
    ids: dict[str, dict[str, None]] = {}
    for unit, coder, _, _ in codings.rows:
        ids.setdefault(coder, {})[unit] = None
    return ids


def name_some(names: Collection[str]) -> str:
    """The first few names, and how many more."""
    first = list(names)[:_N_NAMED]
    more = len(names) - len(first)
    return ", ".join(first) + f" and {more:,} more" * (more > 0)


def _take_near(codings: Codings, ids: Iterable[str]) -> Iterator[str]:
    """Give each id that is not known the one known id that it almost is, unless that is coded already."""
    known, forms = dict.fromkeys(ids), dict[str, set[str]]()
    for name in known:
        forms.setdefault(near_form(name), set()).add(name)
    partners = {unit: forms.get(near_form(unit), set()) for unit, *_ in codings.rows if unit not in known}
    new = {unit: next(iter(names)) for unit, names in partners.items() if len(names) == 1}
    rows, taken = dict(codings.rows), dict[str, str]()
    for key, coding in codings.rows.items():
        moved = (new.get(key[0], key[0]), *key[1:])
        if moved not in rows:
            del rows[key]
            rows[moved], taken[key[0]] = coding, moved[0]
    codings.rows = rows
    if taken:
        stray, other = next(iter(taken.items()))
        example = f"first: {spell(stray)} to {spell(other)}"
        yield f"{codings.source.file}: {say_count(len(taken), 'id')} joined by `ids: near` ({example})."


def meet_each_other(read: Sequence[Read]) -> Meeting:
    """Hold the ids of coders against each other, where no run says which units there are."""
    meeting = Meeting()
    fixed = {key[0] for _, codings in read if codings.source.ids != "near" for key in codings.rows}
    for _, codings in read:
        meeting.notes += _take_near(codings, fixed) if codings.source.ids == "near" else ()
    coders: dict[str, dict[str, None]] = {}
    owners: dict[str, Read] = {}
    for each in read:
        for who, ids in ids_by_coder(each[1]).items():
            coders.setdefault(who, {}).update(ids)
            owners.setdefault(who, each)
    _tell_apart(coders, owners, meeting)
    if len(coders) > 1 and not meeting.faults and not _pairable(read):
        meeting.unmet.append("No unit was coded by two coders, so nothing can be compared.")
    return meeting


def _tell_apart(coders: Mapping[str, Ids], owners: Mapping[str, Read], meeting: Meeting) -> None:
    """Tell of ids that are almost those of another coder: an error where they are more than half of a coder's."""
    twins = {name: group for group in find_twins(name for ids in coders.values() for name in ids) for name in group}
    if not twins:
        return
    near = {who: _near_others(ids, twins) for who, ids in coders.items()}
    reported: set[str] = set()
    for who in sorted(coders, key=lambda who: sum(near_form(name) == name for name in near[who])):
        if reported.issuperset(near[who]):
            continue
        reported.update(near[who], near[who].values())
        join = Join(len(coders[who]), len(twins), tuple(near[who]), near=near[who])
        where, codings = owners[who]
        problem = join.say_strays(f"ids of {who}", *_OTHERS)
        if join.almost_meets and codings.source.ids is None:
            meeting.faults.append(Fault(where, problem, _mend_apart(owners, codings, near[who])))
        else:
            meeting.unmet.append(f"{codings.source.file}: {problem}.")


def _near_others(ids: Ids, twins: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Each id of a coder that is almost an id of others, with that one."""
    pairs = ((name, next((other for other in twins.get(name, ()) if other not in ids), None)) for name in ids)
    return {name: other for name, other in pairs if other is not None}


def _mend_apart(owners: Mapping[str, Read], codings: Codings, near: Mapping[str, str]) -> str:
    elsewhere = {key[0] for _, other in owners.values() if other is not codings for key in other.rows}
    alike = "write the ids of all coders in the same way"
    return f"{alike}, or {_NEAR}" if elsewhere.issuperset(near.values()) else alike


def _pairable(read: Sequence[Read]) -> bool:
    """Whether some unit has two coders of one variable."""
    first: dict[tuple[str, str], str] = {}
    keys = (key for _, codings in read for key in codings.rows)
    return any(first.setdefault((unit, variable), coder) != coder for unit, coder, variable, _ in keys)


def tell_twins(coders: Iterable[str]) -> list[str]:
    """Say which coders may be one, being named alike but for capitals or blanks; they stay as many as they are."""
    return [_tell_twins(first, others) for first, *others in find_twins(coders)]


def _tell_twins(first: str, others: Sequence[str]) -> str:
    names = ", ".join(map(spell, (first, *others)))
    renamed = ", ".join(f"{quote(name)}: {quote(first)}" for name in others)
    mend = f"If they are one person, write `rename_coders: {{{renamed}}}` in their entries."
    return f"The coders {names} have similar names, but count as {len(others) + 1} coders. {mend}"
