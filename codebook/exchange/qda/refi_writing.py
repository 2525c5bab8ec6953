"""Codings as a project of REFI-QDA (.qdpx), which QDA programs open: one text per unit, one user per coder.

The same codings give the same bytes: identifiers are made of names, and no time stands in the file.
"""

from __future__ import annotations

import io
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from codebook.analysis.core.codings import Codings
from codebook.errors import Fault, ParameterError, unknown_choice
from codebook.exchange.offset_counting import CountedText, Counting
from codebook.files.lines import write_whole
from codebook.ground.quantities import say_count
from codebook.ground.quotes import find_quotes
from codebook.paths import resolve_path, show_path
from codebook.records import Unit
from codebook.scheme.model import Codebook, RecordList, Variable
from codebook.scheme.qdc_files import list_losses, say_losses
from codebook.scheme.refi_codes import code_guid, make_codes, make_guid, spell_codes, spell_sets, spell_tag, spell_text

ENDS = ("exclusive", "standard")
"""The end of a passage: the place behind its last character, as QualCoder and ATLAS.ti write and read it; or the last
character, as the standard says."""
_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
_PLACE = ("start", "end")
"""Fields of a record, or of its quote, that hold its place."""
_DAY = (1980, 1, 1, 0, 0, 0)


class Passage(NamedTuple):
    """A passage with a code: where it stands in the text, who gave the code, and what else was written of it."""

    start: int
    end: int
    coder: str
    code: str
    note: str


@dataclass
class _Coded:
    """What is coded in a unit, and what such a file cannot hold, with how often."""

    passages: list[Passage] = field(default_factory=list)
    whole: list[tuple[str, str]] = field(default_factory=list)
    lost: Counter[str] = field(default_factory=Counter)


def write_refi_project(
    codings: Codings, units: Iterable[Unit], codebook: Codebook, path: str | Path, *, end: str = "exclusive"
) -> str:
    """Write codings as a project for MAXQDA, ATLAS.ti, NVivo or QualCoder; return what was left out.

    A label of a whole unit becomes a code of its whole text; a record with a quote becomes a passage, coded with its
    first choice, or with its list where it has none.

    Parameters
    ----------
    units
        The units with their texts.
    end
        One of `ENDS`. Programs differ in what they read; hold a passage against its text after the import.

    Raises
    ------
    ParameterError
        The path does not end in .qdpx, or `end` is none of these.

    Examples
    --------
    >>> import pandas as pd
    >>> from codebook.scheme import parse_codebook
    >>> book = parse_codebook('''
    ... name: letters
    ... unit: a letter
    ... variables:
    ...   - {name: mood, question: How does it sound, kind: single, level: nominal, categories: [good, bad]}
    ... ''')
    >>> row = {"unit_id": "7", "coder": "ann", "variable": "mood", "label": "bad", "draw": 0, "why": None}
    >>> codings = Codings(pd.DataFrame([row]), book.variables)
    >>> path = Path("letters.qdpx")
    >>> write_refi_project(codings, [Unit("7", "Never again.")], book, path)
    'letters.qdpx: 1 text, 1 coder, 1 code of a whole text, 0 passages.'
    """
    file = resolve_path(path)
    faults = [] if file.suffix.lower() == ".qdpx" else [Fault(show_path(file), "it does not end in .qdpx", "rename it")]
    faults += unknown_choice("end", end, ENDS)
    ParameterError.raise_any("The project cannot be written.", faults)
    texts = {unit.unit_id: unit.text for unit in units}
    coded = _sort_codings(codings, codebook, texts)
    coders = sorted({name for each in coded.values() for name in _coders_of(each)})
    parts = {"project.qde": _spell_project(codebook, texts, coded, coders, end).encode()}
    parts |= {f"sources/{_name_text(codebook, unit)}": _clean(text).clean.encode() for unit, text in texts.items()}
    write_whole(file, _pack(parts))
    losses = say_losses(list_losses(codebook, parts["project.qde"]))
    return _say_written(file, texts, coded, coders) + losses + "."


