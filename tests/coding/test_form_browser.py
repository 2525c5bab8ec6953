"""The form in a real browser, with a real session at the other end: keys, marks, hostile texts, what a reader hears."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from form_page import FormPage
from lab import list_faint, why_not

from codebook.coding import CodingSession, assign, open_session, write_assignment
from codebook.records import Unit
from codebook.scheme import Codebook, parse_codebook

pytestmark = pytest.mark.slow
REASON = why_not()
if REASON:
    pytest.skip(REASON, allow_module_level=True)

SINGLE = """{name: topic, question: "Which topic?", kind: single, level: nominal, abstain: [unclear],
  categories: [{name: coal, definition: Mines and their coal., include: [lignite], exclude: [charcoal],
    examples: [{text: The mine closes., why: A mine.}]}, sports, {name: war, definition: Armies.}]}"""
MULTI = """{name: frames, question: "Which frames?", kind: multi, level: nominal, abstain: [unclear],
  categories: [economic, conflict, morality]}"""
RATING = """{name: tone, question: "For or against?", kind: rating, level: ordinal, categories: ["-1", "0", "1"]}"""
RECORDS = """{name: names, question: "Whom does it name?", kind: records, fields: [{name: mention, kind: quote},
  {name: type, kind: choice, categories: [PER, ORG, LOC]}]}"""


NUMBER = """{name: heat, question: "How heated?", kind: number, level: interval, minimum: 0, maximum: 10, decimals: 1,
  abstain: [unclear]}"""
TEXT = """{name: claim, question: "What is claimed?", kind: text}"""


def make_book(*variables: str) -> Codebook:
    listed = "\n".join(f"  - {each}" for each in variables)
    return parse_codebook(f"name: posts\nunit: a post\ninstructions: Read it all.\nvariables:\n{listed}\n")


@pytest.fixture
def open_form(browser: Any, project: Path) -> Iterator[Any]:
    """Opens a form on units; everything is closed behind the test."""
    pages, sessions = [], list[CodingSession]()

    def start(book: Codebook, texts: list[Any], *, full: bool = False) -> FormPage:
        units = [text if isinstance(text, Unit) else Unit(f"u{n:02}", text) for n, text in enumerate(texts)]
        folder = project / f"coding{len(pages)}"
        write_assignment(assign(units, ["ann"]), book, units, folder=folder, study="trial")
        sessions.append(open_session("ann", folder))
        pages.append(browser.new_page(viewport={"width": 1200, "height": 900}))
        return FormPage(pages[-1], sessions[-1], full=full)

    yield start
    for page in pages:
        page.close()
    for session in sessions:
        session.close()


def read_acts(form: FormPage) -> list[dict[str, Any]]:
    return [json.loads(line) for line in form.session.log.path.read_text(encoding="utf-8").splitlines()]


def read_labels(form: FormPage) -> list[dict[str, Any]]:
    return [line for line in read_acts(form) if line["act"] == "label"]


def test_one_press_codes_saves_and_goes_on(open_form):
    form = open_form(make_book(SINGLE), [f"text {n}" for n in range(50)])
    keys = random.Random(1).choices("123x", k=50)
    form.press(*keys)
    names = {"1": "coal", "2": "sports", "3": "war", "x": "unclear"}
    assert [line["label"] for line in read_labels(form)] == [names[key] for key in keys]
    assert form.page.get_by_text("Nothing is left to code.").count() == 1
    assert form.data("refused") == "0"
    assert not form.errors
    times = sorted(form.page.evaluate("window.times"))
    assert times[len(times) // 2] < 1000, "ms from a key to the next unit"


def test_sets_are_toggled_and_confirmed(open_form):
    form = open_form(make_book(MULTI), [f"text {n}" for n in range(40)])
    presses = 0
    for _ in range(40):
        form.press("3", "1", "Enter")
        presses += 3
    assert presses == 120
    assert [line["label"] for line in read_labels(form)] == [["economic", "morality"]] * 40


def test_numbers_are_typed_in_their_bounds_by_keys_alone(open_form):
    form = open_form(make_book(NUMBER), [f"text {n}" for n in range(5)])
    form.press("3", ",", "2", "Enter")
    form.press("1", "1", "Enter")
    assert "11 is more than 10" in form.page.locator(".cf-notice").inner_text()
    form.press("Backspace", "0", "Enter")
    form.press("x" if form.page.locator(".cf-code kbd").inner_text() == "x" else "u", "Enter")
    form.press("-", "1", "Enter")
    assert "-1 is less than 0" in form.page.locator(".cf-notice").inner_text()
    form.press("Escape", "Escape", "0", ".", "5", "0", "Enter", "7", "Enter")
    assert [line["label"] for line in read_labels(form)] == ["3.2", "10", "unclear", "0.5", "7"]
    assert form.page.get_by_text("Nothing is left to code.").count() == 1
    assert not form.errors


def test_a_text_is_written_and_confirmed(open_form):
    form = open_form(make_book(TEXT), ["one", "two"])
    form.page.locator(".cf-form textarea").first.fill("Coal is over.")
    form.press("Control+Enter")
    assert [line["label"] for line in read_labels(form)] == ["Coal is over."]
    assert not form.errors


@pytest.mark.parametrize("before", [NUMBER, SINGLE])
def test_words_after_another_answer_are_words_and_no_commands(open_form, before):
    """An s skipped the unit, and an f flagged it, where the answer before had been confirmed by its key."""
    form = open_form(make_book(before, TEXT), ["one", "two"])
    words = "so far fewer subsidies, 1 2"
    for _ in range(2):
        form.press("1", *(["Enter"] if before == NUMBER else []))
        form.page.keyboard.type(words)
        form.press("Control+Enter")
    assert [line["label"] for line in read_labels(form)][1::2] == [words, words]
    assert not {"skip", "flag"} & {line["act"] for line in read_acts(form)}


def test_the_form_begins_with_commands_and_goes_through_units_by_arrows(open_form):
    form = open_form(make_book(TEXT), ["one", "two", "three"])
    form.press("ArrowRight", "ArrowRight", "f")
    assert form.data("place") == "3"
    assert [line["act"] for line in read_acts(form) if line["act"] == "flag"] == ["flag"]
    form.page.locator(".cf-form textarea").first.fill("It ends.")
    form.press("Control+Enter")
    assert form.data("place") == "1"
    form.press("ArrowRight", "Escape", "ArrowRight")  # in the field, and out of it
    assert form.data("place") == "2"


def test_none_of_these_and_nothing_chosen_are_two_things(open_form):
    form = open_form(make_book(MULTI), ["one", "two"])
    form.press("Enter")
    assert "Press 0 if none" in form.page.locator(".cf-notice").inner_text()
    assert read_labels(form) == []
    form.press("0")
    assert [line["label"] for line in read_labels(form)] == [[]]


def test_no_key_labels_what_was_not_seen_and_none_is_swallowed(open_form):
    form = open_form(make_book(SINGLE), [f"text {n}" for n in range(60)])
    form.page.evaluate("window.lag_ms = 300")
    for key in random.Random(2).choices("123", k=200):
        form.page.keyboard.press(key)
        form.page.wait_for_timeout(30)
    form.wait()
    labels, refused = read_labels(form), int(form.data("refused")) + form.session.n_refused
    assert all(line["ms"] >= 150 for line in labels)
    assert len(labels) >= 3
    assert len(labels) + refused == 200
    assert "refused so far" in form.page.locator(".cf-notice").inner_text()


def test_nothing_is_swallowed_where_nobody_answers(open_form):
    form = open_form(make_book(SINGLE), ["one", "two", "three"])
    form.press("2")
    form.page.get_by_text("Saved: sports").wait_for()
    form.is_dead = True
    form.page.keyboard.press("1")
    form.page.get_by_text("NOT SAVED").wait_for()
    assert form.page.get_by_text("Saved:").count() == 0
    form.page.keyboard.press("2")
    assert form.page.locator(".cf-lost li").all_inner_texts() == ["topic: coal (unit 2)"]
    assert form.data("refused") == "1"
    assert form.page.locator(".cf-lost[role=alert]").count() == 1


def test_undo_goes_back_and_redo_on(open_form):
    form = open_form(make_book(SINGLE, RATING), ["one", "two", "three"])
    first = form.session.unit.unit_id
    form.press("1", "0", "2")
    form.press("u", "u", "Control+z")
    assert form.session.unit.unit_id == first
    assert form.session.answers == {}
    form.press("Shift+U", "Control+Shift+Z")
    assert form.session.answers == {"topic": "coal", "tone": "0"}


def test_skip_flag_note_search_and_go_to_by_keyboard(open_form):
    form = open_form(make_book(SINGLE), [f"text {n}" for n in range(9)])
    page, session = form.page, form.session
    form.press("f")
    page.keyboard.press("n")
    page.keyboard.type("12 doubts")  # digits in a note are no codes
    page.get_by_text("Saved: note").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    page.keyboard.type("in Dutch")
    form.press("Enter")
    skipped = session.plan.rows[0].turn
    assert (session.state.notes(skipped), session.state.skipped(skipped)) == ({"": "12 doubts"}, "in Dutch")
    assert session.state.is_flagged(skipped)
    page.keyboard.press("g")
    page.keyboard.type("7")
    form.press("Enter")
    assert session.view()["unit"]["place"] == 7
    page.keyboard.press("/")
    page.keyboard.type("armies")
    form.press("Enter")
    assert [line["label"] for line in read_labels(form)] == ["war"]
    form.press("ArrowLeft", "ArrowLeft")
    assert session.view()["unit"]["place"] == 6
    page.get_by_label("Which units").select_option("skipped")
    form.wait()
    assert session.unit.unit_id == skipped.unit


TEXTS = [
    "Coal 😀 and 👩‍👩‍👧‍👦 families say e\u0301conomie is dear to all of them.",
    "قالت آنا إن الفحم يجب أن يبقى في باطن الأرض إلى الأبد.",
    "אמרה אנה: הפחם נשאר 🪨 באדמה לעולם ועד, וגם מחר.",
    "Mixed עברית and English 🇩🇪🇫🇷 with ملاحظة in the midst of it.",
    "ย่อหน้าภาษาไทย e\u0301\u0302 zażółć gęślą jaźń 𝔘𝔫𝔦𝔠𝔬𝔡𝔢 words ende hier so.",
]
_DRAG = """([start, end]) => {
  const text = document.querySelector('.cf-text'), units = n => [...text.dataset.whole].slice(0, n).join('').length;
  const place = (unit, isEnd) => { const parts = [...text.querySelectorAll('[data-start]')];
    const part = parts.find(({dataset: {start: from, end: to}}) =>
      isEnd ? +from < unit && +to >= unit : +from <= unit && +to > unit);
    return [part.firstChild, unit - part.dataset.start]; };
  text.dispatchEvent(new PointerEvent('pointerdown', {bubbles: true}));
  const [a, b] = [place(units(start), false), place(units(end), true)];
  getSelection().setBaseAndExtent(...(start % 2 ? [...a, ...b] : [...b, ...a]));
  document.dispatchEvent(new PointerEvent('pointerup', {bubbles: true}));
}"""


def list_spans(text: str, n: int, seed: int) -> list[tuple[int, int]]:
    """Places of some words, as Python counts."""
    starts = [0, *(at + 1 for at, sign in enumerate(text) if sign == " ")]
    ends = [*(at for at, sign in enumerate(text) if sign == " "), len(text)]
    picker = random.Random(seed)
    pairs = set[tuple[int, int]]()
    while len(pairs) < n:
        first = picker.randrange(len(starts))
        pairs.add((starts[first], ends[min(len(ends) - 1, first + picker.randrange(3))]))
    return sorted(pairs)


def test_a_hundred_spans_by_mouse_are_what_python_cuts_out(open_form):
    form = open_form(make_book(RECORDS), TEXTS)
    n_right = 0
    for seed in range(5):
        text = form.session.unit.text
        form.page.evaluate("text => { document.querySelector('.cf-text').dataset.whole = text; }", text)
        spans = list_spans(text, 20, seed)
        for n, (start, end) in enumerate(spans):
            form.page.evaluate(_DRAG, [start, end])
            form.page.locator(".cf-picked").first.wait_for()
            form.page.keyboard.press("123"[n % 3])
        form.press("Enter")
        records = read_labels(form)[-1]["label"]["names"]
        places = [(each["mention"]["start"], each["mention"]["end"]) for each in records]
        assert places == spans, text
        n_right += sum(
            text[start:end] == each["mention"]["quote"] for (start, end), each in zip(places, records, strict=True)
        )
    assert n_right == 100
    assert not form.errors


def test_a_hundred_spans_by_keyboard_are_what_python_cuts_out(open_form):
    form = open_form(make_book(RECORDS), TEXTS)
    n_right = 0
    for _ in range(5):
        text = form.session.unit.text
        step = "ArrowLeft" if is_rtl(text) else "ArrowRight"
        n_words = form.page.evaluate("window.mounted.form.pane.words.length")
        form.press("m")
        widths = [width for width in range(1, 9) for _ in range(n_words // width)][:20]
        for before, width in zip([0, *widths], widths, strict=False):
            moves = ["Home"] if width != before else [step]
            for key in (*moves, *[f"Shift+{step}"] * (width - 1), "123"[width % 3]):
                form.page.keyboard.press(key)
        form.press("Escape", "Enter")
        spans = [record["mention"] for record in read_labels(form)[-1]["label"]["names"]]
        assert len({(span["start"], span["end"]) for span in spans}) == 20, text
        n_right += sum(text[span["start"] : span["end"]] == span["quote"].strip() for span in spans)
    assert n_right == 100
    assert not form.errors


def is_rtl(text: str) -> bool:
    return text[0] in "قא"


def test_spans_by_keyboard_and_other_ends_for_one(open_form):
    text = "Ann 😀 met Zoë Müller of the Coal Board in Leipzig."
    form = open_form(make_book(RECORDS), [text, "Nobody."])
    page = form.page
    keys = ["m", "1"]  # Ann
    keys += [*["ArrowRight"] * 3, "Shift+ArrowRight", "1"]  # Zoë Müller
    keys += [*["ArrowRight"] * 3, "2", "Shift+ArrowRight", "2"]  # Coal, and Coal Board over it
    keys += ["Escape"]
    form.press(*keys)
    page.locator(".cf-quote", has_text="Zoë Müller").focus()
    form.press("e", "Shift+ArrowLeft", "Alt+ArrowLeft", "Enter")  # Zo
    page.locator(".cf-quote", has_text="Ann").focus()
    form.press("Delete")
    form.press("Enter")
    records = read_labels(form)[-1]["label"]["names"]
    assert [(each["mention"]["quote"], each["type"]) for each in records] == [
        ("Zo", "PER"),
        ("Coal", "ORG"),
        ("Coal Board", "ORG"),
    ]
    assert all(text[each["mention"]["start"] : each["mention"]["end"]] == each["mention"]["quote"] for each in records)
    assert not form.errors


EVIL = "<img src=x onerror='window.evil=1'><script>window.evil=1</script>"


def test_hostile_texts_and_labels_run_no_script(open_form):
    book = make_book(
        json.dumps(
            {
                "name": "topic",
                "question": EVIL,
                "kind": "single",
                "level": "nominal",
                "categories": [
                    {"name": EVIL, "definition": EVIL, "include": [EVIL], "examples": [{"text": EVIL, "why": EVIL}]},
                    "b",
                ],
            }
        )
    )
    form = open_form(book, [Unit(EVIL, EVIL, {EVIL: EVIL}), Unit("u2", "two\u202e three \x1b[31m")])
    form.page.keyboard.press("n")
    form.page.keyboard.type(EVIL)
    form.page.keyboard.press("Escape")
    form.press("c", "1", "ArrowLeft", "u", "ArrowRight")
    form.page.locator(".cf-code").first.hover()
    assert form.page.evaluate("window.evil") is None
    assert form.page.locator(".cf-form img, .cf-form script").count() == 0
    assert "<img src=x" in form.page.locator(".cf-meaning").inner_text()


def test_a_text_of_30000_characters_is_marked_and_coded(open_form):
    text = " ".join(f"word{n} 😀" for n in range(3_000))
    form = open_form(make_book(RECORDS), [text, "short"])
    form.press("m", *["ArrowRight"] * 3, "1", "Escape", "Enter")
    (record,) = read_labels(form)[-1]["label"]["names"]
    assert text[record["mention"]["start"] : record["mention"]["end"]] == record["mention"]["quote"]
    assert len(text) > 29_000


PUSHED = """form => [form, ...form.querySelectorAll('*')].filter(node => node.scrollWidth > node.clientWidth + 1
  && getComputedStyle(node).overflowX === 'visible' && node.clientWidth).map(node => node.className)"""


@pytest.mark.parametrize("variables", [(SINGLE,), (MULTI, RATING), (RECORDS,)])
def test_every_reader_can_use_it(open_form, variables):
    from axe_playwright_python.sync_playwright import Axe

    form = open_form(make_book(*variables), ["A text of " + "words " * 80, "two"], full=True)
    page, axe = form.page, Axe()
    form.press("n", "Escape")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert not list_faint(form.root), scheme
        assert axe.run(page).violations_count == 0, axe.run(page).generate_report()
    for width in (600, 420):
        page.set_viewport_size({"width": width, "height": 900})
        assert not form.root.evaluate(PUSHED), width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("?")
    assert axe.run(page).violations_count == 0
    assert page.get_by_role("dialog", name="Keys").count() == 1
    page.keyboard.press("Escape")
    assert page.evaluate("document.querySelector('.cf-form').contains(document.activeElement)")


def test_what_is_saved_and_refused_is_read_aloud_and_the_focus_stays(open_form):
    form = open_form(make_book(SINGLE), ["one", "two", "three"])
    form.page.locator(".cf-code").first.focus()
    form.press("2")
    assert form.page.locator("[aria-live=polite]").inner_text() == "sports, saved. Unit 2 of 3."
    assert form.page.evaluate("document.activeElement.className") == "cf-left"
    form.press("q")
    assert "No code and no command has the key q" in form.page.locator("[aria-live=assertive]").inner_text()


def test_a_second_session_only_reads_and_says_so(open_form, browser):
    form = open_form(make_book(SINGLE), ["one", "two"])
    second = open_session("ann", form.session.log.path.parent.parent)
    page = browser.new_page()
    other = FormPage(page, second)
    other.press("1")
    assert "open elsewhere" in other.page.locator(".cf-notice").inner_text()
    assert read_labels(form) == []
    page.close()
    second.close()
