"""The sheet of all figures and tables: what a reader without colour, or without one of them, sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from matplotlib.figure import Figure

from codebook.analysis.core.result import Result
from codebook.outputs.sheet import SEEN, main, see_as


def draw() -> Figure:
    figure = Figure(figsize=(2, 1))
    figure.subplots().plot([0, 1], [0, 1], color="#c96a12")
    return figure


def save(runs: Path, value: float, *names: str) -> None:
    for name in names:
        frame = pd.DataFrame({"label": ["a <b>"], "f1": [value]})
        Result(frame, name, name.title(), "validity", figure=draw, outputs=runs / "r" / "outputs").save()


@pytest.mark.parametrize("reader", SEEN)
def test_white_and_black_stay_and_no_hue_is_made_of_grey(reader):
    greys = np.repeat(np.arange(0, 256, 15, dtype=np.uint8)[:, None, None], 3, axis=2)
    assert np.abs(see_as(greys, reader).astype(int) - greys).max() <= 1


def test_who_sees_no_red_confuses_it_with_green():
    red, green = (np.array([[colour]], dtype=np.uint8) for colour in ((200, 60, 40), (110, 110, 40)))
    far = np.abs(red.astype(int) - green).sum()
    for reader in ("deuteranopia", "protanopia"):
        assert np.abs(see_as(red, reader).astype(int) - see_as(green, reader)).sum() < far


def test_the_sheet_has_each_output_once_beside_its_older_form(tmp_path):
    old, new, pictures = tmp_path / "old", tmp_path / "new", tmp_path / "pictures"
    save(old, 0.5, "f1", "gone")
    save(new, 0.75, "f1")
    asked = [str(new), "--before", str(old), "--out", str(tmp_path / "s.html"), "--pictures", str(pictures), "r/f1"]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0, done.output
    page = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert page.count("<h3>f1: F1</h3>") == 1
    assert "gone: Gone (is no more)" in page
    for words in ("before", "in colour", *SEEN):
        assert f"<figcaption>{words}</figcaption>" in page
    assert ".75" in page
    assert ".50" in page.split("the table before")[1]
    assert "a &lt;b&gt;" in page
    assert sorted(path.name for path in pictures.iterdir()) == ["r-f1-after.png", "r-f1-before.png"]
