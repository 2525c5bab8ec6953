"""Open the study: what it says, for this call perhaps with something else, and what can be done with it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from codebook.analysis.core.codings import Codings
from codebook.codings import read_coders
from codebook.errors import Fault, ParameterError
from codebook.files.yaml_text import AS_WRITTEN, parse_pairs, parse_value
from codebook.ground.machine import all_in_words
from codebook.paths import MARKER, STUDY_VARIABLE, resolve_path, show_path
from codebook.run import Run, RunFolder, list_runs, open_run, plan
from codebook.run.freezing import Freeze, freeze
from codebook.run.plans.asking import make_asking
from codebook.scheme import Codebook, read_codebook
from codebook.study.study_check import StudyCheck, check_study
from codebook.study.study_facts import Pairs, StudyFacts, as_texts
from codebook.study.study_file import read_study_file
from codebook.units import Source, open_units

NONE = "none"
"""What is given for a run or a file of coders where the study's own is not wanted."""
_DEFAULTS = {"codebook": "codebook.yaml", "units": "data/texts.csv", "gold": "gold", "engine": "embedded"}


def open_study(path: str | Path = "", **facts: Any) -> Study:
    """Open the study: the one that is being executed, or the `study.yaml` of the project.

    Without a study file what is given is enough. A run that is none of the study's (its own, its pilot, a version, one
    whose name goes on from it) is read without the coders of the study.

    Parameters
    ----------
    path
        Of another study file.
    facts
        What is otherwise for this call: run, codebook, units, id_column, text_column, context_columns, where, form,
        coders, gold, sample, models, engine, model, provider, base_url, options, settings, draws, cap and the other
        fields of `StudyFacts`. An empty value means "as in the study"; "none" is no run, no coders, no sample.

    Raises
    ------
    ParameterError
        The file is faulty, with every fault and its line; or a name is no fact of a study.

    Examples
    --------
    >>> import tempfile; folder = tempfile.TemporaryDirectory(); path = Path(folder.name) / "study.yaml"
    >>> _ = path.write_text("study: coal\\nrun: one\\nunits: posts.csv\\nengine: openai_batch\\n")
    >>> study = open_study(path, engine="", run="one-again")
    >>> study.run, study.facts.units, study.facts.engine, study.facts.gold
    ('one-again', 'posts.csv', 'openai_batch', 'gold')
    >>> folder.cleanup()
    """
    file = resolve_path(path or os.environ.get(STUDY_VARIABLE) or MARKER)
    said = StudyFacts()
    if path or file.is_file():
        study_file, check = read_study_file(file)
        check.stop()
        said = study_file.facts
    run = str(facts.get("run") or "")
    if run and run != NONE and said.run_name and not _goes_on_from(run, said.run_name):
        said = replace(said, codebook="", units="", coders="", gold="", sample="", models=())
    changed = replace(said, run=said.run_name).changed(facts)
    filled = changed.changed({name: value for name, value in _DEFAULTS.items() if not getattr(changed, name)})
    return Study(filled, show_path(file) if file.is_file() else "", chosen_run=bool(run))


def _goes_on_from(run: str, name: str) -> bool:
    """Whether a run is one of a study's: its own, or one whose name goes on from it.

    Examples
    --------
    >>> [_goes_on_from(run, "coal") for run in ("coal", "coal-pilot", "coal.2", "coals")]
    [True, True, True, False]
    """
    return run == name or (run.startswith(name) and run[len(name)] in "-._@")


