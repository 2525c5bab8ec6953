"""Pages of the site that are read from the code: public names, keys of the yaml files, messages, executed notebooks.

They are written into `made/`, which is not kept in the repository.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from sphinx.util import logging

import codebook
from codebook.cli.message_pages import message_classes, message_tree, read_words
from codebook.outputs.sheet import sheet_html

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "codebook" / "templates" / "schemas"
FILES = {
    "study": "study.yaml: what is coded, by whom, and how",
    "codebook": "codebook.yaml: the instrument",
    "coders": "coders.yaml: where the labels of people and other tools are",
    "prices": "prices.yaml: prices that the kit does not know",
    "providers": "providers.yaml: services that the kit does not know",
}
ROOMS = (
    *("analysis", "analysis.reliability", "analysis.joining", "analysis.correction", "analysis.entities"),
    *("analysis.vectors", "coding", "codings", "costs", "engines", "exchange", "execute", "outputs", "report", "run"),
    *("sampling", "scaffold", "scheme", "study", "tasks", "units", "vectors", "widgets"),
)
GALLERY = (
    ("topics", "05_validity"),
    ("topics", "06_reliability"),
    ("topics", "07_correlogram"),
    ("topics", "08_report"),
    ("coal_debate", "06_reliability"),
    ("coal_debate", "08_report"),
    ("coal_replication", "03_replication"),
    ("econ_headlines", "02_adjudication"),
    ("headlines", "03_alt_test"),
    ("topics_test", "03_stability"),
    ("topics", "*_correction"),
    ("extraction", "extraction"),
    ("*", "entity_resolution"),
    ("*", "image_labels"),
    ("*", "pdf_transcription"),
    ("*", "embeddings"),
    ("*", "label_correlogram"),
)
"""Run and notebook of each executed copy, as `make demo other-notebooks` leaves them in `runs/`."""
_SHEETS = """# All figures and tables of the shipped studies

