"""What tests of the fake service share: clients of the real SDK, request lines, batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import openai

from codebook.dialects import Prompt, fence, write_body
from codebook.files.lines import dump_line, read_lines
from codebook.records import CHAT
from fakes.fake_openai import FakeOpenAI

LABEL = {"type": "string", "enum": ["coal", "sports", "travel"]}
SCHEMA = {"type": "object", "properties": {"label": LABEL}, "required": ["label"], "additionalProperties": False}
MODEL = "gpt-6-luna"
Connect = Callable[..., openai.OpenAI]


@contextmanager
def connecting(fake: FakeOpenAI) -> Iterator[Connect]:
    """A function that makes clients of a fake service; they are closed in the end."""
    with ExitStack() as stack:

        def connect(key: str = "", max_retries: int = 0, **options: Any) -> openai.OpenAI:
            options = {"timeout": 120, "base_url": fake.base_url, "max_retries": max_retries, **options}
            plain = openai.DefaultHttpxClient(verify=False)  # certificates take 0.1 s to load
            return stack.enter_context(openai.OpenAI(api_key=key or fake.key, http_client=plain, **options))

        yield connect


def body_of(text: str, url: str = CHAT, model: str = MODEL, **settings: Any) -> dict[str, Any]:
    """A body that asks for a label."""
    return write_body(Prompt("Code it.", fence(text), "answer", SCHEMA, settings=settings), url, model)


def line_of(name: str, text: str, url: str = CHAT, **changes: Any) -> dict[str, Any]:
    """A request line, with fields of it changed."""
    return {"custom_id": name, "method": "POST", "url": url, "body": body_of(text, url)} | changes


def upload(client: openai.OpenAI, lines: list[Any]) -> str:
    """Upload lines (objects, or bytes as they are) and return the file's id."""
    raw = b"".join(line if isinstance(line, bytes) else dump_line(line) for line in lines)
    return client.files.create(file=("lines.jsonl", raw), purpose="batch").id


def create(client: openai.OpenAI, lines: list[Any], url: str = CHAT, **options: Any) -> Any:
    """Upload lines and make a batch of them."""
    file_id = upload(client, lines)
    return client.batches.create(input_file_id=file_id, endpoint=url, completion_window="24h", **options)  # type: ignore[arg-type]


def read_file(client: openai.OpenAI, file_id: str | None, tmp_path: Path) -> dict[str, Any]:
    """The lines of a result file by custom_id; {} where there is none."""
    if file_id is None:
        return {}
    path = tmp_path / "down.jsonl"
    path.write_bytes(client.files.content(file_id).content)
    return {line["custom_id"]: line for line in read_lines(path)}
