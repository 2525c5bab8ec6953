"""Model families: what a service would refuse is found in the body, what it takes is not, and the table is current."""

import importlib.util
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codebook.dialects import Prompt, write_body
from codebook.engines.service.families import _table, check_body, find_family, find_shutdown, warn_body
from codebook.engines.service.shapes import check_schema
from codebook.errors import ParameterError
from codebook.records import CHAT, EMBEDDINGS, RESPONSES
from codebook.scheme import read_codebook
from codebook.tasks import make_questions

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 11, 21)
SCHEMA = {
    "type": "object",
    "properties": {"label": {"type": "string", "enum": ["a", "b"]}},
    "required": ["label"],
    "additionalProperties": False,
}


def body(model="gpt-4o-mini-2024-07-18", url=CHAT, schema=SCHEMA, **options):
    return write_body(Prompt("S", "U", "codebook_topic", schema, settings=options), url, model)


def found(model, url=CHAT, provider="openai", batch=True, **options):
    faults = check_body(body(model, url, **options), url, provider=provider, today=TODAY, batch=batch)
    return {fault.where: f"{fault.problem}. {fault.mend}" for fault in faults}


@pytest.mark.parametrize("url", [CHAT, RESPONSES])
@pytest.mark.parametrize("path", sorted((ROOT / "data").glob("*/codebook.yaml")), ids=lambda path: path.parent.name)
def test_what_the_kit_writes_is_taken(path, url):
    book = read_codebook(path)
    for question in make_questions(book).values():
        schema = question.schema
        for model in ("gpt-4o-mini-2024-07-18", "gpt-5-mini-2025-08-07", "gpt-6-luna", "no-such-model"):
            assert check_body(body(model, url, schema), url, today=TODAY) == []


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("gpt-4o", "gpt-4o"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini"),
        ("gpt-4o-2024-05-13", "gpt-4o-2024-05-13"),
        ("gpt-4-0613", "gpt-4"),
        ("gpt-5-nano", "gpt-5"),
        ("gpt-5-chat-latest", "gpt-5-chat"),
        ("gpt-5.4-mini-2026-03-17", "gpt-5.4"),
        ("ft:gpt-4.1-mini-2025-04-14:org::id", "gpt-4.1"),
    ],
)
def test_the_longest_name_that_fits_counts(model, family):
    assert find_family(model).name == family


@pytest.mark.parametrize("model", ["gpt-5.9", "gpt-45", "gpt-6.2-astra", "llama-3", "", "embedded-use", "ft:"])
def test_nothing_is_known_of_other_models(model):
    assert find_family(model) is None
    assert found(model, temperature=0, max_tokens=5, reasoning_effort="deep", stop=["x"]) == {}


@pytest.mark.parametrize(
    ("model", "url", "options", "where", "mend"),
    [
        ("gpt-5-mini", CHAT, {"temperature": 0}, "temperature", "leave temperature out; gpt-5 takes only 1"),
        ("gpt-5-mini", RESPONSES, {"top_p": 0.5}, "top_p", "takes only 1"),
        ("gpt-5-mini", CHAT, {"logprobs": True}, "logprobs", "leave logprobs out"),
        ("gpt-5-mini", CHAT, {"presence_penalty": 1}, "presence_penalty", "takes only 0"),
        ("gpt-5-mini", CHAT, {"max_tokens": 9}, "max_tokens", "write max_completion_tokens"),
        ("o3", CHAT, {"max_tokens": 9}, "max_tokens", "write max_completion_tokens"),
        ("o3", CHAT, {"stop": ["."]}, "stop", "leave stop out"),
        ("gpt-6-luna", CHAT, {"temperature": 0}, "temperature", "unless you write `reasoning_effort: none`"),
        ("gpt-6-luna", RESPONSES, {"temperature": 0}, "temperature", "unless you write `reasoning: {effort: none}`"),
        ("gpt-6-luna", CHAT, {"reasoning_effort": "minimal"}, "reasoning_effort", "use one of none, low"),
        ("gpt-5.2", CHAT, {"temperature": 0, "reasoning_effort": "low"}, "temperature", "unless"),
        ("gpt-6-astra", CHAT, {"temperature": 0}, "temperature", "takes only 1"),
        ("gpt-6-astra", CHAT, {"reasoning_effort": "max"}, "reasoning_effort", "use one of low, medium, high, xhigh"),
        ("gpt-6-astra", RESPONSES, {"reasoning": {"effort": "none"}}, "reasoning.effort", "xhigh, max"),
        ("gpt-4o-mini", CHAT, {"reasoning_effort": "low"}, "reasoning_effort", "leave it out"),
        ("gpt-4o-mini", RESPONSES, {"text": {"verbosity": "low"}}, "text.verbosity", "takes only medium"),
        ("gpt-5-pro", CHAT, {}, "url", "use /v1/responses"),
        ("gpt-audio-mini", CHAT, {}, "model", "choose"),
        ("gpt-4-turbo", CHAT, {}, "model", "choose"),
        ("o4-mini-2025-04-16", CHAT, {}, "model", "was shut down on 2026-10-23"),
    ],
)
def test_what_a_family_does_not_take_is_named_with_its_mend(model, url, options, where, mend):
    assert mend in found(model, url, **options)[where]


