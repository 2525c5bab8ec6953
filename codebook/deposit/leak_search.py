"""What must not stand in a deposit, or needs a reason: keys, texts that stay here, what looks personal."""

from __future__ import annotations

import gzip
import html
import re
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from codebook.deposit.deposit_layout import LOCKS, PERSONS_FILES, About, list_files
from codebook.errors import Fault, ParameterError
from codebook.files.unfolding import open_bytes
from codebook.ground.personal import find_personal, find_phone
from codebook.ground.quantities import say_count
from codebook.ground.secrecy import is_keylike, remove_secrets

_PICTURES = (".png", ".pdf", ".jpg", ".jpeg", ".gif", ".tif", ".tiff", ".webp", ".heic", ".npy", ".bin", ".parquet")
_PACKED = (".xlsx", ".docx", ".zip")
_BINARY = re.compile(
    r"data:[\w/+.;=-]*;base64,[A-Za-z0-9+/=\\n]+|(?<=[\"'>])[A-Za-z0-9+/]{200,}={0,2}(?:\\n)?(?=[\"'<])"
)
_TAGS = re.compile(r"(?:<[^>]*>)+")
"""Of a packed file, whose parts have more tags than words: what stands between two words ends one line."""
_READABLE = re.compile(rb"[\x20-\x7e]{20,}")
_MOST = 20
"""Most lines of one file that are named; of the others only the number is given."""
_KEY_MEND = "take it out, withdraw that key at its service, and deposit again"
_PERSON_MEND = (
    "if it may be published, say why under personal_data in study.yaml, as `{kind}: the reason`; "
    "else erase or mask it in the study; then deposit again"
)
_TEXT_MEND = "take it out of the study, or deposit with --texts include"


def tell_lines(place: str, numbers: Iterable[int], problem: str, mend: str) -> Iterator[Fault]:
    """Yield one fault for the lines of a file; nothing where there are none."""
    lines = list(dict.fromkeys(numbers))
    if lines:
        more = f" and {len(lines) - _MOST:,} more" if len(lines) > _MOST else ""
        where = ", ".join(map(str, lines[:_MOST]))
        yield Fault(f"{place}, line{'s' * (len(lines) > 1)} {where}{more}", problem, mend)


def find_keys(folder: Path, secrets: Mapping[str, str]) -> Iterator[Fault]:
    """Yield each place of a deposit where something looks like a key, or is a secret of this machine; never the key."""
    for place, path in list_files(folder):
        lines = (number for number, line in _read_all(path) if _holds_key(line, secrets))
        yield from tell_lines(place, lines, "something looks like a key (it is not shown)", _KEY_MEND)


