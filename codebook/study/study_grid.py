"""The grid of a study: every model with every codebook, asked as runs of their own, and one finding under all of them.

What cells share is asked once: a question belongs to its wording and to who is asked, not to a run. Open `Grid` first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

from codebook.analysis.core.checks import raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.result import Result
from codebook.analysis.robustness.label_stability import stability
from codebook.analysis.robustness.specification_curve import specifications
from codebook.codings.coder_files.people_labels import read_people
from codebook.errors import Fault, ParameterError, mend_name
from codebook.ground.quantities import say_count
from codebook.study.grid_finding import GridFinding, say_agreement, set_beside
from codebook.study.grid_settings import GridModel, GridSettings, name_instrument, read_grid
from codebook.study.study_core import StudyCore
from codebook.units import draw_units

if TYPE_CHECKING:
    import pandas as pd

    from codebook.run import Run, RunStatus

_SCORE = (
    "Alpha over draws is the intra-prompt, alpha over prompts the inter-prompt stability score of Barrie, Palaiologou "
    "and Törnberg (2024)."
)


def open_grid(study: StudyCore) -> Grid:
    """Every model with every codebook of `grid:`; the study itself as the only cell where it has none."""
    return Grid(study, read_grid(study.facts.grid, f"{study.path}, grid" if study.path else "grid"))


@dataclass(frozen=True)
class Cell:
    """One model with one codebook: the study as it is there, whose run bears the names of both."""

    name: str
    model: str
    codebook: str
    study: StudyCore


@dataclass(frozen=True)
class Grid:
    """All cells of a study, the main one first; of a pilot (`n_drawn`), on so many units that are drawn with a seed.

    Examples
    --------
    >>> import codebook as cb
    >>> grid = cb.open_study().grid
    >>> grid
    1 model x 1 codebook x 1 draw: 1 run.
    >>> [cell.study.run for cell in grid.cells]
    ['my-study-grid-embedded-codebook']
    """

    study: StudyCore
    settings: GridSettings
    n_drawn: int = 0
    seed: int = 1

    @property
    def place(self) -> str:
        """What stands in the names of the runs, between that of the study and that of the cell."""
        return "pilot" if self.n_drawn else "grid"

    def pilot(self, n_units: int = 50, *, draws: int = 0, paraphrases: Sequence[str] = (), seed: int = 1) -> Grid:
        """The same on a few units, drawn with a seed and asked at once: do labels depend on wording or on chance?

        The whole does not ask again what the pilot asked: for the units drawn, each cell's questions are the very same.

        Parameters
        ----------
        draws
            How often each question is asked; as in the grid where not given, twice at least.
        paraphrases
            Codebooks that ask for the same labels in other words, besides those of the grid.

        Examples
        --------
        >>> import codebook as cb
        >>> cb.open_study().grid.pilot(5)
        1 model x 1 codebook x 2 draws on 5 units: 1 run.
        """
        books = (self.settings.codebooks or (self.study.facts.codebook,)) + tuple(paraphrases)
        changed = replace(self.settings, codebooks=books, draws=draws or max(self.settings.draws, 2))
        return replace(self, settings=changed, n_drawn=n_units, seed=seed)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Model by model, codebook by codebook."""
        facts = self.study.facts
        models = self.settings.models or (GridModel(facts.model or facts.engine, {}),)
        books = self.settings.codebooks or (facts.codebook,)
        return tuple(self._make(model, book) for model in models for book in books)

    def _make(self, model: GridModel, book: str) -> Cell:
        called = name_instrument(book)
        own: dict[str, Any] = {key: value for key, value in model.facts.items() if value}
        if "archive" in own:
            own["archive"] = str(own["archive"]).replace("{codebook}", called)
        name, fixed = f"{model.name}-{called}", {"codebook": book, "draws": self.settings.draws}
        return Cell(name, model.name, called, self.study.beside(f"{self.place}-{name}", **own, **fixed))

    def cell(self, name: str = "") -> Cell:
        """The cell of this name; the main one, the first, where none is given."""
        names = [cell.name for cell in self.cells]
        if name and name not in names:
            fault = Fault("cell", f"the grid has no cell {name!r}", mend_name(name, names, f"use {', '.join(names)}"))
            raise ParameterError("There is no such cell.", [fault])
        return self.cells[names.index(name) if name else 0]

    def find_faults(self) -> Iterator[Fault]:
        """Yield what keeps cells from being set beside each other: other variables or labels than in the main one."""
        first = self.cells[0].study.codebook
        chosen = self.settings.variable or first.variables[0].name
        if chosen not in [each.name for each in first.variables]:
            names = [each.name for each in first.variables]
            yield Fault(
                "grid, finding, variable",
                f"the codebook has no variable {chosen!r}",
                mend_name(chosen, names, f"use {names[0]!r}"),
            )
            return
        labels = list(first.variable(chosen).labels)
        if self.settings.label and self.settings.label not in labels:
            mend = mend_name(self.settings.label, labels, f"use one of {', '.join(labels)}")
            yield Fault("grid, finding, label", f"{self.settings.label!r} is not a label of {chosen!r}", mend)
        for cell in {cell.codebook: cell for cell in self.cells}.values():
            book = cell.study.codebook
            there = {each.name: list(each.labels) for each in book.variables}
            if sorted(there.get(chosen, [])) != sorted(labels):
                problem = f"{cell.codebook} has other labels for {chosen!r} than {self.cells[0].codebook}"
                yield Fault("grid, codebooks", problem, "give codebooks that ask for the same labels in other words")

    def __repr__(self) -> str:
        n_books = len({cell.codebook for cell in self.cells})
        sizes = ((len(self.cells) // n_books, "model"), (n_books, "codebook"), (self.settings.draws, "draw"))
        where = f" on {say_count(self.n_drawn, 'unit')}" if self.n_drawn else ""
        return f"{' x '.join(say_count(n, noun) for n, noun in sizes)}{where}: {say_count(len(self.cells), 'run')}."

    def plan(self) -> list[Run]:
        """Plan the run of every cell; nothing is sent.

        Raises
        ------
        ParameterError
            Their codebooks have other labels.
        """
        ParameterError.raise_any("The cells cannot be set beside each other.", list(self.find_faults()))
        drawn = draw_units(self.study.open_units(), self.n_drawn, self.seed) if self.n_drawn else None
        return [cell.study.plan(units=drawn, at_once=self.n_drawn > 0) for cell in self.cells]

    def costs(self) -> pd.DataFrame:
        """What each cell takes, as far as it is planned, and the whole: run, what, requests and US dollars.

        What cells share is counted in each, and asked once: the last row tells the different questions.
        """
        import pandas as pd

        from codebook.outputs.readable import ReadableFrame

        runs = [cell.study.open_run() for cell in self.cells]
        rows = pd.concat([run.costs().frame.assign(run=run.name) for run in runs], ignore_index=True)
        rows = rows[["run", "what", "requests", "USD"]]
        totals = rows.groupby("what", sort=False)[["requests", "USD"]].sum(min_count=len(runs)).reset_index()
        with runs[0].folder.open_ledger() as ledger:
            n_asked, n_different = ledger.count_questions([run.name for run in runs])
        totals = totals.assign(run=f"all: {n_different:,} different questions of {n_asked:,}")
        return ReadableFrame(pd.concat([rows, totals], ignore_index=True)[["run", "what", "requests", "USD"]])

    def submit(self) -> list[RunStatus]:
        """Hand the run of every cell to whoever answers it; the labels of people, which come beside it, are read first.

        Raises
        ------
        TableError
            The labels of people do not fit the codebook.
        """
        read_people(self.study.people, self.cells[0].study.codebook)
        return [run.submit(cap=self.study.facts.cap or None) for run in self.plan()]

    def collect(self, *, partial: bool = False) -> list[RunStatus]:
        """Collect the run of every cell."""
        return [cell.study.open_run().collect(partial=partial) for cell in self.cells]

    def codings(self, *, unlock: bool = False) -> Codings:
        """The labels of all cells, each a coder of its own, beside those of the people, of the variable of the finding.

        Parameters
        ----------
        unlock
            Use the test part of a gold sample, as once prompt and codebook are final.

        Raises
        ------
        RunError
            A cell has no run yet.
        """
        import pandas as pd

        parts = [cell.study.codings(unlock=unlock) for cell in self.cells]
        frames = list[pd.DataFrame]()
        for place, (cell, codings) in enumerate(zip(self.cells, parts, strict=True)):
            of_run = codings.frame["run_id"].fillna("") == cell.study.open_run().name
            frames.append(codings.frame[of_run].assign(coder=f"{cell.model}@{cell.codebook}"))
            if place == 0:
                frames.append(codings.frame[~of_run])
        whole = replace(parts[0], frame=pd.concat(frames, ignore_index=True), models=tuple(self.runs()["coder"]))
        home = self.cells[0].study if self.n_drawn else self.study
        return replace(whole.of(self.settings.variable), outputs=home.folder / "outputs")

    def runs(self) -> pd.DataFrame:
        """Model and prompt of each coder of the grid, as `describe_runs` takes them."""
        import pandas as pd

        rows = [(f"{cell.model}@{cell.codebook}", cell.model, cell.codebook) for cell in self.cells]
        return pd.DataFrame(rows, columns=["coder", "model", "prompt"])

    def multiverse(self, codings: Codings | None = None) -> Result:
        """Agreement, validity and the finding under every specification; its figure is the specification curve.

        A specification is a model, a codebook, and a way to get one label for each unit. Where there is gold, the
        finding stands twice: from the model's labels alone, and corrected by the gold.

        Returns
        -------
        Result
            The frame of `specifications`, with agreement (alpha with the labels of the main specification), accuracy
            and macro_f1 and gold_alpha (against the gold). Printed are at most seven of its columns.
        """
        given = self._narrow(codings)
        raise_faults("The gold sample cannot be used.", given.sample.locked if given.sample else ())
        finding = GridFinding(given, self.settings)
        result = specifications(given, finding, by=finding.by, aggregations=self.settings.aggregation, runs=self.runs())
        words = " ".join(say_agreement(result.frame, finding.by))
        title = f"{finding.title} under {say_count(len(self.cells), 'cell')} of the grid"
        table = set_beside(result.frame, finding.by)
        return replace(result, name="multiverse", title=title, section="multiverse", table=table, finding=words)

    def _narrow(self, codings: Codings | None) -> Codings:
        """The labels of the cells and the gold: who else coded has no part in the grid."""
        given = self.codings() if codings is None else codings
        narrowed = given.only([name for name in given.coders if name in (*self.runs()["coder"], given.gold)])
        return replace(narrowed, joins=()) if self.n_drawn else narrowed  # few of the people's units were drawn

    def stability(self, codings: Codings | None = None, resample: Bootstrap = Bootstrap()) -> Result:
        """Alpha over the draws, codebooks and models of the grid, the rest being the same.

        Over draws and over codebooks it is the prompt stability score, intra and inter, of Barrie, Palaiologou and
        Törnberg (2024, Prompt Stability Scoring for Text Annotation with Large Language Models, arXiv 2407.02039); the
        interval here resamples units, and not single codings.
        """
        given = self._narrow(codings)
        result = stability(given, over=self._over, runs=self.runs(), resample=resample)
        return replace(result, remarks=(*result.remarks, _SCORE)) if self.n_drawn else result

    def flips(self, codings: Codings | None = None) -> Result:
        """The units that get more than one label, who gave which, and which two labels take turns most often."""
        given = self._narrow(codings)
        over = [name for name in self._over if name != "all" or len(self._over) == 1]
        result = stability(given, over=over, by="unit", runs=self.runs())
        return replace(result, finding=" ".join([result.finding, *_say_turns(given)]))

    @property
    def _over(self) -> list[str]:
        """What differs, and "all" where both words and models do, or nothing."""
        n_books = len({cell.codebook for cell in self.cells})
        counts = {"draw": self.settings.draws, "prompt": n_books, "model": len(self.cells) // n_books}
        names = [name for name, n in counts.items() if n > 1]
        return [*names, "all"] if {"prompt", "model"} <= set(names) else names or ["all"]


def _say_turns(codings: Codings) -> Iterator[str]:
    """Which two labels take turns in most units; nothing where none do in two."""
    models = codings.frame[(codings.frame["coder"] != codings.gold) & codings.frame["label"].notna()]
    pairs: Counter[tuple[str, str]] = Counter()
    for labels in models.groupby("unit_id")["label"].unique():
        pairs.update(combinations(sorted(labels), 2))
    (first, second), n = next(iter(pairs.most_common(1)), (("", ""), 0))
    if n > 1:
        names = f"{codings.name_label(first)!r} and {codings.name_label(second)!r}"
        yield f"Most often {names} take turns, in {say_count(n, 'unit')}."
