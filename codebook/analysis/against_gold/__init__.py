"""Does a coder give the labels of the gold?

In come codings with a gold coder, and the gold sample where it was drawn with known chances; out come figures by label
and over all, weighted by these chances. Open `validity_tables.py` first; the table in `../__init__.py` says which file
answers which question. Under all of them `gold_cells.py` pairs a coder with gold, and `measures.py` reckons on the
pairs.
"""
