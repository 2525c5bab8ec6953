"""`GoldSample`: the gold units of a study, how they were drawn, and the chance that each of them had."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import Any

import pandas as pd

from codebook.analysis.core.checks import check_columns, name_some, raise_faults
from codebook.errors import Fault
from codebook.ground.quantities import is_or_are
from codebook.outputs import block_html, print_rows

_SLIP = 0.8
"""Likeness of two names from which on one is taken for a slip of the other."""


@dataclass(frozen=True, repr=False)
class GoldSample:
    """The gold units of a study with the chances by which they were drawn.

    Parameters
    ----------
    frame
        A row per unit: `unit_id`, `prob`, and perhaps `stratum`, `part`, `prob_part` and `round`.
    name
        What it is called where it is shown.
    part
        "dev" or "test" where it is a part; "all" where the whole is asked for, and else empty.
    locked
        The faults for which it must not be used yet.
    named
        It is used even where every unit has a gold label.
    declined
        It is not used at all: all gold units weigh the same.
    n_units
        Units from which it was drawn; 0 where that is not on record.
    rounds
        How each round of it was drawn: round, how, n, seed, dev_share, strata, minimum.
    strata
        Of each stratum how many units it has and how many of them were drawn.
    remark
        A sentence that stands wherever figures use it, such as on an earlier opening of the test part.
    others
        The units of the other parts: figures leave them out.
    """

    frame: pd.DataFrame
    name: str = "the gold sample"
    part: str = ""
    locked: tuple[Fault, ...] = ()
    named: bool = False
    declined: bool = False
    n_units: int = 0
    rounds: Sequence[Mapping[str, Any]] = ()
    strata: Mapping[str, Sequence[int]] = field(default_factory=dict)
    remark: str = ""
    others: frozenset[str] = frozenset()

    @property
    def settled(self) -> GoldSample:
        """The sample as figures use it: where it has parts and none was asked for, the test part.

        Units with which prompts were written cannot test these prompts.

        Examples
        --------
        >>> frame = pd.DataFrame({"unit_id": list("abc"), "prob": 0.5, "part": ["dev", "test", "test"]})
        >>> GoldSample(frame).settled.sentence
        "the gold sample: 2 gold units (part 'test'), weighted by chances of 0.5 to 0.5."
        >>> GoldSample(frame).take("all").sentence.partition("0.5. ")[2]
        "1 of them is in part 'dev': figures flatter if prompts were written with it."
        """
        parts = set(self.frame["part"]) if "part" in self.frame and not self.part else set()
        return self.take("test") if parts >= {"dev", "test"} else self

    def take(self, part: str) -> GoldSample:
        """One part, `prob` being the chance of a unit to come into it; "all" is the whole, dev and test together."""
        if part == "all":
            return replace(self, part=part)
        rows = self.frame["part"] == part
        frame = self.frame[rows].reset_index(drop=True)
        frame = frame.assign(prob=frame["prob_part"]) if "prob_part" in frame else frame
        return replace(self, frame=frame, part=part, others=frozenset(self.frame.loc[~rows, "unit_id"].astype(str)))

    @property
    def seed(self) -> int | None:
        """The seed of the last draw."""
        return self.rounds[-1].get("seed") if self.rounds else None

    @property
    def sentence(self) -> str:
        """Which units are used, and by which chances they are weighted."""
        chances = f"chances of {self.frame['prob'].min():.3g} to {self.frame['prob'].max():.3g}"
        part = f" (part {self.part!r})" if self.part else ""
        used = f"{self.name}: {len(self.frame):,} gold units{part}, weighted by {chances}."
        n = int(self.frame["part"].eq("dev").sum()) if self.part == "all" and "part" in self.frame else 0
        flatter = f"{n:,} of them {is_or_are(n)} in part 'dev': figures flatter if prompts were written with it."
        return " ".join(filter(None, [used, flatter if n else "", self.remark]))

    def list_strata(self) -> pd.DataFrame:
        """A row for each stratum and part: `n` units, and the chance `prob` of a unit to come into the part."""
        groups = self.frame.groupby(["stratum", "part"], as_index=False)
        return groups.agg(n=("prob", "size"), prob=("prob_part", "first"))

    def __repr__(self) -> str:
        return self.sentence if len(self.frame) else "No gold sample."

    def _repr_html_(self) -> str:
        rows = self.list_strata() if "prob_part" in self.frame else self.frame
        return block_html(print_rows(rows, names=()), finding=repr(self))


NO_WEIGHTS = GoldSample(pd.DataFrame(columns=["unit_id", "prob"]), declined=True)
"""In place of a sample: the gold units are a simple random sample, and weigh the same."""


def why_no_gold(table: pd.DataFrame, variable: str, gold: str) -> str:
    """Say why there is no gold to hold labels against; empty where there is some.

    Raises StatisticError: nobody has the name of the gold, but a coder has nearly that name: a slip.

    Examples
    --------
    >>> from codebook.analysis.core.examples import make_table
    >>> why_no_gold(make_table("tone", {"model": ["a", "b"]}), "tone", "gold")
    "No unit has a label of 'gold': nothing to compare. To compare, let people code a sample (10_gold_sample)."
    """
    raise_faults("There is no gold.", check_columns(table))
    coders = list(table["coder"].dropna().astype(str).unique())
    meant = {} if gold in coders else {name.casefold(): name for name in coders}
    if near := get_close_matches(gold.casefold(), meant, n=1, cutoff=_SLIP):
        mend = f"did you mean {meant[near[0]]!r}?"
        raise_faults("There is no gold.", [Fault("gold", f"no coding by {gold!r}", mend)])
    if ((table["coder"] == gold) & (table["variable"] == variable) & table["label"].notna()).any():
        return ""
    mend = "let people code a sample (10_gold_sample)"
    if "run_id" in table and (people := table.loc[table["run_id"].fillna("") == "", "coder"].dropna().unique()).size:
        mend = f"take another coder as the gold: {name_some(map(str, people))}"
    return f"No unit has a label of {gold!r}: nothing to compare. To compare, {mend}."
