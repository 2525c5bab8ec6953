"""The only place that knows Ray. A local cluster stays on the loopback, whatever Ray is wont to do elsewhere."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Any

from codebook.engines.cluster.answering import Answerer, Row
from codebook.errors import EngineError, MissingExtraError, UnreachableError

LOCAL, AUTO = "local", "auto"
"""Addresses by a word: a cluster of this machine alone, and the one to which this machine belongs."""
LOOPBACK = "127.0.0.1"
STORE_BYTES = 200_000_000
"""Of a local cluster's shared memory: rows are names of pieces, so there is little to keep in it."""
CPUS = 0.5
"""Of a processor for each that answers: at a whole one each, two on two processors leave none for Ray's own tasks."""
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "DO_NOT_TRACK": "1",
}
"""What keeps Ray and vLLM from telling anybody anything, and from fetching what nobody named."""


def import_ray() -> Any:
    """Return the module ray.

    Raises
    ------
    MissingExtraError
        It is not installed.
    """
    try:
        import ray
    except ImportError:
        raise MissingExtraError("The engine 'cluster'", "cluster") from None
    return ray


@contextmanager
def connect(address: str, n_answering: int) -> Iterator[None]:
    """Be connected to a cluster; a local one is begun, and ended with the block.

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
    with TemporaryDirectory(prefix="codebook-ray-", ignore_cleanup_errors=True) as scratch:
        options = _options_of_local(scratch, n_answering) if address == LOCAL else {"address": address}
        try:
            ray.init(**options, log_to_driver=False, logging_level="error")
        except Exception as error:  # noqa: BLE001  Ray raises whatever its parts raise, a bare Exception among it
            raise UnreachableError(_say_unreached(address, " ".join(str(error).split())[:300])) from None
        try:
            yield
        finally:
            ray.shutdown()


def _say_unreached(address: str, words: str) -> str:
    if address == LOCAL:
        return f"Ray could not be begun on this machine ({words}). Nothing is lost; the next look tries it again."
    if address == AUTO:
        return f"This machine belongs to no Ray cluster ({words}). Nothing is lost. To mend: `ray start`."
    return (
        f"The cluster at {address} cannot be reached ({words}). Nothing is lost. To mend: hand the run in on a machine "
        "of the cluster, where Ray runs; see that the address is that of its head."
    )


def _options_of_local(scratch: str, n_answering: int) -> dict[str, Any]:
    """How a cluster of this machine alone is begun.

    It listens on the loopback only, as Ray does on other systems; what serves pages, asks for further machines or
    gathers logs is not begun at all.
    """
    from ray._private import node, ray_constants

    ray_constants.ENABLE_RAY_CLUSTER = False
    for part in ("start_api_server", "start_monitor", "start_log_monitor"):
        setattr(node.Node, part, lambda *_, **__: None)
    return {
        "address": LOCAL,
        "num_cpus": max(os.cpu_count() or 1, int(n_answering * CPUS) + 1),
        "object_store_memory": STORE_BYTES,
        "include_dashboard": False,
        "_node_ip_address": LOOPBACK,
        "_temp_dir": scratch,
        "_system_config": {"enable_metrics_collection": False},
    }


def map_pieces(rows: list[Row], folder: str, job_id: str, n_answering: int, *, local: bool) -> Iterator[Row]:
    """Have pieces answered, each in one of `n_answering` processes; yield what came of each, in whatever order.

    A local cluster has room for all of them; in another one as many begin as there is room for.
    """
    import ray.data

    prepare()
    pool = ray.data.ActorPoolStrategy(min_size=n_answering if local else 1, max_size=n_answering)
    dataset = ray.data.from_items(rows, override_num_blocks=min(len(rows), 16 * n_answering))
    yield from iterate(dataset.map(Answerer, fn_constructor_args=(folder, job_id), compute=pool, num_cpus=CPUS))


def iterate(dataset: Any) -> Iterator[Row]:
    """Yield the rows of a dataset as they come.

    Raises
    ------
    EngineError
        The cluster gave up.
    """
    from ray.exceptions import RayError

    try:
        yield from dataset.iter_rows()
    except RayError as error:
        words = " ".join(str(error).split())[:500]
        raise EngineError(f"the cluster gave up: {words}") from None


def prepare() -> None:
    """Show no bars."""
    import ray.data

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.execution_options.verbose_progress = False
