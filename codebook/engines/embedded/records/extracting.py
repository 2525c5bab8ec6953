"""Topics and entities: the answer to a question whose schema asks for lists of records under these two names.

What a field of a record holds is told by its name and its form. A list of `topics` takes phrases out of the text, or,
where a field lists its values (`enum`), the labels nearest to the text, by the rule of multi-label answers. A list of
`entities` takes names, types and the words as they stand in the text. Anything else is refused by its name.

Topics of a text: phrases out of the text, ranked by their words and by their meaning, or labels out of a list.

Candidates are runs of words between function words and punctuation (English). Half of the rank is the sum of their
words' scores, a word's score being its degree over its frequency (Rose et al. 2010, Automatic keyword extraction from
individual documents, in: Text Mining, chapter 1); half is the cosine of phrase and text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import orjson

from codebook.dialects import Prompt
from codebook.engines.embedded.encoders import Vector
from codebook.engines.embedded.languages import read_language
from codebook.engines.embedded.records.named_entities import USUAL, find_entities, match_types
from codebook.engines.embedded.request_reader import UnreadableError, read_definitions, read_text

Encode = Callable[[list[str]], Vector]

MOST_WORDS = 4
"""Words of a phrase at most; a longer run of words is no candidate."""
MOST_WEIGHED = 40
"""Candidates whose meaning is weighed: of a long text those with the best words. More cost time and add little."""
USUAL_NUMBER = 10
"""Topics given where the request does not say how many it takes."""

_PLAIN = """
a an the this that these those some any each every either neither no none all both half much many more most few
fewer less least several enough such what whatever which whichever whose other another same own one ones
i me my mine myself we us our ours ourselves you your yours yourself he him his himself she her hers herself it its
itself they them their theirs themselves who whom whoever someone anyone everyone nobody something anything
everything nothing there here where when why how whether while
about above across after against along amid among around as at before behind below beneath beside besides between
beyond by concerning despite down during except for from in inside into like near of off on onto out outside over
past per regarding since than through throughout till to toward towards under underneath until up upon versus via
with within without
and but or nor so yet if unless because although though whereas lest once
am is are was were be been being do does did done doing have has had having can could may might must shall should
will would ought need used let lets cannot
get gets got getting go goes went going gone come comes came coming make makes made making take takes took taking
taken give gives gave given giving say says said saying see sees saw seen show shows showed shown use uses using
become becomes became seem seems seemed begin began include includes included including find found know known think
keep kept put set
not also only very too just even still already again ever never often always sometimes rather quite almost soon then
now later earlier ago together instead however therefore thus hence moreover furthermore meanwhile otherwise
perhaps maybe indeed yes well far away back else apart according due
came went began became brought bought built caught chose drew drove fell flew fought grew held knew lost met paid ran
rose sang sat sold sent spent spoke stood taught told thought threw won wore wrote
s t d ll re ve m
"""
FUNCTION_WORDS = frozenset(_PLAIN.split())
"""English words that say little by themselves, and common verbs of no regular past: they part the candidates."""
_ENDINGS = ("ed", "ly")
"""Endings of words that no candidate ends in: verbs of a regular past, and adverbs."""

_CONTRACTED = ("n't", "'re", "'ve", "'ll", "'d", "'m")
_WORDS = re.compile(r"[^\W\d_][\w'’+-]*|\d[\w.,'’+-]*\w|\d|[^\s\w]")
_JOINTS = re.compile(r"[^\S\n]*\Z")


class Phrase(NamedTuple):
    """A phrase as it first stands in the text, and where (code points, end left out)."""

    words: str
    start: int
    end: int


def find_topics(text: str, encode: Encode, n: int = USUAL_NUMBER) -> list[Phrase]:
    """Return at most `n` phrases of a text that tell what it is about, the best first.

    Parameters
    ----------
    encode
        From texts to vectors of length 1, `(n_texts, n_dimensions)`.
    """
    candidates = find_candidates(text)
    if not candidates:
        return []
    scores = score_words([words for _, words in candidates])
    best = np.argsort(-scores, kind="stable")[:MOST_WEIGHED]
    phrases = [candidates[at][0] for at in best]
    vectors = encode([text, *(phrase.words for phrase in phrases)])
    cosines = (vectors[1:] * vectors[0]).sum(axis=1)
    ranks = _rank(scores[best]) + _rank(cosines)
    return drop_contained([phrases[at] for at in np.argsort(ranks, kind="stable")])[:n]


def find_candidates(text: str) -> list[tuple[Phrase, tuple[str, ...]]]:
    """Return each run of words between function words and punctuation once, with its words in small letters.

    Examples
    --------
    >>> [phrase.words for phrase, _ in find_candidates("The price of hard coal, and hard coal itself, fell in 1986.")]
    ['price', 'hard coal']
    """
    runs: dict[tuple[str, ...], Phrase] = {}
    run: list[re.Match[str]] = []
    for word in _WORDS.finditer(text):
        if run and not _JOINTS.match(text[run[-1].end() : word.start()]):
            _close(run, text, runs)
        if _is_content(word[0]):
            run.append(word)
        else:
            _close(run, text, runs)
    _close(run, text, runs)
    return [(phrase, words) for words, phrase in runs.items()]


def _is_content(word: str) -> bool:
    plain = word.casefold().replace("’", "'")
    return word[0].isalnum() and plain not in FUNCTION_WORDS and not plain.endswith(_CONTRACTED)


def _close(run: list[re.Match[str]], text: str, runs: dict[tuple[str, ...], Phrase]) -> None:
    """Note a run of words, if it can be a phrase, and empty it."""
    while run and run[-1][0].endswith(_ENDINGS) and len(run[-1][0]) > 4:
        run.pop()
    words = tuple(word[0].casefold() for word in run)
    letters = sum(map(str.isalpha, "".join(words)))
    if 1 <= len(run) <= MOST_WORDS and letters > 2:
        start, end = run[0].start(), run[-1].end()
        runs.setdefault(words, Phrase(text[start:end], start, end))
    run.clear()


def score_words(candidates: Sequence[tuple[str, ...]]) -> Vector:
    """Return the sum of each candidate's word scores: degree (words it stands beside, itself too) over frequency.

    Examples
    --------
    >>> score_words([("hard", "coal"), ("coal",)]).tolist()
    [3.5, 1.5]
    """
    frequency = Counter(word for words in candidates for word in words)
    degree = Counter[str]()
    for words in candidates:
        for word in words:
            degree[word] += len(words)
    return np.array([sum(degree[word] / frequency[word] for word in words) for words in candidates], dtype=np.float64)


def _rank(scores: Vector) -> Vector:
    """Places in order of falling score, counted from 0; equal scores share the mean of their places."""
    ordered = np.sort(-scores)
    low, high = np.searchsorted(ordered, -scores, "left"), np.searchsorted(ordered, -scores, "right")
    return np.asarray((low + high - 1) / 2, dtype=np.float64)


def drop_contained(phrases: Sequence[Phrase]) -> list[Phrase]:
    """Leave out a phrase whose words all stand, in their order, in one before it.

    Examples
    --------
    >>> [phrase.words for phrase in drop_contained([Phrase("hard coal", 0, 9), Phrase("Coal", 0, 4)])]
    ['hard coal']
    """
    phrases_left: list[Phrase] = []
    for phrase in phrases:
        folded = f" {phrase.words.casefold()} "
        if not any(folded in f" {other.words.casefold()} " for other in phrases_left):
            phrases_left.append(phrase)
    return phrases_left


MARGIN = 0.02
"""A listed topic is given where its cosine is at most this far from the best one's."""
LISTS = ("topics", "entities")
"""The lists that this engine can fill."""

