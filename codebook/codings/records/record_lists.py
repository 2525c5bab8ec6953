"""What is made of records: counts of their quotes, lists by unit, mentions with ids; and units with their members."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import shorten

import pandas as pd

from codebook.analysis.against_gold.spans import span_validity
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.result import Facts, Result
from codebook.analysis.entities import FormRules, Names, Resolution
from codebook.codings.database.frames import KeyedTable
from codebook.codings.exports import write_frame
from codebook.codings.label_counts import shorten_names
from codebook.errors import Fault, TableError, UnitsError
from codebook.files.tables import open_rows
from codebook.files.yaml_text import parse_pairs
from codebook.ground.joins import Sides, join_faults, join_ids, tell_strays
from codebook.ground.quantities import say_count
from codebook.ground.quotes import HOW
from codebook.records import Unit

Units = Iterable[Unit] | Iterable[tuple[Unit, str | None]]

RECORD_KEY = ("unit_id", "coder", "variable", "draw", "list", "n")
"""What names a record: whose it is, the list it stands in, and its number there, counted from 1."""
NOBODY = "0 asked = 0 labelled"
"""Coverage of records that nobody was asked for."""
_ENTITY = ["mention_id", "entity_id", "canonical", "decision"]


@dataclass(frozen=True, repr=False, eq=False)
class Records:
    """The records of one list, such as all entities, with their units and coverage.

    Attributes
    ----------
    name
        Of the list, and of its table in a database.
    frame
        One row per record, as of `open_records`.
    runs
        Whose rows are replaced when the records are written into a database.
    coverage
        What was asked and answered, in a sentence.
    units
        The units with their texts.
    notes, joins
        What was read, and which ids did not meet, in sentences.
    outputs
        The folder into which results are saved.
    """

    name: str
    frame: pd.DataFrame
    runs: tuple[str, ...] = ()
    coverage: str = ""
    units: Units = ()
    notes: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()
    outputs: Path | None = None

    @property
    def key(self) -> tuple[str, ...]:
        """What names a row in a database."""
        return RECORD_KEY

    @property
    def scope(self) -> tuple[str, ...]:
        """What rows of a database take the place of."""
        return RECORD_KEY[:-1]

    @property
    def n_absent(self) -> int:
        """Quotes that are not in their text."""
        return int((self.frame["how"] == "absent").sum()) if "how" in self.frame else 0

    def __repr__(self) -> str:
        counts = f"{say_count(len(self.frame), 'record')} in {say_count(self.frame['unit_id'].nunique(), 'unit')}"
        absent = (
            f", {say_count(self.n_absent, 'quote is', 'quotes are')} not in their text" if "how" in self.frame else ""
        )
        return " ".join([f"{self.name}: {counts}{absent}; {self.coverage}.", *self.joins])

    def by_unit(self, field: str, n_characters: int = 120) -> Result:
        """What each unit's records hold in one field beside the unit's beginning, for a person to judge.

        Units without a record stand there with nothing beside them; records of other units are counted.

        Raises
        ------
        TableError
            No record is of one of the units.

        Examples
        --------
        >>> frame = pd.DataFrame({"unit_id": ["7", "7"], "topic": ["coal", "hard coal"]})
        >>> units = [Unit("7", "The price of hard coal fell."), Unit("9", "-")]
        >>> Records("topics", frame, units=units).by_unit("topic", 13).frame
          unit_id           text            topic
        0       7  The price ...  coal; hard coal
        1       9              -
        """
        values = self.frame.groupby("unit_id", sort=False)[field].agg("; ".join).to_dict()
        rows = [
            (unit.unit_id, shorten(unit.text, n_characters, placeholder=" ..."), values.get(unit.unit_id, ""))
            for unit in plain_units(self.units)
        ]
        sides = Sides("units with records", "among the units", "the list of units")
        join = join_ids(map(str, values), (row[0] for row in rows))
        if faults := join_faults(join, "units", sides, "give the units of this run"):
            raise TableError("The records cannot be listed by unit.", faults)
        frame = pd.DataFrame(rows, columns=["unit_id", "text", field])
        joins = tuple(dict.fromkeys([*self.joins, *tell_strays(join, sides)]))
        finding = f"{say_count(len(self.frame), 'record')} of {say_count(len(values), 'unit')} ({self.coverage})."
        facts, title = Facts(len(frame), joins=joins), f"{self.name.capitalize()} by unit"
        result = Result(frame, f"{self.name}_by_unit", title, "records", facts, finding, outputs=self.outputs)
        return replace(result, names=(field,))

    def write(self, where: str | Path, *, formulas: str = "keep") -> str:
        """Write the records as `write_table` writes codings, by the ending of the path, and say what was written.

        A database gets the units with their members, too, in the same transaction.

        Raises
        ------
        TableError
            The ending is unknown, a sheet cannot hold the records, or the database refuses them.
        """
        name, note = write_frame(self, where, formulas, beside=[units_table(self.units)])
        return f"{name}: {self!r}{note}"

    def mentions(self, field: str) -> Names:
        """Each record with a `mention_id`, and its `name` out of a field: what `resolve_entities` reads.

        Examples
        --------
        >>> frame = pd.DataFrame({"unit_id": ["7"], "list": ["people"], "n": [2], "mention": ["Ann  Lee"]})
        >>> Records("people", frame).mentions("mention").mentions[["mention_id", "name"]].to_numpy().tolist()
        [['7.people.2', 'Ann Lee']]
        """
        records = self.frame
        several = [column for column in ("coder", "draw") if column in records and records[column].nunique() > 1]
        parts = [records[column].astype("str") for column in (*several, "unit_id", "list", "n")]
        ids = [".".join(cells) for cells in zip(*parts, strict=True)]
        names = [" ".join(text.split()) for text in records[field]]
        return Names(records.assign(mention_id=ids, name=names), outputs=self.outputs)

    def with_entities(self, resolution: Resolution) -> Records:
        """The records with mention, entity and decision of each, of a resolution of their `mentions`."""
        named = resolution.names.mentions.merge(resolution.frame[_ENTITY], on="mention_id")
        return replace(self, frame=named)

    def against(self, gold: Records, *, baseline: str = "capitals", resample: Bootstrap | None = None) -> Result:
        """The records' first quotes against those of the gold, as of `span_validity`.

        Parameters
        ----------
        gold
            Records that people gave; where nobody gave any, the result says so.
        baseline
            "capitals": beside every run of capital letters; empty for nothing.
        """
        spans = gold.frame if gold.coverage != NOBODY else None
        mine, units = shorten_names(self.frame), list(plain_units(self.units))
        result = span_validity(mine, spans, units, baseline=baseline, resample=resample or Bootstrap())
        joins = tuple(dict.fromkeys([*result.facts.joins, *self.joins, *gold.joins]))
        return replace(result, facts=replace(result.facts, joins=joins), outputs=self.outputs)


def count_quotes(*records: Records) -> Result:
    """How well the quotes of each list match the texts: one row per list and coder.

    Examples
    --------
    >>> frame = pd.DataFrame({"coder": ["m", "m", "m"], "how": ["exact", "absent", "exact"]})
    >>> count_quotes(Records("people", frame)).frame
      coder  exact  folded  aligned  absent    list
    0     m      2       0        0       1  people
    """
    counts = [
        pd.crosstab(each.frame["coder"], each.frame["how"])
        .reindex(columns=list(HOW), fill_value=0)
        .rename_axis(None, axis=1)
        .reset_index()
        .assign(list=each.name)
        for each in records
    ]
    frame = pd.concat(counts, ignore_index=True)
    n_quotes, n_absent = int(frame[list(HOW)].to_numpy().sum()), int(frame["absent"].sum())
    finding = f"{n_absent:,} of {n_quotes:,} quotes are not in their text."
    table = shorten_names(frame)
    remark = "Exact: letter by letter; folded: except for case, spaces, quotation marks and dashes; aligned: nearly."
    joins = tuple(dict.fromkeys(text for each in records for text in each.joins))
    facts = Facts(n_quotes, joins=joins)
    return Result(frame, "quotes", "Quotes", "records", facts, finding, (remark,), table, outputs=records[0].outputs)


def plain_units(units: Units) -> Iterator[Unit]:
    """The units, without the reason why one is not asked."""
    return (each[0] if isinstance(each, tuple) else each for each in units)


def units_table(units: Units) -> KeyedTable:
    """List the texts of each unit, one row per text; a unit that is not a group has one.

    Examples
    --------
    >>> units_table([Unit("t1", "Coal? No.", members=(("7", 0), ("9", 6)))]).frame.to_numpy().tolist()
    [['t1', '7', 0], ['t1', '9', 6]]
    """
    rows = [(unit.unit_id, *member) for unit in plain_units(units) for member in unit.members or ((unit.unit_id, 0),)]
    frame = pd.DataFrame(rows, columns=["unit_id", "member", "start"])
    frame = frame.astype({"unit_id": "str", "member": "str", "start": "int64"})
    return KeyedTable("units", frame, ("unit_id", "member"), ("unit_id",))


def read_names(
    path: str | Path,
    *,
    listed: str = "",
    tables: Mapping[str, str | Path] | Sequence[str] = (),
    columns: Mapping[str, str] | Sequence[str] = (),
    persons: bool = False,
    about: str = "",
) -> Names:
    r"""Read names from a table with the columns `mention_id` and `name`, and `entity_id` where the entity is known.

    Parameters
    ----------
    listed
        The source (column `source_column`) whose names are the list of entities; empty for none.
    tables
        Tables of their own, such as {"entities": "list.csv", "pairs": "true.csv"} or ["entities: list.csv"]: the list
        of entities with the columns `entity_id` and `name`, and the true pairs with `mention_id` and `entity_id`.
    columns
        What these columns are called in your tables, such as {"name": "title"} or ["name: title"]. Where a table calls
        one otherwise than the others do, that is said of it: "entities.name: product", "pairs.mention_id: left".
    persons
        The names are of persons: "Smith, Adam" is "Adam Smith".
    about
        What the names are; it stands in titles of tables and figures.

    Raises
    ------
    UnitsError
        A file cannot be read, or lacks a column.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = Path("names.csv").write_text("mention_id,name,entity_id\n1,Germany,DE\n2,Allemagne,DE\n")
    >>> read_names("names.csv")
    2 names, 2 different in their normal form
    """
    columns_named = parse_pairs(columns, "columns", error=UnitsError, summary="The columns cannot be read.")
    files = parse_pairs(tables, "tables", error=UnitsError, summary="The tables cannot be read.")
    if unknown := set(files) - {"entities", "pairs"}:
        fault = Fault("tables", f"{min(unknown)!r} is no table of names", 'name "entities" or "pairs"')
        raise UnitsError("The tables cannot be read.", [fault])
    needed = ["mention_id", "name", *(["source_column", "entity_id"] if listed else [])]
    table = _read_table(path, needed, columns_named)
    on_list = (table["source_column"] == listed) if listed else pd.Series(data=False, index=table.index)
    others = table[on_list].reset_index(drop=True) if listed else None
    if "entities" in files:
        others = _read_table(files["entities"], ["entity_id", "name"], columns_named, "entities.")
    mentions = table[~on_list].reset_index(drop=True)
    truth = mentions.set_index("mention_id")["entity_id"] if "entity_id" in table else None
    if "pairs" in files:
        known = _read_table(files["pairs"], ["mention_id", "entity_id"], columns_named, "pairs.").drop_duplicates(
            "mention_id"
        )
        truth = known.set_index("mention_id")["entity_id"].reindex(mentions["mention_id"])
    return Names(mentions, others, truth, rules=FormRules(persons=persons), about=about)


def _read_table(
    path: str | Path, needed: Sequence[str], columns_named: Mapping[str, str], part: str = ""
) -> pd.DataFrame:
    """A table of texts whose columns have the kit's names; those of `part` before those of every table."""
    rows = open_rows(path)
    kits = [name for name in (*needed, *columns_named) if "." not in name]
    named = {kit: columns_named.get(part + kit, columns_named.get(kit, kit)) for kit in kits}
    rows.require([named[kit] for kit in needed])
    table = pd.DataFrame(list(rows), columns=list(rows.columns), dtype=object)
    return table.rename(columns={name: kit for kit, name in reversed(named.items()) if name in table})
