"""EfficientNet-Lite0 in numpy: a picture becomes 1,280 features, and these the 1,000 classes of ImageNet.

Tan, M., & Le, Q. V. (2019). EfficientNet: Rethinking model scaling for convolutional neural networks. ICML, 6105-6114.
The Lite form has no squeeze-and-excitation and ReLU6 in place of swish. The order of axes is (height, width, channels),
so that most of the work is products of matrices.

Its weights come as a PyTorch file of the old form (before 1.6), read without PyTorch, and without running what it says.
Such a file is a row of pickles, then the raw numbers. A pickle can name any function and call it; this reader knows
three names, all of which only describe arrays, and refuses every other one.
"""

from __future__ import annotations

import math
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from codebook.errors import EngineError

MAGIC = 0x1950A86A20F9469CFC6C
"""The number that a file of this form begins with."""
PROTOCOL = 1001

_NUMBERS = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}

Numbers = npt.NDArray[Any]


class _Storage:
    """A block of numbers that tensors are views of; `key` names it in the file."""

    def __init__(self, key: str, dtype: np.dtype[Any], size: int) -> None:
        self.key, self.dtype, self.size = key, dtype, size
        self.values: Numbers | None = None


class _Tensor:
    """A view of a storage: where it begins, its shape, and its steps, counted in numbers."""

    def __init__(self, storage: _Storage, offset: int, shape: tuple[int, ...], steps: tuple[int, ...]) -> None:
        self.storage, self.offset, self.shape, self.steps = storage, offset, shape, steps

    def read(self) -> Numbers:
        """The numbers, in an array of their own.

        Raises
        ------
        ValueError
            The view reaches beyond its storage.
        """
        values = self.storage.values
        last = self.offset + sum((length - 1) * step for length, step in zip(self.shape, self.steps, strict=True))
        if values is None or min((self.offset, *self.shape, *self.steps)) < 0 or last >= len(values):
            raise ValueError("a tensor reaches beyond its numbers")
        if math.prod(self.shape) > len(values):
            raise ValueError("a tensor has more numbers than there are")
        steps = tuple(step * values.itemsize for step in self.steps)
        return np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, steps).copy()


def _make_tensor(storage: _Storage, offset: int, shape: tuple[int, ...], steps: tuple[int, ...], *_: Any) -> _Tensor:
    return _Tensor(storage, offset, shape, steps)


class _Unpickler(pickle.Unpickler):
    """A reader of pickles that knows arrays and ordered mappings, and nothing else."""

    def __init__(self, file: IO[bytes], storages: dict[str, _Storage]) -> None:
        super().__init__(file)
        self._storages = storages

    def find_class(self, module: str, name: str) -> Any:
        known = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _make_tensor,
            **{("torch", kind): dtype for kind, dtype in _NUMBERS.items()},
        }
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no file of arrays needs")
        return known[module, name]

    def persistent_load(self, pid: Any) -> _Storage:
        word, dtype, key, _, size, view = pid
        if word != "storage" or view is not None or not isinstance(dtype, np.dtype):
            raise pickle.UnpicklingError(f"it holds a block of numbers of an unknown form: {pid!r}")
        return self._storages.setdefault(str(key), _Storage(str(key), dtype, int(size)))


def read_arrays(path: Path) -> Mapping[str, Numbers]:
    """Return the arrays of a PyTorch file by their names.

    Raises
    ------
    EngineError
        The file has another form, is cut short, or names anything that is not needed to describe arrays.
    """
    try:
        with path.open("rb") as file:
            return _read(file)
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, IndexError, KeyError) as error:
        raise EngineError(f"{path} is not read: {error}. Expected a file of arrays as PyTorch wrote them.") from None


def _read(file: IO[bytes]) -> dict[str, Numbers]:
    storages: dict[str, _Storage] = {}
    magic, protocol, machine = (_Unpickler(file, storages).load() for _ in range(3))
    if magic != MAGIC or protocol != PROTOCOL or not machine.get("little_endian"):
        raise ValueError("it does not begin as such a file does")
    tensors = _Unpickler(file, storages).load()
    for key in _Unpickler(file, storages).load():
        _fill(file, storages[key])
    return {str(name): tensor.read() for name, tensor in tensors.items()}


def _fill(file: IO[bytes], storage: _Storage) -> None:
    """Read the numbers of a storage: their count, 8 bytes, then they themselves."""
    if int.from_bytes(file.read(8), "little") != storage.size:
        raise ValueError("the count of numbers is not the one that was announced")
    raw = file.read(storage.size * storage.dtype.itemsize)
    storage.values = np.frombuffer(raw, storage.dtype)
    if len(storage.values) != storage.size:
        raise ValueError("it is cut short")


SIDE = 224
"""Height and width of the picture that the network reads, in pixels."""
N_FEATURES, N_CLASSES = 1280, 1000

