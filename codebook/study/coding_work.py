"""The work of who codes, as a notebook does it step by step: of people, or of simulated coders in a trial."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from codebook.analysis.core.codings import Codings
from codebook.coding import (
    AdjudicationSession,
    Assignment,
    KnownAnswer,
    Trial,
    add_training,
    choose_training,
    draw_answers,
    find_known,
    open_adjudication,
    read_logs,
)
from codebook.errors import Fault, ParameterError
from codebook.run import RunFolder
from codebook.study.study_coding import Assigning, assign_units
from codebook.study.study_core import StudyCore


@dataclass(frozen=True)
class CodingWork:
    """What one person does in the coding folder of a study; or a trial, in which simulated coders do the same.

    Every step may be repeated.

    Attributes
    ----------
    coder
        Who codes; the first of the simulated coders in a trial.
    folder
        The coding folder: that of the study, or one that people do not code in.
    trial
        None where a person codes.

    Examples
    --------
    >>> import codebook as cb
    >>> work = cb.open_study(run="topics").open_coding("", error=0.2)
    >>> work.is_trial, work.coder, work.name
    (True, 'simulated-ann', 'topics-trial')
    >>> work.simulate(limit=12)
    >>> work.codings().coverage
    {'topic': {'labelled': 24}}
    """

    study: StudyCore
    coder: str
    folder: str | Path
    trial: Trial | None = None

    @property
    def is_trial(self) -> bool:
        """Whether simulated coders code."""
        return self.trial is not None

    @property
    def name(self) -> str:
        """The folder in `runs/` for what is saved: that of the study, with `-trial` behind it for a trial."""
        return f"{self.study.name}-trial" if self.trial else self.study.name

    @property
    def results(self) -> Path:
        """The path of that folder."""
        return RunFolder(self.name).path

    @cached_property
    def known(self) -> list[KnownAnswer]:
        """The gold labels of the study as known answers."""
        return find_known(self.study.codings())

    def assign(self, *, limit: int = 60) -> Assignment | Assigning:
        """Assign the units as the study says; in a trial the first `limit` units, to both coders."""
        if self.trial:
            return self.trial.assign(self.study.open_units(), self.study.codebook, limit=limit)
        return assign_units(self.study, (), ())

    def simulate(self, *, limit: int = 60) -> None:
        """In a trial let both coders code the first `limit` units; people code for themselves."""
        if self.trial:
            self.assign(limit=limit)
            self.trial.code(self.known)

    def codings(self, variable: str = "", *, round_name: str = "main") -> Codings:
        """Return the labels in the logs, of one variable where it is named."""
        return read_logs(self.folder, round_name=round_name).of(variable)

    def train(self, round_name: str = "training", *, n: int = 20, gate: float = 0.0) -> Assignment:
        """Add a training of n units whose answers are known; in a trial let both coders go through it.

        Where a trial knows no answer of the study, it draws answers by lot.

        Parameters
        ----------
        gate
            Share of right first answers from which on a coder may code; 0 for no gate.

        Raises
        ------
        ParameterError
            No answer is known, or there is another round of that name.
        """
        book, trial = self.study.codebook, self.trial
        units, answers = choose_training(book, self.study.open_units(), self.known, n=n, seed=self._seed)
        if trial and not units:
            units, answers = draw_answers(book, self.study.open_units(), n=n, seed=self._seed)
        if not units:
            mend = "give the codes of the examples in the codebook, or units a gold label"
            raise ParameterError("The training cannot be added.", [Fault("answers", "no answer is known", mend)])
        coders = trial.coders if trial else self.study.coding.coders
        instrument, share = self.study.facts.codebook, gate or None
        added = add_training(units, answers, coders, instrument, folder=self.folder, round_name=round_name, gate=share)
        if trial:
            trial.code(answers, round_name=round_name)
        return added

    def adjudicate(self, variable: str = "", *, agreements: float = 0.0) -> AdjudicationSession:
        """Open what coders differ on for the person who decides; a trial decides by the known answers.

        Parameters
        ----------
        agreements
            Share of the units on which all agree that are shown too.
        """
        by = self.trial.judge if self.trial else self.coder
        session = open_adjudication(by, self.folder, variable=variable, agreements=agreements)
        if self.trial:
            self.trial.decide(session, self.known)
        return session

    def norm(self, n: int = 20) -> None:
        """In a trial let both coders code n units once more, with half as many errors; people code for themselves."""
        if self.trial:
            self.trial.norm(self.known, n, error=self.trial.error / 2)

    @property
    def _seed(self) -> int:
        return self.trial.seed if self.trial else 1
