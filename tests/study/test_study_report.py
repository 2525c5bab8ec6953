"""A codebook that changes: only what changed is asked again, and report and commands say what came of it."""

from pathlib import Path

import pandas as pd
import pytest
import yaml
from commands import Command
from fakes import scripted

import codebook as cb
from codebook.study import Study, count_by_version

N_UNITS = 24


@pytest.fixture
def study(project: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    """A study of two variables, whose second version names the categories of one of them the other way round."""
    scripted.register(monkeypatch)
    book = yaml.safe_load(scripted.BOOK)
    topic, frames, _ = book["variables"]
    texts = [f"Sentence number {n} about coal. {'More words. ' * (n % 3)}" for n in range(N_UNITS)]
    rows = {"id": [f"u{n}" for n in range(N_UNITS)], "text": texts}
    pd.DataFrame(rows).to_csv("texts.csv", index=False)
    facts = {
        "study": "m",
        "units": "texts.csv",
        "engine": "scripted",
        "grid": {"finding": {"formula": "n_words ~ label"}},
    }
    Path("study.yaml").write_text(yaml.safe_dump(facts))
    turned = topic | {"categories": topic["categories"][::-1], "question": "What is it mainly about?"}
    for version, first in (("1", topic), ("2", turned)):
        Path("codebook.yaml").write_text(yaml.safe_dump(book | {"version": version, "variables": [first, frames]}))
        run = cb.open_study().plan()
        run.submit()
        run.collect()
    return cb.open_study()


def test_only_what_changed_is_asked_again_and_each_label_tells_by_which_version(study: Study) -> None:
    run = study.open_run()
    assert run.name == "m.v2"
    assert run.costs().frame.set_index("what")["requests"].to_dict() == {
        "answered": N_UNITS,
        "asked by other runs": N_UNITS,
    }
    table = pd.read_csv(run.folder.table_path, dtype=str)
    first, second = (f"{book.version} ({book.digest[:8]})" for book in (run.before.codebook, run.codebook))
    versions = table.groupby("variable")["codebook_version"].unique().map(list).to_dict()
    assert versions == {"topic": [second], "frames": [first]}
    assert "codebook_version" not in run.before.table(), "a first version has one codebook only"
    counts = count_by_version(run)
    assert counts.frame[["variable", "n_labelled"]].to_numpy().tolist() == [["topic", N_UNITS], ["frames", N_UNITS]]
    assert f"{N_UNITS} labels were made with version {first}" in counts.finding


def test_the_report_and_the_command_say_what_the_change_did_to_the_findings(study: Study, command: Command) -> None:
    page = cb.study.report_study(study).read_text(encoding="utf-8")
    run = study.open_run()
    labels = pd.concat([run.before.table(), run.table()], keys=["v1", "v2"]).droplevel(1)
    labels = labels[labels["variable"] == "topic"].set_index("unit_id", append=True)["label"].unstack(0)
    shares = run.compare_versions("share", variable="topic").frame.set_index("label")
    coal = labels == "coal"
    assert shares.loc["coal", ["before", "after"]].tolist() == pytest.approx(coal.mean().tolist())
    assert "<ins>mainly </ins>" in page
    for title in (
        "What changed in the codebook",
        "Labels by version of the codebook",
        "n_words ~ label by the labels",
    ):
        assert title in page
    assert "frames: shares" not in page, "nobody was asked anew about them"
    told = command("compare", "runs/m/codebook.yaml", "codebook.yaml", "--page", "changes.html").output
    assert "Asked anew: topic. As before: frames." in told
    assert "<ins>mainly </ins>" in Path("changes.html").read_text(encoding="utf-8")
