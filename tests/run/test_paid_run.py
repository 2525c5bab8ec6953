"""A paid run, read: what it cost, who answered, where labels are missing, and how probable replies were."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.fake_openai import FakeOpenAI
from fakes.service import check_sums, finish, plan_batch, serve

from codebook.errors import StatisticError
from codebook.records import Unit
from codebook.report import write_report
from codebook.run import Run


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Six texts of two papers; the refused ones are all of the second."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.setenv("CODEBOOK_PROJECT", str(project))
    texts = ["coal", "a match", "a trip", "[refuse] a", "[refuse] b", "more coal"]
    units = [Unit(f"u{n}", text, {"paper": "North" if n < 3 else "South"}) for n, text in enumerate(texts)]
    with serve(project, monkeypatch) as fake:
        assert isinstance(fake, FakeOpenAI)
        return finish(plan_batch(fake, units))


def test_missing_labels_are_counted_by_stratum(run: Run) -> None:
    by_paper = run.coverage("paper").frame.set_index("stratum")
    assert by_paper["refused"].to_dict() == {"North": 0, "South": 2}
    assert by_paper["share_labelled"].round(3).to_dict() == {"North": 1.0, "South": 0.333}
    assert by_paper["asked"].sum() == sum(check_sums(run).values()) == 6
    with pytest.raises(StatisticError, match="use one of 'paper'"):
        run.coverage("year")


def test_the_page_says_costs_systems_and_strata(run: Run) -> None:
    page = write_report(run.name).read_text()
    cost = run.record["answered"]["cost_usd"]
    assert cost > 0
    for said in (f"${cost:,.4f} for", "By paper", "South", "gpt-6-luna-2026-09-01", "is an alias"):
        assert said in page, said
    for fingerprint in run.record["answered"]["fingerprints"]:
        assert fingerprint in page


def test_log_probabilities_stand_beside_the_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project").mkdir()
    monkeypatch.setenv("CODEBOOK_PROJECT", str(tmp_path / "project"))
    with serve(tmp_path / "project", monkeypatch) as fake:
        plain = finish(plan_batch(fake, ["coal", "[refuse] x"]))
        asked = finish(
            plan_batch(fake, ["coal", "[500] x"], run="two", model="gpt-4o-mini", settings={"logprobs": True})
        )
    assert plain.logprobs().empty
    (row,) = asked.logprobs().to_dict("records")
    assert (row["unit_id"], row["variable"], row["draw"]) == ("u0", "topic", 0)
    assert row["logprob"] < 0
