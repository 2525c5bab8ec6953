"""People code the units: who codes what, the form in which they code, and the answers of each, act by act.

    Design, assign, write_assignment, read_assignment     draw who codes what, and keep it in a coding folder
    Changes, extend_assignment                            add units or a coder, or let a coder leave
    open_session                                          one coder's work, in a notebook, a browser or a script
    read_logs                                             the answers of all coders, as `Codings`
    add_training, qualification, add_norming              train with known answers, and code units again (`rounds/`)
    open_adjudication, read_decisions                     decide where coders differ (`deciding/`)
    write_workbooks, write_pages, read_handout            files to take away, and what comes back (`handouts/`)
    coding_board                                          the state of the coding, for who leads it (`monitoring/`)
    Trial                                                 all of this, tried with simulated coders

In come units and a codebook; out go assignments, and one append-only log per coder. Open `assignments.py` first, then
`sessions/` (one coder's work, and what a form is shown and may answer); `coding_log.py` is a log.
"""

from typing import TYPE_CHECKING

from codebook.ground.lazy_rooms import lazy_names

if TYPE_CHECKING:
    from codebook.coding.assigning import Design
    from codebook.coding.assignment_changes import Changes, extend_assignment
    from codebook.coding.assignments import Assigned, Assignment, assign, read_assignment, write_assignment
    from codebook.coding.coding_log import CodingLog
    from codebook.coding.coding_settings import CodingSettings, read_coding
    from codebook.coding.deciding.adjudicating import AdjudicationSession, open_adjudication
    from codebook.coding.deciding.decisions import read_decisions
    from codebook.coding.handouts.handing import HandedOut, read_handout, write_pages, write_workbooks
    from codebook.coding.handouts.returns import Returned, read_workbook
    from codebook.coding.log_codings import read_logs
    from codebook.coding.monitoring.coder_progress import coding_progress
    from codebook.coding.monitoring.confused_codes import confused_texts
    from codebook.coding.monitoring.label_drift import drift
    from codebook.coding.monitoring.monitoring_board import CodingBoard, coding_board
    from codebook.coding.monitoring.repeated_units import self_agreement
    from codebook.coding.rounds.known_answers import KnownAnswer, example_units, list_known
    from codebook.coding.rounds.norming_rounds import add_norming
    from codebook.coding.rounds.offered_suggestions import add_suggestions, write_suggestions
    from codebook.coding.rounds.qualifying import qualification
    from codebook.coding.rounds.training import add_training, choose_training
    from codebook.coding.session_opening import open_session
    from codebook.coding.sessions.session import CodingSession
    from codebook.coding.sessions.session_plan import SessionPlan
    from codebook.coding.simulated_coder import Trial, draw_answers, find_known, simulate_coder
else:
    __getattr__, __dir__ = lazy_names(__name__)

__all__ = [
    "AdjudicationSession",
    "Assigned",
    "Assignment",
    "Changes",
    "CodingBoard",
    "CodingLog",
    "CodingSession",
    "CodingSettings",
    "Design",
    "HandedOut",
    "KnownAnswer",
    "Returned",
    "SessionPlan",
    "Trial",
    "add_norming",
    "add_suggestions",
    "add_training",
    "assign",
    "choose_training",
    "coding_board",
    "coding_progress",
    "confused_texts",
    "draw_answers",
    "drift",
    "example_units",
    "extend_assignment",
    "find_known",
    "list_known",
    "open_adjudication",
    "open_session",
    "qualification",
    "read_assignment",
    "read_coding",
    "read_decisions",
    "read_handout",
    "read_logs",
    "read_workbook",
    "self_agreement",
    "simulate_coder",
    "write_assignment",
    "write_pages",
    "write_suggestions",
    "write_workbooks",
]
