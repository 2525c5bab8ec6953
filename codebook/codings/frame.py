"""The tidy table: one row per unit x coder x variable x draw, and the contract it keeps.

Text columns are never missing ("" where nothing is known), but for two: `label` is missing exactly where `why` says
why, and `why` is missing exactly where there is a label. `draw` is a whole number; `confidence`, `seconds` and
`cost_usd` are numbers that may be missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import orjson
import pandas as pd
from pandas.api.types import union_categoricals

from codebook.analysis.core.checks import iter_cells
from codebook.analysis.core.codings import Codings
from codebook.analysis.joining.joined import OF_JOINING
from codebook.codings.contract import (
    ALL,
    COLUMNS,
    DEFAULTS,
    NUMBERS,
    OPTIONAL,
    REPEATED,
    column_faults,
    is_numbered,
    key_faults,
    label_faults,
    refuse,
    typed,
    why_faults,
)
from codebook.errors import Fault, TableError
from codebook.files.lines import dump_canonical
from codebook.ground.joins import Join, Sides, join_faults, join_ids, tell_strays
from codebook.scheme import Codebook, Variable
from codebook.scheme.number_values import read_number


def make_table(
    rows: Iterable[Mapping[str, Any]] | Mapping[str, Sequence[Any]], codebook: Codebook | None = None
) -> pd.DataFrame:
    """Make a tidy table from rows, in which `draw`, `why`, `run_id` and `custom_id` are optional.

    Parameters
    ----------
    rows : iterable of mapping, or mapping of sequences
        Each row as column -> value, where a column of `OPTIONAL` is there when any row has it; or all rows at once, as
        column -> values, which is quicker.
    codebook : Codebook, optional
        Checks the labels as well.

    Examples
    --------
    >>> table = make_table(
    ...     [
    ...         {"unit_id": "7", "coder": "ann", "variable": "topic", "label": "sports"},
    ...         {"unit_id": "9", "coder": "ann", "variable": "topic", "label": None, "why": "absent"},
    ...     ]
    ... )
    >>> table[["unit_id", "label", "why"]]
      unit_id   label     why
    0       7  sports     NaN
    1       9     NaN  absent
    """
    if isinstance(rows, Mapping):
        return check_table(pd.DataFrame(dict(rows), dtype=object), codebook)
    columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for n_before, row in enumerate(rows):
        for name in row.keys() - columns.keys():
            columns[name] = [None] * n_before
        for name, cells in columns.items():
            cells.append(row.get(name, DEFAULTS.get(name)))
    return check_table(pd.DataFrame(columns, dtype=object), codebook)


def check_table(frame: pd.DataFrame, codebook: Codebook | None = None) -> pd.DataFrame:
    """Check the contract of the tidy table and return a typed copy in the order of its columns.

    With a codebook, labels must be its labels; the JSON list of a `multi` variable is put into codebook order.

    Raises
    ------
    TableError
        Lists every fault, each with the first places.

    Examples
    --------
    >>> check_table(pd.DataFrame({"unit_id": ["7"], "coder": ["ann"], "variabel": ["topic"]}))
    Traceback (most recent call last):
        ...
    codebook.errors.TableError: This is not a tidy table.
      - columns: 'variable', 'label', 'draw', 'why', 'run_id', 'custom_id' are missing. To mend: make the table with \
