"""A few units live before a batch, for cents: a wrong parameter or a model that cannot do it costs nothing more.

What a preflight asks is asked like everything else, so the batch does not ask it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codebook.errors import Fault, ParameterError
from codebook.records import CHAT, RETRIED, Unit
from codebook.run.planning import plan
from codebook.run.state import RunStatus
from codebook.run.verbs import Run
from codebook.scheme import Codebook
from codebook.units import Source


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a preflight found: how the run of the first units stands, and what kept questions from being answered."""

    run: Run
    status: RunStatus
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        """Whether every question got a reply."""
        return not self.faults

    def raise_errors(self) -> None:
        """Raise where a question got no reply.

        Raises
        ------
        ParameterError
            With every distinct reason, the commonest first.
        """
        if self.faults:
            raise ParameterError("The preflight failed: a batch would fail in the same way.", self.faults)

    def __str__(self) -> str:
        totals = self.run.totals()
        models = ", ".join(totals["models"]) or "no model"
        said = f"answered by {models}: {totals['tokens_in']:,} tokens in, {totals['tokens_out']:,} out"
        return "\n".join([f"{self.status}", f"  {said}", *(f"  - {fault}" for fault in self.faults)])


def preflight(
    codebook: Codebook | str | Path,
    units: Source | Iterable[Unit],
    *,
    model: str,
    k: int = 3,
    url: str = CHAT,
    settings: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | Sequence[str] = (),
) -> Preflight:
    """Ask the first `k` units live, and say whether a batch would work.

    The parameters are those of `plan`. Repeated, it asks again only what failed.

    Raises
    ------
    InputError
        Codebook, units or parameters are faulty.
    EngineError
        The service cannot be reached, or refused the key.
    """
    run = plan(codebook, units, engine="openai_live", model=model, url=url, limit=k, settings=settings, options=options)
    if any(why in RETRIED for counts in run.status().counts.values() for why in counts):
        run.retry()
    run.submit()
    status = run.collect(partial=True)
    return Preflight(run, status, tuple(_find_faults(run)))


def _find_faults(run: Run) -> list[Fault]:
    """The reasons why questions got no reply, each once, the commonest first."""
    table = run.table()
    failed = table[table["why"].isin([*RETRIED, "pending", "truncated"])]
    mend = "correct the parameter or the model; `retry` and a larger cap on tokens help where a reply was cut short"
    counts = Counter(zip(failed["variable"], failed["why"], failed["detail"], strict=True))
    return [
        Fault(f"{variable}, {why} ({n} of {len(table)})", detail or "no reason was given", mend)
        for (variable, why, detail), n in counts.most_common()
    ]
