"""How does the coding go, and do coders agree so far? For who leads the coding; no coder sees it while coding.

In come codings of logs, with the time of each label, or a coding folder; out come `Result`s, and a board of all of
them for a notebook or as a page. Open `monitoring_board.py` first.
"""

from codebook.coding.monitoring.coder_progress import coding_progress
from codebook.coding.monitoring.confused_codes import confused_texts
from codebook.coding.monitoring.label_drift import drift
from codebook.coding.monitoring.monitoring_board import CodingBoard, coding_board
from codebook.coding.monitoring.repeated_units import self_agreement

__all__ = ["CodingBoard", "coding_board", "coding_progress", "confused_texts", "drift", "self_agreement"]
