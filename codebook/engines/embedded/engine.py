"""Answers from two embedding models that come inside packages: on the CPU, without key and network.

It is an embedding engine, not a language model: good at what a text is about, no better than the commonest label at
stance, irony or fine sentiment. Its scores are cosines, so it gives no confidence; it always finds a nearest label, so
it never abstains; it quotes nothing. What it cannot do is answered with status 400 and a reason, never with a guess.

Besides labels of texts it gives vectors (`answer_embedding`), and what its skills can do (`skills.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from codebook.dialects import Prompt, Turn, write_reply
from codebook.dialects.embeddings import BASE64, write_vectors
from codebook.engines.embedded.encoders import PARTS, SideBySide, Vector, load_encoders, unit_length
from codebook.engines.embedded.languages import check_language, read_language, say_languages
from codebook.engines.embedded.request_reader import (
    MAX_CHARACTERS,
    Task,
    UnreadableError,
    describe_label,
    read_body,
    read_question,
    read_task,
    read_text,
)
from codebook.engines.embedded.skills import Skill, find_skill
from codebook.engines.jobs import LocalEngine
from codebook.engines.protocol import About, error_line, result_id, result_line
from codebook.errors import Fault, ParameterError
from codebook.files.lines import dump_canonical
from codebook.records import EMBEDDINGS, Shard

OWN = 896
"""Dimensions where the request names none: both models side by side."""
MULTILINGUAL = 512
"""Dimensions of the encoder that knows more than English, by itself."""


def answer_embedding(body: Mapping[str, Any], encode: Callable[[list[str], int], Vector]) -> dict[str, Any]:
    """Return the body of a reply: one vector per text, in their order. Tokens are estimates: four characters each.

    Parameters
    ----------
    body
        Of a request for vectors; `dimensions` chooses the model: 896 (both), 512 (USE) or 384 (MiniLM).
    encode
        Makes vectors of texts, `(n_texts, n_dimensions)`, of so many dimensions.

    Raises
    ------
    UnreadableError
        It asks for dimensions that no model has, or holds what is no text.
    """
    texts, dimensions, form = body.get("input"), body.get("dimensions", OWN), body.get("encoding_format", "float")
    texts = [texts] if isinstance(texts, str) else texts
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise UnreadableError("the embedded engine embeds a text or a list of texts: 'input' is neither")
    if dimensions not in PARTS:
        there = ", ".join(map(str, PARTS))
        raise UnreadableError(f"the embedded engine has no vectors of {dimensions!r} dimensions, only of {there}")
    if form not in (BASE64, "float"):
        raise UnreadableError(f"vectors are written as float or {BASE64}, not as {form!r}")
    if wrong := [place for place, text in enumerate(texts, 1) if not text or len(text) > MAX_CHARACTERS]:
        raise UnreadableError(f"text {wrong[0]} is empty or longer than {MAX_CHARACTERS:,} characters")
    vectors = encode(texts, dimensions).astype("float32")
    return write_vectors(vectors, str(body["model"]), form, -(-sum(map(len, texts)) // 4))


MODEL = "embedded-use-minilm-2"
"""The model's id: the two models, their files, the rule below. It changes when an answer may change."""
DEFINITION_WEIGHT = 4
"""How many examples a definition counts for. Examples are mixed with it and never take its place."""
CHUNK_BYTES = 32_000_000
"""Bytes of request lines that are held at a time: lines with images or PDFs are large."""
MULTI_MARGIN = 0.02
"""A multi-label answer holds every label whose cosine is at most this far from the best one's."""


_TEXTS = (
    "These labels come from an embedding engine, not from a language model. It is good at what a text is about "
    "(topics, subjects) and no better than the commonest label at stance, irony, offence or fine sentiment. It never "
    "abstains, quotes no evidence, and its cosines are not probabilities. It reads English by two encoders and 14 "
    "other languages by one of them; a text in a language that neither knows is refused. Whether its labels are good "
    "enough, the table of validity shows beside the constant-label baseline."
)
_RECORDS = (
    "These topics and entities do not come from a language model. Topics are phrases of the text, chosen by their "
    "words and by an embedding; none was thought of. Entities come from spaCy's small English model: a first pass over "
    "prose as newspapers write it, to be checked, and not for tweets, for other languages, or for types that it was "
    "not trained on. Whether they are good enough, the table of validity shows beside the baseline of capital letters."
)
_PHOTOS = (
    "These labels come from a small network that knows the 1,000 kinds of things of ImageNet, not from a language "
    "model. It is good at everyday objects; not at people, emotions, scenes, art, charts or text in pictures. Some "
    "coded photos as examples help it much. It never abstains, quotes no evidence, and its shares are not "
    "probabilities. Whether its labels are good enough, the table of validity shows beside the constant-label baseline."
)
_PAGES = (
    "These texts come from a reader of Latin and Chinese print, not from a language model. Pages in other alphabets "
    "are read by Tesseract where it and the language are installed on this machine; else they are invalid, as are "
    "pages most of whose words are unsure. Handwriting is not tested. How good the texts are, the accuracy of "
    "transcription shows where there is a true text."
)

