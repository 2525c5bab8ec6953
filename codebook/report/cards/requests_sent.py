"""What was asked of a model, found in the shards of a run by the name of the request, and told as turns of talk."""

from __future__ import annotations

import mmap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from codebook.files.lines import dump_line, load_line
from codebook.ledger import Ledger

Turns = list[tuple[str, str]]
"""(who speaks, what is said) of each message."""
_TEXTS = ("text", "input_text", "output_text")


def find_request(folder: Path, custom_id: str) -> dict[str, Any] | None:
    """Return the body of a request of a run, as the shard has it that was sent; None where no shard has it.

    Parameters
    ----------
    folder
        Of the run. Its own shards come first; where another run asked, the ledger says which.
    """
    for path in sorted((folder / "shards").glob("[0-9]*.jsonl"), reverse=True):
        if body := _find_in(path, custom_id):
            return body
    runs = folder.parent
    if not (runs / "ledger.db").is_file():
        return None
    with Ledger(runs / "ledger.db") as ledger:
        place = ledger.find_request(folder.name, custom_id)
    if place is None:
        return None
    run, file, name = place
    path = runs / run / "shards" / file
    return _find_in(path, name) if path.is_file() else None


def _find_in(path: Path, custom_id: str) -> dict[str, Any] | None:
    """The body of a request in a shard, which is looked through without being read into memory."""
    start = dump_line({"custom_id": custom_id})[:-2] + b","
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as lines:
        place = _find_line(lines, start)
        if place < 0:
            return None
        end = lines.find(b"\n", place)
        body = load_line(lines[place : end if end >= 0 else len(lines)], path.name).get("body")
    return body if isinstance(body, dict) else None


def _find_line(lines: mmap.mmap, start: bytes) -> int:
    """Where a line begins so; -1 where none does."""
    place = lines.find(start)
    while place > 0 and lines[place - 1] != ord("\n"):  # quoted in a text
        place = lines.find(start, place + 1)
    return place


def tell_request(body: Mapping[str, Any]) -> Turns:
    """Return the messages of a request, in the language of any endpoint; a file is told, not shown.

    Examples
    --------
    >>> parts = [{"type": "text", "text": "Which?"}, {"type": "file"}]
    >>> tell_request({"messages": [{"role": "user", "content": parts}]})
    [('user', 'Which?\\n[file]')]
    >>> tell_request({"instructions": "Choose.", "input": "Coal."})
    [('instructions', 'Choose.'), ('input', 'Coal.')]
    """
    turns = [("instructions", str(body["instructions"]))] if body.get("instructions") else []
    messages = body.get("messages", body.get("input", ""))
    if isinstance(messages, str):
        return [*turns, ("input", messages)]
    return [*turns, *_tell_messages(messages)]


def _tell_messages(messages: Any) -> Iterator[tuple[str, str]]:
    for message in messages:
        if isinstance(message, Mapping):
            yield str(message.get("role", "")), _tell_content(message.get("content"))
        else:
            yield "input", str(message)


def _tell_content(content: Any) -> str:
    if not isinstance(content, list):
        return str(content)
    return "\n".join(
        str(part.get("text")) if part.get("type") in _TEXTS else f"[{part.get('type', 'file')}]" for part in content
    )
