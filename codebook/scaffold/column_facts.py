"""What can be seen of the columns of a table in one reading, in a memory that does not grow with long texts."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from codebook.files import RowFile

MAX_LABELS = 60
MAX_LABEL_CHARS = 80
_MAX_ID_CHARS = 64
_JOINTS = re.compile(r"[\W_]+|(?<=[a-z])(?=[A-Z])|(?<=[^\W\d_])(?=\d)")
_TEXT_WORDS = {"text", "texte", "texts", "body", "content", "sentence", "satz", "headline", "title", "tweet", "post"}
_TEXT_WORDS |= {"comment", "kommentar", "answer", "antwort", "response", "wortlaut", "inhalt", "quote", "zitat"}
_ID_WORDS = {"id", "ids", "nr", "no", "num", "number", "nummer", "key", "uid", "doc", "case", "fall", "lfd"}


def split_name(name: str) -> list[str]:
    """Return the words of a column's name, in small letters.

    Examples
    --------
    >>> split_name("Anna_topic"), split_name("coder2"), split_name("textId")
    (['anna', 'topic'], ['coder', '2'], ['text', 'id'])
    """
    return [word.casefold() for word in _JOINTS.split(name) if word]


@dataclass
class ColumnFacts:
    """A column: how far it is filled, how long its cells are, and its different cells as long as they are few.

    `values` counts the cells as they stand, and is None where they are too many or too long to be labels; `n_twice`
    counts the cells that stood before.
    """

    name: str
    n_rows: int = 0
    n_filled: int = 0
    n_chars: int = 0
    n_spaced: int = 0
    longest: int = 0
    n_twice: int = 0
    values: Counter[str] | None = field(default_factory=Counter)
    _seen: set[int] | None = field(default_factory=set)

    def add(self, cell: str) -> None:
        """Look at the next cell."""
        self.n_rows += 1
        if not (plain := cell.strip()):
            return
        self.n_filled += 1
        self.n_chars += len(plain)
        self.n_spaced += " " in plain
        self.longest = max(self.longest, len(plain))
        if self.values is not None:
            self.values[cell] += 1
            if len(self.values) > MAX_LABELS or self.longest > MAX_LABEL_CHARS:
                self.values = None
        if self._seen is not None:
            self.n_twice += (key := hash(cell)) in self._seen
            self._seen.add(key)
            if self.n_twice > 20 + self.n_rows / 10:
                self._seen = None

    @property
    def words(self) -> set[str]:
        """The words of its name."""
        return set(split_name(self.name))

    @property
    def may_be_labels(self) -> bool:
        """Whether its cells are few different short ones."""
        return self.values is not None and 1 < len(self.values) <= max(2, self.n_filled // 2)

    @property
    def may_be_id(self) -> bool:
        """Whether each row has a short cell of its own here."""
        return self.n_filled == self.n_rows and not self.n_twice and 0 < self.longest <= _MAX_ID_CHARS

    @property
    def repeats(self) -> bool:
        """Whether many of its cells stood before."""
        return self.n_twice > max(2, self.n_rows / 10)

    @property
    def is_named_id(self) -> bool:
        """Whether it is called so."""
        return bool(self.words & _ID_WORDS) or self.name.casefold().endswith("id")

    @property
    def is_named_text(self) -> bool:
        """Whether it is called so."""
        return bool(self.words & _TEXT_WORDS)

    @property
    def textness(self) -> float:
        """How much it looks like texts: its mean length in characters, less where the cells are one word each."""
        mean = self.n_chars / self.n_filled if self.n_filled else 0.0
        return mean if 2 * self.n_spaced >= self.n_filled else 0.3 * mean


def read_columns(rows: RowFile) -> list[ColumnFacts]:
    """Read a table once and return what its columns are like."""
    columns = [ColumnFacts(name) for name in rows.columns]
    for row in rows:
        for column in columns:
            column.add(row[column.name])
    return columns
