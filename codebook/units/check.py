"""The first pass over the units: everything that is wrong or worth knowing, at once, and what will happen to it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from codebook.errors import Fault, UnitsError
from codebook.files.decode import Encoding
from codebook.files.tables import Row
from codebook.files.tables.workbook import find_merged
from codebook.ground.joins import near_form
from codebook.ground.personal import find_personal, is_personal_name, is_phone
from codebook.ground.quantities import say_count
from codebook.material.images import BLACK, BLANK_FRAME, FEW_BITS, ONE_COLOUR, TINY, WHITE
from codebook.records import Unit
from codebook.units.any_source import Source
from codebook.units.groups import GroupSource
from codebook.units.source import HALF_CHARACTER, UnitSource
from codebook.units.text_lengths import LONG_TOKENS, TextLengths, has_markup
from codebook.units.traps import LINK_OUT, LINKED_FOLDER, NO_FILE
from codebook.visible import spell_block

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_MOJIBAKE = re.compile("Ã[\x80-\xbfŒœŠšŸŽžƒ‚„…†‡‰‹›‘’“”•–—˜™€]|Â[\xa0-\xbf]|â€[\x80-\x9f™œ˜“”¦¢]")
_N_SHOWN = 5
_N_LOOKED_AT = 10_000
_N_SHORT = 16
_KEPT = "kept as a row, not sent; its labels are missing because `absent`"
_LOOK = "sent as it is; look at it"
_UNIQUE = "nothing is sent: ids must be unique, texts may repeat"
_MOST_PARTS = 1_000
"""A column of more values is no language, wave or file within which ids are unique."""
_WHAT_HAPPENS = {
    "error": {
        "ragged row": "nothing is sent: the quotation marks or the delimiter are wrong there (these are line numbers)",
        "missing id": "nothing is sent: give every unit an id (these are lines of the file, rows of a sheet)",
        "duplicate id": _UNIQUE,
        "document of the same name": (
            "nothing is sent: a document is called by its name, whatever its folder and capitals: rename one"
        ),
        "half a character": "nothing is sent: a lone surrogate cannot be written as UTF-8; correct the text",
    },
    "not sent": {
        "empty text": _KEPT,
        "too long": "kept as a row, not sent and never cut; its labels are missing because `absent`",
    },
    "warning": {
        "merged cells": (
            "only the first cell of each has a value; the others are empty: unmerge them in Excel and fill every row"
        ),
        "very long text": (
            f"sent whole; above {LONG_TOKENS:,} tokens people get tired and models overlook the middle of the text: "
            "code paragraphs or summaries if that answers your question, and check the cost"
        ),
        "markup": f"{_LOOK}: you pay for the tags of a web page as for text; remove them if they are not to be coded",
        "guessed encoding": "confirm it before you pay",
        "personal column": "check this before anything is sent",
        "personal text": "sent as it is; mask it first if it must not leave this computer",
        "replacement character": "sent as it is, but U+FFFD shows that the text was decoded wrongly before",
        "mixed-up encoding": "sent as it is, but signs such as 'Ã©' show that the text was decoded wrongly before",
        "id that almost occurs twice": "kept as different ids: they differ only in how they are written",
        "spaces around id": "kept exactly; ids that differ by spaces are different ids",
        TINY: f"{_LOOK}: at the size in which it is sent, hardly anything is visible",
        ONE_COLOUR: f"{_LOOK}: nothing is visible on it",
        BLANK_FRAME: "only its first frame is sent, and that frame is blank: save another frame as a picture",
        BLACK: f"{_LOOK}: hardly anything is visible on it",
        WHITE: f"{_LOOK}: hardly anything is visible on it",
        FEW_BITS: "only the upper 8 of its 16 bits are sent, and it uses few of them: save it with 8 bits first",
        "image left out": "the other images of the unit are sent, and `detail` in the rows of the unit says so",
        LINK_OUT: "never opened: copy the file into the folder if it should be coded",
        LINKED_FOLDER: "not followed: name that folder itself, or copy it here",
        NO_FILE: "never opened: only ordinary files are opened",
    },
    "note": {
        "control character": "sent exactly as it is; spreadsheet copies show it escaped",
        "duplicate text": "each keeps its own row; the question is asked once, for all of them",
    },
}
"""What happens by gravity and kind, in the order in which a report tells it."""


@dataclass(frozen=True, slots=True)
class UnitFault:
    r"""A problem of one kind: how serious and frequent it is, its first places, and what will happen.

    Examples
    --------
    >>> import codebook as cb
    >>> from pathlib import Path
    >>> _ = Path("texts.csv").write_text("id,text\n1,Coal.\n2,\n")
    >>> report = cb.check_units(cb.read_units("texts.csv", id_column="id", text_column="text"))
    >>> [(fault.kind, fault.n) for fault in report.faults]
    [('empty text', 1)]
    """

    kind: str
    gravity: str
    n: int
    first: tuple[str, ...]
    outcome: str

    def __str__(self) -> str:
        examples = ", ".join(part if part.isprintable() else repr(part) for part in self.first)
        more = ", ..." if self.n > len(self.first) else ""
        outcome = self.outcome[:1].upper() + self.outcome[1:]
        return f"{self.gravity.upper():<8}  {self.kind}: {self.n:,} ({examples}{more}). {outcome}."


@dataclass(frozen=True)
class UnitsReport:
    """The report on a first pass over the units. `ok` says whether they may be sent; printing shows all.

    Examples
    --------
    >>> import codebook as cb
    >>> report = cb.check_units(cb.open_study().open_units())
    >>> report.ok, report.n_units
    (True, 12)
    """

    source: Source
    n_rows: int
    n_units: int
    n_send: int
    faults: tuple[UnitFault, ...]
    lengths: TextLengths | None = None

    @property
    def ok(self) -> bool:
        """Whether there is no error."""
        return not any(fault.gravity == "error" for fault in self.faults)

    def raise_errors(self) -> None:
        """Raise one `UnitsError` with every error; do nothing if there is none."""
        name = self.source.path.name
        faults = [
            Fault(f"{name}, {', '.join(map(repr, fault.first))}", f"{fault.kind} ({fault.n:,})", _mend(fault))
            for fault in self.faults
            if fault.gravity == "error"
        ]
        UnitsError.raise_any(f"{name} cannot be coded as it is; nothing was sent.", faults)

    def __str__(self) -> str:
        source = self.source
        rest = f", {self.n_units:,} kept by the filter" if getattr(source, "where", None) else ""
        n = self.n_send if self.ok else 0
        what = "rows" if isinstance(source, UnitSource) else "units"
        lines = [f"{source.path.name}: {self.n_rows:,} {what} read{rest}; {say_count(n, 'unit')} to send."]
        lines += [f"  {line}" for line in source.tell()]
        lines += [f"  {line}" for line in (self.lengths.tell() if self.lengths else ())]
        return spell_block("\n".join([*lines, *(f"  {fault}" for fault in self.faults)]))


@dataclass
class _Tally:
    """Counts by kind, with the first few places."""

    n: dict[str, int] = field(default_factory=dict)
    first: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, place: str) -> None:
        self.n[kind] = self.n.get(kind, 0) + 1
        places = self.first.setdefault(kind, [])
        if len(places) < _N_SHOWN:
            places.append(place)

    def faults(self, source: Source, personal: dict[str, str]) -> Iterator[UnitFault]:
        kinds = [(gravity, *each) for gravity, outcomes in _WHAT_HAPPENS.items() for each in outcomes.items()]
        for gravity, kind, outcome in kinds:
            if kind == "guessed encoding" and source.encoding and source.encoding.guessed:
                yield UnitFault(kind, gravity, 1, (source.path.name,), _say_guess(source.encoding))
            elif kind == "personal column" and personal:
                yield UnitFault(kind, gravity, len(personal), tuple(personal), _say_personal(source, personal))
            elif kind in self.n:
                yield UnitFault(kind, gravity, self.n[kind], tuple(self.first[kind]), outcome)


def check_units(source: Source) -> UnitsReport:
    r"""Read all units once and report every problem and everything worth knowing.

    Memory grows by two digests, or short texts, and two numbers per unit (about 0.2 kB); long texts are not held.

    Examples
    --------
    >>> from pathlib import Path
    >>> from codebook.units import read_units
    >>> path = Path("texts.csv")
    >>> _ = path.write_text("id,worker_id,text\n7,A1,Coal is cheap.\n7,A1,Coal is cheap.\n9,A1,\n")
    >>> print(check_units(read_units(path, id_column="id", text_column="text")))
    texts.csv: 3 rows read; 0 units to send.
      encoding utf-8 (the whole file is valid UTF-8); delimiter ','
      sent: id, text; not sent: worker_id
      words per text: 3 to 3, median 3, 95 % up to 3
      tokens (estimated): 4 to 4, median 4, 95 % up to 4; 8 in all; longest: '7' (4), '7' (4)
      ERROR     duplicate id: 1 (7). Nothing is sent: ids must be unique, texts may repeat.
      NOT SENT  empty text: 1 (9). Kept as a row, not sent; its labels are missing because `absent`.
      WARNING   personal column: 1 (worker_id). Check this before anything is sent: worker_id (by its name; not sent).
      NOTE      duplicate text: 1 (7). Each keeps its own row; the question is asked once, for all of them.
    """
    if isinstance(source, GroupSource):
        return _check_groups(source)
    if not isinstance(source, UnitSource):
        return _check_any(source)
    tally, personal = _Tally(), {name: "by its name" for name in source.rows.columns if is_personal_name(name)}
    ids = _Ids()
    texts: set[bytes | str] = set()
    lengths = TextLengths()
    n_units = n_send = 0
    for n_units, (number, row) in enumerate(source.selected(), start=1):
        unit = source.unit(number, row)
        n_send += source.skip(unit) is None
        _check_id(unit, source.rows.at, ids, tally)
        if _check_text(unit, source, texts, tally) and lengths.add(unit.unit_id, unit.text) > LONG_TOKENS:
            tally.add("very long text", unit.unit_id)
        if n_units <= _N_LOOKED_AT:
            _look_at_columns(row, source.text_column, personal)
    for line in source.rows.ragged:
        tally.add("ragged row", str(line))
    for cells in _find_merged(source, tally):
        tally.add("merged cells", cells)
    faults = tuple(_say_part(fault, source) for fault in tally.faults(source, personal))
    return UnitsReport(source, source.rows.n_read, n_units, n_send, faults, lengths)


def _say_part(fault: UnitFault, source: UnitSource) -> UnitFault:
    """A fault, with the mend where ids are unique within each value of a column, such as a language or a wave."""
    column, value = _find_part(source) if fault.kind == "duplicate id" else ("", "")
    if not column:
        return fault
    joined = " + ".join([column, *source.id_columns])
    mend = f'each {column!r} has them once: join the two, `id_column: "{joined}"` (`--id "{joined}"`)'
    return replace(fault, outcome=f'{_UNIQUE}; {mend}, or keep one, `where: ["{column}: {value}"]`')


def _find_part(source: UnitSource) -> tuple[str, str]:
    """The column of the fewest values within each of which every id stands once, and its first; "" where none is."""
    pairs: dict[str, set[bytes | str]] = {name: set() for name in source.rows.columns}
    values: dict[str, dict[str, None]] = {name: {} for name in pairs}
    for number, row in source.selected():
        unit_id = source.unit(number, row).unit_id
        for name in list(pairs):
            values[name][row[name]] = None
            if not _add(_key(f"{unit_id}\n{row[name]}"), pairs[name]) or len(values[name]) > _MOST_PARTS:
                del pairs[name]
    best = min(pairs, key=lambda name: len(values[name]), default="")
    return best, next(iter(values.get(best, [])), "")


def _find_merged(source: UnitSource, tally: _Tally) -> list[str]:
    """The cells merged over several rows, where ids or texts are missing in a sheet."""
    rows = source.rows
    if rows.kind != ".xlsx" or tally.n.keys().isdisjoint(("missing id", "empty text")):
        return []
    return find_merged(rows.path, rows.sheet)


def _check_groups(source: GroupSource) -> UnitsReport:
    """Check the texts of groups as rows, then the groups as units."""
    texts = check_units(source.texts)
    faults = [fault for fault in texts.faults if fault.kind not in ("empty text", "too long")]
    if n_alone := sum(n for group, n in source.count_texts().items() if not group.strip()):
        outcome = f"nothing is sent: name the group of every text in {source.group_column!r}"
        faults.append(UnitFault("missing group", "error", n_alone, (source.group_column,), outcome))
    if any(fault.gravity == "error" for fault in faults):
        return UnitsReport(source, texts.n_rows, texts.n_units, 0, tuple(faults))
    groups = _check_any(source)
    return replace(groups, n_rows=texts.n_rows, faults=(*faults, *groups.faults))


def _check_any(source: Source) -> UnitsReport:
    """Check units that are no rows: their ids, and why some of them are not sent."""
    tally, ids, skips = _Tally(), _Ids(), dict[str, list[str]]()
    n_units = n_send = 0
    for n_units, (unit, skip) in enumerate(source.with_skips(), start=1):
        n_send += skip is None
        _check_id(unit, n_units, ids, tally)
        if unit.loss:
            tally.add("image left out", unit.unit_id)
        if skip:
            skips.setdefault(skip, []).append(unit.unit_id)
    for kind, place in source.remarks():
        tally.add(kind, place)
    skipped = [
        UnitFault(reason, "not sent", len(names), tuple(names[:_N_SHOWN]), _KEPT) for reason, names in skips.items()
    ]
    return UnitsReport(source, n_units, n_units, n_send, (*tally.faults(source, {}), *skipped))


class _Ids:
    """The ids that were seen, and the forms in which two writings of one id are the same; as digests."""

    def __init__(self) -> None:
        self._exact: set[bytes | str] = set()
        self._forms: set[bytes | str] = set()

    def judge(self, unit_id: str) -> Iterator[str]:
        """Yield what is to be said of an id, after those before it."""
        if not _add(key := _key(unit_id), self._exact):
            yield "duplicate id"
            return
        if unit_id != unit_id.strip():
            yield "spaces around id"
        if (form := near_form(unit_id)) != unit_id:
            known = _key(form) in self._exact
            if not _add(_key(form), self._forms) or known:
                yield "id that almost occurs twice"
        elif key in self._forms:
            yield "id that almost occurs twice"


def _check_id(unit: Unit, number: int, ids: _Ids, tally: _Tally) -> None:
    if not unit.unit_id.strip():
        tally.add("missing id", str(number))
        return
    for kind in ids.judge(unit.unit_id):
        tally.add(kind, unit.unit_id)


def _check_text(unit: Unit, source: UnitSource, texts: set[bytes | str], tally: _Tally) -> bool:
    """Look at the text of a unit; whether there is one."""
    text = unit.text
    if not text.strip():
        tally.add("empty text", unit.unit_id)
        return False
    if len(text) > source.max_chars:
        tally.add("too long", unit.unit_id)
    if not _add(_key(text), texts):
        tally.add("duplicate text", unit.unit_id)
    if has_markup(text):
        tally.add("markup", unit.unit_id)
    if find_personal(text):
        tally.add("personal text", unit.unit_id)
    for part in (unit.unit_id, text, *unit.context.values()):
        if not (part.isascii() and part.isprintable()):
            for kind in _oddities(part):
                tally.add(kind, unit.unit_id)
    return True


def _oddities(text: str) -> Iterator[str]:
    if _CONTROL.search(text):
        yield "control character"
    if "\ufffd" in text:
        yield "replacement character"
    if _MOJIBAKE.search(text):
        yield "mixed-up encoding"
    if HALF_CHARACTER.search(text):
        yield "half a character"


def _add(key: bytes | str, seen: set[bytes | str]) -> bool:
    """Add a key to those that were seen; return whether it is new."""
    n_before = len(seen)
    seen.add(key)
    return len(seen) > n_before


def _key(text: str) -> bytes | str:
    """A short text itself, or the digest of a longer one."""
    return text if len(text) <= _N_SHORT else blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _look_at_columns(row: Row, text_column: str, personal: dict[str, str]) -> None:
    for name, value in row.items():
        if name != text_column and name not in personal and value:
            what = find_personal(value) or ("a phone number" if is_phone(value) else None)
            if what:
                personal[name] = f"holds {what}"


def _mend(fault: UnitFault) -> str:
    return fault.outcome.removeprefix("nothing is sent: ")


def _say_guess(encoding: Encoding) -> str:
    return f"{encoding.name} is {encoding.reason}. Before anything is paid, {mend_guess(encoding)}"


def mend_guess(encoding: Encoding) -> str:
    """Say how a guess is confirmed or corrected.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> mend_guess(SimpleNamespace(name="cp1252"))
    'confirm or correct it: `form: ["encoding: cp1252"]` in study.yaml, or `--form encoding=cp1252`'
    """
    name = encoding.name
    return f'confirm or correct it: `form: ["encoding: {name}"]` in study.yaml, or `--form encoding={name}`'


def _say_personal(source: Source, personal: dict[str, str]) -> str:
    if not isinstance(source, UnitSource):
        return ""
    sent = {*source.id_columns, source.text_column, *source.context_columns}
    columns = "; ".join(f"{name} ({why}; {'SENT' if name in sent else 'not sent'})" for name, why in personal.items())
    return f"check this before anything is sent: {columns}"
