"""All that can be wrong with a study, found at once and before anything is paid: instrument, texts, people, service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from codebook.costs.cap import check_cap
from codebook.costs.prices import FILE as PRICES
from codebook.costs.prices import read_prices
from codebook.errors import Fault, ParameterError, mend_name
from codebook.ground.joins import Sides, join_faults, join_ids, tell_strays
from codebook.ground.quantities import say_count
from codebook.paths import GOLD_SAMPLE, project_folder, resolve_path
from codebook.run.folder import RunFolder
from codebook.run.freezing import find_freeze
from codebook.run.plans.asking import FaultList, check_asking
from codebook.scheme import Codebook
from codebook.scheme.wording import Wording, check_wording
from codebook.study.study_core import StudyCore
from codebook.study.study_facts import StudyFacts
from codebook.units import UnitsReport, check_units

if TYPE_CHECKING:
    from codebook.analysis import Codings


@dataclass(frozen=True)
class StudyCheck:
    """What a check found: lines on each part, hints on the wording, warnings, and every fault.

    Printing it shows all; `ok` is whether anything may be sent.

    Examples
    --------
    >>> import codebook as cb
    >>> found = cb.open_study().check()
    >>> found.faults
    ()
    """

    lines: tuple[str, ...]
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...] = ()
    wording: Wording | None = None
    units: UnitsReport | None = None

    @property
    def ok(self) -> bool:
        """Whether there is no fault."""
        return not self.faults

    def raise_errors(self) -> None:
        """Raise one `ParameterError` with every fault; do nothing if there is none."""
        if self.faults:
            raise ParameterError("The study cannot be run as it is; nothing was sent.", self.faults)

    def __str__(self) -> str:
        lines = [*self.lines, *(f"  WARNING   {fault}" for fault in self.warnings)]
        n = len(self.faults)
        end = f"{say_count(n, 'fault')}; nothing may be sent." if n else "Everything is in order; nothing was sent."
        return "\n".join([*lines, *(f"  FAULT     {fault}" for fault in self.faults), end])

    __repr__ = __str__


@dataclass
class _Findings(FaultList):
    """What was found so far, and the lines that tell it."""

    lines: list[str] = field(default_factory=list)


def check_study(study: StudyCore) -> StudyCheck:
    """Look at codebook and wording, units, coders, gold sample, engine, settings, key and service; send nothing.

    A part that is faulty does not hide those of the others.

    Examples
    --------
    >>> import codebook as cb
    >>> check_study(cb.open_study()).ok
    True
    """
    findings = _Findings()
    book, wording = _check_codebook(study, findings)
    report, ids = _check_units(study, findings)
    codings = _check_coders(study, book, ids, findings)
    _check_coding(study, findings)
    _check_gold(study, codings, findings)
    _check_sample(study.facts, ids, findings)
    _check_asking(study, book, report, findings)
    _check_grid(study, report, findings)
    if study.parameters:
        findings.warnings.append(_say_parameters(study))
    return StudyCheck(
        tuple(findings.lines), tuple(dict.fromkeys(findings.faults)), tuple(findings.warnings), wording, report
    )


def _say_parameters(study: StudyCore) -> Fault:
    """A notebook that is run by hand does not see them: its own cell holds."""
    problem = f"{', '.join(study.parameters)} hold{'s' * (len(study.parameters) == 1)} for `codebook execute` only"
    mend = "for Run All and papermill, write the value into the parameters cell of the notebook"
    return Fault(f"{study.path}, parameters", problem, mend)


def _check_codebook(study: StudyCore, findings: _Findings) -> tuple[Codebook | None, Wording | None]:
    book = findings.catch("codebook", lambda: study.codebook)
    if book is None:
        return None, None
    variables = ", ".join(f"{variable.name} ({variable.told})" for variable in book.variables)
    wording = check_wording(study.facts.codebook) if study.facts.codebook else check_wording(book)
    findings.lines += [f"codebook {book.name} {book.version}, {book.digest[:8]}: {variables}", str(wording)]
    if frozen := find_freeze(book.name):
        change = frozen.find_change(book, frozen.prompt)
        findings.lines.append(f"  {change or f'marked as final on {frozen.at[:10]}, and not changed since'}")
    return book, wording


def _check_units(study: StudyCore, findings: _Findings) -> tuple[UnitsReport | None, dict[str, None] | None]:
    """The report on the units, and their ids; None where they cannot be told."""
    source = findings.catch("units", study.open_units)
    report = None if source is None else findings.catch("units", lambda: check_units(source))
    if source is None or report is None:
        return None, None
    findings.lines.append(str(report))
    n_before = len(findings.faults)
    findings.catch("units", report.raise_errors)
    if not report.n_units and len(findings.faults) == n_before:
        mend = "name the file or folder that holds the texts, images or documents, and check the filter (`where`)"
        findings.faults.append(Fault("units", "there is no unit to code", mend))
    if len(findings.faults) > n_before or not (study.has_people or _find_sample(study.facts)):
        return report, None
    return report, {unit.unit_id: None for unit, _ in source.with_skips()}


def _check_coders(
    study: StudyCore, book: Codebook | None, ids: Mapping[str, None] | None, findings: _Findings
) -> Codings | None:
    if book is None or not findings.catch("coding", lambda: study.has_people):
        return None
    from codebook.analysis.core.checks import name_some
    from codebook.codings import read_people

    codings = findings.catch(study.coders or "coding", lambda: read_people(study.people, book, units=ids))
    if codings is not None:
        names = name_some(list(dict.fromkeys(codings.frame["coder"].astype(str))))
        findings.lines += [f"coders: {names}", *(f"  {note}" for note in codings.notes)]
    return codings


def _check_coding(study: StudyCore, findings: _Findings) -> None:
    """Who codes by assignment, and how far they are."""
    if not study.facts.coding or findings.catch("coding", lambda: study.coding) is None:
        return
    from codebook.study.study_coding import find_coding_faults, tell_coding

    findings.catch("coding", lambda: findings.faults.extend(find_coding_faults(study)))
    findings.lines += findings.catch("coding", lambda: tell_coding(study)) or []


def _check_gold(study: StudyCore, codings: Codings | None, findings: _Findings) -> None:
    """A gold that was named is one of the coders; without labels of people nobody is missed."""
    if codings is None:
        return
    gold, coders = study.facts.gold, list(dict.fromkeys(codings.frame["coder"].astype(str)))
    if gold and gold not in coders:
        mend = mend_name(gold, coders, f"name one of {', '.join(coders)} with `gold`, if one of them is")
        fault = Fault("gold", f"{gold!r} is not among the coders, so no label is compared with a gold", mend)
        (findings.warnings if gold == "gold" else findings.faults).append(fault)


def _check_sample(facts: StudyFacts, ids: Mapping[str, None] | None, findings: _Findings) -> None:
    path = _find_sample(facts)
    if path is None:
        return
    from codebook.sampling import read_gold_sample

    sample = findings.catch("sample", lambda: read_gold_sample(path, part="all", unlock=True))
    if sample is None:
        return
    findings.lines.append(f"gold sample: {say_count(len(sample.frame), 'unit')}.")
    if ids is not None:
        sides = Sides("ids of the gold sample", "among the units", "the file of units")
        join = join_ids(sample.frame["unit_id"].astype(str), ids)
        findings.faults += join_faults(join, path.name, sides)
        findings.lines += [f"  {sentence}" for sentence in tell_strays(join, sides)]


def _find_sample(facts: StudyFacts) -> Path | None:
    """The file of the gold sample, the one named or that of the run; None where there is none, or none is wanted."""
    if facts.sample == "none":
        return None
    file_of_run = RunFolder(facts.run_name).path / (facts.sample or GOLD_SAMPLE) if facts.run_name else None
    return (
        file_of_run if file_of_run and file_of_run.is_file() else resolve_path(facts.sample) if facts.sample else None
    )


def _check_grid(study: StudyCore, report: UnitsReport | None, findings: _Findings) -> None:
    """Every cell of the grid: its codebook, who is asked, and how much."""
    if not study.facts.grid:
        return
    from codebook.study.study_grid import open_grid

    if (grid := findings.catch("grid", lambda: open_grid(study))) is None:
        return
    findings.catch("grid", lambda: findings.faults.extend(grid.find_faults()))
    for cell in grid.cells:
        book, fields = findings.catch(cell.codebook, lambda: cell.study.codebook), cell.study.asking()  # noqa: B023
        asking = check_asking(book, fields, report.source if report else None, report.n_send if report else 0)
        findings.faults += [replace(fault, where=f"grid, {cell.name}, {fault.where}") for fault in asking.faults]
        findings.warnings += [each for each in asking.warnings if each not in findings.warnings]
    n_asked = sum(len(cell.study.codebook.variables) for cell in grid.cells) * grid.settings.draws if report else 0
    most = f" At most {n_asked * report.n_send:,} questions; `codebook plan --grid` prices them." if report else ""
    findings.lines.append(f"grid: {grid}{most}")


def _check_asking(study: StudyCore, book: Codebook | None, report: UnitsReport | None, findings: _Findings) -> None:
    findings.catch("cap", lambda: check_cap(study.facts.cap, 0.0, 0.0, 0.0))
    fields = findings.catch("study.yaml", study.asking)
    if fields is None:
        return
    asking = check_asking(book, fields, report.source if report else None, report.n_send if report else 0)
    if (prices := project_folder() / PRICES).is_file():
        findings.catch(PRICES, lambda: read_prices(prices))
    findings.lines += [line for line in (asking.destination, asking.languages) if line]
    findings.faults += asking.faults
    findings.warnings += asking.warnings
