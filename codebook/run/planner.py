"""The planner: goes through the units of a run and cuts what is new into shards, in a memory that stays flat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from codebook.ledger import Ledger, PlannedRow
from codebook.records import Unit
from codebook.requests import make_custom_id, make_requests
from codebook.run.folder import RunFolder
from codebook.scheme import Codebook
from codebook.shards import Cuts, ShardWriter
from codebook.tasks import make_questions
from codebook.units import iter_units

_ROWS_AT_ONCE = 50_000


class Planner:
    """Goes through the units once, fills shards with the questions that are new, and notes all of it shard by shard."""

    def __init__(self, folder: RunFolder, ledger: Ledger, book: Codebook, asked: Mapping[str, Any], cuts: Cuts) -> None:
        self.folder, self.ledger, self.book, self.asked, self.cuts = folder, ledger, book, asked, cuts
        self.questions = make_questions(book)
        self.number = ledger.last_shard_number(folder.name)
        self.resuming = ledger.n_rows(folder.name) > 0
        self.rows: list[PlannedRow] = []
        self.in_shard: set[str] = set()
        self.writer = self._new_writer()

    def run(self) -> None:
        """Plan every unit."""
        try:
            for unit, skip in iter_units(self.folder.units_path):
                for row in self._skipped(unit, skip) if skip else self._requests(unit):
                    self.rows.append(row)
                # rows wait for the shard that asks for them; where most are answered already, it is cut short
                if len(self.rows) >= _ROWS_AT_ONCE * (4 if self.in_shard else 1):
                    self._commit()
            self._commit()
        finally:
            self.writer.discard()

    def _requests(self, unit: Unit) -> Iterator[PlannedRow]:
        asked = self.asked
        requests = make_requests(
            self.questions,
            unit,
            model=asked["model"],
            url=asked["url"],
            draws=asked["draws"],
            settings=asked["settings"],
        )
        for request in requests:
            if self._is_noted(request.custom_id):
                continue
            key = request.request_key
            if key not in self.in_shard and not self.ledger.is_asked(key):
                if not self.writer.add(request):
                    self._commit()
                    self.writer.add(request)
                self.in_shard.add(key)
            yield PlannedRow(request.custom_id, unit.unit_id, request.variable, request.draw, key, None)

    def _skipped(self, unit: Unit, skip: str) -> Iterator[PlannedRow]:
        for variable in self.book.variables:
            for draw in range(self.asked["draws"]):
                custom_id = make_custom_id(unit.unit_id, variable.name, draw)
                if not self._is_noted(custom_id):
                    yield PlannedRow(custom_id, unit.unit_id, variable.name, draw, "", skip)

    def _is_noted(self, custom_id: str) -> bool:
        """Whether an earlier, interrupted planning noted this row."""
        return self.resuming and self.ledger.has_row(self.folder.name, custom_id)

    def _new_writer(self) -> ShardWriter:
        self.number += 1
        asked = self.asked
        return ShardWriter(self.folder.shards, self.number, model=asked["model"], url=asked["url"], cuts=self.cuts)

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
