"""Images as units: those of a folder, or those that a table names, one or several a unit."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Unpack, cast

from codebook.errors import Fault, UnitsError, mend_name, unknown_choice
from codebook.files.decode import Encoding
from codebook.files.tables import Row
from codebook.material.images import DETAILS, MAX_SIDE, is_address
from codebook.paths import missing_file, resolve_path, show_path
from codebook.units.image_checks import DAMAGED, SKIP_UNIT, Found, ImageSource
from codebook.units.source import TableForm, UnitSource, read_units
from codebook.units.traps import LINKED_FOLDER, find_trap

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".heic", ".heif", ".hif"})
"""Files of these endings are taken for images, so that a broken one is reported; others where their bytes say so."""
SMALLEST_SIDE = 32

_MAGIC = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8")
_N_TOLD = 5


@dataclass(frozen=True)
class FolderImages(ImageSource):
    """The images of a folder, then of its folders, in the order of their names; hidden files are left aside."""

    foreign: list[str] = field(default_factory=list, repr=False, compare=False)
    traps: list[tuple[str, str]] = field(default_factory=list, repr=False, compare=False)

    def find(self) -> Iterator[Found]:
        """Yield a unit for each image; its id is its path in the folder."""
        self.foreign.clear()
        self.traps.clear()
        for folder, folders, names in os.walk(self.origin):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            links = (Path(folder, name) for name in folders)
            self.traps.extend((LINKED_FOLDER, self._name(path)) for path in links if path.is_symlink())
            for name in sorted(name for name in names if not name.startswith(".")):
                path = Path(folder, name)
                unit_id = self._name(path)
                if trap := find_trap(path, self.origin):
                    self.traps.append((trap, unit_id))
                elif path.suffix.lower() in SUFFIXES or _looks_like_image(path):
                    yield Found(unit_id, "", {}, (str(path),))
                else:
                    self.foreign.append(unit_id)

    def _name(self, path: Path) -> str:
        return path.relative_to(self.origin).as_posix()

    def remarks(self) -> Iterator[tuple[str, str]]:
        """Yield what of the folder is never opened, and pictures on which little can be seen."""
        yield from self.traps
        yield from super().remarks()

    def describe(self) -> dict[str, Any]:
        """The folder, and how the images are sent."""
        return {"file": show_path(self.origin), **self.ask}

    def tell(self) -> list[str]:
        """How the images are sent, and which files of the folder are none."""
        if not self.foreign:
            return super().tell()
        more = ", ..." if len(self.foreign) > _N_TOLD else ""
        named = ", ".join(self.foreign[:_N_TOLD])
        return [*super().tell(), f"left out, because they are not images: {len(self.foreign):,} ({named}{more})"]


@dataclass(frozen=True)
class TableImages(ImageSource):
    """The images that a table names. Where they are grouped, the table's rows are held in memory, the images never."""

    table: UnitSource
    image_column: str
    folder: Path
    id_column: str
    group_column: str = ""
    text_column: str = ""
    pass_urls: bool = False

    @property
    def where(self) -> Mapping[str, frozenset[str]] | None:
        """The rows that are kept: column -> values."""
        return self.table.where

    @property
    def encoding(self) -> Encoding | None:
        """That of the table."""
        return self.table.encoding

    def describe(self) -> dict[str, Any]:
        """The table, its columns and filter, and how the images are sent."""
        columns = {"image_column": self.image_column, "image_folder": show_path(self.folder)}
        columns |= {"id_column": self.id_column, "group_column": self.group_column, "text_column": self.text_column}
        losses = {} if self.damaged == SKIP_UNIT else {"damaged": self.damaged}
        return self.table.describe() | columns | dict(self.ask) | {"pass_urls": self.pass_urls} | losses

    def find(self) -> Iterator[Found]:
        """Yield a unit for each row, or for each group of rows, which need not stand together."""
        if not self.group_column:
            for unit_id, row in self._selected():
                yield self._join(unit_id, [row])
            return
        groups: dict[str, list[Row]] = {}
        for unit_id, row in self._selected():
            groups.setdefault(unit_id, []).append(row)
        for name, rows in groups.items():
            yield self._join(name, rows)

    def _selected(self) -> Iterator[tuple[str, Row]]:
        """The rows that are kept, each with the id of its unit, refusing those that cannot be units."""
        for number, row in self.table.selected():
            image = row[self.image_column].strip()
            where = f"{self.origin.name}, row {number}"
            if self.table.rows.ragged:
                _refuse(where, "the row does not have as many fields as the header", "correct the row")
            if not (unit_id := self.table.unit(number, row).unit_id).strip():
                _refuse(where, f"the unit has no id in {self.table.id_column!r}", "give every unit an id")
            if not image:
                _refuse(where, f"there is no image in {self.image_column!r}", "fill the cell, or leave the row out")
            if is_address(image) and not self.pass_urls:
                mend = "download the images first, or set pass_urls to let the service fetch them"
                _refuse(where, f"the image is a web address ({image[:80]}), and the kit downloads nothing", mend)
            yield unit_id, row

    def _join(self, unit_id: str, rows: Sequence[Row]) -> Found:
        """The unit of these rows; what they say alike is said once."""
        text = _say_once(rows, self.text_column) if self.text_column else ""
        context = {name: _say_once(rows, name) for name in self.table.context_columns}
        places = (row[self.image_column].strip() for row in rows)
        return Found(unit_id, text, context, tuple(self._place(place) for place in places))

    def _place(self, image: str) -> str:
        return image if is_address(image) else str(self.folder / Path(image).expanduser())


