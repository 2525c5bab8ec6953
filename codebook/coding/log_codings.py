"""What all coders said, as `Codings`: coders are people, and what was skipped is no code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.coding.assignments import FOLDER, Assignment, read_assignment
from codebook.coding.coder_state import CoderState, Turn
from codebook.coding.coding_log import Act, list_logs, read_acts
from codebook.coding.label_values import dump_label
from codebook.ground.quantities import say_count
from codebook.paths import name_record, resolve_path
from codebook.scheme import Codebook, read_codebook
from codebook.scheme.number_values import read_number

_TEXTS = (
    *("unit_id", "coder", "variable", "run_id", "custom_id", "evidence", "detail"),
    *("note", "flag", "time", "arm", "suggestion"),
)
_ORDER = (
    *("unit_id", "coder", "variable", "label", "draw", "why", "run_id", "custom_id"),
    *("evidence", "confidence", "detail", "seconds", "note", "flag", "time", "arm", "suggestion"),
)


def read_logs(folder: str | Path = FOLDER, codebook: Codebook | None = None, *, round_name: str = "main") -> Codings:
    """Read the answers of all coders in one round.

    A unit that was skipped, and a variable of it without an answer, is a row without a label, why `skipped`, its reason
    in `detail`. A label that the codebook does not have any more is `invalid`. A unit that came a second time has the
    draw 1. What is open has no row and is counted in the notes. `seconds` is from the drawing of the unit to the
    decision; `note`, `flag`, `time`, `arm` and `suggestion` are as in the log.

    Parameters
    ----------
    codebook
        The one by which the labels are read; that of the assignment where none is given.

    Raises
    ------
    ParameterError
        There is no assignment.
    RecordError
        A log is damaged further up than in its last line.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = cb.coding.Trial.example("trial")
    >>> read_logs("trial").coders
    ['simulated-ann', 'simulated-ben']
    """
    place = resolve_path(folder)
    assignment = read_assignment(place)
    book = codebook or read_codebook(assignment.codebook)
    rows, notes = list[dict[str, Any]](), list[str]()
    for coder, path in list_logs(place):
        state = CoderState(read_acts(path)[0])
        reader = _CoderRows(book, state)
        rows += [row for turn in _turns(assignment, state, coder, round_name) for row in reader.rows(turn, coder)]
        notes += reader.notes(coder)
    frame = make_frame(rows)
    head = f"{name_record(place / 'logs')}: {_count(frame)}{_say_open(assignment, frame, round_name)}"
    return Codings(frame, book.variables, notes=(head, *say_depth(frame), *notes))


def _turns(assignment: Assignment, state: CoderState, coder: str, round_name: str) -> dict[Turn, None]:
    """What a coder was to code, and what the coder did code though it was given to somebody else meanwhile."""
    assigned = [row.turn for row in assignment.rows if row.coder == coder and row.round == round_name]
    return dict.fromkeys([*assigned, *(turn for turn in state.turns() if turn.round == round_name)])


class _CoderRows:
    """The rows of one coder, and what should be known of them."""

    def __init__(self, codebook: Codebook, state: CoderState) -> None:
        self.codebook, self.state = codebook, state
        self.old: Counter[str] = Counter()
        self.strange: Counter[str] = Counter()

    def rows(self, turn: Turn, coder: str) -> Iterator[dict[str, Any]]:
        """The rows of one turn: a label each, or why there is none; nothing where it is open."""
        labels, skipped = self.state.acts_of(turn, "label"), self.state.skipped(turn)
        notes, flag = self.state.notes(turn), "yes" if self.state.is_flagged(turn) else ""
        for variable in self.codebook.variables:
            note = "\n".join(filter(None, (notes.get(""), notes.get(variable.name))))
            row = {"unit_id": turn.unit, "coder": coder, "variable": variable.name, "draw": turn.draw}
            row |= {"note": note, "flag": flag}
            if act := labels.get(variable.name):
                yield row | self._read_act(act, variable.name)
            elif skipped is not None:
                skip = self.state.acts_of(turn, "skip")[""]
                yield row | {"label": None, "why": "skipped", "detail": skipped, "time": skip["time"]}

    def _read_act(self, act: Act, name: str) -> dict[str, Any]:
        label, variable = dump_label(act["label"]), self.codebook.variable(name)
        if act.get("codebook") != self.codebook.variable_digest(name):
            self.old[name] += 1
        about = {
            "time": act["time"],
            "seconds": act["ms"] / 1000 if act.get("ms") is not None else None,
            "evidence": _as_text(act.get("evidence")),
            "confidence": act.get("confidence"),
            "arm": act.get("arm", ""),
            "suggestion": _as_text(act.get("suggestion")),
        }
        codes = act["label"] if isinstance(act["label"], list) else [act["label"]]
        is_known = not read_number(label, variable)[1] if variable.is_number else variable.is_open
        if not is_known and not set(codes) <= set(variable.labels):
            self.strange[name] += 1
            return about | {"label": None, "why": "invalid", "detail": label}
        return about | {"label": label, "why": None}

    def notes(self, coder: str) -> Iterator[str]:
        """What was coded by an earlier definition, or with a code that is gone."""
        for name, n in self.old.items():
            yield f"{coder}: {say_count(n, 'label')} of {name} were given under an earlier definition (filter recode)."
        for name, n in self.strange.items():
            yield f"{coder}: {say_count(n, 'label')} of {name} are no longer in the codebook: invalid."


def _as_text(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("quote", ""))
    return "" if value is None else dump_label(value)


def make_frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """The rows as a tidy table, with all the columns that people's labels have."""
    plain: dict[str, Any] = {"run_id": "", "custom_id": "", "draw": 0, "label": None, "why": None}
    columns = {name: [row.get(name, plain.get(name)) for row in rows] for name in _ORDER}
    frame = pd.DataFrame(columns, dtype=object)
    texts = {name: frame[name].astype("str") for name in ("label", "why")}
    texts |= {name: frame[name].fillna("").astype("str") for name in _TEXTS}
    numbers = {"confidence": "float64", "seconds": "float64", "draw": "int64"}
    return frame.assign(**texts).astype(numbers)


