"""Scripts of the world: each text gets the fonts that it needs; of signs that no font has a number, and one warning."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import pandas as pd
import pytest

from codebook.analysis import plot_estimates
from codebook.analysis.core.result import Result
from codebook.outputs import figure_fonts
from codebook.outputs.figure_fonts import choose_fonts, list_fonts, say_key

SCRIPTS = {
    "Chinese": "政治 经济",
    "Japanese": "スポーツ",
    "Korean": "정치",
    "Hindi": "राजनीति और विज्ञान",
    "Arabic": "السياسة والاقتصاد",
    "Hebrew": "פוליטיקה",
}


def make_frame(*names: str) -> pd.DataFrame:
    return pd.DataFrame({"name": names, "value": 0.7, "low": 0.6, "high": 0.8})


def test_signs_that_no_font_has_are_numbers_with_one_warning_that_says_the_mend(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(figure_fonts, "list_fonts", lambda: ("DejaVu Sans",))
    monkeypatch.setattr(figure_fonts, "_warned", set())
    frame = make_frame("政治\n经济 (90)", "tax 政治", "राजनीति", "plain")
    result = Result(frame, "f1", "F1", outputs=tmp_path, figure=lambda: plot_estimates(frame))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result.save()
        figure = result.plot()
        figure._repr_png_()
    (warning,) = [str(each.message) for each in caught if "font" in str(each.message).lower()]
    assert warning.startswith("No font of this computer has the signs of Chinese, Devanagari: the figure shows numbers")
    assert "Install the Debian package fonts-noto-cjk and fonts-noto-core" in warning
    names = [text.get_text() for text in figure.axes[0].get_yticklabels()]
    assert names == ["[1] (90)", "tax [2]", "[3]", "plain"]
    key = "In the figure: [1] 政治 经济; [2] 政治; [3] राजनीति."
    assert say_key(figure) == key
    assert (tmp_path / "f1.caption.txt").read_text(encoding="utf-8") == f"F1. {key}\n"
    assert key in (tmp_path / "manifest.json").read_text(encoding="utf-8")


def test_a_latin_label_needs_the_fonts_of_every_figure_only():
    fonts, unseen = choose_fonts("Zölle, α − β ≥ ½ … → “x”")
    assert (unseen, fonts) == (set(), [name for name in list_fonts() if name in figure_fonts.LATIN])


@pytest.mark.parametrize("script", SCRIPTS)
def test_labels_of_a_script_are_drawn_where_a_font_has_it(script: str):
    if choose_fonts(SCRIPTS[script])[1]:
        pytest.skip("no font of this script: the Debian packages fonts-noto-cjk and fonts-noto-core have them")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = plot_estimates(make_frame(SCRIPTS[script], "tax"), quantity=f"F1, {SCRIPTS[script]}")
        figure.savefig(io.BytesIO(), format="png")
    assert figure.axes[0].get_yticklabels()[0].get_text() == SCRIPTS[script]
    assert say_key(figure) == ""
