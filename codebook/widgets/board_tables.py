"""Tables of boards: cells in words, as HTML and as plain text. Every text is escaped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from codebook.ground.quantities import show_usd
from codebook.outputs.templating import render
from codebook.visible import spell_block
from codebook.widgets.phrases import is_missing, say_number

DIM = "cb-dim"
"""The class of words in a paler colour."""
Part = tuple[str, str]  # words and their class


@dataclass(frozen=True)
class Cell:
    """A cell of a table: lines of (words, class), its own class, and the share of a meter that it begins with.

    An "id" stays on one line as long as it can, a "name" breaks where it is long.
    """

    lines: Sequence[Sequence[Part]] = ()
    kind: str = ""
    meter: float | None = None

    @property
    def fits(self) -> bool:
        """Whether it has a box of its own, as wide as what it holds and no wider than a page has room for."""
        return self.kind in ("id", "name")

    @property
    def text(self) -> str:
        """What it says, in one line."""
        return ", ".join("".join(words for words, _ in line).strip() for line in self.lines)

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing."""
        return self.meter is None and all(words in ("", "–") for line in self.lines for words, _ in line)


@dataclass(frozen=True)
class BoardTable:
    """A heading and a table, shown without its empty columns; `none` in its place where there is no row.

    `numbers` are the heads of columns that are ranged right.
    """

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    numbers: Sequence[str] = ()
    none: str = ""

    @property
    def _columns(self) -> list[int]:
        return [at for at in range(len(self.heads)) if not all(row[at].is_empty for row in self.rows)]

    def html(self) -> str:
        """Return it as HTML."""
        rows = [[row[at] for at in self._columns] for row in self.rows]
        heads = [(self.heads[at], self.heads[at] in self.numbers) for at in self._columns]
        return render("board_table.html.j2", title=self.title, heads=heads, rows=rows, instead=self.none)

    def text(self) -> str:
        """Return it as plain text."""
        if not self.rows:
            return self.none
        heads = [self.heads[at] for at in self._columns]
        lines = [heads, *([row[at].text for at in self._columns] for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        ranged = [head in self.numbers for head in heads]
        return spell_block("\n".join(_write_line(line, widths, ranged) for line in lines))


def _write_line(cells: Sequence[str], widths: Sequence[int], ranged: Sequence[bool]) -> str:
    parts = zip(cells, widths, ranged, strict=True)
    return "  ".join(text.rjust(width) if right else text.ljust(width) for text, width, right in parts).rstrip()


def in_words(words: str, kind: str = "", *, below: str = "") -> Cell:
    """A cell of one line, and another below it in a paler colour."""
    return Cell([[(words, "")], *([[(below, DIM)]] if below else [])], kind)


def say_cost(row: Mapping[Any, Any]) -> Cell:
    """What is known to be paid or reserved, and how many answers are not in it."""
    if is_missing(row["cost"]) and not is_missing(row.get("reserved")) and "shard" in row:
        return in_words(show_usd(row["reserved"], about=True), "n", below="reserved")
    if not row["unpriced"]:
        return in_words(show_usd(row["cost"], about=True), "n")
    unknown = f"{say_number(row['unpriced'])} of unknown price"
    return (
        in_words(show_usd(row["cost"], about=True), "n", below=f"and {unknown}")
        if row["cost"]
        else in_words(unknown, "n")
    )
