"""Coders of whom it is known how they err: to try an assignment, a form or a figure before anybody codes."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from codebook.coding.assignments import FOLDER
from codebook.coding.deciding.adjudicating import AdjudicationSession
from codebook.coding.label_values import Label
from codebook.coding.opening import open_session
from codebook.coding.rounds.known_answers import KnownAnswer
from codebook.coding.session import CodingSession
from codebook.scheme import Variable


def simulate_coder(
    coder: str,
    answers: Iterable[KnownAnswer],
    folder: str | Path = FOLDER,
    *,
    error: float = 0.2,
    round_name: str = "main",
    seed: int = 1,
) -> CodingSession:
    """Let a simulated coder code all that is left, and return the session, closed.

    With the chance `error` a label is not the known one but the next code of the codebook, after the last the first. A
    unit of which no answer is known gets a code by lot; records and transcriptions are skipped. What a unit gets hangs
    on the seed, the coder, the unit and how often it came alone.

    Parameters
    ----------
    answers
        Of `list_known` or `example_units`.

    Raises
    ------
    ParameterError
        There is no assignment, or nothing for this coder.
    """
    known = {(each.unit_id, each.variable): each.label for each in answers}
    with open_session(coder, folder, round_name=round_name) as session:
        for unit in session:
            again = session.row.draw if session.row else 0
            chance = random.Random(f"{seed}:{coder}:{round_name}:{unit.unit_id}:{again}")
            labels = {
                each.name: _choose(each, known.get((unit.unit_id, each.name)), error, chance)
                for each in session.plan.codebook.variables
            }
            _answer(session, labels)
        return session


def _answer(session: CodingSession, labels: Mapping[str, Label]) -> None:
    """Give the labels that there are; a unit with a question that is not answered is skipped."""
    for variable, label in labels.items():
        if label is not None:
            session.label(label, variable)
    if None in labels.values():
        session.skip("a simulated coder cannot answer this")


def _choose(variable: Variable, known: Label, error: float, chance: random.Random) -> Label:
    """The known label, or the one that is taken for it."""
    if variable.is_open:
        return None
    codes = variable.scale
    is_wrong = chance.random() < error
    if known is None:
        known = [chance.choice(codes)] if variable.is_set else chance.choice(codes)
    if not is_wrong:
        return known
    if variable.is_set:
        return [_next(code, codes) for code in known] or [codes[0]]
    return _next(known, codes)


def _next(code: str, codes: Sequence[str]) -> str:
    """The code after one in the codebook; the first after the last, and after one that abstains."""
    return codes[(codes.index(code) + 1) % len(codes)] if code in codes else codes[0]


def simulate_decisions(session: AdjudicationSession, answers: Iterable[KnownAnswer], reason: str = "") -> None:
    """Decide every unit of an adjudication that is left by what is known of it; others stay open."""
    known = {(each.unit_id, each.variable): each.label for each in answers}
    for unit in session:
        label = known.get((unit.unit_id, session.docket.variable))
        if label is not None:
            session.decide(label, reason)
