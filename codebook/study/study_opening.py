"""Open the study: what it says, for this call perhaps with something else, and what can be done with it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codebook.files.run_versions import goes_on_from
from codebook.ground.machine import all_in_words
from codebook.paths import MARKER, STUDY_VARIABLE, resolve_path, show_path
from codebook.run import RunFolder, list_runs, open_run
from codebook.scheme import compare_codebooks, read_codebook
from codebook.study.study_core import StudyCore
from codebook.study.study_facts import StudyFacts, is_empty
from codebook.study.study_file import read_study_file
from codebook.tasks import probe_units, reverse_categories

if TYPE_CHECKING:
    import pandas as pd

    from codebook.analysis import Codings, Result
    from codebook.coding import CodingSession, HandedOut
    from codebook.run import Run
    from codebook.run.freezing import Freeze
    from codebook.scheme import CodebookChanges
    from codebook.study.coding_work import CodingWork
    from codebook.study.study_check import StudyCheck
    from codebook.study.study_coding import Assigning
    from codebook.study.study_grid import Grid

_DEFAULTS = {"codebook": "codebook.yaml", "units": "data/texts.csv", "gold": "gold", "engine": "embedded"}


def open_study(path: str | Path = "", **facts: Any) -> Study:
    """Open the study: the one that is being executed, or the `study.yaml` of the project.

    Without a study file what is given is enough. A run of another instrument is read without the coders of the study.

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
    written, parameters = StudyFacts(), dict[str, Any]()
    if path or file.is_file():
        study_file, check = read_study_file(file)
        check.stop()
        written, parameters = study_file.facts, dict(study_file.parameters)
    run = str(facts.get("run") or "")
    if run and not _is_of_study(run, written):
        written = replace(written, coders="", gold="", sample="", models=())
    changed = replace(written, run=written.run or written.run_name).changed(facts)
    filled = changed.changed({name: value for name, value in _DEFAULTS.items() if not getattr(changed, name)})
    otherwise = frozenset(name for name, value in facts.items() if not is_empty(value) and value != written.run_name)
    return Study(filled, show_path(file) if file.is_file() else "", otherwise, parameters)


def _is_of_study(run: str, written: StudyFacts) -> bool:
    """Whether a run is one of a study's; one that is there may be of another, if its instrument has another name."""
    if not written.run_name or goes_on_from(run, written.run_name) or run not in list_runs():
        return True
    file = resolve_path(written.codebook or _DEFAULTS["codebook"])
    return not file.is_file() or read_codebook(file).name == RunFolder(run).read_codebook().name


@all_in_words
@dataclass(frozen=True, repr=False)
class Study(StudyCore):
    """What is coded, by whom and how; `facts` say it, the methods do it.

    Examples
    --------
    >>> import codebook as cb
    >>> study = cb.open_study()
    >>> study.name, study.codebook.name, study.gold
    ('my-study', 'my-study', 'gold')
    """

    @property
    def grid(self) -> Grid:
        """Every model with every codebook of `grid:`; the study itself as the only cell where it has none."""
        from codebook.study.study_grid import open_grid

        return open_grid(self)

    def check(self) -> StudyCheck:
        """Look at codebook, units, coders, gold, engine and key at once, before anything is paid."""
        from codebook.study.study_check import check_study

        return check_study(self)

    def assign(self, coders: Sequence[str] = (), *, leaving: Sequence[str] = ()) -> Assigning:
        """Give the units to those who code, as `coding:` says; where some are given already, only what is new.

        Parameters
        ----------
        coders
            Instead of those of the study.
        leaving
            Coders who leave: what they have not coded goes to the others.
        """
        from codebook.study.study_coding import assign_units

        return assign_units(self, coders, leaving)

    def hand_out(self, form: str = "workbook", *, coders: Sequence[str] = (), sample: str | Path = "") -> HandedOut:
        """Assign the units, and write a file for each coder to fill in; where nobody is named who codes, say so.

        Parameters
        ----------
        form
            "workbook" for Excel, or "page" for a browser without a network.
        coders, sample
            Instead of those of the study's `coding:`.
        """
        from codebook.study.study_coding import hand_out_units

        settings = {"coders": list(coders), "sample": str(sample)}
        study = self.with_coding(**{name: value for name, value in settings.items() if value})
        return hand_out_units(study, form)

    def code(self, coder: str, **options: Any) -> CodingSession:
        """Open the work of a coder: `open_session` in the folder of the study."""
        from codebook.coding import open_session

        return open_session(coder, self.coding.folder, **options)

    def open_coding(
        self, person: str = "", *, folder: str = "coding", error: float = 0.15, seed: int = 1
    ) -> CodingWork:
        """Open the coding of the study for a person; where nobody is named, a trial with simulated coders.

        Parameters
        ----------
        person
            Who codes or decides.
        folder, error, seed
            Of the trial: its folder in `runs/<run>-trial`, how often its coders err, and the lot.
        """
        from codebook.coding import Trial
        from codebook.study.coding_work import CodingWork

        if person:
            return CodingWork(self, person, self.coding.folder)
        place = RunFolder(f"{self.name}-trial").path / folder
        return CodingWork(self, Trial.coders[0], place, Trial(place, error=error, seed=seed))

    def freeze(self) -> Freeze:
        """Mark instrument and prompt as final: runs that ask exactly this may open the test part of the gold."""
        from codebook.run.freezing import freeze
        from codebook.run.plans.asking import make_asking

        return freeze(self.codebook, make_asking(self.asking()))

    def compare(self, others: Sequence[str] = (), **options: Any) -> Result:
        """Set the run beside others, or beside its version before: `compare_runs` with the coders of the study."""
        from codebook.run import compare_runs

        return compare_runs([self.run, *others], coders=self.coders, gold=self.gold, **options)

    def compare_codebooks(self, others: Sequence[str] = ()) -> CodebookChanges:
        """What the codebook of the last of the runs has otherwise than that of the first, as `compare` holds them."""
        run = self.open_run()
        first, last = (run, open_run(others[-1])) if others else (run.before or run, run)
        return compare_codebooks(first.codebook, last.codebook)

    def ask_in_other_words(self, codebook: str | Path) -> list[Run]:
        """Ask the same units at once by another instrument, in a run of its own; none where none is named."""
        return [self._ask_beside("paraphrase", partial=True, codebook=codebook)] if codebook else []

    def ask_probes(self, probes: pd.DataFrame, *, in_reverse: bool = False) -> Codings:
        """Ask probes of a variable at once, in a run of their own, and return the answers; none without a probe.

        Parameters
        ----------
        probes
            From `behaviour_probes`.
        in_reverse
            With the categories in reverse order.
        """
        from codebook.analysis import Codings

        if probes.empty:
            columns = ["unit_id", "coder", "variable", "label", "draw", "why"]
            return Codings(probes.reindex(columns=columns), self.codebook.variables, outputs=self.folder / "outputs")
        probed = self.codebook.model_copy(update={"variables": (self.codebook.variable(probes["variable"].iloc[0]),)})
        book = reverse_categories(probed) if in_reverse else probed
        suffix = "reversed" if in_reverse else "probes"
        return self._ask_beside(suffix, codebook=book, units=probe_units(probes)).codings()
