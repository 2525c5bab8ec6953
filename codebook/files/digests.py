"""Digests of the record: a file whose name holds the start of its SHA-256 is checked before it is read.

A file is hashed once a process while it stays the same file; an edit makes it another one.

JSON that the kit itself wrote (the record of a run, its list of outputs) is read back whole or refused in words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from codebook.errors import RecordError
from codebook.files.lines import digest_file
from codebook.paths import show_path

N_SHOWN = 12
"""Hex digits of the SHA-256 in the name of a file."""
_NAMED = re.compile(rf"\d{{4,}}-([0-9a-f]{{{N_SHOWN}}})(-[^/]*)?\.jsonl")
_OTHER = "its SHA-256 differs from the one in its name"
_NOT_RECORDED = "was changed since it was written: its SHA-256 differs from the one in run.json"
_MEND = "To mend: restore it from a backup. Nothing was written."

Stamp = tuple[int, int, int, int]
_known: dict[Path, tuple[Stamp, str]] = {}


def digest_of(path: Path) -> str:
    """SHA-256 of a file as 64 hex digits; what was hashed before is not read again while the file stays the same."""
    stamp = _stamp(path)
    if (known := _known.get(path)) is None or known[0] != stamp:
        known = _known[path] = (stamp, digest_file(path))
    return known[1]


def named_digest(name: str) -> str:
    """The start of the SHA-256 that a file's name holds; empty where it holds none.

    Examples
    --------
    >>> named_digest("0001-3f786850e387-output.jsonl"), named_digest("output.jsonl")
    ('3f786850e387', '')
    """
    match = _NAMED.fullmatch(name)
    return match[1] if match else ""


def check_named(path: Path, *, name: str = "", label: str = "") -> None:
    """Refuse a file that is not the one that its name says; `name` and `label` are those of a packed file."""
    wanted = named_digest(name or path.name)
    if wanted and not digest_of(path).startswith(wanted):
        raise RecordError(f"{label or show_path(path)} was changed since it was written: {_OTHER}. {_MEND}")


def check_record(folder: Path, record: Mapping[str, Any]) -> None:
    """Refuse a run's folder in which a file of the record was changed or a result file is gone; all are named."""
    _refuse(find_faults(folder, record))


def check_units(folder: Path, record: Mapping[str, Any]) -> None:
    """Refuse units that are not those that a run was planned with."""
    _refuse(_find_units_fault(folder, record))


def find_faults(folder: Path, record: Mapping[str, Any], *, since: Path | None = None) -> Iterator[tuple[Path, str]]:
    """Yield the files of a run that were changed, and the result files that are gone, each with what is wrong with it.

    Shards and result files bear the start of their SHA-256 in their names. `record` is what `run.json` says: it has
    that of the units, and of what was collected the whole of each. Where `since` is there, which is written once all
    of them were checked, only files that were touched after it are hashed: a million requests are gigabytes.
    """
    checked_at = since.stat().st_mtime_ns if since and since.is_file() else 0
    yield from _find_units_fault(folder, record)
    recorded, there = record.get("files", {}), set[str]()
    for path in (*sorted(folder.glob("shards/*.jsonl")), *sorted(folder.glob("results/*.jsonl"))):
        if path.name.startswith("."):
            continue
        place = path.relative_to(folder).as_posix()
        there.add(place)
        if path.stat().st_ctime_ns < checked_at:
            continue
        if not digest_of(path).startswith(named_digest(path.name)):
            yield path, f"was changed since it was written: {_OTHER}"
        elif digest_of(path) != recorded.get(place, digest_of(path)):
            yield path, _NOT_RECORDED
    for place in sorted(recorded.keys() - there):
        if place.startswith("results/"):
            yield folder / place, "is missing"


def _find_units_fault(folder: Path, record: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
    path, planned = folder / "units.jsonl", record["units"].get("sha256")
    if planned and path.is_file() and digest_of(path) != planned:
        yield path, _NOT_RECORDED


def _refuse(faults: Iterator[tuple[Path, str]]) -> None:
    if lines := [f"{show_path(path)} {problem}." for path, problem in faults]:
        raise RecordError("\n".join([*lines, _MEND]))


def _stamp(path: Path) -> Stamp:
    about = path.stat()
    return about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns


_MEND_RUN = "restore it from a backup; or delete it and plan the run again: nothing is asked or paid for twice"
_RUN: Mapping[str, type] = {"run": str, "planned_at": str, "codebook": dict, "units": dict, "asked": dict}
_ASKED: Mapping[str, type] = {"engine": str, "model": str, "url": str, "draws": int, "settings": dict, "options": dict}


def read_json(path: Path, *, mend: str = "restore it from a backup") -> Any:
    """Read a file of JSON."""
    try:
        return orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise damaged(path, str(error), mend) from None


def damaged(path: Path, problem: str, mend: str) -> RecordError:
    """Return the error of a file of the record that is not as it was written."""
    return RecordError(f"{show_path(path)} is damaged ({problem}). To mend: {mend}.")


def read_run_record(path: Path) -> dict[str, Any]:
    """Read the `run.json` of a run, with all that the verbs go by."""
    record = read_json(path, mend=_MEND_RUN)
    for name, part, wanted in (("", record, _RUN), ("asked.", _get(record, "asked"), _ASKED)):
        if not isinstance(part, dict):
            raise damaged(path, f"it has no mapping {name.rstrip('.')}".rstrip(), _MEND_RUN)
        for key, kind in wanted.items():
            if not isinstance(part.get(key), kind):
                raise damaged(path, f"`{name}{key}` is missing, or is not of the type {kind.__name__}", _MEND_RUN)
    checked: dict[str, Any] = record
    return checked


def _get(record: Any, name: str) -> Any:
    return record.get(name) if isinstance(record, dict) else None
