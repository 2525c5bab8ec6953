"""Who has passed: first answers of a training against the known ones, and the gate before the main round."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.forest import plot_estimates
from codebook.analysis.core.result import Facts, Result
from codebook.analysis.core.standard_errors import FEWEST, wilson_interval
from codebook.analysis.reliability import reliability
from codebook.coding.assignments import FOLDER, Assignment, read_assignment
from codebook.coding.coder_state import Turn, turn_of
from codebook.coding.coding_log import Act, log_path, read_acts
from codebook.coding.deciding.sides import differ
from codebook.coding.label_values import Label, dump_label
from codebook.coding.rounds.known_answers import KnownAnswer, read_known
from codebook.errors import Fault, ParameterError
from codebook.ground.quantities import say_percent
from codebook.paths import resolve_path
from codebook.scheme import read_codebook

_COLUMNS = ("coder", "n", "n_known", "n_right", "value", "low", "high", "alpha", "alpha_low", "alpha_high", "passed")
_NOTE = (
    "First answers count, even if they were changed after the feedback. Wilson intervals of the share; alpha of the "
    f"coder and the key on the first variable. No interval below {FEWEST} answers."
)


def qualification(
    folder: str | Path = FOLDER,
    round_name: str = "training",
    *,
    gate: float | None = None,
    resample: Bootstrap = Bootstrap(),
) -> Result:
    """How many first answers of each coder were right, and who may start the main round.

    Parameters
    ----------
    gate
        Share of right answers from which on a coder has passed; that of the round where none is given.

    Returns
    -------
    Result
        One row per coder: n (answers given), n_known, n_right, value with low and high, alpha (with the key, on the
        first variable) with its interval, passed: "yes", "no", "not finished", or empty where there is no gate.

    Raises
    ------
    ParameterError
        The round has no known answers.

    Examples
    --------
    >>> from codebook.coding import Trial, add_training, example_units, read_assignment
    >>> trial = Trial.example("trial", error=0)
    >>> book = read_codebook(read_assignment("trial").codebook)
    >>> units, answers = example_units(book)
    >>> _ = add_training(units, answers, trial.coders, book, folder="trial", gate=0.8)
    >>> trial.code(answers, round_name="training")
    >>> print(qualification("trial").finding)
    First answers that are right: simulated-ann 1 of 1 (passed); simulated-ben 1 of 1 (passed).
    """
    place = resolve_path(folder)
    assignment = read_assignment(place)
    known = read_known(place, round_name)
    if not known:
        rounds = sorted({str(each["round"]) for each in assignment.rounds if each.get("known")})
        mend = f"name one of {', '.join(rounds)}" if rounds else "add one with add_training"
        fault = Fault("round", f"{round_name!r} has no known answers", mend)
        raise ParameterError("There is no qualification to report.", [fault])
    least = find_gate(assignment, round_name) if gate is None else gate
    result = Result(
        pd.DataFrame(columns=list(_COLUMNS)), "qualification", "Answers compared with the key", "reliability"
    )
    names = list(dict.fromkeys(row.coder for row in assignment.rows if row.round == round_name))
    answers = {name: list(read_first_answers(place, name, round_name, known)) for name in names}
    if not any(answers.values()):
        return replace(result, facts=Facts(nothing="Nobody has answered yet."), finding="Nobody has answered yet.")
    variable = read_codebook(assignment.codebook).variable(next(iter(next(iter(known.values())))))
    rows = [
        _describe(name, labels, known, least, _estimate_alpha(labels, variable, resample))
        for name, labels in answers.items()
    ]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    note = f" The share needed to pass is {say_percent(least)}." if least is not None else ""
    return replace(
        result,
        frame=frame,
        facts=Facts(n_units=len(known), n_coders=len(names), bootstrap=resample, resampled="units of the training"),
        finding=_say(frame),
        remarks=(_NOTE + note,),
        table=frame[["coder", "n", "n_right", "value", "low", "high", "passed"]],
        figure=partial(
            plot_estimates,
            frame,
            name="coder",
            references=() if least is None else (least,),
            quantity="share of first answers that are right",
            note="Wilson intervals.",
        ),
    )


def find_gate(assignment: Assignment, round_name: str) -> float | None:
    """The gate of a round."""
    gates = [each.get("gate") for each in assignment.rounds if each["round"] == round_name]
    return gates[0] if gates else None


FirstAnswer = tuple[KnownAnswer, Label]


def read_first_answers(
    folder: Path, coder: str, round_name: str, known: Mapping[str, Mapping[str, KnownAnswer]]
) -> Iterator[FirstAnswer]:
    """The first answer of a coder to each question whose answer is known, beside that."""
    acts, _ = read_acts(log_path(folder, coder))
    first: dict[tuple[Turn, str], Act] = {}
    for act in acts:
        if act["act"] == "label" and act["label"] is not None and act.get("round", "main") == round_name:
            first.setdefault((turn_of(act), act["variable"]), act)
    for (turn, variable), act in first.items():
        if (answer := known.get(turn.unit, {}).get(variable)) is not None:
            yield answer, act["label"]


def require_gate(folder: Path, assignment: Assignment, coder: str) -> None:
    """Refuse the main round to a coder who has not passed a gate before it."""
    for note in assignment.rounds:
        least, name = note.get("gate"), str(note["round"])
        if least is None or coder not in note["coders"]:
            continue
        known = read_known(folder, name)
        passed = judge(list(read_first_answers(folder, coder, name, known)), known, least)
        if passed != "yes":
            problem = "is not finished" if passed == "not finished" else f"has fewer than {say_percent(least)} right"
            mend = (
                f"open the round {name!r}"
                if passed == "not finished"
                else "ask the person in charge for another training"
            )
            fault = Fault("round", f"the round {name!r} of {coder} {problem}", mend)
            raise ParameterError("The main round is not open yet.", [fault])


def judge(answers: Sequence[FirstAnswer], known: Mapping[str, Mapping[str, KnownAnswer]], gate: float | None) -> str:
    """Whether a coder has passed: yes, no, not finished; empty where there is no gate."""
    n_known = sum(map(len, known.values()))
    if gate is None:
        return ""
    if len(answers) < n_known:
        return "not finished"
    return "yes" if sum(_is_right(each) for each in answers) >= gate * n_known else "no"


def _is_right(answer: FirstAnswer) -> bool:
    return not differ([answer[0].label, answer[1]])


def _describe(
    coder: str,
    answers: Sequence[FirstAnswer],
    known: Mapping[str, Mapping[str, KnownAnswer]],
    gate: float | None,
    alpha: Sequence[float],
) -> dict[str, Any]:
    n, n_right = len(answers), sum(map(_is_right, answers))
    low, high = wilson_interval(n_right, n) if n >= FEWEST else (math.nan, math.nan)
    share = n_right / n if n else math.nan
    figures = (n, sum(map(len, known.values())), n_right, share, low, high, *alpha, judge(answers, known, gate))
    return dict(zip(_COLUMNS, (coder, *figures), strict=True))


def _estimate_alpha(answers: Sequence[FirstAnswer], variable: Any, bootstrap: Bootstrap) -> Sequence[float]:
    """Alpha of a coder and the key on one variable, with its interval; NaN where there is none."""
    sides = [
        {"unit_id": answer.unit_id, "coder": who, "variable": variable.name, "label": dump_label(choice), "draw": 0}
        for answer, label in answers
        if answer.variable == variable.name
        for who, choice in (("coder", label), ("key", answer.label))
    ]
    if not sides:
        return (math.nan,) * 3
    codings = Codings(pd.DataFrame(sides).assign(why=None), [variable])
    rows = reliability(codings, coefficients=("alpha",), resample=bootstrap, least=FEWEST).frame
    whole = rows[rows["label"].isin(["", "(set)"])].iloc[0]
    return tuple(float(whole[name]) for name in ("value", "low", "high"))


def _say(frame: pd.DataFrame) -> str:
    parts = [
        f"{row['coder']} {row['n_right']:,} of {row['n']:,}" + (f" ({_WORDS[row['passed']]})" if row["passed"] else "")
        for row in frame.to_dict("records")
    ]
    return f"First answers that are right: {'; '.join(parts)}."


_WORDS = {"yes": "passed", "no": "not passed", "not finished": "not finished"}