As `make demo other-notebooks` leaves them in `runs/`: each figure in colour, in grey, and as people without green
(deuteranopia) and without red (protanopia) see it; each table as a paper prints it. A page a run:
"""
LOG = logging.getLogger(__name__)


def make_pages(docs: Path) -> None:
    """Write all pages that are made, anew."""
    made = docs / "made"
    shutil.rmtree(made, ignore_errors=True)
    for name, text in [*_room_pages(), *_file_pages(), ("messages", _messages()), ("yaml_files", _yaml_index())]:
        path = made / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    _copy_notebooks(made)
    _make_sheets(made)


def _room_pages() -> Iterator[tuple[str, str]]:
    """A page for each room: its docstring, and a page for each name that the menu does not have."""
    yield "rooms", _contents("The rest, by room", [f"room_{room}" for room in ROOMS])
    for room in ROOMS:
        module = importlib.import_module(f"codebook.{room}")
        inner = {name for each in ROOMS if each.startswith(f"{room}.") for name in _offers(each)}
        names = [name for name in _offers(room) if name not in {*codebook.__all__, *inner} and _is_own(module, name)]
        listed = "\n".join(f"   {name}" for name in names)
        summary = f".. autosummary::\n   :toctree: api\n\n{listed}"
        words = f"{{eval-rst}}\n.. currentmodule:: codebook.{room}\n\n{summary}\n"
        yield f"room_{room}", f"# codebook.{room}\n\n{_prose(module.__doc__)}\n\n```{words}```\n"


def _offers(room: str) -> list[str]:
    return list(importlib.import_module(f"codebook.{room}").__all__)


def _is_own(module: Any, name: str) -> bool:
    """Whether a name is a function or class of this room: constants stand in its text, others' names elsewhere."""
    value = getattr(module, name)
    return (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__.startswith(module.__name__)


def _prose(docstring: str | None) -> str:
    """A docstring as Markdown: its indented drawings become blocks of text."""
    text = inspect.cleandoc(docstring or "")
    paragraphs = text.split("\n\n")
    return "\n\n".join(f"```text\n{part}\n```" if part.startswith("    ") else part for part in paragraphs)


def _contents(title: str, pages: Iterable[str]) -> str:
    return f"# {title}\n\n```{{toctree}}\n:maxdepth: 1\n\n" + "\n".join(pages) + "\n```\n"


def _yaml_index() -> str:
    return _contents("The yaml files", [f"file_{name}" for name in FILES])


def _file_pages() -> Iterator[tuple[str, str]]:
    """A page for each yaml file: every key with its type, what it is, and what stands in it by itself."""
    for name, title in FILES.items():
        schema = _inner(json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8")))
        parts = [f"# {title}\n\n{schema.get('description', '')}\n", _keys("", schema)]
        parts += [_keys(part, each) for part, each in schema.get("$defs", {}).items() if "properties" in each]
        yield f"file_{name}", "\n".join(parts)


def _inner(schema: dict[str, Any]) -> dict[str, Any]:
    """What is described: the file itself, each entry of its one list, or each of its named entries."""
    entries = [each["items"] for each in schema.get("properties", {}).values() if "properties" in each.get("items", {})]
    more = schema.get("additionalProperties")
    named = [each for each in more["anyOf"] if "properties" in each] if isinstance(more, dict) else []
    return (entries or named or [schema])[0]


def _keys(part: str, schema: dict[str, Any]) -> str:
    rows = [
        f"| `{name}` | {_type(each)} | {_cell(each.get('description', ''))} | {_default(each)} |"
        for name, each in schema.get("properties", {}).items()
    ]
    head = f"## {part}\n\n{_cell(schema.get('description', ''))}\n\n" if part else ""
    return f"{head}| key | type | what it is | if it is left out |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return schema["$ref"].rsplit("/", 1)[1]
    if options := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(dict.fromkeys(_type(each) for each in options))
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    kind = schema.get("type", "anything")
    if isinstance(kind, list):  # as loose as the reader: a text may be written as a number
        kind = "text" if "string" in kind and "boolean" in kind else str(kind[0])
    return f"list of {_type(schema['items'])}" if kind == "array" and schema.get("items") else str(kind)


def _default(schema: dict[str, Any]) -> str:
    value = schema.get("default")
    return "" if value in (None, "", [], {}) else f"`{json.dumps(value, ensure_ascii=False)}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _messages() -> str:
    """Every class of message, with what it says, in the order of the tree."""
    words = read_words()
    parts = [
        f"({name.lower()})=\n## {name}\n\n{_prose(each.__doc__)}\n\n{words[name]}"
        for name, each in message_classes().items()
    ]
    head = (ROOT / "docs" / "reference" / "messages_head.md").read_text(encoding="utf-8")
    return f"{head}\n```text\n{message_tree()}\n```\n\n" + "\n\n".join(parts) + "\n"


def _make_sheets(made: Path) -> None:
    """A page for each run with all of its figures and tables, as `make sheet` writes them, and a list of them."""
    folder = made / "sheets"
    folder.mkdir()
    runs = sorted(manifest.parents[1].name for manifest in (ROOT / "runs").glob("*/outputs/manifest.json"))
    for run in runs:
        (folder / f"sheet_{run}.html").write_text(sheet_html(ROOT / "runs", only=run), encoding="utf-8")
    links = "\n".join(f'- <a href="../sheet_{run}.html">{run}</a>' for run in runs) or "No run has outputs yet."
    (made / "sheets.md").write_text(f"{_SHEETS}\n{links}\n", encoding="utf-8")


def _copy_notebooks(made: Path) -> None:
    """The gallery: executed notebooks from `runs/`; what was not run is told, and left out."""
    pages = []
    for run, name in GALLERY:
        executed = sorted((ROOT / "runs").glob(f"{run}/notebooks/{name}.ipynb"))
        if not executed:
            LOG.warning("There is no executed %s of the run %s. First: make demo other-notebooks", name, run)
            continue
        pages.append(f"{executed[0].parents[1].name}_{executed[0].stem}")
        text = executed[0].read_text(encoding="utf-8")
        plain = re.sub(r"\[([^\]\n]*)\]\([^()\n]*\.ipynb\)", r"\1", text)  # the notebooks beside it are not all here
        plain = re.sub(r'<a href=\\"(?:\.\./|runs/[^"/]*/)outputs/[^"]*\\">([^<]*)</a>', r"\1", plain)  # nor files
        (made / f"{pages[-1]}.ipynb").write_text(plain, encoding="utf-8")
    (made / "notebooks.md").write_text(_contents("Executed notebooks", pages), encoding="utf-8")
