"""Who answers on a cluster in a test of Ray: a process of it dies once, in the middle of a piece."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from codebook.engines.cluster.chunk_files import Task
from codebook.engines.jobs import LocalEngine
from codebook.engines.protocol import result_line

NAME = "dying:make_dying"


class Dying(LocalEngine):
    """Answers with its process, and writes down what it was asked."""

    name, model = "dying", "dying-1"

    def answer(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        dead = self.folder.parent / "dead"
        if any("[die]" in str(line["body"]) for line in lines) and not dead.exists():
            dead.touch()
            os._exit(1)
        with (self.folder.parent / "asked.txt").open("a") as file:
            file.writelines(f"{line['custom_id']}\n" for line in lines)
        return [result_line(line, 200, {"by": os.getpid()}, self.name) for line in lines]


def make_dying(task: Task, folder: Path) -> LocalEngine:
    return Dying(folder, chunk=2)
