"""Reliability as a paper prints it: one row a comparison, and how often each coder gave each label."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from codebook.analysis.core.checks import carry_joins, raise_faults
from codebook.analysis.core.empty import make_empty, mark_empty, why_empty
from codebook.analysis.core.estimates import format_figure
from codebook.analysis.core.scales import SET_LEVELS, VariableLike
from codebook.analysis.reliability.agreement_tables import BOUNDS
from codebook.analysis.reliability.coefficients import COEFFICIENTS
from codebook.analysis.reliability.comparisons import Comparison, Request, read_comparisons, why_no_group
from codebook.errors import Fault

_HEADS = {
    "variable": "Variable",
    "label": "Label",
    "group": "Coders",
    "a": "First",
    "b": "Second",
    "left_out": "Without",
    "level": "Level",
}


def reliability_table(frame: pd.DataFrame) -> pd.DataFrame:
    """The rows of `agreement` as text for a paper: every coefficient with its interval in one cell.

    Where a jackknife interval stands beside that of the bootstrap, a value is undefined or something was left aside,
    the remarks say so. Columns without content are left out.

    Parameters
    ----------
    frame
        Of `agreement`.

    Returns
    -------
    pd.DataFrame
        Text, one row a comparison; `attrs` are those of `frame`, and `note`, a sentence to print below.

    Raises
    ------
    StatisticError
        It is no frame of `agreement`.

    Examples
    --------
    >>> from codebook.analysis.reliability.agreement_tables import agreement
    >>> from codebook.analysis.core.examples import observers_2011
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> code = VariableSpec("code", "nominal", list("12345"))
    >>> table = reliability_table(agreement(observers_2011(), [code], coefficients=["alpha", "ac1"]))
    >>> table.drop(columns="Remarks").T[0]
    Variable                           code
    Coders                              all
    Level                           nominal
    Units                                11
    N coders                              4
    Krippendorff's alpha    .74 [.41, 1.00]
    Gwet's AC1              .78 [.51, 1.00]
    P(alpha < .667)                     .33
    P(alpha < .800)                     .69
    Name: 0, dtype: str
    >>> table["Remarks"][0].split("; ")[:2]
    ["Krippendorff's alpha jackknife [.42, 1.00]", "Gwet's AC1 jackknife [.50, 1.00]"]
    """
    wanted = {"variable", "label", "group", "coefficient", "value", "low", "high", "jack_low"}
    if absent := sorted(wanted - set(frame.columns)):
        raise_faults(
            "The table cannot be printed.", [Fault("frame", f"no column {absent[0]!r}", "pass agreement(...)")]
        )
    if reason := why_empty(frame):
        return make_empty(reason, table=frame)
    heads = [name for name in _HEADS if name in frame.columns]
    rows = [
        {**dict(zip(heads, key, strict=True)), **_print_comparison(part)}
        for key, part in frame.groupby(heads, sort=False)
    ]
    printed = pd.DataFrame(rows).rename(columns=_HEADS).fillna("").astype("str")
    printed = printed[[name for name in printed.columns if (printed[name] != "").any()]]
    confidence = f"{100 * frame.attrs.get('confidence', 0.95):g} %"
    resampled = frame.attrs.get("resampled", "units")
    note = f"In brackets {confidence} percentile intervals; resampled are {resampled}."
    kept = {name: value for name, value in frame.attrs.items() if name != "joins"}
    printed.attrs = {**kept, "note": " ".join([note, *frame.attrs.get("joins", ())])}
    return printed


def _print_comparison(part: pd.DataFrame) -> dict[str, str]:
    """The cells of one comparison from its rows, one a coefficient."""
    first = part.iloc[0]
    cells = {"Units": f"{int(first['n_units']):,}", "N coders": f"{int(first['n_coders']):,}"}
    remarks: list[str] = []
    for row in part.to_dict("records"):
        title = _title(row)
        cells[title] = _print_figure(row["value"], row["low"], row["high"])
        if not math.isnan(row["jack_low"]):
            remarks.append(f"{title} jackknife {_print_interval(row['jack_low'], row['jack_high'])}")
        if row["reason"]:
            remarks.append(f"{title}: {row['reason']}")
        if row["coefficient"] == "alpha":
            below = {f"P(alpha < {format_figure(bound, 3)})": row[f"below_{bound * 1000:.0f}"] for bound in BOUNDS}
    if "alpha" in set(part["coefficient"]):
        cells |= {name: "" if math.isnan(share) else format_figure(share) for name, share in below.items()}
    return {**cells, "Remarks": "; ".join(filter(None, [*remarks, str(first["dropped"])]))}


def _title(row: Mapping[Any, Any]) -> str:
    """Name of the coefficient, with what is not plain about it."""
    coefficient = COEFFICIENTS[row["coefficient"]]
    plain = row["detail"] in ("", "identity", "mean_pairwise")
    return coefficient.title if plain else f"{coefficient.title} ({str(row['detail']).replace('_', ' ')})"


def _print_figure(value: float, low: float, high: float) -> str:
    if math.isnan(value):
        return "undefined"
    return format_figure(value) if math.isnan(low) else f"{format_figure(value)} {_print_interval(low, high)}"


def _print_interval(low: float, high: float) -> str:
    return f"[{format_figure(low)}, {format_figure(high)}]"


def label_margins(
    table: pd.DataFrame,
    variables: Iterable[VariableLike],
    *,
    groups: Mapping[str, Sequence[str]] | None = None,
    draw: int = 0,
) -> pd.DataFrame:
    """How often each coder gave each label: the margins that a coefficient corrected for chance depends on.

    Parameters
    ----------
    variables, groups
        As in `agreement`; a coder is listed once, under the first group that has it.

    Returns
    -------
    pd.DataFrame
        variable, label, group, coder, n (codings with the label), n_codings, share. The labels of a `multi` variable
        are counted one by one, so their shares need not sum to 1.

    Examples
    --------
    >>> from codebook.analysis.core.examples import observers_2011
    >>> from codebook.analysis.core.scales import VariableSpec
    >>> frame = label_margins(observers_2011(), [VariableSpec("code", "nominal", list("12345"))])
    >>> frame[frame["label"] == "1"][["coder", "n", "n_codings", "share"]].round(2).to_numpy().tolist()
    [['A', 3, 9, 0.33], ['B', 2, 11, 0.18], ['C', 1, 10, 0.1], ['D', 3, 11, 0.27]]
    """
    asked = Request(groups=groups, draw=draw)
    comparisons, coverage = read_comparisons(table, variables, asked, "The margins cannot be counted.")
    rows = [row for each in comparisons if each.head["level"] != SET_LEVELS[1] for row in _count_labels(each)]
    names = ["variable", "label", "group", "coder", "n", "n_codings", "share"]
    frame = pd.DataFrame(rows, columns=names).drop_duplicates(["variable", "label", "coder"], ignore_index=True)
    frame.attrs = {"draw": draw, "coverage": coverage, **carry_joins(table)}
    return mark_empty(frame, why_no_group(groups))


def _count_labels(each: Comparison) -> Iterator[dict[str, object]]:
    """One row a coder and label of a comparison."""
    if each.codings is None:
        return
    given, scale = each.codings.answered(), each.codings.scale
    n_coders, n_labels = len(given.coders), scale.n_labels
    counts = np.bincount(given.coder * n_labels + given.code, minlength=n_coders * n_labels)
    counts = counts.reshape(n_coders, n_labels)
    held = counts @ scale.members.astype(int) if scale.members.size else counts
    for coder, n_codings, numbers in zip(given.coders, counts.sum(axis=1).tolist(), held.tolist(), strict=True):
        about = {"variable": each.head["variable"], "group": each.head["group"], "coder": coder}
        for label, n in zip(each.labels or scale.labels, numbers, strict=True):
            yield {**about, "label": label, "n": n, "n_codings": n_codings, "share": n / max(n_codings, 1)}
