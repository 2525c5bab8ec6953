"""Answers from an archived run: a request gets the archived result, to the byte, so that a paper rebuilds offline."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from codebook.dialects.replies import TWO_ANSWERS
from codebook.dialects.resultlines import read_object
from codebook.engines.archive import Archive, Place, key_of, name_archive, read_archive, read_at
from codebook.engines.local import LocalEngine
from codebook.engines.protocol import About
from codebook.errors import EngineError, Fault, ParameterError, ReplayError
from codebook.files.lines import dump_line, iter_lines, load_line
from codebook.records import Shard


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
        shown = ", ".join(missing[:10]) + (", ..." if len(missing) > 10 else "")
        return (
            f"the archive {self.archive} has no answer to {len(missing):,} of {n_asked:,} requests: {shown}. "
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
