"""What goes wrong with single answers: each test is named after its row in the list of failure modes."""

from __future__ import annotations

import zlib
from itertools import count
from typing import Any

import orjson
import pytest
from fakes.fake_openai import FakeOpenAI
from fakes.scripted import make_book
from fakes.service import (
    CATEGORIES,
    MODEL,
    TEXTS,
    batch_ids,
    check_paid,
    check_sums,
    detail_of,
    finish,
    lines_of,
    plan_batch,
    units_of,
    why_of,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from codebook.codings import read_table
from codebook.dialects import write_reply
from codebook.errors import ParameterError
from codebook.files.lines import read_lines
from codebook.records import CHAT, RESPONSES, Unit
from codebook.run import Run
from codebook.shards import Cuts


def check_labels(run: Run) -> None:
    """Every label is that of its own text: the checksum of a text says which one the fake gives."""
    text_of = {unit.unit_id: unit.text for unit in run.units()}
    labelled = run.table().dropna(subset="label")
    for unit, label in zip(labelled["unit_id"], labelled["label"], strict=True):
        assert label == CATEGORIES[zlib.crc32(text_of[unit].encode()) % len(CATEGORIES)], unit


# --- 4, 5: both files, and counts


def test_mode_04_error_file_is_read_and_what_is_in_neither_is_listed(fake: FakeOpenAI) -> None:
    run = finish(plan_batch(fake, [*TEXTS, "[500] x", "[expired] y", "[drop] z"]))
    batch = fake.batches[batch_ids(fake)[0]]
    assert batch["output_file_id"]
    assert batch["error_file_id"]
    assert check_sums(run) == {"": 6, "failed": 1, "expired": 1, "absent": 1}
    assert (why_of(run)["u6"], why_of(run)["u7"], why_of(run)["u8"]) == ("failed", "expired", "absent")
    assert detail_of(run)["u8"] == "the job ended without a line for this question"
    check_labels(run)
    check_paid(fake, 7)  # the dropped line was paid, and is lost
    assert run.retry() == 3


@pytest.mark.parametrize("kind", ["error file only", "no errors file"])
def test_mode_04_error_file_holds_all_or_is_missing(fake: FakeOpenAI, kind: str) -> None:
    fake.fault("batches.retrieve", kind, times=None)
    run = finish(plan_batch(fake, [*TEXTS, "[500] x"]))
    assert check_sums(run) == {"": 6, "failed" if kind == "error file only" else "absent": 1}
    check_labels(run)
    check_paid(fake, 6)


@pytest.mark.parametrize(("done", "failed"), [(8, 0), (3, 9)])
def test_mode_05_counts_that_lie_are_not_trusted_and_said(fake: FakeOpenAI, done: int, failed: int) -> None:
    counts = {"total": 99, "completed": done, "failed": failed}
    fake.fault("batches.retrieve", "counts lie", times=None, counts=counts)
    run = finish(plan_batch(fake, [*TEXTS, "[500] x"]))
    assert check_sums(run) == {"": 6, "failed": 1}
    said = [what for _, verb, what in run.record["answered"]["events"] if verb == "collect"]
    counted = f"the service counted {done} completed and {failed} failed, the files hold 6 and 1"
    assert said == [f"shard 1: completed, 7 of 7 lines; {counted}"]
    check_paid(fake, 6)


def test_mode_05_counts_whose_sum_is_right_but_not_their_split_are_said(fake: FakeOpenAI) -> None:
    run = finish(plan_batch(fake, [*TEXTS, "[status 0] x", "[500] y"]))  # 7 completed, 1 failed, says the service
    said = [what for _, verb, what in run.record["answered"]["events"] if verb == "collect"]
    assert any("7 completed" in what for what in said)


def test_mode_05_status_0_with_an_empty_body_may_be_asked_again(fake: FakeOpenAI) -> None:
    run = finish(plan_batch(fake, [*TEXTS, "[status 0] x"]))
    assert check_sums(run) == {"": 6, "failed": 1}
    assert detail_of(run)["u6"] == "status 0"
    assert run.table().set_index("unit_id").loc["u6", "cost_usd"] == 0
    assert run.retry() == 1
    run.submit()
    assert units_of(run, lines_of(fake, batch_ids(fake)[1])) == ["u6"]
    check_paid(fake, 6)


# --- 6, 7: joins and ids


_numbers = count()


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    orders=st.lists(st.sampled_from(["", "", "[drop]", "[twice]", "[stranger]", "[500]"]), min_size=2, max_size=12),
    seed=st.integers(0, 99),
    per_shard=st.integers(2, 6),
)
def test_mode_06_join_is_by_name_whatever_the_order(
    fake: FakeOpenAI, orders: list[str], seed: int, per_shard: int
) -> None:
    number = next(_numbers)
    fake.seed = seed
    fake.fault("files.content", "shuffle", times=None, seed=seed)
    units = [Unit(f"unit {n}", f"Text {n} of example {number}. {order}") for n, order in enumerate(orders)]
    run = finish(plan_batch(fake, units, run=f"run-{number}", cuts=Cuts(n_requests=per_shard)))
    lost = {"[drop]": "absent", "[500]": "failed"}
    assert why_of(run) == {unit.unit_id: lost.get(order, "") for unit, order in zip(units, orders, strict=True)}
    check_sums(run)
    check_labels(run)
    assert set(fake.billed.values()) == {1}


