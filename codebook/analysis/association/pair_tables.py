"""Which labels go together, which coders label alike, which variables are associated: one row per pair."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import pandas as pd

from codebook.analysis.association.indicators import Read, indicate, join_indicators, rank_codes, read_all
from codebook.analysis.association.pair_statistics import associate, cramers_v, rank_correlation
from codebook.analysis.core.checks import name_some, raise_faults
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.correlograms import (
    PairMeasure,
    cluster_order,
    count_names,
    plot_correlogram,
    plot_strongest,
    remark_size,
    to_matrix,
)
from codebook.analysis.core.counts import read_codes
from codebook.analysis.core.estimates import adjust_p
from codebook.analysis.core.gold_balance import say_alike
from codebook.analysis.core.label_titles import share_heads
from codebook.analysis.core.matrix_layout import MOST_CELLS
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.result import Facts, Result, blank_result, nothing_to_say
from codebook.analysis.core.scales import LEVELS, VariableLike, list_coded, list_labels, say_without_labels
from codebook.analysis.reliability.agreement_tables import coder_pairs
from codebook.errors import Fault, unknown_choice
from codebook.ground.quantities import format_figure, say_count, say_p
from codebook.outputs.figure_style import Figure

STATISTICS = {"labels": ("phi", "tetrachoric"), "coders": ("alpha", "percent"), "variables": ("cramers_v", "spearman")}
"""What is paired, and the figures of a pair, the usual one first."""

QUANTITIES = {
    "phi": "φ",
    "tetrachoric": "Tetrachoric correlation",
    "alpha": "Krippendorff's α",
    "percent": "Share of units with the same label",
    "cramers_v": "Cramér's V",
    "spearman": "Spearman's ρ",
    "difference": "Difference of φ",
}
_SIGNED = ("phi", "tetrachoric", "spearman")

NO_PAIR = "Labels of one single-label variable exclude each other, and no others were given: nothing to associate."
NO_LABEL = "No coding has a label: nothing to associate."
_NOTES = {
    "labels": "One observation is a coding (unit x coder). p: chi-square of the 2 x 2 table with the number of units, "
    "not of codings, since codings of one unit are not independent; p_bh: Benjamini-Hochberg over all pairs of the "
    "table. A rare label cannot reach a phi of 1 with a frequent one: phi_max is the largest that their margins allow.",
    "variables": "p of as many observations as there are units; p_bh: Benjamini-Hochberg over all pairs of the table.",
}


def correlogram(
    codings: Codings | pd.DataFrame,
    of: str = "labels",
    *,
    statistic: str = "",
    labels: Collection[str] | None = None,
    level: str = "",
    min_units: int = 10,
    most: int = 12,
) -> Result:
    """Association of every two labels, coders or variables, the strongest first; the figure is their correlogram.

    Labels of one single-label variable exclude each other, and are paired only across coders: where there is a gold,
    the labels of the run (else of the models) stand against those of the gold, in codebook order. Without gold all
    coders are pooled, and the figure is in clustered order, so that what goes together stands together.

    Parameters
    ----------
    of
        `labels`: `phi`, or `tetrachoric` beside it, the correlation of two normal variables that were cut into these
        labels (NaN with the reason where a cell of the 2 x 2 table is empty). `coders`: `alpha` or `percent`.
        `variables`: `cramers_v` of single-label ones, or `spearman` of those of an ordered level.
    statistic
        Empty for the first of these.
    labels
        Labels to associate, such as ``["1"]`` of yes/no variables, whose other label says the same; None for all.
    min_units
        Pairs of coders with fewer common units are left out.
    most
        At most so many coders, the busiest ones.

    Returns
    -------
    Result
        One row per pair: a, b, n (codings), n_units, the statistic, p, p_bh, reason; of labels also n_a, n_b, n11
        (both), phi_max, jaccard and lift, of variables chi2 and df. `to_matrix` makes a square matrix of it.

    Raises
    ------
    StatisticError
        A wrong frame, an unknown statistic or label, or fewer than two variables that the statistic can be made of.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table, observers_2011
    >>> sets = ['["x", "y"]'] * 40 + ['["x"]'] * 10 + ['["y"]'] * 20 + ["[]"] * 30
    >>> pairs = correlogram(make_table("v", {"ann": sets}), level="masi")
    >>> pairs.frame[["a", "b", "n", "n11", "phi", "phi_max", "jaccard", "lift"]].round(3)  # phi printed .40825
         a    b    n  n11    phi  phi_max  jaccard   lift
    0  v=x  v=y  100   40  0.408    0.816    0.571  1.333
    >>> pairs.finding
    'Strongest of 1 pair: v=x and v=y, phi .41 (at most .82 with such margins; 100 units, p < .001).'
    >>> correlogram(observers_2011(), "coders", level="nominal", min_units=8).finding
    'Most alike of 6 pairs: B and D, alpha .88 (10 units); least: A and C, alpha .49 (8 units).'
    """
    _check_request(of, statistic)
    codings = as_codings(codings, level=level, needs_level=of != "labels", whole=of == "variables")
    statistic = statistic or STATISTICS[of][0]
    if of == "coders":
        return _pair_coders(codings, statistic, min_units, most)
    return _pair_labels(codings, statistic, labels) if of == "labels" else _pair_variables(codings, statistic)


def _check_request(of: str, statistic: str) -> None:
    about = "The correlogram cannot be made."
    raise_faults(about, unknown_choice("of", of, STATISTICS))
    if statistic:
        raise_faults(about, unknown_choice("statistic", statistic, STATISTICS[of]))


def _pair_labels(codings: Codings, statistic: str, labels: Collection[str] | None) -> Result:
    coded, uncoded = list_coded(codings.variables, codings.frame["variable"].unique())
    if nothing := say_without_labels(coded, "associate"):
        empty = blank_result(codings, ["a", "b", "n"], "label_association", "Association of labels", "correlogram")
        return nothing_to_say(codings, nothing, empty)
    beside, variables = _list_beside(codings), [variable for variable in coded if variable.labels]
    read = read_all(codings.frame, variables, beside)
    pairs, n_units = pair_labels(read, labels, by_coder=beside is not None, latent=statistic == "tetrachoric")
    order = list(dict.fromkeys([*pairs["a"], *pairs["b"]])) if beside else pooled_order(pairs)
    pairs = pairs.sort_values(statistic, key=abs, ascending=False, ignore_index=True)
    subject = variables[0].name if len(variables) == 1 else say_count(len(variables), "variable")
    about = f"{subject}: association of labels ({statistic})"
    shown, names = codings.in_words(pairs), list(map(codings.name_label, order))
    facts = make_facts(codings, read, n_units)
    table = share_heads(shown[["a", "b", "n", *dict.fromkeys(("phi", "phi_max", statistic)), "p_bh"]])
    result = Result(pairs, "label_association", about, "correlogram", facts, outputs=codings.outputs)
    if pairs.empty:
        return nothing_to_say(codings, NO_PAIR if n_units else NO_LABEL, result)
    return replace(
        result,
        finding=_say_strongest(shown, statistic, facts.places),
        remarks=(
            _NOTES["labels"],
            *uncoded,
            *say_missing(read),
            *remark_size(to_matrix(pairs, statistic, order=order)),
        ),
        table=table,
        names=tuple(table.columns[:2]),
        figure=partial(draw_pairs, shown, statistic, order=names, rows=codings.gold),
    )


def _list_beside(codings: Codings) -> list[str] | None:
    """The coders of the run, else the models, and the gold; None where there is no gold beside them."""
    frame, gold = codings.frame, codings.gold
    of_run = frame.loc[frame["run_id"].fillna("") != "", "coder"].unique() if "run_id" in frame else ()
    machines = [str(name) for name in of_run if name != gold] or codings.machines
    return [*machines, gold] if machines and gold in codings.coders else None


def pair_labels(
    read: Read, labels: Collection[str] | None, *, by_coder: bool = False, latent: bool = False
) -> tuple[pd.DataFrame, int]:
    """Association of every two labels in codebook order, and how many units carry it."""
    frame = join_indicators(read, labels, by_coder=by_coder)
    pairs = associate(frame, {variable.name for variable, _ in read if variable.kind != "multi"}, latent=latent)
    return pairs, frame.index.get_level_values("unit_id").nunique()


def make_facts(codings: Codings, read: Read, n_units: int) -> Facts:
    """What is to be known of pairs: units, coders, and of each variable the codings without a label."""
    n_coders = len({name for _, codes in read for name in codes.answered().coders})
    dropped = {f"{variable.name}, {why}": n for variable, codes in read for why, n in codes.missing.items()}
    return Facts(n_units, n_coders, coverage=codings.coverage, dropped=dropped, joins=codings.joins, decimals=2)


def say_missing(read: Read) -> list[str]:
    """A sentence on each variable with codings that have no label."""
    return [
        f"{variable.name}: {say_count(codes.n_missing, 'coding')} without a label left out "
        f"({', '.join(f'{n:,} {why}' for why, n in codes.missing.items())})."
        for variable, codes in read
        if codes.n_missing
    ]


def pooled_order(pairs: pd.DataFrame, value: str = "phi") -> list[str]:
    """Names of a table of pairs in clustered order."""
    return cluster_order(to_matrix(pairs, value)) if len(pairs) else []


def draw_pairs(
    pairs: pd.DataFrame,
    value: str,
    *,
    order: Sequence[str],
    level: str = "",
    groups: Mapping[str, str] | None = None,
    rows: str = "",
) -> Figure:
    """The correlogram of pairs; where the adjusted p is not below .05, without a fill."""
    quantity = f"{QUANTITIES[value]} ({level})" if level else QUANTITIES[value]
    counted = "codings" if "n" in pairs and (pairs["n"] != pairs["n_units"]).any() else "units"
    measure = PairMeasure(quantity, value in _SIGNED, counted, groups or {}, rows)
    matrix = to_matrix(pairs, value, order=order)
    if count_names(matrix, measure) > MOST_CELLS:
        return plot_strongest(pairs, value, quantity)
    p = to_matrix(pairs, "p_bh", order=order) if "p_bh" in pairs else None  # of coders there is none
    n = to_matrix(pairs, {"codings": "n", "units": "n_units"}[counted], order=order)
    return plot_correlogram(matrix, significance=p, counts=n, measure=measure)


def _say_strongest(pairs: pd.DataFrame, statistic: str, places: int) -> str:
    """The pair with the largest figure, of pairs with the strongest first."""
    known = pairs[pairs[statistic].notna()]
    number = say_count(len(known), "pair")
    if known.empty:
        return (
            f"None of {say_count(len(pairs), 'pair')} has a {statistic}: {name_some(dict.fromkeys(pairs['reason']))}."
        )
    row = known.iloc[0]
    most = f"at most {format_figure(row['phi_max'], places)} with such margins; " if "phi_max" in row else ""
    shown = f"{statistic} {format_figure(row[statistic], places)}"
    size = say_count(row["n_units"], "unit")
    return f"Strongest of {number}: {row['a']} and {row['b']}, {shown} ({most}{size}, {say_p(row['p'])})."


def _pair_coders(codings: Codings, statistic: str, min_units: int, most: int) -> Result:
    if codings.uncounted:
        nothing = blank_result(codings, ["a", "b", "n_units", statistic], "coders", "Pairs of coders", "correlogram")
        return nothing_to_say(codings, codings.uncounted, nothing)
    variable, coders = codings.variable, codings.busiest(most)
    roles = {name: role for name, role in codings.roles.items() if name in coders}
    level = "masi" if variable.kind == "multi" else variable.level or ""
    codes = read_codes(
        codings.frame, variable=variable.name, level=level, labels=list_labels(variable), coders=coders or None
    )
    pairs = coder_pairs(codes, min_units).sort_values(statistic, ascending=False, kind="stable", ignore_index=True)
    about = f"{variable.name}: {statistic} of every two coders"
    name = "Krippendorff's alpha" if statistic == "alpha" else "Percent agreement"
    rest = f"The {say_count(len(coders), 'coder')} with the most labels of {len(codings.coders):,}."
    labelled = codings.frame[(codings.frame["variable"] == variable.name) & codings.frame["label"].notna()]
    n_units, coverage = labelled["unit_id"].nunique(), codings.coverage
    facts = Facts(n_units, len(coders), level, coverage=coverage, joins=codings.joins, decimals=2)
    result = Result(pairs, "coders", about, "correlogram", facts, outputs=codings.outputs)
    if pairs.empty:
        reason = f"No two coders labelled {say_count(max(1, min_units), 'unit')} in common: nothing to compare."
        return nothing_to_say(codings, reason, result)
    return replace(
        result,
        finding=_say_range(pairs, statistic, facts.places),
        remarks=(
            f"{name} ({level}); pairs with fewer than {min_units} common units are empty.",
            *([rest] if len(coders) < len(codings.coders) else []),
            *say_alike(codings),
        ),
        table=pairs[["a", "b", "n_units", "percent", "alpha", "low", "high", "reason"]],
        figure=partial(_draw_coders, pairs, statistic, roles, level),
    )


def _draw_coders(pairs: pd.DataFrame, statistic: str, roles: Mapping[str, str], level: str) -> Figure:
    """People, models and the gold with gaps between them, each in clustered order."""
    order = cluster_order(to_matrix(pairs, statistic, order=list(roles)))
    order.sort(key=lambda name: list(dict.fromkeys(roles.values())).index(roles[name]))
    return draw_pairs(pairs, statistic, order=order, level=level if statistic == "alpha" else "", groups=roles)


def _say_range(pairs: pd.DataFrame, statistic: str, places: int) -> str:
    """The pair that agrees most and the one that agrees least, of pairs with the most alike first."""
    known = pairs[pairs[statistic].notna()]
    if known.empty:
        return f"None of {say_count(len(pairs), 'pair')} has a figure: {name_some(dict.fromkeys(pairs['reason']))}."
    first, last = (
        f"{row['a']} and {row['b']}, {statistic} {format_figure(row[statistic], places)} "
        f"({say_count(row['n_units'], 'unit')})"
        for row in (known.iloc[0], known.iloc[-1])
    )
    if len(known) == 1:
        return f"The only pair{' with a figure' * (len(pairs) > 1)} is {first}."
    return f"Most alike of {len(known):,} pairs: {first}; least: {last}."


def _pair_variables(codings: Codings, statistic: str) -> Result:
    coded, uncoded = list_coded(codings.variables, codings.frame["variable"].unique())
    variables = _fitting(coded, statistic)
    read = read_all(codings.frame, variables, ranked=statistic == "spearman")
    make = rank_codes if statistic == "spearman" else indicate
    frames = [make(variable, codes) for variable, codes in read]
    rows = [_pair_row(a, b, statistic) for place, a in enumerate(frames) for b in frames[place + 1 :]]
    measured = ["spearman"] if statistic == "spearman" else ["cramers_v", "chi2", "df"]
    pairs = pd.DataFrame(rows, columns=["a", "b", "n", "n_units", *measured, "p", "reason"])
    pairs.insert(list(pairs.columns).index("p") + 1, "p_bh", adjust_p(pairs["p"].to_numpy(dtype=float)))
    order = pooled_order(pairs, statistic)
    pairs = pairs.sort_values(statistic, key=abs, ascending=False, ignore_index=True)
    facts = make_facts(codings, read, max((len(codes.units) for _, codes in read), default=0))
    left_out = [variable.name for variable in coded if variable not in variables]
    about = f"Association of variables ({statistic})"
    table = share_heads(pairs[["a", "b", "n", statistic, "p", "p_bh", "reason"]])
    result = Result(pairs, "variable_association", about, "correlogram", facts, outputs=codings.outputs)
    if pairs.empty:
        return nothing_to_say(codings, "One variable: nothing to associate.", result)
    return replace(
        result,
        finding=_say_strongest(pairs, statistic, facts.places),
        remarks=(
            _NOTES["variables"],
            *uncoded,
            *([f"Left out, since {statistic} cannot be made of them: {', '.join(left_out)}."] if left_out else []),
            *say_missing(read),
            *remark_size(to_matrix(pairs, statistic, order=order)),
        ),
        table=table,
        names=tuple(table.columns[:2]),
        figure=partial(draw_pairs, pairs, statistic, order=order),
    )


def _fitting(variables: Iterable[VariableLike], statistic: str) -> list[VariableLike]:
    """The variables that a statistic can be made of."""
    single = [variable for variable in variables if variable.kind != "multi"]
    if statistic == "cramers_v":
        return [variable for variable in single if variable.labels]
    ordered = [variable for variable in single if variable.level in LEVELS[1:]]
    if len(ordered) < 2:
        problem = f"ranks need two variables of an ordered level, and there are {len(ordered)}"
        mend = "give the variables their level (ordinal, interval, ratio), or pass statistic='cramers_v'"
        raise_faults("The variables cannot be associated.", [Fault("variables", problem, mend)])
    return ordered


def _pair_row(a: pd.DataFrame, b: pd.DataFrame, statistic: str) -> dict[str, object]:
    """One row of a table of variables."""
    first, second = a.columns[0][0], b.columns[0][0]
    both = a.join(b, how="inner")
    n_units = both.index.get_level_values("unit_id").nunique()
    if statistic == "spearman":
        figures = rank_correlation(both.iloc[:, 0], both.iloc[:, 1], n_units)
    else:
        figures = cramers_v(both[first].to_numpy().T @ both[second].to_numpy(), n_units)
    return {"a": first, "b": second, "n": len(both), "n_units": n_units, **figures}
