from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import orjson
import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from codebook.errors import BusyError, ParameterError, RecordError
from codebook.vectors import VectorStore, key_of, store_name

HERE = Path(__file__).parents[1]


def vectors(n: int, d: int = 4, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d)).astype("<f4")


@pytest.fixture
def store(tmp_path: Path) -> VectorStore:
    return VectorStore(tmp_path / "model-4")


def test_what_is_added_is_there_for_this_reader_another_one_and_other_programs(store):
    texts, given_vectors = ["coal", "gas", "wind"], vectors(3)
    early = VectorStore(store.folder)
    assert len(early) == 0
    assert store.add(texts, given_vectors) == 3
    for reader in (store, early, VectorStore(store.folder)):
        assert reader.rows(["wind", "none", "coal"]).tolist() == [2, -1, 0]
        assert np.array_equal(reader.get(["wind", "coal"]), given_vectors[[2, 0]])
        assert isinstance(reader.array, np.memmap)
        assert not reader.array.flags.writeable
    assert np.array_equal(np.load(store.vectors_path), given_vectors)
    assert (store.dimensions, VectorStore(store.folder).dimensions) == (4, 4)


def test_a_text_keeps_its_vector_and_repeats_take_the_first(store):
    store.add(["coal"], vectors(1, seed=1))
    first = store.array.copy()
    assert store.add(["gas", "coal", "gas"], vectors(3, seed=2)) == 1
    assert np.array_equal(store.array[0], first[0])
    assert np.array_equal(store.array[1], vectors(3, seed=2)[0])
    assert store.missing(["coal", "gas", "sun", "sun", "Coal"]) == ["sun", "Coal"]


def test_keys_are_of_the_exact_string():
    alike = ["\u00e9", "e\u0301", "E", "e", " e", "e ", "", "\ud800", "e\u2028", "e\n"]
    assert len({key_of(text) for text in alike}) == len(alike)


@given(st.lists(st.lists(st.text(max_size=4), max_size=6), max_size=6))
def test_a_store_is_a_mapping_from_text_to_its_first_vector(tmp_path_factory, rounds):
    store, known, rng = VectorStore(tmp_path_factory.mktemp("store")), {}, np.random.default_rng(0)
    for texts in rounds:
        given_vectors = rng.standard_normal((len(texts), 3)).astype("<f4")
        assert store.missing(texts) == [text for text in dict.fromkeys(texts) if text not in known]
        n_before = len(known)
        for text, vector in zip(texts, given_vectors, strict=True):
            known.setdefault(text, vector)
        assert store.add(texts, given_vectors) == len(known) - n_before
    assert len(store) == len(known)
    if known:
        assert np.array_equal(store.get(list(known)), np.array(list(known.values())))


@pytest.mark.parametrize(
    ("wrong", "mend"),
    [
        (np.zeros((2, 5)), "a separate store"),
        (np.zeros((3, 4)), "give 2 rows"),
        (np.zeros(4), "give 2 rows"),
        (np.array([[0, 0, 0, np.nan], [0, 0, 0, 1]]), "embed these texts again"),
    ],
)
def test_vectors_that_do_not_belong_here_are_refused(store, wrong, mend):
    store.add(["coal"], vectors(1))
    with pytest.raises(ParameterError, match=mend):
        store.add(["a", "b"], wrong)
    assert len(store) == 1


def test_a_text_without_a_vector_is_named(store):
    store.add(["coal"], vectors(1))
    with pytest.raises(ParameterError, match=r"no vector for 'wind'.*embed them first"):
        store.get(["coal", "wind"])


@pytest.mark.parametrize("damage", ["cut", "gone", "text"])
def test_a_damaged_file_is_never_read_as_vectors_nor_written_over(store, damage):
    store.add(["coal", "gas"], vectors(2))
    if damage == "cut":
        store.vectors_path.write_bytes(store.vectors_path.read_bytes()[:-4])
    elif damage == "gone":
        store.vectors_path.unlink()
    else:
        store.vectors_path.write_text("no vectors")
    with pytest.raises(RecordError, match="restore the folder"):
        _ = store.array
    with pytest.raises(RecordError, match="restore the folder"):
        VectorStore(store.folder).add(["wind"], vectors(1))


def test_a_reader_notices_a_store_that_was_made_anew(store):
    store.add(["coal", "gas"], vectors(2))
    assert store.rows(["gas"]).tolist() == [1]
    for path in (store.vectors_path, store.keys_path):
        path.unlink()
    VectorStore(store.folder).add(["gas", "coal"], vectors(2))
    assert store.rows(["gas"]).tolist() == [0]


def test_one_writes_at_a_time(store, monkeypatch):
    store.add(["coal"], vectors(1))
    monkeypatch.setattr("codebook.vectors.store._WAIT_S", 0.05)
    with FileLock(store.folder / ".lock"):
        assert store.rows(["coal"]).tolist() == [0]
        with pytest.raises(BusyError, match="try again later"):
            store.add(["gas"], vectors(1))


def test_writers_at_once_lose_and_mix_nothing(store):
    texts = [f"t{number}" for number in range(60)]
    known = dict(zip(texts, vectors(60), strict=True))

    def write(begin: int) -> None:
        mine = VectorStore(store.folder)
        for number in range(begin, begin + 30, 5):
            some = texts[number : number + 5]
            mine.add(some, np.array([known[text] for text in some]))

    threads = [threading.Thread(target=write, args=(begin,)) for begin in (0, 10, 20, 30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store) == 60
    assert np.array_equal(store.get(texts), np.array([known[text] for text in texts]))


@pytest.mark.slow
def test_a_process_killed_at_any_write_leaves_no_wrong_vector_and_its_rows_are_written_over(tmp_path):
    command = [sys.executable, str(HERE / "support" / "vector_child.py"), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=1800)
    assert done.returncode == 0, done.stderr.decode()
    told = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert sum(each["died"] for each in told) >= 3 * 9  # three adds, three writes each, three ways
    for each in told:
        assert each["first"]["wrong"] == each["last"]["wrong"] == []
        assert each["last"]["rows"] == list(range(40))
        assert each["n_added"] == 40 - each["first"]["n"]
        assert each["shape"] == [40, 6]
    assert {each["first"]["n"] for each in told} > {0, 16, 32, 40}


def test_names_of_stores_are_folders_and_differ():
    names = [store_name(*of) for of in (("a/b", 3), ("a-b", 3), ("a\\b", 3), ("..", 0), ("m" * 200, 1), ("m" * 201, 1))]
    assert len(set(names)) == len(names)
    assert all("/" not in name and "\\" not in name and not name.startswith(".") and len(name) < 100 for name in names)


def test_what_the_vectors_are_is_told_beside_them(store):
    store.add(["coal"], vectors(1))
    store.describe({"model": "m"})
    told = orjson.loads((store.folder / "about.json").read_bytes())
    assert (told["model"], told["dimensions"], told["dtype"]) == ("m", 4, "<f4")
