"""How a run and its jobs stand, read from the ledger and the run's folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import orjson

from codebook.dialects import read_said
from codebook.engines import About, about_engine
from codebook.errors import RecordError
from codebook.ground.quantities import say_count
from codebook.ground.whys import RETRIED
from codebook.ledger import InvalidReply, JobRow, Ledger
from codebook.ledger.reports import JOB_FIELDS, count_there, report_jobs
from codebook.records import say_erased
from codebook.run.answers.result_table import open_result
from codebook.run.folder import RunFolder
from codebook.run.history import JOB_TIMES, Outlook, as_times, expect_ends, find_due, is_running
from codebook.run.money import Meter
from codebook.run.run_views import RunViews
from codebook.run.state import JobStatus, RunStatus, say_anew
from codebook.tasks import find_task
from codebook.tasks.question import MENDS, WRAPPED


def describe_run(run: RunViews, ledger: Ledger) -> RunStatus:
    """Return how a run stands, by what the ledger knows."""
    name, folder, asking = run.name, run.folder, run.asked
    rows, counts = ledger.jobs(name), ledger.count_whys(name)
    again = any(counted.get(why) for counted in counts.values() for why in RETRIED)
    outlooks = read_outlooks(ledger, name) if any(row.job_id and not row.ended_at for row in rows) else {}
    return RunStatus(
        *(name, asking.engine, _name_model(ledger, run)),
        counts={variable.name: counts.get(variable.name, {}) for variable in run.codebook.variables},
        jobs=tuple(describe_job(row, outlooks.get(row.number)) for row in rows),
        waits_for=tuple(ledger.awaited_runs(name)),
        money=ledger.money(name) if Meter(asking).charges else None,
        warnings=(*run.record.get("warnings", ()), *ledger.upgrade_notes(name), *say_wrapping(folder, ledger)),
        planned=bool(ledger.is_planned(name)),
        gone=folder.list_gone(f"shards/{row.file}" for row in rows if row.n_requests),
        changed=folder.list_changed(),
        n_packs=ledger.n_asked(name) if find_task(run.codebook).n_texts else 0,
        final=ledger.count_final(name),
        leaves=run.leaves,
        erased=(*say_erased(folder.read_record()), *folder.say_begun_erasure()),
        version=(*run.version_notes, *say_anew(ledger.count_anew(name)), *_say_there(count_there(ledger, name))),
        n_retriable=len(ledger.rows_to_retry(name, RETRIED, final=False)) if again else 0,
    )


def _say_there(n_texts: int) -> Iterator[str]:
    if n_texts:
        have = say_count(n_texts, "text has its vector", "texts have their vector")
        yield f"not asked: {have} already, which the run uses"


def _name_model(ledger: Ledger, run: RunViews) -> str:
    about = about_engine(run.asked.engine) or About()
    return about.name_model(run.asked.model, ledger.totals(run.name)["models"] if about.chooses else [])


def read_outlooks(ledger: Ledger, run: str) -> dict[int, Outlook]:
    """Return when the running jobs of a run should end, by shard, as the project's own past has it."""
    import pandas as pd

    jobs = pd.DataFrame(report_jobs(ledger), columns=list(JOB_FIELDS))
    for name in JOB_TIMES:
        jobs[name] = as_times(jobs[name])
    of_run = (jobs["run"] == run) & is_running(jobs)
    ends = jobs.join(expect_ends(jobs))[of_run]
    end, late_at = (
        [None if pd.isna(time) else time.to_pydatetime(warn=False) for time in ends[name]]
        for name in ("expected_end", "late_at")
    )
    return dict(zip(ends["shard"], map(Outlook, end, ends["expected_from"], late_at), strict=True))


def describe_job(row: JobRow, outlook: Outlook | None = None) -> JobStatus:
    """Return what a person wants to know of a job; when it should end, the project's past may tell."""
    expires, submitted = (datetime.fromisoformat(time) if time else None for time in (row.expires_at, row.submitted_at))
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
        late_at=(outlook and outlook.late_at) or find_due(expires, submitted),
        expected=outlook and outlook.end,
        expected_from=outlook.rests_on if outlook else "",
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


_N_SHOWN = 60


def say_wrapping(folder: RunFolder, ledger: Ledger) -> Iterator[str]:
    """Say in what most replies of a run are wrapped, so that they are invalid; nothing where they are not."""
    replies = ledger.invalid_replies(folder.name, WRAPPED)
    ways = Counter[str]()
    for reply in replies:
        ways[reply.detail.rpartition(WRAPPED)[2]] += reply.n
    for way, n in ways.most_common(1):
        n_replies = ledger.count_replies(folder.name)
        if 2 * n > n_replies:
            example = next(reply for reply in replies if reply.detail.endswith(WRAPPED + way))
            mends = "; ".join(MENDS[part] for part in way.split(" and "))
            yield (
                f"{n:,} of {n_replies:,} replies are invalid since their answer is wrapped in {way}, such as unit "
                f"{example.unit_id!r}{_show(folder, example)}. Nothing is taken off by itself. To mend: {mends}, and "
                "plan a new run"
            )


def _show(folder: RunFolder, reply: InvalidReply) -> str:
    """The beginning of a reply, as JSON, so that nothing of it acts on a terminal."""
    try:
        with open_result(folder, reply.file, reply.unit_id) as file:
            file.seek(reply.offset)
            text = read_said([file.read(reply.length)])[0][0] or ""
    except (RecordError, OSError):
        return ""  # whoever reads the table is told
    beginning = text[:_N_SHOWN] + "..." * (len(text) > _N_SHOWN)
    return f": {orjson.dumps(beginning).decode()}"
