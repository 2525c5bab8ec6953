"""The executed copy of a notebook: cleaned of colours, absolute paths and secrets before it is kept."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import orjson

from codebook import errors
from codebook.execute.secrets import read_secrets
from codebook.files.lines import write_atomic
from codebook.ground.secrecy import remove_secrets
from codebook.paths import make_private, show_path

_MARKER = "papermill-error-cell-tag"
_COLOURS = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_CAUSE_LINES = 30


def explain_failure(ename: str, evalue: str, traceback: list[str]) -> str:
    """Return the cause of a failure: the message of an error of the kit, otherwise the traceback's last lines."""
    if isinstance(kind := getattr(errors, ename, None), type) and issubclass(kind, errors.CodebookError):
        return _COLOURS.sub("", evalue)
    lines = _COLOURS.sub("", "\n".join(traceback)).rstrip().split("\n")
    cut = ["..."] if len(lines) > _CAUSE_LINES else []
    return "\n".join([*cut, *lines[-_CAUSE_LINES:]]) if traceback else f"{ename}: {evalue}"


def keep_copy(copy: str, out: Path, source: Path, *, note: str = "") -> None:
    """Write the executed copy, a text, to its place: no colours, no absolute paths in the record, no secrets.

    A `note` on top says why it stopped, in place of what papermill puts there.
    """
    if not copy:
        return
    notebook = orjson.loads(copy)
    record = notebook["metadata"].get("papermill", {})
    record |= {"input_path": _record_path(source), "output_path": _record_path(out)}
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
        for output in cell.get("outputs", []):
            _plain(output)
    if note:
        notebook["cells"] = [cell for cell in notebook["cells"] if _MARKER not in cell["metadata"].get("tags", [])]
        notebook["cells"].insert(0, _make_note(remove_secrets(note, read_secrets())))
    notebook = remove_secrets(notebook, read_secrets())
    make_private(out.parent)
    with write_atomic(out) as file:
        file.write(orjson.dumps(notebook, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def _record_path(path: Path) -> str:
    shown = show_path(path)
    return path.name if Path(shown).is_absolute() else shown


def _plain(output: dict[str, Any]) -> None:
    """Join what the file format keeps as lists of lines, so that a secret is found, and take colours from errors."""
    if "text" in output:
        output["text"] = "".join(output["text"])
    for kind, value in output.get("data", {}).items():
        if isinstance(value, list) and kind.split("/")[0] in {"text", "image"}:
            output["data"][kind] = "".join(value)
    if "traceback" in output:
        output["traceback"] = [_COLOURS.sub("", line) for line in output["traceback"]]


def _make_note(text: str) -> dict[str, Any]:
    shown = f"> **{html.escape(text, quote=False)}**"
    return {"cell_type": "markdown", "id": "codebook-note", "metadata": {"tags": [_MARKER]}, "source": shown}