_ABOUT = About(
    free="Nothing: the answers were computed on this machine. Sent to a service it would be about {tokens}.",
    ahead="codebook.engines.embedded.encoders:warm_up",
    chooses=True,
    limits={"efficientnet": _PHOTOS, "spacy": _RECORDS, "rapidocr": _PAGES, "": _TEXTS},
)


@dataclass(frozen=True)
class Scale:
    """A task ready to be put to texts.

    `prototypes` has a vector for each label, `(n_labels, n_dimensions)`, by the number of dimensions: by both encoders
    where labels and examples are in English, and by the multilingual one alone.
    """

    task: Task
    labels: tuple[str, ...]
    prototypes: Mapping[int, Vector]

    def choose(self, vector: Vector) -> str:
        """Return the answer for a text's vector, as JSON in the form of the schema.

        The nearest label; of kind `multi` all labels near the nearest, in the schema's order, so at least one.
        """
        cosines = (self.prototypes[len(vector)] * vector).sum(axis=1)
        if self.task.kind == "multi":
            near = np.flatnonzero(cosines >= cosines.max() - MULTI_MARGIN)
            return orjson.dumps({self.task.answer: [self.labels[place] for place in near]}).decode()
        return orjson.dumps({self.task.answer: self.labels[int(cosines.argmax())]}).decode()


def _read_labels(prompt: Prompt) -> tuple[Task, list[str], bool]:
    """What is asked, what explains the labels, and whether that is in English.

    Raises
    ------
    UnreadableError
        It cannot be answered of any text.
    """
    task = read_task(prompt)
    descriptions = [describe_label(label, definition) for label, definition in task.definitions.items()]
    language = read_language("\n".join([*descriptions, *(text for text, _ in task.examples)]))
    if language.lack:
        raise UnreadableError(f"the labels cannot be told apart by their definitions: {language.lack}")
    return task, descriptions, language.english


@dataclass(frozen=True)
class _Ask:
    """A text that is to get a label, the scale it is put to, and the dimensions of its vector."""

    prompt: Prompt
    scale: Scale
    text: str
    dimensions: int


@dataclass(frozen=True)
class _Errand:
    """A prompt for a skill."""

    prompt: Prompt
    skill: Skill


