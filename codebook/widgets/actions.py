"""What a board can do to a run. An action asks first, naming what it is about, and refuses where that has changed."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from codebook.errors import CodebookError, RunError
from codebook.execute.secrets import read_secrets
from codebook.ground.quantities import say_count, show_usd
from codebook.ground.secrecy import looks_like_key, remove_secrets
from codebook.run import RETRIED, RunStatus
from codebook.run.state import JobStatus, say_counts
from codebook.run.verbs import open_exact


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked before something is done: the text, the word on the button, and what it was asked about.

    `seen` is what the ledger said of the run at the time; the action is refused where it says something else since.
    """

    run: str
    text: str
    yes: str
    seen: Hashable
    act: Callable[[Question], str]


def ask_cancel(name: str) -> Question | str:
    """Return the question whether to cancel a run, or why there is nothing to cancel."""
    status = open_exact(name).status()
    running = [job for job in status.jobs if job.running]
    unsent = [job for job in status.jobs if not job.job_id and not job.collected]
    if not running and not unsent:
        return f"No job of run {name} is running or waiting to be sent."
    parts = [f"stops {say_count(len(running), 'job')}: {_name_jobs(running)}"] * bool(running)
    parts += [f"gives up {say_count(len(unsent), 'unsent shard')}"] * bool(unsent)
    text = f"Cancel run {name}? This {' and '.join(parts)}. Answers that have arrived are kept and can be collected."
    return Question(name, f"{text}\n{_say_money(status)}", f"Yes, cancel {name}", _see(status), _cancel)


def ask_retry(name: str) -> Question | str:
    """Return the question whether to ask again what has no answer, or why there is nothing to ask again."""
    run = open_exact(name)
    n_questions = run.count_retriable()
    if not n_questions:
        return f"Run {name} has no question that ended without an answer ({', '.join(RETRIED)})."
    status = run.status()
    text = (
        f"Ask {say_count(n_questions, 'question')} of run {name} again, those that are {', '.join(RETRIED[:-1])} or "
        f"{RETRIED[-1]}? They are sent to {status.engine}, {status.model}, at once."
    )
    seen = (n_questions, _see(status))
    yes = f"Yes, ask {say_count(n_questions, 'question')} again"
    return Question(name, f"{text}\n{_say_money(status)}", yes, seen, _retry)


def collect(name: str) -> str:
    """Fetch what is answered and say how the run stands."""
    status = open_exact(name).collect(partial=True)
    counts = "\n".join(f"{variable}: {say_counts(whys, status.n_packs)}" for variable, whys in status.counts.items())
    return f"Run {name} is collected as far as answers have arrived; table.csv is written.\n{counts}"


def collects_itself(name: str) -> bool:
    """Whether the settings of a run say that what has ended is fetched without asking."""
    try:
        return open_exact(name).service.auto_collect
    except CodebookError:
        return False


def _cancel(question: Question) -> str:
    run = open_exact(question.run)
    _require_same(question, _see(run.status()))
    status = run.cancel()
    still = [job for job in status.jobs if job.running]
    if still:
        return f"Run {question.run} was asked to stop. Still ending: {_name_jobs(still)}. Collect fetches the answers."
    return f"Run {question.run} is cancelled. Collect fetches the answers that have arrived."


def _retry(question: Question) -> str:
    run = open_exact(question.run)
    _require_same(question, (run.count_retriable(), _see(run.status())))
    n_questions = run.retry()
    try:
        run.submit()
    except CodebookError as error:
        return f"{say_count(n_questions, 'question')} planned again, but not all were sent; `submit` continues. {error}"
    return f"{say_count(n_questions, 'question')} of run {question.run} asked again."


def _require_same(question: Question, seen: Hashable) -> None:
    if seen != question.seen:
        raise RunError(
            f"Run {question.run} has changed since the question was shown, so nothing was done. "
            "To mend: refresh the board, then repeat."
        )


def _see(status: RunStatus) -> Hashable:
    """What must not change between a question and its answer: which jobs there are, and which have ended."""
    return tuple((job.shard, job.job_id, job.ended, job.collected) for job in status.jobs)


def _name_jobs(jobs: list[JobStatus]) -> str:
    named = [
        f"shard {job.shard}, {job.job_id}, {job.state}, {job.done:,} of {job.requests:,} answered" for job in jobs[:5]
    ]
    return "; ".join(named + [f"and {len(jobs) - 5:,} more"] * (len(jobs) > 5))


def _say_money(status: RunStatus) -> str:
    """What the run has cost so far, and what is reserved."""
    money = status.money
    if money is None:
        return f"It has cost nothing so far: {status.engine} is free of charge."
    unknown = [f"{say_count(money.n_unpriced, 'answer')} of unknown price"] * bool(money.n_unpriced)
    paid = ", and ".join([show_usd(money.known, about=True)] * (money.known is not None) + unknown)
    for_unknown = " and for answers of unknown price" if money.n_unpriced else ""
    reserved = (
        f" For running jobs{for_unknown} {show_usd(money.reserved, about=True)} are reserved." if money.reserved else ""
    )
    cap = f" Its cap is {show_usd(money.cap, about=True)}." if money.cap is not None else ""
    return f"It has cost {paid} so far, counted when answers are collected.{reserved}{cap}"


def say_error(error: Exception) -> str:
    """Return an error as a message: no traceback, and no key."""
    message = str(error) if isinstance(error, CodebookError) else f"{type(error).__name__}: {error}"
    message = str(remove_secrets(message, read_secrets()))
    return " ".join("[removed]" if looks_like_key(word) else word for word in message.split(" "))
