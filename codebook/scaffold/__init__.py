"""A study's folder: made from nothing or from a table of texts, and opened.

In comes a name, and perhaps a file of texts with the labels of coders; out goes a folder that can be checked and run.
Open `study_folder.py` first; `table_guess.py` says what the columns of a table are, `study_draft.py` writes it down.
"""

from codebook.scaffold.lab import find_report, start_lab
from codebook.scaffold.start_page import StudyState, show_study
from codebook.scaffold.study_draft import tell_guess
from codebook.scaffold.study_folder import NewStudy, make_study
from codebook.scaffold.table_guess import TableChoice, TableGuess, guess_table

__all__ = [
    "NewStudy",
    "StudyState",
    "TableChoice",
    "TableGuess",
    "find_report",
    "guess_table",
    "make_study",
    "show_study",
    "start_lab",
    "tell_guess",
]
