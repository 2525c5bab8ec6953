"""A source without some of its units, such as those that stand in the codebook as examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codebook.files import Encoding
from codebook.records import Unit
from codebook.units.any_source import Source


@dataclass(frozen=True)
class LeftOut(Source):
    """The units of `source` whose ids are not in `ids`."""

    source: Source
    ids: frozenset[str]

    @property
    def path(self) -> Path:
        """The file or folder."""
        return self.source.path

    def with_skips(self) -> Iterator[tuple[Unit, str | None]]:
        """Yield `(unit, skip)` of the units that are left, as the source does."""
        return ((unit, skip) for unit, skip in self.source.with_skips() if unit.unit_id not in self.ids)

    @property
    def encoding(self) -> Encoding | None:
        """That of the source."""
        return self.source.encoding

    def remarks(self) -> Iterator[tuple[str, str]]:
        """What the source remarks."""
        return self.source.remarks()

    def describe(self) -> dict[str, Any]:
        """What the source says, and which ids are left out."""
        return self.source.describe() | {"left_out": sorted(self.ids)}

    def tell(self) -> list[str]:
        """What the source tells, and how many units are left out."""
        return [*self.source.tell(), f"left out: {len(self.ids):,} units"]
