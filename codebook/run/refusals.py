"""Why a service refused a whole file, in terms of the units: it names lines, a researcher knows units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from pathlib import Path

from codebook.errors import RecordError
from codebook.files.lines import load_line, number_lines
from codebook.ledger import JobRow, Ledger
from codebook.records import LineFault
from codebook.run.folder import RunFolder


def custom_ids_at(shard: Path, numbers: Collection[int]) -> dict[int, str]:
    """Return the custom_id of each of these lines of a shard, counted from 1."""
    wanted = {number for number in numbers if number > 0}
    if not wanted or not shard.is_file():
        return {}
    found = {}
    for number, _, line in number_lines(shard):
        if number in wanted:
            try:
                found[number] = str(load_line(line, shard.name).get("custom_id"))
            except RecordError:
                continue
    return found


def say_refusal(folder: RunFolder, ledger: Ledger, row: JobRow, faults: Collection[LineFault]) -> str:
    """Say why a file was refused: every reason with its count, the commonest first, each with a unit as example.

    Nothing of such a file is answered and nothing is charged.
    """
    names = custom_ids_at(folder.shards / row.file, {fault.line for fault in faults})
    counts = Counter(fault.code for fault in faults)
    examples = {fault.code: fault for fault in reversed(list(faults))}
    parts = []
    for code, n in counts.most_common():
        fault = examples[code]
        unit = ledger.unit_of(row.shard_id, names.get(fault.line, ""))
        at = f" (unit {unit!r}, line {fault.line})" if unit else ""
        parts.append(f"{n} x {code}{at}: {fault.message}")
    return f"the service refused the file, nothing was charged: {'; '.join(parts)}"
