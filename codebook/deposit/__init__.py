"""A deposit: one folder and zip with all that a journal's data editor asks for; and its check from outside.

In comes a study with a collected run; out goes a folder that replays offline wherever it lies. Open `depositing.py`
first, then `assembling.py` (what goes in), `withheld_texts.py` (what of it stays here), and `verifying.py`.
"""

from codebook.deposit.deposit_layout import About, read_about
from codebook.deposit.depositing import Deposited, write_deposit
from codebook.deposit.verifying import Verified, verify_deposit

__all__ = ["About", "Deposited", "Verified", "read_about", "verify_deposit", "write_deposit"]
