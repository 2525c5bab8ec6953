"""What exports may hold and do: every encoding and line end, nothing at all, signs of every kind, files of any size."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codebook.errors import TableError
from codebook.exchange import FORMATS, Reading, open_export
from codebook.files.json_values import iter_values

ODD = ["NA", "0", "null", "a, b", 'say "no"', "two\nlines", "مرحبا", "C#", "=1+1", "🌳"]


def _task(number: int, *annotations: dict[str, Any], **data: Any) -> dict[str, Any]:
    return {"id": number, "data": {"doc_id": f"{number:03}", **data}, "annotations": list(annotations)}


def _choice(label: str | list[str], name: str = "stance") -> dict[str, Any]:
    choices = [label] if isinstance(label, str) else label
    return {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": choices}}


def _by(coder: Any, *results: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"completed_by": coder, "result": list(results), **more}


def _read(path: Path, tasks: list[Any], encoding: str = "utf-8", **options: Any) -> Reading:
    path.write_text(json.dumps(tasks, ensure_ascii=False), encoding=encoding)
    return open_export(path, **options)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_json_of_every_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    """With a byte order mark or without."""
    reading = _read(tmp_path / "a.json", [_task(1, _by(1, _choice("für")))], encoding)
    assert [row.label for row in reading.labels] == ["für"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_in_any_way(tmp_path: Path, end: str) -> None:
    """JSON lines and tables."""
    lines = [json.dumps({"text": "x", "doc_id": name, "label": ["a"]}) for name in ("007", "7")]
    (tmp_path / "ann.jsonl").write_bytes(end.join(lines).encode())
    assert [row.unit for row in open_export(tmp_path / "ann.jsonl").labels] == ["007", "7"]
    (tmp_path / "p.csv").write_bytes(end.join(["instance_id,user_id,mood.good", "007,ann,good", ""]).encode())
    assert open_export(tmp_path / "p.csv").labels[0][:4] == ("007", "ann", "mood", "good")


@pytest.mark.parametrize("label", ODD)
def test_labels_of_every_kind_come_through_as_they_are(tmp_path: Path, label: str) -> None:
    """One alone and one of several."""
    reading = _read(tmp_path / "a.json", [_task(1, _by(1, _choice(label), _choice([label, "z"], "topics")))])
    single, several = reading.labels
    assert single.label == label
    assert set(json.loads(several.label)) == {label, "z"}


def test_no_rows_one_coder_and_a_nul(tmp_path: Path) -> None:
    """An empty list of tasks has an account of nothing; NUL in a label is kept."""
    (tmp_path / "a.json").write_text("[]")
    reading = open_export(tmp_path / "a.json", format="label_studio")
    assert (reading.account.records, reading.account.units, list(reading.rows)) == (0, 0, [])
    reading = _read(tmp_path / "b.json", [_task(1, _by(1, _choice("a\0b")))])
    assert reading.labels[0].label == "a\0b"
    (tmp_path / "c.csv").write_text("instance_id,user_id,mood.good\n")
    assert open_export(tmp_path / "c.csv").account.records == 0


def test_what_is_of_no_tool_is_refused_with_the_list_of_formats(tmp_path: Path) -> None:
    """By its content; a wrong format is refused, too."""
    (tmp_path / "a.json").write_text('{"what": 1}')
    with pytest.raises(TableError, match=f"JSON with the keys 'what'.*{', '.join(list(FORMATS)[:2])}"):
        open_export(tmp_path / "a.json")
    (tmp_path / "b.csv").write_text("id,ann\n7,yes\n")
    with pytest.raises(TableError, match="a table with the columns 'id', 'ann'"):
        open_export(tmp_path / "b.csv")
    (tmp_path / "c.bin").write_bytes(bytes(range(256)) * 9)
    with pytest.raises(TableError, match="its content was not recognised"):
        open_export(tmp_path / "c.bin")
    with pytest.raises(TableError, match="did you mean 'doccano'"):
        open_export(tmp_path / "a.json", format="docano")
    with pytest.raises(TableError, match="did you mean 'unit'"):
        open_export(tmp_path / "a.json", units="id")


def test_a_damaged_export_names_its_line(tmp_path: Path) -> None:
    """Cut off, or no JSON from a line on; a damaged archive."""
    (tmp_path / "a.json").write_text('[{"id": 1, "data": {"k": 1}, "annotations": []},\n{"id": 2, "da')
    with pytest.raises(TableError, match="line 2"):
        open_export(tmp_path / "a.json")
    (tmp_path / "b.json.gz").write_bytes(b"\x1f\x8b\x08\0 nothing")
    with pytest.raises(TableError, match="unpack it yourself"):
        open_export(tmp_path / "b.json.gz")


def test_an_archive_is_read_as_its_folder(tmp_path: Path) -> None:
    """A file per coder; paths that lead out of it do not."""
    line = json.dumps({"text": "x", "doc_id": "1", "label": ["a"], "Comments": []})
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("ann.jsonl", line)
        archive.writestr("../../ben.jsonl", line)
    reading = open_export(tmp_path / "export.zip")
    assert set(reading.account.coders) == {"ann", "ben"}
    assert not (tmp_path.parent / "ben.jsonl").exists()


def test_coders_named_almost_alike_are_told_and_not_merged(tmp_path: Path) -> None:
    """By a blank; renaming joins them, and then one answered twice."""
    tasks = [_task(1, _by({"username": "Ann"}, _choice("a")), _by({"username": "Ann "}, _choice("b")))]
    reading = _read(tmp_path / "a.json", tasks)
    assert list(reading.account.coders) == ["Ann", "Ann "]
    assert any("have similar names" in note for note in reading.notes)
    reading = _read(tmp_path / "a.json", tasks, rename_coders={"Ann ": "Ann"}, duplicates="first")
    assert [(row.coder, row.label) for row in reading.labels] == [("Ann", "a")]
    assert reading.account.dropped == 1


def test_a_coder_has_the_same_pseudonym_in_every_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one key, drawn once and kept for its owner alone; another key gives another name."""
    monkeypatch.setenv("CODEBOOK_CONFIG", str(tmp_path / "settings"))
    tasks = [_task(1, _by({"email": "ann@example.org"}, _choice("a")))]
    first, second = (_read(tmp_path / f"{name}.json", tasks).labels[0].coder for name in "ab")
    assert first == second
    assert first.startswith("person_")
    assert (tmp_path / "settings" / "pseudonym.key").stat().st_mode & 0o077 == 0
    named = _read(tmp_path / "a.json", tasks, rename_coders={first: "ann"})
    assert named.labels[0].coder == "ann"
    monkeypatch.setenv("CODEBOOK_PSEUDONYM_KEY", "another")
    assert _read(tmp_path / "a.json", tasks).labels[0].coder != first


