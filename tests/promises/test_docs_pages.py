"""Every block of the docs is run: commands, Python and yaml, page by page, each in a folder of its own."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from fakes.fake_openai import FakeOpenAI

import codebook as cb
from codebook.cli import main
from codebook.cli.message_pages import message_classes, read_words

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(path for path in DOCS.rglob("*.md") if not {"made", "_build"} & set(path.relative_to(DOCS).parts))
TOPICS = ROOT / "data" / "topics_sib200_en"
LABELS = ["health", "politics", "sports", "travel"]
EXPORTS = {
    "street.qdc": "refi_qda/qualcoder_street.qdc",
    "street.qdpx": "refi_qda/qualcoder_street.qdpx",
    "segments.xlsx": "qda_tables/maxqda_coded_segments.xlsx",
    "codings.sav": "survey/codings.sav",
}
"""File of another program, as the pages name it -> what it is a copy of."""
SHOWN_ONLY = {"text", "r", "stata"}
"""Kinds of blocks that are looked at: output, and other programs."""


def blocks(path: Path) -> list[tuple[str, str]]:
    """(kind, content) of each fenced block of a page, what makes the page (pictures, contents) left aside."""
    text = path.read_text(encoding="utf-8")
    fenced = re.findall(r"^```([^\n]*)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE)
    return [(kind, content) for kind, content in fenced if not kind.startswith("{")]


def is_run(path: Path) -> bool:
    return any(kind not in SHOWN_ONLY for kind, _ in blocks(path))


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages say that a person has: tables of texts with labels of two coders, photos, PDFs, articles."""
    folder = tmp_path_factory.mktemp("material")
    book = cb.read_codebook(TOPICS / "codebook.yaml")
    coders = cb.read_coders(TOPICS / "coders.yaml", book).frame.pivot(index="unit_id", columns="coder", values="label")
    both = coders[coders["gold"].isin(LABELS) & coders["gpt-4"].isin(LABELS)].rename_axis("id").reset_index()
    texts = pd.read_csv(TOPICS / "texts.csv", dtype={"text_id": str}).set_index("text_id")["text"]
    sheet = pd.DataFrame({"id": both["id"], "text": both["id"].map(texts), "anna": both["gpt-4"], "ben": both["gold"]})
    sheet.to_excel(folder / "coded_by_two.xlsx", index=False)
    sheet.drop(columns="anna").to_excel(folder / "texts.xlsx", index=False)
    articles = (ROOT / "data" / "entities_wikigold" / "docs.jsonl").read_text(encoding="utf-8").splitlines()
    (folder / "articles.jsonl").write_text("\n".join(articles[:3]) + "\n", encoding="utf-8")
    (folder / "label_studio.json").write_text(json.dumps(list(write_tasks_of_two())), encoding="utf-8")
    for name, source, kind in (("photos", "clothing_images", "*.jpg"), ("scans", "scanned_pages", "*.pdf")):
        (folder / name).mkdir()
        files = sorted((ROOT / "data" / source).rglob(kind), key=lambda path: path.stat().st_size)
        for path in files[: 6 if name == "photos" else 1]:
            shutil.copy(path, folder / name)
    for name, source in EXPORTS.items():
        shutil.copy(ROOT / "tests" / "data" / "exchange" / source, folder / name)
    return folder


def write_tasks_of_two() -> Iterator[dict[str, Any]]:
    """An export of Label Studio: four headlines of a new study, two coders, a skip and a draft."""
    pairs = [("economy", "economy"), ("economy", "health"), ("health", ""), ("sports", "sports")]
    for number, labels in enumerate(pairs, start=1):
        given = [
            {
                "completed_by": coder,
                "was_cancelled": not label,
                "result": [{"from_name": "topic", "to_name": "text", "type": "choices", "value": {"choices": [label]}}],
            }
            for coder, label in enumerate(labels, start=2)
        ]
        drafts = [{"user": 3, "result": []}] if number == 3 else []
        yield {"id": number, "data": {"unit_id": f"h{number:02}"}, "annotations": given, "drafts": drafts}


