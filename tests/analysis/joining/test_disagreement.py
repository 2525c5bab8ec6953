"""Disagreements ranked, the sheet for a person, and decisions as a coder of their own."""

from __future__ import annotations

import csv
import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from codebook.analysis import VariableSpec, validity
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.result import Result
from codebook.analysis.joining import (
    adjudicate,
    disagreements,
    fill_decisions,
    read_adjudication,
    write_adjudication,
)
from codebook.codings import check_table, read_coders
from codebook.codings import make_table as make_tidy
from codebook.errors import StatisticError
from codebook.scheme import read_codebook

COAL = Path(__file__).parents[3] / "data" / "coal_debate"
LABELS = ["-1", "0", "1"]


STANCE = VariableSpec("stance", "ordinal", LABELS)
SETS = VariableSpec("v", "nominal", ["x", "y"], "multi")


def small(**about: object) -> Codings:
    people = {"ann": ["1", "1", "0", "0"], "bo": ["1", "0", "0", "0"], "cy": ["1", "-1", "1", None]}
    return Codings(make_table("stance", {**people, "m": ["-1", "1", "0", "0"]}), [STANCE], **about)


def of(codes: dict[str, list], variable: VariableSpec = STANCE) -> Codings:
    return Codings(make_table(variable.name, codes), [variable])


def make_decisions(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["unit_id", "decision", "by", "reason"])


