"""What `codebook new` writes, run as README says and with no edit, to its report; then with a human coder beside."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import orjson
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from codebook.cli import main

pytestmark = pytest.mark.slow

README = Path(__file__).parents[2] / "README.md"
ALONE = "One coder ('embedded-use-minilm-2') beside the gold: nothing to compare."


def commands_of(heading: str) -> Iterator[list[str]]:
    """The words of each command in the first block of code below a heading of the README; `a && b` are two."""
    text = README.read_text(encoding="utf-8").split(f"\n## {heading}\n")[1]
    block = re.search(r"\n((?: {4}\S.*\n)+)", text)
    assert block is not None, heading
    for line in block[1].splitlines():
        yield from (shlex.split(part, comments=True) for part in line.split("&&"))


def invoke(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, list[Result]]]:
    """The folder of a new study, and what the commands of the README's own path gave, one after another."""
    home = tmp_path_factory.mktemp("home")
    results = []
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CODEBOOK_PROJECT", raising=False)
        patch.chdir(home)
        for program, *words in commands_of("Your own study"):
            if program == "cd":
                os.chdir(words[0])
            else:
                assert program == "codebook"
                results.append(invoke(*words))
        yield Path.cwd(), results


def report_of(folder: Path) -> str:
    return unescape((folder / "runs" / "my-study" / "report.html").read_text(encoding="utf-8"))


def remarks_of(folder: Path) -> dict[str, str]:
    entries = orjson.loads((folder / "runs" / "my-study" / "outputs" / "manifest.json").read_bytes())
    return {entry["name"]: entry["note"] for entry in entries if entry["kind"] == "remark"}


def test_u01_a_new_study_runs_to_its_report_as_it_is(study: tuple[Path, list[Result]]) -> None:
    folder, results = study
    assert [result.exit_code for result in results] == [0, 0, 0], results[-1].output
    said = results[-1].output
    steps = re.findall(r"^  \d\d (\w+) +[\d.]+ s  (\w+)$", said, flags=re.MULTILINE)
    names = ["codebook", "pilot", "submit", "collect", "validity", "reliability", "correlogram", "report"]
    assert steps == [(name, "done") for name in names]
    assert said.count(ALONE) == 1
    assert said.endswith("report: runs/my-study/report.html\n")
    page = report_of(folder)
    assert "embedded-use-minilm-2 meets the gold in 100.0 % of 12 units" in page
    assert page.count(f"<p>{ALONE}") == 1
    checks = pd.read_csv(folder / "runs" / "my-study" / "outputs" / "checklist.csv").set_index("question")
    assert checks.loc["validity in figures", "state"] == "done"
    assert checks.loc["reliability in figures", "state"] == "missing"
    assert checks.loc["reliability in figures", "found"].startswith(ALONE)


def test_u01_reliability_of_a_single_coder_says_so_and_is_no_failure(study: tuple[Path, list[Result]]) -> None:
    done = invoke("reliability", "my-study")
    assert done.exit_code == 0, done.output
    assert done.output.startswith(ALONE)
    assert "labelled" in done.output
    assert invoke("report", "my-study").exit_code == 0


def test_u01_one_human_coder_beside_the_gold_is_compared_with_the_model(study: tuple[Path, list[Result]]) -> None:
    folder, _ = study
    texts = (folder / "data" / "texts.csv").read_text().splitlines()
    human = [line.rsplit(",", 1)[-1] for line in texts[1:]]
    human[0], human[1] = '"health"', '"sports"'
    rows = [f'"h{at:02d}",{label}' for at, label in enumerate(human, 1)]
    (folder / "data" / "anna.csv").write_text("\n".join(["id,label", *rows]) + "\n")
    with (folder / "coders.yaml").open("a") as coders:
        coders.write("  - {file: data/anna.csv, unit: id, columns: {anna: label}}\n")
    done = invoke("execute", "study.yaml", "--only", "reliability", "--only", "report")
    assert done.exit_code == 0, done.output
    remarks = remarks_of(folder)
    assert {"reliability", "coefficients", "alpha_by_label", "label_shares"} & set(remarks) == set()
    assert "30 units in common: nothing to compare" in remarks["agreement_by_pair"]  # they have 12
    page = report_of(folder)
    assert ALONE not in page
    assert "people + embedded-use-minilm-2 .76" in page  # two of twelve labels differ
    assert "(2 coders, 12 units)" in page
