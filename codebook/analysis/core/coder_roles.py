"""Who labelled: people, models and the gold among the coders of a tidy table, and whom to compare with whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import check_columns, find_distinct, name_some, raise_faults
from codebook.analysis.core.scales import UNCOUNTED, VariableLike
from codebook.errors import Fault

_MOST_MODELS = 6  # that are compared with the people one by one


@dataclass(frozen=True, repr=False)
class CoderRoles:
    """The tidy table, its variables, and what its coders are; `Codings` adds all else that a statistic has to know."""

    frame: pd.DataFrame
    variables: Sequence[VariableLike]
    gold: str = ""
    models: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        raise_faults("These are no codings.", check_columns(self.frame))
        object.__setattr__(self, "variables", tuple(self.variables))
        object.__setattr__(self, "models", tuple(dict.fromkeys([*self._machines(), *self.models])))

    def _machines(self) -> list[str]:
        """Coders who labelled in a run, or of whom a model or a raw reply is on record."""
        machine = np.zeros(len(self.frame), dtype=bool)
        for column in {"run_id", "model", "raw"} & set(self.frame.columns):
            machine |= (self.frame[column].fillna("") != "").to_numpy(bool)
        return [str(name) for name in find_distinct(self.frame["coder"], machine)]

    @cached_property
    def coders(self) -> list[str]:
        """All coders, in the order in which they appear."""
        return [str(name) for name in find_distinct(self.frame["coder"])]

    @property
    def people(self) -> list[str]:
        """Coders who are no models, and not the gold."""
        return [name for name in self.coders if name not in self.models and name != self.gold]

    @property
    def machines(self) -> list[str]:
        """Models among the coders that are here, the gold left out."""
        return [name for name in self.coders if name in self.models and name != self.gold]

    @property
    def roles(self) -> dict[str, str]:
        """What each coder is: people before models before the gold, as figures show them."""
        gold = [self.gold] if self.gold in self.coders else []
        roles = {"people": self.people, "models": self.machines, "gold": gold}
        return {name: role for role, names in roles.items() for name in names}

    @property
    def run_coders(self) -> list[str]:
        """Coders whose labels a run of the kit gave."""
        if "run_id" not in self.frame:
            return []
        return [str(name) for name in self.frame.loc[self.frame["run_id"].fillna("") != "", "coder"].unique()]

    @property
    def groups(self) -> dict[str, list[str]]:
        """Coders to compare with each other, by the name of their group; the gold is in none.

        People alone (the ceiling for the others), models alone, people with each model (not for more than six models),
        and all. A group of fewer than two coders, or the same as an earlier one, is left out.
        """
        people, models = self.people, self.machines
        groups = {"people": people, "models": models}
        if len(models) <= _MOST_MODELS and people:
            groups |= {f"people + {model}": [*people, model] for model in models}
        groups["all"] = [*people, *models]
        distinct: dict[str, list[str]] = {}
        for name, members in groups.items():
            if len(members) > 1 and members not in distinct.values():
                distinct[name] = members
        return distinct

    @property
    def alone(self) -> str:
        """Why there are no two coders to compare; empty where there are."""
        if self.groups:
            return ""
        others = [*self.people, *self.machines]
        who = f"One coder ({others[0]!r})" if others else "No coder"
        beside = " beside the gold" if self.gold in self.coders else ""
        where = "to coders.yaml" if "run_id" in self.frame else "as a column, or as rows, of the frame"
        return f"{who}{beside}: nothing to compare. To compare, add a second coder {where}."

    @property
    def uncounted(self) -> str:
        """Why none of the variables can be counted or compared label by label; empty where one can.

        Examples
        --------
        >>> from codebook.analysis.core.examples import make_table
        >>> from codebook.analysis.core.scales import VariableSpec
        >>> CoderRoles(make_table("note", {"ann": ["x"]}), [VariableSpec("note", None, kind="text")]).uncounted
        "'note' holds free text, which is not compared as labels."
        """
        reasons = say_uncounted(self.variables)
        return " ".join(reasons) if len(reasons) == len(self.variables) else ""

    @property
    def beside_gold(self) -> list[str]:
        """Coders who coded a unit and variable that the gold labelled, the run's own first.

        Examples
        --------
        >>> from codebook.analysis.core.scales import VariableSpec
        >>> rows = [("7", "gold"), ("7", "ann"), ("9", "ben")]
        >>> frame = pd.DataFrame(rows, columns=["unit_id", "coder"])
        >>> frame = frame.assign(variable="tone", label="a", draw=0, why=None)
        >>> CoderRoles(frame, [VariableSpec("tone", "nominal", ["a"])], gold="gold").beside_gold
        ['ann']
        """
        keys = ["unit_id", "variable"]
        by_gold = self.frame["coder"] == self.gold
        known = self.frame.loc[by_gold & self.frame["label"].notna(), keys]
        others = ~by_gold
        if 20 * len(known) < len(others):  # of a long frame few rows are copied
            others &= self.frame["unit_id"].isin(known["unit_id"])
        rows = self.frame[others].merge(known.drop_duplicates(), on=keys)
        first = CoderRoles(rows, self.variables).run_coders
        return [*first, *(str(name) for name in rows["coder"].unique() if name not in first)]

    def busiest(self, most: int = 12) -> list[str]:
        """The coders with the most labels, the run's own first: as many as a figure can show."""
        counts = self.frame[self.frame["label"].notna()].groupby("coder", sort=False).size()
        first = self.run_coders
        rest = counts.drop(labels=first, errors="ignore").sort_values(ascending=False, kind="stable").index
        return [*first, *map(str, rest)][:most]

    def one_coder(self, coder: str | None = None) -> str:
        """The coder of this name, or else the first model; without models the only coder beside the gold.

        Raises StatisticError: nobody has that name, or several people coded and none is named.
        """
        others = [*self.machines, *self.people]
        if coder is None and (self.machines or len(others) == 1):
            return others[0]
        if coder is None or coder not in self.coders:
            there = name_some(others, 12) or "none beside the gold"
            problem = f"there are {there}" if coder is None else f"no coding by {coder!r}"
            raise_faults("The coder is not clear.", [Fault("coder", problem, f"name one of them: {there}")])
        return str(coder)


def say_uncounted(variables: Iterable[VariableLike]) -> list[str]:
    """A sentence for each variable whose answers are no labels, such as records or transcripts."""
    return [f"{each.name!r} holds {UNCOUNTED[each.kind]}." for each in variables if each.kind in UNCOUNTED]
