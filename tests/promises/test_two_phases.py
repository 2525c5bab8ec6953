"""A study in two phases days apart: the notebooks send the batches, everybody goes home, and later they fetch them.

Each phase is a process of its own, `codebook execute study.yaml`, as on two days; the service runs on in between. Its
clock is put forward. In the second phase everything is executed again from the first notebook on, as a person would.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fakes.fake_process import FakeProcess
from fakes.scripted import result_ids

from codebook.codings import count_coverage, read_table
from codebook.execute import read_parameters
from codebook.files.lines import read_lines

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
TOPICS = ROOT / "data" / "topics_sib200_en"
STEPS = ("pilot", "submit", "collect", "report")
"""Those of the chain that speak to the service, and the report that tells of it; `make demo` runs them all."""
N_UNITS, N_PILOT = 12, 3
STUDY = """
study: two phases
run: topics
notebooks: notebooks
parameters:
  codebook: codebook.yaml
  units: texts.csv
  id_column: text_id
  text_column: text
  engine: openai_batch
  model: gpt-6-luna
  options: ["base_url: {base_url}", "pause_s: 0.01"]
  limit: {limit}
  cap: 0.5
  title: Two phases
steps: [{steps}]
"""


@dataclass
class Story:
    """A project, its service, and what each phase said: exit code, output, and the service's state afterwards."""

    project: Path
    fake: FakeProcess
    codes: list[int] = field(default_factory=list)
    outputs: list[str] = field(default_factory=list)
    states: list[dict[str, Any]] = field(default_factory=list)

    @property
    def run(self) -> Path:
        return self.project / "runs" / "topics"

    def execute(self, *only: str) -> None:
        """Run the study, or these steps of it, in a process of its own."""
        environment = os.environ | {"CODEBOOK_PROJECT": str(self.project), "OPENAI_API_KEY": self.fake.key}
        words = [word for step in only for word in ("--only", step)]
        done = subprocess.run(
            [sys.executable, "-m", "codebook", "execute", "study.yaml", *words],
            cwd=self.project,
            env=environment,
            text=True,
            capture_output=True,
            timeout=1800,
            check=False,
        )
        self.codes.append(done.returncode)
        self.outputs.append(done.stdout + done.stderr)
        self.states.append(self.fake.state())

    def n_calls(self, phase: int, call: str) -> int:
        """How often a call had been made by the end of a phase."""
        return sum(name == call for name, *_ in self.states[phase]["calls"])


def make_project(folder: Path, base_url: str) -> Path:
    """A study of twelve sentences; its service takes three requests a batch."""
    shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    shutil.copy(TOPICS / "codebook.yaml", folder)
    with (TOPICS / "texts.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[: N_UNITS + 1]
    with (folder / "texts.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    (folder / "providers.yaml").write_text("openai: {n_requests: 3}\n", encoding="utf-8")
    study = STUDY.format(base_url=base_url, limit=N_PILOT, steps=", ".join(STEPS))
    (folder / "study.yaml").write_text(study, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Three phases: sent, looked at too early, and fetched three days after the batches were done."""
    folder = tmp_path_factory.mktemp("story")
    (folder / "project").mkdir()
    with FakeProcess(folder / "service", auto="no") as fake:
        told = Story(make_project(folder / "project", fake.base_url), fake)
        told.execute("pilot", "submit")
        told.execute()
        fake.do("settle")
        fake.do("advance", hours=72)
        told.execute()
        yield told


def test_the_first_phase_sends_the_batches_and_ends(story: Story) -> None:
    assert story.codes[0] == 0, story.outputs[0]
    state = story.states[0]
    assert (state["n_created"], story.n_calls(0, "chat")) == (3, N_PILOT)
    assert {batch["status"] for batch in state["batches"].values()} == {"validating"}
    assert all(f" {step} " in story.outputs[0] for step in ("pilot", "submit"))


def test_a_second_phase_that_comes_too_early_says_so_and_sends_nothing(story: Story) -> None:
    assert story.codes[1] == 3, story.outputs[1]
    assert "pending" in story.outputs[1]
    assert "9 of 12 answers" in story.outputs[1]
    assert "run the same command again later" in story.outputs[1]
    assert story.states[1]["n_created"] == 3


def test_the_second_phase_picks_up_where_the_first_left(story: Story) -> None:
    assert story.codes[2] == 0, story.outputs[2]
    for call in ("batches.create", "files.create", "chat"):
        assert story.n_calls(2, call) == story.n_calls(0, call) > 0
    assert story.states[2]["n_created"] == 3
    assert set(story.states[2]["batches"]) == set(story.states[0]["batches"])
    assert [n for *_, n in story.states[2]["billed"]] == [1] * N_UNITS


def test_the_table_is_whole_and_its_coverage_sums(story: Story) -> None:
    table = read_table(story.run / "table.csv")
    counts = count_coverage(table)
    assert len(table) == counts["asked"].sum() == counts["labelled"].sum() == N_UNITS
    assert table["label"].notna().all()
    sent = [line["custom_id"] for path in (story.run / "shards").glob("*.jsonl") for line in read_lines(path)]
    assert sorted(result_ids(story.run)) == sorted(sent)
    assert len(sent) == N_UNITS - N_PILOT


def test_the_report_of_the_second_phase_tells_of_the_batches(story: Story) -> None:
    page = (story.run / "report.html").read_text(encoding="utf-8")
    assert "Two phases" in page
    assert "openai_batch" in page
    assert "gpt-6-luna-2026-09-01" in page
    assert "report: runs/topics/report.html" in story.outputs[2]


def test_no_phase_writes_the_key(story: Story) -> None:
    files = [path for path in story.project.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert [path for path in files if story.fake.key.encode() in path.read_bytes()] == []
    assert not any(story.fake.key in output for output in story.outputs)


def test_the_notebooks_take_what_the_study_gives() -> None:
    for number, name in ((2, "pilot"), (3, "submit")):
        known = read_parameters(ROOT / "notebooks" / f"{number:02d}_{name}.ipynb")
        assert {"engine", "model", "options"} <= set(known)


def test_batches_that_expired_between_the_phases_are_salvaged(tmp_path: Path, project: Path) -> None:
    """Too late: what the service had finished is kept and the rest is named, not asked again by itself."""
    with FakeProcess(tmp_path / "service", auto="no") as fake:
        late = Story(make_project(project, fake.base_url), fake)
        late.execute("submit")
        first = next(iter(late.states[0]["batches"]))
        fake.do("finish", first)
        fake.do("advance", hours=72)
        late.execute("collect", "report")
    assert late.codes == [0, 0], late.outputs
    assert late.states[1]["n_created"] == 4
    whys = read_table(late.run / "table.csv")["why"].value_counts(dropna=False).to_dict()
    assert whys.pop("expired") == N_UNITS - 3
    assert list(whys.values()) == [3]
    assert (late.run / "report.html").is_file()
