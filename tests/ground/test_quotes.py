"""Quotes: found to the letter, but for case and spaces, nearly, or marked as absent; places are code points."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebook.files.lines import read_lines
from codebook.ground.quotes import LEAST_SCORE, Found, find_quotes, fold

DATA = Path(__file__).parents[2] / "data"
TEXT = "Frederick H. Collier was the first colonel.\nThe  “Army” – of the Potomac. naïve cafe\u0301 😀 end"


def find_quote(quote: str, text: str) -> Found:
    return find_quotes([quote], text)[0]


@pytest.mark.parametrize(
    ("quote", "how", "words"),
    [
        ("first colonel", "exact", "first colonel"),
        ("  first colonel\n", "exact", "first colonel"),
        ("FIRST Colonel", "folded", "first colonel"),
        ('the "army" - of the Potomac', "folded", "The  “Army” – of the Potomac"),
        ("colonel. The", "folded", "colonel.\nThe"),
        ("nai\u0308ve caf\u00e9 😀", "folded", "naïve cafe\u0301 😀"),
        ("end", "exact", "end"),
        ("Frederik H. Colier", "aligned", "Frederick H. Collier"),
        ("the first colonell", "aligned", "the first colonel"),
    ],
)
def test_a_quote_is_found_and_its_place_holds_the_text_s_own_words(quote: str, how: str, words: str) -> None:
    found = find_quote(quote, TEXT)
    assert (found.how, TEXT[found.start : found.end]) == (how, words)
    assert found.score == 1.0 or (how == "aligned" and LEAST_SCORE <= found.score < 1)


@pytest.mark.parametrize("quote", ["", " ", "the regiment of Bulgaria", "x" * 500, "?"])
def test_what_the_text_does_not_hold_is_marked(quote: str) -> None:
    found = find_quote(quote, TEXT)
    assert (found.start, found.end, found.how) == (-1, -1, "absent")
    assert found.score < LEAST_SCORE


def test_a_text_without_words_holds_nothing() -> None:
    assert find_quote("a", "").how == find_quote("a", " \n").how == "absent"


def test_whole_words_go_before_parts_of_words() -> None:
    assert find_quote("Niger", "Nigeria, Niger").start == 9
    assert find_quote("Kohle", "Die Kohlekraft").start == 4


def test_scripts_without_spaces_are_aligned_too() -> None:
    text = "中文句子没有空格所以需要小心处理这个问题。"
    found = find_quote("没有空格所以须要小心处理", text)
    assert (found.how, text[found.start : found.end]) == ("aligned", "没有空格所以需要小心处理")


def test_repeated_mentions_get_place_after_place() -> None:
    text = "Ann met Ben. Ann left. Ben stayed. Ann came."
    in_order = find_quotes(["Ann", "Ben", "Ann", "Ben", "Ann"], text)
    assert [found.start for found in in_order] == [0, 8, 13, 23, 35]
    by_number = find_quotes(["Ben", "Ben", "Ann", "Ann", "Ann", "Ann"], text)
    assert [found.start for found in by_number] == [8, 23, 0, 13, 35, 35]
    behind = find_quotes(["left", "Ann"], text)  # the list follows the text, so Ann is the one who came
    assert behind[1].start == 35
    assert find_quotes([], text) == []


def test_an_absent_quote_does_not_move_the_others() -> None:
    found = find_quotes(["Ann", "Charlotte", "Ann"], "Ann met Ben. Ann left.")
    assert [(one.start, one.how) for one in found] == [(0, "exact"), (-1, "absent"), (13, "exact")]


def test_every_gold_mention_of_wikigold_is_found_at_its_place() -> None:
    n = 0
    for unit in read_lines(DATA / "entities_wikigold" / "docs.jsonl"):
        found = find_quotes([entity["text"] for entity in unit["entities"]], unit["text"])
        assert [(one.start, one.end) for one in found] == [(one["start"], one["end"]) for one in unit["entities"]]
        n += len(found)
    assert n == 1654


@given(st.text(max_size=60), st.integers(0, 60), st.integers(1, 60))
def test_any_piece_of_any_text_is_found_in_it(text: str, start: int, length: int) -> None:
    piece = text[start : start + length].strip()
    found = find_quote(piece, text)
    if piece:
        assert (found.how, text[found.start : found.end]) == ("exact", piece)


@given(st.text(max_size=60))
def test_folding_keeps_places_in_order(text: str) -> None:
    folded, places = fold(text)
    assert len(folded) == len(places)
    assert places == sorted(places)
    assert all(0 <= place < len(text) for place in places)
