"""Folders that other machines share: over the network, or by a program that copies them.

SQLite's write-ahead log needs memory that all who have the file open share, so it works on one machine only; its older
journal needs locks that the network folder keeps, which many do and some only pretend to.
"""

from __future__ import annotations

import logging
import os
import subprocess
from functools import lru_cache
from pathlib import Path

_NETWORK = ("nfs", "cifs", "smb", "afs", "ceph", "gluster", "lustre", "beegfs", "davfs", "fuse.sshfs", "fuse.rclone")
_SYNCED = ("dropbox", "onedrive", "google drive", "googledrive", "nextcloud", "owncloud", "icloud", "mobile documents")
_MOUNTS = Path("/proc/self/mounts")
_REMOTE_DRIVE = 4


def name_network(folder: Path) -> str:
    """How other machines share a folder, such as "nfs4, server:/home"; empty where they do not, as far as is known.

    Examples
    --------
    >>> name_network(Path("/"))
    ''
    """
    place = folder.resolve()
    return _name_network(place, place.stat().st_dev if place.exists() else None)


@lru_cache(maxsize=64)
def _name_network(place: Path, device: int | None) -> str:
    """Asked once for a place and its device, which is another one when something else is mounted there."""
    if os.name == "nt":
        return _name_windows(place)
    inside = [mounted for mounted in reversed(_list_mounts()) if f"{place}/".startswith(f"{mounted[1].rstrip('/')}/")]
    source, _, kind = max(inside, key=lambda mounted: len(mounted[1]), default=("", "", ""))
    return f"{kind}, {source}" if kind.startswith(_NETWORK) else ""


_told: set[Path] = set()


def tell_shared(folder: Path) -> str:
    """Return what `name_network` does, and say once in a process what a shared folder cannot do."""
    network, synced = name_network(folder), name_synced(folder)
    if (network or synced) and folder not in _told:
        _told.add(folder)
        place = f"a network folder ({network})" if network else f"a folder that a program copies ({synced})"
        mend = (
            "its locks are only as good as that folder's, so let one machine at a time write"
            if network
            else "pause the copying while the kit writes, and never work on two machines at once"
        )
        logging.getLogger("codebook").warning(f"The project lies in {place}: {mend}. See docs/howto/many_hands.md.")
    return network


def name_synced(folder: Path) -> str:
    """The part of a path that says that a program copies it to other machines, such as "Dropbox"; empty for none."""
    return next((part for part in folder.resolve().parts if part.casefold().startswith(_SYNCED)), "")


def _list_mounts() -> list[tuple[str, str, str]]:
    """(source, place, kind) of what is mounted, as Linux and macOS tell it; none where nobody tells."""
    if _MOUNTS.is_file():
        fields = (line.split(" ") for line in _MOUNTS.read_text(errors="replace").splitlines())
        return [(each[0], each[1].replace("\\040", " "), each[2]) for each in fields if len(each) > 2]
    try:
        text = subprocess.run(["mount"], capture_output=True, text=True, timeout=5, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return []
    rows = (line.rpartition(" (") for line in text.splitlines())
    named = ((*mounted.partition(" on ")[::2], about.partition(",")[0].rstrip(")")) for mounted, _, about in rows)
    return [(source, point, kind) for source, point, kind in named if point]


def _name_windows(place: Path) -> str:
    import ctypes

    drive = place.drive
    if drive.startswith("\\\\"):
        return f"network share, {drive}"
    kind = ctypes.windll.kernel32.GetDriveTypeW(f"{drive}\\")  # type: ignore[attr-defined, unused-ignore]
    return f"network drive, {drive}" if kind == _REMOTE_DRIVE else ""
