"""Labels of other tools' files: sets are sets, and each mend that a message gives works."""

import json
import re
from pathlib import Path

import pytest
import yaml

from codebook.codings import count_coverage, make_table, read_codings
from codebook.codings.coder_files.label_mends import quote
from codebook.errors import TableError
from codebook.scheme import Codebook, Variable

EXPORTS = Path(__file__).parents[1] / "data" / "coder_exports"
STANCE = ("pro", "contra", "neutral")
SEGMENTS = {"unit": "Document name", "coder": "Created by", "label": "Code"}
ORDER = {"unit": "id", "coder_name": "Ann", "label": "label"}


def book(kind: str = "multi", categories: tuple[str, ...] = STANCE) -> Codebook:
    variable = Variable(name="stance", question="?", kind=kind, level="nominal", categories=categories)
    return Codebook(name="example", unit="a text", variables=(variable,))


def labels_of(table):
    return {(row.unit_id, row.coder): json.loads(row.label) for row in table.itertuples()}


def write(tmp_path: Path, *cells: str) -> Path:
    path = tmp_path / "labels.jsonl"
    rows = (json.dumps({"id": number, "code": cell}, ensure_ascii=False) for number, cell in enumerate(cells))
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_r06_rows_of_one_unit_and_coder_join():
    codings = read_codings(EXPORTS / "segments.csv", book(), **SEGMENTS, join=True)
    table = codings.frame
    wanted = {("d1", "Anna"): ["pro", "contra"], ("d2", "Ben"): ["pro"], ("d1", "Ben"): ["contra"]}
    assert labels_of(table) == wanted
    assert codings.notes[0] == (
        "segments.csv: 4 rows read, 3 codings; 1 row joined to others of the same unit and coder."
    )


def test_r06_no_mend_drops_a_code():
    with pytest.raises(TableError) as caught:
        read_codings(EXPORTS / "segments.csv", book(), **SEGMENTS, separator="|")
    (fault,) = caught.value.faults
    assert "1 coding repeats unit, coder and variable" in fault.problem
    assert "`join: true`" in fault.mend
    assert "duplicates" not in fault.mend


def test_r06_the_order_of_clicking_and_repeats_do_not_matter():
    codings = read_codings(EXPORTS / "label_order.jsonl", book(), **ORDER)
    table = codings.frame
    assert labels_of(table) == {("1", "Ann"): ["pro", "contra"], ("2", "Ann"): ["pro"], ("3", "Ann"): ["pro"]}
    assert "1 empty cell, not coded" in codings.notes[0]


def test_r06_an_empty_list_is_an_answer_where_that_is_said():
    table = read_codings(EXPORTS / "label_order.jsonl", book(), **ORDER, empty="none").frame
    assert labels_of(table)["4", "Ann"] == []


def test_r06_files_of_one_coder_join_too(tmp_path):
    for name, code in (("a", "pro"), ("b", "contra")):
        tmp_path.joinpath(f"{name}.csv").write_text(f"id,code\n1,{code}\n", encoding="utf-8")
    entries = [
        {"file": f"{name}.csv", "unit": "id", "coder_name": "Ann", "label": "code", "join": True} for name in "ab"
    ]
    path = tmp_path / "coders.yaml"
    path.write_text(yaml.safe_dump({"coders": entries}), encoding="utf-8")
    from codebook.codings import read_coders

    assert labels_of(read_coders(path, book()).frame) == {("1", "Ann"): ["pro", "contra"]}


def test_r06_a_table_puts_sets_into_the_order_of_the_codebook():
    row = {"unit_id": "1", "coder": "ann", "variable": "stance", "label": '["contra", "pro", "contra"]'}
    assert make_table([row], book())["label"].tolist() == ['["pro","contra"]']


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"join": True, "duplicates": "first"}, "`join` and `duplicates`"),
        ({"join": "perhaps"}, "`join`: 'perhaps' stands there, and yes or no is expected"),
    ],
)
def test_r06_what_does_not_go_with_join(options, match):
    with pytest.raises(TableError, match=match):
        read_codings(EXPORTS / "segments.csv", book(), **SEGMENTS, **options)
    with pytest.raises(TableError, match="`join` is for variables of kind `multi`"):
        read_codings(EXPORTS / "segments.csv", book("single"), **SEGMENTS, join=True)


