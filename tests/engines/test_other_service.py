"""The whole chain at a service that nobody here is used to: every request billed once, every row right."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes.other_fake import OtherFake
from fakes.scripted import make_book
from fakes.service import MODEL, check_sums, share_clients

from codebook.records import Service, Unit
from codebook.run import cost_history, open_run, plan, wait
from codebook.shards import Cuts

UNITS = [Unit(f"u{n}", f"Sentence {n}, on {('coal', 'sports', 'travel')[n % 3]}.") for n in range(7)]
FAILING = Unit("late", "[fails once] On travel.")


@pytest.mark.parametrize(
    "page_every", [pytest.param(5, marks=pytest.mark.slow), 7, pytest.param(1000, marks=pytest.mark.slow)]
)
def test_the_whole_chain_at_another_service(project: Path, monkeypatch: pytest.MonkeyPatch, page_every: int) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "any")
    monkeypatch.setattr("codebook.run.waiting.sleep", lambda _: None)
    monkeypatch.setattr("codebook.engines.service.remote_files._PAUSES_S", (0.0, 0.0, 0.0))
    with OtherFake(page_every=page_every) as fake, share_clients(monkeypatch):
        options = {"base_url": fake.base_url, "pause_s": 0.0}
        run = plan(
            make_book("topic"), [*UNITS, FAILING], run="one", engine="openai_batch", model=MODEL, options=options,
            cuts=Cuts(n_requests=3),
        )  # fmt: skip
        wait(run, out=lambda _: None, service=Service(max_wait_hours=0.5))
        assert check_sums(run) == {"": 7, "failed": 1}
        assert run.retry() == 1
        wait(open_run("one"), out=lambda _: None, service=Service(max_wait_hours=0.5))
    assert check_sums(open_run("one")) == {"": 8}
    table = open_run("one").table()
    labels = dict(zip(table["unit_id"], table["label"], strict=True))
    assert labels == {unit.unit_id: unit.text.rpartition(" ")[2].rstrip(".") for unit in [*UNITS, FAILING]}
    assert len(fake.batches) == 4, "three shards, and one for what failed"
    assert set(fake.billed.values()) == {1}
    assert len(fake.billed) == 8
    (costs,) = cost_history(by="run").to_dict("records")
    assert (costs["answers"], costs["n_unpriced"]) == (9, 0), "eight labels, and what failed and was free"
    assert costs["tokens_in"] == 8 * 100
    assert costs["cost"] == pytest.approx(table["cost_usd"].sum(), rel=1e-6)
    assert costs["cost"] > 0
