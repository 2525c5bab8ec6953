"""Disagreements ranked, the sheet for a person, and decisions as a coder of their own."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import pandas as pd
import pytest

from codebook.analysis import (
    adjudicate,
    confused_labels,
    rank_disagreements,
    read_adjudication,
    validity,
    write_adjudication,
)
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.scales import VariableSpec
from codebook.codings import check_table, read_coders
from codebook.codings import make_table as make_tidy
from codebook.errors import StatisticError
from codebook.scheme import read_codebook

COAL = Path(__file__).parents[3] / "data" / "coal_debate"
LABELS = ["-1", "0", "1"]


def small() -> pd.DataFrame:
    people = {"ann": ["1", "1", "0", "0"], "bo": ["1", "0", "0", "0"], "cy": ["1", "-1", "1", None]}
    return make_table("stance", {**people, "m": ["-1", "1", "0", "0"]})


def rank(table: pd.DataFrame, **asked: object) -> pd.DataFrame:
    return rank_disagreements(table, **{"variable": "stance", "labels": LABELS, **asked})


def fill(path: Path, decisions: dict[str, tuple[str, str, str]]) -> None:
    """Do what a person does in a spreadsheet."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    for name, at in (("decision", 0), ("by", 1), ("reason", 2)):
        frame[name] = [decisions.get(unit, ("", "", ""))[at] for unit in frame["unit_id"]]
    frame.to_csv(path, index=False, encoding="utf-8-sig")


def test_units_are_ranked_by_the_entropy_of_their_labels():
    frame = rank(small())
    assert frame["unit_id"].tolist() == ["u2", "u1", "u3", "u4"]
    assert frame["entropy"][0] == pytest.approx(1.5)  # 1 1 0 -1
    assert frame["entropy"][1] == pytest.approx(-(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25)))
    assert frame["votes"].tolist() == ["1 2, -1 1, 0 1", "1 3, -1 1", "0 3, 1 1", "0 3"]
    assert frame.attrs["n_split"] == 3
    assert frame.attrs["coverage"] == {"labelled": 15, "absent": 1}


def test_units_are_ranked_by_the_conflict_of_model_and_people():
    frame = rank(small(), models=["m"], by="conflict")
    assert frame.set_index("unit_id")["conflict"].round(3).to_dict() == {"u1": 1.0, "u2": 0.667, "u3": 0.333, "u4": 0.0}
    assert frame["rank"].tolist() == [1, 2, 3, 4]
    assert frame["people"][0] == "1 3"
    assert frame["models"][0] == "-1 1"
    alone = rank(small()[small()["coder"] != "m"])
    assert alone["conflict"].isna().all()


def test_a_tie_has_no_commonest_label_and_a_single_coding_is_dropped_and_counted():
    table = make_table("stance", {"ann": ["1", "1", None], "bo": ["0", None, None]})
    frame = rank(table)
    assert frame[["unit_id", "commonest", "tied"]].to_numpy().tolist() == [["u1", "", True]]
    assert (frame.attrs["n_units"], frame.attrs["n_dropped"]) == (1, 2)


def test_sets_are_compared_whole():
    table = make_table("v", {"ann": ['["x"]', "[]"], "bo": ['["x", "y"]', "[]"]})
    frame = rank_disagreements(table, variable="v", labels=["x", "y"], kind="multi")
    assert frame["entropy"].tolist() == [1, 0]
    assert frame["commonest"].tolist() == ["", "[]"]


def test_confused_labels_are_the_pairs_of_codings_that_differ():
    frame = confused_labels(small(), variable="stance", labels=LABELS)
    counts = {(row.a, row.b): row.n_pairs for row in frame.itertuples()}
    assert counts == {("-1", "1"): 3 + 2, ("0", "1"): 2 + 3, ("-1", "0"): 1}
    assert frame["share"].sum() == pytest.approx(1, abs=0.02)


