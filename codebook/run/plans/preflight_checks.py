"""A few units live before a batch, for cents: a wrong parameter or a model that cannot do it costs nothing more.

What a preflight asks is asked like everything else, so the batch does not ask it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from codebook.engines import LIVE
from codebook.engines.service import check_host
from codebook.errors import Fault, ParameterError, PendingError
from codebook.ground.whys import RETRIED
from codebook.records import Unit
from codebook.run.money import Meter
from codebook.run.plans.asking import AskingFields, make_asking
from codebook.run.plans.planning import plan
from codebook.run.state import RunStatus
from codebook.run.verbs import Run
from codebook.scheme import Codebook
from codebook.units import Source
from codebook.visible import spell_block

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a preflight found: how the run of the first units stands, and what kept questions from being answered.

    `warnings` tell replies that are no label, where others of the same variable are one.

    Examples
    --------
    >>> import codebook as cb
    >>> run = cb.open_run("topics")
    >>> Preflight(run, run.status(), ()).ok
    True
    """

    run: Run
    status: RunStatus
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether every question got a reply, and every variable a reply that can be used."""
        return not self.faults

    def raise_errors(self) -> None:
        """Raise where a question got no reply, or none of the replies to a variable can be used.

        Raises
        ------
        ParameterError
            With every distinct reason, the commonest first.
        PendingError
            All that is lacking is being asked by other runs: this one asked nothing, and says nothing of a batch.
        """
        if self.faults and self.status.waits_for and not any(job.job_id for job in self.status.jobs):
            others = " and ".join(self.status.waits_for)
            raise PendingError(
                f"The preflight could not ask: {others} asks the same questions already. Nothing is lost. "
                f"To mend: `codebook collect {self.status.waits_for[0]}`, or look at its status."
            )
        if self.faults:
            raise ParameterError("The preflight failed: a batch would fail in the same way.", self.faults)

    def __str__(self) -> str:
        from codebook.costs import say_tokens

        totals = self.run.totals()
        models = ", ".join(totals["models"]) or "no model"
        answers = f"answered by {models}: {say_tokens(totals)}"
        warnings = (f"  warning: {fault}" for fault in self.warnings)
        return spell_block(
            "\n".join([f"{self.status}", f"  {answers}", *(f"  - {fault}" for fault in self.faults), *warnings])
        )


def preflight(
    codebook: Codebook | str | Path, units: Source | Iterable[Unit], *, k: int = 3, **asking: Unpack[AskingFields]
) -> Preflight:
    """Ask the first `k` units live, and say whether a batch would work.

    The parameters are those of `plan`; of an engine that takes its time the one that answers at once is asked.
    Repeated, it asks again only what failed.

    Raises
    ------
    InputError
        Codebook, units or parameters are faulty.
    EngineError
        The service cannot be reached, or refused the key.

    Examples
    --------
    >>> import codebook as cb
    >>> cb.preflight("codebook.yaml", cb.open_study().open_units(), k=2, engine="embedded").ok
    True
    """
    asking = {"engine": LIVE, **asking, "at_once": True}
    if (meter := Meter(make_asking(asking))).charges:
        check_host(meter.provider)
    run = plan(codebook, units, limit=k, **asking)
    if any(why in RETRIED for counts in run.status().counts.values() for why in counts):
        run.retry(RETRIED)  # what the service refused too: somebody may have mended it
    run.submit()
    status = run.collect(partial=True)
    faults, warnings = _judge(run.table())
    return Preflight(run, status, tuple(faults), tuple(warnings))


_CALLED = "correct the parameter or the model; `retry` and a larger cap on tokens help where a reply was cut short"
_REPLIED = "look at the replies (`codebook table RUN`); change the codebook, the settings or the model"


def _judge(table: pd.DataFrame) -> tuple[list[Fault], list[Fault]]:
    """(faults, warnings): each reason once, the commonest first.

    A question without a reply is a fault, and so is a variable none of whose replies is a label; replies that are no
    label beside others that are one are a warning.
    """
    lacking = table[table["why"].notna()]
    usable = set(table.loc[table["label"].notna(), "variable"])
    counts = Counter(zip(lacking["variable"], lacking["why"], lacking["detail"], strict=True))
    faults: list[Fault] = []
    warnings: list[Fault] = []
    for (variable, why, detail), n in counts.most_common():
        replied = why in ("refused", "invalid")
        where = f"{variable}, {why} ({n} of {len(table[table['variable'] == variable])})"
        fault = Fault(where, detail or "no reason was given", _REPLIED if replied else _CALLED)
        (warnings if replied and variable in usable else faults).append(fault)
    return faults, warnings
