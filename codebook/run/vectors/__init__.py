"""Runs whose answers are vectors: texts become packs, replies become rows of a store.

In come units of a variable of kind embedding; out go vectors that all runs of the project share. Open `packs.py` first,
then `storing.py`.
"""
