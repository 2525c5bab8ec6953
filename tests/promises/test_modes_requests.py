"""Requests that a service would refuse, and what is in them: each test is named after its row in the failure modes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from fakes.fake_openai import FakeOpenAI
from fakes.scripted import make_book
from fakes.service import (
    MODEL,
    TEXTS,
    batch_ids,
    check_paid,
    check_sums,
    detail_of,
    finish,
    job_note,
    lines_of,
    plan_batch,
    write_provider,
)

from codebook.errors import EngineError, ParameterError, RecordError
from codebook.records import CHAT, RESPONSES, Unit
from codebook.run import preflight
from codebook.scheme import Codebook
from codebook.shards import Cuts, check_shard


def test_mode_08_validation_failed_names_units_and_the_commonest_reason_first(fake: FakeOpenAI) -> None:
    fake.auto = False
    run = plan_batch(fake)
    run.submit()
    batch = fake.batches[batch_ids(fake)[0]]
    path = fake.file_path(batch["input_file_id"])
    lines = path.read_bytes().split(b"\n")
    names = [orjson.loads(line)["custom_id"].encode() for line in lines[:6]]
    lines[0] = b"{broken"
    lines[2] = lines[2].replace(b'"POST"', b'"GET"')
    lines[4] = lines[4].replace(b'"POST"', b'"GET"')
    lines[5] = lines[5].replace(names[5], names[1])
    path.write_bytes(b"\n".join(lines))
    fake.auto = "at once"
    run.collect()
    note = job_note(run.status())
    assert note.index("2 x invalid_method (unit 'u2', line 3)") < note.index(
        "1 x invalid_json_line (unit 'u0', line 1)"
    )
    assert "1 x duplicate_custom_id (unit 'u5', line 6)" in note
    assert check_sums(run) == {"failed": 6}
    details = detail_of(run)
    for unit, code in {"u0": "invalid_json_line", "u2": "invalid_method", "u5": "duplicate_custom_id"}.items():
        assert f"refused this line: {code}" in details[unit]
    assert "refused this line" not in details["u1"]
    assert "nothing was charged" in details["u1"]
    check_paid(fake, 0)
    assert run.status().money == (0, 0, None, 0)
    assert run.retry() == 6
    assert check_sums(finish(run)) == {"": 6}
    check_paid(fake, 6)


def test_mode_08_validation_failed_for_the_whole_file(fake: FakeOpenAI) -> None:
    fake.n_requests_max = 2
    run = finish(plan_batch(fake))
    assert check_sums(run) == {"failed": 6}
    assert "1 x too_many_tasks: The batch input file contains too many requests. The maximum is 2." in job_note(
        run.status()
    )
    check_paid(fake, 0)


@pytest.mark.parametrize("change", [b"", b'{"custom_id": "x"}\n'])
def test_mode_08_validation_is_spared_a_file_that_changed_here(fake: FakeOpenAI, change: bytes) -> None:
    run = plan_batch(fake)
    (shard,) = run.folder.shards.glob("*.jsonl")
    whole = shard.read_bytes()
    shard.write_bytes(change)
    with pytest.raises(RecordError, match="changed after it was planned"):
        run.submit()
    assert fake.requests == []
    shard.write_bytes(whole)
    assert check_sums(finish(run)) == {"": 6}
    check_paid(fake, 6)


# --- 9, 10: parameters and models


def test_mode_09_bad_parameter_of_a_known_family_is_refused_here(fake: FakeOpenAI) -> None:
    for url, given in ((CHAT, {"temperature": 0.5}), (CHAT, {"max_tokens": 9}), (RESPONSES, {"temperature": 0.5})):
        with pytest.raises(ParameterError, match="does not take it"):
            plan_batch(fake, url=url, settings=given)
    assert fake.requests == []
    run = finish(plan_batch(fake))
    (line, *_) = lines_of(fake, batch_ids(fake)[0])
    assert set(line["body"]) == {"model", "messages", "response_format"}, "what was not set is not sent"
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)


def test_mode_09_bad_parameter_of_an_unknown_model_costs_a_preflight_only(fake: FakeOpenAI) -> None:
    given = {"model": "gpt-6-luna-x", "settings": {"temperature": 0.5}}
    options = {"base_url": fake.base_url, "provider": "compatible"}  # nothing is known of its families
    units = [Unit(f"u{n}", text) for n, text in enumerate(TEXTS)]
    found = preflight(make_book("topic"), units, options=options, k=2, **given)
    assert not found.ok
    assert "(2 of 2)" in str(found)
    assert "'temperature' does not support 0.5" in str(found)
    with pytest.raises(ParameterError, match="a batch would fail in the same way"):
        found.raise_errors()
    assert (fake.n_created, len(fake.calls("files.create")), len(fake.calls("chat"))) == (0, 0, 2)
    assert check_sums(found.run) == {"failed": 2}
    check_paid(fake, 0)


def test_mode_09_good_preflight_is_not_paid_again_by_the_batch(fake: FakeOpenAI) -> None:
    units = [Unit(f"u{n}", text) for n, text in enumerate(TEXTS)]
    found = preflight(make_book("topic"), units, options={"base_url": fake.base_url}, k=2, model=MODEL)
    assert found.ok, str(found)
    assert check_sums(found.run) == {"": 2}
    run = finish(plan_batch(fake, units))
    assert len(lines_of(fake, batch_ids(fake)[0])) == 4
    assert check_sums(run) == {"": 6}
    assert sum(fake.billed.values()) == 6


def test_mode_10_alias_is_warned_and_the_snapshot_recorded(fake: FakeOpenAI) -> None:
    run = finish(plan_batch(fake))
    assert f"{MODEL} is an alias" in str(run.status())
    assert any("is an alias" in warning for warning in run.record["warnings"])
    assert set(run.table()["model"]) == {f"{MODEL}-2026-09-01"}
    assert run.record["answered"]["models"] == [f"{MODEL}-2026-09-01"]
    pinned = finish(plan_batch(fake, run="pinned", model=f"{MODEL}-2026-09-01"))
    assert pinned.record["warnings"] == []
    assert check_sums(run) == check_sums(pinned) == {"": 6}
    assert set(fake.billed.values()) == {1}


def test_mode_10_retired_model_is_refused_here(fake: FakeOpenAI, project: Path) -> None:
    with pytest.raises(ParameterError, match=r"was shut down on 2026-10-23"):
        plan_batch(fake, model="gpt-4-turbo")
    today = datetime.now(UTC).date()
    (project / "families.yaml").write_text(yaml.safe_dump({"shutdown": {today: [MODEL]}}), encoding="utf-8")
    with pytest.raises(ParameterError, match="choose a model that still answers"):
        plan_batch(fake)
    assert fake.requests == []


@pytest.mark.parametrize("model", ["live-only", "retired-1"])
def test_mode_10_model_that_batches_do_not_take_is_said_and_costs_nothing(fake: FakeOpenAI, model: str) -> None:
    run = finish(plan_batch(fake, model=model))
    assert check_sums(run) == {"failed": 6}
    assert f"The provided model '{model}' is not supported in batch." in job_note(run.status())
    check_paid(fake, 0)
    assert run.status().money == (0, 0, None, 0)


# --- 13, 15, 23, 25: what a file may hold


def test_mode_13_enum_over_the_cap_is_refused_here(fake: FakeOpenAI) -> None:
    (variable,) = make_book("topic").variables
    category = variable.categories[0]
    for n, good in ((900, True), (1001, False)):
        many = tuple(category.model_copy(update={"name": f"c{k}"}) for k in range(n))
        wide = variable.model_copy(update={"categories": many})
        book: Codebook = make_book("topic").model_copy(update={"variables": (wide,)})
        if good:
            run = finish(plan_batch(fake, book=book, run="good"))
            assert check_sums(run) == {"": 6}
            continue
        with pytest.raises(ParameterError, match="two stages"):
            plan_batch(fake, book=book)
    assert fake.n_created == 1


def test_mode_15_metadata_holds_ids_and_digests_only(fake: FakeOpenAI) -> None:
    run = finish(plan_batch(fake, [f"confidential {text}" for text in TEXTS], run="r" * 80, cuts=Cuts(n_requests=3)))
    for batch in fake.batches.values():
        metadata = batch["metadata"]
        assert set(metadata) == {"codebook_job", "codebook_shard", "codebook_sha256"}
        assert all(len(key) <= 64 and len(value) <= 512 for key, value in metadata.items())
        (shard,) = run.folder.shards.glob(metadata["codebook_shard"])
        assert metadata["codebook_job"].startswith(f"{run.name}:")
        assert shard.name.split("-")[1].removesuffix(".jsonl") == metadata["codebook_sha256"][:12]
        assert not {"metadata", "store", "user"} & set(lines_of(fake, batch["id"])[0]["body"])
    assert not any("confidential" in str(seen.body) for seen in fake.requests)
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)


@pytest.mark.parametrize("limit", ["n_requests", "n_bytes"])
def test_mode_23_oversize_files_are_split_below_the_limits(fake: FakeOpenAI, project: Path, limit: str) -> None:
    size = max(path.stat().st_size for path in plan_batch(fake, TEXTS[:1], run="probe").folder.shards.glob("*"))
    fake.n_requests_max, fake.n_bytes_max = (2, 10**9) if limit == "n_requests" else (10**6, round(size * 2.5))
    write_provider(project, **{limit: fake.n_requests_max if limit == "n_requests" else fake.n_bytes_max})
    texts = [text.replace("coal", "coke") for text in TEXTS]
    run = finish(plan_batch(fake, texts))
    sent = [line["custom_id"] for batch in batch_ids(fake) for line in lines_of(fake, batch)]
    assert fake.n_created == 3
    assert len(sent) == len(set(sent)) == 6
    assert [job.requests for job in run.status().jobs] == [2, 2, 2]
    assert check_sums(run) == {"": 6}
    check_paid(fake, 6)


def test_mode_23_oversize_unit_is_named_and_nothing_is_sent(fake: FakeOpenAI, project: Path) -> None:
    write_provider(project, n_bytes=5000)
    with pytest.raises(RecordError, match=r"of unit 'u3' has [\d,]+ bytes; .* shorten the unit"):
        plan_batch(fake, [*TEXTS[:3], "x" * 6000])
    assert fake.requests == []


def test_mode_23_oversize_by_another_limit_is_said_and_can_be_sent_later(fake: FakeOpenAI) -> None:
    fake.n_bytes_max = 1000
    run = plan_batch(fake)
    with pytest.raises(EngineError, match="File is too large"):
        run.submit()
    assert check_sums(run) == {"pending": 6}
    assert fake.n_created == 0
    fake.n_bytes_max = 10**6
    assert check_sums(finish(run)) == {"": 6}
    check_paid(fake, 6)


def test_mode_25_mixed_models_and_endpoints_never_share_a_file(fake: FakeOpenAI) -> None:
    for number, model in enumerate((MODEL, "gpt-5.4-mini")):
        for url in (CHAT, RESPONSES):
            run = f"{number}-{len(url)}"
            planned = plan_batch(fake, TEXTS[:2], book=make_book(), run=run, model=model, url=url)
            assert check_sums(finish(planned)) == {"": 6}
    assert fake.n_created == 4
    for batch in batch_ids(fake):
        lines = lines_of(fake, batch)
        assert {line["url"] for line in lines} == {fake.batches[batch]["endpoint"]}
        assert len({line["body"]["model"] for line in lines}) == 1
        assert len(lines) == 6, "three variables of two units go into one file"
    assert set(fake.billed.values()) == {1}


def test_mode_25_mixed_file_is_found_out_before_it_is_sent(fake: FakeOpenAI) -> None:
    run = plan_batch(fake)
    (shard,) = run.folder.shards.glob("*.jsonl")
    lines: list[dict[str, Any]] = [orjson.loads(line) for line in shard.read_bytes().splitlines()]
    lines[1]["body"]["model"], lines[2]["url"] = "gpt-6-sol", RESPONSES
    shard.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    said = "\n".join(map(str, check_shard(shard)))
    assert f"mixes the models {MODEL}, gpt-6-sol" in said or "mixes the models gpt-6-luna, gpt-6-sol" in said
    assert f"mixes the endpoints {CHAT}, {RESPONSES}" in said
    with pytest.raises(RecordError):
        run.submit()
    assert fake.requests == []
    assert check_sums(run) == {"pending": 6}
