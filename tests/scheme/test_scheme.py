"""Scheme: the instrument is text throughout, every fault is found with its line, and digests change when they must."""

import csv
import re
import tempfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codebook.errors import SchemeError
from codebook.scheme import (
    Category,
    Codebook,
    Example,
    Variable,
    diff_codebooks,
    parse_codebook,
    read_codebook,
    read_label_list,
    render_html,
    render_markdown,
    write_codebook,
)
from codebook.scheme.codebook_checks import fold_name

DATA = Path(__file__).parents[2] / "data"
GOOD = """\
name: study
version: "2"
unit: a sentence
instructions: Read it twice.
variables:
  - name: topic
    question: What is it about?
    kind: single
    level: nominal
    categories:
      - name: sports
        definition: Games and matches.
        include: [chess]
        exclude: [betting, e-sports]
        examples:
          - {text: They won 3-1., why: a match}
      - travel
    abstain: [unclear]
  - name: stance
    question: For or against?
    kind: rating
    level: interval
    categories: ["-1", "0", "1"]
    evidence: yes
    confidence: yes
"""
VARIABLE = """\
name: a
unit: b
variables:
  - name: v
    question: q
    kind: single
    level: nominal
    categories: [x, y]
"""


def faults_of(text: str) -> list[tuple[int, str, str]]:
    """(line, problem, mend) of every fault, in their order."""
    with pytest.raises(SchemeError) as caught:
        parse_codebook(text, "codebook.yaml")
    assert all(fault.where.startswith("codebook.yaml, line ") for fault in caught.value.faults)
    return [(int(fault.where.split()[-1]), fault.problem, fault.mend) for fault in caught.value.faults]


def test_a_codebook_is_read():
    book = parse_codebook(GOOD)
    topic, stance = book.variables
    assert (book.name, book.version, book.unit, book.instructions) == ("study", "2", "a sentence", "Read it twice.")
    assert topic.categories[0] == Category(
        name="sports",
        definition="Games and matches.",
        include=("chess",),
        exclude=("betting", "e-sports"),
        examples=(Example(text="They won 3-1.", why="a match"),),
    )
    assert (topic.scale, topic.labels) == (("sports", "travel"), ("sports", "travel", "unclear"))
    assert (topic.evidence, stance.evidence, stance.confidence) == (False, True, True)
    assert book.variable("stance") is stance
    with pytest.raises(KeyError, match=r"it has \['topic', 'stance'\]"):
        book.variable("tpoic")


