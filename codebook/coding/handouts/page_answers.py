"""The file of answers that a coder saved in a page: every act checked, all faults at once, and added to the log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from codebook.coding.assignments import FOLDER, read_assignment
from codebook.coding.coder_state import UNDOABLE, CoderState, Turn, turn_of
from codebook.coding.coding_log import ACTS, Act, CodingLog, log_path
from codebook.coding.handouts.page_files import FORMAT, print_unit
from codebook.coding.handouts.returns import NOTHING, Change, Returned, turns_of
from codebook.coding.handouts.workbook_cells import Spoilt
from codebook.coding.kept_units import KeptUnits
from codebook.coding.label_values import check_label
from codebook.errors import BusyError, Fault, InputError, RecordError, TableError
from codebook.files.digests import digest_of
from codebook.paths import find_file_fault, resolve_path
from codebook.scheme import Codebook, read_codebook

_AGAIN = "ask the coder to save the answers in the page again, and to send that file"
_OWN = ("n", "source", "seen")
"""Fields of an act that are not those of the log."""


def read_page(
    path: str | Path, folder: str | Path = FOLDER, *, coder: str = "", old_definitions: bool = False
) -> Returned:
    """Read the answers that a coder saved in a page, and add what is new in them to the coder's log.

    Acts keep the times at which they were done. Reading a file twice, or a later one of the same page, adds each act
    once. The parameters are those of `read_workbook`.

    Raises
    ------
    TableError
        Everything that is wrong in it, each with its line and the mend.
    BusyError
        The coder's log is held by an open form.
    """
    place, file = resolve_path(folder), resolve_path(path)
    if fault := find_file_fault(file):
        raise TableError("No answer was read.", [fault])
    spoilt = Spoilt()
    acts = _read_lines(file, spoilt)
    assignment = read_assignment(place)
    about = PageAbout(file.name, digest_of(file), str(acts[0].get("coder", "")), acts[0].get("source", {}))
    turns = turns_of(assignment, about.coder)
    spoilt.check_owner("the file", about.coder, coder, turns)
    checker = _Checker(read_codebook(assignment.codebook), KeptUnits(place / "units.jsonl"), turns, about, spoilt)
    checker.check(acts, old_definitions=old_definitions)
    spoilt.stop(file.name)
    with CodingLog(log_path(place, about.coder)) as log:
        if log.read_only:
            raise BusyError(f"{file.name} was not read. {log.remark} To mend: close the coding form, then repeat.")
        return _Appending(about, acts, log).take(spoilt.list_remarks())


@dataclass(frozen=True)
class PageAbout:
    """What a file of answers says of itself: its page, and which copy of it, for a page may be open on two machines."""

    name: str
    sha256: str
    coder: str
    source: Mapping[str, Any]

    @property
    def copy(self) -> tuple[Any, Any]:
        """The copy of the page that it comes from."""
        return self.source.get("id"), self.source.get("copy")


def _read_lines(file: Path, spoilt: Spoilt) -> list[Act]:
    """The acts of a file; a last line that was cut short is told."""
    raw = file.read_bytes().removeprefix(b"\xef\xbb\xbf")
    lines = [line for line in raw.split(b"\n") if line.strip()]
    acts = list[Act]()
    for number, line in enumerate(lines, start=1):
        try:
            act = orjson.loads(line)
        except orjson.JSONDecodeError:
            act = None
        if isinstance(act, dict) and act.get("act") in ACTS and act.get("n") == number:
            acts.append(act)
        elif act is None and number == len(lines) and not raw.endswith(b"\n"):
            spoilt.add(f"line {number}", "the file was cut short there", _AGAIN)
        else:
            problem = (
                "it is not an entry that a page writes"
                if act is None or "n" not in act
                else "lines were removed or added"
            )
            spoilt.add(f"line {number}", problem, _AGAIN)
    first = acts[0] if acts and acts[0]["n"] == 1 else {}
    if raw[:200].lstrip().lower().startswith(b"<!doctype html"):
        problem = "it is the page itself, which contains no answers"
        fault = Fault(file.name, problem, "open it, press 'Save my answers', and use the file that it saves")
        raise TableError("No answer was read.", [fault])
    if first.get("act") != "open" or first.get("source", {}).get("format") != FORMAT:
        fault = Fault(file.name, "it is not a file of answers from a coding page", _AGAIN)
        raise TableError("No answer was read.", [fault])
    return acts


@dataclass(frozen=True)
class _Checker:
    """The acts of a file held against the codebook, the units and the assignment as they are now."""

    codebook: Codebook
    units: KeptUnits
    turns: set[Turn]
    about: PageAbout
    spoilt: Spoilt

    def check(self, acts: Sequence[Act], *, old_definitions: bool) -> None:
        """Note what is wrong with each act."""
        state = CoderState()
        for act in acts:
            where = f"line {act['n']}"
            if act.get("coder") != self.about.coder:
                self.spoilt.add(where, f"it is an entry of another coder, {act.get('coder')!r}", _AGAIN)
            try:
                self._check_act(act, where, old_definitions=old_definitions)
                state.apply(act)
            except (KeyError, TypeError, ValueError, AttributeError):
                self.spoilt.add(where, "it does not have the form in which a page writes it", _AGAIN)
            except RecordError:
                self.spoilt.add(where, "it undoes an entry that is not the last one", _AGAIN)

    def _check_act(self, act: Act, where: str, *, old_definitions: bool) -> None:
        if act["act"] in ("open", "undo", "redo"):
            return
        if turn_of(act) not in self.turns:
            mend = "give the coder a new page, or assign the unit again"
            self.spoilt.add(where, f"the unit {act['unit']!r} is not assigned to {self.about.coder!r}", mend)
            return
        unit = self.units[act["unit"]]
        if act["seen"] != print_unit(unit):
            self.spoilt.add(where, f"the unit {unit.unit_id!r} had a different text in the page", "code it again")
        if act["act"] == "note" and not isinstance(act["text"], str):
            raise TypeError
        if act["act"] != "label":
            return
        names = [each.name for each in self.codebook.variables]
        if act["variable"] not in names:
            self.spoilt.add(
                where, f"the codebook has no variable {act['variable']!r}", f"use one of {', '.join(names)}"
            )
            return
        self._check_definition(act, where, old_definitions=old_definitions)
        if act["label"] is not None:
            try:
                check_label(act["label"], self.codebook.variable(act["variable"]), unit)
            except InputError as error:
                for fault in error.faults:
                    self.spoilt.add(f"{where}, {fault.where}", fault.problem, fault.mend)

    def _check_definition(self, act: Act, where: str, *, old_definitions: bool) -> None:
        name = act["variable"]
        if act["codebook"] == self.codebook.variable_digest(name):
            return
        if old_definitions:
            self.spoilt.remark(
                f"Answers to {name!r} were given under an older definition; they are kept and marked as such."
            )
            return
        mend = "hand out a new page, or keep answers given under old definitions (--old-definitions)"
        self.spoilt.add(where, f"{name!r} was asked with an older definition than the one in the codebook now", mend)


class _Appending:
    """The acts of a file added to a log that may have grown otherwise meanwhile."""

    def __init__(self, about: PageAbout, acts: Sequence[Act], log: CodingLog) -> None:
        self.about, self.acts, self.log = about, acts, log
        self.state = CoderState(log.acts)
        self.earlier = {act["source"]["n"]: act for act in log.acts if self._is_of_page(act)}

    def _is_of_page(self, act: Act) -> bool:
        source = act.get("source", {})
        return (source.get("id"), source.get("copy")) == self.about.copy and "n" in source

    def take(self, remarks: Sequence[str]) -> Returned:
        """Add the acts that are not there yet, and say what has changed by them."""
        self._check_beginning()
        page = CoderState()
        numbers = {number: act["n"] for number, act in self.earlier.items()}
        before = dict[tuple[Turn, str, str], Any]()
        for act in self.acts:
            page.apply(act)
            if act["n"] in numbers:
                continue
            for new in self._translate(act, numbers, page):
                self._remember(new, before)
                numbers[act["n"]] = self._append(new, act)["n"]
        changes = [Change(turn, what or kind, was, now) for turn, what, kind, was, now in self._compare(before)]
        return Returned(self.about.name, self.about.coder, len(list(page.turns())), tuple(changes), tuple(remarks))

    def _check_beginning(self) -> None:
        """Refuse a file whose first acts are not those that were read from this copy of the page before."""
        for act in self.acts:
            if (there := self.earlier.get(act["n"])) and there["time"] != act["time"]:
                problem = "it differs from the entry that was read from this page before"
                raise TableError(
                    f"No answer was read from {self.about.name}.", [Fault(f"line {act['n']}", problem, _AGAIN)]
                )

    def _translate(self, act: Act, numbers: Mapping[int, int], page: CoderState) -> Iterator[dict[str, Any]]:
        """An act as the log takes it: an undo whose act is not the log's last one sets what held before it."""
        new = {name: value for name, value in act.items() if name not in _OWN}
        if act["act"] not in ("undo", "redo"):
            yield new
            return
        undo = act["act"] == "undo"
        last = self.state.next_undo if undo and self.state.can_undo else None
        last = self.state.next_redo if not undo and self.state.can_redo else last
        if last is not None and last["n"] == numbers.get(act["of"]):
            yield new | {"of": last["n"]}
            return
        of = self.acts[act["of"] - 1]
        holds = page.acts_of(turn_of(of), of["act"]).get(of.get("variable", ""))
        fields = {name: value for name, value in (holds or {**of, **NOTHING}).items() if name not in _OWN}
        yield fields | {"time": act["time"]}

    def _append(self, new: dict[str, Any], act: Act) -> Act:
        source = {**self.about.source, "n": act["n"], "file": self.about.name, "sha256": self.about.sha256}
        line = self.log.append({**new, "source": source})
        self.state.apply(line)
        return line

    # -- what has changed --------------------------------------------------------------------------------------------

    def _remember(self, act: Mapping[str, Any], before: dict[tuple[Turn, str, str], Any]) -> None:
        """Keep what held before the first act of each place."""
        if act["act"] in ("undo", "redo"):
            act = self.log.acts[act["of"] - 1]
        if act["act"] in UNDOABLE:
            slot = (turn_of(act), act.get("variable", ""), act["act"])
            before.setdefault(slot, self._get(*slot))

    def _get(self, turn: Turn, variable: str, kind: str) -> Any:
        act = self.state.acts_of(turn, kind).get(variable)
        if act is None:
            return None
        return act.get({"label": "label", "note": "text", "skip": "reason"}.get(kind, "on"), True)

    def _compare(self, before: Mapping[tuple[Turn, str, str], Any]) -> Iterator[tuple[Turn, str, str, Any, Any]]:
        for slot, was in before.items():
            if (now := self._get(*slot)) != was:
                yield *slot, was, now
