"""The quick server on loopback: what it answers, what it counts, and how a limited one grants calls by its clock."""

from __future__ import annotations

import http.client
import json
from threading import Event, Thread

import pytest

from fakes.loopback import PLAIN, Call, Limited, Loopback, Response, hold_port, say


def post(server: Loopback, path: str = "/v1/chat/completions", body: bytes = b"{}") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request("POST", path, body, {"Content-Length": str(len(body))})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_call_is_seen_as_it_came_and_the_answer_goes_back() -> None:
    calls: list[Call] = []

    def answer(call: Call) -> Response:
        calls.append(call)
        return Response() if call.number == 1 else say(429, "slow down", "rate_limit_exceeded", retry_after="1")

    with Loopback(answer) as server:
        assert post(server, body=b'{"n": 1}') == (200, PLAIN)
        status, body = post(server)
        stats = json.loads(post(server, "/stats")[1])
    assert (status, json.loads(body)["error"]["code"]) == (429, "rate_limit_exceeded")
    assert [(call.number, call.path, call.json) for call in calls] == [
        (1, "/v1/chat/completions", {"n": 1}),
        (2, "/v1/chat/completions", {}),
    ]
    assert (stats["calls"], stats["most_open"], stats["by_status"]) == (2, 1, {"200": 1, "429": 1})


def test_an_answer_waits_for_its_event_and_another_is_cut() -> None:
    event, came, answers = Event(), Event(), []

    def answer(call: Call) -> Response:
        came.set()
        return Response(when=event) if call.number == 1 else Response(drop=True)

    with Loopback(answer) as server:
        waiting = Thread(target=lambda: answers.append(post(server)))
        waiting.start()
        assert came.wait(60)
        with pytest.raises(http.client.IncompleteRead):
            post(server)
        assert answers == []
        event.set()
        waiting.join()
        assert (answers, server.most_open) == ([(200, PLAIN)], 2)


def test_a_limited_service_grants_so_many_a_second_by_its_clock() -> None:
    now = [0.0]
    service, call = Limited(rate=2, headers=4, latency_s=0.5, clock=lambda: now[0]), Call(1, "/", {}, b"")
    answers = [service(call) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[0].delay_s == 0.5
    assert answers[1].headers["x-ratelimit-remaining-requests"] == "2"
    assert answers[2].headers["Retry-After"] == "1"
    now[0] = 0.5
    assert [service(call).status for _ in range(2)] == [200, 429]


def test_a_port_is_held_until_a_server_takes_it() -> None:
    with hold_port() as port:
        with pytest.raises(ConnectionRefusedError):
            http.client.HTTPConnection("127.0.0.1", port, timeout=60).connect()
        with Loopback(port=port) as server:
            assert post(server)[0] == 200
