"""Tables and figures of a run: `outputs/` holds each with its data, `outputs/manifest.json` says what each is."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from codebook.errors import Fault, ParameterError
from codebook.paths import project_folder
from codebook.records import digest_file, write_atomic

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

SECTIONS = ("coverage", "validity", "reliability", "correlogram")
"""The sections of the report that come first, in this order; others follow in the order of their saving."""


@dataclass(frozen=True, slots=True)
class OutputEntry:
    """A saved table or figure: where it belongs in the report, what it says, and its files with their SHA-256."""

    name: str
    kind: str
    section: str
    title: str
    note: str = ""
    finding: str = ""
    files: dict[str, str] = field(default_factory=dict)


def save_table(
    frame: pd.DataFrame,
    name: str,
    *,
    run: str,
    section: str,
    title: str,
    note: str | Sequence[str] = "",
    finding: str = "",
) -> pd.DataFrame:
    """Save a table of a study as csv and note it for the report; return it, so that the notebook shows it.

    Parameters
    ----------
    name
        Of the file, without its ending.
    run
        The run whose folder it belongs to.
    section
        Heading of the report under which it stands; `SECTIONS` come first.
    note
        Sentences printed under the table: what the columns mean, how many units, which seed.
    finding
        One sentence for the summary at the top of the report.
    """
    folder = _folder(run, name)
    path = folder / f"{name}.csv"
    with write_atomic(path) as file:
        frame.to_csv(file, index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n", encoding="utf-8")
    _note(folder, OutputEntry(name, "table", section, title, _join(note), finding, _digests([path])))
    return frame


def save_figure(
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
    """Save a figure as PDF, SVG and PNG (300 dpi) with its data as csv, note it for the report, and return it."""
    import matplotlib as mpl

    folder = _folder(run, name)
    paths = [folder / f"{name}.{suffix}" for suffix in ("png", "svg", "pdf")]
    with mpl.rc_context({"pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": name}):
        for path in paths:
            with write_atomic(path) as file:
                figure.savefig(file, format=path.suffix[1:], dpi=300, bbox_inches="tight", metadata=_undated(path))
    table = folder / f"{name}.csv"
    with write_atomic(table) as file:
        data.to_csv(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n", encoding="utf-8")
    _note(folder, OutputEntry(name, "figure", section, title, _join(note), finding, _digests([*paths, table])))
    return figure


def _undated(path: Path) -> dict[str, Any]:
    """Metadata without a date, so that the same figure is the same file."""
    return {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}[path.suffix]


def _join(note: str | Sequence[str]) -> str:
    return note if isinstance(note, str) else " ".join(note)


def _folder(run: str, name: str) -> Path:
    faults = [
        Fault(what, f"{value!r} cannot name a file", "use letters, digits, _ and - only")
        for what, value in (("run", run), ("name", name))
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", value)
    ]
    if faults:
        raise ParameterError("The output cannot be saved.", faults)
    folder = project_folder() / "runs" / run / "outputs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _digests(paths: Sequence[Path]) -> dict[str, str]:
    return {path.name: digest_file(path) for path in paths}


def _note(folder: Path, entry: OutputEntry) -> None:
    """Put the entry into the manifest; one of the same name is replaced where it stands."""
    entries = {old.name: old for old in read_outputs(folder)} | {entry.name: entry}
    with write_atomic(folder / "manifest.json") as file:
        file.write(orjson.dumps([asdict(entry) for entry in entries.values()], option=orjson.OPT_INDENT_2))


def list_outputs(run: str) -> pd.DataFrame:
    """Return what is saved for a run's report: section, title, kind and files."""
    import pandas as pd

    entries = read_outputs(project_folder() / "runs" / run / "outputs")
    rows = [(entry.section, entry.title, entry.kind, ", ".join(entry.files)) for entry in entries]
    return pd.DataFrame(rows, columns=["section", "title", "kind", "files"])


def read_outputs(folder: Path) -> list[OutputEntry]:
    """Return what is saved in an outputs folder, in the order of saving."""
    manifest = folder / "manifest.json"
    return [OutputEntry(**entry) for entry in orjson.loads(manifest.read_bytes())] if manifest.is_file() else []
