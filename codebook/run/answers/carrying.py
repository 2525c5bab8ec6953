"""`ledger.jsonl` of a run: what its folder carries of the ledger, written whenever the run is collected."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from codebook.files.lines import read_lines, write_lines
from codebook.ledger import Ledger
from codebook.ledger.carried import describe_run
from codebook.run.folder import RunFolder

_SUBMITTED = re.compile(r"shard (\d+): (\S+)")
_COLLECTED = re.compile(r"shard (\d+): (\w+), ")


@dataclass(frozen=True)
class Carried:
    """What a folder carries: of the run, of each shard by its number, and the questions that others asked."""

    run: Mapping[str, Any] = field(default_factory=dict)
    shards: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    elsewhere: Mapping[str, Sequence[str]] = field(default_factory=dict)


def write_carried(folder: RunFolder, ledger: Ledger) -> None:
    """Write it, all or nothing."""
    write_lines(folder.carried_path, describe_run(ledger, folder.name))


def read_carried(folder: RunFolder, events: Sequence[Sequence[str]]) -> Carried:
    """Return it. Of a run of old, ids and times of jobs are taken from what `run.json` says was done."""
    if not folder.carried_path.is_file():
        return Carried(shards=_read_events(events))
    run, shards, elsewhere = dict[str, Any](), dict[int, Mapping[str, Any]](), dict[str, Sequence[str]]()
    for line in read_lines(folder.carried_path):
        run |= line.get("run", {})
        elsewhere |= line.get("elsewhere", {})
        if "shard" in line:
            shards[line["shard"]["number"]] = line
    return Carried(run, shards, elsewhere)


def _read_events(events: Sequence[Sequence[str]]) -> dict[int, Mapping[str, Any]]:
    """What the events of a run say of its jobs: id, state, when they were handed in and collected."""
    jobs: dict[int, dict[str, Any]] = {}
    for at, verb, what in events:
        if verb == "submit" and (match := _SUBMITTED.fullmatch(what)):
            jobs.setdefault(int(match[1]), {}).update(job_id=match[2], submitted_at=at)
        elif verb == "collect" and (match := _COLLECTED.match(what)):
            jobs.setdefault(int(match[1]), {}).update(state=match[2], collected_at=at)
    return {number: {"job": job} for number, job in jobs.items()}