def _count(frame: pd.DataFrame) -> str:
    n_labels, n_skipped = int(frame["label"].notna().sum()), int((frame["why"] == "skipped").sum())
    skipped = f", {n_skipped:,} skipped" if n_skipped else ""
    return f"{say_count(n_labels, 'label')} of {say_count(frame['coder'].nunique(), 'coder')}{skipped}."


def _say_open(assignment: Assignment, frame: pd.DataFrame, round_name: str) -> str:
    """How many units are still to be coded."""
    seen = set(zip(frame["unit_id"], frame["coder"], frame["draw"], strict=True))
    rows = [row for row in assignment.rows if row.round == round_name]
    n_open = sum((row.unit_id, row.coder, row.draw) not in seen for row in rows)
    return f" {n_open:,} of {len(rows):,} assigned units are open." if n_open else ""


def count_depth(frame: pd.DataFrame) -> dict[int, int]:
    """How many units were labelled by one coder, by two and so on.

    Examples
    --------
    >>> rows = [("7", "ann", "a"), ("7", "ben", "a"), ("9", "ann", "b")]
    >>> count_depth(pd.DataFrame(rows, columns=["unit_id", "coder", "label"]))
    {1: 1, 2: 1}
    """
    labelled = frame[frame["label"].notna()]
    counts = labelled.groupby("unit_id")["coder"].nunique().value_counts().sort_index()
    return dict(zip(map(int, counts.index), map(int, counts), strict=True))


def say_depth(frame: pd.DataFrame) -> list[str]:
    """The sentence on units by number of coders, if anything was labelled."""
    depth = count_depth(frame)
    parts = [f"{say_count(n, 'unit')} by {say_count(k, 'coder')}" for k, n in depth.items()]
    return [f"Coded: {', '.join(parts)}."] if parts else []
