"""How a run stands: its rows by why, and its jobs. Prints as plain text and shows as a table in a notebook."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from codebook.ground.quantities import say_count, show_usd
from codebook.ground.whys import WHYS
from codebook.ledger import Money
from codebook.outputs.templating import render
from codebook.run.history import say_moment, say_seconds
from codebook.visible import spell_block

if TYPE_CHECKING:
    import pandas as pd


_ASKED_AGAIN = ("failed", "expired", "cancelled")
_BAR = 20
_FINAL = {"failed": "failed for good, since the engine refused the request itself", "absent": "paid, and lost"}


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One shard of a run and how its job stands. Times are UTC.

    Examples
    --------
    >>> import codebook as cb
    >>> (job,) = cb.open_run("topics").status().jobs
    >>> job.state, job.requests, job.collected
    ('completed', 12, True)
    """

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
    late_at: datetime | None = None
    expected: datetime | None = None
    expected_from: str = ""

    @property
    def late(self) -> bool:
        """Whether it should have ended by now, by its service's own word, a day after it was handed in, or the past."""
        return self.running and self.late_at is not None and self.late_at < datetime.now(UTC)

    @property
    def times(self) -> str:
        """When it should end, or that it is late, and how long it waited and was worked on, as far as that is known."""
        late = self.late and self.late_at
        parts = [f"LATE, it was due {say_moment(late)}" if late else self._outlook if self.running else ""]
        spans = {"queued": self.queued_s, "worked on": self.worked_s}
        parts += [f"{name} {say_seconds(span)}" for name, span in spans.items() if span is not None]
        return "".join(f"; {part}" for part in parts if part)

    @property
    def _outlook(self) -> str:
        expected = f"expected {say_moment(self.expected)} ({self.expected_from})" if self.expected else ""
        last = f"at the latest {say_moment(datetime.fromisoformat(self.expires))}" if self.expires else ""
        return ", ".join(filter(None, (expected, last)))

    @property
    def running(self) -> bool:
        """Whether the engine may still be at work on it."""
        return bool(self.job_id) and not self.ended

    @property
    def sentence(self) -> str:
        """How it stands, in one line."""
        failed = f", {self.failed:,} failed" if self.failed else ""
        outcome = "collected" if self.job_id else "" if self.note else "never sent"
        answered = f"{self.done:,} of {self.requests:,} answered{failed}" + ", not fetched yet" * bool(self.ended)
        parts = [self.state, outcome if self.collected else answered]
        return ", ".join(filter(None, parts)) + self.times + f"; {self.note}" * bool(self.note)


