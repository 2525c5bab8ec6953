"""Saving what a study says: a table as csv, LaTeX, HTML and Word, a figure as PDF, SVG and PNG, a text as Markdown."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codebook.errors import MissingExtraError
from codebook.files.lines import digest_file, write_atomic
from codebook.outputs.cells import print_rows
from codebook.outputs.entries import OutputEntry, changed_files, check_name, note_entry
from codebook.outputs.grey import say_grey
from codebook.outputs.papers import MAKERS, MOST_ROWS
from codebook.paths import make_private, project_folder

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

DPI = 300
"""Dots an inch of a saved picture."""


def save_block(
    folder: Path | None,
    entry: OutputEntry,
    frame: pd.DataFrame,
    *,
    table: pd.DataFrame | None = None,
    figure: Callable[[], Figure] | None = None,
    places: int = 2,
) -> bytes:
    """Save a table or figure among the outputs of a study, note it for the report, and return the figure as PNG.

    The csv holds all columns and digits of the frame; LaTeX, HTML and Word (where python-docx is installed, extra
    `word`) hold the table as a paper prints it. A table of more than 100 rows is data: it is written as csv only.

    Parameters
    ----------
    folder
        Of the outputs; None for `outputs` of the project, where there is no run.
    entry
        Name, title, section, note, finding and facts. One of the kind `remark` says why there is nothing to save.
    table
        What a paper prints, if not the frame.
    figure
        Draws the figure, where there is one. Where two of its colours look alike in grey, the note says so.
    places
        Decimals of the printed figures.

    Returns
    -------
    bytes
        Empty where there is no figure.

    Raises
    ------
    ParameterError
        A name that cannot name a file.
    """
    check_name("name", entry.name)
    place = make_private(folder or project_folder() / "outputs")
    if entry.kind == "remark":
        note_entry(place, entry)
        return b""
    paths = [_write_csv(place / f"{entry.name}.csv", frame)]
    printed = frame if table is None else table
    png = b""
    if figure is not None:
        drawn = figure()
        pictures = _write_figure(place, entry.name, drawn)
        png, paths = pictures[0].read_bytes(), [*paths, *pictures]
        entry = replace(entry, note=" ".join(filter(None, [entry.note, say_grey(drawn)])))
    paths += _write_formats(place, entry, printed, places)
    saved = replace(entry, files=_digests(paths), printed=print_rows(printed, places=places))
    note_entry(place, saved)
    return png


def put_text(folder: Path, text: str, entry: OutputEntry) -> str:
    """Save a text in a folder of outputs, and return it as it stands in the file.

    A person fills its blanks: a file that was changed since it was saved is kept and returned as it is.
    """
    path = folder / f"{entry.name}.md"
    if path.name in changed_files(folder):
        return path.read_text(encoding="utf-8")
    with write_atomic(path) as file:
        file.write(f"{text}\n".encode())
    note_entry(folder, replace(entry, files=_digests([path])))
    return text


def _write_csv(path: Path, frame: pd.DataFrame) -> Path:
    with write_atomic(path) as file:
        frame.to_csv(file, index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n", encoding="utf-8")
    return path


def draw_png(figure: Figure) -> bytes:
    """Return a figure as the PNG that is saved of it."""
    room = BytesIO()
    with _laid_out(figure) as part:
        figure.savefig(room, format="png", dpi=DPI, bbox_inches=part)
    return room.getvalue()


def _write_figure(folder: Path, name: str, figure: Figure) -> list[Path]:
    """The figure as PNG (300 dpi), SVG and PDF; the same figure is the same file."""
    import matplotlib as mpl

    paths = [folder / f"{name}.{suffix}" for suffix in ("png", "svg", "pdf")]
    with (
        mpl.rc_context({"pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": name}),
        _laid_out(figure) as part,
    ):
        for path in paths:
            with write_atomic(path) as file:
                figure.savefig(file, format=path.suffix[1:], dpi=DPI, bbox_inches=part, metadata=_undated(path))
    return paths


@contextmanager
def _laid_out(figure: Figure) -> Iterator[Bbox]:
    """Give everything in a figure its place, once for all formats; what is given is the part that is not empty."""
    import matplotlib as mpl

    dpi, engine = figure.dpi, figure.get_layout_engine()
    figure.set_dpi(DPI)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    try:
        yield figure.get_tightbbox().padded(mpl.rcParams["savefig.pad_inches"])
    finally:
        figure.set_dpi(dpi)
        figure.set_layout_engine(engine or "none")


def _write_formats(folder: Path, entry: OutputEntry, table: pd.DataFrame, places: int) -> list[Path]:
    paths = []
    for suffix, content in _format_table(table, entry, places):
        paths.append(folder / f"{entry.name}.{suffix}")
        with write_atomic(paths[-1]) as file:
            file.write(content.encode() if isinstance(content, str) else content)
    return paths


def _format_table(table: pd.DataFrame, entry: OutputEntry, places: int) -> Iterator[tuple[str, str | bytes]]:
    """(suffix, content) of each format; Word is left out where it cannot be made."""
    if len(table) > MOST_ROWS or not len(table.columns) or {"image", "n_images"} <= set(table):
        return
    for suffix, make in MAKERS.items():
        with suppress(MissingExtraError):
            yield suffix, make(table, name=entry.name, title=entry.title, note=entry.note, places=places)


def _undated(path: Path) -> dict[str, Any]:
    """Metadata without a date, so that the same figure is the same file."""
    return {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}[path.suffix]


def _digests(paths: Sequence[Path]) -> dict[str, str]:
    return {path.name: digest_file(path) for path in paths}
