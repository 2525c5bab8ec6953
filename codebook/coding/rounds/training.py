"""Training: units whose answers are known, each with feedback, before the main round is open to a coder."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from codebook.coding.assigning import Design
from codebook.coding.assignments import FOLDER, Assigned, Assignment
from codebook.coding.deciding.sides import differ
from codebook.coding.rounds.adding import add_round
from codebook.coding.rounds.known_answers import KnownAnswer, example_units, find_reason, read_known, write_known
from codebook.coding.sessions.session_plan import Beside
from codebook.errors import Fault, ParameterError
from codebook.ground.joins import join_ids
from codebook.ground.quantities import say_count
from codebook.paths import resolve_path
from codebook.records import Unit
from codebook.scheme import Codebook

_ABOUT = "The training cannot be added."


def add_training(
    units: Iterable[Unit],
    answers: Iterable[KnownAnswer],
    coders: Sequence[str],
    codebook: Codebook | str | Path,
    *,
    folder: str | Path = FOLDER,
    round_name: str = "training",
    gate: float | None = None,
) -> Assignment:
    """Give coders a training round: after each unit with a known answer they see whether they were right.

    Its labels do not enter the codings of the main round. A round of another name may follow at any time.

    Parameters
    ----------
    units, answers
        Of `example_units(codebook)`; or units, and `list_known(codings)`.
    gate
        Share of right first answers from which on a coder may open the main round; None for no gate.

    Raises
    ------
    ParameterError
        Another round of that name is there; an answer is known of no unit, or of a unit none is; the gate is no share.

    Examples
    --------
    >>> from codebook.coding import Trial, open_session, read_assignment
    >>> trial = Trial.example("trial")
    >>> book = read_assignment("trial").codebook
    >>> known = [Unit("t1", "Bravo!")], [KnownAnswer("t1", "tone", "good", "It is praise.")]
    >>> _ = add_training(*known, trial.coders, book, folder="trial")
    >>> with open_session("simulated-ann", "trial", round_name="training") as session:
    ...     session.label("bad")
    ...     session.view()["feedback"]["answers"][0]["why"]
    'It is praise.'
    """
    place = resolve_path(folder)
    units, answers = list(units), list(answers)
    faults = list(_find_faults(units, answers, gate))
    ParameterError.raise_any(_ABOUT, faults)
    facts = {"gate": gate, "known": len(answers)}
    added = add_round(place, codebook, units, coders, round_name, Design(), facts)
    write_known(place, round_name, answers)
    return added


def choose_training(
    codebook: Codebook, units: Iterable[Unit] = (), answers: Iterable[KnownAnswer] = (), *, n: int = 20, seed: int = 1
) -> tuple[list[Unit], list[KnownAnswer]]:
    """Choose n training units: the codebook's examples, then random units with known answers.

    Returns
    -------
    list, list
        Units and answers, for `add_training`.

    Examples
    --------
    >>> import codebook as cb
    >>> known = cb.coding.find_known(cb.open_study(run="topics").codings())
    >>> units, answers = choose_training(cb.read_codebook("codebook.yaml"), cb.open_study().open_units(), known, n=5)
    >>> len(units), len(answers)
    (5, 5)
    """
    chosen, known = example_units(codebook)
    by_unit: dict[str, list[KnownAnswer]] = {}
    for each in answers:
        by_unit.setdefault(each.unit_id, []).append(each)
    more = [unit for unit in units if unit.unit_id in by_unit]
    drawn = random.Random(seed).sample(more, max(0, min(n - len(chosen), len(more))))
    return [*chosen, *drawn], [*known, *(each for unit in drawn for each in by_unit[unit.unit_id])]


def _find_faults(units: Sequence[Unit], answers: Sequence[KnownAnswer], gate: float | None) -> Iterable[Fault]:
    if gate is not None and not 0 <= gate <= 1:
        yield Fault("gate", f"{gate} is not a share", "pass a number from 0 to 1")
    join = join_ids((each.unit_id for each in answers), [each.unit_id for each in units])
    if join.strays:
        problem = join.say_strays("answers", "among the units", "the units")
        yield Fault("answers", problem, "give the unit of every answer")
    if join.n_lacking or not units:
        problem = (
            f"{say_count(join.n_lacking, 'unit has', 'units have')} no known answer" if units else "there are no units"
        )
        yield Fault("units", problem, "give an answer for each unit, or leave the unit out")


def give_feedback(folder: Path, codebook: Codebook, round_name: str) -> Beside | None:
    """What a training shows beside a unit that is answered; None where no answer of the round is known."""
    known = read_known(folder, round_name)
    if not known:
        return None

    def beside(row: Assigned, answers: Mapping[str, Any]) -> Mapping[str, Any]:
        right = known.get(row.unit_id, {})
        if not right or any(variable.name not in answers for variable in codebook.variables):
            return {}
        feedback = [_tell(answer, answers[name], codebook) for name, answer in right.items()]
        return {"feedback": {"right": all(each["right"] for each in feedback), "answers": feedback}}

    return beside


def _tell(answer: KnownAnswer, label: Any, codebook: Codebook) -> dict[str, Any]:
    """One answer beside the known one."""
    about = {"variable": answer.variable, "label": label, "gold": answer.label}
    why = find_reason(answer, codebook.variable(answer.variable))
    return {**about, "right": not differ([label, answer.label]), "why": why}
