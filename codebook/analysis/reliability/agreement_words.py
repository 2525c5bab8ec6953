"""A reliability in words and as a paper prints it: the finding, the remarks, the table, the figure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from codebook.analysis.core.checks import name_some
from codebook.analysis.core.correlograms import STRONGEST, PairMeasure, plot_correlogram, to_matrix
from codebook.analysis.core.estimates import say_figure
from codebook.analysis.core.forest import keep_order, plot_estimates
from codebook.analysis.core.matrix_layout import MOST_CELLS
from codebook.analysis.reliability.agreement_rows import BOUNDS
from codebook.analysis.reliability.coefficients import title_of
from codebook.analysis.reliability.comparisons import BY
from codebook.analysis.reliability.human_band import draw_band, find_band, say_places
from codebook.analysis.reliability.percent import DEFINITIONS
from codebook.ground.quantities import format_figure, places_of, say_count, say_p
from codebook.outputs import MOST_COLUMNS
from codebook.outputs.figure_style import Figure

_MOST_REASONS = 4
_ORDERED = ("ordinal", "interval", "ratio")
_KEYS = ("variable", "label", "level", "group", "a", "b", "left_out")
Row = Mapping[Any, Any]


def name_coefficient(coefficient: str, detail: str) -> str:
    """Name of a coefficient with what is not plain about it.

    Examples
    --------
    >>> name_coefficient("ac2_linear", "linear"), name_coefficient("percent", "mean_pairwise")
    ("Gwet's AC2 (linear)", 'Percent agreement')
    """
    title = title_of(coefficient)
    return title if detail in ("", "identity", "mean_pairwise") else f"{title} ({detail.replace('_', ' ')})"


def _print_value(row: Row, places: int) -> str:
    return "undefined" if math.isnan(row["value"]) else say_figure(row, "value", places, unknown="")


def _places(frame: pd.DataFrame) -> int:
    """Decimals of all figures; the units are those of the first comparison, as in the facts."""
    return places_of(int(frame["n_units"].iloc[0]))


def say_agreement(frame: pd.DataFrame, by: str) -> str:
    """Say alpha (or the first coefficient) of the first variable, for everything that is compared."""
    rows, places = _leading(frame, by), _places(frame)
    first = rows[0]
    label = "" if by == "label" or first["label"] == "(set)" else first["label"]
    name = f"{first['variable']}={label}" if label else first["variable"]
    head = f"{name_coefficient(first['coefficient'], first['detail'])} ({first['level']}) of {name}"
    if by not in ("label", "pair", "without"):
        band = find_band(rows) if by == "group" else None
        parts = (
            [_say_group(row, places) for row in rows]
            if band is None
            else [_say_group(band, places), *say_places(rows, band, places)]
        )
        return f"{head}: {'; '.join(parts)}."
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(row["group"], []).append(row)
    return f"{head}: {'; '.join(_say_range(name, part, by, places) for name, part in groups.items())}."


def _leading(frame: pd.DataFrame, by: str) -> list[Row]:
    """Rows of one coefficient, variable and level, and of one label where labels are not compared; sets go first."""
    coefficient = "alpha" if (frame["coefficient"] == "alpha").any() else frame["coefficient"].iloc[0]
    chosen = frame[frame["coefficient"] == coefficient]
    sets = chosen[(chosen["label"] == "(set)") & (chosen["variable"] == chosen["variable"].iloc[0])]
    rows = (sets if by != "label" and len(sets) else chosen).to_dict("records")
    same = ("variable", "level") if by == "label" else ("variable", "level", "label")
    return [row for row in rows if all(row[key] == rows[0][key] for key in same)]


def _say_group(row: Row, places: int) -> str:
    name = "" if row["group"] == "all" else f"{row['group']} "
    if math.isnan(row["value"]):
        return f"{name}undefined ({row['reason']})"
    interval = "" if not math.isnan(row["low"]) else " [no interval]"
    sizes = f" ({say_count(row['n_coders'], 'coder')}, {say_count(row['n_units'], 'unit')})"
    p = f", {say_p(row['p'])}" if row.get("p", math.nan) == row.get("p") else ""
    return f"{name}{_print_value(row, places)}{interval}{p}{'' if row.get('difference') else sizes}"


def _say_range(group: str, rows: list[Row], by: str, places: int) -> str:
    """The lowest and the highest of several figures."""
    whole = [row for row in rows if by == "without" and not row["left_out"]]
    known = sorted(
        (row for row in rows if not math.isnan(row["value"]) and row not in whole), key=lambda row: row["value"]
    )
    parts = [f"{group} {_print_value(row, places)}, without one of them" for row in whole] or [group]
    if not known:
        return f"{parts[0]} undefined"
    median = format_figure(float(pd.Series([row["value"] for row in known]).median()), places)
    count = f" {say_count(len(rows), 'pair')}, median {median}," if by == "pair" else ""
    low, high = (f"{format_figure(row['value'], places)} ({_part(row, by)})" for row in (known[0], known[-1]))
    return f"{parts[0]}{count} from {low} to {high}"


def _part(row: Row, by: str) -> str:
    """The label, pair or coder of a row."""
    if by == "pair":
        return f"{row['a']}, {row['b']}"
    return str(row["label"] if by == "label" else row["left_out"] or "nobody")


def _subject(row: Row, by: str, n_variables: int) -> str:
    """The variable of a row, with its label or set distance; the label alone where there is one variable."""
    if row["label"] == "(set)":
        return f"{row['variable']} (sets, {row['level']})"
    if by == "label" and n_variables == 1:
        return str(row["label"])
    return f"{row['variable']}: {row['label']}" if row["label"] else str(row["variable"])


def print_agreement(frame: pd.DataFrame, by: str) -> pd.DataFrame:
    """One row per comparison, a column per coefficient with its interval; with many coefficients a row each."""
    names = frame["coefficient"].unique()
    n_variables, places = frame["variable"].nunique(), _places(frame)
    keys = [key for key in _KEYS if key in frame]
    comparisons: dict[tuple[Any, ...], list[Row]] = {}
    for row in frame.to_dict("records"):
        comparisons.setdefault(tuple(row[key] for key in keys), []).append(row)
    groups = list(comparisons.values())
    if by == "pair":
        groups.sort(key=lambda rows: (math.isnan(rows[0]["value"]), rows[0]["value"]))
    heads = [_print_heads(rows[0], by, n_variables) for rows in groups]
    both = zip(heads, groups, strict=True)
    if len(heads[0]) + len(names) <= MOST_COLUMNS:
        return pd.DataFrame(
            [head | {_title(row): _print_value(row, places) for row in rows} for head, rows in both]
        ).fillna("")
    cells = [
        head | {"Coefficient": _title(row), "Value": _print_value(row, places)} for head, rows in both for row in rows
    ]
    return pd.DataFrame(cells)


def _title(row: Row) -> str:
    return name_coefficient(row["coefficient"], row["detail"])


def _print_heads(row: Row, by: str, n_variables: int) -> dict[str, object]:
    """The cells that say what a row compares."""
    cells: dict[str, object] = {
        "Label" if by == "label" and n_variables == 1 else "Variable": _subject(row, by, n_variables)
    }
    if by:
        cells["Coders" if by in BY else by] = row["group"]
    if by in ("pair", "without"):
        cells["Pair" if by == "pair" else "Without"] = _part(row, by)
    cells["Units"] = row["n_units"]
    return cells if by in ("pair", "without") else cells | {"n coders": row["n_coders"]}


def remark_agreement(frame: pd.DataFrame, by: str) -> tuple[str, ...]:
    """What is not plain about the figures: levels, meanings, what was left aside, what is undefined and why."""
    return tuple(_remarks(frame, by))


def _remarks(frame: pd.DataFrame, by: str) -> Iterator[str]:
    levels = frame.groupby("level", sort=False)["variable"].unique()
    if frame["variable"].nunique() > 1:
        parts = (f"{str(level) or 'none'} of {name_some(names, 3)}" for level, names in levels.items())
        yield f"Levels: {'; '.join(parts)}."
    for detail in frame.loc[frame["coefficient"].str.startswith("percent"), "detail"].unique():
        if detail:
            yield f"{name_coefficient('percent', detail)}: {DEFINITIONS[detail]}."
    if by == "pair":
        first = frame[frame["coefficient"] == frame["coefficient"].iloc[0]]
        if len(first) > STRONGEST and not _fit_matrix(first):
            yield f"The figure shows the {STRONGEST} of {len(first):,} pairs that agree least."
    if by == "difference":
        yield "Each unit is drawn once for both sides of a difference."
    if "difference" in frame:
        yield f"The differences under {by} draw their two sets of units independently, but a cluster in both only once."
    if {"cohen", "fleiss", "conger", "scott", "light"} & set(frame.loc[frame["level"].isin(_ORDERED), "coefficient"]):
        yield "A kappa without weights counts near and far labels as equally wrong: _quadratic or _ordinal weigh them."
    shared = frame["coefficient"].isin(("fleiss", "ac1", "ac2", "brennan_prediger"))
    if (shared & (frame["n_dropped"] > 0)).any() and (frame["coefficient"] == "fleiss").any():
        yield "Fleiss' kappa: units coded once count in the shares of the labels, not in the agreement (Gwet 2014)."
    if frame["coefficient"].str.startswith("icc_").any() and not frame["n_clusters"].any():
        yield "Intervals of intraclass correlations are F intervals (McGraw and Wong 1996)."
    if frame["jack_low"].notna().any():
        yield "Under 30 units or clusters there are jackknife intervals, too: in the data."
    yield from _gather(frame, "dropped", "Left aside", by)
    yield from _gather(frame, "reason", "", by)
    alphas = frame[frame["coefficient"] == "alpha"]
    if len(alphas) and by != "difference" and not (by == "pair" and _fit_matrix(alphas)):
        yield "Lines at .667 and .800 are customary, not verdicts."


def _gather(frame: pd.DataFrame, column: str, head: str, by: str) -> Iterator[str]:
    """Texts of a column, each with the rows that have it."""
    n_variables = frame["variable"].nunique()
    rows: dict[str, list[str]] = {}
    for row in frame[frame[column] != ""].to_dict("records"):
        parts = [
            _subject(row, by, n_variables),
            row["group"] if by else "",
            *(row.get(key, "") for key in ("a", "b", "left_out")),
        ]
        parts += [_title(row)] if column == "reason" else []
        rows.setdefault(row[column], []).append(" ".join(filter(None, parts)))
    for text, names in list(rows.items())[:_MOST_REASONS]:
        every = list(dict.fromkeys(names))
        whose = f"{', '.join(every[:2])}{f' and {len(every) - 2:,} more' if len(every) > 2 else ''}"
        whose = f"{say_count(len(every), 'figure')} of pairs" if by == "pair" else whose
        yield f"{f'{head} ({whose})' if head else whose}: {text}."
    if len(rows) > _MOST_REASONS:
        yield f"{len(rows) - _MOST_REASONS:,} more such reasons are in the column {column} of the data."


def draw_agreement(frame: pd.DataFrame, by: str, roles: Mapping[str, str], note: str = "") -> Figure:
    """Dots with intervals, those of groups on the band of the people; pairs as a matrix, or those that agree least."""
    coefficient = "alpha" if (frame["coefficient"] == "alpha").any() else frame["coefficient"].iloc[0]
    rows = frame[frame["coefficient"] == coefficient]
    if by == "pair" and _fit_matrix(rows):
        return _draw_pairs(rows, roles)
    rows = rows[~rows["difference"]] if "difference" in rows else rows
    rows = rows.sort_values("value", kind="stable").head(STRONGEST) if by == "pair" else rows
    n_variables = rows["variable"].nunique()
    if by == "group" and find_band(rows.to_dict("records")) is not None:
        subjects = [_subject(row, by, n_variables) for row in rows.to_dict("records")]
        levels = rows["level"].unique()
        quantity = name_coefficient(coefficient, "") + (f" ({levels[0]})" if len(levels) == 1 else "")
        about = f"{quantity} of {subjects[0]}" if len(set(subjects)) == 1 else quantity
        customary = BOUNDS if coefficient == "alpha" else ()
        return draw_band(rows.assign(subject=subjects), about.replace("alpha", "α"), customary, note)
    names = []
    for row in rows.to_dict("records"):
        part = _part(row, by) if by in ("pair", "without") else row["group"] if by not in ("", *BY) else ""
        alone = part and n_variables == 1
        names.append(part if alone else " ".join(filter(None, [_subject(row, by, n_variables), part])))
    group = "group" if by in BY else None
    references = (0.0,) if by == "difference" else BOUNDS if coefficient == "alpha" else ()
    every = list(dict.fromkeys(rows["level"]))
    quantity = f"{name_coefficient(coefficient, '')} ({', '.join(every)})".replace("alpha", "α")
    words: dict[str, Any] = {"group": group, "references": references, "quantity": quantity, "note": note}
    rows = rows.assign(name=names)
    level = every[0] if by == "label" and n_variables == 1 else "nominal"
    return plot_estimates(rows.assign(name=keep_order(rows["name"], level)), **words)


def _fit_matrix(rows: pd.DataFrame) -> bool:
    """Whether pairs are those of one variable, of three coders or more, and of so few that there is room for cells."""
    is_one = len(rows[["variable", "label", "level"]].drop_duplicates()) == 1
    return is_one and 2 < len({*rows["a"], *rows["b"]}) <= MOST_CELLS


def _draw_pairs(rows: pd.DataFrame, roles: Mapping[str, str]) -> Figure:
    """The figures of all pairs of coders of one variable: people, then models."""
    first = rows.to_dict("records")[0]
    quantity = f"{_title(first)} ({first['level']}) of {first['variable']}"
    order = [name for name in roles if name in {*rows["a"], *rows["b"]}]
    values, counts = (to_matrix(rows, column, order=order) for column in ("value", "n_units"))
    return plot_correlogram(values, counts=counts, measure=PairMeasure(quantity, groups=roles))
