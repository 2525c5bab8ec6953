"""Replies that are no answers: each of the shapes in which services say so, what is kept of it, and how sure it was."""

import contextlib
import copy
import functools
import math
import operator

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codebook.dialects import read_logprob, read_reply, read_said, replies, write_reply
from codebook.dialects.replies import MESSAGES
from codebook.dialects.resultlines import UNREADABLE
from codebook.dialects.usual_replies import read_usual
from codebook.engines.protocol import error_line, result_line
from codebook.ground.whys import WHYS
from codebook.records import CHAT, RESPONSES

CHAT_USAGE = {
    "prompt_tokens": 1200,
    "completion_tokens": 40,
    "total_tokens": 1240,
    "prompt_tokens_details": {"cached_tokens": 1024},
    "completion_tokens_details": {"reasoning_tokens": 32},
}
RESPONSES_USAGE = {
    "input_tokens": 1200,
    "output_tokens": 40,
    "input_tokens_details": {"cached_tokens": 1024},
    "output_tokens_details": {"reasoning_tokens": 32},
}


def line(body, status=200, error=None):
    response = {"status_code": status, "request_id": "req_1", "body": body}
    return {"id": "batch_req_1", "custom_id": "c", "response": response, "error": error}


def chat(*choices, **fields):
    return {"object": "chat.completion", "model": "gpt-4o-mini-2024-07-18", "choices": list(choices)} | fields


def choice(content="x", finish="stop", index=0, **message):
    return {"index": index, "finish_reason": finish, "message": {"role": "assistant", "content": content} | message}


def response(*items, status="completed", **fields):
    return {"object": "response", "model": "gpt-6-luna", "status": status, "output": list(items)} | fields


def message(*parts, **fields):
    return {"type": "message", "role": "assistant", "content": list(parts)} | fields


def said(text):
    return {"type": "output_text", "text": text}


def read(body, **options):
    answer = read_reply(line(body, **options))
    return answer.text, answer.why, answer.detail


@pytest.mark.parametrize(
    ("body", "model"),
    [
        (chat(choice(), usage=CHAT_USAGE, system_fingerprint="fp_1"), "gpt-4o-mini-2024-07-18"),
        (response(message(said("x")), usage=RESPONSES_USAGE, system_fingerprint="fp_1"), "gpt-6-luna"),
    ],
)
def test_what_is_kept_with_an_answer(body, model):
    answer = read_reply(line(body))
    assert (answer.text, answer.why) == ("x", None)
    assert (answer.model, answer.request_id, answer.fingerprint) == (model, "req_1", "fp_1")
    assert (answer.tokens_in, answer.tokens_out, answer.tokens_cached) == (1200, 40, 1024)


@pytest.mark.parametrize(
    "one",
    [
        line(chat(choice("", "length"), usage=CHAT_USAGE, system_fingerprint="fp_1")),
        line(chat(choice(None, refusal="no"), usage=CHAT_USAGE, system_fingerprint="fp_1")),
        line(chat(usage=CHAT_USAGE, system_fingerprint="fp_1"), status=500),
        line(chat(choice(), usage=CHAT_USAGE, system_fingerprint="fp_1"), error={"code": "late", "message": "oh"}),
    ],
    ids=["cut", "refused", "http error", "error beside a reply"],
)
def test_what_failed_may_have_been_billed(one):
    answer = read_reply(one)
    assert answer.why in WHYS
    assert (answer.model, answer.fingerprint) == ("gpt-4o-mini-2024-07-18", "fp_1")
    assert (answer.tokens_in, answer.tokens_out, answer.tokens_cached) == (1200, 40, 1024)


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens_details": None},
        {"prompt_tokens_details": [1]},
        {"prompt_tokens_details": {"cached_tokens": "many"}},
        {"prompt_tokens": -1, "completion_tokens": 2**63, "prompt_tokens_details": {"cached_tokens": True}},
        {"prompt_tokens": 1.5},
    ],
)
def test_odd_counts_are_no_counts(usage):
    answer = read_reply(line(chat(choice(), usage=usage)))
    assert (answer.text, answer.tokens_in, answer.tokens_out, answer.tokens_cached) == ("x", 0, 0, 0)


CODES = {
    "content_filter": "refused",
    "content_policy_violation": "refused",
    "invalid_prompt": "refused",
    "image_content_policy_violation": "refused",
    "ResponsibleAIPolicyViolation": "refused",
    "batch_expired": "expired",
    "batch_cancelled": "cancelled",
    "rate_limit_exceeded": "failed",
    "model_not_found": "failed",
    "server_error": "failed",
}


