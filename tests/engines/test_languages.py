"""Texts in many languages: which encoders know them, what is refused, and what `check` and `plan` say before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest

import codebook as cb
from codebook.dialects import Prompt, fence, read_reply, write_body
from codebook.engines.embedded import MODEL, EmbeddedEngine
from codebook.engines.embedded.languages import KNOWN, read_language, say_languages
from codebook.errors import ParameterError
from codebook.files.lines import dump_canonical
from codebook.records import CHAT

DATA = Path(__file__).parents[1] / "data" / "sentences_in_languages.csv"
SENTENCES = pd.read_csv(DATA)
"""Ours: sentences on four topics, for the languages that the multilingual encoder knows and for others."""
SHIPPED = Path(__file__).parents[2] / "data"
TOPICS = {
    "sport": "Matches, athletes, teams and their results.",
    "economy": "Companies, markets, jobs and prices.",
    "health": "Illness, medicine, doctors and hospitals.",
    "travel": "Journeys, transport, sights and hotels.",
}
SYSTEM = "Code the unit.\n\nCategories:\n" + "\n".join(f"- {label}: {text}" for label, text in TOPICS.items())
SCHEMA = {
    "type": "object",
    "properties": {"label": {"type": "string", "enum": list(TOPICS)}},
    "required": ["label"],
    "additionalProperties": False,
}


def make_line(text: str, system: str = SYSTEM) -> dict[str, Any]:
    body = write_body(Prompt(system, fence(text), "topic", SCHEMA), CHAT, MODEL)
    return {"custom_id": "a", "method": "POST", "url": CHAT, "body": orjson.loads(dump_canonical(body))}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> EmbeddedEngine:
    return EmbeddedEngine(tmp_path_factory.mktemp("languages"), threads=2)


@pytest.fixture(scope="module")
def answers(engine: EmbeddedEngine) -> pd.DataFrame:
    lines = engine.answer([make_line(text) for text in SENTENCES["text"]])
    replies = [read_reply(line) for line in lines]
    labels = [orjson.loads(reply.text)["label"] if reply.text else None for reply in replies]
    status = [line["response"]["status_code"] for line in lines]
    return SENTENCES.assign(label=labels, status=status, detail=[str(reply.detail) for reply in replies])


def code_alone(engine: EmbeddedEngine, texts: pd.Series, dimensions: int) -> list[str]:
    """The topics nearest to texts by one encoder, or by both side by side."""
    labels = engine.encode_as([f"{label}: {text}" for label, text in TOPICS.items()], dimensions)
    nearest = (engine.encode_as(list(texts), dimensions) @ labels.T).argmax(axis=1)
    return [list(TOPICS)[place] for place in nearest]


def test_what_no_encoder_knows_is_refused_with_the_language_and_the_reason(answers: pd.DataFrame) -> None:
    foreign = answers[~answers["language"].isin(KNOWN)]
    assert foreign["language"].nunique() == 9
    assert foreign["label"].isna().all()
    assert (foreign["status"] == 400).all()
    names = dict(zip(foreign["language"], foreign["detail"], strict=True))
    for code, name in {"el": "Greek", "hi": "Hindi", "sw": "Swahili", "fa": "Persian", "fi": "Finnish"}.items():
        assert f"its language looks {name}" in names[code]
        assert "which no encoder here knows; they know Arabic, German, English" in names[code]


def test_other_languages_are_coded_by_the_multilingual_encoder_alone(
    answers: pd.DataFrame, engine: EmbeddedEngine
) -> None:
    for code, least in {"de": 0.9, "fr": 0.8, "ar": 0.9, "zh": 1.0}.items():
        rows = answers[answers["language"] == code]
        assert rows["label"].tolist() == code_alone(engine, rows["text"], 512)
        assert (rows["label"] == rows["topic"]).mean() >= least, code
    foreign = answers[answers["language"].isin(["de", "fr", "ar", "zh"])]
    blended = np.array(code_alone(engine, foreign["text"], 896))
    assert (foreign["label"] == foreign["topic"]).mean() > (blended == foreign["topic"]).mean()
    english = answers[answers["language"] == "en"]
    assert english["label"].tolist() == code_alone(engine, english["text"], 896)


def test_a_codebook_in_another_language_is_read_by_the_multilingual_encoder_alone(engine: EmbeddedEngine) -> None:
    german = SYSTEM
    for label, text in {
        "sport": "Spiele und Wettkämpfe, Mannschaften und ihre Ergebnisse.",
        "economy": "Unternehmen, Märkte, Arbeitsplätze und Preise.",
        "health": "Krankheiten, Arzneien, Ärzte und Krankenhäuser.",
        "travel": "Reisen, Verkehrsmittel, Sehenswürdigkeiten und Hotels.",
    }.items():
        german = german.replace(TOPICS[label], text)
    ask = engine._read(make_line("The striker scored twice in the final of the cup.", german))
    assert set(ask.scale.prototypes) == {512} == {ask.dimensions}
    greek = "- sport: Αγώνες και ομάδες.\n- economy: Εταιρείες και αγορές.\n- health: Γιατροί.\n- travel: Ταξίδια."
    assert "labels cannot be told apart by their definitions: its language looks Greek" in engine.find_lack(
        make_line("A text.", greek)
    )


def test_no_text_of_the_english_sets_is_taken_for_another_language() -> None:
    sets = {
        "topics_sib200_en/texts.csv": "text",
        "coal_debate/sentences.csv": "sentence",
        "econ_headlines/headlines.csv": "headline_en",
    }
    for name, column in sets.items():
        texts = pd.read_csv(SHIPPED / name)[column].dropna().astype(str)[:300]
        languages = [read_language(text) for text in texts]
        assert all(language.known for language in languages), name
        assert np.mean([language.english for language in languages]) > 0.96, name


def test_a_language_that_is_given_is_not_guessed(tmp_path: Path) -> None:
    assert read_language("Kampuni hiyo imepunguza wafanyakazi elfu mbili nchini.", "es").known
    with pytest.raises(ParameterError, match=r"leave it out, or name one of ar \(Arabic\), de"):
        EmbeddedEngine(tmp_path, language="sw")
    assert EmbeddedEngine(tmp_path, language="de").answerer != EmbeddedEngine(tmp_path).answerer


def test_short_texts_and_texts_without_letters_are_not_judged() -> None:
    for text in ("ok", "Lufthansa", "42 %", "", "🙂", "Köln"):
        assert read_language(text).known, text
    assert not read_language("Ελλάδα").known, "a script is certain however short the text"
    assert say_languages([])[1] == ""


def write_study(folder: Path, rows: pd.DataFrame) -> None:
    rows.assign(id=range(len(rows)))[["id", "text"]].to_csv(folder / "texts.csv", index=False)
    categories = "\n".join(f'      - {{name: {label}, definition: "{text}"}}' for label, text in TOPICS.items())
    (folder / "codebook.yaml").write_text(
        f"name: topics\nunit: a sentence\nvariables:\n  - name: topic\n    kind: single\n    level: nominal\n"
        f"    question: What is it about?\n    categories:\n{categories}\n"
    )
    (folder / "study.yaml").write_text(
        "study: languages\ncodebook: codebook.yaml\nunits: texts.csv\nid_column: id\nengine: embedded\n"
    )


def test_check_says_the_languages_and_the_table_the_reason(project: Path) -> None:
    chosen = SENTENCES[SENTENCES["language"].isin(["en", "de", "el"])]
    write_study(project, chosen)
    study = cb.open_study()
    check = study.check()
    assert "Languages of 20 texts looked at: German 12 (the multilingual encoder alone)" in str(check)
    assert "4 of 20 texts looked at are in a language that no encoder here knows (Greek 4)" in str(check)
    assert check.ok, "what some texts cannot get is a warning"
    units, book = study.open_units(), study.codebook
    run = cb.plan(book, units, engine="embedded", run="languages")
    run.submit()
    run.collect()
    table = run.codings().frame
    refused = table[table["label"].isna()]
    assert len(refused) == 4
    assert refused["detail"].str.contains("looks Greek").all()


ENTITIES = """
name: names
unit: a sentence
variables:
  - name: entities
    kind: records
    question: Which names are there?
    fields:
      - {{name: mention, kind: quote}}
      - name: type
        kind: choice
        categories:
          - {{name: person, definition: A person.}}
          - {{name: party, definition: "{party}"}}
