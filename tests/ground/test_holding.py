"""One process holds a file at a time; who waits is told for whom, and a killed process holds nothing."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from codebook.ground import holding
from codebook.ground.holding import HeldError, hold, who_holds


@contextmanager
def other_process(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    code = (
        "import sys; from pathlib import Path; from codebook.ground.holding import hold\n"
        f"with hold(Path({str(path)!r}), 'it', 1):\n    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


def test_who_waits_is_told_for_whom_since_when_and_how_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(holding, "SAY_AFTER_S", 0.05)
    path = tmp_path / ".lock"
    with other_process(path) as process, caplog.at_level(logging.WARNING, logger="codebook"):
        said = rf"on this machine \(-c, process {process.pid}\), since \d\d:\d\d:\d\d \(\d+ s\); waited for 0 s"
        with pytest.raises(HeldError, match=said), hold(path, "run 'x'", 0.2):
            pass
        assert who_holds(path).pid == process.pid  # type: ignore[union-attr]
        (record,) = caplog.records
        assert record.getMessage().startswith(f"run 'x' is held by {holding.Holder.here().user} on this machine")
        assert record.getMessage().endswith("waiting for up to 0 s.")
        process.kill()
        process.wait()
        with hold(path, "run 'x'", 5):  # the lock of a killed process is none
            assert who_holds(path).pid == os.getpid()  # type: ignore[union-attr]
    assert who_holds(path) is None


def test_a_note_of_who_holds_it_that_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / ".lock"
    path.with_name(".lock.who").write_text("{")
    assert who_holds(path) is None
    with hold(path, "it", 1), pytest.raises(HeldError, match=f"process {os.getpid()}"), hold(path, "it", 0.05):
        pass