@pytest.mark.parametrize(("code", "why"), CODES.items())
def test_the_code_of_an_error_says_why_wherever_it_stands(code, why):
    error = {"code": code, "message": "words"}
    no_response = {"custom_id": "c", "response": None, "error": error}
    with_status = line({"error": error}, status=400)
    for one in (no_response, with_status, line(response(status="failed", error=error))):
        answer = read_reply(one)
        shown = "400: " if one is with_status else ""
        assert (answer.text, answer.why, answer.detail) == (None, why, f"{shown}{code}: words")


@pytest.mark.parametrize(
    "error",
    [
        {"code": "content_filter", "innererror": {"code": "ResponsibleAIPolicyViolation"}},
        {"code": None, "innererror": {"code": "ResponsibleAIPolicyViolation", "content_filter_result": {}}},
        {"code": "400", "provider_specific_fields": {"innererror": {"code": "ResponsibleAIPolicyViolation"}}},
    ],
)
def test_the_filter_of_azure(error):
    text, why, detail = read({"error": {"message": "filtered", "type": None, "param": "prompt"} | error}, status=400)
    assert (text, why) == (None, "refused")
    assert detail.endswith("filtered")


@pytest.mark.parametrize(("word", "why"), [
    ("length", "truncated"), ("max_tokens", "truncated"), ("MAX_TOKENS", "truncated"), ("model_length", "truncated"),
    ("content_filter", "refused"), ("SAFETY", "refused"), ("error", "failed"),
])  # fmt: skip
def test_how_a_chat_reply_ended_counts_before_its_text(word, why):
    text, found, detail = read(chat(choice('{"label":"a"}', word)))
    assert (text, found) == ('{"label":"a"}', why)
    assert detail


@pytest.mark.parametrize("word", ["stop", "STOP", "end_turn", "tool_calls", None, 5, ["length"]])
def test_a_reply_that_ended_in_another_way_is_judged_by_its_text(word):
    assert read(chat(choice("x", word))) == ("x", None, "")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (chat(choice(None, refusal="I cannot")), "I cannot"),
        (chat(choice("", "length", refusal="I cannot")), "I cannot"),
        (chat(choice([{"type": "refusal", "refusal": "I cannot"}])), "I cannot"),
        (response({"type": "reasoning"}, message({"type": "refusal", "refusal": "I cannot"})), "I cannot"),
        (response(message({"type": "refusal", "refusal": ""})), "no reason given"),
        (response(message({"type": "refusal"}), status="incomplete"), "no reason given"),
    ],
)
def test_a_refusal_in_either_tongue(body, words):
    assert read(body) == (None, "refused", words)


def test_a_refusal_keeps_the_text_beside_it():
    assert read(response(message(said("half"), {"type": "refusal", "refusal": "no"}))) == ("half", "refused", "no")


def test_the_text_of_a_response_is_searched_for():
    items = [{"type": "reasoning", "summary": []}, {"type": "reasoning"}, message(said('{"label":'), said('"a"}'))]
    assert read(response(*items)) == ('{"label":"a"}', None, "")


def test_a_comment_on_the_way_is_not_the_answer():
    items = [message(said("Let me see."), phase="commentary"), message(said("x"), phase="final_answer")]
    assert read(response(*items)) == ("x", None, "")


@pytest.mark.parametrize(
    "body",
    [
        chat(choice(None, usage=None), usage=CHAT_USAGE),
        chat(choice(""), usage=CHAT_USAGE),
        response({"type": "reasoning"}, usage=RESPONSES_USAGE),
        response(message(said("")), usage=RESPONSES_USAGE),
        response(message(), usage=RESPONSES_USAGE),
    ],
)
def test_all_tokens_spent_on_reasoning_is_truncation(body):
    assert read(body) == (None, "truncated", "all output tokens went into reasoning")


@pytest.mark.parametrize(
    "body",
    [
        chat(choice(None, "tool_calls", tool_calls=[{"id": "1"}]), usage=CHAT_USAGE),
        chat(choice(None, "function_call", function_call={"name": "f"})),
        response({"type": "function_call", "name": "f"}),
        response({"type": "reasoning"}, {"type": "web_search_call"}),
    ],
)
def test_a_call_of_a_tool_is_no_answer(body):
    assert read(body) == (None, "invalid", "the model called a tool instead of answering")


