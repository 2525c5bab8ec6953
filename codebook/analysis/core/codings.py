"""`Codings`: who gave which unit which label, and all that a statistic has to know of it. One object goes in.

The labels of a run, of people, of another tool or of a published file become Codings once, are checked once, and every
verb of the analysis takes them. Roles of coders, the gold sample with its chances and the clusters travel along, so
that no verb can forget them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.chosen_variable import ChosenVariable
from codebook.analysis.core.coder_roles import CoderRoles, say_uncounted
from codebook.analysis.core.gold_samples import NO_WEIGHTS, GoldSample
from codebook.analysis.core.label_titles import name_label, title_of, titles_of, with_titles
from codebook.analysis.core.sample_design import check_sample
from codebook.analysis.core.scales import MEASURED, UNCOUNTED, VariableLike, VariableSpec
from codebook.errors import Fault, StatisticError
from codebook.ground.joins import Sides, join_faults, join_ids, tell_strays
from codebook.ground.quantities import is_or_are, say_count
from codebook.outputs import frames_html
from codebook.visible import spell_line

Clusters = Mapping[str, object] | pd.Series
SampleLike = GoldSample | pd.DataFrame | str | None
RANDOM = "random"
"""In place of a sample: the gold units are a simple random sample of the units."""

_SHOWN = 10
_TEXTS = Sides("units", "among the texts", "the list of texts")
_N_WIDE, _N_READ = 60, 240  # characters of a text that a row shows on a terminal, and on a page


@dataclass(frozen=True, repr=False)
class Codings(CoderRoles):
    """Labels of units by coders, with what is known of the variables, the coders and the gold.

    Parameters
    ----------
    frame
        The tidy table, one row per unit x coder x variable x draw, with the columns `unit_id coder variable label draw
        why`; a label is missing exactly where `why` says so. Other columns are kept.
    variables
        Of the codebook, or a `VariableSpec` each: objects with `name`, `kind`, `level` and `labels`.
    gold
        The coder whose labels are the gold; empty where there is none.
    models
        Coders that are models. Who labelled in a run of the kit is one anyhow.
    sample
        The gold sample with its chances: gold units are weighted by 1 / chance.
    clusters
        Cluster of each unit_id, such as its author: whole clusters are resampled then.
    covariates
        One column per covariate and a row per unit_id (the index), for `by=`; or what makes it when it is wanted.
    texts
        Text of each unit_id, for showing.
    notes
        What was read, left out and set aside, in sentences.
    joins
        Ids that did not meet, and which variable was chosen of several, in sentences; they stand in the note of every
        result.
    outputs
        The folder into which results are saved.
    interchangeable
        The codings were counts (`read_counts`): the names of the coders stand for nobody.

    Raises
    ------
    StatisticError
        The frame lacks columns of the tidy table.

    Examples
    --------
    >>> from codebook.analysis.core.examples import observers_2011
    >>> codings = Codings(observers_2011(), [VariableSpec("code", "nominal", list("12345"))])
    >>> codings.coders, codings.only(coders=["A", "B"]).coders, codings.variable.level
    (['A', 'B', 'C', 'D'], ['A', 'B'], 'nominal')
    >>> codings.coverage
    {'code': {'labelled': 41, 'absent': 7}}
    """

    sample: GoldSample | None = None
    clusters: Clusters | None = None
    covariates: pd.DataFrame | Callable[[], pd.DataFrame] | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()
    outputs: Path | None = None
    interchangeable: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "sample", self.sample and self.sample.settled)

    # -- who and what is here ------------------------------------------------------------------------------------

    def pick_pair(self) -> tuple[str, str]:
        """Two coders to hold against the gold and against each other, those of a run first; empty for nobody.

        Both coded units that the gold labelled (of the sample, where gold is weighted by one), and the second shares
        such a unit with the first.
        """
        frame, (sample, _) = self.frame, self.gold_sample()
        if sample is not None:
            frame = frame[frame["unit_id"].isin(sample["unit_id"])]
        first, *others = replace(self, frame=frame).beside_gold or [""]
        known = frame.loc[(frame["coder"] == self.gold) & frame["label"].notna(), "unit_id"]
        shared = frame.loc[(frame["coder"] == first) & frame["unit_id"].isin(known), "unit_id"]
        near = set(frame.loc[frame["unit_id"].isin(shared), "coder"])
        return first, next((name for name in others if name in near), "")

    @property
    def variable(self) -> VariableLike:
        """The one variable of these codings.

        Raises StatisticError: there are several: choose one with `.of(name)`.
        """
        if len(self.variables) == 1:
            return self.variables[0]
        names = name_some(variable.name for variable in self.variables) or "none"
        fault = Fault("variable", f"there are {names}", 'choose one first: codings.of("NAME")')
        raise StatisticError("The variable is not clear.", [fault])

    @cached_property
    def coverage(self) -> dict[str, dict[str, int]]:
        """Of each variable how many codings have a label, and how many have none by the reason; it sums to them."""
        counts: dict[str, dict[str, int]] = {}
        for name, part in self.frame.groupby("variable", sort=False):
            whys = part["why"].value_counts()
            counts[str(name)] = {"labelled": int(part["label"].notna().sum())}
            counts[str(name)] |= {str(why): int(n) for why, n in whys.items()}
        return counts

    # -- narrowing: each returns new Codings -----------------------------------------------------------------------

    def of(self, variable: str = "") -> Codings:
        """The codings of one variable; where no name is given, of the first that has labels or numbers.

        Of several, each result says which one it is of; that of another than the first is saved under its name.

        Raises StatisticError: there is no such variable.
        """
        names = [each.name for each in self.variables]
        if variable and variable not in names:
            fault = Fault("variable", f"{variable!r} is unknown", f"use one of {name_some(names, 12)}")
            raise_faults("That variable is not here.", [fault])
        first = next((at for at, each in enumerate(self.variables) if each.kind in MEASURED), 0)
        at = names.index(variable) if variable else first
        rows, others = self.frame["variable"] == names[at], [name for name in names if name != names[at]]
        choice = [ChosenVariable.among(names[at], [] if variable else others, is_first=at == first)] if others else []
        frame = self.frame if rows.all() else self.frame[rows]
        return replace(self, frame=frame, variables=[self.variables[at]], joins=(*choice, *self.joins))

    def counted(self) -> Codings:
        """The codings without variables whose answers are no labels, such as records; the notes of results name them.

        Where there are no others, the codings as they are: `uncounted` says why there is nothing to compare.
        """
        kept = [each for each in self.variables if each.kind not in UNCOUNTED]
        if not kept or len(kept) == len(self.variables):
            return self
        rows = self.frame["variable"].isin([each.name for each in kept])
        aside = (f"Left out: {sentence}" for sentence in say_uncounted(self.variables))
        return replace(self, frame=self.frame[rows], variables=kept, joins=(*self.joins, *aside))

    def only(self, coders: Iterable[str]) -> Codings:
        """The codings of these coders, and of the gold where it is one of them.

        Raises StatisticError: somebody of that name coded nothing.
        """
        names = [coders] if isinstance(coders, str) else list(dict.fromkeys(coders))
        if strange := [name for name in names if name not in self.coders]:
            fault = Fault("coders", f"no coding by {name_some(strange)}", f"use some of {name_some(self.coders, 12)}")
            raise_faults("Those coders are not here.", [fault])
        return replace(self, frame=self.frame[self.frame["coder"].isin(names)])

    def where(self, **values: object) -> Codings:
        """The codings of the units whose covariates have these values, such as `where(party="left")`.

        A list of values takes units with any of them.

        Raises StatisticError: there is no such covariate, or no unit with the value.
        """
        units = pd.Series(data=True, index=pd.Index(self.frame["unit_id"].unique()))
        for name, value in values.items():
            choice = value if isinstance(value, (list, tuple, set)) else [value]
            units &= self.covariate(name).reindex(units.index).isin(choice)
            if not units.any():
                raise_faults("No unit is left.", [Fault(name, f"no unit has {value!r}", "use a value that occurs")])
        return replace(self, frame=self.frame[self.frame["unit_id"].isin(units.index[units])])

    def on_scale(self) -> Codings:
        """The codings with abstentions of variables on a scale set aside: "unclear" is a code, but not a point of it.

        Such a coding has no label, and its `why` is abstained, as with numbers. Abstentions of nominal
        variables stay categories.
        """
        apart = pd.Series(data=False, index=self.frame.index)
        for each in self.variables:
            points = getattr(each, "scale", None)
            if points and each.level not in (None, "nominal") and (codes := set(each.labels or ()) - set(points)):
                apart |= (self.frame["variable"] == each.name) & self.frame["label"].isin(codes)
        if not (n := int(apart.sum())):
            return self
        label, why = self.frame["label"].mask(apart), self.frame["why"].mask(apart, "abstained")
        aside = f"{say_count(n, 'abstention')} on a scale {is_or_are(n)} set aside."
        return replace(self, frame=self.frame.assign(label=label, why=why), joins=(*self.joins, aside))

    def of_part(self) -> Codings:
        """The codings without units of another part of the gold sample: dev units never enter the figures of a test.

        Whatever holds coders against each other or against the gold begins here (`as_codings`). What became of these
        units stands in the note of its result.
        """
        if not (n := self.n_other_part):
            return self
        other = "test" if self.sample and self.sample.part == "dev" else "dev"
        aside = f"{say_count(n, 'unit')} of part {other!r} of the gold sample {is_or_are(n)} left out."
        frame = self.frame[~self._of_other_part]
        return replace(self, frame=frame, joins=tuple(dict.fromkeys([*self.joins, aside])))

    @property
    def n_other_part(self) -> int:
        """Number of units here that belong to another part of the gold sample than the part of the figures."""
        others = self._of_other_part
        return int(self.frame.loc[others, "unit_id"].nunique()) if others.any() else 0

    @cached_property
    def _of_other_part(self) -> pd.Series:
        others = self.sample.others if self.sample else frozenset[str]()
        none = pd.Series(data=False, index=self.frame.index)
        return self.frame["unit_id"].astype(str).isin(others) if others else none

    def draw(self, number: int) -> Codings:
        """The codings of one draw in the place of the first, beside those of coders who were asked once.

        Raises StatisticError: no coder has such a draw.
        """
        once = self.frame.groupby("coder")["draw"].transform("max") == 0
        rows = self.frame["draw"] == number
        if not rows.any():
            there = ", ".join(map(str, sorted(self.frame["draw"].unique())))
            raise_faults("That draw is not here.", [Fault("draw", f"there is no draw {number}", f"use one of {there}")])
        return replace(self, frame=self.frame[rows | once].assign(draw=0))

    def covariate(self, name: str) -> pd.Series:
        """A covariate by unit_id.

        Raises StatisticError: there is none of that name.
        """
        known = self.by_unit
        if name not in known:
            there = name_some(known.columns, 12)
            mend = (
                f"use one of {there}"
                if there
                else "name it in `context_columns` of study.yaml and run again, or codings.with_groups(units['NAME'])"
            )
            raise StatisticError("The codings cannot be split.", [Fault("by", f"there is no covariate {name!r}", mend)])
        return known[name]

    @cached_property
    def by_unit(self) -> pd.DataFrame:
        """The covariates, one column each, by unit_id; without a column where there are none."""
        known = self.covariates() if callable(self.covariates) else self.covariates
        return pd.DataFrame() if known is None else known

    # -- adding what is known ----------------------------------------------------------------------------------

    def with_gold(self, gold: str) -> Codings:
        """The same codings, with this coder's labels as the gold."""
        return replace(self, gold=gold)

    def with_sample(self, sample: SampleLike) -> Codings:
        """The same codings, with gold units weighted by their chances in the sample; None for no sample.

        "random" says that the gold units are a simple random sample: all weigh the same.

        Raises StatisticError: another text, or a frame without units and chances.
        """
        if isinstance(sample, str) and sample != RANDOM:
            mend = f"pass a sample of read_gold_sample, or {RANDOM!r} if gold is a simple random sample of the units"
            raise_faults("The gold is not weighted.", [Fault("sample", f"{sample!r} is no gold sample", mend)])
        if isinstance(sample, str):
            return replace(self, sample=NO_WEIGHTS)
        if isinstance(sample, pd.DataFrame):
            raise_faults("The gold sample cannot be used.", check_sample(sample))
            sample = GoldSample(sample, named=True)
        return replace(self, sample=sample)

    def with_clusters(self, clusters: Clusters | str | None) -> Codings:
        """The same codings, with the cluster of each unit_id; a text names a covariate."""
        return replace(self, clusters=self.covariate(clusters) if isinstance(clusters, str) else clusters)

    def with_groups(self, *covariates: pd.Series | pd.DataFrame) -> Codings:
        """The same codings with more covariates, each a named series, or a frame of several, by unit_id.

        Raises StatisticError: what is no series, or one without a name.
        """
        for each in covariates:
            if not isinstance(each, pd.DataFrame) and getattr(each, "name", None) is None:
                fault = Fault("covariates", f"a {type(each).__name__} has no name", 'pass values.rename("party")')
                raise StatisticError("The covariates cannot be added.", [fault])
        parts = [*([self.by_unit] if len(self.by_unit.columns) else []), *covariates]
        return replace(self, covariates=pd.concat(parts, axis=1))

    def with_word_counts(self) -> Codings:
        """The same codings, with the number of words of each text as the covariate `n_words`.

        Raises StatisticError: no text is known of any unit; where some lack one, every result says so.
        """
        lacking = self._lack_texts()
        counts = pd.Series({unit: len(self.texts[unit].split()) for unit in self.texts}, name="n_words")
        return replace(self, joins=tuple(dict.fromkeys([*self.joins, *lacking]))).with_groups(counts)

    def with_texts(self, texts: Mapping[str, str] | Iterable[Any]) -> Codings:
        """The same codings, with texts for showing: by unit_id, or units, which have `unit_id` and `text`.

        Where some lack one, the notes say so. Raises StatisticError: none has one, or most ids are written otherwise.
        """
        units: Iterable[Any] = () if isinstance(texts, Mapping) else texts
        by_unit = texts if isinstance(texts, Mapping) else {each.unit_id: each.text for each in units}
        codings = replace(self, texts=by_unit)
        return replace(codings, notes=tuple(dict.fromkeys([*self.notes, *codings._lack_texts()])))

    def _lack_texts(self) -> list[str]:
        """The sentence on units without a text, if there are any."""
        if not self.texts and len(self.frame):
            fault = Fault("texts", "no text is known", "add them first: codings.with_texts(units)")
            raise StatisticError("There are no texts.", [fault])
        join = join_ids(self.frame["unit_id"].astype(str), map(str, self.texts))
        raise_faults("The texts are those of other units.", join_faults(join, "texts", _TEXTS))
        return tell_strays(join, _TEXTS)

    def at_level(self, level: str) -> Codings:
        """The same codings with their variables at another level of measurement, or with one where none was said."""
        specs = [
            VariableSpec(
                each.name, level, each.labels, each.kind, titles_of(each), title_of(each), getattr(each, "scale", ())
            )
            for each in self.variables
        ]
        return replace(self, variables=specs if level else self.variables)

    # -- words for people ------------------------------------------------------------------------------------------

    def in_words(self, frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
        """A frame as people read it: labels by the titles of the codebook, in these columns or the usual ones."""
        return with_titles(frame, self.variables, columns) if columns else with_titles(frame, self.variables)

    def name_label(self, label: str) -> str:
        """The title of a label, or the label."""
        return name_label(label, self.variables)

    # -- gold -----------------------------------------------------------------------------------------------------

    def gold_sample(self) -> tuple[pd.DataFrame | None, str]:
        """The sample by whose chances gold units of the variable are weighted, or None, and a sentence on it.

        Raises StatisticError: the sample is locked, or has no such part.
        """
        if self.sample is None:
            return None, "There is no gold sample: all gold units weigh the same."
        if self.sample.declined:
            return None, "No gold sample is used, as asked: all gold units weigh the same."
        if not self.sample.named and (why := self._why_no_weights()):
            return None, f"{self.sample.name} is not used: {why}."
        raise_faults("The gold sample cannot be used.", self.sample.locked)
        return self.sample.frame, self.sample.sentence

    def _why_no_weights(self) -> str:
        """Why the gold need not be weighted; empty if it must be."""
        rows = self.frame[self.frame["variable"] == self.variable.name]
        labelled = set(rows.loc[(rows["coder"] == self.gold) & rows["label"].notna(), "unit_id"])
        if not labelled:
            return f"no unit has a label of {self.gold!r} yet"
        every = set(rows.loc[rows["coder"].isin(self.models), "unit_id"])
        return f"every unit of the run has a label of {self.gold!r}" if every <= labelled else ""

    # -- showing -----------------------------------------------------------------------------------------------------

    def show(self, n: int = _SHOWN, n_signs: int = _N_WIDE) -> pd.DataFrame:
        """The first rows as a person reads them: unit, text where it is known, coder, variable, label, why."""
        head = self.frame.head(n)
        columns = {"unit": head["unit_id"]}
        if self.texts:
            columns["text"] = head["unit_id"].map(lambda unit: _shorten(self.texts.get(unit, ""), n_signs))
        names = ["coder", *(["variable"] if len(self.variables) > 1 else []), "label"]
        columns |= {name: head[name].fillna("") for name in names}
        if head["why"].notna().any():
            columns["why"] = head["why"].fillna("")
        return pd.DataFrame({name: values.astype(str).map(spell_line) for name, values in columns.items()})

    @property
    def sentence(self) -> str:
        """How many codings of how many units by whom, and what became of them."""
        n_units, people, models = self.frame["unit_id"].nunique(), len(self.people), len(self.machines)
        roles = [say_count(people, "person", "people") if people else "", say_count(models, "model") if models else ""]
        roles += [f"gold ({self.gold})"] if self.gold in self.coders else []
        totals: dict[str, int] = {}
        for counts in self.coverage.values():
            for why, n in counts.items():
                totals[why] = totals.get(why, 0) + n
        parts = " + ".join(f"{n:,} {why}" for why, n in totals.items())
        who = ", ".join(filter(None, roles))
        return f"{say_count(n_units, 'unit')}, {who}: {say_count(len(self.frame), 'coding')} = {parts}."

    def __repr__(self) -> str:
        lines = self.show().to_string(index=False).splitlines()
        return "\n".join([*(line.rstrip() for line in lines), "", self.sentence, *self._remarks()])

    def _repr_html_(self) -> str:
        return frames_html(self.show(n_signs=_N_READ), self.sentence, *self._remarks())

    def _remarks(self) -> list[str]:
        return [spell_line(text) for text in dict.fromkeys([*self.notes, *self.joins])]


def _shorten(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3].rstrip()}..."