def test_an_address_in_the_name_of_a_file_stays_outside(tmp_path: Path) -> None:
    """doccano names files by its members; nothing that is said of a file names them."""
    line = json.dumps({"text": "x", "doc_id": "1", "label": ["a"], "Comments": []})
    for name in ("ann@example.org", "ben@example.org"):
        (tmp_path / f"{name}.jsonl").write_text(line)
    reading = open_export(tmp_path)
    assert len(reading.account.coders) == 2
    assert "@" not in repr(reading) + reading._repr_html_() + reading.account.sentence() + str(reading.questions)


def test_spans_are_held_against_their_text(tmp_path: Path) -> None:
    """Code points, else UTF-16 units; what fits neither is refused, and named."""
    text = "🌳🌳 Omar Haddad"
    spans = [(3, 7, "Omar"), (5, 9, "Omar"), (0, 4, "Omar")]
    value = [{"start": a, "end": b, "text": q, "labels": ["PER"]} for a, b, q in spans]
    results = [{"from_name": "who", "to_name": "text", "type": "labels", "value": each} for each in value]
    reading = _read(tmp_path / "a.json", [_task(1, _by(1, *results), text=text)])
    assert [(row.start, row.end, row.status) for row in reading.rows] == [
        (3, 7, "coded"),
        (3, 7, "coded"),
        (None, None, "rejected"),
    ]
    assert any("UTF-16" in note for note in reading.notes)
    assert any("a span was refused" in note.lower() for note in reading.notes)