DECOMPOSED = "e\u0301conomie"
CASES = [
    ("multi", STANCE, "pro"),
    ("multi", STANCE, "pro|contra"),
    ("multi", STANCE, "pro; contra"),
    ("multi", STANCE, "pro;contra;"),
    ("multi", STANCE, '["pro", "Contra"]'),
    ("multi", STANCE, '["pro", "war"]'),
    ("multi", STANCE, '["it\'s war"]'),
    ("single", ("économie", "guerre"), DECOMPOSED),
    ("multi", ("économie", "guerre"), json.dumps([DECOMPOSED])),
    ("single", (DECOMPOSED, "guerre"), "économie"),
    ("single", ("1.5", "2"), "1,5"),
    ("single", ("1.5", "2"), "2,0"),
    ("single", ("1.5", "2"), "2.0"),
    ("single", STANCE, "pro\u00a0"),
    ("single", STANCE, " Pro"),
    ("single", STANCE, "pro\u200b"),
    ("single", STANCE, '["pro"]'),
    ("single", STANCE, "contr"),
    ("single", STANCE, 'it\'s "war" \\ peace\n'),
    ("single", STANCE, "#war: [1]"),
    ("single", ("science/technology", "politics"), "science / technology"),
    ("single", ("science/technology", "politics"), "politcs"),
    ("single", STANCE, "x" * 150),
]


def test_r07_decimal_commas_are_read_in_ratings_too(tmp_path):
    scale = Variable(name="tone", question="?", kind="rating", level="interval", categories=("1", "1.5", "2"))
    codebook = Codebook(name="example", unit="a text", variables=(scale,))
    path, options = write(tmp_path, "1,5", "2,0", "1"), {"unit": "id", "coder_name": "a", "label": "code"}
    with pytest.raises(TableError, match="`decimal: ','` if the file uses decimal commas"):
        read_codings(path, codebook, **options)
    assert read_codings(path, codebook, **options, decimal=",").frame["label"].tolist() == ["1.5", "2", "1"]
    with pytest.raises(TableError, match="'3,5'"):
        read_codings(write(tmp_path, "3,5"), codebook, **options, decimal=",")


@pytest.mark.parametrize(("kind", "categories", "cell"), CASES)
def test_r07_every_mend_that_a_message_gives_works(tmp_path, kind, categories, cell):
    path, codebook, options = write(tmp_path, cell), book(kind, categories), {"unit": "id", "coder_name": "a"}
    with pytest.raises(TableError) as caught:
        read_codings(path, codebook, **options, label="code")
    assert caught.value.faults
    for fault in caught.value.faults:
        mends = [yaml.load(text, yaml.BaseLoader) for text in re.findall(r"`([a-z]+: .+?)`", fault.mend, re.DOTALL)]
        assert mends, fault
        for mend in mends:
            assert fault.problem not in problems(path, codebook, **options, label="code", **mend), mend


def test_r07_the_mend_of_a_renamed_label_names_the_cell(tmp_path):
    path = write(tmp_path, "1", "pro")
    options = {"unit": "id", "coder_name": "a", "label": "code", "rename": {"1": "contr"}}
    with pytest.raises(TableError) as caught:
        read_codings(path, book("single"), **options)
    (fault,) = caught.value.faults
    assert "label '1' (1 time): `rename` makes it 'contr'; it is not in the codebook" in fault.problem
    assert "`rename: {'1': 'contra'}`" in fault.mend
    table = read_codings(path, book("single"), **{**options, "rename": {"1": "contra"}}).frame
    assert table["label"].tolist() == ["contra", "pro"]


def problems(path, codebook, **options):
    try:
        read_codings(path, codebook, **options)
    except TableError as error:
        return [fault.problem for fault in error.faults]
    return []


def test_r07_the_separator_is_found_in_the_cells(tmp_path):
    path = write(tmp_path, "pro", "pro|contra", "neutral|politcs")
    with pytest.raises(TableError) as caught:
        read_codings(path, book(), unit="id", coder_name="a", label="code")
    plain, outside = caught.value.faults
    assert "it is not a JSON list (3 such cells)" in plain.problem
    assert "`separator: '|'`" in plain.mend
    assert "label 'politcs' (1 time): it is not in the codebook" in outside.problem


