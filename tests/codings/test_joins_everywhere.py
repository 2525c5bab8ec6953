"""Every join on ids beside that of coders and runs: samples, sheets, clusters, spans, strata, texts, entities."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from codebook.analysis import (
    Bootstrap,
    behaviour,
    calibration,
    confusion,
    correct,
    gap_in_means,
    pair_with_gold,
    prevalence,
    span_validity,
    specifications,
    transcript_accuracy,
    validity,
)
from codebook.analysis.core.codings import Codings
from codebook.analysis.core.examples import make_table
from codebook.analysis.core.scales import VariableSpec
from codebook.analysis.correction import add_chances
from codebook.analysis.entities.review import apply_adjudication
from codebook.analysis.entities.truth import label_pairs
from codebook.analysis.joining import adjudicate, disagreements, read_adjudication, write_adjudication
from codebook.analysis.reliability import reliability
from codebook.codings import Records, count_coverage, coverage, open_records, read_record_codings, to_wide
from codebook.codings import make_table as make_tidy
from codebook.errors import InputError
from codebook.records import Unit
from codebook.report.views.span_view import show_spans
from codebook.run.plans.example_units import draw_examples
from codebook.sampling import draw_gold, write_gold_sample
from codebook.scheme import parse_codebook
from codebook.units import read_units

TONE = VariableSpec("tone", "nominal", ["a", "b"])
CODES = {"gold": list("abab"), "m": list("abba")}
TABLE = make_table("tone", CODES)
HELD = Codings(TABLE, [TONE], gold="gold")
UNITS = ["u1", "u2", "u3", "u4"]
OFF = ["U1", "u2 ", "u03", "u4"]
DRAWN = pd.DataFrame({"unit_id": ["u1", "U2"], "prob": 0.5})
SPANS = pd.DataFrame({"unit_id": UNITS, "start": 0, "end": 4, "type": "PER"})
RECORDS = parse_codebook(
    """
name: names
unit: a headline
variables:
  - {name: people, question: Whom does it name, kind: records, fields: [{name: mention, kind: quote}]}
