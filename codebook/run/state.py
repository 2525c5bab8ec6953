"""How a run stands: its rows by why, and its jobs. Prints as plain text and shows as a table in a notebook."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from codebook.ledger import JobRow, Ledger, Money
from codebook.records import WHYS
from codebook.run.history import find_due, say_seconds
from codebook.visible import spell_block

if TYPE_CHECKING:
    import pandas as pd


_ASKED_AGAIN = ("failed", "expired", "cancelled")
_FINAL = {"failed": "failed for good, since the service refused the request itself", "absent": "paid, and lost"}


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
    expires: str = ""
    queued_s: float | None = None
    worked_s: float | None = None
    due: datetime | None = None

    @property
    def late(self) -> bool:
        """Whether it should have ended by now, by its service's own word or a day after it was handed in."""
        return self.running and self.due is not None and self.due < datetime.now(UTC)

    @property
    def times(self) -> str:
        """That it is late, and how long it waited and was worked on, as far as the service says so."""
        late = f"; LATE, it was due {self.due:%Y-%m-%d %H:%M} UTC" if self.late else ""
        queued = "" if self.queued_s is None else f"; queued {say_seconds(self.queued_s)}"
        return late + queued + ("" if self.worked_s is None else f"; worked on {say_seconds(self.worked_s)}")

    @property
    def running(self) -> bool:
        """Whether the engine may still be at work on it."""
        return bool(self.job_id) and not self.ended

    @property
    def sentence(self) -> str:
        """How it stands, in one line."""
        failed = f", {self.failed:,} failed" if self.failed else ""
        held = "collected" if self.job_id else "" if self.note else "never sent"
        parts = [self.state, held if self.collected else f"{self.done:,} of {self.requests:,} done{failed}"]
        return ", ".join(filter(None, parts)) + self.times + f"; {self.note}" * bool(self.note)


