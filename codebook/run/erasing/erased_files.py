"""The files of a run that the kit itself wrote, without a unit: record, work, units, table, sample, run.json."""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from codebook.dialects.resultlines import read_pieces
from codebook.files.digests import N_SHOWN, digest_of
from codebook.files.lines import dump_line, load_line, read_lines, write_atomic, write_lines, write_whole
from codebook.ledger.forgetting import Rewritten
from codebook.material.unit_store import count_texts, iter_units, make_pack, texts_of, write_units
from codebook.run.erasing.targets import Target
from codebook.run.erasing.traces import Traces
from codebook.run.folder import RunFolder
from codebook.shards import BYTES_PER_TOKEN, weigh_line

_KEYS = ("unit_id", "id", "custom_id")
"""Columns of tables that name the unit of a row."""


def rewrite_lines(folder: Path, target: Target) -> list[Rewritten]:
    """Write the files of a folder anew that hold lines about the target; return what became of each."""
    edits = Edits(target.names, target.cuts)
    done = (rewrite_file(path, edits, digest_of(path)) for path in _list_lines(folder))
    return [rewritten for rewritten in done if rewritten]


def rewrite_units(folder: RunFolder, target: Target) -> Path:
    """Write the units without those of the target into a file beside the old one, and return it."""
    fresh = folder.path / ".units.new.jsonl"
    write_units(fresh, _keep(folder.units_path, target))
    return fresh


def _keep(path: Path, target: Target) -> Iterator[tuple[Any, str | None]]:
    for unit, skip in iter_units(path):
        if unit.unit_id in target.packs:
            places = target.places[unit.unit_id]
            yield make_pack([text for place, text in enumerate(texts_of(unit)) if place not in places]), skip
        elif unit.unit_id not in target.units:
            yield unit, skip


def rewrite_work(folder: RunFolder, target: Target, shards: Mapping[str, Rewritten], traces: Traces) -> None:
    """Take the target out of what engines left, and let their notes name the shards as they are now.

    Archives that were unpacked for a replay are removed where they hold it: they are unpacked again when needed. So are
    other files that show it.
    """
    edits = Edits(target.names, target.cuts)
    for path in _list_lines(folder.work):
        if path.parent.name == "unpacked":
            with path.open("rb") as file:
                holds_target = any(edits.apply(line) != line for line in file)
            if holds_target:
                path.unlink()
        else:
            rewrite_file(path, edits, "")
    for path in folder.work.rglob("*.job.json"):
        note = orjson.loads(path.read_bytes())
        if (rewritten := shards.get(note.get("shard"))) is not None:
            note |= {"shard": rewritten.new, "sha256": rewritten.sha256, "n_requests": rewritten.n_lines}
            write_whole(path, orjson.dumps(note, option=orjson.OPT_APPEND_NEWLINE))
    for path in folder.work.rglob("*"):
        if path.is_file() and path.suffix not in (".jsonl", ".json") and traces.in_file(path):
            path.unlink()


def rewrite_run_record(
    folder: RunFolder, target: Target, begun: str, files: Mapping[str, Rewritten], traces: Traces
) -> None:
    """Note in run.json what was erased: how many and when, which files were written anew; no name, no text."""
    record = folder.read_record()
    if all(entry["at"] != begun for entry in record.get("erased", [])):
        changed = {place: {"was": file.was, "is": file.sha256} for place, file in files.items()}
        changed["units.jsonl"] = {"was": record["units"]["sha256"], "is": digest_of(folder.units_path)}
        entry = {"at": begun, "units": target.n_units, "rows": target.n_rows, "files": changed}
        record["erased"] = [*record.get("erased", []), entry]
    record["files"] = _rename(record.get("files", {}), files)
    units = record["units"]
    units["sha256"] = digest_of(folder.units_path)
    units["n"] = sum(count_texts(unit.unit_id) for unit, _ in iter_units(folder.units_path))
    source = units["source"]
    source["notes"] = [traces.scrub(note) for note in source.get("notes", [])]
    record["warnings"] = [traces.scrub(warning) for warning in record.get("warnings", [])]
    answered = record.get("answered", {})
    answered["events"] = [[at, verb, traces.scrub(what)] for at, verb, what in answered.get("events", [])]
    folder.write_record(record)


