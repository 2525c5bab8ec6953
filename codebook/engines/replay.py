"""Answers from an archived run: a request gets the archived result, to the byte, so that a paper rebuilds offline.

An archive is a folder with `shards/` and `results/`, or with the result files beside `shards/`; files end in `.jsonl`
or `.jsonl.gz`. Runs beside it whose answers it shares, such as its pilot, belong to it. Of its lines only places are
kept in memory: a compressed file is unpacked once into a work folder.
"""

from __future__ import annotations

import re
import shutil
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from codebook.dialects import read_reply
from codebook.dialects.replies import TWO_ANSWERS
from codebook.dialects.resultlines import read_object, read_pieces
from codebook.engines.jobs import LocalEngine
from codebook.engines.protocol import About
from codebook.errors import EngineError, Fault, ParameterError, RecordError, ReplayError, UnitsError
from codebook.files.digests import check_named
from codebook.files.lines import (
    digest,
    digest_file,
    dump_canonical,
    dump_line,
    iter_lines,
    load_line,
    read_lines,
    write_atomic,
)
from codebook.files.unfolding import open_bytes
from codebook.ground.whys import RETRIED
from codebook.records import Shard, request_key


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
    archive = Archive()
    for source in [*(folder.parent / name for name in list_sources(folder)), folder]:
        if source == folder or source.is_dir():
            _add_folder(archive, source, work)
    return archive


def list_sources(folder: Path) -> list[str]:
    """The other runs whose answers an archived run shares, by its `ledger.jsonl`; they lie beside it."""
    path = folder / "ledger.jsonl"
    lines = read_lines(path) if path.is_file() else ()
    return sorted({run for line in lines for _, run in line.get("elsewhere", {}).values()} - {""})


def _add_folder(archive: Archive, folder: Path, work: Path) -> None:
    """Add what the files of one run hold."""
    results: dict[str, Place] = {}
    for path, _ in _files(folder, "results", work):
        for offset, raw in iter_lines(path):
            for piece in read_pieces(raw):
                place = Place(path, offset + piece.start, piece.end - piece.start)
                earlier = results.get(piece.custom_id)
                results[piece.custom_id] = place if earlier is None else _choose(earlier, place)
    for path, place_shown in _files(folder, "shards", work):
        for number, (_, raw) in enumerate(iter_lines(path), 1):
            line = load_line(raw, f"{place_shown}, line {number}")
            name = str(line.get("custom_id"))
            archive.models.add(str((line.get("body") or {}).get("model")))
            if name in results:
                archive.places.setdefault(key_of(line), {})[name] = results[name]


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
    for path, place in files:
        check_named(path, name=place.name.removesuffix(".gz"), label=str(place))
    return files


def _unpack(path: Path, work: Path) -> Path:
    """Unpack a compressed file, once: the name tells its content. One that grows beyond measure is not."""
    target = work / f"{digest_file(path)[:16]}-{path.stem}"
    if not target.exists():
        try:
            with open_bytes(path) as packed, write_atomic(target) as file:
                shutil.copyfileobj(packed, file, 1 << 20)
        except UnitsError as error:
            mend = "if it belongs to a run, unpack it by hand"
            raise RecordError(f"{path} is not unpacked: {error.faults[0].problem}. To mend: {mend}.") from None
        except (OSError, EOFError, zlib.error) as error:
            raise RecordError(f"{path} cannot be unpacked ({error}). To mend: get the archive again.") from None
    return target