@dataclass(frozen=True, slots=True)
class RunStatus:
    """How a run stands. `counts` holds rows by variable and by why ('' is labelled), `gone` the files that are lost.

    Where texts are embedded they are counted, and `n_packs` says how many requests hold them. `final` counts, by why,
    the rows that `retry` leaves out unless it is told: asking again leads nowhere. `leaves` is what goes to a service.
    """

    run: str
    engine: str
    model: str
    counts: Mapping[str, Mapping[str, int]]
    jobs: tuple[JobStatus, ...]
    waits_for: tuple[str, ...] = ()
    money: Money | None = None
    warnings: tuple[str, ...] = ()
    planned: bool = True
    gone: tuple[str, ...] = ()
    n_packs: int = 0
    final: Mapping[str, int] = field(default_factory=dict)
    leaves: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()

    @property
    def n_rows(self) -> int:
        """Rows asked for: units x variables x draws; of a run that embeds, texts."""
        return sum(sum(counts.values()) for counts in self.counts.values())

    @property
    def n_pending(self) -> int:
        """Rows whose answer is outstanding."""
        return sum(counts.get("pending", 0) for counts in self.counts.values())

    @property
    def n_labelled(self) -> int:
        """Rows with a label."""
        return sum(counts.get("", 0) for counts in self.counts.values())

    @property
    def n_unanswered(self) -> int:
        """Rows that were asked and have no reply."""
        asked = sum(counts.get(why, 0) for counts in self.counts.values() for why in _ASKED_AGAIN)
        return asked + self.final.get("absent", 0)

    @property
    def done(self) -> bool:
        """Whether no answer is outstanding."""
        return self.n_pending == 0

    @property
    def fruitless(self) -> bool:
        """Whether the run came to its end and nothing was labelled."""
        return self.done and self.n_rows > 0 and not self.n_labelled

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why answers are outstanding, as far as something is noted of jobs that are not collected."""
        shards: dict[str, list[int]] = {}
        for job in self.jobs:
            if job.note and not job.collected:
                shards.setdefault(job.note.rstrip("."), []).append(job.shard)
        return tuple(f"shard {', '.join(map(str, numbers))}: {note}" for note, numbers in shards.items())

    def to_frame(self) -> pd.DataFrame:
        """Return the jobs as a frame, one row a shard."""
        import pandas as pd

        columns = list(JobStatus.__dataclass_fields__)
        return pd.DataFrame([[getattr(job, name) for name in columns] for job in self.jobs], columns=columns)

    def __str__(self) -> str:
        lines = [f"Run {self.run}: {self.engine}, {self.model}"]
        for variable, counts in self.counts.items():
            lines.append(f"  {variable}: {say_counts(counts, self.n_packs)}")
        lines += [f"  {said}" for said in self.leaves]
        lines += [f"  note: {warning}" for warning in self.warnings]
        lines += [f"  {said}" for said in self.erased]
        lines += [f"  gone: {place}, which is part of the record: restore it from a backup" for place in self.gone]
        for job in self.jobs:
            name = f" ({job.job_id})" if job.job_id else ""
            lines.append(f"  shard {job.shard}{name}: {job.sentence}")
        if self.money:
            lines.append(f"  {say_money(self.money)}")
        if not self.jobs and self.planned:
            asked = "is being asked" if self.waits_for else "was asked before" if self.n_unanswered else "was answered"
            lines.append(f"  nothing to send: every question {asked}")
        if self.waits_for:
            lines.append(f"  waits for answers to what was asked by: {', '.join(self.waits_for)}")
        lines.append(f"  {self.advice}")
        return spell_block("\n".join(lines))

    @property
    def sentence(self) -> str:
        """How all rows divide, in one line."""
        whole: dict[str, int] = {}
        for counts in self.counts.values():
            for why, n in counts.items():
                whole[why] = whole.get(why, 0) + n
        return say_counts(whole, self.n_packs)

    @property
    def advice(self) -> str:
        """What to do next."""
        if not self.planned:
            return "It is not planned to its end. Next: repeat the plan; it goes on."
        unsent = [job for job in self.jobs if job.state in ("planned", "creating", "waiting")]
        if self.done:
            return " ".join(self._say_end())
        if unsent and any(job.running for job in self.jobs):
            return f"Next: submit again when running jobs have ended ({len(unsent)} shards are not sent yet)."
        if unsent:
            return f"Next: codebook submit {self.run}."
        if self.waits_for and all(job.collected for job in self.jobs):
            return f"Next: submit and collect {' and '.join(self.waits_for)}, then collect {self.run}."
        return f"Next: codebook collect {self.run}, now or later."

    def _say_end(self) -> Iterator[str]:
        """How it ended, and what `retry` would do."""
        yield f"Nothing was labelled: {self.sentence}." if self.fruitless else "Done."
        bad = {why: sum(counts.get(why, 0) for counts in self.counts.values()) for why in _ASKED_AGAIN}
        if any(n > self.final.get(why, 0) for why, n in bad.items()):
            yield "Some questions have no answer: retry asks exactly those again."
        for why, n in self.final.items():
            yield f"{n:,} {_FINAL[why]}: retry leaves {'them' if n > 1 else 'it'} out unless told `--why {why}`."

    def _repr_html_(self) -> str:
        return f'<pre class="tex2jax_ignore">{html.escape(str(self))}</pre>'


def say_counts(counts: Mapping[str, int], n_packs: int = 0) -> str:
    """Say how rows divide, in a sum that can be checked; of texts that are embedded, in how many requests they are.

    Examples
    --------
    >>> say_counts({"": 162, "invalid": 42})
    '204 asked = 162 labelled + 42 invalid'
    >>> say_counts({"": 2936, "failed": 64}, 47)
    '3,000 texts asked = 2,936 embedded + 64 failed (in 47 requests)'
    """
    parts = [f"{counts.get('', 0):,} {'embedded' if n_packs else 'labelled'}"]
    parts += [f"{counts[why]:,} {why}" for why in WHYS if counts.get(why)]
    what, end = (" texts", f" (in {n_packs:,} request{'s' * (n_packs > 1)})") if n_packs else ("", "")
    return f"{sum(counts.values()):,}{what} asked = {' + '.join(parts)}{end}"


def say_money(money: Money) -> str:
    """Say what was paid, what is reserved, and what may be paid at most.

    Examples
    --------
    >>> say_money(Money(0.1234, 1.5, 5.0, 0))
    'cost: $0.1234 paid, $1.5000 reserved for jobs under way, cap $5.00'
    >>> say_money(Money(0.0123, 0, None, 3)), say_money(Money(0, 0, None, 1))
    ('cost: $0.0123 paid, and 3 answers of unknown price', 'cost: 1 answer of unknown price')
    """
    unknown = f"{money.n_unpriced:,} answer{'s' * (money.n_unpriced != 1)} of unknown price"
    paid = [f"${money.known:.4f} paid"] if money.known is not None else []
    parts = [", and ".join(paid + [unknown] * (money.n_unpriced > 0))]
    what = "jobs under way" + " and answers of unknown price" * (money.n_unpriced > 0)
    parts += [f"${money.reserved:.4f} reserved for {what}"] * (money.reserved > 0)
    parts += [f"cap ${money.cap:.2f}"] if money.cap is not None else []
    return f"cost: {', '.join(parts)}"


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
        expires=row.expires_at,
        queued_s=row.queued_s,
        worked_s=row.worked_s,
        due=find_due(*(datetime.fromisoformat(time) if time else None for time in (row.expires_at, row.submitted_at))),
    )


def describe_answers(ledger: Ledger, run_id: str, *, charged: bool) -> dict[str, Any]:
    """Return what `run.json` says after collecting: models and systems that answered, tokens, cost, dates, events."""
    totals, money = ledger.totals(run_id), ledger.money(run_id)
    jobs = [describe_job(row) for row in ledger.jobs(run_id)]
    return totals | {
        "fingerprints": ledger.fingerprints(run_id),
        "cost_usd": money.known if charged else money.spent,
        "answers_of_unknown_price": money.n_unpriced if charged else 0,
        "first_submitted": min((job.submitted for job in jobs if job.submitted), default=""),
        "last_ended": max((job.ended for job in jobs), default=""),
        "events": [list(event) for event in ledger.events(run_id)],
    }
