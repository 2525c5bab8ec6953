"""The served form in a real browser: by keys alone, as fast as they come, through deaths of the server and of the wire.

`tests/support/serving_deaths.py` kills the server without a browser, often.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from coding_studies import make_coding_study
from lab import LONG_S, list_faint, why_not

from codebook.coding.coding_log import read_acts
from codebook.records import Unit

pytestmark = pytest.mark.slow

SUPPORT = Path(__file__).parents[1] / "support"
REASON = why_not()
"""Why there is no browser to drive."""
IN_BROWSER = pytest.mark.skipif(bool(REASON), reason=REASON)
HOSTILE = "<img src=x onerror='window.hacked=1'><script>window.hacked=1</script>\u202e\x1b[31m &amp; $5 and $6 "
DRAWN = "before => document.querySelector('.cf-end') || document.querySelector('.cf-form').dataset.drawn !== before"


class CodeServer:
    """`codebook code`, as a person starts it; it is started again at the same address."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        words = [sys.executable, "-m", "codebook", "code", "--coder", "ann", "--coder", "ben"]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self.process.stdout
        lines = [self.process.stdout.readline() for _ in range(3)]
        assert "Ctrl-C" in lines[2], lines
        self.addresses = dict(line.strip().split(": ", 1) for line in lines[:2])

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def end(self) -> tuple[int, str]:
        self.process.terminate()
        words, errors = self.process.communicate(timeout=300)
        return self.process.returncode, words + errors


@contextmanager
def coding(browser: Any, project: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[CodeServer, Any]]:
    """A server, and a page of the browser in which every fault of the page is a failure."""
    monkeypatch.setenv("CODEBOOK_CONFIG", str(project / "settings"))
    server, faults = CodeServer(), list[str]()
    try:
        with browser.new_context(viewport={"width": 1200, "height": 900}) as context:
            context.set_default_timeout(LONG_S * 1000)
            outside = re.compile(r"^(?!http://127\.0\.0\.1:|data:|about:)")
            context.on("weberror", lambda fault: faults.append(str(fault.error)))
            context.on("console", lambda said: faults.append(said.text) if "Content Security" in said.text else None)
            context.on("request", lambda request: faults.append(request.url) if outside.match(request.url) else None)
            yield server, context.new_page()
            assert faults == []
    finally:
        server.kill()


def enter(page: Any, address: str) -> None:
    page.goto(address)
    page.locator(".cf-form[data-drawn]").wait_for()


def press(page: Any, key: str) -> None:
    """Press a key as a person does: when the unit was seen; and wait for another one."""
    before = page.locator(".cf-form").get_attribute("data-drawn")
    page.wait_for_timeout(200)
    page.keyboard.press(key)
    page.wait_for_function(DRAWN, arg=before)


def labels_of(coder: str) -> list[dict[str, Any]]:
    acts, torn = read_acts(Path("coding/logs") / f"{coder}.jsonl")
    assert not torn
    return [dict(act) for act in acts if act["act"] == "label"]


@IN_BROWSER
def test_fifty_units_by_keys_alone_with_one_press_each(browser, project, monkeypatch):
    make_coding_study(50)
    with coding(browser, project, monkeypatch) as (server, page):
        enter(page, server.addresses["ann"])
        assert "#" not in page.url
        assert server.addresses["ann"].rpartition("#")[2] not in page.content()
        shown = []
        for n in range(50):
            shown.append(page.locator(".cf-id").inner_text())
            press(page, str(n % 3 + 1))
        page.get_by_text("Nothing is left to code.").wait_for()
        labels = labels_of("ann")
        assert [act["unit"] for act in labels] == shown
        assert [act["label"] for act in labels] == [("sports", "politics", "weather")[n % 3] for n in range(50)]
        assert labels_of("ben") == []
        status, said = server.end()
        assert (status, "Stopped." in said) == (0, True)


@IN_BROWSER
def test_of_presses_as_fast_as_they_come_none_labels_an_unseen_unit_and_none_is_lost_in_silence(
    browser, project, monkeypatch
):
    make_coding_study(250)
    with coding(browser, project, monkeypatch) as (server, page):
        enter(page, server.addresses["ann"])
        for n in range(200):
            page.keyboard.press(str(n % 3 + 1))
        form = page.locator(".cf-form")
        page.wait_for_function("() => document.querySelector('.cf-form').dataset.pending === '0'")
        labels, n_refused = labels_of("ann"), int(form.get_attribute("data-refused"))
        assert len(labels) + n_refused == 200
        assert min(act["ms"] for act in labels) >= 150
        assert len({act["unit"] for act in labels}) == len(labels)
        page.get_by_text("refused so far").wait_for()


