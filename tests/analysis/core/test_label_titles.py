"""Tables, figures and sentences call labels by the titles of the codebook; frames and csv files keep the codes."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import codebook as cb
from codebook.analysis import Bootstrap, VariableSpec
from codebook.analysis.core.label_titles import name_label, titles_of, with_titles
from codebook.analysis.reliability.agreement_tables import label_shares
from codebook.codings import read_coders
from codebook.scheme import read_codebook

DATA = Path(__file__).parents[3] / "data" / "econ_headlines"
FEW = Bootstrap(20)
STANCE = VariableSpec("stance", "ordinal", ["-1", "0", "1"], titles={"-1": "against", "1": "for"}, title="Stance")
DECISIONS = pd.DataFrame({"unit_id": ["10273"], "decision": ["-1"], "by": ["Cy"], "reason": [""]})
VERBS = {
    "agreement": lambda codings: cb.reliability(codings, by="label", resample=FEW),
    "shares by coder": label_shares,
    "validity": lambda codings: cb.validity(codings, resample=FEW),
    "validity by label": lambda codings: cb.validity(codings, by="label", resample=FEW),
    "confusion": lambda codings: cb.confusion(codings, resample=FEW),
    "prevalence": lambda codings: cb.prevalence(codings.with_sample("random"), "slot1"),
    "associations": lambda codings: cb.correlogram(replace(codings, models=("slot1",)), "labels"),
    "disagreements": cb.disagreements,
    "consensus": lambda codings: cb.consensus(codings).result,
    "adjudication": lambda codings: cb.adjudicate(codings, DECISIONS, rest="unanimous").result,
    "comparison": lambda codings: cb.compare(codings, "slot1", "slot2", resample=FEW),
}


@pytest.fixture(scope="module")
def headlines():
    codings = read_coders(DATA / "coders.yaml", read_codebook(DATA / "codebook.yaml"))
    return codings.only(coders=["slot1", "slot2", "slot3", "gold"]).with_gold("gold")


@pytest.mark.parametrize("verb", VERBS)
def test_a_printed_table_has_titles_a_true_minus_and_three_decimals_at_most(headlines, verb):
    result = VERBS[verb](headlines)
    table = result.printed()
    cells = [str(cell) for cell in [*table.columns, *table.to_numpy().ravel(), result.finding]]
    assert not [cell for cell in cells if re.search(r"(^|[\s\[(=])-\.?\d", cell)], "a hyphen is no minus"
    assert not [cell for cell in cells if re.search(r"\.\d{4}", cell)], "more than three decimals"
    codes = {"-1", "0", "1"}
    labels = {name for name in table if str(name).casefold() in ("label", "name", "gold", "coded as", "a", "b")}
    assert not codes & set(table[list(labels)].astype(str).to_numpy().ravel())
    assert not re.search(r"'(-1|0|1)'|=(-1|0|1)\b", " ".join(cells))
    if "label" in result.frame:
        assert set(result.frame["label"].dropna()) <= codes, "the frame keeps the codes"


def test_errors_of_coders_and_units_that_flip_are_told_in_titles(headlines):
    errors = cb.consensus(headlines, "dawid_skene").errors
    assert errors is not None
    assert set(errors.frame["true"]) == {"-1", "0", "1"}
    assert not errors.printed().iloc[:, -1].str.contains(r"(?:^|\s)(?:-1|0|1)(?:$|\s)").any()
    flips = cb.stability(headlines, by="unit")
    assert flips.frame["labels"].str.contains(r"\b[01]: ").any()
    assert not flips.printed().iloc[:, -1].str.contains(r"\b[01]: ").any()


def test_a_set_of_labels_is_read_in_titles_and_each_row_in_those_of_its_variable():
    frames = VariableSpec("frames", "nominal", ["a", "b"], kind="multi", titles={"a": "conflict", "b": "moral"})
    frame = pd.DataFrame({"variable": ["stance", "frames", "frames"], "label": ["1", '["a","b"]', "[]"]})
    other = VariableSpec("other", "nominal", ["1"], titles={"1": "no title of stance"})
    assert with_titles(frame, [other, STANCE, frames])["label"].tolist() == ["for", "conflict + moral", "none"]
    assert frame["label"].tolist() == ["1", '["a","b"]', "[]"]


def test_titles_stand_where_codes_do_and_are_told_apart():
    texts = ("-1", "stance=1", "ann: stance=-1", "0", "(not asked)")
    assert [name_label(text, [STANCE]) for text in texts] == [
        "against",
        "Stance=for",
        "ann: Stance=against",
        "0",
        "(not asked)",
    ]
    alike = VariableSpec("v", "nominal", ["1", "2", "yes"], titles={"1": "no", "2": "yes"})
    assert titles_of(alike) == {"1": "no", "2": "yes (2)"}


def test_without_titles_a_frame_is_shown_as_it_is():
    codings = cb.Codings(
        pd.DataFrame({"unit_id": ["u"], "coder": ["a"], "variable": ["v"], "label": ["1"], "draw": [0], "why": [None]}),
        [VariableSpec("v", "nominal", ["1"])],
    )
    frame = pd.DataFrame({"label": ["1"]})
    assert codings.in_words(frame) is frame


def test_a_title_makes_no_other_codebook():
    book = read_codebook(DATA / "codebook.yaml")
    fields = book.model_dump()
    for category in fields["variables"][0]["categories"]:
        category["title"] = ""
    plain = type(book).model_validate(fields)
    assert plain.variables[0].titles == {} != book.variables[0].titles
    assert (plain.digest, plain.variable_digest("tone")) == (book.digest, book.variable_digest("tone"))
