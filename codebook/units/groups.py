"""Groups of texts as units: the posts of a thread, the articles of a week, joined in the order of the file.

Each unit keeps the ids of its members and where the text of each begins, so that what is quoted from a group is found
in its member again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from codebook.errors import Fault, UnitsError
from codebook.files.decode import Encoding
from codebook.records import Unit
from codebook.units.any_source import Source
from codebook.units.source import UnitSource

SEPARATOR = "\n\n"
LONG = ("skip", "split")
"""What becomes of a group that is too long: it is kept but not asked, or asked in parts of whole texts."""


@dataclass(frozen=True)
class GroupSource(Source):
    """The groups of a file of rows, each given when its last row was read; only groups not yet complete are held.

    `texts` are the rows as units of their own, the group among their context.

    Examples
    --------
    >>> import codebook as cb
    >>> groups = group_units(cb.open_study().open_units(), "gold")
    >>> [unit.unit_id for unit in groups]
    ['economy', 'sports', 'health']
    """

    texts: UnitSource
    group_column: str
    context_columns: tuple[str, ...] = ()
    separator: str = SEPARATOR
    long: str = "skip"

    @property
    def path(self) -> Path:
        """The file."""
        return self.texts.path

    @property
    def encoding(self) -> Encoding | None:
        """That of the texts."""
        return self.texts.encoding

    def describe(self) -> dict[str, Any]:
        """File, columns and filter, and how texts are joined."""
        grouped = {"group_column": self.group_column, "separator": self.separator, "long_groups": self.long}
        return self.texts.describe() | {"context_columns": list(self.context_columns)} | grouped

    def tell(self) -> list[str]:
        """How the file is read, and how its texts become units."""
        return [*self.texts.tell(), f"texts with the same {self.group_column!r} are one unit"]

    def with_skips(self) -> Iterator[tuple[Unit, str | None]]:
        """Yield `(unit, skip)` of every group, or of every part of a group that is split.

        Raises
        ------
        UnitsError
            At the first row that cannot be a text of a group: no id, no group, wrong number of fields.
        """
        left = self.count_texts()
        groups: dict[str, list[Unit]] = {}
        for number, (text, _) in enumerate(self.texts.with_skips(), start=1):
            group = text.context[self.group_column]
            if not group.strip():
                where = f"{self.path.name}, text {number} ({text.unit_id!r})"
                fault = Fault(
                    where, f"{self.group_column!r} is empty", "fill in its group, or leave the row out with `where`"
                )
                raise UnitsError(f"{self.path.name} cannot be grouped.", [fault])
            groups.setdefault(group, []).append(text)
            left[group] -= 1
            if not left[group]:
                yield from self._make_units(group, groups.pop(group))

    def count_texts(self) -> dict[str, int]:
        """Return how many texts each group has."""
        counts: dict[str, int] = {}
        for _, row in self.texts.selected():
            group = row[self.group_column]
            counts[group] = counts.get(group, 0) + 1
        return counts

    def _make_units(self, group: str, texts: Sequence[Unit]) -> Iterator[tuple[Unit, str | None]]:
        whole = join_texts(group, texts, self.separator, self.context_columns)
        skip = self.texts.skip(whole)
        if skip is None or self.long == "skip" or not whole.text.strip():
            yield whole, skip
            return
        for number, some in enumerate(_fill(texts, self.texts.max_chars, len(self.separator)), start=1):
            part = join_texts(f"{group}.{number}", some, self.separator, self.context_columns)
            yield part, self.texts.skip(part)


def group_units(
    units: UnitSource, group_column: str, *, separator: str = SEPARATOR, long_groups: str = "skip"
) -> Source:
    r"""Make the texts that share a group one unit, whose id is the group's name.

    Parameters
    ----------
    units
        The texts, from `read_units`; its `max_chars` is then the limit of a group.
    group_column
        Column with the name of each text's group; "" for no groups.
    separator
        What stands between two texts.
    long_groups
        What becomes of a group over the limit: "skip" keeps it as a row and does not ask it; "split" makes parts of
        it, named `group.1`, `group.2`, each of whole texts. A text is never cut.

    Raises
    ------
    UnitsError
        There is no such column, or no such way with long groups.

    Examples
    --------
    >>> path = Path("posts.csv")
    >>> _ = path.write_text("id,thread,text\n7,a,Coal?\n8,b,Hello.\n9,a,No coal.\n")
    >>> from codebook.units import read_units
    >>> threads = group_units(read_units(path, id_column="id", text_column="text"), "thread", separator=" ")
    >>> [(unit.unit_id, unit.text, unit.members) for unit in threads]
    [('b', 'Hello.', (('8', 0),)), ('a', 'Coal? No coal.', (('7', 0), ('9', 6)))]
    """
    if not group_column:
        return units
    units.rows.require([group_column])
    if long_groups not in LONG:
        fault = Fault("long_groups", f"{long_groups!r} is not known", f"write one of {', '.join(LONG)}")
        raise UnitsError("The texts cannot be grouped like this.", [fault])
    columns = tuple(dict.fromkeys([*units.context_columns, group_column]))
    texts = replace(units, context_columns=columns)
    return GroupSource(texts, group_column, units.context_columns, separator, long_groups)


def join_texts(group: str, texts: Sequence[Unit], separator: str, context_columns: Iterable[str] = ()) -> Unit:
    """Join texts into one unit. Where they differ in a context column, its different values stand side by side.

    Examples
    --------
    >>> thread = join_texts("t1", [Unit("7", "Coal?", {"by": "Ann"}), Unit("9", "No.", {"by": "Ben"})], " ", ["by"])
    >>> thread.text, thread.members, thread.context
    ('Coal? No.', (('7', 0), ('9', 6)), {'by': 'Ann; Ben'})
    """
    members, place = [], 0
    for text in texts:
        members.append((text.unit_id, place))
        place += len(text.text) + len(separator)
    context = {name: "; ".join(dict.fromkeys(_values(texts, name))) for name in context_columns}
    return Unit(group, separator.join(text.text for text in texts), context, members=tuple(members))


def _values(texts: Iterable[Unit], name: str) -> Iterator[str]:
    contexts: Iterator[Mapping[str, str]] = (text.context for text in texts)
    return (context[name] for context in contexts if context[name])


def _fill(texts: Iterable[Unit], most: int, n_between: int) -> Iterator[list[Unit]]:
    """Yield as many texts at a time as have so many characters together, one at least."""
    some: list[Unit] = []
    n_chars = 0
    for text in texts:
        size = len(text.text)
        if some and n_chars + n_between + size > most:
            yield some
            some, n_chars = [], 0
        n_chars += size + (n_between if some else 0)
        some.append(text)
    if some:
        yield some