ONE_FAULT = {
    "missing level": ("    level: nominal\n", "", (4, "`level` is missing", "one of nominal, ordinal")),
    "missing kind": ("    kind: single\n", "", (4, "`kind` is missing", "one of single, multi, rating")),
    "missing question": ("    question: q\n", "", (4, "`question` is missing", "the question that the coder answers")),
    "missing categories": ("    categories: [x, y]\n", "", (4, "`categories` is missing", "list the categories")),
    "missing unit": ("unit: b\n", "", (1, "`unit` is missing", "say what is coded")),
    "missing name": ("name: a\n", "", (1, "`name` is missing", "write `name: ...`")),
    "empty unit": ("unit: b", "unit:", (2, "`unit` is empty", "say what is coded")),
    "empty question": ("question: q", "question: ''", (5, "`question` is empty", "the question")),
    "empty categories": ("[x, y]", "", (8, "`categories` is empty", "list the categories")),
    "unknown kind": ("single", "singel", (6, "`kind` is 'singel'", "one of: single, multi, rating")),
    "unknown level": ("nominal", "nomial", (7, "`level` is 'nomial'", "one of: nominal, ordinal, interval, ratio")),
    "misspelt field": (
        "question: q",
        "question: q\n    evidnce: yes",
        (6, "`evidnce` is not", "did you mean `evidence`"),
    ),
    "foreign field": ("unit: b", "unit: b\nzzz: 1", (3, "`zzz` is not a field", "the fields are name, version, unit")),
    "bad codebook name": ("name: a", "name: a b", (1, "`name: a b` is not a usable name", "_ and - only")),
    "bad variable name": ("name: v", "name: 1v", (4, "`name: 1v` is not a usable name", "a letter first")),
    "bad flag": (
        "question: q",
        "question: q\n    evidence: maybe",
        (6, "`evidence` is 'maybe'", "write true or false"),
    ),
    "text is a list": ("question: q", "question: [q]", (5, "`question` is a list, not a text", "in quotes")),
    "list is a mapping": ("[x, y]", "{x: 1}", (8, "`categories` is a mapping, not a list", "`- `")),
    "list is a text": ("[x, y]", "x y", (8, "`categories` is the text 'x y', not a list", "`- `")),
    "category is a list": ("[x, y]", "[x, [y]]", (8, "entry 2 of `categories` is a list", "`name: ...`")),
    "category without name": ("[x, y]", "[x, {definition: y}]", (8, "`name` is missing", "write `name: ...`")),
    "category with empty name": ("[x, y]", "[x, '']", (8, "`name` is empty", "write `name: ...`")),
    "a comma in braces": (
        "[x, y]",
        "[x, {name: y, definition: Work, and pay.}]",
        (8, "within { } a comma begins a new field, here `and pay.`", "with the comma in quotes"),
    ),
    "category's field": ("[x, y]", "[x, {name: y, includes: z}]", (8, "`includes` is not", "did you mean `include`")),
    "empty example": ("[x, y]", "[x, {name: y, examples: [{why: z}]}]", (8, "`text` is empty", "path of its `image`")),
    "long category name": ("[x, y]", f"[x, {'y' * 201}]", (8, "`name` has 201 characters", "into `definition`")),
    "one category": ("[x, y]", "[x]", (8, "it has only 1", "give at least 2")),
    "same name twice": ("[x, y]", "[x, y, x]", (8, "the name 'x' is used twice", "rename or remove one")),
    "same one-character name": ("[x, y]", "['0', '0']", (8, "'0' is used twice", "rename or remove one")),
    "same but for case": ("[x, y]", "[Yes, yes]", (8, "'yes' is used twice", "rename or remove one")),
    "same by anchor": ("[x, y]", "[&a {name: x}, *a]", (8, "'x' is used twice", "rename or remove one")),
    "abstention repeats": ("[x, y]", "[x, y]\n    abstain: x", (9, "'x' is used twice", "rename or remove one")),
    "control character": ("[x, y]", r'[x, "y\tz"]', (8, r"'y\tz' holds a control character", "on one line")),
    "multi and ordinal": (
        "single\n    level: nominal",
        "multi\n    level: ordinal",
        (7, "cannot be ordinal", "nominal"),
    ),
    "nominal rating": (
        "single\n    level: nominal\n    categories: [x, y]",
        "rating\n    level: nominal\n    categories: [1, 2]",
        (7, "a rating cannot be nominal", "write `level: ordinal`"),
    ),
    "interval of words": (
        "nominal\n    categories: [x, y]",
        "interval\n    categories: [1, y]",
        (8, "'y' is not", "an interval"),
    ),
    "descending": (
        "nominal\n    categories: [x, y]",
        "ratio\n    categories: [2, 1]",
        (8, "not in ascending", "lowest to"),
    ),
    "equal points": (
        "nominal\n    categories: [x, y]",
        "ratio\n    categories: [1, 1.0]",
        (8, "not in ascending", "lowest"),
    ),
    "endless point": (
        "nominal\n    categories: [x, y]",
        "ratio\n    categories: [1, inf]",
        (8, "'inf' is not a number", ""),
    ),
    "point that is none": (
        "nominal\n    categories: [x, y]",
        "ratio\n    categories: [1, nan]",
        (8, "'nan' is not", ""),
    ),
    "key twice": ("unit: b", "unit: b\nunit: c", (3, "`unit` occurs twice here", "keep one of them")),
    "variable not a mapping": (
        "variables:\n",
        "variables:\n  - text\n",
        (4, "entry 1 of `variables` is the text", "`name"),
    ),
}


