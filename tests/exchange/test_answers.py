"""Exports of the tools, read: every row as `answers.csv` has it. A format joins by a line in `READ`."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from codebook.exchange import Reading, open_export
from codebook.ground.personal import looks_personal, name_person

FOLDER = Path(__file__).parents[1] / "data" / "exchange"
KEY = "a key of the tests"
Key = tuple[str, ...]
_CONFIRMED = "doccano/individual_JSONL_confirmed"

READ: dict[str, dict[str, Any]] = {
    "label_studio/export_all_tasks.json": {},
    "doccano/individual_JSONL_all/anna.jsonl": {"unit": "doc_id", "confirmed": FOLDER / _CONFIRMED},
    "doccano/individual_JSONL_all/ben.jsonl": {"unit": "doc_id", "confirmed": FOLDER / _CONFIRMED},
    "doccano/shared_JSONL/all.jsonl": {},
    "doccano/spans_JSONL/anna.jsonl": {},
    "doccano/spans_JSONL/ben.jsonl": {},
    "potato/annotations.jsonl": {},
    "argilla/records_flat.json": {},
    "prodigy/choice.jsonl": {},
    "prodigy/ner.jsonl": {},
    "inception/anna/news.tsv": {},
    "inception/ben/news.tsv": {},
    "brat/anna/news.ann": {},
    "brat/ben/news.ann": {},
    "refi_qda/qualcoder_street.qdpx": {},
    "potato/ferry_letters.qdpx": {"coder_name": "(lost)"},
    "qualcoder/coded_segments.csv": {},
    "qda_tables/maxqda_coded_segments.xlsx": {},
    "qda_tables/atlasti_quotations.xlsx": {},
    "qda_tables/dedoose_excerpts.xlsx": {},
    "survey/qualtrics.csv": {"unit_name": "017"},
    "survey/codings.sav": {
        "unit": "unit",
        "columns": {"stance/anna": "anna", "stance/ben": "ben", "strength": "strength"},
    },
    "survey/google_forms.csv": {
        "unit": "Text number",
        "columns": {"stance": "Is the text for or against?", "topics": "Which topics? (tick all)"},
        "rename_coders": {"Anna ": "anna"},
    },
    "crowd/mturk_batch_results.csv": {"rename_coders": {name: name for name in ("WORKER_A", "WORKER_B", "WORKER_C")}},
    "crowd/zooniverse_classifications.csv": {},
    "image/cvat_images.xml": {"coder_name": "(not in the file)"},
}
"""File -> the options with which it is read."""


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEBOOK_PSEUDONYM_KEY", KEY)


def read_answers(file: str) -> Counter[Key]:
    """The right rows of a file."""
    with (FOLDER / "answers.csv").open(encoding="utf-8", newline="") as answers:
        rows = [row for row in csv.DictReader(answers) if row["file"] == file]
    return Counter(
        (row["unit"], _alias(row["coder"]), row["variable"], _sorted(row["label"]), *(row[name] for name in REST))
        for row in rows
    )


REST = ("status", "start", "end", "quote")


def _alias(name: str) -> str:
    return name_person(name, KEY) if looks_personal(name) else name


def _sorted(label: str) -> str:
    return json.dumps(sorted(json.loads(label))) if label.startswith("[") else label


def rows_of(reading: Reading) -> Counter[Key]:
    """The rows of a reading, as `answers.csv` writes them."""
    return Counter(
        (
            *(row.unit, row.coder, row.variable, _sorted(row.label), row.status),
            *("" if place is None else str(place) for place in (row.start, row.end)),
            row.quote,
        )
        for row in reading.rows
    )


@pytest.mark.parametrize("file", READ)
def test_rows_of_an_export_are_those_of_the_answers(file: str) -> None:
    """All right; what is more than the answers is no label."""
    reading = open_export(FOLDER / file, **READ[file])
    right, rows = read_answers(file), rows_of(reading)
    assert right - rows == Counter()
    assert not [row for row in rows - right if row[4] == "coded"]


@pytest.mark.parametrize("file", READ)
def test_no_address_or_number_of_a_person_is_in_a_reading(file: str) -> None:
    """Neither in rows nor in what is said of them."""
    reading = open_export(FOLDER / file, **READ[file])
    names = {row.coder for row in reading.rows}
    words = [*reading.notes, *map(str, reading.questions), reading.account.sentence(), *names]
    assert not [text for text in words if looks_personal(text)]
