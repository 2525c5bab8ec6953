"""JupyterLab as a person has it: a server of its own and a browser, for tests of what shows and what is pressed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Any

import orjson

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LONG_S = 300
"""What is waited for at the longest: a busy machine is no fault."""
_SETTINGS = {
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension/plugin.jupyterlab-settings": {"autosave": False},
}


def why_not() -> str:
    """Why no browser can be driven here, or ''; under CI nothing is skipped, so that what is missing there fails."""
    if os.environ.get("CI"):
        return ""
    if CHROMIUM is None:
        return "no Chromium is installed, so nothing can be shown"
    missing = [name for name in ("jupyterlab", "playwright") if find_spec(name) is None]  # to import them takes seconds
    return f"{missing[0]} is not installed: make setup" if missing else ""


@contextmanager
def serve_lab(project: Path, home: Path, command: Sequence[str] = ()) -> Iterator[None]:
    """JupyterLab on a project, with settings of its own below `home`; `find_address(home)` says where it answers.

    `command` starts it in another way, with the settings that it has from its makers.
    """
    command = command or [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.port=0"),
        *("--ServerApp.ip=127.0.0.1", "--IdentityProvider.token="),
        *(f"--ServerApp.root_dir={project}", "--LabApp.expose_app_in_browser=True"),
        *(f"--LabApp.user_settings_dir={_write_settings(home)}", f"--LabApp.workspaces_dir={home / 'workspaces'}"),
    ]
    environment = _environment(project, home)
    with (home / "lab.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=project, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield
    finally:
        process.terminate()
        process.wait(LONG_S)


def _environment(project: Path, home: Path) -> dict[str, str]:
    ipython = home / "ipython" / "profile_default"
    ipython.mkdir(parents=True)
    (ipython / "ipython_kernel_config.py").write_text("c = get_config(); c.IPKernelApp.log_level = 'ERROR'\n")
    jupyter = {f"JUPYTER_{kind}_DIR": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    return {
        **os.environ,
        **jupyter,
        "HOME": str(home),
        "IPYTHONDIR": str(ipython.parent),
        "CODEBOOK_PROJECT": str(project),
    }


def _write_settings(home: Path) -> Path:
    folder = home / "settings"
    for name, values in _SETTINGS.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(orjson.dumps(values))
    return folder


def find_address(home: Path) -> str:
    """Wait until JupyterLab answers, at the port that it took, and return its address."""
    end = monotonic() + LONG_S
    while monotonic() < end:
        for told in (home / "runtime").glob("jpserver-*.json"):
            with suppress(urllib.error.URLError, orjson.JSONDecodeError):
                address = f"http://127.0.0.1:{orjson.loads(told.read_bytes())['port']}"
                with urllib.request.urlopen(f"{address}/api/status", timeout=LONG_S):
                    return address
        Event().wait(0.1)
    raise AssertionError(f"JupyterLab did not answer: {(home / 'lab.log').read_text(errors='replace')[-2000:]}")


@contextmanager
def start_browser() -> Iterator[Any]:
    """Chromium; while it runs, this thread has a loop of asyncio, and notebooks cannot be run in it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def open_window(browser: Any) -> Iterator[Any]:
    """A page of a browser that shares nothing with the other ones."""
    with browser.new_page(viewport={"width": 1500, "height": 1200}) as page:
        page.set_default_timeout(LONG_S * 1000)
        yield page


@contextmanager
def open_browser() -> Iterator[Any]:
    """A page of Chromium that was started for it."""
    with start_browser() as browser, open_window(browser) as page:
        yield page


def do_in_page(page: Any, script: str, arg: Any = None) -> None:
    """Let a page do what takes its time, and wait until it is done; `evaluate` alone would wait for ever."""
    late = f"new Promise((_, fail) => setTimeout(() => fail(new Error('not done in {LONG_S} s')), {LONG_S * 1000}))"
    page.evaluate(f"arg => Promise.race([({script})(arg), {late}]).then(() => null)", arg)


