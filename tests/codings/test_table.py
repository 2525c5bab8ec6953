"""The tidy table: its contract, its coverage, and how it is shown."""

import pandas as pd
import pyarrow as pa
import pytest

from codebook.analysis.core.codings import Codings
from codebook.codings import (
    COLUMNS,
    OPTIONAL,
    check_table,
    count_coverage,
    coverage_sentence,
    dump_labels,
    join_codings,
    make_table,
    merge_tables,
    pile_pieces,
    shorten_coders,
    show_table,
)
from codebook.errors import TableError
from codebook.ground.whys import WHYS
from codebook.scheme import Codebook, Variable

CODEBOOK = Codebook(
    name="example",
    unit="a sentence",
    variables=(
        Variable(
            name="topic", question="?", kind="single", level="nominal", categories=["sports", "NA"], abstain=["?"]
        ),
        Variable(name="frames", question="?", kind="multi", level="nominal", categories=["moral", "conflict"]),
    ),
)


def row(unit_id="7", **more):
    return {"unit_id": unit_id, "coder": "ann", "variable": "topic", "label": "sports"} | more


def frame(*rows):
    return pd.DataFrame([{"draw": 0, "why": None, "run_id": "", "custom_id": ""} | row for row in rows], dtype=object)


def test_a_table_is_typed_and_in_order():
    table = make_table([row(cost_usd=0.5, raw="x"), row("8", label=None, why="refused")], CODEBOOK)
    assert list(table.columns) == [*COLUMNS, "raw", "cost_usd"]
    assert table.dtypes.astype(str).to_dict() == dict.fromkeys(table.columns, "str") | {
        "draw": "int64",
        "cost_usd": "float64",
    }
    assert table["label"].isna().tolist() == [False, True]
    assert table["why"].isna().tolist() == [True, False]
    assert table["raw"].tolist() == ["x", ""]


def test_a_column_that_only_a_later_row_has_is_kept():
    table = make_table([row(), row("8", raw="x")])
    assert table["raw"].tolist() == ["", "x"]


def test_columns_give_the_same_table_as_rows():
    rows = [row(raw="x"), row("8", label=None, why="refused", raw="")]
    columns = {name: [one.get(name, 0 if name == "draw" else None) for one in rows] for name in make_table(rows)}
    pd.testing.assert_frame_equal(make_table(columns), make_table(rows))


def test_the_table_of_no_rows():
    table = make_table([])
    assert list(table.columns) == list(COLUMNS)
    assert coverage_sentence(table) == "0 asked = 0 labelled"
    assert "0 asked" in repr(show_table(table))
    assert merge_tables().equals(table)


def test_whole_numbers_become_text_and_the_frame_given_stays():
    given = frame(row(unit_id=1, label=1), row(unit_id=2, label=0)).infer_objects()
    assert check_table(given)["label"].tolist() == ["1", "0"]
    assert given["label"].tolist() == [1, 0]
    assert check_table(frame(row()).astype({"label": "category"}))["label"].tolist() == ["sports"]


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ([row(why="refused")], "a label and a why.*keep one"),
        ([row(label=None)], r"neither a label nor a why.*set why to one of refused, truncated"),
        ([row(label=None, why="tired")], "why is 'tired'.*use one of"),
        ([row(), row()], "1 coding repeats unit, coder, variable and draw.*number them as draws"),
        ([row(unit_id="")], "no unit_id.*give every row"),
        ([row(coder=None)], "no coder"),
        ([row(draw=-1)], "a whole number.*0, 1, 2"),
        ([row(draw=0.5)], "a whole number"),
        ([row(draw="x")], "column 'draw'"),
        ([row(label=1.5)], "values that are not text, such as 1.5"),
        ([row(raw="\ud800")], "column 'raw'.*surrogates not allowed"),
        ([row(confidence="high")], "column 'confidence'.*give numbers"),
        ([row(variable="topics")], "variable 'topics' is not in the codebook.*use one of 'topic', 'frames'"),
        ([row(label="Sports")], r"label 'Sports' \(1 row\): it is not in the codebook.*use sports, NA, \?"),
        ([row(variable="frames")], "label 'sports'.*not a JSON list"),
        ([row(variable="frames", label='"moral"')], "not a JSON list of texts"),
        ([row(variable="frames", label='["x"]')], "'x' is not in the codebook"),
        ([row(labl="x")], "column 'labl'.*did you mean 'label'"),
    ],
)
def test_what_breaks_the_contract(rows, match):
    with pytest.raises(TableError, match=match):
        check_table(frame(*rows), CODEBOOK)


def test_all_faults_at_once():
    with pytest.raises(TableError) as caught:
        check_table(frame(row(why="refused"), row("8", label=None), row("9", label="x"), row("9")), CODEBOOK)
    assert len(caught.value.faults) == 4
    assert "1 row (unit_id '7')" in str(caught.value)


