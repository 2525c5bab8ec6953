"""The kit is extended from outside by the very lines that CONTRIBUTING shows: an engine, a task, a statistic, ..."""

from __future__ import annotations

import importlib
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from codebook.engines import ENGINES, about_engine, make_engine
from codebook.errors import ParameterError, SchemeError
from codebook.exchange import FORMATS, open_export
from codebook.ground.plugins import ENGINE_GROUP, list_plugins
from codebook.outputs import list_outputs
from codebook.records import Unit
from codebook.run import open_run, plan
from codebook.scheme import parse_codebook

ROOT = Path(__file__).parents[2]
WRITTEN = dict(
    re.findall(
        r"^```python\n# kit_extras/(\w+)\.py\n(.*?)^```$",
        (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"),
        flags=re.DOTALL | re.MULTILINE,
    )
)
"""The modules that CONTRIBUTING shows, by their names."""
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
    for name, source in {"__init__": "", **WRITTEN}.items():
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
    assert make_engine("embedded", folder=tmp_path).model == "embedded-use-minilm-2"
    with pytest.raises(ParameterError, match=r"did you mean 'upper'\?"):
        make_engine("shortest", folder=tmp_path, uper=True)
    with pytest.raises(ParameterError, match=r"kit_extras.nowhere:Nothing: No module named .*install what its package"):
        make_engine("gone", folder=tmp_path)
    with pytest.raises(SchemeError, match=r"write one of: single, .*embedding, yes_no"):
        parse_codebook(BOOK.replace("KIND", "yes_or_no"))


def test_without_the_package_its_names_are_unknown(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="'shortest' is not one of cluster, cluster_live, embedded, "):
        make_engine("shortest", folder=tmp_path)
    with pytest.raises(SchemeError, match=r"`kind` is 'yes_no'"):
        parse_codebook(BOOK.replace("KIND", "yes_no"))


def test_a_statistic_is_a_function_from_codings_to_a_result(package: None, project: Path) -> None:
    run = plan(parse_codebook(BOOK.replace("KIND", "yes_no")), _units(), run="one", engine="shortest")
    run.submit()
    run.collect()
    share_of_labels = importlib.import_module("kit_extras.statistic").share_of_labels
    result = share_of_labels(run.codings()).save()
    assert repr(result).startswith("shortest-1 gives 'no' most, in 100 % of the units.")
    assert result.png.startswith(b"\x89PNG")
    assert "<table>" in result._repr_html_()
    assert list(list_outputs("one")["title"]) == ["Share of each label"]
    saved = pd.read_csv(project / "runs" / "one" / "outputs" / "shares.csv")
    assert saved.to_dict("records") == [{"coder": "shortest-1", "label": "no", "share": 1.0}]
    people = pd.DataFrame({"ann": ["a", "a", "b"], "ben": ["a", "b", "b"]})
    assert share_of_labels(people, level="nominal").frame["share"].round(2).tolist() == [0.67, 0.33, 0.67, 0.33]


def test_a_figure_is_a_function_from_a_frame_to_a_figure_of_a_journals_width(package: None) -> None:
    frame = pd.DataFrame({"n_words": [5, 10, 20], "share": [0.7, 0.8, 0.9], "n": [30, 40, 20]})
    figure = importlib.import_module("kit_extras.figure").plot_lengths(frame)
    assert round(25.4 * figure.get_size_inches()[0]) == 89
    assert "n = 90 units." in [text.get_text() for text in figure.findobj(lambda each: hasattr(each, "get_text"))]


def test_a_tools_format_is_a_module_that_is_found_by_what_is_in_a_file(
    package: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FORMATS, "tally", "kit_extras.tally")
    lines = ['{"text_id":"a","who":"ann","answers":{"tone":"good"}}', '{"text_id":"b","who":"ben","answers":{}}']
    (tmp_path / "export.txt").write_text("\n".join(lines), encoding="utf-8")
    reading = open_export(tmp_path / "export.txt")
    assert (reading.format, reading.title) == ("tally", "Tally")
    assert [row[:4] for row in reading.labels] == [("a", "ann", "tone", "good")]
    assert "nothing was answered" in reading.account.frame().to_string()


def _units() -> list[Unit]:
    return [Unit("u1", "Coal is cheap."), Unit("u2", "It rains.")]
