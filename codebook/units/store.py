"""`units.jsonl` of a run: every unit, asked or not, as JSON lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from codebook.errors import RecordError
from codebook.records import Unit, read_lines, write_lines


def write_units(path: Path, units: Iterable[tuple[Unit, str | None]]) -> None:
    """Write `(unit, skip)` pairs as JSON lines, all or nothing, as a stream.

    Examples
    --------
    >>> import tempfile; folder = tempfile.TemporaryDirectory(); path = Path(folder.name) / "units.jsonl"
    >>> write_units(path, [(Unit("7", "Coal is cheap.", {"speaker": "A"}), None), (Unit("9", ""), "the text is empty")])
    >>> print(path.read_text().splitlines()[1])
    {"unit_id":"9","text":"","context":{},"skip":"the text is empty"}
    >>> [skip for unit, skip in iter_units(path)]
    [None, 'the text is empty']
    >>> folder.cleanup()
    """
    write_lines(
        path,
        (
            {"unit_id": unit.unit_id, "text": unit.text, "context": dict(unit.context), "skip": skip}
            for unit, skip in units
        ),
    )


def iter_units(path: Path) -> Iterator[tuple[Unit, str | None]]:
    """Yield the `(unit, skip)` pairs that `write_units` wrote.

    Raises
    ------
    RecordError
        A line is damaged; the message names it.
    """
    for number, value in enumerate(read_lines(path), start=1):
        try:
            yield Unit(value["unit_id"], value["text"], value["context"]), value["skip"]
        except KeyError as error:
            where = f"{path.name}, line {number}"
            raise RecordError(f"{where}: no {error.args[0]!r}. The file is damaged; plan the run again.") from None
