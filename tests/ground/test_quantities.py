"""A number becomes text in one place: minus, bounds, chances, parts of a whole."""

import math

import pytest

from codebook.ground.quantities import (
    format_figure,
    is_number_text,
    kind_of,
    places_of,
    say_chance,
    say_p,
    say_part,
    say_percent,
    show_usd,
)

EDGES = (0, 1, -1, 0.9996, -0.9996, 0.0004, -0.149, 1004, math.nan, 1e-14, math.inf, -math.inf)


@pytest.mark.parametrize(
    ("kind", "places", "texts"),
    [
        ("coefficient", 2, ".00 1.00 −1.00 > .99 < −.99 .00 −.15 1,004.00 – .00 ∞ −∞"),
        ("coefficient", 3, ".000 1.000 −1.000 > .999 < −.999 .000 −.149 1,004.000 – .000 ∞ −∞"),
        ("bound", 3, ".000 1.000 −1.000 1.000 −1.000 .000 −.149 1,004.000 – .000 ∞ −∞"),
        ("share", 3, "0 1.000 −1.000 > .999 < −.999 < .001 −.149 1,004.000 – 0 ∞ −∞"),
        ("amount", 2, "0.00 1.00 −1.00 1.00 −1.00 0.00 −0.15 1,004.00 – 0.00 ∞ −∞"),
    ],
)
def test_a_figure_is_written_in_one_way(kind, places, texts):
    assert " ".join(format_figure(value, places, kind) for value in EDGES) == texts


def test_a_chance_is_never_none_or_sure():
    chances = [say_chance(value) for value in (0, 1, 0.9996, 0.0004, 1e-14, 0.0314, math.nan)]
    assert chances == ["< .001", "> .999", "> .999", "< .001", "< .001", ".031", "–"]
    assert format_figure(1, 3, "chance") == "> .999"
    assert [say_p(value) for value in (0, 0.05, math.nan)] == ["p < .001", "p = .050", "no p"]


def test_none_and_all_are_said_of_exactly_none_and_all_only():
    assert [say_part(n, 146) for n in (0, 34, 146)] == ["0 of 146", ".23", "146 of 146"]
    assert [say_part(n, 6721, 3) for n in (1, 6720)] == ["< .001", "> .999"]
    percents = [say_percent(share) for share in (0, 0.001, 0.5, 0.9996, 1, math.nan)]
    assert percents == ["0 %", "< 1 %", "50 %", "> 99 %", "100 %", "–"]


@pytest.mark.parametrize("thousandths", [5, 15, 145, 155, 485, 515, 625, 995])
def test_halves_are_rounded_up_alike_as_a_figure_and_in_per_cent(thousandths):
    """The binary floats of .145 and .485 lie below the half, that of .515 above, and that of .625 on it."""
    share, wanted = thousandths / 1000, (thousandths + 5) // 10
    assert format_figure(share, 2, "bound") == (f".{wanted:02}" if wanted < 100 else "1.00")
    assert say_percent(share) == (f"{wanted} %" if wanted < 100 else "> 99 %")
    assert format_figure(-share, 2, "amount") == f"−{wanted / 100:.2f}"
    assert format_figure(sum([share / 7] * 7), 2, "bound") == format_figure(share, 2, "bound"), (
        "whatever the sum leaves"
    )


def test_what_can_pass_one_keeps_its_zero_by_its_name():
    assert kind_of([0.5], "mean error") == kind_of([0.5], "mean absolute error of m, by source") == "amount"
    assert kind_of([0.5], "meanings") == kind_of([0.5], "accuracy") == "coefficient"
    assert kind_of([], "estimate") == "amount"


def test_a_third_decimal_takes_more_than_a_thousand_units():
    assert [places_of(n) for n in (0, 1000, 1001)] == [2, 2, 3]


@pytest.mark.parametrize("value", [*EDGES, 12.5])
def test_what_is_written_is_known_as_a_number(value):
    texts = [format_figure(value), format_figure(value, 1, "amount"), say_chance(abs(value)), say_percent(value)]
    assert all(map(is_number_text, texts)), texts
    assert not any(is_number_text(f"topic {text}") for text in texts)
    assert is_number_text(show_usd(0.5))
    assert is_number_text(f"{format_figure(value)} [{format_figure(value)}, 1.00]")
