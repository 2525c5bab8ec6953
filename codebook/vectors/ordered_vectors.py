"""The vectors of some texts, in their order: what analysis takes, whatever else the store holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from codebook.errors import Fault, ParameterError
from codebook.vectors.store import Floats, Ints, VectorStore

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Vectors:
    """The vectors of some texts.

    Attributes
    ----------
    texts
        The different texts, in order: row i of `array` is the vector of `texts[i]`.
    model
        The model that gave them.
    store
        Where they are kept.
    fields
        What else is known of each text, a row per text: the id and the context of the first unit that has it.
    outputs
        The folder into which results are saved.

    Examples
    --------
    >>> import codebook as cb
    >>> vectors = cb.embed_texts(["a goal", "a law"])
    >>> len(vectors.texts), vectors.model
    (2, 'embedded-use-minilm-2')
    """

    texts: tuple[str, ...]
    model: str
    store: VectorStore
    fields: pd.DataFrame | None = field(default=None, compare=False)
    outputs: Path | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        return f"{len(self):,} vectors of {self.dimensions} numbers each, by {self.model}."

    @property
    def dimensions(self) -> int:
        """Numbers a vector has."""
        return self.store.dimensions

    @cached_property
    def array(self) -> Floats:
        """The vectors, `(n_texts, n_dimensions)`: mapped from the disk where they stand there in this order."""
        rows = self.store.rows(self.texts)
        if len(rows) and (rows == np.arange(rows[0], rows[0] + len(rows))).all() and rows[0] >= 0:
            whole: Floats = self.store.array[rows[0] : rows[0] + len(rows)]
            return whole
        return self.store.get(self.texts)

    def rows(self, texts: Sequence[str]) -> Ints:
        """Return the row of `array` that holds each of these texts, `(n_texts,)`; texts may repeat.

        Raises
        ------
        ParameterError
            A text is not among those that were embedded.
        """
        unknown = [text for text in texts if text not in self._places]
        if unknown:
            first = ", ".join(map(repr, unknown[:5]))
            fault = Fault("texts", f"{len(unknown):,} have no vector here: {first}", "include them in embed_texts")
            raise ParameterError("These texts were not embedded.", [fault])
        return np.array([self._places[text] for text in texts], dtype=np.int64)

    @cached_property
    def _places(self) -> dict[str, int]:
        return {text: place for place, text in enumerate(self.texts)}
