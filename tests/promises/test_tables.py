"""Every table that a study saves: seven columns at most, named in words, on a page, and LaTeX that compiles."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from latex import NO_LATEX

import codebook as cb
from codebook.analysis.core.result import Result
from codebook.outputs.cells import print_rows
from codebook.outputs.latex_tables import latex_table
from codebook.outputs.panels import MOST_COLUMNS, lay_out
from codebook.outputs.saving import MOST_ROWS

pytestmark = pytest.mark.slow

DATA = Path(__file__).parents[2] / "data"
STUDIES = ("topics_sib200_en", "coal_debate")
FEW = cb.Bootstrap(20, seed=1)
SEVERAL = ["fleiss", "conger", "percent_all_coders_agree"]


def results(study: str) -> Iterator[Result]:
    """What the notebooks of the demo save of its codings."""
    folder = DATA / study
    codings = cb.read_coders(folder / "coders.yaml", cb.read_codebook(folder / "codebook.yaml"))
    yield from (
        cb.coverage(codings),
        cb.validity(codings, resample=FEW),
        cb.validity(codings, by="label", resample=FEW),
    )
    yield from (cb.confusion(codings, resample=FEW), cb.compare(codings, resample=FEW))
    yield from (cb.reliability(codings, by=by, coefficients=["alpha"], resample=FEW) for by in ("", "group", "label"))
    yield cb.reliability(codings, by="group", coefficients=SEVERAL, resample=FEW)
    yield cb.reliability(codings, by="pair", coefficients=["alpha"], resample=cb.Bootstrap(0))
    yield from (cb.label_shares(codings), cb.disagreements(codings), cb.disagreements(codings, "label"))
    yield from (cb.correlogram(codings, of=of) for of in ("coders", "labels"))
    yield from (joined.result for joined in (cb.consensus(codings), cb.consensus(codings, "dawid_skene")))
    yield cb.stability(codings, over=["model", "all"], resample=FEW)
    yield cb.stability(codings, over=["all"], by="unit")
    yield from (
        cb.alt_test(codings, 0.1, models=[codings.coders[0]], resample=FEW),
        cb.gold_size(cb.sampling.GoldPlan()),
    )


@pytest.fixture(scope="module", params=STUDIES)
def saved(request: pytest.FixtureRequest) -> list[Result]:
    return [result for result in results(request.param) if not result.facts.nothing]


def print_all(result: Result) -> dict[str, object]:
    table = result.frame if result.table is None else result.table
    return print_rows(table, len(table), places=result.facts.places, names=result.names)


def test_each_table_has_seven_columns_in_words_and_no_gap(saved):
    assert len(saved) >= 12
    for result in saved:
        printed = result.printed()
        assert 0 < len(printed.columns) <= MOST_COLUMNS, result.name
        assert not [name for name in printed.columns if "_" in name], result.name
        words = [name for name in printed.columns if name not in result.names and len(name.split(" ")[0]) > 1]
        assert not [name for name in words if name[0].islower()], result.name
        assert not {"nan", "NaN", "None", "<NA>"} & set(printed.to_numpy().ravel()), result.name
        if len(printed) <= MOST_ROWS:
            (panel,) = lay_out(print_all(result))
            assert not panel.is_turned, result.name


@pytest.mark.skipif(NO_LATEX, reason="no pdflatex: install texlive-latex-recommended")
def test_each_table_compiles_in_an_article_on_a4_without_an_overfull_line(saved, tmp_path):
    tables = [
        latex_table(print_all(result), name=f"t{at}", title=result.title, note=result.note, finding=result.finding)
        for at, result in enumerate(saved)
        if len(result.printed()) <= MOST_ROWS
    ]
    head = r"\documentclass{article}\usepackage[a4paper,margin=2.5cm]{geometry}\usepackage{booktabs,longtable}"
    body = "\n\\clearpage\n".join(tables)
    (tmp_path / "all.tex").write_text(f"{head}\n\\begin{{document}}\n{body}\n\\end{{document}}\n", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    log = (tmp_path / "all.log").read_text(encoding="utf-8", errors="replace")
    assert [wide for wide in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log) if float(wide) > 1] == []