@pytest.mark.parametrize(
    ("model", "url", "options"),
    [
        ("gpt-5-mini", CHAT, {"temperature": 1, "top_p": 1, "presence_penalty": 0, "logprobs": False}),
        ("gpt-5-mini", CHAT, {"reasoning_effort": "minimal", "max_completion_tokens": 5000, "seed": 1}),
        ("gpt-5.1", CHAT, {"temperature": 0}),
        ("gpt-5.2", CHAT, {"temperature": 0, "reasoning_effort": "none", "logprobs": True, "top_logprobs": 5}),
        ("gpt-6-luna", CHAT, {"temperature": 0, "reasoning_effort": "none"}),
        ("gpt-6-luna", RESPONSES, {"temperature": 0, "reasoning": {"effort": "none"}}),
        ("gpt-6-astra", RESPONSES, {"reasoning": {"effort": "max"}}),
        ("gpt-4o", CHAT, {"temperature": 0, "logprobs": True, "stop": ["."], "max_tokens": 9, "presence_penalty": 1}),
        ("gpt-4o", RESPONSES, {"top_logprobs": 3, "include": ["message.output_text.logprobs"]}),
        ("gpt-4o", CHAT, {"temperature": None, "n": 1, "metadata": None, "max_tokens": None}),
        ("gpt-4o", CHAT, {"metadata": {"run": "a"}, "store": True}),
    ],
)
def test_what_a_family_takes_is_not_refused(model, url, options):
    assert found(model, url, **options) == {}


@pytest.mark.parametrize(
    ("url", "options", "where", "mend"),
    [
        (CHAT, {"n": 3}, "n", "ask for draws"),
        (CHAT, {"service_tier": "flex"}, "service_tier", "leave it out"),
        (CHAT, {"temperature": 3}, "temperature", "from 0 to 2"),
        (CHAT, {"temperature": "0"}, "temperature", "from 0 to 2"),
        (CHAT, {"logprobs": 5}, "logprobs", "write logprobs: true and top_logprobs"),
        (CHAT, {"top_logprobs": 5}, "top_logprobs", "write `logprobs: true` too"),
        (CHAT, {"logprobs": True, "top_logprobs": 21}, "top_logprobs", "from 0 to 20"),
        (RESPONSES, {"top_logprobs": 5}, "top_logprobs", "message.output_text.logprobs"),
        (CHAT, {"max_completion_tokens": 0}, "max_completion_tokens", "at least 1"),
        (RESPONSES, {"max_output_tokens": 5}, "max_output_tokens", "at least 16"),
        (CHAT, {"metadata": dict.fromkeys(map(str, range(17)), "x"), "store": True}, "metadata", "up to 16 pairs"),
        (CHAT, {"metadata": {"k" * 65: "x"}}, "metadata." + "k" * 64, "names up to 64"),
        (CHAT, {"metadata": {"text": "x" * 513}}, "metadata.text", "texts up to 512"),
        (CHAT, {"metadata": {"n": 5}}, "metadata.n", "it is no text"),
    ],
)
def test_forms_that_all_services_share(url, options, where, mend):
    assert mend in found("gpt-4o-2024-11-20", url, **options)[where]
    assert mend in found("some-model", url, provider="groq", **options)[where]


