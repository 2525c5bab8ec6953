"""The live engine against a server on loopback: what it asks, keeps, tries again, stops at, and what a death costs."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, formatdate
from pathlib import Path
from typing import Any

import pytest
from fakes.loopback import PLAIN, Call, Limited, Loopback, Response, hold_port, say
from fakes.scripted import expected_label, make_book
from quick_time import NOW, Service

from codebook.dialects import read_prompt, read_reply, unfence, write_reply
from codebook.dialects.resultlines import read_object
from codebook.engines.openai_live import OpenAILiveEngine
from codebook.engines.openai_live.crew import Crew, Patience
from codebook.errors import BudgetError, EngineError, MissingKeyError, ParameterError, PendingError, UnreachableError
from codebook.files.lines import digest_file, iter_lines, read_lines, write_lines
from codebook.records import CHAT, EMBEDDINGS, RESPONSES, Shard, Unit
from codebook.run import plan

KEY = "sk-live-0123456789abcdefghij"


def write_shard(folder: Path, bodies: list[Any], url: str = CHAT) -> Shard:
    """A shard whose custom_ids are c0, c1 ...; a text stands for the body that asks it."""
    path = folder / "shard.jsonl"
    asked = [
        {"model": "m", "messages": [{"role": "user", "content": body}]} if isinstance(body, str) else body
        for body in bodies
    ]
    write_lines(
        path,
        ({"custom_id": f"c{n}", "method": "POST", "url": url, "body": body} for n, body in enumerate(asked)),
    )
    return Shard(path, digest_file(path), url, "m", len(bodies), path.stat().st_size, 0)


def make(folder: Path, server: Loopback, **options: Any) -> OpenAILiveEngine:
    given = {"model": "m", "provider": "vllm", "base_url": server.base_url} | options
    return OpenAILiveEngine(folder / "work", **given)


def lines_of(engine: OpenAILiveEngine, job_id: str, folder: Path) -> dict[str, dict[str, Any]]:
    (path,) = engine.fetch(job_id, folder / "into")
    lines = list(read_lines(path))
    found = {line["custom_id"]: line for line in lines}
    assert len(found) == len(lines)
    return found


def answer_all(tmp_path: Path, server: Loopback, bodies: list[Any], **options: Any) -> dict[str, dict[str, Any]]:
    engine = make(tmp_path, server, **options)
    return lines_of(engine, engine.submit(write_shard(tmp_path, bodies), "job"), tmp_path)


def nobody() -> Loopback:
    """The address of a server that does not run: calls are answered in quick time."""
    return Loopback(port=9)


def text_of(call: Call) -> str:
    return str(call.json["messages"][-1]["content"])


# --- what is asked and kept


def code_as_scripted(call: Call) -> Response:
    prompt = read_prompt(call.json, call.path)
    reply = expected_label(prompt, unfence(prompt.user))
    return Response(body=json.dumps(write_reply(call.path, "m-2026", reply, request_id="r", usage=(10, 2))).encode())


def test_the_seconds_of_a_live_answer_are_those_of_its_call(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter([10.0, 12.5, 20.0, 20.25])
    monkeypatch.setattr("codebook.engines.openai_live.calls.monotonic", lambda: next(times))
    with Loopback(code_as_scripted) as server:
        options = {"provider": "vllm", "base_url": server.base_url, "concurrency": 1}
        units = [Unit("a", "On coal."), Unit("b", "On sports.")]
        run = plan(make_book("topic"), units, run="r", engine="openai_live", model="m", options=options)
        run.submit()
        run.collect()
    assert list(run.table()["seconds"]) == [2.5, 0.25], "not those of the whole job"


@pytest.mark.parametrize("url", [CHAT, RESPONSES])
def test_a_run_is_labelled_live(url: str, project: Path) -> None:
    units = [Unit(f"u{n}", f"Sentence {n} — naïve, 日本語, \u2028 \x85 and 🙂.") for n in range(40)]
    with Loopback(code_as_scripted) as server:
        options = {"provider": "vllm", "base_url": server.base_url, "concurrency": 8}
        run = plan(make_book("topic"), units, run="live", engine="openai_live", model="m", url=url, options=options)
        run.submit()
        run.collect()
        table = run.table()
        run.submit()
    assert server.n_calls == len(units)
    expected = {}
    for shard in sorted(run.folder.shards.iterdir()):
        for line in read_lines(shard):
            prompt = read_prompt(line["body"], line["url"])
            expected[line["custom_id"]] = json.loads(expected_label(prompt, unfence(prompt.user)))["label"]
    assert dict(zip(table["custom_id"], table["label"], strict=True)) == expected
    assert table["why"].isna().all()


def test_bodies_are_sent_and_kept_as_the_bytes_they_are(tmp_path: Path) -> None:
    seen: list[Call] = []
    reply = b' {"choices": [], "n": 1.50,\r\n "text": "\\u00e9 \\"x\\" \xe2\x80\xa8 \xc3\xa9"}\n'

    def answer(call: Call) -> Response:
        seen.append(call)
        return Response(body=reply, headers={"x-request-id": "req_7"})

    shard = write_shard(tmp_path, [{"model": "m", "messages": [], "temperature": 0.0, "text": 'é "body": 🙂'}])
    sent = next(iter_lines(shard.path))[1].split(b'"body":', 1)[1][:-1]
    with Loopback(answer) as server:
        engine = make(tmp_path, server)
        (path,) = engine.fetch(engine.submit(shard, "job"), tmp_path / "into")
    assert [call.body for call in seen] == [sent]
    assert (seen[0].path, seen[0].headers["content-type"]) == (CHAT, "application/json")
    assert seen[0].headers["user-agent"].startswith("OpenAI/Python")
    (line,) = read_lines(path)
    assert line["response"] == {"status_code": 200, "request_id": "req_7", "body": json.loads(reply)}
    assert line["error"] is None
    assert path.read_bytes().count(b"\n") == 1
    assert b'"n": 1.50,' in path.read_bytes()


def test_a_stream_is_never_asked_for(tmp_path: Path) -> None:
    seen: list[Any] = []

    def answer(call: Call) -> Response:
        seen.append(call.json)
        return Response()

    with Loopback(answer) as server:
        answer_all(tmp_path, server, [{"model": "m", "stream": True, "stream_options": {}, "messages": ["stream"]}])
    assert seen == [{"model": "m", "messages": ["stream"]}]


def test_embeddings_and_five_megabytes_go_through(tmp_path: Path) -> None:
    big = "Ä" * 2_500_000

    def answer(call: Call) -> Response:
        return Response(body=json.dumps({"data": [], "echo": call.json["input"]}, ensure_ascii=False).encode())

    with Loopback(answer) as server:
        engine = make(tmp_path, server)
        shard = write_shard(tmp_path, [{"model": "m", "input": text} for text in (big, "b")], EMBEDDINGS)
        found = lines_of(engine, engine.submit(shard, "job"), tmp_path)
    assert found["c0"]["response"]["body"]["echo"] == big
    assert found["c1"]["response"]["body"]["echo"] == "b"


def test_the_sdks_headers_are_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"OPENAI_API_KEY": KEY, "OPENAI_ORG_ID": "org-1", "OPENAI_PROJECT_ID": "proj-1"}.items():
        monkeypatch.setenv(name, value)
    seen: list[Call] = []

    def answer(call: Call) -> Response:
        seen.append(call)
        return Response()

    with Loopback(answer) as server:
        answer_all(tmp_path, server, ["a"], provider="openai")
    headers = seen[0].headers
    assert headers["authorization"] == f"Bearer {KEY}"
    assert (headers["openai-organization"], headers["openai-project"]) == ("org-1", "proj-1")


def test_no_more_calls_are_open_than_allowed(tmp_path: Path) -> None:
    with Loopback(Limited(latency_s=0.02)) as server:
        found = answer_all(tmp_path, server, [f"{n}" for n in range(200)], concurrency=17)
    assert len(found) == server.n_calls == 200
    assert 8 < server.most_open <= 17


def test_it_works_where_an_event_loop_runs_already(tmp_path: Path) -> None:
    async def cell(server: Loopback) -> int:
        return len(answer_all(tmp_path, server, ["a", "b"]))

    with Loopback() as server:
        assert asyncio.run(cell(server)) == 2


def test_progress_shows_rate_and_spend_and_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Loopback() as server:
        answer_all(tmp_path, server, ["private words"] * 3, progress=True, price=lambda body: 0.004)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "3/3" in shown.err
    assert "$0.012" in shown.err
    assert "request/s" in shown.err
    assert "private" not in shown.err


# --- what is tried again


@pytest.mark.parametrize(
    "told", [{"retry_after": "1"}, {"retry_after_ms": "1000", "retry_after": "9"}, {"retry_after": formatdate(NOW + 1)}]
)
def test_after_a_429_nobody_calls_until_retry_after_is_over(
    told: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(call: Call) -> Response:
        return say(429, "slow down", "rate_limit_exceeded", **told) if call.number == 3 else Response(delay_s=0.005)

    service = Service(answer, monkeypatch)
    found = answer_all(tmp_path, nobody(), [f"{n}" for n in range(40)], concurrency=4)
    assert {line["response"]["status_code"] for line in found.values()} == {200}
    assert len(service.calls) == 41
    later = [at for at in service.calls if at > service.calls[2]]
    assert min(later) >= 0.99


def test_a_500_a_503_and_a_lost_answer_are_tried_again(tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    first = {
        "500": say(500, "oops"),
        "503": say(503, "busy", retry_after_ms="20"),
        "408": say(408),
        "409": say(409),
        "lost": Response(body=b"", drop=True),
        "half": Response(drop=True),
    }

    def answer(call: Call) -> Response:
        text = text_of(call)
        seen[text] += 1
        return first.get(text, Response()) if seen[text] == 1 else Response()

    with Loopback(answer) as server:
        found = answer_all(tmp_path, server, [*first, "good"])
    assert [line["response"]["status_code"] for line in found.values()] == [200] * 7
    assert seen == {**dict.fromkeys(first, 2), "good": 1}


def answer_slow(tmp_path: Path, server: Loopback, attempts: int) -> dict[str, dict[str, Any]]:
    engine = make(tmp_path, server, attempts=attempts)
    engine.timeout_s = 0.2
    return lines_of(engine, engine.submit(write_shard(tmp_path, ["slow"]), "job"), tmp_path)


def test_a_call_that_takes_too_long_is_made_again(tmp_path: Path) -> None:
    with Loopback(lambda call: Response(delay_s=600 if call.number == 1 else 0)) as server:
        found = answer_slow(tmp_path, server, attempts=100)
    assert found["c0"]["response"]["status_code"] == 200
    assert server.n_calls >= 2


def test_what_does_not_pass_is_the_answer_after_the_last_attempt(tmp_path: Path) -> None:
    def answer(call: Call) -> Response:
        match text_of(call):
            case "500":
                return Response(500, say(500, "still broken").body, {"x-request-id": "req_5"})
            case "502":
                return Response(502, b"<html>Bad Gateway</html>")
            case "lost":
                return Response(body=b"", drop=True)
        return Response()

    with Loopback(answer) as server:
        found = answer_all(tmp_path, server, ["500", "502", "lost", "good"], attempts=2)
    assert server.n_calls == 7
    said = found["c0"]["response"]
    assert (said["status_code"], said["request_id"], said["body"]["error"]["message"]) == (500, "req_5", "still broken")
    assert "Bad Gateway" in found["c1"]["response"]["body"]["error"]["message"]
    assert (found["c2"]["error"]["code"], found["c2"]["response"]) == ("connection_error", None)
    assert [read_reply(line).why for line in found.values()].count("failed") == 3


def test_a_call_that_always_takes_too_long_is_a_timeout(tmp_path: Path) -> None:
    with Loopback(lambda _: Response(delay_s=600)) as server:
        found = answer_slow(tmp_path, server, attempts=2)
    assert (found["c0"]["error"]["code"], found["c0"]["response"]) == ("timeout", None)
    assert [read_reply(line).why for line in found.values()] == ["failed"]


def test_a_refused_line_keeps_the_services_own_words_and_costs_one_call(tmp_path: Path) -> None:
    def answer(call: Call) -> Response:
        if text_of(call) == "bad":
            return say(400, "Unsupported value: 'temperature'", "unsupported_value", x_request_id="req_4")
        return Response()

    with Loopback(answer) as server:
        found = answer_all(tmp_path, server, ["a", "bad", "b"])
    assert server.n_calls == 3
    error = {"message": "Unsupported value: 'temperature'", "type": "x", "param": None, "code": "unsupported_value"}
    assert found["c1"]["response"] == {"status_code": 400, "request_id": "req_4", "body": {"error": error}}
    assert found["c1"]["error"] is None


def test_r01_a_reply_that_is_no_json_object_is_invalid_paid_and_kept_to_the_byte(tmp_path: Path) -> None:
    broken = PLAIN.replace(b"coal", b"co\xff\n\\q")
    bodies = {"list": b"[]", "text": b'"hello"' + b" " * 10_000, "cut": PLAIN[:-5], "broken": broken}
    prices: list[Any] = []

    def price(body: Any) -> float:
        prices.append(body)
        return 0.25

    with Loopback(lambda call: Response(body=bodies[text_of(call)])) as server:
        engine = make(tmp_path, server, price=price)
        (path,) = engine.fetch(engine.submit(write_shard(tmp_path, list(bodies)), "job"), tmp_path / "into")
    assert server.n_calls == 4, "what was paid is not asked again"
    assert prices == [{}] * 4
    lines = {line["custom_id"]: line for line in map(json.loads, path.read_bytes().splitlines())}
    assert {read_reply(line).why for line in lines.values()} == {"invalid"}
    for name, body in zip(("c0", "c1", "c2", "c3"), bodies.values(), strict=True):
        assert lines[name]["response"]["body"].encode("utf-8", "surrogateescape") == body
    assert engine.poll(engine.find("job") or "").n_done == 4


def test_r01_half_an_emoji_in_a_live_reply_costs_no_label_and_no_second_call(tmp_path: Path) -> None:
    half = PLAIN.replace(b'"content": ', b'"reasoning_content": "\\ud83d", "content": ')
    with Loopback(lambda call: Response(body=half if text_of(call) == "half" else PLAIN)) as server:
        engine = make(tmp_path, server)
        shard = write_shard(tmp_path, ["a", "half", "b"])
        (path,) = engine.fetch(engine.submit(shard, "job"), tmp_path / "into")
        job = engine._job(engine.find("job") or "")
        job.final.replace(job.part)  # as if it had been interrupted: nothing behind the odd line is lost
        engine.submit(shard, "job")
    assert server.n_calls == 3
    assert b'"\\ud83d"' in path.read_bytes()
    texts = [read_reply(read_object(line) or {}).text for line in path.read_bytes().splitlines()]
    assert texts == ['{"label":"coal"}'] * 3


PAGES = (
    b"<!DOCTYPE html><html>Please log in</html>",
    b"Service is starting",
    b"",
    b"\xef\xbb\xbf<html>",
    b"\xff\xfe" * 9,
)


@pytest.mark.parametrize("page", PAGES)
def test_r39_pages_in_place_of_all_replies_stop_the_job_and_nothing_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, page: bytes
) -> None:
    monkeypatch.setattr("codebook.engines.openai_live.crew.Patience", lambda: Patience(first_s=0.0, few_s=0.3))
    engine, shard = None, write_shard(tmp_path, ["a"] * 5)
    with Loopback(lambda _: Response(body=page)) as server:
        engine = make(tmp_path, server)
        with pytest.raises(UnreachableError, match=r"as from a login page or a proxy.*check base_url"):
            engine.submit(shard, "job")
    with Loopback(port=server.port) as back:
        job = engine.submit(shard, "job")
    assert back.n_calls == 5
    assert {line["response"]["status_code"] for line in lines_of(engine, job, tmp_path).values()} == {200}


def test_r39_pages_now_and_then_cost_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codebook.engines.openai_live.crew.draw_pause", lambda _: 0.0)
    with Loopback(lambda call: Response(body=PAGES[0] if call.number % 3 == 0 else PLAIN)) as server:
        found = answer_all(tmp_path, server, ["a"] * 60, attempts=50)
    assert {line["response"]["status_code"] for line in found.values()} == {200}
    assert server.n_calls == 60 * 3 // 2 - 1


def test_r39_a_page_for_one_question_only_is_its_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Something between here and the service holds back one text: the others are not kept waiting by it."""
    monkeypatch.setattr("codebook.engines.openai_live.crew.draw_pause", lambda _: 0.01)

    def answer(call: Call) -> Response:
        return Response(body=PAGES[0]) if text_of(call) == "bad" else Response(delay_s=0.02)

    with Loopback(answer) as server:
        found = answer_all(tmp_path, server, ["bad", *["good"] * 40], attempts=3, concurrency=2)
    assert found.pop("c0")["error"]["code"] == "page"
    assert {line["response"]["status_code"] for line in found.values()} == {200}


