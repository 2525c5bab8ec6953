"""A new study folder: a codebook to edit, a data template, the notebooks, and the study file that chains them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path

from codebook.errors import Fault, ParameterError
from codebook.files.lines import write_atomic
from codebook.paths import notebooks_folder


def make_study(folder: Path) -> list[Path]:
    """Write the files of a new study and return their paths.

    Raises
    ------
    ParameterError
        The folder holds one of these files already; nothing is written then.
    """
    wanted = dict(_files())
    there = [name for name in wanted if (folder / name).exists()]
    if there:
        mend = "choose another folder, or move these files away"
        raise ParameterError("A study is already there.", [Fault(str(folder / name), "exists", mend) for name in there])
    for name, content in wanted.items():
        with write_atomic(folder / name) as file:
            file.write(content)
    return [folder / name for name in wanted]


def _files() -> Iterator[tuple[str, bytes]]:
    """(path in the study, content): the template, then the notebooks."""
    with as_file(files("codebook") / "templates" / "study") as template:
        for path in sorted(template.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                name = path.relative_to(template).as_posix()
                yield name.replace("dot.", "."), path.read_bytes()
    for path in sorted(notebooks_folder().glob("*.ipynb")):
        yield f"notebooks/{path.name}", path.read_bytes()
