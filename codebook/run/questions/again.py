"""Ask again: the lines of questions without an answer go from their old shards, or made anew, into new ones."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import chain

import orjson

from codebook.dialects import allow_tokens
from codebook.errors import Fault, ParameterError, RecordError
from codebook.files.lines import escape_ends, read_lines
from codebook.ground.whys import RETRIABLE
from codebook.ledger import Ledger, RetriedRow
from codebook.records import Request
from codebook.run.folder import RunFolder
from codebook.shards import Cuts, ShardWriter


def check_retry(whys: Collection[str], max_tokens: int | None) -> None:
    """Refuse what cannot be retried."""
    faults = [Fault("why", f"{why!r}", f"use {', '.join(RETRIABLE)}") for why in sorted({*whys} - {*RETRIABLE})]
    if max_tokens is not None and max_tokens < 1:
        faults.append(Fault("max_tokens", f"{max_tokens} leaves no room for a reply", "give a number above 0"))
    ParameterError.raise_any("That cannot be retried.", faults)


def plan_again(
    folder: RunFolder,
    ledger: Ledger,
    cuts: Cuts,
    wanted: Sequence[RetriedRow],
    make_anew: Callable[[Mapping[str, str]], Iterator[Request]],
    *,
    max_tokens: int | None = None,
) -> None:
    """Write shards that ask these questions again, and note each as soon as it is written.

    A question stands in the new shard under the custom_id of this run, whichever run's shard it is copied from. With
    `max_tokens` its reply may be longer; it is the same question all the same, so its key stays.

    Parameters
    ----------
    make_anew
        Makes the requests of custom_id -> key from the run's own codebook and units, where no shard has them any more.

    Raises
    ------
    RecordError
        An old shard was changed, or is gone and its questions cannot be made anew; nothing is planned then.
    """
    by_file: dict[tuple[str, str, str], dict[str, RetriedRow]] = {}
    lost: dict[str, str] = {}
    for row in wanted:
        if (folder.runs / row.run_id / "shards" / row.file).is_file():
            by_file.setdefault((row.run_id, row.file, row.sha256), {})[row.sent_as] = row
        else:
            lost[row.custom_id] = row.request_key
    for run_id, file, sha256 in by_file:
        folder.check_shard(folder.runs / run_id / "shards" / file, sha256)
    if missing := lost.keys() - {request.custom_id for request in make_anew(lost)}:
        raise RecordError(
            f"{len(missing):,} questions cannot be asked again, such as {min(missing)}: the shard that asked them is "
            "gone, and they would be written otherwise now. To mend: restore the shard from a backup, or plan anew."
        )
    writer: ShardWriter | None = None
    for request in chain(_copy(folder, by_file), make_anew(lost)):
        longer = request if max_tokens is None else _allow(request, max_tokens)
        if writer is None or not writer.add(longer):
            _close(folder, ledger, writer)
            number = ledger.last_shard_number(folder.name) + 1
            model = str(orjson.loads(longer.body)["model"])
            writer = ShardWriter(folder.shards, number, model=model, url=longer.url, cuts=cuts)
            writer.add(longer)
    _close(folder, ledger, writer)


def _copy(folder: RunFolder, by_file: Mapping[tuple[str, str, str], Mapping[str, RetriedRow]]) -> Iterator[Request]:
    """Yield the requests of old shards, under this run's names."""
    for (run_id, file, _), rows in by_file.items():
        for line in read_lines(folder.runs / run_id / "shards" / file):
            if row := rows.get(line["custom_id"]):
                body = escape_ends(orjson.dumps(line["body"]))
                yield Request(row.custom_id, row.request_key, str(line["url"]), body, "", "")


def _allow(request: Request, max_tokens: int) -> Request:
    body = allow_tokens(orjson.loads(request.body), request.url, max_tokens)
    return request._replace(body=escape_ends(orjson.dumps(body)))


def _close(folder: RunFolder, ledger: Ledger, writer: ShardWriter | None) -> None:
    if writer is not None:
        ledger.add_shard(folder.name, writer.number, writer.close(), writer.requests)