_EPSILON = 1e-3
_STRIDES = {1: 2, 3: 2, 5: 2, 11: 2}
_N_BLOCKS = 16

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class _Layer:
    """Weights with the normalisation multiplied in: (inputs, outputs) or (rows, columns, channels), and the bias."""

    weights: Array
    bias: Array

    def mix(self, maps: Array) -> Array:
        """Every pixel by itself: `(height, width, inputs)` to `(height, width, outputs)`."""
        height, width, inputs = maps.shape
        mixed: Array = maps.reshape(-1, inputs) @ self.weights
        mixed += self.bias
        return mixed.reshape(height, width, -1)

    def slide(self, maps: Array, stride: int) -> Array:
        """Every channel by itself, over its neighbourhood: `(height, width, channels)`, the first two over `stride`.

        A few rows at a time, so that what is summed stays in the processor's cache.
        """
        size = self.weights.shape[0]
        padded = _pad(maps, size, stride)
        height, width, channels = maps.shape[0] // stride, maps.shape[1] // stride, maps.shape[2]
        slid: Array = np.empty((height, width, channels), np.float32)
        slid[:] = self.bias
        rows = max(1, _CACHED // (width * channels))
        room: Array = np.empty((min(rows, height), width, channels), np.float32)
        for top in range(0, height, rows):
            part = slid[top : top + rows]
            product = room[: len(part)]
            for down in range(size):
                start = top * stride + down
                band = padded[start : start + (len(part) - 1) * stride + 1 : stride]
                for right in range(size):
                    seen = band[:, right : right + (width - 1) * stride + 1 : stride]
                    np.multiply(seen, self.weights[down, right], out=product)
                    part += product
        return slid


_CACHED = 24_000


@dataclass(frozen=True, slots=True)
class _Block:
    """Widen the channels (the first block does not), look around in each, and narrow them again."""

    widen: _Layer | None
    around: _Layer
    narrow: _Layer
    stride: int

    def run(self, maps: Array) -> Array:
        wide = maps if self.widen is None else _clip(self.widen.mix(maps))
        narrowed = self.narrow.mix(_clip(self.around.slide(wide, self.stride)))
        if narrowed.shape == maps.shape:
            narrowed += maps
        return narrowed


class LiteNet:
    """The network with its weights.

    Parameters
    ----------
    arrays
        The weights by the names of the PyTorch file.
    """

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self._stem = _fold(arrays, "_conv_stem", "_bn0")
        self._blocks = tuple(_make_block(arrays, number) for number in range(_N_BLOCKS))
        self._head = _fold(arrays, "_conv_head", "_bn1")
        self._classes = _Layer(np.ascontiguousarray(arrays["_fc.weight"].T, np.float32), arrays["_fc.bias"])

    def features(self, picture: Array) -> Array:
        """Return the mean over the picture of the last layer, `(1280,)`, of `(224, 224, 3)` from -1 to 1."""
        maps = _clip(self._stem.mix(_gather(picture)))
        for block in self._blocks:
            maps = block.run(maps)
        pooled: Array = _clip(self._head.mix(maps)).mean(axis=(0, 1), dtype=np.float32)
        return pooled

    def class_scores(self, features: Array) -> Array:
        """Return the probabilities of the classes, `(1000,)`, for the features of a picture."""
        logits = features @ self._classes.weights + self._classes.bias
        raised = np.exp(logits - logits.max())
        scores: Array = raised / raised.sum()
        return scores


def _make_block(arrays: Mapping[str, npt.NDArray[Any]], number: int) -> _Block:
    start = f"_blocks.{number}."
    widen = _fold(arrays, f"{start}_expand_conv", f"{start}_bn0") if f"{start}_expand_conv.weight" in arrays else None
    around = _fold(arrays, f"{start}_depthwise_conv", f"{start}_bn1")
    return _Block(widen, around, _fold(arrays, f"{start}_project_conv", f"{start}_bn2"), _STRIDES.get(number, 1))


def _fold(arrays: Mapping[str, npt.NDArray[Any]], layer: str, norm: str) -> _Layer:
    """A layer with the normalisation after it as one."""
    mean, variance = arrays[f"{norm}.running_mean"], arrays[f"{norm}.running_var"]
    scale = arrays[f"{norm}.weight"] / np.sqrt(variance + _EPSILON)
    weights = arrays[f"{layer}.weight"] * scale[:, None, None, None]
    outputs, inputs, size, _ = weights.shape
    if inputs == 1 and size > 1:
        shaped = weights[:, 0].transpose(1, 2, 0)
    else:
        shaped = weights.transpose(2, 3, 1, 0).reshape(size * size * inputs, outputs)
    return _Layer(np.ascontiguousarray(shaped, np.float32), (arrays[f"{norm}.bias"] - mean * scale).astype(np.float32))


def _gather(picture: Array) -> Array:
    """The neighbourhoods of 3 x 3 at every second pixel, `(height / 2, width / 2, 27)`."""
    padded = _pad(picture, 3, 2)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))[::2, ::2]
    return np.ascontiguousarray(windows.transpose(0, 1, 3, 4, 2)).reshape(*windows.shape[:2], 27)


def _pad(maps: Array, size: int, stride: int) -> Array:
    """Zeros around, as many as TensorFlow's "same" needs: where the number is odd, the last sides get one more."""
    before, after = (size - stride) // 2, size - stride - (size - stride) // 2
    return np.pad(maps, ((before, after), (before, after), (0, 0)))


def _clip(maps: Array) -> Array:
    """ReLU6, in place."""
    return np.clip(maps, 0, 6, out=maps)
