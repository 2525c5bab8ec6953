"""Cards of units: text, every coder's label, gold, quotes, prompt and reply; and which units are chosen."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fakes.scripted import make_book, register

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.scales import VariableSpec
from codebook.codings import make_table, shorten_coders
from codebook.files.lines import write_lines
from codebook.material.unit_store import write_units
from codebook.records import Unit, UnitFile
from codebook.report import write_report
from codebook.report.cards import Choice, UnitCards, card_html, cards_html, open_cards, telling_html
from codebook.report.cards.card_pages import STATIC, Sizes, card_text
from codebook.report.cards.choosing import DISAGREE, NOT_GOLD
from codebook.report.cards.unit_cards import UnitShelf, find_request, tell_request
from codebook.run import Run, erase_unit, open_run, plan
from codebook.scheme import parse_codebook

ROOT = Path(__file__).parents[2]
TONE = VariableSpec("tone", "nominal", ["good", "bad", "[odd]"])
TOPICS = VariableSpec("topics", "nominal", ["war", "art"], "multi")
EVIL = "<script>alert(1)</script>\x1b[31m&\"' \u202eturned"


def row(unit: str, coder: str, label: str | None, **more: object) -> dict[str, object]:
    why = None if label is not None else "refused"
    return {"unit_id": unit, "coder": coder, "variable": "tone", "label": label, "why": why} | more


ROWS = [
    *(row("a", coder, label) for coder, label in (("ann", "good"), ("m", "good"), ("gold", "good"))),
    *(row("b", coder, label) for coder, label in (("ann", "good"), ("m", "bad"), ("gold", "good"))),
    row("c", "ann", "bad"),
    row("c", "m", None, detail="it would not"),
    row("d", "gold", "bad"),
    row("d", "m", "[odd]"),
    *(row("e", coder, label, variable="topics") for coder, label in (("ann", '["war","art"]'), ("m", "[]"))),
]
TEXTS = {"a": "Coal is cheap.", "b": "GAMES were played.", "c": "", "d": "Streets of Rome.", "e": "War and art."}


@pytest.fixture
def cards() -> UnitCards:
    codings = Codings(make_table(ROWS), [TONE, TOPICS], gold="gold", models=("m",), texts=TEXTS)
    return open_cards(codings)


def names(cards: UnitCards, **wanted: str) -> list[str]:
    return [cards.index.units[number] for number in cards.choose(Choice(**wanted))]


def words_of(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", html, flags=re.DOTALL)).strip()


# --- which units


@pytest.mark.parametrize(
    ("wanted", "units"),
    [
        ({}, "abcde"),
        ({"label": "bad"}, "bcd"),
        ({"label": "bad", "coder": "ann"}, "c"),
        ({"label": "[odd]"}, "d"),
        ({"label": "art"}, "e"),
        ({"coder": "gold"}, "abd"),
        ({"variable": "topics"}, "e"),
        ({"standing": DISAGREE}, "be"),
        ({"standing": NOT_GOLD}, "bd"),
        ({"standing": NOT_GOLD, "coder": "ann"}, ""),
        ({"why": "refused"}, "c"),
        ({"words": "  games "}, "b"),
        ({"words": "coal", "label": "bad"}, ""),
    ],
)
def test_units_are_chosen_by_label_coder_standing_why_and_words(cards, wanted, units):
    assert names(cards, **wanted) == list(units)


def test_free_texts_never_disagree_and_offer_no_labels():
    free = VariableSpec("said", "nominal", [], "transcription")
    rows = [row("a", coder, f"words of {coder}", variable="said") for coder in ("x", "y", "gold")]
    index = open_cards(Codings(make_table(rows), [free], gold="gold")).index
    assert not index.disputed.any()
    assert not index.not_gold.any()
    assert index.list_labels("said") == []


def test_draws_of_one_model_can_disagree():
    rows = [row("a", "m", label, draw=draw) for draw, label in enumerate(("good", "bad", "good"))]
    cards = open_cards(Codings(make_table(rows), [TONE], models=("m",)))
    assert names(cards, standing=DISAGREE) == ["a"]
    assert [label.draw for label in cards.read(0).labels] == ["0", "1", "2"]


# --- what a card says


def test_a_card_says_who_gave_which_label_and_what_the_gold_is(cards):
    card = cards.read(1)
    assert [(label.coder, label.role, label.standing) for label in card.labels] == [
        ("gold", "gold", ""),
        ("ann", "person", "right"),
        ("m", "model", "wrong"),
    ]
    shown = words_of(card_html(card))
    assert "b GAMES were played. tone gold good tone ann person good as the gold tone m model bad not as the" in shown


def test_a_card_says_why_a_label_is_missing_and_that_a_text_is_empty(cards):
    shown = words_of(card_html(cards.read(2)))
    assert "The text is empty." in shown
    assert "no label refused: it would not" in shown


def test_where_nobody_kept_the_text_the_card_says_how_to_give_it():
    codings = Codings(make_table(ROWS[:3]), [TONE])
    assert "give the units, show_units(codings, units)" in card_html(open_cards(codings).read(0))
    given = open_cards(codings, [Unit("a", "Coal.", {"speaker": "Eve"})])
    assert "speaker: Eve Coal." in words_of(card_html(given.read(0)))


def test_quotes_are_marked_in_the_text_and_stand_beside_the_label():
    rows = [row("a", "m", "good", evidence="is CHEAP"), row("a", "n", "bad", evidence="not there at all")]
    card = open_cards(Codings(make_table(rows), [TONE], texts=TEXTS)).read(0)
    html = card_html(card)
    assert "Coal <mark>is cheap</mark>." in html
    assert '<blockquote dir="auto">not there at all</blockquote>' in html


def test_records_are_shown_in_lines_and_their_quotes_are_marked():
    book = parse_codebook(
        "name: b\nunit: a text\nvariables:\n- name: people\n  question: Who?\n  kind: records\n"
        "  fields: [{name: mention, kind: quote}, {name: role, kind: text}]\n"
    )
    label = '{"people":[{"mention":"Rome","role":"Streets"}]}'
    rows = [row("d", "m", label, variable="people")]
    html = card_html(open_cards(Codings(make_table(rows), book.variables, texts=TEXTS)).read(0))
    assert "Streets of <mark>Rome</mark>." in html
    assert "&quot;mention&quot;: &quot;Rome&quot;,\n" in html


def test_a_long_text_is_folded_and_a_very_long_one_cut_which_it_says():
    text = "coal and its price, " * 1000
    codings = Codings(make_table(ROWS[:1]), [TONE], texts={"a": text})
    html = card_html(open_cards(codings).read(0), Sizes(600, 6_000))
    assert "19,400 more characters, of which the last 14,000 are not shown" in html
    assert html.count("coal and its price") == 300
    assert text[:6000] == "".join(re.findall(r"(?:coal and its price, )+", html.replace("</summary>", "")))


def test_hostile_texts_ids_and_labels_are_text_in_every_part_of_a_card():
    more = {"evidence": EVIL, "detail": EVIL, "raw": EVIL}
    rows = [row(EVIL, EVIL, None, **more), row(EVIL, "n", EVIL, **more)]
    codings = Codings(make_table(rows), [TONE])
    cards = open_cards(codings, [Unit(EVIL, EVIL, {EVIL: EVIL}, (UnitFile(EVIL, "image"),))])
    for html in (card_html(cards.read(0)), card_html(cards.read(0), folded=True), telling_html(cards)):
        assert "<script" not in html
        assert "\x1b" not in html
        assert "\u202e" not in html
        assert r"\x1b[31m" in html
    assert "\x1b" not in card_text(cards.read(0))


def test_right_to_left_texts_keep_their_direction_and_do_not_turn_what_stands_beside_them():
    codings = Codings(make_table([row("a", "آن", "good")]), [TONE], texts={"a": "الفحم رخيص"})
    html = card_html(open_cards(codings).read(0), folded=True)
    assert '<div class="text" dir="auto">الفحم رخيص</div>' in html
    assert "<bdi>آن</bdi>" in html
    assert "<bdi>الفحم رخيص</bdi>" in html


def test_photographs_and_pages_are_shown_as_far_as_they_are_as_they_were(tmp_path, monkeypatch):
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path))
    image = next((ROOT / "data" / "clothing_images" / "images").glob("*.jpg"))
    page = next((ROOT / "data" / "scanned_pages").rglob("*.pdf"))
    files = (
        UnitFile(str(image), "image"),
        UnitFile(str(page), "pdf", ask={"first": 1, "last": 1}),
        UnitFile(str(image), "image", sha256="0" * 64),
        UnitFile("https://example.org/x.png", "image"),
        UnitFile("gone.png", "image"),
    )
    codings = Codings(make_table([row("a", "m", "good")]), [TONE])
    first = card_html(open_cards(codings, [Unit("a", "", {}, files[:4])]).read(0), STATIC)
    assert first.count('<img alt="" src="data:image/jpeg;base64,') == 2
    for words in (f"{page.name}, page 1", "was changed since it was planned", "an address, which is not loaded"):
        assert words in first
    assert "gone.png: the file is not there" in card_html(open_cards(codings, [Unit("a", "", {}, files[4:])]).read(0))


# --- units and requests, read from the folder of a run


def test_units_are_read_one_by_one_and_a_few_without_a_list_of_all(tmp_path):
    path = tmp_path / "units.jsonl"
    odd = 'q"\\ é\u2028'
    write_units(path, [(Unit(name, f"text of {name}", {"s": "Eve"}), None) for name in ("a", odd, "c")])
    shelf = UnitShelf([path, tmp_path / "none.jsonl"], {"z": "other"})
    shelf.hold(["c"])
    assert shelf.find("c") == Unit("c", "text of c", {"s": "Eve"})
    assert "_places" not in vars(shelf)
    assert [unit.text for name in (odd, "a", "z") if (unit := shelf.find(name))] == [
        f"text of {odd}",
        "text of a",
        "other",
    ]
    assert shelf.find("y") is None
    assert shelf.search("TEXT OF C") == {"c"}
    assert shelf.search("eve") == {"a", odd, "c"}


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A run that asked four units after a pilot of two."""
    register(monkeypatch)
    units = [Unit(f"u{n}", f"Sentence {n} about coal.{' [refuse]' * (n == 3)}") for n in range(4)]
    for name, some in (("pilot", units[:2]), ("main", units)):
        planned = plan(make_book("topic"), some, run=name, engine="scripted")
        planned.submit()
        planned.collect(partial=True)
    return open_run("main")


