"""Vectors handed to databases outside the project, through their own clients: Qdrant and Weaviate.

The caller makes the client, and so decides on address and key. Ids are made of the text alone, so that a repeated
export writes over what it wrote before and doubles nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from codebook.errors import EngineError, Fault, MissingExtraError, ParameterError
from codebook.ground.quantities import say_count
from codebook.vectors.ordered_vectors import Vectors

if TYPE_CHECKING:
    import pandas as pd
    from qdrant_client import QdrantClient
    from weaviate import WeaviateClient

    Point = tuple[str, list[float], dict[str, Any]]

_TEXTS = uuid5(NAMESPACE_URL, "codebook:texts")
_N_AT_ONCE = 256
_FIELD = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_TAKEN = frozenset({"id", "vector", "text", "model", "_additional"})


def text_uuid(text: str) -> str:
    """Return the id of a text: UUIDv5 of exactly this string, the same in every run and on every machine.

    Examples
    --------
    >>> text_uuid("Niger"), text_uuid("Niger") == text_uuid("Nigeria")
    ('783d0be9-7b7a-5113-8600-7d88a190f4ae', False)
    """
    return str(uuid5(_TEXTS, text))


def export_qdrant(
    vectors: Vectors,
    client: QdrantClient,
    collection: str,
    *,
    fields: pd.DataFrame | None = None,
    ids: Sequence[str] | None = None,
) -> int:
    """Put vectors into a collection of Qdrant, which is made where it is missing; return how many.

    Parameters
    ----------
    client
        Of the package `qdrant-client` (extra `qdrant`); `QdrantClient(path="...")` keeps all in a folder.
    fields
        Columns to keep beside each vector, a row per text of `vectors`, in their order. Text and model are kept always.
    ids
        An id (UUID) a text, such as those of entities; made of the text where not given.

    Raises
    ------
    ParameterError
        The collection has other dimensions or another distance, or fields or ids do not fit.
    """
    try:
        from qdrant_client import models
    except ImportError:
        raise MissingExtraError("Export to Qdrant", "qdrant") from None
    wanted = models.VectorParams(size=vectors.dimensions, distance=models.Distance.COSINE)
    points = _iter_points(vectors, fields, ids)
    if not client.collection_exists(collection):
        client.create_collection(collection, vectors_config=wanted)
    there = client.get_collection(collection).config.params.vectors
    if not isinstance(there, models.VectorParams) or (there.size, there.distance) != (wanted.size, wanted.distance):
        problem = f"it holds {there}, but these vectors have {wanted.size} numbers and are compared by cosine"
        fault = Fault(f"collection {collection!r}", problem, "name another collection")
        raise ParameterError("The vectors cannot be exported.", [fault])
    for some in points:
        batch = [models.PointStruct(id=name, vector=vector, payload=payload) for name, vector, payload in some]
        client.upsert(collection, batch, wait=True)
    return len(vectors)


def export_weaviate(
    vectors: Vectors,
    client: WeaviateClient,
    collection: str,
    *,
    fields: pd.DataFrame | None = None,
    ids: Sequence[str] | None = None,
) -> int:
    """Put vectors into a collection of Weaviate, which is made where it is missing; return how many.

    Parameters are those of `export_qdrant`; the client is of the package `weaviate-client` (extra `weaviate`).

    Raises
    ------
    ParameterError
        Fields or ids do not fit.
    EngineError
        The database refused objects; the first reasons are said.
    """
    try:
        from weaviate.classes.config import Configure, DataType, Property, VectorDistances
        from weaviate.classes.data import DataObject
    except ImportError:
        raise MissingExtraError("Export to Weaviate", "weaviate") from None
    points = _iter_points(vectors, fields, ids)
    if not client.collections.exists(collection):
        index = Configure.VectorIndex.hnsw(distance_metric=VectorDistances.COSINE)
        client.collections.create(
            collection,
            properties=[Property(name=name, data_type=DataType.TEXT) for name in ("text", "model")],
            vector_config=Configure.Vectors.self_provided(vector_index_config=index),
        )
    target = client.collections.use(collection)
    for some in points:
        objects = [DataObject(properties=payload, uuid=name, vector=vector) for name, vector, payload in some]
        done = target.data.insert_many(objects)
        if done.has_errors:
            reasons = "; ".join(dict.fromkeys(str(error.message) for error in done.errors.values()))
            raise EngineError(f"Weaviate refused {len(done.errors)} of {len(objects)} objects: {reasons[:500]}")
    return len(vectors)


def _iter_points(vectors: Vectors, fields: pd.DataFrame | None, ids: Sequence[str] | None) -> Iterator[list[Point]]:
    """Yield (id, vector, payload) of some texts at a time; what does not fit is refused before the first."""
    faults = _check_fields(vectors, fields) + _check_ids(vectors, ids)
    ParameterError.raise_any("The vectors cannot be exported.", faults)
    rows = [{}] * len(vectors) if fields is None else fields.to_dict("records")
    names = list(map(text_uuid, vectors.texts)) if ids is None else [str(UUID(str(name))) for name in ids]
    return _fill_points(vectors, rows, names)


def _fill_points(vectors: Vectors, rows: Sequence[Mapping[Any, Any]], names: Sequence[str]) -> Iterator[list[Point]]:
    array, model = vectors.array, vectors.model
    for begin in range(0, len(vectors), _N_AT_ONCE):
        places = range(begin, min(begin + _N_AT_ONCE, len(vectors)))
        yield [
            (names[at], array[at].tolist(), {"text": vectors.texts[at], "model": model, **_plain(rows[at])})
            for at in places
        ]


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row as JSON knows it; what is missing is left out."""
    plain = {str(name): getattr(value, "item", lambda value=value: value)() for name, value in row.items()}
    return {name: value for name, value in plain.items() if value is not None and value == value}


def _check_fields(vectors: Vectors, fields: pd.DataFrame | None) -> list[Fault]:
    if fields is None:
        return []
    faults = []
    if len(fields) != len(vectors):
        faults.append(
            Fault(
                "fields",
                f"{say_count(len(fields), 'row')} for {say_count(len(vectors), 'text')}",
                "give one row per text, in the same order",
            )
        )
    for name in map(str, fields.columns):
        if name in _TAKEN or not _FIELD.fullmatch(name):
            faults.append(
                Fault(
                    "fields", f"a column {name!r}", "rename it: use letters, digits and _, and a name that is not taken"
                )
            )
    return faults


def _check_ids(vectors: Vectors, ids: Sequence[str] | None) -> list[Fault]:
    if ids is None:
        return []
    if len(ids) != len(vectors) or len(set(map(str, ids))) != len(vectors):
        return [
            Fault(
                "ids",
                f"{len(set(map(str, ids)))} different ids for {say_count(len(vectors), 'text')}",
                "give one id per text",
            )
        ]
    try:
        _ = [UUID(str(name)) for name in ids]
    except ValueError as error:
        return [Fault("ids", str(error), "give UUIDs")]
    return []
