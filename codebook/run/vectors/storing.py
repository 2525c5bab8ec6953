"""The vectors of a collected run go from its result lines into the store of their model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING

from codebook.dialects.embeddings import read_vectors
from codebook.dialects.replies import open_line
from codebook.dialects.resultlines import read_object
from codebook.errors import Fault, ParameterError, RecordError
from codebook.files.digests import check_units
from codebook.ground.quantities import say_count
from codebook.material.unit_store import PACK, is_there, iter_units, texts_of
from codebook.run.answers.result_table import open_result
from codebook.run.folder import RunFolder
from codebook.run.run_views import RunViews
from codebook.run.vectors.places import describe_store, open_store
from codebook.tasks import find_task

if TYPE_CHECKING:
    from codebook.vectors import Vectors, VectorStore
    from codebook.vectors.store import Floats

    Pack = tuple[list[str], Floats]

_N_BYTES_AT_ONCE = 64_000_000
"""Bytes of vectors written together."""

Place = tuple[str, int, int]


def store_vectors(run: RunViews) -> Vectors:
    """Put the vectors of a run into the store, and return them; `collect` does so too. Repeated, it adds nothing.

    Result lines are read one by one, and only those whose texts have no vector yet.

    Raises
    ------
    ParameterError
        The run did not ask for vectors.
    RecordError
        The units were changed, a result file is gone or damaged, or a service gave other vectors than it was asked for.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.embed_texts(["a goal", "a law"], run="texts")
    >>> store_vectors(cb.open_run("texts")).model
    'embedded-use-minilm-2'
    """
    from codebook.vectors import Vectors

    if not find_task(run.codebook).makes_vectors:
        kinds = ", ".join(variable.kind for variable in run.codebook.variables)
        fault = Fault(run.name, f"its codebook asks for {kinds}", "plan a codebook of kind embedding")
        raise ParameterError("The run holds no vectors.", [fault])
    check_units(run.folder.path, run.record)
    answerer = _find_answerer(run)
    store = open_store(run.folder, run.asked, answerer)
    _fill(store, run)
    if store.dimensions:
        describe_store(store, run.asked.model, answerer)
    packs = [texts_of(unit) for unit, skip in run.units_with_skips() if not skip or is_there(skip)]
    texts = [text for pack in packs for text in pack]
    there = tuple(text for text, row in zip(texts, store.rows(texts), strict=True) if row >= 0)
    return Vectors(there, run.asked.model, store)


def _find_answerer(run: RunViews) -> str:
    """Who answers a run: its record says so, of older runs the ledger does."""
    if noted := run.record.get("answerer"):
        return str(noted)
    with run.folder.open_ledger() as ledger:
        return ledger.answerer(run.name)


def _fill(store: VectorStore, run: RunViews) -> None:
    """Add what the store lacks, some megabytes at a time."""
    wanted, texts = run.asked.settings.get("dimensions"), list[str]()
    blocks: list[Floats] = []
    for some, vectors in _iter_packs(store, run.folder):
        if wanted and vectors.shape[1] != wanted:
            raise RecordError(
                f"Run {run.name!r} asked for {wanted} dimensions and got {vectors.shape[1]}: the service or model does "
                "not know `dimensions`. To mend: plan a new run without it."
            )
        texts += some
        blocks.append(vectors)
        if len(texts) * vectors.shape[1] * 4 >= _N_BYTES_AT_ONCE:
            _add(store, texts, blocks)
    if texts:
        _add(store, texts, blocks)


def _add(store: VectorStore, texts: list[str], blocks: list[Floats]) -> None:
    """Write what was gathered, and begin anew."""
    import numpy as np

    store.add(texts, np.concatenate(blocks))
    texts.clear()
    blocks.clear()


def _iter_packs(store: VectorStore, folder: RunFolder) -> Iterator[Pack]:
    """Yield the texts of every answered pack that the store lacks, with their vectors."""
    places = _find_places(folder)
    with ExitStack() as stack:
        files: dict[str, IO[bytes]] = {}
        for unit, skip in iter_units(folder.units_path):
            if skip or unit.unit_id not in places or not unit.unit_id.startswith(PACK):
                continue
            texts, (name, offset, length) = texts_of(unit), places[unit.unit_id]
            if not store.missing(texts):
                continue
            if name not in files:
                files[name] = stack.enter_context(open_result(folder, name, unit.unit_id))
            files[name].seek(offset)
            yield texts, _read(files[name].read(length), f"runs/{name} at byte {offset}", len(texts))


def _find_places(folder: RunFolder) -> dict[str, Place]:
    """Where the line with each pack's vectors is: result file, offset and length."""
    with folder.open_ledger() as ledger:
        return {
            row.unit_id: (row.file, row.offset, row.length)
            for row in ledger.iter_rows(folder.name)
            if not row.why and not row.draw and row.file is not None
        }


def _read(line: bytes, where: str, n_texts: int) -> Floats:
    """The vectors of a result line, `(n_texts, n_dimensions)`."""
    vectors, problem = read_vectors(open_line(read_object(line) or {})[1])
    if vectors is None or len(vectors) != n_texts:
        why = problem or f"{len(vectors) if vectors is not None else 0} vectors for {say_count(n_texts, 'text')}"
        raise RecordError(f"{where}: {why}. The file is damaged; restore it from a backup.")
    return vectors
