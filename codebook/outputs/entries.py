"""What is saved of a study: `outputs/` holds each table and figure with its data, `manifest.json` says what each is."""

from __future__ import annotations

import difflib
import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codebook.errors import Fault, ParameterError
from codebook.files.digests import damaged, digest_of, read_json
from codebook.files.lines import write_atomic, write_json
from codebook.files.run_versions import find_version
from codebook.paths import runs_folder

if TYPE_CHECKING:
    import pandas as pd

SECTIONS = ("validity", "reliability", "shares")
"""The results that the report shows first, in this order; others follow in the order of their saving."""

LAYOUT = (
    "outputs/: one name a table or figure, one ending a use: .csv the data with all digits, .xlsx the same for "
    "spreadsheets, .tex .docx .html for the paper, .pdf .svg .png for figures, .caption.txt for the text under one, "
    ".md for text; manifest.json says what each is, with its SHA-256. A .csv keeps texts as they are: a spreadsheet "
    "runs those that begin with =, +, - or @, so open the .xlsx there."
)
"""How the folder of outputs is laid out; it stands there as README.md, too."""

_ORDER = ".order_of_outputs.json"
_NEAR = 0.85
"""How alike two names are, from which on one is taken for a slip of the other."""


@dataclass(frozen=True, slots=True)
class OutputEntry:
    """A saved table or figure: where it belongs in the report, what it says, and its files with their SHA-256.

    An entry of the kind `remark` has no file: its note says why there was nothing to save. `facts` are what the report
    has to know of how it was made; `printed` the table as it is shown (see `print_rows`).

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.label_shares(cb.open_run("topics").codings()).save()
    >>> from codebook.outputs import read_outputs, run_outputs
    >>> [(entry.name, entry.section) for entry in read_outputs(run_outputs("topics"))]
    [('label_shares', 'shares')]
    """

    name: str
    kind: str
    section: str
    title: str
    note: str = ""
    finding: str = ""
    files: dict[str, str] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    printed: dict[str, Any] = field(default_factory=dict)


def copy_outputs(source: Path, target: Path) -> None:
    """Copy what is saved into another folder of outputs; files that a person changed there are kept.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.label_shares(cb.open_run("topics").codings()).save(run="topics")
    >>> copy_outputs(run_outputs("topics"), Path("kept"))
    >>> sorted(path.suffix for path in Path("kept").glob("label_shares.*"))[:3]
    ['.csv', '.docx', '.html']
    """
    changed = changed_files(target)
    for entry in read_outputs(source):
        for name in entry.files.keys() - changed:
            if (source / name).is_file():
                with (source / name).open("rb") as old, write_atomic(target / name) as new:
                    shutil.copyfileobj(old, new)
        if not entry.files.keys() & changed:
            note_entry(target, entry)


def changed_files(folder: Path) -> set[str]:
    """The files of a folder of outputs that are not as they were saved."""
    saved = {name: digest for entry in read_outputs(folder) for name, digest in entry.files.items()}
    return {name for name, sha256 in saved.items() if (folder / name).is_file() and digest_of(folder / name) != sha256}


def note_entry(folder: Path, entry: OutputEntry) -> None:
    """Put the entry into the manifest; one of the same name is replaced where it stands, its other files removed.

    In a replay entries stand as they do in the archive, which may have been saved in another order than the steps have.
    """
    entries = {old.name: old for old in read_outputs(folder)}
    for stale in set(entries[entry.name].files) - set(entry.files) if entry.name in entries else ():
        (folder / stale).unlink(missing_ok=True)
    entries |= {entry.name: entry}
    kept = folder.with_name(_ORDER)
    order = {name: at for at, name in enumerate(read_json(kept) if kept.is_file() else ())}
    entries = {name: entries[name] for name in sorted(entries, key=lambda name: order.get(name, len(order)))}
    (folder / "README.md").write_text(f"{LAYOUT}\n", encoding="utf-8")
    write_json(folder / "manifest.json", [asdict(entry) for entry in entries.values()])


def keep_order(folder: Path, again: Path | None = None) -> None:
    """Let what is saved again in place of these outputs, or in the folder `again`, stand in their order.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as name:
    ...     keep_order(Path(name) / "outputs")
    ...     [path.name for path in Path(name).iterdir()]
    ['.order_of_outputs.json']
    """
    write_json((again or folder).with_name(_ORDER), [entry.name for entry in read_outputs(folder)])


def run_outputs(run: str) -> Path:
    """Return the folder of outputs of a run, or of the version that its name stands for; it may have none yet.

    Raises
    ------
    ParameterError
        A name that cannot name a file, or one that is almost that of a run and of none.

    Examples
    --------
    >>> import codebook as cb
    >>> run_outputs("topics").name
    'outputs'
    """
    check_name("run", run)
    runs = runs_folder()
    name = find_version(runs, run)
    if not (runs / name).is_dir() and (near := _find_misspelt(name, [path.name for path in sorted(runs.glob("*/"))])):
        mend = f"did you mean {near!r}? If {run!r} is meant, make the folder runs/{run} first"
        raise ParameterError("There are no such outputs.", [Fault("run", f"there is no run {run!r}", mend)])
    return runs / name / "outputs"


def _find_misspelt(name: str, names: Sequence[str]) -> str:
    """The name that is probably meant; none where two differ by their numbers only, as the versions of a run do."""
    near = difflib.get_close_matches(name, names, n=1, cutoff=_NEAR)
    alike = near and re.sub(r"\d+", "", near[0]) == re.sub(r"\d+", "", name)
    return "" if alike or not near else near[0]


def check_name(where: str, name: str) -> None:
    """Refuse what cannot name a file of the outputs, or their run."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", name):
        fault = Fault(where, f"{name!r} cannot name a file", "use letters, digits, _ and - only, 100 at most")
        raise ParameterError("The output cannot be saved.", [fault])


def list_outputs(run: str) -> pd.DataFrame:
    """Return what is saved for a run's report: section, title, kind and files; `outputs/README.md` says how it lies.

    Examples
    --------
    >>> import codebook as cb
    >>> saved = cb.coverage(cb.open_run("topics").codings()).save()
    >>> list_outputs("topics")[["section", "title", "kind"]]
        section     title    kind
    0  coverage  Coverage  result
    """
    from codebook.outputs.readable import ReadableFrame

    entries = read_outputs(run_outputs(run))
    rows = [(entry.section, entry.title, entry.kind, ", ".join(entry.files)) for entry in entries]
    return ReadableFrame(rows, columns=["section", "title", "kind", "files"])


def read_outputs(folder: Path) -> list[OutputEntry]:
    """Return what is saved in an outputs folder, in the order of saving.

    Raises
    ------
    RecordError
        The list of what is saved is damaged.

    Examples
    --------
    >>> import codebook as cb
    >>> saved = cb.coverage(cb.open_run("topics").codings()).save()
    >>> [entry.name for entry in read_outputs(Path("runs/topics/outputs"))]
    ['coverage']
    """
    manifest = folder / "manifest.json"
    if not manifest.is_file():
        return []
    mend = "restore it from a backup, or delete it and save the outputs again (run the notebooks 05 to 07)"
    try:
        return [OutputEntry(**entry) for entry in read_json(manifest, mend=mend)]
    except TypeError as error:
        raise damaged(manifest, str(error), mend) from None
