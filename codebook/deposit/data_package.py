"""What a deposit tells other programs: every table with its columns, types and digest, and every file and run.

`datapackage.json` is a Data Package 1 (frictionless), `ro-crate-metadata.json` an RO-Crate 1.2.
"""

from __future__ import annotations

import csv
import mimetypes
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from codebook.deposit.deposit_layout import MANIFEST, WITHHELD, About, list_files
from codebook.deposit.read_me import NO_LICENCE
from codebook.errors import InputError, MissingExtraError
from codebook.files.decode import allow_long_fields
from codebook.files.digests import read_run_record
from codebook.files.lines import digest_file, write_json
from codebook.files.tables.rows import open_rows
from codebook.ground.quantities import say_count
from codebook.outputs import read_outputs
from codebook.scheme import Codebook

_COLUMNS: Mapping[str, str] = {
    "unit_id": "Id of the unit, from the data.",
    "coder": "Who gave the label: a person, or a model with the start of the codebook's digest.",
    "variable": "Variable of the codebook.",
    "label": "The label; several are a JSON list in the order of the codebook. Empty exactly where `why` is filled.",
    "draw": "Number of the repetition of a question, from 0.",
    "why": "Why there is no label: refused, truncated, invalid, failed, expired, cancelled, absent, pending, skipped.",
    "run_id": "Run that asked the question.",
    "custom_id": "Name of the request, by which it is found in shards and results.",
    "evidence": "Words of the unit on which the label rests.",
    "confidence": "How sure the coder said it was, from 0 to 1.",
    "model": "Model that answered.",
    "raw": "The raw reply, unchanged.",
    "detail": "A note on the coding, such as what was wrong with the reply.",
    "request_id": "Id of the answer at the service.",
    "batch_id": "Id of the job at the service.",
    "seconds": "Time from submission to the answer, in seconds.",
    "cost_usd": "Cost in US dollars.",
    "value": "The estimate.",
    "low": "Lower end of its interval.",
    "high": "Upper end of its interval.",
    "n": "Number of units, or of codings where a note says so.",
    "n_units": "Number of units.",
}
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_TEXT_COLUMNS = frozenset({"unit_id", "custom_id", "label", "coder", "variable", "run_id", "request_id", "batch_id"})
_NAME = re.compile(r"[^a-z0-9._-]+")


def write_data_package(room: Path, *, name: str, title: str, book: Codebook, made_at: str) -> None:
    """Describe every csv of a deposit, and write the description."""
    resources = list(_describe_all(room, book))
    about = {
        "profile": "tabular-data-package",
        "name": _NAME.sub("-", name.lower()).strip("-") or "deposit",
        "title": title,
        "created": made_at,
        "description": "Tables of a study that codes with people and models; README.md says how they were made.",
        "resources": resources,
    }
    write_json(room / "datapackage.json", about)


def _describe_all(room: Path, book: Codebook) -> Iterator[dict[str, Any]]:
    titles = dict(_find_titles(room))
    taken: set[str] = set()
    for place, path in list_files(room):
        if path.suffix.lower() in (".csv", ".tsv") and path.stat().st_size:
            resource = _describe(place, path, titles.get(place, ""), book)
            while resource["name"] in taken:
                resource["name"] += "-2"
            taken.add(resource["name"])
            yield resource


def _find_titles(room: Path) -> Iterator[tuple[str, str]]:
    for manifest in room.glob("runs/*/outputs/manifest.json"):
        folder = manifest.parent.relative_to(room).as_posix()
        yield from ((f"{folder}/{entry.name}.csv", entry.title) for entry in read_outputs(manifest.parent))
    yield from ((path.relative_to(room).as_posix(), "Labels of the run") for path in room.glob("runs/*/table.csv"))
    yield WITHHELD, "Files that do not lie in this deposit, and why"


def _describe(place: str, path: Path, title: str, book: Codebook) -> dict[str, Any]:
    resource: dict[str, Any] = {
        "name": _NAME.sub("-", place.lower().rsplit(".", 1)[0]).strip("-."),
        "path": place,
        **({"title": title} if title else {}),
        "format": "csv",
        "mediatype": "text/csv",
        "bytes": path.stat().st_size,
        "hash": f"sha256:{digest_file(path)}",
    }
    try:
        rows = open_rows(path)
    except InputError:  # two columns of one name, or bytes that nobody can read: it is told as a file
        return {"profile": "data-resource"} | resource
    delimiter = rows.delimiter or ","
    dialect = {"dialect": {"delimiter": delimiter}} if delimiter != "," else {}
    with path.open(encoding=rows.encoding, newline="") as file:
        for _ in range(rows.skip_rows):
            file.readline()
        fields = list(
            _describe_fields(csv.reader(file, delimiter=delimiter), book if path.name == "table.csv" else None)
        )
    schema = {"fields": fields, "missingValues": [""]}
    return {"profile": "tabular-data-resource"} | resource | {"encoding": rows.encoding, **dialect, "schema": schema}


def _describe_fields(rows: Iterator[list[str]], book: Codebook | None) -> Iterator[dict[str, Any]]:
    """Names and types of columns, by all their cells."""
    allow_long_fields()
    names = next(rows, [])
    kinds = [_Kind() for _ in names]
    for row in rows:
        for kind, cell in zip(kinds, row, strict=False):
            kind.look(cell)
    for at, (name, kind) in enumerate(zip(names, kinds, strict=True), start=1):
        field: dict[str, Any] = {
            "name": name or f"column {at}",
            "type": "string" if name in _TEXT_COLUMNS else kind.name,
        }
        if about := _COLUMNS.get(name):
            field["description"] = about
        if book and name == "variable":
            field["constraints"] = {"enum": [variable.name for variable in book.variables]}
        yield field


