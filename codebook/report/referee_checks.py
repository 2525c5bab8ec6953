"""What a referee would ask for, held against what a run's folder has: done, to be looked at, or missing.

The limitations of the paper follow from it, and from the figures that were saved.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from codebook.analysis.core.checks import name_some
from codebook.engines import about_engine
from codebook.errors import RecordError
from codebook.files.digests import digest_of, read_run_record
from codebook.ground.quantities import format_figure, say_count, say_percent
from codebook.report.facts import Facts, cite, gather_facts
from codebook.sampling import read_gold_sample

if TYPE_CHECKING:
    import pandas as pd

_UNTOLD = "the report was given no coders"

NOTE = "done: on record; look: a person must judge; missing: do it, or say in the paper why not."

MOST_MISSING = 0.05
"""Share of codings without a label from which on it is to be looked at."""


class Check(NamedTuple):
    """One line of the checklist; `state` is done, look or missing; `evidence` names files with their SHA-256."""

    question: str
    state: str
    found: str
    mend: str = ""
    evidence: str = ""


def checklist(run: str, *, coders: str | Path = "", gold: str = "gold") -> pd.DataFrame:
    """Return what is done in a study, what is missing and how to mend it, with a row for each question.

    Parameters
    ----------
    coders
        The coders.yaml with the labels of people; empty for none.
    gold
        Which of its coders is the gold.

    Returns
    -------
    pd.DataFrame
        question, state (`done`, `look`, `missing`), found, mend, evidence (files with the start of their SHA-256).

    Raises
    ------
    RunError
        The run has no table yet.
    TableError
        The coders cannot be read.

    Examples
    --------
    >>> import codebook as cb
    >>> cb.checklist("topics", coders="coders.yaml")[["question", "state"]].head(3)
                   question    state
    0           gold labels     done
    1  gold drawn by chance  missing
    2    second human coder  missing
    """
    return check_facts(gather_facts(run, coders=coders, gold=gold))


def check_facts(facts: Facts) -> pd.DataFrame:
    """The same, from what was read."""
    from codebook.outputs.readable import ReadableFrame

    return ReadableFrame(list_checks(facts), columns=list(Check._fields))


def list_checks(facts: Facts) -> list[Check]:
    """The lines of the checklist."""
    return [check for make in _CHECKS for check in make(facts)]


def say_checks(frame: pd.DataFrame) -> str:
    """Say how many questions are in which state.

    Examples
    --------
    >>> import pandas as pd
    >>> say_checks(pd.DataFrame({"state": ["done", "missing", "done"], "question": ["a", "b", "c"]}))
    'Of 3 questions 2 are done, 0 to be looked at, 1 missing: b.'
    """
    n = {state: int((frame["state"] == state).sum()) for state in ("done", "look", "missing")}
    counts = f"Of {len(frame)} questions {n['done']} are done, {n['look']} to be looked at, {n['missing']} missing"
    absent = ", ".join(frame.loc[frame["state"] == "missing", "question"])
    return f"{counts}: {absent}." if absent else f"{counts}."


def _gold(facts: Facts) -> Iterator[Check]:
    source = cite(facts.coders_path) if facts.coders_path else ""
    mend = "let people code a sample (10_gold_sample), and pass coders= and gold="
    if facts.coders_path is None:
        yield Check("gold labels", "look", _UNTOLD, mend)
    elif facts.n_gold:
        yield Check("gold labels", "done", f"{say_count(facts.n_gold, 'unit')} of the run ({facts.gold})", "", source)
    else:
        there = name_some(facts.coders.coders)
        problem = f"no unit of the run is coded by {facts.gold!r}; the coders are {there}"
        yield Check("gold labels", "missing", problem, mend, source)
    path, question = facts.sample_path, "gold drawn by chance"
    if not path.is_file():
        yield Check(question, "missing", "there is no sample with stored probabilities", "draw it with 10_gold_sample")
        return
    try:
        sample = read_gold_sample(path, part="all", unlock=True).frame
    except RecordError as error:
        yield Check(question, "look", str(error), "restore the file", cite(path))
        return
    n_dev = int((sample["part"] == "dev").sum())
    sizes = f"{say_count(len(sample), 'unit')}, {n_dev:,} to develop and {len(sample) - n_dev:,} to test"
    yield _judge_use(facts, Check(question, "done", sizes, "", cite(path)))


def _judge_use(facts: Facts, check: Check) -> Check:
    """The check of a gold sample: done only if the figures that were saved use its chances."""
    used, unused = facts.weighed(by_chance=True), facts.weighed(by_chance=False)
    if used and not unused:
        return check._replace(found=f"{check.found}; its chances weigh {name_some(used)}")
    if not used and facts.all_gold:
        return check._replace(found=f"{check.found}; every unit of the run has a gold label, so none had to be drawn")
    problem = f"computed without its chances: {name_some(unused)}" if unused else "no figure was computed with it yet"
    mend = "run 05_validity again (sample: empty), or say why all gold units weigh the same"
    return check._replace(state="look", found=f"{check.found}; {problem}", mend=mend)


def _people(facts: Facts) -> Iterator[Check]:
    question, humans = "second human coder", facts.coders.people
    if facts.coders_path is None:
        yield Check(question, "look", _UNTOLD, "pass coders=")
        return
    n_coders = facts.labels_of_people.groupby(["unit_id", "variable"])["coder"].nunique()
    n_twice = int((n_coders > 1).sum())
    if n_twice:
        yield Check(
            question,
            "done",
            f"{say_count(len(humans), 'person', 'people')}, {say_count(n_twice, 'coding')} by two or more",
        )
    else:
        mend = "let a second person code some of the gold units: without it nobody knows how far people agree"
        n_humans = len(humans) or "none"
        yield Check(question, "missing", f"{n_humans} beside the gold; no unit is coded by two people", mend)


def _ids(facts: Facts) -> Iterator[Check]:
    if facts.coders.joins:
        source = cite(facts.coders_path) if facts.coders_path else ""
        mend = "write the ids in the coders' files as the run has them"
        yield Check("ids of the coders", "look", " ".join(facts.coders.joins), mend, source)


def _figures(facts: Facts) -> Iterator[Check]:
    for section, notebook, first, state in (
        ("validity", "05_validity", "validity_by_coder", "missing"),
        ("reliability", "06_reliability", "reliability", "missing"),
        ("correction", "11_correction", "shares", "look"),
    ):
        saved, remark = facts.saved(section), facts.remark(first)
        question = f"{section} in figures"
        if saved and not remark:
            names = ", ".join(entry.name for entry in saved)
            digests = ", ".join(facts.evidence(f"outputs/{entry.name}.csv") for entry in saved)
            yield Check(question, "done", names, "", digests)
        else:
            yield Check(question, state, remark or "nothing is saved of this section", f"run {notebook}")


def _drift(facts: Facts) -> Iterator[Check]:
    models, systems = facts.answered.get("models") or [], facts.answered.get("fingerprints") or []
    record, model = facts.evidence("run.json"), facts.about.name_model(facts.asking.model, models)
    counts = f"{say_count(len(models), 'model name')}, {say_count(len(systems), 'fingerprint')}"
    if not models:
        yield Check("one model snapshot", "look", "no reply named its model", "ask the provider", record)
    elif len(models) > 1 or len(systems) > 1:
        names = ", ".join([*models, *systems])
        mend = "report them all; code the same units under each and compare (stability)"
        yield Check("one model snapshot", "look", f"{counts}: {names}", mend, record)
    elif model not in models:
        mend = f"ask {models[0]} by that name: an alias may be another model next month"
        yield Check("one model snapshot", "look", f"asked {model}, {models[0]} answered", mend, record)
    else:
        yield Check("one model snapshot", "done", f"{models[0]} asked and answered", "", record)
    draws = facts.asking.draws
    if draws > 1:
        yield Check("repeated draws", "done", f"{draws} draws of each question", "", record)
    else:
        mend = "plan some units with draws=3: without repeats nobody knows how steady the labels are"
        yield Check("repeated draws", "look", "each question was put once", mend, record)


def _missing(facts: Facts) -> Iterator[Check]:
    n, whys = len(facts.table), facts.whys
    n_missing, table = sum(whys.values()), facts.evidence("table.csv")
    counts = ", ".join(f"{count:,} {why}" for why, count in whys.items()) or "none"
    state = "look" if n_missing > MOST_MISSING * n else "done"
    mend = "say why, and whether they differ from the rest (coverage by stratum)" if state == "look" else ""
    yield Check("codings without a label", state, f"{counts} of {n:,}", mend, table)


def _pilot(facts: Facts) -> Iterator[Check]:
    limit = facts.record["units"]["source"].get("limit")
    if limit:
        yield Check("pilot", "look", f"this run is a pilot of {say_count(limit, 'unit')}", "plan the whole", "")
        return
    for path in sorted(facts.folder.parent.glob("*/run.json")):
        try:
            record = read_run_record(path)
        except RecordError:
            continue  # of another run, which says so itself
        same = record["codebook"]["name"] == facts.record["codebook"]["name"]
        is_pilot = record["units"]["source"].get("limit") or record["run"].startswith(f"{facts.record['run']}-pilot-")
        if same and is_pilot and record["planned_at"] < facts.record["planned_at"]:
            yield Check("pilot", "done", f"{record['run']}, {record['units']['n']:,} units", "", cite(path))
            return
    yield Check(
        "pilot", "missing", "there is no earlier run of a few units", "try the codebook on 20 units first (02_pilot)"
    )


def _prices(facts: Facts) -> Iterator[Check]:
    engine, unknown = facts.asking.engine, facts.answered.get("answers_of_unknown_price", 0)
    about = about_engine(engine)
    if about and not about.charges:
        yield Check("cost", "done", f"the engine {engine} costs nothing")
    elif "cost_usd" not in facts.answered:
        yield Check("cost", "missing", "nothing is collected yet", "collect the run")
    elif unknown:
        mend = "read the bill of the provider, and report that"
        yield Check(
            "cost",
            "look",
            f"{say_count(unknown, 'answer has', 'answers have')} no known price",
            mend,
            facts.evidence("run.json"),
        )
    else:
        spent = f"${facts.answered['cost_usd']:,.4f} by the tokens in the replies"
        yield Check("cost", "done", spent, "", facts.evidence("run.json"))


def _digests(facts: Facts) -> Iterator[Check]:
    record, folder = facts.record, facts.folder
    there = {"codebook.yaml": facts.book.digest, "units.jsonl": _digest(folder / "units.jsonl")}
    wanted = {"codebook.yaml": record["codebook"]["sha256"], "units.jsonl": record["units"]["sha256"]}
    changed = [name for name in wanted if there[name] != wanted[name]]
    changed += [name for name, digest in record.get("files", {}).items() if _digest(folder / name) != digest]
    files = f"changed or gone: {', '.join(changed)}" if changed else "codebook, units, shards and table are as written"
    mend = "restore them from a backup (a table: collect again), or plan a new run" if changed else ""
    evidence = ", ".join(f"{name} ({digest[:12]})" for name, digest in there.items())
    yield Check("files unchanged", "look" if changed else "done", files, mend, evidence)
    saved = [entry for entry in facts.outputs if entry.section != "methods" and entry.kind != "remark"]
    stale = [name for entry in saved for name in _changed(facts.folder / "outputs", entry.files)]
    outputs = f"changed since they were saved: {', '.join(stale)}" if stale else f"{len(saved)} as they were saved"
    mend = "save them again, or say who changed them" if stale else ""
    yield Check("outputs unchanged", "look" if stale else "done", outputs, mend)
    commit = record["software"].get("git_commit") or ""
    clean = commit and not commit.endswith("-dirty")
    mend = "" if clean else "commit the project before you plan, so that the code of the study can be found again"
    version = commit[:12] + (" with changes that are not committed" if commit and not clean else "")
    yield Check("code under version control", "done" if clean else "look", version or "no commit recorded", mend)


def _changed(folder: Path, files: dict[str, str]) -> Iterator[str]:
    return (name for name, digest in files.items() if _digest(folder / name) != digest)


def _digest(path: Path) -> str:
    """The SHA-256 of a file; empty where it is gone."""
    return digest_of(path) if path.is_file() else ""


_CHECKS = (_gold, _people, _ids, _figures, _drift, _missing, _pilot, _prices, _digests)


_ENOUGH, _TENTATIVE = 0.8, 0.667
"""Krippendorff's bounds: from the first on conclusions may rest on the data, from the second on tentative ones."""
_FEW = 20
_OF_STUDY = ("gold labels", "gold drawn by chance", "second human coder", "ids of the coders")
_OF_MODEL = ("one model snapshot", "repeated draws", "pilot", "cost")
Row = Mapping[str, str]


