"""Rounds beside the main one: training against known answers, norming on what is disputed, and suggestions by lot.

In come a codebook's own examples, or units whose right answers are known, or labels of a model; out go rounds of the
assignment, what a form shows beside a unit, and who has passed the gate. Open `training.py` first.
"""