@pytest.mark.parametrize(
    ("url", "options", "where", "mend"),
    [
        (RESPONSES, {"max_tokens": 9}, "max_tokens", "write max_output_tokens"),
        (RESPONSES, {"max_completion_tokens": 9}, "max_completion_tokens", "write max_output_tokens"),
        (RESPONSES, {"seed": 1}, "seed", "only chat completions take a seed"),
        (RESPONSES, {"reasoning_effort": "low"}, "reasoning_effort", "write reasoning"),
        (RESPONSES, {"logprobs": True}, "logprobs", "include"),
        (CHAT, {"max_output_tokens": 50}, "max_output_tokens", "write max_completion_tokens"),
        (CHAT, {"reasoning": {"effort": "low"}}, "reasoning", "write reasoning_effort"),
        (CHAT, {"max_tokens": 9, "max_completion_tokens": 9}, "max_tokens", "leave it out"),
        (CHAT, {"metadata": {"run": "a"}}, "metadata", "only taken where `store` is true"),
    ],
)
def test_fields_of_the_other_tongue(url, options, where, mend):
    assert mend in found("gpt-4o-2024-11-20", url, **options)[where]
    assert mend in found("an-unknown-model", url, **options)[where]
    assert where not in found("some-model", url, provider="vllm", **options)


def test_a_stream_is_refused():
    assert [fault.where for fault in check_body(body() | {"stream": True}, CHAT, today=TODAY)] == ["stream"]


def test_a_tier_is_good_for_live_calls():
    assert found("gpt-4o", batch=False, service_tier="flex") == {}


def test_every_fault_is_found_at_once():
    faults = found("gpt-5-mini", temperature=0, max_tokens=5, n=2, stop=["x"], reasoning_effort="none")
    assert set(faults) == {"temperature", "max_tokens", "n", "stop", "reasoning_effort"}


def test_other_services_are_not_judged_by_our_table():
    options = {"temperature": 0, "max_tokens": 5, "reasoning_effort": "any"}
    for provider in ("vllm", "groq", "compatible", "my-gateway"):
        assert found("gpt-5-mini", provider=provider, **options) == {}
    assert set(found("gpt-5-mini", provider="azure", **options)) == {"temperature", "max_tokens", "reasoning_effort"}


def test_shut_down_at_openai_says_nothing_of_azure():
    assert "model" in found("o4-mini")
    assert found("o4-mini", provider="azure") == {}
    assert warn_body(body("gpt-4o-mini"), CHAT, provider="azure", today=TODAY) == []


@pytest.mark.parametrize(("day", "refused"), [(date(2027, 1, 13), False), (date(2027, 1, 14), True)])
def test_the_day_of_the_shut_down_counts(day, refused):
    faults = check_body(body("gpt-4o-mini"), CHAT, today=day)
    assert bool(faults) is refused


@pytest.mark.parametrize(
    ("inputs", "match"),
    [("a text", ""), (["a", "b"], ""), ("", "is empty"), (["a", ""], "text 2"), (["a"] * 2049, "2,049")],
)
def test_texts_to_be_embedded(inputs, match):
    faults = check_body({"model": "text-embedding-3-small", "input": inputs}, EMBEDDINGS, today=TODAY)
    assert match in "".join(fault.problem for fault in faults)
    assert bool(faults) is bool(match)
    assert warn_body({"model": "text-embedding-3-small", "input": inputs}, EMBEDDINGS, today=TODAY) == []


def test_an_embedding_model_answers_no_question():
    assert "use /v1/embeddings" in found("text-embedding-3-small")["url"]


# Strict schemas


def strict(**properties):
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False,
    }  # fmt: skip


def nested(levels):
    schema = strict(label={"type": "string"})
    for _ in range(levels - 1):
        schema = strict(inner={"type": "array", "items": schema})
    return schema


def enum(n_values, length=5):
    return strict(label={"type": "string", "enum": [f"{i:0{length}d}" for i in range(n_values)]})


