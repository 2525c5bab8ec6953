"""What one coder is given: the units in the coder's order, the codebook, and whose it is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from secrets import token_hex

from codebook.coding.coder_state import Turn
from codebook.files.lines import digest
from codebook.records import Unit
from codebook.scheme import Codebook

_BLANKS = re.compile(r"[\s\x00-\x1f\x7f]+")
_ESCAPED = re.compile(r"_x(00[0-7][0-9A-Fa-f])_")


@dataclass(frozen=True)
class Handout:
    """The units of one coder, in the coder's order, with the codebook.

    Attributes
    ----------
    study, coder
        Whose it is.
    codebook
        What is asked.
    turns
        Which unit is shown when; a unit may come again.
    units
        The units by id.
    assignment
        Digest of the assignment by which the coder has them.
    key
        By which this very handout is known again when it comes back under another name.
    """

    study: str
    coder: str
    codebook: Codebook
    turns: Sequence[Turn]
    units: Mapping[str, Unit]
    assignment: str = ""
    key: str = field(default_factory=lambda: token_hex(8))

    @property
    def contexts(self) -> list[str]:
        """Names of what is shown beside the texts, in order of appearance."""
        return list(dict.fromkeys(name for turn in self.turns for name in self.units[turn.unit].context))


def print_text(text: str) -> str:
    """A short digest of a text by which an edit is noticed: blanks and line ends make no difference.

    Examples
    --------
    >>> print_text("Coal?  \\r\\nNo.") == print_text("Coal?\\nNo."), print_text("Coal?") == print_text("Coal!")
    (True, False)
    """
    plain = text
    while plain != (decoded := _ESCAPED.sub(lambda match: chr(int(match[1], 16)), plain)):
        plain = decoded  # what only looks like a workbook's way to write a sign, some programs take for one
    return digest(_BLANKS.sub(" ", plain).strip())[:16]
