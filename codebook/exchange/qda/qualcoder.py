"""Projects of QualCoder: a folder that ends in .qda, in it the database data.qda."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from codebook.errors import UnitsError
from codebook.exchange.collector import Collector
from codebook.exchange.export_source import ExportSource
from codebook.exchange.offset_counting import Place, clean_text, find_counting, place_all
from codebook.exchange.reading import UNKNOWN_CODER, Reading, ReadOptions
from codebook.files.tables.formats import ask

TITLE = "QualCoder project"
VARIABLE = "code"
_TEXTS = "SELECT id, name, fulltext FROM source"
_CODED = """SELECT source.name, code_name.name, seltext, pos0, pos1, code_text.owner, code_text.memo, code_text.date,
    code_text.fid
    FROM code_text JOIN source ON source.id = code_text.fid JOIN code_name ON code_name.cid = code_text.cid
    ORDER BY source.name, pos0, pos1, code_text.owner, code_name.name"""
_LOST = (
    "SELECT count(*) FROM code_text WHERE fid NOT IN (SELECT id FROM source) OR cid NOT IN (SELECT cid FROM code_name)"
)
_OTHERS = {
    "an annotation (a note, not a code)": "SELECT count(*) FROM annotation",
    "a part of a picture": "SELECT count(*) FROM code_image",
    "a part of a recording": "SELECT count(*) FROM code_av",
    "a passage without its text or code": _LOST,
}


def looks_like(source: ExportSource) -> bool:
    """Whether it holds a database with coded texts."""
    return any(_has_codes(file) for file in source.files if file.suffix.lower() == ".qda")


def _has_codes(file: Path) -> bool:
    try:
        with ask(file, "SELECT count(*) FROM code_text") as answer:
            return next(answer) is not None
    except UnitsError:
        return False


def read_export(source: ExportSource, options: ReadOptions) -> Reading:
    """Read the coded passages of texts."""
    file = next((file for file in source.files if file.suffix.lower() == ".qda"), source.first)
    out = Collector("qualcoder", TITLE, [source.name], options, tells_absence=False)
    texts = {str(number): text or "" for number, _, text in _ask_all(file, _TEXTS)}
    rows = list(_ask_all(file, _CODED))
    places = [Place(str(row[8]), int(row[3]), int(row[4]), row[2] or "") for row in rows]
    put = place_all(texts, find_counting(source.name, texts, places))
    for place, (unit, code, _, _, _, owner, memo, time, _) in zip(places, rows, strict=True):
        out.record()
        start, end = put(place)
        quote = clean_text(texts[place.text])[start:end]
        coder = owner or options.coder_name or UNKNOWN_CODER
        out.add(unit, coder, VARIABLE, code, start=start, end=end, quote=quote, note=memo or "", time=time or "")
    _set_aside(file, out)
    _add_untouched(file, out)
    return out.finish()


def _ask_all(file: Path, query: str) -> Iterator[tuple[Any, ...]]:
    with ask(file, query) as answer:
        yield from answer


def _set_aside(file: Path, out: Collector) -> None:
    """Count what is in the project and is no code of a text; older versions lack some tables."""
    for reason, query in _OTHERS.items():
        try:
            n = next(_ask_all(file, query))[0]
        except UnitsError:
            continue
        for _ in range(n):
            out.record()
            out.set_aside(reason)


def _add_untouched(file: Path, out: Collector) -> None:
    query = "SELECT name FROM source WHERE fulltext IS NOT NULL AND id NOT IN (SELECT fid FROM code_text) ORDER BY name"
    for (unit,) in _ask_all(file, query):
        out.add_unmarked(unit, UNKNOWN_CODER, "coding", "not_seen")
