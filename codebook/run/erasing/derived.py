"""What was made of a run and can be made again: saved outputs, exports, executed notebooks, the report."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from codebook.files.lines import write_json
from codebook.run.erasing.erased_files import drop_rows, has_rows
from codebook.run.erasing.targets import Target
from codebook.run.erasing.traces import Traces
from codebook.run.folder import RunFolder

_RECORD = ("shards", "results", "work", "outputs", "notebooks")
_OWN = ("units.jsonl", "run.json", "codebook.yaml", "ledger.jsonl", "table.csv", "report.html")


def erase_derived(folder: RunFolder, target: Target, traces: Traces) -> Iterator[str]:
    """Take a unit out of what was made of a run; yield what became of each file that held it."""
    if folder.table_path.is_file() and drop_rows(folder.table_path, target.units, target.names):
        yield "table.csv: its rows are gone"
    yield from _erase_outputs(folder.path / "outputs", target, traces)
    for path in (*sorted((folder.path / "notebooks").glob("*")), folder.path / "report.html"):
        if path.is_file() and _shows(path, target, traces):
            path.unlink()
            again = "codebook report" if path.name == "report.html" else "codebook execute"
            yield f"{_place(folder, path)}: deleted; `{again}` makes it again"
    yield from _erase_others(folder, target, traces)


def _erase_outputs(folder: Path, target: Target, traces: Traces) -> Iterator[str]:
    """Delete saved outputs that show the unit; a text that a person wrote is only named."""
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        return
    entries: list[dict[str, Any]] = []
    for entry in orjson.loads(manifest.read_bytes()):
        paths = [path for name in entry["files"] if (path := folder / name).is_file()]
        if not any(_shows(path, target, traces) for path in paths):
            entries.append(entry)
        elif entry["kind"] == "text":
            entries.append(entry)
            yield f"outputs/{entry['name']}: STILL HOLDS IT, since a person may have written it; take it out by hand"
        else:
            for path in paths:
                path.unlink()
            yield f"outputs/{entry['name']} ({entry['title']}): deleted; its notebook makes it again"
    write_json(manifest, entries)


def _erase_others(folder: RunFolder, target: Target, traces: Traces) -> Iterator[str]:
    """Take the unit out of samples and sheets that lie in the folder; what cannot be changed by rows is named."""
    from codebook.sampling import erase_from_sample, is_gold_sample

    for path in sorted(folder.path.rglob("*")):
        inside = path.relative_to(folder.path)
        if not path.is_file() or inside.parts[0] in _RECORD or path.name in _OWN or path.name.startswith("."):
            continue
        if is_gold_sample(path):
            if erase_from_sample(path, target.units):
                yield f"{inside.as_posix()}: the unit is gone from the sample; chances stay as they were drawn"
            continue
        if path.suffix in (".csv", ".jsonl") and drop_rows(path, target.units, target.names):
            yield f"{inside.as_posix()}: its rows are gone"
        if _shows(path, target, traces):
            yield f"{inside.as_posix()}: STILL HOLDS IT; take it out by hand"


def _shows(path: Path, target: Target, traces: Traces) -> bool:
    """Whether a file shows the unit, or is a table with a row about it."""
    return traces.in_file(path) or (path.suffix == ".csv" and has_rows(path, target.units, target.names))


def _place(folder: RunFolder, path: Path) -> str:
    return path.relative_to(folder.path).as_posix()
