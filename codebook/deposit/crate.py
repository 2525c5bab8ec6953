"""`ro-crate-metadata.json`: what lies in a deposit, who made it, and how each run came about, as RO-Crate tells it."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any

from codebook.deposit.deposit_layout import MANIFEST, About, list_files
from codebook.deposit.read_me import NO_LICENCE
from codebook.errors import MissingExtraError
from codebook.files.digests import read_run_record
from codebook.files.lines import digest_file, write_json
from codebook.ground.quantities import say_count

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


def write_crate(room: Path, about: About, *, title: str, study: str) -> None:
    """Write the metadata of all files that lie in the deposit of a study.

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
    crate = ROCrate(version=_VERSION)
    licence = "LICENSE.txt" if (room / "LICENSE.txt").is_file() else NO_LICENCE
    crate.name, crate.datePublished = title, about.made_at
    crate.description = f"Units of {study} coded by people and models: data, codebook, replies, tables."
    crate.license = crate.add(ContextEntity(crate, "#licence", {"@type": "CreativeWork", "name": licence}))
    for place, path in list_files(room):
        if place not in (CRATE, MANIFEST):
            crate.add_file(path, place, properties=_describe(place, path))
    for name in about.runs:
        _add_run(crate, ContextEntity, room, name)
    write_json(room / CRATE, crate.metadata.generate())


def _describe(place: str, path: Path) -> dict[str, Any]:
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
