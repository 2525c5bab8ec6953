"""The file of a gold sample: written once, enlarged but never changed, its test part locked; found again by its run."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from codebook.analysis.core.checks import name_some
from codebook.analysis.core.gold_samples import NO_WEIGHTS, GoldSample
from codebook.errors import Fault, ParameterError, RecordError
from codebook.files.lines import digest, dump_canonical, dump_line, load_line, number_lines, write_atomic
from codebook.ground.joins import join_ids
from codebook.ground.quantities import say_count
from codebook.paths import GOLD_SAMPLE, missing_file, name_record, resolve_path, show_path
from codebook.sampling.draw import COLUMNS, take_part

FORMAT = "gold sample 1"
NONE = "none"
"""In place of a sample's file: use none, though one may lie beside the run."""


def write_gold_sample(sample: GoldSample, path: str | Path) -> str:
    """Write a sample as JSON lines, a head and then a line for each unit, and say what was written.

    A file that is there is only ever enlarged: a sample that holds all its units, in the same parts, replaces it; the
    same sample leaves it as it is; any other is refused, so that no second draw takes the place of the test part.

    Parameters
    ----------
    sample
        The whole sample of `draw_gold`.

    Raises
    ------
    ParameterError
        The file holds another sample, or this is no whole sample.
    RecordError
        The file is damaged.

    Examples
    --------
    >>> import tempfile; folder = tempfile.TemporaryDirectory(); path = Path(folder.name) / "gold_sample.jsonl"
    >>> from codebook.sampling import draw_gold
    >>> write_gold_sample(draw_gold(pd.DataFrame({"unit_id": range(9)}), 3), path)
    'gold_sample.jsonl: 3 units (0 dev, 3 test), from 9.'
    >>> read_gold_sample(path, part="test", unlock=True).frame["prob"].round(3).tolist()
    [0.333, 0.333, 0.333]
    >>> folder.cleanup()
    """
    file = resolve_path(path)
    if absent := [name for name in COLUMNS if name not in sample.frame]:
        _refuse(file, f"the sample has no {name_some(absent)}", "pass the whole sample of draw_gold")
    if sample.part not in ("", "all"):
        _refuse(file, f"this is the part {sample.part!r} only", "pass the whole sample of draw_gold")
    rows: list[dict[Any, Any]] = sample.frame[list(COLUMNS)].to_dict("records")
    if file.exists():
        _check_enlarges(file, rows, sample.frame)
    head: dict[str, Any] = {"format": FORMAT, "n_units": sample.n_units or None, "rounds": list(sample.rounds)}
    head |= {"sha256": _digest(rows), "strata": sample.strata}
    with write_atomic(file) as out:
        out.writelines(dump_line(each) for each in (head, *rows))
    n_dev = int((sample.frame["part"] == "dev").sum())
    parts = f"{n_dev:,} dev, {len(rows) - n_dev:,} test"
    origin = f", from {sample.n_units:,}" if sample.n_units else ""
    return f"{file.name}: {say_count(len(rows), 'unit')} ({parts}){origin}."


def read_gold_sample(path: str | Path, *, part: str = "dev", unlock: bool = False) -> GoldSample:
    """Read a part of a sample; `prob` is the chance with which a unit came into this part.

    Parameters
    ----------
    part
        "dev" is for tuning prompt and codebook. "test" and "all" are locked: gold that a prompt was tuned on must not
        be the gold that is reported.
    unlock
        Say that the tuning is over, to read "test" or "all" for the figures that are reported.

    Returns
    -------
    GoldSample
        As `draw_gold` gives it, for `codings.with_sample(...)`.

    Raises
    ------
    ParameterError
        No such file, a locked part, a part without units.
    RecordError
        The file is damaged or was edited.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = write_gold_sample(cb.draw_gold(pd.DataFrame({"unit_id": range(40)}), 10, dev_share=0.5), "sample.jsonl")
    >>> len(read_gold_sample("sample.jsonl", part="dev").frame)
    5
    """
    file = resolve_path(path)
    if not file.is_file():
        raise ParameterError("The gold sample cannot be read.", [missing_file(file)])
    if part != "dev" and not unlock:
        mend = "pass unlock=True once prompt and codebook are final and the figures are those of the report"
        _refuse(file, f"the part {part!r} is locked", mend)
    sample = take_part(_read(file), part)
    if fault := _find_lack(sample, file, part):
        _refuse(file, fault.problem, fault.mend)
    return sample


def _find_lack(sample: GoldSample, file: Path, part: str) -> Fault | None:
    mend = "read part='test' with unlock=True, or draw with dev_share above 0"
    return None if len(sample.frame) else Fault(show_path(file), f"it has no part {part!r}", mend)


def is_gold_sample(path: Path) -> bool:
    """Whether a file is one of `write_gold_sample`.

    Examples
    --------
    >>> import codebook as cb
    >>> is_gold_sample(Path("data/texts.csv"))
    False
    """
    if path.suffix != ".jsonl":
        return False
    with path.open("rb") as file:
        return file.readline().startswith(b'{"format":"%s"' % FORMAT.encode())


