"""`codebook import`: what a file is, its account, its codings, and the entry that reads it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from codebook.cli import main
from codebook.codings import look_at_export, read_coders
from codebook.errors import TableError
from codebook.scheme import read_codebook

FOLDER = Path(__file__).parents[1] / "data" / "exchange"
CODEBOOK = """\
name: town
unit: a text
variables:
  - {name: stance, question: "?", kind: single, level: nominal, categories: [for, against, unclear]}
  - {name: topics, question: "?", kind: multi, level: nominal, categories: [traffic, housing, "parks, trees", money]}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a codebook and an export of Label Studio."""
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path))
    monkeypatch.setenv("CODEBOOK_PSEUDONYM_KEY", "a key of the tests")
    (tmp_path / "codebook.yaml").write_text(CODEBOOK, encoding="utf-8")
    (tmp_path / "data").mkdir()
    shutil.copy(FOLDER / "label_studio" / "export_all_tasks.json", tmp_path / "data" / "export.json")
    return tmp_path


def test_a_file_is_shown_with_its_account_and_what_is_open(project: Path) -> None:
    """Questions stand in the entry as comments, and nothing is written."""
    book = read_codebook(project / "codebook.yaml")
    view = look_at_export("data/export.json", book)
    shown = repr(view)
    assert "Label Studio, JSON: 49 labels." in shown
    assert "records read" in shown
    assert "# still to do: export.json: variable 'who' (6 codings) is not in the codebook" in shown
    assert "    format: label_studio\n    unit: doc_id" in shown
    with pytest.raises(TableError, match="duplicates: first"):
        view.write()
    assert not (project / "coders.yaml").exists()
    assert "<table" in view._repr_html_()


def test_an_entry_is_added_to_the_others_and_read_by_them(project: Path) -> None:
    """As it stands; the same file a second time is refused."""
    book = read_codebook(project / "codebook.yaml")
    (project / "other.csv").write_text("id,stance\nc01,for\n", encoding="utf-8")
    (project / "coders.yaml").write_text(
        "# ours\ncoders:\n- {file: other.csv, unit: id, variable: stance, columns: {dora: stance}}  # one\n",
        encoding="utf-8",
    )
    known = {"duplicates": "last", "variables": {"who": "", "why": "", "strength": ""}, "rename_coders": {"2": "ann"}}
    view = look_at_export("data/export.json", book, **known)
    assert view.codings is not None
    assert "was added" in view.write()
    text = (project / "coders.yaml").read_text(encoding="utf-8")
    assert text.startswith("# ours\ncoders:\n- {file: other.csv")
    codings = read_coders(project / "coders.yaml", book)
    assert set(codings.coders) == {"dora", "ann", "3", "4"}
    with pytest.raises(TableError, match="has an entry of data/export"):
        view.write()


def test_the_command_shows_asks_and_writes(project: Path) -> None:
    """It ends with 1 while something is open."""
    shutil.copytree(FOLDER / "doccano" / "individual_JSONL_all", project / "doccano")
    shutil.copytree(FOLDER / "doccano" / "individual_JSONL_confirmed", project / "confirmed")
    ask = CliRunner().invoke(main, ["import", "doccano", "--variable", "stance"])
    assert ask.exit_code == 1
    assert "coded_by" in ask.output
    (project / "codebook.yaml").write_text(
        CODEBOOK.replace("single", "multi").replace("unclear]", "unclear, 'C#']"), encoding="utf-8"
    )
    args = ["import", "doccano", "--variable", "stance", "--unit", "doc_id", "--confirmed", "confirmed", "--write"]
    done = CliRunner().invoke(main, args)
    assert done.exit_code == 0, done.output
    assert "coders.yaml: the entry of doccano was added." in done.output
    codings = read_coders(project / "coders.yaml", read_codebook(project / "codebook.yaml"))
    assert codings.coders == ["anna", "ben"]
