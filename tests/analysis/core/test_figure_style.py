"""One style of all figures: nothing of a person's settings shines through, none is changed, sizes are a journal's."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest
from layout import TALK, check_styles, save
from matplotlib import style

from codebook.analysis import plot_estimates, plot_grid
from codebook.analysis.core.drawing import empty_figure, new_figure, say_in_picture, wrap
from codebook.analysis.core.result import Facts, Result
from codebook.outputs import read_outputs
from codebook.outputs.figure_style import MAX_HEIGHT, WIDTHS, house_style

FRAME = pd.DataFrame({"name": ["tax <&> trade", "war"], "value": [0.6, 0.8], "low": [0.5, 0.7], "high": [0.7, 0.9]})
RESULT = Result(
    FRAME, "f1", "F1 of each label", facts=Facts(90, 2), finding="F1 is least for tax.", figure=lambda: draw()
)


def draw():
    return plot_estimates(FRAME)


MAKERS = {
    "forest": lambda: draw(),
    "panels": lambda: plot_estimates(make_panels(), group="group", quantity="F1"),
    "grid": lambda: plot_grid(pd.DataFrame({"model": ["m", "k"], "prompt": "p", "alpha": [0.9, 0.7]})),
    "nothing": lambda: empty_figure("One coder: nothing to compare."),
}
"""Figures of the core, small; matrices and curves are held to the same where they are tested."""


def make_panels() -> pd.DataFrame:
    return pd.concat([FRAME.assign(group=f"m{at}") for at in range(5)], ignore_index=True)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_figure_is_the_same_whatever_style_a_person_has_set(kind):
    check_styles(MAKERS[kind])


@pytest.mark.parametrize("looks", [["dark_background", TALK], ["ggplot"]])
def test_a_figure_changes_no_setting_and_its_fonts_are_truetype_in_a_pdf(looks):
    with style.context(looks):
        before = dict(mpl.rcParams)
        pdf = save(draw(), "pdf")
        assert dict(mpl.rcParams) == before
    assert b"/Subtype /Type3" not in pdf
    assert b"/CIDFontType2" in pdf


def test_what_a_notebook_shows_leaves_a_persons_settings_as_they_were():
    with style.context(["ggplot", TALK]):
        before = dict(mpl.rcParams)
        assert RESULT.plot()._repr_png_().startswith(b"\x89PNG")
        assert dict(mpl.rcParams) == before


def test_an_error_while_drawing_leaves_a_persons_settings_as_they_were():
    before = dict(mpl.rcParams)
    with pytest.raises(ZeroDivisionError), house_style():
        _ = 1 / 0
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("width", WIDTHS)
def test_a_figure_has_exactly_the_width_of_a_journals_column(width):
    figure = new_figure(width, 400)
    figure.subplots().set_xlabel("x" * 300)
    say_in_picture(figure, "95 % bootstrap intervals over units. " * 9)
    pdf = save(figure, "pdf")
    (box,) = re.findall(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+) ?\]", pdf)
    assert [round(float(side) / 72 * 25.4, 1) for side in box] == [WIDTHS[width], MAX_HEIGHT]
    assert b"/Subtype /Type3" not in pdf


def test_the_finding_is_the_title_on_the_screen_and_in_no_file():
    figure = RESULT.plot()
    shown = int.from_bytes(figure._repr_png_()[20:24], "big")
    figure.set_label("")
    assert shown > int.from_bytes(figure._repr_png_()[20:24], "big")
    assert "F1 is least" not in save(RESULT.plot(), "svg").decode()
    assert figure.get_suptitle() == ""


def test_caption_and_alternative_text_lie_beside_a_saved_figure(tmp_path: Path):
    from PIL import Image

    saved = replace(RESULT, outputs=tmp_path).save()
    (entry,) = read_outputs(tmp_path)
    assert "f1.caption.txt" in entry.files
    caption = (tmp_path / "f1.caption.txt").read_text()
    assert caption == "F1 of each label. F1 is least for tax. 90 units, 2 coders.\n"
    words = "F1 of each label: F1 is least for tax."
    with Image.open(tmp_path / "f1.png") as picture:
        assert picture.info["Description"] == words
    assert f"<title>F1 of each label</title>\n <desc>{words}</desc>" in (tmp_path / "f1.svg").read_text()
    assert f'alt="{words}"' in saved._repr_html_()


@pytest.mark.parametrize(
    ("label", "lines"),
    [
        ("address_1793_blank_and_upside_down", ["address_1793_blank_and_", "upside_down"]),
        ("topic=science/technology_and_more", ["topic=science/", "technology_and_more"]),
        ("w" * 60, ["w" * 47 + "…"]),
        (
            "one two three four five six " * 6,
            ["one two three four five", "six one two three four", "five six one two three …"],
        ),
        ("政治" * 10, ["政治" * 6, "政治" * 4]),
        ("", [" "]),
    ],
)
def test_a_label_is_never_broken_inside_a_word(label, lines):
    assert wrap(label).split("\n") == lines