def erase_from_sample(path: Path, unit_ids: Collection[str]) -> int:
    """Take units out of a sample's file and return how many there were; the chances stay those of the draw.

    Raises
    ------
    RecordError
        The file is damaged or was edited.

    Examples
    --------
    >>> import codebook as cb
    >>> _ = write_gold_sample(cb.draw_gold(pd.DataFrame({"unit_id": ["a", "b"]}), 2), "sample.jsonl")
    >>> erase_from_sample(Path("sample.jsonl"), ["a"])
    1
    """
    _read(path)
    head, *rows = _read_lines(path)
    rest = [row for row in rows if row["unit_id"] not in unit_ids]
    if len(rest) < len(rows):
        with write_atomic(path) as out:
            out.writelines(dump_line(each) for each in (head | {"sha256": _digest(rest)}, *rest))
    return len(rows) - len(rest)


def _read(file: Path) -> GoldSample:
    """The whole sample, held against its digest."""
    lines = _read_lines(file)
    head = next(lines, {})
    if head.get("format") != FORMAT:
        raise RecordError(
            f"{show_path(file)}: this is not a gold sample. To mend: name a file that write_gold_sample wrote."
        )
    rows = list(lines)
    if _digest(rows) != head.get("sha256"):
        raise RecordError(
            f"{show_path(file)}: the units are not those that were drawn: the file was edited or cut short. "
            "To mend: take it from your copies, or draw again with the seed in its head."
        )
    texts = dict.fromkeys(("unit_id", "stratum", "part"), "str")
    types: dict[Any, Any] = {**texts, "prob": float, "prob_part": float, "round": "int64"}
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).astype(types)
    rounds, strata, n_units = (head.get(name) for name in ("rounds", "strata", "n_units"))
    return GoldSample(
        frame, name_record(file), named=True, n_units=n_units or 0, rounds=rounds or [], strata=strata or {}
    )


def _read_lines(file: Path) -> Iterator[dict[str, Any]]:
    for number, _, line in number_lines(file):
        yield load_line(line, f"{show_path(file)}, line {number}")


def _digest(rows: list[dict[Any, Any]]) -> str:
    return digest(*(dump_canonical(row) for row in rows))


def _check_enlarges(file: Path, rows: list[dict[Any, Any]], sample: pd.DataFrame) -> None:
    """Refuse a sample that would lose or change a unit of the file."""
    old = _read(file).frame
    drawn = {(row["unit_id"], row["part"], row["round"]) for row in rows}
    stays = [row in drawn for row in zip(old["unit_id"], old["part"], old["round"], strict=True)]
    mend = "enlarge it (draw_gold(..., earlier=read_gold_sample(path, part='all', unlock=True))), or name another file"
    if not all(stays):
        lost = old.loc[[not stay for stay in stays], "unit_id"]
        join = join_ids(lost, sample["unit_id"].astype(str))
        near = f" ({join.example('the new one')})" if join.near else ""
        problem = f"it holds another sample: {len(lost):,} of its units would be lost or change their part{near}"
        _refuse(file, problem, mend)
    if len(old) == len(sample) and not (old["prob"].to_numpy() == sample["prob"].to_numpy()).all():
        _refuse(file, "it holds the same units with other probabilities", mend)


def _refuse(file: Path, problem: str, mend: str) -> None:
    raise ParameterError("The gold sample was left as it is.", [Fault(show_path(file), problem, mend)])


def open_gold_sample(
    folder: str | Path, *, file: str = "", part: str = "test", unlock: bool = False
) -> GoldSample | None:
    """Find the sample by whose chances gold units are to be weighted.

    Gold that was drawn with unequal chances shows other figures than the whole, so a sample that lies beside the run
    is used unless it is told otherwise.

    Parameters
    ----------
    folder
        Of the run, where its own sample lies.
    file
        Of the sample, in the folder of the run or of the project; empty for the run's own if there is one, "none" for
        no sample.
    part, unlock
        As in `read_gold_sample`. A part that is locked or without units is a fault only where it is used.

    Raises
    ------
    ParameterError
        No such file.
    RecordError
        The file is damaged.

    Examples
    --------
    >>> import codebook as cb
    >>> print(open_gold_sample("runs/topics"))
    None
    """
    if file == NONE:
        return NO_WEIGHTS
    path = resolve_path(folder) / (file or GOLD_SAMPLE)
    if not path.is_file():
        if file in ("", GOLD_SAMPLE):
            return None
        path = resolve_path(file)
    if not path.is_file():
        raise ParameterError("The gold sample cannot be read.", [missing_file(path)])
    sample = take_part(_read(path), part)
    lack = _find_lack(sample, path, part)
    locked = _refuse_locked(path, part) if part != "dev" and not unlock else lack
    return replace(sample, locked=(locked,) if locked else (), named=bool(file))


def _refuse_locked(path: Path, part: str) -> Fault:
    ways = "set `unlock: true`; until then `part: dev`, or `sample: none` for no sample"
    mend = f"once prompt and codebook are final, `codebook freeze`, or {ways}"
    return Fault(show_path(path), f"the part {part!r} is locked", mend)
