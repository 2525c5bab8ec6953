"""A whole study without a front end: two coders of known confusion, alpha, exactly their disagreements, decisions."""

import krippendorff
import numpy as np
import pytest

import codebook as cb
from codebook.analysis.joining import sides_won
from codebook.coding import (
    KnownAnswer,
    assign,
    open_adjudication,
    open_session,
    read_decisions,
    write_assignment,
)
from codebook.coding.log_codings import read_logs
from codebook.coding.simulated_coder import Trial, simulate_coder, simulate_decisions
from codebook.errors import ParameterError
from codebook.records import Unit
from codebook.scheme import parse_codebook

CODES = ["coal", "sports", "trade"]
BOOK = parse_codebook(f"""
name: posts
unit: a post
variables:
  - {{name: topic, question: "Which topic?", kind: single, level: nominal, categories: [{", ".join(CODES)}]}}
""")
TABLE = {"coal": [18, 2, 0], "sports": [1, 17, 2], "trade": [0, 5, 15]}
"""Of 20 units that ann gives a code, how many ben gives each: the known confusion."""
UNITS = [Unit(f"u{n:02}", f"text {n}") for n in range(60)]
ANN = dict(zip((unit.unit_id for unit in UNITS), np.repeat(CODES, 20).tolist(), strict=True))
BEN = dict(
    zip(
        ANN, [code for row in TABLE.values() for code, n in zip(CODES, row, strict=True) for _ in range(n)], strict=True
    )
)
DISPUTED = {unit for unit in ANN if ANN[unit] != BEN[unit]}


def test_sixty_units_two_coders_and_one_who_decides(folder):
    write_assignment(assign(UNITS, ["ann", "ben"]), BOOK, UNITS)
    for coder, labels in (("ann", ANN), ("ben", BEN)):
        with open_session(coder) as session:
            for unit in session:
                session.label(labels[unit.unit_id])
    codings = read_logs()
    frame = cb.reliability(codings, coefficients=["alpha"], resample=cb.Bootstrap(200)).frame
    places = [[CODES.index(labels[unit]) for unit in ANN] for labels in (ANN, BEN)]
    published = krippendorff.alpha(reliability_data=places, level_of_measurement="nominal")
    counts = np.array([*TABLE.values()], dtype=float)
    together = counts.sum(axis=0) + counts.sum(axis=1)
    by_hand = 1 - (1 - np.trace(counts) / 60) * 119 * 120 / (120**2 - (together**2).sum())
    assert frame["value"].iloc[0] == pytest.approx(published, abs=1e-12)
    assert frame["value"].iloc[0] == pytest.approx(by_hand, abs=1e-12)
    assert frame["n_units"].iloc[0] == 60

    with open_adjudication("cy") as session:
        assert {row.unit_id for row in session.plan.rows} == DISPUTED
        assert len(session.plan.rows) == 10
        truth = [
            KnownAnswer(unit, "topic", "trade" if at % 3 == 0 else ANN[unit])
            for at, unit in enumerate(sorted(DISPUTED))
        ]
        simulate_decisions(session, truth, "by the definition")
        assert session.view()["unit"] is None
    whole = cb.adjudicate(codings, read_decisions(), rest="unanimous")
    assert whole.result.finding == "10 units are decided (10 by cy); 0 are pending; on 50 all coders agree."
    final = whole.codings.frame[whole.codings.frame["coder"] == "adjudicated"].set_index("unit_id")["label"]
    assert final.to_dict() == {**ANN, **{each.unit_id: each.label for each in truth}}
    won = sides_won(whole.codings).frame.set_index("coder")
    assert won["n_won"].to_dict() == {
        "ann": sum(each.label == ANN[each.unit_id] for each in truth),
        "ben": sum(each.label == BEN[each.unit_id] for each in truth),
        "a third label": sum(each.label not in (ANN[each.unit_id], BEN[each.unit_id]) for each in truth),
    }


def test_a_simulated_coder_errs_as_often_as_is_said_and_always_in_the_same_way(folder):
    units = [Unit(f"v{n}", "text") for n in range(400)]
    truth = [KnownAnswer(unit.unit_id, "topic", CODES[n % 3]) for n, unit in enumerate(units)]
    write_assignment(assign(units, ["ann"]), BOOK, units)
    simulate_coder("ann", truth, error=0.25)
    labels = read_logs().frame.set_index("unit_id")["label"]
    wrong = [each for each in truth if labels[each.unit_id] != each.label]
    assert 70 <= len(wrong) <= 130
    assert all(labels[each.unit_id] == CODES[(CODES.index(each.label) + 1) % 3] for each in wrong)


def test_a_trial_runs_from_the_assignment_to_the_norming_round_and_may_be_repeated(folder):
    truth = [KnownAnswer(unit, "topic", label) for unit, label in ANN.items()]
    trial = Trial(folder, error=0.3)
    for _ in range(2):
        trial.assign(UNITS, BOOK, limit=40)
        trial.code(truth)
        with open_adjudication(trial.judge) as session:
            trial.decide(session, truth)
        trial.norm(truth, 25)
    codings, again = read_logs(), read_logs(round_name="norming-1")
    assert codings.coders == list(trial.coders)
    assert len(codings.frame) == 80
    labels = codings.frame.pivot(index="unit_id", columns="coder", values="label")
    disputed = set(labels.index[labels.nunique(axis=1) > 1])
    assert set(read_decisions()["unit_id"]) == disputed
    assert (read_decisions()["by"] == "simulated-cy").all()
    assert cb.analysis.norming(codings, again, resample=cb.Bootstrap(50)).frame["value"][1] == 1


def test_a_trial_of_what_has_no_codes_goes_on_to_its_end(folder):
    book = "name: e\nunit: a text\nvariables: [{name: vectors, kind: embedding}]\n"
    (folder.parent / "vectors.yaml").write_text(book, encoding="utf-8")
    trial = Trial(folder)
    trial.assign(UNITS[:3], folder.parent / "vectors.yaml")
    trial.code([])
    trial.norm([], 20)
    found = cb.analysis.norming(read_logs(), read_logs(round_name="norming-1"))
    assert found.finding == "'vectors' holds vectors, which are not compared as labels."


def test_a_trial_writes_nothing_where_people_code(folder):
    write_assignment(assign(UNITS, ["ann"]), BOOK, UNITS)
    with pytest.raises(ParameterError, match="'ann' codes in"):
        Trial(folder).code([])
    assert not (folder / "logs").exists()
