"""Disputed units decided by a person: a csv to fill in, and the decisions as a coder of their own."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path

import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.result import Facts, Result
from codebook.analysis.joining.disagreement import KINDS, disagreements
from codebook.analysis.joining.joined import JoinedLabels, add_coder
from codebook.errors import Fault, unknown_choice
from codebook.ground.joins import join_ids
from codebook.ground.quantities import is_or_are, say_count

FILLED = ("decision", "by", "reason")
"""Columns that a person fills in."""

REST = ("leave", "unanimous")
"""What becomes of units without a decision."""

_ORDER = ("unit_id", "coder", "variable", "label", "draw", "why", "run_id", "custom_id", "detail")
_REMARKS = ("In detail: who decided, and why.",)
_FORMULAS = ("=", "+", "-", "@", "\t")
_SHEET = "The sheet cannot be written."
_READ = "The decisions cannot be read."
_ABOUT = "The decisions cannot be applied."


@dataclass(frozen=True)
class AdjudicationFacts(Facts):
    """Of decisions: how many were made, are pending, or have no reason; who made them (`by`), how many units are
    unanimous instead, and how many units of the variable the decisions do not have."""

    n_decided: int = 0
    n_pending: int = 0
    n_unanimous: int = 0
    n_without_reason: int = 0
    n_without_row: int = 0
    by: Mapping[str, int] = field(default_factory=dict)


def write_adjudication(
    disputed: Result, path: str | Path, *, most: int | None = None, blind: bool = False, overwrite: bool = False
) -> Path:
    """Write the disputed units of `disagreements` as a csv with empty columns decision, by and reason.

    Parameters
    ----------
    most
        How many units; None for all that are disputed.
    blind
        Leave out who said what, so that the person decides by the text.
    overwrite
        Replace a file that holds decisions; one without any is replaced anyway.

    Where nothing is disputed the sheet has its head alone.

    Raises
    ------
    StatisticError
        A file with decisions, a result of another kind.

    Examples
    --------
    >>> import codebook as cb
    >>> from codebook.analysis.core.examples import make_table
    >>> disputed = cb.disagreements(make_table("tone", {"ann": ["a", "a"], "bo": ["a", "b"]}))
    >>> sheet = write_adjudication(disputed, "decisions.csv")
    >>> read_adjudication(sheet)[["unit_id", "votes", "decision", "by", "reason"]]
      unit_id     votes decision by reason
    0      u2  a 1, b 1
    """
    target = Path(path)
    faults = []
    if "rank" not in getattr(disputed, "frame", ()):
        faults.append(Fault("disputed", "these are no disputed units", "pass the result of disagreements(codings)"))
    if target.exists() and not overwrite and (read_adjudication(target)["decision"] != "").any():
        mend = "read it with read_adjudication, choose another name, or pass overwrite=True"
        faults.append(Fault(target.name, "the file is there and holds decisions", mend))
    raise_faults(_SHEET, faults)
    ranked, facts = disputed.frame, disputed.facts
    rows = ranked[ranked["entropy"].astype(float) > 0]
    rows = rows if most is None else rows.head(most)
    columns = ["rank", "unit_id", "variable", *([] if blind else ["votes", "people", "models"]), "text"]
    sheet = rows[[name for name in columns if name in rows]].copy()
    for name in ("text", "votes", "people", "models"):
        if name in sheet:
            sheet[name] = [f"'{cell}" if str(cell).startswith(_FORMULAS) else cell for cell in sheet[name]]
    head = "none, or some of" if getattr(facts, "kind", "") == "multi" else "one of"
    sheet["allowed"] = f"{head}: {' | '.join(getattr(facts, 'labels', ()))}"
    for name in FILLED:
        sheet[name] = ""
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(target.name + ".part")
    sheet.to_csv(draft, index=False, encoding="utf-8-sig")
    draft.replace(target)
    return target


def read_adjudication(path: str | Path) -> pd.DataFrame:
    r"""The sheet as a person saved it: unit_id, decision, by, reason and the rest, all as text; blanks stay blank.

    Commas, semicolons and tabs are all read: spreadsheets write what their language asks for.

    Raises
    ------
    StatisticError
        No such file, no text in UTF-8, or columns are missing.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = Path("decided.csv").write_text("unit_id,decision,by,reason\nh01,economy,ruth,prices\n")
    >>> read_adjudication("decided.csv")["decision"].tolist()
    ['economy']
    """
    source = Path(path)
    if not source.is_file():
        raise_faults(_READ, [Fault(source.name, "there is no such file", "write it with write_adjudication")])
    try:
        text = source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        problem = f"it is not UTF-8: byte 0x{error.object[error.start]:02X}"
        raise_faults(_READ, [Fault(f"{source.name}, line {line}", problem, "save it as CSV UTF-8")])
    head = text.partition("\n")[0]
    csv.field_size_limit(2**31 - 1)  # its own limit is below the length of an article
    try:
        lines = list(csv.reader(StringIO(text, newline=""), delimiter=max(",;\t", key=head.count)))
    except csv.Error as error:
        raise_faults(_READ, [Fault(source.name, f"it is no sound csv ({error})", "save it as CSV UTF-8")])
    names = [name.strip() for name in (lines[0] if lines else [])]
    if absent := [name for name in ("unit_id", *FILLED) if name not in names]:
        mend = "keep the head line as write_adjudication wrote it"
        raise_faults(_READ, [Fault(source.name, f"it has no column {name_some(absent)}", mend)])
    rows = [(line + [""] * (len(names) - len(line)))[: len(names)] for line in lines[1:] if any(line)]
    frame = pd.DataFrame(rows, columns=names, dtype="str")
    return frame.assign(**{name: frame[name].str.strip() for name in names if name != "unit_id"})


def fill_decisions(
    decisions: pd.DataFrame, codings: Codings, coder: str, *, by: str = "", reason: str = ""
) -> pd.DataFrame:
    """The sheet with blank decisions filled in by the labels of a coder who has coded the units, such as an expert.

    Parameters
    ----------
    by, reason
        Who decided, and why; without a name the coder.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> codings = Codings(make_table("tone", {"cy": ["a", None]}), [VariableSpec("tone", "nominal", ["a", "b"])])
    >>> sheet = pd.DataFrame({"unit_id": ["u1", "u2"], "decision": "", "by": "", "reason": ""})
    >>> fill_decisions(sheet, codings, "cy")[["unit_id", "decision", "by"]].to_numpy().tolist()
    [['u1', 'a', 'cy'], ['u2', '', '']]
    """
    rows = codings.frame[(codings.frame["coder"] == coder) & (codings.frame["variable"] == codings.variable.name)]
    labels = rows.drop_duplicates("unit_id").set_index("unit_id")["label"].dropna()
    open_units = (decisions["decision"].fillna("") == "") & decisions["unit_id"].isin(labels.index)
    filled = decisions.copy()
    filled.loc[open_units, "decision"] = filled.loc[open_units, "unit_id"].map(labels)
    filled.loc[open_units, ["by", "reason"]] = [by or coder, reason]
    return filled


def adjudicate(
    codings: Codings | pd.DataFrame,
    decisions: pd.DataFrame,
    *,
    coder: str = "adjudicated",
    rest: str = "leave",
    coders: Sequence[str] | None = None,
) -> JoinedLabels:
    """The codings with the decisions added as a coder of their own; every original coding stays as it is.

    Parameters
    ----------
    codings
        Of one variable, or a plain frame.
    decisions
        Of `read_adjudication`, or a frame with unit_id, decision, by and reason (and variable, if it has several).
        Blank decisions are pending: counted, and left out. Of `multi`, labels with " | " between them, or none; of
        records and transcriptions, JSON as in the codings.
    coder
        Name of the new coder.
    rest
        `leave`: only decided units get a label, so one must be decided. `unanimous`: so do units on which `coders`
        (None: all but the gold) agree, two at least; `detail` says so.

    Returns
    -------
    JoinedLabels
        `result.frame` has the new rows; `detail` holds who decided and why.

    Raises
    ------
    StatisticError
        All at once: units the codings do not have, labels outside the codebook, a unit decided twice, nobody named,
        a coder of that name in the codings.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("tone", {"ann": ["a", "a"], "bo": ["a", "b"]})
    >>> decisions = pd.DataFrame({"unit_id": ["u2"], "decision": ["b"], "by": ["Cy"], "reason": ["irony"]})
    >>> whole = adjudicate(table, decisions, rest="unanimous")
    >>> whole.codings.frame.tail(2)[["unit_id", "coder", "label", "detail"]]
      unit_id        coder label         detail
    4      u2  adjudicated     b      Cy: irony
    5      u1  adjudicated     a  all 2 coders
    """
    codings = as_codings(codings, needs_level=False, whole=True)
    raise_faults(_ABOUT, _check_settings(codings, coder, rest))
    sheet, faults = _read_decisions(codings, decisions, needed=rest == "leave")
    raise_faults(_ABOUT, faults)
    decided = sheet[sheet["decision"] != ""]
    rows = [
        (row.unit_id, row.label, f"{row.by!s}: {row.reason!s}" if row.reason else str(row.by))
        for row in decided.itertuples()
    ]
    facts = _count_decisions(codings, sheet)
    if rest == "unanimous":
        agreed = _list_agreed(codings, coders)
        agreed = agreed[~agreed["unit_id"].isin({row[0] for row in rows})]
        rows += [(row.unit_id, row.commonest, f"all {row.n_codings} coders") for row in agreed.itertuples()]
    new = pd.DataFrame(rows, columns=["unit_id", "label", "detail"], dtype="str")
    new = new.assign(coder=coder, variable=codings.variable.name, draw=0, why=None, run_id="", custom_id="")
    facts = replace(facts, n_units=len(rows), n_unanimous=len(rows) - facts.n_decided)
    result = Result(new[[*_ORDER]], coder, "Adjudicated labels", "adjudication", facts, _say_decided(facts), _REMARKS)
    table = codings.in_words(new)[["unit_id", "label", "detail"]].set_axis(["Unit", "Label", "Detail"], axis=1)
    return JoinedLabels(add_coder(codings, new), replace(result, table=table, outputs=codings.outputs))


def _list_agreed(codings: Codings, coders: Sequence[str] | None) -> pd.DataFrame:
    """Units with two or more codings that are all the same: unit_id, commonest, n_codings."""
    if codings.variable.kind in KINDS:
        ranked = disagreements(replace(codings, texts={}), coders=coders).frame
        return ranked[ranked["entropy"].astype(float) == 0]
    names = [*codings.people, *codings.machines] if coders is None else list(coders)
    rows = codings.frame[codings.frame["label"].notna() & (codings.frame["draw"] == 0)]
    units = rows[rows["coder"].isin(names)].groupby("unit_id", sort=False)["label"]
    counts = units.agg(commonest="first", n_codings="size", n_labels="nunique").reset_index()
    return counts[(counts["n_codings"] > 1) & (counts["n_labels"] == 1)]


def _count_decisions(codings: Codings, sheet: pd.DataFrame) -> AdjudicationFacts:
    """How many units were decided by whom, how many are pending, and how many have no row."""
    decided = sheet[sheet["decision"] != ""]
    return AdjudicationFacts(
        joins=codings.joins,
        n_decided=len(decided),
        n_pending=len(sheet) - len(decided),
        n_without_reason=int((decided["reason"] == "").sum()),
        n_without_row=join_ids(sheet["unit_id"], _units_of(codings)).n_lacking,
        by={str(name): int(n) for name, n in decided["by"].value_counts().items()},
    )


def _say_decided(facts: AdjudicationFacts) -> str:
    who = ", ".join(f"{n:,} by {name}" for name, n in facts.by.items())
    parts = [
        f"{say_count(facts.n_decided, 'unit')} {is_or_are(facts.n_decided)} decided{f' ({who})' if who else ''}",
        f"{facts.n_pending:,} {is_or_are(facts.n_pending)} pending",
    ]
    parts += [f"on {facts.n_unanimous:,} all coders agree"] if facts.n_unanimous else []
    parts += (
        [f"{say_count(facts.n_without_reason, 'decision has', 'decisions have')} no reason"]
        if facts.n_without_reason
        else []
    )
    return f"{'; '.join(parts)}."


def _check_settings(codings: Codings, coder: str, rest: str) -> list[Fault]:
    faults = []
    if coder in codings.coders:
        mend = "choose another name for the adjudicated labels; originals are kept"
        faults.append(Fault("coder", f"{coder!r} is a coder of the codings", mend))
    faults += unknown_choice("rest", rest, REST)
    return faults


def _read_decisions(codings: Codings, decisions: pd.DataFrame, *, needed: bool) -> tuple[pd.DataFrame, list[Fault]]:
    """The decisions of a variable with their labels as the codings write them, and what is wrong with them."""
    variable, labels = codings.variable.name, list(codings.variable.labels or ())
    if absent := [name for name in ("unit_id", *FILLED) if name not in decisions]:
        mend = "pass the frame of read_adjudication"
        return decisions, [Fault("decisions", f"it has no column {name_some(absent)}", mend)]
    texts = decisions[["unit_id", *FILLED]].fillna("").astype(str)
    texts = texts.assign(**{name: texts[name].str.strip() for name in FILLED})
    mine = texts[decisions["variable"] == variable] if "variable" in decisions else texts
    made = mine[mine["decision"] != ""]
    join = join_ids(made["unit_id"], _units_of(codings))
    meant = {text: _read_label(text, labels, codings.variable.kind) for text in made["decision"].unique()}
    wrong = [text for text, label in meant.items() if label is None]
    checks = [
        (made["unit_id"].duplicated(), "are decided more than once", "keep one decision a unit"),
        (made["by"] == "", "are decided by nobody", "fill in `by`: who decided"),
    ]
    faults = [
        Fault("decisions", f"units {name_some(made.loc[flags, 'unit_id'])} {what}", mend)
        for flags, what, mend in checks
        if flags.any()
    ]
    if join.strays:
        mend = "write each unit_id as the table has it; a spreadsheet keeps zeros where the column is text"
        faults.append(Fault("decisions", join.say_strays("units", "in the table", "the table"), mend))
    if wrong:
        mend = f"decide for one of {name_some(labels, 12)}, or leave it blank"
        faults.append(Fault("decision", f"{name_some(wrong)} is not in the codebook", mend))
    if not len(made) and needed:
        faults.append(Fault("decisions", f"nothing is decided of {variable!r}", "fill in decision, by and reason"))
    return mine.assign(label=mine["decision"].map({text: label or "" for text, label in meant.items()})), faults


def _units_of(codings: Codings) -> pd.Series:
    return codings.frame.loc[codings.frame["variable"] == codings.variable.name, "unit_id"].astype(str)


def _read_label(text: str, labels: Sequence[str], kind: str) -> str | None:
    """The label, or for `multi` the set as JSON in codebook order; None if it is not in the codebook."""
    if kind not in KINDS:  # records, a transcription: no list of labels to choose from
        return text
    if kind != "multi":
        return text if text in labels else None
    parts = [] if text in ("none", "[]") else [part.strip() for part in text.split("|")]
    if text.startswith("[") and parts:
        try:
            parts = [str(part) for part in json.loads(text)]
        except ValueError:
            return None
    if any(part not in labels for part in parts):
        return None
    return json.dumps([label for label in labels if label in parts], ensure_ascii=False, separators=(",", ":"))
