"""The verbs: preflight, plan, submit, status, collect, wait, retry, cancel, erase. Each may be repeated.

In come a codebook, units and who is asked; out comes a `Run`, and its table. Open `verbs.py` first, then its rooms in
the order of a run: `plans/` and `questions/` (before anything is sent), `jobs/`, `answers/`; `project/` looks at all
runs, `vectors/` keeps embeddings, `adoption/` takes runs in, `erasing/` takes units out.
"""

from typing import TYPE_CHECKING

from codebook.ground.lazy_rooms import lazy_names

if TYPE_CHECKING:
    from codebook.ground.whys import RETRIABLE, RETRIED
    from codebook.records import OCCASIONS, Service, read_service
    from codebook.run.adoption.adopting import adopt
    from codebook.run.erasing import Erasure, erase_unit
    from codebook.run.folder import RunFolder, list_runs
    from codebook.run.jobs.discarding import discard_run
    from codebook.run.label_texts import label
    from codebook.run.money import say_where
    from codebook.run.plans.example_units import draw_examples, try_examples
    from codebook.run.plans.planning import plan, rehearse_plan
    from codebook.run.plans.preflight_checks import Preflight, preflight
    from codebook.run.plans.price_comparison import compare_prices
    from codebook.run.project.cost_table import cost_history
    from codebook.run.project.overview import (
        find_run,
        list_errors,
        list_jobs,
        list_running,
        list_unknown,
        poll_jobs,
        summarise_runs,
    )
    from codebook.run.project.side_by_side import compare_runs
    from codebook.run.project.upkeep import cancel_run, check_run, delete_remote, find_rebuilt, measure_runs, tidy_runs
    from codebook.run.state import JobStatus, RunStatus
    from codebook.run.text_vectors import embed_texts
    from codebook.run.vectors.storing import store_vectors
    from codebook.run.verbs import Run, open_run
    from codebook.run.waiting import wait
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    "OCCASIONS",
    "RETRIABLE",
    "RETRIED",
    "Erasure",
    "JobStatus",
    "Preflight",
    "Run",
    "RunFolder",
    "RunStatus",
    "Service",
    "adopt",
    "cancel_run",
    "check_run",
    "compare_prices",
    "compare_runs",
    "cost_history",
    "delete_remote",
    "discard_run",
    "draw_examples",
    "embed_texts",
    "erase_unit",
    "find_rebuilt",
    "find_run",
    "label",
    "list_errors",
    "list_jobs",
    "list_running",
    "list_runs",
    "list_unknown",
    "measure_runs",
    "open_run",
    "plan",
    "poll_jobs",
    "preflight",
    "read_service",
    "rehearse_plan",
    "say_where",
    "store_vectors",
    "summarise_runs",
    "tidy_runs",
    "try_examples",
    "wait",
]
