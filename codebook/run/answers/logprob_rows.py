"""How probable a model found its own replies, where it was asked to say so (`settings`: logprobs)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from typing import IO, TYPE_CHECKING, Any

from codebook.dialects import read_logprob
from codebook.dialects.resultlines import read_object
from codebook.ledger import RowState
from codebook.run.answers.result_table import open_result
from codebook.run.folder import RunFolder

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("unit_id", "variable", "draw", "custom_id", "logprob")


def read_logprobs(folder: RunFolder, rows: Iterable[RowState]) -> pd.DataFrame:
    """Return the log probability of each reply that has one, one row a unit, variable and draw.

    Returns
    -------
    DataFrame
        unit_id, variable, draw, custom_id and `logprob`, the natural logarithm of the probability of the reply's whole
        text as it was generated; it is not calibrated, and says nothing of whether the label is right.
    """
    import pandas as pd

    return pd.DataFrame(_iter_rows(folder, rows), columns=list(COLUMNS))


def _iter_rows(folder: RunFolder, rows: Iterable[RowState]) -> Iterator[tuple[Any, ...]]:
    files: dict[str, IO[bytes]] = {}
    with ExitStack() as stack:
        for row in rows:
            if row.file is None:
                continue
            if row.file not in files:
                files[row.file] = stack.enter_context(open_result(folder, row.file, row.custom_id))
            files[row.file].seek(row.offset)
            line = read_object(files[row.file].read(row.length))  # one that cannot be read is no answer
            if line and (value := read_logprob(line)) is not None:
                yield row.unit_id, row.variable, row.draw, row.custom_id, value
