"""What an erasure cannot reach: the source of the units, the service, archives, copies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from codebook.paths import resolve_path, show_path
from codebook.run.erasing.targets import Intent
from codebook.run.folder import RunFolder
from codebook.run.money import Meter

_EVERYWHERE = (
    "backups and copies of the project, archives made of its runs, files saved elsewhere, figures already printed",
    "the disk itself: deleted files may be restored by experts until their place is written over",
)


def say_unreachable(intent: Intent) -> list[str]:
    """Return what still may hold the unit, each with what to do about it."""
    found = dict.fromkeys(said for target in intent.targets for said in _of_run(RunFolder(target.run)))
    if intent.shared:
        found["another unit has the same text: its lines, packs and vectors stay"] = None
    return [*found, *_EVERYWHERE]


def _of_run(folder: RunFolder) -> Iterator[str]:
    if not folder.record_path.is_file():
        return
    record = folder.read_record()
    asked: dict[str, Any] = record["asked"]
    if source := record["units"]["source"].get("file"):
        shown = show_path(resolve_path(source))
        yield f"{shown}: the kit never changes it; take the unit out there, or the next plan asks it again"
    if (meter := Meter(asked)).charges:
        name = meter.provider.name
        yield f"{name}: what it keeps of the files; `codebook delete-remote {folder.name}` deletes those of batches"
    if archive := asked.get("options", {}).get("archive"):
        yield f"{archive}: the archive that run {folder.name!r} replays"
