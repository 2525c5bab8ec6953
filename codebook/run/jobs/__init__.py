"""Jobs of a run: shards handed in, stopped, given up or discarded.

In come shards without a job; out go jobs that the ledger knows. Open `sending.py` first.
"""
