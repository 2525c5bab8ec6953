"""All runs of a project: its jobs, answers, errors and money as frames.

In comes the ledger; out go frames for notebooks, commands and boards. Open `overview.py` first.
"""
