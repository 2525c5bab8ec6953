"""The faults of the fake service and its live calls, seen by the real SDK."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest

from codebook.records import CHAT, RESPONSES
from fakes.fake_help import Connect, body_of, connecting, create, line_of, upload
from fakes.fake_openai import FakeOpenAI


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeOpenAI]:
    with FakeOpenAI(tmp_path / "service", other_keys=("another-project",)) as service:
        yield service


GOOD = line_of("a", "x")
MAKE: dict[str, Any] = {"input_file_id": "file-x", "endpoint": CHAT, "completion_window": "24h"}

CALLS: dict[str, Callable[[openai.OpenAI], Any]] = {
    "files.create": lambda client: upload(client, [GOOD]),
    "files.retrieve": lambda client: client.files.retrieve("file-x"),
    "files.content": lambda client: client.files.content("file-x"),
    "files.delete": lambda client: client.files.delete("file-x"),
    "files.list": lambda client: client.files.list(),
    "batches.create": lambda client: client.batches.create(**MAKE),
    "batches.retrieve": lambda client: client.batches.retrieve("batch_x"),
    "batches.list": lambda client: client.batches.list(),
    "batches.cancel": lambda client: client.batches.cancel("batch_x"),
    "chat": lambda client: client.chat.completions.create(**body_of("x")),
    "responses": lambda client: client.responses.create(**body_of("x", RESPONSES)),
    "embeddings": lambda client: client.embeddings.create(model="text-embedding-3-small", input="x"),
    "models.list": lambda client: client.models.list(),
}


@pytest.mark.parametrize("call", CALLS)
def test_faults_of_the_wire_strike_any_call(fake: FakeOpenAI, client: openai.OpenAI, call: str) -> None:
    cut = fake.fault(call, "disconnect", times=2)
    busy = fake.fault(call, "status", status=503, code="overloaded")
    for _ in range(2):
        with pytest.raises(openai.APIConnectionError):
            CALLS[call](client)
    with pytest.raises(openai.InternalServerError) as caught:
        CALLS[call](client)
    assert (caught.value.status_code, caught.value.code) == (503, "overloaded")
    assert (cut.n_fired, busy.n_fired) == (2, 1)
    assert not fake.files
    assert not fake.batches
    assert not fake.billed


@pytest.mark.parametrize(("max_retries", "n_made"), [(0, 1), (2, 2)])
def test_a_lost_answer_makes_a_second_batch_where_the_sdk_retries(
    fake: FakeOpenAI, connect: Connect, max_retries: int, n_made: int
) -> None:
    client, fault = connect(max_retries=max_retries), fake.fault("batches.create", "lost answer")
    if max_retries:
        client.batches.create(**MAKE)
    else:
        with pytest.raises(openai.APIConnectionError):
            client.batches.create(**MAKE)
    assert (fake.n_created, fault.n_fired, len(client.batches.list().data)) == (n_made, 1, n_made)


def test_a_fault_waits_for_calls_that_go_well(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    fault = fake.fault("batches.list", "status", times=None, after=2)
    assert [client.batches.list().data for _ in range(2)] == [[], []]
    for _ in range(3):
        with pytest.raises(openai.InternalServerError):
            client.batches.list()
    fake.clear_faults()
    assert (client.batches.list().data, fault.n_fired) == ([], 3)


def test_a_lost_answer_loses_no_work(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    for call in ("files.create", "chat", "responses"):
        fake.fault(call, "lost answer")
        with pytest.raises(openai.APIConnectionError):
            CALLS[call](client)
    assert (len(fake.files), fake.billed.total()) == (1, 2)


@pytest.mark.parametrize(("work", "n_made"), [(True, 1), (False, 0)])
def test_a_call_hangs(tmp_path: Path, work: bool, n_made: int) -> None:
    with FakeOpenAI(tmp_path) as fake, connecting(fake) as connect:
        fake.fault("batches.create", "timeout", seconds=60, work=work)
        with pytest.raises(openai.APITimeoutError):
            connect(timeout=0.5).batches.create(**MAKE)
        while fake.n_created < n_made:  # the service may come to its work after the client has gone
            time.sleep(0.01)
    assert fake.n_created == n_made


def test_a_short_hang_is_only_slow(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    fake.fault("batches.create", "timeout", seconds=0.2)
    start = time.monotonic()
    client.batches.create(**MAKE)
    assert (time.monotonic() - start >= 0.2, fake.n_created) == (True, 1)


@pytest.mark.parametrize("status", [401, 403, 404, 409, 429, 500])
def test_any_status_is_answered(fake: FakeOpenAI, client: openai.OpenAI, status: int) -> None:
    fake.fault("batches.list", "status", status=status, code="some_code", retry_after=7)
    with pytest.raises(openai.APIStatusError) as caught:
        client.batches.list()
    assert (caught.value.status_code, caught.value.code) == (status, "some_code")
    assert caught.value.response.headers["retry-after"] == "7"
    assert caught.value.request_id.startswith("req_")
    assert client.batches.list().data == []


def end_batch(fake: FakeOpenAI, client: openai.OpenAI) -> Any:
    fake.auto = "at once"
    return client.batches.retrieve(
        create(client, [*(line_of(str(n), "x") for n in range(9)), line_of("e", "[400]")]).id
    )


def test_a_download_is_cut(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    file_id = end_batch(fake, client).output_file_id
    whole = client.files.content(file_id).content
    fake.fault("files.content", "truncate", n=100)
    with pytest.raises(openai.APIConnectionError):
        client.files.content(file_id)
    fake.fault("files.content", "truncate", n=100, lying=True)
    assert client.files.content(file_id).content == whole[:100]
    fake.fault("files.content", "shuffle")
    shuffled = client.files.content(file_id).content
    assert shuffled != whole
    assert sorted(shuffled.split(b"\n")) == sorted(whole.split(b"\n"))
    assert client.files.content(file_id).content == whole


def test_what_a_retrieve_says_of_an_ended_batch_may_be_wrong(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    good = end_batch(fake, client)

    def see(kind: str, **options: Any) -> Any:
        fake.fault("batches.retrieve", kind, **options)
        return client.batches.retrieve(good.id)

    assert see("unknown status").status == "brewing"
    assert see("counts lie").request_counts.completed == 11
    assert see("counts lie", counts=None).request_counts is None
    assert see("no output").output_file_id is None
    assert see("no errors file").error_file_id is None
    only = see("error file only")
    assert only.output_file_id is None
    assert client.files.content(only.error_file_id).content.count(b"\n") == 10
    assert client.batches.retrieve(good.id) == good


def test_faults_of_the_end_wait_for_it(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    batch = create(client, [GOOD])
    fault = fake.fault("batches.retrieve", "no output")
    fake.fault("batches.retrieve", "slow validation", times=2)
    seen = [client.batches.retrieve(batch.id) for _ in range(6)]
    words = ["validating", "validating", "in_progress", "finalizing", "completed", "completed"]
    assert [batch.status for batch in seen] == words
    assert [bool(batch.output_file_id) for batch in seen[-2:]] == [False, True]
    assert fault.n_fired == 1


def test_something_else_than_a_reply_comes_at_status_200(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    """The SDK takes it all for its own types, or breaks with an error that is none of its own."""
    for kind in ("page", "half JSON", "other JSON"):
        fake.fault("batches.create", kind)
    assert "Please log in" in str(CALLS["batches.create"](client))
    with pytest.raises(json.JSONDecodeError):
        CALLS["batches.create"](client)
    assert CALLS["batches.create"](client) == "ok"
    assert fake.n_created == 3, "the work is done"


def test_lists_and_records_may_be_odd(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    names = [CALLS["batches.create"](client).id for _ in range(3)]
    for kind in ("oldest first", "stuck", "endless"):
        fake.fault("batches.list", kind)
    fake.fault("batches.list", "without", fields=("metadata", "created_at"))
    assert [batch.id for batch in client.batches.list(limit=2).data] == names[:2]
    stuck = client.batches.list(limit=2, after=names[1])
    assert ([batch.id for batch in stuck.data], stuck.has_more) == (names[:0:-1], True)
    assert client.batches.list(limit=10).has_more
    assert {batch.created_at for batch in client.batches.list().data} == {None}


def test_files_may_be_late_of_another_size_or_not_ready(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    file_id = upload(client, [GOOD])
    size = client.files.retrieve(file_id).bytes
    for call in ("files.retrieve", "files.content"):
        fake.fault(call, "late")
        with pytest.raises(openai.NotFoundError):
            getattr(client.files, call.removeprefix("files."))(file_id)
    fake.fault("files.retrieve", "wrong bytes", by=-7)
    fake.fault("files.retrieve", "bytes as text")
    assert [client.files.retrieve(file_id).bytes for _ in range(3)] == [size - 7, f"{size} bytes", size]
    fake.fault("batches.create", "file pending")
    with pytest.raises(openai.BadRequestError, match="must be processed"):
        CALLS["batches.create"](client)


def test_live_calls_are_limited(fake: FakeOpenAI, client: openai.OpenAI, connect: Connect) -> None:
    fake.rate_limit(2, burst=2)
    raw = client.chat.completions.with_raw_response.create(**body_of("x"))
    assert (raw.headers["x-ratelimit-limit-requests"], raw.headers["x-ratelimit-remaining-requests"]) == ("120", "1")
    assert raw.headers["x-request-id"].startswith("req_")
    assert CALLS["chat"](client).choices
    with pytest.raises(openai.RateLimitError) as caught:
        [CALLS["chat"](client) for _ in range(50)]
    assert 0 < float(caught.value.response.headers["retry-after"]) <= 0.5
    assert caught.value.code == "rate_limit_exceeded"
    assert connect(max_retries=5).chat.completions.create(**body_of("x")).choices
    fake.rate_limit(None)
    assert all(CALLS["chat"](client).choices for _ in range(20))


def test_live_calls_run_side_by_side_and_take_their_time(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    fake.latency_s = 0.2
    start = time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: CALLS["chat"](client), range(4)))
    assert (len(replies), fake.peak_live > 1, fake.n_live) == (4, True, 0)
    assert time.monotonic() - start >= 0.2
    assert fake.calls("chat")[0].body == body_of("x")
    assert fake.calls("chat")[0].status == 200


def test_a_live_text_orders_its_answer(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    for order, error in (("400", openai.BadRequestError), ("500 once", openai.InternalServerError)):
        with pytest.raises(error):
            client.chat.completions.create(**body_of(f"[{order}]"))
    with pytest.raises(openai.APIConnectionError):
        client.responses.create(**body_of("[drop]", RESPONSES))
    assert not fake.billed
    assert client.chat.completions.create(**body_of("[500 once]")).choices[0].message.content
    reply = client.responses.create(**body_of("[reasoning]", RESPONSES), extra_headers={"X-Client-Request-Id": "u1"})
    assert ([item.type for item in reply.output], reply.usage.output_tokens_details.reasoning_tokens) == (
        ["reasoning", "message"],
        64,
    )
    assert {name for name, _ in fake.billed} == {"", "u1"}


@pytest.mark.parametrize("url", [CHAT, RESPONSES])
def test_log_probabilities_join_to_the_answer(client: openai.OpenAI, url: str) -> None:
    if url == CHAT:
        choice = client.chat.completions.create(**body_of("x", logprobs=True, top_logprobs=3)).choices[0]
        text, tokens = choice.message.content, choice.logprobs.content
    else:
        settings = {"include": ["message.output_text.logprobs"], "top_logprobs": 3}
        part = client.responses.create(**body_of("x", url, **settings)).output[0].content[0]
        text, tokens = part.text, part.logprobs
    assert "".join(token.token for token in tokens) == text
    assert all(token.logprob <= 0 and len(token.top_logprobs) == 3 for token in tokens)


@pytest.mark.parametrize("form", ["float", "base64", None])
def test_embeddings_are_near_where_words_are_shared(client: openai.OpenAI, form: Any) -> None:
    options = {"encoding_format": form} if form else {}
    texts = ["coal mines close", "coal mines open", "a football match"]
    reply = client.embeddings.create(model="text-embedding-3-small", input=texts, **options)
    if form == "base64":
        assert all(isinstance(entry.embedding, str) for entry in reply.data)
        return
    first, second, third = (entry.embedding for entry in reply.data)
    assert (len(first), reply.usage.total_tokens > 0) == (1536, True)
    assert sum(a * b for a, b in zip(first, second, strict=True)) > 0.5
    assert abs(sum(a * b for a, b in zip(first, third, strict=True))) < 0.2


@pytest.mark.parametrize("given", [[""], ["x"] * 2049, ["x" * 40_000]], ids=["empty", "many", "long"])
def test_embeddings_have_limits(client: openai.OpenAI, given: list[str]) -> None:
    with pytest.raises(openai.BadRequestError):
        client.embeddings.create(model="text-embedding-3-small", input=given)
