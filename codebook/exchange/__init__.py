"""Labels of people in the files of other tools: read with an account whose sums close, and written.

In comes an export; out go rows of codings, and what became of every other row. Open `reading.py` first: what a reader
of any tool gives back; then the file of the tool.
"""