def say_limitations(facts: Facts) -> Iterator[str]:
    """Yield one sentence for each limitation, with its numbers."""
    yield from _of_coverage(facts)
    yield from _of_validity(_read(facts, "validity_by_label"))
    yield from _of_reliability(_read(facts, "reliability"))
    for check in list_checks(facts):
        if check.state != "done" and check.question in (*_OF_STUDY, *_OF_MODEL):
            yield f"{check.question.capitalize()}: {check.found}."
    yield "[Say what else limits the study: the units, the codebook, the people who coded.]"


def _of_coverage(facts: Facts) -> Iterator[str]:
    if n := sum(facts.whys.values()):
        n_all = len(facts.table)
        yield f"{n:,} of {n_all:,} codings ({say_percent(n / n_all, 1)}) lack a label."


def _of_validity(rows: list[Row]) -> Iterator[str]:
    """The label that the model finds worst, and labels with few gold units."""
    known = (row for row in rows if row["part"] == "label" and _number(row, "n") > 0)
    labels = [row for row in known if not math.isnan(_number(row, "f1"))]
    if not labels:
        yield "How valid the labels of the model are was not measured label by label."
        return
    worst = min(labels, key=lambda row: _number(row, "f1"))
    figures = ", ".join(f"{name} {_show(worst, key)}" for name, key in _MEASURES)
    yield f"The label {worst['name']!r} is found worst: {figures}, of {int(_number(worst, 'n')):,} gold units."
    if never := [row["name"] for row in rows if "never predicted" in row["reason"]]:
        yield f"The model never gave the label{'s' * (len(never) > 1)} {', '.join(map(repr, never))}."
    yield from _of_constant(rows)
    if few := [row["name"] for row in labels if _number(row, "n") < _FEW]:
        yield f"Fewer than {_FEW} gold units bear the label{'s' * (len(few) > 1)} {', '.join(few)}."


