"""`codebook erase`: one unit's text and answers go from every file below `runs/` and from the ledger.

Comes in: the id of a unit. Goes out: what became of each file, and what cannot be reached from here. Open `verb.py`
first; `targets` and `naming` find what goes, `erased_files` and `derived` take it out, `traces` knows what to look
for.
"""

from codebook.run.erasing.verb import Erasure, check_erasure, erase_unit

__all__ = ["Erasure", "check_erasure", "erase_unit"]
