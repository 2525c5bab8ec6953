"""The check of a study: what is wrong with any part of it is found at once, before anything is paid."""

import pytest
from pdf_files import write_pdf

from codebook.errors import ParameterError
from codebook.sampling import draw_gold, write_gold_sample
from codebook.scaffold import make_study
from codebook.study import check_study, open_study

BOOK = """name: news
unit: one text
variables:
  - name: topic
    question: What is it about?
    kind: single
    level: nominal
    categories: [{name: sports, definition: Games.}, {name: politics, definition: Parties.}]
"""
CODERS = "coders:\n  - {file: coded.csv, unit: id, columns: {gold: gold, ann: ann}}\n"


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Write a study with faults nowhere, and return how its files are written anew and checked."""
    monkeypatch.chdir(tmp_path)
    files = {
        "study.yaml": "study: news\nunits: texts.csv\nid_column: id\ntext_column: text\ncoders: coders.yaml\n",
        "codebook.yaml": BOOK,
        "texts.csv": "id,text\n1,A match.\n2,A vote.\n3,A goal.\n",
        "coders.yaml": CODERS,
        "coded.csv": "id,gold,ann\n1,sports,sports\n2,politics,politics\n3,sports,politics\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)

    def check(facts="", **changed):
        for name, text in changed.items():
            (tmp_path / name.replace("_", ".")).write_text(text)
        (tmp_path / "study.yaml").write_text(files["study.yaml"] + facts)
        return check_study(open_study())

    return check


def test_a_new_study_is_in_order_as_it_is_made(tmp_path, monkeypatch):
    make_study(tmp_path / "mine")
    monkeypatch.chdir(tmp_path / "mine")
    check = check_study(open_study())
    assert check.ok, check
    assert check.units.n_send == 12
    assert check.wording.hints == ()
    assert str(check).endswith("Everything is in order; nothing was sent.")
    assert "engine embedded: nothing leaves this machine" in str(check)
    check.raise_errors()


def test_what_the_check_refuses_is_refused_before_the_run_is_planned(study, tmp_path):
    from click.testing import CliRunner

    from codebook.cli import main

    for wrong in (
        {"coders_yaml": CODERS.replace("ann: ann", "ann: anna")},
        {"coders_yaml": CODERS, "coded_csv": "id,gold,ann\n1.0,sports,sports\n2.0,politics,politics\n"},
    ):
        check = study("run: one\n", **wrong)
        assert [fault.where for fault in check.faults], check
        for words in (["run"], ["plan"]):
            done = CliRunner().invoke(main, words)
            assert done.exit_code == 1
            assert str(check.faults[0]) in done.output
        assert not (tmp_path / "runs" / "one").exists(), "nothing was planned, and nothing sent"
    check = study("run: one\n", coded_csv="id,gold,ann\n1,sports,sports\n2,politics,politics\n3,sports,politics\n")
    assert check.ok
    assert open_study().plan().name == "one"


def test_the_coders_that_are_listed_are_those_that_the_analysis_takes(tmp_path, monkeypatch):
    from codebook.coding import simulate_coder

    make_study(tmp_path / "mine")
    monkeypatch.chdir(tmp_path / "mine")
    open_study().with_coding(coders=("eve", "fay")).assign()
    for coder in ("eve", "fay"):
        simulate_coder(coder, [])
    check = check_study(open_study())
    coders = sorted(open_study().codings().coders)
    assert {"eve", "fay"} <= set(coders)
    (line,) = [line for line in check.lines if line.startswith("coders: ")]
    assert all(coder in line for coder in coders)


def test_faults_of_every_part_are_in_one_list(study):
    check = study(
        "engine: openai_batch\nmodel: gpt-5.4-mini\nbase_url: http://far.example/v1\ndraws: -1\nsample: none.jsonl\n",
        codebook_yaml=BOOK + "    colour: red\n",
        texts_csv="id,text\n1,A match.\n1,A vote.\n",
    )
    places = [fault.where for fault in check.faults]
    assert places == [
        "codebook.yaml, line 9",
        "texts.csv, '1'",
        "none.jsonl",
        "base_url",
        "key",
        "draws",
    ]
    with pytest.raises(ParameterError, match=r"nothing was sent.\n.*remove it") as caught:
        check.raise_errors()
    assert caught.value.faults == check.faults
    assert "6 faults; nothing may be sent." in str(check)


def test_typos_and_ids_of_coders_are_told_together_and_both_mends_work(study):
    typos = "id,gold,ann\n1.0,Sport,sports\n2.0,politcs,politics\n3.0,sports,politics\n"
    check = study(coded_csv=typos)
    told = str(check)
    assert "`rename: {'Sport': 'sports', 'politcs': 'politics'}`" in told
    assert "'1.0'; the run has '1', which differs by a decimal part of zero" in told
    assert "`ids: near`" in told
    mended = CODERS.replace("columns", "ids: near, rename: {'Sport': 'sports', 'politcs': 'politics'}, columns")
    assert study(coders_yaml=mended).ok


def test_a_gold_that_nobody_is_has_a_near_name(study):
    check = study("gold: gild\n")
    assert [(fault.where, fault.mend) for fault in check.faults] == [("gold", "did you mean 'gold'?")]
    alone = study("", coders_yaml=CODERS.replace("gold: gold, ", ""))
    assert alone.ok
    assert [fault.where for fault in alone.warnings] == ["gold"]


def test_a_gold_sample_of_other_units_is_told(study, tmp_path):
    import pandas as pd

    frame = pd.DataFrame({"unit_id": ["01", "02", "03"]})
    write_gold_sample(draw_gold(frame, 2, seed=1), tmp_path / "sample.jsonl")
    check = study("sample: sample.jsonl\n")
    assert "2 of 2 ids of the gold sample are not among the units" in str(check.faults[0])
    assert "leading zeros" in str(check.faults[0])


@pytest.mark.parametrize(("engine", "warned"), [("openai_batch", True), ("openai_live", False)])
def test_a_batch_of_a_few_requests_is_advised_against(study, monkeypatch, engine, warned):
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-this-test")
    check = study(f"engine: {engine}\nmodel: gpt-5.4-mini-2026-03-17\n")
    assert check.ok, check
    few = [fault for fault in check.warnings if "a batch of 3 requests" in fault.problem]
    assert bool(few) is warned
    assert all("`engine: openai_live` answers at once" in fault.mend for fault in few)


def test_a_guessed_encoding_is_a_fault_only_where_it_would_be_paid_for(study, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "a-key-of-this-test")
    (tmp_path / "texts.csv").write_bytes("id,text\n1,Straße\n2,Übung\n3,Äpfel\n".encode("cp1252"))
    assert study("").ok
    check = study("engine: openai_live\nmodel: gpt-5.4-mini-2026-03-17\n")
    assert [fault.where for fault in check.faults] == ["texts.csv"]
    assert "--form encoding=cp1252" in str(check)
    assert study("engine: openai_live\nmodel: gpt-5.4-mini-2026-03-17\nform: ['encoding: cp1252']\n").ok


def test_parameters_of_notebooks_are_said_to_hold_for_execute_alone(study):
    check = study("parameters: {seed: 7}\n")
    assert check.ok
    assert [str(warning) for warning in check.warnings] == [
        "study.yaml, parameters: seed holds for `codebook execute` only. To mend: for Run All and papermill, write the "
        "value into the parameters cell of the notebook."
    ]


def test_no_units_and_a_cap_below_nothing_are_faults(study):
    check = study("cap: -5\n", texts_csv="id,text\n,\n")
    told = "\n".join(map(str, check.faults))
    assert not check.ok
    assert "units: there is no unit to code. To mend: name the file or folder" in told
    assert "cap: -5.0 is no amount of money. To mend: give US dollars, 0 or more." in told


def test_prices_of_the_project_are_read_with_the_rest(study):
    (fault,) = study(prices_yaml="as_of: 2026-11-01\nmodels:\n  gpt-6-luna: {inptu: 1, output: 2}\n").faults[:1]
    assert str(fault).startswith("prices.yaml, line 3")
    assert study(prices_yaml="as_of: 2026-11-01\nmodels:\n  gpt-6-luna: {input: 1, output: 2}\n").ok


def test_what_the_engine_cannot_answer_is_found_before_it_is_asked(study, tmp_path):
    """Of PDFs the embedded engine gives the text, and no label; and it quotes nothing."""
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "one.pdf").write_bytes(write_pdf([["A match."]]))
    (tmp_path / "study.yaml").write_text("study: news\nunits: pages\n")
    (fault,) = open_study().check().faults
    assert (fault.where, "labels of texts and images only" in fault.problem) == ("engine, variable 'topic'", True)
    second = BOOK.partition("variables:\n")[2].replace("topic", "why") + "    evidence: true\n"
    mixed = study(codebook_yaml=BOOK + second, coders_yaml=CODERS.replace("unit: id", "unit: id, variable: topic"))
    assert mixed.ok
    assert [warning.where for warning in mixed.warnings] == ["engine, variable 'why'"]
