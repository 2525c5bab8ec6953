"""A verb of the menu that is given what it does not take says so in words, before it does anything."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import codebook as cb
from codebook.errors import CodebookError, ParameterError
from codebook.ground.argument_types import with_checked_types

BOOK = cb.scheme.parse_codebook(
    "name: a\nunit: a text\nvariables:\n"
    "  - {name: b, question: '?', kind: single, level: nominal, categories: [yes, no]}\n"
)


@pytest.fixture
def texts(project: Path) -> str:
    (project / "texts.csv").write_text("id,text\n1,a\n2,b\n")
    return "texts.csv"


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda units: cb.plan(BOOK, "texts.csv"), r"units: it is the text 'texts.csv'. To mend: .*`read_units\(path"),
        (lambda units: cb.plan(BOOK, ["a", "b"]), r"units: it is a list whose first is the text 'a'.*read_units"),
        (lambda units: cb.plan(BOOK, pd.DataFrame({"id": [1]})), r"units: it is a DataFrame.*read_units"),
        (lambda units: cb.plan(units, BOOK), r"codebook: it is a UnitSource.*`read_codebook\(path\)`"),
        (lambda units: cb.plan(None, units), r"codebook: it is None.*`read_codebook\(path\)`"),
        (lambda units: cb.plan(BOOK, units, limit="3"), r"limit: it is the text '3'.*a whole number, without quotes"),
        (lambda units: cb.check_units("texts.csv"), r"source: it is the text 'texts.csv'.*read_units"),
        (lambda units: cb.preflight(BOOK, Path("texts.csv")), r"units: it is the path 'texts.csv'.*read_units"),
        (lambda units: cb.read_coders("coders.yaml", "codebook.yaml"), r"codebook: it is the text.*read_codebook"),
        (lambda units: cb.show_question("codebook.yaml", units), r"codebook: it is the text.*read_codebook"),
        (lambda units: cb.draw_gold("texts.csv", 10), r"units: it is the text 'texts.csv'.*Codings or a frame"),
        (lambda units: cb.write_table("run", "a.csv"), r"table: it is the text 'run'.*`run.table\(\)`"),
        (lambda units: cb.wait("mine"), r"run: it is the text 'mine'.*`open_run\(name\)`"),
        (lambda units: cb.open_run(3), r"name: it is the number 3.*a text in quotes"),
        (lambda units: cb.read_codebook(None), r"path: it is None.*a text in quotes"),
        (lambda units: cb.embed_texts("one text"), r"texts: it is the text 'one text'.*pass a list"),
        (
            lambda units: cb.read_units("texts.csv", id_column="id", text_column="text", context_columns="split"),
            r"context_columns: it is the text 'split'.*pass a list",
        ),
    ],
)
def test_what_a_verb_does_not_take_is_said_and_nothing_is_done(texts, project, call, words):
    units = cb.read_units(texts, id_column="id", text_column="text")
    with pytest.raises(ParameterError, match=words):
        call(units)
    assert not (project / "runs").exists()


@pytest.mark.parametrize("codings", [None, "coders.yaml", 3, ["a"]])
@pytest.mark.parametrize("verb", ["reliability", "validity", "coverage", "correlogram", "prevalence", "show_table"])
def test_what_is_no_codings_is_said_by_the_analysis(verb, codings):
    with pytest.raises(CodebookError, match="To mend"):
        getattr(cb, verb)(codings)


def test_numbers_of_numpy_and_what_fits_pass(texts):
    import numpy as np

    run = cb.plan(BOOK, iter(cb.read_units(texts, id_column="id", text_column="text")), limit=np.int64(1), run="r")
    assert run.name == "r"
    assert cb.open_run("r").record["units"]["n"] == 1


def test_what_takes_anything_or_several_by_name_is_not_refused() -> None:
    def take(first: Any, *rest: int, **facts: str) -> tuple[Any, ...]:
        return (first, rest, facts)

    assert with_checked_types(take)({}, 1, 2, name="a") == ({}, (1, 2), {"name": "a"})


WIDE = pd.DataFrame({"anna": list("aabbabab"), "ben": list("abbbabaa")})


def needs(name: str) -> list[str]:
    """Arguments without which a verb cannot be called."""
    parameters = inspect.signature(getattr(cb, name)).parameters.values()
    return [each.name for each in parameters if each.default is each.empty and each.kind is not each.VAR_KEYWORD]


VERBS = [name for name in cb.__all__ if not isinstance(getattr(cb, name), type) and needs(name)]


@pytest.mark.parametrize("name", VERBS)
def test_no_verb_of_the_menu_answers_a_strange_object_with_an_error_of_its_inside(name: str, project: Path) -> None:
    with pytest.raises(CodebookError):
        getattr(cb, name)(**{each: object() for each in needs(name)})


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: cb.reliability(WIDE, level="nominal", resample=100),
            r"resample: it is the number 100.*`Bootstrap\(1000\)`",
        ),
        (lambda: cb.label(WIDE["anna"], ["a"]), r"codebook: it is a list\. To mend: .*label -> definition"),
        (lambda: cb.correct(None, "x ~ label"), r"codings: it is None\. To mend: pass Codings or a frame"),
        (lambda: cb.write_table([1], "x.csv"), "table: it is a list whose first is the number 1"),
        (lambda: cb.draw_gold([1], 2), "units: it is a list whose first is the number 1"),
    ],
)
def test_what_a_newcomer_passes_is_said_in_words(call: Callable[[], object], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        call()


def test_an_error_of_a_persons_own_function_passes_as_it_is() -> None:
    def broken(rows: pd.DataFrame) -> dict[str, float]:
        raise KeyError("of the person's own function")

    with pytest.raises(KeyError, match="own function"):
        cb.specifications(WIDE, broken)
