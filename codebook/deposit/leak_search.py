"""What must not stand in a deposit, or should be looked at: keys, and what looks personal, by file and line."""

from __future__ import annotations

import gzip
import html
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from codebook.deposit.deposit_layout import LOCK, list_files
from codebook.errors import Fault
from codebook.files.unfolding import open_bytes
from codebook.ground.personal import find_personal, find_phone
from codebook.ground.secrecy import is_keylike, remove_secrets

_PICTURES = (".png", ".pdf", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".webp", ".heic", ".npy", ".bin", ".parquet")
_PACKED = (".xlsx", ".docx", ".zip")
_BINARY = re.compile(
    r"data:[\w/+.;=-]*;base64,[A-Za-z0-9+/=\\n]+|(?<=[\"'>])[A-Za-z0-9+/]{200,}={0,2}(?:\\n)?(?=[\"'<])"
)
_MOST = 20
"""Lines of one file that are told; how many more there are is said."""
KEY_MEND = "take it out, withdraw that key at its service, and deposit again"
PERSON_MEND = "look at the line: may it be published? Else erase or mask it in the study, and deposit again"


def find_keys(folder: Path, secrets: Mapping[str, str]) -> Iterator[Fault]:
    """Yield each place of a deposit where something looks like a key, or is a secret of this machine; never the key."""
    for place, path in list_files(folder):
        lines = (number for number, line in read_text_lines(path) if _holds_key(line, secrets))
        yield from tell_lines(place, lines, "something looks like a key (it is not shown)", KEY_MEND)


def find_persons(folder: Path) -> Iterator[Fault]:
    """Yield each place of a deposit where something looks personal; a hint, never a proof, and never shown."""
    for place, path in list_files(folder):
        if place == LOCK:
            continue  # versions, which look like addresses of machines
        kinds: dict[str, list[int]] = {}
        for number, line in read_text_lines(path):
            if what := find_personal(line) or find_phone(line):
                kinds.setdefault(what, []).append(number)
        for what, numbers in kinds.items():
            yield from tell_lines(place, iter(numbers), f"something looks like {what} (it is not shown)", PERSON_MEND)


def tell_lines(place: str, numbers: Iterator[int], problem: str, mend: str) -> Iterator[Fault]:
    """Yield one fault for the lines of a file; nothing where there are none."""
    lines = list(dict.fromkeys(numbers))
    if lines:
        more = f" and {len(lines) - _MOST:,} more" if len(lines) > _MOST else ""
        where = ", ".join(map(str, lines[:_MOST]))
        yield Fault(f"{place}, line{'s' * (len(lines) > 1)} {where}{more}", problem, mend)


def _holds_key(line: str, secrets: Mapping[str, str]) -> bool:
    return is_keylike(line) or (bool(secrets) and remove_secrets(line, secrets) != line)


def read_text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file as text, pictures left out; of a packed one those of all its parts."""
    suffix = path.suffix.lower()
    if suffix in _PICTURES or path.is_symlink():
        return
    if suffix in _PACKED:
        yield from ((1, text) for text in _unpack(path))
        return
    with open_bytes(path) as file, suppress(EOFError, gzip.BadGzipFile, zlib.error):  # up to where it is damaged
        for number, raw in enumerate(file, start=1):
            line = raw.decode("utf-8", "replace")
            yield number, _BINARY.sub(" ", line) if len(line) > 200 else line


def _unpack(path: Path) -> Iterator[str]:
    try:
        with zipfile.ZipFile(path) as packed:
            for name in packed.namelist():
                if name.endswith((".xml", ".rels")):
                    text = re.sub(r"<[^>]*>", "\n", packed.read(name).decode("utf-8", "replace"))
                    yield from html.unescape(text).splitlines()
    except (zipfile.BadZipFile, OSError):
        return
