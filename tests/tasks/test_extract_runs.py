"""Extraction through a whole run: groups of texts, asked apart or together, offline and by batch, into a database."""

from __future__ import annotations

import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from fakes.service import finish, lines_of, plan_batch, serve

from codebook.codings import units_table, write_database
from codebook.dialects import read_prompt, unfence, write_reply
from codebook.errors import ParameterError
from codebook.records import CHAT, RESPONSES
from codebook.run import plan
from codebook.scheme import Codebook, parse_codebook
from codebook.units import group_units, read_units

POSTS = """id,thread,text
1,a,Angela Merkel flew to Washington to speak about the price of hard coal.
2,b,The United Nations met in Geneva.
3,a,Barack Obama met Angela Merkel again.
4,b,Nothing came of it.
"""
TOPICS = "{name: topics, most: 3, fields: [{name: topic}]}"
MENTION, TYPE = "{name: mention, kind: quote}", "{name: type, kind: choice, categories: [PER, ORG, LOC]}"
ENTITIES = f"{{name: entities, fields: [{MENTION}, {TYPE}]}}"
VARIABLE = "{{name: {}, question: What is there, kind: records, lists: [{}]}}"


def make_book(*variables: str) -> Codebook:
    return parse_codebook(f"{{name: posts, unit: a thread, variables: [{', '.join(variables)}]}}")


APART = make_book(VARIABLE.format("topics", TOPICS), VARIABLE.format("entities", ENTITIES))
TOGETHER = make_book(VARIABLE.format("content", f"{TOPICS}, {ENTITIES}"))


@pytest.fixture
def threads(project: Path) -> Any:
    path = project / "posts.csv"
    path.write_text(POSTS, encoding="utf-8")
    return group_units(read_units(path, id_column="id", text_column="text"), "thread", separator=" ")


@pytest.mark.slow
def test_apart_is_two_requests_a_group_in_one_run_and_together_is_one(threads: Any) -> None:
    apart, together = (finish(plan(book, threads, run=name)) for book, name in ((APART, "apart"), (TOGETHER, "one")))
    assert Counter(apart.table()["variable"]) == {"topics": 2, "entities": 2}
    assert len(together.table()) == 2
    assert [job.requests for job in apart.status().jobs] == [2, 2]  # a shard a variable
    frames = [run.records("entities").frame.drop(columns=["run_id", "variable"]) for run in (apart, together)]
    assert frames[0].drop(columns="coder").equals(frames[1].drop(columns="coder"))
    shown = frames[0][["unit_id", "mention", "type", "how", "member"]].to_numpy().tolist()
    assert [row for row in shown if row[1] == "Angela Merkel"] == [
        ["a", "Angela Merkel", "PER", "exact", "1"],
        ["a", "Angela Merkel", "PER", "exact", "3"],
    ]
    assert ["b", "United Nations", "ORG", "exact", "2"] in shown
    topics = apart.records("topics").frame
    assert "hard coal" in topics["topic"].tolist()
    assert topics["n"].max() <= 3


@pytest.mark.parametrize("url", [CHAT, RESPONSES])
def test_by_batch_the_same_lines_are_taken_and_read(
    url: str, threads: Any, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service checks the strict schema; its model quotes one thing that is not there."""

    def reply(line: dict[str, Any]) -> dict[str, Any]:
        prompt = read_prompt(line["body"], line["url"])
        names = [name for name in ("Angela Merkel", "Geneva") if name in unfence(prompt.user)] + ["Nobody at all"]
        answers = {
            "topics": [{"topic": "politics"}],
            "entities": [{"mention": name, "type": "PER"} for name in names],
        }
        text = orjson.dumps({name: answers[name] for name in prompt.schema["properties"]}).decode()
        return write_reply(line["url"], "gpt-6-luna-2026-09-01", text, request_id="r", usage=(9, 9))

    with serve(project, monkeypatch, reply=reply) as fake:
        run = finish(plan_batch(fake, threads, book=APART, url=url))
        lines = [line for batch in fake.batches for line in lines_of(fake, batch)]
    assert [line["url"] for line in lines] == [url] * 4
    records = run.records("entities")
    frame = records.frame
    assert records.coverage == "2 asked = 2 labelled"
    assert frame.groupby("unit_id")["how"].agg(list).to_dict() == {"a": ["exact", "absent"], "b": ["exact", "absent"]}
    assert frame["coder"].str.startswith("gpt-6-luna-2026-09-01@").all()


def test_the_database_of_a_run_is_written_again_without_doubling(threads: Any, project: Path) -> None:
    run = finish(plan(APART, threads, run="db"))
    names = ("topics", "entities")
    tables = [*map(run.records, names), units_table(run.units())]
    frames = {table.name: table.frame for table in tables}
    once, twice = (write_database("runs/db/study.db", *tables) for _ in range(2))
    assert once == twice == {name: len(frame) for name, frame in frames.items()}
    with closing(sqlite3.connect(project / "runs" / "db" / "study.db")) as database:
        counts = {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in frames}
        joined = database.execute(
            "SELECT e.mention, u.member FROM entities e JOIN units u ON u.unit_id = e.unit_id AND u.member = e.member "
            "WHERE e.mention = 'Barack Obama'"
        ).fetchall()
    assert counts == once
    assert joined == [("Barack Obama", "3")]


def test_what_the_embedded_engine_cannot_fill_is_refused_by_name_before_anything_is_written(threads: Any) -> None:
    mood = ENTITIES.replace("[PER, ORG, LOC]", "[PER, mood]")
    relations = "{name: relations, fields: [{name: who}]}"
    book = make_book(VARIABLE.format("entities", mood), VARIABLE.format("relations", relations))
    with pytest.raises(ParameterError) as refusal:
        plan(book, threads, run="cannot")
    assert "'entities': the embedded engine does not know the entity type 'mood'" in str(refusal.value)
    assert "cannot answer the property 'relations'" in str(refusal.value)
