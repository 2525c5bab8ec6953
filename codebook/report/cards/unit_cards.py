"""The cards of codings: which units there are, and all that a card says of one, read when it is shown.

What was asked of it is found in the shards, by the name of the request.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.label_titles import name_label
from codebook.files.digests import check_units, read_run_record
from codebook.files.lines import dump_line, iter_lines, load_line
from codebook.ground.quotes import find_quotes
from codebook.ledger import Ledger
from codebook.material.unit_store import iter_units, read_unit
from codebook.paths import runs_folder
from codebook.records import Unit, UnitFile
from codebook.report.cards.choosing import Choice, LabelIndex

if TYPE_CHECKING:
    from codebook.analysis.core.scales import Ints


Turns = list[tuple[str, str]]
"""(who speaks, what is said) of each message."""
_TEXTS = ("text", "input_text", "output_text")


def find_request(folder: Path, custom_id: str) -> dict[str, Any] | None:
    """Return the body of a request of a run, as the shard has it that was sent; None where no shard has it.

    Parameters
    ----------
    folder
        Of the run. Its own shards come first; where another run asked, the ledger says which.
    """
    return next(filter(None, (_find_in(*place) for place in _list_places(folder, custom_id))), None)


def _list_places(folder: Path, custom_id: str) -> Iterator[tuple[Path, str]]:
    """The shards that may hold a request, each with its name there: by the ledger, else all of the run's own."""
    runs = folder.parent
    if (runs / "ledger.db").is_file():
        with Ledger(runs / "ledger.db") as ledger:
            places = ledger.find_requests(folder.name, custom_id)
        yield from ((runs / run / "shards" / file, name) for run, file, name in places)
    yield from ((path, custom_id) for path in sorted((folder / "shards").glob("[0-9]*.jsonl"), reverse=True))


def _find_in(path: Path, custom_id: str) -> dict[str, Any] | None:
    """The body of a request in a shard, which is looked through without being read into memory."""
    start = dump_line({"custom_id": custom_id})[:-2] + b","
    lines = iter_lines(path) if path.is_file() else ()
    line = next((line for _, line in lines if line.startswith(start)), b"{}")
    body = load_line(line, path.name).get("body")
    return body if isinstance(body, dict) else None


def tell_request(body: Mapping[str, Any]) -> Turns:
    """Return the messages of a request, in the language of any endpoint; a file is told, not shown.

    Examples
    --------
    >>> parts = [{"type": "text", "text": "Which?"}, {"type": "file"}]
    >>> tell_request({"messages": [{"role": "user", "content": parts}]})
    [('user', 'Which?\\n[file]')]
    >>> tell_request({"instructions": "Choose.", "input": "Coal."})
    [('instructions', 'Choose.'), ('input', 'Coal.')]
    """
    turns = [("instructions", str(body["instructions"]))] if body.get("instructions") else []
    messages = body.get("messages", body.get("input", ""))
    if isinstance(messages, str):
        return [*turns, ("input", messages)]
    return [*turns, *_tell_messages(messages)]


def _tell_messages(messages: Any) -> Iterator[tuple[str, str]]:
    for message in messages:
        if isinstance(message, Mapping):
            yield str(message.get("role", "")), _tell_content(message.get("content"))
        else:
            yield "input", str(message)


def _tell_content(content: Any) -> str:
    if not isinstance(content, list):
        return str(content)
    return "\n".join(
        str(part.get("text")) if part.get("type") in _TEXTS else f"[{part.get('type', 'file')}]" for part in content
    )


Span = tuple[int, int]
_MOST_QUOTED = 100_000
"""Letters of a text in which quotes are looked for."""
_FIELDS = ("label", "why", "detail", "evidence", "confidence", "draw", "custom_id", "run_id", "raw")


@dataclass(frozen=True)
class CodedLabel:
    """What one coder said of a unit; `standing` is "right" or "wrong" beside a gold label, else empty."""

    variable: str
    coder: str
    role: str
    draw: str = ""
    label: str = ""
    why: str = ""
    detail: str = ""
    evidence: str = ""
    confidence: str = ""
    standing: str = ""


@dataclass(frozen=True)
class Talk:
    """What was asked of a model and what it replied; `missing` says why the request cannot be shown."""

    who: str
    turns: Turns
    reply: str
    missing: str = ""


@dataclass(frozen=True)
class Card:
    """One unit: `text` is None where nobody kept it, `marks` are the places of quotes in it."""

    unit_id: str
    text: str | None
    context: Mapping[str, str]
    files: tuple[UnitFile, ...]
    marks: tuple[Span, ...]
    labels: tuple[CodedLabel, ...]
    talks: tuple[Talk, ...]


