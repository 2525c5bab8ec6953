"""Short ways to fill a ledger by hand, and to read it, for tests of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from codebook.files.lines import digest
from codebook.ground.whys import WHYS
from codebook.ledger import FoundLine, Ledger, PlannedRow, iter_columns
from codebook.records import CHAT, Answer, JobState, Shard

GOLDEN = Path(__file__).parents[1] / "golden"
OLD = GOLDEN / "ledger_0_1.sql"
"""A ledger of the first tables, with runs in every state."""


def key(name: str) -> str:
    return digest(name)


def make_shard(run: str, number: int, n: int) -> Shard:
    sha256 = digest(run, str(number))
    return Shard(Path(f"runs/{run}/shards/{number:04d}-{sha256[:12]}.jsonl"), sha256, CHAT, "m", n, 100 * n, 25 * n)


def plan(ledger: Ledger, run: str, questions: dict[str, str], *, number: int = 1) -> int:
    """Plan a run that asks for unit -> key, as the planner does: a key that is asked already is not sent again.

    Returns the id of the shard.
    """
    ledger.start_run(run, "digest", "replay")
    sent: dict[str, str] = {}
    for unit, name in questions.items():
        if not ledger.asked_among([key(name)], "replay") and key(name) not in sent.values():
            sent[f"{run}.{unit}"] = key(name)
    rows = [PlannedRow(f"{run}.{unit}", unit, "topic", 0, key(name), None) for unit, name in questions.items()]
    ledger.add_planned(run, rows, (number, make_shard(run, number, len(sent)), sent) if sent else None)
    ledger.finish_plan(run)
    return ledger.jobs(run)[-1].shard_id if sent else 0


def submit(ledger: Ledger, shard_id: int) -> None:
    assert ledger.intend_job(shard_id, f"key {shard_id}", "replay")
    ledger.note_submitted(shard_id, f"job-{shard_id}")


def collect(ledger: Ledger, shard_id: int, whys: dict[str, str], *, missing: str = "absent") -> tuple[int, list[str]]:
    """Add an answer with this why (empty is a label) for each custom_id."""
    lines = [
        FoundLine(
            Answer(custom_id, text=None if why else "x", why=why or None, model="m-1", tokens_in=5),
            "a/r.jsonl",
            10 * n,
            9,
        )
        for n, (custom_id, why) in enumerate(whys.items())
    ]
    ledger.note_state(shard_id, JobState("completed", len(whys), len(whys)))
    return ledger.add_answers(shard_id, lines, missing_why=missing, detail="no line")


def check_places(ledger: Ledger, run: str) -> None:
    """The quick way to the rows of a run says what the other one does."""
    times = ledger.job_times() | {None: ("", None, None)}
    rows = [
        (*most, file, offset or 0, n_bytes or 0, *times[job], usd if usd is None else pytest.approx(usd, rel=1e-14))
        for columns in iter_columns(ledger.path, run)
        for *most, file, offset, n_bytes, job, usd in zip(*columns, strict=True)
    ]
    assert rows == list(ledger.iter_rows(run))


def whys(ledger: Ledger, run: str = "r") -> dict[str, str]:
    found = {row.unit_id: row.why for row in ledger.iter_rows(run)}
    check_places(ledger, run)
    assert sum(n for counts in ledger.count_whys(run).values() for n in counts.values()) == ledger.n_rows(run)
    assert set(found.values()) <= {*WHYS, ""}
    return found
