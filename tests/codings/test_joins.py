"""Ids on two sides: what meets, what does not, and what almost meets is counted and told, never repaired."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from fakes.scripted import make_book, register

from codebook.analysis import Bootstrap, validity
from codebook.analysis.core.codings import Codings
from codebook.analysis.reliability import reliability
from codebook.cli import main
from codebook.codings import count_coverage, join_codings, merge_tables, read_coders
from codebook.errors import TableError
from codebook.ground.joins import find_cause, find_twins, join_ids, near_form
from codebook.records import Unit
from codebook.report.facts import gather_facts
from codebook.report.referee_checks import check_facts
from codebook.run import Run, plan
from codebook.units import read_units

TOPIC = make_book("topic")
UNITS = [Unit(str(number), f"Sentence number {number} about coal.") for number in range(1523, 1535)]
IDS = [unit.unit_id for unit in UNITS]
COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"


@pytest.fixture
def run(project: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    register(monkeypatch)
    return finish(project)


def finish(project: Path, name: str = "one", **more: Any) -> Run:
    """A run over a file of the units, or over a part of it."""
    texts = project / "texts.csv"
    texts.write_text("id,text\n" + "".join(f"{unit.unit_id},{unit.text}\n" for unit in UNITS), encoding="utf-8")
    run = plan(TOPIC, read_units(texts, id_column="id", text_column="text"), run=name, engine="scripted", **more)
    run.submit()
    run.collect()
    return run


def put(path: Path, **ids_by_coder: list[str]) -> Path:
    """Write one file per coder, all of whose labels are coal, and the coders.yaml that lists them."""
    entries = []
    for coder, ids in ids_by_coder.items():
        rows = "".join(f'"{name}",coal\n' for name in ids)
        path.joinpath(f"{coder}.csv").write_text(f"id,label\n{rows}", encoding="utf-8")
        entries.append({"file": f"{coder}.csv", "unit": "id", "coder_name": coder, "label": "label"})
    return write_yaml(path / "coders.yaml", entries)


def write_yaml(path: Path, entries: list[dict]) -> Path:
    path.write_text(yaml.safe_dump({"coders": entries}, sort_keys=False), encoding="utf-8")
    return path


def say(coders: Path, file: str, key: str, value: str) -> None:
    """Add a key to the entry of a file."""
    entries = yaml.safe_load(coders.read_text())["coders"]
    for entry in entries:
        entry.update({key: value} if entry["file"] == file else {})
    write_yaml(coders, entries)


@pytest.mark.parametrize(
    ("stray", "known", "cause"),
    [
        ("1523.0", "1523", "a decimal part of zero"),
        ("1523,00", "1523", "a decimal part of zero"),
        ("7 ", "7", "blanks"),
        ("Unit\u00a07", "Unit 7", "blanks"),
        ("007", "7", "leading zeros"),
        (DECOMPOSED, COMPOSED, "another Unicode form"),
        ("UNIT a", "unit A", "capitals"),
        ("1,523", "1523", "thousands separators"),
        ("'007", "007", "an apostrophe in front"),
        ("1.523E+06", "1523000", "an exponent"),
        ("7\u200b", "7", "signs that are not seen"),
        ("\ufeff07.0 ", "7", "signs that are not seen and blanks and a decimal part of zero and leading zeros"),
    ],
)
def test_r08_the_cause_of_an_id_that_almost_meets(stray, known, cause):
    join = join_ids([stray], [known, "other"])
    assert (join.n_met, join.near, join.lacking) == (0, {stray: known}, (known, "other"))
    assert find_cause(stray, known) == cause


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("10", "1"),
        ("00100", "00010"),
        ("1.5", "1.50"),
        ("1.523E+01", "15"),
        ("1,52", "152"),
        ("0", "00x"),
        ("-1", "1"),
        ("a b", "ab"),
    ],
)
def test_r08_other_ids_do_not_almost_meet(one, other):
    assert near_form(one) != near_form(other)
    assert not join_ids([one], [other]).near
    assert find_twins([one, other]) == []


def test_u03_ids_that_are_not_in_the_run_are_an_error_with_file_line_cause_and_mend(run, project):
    coders = put(project, gold=IDS, Anna=[f"{name}.0" for name in IDS])
    with pytest.raises(TableError) as caught:
        run.codings(coders)
    (fault,) = caught.value.faults
    assert fault.where == "coders.yaml, line 6 (Anna.csv)"
    assert fault.problem.startswith(
        "12 of 12 ids of Anna are not in the run "
        "(first: '1523.0'; the run has '1523', which differs by a decimal part of zero)"
    )
    assert "`ids: near`" in fault.mend


def test_u03_the_mend_joins_by_near_form_and_says_so(run, project):
    coders = put(project, Anna=[f"{name}.0" for name in IDS], Ben=IDS)
    say(coders, "Anna.csv", "ids", "near")
    codings = run.codings(coders)
    table = codings.frame
    assert count_coverage(table)["asked"].tolist() == [12, 12, 12]
    assert set(table["unit_id"]) == set(IDS)
    assert "Anna.csv: 12 ids joined by `ids: near` (first: '1523.0' to '1523')." in codings.notes


def test_u03_one_stray_id_counts_in_no_figure_and_is_told_with_the_figures(run, project):
    coders = put(project, Anna=[*IDS, "99"], Ben=[*IDS, "1523.0"])
    codings = run.codings(coders)
    result = reliability(codings.only(["Anna", "Ben"]), coefficients=["alpha"], resample=Bootstrap(0))
    assert result.frame[["n_dropped", "n_units", "n_codings"]].to_numpy().tolist() == [[0, 12, 24]]
    assert (
        list(result.facts.joins)
        == list(codings.joins)
        == [
            "Anna.csv: 1 of 13 ids of Anna is not in the run (first: '99'); 1 coding left out.",
            "Ben.csv: 1 of 13 ids of Ben is not in the run (first: '1523.0'; the run has '1523', which differs by a "
            "decimal part of zero); 1 coding left out.",
        ]
    )


def test_u03_the_unit_that_nobody_has_is_counted_too(run, project):
    codings = run.codings(put(project, gold=IDS[:9]))
    assert "3 of 12 units of the run have no label in gold.csv (first: '1532')." in codings.notes
    assert not codings.joins


def test_u03_nothing_meets_is_an_error_even_without_a_near_form(run, project):
    coders = put(project, gold=IDS, Anna=["a", "b"])
    with pytest.raises(
        TableError, match=r"line 6 \(Anna.csv\): 2 of 2 ids of Anna are not in the run \(first: 'a', 'b'\)"
    ):
        run.codings(coders)


def test_u03_a_run_of_a_part_of_the_units_is_no_error(run, project):
    half = finish(project, "half", limit=4)
    codings = half.codings(put(project, gold=IDS, Anna=IDS[8:]))
    assert count_coverage(codings.frame).set_index("coder")["asked"].to_dict() == {"scripted-1": 4, "gold": 4}
    row = validity(codings.of(), resample=Bootstrap(0)).frame.iloc[0]
    assert (row["n_gold"], row["n_asked"]) == (4, 4)
    assert list(codings.joins) == [
        "gold.csv: 8 of 12 ids of gold are not in the run (first: '1527', '1528', '1529'); 8 codings left out.",
        "Anna.csv: 4 of 4 ids of Anna are not in the run (first: '1531', '1532', '1533'); 4 codings left out; "
        "no id of Anna is in the run.",
    ]
    with pytest.raises(TableError, match="4 of 4 ids of Anna"):
        half.codings(put(project, Anna=IDS[8:]))
    with pytest.raises(TableError, match="12 of 12 ids of Ben"):
        half.codings(put(project, gold=IDS, Ben=[f"0{name}" for name in IDS]))


def test_u03_ids_that_are_others_are_said_to_be(run, project):
    coders = put(project, Anna=[*IDS[:2], *(f"0{name}" for name in IDS[2:])])
    with pytest.raises(TableError, match=r"10 of 12 ids of Anna.*leading zeros"):
        run.codings(coders)
    say(coders, "Anna.csv", "ids", "exact")
    assert count_coverage(run.codings(coders).frame)["asked"].tolist() == [12, 2]


def test_u03_the_report_counts_people_by_the_units_of_the_run(run, project):
    facts = gather_facts("one", coders=put(project, gold=[*IDS, "99"], Anna=IDS), gold="gold")
    assert (facts.n_gold, len(facts.coders.frame)) == (12, 24)
    lost = "gold.csv: 1 of 13 ids of gold is not in the run (first: '99'); 1 coding left out."
    assert facts.coders.joins == (lost,)
    row = check_facts(facts).set_index("question").loc["ids of the coders"]
    assert (row["state"], row["found"]) == ("look", lost)


def test_u03_the_command_says_what_did_not_meet(run, project):
    coders = put(project, Anna=[*IDS, "99"])
    done = CliRunner().invoke(main, ["reliability", "one", "--coders", str(coders), "--replicates", "0"])
    assert done.exit_code == 0, done.output
    assert "Anna.csv: 1 of 13 ids of Anna is not in the run (first: '99'); 1 coding left out." in done.output
    assert done.output.startswith(repr(reliability(run.codings(coders), by="group", resample=Bootstrap(0))))


def test_u03_validity_tells_of_strays(run, project):
    codings = run.codings(put(project, gold=IDS, Anna=[*IDS, "99"]))
    result = validity(codings)
    assert codings.joins
    assert result.facts.joins == codings.joins
    assert codings.joins[0] in result.note


@pytest.mark.parametrize(
    ("write", "cause"),
    [
        (lambda name: f"{name}.0", "a decimal part of zero"),
        (lambda name: f"{name}\u00a0", "blanks"),
        (lambda name: f"00{name}", "leading zeros"),
    ],
)
def test_r08_two_files_whose_ids_almost_meet_are_an_error_and_the_mend_works(tmp_path, write, cause):
    coders = put(tmp_path, Ann=IDS, Ben=[write(name) for name in IDS])
    with pytest.raises(TableError) as caught:
        read_coders(coders, TOPIC)
    (fault,) = caught.value.faults
    assert fault.where == "coders.yaml, line 6 (Ben.csv)"
    assert "12 of 12 ids of Ben are not among those of the other coders" in fault.problem
    assert f"another coder has '1523', which differs by {cause}" in fault.problem
    say(coders, "Ben.csv", "ids", "near")
    assert sorted(read_coders(coders, TOPIC).frame["unit_id"]) == sorted(IDS * 2)


def test_r08_composed_and_decomposed_ids(tmp_path):
    coders = put(tmp_path, Ann=[COMPOSED, "x", "y"], Ben=[DECOMPOSED, "x", "y"])
    (told,) = read_coders(coders, TOPIC).joins
    assert "1 of 3 ids of Ben is not among those of the other coders (first: 'cafe\\u0301'" in told
    assert "another coder has 'caf\u00e9', which differs by another Unicode form" in told


def test_r08_ids_that_meet_beside_some_that_almost_do_are_told(tmp_path):
    coders = put(tmp_path, Ann=IDS, Ben=[*IDS[:10], "1533 ", "1534 "])
    (told,) = read_coders(coders, TOPIC).joins
    assert "2 of 12 ids of Ben are not among those of the other coders (first: '1533 '" in told


def test_r08_no_unit_of_two_coders_is_told(tmp_path):
    codings = read_coders(put(tmp_path, Ann=IDS[:6], Ben=IDS[6:]), TOPIC)
    assert list(codings.joins) == ["No unit was coded by two coders, so nothing can be compared."]


def test_r08_coders_who_are_named_alike_are_told_and_not_merged(tmp_path):
    path = tmp_path / "codings.csv"
    path.write_text("id,who,label\n1,Ann,coal\n2,ann ,coal\n3,ANN,coal\n1,Ben,coal\n", encoding="utf-8")
    entry = {"file": path.name, "unit": "id", "coder": "who", "label": "label"}
    coders = write_yaml(tmp_path / "coders.yaml", [entry])
    codings = read_coders(coders, TOPIC)
    table = codings.frame
    assert table["coder"].nunique() == 4
    told = codings.joins[0]
    assert told.startswith("The coders 'Ann', 'ann ', 'ANN' have similar names, but count as 3 coders.")
    mend = yaml.safe_load(told.split("`")[1])
    codings = read_coders(write_yaml(coders, [entry | mend]), TOPIC)
    table = codings.frame
    assert table["coder"].tolist() == ["Ann", "Ann", "Ann", "Ben"]
    assert not codings.joins
    assert "2 cells renamed by `rename_coders`" in codings.notes[0]


def test_r08_merged_tables_whose_ids_almost_meet(tmp_path):
    ann = read_coders(put(tmp_path, Ann=IDS), TOPIC).frame
    apart = ann.assign(coder="ben", unit_id=[f"{name}.0" for name in IDS])
    with pytest.raises(TableError, match=r"table 2: 12 of 12 unit ids are not in an earlier table \(first: '1523.0'"):
        merge_tables(ann, apart)
    some = pd.concat([ann.head(11), apart.tail(1)]).assign(coder="ann")
    joins = join_codings(Codings(ann, []), Codings(some, [])).joins
    assert joins[0].startswith("Merged table 2: 1 of 12 unit ids is not in an earlier table")
    assert joins[1].startswith(
        "Coders who may be the same person count as two (first: 'ann'; an earlier table has 'Ann'"
    )


def test_r08_a_coder_in_two_files_is_named_with_both(tmp_path):
    coders = put(tmp_path, Ann=IDS, Ben=IDS)
    say(coders, "Ben.csv", "coder_name", "Ann")
    with pytest.raises(TableError, match=r"line 6 \(Ben.csv\).*of coders.yaml, line 2 \(Ann.csv\).*`rename_coders`"):
        read_coders(coders, TOPIC)
    say(coders, "Ben.csv", "rename_coders", {"Ann": "Ben"})
    assert read_coders(coders, TOPIC).frame["coder"].nunique() == 2
