"""What was asked of a model, found in the shards of a run by the name of the request, and told as turns of talk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from codebook.files.lines import dump_line, iter_lines, load_line
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
    return next(filter(None, (_find_in(*place) for place in _list_places(folder, custom_id))), None)


def _list_places(folder: Path, custom_id: str) -> Iterator[tuple[Path, str]]:
    """The shards that may hold a request, each with its name there: by the ledger, else all of the run's own."""
    runs = folder.parent
    if (runs / "ledger.db").is_file():
        with Ledger(runs / "ledger.db") as ledger:
            yield from ((folder / "shards" / file, custom_id) for file in ledger.list_asking(folder.name, custom_id))
            if place := ledger.find_request(folder.name, custom_id):
                yield runs / place[0] / "shards" / place[1], place[2]
    yield from ((path, custom_id) for path in sorted((folder / "shards").glob("[0-9]*.jsonl"), reverse=True))


def _find_in(path: Path, custom_id: str) -> dict[str, Any] | None:
    """The body of a request in a shard, which is looked through without being read into memory."""
    start = dump_line({"custom_id": custom_id})[:-2] + b","
    lines = iter_lines(path) if path.is_file() else ()
    line = next((line for _, line in lines if line.startswith(start)), b"{}")
    body = load_line(line, path.name).get("body")
    return body if isinstance(body, dict) else None


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
