"""A dry run: shards are checked as the service would check them, and sized and priced, and nothing is sent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from codebook.engines import Limits
from codebook.errors import Fault
from codebook.ledger import Ledger, PlannedRow
from codebook.records import Shard
from codebook.run.folder import RunFolder
from codebook.run.money import Costs, Meter
from codebook.run.questions.trimming import say_taken
from codebook.shards import Cuts, check_shard

_COLUMNS = ["shard", "file", "requests", "bytes", "tokens in", "tokens out", "USD live", "USD batch", "faults"]


class ScratchLedger(Ledger):
    """The ledger of a plan that is only tried: it knows what was asked from the real one, and is thrown away."""

    def __init__(self, path: Path, real: Ledger) -> None:
        super().__init__(path)
        self.real = real

    def has_questions(self) -> bool:
        """Whether the real ledger has."""
        return self.real.has_questions()

    def asked_among(self, request_keys: Iterable[str], answerer: str, run_id: str = "") -> set[str]:
        """Those of the questions that were asked in any run, or that the run has planned already."""
        keys = list(request_keys)
        return self.real.asked_among(keys, answerer) | super().asked_among(keys, answerer, run_id)

    def add_planned(
        self, run_id: str, rows: Sequence[PlannedRow], shard: tuple[int, Shard, dict[str, str]] | None = None
    ) -> None:
        """Note rows and a shard; the questions may stand in the real ledger only."""
        keys = {bytes.fromhex(row.request_key) for row in rows if not row.skip}
        with self.transaction() as db:
            sql = "INSERT OR IGNORE INTO asks (request_key, answerer, shard_id) VALUES (?, ?, 0)"
            db.executemany(sql, ((key, self._number(run_id)) for key in keys))
        super().add_planned(run_id, rows, shard)

    def used_by_model(self, model: str, variables: Collection[str]) -> tuple[int, int, int]:
        """What the real ledger says."""
        return self.real.used_by_model(model, variables)


@dataclass(frozen=True, repr=False)
class DryRun(Costs):
    """What would be sent. It shows itself.

    Attributes
    ----------
    frame
        A row for each shard: `shard`, `file`, `requests`, `bytes`, `tokens in`, `tokens out`, `USD live`, `USD batch`,
        `faults`. Prices are missing where they are not known, and 0 where nobody charges.
    notes
        What the figures rest on, and which questions would be left out.
    faults
        For which the service would refuse a shard.
    run
        The name that the run has, or would have.
    leaves
        What goes where: texts, key and host, and what looks personal.
    """

    faults: tuple[Fault, ...] = ()
    run: str = ""
    leaves: tuple[str, ...] = ()
    _unknown: ClassVar[str] = "unknown"

    @property
    def lines(self) -> list[str]:
        """Faults, notes, and what would leave this machine."""
        return [*map(str, self.faults), *self.notes, *self.leaves]


def rehearse(folder: RunFolder, ledger: Ledger, meter: Meter, limits: Limits) -> DryRun:
    """Check, size and price each shard that would be sent.

    Raises
    ------
    RecordError
        A shard is not as it was planned.
    """
    import pandas as pd

    from codebook.costs import say_saving

    faults, notes, described = list[Fault](), dict[str, None](), list[dict[str, Any]]()
    variables = ledger.variables(folder.name)
    for row in ledger.jobs(folder.name):
        if row.job_id is None and row.collected_at is None:
            path = folder.shards / row.file
            folder.check_shard(path, row.sha256)
            problems = check_shard(path, Cuts(limits.n_requests, limits.n_bytes))
            faults += problems
            about = {"shard": row.number, "file": row.file, "requests": row.n_requests, "bytes": row.n_bytes}
            price = _price(meter, ledger, variables, path, notes)
            described.append(about | price | {"faults": len(problems)})
            if taken := ledger.taken(row.shard_id) if row.unsent else {}:
                whole = f"{len(taken):,} of {row.n_requests:,} questions are {say_taken(taken)}"
                notes[f"shard {row.number}: {whole} since the plan; they are left out when it is sent"] = None
    frame = pd.DataFrame(described, columns=_COLUMNS)
    live, batch = (None if frame[way].isna().any() else float(frame[way].sum()) for way in ("USD live", "USD batch"))
    if saving := say_saving(live, batch):
        notes[saving] = None
    return DryRun(frame, tuple(notes), tuple(faults), folder.name)


def _price(
    meter: Meter, ledger: Ledger, variables: Collection[str], path: Path, notes: dict[str, None]
) -> dict[str, float | None]:
    """Tokens and price of one shard; what they rest on goes to the notes."""
    if not meter.charges:
        notes[f"{meter.engine} costs nothing"] = None
        return {"tokens in": None, "tokens out": None, "USD live": 0.0, "USD batch": 0.0}
    estimate = meter.estimate(ledger, variables, [path])
    notes |= dict.fromkeys(estimate.basis)
    tokens = {"tokens in": estimate.tokens_in, "tokens out": estimate.tokens_out}
    return tokens | {"USD live": estimate.usd_live, "USD batch": estimate.usd_batch}