make_table, or add the columns.
      - column 'variabel': it is not a column of the tidy table. To mend: did you mean 'variable'?
    More on such a message: codebook explain TableError
    """
    refuse([*column_faults(frame)])
    faults: list[Fault] = []
    frame = frame.reset_index(drop=True)
    columns = {name: typed(frame[name], name, faults) for name in ALL if name in frame}
    table = pd.DataFrame(columns, index=frame.index, copy=False)  # what is changed in one of the two is copied then
    refuse(faults)
    refuse([*why_faults(table), *key_faults(table), *(label_faults(table, codebook) if codebook else ())])
    if codebook:
        table["label"] = _one_spelling(table, codebook)
    return table


def merge_tables(*tables: pd.DataFrame, codebook: Codebook | None = None) -> pd.DataFrame:
    """Join tables one below the other, those of `consensus` and `adjudicate` too; a coding in two of them is an error.

    Units may be of one table only; but ids that are almost those of an earlier table are an error where they are more
    than those that meet (`join_codings` tells of fewer).

    Examples
    --------
    >>> ann = make_table([{"unit_id": "7", "coder": "ann", "variable": "topic", "label": "sports"}])
    >>> merge_tables(ann, ann.assign(coder="ben"))["coder"].tolist()
    ['ann', 'ben']
    """
    if not tables:
        return make_table([])
    checked = [check_table(_leave_out(table)) for table in tables]
    for _ in tell_near(checked):
        pass  # raises where more ids almost meet than meet
    return check_table(_stack(checked), codebook)


def _leave_out(table: Any) -> Any:
    """A table without what joined labels say of how they came about; what is no frame as it is."""
    return table.drop(columns=list(OF_JOINING), errors="ignore") if isinstance(table, pd.DataFrame) else table


def pile_pieces(pieces: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Join checked pieces of a table; texts that repeat (`REPEATED`) are stored once.

    Examples
    --------
    >>> ann = make_table([{"unit_id": "7", "coder": "ann", "variable": "topic", "label": "sports"}])
    >>> pile_pieces([ann, ann.assign(unit_id="8")])[["unit_id", "label"]].to_numpy().tolist()
    [['7', 'sports'], ['8', 'sports']]
    """
    before: dict[str, Any] = {}
    return _stack([_share(number_texts(piece), before) for piece in pieces])


def _share(table: pd.DataFrame, before: dict[str, Any]) -> pd.DataFrame:
    """The same table; a column that is as in the piece before takes no memory of its own."""
    for name in ("coder", "variable", "why"):
        before[name] = share_piece(table[name].array, before.get(name))
    return table.assign(**before)


def share_piece(piece: Any, before: Any) -> Any:
    """A piece of a column, or the piece before it where both hold the same: a million rows may have one coder."""
    return before if before is not None and piece.equals(before) else piece


def number_texts(table: pd.DataFrame) -> pd.DataFrame:
    """The same table, which holds each of the repeated texts once."""
    numbered = {}
    for name in REPEATED:
        if name in table and not is_numbered(table[name]):
            texts = pd.Index(dict.fromkeys([*table[name].unique(), ""]), dtype="str")
            numbered[name] = pd.Categorical(table[name], categories=texts)
    return table.assign(**numbered)


