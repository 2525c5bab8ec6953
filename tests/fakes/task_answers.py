"""What the fake service says to tasks for which the usual answer will not do: transcriptions and records."""

from __future__ import annotations

import re
from typing import Any

import orjson

from codebook.dialects import read_prompt, write_reply
from codebook.records import CHAT, RESPONSES


def answer(line: dict[str, Any]) -> dict[str, Any] | None:
    """A transcription has the pages that were sent; a record quotes the unit; for the rest the usual answer will do."""
    if line["url"] not in (CHAT, RESPONSES):
        return None
    prompt = read_prompt(line["body"], line["url"])
    names = set(prompt.schema["properties"])
    if names == {"pages"}:
        numbers = [int(number) for number in re.findall(r"\d+", prompt.user.split(".", 1)[1])]
        pages = [
            {"page": n, "text": f"Page {n}.", "unsure": [], "tables": []} for n in range(numbers[0], numbers[-1] + 1)
        ]
        said: dict[str, Any] = {"pages": pages}
    elif names == {"entities"}:
        said = {"entities": [{"mention": prompt.user.split()[1], "type": "MISC"}]}
    elif names == {"topics"} and "enum" not in prompt.schema["properties"]["topics"]["items"]:
        said = {"topics": [{"topic": "a thing", "quote": "words that nobody wrote here"}]}
    else:
        return None
    text = orjson.dumps(said).decode()
    return write_reply(line["url"], f"{line['body']['model']}-2026-09-01", text, request_id="r", usage=(100, 20))
