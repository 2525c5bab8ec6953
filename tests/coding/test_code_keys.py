"""Each code has a key of its own: that of the codebook, of its scale, or the next that is free."""

from __future__ import annotations

import pytest

from codebook.coding.sessions.session_view import assign_field_keys, assign_keys
from codebook.errors import SchemeError
from codebook.scheme import Category, Variable, parse_codebook
from codebook.scheme.codebook_checks import COMMAND_KEYS


def variable(categories: list, kind: str = "single", level: str = "nominal", **more) -> Variable:
    return Variable(name="topic", question="?", kind=kind, level=level, categories=categories, **more)


@pytest.mark.parametrize("n", [2, 9, 10, 25, 60])
def test_no_two_codes_share_a_key_and_none_is_a_command(n):
    keys = assign_keys(variable([f"code {i}" for i in range(n)], abstain=["unclear", "no text"]))
    pressed = [key for key in keys.values() if key]
    assert len(set(pressed)) == len(pressed)
    assert not set(pressed) & COMMAND_KEYS
    assert len(keys) == n + 2
    assert list(keys.values())[: min(n, 9)] == list("123456789")[:n]


def test_keys_of_the_codebook_come_first_and_0_is_allowed():
    names = [{"name": "no", "key": "0"}, {"name": "yes", "key": "1"}, "perhaps"]
    assert assign_keys(variable(names, abstain=["unclear"])) == {"no": "0", "yes": "1", "perhaps": "2", "unclear": "x"}


@pytest.mark.parametrize(
    ("points", "keys"),
    [
        (["0", "1", "2"], ["0", "1", "2"]),
        (["-1", "0", "1"], ["-", "0", "1"]),
        (["-2", "-1", "0", "1", "2"], ["1", "2", "3", "4", "5"]),
        (["0", "50", "100"], ["1", "2", "3"]),
    ],
)
def test_points_of_a_scale_have_their_digits(points, keys):
    assert list(assign_keys(variable(points, "rating", "ordinal")).values()) == keys


def test_none_of_these_keeps_its_key_in_sets():
    assert "0" not in assign_keys(variable(["0", "1", "2"], "multi")).values()


def test_choices_of_a_record_have_keys():
    assert assign_field_keys([Category(name="PER"), Category(name="ORG", key="o")]) == {"PER": "1", "ORG": "o"}


BOOK = """
name: news
unit: a headline
variables:
  - name: topic
    question: What is it about?
    kind: single
    level: nominal
    categories:
      - {{name: sports, key: {first}}}
      - {{name: war, key: {second}}}
"""


@pytest.mark.parametrize(
    ("first", "second", "problem"),
    [
        ("s", "w", "the key 's' is a command of the coding form"),
        ("w", "W", "the key 'W' is that of 'sports' too"),
        ("ab", "w", "`key` is 'ab'"),
    ],
)
def test_a_key_that_cannot_be_is_a_fault_with_its_line(first, second, problem):
    with pytest.raises(SchemeError, match="line 1") as error:
        parse_codebook(BOOK.format(first=first, second=second))
    assert problem in str(error.value)


def test_a_key_changes_no_digest():
    plain = parse_codebook(BOOK.format(first="a", second="b"))
    other = parse_codebook(BOOK.format(first="x", second="y"))
    assert plain.digest == other.digest
    assert plain.variable_digest("topic") == other.variable_digest("topic")


def test_a_point_of_a_scale_is_never_had_by_the_digit_of_another():
    scale = Variable(name="tone", question="?", kind="rating", level="ordinal", minimum=0, maximum=10)
    keys = assign_keys(scale)
    assert all(keys[str(n)] == str(n) for n in range(10))
    assert keys["10"].isalpha()


def test_the_digits_of_a_number_are_no_keys_of_codes():
    heat = Variable(name="heat", question="?", kind="number", level="interval", abstain=["1st", "unclear", "useless"])
    assert not any(key.isdigit() for key in assign_keys(heat).values())
