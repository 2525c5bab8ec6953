"""The board of a coding: progress, agreement so far, drift, who differs from whom, confused codes with their texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.result import Result
from codebook.analysis.core.standard_errors import FEWEST
from codebook.analysis.joining.disagreement import KINDS
from codebook.analysis.reliability import reliability
from codebook.analysis.robustness.suggestion_pull import WITH, suggestion_report
from codebook.coding.assignments import FOLDER, read_assignment
from codebook.coding.kept_units import KeptUnits
from codebook.coding.log_codings import count_depth, read_logs
from codebook.coding.monitoring.coder_progress import coding_progress
from codebook.coding.monitoring.confused_codes import confused_texts
from codebook.coding.monitoring.label_drift import drift
from codebook.coding.monitoring.repeated_units import self_agreement
from codebook.coding.rounds.offered_suggestions import add_suggestions
from codebook.coding.rounds.qualifying import qualification
from codebook.files.lines import write_whole
from codebook.ground.quantities import say_count
from codebook.outputs.templating import render
from codebook.paths import resolve_path

_BLIND = "This page shows what coders answered. Nobody who is still coding should see it."


@dataclass(frozen=True, repr=False)
class CodingBoard:
    """The state of a coding as a list of results; a notebook shows it, and `write` makes a page of it.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.coding.Trial.example("trial")
    >>> board = cb.coding.coding_board("trial")
    >>> board.results[0].title, board.write("board.html").name
    ('Progress of the coders', 'board.html')
    """

    title: str
    results: tuple[Result, ...]
    notes: tuple[str, ...] = ()

    def __getitem__(self, name: str) -> Result:
        """The first result of a name, such as `progress`."""
        for result in self.results:
            if result.name == name:
                return result
        raise KeyError(f"the board has no {name!r}; it has {', '.join(result.name for result in self.results)}")

    def __repr__(self) -> str:
        return "\n\n".join([*self.notes, *(f"{each.title}\n{each!r}" for each in self.results)])

    def _repr_html_(self) -> str:
        return self._render(page=False)

    def _render(self, *, page: bool) -> str:
        parts = [(each.title, each._repr_html_()) for each in self.results]
        return render("coding_board.html.j2", page=page, title=self.title, notes=self.notes, parts=parts)

    def write(self, path: str | Path) -> Path:
        """Write the board as one page without scripts, and return its path."""
        target = resolve_path(path)
        write_whole(target, self._render(page=True))
        return target


def coding_board(
    folder: str | Path = FOLDER, *, least: int = FEWEST, blocks: int = 4, resample: Bootstrap = Bootstrap()
) -> CodingBoard:
    """Read the logs of a coding folder and show the state of the coding.

    Parameters
    ----------
    least
        Units below which no interval is given.
    blocks
        Parts of the time by which drift is shown.

    Returns
    -------
    CodingBoard
        Results progress; of each variable that has labels of two coders reliability, reliability_by_pair (of three
        coders or more), confused_texts, drift, self_agreement (where units came twice), suggestions (where there are
        arms); and qualification of each training. Those of several variables bear the variable's name behind theirs.

    Raises
    ------
    ParameterError
        There is no assignment.

    Examples
    --------
    >>> from codebook.coding import Trial
    >>> _ = Trial.example("trial")
    >>> board = coding_board("trial", resample=Bootstrap(50))
    >>> [result.name for result in board.results]
    ['progress', 'reliability', 'confused_texts', 'drift']
    """
    place = resolve_path(folder)
    assignment = read_assignment(place)
    codings = read_logs(place)
    units = KeptUnits(place / "units.jsonl")
    ids = codings.frame["unit_id"].unique()
    codings = replace(codings, texts={unit: units[unit].text for unit in map(str, ids) if unit in units})
    results = [coding_progress(place)]
    for variable in codings.variables:
        part = list(_watch(codings.of(variable.name), place, (least, blocks), resample))
        several = len(codings.variables) > 1
        results += [_name(each, variable.name) for each in part] if several else part
    rounds = [str(each["round"]) for each in assignment.rounds if each.get("known")]
    results += [_name(qualification(place, name), name) for name in rounds]
    study = assignment.study or place.name
    return CodingBoard(f"Coding of {study}", tuple(results), (_BLIND, *codings.notes))


def _name(result: Result, about: str) -> Result:
    return replace(result, name=f"{result.name}_{about}", title=f"{result.title}: {about}")


def _watch(codings: Codings, folder: Path, settings: tuple[int, int], bootstrap: Bootstrap) -> Iterator[Result]:
    """What is to be said of one variable."""
    least, blocks = settings
    if codings.variable.kind not in KINDS or len(codings.people) < 2:
        return
    agreement = reliability(codings, resample=bootstrap, least=least)
    depth = ", ".join(
        f"{say_count(n, 'unit')} by {say_count(k, 'coder')}" for k, n in count_depth(codings.frame).items()
    )
    yield replace(agreement, remarks=(*agreement.remarks, f"Coded: {depth}. No interval below {least} units."))
    if agreement.facts.nothing:
        return
    if len(codings.people) > 2:
        yield reliability(codings, by="pair", coefficients=("alpha", "percent"), resample=bootstrap, least=least)
    yield confused_texts(codings)
    yield drift(codings, blocks, least=least, resample=bootstrap)
    if (codings.frame["draw"] > 0).any():
        yield self_agreement(codings, least=least, resample=bootstrap)
    if (codings.frame["arm"] == WITH).any():
        yield suggestion_report(add_suggestions(codings, folder), resample=bootstrap)
