"""Ids of two sides that should be the same units: what meets, what does not, and what almost meets and why.

Two ids meet where they are the same text, sign for sign. Nothing is repaired here: a near form is a guess that is told.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from codebook.errors import Fault
from codebook.ground.quantities import is_or_are

_DECIMALS = re.compile(r"\A(-?[0-9]+)[.,]0+\Z")
_ENDING = re.compile(
    r"\A(.+)\.(?:txt|md|pdf|docx?|odt|rtf|html?|xml|json|csv|png|jpe?g|tiff?|webp|gif|heic)\Z", re.IGNORECASE
)
_THOUSANDS = re.compile(r"\A-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.0+)?\Z")
_EXPONENT = re.compile(r"\A([0-9])(?:[.,]([0-9]+))?[eE]\+([0-9]{1,2})\Z")
_ZEROS = re.compile(r"\A(-?)0+(?=[0-9]+\Z)")


def _write_out(number: re.Match[str]) -> str:
    """The digits of a number with an exponent, as a spreadsheet shows long ids: 1.523E+06 is 1523000."""
    first, more, zeros = number[1], number[2] or "", int(number[3])
    return first + more + "0" * (zeros - len(more)) if len(more) <= zeros else number[0]


_PLAIN = re.compile(r"[A-Za-z1-9_][A-Za-z0-9_-]*").fullmatch
"""Ids, as most are, of which only the capitals are taken away."""
_REDUCE: Mapping[str, Callable[[str], str]] = {
    "signs that are not seen": lambda text: "".join(
        sign for sign in text if sign.isspace() or unicodedata.category(sign) not in ("Cc", "Cf")
    ),
    "blanks": lambda text: " ".join(text.split()),
    "another Unicode form": lambda text: unicodedata.normalize("NFKC", text),
    "capitals": lambda text: unicodedata.normalize("NFC", text.casefold()),
    "the ending of a file's name": lambda text: _ENDING.sub(r"\1", text),
    "an apostrophe in front": lambda text: text[1:] if text[:1] == "'" and text[1:].strip() else text,
    "thousands separators": lambda text: text.replace(",", "") if _THOUSANDS.match(text) else text,
    "an exponent": lambda text: _EXPONENT.sub(_write_out, text),
    "a decimal part of zero": lambda text: _DECIMALS.sub(r"\1", text),
    "leading zeros": lambda text: _ZEROS.sub(r"\1", text) if text[:1] in ("0", "-") else text,
}
"""What two writings of one id may differ by, and what takes the difference away."""

_N_SHOWN = 3

UNSEEN = ("signs that are not seen", "blanks", "another Unicode form")
"""Causes that a reader of two texts does not see."""


def near_form(text: str, *, but: str = "") -> str:
    """Return what is left of an id when all that two writings of it may differ by is taken away, all `but` one cause.

    Examples
    --------
    >>> near_form(" 001523.0"), near_form("Unit\\u00a0A")
    ('1523', 'unit a')
    """
    if not but and _PLAIN(text):
        return text.lower()
    for cause, reduce in _REDUCE.items():
        if cause != but:
            text = reduce(text)
    return text


def find_cause(a: str, b: str) -> str:
    """Say by what two writings with the same near form differ.

    Examples
    --------
    >>> find_cause("1523.0", "1523"), find_cause("01 ", "1")
    ('a decimal part of zero', 'blanks and leading zeros')
    """
    needed = [cause for cause in _REDUCE if near_form(a, but=cause) != near_form(b, but=cause)]
    if not needed:  # each difference is taken away by two of them
        needed = [cause for cause, reduce in _REDUCE.items() if reduce(a) == reduce(b)][:1]
    return " and ".join(needed) or "the way they are written"


def spell(text: str) -> str:
    """Show a text in quotes so that what is not seen is seen: no-break blanks, and signs that stand on a letter.

    Examples
    --------
    >>> spell("é"), spell("e\\u0301"), spell("7\\u00a0")
    ("'é'", "'e\\\\u0301'", "'7\\\\xa0'")
    """
    quoted = repr(text)
    if unicodedata.is_normalized("NFC", text):
        return quoted
    return "".join(f"\\u{ord(sign):04x}" if unicodedata.combining(sign) else sign for sign in quoted)


def find_twins(texts: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the groups of texts that differ only in the way they are written, in order of appearance.

    Examples
    --------
    >>> find_twins(["Ann", "Ben", "ann ", "ANN"])
    [('Ann', 'ann ', 'ANN')]
    """
    groups: dict[str, dict[str, None]] = {}
    for text in texts:
        groups.setdefault(near_form(text), {})[text] = None
    return [tuple(group) for group in groups.values() if len(group) > 1]


