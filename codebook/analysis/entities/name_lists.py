"""The names that are resolved: mentions, a list of entities where there is one, vectors, the truth where known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codebook.analysis.core.checks import name_some
from codebook.analysis.entities.forms import FormRules, normalise_form, plain_names
from codebook.analysis.vectors.similarity_blocks import TextVectors
from codebook.errors import Fault, ParameterError, TableError
from codebook.ground.quantities import say_count

Truth = Mapping[str, object] | pd.Series
Floats = NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class Names:
    """Names of which some stand for the same entity.

    Parameters
    ----------
    mentions
        Columns `mention_id` (unique) and `name`; others may be compared later.
    entities
        The list to compare with: columns `entity_id` and `name`, one row per known form. None to look for the same
        entity among the mentions.
    truth
        Entity of each mention id, missing where it has none on the list. None where nobody knows.
    vectors, entity_vectors
        Of the names, in the order of the frames, shape (n, d). None: by spelling alone.
    rules
        How names are made alike.
    outputs
        The folder into which results are saved.
    about
        What the names are; it stands in the titles of results.

    Raises
    ------
    TableError
        A frame lacks a column, or an id is missing or not unique.
    ParameterError
        Vectors do not fit, or the truth is a table.

    Examples
    --------
    >>> names = Names(pd.DataFrame({"mention_id": ["m1", "m2"], "name": ["NIGER (the)", "Niger"]}))
    >>> names, names.forms
    (2 names, 1 different in their normal form, ['niger', 'niger'])
    """

    mentions: pd.DataFrame
    entities: pd.DataFrame | None = None
    truth: Truth | None = None
    vectors: Floats | None = None
    entity_vectors: Floats | None = None
    rules: FormRules = field(default_factory=FormRules)
    outputs: Path | None = None
    about: str = ""

    def __post_init__(self) -> None:
        faults = _check_frame(self.mentions, "mention_id", "mentions", unique=True)
        if self.entities is not None:
            faults += _check_frame(self.entities, "entity_id", "entities", unique=False)
        raise_faults("The names cannot be resolved.", faults + self._check_vectors())
        if self.truth is not None:
            read_truth(self.truth)

    @property
    def others(self) -> pd.DataFrame:
        """What the mentions are held against: the list, or themselves."""
        return self.mentions if self.entities is None else self.entities

    @property
    def other_vectors(self) -> Floats | None:
        """Vectors of `others`."""
        return self.vectors if self.entities is None else self.entity_vectors

    @cached_property
    def forms(self) -> list[str]:
        """Normal form of each mention."""
        return [normalise_form(name, self.rules) for name in self.mentions["name"]]

    @cached_property
    def other_forms(self) -> list[str]:
        """Normal form of each of `others`."""
        return (
            self.forms if self.entities is None else [normalise_form(name, self.rules) for name in self.others["name"]]
        )

    @property
    def texts(self) -> list[str]:
        """All names as an encoder of texts reads them best, those of the list behind the mentions."""
        parts = [self.mentions] if self.entities is None else [self.mentions, self.entities]
        return [text for part in parts for text in plain_names(part["name"], self.rules)]

    def entitle(self, title: str) -> str:
        """A title that says of which names it is.

        Examples
        --------
        >>> names = Names(pd.DataFrame({"mention_id": ["m1"], "name": ["Niger"]}), about="countries")
        >>> names.entitle("Weights of the scores")
        'Weights of the scores: countries'
        """
        return f"{title}: {self.about}" if self.about else title

    def with_vectors(self, vectors: TextVectors) -> Names:
        """The same names with the vectors of their `texts`, and with the folder for results that these have."""
        rows, n_mentions = vectors.array[vectors.rows(self.texts)], len(self.mentions)
        listed = None if self.entities is None else rows[n_mentions:]
        return replace(self, vectors=rows[:n_mentions], entity_vectors=listed, outputs=self.outputs or vectors.outputs)

    def __repr__(self) -> str:
        distinct = f"{say_count(len(self.mentions), 'name')}, {len(set(self.forms)):,} different in their normal form"
        if self.entities is None:
            return distinct
        return f"{distinct}; a list of {self.entities['entity_id'].nunique():,} entities"

    def _check_vectors(self) -> list[Fault]:
        """Faults of vectors: not one vector per row, or one side without vectors."""
        if (self.vectors is None) != (self.other_vectors is None):
            return [Fault("vectors", "only one of the two tables has vectors", "pass both, or none")]
        sides = [("vectors", self.mentions, self.vectors), ("entity_vectors", self.others, self.other_vectors)]
        return [
            Fault(
                name,
                f"shape {array.shape} for {say_count(len(frame), 'row')}",
                "pass one vector per row, in the frame's order",
            )
            for name, frame, array in sides
            if array is not None and (array.ndim != 2 or len(array) != len(frame))
        ]


def read_truth(truth: Truth | pd.DataFrame) -> pd.Series:
    """Entity of each mention id, as it was given.

    Examples
    --------
    >>> read_truth({"m1": "NER", "m2": None}).to_dict()
    {'m1': 'NER', 'm2': None}
    """
    if isinstance(truth, pd.DataFrame):
        problem = f"it is a table with {say_count(len(truth.columns), 'column')}, not the entity of each mention id"
        mend = "give one column of it by mention id: frame.set_index('mention_id')['entity_id']"
        raise ParameterError("The truth of the names cannot be read.", [Fault("truth", problem, mend)])
    return pd.Series(truth, dtype=object)


def raise_faults(summary: str, faults: Sequence[Fault]) -> None:
    """Raise a TableError with all `faults`, or a ParameterError where none is about a table."""
    if faults:
        tables = any(fault.where.startswith("table") for fault in faults)
        raise (TableError if tables else ParameterError)(summary, faults)


def check_columns(frame: pd.DataFrame, columns: Iterable[str], what: str, mend: str) -> list[Fault]:
    """Faults of a frame that lacks columns."""
    absent = [column for column in columns if column not in frame.columns]
    return [Fault(f"table of {what}", f"it has no column {name_some(absent, 9)}", mend)] if absent else []


def _check_frame(frame: pd.DataFrame, key: str, what: str, *, unique: bool) -> list[Fault]:
    mend = f"rename the columns, e.g. frame.rename(columns={{'id': '{key}', 'title': 'name'}})"
    faults = check_columns(frame, (key, "name"), what, mend)
    if faults:
        return faults
    where = f"table of {what}"
    if frame[key].isna().any():
        faults.append(Fault(where, f"{int(frame[key].isna().sum())} rows have no {key}", "give each one, or drop them"))
    if unique and frame[key].duplicated().any():
        twice = name_some(frame.loc[frame[key].duplicated(), key].unique())
        faults.append(Fault(where, f"{key} {twice} occurs twice", "give each row an id of its own"))
    empty = frame["name"].isna() | (frame["name"].astype(str).str.strip() == "")
    if empty.any():
        names = name_some(frame.loc[empty, key])
        faults.append(Fault(where, f"{key} {names} has no name", "drop these rows, or fill in the name"))
    return faults
