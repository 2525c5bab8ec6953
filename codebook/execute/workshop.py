"""Where a notebook runs: a private temporary folder that is cleared away, after a kill by whoever runs the next one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

from codebook.ground.holding import make_scratch, without_grammar

_PROFILE = """\
c = get_config()
c.IPKernelApp.log_level = 'ERROR'  # ipykernel 7.3+ warns at every start that it uses TCP
c.InteractiveShell.automagic = False  # else a cell of the one line `run: str = "x"` is taken for %run
"""
_SCHEME = "codebook-memory://"
ENGINE = "codebook"
"""The name by which papermill knows the way in which `keep_in_memory` has a notebook executed."""
_numbers = count(1)


@contextmanager
def make_workshop() -> Iterator[Path]:
    """Make a temporary folder with an IPython profile of its own, so that no start-up file takes part."""
    with make_scratch() as folder:
        profile = folder / "ipython" / "profile_default"
        profile.mkdir(parents=True)
        (profile / "ipython_kernel_config.py").write_text(_PROFILE)
        yield folder


class Memory:
    """Where papermill puts the executed copy: in memory, since secrets are still in it."""

    def __init__(self) -> None:
        self.copies: dict[str, str] = {}

    def write(self, copy: str, place: str) -> None:
        """Keep a copy."""
        self.copies[place] = copy

    def pretty_path(self, place: str) -> str:
        """Return the name of a place."""
        return place


@contextmanager
def keep_in_memory() -> Iterator[tuple[str, Memory]]:
    """A place that papermill writes to as if it were a file, and the memory that it is in."""
    memory, place = _register(), f"{_SCHEME}{next(_numbers)}.ipynb"
    try:
        yield place, memory
    finally:
        memory.copies.pop(place, None)


@lru_cache(maxsize=1)
def _register() -> Memory:
    with without_grammar():
        from papermill.engines import NBClientEngine, papermill_engines
        from papermill.iorw import papermill_io

    class WritingOnce(NBClientEngine):  # type: ignore[misc]
        """Papermill's own engine, but the copy is written once, whatever ends it, instead of twice a cell."""

        @classmethod
        def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **options: Any) -> None:
            place, nb_man.output_path = nb_man.output_path, None
            try:
                super().execute_managed_notebook(nb_man, kernel_name, **options)
            finally:
                nb_man.output_path = place

    memory = Memory()
    papermill_io.register(_SCHEME, memory)
    papermill_engines.register(ENGINE, WritingOnce)
    return memory
