"""How a coder answers the probes of a codebook: before any gold, whether it follows the codebook at all."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from functools import partial
from typing import Any

import pandas as pd

from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import say_figure
from codebook.analysis.core.forest import keep_order, plot_estimates
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.result import Facts, Result, blank_result, nothing_to_say
from codebook.analysis.core.runs import describe_runs
from codebook.analysis.core.standard_errors import wilson_interval
from codebook.errors import Fault
from codebook.ground.joins import join_ids
from codebook.ground.quantities import places_of, say_count, say_part

LEGAL, SAME = "legal labels", "same label in reverse order"
_TESTS = {"definition": "definitions recovered", "example": "own examples recovered"}
_KINDS = ("single", "rating")
_COLUMNS = ["coder", "test", "n", "n_right", "value", "low", "high", "reason"]
_NOTE = (
    "Legal labels: answers that are labels of the codebook; recovered: the category whose definition, or example, was "
    "shown as a unit; in reverse order: units to which the same model gave the same label when the categories came the "
    "other way round (Halterman and Keith 2025). Wilson intervals."
)


def behaviour(
    codings: Codings | pd.DataFrame,
    probes: pd.DataFrame,
    *,
    reordered: Codings | pd.DataFrame | None = None,
    confidence: float = 0.95,
) -> Result:
    """Score the answers to `behaviour_probes`: one row per coder and test.

    Parameters
    ----------
    codings
        Of a run over the probes. A coding without a label, whatever its `why`, is no legal label (Halterman and Keith
        ask that the answer is one of the labels) and counts as wrong; `pending` ones are refused.
    probes
        From `behaviour_probes`.
    reordered
        Of a run over the same probes with `reverse_categories`; adds the share of units to which the same model gave
        the same label.

    Returns
    -------
    Result
        `coder`, `test`, `n`, `n_right`, `value`, `low`, `high` (Wilson interval),
        `reason` where a value is missing.

    Raises
    ------
    StatisticError
        The codings hold no answer to a probe, or answers are outstanding.

    Examples
    --------
    >>> probes = pd.DataFrame({"unit_id": ["d1", "d2"], "test": "definition", "expected": ["good", "bad"]})
    >>> answers = pd.DataFrame({"m": ["good", "good"]}, index=["d1", "d2"])
    >>> behaviour(answers, probes).finding
    'm: legal labels 2 of 2, definitions recovered .50 [.09, .91] of 2.'
    """
    if lacking := [name for name in ("unit_id", "test", "expected") if name not in probes]:
        fault = Fault("probes", f"the table has no {name_some(lacking)}", "pass those of behaviour_probes")
        raise_faults("The probes cannot be used.", [fault])
    codings = as_codings(codings, needs_level=False)
    variable = codings.variable.name
    title = f"{variable}: answers to the probes of the codebook"
    if probes.empty:
        name = repr(variable) if codings.variable.kind in _KINDS else "a variable with one label per unit"
        reason = f"No category of {name} has a definition or an example: nothing to probe with; write them."
        nothing = blank_result(codings, _COLUMNS, "behaviour", title, "behaviour")
        return nothing_to_say(codings, reason, nothing)
    answers = _pick(codings.frame, probes, variable)
    other = None if reordered is None else _pick(as_codings(reordered, needs_level=False).frame, probes, variable)
    rows = [
        row
        for coder, part in answers.groupby("coder", sort=True)
        for row in _score(str(coder), part, other, confidence)
    ]
    frame = pd.DataFrame(rows, columns=_COLUMNS)
    return Result(
        frame,
        name="behaviour",
        title=title,
        section="behaviour",
        facts=Facts(answers["unit_id"].nunique(), answers["coder"].nunique(), joins=codings.joins),
        finding=_say_scores(frame),
        remarks=(_NOTE, *codings.notes),
        table=frame,
        figure=partial(
            plot_estimates,
            frame.assign(test=keep_order(frame["test"])),
            name="test",
            group="coder",
            quantity="share of probes answered as expected",
            note=f"{100 * confidence:g} % intervals after Wilson.",
        ),
        outputs=codings.outputs,
    )


def _say_scores(frame: pd.DataFrame) -> str:
    words: dict[str, list[str]] = {}
    for row in frame[frame["n"] > 0].to_dict("records"):
        words.setdefault(str(row["coder"]), []).append(f"{row['test']} {_say_score(row)}")
    scores = (f"{coder}: {', '.join(parts)}" for coder, parts in words.items())
    return f"{'; '.join(scores)}."


def _say_score(row: Mapping[Hashable, Any]) -> str:
    """The share that passed; how many where it is none or all."""
    if row["value"] in (0, 1):
        return say_part(row["value"] * row["n"], row["n"])
    return f"{say_figure(row, 'value', places_of(row['n']), kind='share')} of {row['n']:,}"


def _pick(table: pd.DataFrame, probes: pd.DataFrame, variable: str) -> pd.DataFrame:
    """The answers to the probes, each with its test and what was expected."""
    answers = table[table["variable"] == variable].merge(probes[["unit_id", "test", "expected"]], on="unit_id")
    n_pending, faults = int((answers["why"] == "pending").sum()), list[Fault]()
    if answers.empty:
        join = join_ids(table["unit_id"], probes["unit_id"])
        near = f" ({join.example('the list of probes')})" if join.near else ""
        mend = "plan a run over probe_units(probes)"
        faults.append(Fault("codings", f"no answer of {variable!r} to a probe{near}", mend))
    elif n_pending:
        faults.append(
            Fault("codings", f"{say_count(n_pending, 'answer is', 'answers are')} outstanding", "collect them")
        )
    raise_faults("The probes cannot be scored.", faults)
    models = describe_runs(answers).set_index("coder")["model"]  # the codebook's digest in a coder's name differs
    return answers.assign(model=answers["coder"].map(models))


def _score(coder: str, answers: pd.DataFrame, other: pd.DataFrame | None, confidence: float) -> Iterator[list[object]]:
    """The rows of one coder."""
    yield _row(coder, LEGAL, answers["label"].notna(), confidence)
    for test, name in _TESTS.items():
        part = answers[answers["test"] == test]
        yield _row(coder, name, part["label"] == part["expected"], confidence)
    if other is not None:
        key = ["unit_id", "draw", "model"]
        both = answers.merge(other[[*key, "label"]], on=key, suffixes=("", "_other"))
        yield _row(coder, SAME, both["label"] == both["label_other"], confidence, "it is not in `reordered`")


def _row(
    coder: str, test: str, is_right: pd.Series[bool], confidence: float, why_none: str = "the codebook has none"
) -> list[object]:
    n, n_right, nan = len(is_right), int(is_right.sum()), float("nan")
    if not n:
        return [coder, test, 0, 0, nan, nan, nan, why_none]
    return [coder, test, n, n_right, n_right / n, *wilson_interval(n_right, n, confidence), ""]
