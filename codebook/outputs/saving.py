"""Saving what a study says: tables for data, spreadsheet and paper, figures as PDF, SVG and PNG, texts as Markdown."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codebook.errors import MissingExtraError
from codebook.files.lines import digest_file, write_atomic, write_whole
from codebook.files.tables.workbook_writer import SheetOfFrame, make_workbook
from codebook.outputs.cells import SHOWN_ROWS, print_rows, rows_html
from codebook.outputs.entries import OutputEntry, changed_files, check_name, note_entry
from codebook.outputs.figure_fonts import say_key
from codebook.outputs.figure_style import DPI, house_style, say_grey
from codebook.outputs.latex_tables import latex_table
from codebook.outputs.panels import lay_out, say_layout
from codebook.outputs.templating import render
from codebook.outputs.word_tables import word_table
from codebook.paths import make_private, project_folder

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from codebook.outputs.entries import OutputEntry

MOST_SHEET_ROWS = 5_000
"""Rows up to which a table is saved as a workbook, too."""


def save_block(
    folder: Path | None,
    entry: OutputEntry,
    frame: pd.DataFrame,
    *,
    printed: dict[str, Any] | None = None,
    figure: Callable[[], Figure] | None = None,
    caption: str = "",
) -> bytes:
    """Save a table or figure among the outputs of a study, note it for the report, and return the figure as PNG.

    The csv holds all columns and digits of the frame; LaTeX, HTML and Word (where python-docx is installed, extra
    `word`) hold the table as a paper prints it, the workbook both. A table of more than 100 rows is data: csv and, up
    to 5,000 rows, a workbook.

    Parameters
    ----------
    folder
        Of the outputs; None for `outputs` of the project, where there is no run.
    entry
        Name, title, section, note, finding and facts. One of the kind `remark` says why there is nothing to save.
    printed
        All rows that a paper prints, of `print_rows`, if not those of the frame.
    figure
        Draws the figure, where there is one. Where two of its colours look alike in grey, the note says so.
    caption
        What stands under the figure in a paper, if not title, finding and note.

    Returns
    -------
    bytes
        Empty where there is no figure.

    Raises
    ------
    ParameterError
        A name that cannot name a file.

    Examples
    --------
    >>> from pandas import DataFrame
    >>> import tempfile; folder = tempfile.TemporaryDirectory()
    >>> entry = OutputEntry("shares", "table", "validity", "Shares")
    >>> _ = save_block(Path(folder.name), entry, DataFrame({"label": ["a"], "n": [3]}))
    >>> sorted(path.suffix for path in Path(folder.name).glob("shares.*"))
    ['.csv', '.docx', '.html', '.tex', '.xlsx']
    >>> folder.cleanup()
    """
    check_name("name", entry.name)
    place = make_private(folder or project_folder() / "outputs")
    if entry.kind == "remark":
        note_entry(place, entry)
        return b""
    paths = [_write_csv(place / f"{entry.name}.csv", frame)]
    png = b""
    if figure is not None:
        drawn = figure()
        entry = replace(entry, note=" ".join(filter(None, [entry.note, say_grey(drawn), say_key(drawn)])))
        pictures = _write_figure(place, entry, drawn)
        words = f"{caption} {say_key(drawn)}".strip() if caption else ""
        paths += [*pictures, _write_caption(place, entry, words)]
        png = pictures[0].read_bytes()
    rows = print_rows(frame, len(frame)) if printed is None else printed
    paths += _write_formats(place, entry, rows, frame)
    shown = rows | {"rows": rows["rows"][:SHOWN_ROWS]}
    saved = replace(entry, files=_digests(paths), printed=shown)
    note_entry(place, saved)
    return png


def put_text(folder: Path, text: str, entry: OutputEntry) -> str:
    """Save a text in a folder of outputs, and return it as it stands in the file.

    A person fills its blanks: a file that was changed since it was saved is kept and returned as it is.

    Examples
    --------
    >>> import tempfile; folder = tempfile.TemporaryDirectory()
    >>> put_text(Path(folder.name), "Two people coded.", OutputEntry("methods", "text", "methods", "Methods"))
    'Two people coded.'
    >>> folder.cleanup()
    """
    path = folder / f"{entry.name}.md"
    if path.name in changed_files(folder):
        return path.read_text(encoding="utf-8")
    write_whole(path, f"{text}\n")
    note_entry(folder, replace(entry, files=_digests([path])))
    return text


def _write_csv(path: Path, frame: pd.DataFrame) -> Path:
    with write_atomic(path) as file:
        frame.to_csv(file, index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n", encoding="utf-8")
    return path


@house_style()
def draw_png(figure: Figure) -> bytes:
    """Return a figure as the PNG that is saved of it.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> draw_png(Figure())[1:4]
    b'PNG'
    """
    room = BytesIO()
    with _laid_out(figure):
        figure.savefig(room, format="png", dpi=DPI)
    return room.getvalue()


@house_style()
def _write_figure(folder: Path, entry: OutputEntry, figure: Figure) -> list[Path]:
    """The figure as PNG (300 dpi), SVG and PDF, each with its alternative text; the same figure is the same file."""
    paths = [folder / f"{entry.name}.{suffix}" for suffix in ("png", "svg", "pdf")]
    with _laid_out(figure):
        for path in paths:
            with write_atomic(path) as file:
                room = BytesIO()
                figure.savefig(room, format=path.suffix[1:], dpi=DPI, metadata=_describe(path, entry))
                content = room.getvalue()
                file.write(_put_description(content, say_alt(entry)) if path.suffix == ".svg" else content)
    return paths


def say_alt(entry: OutputEntry) -> str:
    """What a figure says, for a person who does not see it.

    Examples
    --------
    >>> say_alt(OutputEntry("f1", "result", "validity", "F1 of each label", finding="F1 is least for travel, .61."))
    'F1 of each label: F1 is least for travel, .61.'
    """
    return ": ".join(filter(None, [entry.title, entry.finding]))


def _write_caption(folder: Path, entry: OutputEntry, caption: str) -> Path:
    """The text under the figure, as a paper sets it: its title, the finding, and the note."""
    path = folder / f"{entry.name}.caption.txt"
    words = caption or " ".join(filter(None, [f"{entry.title}.", entry.finding, entry.note]))
    return write_whole(path, f"{words}\n")


@contextmanager
def _laid_out(figure: Figure) -> Iterator[None]:
    """Give everything in a figure its place, once for all formats."""
    dpi, engine = figure.dpi, figure.get_layout_engine()
    figure.set_dpi(DPI)
    figure.draw_without_rendering()
    figure.set_layout_engine(None)  # "none" would have each format laid out anew
    try:
        yield
    finally:
        figure.set_dpi(dpi)
        figure.set_layout_engine(engine or "none")


def _write_formats(folder: Path, entry: OutputEntry, printed: dict[str, Any], frame: pd.DataFrame) -> list[Path]:
    paths = []
    for suffix, content in _format_table(printed, frame, entry):
        paths.append(write_whole(folder / f"{entry.name}.{suffix}", content))
    return paths


def _format_table(
    printed: dict[str, Any], frame: pd.DataFrame, entry: OutputEntry
) -> Iterator[tuple[str, str | bytes]]:
    """(suffix, content) of each format; Word is left out where it cannot be made."""
    if not printed["columns"] or {"image", "n_images"} <= set(frame):
        return
    if max(printed["n_rows"], len(frame)) <= MOST_SHEET_ROWS:
        yield "xlsx", table_workbook(printed, frame, entry)
    if printed["n_rows"] > MOST_ROWS:
        return
    for suffix, make in MAKERS.items():
        with suppress(MissingExtraError):
            yield suffix, make(printed, name=entry.name, title=entry.title, note=entry.note, finding=entry.finding)


def _describe(path: Path, entry: OutputEntry) -> dict[str, Any]:
    """Metadata: title and alternative text, and no date, so that the same figure is the same file."""
    title, words = entry.title, say_alt(entry)
    kinds: dict[str, dict[str, Any]] = {
        ".png": {"Title": title, "Description": words},
        ".svg": {"Title": title, "Description": words, "Date": None},
        ".pdf": {"Title": title, "Subject": words, "CreationDate": None},
    }
    return kinds[path.suffix]


def _put_description(svg: bytes, words: str) -> bytes:
    """The description of an SVG behind its title, where a screen reader looks for it."""
    from xml.sax.saxutils import escape  # which brings in all that opens addresses

    return svg.replace(b"</title>", f"</title>\n <desc>{escape(words)}</desc>".encode(), 1)


def _digests(paths: Sequence[Path]) -> dict[str, str]:
    return {path.name: digest_file(path) for path in paths}


MOST_ROWS = 100
"""Rows up to which a table is printed without being asked for; a longer one is data, not a table of a paper."""


def html_table(printed: dict[str, Any], *, name: str, title: str, note: str = "", finding: str = "") -> str:
    """Return printed rows as an HTML page of its own; every text is escaped."""
    words = " ".join(filter(None, [say_layout(lay_out(printed)), note]))
    about = {"name": name, "title": title, "note": words, "finding": finding}
    return render("saved_table.html.j2", **about, table=rows_html(printed)) + "\n"


MAKERS: dict[str, Callable[..., str | bytes]] = {"tex": latex_table, "html": html_table, "docx": word_table}
"""What makes each kind of file."""


def table_workbook(printed: dict[str, Any], frame: pd.DataFrame, entry: OutputEntry) -> bytes:
    """Return the workbook of a result.

    Parameters
    ----------
    printed, frame
        All rows as a paper prints them, and what has every digit.
    entry
        Its title, finding and note.
    """
    import pandas as pd

    texts = pd.DataFrame(printed["rows"], columns=printed["columns"])
    right = [name for name, number in zip(printed["columns"], printed["numeric"], strict=True) if number]
    about = {"title": entry.title, "finding": entry.finding, "note": entry.note}
    words = pd.DataFrame([(name, text) for name, text in about.items() if text], columns=["what", "words"])
    sheets = [SheetOfFrame("table", texts, right), SheetOfFrame("all digits", frame), SheetOfFrame("about", words)]
    return make_workbook(sheets)
