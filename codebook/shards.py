"""Shards: files of request lines, cut by count, bytes and tokens, checked here before any service sees them."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from codebook.errors import Fault, ParameterError, RecordError
from codebook.files.lines import HashedFile, iter_lines, load_line, number_lines
from codebook.records import Request, Shard

BYTES_PER_TOKEN = 4
IMAGE_TOKENS = 1_500
"""Tokens that an image is taken for, whatever its bytes: at 768 pixels and high detail services count 700 to 1,500."""
_IMAGE, _CODED = b"data:image/", b";base64,"


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where a shard ends: requests, bytes and estimated tokens it may hold at most; None is no limit."""

    n_requests: int = 50_000
    n_bytes: int = 200_000_000
    n_tokens: int | None = None

    def __post_init__(self) -> None:
        if min(self.n_requests, self.n_bytes, 1 if self.n_tokens is None else self.n_tokens) < 1:
            fault = Fault("limits of a shard", f"{self} allows nothing", "give numbers of at least 1")
            raise ParameterError("A shard must be able to hold a request.", [fault])


class ShardWriter:
    """Writes one shard. `add` says whether the request still fitted; `close` puts the file in place.

    The file is written under a temporary name and renamed to `<number>-<digest>.jsonl`, so what stands under a shard's
    name is whole and is never opened for writing again.

    Raises
    ------
    RecordError
        A request does not fit into any shard, has another endpoint, or repeats a custom_id.
    """

    def __init__(self, folder: Path, number: int, *, model: str, url: str, cuts: Cuts) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.number, self.model, self.url, self.cuts = folder, number, model, url, cuts
        self.requests: dict[str, str] = {}
        self._n_most_weight = None if cuts.n_tokens is None else (cuts.n_tokens + 1) * BYTES_PER_TOKEN - 1
        self._n_weight = 0
        self._part = folder / f".{number:04d}.{os.getpid()}.part"
        self._file: HashedFile | None = None

    def add(self, request: Request) -> bool:
        """Write a request, or return False where the shard is full. `requests` maps custom_id to request key."""
        line = request.line
        n_weight = self._n_weight + weigh_line(line)
        if self._is_full(len(line), n_weight):
            if not self.requests:
                raise RecordError(
                    f"request {request.custom_id} of unit {request.unit_id!r} has {len(line):,} bytes; a shard may "
                    f"hold {self.cuts}. To mend: shorten the unit or its context."
                )
            return False
        if request.url != self.url or request.custom_id in self.requests:
            raise RecordError(
                f"request {request.custom_id} repeats an id or has another endpoint than {self.url}. "
                "To mend: give every unit an id of its own, and plan each endpoint as a run of its own."
            )
        if self._file is None:
            self._file = HashedFile(self._part)
        self._file.write(line)
        self._n_weight = n_weight
        self.requests[request.custom_id] = request.request_key
        return True

    def _is_full(self, n_bytes: int, n_weight: int) -> bool:
        """Whether a line of so many bytes, with which the shard weighs so much, is beyond a limit."""
        if len(self.requests) >= self.cuts.n_requests:
            return True
        if self._n_most_weight is not None and n_weight > self._n_most_weight:
            return True
        return (self._file.n_bytes if self._file else 0) + n_bytes > self.cuts.n_bytes

    def close(self) -> Shard:
        """Put the finished file in place and describe it."""
        assert self._file is not None, "close() of a shard without requests"  # a fault of the kit, not of its user
        digest = self._file.close()
        path = self.folder / f"{self.number:04d}-{digest[:12]}.jsonl"
        self._part.replace(path)
        tokens = self._n_weight // BYTES_PER_TOKEN
        return Shard(path, digest, self.url, self.model, len(self.requests), self._file.n_bytes, tokens)

    def discard(self) -> None:
        """Remove an unfinished file."""
        try:
            if self._file is not None:
                self._file.stop()
        finally:
            self._part.unlink(missing_ok=True)


def write_without(shard: Shard, custom_ids: Collection[str]) -> Shard:
    """Write a shard anew without some of its lines, under the name that its content then has; the old file stays."""
    part = shard.path.with_name(f".{shard.path.name}.{os.getpid()}.part")
    file, n_requests, n_weight = HashedFile(part), 0, 0
    try:
        for _, line in iter_lines(shard.path):
            if load_line(line, shard.path.name)["custom_id"] not in custom_ids:
                file.write(line + b"\n")
                n_requests, n_weight = n_requests + 1, n_weight + weigh_line(line) + 1
        digest = file.close()
        path = shard.path.with_name(f"{shard.path.name.partition('-')[0]}-{digest[:12]}.jsonl")
        part.replace(path)
    finally:
        file.stop()
        part.unlink(missing_ok=True)
    n_bytes, n_tokens = file.n_bytes, n_weight // BYTES_PER_TOKEN
    return Shard(path, digest, shard.url, shard.model, n_requests, n_bytes, n_tokens)


