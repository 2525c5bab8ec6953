"""The vector store: it keeps what the real client puts, under its id, and refuses what the test says."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest


@pytest.fixture
def served() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the client's own making
        pytest.importorskip("weaviate")
        from fakes.fake_weaviate import serve_weaviate

        with serve_weaviate() as both:
            yield both


def test_what_is_put_is_kept_by_its_id_and_put_again_is_there_once(served: Any) -> None:
    fake, client = served
    assert not client.collections.exists("Texts")
    texts = client.collections.create("Texts")
    assert client.collections.exists("Texts")
    assert list(fake.classes) == ["Texts"]
    for _ in range(2):
        texts.data.insert_many([{"text": "coal"}])
    from weaviate.classes.data import DataObject

    uuid = UUID(int=7)
    for number in (1.0, 2.0):
        texts.data.insert_many([DataObject(properties={"text": "gas"}, uuid=uuid, vector=[number, 0.5])])
    assert len(fake.objects) == 3, "two objects without an id, and one that was put twice"
    assert fake.objects[str(uuid)] == ("Texts", {"text": "gas"}, [2.0, 0.5])


def test_what_the_test_refuses_is_an_error_of_the_client_and_is_not_kept(served: Any) -> None:
    fake, client = served
    fake.refuse = {"coal"}
    answer = client.collections.create("Texts").data.insert_many([{"text": "coal"}, {"text": "gas"}])
    assert [error.message for error in answer.errors.values()] == ["refused by the test"]
    assert [properties["text"] for _, properties, _ in fake.objects.values()] == ["gas"]
