"""Dialects: texts are fenced, prompts come back out of their bodies, and every reply has a text or a reason."""

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codebook.dialects import Prompt, Turn, fence, read_prompt, read_reply, unfence, write_body, write_reply
from codebook.errors import CodebookError, ParameterError
from codebook.ground.whys import WHYS
from codebook.records import CHAT, EMBEDDINGS, RESPONSES, Answer, FilePart

PLAIN = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
TAGS = st.sampled_from(
    ["<unit>", "</unit>", "<unit_2>", "</unit_2>\n", "\n</unit>", "<unit>\n", "</UNIT>", "<unit_3>", "</context>", "\n"]
)
TEXTS = st.lists(PLAIN | TAGS, max_size=6).map("".join)
SCHEMA = {"type": "object", "properties": {"label": {"type": "string"}}, "required": ["label"]}


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_a_fence_gives_back_its_text(text, context):
    marked = fence(text, beside=context)
    assert unfence(marked) == text
    assert unfence(f"<context>\n{context}\n</context>\n{marked}") == text


@settings(deadline=None)
@given(TEXTS, TEXTS)
def test_the_mark_stands_nowhere_else(text, context):
    tag = fence(text, beside=context).split("\n", 1)[0]
    assert tag.casefold() not in (context + text).casefold()
    assert tag.replace("<", "</").casefold() not in (context + text).casefold()


@pytest.mark.parametrize(
    "message", ["", "no fence", "half\n</unit>", "<unit>\nhalf", "</unit>", "<unit>x</unit>\nmore"]
)
def test_a_message_without_marks_is_the_text(message):
    assert unfence(message) == message


PROMPTS = st.builds(
    Prompt,
    system=TEXTS,
    user=TEXTS,
    name=st.just("codebook_topic"),
    schema=st.just(SCHEMA),
    turns=st.lists(st.builds(Turn, TEXTS, TEXTS, files=st.just(())), max_size=2).map(tuple),
)


@settings(max_examples=40, deadline=None)
@given(PROMPTS, st.sampled_from([CHAT, RESPONSES]))
def test_reading_is_the_inverse_of_writing(prompt, url):
    body = orjson.loads(orjson.dumps(write_body(prompt, url, "m")))
    assert body["model"] == "m"
    assert read_prompt(body, url) == prompt


def test_the_two_tongues():
    prompt = Prompt("S", "U", "n", SCHEMA, (Turn("q", "a"),), {"temperature": 0})
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}, {"role": "user", "content": "U"}]
    assert write_body(prompt, CHAT, "m") == {
        "model": "m",
        "messages": [{"role": "system", "content": "S"}, *turns],
        "response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": SCHEMA}},
        "temperature": 0,
    }
    assert write_body(prompt, RESPONSES, "m") == {
        "model": "m",
        "instructions": "S",
        "input": turns,
        "store": False,
        "temperature": 0,
        "text": {"format": {"type": "json_schema", "name": "n", "strict": True, "schema": SCHEMA}},
    }


def test_settings_stand_beside_the_form_of_the_answer():
    options = {"text": {"verbosity": "low"}, "store": True}
    body = write_body(Prompt("S", "U", "n", SCHEMA, settings=options), RESPONSES, "m")
    assert body["text"]["verbosity"] == "low"
    assert body["text"]["format"]["schema"] == SCHEMA
    assert body["store"] is True


@pytest.mark.parametrize(
    ("url", "taken"),
    [(CHAT, ("messages", "model", "response_format", "stream")), (RESPONSES, ("input", "instructions", "model"))],
)
def test_settings_cannot_change_the_question(url, taken):
    options = dict.fromkeys(taken, "x") | {"temperature": 0}
    with pytest.raises(ParameterError, match="leave it out") as caught:
        write_body(Prompt("S", "U", "n", SCHEMA, settings=options), url, "m")
    assert [fault.problem for fault in caught.value.faults] == [f"`{name}` is not free" for name in taken]


