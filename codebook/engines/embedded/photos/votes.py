"""From what is seen in a photo to a label: the classes of ImageNet vote, and example photos are mixed in.

Zero-shot after Norouzi, M., et al. (2014). Zero-shot learning by convex combination of semantic embeddings. ICLR. As
there, the ten likeliest classes count; but each votes for labels by itself, where they add up the vectors first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from codebook.engines.embedded.encoders import Use, Vector, unit_length
from codebook.engines.embedded.request_reader import Task
from codebook.engines.embedded.weights import CLASS_NAMES, find_weights

N_VOTERS = 10
"""How many classes vote: those that the photo looks most like."""
SHARPNESS = 0.05
"""Cosines are divided by this before they become shares (softmax), of the votes and of the example photos."""
VOTES_WEIGHT = 2
"""How many example photos a label the votes count for. Examples are mixed with them and never take their place."""
MULTI_SHARE = 0.5
"""A multi-label answer holds every label whose share is at least this part of the best one's."""
DEFINITION_WEIGHT = 4
"""How many example texts a definition counts for, as with texts."""


@dataclass(frozen=True)
class Nearness:
    """Example photos: `places` of the labels that have some, their `prototypes` around `centre`, how many a label."""

    places: npt.NDArray[np.intp]
    prototypes: Vector
    centre: Vector
    n_each: float

    def mix(self, votes: Vector, features: npt.NDArray[Any]) -> Vector:
        """Shares of the labels; those without an example keep their votes, the others share theirs anew."""
        cosines = (self.prototypes * unit_length(unit_length(features) - self.centre)).sum(axis=1)
        near = _share(cosines) * votes[self.places].sum()
        mixed = votes.copy()
        mixed[self.places] = (VOTES_WEIGHT * votes[self.places] + self.n_each * near) / (VOTES_WEIGHT + self.n_each)
        return mixed


@dataclass(frozen=True)
class PhotoScale:
    """A task ready to be put to photos: `words` has a vector for the words of each label, `(n_labels, 512)`."""

    task: Task
    labels: tuple[str, ...]
    words: Vector
    nearness: Nearness | None = None

    def weigh(self, features: npt.NDArray[Any], scores: npt.NDArray[Any]) -> Vector:
        """Shares of the labels, `(n_labels,)`, for the features and the classes of a photo. No probabilities."""
        voters = np.argsort(-scores, kind="stable")[:N_VOTERS]
        weights = scores[voters].astype(np.float64) / float(scores[voters].sum(dtype=np.float64))
        votes = np.zeros(len(self.labels))
        for weight, voter in zip(weights, voters, strict=True):
            votes += weight * _share((self.words * encode_class(int(voter))).sum(axis=1))
        return votes if self.nearness is None else self.nearness.mix(votes, features)

    def choose(self, features: npt.NDArray[Any], scores: npt.NDArray[Any]) -> str:
        """The answer for a photo, as JSON in the form of the schema."""
        shares = self.weigh(features, scores)
        if self.task.kind == "multi":
            chosen = np.flatnonzero(shares >= MULTI_SHARE * shares.max())
            return orjson.dumps({self.task.answer: [self.labels[place] for place in chosen]}).decode()
        return orjson.dumps({self.task.answer: self.labels[int(shares.argmax())]}).decode()


def make_scale(task: Task, seen: Sequence[npt.NDArray[Any] | None]) -> PhotoScale:
    """Make a task ready.

    Parameters
    ----------
    task
        Labels with their definitions, and the examples as (text, labels).
    seen
        The features of each example's photos, or None where it has none.
    """
    labels = tuple(task.definitions)
    return PhotoScale(task, labels, _encode_labels(task), _gather(task, labels, seen))


def _encode_labels(task: Task) -> Vector:
    """A vector for the words of each label, `(n_labels, 512)`: its name, its definition and its example texts."""
    descriptions: dict[str, list[str]] = {label: [] for label in task.definitions}
    for text, chosen in task.examples:
        for label in chosen if text.strip() else ():
            descriptions.get(label, []).append(text)
    return np.array(
        [
            unit_length(DEFINITION_WEIGHT * _encode(_tell(label, definition)) + sum(map(_encode, descriptions[label])))
            for label, definition in task.definitions.items()
        ]
    )


def _tell(label: str, definition: str) -> str:
    return definition if definition == label or not any(map(str.isalpha, label)) else f"{label}: {definition}"


def _gather(task: Task, labels: tuple[str, ...], seen: Sequence[npt.NDArray[Any] | None]) -> Nearness | None:
    """The example photos by label; None where there is none."""
    vectors: dict[int, list[Vector]] = {}
    for (_, chosen), photo in zip(task.examples, seen, strict=True):
        if photo is None:
            continue
        for label in set(chosen) & set(labels):  # an example of an abstention code has no prototype to go to
            vectors.setdefault(labels.index(label), []).append(unit_length(photo))
    if not vectors:
        return None
    places = sorted(vectors)
    photos = [vector for place in places for vector in vectors[place]]
    centre: Vector = np.mean(photos, axis=0) if len(places) > 1 else np.zeros_like(photos[0])
    prototypes = np.array(
        [unit_length(np.mean([unit_length(vector - centre) for vector in vectors[place]], axis=0)) for place in places]
    )
    return Nearness(np.array(places), prototypes, centre, len(photos) / len(places))


def _share(cosines: Vector) -> Vector:
    """Cosines as shares that add up to 1."""
    raised = np.exp((cosines - cosines.max()) / SHARPNESS)
    shares: Vector = raised / raised.sum()
    return shares


@lru_cache(maxsize=1)
def _words() -> Use:
    """The model of words: the multilingual one, so that a codebook need not be in English."""
    return Use()


def _encode(text: str) -> Vector:
    return _words().encode(text)


@lru_cache(maxsize=1)
def class_names() -> tuple[str, ...]:
    """The names of the 1,000 classes, in the order of the network."""
    return tuple(orjson.loads(find_weights(CLASS_NAMES).read_bytes()))


@lru_cache(maxsize=1_000)
def encode_class(place: int) -> Vector:
    """The vector of the name of a class, `(512,)`, made once a process."""
    return _encode(class_names()[place])
