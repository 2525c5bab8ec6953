"""Standoff files of brat: a text and beside it lines of annotations, in a folder of each coder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from codebook.errors import Fault, TableError
from codebook.exchange.collector import Collector
from codebook.exchange.export_source import ExportSource
from codebook.exchange.offset_counting import CountedText, Place, find_counting
from codebook.exchange.reading import UNKNOWN_CODER, Reading, ReadOptions
from codebook.files.decode import find_encoding
from codebook.files.lines import number_lines

TITLE = "brat standoff"
_SPAN = re.compile(r"^(T\S+)\t(\S+) (\d+ \d+(?:;\d+ \d+)*)\t(.*)$", re.DOTALL)
_KINDS = {"R": "a relation", "E": "an event", "N": "a link to a database", "*": "an equivalence"}
ENTITIES, TRIGGERS = "entities", "events"
"""Variables of spans: of those that are no event, and of those that name one."""


class Span(NamedTuple):
    """A text-bound annotation: its id, its label, its fragments and its words, the fragments joined by a blank."""

    id: str
    label: str
    fragments: tuple[tuple[int, int], ...]
    quote: str


@dataclass
class Standoff:
    """The lines of an annotation file: spans, what is said of each in attributes and notes, and all other lines."""

    spans: list[Span] = field(default_factory=list)
    remarks: dict[str, list[str]] = field(default_factory=dict)
    triggers: set[str] = field(default_factory=set)
    others: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)


def looks_like(source: ExportSource) -> bool:
    """Whether it has annotation files of spans, or empty ones beside their texts."""
    return any(_is_standoff(file) for file in source.files if file.suffix == ".ann")


def _is_standoff(file: Path) -> bool:
    lines = [line for _, _, line in number_lines(file)][:20]
    if not lines:
        return file.with_suffix(".txt").exists()
    return any(_SPAN.match(line.decode("utf-8", "replace").rstrip("\r\n")) for line in lines)


def read_export(source: ExportSource, options: ReadOptions) -> Reading:
    """Read every annotation file beside its text: the unit is its name, the coder its folder."""
    files = [file for file in source.files if file.suffix == ".ann"]
    if lacking := [file for file in files if not file.with_suffix(".txt").exists()]:
        mend = "put the text into the same folder under the same name: the positions count its characters"
        faults = [Fault(file.name, f"{file.with_suffix('.txt').name} is not beside it", mend) for file in lacking[:5]]
        raise TableError("brat's annotations cannot be read without their texts.", faults)
    parsed = {file: parse_standoff(file) for file in files}
    if faults := [fault for each in parsed.values() for fault in each.faults]:
        raise TableError("brat's annotations cannot be read.", faults[:5])
    texts = {file: _read_raw(file.with_suffix(".txt")) for file in files}
    places = [
        place for file, each in parsed.items() for span in each.spans for place in _list_places(file, span, texts)
    ]
    counting = find_counting(source.name, {str(file): text for file, text in texts.items()}, places, end="exclusive")
    out = Collector("brat", TITLE, [file.name for file in files], options, tells_absence=False)
    for file, each in parsed.items():
        inside = file.parent != source.folder or source.folder in (source.path, source.path.parent)
        coder = options.coder_name or (file.parent.name if inside else "") or UNKNOWN_CODER
        _add_rows(each, CountedText(texts[file], counting), (file.stem, coder), out)
    return out.finish()


def _read_raw(file: Path) -> str:
    with file.open(encoding=find_encoding(file).name, newline="") as text:
        return text.read()


def parse_standoff(file: Path) -> Standoff:
    """Read the lines of an annotation file."""
    result = Standoff()
    for number, _, raw in number_lines(file):
        line = raw.decode("utf-8", "replace").removeprefix("\ufeff").rstrip("\r\n")
        if match := _SPAN.match(line):
            fragments = tuple((int(a), int(b)) for a, b in (part.split(" ") for part in match[3].split(";")))
            result.spans.append(Span(match[1], match[2], fragments, match[4]))
        elif line.startswith("T"):
            mend = "the line of a span is `T1<tab>LABEL 0 4<tab>words`; words must not contain a tab or a line break"
            result.faults.append(Fault(f"{file.name}, line {number}", f"{line[:60]!r} is not a span", mend))
        elif line.strip():
            _read_remark(line, result)
    return result


def _read_remark(line: str, result: Standoff) -> None:
    """A line that is no span: a note or an attribute of one, or something else."""
    parts = line.split("\t")
    words = parts[1].split(" ") if len(parts) > 1 else [""]
    if line[0] == "#" and len(parts) > 2 and len(words) > 1:
        result.remarks.setdefault(words[1], []).append(parts[2])
    elif line[0] in "AM" and len(words) > 1:
        result.remarks.setdefault(words[1], []).append(" = ".join([words[0], " ".join(words[2:]) or "yes"]))
    else:
        if line[0] == "E":
            result.triggers.add(words[0].rpartition(":")[2])
        result.others.append(_KINDS.get(line[0], "a line of another kind"))


def _list_places(file: Path, span: Span, texts: dict[Path, str]) -> Iterator[Place]:
    """The place of a span of one fragment, or of fragments that follow each other, beside its words."""
    start, end = span.fragments[0][0], span.fragments[-1][1]
    joined = sum(last - first for first, last in span.fragments) + len(span.fragments) - 1
    if len(span.fragments) == 1 or end - start == joined:
        yield Place(str(file), start, end, span.quote)


def _add_rows(standoff: Standoff, text: CountedText, who: tuple[str, str], out: Collector) -> None:
    unit, coder = who
    for reason in standoff.others:
        out.record()
        out.set_aside(reason)
    for span in standoff.spans:
        out.record()
        start, end = text.put(span.fragments[0][0], span.fragments[-1][1])
        variable = TRIGGERS if span.id in standoff.triggers else ENTITIES
        note = "; ".join(standoff.remarks.get(span.id, ()))
        if _has_gap(span, text.clean[start:end]):
            out.count("a span in fragments with other words between them was read as one, from the first to the last")
        out.add(unit, coder, variable, span.label, start=start, end=end, quote=span.quote, note=note)
    if not standoff.spans:
        out.add_unmarked(unit, coder, "span")


def _has_gap(span: Span, words: str) -> bool:
    return len(span.fragments) > 1 and " ".join(words.split()) != " ".join(span.quote.split())
