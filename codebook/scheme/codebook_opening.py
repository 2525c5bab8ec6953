"""One door to the instrument: a codebook's file, that of a QDA program, or a list of labels with what is asked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TypedDict, Unpack

from codebook.errors import Fault, SchemeError, UnitsError, mend_name
from codebook.files.unfolding import find_kind
from codebook.ground.quantities import say_count
from codebook.paths import resolve_path, show_path
from codebook.scheme.codebook_file import find_faults, read_codebook_file
from codebook.scheme.model import LEVELS, Codebook, list_kinds

Row = tuple[int, dict[str, str]]
"""The number of a row in its file, and its cells by column."""


class LabelList(TypedDict, total=False):
    """What is asked with a list of labels, and where they stand in it."""

    kind: str
    level: str
    question: str
    column: str
    definition_column: str
    encoding: str


_ASKED = ("kind", "level", "question")
_KEYS = tuple(LabelList.__annotations__)
_SAID = re.compile(r";\s*(?=[A-Za-z_]+\s*:(?:\s|$))")
_LABELS = frozenset(
    ["label", "labels", "category", "categories", "code", "codes", "name", "names", "kategorie", "kategorien"]
)
_DEFINITIONS = frozenset(("definition", "definitions", "description", "descriptions", "beschreibung"))


def read_codebook(path: str | Path, **labels: Unpack[LabelList]) -> Codebook:
    """Read and check a codebook: its YAML file, a list of labels (a column of a csv or xlsx file), or a .qdc.

    In YAML everything is text: `no` and `1` are names, not a truth value or a number. Of a code system (REFI-QDA, .qdc)
    all codes are labels of one variable, any number on a passage, unless the kit wrote it.

    Parameters
    ----------
    path
        The file. What is asked with a list of labels may stand behind it, so that such a text does wherever a codebook
        is named: "labels.csv; kind: single; level: nominal; question: What is it about?".
    labels
        The same, one by one: kind, level and question, which are never guessed; and column, definition_column and
        encoding, where the file does not show them.

    Raises
    ------
    SchemeError
        The file is missing or faulty; all faults are listed with their line and the mend.

    Examples
    --------
    >>> import tempfile; folder = tempfile.TemporaryDirectory(); path = Path(folder.name) / "topics.csv"
    >>> _ = path.write_text("label,definition\\nsports,Matches and teams.\\nhealth,Diseases.\\n")
    >>> book = read_codebook(f"{path}; kind: single; level: nominal; question: What is it about?")
    >>> book.variables[0].labels, book.variables[0].categories[1].definition
    (('sports', 'health'), 'Diseases.')
    >>> folder.cleanup()
    """
    name, *pairs = _SAID.split(str(path))
    answers = {key.strip(): value.strip() for key, _, value in (text.partition(":") for text in pairs)} | dict(labels)
    file = resolve_path(name.strip())
    if not file.exists():
        mend = "give the path of your codebook.yaml, of a .qdc, or of a csv or xlsx file of labels"
        raise SchemeError(f"There is no codebook at {show_path(file)}. To mend: {mend}.")
    if file.suffix.lower() == ".qdc":
        from codebook.scheme.qdc_files import read_qdc

        return read_qdc(file, answers)
    from codebook.files.tables import READERS

    if find_kind(file) in READERS:
        return _read_labels(file, answers)
    if answers:
        fault = Fault(show_path(file), f"{', '.join(answers)} cannot be given for it here", "write it in that file")
        raise SchemeError(f"{show_path(file)} is no list of labels.", [fault])
    return read_codebook_file(file)


def _read_labels(file: Path, answers: dict[str, str]) -> Codebook:
    """Read a list of labels, once all is said that cannot be seen in it."""
    unknown = [
        Fault(key, "a list of labels has no such entry", mend_name(key, _KEYS)) for key in answers if key not in _KEYS
    ]
    SchemeError.raise_any(f"{show_path(file)} cannot be read like this.", unknown)
    columns, _ = _read_table(file, answers.get("encoding"))
    guesses = {
        "column": _find_column(columns, _LABELS) or (columns[0] if len(columns) == 1 else ""),
        "definition_column": _find_column(columns, _DEFINITIONS),
    }
    fields = guesses | answers
    if missing := [key for key in (*_ASKED, "column") if not fields.get(key)]:
        raise SchemeError(f"{show_path(file)} is a list of labels, and not a codebook.", [_ask(file, missing, columns)])
    return read_label_list(file, **fields)


def _ask(file: Path, missing: list[str], columns: tuple[str, ...]) -> Fault:
    """Ask for what cannot be seen in a list of labels, with a line to copy."""
    if not columns:
        return Fault(show_path(file), "it is empty", "write labels into it, below a header")
    example = {"kind": "single", "level": "nominal", "question": "What is the text about?"}
    example |= {"column": columns[0]} if "column" in missing else {}
    line = "; ".join([show_path(file), *(f"{key}: {value}" for key, value in example.items())])
    choices = {
        "kind": f"kind is one of {', '.join(list_kinds()[:3])}",
        "level": f"level one of {', '.join(LEVELS)}",
        "column": f"column one of {', '.join(columns)}",
    }
    options = "; ".join(choices[key] for key in missing if key in choices)
    mend = f'write, wherever a codebook is named, "{line}"' + (f" ({options})" if options else "")
    return Fault(show_path(file), f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not given", mend)


def _find_column(columns: tuple[str, ...], names: frozenset[str]) -> str:
    fitting = [column for column in columns if column.strip().casefold() in names]
    return fitting[0] if len(fitting) == 1 else ""


def read_label_list(
    path: str | Path,
    *,
    column: str,
    kind: str,
    level: str,
    question: str,
    definition_column: str = "",
    encoding: str | None = None,
) -> Codebook:
    r"""Turn a plain list of labels (a column of a csv or xlsx file) into a codebook with one variable.

    Parameters
    ----------
    column, definition_column
        The columns that hold the names and, where there is one, the definitions.
    kind, level, question
        As in a codebook; they are not guessed from the list.
    encoding
        Of a csv file that is not UTF-8.

    Raises
    ------
    SchemeError
        The column is missing, or the list makes no codebook.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = Path("labels.csv").write_text("code\nsports\npolitics\n")
    >>> book = read_label_list("labels.csv", column="code", kind="single", level="nominal", question="What is it?")
    >>> book.variables[0].labels
    ('sports', 'politics')
    """
    file = resolve_path(path)
    if not file.exists():
        raise SchemeError(f"There is no list of labels at {show_path(file)}. To mend: give the path of a csv or xlsx.")
    columns, rows = _read_table(file, encoding)
    missing = [name for name in (column, definition_column or column) if name not in columns]
    if missing:
        mend = f"the columns are {', '.join(columns)}" if columns else "write labels into it, below a header"
        faults = [Fault(f"column {name!r}", "the file has no such column", mend) for name in dict.fromkeys(missing)]
        raise SchemeError(f"{show_path(file)}:", faults)
    rows = [(number, row) for number, row in rows if row[column].strip()]
    categories = [{"name": row[column], "definition": row.get(definition_column, "")} for _, row in rows]
    variable = {"name": _as_name(column), "question": question, "kind": kind, "level": level, "categories": categories}
    stem = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in file.stem).strip("-")[:40]
    raw = {"name": stem or "codebook", "unit": "one text", "variables": [variable]}
    faults = []
    for loc, problem, mend in find_faults(raw):
        place = loc[3] if loc[2:3] == ("categories",) and len(loc) > 3 else None
        where = f"{show_path(file)}, row {rows[place][0]}" if isinstance(place, int) else show_path(file)
        faults.append(Fault(where, problem, mend))
    SchemeError.raise_any(f"{show_path(file)} does not make a codebook:", faults)
    return Codebook.model_validate(raw)


def _as_name(column: str) -> str:
    """A column's heading as the name of a variable."""
    name = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in column)[:39]
    return name if name[:1].isalpha() else f"v{name}"


def _read_table(file: Path, encoding: str | None) -> tuple[tuple[str, ...], list[Row]]:
    """Read a table whose first row names the columns, as tables of units are read."""
    where = show_path(file)
    if not file.stat().st_size:
        return (), []
    from codebook.files.tables import open_rows

    try:
        table = open_rows(file, encoding=encoding)
        rows = list(enumerate(table, start=2 + table.skip_rows))
    except UnitsError as error:
        raise SchemeError("The list of labels cannot be read.", error.faults) from error
    if table.guessed:
        mend = f"save the file with encoding UTF-8, or add `encoding: {table.encoding}` if that is right"
        raise SchemeError("The list of labels cannot be read.", [Fault(where, table.how_encoded, mend)])
    if table.ragged:
        problem = f"a row does not have {say_count(len(table.columns), 'cell')}, as the first row has"
        faults = [Fault(f"{where}, row {number}", problem, "quote cells with a comma") for number in table.ragged]
        raise SchemeError(f"{where} is not a table of equal rows:", faults)
    return table.columns, rows