@pytest.mark.parametrize("name", ONE_FAULT)
def test_one_fault_is_said_once_with_its_line(name):
    good, bad, (line, problem, mend) = ONE_FAULT[name]
    assert VARIABLE.count(good) == 1
    ((found_line, found_problem, found_mend),) = faults_of(VARIABLE.replace(good, bad))
    assert found_line == line
    assert problem in found_problem
    assert mend in found_mend


def test_all_faults_are_said_at_once():
    faults = faults_of("""\
name: my study
unit:
variables:
  - name: v
    question: q
    kind: singel
    categories: [x, x]
  - name: w
    question: q
    kind: multi
    level: ordinal
    categories: [a, a]
    abstain: [a]
  - name: r
    name: r
    question: q
    kind: rating
    level: ordinal
    categories: [low, 2]
vresion: 3
""")
    assert [line for line, _, _ in faults] == [1, 2, 4, 6, 7, 11, 12, 13, 15, 19, 20]
    assert len(set(faults)) == len(faults)


def test_a_copy_has_its_own_digest():
    book = parse_codebook(GOOD)
    before = book.digest
    assert book.model_copy(update={"version": "99"}).digest != before == book.digest


def test_two_variables_of_one_name():
    second = VARIABLE[VARIABLE.index("  - name: v") :].replace("name: v", "name: V")
    assert faults_of(VARIABLE + second) == [(9, "a second variable is named 'V'", "give it another name")]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 1, "not a codebook"),
        ("# only a comment\n", 1, "not a codebook"),
        ("- a\n- b\n", 1, "not a codebook"),
        ("just words", 1, "not a codebook"),
        ("name: a\nunit:\tb\n\tvariables: []\n", 2, "a tab stands here or in the line above"),
        ("name: a\nunit: yes: no\n", 2, "a colon followed by a space starts a new key"),
        ("name: 'a\n", 2, "end of stream"),
        ("name: a\n---\nname: b\n", 2, "a second document"),
        ("name: a\nunit: b\x07\n", 2, "control character U+0007"),
        ("name: a\nvariables: &x [*x]\n", 2, "recursive"),
        ("name: a\n? [b]\n: c\n", 2, "unhashable key"),
    ],
)
def test_what_is_no_codebook_at_all(text, line, problem):
    ((found_line, found_problem, mend),) = faults_of(text)
    assert found_line == line
    assert problem in found_problem
    assert mend


def test_an_empty_list_of_variables():
    for variables in ("variables:", "variables: []"):
        assert faults_of(f"name: a\nunit: b\n{variables}\n") == [
            (3, "`variables` is empty", "list at least one variable")
        ]


NORWAY = ["no", "yes", "on", "off", "1", "1.0", "-1", "007", "2020-01-01", "~", "null", "true", "0x10", "1e3", "12:30"]


def test_names_stay_text():
    book = parse_codebook(VARIABLE.replace("[x, y]", f"[{', '.join(NORWAY)}]"))
    assert list(book.variables[0].scale) == NORWAY


def test_names_that_look_like_values_survive_writing(tmp_path):
    book = parse_codebook(VARIABLE.replace("[x, y]", f"[{', '.join(NORWAY)}]"))
    write_codebook(book, tmp_path / "codebook.yaml")
    assert read_codebook(tmp_path / "codebook.yaml") == book


def test_a_file_is_read_with_and_without_bom(tmp_path):
    for encoding in ("utf-8", "utf-8-sig"):
        (tmp_path / "codebook.yaml").write_text(GOOD, encoding=encoding)
        assert read_codebook(tmp_path / "codebook.yaml") == parse_codebook(GOOD)


def test_crlf_changes_nothing(tmp_path):
    (tmp_path / "codebook.yaml").write_bytes(GOOD.replace("\n", "\r\n").encode())
    assert read_codebook(tmp_path / "codebook.yaml").digest == parse_codebook(GOOD).digest


