"""Lines answered by vLLM through Ray's own processor of language models (`ray.data.llm`), with one row per question.

In come pieces, out go chunk files all the same; the rows of one come as they are answered, from different pieces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from codebook.dialects import write_reply
from codebook.engines.cluster.answering import VLLM, Row
from codebook.engines.cluster.chunk_files import ClusterJob, Piece
from codebook.engines.cluster.ray_tasks import say_given_up
from codebook.engines.protocol import error_line, result_id, result_line
from codebook.errors import EngineError
from codebook.files.lines import dump_line, load_line, write_atomic
from codebook.records import CHAT

_SAMPLING = ("temperature", "top_p", "seed", "stop", "presence_penalty", "frequency_penalty")
_CAPS = ("max_tokens", "max_completion_tokens")
_ASKED = ("model", "messages", "response_format")
_STAGES = {
    "chat_template_stage": {"enabled": True, "num_cpus": 0.1},
    "tokenize_stage": {"enabled": False},
    "detokenize_stage": {"enabled": False},
}
"""Of Ray's processor: vLLM finds tokens itself."""
_LITTLE = {"num_cpus": 0.1}
"""Of a processor, for what only passes rows on: at a whole one each there is none left for the next."""


def find_lack(line: Mapping[str, Any]) -> str:
    """Why a request line cannot be answered here; empty where it may be.

    Examples
    --------
    >>> find_lack({"url": CHAT, "body": {"messages": [{"role": "user", "content": "x"}], "logprobs": True}})
    'vLLM on a cluster is not asked for logprobs'
    """
    body = line.get("body") or {}
    if line.get("url") != CHAT:
        return f"vLLM on a cluster answers {CHAT} only, not {line.get('url')}"
    if not all(isinstance(message.get("content"), str) for message in body.get("messages", [])):
        return "vLLM on a cluster reads texts only; ask a server of vLLM with the engine cluster_live"
    others = sorted(set(body) - {*_SAMPLING, *_CAPS, *_ASKED})
    return f"vLLM on a cluster is not asked for {', '.join(others)}" if others else ""


