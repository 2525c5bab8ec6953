"""Read the units to be coded: exact, streamed, checked at once before anything is sent.

`read_units` opens a file, `check_units` reports on it, `write_units` and `iter_units` keep the units of a run.
`open_rows` is the reader under it, which files with coders' labels go through as well.
"""

from codebook.files.rows import RowFile, missing_column, open_rows
from codebook.units.any_source import Source
from codebook.units.check import UnitFault, UnitsReport, check_units, mend_guess
from codebook.units.documents import DocumentSource, read_documents
from codebook.units.file_parts import load_parts
from codebook.units.groups import GroupSource, find_member, group_units
from codebook.units.image_source import read_images
from codebook.units.opening import open_units, read_form
from codebook.units.source import ROW_NUMBER, UnitSource, as_values, read_units
from codebook.units.unit_store import is_part, iter_units, write_units

__all__ = [
    "ROW_NUMBER",
    "DocumentSource",
    "GroupSource",
    "RowFile",
    "Source",
    "UnitFault",
    "UnitSource",
    "UnitsReport",
    "as_values",
    "check_units",
    "find_member",
    "group_units",
    "is_part",
    "iter_units",
    "load_parts",
    "mend_guess",
    "missing_column",
    "open_rows",
    "open_units",
    "read_documents",
    "read_form",
    "read_images",
    "read_units",
    "write_units",
]
