"""What the folder of a run holds, read back and held together: every fault is found, none is mended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from codebook.errors import Fault
from codebook.files.digests import digest_of, find_faults, named_digest
from codebook.files.lines import dump_canonical, load_line, number_lines
from codebook.ground.quantities import say_count
from codebook.ledger import KEPT, Ledger, PlannedRow
from codebook.ledger.carried import known_keys
from codebook.ledger.migrations import name_old_answerer
from codebook.paths import show_path
from codebook.records import Asking, Shard, request_key
from codebook.run.answers.carrying import Carried
from codebook.run.folder import RunFolder
from codebook.run.questions.planner import list_rows, make_keys
from codebook.scheme import Codebook
from codebook.shards import BYTES_PER_TOKEN, weigh_line

_MEND = "restore the folder from where it came from; nothing was changed"


@dataclass(frozen=True)
class ShardFile:
    """A shard: its number, what the ledger notes of it, and the key of the question of each of its lines."""

    number: int
    shard: Shard
    keys: Mapping[str, str]


@dataclass
class Contents:
    """The folder of a run.

    Attributes
    ----------
    rows, shards
        Of the run, in the order in which they were planned; the rows without the keys of their questions.
    keys
        The key of each question by custom_id.
    variables
        The variable that each line asks about, by custom_id.
    faults
        What does not fit.
    """

    folder: RunFolder
    book: Codebook
    record: Mapping[str, Any]
    carried: Carried
    rows: list[PlannedRow] = field(default_factory=list)
    shards: list[ShardFile] = field(default_factory=list)
    keys: Mapping[str, str] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def read(self, ledger: Ledger) -> None:
        """Read all of it; questions that another run asked must be in the ledger."""
        if self._check_units():
            self.rows = list(list_rows(self.folder, self.book, self.asking))
            self._check_files()
            draws = {row.custom_id: row.draw for row in self.rows if not row.skip}
            self.variables = {row.custom_id: row.variable for row in self.rows}
            self.shards = list(self._read_shards(draws))
            self.keys = self._find_keys(ledger)

    @property
    def asking(self) -> Asking:
        """Who was asked, and how."""
        return Asking.from_record(self.record)

    @property
    def answerer(self) -> str:
        """Who answers the run, as its folder says; empty where that is not known."""
        carried, noted = self.carried.run.get("answered_by"), self.record.get("answerer")
        return str(carried or noted or name_old_answerer(self.folder.runs, self.record["asked"]))

    def fault(self, path: Path, problem: str, mend: str = _MEND) -> None:
        """Note something that does not fit."""
        self.faults.append(Fault(show_path(path), problem, mend))

    def list_results(self, number: int) -> list[Path]:
        """The result files of a shard that were read, in that order; of a run of old all that there are."""
        known = self.carried.shards.get(number, {}).get("files")
        if known is not None:
            return [self.folder.results / name for name in known]
        paths = self.folder.results.glob(f"{number:04d}-*.jsonl")
        return sorted(paths, key=lambda path: ("output" not in path.name, path))

    def _check_units(self) -> bool:
        folder, record = self.folder, self.record
        if self.book.digest != record["codebook"]["sha256"]:
            self.fault(folder.codebook_path, "it is not the codebook that run.json names")
        if not folder.units_path.is_file() or digest_of(folder.units_path) != record["units"]["sha256"]:
            self.fault(folder.units_path, "it is gone, or not the one that run.json names")
            return False
        return True

    def _check_files(self) -> None:
        """Hold shards and results against their digests."""
        recorded = self.record.get("files", {})
        for path in (path for number in self.carried.shards for path in self.list_results(number)):
            if not path.is_file() and f"results/{path.name}" not in recorded:
                self.fault(path, "is gone")
        for path, problem in find_faults(self.folder.path, recorded):
            self.fault(path, problem)
        for path in sorted(self.folder.shards.glob("*.jsonl")):
            sha256 = digest_of(path)
            if not sha256.startswith(named_digest(path.name)) or recorded.get(f"shards/{path.name}", sha256) != sha256:
                self.fault(path, "it was changed since it was written")

    def _read_shards(self, draws: Mapping[str, int]) -> Iterator[ShardFile]:
        """Yield the shards in the order of their numbers; one of which nothing was asked has no file."""
        noted = {number: line["shard"] for number, line in self.carried.shards.items() if "shard" in line}
        paths: dict[int, Path] = {}
        for path in sorted(self.folder.shards.glob("[0-9]*.jsonl")):
            number = int(path.name.partition("-")[0])
            if noted.get(number, {}).get("file", path.name) == path.name and paths.setdefault(number, path) != path:
                self.fault(path, f"there is another shard {number}")
        seen: dict[str, str] = {}
        for number in sorted(paths.keys() | noted.keys()):
            if number in paths:
                yield self._read_shard(number, paths[number], draws, seen)
                continue
            known = noted[number]
            path = self.folder.shards / known["file"]
            if known["n_requests"]:
                self.fault(path, "it is gone")
            yield ShardFile(number, Shard(path, known["sha256"], known["url"], known["model"], 0, 0, 0), {})

    def _read_shard(self, number: int, path: Path, draws: Mapping[str, int], seen: dict[str, str]) -> ShardFile:
        """Read a shard; a question that is asked again keeps the key of its first line."""
        keys, strays, weight = dict[str, str](), list[str](), 0
        url, model, place_of_file = "", "", show_path(path)
        for place, _, raw in number_lines(path):
            line = load_line(raw, f"{place_of_file}, line {place}")
            name, body = str(line["custom_id"]), line["body"]
            url, model = str(line["url"]), str(body["model"])
            draw = draws[name] if name in draws else self._find_draw(name)
            if draw is None:
                strays.append(name)
                continue
            key = seen.setdefault(name, request_key(url, dump_canonical(body), draw))
            keys[name], weight = key, weight + weigh_line(raw) + 1
        if strays:
            self.fault(
                path,
                f"{say_count(len(strays), 'line asks', 'lines ask')} about nothing in units.jsonl, such as {strays[0]}",
            )
        size = (path.stat().st_size, weight // BYTES_PER_TOKEN)
        return ShardFile(number, Shard(path, digest_of(path), url, model, len(keys), *size), keys)

    def _find_draw(self, name: str) -> int | None:
        """The draw of a line that bears no row's name, since its unit was erased and another run rests on it."""
        parts = name.split(".")
        variable = next((each.name for each in self.book.variables if each.name[:16] == parts[0]), "")
        if not self.record.get("erased") or not variable or len(parts) < 3 or not parts[-2].isdecimal():
            return None
        self.variables[name] = variable
        return int(parts[-2])

    def _find_keys(self, ledger: Ledger) -> dict[str, str]:
        """The key of every question; one that stands in no shard was asked by another row, or by another run."""
        elsewhere = self.carried.elsewhere
        of_shards = {name: key for shard in reversed(self.shards) for name, key in shard.keys.items()}
        of_others = {name: key for name, (key, _) in elsewhere.items()}
        with_key = of_shards.keys() | of_others.keys()
        left = [row.custom_id for row in self.rows if not row.skip and row.custom_id not in with_key]
        if left:
            made = make_keys(self.folder, self.book, self.asking)
            as_sent = {made[name]: key for name, key in of_shards.items() if name in made}
            of_others |= {name: as_sent.get(made[name], made[name]) for name in left}
        known = known_keys(ledger, of_others.values(), self.answerer) | set(of_shards.values())
        if lacking := [name for name, key in of_others.items() if key not in known]:
            self._miss(lacking, sorted({elsewhere[name][1] for name in lacking if name in elsewhere} - {""}))
        return of_others | of_shards

    def _miss(self, names: Sequence[str], runs: Sequence[str]) -> None:
        by = f" by run {' and '.join(map(repr, runs))}" if runs else " by another run"
        mend = f"adopt {' and '.join(runs) or 'the run that asked them'} first"
        if any(run.startswith(f"{KEPT}/") for run in runs):
            mend += " (what a discarded run left: copy that folder of runs/ under a name of its own, and adopt it so)"
        problem = f"{len(names):,} of its questions were asked{by}, such as {names[0]}, and the ledger lacks them"
        self.fault(self.folder.path, problem, mend)
