"""A test engine whose answers are ordered by the units' texts, and whose jobs by marker files in its folder.

In a text: `[refuse] [truncate] [filter] [outside] [notjson] [empty] [400] [500] [500 once] [expired] [drop] [twice]
[stranger]`. In the engine's folder: `hang` (all jobs run until the file is removed), `hang-2` (that of shard 2 does),
`expire` (the job ends as expired after one chunk), `fail` (the job ends as failed, without files).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from codebook.dialects import Prompt, read_prompt, unfence, write_reply
from codebook.engines import ENGINES
from codebook.engines.jobs import LocalEngine
from codebook.engines.protocol import error_line, result_id, result_line
from codebook.files.lines import dump_canonical, dump_line, iter_lines, read_lines, write_atomic
from codebook.records import JobState, Unit
from codebook.run import Run, open_run, plan
from codebook.scheme import Codebook, parse_codebook

MODEL = "scripted-1"
UNITS = [Unit(f"u{n}", f"Sentence number {n} about coal.") for n in range(6)]

BOOK = """
name: debate
unit: one sentence of a debate
variables:
  - name: topic
    question: What is it about?
    kind: single
    level: nominal
    categories:
      - {name: coal, definition: Coal and other fuels.}
      - {name: sports, definition: Games and matches.}
      - {name: travel, definition: Trips.}
    abstain: [unclear]
  - name: frames
    question: Which frames does it use?
    kind: multi
    level: nominal
    categories: [moral, conflict, economy]
  - name: tone
    question: How favourable is it?
    kind: rating
    level: interval
    categories: ["-1", "0", "1"]
"""


def make_book(*names: str) -> Codebook:
    """The codebook of the tests, or only these of its variables."""
    book = parse_codebook(BOOK)
    kept = tuple(variable for variable in book.variables if variable.name in names or not names)
    return book.model_copy(update={"variables": kept})


def register(monkeypatch: pytest.MonkeyPatch | None = None) -> None:
    """Let `plan(engine="scripted")` find the engine."""
    if monkeypatch is None:  # a process of its own
        ENGINES["scripted"] = "fakes.scripted:Scripted"
    else:
        monkeypatch.setitem(ENGINES, "scripted", "fakes.scripted:Scripted")


def collect_one(monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run "one" of `UNITS`, asked and collected."""
    register(monkeypatch)
    planned = plan(make_book("topic"), UNITS, run="one", engine="scripted")
    planned.submit()
    planned.collect()
    return open_run("one")


def expected_label(prompt: Prompt, text: str) -> str:
    """The reply to a text without orders: which labels, its checksum says; `[]` is among the multi-label ones."""
    (answer, schema), number = next(iter(prompt.schema["properties"].items())), zlib.crc32(text.encode())
    if answer in ("number", "text"):
        return dump_canonical({answer: number % 101 / 10 if answer == "number" else text[:20]}).decode()
    if schema["type"] == "array":
        labels = schema["items"]["enum"]
        return dump_canonical({answer: [label for n, label in enumerate(labels) if number >> n & 1]}).decode()
    return dump_canonical({answer: schema["enum"][number % len(schema["enum"])]}).decode()


