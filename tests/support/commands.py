"""The command line, as a person gives it words; the fixture `command` of `conftest.py` runs them."""

from __future__ import annotations

from collections.abc import Callable

from click.testing import CliRunner, Result

from codebook.cli import main

Command = Callable[..., Result]


def run_command(*words: str, **options: object) -> Result:
    """Run `codebook` with these words."""
    return CliRunner().invoke(main, list(words), **options)  # type: ignore[arg-type]
