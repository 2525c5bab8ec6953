"""A notebook that is stopped or killed: no trace, no copy with secrets, nothing left behind, and what was done kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from codebook.cli import main
from codebook.execute import run_notebook, run_study
from codebook.execute.stop_signals import is_stopping, orderly_end
from codebook.execute.workshop import make_workshop
from codebook.ground.holding import clear_leftovers

SECRET = "secret-of-some-length-4711"
LONG_S = 300
COMMAND = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be ignored here, as under nohup
for name in ("SIGTERM", "SIGHUP"):
    signal.signal(getattr(signal, name), signal.SIG_DFL)
from codebook.__main__ import main
main()
"""


def write_notebook(project: Path, *code: str) -> Path:
    cells = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
        for n, source in enumerate(code)
    ]
    python = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    path = project / "notebooks" / "01_tells.ipynb"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"cells": cells, "metadata": python, "nbformat": 4, "nbformat_minor": 5}))
    return path


@contextmanager
def running(project: Path, target: str) -> Iterator[subprocess.Popen[str]]:
    """`codebook execute` in a process of its own, with folders of its own, while its notebook is in its last cell."""
    shelf = project.parent / "shelf"
    shelf.mkdir()
    environment = os.environ | {"TMPDIR": str(shelf), "JUPYTER_RUNTIME_DIR": str(shelf), "MY_PASSPHRASE": SECRET}
    command = [sys.executable, "-c", COMMAND, "execute", target]
    with subprocess.Popen(
        command, cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        end = time.monotonic() + LONG_S
        while not (project / "begun").exists() and process.poll() is None:
            assert time.monotonic() < end, "it did not begin"
            time.sleep(0.01)
        yield process


def left_behind(project: Path) -> dict[str, bytes]:
    """What lies in the temporary folders, by its name."""
    files = (path for path in (project.parent / "shelf").rglob("*") if path.is_file())
    return {path.name: path.read_bytes() for path in files}


TELLS = (
    "import os, time, pathlib\nsecret = os.environ['MY_PASSPHRASE']\nprint(secret)",
    "pathlib.Path('begun').touch()\ntime.sleep(3600)",
)


@pytest.mark.parametrize("steps", ["[tells]", pytest.param("[tells, tells]", marks=pytest.mark.slow)])  # anew, forked
@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), pytest.param("SIGINT", 130, marks=pytest.mark.slow)])
def test_r30_a_signal_ends_a_notebook_in_order(project: Path, name: str, code: int, steps: str) -> None:
    write_notebook(project, "import codebook", *TELLS)
    (project / "study.yaml").write_text(f"study: s\nrun: r\nsteps: {steps}\n")
    with running(project, "study.yaml") as process:
        process.send_signal(getattr(signal, name))
        said = process.communicate(timeout=LONG_S)[0]
    assert process.returncode == code, said
    assert "Stopped. Nothing is lost; run the same command again." in said
    assert "Traceback" not in said
    assert left_behind(project) == {}
    copy = (project / "runs" / "r" / "notebooks" / "01_tells.ipynb").read_text()
    assert "[removed: MY_PASSPHRASE]" in copy
    assert SECRET not in copy


@pytest.mark.slow
def test_r30_after_a_kill_no_copy_with_secrets_is_there_and_the_next_start_clears_the_rest(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_notebook(project, *TELLS)
    with running(project, "tells") as process:
        process.kill()
        process.communicate(timeout=LONG_S)
    assert process.returncode == -signal.SIGKILL
    left = left_behind(project)
    assert "kernel.json" in left
    assert [name for name, held in left.items() if SECRET.encode() in held] == []
    shelf = project.parent / "shelf"
    monkeypatch.setattr("tempfile.tempdir", str(shelf))
    with make_workshop() as workshop:
        assert list(shelf.iterdir()) == [workshop]
        assert workshop.stat().st_mode & 0o077 == 0
    assert list(shelf.iterdir()) == []


def test_r30_workshops_of_the_living_and_folders_of_others_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait(LONG_S)
    dead = f"codebook-{ended.pid}-abc"
    for name in (dead, f"codebook-{os.getpid()}-abc", "codebook-ledger-1", "codebook-study", f"other-{ended.pid}-abc"):
        (tmp_path / name).mkdir()
    (tmp_path / f"codebook-{ended.pid}-link").symlink_to(tmp_path / "codebook-study")
    with make_workshop() as mine:
        assert not (tmp_path / dead).exists()
        mine.rename(
            tmp_path / f"codebook-{ended.pid}-held"
        )  # as if another container, with numbers of its own, held it
        assert clear_leftovers() == []
        (tmp_path / f"codebook-{ended.pid}-held").rename(mine)
    assert len(list(tmp_path.iterdir())) == 5


def test_r30_a_signal_that_others_handle_is_left_to_them() -> None:
    def mine(*_: object) -> None:
        heard.append(is_stopping())

    heard: list[bool] = []
    before = [signal.signal(number, mine) for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)]
    try:
        with orderly_end():
            signal.raise_signal(signal.SIGTERM)
            assert signal.getsignal(signal.SIGINT) is mine
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGHUP, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)
    assert heard == [False]


