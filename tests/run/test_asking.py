"""Who is asked, and how: what a person says becomes one typed object, as run.json keeps it."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

import codebook as cb
from codebook.errors import ParameterError
from codebook.records import CHAT, Asking
from codebook.run import label, open_run, plan, preflight, rehearse_plan
from codebook.run.plans.asking import make_asking

BOOK = """
name: tone
unit: a headline
variables:
  - {name: tone, question: "Which tone?", kind: single, level: nominal, categories: [good, bad]}
"""
RECORD = {"url": CHAT, "draws": 2, "settings": {"seed": 7}, "engine": "e", "model": "m", "options": {"archive": "a"}}


@pytest.fixture
def book(project: Path) -> Path:
    path = project / "codebook.yaml"
    path.write_text(BOOK)
    return path


@pytest.mark.parametrize("more", [{}, {"private": "ab12"}])
def test_it_is_written_to_the_record_as_it_was_read(more: dict[str, str]) -> None:
    asking = Asking.from_record({"asked": RECORD | more | {"of a later version": 1}})
    assert orjson.dumps(asking.to_record()) == orjson.dumps(RECORD | more)
    assert (asking.draws, asking.options, asking.salt) == (2, {"archive": "a"}, more.get("private", ""))


def test_a_run_says_what_it_asked(book: Path) -> None:
    labels = label(["Coal is good."], book, run="one")
    assert list(labels["why"]) == [""]
    asking = open_run("one").asked
    assert (asking.engine, asking.draws, asking.url, asking.settings, asking.private) == (
        "embedded",
        1,
        CHAT,
        {},
        False,
    )
    assert asking.model == orjson.loads(Path("runs/one/run.json").read_bytes())["asked"]["model"] != ""


@pytest.mark.parametrize("verb", [plan, rehearse_plan, preflight, label])
def test_an_unknown_name_is_refused_with_the_nearest(book: Path, verb: object) -> None:
    with pytest.raises(ParameterError, match=r"modle: a plan has no such parameter. To mend: did you mean 'model'\?"):
        verb([], book, modle="x") if verb is label else verb(book, [], modle="x")  # type: ignore[operator]
    assert not Path("runs").exists()


def test_a_key_is_refused_wherever_it_stands(project: Path) -> None:
    key = "sk-" + "a1B2" * 12
    for fields in ({"model": key}, {"options": [f"base_url: {key}"]}, {"settings": {"metadata": {"api_key": "x"}}}):
        with pytest.raises(ParameterError, match="looks like a key") as refused:
            make_asking(fields)
        assert key not in str(refused.value)


def test_a_pilot_is_answered_at_once_where_the_engine_takes_its_time(project: Path) -> None:
    fields = {"engine": "openai_batch", "model": "m", "options": ["provider: ollama", "pause_s: 5"], "at_once": True}
    asking = make_asking(fields)
    assert (asking.engine, asking.options) == ("openai_live", {"provider": "ollama"})
    assert make_asking({"at_once": True}).engine == "embedded"
    assert make_asking(fields | {"at_once": False}).engine == "openai_batch"


@pytest.mark.parametrize("settings", [["temperature=0"], "temperature=0", 3])
def test_settings_that_are_no_mapping_are_refused_in_words(settings):
    with pytest.raises(ParameterError, match=r"settings: it is a .*To mend: pass a mapping"):
        make_asking({"settings": settings})


def test_a_service_that_is_a_mapping_is_told_how_it_is_written():
    with pytest.raises(ParameterError, match=r"service: it is a dict\. To mend: pass `cb\.run\.Service\(poll_s=5\)`"):
        cb.plan("codebook.yaml", [], service={"poll_s": 5})
    assert cb.run.Service(poll_s=5).poll_s == 5
