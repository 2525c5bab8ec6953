"""The kernel that runs a notebook: this very Python, quiet, and without start-up files of the user's."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from codebook.paths import project_folder

_PROFILE = """\
c = get_config()
c.IPKernelApp.log_level = 'ERROR'  # ipykernel 7.3+ warns at every start that it uses TCP
c.InteractiveShell.automagic = False  # else a cell of the one line `run: str = "x"` is taken for %run
"""


@contextmanager
def make_workshop() -> Iterator[Path]:
    """Make a temporary folder with an IPython profile of its own, so that no start-up file takes part."""
    with tempfile.TemporaryDirectory(prefix="codebook-", ignore_cleanup_errors=True) as folder:
        profile = Path(folder, "ipython", "profile_default")
        profile.mkdir(parents=True)
        (profile / "ipython_kernel_config.py").write_text(_PROFILE)
        yield Path(folder)


def make_kernel_manager(workshop: Path, log: IO[bytes]) -> type:
    """Return a class of kernel managers that start this Python, whatever kernels the machine has on its path.

    What the kernel process itself says, as when it is killed, goes to `log`.
    """
    from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager

    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}  # else figures are lost
    environment |= {"IPYTHONDIR": str(workshop / "ipython"), "CODEBOOK_PROJECT": str(project_folder())}

    class ThisPython(KernelSpecManager):
        def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
            argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            return KernelSpec(argv=argv, display_name="Python 3", language="python")

    class Manager(AsyncKernelManager):
        def _kernel_spec_manager_default(self) -> KernelSpecManager:
            return ThisPython()

        async def _async_pre_start_kernel(self, **options: Any) -> Any:
            return await super()._async_pre_start_kernel(
                **{**options, "env": environment, "stdout": log, "stderr": log}
            )

        pre_start_kernel = _async_pre_start_kernel

    return Manager
