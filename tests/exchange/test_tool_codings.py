"""Files of other tools as codings: `read_codings` and entries of coders.yaml."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from codebook.codings import read_coders, read_codings
from codebook.errors import TableError
from codebook.scheme import Codebook

FOLDER = Path(__file__).parents[1] / "data" / "exchange"
NAMES = {"2": "ann", "3": "ben", "4": "chloe"}


def _variable(name: str, kind: str, *categories: str) -> dict[str, Any]:
    level = "ordinal" if kind == "rating" else "nominal"
    return {"name": name, "question": "?", "kind": kind, "level": level, "categories": categories}


def _spans(name: str, *types: str) -> dict[str, Any]:
    fields = [{"name": "mention", "kind": "quote"}, {"name": "type", "kind": "choice", "categories": types}]
    return {"name": name, "question": "?", "kind": "records", "fields": fields}


def _codebook(*variables: Mapping[str, Any]) -> Codebook:
    return Codebook.model_validate({"name": "town", "unit": "a text", "variables": variables})


STANCE = _variable("stance", "single", "for", "against", "unclear")
TOPICS = _variable("topics", "multi", "traffic", "housing", "parks, trees", "money")
STRENGTH = _variable("strength", "rating", *"12345")
LABEL_STUDIO = FOLDER / "label_studio" / "export_all_tasks.json"
KNOWN = {"duplicates": "last", "variables": {"why": ""}, "rename_coders": NAMES}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEBOOK_PSEUDONYM_KEY", "a key of the tests")


def test_label_studio_gives_codings_of_every_kind() -> None:
    """Sets in codebook order, spans as records; a skip has no label, an empty submission is none of a set."""
    codings = read_codings(LABEL_STUDIO, _codebook(STANCE, TOPICS, STRENGTH, _spans("who", "PER", "ORG")), **KNOWN)
    labels = {(row.unit_id, row.coder, row.variable): row.label for row in codings.frame.itertuples()}
    assert labels["c01", "chloe", "topics"] == '["traffic","money"]'
    assert labels["c05", "ann", "stance"] == "unclear"
    assert json.loads(labels["c03", "chloe", "who"])["who"][1] == {"mention": "Lindt Square", "type": "ORG"}
    assert labels["c08", "ben", "topics"] == "[]"
    skipped = codings.frame[codings.frame["detail"] == "skipped by the coder"]
    assert set(skipped["why"]) == {"skipped"}
    assert set(zip(skipped["unit_id"], skipped["coder"], strict=True)) == {("c03", "ben"), ("c04", "ben")}
    assert {"(model)", "c06", "c07"}.isdisjoint({*codings.coders, *codings.frame["unit_id"]})
    assert "21 records read; 54 rows: 45 coded, 1 empty, 2 skipped, 1 draft, 2 prediction" in " ".join(codings.notes)


def test_what_a_file_cannot_say_is_a_fault_each() -> None:
    """A coder who answered twice, a variable and a label that the codebook has not: all at once."""
    with pytest.raises(TableError) as caught:
        read_codings(LABEL_STUDIO, _codebook(_variable("stance", "single", "for", "Against", "unclear"), TOPICS))
    message = str(caught.value)
    assert "write `duplicates: first` or `duplicates: last`" in message
    assert "`variables: {why: ''}`" in message
    assert "'who'" in message
    assert "`rename: {'against': 'Against'}`" in message


def test_every_export_of_label_studio_gives_the_same_labels(tmp_path: Path) -> None:
    """JSON_MIN, CSV and TSV, packed or not, without the configuration beside them."""
    book = _codebook(STANCE, TOPICS, STRENGTH, _spans("who", "PER", "ORG"))
    want = read_codings(LABEL_STUDIO, book, **KNOWN).frame
    want = want[want["label"].notna() & want["unit_id"].ne("c08")].sort_values(["unit_id", "coder", "variable"])
    for name in ("export_all_tasks_min.json", "export_all_tasks.csv", "export_all_tasks.tsv"):
        packed = tmp_path / f"{name}.gz"
        packed.write_bytes(gzip.compress((LABEL_STUDIO.parent / name).read_bytes()))
        frame = read_codings(packed, book, format="label_studio", **KNOWN).frame
        frame = frame[frame["label"].notna() & frame["unit_id"].ne("c08")].sort_values(["unit_id", "coder", "variable"])
        columns = ["unit_id", "coder", "variable", "label"]
        assert frame[columns].to_numpy().tolist() == want[columns].to_numpy().tolist(), name


def test_an_entry_of_coders_yaml_reads_a_tool_beside_a_table(tmp_path: Path) -> None:
    """A single variable of the file under the codebook's name; ids of both meet."""
    shutil.copytree(FOLDER / "doccano" / "individual_JSONL_all", tmp_path / "doccano")
    shutil.copytree(FOLDER / "doccano" / "individual_JSONL_confirmed", tmp_path / "confirmed")
    (tmp_path / "chloe.csv").write_text('id,code\nd1,"[""for""]"\nd4,"[]"\n', encoding="utf-8")
    (tmp_path / "coders.yaml").write_text(
        "coders:\n"
        "  - {file: doccano, format: doccano, unit: doc_id, variable: stance, confirmed: confirmed}\n"
        "  - {file: chloe.csv, unit: id, label: code, coder_name: chloe, empty: none}\n",
        encoding="utf-8",
    )
    codings = read_coders(
        tmp_path / "coders.yaml", _codebook(_variable("stance", "multi", "for", "against", "unclear", "C#"))
    )
    labels = {(row.unit_id, row.coder): row.label for row in codings.frame.itertuples()}
    assert labels["d1", "ben"] == '["for","C#"]'
    assert labels["d3", "anna"] == "[]"
    assert ("d3", "ben") not in labels
    assert labels["d4", "chloe"] == "[]"


def test_composite_ids_and_packed_files_are_read_of_plain_tables_too(tmp_path: Path) -> None:
    """Several columns joined by a slash."""
    path = tmp_path / "codes.csv.gz"
    path.write_bytes(gzip.compress(b"wave,id,ann\n1,007,for\n2,007,against\n"))
    codings = read_codings(path, _codebook(STANCE), unit=["wave", "id"], columns=["ann"])
    assert codings.frame["unit_id"].tolist() == ["1/007", "2/007"]


def test_labels_of_several_people_in_one_file_give_no_codings() -> None:
    """doccano's shared mode: refused until a name says that it is one coder."""
    book = _codebook(_variable("label", "multi", "for", "against", "unclear"))
    file = FOLDER / "doccano" / "shared_JSONL" / "all.jsonl"
    with pytest.raises(TableError, match="coder_name"):
        read_codings(file, book, format="doccano")
    assert read_codings(file, book, format="doccano", coder_name="consensus").coders == ["consensus"]


def test_records_without_the_state_of_answers_are_taken_only_knowingly() -> None:
    """Argilla's nested records: drafts look submitted."""
    book = _codebook(_variable("mood", "single", "good", "bad"))
    file = FOLDER / "argilla" / "records.json"
    left_out = {"topics": "", "strength": "", "spans": ""}
    with pytest.raises(TableError, match="no status"):
        read_codings(file, book, variables=left_out)
    assert len(read_codings(file, book, variables=left_out, accept=["no status"]).frame) == 4
