"""What the folder of a run says of a study, with the digest of each file that says it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codebook.analysis.core.codings import Codings
from codebook.codings import OF_CODINGS, iter_table, pile_pieces, read_coders
from codebook.engines import About, about_engine
from codebook.engines.replay import list_sources
from codebook.errors import RunError, mend_name, say_mend
from codebook.files.digests import digest_of, read_run_record
from codebook.files.run_versions import NO_NAME, find_version
from codebook.ground.joins import DistinctIds
from codebook.ground.whys import WHYS
from codebook.material.unit_store import is_part, iter_units
from codebook.outputs import OutputEntry, read_outputs
from codebook.paths import GOLD_SAMPLE, resolve_path, runs_folder, show_path
from codebook.records import Asking
from codebook.scheme import Codebook, read_codebook

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Facts:
    """What a methods section and its checklist draw on; `table` is the run's own, `coders` the labels beside it.

    `sources` are the folders of the run and of those whose answers it shares, such as its pilot.
    """

    folder: Path
    record: dict[str, Any]
    book: Codebook
    table: pd.DataFrame
    coders: Codings
    outputs: Sequence[OutputEntry]
    coders_path: Path | None = None
    sources: Sequence[Path] = ()

    @property
    def gold(self) -> str:
        """The coder whose labels are the gold."""
        return self.coders.gold

    @property
    def asking(self) -> Asking:
        """Who was asked, and how."""
        return Asking.from_record(self.record)

    @property
    def about(self) -> About:
        """What the engine says of itself; nothing where it is not known any more."""
        return about_engine(self.asking.engine) or About()

    @property
    def answered(self) -> dict[str, Any]:
        """What came back, as run.json has it; the days are those of all runs that asked."""
        mine = dict(self.record.get("answered") or {})
        records = [read_run_record(folder / "run.json").get("answered", {}) for folder in self.sources[1:]]
        for name, choose in (("first_submitted", min), ("last_ended", max)):
            mine[name] = choose(filter(None, [each.get(name) for each in (mine, *records)]), default="")
        return mine

    def list_files(self, kind: str) -> list[Path]:
        """The files of requests ("shards") or raw replies ("results"), of all runs that asked."""
        return [path for folder in self.sources for path in sorted((folder / kind).glob("[0-9]*.jsonl"))]

    @property
    def labels_of_people(self) -> pd.DataFrame:
        """Rows with a label of the coders beside the run who are no models and not the gold."""
        return self._labels(self.coders.people)

    @property
    def n_gold(self) -> int:
        """Units of the run with a gold label."""
        return int(self.table.loc[self._in_gold, "unit_id"].nunique())

    @cached_property
    def _in_gold(self) -> pd.Series:
        """Which rows of the run are of a unit with a gold label."""
        return self.table["unit_id"].isin(self._labels([self.gold])["unit_id"])

    def _labels(self, coders: Sequence[str]) -> pd.DataFrame:
        frame = self.coders.frame
        return frame[frame["coder"].isin(coders) & frame["label"].notna()]

    @property
    def whys(self) -> dict[str, int]:
        """How many rows of the run's table lack a label, by the reason."""
        counts = self.table["why"].value_counts()
        return {why: int(counts[why]) for why in WHYS if counts.get(why, 0)}

    @property
    def sample_path(self) -> Path:
        """Where the gold sample of the run lies, if one was drawn."""
        return self.folder / GOLD_SAMPLE

    def saved(self, section: str) -> list[OutputEntry]:
        """The saved outputs of a section, without its remarks."""
        return [entry for entry in self.outputs if entry.section == section and entry.kind != "remark"]

    def remark(self, name: str) -> str:
        """Why there was nothing to save under this name; empty where there was."""
        return next((entry.note for entry in self.outputs if entry.name == name and entry.kind == "remark"), "")

    def weighed(self, by_chance: bool) -> list[str]:
        """Names of the saved outputs whose gold units weigh 1 / their chance in the sample, or of those that do not."""
        return [entry.name for entry in self.outputs if entry.facts.get("weighted") is by_chance]

    @property
    def all_gold(self) -> bool:
        """Whether every unit of the run has a gold label, so that none had to be drawn."""
        return bool(len(self.table) and self._in_gold.all())

    def evidence(self, name: str) -> str:
        """A file of the run with the start of its SHA-256, or nothing where there is none."""
        return cite(self.folder / name)


def cite(path: Path) -> str:
    """Return a file's name with the start of its SHA-256, or nothing where there is none."""
    return f"{path.name} ({digest_of(path)[:12]})" if path.is_file() else ""


def find_collected(run: str) -> Path:
    """Return the folder of a run, or of the version that its name stands for, that has a table."""
    if not run:
        raise RunError(NO_NAME)
    folder = runs_folder()
    folder /= find_version(folder, run)
    if not (folder / "run.json").is_file():
        runs = sorted(path.parent.name for path in folder.parent.glob("*/run.json"))
        mend = mend_name(run, runs, f"name one of: {', '.join(runs)}") if runs else "plan and collect it first"
        raise RunError(f"There is no run {run!r}. {say_mend(mend)}")
    if not (folder / "table.csv").is_file():
        raise RunError(f"Run {run!r} has no table.csv yet. To mend: collect it first.")
    return folder


def gather_facts(run: str, *, coders: str | Path = "", gold: str = "") -> Facts:
    """Read what a run's folder says; `coders` is the coders.yaml with the labels of people, `gold` the gold coder.

    Raises
    ------
    RunError
        The run has no table yet.
    """
    folder = find_collected(run)
    book = read_codebook(folder / "codebook.yaml")
    pieces = iter_table(folder / "table.csv")
    table = pile_pieces(piece[[name for name in OF_CODINGS if name in piece]] for piece in pieces)
    record = read_run_record(folder / "run.json")
    others = Codings(table.head(0), [])
    if coders:
        ids = DistinctIds(lambda: (unit.unit_id for unit, _ in iter_units(folder / "units.jsonl")))
        others = read_coders(coders, book, units=ids, partial=is_part(record["units"]))
    where = resolve_path(coders) if coders else None
    shared = [folder.parent / name for name in list_sources(folder)]
    sources = [folder, *(path for path in shared if (path / "run.json").is_file())]
    return Facts(folder, record, book, table, others.with_gold(gold), read_outputs(folder / "outputs"), where, sources)


def short_path(path: Path | None) -> str:
    """A path as it is shown in text."""
    return show_path(path) if path else ""