def test_several_choices_are_read_as_several_messages_are():
    assert read(chat(choice("a"), choice("b", index=1))) == (f"a{MESSAGES}b", None, "")
    assert read(chat(choice("a"), choice("a", index=1))) == ("a", None, "")
    assert read(chat(choice("a", finish="length"), choice("b", index=1))) == ("b", None, "")
    assert read(chat(choice("a", finish="length"), choice("", index=1)))[1] == "truncated"
    assert read(chat(choice("a"), choice("", "content_filter", 1)))[1] == "refused"
    assert read(chat(choice("b", index=1), choice("a", "length", index=0))) == ("b", None, "")


@pytest.mark.parametrize("status", ["cancelled", "in_progress", "queued", "failed", "new_word"])
def test_a_response_that_is_not_completed_is_no_answer(status):
    text, why, detail = read(response(message(said("x")), status=status))
    assert (text, why) == ("x", "failed")
    assert status in detail


def test_a_failed_response_without_output_is_read_as_one():
    body = {"object": "response", "status": "failed", "error": {"code": "server_error", "message": "oh"}}
    assert read(body) == (None, "failed", "server_error: oh")


def test_an_error_beside_a_reply_keeps_the_text():
    assert read(chat(choice("x"), error={"code": 502, "message": "upstream"})) == ("x", "failed", "502: upstream")
    assert read(chat(choice("x")), error={"code": "late", "message": "oh"}) == ("x", "failed", "late: oh")


@pytest.mark.parametrize("error", [None, {}, "", {"code": None, "message": None}])
def test_an_error_that_says_nothing_is_none(error):
    assert read(chat(choice("x")), error=error) == ("x", None, "")


@pytest.mark.parametrize(
    ("one", "detail"),
    [
        ({"custom_id": "c", "response": {"status_code": 0, "request_id": "", "body": {}}, "error": None}, "status 0"),
        ({"custom_id": "c", "response": {"status_code": 0, "body": None}}, "status 0"),
        ({"custom_id": "c", "response": {"status_code": 0, "body": ""}, "error": None}, "status 0"),
        ({"custom_id": "c", "response": None, "error": None}, "no response"),
        ({"custom_id": "c", "response": {}, "error": None}, "no response"),
    ],
)
def test_a_request_that_was_lost_has_failed(one, detail):
    answer = read_reply(one)
    assert (answer.custom_id, answer.text, answer.why, answer.detail) == ("c", None, "failed", detail)


def test_lines_of_the_kit_s_own_engines_are_read_back():
    request = {"custom_id": "c", "url": CHAT, "body": {"model": "m"}}
    body = write_reply(CHAT, "m", "x", request_id="r", usage=(7, 3))
    answer = read_reply(orjson.loads(orjson.dumps(result_line(request, 200, body, "embedded"))))
    assert (answer.text, answer.model, answer.tokens_in, answer.tokens_cached) == ("x", "m", 7, 0)
    failed = read_reply(orjson.loads(orjson.dumps(error_line(request, 400, "images are not read", "embedded"))))
    assert (failed.text, failed.why) == (None, "failed")
    assert "images are not read" in failed.detail


# Log probabilities

LIKELY = [{"token": '{"label":', "logprob": -0.1}, {"token": '"a"}', "logprob": -0.4}]


@pytest.mark.parametrize(
    "body",
    [
        chat(choice() | {"logprobs": {"content": LIKELY, "refusal": None}}),
        response(message(said("x") | {"logprobs": LIKELY})),
        response({"type": "reasoning"}, message(*(said("x") | {"logprobs": [token]} for token in LIKELY))),
        response(message(said("hm"), phase="commentary"), message(said("x") | {"logprobs": LIKELY})),
    ],
)
def test_the_log_probability_of_a_reply_is_the_sum_of_its_tokens(body):
    assert read_logprob(body) == pytest.approx(-0.5)
    assert read_logprob(line(body)) == pytest.approx(-0.5)
    assert math.exp(read_logprob(body)) == pytest.approx(0.6065, abs=1e-4)


@pytest.mark.parametrize(
    "body",
    [
        chat(choice()),
        chat(choice() | {"logprobs": None}),
        chat(choice() | {"logprobs": {"content": None, "refusal": LIKELY}}),
        chat(choice() | {"logprobs": {"content": []}}),
        chat(choice() | {"logprobs": {"content": [LIKELY[0], {"token": "x"}]}}),
        chat(choice() | {"logprobs": {"content": [{"token": "x", "logprob": True}]}}),
        chat(choice() | {"logprobs": {"content": [{"token": "x", "logprob": 0.5}]}}),
        chat(),
        response(message(said("x"))),
        response(message(said("x") | {"logprobs": LIKELY}, said("y"))),
        response(message(said("x") | {"logprobs": []})),
        response(),
        {},
    ],
)
def test_without_all_the_tokens_there_is_no_log_probability(body):
    assert read_logprob(body) is None
    assert read_logprob(line(body)) is None


