"""An engine that takes no time, for what comes before and after the answers."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from codebook.engines.jobs import LocalEngine


class InstantEngine(LocalEngine):
    """Answers at once; a benchmark says what, in `answer`."""

    name = "instant"
    asks: ClassVar[str] = "instant-1"

    def __init__(self, folder: Path, *, model: str = "", progress: bool = False) -> None:
        super().__init__(folder, chunk=2000, progress=progress)

    @property
    def model(self) -> str:
        return self.asks