_QUOTES = ("quote", "mention")
_NAMES = {"topics": ("topic", "name", "label", "phrase", "keyphrase"), "entities": ("entity", "name")}
_MOST = re.compile(r"\bat most (\d+)\b", re.IGNORECASE)


class AskedField(NamedTuple):
    """A field of a record: its name, what goes in (`name`, `quote` or `choice`), and the values of a choice."""

    name: str
    role: str
    labels: tuple[str, ...] = ()


class AskedList(NamedTuple):
    """A list of records that is asked for; `most` is how many it takes, 0 where that is not said."""

    name: str
    fields: tuple[AskedField, ...]
    most: int

    @property
    def choice(self) -> AskedField | None:
        """The field that is a choice, if there is one."""
        return next((field for field in self.fields if field.role == "choice"), None)


def extract_records(prompt: Prompt, encode: Encode) -> str:
    """Return the reply to a question about the topics or entities of a text, as JSON in the form of its schema.

    Parameters
    ----------
    encode
        From texts to vectors of length 1, `(n_texts, n_dimensions)`; asked for topics only.

    Raises
    ------
    UnreadableError
        The schema asks for something else; the message names it.

    Examples
    --------
    >>> one = {"type": "object", "properties": {"mention": {"type": "string"}}}
    >>> schema = {"type": "object", "properties": {"entities": {"type": "array", "items": one}}}
    >>> extract_records(Prompt("", "Peter met Paul in Rome.", "names", schema), encode=None)
    '{"entities":[{"mention":"Peter"},{"mention":"Paul"},{"mention":"Rome"}]}'
    """
    lists, text = check_question(prompt), read_text(prompt)
    language = read_language(text)
    if not language.english:
        words = "its models of topics and entities know English only"
        raise UnreadableError(f"the text cannot be coded: its language looks {language.name}, and {words}")
    reply = {
        records.name: _find_entities(text, records, prompt.system)
        if records.name == "entities"
        else _find_topics(text, records, prompt.system, encode)
        for records in lists
    }
    return orjson.dumps(reply).decode()


