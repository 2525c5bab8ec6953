"""`codebook lab` in a real browser: the start page is open, nothing pops up, and its links open what they name."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import scripted
from lab import do_in_page, find_address, open_browser, serve_lab, why_not

import codebook as cb
from codebook.scaffold import make_study
from codebook.scaffold.lab import lab_command, lab_environment

pytestmark = pytest.mark.slow
REASON = why_not()


@pytest.mark.skipif(bool(REASON), reason=REASON)
def test_u10_a_person_comes_to_every_file_of_the_study_from_its_start_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.register(monkeypatch)
    home, study = tmp_path / "home", make_study(tmp_path / "s").folder
    home.mkdir()
    monkeypatch.setenv("CODEBOOK_PROJECT", str(study))
    defaults = Path(cb.__file__).parent / "templates" / "jupyter"
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", lab_environment(defaults)["JUPYTER_CONFIG_PATH"])
    run = cb.open_study(engine="scripted").plan()
    run.submit()
    run.collect()
    cb.write_report("s")
    options = ("--ServerApp.port=0", "--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True")
    with serve_lab(study, home, lab_command(study, options, browser=False)), open_browser() as page:
        page.goto(find_address(home))
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        page.wait_for_function("() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel")
        assert page.evaluate("() => window.jupyterapp.shell.currentWidget.context.path") == "notebooks/start.ipynb"
        do_in_page(page, "() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
        page.get_by_role("link", name="read the report").click()
        page.wait_for_function("() => window.jupyterapp.shell.currentWidget.context?.path == 'runs/s/report.html'")
        do_in_page(page, "() => window.jupyterapp.commands.execute('docmanager:open', {path: 'notebooks/start.ipynb'})")
        page.get_by_role("link", name="Collect").click()
        page.wait_for_function(
            "() => window.jupyterapp.shell.currentWidget.context?.path?.endsWith('04_collect.ipynb')"
        )
        assert page.locator(".Toastify__toast, .jp-Dialog").all_inner_texts() == [], "news popped up"
        page.screenshot(path=tmp_path / "start.png")
    assert not (home / "config" / "lab" / "user-settings").exists(), "a setting of the person was changed"
