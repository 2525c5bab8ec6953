"""How a run stands: its rows by why, and its jobs. Prints as plain text and shows as a table in a notebook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from codebook.ledger import JobRow
from codebook.records import WHYS

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One shard of a run and how its job stands. Times are UTC."""

    shard: int
    state: str
    requests: int
    done: int
    failed: int
    job_id: str
    created: str
    submitted: str
    ended: str
    collected: bool
    note: str


@dataclass(frozen=True, slots=True)
class RunStatus:
    """How a run stands. `counts` holds rows by variable and by why; '' is labelled."""

    run: str
    engine: str
    model: str
    counts: Mapping[str, Mapping[str, int]]
    jobs: tuple[JobStatus, ...]
    waits_for: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        """Rows asked for: units x variables x draws."""
        return sum(sum(counts.values()) for counts in self.counts.values())

    @property
    def n_pending(self) -> int:
        """Rows whose answer is outstanding."""
        return sum(counts.get("pending", 0) for counts in self.counts.values())

    @property
    def done(self) -> bool:
        """Whether no answer is outstanding."""
        return self.n_pending == 0

    def to_frame(self) -> pd.DataFrame:
        """Return the jobs as a frame, one row a shard."""
        import pandas as pd

        columns = list(JobStatus.__dataclass_fields__)
        return pd.DataFrame([[getattr(job, name) for name in columns] for job in self.jobs], columns=columns)

    def __str__(self) -> str:
        lines = [f"Run {self.run}: {self.engine}, {self.model}"]
        for variable, counts in self.counts.items():
            lines.append(f"  {variable}: {say_counts(counts)}")
        for job in self.jobs:
            note = f"; {job.note}" if job.note else ""
            held = "collected" if job.collected else f"{job.done:,} of {job.requests:,} done"
            lines.append(f"  shard {job.shard}: {job.state}, {held}{note}")
        if not self.jobs:
            lines.append("  nothing to send: every question was answered before")
        if self.waits_for:
            lines.append(f"  waits for answers that were asked by: {', '.join(self.waits_for)}")
        lines.append(f"  {self.advice}")
        return "\n".join(lines)

    @property
    def advice(self) -> str:
        """What to do next."""
        if any(job.state in ("planned", "creating") for job in self.jobs):
            return "Next: submit."
        if self.waits_for and all(job.collected for job in self.jobs):
            return f"Next: submit and collect {' and '.join(self.waits_for)}, then collect this run."
        if not self.done:
            return "Next: collect, now or later."
        bad = {why for counts in self.counts.values() for why in counts if why in ("failed", "expired", "cancelled")}
        return "Done. Some questions have no answer: retry asks exactly those again." if bad else "Done."

    def _repr_html_(self) -> str:
        from html import escape

        return f'<pre class="tex2jax_ignore">{escape(str(self))}</pre>'


def say_counts(counts: Mapping[str, int]) -> str:
    """Say how rows divide, in a sum that can be checked.

    Examples
    --------
    >>> say_counts({"": 162, "invalid": 42})
    '204 asked = 162 labelled + 42 invalid'
    """
    parts = [f"{counts.get('', 0):,} labelled"]
    parts += [f"{counts[why]:,} {why}" for why in WHYS if counts.get(why)]
    return f"{sum(counts.values()):,} asked = {' + '.join(parts)}"


def describe_job(row: JobRow) -> JobStatus:
    """Return what a person wants to know of a job."""
    return JobStatus(
        shard=row.number,
        state=row.state,
        requests=row.n_requests,
        done=row.n_done,
        failed=row.n_failed,
        job_id=row.job_id or "",
        created=row.created_at or "",
        submitted=row.submitted_at or "",
        ended=row.ended_at or "",
        collected=row.collected_at is not None,
        note=row.note,
    )