def _of_constant(rows: list[Row]) -> Iterator[str]:
    """The measures by which one answer for all units is as good as the model."""
    constants = {row["name"]: row for row in rows if row["part"] == "baseline"}
    beside = ((row, constants[row["name"]]) for row in rows if row["part"] == "overall" and row["name"] in constants)
    behind = [(row, constant) for row, constant in beside if _number(row, "value") <= _number(constant, "value")]
    if behind:
        figures = [f"{row['name']} {_show(row, 'value')}, of it {_show(constant, 'value')}" for row, constant in behind]
        yield f"The model is no better than one answer for all units, {behind[0][1]['reason']}: {'; '.join(figures)}."


_MEASURES = (("F1", "f1"), ("precision", "precision"), ("recall", "recall"))


def _of_reliability(rows: list[Row]) -> Iterator[str]:
    """Where alpha may lie below the bounds."""
    if not rows:
        yield "How far coders agree was not measured."
    for row in (row for row in rows if row["coefficient"] == "alpha"):
        low = _number(row, "low")
        bound = _TENTATIVE if low < _TENTATIVE else _ENOUGH
        if low < bound:
            who = ", ".join(filter(None, [row["variable"], row["group"]]))
            yield f"Alpha of {who} is {_show(row, 'value', '')}: its interval reaches below {format_figure(bound, 3)}."


def _show(row: Row, name: str, prefix: str | None = None) -> str:
    """A figure with its interval, where it has one."""
    before = f"{name}_" if prefix is None else prefix
    value, low, high = (_number(row, key) for key in (name, f"{before}low", f"{before}high"))
    interval = "" if math.isnan(low) else f" [{format_figure(low)}, {format_figure(high)}]"
    return f"{format_figure(value)}{interval}"


def _number(row: Row, name: str) -> float:
    """A cell as a number; NaN where there is none."""
    return float(row.get(name) or "nan")


def _read(facts: Facts, name: str) -> list[Row]:
    path = facts.folder / "outputs" / f"{name}.csv"
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
