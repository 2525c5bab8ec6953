"""Kind `records`: what is asked, in both tongues, and which replies are records of the codebook to the letter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from codebook.codings import make_table
from codebook.codings.contract import find_label_problem
from codebook.dialects import read_prompt, write_body
from codebook.engines.service.shapes import check_form
from codebook.records import CHAT, RESPONSES, Unit
from codebook.scheme import parse_codebook, read_codebook
from codebook.tasks import Extract, make_questions

GOLDEN = Path(__file__).parents[1] / "golden"
BOOK = read_codebook(Path(__file__).parents[2] / "data" / "entities_wikigold" / "codebook.yaml")
TOGETHER = parse_codebook("""
name: both
unit: a press release
variables:
  - name: content
    question: What is it about, and whom does it name?
    kind: records
    lists:
      - name: topics
        most: 2
        fields:
          - {name: topic, kind: choice, categories: [{name: coal, include: lignite}, {name: wind}]}
      - name: actors
        definition: Whoever acts.
        fields:
          - {name: name}
          - {name: mention, kind: quote}
          - {name: salience, kind: number, definition: from 0 to 1}
""")
QUESTION = make_questions(TOGETHER)["content"]
ANN = {"name": "Ann", "mention": "Ann", "salience": 0.5}


@pytest.mark.parametrize("url", [CHAT, RESPONSES])
@pytest.mark.parametrize("name", ["topics", "entities"])
def test_the_request_is_what_it_was(name: str, url: str) -> None:
    """A changed prompt is a changed instrument: delete the file and run twice if it was meant."""
    prompt = make_questions(BOOK)[name].write_prompt(Unit("W001", "Ann met Ben in Rome."))
    body = write_body(prompt, url, "a-model")
    path = GOLDEN / f"extract_{name}_{'chat' if url == CHAT else 'responses'}.json"
    assert orjson.loads(path.read_bytes()) == body
    assert check_form(body, url) == []
    back = read_prompt(body, url)
    assert (back.system, back.user, back.schema) == (prompt.system, prompt.user, prompt.schema)


def test_together_is_one_request_with_two_lists() -> None:
    assert list(QUESTION.schema["properties"]) == ["topics", "actors"]
    assert check_form(write_body(QUESTION.write_prompt(Unit("1", "x")), CHAT, "m"), CHAT) == []
    lines = QUESTION.system.splitlines()
    assert "- topics: topics (At most 2 records)" in lines
    assert "  field mention (words of the unit, copied exactly)" in lines
    assert lines[lines.index("Categories of topic in topics:") :][:4] == [
        "Categories of topic in topics:",
        "- coal: coal",
        "  include: lignite",
        "- wind: wind",
    ]


def read(**reply: Any) -> Any:
    return QUESTION.read_label(orjson.dumps(reply).decode())


def test_records_become_canonical_json() -> None:
    label = read(actors=[ANN], topics=[])
    assert label.label == '{"actors":[{"mention":"Ann","name":"Ann","salience":0.5}],"topics":[]}'
    assert label.why is None
    assert QUESTION.read_label(QUESTION.write_answer(label.label)).label == label.label
    assert read(topics=[], actors=[]).label == '{"actors":[],"topics":[]}'


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ({"topics": []}, "does not have the fields topics, actors"),
        ({"topics": {}, "actors": []}, "topics is not a list"),
        ({"topics": [{"topic": "coal"}] * 3, "actors": []}, "topics has 3 records, 2 are taken"),
        ({"topics": ["coal"], "actors": []}, "topics, record 1: it does not have the fields topic"),
        ({"topics": [{"topic": "coal", "why": ""}], "actors": []}, "record 1: it does not have the fields"),
        ({"topics": [{"topic": "wind"}, {"topic": "Coal"}], "actors": []}, "record 2: topic 'Coal' is not in the code"),
        ({"topics": [{"topic": None}], "actors": []}, "topic None is not a text"),
        ({"topics": [], "actors": [ANN | {"salience": "high"}]}, "salience 'high' is not a number"),
        ({"topics": [], "actors": [ANN | {"salience": True}]}, "salience True is not a number"),
        ({"topics": [], "actors": [ANN | {"mention": ["Ann"]}]}, "mention ['Ann'] is not a text"),
    ],
)
def test_nothing_is_repaired(reply: dict[str, Any], problem: str) -> None:
    label = read(**reply)
    assert (label.label, label.why) == (None, "invalid")
    assert problem in label.detail


def test_a_reply_that_is_cut_is_invalid() -> None:
    assert QUESTION.read_label('{"topics":[{"topic":').why == "invalid"


def test_the_table_checks_labels_of_records_and_spells_them_alike() -> None:
    row = {"unit_id": "1", "coder": "gold", "variable": "content", "label": '{"topics": [], "actors": []}'}
    assert make_table([row], TOGETHER)["label"].tolist() == ['{"actors":[],"topics":[]}']
    variable = TOGETHER.variables[0]
    assert find_label_problem("coal", variable) == "it is not JSON"
    assert find_label_problem("[]", variable) == "it is not a JSON object"
    assert find_label_problem('{"topics":[]}', variable) == "it does not have the lists topics, actors"
    assert find_label_problem(read(topics=[], actors=[ANN]).label, variable) is None


def test_the_short_form_is_one_list_of_the_variable_s_name() -> None:
    book = parse_codebook(
        "{name: n, unit: a text, variables: [{name: people, question: Whom, kind: records, fields: [{name: name}]}]}"
    )
    question = make_questions(book)["people"]
    assert isinstance(question, Extract)
    assert question.read_label('{"people":[{"name":"Ann"}]}').label == '{"people":[{"name":"Ann"}]}'


def test_lists_may_be_named_like_evidence_and_confidence() -> None:
    fields = "fields: [{name: words, kind: quote}]"
    text = f"""
name: odd
unit: a text
variables:
  - name: found
    question: What?
    kind: records
    lists: [{{name: quote, {fields}}}, {{name: confidence, {fields}}}]
"""
    question = make_questions(parse_codebook(text))["found"]
    label = question.read_label('{"quote":[{"words":"a"}],"confidence":[]}')
    assert (label.why, label.evidence, label.confidence) == (None, None, None)
