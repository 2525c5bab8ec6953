"""Records: JSON lines that no text can break, files that are whole or not there, digests that tell apart."""

import hashlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codebook.errors import RecordError
from codebook.files.lines import (
    digest,
    digest_file,
    dump_canonical,
    dump_line,
    escape_ends,
    iter_lines,
    load_line,
    number_lines,
    read_lines,
    write_atomic,
    write_lines,
)
from codebook.ground.whys import WHYS
from codebook.records import CHAT, ENDED, JobState, Request, request_key

HOSTILE = (
    *("a\u2028b", "a\u2029b", "a\x85b", "\\\u2028", "\\\\\x85", "nul\x00nul", "lone\rcr", "crlf\r\nlf\n", "\r", "\n"),
    *("😀👩‍👩‍👧", "مرحبا", "\u202eevil\u202c", "\ufeffmark", "e\u0301", "\x1b[31m", "</script>", '"', "\\", "", " "),
)
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=40) | st.sampled_from(HOSTILE)
RAW_LINE_ENDS = ("\u2028".encode(), "\u2029".encode(), "\x85".encode())


@pytest.mark.parametrize("text", HOSTILE)
def test_a_line_holds_no_line_end_but_its_own(text):
    line = dump_line({text: [text]})
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert not [raw for raw in RAW_LINE_ENDS if raw in line]
    assert len(line.decode().splitlines()) == 1
    assert orjson.loads(line) == {text: [text]}


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXTS, max_size=8))
def test_texts_come_back_from_a_file_exactly(texts):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lines.jsonl"
        write_lines(path, ({"text": text} for text in texts))
        assert [line["text"] for line in read_lines(path)] == texts
        raw = path.read_bytes()
        places = list(iter_lines(path))
        assert len(places) == len(texts)
        for (offset, line), text in zip(places, texts, strict=True):
            assert raw[offset : offset + len(line)] == line
            assert orjson.loads(line) == {"text": text}


def test_a_foreign_file_is_split_on_lf_only(tmp_path):
    path = tmp_path / "foreign.jsonl"
    text = "a\u2028b\u2029c\x85d"
    raw = f'\n{{"text":"{text}"}}\r\n \n{{"text":"two"}}'.encode()
    path.write_bytes(raw)
    assert [line["text"] for line in read_lines(path)] == [text, "two"]
    assert [number for number, _, _ in number_lines(path)] == [2, 4]
    assert [raw[offset : offset + len(line)] for offset, line in iter_lines(path)] == [
        line for _, line in iter_lines(path)
    ]
    assert [offset for offset, _ in iter_lines(path)] == [1, raw.index(b'{"text":"two')]


@pytest.mark.parametrize(
    ("line", "match"),
    [
        (b'{"a": 1', "line 3: this is not a line of JSON .* damaged or cut short"),
        (b'{"a": NaN}', "line 3: this is not a line of JSON"),
        (b'{"a": "\xff"}', "line 3: this is not a line of JSON"),
        (b"[" * 5000, "line 3: this is not a line of JSON"),
        (b"[1]", "line 3: expected a JSON object, found list"),
        (b"null", "line 3: expected a JSON object, found NoneType"),
    ],
)
def test_a_damaged_line_is_named_by_file_and_line(tmp_path, line, match):
    path = tmp_path / "output.jsonl"
    path.write_bytes(b'{"a":1}\n\n' + line + b"\n")
    with pytest.raises(RecordError, match=f"output.jsonl, {match}"):
        list(read_lines(path))
    with pytest.raises(RecordError, match=match.replace("line 3", "here")):
        load_line(line, "here")


def test_a_request_is_a_line_of_the_batch_api():
    body = escape_ends(dump_canonical({"model": "m", "messages": [{"role": "user", "content": "a\u2028b"}]}))
    line = Request("id", "key", CHAT, body, "u", "v").line
    assert line == (
        b'{"custom_id":"id","method":"POST","url":"/v1/chat/completions",'
        b'"body":{"messages":[{"content":"a\\u2028b","role":"user"}],"model":"m"}}\n'
    )


@settings(deadline=None)
@given(st.dictionaries(TEXTS, TEXTS | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.none(), max_size=6))
def test_equal_values_have_equal_canonical_bytes(value):
    other_way = dict(reversed(value.items()))
    assert dump_canonical(value) == dump_canonical(other_way)
    assert orjson.loads(dump_canonical(value)) == value


def test_digest_is_the_sha256_of_parts_with_their_lengths():
    assert digest("ab", b"c") == hashlib.sha256(b"2:ab1:c").hexdigest()
    assert digest("é") == hashlib.sha256(b"2:\xc3\xa9").hexdigest()


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=4), st.lists(TEXTS, max_size=4))
def test_digest_is_unambiguous(one, two):
    assert (digest(*one) == digest(*two)) == (one == two)


@pytest.mark.parametrize("two", [("a", "1:b"), ("a1:b",), ("", "a1:b"), ("a", "", "b"), ("ab",)])
def test_digest_tells_apart_what_looks_alike(two):
    assert digest("a", "b") != digest(*two)


def test_request_key_depends_on_endpoint_body_and_draw():
    asked = [(CHAT, b"{}", 0), ("/v1/responses", b"{}", 0), (CHAT, b"{ }", 0), (CHAT, b"{}", 1)]
    assert len({request_key(*one) for one in asked}) == len(asked)
    assert request_key(CHAT, b"{}") == request_key(CHAT, b"{}", 0)


def test_digest_of_a_file(tmp_path):
    raw = os.urandom(300_000)
    (tmp_path / "a").write_bytes(raw)
    assert digest_file(tmp_path / "a") == hashlib.sha256(raw).hexdigest()


def test_a_write_that_fails_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "new folder" / "a.jsonl"
    write_lines(path, [{"n": 1}])

    def failing():
        yield {"n": 2}
        raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        write_lines(path, failing())
    assert path.read_bytes() == b'{"n":1}\n'
    assert list(path.parent.iterdir()) == [path]
    write_lines(path, [{"n": 3}])
    assert path.read_bytes() == b'{"n":3}\n'


def test_a_write_that_fails_leaves_no_file_where_none_was(tmp_path):
    def interrupted() -> None:
        with write_atomic(tmp_path / "a") as file:
            file.write(b"part")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not list(tmp_path.iterdir())


KILLED = """
import os, signal, sys
from pathlib import Path
from codebook.files.lines import write_atomic
with write_atomic(Path(sys.argv[1])) as file:
    file.write(b"half of the new" * 10_000)
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_write_leaves_the_old_file_whole(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"old\n")
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old\n"
    write_lines(path, [{"n": 1}])
    assert path.read_bytes() == b'{"n":1}\n'


def test_two_threads_may_write_the_same_file(tmp_path):
    path = tmp_path / "a.jsonl"
    lines = [{"n": number} for number in range(2_000)]
    threads = [threading.Thread(target=write_lines, args=(path, lines)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(read_lines(path)) == lines
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("state", ["completed", "failed", "expired", "cancelled"])
def test_four_states_are_the_end(state):
    assert JobState(state).ended


@pytest.mark.parametrize("state", ["validating", "in_progress", "finalizing", "cancelling", "COMPLETED?", "", "new"])
def test_every_other_word_means_still_running(state):
    assert not JobState(state).ended


def test_what_ends_without_an_answer_is_a_why():
    assert ENDED - {"completed"} <= set(WHYS)