@IN_BROWSER
def test_when_the_server_dies_the_page_says_not_saved_and_goes_on_when_it_is_back(browser, project, monkeypatch):
    make_coding_study(30)
    with coding(browser, project, monkeypatch) as (server, page):
        enter(page, server.addresses["ann"])
        press(page, "1")
        lost = page.locator(".cf-lost")
        for n in range(3):
            server.kill()
            page.wait_for_timeout(200)
            page.keyboard.press("2")
            lost.get_by_text("NOT SAVED").wait_for()
            lost.get_by_text("topic: politics").wait_for()
            page.keyboard.press("3")
            assert "Not saved" in page.locator(".cf-notice").inner_text()
            server.start()
            lost.get_by_text("NOT SAVED").wait_for(state="detached")
            press(page, "3")
            labels = labels_of("ann")
            assert len({act["unit"] for act in labels}) == len(labels), f"after death {n + 1}"
            assert [act["label"] for act in labels].count("weather") == n + 1


@IN_BROWSER
def test_when_the_network_is_cut_nothing_is_lost_or_done_twice(browser, project, monkeypatch):
    make_coding_study(30)
    with coding(browser, project, monkeypatch) as (server, page):
        enter(page, server.addresses["ann"])
        for n in range(5):
            page.wait_for_timeout(300)
            page.context.set_offline(True)
            page.keyboard.press("1")
            page.locator(".cf-lost b").wait_for()
            assert len(labels_of("ann")) == n
            page.context.set_offline(False)
            page.locator(".cf-lost b").wait_for(state="detached")
            assert len(labels_of("ann")) == n + 1
        page.reload()
        page.locator(".cf-place", has_text="Unit 6 of 30").wait_for()


@IN_BROWSER
def test_two_windows_and_two_coders_in_one_browser(browser, project, monkeypatch):
    make_coding_study(30)
    with coding(browser, project, monkeypatch) as (server, page):
        enter(page, server.addresses["ann"])
        press(page, "1")
        other, again = page.context.new_page(), page.context.new_page()
        enter(other, server.addresses["ben"])
        press(other, "2")
        press(page, "1")
        enter(again, server.addresses["ann"])
        press(again, "3")
        page.keyboard.press("2")
        page.get_by_text("opened in another window").first.wait_for()
        page.keyboard.press("2")
        page.get_by_text("only reads").first.wait_for()
        assert [act["label"] for act in labels_of("ann")] == ["sports", "sports", "weather"]
        assert [act["label"] for act in labels_of("ben")] == ["politics"]


@IN_BROWSER
def test_hostile_long_and_right_to_left_texts_in_all_themes_and_widths(browser, project, monkeypatch, tmp_path):
    from axe_playwright_python.sync_playwright import Axe

    texts = {
        "hostile": HOSTILE * 3,
        "long": "A long sentence about the rain. " * 1000,
        "arabic": "هذا نص عن المطر. " * 40,
    }
    units = [Unit(name, text, {HOSTILE: HOSTILE}) for name, text in texts.items()]
    make_coding_study(3, units=units)
    with coding(browser, project, monkeypatch) as (server, page):
        enter(page, server.addresses["ann"])
        axe = Axe()
        for _ in units:
            name = page.locator(".cf-id").inner_text()
            assert texts[name][:60] in page.locator(".cf-text").text_content(), "shown as text"
            for scheme, width in (("light", 1200), ("dark", 1200), ("dark", 600), ("light", 420)):
                page.emulate_media(color_scheme=scheme)
                page.set_viewport_size({"width": width, "height": 900})
                page.screenshot(path=tmp_path / f"{name}-{scheme}-{width}.png")
                assert not list_faint(page.locator("body")), (name, scheme)
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, width)
            assert axe.run(page).response["violations"] == [], name
            press(page, "1")
        assert page.evaluate("window.hacked") is None
        assert len(labels_of("ann")) == 3


def run_deaths(folder: Path, *words: str) -> dict[str, Any]:
    program = [sys.executable, str(SUPPORT / "serving_deaths.py"), str(folder), *words]
    done = subprocess.run(program, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_of_two_hundred_kills_no_acknowledged_act_is_lost_none_is_doubled_and_no_line_is_torn(tmp_path):
    counted = run_deaths(tmp_path / "killed", "200", "1")
    assert sum(counted["deaths"].values()) == 200
    assert min(counted["deaths"].get(moment, 0) for moment in ("any", "before", "half", "written", "on disk")) > 0
    assert counted["acknowledged"] > 200
    assert (counted["lost"], counted["doubled"], counted["unasked"], counted["torn"]) == ([], [], [], 0)
    assert counted["set_aside"] == counted["deaths"]["half"], "what a kill left of a line is kept beside the log"


def test_a_disk_that_is_full_at_every_act_writes_nothing_and_says_so(tmp_path):
    counted = run_deaths(tmp_path / "full", "full", "60", "1")
    assert {counted[name] for name in ("refused", "said", "unchanged", "done", "lines")} == {60}
    assert counted["torn"] == 0