def make_sampling(body: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of vLLM for a body: those of the same name, the cap on tokens, and the schema of the answer.

    Examples
    --------
    >>> schema = {"type": "json_schema", "json_schema": {"name": "topic", "schema": {"type": "object"}}}
    >>> make_sampling({"temperature": 0, "max_completion_tokens": 9, "response_format": schema})
    {'temperature': 0, 'max_tokens': 9, 'structured_outputs': {'json': '{"type":"object"}'}}
    """
    chosen = {name: body[name] for name in _SAMPLING if name in body}
    chosen["max_tokens"] = next((body[name] for name in _CAPS if name in body), None)  # its own default is 16
    schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
    return chosen | ({"structured_outputs": {"json": orjson.dumps(schema).decode()}} if schema else {})


def map_lines(pieces: list[Piece], folder: str, job_id: str, n_answering: int) -> Iterator[Row]:
    """Have the lines of pieces answered by `n_answering` engines of vLLM; yield one row per chunk file."""
    import ray.data
    from ray.data.llm import build_processor, vLLMEngineProcessorConfig

    _show_no_bars()
    job = ClusterJob(Path(folder), job_id)
    task = job.read_task()
    job.chunks.mkdir(exist_ok=True)
    lines = [
        {"line": raw.decode(), "number": number}
        for piece in pieces
        for raw, number in zip(piece.read(task.shard.path), piece.numbers, strict=True)
    ]
    n_start = pieces[0].name.rpartition("-")[2]
    save = partial(_save, folder=folder, job_id=job_id, n_start=n_start)
    refused = [line for line in lines if find_lack(_load(line))]
    if refused:
        yield save({"number": [line["number"] for line in refused], "answer": [_refuse(line) for line in refused]})
    asked = [line for line in lines if not find_lack(_load(line))]
    if not asked:
        return
    try:
        config = vLLMEngineProcessorConfig(
            **{
                "model_source": task.model,
                "concurrency": n_answering,
                "should_continue_on_error": True,
                "log_engine_metrics": False,
                **_STAGES,
                **task.options.get("vllm", {}),
            }
        )
        processor = build_processor(
            config, preprocess=_ask, postprocess=_answer, preprocess_map_kwargs=_LITTLE, postprocess_map_kwargs=_LITTLE
        )
    except (ValueError, TypeError, ImportError) as error:
        raise EngineError(f"vLLM cannot be started: {error}. To mend: install vllm, or correct `vllm:`.") from None
    for alike in group_alike(asked):
        answered = processor(ray.data.from_items(alike))
        yield from _iterate(answered.map_batches(save, batch_size=task.chunk, **_LITTLE))


def _show_no_bars() -> None:
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.verbose_progress = False


def _iterate(dataset: Any) -> Iterator[Row]:
    """Yield the rows of a dataset as they come."""
    from ray.exceptions import RayError

    try:
        yield from dataset.iter_rows()
    except RayError as error:
        raise say_given_up(error) from None


def group_alike(rows: list[Row]) -> list[list[Row]]:
    """Rows with the same parameters of vLLM together, mostly all: in a table a whole number beside none is a fraction.

    Examples
    --------
    >>> bodies = ['{"max_tokens": 7}', '{"temperature": 0}', '{"max_tokens": 9}']
    >>> rows = [{"line": f'{{"body": {body}}}', "number": n} for n, body in enumerate(bodies, 1)]
    >>> [[row["number"] for row in alike] for alike in group_alike(rows)]
    [[1, 3], [2]]
    """
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        sampling = make_sampling(_load(row)["body"])
        groups.setdefault(tuple(name for name, value in sampling.items() if value is not None), []).append(row)
    return list(groups.values())


def _load(row: Mapping[str, Any]) -> dict[str, Any]:
    return load_line(str(row["line"]).encode(), f"line {row['number']} of the shard")


def _refuse(row: Mapping[str, Any]) -> str:
    line = _load(row)
    return dump_line(error_line(line, 400, find_lack(line), VLLM)).decode()


def _ask(row: Row) -> Row:
    """What Ray's processor wants of a line."""
    body = _load(row)["body"]
    return {"messages": body["messages"], "sampling_params": make_sampling(body)}


def _answer(row: Row) -> Row:
    """The result line of a row that vLLM answered. It does not say why it ended; at its cap it was cut short."""
    line = _load(row)
    body, n_out = line["body"], int(row["num_generated_tokens"])
    usage = (int(row["num_input_tokens"]), n_out)
    reply = write_reply(CHAT, str(body["model"]), row["generated_text"], request_id=result_id(line, VLLM), usage=usage)
    cap = make_sampling(body)["max_tokens"]
    if cap is not None and n_out >= cap:
        reply["choices"][0]["finish_reason"] = "length"
    return {
        "number": row["number"],
        "line": row["line"],
        "answer": dump_line(result_line(line, 200, reply, VLLM)).decode(),
    }


def _save(batch: Mapping[str, Any], *, folder: str, job_id: str, n_start: str) -> Row:
    """Write a batch of answers as a chunk file, and say that nothing was wrong; a row that failed gets its error."""
    job, numbers = ClusterJob(Path(folder), job_id), [int(number) for number in batch["number"]]
    problems = batch.get("__inference_error__", [""] * len(numbers))
    answers = batch.get("answer", [None] * len(numbers))
    path = job.chunks / f"{min(numbers):08d}-{max(numbers):08d}-{n_start}.jsonl"
    with write_atomic(path) as file:
        for place, problem in enumerate(problems):
            if problem:
                line = _load({name: batch[name][place] for name in ("line", "number")})
                file.write(dump_line(error_line(line, 500, str(problem), VLLM)))
            else:
                file.write(str(answers[place]).encode())
    return {"problem": [""], "passing": [False]}