def test_a_file_that_is_not_there_or_not_utf8(project):
    with pytest.raises(SchemeError, match=r"no codebook at codebook\.yaml\. To mend: give the path"):
        read_codebook("codebook.yaml")
    (project / "codebook.yaml").write_bytes("name: é\n".encode("latin-1"))
    with pytest.raises(SchemeError, match=r"codebook\.yaml, line 1: this is not UTF-8: the byte 0xE9\. To mend: save"):
        read_codebook("codebook.yaml")


def test_paths_of_a_codebook_start_at_the_project(project):
    (project / "notebooks").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project / "notebooks")
        write_codebook(parse_codebook(GOOD), "codebook.yaml")
        assert read_codebook("codebook.yaml") == parse_codebook(GOOD)
    assert (project / "codebook.yaml").is_file()


# --- digests and differences


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: study\n", "# a comment\nname: 'study'\n\n"),
        ('version: "2"\nunit: a sentence\n', "unit: a   \n  sentence\nversion: 2\n".replace("   ", "")),
        ("include: [chess]", "include: chess"),
        ("      - travel\n", "      - {name: travel, definition: '', include: []}\n"),
        ("evidence: yes", "evidence: true"),
    ],
)
def test_layout_does_not_change_the_digest(old, new):
    assert GOOD.count(old) == 1
    changed = parse_codebook(GOOD.replace(old, new))
    assert changed.digest == parse_codebook(GOOD).digest
    assert changed.variable_digest("topic") == parse_codebook(GOOD).variable_digest("topic")


@pytest.mark.parametrize(
    ("old", "new", "asked_anew"),
    [
        ("Games and matches.", "Games.", {"topic"}),
        ("[chess]", "[chess, go]", {"topic"}),
        ("why: a match", "why: a score", {"topic"}),
        ("      - travel\n", "      - journeys\n", {"topic"}),
        ("[unclear]", "[]", {"topic"}),
        ("For or against?", "Against or for?", {"stance"}),
        ("confidence: yes", "confidence: no", {"stance"}),
        ("level: interval", "level: ordinal", {"stance"}),
        ("Read it twice.", "Read it once.", {"topic", "stance"}),
        ("a sentence", "a headline", {"topic", "stance"}),
        ('version: "2"', 'version: "3"', set()),
        ("name: study", "name: other", set()),
    ],
)
def test_a_change_touches_only_what_must_be_asked_anew(old, new, asked_anew):
    before, after = parse_codebook(GOOD), parse_codebook(GOOD.replace(old, new))
    assert before.digest != after.digest
    touched = {name for name in ("topic", "stance") if before.variable_digest(name) != after.variable_digest(name)}
    assert touched == asked_anew


def test_differences_are_listed_by_place():
    old = parse_codebook(GOOD)
    changed = GOOD.replace("Games and matches.", "Games.").replace("    abstain: [unclear]\n", "")
    new = parse_codebook(changed.replace('version: "2"', 'version: "3"').replace("[betting, e-sports]", "[betting]"))
    assert sorted(map(str, diff_codebooks(old, new))) == [
        "variables[topic].abstain[unclear].name: removed 'unclear'",
        "variables[topic].categories[sports].definition: 'Games and matches.' became 'Games.'",
        "variables[topic].categories[sports].exclude[1]: removed 'e-sports'",
        "version: '2' became '3'",
    ]
    assert "added 'unclear'" in "\n".join(map(str, diff_codebooks(new, old)))
    assert diff_codebooks(old, old) == []


def test_another_order_is_a_difference():
    old, new = parse_codebook(VARIABLE), parse_codebook(VARIABLE.replace("[x, y]", "[y, x]"))
    assert old.variable_digest("v") != new.variable_digest("v")
    assert [str(change) for change in diff_codebooks(old, new)] == [
        "order of variables[v].categories: 'x, y' became 'y, x'"
    ]


# --- writing


WORDS = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20).filter(str.strip)
NAMES = WORDS.filter(lambda name: name.isprintable())


