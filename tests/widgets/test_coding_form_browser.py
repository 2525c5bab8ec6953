"""The coding form in JupyterLab, in a real browser; and the same notebook under papermill."""

from __future__ import annotations

import json
import os
import random
import signal
from pathlib import Path
from typing import Any

import nbformat
import pytest
from lab import Lab, find_address, list_faint, open_browser, serve_lab, why_not

from codebook.coding import assign, write_assignment
from codebook.execute import run_notebook
from codebook.records import Unit
from codebook.scheme import parse_codebook

pytestmark = pytest.mark.slow
REASON = why_not()
BOOK = parse_codebook("""
name: posts
unit: a post
variables:
  - {name: topic, question: "Which topic?", kind: single, level: nominal, categories: [coal, sports, war]}
""")
CELLS = (
    "import os, time\nfrom pathlib import Path\nimport codebook as cb\nPath('pid').write_text(str(os.getpid()))",
    'form = cb.widgets.show_coding_form("ann")\nform',
)
SLOW = """\
act = form.session.act
form.session.act = lambda message: time.sleep(0.3) or act(message)"""
_TIMES = """() => {
  window.times = [];
  document.addEventListener('keydown', event => { window.pressed = event.timeStamp; }, true);
  const form = document.querySelector('.cf-form');
  new MutationObserver(() => form.dataset.drawn && window.times.push(performance.now() - window.pressed))
    .observe(form, {attributes: true, attributeFilter: ['data-drawn']});
}"""
_READY = """place => {
  const form = document.querySelector('.cf-form');
  return form?.dataset.pending === '0' && form.querySelector('.cf-place')?.textContent.startsWith(`Unit ${place} of `)
    && form.dataset.drawn && form.dataset.place === String(place);
}"""


def write_project(project: Path, n_units: int, cells: tuple[str, ...] = CELLS) -> None:
    units = [Unit(f"u{n:03}", f"Post number {n} about coal.") for n in range(n_units)]
    write_assignment(assign(units, ["ann", "ben"]), BOOK, units, study="posts")
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in cells], metadata=kernel)
    nbformat.write(notebook, project / "coding.ipynb")


def read_labels(project: Path) -> list[dict[str, Any]]:
    lines = (project / "coding" / "logs" / "ann.jsonl").read_text(encoding="utf-8").splitlines()
    return [act for act in map(json.loads, lines) if act["act"] == "label"]


