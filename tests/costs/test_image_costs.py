"""Tokens of images: the published rules to the number, and what is not known is said to be unknown."""

import io
from base64 import b64encode
from pathlib import Path

import pytest
from PIL import Image

from codebook.costs import count_image, count_request, estimate_shards, find_counter, find_uncounted
from codebook.dialects import Prompt, fence, write_body
from codebook.errors import RecordError
from codebook.files.lines import dump_canonical, write_lines
from codebook.records import CHAT, RESPONSES, FilePart, Request, request_key
from codebook.shards import IMAGE_TOKENS, Cuts, ShardWriter

PHOTO = Path(__file__).parents[2] / "data" / "clothing_images" / "images" / "item001.jpg"  # 222 x 256 pixels
SCHEMA = {"type": "object", "properties": {"label": {"type": "string", "enum": ["a", "b"]}}, "required": ["label"]}


def make_body(model: str, url: str = CHAT, data: bytes = b"", address: str = "", detail: str = "auto") -> dict:
    part = FilePart("image", "x.jpg", "image/jpeg", data or PHOTO.read_bytes(), address, detail)
    if address:
        part = part._replace(data=b"")
    return write_body(Prompt("Code it.", fence(""), "x", SCHEMA, files=(part,)), url, model)


@pytest.mark.parametrize(
    ("model", "size", "detail", "tokens"),
    [
        ("gpt-4o", (1024, 1024), "high", 765),  # the guide's examples
        ("gpt-4o", (2048, 4096), "high", 1105),
        ("gpt-4o", (4096, 8192), "low", 85),
        ("gpt-4o-mini", (512, 512), "high", 2833 + 5667),
        ("gpt-5", (512, 512), "auto", 70 + 140),
        ("o3", (1, 1), "high", 75 + 150),
        ("gpt-4.1-mini", (1024, 1024), "high", int(1024 * 1.62)),
        ("gpt-4.1-mini", (1800, 2400), "high", int(1452 * 1.62)),
        ("o4-mini", (32, 33), "auto", int(2 * 1.72)),
        ("gpt-6-luna", (512, 512), "auto", 307),  # as billed in October 2026
        ("gpt-5.4-nano", (512, 512), "high", 307),
        ("gpt-6-luna", (3000, 3000), "auto", 10_603),
        ("gpt-6-luna", (3000, 3000), "high", 3_000),
        ("gpt-6-luna", (3000, 3000), "low", 307),
        ("gpt-6-sol-2026-09-01", (64, 64), "original", 4),
    ],
)
def test_an_image_costs_what_the_guide_says_or_bills_showed(model, size, detail, tokens):
    assert count_image(*size, model=model, detail=detail) == tokens


@pytest.mark.parametrize("model", ["qwen-vl", "gpt-60", "embedded-use-minilm-2", ""])
def test_the_rule_of_another_family_is_not_known(model):
    assert count_image(100, 100, model=model) is None


@pytest.mark.parametrize("size", [(1, 5_000), (5_000, 1), (9_999, 33), (1_568, 1_569), (40_000, 2_000)])
def test_an_image_of_any_shape_keeps_to_the_budget(size):
    assert 0 < count_image(*size, model="gpt-4.1-mini", detail="high") <= 1_536 * 1.62


@pytest.mark.parametrize("url", [CHAT, RESPONSES])
def test_a_request_counts_its_images(url):
    counter = find_counter("gpt-6-luna")
    body = make_body("gpt-6-luna", url)
    bare = write_body(Prompt("Code it.", fence(""), "x", SCHEMA), url, "gpt-6-luna")
    assert count_request(body, counter, url) - count_request(bare, counter, url) == int(7 * 8 * 1.2)
    assert find_uncounted(body) == ()


@pytest.mark.parametrize("form", ["PNG", "WEBP", "GIF"])
def test_the_size_is_read_in_every_format_that_is_sent(form):
    room = io.BytesIO()
    Image.effect_noise((320, 640), 90).convert("RGB").save(room, form)
    assert len(b64encode(room.getvalue())) > 20_000
    counter = find_counter("gpt-4o")
    tokens = [count_request(make_body("gpt-4o", data=data), counter) for data in (room.getvalue(), PHOTO.read_bytes())]
    assert tokens[0] - tokens[1] == 170  # two tiles, and one


def test_what_cannot_be_counted_is_named():
    elsewhere = {"address": "https://example.org/a.jpg"}
    assert find_uncounted(make_body("gpt-6-luna", **elsewhere)) == ("image_url",)
    assert find_uncounted(make_body("gpt-6-luna", RESPONSES, **elsewhere)) == ("input_image",)
    assert find_uncounted(make_body("qwen-vl")) == ("image_url",)
    assert find_uncounted(make_body("gpt-6-luna", data=b"no picture")) == ("image_url",)
    assert find_uncounted(make_body("gpt-4o", detail="low", **elsewhere)) == ()


def test_the_estimate_of_a_shard_of_images_has_a_price_and_says_what_it_left_out(tmp_path):
    lines = [{"custom_id": str(n), "method": "POST", "url": CHAT, "body": make_body("gpt-4o-mini")} for n in range(30)]
    write_lines(tmp_path / "a.jsonl", lines)
    known = estimate_shards([tmp_path / "a.jsonl"], model="gpt-4o-mini")
    assert known.tokens_in >= 30 * (2833 + 5667)
    assert known.usd_batch == pytest.approx(known.tokens_in * 0.075e-6 + known.tokens_out * 0.3e-6, rel=0.01)
    assert not any("not counted" in said for said in known.basis)
    write_lines(tmp_path / "b.jsonl", [{**line, "body": make_body("qwen-vl")} for line in lines])
    assert any(
        "not counted: image_url" in said for said in estimate_shards([tmp_path / "b.jsonl"], model="qwen-vl").basis
    )


def test_a_shard_takes_an_image_for_its_tokens_and_not_for_its_bytes(tmp_path):
    parts = (
        FilePart("image", "", "image/jpeg", PHOTO.read_bytes()),
        FilePart("image", "", "image/png", bytes(600_000)),
    )
    prompt = Prompt("Code it.", fence("data:image/ in a text; base64, too"), "x", SCHEMA, files=parts)
    requests = []
    for url in (CHAT, RESPONSES):
        body = dump_canonical(write_body(prompt, url, "gpt-6-luna"))
        requests.append(Request("a", request_key(url, body), url, body, "1", "x"))
        bare = dump_canonical(write_body(Prompt("Code it.", fence(""), "x", SCHEMA), url, "gpt-6-luna"))
        writer = ShardWriter(tmp_path, 1, model="gpt-6-luna", url=url, cuts=Cuts(n_tokens=2 * IMAGE_TOKENS + 400))
        assert writer.add(requests[-1])
        shard = writer.close()
        assert shard.n_bytes > 800_000
        assert 2 * IMAGE_TOKENS < shard.n_tokens - len(bare) // 4 < 2 * IMAGE_TOKENS + 150
    small = ShardWriter(tmp_path, 2, model="gpt-6-luna", url=RESPONSES, cuts=Cuts(n_tokens=IMAGE_TOKENS))
    with pytest.raises(RecordError, match="a shard may hold"):
        small.add(requests[-1])
    small.discard()