def test_real_disagreement_from_the_coal_debate(tmp_path):
    book = read_codebook(COAL / "codebook.yaml")
    table = read_coders(COAL / "coders.yaml", book).frame
    people = [name for name in table["coder"].unique() if name != "gold"]
    texts = pd.read_csv(COAL / "sentences.csv", dtype=str, keep_default_na=False).set_index("sentence_id")["sentence"]
    frame = rank(table, coders=people, texts=texts.to_dict())
    assert frame["entropy"].is_monotonic_decreasing
    assert frame["entropy"].max() <= math.log2(3) + 1e-9
    assert frame["n_codings"].min() >= 6
    path = write_adjudication(frame, tmp_path / "disputed.csv", most=5)
    first = frame["unit_id"].head(2).tolist()
    fill(path, {first[0]: ("1", "Dora", "asks for a delay"), first[1]: ("0", "Dora", "")})
    whole = adjudicate(table, read_adjudication(path), variable="stance", labels=LABELS)
    pd.testing.assert_frame_equal(whole.iloc[: len(table)][list(table)].reset_index(drop=True), table)
    assert whole.attrs["adjudication"]["n_decided"] == 2
    assert whole.attrs["adjudication"]["n_pending"] == 3
    assert whole.attrs["adjudication"]["n_without_reason"] == 1
    assert whole["detail"].iloc[-2] == "Dora: asks for a delay"
    checked = check_table(whole, book)
    assert checked["coder"].iloc[-1] == "adjudicated"


def test_decisions_serve_as_gold():
    decisions = rank(small()).assign(decision=["1", "1", "0", "0"], by="Dora", reason="read twice")
    whole = adjudicate(small(), decisions, variable="stance", labels=LABELS)
    codings = Codings(whole, [VariableSpec("stance", "ordinal", LABELS)], gold="adjudicated")
    frame = validity(codings).frame.set_index("coder")
    assert frame.loc["ann", "accuracy"] == 1
    assert frame.loc["m", "accuracy"] == 0.75
    assert whole.attrs["adjudication"]["by"] == {"Dora": 4}


def test_units_on_which_all_agree_can_be_taken_over():
    decisions = pd.DataFrame({"unit_id": ["u2"], "decision": ["1"], "by": ["Dora"], "reason": ["context"]})
    whole = adjudicate(small(), decisions, variable="stance", labels=LABELS, rest="unanimous")
    new = whole[whole["coder"] == "adjudicated"]
    assert new[["unit_id", "label", "detail"]].to_numpy().tolist() == [
        ["u2", "1", "Dora: context"],
        ["u4", "0", "all 3 coders"],
    ]
    among = adjudicate(small(), decisions, variable="stance", labels=LABELS, rest="unanimous", coders=["ann", "bo"])
    assert among.loc[among["coder"] == "adjudicated", "unit_id"].tolist() == ["u2", "u1", "u3", "u4"]


def test_sets_are_decided_in_codebook_order():
    table = make_table("v", {"ann": ['["x"]', "[]", '["y"]'], "bo": ['["x", "y"]', '["x"]', "[]"]})
    decisions = pd.DataFrame({"unit_id": ["u1", "u2", "u3"], "decision": ["y | x", "none", '["y"]'], "by": "D"})
    whole = adjudicate(table, decisions.assign(reason=""), variable="v", labels=["x", "y"], kind="multi")
    assert whole["label"].tail(3).tolist() == ['["x","y"]', "[]", '["y"]']
    with pytest.raises(StatisticError, match="not in the codebook"):
        adjudicate(table, decisions.assign(reason="", decision="[x"), variable="v", labels=["x"], kind="multi")


def test_the_sheet_hides_votes_on_request_and_holds_no_formula(tmp_path):
    frame = rank(small(), models=["m"], texts={"u1": "=1+1", "u2": "plain", "u3": "-2"})
    shown = write_adjudication(frame, tmp_path / "open.csv")
    with shown.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == ["plain", "'=1+1", "'-2"]
    assert rows[0]["models"] == "1 1"
    assert rows[1]["models"] == "'-1 1"
    assert rows[0]["allowed"] == "one of: -1 | 0 | 1"
    blind = write_adjudication(frame, tmp_path / "new" / "blind.csv", blind=True)
    with blind.open(encoding="utf-8-sig", newline="") as file:
        assert not {"votes", "people", "models"} & set(next(csv.reader(file)))


