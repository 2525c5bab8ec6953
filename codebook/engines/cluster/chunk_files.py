"""What a job on a cluster leaves on disk: a file of answers for each piece of its shard, named by the lines it answers.

Beside the files of every job (`JobFiles`) there are `<job>.task.json` (how it is answered), `<job>.failure.json` (why
the job stopped) and the folder `<job>.chunks`. What a chunk file holds is never asked for again, whole or not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from shutil import rmtree
from typing import Any

import orjson

from codebook.engines.jobs import Done, JobFiles, read_whole
from codebook.errors import CodebookError, UnreachableError
from codebook.files.lines import iter_lines, load_line, write_atomic, write_lines
from codebook.records import Shard


@dataclass(frozen=True)
class Task:
    """How a job is answered: its shard, who answers and where, and what of the environment counts."""

    shard: Shard
    answering: str
    model: str
    options: Mapping[str, Any] = field(default_factory=dict)
    address: str = "local"
    concurrency: int = 2
    chunk: int = 64
    environment: Mapping[str, str] = field(default_factory=dict)

    def to_record(self) -> dict[str, Any]:
        """The same as a dict for JSON."""
        parts = {name: getattr(self, name) for name in self.__dataclass_fields__}
        shard = {name: getattr(self.shard, name) for name in Shard.__dataclass_fields__}
        return parts | {"shard": shard | {"path": str(self.shard.path)}}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Task:
        """Read it from JSON."""
        shard = record["shard"]
        return cls(**{**record, "shard": Shard(**{**shard, "path": Path(shard["path"])})})


@dataclass(frozen=True)
class Piece:
    """Some lines of a shard: `places` are its number, where it begins and how long it is; the name says which."""

    name: str
    places: tuple[tuple[int, int, int], ...]

    @property
    def numbers(self) -> list[int]:
        """The numbers of the lines, from 1."""
        return [number for number, _, _ in self.places]

    def read(self, shard: Path) -> list[bytes]:
        """The request lines, LF included."""
        lines = []
        with shard.open("rb") as file:
            for _, offset, length in self.places:
                file.seek(offset)
                lines.append(file.read(length) + b"\n")
        return lines


class ClusterJob(JobFiles):
    """The files of one job. Its answers are those of the chunk files, each question's first one."""

    def __init__(self, folder: Path, job_id: str) -> None:
        super().__init__(folder, job_id)
        stem = self.final.name.removesuffix(".jsonl")
        self.chunks = folder / f"{stem}.chunks"
        self.task_path, self.failure_path = folder / f"{stem}.task.json", folder / f"{stem}.failure.json"
        self.starts_path = folder / f"{stem}.starts.json"

    @property
    def open(self) -> bool:
        """Whether there is something to do for a driver."""
        ended = self.final.exists() or self.cancel.exists() or self.failure_path.exists()
        return self.task_path.exists() and not ended

    def answers(self) -> Iterator[Done]:
        """Yield the whole answers on disk, of each question the first."""
        if self.final.exists():
            yield from read_whole(self.final)
            return
        seen = set[str]()
        for path in self.chunk_paths():
            for answer in read_whole(path):
                if answer.custom_id not in seen:
                    seen.add(answer.custom_id)
                    yield answer

    def chunk_paths(self) -> list[Path]:
        """Where answers are, those included that are being written."""
        return sorted(self.chunks.glob("[0-9]*.jsonl"))

    def write_task(self, task: Task) -> None:
        """Note how the job is answered; what kept it from being answered before counts no more."""
        self.failure_path.unlink(missing_ok=True)
        write_lines(self.task_path, [task.to_record()])

    def read_task(self) -> Task:
        """How the job is answered."""
        return Task.from_record(orjson.loads(self.task_path.read_bytes()))

    def note_start(self) -> int:
        """Note that a driver begins; return its number, from 1."""
        n_done, before = sum(1 for _ in self.answers()), self.read_starts()
        n_in_vain = before["in_vain"] + 1 if before["done"] == n_done else 0
        starts = {"n": before["n"] + 1, "done": n_done, "in_vain": n_in_vain}
        write_lines(self.starts_path, [starts])
        return starts["n"]

    def read_starts(self) -> dict[str, int]:
        """How many drivers began, how many answers there were then, and how many drivers before brought none."""
        try:
            return dict(orjson.loads(self.starts_path.read_bytes()))
        except OSError:
            return {"n": 0, "done": -1, "in_vain": 0}

    def keep_parts(self) -> None:
        """Keep what a dead driver left half answered: its whole lines are answers."""
        for path in self.chunks.glob("[0-9]*.part.jsonl"):
            with suppress(FileNotFoundError):  # who wrote it is alive, and has finished it
                path.replace(path.with_name(path.name.replace(".part.", ".")))

    def cut(self, task: Task, n_start: int) -> Iterator[Piece]:
        """Yield the pieces of the shard that have no answer yet; no two drivers give a piece the same name."""
        done = {answer.custom_id for answer in self.answers()}
        named = enumerate(_read_names(task.shard.path), 1)
        open_lines = ((n, offset, length) for n, (name, offset, length) in named if name not in done)
        while lines := list(islice(open_lines, task.chunk)):
            name = f"{lines[0][0]:08d}-{lines[-1][0]:08d}-{n_start}"
            yield Piece(name, tuple(lines))

    def merge(self, task: Task) -> int:
        """Make one file of all answers, in the order of the shard, where none is missing; return how many are."""
        places = dict[str, tuple[Path, int, int]]()
        for path in self.chunk_paths():
            offset = 0
            for answer in read_whole(path):
                places.setdefault(answer.custom_id, (path, offset, len(answer.raw)))
                offset += len(answer.raw)
        names = [name for name, _, _ in _read_names(task.shard.path)]
        if n_missing := sum(name not in places for name in names):
            return n_missing
        with write_atomic(self.final) as file:
            for path, wanted in groupby((places[name] for name in names), key=itemgetter(0)):
                with path.open("rb") as chunk:
                    for _, offset, length in wanted:
                        chunk.seek(offset)
                        file.write(chunk.read(length))
        rmtree(self.chunks, ignore_errors=True)
        return 0

    def note_failure(self, error: Exception) -> None:
        """Note why the job stopped, and whether a later try may work."""
        passing = isinstance(error, UnreachableError)
        words = str(error) if isinstance(error, CodebookError) else f"{type(error).__name__}: {error}"
        write_lines(self.failure_path, [{"passing": passing, "words": words}])

    def read_failure(self) -> tuple[bool, str]:
        """(whether a later try may work, why the job stopped); the reason is empty where the job can go on."""
        if not self.failure_path.exists():
            return False, ""
        failure = orjson.loads(self.failure_path.read_bytes())
        return bool(failure["passing"]), str(failure["words"])