def test_prompt_and_reply_stand_on_the_card_whichever_run_asked(run):
    cards = open_cards(run.codings())
    for number in (0, 3):  # the first was asked by the pilot
        (talk,) = cards.read(number).talks
        speakers, said = zip(*talk.turns, strict=True)
        assert speakers == ("system", "user")
        assert f"Sentence {number} about coal." in said[1]
        assert "Coal and other fuels." in said[0]
    assert "no label refused" in words_of(card_html(cards.read(3)))
    assert "Prompt and reply: scripted-1, topic" in card_html(cards.read(0))


def test_the_request_is_the_newest_and_no_quoted_name_is_taken_for_one(tmp_path):
    shards = tmp_path / "shards"
    line = {"custom_id": "t.1", "body": {"input": 'the text says {"custom_id":"t.2", and so on'}}
    write_lines(shards / "0001-a.jsonl", [line, {"custom_id": "t.2", "body": {"input": "old"}}])
    write_lines(shards / "0002-b.jsonl", [{"custom_id": "t.2", "body": {"input": "new"}}])
    assert find_request(tmp_path, "t.2") == {"input": "new"}
    assert find_request(tmp_path, "t.1") == line["body"]
    assert find_request(tmp_path, "t.3") is None
    assert tell_request({"input": ["one", {"role": "user", "content": None}]}) == [("input", "one"), ("user", "None")]


