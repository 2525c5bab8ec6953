"""Odd result lines: each costs its own row and nothing else, in a batch, in the table, in copies and in a replay."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from itertools import accumulate
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from fakes.fake_openai import FakeOpenAI
from fakes.service import (
    MODEL,
    TEXTS,
    batch_ids,
    change_output,
    check_paid,
    check_sums,
    detail_of,
    finish,
    job_note,
    plan_batch,
    why_of,
)

from codebook.cli import main
from codebook.codings import read_table, write_table
from codebook.dialects.resultlines import UNREADABLE, read_pieces
from codebook.errors import EngineError, RunError
from codebook.records import CHAT, RESPONSES, Unit
from codebook.run import Run, open_run, plan
from codebook.run.answers.line_reader import TWICE, LineReader
from codebook.run.erasing import erase_unit
from codebook.run.money import Meter
from codebook.scheme import parse_codebook
from codebook.shards import Cuts

DATA = Path(__file__).parents[1] / "data"
BOOK = parse_codebook(
    """
    name: opinions
    unit: a sentence
    variables:
      - {name: opinion, question: "Which?", kind: single, level: nominal, categories: [pro, contra, neutral]}
    """
)
BROKEN = rb'"note":"\q",'

Change = Callable[[list[bytes]], Iterable[bytes]]


def collect_changed(fake: FakeOpenAI, change: Change, units: list[str] = TEXTS, **given: Any) -> Run:
    """A run whose output file is another one by the time it is fetched."""
    run = plan_batch(fake, units, **given)
    run.submit()
    change_output(fake, change)
    run.collect()
    return open_run(run.name)


def answer_as(fake: FakeOpenAI, name: str, url: str) -> Run:
    """A run of four questions, answered by a file of test data whose custom_ids are q0 to q3."""
    run = plan_batch(fake, TEXTS[:4], book=BOOK, url=url)
    ids = run.table()["custom_id"].tolist()

    def change(_: list[bytes]) -> Iterable[bytes]:
        for number, line in enumerate((DATA / name).read_bytes().splitlines(keepends=True)):
            yield line.replace(b'"custom_id": "q%d"' % number, b'"custom_id": "%s"' % ids[number].encode())

    run.submit()
    change_output(fake, change)
    run.collect()
    return open_run(run.name)


def labels_of(run: Run) -> dict[str, str | None]:
    table = run.table()
    return {unit: label if why != why else why for unit, label, why in table[["unit_id", "label", "why"]].to_numpy()}


def edit(number: int, change: Callable[[dict[str, Any]], Any]) -> Change:
    """Change one line, as JSON."""

    def rewrite(lines: list[bytes]) -> Iterable[bytes]:
        for place, raw in enumerate(lines):
            line = orjson.loads(raw)
            new = change(line) if place == number else None
            yield raw if new is None else orjson.dumps(new) + b"\n"

    return rewrite


def break_line(number: int) -> Change:
    """Put an escape into a line that JSON does not know."""

    def rewrite(lines: list[bytes]) -> Iterable[bytes]:
        return [b"{" + BROKEN + raw[1:] if place == number else raw for place, raw in enumerate(lines)]

    return rewrite


# --- a line that cannot be read


def test_r01_half_an_emoji_outside_the_answer_costs_no_label(fake: FakeOpenAI) -> None:
    run = answer_as(fake, "half_emoji_output.jsonl", CHAT)
    assert labels_of(run) == {"u0": "pro", "u1": "contra", "u2": "pro", "u3": "neutral"}
    (output,) = run.folder.results.glob("*output*")
    assert rb"\ud83d" in output.read_bytes(), "the record is as it came"


def test_r01_a_line_that_nobody_can_read_is_one_row_and_every_other_line_and_shard_goes_on(fake: FakeOpenAI) -> None:
    run = plan_batch(fake, cuts=Cuts(n_requests=2))
    run.submit()
    change_output(fake, break_line(0))
    status = run.collect()
    assert check_sums(run) == {"": 5, "invalid": 1}
    (odd,) = [unit for unit, why in why_of(run).items() if why]
    assert detail_of(run)[odd] == UNREADABLE
    assert status.money is not None
    assert status.money.n_unpriced == 1
    assert "paid, and 1 answer of unknown price" in str(status)
    assert any(BROKEN in path.read_bytes() for path in run.folder.results.iterdir())
    assert run.retry() == 0, "it was paid"
    assert len(run.logprobs()) == 0
    run.collect()
    check_paid(fake, 6)


def test_r01_a_run_with_an_odd_line_is_replayed_row_by_row(fake: FakeOpenAI) -> None:
    run = collect_changed(fake, break_line(2))
    units = [Unit(f"u{n}", text) for n, text in enumerate(TEXTS)]
    options = {"archive": str(run.folder.path)}
    again = finish(plan(run.codebook, units, run="again", engine="replay", options=options, model=MODEL))
    columns = ["unit_id", "label", "why", "detail"]
    assert again.table()[columns].equals(run.table()[columns])


def test_r01_a_line_without_a_name_is_counted_and_its_question_may_have_been_paid(fake: FakeOpenAI) -> None:
    run = collect_changed(fake, lambda lines: [b"\x00" * 40 + b"\n", *lines[1:]])
    assert check_sums(run) == {"": 5, "absent": 1}
    (odd,) = [unit for unit, why in why_of(run).items() if why]
    assert "1 line of the job's files cannot be read, and this may be one" in detail_of(run)[odd]
    assert "1 line of its files cannot be read, nor which question they answer" in job_note(run.status())
    assert "unless told `--why absent`" in run.status().advice
    assert (run.retry(), run.retry(["absent"])) == (0, 1)


def test_r01_where_a_line_end_is_lost_both_lines_are_read(fake: FakeOpenAI) -> None:
    run = collect_changed(fake, lambda lines: [lines[0].rstrip(b"\n") + b"*", *lines[1:]])
    assert check_sums(run) == {"": 6}


@pytest.mark.parametrize("number", [0, 1])
def test_r01_of_two_lines_on_one_either_can_be_erased(fake: FakeOpenAI, number: int) -> None:
    run = collect_changed(fake, lambda lines: [lines[0].rstrip(b"\n") + b"*", *lines[1:]])
    (output,) = run.folder.results.glob("*output*")
    joined = output.read_bytes().split(b"\n")[0]
    names = [piece.custom_id for piece in read_pieces(joined)]
    table = run.table().set_index("custom_id")
    erase_unit(table.loc[names[number], "unit_id"])
    after = open_run(run.name)
    assert after.table().set_index("custom_id")["label"].equals(table["label"].drop(names[number]))
    assert names[number].encode() not in b"".join(path.read_bytes() for path in run.folder.results.glob("*.jsonl"))


def test_r01_an_error_in_reading_one_line_is_its_reason(fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch) -> None:
    from codebook.run.answers import line_reader as reading

    real, seen = reading.read_reply, list[Any]()

    def read(line: dict[str, Any]) -> Any:
        seen.append(line)
        if len(seen) == 2:
            raise TypeError("nobody thought of this")
        return real(line)

    monkeypatch.setattr(reading, "read_usual_answer", lambda raw: raw.nothing)
    monkeypatch.setattr(reading, "read_reply", read)
    run = finish(plan_batch(fake))
    assert check_sums(run) == {"": 5, "invalid": 1}
    assert "TypeError: nobody thought of this" in {detail for detail in detail_of(run).values() if detail}.pop()


@pytest.mark.parametrize("suffix", ["csv", "xlsx", "jsonl", "parquet"])
def test_r01_tables_with_half_a_character_are_written_and_read_back(
    fake: FakeOpenAI, suffix: str, tmp_path: Path
) -> None:
    def halve(line: dict[str, Any]) -> dict[str, Any]:
        line["response"]["body"]["choices"][0]["message"]["content"] = "HALF"
        return line

    def change(lines: list[bytes]) -> Iterable[bytes]:
        return [line.replace(b'"HALF"', rb'"I think \ud83d coal"') for line in edit(1, halve)(lines)]

    run = collect_changed(fake, change)
    assert check_sums(run) == {"": 5, "invalid": 1}
    assert "I think \ufffd coal" in run.table()["raw"].tolist()
    write_table(run.table(), tmp_path / f"table.{suffix}")
    assert read_table(tmp_path / f"table.{suffix}")["raw"].tolist() == run.table()["raw"].tolist()


# --- each job by itself


def test_r01_what_one_job_meets_keeps_no_other_from_being_collected(fake: FakeOpenAI) -> None:
    run = plan_batch(fake, cuts=Cuts(n_requests=2))
    run.submit()
    fake.fault("files.content", "status", status=400, message="not this one")
    with pytest.raises(EngineError, match="not this one"):
        run.collect()
    assert check_sums(run) == {"": 4, "pending": 2}
    assert len(read_table(run.folder.table_path)) == 6
    run.collect()
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)


def test_r01_jobs_that_could_not_be_collected_are_listed_at_the_end(
    fake: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    from codebook.run.jobs import fetching

    run, real = plan_batch(fake, cuts=Cuts(n_requests=2)), fetching.harvest_job
    run.submit()

    def harvest(*args: Any) -> None:
        if args[4].number != 2:
            raise ValueError(f"nobody thought of shard {args[4].number}")
        real(*args)

    monkeypatch.setattr(fetching, "harvest_job", harvest)
    with pytest.raises(RunError, match=r"(?s)2 jobs could not be collected; all others are.*'one' shard 1: Val"):
        run.collect()
    assert check_sums(run) == {"": 2, "pending": 4}
    shown = CliRunner().invoke(main, ["collect", "one"])
    assert shown.exit_code == 1
    assert "shard 3: ValueError: nobody thought of shard 3" in shown.output


def test_r01_what_lies_in_the_folder_of_a_fetch_is_not_wiped(fake: FakeOpenAI) -> None:
    run = plan_batch(fake)
    run.submit()
    kept = run.folder.results / ".fetch-0001" / "by-hand.jsonl"
    kept.parent.mkdir(parents=True)
    kept.write_text("mended", encoding="utf-8")
    (kept.parent / ".output.jsonl.77-88.part").write_bytes(b"torn")
    run.collect()
    assert check_sums(run) == {"": 6}
    assert kept.read_text(encoding="utf-8") == "mended"
    assert list(kept.parent.iterdir()) == [kept]


# --- several messages, several lines


def test_r05_each_message_of_a_response_is_read_alone(fake: FakeOpenAI) -> None:
    run = answer_as(fake, "several_messages_output.jsonl", RESPONSES)
    assert labels_of(run) == {"u0": "pro", "u1": "pro", "u2": "invalid", "u3": "pro"}
    assert detail_of(run)["u2"] == "two different answers"


def relabel(line: dict[str, Any]) -> dict[str, Any]:
    message = line["response"]["body"]["choices"][0]["message"]
    message["content"] = '{"label":"sports"}' if "sports" not in message["content"] else '{"label":"travel"}'
    return line


def twice(change: Callable[[dict[str, Any]], dict[str, Any]], *, first: bool = False) -> Change:
    """Line 0 stands twice, once changed, with other lines between."""

    def rewrite(lines: list[bytes]) -> Iterable[bytes]:
        other = orjson.dumps(change(orjson.loads(lines[0]))) + b"\n"
        return [other, *lines[1:], lines[0]] if first else [*lines, other]

    return rewrite


@pytest.mark.parametrize("first", [True, False])
def test_r21_two_different_answers_for_one_id_are_none_and_equal_ones_are_one(fake: FakeOpenAI, first: bool) -> None:
    run = collect_changed(fake, twice(relabel, first=first))
    assert check_sums(run) == {"": 5, "invalid": 1}
    assert TWICE in detail_of(run).values()
    assert TWICE in job_note(run.status())
    assert run.retry() == 0


def test_r21_equal_answers_for_one_id_are_one_and_it_is_said(fake: FakeOpenAI) -> None:
    run = collect_changed(fake, twice(lambda line: line | {"id": "another"}))
    assert check_sums(run) == {"": 6}
    assert "its files have 1 line more for questions that have a line already" in job_note(run.status())


@pytest.mark.parametrize("first", [True, False])
def test_r21_two_different_answers_are_none_in_a_replay_too(fake: FakeOpenAI, first: bool) -> None:
    run = collect_changed(fake, twice(relabel, first=first))
    options = {"archive": str(run.folder.path)}
    units = [Unit(f"u{n}", text) for n, text in enumerate(TEXTS)]
    again = finish(plan(run.codebook, units, run="again", engine="replay", options=options, model=MODEL))
    assert labels_of(again) == labels_of(run)


def test_r21_a_line_that_says_nothing_does_not_spoil_the_answer(fake: FakeOpenAI) -> None:
    def lose(line: dict[str, Any]) -> dict[str, Any]:
        return line | {"response": None, "error": {"code": "server_error", "message": "oh"}}

    run = collect_changed(fake, twice(lose, first=True))
    assert check_sums(run) == {"": 6}
    assert "its files have 1 line more for questions that have a line already" in job_note(run.status())


# --- foreign shapes at status 200


def as_text(line: dict[str, Any]) -> dict[str, Any]:
    line["response"]["body"] = orjson.dumps(line["response"]["body"]).decode()
    return line


def bare(line: dict[str, Any]) -> dict[str, Any]:
    return line | {"response": line["response"]["body"]}


SHAPES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "body as text": as_text,
    "response as text": lambda line: line | {"response": orjson.dumps(line["response"]).decode()},
    "no error key": lambda line: {name: line[name] for name in ("custom_id", "response")},
    "no response key": lambda line: {"custom_id": line["custom_id"], "body": line["response"]["body"]},
    "response is the body": bare,
    "status as text": lambda line: line | {"response": line["response"] | {"status_code": "200"}},
    "no status": lambda line: line | {"response": {"body": line["response"]["body"]}},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_r36_foreign_shapes_are_read_and_priced_where_they_can_be(fake: FakeOpenAI, shape: str) -> None:
    change = SHAPES[shape]
    run = collect_changed(fake, lambda lines: [orjson.dumps(change(orjson.loads(line))) + b"\n" for line in lines])
    assert check_sums(run) == {"": 6}
    assert run.table()["cost_usd"].gt(0).all()
    status = run.status()
    assert status.money is not None
    assert status.money.n_unpriced == 0
    assert set(run.table()["model"]) == {f"{MODEL}-2026-09-01"}
    check_paid(fake, 6)


@pytest.mark.parametrize("body", [None, "", "no JSON", "[1]", [], {}, {"model": "m", "choices": None}])
def test_r36_what_cannot_be_read_at_status_200_is_invalid_paid_and_of_unknown_price(
    fake: FakeOpenAI, body: Any
) -> None:
    def spoil(line: dict[str, Any]) -> dict[str, Any]:
        line["response"]["body"] = body
        return line

    run = collect_changed(fake, edit(3, spoil))
    assert check_sums(run) == {"": 5, "invalid": 1}
    assert "status 200, but there is no reply in it that can be read" in detail_of(run).values()
    status = run.status()
    assert status.money is not None
    assert status.money.n_unpriced == 1
    assert run.table()["cost_usd"].isna().sum() == 1
    assert run.retry() == 0
    check_paid(fake, 6)


def test_r36_an_error_file_that_is_empty_is_one_without_lines(fake: FakeOpenAI) -> None:
    run = plan_batch(fake, [*TEXTS, "[500] x"])
    run.submit()
    error_id = fake.batches[batch_ids(fake)[0]]["error_file_id"]
    fake.file_path(error_id).write_bytes(b"")
    fake.files[error_id]["bytes"] = 0
    run.collect()
    assert check_sums(run) == {"": 6, "absent": 1}


def test_r36_an_error_with_a_type_and_no_code_says_why(fake: FakeOpenAI) -> None:
    def expire(line: dict[str, Any]) -> dict[str, Any]:
        return {"custom_id": line["custom_id"], "error": {"type": "batch_expired", "message": "too late"}}

    run = collect_changed(fake, edit(0, expire))
    assert check_sums(run) == {"": 5, "expired": 1}
    assert run.retry() == 1


# --- what a service refuses for good


def test_r36_what_a_service_finds_fault_with_is_asked_again_on_demand_only(fake: FakeOpenAI) -> None:
    run = finish(plan_batch(fake, [*TEXTS, "[400] a", "[404] b", "[422] c", "[429] d", "[500] e"]))
    assert check_sums(run) == {"": 6, "failed": 5}
    details = detail_of(run)
    assert [details[f"u{n}"][:5] for n in range(6, 11)] == ["400: ", "404: ", "422: ", "429: ", "500: "]
    status = run.status()
    assert "retry asks exactly those again" in status.advice
    assert "3 failed for good, since the engine refused the request itself" in status.advice
    shown = CliRunner().invoke(main, ["retry", "one"])
    assert "2 questions will be asked again" in shown.output
    finish(run)
    assert run.retry(["failed"]) == 5


# --- mutations

Mutation = tuple[list[bytes], set[int]]
"""The lines of a file after something happened to it, and the numbers of those that it touched."""


def flip(lines: list[bytes], chance: random.Random) -> Mutation:
    number = chance.randrange(len(lines))
    line = bytearray(lines[number])
    line[chance.randrange(len(line))] ^= 1 << chance.randrange(8)
    return [*lines[:number], bytes(line), *lines[number + 1 :]], {number}


def insert(lines: list[bytes], chance: random.Random) -> Mutation:
    number = chance.randrange(len(lines))
    place = chance.randrange(len(lines[number]))
    line = lines[number][:place] + chance.randbytes(chance.randint(1, 9)) + lines[number][place:]
    return [*lines[:number], line, *lines[number + 1 :]], {number}


def cut(lines: list[bytes], chance: random.Random) -> Mutation:
    """Take out some bytes, of one line or over several."""
    whole = b"".join(lines)
    start = chance.randrange(len(whole))
    end = min(len(whole), start + chance.choice([1, 5, 300, len(whole)]))
    ends = list(accumulate(map(len, lines)))
    touched = {n for n, after in enumerate(ends) if after > start and after - len(lines[n]) < end}
    return [whole[:start] + whole[end:]], touched


def double(lines: list[bytes], chance: random.Random) -> Mutation:
    changed = lines.copy()
    changed.insert(chance.randint(0, len(lines)), chance.choice(lines))
    return changed, set()


def swap(lines: list[bytes], chance: random.Random) -> Mutation:
    changed = lines.copy()
    chance.shuffle(changed)
    return changed, set()


MUTATIONS = (flip, insert, cut, double, swap)


@pytest.mark.parametrize("url", [CHAT, RESPONSES])
def test_r01_two_thousand_mutations_of_a_result_file_cost_only_the_lines_they_touch(fake: FakeOpenAI, url: str) -> None:
    run = finish(plan_batch(fake, [*TEXTS, "[refuse] a", "[truncate] b"], url=url))
    (output,) = run.folder.results.glob("*output*")
    lines = output.read_bytes().splitlines(keepends=True)
    ids = [orjson.loads(line)["custom_id"] for line in lines]
    variables, meter, chance = dict.fromkeys(ids, "topic"), Meter(run.asked), random.Random(20261128)

    def read(path: Path) -> dict[str, tuple[str | None, str | None]]:
        found = LineReader(run.folder, run.codebook, variables, meter).read([path])
        return {line.answer.custom_id: (line.answer.text, line.answer.why) for line in found}

    before = read(output)
    assert len(before) == len(lines) == 8
    for number in range(1_000):
        mutate = MUTATIONS[number % len(MUTATIONS)]
        changed, touched = mutate(lines, chance)
        path = output.with_name("mutated.jsonl")
        path.write_bytes(b"".join(changed))
        found = read(path)
        for place in set(range(len(lines))) - touched:
            assert found[ids[place]] == before[ids[place]], (number, mutate.__name__, touched, place)


def test_r01_mutated_files_of_a_whole_run_are_collected_without_a_lost_neighbour(fake: FakeOpenAI) -> None:
    n_shards = 25
    run = plan_batch(fake, [f"Sentence {n} on coal." for n in range(4 * n_shards)], cuts=Cuts(n_requests=4))
    run.submit()
    chance, touched_ids = random.Random(7), set[str]()

    for number in range(n_shards):

        def change(lines: list[bytes], number: int = number) -> list[bytes]:
            changed, touched = MUTATIONS[number % len(MUTATIONS)](lines, chance)
            touched_ids.update(orjson.loads(lines[place])["custom_id"] for place in touched)
            return changed

        change_output(fake, change, number)
    run.collect()
    check_sums(run)
    table = run.table().set_index("custom_id")
    assert table.drop(index=list(touched_ids))["why"].isna().all()
    assert 5 < len(touched_ids) < 60
    assert run.submit().done
    check_paid(fake, 4 * n_shards)
