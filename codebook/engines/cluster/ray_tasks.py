"""The only place that knows Ray. A local cluster stays on the loopback, whatever Ray does by default."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from codebook.engines.cluster.answering import Row, answer_piece
from codebook.engines.cluster.chunk_files import Piece
from codebook.errors import EngineError, MissingExtraError, UnreachableError
from codebook.ground.holding import GRAMMAR, make_scratch, without_grammar

LOCAL, AUTO = "local", "auto"
"""Addresses by a word: a cluster of this machine alone, and the one to which this machine belongs."""
LOOPBACK = "127.0.0.1"
STORE_BYTES = 200_000_000
"""Of a local cluster's shared memory: what travels are names of pieces, so there is little to keep in it."""
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}
"""What keeps Ray and vLLM from reporting usage, and from fetching what nobody named."""


def import_ray() -> Any:
    """Return the module ray.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        with without_grammar():
            import ray
    except ImportError:
        raise MissingExtraError("The engine 'cluster'", "cluster") from None
    return ray


@contextmanager
def connect(address: str, n_cpus: int) -> Iterator[None]:
    """Be connected to a cluster; a local one is begun, with `n_cpus` for its processes, and ended with the block.

    Raises
    ------
    MissingExtraError
        Ray is not installed.
    UnreachableError
        The cluster cannot be reached.
    """
    os.environ.update(QUIET)
    if address != AUTO:
        os.environ.pop("RAY_ADDRESS", None)  # nobody is called who was not named
    if address == LOCAL:  # Ray reads it when it is imported, and once only
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    ray = import_ray()
    with make_scratch() as scratch:
        options = _options_of_local(scratch, n_cpus) if address == LOCAL else {"address": address}
        try:
            ray.init(**options, log_to_driver=False, logging_level="error")
        except Exception as error:  # noqa: BLE001  Ray raises whatever its parts raise, a bare Exception among it
            raise UnreachableError(_say_unreached(address, " ".join(str(error).split())[:300])) from None
        try:
            yield
        finally:
            ray.shutdown()


def find_own() -> str:
    """Return the address (host:port) of the cluster to which this machine belongs.

    Raises
    ------
    UnreachableError
        It belongs to none.
    """
    import_ray()
    from ray._private.services import canonicalize_bootstrap_address_or_die

    try:
        return str(canonicalize_bootstrap_address_or_die(AUTO))
    except (ConnectionError, ValueError) as error:
        raise UnreachableError(_say_unreached(AUTO, " ".join(str(error).split())[:300])) from None


def _say_unreached(address: str, words: str) -> str:
    if address == LOCAL:
        return f"Ray could not be started on this machine ({words}). Nothing is lost; the next look tries again."
    if address == AUTO:
        return f"This machine belongs to no Ray cluster ({words}). Nothing is lost. To mend: `ray start`."
    return (
        f"The cluster at {address} cannot be reached ({words}). Nothing is lost. To mend: submit the run on a machine "
        "of the cluster, where Ray runs; check that the address is that of its head."
    )


def _options_of_local(scratch: Path, n_cpus: int) -> dict[str, Any]:
    """How a cluster of this machine alone is begun.

    It listens on the loopback only, as Ray does on other systems; what serves pages, asks for further machines or
    gathers logs is not begun at all. Its six processes import what they import in a third of the time without the
    grammar (`without_grammar`).
    """
    from ray._private import node, ray_constants

    first = scratch / "first"
    first.mkdir()
    (first / f"{GRAMMAR}.py").write_text("raise ImportError\n")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(first), os.environ.get("PYTHONPATH")]))

    ray_constants.ENABLE_RAY_CLUSTER = False
    for part in ("start_api_server", "start_monitor", "start_log_monitor"):
        setattr(node.Node, part, lambda *_, **__: None)
    return {
        "address": LOCAL,
        "num_cpus": n_cpus,  # Ray begins as many processes at once, needed or not
        "object_store_memory": STORE_BYTES,
        "include_dashboard": False,
        "_node_ip_address": LOOPBACK,
        "_temp_dir": str(scratch),
        "_system_config": {"enable_metrics_collection": False, "worker_niceness": 0},
    }


def map_pieces(pieces: list[Piece], folder: str, job_id: str, n_answering: int) -> Iterator[Row]:
    """Have pieces answered in at most `n_answering` processes at a time; yield what came of each, in any order.

    A piece whose process or machine dies is begun again elsewhere. Tasks of Ray do for that: a dataset of Ray Data
    would begin three more processes to hand out the names of some pieces, which takes longer than the work of thousands
    of lines.

    Raises
    ------
    EngineError
        The cluster gave up.
    """
    import ray
    from ray.exceptions import RayError

    answer = ray.remote(max_retries=-1)(answer_piece)
    waiting = (answer.remote(piece, folder, job_id) for piece in pieces)
    at_work = list(islice(waiting, n_answering))
    try:
        while at_work:
            done, at_work = ray.wait(at_work)
            yield from ray.get(done)
            at_work += islice(waiting, len(done))
    except RayError as error:
        raise say_given_up(error) from None


def say_given_up(error: Exception) -> EngineError:
    """The message where Ray itself could not go on."""
    return EngineError(f"the cluster gave up: {' '.join(str(error).split())[:500]}")
