"""Zip archives of strangers: what is in them is read into memory, within bounds, and never laid down on the disk."""

from __future__ import annotations

import zlib
from pathlib import Path, PurePosixPath
from zipfile import BadZipFile, ZipFile, ZipInfo

from codebook.errors import Fault, TableError
from codebook.files.unfolding import say_size

_EXPORT = "export it again from the tool that made it"


class Archive:
    """The parts of a zip archive, found without regard to capitals.

    Raises
    ------
    TableError
        It is no zip archive, a part of it would unfold beyond measure, is locked, or has a name that leads out of it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with ZipFile(path) as archive:
                self.parts = {part.filename.casefold(): part for part in archive.infolist() if not part.is_dir()}
        except (BadZipFile, NotImplementedError, ValueError) as error:
            fault = Fault(path.name, f"it is not a zip archive ({error})", _EXPORT)
            raise TableError(f"{path.name} cannot be read.", [fault]) from None
        faults_of_parts = [self._find_fault(part) for part in self.parts.values()]
        if faults := [fault for fault in faults_of_parts if fault]:
            raise TableError(f"{path.name} is not opened.", faults[:5])
        n_bytes = sum(part.file_size for part in self.parts.values())
        if growth := say_size(n_bytes, path.stat().st_size):
            raise TableError(f"{path.name} is not opened.", [Fault(path.name, growth, _EXPORT)])

    def _find_fault(self, part: ZipInfo) -> Fault | None:
        where, name = f"{self.path.name}, {part.filename}", PurePosixPath(part.filename.replace("\\", "/"))
        if name.is_absolute() or ".." in name.parts or ":" in part.filename:
            return Fault(where, "its name points outside the archive", _EXPORT)
        if part.flag_bits & 1:
            return Fault(where, "it needs a password", "export it without a password")
        growth = say_size(part.file_size, part.compress_size)
        return Fault(where, growth, _EXPORT) if growth else None

    def find(self, ending: str) -> list[str]:
        """Names of the parts that end so, whatever their capitals, those near the top first."""
        names = [part.filename for name, part in self.parts.items() if name.endswith(ending.casefold())]
        return sorted(names, key=lambda name: (name.count("/"), name))

    def read(self, name: str) -> bytes:
        """The bytes of a part."""
        part = self.parts.get(name.casefold())
        where = f"{self.path.name}, {name}"
        if part is None:
            raise TableError(f"{self.path.name} is not complete.", [Fault(where, "it is not in the archive", _EXPORT)])
        try:
            with ZipFile(self.path) as archive:
                return archive.read(part)
        except (BadZipFile, EOFError, NotImplementedError, OSError, ValueError, zlib.error) as error:
            raise TableError(f"{self.path.name} is damaged.", [Fault(where, str(error), _EXPORT)]) from None