def weigh_line(line: bytes) -> int:
    """Bytes of a line by which its tokens are estimated: those of its images do not count, each image does.

    Examples
    --------
    >>> weigh_line(b"four") // BYTES_PER_TOKEN
    1
    >>> weigh_line(b'"data:image/png;base64,' + 9_000 * b"A" + b'"') // BYTES_PER_TOKEN
    1506
    """
    weight = len(line)
    place = line.find(b";")  # rare in a line, and one byte is found much faster than several
    while place >= 0:
        end = place + 1
        if line.startswith(_CODED, place) and line.startswith(_IMAGE, line.rfind(b'"', 0, place) + 1):
            end = line.find(b'"', place)
            if end < 0:
                break
            weight += IMAGE_TOKENS * BYTES_PER_TOKEN - (end - place - len(_CODED))
        place = line.find(b";", end)
    return weight


def check_shard(path: Path, cuts: Cuts | None = None) -> list[Fault]:
    """Check a shard file as a service would, and list every fault with its line.

    Checked are: JSON, the four fields, custom_ids that repeat, mixed models or endpoints, streaming, size and count.
    """
    cuts = cuts or Cuts()
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    kinds: dict[str, set[str]] = {"endpoints": set(), "models": set()}
    count = 0
    for number, _, line in number_lines(path):
        count += 1
        where = f"{path.name}, line {number}"
        try:
            request = load_line(line, where)
        except RecordError:
            faults.append(Fault(where, "is not a JSON object", _ANEW))
            continue
        body = request.get("body")
        faults += _check_line(request, body, where)
        faults += _check_id(request.get("custom_id"), where, seen, number)
        kinds["endpoints"] |= {str(request["url"])} if "url" in request else set()
        kinds["models"] |= {str(body["model"])} if isinstance(body, dict) and "model" in body else set()
    for what, names in kinds.items():
        if len(names) > 1:
            faults.append(Fault(path.name, f"mixes the {what} {', '.join(sorted(names))}", "make a file for each"))
    return faults + _check_size(path, count, cuts)


_ANEW = "write the shard anew"


def _check_line(request: dict[str, object], body: object, where: str) -> list[Fault]:
    """What is wrong with one line by itself."""
    faults = []
    if missing := {"custom_id", "method", "url", "body"} - set(request):
        faults.append(Fault(where, f"lacks {', '.join(sorted(missing))}", _ANEW))
    if request.get("method", "POST") != "POST":
        faults.append(Fault(where, f"has the method {request['method']!r}", "write POST"))
    if "body" in request and not (isinstance(body, dict) and "model" in body):
        faults.append(Fault(where, "has a body without a model", _ANEW))
    if isinstance(body, dict) and "stream" in body:
        faults.append(Fault(where, "asks for streaming", "remove `stream` from the settings"))
    return faults


def _check_id(custom_id: object, where: str, seen: dict[str, int], number: int) -> list[Fault]:
    """What is wrong with a line's custom_id; one that is missing is another fault."""
    if custom_id is None:
        return []
    if not isinstance(custom_id, str) or not 0 < len(custom_id) <= 64:
        return [Fault(where, f"has the custom_id {custom_id!r}", "use a text of 1 to 64 characters")]
    if custom_id in seen:
        problem = f"repeats the custom_id {custom_id} of line {seen[custom_id]}"
        return [Fault(where, problem, "give each line its own id")]
    seen[custom_id] = number
    return []


def _check_size(path: Path, count: int, cuts: Cuts) -> list[Fault]:
    """Whether a file holds too little or too much."""
    if count == 0:
        return [Fault(path.name, "holds no request", "plan a run with at least one unit")]
    n_bytes = path.stat().st_size
    if count > cuts.n_requests or n_bytes > cuts.n_bytes:
        size = f"{count:,} requests, {n_bytes:,} bytes"
        return [Fault(path.name, f"too large: {size}", f"cut it at {cuts.n_requests:,} and {cuts.n_bytes:,}")]
    return []
