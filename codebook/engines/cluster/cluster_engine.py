"""The engines that have shards answered by a cluster: models that are computed there, or live calls made from there."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar, TypedDict, Unpack, cast

from codebook.engines.cluster.answering import EMBEDDED, ENDPOINT, VLLM, make_answering
from codebook.engines.cluster.chunk_files import ClusterJob, Task
from codebook.engines.cluster.driver import is_at_work, start_driver
from codebook.engines.cluster.ray_tasks import AUTO, LOCAL, find_own
from codebook.engines.embedded.engine import EmbeddedEngine
from codebook.engines.jobs import JobEngine, JobFiles
from codebook.engines.protocol import About, Limits
from codebook.engines.service import list_trusted
from codebook.engines.service.hosts import VARIABLE, find_origin, is_near
from codebook.errors import (
    CodebookError,
    Fault,
    MissingExtraError,
    ParameterError,
    UnreachableError,
    list_faults,
    mend_name,
)
from codebook.paths import project_folder
from codebook.records import CHAT, JobState, Shard

_LONGEST_IN_VAIN = 2
"""Drivers after the first that may die without a new answer, before a job counts as failed."""
_KNOCK_S = 3.0
_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})")
_SAYS = "codebook.engines.cluster.cluster_engine:say_cluster"


def say_cluster(options: Mapping[str, Any]) -> str:
    """Say where texts go with these options; empty where they stay on this machine.

    Examples
    --------
    >>> say_cluster({}), say_cluster({"address": "127.0.0.1:6379"})
    ('', '')
    >>> say_cluster({"address": "auto"})
    'texts go to the machines of the Ray cluster to which this one belongs'
    >>> say_cluster({"address": "head.example.org:6379"})[:62]
    'texts go to the machines of the cluster at head.example.org:63'
    """
    address = str(options.get("address", LOCAL))
    if address == AUTO:
        return "texts go to the machines of the Ray cluster to which this one belongs"
    if address == LOCAL or is_near(f"https://{address}"):
        return ""
    sentence = f"texts go to the machines of the cluster at {address}"
    if not _ADDRESS.fullmatch(address) or find_origin(address) in list_trusted():
        return sentence
    return f"{sentence}, which nobody confirmed: nothing is sent before `codebook trust {address}`"


class ClusterSettings(TypedDict, total=False):
    """Which cluster, and how much of it; each option is explained at the engine."""

    address: str
    concurrency: int
    chunk: int


class CallSettings(ClusterSettings, total=False):
    """The further options of live calls from each machine."""

    calls: int
    timeout_s: float
    attempts: int


class ClusterEngine(JobEngine):
    """Has a shard answered by processes of a Ray cluster: by the embedded engine, or by vLLM on graphics processors.

    The shard is cut into pieces, which Ray hands to whichever process is free, and hands out again where a process or a
    machine dies. Answers go to disk, into the folder of the run, which all machines must see; what is there is never
    asked for again. A process of its own drives the cluster: it goes on when the process that submitted the shard is
    gone, and the next look at the job begins another one where it died.

    Parameters
    ----------
    folder
        Where the work lies.
    model
        Of `vllm` the folder of the model, which all machines see, or its name; else empty.
    answering
        "embedded", or "vllm" through Ray's own processor of language models.
    address
        "local" for a cluster of this machine alone, which is begun and ended with the work and listens on the loopback
        only; "auto" for the Ray cluster to which this machine belongs; or host:port of its head.
    concurrency
        Processes that answer at a time, at the most (2).
    chunk
        Lines that a process takes at a time (64).
    threads
        Texts that an embedded engine encodes at the same time; its own number where not given.
    vllm
        Further fields of Ray's `vLLMEngineProcessorConfig`, such as `engine_kwargs`, `batch_size`, `accelerator_type`.

    Raises
    ------
    ParameterError
        A setting cannot be; all are told.
    """

    name = "cluster"
    about = About(
        free="Nothing: the answers were computed on a cluster. Sent to a service it would be about {tokens}.",
        at_once=EMBEDDED,
        chooses=True,
        limits={part or "use-minilm": words for part, words in EmbeddedEngine.about.limits.items()},
        goes=_SAYS,
    )
    _offered: ClassVar[tuple[str, ...]] = (EMBEDDED, VLLM)

    def __init__(
        self,
        folder: Path,
        *,
        model: str = "",
        answering: str = EMBEDDED,
        threads: int | None = None,
        vllm: Mapping[str, Any] | None = None,
        progress: bool = False,
        **cluster: Unpack[ClusterSettings],
    ) -> None:
        options: dict[str, Any] = {} if threads is None else {"threads": threads}
        options |= {"vllm": dict(vllm)} if vllm else {}
        self._set_up(folder, Task(_NO_SHARD, answering, model, options, **cluster), progress=progress)

    def _set_up(self, folder: Path, task: Task, *, progress: bool) -> None:
        """Keep how jobs are answered, once every setting is checked."""
        super().__init__(folder, progress=progress)
        faults, self._inner = find_faults(task, self._offered), None
        try:
            self._inner = make_answering(task, Path(folder))
        except ParameterError as error:
            faults += [fault for fault in error.faults if fault.where != "concurrency"]  # of calls, which is told above
        ParameterError.raise_any(f"The engine {self.name!r} cannot be made like this.", faults)
        self.task = task

    @property
    def model(self) -> str:
        """The model id that belongs into the request bodies."""
        return self._inner.model if self._inner else self.task.model

    @property
    def answerer(self) -> str:
        """Who answers: the engine on the machines, named as if it were asked here."""
        return self._inner.answerer if self._inner else self.task.answering

    @property
    def limits(self) -> Limits:  # type: ignore[override]
        """What one shard may hold."""
        return self._inner.limits if self._inner else Limits()

    def find_lack(self, line: Mapping[str, Any]) -> str:
        """Why a request line cannot be answered, by the kind of its question and its files; empty where it may be."""
        if isinstance(self._inner, EmbeddedEngine):
            return self._inner.find_lack(line)
        if self._inner:
            return ""
        from codebook.engines.cluster.vllm_rows import find_lack

        return find_lack(line)

    def check_ready(self) -> None:
        """Look for Ray, for what answering needs, and for the cluster.

        Raises
        ------
        MissingExtraError
            Ray is not installed.
        ParameterError
            The cluster was not confirmed, or several things are wrong; all are named.
        UnreachableError
            Nobody answers at its address.
        """
        looks = [self._find_ray, *([self._inner.check_ready] if self._inner else []), self._find_cluster]
        errors = [error for look in looks if (error := _catch(look))]
        if len(errors) > 1:
            faults = [fault for error in errors for fault in list_faults(error, "engine")]
            raise ParameterError(f"The engine {self.name!r} is not ready; nothing was sent.", faults)
        for error in errors:
            raise error

    def _find_ray(self) -> None:
        if find_spec("ray") is None:
            raise MissingExtraError(f"The engine {self.name!r}", "cluster")

    def _find_cluster(self) -> None:
        """See whether the cluster was confirmed, and whether it is there."""
        address = self.task.address
        if address == AUTO and find_spec("ray"):
            _knock(find_own())
        elif address not in (LOCAL, AUTO):
            _check_trust(address)
            _knock(address)

    def submit(self, shard: Shard, job_key: str) -> str:
        """Have a shard answered by the cluster, and return the job id; the status of the job shows how far it is."""
        job = self._job(self._job_id(job_key))
        if job.open and is_at_work(self.folder):
            job.check_intent(shard)
            return job.job_id
        return super().submit(shard, job_key)

    def answer_rest(self, shard: Shard, job: JobFiles) -> None:
        """Note how the job is to be answered, and let a process do it."""
        environment = {"CODEBOOK_PROJECT": str(project_folder())}
        if self.task.answering == ENDPOINT:
            environment[VARIABLE] = ",".join(list_trusted())
        shard = replace(shard, path=shard.path.resolve())
        cast(ClusterJob, job).write_task(replace(self.task, shard=shard, environment=environment))
        start_driver(self.folder)

    def poll(self, job_id: str) -> JobState:
        """Say how far a job is. Where the process that drives the cluster died, another one goes on.

        Raises
        ------
        UnreachableError
            The cluster, or whoever is called from there, could not be reached; the next look tries again.
        """
        job, state = self._job(job_id), super().poll(job_id)
        passing, words = job.read_failure()
        if words and not state.ended:
            if passing:
                job.failure_path.unlink()
                raise UnreachableError(words)
            return replace(state, state="failed", note=words)
        if job.open and not is_at_work(self.folder):
            if job.read_starts()["in_vain"] >= _LONGEST_IN_VAIN:
                log = f"{self.folder.name}/driver.log"
                note = f"the process that drives the cluster died again and again without a new answer; see {log}"
                return replace(state, state="failed", note=note)
            start_driver(self.folder)
        return state

    def _job(self, job_id: str) -> ClusterJob:
        return ClusterJob(self.folder, job_id)


class ClusterLiveEngine(ClusterEngine):
    """Has a shard answered by live calls from the machines of a Ray cluster to an OpenAI-compatible endpoint.

    Each process calls as the engine `openai_live` does, and keeps answers as they come. A cap cannot be watched in the
    middle of a shard. The key must be in the environment of the machines.

    Parameters
    ----------
    folder, address, concurrency, chunk
        Those of `ClusterEngine`.
    model
        The model to ask.
    provider, base_url
        Who is asked: `vllm`, `compatible` or another record, and its address; the loopback of `vllm` is each machine's.
    calls
        Calls that are open at a time in each process, at the most (64).
    timeout_s, attempts
        Those of the engine `openai_live`.

    Raises
    ------
    ParameterError
        A setting cannot be; all are told.
    """

    name = "cluster_live"
    about = About(charges=True, at_once="openai_live", goes=_SAYS)
    _offered = (ENDPOINT,)

    def __init__(
        self,
        folder: Path,
        *,
        provider: str,
        model: str = "",
        base_url: str = "",
        progress: bool = False,
        **settings: Unpack[CallSettings],
    ) -> None:
        of_cluster = {name: settings[name] for name in ClusterSettings.__annotations__ if name in settings}  # type: ignore[literal-required]
        of_calls = {name: value for name, value in settings.items() if name not in of_cluster}
        options = {"provider": provider, "base_url": base_url, **of_calls}
        self._set_up(folder, Task(_NO_SHARD, ENDPOINT, model, options, **of_cluster), progress=progress)


_NO_SHARD = Shard(Path(), "", CHAT, "", 0, 0, 0)


def find_faults(task: Task, offered: tuple[str, ...]) -> list[Fault]:
    """What is wrong with the settings of a cluster and of the engine that answers there."""
    faults = []
    if task.answering not in offered:
        mend = mend_name(task.answering, offered, f"use one of {', '.join(offered)}")
        faults.append(Fault("answering", f"{task.answering!r} cannot answer on a cluster", mend))
    numbers = {"concurrency": task.concurrency, "chunk": task.chunk, "calls": task.options.get("calls", 1)}
    for name, value in numbers.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            faults.append(Fault(name, f"{value!r} is not a whole number of 1 or more", "give a whole number"))
    address = str(task.address)
    if address not in (LOCAL, AUTO) and not _ADDRESS.fullmatch(address):
        mend = "write local, auto, or host:port of the head, such as 10.0.0.5:6379"
        faults.append(Fault("address", f"{address!r} is not an address of a Ray cluster", mend))
    if task.answering == VLLM and not task.model:
        faults.append(Fault("model", "is needed and missing", "name the folder of the model, which all machines see"))
    for name, whose in {"threads": EMBEDDED, "vllm": VLLM}.items():
        if name in task.options and task.answering != whose:
            faults.append(
                Fault(name, f"{task.answering} does not take it", f"leave it out, or write `answering: {whose}`")
            )
    return faults


def _catch(look: Callable[[], None]) -> CodebookError | None:
    try:
        look()
    except CodebookError as error:
        return error
    return None


def _check_trust(address: str) -> None:
    """Refuse a cluster that was not confirmed: its address comes from the study."""
    if not is_near(f"https://{address}") and find_origin(address) not in list_trusted():
        problem = f"texts would go to the machines of the cluster at {address}, which the study names"
        mend = f"if you know and trust it, `codebook trust {address}`; else correct it"
        raise ParameterError("Nothing was sent.", [Fault("address", problem, mend)])


def _knock(address: str) -> None:
    """See whether anybody answers at the address of a cluster."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_KNOCK_S).close()
    except OSError as error:
        raise UnreachableError(
            f"The cluster at {address} cannot be reached ({error.strerror or error}). Nothing is lost. To mend: see "
            f"that Ray runs there (`ray start --head --port={port}`) and may be called from here, and submit again."
        ) from None


__all__ = ["ClusterEngine", "ClusterLiveEngine"]