def _rename(recorded: Mapping[str, str], files: Mapping[str, Rewritten]) -> dict[str, str]:
    """The recorded digests, with the new names and digests of the files that were written anew."""
    renamed = {place: (f"{place.split('/')[0]}/{file.new}", file.sha256) for place, file in files.items()}
    return dict(renamed.get(place, (place, sha256)) for place, sha256 in recorded.items())


def rewrite_carried(folder: RunFolder, target: Target, files: Mapping[str, Rewritten], traces: Traces) -> None:
    """Take the target out of `ledger.jsonl` of a run that no ledger here knows; costs by lines are dropped with it."""
    if folder.carried_path.is_file():
        lines = [_edit_carried(line, target, files, traces) for line in read_lines(folder.carried_path)]
        write_lines(folder.carried_path, lines)


def _edit_carried(
    line: dict[str, Any], target: Target, files: Mapping[str, Rewritten], traces: Traces
) -> dict[str, Any]:
    for kind in ("others", "elsewhere"):
        if kind in line:
            line[kind] = {name: value for name, value in line[kind].items() if name not in target.names}
    if (shard := line.get("shard")) and (rewritten := files.get(f"shards/{shard['file']}")):
        sizes = {"n_requests": rewritten.n_lines, "n_bytes": rewritten.n_bytes, "n_tokens": rewritten.n_tokens}
        line["shard"] |= {"file": rewritten.new, "sha256": rewritten.sha256, **sizes}
        line.pop("costs", None)
    renamed = {name: files[f"results/{name}"].new for name in line.get("files", ()) if f"results/{name}" in files}
    if "files" in line:
        line["files"] = [renamed.get(name, name) for name in line["files"]]
    for part in ("shard", "job"):
        if line.get(part, {}).get("note"):
            line[part]["note"] = traces.scrub(line[part]["note"])
    return line


def drop_rows(path: Path, unit_ids: Collection[str], custom_ids: Collection[str]) -> bool:
    """Drop the rows of a table of the kit (csv or JSON lines) that are about some units; whether there were any.

    Every other row keeps its bytes.
    """
    raw, rest = path.read_bytes(), _keep_rows(path, {*unit_ids, *custom_ids})
    if rest != raw:
        write_whole(path, rest)
    return rest != raw


def has_rows(path: Path, unit_ids: Collection[str], custom_ids: Collection[str]) -> bool:
    """Whether a table has rows that are about some units."""
    return _keep_rows(path, {*unit_ids, *custom_ids}) != path.read_bytes()


def _keep_rows(path: Path, names: Collection[str]) -> bytes:
    raw = path.read_bytes()
    return b"".join(_drop_csv(raw, names) if path.suffix == ".csv" else _drop_json(raw, names, path.name))


def _drop_csv(raw: bytes, names: Collection[str]) -> Iterator[bytes]:
    lines = list(io.StringIO(raw.decode("utf-8", "surrogateescape"), newline=""))
    limit = csv.field_size_limit(len(raw) + 1)  # a cell may hold a text of any length
    try:
        places, before = None, 0
        for cells in (reader := csv.reader(lines)):
            if places is None:
                places = [place for place, name in enumerate(cells) if name.lstrip("\ufeff") in _KEYS]
            if not any(place < len(cells) and cells[place] in names for place in places):
                yield "".join(lines[before : reader.line_num]).encode("utf-8", "surrogateescape")
            before = reader.line_num
    finally:
        csv.field_size_limit(limit)


def _drop_json(raw: bytes, names: Collection[str], name: str) -> Iterator[bytes]:
    for line in io.BytesIO(raw):
        value = load_line(line, name) if line.strip() else {}
        if not any(value.get(key) in names for key in _KEYS):
            yield line


def _list_lines(folder: Path) -> list[Path]:
    """The files of JSON lines below a folder; what a killed process left half written is removed."""
    for part in folder.rglob(".*.part"):
        part.unlink()
    return [path for path in sorted(folder.rglob("*.jsonl")) if path.is_file()]


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
