"""The planner: goes through the units of a run and cuts what is new into shards, in a memory that stays flat."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from codebook.ledger import Ledger, PlannedRow
from codebook.material.unit_store import iter_units
from codebook.records import Asking, Request, Unit
from codebook.requests import RequestMaker, make_custom_id
from codebook.run.folder import RunFolder
from codebook.scheme import Codebook
from codebook.shards import Cuts, ShardWriter
from codebook.tasks import Question, make_questions

_ROWS_AT_ONCE = 50_000
_N_SIEVED = 6
"""Hex digits of a key by which it is told from others: 16 MB, and of a million keys some 3 % are looked up in vain."""
_N_AT_ONCE, _N_BYTES_AT_ONCE = 256, 4_000_000


class Planner:
    """Goes through the units once, fills shards with the questions that are new, and notes all of it shard by shard."""

    def __init__(self, folder: RunFolder, ledger: Ledger, book: Codebook, asking: Asking, cuts: Cuts) -> None:
        self.folder, self.ledger, self.book, self.asking, self.cuts = folder, ledger, book, asking, cuts
        self.number, self.answerer = ledger.last_shard_number(folder.name), ledger.answerer(folder.name)
        self.resuming = ledger.n_rows(folder.name) > 0
        self.sieve = None if ledger.has_questions() else bytearray(16**_N_SIEVED)
        self.rows: list[PlannedRow] = []
        self.in_shard: set[str] = set()
        self.writer = self._new_writer()

    def run(self) -> None:
        """Plan every unit: all labels together, and each variable of records in shards of its own."""
        try:
            for questions in _group_questions(self.book):
                self._plan_group(questions)
        finally:
            self.writer.discard()

    def _plan_group(self, questions: Mapping[str, Question]) -> None:
        for pairs in _in_chunks(self._find(questions), _N_AT_ONCE, _N_BYTES_AT_ONCE):
            self._plan(pairs)
            # rows wait for the shard that asks for them; where most are answered already, it is cut short
            if len(self.rows) >= _ROWS_AT_ONCE * (4 if self.in_shard else 1):
                self._commit()
        self._commit()

    def _find(self, questions: Mapping[str, Question]) -> Iterator[tuple[PlannedRow, Request | None]]:
        """Yield the rows of every unit, each with its request where the unit is asked."""
        maker = _make_maker(questions, self.asking)
        for unit, skip in iter_units(self.folder.units_path):
            if skip:
                yield from ((row, None) for row in self._skipped(unit, skip, questions))
                continue
            for request in maker.ask(unit):
                custom_id, key, _, _, unit_id, variable, draw = request
                yield PlannedRow(custom_id, unit_id, variable, draw, key, None), request

    def _skipped(self, unit: Unit, skip: str, names: Iterable[str]) -> Iterator[PlannedRow]:
        for name in names:
            for draw in range(self.asking.draws):
                custom_id = make_custom_id(unit.unit_id, name, draw, salt=self.asking.salt)
                yield PlannedRow(custom_id, unit.unit_id, name, draw, "", skip)

    def _plan(self, pairs: Sequence[tuple[PlannedRow, Request | None]]) -> None:
        """Note rows that an earlier, interrupted planning did not note, and write the questions that are new."""
        name, noted = self.folder.name, set[str]()
        keys = self._may_know(row.request_key for row, request in pairs if request)
        known = self.ledger.asked_among(keys, self.answerer, name)
        if self.resuming:
            noted = self.ledger.noted_among(name, (row.custom_id for row, _ in pairs))
        for row, request in pairs:
            if row.custom_id in noted:
                continue
            if request and row.request_key not in known and row.request_key not in self.in_shard:
                if not self.writer.add(request):
                    self._commit()
                    self.writer.add(request)
                self.in_shard.add(row.request_key)
                known.add(row.request_key)  # also when its shard is closed
            self.rows.append(row)

    def _may_know(self, keys: Iterable[str]) -> Iterator[str]:
        """The keys that the ledger may know: any, or where it knew none, those that begin as one before.

        What another process plans meanwhile is met when the shard is handed in, as whatever it asks after that.
        """
        if self.sieve is None:
            yield from keys
            return
        for key in keys:
            place = int(key[:_N_SIEVED], 16)
            if self.sieve[place]:
                yield key
            self.sieve[place] = 1

    def _new_writer(self) -> ShardWriter:
        self.number += 1
        asking = self.asking
        return ShardWriter(self.folder.shards, self.number, model=asking.model, url=asking.url, cuts=self.cuts)

    def _commit(self) -> None:
        """Close the shard, if it holds anything, and note it together with the rows so far."""
        if self.in_shard:
            shard = self.writer.close()
            self.ledger.add_planned(self.folder.name, self.rows, (self.number, shard, self.writer.requests))
            self.writer = self._new_writer()
            self.in_shard.clear()
        elif self.rows:
            self.ledger.add_planned(self.folder.name, self.rows)
        self.rows.clear()


def list_rows(folder: RunFolder, book: Codebook, asking: Asking) -> Iterator[PlannedRow]:
    """Yield the rows of a run in the order in which they are planned, without the keys of their questions."""
    for questions in _group_questions(book):
        for unit, skip in iter_units(folder.units_path):
            for name in questions:
                for draw in range(asking.draws):
                    custom_id = make_custom_id(unit.unit_id, name, draw, salt=asking.salt)
                    yield PlannedRow(custom_id, unit.unit_id, name, draw, "", skip)


def make_keys(folder: RunFolder, book: Codebook, asking: Asking) -> dict[str, str]:
    """Return the key of every question of a run by its custom_id, as this version of the kit asks it."""
    maker = _make_maker(make_questions(book), asking)
    units = (unit for unit, skip in iter_units(folder.units_path) if not skip)
    return {request.custom_id: request.request_key for unit in units for request in maker.ask(unit)}


def make_anew(folder: RunFolder, book: Codebook, asking: Asking, wanted: Mapping[str, str]) -> Iterator[Request]:
    """Yield the requests of a run that are wanted (custom_id -> key), as far as they can still be made."""
    maker = _make_maker(make_questions(book), asking)
    for unit, skip in iter_units(folder.units_path) if wanted else ():
        if not skip:
            yield from (request for request in maker.ask(unit) if wanted.get(request.custom_id) == request.request_key)


def _make_maker(questions: Mapping[str, Question], asking: Asking) -> RequestMaker:
    return RequestMaker(
        questions, model=asking.model, url=asking.url, draws=asking.draws, settings=asking.settings, salt=asking.salt
    )


def _group_questions(book: Codebook) -> list[dict[str, Question]]:
    """The questions whose requests share shards; answers of one kind have about one length, which makes costs plain."""
    groups: dict[str, dict[str, Question]] = {}
    for name, question in make_questions(book).items():
        groups.setdefault(name if question.apart else "", {})[name] = question
    return list(groups.values())


def _in_chunks(
    pairs: Iterable[tuple[PlannedRow, Request | None]], n_most: int, n_bytes: int
) -> Iterator[list[tuple[PlannedRow, Request | None]]]:
    """Yield lists of at most so many rows, whose requests have so many bytes, or little more."""
    chunk: list[tuple[PlannedRow, Request | None]] = []
    n_held = 0
    for pair in pairs:
        chunk.append(pair)
        n_held += len(pair[1].body) if pair[1] else 0
        if len(chunk) >= n_most or n_held >= n_bytes:
            yield chunk
            chunk, n_held = [], 0
    if chunk:
        yield chunk
