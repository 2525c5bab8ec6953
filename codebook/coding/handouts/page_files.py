"""A page for one coder: form, units and codebook in one file that needs no server and no network.

It works from a mail's attachment. The coder's answers stay in the page (with a safety copy in the browser) until they
are saved as a file, which `page_answers.py` reads.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from codebook.coding.form import form_script, form_style
from codebook.coding.handouts.handout import Handout, print_text
from codebook.coding.sessions.session_view import show_codebook, show_unit
from codebook.coding.sessions.unit_sources import embed_files
from codebook.files.lines import digest, write_whole
from codebook.ground.quantities import say_count
from codebook.outputs.templating import render
from codebook.records import Unit
from codebook.visible import spell_line

FORMAT = "coding page 1"
_HERE = Path(__file__).parent
_STORE = ("page_acts.js", "page_store.js", "page_boot.js")
_MOUNT = "window.codebookForm = { mountForm };\n"
_MANY = 20_000_000
"""Bytes that many mail servers let through."""


def write_page_of(handout: Handout, path: Path) -> str:
    """Write the page of a coder, whole or not at all, and return a sentence on it."""
    page = make_page(handout, path.stem).encode()
    write_whole(path, page)
    size = f"{len(page) / 1e6:,.1f} MB" + ", which is too large for many e-mail accounts" * (len(page) > _MANY)
    return f"{path.name}: {say_count(len(handout.turns), 'unit')} for {spell_line(handout.coder)}, {size}."


def make_page(handout: Handout, name: str) -> str:
    """Return the page; the file of answers will be called by `name`."""
    store = "\n".join((_HERE / each).read_text(encoding="utf-8") for each in _STORE)
    scripts = [_close_safely(form_script() + _MOUNT), _close_safely(store)]
    return render(
        "coding_page.html.j2",
        study=handout.study or handout.codebook.name,
        coder=handout.coder,
        form_css=form_style(),
        plan=_dump(make_plan(handout, name)),
        scripts=scripts,
        policy=_allow(scripts),
    )


def make_plan(handout: Handout, name: str) -> dict[str, Any]:
    """Return what the store in a page goes by: whose it is, the rows in order, the units and the codebook."""
    book = handout.codebook
    source = {"kind": "page", "id": handout.key, "format": FORMAT}
    opening = {"codebook": book.digest, "assignment": handout.assignment, "source": source}
    return {
        "key": handout.key,
        "file": f"{name}.answers.jsonl",
        "study": handout.study,
        "coder": handout.coder,
        "round": handout.turns[0].round if handout.turns else "main",
        "opening": opening,
        "codebook": show_codebook(book),
        "digests": {each.name: book.variable_digest(each.name) for each in book.variables},
        "rows": [turn._asdict() for turn in handout.turns],
        "units": {name: _show(unit) for name, unit in handout.units.items()},
    }


def _show(unit: Unit) -> dict[str, Any]:
    view = show_unit(unit, token="", place=0, total=0, sources=embed_files(unit))
    return {name: view[name] for name in ("blocks", "context", "members", "loss")} | {"seen": print_unit(unit)}


def print_unit(unit: Unit) -> str:
    """A short digest of what a coder sees of a unit."""
    files = [file.sha256 or file.path for file in unit.files]
    return digest(print_text(unit.text), *files)[:16] if files else print_text(unit.text)


def _dump(plan: dict[str, Any]) -> str:
    """The plan as JSON in which nothing ends the script that it stands in."""
    return orjson.dumps(plan).decode().replace("<", "\\u003c")


def _close_safely(script: str) -> str:
    """A script in which nothing looks like its end; it stands in texts and comments only, where this says the same."""
    return script.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _allow(scripts: list[str]) -> str:
    """The page may run its own scripts and show its own pictures, and load or send nothing."""
    hashes = " ".join(f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'" for script in scripts)
    parts = [f"script-src {hashes}", "style-src 'unsafe-inline'", "img-src data: blob:", "font-src data:"]
    return "; ".join(["default-src 'none'", *parts, "base-uri 'none'", "form-action 'none'"])
