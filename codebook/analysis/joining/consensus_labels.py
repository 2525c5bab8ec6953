"""One label per unit from several coders: majority with its ties reported, or Dawid-Skene."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import check_coders, name_some, raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.counts import LabelCodes, count_patterns, read_codes
from codebook.analysis.core.patterns import collapse
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.result import Facts, Result, nothing_to_say
from codebook.analysis.core.runs import Runs, describe_runs, find_modal, pad, pick_first
from codebook.analysis.core.scales import Floats, Ints, say_without_labels
from codebook.analysis.joining.dawid_skene import Fit, empty_errors, fit_dawid_skene, list_errors, show_errors
from codebook.analysis.joining.joined import (
    HOW,
    NUMBER_WAYS,
    JoinedLabels,
    add_coder,
    as_numbers,
    check_numbers,
    join_numbers,
    spell,
)
from codebook.errors import Fault, unknown_choice
from codebook.ground.quantities import format_figure, is_or_are, places_of, say_count

REFUSE, COLLAPSE = "refuse", "collapse"

_ABOUT = "The labels cannot be joined."
_SECTION = "adjudication"
_NOBODY = "No coder beside the gold: nothing to join."
_SETS = (
    "{0!r} holds sets of labels, which cannot be joined into one label per unit. To join label by label: "
    "open_labels(codings).of('{0}=LABEL') is a variable of its own."
)
_ROWS = ("unit_id", "coder", "variable", "label", "draw", "why", "run_id", "custom_id")
_COLUMNS = (*_ROWS, "confidence", "detail", "n_codings", "tied")


@dataclass(frozen=True)
class ConsensusFacts(Facts):
    """Of joined labels: how many units tied or had no label at all, who voted, which runs of a model were joined.

    Of Dawid-Skene also its steps, its log-likelihood at each of them, and whether it settled.
    """

    n_tied: int = 0
    n_uncoded: int = 0
    coders: tuple[str, ...] = ()
    collapsed: Mapping[str, Sequence[str]] = field(default_factory=dict)
    traced: tuple[float, ...] = ()
    converged: bool = True

    @property
    def log_likelihood(self) -> float:
        """The log-likelihood after the last step; NaN where there is none."""
        return self.traced[-1] if self.traced else float("nan")


def consensus(
    codings: Codings | pd.DataFrame,
    how: str = "majority",
    *,
    coders: Sequence[str] | None = None,
    runs: str | Runs = REFUSE,
    every_draw: bool = False,
) -> JoinedLabels:
    """One label per unit, as a coder of its own under the codings.

    A majority treats all coders alike, and hides disagreement; Dawid-Skene weighs them by the errors it finds in their
    codings (Dawid and Skene 1979), and needs three coders or more who err independently. Neither is the truth.

    Parameters
    ----------
    codings
        Of one variable, or a plain frame. Sets of labels are joined label by label, after `open_labels`; as they are,
        nothing is joined, and the result says so.
    how
        `majority` or `dawid_skene`; of numbers and ratings also `mean` or `median`; also the name of the new coder.
    coders
        Who votes; None for all but the gold and coders that were joined before.
    runs
        What to do with several runs of one model: "refuse", "collapse" (to one coder, by majority; a tie among them is
        no label), or a mapping from coder to model (see `describe_runs`), which collapses them.
    every_draw
        Whether every draw votes, those of a coder joined to one, and not the first alone.

    Returns
    -------
    JoinedLabels
        `result.frame`: unit_id, coder (`how`), variable, label, draw, why, run_id, custom_id, confidence (share of the
        votes, or posterior), detail, n_codings, tied. A tie has no label: `why` is absent and `tied` lists the labels.

    Raises
    ------
    StatisticError
        Several runs of one model, a coder of that name, faults of the codings.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> table = make_table("tone", {"ann": ["a", "b", "a"], "bo": ["a", "a", "a"], "cy": ["b", None, "a"]})
    >>> joined = consensus(table)
    >>> joined.codings.coders
    ['ann', 'bo', 'cy', 'majority']
    >>> joined.result.frame[["unit_id", "label", "why", "confidence", "tied"]].round(2)
      unit_id label     why  confidence  tied
    0      u1     a     NaN        0.67
    1      u2   NaN  absent        0.50  a, b
    2      u3     a     NaN        1.00
    """
    codings = as_codings(codings, needs_level=False, whole=True)
    voters = [name for name in (*codings.people, *codings.machines) if name not in HOW] if coders is None else coders
    raise_faults(_ABOUT, _check_request(codings, how, voters, runs))
    title = f"Labels of {name_how(how)}"
    result = Result(pd.DataFrame(columns=list(_COLUMNS)), how, title, _SECTION, ConsensusFacts(joins=codings.joins))
    if not voters:
        return _join_nothing(codings, _NOBODY, result)
    if codings.variable.kind == "multi":
        return _join_nothing(codings, _SETS.format(codings.variable.name), result)
    if how in NUMBER_WAYS:
        return _average(codings, voters, runs, result, every_draw=every_draw)
    if nothing := say_without_labels(codings.variables, "vote for"):
        mend = f" consensus(codings, {NUMBER_WAYS[0]!r}) or {NUMBER_WAYS[1]!r} joins numbers."
        return _join_nothing(codings, nothing + mend * (codings.variable.kind == "number"), result)
    votes, collapsed = _read_votes(codings, voters, runs, every_draw=every_draw)
    if how == "dawid_skene":
        return _weigh(codings, votes, collapsed, result)
    labelled = votes.answered()
    patterns = collapse(labelled.unit, labelled.code, votes.scale.n_labels, trace=True)
    shares = patterns.counts / np.maximum(patterns.sizes, 1)[:, None]
    rows = _join_labels(votes, shares, pad(patterns.shown, len(votes.units)), codings.variable.name, how)
    return JoinedLabels(add_coder(codings, rows, model=how), _fill(codings, votes, rows, collapsed, result))


def _average(
    codings: Codings, voters: Sequence[str], runs: str | Runs, result: Result, *, every_draw: bool
) -> JoinedLabels:
    """The mean or median of the coders; runs of one model are joined first, or refused."""
    check_numbers(codings, voters, result.name)
    frame, variable = codings.frame, codings.variable
    rows = frame[(frame["variable"] == variable.name) & frame["coder"].isin(voters)]
    rows = rows if every_draw else rows[rows["draw"] == 0]
    model_of, collapsed = _find_runs(rows, list(dict.fromkeys(rows["coder"])), runs)
    joined = join_numbers(rows, model_of, result.name)
    numbers = pd.to_numeric(joined["label"])
    n_coders, named = rows["coder"].map(model_of).nunique(), name_how(result.name)
    facts = ConsensusFacts(
        n_units=len(joined),
        n_coders=n_coders,
        joins=codings.joins,
        n_uncoded=int(numbers.isna().sum()),
        coders=tuple(dict.fromkeys(model_of.values())),
        collapsed=collapsed,
    )
    head = f"{named[0].upper()}{named[1:]} of {say_count(n_coders, 'coder')}"
    finding = f"{head}: {numbers.notna().sum():,} of {say_count(len(joined), 'unit')} have a number"
    finding += f", from {spell(numbers.min())} to {spell(numbers.max())}." if numbers.notna().any() else "."
    sizes = joined.groupby("n_codings")["label"].size()
    table = pd.DataFrame({"Coders": sizes.index, "Units": sizes.to_numpy()})
    done = replace(result, frame=joined, facts=facts, finding=finding, table=table, outputs=codings.outputs)
    done = replace(done, remarks=tuple(_say_part(codings)))
    with_numbers = replace(codings, variables=[as_numbers(codings)])
    return JoinedLabels(add_coder(with_numbers, joined, model=result.name), done)


def _say_part(codings: Codings) -> list[str]:
    """A sentence where labels of units are joined on which nothing is tested."""
    n = codings.n_other_part
    among = f"Among the units {is_or_are(n)} {n:,} of another part of the gold sample: figures leave these units out."
    return [among] if n else []


def name_how(how: str) -> str:
    """The name of a way to join, as it is printed."""
    return "Dawid-Skene" if how == "dawid_skene" else f"the {how}"


def _check_request(codings: Codings, how: str, coders: Sequence[str], runs: str | Runs) -> list[Fault]:
    faults = check_coders(codings.frame, list(coders))
    faults += unknown_choice("how", how, HOW)
    if how in codings.coders:
        mend = "join once, or leave that coder out first: codings.only([...])"
        faults.append(Fault("how", f"{how!r} is a coder of the codings", mend))
    if isinstance(runs, str) and runs not in (REFUSE, COLLAPSE):
        mend = f"pass {REFUSE!r}, {COLLAPSE!r}, or which coder is which model"
        faults.append(Fault("runs", f"{runs!r} is unknown", mend))
    return faults


def _weigh(codings: Codings, votes: LabelCodes, collapsed: Mapping[str, Sequence[str]], result: Result) -> JoinedLabels:
    """What Dawid-Skene says, or why it says nothing."""
    labels, labelled = list(codings.variable.labels or ()), votes.answered()
    if lack := _find_lack(votes):
        return _join_nothing(codings, lack, result)
    order, coder = np.unique(labelled.coder, return_inverse=True)
    names = [votes.coders[at] for at in order]
    n_labels = labelled.scale.n_labels
    patterns = collapse(labelled.unit, coder * n_labels + labelled.code, len(order) * n_labels, trace=True)
    counts = patterns.counts.reshape(len(patterns.times), len(order), n_labels)
    fit = fit_dawid_skene(counts, patterns.times)
    shown = pad(patterns.shown, len(votes.units))
    rows = _join_labels(votes, fit.posterior, shown, codings.variable.name, "dawid_skene")
    chances = np.vstack([fit.posterior, np.full(len(labels), np.nan)])[shown]
    posterior = pd.DataFrame(chances, columns=labels).assign(unit_id=votes.units.astype(str))[["unit_id", *labels]]
    shares = (patterns.times @ counts.sum(axis=1)) / (patterns.times @ patterns.sizes)
    prior = pd.DataFrame({"label": labels, "share": fit.prior, "votes": shares})
    frame = list_errors(fit, counts, patterns.times, names, labels)
    return JoinedLabels(
        add_coder(codings, rows, model="dawid_skene"),
        _fill(codings, votes, rows, collapsed, result, fit=fit, warnings=_find_warnings(fit, names)),
        show_errors(codings, frame),
        posterior,
        prior,
    )


def _join_nothing(codings: Codings, reason: str, result: Result) -> JoinedLabels:
    """The codings as they are, and why nothing was joined."""
    errors = nothing_to_say(codings, reason, empty_errors()) if result.name == "dawid_skene" else None
    return JoinedLabels(codings, nothing_to_say(codings, reason, result), errors)


def _find_lack(votes: LabelCodes) -> str:
    """Why Dawid-Skene has nothing to weigh; empty where it has."""
    labelled, mend = votes.answered(), "Add a coder, or use how='majority' and adjudicate."
    if labelled.n_coders < 3:
        few = "Dawid-Skene cannot tell who is wrong with fewer than three"
        return f"{say_count(labelled.n_coders, 'coder')}: {few}. {mend}"
    if not len(count_patterns(votes).pairable().times):
        return "No unit was coded by two coders, so Dawid-Skene has nothing to compare: have coders share units."
    return ""


def _fill(
    codings: Codings,
    votes: LabelCodes,
    rows: pd.DataFrame,
    collapsed: Mapping[str, Sequence[str]],
    result: Result,
    *,
    fit: Fit | None = None,
    warnings: Sequence[str] = (),
) -> Result:
    """The result of joined labels: what became of the units, in a sentence and label by label."""
    n_tied, n_uncoded = int((rows["tied"] != "").sum()), int((rows["n_codings"] == 0).sum())
    facts = ConsensusFacts(
        n_units=len(rows),
        n_coders=len(votes.coders),
        coverage={codings.variable.name: votes.coverage},
        joins=codings.joins,
        n_tied=n_tied,
        n_uncoded=n_uncoded,
        coders=votes.coders,
        collapsed=collapsed,
        traced=fit.traced if fit else (),
        converged=fit.converged if fit else True,
    )
    labelled = int(rows["label"].notna().sum())
    steps = f", in {say_count(len(fit.traced), 'step')}" if fit else ""
    name = name_how(result.name)
    head = f"{name[0].upper()}{name[1:]} of {say_count(len(votes.coders), 'coder')}"
    tied = say_count(n_tied, "tie has", "ties have")
    finding = f"{head}: {labelled:,} of {say_count(len(rows), 'unit')} have a label{steps}; {tied} none."
    runs = [f"Runs of {model} are one coder: {name_some(names)}." for model, names in collapsed.items()]
    table = codings.in_words(_count_joined(rows, n_tied, n_uncoded, list(votes.scale.labels)), "Label")
    remarks = ("Joined labels can be wrong: compare them with a gold.", *runs, *warnings, *_say_part(codings))
    return replace(
        result, frame=rows, facts=facts, finding=finding, remarks=remarks, table=table, outputs=codings.outputs
    )


def _count_joined(rows: pd.DataFrame, n_tied: int, n_uncoded: int, labels: Sequence[str]) -> pd.DataFrame:
    """Units and mean confidence by label, then those without one."""
    groups = rows.groupby("label")["confidence"].agg(["size", "mean"])
    cells = [
        {
            "Label": label,
            "Units": int(groups["size"][label]),
            "Confidence": format_figure(groups["mean"][label], places_of(len(rows))),
        }
        for label in labels
        if label in groups.index
    ]
    rest = {"(tie)": n_tied, "(no coding with a label)": n_uncoded}
    return pd.DataFrame([*cells, *({"Label": name, "Units": n, "Confidence": ""} for name, n in rest.items() if n)])


def _read_votes(
    codings: Codings, coders: Sequence[str], runs: str | Runs, *, every_draw: bool
) -> tuple[LabelCodes, dict[str, list[str]]]:
    """Codes with runs of one model joined to one coder, and which were joined."""
    variable, frame = codings.variable, codings.frame
    rows = frame[(frame["variable"] == variable.name) & frame["coder"].isin(coders)]
    drawn = rows
    if every_draw:
        drawn = rows.assign(coder=rows["coder"].astype(str) + "\n" + rows["draw"].astype(str), draw=0)
    codes = read_codes(drawn, variable=variable.name, level="nominal", labels=variable.labels)
    model_of, joined = _find_runs(rows, codes.coders, runs)
    return _join_runs(codes, [model_of[name] for name in codes.coders], joined), joined


def _find_runs(
    rows: pd.DataFrame, coders: Sequence[str], runs: str | Runs
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """The model of each coder, or the coder itself; and which runs of a model are joined, where this is not refused."""
    described = describe_runs(rows, None if isinstance(runs, str) else runs).set_index("coder")["model"]
    models = [str(described[name.partition("\n")[0]]) for name in coders]
    joined = _list_joined(coders, models)
    if runs == REFUSE and (several := {model: names for model, names in joined.items() if len(set(names)) > 1}):
        raise_faults(_ABOUT, [_refuse(model, names) for model, names in several.items()])
    return dict(zip(coders, models, strict=True)), joined


def _list_joined(coders: Sequence[str], models: Sequence[str]) -> dict[str, list[str]]:
    coders_of: dict[str, list[str]] = {}
    for coder, model in zip(coders, models, strict=True):
        coders_of.setdefault(model, []).append(coder.partition("\n")[0])
    return {model: names for model, names in coders_of.items() if len(names) > 1}


def _refuse(model: str, names: Sequence[str]) -> Fault:
    problem = f"{name_some(dict.fromkeys(names))} are runs of one model, {model!r}, and would outvote people"
    mend = "pass runs='collapse' to join them to one coder, name one of them in coders=, or say in runs= who is who"
    return Fault("coders", problem, mend)


def _join_runs(codes: LabelCodes, models: Sequence[str], joined: Mapping[str, Sequence[str]]) -> LabelCodes:
    names = list(dict.fromkeys(models))
    source = np.array([names.index(model) for model in models])
    coders = tuple(name if name in joined else codes.coders[models.index(name)].partition("\n")[0] for name in names)
    coder = source[codes.coder]
    if not joined:
        return replace(codes, coder=coder, coders=coders)
    pairs, key = np.unique(codes.unit * len(names) + coder, return_inverse=True)
    labelled = codes.code >= 0
    votes = collapse(key[labelled], codes.code[labelled], codes.scale.n_labels, trace=True)
    best, _ = find_modal(votes)
    shown = pad(votes.shown, len(pairs))
    code = np.append(best, -1)[shown]
    why = np.full(len(pairs), -1)
    why[key] = codes.why
    whys = (*codes.whys, "tied") if "tied" not in codes.whys else codes.whys
    why = np.where(code >= 0, -1, np.where(shown >= 0, whys.index("tied"), why))
    return replace(
        codes, unit=pairs // len(names), coder=pairs % len(names), code=code, why=why, whys=whys, coders=coders
    )


def _join_labels(votes: LabelCodes, scores: Floats, shown: Ints, variable: str, how: str) -> pd.DataFrame:
    """The tidy rows of the joined labels; `scores` (n_patterns, n_labels), `shown` the pattern of each unit."""
    names = np.array([*votes.scale.labels, None], dtype=object)
    best, top = pick_first(scores)
    code, n_units = np.append(best, -1)[shown], len(votes.units)
    ties = [", ".join(map(str, names[:-1][row])) if row.sum() > 1 else "" for row in top]
    tied = np.append(np.array(ties, dtype=object), "")[shown]
    label = names[code]
    detail = np.where(shown < 0, "no coding with a label", np.where(tied != "", "tie: " + tied.astype(str), ""))
    return pd.DataFrame(
        {
            **{"unit_id": votes.units.astype(str), "coder": how, "variable": variable, "label": label, "draw": 0},
            **{"why": np.array(["absent", None], dtype=object)[(code >= 0).astype(int)], "run_id": "", "custom_id": ""},
            "confidence": np.append(scores.max(axis=1, initial=0), np.nan)[shown],
            "detail": detail,
            "n_codings": np.bincount(votes.answered().unit, minlength=n_units),
            "tied": tied,
        }
    ).astype({"label": "str", "why": "str", "detail": "str", "tied": "str"})


def _find_warnings(fit: Fit, names: Sequence[str]) -> list[str]:
    warnings = []
    if not fit.converged:
        warnings.append(f"EM did not settle in {say_count(len(fit.traced), 'step')}.")
    right = np.einsum("jkk->jk", fit.errors)
    if bad := [name for name, row in zip(names, right, strict=True) if (row[fit.prior > 0] < 0.5).all()]:
        warnings.append(f"{', '.join(bad)}: wrong more often than right on every label; look at the codings.")
    return warnings