@pytest.mark.parametrize("label", ["[]", '["moral"]', '["moral", "conflict"]', '[ "moral","conflict" ]'])
def test_lists_of_labels_have_one_spelling(label):
    table = check_table(
        frame(row(variable="frames", label=label), row("8", variable="frames", label=None, why="absent")), CODEBOOK
    )
    assert table["label"][0] == label.replace(" ", "")
    assert table["label"].isna().tolist() == [False, True]


def test_labels_are_dumped_in_codebook_order():
    assert dump_labels(["conflict", "moral", "moral"], CODEBOOK.variable("frames")) == '["moral","conflict"]'


def test_merging_checks_for_repeats_and_keeps_notes():
    ann, ben = make_table([row(model="m")]), make_table([row(coder="ben", seconds=1.5)])
    merged = merge_tables(ann, ben, codebook=CODEBOOK)
    joined = join_codings(Codings(ann, [], notes=("from ann",)), Codings(ben, []))
    assert joined.frame.equals(merged)
    assert joined.notes == ("from ann",)
    assert merged["model"].tolist() == ["m", ""]
    assert merged["seconds"].isna().tolist() == [True, False]
    with pytest.raises(TableError, match="remove the repeats"):
        merge_tables(ann, ann)


def test_coverage_sums_and_names_every_why():
    rows = [row(str(number), label=None, why=why) for number, why in enumerate((*WHYS, "invalid"))]
    table = make_table([*rows, row("x"), row("x", coder="ben", variable="frames", label="[]")])
    counted = count_coverage(table)
    assert list(counted.columns) == ["coder", "variable", "asked", "labelled", *WHYS]
    assert counted["asked"].tolist() == [11, 1]
    assert counted["invalid"].tolist() == [2, 0]
    assert coverage_sentence(table).startswith("12 asked = 2 labelled + 1 refused + 1 truncated + 2 invalid")
    with pytest.raises(TableError, match="do not add up"):
        count_coverage(table.assign(why=None))


def test_a_big_table_has_separators_and_says_what_is_shown():
    table = make_table(row(str(number)) for number in range(1200))
    assert "The first 3 of 1,200 rows. 1,200 asked = 1,200 labelled" in repr(show_table(table, 3))


HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "$5 and $6",
    "\x1b[31mred",
    "\u202eevil",
    "a\u2028b",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_runs_in_what_is_shown(text):
    table = make_table([row(text, coder=text, variable=text, label=text, raw=text)])
    page, plain = show_table(table)._repr_html_(), repr(show_table(table))
    for piece in ("<img", "<script", "\x1b", "\u202e", "\u2028"):
        assert piece not in page
    assert page.count("tex2jax_ignore") >= 3
    assert "<th>unit_id</th>" in page
    for sign in ("\x1b", "\u202e", "\u2028"):
        assert sign not in plain
    assert table["raw"][0] == text


def test_optional_columns_are_as_documented():
    assert len(set(COLUMNS) | set(OPTIONAL)) == len(COLUMNS) + len(OPTIONAL) == 23


@pytest.mark.slow
def test_a_million_codings_are_checked_quickly():
    n = 1_000_000
    units = pd.Series(range(n)).astype("str")
    table = pd.DataFrame({"unit_id": units, "coder": "ann", "variable": "topic", "label": "sports", "draw": 0})
    table = check_table(table.assign(why=None, run_id="", custom_id=units), CODEBOOK)
    assert count_coverage(table)["labelled"].tolist() == [n]


def test_a_wide_table_fits_a_terminal_and_names_the_columns_that_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    row = {"unit_id": "7", "coder": "model@123456789", "variable": "topic", "label": "sports", "raw": "x" * 60}
    view = repr(show_table(make_table([row | {"custom_id": "c" * 40, "evidence": "y" * 60}])))
    assert max(map(len, view.splitlines())) <= 100
    assert "More columns: " in view
    assert "evidence" in view


def test_what_all_rows_have_alike_takes_the_memory_of_one_piece():
    pieces = [make_table([row(f"u{at}-{n}", coder="gpt@bc4498d7") for n in range(500)]) for at in range(20)]
    codings = shorten_coders(Codings(pile_pieces(pieces), []))
    assert codings.coders == ["gpt"]
    assert codings.frame["coder"].tolist() == ["gpt"] * 10_000
    assert codings.frame["unit_id"].tolist() == [name for piece in pieces for name in piece["unit_id"]]
    assert count_bytes(codings.frame["variable"]) < count_bytes(codings.frame["unit_id"]) / 10
    assert count_bytes(pile_pieces(pieces)["coder"]) < count_bytes(codings.frame["unit_id"]) / 10


def count_bytes(column):
    """Of the memory of a column, each part of it once."""
    parts = [part for chunk in pa.array(column.array).chunks for part in chunk.buffers() if part]
    return sum({part.address: part.size for part in parts}.values())
