"""Coders: labels from anywhere become the tidy table, and nothing is recoded in silence."""

from pathlib import Path

import krippendorff
import pandas as pd
import pytest
import xlsxwriter

from codebook.codings import count_coverage, read_coders, read_codings
from codebook.codings.coder_files.label_files import find_named
from codebook.errors import TableError
from codebook.scheme import Codebook, Variable, read_codebook

DATA = Path(__file__).parents[2] / "data"
SCALE = ("-1", "0", "1")


def codebook(*variables):
    return Codebook(name="example", unit="a sentence", variables=variables)


def variable(name="topic", kind="single", categories=("sports", "travel"), **more):
    return Variable(name=name, question="?", kind=kind, level="nominal", categories=categories, **more)


ONE = codebook(variable())


def put(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def shipped(name):
    return read_coders(DATA / name / "coders.yaml", read_codebook(DATA / name / "codebook.yaml"))


def alpha(table, level):
    codes = table.assign(value=table["label"].astype(float)).pivot(index="coder", columns="unit_id", values="value")
    return krippendorff.alpha(codes.to_numpy(), level_of_measurement=level)


def test_topics_replies_of_two_models():
    codings = shipped("topics_sib200_en")
    table = codings.frame
    counted = count_coverage(table).set_index("coder")
    for model in ("gpt-4", "gpt-3.5"):
        assert counted.loc[model, ["asked", "labelled", "invalid"]].tolist() == [204, 162, 42]
    labels = table.pivot(index="unit_id", columns="coder", values="label")
    asked = labels.loc[table.loc[table["coder"] == "gpt-4", "unit_id"]]
    assert (asked["gpt-4"] == asked["gold"]).mean().round(3) == 0.711
    assert (asked["gpt-3.5"] == asked["gold"]).mean().round(3) == 0.696
    invalid = table[table["why"] == "invalid"]
    assert (invalid["raw"] != "").all()
    assert codings.notes[1].endswith("408 codings; 84 replies without exactly one category.")


def test_coal_debate_alpha_of_the_authors_data():
    codings = shipped("coal_debate")
    table = codings.frame
    people = table[table["coder"] != "gold"]
    assert people["unit_id"].nunique() == 417
    for level, value in (("nominal", 0.3117), ("ordinal", 0.3375), ("interval", 0.3395)):
        assert alpha(people, level) == pytest.approx(value, abs=5e-5)
    assert (table["coder"] == "gold").sum() == 50
    assert "51 repeated codings left out (the first was kept)" in codings.notes[0]
    assert "417 empty cells, not coded" in codings.notes[1]


def test_econ_headlines_alpha_of_students_and_crowd():
    codings = shipped("econ_headlines")
    table = codings.frame
    crowd = table["coder"].str.startswith("slot")
    students = table["coder"].str.startswith("S")
    assert alpha(table[students], "ordinal") == pytest.approx(0.8137, abs=5e-5)
    assert alpha(table[crowd], "ordinal") == pytest.approx(0.68669, abs=5e-6)
    assert (~crowd & ~students).sum() == (table["coder"] == "gold").sum() == 284


def test_narrative_frames_has_a_variable_a_question():
    codings = shipped("narrative_frames")
    table = codings.frame
    assert table["variable"].nunique() == 23
    assert set(table["coder"]) == {"A1", "A2", "A3", "A4"}
    for question, value in (("EC2", 0.6999), ("RE7", 0.17)):
        assert alpha(table[table["variable"] == question], "nominal") == pytest.approx(value, abs=5e-5)


def test_wide_and_long_together(tmp_path):
    put(tmp_path / "wide.csv", "id;ann;ben;split\n7;sports;travel;test\n8;;travel;test\n9;sports;sports;train\n")
    put(tmp_path / "long.jsonl", '{"id": 7, "who": "cas", "code": "sports", "try": 2}\n')
    path = put(
        tmp_path / "coders.yaml",
        "coders:\n"
        "  - {file: wide.csv, unit: id, columns: [ann, ben], where: {split: test}}\n"
        "  - {file: long.jsonl, unit: id, coder: who, label: code, draw: try, variable: topic}\n",
    )
    codings = read_coders(path, ONE)
    table = codings.frame
    assert table[["unit_id", "coder", "label", "draw"]].to_numpy().tolist() == [
        ["7", "ann", "sports", 0],
        ["7", "ben", "travel", 0],
        ["8", "ben", "travel", 0],
        ["7", "cas", "sports", 2],
    ]
    assert (table[["run_id", "custom_id"]] == "").all(axis=None)
    said = "wide.csv: 3 rows read, 3 codings; 1 row left out by `where`; 1 empty cell, not coded."
    assert codings.notes[0] == said


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".jsonl", ".parquet"])
def test_numbers_in_cells_are_codes(tmp_path, suffix):
    frame = pd.DataFrame({"id": [1523, 1524], "code": [1, -1]})
    path = tmp_path / f"t{suffix}"
    match suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".jsonl":
            frame.to_json(path, orient="records", lines=True)
        case ".parquet":
            frame.to_parquet(path)
        case _:
            with xlsxwriter.Workbook(path) as book:
                sheet = book.add_worksheet()
                for number, cells in enumerate([["id", "code"], [1523.0, 1.0], [1524.0, -1.0]]):
                    sheet.write_row(number, 0, cells)
    table = read_codings(path, codebook(variable(categories=SCALE)), unit="id", coder_name="gold", label="code").frame
    assert table[["unit_id", "coder", "label"]].to_numpy().tolist() == [["1523", "gold", "1"], ["1524", "gold", "-1"]]


