"""What the whole project has cost, by engine, model, run or day, and what the same answers would have cost live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from codebook.errors import Fault, ParameterError
from codebook.run.folder import say_kept
from codebook.run.project.ledger_frames import Choice, LedgerFrames

if TYPE_CHECKING:
    import pandas as pd

GROUPS = ("engine", "model", "run", "day")
_COUNTS = ["n_priced", "n_unpriced", "n_priced_labels"]


def cost_history(by: str = "day", *, run: str = "", study: str = "", engine: str = "") -> pd.DataFrame:
    """Return answers, tokens and cost by engine, by the model that answered, by run, or by day (job's end, UTC).

    Returns
    -------
    DataFrame
        The grouping, answers, labelled, tokens_in, tokens_out, tokens_cached (missing where no reply tells them), cost
        (missing where no price is known), `cost_per_label`, the cost by those of the priced answers that are labels,
        `live_would_be` and `saved`, what the priced answers would have cost live and what batches saved of it (missing
        where the live price of one is not known), `n_priced`, the answers whose price is known, and `n_unpriced`, those
        whose price is not and which are not in the cost. Days in order; all else by cost, the dearest first. What
        discarded runs have cost counts; by run, it stands behind their names.

    Raises
    ------
    ParameterError
        `by` is something else.

    Examples
    --------
    >>> import codebook as cb
    >>> cb.cost_history("engine")[["engine", "answers", "labelled"]]
         engine  answers  labelled
    0  embedded       12        12
    """
    if by not in GROUPS:
        fault = Fault("by", f"{by!r}", f"use {', '.join(GROUPS[:-1])} or {GROUPS[-1]}")
        raise ParameterError("There is no such history.", [fault])
    return sum_costs(LedgerFrames(), by, Choice(run, "", study, engine))


def sum_costs(frames: LedgerFrames, by: str, choice: Choice) -> pd.DataFrame:
    """Return what the chosen answers have cost by one of the `GROUPS`, as `cost_history` does."""
    from codebook.outputs.readable import ReadableFrame

    chosen = _once_each(frames.jobs[choice.rows(frames.jobs)])
    answers = frames.answers[frames.answers["job"].isin(chosen["job"])]
    days, runs = answers["ended"].dt.floor("D"), answers["run"].map(say_kept)
    answers = answers.assign(day=days, run=runs, labelled=answers["usable"], model=answers["answered_by"])
    groups = answers.groupby(by)
    table = groups[["answers", "labelled"]].sum().join(count_tokens(groups)).join(count_money(groups))
    table = table.drop(columns="n_priced_labels").reset_index()
    order = ["day"] if by == "day" else ["cost", "answers", by]
    ascending = [name not in ("cost", "answers") for name in order]
    return ReadableFrame(table.sort_values(order, ascending=ascending).reset_index(drop=True))


def _once_each(jobs: pd.DataFrame) -> pd.DataFrame:
    """The jobs without those of adopted copies of a run, paid once; of a discarded run the copy counts."""
    jobs = jobs.sort_values("discarded", kind="stable")
    return jobs[~jobs["job_id"].duplicated() | (jobs["job_id"].fillna("") == "")]


def count_tokens(groups: Any) -> pd.DataFrame:
    """Tokens of groups of answers; missing where there are replies and none of them tells its tokens."""
    names = ["tokens_in", "tokens_out", "tokens_cached"]
    sums: pd.DataFrame = groups[names].sum()
    reported = (sums["tokens_in"] > 0) | (groups["n_untold"].sum() == 0)
    return sums.astype("Int64").where(reported)


def count_money(groups: Any) -> pd.DataFrame:
    """What groups of answers cost, a label too, and would have cost live; what is not known is missing."""
    counts: pd.DataFrame = groups[[*_COUNTS, "n_live"]].sum()
    cost = groups["cost"].sum(min_count=1)
    live = groups["live"].sum(min_count=1).where(counts["n_live"] == counts["n_priced"])
    labels = counts["n_priced_labels"].where(counts["n_priced_labels"] > 0)
    money = {"cost": cost, "cost_per_label": cost / labels, "live_would_be": live, "saved": live - cost}
    counts = counts[_COUNTS]
    return counts.assign(**money)[[*money, *_COUNTS]]
