"""How a coding goes: progress, agreement so far, drift, confused codes, agreement with oneself; and the board."""

import re
from dataclasses import replace

import pandas as pd
import pytest

import codebook as cb
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.scales import VariableSpec
from codebook.coding import (
    Design,
    KnownAnswer,
    add_training,
    assign,
    coding_board,
    coding_progress,
    confused_texts,
    drift,
    open_session,
    self_agreement,
    write_assignment,
)
from codebook.coding.log_codings import read_logs
from codebook.coding.simulated_coder import simulate_coder
from codebook.errors import ParameterError, StatisticError
from codebook.records import Unit
from codebook.scheme import parse_codebook

BOOK = parse_codebook("""
name: posts
unit: a post
variables:
  - {name: topic, question: "Which topic?", kind: single, level: nominal, categories: [coal, sports, trade]}
""")
HOSTILE = "<img src=x onerror=alert(1)>"
UNITS = [Unit(f"u{n}", f"text {n} {HOSTILE}") for n in range(1, 31)]
TRUTH = [KnownAnswer(unit.unit_id, "topic", BOOK.variables[0].scale[at % 3]) for at, unit in enumerate(UNITS)]
TONE = VariableSpec("tone", "nominal", ["a", "b"])
FEW = cb.Bootstrap(50)


def timed(labels: dict[str, list], minutes: dict[str, list[int]] | None = None) -> Codings:
    table = make_table("tone", labels)
    n = len(next(iter(labels.values())))
    order = [at for name in labels for at in (minutes or {}).get(name, range(n))]
    table["time"] = [f"2026-12-01T{at // 60:02}:{at % 60:02}:00.000Z" for at in order]
    return Codings(table, [TONE])


def test_progress_counts_every_unit_once_and_knows_no_pace_before_the_first(folder):
    write_assignment(assign(UNITS, ["ann", "ben"]), BOOK, UNITS)
    with open_session("ann") as session:
        for _ in range(5):
            session.act({"seq": 1, "token": session.token, "shown_ms": 6000, "act": "label", "label": "coal"})
        session.skip("unclear")
        session.flag()
    before = {path: path.read_bytes() for path in folder.rglob("*.jsonl")}
    result = coding_progress()
    ann, ben = (result.frame.set_index("coder").loc[name] for name in ("ann", "ben"))
    assert ann[["total", "done", "left", "skipped", "flagged"]].tolist() == [30, 5, 24, 1, 1]
    assert (ann["minutes"], ann["per_hour"], ann["minutes_left"]) == pytest.approx((0.5, 600, 2.4))
    assert ben[["total", "done", "left"]].tolist() == [30, 0, 30]
    assert ben[["per_hour", "minutes_left"]].isna().all()
    assert result.printed()["Per hour"].tolist() == ["600", "–"]
    assert {path: path.read_bytes() for path in folder.rglob("*.jsonl")} == before
    assert result.finding == "5 of 60 assigned units are coded; 1 skipped; ben has most left (30)."


def test_progress_is_told_by_round(folder):
    write_assignment(assign(UNITS, ["ann"]), BOOK, UNITS)
    add_training(UNITS[:2], TRUTH[:2], ["ann"], BOOK)
    simulate_coder("ann", TRUTH, round_name="training")
    frame = coding_progress().frame.set_index("round")
    assert frame["done"].to_dict() == {"main": 0, "training": 2}
    assert coding_progress().printed()["Coder"].tolist() == ["ann, main", "ann, training"]


def test_drift_shows_when_coders_came_apart():
    labels = {"ann": list("aabb") * 20, "bo": list("aabb") * 10 + list("abab") * 10, "cy": list("aabb") * 20}
    result = drift(timed(labels), 2, resample=FEW)
    alpha = result.frame[result.frame["measure"] == "alpha"]
    assert alpha["value"].tolist() == pytest.approx([1, 1 / 3], abs=0.02)
    assert alpha["n"].tolist() == [40, 40]
    own = result.frame[result.frame["coder"] == "bo"]
    assert own["value"].tolist() == [1, 0.5]
    assert "bo fell most" in result.finding


def test_drift_of_a_coder_goes_by_the_order_of_that_coder():
    backwards = {"bo": list(range(79, -1, -1))}
    labels = {"ann": list("aabb") * 20, "bo": list("abab") * 10 + list("aabb") * 10}
    own = drift(timed(labels, backwards), 2, resample=FEW).frame.set_index(["coder", "block"])["value"]
    assert own[("bo", 1)] == 1
    assert own[("ann", 1)] == 0.5


