"""Which language or script a text is in, and whether an encoder here knows it.

The script is that of most letters; the language is py3langid's, whose model comes inside its package. A text of few
letters is judged by its script alone. What is told depends on the text alone.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from codebook.engines.embedded.weights import Weights, find_weights, missing_extra
from codebook.errors import Fault, ParameterError

KNOWN: Mapping[str, str] = {
    **{"ar": "Arabic", "de": "German", "en": "English", "es": "Spanish", "fr": "French", "it": "Italian"},
    **{"ja": "Japanese", "ko": "Korean", "nl": "Dutch", "pl": "Polish", "pt": "Portuguese", "ru": "Russian"},
    **{"th": "Thai", "tr": "Turkish", "zh": "Chinese"},
}
"""Languages of multilingual USE (Chinese counts as two, by its writing). MiniLM knows English alone."""
_NEAR = {"ary": "ar", "arz": "ar", "yue": "zh", "wuu": "zh"}
"""What py3langid tells apart and USE does not."""
_SCRIPTS: Mapping[str, str] = {
    **{"LATIN": "", "CYRILLIC": "ru", "ARABIC": "ar", "CJK": "zh", "HIRAGANA": "ja", "KATAKANA": "ja"},
    **{"HANGUL": "ko", "THAI": "th", "FULLWIDTH": "", "HALFWIDTH": "ja", "IDEOGRAPHIC": "zh"},
}
"""First words of the names of letters that USE knows, and the language that a script speaks for."""
_NO_SCRIPT = frozenset(["MODIFIER", "FEMININE", "MASCULINE", "MICRO", "MATHEMATICAL", "DOUBLE-STRUCK", "SCRIPT"])
_JUDGED_BY_LANGUAGE = frozenset(["LATIN", "CYRILLIC", "ARABIC"])
_NAMES = {
    **{"af": "Afrikaans", "bg": "Bulgarian", "ca": "Catalan", "cs": "Czech", "da": "Danish", "el": "Greek"},
    **{"fa": "Persian", "fi": "Finnish", "hi": "Hindi", "hu": "Hungarian", "id": "Indonesian", "la": "Latin"},
    **{"no": "Norwegian", "nn": "Norwegian", "ro": "Romanian", "sv": "Swedish", "sw": "Swahili", "uk": "Ukrainian"},
    **{"ur": "Urdu", "vi": "Vietnamese"},
}

FEW_LETTERS = 20
"""A text of fewer letters is too short for its language to be told."""
UNKNOWN = 0.05
"""A text is in a language without an encoder where those with one have less chance than this together. No text of the
English sets in `data/` is below it."""
NOT_ENGLISH = 0.1
"""A text is not English where English has less chance than this."""
_LOOKED_AT = 2_000


class Language(NamedTuple):
    """What a text is in: a name in words, whether an encoder knows it, and whether it is or may be English."""

    name: str
    known: bool
    english: bool

    @property
    def lack(self) -> str:
        """Why a text cannot be compared with anything; empty where it can."""
        if self.known:
            return ""
        return f"its language looks {self.name}, which no encoder here knows; they know {say_known()}"


def say_known() -> str:
    """The languages that an encoder knows, in words.

    Examples
    --------
    >>> say_known()[:25]
    'Arabic, German, English, '
    """
    return ", ".join(KNOWN.values())


def check_language(code: str) -> None:
    """Refuse a language that is given for all texts and that no encoder knows.

    Raises
    ------
    ParameterError
        It is none of `KNOWN`.
    """
    if code and code not in KNOWN:
        codes = ", ".join(f"{known} ({name})" for known, name in KNOWN.items())
        fault = Fault("option language", f"no encoder knows {code!r}", f"leave it out, or name one of {codes}")
        raise ParameterError("The embedded engine does not know this language.", [fault])


def read_language(text: str, language: str = "") -> Language:
    """Say what a text is in.

    Parameters
    ----------
    language
        Code of the language where somebody said it, so that it is not guessed.

    Examples
    --------
    >>> read_language("Η κυβέρνηση παραιτήθηκε χθες το βράδυ.")
    Language(name='Greek', known=False, english=False)
    >>> read_language("Die Regierung ist gestern am späten Abend zurückgetreten.")
    Language(name='German', known=True, english=False)
    >>> read_language("oil price")
    Language(name='a short text in Latin letters', known=True, english=True)
    """
    if language:
        return Language(KNOWN[language], True, language == "en")
    scripts = count_scripts(text)
    if not scripts:
        return Language("no language", True, True)
    script, n_letters = scripts.most_common(1)[0]
    if script not in _SCRIPTS:
        return Language(_say_script(script), False, False)
    own = _SCRIPTS[script]
    if script not in _JUDGED_BY_LANGUAGE:
        return Language(KNOWN["ja" if scripts["HIRAGANA"] else own] if own else "Latin", True, not own)
    if n_letters < FEW_LETTERS:
        return Language(f"a short text in {script.capitalize()} letters", True, script == "LATIN")
    return _judge(text)


def _judge(text: str) -> Language:
    """By the detector: the likeliest language, whether the known ones have a chance, and whether English has."""
    chances: dict[str, float] = dict(load_detector().rank(text[:_LOOKED_AT]))
    for near, code in _NEAR.items():
        chances[code] += chances.pop(near)
    best = max(chances, key=lambda code: chances[code])
    known = sum(chances[code] for code in KNOWN) >= UNKNOWN
    english = known and chances["en"] >= NOT_ENGLISH
    if known and best not in KNOWN:
        best = max(KNOWN, key=lambda code: chances[code])
    return Language(KNOWN["en"] if english else name_language(best), known, english)


def name_language(code: str) -> str:
    """The name of a language in words, or its code where no name is kept.

    Examples
    --------
    >>> name_language("sw"), name_language("xh")
    ('Swahili', "like the language 'xh'")
    """
    return KNOWN.get(code) or _NAMES.get(code) or f"like the language {code!r}"


def count_scripts(text: str) -> Counter[str]:
    """Count the letters at the beginning of a text by their script, the first word of a letter's Unicode name.

    Examples
    --------
    >>> count_scripts("Año 2026: Ελλάδα").most_common()
    [('GREEK', 6), ('LATIN', 3)]
    """
    scripts = Counter[str]()
    for letter, n in Counter(text[:_LOOKED_AT]).items():
        if letter.isalpha() and (script := _script_of(letter)) not in _NO_SCRIPT:
            scripts[script] += n
    return scripts


@lru_cache(maxsize=4096)
def _script_of(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]


def _say_script(script: str) -> str:
    """A script in words, by the language that most who write it mean."""
    return {"DEVANAGARI": "Hindi (Devanagari letters)"}.get(script, script.capitalize() or "like no language")


_DETECTOR = Weights(
    "py3langid",
    "0.4.0",
    "py3langid/data/model.npz.xz",
    "f4f4a2c3465ca1f081541037f9cac23021d68151c2f709c55ae5eedfca522963",
)


@lru_cache(maxsize=1)
def load_detector() -> Any:
    """Return the detector with chances that sum to 1, loaded once a process."""
    path = find_weights(_DETECTOR)
    try:
        from py3langid.langid import LanguageIdentifier
    except ImportError:
        raise missing_extra() from None
    return LanguageIdentifier.from_model_file(str(path), norm_probs=True)


def say_languages(languages: Iterable[Language]) -> tuple[str, str]:
    """Return what texts are in, in a sentence; and what is wrong with it, empty where nothing is.

    Examples
    --------
    >>> english, greek = read_language("This is a plain sentence in English."), read_language("Ελλάδα")
    >>> sentence, problem = say_languages([english, english, greek])
    >>> print(sentence)
    Languages of 3 texts looked at: English 2 (both encoders), Greek 1 (no encoder).
    >>> print(problem)
    1 of 3 texts looked at is in a language that no encoder here knows (Greek 1)
    """
    counts = Counter(languages)
    total = counts.total()
    if not total:
        return "", ""
    parts = (f"{language.name} {n:,} ({_say_encoders(language)})" for language, n in counts.most_common())
    sentence = f"Languages of {total:,} texts looked at: {', '.join(parts)}."
    unknown = {language.name: n for language, n in counts.most_common() if not language.known}
    if not (n_unknown := sum(unknown.values())):
        return sentence, ""
    names = ", ".join(f"{name} {n:,}" for name, n in unknown.items())
    verb = "is" if n_unknown == 1 else "are"
    return (
        sentence,
        f"{n_unknown:,} of {total:,} texts looked at {verb} in a language that no encoder here knows ({names})",
    )


def _say_encoders(language: Language) -> str:
    if not language.known:
        return "no encoder"
    return "both encoders" if language.english else "the multilingual encoder alone"
