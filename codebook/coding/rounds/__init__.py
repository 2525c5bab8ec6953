"""Rounds beside the main one: training against known answers, norming on what is disputed, and suggestions by lot.

In come a codebook's own examples, or units whose right answers are known, or labels of a model; out go rounds of the
assignment, what a form shows beside a unit, and who has passed the gate. Open `training.py` first.
"""

from codebook.coding.rounds.known_answers import KnownAnswer, example_units, list_known, read_known
from codebook.coding.rounds.norming_rounds import add_norming
from codebook.coding.rounds.offered_suggestions import add_suggestions, write_suggestions
from codebook.coding.rounds.qualifying import qualification
from codebook.coding.rounds.training import add_training, choose_training

__all__ = [
    "KnownAnswer",
    "add_norming",
    "add_suggestions",
    "add_training",
    "choose_training",
    "example_units",
    "list_known",
    "qualification",
    "read_known",
    "write_suggestions",
]
