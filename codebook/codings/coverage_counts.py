"""How much was asked and how much was answered: shown under every table, and it must sum."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from codebook.errors import Fault, TableError
from codebook.ground.joins import Sides, join_faults, join_ids, tell_strays
from codebook.records import WHYS
from codebook.tasks.packing import PACK, count_texts
from codebook.visible import escape_block, spell_line

if TYPE_CHECKING:
    from codebook.codings.wide import Texts

_N_LINES = 60


def coverage(table: pd.DataFrame, strata: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Count what was asked and what became of it, one row a coder x variable, in order of appearance.

    Parameters
    ----------
    strata
        unit_id -> stratum, such as a source or a year: counts each stratum apart. Refusals and failures are seldom
        spread evenly, and labels that are missing more often in one stratum bias what is said of all. Units without
        one are told in `attrs["joins"]`.

    Returns
    -------
    DataFrame
        Columns coder, variable, asked, labelled, and one for each of `records.WHYS`; asked is the sum of the others.
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
    >>> coverage(table).T.squeeze().to_dict()["asked"], coverage_sentence(table)
    (2, '2 asked = 1 labelled + 1 refused')
    >>> coverage(table, {"7": "north", "9": "south"})[["stratum", "refused", "share_labelled"]].values.tolist()
    [['north', 0, 1.0], ['south', 1, 0.0]]
    """
    keys = ["coder", "variable"]
    joins = list(table.attrs.get("joins", ()))
    if strata is not None:
        joins += _hold_against(table, strata)
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
            Fault(f"coder {coder!r}, variable {variable!r}", "the coverage does not sum", "see check_table")
            for coder, variable in zip(off["coder"], off["variable"], strict=True)
        ]
        raise TableError("Labels are missing without a why.", faults)
    if strata is not None:
        counted["share_labelled"] = counted["labelled"] / counted["asked"]
    if joins:
        counted.attrs["joins"] = joins
    return counted


def _count_texts(unit_ids: pd.Series[str]) -> pd.Series[int]:
    """How many texts each row stands for: those of a pack, else one."""
    ones = pd.Series(1, index=unit_ids.index)
    return unit_ids.map(count_texts) if unit_ids.str.startswith(PACK).any() else ones


def _hold_against(table: pd.DataFrame, strata: Mapping[str, str]) -> list[str]:
    """What is to be told of units without a stratum."""
    sides = Sides("units", "among those with a stratum", "the list of strata")
    join = join_ids(table["unit_id"], strata)
    if faults := join_faults(join, "strata", sides):
        raise TableError("The coverage cannot be split.", faults)
    return tell_strays(join, sides)


def coverage_sentence(table: pd.DataFrame) -> str:
    """Say the coverage of a whole table in one line, such as "204 asked = 162 labelled + 42 invalid"."""
    totals = coverage(table)[["asked", "labelled", *WHYS]].sum()
    parts = [f"{int(totals[why]):,} {why}" for why in WHYS if totals[why]]
    return " + ".join([f"{int(totals['asked']):,} asked = {int(totals['labelled']):,} labelled", *parts])


def show_table(table: pd.DataFrame, n: int = 10, *, units: Texts | None = None) -> TableView:
    """Show the first rows of a table, and its coverage under them; with `units`, each label beside its text.

    Examples
    --------
    >>> from codebook.codings import make_table
    >>> show_table(make_table([{"unit_id": "7", "coder": "ann", "variable": "topic", "label": "sports"}]))
    unit_id coder variable  label  draw why run_id custom_id
          7   ann    topic sports     0
    <BLANKLINE>
    1 asked = 1 labelled
    coder variable  asked  labelled
      ann    topic      1         1
    """
    return TableView(table, n, units)


def beside_texts(table: pd.DataFrame, units: Texts) -> pd.DataFrame:
    """Return each label beside the text it was given to, with why and detail where there is none."""
    from codebook.codings.wide import to_wide  # wide stands on exports, which stands on this module

    wide = to_wide(table, units)
    several = [name for name in ("coder", "variable", "draw") if name in wide]
    shown = wide[["id", *several, "label", "error_info", "quote"]].rename(
        columns={"error_info": "why", "quote": "text"}
    )
    return shown.drop(columns=[] if shown["why"].ne("").any() else ["why"])


class TableView:
    """A table as a notebook or a terminal shows it: texts of the data are shown, and never run or interpreted."""

    def __init__(self, table: pd.DataFrame, n: int = 10, units: Texts | None = None) -> None:
        self.table, self.n = table, n
        head = table.head(n)
        self.head = head if units is None else beside_texts(head, units)

    def _notes(self) -> list[str]:
        """What was read and what did not meet, as the table tells it."""
        return [spell_line(note) for note in self.table.attrs.get("notes", ())]

    def _parts(self) -> tuple[pd.DataFrame, str, pd.DataFrame]:
        counted = coverage(self.table)
        occurring = [why for why in WHYS if counted[why].any()]
        counted = counted[["coder", "variable", "asked", "labelled", *occurring]]
        sentence = coverage_sentence(self.table)
        if len(self.table) > self.n:
            sentence = f"The first {self.n:,} of {len(self.table):,} rows. {sentence}"
        return _visible(self.head), sentence, _visible(counted)

    def __repr__(self) -> str:
        head, sentence, counted = self._parts()
        shown = [
            frame.to_string(index=False, na_rep="", max_colwidth=50, max_rows=_N_LINES) for frame in (head, counted)
        ]
        lines = [*shown[0].splitlines(), "", sentence, *shown[1].splitlines(), *self._notes()]
        return "\n".join(line.rstrip() for line in lines)

    def _repr_html_(self) -> str:
        head, sentence, counted = self._parts()
        with pd.option_context("display.html.use_mathjax", False, "display.max_colwidth", 400):
            shown = [
                frame.to_html(
                    index=False, escape=True, na_rep="", border=0, max_rows=_N_LINES, classes=["tex2jax_ignore"]
                )
                for frame in (head, counted)
            ]
        said, *notes = (f"<p>{escape_block(text)}</p>" for text in (sentence, *self._notes()))
        return f'<div class="tex2jax_ignore" dir="auto">{shown[0]}{said}{shown[1]}{"".join(notes)}</div>'


def _visible(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a copy in which control characters show as `\\x1b`: a terminal must not obey a text."""
    texts: list[str] = [str(name) for name in frame.columns if pd.api.types.is_string_dtype(frame[name].dtype)]
    return frame.assign(**{name: frame[name].map(spell_line, na_action="ignore") for name in texts})
