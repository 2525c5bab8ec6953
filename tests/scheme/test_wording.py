"""Wording of a codebook: what is read in two ways is told with its line, and what is written on purpose is not."""

from pathlib import Path

import pytest

from codebook.scheme import parse_codebook, write_codebook
from codebook.scheme.wording import check_wording

ROOT = Path(__file__).parents[2]
SHIPPED = [str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("data/*/codebook*.yaml"))]
SHIPPED += ["codebook/templates/study/codebook.yaml"]

HEAD = """name: news
unit: one text
variables:
  - name: topic
    question: {question}
    kind: {kind}
    level: nominal
    categories:
"""


def two(first, second="definition: Law."):
    return f"      - {{name: a, {first}}}\n      - {{name: b, {second}}}\n"


def remark(tmp_path, categories, question="What is it about?", kind="single"):
    path = tmp_path / "codebook.yaml"
    path.write_text(HEAD.format(question=question, kind=kind) + categories)
    return check_wording(path)


def test_bare_categories_are_told_in_one_hint_and_the_residual_apart(tmp_path):
    told = str(remark(tmp_path, "      [a, b, c, d, e, f, other]\n"))
    assert "line 8: 6 of 7 categories have no definition ('a', 'b', 'c', 'd', 'e', 'f')" in told
    assert "line 9: the residual category 'other' has no definition" in told
    assert "2 hints; none keeps you from going on" in told


def test_a_definition_that_repeats_the_name_is_none(tmp_path):
    told = str(remark(tmp_path, two("definition: A.", "definition: B and law.")))
    assert "1 of 2 categories has no definition ('a')" in told


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (
            "definition: 'Wages, prices, taxes and jobs of workers.'",
            "definition: 'What workers earn: jobs, wages, taxes.'",
            "line 10: the definitions of 'a' and 'b' share most of their words (workers, jobs, wages, taxes)",
        ),
        (
            "definition: Money., include: [strikes]",
            "definition: Law., include: [Strikes]",
            "line 10: 'a' and 'b' both include 'Strikes'",
        ),
        (
            "definition: 'Money, housing prices and trade.'",
            "definition: Homes., include: [housing prices]",
            "line 10: 'b' includes 'housing prices', which stands in the definition of 'a' too",
        ),
        (
            "definition: Money., include: [strikes], exclude: [strikes]",
            "definition: Law.",
            "line 9: 'a' includes and excludes 'strikes'",
        ),
        (
            "definition: Money., exclude: [corruption trials], examples: [The corruption trial begins]",
            "definition: Law.",
            "line 9: this example of 'a' has the words of its own exclude 'corruption trials'",
        ),
        (
            "definition: Money., examples: [Rates rise.]",
            "definition: Law., examples: [rates rise]",
            "line 10: the example 'rates rise' stands under 'a' and 'b'",
        ),
        (
            "definition: It is not unlikely that money is meant.",
            "definition: Law.",
            "line 9: the definition of 'a' negates twice: 'not unlikely'",
        ),
        (
            "definition: Do not choose it if the text has no date.",
            "definition: Law.",
            "line 9: the definition of 'a' negates twice: 'not choose it if the text has no'",
        ),
        (
            "definition: Money., exclude: [not about prices]",
            "definition: Law.",
            "line 9: an exclude with a negation, 'not about prices'",
        ),
    ],
)
def test_what_is_read_in_two_ways_is_told_with_line_and_words(tmp_path, first, second, words):
    report = remark(tmp_path, two(first, second))
    assert words in str(report)
    assert len(report.hints) == 1
    assert report.hints[0].mend


@pytest.mark.parametrize(
    ("question", "asks_two"),
    [
        ("Does it name prices and is it critical?", True),
        ("Is it about money? About whose?", True),
        ("Does it refer to winners and losers, and other people?", False),
        ("Do things go well or badly for people and firms?", False),
    ],
)
def test_a_question_that_asks_two_things_is_told(tmp_path, question, asks_two):
    categories = two("definition: Money.")
    assert ("line 5: the question asks two things" in str(remark(tmp_path, categories, question))) is asks_two


@pytest.mark.parametrize(
    "sentence",
    [
        "Code what it is about, not what it mentions and not where it was published.",
        "It has neither a date nor a place.",
        "Not only money but also trade.",
        "It does not say whether or when.",
    ],
)
def test_several_negations_that_are_no_double_negation_are_not_told(tmp_path, sentence):
    assert "twice" not in str(remark(tmp_path, two(f'definition: "{sentence}"')))


def test_opposites_in_one_form_of_words_do_not_overlap(tmp_path):
    tone = "      - {{name: {0}, definition: The sentence takes a {0} attitude towards the European Union.}}\n"
    assert not remark(tmp_path, tone.format("positive") + tone.format("negative")).hints


def test_labels_that_go_together_may_share_what_they_include(tmp_path):
    both = two("definition: Money., include: [strikes]", "definition: Law., include: [strikes]")
    assert not remark(tmp_path, both, kind="multi").hints


def test_a_codebook_without_a_file_names_variable_and_category(tmp_path):
    text = (
        HEAD.format(question="What?", kind="single")
        + "      - {name: a, definition: It is not impossible.}\n      - other\n"
    )
    book = parse_codebook(text)
    told = str(check_wording(book))
    assert "news, topic, a: the definition of 'a' negates twice: 'not impossible'" in told
    assert "news, topic, other: the residual category" in told
    write_codebook(book, tmp_path / "written.yaml")
    assert len(check_wording(tmp_path / "written.yaml").hints) == 2


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_codebooks_give_nothing_to_remark(name):
    assert check_wording(ROOT / name).hints == ()
