"""A test engine for vectors: a few numbers drawn by the text's checksum, and a note of every text it computes.

Texts order what happens: `[short]` loses a vector of its pack, `[nan]` and `[mixed]` spoil one, `[500]` and
`[500 once]` fail, `[floats]` is written as numbers. A file `die-N` in the project kills the process after N packs.
"""

from __future__ import annotations

import os
import signal
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codebook.dialects.embeddings import write_vectors
from codebook.engines import ENGINES
from codebook.engines.jobs import LocalEngine
from codebook.engines.protocol import error_line, result_line
from codebook.paths import project_folder

MODEL, OWN = "numbers-1", 6


def register(monkeypatch: pytest.MonkeyPatch | None = None) -> None:
    """Let `plan(engine="vectors")` find the engine."""
    if monkeypatch is None:
        ENGINES["vectors"] = "fakes.vectors_engine:VectorsEngine"
    else:
        monkeypatch.setitem(ENGINES, "vectors", "fakes.vectors_engine:VectorsEngine")


def vector_of(text: str, dimensions: int = OWN) -> np.ndarray:
    """The one right vector of a text."""
    return np.random.default_rng(zlib.crc32(text.encode())).standard_normal(dimensions).astype("<f4")


def computed() -> list[str]:
    """Every text that was computed in this project, in order, as often as it was."""
    log = project_folder() / "computed.txt"
    return log.read_text("utf-8").split("\n")[:-1] if log.exists() else []


class VectorsEngine(LocalEngine):
    """Answers a pack at a time."""

    name = "vectors"

    def __init__(self, folder: Path, *, model: str = "", progress: bool = False) -> None:
        super().__init__(folder, chunk=1, progress=progress)
        assert model in ("", MODEL), model
        self.n_packs = 0

    @property
    def model(self) -> str:
        return MODEL

    def answer(self, lines: list[dict[str, Any]]) -> Sequence[dict[str, Any]]:
        (line,) = lines
        body, texts = line["body"], line["body"]["input"]
        with (project_folder() / "computed.txt").open("a", encoding="utf-8") as log:
            log.writelines(f"{text}\n" for text in texts)
        self.n_packs += 1
        if (project_folder() / f"die-{self.n_packs}").exists():
            (project_folder() / f"die-{self.n_packs}").unlink()
            os.kill(os.getpid(), signal.SIGKILL)
        orders = " ".join(texts)
        once = self.folder / "failed-once"
        if "[500]" in orders or ("[500 once]" in orders and not once.exists()):
            once.touch()
            return [error_line(line, 500, "as the text orders", self.name)]
        vectors = np.array([vector_of(text, body.get("dimensions", OWN)) for text in texts])
        if "[nan]" in orders:
            vectors[0, 0] = np.nan
        form = "float" if "[floats]" in orders else body["encoding_format"]
        reply = write_vectors(vectors, MODEL, form, 10 * len(texts))
        reply["data"] = [each for each in reply["data"] if "[short]" not in orders or each["index"]]
        if "[short]" in orders:
            reply["data"] = [each | {"index": place} for place, each in enumerate(reply["data"])]
        if "[mixed]" in orders:
            reply["data"][0]["embedding"] = [1.0, 2.0]
        reply["data"].reverse()  # the order of the texts is told by the index
        return [result_line(line, 200, reply, self.name)]


if __name__ == "__main__":  # embeds as many texts as are asked for, in a process that may be killed
    from codebook.run import embed_texts

    register()
    embed_texts((f"text {number}" for number in range(int(sys.argv[1]))), engine="vectors", run="one")