def test_several_labels_in_a_cell(tmp_path):
    path = put(tmp_path / "t.csv", "id,who,frames\n1,ann,EC|CO\n2,ann,\n3,ann,Co\n")
    multi = codebook(variable("frames", "multi", ("CO", "EC")))
    options = {"unit": "id", "coder": "who", "label": "frames", "separator": "|", "rename": {"Co": "CO"}}
    table = read_codings(path, multi, **options).frame
    assert table["label"].tolist() == ['["CO","EC"]', '["CO"]']
    assert read_codings(path, multi, **options, empty="none").frame["label"].tolist() == ['["CO","EC"]', "[]", '["CO"]']
    with pytest.raises(TableError, match="label 'Co'"):
        read_codings(path, multi, **{**options, "rename": {}})
    derived = codebook(variable("frames", "multi", ("CO", "EC", "HI", "MO", "RE")))
    options = {"unit": "article_id", "coder": "coder", "label": "frames", "separator": "|", "empty": "none"}
    table = read_codings(DATA / "narrative_frames" / "frame_sets_derived.csv", derived, **options).frame
    assert table["label"][0] == '["CO","HI","MO"]'
    assert (table["label"] == "[]").any()


def test_labels_outside_the_codebook_are_listed_with_counts_and_the_mend(tmp_path):
    path = put(tmp_path / "t.csv", "id,ann\n1,Sports\n2,Sports\n3,sport\n4,travel\n")
    with pytest.raises(TableError) as caught:
        read_codings(path, ONE, unit="id", columns=["ann"])
    problems = [str(fault) for fault in caught.value.faults]
    assert "label 'Sports' (2 times): it is not in the codebook. To mend: `rename: {'Sports': 'sports'}`" in problems[0]
    assert "label 'sport' (1 time)" in problems[1]
    codings = read_codings(path, ONE, unit="id", columns=["ann"], rename={"Sports": "sports"}, skip=["sport"])
    table = codings.frame
    assert table["label"].dropna().tolist() == ["sports", "sports", "travel"]
    assert codings.notes == ("t.csv: 4 rows read, 3 codings; 1 cell left out by `skip`; 2 labels renamed.",)


def test_decimals_of_a_spreadsheet_export_are_not_guessed(tmp_path):
    path = put(tmp_path / "t.csv", "id,ann\n1,1.0\n")
    with pytest.raises(TableError, match=r"`rename: \{'1.0': '1'\}`"):
        read_codings(path, codebook(variable(categories=SCALE)), unit="id", columns=["ann"])


