"""How the bytes of a text file become characters, and which sign parts its columns."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from codebook.errors import Fault, UnitsError

DELIMITERS = (",", ";", "\t", "|")
_BLOCK = 1 << 20
_SAMPLE = 1 << 17
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with that one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """The encoding of a file, and a sentence that says how it was found."""

    name: str
    how: str


def find_encoding(path: Path, given: str | None = None) -> Encoding:
    """Find how a text file is encoded; every byte of it can be decoded with the result.

    Tried in this order: the encoding given; a byte order mark; UTF-16 without a mark (every second byte is zero);
    UTF-8 over the whole file; the guess of charset-normalizer on at most 128 KB of the lines that are not ASCII. Where
    that guess finds cp1252 (Western Windows) about as plausible as its first choice, cp1252 is taken, because it is
    far the commonest.

    Raises
    ------
    UnitsError
        The bytes cannot be decoded with the encoding given, or with any.
    """
    if given:
        _check_decodes(path, given)
        return Encoding(given, "given")
    with path.open("rb") as file:
        head = file.read(_SAMPLE)
    for mark, name in _BOMS:
        if head.startswith(mark):
            _check_decodes(path, name)
            return Encoding(name, "it begins with a byte order mark")
    if zeros := _zeros_of_utf16(head):
        _check_decodes(path, zeros)
        return Encoding(zeros, "no byte order mark, but every second byte is zero")
    if _first_undecodable(path, "utf-8") is None:
        return Encoding("utf-8", "the whole file is valid UTF-8")
    return _guess(path)


def _zeros_of_utf16(head: bytes) -> str | None:
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > 0.4 * len(head) / 2 and even < odd / 4:
        return "utf-16-le"
    if even > 0.4 * len(head) / 2 and odd < even / 4:
        return "utf-16-be"
    return None


def _first_undecodable(path: Path, name: str) -> int | None:
    """Return the place (in bytes) of the first block part that is not of this encoding, or None."""
    decoder = codecs.getincrementaldecoder(name)("strict")
    done = 0
    with path.open("rb") as file:
        try:
            while block := file.read(_BLOCK):
                decoder.decode(block)
                done += len(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            return done + error.start
    return None


def _check_decodes(path: Path, name: str) -> None:
    mend = "leave the encoding out to have it found, or give another one, such as utf-8, cp1252 or utf-16"
    try:
        place = _first_undecodable(path, name)
    except LookupError:
        fault = Fault(path.name, f"there is no encoding named {name!r}", mend)
        raise UnitsError(f"{path.name} cannot be read.", [fault]) from None
    if place is not None:
        fault = Fault(f"{path.name}, about byte {place:,}", f"these bytes are not {name}", mend)
        raise UnitsError(f"{path.name} cannot be read.", [fault])


def _guess(path: Path) -> Encoding:
    from charset_normalizer import from_bytes

    matches = from_bytes(_not_ascii(path))
    best = matches.best()
    if best is None:
        raise UnitsError(f"{path.name} cannot be read.", [_no_guess(path)])
    near = [match for match in matches if match.chaos <= best.chaos + 0.1]
    names = dict.fromkeys(name for match in near for name in (match.encoding, *match.could_be_from_charset))
    ordered = [name for name in ("cp1252",) if name in names] + [name for name in names if name != "cp1252"]
    for name in ordered:
        if _first_undecodable(path, name) is None:
            others = ", ".join(other for other in ordered if other != name)
            return Encoding(name, _say_guess(path, name, others))
    raise UnitsError(f"{path.name} cannot be read.", [_no_guess(path)])


def _say_guess(path: Path, name: str, others: str) -> str:
    text = _not_ascii(path).decode(name, errors="replace")
    words = list(dict.fromkeys(word for word in re.findall(r"\w+", text) if not word.isascii()))[:4]
    reads = f"; it then reads {', '.join(words)}" if words else ""
    also = f"; just as possible: {others[:80]}" if others else ""
    return f"a guess, because it is not UTF-8{reads}{also}. If that is wrong, give the encoding"


def _no_guess(path: Path) -> Fault:
    return Fault(
        path.name,
        "the file is not UTF-8, and no encoding fits all of it (is it a text file at all?)",
        "save it again as UTF-8 (in a spreadsheet: 'CSV UTF-8'), or give its encoding",
    )


def _not_ascii(path: Path) -> bytes:
    """Return the lines that are not plain ASCII, up to the size of the sample."""
    sample = bytearray()
    with path.open("rb") as file:
        while len(sample) < _SAMPLE and (line := file.readline(_SAMPLE)):
            if not line.isascii():
                sample += line
    return bytes(sample)


def find_delimiter(path: Path, encoding: str) -> str:
    """Find the sign between the columns of a csv file: one of comma, semicolon, tab and bar.

    Taken is the sign that gives the first records (64 KB) the same number of columns, and more than the others do.
    A file of one column has none; the comma is returned then.
    """
    with path.open("r", encoding=encoding, newline="") as file:
        sample = file.read(1 << 16)
        cut = bool(file.read(1))
    best, most = ",", (False, 1)
    for delimiter in DELIMITERS:
        widths = list(_widths(sample, delimiter))
        whole = widths[:-1] if cut and len(widths) > 1 else widths
        score = (len(set(whole)) == 1, whole[0]) if whole else (False, 0)
        if score[1] > 1 and score > most:
            best, most = delimiter, score
    return best


def _widths(sample: str, delimiter: str) -> Iterator[int]:
    allow_long_fields()
    try:
        for record in csv.reader(StringIO(sample, newline=""), delimiter=delimiter):
            if record:
                yield len(record)
    except csv.Error:
        return


def allow_long_fields() -> None:
    """Let the csv module read fields of any length; its own limit of 131,072 characters is far below an article's."""
    csv.field_size_limit(2**31 - 1)
