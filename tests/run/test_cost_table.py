"""What a project has cost and would have cost live, by what is asked for; and what models will cost, side by side."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
from commands import Command
from fakes.fake_openai import FakeOpenAI
from fakes.scripted import BOOK, make_book
from fakes.service import MODEL, TEXTS, finish, plan_batch
from pdf_files import write_pdf

from codebook.errors import ParameterError
from codebook.ground.quantities import show_usd
from codebook.records import Unit
from codebook.run import adopt, compare_prices, cost_history, discard_run, plan, summarise_runs
from codebook.units import read_documents, read_images

FAILING = ["[500] x", "[refuse] y", "[truncate] z"]
PHOTOS = Path(__file__).parents[2] / "data" / "clothing_images" / "images"


def make_units() -> list[Unit]:
    return [Unit(f"u{n}", text) for n, text in enumerate(TEXTS)]


def test_costs_by_engine_tell_what_a_batch_saved_and_what_a_label_cost(fake: FakeOpenAI) -> None:
    batch = finish(plan_batch(fake, [*TEXTS, *FAILING]))
    finish(
        plan(
            make_book("topic"),
            [Unit("l", "One more, on sports.")],
            run="live",
            engine="openai_live",
            model=MODEL,
            options={"base_url": fake.base_url},
        )
    )
    costs = cost_history("engine").set_index("engine")
    assert costs.loc["openai_batch", "labelled"] == 6
    spent = batch.table()["cost_usd"].sum()
    assert costs.loc["openai_batch", "cost_per_label"] == pytest.approx(spent / 6), "what failed is no label"
    assert costs.loc["openai_batch", "live_would_be"] == pytest.approx(2 * spent)
    assert costs.loc["openai_batch", "saved"] == pytest.approx(spent)
    assert costs.loc["openai_live", "live_would_be"] == pytest.approx(costs.loc["openai_live", "cost"])
    assert costs.loc["openai_live", "saved"] == 0
    runs = summarise_runs().set_index("run")
    assert runs.loc["one", "saved"] == pytest.approx(spent)


def test_an_adopted_copy_of_a_run_was_not_paid_again(fake: FakeOpenAI, project: Path, tmp_path: Path) -> None:
    run = finish(plan_batch(fake))
    before = cost_history("model")
    shutil.copytree(run.folder.path, tmp_path / "copy")
    adopt(tmp_path / "copy")
    pd.testing.assert_frame_equal(cost_history("model"), before)
    discard_run(run.name)
    pd.testing.assert_frame_equal(cost_history("model"), before)
    assert cost_history("run")["run"].tolist() == ["copy"]


def test_what_live_would_have_cost_is_unknown_where_it_was_not_noted(fake: FakeOpenAI, project: Path) -> None:
    finish(plan_batch(fake))
    with closing(sqlite3.connect(project / "runs" / "ledger.db")) as db, db:
        db.execute("UPDATE answers SET live_usd = NULL WHERE id = (SELECT min(id) FROM answers)")
    (row,) = cost_history("run").to_dict("records")
    assert row["cost"] > 0
    assert pd.isna(row["live_would_be"])
    assert pd.isna(row["saved"])


def test_the_command_says_costs_by_engine_and_that_credit_is_not_known(fake: FakeOpenAI, command: Command) -> None:
    assert command("costs").output == "Nothing was answered yet.\n"
    finish(plan_batch(fake))
    said = command("costs", "--by", "engine").output
    assert said.split()[:2] == ["engine", "answers"]
    assert "openai_batch" in said
    assert "live_would_be" in said
    assert "What is left of your credit is not known here" in said
    assert "Nothing was answered yet" in command("costs", "--run", "other").output


def test_before_sending_live_and_batch_and_the_saving_are_said(fake: FakeOpenAI) -> None:
    run = plan_batch(fake)
    assert "as a batch it saves $" in repr(run.costs())
    assert ", 50 % of the live price" in repr(run.dry_run())


def test_models_are_compared_before_anything_is_planned(fake: FakeOpenAI, project: Path) -> None:
    options = {"base_url": fake.base_url}
    book, units = make_book("topic"), make_units()
    table = compare_prices(book, units, ["gpt-6-luna", "gpt-5.4-mini", "nobody-knows"], options=options)
    frame = table.frame.set_index("model")
    assert (frame["requests"] == len(TEXTS)).all()
    assert frame.loc["gpt-6-luna", "USD batch"] == pytest.approx(frame.loc["gpt-6-luna", "saved"], rel=1e-6)
    assert frame.loc["gpt-5.4-mini", "USD live"] > frame.loc["gpt-6-luna", "USD live"]
    assert frame.loc["nobody-knows", ["USD live", "USD batch", "saved"]].isna().all()
    assert "unknown" in repr(table).splitlines()[3]
    assert frame.loc["nobody-knows", "tokens in"] > 0
    assert not (project / "runs").exists()
    with pytest.raises(ParameterError, match="name two or more"):
        compare_prices(book, units, [])


def test_the_command_compares_models(fake: FakeOpenAI, command: Command, project: Path) -> None:
    (project / "codebook.yaml").write_text(BOOK)
    (project / "data").mkdir(exist_ok=True)
    (project / "data" / "texts.csv").write_text("id,text\n1,On coal.\n2,On sports.\n")
    made = command("plan", "--model", "gpt-6-luna", "--compare", "gpt-5.4-mini", "--compare", "gpt-5-mini")
    assert made.exit_code == 0, made.output
    models = [line.split()[0] for line in made.output.splitlines()[1:4]]
    assert models == ["gpt-6-luna", "gpt-5.4-mini", "gpt-5-mini"]
    assert "Nothing was sent, and no plan was kept." in made.output
    assert not (project / "runs").exists()


def test_behind_an_unknown_address_the_price_before_sending_is_that_of_the_model(project: Path) -> None:
    given = {
        "engine": "openai_batch",
        "options": {"provider": "compatible", "base_url": "https://models.uni.example/v1"},
    }
    table = compare_prices(make_book("topic"), make_units(), [MODEL, "own-model"], **given)
    assert table.frame["USD live"].notna().tolist() == [True, False]
    assert f"{MODEL}: live price: genai-prices" in repr(table)
    assert "as openai lists it: this service may ask another price" in repr(table)


def test_a_local_server_has_no_price_that_others_ask(project: Path) -> None:
    given = {"engine": "openai_live", "options": {"provider": "ollama"}}
    assert compare_prices(make_book("topic"), make_units(), [MODEL], **given).frame["USD live"].isna().all()


def test_pages_of_pdfs_are_counted_as_far_as_they_are_known_and_then_as_they_were_billed(
    fake: FakeOpenAI, project: Path
) -> None:
    (project / "pdf").mkdir()
    for name in ("a", "b", "c"):
        (project / "pdf" / f"{name}.pdf").write_bytes(write_pdf([[f"{name} coal is cheap"] * 9, ["second page"]]))
    units = list(read_documents(project / "pdf"))
    first = plan_batch(fake, units[:1], run="pilot")
    said = repr(first.costs())
    assert "2 pages of PDFs: their words are counted" in said
    assert "not counted: file; so the price is too low, until a few were asked" in said
    finish(first)
    mean = first.totals()["tokens_in"]
    whole = plan_batch(fake, units, run="whole").costs()
    assert f"input: {mean:,} tokens a request, the mean of earlier answers" in repr(whole)
    assert whole.frame.loc[0, "tokens in"] == 2 * mean


def test_a_document_or_an_image_has_its_cost(fake: FakeOpenAI, project: Path) -> None:
    (project / "pdf").mkdir()
    (project / "pdf" / "a.pdf").write_bytes(write_pdf([["coal"], ["sports"]]))
    run = finish(plan_batch(fake, list(read_documents(project / "pdf")), run="pdfs"))
    spent = run.table()["cost_usd"].sum()
    note = f"paid for 1 document of 2 pages: {show_usd(spent)} a document, {show_usd(spent / 2)} a page"
    assert note in run.costs().notes
    images = list(read_images(PHOTOS))[:2]
    planned = plan_batch(fake, images, run="photos")
    assert "images: 2, of " in repr(planned.costs())
    assert "paid for 2 images: $" in repr(finish(planned).costs())
