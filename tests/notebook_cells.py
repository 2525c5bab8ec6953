"""The cells of a notebook run here, in one namespace and without a kernel: quick enough to try many situations."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).parent.parent / "notebooks"


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
