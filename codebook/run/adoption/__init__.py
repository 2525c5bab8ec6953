"""A run that comes from elsewhere: its folder copied whole, checked, and taken into the ledger.

In comes the folder of a run; out comes the run, its answers known to the project. Open `adopting.py` first.
"""
