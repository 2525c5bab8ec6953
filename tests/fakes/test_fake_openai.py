"""The fake service keeps the contract that the engines are tested against: the real SDK speaks to it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from codebook.dialects import Prompt, read_reply
from codebook.records import CHAT, EMBEDDINGS, RESPONSES
from fakes.fake_help import LABEL, MODEL, SCHEMA, Connect, body_of, connecting, create, line_of, read_file, upload
from fakes.fake_openai import FakeOpenAI
from fakes.fake_process import FakeProcess
from fakes.scripted import expected_label

GOOD = line_of("a", "x")


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeOpenAI]:
    with FakeOpenAI(tmp_path / "service", other_keys=("another-project",)) as service:
        yield service


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


def test_u12_a_stopped_clock_stamps_one_second_until_it_is_put_forward(fake: FakeOpenAI) -> None:
    ticks = iter(range(1_800_000_000, 1_800_000_900))
    fake.clock = lambda: float(next(ticks))  # a second passes with every look
    assert fake.now() < fake.now()
    fake.stop_clock()
    assert fake.now() == fake.now()
    before = fake.now()
    fake.advance(hours=2)
    assert fake.now() == before + 7200


def test_u12_ctrl_c_is_heard_where_it_was_ignored(press_ctrl_c: Callable[[], None]) -> None:
    with pytest.raises(KeyboardInterrupt):
        press_and_wait(press_ctrl_c)


def press_and_wait(press: Callable[[], None]) -> None:
    press()
    threading.Event().wait(60)


def test_expiry_is_taken_or_unknown(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    fake.auto, hour = "at once", {"anchor": "created_at", "seconds": 3600}
    fake.stop_clock()  # the file and the batch that was made of it right after bear the same second
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


def test_projects_do_not_see_each_other(fake: FakeOpenAI, client: openai.OpenAI, connect: Connect) -> None:
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
    with FakeOpenAI(tmp_path, reply="plain", auto="at once") as fake, connecting(fake) as connect:
        client = connect()
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

    with FakeOpenAI(tmp_path, reply=reply, auto="at once") as fake, connecting(fake) as connect:
        client = connect()
        batch = client.batches.retrieve(create(client, [GOOD, line_of("b", "x")]).id)
        found = read_file(client, batch.output_file_id, tmp_path)
    assert found["a"]["response"]["body"]["model"] == "mine"
    assert read_reply(found["b"]).text


def test_the_service_outlives_its_clients(tmp_path: Path) -> None:
    with FakeProcess(tmp_path, auto="no") as service:
        with openai.OpenAI(api_key=service.key, base_url=service.base_url) as client:
            client.batches.create(input_file_id="file-x", endpoint=CHAT, completion_window="24h")
        service.do("settle")
        service.set(auto=True)
        state = service.state()
    assert state["n_created"] == 1
    assert [batch["status"] for batch in state["batches"].values()] == ["failed"]
    assert [call[:2] for call in state["calls"]] == [["batches.create", 200]]
