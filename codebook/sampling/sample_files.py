"""The file of a gold sample: written once, enlarged but never changed, its test part locked; found again by its run."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from codebook.analysis.core.codings import GoldSample
from codebook.errors import Fault, ParameterError, RecordError
from codebook.files.lines import digest, dump_canonical, dump_line, load_line, number_lines, write_atomic
from codebook.ground.joins import join_ids
from codebook.paths import missing_file, resolve_path, show_path
from codebook.sampling.draw import COLUMNS, take_part
from codebook.sampling.population import name_some

FORMAT = "gold sample 1"
GOLD_SAMPLE = "gold_sample.jsonl"
"""Name of a run's own gold sample, in its folder."""
NONE = "none"
"""In place of a sample's file: use none, though one may lie beside the run."""


def write_gold_sample(sample: pd.DataFrame, path: str | Path) -> str:
    """Write a sample as JSON lines, a head and then a line a unit, and say what was written.

    A file that is there is only ever enlarged: a sample that holds all its units, in the same parts, replaces it; the
    same sample leaves it as it is; any other is refused, so that no second draw takes the place of the test part.

    Parameters
    ----------
    sample
        The whole frame of `draw_gold`.

    Raises
    ------
    ParameterError
        The file holds another sample, or the frame is no gold sample.
    RecordError
        The file is damaged.

    Examples
    --------
    >>> import tempfile; folder = tempfile.TemporaryDirectory(); path = Path(folder.name) / "gold_sample.jsonl"
    >>> from codebook.sampling import draw_gold
    >>> write_gold_sample(draw_gold(pd.DataFrame({"unit_id": range(9)}), 3), path)
    'gold_sample.jsonl: 3 units (0 dev, 3 test), from 9.'
    >>> read_gold_sample(path, part="test", unlock=True)["prob"].round(3).tolist()
    [0.333, 0.333, 0.333]
    >>> folder.cleanup()
    """
    file = resolve_path(path)
    if absent := [name for name in COLUMNS if name not in sample]:
        _refuse(file, f"the frame has no {name_some(absent)}", "pass the whole frame of draw_gold")
    rows: list[dict[Any, Any]] = sample[list(COLUMNS)].to_dict("records")
    if file.exists():
        _check_enlarges(file, rows, sample)
    rounds = sample.attrs.get("rounds", [])
    head = {"format": FORMAT, "n_units": sample.attrs.get("n_units"), "rounds": rounds, "sha256": _digest(rows)}
    head["strata"] = sample.attrs.get("strata", {})
    with write_atomic(file) as out:
        out.writelines(dump_line(each) for each in (head, *rows))
    n_dev = int((sample["part"] == "dev").sum())
    parts = f"{n_dev:,} dev, {len(rows) - n_dev:,} test"
    origin = f", from {head['n_units']:,}" if head["n_units"] else ""
    return f"{file.name}: {len(rows):,} units ({parts}){origin}."


def read_gold_sample(path: str | Path, *, part: str = "dev", unlock: bool = False) -> pd.DataFrame:
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
    pd.DataFrame
        As `draw_gold` gives it; pass it as `sample` to `correct`, `prevalence`, `pair_with_gold`.

    Raises
    ------
    ParameterError
        No such file, a locked part, a part without units.
    RecordError
        The file is damaged or was edited.
    """
    file = resolve_path(path)
    if not file.is_file():
        raise ParameterError("The gold sample cannot be read.", [missing_file(file)])
    if part != "dev" and not unlock:
        mend = "pass unlock=True once prompt and codebook are final, and the figures are for the report"
        _refuse(file, f"the part {part!r} is locked", mend)
    sample = take_part(_read(file), part)
    if not len(sample):
        mend = "read part='test' with unlock=True, or draw with dev_share above 0"
        _refuse(file, f"it has no part {part!r}", mend)
    return sample


def is_gold_sample(path: Path) -> bool:
    """Whether a file is one of `write_gold_sample`."""
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
    """
    _read(path)
    head, *rows = _read_lines(path)
    kept = [row for row in rows if row["unit_id"] not in unit_ids]
    if len(kept) < len(rows):
        with write_atomic(path) as out:
            out.writelines(dump_line(each) for each in (head | {"sha256": _digest(kept)}, *kept))
    return len(rows) - len(kept)


def _read(file: Path) -> pd.DataFrame:
    """The whole sample, held against its digest."""
    lines = _read_lines(file)
    head = next(lines, {})
    if head.get("format") != FORMAT:
        raise RecordError(f"{show_path(file)}: this is no gold sample. To mend: name a file of write_gold_sample.")
    rows = list(lines)
    if _digest(rows) != head.get("sha256"):
        raise RecordError(
            f"{show_path(file)}: the units are not those that were drawn: the file was edited or cut short. "
            "To mend: take it from your copies, or draw again with the seed in its head."
        )
    types: dict[Any, Any] = {
        "unit_id": "str",
        "stratum": "str",
        "part": "str",
        "prob": float,
        "prob_part": float,
        "round": "int64",
    }
    sample = pd.DataFrame(rows, columns=list(COLUMNS)).astype(types)
    sample.attrs = {name: head.get(name) for name in ("n_units", "rounds", "strata")}
    if sample.attrs["rounds"]:
        sample.attrs["seed"] = sample.attrs["rounds"][-1].get("seed")
    return sample


def _read_lines(file: Path) -> Iterator[dict[str, Any]]:
    for number, _, line in number_lines(file):
        yield load_line(line, f"{show_path(file)}, line {number}")


def _digest(rows: list[dict[Any, Any]]) -> str:
    return digest(*(dump_canonical(row) for row in rows))


def _check_enlarges(file: Path, rows: list[dict[Any, Any]], sample: pd.DataFrame) -> None:
    """Refuse a sample that would lose or change a unit of the file."""
    old = _read(file)
    drawn = {(row["unit_id"], row["part"], row["round"]) for row in rows}
    kept = [each in drawn for each in zip(old["unit_id"], old["part"], old["round"], strict=True)]
    mend = "enlarge it (draw_gold(..., earlier=read_gold_sample(path, part='all', unlock=True))), or name another file"
    if not all(kept):
        lost = old.loc[[not each for each in kept], "unit_id"]
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
        Of the sample; empty for the run's own if there is one, "none" for no sample.
    part, unlock
        As in `read_gold_sample`. A part that is locked is a fault only where it is used.

    Raises
    ------
    ParameterError
        No such file.
    RecordError
        The file is damaged.
    """
    path = resolve_path(file) if file else resolve_path(folder) / GOLD_SAMPLE
    if file == NONE:
        return GoldSample(pd.DataFrame(columns=["unit_id", "prob"]), declined=True)
    if not file and not path.is_file():
        return None
    is_locked = path.is_file() and part != "dev" and not unlock
    locked = (_refuse_locked(path, part),) if is_locked else ()
    sample = read_gold_sample(path, part=part, unlock=True)
    return GoldSample(sample, show_path(path), part, locked, named=bool(file))


def _refuse_locked(path: Path, part: str) -> Fault:
    ways = "`unlock: true` once prompt and codebook are final; until then `part: dev`, or `sample: none` for no sample"
    return Fault(show_path(path), f"the part {part!r} is locked", f"set {ways}")
