"""The report of a run, with what only other runs tell: versions of the codebook, and a second instrument."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path

from codebook.analysis.core.result import Facts, Result, nothing_to_say
from codebook.errors import ParameterError
from codebook.files.run_versions import find_version, split_version
from codebook.ground.quantities import say_count
from codebook.outputs import copy_outputs, read_outputs
from codebook.paths import resolve_path, runs_folder, show_path
from codebook.report import write_report
from codebook.run import Run, list_runs
from codebook.run.comparing import KINDS
from codebook.scheme import CodebookChanges, compare_codebooks
from codebook.study.second_instrument import compare_second, list_seconds
from codebook.study.study_opening import Study


def report_study(study: Study, *, texts: bool = True, out: str | Path = "") -> Path:
    """Write the report of the study's run, as `write_report` does, and return its path.

    Of a later version it shows what changed in the codebook, which version made how many labels, and what the change
    did to the share of each label and to the finding of `grid:`. Where a second instrument was asked, figures stand
    with and without its labels; what a pilot in several wordings said stands there in short. A study that asks the
    cells of its grid alone gets the report of the first, main cell, with what is saved of the whole grid in it.

    Examples
    --------
    >>> import codebook as cb
    >>> report_study(cb.open_study(run="topics")).name
    'report.html'
    """
    named = {"title": study.facts.title, "coders": study.coders, "gold": study.gold}
    if name_reported(study) == study.run:
        more = list(tell_more(study)) if _has_run(study) else []  # else the report says what is missing
        return write_report(study.run, **named, texts=texts, out=out, more=more)
    home, cells = study.folder, [cell.study.run for cell in study.grid.cells]
    if out:
        copy_outputs(home / "outputs", resolve_path(out) / "outputs")
    others = f"; the other cells are {', '.join(cells[1:])}" if cells[1:] else ""
    words = (
        f"This page is of {cells[0]}, the main cell of the grid{others}. The finding under each: section Multiverse."
    )
    about = _say("grid_cells", "coverage", "Cells of the grid", words)
    return write_report(cells[0], **named, texts=texts, out=out or home, more=[about])


def name_reported(study: Study) -> str:
    """The run whose questions and answers a report tells: the study's, or where its grid alone is asked the main cell.

    Examples
    --------
    >>> import codebook as cb
    >>> name_reported(cb.open_study(run="topics"))
    'topics'
    """
    return study.run if _has_run(study) or not study.facts.grid else study.grid.cells[0].study.run


def name_home(study: Study) -> str:
    """The folder in `runs` of what is saved of the whole study, where that is no run, since its grid alone is asked.

    Examples
    --------
    >>> import codebook as cb
    >>> name_home(cb.open_study(run="topics"))
    ''
    """
    return "" if name_reported(study) == study.run else study.name


def _has_run(study: Study) -> bool:
    return bool(study.run) and find_version(runs_folder(), study.run) in list_runs()


def tell_more(study: Study) -> Iterator[Result]:
    """The results that the report has besides what was saved: of versions, and of a second instrument."""
    run = study.open_run()
    yield from _tell_pilots(study.name)
    if before := run.before:
        yield from _tell_versions(study, run, before)
    if list_seconds(study.name):
        sample = study.codings().sample
        part = "dev" if sample is not None and sample.locked else "test"  # what may be looked at
        for variable, by in product(run.codebook.variables, ("", "label")):
            if variable.kind in KINDS:
                yield _name_apart(compare_second(study, variable.name, by=by, part=part), variable.name, run)


def _tell_pilots(name: str) -> Iterator[Result]:
    """What pilots in several wordings said, in short, and where the rest of it is."""
    pilots = {split_version(run)[0] for run in list_runs() if run.startswith(f"{name}-pilot-")}
    for pilot in sorted(pilots):
        outputs = runs_folder() / find_version(runs_folder(), pilot) / "outputs"
        saved = {entry.name: entry for entry in read_outputs(outputs) if entry.name in ("stability", "flips")}
        if sentences := [entry.finding or entry.note for entry in saved.values()]:
            printed = saved["stability"].printed if "stability" in saved else {}
            rows = [dict(zip(printed["columns"], row, strict=True)) for row in printed.get("rows", ())]
            over_words = [f"{row.get('Model', '')} {row['Alpha']}".strip() for row in rows if row["Over"] == "prompt"]
            sentences += [f"Alpha over wordings: {'; '.join(over_words)}."] * bool(over_words)
            words = f"{' '.join(sentences)} Their tables, and what the whole will take: {show_path(outputs)}."
            yield _say(pilot, "stability", "Pilot in several wordings", words)


def _say(name: str, section: str, title: str, words: str) -> Result:
    """A sentence in its place in the report, without a table."""
    import pandas as pd

    return Result(pd.DataFrame(), name=name, section=section, title=title, facts=Facts(nothing=words))


def _tell_versions(study: Study, run: Run, before: Run) -> Iterator[Result]:
    """What changed in the codebook, which version made which labels, and what it did to shares and finding."""
    if changes := compare_codebooks(before.codebook, run.codebook):
        yield list_changes(changes)
    yield count_by_version(run)
    finding = study.grid.settings.formula if study.facts.grid.get("finding") else ""
    is_asked_alike = run.record["asked"] == before.record["asked"]
    for variable, by in product(run.codebook.variables, ["share", *filter(None, [finding])]):
        if variable.kind in KINDS and (variable.name in changes.asked_anew or not is_asked_alike):
            yield _name_apart(_compare(study, run, by, variable.name), variable.name, run)


def _compare(study: Study, run: Run, by: str, variable: str) -> Result:
    """What the change did to a variable; where its labels cannot be compared, a result that says why."""
    try:
        return run.compare_versions(by, coders=study.coders, gold=study.gold, variable=variable)
    except ParameterError as error:
        why = f"{variable}, before and after the change: {error.faults[0].problem}."
        codings = study.codings()
        return nothing_to_say(codings, why, Result(codings.frame.head(0), "changed_shares", "Findings that changed"))


def list_changes(changes: CodebookChanges) -> Result:
    """The places in which two versions of a codebook differ, as a table that can be saved; the page marks the words."""
    frame = changes.frame
    return Result(
        frame,
        name="codebook_changes",
        title="What changed in the codebook",
        section="stability",
        facts=Facts(nothing="" if changes else changes.sentence),
        finding=changes.sentence,
        remarks=(f"Before is version {changes.old.version}, after is version {changes.new.version}.",),
        table=frame.rename(columns=str.capitalize),
        names=("Before", "After", "Place"),
    )


def _name_apart(result: Result, variable: str, run: Run) -> Result:
    """A result whose files bear the variable where the run has several."""
    several = len(run.codebook.variables) > 1
    return replace(result, name=f"{result.name}_{variable}" if several else result.name)


def count_by_version(run: Run) -> Result:
    """Which version of the codebook made how many labels of a run: what did not change was not asked again.

    Returns
    -------
    Result
        variable, codebook_version (version and digest of the codebook by which the question was put), n_labelled,
        n_without (answers that are no label). Of a first version there is one row per variable.

    Examples
    --------
    >>> import codebook as cb
    >>> count_by_version(cb.open_run("topics")).finding
    '12 labels were made with version 1 (18ebff8d) of the codebook.'
    """
    table, book = run.table(), run.codebook
    if "codebook_version" not in table:
        table = table.assign(codebook_version=f"{book.version} ({book.digest[:8]})")
    asked = table[table["codebook_version"] != ""]
    groups = asked.groupby(["variable", "codebook_version"], sort=False)["label"]
    frame = groups.agg(n_labelled="count", n_all="size").reset_index()
    frame = frame.assign(n_without=frame.pop("n_all") - frame["n_labelled"])
    totals = frame.groupby("codebook_version", sort=False)["n_labelled"].sum()
    parts = [
        f"{say_count(count, 'label')} {'was' if count == 1 else 'were'} made with version {version}"
        for version, count in totals.items()
    ]
    return Result(
        frame,
        name="labels_by_version",
        title="Labels by version of the codebook",
        section="coverage",
        facts=Facts(table["unit_id"].nunique(), 1),
        finding=f"{' and '.join(parts)} of the codebook.",
        remarks=("A question that a change left as it was keeps the answer that it got under the earlier version.",),
        outputs=run.folder.path / "outputs",
    )
