"""What a deposit was made with: this Python, this machine, every package with its version and, if known, digests."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from codebook.deposit.deposit_layout import LOCKS
from codebook.ground.quantities import say_count
from codebook.paths import project_folder
from codebook.run.folder import describe_software

_KIT = "codebook-kit"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(.*?)(?=^\S|\Z)", re.M | re.S)
_HASH = re.compile(r"--hash=(sha256:[0-9a-f]{64})")


def write_environment(room: Path) -> str:
    """Write the versions of all installed packages, as pip reads them; say of how many the archives are known.

    What is installed keeps no digest of the archive that it came from. A lock file of the study or of the kit has them.
    """
    found = dict(_list_packages())
    software = describe_software()
    kit = found.pop(_KIT, software["packages"][_KIT])
    head = [
        f"# Python {software['python']} on {platform.system()} {platform.machine()}; all packages of that environment.",
        f"# The kit itself: {_KIT} {kit}. Install it from where you have it, then: pip install -r requirements.txt",
    ]
    pinned = [f"{name}=={version}" for name, version in sorted(found.items())]
    known = read_hashes(_find_locks())
    hashed = {each: known[each] for each in pinned if each in known}
    _write(room / LOCKS[0], [*head, *pinned])
    if not hashed:
        return "An installed package keeps no SHA-256 of the archive that it came from, so none is listed."
    lines = [" \\\n    ".join([each, *(f"--hash={sha}" for sha in hashes)]) for each, hashes in hashed.items()]
    _write(
        room / LOCKS[1], ["# To be installed by: pip install --no-deps --require-hashes -r requirements.lock", *lines]
    )
    missing = [each for each in pinned if each not in hashed]
    rest = f"; for {', '.join(missing)} no SHA-256 is known here" if missing else ""
    return f"`{LOCKS[1]}` has the SHA-256 of the archives of {say_count(len(hashed), 'package')}{rest}."


def _find_locks() -> list[Path]:
    """Lock files of the study, and of the kit where it runs from its own folder."""
    folders = dict.fromkeys([project_folder(), Path(__file__).parents[2]])
    return [path for folder in folders for path in sorted(folder.glob("requirements*")) if path.is_file()]


def read_hashes(paths: list[Path]) -> Mapping[str, list[str]]:
    """The digests of archives that lock files give, by `name==version`.

    Examples
    --------
    >>> path = Path("requirements.lock")
    >>> _ = path.write_text(f"Six==1.17 ; python_version > '3' \\\\\\n    --hash=sha256:{'0' * 64}\\nidna==3.1\\n")
    >>> {name: len(hashes) for name, hashes in read_hashes([path]).items()}
    {'six==1.17': 1}
    """
    hashes = dict[str, list[str]]()
    for path in paths:
        for name, version, rest in _PINNED.findall(path.read_text(encoding="utf-8", errors="replace")):
            if found := _HASH.findall(rest):
                hashes.setdefault(f"{_plain(name)}=={version}", found)
    return hashes


def _write(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def _list_packages() -> tuple[tuple[str, str], ...]:
    """Every installed package with its version; it takes a second, and does not change while a process runs."""
    return tuple((_plain(each.name), each.version) for each in distributions() if each.name)


def describe_machine() -> dict[str, Any]:
    """The kind of machine, in words that do not identify it."""
    return {
        "python": sys.version.split()[0],
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count() or 0,
        "memory_gb": _memory_gb(),
        "kit": describe_software()["packages"][_KIT],
    }


def _memory_gb() -> int:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9)
    except (AttributeError, ValueError, OSError):  # Windows
        return 0
