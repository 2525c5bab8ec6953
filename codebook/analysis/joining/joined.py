"""Codings with one coder more, whose labels are joined from those of others or were decided by a person."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.result import Result

HOW = ("majority", "dawid_skene", "mean", "median")
"""How labels are joined, and the names of the coders that come of it."""

OF_JOINING = ("n_codings", "tied")
"""Columns of joined labels that say how they came about, and that the tidy table does not have."""


@dataclass(frozen=True, repr=False)
class JoinedLabels:
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

    codings: Codings
    result: Result
    errors: Result | None = None
    posterior: pd.DataFrame = field(default_factory=pd.DataFrame)
    prior: pd.DataFrame = field(default_factory=pd.DataFrame)

    def __repr__(self) -> str:
        return repr(self.result)

    def _repr_html_(self) -> str:
        return self.result._repr_html_()

    @property
    def joined(self) -> Codings:
        """The codings of the coders that were joined, and of the gold, to set them side by side."""
        names = (*HOW, self.result.name, self.codings.gold)
        return self.codings.only([name for name in self.codings.coders if name in names])

    def save(self, name: str = "", *, run: str = "") -> Result:
        """Save the result among the outputs of the study, and return it."""
        return self.result.save(name, run=run)


def add_coder(codings: Codings, rows: pd.DataFrame, *, model: str = "") -> Codings:
    """Put the rows of a new coder under the codings; every coding stays as it is. A `model` is the coder who is one."""
    frame = pd.concat([codings.frame, rows.drop(columns=list(OF_JOINING), errors="ignore")], ignore_index=True)
    texts = [name for name in ("detail", "run_id", "custom_id") if name in frame]
    frame = frame.assign(**{name: frame[name].fillna("") for name in texts})
    frame = frame.astype({name: "str" for name in ("label", "why", "detail") if name in frame})
    return replace(codings, frame=frame, models=(*codings.models, *([model] if model else [])))