class Scripted(LocalEngine):
    """Answers as it is told. Every line it answers is noted in `asked.txt`, so that a test can count."""

    name = "scripted"

    def __init__(self, folder: Path, *, model: str = "", chunk: int = 3, progress: bool = False) -> None:
        super().__init__(folder, chunk=chunk, progress=progress)
        assert model in ("", MODEL), model

    @property
    def model(self) -> str:
        return MODEL

    def answer(self, lines: list[dict[str, Any]]) -> Sequence[dict[str, Any] | bytes]:
        with (self.folder / "asked.txt").open("a") as log:
            log.writelines(f"{line['custom_id']}\n" for line in lines)
        if (self.folder / "expire").exists():
            for intent in self.folder.glob("*.job.json"):
                intent.with_name(intent.name.replace(".job.json", ".cancel")).touch()
        return [self._answer_one(line) for line in lines]

    def _answer_one(self, line: dict[str, Any]) -> dict[str, Any] | bytes:
        prompt = read_prompt(line["body"], line["url"])
        text = unfence(prompt.user)
        orders = set(re.findall(r"\[[a-z0-9 ]+\]", text))
        if "what was wrong with it:" in prompt.user:  # shown its error, it mends it
            orders = set()
        if "[500 once]" in orders:
            once = self.folder / f"once-{zlib.crc32(dump_canonical(line))}"
            orders |= set() if once.exists() else {"[500]"}
            once.touch()
        for status in (400, 500):
            if f"[{status}]" in orders:
                return error_line(line, status, "as the text orders", self.name)
        if "[expired]" in orders:
            error = {"code": "batch_expired", "message": "This request could not be executed in time."}
            return {"id": "x", "custom_id": line["custom_id"], "response": None, "error": error}
        reply = expected_label(prompt, text)
        reply = {"[outside]": '{"label":"chess"}', "[notjson]": "I think coal.", "[empty]": ""}.get(
            next(iter(orders & {"[outside]", "[notjson]", "[empty]"}), ""), reply
        )
        body = write_reply(line["url"], MODEL, reply, request_id=result_id(line, self.name), usage=(10, 2))
        _spoil(body, orders)
        return result_line(line, 200, body, self.name)

    def poll(self, job_id: str) -> JobState:
        state = super().poll(job_id)
        if (self.folder / "fail").exists():
            return JobState("failed", state.n_total, note="token_limit_exceeded: too many tokens are enqueued")
        number = re.search(r"-(\d+)-[0-9a-f]{8}", job_id)
        hangs = any((self.folder / name).exists() for name in ("hang", f"hang-{number[1] if number else 0}"))
        if hangs and state.ended:
            return JobState("in_progress", state.n_total, 0)
        if (self.folder / "expire").exists() and state.state == "cancelled":
            return JobState("expired", state.n_total, state.n_done, state.n_failed)
        return state

    def fetch(self, job_id: str, into: Path) -> list[Path]:
        """The result file, less what was ordered to be lost, with what was ordered to be too much, out of order."""
        if (self.folder / "fail").exists():
            return []
        (path,) = super().fetch(job_id, into)
        lines = [line for _, line in iter_lines(path)]
        kept = [line for line in lines if b"order_drop" not in line]
        kept += [line for line in lines if b"order_twice" in line]
        kept += [dump_line({"custom_id": "nobody.asked", "response": None, "error": None}).strip()] * any(
            b"order_stranger" in line for line in lines
        )
        path.unlink()
        with write_atomic(path) as file:
            file.writelines(line + b"\n" for line in reversed(kept))
        return [path]


def _spoil(body: dict[str, Any], orders: set[str]) -> None:
    """Make a good reply the bad one that was ordered."""
    choice = body.get("choices", [{}])[0]
    if "[refuse]" in orders:
        choice["message"] |= {"content": None, "refusal": "I will not code this."}
    if "[truncate]" in orders:
        choice |= {"finish_reason": "length"}
    if "[filter]" in orders:
        choice |= {"finish_reason": "content_filter"}
    for order in ("drop", "twice", "stranger"):
        if f"[{order}]" in orders:
            body["system_fingerprint"] = f"order_{order}"


def asked_lines(folder: Path) -> list[str]:
    """The custom_ids of all lines that engines answered below a folder, in order."""
    return [line for log in sorted(folder.rglob("asked.txt")) for line in log.read_text().split()]


def result_ids(folder: Path) -> list[str]:
    """The custom_ids in all result files of a run's folder."""
    return [line["custom_id"] for path in sorted((folder / "results").glob("*.jsonl")) for line in read_lines(path)]