class Lab:
    """A notebook that is open in JupyterLab."""

    def __init__(self, page: Any, address: str, notebook: str) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(f"{address}/lab/tree/{notebook}?reset")
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel")

    def command(self, name: str, **options: Any) -> None:
        """Do one of JupyterLab's commands."""
        script = "([name, options]) => window.jupyterapp.commands.execute(name, options)"
        do_in_page(self.page, script, [name, options])

    def run_all(self) -> None:
        """Run all cells, and wait until the last one is done, or one has failed."""
        self.command("notebook:run-all-cells")
        self.page.wait_for_function(
            """() => { const cells = window.jupyterapp.shell.currentWidget.content.model.cells;
            const code = [...Array(cells.length).keys()].map(n => cells.get(n)).filter(c => c.type == 'code');
            const failed = ({outputs}) => [...Array(outputs.length).keys()].some(n => outputs.get(n).type == 'error');
            return code.every(cell => cell.executionCount) || code.some(failed) }"""
        )

    def set_theme(self, name: str) -> None:
        """Show everything in JupyterLab's light or dark theme."""
        self.command("apputils:change-theme", theme=f"JupyterLab {name}")
        is_light = str(name == "Light").lower()
        self.page.locator(f"body[data-jp-theme-light={is_light}]").wait_for(state="attached")

    def restart(self) -> None:
        """Restart the kernel; what the cells show stays."""
        do_in_page(self.page, "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")

    @contextmanager
    def until_restarted(self) -> Iterator[None]:
        """In it the kernel dies; wait for the next one, since what a dead one is asked before it is missed is lost."""
        self.page.evaluate(
            """() => { const context = window.jupyterapp.shell.currentWidget.sessionContext; window.restarted = false;
            context.statusChanged.connect((_, status) => { window.restarted ||= status === 'autorestarting'; }); }"""
        )
        yield
        self.page.wait_for_function(
            """() => window.restarted
            && window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.status === 'idle'"""
        )

    def save(self) -> None:
        """Save the notebook with its outputs."""
        do_in_page(self.page, "() => window.jupyterapp.shell.currentWidget.context.save()")

    def end(self) -> None:
        """Save the notebook, and end its kernel."""
        self.save()
        do_in_page(self.page, "() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")

    def n_cells(self) -> int:
        """How many cells the notebook has."""
        return int(self.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.model.cells.length"))


_FAINT = """node => {
  const parse = text => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number), most = text.startsWith('color(') ? 255 : 1;
    return [r * most, g * most, b * most, a];
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((part, n) => part * a + below[n] * (1 - a)).concat(1);
  const above = node => node ? [node, ...above(node.parentElement)] : [];
  const paper = node => above(node).reverse().map(each => parse(getComputedStyle(each).backgroundColor))
    .reduce((below, colour) => over(colour, below), [255, 255, 255, 1]);
  const shine = colour => [0.2126, 0.7152, 0.0722].reduce((sum, share, n) => {
    const part = colour[n] / 255;
    return sum + share * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  }, 0);
  const texts = document.createTreeWalker(node, NodeFilter.SHOW_TEXT), faint = [];
  while (texts.nextNode()) {
    const words = texts.currentNode.textContent.trim(), holder = texts.currentNode.parentElement;
    if (!words || holder.matches('style, option') || !holder.checkVisibility() || holder.closest(':disabled')) continue;
    const behind = paper(holder), ink = parse(getComputedStyle(holder).color);
    ink[3] *= above(holder).reduce((all, each) => all * getComputedStyle(each).opacity, 1);
    const [low, high] = [shine(over(ink, behind)), shine(behind)].sort((a, b) => a - b);
    const contrast = (high + 0.05) / (low + 0.05);
    if (contrast < 4.5) faint.push(`${words.slice(0, 40)}: ${contrast.toFixed(2)}`);
  }
  return faint;
}"""


def list_faint(place: Any) -> list[str]:
    """The words of a place of a page that have less contrast to what is behind them than 4.5 to 1."""
    return list(place.evaluate(_FAINT))
