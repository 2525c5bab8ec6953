"""Kernels for notebooks: each a process of its own with this very Python, forked from a warm one where that is safe.

The steps of a study need the same packages. One process imports them once, and each step's kernel is forked from it:
memory, end and crashes are its own, and it has seen nothing of the step before. Where forking is not safe (macOS,
Windows) or does not work, each kernel is started anew.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from codebook.execute.stop_signals import is_stopping
from codebook.paths import EXECUTED_VARIABLE, STUDY_VARIABLE, project_folder

START_S = 120
"""Longest time in which a kernel has to be there, in seconds."""
_END_S = 5.0


class KernelServer:
    """The process that kernels are forked from (see `forking.py`), as its user sees it."""

    def __init__(self, ahead: Sequence[str] = ()) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "codebook.execute.forking", *ahead],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "MPLBACKEND": "module://matplotlib_inline.backend_inline"},  # as each kernel has it
            start_new_session=True,  # Ctrl-C is for the command, which ends its kernels in order
        )

    @property
    def pid(self) -> int:
        """The number of its process, the parent of its kernels."""
        return self._process.pid

    def fork(self, argv: list[str], folder: str, log: Path, environment: Mapping[str, str]) -> ForkedKernel | None:
        """Fork a kernel with these arguments; None where that does not work."""
        its_own = {**environment, "JPY_PARENT_PID": str(self.pid)}  # a kernel ends when its parent has
        request = {"argv": argv, "folder": folder, "log": str(log), "environment": its_own}
        requests, replies = self._process.stdin, self._process.stdout
        assert requests
        assert replies
        with suppress(OSError, ValueError):  # it is gone, or was closed
            requests.write(json.dumps(request).encode() + b"\n")
            requests.flush()
            if select.select([replies], [], [], START_S)[0] and (line := replies.readline()):
                return ForkedKernel(int(line))
        self._process.kill()
        return None

    def close(self) -> None:
        """End it, and with it what is left of its kernels."""
        assert self._process.stdin
        assert self._process.stdout
        with suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(0 if is_stopping() else _END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


@contextmanager
def kernel_server(n_kernels: int, ahead: Sequence[str] = ()) -> Iterator[KernelServer | None]:
    """A process to fork so many kernels from; None where it is not worth it or not safe.

    `ahead` are functions to be called in it before the first kernel is there, each as `module:function`.
    """
    server = KernelServer(ahead) if n_kernels > 1 and _can_fork() else None
    try:
        yield server
    finally:
        if server:
            server.close()


def _can_fork() -> bool:
    """Whether it is Linux, and lets a process be watched by who is not its parent."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


class ForkedKernel:
    """A forked kernel as jupyter_client looks at a process of `subprocess`; its parent need not be asked."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._handle = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """None while it lives. Nobody asks how it ended, which only its parent knows."""
        return 0 if select.select([self._handle], [], [], 0)[0] else None

    def wait(self) -> int:
        """Wait for its end."""
        select.select([self._handle], [], [])
        os.close(self._handle)
        return 0

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Kernels:
    """How the kernels of a study come to be: forked from `server` where there is one; `study` is its file."""

    server: KernelServer | None = None
    study: Path | None = None


ANEW = Kernels()
"""Each kernel is started anew."""


def make_kernel_manager(workshop: Path, log: IO[bytes], kernels: Kernels) -> type:
    """Return a class of kernel managers that start this Python, whatever kernels the machine has on its path.

    What the kernel process itself says, as when it is killed, goes to `log`. Its connection file, which holds the key
    to it, lies in the workshop. The notebook is told the study that it is a step of. Where this process is being
    stopped, the kernel gets no time to end.
    """
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from jupyter_client.provisioning.local_provisioner import LocalProvisioner

    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}  # else figures are lost
    environment |= {"IPYTHONDIR": str(workshop / "ipython"), "CODEBOOK_PROJECT": str(project_folder())}
    environment |= {EXECUTED_VARIABLE: "yes"}
    environment |= {STUDY_VARIABLE: str(kernels.study)} if kernels.study else {}

    class ThisPython(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=argv, display_name="Python 3", language="python")

    class Provisioner(LocalProvisioner):
        async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
            if kernels.server and (kernel := _fork(kernels.server, cmd, options)):
                self.process, self.cwd = kernel, options["cwd"]  # type: ignore[assignment]  # it is used like a Popen
                self.pid = self.pgid = kernel.pid
                return self.connection_info
            return await super().launch_kernel(cmd, **options)

    def _fork(server: KernelServer, cmd: list[str], options: Mapping[str, Any]) -> ForkedKernel | None:
        return server.fork(cmd[2:], options["cwd"], Path(log.name), options["env"])

    class Manager(AsyncKernelManager):
        def _connection_file_default(self) -> str:
            return str(workshop / "kernel.json")

        def _kernel_spec_manager_default(self) -> KernelSpecManager:
            return ThisPython()

        async def _async_pre_start_kernel(self, **options: Any) -> Any:
            self.kernel_id = self.kernel_id or workshop.name
            self.provisioner = Provisioner(kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self)
            return await super()._async_pre_start_kernel(
                **{**options, "env": environment, "stdout": log, "stderr": log}
            )

        pre_start_kernel = _async_pre_start_kernel

        async def _async_shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:
            await super()._async_shutdown_kernel(now=now or is_stopping(), restart=restart)

        shutdown_kernel = _async_shutdown_kernel

    return Manager
