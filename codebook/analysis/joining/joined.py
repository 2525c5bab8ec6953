"""Codings with one coder more: the labels of others joined, their numbers averaged, or what a person decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.result import CodingsWithResult, Result
from codebook.analysis.core.scales import VariableSpec, as_number
from codebook.errors import Fault

HOW = ("majority", "dawid_skene", "mean", "median")
"""How labels are joined, and the names of the coders that come of it."""

OF_JOINING = ("n_codings", "tied")
"""Columns of joined labels that say how they came about, and that the tidy table does not have."""


@dataclass(frozen=True, repr=False)
class JoinedLabels(CodingsWithResult):
    """Codings with one coder more, and the result about that coder; in a notebook it shows the result.

    `result.frame` has the labels of the new coder, one row per unit. Dawid-Skene also gives `errors`, the error
    matrix of each coder; `posterior`, a row per unit and a column per label; `prior`, label, share (of the units, as
    the model has it) and votes (share of the codings). Where nothing was joined the codings are as they were, and the
    results say why.

    Examples
    --------
    >>> import codebook as cb
    >>> from codebook.analysis.core.examples import make_table
    >>> joined = cb.consensus(make_table("tone", {"ann": list("aab"), "bo": list("aaa"), "cy": list("aba")}))
    >>> joined.codings.coders, joined.result.frame["label"].tolist()
    (['ann', 'bo', 'cy', 'majority'], ['a', 'a', 'a'])
    """

    errors: Result | None = None
    posterior: pd.DataFrame = field(default_factory=pd.DataFrame)
    prior: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def joined(self) -> Codings:
        """The codings of the coders that were joined, and of the gold, to set them side by side."""
        names = (*HOW, self.result.name, self.codings.gold)
        return self.codings.only([name for name in self.codings.coders if name in names])


def add_coder(codings: Codings, rows: pd.DataFrame, *, model: str = "") -> Codings:
    """Put the rows of a new coder under the codings; every coding stays as it is. A `model` is the coder who is one."""
    frame = pd.concat([codings.frame, rows.drop(columns=list(OF_JOINING), errors="ignore")], ignore_index=True)
    texts = [name for name in ("detail", "run_id", "custom_id") if name in frame]
    frame = frame.assign(**{name: frame[name].fillna("") for name in texts})
    frame = frame.astype({name: "str" for name in ("label", "why", "detail") if name in frame})
    return replace(codings, frame=frame, models=(*codings.models, *([model] if model else [])))


NUMBER_WAYS = ("mean", "median")
"""How numbers are joined."""


def join_numbers(rows: pd.DataFrame, model_of: Mapping[str, str], how: str) -> pd.DataFrame:
    """Tidy rows of the joined numbers, one per unit; runs of one model count as one coder, joined in the same way.

    `rows`: of one variable: unit_id, coder, variable, label. `model_of`: what each coder counts as.

    Examples
    --------
    >>> frame = pd.DataFrame({"unit_id": list("7788"), "coder": list("abab"), "variable": "heat"})
    >>> frame = frame.assign(label=["3.5", "4", None, "2"])
    >>> join_numbers(frame, {"a": "a", "b": "b"}, "mean")[["unit_id", "label", "n_codings", "detail"]]
      unit_id label  n_codings              detail
    0       7  3.75          2  from 3.5 to 4
    1       8     2          1
    """
    numbers = rows.assign(number=rows["label"].map(as_number, na_action="ignore").astype(float))
    numbers = numbers.assign(coder=numbers["coder"].map(lambda name: model_of.get(name, name)))
    votes = numbers.groupby(["unit_id", "coder"], sort=False)["number"].agg(how).dropna()
    joined = votes.groupby("unit_id").agg([how, "min", "max", "size"])
    units = rows["unit_id"].drop_duplicates()
    joined = joined.reindex(units)
    ends = [
        "no coding with a number" if np.isnan(low) else f"from {spell(low)} to {spell(high)}" if low < high else ""
        for low, high in zip(joined["min"], joined["max"], strict=True)
    ]
    return pd.DataFrame(
        {
            **{"unit_id": units.astype(str).to_numpy(), "coder": how, "variable": rows["variable"].iloc[0]},
            "label": [None if np.isnan(value) else spell(value) for value in joined[how]],
            **{
                "draw": 0,
                "why": ["absent" if lacks else None for lacks in joined[how].isna()],
                "run_id": "",
                "custom_id": "",
            },
            **{"confidence": np.nan, "detail": ends, "n_codings": joined["size"].fillna(0).astype(int).to_numpy()},
            "tied": "",
        }
    ).astype({"label": "str", "why": "str", "detail": "str", "tied": "str"})


def spell(number: float) -> str:
    """A number as a label: at most nine decimals, and no zeros at the end."""
    text = np.format_float_positional(number, precision=9, trim="-")
    return "0" if text == "-0" else text


def check_numbers(codings: Codings, coders: Sequence[str], how: str) -> None:
    """Raise a StatisticError where labels are not numbers: they have no mean."""
    frame = codings.frame
    labels = frame.loc[frame["coder"].isin(coders) & frame["label"].notna(), "label"].unique()
    every = set(codings.variable.labels or ())
    apart = every - set(getattr(codings.variable, "scale", ()) or every)  # abstentions are set aside
    words = [label for label in labels if np.isnan(as_number(label)) and label not in apart]
    if codings.variable.level == "nominal" or words:
        problem = f"labels such as {name_some(words)} are not numbers" if words else "the level is nominal"
        mend = f"such labels have no {how}: pass how='majority' or 'dawid_skene'"
        raise_faults("The labels cannot be joined.", [Fault("how", problem, mend)])


def as_numbers(codings: Codings) -> VariableSpec:
    """The variable of joined numbers: a mean lies between the points of a scale, so no points are listed."""
    variable = codings.variable
    level = variable.level if variable.level in ("interval", "ratio") else "interval"
    return VariableSpec(variable.name, level, None, "number", title=str(getattr(variable, "title", "") or ""))
