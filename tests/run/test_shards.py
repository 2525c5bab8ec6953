"""Shards: cut exactly at their limits, written once and whole, and checked before a service sees them."""

import hashlib
import random
import resource
from unittest.mock import Mock

import orjson
import pytest

from codebook.errors import ParameterError, RecordError
from codebook.files.lines import HashedFile, digest_file, dump_canonical, read_lines
from codebook.records import CHAT, RESPONSES, Request
from codebook.shards import BYTES_PER_TOKEN, Cuts, ShardWriter, check_shard


def make_request(number: int = 0, text: str = "text", url: str = CHAT) -> Request:
    body = dump_canonical({"model": "m", "messages": [{"role": "user", "content": text}]})
    return Request(f"id{number:04d}", f"{number:064x}", url, body, f"u{number}", "v")


SIZE = len(make_request().line)


def fill(folder, cuts: Cuts, requests, number: int = 1) -> list:
    """Write the requests into as many shards as it takes."""
    shards, writer = [], ShardWriter(folder, number, model="m", url=CHAT, cuts=cuts)
    for request in requests:
        if not writer.add(request):
            shards.append(writer.close())
            writer = ShardWriter(folder, number + len(shards), model="m", url=CHAT, cuts=cuts)
            assert writer.add(request)
    return [*shards, writer.close()]


