"""Tables that people bring: csv, xlsx, JSON lines, parquet and SQLite, read as rows of text; and workbooks written.

In comes a file as somebody saved it; out go its rows, exactly, as a stream. Open `rows.py` first, then `formats.py`
(one reader a format).
"""
