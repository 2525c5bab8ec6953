"""The list of digests of a deposit, as `sha256sum -c` reads it, and what does not fit it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from codebook.deposit.deposit_layout import MANIFEST, list_files
from codebook.errors import Fault
from codebook.files.lines import digest_file, write_atomic

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_MEND = "get the deposit again from where it was published"


def write_digests(folder: Path) -> None:
    """Write the SHA-256 of every other file of a deposit."""
    lines = [f"{digest_file(path)}  {place}\n" for place, path in list_files(folder) if place != MANIFEST]
    with write_atomic(folder / MANIFEST) as file:
        file.write("".join(lines).encode())


def read_digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file, as the list says; empty where there is no list."""
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    matches = filter(None, map(_LINE.fullmatch, path.read_text(encoding="utf-8").splitlines()))
    return {match[2]: match[1] for match in matches}


def find_changes(folder: Path) -> Iterator[Fault]:
    """Yield each file of a deposit that is changed, missing or added since its list was written."""
    listed = read_digests(folder)
    if not listed:
        yield Fault(MANIFEST, "it is gone or says nothing", _MEND)
        return
    there = dict(list_files(folder))
    for place, sha256 in listed.items():
        if place not in there:
            yield Fault(place, "it is missing", _MEND)
        elif digest_file(there[place]) != sha256:
            yield Fault(place, "it was changed: its SHA-256 is another one", _MEND)
    for place in sorted(there.keys() - listed.keys() - {MANIFEST}):
        yield Fault(place, "it was added: the list of digests does not name it", "take it out, or deposit again")
