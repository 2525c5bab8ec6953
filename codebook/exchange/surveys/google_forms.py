"""Answers of Google Forms and alike: one row per answer, a column per question, the first one a time stamp.

Names are typed by hand there, and several ticks stand in one cell: joined by `;` in the csv, by `, ` in the sheet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from codebook.exchange.collector import Collector
from codebook.exchange.export_source import ExportSource
from codebook.exchange.heading_roles import Sheet, fold_heading, is_table, is_workbook, read_headings, read_sheet
from codebook.exchange.reading import UNKNOWN_CODER, WHOLE, Reading, ReadOptions
from codebook.exchange.surveys.label_cells import split_labels
from codebook.files.tables.rows import require_columns
from codebook.ground.personal import is_personal_name, looks_personal

TITLE = "Google Forms"
_STAMPS = ("timestamp", "zeitstempel", "marcatemporal", "horodateur")
_CODERS = ("yourname", "name", "coder", "yourinitials", "ihrname", "deinname")
_ROLES = ("coder", "time")


def looks_like(source: ExportSource) -> bool:
    """Whether its first column is the time stamp of a form."""
    columns = read_headings(source) if is_table(source) else ()
    return len(columns) > 1 and fold_heading(columns[0]) in _STAMPS


def read_export(source: ExportSource, options: ReadOptions) -> Reading:
    """Read one row per answer; `columns` names variables, `columns: {stance: "Is the text for or against?"}`."""
    sheet = read_sheet(source, options)
    require_columns(sheet.name, [*options.unit, *options.columns.values()], sheet.columns)
    out = Collector("google_forms", TITLE, [sheet.name], options)
    coder = _find_coder(sheet, out)
    variables = _find_variables(sheet, coder, out)
    sign = ", " if is_workbook(source) else ";"
    several = _find_sets(sheet, variables, sign, out)
    for number, row in enumerate(sheet.rows, start=1):
        out.record()
        cells = dict(zip(sheet.columns, row, strict=True))
        who = cells.get(coder, "") or options.coder_name or UNKNOWN_CODER
        _add_rows(cells, (_name_unit(cells, out), who), number, variables, several, sign, out)
    return out.finish()


def _find_coder(sheet: Sheet, out: Collector) -> str:
    """The heading of the coder's name; "" where it is not clear."""
    if "coder" in out.options.columns:
        return out.options.columns["coder"]
    fitting = [name for name in sheet.columns if fold_heading(name) in _CODERS]
    if len(fitting) == 1:
        out.note(f"The column {fitting[0]!r} was used for the coder; `columns: {{coder: ...}}` names another one.")
        return fitting[0]
    return ""


def _find_variables(sheet: Sheet, coder: str, out: Collector) -> dict[str, str]:
    """Variable -> heading: those that a person names, or else every question that holds no personal data."""
    options = out.options
    named = {name: heading for name, heading in options.columns.items() if name not in _ROLES}
    if named:
        return named
    rest = [name for name in sheet.columns[1:] if name not in (coder, *options.unit)]
    personal = [name for name in rest if is_personal_name(name) or _holds_persons(sheet, name)]
    if personal:
        out.note(f"Columns that may hold personal data were left out: {', '.join(personal)}.")
    return {name: name for name in rest if name and name not in personal}


def _holds_persons(sheet: Sheet, heading: str) -> bool:
    """Whether every cell of a column that is filled is an address or a number of a person."""
    cells = [row[sheet.find(heading)] for row in sheet.rows]
    return all(looks_personal(cell) for cell in cells if cell) and any(cells)


def _find_sets(sheet: Sheet, variables: Mapping[str, str], sign: str, out: Collector) -> frozenset[str]:
    """The variables whose cells hold several ticks, as far as the cells show it."""
    if out.options.sets is not None:
        return frozenset()
    several = {
        name
        for name, heading in variables.items()
        if sign == ";" and any(sign in row[sheet.find(heading)] for row in sheet.rows)
    }
    for name in sorted(several):
        out.note(f"{name!r} was read as a set, split at {sign!r}, because several cells contain that sign.")
    return frozenset(several)


def _name_unit(cells: Mapping[str, str], out: Collector) -> str:
    options = out.options
    if options.unit:
        return "/".join(cells[name] for name in options.unit)
    if options.unit_name:
        return options.unit_name
    mend = "name the column with its id, `unit: ...`; or the one unit that the form is about, `unit_name: ...`"
    out.ask(
        "unit",
        "it is not known which column names the coded unit",
        f"{mend}; the columns are {', '.join(map(repr, cells))}",
    )
    return "(unknown)"


def _add_rows(
    cells: Mapping[str, str],
    who: tuple[str, str],
    number: int,
    variables: Mapping[str, str],
    several: frozenset[str],
    sign: str,
    out: Collector,
) -> None:
    time = next(iter(cells.values()))
    answers = {name: cells[heading] for name, heading in variables.items() if cells[heading].strip()}
    for name, cell in answers.items():
        label = _split(cell, sign) if name in several else split_labels(cell, name, sign, out)
        out.add(*who, name, label, time=time, answer=number)
    if not answers:
        out.add(*who, WHOLE, status="empty", time=time, answer=number)


def _split(cell: str, sign: str) -> Sequence[str]:
    return [part.strip() for part in cell.split(sign) if part.strip()]
