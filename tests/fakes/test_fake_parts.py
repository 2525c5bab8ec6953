"""What the fake service refuses of images, PDFs and inputs to embed, seen by the real SDK."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from codebook.records import EMBEDDINGS
from fakes import fake_lines
from fakes.fake_help import MODEL, create
from fakes.fake_openai import FakeOpenAI

PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"x" * 20).decode()
PDF = "data:application/pdf;base64," + base64.b64encode(b"%PDF-1.7 x").decode()


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[FakeOpenAI]:
    with FakeOpenAI(tmp_path / "service") as service:
        yield service


def chat(client: openai.OpenAI, *parts: dict[str, Any]) -> str | None:
    content: Any = [{"type": "text", "text": "What is it?"}, *parts]
    made = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": content}])
    return made.choices[0].message.content


def image(url: str, **more: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def test_images_and_pdfs_are_taken_in_both_tongues(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    assert chat(client, image(PNG, detail="low"), image("https://example.org/a.jpg"))
    assert chat(client, {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}})
    parts: Any = [
        {"type": "input_text", "text": "What is it?"},
        {"type": "input_image", "image_url": PNG, "detail": "auto"},
        {"type": "input_file", "filename": "a.pdf", "file_data": PDF},
    ]
    assert client.responses.create(model=MODEL, input=[{"role": "user", "content": parts}]).output_text


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"type": "input_image", "image_url": PNG}, "Supported values are: text, image_url, file"),
        (image(PNG, detail="best"), "Invalid value: 'best'"),
        (image("http://example.org/a.jpg"), "Invalid data address"),
        (image(PNG.replace("png", "jpeg")), "not of the type image/jpeg"),
        (image(PNG.replace("png", "bmp")), "not of the type image/bmp"),
        (image(PNG + "*"), "Invalid base64"),
        ({"type": "file", "file": {"file_data": PDF}}, "Missing required parameter: 'filename'"),
        ({"type": "file", "file": {"filename": "a.pdf", "file_data": PNG}}, "Invalid data address"),
    ],
)
def test_a_part_that_is_not_what_it_says_is_refused(
    fake: FakeOpenAI, client: openai.OpenAI, part: dict[str, Any], said: str
) -> None:
    with pytest.raises(openai.BadRequestError, match=said.replace("(", r"\(")):
        chat(client, part)


def test_a_batch_holds_so_many_inputs_and_no_more(
    fake: FakeOpenAI, client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fake_lines, "N_INPUTS", 5)
    body = {"model": "text-embedding-3-small", "input": ["a", "b", "c"]}
    lines = [{"custom_id": name, "method": "POST", "url": EMBEDDINGS, "body": body} for name in ("x", "y")]
    one, two = (client.batches.retrieve(create(client, some, EMBEDDINGS).id) for some in (lines[:1], lines))
    assert one.status != "failed"
    assert [fault.code for fault in two.errors.data] == ["too_many_inputs"]


def test_a_request_embeds_so_many_tokens_and_no_more(fake: FakeOpenAI, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="300000 tokens"):
        client.embeddings.create(model="text-embedding-3-small", input=["word " * 6_000] * 41)
