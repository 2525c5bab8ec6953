"""Lists of coded segments that QDA programs export as tables: MAXQDA, ATLAS.ti, Dedoose and QualCoder.

A row is a segment. It says what a coder marked, never what a coder saw and did not mark.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from codebook.errors import Fault, TableError
from codebook.exchange.collector import Collector
from codebook.exchange.export_source import ExportSource
from codebook.exchange.heading_roles import (
    Roles,
    Sheet,
    count_roles,
    find_roles,
    fold_heading,
    is_table,
    read_headings,
    read_sheet,
)
from codebook.exchange.reading import UNKNOWN_CODER, Reading, ReadOptions
from codebook.ground.quantities import say_count

TITLE = "coded segments of a QDA program"
VARIABLE = "code"
YES, NO = "yes", "no"
_APPLIED = re.compile(r"^Code: (.+) Applied$")
_OF_APPLIED = re.compile(r"^Code: .+ (Applied|Range|Weight)$")
_LEAST = 4
"""Known headings that make a table one of a program."""


class Segment(NamedTuple):
    """A row by what its columns are; "" where there is no such column."""

    document: str = ""
    group: str = ""
    coder: str = ""
    code: str = ""
    quote: str = ""
    note: str = ""
    time: str = ""
    weight: str = ""
    density: str = ""


@dataclass(frozen=True)
class Program:
    """A program: its headings by what they are, what it must have, and what makes rows of a segment."""

    title: str
    roles: Roles
    needed: tuple[str, ...]
    add: Callable[[Segment, Mapping[str, str], Collector], None]


def looks_like(source: ExportSource) -> bool:
    """Whether its headings are those of one of the programs."""
    if not is_table(source):
        return False
    columns = read_headings(source)
    return _compares(columns) or max(_score(columns).values()) >= _LEAST


def read_export(source: ExportSource, options: ReadOptions) -> Reading:
    """Read one row per segment."""
    sheet = read_sheet(source, options)
    if _compares(sheet.columns):
        mend = "export the project as REFI-QDA (.qdpx), which has every coding with its coder"
        fault = Fault(sheet.name, "it compares coders by percentages and contains no codings", mend)
        raise TableError(f"{sheet.name} contains no codings.", [fault])
    program = _find_program(sheet, options)
    places = find_roles(sheet, program.roles, options.columns, program.needed)
    out = Collector("qda_table", program.title, [sheet.name], options, tells_absence=False)
    _tell_unused(sheet, places, out)
    for row in sheet.rows:
        segment = Segment(**{role: row[place] for role, place in places.items()})
        out.record()
        if not segment.document.strip():
            out.set_aside("a row without a document")
            continue
        program.add(_name_unit(segment, row, sheet, out), dict(zip(sheet.columns, row, strict=True)), out)
    return out.finish()


def _score(columns: Sequence[str]) -> dict[str, int]:
    return {name: count_roles(columns, program.roles) for name, program in PROGRAMS.items()}


def _compares(columns: Sequence[str]) -> bool:
    """Whether it is NVivo's comparison of coders."""
    return "kappa" in set(map(fold_heading, columns)) and any("agree" in fold_heading(name) for name in columns)


def _find_program(sheet: Sheet, options: ReadOptions) -> Program:
    """The program with the most of its headings; what a person names counts too."""
    named = options.columns.keys()
    scores = {name: n + len(named & PROGRAMS[name].roles.keys()) for name, n in _score(sheet.columns).items()}
    best = [name for name, n in scores.items() if n == max(scores.values())]
    if len(best) == 1 or options.columns:
        return PROGRAMS[best[0]]
    titles = " or ".join(PROGRAMS[name].title for name in best)
    fault = Fault(sheet.name, f"it may come from {titles}", "name the columns: `columns: {document: ..., code: ...}`")
    raise TableError(f"It is not clear which program wrote {sheet.name}.", [fault])


def _tell_unused(sheet: Sheet, places: Mapping[str, int], out: Collector) -> None:
    if "weight" in places:
        out.note("Weights were put into the notes, because no program says what they mean.")
    if n := sum(name.startswith("Code: ") and not _OF_APPLIED.match(name) for name in sheet.columns):
        out.note(f"Not read: {say_count(n, 'column')} of single codes, as the rows say the same.")


