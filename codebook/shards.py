"""Shards: files of request lines, cut by count, bytes and tokens, checked here before any service sees them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from codebook.errors import Fault, ParameterError, RecordError
from codebook.records import Request, Shard, iter_lines, load_line

BYTES_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where a shard ends: requests, bytes and estimated tokens it may hold at most; None is no limit."""

    n_requests: int = 50_000
    n_bytes: int = 200_000_000
    n_tokens: int | None = None

    def __post_init__(self) -> None:
        if min(self.n_requests, self.n_bytes, self.n_tokens or 1) < 1:
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
        self._n_bytes = 0
        self._sha256 = hashlib.sha256()
        self._part = folder / f".{number:04d}.{os.getpid()}.part"
        self._file: IO[bytes] | None = None

    def add(self, request: Request) -> bool:
        """Write a request, or return False where the shard is full. `requests` maps custom_id to request key."""
        line = request.line
        if not self._fits(len(line)):
            if not self.requests:
                raise RecordError(
                    f"request {request.custom_id} of unit {request.unit_id!r} has {len(line):,} bytes; a shard may "
                    f"hold {self.cuts}. To mend: shorten the unit or its context."
                )
            return False
        if request.url != self.url or request.custom_id in self.requests:
            raise RecordError(f"request {request.custom_id} repeats an id or has another endpoint than {self.url}.")
        if self._file is None:
            self._file = self._part.open("wb", buffering=1 << 20)
        self._file.write(line)
        self._sha256.update(line)
        self._n_bytes += len(line)
        self.requests[request.custom_id] = request.request_key
        return True

    def _fits(self, n_bytes: int) -> bool:
        total = self._n_bytes + n_bytes
        tokens = self.cuts.n_tokens
        return (
            len(self.requests) < self.cuts.n_requests
            and total <= self.cuts.n_bytes
            and (tokens is None or total // BYTES_PER_TOKEN <= tokens)
        )

    def close(self) -> Shard:
        """Put the finished file in place and describe it."""
        assert self._file is not None, "close() of a shard without requests"  # a fault of the kit, not of its user
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        digest = self._sha256.hexdigest()
        path = self.folder / f"{self.number:04d}-{digest[:12]}.jsonl"
        self._part.replace(path)
        tokens = self._n_bytes // BYTES_PER_TOKEN
        return Shard(path, digest, self.url, self.model, len(self.requests), self._n_bytes, tokens)

    def discard(self) -> None:
        """Remove an unfinished file."""
        if self._file is not None:
            self._file.close()
        self._part.unlink(missing_ok=True)


def check_shard(path: Path, cuts: Cuts | None = None) -> list[Fault]:
    """Check a shard file as a service would, and list every fault with its line.

    Checked are: JSON, the four fields, custom_ids that repeat, mixed models or endpoints, streaming, size and count.
    """
    cuts = cuts or Cuts()
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    kinds: set[tuple[str, str]] = set()
    number = 0
    for number, (_, line) in enumerate(iter_lines(path), start=1):
        where = f"{path.name}, line {number}"
        try:
            request = load_line(line, where)
        except RecordError as error:
            faults.append(Fault(where, str(error), "write the shard anew"))
            continue
        faults += _check_line(request, where, seen, number)
        kinds.add((str(request.get("url")), str((request.get("body") or {}).get("model"))))
    if len(kinds) > 1:
        faults.append(Fault(path.name, f"mixes {sorted(kinds)}", "put each model and endpoint into a file of its own"))
    if number == 0:
        faults.append(Fault(path.name, "holds no request", "plan a run with at least one unit"))
    if number > cuts.n_requests or path.stat().st_size > cuts.n_bytes:
        size = f"{number:,} requests, {path.stat().st_size:,} bytes"
        faults.append(Fault(path.name, f"too large: {size}", f"cut it at {cuts.n_requests:,} and {cuts.n_bytes:,}"))
    return faults


def _check_line(request: dict[str, object], where: str, seen: dict[str, int], number: int) -> list[Fault]:
    faults = []
    missing = {"custom_id", "method", "url", "body"} - set(request)
    if missing:
        faults.append(Fault(where, f"lacks {', '.join(sorted(missing))}", "write the shard anew"))
    name = str(request.get("custom_id"))
    if name in seen:
        faults.append(Fault(where, f"repeats the custom_id {name} of line {seen[name]}", "give each line its own id"))
    seen.setdefault(name, number)
    body = request.get("body")
    if isinstance(body, dict) and "stream" in body:
        faults.append(Fault(where, "asks for streaming", "remove `stream` from the settings"))
    return faults
