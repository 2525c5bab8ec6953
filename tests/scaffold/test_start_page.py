"""Where a study stands and what is next, at every stage of it; the door to it; and links that hold from a notebook."""

from __future__ import annotations

import json
import os
import re
import webbrowser
from pathlib import Path

import pytest
from commands import Command
from fakes import scripted

import codebook as cb
from codebook.outputs import link_file
from codebook.scaffold import make_study, show_study
from codebook.scaffold.lab import lab_command

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new study with an engine that answers at once, seen from its notebooks."""
    monkeypatch.delenv("CODEBOOK_PROJECT", raising=False)
    scripted.register(monkeypatch)
    folder = make_study(tmp_path / "s").folder
    path = folder / "study.yaml"
    path.write_text(path.read_text().replace("gold: gold\n", "gold: gold\nengine: scripted\n"))
    monkeypatch.chdir(folder / "notebooks")
    return folder


def steps() -> list[str]:
    return [step.path.name for step in show_study().steps]


def test_what_is_next_follows_the_study_from_nothing_to_its_report(study: Path) -> None:
    assert steps() == ["02_pilot.ipynb", "03_submit.ipynb"]
    run = cb.open_study().plan()
    assert steps() == ["03_submit.ipynb"]
    run.submit()
    assert steps() == ["04_collect.ipynb", "00_status.ipynb"]
    run.collect()
    assert steps() == ["05_validity.ipynb", "06_reliability.ipynb", "08_report.ipynb"]
    cb.write_report("s")
    (link,) = show_study().steps
    assert link._repr_html_() == '<a href="../runs/s/report.html">read the report</a>'
    state = show_study()
    assert state.runs["labelled"].tolist() == [12]
    assert "scripted" in repr(state)
    assert "s" in state._repr_html_()
    os.utime(study / "runs" / "s" / "table.csv", ns=(2**61, 2**61))
    assert steps() == ["05_validity.ipynb", "06_reliability.ipynb", "08_report.ipynb", "report.html"]


def test_faults_and_open_questions_come_first(study: Path) -> None:
    path = study / "codebook.yaml"
    path.write_text(path.read_text().replace("    level: nominal", "    levle: nominal\n    # question: <b>why?"))
    state = show_study()
    assert any("did you mean `level`?" in point for point in state.open_points)
    assert any(": <b>why?" in point for point in state.open_points)
    assert "&lt;b&gt;why?" in state._repr_html_()
    assert steps()[0] == "codebook.yaml"
    (study / "study.yaml").write_text("study: s\nstepz: []\n")
    state = show_study()
    assert [step.path.name for step in state.steps] == ["study.yaml"]
    assert any("stepz" in point for point in state.open_points)


def test_a_link_holds_from_the_notebook_and_from_its_executed_copy(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = link_file("runs/s/report #1.html", "read <it>", run="s")
    assert link._repr_html_() == '<a href="../runs/s/report%20%231.html">read &lt;it&gt;</a>'
    assert repr(link) == "read <it>: runs/s/report #1.html"
    monkeypatch.setenv("CODEBOOK_EXECUTED", "yes")
    monkeypatch.chdir(study)
    assert 'href="../report%20%231.html"' in link._repr_html_()


def test_u10_the_links_of_the_start_page_lead_to_what_a_new_study_has(study: Path) -> None:
    text = "".join(
        "".join(cell["source"]) for cell in json.loads((study / "notebooks" / "start.ipynb").read_text())["cells"]
    )
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert len(links) > 8
    assert not [link for link in links if not (study / "notebooks" / link).is_file()]


def test_u10_the_report_of_a_run_is_opened_and_its_path_is_said(
    study: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or len(opened) > 1)
    assert "There is no run 's'" in command("open").output
    run = cb.open_study().plan()
    run.submit()
    run.collect()
    missing = command("open", "s")
    assert (missing.exit_code, opened) == (1, [])
    assert "has no report yet. To mend: codebook report s." in missing.output
    cb.write_report("s")
    assert "runs/s/report.html\nThere is no browser to open it with here" in command("open").output
    assert command("open", "s").output == "runs/s/report.html\n"
    assert opened == [(study / "runs" / "s" / "report.html").as_uri()] * 2


def test_u10_jupyterlab_starts_in_the_study_for_this_machine_alone_and_without_news(
    study: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[list[str], Path, dict[str, str]]] = []
    monkeypatch.setattr("subprocess.call", lambda words, cwd, env: calls.append((words, cwd, env)) or 7)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/mine")
    assert command("lab", "--no-browser", "--ServerApp.port=0").exit_code == 7
    ((words, where, environment),) = calls
    assert where == study
    assert words == lab_command(study, ["--ServerApp.port=0"], browser=False)
    for option in (
        f"--ServerApp.root_dir={study}",
        "--ServerApp.ip=127.0.0.1",
        "--LabApp.default_url=/lab/tree/notebooks/start.ipynb",
        "--no-browser",
    ):
        assert option in words
    defaults, mine = environment["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    settings = json.loads((Path(defaults) / "labconfig" / "default_setting_overrides.json").read_text())
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false"
    assert mine == "/mine"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "pip install 'codebook-kit[widgets]'" in command("lab").output