@dataclass(frozen=True, slots=True)
class RunStatus:
    """How a run stands. `counts` holds rows by variable and by why ('' is labelled), `gone` the files that are lost.

    `changed` says which files of the record are not as they were written. Where texts are embedded they are counted,
    and `n_packs` says how many requests hold them. `final` counts, by why, the rows that `retry` leaves out unless it
    is told: asking again leads nowhere; `n_retriable` is how many questions it asks again. `leaves` is what goes to a
    service, `version` what changed against the version before, and what is asked anew.

    Examples
    --------
    >>> import codebook as cb
    >>> status = cb.open_run("topics").status()
    >>> status.engine, len(status.jobs)
    ('embedded', 1)
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
    changed: tuple[str, ...] = ()
    n_packs: int = 0
    final: Mapping[str, int] = field(default_factory=dict)
    leaves: tuple[str, ...] = ()
    erased: tuple[str, ...] = ()
    n_retriable: int = 0
    version: tuple[str, ...] = ()

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
        n_without = sum(counts.get(why, 0) for counts in self.counts.values() for why in _ASKED_AGAIN)
        return n_without + self.final.get("absent", 0)

    @property
    def done(self) -> bool:
        """Whether no answer is outstanding."""
        return self.n_pending == 0

    @property
    def progress(self) -> str:
        """How far all of it is, in one line over all shards: `done 1,250 of 7,988 (3 jobs, expected 14:20 CET)`."""
        open_jobs = [job for job in self.jobs if not job.collected]
        running, n_asked = [job for job in open_jobs if job.running], sum(job.requests for job in open_jobs)
        n_answered = sum(min(job.done + job.failed, job.requests) for job in open_jobs)
        scale = (
            1.0 if self.waits_for or not n_asked else self.n_pending / n_asked
        )  # texts in a request, twins of a text
        n_done = self.n_rows - self.n_pending + min(self.n_pending, int(n_answered * scale))
        n_failed = sum(job.failed for job in open_jobs)
        share = n_done / self.n_rows if self.n_rows else 1.0
        bar = "#" * int(share * _BAR) + "-" * (_BAR - int(share * _BAR))
        n_to_fetch = self.n_pending if n_done == self.n_rows else 0
        parts = [f"{n_to_fetch:,} not collected yet"] * bool(n_to_fetch)
        parts += [say_count(len(running), "job")] * bool(running)
        n_unsent, n_late = sum(not job.job_id for job in open_jobs), sum(job.late for job in running)
        parts += [f"{n_late} LATE"] * bool(n_late) + [_say_last_end(running)]
        parts += [f"{say_count(n_unsent, 'shard')} not sent yet"] * bool(n_unsent)
        details = f" ({', '.join(filter(None, parts))})" if any(parts) else ""
        failed = f", {n_failed:,} failed" * bool(n_failed)
        what = " texts" if self.n_packs else ""
        return f"[{bar}] done {n_done:,} of {self.n_rows:,}{what}{failed}{details}"

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
        """Return the jobs as a frame, one row for each shard."""
        import pandas as pd

        columns = list(JobStatus.__dataclass_fields__)
        return pd.DataFrame([[getattr(job, name) for name in columns] for job in self.jobs], columns=columns)

    def __str__(self) -> str:
        lines = [f"Run {self.run}: {self.engine}, {self.model}"]
        for variable, counts in self.counts.items():
            lines.append(f"  {variable}: {say_counts(counts, self.n_packs)}")
        lines += [f"  {line}" for line in (*self.version, *self.leaves)]
        lines += [f"  note: {warning}" for warning in self.warnings]
        lines += [f"  {line}" for line in self.erased]
        lines += [f"  gone: {place}, which is part of the record: restore it from a backup" for place in self.gone]
        lines += [f"  {problem}: restore it from a backup" for problem in self.changed]
        if not self.done and any(job.job_id for job in self.jobs):
            lines.append(f"  {self.progress}")
        for job in self.jobs:
            name = f" ({job.job_id})" if job.job_id else ""
            lines.append(f"  shard {job.shard}{name}: {job.sentence}")
        if self.money:
            lines.append(f"  {say_money(self.money)}")
        if not self.jobs and self.planned:
            state = "is being asked" if self.waits_for else "was asked before" if self.n_unanswered else "was answered"
            lines.append(f"  nothing to send: every question {state}")
        if self.waits_for:
            lines.append(f"  waits for answers to questions that these runs asked: {', '.join(self.waits_for)}")
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
        if late := [str(job.shard) for job in self.jobs if job.late]:
            which = f"Shard {late[0]} is" if len(late) == 1 else f"Shards {', '.join(late)} are"
            return (
                f"{which} late. Next: wait on, since what is not answered at the service's own end costs nothing; or "
                f"stop and split: codebook cancel {self.run} --shard {late[0]}, codebook collect {self.run}, then "
                f"codebook retry {self.run} --service requests_per_shard=500, and submit."
            )
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
        if self.n_retriable:
            lack = "question has" if self.n_retriable == 1 else "questions have"
            yield f"{self.n_retriable:,} {lack} no answer: retry asks exactly those again."
        for why, n in self.final.items():
            yield f"{n:,} {_FINAL[why]}: retry leaves {'them' if n > 1 else 'it'} out unless told `--why {why}`."

    def _repr_html_(self) -> str:
        return render("lines.html.j2", lines=str(self))


def _say_last_end(running: Sequence[JobStatus]) -> str:
    """When the last of some jobs should end; empty where nobody knows."""
    if running and all(job.expected for job in running):
        end = max(job.expected for job in running if job.expected)
        return f"expected {say_moment(end)}" + ", which has passed" * (end < datetime.now(UTC))
    last = max((datetime.fromisoformat(job.expires) for job in running if job.expires), default=None)
    return f"at the latest {say_moment(last)}" if last else ""


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
    what, end = (" texts", f" (in {say_count(n_packs, 'request')})") if n_packs else ("", "")
    return f"{sum(counts.values()):,}{what} asked = {' + '.join(parts)}{end}"


def say_anew(counts: Mapping[str, tuple[int, int]]) -> tuple[str, ...]:
    """Say of each variable how many of its questions the run asks itself, by (those, all); nothing where all of all.

    Examples
    --------
    >>> say_anew({"topic": (3, 1004), "tone": (1004, 1004)})
    ('asked anew: topic 3 of 1,004, tone 1,004 of 1,004; the others were asked before and are not asked again',)
    >>> say_anew({"topic": (1004, 1004)})
    ()
    """
    if all(n_anew == n_all for n_anew, n_all in counts.values()):
        return ()
    parts = ", ".join(f"{name} {n_anew:,} of {n_all:,}" for name, (n_anew, n_all) in counts.items())
    return (f"asked anew: {parts}; the others were asked before and are not asked again",)


def say_money(money: Money) -> str:
    """Say what was paid, what is reserved, and what may be paid at most.

    Examples
    --------
    >>> say_money(Money(0.1234, 1.5, 5.0, 0))
    'cost: $0.1234 paid, $1.50 reserved for jobs under way, cap $5.00'
    >>> say_money(Money(0.0123, 0, None, 3)), say_money(Money(0, 0, None, 1))
    ('cost: $0.0123 paid, and 3 answers of unknown price', 'cost: 1 answer of unknown price')
    """
    unknown = f"{say_count(money.n_unpriced, 'answer')} of unknown price"
    paid = [f"{show_usd(money.known)} paid"] if money.known is not None else []
    parts = [", and ".join(paid + [unknown] * (money.n_unpriced > 0))]
    what = "jobs under way" + " and answers of unknown price" * (money.n_unpriced > 0)
    parts += [f"{show_usd(money.reserved)} reserved for {what}"] * (money.reserved > 0)
    parts += [f"cap {show_usd(money.cap)}"] if money.cap is not None else []
    return f"cost: {', '.join(parts)}"
