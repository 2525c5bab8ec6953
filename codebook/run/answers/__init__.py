"""Answers of a run: fetched, judged line by line, and read back as the tidy table.

In come result files of ended jobs; out go rows of the ledger, and the tidy table. Open `harvest.py` first, then
`line_reader.py` and `result_table.py`.
"""