def test_drift_has_no_interval_below_a_stated_number_and_says_what_it_lacks():
    few = drift(timed({"ann": list("aabb") * 5, "bo": list("aabb") * 4 + list("abab")}), 4, resample=FEW)
    assert few.frame["low"].isna().all()
    assert few.frame["reason"].str.len().gt(0).all()
    with pytest.raises(StatisticError, match="when a label was given") as error:
        drift(Codings(make_table("tone", {"ann": ["a"]}), [TONE]), 1)
    assert len(error.value.faults) == 2
    assert "labelled by two people" in drift(timed({"ann": ["a"]})).finding


def test_confused_codes_have_their_texts_and_sets_are_compared_in_any_writing():
    sets = VariableSpec("v", "nominal", ["x", "y"], "multi")
    codings = Codings(make_table("v", {"ann": ['["x","y"]'] * 5, "bo": ['["x"]'] * 5}), [sets], texts={"u2": "so"})
    frame = confused_texts(codings, each=2).frame
    assert frame["unit_id"].tolist() == ["u1", "u2"]
    assert frame["text"].tolist() == ["", "so"]
    assert frame["n_pairs"].tolist() == [5, 5]
    agreed = confused_texts(Codings(make_table("tone", {"ann": ["a"], "bo": ["a"]}), [TONE]))
    assert "no label was taken for another" in agreed.finding


def test_agreement_with_oneself_is_that_of_the_two_times():
    first = make_table("tone", {"ann": list("aabb") * 6, "bo": list("aabb") * 6})
    again = make_table("tone", {"ann": list("aaab") * 6}).assign(draw=1)
    frame = self_agreement(Codings(pd.concat([first, again]), [TONE]), resample=FEW).frame
    assert frame["coder"].unique().tolist() == ["ann"]
    percent, alpha = (frame[frame["coefficient"] == name].iloc[0] for name in ("percent", "alpha"))
    assert (percent["value"], percent["n_units"]) == (0.75, 24)
    pair = Codings(make_table("tone", {"one": list("aabb") * 6, "two": list("aaab") * 6}), [TONE])
    expected = cb.reliability(pair, coefficients=["alpha"], resample=FEW).frame["value"].iloc[0]
    assert alpha["value"] == pytest.approx(expected, abs=1e-12)
    assert percent["low"] < 0.75 < percent["high"]


def test_the_board_shows_all_and_its_page_runs_nothing(folder, monkeypatch):
    monkeypatch.setattr("codebook.analysis.core.result.draw_png", lambda figure: b"")
    write_assignment(assign(UNITS, ["ann", "ben", "cy"], Design(repeat=0.8)), BOOK, UNITS, study=HOSTILE)
    add_training(UNITS[:3], TRUTH[:3], ["ann"], BOOK)
    simulate_coder("ann", TRUTH, error=0.3, round_name="training")
    for coder in ("ann", "ben", "cy"):
        simulate_coder(coder, TRUTH, error=0.3)
    board = coding_board(resample=FEW)
    names = [result.name for result in board.results]
    assert names == [
        "progress",
        "reliability",
        "reliability_by_pair",
        "confused_texts",
        "drift",
        "self_agreement",
        "qualification_training",
    ]
    alone = cb.reliability(read_logs(), resample=FEW).frame
    assert board["reliability"].frame["value"].tolist() == alone["value"].tolist()
    assert "30 units by 3 coders" in board["reliability"].note
    page = board.write("board.html").read_text()
    assert not re.search(r"<script|<img src=x|https?://", page)
    assert "text 1 &lt;img" in page or "&lt;img src=x" in page
    assert "<!doctype" not in replace(board, results=())._repr_html_()
    with pytest.raises(KeyError, match="it has progress"):
        board["pace"]


def test_a_board_of_few_units_prints_no_interval(folder):
    write_assignment(assign(UNITS[:10], ["ann", "ben"]), BOOK, UNITS[:10])
    with pytest.raises(ParameterError, match="There is nothing to code"):
        simulate_coder("zoe", TRUTH)
    for coder in ("ann", "ben"):
        simulate_coder(coder, TRUTH)
    row = coding_board(resample=FEW)["reliability"].frame.iloc[0]
    assert pd.isna(row["low"])
    assert row["reason"] == "no interval: fewer than 20 units"


def test_a_board_before_anybody_has_coded_says_so(folder):
    write_assignment(assign(UNITS, ["ann", "ben"]), BOOK, UNITS)
    board = coding_board()
    assert [result.name for result in board.results] == ["progress"]
    assert "0 of 60 assigned units are coded" in repr(board)