@pytest.mark.parametrize(("name", "code"), [("SIGTERM", 143), ("SIGHUP", 129)])
def test_r30_a_second_signal_does_not_disturb_the_end(name: str, code: int) -> None:
    number, ended = getattr(signal, name), list[bool]()

    def be_stopped() -> None:
        try:
            signal.raise_signal(number)
        finally:
            signal.raise_signal(number)
            ended.append(is_stopping())

    before = signal.signal(number, signal.SIG_DFL)
    try:
        with pytest.raises(SystemExit) as caught, orderly_end():
            be_stopped()
        assert (caught.value.code, ended, is_stopping()) == (code, [True], False)
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


def break_imports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the middle of an import: what is imported after it breaks too."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    def broken(*_: object) -> None:
        raise NameError("name 'base_events' is not defined")

    monkeypatch.setattr("codebook.execute.notebook._run_papermill", stop)
    monkeypatch.setattr("codebook.execute.notebook.write_html", broken)


@pytest.mark.parametrize("target", ["study.yaml", "tells"])
def test_r34_ctrl_c_in_the_middle_of_an_import_is_a_quiet_end(
    project: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    write_notebook(project, "print(1)")
    (project / "study.yaml").write_text("study: s\nrun: r\nsteps: [tells]\n")
    out = project / "runs" / "r" / "notebooks"
    out.mkdir(parents=True)
    for name in ("01_tells.ipynb", "01_tells.html"):
        (out / name).write_text("of an earlier time")
    break_imports(monkeypatch)
    done = CliRunner().invoke(main, ["execute", target, *(["--run", "r"] if target == "tells" else [])])
    assert done.exit_code == 130
    assert done.output.endswith("Stopped. Nothing is lost; run the same command again.\n")
    assert not (out / "01_tells.html").exists(), "a page that does not show what the copy holds"
    with pytest.raises(KeyboardInterrupt):
        run_study("study.yaml") if target == "study.yaml" else run_notebook(target)


def test_r34_ctrl_c_while_the_command_is_loaded_says_nothing(tmp_path: Path) -> None:
    program = COMMAND.replace("from codebook", "import sys; sys.modules['codebook.cli'] = Stop()\nfrom codebook")
    stop = "import os, signal\nclass Stop:\n    def __getattr__(self, name): os.kill(os.getpid(), signal.SIGINT)\n"
    done = subprocess.run([sys.executable, "-c", stop + program], capture_output=True, text=True, timeout=LONG_S)
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


def test_r34_hardly_anything_is_loaded_before_ctrl_c_is_quiet() -> None:
    look = "import sys; before = {*sys.modules}; import codebook.__main__; print(*{*sys.modules} - before)"
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, timeout=LONG_S, check=True)
    loaded = set(done.stdout.split())
    assert "codebook.__main__" in loaded
    assert not loaded & {"importlib.metadata", "zipfile", "random", "tempfile", "pandas", "numpy", "click"}
    version = "import codebook; print(codebook.__version__)"
    found = subprocess.run([sys.executable, "-c", version], capture_output=True, text=True, timeout=LONG_S, check=True)
    assert found.stdout.strip() not in ("", "0+unknown")
