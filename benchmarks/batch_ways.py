"""Ways to write request lines and to read result lines that `batch.py` measures, and the texts they work on.

Each way of writing gets units and an empty folder; each way of reading gets a project with a run whose answers are in.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import orjson
from instant import InstantEngine

from codebook.dialects import write_body
from codebook.ledger import Ledger
from codebook.records import CHAT, Asking, Request, Unit
from codebook.requests import RequestMaker
from codebook.run import open_run
from codebook.run.folder import RunFolder
from codebook.run.questions.planner import Planner
from codebook.scheme import Codebook, parse_codebook
from codebook.shards import Cuts, ShardWriter
from codebook.tasks import make_questions

MODEL = "gpt-4o-mini"
LABELS = [f"policy area {number:02d}: matters of {name}" for number, name in enumerate("abcdefghijklmnopqrstuvwx")]
WORDS = ["coal", "price", "minister", "said", "that", "the", "of", "region", "people", "will", "not", "café", "“never”"]
USAGE = {"prompt_tokens": 1500, "completion_tokens": 9, "total_tokens": 1509}
DETAILS = {"prompt_tokens_details": {"cached_tokens": 1024, "audio_tokens": 0}}
DETAILS |= {"completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0, "accepted_prediction_tokens": 0}}
FILLER = "This reply stands for one of the usual length, with the fields that the service sends along. " * 3


def make_book() -> Codebook:
    """A codebook whose question has about 4 kB, and its schema 1 kB."""
    definition = (
        "Everything that a member of the house says about this area, its money, its law and its people today, "
        "here or abroad."
    )
    categories = [{"name": label, "definition": definition} for label in LABELS]
    variable = {"name": "topic", "question": "Which?", "kind": "single", "level": "nominal", "categories": categories}
    return parse_codebook(json.dumps({"name": "bench", "unit": "a speech", "variables": [variable]}))


def make_units(n_units: int) -> Iterator[Unit]:
    """Texts of 100 to 300 words, 1.3 kB in the mean; one in ten is not ASCII."""
    chance = random.Random(1)
    for number in range(n_units):
        words = chance.choices(WORDS if number % 10 == 0 else WORDS[:11], k=chance.randint(140, 340))
        yield Unit(f"unit-{number:06d}", f"{number}. " + " ".join(words))


class Instant(InstantEngine):
    """Answers with lines as the service writes them: 1 kB each, every label in turn."""

    asks = MODEL

    def answer(self, lines: list[dict[str, Any]]) -> Sequence[bytes]:
        return [make_result(line["custom_id"], LABELS[n % len(LABELS)]) for n, line in enumerate(lines)]


def make_result(custom_id: str, label: str) -> bytes:
    message = {"role": "assistant", "content": json.dumps({"label": label}), "refusal": None, "annotations": []}
    body = {
        "id": f"chatcmpl-{custom_id}",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": f"{MODEL}-2024-07-18",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": USAGE | DETAILS,
        "service_tier": "default",
        "system_fingerprint": "fp_0123456789",
        "metadata": {"note": FILLER},
    }
    response = {"status_code": 200, "request_id": f"req_{custom_id}", "body": body}
    line = {"id": f"batch_req_{custom_id}", "custom_id": custom_id, "response": response, "error": None}
    return json.dumps(line).encode() + b"\n"


# --- build: units in memory, request lines on disk


def build_ours(units: Sequence[Unit], folder: Path) -> None:
    """Keys, shards cut by bytes and count, with digests and fsync."""
    maker = RequestMaker(make_questions(make_book()), model=MODEL)
    _write_shards((request for unit in units for request in maker.ask(unit)), folder)


def build_unkeyed(units: Sequence[Unit], folder: Path) -> None:
    """The work of the peers in the same shards: the unit's id is the name, and no key tells a question from others."""
    question = make_questions(make_book())["topic"]
    mark = "\0"
    head, tail = orjson.dumps(question.write_body(mark, CHAT, MODEL, {})).split(orjson.dumps(mark))
    bodies = ((unit.unit_id, b"".join((head, orjson.dumps(question.write_user(unit)), tail))) for unit in units)
    _write_shards((Request(unit_id, "", CHAT, body, unit_id, "topic") for unit_id, body in bodies), folder)


def _write_shards(requests: Iterable[Request], folder: Path) -> None:
    number = 1
    writer = ShardWriter(folder, number, model=MODEL, url=CHAT, cuts=Cuts())
    for request in requests:
        if not writer.add(request):
            writer.close()
            number += 1
            writer = ShardWriter(folder, number, model=MODEL, url=CHAT, cuts=Cuts())
            writer.add(request)
    writer.close()


def build_ledger(units: Sequence[Unit], folder: Path) -> None:
    """The same out of the run's `units.jsonl`, with every question in the ledger."""
    place, asking = RunFolder("bench", folder), Asking(url=CHAT, model=MODEL)
    with Ledger(place.ledger_path) as ledger:
        ledger.start_run(place.name, "bench", "bench")
        Planner(place, ledger, make_book(), asking, Cuts()).run()


