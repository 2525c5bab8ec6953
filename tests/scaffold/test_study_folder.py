"""What `codebook new` writes: a study with the folder's name, whatever that is, and nothing over what is there."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from commands import Command

import codebook as cb
from codebook.scaffold.study_folder import legal_name

GALLERY = Path(__file__).parents[2] / "notebooks" / "gallery"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("CODEBOOK_PROJECT", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["themen", "My study 2", "no", "Über: Zölle #1", "研究", "a'b"])
def test_u29_a_study_bears_the_name_of_its_folder(here: Path, command: Command, name: str) -> None:
    assert command("new", name).exit_code == 0
    facts = yaml.load((here / name / "study.yaml").read_text(), yaml.BaseLoader)
    assert facts["study"] == name
    assert facts["run"] == cb.read_codebook(here / name / "codebook.yaml").name == legal_name(name)
    assert (here / name / "README.md").read_text().startswith(f"# {name}\n")


def test_u41_a_folder_with_a_study_is_one_fault(here: Path, command: Command) -> None:
    command("new", "s")
    before = {path: path.read_bytes() for path in (here / "s").rglob("*") if path.is_file()}
    (here / "s" / "codebook.yaml").write_text("mine")
    again = command("new", "s")
    assert again.exit_code == 1
    assert again.output.count("To mend") == 1
    assert "files of a study are there already (codebook.yaml, coders.yaml, data/texts.csv, ...)" in again.output
    assert {path for path in (here / "s").rglob("*") if path.is_file()} == before.keys()
    assert (here / "s" / "codebook.yaml").read_text() == "mine"


def test_a_new_study_in_a_folder_with_a_readme_leaves_it_as_it_is(
    here: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "README.md").write_text("mine")
    done = command("new", ".")
    assert done.exit_code == 0, done.output
    assert "README.md was there and stays as it is" in done.output
    assert (here / "README.md").read_text() == "mine"
    assert yaml.safe_load((here / "study.yaml").read_text())["study"] == here.name
    assert "it is a file" in command("new", "README.md").output


def test_the_readme_of_a_study_names_what_is_there_and_the_notebooks_that_are_not(here: Path, command: Command) -> None:
    command("new", "s")
    text = (here / "s" / "README.md").read_text()
    for name in ("codebook.yaml", "coders.yaml", "study.yaml", "data", "notebooks"):
        assert f"`{name}" in text
        assert (here / "s" / name).exists()
    for path in GALLERY.glob("*.ipynb"):
        assert f"`{path.stem}`" in text
        assert not list((here / "s").rglob(path.name))
