"""A deposit: one folder and zip with all that a journal's data editor asks for; and how to check it anywhere.

In comes a study with a collected run; out goes a folder that replays offline wherever it lies. Open `depositing.py`
first, then `assembling.py` (what goes in), `withheld_texts.py` (which parts stay on this machine), and `verifying.py`.
"""

from codebook.deposit.deposit_layout import About, read_about
from codebook.deposit.depositing import Deposited, write_deposit
from codebook.deposit.verifying import Verified, verify_deposit

__all__ = ["About", "Deposited", "Verified", "read_about", "verify_deposit", "write_deposit"]
