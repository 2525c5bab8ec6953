"""What a deposit was made with: this Python, this machine, and every package with its version."""

from __future__ import annotations

import os
import platform
import re
import sys
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from codebook.deposit.deposit_layout import LOCK
from codebook.run.folder import describe_software

_KIT = "codebook-kit"


def write_environment(room: Path) -> None:
    """Write the versions of all installed packages, as pip reads them."""
    found = dict(_list_packages())
    software = describe_software()
    kit = found.pop(_KIT, software["packages"][_KIT])
    lines = [
        f"# Python {software['python']} on {platform.system()} {platform.machine()}; all packages of that environment.",
        f"# The kit itself: {_KIT} {kit}. Install it from where you have it, then: pip install -r requirements.txt",
        *(f"{name}=={version}" for name, version in sorted(found.items())),
    ]
    path = room / LOCK
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


@cache
def _list_packages() -> tuple[tuple[str, str], ...]:
    """Every installed package with its version; it takes a second, and does not change while a process runs."""
    return tuple((re.sub(r"[-_.]+", "-", each.name).lower(), each.version) for each in distributions() if each.name)


def describe_machine() -> dict[str, Any]:
    """The machine in words that tell nobody where it stands."""
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