class UnitCards:
    """Cards of all units of codings.

    Parameters
    ----------
    codings
        Labels of people and models.
    shelf
        The units, with texts and files.
    folders
        The folder of each run that gave labels, in which its requests are.
    """

    def __init__(self, codings: Codings, shelf: UnitShelf, folders: Mapping[str, Path]) -> None:
        self.codings, self.shelf, self.folders = codings, shelf, folders
        self.index = LabelIndex(codings)
        lists = [each for variable in codings.variables for each in getattr(variable, "lists", ())]
        self._quoting = {field.name for each in lists for field in each.fields if field.kind == "quote"}

    def __len__(self) -> int:
        return len(self.index.units)

    def choose(self, choice: Choice) -> Ints:
        """The numbers of the units that are wanted."""
        numbers = self.index.choose(choice)
        if not choice.words.strip():
            return numbers
        fitting = self.shelf.search(choice.words.strip())
        words = choice.words.strip().casefold()
        units = self.index.units
        return numbers[[units[number] in fitting or words in units[number].casefold() for number in numbers]]

    def read_some(self, numbers: Sequence[int], *, talks: bool = True) -> Iterator[Card]:
        """Read the cards of these units, one after the other."""
        self.shelf.hold(self.index.units[number] for number in numbers)
        return (self.read(number, talks=talks) for number in numbers)

    def read(self, number: int, *, talks: bool = True) -> Card:
        """Read all that is known of the unit of this number; without `talks` what was asked and replied is left out."""
        unit_id = self.index.units[number]
        rows = self.index.rows(number)
        unit = self.shelf.find(unit_id)
        labels, talks_of_unit = tuple(self._labels(rows)), tuple(self._talks(rows)) if talks else ()
        if unit is None:
            return Card(unit_id, None, {}, (), (), labels, talks_of_unit)
        return Card(unit_id, unit.text, unit.context, unit.files, self._marks(unit.text, labels), labels, talks_of_unit)

    def _labels(self, rows: Any) -> Iterator[CodedLabel]:
        codings, index = self.codings, self.index
        names = [each.name for each in codings.variables]
        several = bool((rows["draw"] != 0).any())
        known = [name for name in _FIELDS if name in rows]
        first = rows["coder"] == codings.gold
        for place, row in rows.loc[first.sort_values(ascending=False, kind="stable").index].iterrows():
            cells = {name: _say(row[name]) for name in known}
            if "label" in cells:
                cells["label"] = name_label(
                    cells["label"], [each for each in codings.variables if each.name == row["variable"]]
                )
            gold = index.gold_label[place] >= 0 and row["coder"] != codings.gold and index.label[place] >= 0
            yield CodedLabel(
                str(row["variable"]) if len(names) != 1 else "",
                str(row["coder"]),
                self._role(str(row["coder"])),
                draw=cells["draw"] if several else "",
                standing=("wrong" if index.not_gold[place] else "right") if gold else "",
                **{name: cells.get(name, "") for name in ("label", "why", "detail", "evidence", "confidence")},
            )

    def _role(self, coder: str) -> str:
        codings = self.codings
        return "gold" if coder == codings.gold else "model" if coder in codings.models else "person"

    def _marks(self, text: str, labels: Iterable[CodedLabel]) -> tuple[Span, ...]:
        """Where the quotes of coders stand in the text, those that begin inside another left out."""
        quotes = [quote for label in labels for quote in self._quotes(label)]
        places = find_quotes(list(dict.fromkeys(quotes)), text[:_MOST_QUOTED]) if quotes and text else []
        marks, reached = list[Span](), 0
        for start, end in sorted((place.start, place.end) for place in places if place.start >= 0):
            if start >= reached:
                marks.append((start, end))
                reached = end
        return tuple(marks)

    def _quotes(self, label: CodedLabel) -> Iterator[str]:
        """The evidence of a label, and the quotes of records."""
        if label.evidence:
            yield label.evidence
        if self._quoting and label.label.startswith("{"):
            yield from filter(None, _find_quotes(_read_json(label.label), self._quoting))

    def _talks(self, rows: Any) -> Iterator[Talk]:
        """What was asked of models and replied, a request once however many draws there are of it."""
        if "custom_id" not in rows:
            return
        before: Turns = []
        for _, row in rows.iterrows():
            names = ("custom_id", "run_id", "raw", "draw", "variable")
            cells = {name: _say(row[name]) for name in names if name in row}
            if not cells["custom_id"] and not cells.get("raw"):
                continue
            talk = self._find_talk(str(row["coder"]), cells)
            same = bool(talk.turns) and talk.turns == before
            before = talk.turns or before
            yield replace(talk, turns=[], missing="The same request.") if same else talk

    def _find_talk(self, coder: str, cells: Mapping[str, str]) -> Talk:
        who = f"{coder}, {cells['variable']}" + (f", draw {cells['draw']}" if cells["draw"] != "0" else "")
        folder = self.folders.get(cells.get("run_id", ""))
        body = find_request(folder, cells["custom_id"]) if folder and cells["custom_id"] else None
        missing = (
            "" if body else "The request is not known: the unit was not asked, or the shard with the request is gone."
        )
        reply = cells.get("raw", "")
        return Talk(
            who, tell_request(body) if body else [], reply, missing if folder else "The run is not in this project."
        )


