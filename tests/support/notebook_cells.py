"""Cells of notebooks run here, without a kernel, on runs whose labels are told: quick, so that many can be tried."""

from __future__ import annotations

import ast
import base64
import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from fakes import scripted
from matplotlib.figure import Figure

import codebook as cb
from codebook.dialects import Prompt
from codebook.files.lines import dump_canonical
from codebook.outputs.saving import html_table

PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=")
NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def run_cells(name: str, **parameters: Any) -> list[str]:
    """Run all cells of a notebook with these parameters, those it does not declare left out; what each cell shows."""
    (path,) = NOTEBOOKS.rglob(f"{name}.ipynb")
    space: dict[str, Any] = {"__name__": "__main__"}
    shown = []
    for number, cell in enumerate(json.loads(path.read_text(encoding="utf-8"))["cells"]):
        if cell["cell_type"] != "code":
            continue
        tree, place = ast.parse("".join(cell["source"])), f"{path.name}, cell {number}"
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, place, "exec"), space)
        if isinstance(last, ast.Expr):
            shown.append(repr(eval(compile(ast.Expression(last.value), place, "eval"), space)))
        if "parameters" in cell["metadata"].get("tags", ()):
            space |= {name: value for name, value in parameters.items() if name in space}
    return shown


def say(labels: Sequence[str]) -> list[str]:
    """Texts to which the scripted engine gives these labels, where `answer_as_told` is in force."""
    return [f"{'word ' * (at % 4)}say:{label}" for at, label in enumerate(labels)]


def answer_as_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the scripted engine give the label that the text says: `say:coal`, `say:moral+conflict`."""

    def say_label(prompt: Prompt, text: str) -> str:
        (answer, schema) = next(iter(prompt.schema["properties"].items()))
        said = (re.search(r"say:(\S*)", text) or ["", ""])[1]
        return dump_canonical({answer: said.split("+") if schema["type"] == "array" else said}).decode()

    scripted.register(monkeypatch)
    monkeypatch.setattr(scripted, "expected_label", say_label)


def make_run(project: Path, variable: str, texts: Sequence[str], coders: Mapping[str, Sequence[str]]) -> str:
    """Make a collected run `r` over texts with a file of labels for each coder; the path of coders.yaml, or ''."""
    cb.scheme.write_codebook(scripted.make_book(variable), "codebook.yaml")
    write_csv(project / "texts.csv", ("id", "text"), ((f"u{at}", text) for at, text in enumerate(texts)))
    entries = ["coders:"]
    for name, labels in coders.items():
        write_csv(project / f"{name}.csv", ("id", "label"), ((f"u{at}", label) for at, label in enumerate(labels)))
        entries.append(f"  - {{file: {name}.csv, unit: id, columns: {{{name}: label}}}}")
    (project / "coders.yaml").write_text("\n".join(entries) + "\n")
    run = cb.plan(
        "codebook.yaml", cb.read_units("texts.csv", id_column="id", text_column="text"), run="r", engine="scripted"
    )
    run.submit()
    run.collect()
    return "coders.yaml" if coders else ""


def write_csv(path: Path, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([head, *rows])


def draw_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lay figures out, and write one pixel of each: to draw them in three formats takes seconds."""

    def save(self: Figure, file: BinaryIO, *, format: str, **_: object) -> None:
        if format == "png":
            self.draw_without_rendering()
        file.write(PIXEL)

    monkeypatch.setattr(Figure, "savefig", save)
    monkeypatch.setattr("codebook.outputs.saving.MAKERS", {"html": html_table})