NOWHERE = {
    "text": (b"404 page not found", EngineError),
    "detail": (b'{"detail": "Not Found"}', EngineError),
    "invalid url": (say(404, "Invalid URL (POST /chat/completions)").body, EngineError),
    "page": (b"<html><h1>404 Not Found</h1></html>", UnreachableError),
}


@pytest.mark.parametrize("case", NOWHERE)
def test_r43_an_address_without_live_calls_stops_the_job_and_is_named(tmp_path: Path, case: str) -> None:
    body, kind = NOWHERE[case]
    with Loopback(lambda _: Response(404, body)) as server:
        base_url = server.base_url.removesuffix("/v1")
        for address, mend in (
            (base_url, rf"add /v1 to base_url \({base_url}/v1\)"),
            (server.base_url, "correct base_url"),
        ):
            engine = make(tmp_path, server, base_url=address)
            with pytest.raises(kind, match=f"{address}/chat/completions does not exist.*{mend}") as caught:
                engine.submit(write_shard(tmp_path, ["a", "b"]), "job")
            assert caught.type is kind


def test_r43_a_model_that_is_not_there_is_the_answer_to_its_line(tmp_path: Path) -> None:
    with Loopback(lambda _: say(404, "The model 'm' does not exist", "model_not_found")) as server:
        found = answer_all(tmp_path, server, ["a", "b"])
    assert {line["response"]["status_code"] for line in found.values()} == {404}


