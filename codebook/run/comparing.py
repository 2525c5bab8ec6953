"""Runs side by side: versions, prompts or models that labelled the same units. What one changed, and is it better?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from codebook.analysis.against_gold.coder_comparison import compare
from codebook.analysis.against_gold.validity_tables import validity
from codebook.analysis.core.coder_roles import say_uncounted
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap, say_figure
from codebook.analysis.core.forest import plot_estimates
from codebook.analysis.core.result import Facts, Result, nothing_to_say
from codebook.analysis.core.scales import UNCOUNTED, VariableLike, VariableSpec
from codebook.analysis.correction.finding_changes import SHARE, changed_findings
from codebook.analysis.reliability.agreement_tables import reliability
from codebook.codings import merge_tables, set_aside_abstentions
from codebook.errors import Fault, ParameterError
from codebook.ground.quantities import places_of, say_count, say_percent, show_usd
from codebook.run.cost_accuracy import COLUMNS as COST_COLUMNS
from codebook.run.cost_accuracy import weigh_costs
from codebook.run.differences import list_differences
from codebook.run.run_views import RunViews

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

BY = ("", "label", "unit", "cost", "share")
KINDS = ("single", "rating", "multi")
"""Kinds of variables whose labels are compared."""

_COUNTS = ("n_units", "n_labelled", "n_changed")
_FIGURES = ("alpha", "percent", "accuracy", "difference")
_ENDS = ("", "_low", "_high")
_TURNED = (("", ""), ("_low", "_high"), ("_high", "_low"))  # the ends of what has its sign changed
_COLUMNS = (
    *("variable", "run", "model", *_COUNTS),
    *(f"{name}{end}" for name in _FIGURES for end in _ENDS),
    *("p", "cost", "paid", "seconds", "differs", "reason"),
)
_TITLES = {
    "": "Runs side by side",
    "label": "Labels that changed",
    "unit": "Units whose label changed",
    "cost": "Cost and accuracy of the runs",
    "share": "Findings that changed",
}
_NAMES = {
    "": "compared_runs",
    "label": "changed_labels",
    "unit": "changed_units",
    "cost": "cost_and_accuracy",
    "share": "changed_shares",
}
_NO_LABEL = "none"


@dataclass(frozen=True)
class Beside:
    """Runs whose coders are called after them, on the units that all have: `codings` has their labels and the gold."""

    runs: tuple[RunViews, ...]
    codings: Codings
    n_out: int
    apart: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """The runs, the one that the others are held against first."""
        return [run.name for run in self.runs]

    @property
    def remarks(self) -> list[str]:
        """What was left out, and what the gold sample's part is."""
        return [
            *[f"{say_count(self.n_out, 'unit')} that not all of the runs have are left out."] * bool(self.n_out),
            *[f"Not compared: {', '.join(self.apart)}; not all runs have them as labels of one kind."]
            * bool(self.apart),
        ]


def compare_views(
    runs: Sequence[RunViews],
    by: str = "",
    *,
    coders: str | Path = "",
    gold: str = "gold",
    variable: str = "",
    part: str = "dev",
    resample: Bootstrap = Bootstrap(),
) -> Result:
    """Set opened runs side by side, as `compare_runs` does with their names."""
    by, formula = ("share", by) if "~" in by else (by, SHARE)
    if by not in BY:
        _refuse("by", f"{by!r} is unknown", "use label, unit, cost, share, or a formula such as 'n_words ~ label'")
    beside = _lay_beside(runs, coders, gold, variable, part)
    result = Result(_empty(by), _NAMES[by], _TITLES[by], "stability", outputs=beside.codings.outputs)
    if len(beside.runs) < 2:
        reason = f"{beside.names[0]} is the only version of its run: nothing to compare."
        return nothing_to_say(beside.codings, reason, result)
    if not beside.codings.variables:
        reason = " ".join(say_uncounted(beside.runs[-1].codebook.variables))
        return nothing_to_say(beside.codings, reason, result)
    if by == "share":
        codings = beside.codings.with_word_counts() if "n_words" in formula else beside.codings
        named = beside.names[0], beside.names[-1]
        return changed_findings(codings.of(), *named, formula, confidence=resample.confidence)
    facts = Facts(
        n_units=beside.codings.frame["unit_id"].nunique(),
        n_coders=len(beside.runs),
        coverage=beside.codings.coverage,
        joins=beside.codings.joins,
    )
    result = replace(result, facts=facts, remarks=tuple(beside.remarks))
    if not by:
        return _say_runs(beside, result, resample)
    if by == "cost":
        rows = list(_list_accuracies(beside, resample))
        facts = replace(facts, bootstrap=resample, resampled="gold units")
        return weigh_costs(beside.runs, beside.codings, rows, replace(result, facts=facts))
    return _list_labels(beside, result) if by == "label" else _list_units(beside, result)


