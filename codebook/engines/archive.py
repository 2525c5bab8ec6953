"""An archived run, read for replay: where the result of each request lies.

An archive is a folder with `shards/` and `results/`, or with the result files beside `shards/`; files end in `.jsonl`
or `.jsonl.gz`. Of its lines only places are kept in memory: a compressed file is unpacked once into a work folder.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple

from codebook.dialects import read_reply
from codebook.dialects.resultlines import read_object, read_pieces
from codebook.errors import EngineError, RecordError
from codebook.files.digests import check_named
from codebook.files.lines import digest, digest_file, dump_canonical, iter_lines, load_line, write_atomic
from codebook.files.unfolding import say_growth
from codebook.records import RETRIED, request_key

_BLOCK = 1 << 20


class Place(NamedTuple):
    """A result line: its file, where it begins and how long it is; `twice` where another line gives another answer."""

    path: Path
    offset: int
    length: int
    twice: bool = False


@dataclass(frozen=True, slots=True)
class Archive:
    """What an archived run holds: its models, and under each request key the places of the results by custom_id."""

    places: dict[bytes, dict[str, Place]] = field(default_factory=dict)
    models: set[str] = field(default_factory=set)


def read_archive(folder: Path, work: Path) -> Archive:
    """Return what an archived run holds. Where a request has several results, one with an answer counts, then the last.

    A result that nobody can read is one; two different answers for one id in a file are marked.

    Parameters
    ----------
    work
        Where compressed files are unpacked.

    Raises
    ------
    EngineError
        The folder holds no shards or no results.
    RecordError
        A shard is damaged, which is told with its line, or a file was changed since it was written.
    """
    results: dict[str, Place] = {}
    for path, _ in _files(folder, "results", work):
        for offset, raw in iter_lines(path):
            for piece in read_pieces(raw):
                place = Place(path, offset + piece.start, piece.end - piece.start)
                earlier = results.get(piece.custom_id)
                results[piece.custom_id] = place if earlier is None else _choose(earlier, place)
    archive = Archive()
    for path, shown in _files(folder, "shards", work):
        for number, (_, raw) in enumerate(iter_lines(path), 1):
            line = load_line(raw, f"{shown}, line {number}")
            name = str(line.get("custom_id"))
            archive.models.add(str((line.get("body") or {}).get("model")))
            if name in results:
                archive.places.setdefault(key_of(line), {})[name] = results[name]
    return archive


def _choose(earlier: Place, later: Place) -> Place:
    """Which of two results of one request counts."""
    ranked = [_rank(read_at(place)) for place in (earlier, later)]
    (rank, answer), (later_rank, later_said) = ranked
    if rank != later_rank:
        return later if later_rank > rank else earlier
    differ = rank == _ANSWER and answer != later_said and earlier.path == later.path
    return later._replace(twice=earlier.twice or differ)


_NO_ANSWER, _NO_LABEL, _ANSWER = range(3)


def _rank(raw: bytes) -> tuple[int, str | None]:
    """How much a result says, and what."""
    line = read_object(raw)
    answer = read_reply(line) if line else None
    if answer is None:
        return _NO_LABEL, None
    if answer.why in RETRIED:
        return _NO_ANSWER, None
    if answer.why not in (None, "refused"):
        return _NO_LABEL, None
    return _ANSWER, answer.text if answer.why is None else None


def key_of(request: Mapping[str, Any]) -> bytes:
    """The request key of a line, draw left out: what is asked, not how often."""
    return bytes.fromhex(request_key(str(request.get("url")), dump_canonical(request.get("body"))))


def read_at(place: Place) -> bytes:
    """The line at a place, LF left out."""
    with place.path.open("rb") as file:
        file.seek(place.offset)
        return file.read(place.length)


def name_archive(folder: Path) -> str:
    """Return a name by which an archive is told from another one, and from itself before it was changed."""
    paths = [path for kind in ("shards", "results") for path in _list(folder, kind)]
    sizes = [f"{path.relative_to(folder).as_posix()} {path.stat().st_size}" for path in paths]
    return f"{folder.name} {digest(*sizes)[:12]}"


def _list(folder: Path, kind: str) -> list[Path]:
    beside = kind == "results" and not (folder / kind).is_dir()
    files = folder.glob("*.jsonl*") if beside else (folder / kind).rglob("*.jsonl*")
    named = (path for path in files if path.name.endswith((".jsonl", ".jsonl.gz")) and path.name[0] != ".")
    return sorted(path for path in named if path.is_file())


def _files(folder: Path, kind: str, work: Path) -> list[tuple[Path, Path]]:
    """(file to read, file to name in messages) of an archive's shards or results, sorted."""
    paths = _list(folder, kind)
    if not paths:
        raise EngineError(f"{folder} holds no {kind}. To mend: give the folder of an archived run.")
    files = [(_unpack(path, work) if path.suffix == ".gz" else path, path) for path in paths]
    for path, shown in files:
        check_named(path, name=shown.name.removesuffix(".gz"), shown=str(shown))
    return files


def _unpack(path: Path, work: Path) -> Path:
    """Unpack a compressed file, once: the name tells its content. One that grows beyond measure is not."""
    target = work / f"{digest_file(path)[:16]}-{path.stem}"
    if not target.exists():
        try:
            with gzip.open(path) as packed, write_atomic(target) as file:
                _copy_watched(packed, file, path)
        except (OSError, EOFError, zlib.error) as error:
            raise RecordError(f"{path} cannot be unpacked ({error}). To mend: get the archive again.") from None
    return target


def _copy_watched(packed: gzip.GzipFile, file: IO[bytes], path: Path) -> None:
    n_packed, n_bytes = path.stat().st_size, 0
    while block := packed.read(_BLOCK):
        n_bytes += len(block)
        if growth := say_growth(n_bytes, n_packed, at_least=True):
            raise RecordError(f"{path} is not unpacked: {growth}. To mend: unpack it by hand, if it is a run's.")
        file.write(block)