@st.composite
def codebooks(draw):
    names = draw(st.lists(NAMES, min_size=2, max_size=4, unique_by=lambda name: fold_name(name.strip())))
    words = st.lists(WORDS, max_size=2).map(tuple)
    examples = st.lists(st.builds(Example, text=WORDS, why=WORDS), max_size=1).map(tuple)
    categories = [
        Category(name=name, definition=draw(WORDS), include=draw(words), examples=draw(examples)) for name in names
    ]
    variable = Variable(name="v", question=draw(WORDS), kind="single", level="nominal", categories=tuple(categories))
    return Codebook(name="a", unit=draw(WORDS), instructions=draw(WORDS), variables=(variable,))


@settings(max_examples=40, deadline=None)
@given(codebooks())
def test_writing_and_reading_keep_the_digest(book):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "codebook.yaml"
        write_codebook(book, path)
        assert read_codebook(path).digest == book.digest


# --- limits of a schema


@pytest.mark.parametrize(("n_labels", "faults"), [(1_000, 0), (1_001, 1)])
def test_a_schema_holds_a_thousand_labels(n_labels, faults):
    text = VARIABLE.replace("[x, y]", f"[{', '.join(f'c{n}' for n in range(n_labels - 1))}]\n    abstain: none")
    if faults:
        assert faults_of(text) == [
            (
                8,
                "1,001 categories; a model can be given 1,000 at most",
                "split the question into two variables, coarse and fine",
            )
        ]
    else:
        assert len(parse_codebook(text).variables[0].labels) == n_labels


@pytest.mark.parametrize(
    ("n_labels", "length", "fits"), [(250, 100, True), (251, 59, True), (300, 50, True), (300, 51, False)]
)
def test_many_labels_must_be_short(n_labels, length, fits):
    names = [f"{n:03d}".ljust(length, "x") for n in range(n_labels)]
    text = VARIABLE.replace("[x, y]", f"[{', '.join(names)}]")
    if fits:
        assert parse_codebook(text).variables[0].scale == tuple(names)
    else:
        ((line, problem, mend),) = faults_of(text)
        assert (line, problem) == (8, "the 300 category names hold 15300 characters; 15000 are allowed")
        assert "use short codes as names" in mend


# --- lists of labels

ASKED = {"kind": "single", "level": "nominal", "question": "Which?"}


@pytest.fixture
def labels(project):
    """Write a table of labels as csv or xlsx and return its name."""

    def write(rows: list[list[str]], name: str = "topic list.csv", **dialect: str) -> str:
        if name.endswith(".xlsx"):
            pd.DataFrame(rows[1:], columns=rows[0]).to_excel(project / name, index=False)
        else:
            with (project / name).open("w", encoding=dialect.pop("encoding", "utf-8"), newline="") as file:
                csv.writer(file, **dialect).writerows(rows)
        return name

    return write


TABLE = [["the code", "says"], ["1", "first, of all"], ["no", ""], ["", "a row without a code"], ["007", "é"]]


@pytest.mark.parametrize(
    ("name", "dialect"),
    [
        ("topic list.csv", {}),
        ("topic list.csv", {"encoding": "utf-8-sig"}),
        ("topic list.csv", {"delimiter": ";"}),
        ("topic list.tsv", {"delimiter": "\t"}),
        ("topic list.xlsx", {}),
    ],
)
def test_a_list_of_labels_is_a_codebook(labels, name, dialect):
    book = read_label_list(labels(TABLE, name, **dialect), column="the code", definition_column="says", **ASKED)
    (variable,) = book.variables
    assert (book.name, variable.name, variable.question) == ("topic-list", "the_code", "Which?")
    assert [(c.name, c.definition) for c in variable.categories] == [("1", "first, of all"), ("no", ""), ("007", "é")]


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_a_list_of_names_alone(labels, name):
    book = read_label_list(labels([["1st"], ["x"], ["y"]], name), column="1st", **ASKED)
    assert book.variables[0].name == "v1st"
    assert [(c.name, c.definition) for c in book.variables[0].categories] == [("x", ""), ("y", "")]


