"""The tidy table of a run, read from its raw result lines: the ledger only says where each line is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import IO, TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from codebook.dialects import read_reply
from codebook.errors import RecordError
from codebook.ledger import RowState
from codebook.records import Answer, load_line
from codebook.run.folder import RunFolder
from codebook.scheme import Codebook
from codebook.table import make_table
from codebook.tasks import Label, make_questions

if TYPE_CHECKING:
    import pandas as pd

P = ParamSpec("P")
T = TypeVar("T")
_OPEN_AT_ONCE = 100
_ROWS_AT_ONCE = 20_000
_N_REMEMBERED = 4_096


def build_table(folder: RunFolder, codebook: Codebook, model: str, rows: Iterable[RowState]) -> pd.DataFrame:
    """Return the tidy table; `model` names the coder where no answer says which model gave it."""
    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    maker = _RowMaker(folder, codebook, model)
    left = iter(rows)
    with closing(maker.lines):
        while some := list(islice(left, _ROWS_AT_ONCE)):
            for name, cells in zip(_COLUMNS, zip(*maker.make(some), strict=True), strict=True):
                columns[name] += cells
    return make_table(columns)


_COLUMNS = (
    *("unit_id", "coder", "variable", "label", "draw", "why", "run_id", "custom_id", "evidence", "confidence"),
    *("model", "raw", "detail", "request_id", "batch_id", "seconds", "cost_usd"),
)


class _RowMaker:
    """Makes rows of the table, each as a tuple of `_COLUMNS`."""

    def __init__(self, folder: RunFolder, codebook: Codebook, model: str) -> None:
        self.run_id, self.model, self.lines = folder.name, model, _Lines(folder)
        self.ending = f"@{codebook.digest[:8]}"
        self.readers = {name: remember(question.read_label) for name, question in make_questions(codebook).items()}
        self.seconds = remember(seconds_between)

    def make(self, rows: list[RowState]) -> list[tuple[Any, ...]]:
        """Make the rows; lines are read in the order in which they stand in their files."""
        made: list[tuple[Any, ...]] = [()] * len(rows)
        for place in sorted(range(len(rows)), key=lambda place: (rows[place].file or "", rows[place].offset)):
            made[place] = self._make_one(rows[place])
        return made

    def _make_one(self, row: RowState) -> tuple[Any, ...]:
        custom_id, unit_id, variable, draw, why, detail, file, offset, n_bytes, batch_id, start, end, usd = row
        text, why_not, model, request_id = None, why or None, "", ""
        if file is not None and why != "pending":
            answer = self.lines.read(file, offset, n_bytes, custom_id)
            _, text, why_not, detail, model, request_id, *_ = answer
        label = Label(None, why_not, detail) if why_not else self.readers[variable](text or "")
        return (
            unit_id,
            (model or self.model) + self.ending,
            variable,
            label.label,
            draw,
            label.why,
            self.run_id,
            custom_id,
            label.evidence or "",
            label.confidence,
            model,
            text or "",
            label.detail,
            request_id,
            batch_id,
            self.seconds(start, end),
            usd,
        )


def remember(call: Callable[P, T]) -> Callable[P, T]:
    """Return the call with a memory: most replies are one of a few texts."""
    return cast("Callable[P, T]", lru_cache(_N_REMEMBERED)(call))


class _Lines:
    """Reads result lines by their place; files stay open, but never more than a system allows."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.files: dict[str, IO[bytes]] = {}

    def close(self) -> None:
        """Close all files."""
        while self.files:
            self.files.popitem()[1].close()

    def read(self, name: str, offset: int, n_bytes: int, custom_id: str) -> Answer:
        file = self.files.get(name) or self._open(name, custom_id)
        file.seek(offset)
        return read_reply(load_line(file.read(n_bytes), f"runs/{name} at byte {offset}"))

    def _open(self, name: str, custom_id: str) -> IO[bytes]:
        path = self.folder.runs / name
        if not path.is_file():
            raise RecordError(
                f"runs/{name} is gone: it holds the answer {custom_id}. To mend: restore it from a backup."
            )
        if len(self.files) >= _OPEN_AT_ONCE:
            self.close()
        self.files[name] = path.open("rb", buffering=1 << 15)
        return self.files[name]


def seconds_between(start: str | None, end: str | None) -> float | None:
    """Return the seconds between two times of the ledger; of an answer, how long its job took."""
    if not start or not end:
        return None
    return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
