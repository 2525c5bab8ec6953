"""The second service differs from the first in all that the API leaves open, and bills each answer once."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx2
import pytest

from fakes.other_fake import OtherFake

LINE = {
    "custom_id": "a",
    "body": {
        "model": "m",
        "messages": [{"role": "user", "content": "coal"}],
        "response_format": {"json_schema": {"schema": {"properties": {"label": {"enum": ["sports", "coal"]}}}}},
    },
}


@pytest.fixture
def fake() -> Iterator[OtherFake]:
    with OtherFake(page_every=100) as service:
        yield service


def make(fake: OtherFake, *lines: dict[str, object]) -> dict[str, object]:
    """A batch of these lines, made in the service itself."""
    raw = "".join(json.dumps(line) + "\n" for line in lines).encode()
    return fake.make({"input_file_id": fake.store(raw)["id"]})


def test_the_answer_to_the_first_batch_is_lost_and_the_batch_is_there(fake: OtherFake) -> None:
    with httpx2.Client(base_url=fake.base_url) as client:
        name = client.post("/files", files={"file": ("in.jsonl", json.dumps(LINE).encode())}).json()["id"]
        with pytest.raises(httpx2.HTTPError):
            client.post("/batches", json={"input_file_id": name})
        assert client.get("/batches").json() == {"data": fake.batches, "has_more": False}
    assert len(fake.batches) == 1


def test_a_batch_is_done_at_the_second_look_and_its_file_comes_late(fake: OtherFake) -> None:
    made = make(fake, LINE)
    with httpx2.Client(base_url=fake.base_url) as client:
        looks = [client.get(f"/batches/{made['id']}").json() for _ in range(2)]
        assert [look["status"] for look in looks] == ["QUEUED", "Completed"]
        path = f"/files/{looks[1]['output_file_id']}/content"
        answers = [client.get(path) for _ in range(fake.n_late + 1)]
    assert [answer.status_code for answer in answers] == [404] * fake.n_late + [200]
    body = json.loads(answers[-1].json()["response"]["body"])
    assert body["choices"][0]["message"]["content"] == '{"label": "coal"}'
    assert (fake.billed, fake.files["doc.1~err"]) == ({"a": 1}, b"")


def test_a_line_fails_once_and_is_not_billed_then(fake: OtherFake) -> None:
    once = LINE | {"body": {**LINE["body"], "messages": [{"role": "user", "content": "[fails once] coal"}]}}  # type: ignore[dict-item]
    make(fake, once)
    assert json.loads(fake.files["doc.1~out"])["error"] == {"type": "overloaded"}
    assert fake.billed == {}
    make(fake, once)
    assert fake.billed == {"a": 1}


def test_the_list_is_oldest_first_and_a_web_page_comes_between(fake: OtherFake) -> None:
    for _ in range(3):
        make(fake, LINE)
    assert [batch["id"] for batch in fake.page("")["data"]] == [1, 2]
    assert fake.page("2") == {"data": fake.batches[2:], "has_more": False}
    fake.page_every = 2
    with httpx2.Client(base_url=fake.base_url) as client:
        answers = [client.get("/batches").content for _ in range(2)]
    assert [answer.startswith(b"<html>") for answer in answers] == [False, True]
