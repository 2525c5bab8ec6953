"""The ground that every room stands on: joins on ids, keys and secrets, faults of the machine, the log of a project.

In come ids, texts and exceptions of anyone; out go what does not meet, what must not be shown, and sentences with a
mend. Open `joins.py` first, then `secrecy.py` and `machine.py`.
"""