class Coder:
    """A person at the form of a notebook."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.page = lab, lab.page
        self.form = lab.page.locator(".cf-form")

    def begin(self, place: int) -> None:
        self.lab.run_all()
        self.wait(place)
        self.page.locator(".cf-left").focus()

    def wait(self, place: int) -> None:
        """Until a unit was on the screen for long enough."""
        self.page.wait_for_function(_READY, arg=place)
        self.page.wait_for_timeout(170)

    def code(self, first: int, n: int) -> None:
        for place in range(first, first + n):
            self.wait(place)
            self.page.keyboard.press(random.Random(place).choice("123"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


@pytest.mark.skipif(bool(REASON), reason=REASON)
def test_a_person_codes_in_jupyterlab(project, home, tmp_path):
    write_project(project, 70)
    with serve_lab(project, home), open_browser() as page:
        lab = Lab(page, find_address(home), "coding.ipynb")
        coder = Coder(lab)
        coder.begin(1)
        page.screenshot(path=tmp_path / "1-opened.png")

        # one press a unit: coded, saved, and the next one shown
        page.evaluate(_TIMES)
        coder.code(1, 50)
        coder.wait(51)
        assert len(read_labels(project)) == 50
        times = sorted(page.evaluate("window.times"))
        print(f"ms from key to next unit: median {times[25]:.0f}, 95 % {times[47]:.0f}")
        assert times[25] < 1000

        # no key reaches the notebook, and what means nothing is said to
        n_cells = lab.n_cells()
        page.keyboard.type("ddybxa")
        assert lab.n_cells() == n_cells
        coder.form.get_by_text("No code and no command has the key a.").first.wait_for()

        # in both themes and on narrow screens all words can be read
        for theme in ("Dark", "Light"):
            lab.set_theme(theme)
            assert not list_faint(coder.form), theme
            page.screenshot(path=tmp_path / f"2-{theme}.png")
        lab.command("application:toggle-left-area")
        for width in (600, 420):
            page.set_viewport_size({"width": width, "height": 1200})
            page.screenshot(path=tmp_path / f"3-{width}.png")
            assert coder.form.evaluate("node => node.scrollWidth <= node.clientWidth + 1"), width
        page.set_viewport_size({"width": 1500, "height": 1200})

        lab.save()

        # a second tab shows the same, and hears of what the first one does
        other = Lab(page.context.browser.new_page(), find_address(home), "coding.ipynb")
        second = Coder(other)
        second.wait(51)
        page.bring_to_front()
        page.locator(".cf-left").focus()
        coder.code(51, 1)
        second.page.bring_to_front()
        second.wait(52)
        second.page.locator(".cf-left").focus()
        second.code(52, 1)
        second.wait(53)
        second.page.close()
        assert len(read_labels(project)) == 52

        # the page is loaded again: the same unit, and it goes on
        page.once("dialog", lambda dialog: dialog.accept())
        again = Lab(page, find_address(home), "coding.ipynb")
        coder = Coder(again)
        coder.wait(53)
        page.locator(".cf-left").focus()
        coder.code(53, 2)
        coder.wait(55)

        # the kernel is killed: what is pressed is NOT SAVED, and the form says so
        with again.until_restarted():
            os.kill(int((project / "pid").read_text()), signal.SIGKILL)
            page.keyboard.press("1")
            coder.form.locator(".cf-lost").get_by_text("run this cell again").wait_for()
            coder.form.locator(".cf-lost").get_by_text("NOT SAVED").wait_for()
            page.screenshot(path=tmp_path / "4-killed.png")
        assert len(read_labels(project)) == 54
        # JupyterLab's own word on it is clicked away
        page.evaluate("() => void setInterval(() => document.querySelector('.jp-Dialog button')?.click(), 200)")

        # and opens at the same unit
        coder.begin(55)
        coder.code(55, 1)
        coder.wait(56)
        assert len(read_labels(project)) == 55
        assert len({label["unit"] for label in read_labels(project)}) == 55


@pytest.mark.skipif(bool(REASON), reason=REASON)
def test_fast_keys_label_nothing_unseen_in_jupyterlab(project, home):
    write_project(project, 60, (*CELLS, SLOW))
    with serve_lab(project, home), open_browser() as page:
        coder = Coder(Lab(page, find_address(home), "coding.ipynb"))
        coder.begin(1)
        for key in random.Random(2).choices("123", k=200):
            page.keyboard.press(key)
            page.wait_for_timeout(30)
        page.wait_for_function("() => document.querySelector('.cf-form').dataset.pending === '0'")
        labels, refused = read_labels(project), int(coder.form.get_attribute("data-refused") or 0)
        print(f"{len(labels)} labels, {refused} refused")
        assert all(label["ms"] >= 150 for label in labels)
        assert len(labels) >= 3
        assert len(labels) + refused == 200


def test_the_same_notebook_under_papermill_shows_the_table(project):
    write_project(project, 8, (*CELLS, "for label in ['coal', 'war']:\n    form.session.label(label)\nform"))
    done = run_notebook(project / "coding.ipynb").path
    executed = json.loads(done.read_text(encoding="utf-8"))
    bundles = [output["data"] for cell in executed["cells"] for output in cell.get("outputs", []) if "data" in output]
    assert all(set(bundle) == {"text/plain", "text/html"} for bundle in bundles[1:])
    assert "".join(bundles[-1]["text/plain"]).startswith("ann, main: 2 of 8 units coded, 6 left.")