@pytest.fixture
def service(material: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeOpenAI]:
    """A service on loopback, and the folder of a person with that material."""
    folder = tmp_path / "home"
    shutil.copytree(material, folder)
    monkeypatch.delenv("CODEBOOK_PROJECT", raising=False)
    monkeypatch.chdir(folder)
    with FakeOpenAI(tmp_path / "service", auto="at once") as service:
        yield service


def run_page(path: Path, monkeypatch: pytest.MonkeyPatch, service: FakeOpenAI) -> None:
    space: dict[str, object] = {}
    for kind, content in blocks(path):
        if kind == "console":
            for line in content.splitlines():
                run_line(line.removeprefix("$ "), monkeypatch, service)
        elif kind == "python":
            exec(compile(content, path.name, "exec"), space)
        elif kind == "yaml":
            write_yaml(content)
        else:
            assert kind in SHOWN_ONLY, f"a block of the kind {kind!r} wants a way to be run: {path}"


def run_line(line: str, monkeypatch: pytest.MonkeyPatch, service: FakeOpenAI) -> None:
    program, *words = shlex.split(line)
    if "=" in program:  # a setting of this command alone: pytest, which finds the notebooks; `make replay` runs one
        command = [sys.executable, "-m", *words, "--collect-only", "-q"]
        assert subprocess.run(command, env=os.environ | dict([program.split("=")]), check=False).returncode == 0
    elif program == "cd":
        monkeypatch.chdir(words[0])
        Path("providers.yaml").write_text(yaml.safe_dump({"openai": {"base_url": service.base_url}}))
    elif program == "export":
        monkeypatch.setenv(words[0].partition("=")[0], service.key)
    elif words[:1] not in (["lab"], ["open"], ["code"]):  # a browser, or a server; they have tests of their own
        assert program == "codebook", line
        if words[0] == "execute":  # each step takes seconds; test_new_study.py and `make replay` run all
            first = not Path("runs").exists()
            steps = ["submit"] * ("--replay" not in words) + ["collect"] + ["validity"] * first
            words += [word for step in steps for word in ("--only", step)]
        outcome = CliRunner().invoke(main, words, catch_exceptions=False)
        assert outcome.exit_code == 0, f"{line}\n{outcome.output}"


def write_yaml(content: str) -> None:
    """Write the file that the first line names, or change what `# in FILE` shows of it."""
    head = content.splitlines()[0]
    inside, name = re.fullmatch(r"# (in )?(\S+\.yaml)", head).groups()  # type: ignore[union-attr]
    if inside:
        merged = merge(yaml.safe_load(Path(name).read_text(encoding="utf-8")), yaml.safe_load(content))
        Path(name).write_text(yaml.safe_dump(merged, sort_keys=False, allow_unicode=True), encoding="utf-8")
    else:
        Path(name).write_text(content, encoding="utf-8")


def merge(old: Any, new: Any) -> Any:
    """The old value with what the new one says; of lists, place by place."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: merge(old.get(key), value) for key, value in new.items()}}
    if isinstance(old, list) and isinstance(new, list):
        return [merge(a, b) for a, b in zip(old, new, strict=False)] + old[len(new) :] + new[len(old) :]
    return new


@pytest.mark.slow
@pytest.mark.parametrize("path", [p for p in PAGES if is_run(p)], ids=lambda p: p.relative_to(DOCS).as_posix())
def test_the_blocks_of_a_page_run_one_after_another(
    path: Path, service: FakeOpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_page(path, monkeypatch, service)


def test_every_public_name_is_in_the_reference() -> None:
    text = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")
    listed = re.findall(r"^   (\w+)$", text, flags=re.MULTILINE)
    assert sorted(listed) == cb.__all__


def test_every_class_of_messages_has_words_of_its_own() -> None:
    classes = {name for name, each in vars(cb.errors).items() if isinstance(each, type) and issubclass(each, Exception)}
    assert set(read_words()) == classes == set(message_classes())
