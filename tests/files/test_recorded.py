"""Files of the record: what is damaged says so, with the mend, in every verb that reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from codebook.engines.service.remote_files import NoteBook
from codebook.errors import RecordError
from codebook.files.digests import read_json, read_run_record
from codebook.report import list_outputs
from codebook.report.facts import gather_facts
from codebook.report.page import write_report
from codebook.run import open_run

RECORD = {
    "run": "one",
    "planned_at": "2026-11-01",
    "codebook": {},
    "units": {},
    "asked": {"engine": "embedded", "model": "m", "url": "/v1", "draws": 1, "settings": {}, "options": {}},
}


@pytest.fixture
def folder(project: Path) -> Path:
    """The folder of a run."""
    folder = project / "runs" / "one"
    (folder / "outputs").mkdir(parents=True)
    return folder


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "unexpected end of data"),
        (b"", "empty"),
        (b"[]", "it has no mapping"),
        (b"{}", "`run` is missing, or is not of the type str"),
        (orjson.dumps({**RECORD, "asked": []}), "`asked` is missing, or is not of the type dict"),
        (
            orjson.dumps({**RECORD, "asked": {"engine": "embedded"}}),
            "`asked.model` is missing, or is not of the type str",
        ),
        (orjson.dumps({**RECORD, "units": None}), "`units` is missing, or is not of the type dict"),
    ],
)
def test_r13_a_damaged_record_of_a_run_is_told_with_the_mend(folder: Path, content: bytes, said: str) -> None:
    (folder / "run.json").write_bytes(content)
    with pytest.raises(RecordError, match=r"runs/one/run\.json is damaged.*To mend: restore it") as caught:
        open_run("one")
    assert said in str(caught.value)


@pytest.mark.parametrize("read", [gather_facts, write_report])
def test_r13_a_report_names_the_damaged_record(folder: Path, read: Callable[[str], object], monkeypatch) -> None:
    (folder / "run.json").write_bytes(b"[]")
    (folder / "table.csv").write_text('"unit_id","coder","variable","label","draw","why","run_id","custom_id"\n')
    (folder / "codebook.yaml").write_text(
        "name: a\nunit: b\nvariables:\n  - {name: c, question: d, kind: single, level: nominal, categories: [e, f]}\n"
    )
    monkeypatch.setattr("codebook.report.page.open_known", lambda *_: (folder / "run.json").open())
    with pytest.raises(RecordError, match=r"run\.json is damaged"):
        read("one")


@pytest.mark.parametrize("content", [b"{", b'[{"name": "a"}]', b"[1]", b'{"a": 1}', b'[{"x": 1}]'])
def test_r13_a_damaged_list_of_outputs_is_told_with_the_mend(folder: Path, content: bytes) -> None:
    (folder / "outputs" / "manifest.json").write_bytes(content)
    with pytest.raises(RecordError, match=r"outputs/manifest\.json is damaged.*save the outputs again"):
        list_outputs("one")


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"job_key": 1}'])
def test_r13_a_damaged_note_on_a_job_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "note-1.json").write_bytes(content)
    with pytest.raises(RecordError, match=r"note-1\.json is damaged.*restore it from a backup"):
        list(NoteBook(tmp_path))


def test_a_sound_record_is_given_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_bytes(orjson.dumps({**RECORD, "more": 1}))
    assert read_run_record(tmp_path / "run.json") == {**RECORD, "more": 1} == read_json(tmp_path / "run.json")
