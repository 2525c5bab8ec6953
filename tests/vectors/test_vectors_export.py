from __future__ import annotations

import sys
import warnings

import numpy as np
import pandas as pd
import pytest

from codebook.errors import EngineError, MissingExtraError, ParameterError
from codebook.vectors import Vectors, VectorStore
from codebook.vectors.export import export_qdrant, export_weaviate, text_uuid

TEXTS = tuple(f"text {number}" for number in range(600))


@pytest.fixture
def vectors(tmp_path):
    store = VectorStore(tmp_path / "m-5")
    store.add(TEXTS, np.random.default_rng(1).standard_normal((600, 5)))
    return Vectors(TEXTS, "m", store)


@pytest.fixture
def qdrant():
    pytest.importorskip("qdrant_client")
    from qdrant_client import QdrantClient

    client = QdrantClient(":memory:")
    yield client
    client.close()


def test_qdrant_holds_each_text_once_and_finds_the_nearest(vectors, qdrant):
    fields = pd.DataFrame({"topic": ["a", None] * 300, "year": np.arange(600)})
    for _ in range(2):
        assert export_qdrant(vectors, qdrant, "texts", fields=fields) == 600
    assert qdrant.count("texts").count == 600
    asked = vectors.array[7]
    cosines = vectors.array @ asked / np.linalg.norm(vectors.array, axis=1) / np.linalg.norm(asked)
    found = qdrant.query_points("texts", query=asked.tolist(), limit=5).points
    assert [point.payload["text"] for point in found] == [TEXTS[row] for row in np.argsort(-cosines)[:5]]
    assert found[0].id == text_uuid("text 7")
    assert found[0].payload == {"text": "text 7", "model": "m", "year": 7}


def test_qdrant_takes_the_ids_of_entities(vectors, qdrant):
    ids = [text_uuid(f"entity {number}") for number in range(600)]
    export_qdrant(vectors, qdrant, "entities", ids=ids)
    (point,) = qdrant.retrieve("entities", [ids[3]], with_vectors=True)
    assert point.payload["text"] == "text 3"
    assert np.allclose(point.vector, vectors.array[3] / np.linalg.norm(vectors.array[3]), atol=1e-6)


def test_a_collection_of_other_vectors_is_refused(vectors, qdrant):
    from qdrant_client import models

    qdrant.create_collection("texts", vectors_config=models.VectorParams(size=3, distance=models.Distance.DOT))
    with pytest.raises(ParameterError, match="name another collection"):
        export_qdrant(vectors, qdrant, "texts")


@pytest.mark.parametrize(
    ("given", "mend"),
    [
        ({"fields": pd.DataFrame({"a": [1]})}, "give one row per text"),
        ({"fields": pd.DataFrame({"my year": range(600)})}, "rename it"),
        ({"fields": pd.DataFrame({"text": range(600)})}, "rename it"),
        ({"ids": ["x"] * 600}, "give one id per text"),
        ({"ids": list(map(str, range(600)))}, "give UUIDs"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(vectors, qdrant, given, mend):
    with pytest.raises(ParameterError, match=mend):
        export_qdrant(vectors, qdrant, "texts", **given)
    assert not qdrant.collection_exists("texts")


@pytest.fixture
def weaviate_server():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the client's own making
        pytest.importorskip("weaviate")
        from fakes.fake_weaviate import serve_weaviate

        with serve_weaviate() as served:
            yield served


def test_weaviate_gets_each_text_once_with_its_vector(vectors, weaviate_server):
    fake, client = weaviate_server
    fields = pd.DataFrame({"topic": ["a", None] * 300, "year": np.arange(600)})
    for _ in range(2):
        assert export_weaviate(vectors, client, "Texts", fields=fields) == 600
    assert [each["name"] for each in fake.classes["Texts"]["properties"]] == ["text", "model"]
    assert "cosine" in str(fake.classes["Texts"])
    assert len(fake.objects) == 600
    name, properties, vector = fake.objects[text_uuid("text 8")]
    assert (name, properties) == ("Texts", {"text": "text 8", "model": "m", "topic": "a", "year": 8})
    assert np.allclose(vector, vectors.array[8])


def test_what_weaviate_refuses_is_said(vectors, weaviate_server):
    fake, client = weaviate_server
    fake.refuse = {"text 3", "text 4"}
    with pytest.raises(EngineError, match="refused 2 of 256 objects: refused by the test"):
        export_weaviate(vectors, client, "Texts")


@pytest.mark.parametrize(
    ("export", "module", "extra"),
    [(export_qdrant, "qdrant_client", "qdrant"), (export_weaviate, "weaviate.classes.config", "weaviate")],
)
def test_without_the_client_the_message_names_the_extra(vectors, monkeypatch, export, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=rf"codebook-kit\[{extra}\]"):
        export(vectors, object(), "texts")
