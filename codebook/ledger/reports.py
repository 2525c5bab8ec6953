"""What a whole project is asked: every job, every reason of a missing answer, all money, each by one query."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from codebook.ledger.book import Ledger
from codebook.ledger.queries import ANY_UNSENT, make_joins, make_why
from codebook.ledger.spending import MAYBE_PAID, UNTOLD
from codebook.material.text_packs import N_TEXTS_SQL
from codebook.records import EMBEDDINGS

JOB_FIELDS = (
    "job",
    "run",
    "shard",
    "engine",
    "model",
    "state",
    "requests",
    "done",
    "failed",
    "created",
    "submitted",
    "seen",
    "expires",
    "ended",
    "collected",
    "reserved",
    "note",
    "job_id",
    "queued",
    "worked",
)
ANSWER_FIELDS = (
    "job",
    "model",
    "answers",
    "usable",
    "tokens_in",
    "tokens_out",
    "tokens_cached",
    "cost",
    "n_priced",
    "n_unpriced",
    "n_priced_labels",
    "n_untold",
)
ERROR_FIELDS = ("job", "why", "detail", "n", "example")


def report_jobs(ledger: Ledger) -> list[tuple[Any, ...]]:
    """Every shard of every run with its job, as `JOB_FIELDS`; `job` is the ledger's own number, None where unsent."""
    sql = """SELECT jobs.id, run_id, number, COALESCE(engine, ''), model, COALESCE(state, 'planned'), n_requests,
        COALESCE(n_done, 0), COALESCE(n_failed, 0), created_at, submitted_at, seen_at, NULLIF(expires_at, ''),
        ended_at, collected_at, reserved_usd, COALESCE(jobs.note, shards.note), COALESCE(job_id, ''),
        queued_s, worked_s
        FROM shards LEFT JOIN jobs ON jobs.shard_id = shards.id ORDER BY shards.id"""
    return list(_select(ledger, sql))


def report_answers(ledger: Ledger) -> list[tuple[Any, ...]]:
    """The result lines read, by job and by the model that gave them, as `ANSWER_FIELDS`; cost in US dollars.

    `cost` is None where no line has a known price; `n_priced` says how many have one, and `n_unpriced` how many have
    none, answers that were paid and are lost among them. `n_untold` replies do not say what tokens they took.
    """
    sql = f"""SELECT job, model, count(file), sum(why IS NULL), sum(tokens_in), sum(tokens_out), sum(tokens_cached),
        sum(cost_usd), count(cost_usd), sum(cost_usd IS NULL), sum(why IS NULL AND cost_usd IS NOT NULL),
        sum(file IS NOT NULL AND {UNTOLD}) FROM answers WHERE {MAYBE_PAID} GROUP BY job, model"""  # noqa: S608
    return list(_select(ledger, sql))


def report_errors(ledger: Ledger) -> list[tuple[Any, ...]]:
    """Answers without a label by job, reason and detail, as `ERROR_FIELDS`; `example` is one custom_id."""
    sql = """SELECT job, why, detail, count(*), min(custom_id) FROM answers WHERE why IS NOT NULL
        GROUP BY job, why, detail"""
    return list(_select(ledger, sql))


def report_whys(ledger: Ledger) -> list[tuple[str, str, int]]:
    """Rows of every run by why ('' is labelled; 'never asked' is what had no text): (run, why, number).

    Of packs, their texts are counted.
    """
    why = make_why(ANY_UNSENT)
    sql = f"""SELECT run_id, CASE WHEN rows.skip IS NOT NULL THEN 'never asked' ELSE {why} END, sum({N_TEXTS_SQL})
        FROM {make_joins(ANY_UNSENT)} GROUP BY 1, 2"""  # noqa: S608
    return list(_select(ledger, sql))


def name_embedders(ledger: Ledger, model: str) -> list[str]:
    """Who gave vectors by this model, in all runs; one of them is empty where that is not known of a run."""
    sql = """SELECT DISTINCT COALESCE(name, '') FROM shards JOIN jobs ON jobs.shard_id = shards.id
        JOIN runs ON runs.run_id = shards.run_id LEFT JOIN answerers ON answerers.id = runs.answerer
        WHERE url = ? AND model = ? AND collected_at IS NOT NULL AND job_id IS NOT NULL ORDER BY 1"""
    return [name for (name,) in _select(ledger, sql, EMBEDDINGS, model)]


def _select(ledger: Ledger, sql: str, *values: object) -> Iterator[Any]:
    return iter(ledger._db.execute(sql, values))