@pytest.mark.parametrize(
    "schema",
    [
        SCHEMA,
        nested(10),
        enum(1000),
        enum(250, length=100),
        strict(a={"type": ["string", "null"]}),
        strict(a={"anyOf": [{"type": "string"}, {"type": "null"}]}),
        strict(**{"not": {"type": "string"}, "if": {"type": "string"}}),
        strict(a={"$ref": "#/$defs/node"}) | {"$defs": {"node": strict(next={"$ref": "#/$defs/node"})}},
    ],
)
def test_a_strict_schema_is_taken(schema):
    assert check_schema(schema) == []


@pytest.mark.parametrize(
    ("schema", "where", "problem"),
    [
        ({"anyOf": [SCHEMA]}, "schema", "root"),
        ({"type": "array", "items": SCHEMA}, "schema", "root"),
        (SCHEMA | {"required": []}, "schema", "not required: label"),
        (SCHEMA | {"required": ["label", "more"]}, "schema", "no property: more"),
        (SCHEMA | {"additionalProperties": True}, "schema", "additionalProperties"),
        (strict(a={"type": "object", "properties": {}, "required": []}), "schema.properties.a", "additionalProperties"),
        (strict(a={"oneOf": [{"type": "string"}]}), "schema.properties.a", "`oneOf`"),
        (strict(a={"type": "array", "items": {"not": {}}}), "schema.properties.a.items", "`not`"),
        (strict(a={"anyOf": [{"allOf": []}]}), "schema.properties.a.anyOf[0]", "`allOf`"),
        (strict() | {"$defs": {"d": {"if": {}}}}, "schema.$defs.d", "`if`"),
        (nested(11), "schema", "11 levels"),
        (enum(1001), "schema", "1,001 values"),
        (enum(251, length=60), "schema.properties.label", "15,060 characters"),
        (strict(**{f"p{i}": {"type": "null"} for i in range(5001)}), "schema", "5,001 properties"),
        (enum(240, length=501), "schema", "120,245 characters"),
    ],
)
def test_a_schema_that_is_not_strict_is_refused(schema, where, problem):
    faults = check_schema(schema)
    assert [(fault.where, problem in fault.problem) for fault in faults] == [(where, True)]


@pytest.mark.parametrize(("url", "place"), [(CHAT, "response_format.json_schema"), (RESPONSES, "text.format")])
@pytest.mark.parametrize("provider", ["openai", "azure", "vllm"])
def test_the_schema_is_found_in_both_tongues(url, place, provider):
    prompt = Prompt("S", "U", "a name with spaces", SCHEMA | {"required": []})
    faults = check_body(write_body(prompt, url, "m"), url, provider=provider, today=TODAY)
    assert [fault.where for fault in faults] == [f"{place}.name", f"{place}.schema"]


def test_free_text_and_loose_schemas_are_not_judged():
    asked = body()
    asked["response_format"]["json_schema"] |= {"strict": False, "schema": {"anyOf": []}}
    assert check_body(asked, CHAT, today=TODAY) == []
    assert check_body(body() | {"response_format": {"type": "text"}}, CHAT, today=TODAY) == []


# Warnings


@pytest.mark.parametrize(
    ("model", "url", "options", "where", "said"),
    [
        ("gpt-4.1-mini", CHAT, {}, ["model", "model"], "gpt-4.1-mini-2025-04-14"),
        ("gpt-5-mini-2025-08-07", CHAT, {}, ["model"], "in 20 days"),
        ("gpt-6-luna", CHAT, {}, ["model"], "ask the provider for a dated name"),
        ("gpt-5.5-2026-04-23", CHAT, {}, [], ""),
        ("gpt-5.1-2025-11-13", CHAT, {}, [], ""),
        ("ft:gpt-4o-mini-2024-07-18:org::id", CHAT, {}, [], ""),
        ("gpt-5.5-2026-04-23", CHAT, {"max_completion_tokens": 50}, ["max_completion_tokens"], "come back empty"),
        ("gpt-5.5-2026-04-23", RESPONSES, {"max_output_tokens": 50}, ["max_output_tokens"], "come back empty"),
        ("gpt-5.5-2026-04-23", CHAT, {"max_completion_tokens": 50, "reasoning_effort": "none"}, [], ""),
        ("gpt-5.5-2026-04-23", CHAT, {"max_completion_tokens": 5000}, [], ""),
        ("gpt-5.5-2026-04-23", RESPONSES, {"store": True}, ["store"], "store: false"),
        ("gpt-5.5-2026-04-23", CHAT, {"store": True}, ["store"], "leave it out"),
        ("an-unknown-model", CHAT, {"max_completion_tokens": 5}, [], ""),
    ],
)
def test_warnings(model, url, options, where, said):
    faults = warn_body(body(model, url, **options), url, today=TODAY)
    assert [fault.where for fault in faults] == where
    assert said in " ".join(map(str, faults))