"""


def test_types_of_names_that_the_engine_does_not_know_are_refused_by_check_and_plan(project: Path) -> None:
    write_study(project, SENTENCES[SENTENCES["language"] == "en"])
    (project / "codebook.yaml").write_text(ENTITIES.format(party="A political party."))
    study = cb.open_study()
    check = study.check()
    assert not check.ok
    assert "does not know the entity type 'party'" in str(check)
    assert "as in 'ORG: A political party.'" in str(check)
    with pytest.raises(ParameterError, match="does not know the entity type 'party'"):
        cb.plan(study.codebook, study.open_units(), engine="embedded", run="names")
    assert not (project / "runs" / "names" / "run.json").exists()


def test_a_type_of_ones_own_is_mapped_by_its_definition(project: Path) -> None:
    rows = pd.DataFrame({"text": ["The Labour Party chose Keir Starmer as its leader in April 2020."]})
    write_study(project, rows)
    (project / "codebook.yaml").write_text(ENTITIES.format(party="ORG: a political party"))
    study = cb.open_study()
    assert study.check().ok
    run = cb.plan(study.codebook, study.open_units(), engine="embedded", run="names")
    run.submit()
    run.collect()
    label = run.codings().frame["label"].iloc[0]
    assert '{"mention":"Labour Party","type":"party"}' in label
    assert '{"mention":"Keir Starmer","type":"person"}' in label
