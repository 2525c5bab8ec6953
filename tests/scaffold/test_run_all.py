"""A fresh study by Run All in a browser, by papermill and by `codebook execute`: the same to the last digit."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import orjson
import pandas as pd
import pytest
from commands import run_command
from lab import Lab, find_address, open_browser, serve_lab, why_not
from openpyxl import Workbook

pytestmark = [pytest.mark.slow, pytest.mark.whole]
REASON = why_not()
SENTENCES = Path(__file__).parents[2] / "data" / "topics_sib200_en" / "texts.csv"
TOPICS = ["science/technology", "travel", "politics", "sports"]
CHAIN = [
    *("01_codebook", "02_pilot", "03_submit", "04_collect"),
    *("05_validity", "06_reliability", "07_correlogram", "08_report"),
]
LATER = [
    *("09_calibration", "12_stability", "13_adjudication", "10_gold_sample", "11_correction"),
    *("14_alt_test", "15_behaviour", "16_compare", "17_coding", "18_training", "19_two_coders"),
    *("20_cell", "21_multiverse", "00_status", "start"),
]
PRINTED = ("01_codebook", *CHAIN[4:7], *LATER[:8])
"""Notebooks that show neither times nor costs."""
_KEPT = "The code is in notebooks, whose executed copies lie with the run."
_NOT_KEPT = "[Say where the code can be read: no executed notebook lies with this run.]"
_OWN = re.compile(rf"\([0-9a-f]{{12}}\)|{re.escape(_KEPT)}|{re.escape(_NOT_KEPT)}")
"""What differs: digests of files that tell when something was done; `codebook execute` alone keeps executed copies."""


def make_study_of_sixty(home: Path) -> Path:
    """A study as `codebook new --from` makes it of a workbook with two coders and the gold."""
    with SENTENCES.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["topic"] in TOPICS][:60]
    book = Workbook()
    book.active.append(["id", "text", "anna", "ben", "gold"])
    for at, row in enumerate(rows):
        other = TOPICS[TOPICS.index(row["topic"]) - 1]
        anna, ben = (row["topic"] if at % every else other for every in (7, 5))
        book.active.append([f"s{at:02d}", row["text"], anna, ben, row["topic"]])
    book.save(home / "texts.xlsx")
    made = run_command("new", str(home / "new" / "own"), "--from", str(home / "texts.xlsx"))
    assert made.exit_code == 0, made.output
    return home / "new" / "own"


def run_module(folder: Path, *words: str) -> None:
    done = subprocess.run([sys.executable, "-m", *words], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (words, done.stdout[-2000:], done.stderr[-2000:])


def by_execute(study: Path) -> None:
    run_module(study, "codebook", "execute", "study.yaml")
    for name in LATER:
        run_module(study, "codebook", "execute", f"notebooks/{name}.ipynb")


def by_papermill(study: Path) -> None:
    for name in (*CHAIN, *LATER):
        path = f"notebooks/{name}.ipynb"
        run_module(study, "papermill", "--no-progress-bar", "--cwd", "notebooks", path, path)


def by_browser(study: Path, home: Path) -> None:
    with serve_lab(study, home), open_browser() as page:
        address = find_address(home)
        for name in (*CHAIN, *LATER):
            lab = Lab(page, address, f"notebooks/{name}.ipynb")
            lab.run_all()
            lab.end()
            assert lab.errors == [], name
            shown = nbformat.read(study / "notebooks" / f"{name}.ipynb", 4)
            outputs = [output for cell in shown.cells for output in cell.get("outputs", [])]
            assert [output.evalue for output in outputs if output.output_type == "error"] == [], name


def read_figures(study: Path) -> dict[str, Any]:
    """All tables of all runs with every digit, and what is said in place of a table."""
    figures: dict[str, Any] = {}
    for path in sorted(study.glob("runs/*/outputs/*.csv")):
        figures[path.relative_to(study).as_posix()] = _OWN.sub("", path.read_text(encoding="utf-8"))
    for path in sorted(study.glob("runs/*/table.csv")):
        table = pd.read_csv(path, dtype=str, keep_default_na=False).drop(columns="seconds")
        figures[path.relative_to(study).as_posix()] = table.to_csv()
    for path in sorted(study.glob("runs/*/outputs/manifest.json")):
        for entry in orjson.loads(path.read_bytes()):
            figures[f"{path.parent.parent.name}: {entry['name']}"] = entry["finding"] or entry["note"]
    return figures


def read_printed(path: Path) -> list[tuple[str, list[str]]]:
    """What each cell shows as plain text; cells that only hold parameters, which a tool may add, are left out."""
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    return [
        (cell.source, [text for output in cell.outputs if (text := _plain(output))])
        for cell in cells
        if not {"parameters", "injected-parameters"} & set(cell.metadata.get("tags", ()))
    ]


def _plain(output: Any) -> str:
    if output.output_type == "stream":
        return str(output.text) if output.name == "stdout" else ""
    return str(output.data.get("text/plain", ""))


def executed_copy(study: Path, name: str) -> Path:
    """The copy that `codebook execute` made of a notebook."""
    (path,) = study.glob(f"runs/**/notebooks/**/{name}.ipynb")
    return path


@pytest.mark.skipif(bool(REASON), reason=REASON)
def test_every_notebook_of_a_fresh_study_gives_the_same_by_run_all_by_papermill_and_by_execute(tmp_path: Path) -> None:
    new, home = make_study_of_sixty(tmp_path), tmp_path / "home"
    home.mkdir()
    executed, papermill, browser = (tmp_path / name / "own" for name in ("execute", "papermill", "browser"))
    for study in (executed, papermill, browser):
        shutil.copytree(new, study)
    with ThreadPoolExecutor(2) as pool:
        others = [pool.submit(by_execute, executed), pool.submit(by_papermill, papermill)]
        by_browser(browser, home)
        for other in others:
            other.result()
    figures = read_figures(executed)
    assert {name.rpartition("/")[2] for name in figures} >= {"reliability.csv", "validity_by_coder.csv", "shares.csv"}
    assert figures["own: flips"] == "There is one run only: nothing to compare."
    assert figures["own: behaviour"].startswith("No category of 'label' has a definition or an example")
    for study, words in ((executed, _KEPT), (papermill, _NOT_KEPT), (browser, _NOT_KEPT)):
        assert words in (study / "runs" / "own" / "outputs" / "guideline.csv").read_text(encoding="utf-8")
    for study in (papermill, browser):
        others_figures = read_figures(study)
        assert sorted(others_figures) == sorted(figures)
        assert {name: text for name, text in others_figures.items() if text != figures[name]} == {}
        for name in PRINTED:
            assert read_printed(study / "notebooks" / f"{name}.ipynb") == read_printed(executed_copy(executed, name))
