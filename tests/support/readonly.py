"""A child process that cannot write a folder, whoever runs the tests: for root the right to override modes is dropped.

As a script it runs `codebook` with each of the lists of words that come in as JSON, and prints (exit code, output).
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson

_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE = 24, 1


def set_writable(folder: Path, writable: bool) -> None:
    """Let a folder and all in it be written by its owner, or by nobody."""
    for path in (folder, *folder.rglob("*")):
        mode = path.stat().st_mode
        path.chmod(mode | 0o200 if writable else mode & ~0o222)


def _drop_override() -> None:
    """Before the program starts: root obeys the modes of files, as everyone does."""
    if os.geteuid() == 0 and ctypes.CDLL(None, use_errno=True).prctl(_PR_CAPBSET_DROP, _CAP_DAC_OVERRIDE, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")


def run_read_only(project: Path, commands: Sequence[Sequence[str]], **environment: str) -> list[tuple[int, str]]:
    """Run commands in a project that cannot be written; (exit code, output) of each."""
    set_writable(project, False)
    try:
        done = subprocess.run(
            [sys.executable, __file__],
            input=orjson.dumps(commands),
            cwd=project,
            env={**os.environ, "CODEBOOK_PROJECT": str(project), **environment},
            capture_output=True,
            preexec_fn=_drop_override,
            check=False,
        )
    finally:
        set_writable(project, True)
    assert done.returncode == 0, done.stderr.decode()[-3000:]
    found: list[Any] = orjson.loads(done.stdout)
    return [(code, said) for code, said in found]


def main() -> None:
    from click.testing import CliRunner
    from fakes.scripted import register

    from codebook.cli import main

    register()
    try:
        Path("runs", "written").touch()
    except OSError:
        pass
    else:
        raise AssertionError("the folder can be written")
    results = [CliRunner().invoke(main, words) for words in orjson.loads(sys.stdin.buffer.read())]
    for result in results:
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
    sys.stdout.buffer.write(orjson.dumps([(result.exit_code, result.output) for result in results]))


if __name__ == "__main__":
    main()