"""
)


def test_r08_figures_carry_what_the_table_tells_of_ids():
    codings = Codings(TABLE, [TONE], joins=("3 ids are lost.",))
    for verb in (reliability, disagreements):
        assert verb(codings).facts.joins == ("3 ids are lost.",)
    codings = codings.with_gold("gold")
    shares = prevalence(codings, sample="random")
    results = [coverage(codings), validity(codings), confusion(codings), calibration(codings), shares]
    assert [result.facts.joins for result in results] == [("3 ids are lost.",)] * len(results)


SAMPLE = r"1 of 2 .* not .* \(first: 'U2'; .* has 'u2', which differs by capitals\)"


def pair(**options):
    return pair_with_gold(Codings(TABLE, [TONE], gold="gold"), "m", **options)


@pytest.mark.parametrize(
    "use",
    [
        lambda: validity(HELD.with_sample(DRAWN), "m"),
        lambda: pair(sample=DRAWN),
        lambda: add_chances(pair(sample="random", label="a").frame, DRAWN),
        lambda: draw_gold(pd.DataFrame({"unit_id": UNITS}), 1, earlier=draw_gold(DRAWN[["unit_id"]], 2)),
    ],
    ids=["validity", "pairing", "regression", "enlarging"],
)
def test_r08_a_gold_sample_that_almost_meets(use):
    with pytest.raises(InputError, match=SAMPLE):
        use()


def test_r08_gold_outside_the_sample_is_counted():
    some = pd.DataFrame({"unit_id": ["u1", "u2"], "prob": 0.5})
    assert pair(sample=some).facts.n_unused == 2
    assert pair(sample="random").facts.n_unused == 0
    unused = "2 units with a gold label are not in the sample, and not used."
    assert unused in validity(HELD.with_sample(some), "m").remarks
    assert "not used" not in validity(HELD, "m").note


def test_r08_covariates_that_do_not_meet_are_told_with_the_figure():
    table = make_table("tone", {"gold": list("abab") * 20, "m": list("abba") * 20})
    codings = Codings(table, [TONE], gold="gold").with_sample("random")
    ids = [f"u{at + 1}" for at in range(60)]
    words = pd.DataFrame({"unit_id": ids, "words": [len(name) + at % 3 for at, name in enumerate(ids)]})
    result = correct(codings, "label ~ words", label="a", data=words)
    assert result.facts.joins == ("Of 80 units those with a gap are left out: words missing in 20.",)


def test_r08_a_sample_under_other_ids_is_not_enlarged(tmp_path):
    sample = draw_gold(pd.DataFrame({"unit_id": UNITS}), 4)
    write_gold_sample(sample, tmp_path / "gold.jsonl")
    capitals = replace(sample, frame=sample.frame.assign(unit_id=sample.frame["unit_id"].str.upper()))
    with pytest.raises(
        InputError, match=r"4 of its units would be lost.*the new one has 'U\d', which differs by capitals"
    ):
        write_gold_sample(capitals, tmp_path / "gold.jsonl")


def test_r08_a_sheet_of_decisions_that_almost_meets(tmp_path):
    table = make_table("tone", {"ann": list("ab"), "bo": list("bb")}).replace({"u1": "007", "u2": "8"})
    codings = Codings(table, [TONE])
    path = write_adjudication(disagreements(codings), tmp_path / "sheet.csv")
    text = path.read_text(encoding="utf-8-sig").replace("007", "7")
    path.write_text(text.replace(",,\n", ",a,cy,\n").replace(",,,\r\n", ",a,cy,\r\n"), encoding="utf-8")
    decisions = read_adjudication(path).assign(decision="a", by="cy")
    with pytest.raises(InputError, match="first: '7'; the table has '007', which differs by leading zeros"):
        adjudicate(codings, decisions)
    assert adjudicate(codings, decisions.assign(unit_id="007")).result.facts.n_without_row == 1


def test_r08_ids_of_a_sheet_are_not_stripped(tmp_path):
    codings = Codings(make_table("tone", {"ann": ["a"], "bo": ["b"]}).replace({"u1": " 7 "}), [TONE])
    path = write_adjudication(disagreements(codings), tmp_path / "sheet.csv")
    decisions = read_adjudication(path).assign(decision="a", by="cy")
    assert adjudicate(codings, decisions).codings.frame["unit_id"].tolist() == [" 7 "] * 3


@pytest.mark.parametrize(
    ("clusters", "match"),
    [(dict(zip(OFF, "xxyy", strict=True)), "first: 'u1'.*has 'U1'"), ({1: "x", 2: "y"}, "there they are numbers")],
)
def test_r08_clusters_that_almost_meet(clusters, match):
    table = (
        TABLE if "u4" in clusters else TABLE.replace({"u1": "1", "u2": "2", "u3": "1", "u4": "2"}).iloc[[0, 1, 4, 5]]
    )
    with pytest.raises(InputError, match=match):
        reliability(Codings(table, [TONE], clusters=clusters))


def test_r08_spans_of_other_units_are_told_or_an_error():
    result = span_validity(SPANS, SPANS, UNITS[:3], resample=Bootstrap(0))
    frame = result.frame
    assert result.facts.joins[0].startswith("1 of 4 units with spans is not among those that were put (first: 'u4')")
    assert frame["n"].max() == 3
    with pytest.raises(InputError, match=r"4 of 4 units with gold spans.*which differs by capitals"):
        span_validity(SPANS, SPANS.assign(unit_id=["U1", "U2", "U3", "U4"]), UNITS)
    with pytest.raises(InputError, match="4 of 4 units with spans are not among the units"):
        show_spans([Unit("7", "Coal")], SPANS)


def test_r08_transcripts_without_a_truth_are_told():
    truth = {"a": "Dear Sir", "b": "Yours"}
    result = transcript_accuracy({"a": "Dear Sir", "b": "Yours", "B.pdf": "x"}, truth, resample=Bootstrap(0))
    assert list(result.facts.joins) == [
        "1 of 3 transcripts is not among the documents of the truth (first: 'B.pdf'; the truth has 'b', which differs "
        "by capitals and the ending of a file's name)."
    ]
    with pytest.raises(InputError, match=r"2 of 2 transcripts.*the ending of a file's name"):
        transcript_accuracy({"a.pdf": "Dear Sir", "b.pdf": "Yours"}, truth)


def test_r08_units_without_a_stratum_are_told():
    where = pd.Series({"u1": "north", "u2": "south", "u3": "south"}, name="place")
    counted = coverage(Codings(TABLE, []).with_groups(where), "place")
    assert list(counted.facts.joins) == ["1 of 4 units is not among those with a stratum (first: 'u4')."]
    with pytest.raises(InputError, match="4 of 4 units are not among those with a stratum"):
        count_coverage(TABLE, {name.upper(): "north" for name in UNITS})


def test_r08_probabilities_of_other_units():
    given = pd.DataFrame({"unit_id": [name.upper() for name in UNITS], "probability": 0.5})
    with pytest.raises(InputError, match="first: 'U1'; the gold has 'u1'"):
        calibration(HELD, "m", probability=given)


def test_r08_texts_of_disputed_units():
    result = disagreements(Codings(TABLE, [TONE], texts=dict.fromkeys(UNITS[:3], "A text.")))
    assert result.facts.joins == ("1 of 4 disputed units is not among the texts (first: 'u4').",)
    with pytest.raises(InputError, match="4 of 4 disputed units are not among the texts"):
        disagreements(Codings(TABLE, [TONE], texts=dict.fromkeys((f"{name}.txt" for name in UNITS), "A text.")))


def test_r08_values_of_other_units():
    finding = gap_in_means({name.upper(): 1.0 for name in UNITS}, "a")
    reason = specifications(Codings(TABLE, [TONE]), finding).frame["reason"][0]
    assert "4 of 4 units are not among the values (first: 'u1'; the list of values has 'U1'" in reason


def test_r08_probes_of_other_units():
    probes = pd.DataFrame({"unit_id": [name.upper() for name in UNITS], "test": "definition", "expected": "a"})
    with pytest.raises(InputError, match=r"no answer of 'tone' to a probe.*differs by capitals"):
        behaviour(Codings(TABLE, [TONE]), probes)


def test_r08_mentions_that_almost_meet_the_truth():
    pairs = pd.DataFrame({"left": ["m1"], "right": ["E1"], "listed": True, "found_by": "words"})
    with pytest.raises(InputError, match=r"1 of 1 mentions is not in it.*first: 'm1'; it has 'M1'"):
        label_pairs(pairs, {"M1": "E1"})
    with pytest.raises(InputError, match=r"numbers on one side.*\.astype\(str\)"):
        label_pairs(pairs.assign(left=1), {"1": "E1"})


def test_r08_judged_pairs_that_almost_meet():
    pairs = pd.DataFrame({"left": ["m1"], "right": ["e1"], "score": 0.5})
    table = make_table("same", {"ann": ["same"]}).replace({"u1": "M1 ~ e1"})
    with pytest.raises(InputError, match="first: 'M1 ~ e1'; the list of pairs has 'm1 ~ e1'"):
        apply_adjudication(pairs, table)


def write_records(path, ids):
    path.write_text("".join(json.dumps({"id": name, "names": [{"mention": "Ann"}]}) + "\n" for name in ids))
    return path


def test_r08_records_of_other_units(tmp_path):
    path = write_records(tmp_path / "gold.jsonl", ["u1", "u2", "u9"])
    how = {"keys": ["unit: id", "list: names"]}
    codings = read_record_codings(path, RECORDS, "people", **how, units=UNITS)
    assert codings.frame["unit_id"].tolist() == ["u1", "u2"]
    assert list(codings.joins) == ["1 of 3 units of gold.jsonl is not among the units (first: 'u9')."]
    with pytest.raises(InputError, match=r"3 of 3 units of gold.jsonl are not among the units"):
        read_record_codings(path, RECORDS, "people", **how, units=["U1", "U2", "U9"])
    with pytest.raises(InputError, match=r"3 of 3 coded units are not among them.*the list of units has 'U1'"):
        open_records(read_record_codings(path, RECORDS, "people", **how), RECORDS, "people", units=[Unit("U1", "Ann")])


def test_r08_lists_by_unit_and_wide_forms_of_other_units():
    records = pd.DataFrame({"unit_id": ["u1", "u2"], "topic": "coal"})
    result = Records("topics", records, units=[Unit("u1", "Coal")]).by_unit("topic")
    assert list(result.facts.joins) == ["1 of 2 units with records is not among the units (first: 'u2')."]
    with pytest.raises(InputError, match="2 of 2 units with records"):
        Records("topics", records, units=[Unit("9", "Coal")]).by_unit("topic")
    with pytest.raises(InputError, match=r"1 of 1 coded units is not among them.*the list of units has '7'"):
        to_wide(make_tidy([{"unit_id": "07", "coder": "a", "variable": "t", "label": "x"}]), {"7": "Coal"})


def test_r08_examples_from_units_that_almost_meet(tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text("id,text\n" + "".join(f"0{n},Coal {n}\n" for n in range(4)), encoding="utf-8")
    book = parse_codebook(
        "name: tones\nunit: a text\nvariables:\n"
        "  - {name: tone, question: Which tone, kind: single, level: nominal, categories: [a, b]}\n"
    )
    table = TABLE.replace(dict(zip(UNITS, "0123", strict=True)))
    with pytest.raises(InputError, match=r"4 of 4 units coded by gold.*leading zeros"):
        draw_examples(book, read_units(path, id_column="id", text_column="text"), table, n_each=1)


def test_r08_ids_of_many_units_are_joined_quickly():
    ids = [f"u{number}" for number in np.arange(50_000)]
    table = make_table("tone", {"m": ["a"] * 50_000}).assign(unit_id=ids)
    counted = coverage(Codings(table, []).with_groups(pd.Series("x", ids[1:], name="all")), "all")
    assert list(counted.facts.joins) == ["1 of 50,000 units is not among those with a stratum (first: 'u0')."]
