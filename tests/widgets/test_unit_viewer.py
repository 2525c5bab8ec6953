"""The viewer of units without a browser: buttons and menus are pressed, and what a copy shows is read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fakes.scripted import make_book, register

import codebook as cb
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.scales import VariableSpec
from codebook.codings import make_table
from codebook.records import Unit
from codebook.report.cards.unit_cards import UnitCards
from codebook.run import Run, open_run, plan
from codebook.widgets import UnitViewer, show_units
from codebook.widgets.unit_viewer import N_STATIC

TONE, TOPIC = (VariableSpec(name, "nominal", ["good", "bad"]) for name in ("tone", "topic"))


def make_codings(n: int, *variables: VariableSpec) -> Codings:
    rows = [
        {"unit_id": f"u{number}", "coder": coder, "variable": each.name, "label": "good" if number % 3 else label}
        for number in range(n)
        for each in variables
        for coder, label in (("ann", "good"), ("gold", "bad"))
    ]
    texts = {f"u{number}": f"Text number {number}." for number in range(n)}
    return Codings(make_table(rows), variables, gold="gold", texts=texts)


@pytest.fixture
def viewer() -> UnitViewer:
    return show_units(make_codings(20, TONE))


def shown(viewer: UnitViewer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", viewer.controls.page.value, flags=re.DOTALL))


def test_a_copy_shows_the_first_sixteen_folded_as_page_and_as_text(viewer):
    data = viewer._repr_mimebundle_()
    assert set(data) == {"text/html", "text/plain"}
    assert data["text/html"].count('<details class="cb-card">') == N_STATIC
    assert "<script" not in data["text/html"]
    assert "The first 16 of 20 units." in data["text/html"]
    lines = data["text/plain"].splitlines()
    assert lines[0] == "u0: gold: bad · ann: good"
    assert lines[-1] == "The first 16 of 20 units."
    assert len(lines) == N_STATIC + 2


def test_buttons_turn_the_cards_and_rest_at_the_ends(viewer):
    controls = viewer.controls
    assert (controls.back.disabled, controls.on.disabled) == (True, False)
    assert "u0 Text number 0." in shown(viewer)
    controls.on.click()
    assert "u1 Text number 1." in shown(viewer)
    assert controls.place.value == 2
    controls.place.value = 20
    assert "u19 Text number 19." in shown(viewer)
    assert controls.on.disabled
    controls.on.click()
    assert "u19" in shown(viewer)
    controls.back.click()
    assert "u18" in shown(viewer)


def test_menus_and_words_choose_and_clear_takes_it_back(viewer):
    controls = viewer.controls
    assert [text for text, _ in controls.standing.options] == ["any", "not as the gold"]
    controls.on.click()
    controls.standing.value = "not as the gold"
    assert controls.count.value == "of 7 units, chosen from 20"
    assert controls.place.value == 1, "the first of them is shown"
    controls.words.value = "number 12."
    assert "u12" in shown(viewer)
    assert controls.on.disabled
    controls.words.value = "nowhere"
    assert controls.message.value == "None of 20 units matches."
    assert "Text number" not in shown(viewer)
    controls.clear.click()
    assert (controls.words.value, controls.standing.value) == ("", "")
    assert controls.count.value == "of 20 units"
    assert controls.message.value == ""


def test_labels_are_offered_of_the_variable_that_is_chosen():
    controls = show_units(make_codings(3, TONE, TOPIC)).controls
    assert controls.label.layout.display == "none"
    controls.variable.value = "topic"
    assert [text for text, _ in controls.label.options] == ["any", "good", "bad"]
    controls.label.value = "bad"
    assert controls.count.value == "of 1 unit, chosen from 3"
    controls.clear.click()
    assert [text for text, _ in controls.label.options] == ["any"]
    one = show_units(make_codings(3, TONE)).controls
    assert (one.variable.layout.display, len(one.label.options)) == ("none", 3)


def test_what_cannot_be_read_is_said_in_words(viewer, monkeypatch):
    controls = viewer.controls

    def fail(self: object, words: str) -> set[str]:
        raise OSError("the disk is gone")

    monkeypatch.setattr("codebook.report.cards.unit_cards.UnitShelf.search", fail)
    controls.words.value = "coal"
    assert controls.message.value == "OSError: the disk is gone"


def test_a_card_is_read_when_it_is_shown(viewer, monkeypatch):
    read: list[int] = []
    real = UnitCards.read
    monkeypatch.setattr(
        UnitCards, "read", lambda self, number, **more: read.append(number) or real(self, number, **more)
    )
    assert viewer.controls
    viewer.controls.on.click()
    viewer.controls.standing.value = "not as the gold"
    assert read == [0, 1, 0]


def test_a_run_is_shown_with_its_texts_prompts_and_replies(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)
    run: Run = plan(make_book("topic"), [Unit("a", "All about coal.")], run="one", engine="scripted")
    run.submit()
    run.collect()
    page = cb.widgets.show_units(open_run("one")).controls.page.value
    for words in ("All about coal.", "Coal and other fuels.", "Prompt and reply: scripted-1, topic"):
        assert words in page


def test_codings_without_a_row_are_said_to_have_no_unit():
    empty = show_units(Codings(make_codings(1, TONE).frame.head(0), [TONE]))
    assert repr(empty) == "None of 0 units matches."
    assert empty.controls.on.disabled
