"""The fake service as a process of its own, for tests whose clients are killed."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import orjson

from fakes.fake_openai import KEY


class FakeProcess:
    """`FakeOpenAI` in another process, while the `with` block lasts; orders and state go over HTTP.

    `options` are those of the command line, such as `auto="at once"`, `reply="plain"`.
    """

    key = KEY

    def __init__(self, folder: Path, **options: str) -> None:
        given = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
        self._command = [sys.executable, "-m", "fakes.fake_openai", "--folder", str(folder), *given]
        self.base_url = ""

    def __enter__(self) -> FakeProcess:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.base_url = self._process.stdout.readline().strip()
        assert self.base_url, "the fake service did not start"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # its standard input ends, and so does it
        assert self._process.returncode == 0

    def do(self, name: str, *args: Any, **options: Any) -> None:
        """Call a method of the fake: `do("fault", "batches.create", "lost answer")`, `do("advance", hours=25)`."""
        self._post({"do": name, "args": args, "options": options})

    def set(self, **values: Any) -> None:
        """Set attributes of the fake: `set(auto=False)`."""
        self._post({"set": values})

    def state(self) -> dict[str, Any]:
        """What the fake has seen and done: see `FakeOpenAI.state`."""
        with urllib.request.urlopen(self.base_url.removesuffix("/v1") + "/state") as answer:
            return dict(orjson.loads(answer.read()))

    def _post(self, order: dict[str, Any]) -> None:
        url = self.base_url.removesuffix("/v1") + "/control"
        with urllib.request.urlopen(urllib.request.Request(url, orjson.dumps(order), method="POST")) as answer:
            assert answer.status == 200