def test_a_sheet_that_holds_decisions_is_not_written_over(tmp_path):
    path = write_adjudication(rank(small()), tmp_path / "a.csv")
    assert write_adjudication(rank(small()), path) == path
    fill(path, {"u2": ("1", "Dora", "")})
    with pytest.raises(StatisticError, match="holds decisions"):
        write_adjudication(rank(small()), path)
    assert write_adjudication(rank(small()), path, overwrite=True) == path
    assert (read_adjudication(path)["decision"] == "").all()
    agreed = make_table("stance", {"ann": ["1"], "bo": ["1"]})
    assert len(read_adjudication(write_adjudication(rank(agreed), tmp_path / "b.csv"))) == 0  # nothing to decide
    with pytest.raises(StatisticError, match="rank_disagreements"):
        write_adjudication(small(), tmp_path / "b.csv")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_sheet_is_read_as_a_spreadsheet_saved_it(tmp_path, separator):
    path = tmp_path / "saved.csv"
    lines = [
        ["unit_id", "text", "decision", "by", "reason"],
        ["u1", "one, two", " 1 ", "Dora", ""],
        ["u2", "", "", "", ""],
    ]
    quoted = [separator.join(f'"{cell}"' if "," in cell else cell for cell in line) for line in lines]
    path.write_text("\r\n".join([*quoted, separator * 4, ""]), encoding="utf-8-sig", newline="")
    frame = read_adjudication(path)
    assert frame["unit_id"].tolist() == ["u1", "u2"]
    assert frame["decision"].tolist() == ["1", ""]
    assert frame["text"][0] == "one, two"


def test_files_that_are_no_sheet_are_refused(tmp_path):
    with pytest.raises(StatisticError, match="write it with write_adjudication"):
        read_adjudication(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes("unit_id;decision;by;reason\nu1;1;Zoë;".encode("latin-1"))
    with pytest.raises(StatisticError, match="CSV UTF-8"):
        read_adjudication(tmp_path / "latin.csv")
    (tmp_path / "other.csv").write_text("unit_id,label\nu1,1\n", encoding="utf-8")
    with pytest.raises(StatisticError, match="no column 'decision', 'by', 'reason'"):
        read_adjudication(tmp_path / "other.csv")
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")
    with pytest.raises(StatisticError, match="no column"):
        read_adjudication(tmp_path / "empty.csv")


def test_every_fault_of_the_decisions_is_told_at_once():
    bad = pd.DataFrame(
        {"unit_id": ["u1", "u1", "u9"], "decision": ["1", "0", "maybe"], "by": ["", "D", "D"], "reason": ""}
    )
    with pytest.raises(StatisticError) as caught:
        adjudicate(small(), bad, variable="stance", labels=LABELS)
    told = str(caught.value)
    for words in (
        "units is not in the table (first: 'u9')",
        "'u1' are decided more than once",
        "'u1' are decided by nobody",
        "'maybe'",
    ):
        assert words in told


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"coder": "ann"}, "choose another name"),
        ({"rest": "majority"}, "leave, unanimous"),
        ({"decisions": pd.DataFrame({"unit_id": ["u1"]})}, "read_adjudication"),
        (
            {"decisions": pd.DataFrame({"unit_id": ["u1"], "decision": "", "by": "", "reason": ""})},
            "nothing is decided",
        ),
    ],
)
def test_bad_adjudications_are_refused(changed, message):
    decisions = pd.DataFrame({"unit_id": ["u1"], "decision": ["1"], "by": ["D"], "reason": ["r"]})
    asked = {"decisions": decisions, "variable": "stance", "labels": LABELS, **changed}
    with pytest.raises(StatisticError, match=message):
        adjudicate(small(), **asked)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"by": "age"}, "entropy, conflict"),
        ({"by": "conflict"}, "name the coders who are models"),
        ({"models": "m"}, "pass a list"),
        ({"models": ["m"], "coders": ["ann", "bo"]}, "name them in both"),
        ({"models": ["k"]}, "name coders of the table"),
        ({"kind": "spans"}, "single, rating or multi"),
        ({"labels": ["1"]}, "not in the codebook"),
    ],
)
def test_bad_requests_are_refused(changed, message):
    with pytest.raises(StatisticError, match=message):
        rank(small(), **changed)


def test_the_example_table_is_a_tidy_table_afterwards():
    table = make_tidy([{"unit_id": "7", "coder": name, "variable": "stance", "label": "1"} for name in ("ann", "bo")])
    decisions = pd.DataFrame({"unit_id": ["7"], "decision": ["0"], "by": ["D"], "reason": ["r"]})
    whole = check_table(adjudicate(table, decisions, variable="stance", labels=LABELS))
    assert whole["label"].tolist() == ["1", "1", "0"]