def test_r07_what_is_not_seen_is_told(tmp_path):
    path = write(tmp_path, DECOMPOSED, "guerre\u00a0")
    with pytest.raises(TableError) as caught:
        read_codings(path, book("single", ("économie", "guerre")), unit="id", coder_name="a", label="code")
    twin, blank, both = map(str, caught.value.faults)
    assert "2 of these labels are very similar to labels of the codebook" in both
    assert "`rename: {\"e\\u0301conomie\": 'économie', \"guerre\\u00a0\": 'guerre'}`" in both
    assert "label 'e\\u0301conomie'" in twin
    assert "it has the same letters as 'économie' and differs by another Unicode form" in twin
    assert "`rename: {\"e\\u0301conomie\": 'économie'}`" in twin
    assert "it has the same letters as 'guerre' and differs by blanks" in blank


def test_r07_an_empty_label_in_a_list_is_none(tmp_path):
    table = read_codings(
        write(tmp_path, "pro;", ";"), book(), unit="id", coder_name="a", label="code", separator=";"
    ).frame
    assert labels_of(table) == {("0", "a"): ["pro"]}


@pytest.mark.parametrize("text", ["pro", "it's", 'say "x"', "a\u00a0b", DECOMPOSED, "\\", "a\nb", "😀\u200d", "#: x"])
def test_r07_quoted_texts_are_read_back_by_yaml(text):
    assert yaml.load(f"rename: {{{quote(text)}: {quote(text)}}}", yaml.BaseLoader) == {"rename": {text: text}}


def test_r07_many_wrong_labels_are_not_all_listed(tmp_path):
    path = write(tmp_path, *(f"word {number}" for number in range(50)))
    with pytest.raises(TableError) as caught:
        read_codings(path, book("single"), unit="id", coder_name="a", label="code")
    assert len(caught.value.faults) == 21
    assert caught.value.faults[-1].problem == "30 more labels are not in the codebook"


def test_u35_a_cell_left_out_by_skip_is_a_row_with_a_why(tmp_path):
    path = write(tmp_path, "pro", "n/a", "contra")
    table = read_codings(path, book("single"), unit="id", coder_name="Ben", label="code", skip=["n/a"]).frame
    row = count_coverage(table).iloc[0]
    assert (row["asked"], row["labelled"], row["invalid"]) == (3, 2, 1)
    assert table["detail"].tolist() == ["", "left out by `skip`: n/a", ""]


def test_u35_a_label_goes_before_a_cell_left_out(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,code\n1,n/a\n1,pro\n2,pro\n2,n/a\n", encoding="utf-8")
    table = read_codings(path, book("single"), unit="id", coder_name="a", label="code", skip=["n/a"]).frame
    assert table["label"].tolist() == ["pro", "pro"]


def test_u35_a_skipped_label_of_a_set_leaves_the_others(tmp_path):
    path = write(tmp_path, '["pro", "n/a"]', '["n/a"]')
    table = read_codings(path, book(), unit="id", coder_name="a", label="code", skip="n/a").frame
    assert table["label"].fillna("").tolist() == ['["pro"]', ""]
    assert table["why"].fillna("").tolist() == ["", "invalid"]


def test_u34_faults_of_coders_yaml_have_their_line_and_a_near_name(tmp_path, monkeypatch):
    from codebook.codings import read_coders

    monkeypatch.chdir(tmp_path)
    tmp_path.joinpath("a.csv").write_text("nr,code\n1,pro\n", encoding="utf-8")
    path = tmp_path / "coders.yaml"
    path.write_text("coders:\n  - file: a.csv\n    unit: nr\n    colums: [code]\n    unit: id\n", encoding="utf-8")
    with pytest.raises(TableError) as caught:
        read_coders(path, book("single"))
    assert [str(fault) for fault in caught.value.faults] == [
        "coders.yaml, line 5: `unit` occurs twice here. To mend: keep one of them.",
        "coders.yaml, line 4 (a.csv): there is no key `colums`. To mend: did you mean `columns`?",
    ]
    path.write_text("coders:\n  - {file: a.csv, unit: id, columns: [code]}\n", encoding="utf-8")
    with pytest.raises(TableError, match=r"coders.yaml, line 2 \(a.csv\): there is no column 'id'"):
        read_coders(path, book("single"))
