"""Pairs that scores leave open go through the same batch core as any unit, and come back as decisions."""

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

import codebook as cb
from codebook.analysis.entities import Names, apply_adjudication, grey_pairs, link_mentions
from codebook.errors import TableError

DATA = Path(__file__).parents[3] / "data"


@pytest.fixture(scope="module")
def listed():
    names = pd.read_csv(DATA / "er_country_names/mentions.csv", dtype=str, keep_default_na=False)
    names = names[names["entity_id"].isin(["COG", "COD", "KOR", "PRK", "NER", "NGA", "FRA"])]
    is_listed = names["source_column"] == "CLDR display name"
    mentions, entities = names[~is_listed].reset_index(drop=True), names[is_listed].reset_index(drop=True)
    resolution = cb.resolve_entities(Names(mentions, entities))
    return resolution.names, resolution.scores, resolution.frame


def labels(said):
    rows = [{"unit_id": pair, "coder": "ann", "variable": "same", "label": label} for pair, label in said.items()]
    return pd.DataFrame(rows)


def verdicts(judged):
    """Different pairs by what was said of them."""
    return Counter(judged.loc[judged["verdict"] != "", ["left", "right", "verdict"]].drop_duplicates()["verdict"])


def test_grey_pairs_are_those_of_the_mentions_in_review(listed):
    names, scores, found = listed
    units = grey_pairs(scores, names, resolved=found, low=0.2)
    assert set(units["left"]) <= set(found.loc[found["decision"] == "review", "mention_id"])
    assert units["pair_id"].is_unique
    congo = units[units["text"].str.contains("First: Congo\nSecond: Congo - ", regex=False)]
    assert len(congo) == 2
    between = grey_pairs(scores, names, low=0.4, high=0.5)
    assert between["score"].between(0.4, 0.5, inclusive="left").all()


def test_a_judged_pair_is_decided_and_an_open_one_is_not(listed):
    names, scores, found = listed
    congo = names.mentions.loc[names.mentions["name"] == "Congo", "mention_id"].item()
    assert found.set_index("mention_id").loc[congo, "decision"] == "review"
    table = labels({f"{congo} ~ COG": "same", f"{congo} ~ COD": "different"})
    judged = apply_adjudication(scores, table)
    assert verdicts(judged) == {"same": 1, "different": 1}
    row = link_mentions(names, judged).set_index("mention_id").loc[congo]
    assert (row["decision"], row["entity_id"]) == ("matched", "COG")
    unclear = apply_adjudication(scores, labels({f"{congo} ~ COG": "unclear", f"{congo} ~ COD": None}))
    assert verdicts(unclear) == {"open": 2}
    assert (unclear["score"] == scores["score"]).all()
    both = apply_adjudication(scores, labels({f"{congo} ~ COG": "same", f"{congo} ~ COD": "same"}))
    row = link_mentions(names, both).set_index("mention_id").loc[congo]
    assert (row["decision"], row["why"]) == ("review", "judged the same as two entities")


def test_coders_who_disagree_leave_a_pair_open(listed):
    _, scores, _ = listed
    first = f"{scores['left'].iloc[0]} ~ {scores['right'].iloc[0]}"
    table = pd.concat([labels({first: "same"}), labels({first: "different"}).assign(coder="bob")])
    assert verdicts(apply_adjudication(scores, table)) == {"open": 1}


def test_labels_of_other_pairs_are_refused(listed):
    _, scores, _ = listed
    with pytest.raises(TableError, match="pairs that grey_pairs was given"):
        apply_adjudication(scores, labels({"x ~ y": "same"}))


@pytest.mark.slow
def test_an_engine_judges_the_grey_pairs_through_the_same_core(listed, tmp_path, monkeypatch):
    """The embedded engine is no judge of names; what is shown is that its labels come back as verdicts."""
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path))
    names, scores, found = listed
    units = grey_pairs(scores, names, resolved=found, low=0.2).head(6)
    units.to_csv(tmp_path / "grey.csv", index=False)
    book = cb.read_codebook(DATA / "er_country_names/adjudication.yaml")
    source = cb.read_units(tmp_path / "grey.csv", id_column="pair_id", text_column="text")
    run = cb.plan(book, source, run="grey", engine="embedded")
    run.submit()
    cb.wait(run)
    judged = apply_adjudication(scores, run.codings())
    counts = verdicts(judged)
    assert sum(counts.values()) == len(units)
    changed = judged["verdict"].isin(["same", "different"])
    assert changed.sum() >= counts["same"] + counts["different"]
    assert judged.loc[changed, "score"].isin([0.0, 1.0]).all()