def test_columns_that_are_missing_are_all_named(labels):
    with pytest.raises(SchemeError, match="the columns are the code, says") as caught:
        read_label_list(labels(TABLE), column="label", definition_column="text", **ASKED)
    assert [fault.where for fault in caught.value.faults] == ["column 'label'", "column 'text'"]


def test_faults_of_a_list_have_the_rows_of_its_file(labels):
    rows = [["code"], ["x"], [""], ["two\nlines"], ["x"]]
    with pytest.raises(SchemeError, match=r"topic list\.csv, row 5: the name 'x' is used twice") as caught:
        read_label_list(labels(rows, quoting=csv.QUOTE_ALL), column="code", **(ASKED | {"level": "metric"}))
    where = [fault.where for fault in caught.value.faults]
    assert where == ["topic list.csv", "topic list.csv, row 4", "topic list.csv, row 5"]


def test_an_unquoted_comma_is_no_label(labels, project):
    (project / "a.csv").write_text("code\nscience, tech\nsports\n")
    with pytest.raises(SchemeError, match=r"a\.csv, row 2: .* To mend: quote cells"):
        read_label_list("a.csv", column="code", **ASKED)


def test_a_list_that_cannot_be_read(project):
    with pytest.raises(SchemeError, match=r"no list of labels at a\.csv"):
        read_label_list("a.csv", column="code", **ASKED)
    (project / "a.csv").write_bytes("code\né\n".encode("latin-1"))
    with pytest.raises(SchemeError, match="save the file with encoding UTF-8"):
        read_label_list("a.csv", column="code", **ASKED)
    (project / "a.csv").write_text("")
    with pytest.raises(SchemeError, match="column 'code': the file has no such column"):
        read_label_list("a.csv", column="code", **ASKED)


def test_r09_a_list_of_labels_is_read_as_tables_are(labels, project):
    (project / "a.csv").write_bytes("code\né\nü\nö\n".encode() + b"\xff\n")
    with pytest.raises(SchemeError, match=r"a\.csv, line 5: the byte 0xFF"):
        read_label_list("a.csv", column="code", **ASKED)
    (project / "a.csv").write_bytes("code\né\nü\n".encode("cp1252"))
    book = read_label_list("a.csv", column="code", encoding="cp1252", **ASKED)
    assert book.variables[0].scale == ("é", "ü")
    (project / "a.xlsx").write_bytes(b"PK no workbook")
    with pytest.raises(SchemeError, match=r"a\.xlsx: it is damaged.*save it again"):
        read_label_list("a.xlsx", column="code", **ASKED)


# --- a list of labels wherever a codebook is


def test_a_list_of_labels_asks_for_what_it_cannot_show_and_the_mend_works(labels):
    name = labels([["label", "definition"], ["pro", "For it."], ["contra", "Against it."]], "topics.csv")
    with pytest.raises(SchemeError, match=r"kind, level, question are not given") as caught:
        read_codebook(name)
    line = re.search(r'"(topics\.csv; .*)" \(', str(caught.value))[1]
    by_line, by_name = read_codebook(line), read_codebook(name, **(ASKED | {"question": "What is the text about?"}))
    assert by_line == by_name
    assert [(c.name, c.definition) for c in by_line.variables[0].categories] == [
        ("pro", "For it."),
        ("contra", "Against it."),
    ]


def test_a_list_of_labels_of_an_unclear_column_lists_its_columns(labels):
    name = labels([["a", "b"], ["x", "y"], ["v", "w"]], "list.csv")
    with pytest.raises(SchemeError, match=r"column is not given.*column: a.*column one of a, b"):
        read_codebook(name, **ASKED)
    assert read_codebook(f"{name}; column: b", **ASKED).variables[0].labels == ("y", "w")