def _stack(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put tables that are checked under each other; columns that one of them lacks are empty there."""
    wanted = [name for name in OPTIONAL if any(name in table for table in tables)]
    filled = [
        table.assign(**{name: float("nan") if name in NUMBERS else "" for name in wanted if name not in table})
        for table in tables
    ]
    numbered = [name for name in REPEATED if any(name in table and is_numbered(table[name]) for table in filled)]
    filled = [number_texts(table)[[*COLUMNS, *wanted]] for table in filled] if numbered else filled
    piled = pd.concat([table.drop(columns=numbered) for table in filled], ignore_index=True)
    unions = {name: union_categoricals([table[name] for table in filled]) for name in numbered}
    return piled.assign(**unions)[[*COLUMNS, *wanted]]


def join_codings(first: Codings, *others: Codings) -> Codings:
    """Combine codings of the same units; gold standard, sample and texts are those of the first.

    Raises
    ------
    TableError
        A coding stands in two of them, or more ids almost meet than meet.

    Examples
    --------
    >>> row = {"unit_id": "7", "variable": "topic", "label": "sports"}
    >>> ann, ben = (Codings(make_table([row | {"coder": name}]), []) for name in ("ann", "ben"))
    >>> join_codings(ann, ben).coders
    ['ann', 'ben']
    """
    parts = (first, *others)
    tables = [check_table(part.frame) for part in parts]
    near = tuple(tell_near(tables))
    return replace(
        first,
        frame=check_table(_stack(tables)),
        models=tuple(name for part in parts for name in part.models),
        notes=tuple(dict.fromkeys([*(note for part in parts for note in part.notes), *near])),
        joins=tuple(dict.fromkeys([*(join for part in parts for join in part.joins), *near])),
    )


def keep_known(codings: Codings, units: Iterable[str], name: str, summary: str, mend: str = "") -> Codings:
    """The codings of known units; those of others leave the frame, and are counted in the joins.

    `name` says where the codings come from, and `summary` begins the error where the ids do not meet.
    """
    frame = codings.frame
    join = join_ids(frame["unit_id"].unique(), units)
    sides = Sides(f"units of {name}", "among the units", "the list of units")
    if len(frame) and (faults := join_faults(join, name, sides, *filter(None, [mend]))):
        raise TableError(summary, faults)
    known = frame[~frame["unit_id"].isin(join.strays)].reset_index(drop=True)
    return replace(codings, frame=known, joins=tuple(tell_strays(join, sides)))


def tell_near(tables: Sequence[pd.DataFrame]) -> Iterator[str]:
    """Tell of units and coders that are almost those of an earlier table."""
    for number, table in enumerate(tables[1:], start=2):
        for column in ("unit_id", "coder"):
            join = _join_new(table[column], [each[column] for each in tables[: number - 1]])
            if join.near and column == "unit_id":
                yield _say_near(join, number)
            elif join.near:
                yield f"Coders who may be the same person count as two ({join.example('an earlier table')})."


def _join_new(ids: pd.Series[Any], before: Sequence[pd.Series[Any]]) -> Join:
    """The join of ids with those of earlier tables, which are held in memory only where there are new ones."""
    mine = dict.fromkeys(iter_cells(ids))
    new = dict(mine)
    for name in chain.from_iterable(map(iter_cells, before)):
        new.pop(name, None)
    return join_ids(mine, chain.from_iterable(before)) if new else Join(len(mine), 0)


def _say_near(join: Join, number: int) -> str:
    problem = join.say_strays("unit ids", "in an earlier table", "that one")
    if join.almost_meets:
        mend = "write the ids of all tables in the same way"
        raise TableError("The unit ids of the tables do not match.", [Fault(f"table {number}", problem, mend)])
    return f"Merged table {number}: {problem}."


def dump_labels(labels: Iterable[str], variable: Variable) -> str:
    """Write the labels of a `multi` variable as the table holds them: a JSON list in codebook order, no repeats.

    Examples
    --------
    >>> frames = Variable(name="frames", question="?", kind="multi", level="nominal", categories=["moral", "conflict"])
    >>> dump_labels(["conflict", "moral"], frames), dump_labels([], frames)
    ('["moral","conflict"]', '[]')
    """
    chosen = set(labels)
    return dump_canonical([label for label in variable.labels if label in chosen]).decode()


def _one_spelling(table: pd.DataFrame, codebook: Codebook) -> pd.Series[Any]:
    """Return labels that are JSON or numbers each written the same way, so that equal answers are equal texts."""
    labels = table["label"]
    for variable in codebook.variables:
        if variable.kind == "text" or not (variable.is_open or variable.is_set or variable.is_number):
            continue
        mine = table["variable"] == variable.name
        texts = {text: _spell_alike(text, variable) for text in labels[mine].dropna().unique()}
        changed = {text: dumped for text, dumped in texts.items() if text != dumped}
        labels = labels.mask(mine, labels.replace(changed)) if changed else labels
    return labels


def _spell_alike(text: str, variable: Variable) -> str:
    """An answer as it is always written: 3.2 for 3.20; a set of labels in codebook order, each once; JSON."""
    if variable.is_number:
        return read_number(text, variable)[0] or text
    value = orjson.loads(text)
    return dump_labels(value, variable) if variable.is_set else dump_canonical(value).decode()
