"""Saving what a study says: a table as csv, LaTeX, HTML and Word, a figure as PDF, SVG and PNG, a text as Markdown."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codebook.errors import Fault, MissingExtraError, ParameterError
from codebook.files.lines import digest_file, write_atomic
from codebook.outputs.cells import print_rows
from codebook.outputs.entries import OutputEntry, changed_files, note_entry
from codebook.outputs.grey import say_grey
from codebook.outputs.papers import MAKERS, MOST_ROWS
from codebook.paths import make_private, project_folder

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def save_block(
    folder: Path | None,
    entry: OutputEntry,
    frame: pd.DataFrame,
    *,
    table: pd.DataFrame | None = None,
    figure: Callable[[], Figure] | None = None,
) -> OutputEntry:
    """Save a table or figure among the outputs of a study, note it for the report, and return its entry.

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

    Raises
    ------
    ParameterError
        A name that cannot name a file.
    """
    place = open_outputs(folder or project_folder() / "outputs", entry.name)
    if entry.kind == "remark":
        note_entry(place, entry)
        return entry
    paths = [_write_csv(place / f"{entry.name}.csv", frame)]
    printed = frame if table is None else table
    if figure is not None:
        drawn = figure()
        paths += _write_figure(place, entry.name, drawn)
        entry = replace(entry, note=" ".join(filter(None, [entry.note, say_grey(drawn)])))
    paths += _write_formats(place, entry, printed)
    saved = replace(entry, files=_digests(paths), printed=print_rows(printed))
    note_entry(place, saved)
    return saved


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


def open_outputs(folder: Path, name: str, formats: Sequence[str] = ()) -> Path:
    """Return the folder of outputs, made private, once it is known that the name can name a file in it."""
    faults = []
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        faults.append(Fault("name", f"{name!r} cannot name a file", "use letters, digits, _ and - only, 100 at most"))
    mend = f"choose from {', '.join(MAKERS)}"
    faults += [Fault("formats", f"{each!r} is unknown", mend) for each in formats if each not in MAKERS]
    if faults:
        raise ParameterError("The output cannot be saved.", faults)
    return make_private(folder)


def _write_csv(path: Path, frame: pd.DataFrame) -> Path:
    with write_atomic(path) as file:
        frame.to_csv(file, index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n", encoding="utf-8")
    return path


def _write_figure(folder: Path, name: str, figure: Figure) -> list[Path]:
    """The figure as PNG (300 dpi), SVG and PDF; the same figure is the same file."""
    import matplotlib as mpl

    paths = [folder / f"{name}.{suffix}" for suffix in ("png", "svg", "pdf")]
    with mpl.rc_context({"pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": name}):
        for path in paths:
            with write_atomic(path) as file:
                figure.savefig(file, format=path.suffix[1:], dpi=300, bbox_inches="tight", metadata=_undated(path))
    return paths


def _write_formats(
    folder: Path, entry: OutputEntry, table: pd.DataFrame, formats: Sequence[str] | None = None
) -> list[Path]:
    paths = []
    for suffix, content in _format_table(table, formats, entry):
        paths.append(folder / f"{entry.name}.{suffix}")
        with write_atomic(paths[-1]) as file:
            file.write(content.encode() if isinstance(content, str) else content)
    return paths


def _format_table(
    table: pd.DataFrame, formats: Sequence[str] | None, entry: OutputEntry
) -> Iterator[tuple[str, str | bytes]]:
    """(suffix, content) of each format; those not asked for are left out where they cannot be made."""
    if formats is None and (len(table) > MOST_ROWS or not len(table.columns) or {"image", "n_images"} <= set(table)):
        return
    for suffix in MAKERS if formats is None else formats:
        try:
            yield suffix, MAKERS[suffix](table, name=entry.name, title=entry.title, note=entry.note)
        except MissingExtraError:
            if formats is not None:
                raise


def _undated(path: Path) -> dict[str, Any]:
    """Metadata without a date, so that the same figure is the same file."""
    return {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}[path.suffix]


def _digests(paths: Sequence[Path]) -> dict[str, str]:
    return {path.name: digest_file(path) for path in paths}


# Until every notebook saves results: frames and figures saved one by one.


def save_table(  # noqa: D103 - goes with the last notebook that uses it
    frame: pd.DataFrame,
    name: str,
    *,
    run: str,
    section: str,
    title: str,
    note: str | Sequence[str] = "",
    finding: str = "",
    formats: Sequence[str] | None = None,
) -> pd.DataFrame:
    folder = _run_outputs(run, name, formats or ())
    if remark := say_empty(frame):
        print(remark)
        note_entry(folder, OutputEntry(name, "remark", section, title, remark))
    else:
        put_table(folder, frame, OutputEntry(name, "table", section, title, _join(note), finding), formats)
    return frame


def put_table(folder: Path, frame: pd.DataFrame, entry: OutputEntry, formats: Sequence[str] | None = None) -> None:
    """Save a table in a folder of outputs, with the formats as of `save_table`; its note tells lost ids."""
    lost = [told for told in frame.attrs.get("joins", ()) if told not in entry.note]
    entry = replace(entry, note=" ".join(filter(None, [entry.note, *lost])))
    paths = [_write_csv(folder / f"{entry.name}.csv", frame), *_write_formats(folder, entry, frame, formats)]
    note_entry(folder, replace(entry, files=_digests(paths), facts=_facts(frame)))


def save_figure(  # noqa: D103 - goes with the last notebook that uses it
    figure: Figure,
    name: str,
    *,
    data: pd.DataFrame,
    run: str,
    section: str,
    title: str,
    note: str | Sequence[str] = "",
    finding: str = "",
) -> Figure:
    folder = _run_outputs(run, name)
    if remark := say_empty(data):
        note_entry(folder, OutputEntry(name, "remark", section, title, remark))
        return figure
    paths = _write_figure(folder, name, figure)
    table = folder / f"{name}.csv"
    with write_atomic(table) as file:
        data.to_csv(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n", encoding="utf-8")
    said = " ".join(part for part in (_join(note), say_grey(figure)) if part)
    files = _digests([*paths, table])
    note_entry(folder, OutputEntry(name, "figure", section, title, said, finding, files, _facts(data)))
    return figure


def save_text(text: str, name: str, *, run: str, section: str, title: str, note: str = "") -> str:
    """Save a text of a study as Markdown, note it for the report, and return it as it stands in the file."""
    return put_text(_run_outputs(run, name), text, OutputEntry(name, "text", section, title, note))


def _run_outputs(run: str, name: str, formats: Sequence[str] = ()) -> Path:
    open_name = [Fault("run", f"{run!r} cannot name a file", "use letters, digits, _ and - only, 100 at most")]
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", run):
        raise ParameterError("The output cannot be saved.", open_name)
    return open_outputs(project_folder() / "runs" / run / "outputs", name, formats)


def say_empty(frame: pd.DataFrame) -> str:
    """Why there is nothing in a frame, and which ids did not meet; empty for a frame that has rows."""
    reason = "" if len(frame) else str(frame.attrs.get("nothing", ""))
    return " ".join([reason, *frame.attrs.get("joins", [])]) if reason else ""


def _join(note: str | Sequence[str]) -> str:
    return note if isinstance(note, str) else " ".join(note)


def _facts(frame: pd.DataFrame) -> dict[str, Any]:
    return {"weighted": bool(frame.attrs["weighted"])} if "weighted" in frame.attrs else {}