def test_a_list_of_labels_in_another_encoding_has_a_mend_that_works(labels):
    name = labels([["label"], ["Ökonomie"], ["Währung"]], "list.csv", encoding="cp1252")
    with pytest.raises(SchemeError, match=r"add `encoding: cp1252`"):
        read_codebook(name, **ASKED)
    assert read_codebook(f"{name}; encoding: cp1252", **ASKED).variables[0].labels == ("Ökonomie", "Währung")


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("list.csv; colum: label", "did you mean 'column'"),
        ("codebook.yaml; kind: single", "kind cannot be given for it here"),
        ("nolist.csv; kind: single", "no codebook at nolist.csv"),
    ],
)
def test_what_is_said_beside_a_list_of_labels_is_checked(labels, project, text, mend):
    labels([["label"], ["a"], ["b"]], "list.csv")
    (project / "codebook.yaml").write_text("name: a\n")
    with pytest.raises(SchemeError, match=mend):
        read_codebook(text, **(ASKED if "list.csv" in text else {}))


# --- rendering

NASTY = "<img src=x onerror=alert(1)> $x$ | *b* _i_ `c` [l](u) # h &lt; ~s~ \\"


@pytest.fixture
def nasty() -> Codebook:
    category = Category(
        name=NASTY, definition=NASTY, include=(NASTY,), exclude=(NASTY,), examples=(Example(text=NASTY, why=NASTY),)
    )
    variable = Variable(
        name="v", question=NASTY, kind="single", level="nominal", categories=(category,), abstain=(category,)
    )
    return Codebook(name="a", version=NASTY, unit=NASTY, instructions=NASTY, variables=(variable,))


def test_html_escapes_every_text(nasty):
    page = render_html(nasty)
    assert page == nasty._repr_html_()
    assert "<img" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt; $x$ | *b*") == 16
    assert page.startswith('<div class="cb-panel tex2jax_ignore">')  # a notebook reads no $ as mathematics in there


def test_markdown_escapes_every_text(nasty):
    text = render_markdown(nasty)
    assert text.count(r"\<img src=x onerror=alert(1)\> \$x\$ \| \*b\* \_i\_ \`c\` \[l\](u) \# h \&lt; \~s\~ \\") == 16


def test_markdown_is_the_codebook_in_full():
    assert render_markdown(parse_codebook(GOOD)) == (
        "# study, version 2\n\nUnit: a sentence\n\nRead it twice.\n\n"
        "## topic\n\nWhat is it about? (single, nominal)\n\n"
        "- **sports**: Games and matches.\n  - include: chess\n  - exclude: betting\n  - exclude: e-sports\n"
        "  - example: They won 3-1. Because: a match\n- **travel**\n- **unclear** (abstention)\n\n"
        "## stance\n\nFor or against? (rating, interval)\n\n- **-1**\n- **0**\n- **1**\n"
    )


def test_html_shows_codes_and_abstentions():
    page = render_html(parse_codebook(GOOD))
    assert "<td>sports</td><td>Games and matches.<br>" in page
    assert "<td>unclear <small>(abstention)</small></td>" in page


# --- the shipped instruments


@pytest.mark.parametrize(
    ("study", "n_variables"),
    [("topics_sib200_en", 1), ("coal_debate", 1), ("econ_headlines", 1), ("narrative_frames", 23)],
)
def test_shipped_codebooks_load(study, n_variables):
    book = read_codebook(DATA / study / "codebook.yaml")
    assert len(book.variables) == n_variables
    assert all(len(variable.scale) >= 2 for variable in book.variables)


@pytest.mark.parametrize("names", [("é", "e\u0301"), ("e\u0301", "é"), ("É", "e\u0301")])
def test_r29_two_unicode_forms_of_one_name_are_refused(names):
    categories = ", ".join(f'"{name}"' for name in names)
    text = VARIABLE.replace("[x, y]", f"[{categories}]")
    assert text != VARIABLE
    with pytest.raises(SchemeError, match=r"line 8: the name .* again, with the same letters in another Unicode form"):
        parse_codebook(text)
    field = f"[{{name: f, kind: choice, categories: [{categories}]}}]"
    records = f"name: a\nunit: b\nvariables:\n  - {{name: v, question: q, kind: records, fields: {field}}}\n"
    with pytest.raises(SchemeError, match="in another Unicode form"):
        parse_codebook(records)
