"""Frames as people have them: what is no coding is said, and never counted."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest

from codebook.analysis.against_gold.validity_tables import validity
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.reliability.agreement_tables import reliability
from codebook.analysis.robustness.probe_scores import behaviour
from codebook.codings import coverage, show_table
from codebook.errors import StatisticError

SHEET = pd.DataFrame({"anna": list("aabbccaabbcc"), "ben": list("aabbccaabbca")})


@pytest.mark.parametrize(
    ("column", "values"), [("text", [f"Sentence {n}." for n in range(12)]), ("id", range(100, 112))]
)
def test_a_column_of_texts_or_ids_is_no_coder(column: str, values: list[str] | range) -> None:
    with pytest.raises(StatisticError, match=rf"{column}: it holds 12 different values in 12 rows, .*pass the columns"):
        as_codings(SHEET.assign(**{column: values}), level="nominal")


POINTS = pd.DataFrame({"anna": [1, 2, 3, 2, 1, 3, 2, 2, 1, 3, 2, 1], "ben": [1, 2, 3, 2, 2, 3, 2, 1, 1, 3, 2, 1]})


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
@pytest.mark.parametrize("columns", [{"sentence_id": 1}, {"nr": 1}, {"Unnamed: 0": 0, "textID": 1}])
def test_numbers_of_rows_beside_labels_that_are_numbers_are_no_coder(level: str, columns: dict[str, int]) -> None:
    """Some ids are labels, too: 1, 2 and 3. Alpha of the two coders is .76; with the ids as a third it would be .32."""
    sheet = POINTS.assign(**{name: range(first, first + 12) for name, first in columns.items()})
    with pytest.raises(StatisticError) as caught:
        as_codings(sheet, level=level)
    assert [fault.where for fault in caught.value.faults] == list(columns)
    assert as_codings(POINTS.assign(unit=range(1, 13)), level=level).coders == ["anna", "ben"]


@pytest.mark.parametrize("level", ["ordinal", "interval"])
def test_ranks_differ_in_every_row_and_are_labels(level: str) -> None:
    ranks = pd.DataFrame({"anna": range(1, 13), "ben": [2, 1, 3, 5, 4, 6, 8, 7, 9, 12, 11, 10]})
    assert as_codings(ranks, level=level).coders == ["anna", "ben"]
    assert as_codings(ranks.assign(cem=[1, 1, *range(3, 13)]), level=level).coders == ["anna", "ben", "cem"]


def test_figures_may_all_differ_on_an_interval_scale() -> None:
    frame = pd.DataFrame({"anna": [n + 0.25 for n in range(12)], "ben": [n + 0.5 for n in range(12)]})
    assert as_codings(frame, level="interval").coders == ["anna", "ben"]


@pytest.mark.parametrize("thing", [None, [1, 2], {"anna": ["a"]}, "coded.csv", SHEET["anna"], SHEET.to_numpy()])
def test_what_is_no_frame_is_said(thing: pd.DataFrame) -> None:
    with pytest.raises(StatisticError, match=f"it is of type {type(thing).__name__}.*pass Codings or a frame"):
        as_codings(thing, level="nominal")


def test_a_column_twice_a_column_of_labels_by_another_name_and_a_row_by_nobody_are_said() -> None:
    twice = pd.concat([SHEET, SHEET[["ben"]]], axis=1)
    with pytest.raises(StatisticError, match=r"more than one is named 'ben'.*a name of its own"):
        as_codings(twice, level="nominal")
    long = pd.DataFrame({"unit": [1, 1, 2], "coder": ["anna", "ben", None], "label": list("aab")})
    with pytest.raises(StatisticError, match=r"name the column of the labels `label`"):
        as_codings(long.rename(columns={"label": "code"}), level="nominal")
    with pytest.raises(StatisticError, match=r"coder: missing in 1 row"):
        as_codings(long, level="nominal")


def test_an_empty_frame_has_nothing_to_compare() -> None:
    assert "No unit has a label of 'gold'" in repr(validity(pd.DataFrame(), level="nominal", gold="gold"))


def test_what_is_no_tidy_table_is_said_and_numbers_name_units() -> None:
    with pytest.raises(StatisticError, match="the table has no 'unit_id'"):
        show_table(SHEET)
    with pytest.raises(StatisticError, match="it is of type list"):
        coverage([1, 2])  # type: ignore[arg-type]
    with pytest.raises(StatisticError, match=r"the table has no 'test', 'expected'.*behaviour_probes"):
        behaviour(SHEET, pd.DataFrame({"unit_id": ["0"]}))
    rows = {"unit_id": [1, 2], "coder": "anna", "variable": "tone", "label": "a", "draw": 0, "why": None}
    assert coverage(pd.DataFrame(rows)).frame["labelled"].tolist() == [2]
    assert "2 asked = 2 labelled" in repr(show_table(pd.DataFrame(rows)))


def test_nothing_to_compare_is_printed_in_seven_columns_too() -> None:
    assert reliability(SHEET[["anna"]], level="nominal").printed().shape == (0, 7)


@pytest.mark.parametrize("cell", ["economy, health", "economy", "3", '["economy", 3]'])
def test_a_cell_of_several_labels_is_a_list(cell: str) -> None:
    with pytest.raises(StatisticError, match=r"is no list of labels.*write lists of labels"):
        as_codings(pd.DataFrame({"anna": [cell], "ben": ['["economy"]']}), level="masi")


def test_one_coder_may_be_named_as_a_text() -> None:
    codings = as_codings(SHEET, level="nominal")
    assert codings.only("ben").coders == ["ben"]
    with pytest.raises(StatisticError, match=r"no coding by 'bn'"):
        codings.only("bn")


def test_labels_that_differ_in_blanks_are_told_with_every_result() -> None:
    result = reliability(pd.DataFrame({"ann": ["a", " a", "b"], "ben": ["a", "a", "b"]}), level="nominal")
    assert "Labels that may be one count as two (first: 'a' and ' a', which differ by blanks)." in result.note


def test_a_frame_of_empty_cells_and_a_single_coder_are_told_as_a_frame_is_mended() -> None:
    with pytest.raises(StatisticError, match=r"no cell holds a label.*pass the columns that hold"):
        reliability(pd.DataFrame({"ann": [None], "ben": [None]}), level="nominal")
    assert "add a second coder as a column" in reliability(pd.DataFrame({"ann": ["a"]}), level="nominal").finding


def test_one_unit_is_one_unit_and_has_no_interval() -> None:
    result = reliability(pd.DataFrame({"ann": ["a"], "ben": ["b"]}), level="nominal")
    assert result.finding == "Krippendorff's alpha (nominal) of label: .00 [no interval] (2 coders, 1 unit)."
    assert result.frame["low"].isna().all()
    assert "one unit does not vary" in result.frame["reason"].iloc[0]


def test_categories_of_every_column_of_labels_count_and_those_of_other_columns_do_not() -> None:
    plain = SHEET.assign(unit=[f"u{n}" for n in range(12)], ben=SHEET["ben"].replace("c", "a"))[["unit", "ben", "anna"]]
    alpha = reliability(plain, level="nominal", coefficients=["alpha"]).frame["value"].item()
    long = plain.melt("unit", var_name="coder", value_name="label")
    for frame in (plain.astype("category"), long.astype({"coder": "category"}), long.astype("category")):
        codings = as_codings(frame, level="nominal")
        assert list(codings.variable.labels) == ["a", "b", "c"]
        assert reliability(codings, coefficients=["alpha"]).frame["value"].item() == alpha


def test_ordered_categories_that_lack_points_are_one_scale_and_those_turned_round_are_none() -> None:
    def order(labels: str) -> pd.CategoricalDtype:
        return pd.CategoricalDtype(list(labels), ordered=True)

    sheet = SHEET.assign(ben=SHEET["ben"].replace("b", "a"))
    codings = as_codings(sheet.astype({"anna": order("cba"), "ben": order("ca")}), level="ordinal")
    assert list(codings.variable.labels) == ["c", "b", "a"]
    with pytest.raises(StatisticError, match=r"ordered in different ways.*the same ordered"):
        as_codings(sheet.astype({"anna": order("cba"), "ben": order("ac")}), level="ordinal")


def test_rows_of_one_name_or_of_none_are_said_once_with_what_to_do() -> None:
    twice = pd.concat([SHEET, SHEET.iloc[:2]])
    with pytest.raises(StatisticError, match=r"index: more than one row is named '0', '1'.*reset_index\(drop=True\)"):
        as_codings(twice, level="nominal")
    lacking = SHEET.assign(unit=[None, *range(11)])
    with pytest.raises(StatisticError, match=r"column 'unit': 1 row without a unit.*drop the rows"):
        as_codings(lacking, level="nominal")


def test_a_table_of_another_library_is_told_the_way_into_pandas() -> None:
    with pytest.raises(StatisticError, match=r"of type Table.*\.to_pandas\(\)"):
        as_codings(pa.Table.from_pandas(SHEET), level="nominal")