def test_values_of_every_control_of_label_studio(tmp_path: Path) -> None:
    """Number 0, paths of a taxonomy, a region with two labels, several texts, offsets of hypertext."""
    results = [
        {"from_name": "n", "type": "number", "value": {"number": 0}},
        {"from_name": "t", "type": "taxonomy", "value": {"taxonomy": [["A", "A1"], ["A", "A2"]]}},
        {
            "from_name": "w",
            "to_name": "text",
            "type": "labels",
            "value": {"start": 0, "end": 1, "text": "x", "labels": ["X", "Y"]},
        },
        {"from_name": "f", "type": "textarea", "value": {"text": ["one", "two"]}},
        {
            "from_name": "h",
            "to_name": "text",
            "type": "hypertextlabels",
            "value": {
                "start": "/p[1]",
                "end": "/p[1]",
                "globalOffsets": {"start": 0, "end": 1},
                "text": "x",
                "hypertextlabels": ["Q"],
            },
        },
        {"type": "relation", "from_id": "a", "to_id": "b"},
    ]
    reading = _read(tmp_path / "a.json", [_task(1, _by(1, *results), text="x y")])
    labels = [(row.variable, row.label) for row in reading.rows]
    assert labels == [
        ("n", "0"),
        ("t", '["A > A1","A > A2"]'),
        ("w", "X"),
        ("w", "Y"),
        ("f", "one\ntwo"),
        ("h", "Q"),
    ]
    assert any("relation" in note for note in reading.notes)


def test_a_unit_that_stands_in_two_tasks_is_named(tmp_path: Path) -> None:
    """Its codings are of one unit."""
    tasks = [_task(1, _by(1, _choice("a"))), {**_task(2, _by(2, _choice("b"))), "data": {"doc_id": "001"}}]
    reading = _read(tmp_path / "a.json", tasks)
    assert any("occur in several tasks (first: '001')" in note for note in reading.notes)
    assert reading.account.units_by_coders == {2: 1}


def test_a_unit_field_that_is_not_certain_is_asked_for(tmp_path: Path) -> None:
    """Two candidates, or none; several fields make one id, and a field that is not there is a fault."""
    tasks = [{"id": 5, "data": {"doc_id": "1", "item": "x"}, "annotations": [_by(1, _choice("a"))]}]
    reading = _read(tmp_path / "a.json", tasks)
    assert reading.labels[0].unit == "5"
    assert "`unit`" in str(reading.questions[0])
    assert _read(tmp_path / "a.json", tasks, unit=["doc_id", "item"]).labels[0].unit == "1/x"
    with pytest.raises(TableError, match="did you mean 'doc_id'"):
        _read(tmp_path / "a.json", tasks, unit="docid")


def test_who_saw_what_is_stated_by_coded_by(tmp_path: Path) -> None:
    """A text without a code is empty for whom it was asked; what is not stated is told."""
    lines = [{"text": str(n), "doc_id": str(n), "label": ["a"] if n == 1 else []} for n in (1, 2)]
    for name in ("ann", "ben"):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    reading = open_export(tmp_path)
    assert "`coded_by`" in str(reading.questions[0])
    assert f"`coded_by: {{{min(reading.account.coders)}: [...]}}`" in str(reading.questions[0])
    reading = open_export(tmp_path, coded_by={"ann": ["1", "2", "3"]})
    assert [(r.unit, r.coder, r.status) for r in reading.rows if r.status != "coded"] == [
        ("2", "ann", "empty"),
        ("2", "ben", "not_seen"),
        ("3", "ann", "empty"),
    ]
    assert any("'ben' has given codes" in note for note in reading.notes)
    assert open_export(tmp_path, coded_by="all").account.by_status == {"coded": 2, "empty": 2}


def test_state_of_potato_is_read_and_what_is_private_is_not(tmp_path: Path) -> None:
    """As its exports; assigned units without an answer are not seen; of a single choice the last click stands."""
    folder = Path(__file__).parents[1] / "data" / "exchange" / "potato"
    state = open_export(folder / "state")
    want = open_export(folder / "annotations.jsonl")
    flat = open_export(folder / "annotations.csv")
    whole = [sorted((*row[:4],) for row in each.labels if row.start is None) for each in (state, want, flat)]
    assert whole[0] == whole[1] == whole[2]
    assert sorted(row[:7] for row in flat.labels) == sorted(row[:7] for row in want.labels)
    assert state.account.by_status["not_seen"] == 15 - 9
    pairs = [[{"schema": "mood", "name": name}, name] for name in ("good", "bad")]
    changes = [{"schema_name": "mood", "label_name": name, "action": "select"} for name in ("bad", "good")]
    old = {
        "user_id": "ann",
        "instance_id_to_label_to_value": {"p1": pairs},
        "instance_id_to_behavioral_data": {"p1": {"annotation_changes": changes}},
    }
    (tmp_path / "user_state.json").write_text(json.dumps(old))
    (tmp_path / "annotation_history.jsonl").write_text('{"ip": "10.0.0.1"}')
    reading = open_export(tmp_path, only=["mood"], sets=[])
    assert [row.label for row in reading.labels] == ["good"]
    assert open_export(tmp_path).labels[0].label == '["bad","good"]'
    assert reading.account.files == ("user_state.json",)


