"""Rows of text from csv, xlsx, JSON lines and parquet: one way to read them all, in a flat memory.

Every value becomes text, exactly: nothing is stripped or normalised, and an empty cell is the empty text. Numbers lose
nothing but a decimal part of zero (an id kept as 1523.0 reads "1523"), dates become ISO, truth values "true", "false".
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from codebook.errors import Fault, UnitsError
from codebook.paths import missing_file, resolve_path
from codebook.units.decode import find_delimiter, find_encoding
from codebook.units.formats import HEADERS, READERS, Row, read_csv


@dataclass
class RowFile:
    """A file of rows. Iterating reads it anew, as a stream.

    While it is read, `ragged` collects the lines of a wrong width and `n_read` counts the rows.
    """

    path: Path
    columns: tuple[str, ...]
    encoding: str = "utf-8"
    how_encoded: str = ""
    delimiter: str | None = None
    sheet: str | None = None
    ragged: list[int] = field(default_factory=list)
    n_read: int = 0

    def __iter__(self) -> Iterator[Row]:
        self.ragged.clear()
        self.n_read = 0
        for row in READERS[self.path.suffix.lower()](self):
            self.n_read += 1
            yield row

    def require(self, names: Iterable[str]) -> None:
        """Raise one `UnitsError` that names every column that is not there, with its nearest neighbour."""
        faults = [missing_column(self.path.name, name, self.columns) for name in names if name not in self.columns]
        if faults:
            raise UnitsError(f"{self.path.name} has the columns {', '.join(map(repr, self.columns))}.", faults)


def missing_column(where: str, name: str, columns: Iterable[str]) -> Fault:
    """Return the fault of a column that is not there, with a did-you-mean."""
    names = list(columns)
    folded = {column.casefold().strip(): column for column in names}
    near = difflib.get_close_matches(name.casefold().strip(), list(folded), n=1)
    mend = f"did you mean {folded[near[0]]!r}?" if near else f"use one of {', '.join(map(repr, names))}"
    return Fault(where, f"there is no column {name!r}", mend)


def open_rows(
    path: str | Path, *, encoding: str | None = None, delimiter: str | None = None, sheet: str | None = None
) -> RowFile:
    """Open a file of rows by its suffix: .csv, .tsv, .txt, .xlsx, .jsonl, .ndjson or .parquet.

    Parameters
    ----------
    encoding, delimiter : str, optional
        Of a csv file; found in the file where not given.
    sheet : str, optional
        Of an xlsx file; the first sheet where not given.

    Raises
    ------
    UnitsError
        No such file, a suffix that is not read, bytes that cannot be decoded, a sheet that is not there, or two columns
        with one name.

    Examples
    --------
    >>> import tempfile; folder = tempfile.TemporaryDirectory(); path = Path(folder.name) / "texts.csv"
    >>> _ = path.write_text("id;text\\n1;good, and cheap\\n")
    >>> rows = open_rows(path)
    >>> rows.columns, rows.delimiter, list(rows)
    (('id', 'text'), ';', [{'id': '1', 'text': 'good, and cheap'}])
    >>> folder.cleanup()
    """
    path = resolve_path(path)
    suffix = path.suffix.lower()
    if not path.is_file():
        raise UnitsError("The texts are not there.", [missing_file(path)])
    if suffix not in READERS:
        kinds = ".csv, .tsv, .txt, .xlsx, .jsonl, .ndjson and .parquet"
        fault = Fault(path.name, f"files that end in {suffix or 'nothing'} are not read", f"save it as one of {kinds}")
        raise UnitsError(f"{path.name} cannot be read.", [fault])
    rows = RowFile(path, (), sheet=sheet)
    if READERS[suffix] is read_csv:
        found = find_encoding(path, encoding)
        rows.encoding, rows.how_encoded = found.name, found.how
        rows.delimiter = delimiter or ("\t" if suffix == ".tsv" else find_delimiter(path, found.name))
    rows.columns = HEADERS[suffix](rows)
    return rows
