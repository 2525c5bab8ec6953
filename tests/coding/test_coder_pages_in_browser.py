"""A coder's page in a real browser, opened as a file: coded by keys, left, opened again, saved, and read back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from lab import list_faint, why_not

from codebook.coding.assignments import assign, write_assignment
from codebook.coding.handouts.handing import write_pages
from codebook.coding.handouts.page_answers import read_page
from codebook.coding.session_opening import open_session
from codebook.records import Unit
from codebook.scheme import parse_codebook

pytestmark = pytest.mark.slow

REASON = why_not()
needs_browser = pytest.mark.skipif(bool(REASON), reason=REASON)
BOOK = """
name: coal
unit: a post
variables:
  - {name: topic, question: "What?", kind: single, level: nominal, categories: [jobs, health], abstain: [unclear]}
"""
HOSTILE = "<img src=x onerror=alert(1)></script><script>alert(2)</script>"
UNITS = [Unit(f"u{n}", f"Post number {n}. {HOSTILE if n == 3 else ''}") for n in range(24)]


@pytest.fixture
def page_file(project: Path) -> Path:
    write_assignment(assign(UNITS, ["ann"]), parse_codebook(BOOK), UNITS, folder="coding", study="coal & <b>us</b>")
    return write_pages().paths[0]


DONE_OR_REFUSED = """([words, before]) => document.querySelector('.cf-head').textContent.includes(words)
  || document.querySelector('.cf-form').dataset.refused !== before"""


class Coder:
    """Somebody who opens the page and codes by keys."""

    def __init__(self, page: Any, file: Path) -> None:
        self.page, self.address = page, file.as_uri()
        self.errors, self.requests, self.dialogs = list[str](), list[str](), list[str]()
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("dialog", self._answer)
        page.set_default_timeout(60_000)
        page.goto(self.address)
        self.wait_for_unit()

    def _answer(self, dialog: Any) -> None:
        self.dialogs.append(dialog.type)
        dialog.accept()

    def wait_for_unit(self) -> None:
        self.page.locator(".cf-form").get_by_text("Post number").first.wait_for()

    def press(self, key: str, n: int) -> None:
        """Press a key until it is taken, which a unit that was only just drawn refuses; then so many are coded."""
        for _ in range(20):
            self.page.wait_for_timeout(200)
            before = self.page.locator(".cf-form").get_attribute("data-refused")
            self.page.keyboard.press(key)
            self.page.wait_for_function(DONE_OR_REFUSED, arg=[f"{n} of 24", before])
            if self.page.locator(".cf-form").get_attribute("data-refused") == before:
                return
        pytest.fail(f"{key} was never taken")

    def progress(self, n: int) -> None:
        self.page.wait_for_function(DONE_OR_REFUSED, arg=[f"{n} of 24", "0"])

    def save(self, to: Path) -> str:
        with self.page.expect_download() as download:
            self.page.get_by_role("button", name="Save my answers").click()
        download.value.save_as(to)
        return str(download.value.suggested_filename)


@needs_browser
def test_twenty_units_coded_undone_left_and_saved_come_back_as_they_were_coded(window, page_file, tmp_path):
    coder = Coder(window, page_file)
    keys = ["1", "2", "x"] * 6 + ["1", "2"]
    for at, key in enumerate(keys):
        coder.press(key, at + 1)
    coder.press("u", 19)
    coder.press("f", 19)
    coder.press("x", 20)
    window.get_by_text("steps not saved in a file yet").wait_for()
    window.screenshot(path=tmp_path / "coded.png")
    window.reload()
    coder.wait_for_unit()
    coder.progress(20)
    assert coder.dialogs == ["beforeunload"]
    window.get_by_text("Your answers of last time are here.").wait_for()
    assert coder.save(tmp_path / "back.jsonl") == "coal-b-us-b.ann.answers.jsonl"
    window.get_by_text("Send this file back.").wait_for()
    window.reload()
    coder.wait_for_unit()
    assert coder.dialogs == ["beforeunload"], "what is saved may be left"
    assert len(read_page(tmp_path / "back.jsonl").changes) == 21
    assert not read_page(tmp_path / "back.jsonl").changes
    with open_session("ann") as session:
        labels = [session.state.answers(row.turn).get("topic") for row in session.plan.rows]
        assert session.progress()["flagged"] == 1
    meant = dict(zip("12x", ("jobs", "health", "unclear"), strict=True))
    assert labels == [*(meant[key] for key in keys[:19]), "unclear", *[None] * 4]
    assert coder.errors == []
    assert {address.partition(":")[0] for address in coder.requests} <= {"file", "blob"}


@needs_browser
def test_without_a_safety_copy_the_page_says_so_and_goes_on_from_a_saved_file(window, page_file, tmp_path):
    window.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })")
    coder = Coder(window, page_file)
    window.get_by_text("This browser keeps no safety copy of your answers.").wait_for()
    for at, key in enumerate("12x"):
        coder.press(key, at + 1)
    coder.save(tmp_path / "back.jsonl")
    window.reload()
    coder.progress(0)
    window.locator("#saved-file").set_input_files(tmp_path / "back.jsonl")
    coder.progress(3)
    coder.press("u", 2)
    (tmp_path / "wrong.jsonl").write_text(json.dumps({"n": 1, "act": "open"}) + "\n")
    window.locator("#saved-file").set_input_files(tmp_path / "wrong.jsonl")
    window.get_by_text("wrong.jsonl was not taken: it was not saved by this page.").wait_for()
    coder.save(tmp_path / "again.jsonl")
    assert len((tmp_path / "again.jsonl").read_text().splitlines()) == 5
    assert [error for error in coder.errors if "no" not in error] == []


@needs_browser
def test_a_second_window_of_the_page_is_read_only(browser, page_file):
    windows = browser.new_context()
    coder, other = Coder(windows.new_page(), page_file), Coder(windows.new_page(), page_file)
    coder.press("1", 1)
    other.page.wait_for_timeout(300)
    other.page.keyboard.press("2")
    other.page.get_by_text("this page is open in another window").first.wait_for()


@needs_browser
def test_all_words_can_be_read_in_both_themes_and_on_a_narrow_screen(window, page_file, tmp_path):
    coder = Coder(window, page_file)
    coder.press("1", 1)
    for scheme in ("light", "dark"):
        for width in (1400, 600, 420):
            window.emulate_media(color_scheme=scheme)
            window.set_viewport_size({"width": width, "height": 900})
            window.wait_for_timeout(150)
            window.screenshot(path=tmp_path / f"{scheme}-{width}.png")
            assert not list_faint(window.locator("body")), (scheme, width)
            assert window.evaluate("document.documentElement.scrollWidth <= innerWidth"), (scheme, width)
