"""The board and the viewer in JupyterLab, in a real browser; and the same notebook under papermill."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nbformat
import pytest
from fakes.fake_openai import FakeOpenAI
from fakes.scripted import collect_one
from fakes.service import batch_ids, finish, plan_batch, serve
from lab import Lab, find_address, list_faint, open_browser, serve_lab, why_not

from codebook.execute import run_notebook
from codebook.execute.html import write_html
from codebook.records import Unit
from codebook.report import write_report
from codebook.run import list_jobs
from codebook.shards import Cuts

pytestmark = pytest.mark.slow

STATUS = Path(__file__).parents[2] / "notebooks" / "00_status.ipynb"
REASON = why_not()
"""Why there is no browser to drive: chromium is no package of Python's, so a person's machine may lack it (README).

Under CI nothing is skipped: `.ci/run` installs chromium or fails, and this test runs or fails.
"""
PUSHED_OFF = """board => [board, ...board.querySelectorAll('button, .cb-facts, .cb-note, .cb-live')]
  .filter(node => node.scrollWidth > node.clientWidth + 1).map(node => node.className)"""
"""What is wider than the room it has."""
BAD = ("refuse", "outside", "400", "500 once")


def fill(fake: FakeOpenAI) -> None:
    """A run that is done with errors, one to collect, one that runs in two jobs, one that is only planned."""
    fake.auto = "at once"
    finish(plan_batch(fake, [*(f"News number {n}." for n in range(30)), *(f"[{order}]" for order in BAD)], run="news"))
    finish(plan_batch(fake, [f"Letter number {n}." for n in range(8)], run="letters"))
    fake.auto = False
    speeches = [Unit(f"s{n}", f"Speech number {n}.") for n in range(8)]
    plan_batch(fake, speeches, run="speeches", cuts=Cuts(n_requests=5)).submit()
    plan_batch(fake, ["A diary."], run=f"diaries{'_of_many_people' * 4}_seventy_9")
    for batch_id, n_done in zip(batch_ids(fake)[-2:], (2, 0), strict=True):
        fake.progress(batch_id, done=n_done)


def copy_notebook(project: Path, last: str = "") -> Path:
    """The notebook that ships, refreshing by itself more often than a person needs, and one more cell."""
    text = STATUS.read_text(encoding="utf-8").replace("board.refresh(", "board.pauses['first_s'] = 0.3; board.refresh(")
    notebook = json.loads(text)
    if last:
        code = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code" and not cell["metadata"])
        notebook["cells"].append(code | {"id": "last", "source": last})
    path = project / "status.ipynb"
    path.write_text(json.dumps(notebook), encoding="utf-8")
    return path


@pytest.mark.skipif(bool(REASON), reason=REASON)
def test_a_person_watches_and_cancels_in_jupyterlab(project, tmp_path, monkeypatch):
    from playwright.sync_api import expect

    copy_notebook(project, last='cb.show_status("speeches")')
    home, shots = tmp_path / "home", tmp_path / "shots"
    home.mkdir()
    shots.mkdir()
    with serve(project, monkeypatch) as fake, serve_lab(project, home):
        fill(fake)  # while JupyterLab starts
        with open_browser() as page:
            lab = Lab(page, find_address(home), "status.ipynb")
            lab.run_all()
            board, status = page.locator(".cb-root").first, page.locator(".cb-root").last

            # opened: what the ledger knows, and the table is not there twice
            board.get_by_text("from the ledger; no service was asked").wait_for()
            assert page.locator("table", has_text="job id").count() == 2, "one a board"
            assert board.get_by_text("0 of 5").count() == 1

            # refreshed
            board.get_by_role("button", name="Refresh").click()
            board.get_by_text("every running job was asked").wait_for()
            board.get_by_text("2 of 5").wait_for()
            page.screenshot(path=shots / "1-refreshed.png")

            # keys pressed in the board stay in the board
            n_cells = lab.n_cells()
            board.get_by_role("button", name="Refresh").focus()
            page.keyboard.type("xddmy")
            assert lab.n_cells() == n_cells

            # by keyboard: a question takes the focus, Escape says No, and the focus comes back to its button
            board.get_by_label("run", exact=True).select_option("speeches")
            cancel = board.get_by_role("button", name="Cancel ...")
            cancel.focus()
            page.keyboard.press("Enter")
            expect(board.get_by_role("alertdialog")).to_be_focused()
            page.keyboard.press("Escape")
            board.get_by_text("Nothing was done.").wait_for()
            expect(cancel).to_be_focused()
            page.keyboard.press("Shift+Tab")
            page.keyboard.press("Tab")
            outline = "node => [getComputedStyle(node).outlineStyle, getComputedStyle(node).outlineWidth]"
            assert cancel.evaluate(outline) == ["solid", "2px"]
            assert board.locator("[aria-live=polite]").count() == 2

            # cancelled, on the second click
            board.get_by_role("button", name="Cancel ...").click()
            running = batch_ids(fake)[-2:]
            board.get_by_text(f"Cancel run speeches? This stops 2 jobs: shard 1, {running[0]}").wait_for()
            page.screenshot(path=shots / "2-question.png")
            assert {fake.batches[batch_id]["status"] for batch_id in running} == {"in_progress"}
            board.get_by_role("button", name="Yes, cancel speeches").click()
            board.get_by_text("Run speeches was asked to stop").wait_for()
            assert {fake.batches[batch_id]["status"] for batch_id in running} == {"cancelling"}

            # the automatic refresh sees the end without a click, and ends itself
            board.get_by_label("refresh automatically").check()
            fake.cancel(running[0], done=2)
            board.locator(".cb-state", has_text="cancelled").first.wait_for()
            fake.cancel(running[1])
            board.get_by_text("No job is running any more, so the automatic refresh has ended.").wait_for()
            assert not board.get_by_label("refresh automatically").is_checked()

            # collected: two answers were there already
            board.get_by_role("button", name="Collect").click()
            board.get_by_text("topic: 8 asked = 2 labelled + 6 cancelled").first.wait_for()
            # in both themes and on narrow screens: all words can be read, nothing is pushed off
            for theme in ("Light", "Dark"):
                lab.set_theme(theme)
                assert not list_faint(board), theme
            page.screenshot(path=shots / "3-dark.png")
            lab.command("application:toggle-left-area")
            for width in (600, 420):
                page.set_viewport_size({"width": width, "height": 1200})
                page.screenshot(path=shots / f"3-{width}.png")
                assert not board.evaluate(PUSHED_OFF), f"at {width} pixels"
            page.set_viewport_size({"width": 1500, "height": 1200})
            assert board.locator("td.name", has_text="diaries").first.bounding_box()["width"] < 240

            # the board of one run
            status.scroll_into_view_if_needed()
            status.get_by_text("topic: 8 asked = 0 labelled + 8 pending").wait_for()
            status.get_by_role("button", name="Refresh").click()
            status.get_by_text("topic: 8 asked = 2 labelled + 6 cancelled").wait_for()
            status.get_by_role("button", name="Retry failed ...").click()
            status.get_by_text("Ask 6 questions of run speeches again").wait_for()
            status.get_by_role("button", name="No").click()
            status.get_by_text("Nothing was done.").wait_for()
            page.screenshot(path=shots / "4-status.png")
            assert not lab.errors

            # the kernel restarts: the board says what to do, and shows no broken links
            lab.restart()
            status.get_by_text("Run this cell again.").wait_for()
            board.get_by_text("Run this cell again.").wait_for()
            assert page.locator(".cb-root").get_by_role("button").count() == 0
            icon = "node => getComputedStyle(node, '::before').content"
            assert {root.evaluate(icon) for root in page.locator(".cb-root").all()} == {"none"}
            page.screenshot(path=shots / "5-restarted.png")
    assert sorted(list_jobs(run="speeches")["state"]) == ["cancelled", "cancelled"]


VIEWER = """\
import codebook as cb
from fakes.scripted import register
register()
codings = cb.open_run("one").codings("coders.yaml")
cb.widgets.show_units(codings)
"""
VIEWS = """\
import pandas as pd
from codebook.report.views.page_view import PageView
from codebook.report.views.span_view import show_spans
from codebook.scaffold.start_page import show_study
units = list(cb.open_run("one").units())
spans = pd.DataFrame({"unit_id": ["u0"] * 3, "start": [0, 9, 25], "end": [8, 15, 29], "type": ["A", "B", "C"]})
gold = pd.DataFrame({"unit_id": ["u0"] * 3, "start": [0, 9, 18], "end": [8, 15, 23], "type": ["A", "C", "B"]})
display(show_spans(units, spans, gold), PageView("a page", b"", "It will do, it will.", ("will", "do")))
display(show_study(), cb.open_run("one").codebook, cb.widgets.show_runs())
display(cb.widgets.show_errors(), cb.widgets.show_costs(), cb.coverage(codings), codings)
"""


def write_viewed(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that two people coded too, and a notebook that shows its units."""
    run = collect_one(monkeypatch)
    rows = [f"{unit.unit_id},coal,{'sports' if n % 2 else 'coal'}\n" for n, unit in enumerate(run.units())]
    labels = "".join(["id,ann,gold\n", *rows])
    (project / "labels.csv").write_text(labels, encoding="utf-8")
    (project / "coders.yaml").write_text("coders: [{file: labels.csv, unit: id, columns: [ann, gold]}]\n")
    path = project / "units.ipynb"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [nbformat.v4.new_code_cell(source) for source in (VIEWER, VIEWS)]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=kernel)
    nbformat.write(notebook, path)
    return path


