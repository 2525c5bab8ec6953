"""The kit is extended from outside, without a line changed in it: an engine, a task, a statistic."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from codebook.analysis.core.codings import Codings
from codebook.analysis.core.plain_frames import as_codings
from codebook.analysis.core.result import Facts, Result
from codebook.engines import ENGINES, about_engine, make_engine
from codebook.errors import ParameterError, SchemeError
from codebook.ground.plugins import ENGINE_GROUP, list_plugins
from codebook.outputs import list_outputs
from codebook.records import Unit
from codebook.run import open_run, plan
from codebook.scheme import parse_codebook

ROOT = Path(__file__).parents[2]
ENGINE = '''
"""An engine as somebody else writes one: it answers with the shortest label."""

from codebook.dialects import read_prompt, write_reply
from codebook.engines.jobs import LocalEngine
from codebook.engines.protocol import About, result_id, result_line
from codebook.files.lines import dump_canonical


class Shortest(LocalEngine):
    name = "shortest"
    model = "shortest-1"
    about = About(free="Nothing: it counts letters ({tokens}).")

    def __init__(self, folder, *, model="", progress=False, upper=False):
        super().__init__(folder, progress=progress)
        self.upper = upper

    def answer(self, lines):
        return [self._answer_one(line) for line in lines]

    def _answer_one(self, line):
        (name, schema), = read_prompt(line["body"], line["url"]).schema["properties"].items()
        label = min(schema["enum"], key=len)
        reply = dump_canonical({name: label.upper() if self.upper else label}).decode()
        body = write_reply(line["url"], self.model, reply, request_id=result_id(line, self.name), usage=(3, 1))
        return result_line(line, 200, body, self.name)
'''
TASK = '''
"""A task as somebody else writes one: yes or no, without a list of categories."""

from codebook.tasks import Question


class YesNo(Question):
    rule = "Answer yes or no."

    def value_schema(self):
        return {"answer": {"type": "string", "enum": ["yes", "no"]}}

    def read_value(self, reply):
        return (reply["answer"], "") if reply["answer"] in ("yes", "no") else (None, "neither yes nor no")

    def write_answer(self, label):
        return '{"answer":"%s"}' % label
'''
POINTS = """
[codebook.engines]
shortest = kit_extras.engine:Shortest
embedded = kit_extras.engine:Shortest
gone = kit_extras.nowhere:Nothing

[codebook.tasks]
yes_no = kit_extras.task:YesNo
"""
BOOK = """
name: debate
unit: a sentence
variables:
  - {name: coal, question: "Is it about coal?", kind: KIND}
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A package with an engine and a task, installed as pip would."""
    site = tmp_path / "site"
    (site / "kit_extras").mkdir(parents=True)
    for name, source in (("__init__", ""), ("engine", ENGINE), ("task", TASK)):
        (site / "kit_extras" / f"{name}.py").write_text(source)
    about = site / "kit_extras-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: kit-extras\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(site)
    list_plugins.cache_clear()
    yield
    list_plugins.cache_clear()


def test_the_engines_of_the_kit_are_registered_like_a_strangers() -> None:
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    assert points[ENGINE_GROUP] == ENGINES


@pytest.mark.usefixtures("package")
def test_an_engine_and_a_task_come_with_a_package(project: Path) -> None:
    book = parse_codebook(BOOK.replace("KIND", "yes_no"))
    run = plan(book, _units(), run="one", engine="shortest")
    run.submit()
    run.collect()
    table = open_run("one").table()
    assert list(table["label"]) == ["no", "no"]
    assert set(table["model"]) == {"shortest-1"}
    assert open_run("one").asked.engine == "shortest"
    assert about_engine("shortest").free.startswith("Nothing: it counts letters")
    wrong = plan(book, _units(), run="two", engine="shortest", options=["upper: true"], settings={"seed": 1})
    wrong.submit()
    wrong.collect()
    assert set(wrong.table()["detail"]) == {"neither yes nor no"}


@pytest.mark.usefixtures("package")
def test_a_package_takes_no_name_of_the_kit_and_what_it_lacks_is_said(tmp_path: Path) -> None:
    assert make_engine("embedded", folder=tmp_path).model == "embedded-use-minilm-1"
    with pytest.raises(ParameterError, match=r"did you mean 'upper'\?"):
        make_engine("shortest", folder=tmp_path, uper=True)
    with pytest.raises(ParameterError, match=r"kit_extras.nowhere:Nothing: No module named .*install what its package"):
        make_engine("gone", folder=tmp_path)
    with pytest.raises(SchemeError, match=r"write one of: single, .*embedding, yes_no"):
        parse_codebook(BOOK.replace("KIND", "yes_or_no"))


def test_without_the_package_its_names_are_unknown(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="'shortest' is not one of embedded, openai_batch, openai_live, replay"):
        make_engine("shortest", folder=tmp_path)
    with pytest.raises(SchemeError, match=r"`kind` is 'yes_no'"):
        parse_codebook(BOOK.replace("KIND", "yes_no"))


def share_of_labels(data: Codings | pd.DataFrame, *, level: str = "") -> Result:
    """A statistic as somebody else writes one: each label's share among the labels of each coder."""
    codings = as_codings(data, level=level)
    labels = codings.frame.dropna(subset=["label"])
    shares = labels.groupby("coder")["label"].value_counts(normalize=True).rename("share").reset_index()
    first = shares.loc[shares["share"].idxmax()]
    return Result(
        shares,
        name="shares",
        title="Share of each label",
        facts=Facts(n_units=labels["unit_id"].nunique(), n_coders=len(codings.coders), joins=codings.joins),
        finding=f"{first['coder']} gives {first['label']!r} most, in {first['share']:.0%} of the units.",
        outputs=codings.outputs,
    )


def test_a_statistic_is_a_function_from_codings_to_a_result(package: None, project: Path) -> None:
    run = plan(parse_codebook(BOOK.replace("KIND", "yes_no")), _units(), run="one", engine="shortest")
    run.submit()
    run.collect()
    result = share_of_labels(run.codings()).save()
    assert repr(result).startswith("shortest-1 gives 'no' most, in 100% of the units.")
    assert "<table>" in result._repr_html_()
    assert list(list_outputs("one")["title"]) == ["Share of each label"]
    saved = pd.read_csv(project / "runs" / "one" / "outputs" / "shares.csv")
    assert saved.to_dict("records") == [{"coder": "shortest-1", "label": "no", "share": 1.0}]
    people = pd.DataFrame({"ann": ["a", "a", "b"], "ben": ["a", "b", "b"]})
    assert share_of_labels(people, level="nominal").frame["share"].round(2).tolist() == [0.67, 0.33, 0.67, 0.33]


def _units() -> list[Unit]:
    return [Unit("u1", "Coal is cheap."), Unit("u2", "It rains.")]