def fill(path: Path, decisions: dict[str, tuple[str, str, str]]) -> None:
    """Do what a person does in a spreadsheet."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    for name, at in (("decision", 0), ("by", 1), ("reason", 2)):
        frame[name] = [decisions.get(unit, ("", "", ""))[at] for unit in frame["unit_id"]]
    frame.to_csv(path, index=False, encoding="utf-8-sig")


def test_units_are_ranked_by_the_entropy_of_their_labels():
    result = disagreements(small())
    frame = result.frame
    assert frame["unit_id"].tolist() == ["u2", "u1", "u3", "u4"]
    assert frame["entropy"][0] == pytest.approx(1.5)  # 1 1 0 -1
    assert frame["entropy"][1] == pytest.approx(-(0.75 * math.log2(0.75) + 0.25 * math.log2(0.25)))
    assert frame["votes"].tolist() == ["1 2, -1 1, 0 1", "1 3, -1 1", "0 3, 1 1", "0 3"]
    assert result.facts.n_split == 3
    assert result.facts.coverage == {"stance": {"labelled": 15, "absent": 1}}
    assert result.printed().columns.tolist() == ["Rank", "Unit", "Entropy", "Votes"]
    assert result.finding == (
        "Coders disagree on 3 of 4 units with two or more codings; most of all u2 (1 2, -1 1, 0 1)."
    )


def test_units_are_ranked_by_the_conflict_of_model_and_people():
    result = disagreements(small(models=("m",)), "conflict")
    frame = result.frame
    assert frame.set_index("unit_id")["conflict"].round(3).to_dict() == {"u1": 1.0, "u2": 0.667, "u3": 0.333, "u4": 0.0}
    assert frame["rank"].tolist() == [1, 2, 3, 4]
    assert frame["people"][0] == "1 3"
    assert frame["models"][0] == "-1 1"
    assert len(result.printed().columns) <= 7
    alone = disagreements(small().only(["ann", "bo", "cy"])).frame
    assert alone["conflict"].isna().all()


def test_a_tie_has_no_commonest_label_and_a_single_coding_is_dropped_and_counted():
    result = disagreements(of({"ann": ["1", "1", None], "bo": ["0", None, None]}))
    assert result.frame[["unit_id", "commonest", "tied"]].to_numpy().tolist() == [["u1", "", True]]
    assert (result.facts.n_units, result.facts.dropped) == (1, {"units with fewer than two codings": 2})
    assert "Left aside: 2 units with fewer than two codings." in result.note


def test_sets_are_compared_whole():
    frame = disagreements(of({"ann": ['["x"]', "[]"], "bo": ['["x", "y"]', "[]"]}, SETS)).frame
    assert frame["entropy"].tolist() == [1, 0]
    assert frame["commonest"].tolist() == ["", "[]"]


def test_confused_labels_are_the_pairs_of_codings_that_differ():
    result = disagreements(small(), "label")
    frame = result.frame
    assert result.finding.startswith("Most often taken for each other are '-1' and '1': 45 % of 11 pairs")
    same = disagreements(of({"ann": ["1"], "bo": ["1"]}), "label")
    assert same.facts.nothing.startswith("No two coders labelled a unit differently")
    counts = {(row.a, row.b): row.n_pairs for row in frame.itertuples()}
    assert counts == {("-1", "1"): 3 + 2, ("0", "1"): 2 + 3, ("-1", "0"): 1}
    assert frame["share"].sum() == pytest.approx(1, abs=1e-12)


def test_real_disagreement_from_the_coal_debate(tmp_path):
    book = read_codebook(COAL / "codebook.yaml")
    codings = read_coders(COAL / "coders.yaml", book)
    table = codings.frame
    texts = pd.read_csv(COAL / "sentences.csv", dtype=str, keep_default_na=False).set_index("sentence_id")["sentence"]
    ranked = disagreements(replace(codings, gold="gold", texts=texts.to_dict()))
    frame = ranked.frame
    assert frame["entropy"].is_monotonic_decreasing
    assert frame["entropy"].max() <= math.log2(3) + 1e-9
    assert frame["n_codings"].min() >= 6
    assert 120 < ranked.printed()["Text"].str.len().max() <= 240
    path = write_adjudication(ranked, tmp_path / "disputed.csv", most=5)
    first = frame["unit_id"].head(2).tolist()
    fill(path, {first[0]: ("1", "Dora", "asks for a delay"), first[1]: ("0", "Dora", "")})
    decided = adjudicate(codings, read_adjudication(path))
    whole, facts = decided.codings.frame, decided.result.facts
    pd.testing.assert_frame_equal(whole.iloc[: len(table)][list(table)].reset_index(drop=True), table)
    assert (facts.n_decided, facts.n_pending, facts.n_without_reason) == (2, 3, 1)
    assert decided.result.finding == "2 units are decided (2 by Dora); 3 are pending; 1 decision has no reason."
    assert whole["detail"].iloc[-2] == "Dora: asks for a delay"
    checked = check_table(whole, book)
    assert checked["coder"].iloc[-1] == "adjudicated"


def test_decisions_serve_as_gold():
    ranked = disagreements(small()).frame
    decided = adjudicate(small(), ranked.assign(decision=["1", "1", "0", "0"], by="Dora", reason="read twice"))
    frame = validity(decided.codings, gold="adjudicated", resample=Bootstrap(0)).frame.set_index("coder")
    assert frame.loc["ann", "accuracy"] == 1
    assert frame.loc["m", "accuracy"] == 0.75
    assert decided.result.facts.by == {"Dora": 4}


def test_units_on_which_all_agree_can_be_taken_over():
    decisions = make_decisions(("u2", "1", "Dora", "context"))
    new = adjudicate(small(), decisions, rest="unanimous").result.frame
    assert new[["unit_id", "label", "detail"]].to_numpy().tolist() == [
        ["u2", "1", "Dora: context"],
        ["u4", "0", "all 3 coders"],
    ]
    among = adjudicate(small(), decisions, rest="unanimous", coders=["ann", "bo"]).codings.frame
    assert among.loc[among["coder"] == "adjudicated", "unit_id"].tolist() == ["u2", "u1", "u3", "u4"]


def test_sets_are_decided_in_codebook_order():
    codings = of({"ann": ['["x"]', "[]", '["y"]'], "bo": ['["x", "y"]', '["x"]', "[]"]}, SETS)
    decisions = make_decisions(("u1", "y | x", "D", ""), ("u2", "none", "D", ""), ("u3", '["y"]', "D", ""))
    whole = adjudicate(codings, decisions).codings.frame
    assert whole["label"].tail(3).tolist() == ['["x","y"]', "[]", '["y"]']
    with pytest.raises(StatisticError, match="not in the codebook"):
        adjudicate(codings, decisions.assign(decision="[x"))


def test_the_sheet_hides_votes_on_request_and_holds_no_formula(tmp_path):
    ranked = disagreements(small(models=("m",), texts={"u1": "=1+1", "u2": "plain", "u3": "-2"}))
    shown = write_adjudication(ranked, tmp_path / "open.csv")
    with shown.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["text"] for row in rows] == ["plain", "'=1+1", "'-2"]
    assert rows[0]["models"] == "1 1"
    assert rows[1]["models"] == "'-1 1"
    assert rows[0]["allowed"] == "one of: -1 | 0 | 1"
    blind = write_adjudication(ranked, tmp_path / "new" / "blind.csv", blind=True)
    with blind.open(encoding="utf-8-sig", newline="") as file:
        assert not {"votes", "people", "models"} & set(next(csv.reader(file)))


def test_a_sheet_that_holds_decisions_is_not_written_over(tmp_path):
    ranked = disagreements(small())
    path = write_adjudication(ranked, tmp_path / "a.csv")
    assert write_adjudication(ranked, path) == path
    fill(path, {"u2": ("1", "Dora", "")})
    with pytest.raises(StatisticError, match="holds decisions"):
        write_adjudication(ranked, path)
    assert write_adjudication(ranked, path, overwrite=True) == path
    assert (read_adjudication(path)["decision"] == "").all()
    for codes in ({"ann": ["1"], "bo": ["1"]}, {"ann": ["1"], "bo": [None]}):
        agreed = disagreements(of(codes))
        assert len(read_adjudication(write_adjudication(agreed, tmp_path / "b.csv"))) == 0  # nothing to decide
    with pytest.raises(StatisticError, match=r"pass the result of disagreements\(codings\)"):
        write_adjudication(Result(ranked.frame.drop(columns="rank"), "x", "X"), tmp_path / "b.csv")


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
    bad = make_decisions(("u1", "1", "", ""), ("u1", "0", "D", ""), ("u9", "maybe", "D", ""))
    with pytest.raises(StatisticError) as caught:
        adjudicate(small(), bad)
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
    asked = {"decisions": make_decisions(("u1", "1", "D", "r")), **changed}
    with pytest.raises(StatisticError, match=message):
        adjudicate(small(), **asked)


@pytest.mark.parametrize(
    ("codings", "options", "message"),
    [
        (small(), {"by": "age"}, "entropy, conflict, label"),
        (small(), {"by": "conflict"}, "name the coders who are models"),
        (small(models=("m",)), {"by": "conflict", "coders": ["m"]}, "name the coders who are models"),
        (small(), {"coders": ["k"]}, "name coders of the table"),
        (of({"ann": ["1"]}, VariableSpec("v", "nominal", ["1"], "spans")), {}, "single, rating, multi"),
        (of({"ann": ["1", "0"]}, VariableSpec("v", "nominal", ["1"])), {}, "not in the codebook"),
    ],
)
def test_bad_requests_are_refused(codings, options, message):
    with pytest.raises(StatisticError, match=message):
        disagreements(codings, **options)


def test_an_expert_who_coded_the_units_fills_in_the_sheet(tmp_path):
    ranked = disagreements(small().only(["ann", "bo", "m"]))
    path = write_adjudication(ranked, tmp_path / "sheet.csv")
    sheet = read_adjudication(path)
    sheet.loc[0, ["decision", "by"]] = ["0", "Dora"]
    filled = fill_decisions(sheet, small(), "cy", by="experts", reason="agreed")
    assert filled[["unit_id", "decision", "by", "reason"]].to_numpy().tolist() == [
        ["u1", "0", "Dora", ""],
        ["u2", "-1", "experts", "agreed"],
    ]
    assert (sheet["decision"] == ["0", ""]).all()
    assert adjudicate(small(), filled).result.facts.by == {"Dora": 1, "experts": 1}


def test_plain_frames_wide_and_long_are_ranked_alike():
    long = small().frame.rename(columns={"unit_id": "unit"})[["unit", "coder", "label"]]
    wide = long.pivot(index="unit", columns="coder", values="label").loc[long["unit"].unique()]
    for by in ("entropy", "label"):
        known = disagreements(small(), by).frame
        for plain in (long, wide):
            frame = disagreements(plain, by).frame
            pd.testing.assert_frame_equal(frame.assign(variable="stance") if by == "entropy" else frame, known)
    nobody = disagreements(of({"gold": ["1"]}).with_gold("gold"))
    assert repr(nobody) == "No coder beside the gold: nothing to set side by side."


def test_the_example_table_is_a_tidy_table_afterwards():
    table = make_tidy([{"unit_id": "7", "coder": name, "variable": "stance", "label": "1"} for name in ("ann", "bo")])
    decided = adjudicate(Codings(table, [STANCE]), make_decisions(("7", "0", "D", "r")))
    whole = check_table(decided.codings.frame)
    assert whole["label"].tolist() == ["1", "1", "0"]
