"""The decisions of an adjudication as a frame that `cb.adjudicate` takes."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.coding.assignments import FOLDER, read_assignment
from codebook.coding.coder_state import CoderState
from codebook.coding.coding_log import ADJUDICATION, Act, log_path, read_acts
from codebook.coding.deciding.sides import read_disputes
from codebook.coding.label_values import dump_label
from codebook.paths import resolve_path
from codebook.scheme import read_codebook

COLUMNS = ("unit_id", "variable", "decision", "by", "reason", "time")


def read_decisions(folder: str | Path = FOLDER, *, others: Codings | None = None) -> pd.DataFrame:
    """The decisions on every variable; a blank decision is a dispute that is still pending.

    Parameters
    ----------
    folder
        The coding folder; that of the study where none is named.
    others
        Labels of models that were sides too, so that what is pending between them and people is counted.

    Returns
    -------
    DataFrame
        unit_id, variable, decision (as the tidy table writes labels), by, reason, time: for `cb.adjudicate`.

    Examples
    --------
    >>> from codebook.coding import Trial
    >>> _ = Trial.example("trial")
    >>> read_decisions("trial")["decision"].value_counts().to_dict()  # all are pending
    {'': 18}
    """
    place = resolve_path(folder)
    assignment = read_assignment(place)
    acts, _ = read_acts(log_path(place, ADJUDICATION))
    state = CoderState(acts)
    rows = []
    for variable in read_codebook(assignment.codebook).variables:
        decided = read_decided(state, variable.name)
        for unit, dispute in read_disputes(place, assignment, variable.name, others).items():
            act = decided.get(unit)
            if act is not None:
                cells = (dump_label(act["label"]), act["coder"], act.get("reason", ""), act["time"])
                rows.append((unit, variable.name, *cells))
            elif dispute.is_disputed:
                rows.append((unit, variable.name, "", "", "", ""))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def name_round(variable: str) -> str:
    """The round under which decisions on a variable stand in the log."""
    return f"{ADJUDICATION}:{variable}"


def read_decided(state: CoderState, variable: str) -> dict[str, Act]:
    """The act that decided each unit."""
    turns = [turn for turn in state.turns() if turn.round == name_round(variable)]
    acts = {turn.unit: state.acts_of(turn, "label").get(variable) for turn in turns}
    return {unit: act for unit, act in acts.items() if act is not None}
