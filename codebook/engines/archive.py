"""An archived run, read for replay: where the result of each request lies.

An archive is a folder with `shards/` and `results/`, or with the result files beside `shards/`; files end in `.jsonl`
or `.jsonl.gz`. Of its lines only places are kept in memory: a compressed file is unpacked once into a work folder.
"""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codebook.digests import check_named
from codebook.errors import EngineError, RecordError
from codebook.records import digest_file, dump_canonical, iter_lines, load_line, request_key, write_atomic

Place = tuple[Path, int]
"""A line: its file, and the offset where it begins."""


@dataclass(frozen=True, slots=True)
class Archive:
    """What an archived run holds: its models, and under each request key the places of the results by custom_id."""

    places: dict[bytes, dict[str, Place]] = field(default_factory=dict)
    models: set[str] = field(default_factory=set)


def read_archive(folder: Path, work: Path) -> Archive:
    """Return what an archived run holds. Where a request has several results, one with an answer counts, then the last.

    Parameters
    ----------
    work
        Where compressed files are unpacked.

    Raises
    ------
    EngineError
        The folder holds no shards or no results.
    RecordError
        A file is damaged, which is told with its line, or was changed since it was written.
    """
    results: dict[str, tuple[bool, Place]] = {}
    for path, shown in _files(folder, "results", work):
        for offset, line in _lines(path, shown):
            name, good = str(line.get("custom_id")), (line.get("response") or {}).get("status_code") == 200
            if name not in results or good >= results[name][0]:
                results[name] = (good, (path, offset))
    archive = Archive()
    for path, shown in _files(folder, "shards", work):
        for _, line in _lines(path, shown):
            name = str(line.get("custom_id"))
            archive.models.add(str((line.get("body") or {}).get("model")))
            if name in results:
                archive.places.setdefault(key_of(line), {})[name] = results[name][1]
    return archive


def key_of(request: Mapping[str, Any]) -> bytes:
    """The request key of a line, draw left out: what is asked, not how often."""
    return bytes.fromhex(request_key(str(request.get("url")), dump_canonical(request.get("body"))))


def read_at(place: Place) -> bytes:
    """The line at a place, LF left out."""
    path, offset = place
    with path.open("rb") as file:
        file.seek(offset)
        return file.readline().rstrip(b"\r\n")


def _files(folder: Path, kind: str, work: Path) -> list[tuple[Path, Path]]:
    """(file to read, file to name in messages) of an archive's shards or results, sorted."""
    beside = kind == "results" and not (folder / kind).is_dir()
    found = folder.glob("*.jsonl*") if beside else (folder / kind).rglob("*.jsonl*")
    paths = sorted(path for path in found if path.name.endswith((".jsonl", ".jsonl.gz")) and path.name[0] != ".")
    if not paths:
        raise EngineError(f"{folder} holds no {kind}. To mend: give the folder of an archived run.")
    files = [(_unpack(path, work) if path.suffix == ".gz" else path, path) for path in paths]
    for path, shown in files:
        check_named(path, name=shown.name.removesuffix(".gz"), shown=str(shown))
    return files


def _unpack(path: Path, work: Path) -> Path:
    """Unpack a compressed file, once: the name tells its content."""
    target = work / f"{digest_file(path)[:16]}-{path.stem}"
    if not target.exists():
        try:
            with gzip.open(path) as packed, write_atomic(target) as file:
                shutil.copyfileobj(packed, file)
        except (OSError, EOFError, zlib.error) as error:
            raise RecordError(f"{path} cannot be unpacked ({error}). To mend: get the archive again.") from None
    return target


def _lines(path: Path, shown: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, (offset, line) in enumerate(iter_lines(path), 1):
        yield offset, load_line(line, f"{shown}, line {number}")