def test_mode_07_ids_are_unique_stable_short_and_of_every_unit(fake: FakeOpenAI) -> None:
    names = ["a" * 200, "a" * 201, "Grüße/1", "Grüsse/1", "1", "1.0", "01", "x y", "x-y", "x\u2028y", "日本語"]
    units = [Unit(name, f"Text of {name!r}.") for name in names]
    run = finish(plan_batch(fake, units, cuts=Cuts(n_requests=3), draws=2))
    sent = [line["custom_id"] for batch in batch_ids(fake) for line in lines_of(fake, batch)]
    assert fake.n_created == 8
    assert len(sent) == len(set(sent)) == 22
    assert all(name.isascii() and len(name) <= 64 for name in sent)
    assert check_sums(run) == {"": 22}
    check_labels(run)
    check_paid(fake, 22)
    again = plan_batch(fake, units[::-1], run="again", draws=2)
    assert set(again.table()["custom_id"]) == set(sent)


def test_mode_07_ids_that_repeat_are_refused_before_anything_is_sent(fake: FakeOpenAI) -> None:
    with pytest.raises(ParameterError, match="the id occurs twice"):
        plan_batch(fake, [Unit("7", "one"), Unit("7", "another")])
    assert fake.requests == []


def test_mode_07_equal_texts_stay_rows_of_their_own_and_are_paid_once(fake: FakeOpenAI) -> None:
    run = finish(plan_batch(fake, ["the same", "the same", "another"]))
    assert check_sums(run) == {"": 3}
    check_labels(run)
    assert run.table()["custom_id"].is_unique
    check_paid(fake, 2)


def test_mode_07_ids_of_a_changed_codebook_never_take_old_answers(fake: FakeOpenAI) -> None:
    finish(plan_batch(fake))
    book = make_book("topic")
    (variable,) = book.variables
    changed = book.model_copy(update={"variables": (variable.model_copy(update={"question": "Which is it?"}),)})
    run = finish(plan_batch(fake, book=changed, run="two"))
    assert check_sums(run) == {"": 6}
    assert sum(fake.billed.values()) == 12
    assert set(fake.billed.values()) == {1}


# --- 11 to 14: replies that are no labels


@pytest.mark.parametrize("url", [CHAT, RESPONSES])
def test_mode_11_truncated_is_no_answer_and_is_asked_again_with_more_room(fake: FakeOpenAI, url: str) -> None:
    run = finish(plan_batch(fake, [*TEXTS, "[truncate] x"], url=url))
    assert check_sums(run) == {"": 6, "truncated": 1}
    raw = run.table().set_index("unit_id").loc["u6", "raw"]
    assert raw.startswith("{")
    assert run.retry() == 0  # only where it is asked for
    assert run.retry(["truncated"], max_tokens=2000) == 1
    finish(run)
    (line,) = lines_of(fake, batch_ids(fake)[1])
    assert line["body"]["max_completion_tokens" if url == CHAT else "max_output_tokens"] == 2000
    assert check_sums(run) == {"": 7}
    check_labels(run)
    check_paid(fake, 8, again=1)