@pytest.mark.skipif(bool(REASON), reason=REASON)
def test_a_person_looks_through_units_in_jupyterlab(project, tmp_path, monkeypatch):
    home, shots = tmp_path / "home", tmp_path / "shots"
    home.mkdir()
    shots.mkdir()
    write_viewed(project, monkeypatch)
    with serve_lab(project, home), open_browser() as page:
        lab = Lab(page, find_address(home), "units.ipynb")
        lab.run_all()
        viewer = page.locator(".cb-viewer")
        viewer.get_by_text("Sentence number 0 about coal.").first.wait_for()
        assert page.locator(".cb-card").count() == 1, "the cards of the copy are not there too"
        page.screenshot(path=shots / "1-opened.png")

        # by buttons and by keys, which stay in the viewer
        n_cells = lab.n_cells()
        viewer.get_by_role("button", name="Next").click()
        viewer.get_by_text("Sentence number 1 about coal.").first.wait_for()
        viewer.locator(".cb-card").click()
        page.keyboard.press("ArrowRight")
        viewer.get_by_text("Sentence number 2 about coal.").first.wait_for()
        page.keyboard.press("p")
        viewer.get_by_text("Sentence number 1 about coal.").first.wait_for()
        page.keyboard.type("xddmy")
        assert lab.n_cells() == n_cells

        # the focus stays in the viewer where its button rests at the end, so that the arrows go on
        viewer.get_by_role("button", name="Next").focus()
        for _ in range(4):
            page.keyboard.press("Enter")
        viewer.get_by_text("Sentence number 5 about coal.").first.wait_for()
        page.keyboard.press("ArrowLeft")
        viewer.get_by_text("Sentence number 4 about coal.").first.wait_for()
        for number in (3, 2, 1):
            page.keyboard.press("ArrowLeft")
            viewer.get_by_text(f"Sentence number {number} about coal.").first.wait_for()

        # the prompt unfolds, and is what was sent
        viewer.get_by_text("Prompt and reply: scripted-1, topic").click()
        viewer.get_by_text("Coal and other fuels.").wait_for()
        page.screenshot(path=shots / "2-unfolded.png")

        # chosen, and searched by /
        viewer.get_by_label("coder", exact=True).select_option("ann")
        viewer.get_by_label("show", exact=True).select_option("not as the gold")
        viewer.get_by_text("of 3 units, chosen from 6").wait_for()
        viewer.locator(".cb-card").click()
        page.keyboard.press("/")
        page.keyboard.type("number 5")
        page.keyboard.press("Enter")
        viewer.get_by_text("of 1 unit, chosen from 6").wait_for()
        viewer.get_by_text("Sentence number 5 about coal.").first.wait_for()
        viewer.get_by_role("button", name="Clear").click()
        viewer.get_by_text("of 6 units").wait_for()

        # in both themes all words can be read, and words are ranged left
        for theme in ("Light", "Dark"):
            lab.set_theme(theme)
            assert not [line for view in page.locator(".jp-OutputArea-output").all() for line in list_faint(view)], (
                theme
            )
        align = "nodes => [...new Set(nodes.map(node => getComputedStyle(node).textAlign))]"
        words = page.locator(".jp-RenderedHTML :is(.cb-panel, .cb-board, .scroll) :is(td, th):not(.n)")
        assert words.evaluate_all(align) == ["left"]

        # narrow and dark: nothing is wider than its cell
        lab.command("application:toggle-left-area")
        for width in (1200, 600, 420):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=shots / f"3-dark-{width}.png")
            wide = viewer.evaluate("node => node.querySelector('.cb-card').scrollWidth <= node.clientWidth")
            assert wide, f"at {width} pixels"
        assert not lab.errors

        # the report follows the theme of the system
        page.goto(write_report("one").as_uri())
        page.evaluate("() => document.querySelectorAll('details').forEach(details => details.open = true)")
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            assert not list_faint(page.locator("body")), scheme
            page.screenshot(path=shots / f"4-report-{scheme}.png")


def test_the_same_notebook_under_papermill_shows_the_table(project, monkeypatch):
    with serve(project, monkeypatch) as fake:
        fill(fake)
        done = run_notebook(copy_notebook(project), {"poll": True}).path
    executed = json.loads(done.read_text(encoding="utf-8"))
    bundles = [output["data"] for cell in executed["cells"] for output in cell.get("outputs", []) if "data" in output]
    board = next(data for data in bundles if "as of" in "".join(data.get("text/plain", "")))
    assert set(board) == {"text/html", "text/plain"}
    page = write_html(done, project / "page.html").read_text(encoding="utf-8")
    shown = re.sub(r"<[^>]+>", " ", page)
    for said in ("every running job was asked", "in_progress", "2 of 5", "Commonest errors", "speeches", "batch_"):
        assert said in shown, said
