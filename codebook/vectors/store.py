"""The vectors that one service gave by one model, of one size: a `.npy` that other programs can open, and its keys."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import orjson
from filelock import FileLock, Timeout

from codebook.errors import BusyError, Fault, ParameterError, RecordError
from codebook.files.lines import digest, write_atomic, write_whole
from codebook.ground.quantities import say_count
from codebook.paths import make_private, show_path

Floats = npt.NDArray[np.float32]

_FORMAT = "<f4"
_ABOUT = "about.json"
_WAIT_S = 60.0
Ints = npt.NDArray[np.int64]
KEY_BYTES = 16
"""Bytes of the SHA-256 of a text that are its key: two of a billion texts share one with a chance of 1 in 10**21."""


def key_of(text: str) -> bytes:
    """Return the key of a text: the first bytes of the SHA-256 of exactly this string, in UTF-8.

    Examples
    --------
    >>> key_of("coal").hex()
    '6d114c95fbf5208dd6cf5133f5f89db6'
    """
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:KEY_BYTES]


class KeyIndex:
    """Keys of a file, ready to be looked up. A part of a key at the file's end, left by a crash, does not count.

    Parameters
    ----------
    path
        The file of keys; one that is not there has none.
    """

    def __init__(self, path: Path) -> None:
        raw = path.read_bytes() if path.exists() else b""
        self.n_rows = len(raw) // KEY_BYTES
        self._first, self._second = _as_numbers(raw[: self.n_rows * KEY_BYTES])
        self._order = np.lexsort((self._second, self._first))
        self._sorted = self._first[self._order]

    def rows(self, texts: Sequence[str]) -> Ints:
        """Return the row of each text, `(n_texts,)`; -1 where there is none."""
        rows_of_texts = np.full(len(texts), -1, dtype=np.int64)
        if not self.n_rows or not len(texts):
            return rows_of_texts
        first, second = _as_numbers(b"".join(map(key_of, texts)))
        places = np.searchsorted(self._sorted, first)
        rows = self._order[np.minimum(places, self.n_rows - 1)]
        here = (self._first[rows] == first) & (self._second[rows] == second)
        rows_of_texts[here] = rows[here]
        return rows_of_texts


def _as_numbers(keys: bytes) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """The two halves of keys that stand one behind the other."""
    halves = np.frombuffer(keys, dtype=">u8").astype(np.uint64).reshape(-1, 2)
    return np.ascontiguousarray(halves[:, 0]), np.ascontiguousarray(halves[:, 1])


def store_name(model: str, dimensions: int = 0, answerer: str = "") -> str:
    """Return the name of the folder that holds the vectors of a model, as one service gives them.

    Parameters
    ----------
    dimensions
        0 is the model's own number.
    answerer
        Who gives them. Where the model's name begins with it, the model is its own; the first versions named nobody.

    Examples
    --------
    >>> store_name("text-embedding-3-small", 512), store_name("embedded-use-minilm-2", 896, "embedded")
    ('text-embedding-3-small-512', 'embedded-use-minilm-2-896')
    >>> store_name("intfloat/e5")
    'intfloat-e5-own-b0d3b9bd'
    >>> store_name("intfloat/e5", 512, "vllm http://127.0.0.1:8000/v1")
    'intfloat-e5-512-vllm-127.0.0.1-8000-v1-69c5490c'
    """
    name = f"{model}-{dimensions or 'own'}"
    if answerer and not model.startswith(f"{answerer}-"):
        whose = re.sub(r"https?://", "", answerer)
        return f"{_as_folder(f'{name}-{whose}')}-{digest(name, answerer)[:8]}"
    return name if _as_folder(name) == name else f"{_as_folder(name)}-{digest(model)[:8]}"


def _as_folder(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)[:80].lstrip(".")


class VectorStore:
    """Vectors by text, append-only: `vectors.npy` (float32, `(n_rows, n_dimensions)`) and `keys.bin`, a key per row.

    A row counts when its key is on disk, and the key is written after the vector is: a process that is killed at any
    point leaves rows without keys, which are not seen and are written over. One process writes at a time, any number
    read. The header of the `.npy` says how many rows there are, for other programs; the keys decide.

    Parameters
    ----------
    folder
        Where the two files are; made at the first `add`.

    Examples
    --------
    >>> store = VectorStore(Path("m-2"))
    >>> store.add(["coal", "gas"], np.array([[1, 0], [0, 1]]))
    2
    >>> store.missing(["gas", "wind", "wind"]), store.rows(["gas", "wind"]).tolist(), store.array.tolist()
    (['wind'], [1, -1], [[1.0, 0.0], [0.0, 1.0]])
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.vectors_path, self.keys_path = folder / "vectors.npy", folder / "keys.bin"
        self._stamp = _stamp(self.keys_path)
        self._index = KeyIndex(self.keys_path)

    def __len__(self) -> int:
        return self._fresh().n_rows

    @property
    def dimensions(self) -> int:
        """Numbers a vector has; 0 while there is none."""
        return self._read_header()[1] if self.vectors_path.exists() else 0

    @property
    def array(self) -> Floats:
        """All vectors, `(n_rows, n_dimensions)`, mapped from the disk and read-only.

        Raises
        ------
        RecordError
            The file is gone, cut or not what this class writes.
        """
        n_rows = len(self)
        if not n_rows:
            return np.empty((0, self.dimensions), dtype=np.float32)
        begin, dimensions = self._check_length(n_rows)
        return np.memmap(self.vectors_path, dtype=_FORMAT, mode="r", offset=begin, shape=(n_rows, dimensions))

    def rows(self, texts: Sequence[str]) -> Ints:
        """Return the row of each text, `(n_texts,)`; -1 where it has no vector yet."""
        return self._fresh().rows(texts)

    def missing(self, texts: Iterable[str]) -> list[str]:
        """Return the texts that have no vector yet, each once, in their order."""
        distinct = list(dict.fromkeys(texts))
        return [text for text, row in zip(distinct, self.rows(distinct), strict=True) if row < 0]

    def get(self, texts: Sequence[str]) -> Floats:
        """Return the vectors of texts, `(n_texts, n_dimensions)`.

        Raises
        ------
        ParameterError
            A text has no vector here.
        """
        rows = self.rows(texts)
        if (rows < 0).any():
            lacking = [texts[place] for place in np.flatnonzero(rows < 0)[:5]]
            where = f"{int((rows < 0).sum()):,} of {len(texts):,} texts"
            fault = Fault(
                where, f"there is no vector for {', '.join(map(repr, lacking))}", "embed them first (embed_texts)"
            )
            raise ParameterError(f"{show_path(self.folder)} has no vectors for some texts.", [fault])
        return np.asarray(self.array[rows])

    def add(self, texts: Sequence[str], vectors: npt.ArrayLike) -> int:
        """Keep the vectors of texts, `(n_texts, n_dimensions)`; return how many were new.

        A text that has a vector keeps it. What is added is on disk when this returns.

        Raises
        ------
        ParameterError
            The shape is another one than that of the texts or the store, or a number is not finite.
        BusyError
            Another process writes for longer than a minute.
        """
        fresh_vectors = np.asarray(vectors, dtype=_FORMAT)
        _check(fresh_vectors, len(texts), self.dimensions)
        make_private(self.folder)
        try:
            with FileLock(self.folder / ".lock", timeout=_WAIT_S):
                return self._append(texts, fresh_vectors)
        except Timeout:
            raise BusyError(f"Another process writes to {show_path(self.folder)}. To mend: try again later.") from None

    def erase(self, texts: Iterable[str]) -> int:
        """Overwrite the vectors of texts, and their keys, with zeros; return how many there were.

        Their rows stay, so that no other row moves; nothing finds them any more.
        """
        with FileLock(self.folder / ".lock", timeout=_WAIT_S):
            distinct = list(dict.fromkeys(texts))
            rows = sorted({int(row) for row in self.rows(distinct) if row >= 0})
            if rows:
                begin, dimensions = self._check_length(len(self))
                _overwrite(self.vectors_path, [begin + row * dimensions * 4 for row in rows], dimensions * 4)
                _overwrite(self.keys_path, [row * KEY_BYTES for row in rows], KEY_BYTES)
        return len(rows)

    def describe(self, about: dict[str, Any]) -> None:
        """Note beside the vectors what they are, for people and other programs: `about.json`.

        Where nothing can be written, what is noted stays.
        """
        noted = about | {"dimensions": self.dimensions, "key": _KEY, "dtype": _FORMAT}
        raw = orjson.dumps(noted, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
        path = self.folder / _ABOUT
        if os.access(self.folder, os.W_OK) and not (path.exists() and path.read_bytes() == raw):
            write_whole(path, raw)

    @property
    def about(self) -> dict[str, Any]:
        """What `describe` noted; empty where nothing can be read."""
        try:
            noted = orjson.loads((self.folder / _ABOUT).read_bytes())
        except (OSError, orjson.JSONDecodeError):
            return {}
        return noted if isinstance(noted, dict) else {}

    def _append(self, texts: Sequence[str], fresh_vectors: Floats) -> int:
        """Write the vectors that are new behind the last row that counts, then their keys, then the header."""
        fresh = {text: place for place, text in reversed(list(enumerate(texts)))}
        new = self.missing(texts)
        if not new:
            self._mend_header()
            return 0
        n_rows, rows = len(self), np.ascontiguousarray(fresh_vectors[[fresh[text] for text in new]])
        if not self.vectors_path.exists():
            if n_rows:
                raise self._damaged(f"it is missing, although there are {say_count(n_rows, 'key')} for it")
            with write_atomic(self.vectors_path) as file:
                _write_header(file, (0, fresh_vectors.shape[1]))
        begin, dimensions = self._check_length(n_rows)
        _check(rows, len(new), dimensions)  # another process may have made the file meanwhile
        with self.vectors_path.open("r+b") as file:
            _write_at(file, begin + n_rows * dimensions * 4, rows.tobytes())
        with self.keys_path.open("r+b" if self.keys_path.exists() else "w+b") as file:
            _write_at(file, n_rows * KEY_BYTES, b"".join(map(key_of, new)))
        self._mend_header()
        return len(new)

    def _mend_header(self) -> None:
        """Let the header of the `.npy` tell the rows that count; after a crash it may tell fewer."""
        n_rows = len(self)
        if n_rows and self._read_header()[2] != n_rows:
            with self.vectors_path.open("r+b") as file:
                _write_header(file, (n_rows, self.dimensions))

    def _fresh(self) -> KeyIndex:
        """The index, read anew where the file has changed."""
        if _stamp(self.keys_path) != self._stamp:
            self._stamp = _stamp(self.keys_path)
            self._index = KeyIndex(self.keys_path)
        return self._index

    def _check_length(self, n_rows: int) -> tuple[int, int]:
        """(where the rows begin, dimensions) of a file that is long enough for its keys."""
        begin, dimensions, _ = self._read_header()
        if self.vectors_path.stat().st_size < begin + n_rows * dimensions * 4:
            raise self._damaged(f"it is too short for its {say_count(n_rows, 'key')}")
        return begin, dimensions

    def _read_header(self) -> tuple[int, int, int]:
        """(where the rows begin, dimensions, rows it tells of) by the header of the `.npy`."""
        try:
            with self.vectors_path.open("rb") as file:
                if np.lib.format.read_magic(file) != (1, 0):
                    raise ValueError("another version of the format")
                shape, by_column, dtype = np.lib.format.read_array_header_1_0(file)
                begin = file.tell()
        except FileNotFoundError:
            raise self._damaged("it is missing") from None
        except ValueError as error:
            raise self._damaged(str(error)) from None
        if by_column or dtype != np.dtype(_FORMAT) or len(shape) != 2:
            raise self._damaged(f"it holds {dtype} of shape {shape}")
        return begin, int(shape[1]), int(shape[0])

    def _damaged(self, what: str) -> RecordError:
        return RecordError(
            f"{show_path(self.vectors_path)} is damaged: {what}. "
            "To mend: restore the folder from a backup, or delete it and store the vectors of the runs again."
        )


_KEY = f"the first {KEY_BYTES} bytes of the SHA-256 of the text in UTF-8; keys.bin holds that of row 0, 1, 2, ..."


def _check(fresh_vectors: Floats, n_texts: int, dimensions: int) -> None:
    """Refuse vectors that do not belong to these texts or into this store."""
    faults = []
    if fresh_vectors.ndim != 2 or len(fresh_vectors) != n_texts:
        faults.append(
            Fault("vectors", f"their shape is {fresh_vectors.shape}", f"give {say_count(n_texts, 'row')}, one a text")
        )
    elif dimensions and fresh_vectors.shape[1] != dimensions:
        problem = f"they have {fresh_vectors.shape[1]} dimensions, but the vectors in the store have {dimensions}"
        faults.append(Fault("vectors", problem, "use a separate store for each number of dimensions"))
    elif not fresh_vectors.shape[1]:
        faults.append(Fault("vectors", "they have no dimension", "give at least one number per text"))
    if not faults and not np.isfinite(fresh_vectors).all():
        faults.append(Fault("vectors", "some numbers are not finite", "embed these texts again"))
    ParameterError.raise_any("The vectors cannot be stored.", faults)


def _stamp(path: Path) -> tuple[int, ...]:
    """What tells that a file is another one, or longer, than it was."""
    if not path.exists():
        return ()
    about = path.stat()
    return about.st_ino, about.st_size, about.st_mtime_ns


def _write_at(file: IO[bytes], place: int, raw: bytes) -> None:
    """Write bytes at a place, drop what a crash left behind them, and wait until they are on disk."""
    file.seek(place)
    file.write(raw)
    file.truncate()
    file.flush()
    os.fsync(file.fileno())


def _overwrite(path: Path, places: Iterable[int], n_bytes: int) -> None:
    """Put zeros at some places of a file, and wait until they are on disk."""
    with path.open("r+b") as file:
        for place in places:
            file.seek(place)
            file.write(bytes(n_bytes))
        file.flush()
        os.fsync(file.fileno())


def _write_header(file: IO[bytes], shape: tuple[int, int]) -> None:
    """Write the header at the file's beginning. Its length does not depend on the number of rows."""
    file.seek(0)
    header = {"descr": _FORMAT, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, header)
    file.flush()
    os.fsync(file.fileno())