@pytest.mark.parametrize("name", ["", " "])
def test_a_setting_without_a_name_is_refused(name):
    with pytest.raises(ParameterError, match=r"settings: one has no name\. To mend: write NAME=VALUE"):
        write_body(Prompt("S", "U", "n", SCHEMA, settings={name: 1}), CHAT, "m")


def test_other_endpoints_are_refused():
    with pytest.raises(CodebookError, match=f"Expected one of '{CHAT}', '{RESPONSES}'"):
        write_body(Prompt("S", "U", "n", SCHEMA), EMBEDDINGS, "m")
    with pytest.raises(CodebookError, match="does not carry a question"):
        read_prompt({}, EMBEDDINGS)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"response_format": {"type": "text"}}, "no JSON schema"),
        ({"messages": [{"role": "user", "content": "U"}, {"role": "assistant", "content": "a"}]}, "not a question"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            "neither text, image nor PDF: 'image_url'",
        ),
    ],
)
def test_what_the_kit_does_not_write_is_named(change, match):
    body = write_body(Prompt("S", "U", "n", SCHEMA), CHAT, "m") | change
    with pytest.raises(CodebookError, match=match):
        read_prompt(body, CHAT)


@pytest.mark.parametrize("url", [CHAT, RESPONSES])
def test_files_come_back_out_of_their_bodies(url):
    photo = FilePart("image", "image", "image/png", b"\x89PNG", detail="low")
    far = FilePart("image", "image", "", url="https://example.org/a.jpg", detail="auto")
    paper = FilePart("pdf", "minutes.pdf", "application/pdf", b"%PDF-1.7")
    asked = Prompt("S", "U", "n", SCHEMA, (Turn("q", "a", (photo,)),), files=(photo, far, paper))
    body = orjson.loads(orjson.dumps(write_body(asked, url, "m")))
    read = read_prompt(body, url)
    assert (read.user, read.files, read.turns) == (asked.user, asked.files, asked.turns)


@pytest.mark.parametrize(
    ("address", "match"),
    [("data:image/png;base64,a", "cannot be decoded"), ("data:image/png,abc", "not written in base64")],
)
def test_data_that_cannot_be_decoded_is_said(address, match):
    parts = [{"type": "image_url", "image_url": {"url": address}}]
    body = write_body(Prompt("", "", "n", SCHEMA), CHAT, "m") | {"messages": [{"role": "user", "content": parts}]}
    with pytest.raises(CodebookError, match=match):
        read_prompt(body, CHAT)


def test_parts_that_are_text_are_read():
    parts = [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]
    messages = [{"role": "developer", "content": "S"}, {"role": "user", "content": parts}]
    prompt = read_prompt(write_body(Prompt("", "", "n", SCHEMA), CHAT, "m") | {"messages": messages}, CHAT)
    assert (prompt.system, prompt.user) == ("S", "one\ntwo")


@pytest.mark.parametrize("url", [CHAT, RESPONSES])
def test_a_reply_is_read_as_it_was_written(url):
    body = write_reply(url, "m-1", '{"label":"a"}', request_id="r", usage=(7, 3))
    line = {"custom_id": "c", "response": {"status_code": 200, "request_id": "r", "body": body}, "error": None}
    assert read_reply(line) == Answer("c", '{"label":"a"}', None, "", "m-1", "r", 7, 3)


def chat(finish="stop", usage=None, **message):
    body = {"model": "m", "choices": [{"index": 0, "finish_reason": finish, "message": message}]}
    return body | ({"usage": usage} if usage else {})


def response(*content, status="completed", **fields):
    items = [{"type": "reasoning", "summary": []}, {"type": "message", "content": list(content)}]
    return {"model": "m", "object": "response", "status": status, "output": items} | fields


def said(text):
    return {"type": "output_text", "text": text, "annotations": []}