def test_the_services_word_on_retrying_counts(tmp_path: Path) -> None:
    def answer(call: Call) -> Response:
        told = {"never": say(500, x_should_retry="false"), "do": say(400, x_should_retry="true")}
        return told[text_of(call)]

    with Loopback(answer) as server:
        answer_all(tmp_path, server, ["never", "do"], attempts=3)
    assert server.n_calls == 1 + 3


# --- what stops the job


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_at_once_and_is_nowhere(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with Loopback(lambda _: say(status, f"Incorrect API key provided: {KEY}.", "invalid_api_key")) as server:
        engine = make(tmp_path, server, provider="openai")
        with pytest.raises(EngineError, match="check the key") as caught:
            engine.submit(write_shard(tmp_path, [f"{n}" for n in range(500)]), "job")
    assert server.n_calls <= 8
    assert KEY not in str(caught.value)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]
    assert engine.poll(engine.find("job") or "").n_done == 0


def test_a_key_in_an_error_of_the_service_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with Loopback(lambda _: say(400, f"{KEY} may not do this")) as server:
        found = answer_all(tmp_path, server, ["a"], provider="openai")
    assert found["c0"]["response"]["body"]["error"]["message"] == "[the key] may not do this"


def test_a_key_is_needed_for_the_first_call_only(tmp_path: Path) -> None:
    with Loopback() as server:
        engine = make(tmp_path, server, provider="openai")
        assert engine.limits.n_requests == 50_000
        assert engine.find("job") is None
        with pytest.raises(MissingKeyError, match="OPENAI_API_KEY"):
            engine.submit(write_shard(tmp_path, ["a"]), "job")
        assert engine.find("job") is None
    assert server.n_calls == 0


