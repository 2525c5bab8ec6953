"""The seam between the kit and whoever answers: the protocol of an engine, and the lines it writes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, Protocol, runtime_checkable

from codebook.files.lines import digest, dump_canonical
from codebook.records import JobState, Shard, request_key


@dataclass(frozen=True, slots=True)
class Limits:
    """What one shard may hold at an engine. None: no limit. The defaults are those of the Batch API.

    `n_enqueued` is how many tokens of the model may wait in unfinished jobs at a time; `n_inputs` how many texts the
    embedding requests of a shard may hold together.

    Examples
    --------
    >>> Limits(n_requests=1_000).n_bytes
    200000000
    """

    n_requests: int = 50_000
    n_bytes: int = 200_000_000
    n_tokens: int | None = None
    n_enqueued: int | None = None
    n_inputs: int = 50_000


@dataclass(frozen=True, slots=True)
class About:
    """What a kind of engine says of itself.

    Attributes
    ----------
    charges
        Whether it calls a service, which may send a bill.
    batch
        Whether it is priced as a batch, and takes its time.
    at_once
        The engine that asks the same service and answers at once; empty where none is needed.
    watches_money
        Whether it takes `price` and `cap`, and stops in the middle of a shard.
    free
        What an answer costs where nobody charges, in words; `{tokens}` stands for what was read and written.
    ahead
        What can be loaded before it is made, as `module:function`; empty for nothing.
    chooses
        Whether it takes the model that fits the unit, whatever it was asked for: only who answered counts then.
    limits
        What its answers are not good for, by a part of the name of the model that gave them; "" is any other model.
    goes
        What says where texts go with options of the engine, as `module:function`; empty where they stay on this
        machine, or where the service says it all.
    """

    charges: bool = False
    batch: bool = False
    at_once: str = ""
    watches_money: bool = False
    free: str = "Nothing: nobody charges for these answers ({tokens})."
    ahead: str = ""
    chooses: bool = False
    limits: Mapping[str, str] = field(default_factory=dict)
    goes: str = ""

    def name_model(self, asked: str, answered: Sequence[str]) -> str:
        """The model that was asked; of an engine that chooses, those that answered.

        Examples
        --------
        >>> About(chooses=True).name_model("a", ["b"]), About().name_model("a", ["b"])
        ('b', 'a')
        """
        return ", ".join(answered) if self.chooses and answered else asked


@runtime_checkable
class Engine(Protocol):
    """Whoever answers. Every engine reads the Batch API's request lines and writes its result lines.

    Examples
    --------
    >>> import codebook as cb
    >>> from codebook.engines import make_engine
    >>> engine = make_engine("embedded", folder=Path("runs"))
    >>> isinstance(engine, Engine)
    True
    """

    @property
    def about(self) -> About:
        """What engines of this kind say of themselves; the class has it, too."""

    @property
    def name(self) -> str:
        """The name in the registry, such as `embedded`."""

    @property
    def model(self) -> str:
        """The model id that belongs into the request bodies, such as `embedded-use-minilm-2`."""

    @property
    def answerer(self) -> str:
        """Who answers, told apart from everybody else who might: answers are kept under this name, and the question.

        Of a service it is provider and address, however it is called; of an archive, what it holds.
        """

    @property
    def limits(self) -> Limits:
        """What one shard may hold."""

    def check_ready(self) -> None:
        """Look for what answering needs, such as a key; what is missing is raised before anything is noted."""

    def may_know(self, job_key: str) -> bool:
        """Whether a job may have been begun under this key; False only where it is certain that nothing was.

        It is asked after `submit` has failed, and asks no service.
        """

    def submit(self, shard: Shard, job_key: str) -> str:
        """Have a shard answered; return the job id. Repeated with the same key it resumes, and asks nothing twice."""

    def find(self, job_key: str) -> str | None:
        """Return the id of the job made earlier under this key, or None: how a doubt is settled after a crash."""

    def poll(self, job_id: str) -> JobState:
        """Say how far a job is, in the API's own words.

        Raises
        ------
        UnreachableError
            It cannot be asked now; what was known of the job still counts.
        """

    def fetch(self, job_id: str, into: Path) -> list[Path]:
        """Write the result files of an ended job into the folder `into` and return their paths."""

    def cancel(self, job_id: str) -> None:
        """Stop a job. What is answered stays; cancelling an ended job changes nothing."""


@runtime_checkable
class KeepsFiles(Protocol):
    """An engine whose service keeps files of a job, which may hold research data, until they are deleted.

    Examples
    --------
    >>> import codebook as cb
    >>> from codebook.engines import make_engine
    >>> isinstance(make_engine("embedded", folder=Path("runs")), KeepsFiles)
    False
    """

    def delete_files(self, job_id: str) -> int:
        """Delete the files of a job at the service; return how many."""

    def delete_leftovers(self) -> int:
        """Delete files that were handed over and never became part of a job; return how many."""


@runtime_checkable
class MakesAnew(Protocol):
    """An engine whose service may leave it unknown whether a job was made (`UndecidedError`).

    Examples
    --------
    >>> import codebook as cb
    >>> from codebook.engines import make_engine
    >>> isinstance(make_engine("embedded", folder=Path("runs")), MakesAnew)
    False
    """

    def submit_anew(self, shard: Shard, job_key: str) -> str:
        """Have a shard answered though a job of it may have been made, and be paid twice then: a person decided so."""


@runtime_checkable
class Foresees(Protocol):
    """An engine that can tell, without answering, that it cannot answer a request.

    Examples
    --------
    >>> import codebook as cb
    >>> from codebook.engines import make_engine
    >>> isinstance(make_engine("embedded", folder=Path("runs")), Foresees)
    True
    """

    def find_lack(self, line: Mapping[str, Any]) -> str:
        """Why a request line cannot be answered, by the kind of its question and its files; empty where it may be."""


@runtime_checkable
class KnowsLanguages(Protocol):
    """An engine that does not know every language, and can tell which texts it cannot code.

    Examples
    --------
    >>> import codebook as cb
    >>> from codebook.engines import make_engine
    >>> isinstance(make_engine("embedded", folder=Path("runs")), KnowsLanguages)
    True
    """

    def look_at_texts(self, texts: Iterable[str]) -> tuple[str, str]:
        """Say which languages texts are in and who knows them; and what is wrong, empty where nothing is."""


class Remark(NamedTuple):
    """A note on fetched files; `incomplete` where answers that were paid may be missing in them.

    Examples
    --------
    >>> Remark("a file is not there", True).incomplete
    True
    """

    words: str
    incomplete: bool


@runtime_checkable
class Remarks(Protocol):
    """An engine that says what is wrong with the files it fetched.

    Examples
    --------
    >>> import codebook as cb
    >>> from codebook.engines import make_engine
    >>> isinstance(make_engine("embedded", folder=Path("runs")), Remarks)
    False
    """

    def remarks(self, job_id: str) -> Sequence[Remark]:
        """What is to be said of the files that were fetched last of a job."""


def result_id(request: Mapping[str, Any], engine: str) -> str:
    """Return an id for the answer to a request line: the same engine and request always get the same one.

    Examples
    --------
    >>> result_id({"custom_id": "a", "url": "/v1/responses", "body": {}}, "embedded")
    'embedded_2bdc0323443e175da0fbef9c'
    """
    key = request_key(str(request.get("url")), dump_canonical(request.get("body")))
    return f"{engine}_{digest(engine, str(request.get('custom_id')), key)[:24]}"


def result_line(request: Mapping[str, Any], status_code: int, body: Mapping[str, Any], engine: str) -> dict[str, Any]:
    """Return the result line that answers a request line."""
    name = result_id(request, engine)
    response = {"status_code": status_code, "request_id": name, "body": body}
    return {"id": f"batch_req_{name}", "custom_id": request.get("custom_id"), "response": response, "error": None}


def error_line(request: Mapping[str, Any], status_code: int, reason: str, engine: str) -> dict[str, Any]:
    """Return the result line of a request that was not answered, with the reason, as a service would spell it.

    Examples
    --------
    >>> line = error_line({"custom_id": "a"}, 400, "images are not read", "embedded")
    >>> line["response"]["status_code"], line["response"]["body"]["error"]["message"]
    (400, 'images are not read')
    """
    kind = "invalid_request_error" if status_code < 500 else "server_error"
    error = {"message": reason, "type": kind, "param": None, "code": None}
    return result_line(request, status_code, {"error": error}, engine)
