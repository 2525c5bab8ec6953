"""Coders of whom it is known how they err: to try an assignment, a form or a figure before anybody codes."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import ClassVar

from codebook.analysis.core.codings import Codings
from codebook.coding.assigning import Design
from codebook.coding.assignments import FOLDER, Assignment, assign, read_assignment, write_assignment
from codebook.coding.deciding.adjudicating import AdjudicationSession
from codebook.coding.label_values import Label
from codebook.coding.log_codings import read_logs
from codebook.coding.rounds.known_answers import KnownAnswer, list_known
from codebook.coding.rounds.norming_rounds import add_norming
from codebook.coding.session_opening import open_session
from codebook.coding.sessions.session import CodingSession
from codebook.errors import Fault, ParameterError
from codebook.paths import resolve_path
from codebook.records import Unit
from codebook.scheme import Category, Codebook, Example, Variable
from codebook.scheme.number_values import list_points


def simulate_coder(
    coder: str,
    answers: Iterable[KnownAnswer],
    folder: str | Path = FOLDER,
    *,
    error: float = 0.2,
    round_name: str = "main",
    seed: int = 1,
) -> CodingSession:
    """Let a simulated coder code all units that are left; return the closed session.

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

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.open_study().with_coding(coders=("ann",)).assign()
    >>> known = cb.coding.find_known(cb.open_study(run="topics").codings())
    >>> simulate_coder("ann", known, error=0).progress()["done"]
    12
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


def find_known(codings: Codings) -> list[KnownAnswer]:
    """The gold labels as known answers; an empty list if there is no gold standard.

    Examples
    --------
    >>> import codebook as cb
    >>> codings = cb.open_study(run="topics").codings()
    >>> len(find_known(codings))
    12
    """
    return list_known(codings) if codings.gold in codings.coders else []


def draw_answers(
    codebook: Codebook, units: Iterable[Unit], *, n: int = 20, seed: int = 1
) -> tuple[list[Unit], list[KnownAnswer]]:
    """Answers by lot to the first n units, which a trial may take for known; records and transcriptions have none.

    Examples
    --------
    >>> import codebook as cb
    >>> units, answers = draw_answers(cb.read_codebook("codebook.yaml"), cb.open_study().open_units(), n=5)
    >>> [len(units), len(answers)]
    [5, 5]
    """
    chance, first = random.Random(seed), list(islice(units, n))
    drawn = [
        KnownAnswer(unit.unit_id, each.name, label, "drawn by lot")
        for unit in first
        for each in codebook.variables
        if (label := _choose(each, None, 0.0, chance)) is not None
    ]
    known = {answer.unit_id for answer in drawn}
    return [unit for unit in first if unit.unit_id in known], drawn


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
    codes = variable.scale or list_points(variable.minimum, variable.maximum, variable.step)
    if not codes:
        return known  # a number without points to choose from
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


@dataclass(frozen=True)
class Trial:
    """A trial coding by two simulated coders in a separate coding folder. Every step may be repeated.

    Attributes
    ----------
    folder
        Never one in which people code.
    error, seed
        As in `simulate_coder`.

    Examples
    --------
    >>> trial = Trial.example("trial")
    >>> from codebook.coding import read_logs
    >>> read_logs("trial").coverage
    {'tone': {'labelled': 80}}
    """

    coders: ClassVar[tuple[str, ...]] = ("simulated-ann", "simulated-ben")
    judge: ClassVar[str] = "simulated-cy"
    folder: str | Path
    error: float = 0.2
    seed: int = 1

    @classmethod
    def example(cls, folder: str | Path, error: float = 0.2) -> Trial:
        """A trial that is coded already: forty short texts, of which half are good and half are bad."""
        praise = Category(name="good", examples=(Example(text="Well done.", why="It is praise."),))
        codes = (praise, Category(name="bad"))
        tone = Variable(name="tone", question="Which tone?", kind="single", level="nominal", categories=codes)
        book = Codebook(name="tone", unit="a text", variables=(tone,))
        trial, units = cls(folder, error), [Unit(f"u{n}", f"text {n}") for n in range(40)]
        trial.assign(units, book)
        trial.code(KnownAnswer(unit.unit_id, "tone", ("good", "bad")[n % 2]) for n, unit in enumerate(units))
        return trial

    def assign(
        self, units: Iterable[Unit], codebook: Codebook | str | Path, *, limit: int = 60, design: Design | None = None
    ) -> Assignment:
        """Assign the first units to both coders."""
        first = list(islice(units, limit))
        drawn = assign(first, self.coders, design or Design(seed=self.seed))
        if (resolve_path(self.folder) / "assignment.csv").is_file():
            there = read_assignment(self.folder)
            if {*drawn.rows} <= {*there.rows}:  # with the rounds that came after it
                return there
        return write_assignment(drawn, codebook, first, folder=self.folder, study="trial")

    def code(self, answers: Iterable[KnownAnswer], *, round_name: str = "main", error: float | None = None) -> None:
        """Let both coders code what is left of a round.

        Raises
        ------
        ParameterError
            People code in the folder.
        """
        known, rows = list(answers), read_assignment(self.folder).rows
        coders = list(dict.fromkeys(row.coder for row in rows if row.round == round_name))
        if people := [coder for coder in coders if coder not in self.coders]:
            fault = Fault("folder", f"{people[0]!r} codes in {self.folder}", "name a separate folder for the trial")
            raise ParameterError("Nothing was simulated.", [fault])
        rate = self.error if error is None else error
        for coder in coders:
            simulate_coder(coder, known, self.folder, error=rate, round_name=round_name, seed=self.seed)

    def decide(self, session: AdjudicationSession, answers: Iterable[KnownAnswer]) -> None:
        """Decide what is left of an adjudication by the known answers."""
        simulate_decisions(session, answers, "by the known answer")

    def norm(self, answers: Iterable[KnownAnswer], n: int = 20, *, error: float = 0.0) -> None:
        """Draw units that both coded for a norming round, at random, and let both code them once more.

        Nothing happens where no unit was coded, since simulated coders skip all that has no codes.
        """
        if read_logs(self.folder).frame["label"].isna().all():
            return
        rounds = [str(each["round"]) for each in read_assignment(self.folder).rounds]
        if _NORMING not in rounds:
            add_norming(n, "random", folder=self.folder, seed=self.seed)
        self.code(answers, round_name=_NORMING, error=error)


_NORMING = "norming-1"