NO_REPLY = "status 200, but there is no reply in it that can be read"
NO_RESPONSE = "the line holds no response that can be read, and no error"
LIMIT = "the reply hit the limit of output tokens"
THOUGHT = {"completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 9}}
CUT, FILTERED = {"reason": "max_output_tokens"}, {"reason": "content_filter"}
REPLIES = {
    "good": (chat(content="x", refusal=None), ("x", None, "")),
    "no finish reason": (chat(finish=None, content="x"), ("x", None, "")),
    "good parts": (chat(content=[{"type": "text", "text": "x"}, {"type": "text", "text": "y"}]), ("xy", None, "")),
    "refusal": (chat(content=None, refusal="I cannot"), (None, "refused", "I cannot")),
    "refusal with text": (chat(content="x", refusal="I cannot"), ("x", "refused", "I cannot")),
    "content filter": (chat("content_filter", content="x"), ("x", "refused", "content filter")),
    "content filter, null": (chat("content_filter", content=None), (None, "refused", "content filter")),
    "length": (chat("length", content='{"lab'), ('{"lab', "truncated", LIMIT)),
    "length, all of it thought": (chat("length", content="", usage=THOUGHT), (None, "truncated", LIMIT)),
    "empty": (chat(content=""), (None, "invalid", "the reply is empty")),
    "null": (chat(content=None), (None, "invalid", "the reply is empty")),
    "empty after reasoning": (
        chat(content="", usage=THOUGHT),
        (None, "truncated", "all output tokens went into reasoning"),
    ),
    "tool call": (
        chat("tool_calls", content=None, tool_calls=[{}]),
        (None, "invalid", "the model called a tool instead of answering"),
    ),
    "no choices": ({"model": "m"}, (None, "invalid", NO_REPLY)),
    "empty choices": ({"model": "m", "choices": []}, (None, "invalid", NO_REPLY)),
    "error in the body": ({"model": "m", "error": {"code": "e", "message": "bad"}}, (None, "failed", "e: bad")),
    "no message": ({"model": "m", "choices": [{}]}, (None, "invalid", "the reply is empty")),
    "response": (response(said("x")), ("x", None, "")),
    "response in parts": (response(said("x"), said("y")), ("xy", None, "")),
    "response refused": (response({"type": "refusal", "refusal": "no"}), (None, "refused", "no")),
    "response cut": (
        response(said("x"), status="incomplete", incomplete_details=CUT),
        ("x", "truncated", "incomplete: max_output_tokens"),
    ),
    "response cut, nothing said": (
        response(status="incomplete", incomplete_details=CUT),
        (None, "truncated", "incomplete: max_output_tokens"),
    ),
    "response cut, no reason": (
        response(said("x"), status="incomplete", incomplete_details=None),
        ("x", "truncated", "incomplete: no reason given"),
    ),
    "response filtered": (
        response(said("x"), status="incomplete", incomplete_details=FILTERED),
        ("x", "refused", "content filter"),
    ),
    "response with error": (
        response(said("x"), status="failed", error={"code": "server_error", "message": "oh"}),
        ("x", "failed", "server_error: oh"),
    ),
    "response flagged": (
        response(status="failed", error={"code": "invalid_prompt", "message": "flagged"}),
        (None, "refused", "invalid_prompt: flagged"),
    ),
    "response failed": (response(said("x"), status="failed", error=None), ("x", "failed", "the response is failed")),
    "response queued": (response(status="queued"), (None, "failed", "the response is queued")),
    "response empty": (response(), (None, "invalid", "the reply is empty")),
    "response only thought": (
        response(usage={"output_tokens_details": {"reasoning_tokens": 5}}),
        (None, "truncated", "all output tokens went into reasoning"),
    ),
    "response without output": (
        response() | {"output": None},
        (None, "invalid", "the reply is empty"),
    ),
}


@pytest.mark.parametrize("name", REPLIES)
def test_every_reply_has_a_text_or_a_reason(name):
    body, (text, why, detail) = REPLIES[name]
    line = {"custom_id": "c", "response": {"status_code": 200, "request_id": "r", "body": body}, "error": None}
    answer = read_reply(line)
    assert (answer.text, answer.why, answer.detail) == (text, why, detail)
    assert (answer.custom_id, answer.model, answer.request_id) == ("c", "m", "r")


def http(status, body):
    return {"custom_id": "c", "response": {"status_code": status, "request_id": "r", "body": body}, "error": None}


def lost(error):
    return {"custom_id": "c", "response": None, "error": error}


FAILURES = [
    (lost({"code": "batch_expired", "message": "too late"}), "expired", "batch_expired: too late"),
    (lost({"code": "batch_cancelled", "message": "stopped"}), "cancelled", "batch_cancelled: stopped"),
    (lost({"code": "new_code", "message": "odd"}), "failed", "new_code: odd"),
    (lost({"code": None, "message": "odd"}), "failed", "odd"),
    (lost({"code": ["a"], "message": "odd"}), "failed", "['a']: odd"),
    (lost("timed out"), "failed", "timed out"),
    (lost(None), "failed", "no response"),
    (lost({"type": "server_error", "message": "odd"}), "failed", "odd"),
    (lost({"type": "server_error"}), "failed", "server_error"),
    (
        {"custom_id": "c", "error": {"type": "batch_expired", "message": "too late"}},
        "expired",
        "too late",
    ),
    ({"custom_id": "c"}, "invalid", NO_RESPONSE),
    ({"custom_id": "c", "response": "oops"}, "invalid", NO_RESPONSE),
    (http(400, {"error": {"message": "bad", "type": "t", "param": None, "code": "bad_request"}}), "failed", None),
    (
        http(400, {"error": {"message": "filtered", "code": "content_filter"}}),
        "refused",
        "400: content_filter: filtered",
    ),
    (http(400, {"error": {"message": "no", "code": "invalid_prompt"}}), "refused", "400: invalid_prompt: no"),
    (http(429, {"error": {"message": "slow down", "code": None}}), "failed", "429: slow down"),
    (http(500, {"error": "boom"}), "failed", "500: boom"),
    (http(500, {}), "failed", "status 500"),
    (http(500, None), "failed", "status 500"),
    (http(0, None), "failed", "status 0"),
    (http(None, None), "failed", "status None"),
    (http(400, chat(content="x")), "failed", "status 400"),
    (http(200, None), "invalid", NO_REPLY),
    (http(200, "text"), "invalid", NO_REPLY),
    (http(200, []), "invalid", NO_REPLY),
]


@pytest.mark.parametrize(("line", "why", "detail"), FAILURES)
def test_every_failure_has_its_reason(line, why, detail):
    answer = read_reply(line)
    assert (answer.custom_id, answer.text, answer.why) == ("c", None, why)
    assert answer.detail == ("400: bad_request: bad" if detail is None else detail)


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}, (5, 2)),
        ({"input_tokens": 5, "output_tokens": 2}, (5, 2)),
        ({"prompt_tokens": 5, "completion_tokens": None}, (5, 0)),
        ({"prompt_tokens": "many"}, (0, 0)),
        ("none", (0, 0)),
        (None, (0, 0)),
    ],
)
def test_usage_may_be_absent_or_odd(usage, tokens):
    answer = read_reply(http(200, chat(content="x") | {"usage": usage}))
    assert (answer.text, answer.tokens_in, answer.tokens_out) == ("x", *tokens)


KEYS = st.sampled_from(
    [
        *("custom_id", "response", "error", "status_code", "body", "choices", "message", "content", "refusal", "code"),
        *("output", "type", "text", "status", "incomplete_details", "reason", "usage", "finish_reason", "request_id"),
    ]
)
LEAVES = st.none() | st.booleans() | st.sampled_from([200, 400, 0, -1, 0.5, "", "x", "message", "output_text", "text"])
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5))


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(KEYS, JSON, max_size=3), st.dictionaries(KEYS, JSON, max_size=5))
def test_no_line_is_too_odd_to_be_read(line, body):
    for one in (line, line | {"response": {"status_code": 200, "body": body}, "error": None}):
        answer = read_reply(one)
        assert answer.why is None or answer.why in WHYS
        assert bool(answer.text) or answer.why
        assert answer.text is None or isinstance(answer.text, str)
        assert isinstance(answer.tokens_in, int)