@pytest.mark.parametrize(("policy", "label"), [("first", "sports"), ("last", "travel")])
def test_repeated_codings(tmp_path, policy, label):
    path = put(tmp_path / "t.csv", "id,who,code\n1,ann,sports\n1,ann,travel\n")
    options = {"unit": "id", "coder": "who", "label": "code"}
    with pytest.raises(TableError, match=r"1 coding repeats.*units '1'.*`duplicates: first`"):
        read_codings(path, ONE, **options)
    codings = read_codings(path, ONE, **options, duplicates=policy)
    table = codings.frame
    assert table["label"].tolist() == [label]
    assert f"1 repeated coding left out (the {policy} was kept)" in codings.notes[0]


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        ('It is "Sports".', "sports"),
        ("SPORTS, and only sports", "sports"),
        ("sports and travel", None),
        ("sportswear", None),
        ("transport", None),
        ("", None),
        ("not relevant", "not relevant"),
        ("relevant", "relevant"),
        ("relevant or not relevant", None),
        ("The code is -1.", "-1"),
        ("1", "1"),
        ("10", None),
        ("1.5", None),
        ("-1 or 1", None),
        ("a+b (c)", "a+b (c)"),
    ],
)
def test_the_one_category_that_a_reply_names(reply, label):
    names = ("sports", "travel", "relevant", "not relevant", "-1", "1", "a+b (c)")
    assert find_named(reply, variable(categories=names)) == label


def test_categories_that_differ_in_case_only_are_read_as_they_stand():
    names = variable(categories=("US", "us"))
    assert [find_named(reply, names) for reply in ("US", "us", "Us")] == ["US", "us", None]


def test_an_empty_reply_was_asked_for(tmp_path):
    path = put(tmp_path / "t.csv", 'id,model,reply\n1,m,""\n2,m,travel\n')
    table = read_codings(path, ONE, unit="id", coder="model", reply="reply").frame
    assert table["why"].fillna("").tolist() == ["invalid", ""]
    assert table["raw"].tolist() == ["", "travel"]


TWO = codebook(variable(), variable("frames", "multi"))


@pytest.mark.parametrize(
    ("text", "n", "match"),
    [
        ("coders: [", 1, "check the indentation"),
        ("files: []", 1, "begin with `coders:`"),
        ("coders:\n  - {unit: id, lable: x}\n", 2, r"line 2 \(\?\).*`file`.*add `file: ...`"),
        (
            "coders:\n  - {file: a.csv, unit: id}\n",
            3,
            "line 2.*who coded.*\n.*give `label` or `reply`.*\n.*which variable",
        ),
        (
            "coders:\n  - {file: a.csv, unit: id, columns: [a], coder: b, variable: topic}\n",
            1,
            "mixes the wide and the long form",
        ),
        (
            "coders:\n  - {file: a.csv, unit: id, columns: {topic/anna: a}, variable: topic}\n",
            1,
            r"'topic/anna'\), as files of statistics programs.*`variable: topic` with `columns: {anna: a}`",
        ),
        (
            "coders:\n\n  - {file: a.csv, unit: id, columns: [a], variable: topik}\n",
            1,
            "line 3.*use one of topic, frames",
        ),
        (
            "coders:\n  - {file: a.csv, unit: id, columns: [a], variable: topic, duplicates: all}\n",
            1,
            "'error', 'first'",
        ),
        ("coders:\n  - {file: a.csv, unit: id, coder: a, reply: b, variable: frames}\n", 1, "`label` with `separator`"),
        (
            "coders:\n  - {file: a.csv, unit: id, columns: [a], variable: topic, variable_column: q}\n",
            1,
            "one of the two",
        ),
        ("coders:\n  - {file: gone.csv, unit: id, columns: [a], variable: topic}\n", 1, "no such file"),
        ("coders:\n  - x\n  - {file: a.csv}\n", 2, "line 2.*\n.*line 3"),
    ],
)
def test_faults_of_the_yaml_are_listed_with_their_line(tmp_path, text, n, match):
    with pytest.raises(TableError, match=match) as caught:
        read_coders(put(tmp_path / "coders.yaml", text), TWO)
    assert len(caught.value.faults) == n


