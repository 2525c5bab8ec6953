"""The fake service keeps the contract that the engines are tested against: the real SDK speaks to it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from fake_openai import FakeOpenAI
from fake_process import FakeProcess
from scripted import expected_label

from codebook.dialects import Prompt, fence, read_reply, write_body
from codebook.records import CHAT, EMBEDDINGS, RESPONSES, dump_line, read_lines

LABEL = {"type": "string", "enum": ["coal", "sports", "travel"]}
SCHEMA = {"type": "object", "properties": {"label": LABEL}, "required": ["label"], "additionalProperties": False}
MODEL = "gpt-6-luna"
LostError = openai.APIConnectionError


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeOpenAI]:
    with FakeOpenAI(tmp_path / "service", other_keys=("another-project",)) as service:
        yield service


@pytest.fixture
def connect(fake: FakeOpenAI) -> Iterator[Callable[..., openai.OpenAI]]:
    made: list[openai.OpenAI] = []

    def connect(key: str = "", max_retries: int = 0, **options: Any) -> openai.OpenAI:
        options = {"timeout": 20, **options}
        made.append(openai.OpenAI(api_key=key or fake.key, base_url=fake.base_url, max_retries=max_retries, **options))
        return made[-1]

    yield connect
    for client in made:
        client.close()


@pytest.fixture
def client(connect: Callable[..., openai.OpenAI]) -> openai.OpenAI:
    return connect()


def body_of(text: str, url: str = CHAT, model: str = MODEL, **settings: Any) -> dict[str, Any]:
    return write_body(Prompt("Code it.", fence(text), "answer", SCHEMA, settings=settings), url, model)


def line_of(name: str, text: str, url: str = CHAT, **changes: Any) -> dict[str, Any]:
    return {"custom_id": name, "method": "POST", "url": url, "body": body_of(text, url)} | changes


def upload(client: openai.OpenAI, lines: list[Any]) -> str:
    raw = b"".join(line if isinstance(line, bytes) else dump_line(line) for line in lines)
    return client.files.create(file=("lines.jsonl", raw), purpose="batch").id


def create(client: openai.OpenAI, lines: list[Any], url: str = CHAT, **options: Any) -> Any:
    file_id = upload(client, lines)
    return client.batches.create(input_file_id=file_id, endpoint=url, completion_window="24h", **options)  # type: ignore[arg-type]


def read_file(client: openai.OpenAI, file_id: str | None, tmp_path: Path) -> dict[str, Any]:
    """The lines of a result file by custom_id; {} where there is none."""
    if file_id is None:
        return {}
    path = tmp_path / "down.jsonl"
    path.write_bytes(client.files.content(file_id).content)
    return {line["custom_id"]: line for line in read_lines(path)}


@pytest.mark.parametrize("url", [CHAT, RESPONSES])
def test_a_batch_goes_its_way_and_answers_every_request_once(
    fake: FakeOpenAI, client: openai.OpenAI, tmp_path: Path, url: str
) -> None:
    texts = {f"u{n}": f"text {n}" for n in range(20)}
    batch = create(client, [line_of(name, text, url) for name, text in texts.items()], url, metadata={"run": "r1"})
    states = [batch.status] + [client.batches.retrieve(batch.id).status for _ in range(4)]
    assert states == ["validating", "in_progress", "finalizing", "completed", "completed"]
    batch = client.batches.retrieve(batch.id)
    assert (batch.request_counts.completed, batch.error_file_id, batch.metadata) == (20, None, {"run": "r1"})
    assert batch.created_at <= batch.in_progress_at <= batch.finalizing_at <= batch.completed_at < batch.expires_at
    found = read_file(client, batch.output_file_id, tmp_path)
    assert list(found) != list(texts)
    assert {name: read_reply(line).text for name, line in found.items()} == {
        name: expected_label(Prompt("", "", "", SCHEMA), text) for name, text in texts.items()
    }
    tokens = sum(read_reply(line).tokens_in for line in found.values())
    assert (batch.usage.input_tokens, batch.model) == (tokens, f"{MODEL}-2026-09-01")
    assert set(fake.billed.values()) == {1}
    assert {name for name, _ in fake.billed} == set(texts)


ORDERS = {
    "refuse": "refused",
    "filter": "refused",
    "policy": "refused",
    "truncate": "truncated",
    "incomplete": "truncated",
    "thought": "truncated",
    "empty": "invalid",
    "nulls": "invalid",
    "failed": "failed",
    "400": "failed",
    "500": "failed",
    "429": "failed",
    "expired": "expired",
    "status 0": "failed",
    "reasoning": None,
    "notjson": None,
    "outside": None,
}
BAD_LINES = {"policy", "400", "500", "429", "expired", "status 0"}


@pytest.mark.parametrize("url", [CHAT, RESPONSES])
def test_a_text_orders_its_answer(fake: FakeOpenAI, client: openai.OpenAI, tmp_path: Path, url: str) -> None:
    fake.auto = "at once"
    lines = [line_of(order.replace(" ", "_"), f"[{order}] is ordered", url) for order in ORDERS]
    batch = client.batches.retrieve(create(client, lines, url).id)
    good, bad = (read_file(client, name, tmp_path) for name in (batch.output_file_id, batch.error_file_id))
    assert {read_reply(line).custom_id for line in bad.values()} == {name.replace(" ", "_") for name in BAD_LINES}
    found = {name.replace("_", " "): read_reply(line) for name, line in (good | bad).items()}
    assert {name: answer.why for name, answer in found.items()} == ORDERS
    assert (found["notjson"].text, found["outside"].text) == ("I think coal.", '{"label":"chess"}')
    assert batch.request_counts.failed == len(BAD_LINES) - 1  # a line of status 0 is counted as completed


def test_lines_are_lost_doubled_and_strange_where_ordered(
    fake: FakeOpenAI, client: openai.OpenAI, tmp_path: Path
) -> None:
    fake.auto = "at once"
    lines = [line_of(order, f"[{order}]") for order in ("drop", "twice", "stranger")]
    batch = client.batches.retrieve(create(client, lines).id)
    raw = client.files.content(batch.output_file_id).content
    names = [json.loads(line)["custom_id"] for line in raw.split(b"\n")[:-1]]
    assert sorted(names) == ["nobody.asked", "stranger", "twice", "twice"]
    assert batch.request_counts.completed == len(fake.billed) == 3


@pytest.mark.parametrize(
    ("url", "cap"), [(CHAT, "max_completion_tokens"), (CHAT, "max_tokens"), (RESPONSES, "max_output_tokens")]
)
def test_a_larger_cap_makes_a_truncated_answer_whole(
    fake: FakeOpenAI, client: openai.OpenAI, tmp_path: Path, url: str, cap: str
) -> None:
    fake.auto = "at once"
    bodies = [body_of("[truncate]", url, "gpt-4.1-mini", **{cap: n}) for n in (999, 1000)]
    lines = [line_of(str(n), "", url, body=body) for n, body in enumerate(bodies)]
    batch = client.batches.retrieve(create(client, lines, url).id)
    whys = {name: read_reply(line).why for name, line in read_file(client, batch.output_file_id, tmp_path).items()}
    assert whys == {"0": "truncated", "1": None}


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


def test_expiry_is_taken_or_unknown(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    fake.auto, hour = "at once", {"anchor": "created_at", "seconds": 3600}
    batch = client.batches.retrieve(create(client, [GOOD], output_expires_after=hour).id)
    fake.advance(hours=2)
    with pytest.raises(openai.NotFoundError, match="No such File"):
        client.files.content(batch.output_file_id)
    assert client.files.retrieve(batch.input_file_id).expires_at == batch.created_at + 30 * 86_400
    fake.refuse_expiry = True
    with pytest.raises(openai.BadRequestError, match="output_expires_after"):
        create(client, [GOOD], output_expires_after=hour)
    with pytest.raises(openai.BadRequestError, match="expires_after"):
        client.files.create(file=("a", b"x"), purpose="batch", expires_after=hour)  # type: ignore[arg-type]


@pytest.mark.parametrize("writes", [True, False])
def test_an_expired_batch_keeps_what_was_done(
    fake: FakeOpenAI, client: openai.OpenAI, tmp_path: Path, writes: bool
) -> None:
    fake.auto, fake.writes_expired_lines = False, writes
    batch = create(client, [line_of(str(n), "x") for n in range(5)])
    fake.progress(batch.id, done=2)
    assert client.batches.retrieve(batch.id).request_counts.completed == 2
    fake.advance(hours=25)
    batch = client.batches.retrieve(batch.id)
    assert (batch.status, len(fake.billed)) == ("expired", 2)
    left = read_file(client, batch.error_file_id, tmp_path)
    assert len(read_file(client, batch.output_file_id, tmp_path)) == 2
    assert [line["error"]["code"] for line in left.values()] == ["batch_expired"] * 3 * writes


def test_a_cancelled_batch_keeps_what_was_done(fake: FakeOpenAI, client: openai.OpenAI, tmp_path: Path) -> None:
    batch = create(client, [line_of(str(n), "x") for n in range(5)])
    client.batches.retrieve(batch.id)
    assert client.batches.cancel(batch.id).status == "cancelling"
    batch = client.batches.retrieve(batch.id)
    assert (batch.status, batch.error_file_id) == ("cancelled", None)
    assert len(read_file(client, batch.output_file_id, tmp_path)) == len(fake.billed) == 2
    with pytest.raises(openai.ConflictError, match="Cannot cancel"):
        client.batches.cancel(batch.id)


def test_batches_are_listed_newest_first_in_pages(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    file_id = upload(client, [GOOD])
    make = {"input_file_id": file_id, "endpoint": CHAT, "completion_window": "24h"}
    made = [client.batches.create(**make).id for _ in range(25)]  # type: ignore[arg-type]
    page = client.batches.list()
    assert ([batch.id for batch in page.data], page.has_more) == (made[:4:-1], True)
    assert [batch.id for batch in client.batches.list(limit=10)] == made[::-1]
    assert len(fake.calls("batches.list")) == 4
    with pytest.raises(openai.BadRequestError, match="limit"):
        client.batches.list(limit=101)
    fake.fault("batches.list", "stale", newest=2)
    assert client.batches.list(limit=1).data[0].id == made[-3]


def test_projects_do_not_see_each_other(
    fake: FakeOpenAI, client: openai.OpenAI, connect: Callable[..., openai.OpenAI]
) -> None:
    batch, other = create(client, [GOOD]), connect("another-project")
    assert not other.batches.list().data
    for call in (other.batches.retrieve, other.batches.cancel):
        with pytest.raises(openai.NotFoundError):
            call(batch.id)
    with pytest.raises(openai.NotFoundError):
        other.files.content(batch.input_file_id)
    with pytest.raises(openai.AuthenticationError, match="Incorrect API key"):
        connect("wrong-key").batches.list()
    assert "authorization" not in fake.requests[0].headers


def test_batches_and_files_vanish(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    fake.auto = "at once"
    batch = client.batches.retrieve(create(client, [GOOD]).id)
    fake.lose_file(batch.output_file_id)
    assert client.files.delete(batch.input_file_id).deleted
    for file_id in (batch.output_file_id, batch.input_file_id):
        with pytest.raises(openai.NotFoundError):
            client.files.retrieve(file_id)
    fake.forget(batch.id)
    with pytest.raises(openai.NotFoundError):
        client.batches.retrieve(batch.id)


def test_embeddings_in_a_batch(fake: FakeOpenAI, client: openai.OpenAI, tmp_path: Path) -> None:
    fake.auto = "at once"
    body = {"model": "text-embedding-3-small", "input": ["coal", "sports"], "dimensions": 8}
    batch = client.batches.retrieve(
        create(client, [line_of("e", "") | {"url": EMBEDDINGS, "body": body}], EMBEDDINGS).id
    )
    line = read_file(client, batch.output_file_id, tmp_path)["e"]
    assert [len(entry["embedding"]) for entry in line["response"]["body"]["data"]] == [8, 8]


def test_a_pre_made_body_makes_a_large_batch_quick(tmp_path: Path) -> None:
    lines = [line_of(f"u{n}", f"text {n} [refuse]") for n in range(5_000)]
    with (
        FakeOpenAI(tmp_path, reply="plain", auto="at once") as fake,
        openai.OpenAI(api_key=fake.key, base_url=fake.base_url) as client,
    ):
        batch = create(client, lines)
        start = time.process_time()
        batch = client.batches.retrieve(batch.id)
        assert time.process_time() - start < 2
        found = read_file(client, batch.output_file_id, tmp_path)
    assert set(found) == {f"u{n}" for n in range(5_000)}
    assert json.loads(read_reply(found["u1"]).text or "")["label"] in LABEL["enum"]


def test_a_test_may_answer_itself(tmp_path: Path) -> None:
    def reply(line: dict[str, Any]) -> dict[str, Any] | None:
        return {"choices": [], "model": "mine"} if line["custom_id"] == "a" else None

    with (
        FakeOpenAI(tmp_path, reply=reply, auto="at once") as fake,
        openai.OpenAI(api_key=fake.key, base_url=fake.base_url) as client,
    ):
        batch = client.batches.retrieve(create(client, [GOOD, line_of("b", "x")]).id)
        found = read_file(client, batch.output_file_id, tmp_path)
    assert found["a"]["response"]["body"]["model"] == "mine"
    assert read_reply(found["b"]).text


def test_the_service_outlives_its_clients(tmp_path: Path) -> None:
    script = (
        "import openai, sys\n"
        "with openai.OpenAI(api_key=sys.argv[2], base_url=sys.argv[1]) as client:\n"
        "    client.batches.create(input_file_id='file-x', endpoint='/v1/responses', completion_window='24h')\n"
    )
    with FakeProcess(tmp_path, auto="no") as service:
        subprocess.run([sys.executable, "-c", script, service.base_url, service.key], check=True)
        service.do("settle")
        service.set(auto=True)
        state = service.state()
    assert state["n_created"] == 1
    assert [batch["status"] for batch in state["batches"].values()] == ["failed"]
    assert [call[:2] for call in state["calls"]] == [["batches.create", 200]]
