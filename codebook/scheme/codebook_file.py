"""Read a codebook from YAML, or from a plain list of labels, every fault at once with its line; and write one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from codebook.errors import Fault, SchemeError, UnitsError
from codebook.files import YamlTree, open_rows, parse_yaml, read_yaml
from codebook.files.lines import write_atomic
from codebook.paths import resolve_path, show_path
from codebook.scheme.codebook_checks import Finding, check_alone, check_categories, check_names, check_variable
from codebook.scheme.explaining import explain
from codebook.scheme.model import KINDS, OPEN_KINDS, Codebook, Variable

Row = tuple[int, dict[str, str]]
"""The number of a row in its file, and its cells by column."""


def read_codebook(path: str | Path) -> Codebook:
    """Read and check `codebook.yaml`. Everything in it is text: `no` and `1` are names, not a truth value or a number.

    Raises
    ------
    SchemeError
        The file is missing or faulty; all faults are listed with their line and the mend.
    """
    file = resolve_path(path)
    if not file.exists():
        raise SchemeError(f"There is no codebook at {show_path(file)}. To mend: give the path of your codebook.yaml.")
    return _make_codebook(read_yaml(file, error=SchemeError, summary="The codebook cannot be read."))


def parse_codebook(text: str, where: str = "codebook") -> Codebook:
    """Check the text of a codebook; `where` names it in messages.

    Raises
    ------
    SchemeError
        All faults, each with its line and the mend.
    """
    return _make_codebook(parse_yaml(text, where, error=SchemeError, summary=f"{where} is not readable as YAML."))


def _make_codebook(tree: YamlTree) -> Codebook:
    """Check what was read, and return it as a codebook."""
    where, raw = tree.where, tree.value
    if not isinstance(raw, dict):
        fault = Fault(f"{where}, line 1", "not a codebook", "start with `name:`, `unit:` and `variables:`")
        raise SchemeError(f"{where} is not a codebook.", [fault])
    twice = [(line, f"`{loc[-1]}` stands here twice", "keep one of them") for loc, line in tree.repeated_keys()]
    findings = [*twice, *((tree.line(loc), problem, mend) for loc, problem, mend in find_faults(raw))]
    if findings:
        findings.sort(key=lambda finding: finding[0])
        faults = [Fault(f"{where}, line {line}", problem, mend) for line, problem, mend in findings]
        raise SchemeError(f"{where} has {len(faults)} fault{'s' * (len(faults) > 1)}:", faults)
    return Codebook.model_validate(raw)


def find_faults(raw: dict[str, Any]) -> Iterator[Finding]:
    """Every fault of the raw mapping: of single fields first, then of fields together."""
    variables = raw.get("variables")
    try:
        codebook = Codebook.model_validate(raw)
    except ValidationError as error:
        for variable in error.errors():
            # pydantic leaves faulty variables out before it counts them, and then finds too few
            if not (variables and variable["loc"] == ("variables",) and variable["type"] == "too_short"):
                yield explain(variable)
    else:
        yield from check_names(codebook)
        yield from check_alone(codebook)
    for place, variable in enumerate(variables if isinstance(variables, list) else ()):
        for loc, problem, mend in _check_together(variable):
            yield ("variables", place, *loc), problem, mend


def _check_together(raw: Any) -> Iterator[Finding]:
    """What the fields of a variable get wrong together; where some are faulty themselves, its categories only."""
    try:
        yield from check_variable(Variable.model_validate(raw))
    except ValidationError:
        if not isinstance(raw, dict):
            return
        kind = raw.get("kind") if raw.get("kind") in KINDS else "multi"
        if kind in OPEN_KINDS:
            return
        rest = {"categories": raw.get("categories"), "abstain": raw.get("abstain")}
        with suppress(ValidationError):
            yield from check_categories(Variable.model_validate(rest | _SOUND | {"kind": kind}))


_SOUND = {"name": "sound", "question": "sound", "level": "nominal"}


def write_codebook(codebook: Codebook, path: str | Path) -> None:
    """Write a codebook as YAML that reads back to the same digest."""
    raw = codebook.model_dump(mode="json", exclude_defaults=True)
    text = yaml.dump(raw, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    with write_atomic(resolve_path(path)) as file:
        file.write(text.encode())


class _Dumper(yaml.SafeDumper):
    """Writes U+0085, U+2028 and U+2029 as escapes: to YAML they are line ends, and come back as others."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        style = '"' if any(letter in data for letter in "\x85\u2028\u2029") else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)


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
    """Turn a plain list of labels (a column of a csv or xlsx file) into a codebook with one variable.

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
    """
    file = resolve_path(path)
    if not file.exists():
        raise SchemeError(f"There is no list of labels at {show_path(file)}. To mend: give the path of a csv or xlsx.")
    columns, rows = _read_table(file, encoding)
    missing = [name for name in (column, definition_column or column) if name not in columns]
    if missing:
        mend = f"the columns are {', '.join(columns)}"
        faults = [Fault(f"column {name!r}", "missing", mend) for name in dict.fromkeys(missing)]
        raise SchemeError(f"{show_path(file)}:", faults)
    rows = [(number, row) for number, row in rows if row[column].strip()]
    categories = [{"name": row[column], "definition": row.get(definition_column, "")} for _, row in rows]
    variable = {
        "name": _as_name(column),
        "question": question,
        "kind": kind,
        "level": level,
        "categories": categories,
    }
    stem = "".join(letter if letter.isalnum() and letter.isascii() else "-" for letter in file.stem).strip("-")[:40]
    raw = {"name": stem or "codebook", "unit": "one text", "variables": [variable]}
    faults = []
    for loc, problem, mend in find_faults(raw):
        place = loc[3] if loc[2:3] == ("categories",) and len(loc) > 3 else None
        where = f"{show_path(file)}, row {rows[place][0]}" if isinstance(place, int) else show_path(file)
        faults.append(Fault(where, problem, mend))
    if faults:
        raise SchemeError(f"{show_path(file)} makes no codebook:", faults)
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
    try:
        table = open_rows(file, encoding=encoding)
        rows = list(enumerate(table, start=2 + table.skip_rows))
    except UnitsError as error:
        raise SchemeError("The list of labels cannot be read.", error.faults) from error
    if table.guessed:
        mend = f"save the file with encoding UTF-8, or give encoding={table.encoding!r} if that is right"
        raise SchemeError("The list of labels cannot be read.", [Fault(where, table.how_encoded, mend)])
    if table.ragged:
        problem = f"a row has not {len(table.columns)} cells as the first has"
        faults = [Fault(f"{where}, row {number}", problem, "quote cells with a comma") for number in table.ragged]
        raise SchemeError(f"{where} is no even table:", faults)
    return table.columns, rows