def test_an_account_without_credit_stops_the_job_and_keeps_the_answers(tmp_path: Path) -> None:
    credit = [True]

    def answer(call: Call) -> Response:
        if credit[0] and call.number > 20:
            return say(429, "You exceeded your current quota", "insufficient_quota")
        return Response()

    shard = write_shard(tmp_path, [f"{n}" for n in range(60)])
    with Loopback(answer) as server:
        engine = make(tmp_path, server, concurrency=4)
        with pytest.raises(EngineError, match="exceeded your current quota") as caught:
            engine.submit(shard, "job")
        assert not isinstance(caught.value, UnreachableError)
        assert engine.poll(engine.find("job") or "").n_done == 20
        assert server.n_calls <= 24
        credit[0], before = False, server.n_calls
        job = engine.submit(shard, "job")
        assert server.n_calls == before + 40
        assert len(lines_of(engine, job, tmp_path)) == 60


def test_a_service_that_asks_for_an_hour_is_not_waited_for(tmp_path: Path) -> None:
    with Loopback(lambda _: say(429, "daily limit", retry_after="3600")) as server:
        engine = make(tmp_path, server)
        with pytest.raises(UnreachableError, match="3,600 s"):
            engine.submit(write_shard(tmp_path, ["a"]), "job")


def test_an_unreachable_service_stops_the_job_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codebook.engines.openai_live.crew.Patience", lambda: Patience(first_s=0.0, few_s=0.3))
    for n in (1, 100):
        with hold_port() as port:
            engine = make(tmp_path / f"{n}", Loopback(port=port))
            (tmp_path / f"{n}").mkdir()
            shard = write_shard(tmp_path / f"{n}", ["a"] * n)
            with pytest.raises(UnreachableError, match="check base_url"):
                engine.submit(shard, "job")
            job = engine.find("job")
            assert job
            assert engine.poll(job) == type(engine.poll(job))("in_progress", n, 0, 0)
            with pytest.raises(PendingError), Loopback(port=port) as back:
                engine.fetch(job, tmp_path / "into")
            with Loopback(port=port) as back:
                engine.submit(shard, "job")
            assert back.n_calls == n


