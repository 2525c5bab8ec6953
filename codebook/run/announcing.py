"""Tell a person what has become of a run: each thing once, however often it is looked at, and whoever looks first."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from typing import NamedTuple

from codebook.ledger import Ledger
from codebook.run.notices import VARIABLE, notify
from codebook.run.state import RunStatus

_TOLD = "told"


class News(NamedTuple):
    """What a person may be told of a run: of `records.OCCASIONS`, the name by which it is told once, and the words."""

    occasion: str
    name: str
    title: str
    text: str


def announce(ledger: Ledger, status: RunStatus, occasions: Collection[str]) -> list[str]:
    """Tell what is new of a run, as far as a person wants to know it; return what came of it, where addresses are set.

    Each is noted before it is told: a notice may be lost in a crash, and is never repeated.
    """
    known = {what for _, verb, what in ledger.events(status.run) if verb == _TOLD}
    notices = []
    for news in list_news(status):
        if news.occasion in occasions and news.name not in known:
            ledger.note_event(status.run, _TOLD, news.name)
            notices.append(tell(news.title, news.text))
    return [notice for notice in notices if notice]


def tell(title: str, text: str) -> str:
    """Notify a person; return what came of it, or nothing where no address was given."""
    outcome = notify(title, text)
    return f"notice ({title}): {outcome}" if os.environ.get(VARIABLE, "").strip() else ""


def list_news(status: RunStatus) -> Iterator[News]:
    """Yield what there is to tell of a run."""
    shards = f"{len(status.jobs)} shards"
    for job in status.jobs:
        of = f"shard {job.shard} of run {status.run}"
        if job.state in ("failed", "expired"):
            yield News(job.state, f"{job.state}: shard {job.shard}", f"codebook: {of} has {job.state}", job.sentence)
        if job.late:
            text = f"{job.sentence}. {status.advice}"
            yield News("late", f"late: shard {job.shard}", f"codebook: {of} is late", text)
    if status.done and status.jobs:
        yield News("done", f"done: {shards}", f"codebook: run {status.run} has ended", f"{status.sentence}")
    elif status.jobs and all(job.ended for job in status.jobs):
        text = f"{status.progress}. Next: codebook collect {status.run}."
        yield News("done", f"ended: {shards}", f"codebook: run {status.run} has ended at the service", text)
