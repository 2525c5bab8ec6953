"""Numbers and scales by their bounds: read, checked, written, and one spelling of each number."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebook.errors import SchemeError
from codebook.scheme import Variable, diff_codebooks, parse_codebook, read_codebook, write_codebook, write_qdc
from codebook.scheme.number_values import read_number, spell_number

BOOK = """
name: speeches
unit: a speech
variables:
  - {name: heat, question: How heated, kind: number, level: interval, minimum: 0, maximum: 10, decimals: 1,
     abstain: [unclear]}
  - {name: tone, question: How kind, kind: rating, level: ordinal, minimum: -2, maximum: 2,
     categories: [{name: "-2", definition: hostile}, {name: "2", definition: kind}]}
  - {name: claim, question: What is claimed, kind: text}
"""


def test_a_scale_by_bounds_has_all_its_points_and_keeps_what_is_said_of_some():
    tone = parse_codebook(BOOK).variable("tone")
    assert tone.labels == ("-2", "-1", "0", "1", "2")
    assert [each.definition for each in tone.categories] == ["hostile", "", "", "", "kind"]


@pytest.mark.parametrize("write", [write_codebook, write_qdc])
def test_bounds_read_back_to_the_same_codebook(write, project):
    book, path = parse_codebook(BOOK), project / ("copy.qdc" if write is write_qdc else "copy.yaml")
    write(book, path)
    again = read_codebook(path)
    assert diff_codebooks(book, again) == []
    assert again.digest == book.digest
    if write is write_codebook:
        assert path.read_text().count("name: '") == 2, "points of which nothing is said are not written"


def test_bounds_are_part_of_the_instrument():
    book = parse_codebook(BOOK)
    wider = parse_codebook(BOOK.replace("maximum: 10", "maximum: 100"))
    assert [str(change) for change in diff_codebooks(book, wider)] == ["variables[heat].maximum: '10' became '100'"]
    assert book.variable_digest("heat") != wider.variable_digest("heat")
    assert book.variable_digest("tone") == wider.variable_digest("tone")
    assert parse_codebook(BOOK.replace("maximum: 10", "maximum: 10.0")).digest == book.digest


@pytest.mark.parametrize(
    ("fields", "problems"),
    [
        ('kind: number, level: nominal, minimum: "3,2"', ["`minimum` is '3,2'"]),
        ("kind: number, level: ordinal, minimum: 3, maximum: 1, categories: [x]", ["not above", "cannot be ordinal"]),
        (
            'kind: number, level: interval, categories: [x], abstain: ["99"]',
            ["not chosen from", "is one of the numbers"],
        ),
        ("kind: number, level: ratio", ["no number below zero, and the bounds allow some"]),
        ("kind: number, level: interval, step: 0, decimals: 12", ["`decimals` is '12'"]),
        ("kind: number, level: interval, step: 0", ["the step is 0"]),
        ("kind: rating, level: ordinal, minimum: 1", ["`maximum` is missing"]),
        ("kind: rating, level: ordinal, minimum: 1, maximum: 500", ["more than 101 points"]),
        ("kind: rating, level: ordinal, minimum: 1, maximum: 5, step: 3", ["do not go up from"]),
        ('kind: rating, level: ordinal, minimum: 1, maximum: 5, categories: ["7"]', ["'7' is no point of the scale"]),
        ("kind: text, minimum: 1, categories: [a]", ["`minimum` for a variable of kind text", "`categories` for"]),
        ("kind: single, level: nominal, categories: [a, b], decimals: 1", ["`decimals` for a variable of kind single"]),
    ],
)
def test_every_fault_of_bounds_is_said_at_once(fields, problems):
    with pytest.raises(SchemeError) as error:
        parse_codebook(f"name: a\nunit: b\nvariables:\n  - {{name: v, question: q, {fields}}}\n")
    assert len(error.value.faults) == len(problems)
    assert all(problem in str(error.value) for problem in problems)


def make_number(**bounds: object) -> Variable:
    return Variable(name="v", question="q", kind="number", level="interval", **bounds)


@given(st.decimals(-(10**9), 10**9, places=6))
def test_a_number_has_one_spelling_whoever_writes_it(number):
    label, problem = read_number(str(number), make_number())
    assert problem == ""
    assert float(label) == float(number)
    assert read_number(label, make_number()) == (label, "")
    assert read_number(json.loads(label), make_number()) == (label, "")
    assert label != "-0"
    assert not {"e", "E"} & set(label)


@pytest.mark.parametrize(
    ("value", "bounds", "label", "problem"),
    [
        ("3.20", {}, "3.2", ""),
        ("3,2", {}, None, "write a point, not a comma"),
        ("1,234.5", {}, None, "is no number"),
        ("٣", {}, None, "is no number"),
        (True, {}, None, "True is no number"),
        (float("nan"), {}, None, "nan is no number"),
        (10**40, {}, None, "too many digits"),
        (0.3, {"step": 0.1}, "0.3", ""),
        (0.35, {"minimum": 0.05, "step": 0.1}, "0.35", ""),
        (0.3, {"minimum": 0.05, "step": 0.1}, None, "not in steps of 0.1 from 0.05"),
        (-1, {"minimum": 0}, None, "-1 is less than 0"),
        (100.5, {"maximum": 100}, None, "100.5 is more than 100"),
        ("5.10", {"decimals": 1}, "5.1", ""),
        (5.5, {"decimals": 0}, None, "has more than 0 decimals"),
    ],
)
def test_a_number_out_of_its_bounds_is_refused_and_never_cut(value, bounds, label, problem):
    read, said = read_number(value, make_number(**bounds))
    assert read == label
    assert problem in said
    assert bool(said) == (label is None)


def test_a_float_is_spelled_as_it_is_written():
    assert [spell_number(value) for value in (0.1 + 0.2, 1e-7, 100.0)] == ["0.30000000000000004", "0.0000001", "100"]
