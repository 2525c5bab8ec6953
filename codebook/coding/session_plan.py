"""What a session goes by: who codes which rows by which codebook, and what a round shows beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from codebook.coding.assignments import Assigned
from codebook.coding.kept_units import KeptUnits
from codebook.coding.unit_sources import SourceMaker, embed_files
from codebook.records import Unit
from codebook.scheme import Codebook

Beside = Callable[[Assigned, Mapping[str, Any]], Mapping[str, Any]]
"""What a round adds to a view, by the row that is shown and the answers that it has: suggestion, feedback, sides."""


@dataclass(frozen=True)
class SessionPlan:
    """What a session goes by.

    Attributes
    ----------
    coder, study, round
        Who codes what.
    codebook, rows, units
        The instrument, what is assigned in order, and the units by their ids.
    assignment
        Digest of the assignment.
    beside
        What is shown beside a unit; nothing in a plain round. Every view asks it anew.
    sources
        How files of a unit are shown.
    stays
        A unit stays when it is answered, for what is shown beside it then, until the coder goes on.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.open_study().with_coding(coders=("ann",)).assign()
    >>> with cb.coding.open_session("ann") as session: print(session.plan.coder, len(session.plan.rows))
    ann 12
    """

    coder: str
    codebook: Codebook
    rows: tuple[Assigned, ...]
    units: Mapping[str, Unit] | KeptUnits
    study: str = ""
    round: str = "main"
    assignment: str = ""
    beside: Beside | None = None
    sources: SourceMaker = embed_files
    stays: bool = False

    @property
    def digests(self) -> dict[str, str]:
        """Of each variable that people code, the digest of all that a coder sees of it."""
        return {each.name: self.codebook.variable_digest(each.name) for each in self.codebook.variables}
