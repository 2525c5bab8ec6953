"""Matrices as figures: sizes, overlaps, contrast and names at 2, 7, 23 and 40 labels, and dots above that."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from layout import check_styles
from matplotlib.figure import Figure
from matplotlib.text import Text

from codebook.analysis import PairMeasure, confusion, plot_correlogram
from codebook.analysis.core.correlograms import remark_size
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.matrix_drawing import Cells, draw_rectangle, plot_grid
from codebook.analysis.core.matrix_layout import Tones, contrast, fit
from codebook.outputs.figure_style import MM, SMALLEST, WIDTHS

NAMES = ("science/technology", "politics", "entertainment", "a_long_name_of_something_else", "C092", "-1")


def make_names(n: int) -> list[str]:
    """Long names and short ones."""
    return [NAMES[at] if at < len(NAMES) else f"{NAMES[at % 4]} {at}" for at in range(n)]


def make_square(n: int, names: list[str] | None = None) -> pd.DataFrame:
    values = np.random.default_rng(n).uniform(-0.9, 0.95, (n, n))
    values = (values + values.T) / 2
    np.fill_diagonal(values, np.nan)
    return pd.DataFrame(values, names or make_names(n), names or make_names(n))


def draw_confusion(n: int) -> Figure:
    rng, labels = np.random.default_rng(n), make_names(n)
    gold = rng.integers(0, n, 12 * n)
    coded = np.where(rng.random(12 * n) < 0.7, gold, rng.integers(0, n, 12 * n))
    answers = [None if at % 20 == 0 else labels[code] for at, code in enumerate(coded)]
    wide = pd.DataFrame({"gold": [labels[code] for code in gold], "a model of the year": answers})
    return confusion(wide, gold="gold", resample=Bootstrap(0)).plot()


def draw_correlogram(n: int) -> Figure:
    matrix = make_square(n)
    counts = (1500 * matrix.abs()).round()
    measure = PairMeasure("φ", signed=True)
    return plot_correlogram(matrix, significance=matrix.abs().rsub(0.2), counts=counts, measure=measure)


def draw_groups(n: int) -> Figure:
    names = [f"{group}{at}=1" for group in ("EC", "HI", "RE") for at in range(1, n)][:n]
    return plot_correlogram(make_square(n, names), measure=PairMeasure("Krippendorff's α (nominal)"))


def draw_sides(n: int) -> Figure:
    names = [f"{coder}: topic={label}" for coder in ("embedded-use-minilm-2", "gold") for label in make_names(n)]
    matrix = make_square(2 * n, names)
    matrix.iloc[:n, :n] = matrix.iloc[n:, n:] = np.nan
    return plot_correlogram(matrix, measure=PairMeasure("φ", signed=True))


def list_texts(figure: Figure) -> list[Text]:
    texts = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    return [text for text in texts if text.get_window_extent().width > 0]


def check_places(figure: Figure) -> None:
    """No text overlaps another or leaves the figure."""
    texts = list_texts(figure)
    boxes = np.array([text.get_window_extent().extents for text in texts])
    width, height = figure.bbox.size
    assert boxes[:, :2].min() >= -1
    assert boxes[:, 2].max() <= width + 1
    assert boxes[:, 3].max() <= height + 1
    apart = 1.0  # pixels that two boxes may share
    low, high = boxes[:, :2] + apart, boxes[:, 2:] - apart
    meets = ((low[:, None] < high[None]) & (low[None] < high[:, None])).all(axis=2)
    pairs = [(texts[a].get_text(), texts[b].get_text()) for a, b in np.argwhere(np.triu(meets, 1))]
    assert not pairs


def check_contrast(figure: Figure) -> None:
    """Each number in a cell can be read on its colour."""
    axes = figure.axes[0]
    cells = [
        (path.get_extents(), colour)
        for part in axes.collections
        if len(part.get_paths()) > 1 or hasattr(part, "get_array")
        for path, colour in zip(part.get_paths(), part.get_facecolor(), strict=False)
    ]
    for text in axes.texts:
        ground = next((colour for box, colour in cells if box.contains(*text.get_position())), "white")
        assert contrast(text.get_color(), ground) >= 4.2, text.get_text()


@pytest.mark.parametrize("draw", [draw_confusion, draw_correlogram, draw_groups, draw_sides])
@pytest.mark.parametrize("n", [2, 40, *(pytest.param(n, marks=pytest.mark.slow) for n in (7, 23))])
def test_a_matrix_has_the_width_of_a_journal_and_all_can_be_read(draw: Callable[[int], Figure], n: int):
    figure = draw(n)
    figure.draw_without_rendering()
    width, height = figure.get_size_inches() / MM
    assert min(abs(width - each) for each in WIDTHS.values()) < 0.01
    assert height <= 170.01
    check_places(figure)
    check_contrast(figure)
    sizes = {text.get_fontsize() for text in list_texts(figure)}
    assert min(sizes) >= SMALLEST
    assert figure.axes[1].get_xlabel()


def test_sixty_labels_are_drawn_as_the_strongest_pairs():
    for figure in (draw_confusion(60), draw_correlogram(60)):
        figure.draw_without_rendering()
        assert len(figure.axes[0].get_yticklabels()) == 30
        assert figure.axes[0].get_xlabel()
        assert round(figure.get_size_inches()[0] / MM) in WIDTHS.values()
        assert figure.get_size_inches()[1] <= 170 * MM


def test_the_caption_says_what_the_figure_has_no_room_for():
    names = [f"a label with a very long name, {at}" for at in range(42)]
    few, many = (
        confusion(pd.DataFrame({"gold": names[:n], "m": names[n - 1 :: -1]}), gold="gold", resample=Bootstrap(0))
        for n in (20, 42)
    )
    assert "The figure shows the 30 most confused of 42 pairs." in many.note
    assert "In full: a label with a very long name, 0; a label" in few.note
    names = [f"v=a label with a very long name, {at}" for at in range(20)]
    assert remark_size(make_square(20, names))[0].startswith("In full: a label with a very long name, 0; ")
    assert remark_size(make_square(7)) == ()


def test_the_names_of_rows_are_the_key_where_heads_have_no_room():
    figure = draw_confusion(23)
    axes = figure.axes[0]
    heads = [tick.get_text() for tick in axes.get_xticklabels()]
    assert heads[:3] == ["1", "2", "3"]
    assert heads[-1] == "a"
    names = [tick.get_text() for tick in axes.get_yticklabels()]
    assert all(name.startswith(f"{at}  ") for at, name in enumerate(names, start=1))
    assert figure._supxlabel.get_text().startswith("a: absent.")
    assert not axes.texts


def test_without_numbers_a_minus_tells_the_sign_in_grey():
    dense, few = draw_groups(23), draw_groups(7)
    values = make_square(23).to_numpy()[np.tril_indices(23, -1)]
    marks = [part for part in dense.axes[0].collections if part.get_label() == "below 0"]
    assert len(marks[0].get_segments()) == (values < 0).sum()
    assert not [part for part in few.axes[0].collections if part.get_label() == "below 0"]


def test_names_of_a_group_stand_together_behind_their_bracket():
    names = ["EC1=1", "HI1=1", "EC2=1", "HI2=1", "HI3=1"]
    axes = plot_correlogram(make_square(5, names)).axes[0]
    texts = [text.get_text() for text in axes.texts]
    assert [text for text in texts if text.startswith(("EC", "HI"))] == [
        *("EC", "HI"),
        *("EC1", "EC2", "HI1", "HI2", "HI3"),
    ]
    people = {"ann": "people", "m1": "models", "bo": "people"}
    axes = plot_correlogram(make_square(3, list(people)), measure=PairMeasure(groups=people)).axes[0]
    texts = [text.get_text() for text in axes.texts]
    assert [text for text in texts if text[0].isalpha()] == ["people", "models", "ann", "bo", "m1"]


def test_what_is_not_significant_has_no_fill_and_a_grey_number():
    matrix = pd.DataFrame([[np.nan, 0.5, 0.1], [0.5, np.nan, 0.6], [0.1, 0.6, np.nan]], list("abc"), list("abc"))
    p = pd.DataFrame([[1, 0.01, 0.4], [0.01, 1, 0.01], [0.4, 0.01, 1]], list("abc"), list("abc"))
    axes = plot_correlogram(matrix, significance=p).axes[0]
    assert axes.collections[0].get_array().tolist() == [0.5, 0.6]
    colours = {text.get_text(): text.get_color() for text in axes.texts}
    assert colours[".10"] == "#767676"
    assert contrast("#767676", "white") >= 4.5


@pytest.mark.parametrize(
    ("values", "options", "ends", "bar"),
    [
        ([0.1, 0.8], {}, (0, 1), (0, 1)),
        ([-0.12, 0.8], {}, (-0.8, 0.8), (-0.2, 0.8)),
        ([0.1, 0.3], {"whole": True}, (-1, 1), (-1, 1)),
        ([-1.4, 0.2], {}, (-1.4, 1.4), (-1.4, 0.2)),
        ([np.nan], {}, (0, 1), (0, 1)),
    ],
)
def test_the_scale_is_that_of_the_values(values, options, ends, bar):
    tones = Tones.of(pd.DataFrame([values]), "alpha", **options)
    assert (tones.ends, tones.shown) == (pytest.approx(ends), pytest.approx(bar))
    assert tones.ticks()[0] == "0"


def test_the_ink_on_every_tone_can_be_read():
    from codebook.analysis.core.matrix_layout import readable_ink

    for tones in (Tones("share"), Tones.of(pd.DataFrame(), "phi", whole=True)):
        for value in np.linspace(*tones.ends, 101):
            ground = tones.palette().to_rgba(value)
            assert contrast(readable_ink(ground), ground) >= 4.5


def test_heads_break_after_a_sign_and_never_inside_a_word():
    assert fit("science/technology", 20) == "science/\ntechnology"
    assert fit("entertainment", 3) == ""
    lines = fit("one of several words", 12).split("\n")
    assert " ".join(lines) == "one of several words"
    assert all(len(a) > 1 for a, _ in pairwise([*lines, ""]))


def test_columns_without_room_become_letters_with_a_key():
    frame = pd.DataFrame({"model": [f"uninterruptedly_{at}" for at in range(12)], "prompt": "p", "alpha": 0.5})
    figure = plot_grid(frame, quantity="Krippendorff's α")
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == list("abcdefghijkl")
    assert figure._supxlabel.get_text().startswith("a: uninterruptedly_0. b: ")
    assert figure.axes[1].get_xlabel() == "Krippendorff's α"


def test_cells_without_a_value_have_a_dash_and_no_fill():
    values = pd.DataFrame([[0.5, np.nan]], ["p"], ["m", "k"])
    axes = draw_rectangle(Cells(values, [[".50", "–"]]), Tones.of(values, "alpha")).axes[0]
    assert axes.collections[0].get_array().tolist() == [0.5]
    assert [text.get_text() for text in axes.texts] == [".50", "–"]


@pytest.mark.parametrize(
    "draw", [draw_correlogram, *(pytest.param(each, marks=pytest.mark.slow) for each in (draw_confusion, draw_sides))]
)
def test_a_matrix_is_the_same_whatever_style_a_person_has_set(draw: Callable[[int], Figure]):
    check_styles(lambda: draw(3))
