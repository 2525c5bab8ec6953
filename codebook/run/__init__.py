"""The verbs: plan, submit, status, collect, retry, cancel. Each may be repeated; what is done stays done."""

from codebook.run.estimate import estimate_whole
from codebook.run.folder import RunFolder, list_runs
from codebook.run.planning import plan
from codebook.run.state import JobStatus, RunStatus
from codebook.run.verbs import RETRIED, Run, open_run

__all__ = ["RETRIED", "JobStatus", "Run", "RunFolder", "RunStatus", "estimate_whole", "list_runs", "open_run", "plan"]
