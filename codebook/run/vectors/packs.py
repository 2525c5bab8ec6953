"""What planning does for variables of kind embedding: texts become packs; what has its vector is not asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from codebook.engines import Limits
from codebook.errors import ChangedPlanError
from codebook.material.unit_store import iter_units
from codebook.run.folder import RunFolder
from codebook.shards import Cuts
from codebook.tasks.packing import Pair, Room, keep_packs, pack_units

if TYPE_CHECKING:
    from codebook.vectors import VectorStore

OWN = "embedded-"
"""How the models begin that come inside packages."""
_NO_LIMIT = 400_000  # bytes: those of the longest text that is read at all


def choose_cuts(limits: Limits, n_texts: int = 0, n_most: int = 0) -> Cuts:
    """Return where shards end at an engine, where a request holds at most so many texts; 0 where it holds a unit.

    `n_most` is how many requests a person wants in a shard at most; 0 is as many as may be.

    Examples
    --------
    >>> choose_cuts(Limits(), n_texts=64).n_requests, choose_cuts(Limits(), n_most=500).n_requests
    (781, 500)
    """
    n_requests = min(limits.n_requests, n_most or limits.n_requests)
    if n_texts:
        n_requests = min(n_requests, max(1, limits.n_inputs // n_texts))
    return Cuts(n_requests, limits.n_bytes, limits.n_tokens)


def pack(
    folder: RunFolder,
    model: str,
    chosen: Iterator[Pair],
    store: VectorStore,
    *,
    choose_again: Callable[[], Iterator[Pair]] | None = None,
) -> Iterator[Pair]:
    """Yield what a run asks about instead of its units: packs of texts, and the units that are not asked.

    A run that was planned keeps its packs, also when their vectors are in the store by now.

    Parameters
    ----------
    store
        Where the vectors are.
    choose_again
        Gives the units once more where the run was planned with other texts, and may be planned anew.
    """
    room = _find_room(model)
    if folder.units_path.is_file():
        if keep_packs(iter_units(folder.units_path), chosen, store.missing, room):
            yield from iter_units(folder.units_path)
            return
        if choose_again is None:
            raise ChangedPlanError(
                f"Run {folder.name!r} was planned with other texts. To mend: give the new plan a new run name; "
                "texts that have their vector are not sent again."
            )
        chosen = choose_again()
    yield from pack_units(chosen, store.missing, room, store.dimensions)


def _find_room(model: str) -> Room:
    """What a request may hold; the models of the kit read any text."""
    if model.startswith(OWN):
        return Room(n_tokens_a_text=_NO_LIMIT)
    from codebook.costs import find_counter

    return Room(count=find_counter(model).count)
