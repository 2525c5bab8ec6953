"""Questions of a run: cut into shards, trimmed by what others asked, asked again, rehearsed without sending.

In come units; out go shards, in a memory that stays flat. Open `planner.py` first.
"""