def open_cards(
    codings: Codings, units: Iterable[Unit] | None = None, *, folders: Mapping[str, Path] | None = None
) -> UnitCards:
    """Open the cards of codings. Nothing is read yet but the labels.

    Parameters
    ----------
    units
        The units of labels that no run gave, such as `cb.read_units(...)`.
    folders
        Of the runs that gave labels; those of the project that the labels name where not given.
    """
    places = _find_runs(codings) if folders is None else dict(folders)
    for folder in places.values():
        if (folder / "run.json").is_file():
            check_units(folder, read_run_record(folder / "run.json"))
    files = [folder / "units.jsonl" for folder in places.values()]
    others: Mapping[str, Any] = codings.texts if units is None else {unit.unit_id: unit for unit in units}
    return UnitCards(codings, UnitShelf(files, others), places)


def _find_runs(codings: Codings) -> dict[str, Path]:
    if "run_id" not in codings.frame:
        return {}
    names = [str(name) for name in codings.frame["run_id"].dropna().unique() if name]
    return {name: runs_folder() / name for name in names}


def _say(value: Any) -> str:
    """A cell in words; nothing for what is missing."""
    if value is None or value != value:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _read_json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None


def _find_quotes(value: Any, names: Collection[str]) -> Iterator[str]:
    """Every text under one of these names of a JSON value."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name in names and isinstance(inner, str):
                yield inner
            else:
                yield from _find_quotes(inner, names)
    elif isinstance(value, list):
        for inner in value:
            yield from _find_quotes(inner, names)


_ID = re.compile(rb'\{"unit_id":("(?:[^"\\]|\\.)*")')

_PLACE = 48
"""Bits that hold a place in a file."""


class UnitShelf:
    """The units of `units.jsonl` files, and others by their ids, as texts or as units.

    Parameters
    ----------
    files
        Files that `write_units` wrote; one that is not there holds nothing.
    others
        Texts or units by id, looked up for what no file holds.
    """

    def __init__(self, files: Sequence[Path] = (), others: Mapping[str, Unit | str] | None = None) -> None:
        self.files, self._others = [path for path in files if path.is_file()], others or {}
        self._held: dict[str, Unit] = {}

    @cached_property
    def _places(self) -> dict[str, int]:
        """File and place of each unit, as one number; of a unit in several files, the first."""
        places: dict[str, int] = {}
        for number, path in reversed(list(enumerate(self.files))):
            places |= {_read_id(line, path): number << _PLACE | offset for offset, line in iter_lines(path)}
        return places

    def hold(self, unit_ids: Iterable[str]) -> None:
        """Read some units in one go and keep them, so that no list of all has to be made for a few."""
        wanted = set(unit_ids) - self._held.keys()
        for path in self.files:
            for _, line in iter_lines(path) if wanted else ():
                if (unit_id := _read_id(line, path)) in wanted:
                    self._held[unit_id] = read_unit(load_line(line, path.name))
                    wanted.remove(unit_id)
                    if not wanted:
                        return

    def find(self, unit_id: str) -> Unit | None:
        """The unit, or None where nobody has kept it."""
        if unit_id in self._held:
            return self._held[unit_id]
        if unit_id in self._places:
            place = self._places[unit_id]
            path = self.files[place >> _PLACE]
            with path.open("rb") as file:
                file.seek(place & (1 << _PLACE) - 1)
                return read_unit(load_line(file.readline(), path.name))
        other = self._others.get(unit_id)
        return Unit(unit_id, other) if isinstance(other, str) else other

    def search(self, words: str) -> set[str]:
        """The ids of the units in whose text, context or id these words stand, in capitals or not."""
        wanted = words.casefold()
        parts = ((unit.unit_id, "\n".join([unit.unit_id, unit.text, *unit.context.values()])) for unit in self._walk())
        return {unit_id for unit_id, text in parts if wanted in text.casefold()}

    def _walk(self) -> Iterator[Unit]:
        for path in self.files:
            yield from (unit for unit, _ in iter_units(path))
        if not self.files:
            for unit_id, other in self._others.items():
                yield Unit(unit_id, other) if isinstance(other, str) else other


def _read_id(line: bytes, path: Path) -> str:
    match = _ID.match(line)
    return str(orjson.loads(match[1]) if match else load_line(line, path.name)["unit_id"])