def test_a_line_without_a_reply_has_no_log_probability():
    assert read_logprob({"custom_id": "c", "response": None, "error": {"code": "batch_expired"}}) is None


KEYS = st.sampled_from(
    [
        *("custom_id", "response", "error", "status_code", "body", "choices", "message", "content", "refusal", "code"),
        *("output", "type", "text", "status", "incomplete_details", "usage", "finish_reason", "index", "logprobs"),
        *("logprob", "innererror", "provider_specific_fields", "phase", "tool_calls", "object", "system_fingerprint"),
        *("prompt_tokens_details", "cached_tokens", "prompt_tokens", "completion_tokens_details", "reasoning_tokens"),
    ]
)
WORDS = st.sampled_from(["", "x", "message", "output_text", "refusal", "stop", "length", "response", "content_filter"])
LEAVES = st.none() | st.booleans() | st.sampled_from([200, 0, -1, 0.5, 2**63]) | WORDS
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6))
ANYTHING = st.dictionaries(KEYS, JSON, max_size=7)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(ANYTHING, ANYTHING, ANYTHING)
def test_nothing_is_too_odd_to_be_read(one, body, inner):
    deep = {"choices": [inner | {"message": inner}], "output": [inner | {"type": "message", "content": [inner]}]}
    chatty = {name: value for name, value in (body | deep).items() if name != "output"}
    for shape in (one, line(body), line(body | deep), line(chatty), line(body, status=400)):
        answer = read_reply(shape)
        assert answer.why in (None, *WHYS)
        assert answer.text or answer.why
        assert answer.text is None or type(answer.text) is str
        for count in (answer.tokens_in, answer.tokens_out, answer.tokens_cached):
            assert type(count) is int
            assert 0 <= count < 2**53
        assert all(type(text) is str for text in (answer.detail, answer.model, answer.request_id, answer.fingerprint))
        logprob = read_logprob(shape)
        assert logprob is None or math.isfinite(logprob)


USUAL = line(
    {
        "object": "chat.completion",
        "model": "m",
        "choices": [{"index": 0, "message": {"content": "x", "refusal": None}, "finish_reason": "stop"}],
    }
)
NAMES = st.sampled_from(["model", "request_id", "seconds"])
PLACES = [
    *((), ("response",), ("response", "body"), ("response", "body", "choices", 0)),
    ("response", "body", "choices", 0, "message"),
]


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(PLACES), KEYS | NAMES, JSON), max_size=3))
def test_the_short_way_through_a_usual_line_says_what_the_long_one_does(changes):
    one = copy.deepcopy(USUAL)
    for place, name, value in changes:
        with contextlib.suppress(LookupError, TypeError):
            functools.reduce(operator.getitem, place, one)[name] = value
    assert read_said([orjson.dumps(one)]) == [replies._read_any(one)]


def test_a_usual_line_takes_the_short_way():
    said = read_usual([orjson.dumps(USUAL)], lambda line: pytest.fail(f"the long way for {line!r}"))
    assert said == [("x", None, "", "m", USUAL["response"]["request_id"], None)]


def test_an_odd_line_among_usual_ones_keeps_its_place():
    odd = orjson.dumps(line(None, status=500))
    said = read_said([orjson.dumps(USUAL), odd, orjson.dumps(USUAL)])
    assert [why for _, why, *_ in said] == [None, "failed", None]


def test_a_line_too_deep_for_the_short_way_is_read_all_the_same():
    deep = b'{"notes":' + b"[" * 1000 + b"]" * 1000 + b"," + orjson.dumps(USUAL)[1:]
    assert read_said([deep]) == read_said([orjson.dumps(USUAL)])


@pytest.mark.parametrize("broken", [b"", b"[]", orjson.dumps(USUAL)[:-1], orjson.dumps(USUAL) + b"}", b"\xff"])
def test_r01_a_line_that_is_no_object_is_one_invalid_row_and_its_neighbours_are_read(broken):
    usual = orjson.dumps(USUAL)
    one, two, three = read_said([usual, broken, usual])
    assert two == (None, "invalid", UNREADABLE, "", "", None)
    assert one == three == ("x", None, "", "m", "req_1", None)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1), st.sampled_from([CHAT, RESPONSES]))
def test_every_text_comes_back_to_the_letter(text, url):
    body = write_reply(url, "m", text, request_id="r", usage=(1, 1))
    assert read_reply(orjson.loads(orjson.dumps(line(body)))).text == text