def test_an_address_that_sends_elsewhere_stops_the_job(tmp_path: Path) -> None:
    with Loopback(lambda _: Response(301, b"", {"Location": "https://example.org"})) as server:
        engine = make(tmp_path, server)
        with pytest.raises(EngineError, match="correct base_url") as caught:
            engine.submit(write_shard(tmp_path, ["a"]), "job")
    assert caught.type is EngineError


@pytest.mark.parametrize("status", [302, 303, 307])
def test_r39_a_login_page_elsewhere_may_go_away(tmp_path: Path, status: int) -> None:
    with Loopback(lambda _: Response(status, b"", {"Location": "https://example.org/login"})) as server:
        engine, shard = make(tmp_path, server), write_shard(tmp_path, ["a"])
        with pytest.raises(UnreachableError, match=r"example\.org/login"):
            engine.submit(shard, "job")
    with Loopback(port=server.port):
        job = engine.submit(shard, "job")
    assert len(lines_of(engine, job, tmp_path)) == 1


@pytest.mark.parametrize("hours", [-5, 5])
def test_r48_a_date_to_wait_for_is_read_by_the_service_s_clock(tmp_path: Path, hours: float) -> None:
    now = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours)
    told = {"Date": format_datetime(now, usegmt=True), "Retry-After": format_datetime(now, usegmt=True)}
    with Loopback(lambda call: say(429, "slow down", **told) if call.number == 1 else Response()) as server:
        found = answer_all(tmp_path, server, ["a"])
    assert (server.n_calls, found["c0"]["response"]["status_code"]) == (2, 200)