def _name_unit(segment: Segment, row: Sequence[str], sheet: Sheet, out: Collector) -> Segment:
    """The segment with its unit as the document: of a document in a group, both."""
    named = [row[sheet.find(name)] for name in out.options.unit if name in sheet.columns]
    parts = named or [segment.group, segment.document]
    return segment._replace(
        document="/".join(filter(None, parts)), coder=segment.coder or out.options.coder_name or UNKNOWN_CODER
    )


def _say_note(segment: Segment) -> str:
    weight = f"weight {segment.weight}" if segment.weight not in ("", "0") else ""
    return "; ".join(filter(None, [segment.note, weight]))


# -- one row per segment and code ------------------------------------------------------------------------------------


def _add_single(segment: Segment, _: Mapping[str, str], out: Collector) -> None:
    status = "coded" if segment.code.strip() else "uncoded"
    more = {"quote": segment.quote, "note": _say_note(segment), "time": segment.time, "status": status}
    out.add(segment.document, segment.coder, VARIABLE, segment.code, **more)


def _add_several(segment: Segment, _: Mapping[str, str], out: Collector) -> None:
    """A quotation with its codes: one a line, or parted by semicolons where the density says so."""
    codes = [part.strip() for part in segment.code.split("\n") if part.strip()]
    parts = [part.strip() for part in segment.code.split(";") if part.strip()]
    if len(codes) == 1 and len(parts) > 1:
        if segment.density == str(len(parts)) or not segment.density:
            codes = parts
            out.count("codes of a quotation were split at semicolons")
        elif segment.density != "1":
            out.count("a quotation has another number of codes than its density says")
    status = "coded" if codes else "uncoded"
    out.mark_set(VARIABLE)
    more = {"quote": segment.quote, "note": segment.note, "time": segment.time, "status": status}
    out.add(segment.document, segment.coder, VARIABLE, codes, **more)


def _add_applied(segment: Segment, row: Mapping[str, str], out: Collector) -> None:
    """An excerpt with a column per code; False says only that this excerpt lacks it."""
    for heading, cell in row.items():
        match = _APPLIED.match(heading)
        answer = {"true": YES, "1": YES, "false": NO, "0": NO}.get(cell.strip().lower()) if match else None
        if match is None or answer is None:
            continue
        weight = row.get(f"Code: {match[1]} Weight", "")
        note = "; ".join(filter(None, [segment.note, f"weight {weight}" if weight else ""]))
        quote = segment.quote if answer == YES else ""
        out.add(segment.document, segment.coder, match[1], answer, quote=quote, note=note, time=segment.time)


_CREATED_BY = ("Created by", "Erstellt von", "Autor", "Author", "Creado por", "Créé par")
_CREATED = ("Created", "Erstellt", "Erstellt am", "Creado", "Créé")
_COMMENT = ("Comment", "Kommentar", "Comentario", "Commentaire")
PROGRAMS = {
    "maxqda": Program(
        "MAXQDA, coded segments",
        {
            "document": ("Document name", "Dokumentname", "Document", "Nombre de documento"),
            "group": ("Document group", "Dokumentgruppe", "Grupo de documentos"),
            "code": ("Code", "Código"),
            "quote": ("Segment", "Segmento"),
            "coder": _CREATED_BY,
            "note": _COMMENT,
            "time": _CREATED,
            "weight": ("Weight score", "Weight", "Gewicht"),
        },
        ("document", "code"),
        _add_single,
    ),
    "atlasti": Program(
        "ATLAS.ti, quotations",
        {
            "document": ("Document", "Dokument", "Documento"),
            "code": ("Codes", "Kodes", "Códigos"),
            "quote": ("Quotation Content", "Zitatinhalt", "Contenido de cita", "Text Content"),
            "coder": _CREATED_BY,
            "note": _COMMENT,
            "time": _CREATED,
            "density": ("Density", "Dichte", "Densidad"),
        },
        ("document", "code"),
        _add_several,
    ),
    "dedoose": Program(
        "Dedoose, excerpts",
        {
            "document": ("Media Title", "Resource Title"),
            "coder": ("Excerpt Creator",),
            "quote": ("Excerpt Copy", "Excerpt Text", "Excerpt"),
            "time": ("Excerpt Date",),
            "note": ("Excerpt Memo",),
        },
        ("document",),
        _add_applied,
    ),
    "qualcoder": Program(
        "QualCoder, coded text",
        {
            "document": ("File", "Filename", "Case"),
            "coder": ("Coder",),
            "code": ("Codename",),
            "quote": ("Coded",),
            "note": ("Coded_Memo",),
        },
        ("document", "code"),
        _add_single,
    ),
}
