"""What Ray's processor asks of vLLM, where no graphics processor is: it answers with the first label of the schema.

It stands on the path of the processes that Ray begins, and of nobody else. What vLLM itself does is not tried by it.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

from vllm import outputs as outputs
from vllm.outputs import RequestOutput

sampling_params = SimpleNamespace(StructuredOutputsParams=SimpleNamespace)
SamplingParams = SimpleNamespace


class AsyncEngineArgs:
    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def create_engine_config(self) -> SimpleNamespace:
        of_plan, of_machines = SimpleNamespace(max_num_seqs=8), SimpleNamespace(pipeline_parallel_size=1)
        return SimpleNamespace(scheduler_config=of_plan, parallel_config=of_machines)


class AsyncLLMEngine:
    @classmethod
    def from_engine_args(cls, args: AsyncEngineArgs, stat_loggers: object) -> AsyncLLMEngine:
        assert args.settings["model"] == "/models/stand-in"
        return cls()

    async def generate(self, prompt: dict[str, Any], sampling_params: Any, **_: Any) -> AsyncIterator[RequestOutput]:
        if "[refuse]" in prompt["prompt"]:
            raise ValueError("this prompt is not read")
        ((name, of_label),) = json.loads(sampling_params.structured_outputs.json)["properties"].items()
        text = json.dumps({name: of_label["enum"][0]})
        n_out = sampling_params.max_tokens if "[cut]" in prompt["prompt"] else 5
        yield RequestOutput(
            prompt["prompt"], [1, 2, 3], [SimpleNamespace(text=text, token_ids=[1] * n_out, logprobs=None)]
        )

    async def do_log_stats(self) -> None:
        pass

    def shutdown(self) -> None:
        pass
