"""The tidy table of a run, read from its raw result lines: the ledger only says where each line is."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import cache, lru_cache
from itertools import groupby
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any, TypeVar

from codebook.dialects import Said, read_logprob, read_said
from codebook.dialects.resultlines import UNREADABLE, read_object
from codebook.errors import RecordError
from codebook.files.digests import check_named, read_run_record
from codebook.ledger import Ledger, RowState, iter_columns
from codebook.material.unit_store import is_there, iter_units, say_there
from codebook.run.folder import RunFolder
from codebook.run.history import seconds_between
from codebook.scheme import Codebook
from codebook.tasks import Label, make_questions

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

T = TypeVar("T")
Cells = Sequence[Any]
_N_REMEMBERED, _LONGEST_REMEMBERED = 4_096, 1_000
_BLOCK = 1 << 18
COLUMNS = ("unit_id", "variable", "draw", "custom_id", "logprob")


def iter_tables(
    folder: RunFolder, codebook: Codebook, ledger: Ledger, find_model: Callable[[str], str]
) -> Iterator[pd.DataFrame]:
    """Yield the tidy table in pieces of some thousand rows, each checked, one at least.

    No coding is in two of them: the ledger holds each name of a row once. `find_model` names the coder of a
    variable where no answer says which model gave it.
    """
    from codebook.codings import check_table

    maker, losses = _FrameMaker(folder, codebook, ledger, find_model), dict[str, str]()
    if folder.read_record()["units"]["source"].get("damaged"):
        losses = {unit.unit_id: unit.loss for unit, _ in iter_units(folder.units_path) if unit.loss}
    for cells in iter_columns(ledger.path, folder.name):
        table = maker.make(cells)
        if losses:
            lost = table["unit_id"].map(losses).fillna("").astype("str")
            joint = lost.where((lost == "") | (table["detail"] == ""), lost + "; ")
            table["detail"] = joint + table["detail"]
        yield check_table(table)


class _FrameMaker:
    """Makes the table of some rows at a time. What many rows share (reply, model, job) is worked out once for all."""

    def __init__(self, folder: RunFolder, codebook: Codebook, ledger: Ledger, find_model: Callable[[str], str]) -> None:
        self.folder, self.ledger, self.find_model = folder, ledger, cache(find_model)
        self.ending = f"@{codebook.digest[:8]}"
        self.has_versions, self.find_version = "version" in folder.read_record(), cache(self._find_version)
        self.readers = {name: remember(question.read_label) for name, question in make_questions(codebook).items()}

    def make(self, cells: list[list[Any]]) -> pd.DataFrame:
        """Make the frame of some rows; `cells` are those of `iter_columns`."""
        import numpy as np
        import pandas as pd

        custom_ids, unit_ids, variables, draws, whys, details, *places, jobs, costs = cells
        n_rows = len(custom_ids)
        wanted = [row for row, why in enumerate(whys) if why != "pending" and places[0][row] is not None]
        columns = [[None] * n_rows, [why or None for why in whys], details, [""] * n_rows, [""] * n_rows]
        columns.append([None] * n_rows)
        for row, detail in enumerate(details):
            if is_there(detail):
                columns[0][row] = say_there(unit_ids[row], detail)
        self._read(wanted, places, custom_ids, columns)
        *replies, models, request_ids, seconds = columns
        return pd.DataFrame(
            {"unit_id": _texts(unit_ids), "custom_id": _texts(custom_ids), "request_id": _texts(request_ids)}
            | {"draw": np.array(draws, "int64"), "cost_usd": np.array(costs, "float64")}
            | {"run_id": _texts([self.folder.name]).take(np.zeros(n_rows, "int64"))}
            | self._label_columns(zip(variables, *replies, strict=True), n_rows)
            | self._model_columns(models, variables)
            | self._job_columns(jobs, np.array(seconds, "float64"))
            | self._version_column(places[0])
        )

    def _read(self, rows: list[int], places: Sequence[Cells], custom_ids: Cells, contents: list[list[Any]]) -> None:
        """Put what the answers of the rows say in its columns; lines are read in the order in which files hold them.

        Where the ledger says why there is no label, that stands: it has seen all lines of the job.
        """
        files, offsets, lengths = places
        texts, whys, details, models, request_ids, seconds = contents
        rows.sort(key=offsets.__getitem__)
        rows.sort(key=files.__getitem__)
        for name, some in groupby(rows, key=files.__getitem__):
            here = list(some)
            with open_result(self.folder, name, custom_ids[here[0]]) as file:
                starts = [offsets[row] for row in here]
                ends = [offsets[row] + lengths[row] for row in here]
                for row, fields in zip(here, _read_lines(file, starts, ends), strict=True):
                    texts[row], why, detail, models[row], request_ids[row], seconds[row] = fields
                    if why == whys[row]:
                        details[row] = detail  # of which the ledger keeps the beginning
                    elif whys[row] is None:
                        whys[row], details[row] = _check_readable(why, detail, f"runs/{name} at byte {offsets[row]}")

    def _label_columns(self, replies: Iterable[tuple[Any, ...]], n_rows: int) -> dict[str, Any]:
        """Read each different (variable, text, why, detail) once."""
        import numpy as np

        distinct, codes = _number(replies, n_rows)
        variables, texts, *_ = _turn(distinct, 4)
        labels = [self._read_label(*reply) for reply in distinct]
        columns: dict[str, Cells] = {"variable": variables, "raw": [text or "" for text in texts]}
        columns |= {name: [getattr(label, name) for label in labels] for name in ("label", "why", "detail")}
        columns["evidence"] = [label.evidence or "" for label in labels]
        confidence = np.array([label.confidence for label in labels], "float64")
        return {name: _texts(cells).take(codes) for name, cells in columns.items()} | {"confidence": confidence[codes]}

    def _read_label(self, variable: str, text: str | None, why: str | None, detail: str) -> Label:
        if why is None or (why == "invalid" and text):
            label = self.readers[variable](text or "")
            if label.why or why is None:
                return label
        return Label(None, why, detail)

    def _model_columns(self, models: Cells, variables: Cells) -> dict[str, Any]:
        distinct, codes = _number(zip(models, variables, strict=True), len(models))
        coders = [(model or self.find_model(variable)) + self.ending for model, variable in distinct]
        return {"model": _texts(model for model, _ in distinct).take(codes), "coder": _texts(coders).take(codes)}

    def _version_column(self, files: Cells) -> dict[str, Any]:
        """By which version of the codebook the question of each answer was put; nothing of a first version."""
        if not self.has_versions:
            return {}
        distinct, codes = _number(files, len(files))
        versions = ["" if file is None else self.find_version(PurePosixPath(file).parents[1]) for file in distinct]
        return {"codebook_version": _texts(versions).take(codes)}

    def _find_version(self, place: PurePosixPath) -> str:
        """Version and digest of the codebook of the run that asked, by its folder; `unknown` where that is gone."""
        record = self.folder.runs / place / self.folder.record_path.name
        book = read_run_record(record)["codebook"] if record.is_file() else {}
        return f"{book['version']} ({book['sha256'][:8]})" if book else "unknown"

    def _job_columns(self, jobs: Cells, call_seconds: np.ndarray) -> dict[str, Any]:
        """The job's id, and the seconds of the call (`told`), or of the whole job where a line does not tell them."""
        import numpy as np

        distinct, codes = _number(jobs, len(jobs))
        times = self.ledger.job_times()
        ids, starts, ends = _turn([times.get(job, ("", None, None)) for job in distinct], 3)
        seconds = np.array(list(map(seconds_between, starts, ends)), "float64")[codes]
        return {"batch_id": _texts(ids).take(codes), "seconds": np.where(np.isnan(call_seconds), seconds, call_seconds)}


