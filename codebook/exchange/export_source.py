"""What lies at the path of an export: a file, a folder or an archive of files; unpacked, and looked into once."""

from __future__ import annotations

import csv
import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import IO, Any

from codebook.errors import CodebookError, Fault, TableError
from codebook.files.decode import allow_long_fields, find_delimiter, find_encoding, see_encoding
from codebook.files.json_values import iter_values
from codebook.files.tables import DATABASES, RowFile, open_rows
from codebook.files.unfolding import MAX_BYTES, say_growth
from codebook.paths import find_file_fault, leads_out, resolve_path

_BLOCK, _HEAD = 1 << 20, 1 << 16
_ZIP, _GZIP = b"PK\x03\x04", b"\x1f\x8b"
_WHOLE_ZIPS = ("[content_types].xml", "project.qde", "mimetype")
"""An archive with one of these is a file of its own (a workbook, a project) and is not unpacked."""


@dataclass
class ExportSource:
    """An export, ready to be looked at and read.

    Attributes
    ----------
    path
        As a person named it.
    folder
        Where the files lie: of a folder or an archive the names of files are relative to it.
    files
        The files to read, unpacked, in the order of their names.
    """

    path: Path
    folder: Path
    files: tuple[Path, ...]

    @property
    def name(self) -> str:
        """The name of the export."""
        return self.path.name

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the files, relative, with `/` between folders."""
        return tuple(file.relative_to(self.folder).as_posix() for file in self.files)

    @property
    def first(self) -> Path:
        """The first file."""
        return self.files[0]

    @cached_property
    def head(self) -> str:
        """The first characters of the first file as text, without a byte order mark; "" where it is no text."""
        return read_head(self.first)

    @cached_property
    def record(self) -> Any:
        """The first JSON value of the first file, of an array its first; None where it is no JSON."""
        return read_record(self.first)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The header of the first file as a table of text; empty where it is none."""
        return read_header(self.first)

    @cached_property
    def packed_names(self) -> tuple[str, ...]:
        """The names in the first file, where it is an archive that was not unpacked, such as a workbook."""
        return list_packed(self.first)

    def rows(
        self, file: Path | None = None, *, encoding: str = "", delimiter: str = "", sheet: str = "", skip_rows: int = 0
    ) -> RowFile:
        """Open a file of the export as rows of text."""
        path, signs = file or self.first, (encoding or None, delimiter or None, sheet or None)
        return open_rows(path, encoding=signs[0], delimiter=signs[1], sheet=signs[2], skip_rows=skip_rows)

    def values(self, file: Path | None = None) -> Iterator[tuple[int, Any]]:
        """Yield `(line, value)` for the JSON values of a file, as a stream."""
        return iter_values(file or self.first)


def read_head(path: Path) -> str:
    """The first characters of a file as text; "" where it holds bytes that are none."""
    with path.open("rb") as file:
        raw = file.read(_HEAD)
    encoding = see_encoding(raw)
    text = raw.decode(encoding.name if encoding else "utf-8", errors="replace")
    return "" if raw.startswith(_ZIP) or ("\0" in text and encoding is None) else text.removeprefix("\ufeff")


def is_json(path: Path) -> bool:
    """Whether a file begins as JSON does."""
    return read_head(path).lstrip()[:1] in ("[", "{")


def read_record(path: Path) -> Any:
    """The first JSON value of a file; None where it is no JSON, or empty."""
    if not is_json(path):
        return None
    try:
        return next((value for _, value in iter_values(path)), None)
    except CodebookError:
        return None


def read_header(path: Path) -> tuple[str, ...]:
    """The first record of a table of text, its signs found; empty where it is none."""
    if path.suffix.lower() in DATABASES or not read_head(path):
        return ()
    try:
        encoding = find_encoding(path).name
        delimiter = "\t" if path.suffix.lower() == ".tsv" else find_delimiter(path, encoding)
    except CodebookError:
        return ()
    allow_long_fields()
    with path.open(encoding=encoding, newline="") as file:
        sample = file.read(_HEAD).removeprefix("\ufeff")
    try:
        return tuple(next(csv.reader(StringIO(sample, newline=""), delimiter=delimiter), []))
    except csv.Error:
        return ()


def list_packed(path: Path) -> tuple[str, ...]:
    """The names in a zip archive; empty where it is none."""
    try:
        with zipfile.ZipFile(path) as packed:
            return tuple(packed.namelist())
    except (zipfile.BadZipFile, OSError):
        return ()


@contextmanager
def open_source(path: str | Path) -> Iterator[ExportSource]:
    """Open an export; what had to be unpacked is removed at the end.

    Raises
    ------
    TableError
        There is nothing at the path, it is empty, damaged, or unfolds beyond measure.
    """
    path = resolve_path(path)
    with TemporaryDirectory(prefix="codebook-export-") as place:
        folder, files = _find_files(path, Path(place))
        if not files:
            fault = Fault(path.name, "it contains no file", "name the folder or archive that the tool wrote")
            raise TableError("There is nothing to read.", [fault])
        yield ExportSource(path, folder, files)


def _find_files(path: Path, place: Path) -> tuple[Path, tuple[Path, ...]]:
    if path.is_dir():
        every = sorted(each for each in path.rglob("*") if not each.name.startswith("."))
        return path, tuple(each for each in every if each.is_file() and not leads_out(each, path))
    if fault := find_file_fault(path):
        raise TableError("The export is not there.", [fault])
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith(_GZIP):
        return place, (_unpack_gzip(path, place),)
    names = [name.lower() for name in list_packed(path)] if start == _ZIP else []
    if not names or any(name in _WHOLE_ZIPS for name in names):
        return path.parent, (path,)
    return place, _unpack_zip(path, place)


def _unpack_gzip(path: Path, place: Path) -> Path:
    name = path.name[:-3] if path.suffix.lower() == ".gz" else path.name
    target = place / name
    with _unpacking(path), gzip.open(path) as packed:
        _copy(packed, target, path)  # type: ignore[arg-type]
    return target


def _unpack_zip(path: Path, place: Path) -> tuple[Path, ...]:
    files = []
    with _unpacking(path), zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            parts = [part for part in PurePosixPath(info.filename).parts if part not in ("/", "..", ".")]
            if info.is_dir() or not parts or parts[0] == "__MACOSX" or parts[-1].startswith("."):
                continue
            target = place.joinpath(*parts)
            target.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(info) as packed:
                _copy(packed, target, path)
            files.append(target)
    return tuple(sorted(files))


@contextmanager
def _unpacking(path: Path) -> Iterator[None]:
    try:
        yield
    except (
        OSError,
        EOFError,
        zlib.error,
        zipfile.BadZipFile,
        RuntimeError,
        NotImplementedError,
    ) as error:  # a password, a method
        fault = Fault(path.name, f"it cannot be unpacked ({error})", "unpack it yourself, and give the folder")
        raise TableError(f"{path.name} cannot be read.", [fault]) from None


def _copy(packed: IO[bytes], target: Path, path: Path) -> None:
    n_packed, n_bytes = path.stat().st_size, 0
    with target.open("wb") as file:
        while block := packed.read(_BLOCK):
            n_bytes += len(block)
            growth = say_growth(n_bytes, n_packed, at_least=True)
            if growth or n_bytes > MAX_BYTES:
                problem = growth or f"it unfolds to more than {MAX_BYTES / 1e6:,.0f} MB"
                raise TableError(f"{path.name} cannot be read.", [Fault(path.name, problem, "unpack it yourself")])
            file.write(block)
