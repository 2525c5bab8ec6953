"""Ask again: the lines of questions without an answer are copied from their old shards into new ones."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import orjson

from codebook.dialects import allow_tokens
from codebook.engines import Limits
from codebook.errors import Fault, ParameterError
from codebook.ledger import Ledger, RetriedRow
from codebook.records import RETRIABLE, Request, escape_ends, read_lines
from codebook.run.folder import RunFolder
from codebook.run.packs import choose_cuts
from codebook.shards import ShardWriter


def check_retry(whys: Collection[str], max_tokens: int | None) -> None:
    """Refuse what cannot be retried.

    Raises
    ------
    ParameterError
        An unknown why, or a cap that leaves no room for a reply.
    """
    faults = [Fault("why", f"{why!r}", f"use {', '.join(RETRIABLE)}") for why in sorted({*whys} - {*RETRIABLE})]
    if max_tokens is not None and max_tokens < 1:
        faults.append(Fault("max_tokens", f"{max_tokens} leaves no room for a reply", "give a number above 0"))
    if faults:
        raise ParameterError("That cannot be retried.", faults)


def plan_again(
    folder: RunFolder,
    ledger: Ledger,
    limits: Limits,
    wanted: Sequence[RetriedRow],
    *,
    max_tokens: int | None = None,
) -> None:
    """Write shards that ask these questions again, and note each as soon as it is written.

    A question stands in the new shard under the custom_id of this run, whichever run's shard it is copied from. With
    `max_tokens` its reply may be longer; it is the same question all the same, so its key stays.

    Raises
    ------
    RecordError
        An old shard is gone or changed; nothing is planned then.
    """
    by_file: dict[tuple[str, str, str], dict[str, RetriedRow]] = {}
    for row in wanted:
        by_file.setdefault((row.run_id, row.file, row.sha256), {})[row.sent_as] = row
    paths = {place: folder.runs / place[0] / "shards" / place[1] for place in by_file}
    for place, path in paths.items():
        folder.check_shard(path, place[2])
    writer: ShardWriter | None = None
    for place, rows in by_file.items():
        for line in read_lines(paths[place]):
            if line["custom_id"] not in rows:
                continue
            row, url = rows[line["custom_id"]], str(line["url"])
            body = line["body"] if max_tokens is None else allow_tokens(line["body"], url, max_tokens)
            request = Request(row.custom_id, row.request_key, url, escape_ends(orjson.dumps(body)), "", "")
            if writer is None or not writer.add(request):
                _close(folder, ledger, writer)
                cuts = choose_cuts(limits, url)
                number = ledger.last_shard_number(folder.name) + 1
                writer = ShardWriter(folder.shards, number, model=str(body["model"]), url=url, cuts=cuts)
                writer.add(request)
    _close(folder, ledger, writer)


def _close(folder: RunFolder, ledger: Ledger, writer: ShardWriter | None) -> None:
    if writer is not None:
        ledger.add_shard(folder.name, writer.number, writer.close(), writer.requests)
