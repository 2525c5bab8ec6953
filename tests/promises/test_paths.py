"""Paths: one folder is the project, wherever a notebook or a command runs."""

from pathlib import Path

import pandas as pd
import pytest
from fakes.scripted import make_book

from codebook.analysis.core.result import Result
from codebook.ledger import Ledger
from codebook.paths import MARKER, project_folder, resolve_path, show_path
from codebook.records import Unit
from codebook.run import plan
from codebook.vectors import VectorStore


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with folders in it; the working directory is one of them."""
    deep = tmp_path / "study" / "notebooks" / "gallery"
    deep.mkdir(parents=True)
    (tmp_path / "study" / MARKER).touch()
    monkeypatch.chdir(deep)
    return tmp_path / "study"


def test_the_nearest_marker_upwards_is_the_project(study):
    assert project_folder() == study
    assert project_folder(study / "notebooks") == study
    (study / "notebooks" / MARKER).touch()
    assert project_folder() == study / "notebooks"


def test_a_folder_named_like_the_marker_is_none(study):
    (study / "notebooks" / MARKER).mkdir()
    assert project_folder() == study


def test_without_a_marker_it_is_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert project_folder() == tmp_path


def test_a_marker_in_the_root_of_the_disk_is_none(tmp_path, monkeypatch):
    root = Path(tmp_path.anchor) / MARKER
    monkeypatch.setattr(Path, "is_file", lambda path: path == root)
    assert project_folder(tmp_path) == tmp_path
    assert project_folder(root.parent) == root.parent


def test_the_environment_names_it_outright(study, tmp_path, monkeypatch):
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path))
    assert project_folder() == tmp_path
    assert project_folder(study) == tmp_path


def test_relative_paths_are_taken_from_the_project(study):
    assert resolve_path("data/texts.csv") == study / "data" / "texts.csv"
    assert resolve_path(Path("texts.csv")) == study / "texts.csv"
    assert resolve_path("/elsewhere/texts.csv") == Path("/elsewhere/texts.csv")


def test_the_home_folder_is_expanded(study, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    assert resolve_path("~/texts.csv") == Path("/home/ada/texts.csv")


def test_paths_are_shown_relative_to_the_project(study):
    assert show_path(study / "data" / "texts.csv") == "data/texts.csv"
    assert show_path(study / "notebooks" / ".." / "a.csv") == "a.csv"
    assert show_path(Path("/elsewhere/a.csv")) == "/elsewhere/a.csv"


def test_a_link_out_of_the_project_is_shown_as_it_is(study, tmp_path):
    (tmp_path / "out.csv").touch()
    (study / "in.csv").symlink_to(tmp_path / "out.csv")
    assert show_path(study / "in.csv") == (study / "in.csv").as_posix()


def test_r28_folders_of_runs_are_for_their_owner_alone_and_older_ones_stay_as_they_are(project: Path) -> None:
    def mode(path: Path) -> int:
        return path.stat().st_mode & 0o777

    def plan_run(name: str) -> Path:
        return plan(make_book("topic"), [Unit("u", "coal")], run=name).folder.path

    first = plan_run("one")
    assert (mode(first), mode(first.parent)) == (0o700, 0o700)
    first.parent.chmod(0o755)
    (first.parent / "two").mkdir(0o750)
    assert (mode(plan_run("two")), mode(plan_run("three")), mode(first.parent)) == (0o750, 0o700, 0o755)


def test_r28_what_makes_the_folder_first_does_not_matter(project: Path) -> None:
    Result(pd.DataFrame({"n": [1]}), "table", "T").save(run="first")
    Ledger(project / "other" / "ledger.db").close()
    VectorStore(project / "vectors" / "m-2").add(["coal"], [[1.0, 0.0]])
    made = (project / "runs", project / "runs" / "first", project / "other", project / "vectors")
    assert [path.stat().st_mode & 0o777 for path in made] == [0o700] * 4
