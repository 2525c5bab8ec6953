"""The normal form of a name, and the id made of it: the same on every machine and in every run."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from uuid import NAMESPACE_URL, UUID, uuid5

ARTICLES = frozenset(["the", "le", "la", "les", "el", "los", "las", "lo", "il", "gli", "der", "das", "den", "het"])
"""Words dropped as articles. A single letter is never one: it may be an initial."""

ELISIONS = re.compile(r"\b(?:l|d|dell|all|qu)'")
"""French and Italian words that lean on the next one: l'Allemagne, d'Ivoire."""

_APOSTROPHES = str.maketrans(dict.fromkeys("’ʼ‘`´ʻ", "'"))
_LINK = r"(?:of|of the|de|de la|de las|de los|del|du|des|d')"
_BRACKET_BEFORE = re.compile(rf"^(?P<rest>[^()]+?)\s*\((?P<lead>[^()]*\b{_LINK})\s*\)$")
_COMMA_BEFORE = re.compile(rf"^(?P<rest>[^,]+),\s*(?P<lead>[^,]*\b{_LINK})$")
_COMMA_PERSON = re.compile(r"^(?P<rest>[^,]+),\s*(?P<lead>[^,]+)(?P<tail>(?:,[^,]+)*)$")


@dataclass(frozen=True, slots=True)
class FormRules:
    """How names are made alike before they are compared.

    Parameters
    ----------
    keep_accents
        Off, "Côte" and "Cote" are one form.
    keep_articles
        Off, "the Congo" and "Congo (le)" are one form.
    persons
        On, "Smith, Adam" is read as "Adam Smith". What follows a comma and ends with "of" ("Korea, Republic of") is
        moved to the front in any case.
    stop_words
        More words to drop, e.g. ("inc", "ltd"). A form that has no other word keeps them.

    Examples
    --------
    >>> from codebook.analysis.entities.forms import normalise_form
    >>> normalise_form("Acme Ltd", FormRules(stop_words=["ltd"]))
    'acme'
    """

    keep_accents: bool = False
    keep_articles: bool = False
    persons: bool = False
    stop_words: Iterable[str] = field(default=())


AS_IT_IS = FormRules(keep_accents=True, keep_articles=True)
"""Rules that leave a normal form unchanged."""


def plain_names(names: Iterable[str], rules: FormRules | None = None) -> list[str]:
    """Names as an encoder of texts reads them best: in plain order, without articles, accents kept, Each Word Capital.

    Examples
    --------
    >>> plain_names(["CÔTE D’IVOIRE", "Congo (the Democratic Republic of the)"])
    ['Côte Ivoire', 'Democratic Republic Of Congo']
    """
    accented = replace(rules or FormRules(), keep_accents=True)
    return [normalise_form(name, accented).title() for name in names]


def normalise_form(name: str, rules: FormRules | None = None) -> str:
    """Return the normal form of a name: NFKC, one case, no punctuation, plain order, one space between words.

    Examples
    --------
    >>> normalise_form("CONGO (THE DEMOCRATIC REPUBLIC OF THE)"), normalise_form("Korea, Republic of")
    ('democratic republic of congo', 'republic of korea')
    >>> normalise_form("Côte d’Ivoire"), normalise_form("A. O'Brien")
    ('cote ivoire', 'a obrien')
    >>> normalise_form("Smith, Adam, Jr.", FormRules(persons=True))
    'adam smith jr'
    """
    rules = rules or FormRules()
    text = unicodedata.normalize("NFKC", str(name)).translate(_APOSTROPHES).casefold().strip()
    text = ELISIONS.sub("", _in_plain_order(text, rules.persons)).replace("'", "").replace("&", " and ")
    if not rules.keep_accents:
        text = "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", text))
    dropped = (frozenset() if rules.keep_articles else ARTICLES) | {word.casefold() for word in rules.stop_words}
    return " ".join([word for word in words if word not in dropped] or words)


def entity_id(name: str, namespace: str = "", *, rules: FormRules | None = None) -> str:
    """Return the UUID (version 5) of a name's normal form.

    Parameters
    ----------
    namespace
        A word or UUID that keeps the ids of one project apart from another's; the same name in the same namespace has
        the same id in every run.

    Examples
    --------
    >>> entity_id("Niger (the)") == entity_id("NIGER") != entity_id("Nigeria")
    True
    """
    return str(uuid5(_namespace(namespace), normalise_form(name, rules)))


def _namespace(name: str) -> UUID:
    try:
        return UUID(name)
    except ValueError:
        return uuid5(NAMESPACE_URL, f"codebook:entities:{name}")


def _in_plain_order(text: str, persons: bool) -> str:
    """Move what a list of names put behind a comma or in brackets to where it is spoken."""
    text = re.sub(r"\b(of|de|del)\s+(the|la|las|los)\)$", r"\1 \2)", text)
    for shape in (_BRACKET_BEFORE, _COMMA_BEFORE, *([_COMMA_PERSON] if persons else [])):
        if parts := shape.match(text):
            tail = parts.groupdict().get("tail") or ""
            return f"{parts['lead']} {parts['rest']}{tail.replace(',', ' ')}"
    return text