class EmbeddedEngine(LocalEngine):
    """Codes a text by the label whose prototype is nearest, in multilingual USE and MiniLM side by side.

    MiniLM knows English only, so it has no say where the text, or what explains the labels, is in another language. A
    text in a language that USE does not know either is refused.

    The prototype of a label is (sum of its examples + 4 x its definition) / (number of examples + 4), made of unit
    vectors. Each answer depends on its own request alone, so reruns repeat to the byte.

    Parameters
    ----------
    folder
        Where the work lies.
    model
        Empty, or the one model there is.
    threads
        Texts encoded at the same time; None for one a processor, at most 8. Answers do not depend on it.
    language
        Code of the language that all texts are in, such as "de"; empty: it is seen text by text.
    settings
        `chunk` and `progress` of `LocalEngine`.
    """

    name = "embedded"
    about = _ABOUT

    def __init__(
        self,
        folder: Path,
        *,
        model: str = "",
        threads: int | None = None,
        language: str = "",
        chunk: int = 64,
        progress: bool = False,
    ) -> None:
        super().__init__(folder, chunk=chunk, progress=progress)
        if model not in ("", MODEL):
            fault = Fault("model", f"the embedded engine has no {model!r}", f"use {MODEL!r}, or leave it empty")
            raise ParameterError(f"There is no embedded model {model!r}.", [fault])
        check_language(language)
        self.threads, self.language = threads, language
        self._encoders: SideBySide | None = None
        self._scales = lru_cache(maxsize=64)(self._make_scale)

    @property
    def model(self) -> str:
        """The model id that belongs into the request bodies."""
        return MODEL

    @property
    def answerer(self) -> str:
        """Who answers: where the language of the texts is given, another than who sees it for itself."""
        return f"{self.name}, {self.language}" if self.language else self.name

    def answer(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Answer request lines: all texts that get labels are encoded together, and all photos seen, each by itself."""
        requests = [self._read(line) for line in lines]
        vectors = self._encode_asks([ask for ask in requests if isinstance(ask, _Ask)])
        errands = [ask for ask in requests if isinstance(ask, _Errand)]
        for skill in dict.fromkeys(errand.skill for errand in errands):
            skill.look_ahead([errand.prompt for errand in errands if errand.skill == skill])
        return [self._finish(line, ask, vectors) for line, ask in zip(lines, requests, strict=True)]

    def find_lack(self, line: Mapping[str, Any]) -> str:
        """Why a request line cannot be answered, by the kind of its question and its files; empty where it may be."""
        try:
            prompt = read_question(read_body(line, MODEL), str(line.get("url")))
            if skill := find_skill(prompt):
                skill.check(prompt)
            else:
                _read_labels(prompt)
        except UnreadableError as error:
            return str(error)
        return ""

    def look_at_texts(self, texts: Iterable[str]) -> tuple[str, str]:
        """Say which languages texts are in and which encoders know them; and, behind it, which no encoder knows."""
        return say_languages(read_language(text, self.language) for text in texts)

    def _encode_asks(self, asks: Sequence[_Ask]) -> dict[tuple[str, int], Vector]:
        """The vectors of texts that get labels, each text once by the encoders that know its language."""
        vectors: dict[tuple[str, int], Vector] = {}
        for dimensions in (OWN, MULTILINGUAL):
            texts = list(dict.fromkeys(ask.text for ask in asks if ask.dimensions == dimensions))
            if texts:
                encoded = self.encode_as(texts, dimensions)
                vectors |= {(text, dimensions): vector for text, vector in zip(texts, encoded, strict=True)}
        return vectors

    def _finish(
        self, line: Mapping[str, Any], ask: _Ask | _Errand | dict[str, Any], vectors: Mapping[tuple[str, int], Vector]
    ) -> dict[str, Any]:
        """The result line of what was asked."""
        if isinstance(ask, _Ask):
            return self._reply(line, ask.prompt, ask.scale.choose(vectors[ask.text, ask.dimensions]), MODEL)
        if isinstance(ask, _Errand):
            try:
                return self._reply(line, ask.prompt, *ask.skill.reply(ask.prompt, self.encode))
            except UnreadableError as error:
                return error_line(line, 400, str(error), self.name)
        return ask

    def encode(self, texts: list[str]) -> Vector:
        """Return the vectors of texts, `(n_texts, 896)`; the models are loaded at the first call."""
        if not texts:
            return np.empty((0, 0))
        if self._encoders is None:
            self._encoders = load_encoders(self.threads)
        return self._encoders.encode(texts)

    def encode_as(self, texts: list[str], dimensions: int) -> Vector:
        """Return the vectors of texts by both models (896 dimensions), USE alone (512) or MiniLM alone (384)."""
        if self._encoders is None:
            self._encoders = load_encoders(self.threads)
        return self._encoders.choose(PARTS[dimensions]).encode(texts)

    def at_once(self, shard: Shard) -> int:
        """Of requests for vectors, which hold many texts each, one; of requests with files, what `CHUNK_BYTES` hold."""
        fitting = CHUNK_BYTES * shard.n_requests // max(1, shard.n_bytes)
        return 1 if shard.url == EMBEDDINGS else max(1, min(self.chunk, fitting))

    def _read(self, line: Mapping[str, Any]) -> _Ask | _Errand | dict[str, Any]:
        """What a request line asks of its text; the result line where it is answered at once, or cannot be."""
        try:
            body, url = read_body(line, MODEL), str(line.get("url"))
            if url == EMBEDDINGS:
                return result_line(line, 200, answer_embedding(body, self.encode_as), self.name)
            prompt = read_question(body, url)
            if skill := find_skill(prompt):
                return _Errand(prompt, skill)
            text = read_text(prompt)
            scale = self._scales(prompt.system, prompt.turns, dump_canonical(prompt.schema))
            language = read_language(text, self.language)
            if language.lack:
                raise UnreadableError(f"the text cannot be coded: {language.lack}")
            return _Ask(prompt, scale, text, OWN if language.english and OWN in scale.prototypes else MULTILINGUAL)
        except UnreadableError as error:
            return error_line(line, 400, str(error), self.name)

    def _make_scale(self, system: str, turns: tuple[Turn, ...], schema: bytes) -> Scale:
        """The scale of one instrument; a shard has few of them, so they are kept."""
        task, descriptions, english = _read_labels(Prompt(system, "", "", orjson.loads(schema), turns))
        own = OWN if english else MULTILINGUAL
        vectors = self.encode_as([*descriptions, *(text for text, _ in task.examples)], own)
        sums = dict(zip(task.definitions, DEFINITION_WEIGHT * vectors[: len(descriptions)], strict=True))
        for (_, chosen), vector in zip(task.examples, vectors[len(descriptions) :], strict=True):
            for label in chosen:
                if label in sums:  # an example of an abstention code has no prototype to go to
                    sums[label] = sums[label] + vector
        prototypes = {
            dimensions: np.array([unit_length(total[:dimensions]) for total in sums.values()])
            for dimensions in {own, MULTILINGUAL}
        }
        return Scale(task, tuple(sums), prototypes)

    def _reply(self, line: Mapping[str, Any], prompt: Prompt, text: str, model: str) -> dict[str, Any]:
        """The result line of an answered request. Token counts are estimates: four characters each."""
        messages = [prompt.system, prompt.user, *(text for turn in prompt.turns for text in turn[:2])]
        usage = (-(-sum(map(len, messages)) // 4), -(-len(text) // 4))
        body = write_reply(str(line["url"]), model, text, request_id=result_id(line, self.name), usage=usage)
        return result_line(line, 200, body, self.name)
