"""The report: one HTML file with everything inside, readable without the kit, without a network and without scripts."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codebook.analysis.core.checks import find_distinct
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.result import Result
from codebook.codings import count_coverage, coverage_sentence, join_codings, shorten_coders, shorten_names
from codebook.engines import about_engine
from codebook.errors import RunError
from codebook.files.digests import check_record, digest_of, read_run_record
from codebook.files.lines import write_whole
from codebook.ground.quantities import say_count
from codebook.ledger import open_known
from codebook.material.unit_store import iter_units
from codebook.outputs import OutputEntry, copy_outputs, frame_html, print_rows, put_text, read_outputs, save_block
from codebook.outputs.templating import render
from codebook.paths import resolve_path, show_path
from codebook.records import say_erased
from codebook.report.cards import open_cards, telling_html
from codebook.report.facts import Facts, find_collected, gather_facts
from codebook.report.guideline_items import NOTE as GUIDELINE_NOTE
from codebook.report.guideline_items import fill_guideline, say_guideline
from codebook.report.methods import first_findings, write_methods
from codebook.report.referee_checks import NOTE as CHECK_NOTE
from codebook.report.referee_checks import check_facts, say_checks
from codebook.report.sections import is_result, list_results, say_denominators, show_section
from codebook.scheme import compare_codebooks, read_codebook, render_html

if TYPE_CHECKING:
    import pandas as pd

_MOST_STRATA = 12


def write_report(
    run: str,
    *,
    title: str = "",
    coders: str | Path = "",
    gold: str = "gold",
    texts: bool = True,
    out: str | Path = "",
    more: Iterable[Result] = (),
) -> Path:
    """Write `report.html` from what the run's folder holds, and return its path.

    The methods paragraph and the checklist of what is missing are saved with the outputs: `methods.md`, whose blanks
    a person fills and which is then kept, and `checklist.csv`.

    Parameters
    ----------
    run
        Name of the run, which stands for its newest version that was handed in; its table must have been collected.
    title
        Heading of the page; made from the codebook's name where empty.
    coders, gold
        The coders.yaml with the labels of people, and which of its coders is the gold: for methods and checklist.
    texts
        False shows no text, picture, quote, prompt or reply of the few units that the page shows.
    out
        Another folder for the page than `runs/<run>`, with a copy of the outputs: for a run that cannot be written.
    more
        Results that are saved with the outputs, and shown.

    Raises
    ------
    RunError
        The run has no table yet, or the ledger does not know it.
    RecordError
        Units, requests or answers were changed since they were written; nothing is written.
    TableError
        The coders cannot be read.

    Examples
    --------
    >>> import codebook as cb
    >>> cb.write_report("topics", coders="coders.yaml").name
    'report.html'
    """
    folder = find_collected(run)
    open_known(folder.parent, folder.name).close()
    check_record(folder, read_run_record(folder / "run.json"))
    target = resolve_path(out) if out else folder
    if not out and not os.access(folder, os.W_OK):
        mend = f"give another folder for the report (out=, or `codebook report {run} --out FOLDER`)"
        raise RunError(f"{show_path(folder)} cannot be written. To mend: {mend}.")
    if target != folder:
        copy_outputs(folder / "outputs", target / "outputs")
    facts = gather_facts(run, coders=coders, gold=gold)
    for result in more:
        replace(result, outputs=target / "outputs").save()
    _save_methods(facts, target / "outputs")
    page = render("report.html.j2", **_gather(facts, title, target / "outputs"), units_html=_show_units(facts, texts))
    return write_whole(target / "report.html", page)


def _save_methods(facts: Facts, outputs: Path) -> None:
    about = "Filled from the run record. In brackets: what a person must write, in outputs/methods.md."
    put_text(outputs, write_methods(facts), OutputEntry("methods", "text", "methods", "Methods paragraph", about))
    checks = check_facts(facts)
    entry = OutputEntry("checklist", "table", "methods", "Checklist", CHECK_NOTE, say_checks(checks))
    save_block(outputs, entry, checks, printed=print_rows(checks, len(checks), names=()))
    items = fill_guideline(facts)
    entry = OutputEntry("guideline", "table", "methods", "Reporting guideline", GUIDELINE_NOTE, say_guideline(items))
    save_block(outputs, entry, items, printed=print_rows(items, len(items), names=()))


def _gather(facts: Facts, title: str, outputs: Path) -> dict[str, Any]:
    """Everything the page shows."""
    folder, record, book, table = facts.folder, facts.record, facts.book, facts.table
    entries = read_outputs(outputs)
    return {
        "title": title or f"Coding study: {book.name}",
        "record": record,
        "asking": facts.asking,
        "answered": record.get("answered", {}),
        "model": facts.about.name_model(facts.asking.model, facts.answered.get("models") or []),
        "units": record["units"],
        "findings": [*first_findings(entry for entry in entries if is_result(entry)), *say_denominators(entries)],
        "coverage_sentence": "; ".join([coverage_sentence(table), *say_erased(record)]),
        "results": list_results(outputs, entries, n_variables=len(book.variables)),
        "methods": show_section(outputs, entries, "methods"),
        "coverage": show_section(outputs, entries, "coverage"),
        "coverage_table": _show_coverage(table, entries),
        "strata": list(_by_stratum(folder, table)),
        "details": _common_details(table),
        "codebook_html": render_html(book) + _show_changes(facts),
        "limits": _say_limits(facts),
        "cost": _say_cost(facts),
        "files": list(_files(folder)),
        "folder": show_path(folder),
    }


def _show_changes(facts: Facts) -> str:
    """What changed in the codebook since the version before; nothing where there is none."""
    before = facts.record.get("version", {}).get("before", "")
    file = facts.folder.parent / before / "codebook.yaml"
    changes = compare_codebooks(read_codebook(file), facts.book) if before and file.is_file() else None
    return changes._repr_html_() if changes else ""


def _show_coverage(table: pd.DataFrame, entries: list[OutputEntry]) -> str:
    """The coverage of the run; nothing where a saved coverage, such as that of all coders, says the same."""
    rows = _read_rows(print_rows(count_coverage(shorten_names(table)), len(table), names=()))
    saved = [row for entry in entries if entry.section == "coverage" for row in _read_rows(entry.printed)]
    is_saved = all(any(row.items() <= other.items() for other in saved) for row in rows)
    return "" if is_saved else frame_html(count_coverage(shorten_names(table)), ())


def _read_rows(printed: dict[str, Any]) -> list[dict[str, str]]:
    return [dict(zip(printed["columns"], row, strict=True)) for row in printed.get("rows", ())]


def _show_units(facts: Facts, texts: bool) -> str:
    """The units that say most, as cards; where ids are hidden from services, they are not shown either."""
    table = facts.table
    if len(find_distinct(table["coder"])) == 1 and not table["draw"].any():  # one label a unit: alone it tells nothing
        table = table[table["label"].isna() | table["unit_id"].isin(facts.coders.frame["unit_id"])]
    codings = Codings(table, facts.book.variables, gold=facts.gold)
    if len(facts.coders.frame):
        codings = join_codings(codings, facts.coders)
    cards = open_cards(shorten_coders(codings), folders={facts.folder.name: facts.folder})
    return telling_html(cards, texts=texts, hidden=bool(facts.asking.private))


def _say_limits(facts: Facts) -> str:
    """What the engine says that its answers are not good for, by the models that gave them."""
    limits, coders = facts.about.limits, facts.table["coder"]
    names = [name for name in limits if name and coders.str.contains(name, regex=False).any()]
    return limits.get(next(iter(names), ""), "")


def _common_details(table: pd.DataFrame) -> str:
    """The commonest reasons of what is not labelled, ten at most, as a table; empty for none."""
    if "detail" not in table or not table["why"].notna().any():
        return ""
    counts = table[table["why"].notna()].value_counts(["why", "detail"], dropna=False).head(10)
    return frame_html(counts.rename("codings").reset_index().rename(columns={"detail": "reason given"}), ())


def _by_stratum(folder: Path, table: pd.DataFrame) -> Iterator[tuple[str, str]]:
    """(context column, coverage of each of its values), where labels are missing: refusals are seldom random."""
    if not table["why"].notna().any():
        return
    strata: dict[str, dict[str, str]] = {}
    for unit, _ in iter_units(folder / "units.jsonl"):
        for name, value in unit.context.items():
            strata.setdefault(name, {})[unit.unit_id] = value
    for name, values in strata.items():
        if 2 <= len(set(values.values())) <= _MOST_STRATA:
            yield name, frame_html(count_coverage(shorten_names(table), values), ())


def _say_cost(facts: Facts) -> str:
    """What the run cost, in words."""
    from codebook.costs import say_tokens

    answered, about = facts.record.get("answered", {}), about_engine(facts.asking.engine)
    if not answered:
        return "Nothing is collected yet."
    tokens = say_tokens(answered)
    if about and not about.charges:
        return about.free.format(tokens=tokens)
    usd, unknown = answered["cost_usd"], answered["answers_of_unknown_price"]
    if usd is None:
        return f"Unknown: {say_count(unknown, 'answer has', 'answers have')} no known price ({tokens})."
    cost = f"${usd:,.4f} for {tokens}, by the tokens that the replies report"
    return f"{cost}; {unknown:,} answers have no known price and are not in it." if unknown else f"{cost}."


def _files(folder: Path) -> Any:
    """(name, bytes, SHA-256) of the files that a reviewer wants, work files left out."""
    paths = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    for path in sorted(paths):
        inside = path.relative_to(folder)
        if inside.parts[0] not in ("work", "report.html"):
            yield inside.as_posix(), path.stat().st_size, digest_of(path)
