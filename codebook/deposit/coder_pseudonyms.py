"""Labels of people as one table, under pseudonyms where the study is private; other columns stay on this machine."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from codebook.codings.coder_files.people_labels import People, read_people
from codebook.deposit.deposit_layout import CODERS, LABELS, list_files
from codebook.deposit.leak_search import read_text_lines, tell_lines
from codebook.deposit.withheld_texts import Withholding
from codebook.errors import Fault
from codebook.ground.joins import DistinctIds
from codebook.ground.personal import name_person
from codebook.material.unit_store import is_part, iter_units
from codebook.run import RunFolder
from codebook.study import Study

if TYPE_CHECKING:
    from codebook.analysis.core.codings import Codings

_ROLES = frozenset({"gold", "gold standard", "consensus", "majority", "adjudicated"})
"""Names of coders who are not persons."""
_YAML = """# The labels of people, as the deposit has them: one row per label. Written by `codebook deposit`.
coders:
  - file: {file}
    unit: unit_id
    coder: coder
    variable_column: variable
    label: label
    draw: draw
    skip: ["{no_label}"]  # was coded, and has no label
"""
_NO_LABEL = "[no label]"


def name_coders(codings: Codings) -> dict[str, str]:
    """Pseudonyms of the coders who are people, by their names; whoever is a model, or a role, keeps the name."""
    persons = [*codings.people, *([codings.gold] if codings.gold in codings.coders else [])]
    return {name: name_person(name) for name in persons if name.casefold() not in _ROLES}


def read_labels(study: Study, folder: RunFolder) -> Codings | None:
    """The labels of people and other tools beside a run; None where there are none."""
    ids = DistinctIds(lambda: (unit.unit_id for unit, _ in iter_units(folder.units_path)))
    partial = is_part(folder.read_record()["units"])
    people = read_people(People(study.coders, study.coding_folder), study.codebook, units=ids, partial=partial)
    models = tuple(study.facts.models)
    return people and replace(people.with_gold(study.gold), models=(*people.models, *models))


def write_labels(codings: Codings, names: Mapping[str, str], room: Path, hold: Withholding | None) -> None:
    """Write the labels as a table, with the coders.yaml that reads it; those that are texts as `hold` has them."""
    frame = codings.frame[["unit_id", "coder", "variable", "label", "draw"]]
    if hold:
        opened = frame["variable"].isin(hold.opened) & frame["label"].notna()
        frame = frame.assign(label=frame["label"].mask(opened, frame.loc[opened, "label"].map(hold.label)))
    coders = [names.get(name, name) for name in frame["coder"].astype(str)]
    frame = frame.assign(coder=coders, label=frame["label"].astype(object).fillna(_NO_LABEL))
    path = room / LABELS
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_csv(path, index=False, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n", encoding="utf-8")
    (room / CODERS).write_text(_YAML.format(file=path.name, no_label=_NO_LABEL), encoding="utf-8")


def find_names(room: Path, names: Mapping[str, str]) -> Iterator[Fault]:
    """Yield each place in a deposit that still holds a coder's own name as a word; the name is not shown."""
    telling = [re.escape(name) for name in names if len(name) > 2]
    if not telling:
        return
    word = re.compile(rf"(?<![\w-])(?:{'|'.join(telling)})(?![\w-])")
    for place, path in list_files(room):
        lines = (number for number, line in read_text_lines(path) if word.search(line))
        mend = "look at the line: if it is the coder and not a word of the language, take it out of the study's file"
        yield from tell_lines(place, lines, "it holds the name of a coder (the name is not shown)", mend)