class ImageTable(TableForm, total=False):
    """What may be said of a table of images; what each means stands at `read_images`."""

    id_column: str
    group_column: str
    text_column: str
    context_columns: Sequence[str]
    where: Mapping[str, str | Sequence[str]] | Sequence[str] | None
    image_folder: str | Path
    pass_urls: bool


def read_images(
    source: str | Path,
    *,
    image_column: str = "",
    max_side: int = MAX_SIDE,
    detail: str = "auto",
    damaged: str = SKIP_UNIT,
    **table: Unpack[ImageTable],
) -> ImageSource:
    """Read images as units: those in a folder and its subfolders, or those named in a column of a table.

    Of a folder, the id of a unit is the image's path in it, ending included. jpeg, png, webp and gif (its first frame)
    are read, and heic where pillow-heif is installed, whatever their names say. What is broken is kept as a unit that
    is not asked, with the reason. Other files of the folder are left out; `check_units` names them.

    Parameters
    ----------
    source
        A folder, or a .csv, .xlsx, .jsonl or .parquet file.
    image_column
        Of a table, the column with paths (from `image_folder`) or addresses.
    max_side
        Longer side of the images as they are sent, in pixels.
    detail
        "auto", "low", "high" or "original": how closely a service looks, and charges.
    damaged
        What becomes of a unit of several images one of which cannot be read: "skip_unit" keeps it without asking;
        "send_rest" asks with its other images, and says in `detail` of its rows which were left out.
    id_column
        Of a table, the column with the ids; the images' own paths where empty.
    group_column
        Of a table, the column that says which rows are one unit, such as a post; its value is the unit's id.
    text_column, context_columns, where
        Of a table, as in `read_units`. What the rows of a group say alike is said once.
    image_folder
        Where the paths of a table begin; the table's own folder where empty.
    pass_urls
        Send addresses as they are and let the service fetch them; the kit fetches nothing.
    encoding, delimiter, sheet, skip_rows, query
        How the table is read, as in `read_units`.

    Raises
    ------
    UnitsError
        There is no such folder or file, a column is missing, or a parameter makes no sense.

    Examples
    --------
    >>> path = Path("photos")
    >>> path.mkdir()
    >>> _ = (path / "a.jpg").write_bytes(b"no picture")
    >>> for unit, skip in read_images(path).with_skips():
    ...     print(unit.unit_id, "-", skip)
    a.jpg - it is not a picture, or it is damaged; JPEG, PNG, WebP, GIF or HEIC is expected
    """
    path = resolve_path(source)
    _check_form(path, image_column, max_side, detail, table)
    if damaged not in DAMAGED or (path.is_dir() and damaged != SKIP_UNIT):
        alone = "leave it out: in a folder, each image is one unit"
        mend = alone if path.is_dir() else f"use {' or '.join(DAMAGED)}"
        raise UnitsError("The images cannot be read with these settings.", [Fault("damaged", f"{damaged!r}", mend)])
    ask = {"max_side": max_side, "detail": detail}
    if path.is_dir():
        return FolderImages(path, ask)
    ids, group, text = (str(table.get(name, "")) for name in ("id_column", "group_column", "text_column"))
    rows = read_units(
        path,
        id_column=group or ids or image_column,
        text_column=text or image_column,
        context_columns=table.get("context_columns", ()),
        where=table.get("where"),
        **cast(TableForm, {name: value for name, value in table.items() if name in TableForm.__annotations__}),
    )
    rows.rows.require([image_column])
    folder = resolve_path(table.get("image_folder", "") or path.parent)
    pass_urls = table.get("pass_urls", False)
    return TableImages(
        path, ask, rows, image_column, folder, ids or image_column, group, text, pass_urls, damaged=damaged
    )


def _check_form(path: Path, image_column: str, max_side: int, detail: str, table: ImageTable) -> None:
    known = [*ImageTable.__annotations__]
    faults = [
        Fault(name, "there is no such setting for images", mend_name(name, known))
        for name in table
        if name not in known
    ]
    if not path.exists():
        faults.append(missing_file(path))
    elif path.is_file() and not image_column:
        faults.append(Fault("image_column", f"{path.name} is a table", "name the column that holds the images"))
    if max_side < SMALLEST_SIDE:
        faults.append(
            Fault("max_side", f"{max_side} pixels are too few to see anything", f"give at least {SMALLEST_SIDE}")
        )
    faults += unknown_choice("detail", detail, DETAILS)
    UnitsError.raise_any("The images cannot be read with these settings.", faults)


def _refuse(where: str, problem: str, mend: str) -> None:
    raise UnitsError("The images cannot be coded as they are.", [Fault(where, problem, mend)])


def _looks_like_image(path: Path) -> bool:
    """Whether the first bytes of a file are those of an image."""
    try:
        with path.open("rb") as file:
            head = file.read(12)
    except OSError:
        return False
    return head.startswith(_MAGIC) or head[8:] == b"WEBP" or head[4:11] == b"ftyphei"


def _say_once(rows: Sequence[Row], column: str) -> str:
    return "\n\n".join(dict.fromkeys(row[column] for row in rows if row[column].strip()))
