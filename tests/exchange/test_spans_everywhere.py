"""One hundred random spans over emoji, combining marks and right-to-left text: every tool's file puts them alike."""

from __future__ import annotations

import json
import random
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from codebook.analysis.core.codings import Codings
from codebook.exchange import open_export, write_refi_project
from codebook.records import Unit
from codebook.scheme import parse_codebook

WORDS = [
    "🌳🌳",
    "👩‍👩‍👧",
    "שלום",
    "רב",
    "مرحبا",
    "cafe\u0301",
    "naïve",
    "Ann",
    "Berg",
    "a&b",
    "<i>",
    "𝔘nit",
    "再见",
    "x",
]
SIGNS = ["PER", "ORG"]


class Span(NamedTuple):
    """A place in the one text, and a label."""

    start: int
    end: int
    label: str


def make_text() -> tuple[str, list[Span]]:
    """A text of 400 words in lines, and 100 spans of one to three words of a line, none twice."""
    chance = random.Random(7)
    lines = [[chance.choice(WORDS) for _ in range(8)] for _ in range(50)]
    text, places = "", list[list[tuple[int, int]]]()
    for words in lines:
        places.append([])
        for word in words:
            places[-1].append((len(text), len(text) + len(word)))
            text += word + " "
        text = text[:-1] + "\n"
    spans = set[Span]()
    while len(spans) < 100:
        line = chance.choice(places)
        first = chance.randrange(len(line))
        last = min(first + chance.randrange(3), len(line) - 1)
        spans.add(Span(line[first][0], line[last][1], chance.choice(SIGNS)))
    return text, sorted(spans)


def wide(text: str, place: int) -> int:
    """A place in units of UTF-16."""
    return len(text[:place].encode("utf-16-le")) // 2


def write_brat(folder: Path, text: str, spans: list[Span]) -> Path:
    (folder / "ann").mkdir()
    (folder / "ann" / "one.txt").write_text(text, encoding="utf-8", newline="")
    lines = [f"T{n}\t{s.label} {s.start} {s.end}\t{text[s.start : s.end]}\n" for n, s in enumerate(spans)]
    (folder / "ann" / "one.ann").write_text("".join(lines), encoding="utf-8", newline="")
    return folder / "ann"


def write_label_studio(folder: Path, text: str, spans: list[Span], *, utf16: bool = False) -> Path:
    """As the editor writes it today, in code points, or as before 2022, in units of UTF-16."""
    count = wide if utf16 else lambda _, place: place
    result = [
        {
            "from_name": "who",
            "to_name": "text",
            "type": "labels",
            "value": {
                "start": count(text, each.start),
                "end": count(text, each.end),
                "text": text[each.start : each.end],
                "labels": [each.label],
            },
        }
        for each in spans
    ]
    annotation = {"id": 1, "completed_by": 1, "result": result, "was_cancelled": False}
    path = folder / "export.json"
    path.write_text(json.dumps([{"id": 1, "data": {"doc_id": "one", "text": text}, "annotations": [annotation]}]))
    return path


def write_old_label_studio(folder: Path, text: str, spans: list[Span]) -> Path:
    return write_label_studio(folder, text, spans, utf16=True)


def write_qualcoder(folder: Path, text: str, spans: list[Span]) -> Path:
    (folder / "p.qda").mkdir()
    with closing(sqlite3.connect(folder / "p.qda" / "data.qda")) as database:
        database.executescript(
            "CREATE TABLE source (id integer, name text, fulltext text);"
            "CREATE TABLE code_name (cid integer, name text);"
            "CREATE TABLE code_text (cid integer, fid integer, seltext text, pos0 integer, pos1 integer, owner text,"
            " date text, memo text); INSERT INTO code_name VALUES (0, 'PER'), (1, 'ORG');"
        )
        database.execute("INSERT INTO source VALUES (1, 'one', ?)", (text,))
        rows = [(SIGNS.index(s.label), 1, text[s.start : s.end], s.start, s.end, "ann", "", "") for s in spans]
        database.executemany("INSERT INTO code_text VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        database.commit()
    return folder / "p.qda"


def write_webanno(folder: Path, text: str, spans: list[Span]) -> Path:
    """A line per word, with the numbers of the spans that it is in."""
    out, start = ["#FORMAT=WebAnno TSV 3.3", "#T_SP=webanno.custom.Span|value", "", ""], 0
    for number, line in enumerate(text.split("\n")[:-1], start=1):
        out.append("#Text=" + line.replace("\\", "\\\\"))
        for place, word in enumerate(line.split(" "), start=1):
            inside = [
                f"{s.label}[{n}]" for n, s in enumerate(spans, 1) if s.start <= start and start + len(word) <= s.end
            ]
            end = start + len(word)
            out.append(f"{number}-{place}\t{wide(text, start)}-{wide(text, end)}\t{word}\t{'|'.join(inside) or '_'}\t")
            start = end + 1
        out.append("")
    path = folder / "one.tsv"
    path.write_text("\n".join(out), encoding="utf-8", newline="")
    return path


BOOK = parse_codebook("""
name: spans
unit: a text
variables:
  - name: who
    question: Who is named
    kind: records
    fields: [{name: mention, kind: quote}, {name: type, kind: choice, categories: [PER, ORG]}]
""")


def write_refi(folder: Path, text: str, spans: list[Span], end: str = "exclusive") -> Path:
    records = [
        {"mention": {"quote": text[s.start : s.end], "start": s.start, "end": s.end}, "type": s.label} for s in spans
    ]
    row = {"unit_id": "one", "coder": "ann", "variable": "who", "label": json.dumps({"who": records})}
    frame = pd.DataFrame([row | {"draw": 0, "why": None}])
    path = folder / "spans.qdpx"
    write_refi_project(Codings(frame, BOOK.variables), [Unit("one", text)], BOOK, path, end=end)
    return path


def write_refi_standard(folder: Path, text: str, spans: list[Span]) -> Path:
    return write_refi(folder, text, spans, end="standard")


def write_refi_for_maxqda(folder: Path, text: str, spans: list[Span]) -> Path:
    """As QualCoder writes it for MAXQDA: a byte order mark and CRLF in the text, and places that know of neither."""
    path, other = write_refi(folder, text, spans), folder / "other.qdpx"
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(other, "w") as again:
        for name in archive.namelist():
            data = archive.read(name)
            again.writestr(name, b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n") if name.endswith(".txt") else data)
    return other


@pytest.mark.parametrize(
    "write",
    [
        write_brat,
        write_label_studio,
        write_old_label_studio,
        write_qualcoder,
        write_webanno,
        write_refi,
        write_refi_standard,
        write_refi_for_maxqda,
    ],
)
def test_a_hundred_spans_come_out_at_the_same_place(
    write: Callable[[Path, str, list[Span]], Path], tmp_path: Path
) -> None:
    text, spans = make_text()
    rows = open_export(write(tmp_path, text, spans)).labels
    assert sorted(Span(row.start, row.end, row.label) for row in rows if row.start is not None and row.end) == spans
    assert all(row.quote == text[row.start : row.end] for row in rows)
