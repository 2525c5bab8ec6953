"""A second instrument: what one model refused or cut short, asked of another, whose labels bear their own coder."""

from pathlib import Path

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from fakes import scripted

import codebook as cb
from codebook.cli import main
from codebook.errors import ParameterError
from codebook.study.study_report import tell_more

TEXTS = ["Coal and gas.", "Games [refuse]", "A match [truncate]", "Coal [outside]", "Coal again.", "Games again."]
GOLD = ["coal", "sports", "sports", "coal", "coal", "sports"]


@pytest.fixture
def study(project, monkeypatch):
    scripted.register(monkeypatch)
    book = yaml.safe_load(scripted.BOOK)
    Path("codebook.yaml").write_text(yaml.safe_dump(book | {"variables": book["variables"][:1]}))
    ids = [f"u{n}" for n in range(len(TEXTS))]
    pd.DataFrame({"id": ids, "text": TEXTS, "gold": GOLD}).to_csv("texts.csv", index=False)
    coders = {"coders": [{"file": "texts.csv", "unit": "id", "columns": {"gold": "gold"}}]}
    Path("coders.yaml").write_text(yaml.safe_dump(coders))
    facts = {"study": "m", "units": "texts.csv", "coders": "coders.yaml", "engine": "scripted"}
    Path("study.yaml").write_text(yaml.safe_dump(facts))
    study = cb.open_study()
    study.plan().submit()
    study.open_run().collect()
    return study


def test_what_was_not_labelled_is_asked_of_another_model_and_told_apart(study):
    assert study.open_run().table()["why"].value_counts().to_dict() == {"refused": 1, "truncated": 1, "invalid": 1}
    second = cb.study.plan_second(study, engine="embedded")
    assert sorted(unit.unit_id for unit in second.units()) == ["u1", "u2", "u3"]
    second.submit()
    second.collect()
    result = cb.study.compare_second(study, resample=cb.Bootstrap(0))
    assert result.finding.startswith("3 units without a label of scripted-1 have one of embedded-use-minilm-")
    first, other, both = result.frame["coder"]
    assert (both, first) == (f"{first} + {other}", "scripted-1")
    figures = result.frame.set_index("coder")[["n_asked", "n_answered", "accuracy"]]
    labels = pd.concat([study.open_run().table(), second.table()]).dropna(subset="label").set_index("unit_id")["label"]
    assert figures.loc[first, "n_answered"] == 3
    assert figures.loc[other, ["n_asked", "n_answered"]].tolist() == [3, 3]
    right = (labels.sort_index() == pd.Series(GOLD, index=sorted(labels.index))).mean()
    assert figures.loc[both].tolist() == [6, 6, pytest.approx(right)]
    assert study.codings().coders == cb.open_study().codings().coders, "the run's own labels stay as they were"


def test_a_second_instrument_that_gave_no_label_was_asked_all_the_same(study):
    result = cb.study.compare_second(study, resample=cb.Bootstrap(0))
    assert result.finding == "No second instrument was asked."
    cb.study.plan_second(study, show_errors=True).submit()
    finding = cb.study.compare_second(study, resample=cb.Bootstrap(0)).finding
    assert finding == "The second instrument has given no label."


def test_the_same_model_is_shown_what_was_wrong_and_its_labels_bear_their_own_coder(study):
    planned = CliRunner().invoke(main, ["retry", "m", "--show-error"]).output
    assert "3 units that ended refused or invalid or truncated will be asked of scripted-1, in run 'm-again'" in planned
    again = cb.open_run("m-again")
    outside = next(unit for unit in again.units() if unit.unit_id == "u3")
    assert "topic: invalid. " in outside.context["what was wrong with it"]
    assert "chess" in outside.context["earlier answer"]
    assert "was not accepted" in again.codebook.instructions
    again.submit()
    again.collect()
    first, table = study.open_run().table(), again.table()
    assert set(first["coder"]).isdisjoint(table["coder"]), "the digest of the codebook that shows errors is another"
    instrument, by_label = tell_more(study)  # which the report shows
    assert [instrument.name, by_label.name] == ["second_instrument", "second_shares"]
    names = ["scripted-1", "scripted-1 (again)", "scripted-1 + scripted-1 (again)"]
    assert instrument.frame["coder"].tolist() == names
    shares = by_label.frame.set_index("label")
    labels = pd.concat([first, table])["label"].dropna()
    assert shares.loc["sports", "after"] == pytest.approx((labels == "sports").mean())
    assert shares.loc["sports", "before"] == pytest.approx((first["label"].dropna() == "sports").mean())
    words = ["validity", "m", "--second", "--part", "dev", "--sample", "none", "--unlock", "--replicates", "20"]
    told = CliRunner().invoke(main, words).output
    assert told.count("3 units without a label of scripted-1 have one of scripted-1 (again).") == 2, told


def test_the_commands_say_what_comes_next(study):
    planned = CliRunner().invoke(main, ["retry", "m", "--engine", "embedded", "--why", "refused"]).output
    assert "1 unit that ended refused will be asked of embedded-use-minilm-" in planned
    assert "codebook submit m-second" in planned
    with pytest.raises(ParameterError, match="show the errors"):
        cb.study.plan_second(study)
    with pytest.raises(ParameterError, match="nothing is to be done"):
        cb.study.plan_second(cb.open_study(run="m-second"), engine="embedded")