@all_in_words
@dataclass(frozen=True)
class Study:
    """What is coded, by whom and how; `facts` say it, the methods do it."""

    facts: StudyFacts
    path: str = ""
    chosen_run: bool = False

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

    @cached_property
    def codebook(self) -> Codebook:
        """The instrument."""
        return read_codebook(self.facts.codebook)

    def __repr__(self) -> str:
        said = {name: value for name, value in self.facts.said().items() if name not in ("parameters", "study")}
        wide = max(map(len, said), default=0)
        where = self.path or "no study.yaml; what was given"
        rows = [f"  {name:<{wide}}  {_show(value)}" for name, value in said.items()]
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
            form=_typed(facts.form, "form"),
        )

    def plan(self, run: str = "", *, codebook: str | Path = "", limit: int = 0, at_once: bool = False) -> Run:
        """Plan the study's run, or another one of it; as `plan` does.

        Parameters
        ----------
        run
            Name of the run, where it is not the study's own.
        codebook
            Another instrument, such as a paraphrase.
        limit
            The first so many units only.
        at_once
            Ask the engine that answers at once.
        """
        book = read_codebook(codebook) if codebook else self.codebook
        name = run or self.run
        return plan(book, self.open_units(), run=name, limit=limit, at_once=at_once, **self.asking())

    def pilot(self, limit: int) -> Run:
        """Plan a run of its own with the first texts, asked at once; the whole does not ask them again."""
        return self.plan(f"{self._named()}-pilot", limit=limit, at_once=True)

    def asking(self) -> dict[str, Any]:
        """Who is asked, and how: what `plan` and `preflight` take of it."""
        facts = self.facts
        options = _typed(facts.options, "options")
        options |= {name: value for name in ("provider", "base_url") if (value := getattr(facts, name))}
        fields: dict[str, Any] = {
            name: value for name in ("model", "url", "archive") if (value := getattr(facts, name))
        }
        fields |= {"draws": facts.draws} if facts.draws else {}
        return {
            **fields,
            "engine": facts.engine,
            "options": options,
            "settings": _typed(facts.settings, "settings"),
            "private": facts.private,
        }

    def check(self) -> StudyCheck:
        """Look at codebook, units, coders, gold, engine and key at once, before anything is paid."""
        return check_study(self)

    def freeze(self) -> Freeze:
        """Mark instrument and prompt as final: runs that ask exactly this may open the test part of the gold."""
        return freeze(self.codebook, make_asking(self.asking()))

    def open_run(self) -> Run:
        """Open the study's run, which was planned before.

        Raises
        ------
        RunError
            There is no such run.
        """
        return open_run(self._named())

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
        if self.run and (self.chosen_run or not self.coders or self.run in list_runs()):
            return self.open_run().codings(
                *(self.coders,),
                gold=facts.gold,
                models=facts.models,
                sample=facts.sample,
                part=part,
                unlock=unlock,
                beside=beside,
            )
        if not self.coders:
            fault = Fault("coders", "no file of labels is named, and no run", "give coders, or collect a run first")
            raise ParameterError("There are no labels.", [fault])
        return self._codings_of_people()

    def _codings_of_people(self) -> Codings:
        codings = read_coders(self.coders, self.codebook).with_gold(self.facts.gold)
        note = f"Run {self.run!r} is not there yet: labels of coders.yaml alone." if self.run else "Without a run."
        outputs = RunFolder(self._named()).path / "outputs"
        return replace(codings, models=tuple(self.facts.models), notes=(*codings.notes, note), outputs=outputs)

    def _named(self) -> str:
        """The run's name; of a study without one, a name for the folder of what is saved."""
        return self.run or replace(self.facts, run="").run_name or "people"


def _typed(pairs: Pairs, name: str) -> dict[str, Any]:
    """Pairs with their values as YAML reads them."""
    summary = f"The {name} cannot be read."
    if not isinstance(pairs, Mapping):
        return parse_pairs(pairs, name, error=ParameterError, summary=summary)
    return {
        key: value if key in AS_WRITTEN else _type(value, f"{name}, {key}", summary) for key, value in pairs.items()
    }


def _type(value: Any, where: str, summary: str) -> Any:
    if isinstance(value, Mapping):
        return {key: _type(each, where, summary) for key, each in value.items()}
    if isinstance(value, list):
        return [_type(each, where, summary) for each in value]
    return parse_value(value, where, error=ParameterError, summary=summary) if isinstance(value, str) else value


def _show(value: Any) -> str:
    texts = as_texts(value)
    return ", ".join(map(str, texts)) if isinstance(texts, list | tuple) else str(texts)
