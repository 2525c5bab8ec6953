"""What lies in a folder of files and is never opened: links that lead out of it, pipes, devices."""

from __future__ import annotations

from pathlib import Path

from codebook.paths import find_file_fault, leads_out

LINK_OUT = "link out of the folder"
LINKED_FOLDER = "link to a folder"
NO_FILE = "pipe or device"


def find_trap(path: Path, folder: Path) -> str:
    """Return why something in a folder is not opened, or "". What is missing or damaged is no trap: it is a unit."""
    if path.is_symlink() and leads_out(path, folder):
        return LINK_OUT
    return NO_FILE if path.exists() and find_file_fault(path) else ""
