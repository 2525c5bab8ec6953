"""Labels of photographs: what is seen in them, put into words, and compared with the words of the codebook.

EfficientNet-Lite0 says how much a photo looks like each of the 1,000 classes of ImageNet; each class votes for the
labels that its name is near to; coded example photos, where there are some, are mixed with the votes. Good
at everyday objects, not at people, emotions, text in pictures, charts or scenes. ImageNet's own terms (research, not
commerce) hang over the pictures that the weights were trained with.

Zero-shot after Norouzi, M., et al. (2014). Zero-shot learning by convex combination of semantic embeddings. ICLR. As
there, the ten likeliest classes count; but each votes for labels by itself, where they add up the vectors first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from codebook.dialects import Prompt, Turn, unfence
from codebook.engines.embedded.encoders import Use, Vector, unit_length
from codebook.engines.embedded.photos.network import SIDE, LiteNet, read_arrays
from codebook.engines.embedded.request_reader import Task, UnreadableError, describe_label, read_task
from codebook.engines.embedded.weights import CLASS_NAMES, LITE0_WEIGHTS, find_weights, missing_extra
from codebook.files.lines import dump_canonical
from codebook.files.pictures import PictureError, open_picture
from codebook.records import FilePart

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
    texts: dict[str, list[str]] = {label: [] for label in task.definitions}
    for text, chosen in task.examples:
        for label in chosen if text.strip() else ():
            texts.get(label, []).append(text)
    return np.array(
        [
            unit_length(
                DEFINITION_WEIGHT * _encode(describe_label(label, definition)) + sum(map(_encode, texts[label]))
            )
            for label, definition in task.definitions.items()
        ]
    )


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


CROP = 224 / 256
"""The middle part of the shorter side that the network looks at: what it was tested with by its makers."""
MAX_THREADS = 4
MAX_REMEMBERED = 4_000

Array = npt.NDArray[np.float32]


class Seen(NamedTuple):
    """What the network sees: the features of its last layer, `(1280,)`, and the shares of the classes, `(1000,)`."""

    features: Array
    scores: Array


class PhotoModel:
    """EfficientNet-Lite0, ready to look. What it sees in a photo depends on that photo alone.

    Several photos are looked at in several threads, each of which computes with one: linear algebra on several
    threads sums in another order. One call at a time, since that limit is the whole process's. What was seen in the
    last thousands of photos is remembered (9 kB each), so that an example is not looked at with every request.
    """

    def __init__(self) -> None:
        path = find_weights(LITE0_WEIGHTS)
        try:
            from threadpoolctl import ThreadpoolController
        except ImportError:
            raise missing_extra("photos") from None
        self._algebra = ThreadpoolController()
        self._net = LiteNet(read_arrays(path))
        self._seen: dict[bytes, Seen | PictureError] = {}

    def look(self, photos: Sequence[bytes]) -> list[Seen]:
        """See each photo.

        Raises
        ------
        PictureError
            The bytes of one are no picture that can be used.
        """
        looks = [self._seen[name] for name in self.look_ahead(photos)]
        for look in looks:
            if isinstance(look, PictureError):
                raise PictureError(str(look))
        return [look for look in looks if isinstance(look, Seen)]

    def look_ahead(self, photos: Sequence[bytes]) -> list[bytes]:
        """See photos that will be asked for, and return the names by which they are remembered."""
        names = [hashlib.sha256(photo).digest() for photo in photos]
        if len(self._seen) > MAX_REMEMBERED:
            self._seen.clear()
        fresh = {name: photo for name, photo in zip(names, photos, strict=True) if name not in self._seen}
        with self._algebra.limit(limits=1, user_api="blas"), ThreadPoolExecutor(MAX_THREADS) as pool:
            self._seen.update(zip(fresh, pool.map(self._look, fresh.values()), strict=True))
        return names

    def _look(self, photo: bytes) -> Seen | PictureError:
        try:
            features = self._net.features(frame_photo(photo))
        except PictureError as error:
            return error
        return Seen(features, self._net.class_scores(features))


def frame_photo(data: bytes) -> Array:
    """Cut the middle square out of a photo and scale it (bicubic) to `(224, 224, 3)`, values from -1 to 1."""
    from PIL.Image import Resampling

    picture = open_picture(data, 2 * SIDE)
    (width, height), side = picture.size, min(picture.size) * CROP
    box = ((width - side) / 2, (height - side) / 2, (width + side) / 2, (height + side) / 2)
    small = picture.resize((SIDE, SIDE), Resampling.BICUBIC, box=box)
    pixels: npt.NDArray[Any] = np.asarray(small, np.float32)
    return np.asarray((pixels - 127) / 128, np.float32)


@lru_cache(maxsize=1)
def load_model() -> PhotoModel:
    """Return the model, loaded once a process.

    Raises
    ------
    MissingExtraError
        A package of the extra `photos` is not installed.
    EngineError
        The file of weights is not the one that was measured.
    """
    return PhotoModel()


def code_photos(prompt: Prompt, _encode: Callable[[list[str]], npt.NDArray[np.float64]] | None = None) -> str:
    """Answer a prompt about the photos of a unit with its label, its labels or its rating.

    Several photos of a unit are seen as one: the mean of what is seen in each.

    Raises
    ------
    UnreadableError
        The unit has no photo, has a text as well, or has one that cannot be read or stands elsewhere; or something
        else than labels is asked.
    """
    if not prompt.files:
        raise UnreadableError("the examples are images, but the unit has none")
    if any(letter.isprintable() and not letter.isspace() for letter in unfence(prompt.user)):
        raise UnreadableError("the embedded engine codes images or a text, not a unit of both: leave one of them out")
    scale = _scale(prompt.system, prompt.turns, dump_canonical(prompt.schema))
    return scale.choose(*_see_as_one(prompt.files))


def look_ahead(prompts: Sequence[Prompt]) -> None:
    """See the photos of several units at once, in several threads; `code_photos` then finds them seen."""
    load_model().look_ahead([part.data for prompt in prompts for part in prompt.files if part.data])


@lru_cache(maxsize=8)
def _scale(system: str, turns: tuple[Turn, ...], schema: bytes) -> PhotoScale:
    """The scale of one instrument; a shard has few of them, so they are kept."""
    task = read_task(Prompt(system, "", "", orjson.loads(schema), turns))
    seen = [_see_as_one(turn.files).features if turn.files else None for turn in turns]
    return make_scale(task, seen)


def _see_as_one(files: Sequence[FilePart]) -> Seen:
    if any(part.url for part in files):
        raise UnreadableError("the embedded engine fetches nothing: the image is an address, not bytes")
    try:
        seen = load_model().look([part.data for part in files])
    except PictureError as error:
        raise UnreadableError(f"an image cannot be read: {error}") from None
    return Seen(*(np.asarray(np.mean(parts, axis=0), np.float32) for parts in zip(*seen, strict=True)))