def constants() -> tuple[str, dict[str, Any]]:
    """System message and response format, made once: what a plain script keeps in two variables."""

    body = write_body(make_questions(make_book())["topic"].write_prompt(Unit("", "")), CHAT, MODEL)
    return body["messages"][0]["content"], body["response_format"]


def build_plain(units: Sequence[Unit], folder: Path) -> None:
    """A dict and json.dumps a unit: no keys, no cuts, no digests."""
    system, form = constants()
    with (folder / "plain.jsonl").open("w", encoding="utf-8") as file:
        for unit in units:
            messages = [{"role": "system", "content": system}, {"role": "user", "content": _mark(unit.text)}]
            body = {"model": MODEL, "messages": messages, "response_format": form}
            line = {"custom_id": unit.unit_id, "method": "POST", "url": CHAT, "body": body}
            file.write(json.dumps(line) + "\n")


def _mark(text: str) -> str:
    return f"<unit>\n{text}\n</unit>"


def build_openai_batch(units: Sequence[Unit], folder: Path) -> None:
    """openai-batch raises where its file is full; the next file is begun there."""
    from openai_batch import Batch

    system, form = constants()
    number, batch = 1, Batch(folder / "1.jsonl")
    for unit in units:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": _mark(unit.text)}]
        try:
            batch.add_to_batch(model=MODEL, messages=messages, response_format=form)
        except ValueError:
            batch.__exit__(None, None, None)
            number += 1
            batch = Batch(folder / f"{number}.jsonl")
            batch.add_to_batch(model=MODEL, messages=messages, response_format=form)
    batch.__exit__(None, None, None)


def build_openbatch(units: Sequence[Unit], folder: Path) -> None:
    """openbatch opens its file for every line and does not cut it."""
    from openbatch import BatchCollector

    system, form = constants()
    collector = BatchCollector(folder / "openbatch.jsonl")
    for unit in units:
        messages = [{"role": "system", "content": system}, {"role": "user", "content": _mark(unit.text)}]
        collector.chat.completions.create(unit.unit_id, MODEL, messages=messages, response_format=form)


# --- read: result lines on disk, a tidy table with checked labels in memory


def read_ours(folder: Path) -> None:
    """The table out of a ledger that knows the lines."""
    assert open_run("bench").table()["label"].notna().all()


def read_harvest(folder: Path) -> None:
    """Fetch, check every line, judge it, and note it in the ledger."""
    open_run("bench")._collect_jobs()


def read_plain(folder: Path) -> None:
    """json.loads a line and a list of dicts, without any provision for a line that is no good answer."""
    import pandas as pd

    labels, rows = set(LABELS), []
    for path in sorted((folder / "runs" / "bench" / "work").glob("instant*[0-9a-f].jsonl")):
        with path.open(encoding="utf-8") as file:
            for text in file:
                line = json.loads(text)
                rows.append(_plain_row(line, line["response"]["body"], labels))
    frame = pd.DataFrame(rows)
    assert frame["label"].notna().all()


def _plain_row(line: dict[str, Any], body: dict[str, Any], labels: set[str]) -> dict[str, Any]:
    raw = body["choices"][0]["message"]["content"]
    label = json.loads(raw)["label"]
    good = label in labels
    return {
        **{"unit_id": line["custom_id"], "coder": body["model"], "variable": "topic"},
        **{"label": label if good else None, "draw": 0, "why": None if good else "invalid", "run_id": "bench"},
        **{"custom_id": line["custom_id"], "model": body["model"], "raw": raw},
        **{"request_id": line["response"]["request_id"], "tokens_in": body["usage"]["prompt_tokens"]},
        **{"tokens_out": body["usage"]["completion_tokens"], "fingerprint": body["system_fingerprint"]},
    }


def read_sdk(folder: Path) -> None:
    """The same with the SDK's own models of a reply."""
    import pandas as pd
    from openai.types.chat import ChatCompletion

    labels, rows = set(LABELS), []
    for path in sorted((folder / "runs" / "bench" / "work").glob("instant*[0-9a-f].jsonl")):
        with path.open(encoding="utf-8") as file:
            for text in file:
                line = json.loads(text)
                reply = ChatCompletion.model_validate(line["response"]["body"])
                rows.append(_plain_row(line, reply.model_dump(), labels))
    assert pd.DataFrame(rows)["label"].notna().all()


BUILD: dict[str, Callable[[Sequence[Unit], Path], Any]] = {
    "ours": build_ours,
    "ours, without keys": build_unkeyed,
    "ours, with ledger": build_ledger,
    "plain json loop": build_plain,
    "openai-batch": build_openai_batch,
    "openbatch": build_openbatch,
}
READ: dict[str, Callable[[Path], None]] = {
    "ours, table": read_ours,
    "ours, harvest": read_harvest,
    "plain json loop": read_plain,
    "SDK's models": read_sdk,
}
