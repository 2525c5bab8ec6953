"""Runs against the fake service: the sums tell when something was paid twice or counted wrong."""

from __future__ import annotations

import numpy as np
import pytest

from fakes.fake_embeddings import vector_of
from fakes.fake_openai import FakeOpenAI
from fakes.service import batch_ids, change_output, check_paid, check_sums, finish, lines_of, plan_batch, why_of


def test_a_run_is_paid_once_and_its_sums_hold_until_the_bill_says_otherwise(fake: FakeOpenAI) -> None:
    run = finish(plan_batch(fake, ["coal", "more coal"]))
    assert check_sums(run) == {"": 2}
    assert len(lines_of(fake, batch_ids(fake)[0])) == 2
    check_paid(fake, 2)
    fake.billed[next(iter(fake.billed))] += 1
    with pytest.raises(AssertionError):
        check_paid(fake, 3)


def test_a_changed_output_is_what_the_kit_fetches(fake: FakeOpenAI) -> None:
    run = plan_batch(fake, ["coal", "more coal"])
    run.submit()
    fake.advance(hours=1)
    run.status()
    change_output(fake, lambda lines: lines[:1])
    run.collect()
    assert sorted(why_of(run).values()) != ["", ""]


def test_a_text_has_one_vector_of_length_1_and_texts_that_share_words_are_near() -> None:
    coal, gas, both = (vector_of(text, 64) for text in ("coal", "gas", "coal and gas"))
    assert (coal == vector_of("coal", 64)).all()
    assert np.linalg.norm(coal) == pytest.approx(1)
    assert coal @ both > coal @ gas
