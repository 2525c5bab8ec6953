"""The saved outputs as the report shows them: which sections, in which order, and what is left out and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from codebook.outputs import (
    SECTIONS,
    OutputEntry,
    block_html,
    print_rows,
    read_outputs,
    run_outputs,
    say_alt,
    text_html,
)
from codebook.outputs.readable import ReadableText
from codebook.report.views.image_grid import grid_html, is_grid

_TITLES = {"shares": "Share of each label"}
_LAST = "correlogram"
_NOT_RESULTS = ("coverage", "methods")
_FEW_CODERS = 2


def list_results(outputs: Path, entries: Sequence[OutputEntry], *, n_variables: int) -> list[dict[str, Any]]:
    """The sections with results, validity first; of correlograms only those that say what no other table says."""
    others = [entry.section for entry in entries if is_result(entry)]
    names = [name for name in dict.fromkeys([*SECTIONS, *others, _LAST]) if any(name == e.section for e in entries)]
    left_out = [entry for entry in entries if _repeats(entry, n_variables)]
    shown = [entry for entry in entries if entry not in left_out]
    sections = [show_section(outputs, shown, name) for name in names]
    for section in sections:
        section["left_out"] = _say_left_out([entry for entry in left_out if entry.section == section["name"]])
    return sections


def is_result(entry: OutputEntry) -> bool:
    """Whether an output says what was found, and belongs to the first sentences of the page."""
    return entry.section not in (*_NOT_RESULTS, _LAST)


def _repeats(entry: OutputEntry, n_variables: int) -> bool:
    """Whether a correlogram is of two coders and one variable, so that validity and reliability say the same."""
    few = entry.facts.get("n_coders", _FEW_CODERS + 1) <= _FEW_CODERS
    return entry.section == _LAST and entry.kind != "remark" and few and n_variables == 1


def _say_left_out(entries: Sequence[OutputEntry]) -> str:
    titles = ", ".join(entry.title for entry in entries)
    why = "of two coders and one variable it says what the tables above say"
    return f"Saved in outputs and not shown here: {titles}; {why}." if entries else ""


def show_section(outputs: Path, entries: Iterable[OutputEntry], name: str) -> dict[str, Any]:
    """The outputs of a section as HTML, each once."""
    blocks = [_show(outputs, entry) for entry in _join_alike(entry for entry in entries if entry.section == name)]
    return {"name": name, "title": _TITLES.get(name, name.capitalize()), "outputs": blocks, "left_out": ""}


def _join_alike(entries: Iterable[OutputEntry]) -> list[OutputEntry]:
    """Entries that say the same sentence, or whose printed tables are the same, as one under all their titles."""
    joined: dict[str, OutputEntry] = {}
    for entry in entries:
        words = entry.note if entry.kind == "remark" else str(entry.printed)
        key = f"{entry.kind}: {words}" if words not in ("", "{}") else entry.name
        joined[key] = replace(joined[key], title=f"{joined[key].title}; {entry.title}") if key in joined else entry
    return list(joined.values())


def _show(outputs: Path, entry: OutputEntry) -> dict[str, str]:
    """One output as the page shows it: a figure as an image inside the page, a table as HTML."""
    about = {"name": entry.name, "title": entry.title}
    if entry.kind == "remark":
        return {**about, "note": "", "html": text_html(entry.note)}
    return {**about, "note": entry.note, "html": _show_saved(outputs, entry)}


def _show_saved(outputs: Path, entry: OutputEntry) -> str:
    """The files of an output as HTML."""
    import pandas as pd

    if entry.kind == "text":
        return text_html((outputs / f"{entry.name}.md").read_text(encoding="utf-8"))
    png = outputs / f"{entry.name}.png"
    image = png.read_bytes() if png.name in entry.files else b""
    grid = is_grid(entry.printed.get("columns", ()))
    if (entry.printed or image) and not grid:
        return block_html(entry.printed, png=image, alt=say_alt(entry), csv=f"outputs/{entry.name}.csv")
    frame = pd.read_csv(outputs / f"{entry.name}.csv", keep_default_na=False, na_values={}, dtype=str)
    return grid_html(frame) if grid else block_html(print_rows(frame))


def say_denominators(entries: Iterable[OutputEntry]) -> Iterator[str]:
    """Say of which units accuracy and alpha are, where both are told and are of different units."""
    sizes: dict[str, int] = {}
    for entry in entries:
        if entry.section in SECTIONS[:2] and entry.finding and entry.facts.get("n_units"):
            sizes.setdefault(entry.section, entry.facts["n_units"])
    if len(sizes) == len(SECTIONS[:2]) and len(set(sizes.values())) > 1:
        gold, common = (f"{sizes[name]:,}" for name in SECTIONS[:2])
        alpha = f"alpha is of {common} units that two coders or more coded"
        yield f"Accuracy is of {gold} units with a gold label; {alpha}."


_ABOUT = ("coverage", "methods")
"""Sections that say how a study was made, and not what came of it."""


def results_paragraph(run: str) -> str:
    """Return what the saved results of a run say, one finding each, in the order in which they were saved.

    It is what stands beside the methods in a paper, for a person to order and to shorten: every number in it was
    computed.

    Raises
    ------
    ParameterError
        A name that cannot name a file, or one that is almost that of a run and of none.

    Examples
    --------
    >>> import codebook as cb
    >>> saved = cb.validity(cb.open_run("topics").codings("coders.yaml"), resample=cb.Bootstrap(0)).save()
    >>> cb.report.results_paragraph("topics") == saved.finding
    True
    """
    entries = read_outputs(run_outputs(run))
    findings = dict.fromkeys(entry.finding for entry in entries if entry.section not in _ABOUT)
    return ReadableText(" ".join(filter(None, findings)) or "Nothing is saved of this run yet.")
