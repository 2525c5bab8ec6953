"""Packed files and zip archives of strangers: never far beyond their size, since what grows more fills a disk.

A packed file is read as a stream; what is in an archive is read into memory, and never laid down on the disk.
"""

from __future__ import annotations

import io
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from codebook.errors import Fault, TableError, UnitsError

if TYPE_CHECKING:
    from zipfile import ZipInfo

GZIP = ".gz"

MAX_BYTES = 2_000_000_000
"""Of a part of a file when it is unfolded; a million rows of long texts have a quarter of that."""
MAX_RATIO = 200
"""How many times its size something over `SMALL_BYTES` may become. Texts become 5 to 30 times as long."""
SMALL_BYTES = 50_000_000


def say_growth(n_bytes: int, n_packed: int, *, at_least: bool = False) -> str:
    """Say that something grows beyond measure when it is unfolded; "" where it does not.

    Examples
    --------
    >>> say_growth(60_000_000, 100_000)
    'it unpacks to 60 MB, 600 times its size; the limit is 200 times'
    >>> say_growth(60_000_000, 1_000_000), say_growth(1_000_000, 1_000)
    ('', '')
    """
    ratio = n_bytes / max(1, n_packed)
    if n_bytes <= SMALL_BYTES or ratio <= MAX_RATIO:
        return ""
    more = "more than " * at_least
    return f"it unpacks to {more}{n_bytes / 1e6:,.0f} MB, {ratio:,.0f} times its size; the limit is {MAX_RATIO} times"


def say_size(n_bytes: int, n_packed: int) -> str:
    """Say that a part of a file is too large when it is unfolded, or grows beyond measure; "" where neither."""
    if n_bytes > MAX_BYTES:
        return f"it unpacks to {n_bytes / 1e6:,.0f} MB, more than {MAX_BYTES / 1e6:,.0f}"
    return say_growth(n_bytes, n_packed)


def find_kind(path: Path) -> str:
    """What a file is by the end of its name, in small letters, whether or not it is packed.

    Examples
    --------
    >>> find_kind(Path("posts.CSV")), find_kind(Path("posts.csv.gz"))
    ('.csv', '.csv')
    """
    ending = path.suffix.lower()
    return Path(path.stem).suffix.lower() if ending == GZIP else ending


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file of lines; what is packed (`.gz`) is unpacked as it is read."""
    return io.BufferedReader(_Unfolding(path), 1 << 18) if path.suffix.lower() == GZIP else path.open("rb")


def open_text(path: Path, encoding: str) -> IO[str]:
    """Open a file of lines as text whose line ends stay as they are; what is packed is unpacked as it is read."""
    return io.TextIOWrapper(open_bytes(path), encoding=encoding, newline="")


class _Unfolding(io.RawIOBase):
    """The bytes that are packed in a file."""

    def __init__(self, path: Path) -> None:
        import gzip

        self._path, self._n_packed, self._n_bytes = path, path.stat().st_size, 0
        self._file = gzip.GzipFile(path)

    def readable(self) -> bool:
        return True

    def readinto(self, room: bytearray | memoryview) -> int:  # type: ignore[override]
        n_read = self._file.readinto(room)
        self._n_bytes += n_read
        if growth := say_growth(self._n_bytes, self._n_packed, at_least=True):
            fault = Fault(self._path.name, growth, "unpack it yourself, if it is sound, and name the file inside")
            raise UnitsError(f"{self._path.name} cannot be read.", [fault])
        return n_read

    def close(self) -> None:
        self._file.close()
        super().close()


_EXPORT = "export it again from the tool that made it"


class Archive:
    """The parts of a zip archive, found without regard to capitals.

    Raises
    ------
    TableError
        It is no zip archive, a part of it would unfold beyond measure, is locked, or has a name that leads out of it.
    """

    def __init__(self, path: Path) -> None:
        from zipfile import BadZipFile, ZipFile

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
        from zipfile import BadZipFile, ZipFile

        part = self.parts.get(name.casefold())
        where = f"{self.path.name}, {name}"
        if part is None:
            raise TableError(f"{self.path.name} is not complete.", [Fault(where, "it is not in the archive", _EXPORT)])
        try:
            with ZipFile(self.path) as archive:
                return archive.read(part)
        except (BadZipFile, EOFError, NotImplementedError, OSError, ValueError, zlib.error) as error:
            raise TableError(f"{self.path.name} is damaged.", [Fault(where, str(error), _EXPORT)]) from None
