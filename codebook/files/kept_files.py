"""Files that the kit drafts and a person goes on writing: once one was changed, it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import orjson

from codebook.files.digests import read_json
from codebook.files.lines import digest_file, write_atomic

NOTE = "written.json"
"""Which files were written, with their SHA-256."""


def write_unless_changed(folder: Path, files: Mapping[str, bytes]) -> tuple[str, ...]:
    """Write files into a folder, but those that a person changed since they were written; return the names of these.

    Examples
    --------
    >>> folder = Path("drafts")
    >>> write_unless_changed(folder, {"a.txt": b"one", "b.txt": b"two"})
    ()
    >>> _ = (folder / "a.txt").write_text("mine")
    >>> write_unless_changed(folder, {"a.txt": b"new", "b.txt": b"new"}), (folder / "b.txt").read_text()
    (('a.txt',), 'new')
    """
    note = folder / NOTE
    written: dict[str, str] = read_json(note) if note.is_file() else {}
    changed = [name for name in files if (folder / name).is_file() and digest_file(folder / name) != written.get(name)]
    for name in files.keys() - set(changed):
        with write_atomic(folder / name) as file:
            file.write(files[name])
        written[name] = digest_file(folder / name)
    with write_atomic(note) as file:
        file.write(orjson.dumps(written, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE))
    return tuple(changed)
