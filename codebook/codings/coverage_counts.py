"""How much was asked and how much was answered: shown under every table, and it must sum."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.result import Facts, Result
from codebook.errors import Fault, TableError
from codebook.ground.joins import Sides, join_faults, join_ids, tell_strays
from codebook.ground.whys import WHYS
from codebook.material.unit_store import PACK, count_texts


def coverage(codings: Codings | pd.DataFrame, by: str = "") -> Result:
    """How many questions were asked, and how each ended, by coder and variable; the counts add up.

    Parameters
    ----------
    by
        A covariate, such as a source or a year: each of its values is counted apart. Refusals and failures are seldom
        spread evenly, and labels that are missing more often in one of them bias what is said of all.

    Raises
    ------
    TableError
        The counts do not sum, or the units of the covariate are not those of the codings.

    Examples
    --------
    >>> from codebook.codings import make_table
    >>> row = {"coder": "gpt-4", "variable": "topic"}
    >>> table = make_table([row | {"unit_id": "7", "label": "sports"}, row | {"unit_id": "9", "why": "refused"}])
    >>> coverage(table).finding
    '2 asked = 1 labelled + 1 refused.'
    """
    labelled = codings if isinstance(codings, Codings) else Codings(codings, [])
    strata = {str(unit): str(value) for unit, value in labelled.covariate(by).dropna().items()} if by else None
    joins = labelled.joins if strata is None else (*labelled.joins, *meet_strata(labelled.frame, strata))
    return Result(
        count_coverage(labelled.frame, strata),
        name=f"coverage_by_{by}" if by else "coverage",
        title=f"Coverage by {by}" if by else "Coverage",
        section="coverage",
        facts=Facts(n_units=labelled.frame["unit_id"].nunique(), joins=joins),
        finding=f"{coverage_sentence(labelled.frame)}.",
        outputs=labelled.outputs,
    )


def count_coverage(table: pd.DataFrame, strata: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Count the questions and how each ended: one row per coder and variable, in order of appearance.

    Parameters
    ----------
    strata
        unit_id -> stratum, such as a source or a year: counts each stratum apart.

    Returns
    -------
    DataFrame
        Columns coder, variable, asked, labelled, and one for each of `WHYS`; asked is the sum of the others.
        Where a row is a pack of texts to be embedded, its texts are counted.
        With strata, also stratum, and `share_labelled` of what was asked; units without a stratum stand under "".

    Raises
    ------
    TableError
        The counts do not sum: a row has a label and a why, or neither. No unit has a stratum, or more almost than do.

    Examples
    --------
    >>> from codebook.codings import make_table
    >>> row = {"coder": "gpt-4", "variable": "topic"}
    >>> table = make_table([row | {"unit_id": "7", "label": "sports"}, row | {"unit_id": "9", "why": "refused"}])
    >>> count_coverage(table).T.squeeze().to_dict()["asked"], coverage_sentence(table)
    (2, '2 asked = 1 labelled + 1 refused')
    >>> count_coverage(table, {"7": "north", "9": "south"})[["stratum", "refused", "share_labelled"]].values.tolist()
    [['north', 0, 1.0], ['south', 1, 0.0]]
    """
    keys = ["coder", "variable"]
    if strata is not None:
        meet_strata(table, strata)
        table = table.assign(stratum=[strata.get(unit_id, "") for unit_id in table["unit_id"]])
        keys = [*keys, "stratum"]
    labelled = {"labelled": table["label"].notna(), **{why: table["why"] == why for why in WHYS}}
    weights = _count_texts(table["unit_id"])
    counts = table[keys].assign(asked=weights, **{name: rows * weights for name, rows in labelled.items()})
    counted = counts.groupby(keys, sort=False, as_index=False).sum()
    numbers = ["asked", "labelled", *WHYS]
    counted[numbers] = counted[numbers].astype("int64")
    off = counted[counted["asked"] != counted[["labelled", *WHYS]].sum(axis=1)]
    if len(off):
        faults = [
            Fault(
                f"coder {coder!r}, variable {variable!r}",
                "the counts do not add up",
                "check the table with check_table",
            )
            for coder, variable in zip(off["coder"], off["variable"], strict=True)
        ]
        raise TableError("Some labels are missing without a reason in `why`.", faults)
    if strata is not None:
        counted["share_labelled"] = counted["labelled"] / counted["asked"]
    return counted


def _count_texts(unit_ids: pd.Series[str]) -> pd.Series[int]:
    """How many texts each row stands for: those of a pack, else one."""
    names = unit_ids.astype(str)
    return names.map(count_texts) if names.str.startswith(PACK).any() else pd.Series(1, index=unit_ids.index)


def meet_strata(table: pd.DataFrame, strata: Mapping[str, str]) -> list[str]:
    """Sentences on units without a stratum; an error where no unit has one, or more almost than do."""
    sides = Sides("units", "among those with a stratum", "the list of strata")
    join = join_ids(table["unit_id"], strata)
    TableError.raise_any("The coverage cannot be split.", join_faults(join, "strata", sides))
    return tell_strays(join, sides)


def coverage_sentence(table: pd.DataFrame) -> str:
    """The coverage of a whole table in one line, such as "204 asked = 162 labelled + 42 invalid".

    Examples
    --------
    >>> import codebook as cb
    >>> coverage_sentence(cb.open_run("topics").table())
    '12 asked = 12 labelled'
    """
    totals = count_coverage(table)[["asked", "labelled", *WHYS]].sum()
    parts = [f"{int(totals[why]):,} {why}" for why in WHYS if totals[why]]
    return " + ".join([f"{int(totals['asked']):,} asked = {int(totals['labelled']):,} labelled", *parts])
