"""Spans against gold: counts by hand, one gold span for one span, and intervals that resample units."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from codebook.analysis.against_gold.spans import capital_runs, span_validity
from codebook.analysis.core.estimates import Bootstrap
from codebook.errors import StatisticError
from codebook.files.lines import read_lines
from codebook.records import Unit
from codebook.report import show_spans

DATA = Path(__file__).parents[3] / "data" / "entities_wikigold"


def make_spans(*rows: tuple[str, int, int, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["unit_id", "start", "end", "type"])


GOLD = make_spans(("a", 0, 5, "PER"), ("a", 9, 13, "LOC"), ("b", 2, 8, "ORG"), ("b", 20, 24, "LOC"), ("c", 1, 3, "PER"))
FOUND = make_spans(
    ("a", 0, 5, "PER"),  # right
    ("a", 9, 13, "ORG"),  # right place, wrong type
    ("b", 4, 8, "ORG"),  # overlaps
    ("b", 40, 44, "LOC"),  # wrong
    ("b", -1, -1, "LOC"),  # a quote that is not in the text
)


def figures(frame: pd.DataFrame, name: str) -> list[float]:
    return [round(value, 4) for value in frame.set_index("name").loc[name, ["precision", "recall", "f1"]]]


def test_counts_by_hand() -> None:
    result = span_validity(FOUND, GOLD, ["a", "b", "c"])
    frame = result.frame
    assert figures(frame, "typed") == [0.2, 0.2, 0.2]
    assert figures(frame, "untyped") == [0.4, 0.4, 0.4]
    assert figures(frame, "PER") == [1, 0.5, 0.6667]
    assert frame.set_index("name").loc["LOC", ["n", "n_found"]].tolist() == [2, 2]
    assert (result.facts.n_absent, result.facts.n_units) == (1, 3)
    loose = span_validity(FOUND, GOLD, ["a", "b", "c"], match="overlap").frame
    assert figures(loose, "typed") == [0.4, 0.4, 0.4]
    assert figures(loose, "untyped") == [0.6, 0.6, 0.6]


def test_units_that_were_not_asked_are_left_out_and_unanswered_ones_are_missed() -> None:
    assert figures(span_validity(FOUND, GOLD, ["a"]).frame, "untyped") == [1, 1, 1]
    assert figures(span_validity(FOUND[:2], GOLD, ["a", "b"]).frame, "untyped") == [1, 0.5, 0.6667]


def test_one_gold_span_makes_one_span_right() -> None:
    twice = pd.concat([GOLD[:1], GOLD[:1]])
    assert figures(span_validity(twice, GOLD, ["a"]).frame, "PER") == [0.5, 1, 0.6667]
    wide = make_spans(("a", 0, 14, "PER"))
    assert figures(span_validity(wide, GOLD, ["a"], match="overlap").frame, "untyped") == [1, 0.5, 0.6667]


def test_what_is_undefined_says_why() -> None:
    frame = span_validity(FOUND[:0], GOLD, ["a"]).frame.set_index("name")
    assert math.isnan(frame.loc["typed", "precision"])
    assert frame.loc["typed", "reason"] == "precision: never predicted"
    nothing = span_validity(FOUND[:0], GOLD[:0], ["a"]).frame
    assert nothing["name"].tolist() == ["untyped"]
    assert nothing["f1"].isna().all()


def test_without_types_only_places_count() -> None:
    frame = span_validity(FOUND.drop(columns="type"), GOLD.drop(columns="type"), ["a", "b", "c"]).frame
    assert frame["name"].tolist() == ["untyped"]


def test_intervals_resample_units_and_repeat() -> None:
    units = [f"u{n}" for n in range(40)]
    gold = make_spans(*((unit, 0, 5, "PER") for unit in units for _ in range(1)))
    found = gold[:20]
    one, two = (span_validity(found, gold, units, resample=Bootstrap(seed=3)).frame for _ in range(2))
    pd.testing.assert_frame_equal(one, two)
    recall = one.set_index("name").loc["typed", ["recall_low", "recall", "recall_high"]].tolist()
    assert recall[0] < recall[1] == 0.5 < recall[2]
    assert 0.25 < recall[2] - recall[0] < 0.37  # 2 x 1.96 x sqrt(.25 / 40) = .31
    assert math.isnan(span_validity(found, gold, units, resample=Bootstrap(0)).frame["f1_low"].iloc[0])


@pytest.mark.parametrize(
    ("change", "mend"),
    [
        ({"units": []}, "pass the ids of the units"),
        ({"match": "near"}, "pass one of exact, overlap"),
        ({"spans": FOUND.drop(columns="end")}, "pass the frame of records"),
        ({"spans": FOUND.assign(coder=list("xyxyx"))}, "choose the rows of one"),
        ({"baseline": "small"}, "or 'capitals'"),
        ({"baseline": "capitals"}, "pass the units themselves"),
    ],
)
def test_each_wrong_request_names_the_mend(change: dict[str, object], mend: str) -> None:
    asked = {"spans": FOUND, "gold": GOLD, "units": ["a"]} | change
    with pytest.raises(StatisticError, match=mend):
        span_validity(**asked)  # type: ignore[arg-type]


def test_the_baseline_of_capital_letters_finds_places_and_no_types() -> None:
    docs = list(read_lines(DATA / "docs.jsonl"))
    units = [Unit(doc["doc_id"], doc["text"]) for doc in docs]
    gold = make_spans(*((doc["doc_id"], e["start"], e["end"], e["type"]) for doc in docs for e in doc["entities"]))
    runs = capital_runs(units, type="LOC")
    frame = span_validity(runs, gold, [unit.unit_id for unit in units], resample=Bootstrap(0)).frame.set_index("name")
    assert 0.6 < frame.loc["untyped", "f1"] < 0.75
    assert frame.loc["typed", "f1"] < 0.25
    texts = {unit.unit_id: unit.text for unit in units}
    assert all(texts[row.unit_id][row.start].isupper() for row in runs.itertuples())


def test_spans_are_shown_in_their_text_beside_gold() -> None:
    text = "Ann <b>met</b> Ben in Rome, says Zoe."
    mine = make_spans(("a", 0, 3, "PER"), ("a", 15, 18, "ORG"), ("a", 7, 10, "PER"), ("a", -1, -1, "PER"))
    mine["start"] = mine["start"].replace(-1, pd.NA).astype("Int64")
    gold = make_spans(("a", 0, 3, "PER"), ("a", 15, 18, "PER"), ("a", 22, 26, "LOC"))
    view = show_spans([Unit("z", "no span"), Unit("a", text)], mine, gold)
    assert repr(view) == (
        "a: [Ann: PER] <b>[met: PER, not in gold]</b> [Ben: ORG, gold PER, other type] in [Rome: LOC, missed], says Zoe"
        "."
    )
    page = view._repr_html_()
    assert "&lt;b&gt;" in page
    assert "<b>met" not in page
    alone = show_spans([Unit("a", text)], mine)
    assert repr(alone) == "a: [Ann: PER] <b>[met: PER]</b> [Ben: ORG] in Rome, says Zoe."


def test_where_spans_overlap_the_first_is_shown_and_gold_only_where_nothing_is_marked() -> None:
    mine = make_spans(("a", 4, 11, "ORG"), ("a", 8, 15, "PER"))
    gold = make_spans(("a", 0, 11, "ORG"))
    view = show_spans([Unit("a", "The Capsule Markets.")], mine, gold)
    assert repr(view) == "a: The [Capsule: ORG, not in gold] Markets."


def test_the_sentence_says_both_figures_and_the_baseline() -> None:
    result = span_validity(FOUND, GOLD, ["a", "b", "c"], baseline=FOUND, resample=Bootstrap(0))
    assert result.finding.startswith("F1 against 5 gold spans in 3 units: typed .20 [no interval], untyped .40")
    assert result.finding.endswith("; the baseline typed .20, untyped .40.")
    assert result.printed()["Name"].tolist() == [
        *("LOC", "ORG", "PER", "typed", "untyped", "typed (baseline)", "untyped (baseline)"),
    ]
    assert (result.facts.n_units, result.facts.n_absent) == (3, 1)
    assert "each gold span makes one" in result.note.lower()


def test_capital_letters_are_a_baseline_of_units_with_their_texts() -> None:
    units = [Unit("a", "They saw Ann Lee in Rome .")]
    gold = make_spans(("a", 9, 16, "PER"), ("a", 20, 24, "PER"))
    result = span_validity(gold[:1], gold, units, baseline="capitals", resample=Bootstrap(0))
    rows = result.frame.set_index(["by", "name"])["f1"].round(2)
    assert rows.loc[("spans", "typed")] == 0.67
    assert rows.loc[("capital letters", "typed")] == 1
    assert [text.get_text() for text in result.plot().axes[0].get_yticklabels()] == ["PER", "typed", "untyped"]


def test_without_gold_the_result_says_so() -> None:
    result = span_validity(FOUND, None, ["a"])
    assert repr(result) == "There is no gold: nothing to compare."
    assert result.entry.kind == "remark"
