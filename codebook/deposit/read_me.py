"""README.md and CITATION.cff of a deposit: filled from the record, with blanks where only a person knows."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from codebook.deposit.assembling import Assembly
from codebook.deposit.deposit_layout import About, list_files
from codebook.execute.parameters import read_notebook
from codebook.ground.quantities import say_count
from codebook.outputs import read_outputs
from codebook.outputs.templating import render_plain
from codebook.paths import project_folder

_SPANS = ("<10 minutes", "10-60 minutes", "1-2 hours", "2-8 hours", "8-24 hours", "1-3 days", ">3 days")
_ENDS = (600, 3_600, 7_200, 28_800, 86_400, 259_200)
"""Where a span ends and the next one begins, in seconds."""
_TEXTS = {
    "include": "The texts of all units lie in this package.",
    "digest": (
        "The texts of units are not in this package. In place of each stands its SHA-256, so that whoever has them "
        "can check that they are the same. A short text can be guessed from its SHA-256."
    ),
    "redact": "The texts of units are not in this package, and nothing in it lets a reader recover them.",
}
LICENCES = ("LICENSE.txt", "LICENSE", "LICENSE.md", "LICENCE", "LICENCE.txt")
NO_LICENCE = "[Say under which licence the data may be used, and put its text into LICENSE.txt.]"


def write_readme(assembly: Assembly, about: About, title: str, locks: str) -> bytes:
    """README.md, filled; `locks` says how the versions of packages are told."""
    room, record = assembly.room, assembly.sources.run.read_record()
    n = record["units"]["n"]
    variables = ", ".join(variable.name for variable in assembly.sources.run.read_codebook().variables)
    models = ", ".join(record.get("answered", {}).get("models") or [record["asked"]["model"]])
    seconds = about.seconds
    has_licence = any((room / name).is_file() for name in LICENCES)
    words = render_plain(
        "deposit_readme.md.j2",
        title=title,
        overview=f"{say_count(n, 'unit')} were coded by {models} for {variables}. [Say what the paper asks.]",
        verify="codebook verify .",
        replay=about.replay or "codebook adopt runs/" + about.run,
        duration=say_seconds(seconds),
        left_out=about.left_out,
        licence="See LICENSE.txt." if has_licence else NO_LICENCE,
        locks=locks,
        personal=[(kind, known["reason"]) for kind, known in about.personal.items()],
        texts=about.texts,
        texts_words=_TEXTS[about.texts],
        private=about.private,
        data=list(_list_data(assembly)),
        machine=about.software,
        answered=_say_when(record),
        spans=[(name, seconds is not None and at == bisect_right(_ENDS, seconds)) for at, name in enumerate(_SPANS)],
        size=say_size(sum(path.stat().st_size for _, path in list_files(room))),
        programs=[
            {"file": place, "what": _read_heading(path) or "a step of the study"}
            for place, path in assembly.sources.notebooks.items()
        ],
        tables=list(_list_tables(assembly, about)),
        withheld=assembly.withheld,
    )
    return words.encode()


def say_seconds(seconds: float | None) -> str:
    """A duration in words, or a blank to fill in.

    Examples
    --------
    >>> say_seconds(41.3), say_seconds(4_000), say_seconds(None)[:9]
    ('41 seconds', '67 minutes', '[Say how ')
    """
    if seconds is None:
        return "[Say how long: the replay was left out when the package was made]"
    return f"{seconds:.0f} seconds" if seconds < 100 else f"{seconds / 60:.0f} minutes"


def say_size(n_bytes: int) -> str:
    """A size in words.

    Examples
    --------
    >>> say_size(12_345_678), say_size(300)
    ('12.3 MB', '1 kB')
    """
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 1e6 else f"{max(1, round(n_bytes / 1e3))} kB"


def _say_when(record: Mapping[str, Any]) -> str:
    answered = record.get("answered", {})
    days = dict.fromkeys(
        str(answered.get(key) or record["planned_at"])[:10] for key in ("first_submitted", "last_ended")
    )
    return " to ".join(days)


def _list_data(assembly: Assembly) -> Iterator[dict[str, str]]:
    """The data of the study, and what is withheld of it."""
    facts = assembly.sources.study.facts
    what = {
        facts.units: "what is coded",
        facts.coders: "what the files of labels mean",
        facts.codebook: "the instrument",
    }
    room = assembly.room
    for place, _ in list_files(room):
        if place.startswith("data/") or place in assembly.sources.data:
            yield {"file": place, "what": what.get(place, "data of the study"), "note": "", "provided": "Yes"}
    for name in assembly.sources.runs:
        yield {"file": f"runs/{name}/table.csv", "what": f"labels of run {name}", "note": "", "provided": "Yes"}
    for place, (_, _, why) in sorted(assembly.withheld.items()):
        yield {"file": place, "what": what.get(place, "data of the study"), "note": why, "provided": "No"}


def _read_heading(path: Path) -> str:
    """The heading of a notebook."""
    for cell in read_notebook(path)["cells"]:
        if cell["cell_type"] == "markdown" and (match := re.search(r"^#+ *(.+)$", "".join(cell["source"]), re.M)):
            return match[1].strip()
    return ""


def _list_tables(assembly: Assembly, about: About) -> Iterator[dict[str, str]]:
    programs = {re.sub(r"^\d+_", "", Path(place).stem): f"`{place}`" for place in assembly.sources.notebooks}
    for run in filter(None, (assembly.sources.home, about.run)):
        for entry in read_outputs(assembly.room / "runs" / run / "outputs"):
            if entry.kind != "remark" and entry.section != "methods":
                program = programs.get(entry.section, "[Say which notebook]")
                file = f"runs/{run}/outputs/{entry.name}.csv"
                yield {"program": program, "file": file, "title": " ".join(entry.title.split()).replace("|", "/")}


def write_citation(title: str, made_at: str) -> bytes:
    """CITATION.cff: that of the project, or a draft with blanks."""
    own = project_folder() / "CITATION.cff"
    if own.is_file():
        return own.read_bytes()
    about = {
        "cff-version": "1.2.0",
        "message": "If you use these data, please cite them as below.",
        "type": "dataset",
        "title": title,
        "authors": [{"name": "[Name the authors, each with ORCID]"}],
        "date-released": made_at[:10],
        "keywords": ["content analysis", "text as data", "replication"],
    }
    head = "# What stands in brackets, only you know.\n"
    return (head + yaml.safe_dump(about, sort_keys=False, allow_unicode=True)).encode()
