"""Tables that people bring: csv, xlsx, JSON lines, parquet and SQLite, read as rows of text; and workbooks written.

In comes a file as somebody saved it; out go its rows, exactly, as a stream. Open `rows.py` first, then `formats.py`
(one reader a format).
"""

from codebook.files.tables.formats import DATABASES, READERS, Row
from codebook.files.tables.rows import RowFile, open_rows, reading

__all__ = ["DATABASES", "READERS", "Row", "RowFile", "open_rows", "reading"]