def _read_all(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file; of a picture or a packed one also all else in it that can be read."""
    yield from read_text_lines(path)
    if path.suffix.lower() in (*_PICTURES, *_PACKED):
        yield from ((1, run.decode()) for run in _READABLE.findall(path.read_bytes()))


def _holds_key(line: str, secrets: Mapping[str, str]) -> bool:
    return is_keylike(line) or (bool(secrets) and remove_secrets(line, secrets) != line)


# --- personal data


class PersonalPlace(NamedTuple):
    """Lines of a file that look personal: a hint, never a proof, and never shown."""

    place: str
    what: str
    lines: tuple[int, ...]

    @property
    def kind(self) -> str:
        """What it looks like, without the article."""
        return self.what.partition(" ")[2]


KINDS = ("e-mail address", "phone number", "IP address")


def find_persons(folder: Path) -> Iterator[PersonalPlace]:
    """Yield what looks personal; left out are versions of packages, and where authors say how they are reached."""
    for place, path in list_files(folder):
        if place in LOCKS or place in PERSONS_FILES:
            continue
        found: dict[str, list[int]] = {}
        for number, line in read_text_lines(path):
            if what := find_personal(line) or find_phone(line):
                found.setdefault(what, []).append(number)
        yield from (PersonalPlace(place, what, tuple(numbers)) for what, numbers in found.items())


def read_reasons(pairs: Mapping[str, object] | Collection[str]) -> dict[str, str]:
    """Why what looks personal may be published, by kind.

    Raises
    ------
    ParameterError
        A kind is none, or has no reason.

    Examples
    --------
    >>> read_reasons(["phone number: that of the press office"])
    {'phone number': 'that of the press office'}
    """
    written = pairs.items() if isinstance(pairs, Mapping) else [text.partition(":")[::2] for text in pairs]
    reasons = {kind.strip(): str(why).strip() for kind, why in written}
    mend = f"write `KIND: the reason`, where KIND is {', '.join(KINDS[:-1])} or {KINDS[-1]}"
    faults = [
        Fault(
            "personal_data", f"{kind!r} {'has no reason' if kind in KINDS else 'is not a kind of personal data'}", mend
        )
        for kind, why in reasons.items()
        if kind not in KINDS or not why
    ]
    ParameterError.raise_any("The reason why personal data may be published cannot be read.", faults)
    return reasons


def acknowledge(places: Iterable[PersonalPlace], reasons: Mapping[str, str]) -> dict[str, dict[str, object]]:
    """What `deposit.json` says of personal data: of each kind the reason, and how many lines of which file."""
    there = list(places)
    return {
        kind: {"reason": why, "lines": {each.place: len(each.lines) for each in there if each.kind == kind}}
        for kind, why in reasons.items()
    }


def find_unexplained(places: Iterable[PersonalPlace], about: About) -> Iterator[Fault]:
    """Yield what looks personal and was not there, or had no reason, when the deposit was made."""
    for each in places:
        if len(each.lines) > about.personal.get(each.kind, {}).get("lines", {}).get(each.place, 0):
            problem = f"something looks like {each.what} (it is not shown)"
            yield from tell_lines(each.place, each.lines, problem, _PERSON_MEND.format(kind=each.kind))


def say_personal(about: About) -> Iterator[str]:
    """Say what looks personal and why it is published, one sentence for each kind."""
    for kind, known in about.personal.items():
        lines, reason = known["lines"], known["reason"]
        n = sum(lines.values())
        where = f"{say_count(n, 'line')} of {say_count(len(lines), 'file')}" if lines else "nothing"
        yield f"{kind}: {where}; {reason}"


# --- texts of units

_N_WORDS, _STEP = 6, 3
"""So many words in a row are a trace; every so many words of a text one is noted, so that any eight are found."""
_WORD, _ESCAPE, _TAG = re.compile(r"\w+"), re.compile(r"\\[nrt]"), re.compile(r"<[^>]*>")


@dataclass(frozen=True)
class Traces:
    """What identifies texts of units: runs of six words, and whole texts however short; as numbers.

    Examples
    --------
    >>> traces = Traces.of(["Coal is cheap, and it will be so for years.", "Good!"])
    >>> [traces.are_in(text) for text in ("He said: coal is cheap and it will be so.", "good", "Coal is dear.")]
    [True, True, False]
    """

    pieces: frozenset[int]
    wholes: frozenset[int]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Traces:
        """Return the traces of some texts."""
        pieces, wholes = set[int](), set[int]()
        for words in filter(None, map(_split, texts)):
            pieces.update(_run_hashes(words, _STEP))
            wholes.add(hash(tuple(words)))
        return cls(frozenset(pieces), frozenset(wholes))

    def are_in(self, text: str) -> bool:
        """Whether a text is one of them, or has six words of one in a row."""
        words = _split(text)
        return hash(tuple(words)) in self.wholes or not self.pieces.isdisjoint(_run_hashes(words, 1))

    def find(self, room: Path) -> Iterator[Fault]:
        """Yield each place of a deposit where six words of a unit stand in a row."""
        for place, path in list_files(room) if self.pieces else ():
            problem = "it holds words of a unit's text (the words are not shown)"
            yield from tell_lines(place, self._find_lines(path), problem, _TEXT_MEND)

    def _find_lines(self, path: Path) -> Iterator[int]:
        """The lines at which such a run ends: it may have begun on the line before."""
        tail, is_page = list[str](), path.suffix in (".html", ".ipynb", ".qdc")
        for number, line in read_text_lines(path):
            words = tail + _split(_TAG.sub(" ", line) if is_page else line)
            if not self.pieces.isdisjoint(_run_hashes(words, 1)):
                yield number
            tail = words[1 - _N_WORDS :]


def _split(text: str) -> list[str]:
    return _WORD.findall(_ESCAPE.sub(" ", html.unescape(text).casefold()))


def _run_hashes(words: list[str], step: int) -> Iterator[int]:
    """Every so many words the run of words that begins there, as a number."""
    return (hash(tuple(words[at : at + _N_WORDS])) for at in range(0, len(words) - _N_WORDS + 1, step))


# --- the lines of files


def read_text_lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file as text, pictures left out; of a packed one those of all its parts."""
    suffix = path.suffix.lower()
    if suffix in _PICTURES or path.is_symlink():
        return
    if suffix in _PACKED:
        yield from ((1, text) for text in _unpack(path))
        return
    with open_bytes(path) as file, suppress(EOFError, gzip.BadGzipFile, zlib.error):  # up to where it is damaged
        for number, raw in enumerate(file, start=1):
            line = raw.decode("utf-8", "replace")
            yield number, _BINARY.sub(" ", line) if len(line) > 200 else line


def _unpack(path: Path) -> Iterator[str]:
    """The texts of a packed file, as far as they can be read: a damaged one is told by its digest."""
    with (
        suppress(zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError),
        zipfile.ZipFile(path) as packed,
    ):
        for name in packed.namelist():
            if name.endswith((".xml", ".rels")):
                text = _TAGS.sub("\n", packed.read(name).decode("utf-8", "replace"))
                yield from html.unescape(text).splitlines()
