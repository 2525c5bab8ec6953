"""The engine of drawn vectors: the same for the same text, noted as often as computed, spoiled where a text says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codebook.dialects.embeddings import read_vectors
from codebook.records import EMBEDDINGS
from fakes.vectors_engine import MODEL, OWN, VectorsEngine, computed, vector_of


def answer(project: Path, *texts: str) -> dict[str, Any]:
    body = {"model": MODEL, "input": [*texts], "encoding_format": "base64"}
    (line,) = VectorsEngine(project).answer([{"custom_id": "a", "url": EMBEDDINGS, "body": body}])
    return json.loads(json.dumps(line))["response"]


def test_a_text_has_one_vector_and_is_noted_as_often_as_it_is_computed(project: Path) -> None:
    assert np.array_equal(vector_of("coal"), vector_of("coal"))
    assert not np.array_equal(vector_of("coal"), vector_of("goal"))
    assert [answer(project, "coal", "goal")["status_code"] for _ in range(2)] == [200, 200]
    assert computed() == ["coal", "goal"] * 2


def test_vectors_come_out_of_order_and_their_index_tells(project: Path) -> None:
    body = answer(project, "coal", "goal")["body"]
    assert [each["index"] for each in body["data"]] == [1, 0]
    assert np.array_equal(read_vectors(body)[0], [vector_of("coal", OWN), vector_of("goal", OWN)])


@pytest.mark.parametrize(("order", "n"), [("[short]", 1), ("[nan]", 2), ("[mixed]", 2), ("[floats]", 2)])
def test_a_pack_is_spoiled_by_order(project: Path, order: str, n: int) -> None:
    data = answer(project, f"{order} coal", "goal")["body"]["data"]
    first = next(each["embedding"] for each in data if each["index"] == 0)
    assert len(data) == n
    assert (first == [1.0, 2.0]) == (order == "[mixed]")
    assert isinstance(first, list) == (order in ("[floats]", "[mixed]"))


def test_a_pack_fails_once_or_always(project: Path) -> None:
    assert [answer(project, "[500 once]")["status_code"] for _ in range(2)] == [500, 200]
    assert [answer(project, "[500]")["status_code"] for _ in range(2)] == [500, 500]
