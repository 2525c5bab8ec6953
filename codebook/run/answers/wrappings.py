"""Replies that are all wrapped in the same way: said once, with an example and what helps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import orjson

from codebook.dialects import read_said
from codebook.errors import RecordError
from codebook.ledger import InvalidReply, Ledger
from codebook.run.answers.result_table import open_result
from codebook.run.folder import RunFolder
from codebook.tasks.question import MENDS, WRAPPED

_N_SHOWN = 60


def say_wrapping(folder: RunFolder, ledger: Ledger) -> Iterator[str]:
    """Say in what most replies of a run are wrapped, so that they are invalid; nothing where they are not."""
    replies = ledger.invalid_replies(folder.name, WRAPPED)
    ways = Counter[str]()
    for reply in replies:
        ways[reply.detail.rpartition(WRAPPED)[2]] += reply.n
    for way, n in ways.most_common(1):
        n_replies = ledger.count_replies(folder.name)
        if 2 * n > n_replies:
            example = next(reply for reply in replies if reply.detail.endswith(WRAPPED + way))
            mends = "; ".join(MENDS[part] for part in way.split(" and "))
            yield (
                f"{n:,} of {n_replies:,} replies are invalid since their answer is wrapped in {way}, such as unit "
                f"{example.unit_id!r}{_show(folder, example)}. Nothing is taken off by itself. To mend: {mends}, and "
                "plan a new run"
            )


def _show(folder: RunFolder, reply: InvalidReply) -> str:
    """The beginning of a reply, as JSON, so that nothing of it acts on a terminal."""
    try:
        with open_result(folder, reply.file, reply.unit_id) as file:
            file.seek(reply.offset)
            text = read_said([file.read(reply.length)])[0][0] or ""
    except (RecordError, OSError):
        return ""  # whoever reads the table is told
    beginning = text[:_N_SHOWN] + "..." * (len(text) > _N_SHOWN)
    return f": {orjson.dumps(beginning).decode()}"
