"""The files of a deposit, put into its folder: as they are, or without texts and under pseudonyms."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import yaml

from codebook.codings.coder_files.coders import parse_coders
from codebook.deposit.coder_pseudonyms import name_coders, read_labels, write_labels
from codebook.deposit.deposit_layout import CODERS, STUDY, WITHHELD, Texts
from codebook.deposit.leak_search import Traces
from codebook.deposit.study_sources import Sources
from codebook.deposit.withheld_texts import (
    Withholding,
    make_withholding,
    read_units_table,
    withhold_run,
    write_book,
    write_units_table,
)
from codebook.errors import CodebookError
from codebook.execute import find_notebook, read_parameters
from codebook.files.digests import digest_of
from codebook.files.lines import dump_line
from codebook.files.tables.formats import READERS
from codebook.files.unfolding import find_kind
from codebook.material.unit_store import iter_units
from codebook.paths import project_folder, resolve_path, show_path
from codebook.run.freezing import FREEZES, read_openings
from codebook.scheme import Codebook, read_codebook, write_codebook, write_qdc
from codebook.study.study_facts import NONE

_LEFT = ("work", "exports", "paper")
MADE = ("outputs", "notebooks", "report.html")
"""What of a run is made anew where texts or names are kept out of it."""
_NO_DATA = (".yaml", ".yml", ".md", ".txt", "")
"""Endings of files of a study that are no tables."""
UNITS = "data/units_of_the_deposit.csv"


@dataclass
class Assembly:
    """A deposit that is being written.

    Attributes
    ----------
    room
        Its folder.
    hold
        What withholds texts; None where they are included.
    withheld
        (place in the project, bytes, SHA-256, why) of each file that stays here.
    names
        Pseudonyms by the names of coders; empty where names stay.
    """

    sources: Sources
    texts: Texts
    private: bool
    room: Path
    hold: Withholding | None = None
    withheld: dict[str, tuple[int, str, str]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether every file goes in unchanged."""
        return self.texts == "include" and not self.private

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps that can be run anew: all of them; without texts, those that ask no model."""
        file = self.sources.file
        steps = [(each.name, find_notebook(each.notebook, file.notebooks)) for each in file.steps] if file else []
        return tuple(name for name, path in steps if self.texts == "include" or "engine" not in read_parameters(path))

    def fill(self) -> None:
        """Put in everything that is there before anything is made anew."""
        facts: dict[str, Any] = {}
        if self.texts != "include":
            self.hold = make_withholding(self.texts, self.sources.study.codebook, Traces.of(self._read_texts()))
        for place, path in self.sources.notebooks.items():
            self.copy(place, path, _bare if self.hold else None)
        if self.is_open:
            for place, path in self.sources.data.items():
                self.copy(place, path)
        else:
            facts = self._fill_data()
        file = self.sources.file
        if file and not resolve_path(file.notebooks).resolve().is_relative_to(project_folder()):
            facts["notebooks"] = "notebooks"
        self._write_study(facts)
        self._fill_runs()
        self._write_openings()
        self._write_codebook()
        self._write_withheld()

    @property
    def _units_table(self) -> Path | None:
        """The study's table of units, if that is where they are."""
        units = self.sources.study.facts.units
        path = resolve_path(units) if units else None
        is_table = path and path in self.sources.data.values() and find_kind(path) in READERS
        return path if is_table else None

    @property
    def _text_columns(self) -> set[str]:
        facts = self.sources.study.facts
        return {facts.text_column or "text", *facts.context_columns}

    def _read_texts(self) -> Iterator[str]:
        """Texts of units: those of the runs, and those of the study's table that were not coded."""
        for folder in self.sources.runs.values():
            for unit, _ in iter_units(folder.units_path):
                yield from (unit.text, *unit.context.values())
        if table := self._units_table:
            for row in read_units_table(table, self.sources.study.facts.form):
                yield from (row.get(name, "") for name in self._text_columns)

    def copy(self, place: str, path: Path, change: Callable[[bytes], bytes] | None = None) -> None:
        """Copy a file to its place; of a codebook, examples that are texts which stay here are left out."""
        target = self.room / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if change:
            target.write_bytes(change(path.read_bytes()))
        elif self.hold and path.suffix in (".yaml", ".yml") and _is_codebook(path):
            write_book(path, target, self.hold)
        else:
            shutil.copyfile(path, target)

    def keep_here(self, path: Path, why: str) -> None:
        """Note a file that is withheld from the deposit."""
        self.withheld[show_path(path)] = (path.stat().st_size, digest_of(path), why)

    def _fill_data(self) -> dict[str, Any]:
        """Put in the data without names and texts; return the lines that study.yaml needs for it."""
        study, facts = self.sources.study, dict[str, Any]()
        codings = read_labels(study, self.sources.run)
        if codings is not None:
            self.names = name_coders(codings) if self.private else {}
            write_labels(codings, self.names, self.room, self.hold)
            facts |= {"coders": CODERS, "coding": {}, "models": codings.machines}
            facts["gold"] = self.names.get(study.gold, study.gold)
        book = resolve_path(study.facts.codebook) if study.facts.codebook else None
        of_coders = self._files_of_coders()
        for place, path in self.sources.data.items():
            if path == self._units_table:
                facts |= self._write_units(path, of_coders.get(path, ()))
            elif path in of_coders:
                self.keep_here(path, "its labels are in the table of labels")
            elif not self.hold or path == book or path.suffix in _NO_DATA or _is_notice(path):
                self.copy(place, path)
            else:
                self.keep_here(path, "it may hold texts of units")
        return facts

    def _files_of_coders(self) -> dict[Path, tuple[str, ...]]:
        """Files with labels of people, and which columns of each name coders."""
        study = self.sources.study
        logs = list(study.coded_in.rglob("*")) if study.coded_in else []
        files: dict[Path, tuple[str, ...]] = dict.fromkeys(logs, ())
        if not study.coders:
            return files
        path = resolve_path(study.coders)
        for _, source in parse_coders(path, study.codebook)[0]:
            columns = (*source.columns.values(), source.coder, source.label, source.reply)
            files[path.parent / source.file] = tuple(name for name in columns if name)
        return files | {path: ()}

    def _write_units(self, path: Path, of_coders: tuple[str, ...]) -> dict[str, Any]:
        """Put in the units without texts, if these stay here, and without the columns of coders."""
        rows = read_units_table(path, self.sources.study.facts.form)
        write_units_table(rows, self.room / UNITS, hold=self.hold, texts=self._text_columns, drop=of_coders)
        without = f"labels of people{' and texts' if self.hold else ''}"
        self.keep_here(path, f"{UNITS} has its other columns, without {without}")
        return {"units": UNITS, "form": {}}

    def _write_study(self, changed: dict[str, Any]) -> None:
        """Write study.yaml: unchanged; with new places of files; or, where there was none, from the settings."""
        file, study = self.sources.file, self.sources.study
        target = self.room / STUDY
        if file and not changed:
            shutil.copyfile(file.path, target)
            return
        written = yaml.safe_load(file.path.read_text(encoding="utf-8")) if file else {**study.facts.said()}
        values = {name: value for name, value in (written | changed).items() if value not in ("", [], {}, None, NONE)}
        head = "# The study as it lies in this deposit; written by `codebook deposit`.\n"
        target.write_text(
            head + yaml.safe_dump(values, sort_keys=False, allow_unicode=True, width=110), encoding="utf-8"
        )

    def _fill_runs(self) -> None:
        """Put in the runs; a run on which others rest comes before them."""
        for name, folder in self.sources.runs_in_order():
            folder.check_record()
            target = self.room / "runs" / name
            if not self.hold:
                self._copy_rest(folder.path, target)
                continue
            target.mkdir(parents=True)
            withhold_run(folder, target, self.hold)
            self._copy_rest(folder.path, target, only=("gold_sample.csv", "gold_sample.jsonl"))
            for path in [folder.units_path, *folder.shards.glob("*.jsonl"), *folder.results.glob("*.jsonl")]:
                self.keep_here(path, "it holds texts; a file without them stands in its place")

        if self.sources.home and self.is_open:
            self._copy_rest(self.sources.study.folder, self.room / "runs" / self.sources.home)

    def _write_openings(self) -> None:
        """What was frozen, and when the test part of the gold was opened: a replay opens what was opened."""
        path = resolve_path(FREEZES)
        if path.is_file() and self.is_open:
            self.copy(FREEZES, path)
        elif opened := read_openings():  # the instrument that was frozen has examples
            (self.room / FREEZES).write_bytes(b"".join(map(dump_line, opened)))

    @property
    def book(self) -> Codebook:
        """The instrument of the run, as it lies in the deposit."""
        return read_codebook(self.room / "runs" / next(iter(self.sources.runs)) / "codebook.yaml")

    def _copy_rest(self, source: Path, target: Path, only: tuple[str, ...] = ()) -> None:
        """Copy the files of a run, without those that the replay will make anew."""
        left = _LEFT if self.is_open else (*_LEFT, *MADE)
        for path in sorted(source.rglob("*")):
            inside = path.relative_to(source)
            hidden = any(part.startswith(".") for part in inside.parts) or path.name.endswith(".lock")
            if path.is_file() and not hidden and inside.parts[0] not in left and (not only or path.name in only):
                self.copy(f"runs/{target.name}/{inside.as_posix()}", path)

    def _write_codebook(self) -> None:
        """The codebook of the run, for people and for other programs."""
        from codebook.outputs.word_tables import write_word
        from codebook.report.paper import codebook_parts

        book = self.book
        folder = self.room / "codebook"
        folder.mkdir()
        write_codebook(book, folder / f"{book.name}.yaml")
        write_qdc(book, folder / f"{book.name}.qdc")
        (folder / f"{book.name}.docx").write_bytes(write_word(codebook_parts(book), title=f"Codebook {book.name}"))

    def _write_withheld(self) -> None:
        if not self.withheld:
            return
        with (self.room / WITHHELD).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\n")
            writer.writerow(["file", "bytes", "sha256", "why"])
            digests = self.texts != "redact"
            for place, (size, sha, why) in sorted(self.withheld.items()):
                writer.writerow([place, size, sha if digests else "", why])


def _is_codebook(path: Path) -> bool:
    try:
        read_codebook(path)
    except CodebookError:
        return False
    return True


def _is_notice(path: Path) -> bool:
    return path.name.lower().startswith(("license", "licence", "copying", "notice"))


def _bare(raw: bytes) -> bytes:
    """A notebook without the outputs of its cells."""
    book = orjson.loads(raw)
    for cell in book.get("cells", []):
        if cell.get("cell_type") == "code":
            cell |= {"outputs": [], "execution_count": None}
    return orjson.dumps(book, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