def check_question(prompt: Prompt) -> list[AskedList]:
    """Return what a prompt asks for, list by list, whatever its text.

    Raises
    ------
    UnreadableError
        It asks of files, for something that is not found here, or for a type that the model does not know.
    """
    if prompt.files:
        raise UnreadableError("the embedded engine finds topics and entities in texts, not in images or PDFs")
    lists = read_lists(prompt.schema)
    for records in lists:
        if records.name == "entities" and records.choice:
            match_types(records.choice.labels, read_definitions(prompt.system, records.choice.labels))
    return lists


def read_lists(schema: Mapping[str, Any]) -> list[AskedList]:
    """Return what a schema asks for, list by list.

    Raises
    ------
    UnreadableError
        It asks for a list or a field that this engine cannot fill, or for something that is no list of records.
    """
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        raise UnreadableError("the schema of the answer has no properties")
    for name in properties:
        if name not in LISTS:
            raise UnreadableError(f"the embedded engine cannot answer the property {name!r}: it finds topics, entities")
    return [_read_list(name, form) for name, form in properties.items()]


def _read_list(name: str, form: Any) -> AskedList:
    items = form.get("items") if isinstance(form, Mapping) else None
    fields = items.get("properties") if isinstance(items, Mapping) else None
    if not isinstance(fields, Mapping) or not fields:
        raise UnreadableError(f"the property {name!r} is no list of objects with properties")
    read = tuple(_read_field(name, field, subschema) for field, subschema in fields.items())
    roles = [field.role for field in read]
    if roles.count("choice") > 1:
        raise UnreadableError(f"the embedded engine makes one choice a record of {name!r}, not {roles.count('choice')}")
    if name == "topics" and "choice" in roles and len(roles) > 1:
        raise UnreadableError("the embedded engine gives a topic out of a list alone: it cannot quote what decides")
    most = _MOST.search(str(form.get("description", "")))
    return AskedList(name, read, int(most[1]) if most else 0)


def _read_field(name: str, field: str, form: Any) -> AskedField:
    """What goes into a field, by its form (a list of values makes it a choice) and its name."""
    kind = form.get("type") if isinstance(form, Mapping) else None
    if kind == "string" and isinstance(labels := form.get("enum"), list | tuple):
        return AskedField(field, "choice", tuple(map(str, labels)))
    if kind == "string" and field == "type" and name == "entities":
        return AskedField(field, "choice", USUAL)
    if kind == "string" and field in _QUOTES:
        return AskedField(field, "quote")
    if kind == "string" and field in _NAMES[name]:
        return AskedField(field, "name")
    known = ", ".join((*_NAMES[name], *_QUOTES))
    raise UnreadableError(
        f"the embedded engine cannot fill the field {field!r} of {name!r}: it fills {known}, and a choice"
    )


def _find_entities(text: str, wanted: AskedList, system: str) -> list[dict[str, str]]:
    types = wanted.choice.labels if wanted.choice else USUAL
    entities = find_entities(text, types, read_definitions(system, types))[: wanted.most or None]
    return [_record(wanted.fields, entity.mention, entity.type) for entity in entities]


def _record(fields: Iterable[AskedField], quote: str, choice: str = "") -> dict[str, str]:
    """A record of words as they stand in the text; a name is the same on one line."""
    values = {"quote": quote, "name": " ".join(quote.split()), "choice": choice}
    return {field.name: values[field.role] for field in fields}


def _find_topics(text: str, wanted: AskedList, system: str, encode: Encode) -> list[dict[str, str]]:
    if wanted.choice:
        labels = choose_labels(text, read_definitions(system, wanted.choice.labels), encode)
        return [{wanted.choice.name: label} for label in labels[: wanted.most or None]]
    return [_record(wanted.fields, phrase.words) for phrase in find_topics(text, encode, wanted.most or USUAL_NUMBER)]


def choose_labels(text: str, definitions: Mapping[str, str], encode: Encode) -> list[str]:
    """Return the labels whose definitions are nearest to a text, the nearest first: all within `MARGIN` of it."""
    labels: Sequence[str] = list(definitions)
    descriptions = [label if definitions[label] == label else f"{label}: {definitions[label]}" for label in labels]
    vectors: Vector = encode([text, *descriptions])
    cosines = (vectors[1:] * vectors[0]).sum(axis=1)
    order = np.argsort(-cosines, kind="stable")
    return [labels[at] for at in order if cosines[at] >= cosines.max() - MARGIN]
