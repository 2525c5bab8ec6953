"""People who code in a study: their units, drawn as the study says, and drawn again only for what is new."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from codebook.coding import (
    Assignment,
    Changes,
    HandedOut,
    assign,
    extend_assignment,
    read_assignment,
    read_logs,
    write_assignment,
    write_pages,
    write_workbooks,
)
from codebook.coding.coding_settings import CodingSettings
from codebook.errors import Fault, ParameterError, mend_name
from codebook.ground.joins import Sides, join_faults, join_ids
from codebook.paths import resolve_path
from codebook.records import Unit
from codebook.sampling import read_gold_sample
from codebook.study.study_core import StudyCore


@dataclass(frozen=True, repr=False)
class Assigning:
    """What came of assigning units: the assignment as it is now, and what was changed."""

    assignment: Assignment
    sentences: tuple[str, ...]

    def __repr__(self) -> str:
        return "\n".join([*self.sentences, repr(self.assignment)])


def assign_units(study: StudyCore, coders: Sequence[str], leaving: Sequence[str]) -> Assigning:
    """Assign the units of a study for the first time, or what is new of them.

    Of a gold sample that was drawn after units were given out, the coders get every unit that none of them has.

    Raises
    ------
    ParameterError
        The study names nobody who codes, or the design cannot be drawn.
    """
    settings = replace(study.coding, coders=tuple(coders) or study.coding.coders)
    folder = resolve_path(settings.folder)
    units = list(choose_units(study, settings))
    if (folder / "assignment.csv").is_file():
        before, ids = read_assignment(folder), {unit.unit_id for unit in units}
        stay = [coder for coder in settings.coders if coder not in (*before.coders, *leaving)]
        drawn_later = bool(settings.sample) and any(row.unit_id not in ids for row in before.rows)
        changes = Changes(units, stay, leaving, sample=settings.coders if drawn_later else ())
        assignment, sentences = extend_assignment(changes, settings.folder)
        return Assigning(assignment, tuple(sentences))
    drawn = assign(units, settings.coders, settings.design)
    name = study.facts.study or study.codebook.name
    written = write_assignment(drawn, study.facts.codebook, units, folder=settings.folder, study=name)
    return Assigning(written, (f"Written to {settings.folder}; each coder begins with `codebook code --coder NAME`.",))


def hand_out_units(study: StudyCore, form: str) -> HandedOut:
    """Assign the units of a study, and write a workbook or a page for each coder."""
    if form not in _FORMS:
        fault = Fault("form", f"{form!r} is unknown", mend_name(form, _FORMS))
        raise ParameterError("Nothing was handed out.", [fault])
    coders, folder = study.coding.coders, study.coding.folder
    if not coders:
        return HandedOut(
            (), ("No coder is named. Name the coders here, or as `coders` under `coding:` in study.yaml.",)
        )
    assign_units(study, coders, ())
    return _FORMS[form](coders, folder)


_FORMS: Mapping[str, Callable[[Sequence[str], str], HandedOut]] = {"workbook": write_workbooks, "page": write_pages}


def choose_units(study: StudyCore, settings: CodingSettings) -> Iterator[Unit]:
    """The units that people code: those of the sample that `coding:` names, or all."""
    units = study.open_units()
    if not settings.sample:
        yield from units
        return
    ids = read_gold_sample(settings.sample, part="all", unlock=True).frame["unit_id"].astype(str).tolist()
    chosen = {unit.unit_id: unit for unit in units if unit.unit_id in set(ids)}
    sides = Sides("ids of the gold sample", "among the units", "the file of units")
    if faults := join_faults(join_ids(ids, chosen), settings.sample, sides):
        raise ParameterError("The sample cannot be assigned.", faults)
    yield from chosen.values()


def find_coding_faults(study: StudyCore) -> Iterator[Fault]:
    """Yield what is wrong with how people code in a study; nothing where nobody is to."""
    settings, book = study.coding, study.codebook
    if not settings.coders:
        yield Fault("coding, coders", "no coder is named", "list the coders: `coders: [ann, ben]`")
    for variable in book.variables:
        if variable.is_open and variable.kind not in ("text", "records", "transcription"):
            yield Fault(
                "coding", f"{variable.name} is of kind {variable.kind}", "take it out: people do not give vectors"
            )
    strata = settings.design.strata
    if strata and strata not in study.facts.context_columns:
        mend = f"add it: `context_columns: [{', '.join([*study.facts.context_columns, strata])}]`"
        yield Fault("coding, strata", f"{strata!r} is not a context column", mend)


def tell_coding(study: StudyCore) -> list[str]:
    """Lines on who codes, and how far they are."""
    settings = study.coding
    lines = [f"coding: {', '.join(settings.coders)}, in {settings.folder}"]
    if not (resolve_path(settings.folder) / "assignment.csv").is_file():
        return [*lines, "  nothing is assigned yet: `codebook assign`"]
    codings = read_logs(settings.folder, study.codebook)
    return [*lines, *(f"  {note}" for note in codings.notes)]
