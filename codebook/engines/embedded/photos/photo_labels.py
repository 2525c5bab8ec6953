"""Labels of photographs: what is seen in them, put into words, and compared with the words of the codebook.

EfficientNet-Lite0 says how much a photo looks like each of the 1,000 classes of ImageNet; each class votes for the
labels that its name is near to; coded example photos, where there are some, are mixed with the votes (`votes`). Good
at everyday objects, not at people, emotions, text in pictures, charts or scenes. ImageNet's own terms (research, not
commerce) hang over the pictures that the weights were trained with.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import orjson

from codebook.dialects import Prompt, Turn, unfence
from codebook.engines.embedded.photos.network import SIDE, LiteNet
from codebook.engines.embedded.photos.pickles import read_arrays
from codebook.engines.embedded.photos.votes import PhotoScale, make_scale
from codebook.engines.embedded.request_reader import UnreadableError, read_task
from codebook.engines.embedded.weights import LITE0_WEIGHTS, find_weights, missing_extra
from codebook.files.lines import dump_canonical
from codebook.files.pictures import PictureError, open_picture
from codebook.records import FilePart

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
            raise missing_extra() from None
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
        A package of the extra `embedded` is not installed.
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