def test_where_the_shard_is_gone_the_card_says_so_and_shows_the_rest(run):
    for path in run.folder.runs.rglob("shards/*.jsonl"):
        path.unlink()
    html = card_html(open_cards(run.codings()).read(2))
    assert "the shard with the request is gone" in html
    assert "coal" in html


# --- the few that say most


def test_the_most_confused_pairs_come_first_with_two_units_each(cards):
    rows = [row(f"x{n}", coder, label) for n in range(9) for coder, label in (("m", "bad"), ("gold", "good"))]
    codings = Codings(make_table([*rows, *ROWS]), [TONE, TOPICS], gold="gold", models=("m",), texts=TEXTS)
    shown = telling_html(open_cards(codings))
    headings = re.findall("<h3>(.*?)</h3>", shown)
    assert headings == [
        "‘bad’ by m where the gold says ‘good’: 10 units",
        "‘[odd]’ by m where the gold says ‘bad’: 1 unit",
        "Coders disagree: 2 units",
        "No label, refused: 1 unit",
    ]
    assert re.findall(r"<summary><b>(\w+)</b>", shown) == ["x0", "x1", "d", "b", "e", "c"], "no unit twice"
    assert len(re.findall(r"<summary><b>", telling_html(open_cards(codings), most=3))) == 3


