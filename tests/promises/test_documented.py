"""What the documents say is run or held against what there is: commands, blocks of the README, studies, templates."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from fakes.fake_openai import FakeOpenAI

import codebook as cb
from codebook.cli import main
from codebook.execute.parameters import read_parameters
from codebook.execute.study_plan import Step, plan_study
from codebook.scaffold import make_study

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
STUDIES = [ROOT / "study.yaml", *sorted((ROOT / "studies").glob("*.yaml"))]
DOCUMENTS = [
    *(ROOT / "README.md", ROOT / "CONTRIBUTING.md", *STUDIES),
    *(path for path in (ROOT / "docs").rglob("*.md") if not {"made", "_build"} & set(path.parts)),
    *(ROOT / "notebooks").rglob("*.ipynb"),
    *(path for path in (ROOT / "codebook").rglob("*") if path.suffix in (".py", ".yaml", ".j2", ".md")),
]
PROGRAMS = {"make", "python3", ".venv/bin/python", "source", ".venv/bin/codebook", "export", "codebook"}
FIRST = {"new", "check", "preflight", "plan", "submit", "collect", "retry", "execute"}
_COMMAND = re.compile(
    r"`codebook ([a-z][^`\n]*)`|^[ #$]*(?:\.venv/bin/)?codebook ([a-z][a-z-]+(?: .*)?)$", re.MULTILINE
)


def documented_commands() -> Iterator[tuple[str, list[str]]]:
    """(place, words) of every command line of `codebook`; what a person or the code fills in is `x`."""
    for path in DOCUMENTS:
        for found in _COMMAND.finditer(path.read_text(encoding="utf-8")):
            line = re.split(r" {3,}|&&|\\n", found[1] or found[2])[0]
            plain = re.sub(r"\{[^}]*\}|<[^>]*>", "x", line).replace("...", "")
            yield path.relative_to(ROOT).as_posix(), shlex.split(plain, comments=True)


def refuse(words: list[str]) -> str:
    """What the command line says against these words, which need not be all of them; empty if nothing."""
    name, *rest = words
    if name not in main.commands:
        return f"there is no command {name!r}"
    rest += ["--yes"] * any(each.name == "yes" for each in main.commands[name].params)  # nobody is here to confirm
    try:
        main.commands[name].make_context(name, rest)
    except click.MissingParameter:
        return ""
    except click.UsageError as error:
        return error.format_message()
    return ""


def test_u01_every_documented_command_line_is_one_that_the_cli_takes() -> None:
    every = list(documented_commands())
    assert {words[0] for _, words in every} >= FIRST
    wrong = [f"{place}: codebook {shlex.join(words)}: {said}" for place, words in every if (said := refuse(words))]
    assert not wrong


def test_the_help_of_every_command_ends_with_an_example() -> None:
    """That the command line takes it, the test above sees to."""
    lacking = [name for name, each in main.commands.items() if f"  codebook {name}" not in (each.epilog or "")]
    assert not lacking


@pytest.mark.parametrize(
    ("words", "said"), [(["sumbit", "r"], "no command"), (["plan", "--modle", "x"], "No such option"), (["plan"], "")]
)
def test_u01_a_command_line_that_the_cli_does_not_take_is_found(words: list[str], said: str) -> None:
    assert said in refuse(words) if said else not refuse(words)


def blocks(text: str) -> list[list[str]]:
    """The indented blocks of code, each as its lines."""
    found = re.findall(r"\n\n((?: {4}.*\n|\n(?= {4}))+)", f"\n{text}")
    return [re.sub(r"^ {4}", "", block, flags=re.MULTILINE).splitlines() for block in found]


def test_u01_every_block_of_the_readme_is_of_a_kind_that_a_test_runs_or_reads() -> None:
    """A block with another first word wants a test of its own: add it here with that."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert len(blocks(README)) >= 5
    for lines in blocks(README):
        if lines[0].startswith("import "):
            compile("\n".join(lines), "README.md", "exec")
            continue
        if any(" -> " in line for line in lines):  # a drawing
            continue
        typed = [line[2:] for line in lines if line.startswith("$ ")] or lines  # else a block without its output
        for words in filter(None, (shlex.split(line, comments=True) for line in typed)):
            assert words[0] in PROGRAMS, words
            assert words[0] != "make" or set(words[1:]) <= targets


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new study, in which the commands are given."""
    monkeypatch.delenv("CODEBOOK_PROJECT", raising=False)
    make_study(tmp_path / "my-study")
    monkeypatch.chdir(tmp_path / "my-study")
    return Path.cwd()


def block_of(heading: str) -> list[str]:
    return blocks(README.split(f"\n## {heading}\n")[1])[0]


def test_u01_the_commands_of_the_readme_to_a_paid_batch_run_in_a_new_study(
    study: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FakeOpenAI(tmp_path / "service", auto="at once") as service:
        own = {"openai": {"base_url": service.base_url}}
        (study / "providers.yaml").write_text(yaml.safe_dump(own))
        for line in block_of("A paid batch"):
            program, *words = shlex.split(line, comments=True)
            if program == "export":
                assert words == ["OPENAI_API_KEY=..."]
                monkeypatch.setenv("OPENAI_API_KEY", service.key)
                continue
            done = CliRunner().invoke(main, words)
            assert done.exit_code == 0, f"{line}\n{done.output}"
    assert "12 asked = 12 labelled" in done.output


def test_the_three_lines_of_the_readme_give_alpha_and_labels(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pd.DataFrame({"anna": ["a", "b", "a", "c"], "ben": ["a", "b", "b", "c"]}).to_excel("coded_by_two.xlsx")
    alpha, labels = blocks(README.split("\n## Three lines each\n")[1])[:2]
    assert len(alpha) == len(labels) == 3
    exec(compile("\n".join(alpha), "README.md", "exec"), {})
    assert re.search(r"Krippendorff's alpha \(nominal\) of label: \.\d\d \[\S+, \S+\]", capsys.readouterr().out)
    exec(compile("\n".join(labels), "README.md", "exec"), {})
    shown = capsys.readouterr().out
    assert "economy" in shown
    assert "health" in shown
    assert len(cb.list_runs()) == 1


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_u01_every_study_that_ships_can_be_planned_and_its_files_are_in_order(path: Path) -> None:
    plan = plan_study(path, {})
    assert plan.steps
    for step in plan.steps:
        check_files(step)


def test_u01_so_can_the_template(study: Path) -> None:
    for step in plan_study(study / "study.yaml", {}).steps:
        check_files(step)


def check_files(step: Step) -> None:
    """Read what the parameters of a step name, as far as there is anything: codebook, units, coders."""
    values = {name: each.default for name, each in read_parameters(step.path).items()} | dict(step.parameters)
    book = cb.read_codebook(str(values["codebook"])) if values.get("codebook") else None
    if values.get("units") and "id_column" in values:
        columns = {name: values.get(name, []) for name in ("id_column", "text_column", "context_columns")}
        source = cb.open_units(
            str(values["units"]), **columns, where=values.get("where", []), form=values.get("form", [])
        )
        cb.check_units(source).raise_errors()
    if values.get("coders") and book and isinstance(values["coders"], str):
        assert len(cb.read_coders(values["coders"], book).frame)
