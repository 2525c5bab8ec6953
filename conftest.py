"""Examples in docstrings run in an own folder: an empty one, or a new study whose 12 texts are coded as `topics`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from _pytest.doctest import DoctestItem

_SIGN = "import codebook as cb"
"""What an example begins with that is given in a study."""


@pytest.fixture(scope="session")
def _coded_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new study after `codebook run`."""
    import codebook as cb
    from codebook.scaffold import make_study

    home = tmp_path_factory.mktemp("coded") / "my-study"
    make_study(home)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODEBOOK_PROJECT", str(home))
        patch.chdir(home)
        run = cb.plan("codebook.yaml", cb.open_study().open_units(), run="topics")
        run.submit()
        run.collect()
    return home


@pytest.fixture(autouse=True)
def _in_a_study(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give an example of a docstring a folder to write into: a copy of that study, where it asks for one."""
    if isinstance(request.node, DoctestItem):
        home: Path = request.getfixturevalue("tmp_path") / "my-study"
        if _SIGN in str(request.node.dtest and request.node.dtest.docstring):
            shutil.copytree(request.getfixturevalue("_coded_study"), home)
        else:
            home.mkdir()
        monkeypatch.setenv("CODEBOOK_PROJECT", str(home))
        monkeypatch.chdir(home)
