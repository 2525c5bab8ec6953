"""From a key to the next text on the screen: our coding form, beside other tools of people who code.

    python benchmarks/coding_form.py                                      # ours, 100 units
    python benchmarks/coding_form.py --label-studio VENV --potato VENV    # and others, each out of a venv of its own

The others are no dependency: `python -m venv VENV` and `VENV/bin/pip install label-studio` (or `potato-annotation`) put
them where they are looked for. All run on this machine in one Chromium, one after the other, by keys alone, with the
same texts and one question. What is timed stands in the page: from the last key of a unit until the frame after the one
in which another text is seen; a person's second to read lies before each key and is not counted.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CODES = ("sports", "politics", "weather")
READ_S = 0.4
"""How long a text is looked at before it is decided."""
LONG_S = 120
WATCH = """
(() => {
  const now = () => performance.timeOrigin + performance.now();
  const seen = () => (document.body?.innerText.match(/Post number (\\d+)/) ?? [])[1];
  let last = sessionStorage.last;
  addEventListener('keydown', () => { sessionStorage.pressed = now(); }, true);
  const look = () => {
    const unit = seen();
    if (unit && unit !== last) {
      last = sessionStorage.last = unit;
      requestAnimationFrame(() => { sessionStorage.drawn = JSON.stringify([unit, now() - sessionStorage.pressed]); });
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""
"""Notes when another text is seen, and how long after the last key; survives that the page is loaded anew."""
DRAWN = "before => JSON.parse(sessionStorage.drawn ?? '[]')[0] !== before && sessionStorage.drawn"


@dataclass(frozen=True)
class Tool:
    """A tool as it is served, and the keys that label a unit and go on to the next."""

    address: str
    keys: Callable[[int], Sequence[str]]
    prepare: Callable[[Any], None] = lambda page: None


def write_texts(n_units: int) -> list[str]:
    return [f"Post number {n} is about a match, a vote and the rain of day {n}." for n in range(n_units)]


# -- the tools


@contextmanager
def serve_ours(folder: Path, n_units: int) -> Iterator[Tool]:
    """`codebook code`, as a person starts it."""
    from codebook.coding.assignments import assign, write_assignment
    from codebook.records import Unit
    from codebook.scheme import parse_codebook

    (folder / "study.yaml").write_text("study: bench\n", encoding="utf-8")
    categories = ", ".join(f"{{name: {name}}}" for name in CODES)
    variable = f"{{name: topic, question: What is it, kind: single, level: nominal, categories: [{categories}]}}"
    units = [Unit(f"u{n}", text) for n, text in enumerate(write_texts(n_units + 1))]
    os.environ["CODEBOOK_PROJECT"] = str(folder)
    book = parse_codebook(f"name: bench\nunit: a post\nvariables: [{variable}]\n")
    write_assignment(assign(units, ["ann"]), book, units)
    command = [sys.executable, "-m", "codebook", "code", "--coder", "ann"]
    with start(command, folder, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        address = process.stdout.readline().decode().split()[-1]
        yield Tool(address, lambda n: [str(n % 3 + 1)])


@contextmanager
def serve_label_studio(venv: Path, folder: Path, n_units: int) -> Iterator[Tool]:
    """Label Studio with one project; "Label All Tasks" is opened by its address."""
    port, token = free_port(), "0123456789abcdef0123456789abcdef01234567"
    choices = "".join(f'<Choice value="{name}" hotkey="{n}"/>' for n, name in enumerate(CODES, start=1))
    config = f'<View><Text name="text" value="$text"/><Choices name="topic" toName="text">{choices}</Choices></View>'
    person = ["--username", "ann@example.org", "--password", "a-long-password", "--user-token", token]
    command = [
        str(venv / "bin" / "label-studio"),
        "start",
        "bench",
        "--init",
        "--no-browser",
        "--data-dir",
        str(folder),
    ]
    command += ["--port", str(port), "--internal-host", "127.0.0.1", *person, "--enable-legacy-api-token"]
    address = f"http://127.0.0.1:{port}"
    with start(command, folder):
        wait_for(f"{address}/user/login/")
        head = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
        made = call(f"{address}/api/projects", {"title": "bench", "label_config": config}, head)
        tasks = [{"text": text} for text in write_texts(n_units + 1)]
        call(f"{address}/api/projects/{made['id']}/import", tasks, head)

        def log_in(page: Any) -> None:
            page.goto(f"{address}/user/login/")
            page.fill("input[name=email]", person[1])
            page.fill("input[name=password]", person[3])
            page.keyboard.press("Enter")
            page.wait_for_load_state("networkidle")

        yield Tool(
            f"{address}/projects/{made['id']}/data?labeling=1", lambda n: [str(n % 3 + 1), "Control+Enter"], log_in
        )


@contextmanager
def serve_potato(venv: Path, folder: Path, n_units: int) -> Iterator[Tool]:
    """Potato with one question, as its default is: a key labels, an arrow goes on."""
    port = free_port()
    with (folder / "posts.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [("id", "text"), *((f"u{n}", text) for n, text in enumerate(write_texts(n_units + 1)))]
        )
    labels = [{"name": name, "key_value": str(n)} for n, name in enumerate(CODES, start=1)]
    scheme = {"annotation_type": "radio", "name": "topic", "description": "What is it about?", "labels": labels}
    config = {
        "annotation_task_name": "bench", "task_dir": ".", "data_files": ["posts.csv"], "output_annotation_dir": "out",
        "output_annotation_format": "json", "item_properties": {"id_key": "id", "text_key": "text"}, "port": port,
        "annotation_schemes": [scheme], "user_config": {"allow_all_users": True, "users": []}, "host": "127.0.0.1",
        "require_password": False, "alert_time_each_instance": 10_000_000, "site_dir": "default",
    }  # fmt: skip
    (folder / "config.yaml").write_text(json.dumps(config), encoding="utf-8")
    command = [str(venv / "bin" / "python"), "-m", "potato", "start", "config.yaml", "-p", str(port)]
    address = f"http://127.0.0.1:{port}"
    with start(command, folder):
        wait_for(address)

        def log_in(page: Any) -> None:
            page.goto(address)
            page.locator("input[type=text], input[type=email]").first.fill("ann")
            page.keyboard.press("Enter")
            page.wait_for_load_state("networkidle")

        yield Tool(f"{address}/annotate", lambda n: [str(n % 3 + 1), "ArrowRight"], log_in)


@contextmanager
def start(command: Sequence[str], folder: Path, **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A server in a process group of its own, which is ended as a whole."""
    with (folder / "server.log").open("wb") as log:
        sinks = {"stdout": log, "stderr": subprocess.STDOUT} | more
        process = subprocess.Popen(command, cwd=folder, start_new_session=True, **sinks)
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def free_port() -> int:
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for(address: str) -> None:
    end = time.monotonic() + LONG_S
    while time.monotonic() < end:
        with suppress(OSError), urllib.request.urlopen(address, timeout=10):
            return
        time.sleep(0.5)
    raise TimeoutError(address)


def call(address: str, body: object, headers: dict[str, str]) -> Any:
    request = urllib.request.Request(address, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=LONG_S) as answer:
        return json.loads(answer.read())


# -- the measuring


def time_keys(browser: Any, tool: Tool, n_units: int) -> tuple[list[float], int, int]:
    """Milliseconds from the last key of each unit to the next one drawn; the keys pressed; and units that stayed."""
    page = browser.new_context().new_page()
    page.set_default_timeout(LONG_S * 1000)
    tool.prepare(page)
    page.add_init_script(WATCH)
    page.goto(tool.address)
    page.wait_for_function("() => sessionStorage.last", timeout=LONG_S * 1000)
    times, n_keys, n_stayed = [], 0, 0
    for n in range(n_units):
        before = page.evaluate("sessionStorage.last")
        time.sleep(READ_S)
        for key in tool.keys(n):
            page.keyboard.press(key)
            n_keys += 1
        try:
            times.append(json.loads(page.wait_for_function(DRAWN, arg=before, timeout=10_000).json_value())[1])
        except Exception as error:  # noqa: BLE001 - of the browser's own kind
            n_stayed += 1
            print(f"    unit {n} stayed: {str(error).splitlines()[0]}", file=sys.stderr)
    page.context.close()
    return times, n_keys, n_stayed


def name_version(venv: Path | None, package: str) -> str:
    if venv is None:
        return ""
    show = f"from importlib.metadata import version; print(version('{package}'))"
    return subprocess.run([str(venv / "bin" / "python"), "-c", show], capture_output=True, text=True).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--units", type=int, default=100)
    parser.add_argument("--label-studio", type=Path, help="venv in which it is installed")
    parser.add_argument("--potato", type=Path, help="venv in which it is installed")
    options = parser.parse_args()
    from playwright.sync_api import sync_playwright

    tools: dict[str, Callable[[Path], Any]] = {"codebook code": lambda folder: serve_ours(folder, options.units)}
    if venv := options.label_studio:
        name = f"Label Studio {name_version(venv, 'label-studio')}"
        tools[name] = lambda folder: serve_label_studio(options.label_studio.resolve(), folder, options.units)
    if venv := options.potato:
        name = f"Potato {name_version(venv, 'potato-annotation')}"
        tools[name] = lambda folder: serve_potato(options.potato.resolve(), folder, options.units)
    print(
        f"{'tool':24s} {'units':>5s} {'presses':>8s} {'median ms':>10s} {'95 % ms':>8s} {'most ms':>8s} {'stayed':>6s}"
    )
    with sync_playwright() as playwright, ExitStack() as stack:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        stack.callback(browser.close)
        for name, serve in tools.items():
            with tempfile.TemporaryDirectory() as folder, serve(Path(folder)) as tool:
                times, n_keys, n_stayed = time_keys(browser, tool, options.units)
            late = statistics.quantiles(times, n=20)[-1] if len(times) > 1 else max(times, default=float("nan"))
            middle = statistics.median(times) if times else float("nan")
            figures = f"{middle:10.0f} {late:8.0f} {max(times, default=float('nan')):8.0f} {n_stayed:6d}"
            print(f"{name:24s} {options.units:5d} {n_keys / options.units:8.2f} {figures}")


if __name__ == "__main__":
    main()