def _pack(parts: Mapping[str, bytes]) -> bytes:
    """A zip archive of parts, always the same."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            info = zipfile.ZipInfo(name, _DAY)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(info, data)
    return packed.getvalue()


def _clean(text: str) -> CountedText:
    return CountedText(text, Counting(mark=True, returns=True))


# -- what is coded -------------------------------------------------------------------------------------------------


def _sort_codings(codings: Codings, codebook: Codebook, texts: Mapping[str, str]) -> dict[str, _Coded]:
    """What is coded in each unit, in an order that does not depend on that of the table."""
    coded: dict[str, _Coded] = {}
    variables = {variable.name: variable for variable in codebook.variables}
    columns = ("unit_id", "coder", "variable", "draw", "label", "why")
    rows = sorted(zip(*(codings.frame[name] for name in columns), strict=True), key=lambda row: row[:4])
    for unit, coder, name, draw, label, why in rows:
        each = coded.setdefault(unit, _Coded())
        if not isinstance(label, str):
            each.lost[f"a coding without a label ({why})"] += 1
        elif unit not in texts:
            each.lost["a coding of a unit that is not among the units"] += 1
        elif draw:
            each.lost["a further draw of a model"] += 1
        elif name not in variables:
            each.lost["a coding of a variable that the codebook lacks"] += 1
        else:
            _add_label(each, label, (codebook, variables[name]), coder, texts[unit])
    order = {code.guid: place for place, code in enumerate(c for top in make_codes(codebook).codes for c in top.walk())}
    for each in coded.values():
        each.passages.sort(key=lambda passage: (*passage[:3], order[passage.code], passage.note))
        each.whole.sort(key=lambda pair: (pair[0], order[pair[1]]))
    return coded


def _add_label(each: _Coded, label: str, about: tuple[Codebook, Variable], coder: str, text: str) -> None:
    codebook, variable = about
    if variable.lists:
        for records in variable.lists:
            _add_records(each, orjson.loads(label)[records.name], (codebook, variable, records), coder, text)
        return
    if variable.is_open:
        each.lost[f"a coding of the kind {variable.kind}"] += 1
        return
    chosen = orjson.loads(label) if variable.is_set else [label]
    if not chosen:
        each.lost["the answer that no code applies"] += 1
    each.whole += [(coder, code_guid(codebook, variable.name, name)) for name in chosen]


def _add_records(
    each: _Coded,
    records: Sequence[Mapping[str, Any]],
    about: tuple[Codebook, Variable, RecordList],
    coder: str,
    text: str,
) -> None:
    """Add the passages of a list: at their places where they are told, else where the quotes stand."""
    codebook, variable, listed = about
    quote = next((part.name for part in listed.fields if part.kind == "quote"), None)
    choice = next((part.name for part in listed.fields if part.kind == "choice"), None)
    if quote is None:
        each.lost["a record without a quote"] += len(records)
        return
    for record, (start, end) in zip(records, _find_places(records, quote, text), strict=True):
        if start < 0 or start >= end:
            each.lost["a record whose quote is not in the text"] += 1
            continue
        names = (listed.name, record[choice]) if choice else (listed.name,)
        rest = {name: value for name, value in record.items() if name not in (quote, choice, *_PLACE)}
        note = "\n".join(f"{name}: {value}" if len(rest) > 1 else str(value) for name, value in rest.items())
        each.passages.append(Passage(start, end, coder, code_guid(codebook, variable.name, *names), note))


def _find_places(records: Sequence[Mapping[str, Any]], quote: str, text: str) -> Iterator[tuple[int, int]]:
    """The place of each record's quote: as the record says it, where its words stand there, else where they stand."""
    words = [record[quote]["quote"] if isinstance(record[quote], Mapping) else record[quote] for record in records]
    for record, quoted, place in zip(records, words, find_quotes(words, text), strict=True):
        known = record[quote] if isinstance(record[quote], Mapping) else record
        start, end = (known.get(name) for name in _PLACE)
        if isinstance(start, int) and isinstance(end, int) and text[start:end] == quoted:
            yield start, end
        else:
            yield place.start, place.end


