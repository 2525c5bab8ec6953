"""Kernels that are forked from one process: each is as one that was started anew, and its end is its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from codebook.errors import ExecutionError
from codebook.execute import execute_notebook, run_study, write_html
from codebook.execute.kernels import Kernels, KernelServer, kernel_server
from codebook.execute.study import _list_ahead
from codebook.execute.study_plan import Step

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
LONG_S = 120

forked = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux only")


@pytest.fixture(scope="module")
def server() -> Iterator[KernelServer]:
    with kernel_server(2) as server:
        assert server is not None
        yield server


def write_notebook(project: Path, name: str, *code: str) -> Path:
    cells = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "outputs": [], "execution_count": None, "source": source}
        for n, source in enumerate(code)
    ]
    python = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    path = project / "notebooks" / f"{name}.ipynb"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"cells": cells, "metadata": python, "nbformat": 4, "nbformat_minor": 5}))
    return path


def read_printed(path: Path) -> list[str]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "".join("".join(output.get("text", "")) for cell in cells for output in cell.get("outputs", [])).split()


LOOKS = """
import codebook, os, random, sys
import numpy as np
import pandas as pd
seen = getattr(codebook, "left_by_another", "nothing"), "mine" in globals()
codebook.left_by_another = mine = "something"
os.environ["LEFT"] = os.environ.get("LEFT", "") + "x"
print(os.getpid(), os.getppid(), *seen, os.environ["LEFT"], random.random(), np.random.random())
print(__name__, os.getcwd(), *sys.argv[1:2], sys.stdin.read() == "", pd.get_option("display.max_columns"))
"""


@pytest.mark.slow
@forked
def test_the_steps_of_a_study_are_forked_from_one_process_and_see_nothing_of_each_other(project: Path) -> None:
    for name in ("01_first", "02_second"):
        write_notebook(project, name, LOOKS)
    (project / "study.yaml").write_text("study: s\nrun: r\nsteps: [first, second]\n")
    result = run_study("study.yaml", out=lambda line: None)
    first, second = (read_printed(step.notebook) for step in result.steps)
    assert result.state == "done"
    assert first[0] != second[0], "two kernels"
    assert first[1] == second[1] != str(os.getpid()), "of one parent"
    assert first[2:5] == second[2:5] == ["nothing", "False", "x"]
    assert first[5] != second[5]
    assert first[6] != second[6], "each kernel has chance of its own"
    assert first[7:] == second[7:] == ["__main__", str(project), "-f", "True", "20"], "and shows as many columns"


@forked
def test_a_forked_kernel_has_the_environment_of_the_moment_and_no_copy_keeps_a_secret(
    project: Path, server: KernelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LATE_API_KEY", "came-after-the-server-4711")
    path = write_notebook(
        project, "tells", "import os\nprint(os.environ['LATE_API_KEY'], os.environ['CODEBOOK_STUDY'])"
    )
    out, study = project / "out.ipynb", project / "study.yaml"
    execute_notebook(path, out=out, kernels=Kernels(server, study))
    page = write_html(out, project / "out.html").read_text(encoding="utf-8")
    assert read_printed(out) == ["[removed:", "LATE_API_KEY]", str(study)]
    assert "4711" not in out.read_text() + page


@forked
def test_a_forked_kernel_shows_figures_of_pyplot(project: Path, server: KernelServer) -> None:
    execute_notebook(NOTEBOOKS / "draws.ipynb", out=project / "out.ipynb", kernels=Kernels(server))
    assert "image/png" in (project / "out.ipynb").read_text()


@pytest.mark.slow
@forked
def test_a_forked_kernel_that_dies_or_takes_too_long_ends_alone(project: Path, server: KernelServer) -> None:
    with pytest.raises(ExecutionError, match="try a smaller pilot"):
        execute_notebook(NOTEBOOKS / "dies.ipynb", out=project / "out.ipynb", kernels=Kernels(server))
    with pytest.raises(ExecutionError, match=r"give it more \(timeout\)"):
        execute_notebook(NOTEBOOKS / "sleeps.ipynb", out=project / "out.ipynb", timeout_s=1, kernels=Kernels(server))
    path = write_notebook(project, "goes_on", "import os\nprint(os.getppid())")
    execute_notebook(path, out=project / "out.ipynb", kernels=Kernels(server))
    assert read_printed(project / "out.ipynb") == [str(server.pid)]


@forked
def test_where_the_server_has_died_kernels_are_started_anew(project: Path) -> None:
    path = write_notebook(project, "n", "import os\nprint(os.getppid())")
    with kernel_server(2) as server:
        assert server is not None
        os.kill(server.pid, signal.SIGKILL)
        execute_notebook(path, out=project / "out.ipynb", kernels=Kernels(server))
    assert read_printed(project / "out.ipynb") == [str(os.getpid())]


@pytest.mark.slow
@forked
def test_when_the_command_is_killed_its_kernels_end_too(project: Path) -> None:
    code = "import codebook, os, time\nprint(os.write(os.open('pipe', os.O_WRONLY), b'here'))\ntime.sleep(3600)"
    for name in ("01_first", "02_second"):
        write_notebook(project, name, code)
    (project / "study.yaml").write_text("study: s\nrun: r\nsteps: [first, second]\n")
    os.mkfifo(project / "pipe")
    command = [sys.executable, "-m", "codebook", "execute", "study.yaml"]
    with (
        subprocess.Popen(command, cwd=project, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process,
        (project / "pipe").open("rb", buffering=0) as pipe,
    ):
        assert pipe.read(4) == b"here"
        process.kill()
        assert pipe.read() == b"", "it is read to its end when the kernel, its only writer, has ended"


def test_one_notebook_is_not_worth_a_server_and_elsewhere_nothing_is_forked(monkeypatch: pytest.MonkeyPatch) -> None:
    with kernel_server(1) as server:
        assert server is None

    def refuse(pid: int) -> int:
        raise OSError

    monkeypatch.setattr(os, "pidfd_open", refuse, raising=False)
    with kernel_server(8) as server:
        assert server is None


@pytest.mark.slow
@forked
def test_what_an_engine_loads_ahead_is_there_in_the_kernels_and_a_missing_package_is_no_fault(project: Path) -> None:
    ahead = "codebook.engines.embedded.encoders:warm_up"
    loaded = "encoders._load_use.cache_info().currsize"
    code = f"from codebook.engines.embedded import encoders\nprint({loaded}, encoders.load_encoders())"
    path = write_notebook(project, "n", code)
    with kernel_server(2, [ahead, "codebook.engines.of_nobody:warm_up"]) as server:
        assert server is not None
        execute_notebook(path, out=project / "out.ipynb", kernels=Kernels(server))
    assert read_printed(project / "out.ipynb")[0] == "1"


@pytest.mark.slow
def test_an_engine_is_loaded_ahead_where_its_answers_are_not_there_yet(project: Path) -> None:
    cells = {"tags": ["parameters"]}
    path = write_notebook(project, "asks", 'engine: str = ""  # who answers')
    notebook = json.loads(path.read_text())
    notebook["cells"][0]["metadata"] = cells
    path.write_text(json.dumps(notebook))
    run = project / "runs" / "r"
    run.mkdir(parents=True)
    asks = [Step(1, "asks", path, {})]
    assert _list_ahead(asks, run) == ["codebook.engines.embedded.encoders:warm_up"]
    assert _list_ahead([Step(1, "asks", path, {"engine": "openai_live"})], run) == []
    (run / "table.csv").touch()
    assert _list_ahead(asks, run) == []
