"""What a reader fills while it goes through a file: rows, what was set aside, what is to be said and asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import orjson

from codebook.errors import Fault, TableError
from codebook.exchange.account import STATUSES, Account
from codebook.exchange.reading import MODEL, UNKNOWN_CODER, WHOLE, ExportRow, Reading, ReadOptions
from codebook.ground.joins import find_twins, spell
from codebook.ground.personal import looks_personal, name_person
from codebook.ground.quantities import say_count

_ANSWERS = ("coded", "empty")
_N_NAMED = 5
_STATED = "added by coded_by"


@dataclass
class Collector:
    """Rows of a file while it is read.

    Attributes
    ----------
    persons
        Whether every coder's name is personal data by its nature, as the numbers of crowd workers are.
    tells_absence
        Whether the file can say that a coder saw a unit and gave no code.
    unit
        The fields that hold the unit's id, as `choose_unit` found them.
    """

    format: str
    title: str
    files: Sequence[str]
    options: ReadOptions
    persons: bool = False
    tells_absence: bool = True
    rows: list[ExportRow] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)
    cases: Counter[str] = field(default_factory=Counter)
    questions: dict[str, Fault] = field(default_factory=dict)
    records: int = 0
    n_used: int = 0
    aside: Counter[str] = field(default_factory=Counter)
    made: int = 0
    unit: tuple[str, ...] = ()
    _names: dict[str, str] = field(default_factory=dict)
    _listed: dict[str, bool] = field(default_factory=dict)
    _pending: bool = False

    def __post_init__(self) -> None:
        self.files = [hide_person(name) for name in self.files]

    # -- while the file is read ------------------------------------------------------------------------------------

    def record(self) -> None:
        """A record of the file begins; it counts as used when a row is added, or set aside."""
        self.records += 1
        self._pending = True

    def set_aside(self, reason: str) -> None:
        """The record that began gives no row, for this reason."""
        self.aside[reason] += 1
        self._pending = False

    def add(
        self, unit: str, coder: str, variable: str = WHOLE, label: str | Sequence[str] = "", **more: object
    ) -> None:
        """Add a row of the record that began, with `more` of its cells; a label that is a sequence is a set."""
        self.n_used += self._pending
        self._pending = False
        name = variable if variable == WHOLE else self.options.rename(variable)
        if not name:
            self.cases["a label of a variable that `variables` leaves out"] += 1
            return
        if not isinstance(label, str):
            self._listed[name] = self._listed.get(name, False) or len(label) > 1
            label = orjson.dumps(sorted(set(label))).decode()
        self.made += 1
        self.rows.append(ExportRow(unit, self._name_coder(coder), name, label, **more))  # type: ignore[arg-type]

    def add_unmarked(self, unit: str, coder: str, what: str, status: str = "empty") -> None:
        """Add the row, a record of its own, of a unit in which nothing is marked: who saw it is not known."""
        self.record()
        self.add(unit, coder, status=status, note=f"no {what}: the file does not say if the unit was seen")

    def mark_set(self, variable: str) -> None:
        """A variable holds sets, even where no label of the file is one."""
        self._listed[self.options.rename(variable)] = True

    def note(self, sentence: str) -> None:
        """Say something once."""
        self.notes.setdefault(sentence)

    def count(self, case: str) -> None:
        """Count a case that a person should look at; the sentence is "CASE (7 times)."."""
        self.cases[case] += 1

    def ask(self, option: str, problem: str, mend: str) -> None:
        """The file cannot say something; the first question of an option is kept."""
        self.questions.setdefault(option, Fault(f"{self.files[0]}, `{option}`", problem, mend))

    def _name_coder(self, name: str) -> str:
        """The name in the table: as it is renamed; what is personal data becomes a pseudonym."""
        if name not in self._names:
            self._names[name] = self._find_name(name)
        return self._names[name]

    def _find_name(self, name: str) -> str:
        renamed = self.options.rename_coders
        if name in renamed or not name:
            return renamed.get(name, name)
        if not (self.persons or looks_personal(name)) or name in (MODEL, UNKNOWN_CODER):
            return name
        alias = name_person(name)
        self.count("a coder's name is personal data and was replaced by a pseudonym; `rename_coders` accepts either")
        return renamed.get(alias, alias)

    # -- at the end ------------------------------------------------------------------------------------------------

    def finish(self) -> Reading:
        """Return the reading: sets unified, repeated answers kept or dropped, the account closed."""
        sets = self._find_sets()
        rows = [_unify(row, row.variable in sets) if row.variable in self._listed else row for row in self.rows]
        rows, dropped = self._keep_one(rows)
        rows, stated = self._add_stated(rows)
        self._tell_names(rows)
        account = self._account(rows, dropped=dropped, stated=stated)
        notes = (
            *self.notes,
            *(f"{case[0].upper()}{case[1:]} ({say_count(n, 'time')})." for case, n in self.cases.items()),
        )
        return Reading(
            self.format, self.title, rows, account, notes, tuple(self.questions.values()), frozenset(sets), self.unit
        )

    def _find_sets(self) -> set[str]:
        if self.options.sets is not None:
            several = {name for name, some in self._listed.items() if some}
            return {name for name in self._listed if name in self.options.sets or name in several - self.options.only}
        return {name for name, some in self._listed.items() if some}

    def _keep_one(self, rows: list[ExportRow]) -> tuple[list[ExportRow], int]:
        """Of several answers of a coder to a unit take the first or the last, by time; ask where it is not said."""
        answers: dict[tuple[str, str], dict[int, str]] = {}
        for row in rows:
            if row.answer and row.status in _ANSWERS:
                answers.setdefault((row.unit, row.coder), {}).setdefault(row.answer, row.time)
        repeated = {key: each for key, each in answers.items() if len(each) > 1}
        if not repeated:
            return rows, 0
        who = ", ".join(f"{spell(coder)} on {spell(unit)}" for unit, coder in list(repeated)[:_N_NAMED])
        case = f"{say_count(len(repeated), 'unit')} answered more than once by one coder ({who})"
        if self.options.duplicates == "error":
            self.ask(
                "duplicates", case, "write `duplicates: first` or `duplicates: last`; the other is left out and counted"
            )
            return rows, 0
        self.note(f"{case}: the {self.options.duplicates} answer was kept.")
        pick = max if self.options.duplicates == "last" else min
        chosen = {key: pick(each, key=lambda answer: (each[answer], answer)) for key, each in repeated.items()}
        others = {(*key, answer) for key, each in repeated.items() for answer in each if answer != chosen[key]}
        remaining = [row for row in rows if (row.unit, row.coder, row.answer) not in others]
        return remaining, len(rows) - len(remaining)

    def _add_stated(self, rows: list[ExportRow]) -> tuple[list[ExportRow], int]:
        """Add what `coded_by` states; ask for it where the file cannot tell, also of one coder: others may join."""
        coders = {row.coder for row in rows if row.status in _ANSWERS} - {"", MODEL, UNKNOWN_CODER}
        if not self.options.coded_by:
            if not self.tells_absence and coders:
                problem = "it does not say who saw a unit and gave no code, so a missing code is not an answer"
                mend = f"give each coder's units, `coded_by: {{{min(coders)}: [...]}}`"
                mend += ", or `coded_by: all` if all coders saw all units"
                self.ask("coded_by", problem, mend)
            return rows, 0
        stated = dict(self._list_stated(rows, coders))
        known = {(row.unit, row.coder) for row in rows if row.status != "not_seen"}
        for coder in sorted(coders - set(stated)):
            self.note(f"{spell(coder)} has given codes, but `coded_by` does not name this coder.")
        for coder, units in stated.items():
            if n := len({unit for unit, who in known if who == coder} - set(units)):
                self.note(f"{spell(coder)} has rows of {say_count(n, 'unit')} that `coded_by` does not list.")
        pairs = dict.fromkeys((unit, coder) for coder, units in stated.items() for unit in units)
        rows = [_as_stated(row) if row.status == "not_seen" and (row.unit, row.coder) in pairs else row for row in rows]
        known |= {(row.unit, row.coder) for row in rows}
        added = [ExportRow(*pair, WHOLE, status="empty", note=_STATED) for pair in pairs if pair not in known]
        return [*rows, *added], len(added)

    def _list_stated(self, rows: Iterable[ExportRow], coders: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
        stated = self.options.coded_by
        if isinstance(stated, str):
            if stated != "all":
                fault = Fault("coded_by", f"{stated!r} is not a list of coders", "write `all`, or coder -> units")
                raise TableError("The file cannot be read with these settings.", [fault])
            units = list(dict.fromkeys(row.unit for row in rows))
            yield from ((coder, units) for coder in sorted(coders))
        else:
            yield from ((str(coder), [str(unit) for unit in units]) for coder, units in stated.items())

    def _tell_names(self, rows: Iterable[ExportRow]) -> None:
        if not self.options.coder_name and any(row.coder == UNKNOWN_CODER and row.status in _ANSWERS for row in rows):
            problem = "the file does not say who coded, and it may mix the labels of several people"
            self.ask("coder_name", problem, "give a name with `coder_name: ...`; all labels then count as one coder's")
        for group in find_twins(dict.fromkeys(row.coder for row in rows)):
            names = ", ".join(map(spell, group))
            self.note(f"The coders {names} have similar names, but count as {len(group)}: `rename_coders` joins them.")

    def _account(self, rows: Sequence[ExportRow], *, dropped: int, stated: int) -> Account:
        by_status = Counter(row.status for row in rows)
        units: dict[str, set[str]] = {}
        coders: dict[str, set[str]] = {}
        for row in rows:
            who = units.setdefault(row.unit, set())
            if row.status in _ANSWERS:
                who.add(row.coder)
                coders.setdefault(row.coder, set()).add(row.unit)
        return Account(
            tuple(self.files),
            self.records,
            self.n_used,
            dict(self.aside),
            self.made,
            stated,
            {name: by_status[name] for name in STATUSES if by_status[name]},
            dropped,
            {name: len(each) for name, each in sorted(coders.items())},
            len(units),
            dict(sorted(Counter(map(len, units.values())).items())),
        )


def hide_person(name: str) -> str:
    """The name of a file or folder, in which an address of a person is a pseudonym.

    Examples
    --------
    >>> hide_person("state/user_state.json"), hide_person("ann@example.org.jsonl").startswith("person_")
    ('state/user_state.json', True)
    """
    return "/".join(name_person(part) if looks_personal(part) else part for part in name.split("/"))


def _as_stated(row: ExportRow) -> ExportRow:
    return row._replace(status="empty", label="", note=_STATED)


def _unify(row: ExportRow, is_set: bool) -> ExportRow:
    """A label that the file wrote as a list, as its variable holds it: a list, or the one text in it."""
    if is_set or not row.label.startswith("["):
        return row
    texts = orjson.loads(row.label)
    if len(texts) == 1:
        return row._replace(label=texts[0])
    return row if texts else row._replace(label="", status="empty" if row.status == "coded" else row.status)
