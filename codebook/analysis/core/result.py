"""`Result`: what a statistic says, as a frame, a sentence, a printed table and a figure. One object comes out.

Each verb of the analysis returns one. A notebook shows it as the report does; `.save()` puts it into the outputs of the
study; `.frame` has every digit for pandas.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from codebook.analysis.core.chosen_variable import ChosenVariable
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import DESIGNED, SIMPLE, Bootstrap, package_versions
from codebook.analysis.core.standard_errors import SMALL, say_few_clusters
from codebook.errors import Fault, StatisticError
from codebook.ground.machine import all_in_words
from codebook.ground.quantities import places_of, say_count
from codebook.outputs import (
    MOST_COLUMNS,
    SHOWN_ROWS,
    FileLink,
    OutputEntry,
    block_html,
    draw_png,
    frame_texts,
    print_rows,
    run_outputs,
    save_block,
    say_alt,
)
from codebook.outputs.figure_style import Figure, house_style
from codebook.paths import project_folder


@dataclass(frozen=True)
class Facts:
    """How a result was made, for its note, its caption and the methods section.

    `n_units` and `n_coders` are those that carry the figures; `dropped` says what was left aside, by the reason;
    `resampled` what the bootstrap drew, in words; `weighted` whether gold units weigh 1 / their chance (None where no
    gold is used); `joins` which ids did not meet, and which variable was chosen of several; `nothing` why there is no
    row; `decimals` how many all figures have (0 for what the number of units says); `n_clusters` of how many clusters
    the units are (0 where each stands for itself).
    """

    n_units: int = 0
    n_coders: int = 0
    level: str = ""
    bootstrap: Bootstrap | None = None
    resampled: str = ""
    weighted: bool | None = None
    coverage: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    dropped: Mapping[str, int] = field(default_factory=dict)
    joins: tuple[str, ...] = ()
    nothing: str = ""
    decimals: int = 0
    n_clusters: int = 0

    @property
    def versions(self) -> dict[str, str]:
        """Versions of the packages that computed the figures."""
        return package_versions()

    @property
    def places(self) -> int:
        """Decimals of every figure of the result, in sentence, table and figure: two, and three above 1,000 units.

        The cells of a matrix have room for two, and so has all that stands beside one.
        """
        return self.decimals or places_of(self.n_units)

    @property
    def interval(self) -> str:
        """What the bar of a figure is, for the line under it; empty where no interval was asked for.

        Examples
        --------
        >>> Facts(bootstrap=Bootstrap(), resampled="clusters of units").interval
        '95 % bootstrap intervals over clusters of units, 1,000 replicates.'
        """
        if not (self.bootstrap and self.bootstrap.replicates):
            return ""
        over = f" over {self.resampled}" if self.resampled else ""
        confidence, many = 100 * self.bootstrap.confidence, f"{self.bootstrap.replicates:,} replicates"
        return f"{confidence:g} % bootstrap intervals{over}, {many}."

    @property
    def left_aside(self) -> list[str]:
        """The sentences on what was left aside."""
        return [f"Left aside: {n:,} {what}." for what, n in self.dropped.items() if n]

    def sentences(self) -> list[str]:
        """What was resampled, how the intervals were made, and which ids did not meet."""
        if self.nothing or not (self.bootstrap and self.bootstrap.replicates):
            return [*self.joins]
        drawn = [f"Resampled are {self.resampled}."] if self.resampled else []
        few = [say_few_clusters(self.n_clusters)] if 0 < self.n_clusters < SMALL else []
        how = [SIMPLE] if "unit" in self.resampled else []
        how = [DESIGNED] if "cluster" in self.resampled or "strata" in self.resampled else how
        return [*drawn, self.bootstrap.sentence, *how, *few, *self.joins]


@all_in_words
@dataclass(frozen=True, repr=False)
class Result:
    """A statistic with all that a person needs of it.

    Parameters
    ----------
    frame
        Tidy, with every digit.
    name
        Of its files, such as `reliability`.
    title, section
        Heading of the table and figure, and of the part of the report in which they stand.
    facts
        How it was made.
    finding
        One sentence with the figure that matters most.
    remarks
        Sentences of the note that are its own.
    table
        What a paper prints, at most seven columns; None for a frame that can be printed as it is.
    figure
        Draws the figure; None where there is none.
    outputs
        The folder into which it is saved.
    names
        Columns of the printed table that are names of coders, runs or labels: they are printed to the letter.
    png
        The figure as it was saved, so that it is not drawn a second time to be shown.
    csv
        The file with all rows and digits, once it is saved.
    place
        A sentence on where it was saved, where that is not plain; no caption of a paper has it.

    Examples
    --------
    >>> result = Result(pd.DataFrame({"alpha": [0.7432]}), name="alpha", title="Alpha", finding="Alpha is .74.")
    >>> result
    Alpha is .74.
    <BLANKLINE>
    Alpha
      .74
    """

    frame: pd.DataFrame
    name: str
    title: str
    section: str = "results"
    facts: Facts = Facts()
    finding: str = ""
    remarks: tuple[str, ...] = ()
    table: pd.DataFrame | None = None
    figure: Callable[[], Figure] | None = None
    outputs: Path | None = None
    names: tuple[str, ...] = ()
    png: bytes = field(default=b"", compare=False)
    csv: Path | None = field(default=None, compare=False)
    place: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        if choice := ChosenVariable.pick(self.facts.joins):
            object.__setattr__(self, "title", choice.entitle(self.title))
            object.__setattr__(self, "finding", choice.entitle(self.finding))
            object.__setattr__(self, "facts", replace(self.facts, nothing=choice.entitle(self.facts.nothing)))

    @property
    def note(self) -> str:
        """What stands under the table: what is not plain about it, how intervals were made, which ids did not meet."""
        return " ".join(dict.fromkeys([*(() if self.facts.nothing else self.remarks), *self.facts.sentences()]))

    @property
    def caption(self) -> str:
        """The text under the figure, as a paper sets it: title, finding, how many units and coders, and the note."""
        counts = (say_count(self.facts.n_units, "unit"), say_count(self.facts.n_coders, "coder"))
        sizes = [words for n, words in zip((self.facts.n_units, self.facts.n_coders), counts, strict=True) if n]
        size = f"{', '.join(sizes)}." if sizes else ""
        return " ".join(filter(None, [f"{self.title}.", self.finding, size, self.note]))

    def printed(self) -> pd.DataFrame:
        """The table as a paper prints it: figures rounded, intervals in brackets, at most seven columns.

        Where a frame has more, pages turn it or print it in parts; of one without a row the first seven are named.
        """
        texts, _ = frame_texts(self._shown, self.facts.places, self.names)
        return texts.iloc[:, :MOST_COLUMNS] if self.facts.nothing else texts

    @property
    def _note(self) -> str:
        return " ".join(filter(None, [self.note, self.place]))

    @property
    def _shown(self) -> pd.DataFrame:
        return self.frame if self.table is None else self.table

    def _print(self, most: int = SHOWN_ROWS) -> dict[str, Any]:
        return print_rows(self._shown, most, places=self.facts.places, names=self.names)

    def plot(self) -> Figure:
        """The figure, on the screen with the finding as its title; of a result without rows one that says why.

        Raises
        ------
        StatisticError
            This result is a table only.
        """
        from codebook.analysis.core.drawing import empty_figure, with_places

        if self.facts.nothing:
            return empty_figure(self.facts.nothing, self.title)
        if self.figure is None:
            fault = Fault(self.name, "it is a table", "show it with .printed(), or draw .frame with seaborn")
            raise StatisticError("There is no figure of this result.", [fault])
        with house_style(), with_places(self.facts.places):
            figure = self.figure()
        figure.set_label(self.finding or self.title)
        return figure

    def save(self, name: str = "", *, run: str = "", title: str = "", section: str = "", note: str = "") -> Result:
        """Save table, figure and data among the outputs of the study, for the report, and return the result.

        Parameters
        ----------
        name, title, section
            In place of its own. The name of a variable that was chosen is added, where it is not the codebook's first.
        run
            Among the outputs of this run, where the result was not made of its codings. A name that no run has makes
            a folder, and the result says so; one that is almost a run's is an error.
        note
            A sentence more for the note.

        Raises
        ------
        ParameterError
            A name that cannot name a file.
        """
        choice = ChosenVariable.pick(self.facts.joins)
        saved = replace(
            self,
            name=choice.call(name or self.name) if choice else name or self.name,
            title=title or self.title,
            section=section or self.section,
            remarks=(*self.remarks, *([note] if note else [])),
            outputs=run_outputs(run) if run else self.outputs,
        )
        is_new = bool(run and saved.outputs and not saved.outputs.parent.is_dir())
        png = save_block(
            saved.outputs,
            saved.entry,
            saved.frame,
            printed=saved._print(len(saved._shown)),
            figure=saved.plot if saved.figure else None,
            caption=saved.caption,
        )
        place = f"Saved in runs/{run}/outputs: no run has that name yet."
        csv = None if self.facts.nothing else (saved.outputs or project_folder() / "outputs") / f"{saved.name}.csv"
        return replace(saved, png=png, csv=csv, place=place if is_new else "")

    @property
    def entry(self) -> OutputEntry:
        """What the list of outputs says of it."""
        sizes = {"n_units": self.facts.n_units, "n_coders": self.facts.n_coders, "weighted": self.facts.weighted}
        known = {name: size for name, size in sizes.items() if size not in (0, None) or size is False}
        reason = " ".join([self.facts.nothing, *self.facts.joins])
        if self.facts.nothing:
            return OutputEntry(self.name, "remark", self.section, self.title, reason)
        return OutputEntry(self.name, "result", self.section, self.title, self.note, self.finding, facts=known)

    def __repr__(self) -> str:
        if self.facts.nothing:
            return "\n".join([self.facts.nothing, *self.facts.joins])
        rows = self.printed()
        lines = rows.head(SHOWN_ROWS).to_string(index=False).splitlines() if len(rows) else []
        text = "\n".join(line.rstrip() for line in lines)
        more = f"The first {SHOWN_ROWS} of {len(rows):,} rows; .frame has all." if len(rows) > SHOWN_ROWS else ""
        return "\n\n".join(filter(None, [self.finding, text, more, self._note]))

    def _repr_html_(self) -> str:
        if self.facts.nothing:
            return block_html({}, finding=" ".join([self.facts.nothing, *self.facts.joins]))
        printed = self._print()
        png = self.png or (draw_png(self.plot()) if self.figure else b"")
        run = self.outputs.parent.name if self.outputs else ""
        csv = FileLink(self.csv, run=run).address if self.csv else ""
        return block_html(printed, finding=self.finding, note=self._note, png=png, alt=say_alt(self.entry), csv=csv)


@dataclass(frozen=True, repr=False)
class CodingsWithResult:
    """Codings that a verb changed, and the result about them; in a notebook it shows the result."""

    codings: Codings
    result: Result

    def __repr__(self) -> str:
        return repr(self.result)

    def _repr_html_(self) -> str:
        return self.result._repr_html_()

    def save(self, name: str = "", *, run: str = "") -> Result:
        """Save the result among the outputs of the study, and return it."""
        return self.result.save(name, run=run)


def blank_result(codings: Codings, columns: Iterable[str], name: str, title: str, section: str) -> Result:
    """The result of a verb on codings before it has a row: `nothing_to_say` gives it a reason, or it gets figures.

    It is saved with the other outputs of the codings.
    """
    return Result(pd.DataFrame(columns=list(columns)), name, title, section, outputs=codings.outputs)


def nothing_to_say(codings: Codings, reason: str, result: Result) -> Result:
    """The result of a verb that has nothing to do: no row, and the reason in its place.

    Parameters
    ----------
    reason
        A sentence, such as "One coder beside the gold: nothing to compare."
    result
        With the empty frame (its columns), the name, title and section that it would have had.
    """
    facts = replace(result.facts, nothing=reason, joins=codings.joins)
    return replace(result, facts=facts, finding=reason, outputs=codings.outputs)
