"""What the columns of a table are: ids, texts, coders' labels, and what is left; each as a guess with its reason.

First comes where in its file the table lies: sheet, rows above it, encoding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean

from codebook.errors import Fault, ParameterError
from codebook.files.decode import DELIMITERS, find_encoding, find_separator_line
from codebook.files.tables import RowFile, open_rows, reading
from codebook.files.tables.formats import READERS, read_csv
from codebook.files.tables.header_search import Head, find_naming_row, read_sheet_head, read_text_heads, typical_width
from codebook.files.tables.rows import missing_column
from codebook.files.tables.workbook import list_sheets
from codebook.files.unfolding import find_kind
from codebook.ground.quantities import say_count
from codebook.scaffold.coder_columns import ColumnFacts, GuessedVariable, find_variables, read_columns

_LONGEST_NAME = 100
TEXT_CHARS = 20
"""Mean length of the cells of a column, in characters, from which on it may be one of texts."""
NAME_COLUMNS = "write a row with a name for each column above the table, or say --skip-rows N: the rows above that row"


@dataclass(frozen=True)
class TablePlace:
    """A table in a file: what has to be said so that it is read right, and why where that is a guess."""

    path: Path
    sheet: str = ""
    skip_rows: int = 0
    encoding: str = ""
    other_sheets: tuple[str, ...] = ()
    guesses: Mapping[str, str] = field(default_factory=dict)

    @property
    def form(self) -> dict[str, str]:
        """How it is read, as far as that does not go without saying."""
        parts = {"sheet": self.sheet, "skip_rows": str(self.skip_rows or ""), "encoding": self.encoding}
        return {name: value for name, value in parts.items() if value}

    def open(self) -> RowFile:
        """Open its rows."""
        form = {"sheet": self.sheet or None, "encoding": self.encoding or None, "skip_rows": self.skip_rows}
        return open_rows(self.path, **form)  # type: ignore[arg-type]


def find_place(path: Path, *, sheet: str = "", skip_rows: int | None = None) -> TablePlace:
    """Find the table in a file, by what is given and by how the first rows look.

    Raises
    ------
    UnitsError
        The file cannot be read.
    ParameterError
        Several sheets hold texts, or no row names the columns.
    """
    kind = READERS.get(find_kind(path))
    if kind is None or not path.is_file() or kind not in (read_csv, READERS[".xlsx"]):
        open_rows(path)  # which says what is wrong with it
        return TablePlace(path)
    place = _find_in_text(path) if kind is read_csv else _find_in_workbook(path, sheet)
    if skip_rows is not None:
        guesses = {name: reason for name, reason in place.guesses.items() if name != "skip_rows"}
        place = replace(place, skip_rows=skip_rows, guesses=guesses)
    _check_names(place)
    return place


def _find_in_text(path: Path) -> TablePlace:
    with reading(path):
        encoding = find_encoding(path)
    signs = "\t" if find_kind(path) == ".tsv" else DELIMITERS
    head = max(read_text_heads(path, encoding.name, signs), key=typical_width)
    skip_rows = 0 if find_separator_line(path, encoding.name) else find_naming_row(head) - 1
    guesses = _say_skipped(head, skip_rows)
    if encoding.guessed:
        guesses["encoding"] = encoding.reason
    return TablePlace(path, "", skip_rows, encoding.name if encoding.guessed else "", (), guesses)


def _find_in_workbook(path: Path, sheet: str) -> TablePlace:
    with reading(path):
        names = list_sheets(path)
        wanted = [sheet] if sheet else names  # a sheet that is not there is told by the reader
        heads = {name: read_sheet_head(path, name) for name in wanted}
    full = {name: head for name, head in heads.items() if len(head) > 1} or heads
    chosen = sheet or _choose_sheet(path, full)
    head = heads[chosen]
    skip_rows = find_naming_row(head) - 1
    guesses = _say_skipped(head, skip_rows)
    if len(full) > 1:
        guesses["sheet"] = "the only sheet with a column of texts"
    others = tuple(name for name in names if name != chosen)
    return TablePlace(path, chosen if others else "", skip_rows, "", others, guesses)


def _choose_sheet(path: Path, heads: Mapping[str, Head]) -> str:
    """The one sheet that holds something, or else the one that holds texts."""
    likely = [name for name, head in heads.items() if _has_texts(head)] if len(heads) > 1 else list(heads)
    if len(likely) == 1:
        return likely[0]
    listed = "; ".join(f"{name!r} with {len(head[0][1]) if head else 0} columns" for name, head in heads.items())
    problem = f"{len(likely) or 'none'} of its sheets look{'s' * (not likely)} like texts ({listed})"
    mend = f"name the sheet: --sheet {(likely or list(heads))[0]!r}"
    raise ParameterError("The kit cannot tell which table is meant.", [Fault(path.name, problem, mend)])


def _has_texts(head: Head) -> bool:
    columns = zip(*(cells for _, cells in head if len(cells) == len(head[-1][1])), strict=False)
    return any(mean(map(len, cells)) >= TEXT_CHARS for cells in columns)


def _say_skipped(head: Head, skip_rows: int) -> dict[str, str]:
    above = [" ".join(filter(None, cells)) for number, cells in head if number <= skip_rows]
    beginning = "; ".join(text[:60] for text in above[:2])
    where = f"the columns are named in row {skip_rows + 1}, below "
    return {"skip_rows": where + (f"{beginning!r}" if above else "empty rows")} if skip_rows else {}


def _check_names(place: TablePlace) -> None:
    """Refuse a row of data as the row that names the columns."""
    columns = place.open().columns
    where = f"{place.path.name}, row {place.skip_rows + 1}"
    long = [name for name in columns if len(name) > _LONGEST_NAME]
    if long:
        problem = f"it should name the columns, and holds {long[0][:40]!r}"
        raise ParameterError("The kit cannot tell what the columns are.", [Fault(where, problem, NAME_COLUMNS)])


MADE_ID = "unit_id"
"""The column of ids that is added to a table without any."""
_LEAST_TEXT = 8.0


@dataclass(frozen=True)
class TableChoice:
    """What a person has said of a table; all else is guessed.

    Examples
    --------
    >>> TableChoice(Path("texts.xlsx"), text_column="body", coders=["ann", "ben"]).id_column
    ''
    """

    path: Path
    sheet: str = ""
    skip_rows: int | None = None
    id_column: str = ""
    text_column: str = ""
    coders: Sequence[str] = ()
    gold: str = ""


@dataclass(frozen=True)
class TableGuess:
    """A table of texts, and what each of its columns is taken for; where it `makes_ids`, its copy gets some.

    `guesses` says why, by what was guessed; `other_texts` are columns that are long, too; `unused` those left over.

    Examples
    --------
    >>> import codebook as cb
    >>> from codebook.scaffold import guess_table
    >>> guess = guess_table(TableChoice(Path("data/texts.csv")))
    >>> guess.id_column, guess.text_column
    ('id', 'text')
    """

    place: TablePlace
    n_rows: int
    id_column: str
    text_column: str
    variables: tuple[GuessedVariable, ...] = ()
    other_texts: tuple[str, ...] = ()
    unused: tuple[str, ...] = ()
    guesses: Mapping[str, str] = field(default_factory=dict)
    makes_ids: bool = False

    @property
    def form(self) -> Mapping[str, str]:
        """What has to be said so that the table in the study is read right."""
        return {} if self.makes_ids else self.place.form

    @property
    def has_gold(self) -> bool:
        """Whether a column holds the gold."""
        return any("gold" in variable.columns for variable in self.variables)


def guess_table(choice: TableChoice) -> TableGuess:
    """Look at a file of texts, and say what its columns are.

    Raises
    ------
    UnitsError
        The file cannot be read.
    ParameterError
        A column that was named is not there; or no column holds texts, or the ids.

    Examples
    --------
    >>> import codebook as cb
    >>> guess = guess_table(TableChoice(Path("data/texts.csv")))
    >>> guess.id_column, guess.text_column, guess.n_rows
    ('id', 'text', 12)
    """
    place = find_place(choice.path, sheet=choice.sheet, skip_rows=choice.skip_rows)
    columns = read_columns(place.open())
    _check_choice(choice, columns)
    guesses = dict(place.guesses)
    text, others = _find_text(choice, columns, guesses)
    taken = {text.name, *choice.coders, choice.gold}
    likely = [column for column in columns if column.name not in taken]
    id_column = choice.id_column or _find_id(choice.path, likely, text, guesses)
    taken = {id_column, text.name}
    rest = [column for column in columns if column.name not in taken]
    variables = find_variables(rest, coders=choice.coders, gold=choice.gold)
    if variables and not choice.coders:
        guesses["coders"] = _say_coders(variables)
    taken |= {column for variable in variables for column in variable.columns.values()}
    unused = tuple(column.name for column in columns if column.name not in {*taken, *others})
    n_rows = columns[0].n_rows if columns else 0
    parts = (tuple(variables), others, unused, guesses, not id_column)
    return TableGuess(place, n_rows, id_column or MADE_ID, text.name, *parts)


def _check_choice(choice: TableChoice, columns: Sequence[ColumnFacts]) -> None:
    names = [column.name for column in columns]
    wanted = dict.fromkeys([choice.id_column, choice.text_column, *choice.coders, choice.gold])
    faults = [missing_column(choice.path.name, name, names) for name in wanted if name and name not in names]
    few = {column.name for column in columns if column.values is not None}
    for name in (*choice.coders, choice.gold):
        if name in names and name not in few:
            mend = "name a column with one label for each row; labels that stand elsewhere go into coders.yaml"
            faults.append(
                Fault(choice.path.name, f"column {name!r} holds too many or too long texts to be labels", mend)
            )
    if again := [column.name for column in columns if column.values and column.name in column.values]:
        problem = f"the names of the columns look like a row of data: {again[0]!r} stands again below"
        faults.append(Fault(choice.path.name, problem, NAME_COLUMNS))
    if not any(column.n_rows for column in columns):
        faults.append(Fault(choice.path.name, "it has no rows below the names of its columns", "give a table of texts"))
    ParameterError.raise_any("The table cannot be taken like this.", faults)


def _find_text(
    choice: TableChoice, columns: Sequence[ColumnFacts], guesses: dict[str, str]
) -> tuple[ColumnFacts, tuple[str, ...]]:
    """The column of texts, and those that are about as long."""
    named = {choice.id_column, *choice.coders, choice.gold}
    likely = [column for column in columns if column.name not in named and column.textness >= _LEAST_TEXT]
    likely = [column for column in likely if not column.may_be_labels or column.textness >= TEXT_CHARS]
    if choice.text_column:
        return next(column for column in columns if column.name == choice.text_column), ()
    if not likely:
        mend = f"name it: --text-column {columns[-1].name!r}"
        fault = Fault(choice.path.name, f"no column looks like texts; it has {_list(columns)}", mend)
        raise ParameterError("The kit cannot tell which column holds the texts.", [fault])
    most = max(column.textness for column in likely)
    long = [column for column in likely if column.textness >= most / 2]
    best = max(long, key=lambda column: (column.is_named_text, column.textness))
    guesses["text_column"] = "the column with the longest texts" + " that is named so" * (best.textness < most)
    return best, tuple(column.name for column in long if column is not best)


def _find_id(path: Path, columns: Sequence[ColumnFacts], text: ColumnFacts, guesses: dict[str, str]) -> str:
    """The column of ids; "" where each row is a text and none has an id."""
    unique = [column for column in columns if column.may_be_id]
    if named := [column for column in unique if column.is_named_id]:
        guesses["id_column"] = "named so, with another value in every row"
        return named[0].name
    broken = [column for column in columns if column.is_named_id and column.n_filled > 0.9 * column.n_rows]
    if broken and not broken[0].repeats:
        faulty = broken[0]
        n_empty = faulty.n_rows - faulty.n_filled
        parts = [f"{say_count(faulty.n_twice, 'id')} a second time"] * (faulty.n_twice > 0)
        parts += [say_count(n_empty, "empty cell")] * (n_empty > 0)
        problem = f"it holds {' and '.join(parts)}"
        mend = "give every row an id of its own, or name another column: --id-column COLUMN"
        raise ParameterError("The ids are not unique.", [Fault(f"{path.name}, column {faulty.name!r}", problem, mend)])
    if broken or text.repeats:
        mend = "give one row for each text; labels in rows of their own go into coders.yaml (`coder`, `label`)"
        problem = "many texts or ids stand in several rows, as where each row is the label of one coder"
        raise ParameterError("The kit cannot tell what the units are.", [Fault(path.name, problem, mend)])
    if unique:
        guesses["id_column"] = "the first column with another short value in every row"
        return unique[0].name
    guesses["id_column"] = "no column has another value in every row; in the copy the rows are numbered"
    return ""


def _say_coders(variables: Sequence[GuessedVariable]) -> str:
    return "; ".join(
        f"{', '.join(map(repr, variable.columns.values()))}"
        + (" share their few values" if len(variable.columns) > 1 else " has few values and the name of labels")
        for variable in variables
    )


def _list(columns: Sequence[ColumnFacts]) -> str:
    return ", ".join(repr(column.name) for column in columns)