def _read_names(shard: Path) -> Iterator[tuple[str, int, int]]:
    """(custom_id, where it begins, how long it is) of every line of a shard."""
    for number, (offset, line) in enumerate(iter_lines(shard), 1):
        yield str(load_line(line, f"{shard.name}, line {number}").get("custom_id")), offset, len(line)


class ChunkJob(JobFiles):
    """The files of one piece, for the engine that answers it: they lie among the chunks, the wish to stop is the job's.

    A file of answers that was finished bears no `.part`; both count.
    """

    def __init__(self, job: ClusterJob, piece: Piece) -> None:
        super().__init__(job.chunks, piece.name)
        self.cancel, self.tries = job.cancel, job.chunks / f"{piece.name}.tries"

    def note_try(self) -> int:
        """Note that the piece is begun; return the number of this try, from 1."""
        with self.tries.open("ab") as file:
            file.write(b".")
            return file.tell()

    def clear(self) -> None:
        """Delete what is not needed once the piece is answered."""
        for path in (Path(self.lock.lock_file), self.tries):
            path.unlink(missing_ok=True)


def write_piece(lines: list[bytes], task: Task, scratch: Path) -> Shard:
    """Write the lines of a piece as a shard of their own."""
    path = scratch / task.shard.path.name
    with path.open("wb") as file:
        file.writelines(lines)
    of_shard = task.shard
    return Shard(path, "", of_shard.url, of_shard.model, len(lines), path.stat().st_size, 0)