def test_mode_11_truncated_is_not_read_even_where_it_would_parse(fake: FakeOpenAI) -> None:
    def cut(line: dict[str, Any]) -> dict[str, Any]:
        body = write_reply(line["url"], MODEL, '{"label":"coal"}', request_id="r", usage=(10, 5))
        if line["url"] == CHAT:
            body["choices"][0]["finish_reason"] = "length"
        else:
            body |= {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
        return body

    fake.answerer.reply = cut
    for url in (CHAT, RESPONSES):
        run = finish(plan_batch(fake, TEXTS[:2], url=url, run=url.split("/")[2]))
        assert check_sums(run) == {"truncated": 2}
        assert set(run.table()["raw"]) == {'{"label":"coal"}'}
        assert read_table(run.folder.table_path)["label"].isna().all()
    check_paid(fake, 4, again=2)


@pytest.mark.parametrize("url", [CHAT, RESPONSES])
def test_mode_12_refused_is_missing_with_its_reason(fake: FakeOpenAI, url: str) -> None:
    run = finish(plan_batch(fake, [*TEXTS, "[refuse] a", "[filter] b", "[policy] c"], url=url))
    assert check_sums(run) == {"": 6, "refused": 3}
    details = detail_of(run)
    assert (details["u6"], details["u7"]) == ("I will not code this.", "content filter")
    assert details["u8"].startswith("400: content_policy_violation")
    assert run.coverage().frame["refused"].sum() == 3
    assert "3 refused" in run.status().sentence
    assert run.retry() == 0
    check_paid(fake, 8)
    assert run.retry(["refused"]) == 3


def test_mode_13_invalid_labels_keep_their_text_and_are_never_mapped(fake: FakeOpenAI) -> None:
    run = finish(plan_batch(fake, [*TEXTS, "[outside] a", "[notjson] b", "[empty] c"]))
    assert check_sums(run) == {"": 6, "invalid": 3}
    raw = run.table().set_index("unit_id")["raw"]
    assert orjson.loads(raw["u6"]) == {"label": "chess"}
    assert raw["u7"] == "I think coal."
    assert "'chess' is not in the codebook" in detail_of(run)["u6"]
    assert run.retry() == 0
    check_paid(fake, 9)


@pytest.mark.parametrize("url", [CHAT, RESPONSES])
def test_mode_14_reasoning_is_no_answer_and_does_not_hide_one(fake: FakeOpenAI, url: str) -> None:
    texts = [*TEXTS, "[reasoning] a", "[thought] b", "[incomplete] c", "[nulls] d", "[failed] e"]
    run = finish(plan_batch(fake, texts, url=url))
    whys = why_of(run)
    assert (whys["u6"], whys["u7"], whys["u8"]) == ("", "truncated", "truncated")
    assert whys["u9"] in ("invalid", "failed")
    assert whys["u10"] == "failed"
    assert "reasoning" in detail_of(run)["u7"]
    check_sums(run)
    check_labels(run)
    if url == RESPONSES:
        bodies = {
            line["custom_id"]: line["response"]["body"]
            for path in run.folder.results.glob("*output*")
            for line in read_lines(path)
        }
        name = run.table().set_index("unit_id").loc["u6", "custom_id"]
        assert bodies[name]["output"][0]["type"] == "reasoning"
    assert run.retry(["truncated"], max_tokens=2000) == 2
    finish(run)
    assert (why_of(run)["u7"], why_of(run)["u8"]) == ("", "")
    check_labels(run)
    assert set(fake.billed.values()) == {1}


# --- 22: line ends that are none


def test_mode_22_line_ends_of_unicode_cut_nothing(fake: FakeOpenAI) -> None:
    ends = ["\u2028", "\u2029", "\u0085", "\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x1e", "\u2028\n\u2029"]
    raw = "I\u2028think\u2029coal\u0085."

    def answer(line: dict[str, Any]) -> dict[str, Any] | None:
        if "odd" not in orjson.dumps(line["body"]).decode():
            return None
        return write_reply(line["url"], MODEL, raw, request_id="r", usage=(10, 5))

    fake.answerer.reply = answer
    units = [Unit(f"u{end}{n}", f"one{end}two {n}") for n, end in enumerate(ends)]
    run = finish(plan_batch(fake, [*units, Unit("odd", "odd")]))
    (sent,) = (fake.file_path(batch["input_file_id"]).read_bytes() for batch in fake.batches.values())
    assert sent.count(b"\n") == len(sent.decode().splitlines()) == len(units) + 1
    results = b"".join(path.read_bytes() for path in run.folder.results.glob("*output*"))
    assert "\u2028".encode() in results, "the service writes them as they are"
    assert check_sums(run) == {"": len(units), "invalid": 1}
    assert run.table().set_index("unit_id").loc["odd", "raw"] == raw
    assert set(read_table(run.folder.table_path)["unit_id"]) == {unit.unit_id for unit in run.units()}
    check_labels(run)
    check_paid(fake, len(units) + 1)
