"""Records as a long frame: quotes placed in unit and member, the same asked apart or together."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pandas as pd
import pytest

from codebook.analysis.core.estimates import Bootstrap
from codebook.analysis.entities import resolve_entities
from codebook.codings import Records, count_quotes, make_table, open_records, read_record_codings, units_table
from codebook.errors import TableError
from codebook.records import Unit
from codebook.scheme import parse_codebook, read_codebook

DATA = Path(__file__).parents[2] / "data" / "entities_wikigold"
BOOK = read_codebook(DATA / "codebook.yaml")
APART = parse_codebook("""
name: apart
unit: a post
variables:
  - name: topics
    question: What about
    kind: records
    fields: [{name: topic}]
  - name: actors
    question: Who acts
    kind: records
    fields: [{name: name}, {name: mention, kind: quote}, {name: salience, kind: number}, {name: deed, kind: quote}]
""")
TOGETHER = parse_codebook("""
name: together
unit: a post
variables:
  - name: content
    question: What about, and who acts
    kind: records
    lists:
      - {name: topics, fields: [{name: topic}]}
      - name: actors
        fields: [{name: name}, {name: mention, kind: quote}, {name: salience, kind: number}, {name: deed, kind: quote}]
""")
UNITS = [
    Unit("a", "Ann laughed.\n\nBen wept, and Ann came.", members=(("p1", 0), ("p2", 14))),
    Unit("b", "Nobody came."),
    Unit("c", "Cut."),
]
ANN = {"name": "Ann", "mention": "Ann", "salience": 1, "deed": "laughed"}
BEN = {"name": "Ben", "mention": "BEN", "salience": 0.5, "deed": "danced"}
TOPICS, ACTED = [{"topic": "mood"}], [ANN, BEN, ANN | {"deed": "came"}]


def dump(**reply: object) -> str:
    return orjson.dumps(reply).decode()


def make_rows(variable: str, *labels: str | None) -> list[dict[str, object]]:
    return [
        {
            **{"unit_id": unit.unit_id, "coder": "m", "variable": variable, "run_id": "r", "label": label},
            "why": None if label else "truncated",
        }
        for unit, label in zip(UNITS, labels, strict=True)
    ]


def table_apart() -> pd.DataFrame:
    rows = make_rows("topics", dump(topics=TOPICS), dump(topics=[]), dump(topics=[]))
    return make_table(rows + make_rows("actors", dump(actors=ACTED), dump(actors=[]), None), APART)


def test_one_row_a_record_with_the_places_of_its_quotes() -> None:
    frame = open_records(table_apart(), APART, "actors", units=UNITS).frame
    assert list(frame.columns) == [
        *("unit_id", "coder", "variable", "draw", "run_id", "list", "n"),
        *("name", "mention", "salience", "deed"),
        *("start", "end", "how", "score", "member"),
        *("deed_start", "deed_end", "deed_how", "deed_score", "deed_member"),
    ]
    shown = frame[["n", "mention", "start", "end", "how", "member", "salience"]]
    assert shown.to_numpy().tolist() == [
        [1, "Ann", 0, 3, "exact", "p1", 1.0],
        [2, "BEN", 14, 17, "folded", "p2", 0.5],
        [3, "Ann", 28, 31, "exact", "p2", 1.0],
    ]
    assert frame["deed_how"].tolist() == ["exact", "absent", "exact"]
    assert frame["deed_start"].isna().tolist() == [False, True, False]
    assert frame["deed"].tolist() == ["laughed", "danced", "came"]  # an unfound quote is marked, not dropped
    text = UNITS[0].text
    found = frame[frame["how"] == "exact"]
    assert [text[start:end] for start, end in zip(found["start"], found["end"], strict=True)] == ["Ann", "Ann"]


def test_the_coverage_is_carried() -> None:
    records = open_records(table_apart(), APART, "actors", units=UNITS)
    assert records.coverage == "3 asked = 2 labelled + 1 truncated"
    assert records.runs == ("r",)
    assert records.n_absent == 0
    assert "3 records in 1 unit" in repr(records)
    assert open_records(table_apart(), APART, "topics", units=UNITS).coverage == "3 asked = 3 labelled"


@pytest.mark.parametrize("name", ["topics", "actors"])
def test_together_gives_the_same_records_as_apart(name: str) -> None:
    rows = make_rows("content", dump(topics=TOPICS, actors=ACTED), dump(topics=[], actors=[]), None)
    together = open_records(make_table(rows, TOGETHER), TOGETHER, name, units=UNITS).frame
    apart = open_records(table_apart(), APART, name, units=UNITS).frame
    pd.testing.assert_frame_equal(together.drop(columns="variable"), apart.drop(columns="variable"))
    assert set(together["variable"]) == {"content"}


def test_a_frame_without_records_has_its_columns_and_types() -> None:
    empty = open_records(table_apart()[:0], APART, "actors", units=[]).frame
    full = open_records(table_apart(), APART, "actors", units=UNITS).frame
    pd.testing.assert_series_equal(empty.dtypes, full.dtypes)
    assert len(empty) == 0


def test_units_may_be_pairs_and_more_than_needed_but_not_fewer() -> None:
    pairs = [*((unit, None) for unit in UNITS), (Unit("z", ""), "the text is empty")]
    assert len(open_records(table_apart(), APART, "actors", units=iter(pairs)).frame) == 3
    with pytest.raises(TableError, match="give the units of this run"):
        open_records(table_apart(), APART, "actors", units=UNITS[1:])


def test_wrong_requests_name_the_mend() -> None:
    with pytest.raises(TableError, match="use one of 'topics', 'actors'"):
        open_records(table_apart(), APART, "entities", units=UNITS)
    taken = APART.model_validate(
        {
            **{"name": "x", "unit": "x"},
            "variables": [{"name": "v", "question": "?", "kind": "records", "fields": [{"name": "draw"}]}],
        }
    )
    with pytest.raises(TableError, match="rename the field"):
        open_records(table_apart()[:0], taken, "v", units=[])


def test_a_field_named_like_a_place_keeps_its_name() -> None:
    fields = [{"name": "mention", "kind": "quote"}, {"name": "score", "kind": "number"}]
    variable = {"name": "v", "question": "?", "kind": "records", "fields": fields}
    book = APART.model_validate({"name": "x", "unit": "x", "variables": [variable]})
    row = {"unit_id": "b", "coder": "m", "variable": "v", "label": dump(v=[{"mention": "came", "score": 7}])}
    frame = open_records(make_table([row], book), book, "v", units=UNITS).frame
    assert frame[["score", "mention_start", "mention_score"]].to_numpy().tolist() == [[7.0, 7, 1.0]]


def test_gold_of_wikigold_goes_through_the_tidy_table() -> None:
    path, keys = DATA / "docs.jsonl", {"unit": "doc_id", "list": "entities", "mention": "text"}
    codings = read_record_codings(path, BOOK, "entities", keys=keys)
    docs = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    records = open_records(codings, BOOK, "entities", units=[Unit(doc["doc_id"], doc["text"]) for doc in docs])
    frame = records.frame
    given = [
        (doc["doc_id"], *(one[key] for key in ("start", "end", "type"))) for doc in docs for one in doc["entities"]
    ]
    assert list(frame[["unit_id", "start", "end", "type"]].itertuples(index=False, name=None)) == given
    assert count_quotes(records).frame.to_numpy().tolist() == [["gold", 1654, 0, 0, 0, "entities"]]
    against = records.against(records, resample=Bootstrap(0)).frame
    assert (against.query("by == 'gold' and part == 'overall'")["f1"] == 1).all()
    model = replace(records, frame=records.frame.assign(coder="model-1@bc4498d7"))
    assert set(model.against(records, resample=Bootstrap(0)).frame["by"]) == {"model-1", "capital letters"}
    assert set(count_quotes(model).table["coder"]) == {"model-1"}
    nobody = open_records(read_record_codings("", BOOK, "entities", keys=keys), BOOK, "entities", units=[])
    assert records.against(nobody).facts.nothing == "There is no gold: nothing to compare."
    with pytest.raises(TableError, match=r"docs.jsonl, line 1: there is no 'mention'"):
        read_record_codings(path, BOOK, "entities", keys=["unit: doc_id", "list: entities"])
    with pytest.raises(TableError, match="they lack list"):
        read_record_codings(path, BOOK, "entities", keys=["unit: doc_id"])


def test_members_and_mentions() -> None:
    assert units_table(UNITS).frame["member"].tolist() == ["p1", "p2", "b", "c"]
    records = open_records(table_apart(), APART, "actors", units=UNITS)
    names = records.mentions("mention")
    assert names.mentions["mention_id"].tolist() == ["a.actors.1", "a.actors.2", "a.actors.3"]
    twice = pd.concat([records.frame, records.frame.assign(coder="k")])
    assert Records("actors", twice).mentions("name").mentions["mention_id"].is_unique
    resolved = records.with_entities(resolve_entities(names)).frame
    assert resolved.loc[resolved["mention"] == "Ann", "entity_id"].nunique() == 1
    assert resolved["entity_id"].nunique() == 2
