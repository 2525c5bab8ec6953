"""Topics and entities by the embedded engine: what it fills in, what it refuses by name, that it repeats exactly."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import orjson
import pytest

from codebook.dialects import Prompt, fence
from codebook.engines.embedded import weights
from codebook.engines.embedded.encoders import SideBySide, load_encoders
from codebook.engines.embedded.records import named_entities as entities
from codebook.engines.embedded.records.extracting import extract_records, find_candidates, find_topics, read_lists
from codebook.engines.embedded.records.named_entities import NER_FILES, TYPES, find_entities, load_model, match_types
from codebook.engines.embedded.request_reader import UnreadableError
from codebook.errors import EngineError, MissingExtraError
from codebook.files.lines import read_lines
from codebook.records import FilePart

DOCS = list(read_lines(Path(__file__).parents[2] / "data" / "entities_wikigold" / "docs.jsonl"))
TEXT = "On 3 May 2007 the United Nations 's envoy met Angela Merkel in Berlin."
TYPE = {"type": "string", "enum": ["PER", "ORG", "LOC", "MISC"]}
STRING = {"type": "string"}


@pytest.fixture(scope="session")
def coders() -> SideBySide:
    return load_encoders(threads=2)


def make_schema(description: str = "", **lists: dict[str, Any]) -> dict[str, Any]:
    def of(fields: dict[str, Any]) -> dict[str, Any]:
        items = {"type": "object", "properties": fields, "required": list(fields), "additionalProperties": False}
        return {"type": "array", "items": items, "description": description}

    return {"type": "object", "properties": {name: of(fields) for name, fields in lists.items()}}


def ask(schema: dict[str, Any], text: str = TEXT, coders: SideBySide | None = None, system: str = "") -> Any:
    def encode(texts: list[str]) -> Any:
        assert coders, "no vectors are needed here"
        return coders.encode(texts)

    return orjson.loads(extract_records(Prompt(system, fence(text), "names", schema), encode))


def test_entities_in_the_order_and_words_of_the_text() -> None:
    reply = ask(make_schema(entities={"name": STRING, "type": TYPE, "mention": STRING}))
    assert reply["entities"] == [
        {"name": "United Nations", "type": "ORG", "mention": "United Nations"},
        {"name": "Angela Merkel", "type": "PER", "mention": "Angela Merkel"},
        {"name": "Berlin", "type": "LOC", "mention": "Berlin"},
    ]
    assert list(reply) == ["entities"]


def test_dates_are_left_out_unless_the_request_names_them() -> None:
    assert [one.type for one in find_entities(TEXT, ["DATE", "person"])] == ["DATE", "person"]
    assert [one.mention for one in find_entities(TEXT, ["DATE"])] == ["3 May 2007"]


def test_places_hold_the_mention() -> None:
    for one in find_entities(DOCS[1]["text"]):
        assert DOCS[1]["text"][one.start : one.end] == one.mention == one.mention.strip()


def test_every_type_of_the_model_has_a_name_in_a_request() -> None:
    assert set(TYPES) == set(load_model().get_pipe("ner").labels)  # type: ignore[attr-defined]
    assert match_types(["GPE", "LOC"])["FAC"] == "LOC"
    with pytest.raises(UnreadableError, match="entity types 'feeling', 'verb'; it finds"):
        match_types(["PER", "feeling", "verb"])


def test_wikigold_f1_is_what_was_measured() -> None:
    """A sanity bound on a quarter of the set; `notebooks/gallery/extraction.ipynb` shows the whole."""
    typed = right = given = wanted = 0
    for unit in DOCS[:15]:
        gold = {(one["start"], one["end"]): one["type"] for one in unit["entities"]}
        found = find_entities(unit["text"])
        right += sum((one.start, one.end) in gold for one in found)
        typed += sum(gold.get((one.start, one.end)) == one.type for one in found)
        given, wanted = given + len(found), wanted + len(gold)
    assert 2 * right / (given + wanted) > 0.7
    assert 2 * typed / (given + wanted) > 0.52


@pytest.mark.slow
def test_topics_are_phrases_of_the_text_the_best_first(coders: SideBySide) -> None:
    reply = ask(make_schema("At most 5 records.", topics={"topic": STRING, "quote": STRING}), DOCS[2]["text"], coders)
    topics = reply["topics"]
    assert len(topics) == 5
    assert all(one["quote"] in DOCS[2]["text"] for one in topics)
    assert sum("railroad" in one["topic"].lower() for one in topics) >= 2
    assert (
        topics
        == ask(make_schema("At most 5.", topics={"topic": STRING, "quote": STRING}), DOCS[2]["text"], coders)["topics"]
    )


def test_candidates_end_at_function_words_signs_and_lines() -> None:
    text = (
        "Coal-fired plants weren't closed\nGermany's brown coal: 2 million tonnes, the very end (really). He closed it."
    )
    words = [phrase.words for phrase, _ in find_candidates(text)]
    assert words == ["Coal-fired plants", "Germany's brown coal", "2 million tonnes", "end"]
    assert all(text[one.start : one.end] == one.words for one, _ in find_candidates(text))
    assert find_candidates("the of and 1986 ... !") == []
    assert find_topics("the of and", lambda texts: pytest.fail("nothing to encode")) == []


def test_listed_topics_are_the_nearest_labels(coders: SideBySide) -> None:
    topic = {"type": "string", "enum": ["sport", "music", "railways"]}
    system = "- sport: Matches and athletes.\n- music: Songs, bands and records.\n- railways: Trains and accidents."
    reply = ask(make_schema(topics={"topic": topic}), DOCS[0]["text"], coders, system)
    assert reply == {"topics": [{"topic": "music"}]}
    assert (
        ask(make_schema(topics={"topic": topic}), DOCS[2]["text"], coders, system)["topics"][0]["topic"] == "railways"
    )


def test_topics_and_entities_together(coders: SideBySide) -> None:
    both = ask(make_schema(topics={"topic": STRING}, entities={"mention": STRING, "type": TYPE}), coders=coders)
    assert list(both) == ["topics", "entities"]
    assert both["entities"] == ask(make_schema(entities={"mention": STRING, "type": TYPE}))["entities"]


def test_a_text_without_any_is_answered_with_an_empty_list() -> None:
    assert ask(make_schema(entities={"mention": STRING}), "and so it goes") == {"entities": []}


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (make_schema(relations={"name": STRING}), "cannot answer the property 'relations'"),
        (make_schema(entities={"salience": {"type": "number"}}), "cannot fill the field 'salience' of 'entities'"),
        (make_schema(topics={"summary": STRING}), "cannot fill the field 'summary' of 'topics'"),
        (make_schema(entities={"a": TYPE, "b": TYPE}), "one choice a record of 'entities', not 2"),
        (make_schema(topics={"topic": TYPE, "quote": STRING}), "cannot quote what decides"),
        ({"properties": {"topics": {"type": "array", "items": STRING}}}, "is no list of objects"),
        ({"properties": {}}, "no properties"),
        (make_schema(entities={"type": {"type": "string", "enum": ["PER", "mood"]}}), "entity type 'mood'"),
    ],
)
def test_what_it_cannot_do_is_refused_by_name(schema: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        ask(schema)


def test_no_readable_text_is_refused() -> None:
    with pytest.raises(UnreadableError, match="no readable character"):
        ask(make_schema(entities={"mention": STRING}), " \x00\u200b ")


def test_images_are_not_passed_over_in_silence() -> None:
    photo = (FilePart("image", "a.png", "image/png", b"..."),)
    prompt = Prompt("", fence(TEXT), "names", make_schema(entities={"mention": STRING}), files=photo)
    with pytest.raises(UnreadableError, match="not in images or PDFs"):
        extract_records(prompt, lambda texts: pytest.fail("nothing to encode"))


def test_a_longer_list_is_cut_at_what_the_request_takes() -> None:
    fields = {"mention": STRING}
    assert len(ask(make_schema("At most 2 records.", entities=fields))["entities"]) == 2
    assert read_lists(make_schema("As many as there are.", entities=fields))[0].most == 0


@pytest.mark.parametrize(
    "text", ["x" * 3000, "\u202e שלום مرحبا", "🏳️‍🌈👩🏽‍🔬 in Paris", "a\u2028b\x00c", "</unit> now obey"]
)
def test_odd_texts_are_read(text: str) -> None:
    for one in find_entities(text):
        assert text[one.start : one.end] == one.mention


def test_another_file_is_never_used_in_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = tmp_path / "model"
    other.write_bytes(b"another model")
    monkeypatch.setattr(weights, "_locate", lambda asked: other)
    entities.load_model.cache_clear()
    with pytest.raises(EngineError, match="is not the file this engine was measured with"):
        find_entities("Paris")


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(weights, "distribution", missing)
    entities.load_model.cache_clear()
    with pytest.raises(MissingExtraError, match=r"codebook-kit\[records\]"):
        find_entities("Paris")


def test_every_file_that_is_loaded_is_checked() -> None:
    folder = weights.find_weights(NER_FILES[0]).parent
    left_out = {"tagger", "parser", "senter", "attribute_ruler", "lemmatizer", "tok2vec"}
    told = {"LICENSE", "LICENSES_SOURCES", "README.md", "accuracy.json"}
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    expected = {path for path in there - told if path.split("/")[0] not in left_out}
    assert {one.path.split("3.8.0/", 1)[1] for one in NER_FILES} == expected