class _Kind:
    """The narrowest type that all cells of a column have."""

    def __init__(self) -> None:
        self.is_integer = self.is_number = True
        self.n = 0

    def look(self, cell: str) -> None:
        """Look at a cell."""
        if cell:
            self.n += 1
            self.is_integer = self.is_integer and _INTEGER.fullmatch(cell) is not None
            self.is_number = self.is_number and _NUMBER.fullmatch(cell) is not None

    @property
    def name(self) -> str:
        """integer, number or string; a column of which nothing is known holds strings."""
        return "string" if not self.n else "integer" if self.is_integer else "number" if self.is_number else "string"


CRATE = "ro-crate-metadata.json"
_VERSION = "1.2"
_TYPES = {".jsonl": "application/jsonl", ".yaml": "application/yaml", ".md": "text/markdown", ".bib": "text/x-bibtex"}
_TYPES |= {".ipynb": "application/x-ipynb+json", ".qdc": "application/xml", ".cff": "application/yaml"}
_ABOUT = {
    "README.md": "What lies here and how to use it, after the template of the Social Science Data Editors",
    "CITATION.cff": "How to cite the deposit",
    "datapackage.json": "Every table with its columns",
    "deposit.json": "How the deposit was made",
    "study.yaml": "The study: what is coded, by whom, in which steps",
    "withheld.csv": "What does not lie here, and why",
    "environment/requirements.txt": "Every package with its version",
}
_OF_RUN = {
    "run.json": "How the run came to be",
    "codebook.yaml": "The instrument, as it was asked",
    "units.jsonl": "What was coded",
    "table.csv": "The labels",
    "ledger.jsonl": "Jobs, times and costs",
    "report.html": "The report",
}


def load_rocrate() -> tuple[Any, Any]:
    """The classes of an archive's metadata; asked for before anything is made that would then be lost.

    Raises
    ------
    MissingExtraError
        rocrate is not installed.
    """
    try:
        from rocrate.model.contextentity import ContextEntity
        from rocrate.rocrate import ROCrate
    except ImportError:
        raise MissingExtraError("The metadata of an archive (RO-Crate)", "deposit") from None
    return ContextEntity, ROCrate


def write_crate(room: Path, about: About, *, title: str, study: str) -> None:
    """Write the metadata of all files that lie in the deposit of a study."""
    entity, archive = load_rocrate()
    crate = archive(version=_VERSION)
    licence = "LICENSE.txt" if (room / "LICENSE.txt").is_file() else NO_LICENCE
    crate.name, crate.datePublished = title, about.made_at
    crate.description = f"Units of {study} coded by people and models: data, codebook, replies, tables."
    crate.license = crate.add(entity(crate, "#licence", {"@type": "CreativeWork", "name": licence}))
    for place, path in list_files(room):
        if place not in (CRATE, MANIFEST):
            crate.add_file(path, place, properties=_describe_file(place, path))
    for name in about.runs:
        _add_run(crate, entity, room, name)
    write_json(room / CRATE, crate.metadata.generate())


def _describe_file(place: str, path: Path) -> dict[str, Any]:
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    properties: dict[str, Any] = {
        "name": place.rsplit("/", 1)[-1],
        "encodingFormat": kind,
        "contentSize": str(path.stat().st_size),
        "sha256": digest_file(path),
    }
    parts = place.split("/")
    words = _ABOUT.get(place) or (_OF_RUN.get(parts[-1]) if parts[0] == "runs" and len(parts) == 3 else None)
    return properties | ({"description": words} if words else {})


def _add_run(crate: Any, entity: Any, room: Path, name: str) -> None:
    """Add a run as an action: by which model, of what, with what result."""
    folder, record = room / "runs" / name, read_run_record(room / "runs" / name / "run.json")
    answered, asked = record.get("answered", {}), record["asked"]
    models = ", ".join(answered.get("models") or [asked["model"]])
    instrument = {
        "@type": "SoftwareApplication",
        "name": models,
        "description": f"asked through the engine {asked['engine']}, {asked['url']}",
        "version": ", ".join(answered.get("fingerprints") or [models]),
        "url": asked.get("options", {}).get("base_url") or f"#model-{name}",
    }
    model = crate.add(entity(crate, f"#model-{name}", instrument))
    properties = {
        "@type": "CreateAction",
        "name": f"Run {name}: {say_count(record['units']['n'], 'unit')} coded by {models}",
        "instrument": {"@id": model.id},
        "object": [{"@id": f"runs/{name}/{part}"} for part in ("units.jsonl", "codebook.yaml")],
        **({"result": {"@id": f"runs/{name}/table.csv"}} if (folder / "table.csv").is_file() else {}),
        "startTime": answered.get("first_submitted") or record["planned_at"],
        "endTime": answered.get("last_ended") or record["planned_at"],
        "actionStatus": {"@id": "http://schema.org/CompletedActionStatus"},
    }
    action = crate.add(entity(crate, f"#run-{name}", properties))
    crate.root_dataset.append_to("mentions", action)
