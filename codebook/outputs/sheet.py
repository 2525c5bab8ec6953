"""Every figure and table of a folder of runs on one page: in colour, in grey, and as two colour-blind readers see it.

    python -m codebook.outputs.sheet runs
    python -m codebook.outputs.sheet runs --before old/runs --pictures docs/figures topics/confusion

It stands on the floor of the outputs, since it reads nothing but what was saved there: no run, model or statistic.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Collection, Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from codebook.files.lines import write_whole
from codebook.outputs.cells import rows_html, say_rest
from codebook.outputs.entries import OutputEntry, read_outputs
from codebook.outputs.templating import render

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = NDArray[np.uint8]

SEEN = {
    "in grey": [[0.2126, 0.7152, 0.0722]] * 3,
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
}
"""What a reader makes of red, green and blue light, each a matrix (3, 3); of the colour-blind: Machado, Oliveira and
Fernandes 2009, severity 1. Grey is the luminance of Rec. 709.
"""
_WIDTH, _SMALL = 640, 560  # pixels of a picture on the sheet, and of one for the docs
_COLOURS = 96  # of a picture for the docs


def see_as(pixels: Pixels, reader: str) -> Pixels:
    """Return a picture, shape (height, width, 3), as a reader of `SEEN` sees it.

    Examples
    --------
    >>> red, green = np.array([[[200, 40, 40]]], dtype=np.uint8), np.array([[[40, 110, 40]]], dtype=np.uint8)
    >>> [see_as(each, "deuteranopia")[0, 0].tolist() for each in (red, green)]
    [[131, 117, 32], [104, 94, 46]]
    """
    share = pixels / 255
    light = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    seen = np.clip(light @ np.array(SEEN[reader]).T, 0, 1)
    share = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    return np.asarray(np.round(255 * share), dtype=np.uint8)


def sheet_html(runs: Path, before: Path | None = None, *, only: str = "*") -> str:
    """Return the page; with `before`, an earlier folder of runs, each figure and table stands beside its older form.

    `only` is a pattern of names of runs, for the page of one.
    """
    older = {} if before is None else {(run, entry.name): (folder, entry) for run, folder, entry in _list(before)}
    shown: dict[str, list[dict[str, Any]]] = {}
    for run, folder, entry in _list(runs, only):
        old = older.pop((run, entry.name), None)
        shown.setdefault(run, []).append(_show(folder, entry, old))
    for (run, _), (folder, entry) in older.items():
        shown.setdefault(run, []).append(_show(folder, entry, None) | {"gone": True})
    return render("sheet.html.j2", runs=shown, compared=before is not None)


def _list(runs: Path, only: str = "*") -> Iterator[tuple[str, Path, OutputEntry]]:
    """(run, folder of its outputs, output) of every table and figure."""
    for manifest in sorted(runs.glob(f"{only}/outputs/manifest.json")):
        for entry in read_outputs(manifest.parent):
            if entry.kind not in ("remark", "text"):
                yield manifest.parent.parent.name, manifest.parent, entry


def _show(folder: Path, entry: OutputEntry, old: tuple[Path, OutputEntry] | None) -> dict[str, Any]:
    picture = _read(folder, entry)
    pictures = {} if picture is None else {"in colour": picture, **{name: _see_as(picture, name) for name in SEEN}}
    return {
        "entry": entry,
        "pictures": [(name, _encode(each)) for name, each in pictures.items()],
        "table": _print(entry),
        "old_picture": "" if old is None or (was := _read(*old)) is None else _encode(was),
        "old_table": "" if old is None or old[1].printed == entry.printed else _print(old[1]),
        "gone": False,
    }


def _print(entry: OutputEntry) -> str:
    return rows_html(entry.printed) + say_rest(entry.printed) if entry.printed else ""


def _read(folder: Path, entry: OutputEntry, width: int = _WIDTH, n_colours: int = 256) -> Image | None:
    """The picture of an output, made smaller and of few colours; None where it has none."""
    from PIL import Image

    if f"{entry.name}.png" not in entry.files:
        return None
    with Image.open(folder / f"{entry.name}.png") as picture:
        size = (width, max(1, round(picture.height * width / picture.width)))
        small = picture.convert("RGB").resize(size, Image.Resampling.LANCZOS)
    return small.quantize(n_colours, dither=Image.Dither.NONE)


def _see_as(picture: Image, reader: str) -> Image:
    """A picture of few colours as a reader sees it: its colours are looked up, not its pixels."""
    colours = np.array(picture.getpalette(), dtype=np.uint8).reshape(1, -1, 3)
    seen = picture.copy()
    seen.putpalette(see_as(colours, reader).tobytes())
    return seen


def _encode(picture: Image) -> str:
    return b64encode(_pack(picture)).decode()


def _pack(picture: Image) -> bytes:
    room = BytesIO()
    picture.save(room, "PNG", optimize=True)
    return room.getvalue()


def save_pictures(runs: Path, target: Path, ending: str, names: Collection[str]) -> None:
    """Write the small pictures `RUN-NAME-ENDING.png` of the figures RUN/NAME."""
    for run, folder, entry in _list(runs):
        if f"{run}/{entry.name}" in names and (picture := _read(folder, entry, _SMALL, _COLOURS)):
            write_whole(target / f"{run}-{entry.name}-{ending}.png", _pack(picture))


@click.command()
@click.argument("runs", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--before", type=click.Path(exists=True, file_okay=False, path_type=Path), help="An older folder of runs."
)
@click.option("--out", type=click.Path(path_type=Path), help="The page; sheet.html in RUNS if left out.")
@click.option("--pictures", type=click.Path(path_type=Path), help="A folder for small pictures, before and after.")
@click.argument("names", nargs=-1)
def main(runs: Path, before: Path | None, out: Path | None, pictures: Path | None, names: tuple[str, ...]) -> None:
    """Write the sheet of all figures and tables in RUNS; NAMES are figures RUN/NAME to have as small pictures."""
    page = out or runs / "sheet.html"
    write_whole(page, sheet_html(runs, before))
    click.echo(page)
    if pictures:
        pictures.mkdir(parents=True, exist_ok=True)
        for folder, ending in ((before, "before"), (runs, "after")):
            if folder:
                save_pictures(folder, pictures, ending, names)


if __name__ == "__main__":
    main()
