"""Matrices of codes and documents (MAXQDA's code matrix, ATLAS.ti's code-document table, NVivo's matrix of nodes).

A cell counts passages, or is a share of the text; who coded is not in it. A 0 says that nobody gave the code.
"""

from __future__ import annotations

import re

from codebook.errors import Fault, TableError
from codebook.exchange.collector import Collector
from codebook.exchange.export_source import ExportSource
from codebook.exchange.heading_roles import Sheet, fold_heading, is_table, read_headings, read_sheet
from codebook.exchange.qda.segment_tables import VARIABLE
from codebook.exchange.reading import UNKNOWN_CODER, Reading, ReadOptions

TITLE = "matrix of codes and documents"
_OF_CODES = ("codesystem", "codesandsubcodes", "code", "codes", "node", "nodes", "kodes")
_OF_DOCUMENTS = ("document", "documents", "documentname", "dokument", "dokumente", "dokumentname", "file", "files")
_SUMS = ("sum", "total", "totals", "summe", "gesamt", "ndocuments", "ndocumentsgruppen")
_COUNT = re.compile(r"\d+(?:[.,]\d+)? ?%?")
_MARKS = " \t•●○◆◇"


def looks_like(source: ExportSource) -> bool:
    """Whether its first heading is of codes or of documents, and all other cells of its first rows are numbers."""
    columns = read_headings(source) if is_table(source) else ()
    if len(columns) < 2 or fold_heading(columns[0]) not in (*_OF_CODES, *_OF_DOCUMENTS):
        return False
    rows = read_sheet(source, ReadOptions()).rows[:20]
    return bool(rows) and all(_COUNT.fullmatch(cell.strip()) for row in rows for cell in row[1:] if cell.strip())


def read_export(source: ExportSource, options: ReadOptions) -> Reading:
    """Read one row per document: the set of its codes, with how often each was given in the note.

    `columns` says what the first column holds where its heading does not, `{code: HEADING}` or `{document: HEADING}`.
    """
    sheet = read_sheet(source, options)
    out = Collector("code_matrix", TITLE, [sheet.name], options, tells_absence=False)
    counts = _read_counts(sheet, are_codes=_are_codes(sheet, options))
    out.mark_set(VARIABLE)
    coder = options.coder_name or UNKNOWN_CODER
    for document, codes in counts.items():
        out.record()
        used = {code: n for code, n in codes.items() if n}
        if used:
            note = ", ".join(f"{code} {n:g}" for code, n in used.items())
            out.add(document, coder, VARIABLE, list(used), note=note)
        else:
            out.add(document, coder, status="not_seen", note="no code: the file does not say if the document was seen")
    return out.finish()


def _are_codes(sheet: Sheet, options: ReadOptions) -> bool:
    """Whether the rows are codes, and the columns documents."""
    first, folded = sheet.columns[0], fold_heading(sheet.columns[0])
    if options.columns.get("code") == first or folded in _OF_CODES:
        return True
    if options.columns.get("document") == first or folded in _OF_DOCUMENTS:
        return False
    mend = f"write `columns: {{code: {first!r}}}` or `columns: {{document: {first!r}}}`"
    raise TableError(f"{sheet.name} is not clear.", [Fault(sheet.name, "it is not known what its rows are", mend)])


def _read_counts(sheet: Sheet, *, are_codes: bool) -> dict[str, dict[str, float]]:
    """Document -> code -> number; sums are left out."""
    counts: dict[str, dict[str, float]] = {}
    faults = []
    for number, row in enumerate(sheet.rows, start=2):
        for heading, cell in zip(sheet.columns[1:], row[1:], strict=True):
            names = [_clean(row[0]), _clean(heading)]
            if not all(names) or any(fold_heading(name) in _SUMS for name in names):
                continue
            document, code = reversed(names) if are_codes else names
            if cell.strip() and not _COUNT.fullmatch(cell.strip()):
                faults.append(
                    Fault(f"{sheet.name}, row {number}", f"{cell!r} is not a number", "export counts of passages")
                )
            else:
                counts.setdefault(document, {})[code] = float(cell.replace("%", "").replace(",", ".").strip() or 0)
    TableError.raise_any(f"{sheet.name} is not a matrix of numbers.", faults[:5])
    return counts


def _clean(name: str) -> str:
    r"""The name of a code or document without the signs and sums that ATLAS.ti puts to it.

    Examples
    --------
    >>> _clean("○ Rent\nGr=4"), _clean("  noise")
    ('Rent', 'noise')
    """
    return name.split("\n")[0].strip(_MARKS)