def test_the_cap_stops_before_it_is_crossed_and_goes_on_with_a_higher_one(tmp_path: Path) -> None:
    shard = write_shard(tmp_path, [f"{n}" for n in range(100)])
    with Loopback(Limited(latency_s=0.01)) as server:
        engine = make(tmp_path, server, price=lambda body: 0.01, cap=0.305)
        with pytest.raises(BudgetError, match="raise the cap"):
            engine.submit(shard, "job")
        assert server.n_calls == engine.poll(engine.find("job") or "").n_done == 30
        with pytest.raises(BudgetError):  # what is on disk counts, whoever asks
            make(tmp_path, server, price=lambda body: 0.01, cap=0.305).submit(shard, "job")
        assert server.n_calls == 30
        make(tmp_path, server, price=lambda body: 0.01, cap=2.0).submit(shard, "job")
    assert server.n_calls == 100


def test_a_cap_that_cannot_be_watched_stops_after_one_answer(tmp_path: Path) -> None:
    with Loopback() as server:
        with pytest.raises(BudgetError, match=r"prices\.yaml"):
            make(tmp_path, server, price=lambda body: None, cap=1.0).submit(write_shard(tmp_path, ["a"] * 9), "job")
        assert server.n_calls == 1
    with pytest.raises(ParameterError, match="give price="):
        make(tmp_path, server, cap=1.0)