def test_faults_of_all_files_are_listed_at_once(tmp_path):
    put(tmp_path / "a.csv", "id,ann\n1,x\n,sports\n2,sports,travel\n")
    put(tmp_path / "b.csv", "text_id,ann\n1,sports\n")
    text = "coders:\n  - {file: a.csv, unit: id, columns: [ann]}\n  - {file: b.csv, unit: id, columns: [ann]}\n"
    with pytest.raises(TableError) as caught:
        read_coders(put(tmp_path / "coders.yaml", text), ONE)
    said = str(caught.value)
    assert "not have as many fields as the header (line 4)" in said
    assert "1 row without 'id'" in said
    assert "label 'x' (1 time)" in said
    assert "there is no column 'id'" in said


def test_a_coder_in_two_files_must_not_code_twice(tmp_path):
    put(tmp_path / "a.csv", "id,ann\n1,sports\n")
    text = "coders:\n" + "  - {file: a.csv, unit: id, columns: [ann]}\n" * 2
    with pytest.raises(TableError, match="repeat unit, coder, variable and draw"):
        read_coders(put(tmp_path / "coders.yaml", text), ONE)


def test_scalars_of_the_yaml_stay_text(tmp_path):
    put(tmp_path / "a.csv", "id,no,yes\n1,NO,1\n")
    text = "coders:\n  - {file: a.csv, unit: id, columns: {off: no}, where: {yes: 1}, rename: {NO: no}}\n"
    table = read_coders(put(tmp_path / "coders.yaml", text), codebook(variable(categories=("no", "yes")))).frame
    assert table[["coder", "label"]].to_numpy().tolist() == [["off", "no"]]


def test_hostile_names_and_labels_are_exact(tmp_path):
    from unit_files import HOSTILE, write_csv

    texts = [text for text in HOSTILE if text.strip() and text == text.strip() and len(text) < 100]
    rows = [("id", "who", "code"), *((text, text, text) for text in texts)]
    path = write_csv(tmp_path / "t.csv", rows)
    table = read_codings(path, codebook(variable(categories=texts)), unit="id", coder="who", label="code").frame
    assert table["label"].tolist() == table["coder"].tolist() == table["unit_id"].tolist() == texts


@pytest.mark.parametrize(
    "text",
    ["sep=;\nid;ann\n7;sports\n", "Export of 3 May\n\nid,ann\n7,sports\n", "#FORMAT=x\n#T=y\nid\tann\n7\tsports\n"],
)
def test_r17_lines_above_the_header_are_skipped_or_the_mend_says_how(tmp_path, text):
    put(tmp_path / "a.csv", text)
    entry = "coders:\n  - {file: a.csv, unit: id, columns: [ann]%s}\n"
    path = put(tmp_path / "coders.yaml", entry % "")
    if not text.startswith("sep"):
        with pytest.raises(
            TableError, match=r"line 2 \(a.csv\): the header with 'id', 'ann' is in line 3.*`skip_rows: 2`"
        ):
            read_coders(path, ONE)
        put(path, entry % ", skip_rows: 2")
    assert read_coders(path, ONE).frame["label"].tolist() == ["sports"]


def test_r29_a_json_key_twice_is_refused(tmp_path):
    path = put(tmp_path / "a.jsonl", '{"id": 1, "ann": "sports"}\n{"id": 2, "ann": "sports", "ann": "travel"}\n')
    with pytest.raises(TableError, match=r"a.jsonl, line 2.*the key 'ann' occurs twice"):
        read_codings(path, ONE, unit="id", columns=["ann"])


