"""Files of JSON lines without the lines of a unit: written anew beside the old ones, whose bytes are left else."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from codebook.dialects.resultlines import read_pieces
from codebook.files.digests import N_SHOWN
from codebook.files.lines import dump_line, write_atomic
from codebook.ledger.forgetting import Rewritten
from codebook.shards import BYTES_PER_TOKEN, weigh_line

_DIGEST = re.compile(rf"^(\d{{4,}}-)[0-9a-f]{{{N_SHOWN}}}")
_NAME = re.compile(rb'"custom_id"\s*:\s*("(?:[^"\\]|\\.)*")')


@dataclass(frozen=True)
class Edits:
    """What becomes of lines by their custom_id: None drops a line, else it gets another name.

    `cuts` says which texts of a pack go, by the custom_id of the pack.
    """

    names: Mapping[str, str | None]
    cuts: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @cached_property
    def _needles(self) -> tuple[bytes, ...]:
        return tuple(name.encode() for name in self.names)

    def apply(self, line: bytes) -> bytes | None:
        """Return what becomes of a line, its end included."""
        if not any(needle in line for needle in self._needles):
            return line
        custom_id = _read_name(line)
        if custom_id is None or custom_id not in self.names:
            return line
        new = self.names[custom_id]
        if new is None:
            return None
        if custom_id in self.cuts:
            return _cut_line(line, new, self.cuts[custom_id])
        return _NAME.sub(lambda _: b'"custom_id":' + orjson.dumps(new), line, count=1)


def rewrite_file(path: Path, edits: Edits, was: str) -> Rewritten | None:
    """Write a file without what is to go, under the name that its new digest gives it; None where it has none of it.

    The old file is left where it is, unless its name does not tell its digest: then it is replaced.
    """
    with path.open("rb") as source:
        if all(edits.apply(piece) == piece for line in source for _, piece in _split(line)):
            return None
    sha256, moved = hashlib.sha256(), dict[int, tuple[int, int]]()
    n_weight = old = new = 0
    fresh = path.with_name(f".{path.name}.erasing.part")
    with write_atomic(fresh) as file, path.open("rb") as source:
        for line in source:
            for start, piece in _split(line):
                edited = edits.apply(piece)
                if edited is not None:
                    file.write(edited)
                    sha256.update(edited)
                    moved[old + start] = (new, len(edited.rstrip(b"\r\n")))
                    n_weight, new = n_weight + weigh_line(edited), new + len(edited)
            old += len(line)
    digest = sha256.hexdigest()
    target = path.with_name(_DIGEST.sub(rf"\g<1>{digest[:N_SHOWN]}", path.name))
    fresh.replace(target)
    return Rewritten(path.name, target.name, was, digest, len(moved), new, n_weight // BYTES_PER_TOKEN, moved)


def _split(line: bytes) -> list[tuple[int, bytes]]:
    """A line with its place, or where a line end was lost, each line that stands on it, with an end of its own."""
    if line.startswith(b"{") and line.count(b'"custom_id"') < 2:
        return [(0, line)]
    pieces = list(read_pieces(line.rstrip(b"\r\n")))
    if len(pieces) == 1 and not pieces[0].start:
        return [(0, line)]
    return [(piece.start, line[piece.start : piece.end] + b"\n") for piece in pieces]


def _read_name(line: bytes) -> str | None:
    """The custom_id of a line, also of one that is no JSON."""
    try:
        value = orjson.loads(line)
        name = value.get("custom_id") if isinstance(value, dict) else None
    except orjson.JSONDecodeError:
        name = None
    if isinstance(name, str):
        return name
    match = _NAME.search(line)
    try:
        return str(orjson.loads(match[1])) if match else None
    except orjson.JSONDecodeError:
        return None


def _cut_line(line: bytes, name: str, places: Sequence[int]) -> bytes | None:
    """A line about a pack of texts, request or result, without some texts; None where it cannot be read."""
    try:
        value: dict[str, Any] = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    value["custom_id"] = name
    body = value.get("body") or (value.get("response") or {}).get("body")
    if isinstance(body, dict) and isinstance(body.get("input"), list):
        body["input"] = [text for place, text in enumerate(body["input"]) if place not in places]
    if isinstance(body, dict) and isinstance(body.get("data"), list):
        body["data"] = [_shift(vector, places) for vector in body["data"] if vector.get("index") not in places]
    return dump_line(value)


def _shift(vector: dict[str, Any], places: Sequence[int]) -> dict[str, Any]:
    """A vector whose text comes earlier now."""
    index = vector.get("index")
    return vector | {"index": index - sum(place < index for place in places)} if isinstance(index, int) else vector
