"""Which units are shown: by label, coder, missing label, disagreement; counted on numbers, so a million are quick."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import orjson
import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import number_ids
from codebook.analysis.core.label_titles import name_label
from codebook.analysis.core.scales import Bools, Ints
from codebook.ground.whys import WHYS

OPEN_KINDS = frozenset({"records", "text", "transcription", "embedding"})
"""Kinds whose labels are as many as there are units, so that none is chosen from and none differs from another."""
DISAGREE, NOT_GOLD = "coders disagree", "not as the gold"
_MOST_LABELS = 200
_NOBODY = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Choice:
    """What is wanted of a unit; empty is anything. What is wanted of a label, one and the same label has.

    `standing` is `DISAGREE` (coders beside the gold gave different labels) or `NOT_GOLD`; `words` stand in the text.
    """

    variable: str = ""
    coder: str = ""
    label: str = ""
    why: str = ""
    standing: str = ""
    words: str = ""


class LabelIndex:
    """The rows of codings by unit, as numbers; `units` are the ids in the order in which they appear."""

    def __init__(self, codings: Codings) -> None:
        self.codings, self.frame = codings, codings.frame.reset_index(drop=True)
        self.unit, self.units = number_ids(self.frame["unit_id"].astype("str"))
        self.label, labels = pd.factorize(self.frame["label"])
        self._labels = [str(label) for label in labels]
        self.variable, self._variables = pd.factorize(self.frame["variable"])

    @cached_property
    def _by_unit(self) -> tuple[Ints, Ints]:
        """The rows in the order of their units, and where those of each unit begin."""
        ends = np.cumsum(np.bincount(self.unit, minlength=len(self.units)))
        return np.argsort(self.unit, kind="stable"), np.concatenate([[0], ends])

    def rows(self, number: int) -> pd.DataFrame:
        """The rows of the unit of this number."""
        order, starts = self._by_unit
        return self.frame.iloc[order[starts[number] : starts[number + 1]]]

    # -- what can be chosen from

    def list_labels(self, variable: str) -> list[str]:
        """The labels of a variable: those of the codebook, else those that occur; none where each unit has its own."""
        known = {each.name: each for each in self.codings.variables}.get(variable)
        if known is not None and known.labels:
            return [str(label) for label in known.labels]
        occurring = self.frame.loc[self.frame["variable"] == variable, "label"].dropna().unique()
        closed = known is None or known.kind not in OPEN_KINDS
        return [str(label) for label in occurring] if closed and len(occurring) <= _MOST_LABELS else []

    @property
    def whys(self) -> list[str]:
        """Why labels are missing, of the reasons that occur."""
        occurring = set(self.frame["why"].dropna().unique())
        return [why for why in WHYS if why in occurring]

    # -- choosing

    def choose(self, choice: Choice) -> Ints:
        """The numbers of the units that are wanted, their texts left aside."""
        rows = np.ones(len(self.frame), dtype=bool)
        for column in ("variable", "coder", "why"):
            if value := getattr(choice, column):
                rows &= (self.frame[column] == value).to_numpy(dtype=bool, na_value=False)
        if choice.label:
            rows &= self._have_label(choice.label)
        if choice.standing:
            rows &= self.not_gold if choice.standing == NOT_GOLD else self.disputed
        return np.flatnonzero(np.bincount(self.unit[rows], minlength=len(self.units)))

    def _have_label(self, label: str) -> Bools:
        """Rows with this label, alone or in a list."""
        codes = [code for code, text in enumerate(self._labels) if text == label or label in _open(text)]
        return np.isin(self.label, codes)

    @cached_property
    def _cell(self) -> Ints:
        """The number of unit and variable of each row."""
        return np.asarray(self.unit * max(len(self._variables), 1) + self.variable)

    @cached_property
    def _compared(self) -> Bools:
        """Rows with a label that can be that of others."""
        free = {each.name for each in self.codings.variables if each.kind in OPEN_KINDS}
        return (self.label >= 0) & ~self.frame["variable"].isin(free).to_numpy()

    @cached_property
    def _golden(self) -> Bools:
        return (self.frame["coder"] == self.codings.gold).to_numpy(dtype=bool, na_value=False)

    @cached_property
    def disputed(self) -> Bools:
        """Rows of cells in which coders beside the gold, or draws of one, gave different labels."""
        rows = self._compared & ~self._golden
        low = np.full(len(self.units) * max(len(self._variables), 1), _NOBODY)
        high = np.full(len(low), -1)
        np.minimum.at(low, self._cell[rows], self.label[rows])
        np.maximum.at(high, self._cell[rows], self.label[rows])
        return np.asarray((high > low)[self._cell] & rows)

    @cached_property
    def gold_label(self) -> Ints:
        """The gold's label beside each row, as a number; -1 where there is none."""
        rows = self._compared & self._golden
        gold = np.full(len(self.units) * max(len(self._variables), 1), -1)
        gold[self._cell[rows]] = self.label[rows]
        return np.asarray(gold[self._cell])

    @cached_property
    def not_gold(self) -> Bools:
        """Rows with another label than the gold's."""
        return np.asarray(
            self._compared & ~self._golden & (self.gold_label >= 0) & (self.label != self.gold_label), dtype=bool
        )

    def name_label(self, code: int) -> str:
        """The label of a number, with its title where there is one variable."""
        known = self.codings.variables
        return name_label(self._labels[code], known if len(known) == 1 else ())


def _open(text: str) -> Sequence[str]:
    """The labels of a JSON list; nothing where a label is none."""
    if not text.startswith("["):
        return ()
    try:
        labels = orjson.loads(text)
    except orjson.JSONDecodeError:
        return ()
    return [str(each) for each in labels] if isinstance(labels, list) else ()