def test_responses_keep_texts_unless_told_otherwise():
    asked = body("gpt-5.5-2026-04-23", RESPONSES)
    del asked["store"]
    assert [fault.where for fault in warn_body(asked, RESPONSES, today=TODAY)] == ["store"]


# The table


def sdk_file(name):
    spec = importlib.util.find_spec("openai")
    if spec is None:
        pytest.skip("the SDK is not installed")
    return (Path(spec.origin).parent / name).read_text(encoding="utf-8")


def test_the_dates_of_shut_down_are_those_of_the_sdk():
    text = " ".join(sdk_file("types/shared/chat_model.py").split("Deprecated values:")[1].split())
    entries = re.findall(r"- ((?:\"[^\"]+\",? ?)+): Announced shutdown date: (\d{4}-\d{2}-\d{2})", text)
    dates = {name: date.fromisoformat(day) for names, day in entries for name in re.findall(r'"([^"]+)"', names)}
    assert len(dates) > 50
    assert {name: find_shutdown(name) for name in dates} == dates


def test_names_of_snapshots_are_those_of_the_sdk():
    texts = sdk_file("types/shared/all_models.py") + sdk_file("types/shared/chat_model.py")
    known = set(re.findall(r'"([^"\s]+)"', texts))
    for alias, snapshot in _table().snapshots.items():
        assert {alias, snapshot} <= known
        assert find_shutdown(snapshot) is None or find_shutdown(snapshot) > TODAY


def test_a_project_corrects_the_table(tmp_path, monkeypatch):
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path))
    (tmp_path / "families.yaml").write_text(
        "families: {gpt-9: {efforts: [low], effort: low}}\nshutdown: {2027-06-01: [gpt-4o-mini]}\n", encoding="utf-8"
    )
    assert "temperature" in found("gpt-9-mini", temperature=0)
    assert find_shutdown("gpt-4o-mini") == date(2027, 6, 1)
    assert find_shutdown("gpt-4o") == date(2027, 1, 14)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("families:\n  gpt-9: {effort: 5}", 2, "`families.gpt-9.effort`: 5 stands there, and a text is expected"),
        ("as_of: 2026-11-01\nfamilys: {}", 2, "`familys`: it is no field. To mend: take it out; the fields are as_of"),
        ("families:\n  gpt-9:\n    efort: low", 3, "`families.gpt-9.efort`: it is no field"),
        ("families: [", 1, "this is not YAML"),
        ("- a", 1, "a list stands there, and keys with values are expected"),
    ],
)
def test_r13_a_faulty_table_is_refused_in_our_own_words(tmp_path, monkeypatch, text, line, said):
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path))
    (tmp_path / "families.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError, match=r"families\.yaml.*To mend") as caught:
        find_family("gpt-4o")
    assert f"families.yaml, line {line}: {said}" in str(caught.value)
    assert "pydantic" not in str(caught.value)


KEYS = st.sampled_from(
    [
        *("model", "temperature", "reasoning", "effort", "text", "format", "schema", "type", "json_schema", "n"),
        *("response_format", "strict", "properties", "required", "enum", "anyOf", "items", "metadata", "include"),
    ]
)
LEAVES = st.none() | st.booleans() | st.sampled_from([0, 1, -5, 0.5, "", "gpt-5", "none", "object", "json_schema"])
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5))


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(KEYS, JSON, max_size=8), st.sampled_from([CHAT, RESPONSES, EMBEDDINGS, "/v1/other"]))
def test_no_body_is_too_odd_to_be_judged(one, url):
    for fault in check_body(one, url, today=TODAY) + warn_body(one, url, today=TODAY):
        assert fault.where
        assert fault.mend
