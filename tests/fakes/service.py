"""Runs against the fake service, and the sums that must hold whatever went wrong there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from codebook.codings.coverage_counts import count_coverage
from codebook.engines.service import Provider
from codebook.engines.service.client import make_client
from codebook.errors import PendingError, UnreachableError
from codebook.ground.whys import WHYS
from codebook.records import Unit
from codebook.run import Run, RunStatus, open_run, plan
from fakes.fake_openai import KEY, FakeOpenAI
from fakes.scripted import make_book

MODEL = "gpt-6-luna"
OTHER_KEY = "other-key-fedcba9876543210"
TEXTS = [f"Sentence number {n} about coal." for n in range(6)]
CATEGORIES = ("coal", "sports", "travel", "unclear")


@contextmanager
def serve(project: Path, patch: pytest.MonkeyPatch, **options: Any) -> Iterator[FakeOpenAI]:
    """The fake service with the key that is set in the environment; batches end at the first look unless told."""
    patch.setenv("OPENAI_API_KEY", KEY)
    patch.setattr("codebook.engines.service.remote_files._PAUSES_S", (0.0, 0.0, 0.0))
    given = {"auto": "at once", "other_keys": (OTHER_KEY,), **options}
    with FakeOpenAI(project.parent / "fake", **given) as fake, share_clients(patch):
        yield fake


@contextmanager
def share_clients(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Make one client a key, address and setting: each loads the system's certificates, which takes long."""
    made: dict[tuple[Any, ...], Any] = {}

    def share(provider: Provider, key: str, *rest: float) -> Any:
        if (provider.base_url, key, *rest) not in made:
            made[provider.base_url, key, *rest] = make_client(provider, key, *rest)
        return made[provider.base_url, key, *rest]

    patch.setattr("codebook.engines.service.client.make_client", share)
    try:
        yield
    finally:
        for client in made.values():
            client.close()


def plan_batch(fake: FakeOpenAI, units: Iterable[str | Unit] = TEXTS, *, run: str = "one", **given: Any) -> Run:
    """Plan a run that asks the fake; units given as texts are called u0, u1, ..."""
    named = [unit if isinstance(unit, Unit) else Unit(f"u{n}", unit) for n, unit in enumerate(units)]
    options = {"base_url": fake.base_url, "pause_s": 0.01, **given.pop("options", {})}
    chosen = {"engine": "openai_batch", "model": MODEL, **given}
    return plan(chosen.pop("book", make_book("topic")), named, run=run, options=options, **chosen)


def write_provider(project: Path, **fields: Any) -> None:
    """Let the project know limits of the service that are its own."""
    (project / "providers.yaml").write_text(yaml.safe_dump({"openai": fields}), encoding="utf-8")


def finish(run: Run) -> Run:
    """Submit and collect; the run as another process would open it."""
    run.submit()
    run.collect()
    return open_run(run.name)


def look_until_gone(fake: FakeOpenAI, run: Run) -> RunStatus:
    """Collect until the kit gives up what the service does not find: three looks over a quarter of an hour."""
    for n_looks in range(3):
        assert fake.n_created == 1, "nothing is sent again while it is looked for"
        try:
            return run.collect()
        except (UnreachableError, PendingError):
            assert n_looks < 2
        fake.advance(seconds=10 * 60)
    raise AssertionError("it was not given up")


def batch_ids(fake: FakeOpenAI) -> list[str]:
    """The batches in the order in which they were made."""
    return list(fake.batches)


def lines_of(fake: FakeOpenAI, batch_id: str) -> list[dict[str, Any]]:
    """The request lines of a batch, as the service got them."""
    whole = fake.file_path(fake.batches[batch_id]["input_file_id"]).read_bytes()
    return [orjson.loads(line) for line in whole.split(b"\n") if line]


def change_output(fake: FakeOpenAI, change: Callable[[list[bytes]], Iterable[bytes]], number: int = 0) -> None:
    """Put other lines into the output file of the batch of this number; its stated size is that of the new ones."""
    file_id = fake.batches[batch_ids(fake)[number]]["output_file_id"]
    path = fake.file_path(file_id)
    path.write_bytes(b"".join(change(path.read_bytes().splitlines(keepends=True))))
    fake.files[file_id]["bytes"] = path.stat().st_size


def units_of(run: Run, lines: Iterable[dict[str, Any]]) -> list[str]:
    """The units that request lines ask about, sorted."""
    unit_of = dict(zip(run.table()["custom_id"], run.table()["unit_id"], strict=True))
    return sorted(unit_of[line["custom_id"]] for line in lines)


def check_sums(run: Run) -> Counter[str]:
    """Status, table and coverage tell the same and sum, each unit stands once; the rows by why ('' is labelled)."""
    status, table, units = run.status(), run.table(), [unit.unit_id for unit in run.units()]
    counted = count_coverage(table)
    assert not table.duplicated(["unit_id", "variable", "draw"]).any()
    assert set(table["unit_id"]) == set(units)
    assert len(table) == status.n_rows == len(units) * len(run.codebook.variables) * run.asked.draws
    sums = counted[["asked", "labelled", *WHYS]].sum()
    assert sums["asked"] == len(table) == sums["labelled"] + sum(sums[why] for why in WHYS)
    assert (table["label"].notna() == table["why"].isna()).all()
    whys = Counter(table["why"].fillna(""))
    said: Counter[str] = Counter()
    for counts in status.counts.values():
        said.update({why: n for why, n in counts.items() if n})
    assert said == whys
    return whys


def check_paid(fake: FakeOpenAI, n: int, *, again: int = 0) -> None:
    """The service answered `n` requests for money, none twice; `again` of them bear the name of another question."""
    assert sum(fake.billed.values()) == n
    assert set(fake.billed.values()) <= {1}
    assert len({custom_id for custom_id, _ in fake.billed}) == n - again


def n_tokens(run: Run) -> int:
    """The tokens of a run's shards as the kit counts them for what may wait: bytes by four."""
    return sum(path.stat().st_size // 4 for path in run.folder.shards.glob("*.jsonl"))


def job_note(status: RunStatus, number: int = 0) -> str:
    """What is said of a shard."""
    return status.jobs[number].note


def why_of(run: Run) -> dict[str, str]:
    """Why each unit has no label; '' where it has one."""
    return dict(zip(run.table()["unit_id"], run.table()["why"].fillna(""), strict=True))


def detail_of(run: Run) -> dict[str, str]:
    """What is said of each unit's answer."""
    return dict(zip(run.table()["unit_id"], run.table()["detail"], strict=True))