class ReplayEngine(LocalEngine):
    """Answers every request with the archived result of the same endpoint and body.

    Where several archived requests had the same body (draws, or units with the same text), the result with the same
    custom_id is taken; else the only one there is; else, in the archive's order, one that nothing else in the shard
    asks for, each once.

    Parameters
    ----------
    folder
        Where the work lies.
    archive
        The archived run: a folder with `shards/` and `results/`.
    model
        Empty, or the model that the archive must hold.

    Raises
    ------
    ParameterError
        The archive was made with another model.
    EngineError
        The archive has no shards or results, or more than one model.
    """

    name = "replay"
    about = About(free="Nothing: the answers were read from an archive ({tokens} when they were first given).")

    def __init__(
        self, folder: Path, *, archive: Path, model: str = "", chunk: int = 1000, progress: bool = False
    ) -> None:
        super().__init__(folder, chunk=chunk, progress=progress)
        self.archive = Path(archive)
        self._plan: dict[str, Place] = {}
        if model and model != self.model:
            fault = Fault("model", f"the archive {archive} was made with {self.model!r}", "leave the model empty")
            raise ParameterError(f"The archive has no answers of {model!r}.", [fault])

    @cached_property
    def model(self) -> str:
        """The model id found in the archive's requests."""
        models = sorted(self._index.models)
        if len(models) != 1:
            raise EngineError(
                f"{self.archive} holds requests to {len(models)} models ({', '.join(models)}), expected one. "
                "To mend: give an archive of one model."
            )
        return models[0]

    @cached_property
    def answerer(self) -> str:
        """Who answers: the archive, by the names and sizes of its files."""
        return f"{self.name} {name_archive(self.archive)}"

    def prepare(self, shard: Shard) -> None:
        """Find the archived result of every request of a shard.

        Raises
        ------
        ReplayError
            Requests have no archived result; none is answered then.
        """
        requests = list(_asked(shard.path))
        places = self._index.places
        names, free = {name for name, _ in requests}, dict[bytes, Iterator[Place]]()
        plan: dict[str, Place | None] = {}
        for name, key in requests:
            archived = places.get(key, {})
            if name in archived or len(archived) == 1:
                plan[name] = archived.get(name) or next(iter(archived.values()))
            else:
                unasked = iter([place for other, place in archived.items() if other not in names])
                plan[name] = next(free.setdefault(key, unasked), None)
        missing = [(name, key.hex()) for name, key in requests if plan[name] is None]
        if missing:
            raise ReplayError(self._explain([name for name, _ in missing], len(requests)), [key for _, key in missing])
        self._plan = {name: place for name, place in plan.items() if place is not None}

    def answer(self, lines: list[dict[str, Any]]) -> list[bytes]:
        """Return the archived result of each request, under the asking line's custom_id."""
        return [self._answer(self._plan[line["custom_id"]], line["custom_id"]) for line in lines]

    def _answer(self, place: Place, custom_id: str) -> bytes:
        line = _rename(read_at(place), custom_id)
        if not place.twice:
            return line
        error = {"code": TWO_ANSWERS, "message": "the archive holds two different answers for one id"}
        return dump_line((read_object(line) or {}) | {"error": error})

    @cached_property
    def _index(self) -> Archive:
        return read_archive(self.archive, self.folder / "unpacked")

    def _explain(self, missing: list[str], n_asked: int) -> str:
        names = ", ".join(missing[:10]) + (", ..." if len(missing) > 10 else "")
        return (
            f"the archive {self.archive} has no answer to {len(missing):,} of {n_asked:,} requests: {names}. "
            f"Expected the codebook, units and settings of the archived run and its model, {self.model}. "
            "To mend: go back to those, or ask another engine."
        )


def _asked(path: Path) -> Iterator[tuple[str, bytes]]:
    """(custom_id, key) of every request of a shard."""
    for number, (_, line) in enumerate(iter_lines(path), 1):
        request = load_line(line, f"{path.name}, line {number}")
        yield str(request.get("custom_id")), key_of(request)


def _rename(line: bytes, custom_id: str) -> bytes:
    """A result line under another custom_id, LF included; every other byte stays as it is.

    Examples
    --------
    >>> _rename(b'{"id": 1.50, "custom_id": "a"}', "b")
    b'{"id": 1.50, "custom_id": "b"}\\n'
    """
    old = rb'("custom_id"\s*:\s*)"(?:[^"\\]|\\.)*"'
    renamed = re.sub(old, lambda match: match[1] + orjson.dumps(custom_id), line, count=1)
    result = read_object(line)
    if result is None:
        return renamed + b"\n"
    if result.get("custom_id") == custom_id:
        return line + b"\n"
    wanted = result | {"custom_id": custom_id}
    return renamed + b"\n" if read_object(renamed) == wanted else dump_line(wanted)