def open_result(folder: RunFolder, name: str, custom_id: str) -> IO[bytes]:
    """Open a result file by its name under `runs/`."""
    path = folder.runs / name
    if not path.is_file():
        raise RecordError(f"runs/{name} is gone: it holds the answer {custom_id}. To mend: restore it from a backup.")
    check_named(path)
    return path.open("rb")


def _read_lines(file: IO[bytes], starts: Sequence[int], ends: Sequence[int]) -> Iterator[Said]:
    """Yield what the lines at these bytes say; they are in order, and the file is read block by block."""
    first = 0
    while first < len(starts):
        start = starts[first]
        last = max(first + 1, bisect_right(ends, start + _BLOCK))
        file.seek(start)
        block = file.read(ends[last - 1] - start)
        places = zip(starts[first:last], ends[first:last], strict=True)
        yield from read_said([block[begin - start : end - start] for begin, end in places])
        first = last


def _check_readable(why: str | None, detail: str, where: str) -> tuple[str | None, str]:
    """The same, unless the line cannot be read, which could be when it was collected."""
    if detail == UNREADABLE:
        raise RecordError(f"{where}: not a line of JSON. The file is damaged since it was collected; restore it.")
    return why, detail


def _turn(rows: Sequence[tuple[Any, ...]], n_columns: int) -> list[Cells]:
    """Turn rows into columns, also where there is no row."""
    return list(zip(*rows, strict=True)) or [()] * n_columns


def _number(cells: Iterable[Any], n_cells: int) -> tuple[list[Any], np.ndarray]:
    """Return the different cells, and for each cell the number of its like among them."""
    import numpy as np

    numbers: defaultdict[Hashable, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    codes = np.fromiter(map(numbers.__getitem__, cells), "int64", n_cells)
    return list(numbers), codes


def _texts(cells: Iterable[str | None]) -> Any:
    import pandas as pd

    return pd.array(list(cells), dtype="str")


def remember(read: Callable[[str], T]) -> Callable[[str], T]:
    """Return a reader of replies with a memory: most replies are one of a few texts. Long ones are not kept."""
    remembered = lru_cache(_N_REMEMBERED)(read)
    return lambda text: remembered(text) if len(text) <= _LONGEST_REMEMBERED else read(text)


def read_logprobs(folder: RunFolder, rows: Iterable[RowState]) -> pd.DataFrame:
    """Return the log probability of each reply that has one, one row for each unit, variable and draw.

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