@dataclass(frozen=True)
class Join:
    """Distinct ids of one side held against those of the other, which is the one that is known.

    `strays` are ids that the other side does not have, `near` the one of it that each of them almost is, `lacking` the
    first ids of the other side that nobody here has; all in order of appearance.
    """

    n_ids: int
    n_known: int
    strays: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    near: Mapping[str, str] = field(default_factory=dict)

    @property
    def n_met(self) -> int:
        """Ids that both sides have."""
        return self.n_ids - len(self.strays)

    @property
    def n_lacking(self) -> int:
        """Ids of the other side that nobody here has."""
        return self.n_known - self.n_met

    @property
    def meets_nothing(self) -> bool:
        """Whether there are ids and none of them meets."""
        return self.n_ids > 0 and not self.n_met

    @property
    def almost_meets(self) -> bool:
        """Whether more ids almost meet than meet, two at least: the two sides write their ids in different ways."""
        return len(self.near) > max(1, self.n_met)

    @cached_property
    def _strange(self) -> frozenset[str]:
        return frozenset(self.strays)

    def among(self, ids: Iterable[str]) -> Join:
        """The join of some of the ids."""
        mine = dict.fromkeys(ids)
        strays = tuple(name for name in mine if name in self._strange)
        near = {name: self.near[name] for name in strays if name in self.near}
        return Join(len(mine), self.n_known, strays, (), near)

    def example(self, owner: str) -> str:
        """The first ids that do not meet, or the first that almost does and what the owner of the others has for it."""
        if not self.near:
            return f"first: {', '.join(map(spell, self.strays[:_N_SHOWN]))}" if self.strays else ""
        stray, other = next(iter(self.near.items()))
        return f"first: {spell(stray)}; {owner} has {spell(other)}, which differs by {find_cause(stray, other)}"

    def say_strays(self, whose: str, place: str, owner: str) -> str:
        """Say how many ids do not meet, with the first, what it almost is and the likely cause.

        Examples
        --------
        >>> join_ids(["7.0", "8"], ["7", "8", "9"]).say_strays("ids of Ann", "in the run", "the run")
        "1 of 2 ids of Ann is not in the run (first: '7.0'; the run has '7', which differs by a decimal part of zero)"
        """
        n, n_near = len(self.strays), len(self.near)
        share = f"; {n_near:,} of them {is_or_are(n_near)} almost there" if 0 < n_near < n else ""
        return f"{n:,} of {self.n_ids:,} {whose} {is_or_are(n)} not {place} ({self.example(owner)}{share})"

    def say_lacking(self, whose: str, what: str) -> str:
        """Say how many ids of the other side have nothing here.

        Examples
        --------
        >>> join_ids(["8"], ["7", "8", "9"]).say_lacking("units of the run", "label of Ann")
        "2 of 3 units of the run have no label of Ann (first: '7')"
        """
        n = self.n_lacking
        has = "has" if n == 1 else "have"
        return f"{n:,} of {self.n_known:,} {whose} {has} no {what} (first: {spell(self.lacking[0])})"


@dataclass(frozen=True)
class DistinctIds:
    """Ids of which no two are alike, read anew whenever they are wanted: a million need not be held.

    Examples
    --------
    >>> list(DistinctIds(lambda: iter("ab")))
    ['a', 'b']
    """

    read: Callable[[], Iterator[str]]

    def __iter__(self) -> Iterator[str]:
        return self.read()


def hold_ids(ids: Iterable[str]) -> Iterable[str]:
    """The distinct ids among these, which can be gone through again and again."""
    return ids if isinstance(ids, dict | DistinctIds) else dict.fromkeys(ids)


def join_ids(ids: Iterable[str], known: Iterable[str]) -> Join:
    """Hold ids against those that are known; each counts once.

    Examples
    --------
    >>> join = join_ids(["1523.0", "1524", "x"], ["1523", "1524", "1525"])
    >>> join.n_met, join.strays, dict(join.near), join.lacking
    (1, ('1523.0', 'x'), {'1523.0': '1523'}, ('1523', '1525'))
    """
    mine = dict.fromkeys(ids)
    theirs = hold_ids(known)
    strays, lacking, n_known = dict(mine), list[str](), 0
    for name in theirs:
        n_known += 1
        if name in mine:
            strays.pop(name, None)
        elif len(lacking) < _N_SHOWN:
            lacking.append(name)
    return Join(len(mine), n_known, tuple(strays), tuple(lacking), _find_near(strays, theirs) if strays else {})


def _find_near(strays: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    forms = {stray: near_form(stray) for stray in strays}
    others: dict[str, str | None] = dict.fromkeys(forms.values())
    for name in known if others else ():
        form = near_form(name)
        if form in others and others[form] is None:  # of several, the first
            others[form] = name
    return {stray: other for stray, form in forms.items() if (other := others[form]) is not None}


class Sides(NamedTuple):
    """How a join is told: whose ids are held against the others, where they should be, and who has the others.

    Such as "ids of the sample", "in the table", "the table".
    """

    whose: str
    place: str
    owner: str


def join_faults(join: Join, where: str, sides: Sides, mend: str = "write the ids of both sides alike") -> list[Fault]:
    """Return the fault of a join that meets nothing, or almost meets more than it meets; else none.

    Examples
    --------
    >>> sides = Sides("ids of the sample", "in the table", "the table")
    >>> print(*join_faults(join_ids(["01", "02"], ["1", "2"]), "sample", sides))
    sample: 2 of 2 ids of the sample are not in the table (first: '01'; the table has '1', which differs by leading
    zeros). To mend: write the ids of both sides alike.
    >>> join_faults(join_ids(["1", "02"], ["1", "2"]), "sample", sides)
    []
    """
    return [Fault(where, join.say_strays(*sides), mend)] if join.meets_nothing or join.almost_meets else []


def tell_strays(join: Join, sides: Sides) -> list[str]:
    """Return the sentence on ids that do not meet, if there are any."""
    return [f"{join.say_strays(*sides)}."] if join.strays else []
