"""After the decisions: how often each side won, and which definition the disputed units speak against."""

from __future__ import annotations

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.scales import VariableSpec
from codebook.analysis.joining import disputed_definitions, sides_won
from codebook.scheme.model import Category, Variable

TONE = VariableSpec("tone", "nominal", ["a", "b", "c"])
SETS = VariableSpec("v", "nominal", ["x", "y"], "multi")


def of(labels: dict[str, list], variable: VariableSpec = TONE, **about) -> Codings:
    return Codings(make_table(variable.name, labels), [variable], **about)


def test_sides_are_counted_on_disputed_and_decided_units_alone():
    labels = {"ann": list("aaab") * 10, "bo": list("abba") * 10, "adjudicated": [None, "a", "a", "c"] * 10}
    frame = sides_won(of(labels)).frame
    assert frame[["coder", "n", "n_won"]].to_numpy().tolist() == [
        ["ann", 30, 20],
        ["bo", 30, 0],
        ["a third label", 30, 10],
    ]
    assert frame["low"].notna().all()


def test_a_model_against_people_is_a_side_and_small_numbers_have_no_interval():
    labels = {"ann": ["a", "b", "b"], "m": ["b", "b", None], "adjudicated": ["b", "b", "b"]}
    result = sides_won(of(labels, models=("m",)))
    assert result.finding == "1 disputed unit is decided: for ann on 0 of 1, for m on 1 of 1, for a third label on 0."
    assert result.frame["low"].isna().all()


def test_sets_win_whole_in_any_order():
    labels = {"ann": ['["x","y"]'], "bo": ['["x"]'], "adjudicated": ['["y", "x"]']}
    assert sides_won(of(labels, SETS)).frame["n_won"].tolist() == [1, 0, 0]


def test_without_decisions_nobody_has_won():
    nobody = sides_won(of({"ann": ["a"], "bo": ["b"]}))
    assert nobody.finding == "Nobody called 'adjudicated' has decided: no side has won."
    assert disputed_definitions(of({"ann": ["a"], "bo": ["b"]}), "adjudicated").frame["too_wide"].sum() == 0
    agreed = of({"ann": ["a"], "bo": ["a"], "adjudicated": ["a"]})
    assert sides_won(agreed).finding == "No disputed unit is decided: no side has won."


def test_a_definition_takes_in_too_much_or_too_little():
    coded = {"ann": list("aaab"), "bo": list("abbb"), "adjudicated": [None, "b", "a", None]}
    frame = disputed_definitions(of(coded, texts={"u2": "irony", "u3": "doubt"}), "adjudicated").frame
    rows = frame.set_index("label")
    assert rows.loc["a", ["n_given", "n_disputed", "with"]].tolist() == [3, 2, "b 2"]
    assert rows.loc["a", ["too_wide", "too_narrow"]].tolist() == [1, 1]
    assert rows.loc["a", ["units", "text"]].tolist() == ["u2, u3", "irony"]
    assert rows.loc["c", ["n_given", "n_disputed"]].tolist() == [0, 0]


def test_the_definition_of_the_codebook_stands_beside_the_code():
    categories = (Category(name="a", definition="About a."), Category(name="b"))
    variable = Variable(name="tone", question="?", kind="single", level="nominal", categories=categories)
    result = disputed_definitions(Codings(make_table("tone", {"ann": ["a"], "bo": ["b"]}), [variable]))
    assert result.frame["definition"].tolist() == ["About a.", ""]
    assert result.printed().columns.tolist() == ["Code", "Units", "Disputed", "With", "Definition", "Read first"]


def test_of_sets_each_code_is_looked_at_alone():
    frame = disputed_definitions(of({"ann": ['["x","y"]', "[]"], "bo": ['["x"]', "[]"]}, SETS)).frame.set_index("label")
    assert frame["n_disputed"].to_dict() == {"x": 0, "y": 1}
    assert frame.loc["y", "with"] == ""


def test_free_texts_have_no_definitions():
    spec = VariableSpec("words", "nominal", None, "transcription")
    nothing = disputed_definitions(of({"ann": ["x"], "bo": ["y"]}, spec)).facts.nothing
    assert nothing == "'words' holds transcripts, which are not compared as labels: nothing to define."
