"""Read the arrays of a PyTorch file of the old form (before 1.6) without PyTorch, and without running what it says.

Such a file is a row of pickles, then the raw numbers. A pickle can name any function and call it; this reader knows
three names, all of which only describe arrays, and refuses every other one.
"""

from __future__ import annotations

import math
import pickle
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from codebook.errors import EngineError

MAGIC = 0x1950A86A20F9469CFC6C
"""The number that a file of this form begins with."""
PROTOCOL = 1001

_NUMBERS = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}

Array = npt.NDArray[Any]


class _Storage:
    """A block of numbers that tensors are views of; `key` names it in the file."""

    def __init__(self, key: str, dtype: np.dtype[Any], size: int) -> None:
        self.key, self.dtype, self.size = key, dtype, size
        self.values: Array | None = None


class _Tensor:
    """A view of a storage: where it begins, its shape, and its steps, counted in numbers."""

    def __init__(self, storage: _Storage, offset: int, shape: tuple[int, ...], steps: tuple[int, ...]) -> None:
        self.storage, self.offset, self.shape, self.steps = storage, offset, shape, steps

    def read(self) -> Array:
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


def read_arrays(path: Path) -> Mapping[str, Array]:
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


def _read(file: IO[bytes]) -> dict[str, Array]:
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
