"""What a study says, and what follows of it: its units, its runs, the labels of people and models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from codebook.coding import CodingSettings, read_coding
from codebook.coding.assignments import FOLDER
from codebook.errors import Fault, ParameterError
from codebook.files.run_versions import list_versions
from codebook.ground.joins import DistinctIds
from codebook.ground.machine import all_in_words
from codebook.paths import resolve_path, runs_folder
from codebook.records import Unit
from codebook.run import Run, RunFolder, Service, open_run, plan, read_service
from codebook.scheme import Codebook, read_codebook
from codebook.study.study_facts import NONE, StudyFacts, as_texts, typed_pairs
from codebook.units import Source, open_units

if TYPE_CHECKING:
    from codebook.analysis import Codings
    from codebook.codings import People


@all_in_words
@dataclass(frozen=True)
class StudyCore:
    """The part of a study on which grid, check and coding stand: `facts` say it, units, runs and codings follow.

    `parameters` are those of notebooks that are no facts: `codebook execute` alone passes them on.

    Examples
    --------
    >>> import codebook as cb
    >>> isinstance(cb.open_study(), StudyCore)
    True
    """

    facts: StudyFacts
    path: str = ""
    given: frozenset[str] = frozenset()
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def run(self) -> str:
        """Name of the run; empty where there is none."""
        return "" if self.facts.run == NONE else self.facts.run

    @property
    def coders(self) -> str:
        """File of the labels of people and other tools; empty where there is none."""
        return "" if self.facts.coders == NONE else self.facts.coders

    @property
    def gold(self) -> str:
        """The coder who is the gold."""
        return self.facts.gold

    @property
    def cap(self) -> float | None:
        """What the run may cost in all, in US dollars; None where nothing was said."""
        return self.facts.cap or None

    @property
    def folder(self) -> Path:
        """Where the files of the run are; without one, where what is saved of the people's labels is."""
        return RunFolder(self.name).path

    @property
    def name(self) -> str:
        """The run's name; without a run, that of the folder for what is saved."""
        return self.run or replace(self.facts, run="").run_name or "people"

    @property
    def service(self) -> Service:
        """How whoever answers is called, sent to and waited for, and of what a person is told."""
        notices = {"notify": self.facts.notify} if self.facts.notify else {}
        return read_service({**self.facts.service, **notices}, f"{self.path}, service" if self.path else "service")

    @property
    def coding(self) -> CodingSettings:
        """Who codes, in which folder, and how units are given to them."""
        return read_coding(self.facts.coding, f"{self.path}, coding" if self.path else "coding")

    def beside(self, suffix: str, **facts: Any) -> Self:
        """The study as it is with other facts, for a run of its own: the name of this one with `-suffix` behind it.

        With another engine nothing holds that the study says of who answers.

        Examples
        --------
        >>> import codebook as cb
        >>> cb.open_study(run="topics").beside("second", engine="embedded").run
        'topics-second'
        """
        base = self.facts.without_answerer() if facts.get("engine") else self.facts
        changed = base.changed({**facts, "run": f"{self.name}-{suffix}"[:80]})
        return replace(self, facts=changed, given=(self.given - {"codebook"}) | {"run"})

    @property
    def people(self) -> People:
        """Where the labels of people are."""
        from codebook.codings import People

        return People(self.coders, self.coding_folder)

    @property
    def coded_in(self) -> Path | None:
        """The folder in which people code, whether the study names it or a command assigned units there."""
        place = resolve_path(self.coding.folder)
        return place if place.is_dir() and (self.facts.coding or (place / "assignment.csv").is_file()) else None

    @property
    def coding_folder(self) -> str:
        """Where people code: the folder that the study names, the usual one where it says nothing; "none" for none."""
        if self.coders != self.facts.coders or "codebook" in self.given:
            return NONE
        return self.coding.folder if self.facts.coding else ""

    @cached_property
    def codebook(self) -> Codebook:
        """The instrument."""
        return read_codebook(self.facts.codebook)

    def __repr__(self) -> str:
        facts = {name: value for name, value in self.facts.said().items() if name not in ("parameters", "study")}
        wide = max(map(len, facts), default=0)
        where = self.path or "no study.yaml; what was given"
        rows = [f"  {name:<{wide}}  {_show(value)}" for name, value in facts.items()]
        return "\n".join([f"study {self.facts.study or '-'}, from {where}", *rows])

    def open_units(self) -> Source:
        """Open what is to be coded."""
        facts = self.facts
        return open_units(
            facts.units,
            id_column=facts.id_column,
            text_column=facts.text_column,
            context_columns=facts.context_columns,
            where=facts.where,
            form=typed_pairs(facts.form, "form"),
        )

    def plan(
        self,
        run: str = "",
        *,
        codebook: Codebook | str | Path = "",
        units: Source | Iterable[Unit] | None = None,
        limit: int = 0,
        at_once: bool = False,
    ) -> Run:
        """Plan the study's run, or another one of it; what was handed in with something else has its next version.

        In a replay the archived run says who was asked, and how: the study may say something else by now.

        Parameters
        ----------
        run, codebook, units
            Where they are not the study's own, such as a paraphrase of the instrument.
        limit
            The first so many units only.
        at_once
            Ask the engine that answers at once.

        Raises
        ------
        InputError
            Codebook, units or parameters are faulty; of the study's own run, the labels of people, too.
        """
        source = self.open_units() if units is None else units
        if units is None and not codebook and self.has_people:
            self.read_people(self.open_units())
        service = self.service if self.facts.service or self.facts.notify else None
        asked = (run and RunFolder(run).read_replayed()) or (self.run and RunFolder(self.run).read_replayed())
        asking = {"service": service, **(asked or self.asking()), "at_once": at_once}
        planned = plan(codebook or self.codebook, source, run=run or self.run, version=True, limit=limit, **asking)
        planned.record = planned.folder.note_study(self.facts.study)
        return planned

    def read_people(self, units: Source | None = None) -> Codings | None:
        """Read the labels of people, held against the units; None where there are none.

        Raises
        ------
        TableError
            They do not fit the codebook, or the units.
        """
        from codebook.codings import read_people

        ids = None if units is None else DistinctIds(lambda: (unit.unit_id for unit, _ in units.with_skips()))
        return read_people(self.people, self.codebook, units=ids)

    def pilot(self, limit: int) -> Run:
        """Plan a run of its own with the first texts, asked at once; the whole does not ask them again."""
        return self.plan(f"{self.name}-pilot", limit=limit, at_once=True)

    def _ask_beside(self, suffix: str, *, partial: bool = False, **what: Any) -> Run:
        """Plan, send and collect a run of its own at once."""
        run = self.plan(f"{self.name}-{suffix}", at_once=True, **what)
        run.submit()
        run.collect(partial=partial)
        return run

    def asking(self) -> dict[str, Any]:
        """Who is asked, and how: what `plan` and `preflight` take of it."""
        facts = self.facts
        options = typed_pairs(facts.options, "options")
        options |= {name: value for name in ("provider", "base_url") if (value := getattr(facts, name))}
        fields: dict[str, Any] = {
            name: value for name in ("model", "url", "archive") if (value := getattr(facts, name))
        }
        fields |= {"draws": facts.draws} if facts.draws else {}
        return {
            **fields,
            "engine": facts.engine,
            "options": options,
            "settings": typed_pairs(facts.settings, "settings"),
            "private": facts.private,
        }

    def with_coding(self, **settings: Any) -> Self:
        """The study with other settings of its `coding:`, for this call."""
        facts = self.facts.changed({"coding": {**self.facts.coding, **settings}})
        return replace(self, facts=facts)

    def open_run(self) -> Run:
        """Open the study's run, which was planned before.

        Raises
        ------
        RunError
            There is no such run.
        """
        return open_run(self.name)

    def codings(self, *, part: str = "test", unlock: bool = False, beside: Sequence[Run] = ()) -> Codings:
        """Return the labels of the run and of the people, as the analysis takes them; without a run, those of people.

        Parameters
        ----------
        part, unlock, beside
            As in `Run.codings`.

        Raises
        ------
        ParameterError
            There is neither a run nor a file of coders.
        """
        facts = self.facts
        if self.run and ("run" in self.given or not self.has_people or list_versions(runs_folder(), self.run)):
            codings = partial(self.open_run().codings, self.people, gold=facts.gold, models=facts.models)
            return codings(sample=facts.sample, part=part, unlock=unlock, beside=beside)
        return self._codings_of_people()

    def _codings_of_people(self) -> Codings:
        """Labels of people held against the units and with their texts, where these are the study's or were given."""
        from codebook.codings import read_people

        units = self.open_units() if self._has_units() else None
        ids = None if units is None else (unit.unit_id for unit in units)
        read = read_people(self.people, self.codebook, units=ids)
        if read is None:
            fault = Fault(
                "coders", "neither a file of labels nor a run is named", "give coders, or collect a run first"
            )
            raise ParameterError("There are no labels.", [fault])
        codings = read.with_gold(self.facts.gold)
        codings = codings if units is None else codings.with_texts(units)
        whose = "coders.yaml" if self.coders else "people"
        state = f"Run {self.run!r} is not there yet" if self.run else "No run was named"
        notes = (*codings.notes, f"{state}: these are the labels of {whose} alone.")
        return replace(codings, models=tuple(self.facts.models), notes=notes, outputs=self.folder / "outputs")

    @property
    def has_people(self) -> bool:
        """Whether there are labels of people; the codebook is read only where something is assigned."""
        if self.coders:
            return True
        folder = self.coding_folder
        there = (resolve_path(folder or FOLDER) / "assignment.csv").is_file()
        if not there:
            return False
        from codebook.codings import has_logs

        return has_logs(folder, self.codebook)

    def _has_units(self) -> bool:
        of_study = not self.given & {"coders", "codebook"} or "units" in self.given
        return of_study and resolve_path(self.facts.units).exists()


def _show(value: Any) -> str:
    texts = as_texts(value)
    return ", ".join(map(str, texts)) if isinstance(texts, list | tuple) else str(texts)