def _coders_of(each: _Coded) -> Iterator[str]:
    yield from (passage.coder for passage in each.passages)
    yield from (coder for coder, _ in each.whole)


def _say_written(file: Path, texts: Mapping[str, str], coded: Mapping[str, _Coded], coders: Sequence[str]) -> str:
    n_whole = sum(len(each.whole) for each in coded.values())
    n_passages = sum(len(each.passages) for each in coded.values())
    lost: Counter[str] = sum((each.lost for each in coded.values()), Counter())
    whole = say_count(n_whole, "code of a whole text", "codes of whole texts")
    parts = [say_count(len(texts), "text"), say_count(len(coders), "coder"), whole, say_count(n_passages, "passage")]
    sentence = f"{file.name}: {', '.join(parts)}"
    return sentence + (
        f"; left out: {', '.join(f'{what} ({n:,})' for what, n in sorted(lost.items()))}" if lost else ""
    )


# -- the XML -------------------------------------------------------------------------------------------------------


def _name_text(codebook: Codebook, unit: str) -> str:
    return f"{make_guid('text', codebook.name, unit)}.txt"


def _user(codebook: Codebook, coder: str) -> str:
    return make_guid("user", codebook.name, coder)


def _spell_project(
    codebook: Codebook, texts: Mapping[str, str], coded: Mapping[str, _Coded], coders: Sequence[str], end: str
) -> str:
    lines = [
        spell_tag("Project", xmlns="urn:QDA-XML:project:1.0", name=codebook.name, origin="codebook-kit"),
        "<Users>",
    ]
    lines += [_close(spell_tag("User", guid=_user(codebook, name), name=name)) for name in coders]
    lines += ["</Users>", "<CodeBook>", spell_codes(make_codes(codebook)), "</CodeBook>", "<Sources>"]
    for unit, text in texts.items():
        lines += _spell_source(codebook, unit, text, coded.get(unit, _Coded()), end)
    lines += ["</Sources>", spell_sets(codebook), "</Project>"]
    return _HEAD + "\n".join(lines) + "\n"


def _close(tag: str) -> str:
    return f"{tag[:-1]} />"


def _spell_source(codebook: Codebook, unit: str, text: str, each: _Coded, end: str) -> Iterator[str]:
    guid, counted = make_guid("source", codebook.name, unit), _clean(text)
    path = f"internal://{_name_text(codebook, unit)}"
    yield spell_tag("TextSource", guid=guid, name=unit, plainTextPath=path)
    for number, passage in enumerate(each.passages):
        first, last = counted.put(passage.start, passage.end)
        key = ("passage", guid, str(number), *map(str, passage))
        places = {"startPosition": str(first), "endPosition": str(last - (end == "standard"))}
        user, name = _user(codebook, passage.coder), counted.clean[first:last]
        yield spell_tag("PlainTextSelection", guid=make_guid(*key), name=name, creatingUser=user, **places)
        if passage.note:
            yield f"<Description>{spell_text(passage.note)}</Description>"
        yield _spell_coding(make_guid("coding", *key), user, passage.code)
        yield "</PlainTextSelection>"
    for coder, code in each.whole:
        yield _spell_coding(make_guid("coding", guid, coder, code), _user(codebook, coder), code)
    yield "</TextSource>"


def _spell_coding(guid: str, user: str, code: str) -> str:
    head = spell_tag("Coding", guid=guid, creatingUser=user)
    return f"{head}{_close(spell_tag('CodeRef', targetGUID=code))}</Coding>"