def test_a_line_of_prodigy_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    """Of one coder and task; a binary question is yes or no of its label."""
    line = {
        "text": "x",
        "meta": {"doc": "1"},
        "_task_hash": 1,
        "_annotator_id": "ann",
        "options": [],
        "answer": "accept",
    }
    lines = [{**line, "accept": ["a"]}, {**line, "accept": ["b"]}]
    lines += [
        {"text": "y", "meta": {"doc": "2"}, "_task_hash": 2, "_session_id": "ben", "label": "SPAM", "answer": "reject"}
    ]
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, lines)))
    reading = open_export(tmp_path / "p.jsonl")
    assert [row[:5] for row in reading.rows] == [
        ("1", "ann", "label", '["b"]', "coded"),
        ("2", "ben", "SPAM", "no", "coded"),
    ]
    assert sum(reading.account.aside.values()) == 1


def test_labels_of_doccano_joined_in_a_table_are_told_apart_by_the_codebook(tmp_path: Path) -> None:
    """In one way, or not at all."""
    folder = Path(__file__).parents[1] / "data" / "exchange" / "doccano"
    labels = {"label": ["for", "against", "unclear", "C#"]}
    reading = open_export(folder / "individual_CSV_all", labels=labels)
    assert {row.label for row in reading.labels} == {'["C#","for"]', '["against"]', '["against","unclear"]', '["for"]'}
    assert "`label`" in str(open_export(folder / "individual_CSV_all").questions)
    labels = {"label": ["a", "b", "a#b"]}
    (tmp_path / "ann.csv").write_text("id,text,label,Comments\n1,x,a#b,\n")
    reading = open_export(tmp_path / "ann.csv", labels=labels)
    assert "more than one way" in str(reading.questions[-1])
    assert reading.account.aside == {"labels joined by `#` that cannot be separated": 1}


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60)
@given(st.lists(values, max_size=6), st.sampled_from(["array", "lines"]))
def test_json_values_come_one_by_one_as_they_were_written(
    tmp_path_factory: pytest.TempPathFactory, written: list[Any], form: str
) -> None:
    """Of an array, or one after the other."""
    path = tmp_path_factory.mktemp("json") / "a.json"
    is_array = form == "array" or bool(written and isinstance(written[0], list))
    text = json.dumps(written) if is_array else "\n".join(map(json.dumps, written))
    path.write_text(text, encoding="utf-8")
    assert [value for _, value in iter_values(path)] == written


names = st.sampled_from(["ann", "ben", "Ann ", "2"])
labels = st.sampled_from([*ODD, "[]", "[x", ""])
annotation = st.builds(
    lambda coder, chosen, several, cancelled: _by(
        coder,
        *([_choice(chosen)] if chosen else []),
        *([_choice(several, "topics")] if several else []),
        was_cancelled=cancelled,
    ),
    names,
    labels,
    st.lists(st.sampled_from(ODD), unique=True, max_size=3),
    st.booleans(),
)


@settings(max_examples=60)
@given(st.lists(st.lists(annotation, max_size=4), max_size=5), st.sampled_from(["error", "first", "last"]))
def test_sums_of_label_studio_close_and_no_label_is_lost(
    tmp_path_factory: pytest.TempPathFactory, annotations: list[list[dict[str, Any]]], duplicates: str
) -> None:
    """Every annotation gives rows; every choice of one that was not cancelled is a label, or set aside and counted."""
    tasks = [_task(number, *each) for number, each in enumerate(annotations)]
    reading = _read(tmp_path_factory.mktemp("ls") / "a.json", tasks, format="label_studio", duplicates=duplicates)
    account = reading.account
    every = [each for task in annotations for each in task]
    assert account.records == len(every) + sum(not task for task in annotations)
    n_results = sum(len(each["result"]) for each in every if not each["was_cancelled"])
    n_labels = sum(row.status == "coded" for row in reading.rows)
    assert n_labels <= n_results <= n_labels + account.dropped
    assert account.by_status.get("skipped", 0) == sum(each["was_cancelled"] for each in every)
