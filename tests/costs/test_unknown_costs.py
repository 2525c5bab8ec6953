"""What a service does not tell is unknown: it is counted apart, and is never shown or taken as nothing."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from fakes.fake_openai import FakeOpenAI
from fakes.service import MODEL, TEXTS, check_paid, check_sums, finish, plan_batch

from codebook.cli import main
from codebook.dialects import write_reply
from codebook.engines.openai_live.spend import Spend
from codebook.errors import BudgetError
from codebook.ground.quantities import show_usd
from codebook.paths import project_folder
from codebook.records import Asking
from codebook.report import write_report
from codebook.run import cost_history, list_jobs, summarise_runs
from codebook.run.money import Meter
from codebook.run.project.ledger_frames import Choice
from codebook.shards import Cuts
from codebook.study import estimate_costs
from codebook.units import read_units
from codebook.widgets.actions import ask_cancel
from codebook.widgets.board_pages import board_text, facts_html, history_html, jobs_table
from codebook.widgets.snapshot import take_snapshot

ABSENT = object()
UNKNOWN = {
    "null": None,
    "absent": ABSENT,
    "text": "many",
    "only the total": {"total_tokens": 15},
    "a part": {"prompt_tokens": 10},
    "fractions": {"prompt_tokens": 1.5, "completion_tokens": 2},
    "negative": {"prompt_tokens": -10, "completion_tokens": 2},
    "words": {"prompt_tokens": "10", "completion_tokens": "2"},
}


def tell(fake: FakeOpenAI, usage: Any, *texts: str) -> None:
    """Let the service say this of the tokens that a reply took; of these texts, or all."""

    def answer(line: dict[str, Any]) -> dict[str, Any] | None:
        if texts and not any(text in str(line["body"]) for text in texts):
            return None
        body = write_reply(line["url"], MODEL, '{"label":"coal"}', request_id="r", usage=(10, 5))
        body["usage"] = usage
        if usage is ABSENT:
            del body["usage"]
        return body

    fake.answerer.reply = answer


@pytest.mark.parametrize("kind", UNKNOWN)
def test_r04_a_reply_that_does_not_tell_its_tokens_is_of_unknown_price(fake: FakeOpenAI, kind: str) -> None:
    tell(fake, UNKNOWN[kind])
    run = finish(plan_batch(fake))
    assert check_sums(run) == {"": 6}
    assert "cost: 6 answers of unknown price" in str(run.status())
    assert " paid" not in str(run.status())
    assert run.table()["cost_usd"].isna().all()
    paid, unknown = run.costs().frame.to_dict("records")
    assert pd.isna(paid["USD"])
    assert pd.isna(paid["tokens in"]) == (kind != "a part")
    assert (unknown["what"], unknown["requests"]) == ("paid, of unknown price", 6)
    (day,) = cost_history().to_dict("records")
    assert (day["n_priced"], day["n_unpriced"]) == (0, 6)
    assert pd.isna(day["cost"])
    assert "n_unpriced" in CliRunner().invoke(main, ["costs"]).output
    assert list_jobs()["unpriced"].tolist() == [6]
    check_paid(fake, 6)


def test_r04_whole_floats_are_numbers(fake: FakeOpenAI) -> None:
    tell(fake, {"prompt_tokens": 100.0, "completion_tokens": 10.0, "total_tokens": 110.0})
    run = finish(plan_batch(fake))
    assert run.table()["cost_usd"].gt(0).all()
    assert run.totals()["tokens_in"] == 600


def test_r04_embeddings_tell_their_tokens_in_full_by_the_total(fake: FakeOpenAI) -> None:
    meter = Meter(Asking(engine="openai_batch", model="text-embedding-3-small"))
    body = {"object": "list", "data": [], "model": "text-embedding-3-small"}
    line = {"custom_id": "c", "response": {"status_code": 200, "body": body}}
    assert meter.price_line(line) is None
    for usage in ({"prompt_tokens": 1000}, {"total_tokens": 1000}, {"prompt_tokens": 1000, "total_tokens": 1000}):
        body["usage"] = usage
        assert meter.price_line(line) == pytest.approx(1000 * 0.01e-6)


def test_r04_what_is_known_is_shown_beside_what_is_not(fake: FakeOpenAI) -> None:
    tell(fake, None, "number 1", "number 2", "number 3")
    run = finish(plan_batch(fake, [*TEXTS, "[500] x"]))
    money = run.status().money
    assert money is not None
    assert f"{show_usd(money.spent)} paid, and 3 answers of unknown price" in str(run.status())
    assert run.record["answered"]["answers_without_tokens"] == 3
    assert "3 answers of unknown price" in ask_cancel_text(run.name)
    snapshot = take_snapshot()
    assert "answers of unknown price" in facts_html(snapshot)
    assert "3 of unknown price" in jobs_table(snapshot).html()
    assert "3 of unknown price" in history_html(snapshot)
    assert "answers of unknown price 3" in board_text(snapshot)
    page = write_report(run.name).read_text(encoding="utf-8")
    assert "3 answers have no known price and are not in it" in page
    assert "(3 replies do not tell theirs)" in page
    source = read_units_of(run)
    assert "units of the pilot have all their answers with their tokens" in estimate_costs(run, source).note


def ask_cancel_text(name: str) -> str:
    """What the board says of the money of a run, whatever it asks."""
    from codebook.run import open_run
    from codebook.widgets.actions import _say_money

    assert isinstance(ask_cancel(name), str)  # nothing is under way
    return _say_money(open_run(name).status())


def read_units_of(run: Any) -> Any:
    path = project_folder() / "units.csv"
    path.write_text("id,text\n1,coal\n2,more coal\n", encoding="utf-8")
    return read_units(path, id_column="id", text_column="text")


def test_r04_where_no_reply_tells_its_tokens_these_are_unknown_and_not_0(fake: FakeOpenAI) -> None:
    tell(fake, None)
    run = finish(plan_batch(fake))
    runs = summarise_runs()
    assert runs["tokens_in"].isna().all()
    assert runs["cost"].isna().all()
    assert cost_history("model")["tokens_in"].isna().all()
    page = write_report(run.name).read_text(encoding="utf-8")
    assert "Unknown: 6 answers have no known price (tokens unknown)." in page


def test_r04_an_answer_of_unknown_price_keeps_its_reservation_so_that_a_cap_holds(fake: FakeOpenAI) -> None:
    fake.auto = False
    run = plan_batch(fake, cuts=Cuts(n_requests=3))
    first = run.submit(cap=100.0).money
    assert first is not None
    fake.settle()
    tell(fake, None)
    more = plan_batch(fake, [f"More {n}" for n in range(6)], run="two", cuts=Cuts(n_requests=3))
    with pytest.raises(BudgetError):
        more.submit(cap=first.reserved * 0.75)  # room for one shard
    fake.settle()
    more.collect(partial=True)
    money = more.status().money
    assert money is not None
    assert money.n_unpriced == 3
    assert 0 < money.reserved <= first.reserved * 0.75
    assert "reserved for jobs under way and answers of unknown price" in str(more.status())
    with pytest.raises(BudgetError):
        more.submit()
    assert fake.n_created == 3


def test_r04_live_an_answer_of_unknown_price_counts_as_the_dearest_towards_the_cap() -> None:
    prices = iter([0.2, None, 0.1, None])
    spend = Spend(lambda _: next(prices), cap=1.0)
    for _ in range(4):
        spend.add({})
    assert spend.left == pytest.approx(1.0 - 0.3 - 2 * 0.2)
    assert spend.check() is None
    assert str(spend) == "$0.30 and 2 of unknown price"
    blind = Spend(lambda _: None, cap=1.0)
    blind.add({})
    assert "cannot be kept" in str(blind.check())


def test_r04_a_snapshot_without_a_price_has_that_of_the_model_that_was_asked_for(project: Any) -> None:
    prices = {"as_of": "2026-11-01", "models": {"own-model": {"input": 1.0, "output": 4.0}}}
    (project / "prices.yaml").write_text(yaml.safe_dump(prices), encoding="utf-8")
    options = {"provider": "compatible", "base_url": "http://127.0.0.1:9/v1"}
    meter = Meter(Asking(engine="openai_live", model="own-model", options=options))
    usage = {"prompt_tokens": 1000, "completion_tokens": 0}
    for answered in ("own-model", "own-model@20260101", "vendor/own-model-2026-01-01-preview", "own-model:v2"):
        assert meter.price({"model": answered, "usage": usage}) == pytest.approx(0.001), answered
    for answered in ("another-model", "vendor/another-own-model"):
        assert meter.price({"model": answered, "usage": usage}) is None, answered


def test_r04_what_failed_costs_nothing_and_what_nobody_heard_is_unknown(project: Any) -> None:
    meter = Meter(Asking(engine="openai_live", model=MODEL))
    failed = {"custom_id": "c", "response": {"status_code": 500, "body": {"error": {"message": "oh"}}}}
    lost = {"custom_id": "c", "response": None, "error": {"code": "timeout", "message": "no reply within 2 s"}}
    never = {"custom_id": "c", "response": None, "error": {"code": "connect", "message": "refused"}}
    assert (meter.price_line(failed), meter.price_line(never), meter.price_line(lost)) == (0.0, 0.0, None)
    nothing = {"custom_id": "c", "response": {"status_code": 200, "body": {"error": {"message": "oh"}}}}
    assert meter.price_line(nothing) is None
    assert Meter(Asking(engine="embedded", model="m")).price_line(nothing) is None


def test_r04_a_cost_per_label_counts_labels_and_is_missing_where_there_is_none(fake: FakeOpenAI) -> None:
    good = finish(plan_batch(fake, [*TEXTS, "[500] x", "[refuse] y"]))
    bad = finish(plan_batch(fake, ["[400] a", "[500] b"], run="bad"))
    runs = summarise_runs().set_index("run")
    spent = good.status().money
    assert spent is not None
    assert runs.loc["one", "cost_per_label"] == pytest.approx(spent.spent / 6)
    assert bad.status().fruitless
    assert pd.isna(runs.loc["bad", "cost_per_label"])
    assert "cost per label –" in board_text(take_snapshot(Choice(run="bad")))
