"""Cells that may hold several labels, joined by a sign that may stand in a label too."""

from __future__ import annotations

from collections.abc import Sequence

from codebook.exchange.collector import Collector


def split_labels(cell: str, variable: str, sign: str, out: Collector) -> str | list[str]:
    """Return the labels of a cell where the variable is known to hold sets; else the cell as it stands.

    `sign` stands between labels. Where the labels of the variable are known, the cell is read by them.
    """
    name = out.options.rename(variable)
    if out.options.sets is None or name not in out.options.sets:
        return cell
    out.mark_set(variable)
    if not cell.strip():
        return []
    labels = out.options.labels.get(name, ())
    if labels and (parts := read_by_labels(cell, labels, sign)) is not None:
        return parts
    if labels and sign in cell:
        out.count("a cell of several labels does not fit the codebook and was split at every separator")
    return [part.strip() for part in cell.split(sign) if part.strip()]


def read_by_labels(cell: str, labels: Sequence[str], sign: str) -> list[str] | None:
    """Return the labels that a cell is made of, the longest first at each place; None where it is made of others.

    Examples
    --------
    >>> read_by_labels("roads, rail, housing", ["housing", "roads, rail", "roads"], ",")
    ['roads, rail', 'housing']
    >>> read_by_labels("roads, parks", ["housing", "roads"], ",") is None
    True
    """
    rest = cell.strip()
    if not rest:
        return []
    for label in sorted(labels, key=len, reverse=True):
        if rest == label:
            return [label]
        behind = rest.removeprefix(label).lstrip()
        if rest.startswith(label) and behind.startswith(sign):
            more = read_by_labels(behind.removeprefix(sign), labels, sign)
            if more is not None:
                return [label, *more]
    return None
