"""People who code in a study: what `coding:` says, and how their labels come into every figure."""

import json

import pandas as pd
import pytest
from click.testing import CliRunner

import codebook as cb
from codebook.cli import main
from codebook.coding import open_session, read_assignment
from codebook.errors import ParameterError
from codebook.sampling import draw_gold, write_gold_sample
from codebook.study import open_study

BOOK = """name: news
unit: one text
variables:
  - name: topic
    question: What is it about?
    kind: single
    level: nominal
    categories: [{name: sports, definition: Games.}, {name: politics, definition: Parties.}]
"""
STUDY = """study: news
units: texts.csv
id_column: id
text_column: text
context_columns: [paper]
"""
CODING = "coding:\n  coders: [ann, ben]\n  double: 0.5\n  strata: paper\n  seed: 3\n"
TEXTS = [f"t{n},{'A match.' if n % 2 else 'A vote.'},{'Post' if n % 3 else 'Times'}" for n in range(1, 13)]


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path))
    (tmp_path / "codebook.yaml").write_text(BOOK)
    (tmp_path / "texts.csv").write_text("\n".join(["id,text,paper", *TEXTS]) + "\n")
    (tmp_path / "study.yaml").write_text(STUDY + CODING)
    return tmp_path


def run(*words):
    return CliRunner().invoke(main, list(words))


def code_all(*coders):
    for coder in coders:
        with open_session(coder) as session:
            for unit in session:
                session.label("sports" if "match" in unit.text else "politics")


def test_units_are_assigned_as_the_study_says_and_again_only_what_is_new(project):
    first = run("assign")
    assert first.exit_code == 0, first.output
    assert "12 units assigned: 6 units by 1 coder, 6 units by 2 coders. ann 9, ben 9." in first.output
    assert "Nothing to change." in run("assign").output
    with (project / "texts.csv").open("a") as file:
        file.write("t13,A goal.,Post\n")
    assert "1 new unit for ann, ben." in run("assign", "--coder", "ann", "--coder", "ben").output
    assert "cem joins" in run("assign", "--coder", "cem").output
    assert "ann leaves" in run("assign", "--leaves", "ann").output
    assert json.loads((project / "coding" / "assignment.json").read_text())["rounds"][0]["design"]["seed"] == 3


def test_what_was_coded_stands_in_every_figure_without_an_entry_in_coders_yaml(project):
    study = open_study()
    study.assign()
    code_all("ann", "ben")
    codings = study.codings()
    assert codings.people == ["ann", "ben"]
    assert codings.texts["t1"] == "A match."
    table = cb.reliability(codings, resample=cb.Bootstrap(10, seed=1)).frame
    assert table.set_index("coefficient").loc["alpha", "value"] == 1
    run_of_model = study.plan()
    run_of_model.submit()
    run_of_model.collect()
    both = open_study().codings()
    assert both.people == ["ann", "ben"]
    assert len(both.machines) == 1
    assert open_study(coders="none").codings().people == []


def test_a_codebook_of_another_name_has_no_share_in_what_was_coded(project):
    open_study().assign()
    code_all("ann")
    (project / "other.yaml").write_text(BOOK.replace("name: news", "name: other"))
    with pytest.raises(ParameterError, match="There are no labels"):
        open_study(codebook="other.yaml", run="none").codings()


def test_a_coding_folder_may_be_an_entry_of_coders_yaml_and_counts_once(project):
    open_study().assign()
    code_all("ann", "ben")
    entry = "coders:\n  - {file: coding, format: coding_logs, rename_coders: {ben: Ben}}\n"
    (project / "coders.yaml").write_text(entry)
    codings = open_study(coders="coders.yaml", coding={"folder": "coding"}).codings()
    assert codings.people == ["ann", "Ben"]
    assert codings.frame["seconds"].notna().all()
    assert len(codings.frame) == 18


def test_the_check_tells_who_codes_and_how_far_they_are(project):
    assert "nothing is assigned yet" in str(open_study().check())
    open_study().assign()
    code_all("ann")
    told = str(open_study().check())
    assert "coding: ann, ben, in coding" in told
    assert "9 labels of 1 coder. 9 of 18 assigned units are open." in told
    assert open_study().check().ok


@pytest.mark.parametrize(
    ("block", "faults"),
    [
        ("coding:\n  coders: [ann]\n  duoble: 1\n", ["line 8: there is no such setting for coding"]),
        ("coding:\n  coders: [a/b]\n  double: 2\n", ["'a/b' cannot name a file", "2.0 is not a share"]),
    ],
)
def test_faults_of_the_coding_are_told_with_their_lines(project, block, faults):
    (project / "study.yaml").write_text(STUDY + block)
    with pytest.raises(ParameterError) as caught:
        open_study()
    assert all(fault in str(caught.value) for fault in faults)


def test_what_does_not_fit_the_study_is_a_fault_of_the_check(project):
    (project / "study.yaml").write_text(STUDY + "coding:\n  strata: region\n")
    check = open_study().check()
    assert [fault.where for fault in check.faults] == ["coding, coders", "coding, strata"]


def test_only_the_units_of_a_gold_sample_are_coded_where_one_is_named(project):
    sample = draw_gold(pd.DataFrame({"unit_id": [f"t{n}" for n in range(1, 13)]}), 5)
    write_gold_sample(sample, "gold.jsonl")
    assigned = open_study().with_coding(sample="gold.jsonl").assign().assignment
    assert {row.unit_id for row in assigned.rows} == set(sample.frame["unit_id"])


def test_a_gold_sample_drawn_after_units_were_given_out_goes_whole_to_who_codes_it(project):
    """Units that others code already count as not coded by the coder of the gold; nobody loses a unit."""
    study = open_study()
    before = study.with_coding(coders=("ann", "ben")).assign().assignment
    sample = draw_gold(pd.DataFrame({"unit_id": [f"t{n}" for n in range(1, 13)]}), 7)
    write_gold_sample(sample, "gold.jsonl")
    ids = set(sample.frame["unit_id"])
    assert "7 units for cy." in repr(study.hand_out(coders=["cy"], sample="gold.jsonl"))
    rows = read_assignment("coding").rows
    assert [row for row in rows if row.coder != "cy"] == list(before.rows)
    assert {row.unit_id for row in rows if row.coder == "cy"} == ids
    assert sum(row.coder == "cy" for row in rows) == 7

    again = study.with_coding(coders=("cy",), sample="gold.jsonl").assign()
    assert again.sentences == ("Nothing to change.",)
    joined = study.with_coding(coders=("cy", "dora"), sample="gold.jsonl").assign().assignment
    assert {row.unit_id for row in joined.rows if row.coder == "dora"} <= ids