def _lay_beside(runs: Sequence[RunViews], coders: str | Path, gold: str, variable: str, part: str) -> Beside:
    """Read the labels of all runs, and the gold by what the last run knows of it."""
    names = [run.name for run in runs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        _refuse("runs", f"{', '.join(twice)} occurs twice", "name different runs, such as topics.v1 topics.v2")
    variables, apart = _share_variables(runs)
    chosen = [each for each in variables if variable in ("", each.name)]
    counted = [each for each in runs[-1].codebook.variables if each.kind not in UNCOUNTED]
    if not chosen and (variable or counted):
        problem = f"{variable} is not in all" if variable else "no variable is in all"
        there = ", ".join(each.name for each in variables) or "none"
        _refuse("variable", f"{problem} of the runs with labels of one kind", f"there are: {there}")
    units = [{unit.unit_id for unit in run.units()} for run in runs]
    shared = set.intersection(*units)
    if not shared:
        _refuse(", ".join(names), "no unit is in all of them", "compare runs of the same texts, with their ids alike")
    base = runs[-1].codings(coders, gold=gold, part=part)
    frame = merge_tables(base.frame[base.frame["coder"] == gold], *map(_read_labels, runs))
    wanted = frame["unit_id"].isin(shared) & (frame["draw"] == 0)
    frame = frame[wanted & frame["variable"].isin([each.name for each in chosen])].reset_index(drop=True)
    codings = replace(base, frame=frame, variables=chosen, models=())
    return Beside(tuple(runs), codings, len(set.union(*units) - shared), () if variable else apart)


def _refuse(where: str, problem: str, mend: str) -> NoReturn:
    raise ParameterError("The runs cannot be compared.", [Fault(where, problem, mend)])


def _read_labels(run: RunViews) -> pd.DataFrame:
    """The tidy table of a run, without abstentions on scales; the coder is called after the run."""
    return set_aside_abstentions(Codings(run.table(), run.codebook.variables), run.codebook).frame.assign(
        coder=run.name
    )


def _share_variables(runs: Sequence[RunViews]) -> tuple[list[VariableLike], tuple[str, ...]]:
    """The variables that all runs have as labels of one kind, with the labels of all; and the names of the others."""
    shared: list[VariableLike] = []
    for last in runs[-1].codebook.variables:
        same = [each for run in runs for each in run.codebook.variables if each.name == last.name]
        alike = len(same) == len(runs) and {(each.kind, each.level) for each in same} == {(last.kind, last.level)}
        labels: Sequence[str] = list(dict.fromkeys(label for each in same for label in each.labels))
        if last.level != "nominal":  # the order of a scale is that of one codebook
            labels, alike = last.scale, alike and all(set(each.scale) <= set(last.scale) for each in same)
        if alike and last.kind in KINDS:
            shared.append(VariableSpec(last.name, last.level, labels, last.kind, last.titles, last.title))
    names = {each.name for each in shared}
    return shared, tuple(sorted({each.name for run in runs for each in run.codebook.variables} - names))


def _empty(by: str) -> pd.DataFrame:
    import pandas as pd

    columns = {
        "": _COLUMNS,
        "label": ("variable", "run", "before", "after", "n", "share"),
        "unit": ("variable", "unit_id"),
        "cost": COST_COLUMNS,
        "share": ("label", "before", "after", "difference"),
    }
    return pd.DataFrame(columns=list(columns[by]))


# -- run by run ------------------------------------------------------------------------------------------------


def _say_runs(beside: Beside, result: Result, resample: Bootstrap) -> Result:
    import pandas as pd

    abouts = {run.name: _describe(run, beside.runs[0]) for run in beside.runs}
    rows = [row for each in beside.codings.variables for row in _compare_variable(beside, each.name, resample)]
    frame = pd.DataFrame([row | abouts[row["run"]] for row in rows], columns=list(_COLUMNS))
    differ = [
        f"{name}, against {beside.names[0]}: {about['differs']}." for name, about in abouts.items() if about["differs"]
    ]
    value = "accuracy" if frame["accuracy"].notna().any() else "alpha"
    known = frame.dropna(subset=[value])
    facts = replace(result.facts, bootstrap=resample, resampled="units")
    return replace(
        result,
        frame=frame,
        facts=facts,
        finding=" ".join(_say_least(frame, beside)),
        remarks=(*result.remarks, f"Agreement and changes are those against {beside.names[0]}.", *differ),
        table=_print_runs(frame),
        figure=partial(_draw_runs, known, value, beside.names[0], facts.interval) if len(known) else None,
    )


def _draw_runs(frame: pd.DataFrame, value: str, first: str, note: str) -> Figure:
    """Accuracy of each run, or where there is no gold alpha with the first, the runs of a variable together."""
    quantity = "accuracy against the gold" if value == "accuracy" else f"Krippendorff's α with {first}"
    return plot_estimates(frame, name=["variable", "run"], value=value, quantity=quantity, note=note)


def _compare_variable(beside: Beside, name: str, resample: Bootstrap) -> Iterator[dict[str, Any]]:
    """A row for each run: its agreement with the first, how many labels changed, and how well it meets the gold."""
    codings, (first, *_) = beside.codings.of(name), beside.names
    wide = _widen(beside, name)
    accuracies = _meet_gold(codings, beside.names, resample)
    for run in beside.names:
        labelled = wide[[first, run]].notna().all(axis=1) if run != first else wide[run].notna()
        row: dict[str, Any] = {"variable": name, "run": run, "n_units": len(wide), "n_labelled": int(labelled.sum())}
        row |= accuracies.get(run, {})
        if run != first:
            row |= {"n_changed": int((labelled & (wide[first] != wide[run])).sum())}
            row |= _agree(codings.only([first, run]), resample)
            if first in accuracies and run in accuracies:
                row |= _differ(codings, run, first, resample)
        yield row


def _widen(beside: Beside, name: str) -> pd.DataFrame:
    """Label of each unit by each run, one row for each unit; missing where there is none."""
    frame = beside.codings.frame
    units = frame["unit_id"].drop_duplicates()
    mine = frame[(frame["variable"] == name) & frame["coder"].isin(beside.names)]
    return mine.set_index(["unit_id", "coder"])["label"].unstack("coder").reindex(index=units, columns=beside.names)


def _agree(codings: Codings, resample: Bootstrap) -> dict[str, Any]:
    result = reliability(codings, coefficients=["alpha", "percent"], resample=resample)
    figures: dict[str, Any] = {"reason": result.facts.nothing}
    for row in result.frame.to_dict("records"):
        name = str(row["coefficient"])
        figures |= {name: row["value"], f"{name}_low": row["low"], f"{name}_high": row["high"]}
        figures["reason"] = "; ".join(filter(None, [figures["reason"], row["reason"]]))
    return figures


def _meet_gold(codings: Codings, names: Sequence[str], resample: Bootstrap) -> dict[str, dict[str, Any]]:
    """Accuracy of each run by its name; nothing where no unit has gold."""
    known = codings.frame["coder"].eq(codings.gold) & codings.frame["label"].notna()
    if not known.any():
        return {}
    rows = validity(codings.only([codings.gold, *names]), resample=resample).frame.to_dict("records")
    columns = ["n_gold", *(f"accuracy{end}" for end in _ENDS)]
    return {str(row["coder"]): {name: row[name] for name in columns} for row in rows}


def _list_accuracies(beside: Beside, resample: Bootstrap) -> Iterator[dict[str, Any]]:
    """A row for each variable and run, with its accuracy where there is gold."""
    for variable in beside.codings.variables:
        accuracies = _meet_gold(beside.codings.of(variable.name), beside.names, resample)
        yield from ({"variable": variable.name, "run": run, **accuracies.get(run, {})} for run in beside.names)


def _differ(codings: Codings, run: str, first: str, resample: Bootstrap) -> dict[str, Any]:
    row = compare(codings, run, first, resample=resample).frame.iloc[0]
    return {"p": row["p"], **{f"difference{end}": row[f"difference{end}"] for end in _ENDS}}


def _describe(run: RunViews, first: RunViews) -> dict[str, Any]:
    """Model, cost and time of a run, and what it has otherwise than the first."""
    book, record, units_path = run.codebook, run.record, run.folder.units_path
    lines = list_differences(first.folder, book, units_path, record["asked"], record.get("answerer", ""))
    model = ", ".join(run.totals()["models"]) or run.asked.model
    return {"model": model, **run.amounts(), "differs": "" if run is first else "; ".join(lines)}


def _say_least(frame: pd.DataFrame, beside: Beside) -> Iterator[str]:
    """The run that agrees least with the first, and whether it meets the gold better."""
    others = frame[frame["run"] != beside.names[0]].sort_values("percent", kind="stable")
    row = others.iloc[0]
    first, n = beside.names[0], int(row["n_units"])
    which = "" if len(others) == 1 else "Least alike: "
    agreement = (
        f"alpha {say_figure(row, 'alpha', places_of(n), unknown='')}"
        if row["alpha"] == row["alpha"]
        else "alpha is undefined"
    )
    yield (
        f"{which}{row['run']} beside {first}, {row['variable']}: {agreement}; "
        f"{_say_changed(int(row['n_changed']), int(row['n_labelled']), n)}."
    )
    if row["difference"] == row["difference"]:
        low, high = row["difference_low"], row["difference_high"]
        better = str(row["run"]) if low > 0 else first if high < 0 else ""
        verdict = f"{better} meets the gold better" if better else "neither is shown to meet the gold better"
        yield f"{_say_gain(row, places_of(n))}: {verdict}."


def _say_changed(n_changed: int, n_labelled: int, n_units: int) -> str:
    """Say how many labels are others, of the units with a label in both runs, and how many have not.

    Examples
    --------
    >>> _say_changed(2, 19, 20), _say_changed(2, 20, 20)
    ('2 of 19 units changed (11 %); 1 has no label in one of the two', '2 of 20 units changed (10 %)')
    """
    share = f" ({say_percent(n_changed / n_labelled)})" if n_labelled else ""
    lacking = say_count(n_units - n_labelled, "has", "have")
    rest = f"; {lacking} no label in one of the two" if n_labelled < n_units else ""
    return f"{n_changed:,} of {say_count(n_labelled, 'unit')} changed{share}{rest}"


def _say_gain(row: pd.Series[Any], places: int) -> str:
    """How much higher or lower the accuracy of a run is than that of the first."""
    low, high = row["difference_low"], row["difference_high"]
    if row["difference"] == low == high == 0:
        return "Accuracy is the same"
    gain = row if row["difference"] >= 0 else {f"difference{end}": -row[f"difference{other}"] for end, other in _TURNED}
    way = "higher" if row["difference"] >= 0 else "lower"
    return f"Accuracy is {say_figure(gain, 'difference', places)} {way}"


def _print_runs(frame: pd.DataFrame) -> pd.DataFrame:
    """At most seven columns; the variable where there are several, and money where there was any."""
    table = frame.rename(columns={"n_changed": "changed"})
    table["cost"] = [show_usd(cost) if cost == cost else "" for cost in table["cost"]]
    figures = [f"{name}{end}" for name in ("alpha", "accuracy", "difference") for end in _ENDS]
    several = ["variable"] * (frame["variable"].nunique() > 1)
    return table[[*several, "run", *figures[:3], "changed", *figures[3:], "cost", *["seconds"] * (not several)]]


# -- what changed ----------------------------------------------------------------------------------------------


def _list_labels(beside: Beside, result: Result) -> Result:
    """Which label became which, by the first run and each other one, the commonest first."""
    import pandas as pd

    first, *others = beside.names
    rows = []
    for variable in beside.codings.variables:
        wide = _widen(beside, variable.name).fillna(_NO_LABEL)
        for other in others:
            counts = wide.loc[wide[first] != wide[other], [first, other]].value_counts()
            rows += [(variable.name, other, *pair, int(n), n / len(wide)) for pair, n in counts.items()]  # type: ignore[misc]
    frame = pd.DataFrame(rows, columns=list(result.frame)).sort_values("n", ascending=False, kind="stable")
    frame = frame.reset_index(drop=True)
    if frame.empty:
        return nothing_to_say(beside.codings, _say_same(beside), result)
    shown = beside.codings.in_words(frame)
    known = shown[(frame["before"] != _NO_LABEL) & (frame["after"] != _NO_LABEL)]
    finding = "No label became another one; what differs has a label by one run only."
    if len(known):
        top, times = known.iloc[0], say_count(known.iloc[0]["n"], "unit")
        finding = f"Most often {top['before']!r} of {first} became {top['after']!r} of {top['run']}: {times}."
    remark = f"Share is that of the {say_count(result.facts.n_units, 'unit')}; {_NO_LABEL!r} is a unit without a label."
    several = {"variable": len(beside.codings.variables) > 1, "run": len(others) > 1}
    table = shown.drop(columns=[name for name, there in several.items() if not there])
    return replace(result, frame=frame, finding=finding, remarks=(*result.remarks, remark), table=table)


def _list_units(beside: Beside, result: Result) -> Result:
    """The units whose label is not the same in all runs, with each label, the gold where there is one, and the text."""
    import pandas as pd

    parts, other = [], set[str]()
    for variable in beside.codings.variables:
        wide = _widen(beside, variable.name)
        other.update(wide.index[wide.nunique(axis=1) > 1])
        wide = wide.fillna(_NO_LABEL)
        changed = wide[wide.nunique(axis=1) > 1]
        parts.append(changed.rename_axis(columns=None).reset_index().assign(variable=variable.name))
    frame = pd.concat(parts, ignore_index=True)
    if frame.empty:
        return nothing_to_say(beside.codings, _say_same(beside), result)
    codings = beside.codings
    golden = codings.frame[codings.frame["coder"] == codings.gold].set_index(["unit_id", "variable"])["label"]
    keys = pd.MultiIndex.from_frame(frame[["unit_id", "variable"]])
    if len(golden):
        frame["gold"] = golden.reindex(keys).to_numpy()
    frame["text"] = [codings.texts.get(unit_id, "") for unit_id in frame["unit_id"]]
    frame = frame[["variable", *frame.columns.drop("variable")]]
    n_all, n_lacking = result.facts.n_units, frame["unit_id"].nunique() - len(other)
    many = f"{len(other):,} of {say_count(n_all, 'unit')}"
    lacking = f"; {say_count(n_lacking, 'has', 'have')} a label by some of the runs only" if n_lacking else ""
    finding = f"{many} changed their label ({say_percent(len(other) / n_all)}){lacking}; the others kept it."
    shown = codings.in_words(frame, *beside.names, codings.gold)
    table = shown if len(codings.variables) > 1 else shown.drop(columns="variable")
    table = table.assign(text=table["text"].str.slice(0, 80))
    return replace(result, frame=frame, finding=finding, table=table, names=tuple(beside.names))


def _say_same(beside: Beside) -> str:
    n_units = beside.codings.frame["unit_id"].nunique()
    return f"No label differs: {' and '.join(beside.names)} give the same label to all {say_count(n_units, 'unit')}."
