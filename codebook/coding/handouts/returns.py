"""What came back becomes acts in the coder's log: only what is new since it was read last, and it is said what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codebook.coding.assignments import FOLDER, Assignment, read_assignment
from codebook.coding.coder_state import CoderState, Turn, turn_of
from codebook.coding.coding_log import Act, CodingLog, log_path
from codebook.coding.handouts.workbook_answers import RowAnswers, WorkbookAnswers, read_answers
from codebook.errors import BusyError, Fault, TableError
from codebook.ground.quantities import say_count
from codebook.paths import resolve_path
from codebook.scheme import read_codebook
from codebook.visible import spell_line

NOTHING: Mapping[str, Any] = {"label": None, "text": "", "on": False}
"""What an act sets that takes something back."""
_N_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Change:
    """One act that came back: of a unit, what (a variable, or note, flag, skip), and what it was before."""

    turn: Turn
    what: str
    before: Any
    after: Any

    def __str__(self) -> str:
        again = f" (time {self.turn.draw + 1})" if self.turn.draw else ""
        was = f", was {_say(self.before)}" if self.before not in (None, "", False) else ""
        return spell_line(f"{self.turn.unit}{again}: {self.what} {_say(self.after)}{was}")


@dataclass(frozen=True)
class Returned:
    """What was read from a file that a coder sent back.

    Attributes
    ----------
    name, coder
        Of the file; whose it is.
    n_units
        Units of which it says something.
    changes
        The acts that were added to the log.
    remarks
        What was taken in another way than it is written, or left out.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.open_study().with_coding(coders=("ann",)).assign()
    >>> (path,) = cb.coding.write_workbooks().paths
    >>> cb.coding.read_handout(path).changes
    ()
    """

    name: str
    coder: str
    n_units: int
    changes: tuple[Change, ...]
    remarks: tuple[str, ...] = ()

    def __repr__(self) -> str:
        n = len(self.changes)
        what = f"{say_count(n, 'answer')} taken" if n else "nothing has changed since it was read"
        lines = [f"{self.name}: {say_count(self.n_units, 'unit')} filled in by {spell_line(self.coder)}; {what}."]
        lines += [f"  {change}" for change in self.changes[:_N_SHOWN]]
        lines += [f"  and {n - _N_SHOWN:,} more"] if n > _N_SHOWN else []
        return "\n".join([*lines, *map(spell_line, self.remarks)])


def read_workbook(
    path: str | Path,
    folder: str | Path = FOLDER,
    *,
    coder: str = "",
    take_back: bool = False,
    old_definitions: bool = False,
) -> Returned:
    """Read a workbook that a coder has filled in, and add its new answers to the coder's log.

    Every cell is checked; a workbook with a fault is not read at all. Reading it twice changes nothing.

    Parameters
    ----------
    folder
        The coding folder.
    coder
        Whose workbook it must be; whoever's it says where nobody is named.
    take_back
        Cells that are empty now, and were filled in when the workbook was read last, take their answers back.
    old_definitions
        Take answers that were given under an older definition of their variable; they stay known as such.

    Raises
    ------
    TableError
        Everything that is wrong in it, each with its cell and the mend.
    BusyError
        The coder's log is held by an open form.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.open_study().with_coding(coders=("ann",)).assign()
    >>> (path,) = cb.coding.write_workbooks().paths
    >>> read_workbook(path)
    my-study.ann.xlsx: 0 units filled in by ann; nothing has changed since it was read.
    """
    place, file = resolve_path(folder), resolve_path(path)
    assignment = read_assignment(place)
    codebook = read_codebook(assignment.codebook)
    answers = read_answers(
        file, codebook, lambda name: turns_of(assignment, name), coder=coder, old_definitions=old_definitions
    )
    with CodingLog(log_path(place, answers.about.coder)) as log:
        if log.read_only:
            raise BusyError(
                f"{answers.about.name} was not read. {log.remark} To mend: close the coding form, then repeat."
            )
        return _Taking(answers, log).take(take_back=take_back)


def turns_of(assignment: Assignment, coder: str) -> set[Turn]:
    """The turns that a coder has, in all rounds."""
    return {row.turn for row in assignment.rows if row.coder == coder}


class _Taking:
    """The answers of one workbook held against what it said when it was read last, and against the coder's log."""

    def __init__(self, answers: WorkbookAnswers, log: CodingLog) -> None:
        self.answers, self.about, self.log = answers, answers.about, log
        self.state = CoderState(log.acts)
        earlier = [act for act in log.acts if act.get("source", {}).get("id") == self.about.key]
        self.last = {_slot(act): _value(act) for act in earlier if act["act"] != "open"}
        self.read = {act["source"]["sha256"]: act for act in earlier if act["act"] == "open"}

    def take(self, *, take_back: bool) -> Returned:
        """Add the changes to the log, all faults being told before the first one."""
        self._refuse_older()
        acts = [act for row in self.answers.rows for act in self._list_acts(row)]
        if not take_back:
            self._refuse_empty(acts)
        remarks = [*self.answers.remarks, *self._say_conflicts(acts)]
        if acts:
            about = {"coder": self.about.coder, "assignment": self.about.assignment, "source": self.source}
            self.log.append({**about, "act": "open"})
        changes = [self._add(act) for act in acts]
        n_units = sum(_says_something(row) for row in self.answers.rows)
        return Returned(self.about.name, self.about.coder, n_units, tuple(changes), tuple(remarks))

    @property
    def source(self) -> dict[str, str]:
        """Where an act comes from."""
        about = self.about
        return {"file": about.name, "kind": "workbook", "id": about.key, "sha256": about.sha256}

    def _refuse_older(self) -> None:
        """Refuse a state of the workbook that was read before a later one was."""
        earlier = self.read.get(self.about.sha256)
        if earlier is None or earlier is list(self.read.values())[-1]:
            return
        problem = f"this version was read at {earlier['time']}, and a later version has been read since"
        raise TableError("No answer was read.", [Fault(self.about.name, problem, "read the latest version")])

    def _list_acts(self, row: RowAnswers) -> Iterator[dict[str, Any]]:
        """The acts that say what a row says now and did not say before, without what is so already."""
        about = {"coder": self.about.coder, "unit": row.turn.unit, "round": row.turn.round, "draw": row.turn.draw}
        for variable, label in row.labels.items():
            digest = self.about.variables[variable]
            yield from self._act({**about, "act": "label", "variable": variable, "label": label, "codebook": digest})
        yield from self._act({**about, "act": "note", "variable": "", "text": row.note})
        yield from self._act({**about, "act": "flag", "on": row.flag})
        yield from self._act({**about, "act": "skip", "reason": row.skip, "on": bool(row.skip)})

    def _act(self, act: dict[str, Any]) -> Iterator[dict[str, Any]]:
        value = _value(act)
        if value != self.last.get(_slot(act), _value({**act, **NOTHING})) and value != self._now(act):
            yield act

    def _now(self, act: Act) -> Any:
        """What the log says at the place of an act."""
        there = self.state.acts_of(turn_of(act), act["act"]).get(act.get("variable", ""))
        return _value({**act, **NOTHING} if there is None else there)

    def _refuse_empty(self, acts: Sequence[Act]) -> None:
        """Refuse cells that were emptied since: the workbook may be an older copy."""
        rows = {row.turn: row.row for row in self.answers.rows}
        faults = []
        for act in acts:
            if _value(act) == _value({**act, **NOTHING}):
                what = act.get("variable") or act["act"]
                problem = f"the cell is empty, but {_say(self.last[_slot(act)])} was read from this workbook earlier"
                mend = "fill it in again, or let empty cells take answers back (--take-back)"
                faults.append(Fault(f"row {rows[turn_of(act)]}, {what}", problem, mend))
        TableError.raise_any(f"No answer was read from {self.about.name}.", faults)

    def _say_conflicts(self, acts: Sequence[Act]) -> list[str]:
        """Say where the log has something else by now than what this workbook said."""
        n = sum(self._now(act) != self.last.get(_slot(act), _value({**act, **NOTHING})) for act in acts)
        return (
            [f"{say_count(n, 'answer')} had been given differently elsewhere; the workbook has the latest ones."]
            if n
            else []
        )

    def _add(self, act: dict[str, Any]) -> Change:
        before = self._now(act)
        more = {"before": before, "shown": None, "ms": None} if act["act"] == "label" else {}
        line = self.log.append({**act, **more, "source": self.source})
        self.state.apply(line)
        return Change(turn_of(act), act.get("variable") or act["act"], before, _value(act))


def _slot(act: Act) -> tuple[Any, ...]:
    return act["unit"], act["round"], act["draw"], act.get("variable", ""), act["act"]


def _value(act: Act) -> Any:
    """What an act sets: None, "" or False where it takes something back."""
    kind = act["act"]
    if kind == "label":
        return act["label"]
    if kind == "note":
        return act["text"]
    return act.get("reason", "") if kind == "skip" and act.get("on", True) else act.get("on", True)


def _says_something(row: RowAnswers) -> bool:
    return bool(row.note or row.flag or row.skip or any(label is not None for label in row.labels.values()))


def _say(value: Any) -> str:
    if value is None or value == "" or value is False:
        return "taken back"
    return "none of these" if value == [] else ", ".join(value) if isinstance(value, list) else str(value)
