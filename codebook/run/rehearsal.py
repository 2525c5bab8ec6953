"""A dry run: shards are checked as the service would check them, and sized and priced, and nothing is sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from codebook.engines import Limits
from codebook.errors import Fault
from codebook.ledger import JobRow, Ledger
from codebook.run.folder import RunFolder
from codebook.run.money import Meter
from codebook.shards import Cuts, check_shard

if TYPE_CHECKING:
    import pandas as pd


def rehearse(folder: RunFolder, ledger: Ledger, meter: Meter, limits: Limits) -> pd.DataFrame:
    """Return a row for each shard that would be sent.

    Returns
    -------
    DataFrame
        Columns `shard`, `file`, `requests`, `bytes`, `tokens in`, `tokens out`, `USD live`, `USD batch`, `faults`.
        Prices are missing where they are not known, and 0 where nobody charges. `attrs["faults"]` lists all faults,
        `attrs["notes"]` what the figures rest on.
    """
    import pandas as pd

    rows = [row for row in ledger.jobs(folder.name) if row.job_id is None and row.collected_at is None]
    faults, notes = list[Fault](), dict[str, None]()
    frame = pd.DataFrame(
        [_describe(folder, ledger, meter, limits, row, faults, notes) for row in rows], columns=_COLUMNS
    )
    frame.attrs.update(faults=faults, notes=list(notes))
    return frame


_COLUMNS = ["shard", "file", "requests", "bytes", "tokens in", "tokens out", "USD live", "USD batch", "faults"]


def _describe(
    folder: RunFolder,
    ledger: Ledger,
    meter: Meter,
    limits: Limits,
    row: JobRow,
    faults: list[Fault],
    notes: dict[str, None],
) -> dict[str, Any]:
    """One shard: read whole and checked; its size, tokens and price."""
    path = folder.shards / row.file
    folder.check_shard(path, row.sha256)
    found = check_shard(path, Cuts(limits.n_requests, limits.n_bytes))
    faults += found
    about = {"shard": row.number, "file": row.file, "requests": row.n_requests, "bytes": path.stat().st_size}
    return about | _price(ledger, meter, folder.name, path, notes) | {"faults": len(found)}


def _price(ledger: Ledger, meter: Meter, run_id: str, path: Path, notes: dict[str, None]) -> dict[str, Any]:
    if not meter.charges:
        notes[f"{meter.engine}: nobody charges"] = None
        return {"tokens in": None, "tokens out": None, "USD live": 0.0, "USD batch": 0.0}
    estimate = meter.estimate(ledger, run_id, [path])
    notes |= dict.fromkeys(estimate.how)
    tokens = {"tokens in": estimate.tokens_in, "tokens out": estimate.tokens_out}
    return tokens | {"USD live": estimate.usd_live, "USD batch": estimate.usd_batch}
