"""How the notebooks are built, looked at without a kernel. `make notebooks` runs them all, `make demo` its steps."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from codebook.execute import read_parameters
from codebook.ground.secrecy import looks_like_key, names_key
from codebook.study.study_facts import fact_shapes, is_empty

ROOT = Path(__file__).parents[2]
PATHS = sorted(path for path in (ROOT / "notebooks").rglob("*.ipynb") if ".ipynb_checkpoints" not in path.parts)
MAX_CELLS, MAX_LINES, MEAN_LINES, MEAN_CODE = 24, 16, 5, 3
MAX_PARAMETERS = 14
"""Lines of the parameters cell, which is a list to choose from and holds no step."""
CLOCKS = {"time", "datetime", "date"}
MAGICS = {"run", "time", "cd", "alias", "load", "save", "page", "reset", "macro", "store", "edit", "config"}

Notebook = dict[str, Any]


def read_notebook(path: Path) -> Notebook:
    notebook: Notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook


@pytest.fixture(params=PATHS, ids=lambda path: path.relative_to(ROOT).as_posix())
def path(request: pytest.FixtureRequest) -> Path:
    found: Path = request.param
    return found


@pytest.fixture
def notebook(path: Path) -> Notebook:
    return read_notebook(path)


def code_cells(notebook: Notebook) -> list[tuple[int, str]]:
    """Return number and source of each cell of code."""
    return [(n, cell["source"]) for n, cell in enumerate(notebook["cells"], 1) if cell["cell_type"] == "code"]


def parse(number: int, source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except SyntaxError as error:
        mend = "only plain Python belongs in a cell (no `!`, no `%`)"
        raise AssertionError(f"cell {number}, line {error.lineno}: {mend}") from None


def nodes(notebook: Notebook) -> list[tuple[int, ast.AST]]:
    return [(number, node) for number, source in code_cells(notebook) for node in ast.walk(parse(number, source))]


def test_there_are_notebooks():
    assert PATHS, "notebooks/ holds no notebook"


def test_the_chain_leaves_to_the_study_what_the_study_says():
    """So Run All, papermill and `execute` do the same, and `make other-notebooks` may leave the chain out."""
    study = yaml.safe_load((ROOT / "study.yaml").read_text(encoding="utf-8"))
    steps = {path.stem.split("_", 1)[1]: path for path in (ROOT / "notebooks").glob("0[1-8]_*.ipynb")}
    assert study["steps"] == [*dict(sorted(steps.items(), key=lambda step: step[1].name))]
    assert "parameters" not in study
    own = {
        (path.stem, name)
        for path in (ROOT / "notebooks").glob("[01]*.ipynb")
        for name, parameter in read_parameters(path).items()
        if name in fact_shapes() and not is_empty(parameter.default)
    }
    assert not own


def test_the_format_is_valid_with_cell_ids_and_the_usual_kernel(notebook):
    import nbformat

    nbformat.validate(nbformat.from_dict(notebook))
    assert (notebook["nbformat"], notebook["nbformat_minor"]) >= (4, 5), "save it in nbformat 4.5, which has cell ids"
    ids = [cell.get("id") for cell in notebook["cells"]]
    assert all(ids), "every cell needs an id"
    assert len(set(ids)) == len(ids), "cell ids must differ"
    assert notebook["metadata"]["kernelspec"]["name"] == "python3", "choose the kernel python3"


def test_outputs_are_stripped(notebook):
    full = [n for n, cell in enumerate(notebook["cells"], 1) if cell.get("outputs") or cell.get("execution_count")]
    assert not full, f"cells {full} keep outputs or a count: clear all outputs before the commit"
    assert "widgets" not in notebook["metadata"], "widget state is kept: clear all outputs before the commit"


def test_it_begins_with_a_title_and_a_paragraph(notebook):
    first = notebook["cells"][0]
    assert first["cell_type"] == "markdown", "the first cell is the title and a paragraph"
    title, _, paragraph = first["source"].partition("\n")
    assert re.match(r"# \S", title), "the first line is the title: `# Title`"
    assert len(paragraph.split()) >= 10, "below the title: what goes in, what comes out, minutes, cost"


def test_it_ends_with_what_this_wrote(notebook):
    text = "\n".join(cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    headings = re.findall(r"^#+ .*$", text, flags=re.MULTILINE)
    assert headings[-1].lstrip("# ").strip() == "What this wrote", "the last section is `## What this wrote`"


def test_parameters_are_in_the_strict_form_explained_and_used(path, notebook):
    tagged = [n for n, c in enumerate(notebook["cells"], 1) if "parameters" in c["metadata"].get("tags", [])]
    assert len(tagged) == 1, "one cell is tagged `parameters`"
    assert tagged[0] == next(n for n, _ in code_cells(notebook)), "the parameters cell is the first cell of code"
    declared = read_parameters(path)
    assert declared, "the parameters cell declares nothing"
    later = "\n".join(source for number, source in code_cells(notebook) if number > tagged[0])
    used = {node.id for node in ast.walk(ast.parse(later)) if isinstance(node, ast.Name)}
    assert not declared.keys() - used, "parameters are declared and never used"
    unexplained = [name for name, parameter in declared.items() if not parameter.help]
    assert not unexplained, f"{unexplained}: end the line with `  # help`"
    lines = dict(code_cells(notebook))[tagged[0]].strip().split("\n")
    assert len(lines) > 1 or lines[0].split(":")[0] not in MAGICS, "IPython takes this single line for a magic command"


def test_it_is_short(notebook):
    assert len(notebook["cells"]) <= MAX_CELLS, f"at most {MAX_CELLS} cells"
    lengths = {n: len(cell["source"].strip().split("\n")) for n, cell in enumerate(notebook["cells"], 1)}
    first, *rest = (number for number, _ in code_cells(notebook))  # the first one holds the parameters
    most = {first: MAX_PARAMETERS} | dict.fromkeys(rest, MAX_LINES)
    long = {number: lengths[number] for number in most if lengths[number] > most[number]}
    assert not long, f"at most {MAX_LINES} lines a cell; move the rest into the package: {long}"
    mean = sum(lengths.values()) / len(lengths)
    assert mean <= MEAN_LINES, f"on average {mean:.1f} lines a cell; at most {MEAN_LINES}"


def test_cells_choose_call_and_look(notebook):
    kinds = {ast.ClassDef: "class", ast.Try: "try", ast.While: "while", ast.AsyncFunctionDef: "async def"}
    kinds |= {ast.If: "if", ast.IfExp: "if else", ast.Lambda: "lambda", ast.FunctionDef: "def"}
    found = [(number, word) for number, node in nodes(notebook) for kind, word in kinds.items() if type(node) is kind]
    calls = [(number, node) for number, node in nodes(notebook) if isinstance(node, ast.Call)]
    found += [(number, "**") for number, call in calls if any(keyword.arg is None for keyword in call.keywords)]
    assert not found, f"move these into the package (cell, word): {found}"


def test_the_notebooks_of_a_study_are_calls():
    """Three lines of code a cell on average, and no dict is built."""
    cells = [source for path in PATHS if path.parent.name == "notebooks" for _, source in _later_code(path)]
    lines = sum(len(source.splitlines()) for source in cells)
    assert lines <= MEAN_CODE * len(cells)
    assert not [source for source in cells if any(isinstance(node, ast.Dict) for node in ast.walk(ast.parse(source)))]


def _later_code(path: Path) -> list[tuple[int, str]]:
    return code_cells(read_notebook(path))[1:]


def test_no_clock_no_waiting_and_no_environment(notebook):
    called = {
        (number, ast.unparse(node.func))
        for number, node in nodes(notebook)
        if isinstance(node, ast.Call)
        and re.search(
            r"(^|\.)(time\.(time|sleep|perf_counter|monotonic)|now|utcnow|today|input|getenv)$", ast.unparse(node.func)
        )
    }
    assert not called, f"no clock, no waiting, no reading of the environment in a notebook (cell, call): {called}"
    imported = {
        alias.name
        for _, node in nodes(notebook)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert not imported & CLOCKS, f"no clock in a notebook: {imported & CLOCKS}"


def test_no_absolute_path_no_address_and_no_key(notebook):
    texts = [
        (number, node.value)
        for number, node in nodes(notebook)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    absolute = [number for number, text in texts if re.match(r"(/|~|[A-Za-z]:[\\/])\S", text)]
    assert not absolute, f"cells {absolute}: paths are relative to the project"
    keys = [number for number, text in texts if looks_like_key(text)]
    keys += [number for number, node in nodes(notebook) if isinstance(node, ast.Name) and names_key(node.id)]
    assert not keys, f"cells {keys}: a key belongs in the environment"
    addresses = [n for n, cell in enumerate(notebook["cells"], 1) if re.search(r"https?://", cell["source"])]
    assert not addresses, f"cells {addresses}: a notebook and its page need no network"


# The checks themselves, on notebooks that break one rule each

GOOD: Notebook = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    "cells": [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# T\n\n" + "word " * 10},
        {
            "cell_type": "code",
            "id": "b",
            "metadata": {"tags": ["parameters"]},
            "source": "run: str = 'x'  # folder\nseed: int = 1  # chance",
            "outputs": [],
            "execution_count": None,
        },
        {
            "cell_type": "code",
            "id": "c",
            "metadata": {},
            "source": "print(run, seed)",
            "outputs": [],
            "execution_count": None,
        },
        {"cell_type": "markdown", "id": "d", "metadata": {}, "source": "## What this wrote"},
    ],
}


def change(cell: int, **fields: Any) -> Notebook:
    notebook: Notebook = json.loads(json.dumps(GOOD))
    notebook["cells"][cell] |= fields
    return notebook


STRUCTURE = [
    test_the_format_is_valid_with_cell_ids_and_the_usual_kernel,
    test_outputs_are_stripped,
    test_it_begins_with_a_title_and_a_paragraph,
    test_it_ends_with_what_this_wrote,
    test_it_is_short,
    test_cells_choose_call_and_look,
    test_no_clock_no_waiting_and_no_environment,
    test_no_absolute_path_no_address_and_no_key,
]


def check_all(notebook: Notebook, path: Path) -> None:
    path.write_text(json.dumps(notebook), encoding="utf-8")
    for check in STRUCTURE:
        check(notebook)
    test_parameters_are_in_the_strict_form_explained_and_used(path, notebook)


def test_the_checks_let_a_good_notebook_pass(tmp_path):
    check_all(GOOD, tmp_path / "good.ipynb")


@pytest.mark.parametrize(
    ("notebook", "message"),
    [
        (change(0, source="Title"), "first line is the title"),
        (change(0, source="# Title"), "what goes in"),
        (change(0, id="b"), "must differ|unique|duplicate"),
        (change(1, source="run: str = 'x'\nseed: int = 1  # chance"), "end the line with"),
        (change(1, source="run: str = 'x'  # folder"), "magic command"),
        (change(1, source="run = 'x'  # folder"), "name: type = literal"),
        (change(2, source="print(run)"), "never used"),
        (change(2, execution_count=3), "clear all outputs"),
        (change(2, source="print(run, seed)\n" * 17), "at most 16 lines"),
        (change(0, source="# T\n" + "word\n" * 20), "on average"),
        (change(2, source="class A: print(run, seed)"), "into the package"),
        (change(2, source="try:\n    print(run, seed)\nfinally:\n    pass"), "into the package"),
        (change(2, source="print(**run, seed=seed)"), "into the package"),
        (change(2, source="print(run if seed else 1)"), "into the package"),
        (change(2, source="!ls\nprint(run, seed)"), "plain Python"),
        (change(2, source="%pip install x\nprint(run, seed)"), "plain Python"),
        (change(2, source="import time\nprint(run, seed, time.time())"), "no clock"),
        (change(2, source="from datetime import datetime\nprint(run, seed, datetime.now())"), "no clock"),
        (change(2, source="print(run, seed, '/home/ann/data.csv')"), "relative to the project"),
        (change(2, source="print(run, seed, 'C:/data.csv')"), "relative to the project"),
        (change(2, source="api_key = 1\nprint(run, seed)"), "environment"),
        (change(3, source="## The end"), "What this wrote"),
    ],
)
def test_the_checks_find_a_broken_rule(notebook, message, tmp_path):
    with pytest.raises(Exception, match=message):
        check_all(notebook, tmp_path / "broken.ipynb")