def test_r29_a_reply_in_another_unicode_form_names_the_category():
    economy = variable(categories=("\u00e9conomie", "guerre"))
    assert find_named("C'est de l'e\u0301conomie.", economy) == "\u00e9conomie"
    assert find_named("\u00c9CONOMIE", variable(categories=("e\u0301conomie", "guerre"))) == "e\u0301conomie"


def test_r17_a_format_without_a_header_is_named(tmp_path):
    text = (
        "#FORMAT=WebAnno TSV 3.3\n#T_SP=webanno.custom.Stance|Label\n\n\n#Text=Coal is cheap.\n1-1\t0-4\tCoal\tpro\t\n"
    )
    path = put(tmp_path / "a.tsv", text)
    with pytest.raises(TableError, match="it is WebAnno's TSV, which has one line per token and no header"):
        read_codings(path, ONE, unit="id", columns=["ann"])


def test_r09_a_guessed_encoding_of_a_coders_file_is_told_and_can_be_given(tmp_path):
    (tmp_path / "t.csv").write_bytes("id,änn,note\n1,sports,Straße und schöne Grüße\n".encode("cp1252"))
    entry = put(tmp_path / "coders.yaml", "coders:\n  - {file: t.csv, unit: id, columns: [änn]}\n")
    (note,) = read_coders(entry, ONE).notes
    assert "read as cp1252, which is a guess: write `encoding: cp1252` to confirm it" in note
    put(entry, "coders:\n  - {file: t.csv, unit: id, columns: [änn], encoding: cp1252}\n")
    assert "guess" not in read_coders(entry, ONE).notes[0]
    (tmp_path / "t.csv").write_bytes("id,änn,öl\n1,sports,a\xff\n".encode().replace(b"\xc3\xbf", b"\xff"))
    put(entry, "coders:\n  - {file: t.csv, unit: id, columns: [änn]}\n")
    with pytest.raises(TableError, match=r"t\.csv, line 2\): the byte 0xFF"):
        read_coders(entry, ONE)


def test_a_faulty_entry_does_not_hide_what_is_wrong_in_other_files(tmp_path):
    put(tmp_path / "a.csv", "id,ann\n7,sprots\n")
    entries = "coders:\n  - {file: b.csv, unit: id, colums: [ben]}\n  - {file: a.csv, unit: id, columns: [ann]}\n"
    with pytest.raises(TableError) as caught:
        read_coders(put(tmp_path / "coders.yaml", entries), ONE)
    key, label = map(str, caught.value.faults)
    assert key == "coders.yaml, line 2 (b.csv): there is no key `colums`. To mend: did you mean `columns`?"
    assert "line 3 (a.csv): variable" in label
    assert "`rename: {'sprots': 'sports'}`" in label


def heat(**more):
    return Variable(name="heat", question="?", kind="number", level="interval", maximum=10, abstain=["unclear"], **more)


def test_numbers_of_people_have_one_spelling_and_a_comma_is_declared(tmp_path):
    put(tmp_path / "a.csv", "id;ann;ben\n1;3,20;3,2\n2;4;unclear\n3;-0;\n")
    read = {"unit": "id", "columns": ["ann", "ben"]}
    codings = read_codings(tmp_path / "a.csv", codebook(heat()), decimal=",", **read)
    assert codings.frame["label"].tolist() == ["3.2", "3.2", "4", "unclear", "0"]
    with pytest.raises(TableError, match="`decimal: ','` if the file uses decimal commas"):
        read_codings(tmp_path / "a.csv", codebook(heat()), **read)


def test_a_number_of_a_person_out_of_its_bounds_is_a_fault_and_never_cut(tmp_path):
    put(tmp_path / "a.csv", "id,ann\n1,11\n2,hot\n")
    with pytest.raises(TableError) as error:
        read_codings(tmp_path / "a.csv", codebook(heat()), unit="id", columns=["ann"])
    problems = sorted(fault.problem.split(": ")[1] for fault in error.value.faults)
    assert problems == ["'hot' is no number", "11 is more than 10"]
