"""The tidy table of a run, read from its raw result lines: the ledger only says where each line is."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from codebook.dialects import read_reply
from codebook.errors import RecordError
from codebook.ledger import RowState
from codebook.records import Answer, load_line
from codebook.run.folder import RunFolder
from codebook.scheme import Codebook
from codebook.table import make_table
from codebook.tasks import Label, Question, make_questions

if TYPE_CHECKING:
    import pandas as pd

_OPEN_AT_ONCE = 100


def build_table(folder: RunFolder, codebook: Codebook, model: str, rows: Iterable[RowState]) -> pd.DataFrame:
    """Return the tidy table; `model` names the coder where no answer says which model gave it."""
    questions = make_questions(codebook)
    with closing(_Lines(folder)) as lines:
        table = make_table(_tidy_row(folder.name, codebook, model, row, questions, lines) for row in rows)
    return table


class _Lines:
    """Reads result lines by their place; files stay open, but never more than a system allows."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self.files: dict[str, IO[bytes]] = {}

    def close(self) -> None:
        """Close all files."""
        while self.files:
            self.files.popitem()[1].close()

    def read(self, row: RowState) -> Answer:
        assert row.file is not None
        if row.file not in self.files:
            path = self.folder.runs / row.file
            if not path.is_file():
                raise RecordError(
                    f"runs/{row.file} is gone: it holds the answer {row.custom_id}. To mend: restore it from a backup."
                )
            if len(self.files) >= _OPEN_AT_ONCE:
                self.close()
            self.files[row.file] = path.open("rb")
        file = self.files[row.file]
        file.seek(row.offset)
        return read_reply(load_line(file.read(row.length), f"runs/{row.file} at byte {row.offset}"))


def _tidy_row(
    run_id: str, codebook: Codebook, model: str, row: RowState, questions: dict[str, Question], lines: _Lines
) -> dict[str, Any]:
    """One row of the table."""
    answered = row.file is not None and row.why != "pending"
    answer = lines.read(row) if answered else Answer(row.custom_id, why=row.why, detail=row.detail)
    label = Label(None, answer.why, answer.detail)
    if answer.why is None:
        label = questions[row.variable].read_label(answer.text or "")
    return {
        "unit_id": row.unit_id,
        "coder": f"{answer.model or model}@{codebook.digest[:8]}",
        "variable": row.variable,
        "label": label.label,
        "draw": row.draw,
        "why": label.why,
        "run_id": run_id,
        "custom_id": row.custom_id,
        "evidence": label.evidence or "",
        "confidence": label.confidence,
        "model": answer.model,
        "raw": answer.text or "",
        "detail": label.detail,
        "request_id": answer.request_id,
        "batch_id": row.batch_id,
        "seconds": seconds_between(row.started_at, row.ended_at),
        "cost_usd": row.cost_usd,
    }


def seconds_between(start: str | None, end: str | None) -> float | None:
    """Return the seconds between two times of the ledger; of an answer, how long its job took."""
    if not start or not end:
        return None
    return max(0.0, (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds())
