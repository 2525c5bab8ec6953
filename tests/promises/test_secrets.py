"""The API key is nowhere: in no file of a project, in no output, in no message, whatever goes wrong on the way."""

from __future__ import annotations

import json
import logging
import traceback
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fakes.fake_openai import FakeOpenAI
from fakes.service import TEXTS, finish, plan_batch, share_clients

from codebook.cli import main
from codebook.errors import CodebookError, EngineError, ExecutionError
from codebook.execute import run_notebook
from codebook.execute.secrets import _read_keyring
from codebook.report import write_report
from codebook.run import open_run, preflight
from codebook.units import read_units

SECRET = "sk-proj-" + "Zq7Xw2Lk9Vb4" * 3
N_SHOWN = 10
"""A service may show the beginning and the end of a key in its messages, but never so many characters in a row."""

PIECES = [SECRET[n : n + N_SHOWN].encode() for n in range(8, len(SECRET) - N_SHOWN)]


class Ears:
    """All that was said: messages of exceptions with their tracebacks, and what was shown."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def catch(self, call: Callable[[], object]) -> Exception:
        with pytest.raises(CodebookError) as caught:
            call()
        error = caught.value
        self.heard += [str(error), repr(error), *traceback.format_exception(error)]
        return error

    def see(self, *shown: object) -> None:
        for thing in shown:
            self.heard += [str(thing), repr(thing), *([thing._repr_html_()] if hasattr(thing, "_repr_html_") else [])]


def find_key(folder: Path) -> list[str]:
    """The files below a folder that hold a piece of the key, packed ones opened."""
    found = []
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        parts = {path.name: path.read_bytes()}
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                parts |= {f"{path.name}/{name}": packed.read(name) for name in packed.namelist()}
        found += [name for name, whole in parts.items() if holds_key(whole)]
    return found


def holds_key(whole: bytes) -> bool:
    """Whether a piece of the key is there, as it is or in UTF-16."""
    return any(piece in whole or piece.decode().encode("utf-16-le") in whole for piece in PIECES)


def write_failing_notebook(project: Path) -> None:
    cells: list[dict[str, Any]] = [
        {"metadata": {"tags": ["parameters"]}, "source": 'run: str = "one"  # the run'},
        {"metadata": {}, "source": "import codebook as cb\nstudy = cb.open_run(run)\nprint(study.status(poll=True))"},
        {"metadata": {}, "source": "engine = study._engine()\nprint(engine.client, vars(engine.client))"},
        {"metadata": {}, "source": "engine.client.sdk.models.list()"},
    ]
    whole = [
        {"cell_type": "code", "id": f"c{n}", "outputs": [], "execution_count": None, **cell}
        for n, cell in enumerate(cells)
    ]
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    folder = project / "notebooks"
    folder.mkdir()
    shipped = Path(__file__).parents[2] / "notebooks" / "04_collect.ipynb"
    (folder / shipped.name).write_bytes(shipped.read_bytes())
    (folder / "fails.ipynb").write_text(
        json.dumps({"cells": whole, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}), encoding="utf-8"
    )


@pytest.fixture(params=["environment", "keyring"])
def key(
    request: pytest.FixtureRequest, project: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[pytest.FixtureRequest]:
    """The key, where a user may keep it: for this process and for the kernels it starts."""
    _read_keyring.cache_clear()
    if request.param == "environment":
        monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        yield request
        return
    ring = project.parent / "ring"
    ring.mkdir()
    (ring / "ring_of_a_test.py").write_text(
        "from keyring.backend import KeyringBackend\n"
        "class Ring(KeyringBackend):\n"
        "    priority = 9\n"
        "    def get_password(self, service, name):\n"
        f"        return {SECRET!r} if (service, name) == ('codebook', 'OPENAI_API_KEY') else None\n"
        "    def set_password(self, service, name, password): ...\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(ring)
    monkeypatch.setenv("PYTHONPATH", str(ring))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "ring_of_a_test.Ring")
    import keyring
    from ring_of_a_test import Ring  # type: ignore[import-not-found]

    before = keyring.get_keyring()
    keyring.set_keyring(Ring())
    yield request
    keyring.set_keyring(before)
    _read_keyring.cache_clear()


@pytest.mark.usefixtures("key")
@pytest.mark.slow
def test_the_key_is_nowhere_in_what_a_study_writes_and_says(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    ears, said = Ears(), f"Incorrect API key provided: {SECRET}. You can find your key in your account."
    with FakeOpenAI(project.parent / "fake", key=SECRET, auto="at once") as fake, share_clients(monkeypatch):
        run = plan_batch(fake, [*TEXTS, "[500] x", "[truncate] y"])
        for call in ("files.create", "batches.create"):
            for status in (401, 400):
                fake.fault(call, "status", status=status, message=said, code="invalid_api_key")
                assert "[the key]" in str(ears.catch(run.submit))
        fake.fault("batches.create", "lost answer")  # from now on there may be a batch
        for status in (401, 400):
            fake.fault("batches.list", "status", times=None, status=status, message=said, code="invalid_api_key")
            ears.catch(run.submit)
            fake.clear_faults()
        ears.see(run, run.status(), run._engine(), vars(run._engine()), run._engine().client)
        fake.fault("batches.retrieve", "status", times=3, status=503, message=said, retry_after=0.01)
        assert "[the key]" in run.submit().jobs[0].note  # as last seen
        for call in ("batches.retrieve", "files.retrieve", "files.content"):
            for _ in range(2):
                fake.fault(call, "status", status=401, message=said, code="invalid_api_key")
        for _ in range(3):
            ears.catch(run.collect)
        fake.clear_faults()
        finish(run)
        write_failing_notebook(project)
        run_notebook("collect", {"run": "one"})
        fake.fault("models.list", "status", times=None, status=401, message=said)
        with pytest.raises(ExecutionError) as caught:
            run_notebook("fails", {"run": "one"})
        assert "Incorrect API key" in str(caught.value), "it failed for another reason"
        ears.heard += [str(caught.value), *traceback.format_exception(caught.value)]
        assert run.retry(["failed", "truncated"], max_tokens=2000) == 2
        finish(run)
        fake.fault("chat", "status", times=None, status=401, message=said)
        live = {"options": {"base_url": fake.base_url}, "model": "gpt-6-luna"}
        units = project / "units.csv"
        units.write_text("id,text\n1,coal\n2,more coal\n", encoding="utf-8")
        try:
            ears.see(preflight(run.codebook, read_units(units, id_column="id", text_column="text"), **live))
        except EngineError as error:
            ears.heard += traceback.format_exception(error)
        ears.see(open_run("one").status(), run.export(), run.table(), run.costs())
        write_report("one")
        for words in (["status", "one"], ["collect", "one"]):
            main(words, standalone_mode=False)
        run.delete_remote()
    shown = capfd.readouterr()
    assert len(list(project.rglob("*.ipynb"))) == 4
    assert (project / "runs" / "one" / "report.html").is_file()
    assert find_key(project) == []
    for heard in (*ears.heard, shown.out, shown.err, caplog.text):
        assert not holds_key(heard.encode()), heard
    assert SECRET not in str(fake.requests)
    assert any(SECRET in owner for owner in fake.file_owner.values()), "the service was asked with another key"


def test_the_search_finds_a_key(tmp_path: Path) -> None:
    (tmp_path / "plain.txt").write_text(f"key={SECRET[10:-5]}", encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "packed.xlsx", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("sheet.xml", f"{'x' * 500}{SECRET}")
    assert find_key(tmp_path) == ["packed.xlsx/sheet.xml", "plain.txt"]
