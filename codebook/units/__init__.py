"""Read the units to be coded: exact, streamed, checked at once before anything is sent.

In comes a file, a folder of images or of PDFs; out goes a source that yields `Unit`s, and a report on it. Open
`source.py` first, then `check.py`. What is kept and sent of a unit stands in `material/`.
"""

from codebook.material.unit_store import iter_units
from codebook.units.any_source import Source
from codebook.units.check import UnitFault, UnitsReport, check_units, mend_guess
from codebook.units.documents import DocumentSource, read_documents
from codebook.units.groups import GroupSource, group_units
from codebook.units.image_source import read_images
from codebook.units.opening import open_units, read_form
from codebook.units.source import ROW_NUMBER, UnitSource, draw_units, read_units

__all__ = [
    "ROW_NUMBER",
    "DocumentSource",
    "GroupSource",
    "Source",
    "UnitFault",
    "UnitSource",
    "UnitsReport",
    "check_units",
    "draw_units",
    "group_units",
    "iter_units",
    "mend_guess",
    "open_units",
    "read_documents",
    "read_form",
    "read_images",
    "read_units",
]
