"""Where the vectors of a run are: with the model and the service that gave them, for all runs of the project.

The first versions kept the vectors of a model in one place, whoever gave them. Such a place stays the place of a
service that gave all of them, as the ledger says; else it is not known whose they are, and nobody is given them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from codebook.errors import Fault
from codebook.ledger import Ledger
from codebook.ledger.reports import name_embedders
from codebook.paths import show_path
from codebook.records import Asking
from codebook.run.folder import RunFolder

if TYPE_CHECKING:
    from codebook.vectors import VectorStore

_DIMENSIONS = {
    "text-embedding-3-small": 1536,
    "text-embedding-3-large": 3072,
    "text-embedding-ada-002": 1536,
    "embedded-use-minilm-2": 896,
}
"""Dimensions of models that are not told any, so that the store is the same as where they are told."""
_UNKNOWN = "unknown"
"""Whose the vectors are of runs of which it is not known who answered."""


def open_store(folder: RunFolder, asking: Asking, answerer: str) -> VectorStore:
    """Open the store of what a run asks for: one a model, service and number of dimensions.

    Parameters
    ----------
    answerer
        Who gives the vectors; empty where that is not known.
    """
    from codebook.vectors import VectorStore, store_name

    model, old = asking.model, _open_old(folder, asking)
    if old.folder.is_dir() and not old.about.get("answered_by"):
        _note_whose(old, model, folder)
    if old.about.get("answered_by", "") == answerer:
        return old
    return VectorStore(old.folder.with_name(store_name(model, _size(asking), answerer or _UNKNOWN)))


def describe_store(store: VectorStore, model: str, answerer: str) -> None:
    """Note beside the vectors what they are."""
    store.describe({"model": model, "answered_by": answerer})


def warn_unknown(folder: RunFolder, asking: Asking, answerer: str) -> list[Fault]:
    """That vectors of the model are there of which it is not known who gave them."""
    old = _open_old(folder, asking)
    if old.folder == open_store(folder, asking, answerer).folder or old.about.get("answered_by") or not len(old):
        return []
    problem = f"it holds {len(old):,} vectors of this model, and which service gave each is not known: none is used"
    mend = "`codebook collect RUN`, for each run that they came from, keeps its vectors with their service"
    return [Fault(show_path(old.folder), problem, mend)]


def _open_old(folder: RunFolder, asking: Asking) -> VectorStore:
    """The store by the name that the first versions gave it."""
    from codebook.vectors import VectorStore, store_name

    return VectorStore(folder.runs / "vectors" / store_name(asking.model, _size(asking)))


def _note_whose(old: VectorStore, model: str, folder: RunFolder) -> None:
    """Note in a store of old whose its vectors are, where one service alone ever gave vectors of this model."""
    if folder.ledger_path.is_file():
        with Ledger(folder.ledger_path) as ledger:
            names = name_embedders(ledger, model)
        if len(names) == 1 and "" not in names:
            describe_store(old, model, names[0])


def _size(asking: Asking) -> int:
    size: int = asking.settings.get("dimensions") or _DIMENSIONS.get(asking.model, 0)
    return size