def test_wrong_options_are_refused_together(tmp_path: Path) -> None:
    with pytest.raises(ParameterError) as caught:
        OpenAILiveEngine(tmp_path, concurrency=0, attempts=0)
    assert [fault.where for fault in caught.value.faults] == ["concurrency", "attempts", "model"]


# --- interruption


def test_cancel_keeps_what_is_answered(tmp_path: Path) -> None:
    shard = write_shard(tmp_path, [f"{n}" for n in range(100)])

    def answer(call: Call) -> Response:
        if call.number == 10:
            engine.cancel(engine.find("job") or "")
        return Response(delay_s=0.02)

    with Loopback(answer) as server:
        engine = make(tmp_path, server, concurrency=2)
        job = engine.submit(shard, "job")
        state = engine.poll(job)
        assert (state.state, state.n_total) == ("cancelled", 100)
        assert 10 <= state.n_done == server.n_calls < 100
        assert len(lines_of(engine, job, tmp_path)) == state.n_done
        assert engine.submit(shard, "job") == job
        assert server.n_calls == state.n_done


def test_after_ctrl_c_open_calls_are_kept_and_nothing_is_asked_again(
    tmp_path: Path, press_ctrl_c: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    shard, stopped, stop = write_shard(tmp_path, [f"{n}" for n in range(60)]), threading.Event(), Crew.stop

    def note_stop(crew: Crew, error: Exception | None = None) -> None:
        stop(crew, error)
        stopped.set()

    def answer(call: Call) -> Response:
        if call.number == 20:
            press_ctrl_c()
        return Response(when=stopped) if call.number >= 20 else Response()

    monkeypatch.setattr(Crew, "stop", note_stop)
    monkeypatch.setattr("codebook.engines.openai_live.GRACE_S", 60.0)

    with Loopback(answer) as server:
        engine = make(tmp_path, server, concurrency=6)
        with pytest.raises(KeyboardInterrupt):
            engine.submit(shard, "job")
        assert not [thread for thread in threading.enumerate() if thread.name.startswith(("openai_live", "asyncio"))]
        n_done = engine.poll(engine.find("job") or "").n_done
        assert 20 <= n_done == server.n_calls < 20 + 6
        job = engine.submit(shard, "job")
        assert server.n_calls == 60
        assert len(lines_of(engine, job, tmp_path)) == 60


def test_ctrl_c_does_not_wait_for_ever(
    tmp_path: Path, press_ctrl_c: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("codebook.engines.openai_live.GRACE_S", 0.2)

    def answer(call: Call) -> Response:
        if call.number == 2:
            press_ctrl_c()
        return Response(delay_s=60)

    with Loopback(answer) as server:
        with pytest.raises(KeyboardInterrupt):
            make(tmp_path, server).submit(write_shard(tmp_path, ["a", "b"]), "job")
        assert (server.n_calls, server.good_by_second) == (2, {}), "it waited for the answers"


LIFE = """
import sys
from pathlib import Path
from codebook.dialects.resultlines import read_object
from codebook.engines.openai_live import OpenAILiveEngine
from codebook.records import CHAT, Shard
from codebook.files.lines import digest_file
work, path, url, n = sys.argv[1:]
shard = Shard(Path(path), digest_file(Path(path)), CHAT, "m", int(n), 0, 0)
OpenAILiveEngine(Path(work), model="m", provider="vllm", base_url=url, concurrency=8).submit(shard, "job")
"""


@pytest.mark.slow
def test_after_sigkill_no_answer_on_disk_is_asked_for_again(tmp_path: Path) -> None:
    n, goal, seen = 400, 0, Counter[str]()
    shard, never = write_shard(tmp_path, [f"{k}" for k in range(n)]), threading.Event()

    def answer(call: Call) -> Response:
        seen[text_of(call)] += 1
        return Response(when=never) if call.number >= goal else Response(delay_s=0.01)

    chance, on_disk = random.Random(3), Counter[str]()
    with Loopback(answer) as server:
        command = [sys.executable, "-c", LIFE, str(tmp_path / "work"), str(shard.path), server.base_url, str(n)]
        for _ in range(3):
            goal = server.n_calls + chance.randint(60, 110)
            with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
                while server.n_calls < goal and process.poll() is None:
                    time.sleep(0.001)
                process.kill()
            assert process.returncode == -signal.SIGKILL
            (part,) = (tmp_path / "work").glob("*.part.jsonl")
            part.write_bytes(part.read_bytes() + b'{"id":"x","custom_id":"c39')  # a line that was torn
            whole = part.read_bytes().split(b"\n")[:-1]
            on_disk = Counter(json.loads(line)["custom_id"] for line in whole)
            assert max(on_disk.values(), default=1) == 1
            before = seen.copy()
        goal = n * 10
        assert subprocess.run(command, check=True).returncode == 0
    asked_after = {f"c{text}" for text in (seen - before)}
    assert on_disk
    assert asked_after == {f"c{k}" for k in range(n)} - set(on_disk)
    engine = make(tmp_path, server)
    assert len(lines_of(engine, engine.find("job") or "", tmp_path)) == n
    # twice: what was open at a kill (8), and what was not synced yet (a tenth of a second's)
    assert sum(seen.values()) - n <= 3 * (8 + 64)


# --- pace


@pytest.mark.parametrize(("rate", "headers"), [(100, 100), (50, 100), (100, 0)])
def test_under_a_limit_few_calls_are_refused(
    rate: int, headers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = Service(lambda call: limited(call), monkeypatch)
    limited = Limited(rate=rate, headers=headers, latency_s=0.1, spread=0.3, clock=service.time)
    found = answer_all(tmp_path, nobody(), [f"{n}" for n in range(20 * rate)], concurrency=200)
    assert [line["response"]["status_code"] for line in found.values()] == [200] * (20 * rate)
    assert service.n_by_status.get(429, 0) <= rate  # at the start; who does not hold back has many times more
    assert service.time() < 30  # of the 20 that it takes at the least


def test_under_a_limit_nothing_is_lost(tmp_path: Path) -> None:
    with Loopback(lambda call: Response() if call.number % 10 else say(429, retry_after_ms="10")) as server:
        found = answer_all(tmp_path, server, [f"{n}" for n in range(300)], concurrency=200)
    assert [line["response"]["status_code"] for line in found.values()] == [200] * 300
    assert server.n_by_status == {200: 300, 429: 33}