@pytest.mark.parametrize(
    ("cuts", "sizes"),
    [
        (Cuts(n_requests=3), [3, 3, 1]),
        (Cuts(n_requests=7), [7]),
        (Cuts(n_requests=1), [1] * 7),
        (Cuts(n_bytes=3 * SIZE), [3, 3, 1]),
        (Cuts(n_bytes=3 * SIZE - 1), [2, 2, 2, 1]),
        (Cuts(n_bytes=SIZE), [1] * 7),
        (Cuts(n_tokens=3 * SIZE // BYTES_PER_TOKEN), [3, 3, 1]),
        (Cuts(n_tokens=3 * SIZE // BYTES_PER_TOKEN - 1), [2, 2, 2, 1]),
        (Cuts(n_requests=3, n_bytes=2 * SIZE), [2, 2, 2, 1]),
        (Cuts(), [7]),
    ],
)
def test_a_shard_is_cut_exactly_at_its_limits(tmp_path, cuts, sizes):
    requests = [make_request(number) for number in range(7)]
    shards = fill(tmp_path, cuts, requests)
    assert [shard.n_requests for shard in shards] == sizes
    lines = [line for shard in shards for line in read_lines(shard.path)]
    assert [line["custom_id"] for line in lines] == [request.custom_id for request in requests]
    for shard in shards:
        raw = shard.path.read_bytes()
        assert (shard.n_bytes, shard.sha256) == (len(raw), hashlib.sha256(raw).hexdigest())
        assert shard.n_tokens == len(raw) // BYTES_PER_TOKEN
        assert (shard.url, shard.model) == (CHAT, "m")
        assert check_shard(shard.path, cuts) == []
    assert sorted(tmp_path.iterdir()) == [shard.path for shard in shards]


def test_lines_written_in_several_parts_are_one_file(tmp_path):
    requests = [make_request(number, "x" * 50_000) for number in range(23)]
    (shard,) = fill(tmp_path, Cuts(), requests)
    raw = shard.path.read_bytes()
    assert raw == b"".join(request.line for request in requests)
    assert (shard.sha256, shard.n_bytes) == (hashlib.sha256(raw).hexdigest(), len(raw))


def test_a_file_of_many_steps_has_the_digest_of_its_lines(tmp_path):
    chance, whole = random.Random(1), hashlib.sha256()
    file = HashedFile(tmp_path / "lines")
    for _ in range(2_000):
        line = chance.randbytes(chance.choice([1, 3_000, 20_000]))
        file.write(line)
        whole.update(line)
    assert file.n_bytes > 10_000_000
    assert file.close() == whole.hexdigest() == digest_file(tmp_path / "lines")


def test_a_file_cut_short_while_it_is_written_is_noticed(tmp_path, monkeypatch):
    file = HashedFile(tmp_path / "lines")
    write = file._file.write
    monkeypatch.setattr(file, "_file", Mock(wraps=file._file, write=lambda block: write(block[:-1])))
    file.write(b"one line")
    with pytest.raises(OSError, match="is shorter than what was written"):
        file.close()


def write_all(writer, n_requests):
    for number in range(n_requests):
        writer.add(make_request(number, "x" * 50_000))
    writer.close()


@pytest.mark.parametrize("n_requests", [30, 300])
def test_a_full_disk_leaves_no_shard(tmp_path, n_requests):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    writer = ShardWriter(tmp_path, 1, model="m", url=CHAT, cuts=Cuts())
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):  # a limit of the process, refused as by a full disk
            write_all(writer, n_requests)
        writer.discard()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


def test_the_name_holds_number_and_digest(tmp_path):
    (shard,) = fill(tmp_path, Cuts(), [make_request()], number=12)
    assert shard.path.name == f"0012-{shard.sha256[:12]}.jsonl"


def test_writing_again_gives_the_same_file(tmp_path):
    requests = [make_request(number, "a\u2028b") for number in range(3)]
    (one,), (two,) = fill(tmp_path, Cuts(), requests), fill(tmp_path, Cuts(), requests)
    assert one == two
    assert list(tmp_path.iterdir()) == [one.path]


def test_the_writer_knows_which_line_asks_what(tmp_path):
    writer = ShardWriter(tmp_path, 1, model="m", url=CHAT, cuts=Cuts(n_requests=2))
    assert [writer.add(make_request(number)) for number in range(3)] == [True, True, False]
    assert writer.requests == {"id0000": "0" * 64, "id0001": "0" * 63 + "1"}
    writer.discard()


@pytest.mark.parametrize("cuts", [Cuts(n_bytes=SIZE - 1), Cuts(n_tokens=SIZE // BYTES_PER_TOKEN - 1)])
def test_a_request_larger_than_a_shard_names_its_unit(tmp_path, cuts):
    writer = ShardWriter(tmp_path, 1, model="m", url=CHAT, cuts=cuts)
    with pytest.raises(RecordError, match=rf"unit 'u0' has {SIZE} bytes.* To mend: shorten the unit"):
        writer.add(make_request())
    writer.discard()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("request_", [make_request(0), make_request(1, url=RESPONSES)])
def test_a_repeated_id_or_another_endpoint_is_refused(tmp_path, request_):
    writer = ShardWriter(tmp_path, 1, model="m", url=CHAT, cuts=Cuts())
    writer.add(make_request(0))
    with pytest.raises(RecordError, match="To mend: give every unit an id of its own"):
        writer.add(request_)
    writer.discard()


def test_discarding_leaves_nothing_and_may_be_repeated(tmp_path):
    writer = ShardWriter(tmp_path, 1, model="m", url=CHAT, cuts=Cuts())
    writer.add(make_request())
    assert not list(tmp_path.glob("*.jsonl"))
    writer.discard()
    writer.discard()
    assert not list(tmp_path.iterdir())


def test_discarding_after_closing_keeps_the_shard(tmp_path):
    writer = ShardWriter(tmp_path, 1, model="m", url=CHAT, cuts=Cuts())
    writer.add(make_request())
    shard = writer.close()
    writer.discard()
    assert shard.path.is_file()


@pytest.mark.parametrize("limits", [{"n_requests": 0}, {"n_bytes": 0}, {"n_tokens": 0}, {"n_tokens": -1}])
def test_limits_that_allow_nothing_are_refused(limits):
    with pytest.raises(ParameterError, match="To mend: give numbers of at least 1"):
        Cuts(**limits)


# --- checking


def line(number: int = 0, **changed) -> dict:
    return orjson.loads(make_request(number).line) | changed


def faults_of(tmp_path, *lines, cuts: Cuts | None = None) -> list[tuple[str, str]]:
    path = tmp_path / "shard.jsonl"
    path.write_bytes(b"".join(one if isinstance(one, bytes) else orjson.dumps(one) + b"\n" for one in lines))
    faults = check_shard(path, cuts)
    assert all(fault.mend for fault in faults)
    return [(fault.where, fault.problem) for fault in faults]


def without(name: str) -> dict:
    return {key: value for key, value in line(1).items() if key != name}


@pytest.mark.parametrize(
    ("second", "fault"),
    [
        (b"{broken\n", "is not a JSON object"),
        (b"[1]\n", "is not a JSON object"),
        (line(0), "repeats the custom_id id0000 of line 1"),
        (without("custom_id"), "lacks custom_id"),
        (without("method"), "lacks method"),
        (without("url"), "lacks url"),
        (without("body"), "lacks body"),
        ({}, "lacks body, custom_id, method, url"),
        (line(1, body={"model": "m", "stream": False}), "asks for streaming"),
        (line(1, body={"messages": []}), "has a body without a model"),
        (line(1, body="text"), "has a body without a model"),
        (line(1, body=None), "has a body without a model"),
        (line(1, method="GET"), "has the method 'GET'"),
        (line(1, custom_id=7), "has the custom_id 7"),
        (line(1, custom_id=""), "has the custom_id ''"),
        (line(1, custom_id="x" * 65), f"has the custom_id {'x' * 65!r}"),
    ],
)
def test_a_fault_is_said_once_with_its_line(tmp_path, second, fault):
    assert faults_of(tmp_path, line(0), b"\n", second) == [("shard.jsonl, line 3", fault)]


@pytest.mark.parametrize(
    ("second", "fault"),
    [
        (line(1, body={"model": "m2"}), "mixes the models m, m2"),
        (line(1, url=RESPONSES), "mixes the endpoints /v1/chat/completions, /v1/responses"),
    ],
)
def test_a_shard_has_one_model_and_one_endpoint(tmp_path, second, fault):
    assert faults_of(tmp_path, line(0), second) == [("shard.jsonl", fault)]


def test_an_empty_shard(tmp_path):
    assert faults_of(tmp_path) == [("shard.jsonl", "holds no request")]
    assert faults_of(tmp_path, b"\n \n") == [("shard.jsonl", "holds no request")]


@pytest.mark.parametrize(
    ("cuts", "fits"),
    [
        (Cuts(n_requests=2), True),
        (Cuts(n_requests=1), False),
        (Cuts(n_bytes=2 * SIZE), True),
        (Cuts(n_bytes=2 * SIZE - 1), False),
    ],
)
def test_a_shard_that_is_too_large(tmp_path, cuts, fits):
    faults = faults_of(tmp_path, make_request(0).line, make_request(1).line, cuts=cuts)
    assert faults == ([] if fits else [("shard.jsonl", f"too large: 2 requests, {2 * SIZE} bytes")])


def test_all_faults_are_said_at_once(tmp_path):
    faults = faults_of(
        tmp_path,
        line(0),
        b"{broken\n",
        line(0, body={"model": "m2", "stream": True}),
        without("url"),
        line(2, url=RESPONSES),
        cuts=Cuts(n_requests=4),
    )
    assert faults == [
        ("shard.jsonl, line 2", "is not a JSON object"),
        ("shard.jsonl, line 3", "asks for streaming"),
        ("shard.jsonl, line 3", "repeats the custom_id id0000 of line 1"),
        ("shard.jsonl, line 4", "lacks url"),
        ("shard.jsonl", "mixes the endpoints /v1/chat/completions, /v1/responses"),
        ("shard.jsonl", "mixes the models m, m2"),
        ("shard.jsonl", f"too large: 5 requests, {(tmp_path / 'shard.jsonl').stat().st_size} bytes"),
    ]
