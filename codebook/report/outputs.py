"""Tables and figures of a run: `outputs/` holds each with its data, `outputs/manifest.json` says what each is."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from codebook.analysis.core.empty import why_empty
from codebook.errors import Fault, MissingExtraError, ParameterError
from codebook.files.digests import digest_of
from codebook.files.json_files import damaged, read_json
from codebook.files.lines import digest_file, write_atomic
from codebook.paths import make_private, project_folder
from codebook.report.grey import say_grey
from codebook.report.papers import MAKERS, MOST_ROWS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

SECTIONS = ("coverage", "validity", "reliability", "correlogram")
"""The sections of the report that come first, in this order; others follow in the order of their saving."""

LAYOUT = (
    "outputs/: one name a table or figure, one ending a use: .csv the data with all digits, .tex .docx .html for the "
    "paper, .pdf .svg .png for figures, .md for text; manifest.json says what each is, with its SHA-256. A .csv keeps "
    "texts as they are: a spreadsheet runs those that begin with =, +, - or @, so open the .docx or .html there."
)
"""How the folder of outputs is laid out; it stands there as README.md, too."""


@dataclass(frozen=True, slots=True)
class OutputEntry:
    """A saved table or figure: where it belongs in the report, what it says, and its files with their SHA-256.

    An entry of the kind `remark` has no file: its note says why there was nothing to save. `facts` are what the report
    has to know of how it was made.
    """

    name: str
    kind: str
    section: str
    title: str
    note: str = ""
    finding: str = ""
    files: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)


def save_table(
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
    """Save a table of a study, note it for the report, and return it, so that the notebook shows it.

    The csv has all columns and digits. Beside it stand the table as a paper prints it: booktabs LaTeX (.tex), HTML, and
    Word (.docx) where python-docx is installed (extra `word`); a table of more than 100 rows is written as csv only. Of
    a frame that says why it is empty (one coder, no gold) that sentence is kept for the report, and printed.

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
    formats
        Which of `tex`, `html`, `docx` to write beside the csv, however many rows; an empty list for none.

    Raises
    ------
    ParameterError
        A name that cannot name a file, or an unknown format.
    MissingExtraError
        `docx` was asked for, and python-docx is not installed.
    """
    folder = _folder(run, name, formats or ())
    if remark := _say_empty(frame):
        print(remark)
        _note(folder, OutputEntry(name, "remark", section, title, remark))
    else:
        put_table(folder, frame, OutputEntry(name, "table", section, title, _join(note), finding), formats)
    return frame


def put_table(folder: Path, frame: pd.DataFrame, entry: OutputEntry, formats: Sequence[str] | None = None) -> None:
    """Save a table in a folder of outputs, with the formats as of `save_table`; its note tells lost ids."""
    entry = replace(entry, note=" ".join(filter(None, [entry.note, *_untold(entry.note, frame)])))
    name = entry.name
    paths = [folder / f"{name}.csv"]
    with write_atomic(paths[0]) as file:
        frame.to_csv(file, index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n", encoding="utf-8")
    for suffix, content in _printed(frame, formats, name=name, title=entry.title, note=entry.note):
        paths.append(folder / f"{name}.{suffix}")
        with write_atomic(paths[-1]) as file:
            file.write(content.encode() if isinstance(content, str) else content)
    _note(folder, replace(entry, files=_digests(paths), facts=_facts(frame)))


def _untold(note: str, frame: pd.DataFrame) -> list[str]:
    """What a frame tells of ids that did not meet, where the note does not say it already."""
    return [told for told in frame.attrs.get("joins", ()) if told not in note]


def _printed(
    frame: pd.DataFrame, formats: Sequence[str] | None, *, name: str, title: str, note: str
) -> Iterator[tuple[str, str | bytes]]:
    """(suffix, content) of each format; those not asked for are left out where they cannot be made."""
    if formats is None and (len(frame) > MOST_ROWS or not len(frame.columns) or {"image", "n_images"} <= set(frame)):
        return
    for suffix in MAKERS if formats is None else formats:
        try:
            yield suffix, MAKERS[suffix](frame, name=name, title=title, note=note)
        except MissingExtraError:
            if formats is not None:
                raise


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
    """Save a figure as PDF, SVG and PNG (300 dpi) with its data as csv, note it for the report, and return it.

    Where two colours of the figure look alike in print without colour, the note says so. Where `data` say why they are
    empty, only that sentence is kept, for the report.
    """
    import matplotlib as mpl

    folder = _folder(run, name)
    if remark := _say_empty(data):
        _note(folder, OutputEntry(name, "remark", section, title, remark))
        return figure
    paths = [folder / f"{name}.{suffix}" for suffix in ("png", "svg", "pdf")]
    with mpl.rc_context({"pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": name}):
        for path in paths:
            with write_atomic(path) as file:
                figure.savefig(file, format=path.suffix[1:], dpi=300, bbox_inches="tight", metadata=_undated(path))
    table = folder / f"{name}.csv"
    with write_atomic(table) as file:
        data.to_csv(file, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n", encoding="utf-8")
    said = " ".join(part for part in (_join(note), say_grey(figure)) if part)
    files = _digests([*paths, table])
    _note(folder, OutputEntry(name, "figure", section, title, said, finding, files, _facts(data)))
    return figure


def save_text(text: str, name: str, *, run: str, section: str, title: str, note: str = "") -> str:
    """Save a text of a study as Markdown, note it for the report, and return it as it stands in the file.

    A person fills its blanks: a file that was changed since it was saved is kept and returned as it is.
    """
    return put_text(_folder(run, name), text, OutputEntry(name, "text", section, title, note))


def put_text(folder: Path, text: str, entry: OutputEntry) -> str:
    """Save a text in a folder of outputs, and return it as it stands in the file."""
    path = folder / f"{entry.name}.md"
    if path.name in _changed(folder):
        return path.read_text(encoding="utf-8")
    with write_atomic(path) as file:
        file.write(f"{text}\n".encode())
    _note(folder, replace(entry, files=_digests([path])))
    return text


def _say_empty(frame: pd.DataFrame) -> str:
    """Why there is nothing in a frame, and which ids did not meet; empty for a frame that has rows."""
    reason = why_empty(frame)
    return " ".join([reason, *frame.attrs.get("joins", [])]) if reason else ""


def _facts(frame: pd.DataFrame) -> dict[str, Any]:
    """What the report has to know of a frame: whether the gold in it is weighted by the chances of its sample."""
    return {"weighted": bool(frame.attrs["weighted"])} if "weighted" in frame.attrs else {}


def copy_outputs(source: Path, target: Path) -> None:
    """Copy what is saved into another folder of outputs; files that a person changed there are kept."""
    kept = _changed(target)
    for entry in read_outputs(source):
        for name in entry.files.keys() - kept:
            if (source / name).is_file():
                with (source / name).open("rb") as old, write_atomic(target / name) as new:
                    shutil.copyfileobj(old, new)
        if not entry.files.keys() & kept:
            _note(target, entry)


def _changed(folder: Path) -> set[str]:
    """The files of a folder of outputs that are not as they were saved."""
    saved = {name: digest for entry in read_outputs(folder) for name, digest in entry.files.items()}
    return {name for name, sha256 in saved.items() if (folder / name).is_file() and digest_of(folder / name) != sha256}


def _undated(path: Path) -> dict[str, Any]:
    """Metadata without a date, so that the same figure is the same file."""
    return {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}[path.suffix]


def _join(note: str | Sequence[str]) -> str:
    return note if isinstance(note, str) else " ".join(note)


def _folder(run: str, name: str, formats: Sequence[str] = ()) -> Path:
    faults = [
        Fault(what, f"{value!r} cannot name a file", "use letters, digits, _ and - only, 100 at most")
        for what, value in (("run", run), ("name", name))
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", value)
    ]
    faults += [
        Fault("formats", f"{each!r} is unknown", f"choose from {', '.join(MAKERS)}")
        for each in formats
        if each not in MAKERS
    ]
    if faults:
        raise ParameterError("The output cannot be saved.", faults)
    return make_private(project_folder() / "runs" / run / "outputs")


def _digests(paths: Sequence[Path]) -> dict[str, str]:
    return {path.name: digest_file(path) for path in paths}


def _note(folder: Path, entry: OutputEntry) -> None:
    """Put the entry into the manifest; one of the same name is replaced where it stands, its other files removed."""
    entries = {old.name: old for old in read_outputs(folder)}
    for stale in set(entries[entry.name].files) - set(entry.files) if entry.name in entries else ():
        (folder / stale).unlink(missing_ok=True)
    entries |= {entry.name: entry}
    (folder / "README.md").write_text(f"{LAYOUT}\n", encoding="utf-8")
    with write_atomic(folder / "manifest.json") as file:
        file.write(orjson.dumps([asdict(entry) for entry in entries.values()], option=orjson.OPT_INDENT_2))


def list_outputs(run: str) -> pd.DataFrame:
    """Return what is saved for a run's report: section, title, kind and files.

    `attrs["note"]` says in a line how the folder is laid out.
    """
    import pandas as pd

    entries = read_outputs(project_folder() / "runs" / run / "outputs")
    rows = [(entry.section, entry.title, entry.kind, ", ".join(entry.files)) for entry in entries]
    frame = pd.DataFrame(rows, columns=["section", "title", "kind", "files"])
    frame.attrs["note"] = LAYOUT
    return frame


def read_outputs(folder: Path) -> list[OutputEntry]:
    """Return what is saved in an outputs folder, in the order of saving.

    Raises
    ------
    RecordError
        The list of what is saved is damaged.
    """
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        return []
    mend = "restore it from a backup, or delete it and save the outputs again (run the notebooks 05 to 07)"
    try:
        return [OutputEntry(**entry) for entry in read_json(manifest, mend=mend)]
    except TypeError as error:
        raise damaged(manifest, str(error), mend) from None
