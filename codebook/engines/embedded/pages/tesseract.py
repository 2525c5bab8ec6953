"""Pages in alphabets that the reader's own models do not know, read by Tesseract where it and the language are there.

Nothing is fetched: on Debian `apt install tesseract-ocr tesseract-ocr-ell` brings the program and Greek.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from functools import lru_cache

from codebook.engines.embedded.pages.layout import Piece, as_line

LANGUAGES: Mapping[str, tuple[str, ...]] = {
    "Arabic": ("ara", "fas", "urd"),
    "Armenian": ("hye",),
    "Bengali": ("ben", "asm"),
    "Cyrillic": ("rus", "ukr", "bul", "srp", "bel", "mkd"),
    "Devanagari": ("hin", "mar", "nep", "san"),
    "Ethiopic": ("amh", "tir"),
    "Fraktur": ("frk", "deu_latf"),
    "Georgian": ("kat",),
    "Greek": ("ell", "grc"),
    "Gujarati": ("guj",),
    "Gurmukhi": ("pan",),
    "Hangul": ("kor",),
    "Hebrew": ("heb", "yid"),
    "Kannada": ("kan",),
    "Khmer": ("khm",),
    "Lao": ("lao",),
    "Malayalam": ("mal",),
    "Myanmar": ("mya",),
    "Sinhala": ("sin",),
    "Tamil": ("tam",),
    "Telugu": ("tel",),
    "Thai": ("tha",),
    "Tibetan": ("bod",),
}
"""Names of scripts as Tesseract tells them, and its languages that are written in each."""

UNSURE = 60.0
"""A word is unsure when Tesseract's own score of it, of 100, is below this."""
_LONGEST_S = 300
_SCRIPT = re.compile(r"^Script: (\w+)", re.MULTILINE)


def read_foreign(png: bytes) -> list[Piece]:
    """Return the lines of a page's picture; none where Tesseract, or a language of the page's script, is not there."""
    languages = choose_languages(_find_script(png)) if "osd" in list_languages() else ""
    return read_words(_run(png, "-l", languages, "tsv")) if languages else []


def choose_languages(script: str) -> str:
    """The installed languages of a script, as Tesseract takes them; empty where there is none."""
    return "+".join(language for language in LANGUAGES.get(script, ()) if language in list_languages())


@lru_cache(maxsize=1)
def list_languages() -> frozenset[str]:
    """The languages that Tesseract has on this machine; none where it is not installed."""
    return frozenset(_run(b"", "--list-langs").splitlines()[1:])


def read_words(table: str) -> list[Piece]:
    """Return lines out of Tesseract's table of words.

    Examples
    --------
    >>> head = "level page_num block_num par_num line_num word_num left top width height conf text"
    >>> words = ["5 1 1 1 1 1 10 5 20 10 96.2 Dear", "5 1 1 1 1 2 35 5 20 10 31.0 Sxr"]
    >>> [line] = read_words("\\n".join([head, *words]).replace(" ", "\\t"))
    >>> line.text, line.unsure, line.x1
    ('Dear Sxr', ('Sxr',), 55.0)
    """
    lines: dict[tuple[str, ...], list[Piece]] = {}
    for row in table.splitlines()[1:]:
        *place, left, top, width, height, score, text = row.split("\t")
        if text.strip():
            x, y = float(left), float(top)
            unsure = (text,) if float(score) < UNSURE else ()
            piece = Piece(text, x, y, x + float(width), y + float(height), unsure)
            lines.setdefault(tuple(place[:5]), []).append(piece)
    return [_whole_line(words) for words in lines.values()]


def _whole_line(words: Sequence[Piece]) -> Piece:
    """The words of a line in their own order, which in some scripts runs from right to left."""
    return as_line(words)._replace(gaps=())


def _find_script(png: bytes) -> str:
    found = _SCRIPT.search(_run(png, "--psm", "0", "-l", "osd"))
    return found[1] if found else ""


def _run(png: bytes, *options: str) -> str:
    """What Tesseract writes of a picture; nothing where it is not installed or fails."""
    program = shutil.which("tesseract")
    if program is None:
        return ""
    command = [program, *(["stdin", "stdout"] if png else []), *options]
    environment = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    try:
        done = subprocess.run(command, input=png, capture_output=True, env=environment, timeout=_LONGEST_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace")