def test_labels_are_called_by_the_titles_of_the_codebook():
    tone = VariableSpec("tone", "nominal", ["1", "2"], titles={"1": "good", "2": "bad"})
    codings = Codings(make_table([row("a", "m", "2"), row("a", "gold", "1")]), [tone], gold="gold")
    shown = telling_html(open_cards(codings))
    assert "‘bad’ by m where the gold says ‘good’: 1 unit" in shown
    assert "gold: good · m: bad" in shown


def test_without_texts_nothing_of_the_units_own_is_shown():
    rows = [row("a", "m", "good", evidence="cheap", raw="raw reply"), row("a", "gold", "bad")]
    codings = Codings(make_table(rows), [TONE], gold="gold", texts=TEXTS)
    cards = open_cards(codings, [Unit("a", "Coal is cheap.", {"speaker": "Eve"})])
    shown = telling_html(cards, texts=False, hidden=True)
    assert "unit 1" in shown
    assert "good" in shown
    for secret in ("cheap", "Eve", "raw reply", "<b>a</b>"):
        assert secret not in shown
        assert secret in telling_html(cards)


def test_where_nothing_stands_out_nothing_is_shown():
    codings = Codings(make_table([row("a", "m", "good")]), [TONE])
    assert telling_html(open_cards(codings)) == ""


def test_an_erased_unit_is_in_no_report(run):
    page = write_report("main")
    assert "Sentence 3 about coal." in page.read_text(encoding="utf-8")
    erase_unit("u3")
    assert not page.exists()
    assert "Sentence 3" not in write_report("main").read_text(encoding="utf-8")


def test_a_report_shows_units_and_leaves_texts_out_where_asked(run):
    shown = write_report("main").read_text(encoding="utf-8")
    assert '<h2 id="units">' in shown
    assert '<a href="#units">' in shown
    assert "Sentence 3 about coal." in shown
    assert "<script" not in shown
    assert "Sentence 3" not in write_report("main", texts=False).read_text(encoding="utf-8")


def test_choosing_counts_right_beside_a_plain_count():
    rng = np.random.default_rng(1)
    units = [f"u{n}" for n in range(50)]
    rows = [row(unit, coder, str(rng.choice(["good", "bad"]))) for unit in units for coder in ("m", "ann", "gold")]
    cards = open_cards(Codings(make_table(rows), [TONE], gold="gold"))
    wide = pd.DataFrame(rows).pivot(index="unit_id", columns="coder", values="label").loc[units]
    assert names(cards, standing=DISAGREE) == [*wide.index[wide["m"] != wide["ann"]]]
    wrong = (wide["m"] != wide["gold"]) | (wide["ann"] != wide["gold"])
    assert names(cards, standing=NOT_GOLD) == [*wide.index[wrong]]
    assert cards_html([]).endswith("</div>")
    assert shorten_coders(cards.codings).coders == ["m", "ann", "gold"]
