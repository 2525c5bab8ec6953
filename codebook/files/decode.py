"""How the bytes of a text file become characters, and which sign parts its columns."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from codebook.errors import Fault, UnitsError
from codebook.files.unfolding import open_bytes, open_text
from codebook.paths import show_path

DELIMITERS = (",", ";", "\t", "|")
_NAMED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "bar": "|"}
_BLOCK = 1 << 20
_SAMPLE = 1 << 17
_N_SHOWN = 5
_N_OTHERS = 4
_MANY = 1_000
_SEP = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)
_LEADS = bytes(range(0xC2, 0xF5))
_NO_LEADS = bytes(set(range(256)) - set(_LEADS))
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16: its mark begins with that one
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Encoding:
    """The encoding of a file, and a sentence that says how it was found; `guessed` where nothing in the file shows it.

    Who acts on a guess says so, and pays for nothing before it is confirmed.
    """

    name: str
    reason: str
    guessed: bool = False


@dataclass(slots=True)
class _BadBytes:
    """What of a file is no UTF-8: how many places, the first few as (line, place in the file, bytes); how much is."""

    n_good: int = 0
    n_bad: int = 0
    first: list[tuple[int, int, bytes]] = field(default_factory=list)

    @property
    def are_few(self) -> bool:
        """Whether the file is UTF-8 but for these places: of other encodings a third is UTF-8 by chance at most."""
        return 0 < 2 * self.n_bad <= self.n_good

    def add(self, line: int, place: int, bad: bytes) -> None:
        """Note a place."""
        self.n_bad += 1
        if len(self.first) < _N_SHOWN:
            self.first.append((line, place, bad))


def find_encoding(path: Path, encoding: str | None = None) -> Encoding:
    """Find the encoding of a text file; the whole file can be decoded with it.

    Tried in this order: the encoding given; a byte order mark; UTF-16 without a mark (every second byte is zero);
    UTF-8 over the whole file; the guess of charset-normalizer on at most 128 KB of the lines that are not ASCII. Where
    that guess finds cp1252 (Western Windows) about as plausible as its first choice, or all words read by it are Latin
    letters with ASCII ones among them, cp1252 is taken, because it is far the commonest. A file that is UTF-8 but for
    a few bytes is never taken for another encoding: that would change every text in it.

    Raises
    ------
    UnitsError
        The bytes cannot be decoded with the encoding given, or with any; or some bytes of a UTF-8 file are wrong.
    """
    if encoding:
        _check_decodes(path, encoding)
        return Encoding(encoding, "given")
    with open_bytes(path) as file:
        head = file.read(_SAMPLE)
    if encoding_shown := see_encoding(head):
        _check_decodes(path, encoding_shown.name)
        return encoding_shown
    bad = _find_bad_bytes(path)
    if not bad.n_bad:
        return Encoding("utf-8", "the whole file is valid UTF-8")
    if bad.are_few:
        raise _say_bad_bytes(path, bad)
    return _guess(path)


def see_encoding(head: bytes) -> Encoding | None:
    """Return the encoding that the first bytes of a file show by themselves, or None.

    Examples
    --------
    >>> see_encoding("\\ufeffa".encode()), see_encoding(b"a")
    (Encoding(name='utf-8-sig', reason='it begins with a byte order mark', guessed=False), None)
    """
    for mark, name in _BOMS:
        if head.startswith(mark):
            return Encoding(name, "it begins with a byte order mark")
    zeros = _zeros_of_utf16(head)
    return Encoding(zeros, "no byte order mark, but every second byte is zero") if zeros else None


def _find_bad_bytes(path: Path) -> _BadBytes:
    """Hold a file against UTF-8, line by line; ends early where it is plain that it is something else."""
    bad, place = _BadBytes(), 0
    with open_bytes(path) as file:
        for number, line in enumerate(file, start=1):
            if not line.isascii():
                _look_at_line(line, number, place, bad)
                if bad.n_bad > _MANY and not bad.are_few:
                    break
            place += len(line)
    return bad


def _look_at_line(line: bytes, number: int, place: int, bad: _BadBytes) -> None:
    start, view = 0, memoryview(line)
    while start < len(line):
        try:
            codecs.utf_8_decode(view[start:], "strict", True)
            end, after = len(line), len(line)
        except UnicodeDecodeError as error:
            end, after = start + error.start, start + error.end
            bad.add(number, place + end, line[end:after])
        bad.n_good += len(line[start:end].translate(None, _NO_LEADS))
        start = after
        if bad.n_bad > _MANY and not bad.are_few:
            return


def _say_bad_bytes(path: Path, bad: _BadBytes) -> UnitsError:
    rest = "everything else is" if bad.n_bad == 1 else "nearly everything else is"
    mend = (
        "correct it in an editor, or export the file again as UTF-8; if the whole file has another `encoding`, name it"
    )
    faults = [
        Fault(f"{show_path(path)}, line {line:,}", f"{name_bytes(raw)} (at byte {at:,}) is not UTF-8; {rest}", mend)
        for line, at, raw in bad.first
    ]
    places = "one place" if bad.n_bad == 1 else f"{bad.n_bad:,} places"
    return UnitsError(f"{path.name} is UTF-8 except in {places}; none of its texts was used.", faults)


def name_bytes(raw: bytes) -> str:
    """Name bytes as an editor shows them.

    Examples
    --------
    >>> name_bytes(bytes([255])), name_bytes(bytes([226, 130]))
    ('the byte 0xFF', 'the bytes 0xE2 0x82')
    """
    return f"the byte{'s' * (len(raw) > 1)} {' '.join(f'0x{byte:02X}' for byte in raw)}"


def read_text(path: Path) -> str:
    """Read a whole text file in UTF-8, or in the encoding of its byte order mark. Nothing is guessed.

    Raises
    ------
    UnitsError
        It is another encoding, or some of its bytes are wrong.
    """
    encoding = find_encoding(path)
    if encoding.guessed:
        fault = Fault(show_path(path), f"{encoding.name} is {encoding.reason}", "save it with encoding UTF-8")
        raise UnitsError(f"{path.name} cannot be read.", [fault])
    with path.open(encoding=encoding.name, newline=None) as file:
        return file.read()


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
    with open_bytes(path) as file:
        try:
            while block := file.read(_BLOCK):
                decoder.decode(block)
                done += len(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            return done + error.start
    return None


def _check_decodes(path: Path, name: str) -> None:
    mend = "leave out the encoding, so that it is detected, or give another one, such as utf-8, cp1252 or utf-16"
    try:
        place = _first_undecodable(path, name)
    except LookupError:
        fault = Fault(path.name, f"there is no encoding named {name!r}", mend)
        raise UnitsError(f"{path.name} cannot be read.", [fault]) from None
    if place is None:
        return
    if codecs.lookup(name).name.startswith("utf-8") and (bad := _find_bad_bytes(path)).are_few:
        raise _say_bad_bytes(path, bad)
    fault = Fault(f"{path.name}, about byte {place:,}", f"these bytes cannot be read as {name}", mend)
    raise UnitsError(f"{path.name} cannot be read.", [fault])


def _guess(path: Path) -> Encoding:
    from charset_normalizer import from_bytes

    sample = _not_ascii(path)
    matches = from_bytes(sample)
    best = matches.best()
    if best is None:
        raise UnitsError(f"{path.name} cannot be read.", [_no_guess(path)])
    near = [match for match in matches if match.chaos <= best.chaos + 0.1]
    names = dict.fromkeys(name for match in near for name in (match.encoding, *match.could_be_from_charset))
    western = "cp1252" in names or _reads_western(sample)
    ordered = ["cp1252"] * western + [name for name in names if name != "cp1252"]
    for name in ordered:
        if _first_undecodable(path, name) is None:
            return Encoding(name, _say_guess(sample, name, ordered), guessed=True)
    raise UnitsError(f"{path.name} cannot be read.", [_no_guess(path)])


def _reads_western(sample: bytes) -> bool:
    """Whether cp1252 reads every word that is not ASCII as letters of which some are: few words tell no guess more.

    Examples
    --------
    >>> [_reads_western(word.encode(name)) for word, name in (("Köln", "cp1252"), ("мир", "cp1251"), ("ー", "cp932"))]
    [True, False, False]
    """
    try:
        text = sample.decode("cp1252")
    except UnicodeDecodeError:
        return False
    words = [word for word in re.findall(r"\w+", text) if not word.isascii()]
    return bool(words) and all(word.isalpha() and re.search("[A-Za-z]", word) for word in words)


def _say_guess(sample: bytes, name: str, others: list[str]) -> str:
    text = sample.decode(name, errors="replace")
    words = list(dict.fromkeys(word for word in re.findall(r"\w+", text) if not word.isascii()))[:4]
    reads = f"; with it, the file contains {', '.join(words)}" if words else ""
    also = ", ".join(_read_otherwise(sample, text, others))
    return f"a guess, because it is not UTF-8{reads}{f'; other encodings that fit as well: {also}' if also else ''}"


def _read_otherwise(sample: bytes, text: str, names: list[str]) -> list[str]:
    """The first few other encodings, each of which reads the sample in a way of its own."""
    seen, different = {text}, list[str]()
    for name in names:
        if len(different) == _N_OTHERS:
            break
        read = sample.decode(name, errors="replace")
        if read not in seen and "\ufffd" not in read:
            different.append(name)
        seen.add(read)
    return different


def _no_guess(path: Path) -> Fault:
    return Fault(
        path.name,
        "the file is not UTF-8, and no encoding fits all of it (is it a text file at all?)",
        "save it again as UTF-8 (in a spreadsheet: 'CSV UTF-8'), or give its encoding",
    )


def _not_ascii(path: Path) -> bytes:
    """Return the lines that are not plain ASCII, up to the size of the sample."""
    sample = bytearray()
    with open_bytes(path) as file:
        while len(sample) < _SAMPLE and (line := file.readline(_SAMPLE)):
            if not line.isascii():
                sample += line
    return bytes(sample)


def find_separator_line(path: Path, encoding: str) -> str | None:
    """Return the sign that a first line such as `sep=;` names (as Excel writes and obeys it), or None.

    Examples
    --------
    >>> _SEP.fullmatch("sep=;\\r\\n")[1]
    ';'
    """
    with open_text(path, encoding) as file:
        match = _SEP.fullmatch(file.readline(16))
    return match[1] if match else None


def read_delimiter(name: str) -> str:
    """Return the sign that is meant by what is given: itself, or its name, such as "tab"."""
    sign = _NAMED.get(name, name)
    if len(sign) != 1 or sign in '\r\n"':
        fault = Fault("delimiter", f"{name!r} is not a single character", "write one of , ; | or tab")
        raise UnitsError("The file cannot be read with these settings.", [fault])
    return sign


def find_delimiter(path: Path, encoding: str, skip_rows: int = 0) -> str:
    """Find the sign between the columns of a csv file: one of comma, semicolon, tab and bar.

    Taken is the sign that gives the first records (64 KB) the same number of columns, and more than the others do.
    A file of one column has none; the comma is returned then.
    """
    with open_text(path, encoding) as file:
        for _ in range(skip_rows):
            file.readline()
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
