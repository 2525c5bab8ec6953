"""The process that the kernels of a study are forked from: it has imported what they need, and does nothing else.

It is run by `kernels.py`. A line of JSON on its standard input asks for a kernel; the answer is its number. While
nobody asks, it imports what later steps will need. When its input ends, because the command has ended or was killed, it
ends with all its kernels.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any

from codebook.errors import CodebookError

FIRST = ("ipykernel.kernelapp", "ipykernel.debugger", "codebook.run")
"""What every step needs."""
LATER = (
    "codebook.report",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_svg",
    "matplotlib.backends.backend_pdf",
    "scipy.stats",
    "scipy.cluster.hierarchy",
    "krippendorff",
    "pandas.io.formats.style",
    "xlsxwriter",
    "docx",
)
"""What some steps need: imported while the first ones run. A kernel that comes earlier imports it by itself."""


def serve(requests: IO[bytes], replies: IO[bytes]) -> dict[str, Any] | None:
    """Answer requests until there are no more. In a kernel that was forked, return what it was asked to be."""
    kernels: set[int] = set()
    waiting = list(LATER)
    _import_all([*FIRST, *sys.argv[1:]])
    while True:
        while waiting and not select.select([requests], [], [], 0)[0]:
            _import_all([waiting.pop(0)])
        request = json.loads(requests.readline() or "null")
        kernels -= {pid for pid in kernels if os.waitpid(pid, os.WNOHANG)[0]}
        if request is None:
            for pid in kernels:
                with suppress(OSError):
                    os.killpg(pid, signal.SIGKILL)
            return None
        pid = os.fork()
        if not pid:
            return dict(request)
        kernels.add(pid)
        replies.write(b"%d\n" % pid)
        replies.flush()


def _import_all(names: Sequence[str]) -> None:
    """Import modules; of `module:function`, call the function."""
    for name in names:
        module, _, function = name.partition(":")
        with suppress(ImportError, CodebookError):  # of an extra that is not installed; who needs it says so
            imported = importlib.import_module(module)
            if function:
                getattr(imported, function)()
    gc.freeze()  # what is here now stays: no kernel looks through it for garbage


def become_kernel(request: dict[str, Any]) -> None:
    """Be the kernel that was asked for, as if it had been started anew: folder, environment, arguments, chance."""
    os.setsid()
    log = os.open(request["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = request["argv"]
    if numpy_random := sys.modules.get("numpy.random"):
        numpy_random.seed()  # else each kernel would draw the same numbers
    if pandas := sys.modules.get("pandas"):
        pandas.set_option("display.max_columns", 20)  # as in a notebook; it was imported outside of one
    from ipykernel import kernelapp

    kernelapp.launch_new_instance()


def main() -> None:
    """Serve; in a forked kernel, be that kernel."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a package prints is no reply
    requests = os.fdopen(os.dup(0), "rb", buffering=0)
    with replies, requests:
        request = serve(requests, replies)
    if request is not None:
        become_kernel(request)


if __name__ == "__main__":
    main()
