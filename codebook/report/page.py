"""The report: one HTML file with everything inside, readable without the kit, without a network and without scripts."""

from __future__ import annotations

import base64
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from codebook.errors import RunError
from codebook.paths import project_folder, show_path
from codebook.records import digest_file, write_atomic
from codebook.report.outputs import SECTIONS, OutputEntry, read_outputs
from codebook.scheme import read_codebook, render_html
from codebook.table import coverage, coverage_sentence, read_table

if TYPE_CHECKING:
    import pandas as pd

_SHOWN_ROWS = 60

EMBEDDED_LIMITS = (
    "These labels come from an embedding engine, not from a language model. It is good at what a text is about "
    "(topics, subjects) and no better than the commonest label at stance, irony, offence or fine sentiment. It never "
    "abstains, quotes no evidence, and its cosines are not probabilities. It reads English; one of its two encoders "
    "reads 16 languages. Whether its labels are good enough, the table of validity shows beside the constant-label "
    "baseline."
)


def write_report(run: str, *, title: str = "") -> Path:
    """Write `runs/<run>/report.html` from what the run's folder holds, and return its path.

    Parameters
    ----------
    run
        Name of the run; its table must have been collected.
    title
        Heading of the page; made from the codebook's name where empty.

    Raises
    ------
    RunError
        The run has no table yet.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    folder = project_folder() / "runs" / run
    if not (folder / "table.csv").is_file():
        raise RunError(f"Run {run!r} has no table.csv yet. To mend: collect it first.")
    pages = Environment(loader=PackageLoader("codebook.report"), autoescape=True, undefined=StrictUndefined)
    page = pages.get_template("report.html.j2").render(_gather(folder, title))
    with write_atomic(folder / "report.html") as file:
        file.write(page.encode())
    return folder / "report.html"


def _gather(folder: Path, title: str) -> dict[str, Any]:
    """Everything the page shows."""
    record = orjson.loads((folder / "run.json").read_bytes())
    book = read_codebook(folder / "codebook.yaml")
    table = read_table(folder / "table.csv")
    entries = read_outputs(folder / "outputs")
    return {
        "title": title or f"Coding study: {book.name}",
        "record": record,
        "asked": record["asked"],
        "answered": record.get("answered", {}),
        "units": record["units"],
        "findings": [entry.finding for entry in entries if entry.finding],
        "coverage_sentence": coverage_sentence(table),
        "coverage_table": frame_html(_plain(coverage(table))),
        "details": _common_details(table),
        "sections": _sections(folder, entries),
        "codebook_html": render_html(book),
        "limits": EMBEDDED_LIMITS if record["asked"]["engine"] == "embedded" else "",
        "cost": _say_cost(record),
        "files": list(_files(folder)),
        "folder": show_path(folder),
    }


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    """A frame whose index, where it says something, is a column."""
    return frame if frame.index.names == [None] else frame.reset_index()


def _common_details(table: pd.DataFrame) -> list[tuple[str, str, int]]:
    """(why, detail, count) of what is not labelled, the commonest first, ten at most."""
    if "detail" not in table or not table["why"].notna().any():
        return []
    missing = table[table["why"].notna()]
    counts = Counter(zip(missing["why"], missing["detail"], strict=True))
    return [(why, detail, n) for (why, detail), n in counts.most_common(10)]


def _sections(folder: Path, entries: list[OutputEntry]) -> list[dict[str, Any]]:
    """The saved outputs under their headings."""
    names = [*SECTIONS, *(entry.section for entry in entries if entry.section not in SECTIONS)]
    return [
        {"name": name, "outputs": [_shown(folder, entry) for entry in entries if entry.section == name]}
        for name in dict.fromkeys(names)
        if any(entry.section == name for entry in entries)
    ]


def _shown(folder: Path, entry: OutputEntry) -> dict[str, Any]:
    """One output as the page shows it: a figure as an image inside the page, a table as HTML."""
    import pandas as pd

    shown: dict[str, Any] = {"title": entry.title, "note": entry.note, "kind": entry.kind, "files": list(entry.files)}
    if entry.kind == "figure":
        raw = (folder / "outputs" / f"{entry.name}.png").read_bytes()
        return shown | {"image": base64.b64encode(raw).decode(), "html": ""}
    path = folder / "outputs" / f"{entry.name}.csv"
    frame = pd.read_csv(path, keep_default_na=False, na_values={}, dtype=str)
    more = len(frame) - _SHOWN_ROWS
    note = f"The first {_SHOWN_ROWS} of {len(frame)} rows; all are in {path.name}. " if more > 0 else ""
    return shown | {"image": "", "html": frame_html(frame.head(_SHOWN_ROWS)), "note": note + entry.note}


def frame_html(frame: pd.DataFrame) -> str:
    """Return a frame as an HTML table: every text escaped, numbers rounded to three places and set to the right."""
    from html import escape

    head = "".join(f"<th>{escape(str(name))}</th>" for name in frame.columns)
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in frame.itertuples(index=False, name=None))
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def _cell(value: Any) -> str:
    from html import escape

    text, number = show_value(value)
    return f"<td{' class=n' if number else ''}>{escape(text)}</td>"


def show_value(value: Any) -> tuple[str, bool]:
    """Return (text, is a number) of a cell: three decimals at most, no zeros at the end, nothing for missing.

    Examples
    --------
    >>> show_value("0.70588"), show_value(1004), show_value("topic"), show_value(float("nan"))
    (('.706', True), ('1004', True), ('topic', False), ('', True))
    """
    text = str(value)
    try:
        number = float(text)
    except ValueError:
        return text, False
    if number != number:
        return "", True
    if number.is_integer() or abs(number) >= 1e6:
        return text.removesuffix(".0"), True
    shown = f"{number:.3f}"
    return (shown.replace("0.", ".", 1) if abs(number) < 1 else shown), True


def _say_cost(record: dict[str, Any]) -> str:
    """What the run cost, in words."""
    answered = record.get("answered", {})
    tokens = f"{answered.get('tokens_in', 0):,} tokens in and {answered.get('tokens_out', 0):,} out"
    if record["asked"]["engine"] == "embedded":
        return f"Nothing: the answers were computed on this machine. Sent to a service it would be about {tokens}."
    if record["asked"]["engine"] == "replay":
        return f"Nothing: the answers were read from an archive ({tokens} when they were first given)."
    return f"{tokens}."


def _files(folder: Path) -> Any:
    """(name, bytes, SHA-256) of the files that a reviewer wants, work files left out."""
    kept = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    for path in sorted(kept):
        inside = path.relative_to(folder)
        if inside.parts[0] not in ("work", "report.html"):
            yield inside.as_posix(), path.stat().st_size, digest_file(path)
