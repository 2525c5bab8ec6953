"""Who codes what: `assign` draws it, a coding folder keeps it, and later additions never disturb what was coded.

A coding folder holds `assignment.csv` (a row per unit and coder), `assignment.json` (seeds, digests, rounds),
`units.jsonl` (the units as they are coded) and `logs/` (a file per coder).
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from codebook.coding.assigning import Design, Share, draw_shares
from codebook.coding.coder_state import Turn
from codebook.coding.coding_log import coder_fault, now
from codebook.coding.kept_units import KeptUnits, keep_units
from codebook.errors import Fault, ParameterError, RecordError
from codebook.files.digests import read_json
from codebook.files.lines import digest, write_json, write_whole
from codebook.ground.quantities import say_count
from codebook.paths import resolve_path, show_path
from codebook.records import Unit
from codebook.scheme import Codebook, read_codebook, write_codebook

FOLDER = "coding"
"""Where the coding of a study lies, beside its study.yaml."""
FORMAT = "coding 1"
COLUMNS = ("unit_id", "coder", "place", "round", "draw", "arm")


@dataclass(frozen=True, slots=True)
class Assigned:
    """One row of an assignment.

    Examples
    --------
    >>> import codebook as cb
    >>> row = cb.coding.assign(["7", "9"], ["ann"]).rows[0]
    >>> row.coder, row.round
    ('ann', 'main')
    """

    unit_id: str
    coder: str
    place: int
    round: str = "main"
    draw: int = 0
    arm: str = "none"

    @property
    def turn(self) -> Turn:
        """The showing that it stands for."""
        return Turn(self.unit_id, self.round, self.draw)


@dataclass(frozen=True)
class Assignment:
    """Who codes what, in which order, and how that was drawn.

    Attributes
    ----------
    rows
        One a unit and coder, in each coder's order.
    rounds
        How each part was drawn: round, at, design, coders, n_units, left_over.
    study, codebook, codebook_name
        Name of the study, file of the codebook, and what the codebook calls itself.

    Examples
    --------
    >>> import codebook as cb
    >>> assignment = cb.coding.assign(["7", "9", "11"], ["ann", "ben"])
    >>> assignment.coders, len(assignment.rows)
    (['ann', 'ben'], 6)
    """

    rows: tuple[Assigned, ...]
    rounds: tuple[Mapping[str, Any], ...] = ()
    study: str = ""
    codebook: str = ""
    codebook_name: str = ""

    @property
    def coders(self) -> list[str]:
        """Everybody who has something to code."""
        return list(dict.fromkeys(row.coder for row in self.rows))

    @property
    def digest(self) -> str:
        """SHA-256 of all rows."""
        return digest(*(str(cell) for row in self.rows for cell in _cells(row)))

    def of(self, coder: str, round_name: str = "") -> list[Assigned]:
        """The rows of a coder in order: of one round, or of all.

        Raises
        ------
        ParameterError
            The coder has none.
        """
        rows = [row for row in self.rows if row.coder == coder and round_name in ("", row.round)]
        if not rows:
            rounds = sorted({row.round for row in self.rows if row.coder == coder})
            mend = f"name one of {', '.join(self.coders)}" if not rounds else f"name one of {', '.join(rounds)}"
            fault = Fault("coder", f"{coder!r} has nothing to code" + f" in round {round_name!r}" * bool(rounds), mend)
            raise ParameterError("There is nothing to code.", [fault])
        return sorted(rows, key=lambda row: row.place)

    def __repr__(self) -> str:
        n_units = len({row.unit_id for row in self.rows})
        several = Counter(Counter((row.unit_id, row.round) for row in self.rows if not row.draw).values())
        depth = ", ".join(f"{say_count(n, 'unit')} by {say_count(k, 'coder')}" for k, n in sorted(several.items()))
        each = Counter(row.coder for row in self.rows)
        names = ", ".join(f"{coder} {n:,}" for coder, n in each.items())
        left = sum(each.get("left_over", 0) for each in self.rounds)
        over = f" {say_count(left, 'unit')} left over: no coder has room for more." if left else ""
        return f"{say_count(n_units, 'unit')} assigned: {depth or 'none'}. {names}.{over}"


def assign(
    units: Iterable[Unit] | Iterable[str] | Mapping[str, str],
    coders: Sequence[str],
    design: Design | None = None,
    *,
    round_name: str = "main",
) -> Assignment:
    """Draw at random who codes what: units are balanced over coders and strata, and each coder has an own order.

    Parameters
    ----------
    units
        Units, such as those of `open_units`; their ids; or the stratum of each id.
    coders
        Names of the coders.
    design
        Which share is coded by several, how many a coder takes, what comes again; as it is, all units to all.
    round_name
        "main", or that of a training or another round.

    Raises
    ------
    ParameterError
        A name cannot be one, an id is there twice, or the design cannot be drawn.

    Examples
    --------
    >>> assign(["7", "9", "11", "13"], ["ann", "ben"], Design(double=0.5))
    4 units assigned: 2 units by 1 coder, 2 units by 2 coders. ann 3, ben 3.
    """
    design = design or Design()
    strata = read_strata(units, design.strata)
    faults = list(name_faults(coders))
    if not strata:
        faults.append(Fault("units", "there are no units", "give units, or their ids"))
    ParameterError.raise_any("The units cannot be assigned.", faults)
    shares = draw_shares(strata, coders, design)
    note = note_round(round_name, shares, strata, coders, design)
    return Assignment(tuple(to_row(share, round_name) for share in shares), (note,))


def note_round(
    name: str, shares: Sequence[Share], strata: Mapping[str, str], coders: Sequence[str], design: Design
) -> dict[str, Any]:
    """What is kept of how a round was drawn."""
    left = len(strata.keys() - {share.unit_id for share in shares})
    drawn = {"round": name, "at": now(), "design": asdict(design), "coders": list(coders)}
    return {**drawn, "n_units": len(strata), "left_over": left, "unit_ids": digest(*strata)}


def read_strata(units: Iterable[Unit] | Iterable[str] | Mapping[str, str], column: str) -> dict[str, str]:
    """The stratum of each unit id: of units, a part of their context; "" where no column is named."""
    if isinstance(units, Mapping):
        return {str(unit): str(stratum) for unit, stratum in units.items()}
    strata, faults = dict[str, str](), list[Fault]()
    for each in units:
        unit_id = each.unit_id if isinstance(each, Unit) else str(each)
        context = each.context if isinstance(each, Unit) else {}
        if unit_id in strata:
            faults.append(Fault(f"unit {unit_id!r}", "it occurs twice", "give each unit once"))
        if column and column not in context:
            mend = f"add {column!r} to the context columns, or give a mapping of id and stratum"
            faults.append(Fault(f"unit {unit_id!r}", f"it has no value for {column!r}, which balances the draw", mend))
        strata[unit_id] = context.get(column, "") if column else ""
    ParameterError.raise_any("The units cannot be assigned.", faults[:20])
    return strata


def name_faults(coders: Sequence[str]) -> Iterable[Fault]:
    """Yield why these cannot be the names of coders side by side."""
    seen: dict[str, str] = {}
    for coder in coders:
        if fault := coder_fault(coder, "coders"):
            yield fault
        if (twin := seen.setdefault(coder.casefold(), coder)) != coder or list(coders).count(coder) > 1:
            yield Fault(
                "coders",
                f"{coder!r} and {twin!r} are the same file name on some computers",
                "use names that differ in more than capitals",
            )


def to_row(share: Share, round_name: str, *, behind: int = 0) -> Assigned:
    """A share as a row of the assignment, behind so many that the coder has already."""
    return Assigned(share.unit_id, share.coder, share.place + behind, round_name, share.draw, share.arm)


def _cells(row: Assigned) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in COLUMNS)


# -- the coding folder ---------------------------------------------------------------------------------------------


def write_assignment(
    assignment: Assignment,
    codebook: Codebook | str | Path,
    units: Iterable[Unit] = (),
    *,
    folder: str | Path = FOLDER,
    study: str = "",
) -> Assignment:
    """Write an assignment and its units into a coding folder; return the assignment as it was written.

    Parameters
    ----------
    codebook
        Its file, which is read anew whenever somebody codes; or a codebook, which is kept in the folder.
    units
        The units; those that are kept already stay as they were.

    Raises
    ------
    ParameterError
        Another assignment is there already, or a unit is not given.

    Examples
    --------
    >>> import codebook as cb
    >>> units = list(cb.open_study().open_units())
    >>> assignment = cb.coding.assign([unit.unit_id for unit in units], ["ann"])
    >>> write_assignment(assignment, "codebook.yaml", units, folder="by_hand")
    12 units assigned: 12 units by 1 coder. ann 12.
    """
    place = resolve_path(folder)
    if (place / "assignment.csv").exists() and read_assignment(place).rows != assignment.rows:
        mend = "add to it with `extend_assignment`, or name another folder"
        fault = Fault(show_path(place), "there is another assignment here, and people may have coded with it", mend)
        raise ParameterError("The assignment was not changed.", [fault])
    place.mkdir(parents=True, exist_ok=True)
    keep_units(place / "units.jsonl", units)
    known = KeptUnits(place / "units.jsonl")
    if missing := [unit for unit in dict.fromkeys(row.unit_id for row in assignment.rows) if unit not in known]:
        fault = Fault(
            "units",
            f"{say_count(len(missing), 'unit')} of the assignment were not given: {missing[:3]}",
            "give the units with their texts",
        )
        raise ParameterError("The assignment cannot be written.", [fault])
    file = _keep_codebook(codebook, place)
    name = read_codebook(file).name
    complete = replace(assignment, study=study or assignment.study, codebook=file, codebook_name=name)
    save_assignment(complete, place)
    return complete


def _keep_codebook(codebook: Codebook | str | Path, folder: Path) -> str:
    """The file of the codebook as it is named from the project; one that is none yet is written into the folder."""
    if not isinstance(codebook, Codebook):
        return show_path(resolve_path(codebook))
    path = folder / "codebook.yaml"
    write_codebook(codebook, path)
    return show_path(path)


def save_assignment(assignment: Assignment, folder: Path, *, before: str = "") -> None:
    """Write the two files of an assignment, each whole or not at all.

    `before` is the digest of the rows that were there: the first file is true of both, should the second be missed.
    """
    book = read_codebook(assignment.codebook)
    about = {
        "format": FORMAT,
        "study": assignment.study,
        "codebook": {"file": assignment.codebook, "name": book.name, "digest": book.digest},
        "variables": {variable.name: book.variable_digest(variable.name) for variable in book.variables},
        "rows": [assignment.digest, *filter(None, [before])],
        "rounds": list(assignment.rounds),
    }
    write_json(folder / "assignment.json", about)
    room = io.StringIO()
    writer = csv.writer(room, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\n")
    writer.writerows([COLUMNS, *map(_cells, assignment.rows)])
    write_whole(folder / "assignment.csv", room.getvalue())


def read_assignment(folder: str | Path = FOLDER) -> Assignment:
    """Read the assignment of a coding folder.

    Raises
    ------
    ParameterError
        There is none.
    RecordError
        It was edited or is damaged.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.open_study().with_coding(coders=("ann",)).assign()
    >>> read_assignment().coders
    ['ann']
    """
    place = resolve_path(folder)
    if not (place / "assignment.csv").is_file():
        mend = "assign units first: `codebook assign`, or write_assignment(assign(units, coders), ...)"
        fault = Fault(show_path(place), "there is no assignment.csv", mend)
        raise ParameterError("There is nothing to code.", [fault])
    with (place / "assignment.csv").open(encoding="utf-8", newline="") as file:
        rows = tuple(_read_row(line) for line in csv.DictReader(file))
    about = read_json(place / "assignment.json")
    book = about["codebook"]
    read = Assignment(rows, tuple(about["rounds"]), about["study"], book["file"], book["name"])
    if read.digest not in about["rows"]:
        mend = "restore both files from a backup, or change the assignment with `extend_assignment`"
        raise RecordError(f"{show_path(place)}/assignment.csv was edited by hand. To mend: {mend}.")
    return read


def _read_row(line: Mapping[str, str]) -> Assigned:
    return Assigned(line["unit_id"], line["coder"], int(line["place"]), line["round"], int(line["draw"]), line["arm"])
