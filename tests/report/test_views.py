"""Views of pages and spans: marked where the thing stands; and every style can be read in a dark and a light theme."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

import codebook
from codebook.report.views.page_view import PageView, find_doubts

TEMPLATES = Path(codebook.__file__).parent / "outputs" / "templates"
STYLES = {path.name: path.read_text(encoding="utf-8") for path in TEMPLATES.iterdir() if path.suffix in (".css", ".j2")}
LIGHT, DARK = "#ffffff", "#111111"
"""What lies behind a view in JupyterLab's two themes."""
PAGE = "I will go, you will not, and the goodwill of Will will last."


def rules_of(style: str) -> list[tuple[str, dict[str, str]]]:
    """(selector, declarations) of each rule of a style, or of a template with styles in it."""
    plain = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", "", style, flags=re.DOTALL)
    return [
        (selector.strip(), dict(part.strip().split(":", 1) for part in body.split(";") if ":" in part))
        for selector, body in re.findall(r"([^{}]+)\{([^{}]*)\}", plain)
    ]


RULES = [(name, *rule) for name, style in STYLES.items() for rule in rules_of(style)]


def test_a_style_that_sets_a_background_sets_the_colour_of_its_words():
    faults = [
        f"{name}: {selector}"
        for name, selector, body in RULES
        if any(
            body.get(key, "none").strip() not in ("none", "transparent") for key in ("background", "background-color")
        )
        and "color" not in body
    ]
    assert not faults
    assert len([body for _, _, body in RULES if "background" in body]) > 15


def shine(colour: str) -> float:
    digits = colour.strip().lstrip("#")
    full = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    parts = [int(full[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    low, high = sorted((shine(a), shine(b)))
    return (high + 0.05) / (low + 0.05)


def test_words_on_a_background_of_their_own_have_contrast():
    own = [
        (selector, contrast(body["color"], body["background"]))
        for _, selector, body in RULES
        if all(re.fullmatch(r"\s*#[0-9a-f]{3,6}", body.get(key, "")) for key in ("color", "background"))
    ]
    assert len(own) > 5
    assert not [(selector, ratio) for selector, ratio in own if ratio < 4.5]


@pytest.mark.parametrize("view", ["views.css", "cards.css", "board.css", "widgets.css"])
def test_marks_of_views_are_seen_in_both_themes(view):
    """Bars, lines and underlines that tell something; those of the theme itself are its own."""
    faint = [
        (selector, colour, theme)
        for (selector, body), theme in product(rules_of(STYLES[view]), (LIGHT, DARK))
        for key, value in body.items()
        if key.startswith(("border", "stroke")) and "var(" not in value
        for colour in re.findall(r"#[0-9a-f]{6}\b", value)
        if "background" not in body and contrast(colour, theme) < 3
    ]
    assert not faint


def shown_marks(view: PageView) -> list[tuple[str, str]]:
    return re.findall(r"<mark( class=perhaps)?>([^<]*)</mark>", view._repr_html_())


def test_a_doubtful_word_is_marked_where_it_stands_and_not_wherever_its_letters_are():
    view = PageView("one page", b"", PAGE, ("goodwill", "go"))
    assert shown_marks(view) == [("", "go"), ("", "goodwill")]
    assert view.sentence == "one page"
    assert [PAGE[start:end] for start, end, _ in find_doubts(PAGE, ["Will will", "will last"])[0]] == ["Will will"]


def test_of_a_doubtful_word_that_stands_several_times_no_place_is_claimed():
    view = PageView("one page", b"", PAGE, ("will", "<b>"))
    assert shown_marks(view) == [(" class=perhaps", "will")] * 3
    assert "<mark>" not in view._repr_html_()
    assert view.sentence == "one page; underlined is each 'will' that may be meant; not in the text: '<b>'"
    assert "&#x27;&lt;b&gt;&#x27;" in view._repr_html_()
    assert shown_marks(PageView("all of them", b"", PAGE, ("will",) * 3)) == [("", "will")] * 3
