"""What every source of units is, whether it reads rows of a file, images or PDFs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codebook.files.decode import Encoding
from codebook.records import Unit


class Source(ABC):
    """The units of a file or folder, read anew as a stream at each pass; nothing is held in memory.

    Iterating yields the units that can be asked. `with_skips` yields every unit, each with the reason why it is not
    asked, or None.

    Examples
    --------
    >>> import codebook as cb
    >>> source = cb.open_study().open_units()
    >>> isinstance(source, Source), len(list(source))
    (True, 12)
    """

    @property
    @abstractmethod
    def path(self) -> Path:
        """The file or folder."""

    @abstractmethod
    def with_skips(self) -> Iterator[tuple[Unit, str | None]]:
        """Yield `(unit, skip)`: `skip` says why the unit is kept but not asked (its why is `absent`), or is None.

        Raises
        ------
        UnitsError
            At the first thing that cannot be a unit, such as one without an id.
        """

    @abstractmethod
    def describe(self) -> dict[str, Any]:
        """What `run.json` says of the source: the file, and all that chooses and shapes its units."""

    @property
    def encoding(self) -> Encoding | None:
        """How the bytes of a text file were read, and whether that was guessed; None where nothing was to be found."""
        return None

    def remarks(self) -> Iterator[tuple[str, str]]:
        """Yield (kind, place) of what a pass has found besides the units and why some are not asked."""
        yield from ()

    def tell(self) -> list[str]:
        """Lines for people about how the source is read and what of it is sent."""
        return []

    def __iter__(self) -> Iterator[Unit]:
        return (unit for unit, skip in self.with_skips() if skip is None)
