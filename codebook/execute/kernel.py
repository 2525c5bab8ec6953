"""The kernel that runs a notebook: this very Python, quiet, and without start-up files of the user's."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, Any

from codebook.execute.stop_signals import is_stopping
from codebook.paths import STUDY_VARIABLE, project_folder


def make_kernel_manager(workshop: Path, log: IO[bytes], study: Path | None = None) -> type:
    """Return a class of kernel managers that start this Python, whatever kernels the machine has on its path.

    What the kernel process itself says, as when it is killed, goes to `log`. Its connection file, which holds the key
    to it, lies in the workshop. The notebook is told the study that it is a step of. Where this process is being
    stopped, the kernel gets no time to end.
    """
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}  # else figures are lost
    environment |= {"IPYTHONDIR": str(workshop / "ipython"), "CODEBOOK_PROJECT": str(project_folder())}
    environment |= {STUDY_VARIABLE: str(study)} if study else {}

    class ThisPython(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=argv, display_name="Python 3", language="python")

    class Manager(AsyncKernelManager):
        def _connection_file_default(self) -> str:
            return str(workshop / "kernel.json")

        def _kernel_spec_manager_default(self) -> KernelSpecManager:
            return ThisPython()

        async def _async_pre_start_kernel(self, **options: Any) -> Any:
            return await super()._async_pre_start_kernel(
                **{**options, "env": environment, "stdout": log, "stderr": log}
            )

        pre_start_kernel = _async_pre_start_kernel

        async def _async_shutdown_kernel(self, now: bool = False, restart: bool = False) -> None:
            await super()._async_shutdown_kernel(now=now or is_stopping(), restart=restart)

        shutdown_kernel = _async_shutdown_kernel

    return Manager
