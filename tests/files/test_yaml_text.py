"""The one reader of YAML: every fault with its line and the mend, in every file of the kit."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from codebook.codings import read_coders
from codebook.costs.prices import read_prices
from codebook.engines.service.families import _parse as read_families
from codebook.engines.service.providers import _parse as read_providers
from codebook.errors import InputError, ParameterError, SchemeError
from codebook.execute.study_plan import plan_study
from codebook.files.tables import open_rows
from codebook.files.yaml_text import parse_value, parse_yaml, read_yaml
from codebook.scheme import parse_codebook, read_codebook

BOOK = parse_codebook(
    "name: a\nunit: a text\nvariables:\n"
    "  - {name: b, question: '?', kind: single, level: nominal, categories: [yes, no]}\n"
)
READERS: dict[str, Callable[[Path], object]] = {
    "codebook": read_codebook,
    "coders": lambda path: read_coders(path, BOOK),
    "prices": read_prices,
    "providers": lambda path: read_providers.__wrapped__(path, 0),
    "families": read_families,
    "study": lambda path: plan_study(path, {}),
}
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


def read(text: str, *, typed: bool = False) -> object:
    return parse_yaml(text, "f.yaml", error=ParameterError, summary="No.", typed=typed).value


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        ('a: 1\nb: "\\UFFFFFFFF"\n', 2, "not YAML"),
        ("a: 1\nb: " + "[" * 2_000 + "]" * 2_000 + "\n", 2, "more than 60 nested levels"),
        ("a: 1\nb: &b [*b]\n", 2, "recursive"),
        (BOMB, 6, "without aliases"),
        ("a: 1\nb: [\n", 3, "not YAML"),
        ("a: 1\nb: é\n".encode("latin-1"), 2, "not UTF-8: the byte 0xE9"),
        ("a: \x00\n", 1, "control character U+0000"),
    ],
)
def test_r13_every_yaml_file_tells_its_faults_with_the_line(tmp_path, reader, content, line, said):
    path = tmp_path / f"{reader}.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        READERS[reader](path)
    assert any(f"{reader}.yaml, line {line}: " in str(fault) and said in str(fault) for fault in caught.value.faults)


@pytest.mark.parametrize("reader", READERS)
def test_r24_no_yaml_file_is_read_from_a_pipe(tmp_path, reader):
    os.mkfifo(tmp_path / "pipe.yaml")
    with pytest.raises(InputError, match=r"pipe\.yaml: it is a pipe and no file"):
        READERS[reader](tmp_path / "pipe.yaml")


def test_r13_a_kind_that_is_a_list_is_a_fault_of_the_codebook():
    with pytest.raises(SchemeError, match=r"line 4: `kind` is \['single'\]\. To mend: write one of: single"):
        parse_codebook("name: a\nunit: b\nvariables:\n  - {name: c, question: d, kind: [single], level: nominal}\n")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: b\nday: 2020-13-01\n", 2, "'2020-13-01' is not a valid value"),
        ("a: b\nn: !!int x\n", 2, "'x' is not a valid value"),
        ("a: !!python/object:os.system x\n", 1, "could not determine a constructor"),
        ("a: !!timestamp never\n", 1, "is not a valid value"),
    ],
)
def test_r13_a_typed_value_that_is_none_has_its_line(text, line, said):
    with pytest.raises(ParameterError, match=f"f.yaml, line {line}: .*{said}"):
        read(text, typed=True)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.5", 0.5),
        ("true", True),
        ("{50256: -100}", {"50256": -100}),
        ("[a, {b: null}]", ["a", {"b": None}]),
        ("2020-01-02", "2020-01-02"),
        ("", None),
    ],
)
def test_a_value_is_what_json_can_hold(text, value):
    assert parse_value(text, "--set x", error=ParameterError, summary="No.") == value


@pytest.mark.parametrize(
    "text", ["[", "!!python/none", "{[1]: 2}", "{true: 2}", ".nan", "!!binary aGk=", "!!set {a}", "&a [*a]"]
)
def test_r13_a_value_that_cannot_be_sent_is_refused(text):
    with pytest.raises(ParameterError, match=r"--set x.*To mend: "):
        parse_value(text, "--set x", error=ParameterError, summary="No.")


def test_r23_aliases_count_as_what_they_stand_for():
    assert read("a: &a [x, y]\nb: [*a, *a]\n") == {"a": ["x", "y"], "b": [["x", "y"], ["x", "y"]]}
    long = "a: &a " + "x" * 100_000 + "\nb: [" + ", ".join(["*a"] * 100) + "]\n"
    for text in (BOMB, long, BOMB.replace("[", "{<<: [").replace("]\n", "]}\n")):
        with pytest.raises(ParameterError, match="aliases written out"):
            read(text, typed=True)


def test_r23_what_is_too_large_is_not_read(tmp_path):
    (tmp_path / "big.yaml").write_bytes(b"a: " + b"x" * 5_000_000)
    with pytest.raises(ParameterError, match=r"more than 4 MB.*put data into a table"):
        read_yaml(tmp_path / "big.yaml", error=ParameterError, summary="No.")


def test_r23_five_thousand_categories_are_read_once(monkeypatch):
    composed = []
    categories = "".join(f"      - {{name: c{number}, definition: the category {number}}}\n" for number in range(1_001))
    scan = yaml.BaseLoader.get_single_node
    monkeypatch.setattr(yaml.BaseLoader, "get_single_node", lambda self: composed.append(1) or scan(self))
    head = "name: a\nunit: b\nvariables:\n  - name: c\n    question: d\n    kind: single\n    level: nominal\n"
    with pytest.raises(SchemeError, match="1,001 categories; a model can be given 1,000 at most"):
        parse_codebook(f"{head}    categories:\n{categories}")
    assert len(composed) == 1


def test_places_and_keys_that_stand_twice():
    tree = parse_yaml("a:\n  - b: 1\n    c: 2\n    b: 3\nd: 4\n", "f.yaml", error=ParameterError, summary="No.")
    assert tree.place(("a", 0, "b")) == "f.yaml, line 4"
    assert tree.place(("a", 0, "gone")) == "f.yaml, line 2"
    assert tree.line(("nothing",)) == 1
    assert [(line, str(fault)) for line, fault in tree.repeated_keys()] == [
        (4, "f.yaml, line 4: `b` occurs twice here. To mend: keep one of them.")
    ]


@pytest.mark.parametrize(
    ("written", "problem", "mend"),
    [
        (
            "data\\texts.csv",
            "is a path in the style of another operating system",
            "use / between folders: data/texts.csv",
        ),
        (
            '"data\\texts.csv"',
            "is a path in the style of another operating system",
            "use / between folders: data/texts.csv",
        ),
        ("data/my #1.csv", "a # starts a comment, so the path ends at 'data/my'", 'put it in quotes: "data/my #1.csv"'),
    ],
)
def test_r32_a_path_that_is_not_what_was_meant_is_told_with_its_line(project, written, problem, mend):
    (project / "data").mkdir()
    for name in ("texts.csv", "my #1.csv"):
        (project / "data" / name).write_text("id,ann\n1,yes\n")
    (project / "study.yaml").write_text(f"study: a\nrun: b\nparameters:\n  units: {written}  \nsteps: [codebook]\n")
    (project / "coders.yaml").write_text(f"coders:\n  - unit: id\n    columns: [ann]\n    file: {written}\n")
    for read, file in ((plan_study, "study.yaml"), (lambda path, _: read_coders(path, BOOK), "coders.yaml")):
        with pytest.raises(InputError) as caught:
            read(project / file, {})
        (fault,) = [
            fault for fault in caught.value.faults if fault.where == f"{file}, line 4" and problem in fault.problem
        ]
        assert fault.mend == mend


def test_r32_comments_and_right_paths_are_left_alone(project):
    (project / "a.csv").write_text("id,ann\n1,yes\n")
    (project / "coders.yaml").write_text("coders:\n  - {unit: id, columns: [ann], file: a.csv}  # a.csv #1\n")
    assert len(read_coders(project / "coders.yaml", BOOK).frame) == 1


def test_r32_a_backslash_in_double_quotes_is_told():
    with pytest.raises(ParameterError, match=r"line 1: .*escape.*write / between folders"):
        read('a: "C:\\Users\\x"')


def test_r32_a_missing_file_with_backslashes_names_the_right_path(project):
    with pytest.raises(InputError, match=r"no such file. To mend: write / between folders, as data/gone\.csv"):
        open_rows("data\\gone.csv")


def test_every_text_with_a_colon_in_it_is_told_at_once_with_the_line_in_quotes():
    text = "name: a\ndefinition: Money: what it buys\nitems:\n  - why: say \"so\": always\n  - ok: 'a: b'\n"
    with pytest.raises(SchemeError) as caught:
        parse_yaml(text, "book.yaml", error=SchemeError, summary="No.")
    assert [fault.where for fault in caught.value.faults] == ["book.yaml, line 2", "book.yaml, line 4"]
    assert 'put the text in quotes: definition: "Money: what it buys"' in str(caught.value)
    mended = text.replace("Money: what it buys", '"Money: what it buys"')
    mended = mended.replace('- why: say "so": always', caught.value.faults[1].mend.partition("quotes: ")[2])
    value = parse_yaml(mended, "book.yaml", error=SchemeError, summary="No.").value
    assert (value["definition"], value["items"][0]["why"]) == ("Money: what it buys", 'say "so": always')
