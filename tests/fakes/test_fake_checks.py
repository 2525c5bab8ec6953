"""What the fake service refuses, as the real one would, seen by the real SDK."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from codebook.records import CHAT, RESPONSES
from fakes.fake_help import MODEL, SCHEMA, body_of, create, line_of, upload
from fakes.fake_openai import FakeOpenAI


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeOpenAI]:
    with FakeOpenAI(tmp_path / "service", other_keys=("another-project",)) as service:
        yield service


GOOD = line_of("a", "x")
BAD = {
    "invalid_json_line": b'{"custom_id": \n',
    "duplicate_custom_id": GOOD,
    "url_mismatch": line_of("b", "x", RESPONSES) | {"body": GOOD["body"]},
    "model_mismatch": line_of("b", "x", body=body_of("x", model="gpt-4.1")),
    "invalid_method": line_of("b", "x", method="GET"),
    "streaming_unsupported": line_of("b", "x", body=body_of("x") | {"stream": True}),
    "missing_required_parameter": line_of("b", "x", body={"model": MODEL}),
}


@pytest.mark.parametrize("code", BAD)
def test_one_bad_line_fails_the_batch_and_is_named(fake: FakeOpenAI, client: openai.OpenAI, code: str) -> None:
    batch = client.batches.retrieve(create(client, [GOOD, line_of("c", "y"), BAD[code]]).id)
    assert batch.status == "failed"
    assert [(fault.code, fault.line) for fault in batch.errors.data] == [(code, 3)]
    assert (batch.output_file_id, batch.error_file_id, batch.request_counts.total) == (None, None, 0)
    assert not fake.billed


@pytest.mark.parametrize(
    ("lines", "code", "said"),
    [
        ([b"\n"], "empty_file", "empty"),
        ([GOOD, line_of("b", "x"), line_of("c", "x"), line_of("d", "x")], "too_many_tasks", "3"),
        ([line_of("a", "x", body=body_of("x", model="live-only"))], "model_not_found", "not supported in batch"),
        ([line_of("a", "x", custom_id=None)], "missing_required_parameter", "custom_id"),
    ],
)
def test_a_file_is_refused_as_a_whole(
    fake: FakeOpenAI, client: openai.OpenAI, lines: list[Any], code: str, said: str
) -> None:
    fake.n_requests_max = 3
    batch = client.batches.retrieve(create(client, lines).id)
    assert (batch.status, batch.errors.data[0].code) == ("failed", code)
    assert said in batch.errors.data[0].message


def test_files_that_are_too_big_unknown_or_not_ready(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    fake.n_bytes_max, fake.file_not_ready = 2_000_000, 1
    with pytest.raises(openai.BadRequestError, match="too large"):
        upload(client, [b" " * 2_000_001])
    assert not list(fake.folder.glob("upload-*"))
    with pytest.raises(openai.BadRequestError, match="Cannot find file"):
        create(client, [GOOD])
    batch = client.batches.create(input_file_id="file-none", endpoint=CHAT, completion_window="24h")
    assert client.batches.retrieve(batch.id).status == "failed"
    assert fake.n_created == 1


def test_tokens_of_all_running_batches_count(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    fake.auto, fake.enqueued_limit, fake.tokens_of = False, {MODEL: 3}, lambda _: 1
    first, second = create(client, [GOOD, line_of("b", "x")]), create(client, [GOOD, line_of("b", "x")])
    fake.progress(first.id)
    fake.progress(second.id)
    refused = client.batches.retrieve(second.id)
    (fault,) = refused.errors.data
    assert (refused.status, fault.code, fault.line) == ("failed", "token_limit_exceeded", None)
    assert "Limit: 3 enqueued tokens" in fault.message
    fake.finish(first.id)
    third = create(client, [GOOD, line_of("b", "x")])
    fake.finish(third.id)
    assert client.batches.retrieve(third.id).status == "completed"


@pytest.mark.parametrize(
    "metadata", [{"k": "v" * 513}, {"k" * 65: "v"}, {"k": 1}, {str(n): "v" for n in range(17)}], ids=str
)
def test_metadata_has_limits(fake: FakeOpenAI, client: openai.OpenAI, metadata: Any) -> None:
    with pytest.raises(openai.BadRequestError, match="metadata"):
        create(client, [GOOD], metadata=metadata)
    assert fake.n_created == 0


@pytest.mark.parametrize(
    ("model", "settings", "code"),
    [
        ("o4-mini", {"temperature": 0}, "unsupported_value"),
        ("o4-mini", {"max_tokens": 100}, "unsupported_parameter"),
        ("o4-mini", {"stop": ["."]}, "unsupported_parameter"),
        ("gpt-5-mini", {"temperature": 0}, "unsupported_value"),
        ("gpt-6-luna", {"temperature": 0.5}, "unsupported_value"),
        ("gpt-6-luna", {"reasoning_effort": "minimal"}, "unsupported_value"),
        ("gpt-4.1", {"reasoning_effort": "low"}, "unsupported_parameter"),
        ("gpt-4.1", {"temperature": 3}, "invalid_value"),
        ("gpt-4.1", {"metadata": {"a": "b"}}, None),
        ("gpt-4.1", {"made_up": 1}, "unknown_parameter"),
    ],
)
def test_a_model_refuses_what_it_does_not_take(
    client: openai.OpenAI, model: str, settings: dict[str, Any], code: str | None
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/chat/completions", body=body_of("x", model=model, **settings), cast_to=object)
    assert (caught.value.code, caught.value.param) == (code, next(iter(settings)))


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ("gpt-6-luna", {"temperature": 0}),
        ("gpt-5.4-mini", {"temperature": 0, "reasoning_effort": "none"}),
        ("o4-mini", {"temperature": 1, "max_completion_tokens": 2000}),
        ("gpt-4.1-mini", {"temperature": 0, "max_tokens": 100, "seed": 1}),
        ("a-model-unheard-of", {"reasoning_effort": "low"}),
    ],
)
def test_a_model_takes_what_it_does(client: openai.OpenAI, model: str, settings: dict[str, Any]) -> None:
    reply = client.chat.completions.create(**body_of("x", model=model, **settings))
    assert reply.model == f"{model}-2026-09-01"


def test_a_bad_parameter_fails_each_line_of_a_batch(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    fake.auto = "at once"
    bodies = [body_of("x", model="o4-mini", temperature=0)] * 2
    batch = client.batches.retrieve(create(client, [line_of(str(n), "", body=b) for n, b in enumerate(bodies)]).id)
    assert (batch.status, batch.output_file_id, batch.request_counts.failed) == ("completed", None, 2)
    assert b"unsupported_value" in client.files.content(batch.error_file_id or "").content
    assert not fake.billed


def test_models_and_schemas_are_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="does not exist"):
        client.chat.completions.create(**body_of("x", model="retired-1"))
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("retired-1")
    body = body_of("x", RESPONSES)
    body["text"]["format"]["schema"] = {**SCHEMA, "additionalProperties": True}
    with pytest.raises(openai.BadRequestError, match="additionalProperties"):
        client.responses.create(**body)
