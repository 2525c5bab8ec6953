"""A coder's work opened with what the round adds: feedback of a training, suggestions by lot, a gate before it."""

from __future__ import annotations

from pathlib import Path

from codebook.coding.assignments import FOLDER, read_assignment
from codebook.coding.coding_log import ADJUDICATION, CodingLog, log_path
from codebook.coding.deciding.adjudicating import go_on_adjudicating
from codebook.coding.deciding.sides import MAIN
from codebook.coding.kept_units import KeptUnits
from codebook.coding.rounds.offered_suggestions import offer_suggestions
from codebook.coding.rounds.qualifying import require_gate
from codebook.coding.rounds.training import give_feedback
from codebook.coding.sessions.session import CodingSession
from codebook.coding.sessions.session_plan import Beside, SessionPlan
from codebook.coding.sessions.unit_sources import SourceMaker, embed_files
from codebook.paths import resolve_path
from codebook.scheme import read_codebook


def open_session(
    coder: str,
    folder: str | Path = FOLDER,
    *,
    round_name: str = "main",
    read_only: bool = False,
    beside: Beside | None = None,
    sources: SourceMaker = embed_files,
) -> CodingSession:
    """Open a coder's work where the coder left it, with the feedback or suggestions that the round has.

    Parameters
    ----------
    coder
        One of those to whom units are assigned.
    folder
        The coding folder; that of the study where none is named.
    round_name
        "main", or that of a training or another round; "adjudication": what coders differ on, for whoever decides.
    read_only
        Only look; a second session of one coder is read only anyhow.
    beside, sources
        What is shown beside a unit in place of what the round adds, and how files are shown (`SessionPlan`).

    Raises
    ------
    ParameterError
        There is no assignment, or nothing for this coder; or the coder has not passed the gate of a training.
    RecordError
        The coder's log is damaged further up than in its last line.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.open_study().with_coding(coders=("ann",)).assign()
    >>> with open_session("ann") as session: session.label("economy")
    >>> cb.coding.read_logs().frame["label"].dropna().tolist()
    ['economy']
    """
    place = resolve_path(folder)
    if round_name == ADJUDICATION:
        return go_on_adjudicating(coder, place, sources)
    assignment = read_assignment(place)
    rows = tuple(assignment.of(coder, round_name))
    if round_name == MAIN:
        require_gate(place, assignment, coder)
    book = read_codebook(assignment.codebook)
    feedback = give_feedback(place, book, round_name)
    plan = SessionPlan(
        coder,
        book,
        rows,
        KeptUnits(place / "units.jsonl"),
        assignment.study,
        round_name,
        assignment.digest,
        beside or feedback or offer_suggestions(place),
        sources,
        stays=feedback is not None,
    )
    log = CodingLog(log_path(place, coder), read_only=read_only)
    try:
        return CodingSession(plan, log)
    except BaseException:
        log.close()
        raise
